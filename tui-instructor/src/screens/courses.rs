//! Every course of the installation: for administrators.

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

use super::course::{CourseScreen, Section};
use crate::actions;
use crate::effects::{Effect, Message, Read};
use crate::model::Model;
use crate::program::{Cx, Instructor};

/// The courses.
pub struct CoursesScreen {
    list: List<v1::Course>,
}

impl Default for CoursesScreen {
    fn default() -> Self {
        let table = Table::new(columns(), |course: &v1::Course| course.course_id.clone(), "There are no courses yet.");
        Self { list: List::new(table, "the courses") }
    }
}

impl CoursesScreen {
    fn load(&mut self, cx: &mut Cx<'_>) {
        self.list.ask(cx, Effect::Read(Read::AllCourses));
    }

    fn open(&self, cx: &mut Cx<'_>) {
        if let Some(course) = self.list.selected() {
            cx.push(CourseScreen::new(&course.slug, Section::Assignments));
        }
    }
}

impl Screen<Instructor> for CoursesScreen {
    fn scope(&self) -> &'static Scope {
        &actions::COURSES_SCOPE
    }

    fn title(&self, _model: &Model) -> String {
        "all courses".into()
    }

    fn disabled(&self, action: &Action, _model: &Model) -> Option<String> {
        (*action == OPEN && self.list.selected().is_none()).then(|| "There is no course.".into())
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
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
        if let Message::Courses(result) = message {
            self.list.finish(request, result);
            if self.list.is_stale() {
                self.load(cx);
            }
        }
    }

    fn changed(&mut self, change: &Change, cx: &mut Cx<'_>) {
        if concerns(change, None, &[v1::EventKind::Course]) {
            self.load(cx);
        }
    }

    fn view(&self, _model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let inner = canvas.pane(area, "All courses", true);
        self.list.view(inner, canvas);
    }
}

fn state(course: &v1::Course) -> &'static str {
    match course.state() {
        v1::CourseState::Unpublished => "unpublished",
        v1::CourseState::Available => "available",
        v1::CourseState::Completed => "completed",
        v1::CourseState::Deleted => "deleted",
        v1::CourseState::Unspecified => "",
    }
}

fn columns() -> Vec<Column<v1::Course>> {
    type Row = v1::Course;
    vec![
        Column::new("course", Width::Fixed(12), |it: &Row, _| Line::raw(it.slug.clone()))
            .sorted_by(|a, b| a.slug.cmp(&b.slug)),
        Column::new("title", Width::Fill(1), |it: &Row, _| Line::raw(it.title.clone()))
            .least(24)
            .sorted_by(|a, b| a.title.cmp(&b.title)),
        Column::new("term", Width::Fixed(14), |it: &Row, _| Line::raw(it.term.clone()))
            .keep(2)
            .sorted_by(|a, b| a.term.cmp(&b.term)),
        Column::new("state", Width::Fixed(11), |it: &Row, _| Line::raw(state(it)))
            .keep(1)
            .sorted_by(|a, b| a.state.cmp(&b.state)),
        Column::new("students", Width::Fixed(8), |it: &Row, _| Line::raw(it.student_count.to_string()))
            .right()
            .sorted_by(|a, b| a.student_count.cmp(&b.student_count)),
    ]
}
