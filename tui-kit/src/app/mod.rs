//! The core: the model and the stack of screens, changed by one input at a time. No clock, no terminal, no task: the
//! runtime and the tests give it inputs and do the work it issues.

mod confirm;
mod frame;
mod help;
mod link;
mod palette;

use std::collections::{BTreeSet, VecDeque};

use crossterm::event::{KeyEvent, KeyEventKind, MouseEvent, MouseEventKind};
use lectern_client::Link;
use ratatui::layout::{Position, Rect};

use crate::action::{Action, BACK, CLUSTER, HELP, PALETTE, QUIT, REDRAW, SUSPEND, Scope};
use crate::chord::Chord;
use crate::cluster::ClusterScreen;
use crate::keymap::Keymap;
use crate::look::Look;
use crate::program::{Incoming, Program};
use crate::remote::RequestId;
use crate::screen::{Cx, Issued, Move, Out, Screen, ScreenId, Tone, Unsaved, Work};

use confirm::{Question, Then};
use help::Help;
use link::LinkWords;
use palette::Palette;

/// How long a sentence at the bottom stays, in milliseconds; one that tells of a failure stays longer.
const TOAST_MS: i64 = 4_000;
const BAD_TOAST_MS: i64 = 9_000;

/// Between two changes by the clock alone.
const SOONEST_WAKE_MS: i64 = 100;

/// What moves the program.
#[derive(Debug)]
pub enum Input<P: Program> {
    /// A key.
    Key(KeyEvent),
    /// A paste.
    Paste(String),
    /// A click or the wheel.
    Mouse(MouseEvent),
    /// An answer, a change, the connection.
    Incoming(Incoming<P>),
    /// All messages of this work have been sent.
    Done(RequestId),
    /// The moment [`App::wakes_at`] named.
    Wake,
    /// A signal ends the program: save what was typed, now.
    Leaving,
    /// The terminal takes no text of this length into the clipboard.
    NotCopied,
}

/// What the runtime is to do with the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TerminalWish {
    /// Draw every cell again.
    pub redraw: bool,
    /// Go into the background.
    pub suspend: bool,
}

struct Layer<P: Program> {
    id: ScreenId,
    screen: Box<dyn Screen<P>>,
}

/// What lies over the screen and has the keyboard.
enum Overlay {
    Help(Help),
    Palette(Palette),
    Confirm(Question),
    /// Leaving, once what is being saved has been.
    Finishing {
        /// The person said that what was typed may be lost.
        discards: bool,
    },
}

struct Toast {
    tone: Tone,
    sentence: String,
    until_ms: i64,
    /// The screen that said it; none for what is said of the program.
    by: Option<ScreenId>,
    /// It answers a key: the next key is past it.
    answers_key: bool,
}

/// Where an action of the bar was drawn, to be clicked.
type Hit = (Rect, &'static Action);

/// A program as it stands.
pub struct App<P: Program> {
    model: P::Model,
    layers: Vec<Layer<P>>,
    overlay: Option<Overlay>,
    /// Questions of screens that wait for their screen to be the topmost.
    questions: VecDeque<(ScreenId, Question)>,
    toast: Option<Toast>,
    /// What is being dealt with came from the person.
    by_key: bool,
    link: LinkWords,
    keymap: Keymap,
    look: Look,
    out: Out<P>,
    next_screen: u64,
    /// Changes under way: leaving waits for them.
    changes: BTreeSet<RequestId>,
    closed: Vec<ScreenId>,
    /// Cluster time minus this machine's.
    offset_ms: i64,
    local_ms: i64,
    wish: TerminalWish,
    ended: bool,
    hits: std::cell::RefCell<Vec<Hit>>,
}

impl<P: Program> App<P> {
    /// A program that opens with `first`. Returns the work its opening asks for.
    pub fn new(
        model: P::Model,
        first: impl Screen<P> + 'static,
        keymap: Keymap,
        look: Look,
        local_ms: i64,
    ) -> (Self, Vec<Issued<P>>) {
        let mut app = Self {
            model,
            layers: Vec::new(),
            overlay: None,
            questions: VecDeque::new(),
            toast: None,
            by_key: false,
            link: LinkWords::default(),
            keymap,
            look,
            out: Out::default(),
            next_screen: 1,
            changes: BTreeSet::new(),
            closed: Vec::new(),
            offset_ms: 0,
            local_ms,
            wish: TerminalWish::default(),
            ended: false,
            hits: std::cell::RefCell::default(),
        };
        app.out.moves.push((None, Move::Push(Box::new(first))));
        let issued = app.settle();
        (app, issued)
    }

    /// What screens share.
    pub fn model(&self) -> &P::Model {
        &self.model
    }

    /// Whether the program is over.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether changes are still on their way to the cluster or the disk.
    pub fn is_saving(&self) -> bool {
        !self.changes.is_empty()
    }

    /// What the terminal is to do; asked once.
    pub fn take_wish(&mut self) -> TerminalWish {
        std::mem::take(&mut self.wish)
    }

    /// Screens that are gone: reads they asked for are of no use.
    pub fn take_closed(&mut self) -> Vec<ScreenId> {
        std::mem::take(&mut self.closed)
    }

    /// One step. `local_ms` is this machine's time, Unix milliseconds. Returns the work that is to be done.
    pub fn update(&mut self, input: Input<P>, local_ms: i64) -> Vec<Issued<P>> {
        self.local_ms = local_ms;
        let top = self.top();
        self.by_key = matches!(input, Input::Key(_) | Input::Paste(_) | Input::Mouse(_));
        let is_past = |toast: &mut Toast| toast.until_ms <= local_ms || (toast.answers_key && self.by_key);
        self.toast.take_if(is_past);
        let before = self.toast.take();
        match input {
            Input::Key(key) if key.kind == KeyEventKind::Release => {}
            Input::Key(key) => self.key(key),
            Input::Paste(text) => self.paste(&text),
            Input::Mouse(event) if is_click_or_wheel(event.kind) => self.mouse(event),
            Input::Incoming(incoming) => self.incoming(incoming),
            Input::Done(request) => self.done(request),
            // Where the pointer only goes, and that a button is let go, means nothing here.
            Input::Mouse(_) | Input::Wake => {}
            Input::Leaving => self.each_screen(|screen, cx| screen.leaving(cx)),
            Input::NotCopied => {
                self.say(Tone::Bad, "This is too long for the terminal's clipboard; nothing was copied.".into());
            }
        }
        let issued = self.settle();
        // What a screen said goes with it: on the next one it would be read as that one's.
        let now = self.top();
        let still_counts = |toast: &Toast| toast.by.is_none() || toast.by == now || now == top;
        self.toast = self.toast.take().or(before.filter(still_counts));
        issued
    }

    fn top(&self) -> Option<ScreenId> {
        self.layers.last().map(|layer| layer.id)
    }

    /// When the words on the screen change by themselves, in this machine's time.
    pub fn wakes_at(&self) -> Option<i64> {
        let toast = self.toast.as_ref().map(|toast| toast.until_ms);
        let link = self.link.wakes_at(self.local_ms);
        let screen = self.layers.last().and_then(|layer| layer.screen.wakes_at(&self.model, self.now_ms()));
        let soonest = [toast, link, screen.map(|at| at - self.offset_ms)].into_iter().flatten().min()?;
        // A screen that asks for a moment that is over must not keep the program awake.
        Some(soonest.max(self.local_ms + SOONEST_WAKE_MS))
    }

    fn now_ms(&self) -> i64 {
        self.local_ms + self.offset_ms
    }

    fn scope(&self) -> Option<&'static Scope> {
        self.layers.last().map(|layer| layer.screen.scope())
    }

    fn with_top<T>(&mut self, call: impl FnOnce(&mut dyn Screen<P>, &mut Cx<'_, P>) -> T) -> Option<T> {
        let now_ms = self.now_ms();
        let Self { layers, model, out, .. } = self;
        let layer = layers.last_mut()?;
        let mut cx = Cx { model, now_ms, screen: Some(layer.id), out };
        Some(call(&mut *layer.screen, &mut cx))
    }

    fn with_screen(&mut self, id: ScreenId, call: impl FnOnce(&mut dyn Screen<P>, &mut Cx<'_, P>)) {
        let now_ms = self.now_ms();
        let Self { layers, model, out, .. } = self;
        if let Some(layer) = layers.iter_mut().find(|layer| layer.id == id) {
            let mut cx = Cx { model, now_ms, screen: Some(id), out };
            call(&mut *layer.screen, &mut cx);
        }
    }

    fn each_screen(&mut self, mut call: impl FnMut(&mut dyn Screen<P>, &mut Cx<'_, P>)) {
        let now_ms = self.now_ms();
        let Self { layers, model, out, .. } = self;
        for layer in layers {
            let mut cx = Cx { model, now_ms, screen: Some(layer.id), out };
            call(&mut *layer.screen, &mut cx);
        }
    }

    fn with_model(&mut self, call: impl FnOnce(&mut Cx<'_, P>)) {
        let now_ms = self.now_ms();
        let mut cx = Cx { model: &mut self.model, now_ms, screen: None, out: &mut self.out };
        call(&mut cx);
    }

    fn text_focus(&self) -> bool {
        self.layers.last().is_some_and(|layer| layer.screen.text_focus())
    }

    fn key(&mut self, key: KeyEvent) {
        if self.overlay.is_some() {
            return self.overlay_key(key);
        }
        let Some(scope) = self.scope() else { return };
        let chord = Chord::of(&key);
        match self.keymap.action(scope, chord) {
            Some(action) if !self.text_focus() || (action.in_text && !chord.is_character()) => self.act(action),
            _ => drop(self.with_top(|screen, cx| screen.key(key, cx))),
        }
    }

    fn paste(&mut self, text: &str) {
        match &mut self.overlay {
            Some(Overlay::Palette(palette)) => palette.paste(text),
            Some(_) => {}
            None => drop(self.with_top(|screen, cx| screen.paste(text, cx))),
        }
    }

    fn mouse(&mut self, event: MouseEvent) {
        if self.overlay.is_some() {
            return self.overlay_mouse(event);
        }
        if matches!(event.kind, MouseEventKind::Down(_)) {
            let at = Position::new(event.column, event.row);
            let hit = self.hits.borrow().iter().find(|(area, _)| area.contains(at)).map(|(_, action)| *action);
            if let Some(action) = hit {
                return self.act(action);
            }
        }
        self.with_top(|screen, cx| screen.mouse(event, cx));
    }

    /// Does an action, or says why not.
    fn act(&mut self, action: &'static Action) {
        let Some(layer) = self.layers.last() else { return };
        if let Some(reason) = layer.screen.disabled(action, &self.model) {
            return self.say(Tone::Bad, reason);
        }
        match *action {
            QUIT => self.quit(),
            HELP => self.overlay = Some(Overlay::Help(Help::default())),
            PALETTE => self.overlay = Some(Overlay::Palette(Palette::default())),
            CLUSTER => self.out.moves.push((None, Move::Push(Box::new(ClusterScreen::default())))),
            REDRAW => self.wish.redraw = true,
            SUSPEND => self.wish.suspend = true,
            BACK => {
                if self.with_top(|screen, cx| screen.act(action, cx)) == Some(false) {
                    self.back();
                }
            }
            _ => drop(self.with_top(|screen, cx| screen.act(action, cx))),
        }
    }

    fn back(&mut self) {
        if self.layers.len() < 2 {
            let key = self.scope().map(|scope| self.keymap.shown(scope, &QUIT)).unwrap_or_default();
            return self.say(Tone::Plain, format!("This is the first screen; {key} leaves the program."));
        }
        match self.layers.last().and_then(|layer| layer.screen.unsaved(&self.model)) {
            Some(Unsaved::Typed(what)) => self.overlay = Some(Overlay::Confirm(Question::discard(&what, Then::Pop))),
            Some(Unsaved::OnItsWay(what)) => self.overlay = Some(Overlay::Confirm(Question::leave(&what))),
            None => self.out.moves.push((None, Move::Pop)),
        }
    }

    /// What was typed and is nowhere else, on whatever screen.
    fn typed(&self) -> Option<String> {
        let screens = self.layers.iter().rev().map(|layer| layer.screen.unsaved(&self.model));
        screens.chain([P::unsaved(&self.model)]).find_map(|unsaved| match unsaved {
            Some(Unsaved::Typed(what)) => Some(what),
            Some(Unsaved::OnItsWay(_)) | None => None,
        })
    }

    fn quit(&mut self) {
        match self.typed() {
            Some(what) => self.overlay = Some(Overlay::Confirm(Question::discard(&what, Then::Quit))),
            None => self.finish(false),
        }
    }

    /// Ends, once everything is saved.
    fn finish(&mut self, discards: bool) {
        self.each_screen(|screen, cx| screen.leaving(cx));
        self.overlay = Some(Overlay::Finishing { discards });
    }

    /// Everything is saved, or refused: what a refusal gave back is not thrown away unasked.
    fn finished(&mut self, discards: bool) {
        match self.typed().filter(|_| !discards) {
            Some(what) => self.overlay = Some(Overlay::Confirm(Question::discard(&what, Then::Quit))),
            None => self.ended = true,
        }
    }

    fn say(&mut self, tone: Tone, sentence: String) {
        self.say_for(self.top(), tone, sentence);
    }

    fn say_for(&mut self, by: Option<ScreenId>, tone: Tone, sentence: String) {
        let stays = if tone == Tone::Bad { BAD_TOAST_MS } else { TOAST_MS };
        let answers_key = self.by_key && tone != Tone::Good;
        self.toast = Some(Toast { tone, sentence, until_ms: self.local_ms + stays, by, answers_key });
    }

    fn incoming(&mut self, incoming: Incoming<P>) {
        match incoming {
            Incoming::Message { to: Some(id), request, message } if self.is_open(id) => {
                self.with_screen(id, |screen, cx| screen.received(request, message, cx));
            }
            Incoming::Message { request, message, .. } => self.with_model(|cx| P::received(request, message, cx)),
            Incoming::Kit { to: Some(id), request, answer } => {
                self.with_screen(id, |screen, cx| screen.answered(request, answer, cx));
            }
            Incoming::Kit { to: None, .. } => {}
            Incoming::Changed(change) => {
                self.with_model(|cx| P::changed(&change, cx));
                self.each_screen(|screen, cx| screen.changed(&change, cx));
            }
            Incoming::Link(link) => self.link_changed(link),
        }
    }

    fn link_changed(&mut self, link: Link) {
        if let Some(sentence) = self.link.change(link, self.local_ms) {
            self.say_for(None, Tone::Good, sentence);
        }
    }

    fn is_open(&self, id: ScreenId) -> bool {
        self.layers.iter().any(|layer| layer.id == id)
    }

    fn done(&mut self, request: RequestId) {
        self.changes.remove(&request);
    }

    fn overlay_key(&mut self, key: KeyEvent) {
        let chord = Chord::of(&key).to_string();
        match &mut self.overlay {
            Some(Overlay::Help(help)) => {
                let closes = help.key(&chord);
                self.overlay = self.overlay.take().filter(|_| !closes);
            }
            Some(Overlay::Palette(_)) => self.palette_key(key, &chord),
            Some(Overlay::Confirm(question)) => {
                if let Some(yes) = question.key(&chord) {
                    self.answer_question(yes);
                }
            }
            Some(Overlay::Finishing { .. }) => match chord.as_str() {
                "esc" => self.overlay = None,
                "q" | "ctrl-c" => self.ended = true,
                _ => {}
            },
            None => {}
        }
    }

    fn overlay_mouse(&mut self, event: MouseEvent) {
        match (&mut self.overlay, event.kind) {
            (Some(Overlay::Help(help)), MouseEventKind::ScrollDown) => help.scroll(3),
            (Some(Overlay::Help(help)), MouseEventKind::ScrollUp) => help.scroll(-3),
            (Some(Overlay::Palette(palette)), MouseEventKind::ScrollDown) => palette.move_by(1),
            (Some(Overlay::Palette(palette)), MouseEventKind::ScrollUp) => palette.move_by(-1),
            _ => {}
        }
    }

    fn palette_key(&mut self, key: KeyEvent, chord: &str) {
        let offers = self.offers();
        let Some(Overlay::Palette(palette)) = &mut self.overlay else { return };
        match palette.key(key, chord, &offers) {
            palette::Step::Stay => {}
            palette::Step::Close => self.overlay = None,
            palette::Step::Run(action) => {
                self.overlay = None;
                self.act(action);
            }
        }
    }

    fn answer_question(&mut self, yes: bool) {
        let Some(Overlay::Confirm(question)) = self.overlay.take() else { return };
        if !yes {
            return;
        }
        match question.then {
            Then::Confirmed(screen, request) => {
                self.with_screen(screen, |screen, cx| screen.confirmed(request, cx));
            }
            Then::Pop => self.out.moves.push((None, Move::Pop)),
            Then::Quit => self.finish(true),
        }
    }

    /// Applies what calls asked for, until nothing is left to apply.
    fn settle(&mut self) -> Vec<Issued<P>> {
        while !self.out.moves.is_empty() {
            for (by, step) in std::mem::take(&mut self.out.moves) {
                self.apply(by, step);
            }
        }
        if let Some(at) = self.out.cluster_time.take() {
            self.offset_ms = at - self.local_ms;
        }
        for (by, tone, sentence) in std::mem::take(&mut self.out.toasts) {
            self.say_for(by, tone, sentence);
        }
        if let Some((screen, request, confirm)) = self.out.confirm.take() {
            self.questions.push_back((screen, Question::new(confirm, Then::Confirmed(screen, request))));
        }
        self.ask_next();
        let issued = std::mem::take(&mut self.out.issued);
        for work in &issued {
            if let Work::Program(effect) = &work.work
                && P::is_change(effect)
            {
                self.changes.insert(work.request);
            }
        }
        if let Some(Overlay::Finishing { discards }) = self.overlay
            && self.changes.is_empty()
        {
            self.finished(discards);
        }
        issued
    }

    /// Shows the question of the topmost screen, when nothing else has the keyboard.
    fn ask_next(&mut self) {
        let Self { questions, layers, overlay, .. } = self;
        questions.retain(|(screen, _)| layers.iter().any(|layer| layer.id == *screen));
        let top = layers.last().map(|layer| layer.id);
        if overlay.is_none()
            && let Some(at) = questions.iter().position(|(screen, _)| Some(*screen) == top)
            && let Some((_, question)) = questions.remove(at)
        {
            *overlay = Some(Overlay::Confirm(question));
        }
    }

    /// A step that the screen `by` asked for: one of the kit's own is the topmost screen's.
    fn apply(&mut self, by: Option<ScreenId>, step: Move<P>) {
        let top = self.layers.len().saturating_sub(1);
        let at = match by {
            None => Some(top),
            Some(id) => self.layers.iter().position(|layer| layer.id == id),
        };
        match (step, at) {
            (Move::Push(screen), at) => self.open(at.map_or(self.layers.len(), |at| at + 1), screen),
            (Move::Pop, Some(at)) if self.layers.len() > 1 => {
                self.close(at);
                if at == top {
                    self.with_top(|screen, cx| screen.resumed(cx));
                }
            }
            // It is the only one, or gone already.
            (Move::Pop, _) => {}
            (Move::Replace(screen), Some(at)) => {
                self.close(at);
                self.open(at, screen);
            }
            (Move::Replace(screen), None) => self.open(self.layers.len(), screen),
            (Move::Reset(screen), _) => {
                self.closed.extend(self.layers.drain(..).map(|layer| layer.id));
                self.open(0, screen);
            }
            (Move::Quit, _) => self.finish(false),
        }
    }

    fn open(&mut self, at: usize, screen: Box<dyn Screen<P>>) {
        let id = ScreenId(self.next_screen);
        self.next_screen += 1;
        self.layers.insert(at.min(self.layers.len()), Layer { id, screen });
        self.with_screen(id, |screen, cx| screen.opened(cx));
    }

    fn close(&mut self, at: usize) {
        self.closed.push(self.layers.remove(at).id);
    }
}

/// What the mouse is for: to choose, to select by dragging, to scroll.
fn is_click_or_wheel(kind: MouseEventKind) -> bool {
    use MouseEventKind::{Down, Drag, ScrollDown, ScrollUp};
    matches!(kind, Down(_) | Drag(_) | ScrollDown | ScrollUp)
}
