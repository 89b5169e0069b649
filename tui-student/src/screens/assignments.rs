//! A course's first tab: its assignments.

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
use ratatui::text::Line;

use crate::actions::ASSIGNMENTS_SCOPE;
use crate::effects::{Effect, Message};
use crate::model::{Model, Place};
use crate::program::Student;
use crate::screens::assignment::AssignmentScreen;
use crate::words;

/// The tab.
pub struct Assignments {
    course: String,
    list: List<v1::Assignment>,
}

impl Assignments {
    /// Of a course, by its slug.
    pub fn new(course: &str) -> Self {
        Self { course: course.into(), list: List::new(table(), "the assignments") }
    }

    fn load(&mut self, cx: &mut Cx<'_, Student>) {
        self.list.ask(cx, Effect::Assignments { course: self.course.clone() });
    }

    fn open(&self, cx: &mut Cx<'_, Student>) {
        if let Some(assignment) = self.list.selected() {
            cx.push(AssignmentScreen::new(Place::new(&self.course, &assignment.slug)));
        }
    }
}

/// Whether the state of assignments may be another after a change.
pub fn concerns(change: &Change) -> bool {
    use v1::EventKind::{Assignment, Course, Draft, ExtensionRequest, Grade, Pledge, Submission};
    program::concerns(change, None, &[Assignment, Course, Draft, ExtensionRequest, Grade, Pledge, Submission])
}

impl Screen<Student> for Assignments {
    fn scope(&self) -> &'static Scope {
        &ASSIGNMENTS_SCOPE
    }

    fn title(&self, _model: &Model) -> String {
        "assignments".into()
    }

    fn opened(&mut self, cx: &mut Cx<'_, Student>) {
        self.list.knows(cx.model.assignments.get(&self.course).cloned());
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
        let Message::Assignments(list) = message else { return };
        if let Some(list) = self.list.finish(request, list) {
            cx.model.assignments.insert(self.course.clone(), list.clone());
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

    fn wakes_at(&self, _model: &Model, now_ms: i64) -> Option<i64> {
        let dates = self.list.table().rows().iter().filter_map(words::due_of);
        dates.map(|due| text::distance_changes_at(due, now_ms)).min()
    }

    fn view(&self, _model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        self.list.view(area, canvas);
    }
}

fn table() -> Table<v1::Assignment> {
    let due = |assignment: &v1::Assignment, look: &Look| {
        let done = assignment.mine.as_ref().is_some_and(|mine| mine.submitted_at_ms.is_some() || mine.score.is_some());
        let due = words::due_of(assignment);
        Line::styled(words::due(due, look), words::due_style(due, done, look))
    };
    let title = |assignment: &v1::Assignment, _: &Look| {
        Line::raw(assignment.settings.as_ref().map(|settings| settings.title.clone()).unwrap_or_default())
    };
    let columns = vec![
        Column::new("name", Width::Fixed(10), |assignment: &v1::Assignment, _| Line::raw(assignment.slug.clone()))
            .keep(3)
            .sorted_by(|a, b| a.slug.cmp(&b.slug)),
        Column::new("title", Width::Fill(1), title).least(24),
        Column::new("due", Width::Fixed(19), due)
            .keep(2)
            .sorted_by(|a, b| words::due_of(a).unwrap_or(i64::MAX).cmp(&words::due_of(b).unwrap_or(i64::MAX))),
        Column::new("at", Width::Fixed(17), |assignment: &v1::Assignment, look| {
            Line::styled(look.optional_time(words::due_of(assignment)), look.theme.dim)
        })
        .keep(5),
        Column::new("state", Width::Fixed(14), |assignment: &v1::Assignment, look| {
            Line::from(words::state(assignment, look))
        }),
    ];
    Table::new(columns, |assignment| assignment.slug.clone(), "This course has no assignments yet.")
}
