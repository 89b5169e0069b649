//! States and dates of a student's work in words, and the styles that go with them.

use lectern_proto::v1;
use lectern_tui_kit::look::Look;
use lectern_tui_kit::text;
use ratatui::style::Style;
use ratatui::text::Span;

/// Work that came after the lock date.
pub const KEPT_AS_REQUEST: &str =
    "the lock date has passed, so this is NOT submitted; it is kept, and your instructor decides on it";

/// Work that waits on this machine for the cluster to come back.
pub const QUEUED: &str = "is queued on this machine, NOT submitted; it is sent when the cluster answers";

/// A due date that is nearer than this is soon.
const SOON_MS: i64 = 24 * 3_600_000;

/// A due date as a distance: `in 2 days 3 hours`.
pub fn due(due_at_ms: Option<i64>, look: &Look) -> String {
    due_at_ms.map_or_else(|| "no due date".into(), |due| look.distance(due))
}

/// The style of a due date: soon, over, or far; what is done no longer presses.
pub fn due_style(due_at_ms: Option<i64>, done: bool, look: &Look) -> Style {
    match due_at_ms {
        Some(due) if !done && due < look.now_ms => look.theme.bad,
        Some(due) if !done && due < look.now_ms + SOON_MS => look.theme.warn,
        _ => look.theme.text,
    }
}

/// How far the work on something due is.
pub fn standing(item: &v1::DueItem, look: &Look) -> Span<'static> {
    let theme = look.theme;
    match item {
        v1::DueItem { submitted: true, .. } => Span::styled("submitted", theme.good),
        v1::DueItem { missing: true, .. } => Span::styled("missing", theme.bad),
        v1::DueItem { uploading: true, .. } => Span::styled("uploading", theme.info),
        v1::DueItem { has_draft: true, .. } => Span::styled("draft saved", theme.info),
        _ if item.unlock_at_ms.is_some_and(|at| at > look.now_ms) => Span::styled("not open yet", theme.dim),
        _ if item.lock_at_ms.is_some_and(|at| at <= look.now_ms) => Span::styled("closed", theme.dim),
        _ => Span::styled("not started", theme.dim),
    }
}

/// How far the work on an assignment is, with the score where there is one.
pub fn state(assignment: &v1::Assignment, look: &Look) -> Span<'static> {
    let theme = look.theme;
    let Some(mine) = &assignment.mine else { return Span::raw("") };
    let opens_later = mine.unlock_at_ms.is_some_and(|at| at > look.now_ms);
    if let Some(score) = mine.score {
        let possible = assignment.settings.as_ref().map_or(0, |settings| settings.points_possible);
        return Span::styled(score_of(score, possible), theme.good);
    }
    match mine {
        v1::MySubmissionState { submitted_at_ms: Some(_), late: true, .. } => {
            Span::styled("submitted late", theme.warn)
        }
        v1::MySubmissionState { submitted_at_ms: Some(_), .. } => Span::styled("submitted", theme.good),
        v1::MySubmissionState { missing: true, .. } => Span::styled("missing", theme.bad),
        v1::MySubmissionState { uploading: true, .. } => Span::styled("uploading", theme.info),
        v1::MySubmissionState { has_draft: true, .. } => Span::styled("draft saved", theme.info),
        _ if opens_later => Span::styled("not open yet", theme.dim),
        _ => Span::styled("not started", theme.dim),
    }
}

/// A score: `9.5 / 10`.
pub fn score_of(score: i64, possible: i64) -> String {
    format!("{} / {}", text::points(score), text::points(possible))
}

/// How a grade stands.
pub fn grade_state(row: &v1::MyGrade, look: &Look) -> Span<'static> {
    let theme = look.theme;
    match (&row.grade, row.missing, row.late, row.state()) {
        _ if row.excused => Span::styled("excused", theme.info),
        (Some(_), ..) if row.dropped => Span::styled("graded, dropped", theme.dim),
        (Some(grade), ..) if !grade.grade_matches_current_submission => {
            Span::styled("graded (an earlier attempt)", theme.warn)
        }
        (Some(_), ..) => Span::styled("graded", theme.good),
        (None, true, ..) => Span::styled("missing", theme.bad),
        (None, _, true, _) => Span::styled("submitted late", theme.warn),
        (None, _, _, v1::WorkflowState::Submitted | v1::WorkflowState::Graded) => Span::styled("submitted", theme.info),
        (None, ..) => Span::styled("not submitted", theme.dim),
    }
}

/// A digest's beginning, enough to compare by eye.
pub fn short_digest(digest: &[u8]) -> String {
    let hex = lectern_cli::text::hex(digest);
    hex.get(..16).unwrap_or(&hex).to_owned()
}

/// What may be handed in: `text, files (pdf, txt)`.
pub fn accepted(settings: &v1::AssignmentSettings) -> String {
    let mut ways: Vec<&str> = settings
        .submission_types()
        .map(|kind| match kind {
            v1::SubmissionType::Text => "text",
            v1::SubmissionType::Files => "files",
            v1::SubmissionType::Directory => "a directory",
            v1::SubmissionType::OnPaper => "on paper",
            v1::SubmissionType::None | v1::SubmissionType::Unspecified => "nothing",
        })
        .collect();
    ways.dedup();
    let extensions = settings.allowed_extensions.join(", ");
    let ways = ways.join(" or ");
    if extensions.is_empty() { ways } else { format!("{ways} ({extensions})") }
}

/// Whether a way of handing in is accepted.
pub fn accepts(settings: &v1::AssignmentSettings, kinds: &[v1::SubmissionType]) -> bool {
    settings.submission_types().any(|kind| kinds.contains(&kind))
}

/// Why nothing can be handed in now, where that is certain.
pub fn closed(assignment: &v1::Assignment, now_ms: i64) -> Option<String> {
    let settings = assignment.settings.clone().unwrap_or_default();
    let mine = assignment.mine.unwrap_or_default();
    if mine.unlock_at_ms.is_some_and(|at| at > now_ms) {
        return Some("It is not open yet.".into());
    }
    (settings.allowed_attempts > 0 && mine.attempts_used >= settings.allowed_attempts)
        .then(|| format!("All {} allowed were used.", text::count(settings.allowed_attempts, "attempt")))
}

/// The due date in effect for the person.
pub fn due_of(assignment: &v1::Assignment) -> Option<i64> {
    match &assignment.mine {
        Some(mine) => mine.due_at_ms,
        None => assignment.settings.as_ref()?.due_at_ms,
    }
}
