//! Writing something new: a question, or an announcement.

use std::marker::PhantomData;

use crossterm::event::{KeyEvent, MouseEvent};
use lectern_proto::v1;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Change, Effect, Made, Message, Role, ThreadScreen, WRITE_SCOPE};
use crate::action::{Action, BACK, Group, NEXT_FIELD, PREVIOUS_FIELD, SEND, Scope};
use crate::look::Canvas;
use crate::program::{KitAnswer, Program};
use crate::remote::RequestId;
use crate::screen::{Cx, KitWork, Screen, Tone, Unsaved};
use crate::sending::Sending;
use crate::shared::{self, Shares};
use crate::text;
use crate::widgets::editor::Editor;
use crate::widgets::line::LineInput;
use crate::widgets::{Outcome, Part as _};

/// Begin to type, after the fields were left.
pub const TYPE: Action = Action::new("type", &["enter", "i"], "type", "Go on typing.").in_bar();
/// Write the text in the person's own editor.
pub const EDIT: Action =
    Action::new("edit", &["e", "alt-e"], "editor", "Write the text in your own editor ($VISUAL, $EDITOR).")
        .in_bar()
        .in_text();
/// Who sees the question.
pub const AUDIENCE: Action =
    Action::new("audience", &["alt-p", "p"], "for whom", "Let the whole course see the question, or only its staff.")
        .in_bar()
        .in_text();
/// Whether other students see who asks.
pub const ANONYMOUS: Action =
    Action::new("anonymous", &["alt-a", "a"], "anonymous", "Hide your name from other students, or show it.")
        .in_bar()
        .in_text();

/// Whom the question is put to.
pub const TUTOR: Action =
    Action::new("tutor", &["alt-t", "t"], "tutor", "Ask the tutor, or your instructor.").in_text();

/// Writing something new.
pub const WRITE: Group = Group {
    name: "write",
    title: "Writing",
    actions: &[SEND, NEXT_FIELD, PREVIOUS_FIELD, TYPE, EDIT, AUDIENCE, ANONYMOUS, TUTOR],
};

/// The largest text that is taken.
const BODY_BYTES: usize = 64 * 1024;

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Question { assignment: String, private: bool, anonymous: bool, tutor: bool, role: Role },
    Announcement,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Focus {
    Title,
    Body,
    Nothing,
}

/// A title, a text, and for whom.
pub struct WriteScreen<P> {
    course: String,
    kind: Kind,
    title: LineInput,
    body: Editor,
    focus: Focus,
    sending: Sending<Change>,
    program: PhantomData<fn() -> P>,
}

impl<P: Shares> WriteScreen<P> {
    /// A question in a course, about one of its assignments (empty: about none).
    pub fn question(course: &str, assignment: &str, role: Role) -> Self {
        let assignment = assignment.to_owned();
        Self::new(course, Kind::Question { assignment, private: false, anonymous: false, tutor: false, role })
    }

    /// An announcement to a course.
    pub fn announcement(course: &str) -> Self {
        Self::new(course, Kind::Announcement)
    }

    fn new(course: &str, kind: Kind) -> Self {
        Self {
            course: course.to_owned(),
            kind,
            title: LineInput::default(),
            body: Editor::new("").max_bytes(BODY_BYTES).placeholder("The text (Markdown)"),
            focus: Focus::Title,
            sending: Sending::default(),
            program: PhantomData,
        }
    }

    /// What would be sent; none while something is missing.
    fn change(&self) -> Option<Change> {
        let (title, body) = (self.title.text().trim().to_owned(), self.body.text());
        if title.is_empty() || body.trim().is_empty() {
            return None;
        }
        let course = self.course.clone();
        Some(match &self.kind {
            Kind::Announcement => Change::Announce(v1::CreateAnnouncementRequest { course, title, body }),
            Kind::Question { assignment, private, anonymous, tutor, .. } => {
                let visibility =
                    if *private || *tutor { v1::ThreadVisibility::Private } else { v1::ThreadVisibility::Course };
                Change::Ask(v1::CreateThreadRequest {
                    course,
                    assignment: assignment.clone(),
                    title,
                    body,
                    visibility: visibility.into(),
                    anonymous: *anonymous && !tutor,
                    asked_of: if *tutor { v1::AskedOf::Tutor } else { v1::AskedOf::Instructor }.into(),
                })
            }
        })
    }

    fn send(&mut self, cx: &mut Cx<'_, P>) {
        if self.sending.is_under_way() {
            return;
        }
        if let Some(notice) = self.body.notice() {
            return cx.toast(Tone::Bad, notice);
        }
        let Some(change) = self.change() else {
            return cx.toast(Tone::Bad, "A title and a text are needed.");
        };
        let key = self.sending.key(&change);
        let request = cx.talk(Effect::Change { key, change });
        self.sending.start(request);
        self.focus = Focus::Nothing;
    }

    fn turn(&mut self) {
        self.focus = match self.focus {
            Focus::Title => Focus::Body,
            Focus::Body | Focus::Nothing => Focus::Title,
        };
    }

    fn heading(&self) -> &'static str {
        match self.kind {
            Kind::Question { .. } => "A question",
            Kind::Announcement => "An announcement",
        }
    }

    fn audience(&self) -> String {
        match &self.kind {
            Kind::Announcement => "The whole course sees it.".into(),
            Kind::Question { assignment, tutor: true, .. } => {
                let about = if assignment.is_empty() { String::new() } else { format!("About {assignment}. ") };
                format!("{about}The tutor answers from the course's pages; only you and the staff see it.")
            }
            Kind::Question { assignment, private, anonymous, role, .. } => {
                let about = if assignment.is_empty() { String::new() } else { format!("About {assignment}. ") };
                let seen = if *private { "Only the course's staff see it" } else { "The whole course sees it" };
                let name = match (private, anonymous, role) {
                    (false, true, Role::Student) => "; other students do not see your name.",
                    (false, true, Role::Staff) => "; students do not see your name.",
                    (false, false, _) => ", with your name.",
                    (true, ..) => ".",
                };
                // Students alone can, so it is told here and not in the bar.
                let tutor = if *role == Role::Student { " alt-t asks the tutor." } else { "" };
                format!("{about}{seen}{name}{tutor}")
            }
        }
    }
}

impl<P: Shares> Screen<P> for WriteScreen<P> {
    fn scope(&self) -> &'static Scope {
        &WRITE_SCOPE
    }

    fn title(&self, _model: &P::Model) -> String {
        self.heading().to_lowercase()
    }

    fn disabled(&self, action: &Action, _model: &P::Model) -> Option<String> {
        let busy = self.sending.is_under_way();
        match *action {
            SEND | TYPE | EDIT | AUDIENCE | ANONYMOUS | TUTOR if busy => Some("It is being sent.".into()),
            SEND if self.change().is_none() => Some("A title and a text are needed.".into()),
            AUDIENCE | ANONYMOUS if self.kind == Kind::Announcement => {
                Some("An announcement is for the whole course, with your name.".into())
            }
            TUTOR if !matches!(self.kind, Kind::Question { role: Role::Student, .. }) => {
                Some("Students ask the tutor; you see its answers in their threads.".into())
            }
            AUDIENCE | ANONYMOUS if matches!(self.kind, Kind::Question { tutor: true, .. }) => {
                Some("What is asked of the tutor is for you and the course's staff.".into())
            }
            _ => None,
        }
    }

    fn opened(&mut self, _cx: &mut Cx<'_, P>) {}

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, P>) -> bool {
        match *action {
            SEND => self.send(cx),
            NEXT_FIELD | PREVIOUS_FIELD if !self.sending.is_under_way() => self.turn(),
            TYPE => self.focus = if self.title.text().is_empty() { Focus::Title } else { Focus::Body },
            EDIT => drop(cx.kit(KitWork::Edit { text: self.body.text(), extension: "md".into() })),
            AUDIENCE | ANONYMOUS => {
                if let Kind::Question { private, anonymous, .. } = &mut self.kind {
                    let flag = if *action == AUDIENCE { private } else { anonymous };
                    *flag = !*flag;
                }
            }
            TUTOR => {
                if let Kind::Question { tutor, role: Role::Student, .. } = &mut self.kind {
                    *tutor = !*tutor;
                }
            }
            BACK if self.focus != Focus::Nothing => self.focus = Focus::Nothing,
            _ => return self.body.act(action),
        }
        true
    }

    fn text_focus(&self) -> bool {
        self.focus != Focus::Nothing
    }

    fn key(&mut self, key: KeyEvent, cx: &mut Cx<'_, P>) {
        match self.focus {
            Focus::Title => {
                if self.title.key(key) == Outcome::Chosen {
                    self.focus = Focus::Body;
                }
            }
            Focus::Body => {
                self.body.key(key);
                if let Some(copied) = self.body.take_copied() {
                    cx.kit(KitWork::Copy(copied));
                }
            }
            Focus::Nothing => {}
        }
    }

    fn paste(&mut self, text: &str, _cx: &mut Cx<'_, P>) {
        match self.focus {
            Focus::Title => self.title.paste(text),
            Focus::Body => self.body.paste(text),
            Focus::Nothing => {}
        }
    }

    fn mouse(&mut self, event: MouseEvent, _cx: &mut Cx<'_, P>) {
        if self.body.mouse(event).was_used() && !self.sending.is_under_way() {
            self.focus = Focus::Body;
        }
    }

    fn received(&mut self, request: RequestId, message: P::Message, cx: &mut Cx<'_, P>) {
        let Some(shared::Message::Talk(Message::Changed(result))) = P::shared(message) else { return };
        if let Some(made) = self.sending.finish(request, result) {
            if let (Kind::Question { tutor: true, role, .. }, Made::Thread(thread)) = (&self.kind, made) {
                // Where its answer comes in.
                cx.replace(ThreadScreen::new(thread, None, *role));
                return;
            }
            let done = match self.kind {
                Kind::Question { .. } => "The question is asked.",
                Kind::Announcement => "The announcement is out.",
            };
            cx.toast(Tone::Good, done);
            cx.pop();
        } else if let Some(failure) = self.sending.failure() {
            cx.toast(Tone::Bad, failure.sentence());
        }
    }

    fn answered(&mut self, _request: RequestId, answer: KitAnswer, cx: &mut Cx<'_, P>) {
        match answer {
            KitAnswer::Edited(Ok(text)) => self.body.replace(text.trim_end()),
            KitAnswer::Edited(Err(failure)) => cx.toast(Tone::Bad, failure.sentence()),
            _ => {}
        }
    }

    fn unsaved(&self, _model: &P::Model) -> Option<Unsaved> {
        let what = match self.kind {
            Kind::Question { .. } => "this question",
            Kind::Announcement => "this announcement",
        };
        (!self.title.text().is_empty() || !self.body.is_empty()).then(|| self.sending.unsaved(what))
    }

    fn view(&self, _model: &<P as Program>::Model, area: Rect, canvas: &mut Canvas<'_>) {
        let inner = canvas.pane(area, self.heading(), self.focus != Focus::Nothing);
        let theme = canvas.look.theme;
        let state = match self.sending.failure() {
            _ if self.sending.is_under_way() => Span::styled("  Being sent", theme.info),
            Some(failure) => Span::styled(format!("  NOT sent: {}", text::clean(&failure.sentence())), theme.bad),
            None => Span::raw(""),
        };
        let mut rows = inner.rows();
        let (Some(title), Some(audience)) = (rows.next(), rows.next()) else { return };
        self.title.view("Title: ", title, canvas, self.focus == Focus::Title);
        canvas.line(audience, Line::from(vec![Span::styled(self.audience(), theme.dim), state]));
        let body = Rect { y: inner.y + 3, height: inner.height.saturating_sub(3), ..inner };
        self.body.view(body, canvas, self.focus == Focus::Body);
    }
}
