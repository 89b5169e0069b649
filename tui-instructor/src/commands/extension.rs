//! `extension …`: work that came after the lock date.

use lectern_cli::args::CourseArg;
use lectern_cli::{Result, Session, extension, json};
use lectern_proto::v1;
use serde_json::json;

use crate::cli::ExtensionCommand;

pub async fn run(command: ExtensionCommand, session: &Session) -> Result<()> {
    match command {
        ExtensionCommand::List { scope, pending } => extension::list(&scope, pending, session).await,
        ExtensionCommand::Accept { course, request, reason } => decide(&course, request, true, reason, session).await,
        ExtensionCommand::Decline { course, request, reason } => decide(&course, request, false, reason, session).await,
    }
}

async fn decide(course: &CourseArg, request_id: String, accept: bool, reason: String, session: &Session) -> Result<()> {
    let request = v1::DecideExtensionRequestRequest { course: course.to_string(), request_id, accept, reason };
    let decided = session.call(request).await?;
    let kept = decided.request.unwrap_or_default();
    let value = json!({
        "request": json::extension_request(&kept), "submission": decided.submission.as_ref().map(json::submission),
    });
    session.show(value, || match &decided.submission {
        Some(submission) => format!("Accepted: it is attempt {} now.", submission.attempt),
        None => "Declined; the work stays kept.".into(),
    })
}
