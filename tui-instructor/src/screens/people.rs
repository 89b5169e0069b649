//! The people of a course: the roster, and changing it.

use lectern_proto::v1;
use lectern_tui_kit::action::{Action, OPEN, REFRESH, Scope};
use lectern_tui_kit::look::{Canvas, Look};
use lectern_tui_kit::program::{Change as Changed, concerns};
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::{Confirm, Screen, Tone};
use lectern_tui_kit::widgets::Part;
use lectern_tui_kit::widgets::form::{Field, Form};
use lectern_tui_kit::widgets::list::List;
use lectern_tui_kit::widgets::table::{Column, Table, Width};
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::codes::CodesScreen;
use super::deed::Deed;
use super::form::FormScreen;
use super::{import, words};
use crate::actions::{self, ADD, CODES, IMPORT, ROLE};
use crate::effects::{Change, Effect, Made, Message, Read};
use crate::model::Model;
use crate::program::{Cx, Instructor};

const ROLES: [(&str, &str); 3] = [("student", "student"), ("ta", "assistant"), ("instructor", "instructor")];

/// The people of a course.
pub struct PeopleSection {
    course: String,
    list: List<v1::Enrollment>,
    codes: Deed,
}

impl PeopleSection {
    /// Of the course `course`.
    pub fn new(course: &str) -> Self {
        let key = |it: &v1::Enrollment| words::username(it.person.as_ref());
        let empty = "Nobody takes part yet; a adds an account, i imports a roster.";
        Self {
            course: course.to_owned(),
            list: List::new(Table::new(columns(), key, empty), "the people"),
            codes: Deed::default(),
        }
    }

    fn load(&mut self, cx: &mut Cx<'_>) {
        self.list.ask(cx, Effect::Read(Read::People(self.course.clone())));
    }

    fn change(&self, cx: &mut Cx<'_>) {
        if let Some(enrollment) = self.list.selected() {
            cx.push(change_form(&self.course, enrollment));
        }
    }

    fn never_signed_in(&self) -> usize {
        self.list.value().map_or(0, |rows| rows.iter().filter(|it| !it.activated).count())
    }

    fn ask_codes(&mut self, cx: &mut Cx<'_>) {
        let people = lectern_cli::text::count(self.never_signed_in(), "person gets", "people get");
        let question = Confirm {
            question: format!("Make one-time codes for everyone in {} who never signed in?", self.course),
            consequence: format!("{people} a fresh one; codes made earlier stop working."),
            yes: "make codes".into(),
        };
        let change = Change::IssueCodes(v1::IssueCodesRequest { users: Vec::new(), course: self.course.clone() });
        self.codes.ask(question, change, cx);
    }
}

fn role_of(name: &str) -> v1::EnrollmentType {
    match name {
        "ta" => v1::EnrollmentType::Ta,
        "instructor" => v1::EnrollmentType::Instructor,
        _ => v1::EnrollmentType::Student,
    }
}

fn role_name(kind: v1::EnrollmentType) -> &'static str {
    match kind {
        v1::EnrollmentType::Ta => "ta",
        v1::EnrollmentType::Instructor => "instructor",
        _ => "student",
    }
}

fn add_form(course: &str) -> FormScreen {
    let form = Form::new([
        Field::text("user", "Username").required().hint("of an account that exists"),
        Field::choice("role", "Role", ROLES),
        Field::text("section", "Section").hint("the course's own, when left empty"),
    ]);
    let course = course.to_owned();
    FormScreen::new("Add somebody", "this", form, move |form| {
        let request = v1::EnrollRequest {
            course: course.clone(),
            user: form.text("user"),
            r#type: role_of(form.choice("role")).into(),
            section: form.text("section"),
        };
        Ok(Change::Enroll(request).into())
    })
    .done(|made, cx| {
        if let Made::Enroll(v1::EnrollResponse { enrollment: Some(enrollment) }) = made {
            let name = words::name(enrollment.person.as_ref());
            cx.toast(Tone::Good, format!("{name} takes part as {}.", words::role(enrollment.r#type())));
        }
    })
}

fn change_form(course: &str, enrollment: &v1::Enrollment) -> FormScreen {
    let states =
        [("active", "takes part"), ("inactive", "rests: sees nothing"), ("deleted", "removed; their work stays")];
    let state = match enrollment.state() {
        v1::EnrollmentState::Inactive => "inactive",
        v1::EnrollmentState::Deleted => "deleted",
        _ => "active",
    };
    let form = Form::new([
        Field::choice("role", "Role", ROLES).value(role_name(enrollment.r#type())),
        Field::choice("state", "State", states).value(state),
        Field::text("reason", "Reason").required().hint("why, for the audit trail"),
    ]);
    let (course, before) = (course.to_owned(), enrollment.clone());
    let name = words::name(enrollment.person.as_ref());
    FormScreen::new(format!("{name} in {course}"), "this change", form, move |form| {
        let kind = role_of(form.choice("role"));
        let to = match form.choice("state") {
            "inactive" => v1::EnrollmentState::Inactive,
            "deleted" => v1::EnrollmentState::Deleted,
            _ => v1::EnrollmentState::Active,
        };
        // Who was invited stays invited while nothing else is chosen.
        let state = (form.choice("state") != state).then(|| to.into());
        let request = v1::UpdateEnrollmentRequest {
            course: course.clone(),
            user: words::username(before.person.as_ref()),
            r#type: (kind != before.r#type()).then(|| kind.into()),
            state,
            reason: form.text("reason"),
        };
        Ok(Change::UpdateEnrollment(request).into())
    })
    .note("It counts at once: a role that is removed stops working with the next call.")
    .done(|made, cx| {
        if let Made::UpdateEnrollment(v1::UpdateEnrollmentResponse { enrollment: Some(enrollment) }) = made {
            let name = words::name(enrollment.person.as_ref());
            cx.toast(Tone::Good, format!("{name}: {}, {}.", words::role(enrollment.r#type()), state_words(enrollment)));
        }
    })
}

impl Screen<Instructor> for PeopleSection {
    fn scope(&self) -> &'static Scope {
        &actions::PEOPLE_SCOPE
    }

    fn title(&self, _model: &Model) -> String {
        "people".into()
    }

    fn disabled(&self, action: &Action, _model: &Model) -> Option<String> {
        match *action {
            ROLE | OPEN if self.list.selected().is_none() => Some("There is nobody to change.".into()),
            CODES if self.codes.is_under_way() => Some("The codes are being made.".into()),
            CODES if self.list.value().is_some() && self.never_signed_in() == 0 => {
                Some("Everyone has signed in already.".into())
            }
            _ => None,
        }
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        self.list.knows(cx.model.known.people.get(&self.course).cloned());
        self.load(cx);
    }

    fn resumed(&mut self, cx: &mut Cx<'_>) {
        self.load(cx);
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_>) -> bool {
        match *action {
            ADD => cx.push(add_form(&self.course)),
            ROLE | OPEN => self.change(cx),
            IMPORT => cx.push(import::roster(&self.course)),
            CODES => self.ask_codes(cx),
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
        match message {
            Message::People(result) => {
                if let Some(rows) = self.list.finish(request, result) {
                    cx.model.known.people.insert(self.course.clone(), rows.clone());
                }
                if self.list.is_stale() {
                    self.load(cx);
                }
            }
            Message::Changed(result) => {
                if let Some(Made::IssueCodes(answer)) = self.codes.finish(request, result, cx) {
                    cx.push(CodesScreen::new(&self.course, answer.codes));
                }
            }
            _ => {}
        }
    }

    fn confirmed(&mut self, request: RequestId, cx: &mut Cx<'_>) {
        self.codes.confirmed(request, cx);
    }

    fn changed(&mut self, change: &Changed, cx: &mut Cx<'_>) {
        let id = cx.model.course_id(&self.course);
        if concerns(change, id, &[v1::EventKind::Enrollment, v1::EventKind::Account]) {
            self.load(cx);
        }
    }

    fn view(&self, _model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let rows = self.list.value().map_or(0, Vec::len);
        let title = if rows == 0 { "People".into() } else { format!("People: {rows}") };
        let inner = canvas.pane(area, &title, true);
        self.list.view(inner, canvas);
    }
}

/// The state in words.
fn state_words(it: &v1::Enrollment) -> &'static str {
    match it.state() {
        v1::EnrollmentState::Invited => "invited",
        v1::EnrollmentState::Active => "takes part",
        v1::EnrollmentState::Completed => "completed",
        v1::EnrollmentState::Inactive => "rests",
        v1::EnrollmentState::Deleted => "removed",
        v1::EnrollmentState::Unspecified => "",
    }
}

fn columns() -> Vec<Column<v1::Enrollment>> {
    type Row = v1::Enrollment;
    let signed_in = |it: &Row, look: &Look| {
        if it.activated { Line::default() } else { Line::styled("never signed in", look.theme.warn) }
    };
    vec![
        Column::new("name", Width::Fill(2), |it: &Row, _| Line::raw(words::name(it.person.as_ref())))
            .least(20)
            .sorted_by(|a, b| words::name(a.person.as_ref()).cmp(&words::name(b.person.as_ref()))),
        Column::new("username", Width::Fixed(18), |it: &Row, _| Line::raw(words::username(it.person.as_ref())))
            .keep(1)
            .sorted_by(|a, b| words::username(a.person.as_ref()).cmp(&words::username(b.person.as_ref()))),
        Column::new("role", Width::Fixed(10), |it: &Row, _| Line::raw(words::role(it.r#type())))
            .sorted_by(|a, b| a.r#type.cmp(&b.r#type)),
        Column::new("state", Width::Fixed(10), |it: &Row, _| Line::raw(state_words(it))).keep(4),
        Column::new("section", Width::Fixed(10), |it: &Row, _| Line::raw(it.section.clone())).keep(5),
        Column::new("", Width::Fixed(15), signed_in).keep(2).sorted_by(|a, b| a.activated.cmp(&b.activated)),
        Column::new("e-mail", Width::Fill(2), |it: &Row, look| Line::styled(it.email.clone(), look.theme.dim)).keep(6),
    ]
}
