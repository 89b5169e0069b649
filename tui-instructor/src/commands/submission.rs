//! `submission …` and `next`: what students handed in.

use lectern_cli::args::{AssignmentArg, IntoArg};
use lectern_cli::table::{cut, keep, spare};
use lectern_cli::transfer::{self, Wanted};
use lectern_cli::{Result, Session, json, pages, submission, text};
use lectern_client::Saved;
use lectern_proto::v1;
use serde_json::json;

use crate::cli::SubmissionCommand;

pub async fn run(command: SubmissionCommand, session: &Session) -> Result<()> {
    match command {
        SubmissionCommand::List { assignment, user: Some(user), .. } => {
            submission::attempts(&assignment, &user, session).await
        }
        SubmissionCommand::List { assignment, user: None, needs_grading } => {
            list(&assignment, needs_grading, session).await
        }
        SubmissionCommand::Show { assignment, user, attempt } => {
            let (found, counted) = submission::get_with_counted(&assignment, &user, attempt, session).await?;
            let mut value = json::submission(&found);
            value["counted"] = json::counted(Some(&counted));
            session.show(value, || format!("{}\n{}", submission::which_counts(&counted), submission::describe(&found)))
        }
        SubmissionCommand::Read { assignment, user, attempt, file, pages } => {
            let found = submission::get(&assignment, &user, attempt, session).await?;
            submission::read_file(&found, file.as_deref(), pages, session).await
        }
        SubmissionCommand::Fetch { assignment, user: Some(user), into } => {
            let found = submission::get(&assignment, &user, 0, session).await?;
            transfer::save_files(&found.files, &into, session).await
        }
        SubmissionCommand::Fetch { assignment, user: None, into } => fetch_all(&assignment, &into, session).await,
    }
}

/// A student's attempt that counts (0: nothing was handed in) and grade, hidden or not, at this moment: what a new grade is
/// meant for, even when another attempt comes in before it is set.
pub async fn seen(assignment: &AssignmentArg, user: &str, session: &Session) -> Result<(u32, Option<v1::Grade>)> {
    match submission::get(assignment, user, 0, session).await {
        Ok(submission) => Ok((submission.attempt, submission.grade)),
        // Nothing was handed in: the list of everyone still has the grade.
        Err(error) if error.is_refused_for("NOT_FOUND") => {
            let everyone = summaries(assignment, false, session).await?;
            let own = everyone.into_iter().find(|row| {
                row.submitter.as_ref().is_some_and(|person| person.username == user || person.user_id == user)
            });
            Ok((0, own.and_then(|row| row.grade)))
        }
        Err(error) => Err(error),
    }
}

async fn summaries(
    assignment: &AssignmentArg,
    needs_grading: bool,
    session: &Session,
) -> Result<Vec<v1::SubmissionSummary>> {
    pages::all(session, |page_token| v1::ListSubmissionsRequest {
        course: assignment.course.clone(),
        assignment: assignment.assignment.clone(),
        needs_grading,
        page_token,
        ..Default::default()
    })
    .await
}

async fn list(assignment: &AssignmentArg, needs_grading: bool, session: &Session) -> Result<()> {
    let rows = summaries(assignment, needs_grading, session).await?;
    let value = json::list("submissions", rows.iter().map(json::submission_summary).collect());
    session.show(value, || {
        let lines = rows.iter().map(|row| {
            let person = row.submitter.clone().unwrap_or_default();
            let timing = match (row.missing, row.late) {
                (true, _) => "missing",
                (_, true) => "late",
                _ => "",
            };
            vec![
                person.username,
                person.name,
                json::name(row.state().as_str_name(), "WORKFLOW_STATE"),
                row.attempts.to_string(),
                text::optional_time(row.submitted_at_ms),
                timing.to_owned(),
                row.grade.as_ref().map_or_else(|| "–".into(), |grade| text::points(grade.score)),
            ]
        });
        let empty = if needs_grading { "Nothing waits for a grade." } else { "This course has no students yet." };
        let columns = [
            keep("username"),
            cut("name"),
            keep("state"),
            spare("attempts"),
            spare("submitted"),
            keep(""),
            keep("score"),
        ];
        text::table(&columns, lines, empty)
    })
}

/// What waits for a grade, in every course the caller helps to run.
pub async fn next(session: &Session) -> Result<()> {
    let home = session.call(v1::GetHomeRequest {}).await?;
    let mut waiting = Vec::new();
    for course in home.courses.iter().filter(|course| course.needs_grading > 0) {
        let assignments = pages::all(session, |page_token| v1::ListAssignmentsRequest {
            course: course.slug.clone(),
            page_token,
            ..Default::default()
        })
        .await?;
        waiting.extend(
            assignments.into_iter().filter(|it| it.counts.as_ref().is_some_and(|counts| counts.needs_grading > 0)),
        );
    }
    let value = json::list("needs_grading", waiting.iter().map(json::assignment).collect());
    session.show(value, || {
        let rows = waiting.iter().map(|assignment| {
            let count = assignment.counts.map_or(0, |counts| counts.needs_grading);
            let title = assignment.settings.as_ref().map(|settings| settings.title.clone()).unwrap_or_default();
            vec![format!("{}/{}", assignment.course_slug, assignment.slug), title, count.to_string()]
        });
        text::table(&["assignment", "title", "to grade"], rows, "Nothing waits for a grade.")
    })
}

/// Saves everyone's files that count, each in a folder named after the student.
async fn fetch_all(assignment: &AssignmentArg, into: &IntoArg, session: &Session) -> Result<()> {
    let mut wanted = Vec::new();
    let mut whose = Vec::new();
    for row in summaries(assignment, false, session).await?.iter().filter(|row| row.attempts > 0) {
        let username = row.submitter.as_ref().map(|person| person.username.clone()).unwrap_or_default();
        let found = submission::get(assignment, &username, 0, session).await?;
        let own = Wanted::below(&into.dir.join(transfer::local_name(&username)), &found.files);
        whose.extend(own.iter().map(|_| username.clone()));
        wanted.extend(own);
    }
    let saved = transfer::save_all(&wanted, into.force, session).await?;
    let files = whose.iter().zip(wanted.iter().zip(&saved)).map(|(username, (wanted, saved))| {
        let already_there = *saved == Saved::AlreadyThere;
        json!({"username": username, "path": wanted.path.display().to_string(), "already_there": already_there})
    });
    session.show(json!({ "files": files.collect::<Vec<_>>() }), || {
        let new = saved.iter().filter(|saved| **saved == Saved::Written).count();
        let rest = match saved.len() - new {
            0 => String::new(),
            rest => format!("; {rest} were there already"),
        };
        format!("Saved {} below {}{rest}.", text::count(new, "file", "files"), into.dir.display())
    })
}
