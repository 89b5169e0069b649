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
            standing(item, home.now_ms),
        ]
    });
    let columns = [keep("assignment"), cut("title"), keep("due"), spare("at"), keep("state")];
    text::table(&columns, rows, "Nothing is due.")
}

fn standing(item: &v1::DueItem, now_ms: i64) -> String {
    match item {
        v1::DueItem { score: Some(score), .. } => {
            format!("graded {} / {}", text::points(*score), text::points(item.points_possible))
        }
        v1::DueItem { submitted: true, .. } => "submitted".into(),
        v1::DueItem { missing: true, .. } => "missing".into(),
        v1::DueItem { uploading: true, .. } => "uploading".into(),
        v1::DueItem { unlock_at_ms: Some(unlock), .. } if *unlock > now_ms => {
            format!("opens {}", text::distance(*unlock, now_ms))
        }
        v1::DueItem { has_draft: true, .. } => "draft saved".into(),
        _ => "not started".into(),
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

#[cfg(test)]
mod tests {
    use lectern_proto::POINT;

    use super::*;

    #[test]
    fn what_is_due_says_that_it_is_graded_or_not_open_yet() {
        let item = v1::DueItem { points_possible: 10 * POINT, ..v1::DueItem::default() };
        let said = |item: v1::DueItem| standing(&item, 1_000);
        assert_eq!(said(v1::DueItem { submitted: true, score: Some(8 * POINT), ..item.clone() }), "graded 8 / 10");
        assert_eq!(said(v1::DueItem { submitted: true, ..item.clone() }), "submitted");
        let opens = |ms| v1::DueItem { unlock_at_ms: Some(ms), ..item.clone() };
        assert_eq!(said(opens(1_000 + 2 * 3_600_000)), "opens in 2 hours");
        assert_eq!(said(opens(999)), "not started");
        assert_eq!(said(item.clone()), "not started");
    }
}
