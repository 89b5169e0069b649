//! `grade …`.

use std::path::PathBuf;

use lectern_cli::args::{AssignmentArg, CourseArg};
use lectern_cli::text::with_level;
use lectern_cli::{Error, Result, Session, format, input, json, text};
use lectern_proto::v1;
use serde_json::json;

use super::{gradebook, submission};
use crate::cli::GradeCommand;

pub async fn run(command: GradeCommand, session: &Session) -> Result<()> {
    match command {
        GradeCommand::Set { assignment, user, score, feedback, feedback_file, attempt, waive_late, base, reason } => {
            let (latest, current) = submission::seen(&assignment, &user, session).await?;
            let graded_attempt = graded_attempt(attempt, latest, &user)?;
            let waived = current.as_ref().is_some_and(|grade| grade.late_waived && grade.attempt == graded_attempt);
            let request = v1::SetGradeRequest {
                course: assignment.course.clone(),
                assignment: assignment.assignment.clone(),
                attempt: graded_attempt,
                user,
                score,
                feedback: words(feedback, feedback_file, current.as_ref())?,
                base_revision: base.unwrap_or_else(|| current.as_ref().map_or(0, |grade| grade.revision)),
                reason: reason.reason,
                waive_late: waive_late.unwrap_or(waived),
            };
            set(request, session).await
        }
        GradeCommand::Final { course, user, percent, reason } => {
            set_final(&course, user, &percent, reason.reason, session).await
        }
        GradeCommand::Post { assignment, users } => post(&assignment, users, false, session).await,
        GradeCommand::Hide { assignment, users } => post(&assignment, users, true, session).await,
    }
}

/// The attempt a grade is for: a second one may have come while the first was being read, so with several it is named.
fn graded_attempt(named: Option<u32>, latest: u32, user: &str) -> Result<u32> {
    match (named, latest) {
        (Some(named), _) => Ok(named),
        (None, 0 | 1) => Ok(latest),
        (None, _) => Err(Error::usage(format!(
            "{user} has handed in {latest} attempts: say which one you graded, such as --attempt {latest}"
        ))),
    }
}

/// New feedback, or the feedback there is: changing a score must not lose it.
fn words(feedback: Option<String>, file: Option<PathBuf>, current: Option<&v1::Grade>) -> Result<String> {
    match (feedback, file) {
        (Some(feedback), _) => input::words(&feedback),
        (None, Some(file)) => input::read_text(&file),
        (None, None) => Ok(current.map(|grade| grade.feedback.clone()).unwrap_or_default()),
    }
}

async fn set(request: v1::SetGradeRequest, session: &Session) -> Result<()> {
    let user = request.user.clone();
    let grade = session.call(request).await?.grade.unwrap_or_default();
    let mut value = json::grade(Some(&grade));
    value["above_maximum"] = is_above_maximum(&grade).into();
    session.show(json!({ "grade": value }), || in_words(&user, &grade))
}

/// Extra credit is given on purpose, and a slip of the fingers looks the same.
fn is_above_maximum(grade: &v1::Grade) -> bool {
    grade.score > grade.points_possible
}

fn in_words(user: &str, grade: &v1::Grade) -> String {
    let shown = if grade.posted { "the student sees it" } else { "hidden until it is posted" };
    let above = if is_above_maximum(grade) { ". That is above the maximum" } else { "" };
    let late = match grade.points_deducted {
        0 => String::new(),
        points => format!(", {} less for lateness", text::points(points)),
    };
    let (score, possible) = (text::points(grade.score), text::points(grade.points_possible));
    format!("{user}: {score} of {possible}{late} ({shown}){above}.")
}

/// Sets a final percentage on the revision that the gradebook has now.
async fn set_final(course: &CourseArg, user: String, percent: &str, reason: String, session: &Session) -> Result<()> {
    let percent = match percent {
        "computed" => None,
        typed => Some(format::parse_percent(typed).map_err(Error::usage)?),
    };
    let book = gradebook::all(course, session).await?;
    let named = |row: &&v1::GradebookRow| {
        let student = row.student.clone().unwrap_or_default();
        student.user_id == user || student.username.eq_ignore_ascii_case(&user)
    };
    let total = book.rows.iter().find(named).and_then(|row| row.total.clone()).unwrap_or_default();
    let request = v1::SetFinalGradeRequest {
        course: course.to_string(),
        user: user.clone(),
        percent,
        base_revision: total.override_revision,
        reason,
    };
    let total = session.call(request).await?.total.unwrap_or_default();
    session.show(json!({ "total": json::total(Some(&total)) }), || {
        let computed = format::percent(total.r#final);
        match total.r#override {
            Some(_) => format!("{user}: {} (computed: {computed}).", with_level(total.r#override, &total.final_level)),
            None => format!("{user}: {}, as computed.", with_level(total.r#final, &total.final_level)),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_above_the_maximum_is_said_to_be_one() {
        let grade = |score| v1::Grade { score, points_possible: 200_000, ..v1::Grade::default() };
        assert_eq!(
            in_words("ada", &grade(250_000)),
            "ada: 25 of 20 (hidden until it is posted). That is above the maximum."
        );
        assert_eq!(in_words("ada", &grade(200_000)), "ada: 20 of 20 (hidden until it is posted).");
    }

    #[test]
    fn with_several_attempts_the_graded_one_is_named() {
        assert_eq!(graded_attempt(None, 0, "ada").ok(), Some(0));
        assert_eq!(graded_attempt(None, 1, "ada").ok(), Some(1));
        assert_eq!(graded_attempt(Some(1), 2, "ada").ok(), Some(1));
        assert!(graded_attempt(None, 2, "ada").is_err());
    }
}
