//! How grading is drawn: the work on the left, score, feedback and students on the right; below each other where it is
//! narrow.

use lectern_cli::format::{parse_points, points};
use lectern_proto::v1;
use lectern_tui_kit::look::{Canvas, Look};
use lectern_tui_kit::remote::Remote;
use lectern_tui_kit::{states, text};
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::parts::{self, Part};
use super::students::{mark, standing, style, sums_line};
use super::{GradingScreen, words};
use crate::effects::{FileText, Work};
use crate::model::desk::{SaveState, Standing};
use crate::model::{Model, Place};

/// Below this width the parts are drawn below each other.
const SIDE_BY_SIDE: u16 = 70;
/// Rows of the facts about the student in the wide form.
const FACT_ROWS: u16 = 4;
/// Rows for the feedback, where the list of students has room below it.
const FEEDBACK_ROWS: u16 = 9;

impl GradingScreen {
    pub(super) fn view_all(&self, model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        if self.students.is_empty() {
            return canvas.line(area, Line::styled("There is nobody to grade.", canvas.look.theme.dim));
        }
        if area.width >= SIDE_BY_SIDE {
            let right = (area.width * 2 / 5).clamp(32, 52);
            let left = Rect { width: area.width - right, ..area };
            self.view_work(model, left, canvas);
            self.view_side(model, Rect { x: left.right(), width: right, ..area }, canvas);
        } else {
            let below = if self.writing { area.height / 2 } else { 3.min(area.height) };
            let above = Rect { height: area.height - below, ..area };
            self.view_work(model, above, canvas);
            self.view_short(model, Rect { y: above.bottom(), height: below, ..area }, canvas);
        }
    }

    fn view_work(&self, model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let heading =
            format!("{} {} {} of {}", self.name(), canvas.look.glyphs.separator, self.at + 1, self.students.len());
        let inner = canvas.pane(area, &heading, !self.writing);
        let nothing = Remote::default();
        let work = model.desk.work(&self.place()).unwrap_or(&nothing);
        let Some(room) = states::room(work, "the submission", inner, canvas) else { return };
        let Some(work) = work.value() else { return };
        if work.submission.attempt == 0 {
            let words = "Nothing was handed in. A score can be given all the same.";
            return canvas.line(room, Line::styled(words, canvas.look.theme.dim));
        }
        let mut head = vec![when(work, canvas.look)];
        if !work.submission.comment.is_empty() {
            let note = format!("Note: {}", text::clean(&work.submission.comment));
            head.extend(
                text::wrap(&note, room.width.into()).into_iter().map(|line| Line::styled(line, canvas.look.theme.info)),
            );
        }
        let parts = parts::of(work);
        if !parts.is_empty() {
            head.push(tabs(work, &parts, self.part, canvas.look));
        }
        let rows = u16::try_from(head.len()).unwrap_or(u16::MAX).min(room.height);
        canvas.lines(Rect { height: rows, ..room }, head);
        let below = Rect { y: room.y + rows, height: room.height - rows, ..room };
        match parts.get(self.part) {
            Some(Part::Text) => self.view_text("", &work.submission.text, work, below, canvas),
            Some(Part::File(at)) => self.view_file(model, work, *at, below, canvas),
            None => {}
        }
    }

    fn view_file(&self, model: &Model, work: &Work, at: usize, area: Rect, canvas: &mut Canvas<'_>) {
        let theme = canvas.look.theme;
        let Some(file) = work.submission.files.get(at) else { return };
        match model.desk.text(&file.file_id) {
            Some(FileText::Text(body) | FileText::Pages(body)) => {
                self.view_text(&file.file_id, body, work, area, canvas);
            }
            Some(FileText::Other) => canvas.lines(
                area,
                [
                    Line::raw(format!("{} ({}) is not shown here.", text::clean(&file.name), text::size(file.size))),
                    Line::styled("o opens it in your own viewer.", theme.dim),
                ],
            ),
            Some(FileText::Failed(failure)) => states::failed(failure, "the file", area, canvas),
            None => canvas.line(
                area,
                Line::styled(
                    format!("Fetching {} {}", text::clean(&file.name), canvas.look.glyphs.ellipsis),
                    theme.dim,
                ),
            ),
        }
    }

    fn view_text(&self, file: &str, body: &str, work: &Work, area: Rect, canvas: &mut Canvas<'_>) {
        let digits = body.lines().count().max(1).to_string().len().max(2);
        let gutter = if area.width >= 44 { digits + 2 } else { 0 };
        let name = format!("{}/{file}/{}", self.place().user, work.submission.attempt);
        let rows = self.shown.rows(&name, body, usize::from(area.width).saturating_sub(gutter).max(1));
        let dim = canvas.look.theme.dim;
        let line = |at: usize| {
            let (number, words) = &rows[at];
            let number = number.map(|number| number.to_string()).unwrap_or_default();
            let mut spans = Vec::new();
            if gutter > 0 {
                spans.push(Span::styled(format!("{number:>digits$}  "), dim));
            }
            spans.push(Span::raw(words.clone()));
            Line::from(spans)
        };
        self.scroll.view(rows.len(), line, area, canvas);
    }

    fn view_side(&self, model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let place = self.place();
        let score = Rect { height: area.height.min(FACT_ROWS + 2), ..area };
        let inner = canvas.pane(score, "Score", !self.writing);
        self.view_score(model, &place, inner, canvas);
        let left = area.height - score.height;
        let feedback_rows = if left > FEEDBACK_ROWS + 4 { FEEDBACK_ROWS } else { left };
        let feedback = Rect { y: score.bottom(), height: feedback_rows, ..area };
        self.view_feedback(model, &place, feedback, canvas);
        let list = Rect { y: feedback.bottom(), height: left - feedback_rows, ..area };
        if list.height > 0 {
            self.view_students(model, list, canvas);
        }
    }

    fn view_score(&self, model: &Model, place: &Place, area: Rect, canvas: &mut Canvas<'_>) {
        let look = canvas.look;
        canvas.line(area, self.score_line(model, place, look));
        self.score_cursor(model, place, area, canvas);
        let mut lines = state_lines(model, place, look);
        if let Some(grade) = model.desk.grade(place) {
            let grader = if grade.automatic { "the missing policy".into() } else { words::name(grade.grader.as_ref()) };
            let seen = if grade.posted { "the student sees it" } else { "hidden from the student" };
            let mut words = format!("{} by {grader}, {seen}", points(grade.score));
            if grade.points_deducted > 0 {
                words =
                    format!("{} ({} deducted) by {grader}, {seen}", points(grade.score), points(grade.points_deducted));
            }
            lines.push(Line::styled(words, look.theme.dim));
            if !grade.grade_matches_current_submission {
                lines.push(Line::styled(format!("graded attempt {}", grade.attempt), look.theme.warn));
            }
        }
        if let (Some(entry), Some(work)) = (model.desk.entry(place), self.work(model))
            && let Some(attempt) = entry.attempt.filter(|attempt| *attempt != work.submission.attempt)
        {
            let words = format!("Attempt {} counts now; you typed for attempt {attempt}.", work.submission.attempt);
            lines.insert(0, Line::styled(words, look.theme.warn));
        }
        let below = Rect { y: area.y.saturating_add(1), height: area.height.saturating_sub(1), ..area };
        let room = usize::from(below.width);
        let wrapped = lines.into_iter().flat_map(|line| {
            let style = line.style;
            text::wrap(&line.to_string(), room).into_iter().map(move |words| Line::styled(words, style))
        });
        canvas.lines(below, wrapped);
    }

    fn score_line(&self, model: &Model, place: &Place, look: &Look) -> Line<'static> {
        let score = model.desk.score(place);
        let typed = model.desk.entry(place).is_some_and(|entry| entry.score.is_some());
        let style = if typed { look.theme.accent } else { look.theme.title };
        // More than the maximum is allowed, and worth a second look.
        let is_more = parse_points(score.trim()).is_ok_and(|score| score > self.points_possible);
        Line::from(vec![
            Span::styled(SCORE_LABEL, look.theme.key),
            Span::styled(
                text::pad_left(&text::clean(&score), SCORE_CELLS, look.glyphs.ellipsis),
                style.add_modifier(ratatui::style::Modifier::UNDERLINED),
            ),
            Span::styled(format!(" of {}", points(self.points_possible)), look.theme.text),
            Span::styled(if is_more { " more!" } else { "" }, look.theme.warn),
        ])
    }

    fn score_cursor(&self, model: &Model, place: &Place, area: Rect, canvas: &mut Canvas<'_>) {
        let typing = model.desk.entry(place).is_some_and(|entry| entry.score.is_some());
        let column = u16::try_from(SCORE_LABEL.len() + SCORE_CELLS).unwrap_or(0);
        if !self.writing && typing && column < area.width && area.height > 0 {
            canvas.cursor = Some(Position::new(area.x + column, area.y));
        }
    }

    fn view_feedback(&self, model: &Model, place: &Place, area: Rect, canvas: &mut Canvas<'_>) {
        if area.height == 0 {
            return;
        }
        let inner = canvas.pane(area, if self.writing { "Feedback (esc ends)" } else { "Feedback" }, self.writing);
        if self.writing {
            return self.feedback.view(inner, canvas, true);
        }
        let feedback = text::clean_body(&model.desk.feedback(place));
        if feedback.trim().is_empty() {
            return canvas.line(inner, Line::styled("f writes feedback.", canvas.look.theme.dim));
        }
        canvas.lines(inner, text::wrap(&feedback, inner.width.into()).into_iter().map(Line::from));
    }

    fn view_students(&self, model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let inner = canvas.pane(area, "Students", false);
        let sums = sums_line(&model.desk, &self.hw, &self.students, canvas.look);
        canvas.line(Rect { height: inner.height.min(1), ..inner }, sums);
        let rows = Rect { y: inner.y.saturating_add(1), height: inner.height.saturating_sub(1), ..inner };
        let height = usize::from(rows.height);
        let first = self.at.saturating_sub(height / 2).min(self.students.len().saturating_sub(height));
        for (row, at) in rows.rows().zip(first..self.students.len()) {
            let Some(place) = self.place_of(at) else { continue };
            let own = model.desk.standing(&place);
            let name = words::name(self.students.get(at));
            let room = usize::from(row.width).saturating_sub(13);
            let mut spans =
                vec![Span::raw(if at == self.at { text::pad(canvas.look.glyphs.pointer, 2, "") } else { "  ".into() })];
            let marked = mark(own, canvas.look);
            spans.push(Span::styled(text::pad(&marked.to_string(), 3, ""), marked.style));
            spans.push(Span::raw(text::pad(&name, room, canvas.look.glyphs.ellipsis)));
            spans.push(Span::raw(text::pad_left(&model.desk.score(&place), 8, canvas.look.glyphs.ellipsis)));
            canvas.line(row, Line::from(spans));
        }
    }

    /// Score, state and feedback in a few lines.
    fn view_short(&self, model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let place = self.place();
        let look = canvas.look;
        let mut line = self.score_line(model, &place, look);
        let own = model.desk.standing(&place);
        line.spans.push(Span::styled(format!("  {}", standing(own)), style(own, look)));
        canvas.line(area, line);
        self.score_cursor(model, &place, area, canvas);
        let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        if self.writing {
            return self.view_feedback(model, &place, below, canvas);
        }
        let feedback = model.desk.feedback(&place);
        let first = feedback.lines().next().unwrap_or_default();
        let words = if first.is_empty() { "f writes feedback".into() } else { text::clean(first) };
        let students = sums_line(&model.desk, &self.hw, &self.students, look);
        canvas.lines(below, [Line::styled(words, look.theme.dim), students]);
    }
}

const SCORE_LABEL: &str = "Score ";
const SCORE_CELLS: usize = 8;

/// When it was handed in, and which attempt it is.
fn when(work: &Work, look: &Look) -> Line<'static> {
    let submission = &work.submission;
    let (timing, style) = if submission.late { ("late", look.theme.warn) } else { ("on time", look.theme.good) };
    let attempt = if work.attempts > 1 {
        let why = match work.counted.because() {
            v1::CountsBecause::OnTime => ", the later ones are late",
            v1::CountsBecause::Chosen => ", chosen by the student",
            v1::CountsBecause::Latest | v1::CountsBecause::Unspecified => "",
        };
        format!(" {} attempt {} of {}{why}", look.glyphs.separator, submission.attempt, work.attempts)
    } else {
        String::new()
    };
    Line::from(vec![
        Span::styled(format!("{} ", look.time(submission.submitted_at_ms)), look.theme.dim),
        Span::styled(timing, style),
        Span::styled(attempt, look.theme.dim),
    ])
}

/// The parts by name; the one that is shown stands out.
fn tabs(work: &Work, parts: &[Part], shown: usize, look: &Look) -> Line<'static> {
    let mut spans = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let name = match part {
            Part::Text => "text".to_owned(),
            Part::File(file) => {
                work.submission.files.get(*file).map(|file| text::clean(&file.name)).unwrap_or_default()
            }
        };
        let style = if at == shown { look.theme.accent } else { look.theme.dim };
        let brackets = if at == shown { ("[", "]") } else { (" ", " ") };
        spans.push(Span::styled(format!("{}{name}{}", brackets.0, brackets.1), style));
    }
    Line::from(spans)
}

/// How this grade stands, with the reason where there is one.
fn state_lines(model: &Model, place: &Place, look: &Look) -> Vec<Line<'static>> {
    let own = model.desk.standing(place);
    if matches!(own, Standing::Blank | Standing::Graded) {
        return Vec::new();
    }
    let mut words = standing(own).to_owned();
    match model.desk.save(place).map(|save| &save.state) {
        Some(SaveState::Waiting(failure)) if own == Standing::Waiting => {
            words = format!("waits for the cluster, tried again by itself: {}", text::clean(&failure.message));
        }
        Some(SaveState::Failed(failure)) if own == Standing::Failed => {
            words = format!("NOT saved: {}; ctrl-s tries again", text::clean(&failure.sentence()));
        }
        _ => {}
    }
    vec![Line::styled(words, style(own, look))]
}
