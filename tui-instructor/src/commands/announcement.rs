//! `announcement …`.

use lectern_cli::{Result, Session, json, talk};
use lectern_proto::v1;
use serde_json::json;

use crate::cli::AnnouncementCommand;

pub async fn run(command: AnnouncementCommand, session: &Session) -> Result<()> {
    match command {
        AnnouncementCommand::Read(command) => talk::announcement(command, session).await,
        AnnouncementCommand::Post { course, title, body } => {
            let request = v1::CreateAnnouncementRequest { course: course.to_string(), title, body: body.read()? };
            let announcement = session.call(request).await?.announcement.unwrap_or_default();
            session.show(json::announcement(&announcement), || {
                format!("Posted to {course} ({}).", announcement.announcement_id)
            })
        }
        AnnouncementCommand::Remove { course, announcement } => {
            let request =
                v1::DeleteAnnouncementRequest { course: course.to_string(), announcement_id: announcement.clone() };
            session.call(request).await?;
            session.show(json!({ "removed": announcement }), || "The announcement is removed.".into())
        }
    }
}
