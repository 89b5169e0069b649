//! `submit`: text, files or a directory, by pledge and bytes.

use std::path::PathBuf;

use lectern_cli::args::{AssignmentArg, ForceArg};
use lectern_cli::{Error, Result, Session, input, json, output, receipt, submission, text, transfer};
use lectern_client::outbox::is_away;
use lectern_client::receipt::Signed;
use lectern_client::{Code, Destination};
use lectern_proto::v1;
use serde_json::json;

use super::{draft, outbox};
use crate::cli::SubmitArgs;
use crate::starter;

pub async fn run(args: SubmitArgs, session: &Session) -> Result<()> {
    let (assignment, paths) = what_and_where(&args)?;
    let comment = input::words(&args.comment)?;
    let receipt_place = transfer::output_place(args.receipt.as_deref(), ForceArg::default())?;
    let written = match (&args.text, args.draft) {
        (Some(file), _) => input::read_text(file)?,
        (None, true) => draft::get(&assignment, 0, session).await?.text,
        (None, false) => String::new(),
    };
    session.require_token()?;
    let what = transfer::gather(&assignment, &paths, written, comment)?;
    let handed_in = async {
        outbox::send_earlier(&assignment, session).await?;
        transfer::submit(&what, session).await
    };
    let response = match handed_in.await {
        Err(error) if is_away(&error) => return Err(outbox::queue(&what, error, session).await),
        response => response?,
    };
    match (response.submission, response.extension_request) {
        (Some(submission), _) => {
            let signed = signed(&submission, receipt_place.as_ref(), session).await;
            let value = json!({
                "submission": json::submission(&submission), "counted": json::counted(response.counted.as_ref()),
                "receipt": signed.as_ref().ok().map(|(signed, path)| {
                    json!({ "text": signed.text, "key_id": signed.receipt.key_id(), "path": path.display().to_string() })
                }),
            });
            let counted = response.counted.unwrap_or_default();
            session.show(value, || submitted(&submission, &counted, signed.as_ref().ok()))?;
            if let Err(error) = signed {
                output::note(&format!(
                    "It is submitted, and there is no signed receipt yet: {error}\n`receipt save {} --attempt {}` gets it later.",
                    assignment, submission.attempt
                ));
            }
            Ok(())
        }
        (None, Some(request)) => session
            .show(json!({ "extension_request": json::extension_request(&request) }), || kept(&assignment, &request)),
        (None, None) => Err(Error::refused(
            Code::Internal,
            "INTERNAL",
            "the server answered with neither a submission nor a request",
        )),
    }
}

/// As the command line says; without an assignment, the folder one is in.
fn what_and_where(args: &SubmitArgs) -> Result<(AssignmentArg, Vec<PathBuf>)> {
    if let Some(assignment) = &args.assignment {
        if args.paths.is_empty() && args.text.is_none() && !args.draft {
            return Err(Error::usage(
                "name the files or the directory to hand in, or give a text with --text FILE or --draft",
            ));
        }
        return Ok((assignment.clone(), args.paths.clone()));
    }
    let here = std::env::current_dir().map_err(|error| Error::io(".", error))?;
    let (assignment, folder) = starter::find(&here)?.ok_or_else(|| {
        Error::usage("name the assignment, such as cs101/hw3; only in a folder that `start` made it may be left out")
    })?;
    let paths = if args.text.is_none() && !args.draft { vec![folder] } else { Vec::new() };
    Ok((assignment, paths))
}

/// The receipt, kept in its place and where the person wants it.
async fn signed(
    submission: &v1::Submission,
    place: Option<&Destination>,
    session: &Session,
) -> Result<(Signed, PathBuf)> {
    let (signed, path) = receipt::of_submission(submission, session).await?;
    if let Some(place) = place {
        place.write(signed.text.as_bytes(), false)?;
    }
    Ok((signed, path))
}

/// What was handed in, when, with which digests; and which attempt counts, where that is another one.
fn submitted(submission: &v1::Submission, counted: &v1::Counted, signed: Option<&(Signed, PathBuf)>) -> String {
    let late = if submission.late { ", late" } else { ", on time" };
    let mut lines = vec![format!(
        "Submitted {}/{}, attempt {}, at {}{late}.",
        submission.course_slug,
        submission.assignment_slug,
        submission.attempt,
        text::time(submission.submitted_at_ms)
    )];
    if counted.attempt != submission.attempt {
        lines.push(submission::another_counts(submission, counted));
    }
    match signed {
        Some((signed, path)) => lines.push(format!(
            "\n{}\nThis receipt is kept as {}; `receipt verify FILE` verifies it without the cluster.",
            text::clean_body(&signed.text),
            path.display()
        )),
        None => lines.extend(stored(submission)),
    }
    lines.join("\n")
}

/// What a receipt would say, without a signature.
fn stored(submission: &v1::Submission) -> Vec<String> {
    let mut lines = Vec::new();
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
    lines
}

fn kept(assignment: &AssignmentArg, request: &v1::ExtensionRequest) -> String {
    format!(
        "The lock date of {assignment} has passed (PAST_LOCK_DATE), so this is NOT submitted.\n\
         Your work is kept as extension request {}: your instructor decides on it.",
        request.request_id
    )
}
