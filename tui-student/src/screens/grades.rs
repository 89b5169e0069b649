//! A course's fifth tab: one's grades.

use lectern_proto::v1;
use lectern_tui_kit::action::{Action, OPEN, REFRESH, Scope};
use lectern_tui_kit::look::{Canvas, Look};
use lectern_tui_kit::program::{self, Change};
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::{Cx, Screen};
use lectern_tui_kit::text;
use lectern_tui_kit::widgets::Part;
use lectern_tui_kit::widgets::list::List;
use lectern_tui_kit::widgets::table::{Column, Table, Width};
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
    list: List<v1::MyGrade, Grades>,
}

/// Whether grades may be others after a change.
pub fn concerns(change: &Change) -> bool {
    use v1::EventKind::{Assignment, Course, Grade, Submission};
    program::concerns(change, None, &[Assignment, Course, Grade, Submission])
}

impl GradesTab {
    /// Of a course, by its slug.
    pub fn new(course: &str) -> Self {
        let rows = |grades: &Grades| grades.rows.clone();
        Self { course: course.into(), list: List::of(table(), "your grades", rows) }
    }

    fn load(&mut self, cx: &mut Cx<'_, Student>) {
        self.list.ask(cx, Effect::Grades { course: self.course.clone() });
    }

    fn open(&self, cx: &mut Cx<'_, Student>) {
        if let Some(row) = self.list.selected() {
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
        self.list.knows(cx.model.grades.get(&self.course).cloned());
        self.load(cx);
    }

    fn resumed(&mut self, cx: &mut Cx<'_, Student>) {
        self.load(cx);
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, Student>) -> bool {
        match *action {
            OPEN => self.open(cx),
            REFRESH => self.load(cx),
            _ => return self.list.act(action),
        }
        true
    }

    fn part(&self) -> Option<&dyn Part> {
        Some(&self.list)
    }

    fn part_mut(&mut self) -> Option<&mut dyn Part> {
        Some(&mut self.list)
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
        let theme = canvas.look.theme;
        let total = Line::from(vec![
            Span::styled("So far ", theme.dim),
            Span::styled(words::score_of(grades.score, grades.possible), theme.title),
            Span::styled(" points in graded work", theme.dim),
        ]);
        let rows = 2.min(area.height);
        self.list.table().view(Rect { height: area.height - rows, ..area }, canvas, true);
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
