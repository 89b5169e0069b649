//! A course's fifth tab: one's grades.

use crossterm::event::{KeyEvent, MouseEvent};
use lectern_client::WatchItem;
use lectern_proto::v1;
use lectern_tui_kit::action::{Action, OPEN, REFRESH, Scope};
use lectern_tui_kit::live::Live;
use lectern_tui_kit::look::{Canvas, Look};
use lectern_tui_kit::program::Change;
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::{Cx, Screen};
use lectern_tui_kit::widgets::Outcome;
use lectern_tui_kit::widgets::table::{Column, Table, Width};
use lectern_tui_kit::{states, text};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::actions::GRADES_SCOPE;
use crate::effects::{Effect, Message};
use crate::model::{Grades, Model, Place};
use crate::program::Student;
use crate::screens::grade::GradeScreen;
use crate::words;

/// The tab.
pub struct GradesTab {
    course: String,
    grades: Live<Grades>,
    table: Table<v1::MyGrade>,
}

/// Whether grades may be others after a change.
pub fn concerns(change: &Change) -> bool {
    match change {
        WatchItem::Resync { .. } => true,
        WatchItem::Event(event) => matches!(
            event.kind(),
            v1::EventKind::Grade | v1::EventKind::Submission | v1::EventKind::Assignment | v1::EventKind::Course
        ),
    }
}

impl GradesTab {
    /// Of a course, by its slug.
    pub fn new(course: &str) -> Self {
        Self { course: course.into(), grades: Live::default(), table: table() }
    }

    fn load(&mut self, cx: &mut Cx<'_, Student>) {
        self.grades.ask(cx, Effect::Grades { course: self.course.clone() });
    }

    fn open(&self, cx: &mut Cx<'_, Student>) {
        if let Some(row) = self.table.selected() {
            cx.push(GradeScreen::new(Place::new(&self.course, &row.assignment_slug)));
        }
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
        self.grades = Live::known(cx.model.grades.get(&self.course).cloned());
        self.table.set_rows(self.grades.value().map(|grades| grades.rows.clone()).unwrap_or_default());
        self.load(cx);
    }

    fn resumed(&mut self, cx: &mut Cx<'_, Student>) {
        self.load(cx);
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, Student>) -> bool {
        match *action {
            OPEN => self.open(cx),
            REFRESH => self.load(cx),
            _ => return self.table.act(action),
        }
        true
    }

    fn text_focus(&self) -> bool {
        self.table.text_focus()
    }

    fn key(&mut self, key: KeyEvent, _cx: &mut Cx<'_, Student>) {
        self.table.key(key);
    }

    fn paste(&mut self, text: &str, _cx: &mut Cx<'_, Student>) {
        self.table.paste(text);
    }

    fn mouse(&mut self, event: MouseEvent, cx: &mut Cx<'_, Student>) {
        if self.table.mouse(event) == Outcome::Chosen {
            self.open(cx);
        }
    }

    fn received(&mut self, request: RequestId, message: Message, cx: &mut Cx<'_, Student>) {
        let Message::Grades(grades) = message else { return };
        if !self.grades.finish(request, grades) {
            return;
        }
        if let Some(grades) = self.grades.value() {
            self.table.set_rows(grades.rows.clone());
            cx.model.grades.insert(self.course.clone(), grades.clone());
        }
        if self.grades.is_stale() {
            self.load(cx);
        }
    }

    fn changed(&mut self, change: &Change, cx: &mut Cx<'_, Student>) {
        if concerns(change) {
            self.load(cx);
        }
    }

    fn view(&self, _model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let Some(area) = states::room(self.grades.remote(), "your grades", area, canvas) else { return };
        let Some(grades) = self.grades.value() else { return };
        let theme = canvas.look.theme;
        let total = Line::from(vec![
            Span::styled("So far ", theme.dim),
            Span::styled(words::score_of(grades.score, grades.possible), theme.title),
            Span::styled(" points in graded work", theme.dim),
        ]);
        let rows = 2.min(area.height);
        self.table.view(Rect { height: area.height - rows, ..area }, canvas, true);
        canvas.line(Rect { y: area.bottom().saturating_sub(1), height: rows.min(1), ..area }, total);
    }
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
        Column::new("state", Width::Fixed(14), |row: &v1::MyGrade, look| Line::from(words::grade_state(row, look)))
            .keep(1),
    ];
    Table::new(columns, |row: &v1::MyGrade| row.assignment_slug.clone(), "This course has no assignments yet.")
}
