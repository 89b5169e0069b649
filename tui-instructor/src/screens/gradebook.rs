//! The gradebook: students by assignments.

use lectern_grading::Percent;
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
use super::groups::GroupsScreen;
use super::statistics::StatisticsScreen;
use super::{form, grade_forms, words};
use crate::actions::{self, EXPORT, FINAL, GROUPS, OVERRIDE, STATISTICS};
use crate::effects::{Effect, Gradebook, Message, Read};
use crate::model::{Hw, Model};
use crate::program::{Cx, Instructor};

/// The gradebook of a course.
pub struct GradebookSection {
    course: String,
    book: Live<Gradebook>,
    grid: Grid,
    exporting: Option<RequestId>,
    /// The overrides that are asked for, and for whom.
    overriding: Option<(RequestId, Hw, v1::PersonRef)>,
}

impl GradebookSection {
    /// Of the course `course`.
    pub fn new(course: &str) -> Self {
        Self {
            course: course.to_owned(),
            book: Live::default(),
            grid: Grid::default(),
            exporting: None,
            overriding: None,
        }
    }

    fn load(&mut self, cx: &mut Cx<'_>) {
        self.book.ask(cx, Effect::Read(Read::Gradebook(self.course.clone())));
    }

    fn arrange(&mut self) {
        let Some(book) = self.book.value() else { return };
        let mut titles = vec!["so far".to_owned(), "final".to_owned()];
        titles.extend(book.groups.iter().map(|group| text::clean(&group.slug)));
        titles.extend(book.columns.iter().map(|column| text::clean(&column.slug)));
        let rows = book.rows.iter().map(|row| {
            let total = row.total.clone().unwrap_or_default();
            let mut cells = vec![
                percent(total.current, &total.current_level),
                percent(total.r#override.or(total.r#final), &total.final_level),
            ];
            cells.extend(row.groups.iter().take(book.groups.len()).map(of_group));
            cells.extend(row.cells.iter().map(cell));
            GridRow { key: words::username(row.student.as_ref()), name: words::name(row.student.as_ref()), cells }
        });
        self.grid.set(titles, rows.collect());
    }

    /// The assignment of the selected column; none on totals and groups.
    fn column(&self) -> Option<&v1::GradebookColumn> {
        let book = self.book.value()?;
        self.grid.column().checked_sub(TOTALS + book.groups.len()).and_then(|at| book.columns.get(at))
    }

    /// The row of the selected student.
    fn row(&self) -> Option<&v1::GradebookRow> {
        let key = &self.grid.selected()?.key;
        self.book.value()?.rows.iter().find(|row| words::username(row.student.as_ref()) == *key)
    }

    fn statistics(&self, cx: &mut Cx<'_>) {
        let assignment = self.column().map(|column| column.slug.clone()).unwrap_or_default();
        cx.push(StatisticsScreen::new(Hw { course: self.course.clone(), assignment }));
    }

    /// Asks what holds for the selected student now; the form comes with the answer.
    fn ask_override(&mut self, cx: &mut Cx<'_>) {
        let (Some(column), Some(row)) = (self.column(), self.row()) else { return };
        let hw = Hw { course: self.course.clone(), assignment: column.slug.clone() };
        let student = row.student.clone().unwrap_or_default();
        let request = cx.request(Effect::Read(Read::Overrides(hw.clone())));
        self.overriding = Some((request, hw, student));
    }

    /// Grades the selected cell, and from there on down.
    fn open(&self, cx: &mut Cx<'_>) {
        let Some(book) = self.book.value() else { return };
        let (Some(column), Some(row)) = (self.column(), self.grid.selected()) else {
            return cx.toast(Tone::Plain, "Choose an assignment with l to grade this student's work on it.");
        };
        let students: Vec<v1::PersonRef> = book.rows.iter().filter_map(|row| row.student.clone()).collect();
        let at = students.iter().position(|student| student.username == row.key).unwrap_or(0);
        let hw = Hw { course: self.course.clone(), assignment: column.slug.clone() };
        cx.push(GradingScreen::new(hw, column.points_possible, students, at));
    }
}

/// Columns before the groups: so far, and final.
const TOTALS: usize = 2;

/// A total with its name.
fn percent(hundredths: Option<i64>, level: &str) -> GridCell {
    let Some(value) = hundredths else {
        return GridCell { words: "–".into(), meaning: Meaning::Quiet, order: None };
    };
    let words = match level {
        "" => format!("{} %", Percent(value)),
        level => format!("{} {}", Percent(value), text::clean(level)),
    };
    GridCell { words, meaning: Meaning::Plain, order: Some(value) }
}

/// What was kept of a group so far.
fn of_group(total: &v1::GroupTotal) -> GridCell {
    percent(Percent::of(total.current_score, total.current_possible).map(|percent| percent.0), "")
}

/// A score; in brackets while the student does not see it.
fn cell(cell: &v1::GradebookCell) -> GridCell {
    let (words, meaning) = match cell.score {
        _ if cell.excused => ("excused".into(), Meaning::Quiet),
        Some(score) if cell.posted => (text::points(score), Meaning::Plain),
        Some(score) => (format!("({})", text::points(score)), Meaning::Plain),
        None if cell.needs_grading => ("to grade".into(), Meaning::ToDo),
        None if cell.missing => ("missing".into(), Meaning::Bad),
        None => ("–".into(), Meaning::Quiet),
    };
    let late = if cell.late && cell.score.is_some() { "L " } else { "" };
    let dropped = if cell.dropped { "*" } else { "" };
    GridCell { words: format!("{late}{words}{dropped}"), meaning, order: cell.score }
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
            OVERRIDE | FINAL if self.row().is_none() => Some("There is no student.".into()),
            OVERRIDE if self.column().is_none() => Some("Choose an assignment with l first.".into()),
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
            GROUPS => cx.push(GroupsScreen::new(&self.course)),
            STATISTICS => self.statistics(cx),
            OVERRIDE => self.ask_override(cx),
            FINAL => {
                if let Some(row) = self.row() {
                    cx.push(grade_forms::final_grade(&self.course, row));
                }
            }
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
            Message::Overrides(result) => {
                let Some((_, hw, student)) = self.overriding.take_if(|(asked, ..)| *asked == request) else { return };
                match result {
                    Ok(all) => {
                        let is_theirs =
                            |it: &&v1::Override| it.student.as_ref().is_some_and(|of| of.user_id == student.user_id);
                        let form = grade_forms::overriding(&hw, &student, all.iter().find(is_theirs), cx.model);
                        cx.push(form);
                    }
                    Err(failure) => cx.toast(Tone::Bad, failure.sentence()),
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
        use v1::EventKind::{Assignment, Enrollment, Grade, Grading, Submission};
        let id = cx.model.course_id(&self.course);
        if concerns(change, id, &[Assignment, Enrollment, Grade, Grading, Submission]) {
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

const LEGEND: &str = "(7) hidden from the student - L late - * dropped - so far: of what was graded";
