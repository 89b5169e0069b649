//! A course's fifth tab: one's grades.

use std::collections::BTreeMap;

use lectern_cli::format;
use lectern_cli::what_if::{self, Reckoning};
use lectern_grading::Percent;
use lectern_proto::v1;
use lectern_tui_kit::action::{Action, BACK, OPEN, REFRESH, Scope};
use lectern_tui_kit::look::{Canvas, Look};
use lectern_tui_kit::program::{self, Change};
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::{Cx, Screen, Tone};
use lectern_tui_kit::text;
use lectern_tui_kit::widgets::line::LineInput;
use lectern_tui_kit::widgets::list::List;
use lectern_tui_kit::widgets::table::{Column, Table, Width};
use lectern_tui_kit::widgets::{Outcome, Part};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::actions::{FORGET, GRADES_SCOPE, SUPPOSE};
use crate::effects::{Effect, Message};
use crate::model::{Grades, Model, Place};
use crate::program::Student;
use crate::screens::grade::GradeScreen;
use crate::words;

/// The tab.
pub struct GradesTab {
    course: String,
    list: List<v1::MyGrade, Grades>,
    /// Scores that are supposed, by the slugs of their assignments; none for no score.
    supposed: BTreeMap<String, Option<i64>>,
    /// The assignment a score is being typed for.
    typing: Option<(String, LineInput)>,
}

/// Whether grades may be others after a change.
pub fn concerns(change: &Change) -> bool {
    use v1::EventKind::{Assignment, Course, Grade, Grading, Submission};
    program::concerns(change, None, &[Assignment, Course, Grade, Grading, Submission])
}

impl GradesTab {
    /// Of a course, by its slug.
    pub fn new(course: &str) -> Self {
        let rows = |grades: &Grades| grades.rows.clone();
        let list = List::of(table(), "your grades", rows);
        Self { course: course.into(), list, supposed: BTreeMap::new(), typing: None }
    }

    fn load(&mut self, cx: &mut Cx<'_, Student>) {
        self.list.ask(cx, Effect::Grades { course: self.course.clone() });
    }

    fn open(&self, cx: &mut Cx<'_, Student>) {
        if let Some(row) = self.list.selected() {
            cx.push(GradeScreen::new(Place::new(&self.course, &row.assignment_slug)));
        }
    }

    fn type_score(&mut self) {
        let Some(row) = self.list.selected() else { return };
        let known = match self.supposed.get(&row.assignment_slug) {
            Some(score) => *score,
            None => row.grade.as_ref().map(|grade| grade.score),
        };
        let line = LineInput::new(&known.map(text::points).unwrap_or_default());
        self.typing = Some((row.assignment_slug.clone(), line));
    }

    /// Takes the typed score; an empty line is no score.
    fn take_score(&mut self, cx: &mut Cx<'_, Student>) {
        let Some((slug, line)) = &self.typing else { return };
        let score = match line.text().trim() {
            "" => Ok(None),
            typed => format::parse_points(typed).map(Some),
        };
        match score {
            Ok(score) => {
                self.supposed.insert(slug.clone(), score);
                self.typing = None;
            }
            Err(why) => cx.toast(Tone::Bad, why),
        }
    }

    /// What the grades come to, or would.
    fn reckoning(&self, grades: &Grades) -> Reckoning {
        if self.supposed.is_empty() {
            return Reckoning {
                total: grades.total.clone(),
                groups: grades.group_totals.clone(),
                dropped: grades.rows.iter().map(|row| row.dropped).collect(),
            };
        }
        what_if::reckon(&grades.rows, &grades.groups, &grades.policy, &self.supposed)
    }

    /// The lines below the table: what is supposed, a line for each group, and the total.
    fn summary(&self, grades: &Grades, look: &Look) -> Vec<Line<'static>> {
        let theme = look.theme;
        let reckoning = self.reckoning(grades);
        let mut lines = Vec::new();
        if !self.supposed.is_empty() {
            let score = |(slug, score): (&String, &Option<i64>)| {
                format!("{slug} = {}", score.map_or_else(|| "no score".into(), text::points))
            };
            let words = self.supposed.iter().map(score).collect::<Vec<_>>().join(", ");
            lines.push(Line::styled(format!("What if {words}  (W forgets it)"), theme.accent));
        }
        lines.extend(grades.groups.iter().zip(&reckoning.groups).map(|(group, total)| group_line(group, total, look)));
        lines.push(total_line(&reckoning.total, !self.supposed.is_empty(), look));
        lines
    }
}

impl Screen<Student> for GradesTab {
    fn scope(&self) -> &'static Scope {
        &GRADES_SCOPE
    }

    fn title(&self, _model: &Model) -> String {
        "grades".into()
    }

    fn opened(&mut self, cx: &mut Cx<'_, Student>) {
        self.list.knows(cx.model.grades.get(&self.course).cloned());
        self.load(cx);
    }

    fn resumed(&mut self, cx: &mut Cx<'_, Student>) {
        self.load(cx);
    }

    fn disabled(&self, action: &Action, _model: &Model) -> Option<String> {
        match *action {
            SUPPOSE if self.list.selected().is_none() => Some("There is no assignment.".into()),
            FORGET if self.supposed.is_empty() => Some("No score is supposed.".into()),
            _ => None,
        }
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, Student>) -> bool {
        match *action {
            BACK if self.typing.is_some() => self.typing = None,
            SUPPOSE => self.type_score(),
            FORGET => self.supposed.clear(),
            OPEN => self.open(cx),
            REFRESH => self.load(cx),
            _ => return self.list.act(action),
        }
        true
    }

    fn part(&self) -> Option<&dyn Part> {
        match &self.typing {
            Some((_, line)) => Some(line),
            None => Some(&self.list),
        }
    }

    fn part_mut(&mut self) -> Option<&mut dyn Part> {
        match &mut self.typing {
            Some((_, line)) => Some(line),
            None => Some(&mut self.list),
        }
    }

    fn used(&mut self, outcome: Outcome, cx: &mut Cx<'_, Student>) {
        match (outcome, self.typing.is_some()) {
            (Outcome::Chosen, true) => self.take_score(cx),
            (Outcome::Left, true) => self.typing = None,
            (Outcome::Chosen, false) => self.attempt(&OPEN, cx),
            _ => {}
        }
    }

    fn received(&mut self, request: RequestId, message: Message, cx: &mut Cx<'_, Student>) {
        let Message::Grades(grades) = message else { return };
        if let Some(grades) = self.list.finish(request, grades) {
            cx.model.grades.insert(self.course.clone(), grades.clone());
        }
        if self.list.is_stale() {
            self.load(cx);
        }
    }

    fn changed(&mut self, change: &Change, cx: &mut Cx<'_, Student>) {
        if concerns(change) {
            self.load(cx);
        }
    }

    fn view(&self, _model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let Some(area) = self.list.room(area, canvas) else { return };
        let Some(grades) = self.list.value() else { return };
        let mut lines = self.summary(grades, canvas.look);
        // The table keeps at least as much room as what is said below it.
        let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(area.height / 2).max(1.min(area.height));
        lines.drain(..lines.len().saturating_sub(rows.into()));
        let below = Rect { y: area.bottom().saturating_sub(rows), height: rows, ..area };
        let gap = u16::from(area.height > 12);
        let table = Rect { height: area.height.saturating_sub(rows + gap), ..area };
        self.list.table().view(table, canvas, self.typing.is_none());
        if let Some((slug, line)) = &self.typing {
            let possible =
                grades.rows.iter().find(|row| row.assignment_slug == *slug).map_or(0, |row| row.points_possible);
            let label = format!("What if {slug} were (of {}; empty: no score): ", text::points(possible));
            let own = Rect { height: below.height.min(1), ..below };
            line.view(&label, own, canvas, true);
            let rest = Rect { y: below.y + own.height, height: below.height - own.height, ..below };
            lines.drain(..1.min(lines.len()));
            return canvas.lines(rest, lines);
        }
        canvas.lines(below, lines);
    }
}

/// Such as `Homework 40.00 %: 17.5 / 20, 87.50 %`.
fn group_line(group: &v1::AssignmentGroup, total: &v1::GroupTotal, look: &Look) -> Line<'static> {
    let (theme, settings) = (look.theme, group.settings.clone().unwrap_or_default());
    let weight = match settings.weight {
        0 => String::new(),
        weight => format!(" (weight {})", format::percent(Some(weight.into()))),
    };
    let percent = Percent::of(total.current_score, total.current_possible).map(|percent| percent.0);
    Line::from(vec![
        Span::styled(format!("{}{weight} ", text::clean(&settings.name)), theme.dim),
        Span::raw(words::score_of(total.current_score, total.current_possible)),
        Span::styled(
            format!("  {}", percent.map_or_else(|| look.glyphs.dash.to_owned(), |it| format::percent(Some(it)))),
            theme.dim,
        ),
    ])
}

/// Such as `So far 87.50 % (B+), 43.00 % if nothing more were graded`.
fn total_line(total: &v1::CourseTotal, supposed: bool, look: &Look) -> Line<'static> {
    let theme = look.theme;
    if total.r#override.is_some() {
        let grade = lectern_cli::text::with_level(total.r#override, &total.final_level);
        return Line::from(vec![Span::styled("Final grade ", theme.dim), Span::styled(grade, theme.title)]);
    }
    let Some(current) = total.current else {
        return Line::styled("Nothing that counts is graded yet.", theme.dim);
    };
    let so_far = lectern_cli::text::with_level(Some(current), &total.current_level);
    let (first, grade) = if supposed { ("So far it would be ", theme.accent) } else { ("So far ", theme.title) };
    Line::from(vec![
        Span::styled(first, theme.dim),
        Span::styled(so_far, grade),
        Span::styled(
            format!(
                "  {} if nothing more were graded",
                total.r#final.map_or_else(String::new, |it| format::percent(Some(it)))
            ),
            theme.dim,
        ),
    ])
}

fn table() -> Table<v1::MyGrade> {
    let score = |row: &v1::MyGrade, look: &Look| {
        if let Some(grade) = &row.grade {
            return Line::raw(words::score_of(grade.score, row.points_possible));
        }
        let words = format!("{} / {}", look.glyphs.dash, text::points(row.points_possible));
        Line::styled(words, look.theme.dim)
    };
    let columns = vec![
        Column::new("name", Width::Fixed(10), |row: &v1::MyGrade, _| Line::raw(row.assignment_slug.clone())).keep(2),
        Column::new("title", Width::Fill(1), |row: &v1::MyGrade, _| Line::raw(row.title.clone())),
        Column::new("score", Width::Fixed(11), score).right(),
        Column::new("state", Width::Fixed(15), |row: &v1::MyGrade, look| Line::from(words::grade_state(row, look)))
            .keep(1),
    ];
    Table::new(columns, |row: &v1::MyGrade| row.assignment_slug.clone(), "This course has no assignments yet.")
}
