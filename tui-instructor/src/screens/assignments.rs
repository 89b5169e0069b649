//! The assignments of a course.

use lectern_proto::v1;
use lectern_tui_kit::action::{Action, OPEN, REFRESH, Scope};
use lectern_tui_kit::look::{Canvas, Look};
use lectern_tui_kit::program::{Change as Changed, concerns};
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::{Confirm, Screen, Tone};
use lectern_tui_kit::text;
use lectern_tui_kit::widgets::Part;
use lectern_tui_kit::widgets::list::List;
use lectern_tui_kit::widgets::table::{Column, Table, Width};
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::assignment_form;
use super::deed::Deed;
use super::form::{FormScreen, Work};
use super::queue::QueueScreen;
use super::words;
use crate::actions::{self, ADD, DELETE, EDIT, PUBLISH};
use crate::effects::{Change, Effect, Made, Message, Read};
use crate::model::Model;
use crate::program::{Cx, Instructor};

/// The assignments of a course.
pub struct AssignmentsSection {
    course: String,
    list: List<v1::Assignment>,
    publishing: Deed,
}

impl AssignmentsSection {
    /// Of the course `course`.
    pub fn new(course: &str) -> Self {
        let table =
            Table::new(columns(), |it: &v1::Assignment| it.slug.clone(), "There are no assignments yet; a makes one.");
        Self { course: course.to_owned(), list: List::new(table, "the assignments"), publishing: Deed::default() }
    }

    fn load(&mut self, cx: &mut Cx<'_>) {
        self.list.ask(cx, Effect::Read(Read::Assignments(self.course.clone())));
    }

    fn open(&self, cx: &mut Cx<'_>) {
        if let Some(assignment) = self.list.selected() {
            cx.push(QueueScreen::new(assignment.clone()));
        }
    }

    fn ask_publish(&mut self, cx: &mut Cx<'_>) {
        let Some(assignment) = self.list.selected().cloned() else { return };
        let name = named(&assignment);
        let confirm = if is_published(&assignment) {
            Confirm {
                question: format!("Hide {name} from students?"),
                consequence: "What was handed in stays.".into(),
                yes: "hide".into(),
            }
        } else {
            Confirm {
                question: format!("Publish {name}?"),
                consequence: "Every student of the course sees it.".into(),
                yes: "publish".into(),
            }
        };
        let change = assignment_form::publish(&assignment, !is_published(&assignment));
        self.publishing.ask(confirm, change, cx);
    }
}

fn is_published(assignment: &v1::Assignment) -> bool {
    assignment.settings.as_ref().is_some_and(|settings| settings.published)
}

fn named(assignment: &v1::Assignment) -> String {
    let title = assignment.settings.as_ref().map(|settings| text::clean(&settings.title)).unwrap_or_default();
    format!("{} ({title})", assignment.slug)
}

/// Deleting an assignment asks for a reason, which the audit trail keeps.
fn deletion(assignment: &v1::Assignment) -> FormScreen {
    use lectern_tui_kit::widgets::form::{Field, Form};
    let handed_in = assignment.counts.map_or(0, |counts| counts.submitted);
    let (course, slug) = (assignment.course_slug.clone(), assignment.slug.clone());
    let expected = slug.clone();
    let form = Form::new([
        Field::text("name", "Short name")
            .required()
            .hint(format!("Type {slug} to delete it."))
            .check(move |typed| if typed == expected { Ok(()) } else { Err(format!("Type {expected}.")) }),
        Field::text("reason", "Reason").required().hint("why, for the audit trail"),
    ]);
    let done = slug.clone();
    FormScreen::new(format!("Delete {}", named(assignment)), "this", form, move |form| {
        let request = v1::DeleteAssignmentRequest {
            course: course.clone(),
            assignment: slug.clone(),
            reason: form.text("reason"),
        };
        Ok(Work::from(Change::DeleteAssignment(request)))
    })
    .note(format!(
        "{} handed something in. Their work and grades are no longer shown anywhere.",
        match handed_in {
            0 => "Nobody".into(),
            count => text::count(count, "student"),
        }
    ))
    .done(move |_, cx| cx.toast(Tone::Good, format!("{done} is deleted.")))
}

impl Screen<Instructor> for AssignmentsSection {
    fn scope(&self) -> &'static Scope {
        &actions::ASSIGNMENTS_SCOPE
    }

    fn title(&self, _model: &Model) -> String {
        "assignments".into()
    }

    fn disabled(&self, action: &Action, _model: &Model) -> Option<String> {
        match *action {
            OPEN | EDIT | DELETE | PUBLISH if self.list.selected().is_none() => Some("There is no assignment.".into()),
            _ => None,
        }
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        self.list.knows(cx.model.known.assignments.get(&self.course).cloned());
        self.load(cx);
        // The form of an assignment shows its group by name.
        cx.request(Effect::Read(Read::Policy(self.course.clone())));
    }

    fn resumed(&mut self, cx: &mut Cx<'_>) {
        self.load(cx);
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_>) -> bool {
        let selected = self.list.selected().cloned();
        match (*action, selected) {
            (OPEN, _) => self.open(cx),
            (ADD, _) => cx.push(assignment_form::create(&self.course, cx.model)),
            (EDIT, Some(assignment)) => cx.push(assignment_form::edit(&assignment, cx.model)),
            (DELETE, Some(assignment)) => cx.push(deletion(&assignment)),
            (PUBLISH, _) => self.ask_publish(cx),
            (REFRESH, _) => self.load(cx),
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
        match message {
            Message::Assignments(result) => {
                if let Some(rows) = self.list.finish(request, result) {
                    cx.model.known.assignments.insert(self.course.clone(), rows.clone());
                }
                if self.list.is_stale() {
                    self.load(cx);
                }
            }
            Message::Policy(course, Ok(policy)) => drop(cx.model.known.policies.insert(course, policy)),
            Message::Changed(result) => {
                let Some(made) = self.publishing.finish(request, result, cx) else { return };
                if let Made::UpdateAssignment(v1::UpdateAssignmentResponse { assignment: Some(it) }) = made {
                    let state = if is_published(&it) { "published" } else { "hidden" };
                    cx.toast(Tone::Good, format!("{} is {state}.", it.slug));
                }
                self.load(cx);
            }
            _ => {}
        }
    }

    fn confirmed(&mut self, request: RequestId, cx: &mut Cx<'_>) {
        self.publishing.confirmed(request, cx);
    }

    fn changed(&mut self, change: &Changed, cx: &mut Cx<'_>) {
        use v1::EventKind::{Assignment, Enrollment, Grade, Submission};
        let id = cx.model.course_id(&self.course);
        if concerns(change, id, &[Assignment, Enrollment, Grade, Submission]) {
            self.load(cx);
        }
    }

    fn wakes_at(&self, _model: &Model, now_ms: i64) -> Option<i64> {
        let dues = self.list.table().shown().filter_map(|it| it.settings.as_ref()?.due_at_ms);
        dues.map(|due| text::distance_changes_at(due, now_ms)).min()
    }

    fn view(&self, _model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let inner = canvas.pane(area, "Assignments", true);
        self.list.view(inner, canvas);
    }
}

/// An assignment's name, title, dates and counts, for this list and the one over all courses.
fn columns() -> Vec<Column<v1::Assignment>> {
    vec![
        Column::new("assignment", Width::Fixed(12), |it: &v1::Assignment, _| Line::raw(it.slug.clone()))
            .sorted_by(|a, b| a.slug.cmp(&b.slug)),
        Column::new("title", Width::Fill(2), |it: &v1::Assignment, look| title(it, look)).least(24),
        Column::new("due", Width::Fixed(17), due).keep(2).sorted_by(|a, b| due_of(a).cmp(&due_of(b))),
        Column::new("", Width::Fixed(20), |it: &v1::Assignment, look| {
            due_of(it).map_or_else(Line::default, |due| Line::styled(look.distance(due), look.theme.dim))
        })
        .keep(5),
        Column::new("handed in", Width::Fixed(9), |it: &v1::Assignment, _| {
            let counts = it.counts.unwrap_or_default();
            Line::raw(format!("{}/{}", counts.submitted, counts.students))
        })
        .right()
        .keep(1),
        Column::new("to grade", Width::Fixed(8), |it: &v1::Assignment, look| {
            words::count(it.counts.unwrap_or_default().needs_grading, look)
        })
        .right()
        .sorted_by(|a, b| {
            let waiting = |it: &v1::Assignment| it.counts.unwrap_or_default().needs_grading;
            waiting(a).cmp(&waiting(b))
        }),
        Column::new("posted", Width::Fixed(6), |it: &v1::Assignment, _| {
            let counts = it.counts.unwrap_or_default();
            Line::raw(format!("{}/{}", counts.posted, counts.graded))
        })
        .right()
        .keep(3),
    ]
}

/// The title; what students do not see says so.
pub fn title(it: &v1::Assignment, look: &Look) -> Line<'static> {
    let title = it.settings.as_ref().map(|settings| settings.title.clone()).unwrap_or_default();
    if is_published(it) { Line::raw(title) } else { Line::styled(format!("{title} (not published)"), look.theme.dim) }
}

/// When it is due.
pub fn due(it: &v1::Assignment, look: &Look) -> Line<'static> {
    Line::raw(look.optional_time(due_of(it)))
}

/// The due date.
pub fn due_of(it: &v1::Assignment) -> Option<i64> {
    it.settings.as_ref().and_then(|settings| settings.due_at_ms)
}
