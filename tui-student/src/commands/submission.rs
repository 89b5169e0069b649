//! `submission list`, `show`, `fetch`, `read`, `choose`, `withdraw`.

use lectern_cli::args::AssignmentArg;
use lectern_cli::{Result, Session, json, submission, transfer};
use lectern_proto::v1;
use serde_json::json;

use crate::cli::SubmissionCommand;

pub async fn run(command: SubmissionCommand, session: &Session) -> Result<()> {
    match command {
        SubmissionCommand::List { assignment } => submission::attempts(&assignment, "", session).await,
        SubmissionCommand::Show { assignment, attempt } => {
            let found = get(&assignment, attempt, session).await?;
            session.show(json::submission(&found), || submission::describe(&found))
        }
        SubmissionCommand::Fetch { assignment, attempt, into } => {
            let found = get(&assignment, attempt, session).await?;
            transfer::save_files(&found.files, &into, session).await
        }
        SubmissionCommand::Read { assignment, attempt, file, pages } => {
            let found = get(&assignment, attempt, session).await?;
            submission::read_file(&found, file.as_deref(), pages, session).await
        }
        SubmissionCommand::Choose { assignment, attempt } => {
            let request =
                v1::ChooseAttemptRequest { course: assignment.course, assignment: assignment.assignment, attempt };
            let counted = session.call(request).await?.counted.unwrap_or_default();
            session.show(json!({ "counted": json::counted(Some(&counted)) }), || submission::which_counts(&counted))
        }
        SubmissionCommand::Withdraw { pledge } => {
            session.call(v1::WithdrawPledgeRequest { pledge_id: pledge.clone() }).await?;
            session.show(json!({ "withdrawn": pledge }), || "The upload is withdrawn; nothing was submitted.".into())
        }
    }
}

async fn get(assignment: &AssignmentArg, attempt: u32, session: &Session) -> Result<v1::Submission> {
    submission::get(assignment, "", attempt, session).await
}
