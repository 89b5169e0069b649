//! The gradebook: students by assignments.

use lectern_proto::v1;
use lectern_tui_kit::action::{Action, OPEN, REFRESH, Scope};
use lectern_tui_kit::live::Live;
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::program::{Change, concerns};
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::{Screen, Tone};
use lectern_tui_kit::widgets::Part;
use lectern_tui_kit::{states, text};
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::grading::GradingScreen;
use super::grid::{Grid, GridCell, GridRow, Meaning};
use super::{form, words};
use crate::actions::{self, EXPORT};
use crate::effects::{Effect, Gradebook, Message, Read};
use crate::model::{Hw, Model};
use crate::program::{Cx, Instructor};

/// The gradebook of a course.
pub struct GradebookSection {
    course: String,
    book: Live<Gradebook>,
    grid: Grid,
    exporting: Option<RequestId>,
}

impl GradebookSection {
    /// Of the course `course`.
    pub fn new(course: &str) -> Self {
        Self { course: course.to_owned(), book: Live::default(), grid: Grid::default(), exporting: None }
    }

    fn load(&mut self, cx: &mut Cx<'_>) {
        self.book.ask(cx, Effect::Read(Read::Gradebook(self.course.clone())));
    }

    fn arrange(&mut self) {
        let Some(book) = self.book.value() else { return };
        let mut titles = vec!["so far".to_owned()];
        titles.extend(book.columns.iter().map(|column| text::clean(&column.slug)));
        let rows = book.rows.iter().map(|row| {
            let mut cells = vec![sum(row)];
            cells.extend(row.cells.iter().map(cell));
            GridRow { key: words::username(row.student.as_ref()), name: words::name(row.student.as_ref()), cells }
        });
        self.grid.set(titles, rows.collect());
    }

    /// Grades the selected cell, and from there on down.
    fn open(&self, cx: &mut Cx<'_>) {
        let Some(book) = self.book.value() else { return };
        let column = self.grid.column().checked_sub(1).and_then(|at| book.columns.get(at));
        let (Some(column), Some(row)) = (column, self.grid.selected()) else {
            return cx.toast(Tone::Plain, "Choose an assignment with l to grade this student's work on it.");
        };
        let students: Vec<v1::PersonRef> = book.rows.iter().filter_map(|row| row.student.clone()).collect();
        let at = students.iter().position(|student| student.username == row.key).unwrap_or(0);
        let hw = Hw { course: self.course.clone(), assignment: column.slug.clone() };
        cx.push(GradingScreen::new(hw, column.points_possible, students, at));
    }
}

/// The sum of what was graded.
fn sum(row: &v1::GradebookRow) -> GridCell {
    if row.current_possible == 0 {
        return GridCell { words: "–".into(), meaning: Meaning::Quiet, order: None };
    }
    let percent = row.current_score * 1000 / row.current_possible;
    GridCell { words: format!("{}.{} %", percent / 10, percent % 10), meaning: Meaning::Plain, order: Some(percent) }
}

/// A score; in brackets while the student does not see it.
fn cell(cell: &v1::GradebookCell) -> GridCell {
    let (words, meaning) = match cell.score {
        Some(score) if cell.posted => (text::points(score), Meaning::Plain),
        Some(score) => (format!("({})", text::points(score)), Meaning::Plain),
        None if cell.needs_grading => ("to grade".into(), Meaning::ToDo),
        None if cell.missing => ("missing".into(), Meaning::Bad),
        None => ("–".into(), Meaning::Quiet),
    };
    let late = if cell.late && cell.score.is_some() { "L " } else { "" };
    GridCell { words: format!("{late}{words}"), meaning, order: cell.score }
}

impl Screen<Instructor> for GradebookSection {
    fn scope(&self) -> &'static Scope {
        &actions::GRADEBOOK_SCOPE
    }

    fn title(&self, _model: &Model) -> String {
        "gradebook".into()
    }

    fn disabled(&self, action: &Action, _model: &Model) -> Option<String> {
        match *action {
            EXPORT if self.exporting.is_some() => Some("The export is on its way.".into()),
            OPEN if self.grid.selected().is_none() => Some("There is nobody to grade.".into()),
            _ => None,
        }
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        self.book = Live::known(cx.model.known.gradebooks.get(&self.course).cloned());
        self.arrange();
        self.load(cx);
    }

    fn resumed(&mut self, cx: &mut Cx<'_>) {
        self.load(cx);
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_>) -> bool {
        match *action {
            OPEN => self.open(cx),
            EXPORT => self.exporting = Some(cx.request(Effect::Read(Read::GradebookCsv(self.course.clone())))),
            REFRESH => self.load(cx),
            _ => return self.grid.act(action),
        }
        true
    }

    fn part(&self) -> Option<&dyn Part> {
        Some(&self.grid)
    }

    fn part_mut(&mut self) -> Option<&mut dyn Part> {
        Some(&mut self.grid)
    }

    fn received(&mut self, request: RequestId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Gradebook(result) => {
                if self.book.finish(request, result)
                    && let Some(book) = self.book.value()
                {
                    cx.model.known.gradebooks.insert(self.course.clone(), book.clone());
                    self.arrange();
                }
                if self.book.is_stale() {
                    self.load(cx);
                }
            }
            Message::Bytes(result) if self.exporting == Some(request) => {
                self.exporting = None;
                match result {
                    Ok(bytes) => {
                        cx.push(form::save_as("Save the gradebook", &format!("gradebook-{}.csv", self.course), bytes));
                    }
                    Err(failure) => cx.toast(Tone::Bad, failure.sentence()),
                }
            }
            _ => {}
        }
    }

    fn changed(&mut self, change: &Change, cx: &mut Cx<'_>) {
        use v1::EventKind::{Assignment, Enrollment, Grade, Submission};
        let id = cx.model.course_id(&self.course);
        if concerns(change, id, &[Assignment, Enrollment, Grade, Submission]) {
            self.load(cx);
        }
    }

    fn view(&self, _model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let inner = canvas.pane(area, "Gradebook", true);
        let Some(room) = states::room(self.book.remote(), "the gradebook", inner, canvas) else { return };
        let legend = Rect { y: room.bottom().saturating_sub(1), height: room.height.min(1), ..room };
        let words = if self.exporting.is_some() { "Fetching the export" } else { LEGEND };
        canvas.line(legend, Line::styled(words, canvas.look.theme.dim));
        let above = Rect { height: room.height.saturating_sub(1), ..room };
        self.grid.view("This course has no students yet.", above, canvas);
    }
}

const LEGEND: &str = "(7) hidden from the student - L late - so far: of what was graded";
