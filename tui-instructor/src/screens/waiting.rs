//! What waits for a grade, over all courses.

use lectern_proto::v1;
use lectern_tui_kit::action::{Action, OPEN, REFRESH, Scope};
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::program::{Change, concerns};
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::Screen;
use lectern_tui_kit::widgets::Part;
use lectern_tui_kit::widgets::list::List;
use lectern_tui_kit::widgets::table::{Column, Table, Width};
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::assignments;
use super::queue::QueueScreen;
use super::words;
use crate::actions;
use crate::effects::{Effect, Message, Read};
use crate::model::Model;
use crate::program::{Cx, Instructor};

/// Assignments with work that waits for a grade.
pub struct WaitingScreen {
    courses: Vec<String>,
    list: List<v1::Assignment>,
}

impl WaitingScreen {
    /// Of these courses.
    pub fn new(courses: Vec<String>) -> Self {
        let key = |it: &v1::Assignment| format!("{}/{}", it.course_slug, it.slug);
        let table = Table::new(columns(), key, "Nothing waits for a grade.");
        Self { courses, list: List::new(table, "what waits for a grade") }
    }

    fn load(&mut self, cx: &mut Cx<'_>) {
        self.list.ask(cx, Effect::Read(Read::Waiting(self.courses.clone())));
    }

    fn open(&self, cx: &mut Cx<'_>) {
        if let Some(assignment) = self.list.selected() {
            cx.push(QueueScreen::new(assignment.clone()));
        }
    }
}

impl Screen<Instructor> for WaitingScreen {
    fn scope(&self) -> &'static Scope {
        &actions::WAITING_SCOPE
    }

    fn title(&self, _model: &Model) -> String {
        "to grade".into()
    }

    fn disabled(&self, action: &Action, _model: &Model) -> Option<String> {
        (*action == OPEN && self.list.selected().is_none()).then(|| "Nothing waits for a grade.".into())
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        self.load(cx);
    }

    fn resumed(&mut self, cx: &mut Cx<'_>) {
        self.load(cx);
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_>) -> bool {
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

    fn received(&mut self, request: RequestId, message: Message, cx: &mut Cx<'_>) {
        if let Message::Assignments(result) = message {
            self.list.finish(request, result);
            if self.list.is_stale() {
                self.load(cx);
            }
        }
    }

    fn changed(&mut self, change: &Change, cx: &mut Cx<'_>) {
        if concerns(change, None, &[v1::EventKind::Submission, v1::EventKind::Grade]) {
            self.load(cx);
        }
    }

    fn view(&self, _model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let inner = canvas.pane(area, "What waits for a grade", true);
        self.list.view(inner, canvas);
    }
}

fn columns() -> Vec<Column<v1::Assignment>> {
    vec![
        Column::new("course", Width::Fixed(10), |it: &v1::Assignment, _| Line::raw(it.course_slug.clone()))
            .sorted_by(|a, b| a.course_slug.cmp(&b.course_slug)),
        Column::new("assignment", Width::Fixed(12), |it: &v1::Assignment, _| Line::raw(it.slug.clone())),
        Column::new("title", Width::Fill(2), assignments::title).least(20).keep(1),
        Column::new("due", Width::Fixed(17), assignments::due)
            .keep(2)
            .sorted_by(|a, b| assignments::due_of(a).cmp(&assignments::due_of(b))),
        Column::new("to grade", Width::Fixed(8), |it: &v1::Assignment, look| {
            words::count(it.counts.unwrap_or_default().needs_grading, look)
        })
        .right(),
    ]
}
