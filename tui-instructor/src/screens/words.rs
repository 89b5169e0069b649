//! Words for states, people and numbers, the same on every screen.

use lectern_proto::v1;
use lectern_tui_kit::look::Look;
use lectern_tui_kit::text;
use ratatui::text::{Line, Span};

/// A name, or the username where there is none.
pub fn name(person: Option<&v1::PersonRef>) -> String {
    match person {
        Some(person) if person.name.is_empty() => text::clean(&person.username),
        Some(person) => text::clean(&person.name),
        None => String::new(),
    }
}

/// The username.
pub fn username(person: Option<&v1::PersonRef>) -> String {
    person.map(|person| person.username.clone()).unwrap_or_default()
}

/// A role in a word.
pub fn role(kind: v1::EnrollmentType) -> &'static str {
    match kind {
        v1::EnrollmentType::Student => "student",
        v1::EnrollmentType::Ta => "assistant",
        v1::EnrollmentType::Instructor => "instructor",
        v1::EnrollmentType::Observer => "observer",
        v1::EnrollmentType::Unspecified => "none",
    }
}

/// A count that is quiet when it is nothing.
pub fn count(number: u32, look: &Look) -> Line<'static> {
    if number == 0 {
        Line::styled(look.glyphs.dash, look.theme.dim)
    } else {
        Line::styled(number.to_string(), look.theme.accent)
    }
}

/// A date, and how far it is: `Tue 1 Dec 23:59 (in 2 days)`.
pub fn date_and_distance(ms: i64, look: &Look) -> String {
    format!("{} ({})", look.time_and_zone(ms), look.distance(ms))
}

/// A grade in few words: the score, and whether the student sees it.
pub fn grade(grade: Option<&v1::Grade>, look: &Look) -> Line<'static> {
    match grade {
        None => Line::styled(look.glyphs.dash, look.theme.dim),
        Some(grade) => Line::raw(text::points(grade.score)),
    }
}

/// Whether the student sees the grade.
pub fn posted(grade: Option<&v1::Grade>, look: &Look) -> Line<'static> {
    match grade {
        None => Line::default(),
        Some(grade) if grade.posted => Line::styled("posted", look.theme.good),
        Some(_) => Line::styled("hidden", look.theme.dim),
    }
}

/// What a student handed in, in a word.
pub fn handed_in(row: &v1::SubmissionSummary, look: &Look) -> Line<'static> {
    let theme = look.theme;
    let (word, style) = match (row.state(), row.missing, row.late) {
        (v1::WorkflowState::Unsubmitted, true, _) => ("missing", theme.bad),
        (v1::WorkflowState::Unsubmitted | v1::WorkflowState::Unspecified, ..) => ("nothing yet", theme.dim),
        (_, _, true) => ("late", theme.warn),
        _ => ("on time", theme.text),
    };
    Line::styled(word, style)
}

/// Whether a submission waits for a grade.
pub fn needs_grading(row: &v1::SubmissionSummary) -> bool {
    row.attempts > 0 && row.grade.as_ref().is_none_or(|grade| !grade.grade_matches_current_submission)
}

/// A label and its value in one line.
pub fn fact(label: &str, value: impl Into<String>, look: &Look) -> Line<'static> {
    Line::from(vec![Span::styled(text::pad(label, 11, ""), look.theme.dim), Span::raw(value.into())])
}
