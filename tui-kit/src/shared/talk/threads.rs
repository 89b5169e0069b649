//! The threads of a course: what is open, what is new.

use std::marker::PhantomData;

use lectern_proto::v1;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{Effect, Message, Role, ThreadScreen, WriteScreen, view};
use crate::action::{Action, Group, OPEN, REFRESH, Scope};
use crate::look::{Canvas, Look};
use crate::program::{Change, Program, concerns};
use crate::remote::RequestId;
use crate::screen::{Cx, Screen};
use crate::shared::{self, Shares};
use crate::widgets::Part;
use crate::widgets::list::List;
use crate::widgets::table::{Column, Table, Width};

/// Ask a question.
pub const ASK: Action = Action::new("ask", &["a"], "ask", "Ask a question in this course.").in_bar();
/// Only open threads, or all.
pub const OPEN_ONLY: Action =
    Action::new("open-only", &["o"], "open only", "Show only threads that wait for an answer, or all of them.")
        .in_bar();

/// What the list of threads can do beside moving in it.
pub const THREADS: Group = Group { name: "threads", title: "Threads", actions: &[ASK, OPEN_ONLY] };

/// The list.
pub struct ThreadsScreen<P> {
    course: String,
    course_id: Option<String>,
    role: Role,
    scope: &'static Scope,
    list: List<v1::Thread>,
    open_only: bool,
    program: PhantomData<fn() -> P>,
}

impl<P: Shares> ThreadsScreen<P> {
    /// The threads of the course `course`, a slug. With its id only changes in that course are asked for again.
    pub fn new(course: &str, course_id: Option<String>, role: Role, scope: &'static Scope) -> Self {
        let key = |thread: &v1::Thread| thread.number.to_string();
        let table = Table::new(columns(), key, "No questions were asked yet.").row_style(row_style);
        Self {
            course: course.to_owned(),
            course_id,
            role,
            scope,
            list: List::new(table, "the threads"),
            open_only: false,
            program: PhantomData,
        }
    }

    fn load(&mut self, cx: &mut Cx<'_, P>) {
        let effect = Effect::Threads { course: self.course.clone() };
        self.list.ask(cx, P::effect(shared::Effect::Talk(effect)));
    }

    fn open(&self, cx: &mut Cx<'_, P>) {
        if let Some(thread) = self.list.selected() {
            cx.push(ThreadScreen::new(thread.clone(), self.course_id.clone(), self.role));
        }
    }
}

impl<P: Shares> Screen<P> for ThreadsScreen<P> {
    fn scope(&self) -> &'static Scope {
        self.scope
    }

    fn title(&self, _model: &P::Model) -> String {
        "threads".into()
    }

    fn opened(&mut self, cx: &mut Cx<'_, P>) {
        self.load(cx);
    }

    fn resumed(&mut self, cx: &mut Cx<'_, P>) {
        self.load(cx);
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, P>) -> bool {
        match *action {
            ASK => cx.push(WriteScreen::question(&self.course, "", self.role)),
            OPEN_ONLY => {
                self.open_only = !self.open_only;
                let only = self.open_only;
                self.list.keep_only(move |thread| {
                    !only || (thread.state() == v1::ThreadState::Open && thread.asked_of() != v1::AskedOf::Tutor)
                });
            }
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

    fn received(&mut self, request: RequestId, message: P::Message, cx: &mut Cx<'_, P>) {
        let Some(shared::Message::Talk(Message::Threads(result))) = P::shared(message) else { return };
        self.list.finish(request, result);
        if self.list.is_stale() {
            self.load(cx);
        }
    }

    fn changed(&mut self, change: &Change, cx: &mut Cx<'_, P>) {
        if concerns(change, self.course_id.as_deref(), &[v1::EventKind::Thread, v1::EventKind::ReadState]) {
            self.load(cx);
        }
    }

    fn view(&self, _model: &<P as Program>::Model, area: Rect, canvas: &mut Canvas<'_>) {
        let title = if self.open_only { "Threads that wait for an answer" } else { "Threads" };
        let inner = canvas.pane(area, title, true);
        self.list.view(inner, canvas);
    }
}

fn columns() -> Vec<Column<v1::Thread>> {
    vec![
        Column::new("", Width::Fixed(1), |thread: &v1::Thread, look| view::mark(thread.unread_count > 0, look)),
        Column::new("#", Width::Fixed(4), |thread: &v1::Thread, _| Line::raw(thread.number.to_string()))
            .right()
            .sorted_by(|a, b| a.number.cmp(&b.number)),
        Column::new("question", Width::Fill(3), |thread: &v1::Thread, _| Line::raw(thread.title.clone()))
            .least(26)
            .sorted_by(|a, b| a.title.cmp(&b.title)),
        Column::new("state", Width::Fixed(8), |thread: &v1::Thread, look| state(thread, look))
            .sorted_by(|a, b| a.state.cmp(&b.state)),
        Column::new("asked by", Width::Fixed(14), |thread: &v1::Thread, _| Line::raw(view::asker(thread))).keep(2),
        Column::new("on", Width::Fixed(10), |thread: &v1::Thread, look| {
            let on = if thread.assignment_slug.is_empty() { look.glyphs.dash } else { &thread.assignment_slug };
            Line::raw(on.to_owned())
        })
        .keep(4),
        Column::new("for", Width::Fixed(7), |thread: &v1::Thread, _| Line::raw(audience(thread))).keep(5),
        Column::new("last word", Width::Fixed(18), |thread: &v1::Thread, look| {
            Line::raw(look.time(thread.updated_at_ms))
        })
        .keep(3)
        .sorted_by(|a, b| a.updated_at_ms.cmp(&b.updated_at_ms)),
    ]
}

fn row_style(thread: &v1::Thread, look: &Look) -> Style {
    if thread.unread_count > 0 { look.theme.title } else { look.theme.text }
}

/// The state in a word, with a style.
pub(super) fn state(thread: &v1::Thread, look: &Look) -> Line<'static> {
    let (word, style) = match thread.state() {
        v1::ThreadState::Open => ("open", look.theme.warn),
        v1::ThreadState::Answered => ("answered", look.theme.good),
        v1::ThreadState::Resolved => ("resolved", look.theme.dim),
        v1::ThreadState::Unspecified => ("", look.theme.text),
    };
    Line::from(Span::styled(word, style))
}

fn audience(thread: &v1::Thread) -> &'static str {
    match thread.visibility() {
        _ if thread.asked_of() == v1::AskedOf::Tutor => "tutor",
        v1::ThreadVisibility::Private => "staff",
        _ => "course",
    }
}
