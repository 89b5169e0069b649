//! `grade …`.

use std::path::PathBuf;

use lectern_cli::args::AssignmentArg;
use lectern_cli::{Result, Session, input, json, text};
use lectern_proto::v1;
use serde_json::json;

use super::submission;
use crate::cli::GradeCommand;

pub async fn run(command: GradeCommand, session: &Session) -> Result<()> {
    match command {
        GradeCommand::Set { assignment, user, score, feedback, feedback_file, attempt, base, reason } => {
            let (seen_attempt, current) = submission::seen(&assignment, &user, session).await?;
            let request = v1::SetGradeRequest {
                course: assignment.course.clone(),
                assignment: assignment.assignment.clone(),
                user,
                score,
                feedback: words(feedback, feedback_file, current.as_ref())?,
                attempt: if attempt == 0 { seen_attempt } else { attempt },
                base_revision: base.unwrap_or_else(|| current.as_ref().map_or(0, |grade| grade.revision)),
                reason,
            };
            set(request, session).await
        }
        GradeCommand::Post { assignment, users } => post(&assignment, users, false, session).await,
        GradeCommand::Hide { assignment, users } => post(&assignment, users, true, session).await,
    }
}

/// New feedback, or the feedback there is: changing a score must not lose it.
fn words(feedback: Option<String>, file: Option<PathBuf>, current: Option<&v1::Grade>) -> Result<String> {
    match (feedback, file) {
        (Some(feedback), _) => Ok(feedback),
        (None, Some(file)) => input::read_text(&file),
        (None, None) => Ok(current.map(|grade| grade.feedback.clone()).unwrap_or_default()),
    }
}

async fn set(request: v1::SetGradeRequest, session: &Session) -> Result<()> {
    let user = request.user.clone();
    let grade = session.call(request).await?.grade.unwrap_or_default();
    session.show(json!({ "grade": json::grade(Some(&grade)) }), || {
        let shown = if grade.posted { "the student sees it" } else { "hidden until it is posted" };
        format!("{user}: {} of {} ({shown}).", text::points(grade.score), text::points(grade.points_possible))
    })
}

async fn post(assignment: &AssignmentArg, users: Vec<String>, hide: bool, session: &Session) -> Result<()> {
    let request = v1::PostGradesRequest {
        course: assignment.course.clone(),
        assignment: assignment.assignment.clone(),
        users,
        hide,
    };
    let changed = session.call(request).await?.changed;
    session.show(json!({ "changed": changed }), || {
        format!("Grades of {assignment} {}: {changed}.", if hide { "hidden" } else { "posted" })
    })
}
