//! `grade list`, `grade show`.

use lectern_cli::args::{AssignmentArg, CourseArg};
use lectern_cli::{Result, Session, json, text};
use lectern_client::Code;
use lectern_proto::v1;
use serde_json::json;

use crate::cli::GradeCommand;

pub async fn run(command: GradeCommand, session: &Session) -> Result<()> {
    match command {
        GradeCommand::List { course } => list(&course, session).await,
        GradeCommand::Show { assignment } => show(&assignment, session).await,
    }
}

async fn list(course: &CourseArg, session: &Session) -> Result<()> {
    let (grades, last) = all(course, session).await?;
    let value = json!({
        "grades": grades.iter().map(json::my_grade).collect::<Vec<_>>(),
        "current_score": text::points(last.current_score), "current_possible": text::points(last.current_possible),
    });
    session.show(value, || {
        let rows =
            grades.iter().map(|row| vec![row.assignment_slug.clone(), row.title.clone(), score(row), standing(row)]);
        let table =
            text::table(&["assignment", "title", "score", "state"], rows, "This course has no assignments yet.");
        format!(
            "{table}\nSo far: {} of {} points in graded work.",
            text::points(last.current_score),
            text::points(last.current_possible)
        )
    })
}

async fn show(assignment: &AssignmentArg, session: &Session) -> Result<()> {
    let (grades, _) = all(&CourseArg::new(&assignment.course), session).await?;
    let Some(row) = grades.into_iter().find(|row| row.assignment_slug == assignment.assignment) else {
        let message = format!("{} has no assignment {}", assignment.course, assignment.assignment);
        return Err(lectern_cli::Error::refused(Code::NotFound, "NOT_FOUND", message));
    };
    session.show(json::my_grade(&row), || {
        let feedback = row.grade.as_ref().map_or("", |grade| grade.feedback.as_str());
        format!("{}: {} ({})\n{}", text::clean(&row.title), score(&row), standing(&row), text::clean_body(feedback))
    })
}

/// Every row, and the last page for its totals.
async fn all(course: &CourseArg, session: &Session) -> Result<(Vec<v1::MyGrade>, v1::ListMyGradesResponse)> {
    let mut grades = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = v1::ListMyGradesRequest { course: course.to_string(), page_token, ..Default::default() };
        let mut page = session.call(request).await?;
        grades.append(&mut page.grades);
        if page.next_page_token.is_empty() {
            return Ok((grades, page));
        }
        page_token = page.next_page_token;
    }
}

fn score(row: &v1::MyGrade) -> String {
    let got = row.grade.as_ref().map_or_else(|| "–".into(), |grade| text::points(grade.score));
    format!("{got} / {}", text::points(row.points_possible))
}

fn standing(row: &v1::MyGrade) -> String {
    match (&row.grade, row.missing, row.late, row.state()) {
        (Some(grade), ..) if !grade.grade_matches_current_submission => "graded (an earlier attempt)".into(),
        (Some(_), ..) => "graded".into(),
        (None, true, ..) => "missing".into(),
        (None, _, true, _) => "submitted late".into(),
        (None, _, _, v1::WorkflowState::Submitted | v1::WorkflowState::Graded) => "submitted".into(),
        (None, ..) => "not submitted".into(),
    }
}
