//! `assignment …`.

use std::path::PathBuf;

use jiff::tz::TimeZone;
use lectern_cli::args::{AssignmentArg, CourseArg};
use lectern_cli::{Result, Session, assignment, course, input, json, transfer};
use lectern_proto::{POINT, v1};
use serde_json::json;

use super::dates;
use crate::cli::{AssignmentCommand, SettingsArgs};

pub async fn run(command: AssignmentCommand, session: &Session) -> Result<()> {
    match command {
        AssignmentCommand::Create { assignment, settings, attachments } => {
            create(&assignment, &settings, &attachments, session).await
        }
        AssignmentCommand::Update { assignment, settings, attachments, reason } => {
            update(&assignment, &settings, &attachments, reason.reason, session).await
        }
        AssignmentCommand::Remove { assignment, reason } => {
            let request = v1::DeleteAssignmentRequest {
                course: assignment.course.clone(),
                assignment: assignment.assignment.clone(),
                reason: reason.reason,
            };
            session.call(request).await?;
            session.show(json!({ "removed": assignment.to_string() }), || format!("{assignment} is removed."))
        }
        AssignmentCommand::Read(command) => assignment::read(&command, session).await,
    }
}

async fn create(
    assignment: &AssignmentArg,
    args: &SettingsArgs,
    attachments: &[PathBuf],
    session: &Session,
) -> Result<()> {
    let course = course::get(&CourseArg::new(&assignment.course), session).await?;
    let settings = change(args, fresh(&assignment.assignment), &dates::zone(&course.time_zone)?)?;
    let made = put(assignment, settings, attachments, session).await?;
    session.show(json::assignment(&made), || assignment::describe(&made, lectern_cli::text::now_ms()))
}

/// Creates an assignment with these settings and attachments.
pub async fn put(
    assignment: &AssignmentArg,
    settings: v1::AssignmentSettings,
    attachments: &[PathBuf],
    session: &Session,
) -> Result<v1::Assignment> {
    let attachments_upload_id = if attachments.is_empty() {
        String::new()
    } else {
        transfer::upload(&assignment.course, attachments, session).await?
    };
    let request = v1::CreateAssignmentRequest {
        course: assignment.course.clone(),
        slug: assignment.assignment.clone(),
        settings: Some(settings),
        attachments_upload_id,
    };
    Ok(session.call(request).await?.assignment.unwrap_or_default())
}

async fn update(
    assignment: &AssignmentArg,
    args: &SettingsArgs,
    attachments: &[PathBuf],
    reason: String,
    session: &Session,
) -> Result<()> {
    let course = course::get(&CourseArg::new(&assignment.course), session).await?;
    let current = assignment::get(assignment, session).await?;
    let settings = change(args, current.settings.unwrap_or_default(), &dates::zone(&course.time_zone)?)?;
    let attachments_upload_id = match attachments {
        [] => None,
        files => Some(transfer::upload(&assignment.course, files, session).await?),
    };
    let request = v1::UpdateAssignmentRequest {
        course: assignment.course.clone(),
        assignment: assignment.assignment.clone(),
        settings: Some(settings),
        attachments_upload_id,
        reason,
        revision: current.revision,
    };
    let changed = session.call(request).await?.assignment.unwrap_or_default();
    session.show(json::assignment(&changed), || assignment::describe(&changed, lectern_cli::text::now_ms()))
}

/// A new assignment: 100 points, text or files, grades hidden until posted, visible.
pub fn fresh(slug: &str) -> v1::AssignmentSettings {
    v1::AssignmentSettings {
        title: slug.to_owned(),
        points_possible: 100 * POINT,
        submission_types: vec![v1::SubmissionType::Text.into(), v1::SubmissionType::Files.into()],
        post_manually: true,
        published: true,
        ..Default::default()
    }
}

fn change(
    args: &SettingsArgs,
    mut settings: v1::AssignmentSettings,
    zone: &TimeZone,
) -> Result<v1::AssignmentSettings> {
    if let Some(title) = &args.title {
        settings.title.clone_from(title);
    }
    if let Some(description) = &args.description {
        settings.description = input::words(description)?;
    }
    if let Some(file) = &args.description_file {
        settings.description = input::read_text(file)?;
    }
    settings.points_possible = args.points.unwrap_or(settings.points_possible);
    settings.unlock_at_ms = dates::change(args.unlock.as_deref(), zone, settings.unlock_at_ms)?;
    settings.due_at_ms = dates::change(args.due.as_deref(), zone, settings.due_at_ms)?;
    settings.lock_at_ms = dates::change(args.lock.as_deref(), zone, settings.lock_at_ms)?;
    if !args.types.is_empty() {
        settings.submission_types = args.types.iter().map(|kind| v1::SubmissionType::from(*kind).into()).collect();
    }
    if !args.extensions.is_empty() {
        settings.allowed_extensions.clone_from(&args.extensions);
    }
    settings.allowed_attempts = args.attempts.unwrap_or(settings.allowed_attempts);
    settings.max_file_bytes = args.max_file_bytes.unwrap_or(settings.max_file_bytes);
    settings.max_text_bytes = args.max_text_bytes.unwrap_or(settings.max_text_bytes);
    settings.post_manually = args.post_at_once.map_or(settings.post_manually, |at_once| !at_once);
    if let Some(group) = &args.group {
        settings.group = if group == "none" { String::new() } else { group.clone() };
    }
    settings.published = args.published.unwrap_or(settings.published);
    Ok(settings)
}
