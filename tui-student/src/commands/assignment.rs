//! `assignment list`, `show`, `fetch`.

use lectern_cli::{Result, Session, assignment, transfer};

use crate::cli::AssignmentCommand;

pub async fn run(command: AssignmentCommand, session: &Session) -> Result<()> {
    match command {
        AssignmentCommand::Read(command) => assignment::read(&command, session).await,
        AssignmentCommand::Fetch { assignment, into } => {
            let found = assignment::get(&assignment, session).await?;
            transfer::save_files(&found.attachments, &into, session).await
        }
    }
}
