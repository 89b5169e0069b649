//! Home: the courses, and what waits in each of them.

use lectern_proto::v1;
use lectern_tui_kit::action::{Action, OPEN, REFRESH, Scope};
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::program::{Change, concerns};
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::{Confirm, Screen, Tone};
use lectern_tui_kit::shared::{self, account};
use lectern_tui_kit::text;
use lectern_tui_kit::widgets::Part;
use lectern_tui_kit::widgets::list::List;
use lectern_tui_kit::widgets::table::{Column, Table, Width};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::accounts::AccountsScreen;
use super::audit::AuditScreen;
use super::course::{CourseScreen, Section};
use super::course_form;
use super::courses::CoursesScreen;
use super::waiting::WaitingScreen;
use super::words;
use crate::actions::{self, ACCOUNTS, ALL_AUDIT, ALL_COURSES, NEW_COURSE, REQUESTS, SIGN_OUT, THREADS, WAITING};
use crate::effects::{Effect, Message, Read};
use crate::model::Model;
use crate::program::{Cx, Instructor};

/// The first screen.
pub struct HomeScreen {
    list: List<v1::HomeCourse, v1::GetHomeResponse>,
    signing_out: RequestId,
    sign_out: RequestId,
}

impl Default for HomeScreen {
    fn default() -> Self {
        let table = Table::new(
            columns(),
            |course: &v1::HomeCourse| course.slug.clone(),
            "You take part in no course yet. An administrator or a course's instructor adds you.",
        );
        Self {
            list: List::of(table, "your courses", |home: &v1::GetHomeResponse| home.courses.clone()),
            signing_out: RequestId::default(),
            sign_out: RequestId::default(),
        }
    }
}

impl HomeScreen {
    fn load(&mut self, cx: &mut Cx<'_>) {
        self.list.ask(cx, Effect::Read(Read::Home));
    }

    fn open(&self, section: Section, cx: &mut Cx<'_>) {
        if let Some(course) = self.list.selected() {
            cx.push(CourseScreen::new(&course.slug, section));
        }
    }

    fn waiting(&self, cx: &mut Cx<'_>) {
        // What waits is not known while the courses are not: an empty list would say that nothing does.
        let Some(home) = self.list.value() else {
            return cx.toast(Tone::Plain, "Your courses are not here yet.");
        };
        cx.push(WaitingScreen::new(home.courses.iter().map(|course| course.slug.clone()).collect()));
    }

    fn view_sums(&self, area: Rect, canvas: &mut Canvas<'_>) {
        let Some(home) = self.list.value() else { return };
        let theme = canvas.look.theme;
        let sum = |count: fn(&v1::HomeCourse) -> u32| home.courses.iter().map(count).sum::<u32>();
        let facts = [
            (sum(|course| course.needs_grading), "submission", "to grade", theme.accent),
            (sum(|course| course.open_threads), "open thread", "", theme.warn),
            (sum(|course| course.pending_extension_requests), "extension request", "", theme.warn),
        ];
        let mut spans = Vec::new();
        for (number, noun, rest, style) in facts.into_iter().filter(|(number, ..)| *number > 0) {
            if !spans.is_empty() {
                spans.push(Span::styled(format!(" {} ", canvas.look.glyphs.separator), theme.dim));
            }
            let words = format!("{} {rest}", text::count(number, noun));
            spans.push(Span::styled(words.trim_end().to_owned(), style));
        }
        if spans.is_empty() {
            spans.push(Span::styled("Nothing waits for you.", theme.good));
        }
        canvas.line(area, Line::from(spans));
    }
}

impl Screen<Instructor> for HomeScreen {
    fn scope(&self) -> &'static Scope {
        &actions::HOME_SCOPE
    }

    fn title(&self, _model: &Model) -> String {
        "home".into()
    }

    fn disabled(&self, action: &Action, model: &Model) -> Option<String> {
        let rights = model.rights();
        match *action {
            ALL_COURSES | ACCOUNTS | ALL_AUDIT if !rights.admin => {
                Some("Only administrators see the whole installation.".into())
            }
            NEW_COURSE if !rights.admin && !rights.course_creator => {
                Some("Your account may not create courses; ask an administrator.".into())
            }
            // Who signs out leaves the desk as they found it.
            SIGN_OUT if model.desk.typed() > 0 => {
                let grades = text::count(model.desk.typed() as u64, "grade");
                Some(format!("{grades} typed and not saved: save them first, or take them back with u."))
            }
            SIGN_OUT if model.desk.saving() > 0 => Some("Grades are still on their way; wait for them.".into()),
            OPEN | THREADS | REQUESTS if self.list.selected().is_none() => Some("There is no course to open.".into()),
            _ => None,
        }
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        if account::enter(cx) {
            return;
        }
        self.list.knows(cx.model.known.home.clone());
        cx.run(Effect::Read(Read::Me));
        self.load(cx);
        cx.run(Effect::Follow);
    }

    fn resumed(&mut self, cx: &mut Cx<'_>) {
        self.load(cx);
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_>) -> bool {
        match *action {
            OPEN => self.open(Section::Assignments, cx),
            THREADS => self.open(Section::Threads, cx),
            REQUESTS => self.open(Section::Requests, cx),
            WAITING => self.waiting(cx),
            ALL_COURSES => cx.push(CoursesScreen::default()),
            ACCOUNTS => cx.push(AccountsScreen::default()),
            ALL_AUDIT => cx.push(AuditScreen::new("")),
            NEW_COURSE => cx.push(course_form::create()),
            account::CHANGE_PASSWORD => cx.push(account::NewPassword::default()),
            SIGN_OUT => {
                self.signing_out = cx.confirm(Confirm {
                    question: "Sign out?".into(),
                    consequence: "The token of this device stops working everywhere.".into(),
                    yes: "sign out".into(),
                });
            }
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
            Message::Home(result) => {
                if let Some(home) = self.list.finish(request, result) {
                    cx.set_cluster_time(home.now_ms);
                    cx.model.known.home = Some(home.clone());
                }
                if self.list.is_stale() {
                    self.load(cx);
                }
            }
            Message::Shared(shared::Message::Account(account::Message::Left(result))) if request == self.sign_out => {
                match result {
                    Ok(()) => {
                        cx.model.forget();
                        account::left(cx);
                    }
                    Err(failure) => cx.toast(Tone::Bad, failure.sentence()),
                }
            }
            _ => {}
        }
    }

    fn confirmed(&mut self, request: RequestId, cx: &mut Cx<'_>) {
        if request == self.signing_out {
            self.sign_out = cx.share(shared::Effect::Account(account::Effect::SignOut));
        }
    }

    fn changed(&mut self, change: &Change, cx: &mut Cx<'_>) {
        use v1::EventKind::{
            Announcement, Assignment, Course, Enrollment, ExtensionRequest, Grade, ReadState, Submission, Thread,
        };
        let kinds =
            [Announcement, Assignment, Course, Enrollment, ExtensionRequest, Grade, ReadState, Submission, Thread];
        if concerns(change, None, &kinds) {
            self.load(cx);
        }
    }

    fn view(&self, _model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let inner = canvas.pane(area, "Courses", true);
        let Some(room) = self.list.room(inner, canvas) else { return };
        self.view_sums(room, canvas);
        let below = Rect { y: room.y + 2, height: room.height.saturating_sub(2), ..room };
        self.list.table().view(below, canvas, true);
    }
}

fn columns() -> Vec<Column<v1::HomeCourse>> {
    vec![
        Column::new("course", Width::Fixed(10), |course: &v1::HomeCourse, _| Line::raw(course.slug.clone()))
            .sorted_by(|a, b| a.slug.cmp(&b.slug)),
        Column::new("title", Width::Fill(1), |course: &v1::HomeCourse, _| Line::raw(course.title.clone()))
            .least(24)
            .sorted_by(|a, b| a.title.cmp(&b.title)),
        Column::new("you are", Width::Fixed(10), |course: &v1::HomeCourse, look| {
            let kind = i32::try_from(course.my_type).ok().and_then(|kind| v1::EnrollmentType::try_from(kind).ok());
            Line::styled(words::role(kind.unwrap_or_default()), look.theme.dim)
        })
        .keep(3),
        Column::new("to grade", Width::Fixed(8), |course: &v1::HomeCourse, look| {
            words::count(course.needs_grading, look)
        })
        .right()
        .sorted_by(|a, b| a.needs_grading.cmp(&b.needs_grading)),
        Column::new("threads", Width::Fixed(7), |course: &v1::HomeCourse, look| {
            words::count(course.open_threads, look)
        })
        .right()
        .keep(1),
        Column::new("requests", Width::Fixed(8), |course: &v1::HomeCourse, look| {
            words::count(course.pending_extension_requests, look)
        })
        .right()
        .keep(2),
        Column::new("unread", Width::Fixed(6), |course: &v1::HomeCourse, look| {
            words::count(course.unread_announcements + course.unread_messages, look)
        })
        .right()
        .keep(4),
    ]
}
