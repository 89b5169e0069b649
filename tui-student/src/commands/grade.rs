//! `grade list`, `grade show`.

use lectern_cli::args::{AssignmentArg, CourseArg};
use lectern_cli::{Error, Result, Session, format, json, text, what_if};
use lectern_client::Code;
use lectern_proto::v1;
use serde_json::json;

use crate::cli::{GradeCommand, SupposedArg};

pub async fn run(command: GradeCommand, session: &Session) -> Result<()> {
    match command {
        GradeCommand::List { course } => list(&course, session).await,
        GradeCommand::WhatIf { course, scores } => what_if(&course, &scores, session).await,
        GradeCommand::Show { assignment } => show(&assignment, session).await,
    }
}

async fn list(course: &CourseArg, session: &Session) -> Result<()> {
    let (grades, last) = all(course, session).await?;
    let value = json!({
        "grades": grades.iter().map(json::my_grade).collect::<Vec<_>>(),
        "current_score": text::points(last.current_score), "current_possible": text::points(last.current_possible),
        "groups": last.groups.iter().map(json::group).collect::<Vec<_>>(),
        "group_totals": last.group_totals.iter().map(json::group_total).collect::<Vec<_>>(),
        "total": json::total(last.total.as_ref()),
        "policy": json::policy(&last.policy.clone().unwrap_or_default()),
    });
    session.show(value, || {
        let rows =
            grades.iter().map(|row| vec![row.assignment_slug.clone(), row.title.clone(), score(row), standing(row)]);
        let mut lines =
            vec![text::table(&["assignment", "title", "score", "state"], rows, "This course has no assignments yet.")];
        lines.extend(group_lines(&last.groups, &last.group_totals));
        lines.push(total_line(&last.total.clone().unwrap_or_default()));
        lines.join("\n")
    })
}

/// A line for each group: what was kept of it.
fn group_lines(groups: &[v1::AssignmentGroup], totals: &[v1::GroupTotal]) -> Vec<String> {
    let line = |(group, total): (&v1::AssignmentGroup, &v1::GroupTotal)| {
        let settings = group.settings.clone().unwrap_or_default();
        let weight = match settings.weight {
            0 => String::new(),
            weight => format!(", weight {}", format::percent(Some(weight.into()))),
        };
        let (score, possible) = (text::points(total.current_score), text::points(total.current_possible));
        format!("{}: {score} of {possible}{weight}", text::clean(&settings.name))
    };
    groups.iter().zip(totals).map(line).collect()
}

fn total_line(total: &v1::CourseTotal) -> String {
    let so_far = text::with_level(total.current, &total.current_level);
    if total.r#override.is_some() {
        return format!("Final grade: {}.", text::with_level(total.r#override, &total.final_level));
    }
    let end = format::percent(total.r#final);
    format!("So far: {so_far} in graded work; {end} if nothing more were graded.")
}

async fn what_if(course: &CourseArg, scores: &[SupposedArg], session: &Session) -> Result<()> {
    let (grades, last) = all(course, session).await?;
    if let Some(unknown) = scores.iter().find(|it| !grades.iter().any(|row| row.assignment_slug == it.assignment)) {
        let message = format!("{course} has no assignment {}", unknown.assignment);
        return Err(Error::refused(Code::NotFound, "NOT_FOUND", message));
    }
    let supposed = scores.iter().map(|it| (it.assignment.clone(), it.score)).collect();
    let policy = last.policy.clone().unwrap_or_default();
    let then = what_if::reckon(&grades, &last.groups, &policy, &supposed);
    let now = last.total.clone().unwrap_or_default();
    let value = json!({
        "now": json::total(Some(&now)), "then": json::total(Some(&then.total)),
        "group_totals": then.groups.iter().map(json::group_total).collect::<Vec<_>>(),
        "dropped": grades.iter().zip(&then.dropped).filter(|(_, dropped)| **dropped)
            .map(|(row, _)| row.assignment_slug.as_str()).collect::<Vec<_>>(),
    });
    session.show(value, || {
        let with = |total: &v1::CourseTotal| text::with_level(total.current, &total.current_level);
        let mut lines = group_lines(&last.groups, &then.groups);
        lines.push(format!("So far it would be {} instead of {}.", with(&then.total), with(&now)));
        lines.push(format!(
            "At the end, if nothing more were graded: {} instead of {}.",
            format::percent(then.total.r#final),
            format::percent(now.r#final)
        ));
        lines.join("\n")
    })
}

async fn show(assignment: &AssignmentArg, session: &Session) -> Result<()> {
    let (grades, _) = all(&CourseArg::new(&assignment.course), session).await?;
    let Some(row) = grades.into_iter().find(|row| row.assignment_slug == assignment.assignment) else {
        let message = format!("{} has no assignment {}", assignment.course, assignment.assignment);
        return Err(Error::refused(Code::NotFound, "NOT_FOUND", message));
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
        _ if row.excused => "excused".into(),
        (Some(_), ..) if row.dropped => "graded, dropped".into(),
        (Some(grade), ..) if !grade.grade_matches_current_submission => "graded (an earlier attempt)".into(),
        (Some(_), ..) => "graded".into(),
        (None, true, ..) => "missing".into(),
        (None, _, true, _) => "submitted late".into(),
        (None, _, _, v1::WorkflowState::Submitted | v1::WorkflowState::Graded) => "submitted".into(),
        (None, ..) => "not submitted".into(),
    }
}
