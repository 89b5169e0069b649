//! `assignment list`, `show`, `fetch`.

use lectern_cli::{Result, Session, assignment, transfer};

use crate::cli::AssignmentCommand;

pub async fn run(command: AssignmentCommand, session: &Session) -> Result<()> {
    match command {
        AssignmentCommand::List { course } => assignment::list(&course, session).await,
        AssignmentCommand::Show { assignment } => assignment::show(&assignment, session).await,
        AssignmentCommand::Fetch { assignment, dir } => {
            let found = assignment::get(&assignment, session).await?;
            transfer::save_files(&found.attachments, &dir, session).await
        }
    }
}
