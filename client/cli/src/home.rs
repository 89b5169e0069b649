//! `next` and `status`: what a person wants to know first.

use lectern_proto::v1;

use crate::table::{cut, keep, spare};
use crate::{Result, Session, json, text};

/// Prints what is due next.
pub async fn next(session: &Session) -> Result<()> {
    let home = session.call(v1::GetHomeRequest {}).await?;
    let value = json::list("due", home.due.iter().map(json::due).collect());
    session.show(value, || due_table(&home))
}

/// Prints courses, what is due, what is unread, the latest grades.
pub async fn status(session: &Session) -> Result<()> {
    let home = session.call(v1::GetHomeRequest {}).await?;
    session.show(json::home(&home), || {
        let mut blocks = vec![courses(&home)];
        let student = v1::EnrollmentType::Student as u32;
        if home.courses.iter().any(|course| course.my_type == student) {
            blocks.push(due_table(&home));
        }
        if !home.grades.is_empty() {
            blocks.push(grades(&home));
        }
        blocks.join("\n\n")
    })
}

fn due_table(home: &v1::GetHomeResponse) -> String {
    let rows = home.due.iter().map(|item| {
        vec![
            format!("{}/{}", item.course_slug, item.assignment_slug),
            item.title.clone(),
            item.due_at_ms.map_or_else(|| "no due date".into(), |due| text::distance(due, home.now_ms)),
            text::optional_time(item.due_at_ms),
            standing(item).into(),
        ]
    });
    let columns = [keep("assignment"), cut("title"), keep("due"), spare("at"), keep("state")];
    text::table(&columns, rows, "Nothing is due.")
}

fn standing(item: &v1::DueItem) -> &'static str {
    match item {
        v1::DueItem { submitted: true, .. } => "submitted",
        v1::DueItem { missing: true, .. } => "missing",
        v1::DueItem { uploading: true, .. } => "uploading",
        v1::DueItem { has_draft: true, .. } => "draft saved",
        _ => "not started",
    }
}

fn courses(home: &v1::GetHomeResponse) -> String {
    let rows = home.courses.iter().map(|course| {
        let news = [
            (course.unread_announcements, "unread announcement", "unread announcements"),
            (course.unread_messages, "unread message", "unread messages"),
            (course.needs_grading, "to grade", "to grade"),
            (course.open_threads, "open question", "open questions"),
            (course.pending_extension_requests, "extension request", "extension requests"),
        ];
        let news = news.iter().filter(|(count, ..)| *count > 0);
        let news: Vec<String> = news.map(|(count, one, many)| text::count(*count, one, many)).collect();
        vec![course.slug.clone(), course.title.clone(), if news.is_empty() { "–".into() } else { news.join(", ") }]
    });
    text::table(&["course", "title", "new"], rows, "You take part in no course yet.")
}

fn grades(home: &v1::GetHomeResponse) -> String {
    let rows = home.grades.iter().map(|grade| {
        vec![
            format!("{}/{}", grade.course_slug, grade.assignment_slug),
            grade.title.clone(),
            format!("{} / {}", text::points(grade.score), text::points(grade.points_possible)),
            text::time(grade.posted_at_ms),
        ]
    });
    text::table(&[keep("assignment"), cut("title"), keep("score"), spare("posted")], rows, "")
}
