//! Screens, and what they can ask for.

use std::path::PathBuf;

use crossterm::event::{KeyEvent, MouseEvent};
use ratatui::layout::Rect;

use crate::action::{Action, OPEN, Scope};
use crate::look::Canvas;
use crate::program::{Change, KitAnswer, Program};
use crate::remote::RequestId;
use crate::widgets::{Outcome, Part};

/// One screen that is open: an answer to another one, or to an earlier opening of the same, is not for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScreenId(pub u64);

/// One level of the stack. Methods that change it are called one at a time and never wait.
///
/// Most screens have one thing that takes the keys: they name it in [`Screen::part`] and [`Screen::part_mut`], and keys, pastes,
/// clicks and the wheel go there; what they came to is [`Screen::used`]'s.
pub trait Screen<P: Program> {
    /// What it can do.
    fn scope(&self) -> &'static Scope;

    /// For the title line: `hw1`.
    fn title(&self, model: &P::Model) -> String;

    /// Why an action cannot be done now, in words; none when it can.
    fn disabled(&self, _action: &Action, _model: &P::Model) -> Option<String> {
        None
    }

    /// It was put on the stack: ask for what it shows.
    fn opened(&mut self, cx: &mut Cx<'_, P>);

    /// The screen above it was closed.
    fn resumed(&mut self, _cx: &mut Cx<'_, P>) {}

    /// Do an action of its scope. False when it has no use for it; then the kit does what it does everywhere.
    fn act(&mut self, action: &Action, cx: &mut Cx<'_, P>) -> bool;

    /// The part that takes keys, pastes and the mouse now.
    fn part(&self) -> Option<&dyn Part> {
        None
    }

    /// The same one, to be changed.
    fn part_mut(&mut self) -> Option<&mut dyn Part> {
        None
    }

    /// What an input to the part came to. What was chosen is opened.
    fn used(&mut self, outcome: Outcome, cx: &mut Cx<'_, P>) {
        if outcome == Outcome::Chosen {
            self.attempt(&OPEN, cx);
        }
    }

    /// Does an action as its key would, or says why it cannot be done now.
    fn attempt(&mut self, action: &Action, cx: &mut Cx<'_, P>) {
        match self.disabled(action, cx.model) {
            Some(reason) => cx.toast(Tone::Bad, reason),
            None => drop(self.act(action, cx)),
        }
    }

    /// Whether text is being typed: then keys are text, and only actions marked so are actions.
    fn text_focus(&self) -> bool {
        self.part().is_some_and(Part::text_focus)
    }

    /// A key that is no action here.
    fn key(&mut self, key: KeyEvent, cx: &mut Cx<'_, P>) {
        if let Some(part) = self.part_mut() {
            let outcome = part.key(key);
            self.used(outcome, cx);
        }
    }

    /// A paste: always text.
    fn paste(&mut self, text: &str, cx: &mut Cx<'_, P>) {
        if let Some(part) = self.part_mut() {
            part.paste(text);
            self.used(Outcome::Changed, cx);
        }
    }

    /// A click or the wheel, where it happened on the screen.
    fn mouse(&mut self, event: MouseEvent, cx: &mut Cx<'_, P>) {
        if let Some(part) = self.part_mut() {
            let outcome = part.mouse(event);
            self.used(outcome, cx);
        }
    }

    /// An answer to one of its requests.
    fn received(&mut self, request: RequestId, message: P::Message, cx: &mut Cx<'_, P>);

    /// An answer of the kit to one of its requests.
    fn answered(&mut self, _request: RequestId, _answer: KitAnswer, _cx: &mut Cx<'_, P>) {}

    /// The person said yes to [`Cx::confirm`].
    fn confirmed(&mut self, _request: RequestId, _cx: &mut Cx<'_, P>) {}

    /// Something changed on the server: ask again for what is shown of it.
    fn changed(&mut self, _change: &Change, _cx: &mut Cx<'_, P>) {}

    /// The program is about to end, perhaps at once: save what was typed.
    fn leaving(&mut self, _cx: &mut Cx<'_, P>) {}

    /// What would be lost if it were closed now. None when nothing would be.
    fn unsaved(&self, _model: &P::Model) -> Option<Unsaved> {
        None
    }

    /// When, in cluster time, its words change by themselves: a countdown's next step.
    fn wakes_at(&self, _model: &P::Model, _now_ms: i64) -> Option<i64> {
        None
    }

    /// Draw it. Reads no clock and asks nobody.
    fn view(&self, model: &P::Model, area: Rect, canvas: &mut Canvas<'_>);
}

/// How a sentence at the bottom is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// It is so.
    Plain,
    /// It was done.
    Good,
    /// It was not.
    Bad,
}

/// What only this program has, in words: `the new assignment`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsaved {
    /// It was typed, and sent nowhere.
    Typed(String),
    /// It is on its way to the cluster: lost only if the cluster refuses it.
    OnItsWay(String),
}

/// A question before something that cannot be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirm {
    /// What will happen, with the name of what it happens to: `Delete the material notes.pdf?`
    pub question: String,
    /// What follows from it; may be empty.
    pub consequence: String,
    /// The button: `delete`.
    pub yes: String,
}

/// Work for the kit itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KitWork {
    /// Let the person edit a text in `$VISUAL` or `$EDITOR`.
    Edit {
        /// The text.
        text: String,
        /// Of the temporary file, so that the editor knows the language: `md`.
        extension: String,
    },
    /// List a directory.
    List(PathBuf),
    /// Open a file in the person's own viewer.
    Open(PathBuf),
    /// Copy to the clipboard.
    Copy(String),
    /// Look at the cluster, again and again while the screen is open.
    WatchCluster,
}

/// What is to be done outside the update.
#[derive(Debug)]
pub enum Work<P: Program> {
    /// By the program.
    Program(P::Effect),
    /// By the kit.
    Kit(KitWork),
}

/// Work, and who awaits it.
#[derive(Debug)]
pub struct Issued<P: Program> {
    /// The screen, or the model.
    pub to: Option<ScreenId>,
    /// Its request.
    pub request: RequestId,
    /// The work.
    pub work: Work<P>,
}

/// How the stack changes after a call.
pub(crate) enum Move<P: Program> {
    Push(Box<dyn Screen<P>>),
    Pop,
    Replace(Box<dyn Screen<P>>),
    Reset(Box<dyn Screen<P>>),
    Quit,
}

/// What a call asked for.
pub(crate) struct Out<P: Program> {
    pub(crate) issued: Vec<Issued<P>>,
    /// Each with the screen that asked for it.
    pub(crate) moves: Vec<(Option<ScreenId>, Move<P>)>,
    /// Each with the screen that said it.
    pub(crate) toasts: Vec<(Option<ScreenId>, Tone, String)>,
    pub(crate) confirm: Option<(ScreenId, RequestId, Confirm)>,
    pub(crate) cluster_time: Option<i64>,
    pub(crate) next_request: u64,
}

impl<P: Program> Default for Out<P> {
    fn default() -> Self {
        Self {
            issued: Vec::new(),
            moves: Vec::new(),
            toasts: Vec::new(),
            confirm: None,
            cluster_time: None,
            next_request: 1,
        }
    }
}

/// The model, the time, and ways to ask for something.
pub struct Cx<'a, P: Program> {
    /// What screens share.
    pub model: &'a mut P::Model,
    /// Cluster time, Unix milliseconds.
    pub now_ms: i64,
    pub(crate) screen: Option<ScreenId>,
    pub(crate) out: &'a mut Out<P>,
}

impl<P: Program> Cx<'_, P> {
    fn issue(&mut self, to: Option<ScreenId>, work: Work<P>) -> RequestId {
        let request = RequestId(self.out.next_request);
        self.out.next_request += 1;
        self.out.issued.push(Issued { to, request, work });
        request
    }

    fn go(&mut self, step: Move<P>) {
        self.out.moves.push((self.screen, step));
    }

    /// Asks for an effect whose messages come to this screen.
    pub fn request(&mut self, effect: P::Effect) -> RequestId {
        self.issue(self.screen, Work::Program(effect))
    }

    /// Asks for an effect whose messages go to the model.
    pub fn run(&mut self, effect: P::Effect) -> RequestId {
        self.issue(None, Work::Program(effect))
    }

    /// Asks the kit for something; see [`Screen::answered`].
    pub fn kit(&mut self, work: KitWork) -> RequestId {
        self.issue(self.screen, Work::Kit(work))
    }

    /// Opens a screen over this one; where others lie over it by now, below those.
    pub fn push(&mut self, screen: impl Screen<P> + 'static) {
        self.go(Move::Push(Box::new(screen)));
    }

    /// Closes this screen, wherever it lies by now.
    pub fn pop(&mut self) {
        self.go(Move::Pop);
    }

    /// Opens a screen in place of this one.
    pub fn replace(&mut self, screen: impl Screen<P> + 'static) {
        self.go(Move::Replace(Box::new(screen)));
    }

    /// Closes all screens and opens one.
    pub fn reset(&mut self, screen: impl Screen<P> + 'static) {
        self.go(Move::Reset(Box::new(screen)));
    }

    /// Ends the program, after what is being saved.
    pub fn quit(&mut self) {
        self.go(Move::Quit);
    }

    /// Says something at the bottom for some seconds.
    pub fn toast(&mut self, tone: Tone, sentence: impl Into<String>) {
        self.out.toasts.push((self.screen, tone, sentence.into()));
    }

    /// Asks before something that cannot be taken back; a yes comes to [`Screen::confirmed`]. The question waits until
    /// nothing lies over this screen, so that no key that was meant for something else answers it.
    pub fn confirm(&mut self, question: Confirm) -> RequestId {
        let request = RequestId(self.out.next_request);
        self.out.next_request += 1;
        if let Some(screen) = self.screen {
            self.out.confirm = Some((screen, request, question));
        }
        request
    }

    /// The server said what time it is.
    pub fn set_cluster_time(&mut self, now_ms: i64) {
        self.out.cluster_time = Some(now_ms);
    }
}
