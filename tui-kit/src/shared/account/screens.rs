//! The three screens.

use lectern_client::Secret;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::fields::Fields;
use super::{ACTIVATE_SCOPE, CONNECT_SCOPE, Effect, Message, OTHER_CLUSTER, SIGN_IN_SCOPE, SignedIn, USE_CODE};
use crate::action::{Action, BACK, SEND, Scope};
use crate::look::Canvas;
use crate::remote::RequestId;
use crate::screen::{Cx, Screen, Tone};
use crate::sending::Sending;
use crate::shared::{self, Shares};
use crate::widgets::line::LineInput;
use crate::widgets::{Outcome, Part};
use crate::{states, text};

/// Widest lines of text here, so that they can be read.
const WIDTH: u16 = 64;

/// Fields that are sent, and how that stands.
pub(super) struct Sent {
    pub(super) fields: Fields,
    pub(super) sending: Sending<()>,
}

impl Sent {
    pub(super) fn new(fields: Vec<(&'static str, LineInput)>) -> Self {
        Self { fields: Fields::new(fields), sending: Sending::default() }
    }

    /// Why it cannot be sent now.
    pub(super) fn disabled(&self, action: &Action) -> Option<String> {
        if *action != SEND {
            return None;
        }
        if self.sending.is_under_way() {
            return Some("It is being sent.".into());
        }
        self.fields.missing().map(|label| format!("Fill in: {label}."))
    }

    /// The same where a password is chosen in two fields, which must agree.
    pub(super) fn disabled_unless_same(&self, action: &Action, (new, repeated): (usize, usize)) -> Option<String> {
        let differs = self.fields.text(new) != self.fields.text(repeated);
        self.disabled(action).or_else(|| {
            (*action == SEND && differs).then(|| "The two passwords are not the same: type the second again.".into())
        })
    }

    pub(super) fn send<P: Shares>(&mut self, effect: Effect, cx: &mut Cx<'_, P>) {
        let request = cx.share(shared::Effect::Account(effect));
        self.sending.start(request);
    }

    /// Title, words, fields, and below them how it stands.
    pub(super) fn view(&self, words: &[&str], doing: &str, area: Rect, canvas: &mut Canvas<'_>) {
        let width = WIDTH.min(area.width.saturating_sub(2));
        let left = if area.width > WIDTH + 8 { (area.width - WIDTH) / 2 } else { 1 };
        let top = if area.height > 14 { area.height / 5 } else { 0 };
        let area = Rect { x: area.x + left, y: area.y + top, width, height: area.height.saturating_sub(top) };
        let theme = canvas.look.theme;
        let mut lines: Vec<Line<'_>> = Vec::new();
        for (at, sentence) in words.iter().enumerate() {
            let style = if at == 0 { theme.title } else { theme.dim };
            lines.extend(text::wrap(sentence, width.into()).into_iter().map(|line| Line::styled(line, style)));
        }
        let used = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(1);
        canvas.lines(area, lines);
        let below =
            |rows: u16| Rect { y: area.y.saturating_add(rows), height: area.height.saturating_sub(rows), ..area };
        self.fields.view(below(used), canvas);
        let below = below(used + self.fields.height() + 1);
        if self.sending.is_under_way() {
            canvas.line(below, Line::styled(doing.to_owned(), theme.info));
        } else if let Some(failure) = self.sending.failure() {
            let words = format!("{} {}", canvas.look.glyphs.failed, text::clean_body(&states::sentence(failure)));
            let lines = text::wrap(&words, width.into());
            canvas.lines(below, lines.into_iter().map(|line| Line::styled(line, theme.bad)));
        }
    }
}

/// Takes over a sign-in; false when it is none.
fn arrive<P: Shares>(signed_in: SignedIn, again: bool, cx: &mut Cx<'_, P>) {
    let SignedIn { user, not_kept } = signed_in;
    if let Some(failure) = not_kept {
        cx.toast(Tone::Bad, format!("You are signed in, but not for the next start: {}", failure.sentence()));
    }
    let state = P::account(cx.model);
    let same = state.username == user.username;
    state.signed_in = true;
    state.asking = false;
    state.username.clone_from(&user.username);
    if again && same {
        cx.pop();
        P::signed_in_again(cx);
    } else {
        P::signed_in(cx, user);
    }
}

/// Which cluster?
pub struct Connect {
    form: Sent,
}

impl Default for Connect {
    fn default() -> Self {
        Self { form: Sent::new(vec![("Address", LineInput::new("lectern://"))]) }
    }
}

impl Connect {
    fn send<P: Shares>(&mut self, cx: &mut Cx<'_, P>) {
        let address = self.form.fields.text(0).trim().to_owned();
        self.form.send(Effect::Connect { address }, cx);
    }
}

impl<P: Shares> Screen<P> for Connect {
    fn scope(&self) -> &'static Scope {
        &CONNECT_SCOPE
    }

    fn title(&self, _model: &P::Model) -> String {
        "connect".into()
    }

    fn disabled(&self, action: &Action, _model: &P::Model) -> Option<String> {
        self.form.disabled(action)
    }

    fn opened(&mut self, _cx: &mut Cx<'_, P>) {}

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, P>) -> bool {
        if *action == SEND {
            self.send(cx);
            return true;
        }
        self.form.fields.act(action)
    }

    fn part(&self) -> Option<&dyn Part> {
        Some(&self.form.fields)
    }

    fn part_mut(&mut self) -> Option<&mut dyn Part> {
        Some(&mut self.form.fields)
    }

    fn used(&mut self, outcome: Outcome, cx: &mut Cx<'_, P>) {
        if outcome == Outcome::Chosen {
            self.attempt(&SEND, cx);
        }
    }

    fn received(&mut self, request: RequestId, message: P::Message, cx: &mut Cx<'_, P>) {
        let Some(shared::Message::Account(Message::Connected(connected))) = P::shared(message) else { return };
        let Some(nodes) = self.form.sending.finish(request, connected) else { return };
        let nodes = text::count(nodes as u64, "node");
        cx.toast(Tone::Good, format!("Connected to a cluster of {nodes}."));
        let state = P::account(cx.model);
        state.connected = true;
        state.signed_in = false;
        let username = state.username.clone();
        cx.reset(SignIn::new(&username));
    }

    fn view(&self, _model: &P::Model, area: Rect, canvas: &mut Canvas<'_>) {
        let words = [
            "Which cluster?",
            "The address of any of its nodes, as your instructor or operator gave it: lectern://HOST:PORT.",
        ];
        self.form.view(&words, "Looking for the cluster …", area, canvas);
    }
}

/// Who are you?
pub struct SignIn {
    form: Sent,
    /// Over screens of somebody whose sign-in ended.
    again: bool,
}

const USERNAME: usize = 0;
const PASSWORD: usize = 1;

impl SignIn {
    /// For somebody who is expected to be `username`, which may be empty.
    pub fn new(username: &str) -> Self {
        let fields = vec![("Username", LineInput::new(username)), ("Password", LineInput::secret())];
        Self { form: Sent::new(fields), again: false }
    }

    /// Over what is open, which stays.
    pub(super) fn again(username: &str) -> Self {
        Self { again: true, ..Self::new(username) }
    }

    fn send<P: Shares>(&mut self, cx: &mut Cx<'_, P>) {
        let username = self.form.fields.text(USERNAME).trim().to_owned();
        let password = Secret::new(self.form.fields.text(PASSWORD));
        self.form.send(Effect::SignIn { username, password }, cx);
    }
}

impl<P: Shares> Screen<P> for SignIn {
    fn scope(&self) -> &'static Scope {
        &SIGN_IN_SCOPE
    }

    fn title(&self, _model: &P::Model) -> String {
        "sign in".into()
    }

    fn disabled(&self, action: &Action, _model: &P::Model) -> Option<String> {
        if *action == OTHER_CLUSTER && self.again {
            return Some("Go back, and sign out there first: what is open belongs to this cluster.".into());
        }
        self.form.disabled(action)
    }

    fn opened(&mut self, cx: &mut Cx<'_, P>) {
        P::account(cx.model).asking = true;
    }

    fn resumed(&mut self, cx: &mut Cx<'_, P>) {
        // A code that was used over this screen has signed in.
        if self.again && P::account(cx.model).signed_in {
            cx.pop();
        }
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, P>) -> bool {
        match *action {
            SEND => self.send(cx),
            USE_CODE => cx.push(Activate::new(self.form.fields.text(USERNAME), self.again)),
            OTHER_CLUSTER => cx.push(Connect::default()),
            BACK if !self.form.fields.text_focus() => {
                // The next call that is refused asks again.
                P::account(cx.model).asking = !self.again;
                return false;
            }
            _ => return self.form.fields.act(action),
        }
        true
    }

    fn part(&self) -> Option<&dyn Part> {
        Some(&self.form.fields)
    }

    fn part_mut(&mut self) -> Option<&mut dyn Part> {
        Some(&mut self.form.fields)
    }

    fn used(&mut self, outcome: Outcome, cx: &mut Cx<'_, P>) {
        if outcome == Outcome::Chosen {
            self.attempt(&SEND, cx);
        }
    }

    fn received(&mut self, request: RequestId, message: P::Message, cx: &mut Cx<'_, P>) {
        let Some(shared::Message::Account(Message::SignedIn(answer))) = P::shared(message) else { return };
        let is_wrong = answer.as_ref().is_err_and(|failure| failure.is_for("BAD_CREDENTIALS"));
        match self.form.sending.finish(request, answer) {
            Some(signed_in) => arrive(signed_in, self.again, cx),
            None if is_wrong => self.form.fields.clear(PASSWORD),
            None => {}
        }
    }

    fn view(&self, _model: &P::Model, area: Rect, canvas: &mut Canvas<'_>) {
        let words: &[&str] = if self.again {
            &["Sign in again", "Your sign-in has ended. What you typed is kept, and you go on where you were."]
        } else {
            &["Sign in", "New here? Your invitation has a one-time code: press ctrl-t."]
        };
        self.form.view(words, "Signing in …", area, canvas);
    }
}

/// An invitation becomes an account.
pub struct Activate {
    form: Sent,
    again: bool,
}

const CODE: usize = 1;
const NEW: usize = 2;
const REPEATED: usize = 3;

impl Activate {
    fn new(username: &str, again: bool) -> Self {
        let fields = vec![
            ("Username", LineInput::new(username)),
            ("One-time code", LineInput::default()),
            ("New password", LineInput::secret()),
            ("The same again", LineInput::secret()),
        ];
        Self { form: Sent::new(fields), again }
    }

    fn send<P: Shares>(&mut self, cx: &mut Cx<'_, P>) {
        let fields = &self.form.fields;
        let effect = Effect::Activate {
            username: fields.text(USERNAME).trim().to_owned(),
            code: Secret::new(fields.text(CODE).trim()),
            password: Secret::new(fields.text(NEW)),
        };
        self.form.send(effect, cx);
    }
}

impl<P: Shares> Screen<P> for Activate {
    fn scope(&self) -> &'static Scope {
        &ACTIVATE_SCOPE
    }

    fn title(&self, _model: &P::Model) -> String {
        "one-time code".into()
    }

    fn disabled(&self, action: &Action, _model: &P::Model) -> Option<String> {
        self.form.disabled_unless_same(action, (NEW, REPEATED))
    }

    fn opened(&mut self, _cx: &mut Cx<'_, P>) {}

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, P>) -> bool {
        if *action == SEND {
            self.send(cx);
            return true;
        }
        self.form.fields.act(action)
    }

    fn part(&self) -> Option<&dyn Part> {
        Some(&self.form.fields)
    }

    fn part_mut(&mut self) -> Option<&mut dyn Part> {
        Some(&mut self.form.fields)
    }

    fn used(&mut self, outcome: Outcome, cx: &mut Cx<'_, P>) {
        if outcome == Outcome::Chosen {
            self.attempt(&SEND, cx);
        }
    }

    fn received(&mut self, request: RequestId, message: P::Message, cx: &mut Cx<'_, P>) {
        let Some(shared::Message::Account(Message::SignedIn(answer))) = P::shared(message) else { return };
        let Some(signed_in) = self.form.sending.finish(request, answer) else { return };
        arrive(signed_in, self.again, cx);
    }

    fn view(&self, _model: &P::Model, area: Rect, canvas: &mut Canvas<'_>) {
        let words =
            ["Turn your invitation into an account", "The code works once. Choose a password of ten letters or more."];
        self.form.view(&words, "Making your account …", area, canvas);
    }
}
