//! `submit`: text, files or a directory, by pledge and bytes.

use lectern_cli::args::AssignmentArg;
use lectern_cli::{Error, Result, Session, input, json, text, transfer};
use lectern_client::Code;
use lectern_proto::v1;
use serde_json::json;

use super::draft;
use crate::cli::SubmitArgs;

pub async fn run(args: SubmitArgs, session: &Session) -> Result<()> {
    if args.paths.is_empty() && args.text.is_none() && !args.draft {
        return Err(Error::usage(
            "name the files or the directory to hand in, or give a text with --text FILE or --draft",
        ));
    }
    let comment = input::words(&args.comment)?;
    let written = match (&args.text, args.draft) {
        (Some(file), _) => input::read_text(file)?,
        (None, true) => draft::get(&args.assignment, 0, session).await?.text,
        (None, false) => String::new(),
    };
    let response = transfer::submit(&args.assignment, &args.paths, written, comment, session).await?;
    match (response.submission, response.extension_request) {
        (Some(submission), _) => {
            session.show(json!({ "submission": json::submission(&submission) }), || receipt(&submission))
        }
        (None, Some(request)) => session
            .show(json!({ "extension_request": json::extension_request(&request) }), || {
                kept(&args.assignment, &request)
            }),
        (None, None) => Err(Error::refused(
            Code::Internal,
            "INTERNAL",
            "the server answered with neither a submission nor a request",
        )),
    }
}

/// What the student keeps: what was handed in, when, with which digests.
fn receipt(submission: &v1::Submission) -> String {
    let late = if submission.late { ", late" } else { ", on time" };
    let mut lines = vec![format!(
        "Submitted {}/{}, attempt {}, at {}{late}.",
        submission.course_slug,
        submission.assignment_slug,
        submission.attempt,
        text::time(submission.submitted_at_ms)
    )];
    if !submission.text_digest.is_empty() {
        lines.push(format!(
            "  {}  text ({})",
            text::hex(&submission.text_digest),
            text::size(submission.text.len() as u64)
        ));
    }
    for file in &submission.files {
        lines.push(format!("  {}  {} ({})", text::hex(&file.digest), text::clean(&file.name), text::size(file.size)));
    }
    lines.push(format!("Stored on a majority at index {}, term {}.", submission.index, submission.term));
    lines.join("\n")
}

fn kept(assignment: &AssignmentArg, request: &v1::ExtensionRequest) -> String {
    format!(
        "The lock date of {assignment} has passed (PAST_LOCK_DATE), so this is NOT submitted.\n\
         Your work is kept as extension request {}: your instructor decides on it.",
        request.request_id
    )
}
