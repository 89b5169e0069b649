//! A program driven by a test: keys in, effects and pictures out.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use lectern_client::Link;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::picture;
use crate::action::Scope;
use crate::app::{App, Input};
use crate::chord::Chord;
use crate::keymap::Keymap;
use crate::look::Look;
use crate::program::{Change, Incoming, KitAnswer, Program};
use crate::screen::{Issued, KitWork, Screen, Work};
use crate::theme::ThemeName;

/// Answers given in a row before a test is told that its program never comes to rest.
const MANY: usize = 10_000;

/// A program, the work it issued and that nobody has done yet, and a clock that a test moves.
pub struct Harness<P: Program> {
    app: App<P>,
    issued: VecDeque<Issued<P>>,
    /// Local and cluster time, Unix milliseconds, unless the program heard another cluster time.
    pub now_ms: i64,
    /// Columns and rows.
    pub size: (u16, u16),
}

impl<P: Program> Harness<P> {
    /// A program at `now_ms` on 80×24 cells, dark, in UTC.
    pub fn new(model: P::Model, first: impl Screen<P> + 'static, now_ms: i64) -> Self {
        Self::with_look(model, first, now_ms, Look::new(ThemeName::Dark, false))
    }

    /// The same with another look.
    pub fn with_look(model: P::Model, first: impl Screen<P> + 'static, now_ms: i64, look: Look) -> Self {
        let keymap = Keymap::new(P::SCOPES, "").expect("the declared keys do not clash");
        let (app, issued) = App::new(model, first, keymap, look, now_ms);
        Self { app, issued: issued.into(), now_ms, size: (80, 24) }
    }

    /// One input.
    pub fn input(&mut self, input: Input<P>) {
        let issued = self.app.update(input, self.now_ms);
        let closed = self.app.take_closed();
        // As the runtime does: reads of a closed screen are ended.
        self.issued.retain(|work| {
            let is_read = matches!(&work.work, Work::Program(effect) if !P::is_change(effect));
            !(is_read && work.to.is_some_and(|screen| closed.contains(&screen)))
        });
        self.issued.extend(issued);
    }

    /// Keys as people write them: `j j enter ctrl-s`.
    pub fn keys(&mut self, keys: &str) {
        for key in keys.split_whitespace() {
            let chord: Chord = key.parse().unwrap_or_else(|why| panic!("{why}"));
            self.input(Input::Key(chord.event()));
        }
    }

    /// Types a text, letter by letter.
    pub fn type_text(&mut self, text: &str) {
        for letter in text.chars() {
            let code = if letter == '\n' { KeyCode::Enter } else { KeyCode::Char(letter) };
            self.input(Input::Key(KeyEvent::new(code, KeyModifiers::NONE)));
        }
    }

    /// A click of the left button.
    pub fn click(&mut self, column: u16, row: u16) {
        let kind = MouseEventKind::Down(MouseButton::Left);
        self.input(Input::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
    }

    /// The connection changes.
    pub fn link(&mut self, link: Link) {
        self.input(Input::Incoming(Incoming::Link(link)));
    }

    /// Something changed on the server.
    pub fn change(&mut self, change: Change) {
        self.input(Input::Incoming(Incoming::Changed(change)));
    }

    /// Time passes, and the program is woken where it wishes to be.
    pub fn pass(&mut self, ms: i64) {
        self.now_ms += ms;
        self.input(Input::Wake);
    }

    /// Effects that wait to be done, oldest first.
    pub fn effects(&self) -> impl Iterator<Item = &P::Effect> {
        self.issued.iter().filter_map(|work| match &work.work {
            Work::Program(effect) => Some(effect),
            Work::Kit(_) => None,
        })
    }

    /// Work of the kit that waits to be done, oldest first.
    pub fn kit_work(&self) -> impl Iterator<Item = &KitWork> {
        self.issued.iter().filter_map(|work| match &work.work {
            Work::Program(_) => None,
            Work::Kit(work) => Some(work),
        })
    }

    /// Does all effects with `server`, and those they lead to, until the program is at rest. An effect for which it
    /// gives none stays under way.
    pub fn settle(&mut self, mut server: impl FnMut(&P::Effect) -> Option<Vec<P::Message>>) {
        let mut under_way = VecDeque::new();
        for _ in 0..MANY {
            let Some(issued) = self.issued.pop_front() else {
                self.issued = under_way;
                return;
            };
            let Work::Program(effect) = &issued.work else {
                under_way.push_back(issued);
                continue;
            };
            match server(effect) {
                Some(messages) => self.finish(&issued, messages),
                None => under_way.push_back(issued),
            }
        }
        panic!("the program asks for ever; it waits for {:?}", self.issued);
    }

    /// Takes the oldest effect that `wanted` accepts, to be answered later with [`Harness::finish`].
    pub fn take(&mut self, wanted: impl Fn(&P::Effect) -> bool) -> Option<Issued<P>> {
        let at = self.issued.iter().position(|work| matches!(&work.work, Work::Program(effect) if wanted(effect)))?;
        self.issued.remove(at)
    }

    /// Takes the oldest work of the kit.
    pub fn take_kit(&mut self) -> Option<Issued<P>> {
        let at = self.issued.iter().position(|work| matches!(work.work, Work::Kit(_)))?;
        self.issued.remove(at)
    }

    /// Sends messages of an effect and says that it is done.
    pub fn finish(&mut self, issued: &Issued<P>, messages: Vec<P::Message>) {
        for message in messages {
            self.input(Input::Incoming(Incoming::Message { to: issued.to, request: issued.request, message }));
        }
        self.input(Input::Done(issued.request));
    }

    /// Answers work of the kit.
    pub fn finish_kit(&mut self, issued: &Issued<P>, answer: KitAnswer) {
        self.input(Input::Incoming(Incoming::Kit { to: issued.to, request: issued.request, answer }));
        self.input(Input::Done(issued.request));
    }

    /// The program.
    pub fn app(&self) -> &App<P> {
        &self.app
    }

    fn draw(&self) -> (Buffer, Option<Position>) {
        let mut buf = Buffer::empty(Rect::new(0, 0, self.size.0, self.size.1));
        let cursor = self.app.view(&mut buf);
        (buf, cursor)
    }

    /// The letters on the screen.
    pub fn screen(&self) -> String {
        picture::words(&self.draw().0)
    }

    /// Letters, styles and cursor.
    pub fn picture(&self) -> String {
        let (buf, cursor) = self.draw();
        let mut text = picture::picture(&buf);
        if let Some(at) = cursor {
            let _ = writeln!(text, "cursor {},{}", at.x, at.y);
        }
        text
    }

    /// Fails with the screen's letters unless they contain `text`.
    #[track_caller]
    pub fn assert_shows(&self, text: &str) {
        let screen = self.screen();
        assert!(screen.contains(text), "`{text}` is not on the screen:\n{screen}");
    }

    /// Fails with the screen's letters when they contain `text`.
    #[track_caller]
    pub fn assert_hides(&self, text: &str) {
        let screen = self.screen();
        assert!(!screen.contains(text), "`{text}` is on the screen:\n{screen}");
    }
}

/// Fails when two actions of one screen share a name or a key, or an action does not say what it does.
#[track_caller]
pub fn check_scopes(scopes: &'static [Scope]) {
    if let Err(error) = Keymap::new(scopes, "") {
        panic!("{error}");
    }
    for scope in scopes {
        let mut names = BTreeMap::new();
        for group in scope.all_groups() {
            for action in group.actions {
                let before = names.insert(action.name, group.name);
                assert!(before.is_none(), "{}: `{}` is in {before:?} and {}", scope.name, action.name, group.name);
                assert!(action.help.ends_with('.'), "{}.{}: its help is no sentence", group.name, action.name);
            }
        }
    }
}
