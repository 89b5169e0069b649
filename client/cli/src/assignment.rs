//! Assignments: `assignment list`, `assignment show`.

use clap::Subcommand;
use lectern_proto::v1;

use crate::args::{AssignmentArg, CourseArg};
use crate::table::{cut, keep, spare};
use crate::{Result, Session, json, pages, text};

/// What everyone may do with assignments.
#[derive(Subcommand, Debug)]
pub enum ReadCommand {
    /// List the assignments of a course.
    List {
        /// Such as `cs101`.
        course: CourseArg,
    },
    /// Show one assignment: what to do, its dates, how it stands.
    Show {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
    },
}

/// Runs one of them.
pub async fn read(command: &ReadCommand, session: &Session) -> Result<()> {
    match command {
        ReadCommand::List { course } => list(course, session).await,
        ReadCommand::Show { assignment } => show(assignment, session).await,
    }
}

/// One assignment.
pub async fn get(assignment: &AssignmentArg, session: &Session) -> Result<v1::Assignment> {
    Ok(fetch(assignment, session).await?.assignment.unwrap_or_default())
}

async fn fetch(assignment: &AssignmentArg, session: &Session) -> Result<v1::GetAssignmentResponse> {
    let request =
        v1::GetAssignmentRequest { course: assignment.course.clone(), assignment: assignment.assignment.clone() };
    session.call(request).await
}

async fn list(course: &CourseArg, session: &Session) -> Result<()> {
    let assignments = pages::all(session, |page_token| v1::ListAssignmentsRequest {
        course: course.to_string(),
        page_token,
        ..Default::default()
    })
    .await?;
    let value = json::list("assignments", assignments.iter().map(json::assignment).collect());
    session.show(value, || {
        let rows = assignments.iter().map(|assignment| {
            let settings = assignment.settings.clone().unwrap_or_default();
            let due_at_ms = assignment.mine.as_ref().map_or(settings.due_at_ms, |mine| mine.due_at_ms);
            vec![
                assignment.slug.clone(),
                settings.title.clone(),
                text::points(settings.points_possible),
                text::optional_time(due_at_ms),
                standing(assignment),
            ]
        });
        let columns = [keep("assignment"), cut("title"), spare("points"), keep("due"), cut("state")];
        text::table(&columns, rows, "This course has no assignments yet.")
    })
}

/// How things stand, for whoever looks.
fn standing(assignment: &v1::Assignment) -> String {
    let published = assignment.settings.as_ref().is_some_and(|settings| settings.published);
    if let Some(counts) = &assignment.counts {
        let hidden = if published { "" } else { " · not published" };
        return format!(
            "{} of {} handed in, {} to grade{hidden}",
            counts.submitted, counts.students, counts.needs_grading
        );
    }
    let Some(mine) = &assignment.mine else { return String::new() };
    match (mine.score, mine.submitted_at_ms, mine.missing) {
        (Some(score), ..) => format!("graded: {}", text::points(score)),
        (None, Some(_), _) if mine.late => "submitted late".into(),
        (None, Some(_), _) => "submitted".into(),
        (None, None, true) => "missing".into(),
        (None, None, false) if mine.uploading => "uploading".into(),
        (None, None, false) if mine.has_draft => "draft saved".into(),
        (None, None, false) => "not submitted".into(),
    }
}

async fn show(assignment: &AssignmentArg, session: &Session) -> Result<()> {
    let response = fetch(assignment, session).await?;
    let now_ms = response.now_ms;
    let assignment = response.assignment.unwrap_or_default();
    session.show(json::assignment(&assignment), || describe(&assignment, now_ms))
}

/// An assignment for people, at a moment of cluster time.
pub fn describe(assignment: &v1::Assignment, now_ms: i64) -> String {
    let settings = assignment.settings.clone().unwrap_or_default();
    let mine = assignment.mine.unwrap_or_default();
    let (unlock, due, lock) = match assignment.mine {
        Some(mine) => (mine.unlock_at_ms, mine.due_at_ms, mine.lock_at_ms),
        None => (settings.unlock_at_ms, settings.due_at_ms, settings.lock_at_ms),
    };
    let mut lines = vec![format!(
        "{}/{} – {} ({} points)",
        assignment.course_slug,
        assignment.slug,
        text::clean(&settings.title),
        text::points(settings.points_possible)
    )];
    for (label, date) in [("Opens", unlock), ("Due", due), ("Locks", lock)] {
        if let Some(date) = date {
            lines.push(format!("{label:7} {} ({})", text::time(date), text::distance(date, now_ms)));
        }
    }
    lines.push(format!("Takes   {}", json::submission_types(&settings).join(", ")));
    if !settings.allowed_extensions.is_empty() {
        lines.push(format!("Files   {}", settings.allowed_extensions.join(", ")));
    }
    if settings.allowed_attempts > 0 {
        lines.push(format!("Attempts {} of {} used", mine.attempts_used, settings.allowed_attempts));
    }
    lines.push(format!("State   {}", standing(assignment)));
    for file in &assignment.attachments {
        lines.push(format!("Attached {} ({})", text::clean(&file.name), text::size(file.size)));
    }
    if assignment.content_hidden {
        lines.push("What to do, and its files, are shown when it opens.".into());
    }
    if !settings.description.is_empty() {
        lines.push(String::new());
        lines.push(text::clean_body(&settings.description));
    }
    lines.join("\n")
}
