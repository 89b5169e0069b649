//! `audit list`.

use lectern_cli::{Result, Session, json, pages, text};
use lectern_proto::v1;

use crate::cli::AuditCommand;

pub async fn run(command: AuditCommand, session: &Session) -> Result<()> {
    let AuditCommand::List { course, limit } = command;
    let course = course.map(|course| course.to_string()).unwrap_or_default();
    let entries = pages::at_most(session, limit, |page_token| v1::ListAuditRequest {
        course: course.clone(),
        page_token,
        ..Default::default()
    })
    .await?;
    let value = json::list("entries", entries.iter().map(json::audit).collect());
    session.show(value, || {
        let rows = entries.iter().map(|entry| {
            let actor = entry.actor.as_ref().map(|actor| actor.username.clone()).unwrap_or_default();
            let change = format!("{} → {}", entry.before, entry.after);
            vec![
                text::time(entry.at_ms),
                actor,
                entry.action.clone(),
                entry.subject.clone(),
                change,
                entry.reason.clone(),
            ]
        });
        text::table(&["when", "who", "what", "of", "change", "why"], rows, "Nothing was changed yet.")
    })
}
