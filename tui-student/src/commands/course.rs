//! `course list`, `course show`.

use lectern_cli::{Result, Session, course};

use crate::cli::CourseCommand;

pub async fn run(command: CourseCommand, session: &Session) -> Result<()> {
    match command {
        CourseCommand::List => course::list(false, session).await,
        CourseCommand::Show { course } => course::show(&course, session).await,
    }
}
