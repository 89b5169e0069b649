//! One thread: its messages, and an answer being written below them.

use std::marker::PhantomData;

use crossterm::event::{KeyEvent, MouseEvent};
use lectern_proto::v1;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::tutor::{self, CITED, ENDORSE, HAND_OVER, Watched};
use super::{Conversation, Effect, Made, Message, Role, THREAD_SCOPE, threads};
use crate::action::{Action, BACK, Group, REFRESH, SEND, Scope};
use crate::live::Live;
use crate::look::{Canvas, Look};
use crate::program::{Change, KitAnswer, Program, concerns};
use crate::remote::{Failure, RequestId};
use crate::screen::{Cx, KitWork, Screen, Tone, Unsaved};
use crate::sending::Sending;
use crate::shared::material::ReaderScreen;
use crate::shared::{self, Shares};
use crate::widgets::Outcome;
use crate::widgets::editor::Editor;
use crate::widgets::markdown;
use crate::widgets::scroll::Scroll;
use crate::{states, text};

/// Write an answer.
pub const REPLY: Action =
    Action::new("reply", &["r", "enter"], "answer", "Write an answer, or go on writing it.").in_bar();
/// Write it in the person's own editor.
pub const EDIT: Action =
    Action::new("edit", &["e", "alt-e"], "editor", "Write the answer in your own editor ($VISUAL, $EDITOR).")
        .in_bar()
        .in_text();
/// Resolve, or open again.
pub const RESOLVE: Action =
    Action::new("resolve", &["x"], "resolve", "Close the thread as resolved, or open it again.").in_bar();

/// What a thread can do beside being read.
pub const THREAD: Group =
    Group { name: "thread", title: "A thread", actions: &[SEND, REPLY, EDIT, RESOLVE, CITED, HAND_OVER, ENDORSE] };

/// The largest message that is taken.
const MESSAGE_BYTES: usize = 64 * 1024;
/// Rows of the answer at most.
const ANSWER_ROWS: u16 = 9;

/// The thread.
pub struct ThreadScreen<P> {
    course: String,
    course_id: Option<String>,
    number: u64,
    role: Role,
    title: String,
    conversation: Live<Conversation>,
    scroll: Scroll,
    answer: Editor,
    writing: bool,
    sending: Sending<String>,
    state: Sending<i32>,
    /// What becomes of a question or an answer of the tutor.
    verdict: Sending<super::Change>,
    tutor: Watched,
    /// How many cited pages were opened.
    cited: usize,
    /// The last message that was noted as read.
    marked: u32,
    program: PhantomData<fn() -> P>,
}

impl<P: Shares> ThreadScreen<P> {
    /// A thread that the list knows.
    pub fn new(thread: v1::Thread, course_id: Option<String>, role: Role) -> Self {
        let mut scroll = Scroll::default();
        scroll.to_end();
        Self {
            course: thread.course_slug,
            course_id,
            number: thread.number,
            role,
            title: thread.title,
            conversation: Live::default(),
            scroll,
            answer: Editor::new("").max_bytes(MESSAGE_BYTES).placeholder("Your answer (Markdown)"),
            writing: false,
            sending: Sending::default(),
            state: Sending::default(),
            verdict: Sending::default(),
            tutor: Watched::default(),
            cited: 0,
            marked: 0,
            program: PhantomData,
        }
    }

    fn load(&mut self, cx: &mut Cx<'_, P>) {
        let effect = Effect::Thread { course: self.course.clone(), number: self.number };
        self.conversation.ask(cx, P::effect(shared::Effect::Talk(effect)));
    }

    fn send(&mut self, cx: &mut Cx<'_, P>) {
        if self.sending.is_under_way() {
            return;
        }
        let body = self.answer.text();
        if body.trim().is_empty() {
            return cx.toast(Tone::Bad, "There is nothing to send yet.");
        }
        if let Some(notice) = self.answer.notice() {
            return cx.toast(Tone::Bad, notice);
        }
        let key = self.sending.key(&body);
        let request = v1::ReplyThreadRequest { course: self.course.clone(), number: self.number, body };
        let request = cx.talk(Effect::Change { key, change: super::Change::Reply(request) });
        self.sending.start(request);
        self.writing = false;
        self.answer.set_read_only(true);
    }

    fn resolve(&mut self, cx: &mut Cx<'_, P>) {
        let Some(conversation) = self.conversation.value() else { return };
        if self.state.is_under_way() {
            return;
        }
        let to = match conversation.thread.state() {
            v1::ThreadState::Resolved => v1::ThreadState::Open,
            _ => v1::ThreadState::Resolved,
        };
        let key = self.state.key(&to.into());
        let request = v1::SetThreadStateRequest { course: self.course.clone(), number: self.number, state: to.into() };
        let request = cx.talk(Effect::Change { key, change: super::Change::SetState(request) });
        self.state.start(request);
    }

    fn changed_by_me(&mut self, request: RequestId, result: Result<Made, Failure>, cx: &mut Cx<'_, P>) {
        if let Some(made) = self.state.finish(request, result.clone()) {
            self.take(made, cx);
        } else if let Some(made) = self.verdict.finish(request, result.clone()) {
            let done = match &made {
                Made::Endorsed(message) if message.endorsed_by.is_some() => "The answer is shown as endorsed by you.",
                Made::Endorsed(_) => "Nobody vouches for the answer any more.",
                _ => "The question waits for your instructor now.",
            };
            cx.toast(Tone::Good, done);
            self.take(made, cx);
        } else if let Some(made) = self.sending.finish(request, result.clone()) {
            self.answer.set_text("");
            self.answer.set_read_only(false);
            self.take(made, cx);
            cx.toast(Tone::Good, "The answer is in the thread.");
        } else if let Err(failure) = result {
            // What was typed stays, and can be sent again with the same key.
            self.answer.set_read_only(false);
            cx.toast(Tone::Bad, failure.sentence());
        }
    }

    /// Shows at once what a change made.
    fn take(&mut self, made: Made, cx: &mut Cx<'_, P>) {
        if let Some(conversation) = self.conversation.value_mut() {
            match made {
                Made::Thread(thread) => conversation.thread = thread,
                Made::Message { thread, message } => {
                    conversation.thread = *thread;
                    conversation.messages.push(*message);
                    self.scroll.to_end();
                }
                Made::Endorsed(_) | Made::Announcement(_) | Made::Deleted => {}
            }
        }
        self.load(cx);
    }

    /// Asks the tutor, where a question to it waits.
    fn ask_tutor(&mut self, again: bool, cx: &mut Cx<'_, P>) {
        if self.role == Role::Staff {
            return;
        }
        let effect = self.conversation.value().and_then(|conversation| self.tutor.ask(conversation, again));
        if let Some(effect) = effect {
            let request = cx.talk(effect);
            self.tutor.start(request);
            self.scroll.to_end();
        }
    }

    fn judge(&mut self, change: super::Change, cx: &mut Cx<'_, P>) {
        if self.verdict.is_under_way() {
            return;
        }
        let key = self.verdict.key(&change);
        let request = cx.talk(Effect::Change { key, change });
        self.verdict.start(request);
    }

    fn hand_over(&mut self, cx: &mut Cx<'_, P>) {
        let request = v1::AskInstructorRequest { course: self.course.clone(), number: self.number };
        self.judge(super::Change::HandOver(request), cx);
    }

    fn endorse(&mut self, cx: &mut Cx<'_, P>) {
        let Some(answer) = self.last_answer() else { return };
        let (message, withdraw) = (answer.number, answer.endorsed_by.is_some());
        let (course, number) = (self.course.clone(), self.number);
        self.judge(super::Change::Endorse(v1::EndorseAnswerRequest { course, number, message, withdraw }), cx);
    }

    /// Opens the next page that the tutor's last answer names.
    fn open_cited(&mut self, cx: &mut Cx<'_, P>) {
        let citations =
            self.last_answer().and_then(|answer| answer.tutor.as_ref()).map(|tutor| tutor.citations.clone());
        let citations = citations.unwrap_or_default();
        let Some(citation) = citations.get(self.cited % citations.len().max(1)) else { return };
        self.cited += 1;
        let page = citation.pages.first().copied().unwrap_or(1);
        cx.talk(Effect::Cited { course: self.course.clone(), material: citation.material_id.clone(), page });
    }

    fn cites_nothing(&self) -> bool {
        self.last_answer().and_then(|answer| answer.tutor.as_ref()).is_none_or(|tutor| tutor.citations.is_empty())
    }

    /// The tutor's last answer.
    fn last_answer(&self) -> Option<&v1::ThreadMessage> {
        self.conversation.value()?.messages.iter().rev().find(|message| message.tutor.is_some())
    }

    fn is_with_the_tutor(&self) -> bool {
        self.conversation.value().is_some_and(|it| it.thread.asked_of() == v1::AskedOf::Tutor)
    }

    /// Notes that what is shown was read.
    fn mark(&mut self, cx: &mut Cx<'_, P>) {
        let Some(last) = self.conversation.value().and_then(|it| it.messages.last()) else { return };
        let unread = self.conversation.value().is_some_and(|it| it.messages.iter().any(|message| message.unread));
        if unread && last.number > self.marked {
            self.marked = last.number;
            let request = v1::MarkReadRequest {
                course: self.course.clone(),
                thread_number: self.number,
                through_message: last.number,
                ..Default::default()
            };
            cx.run(P::effect(shared::Effect::Talk(Effect::MarkRead(request))));
        }
    }

    fn answer_rows(&self, area: Rect) -> u16 {
        if !self.writing && self.answer.is_empty() && !self.sending.is_under_way() {
            return 0;
        }
        ANSWER_ROWS.min(area.height / 2)
    }

    fn view_answer(&self, area: Rect, canvas: &mut Canvas<'_>) {
        let title = if self.sending.is_under_way() {
            "Your answer: being sent"
        } else if self.sending.failure().is_some() {
            "Your answer: NOT sent; ctrl-s sends it again"
        } else if self.writing {
            "Your answer"
        } else {
            "Your answer, not sent yet"
        };
        let inner = canvas.pane(area, title, self.writing);
        self.answer.view(inner, canvas, self.writing);
    }
}

impl<P: Shares> Screen<P> for ThreadScreen<P> {
    fn scope(&self) -> &'static Scope {
        &THREAD_SCOPE
    }

    fn title(&self, _model: &P::Model) -> String {
        format!("thread {}", self.number)
    }

    fn disabled(&self, action: &Action, _model: &P::Model) -> Option<String> {
        let busy = self.sending.is_under_way();
        match *action {
            REPLY | EDIT if busy => Some("Your answer is being sent.".into()),
            SEND if self.answer.is_empty() => Some("Nothing is written yet.".into()),
            RESOLVE if self.conversation.value().is_none() => Some("The thread is not here yet.".into()),
            HAND_OVER if !self.is_with_the_tutor() => Some("This question is not with the tutor.".into()),
            CITED if self.cites_nothing() => Some("No answer of the tutor names a page here.".into()),
            ENDORSE if self.role == Role::Student => Some("The course's staff vouch for answers.".into()),
            ENDORSE if self.last_answer().is_none() => Some("The tutor has answered nothing here.".into()),
            _ => None,
        }
    }

    fn opened(&mut self, cx: &mut Cx<'_, P>) {
        self.load(cx);
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, P>) -> bool {
        match *action {
            REPLY => self.writing = true,
            EDIT => {
                self.writing = true;
                cx.kit(KitWork::Edit { text: self.answer.text(), extension: "md".into() });
            }
            SEND => self.send(cx),
            BACK if self.writing => self.writing = false,
            RESOLVE => self.resolve(cx),
            CITED => self.open_cited(cx),
            HAND_OVER => self.hand_over(cx),
            ENDORSE => self.endorse(cx),
            REFRESH => {
                self.load(cx);
                self.ask_tutor(true, cx);
            }
            _ => return self.answer.act(action) || self.scroll.act(action),
        }
        true
    }

    fn text_focus(&self) -> bool {
        self.writing
    }

    fn key(&mut self, key: KeyEvent, cx: &mut Cx<'_, P>) {
        if self.writing && self.answer.key(key) == Outcome::Left {
            self.writing = false;
        }
        if let Some(copied) = self.answer.take_copied() {
            cx.kit(KitWork::Copy(copied));
        }
    }

    fn paste(&mut self, text: &str, _cx: &mut Cx<'_, P>) {
        if self.writing {
            self.answer.paste(text);
        }
    }

    fn mouse(&mut self, event: MouseEvent, _cx: &mut Cx<'_, P>) {
        if !(self.writing && self.answer.mouse(event).was_used()) {
            self.scroll.mouse(event);
        }
    }

    fn received(&mut self, request: RequestId, message: P::Message, cx: &mut Cx<'_, P>) {
        match P::shared(message) {
            Some(shared::Message::Talk(Message::Thread(result))) => {
                if self.conversation.finish(request, result) {
                    self.mark(cx);
                    self.ask_tutor(false, cx);
                }
                if self.conversation.is_stale() {
                    self.load(cx);
                }
            }
            Some(shared::Message::Talk(Message::Changed(result))) => self.changed_by_me(request, result, cx),
            Some(shared::Message::Talk(Message::Cited(found))) => match found {
                Ok((material, page)) => cx.push(ReaderScreen::at_page(&self.course, material, page)),
                Err(failure) => cx.toast(Tone::Bad, failure.sentence()),
            },
            Some(shared::Message::Talk(Message::Tutor(news))) => {
                if self.tutor.take(request, news) {
                    self.load(cx);
                }
                self.scroll.to_end();
            }
            _ => {}
        }
    }

    fn answered(&mut self, _request: RequestId, answer: KitAnswer, cx: &mut Cx<'_, P>) {
        match answer {
            KitAnswer::Edited(Ok(text)) => self.answer.replace(text.trim_end()),
            KitAnswer::Edited(Err(failure)) => cx.toast(Tone::Bad, failure.sentence()),
            _ => {}
        }
    }

    fn changed(&mut self, change: &Change, cx: &mut Cx<'_, P>) {
        if concerns(change, self.course_id.as_deref(), &[v1::EventKind::Thread]) {
            self.load(cx);
        }
    }

    fn unsaved(&self, _model: &P::Model) -> Option<Unsaved> {
        (!self.answer.is_empty()).then(|| self.sending.unsaved("your answer"))
    }

    fn view(&self, _model: &<P as Program>::Model, area: Rect, canvas: &mut Canvas<'_>) {
        let rows = self.answer_rows(area);
        let above = Rect { height: area.height - rows, ..area };
        let inner = canvas.pane(above, &text::clean(&self.title), !self.writing);
        if let Some(room) = states::room(self.conversation.remote(), "the thread", inner, canvas)
            && let Some(conversation) = self.conversation.value()
        {
            let mut lines = lines(conversation, self.role, room.width, canvas.look);
            lines.extend(self.tutor.lines(room.width, canvas.look));
            self.scroll.view(lines.len(), |at| lines[at].clone(), room, canvas);
        }
        if rows > 0 {
            self.view_answer(Rect { y: above.bottom(), height: rows, ..area }, canvas);
        }
    }
}

/// The whole thread as lines of this width.
fn lines(conversation: &Conversation, role: Role, width: u16, look: &Look) -> Vec<Line<'static>> {
    let theme = look.theme;
    let thread = &conversation.thread;
    let mut facts = vec![Span::raw("This thread is ")];
    facts.extend(threads::state(thread, look).spans);
    let seen_by = match thread.visibility() {
        v1::ThreadVisibility::Private => "only the asker and staff see it",
        _ => "the whole course sees it",
    };
    facts.push(Span::styled(format!("; {seen_by}"), theme.dim));
    if thread.anonymous {
        let from = if role == Role::Staff { "; anonymous to other students" } else { "; anonymous" };
        facts.push(Span::styled(from, theme.dim));
    }
    let mut lines = vec![Line::from(facts)];
    for message in &conversation.messages {
        lines.push(Line::default());
        lines.push(head(message, thread, look));
        lines.extend(markdown::message(message.body.trim_end(), width, look));
    }
    if let Some(advice) = tutor::advice(conversation, role, look) {
        lines.extend([Line::default(), advice]);
    }
    lines
}

fn head(message: &v1::ThreadMessage, thread: &v1::Thread, look: &Look) -> Line<'static> {
    let theme = look.theme;
    let name = match &message.author {
        Some(author) if !author.name.is_empty() => text::clean(&author.name),
        _ if thread.anonymous => "anonymous".into(),
        _ => "somebody".into(),
    };
    let mut spans = vec![Span::styled(name, theme.title)];
    if message.from_staff {
        spans.push(Span::styled(" (staff)", theme.info));
    }
    spans.extend(tutor::mark(message, look));
    spans.push(Span::styled(format!(" {} {}", look.glyphs.separator, look.time(message.created_at_ms)), theme.dim));
    if message.unread {
        spans.push(Span::styled(format!(" {} new", look.glyphs.unread), theme.info));
    }
    Line::from(spans)
}
