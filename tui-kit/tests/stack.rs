//! The core with a small program: a list of notes, and an editor for one.

use std::sync::Arc;
use std::time::Instant;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use lectern_cli::Session;
use lectern_client::Link;
use lectern_tui_kit::action::{Action, BACK, Group, LIST, OPEN, Scope};
use lectern_tui_kit::app::Input;
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::program::{Change, Program, Reply};
use lectern_tui_kit::remote::{Failure, Remote, RequestId, Shown};
use lectern_tui_kit::screen::{Confirm, Cx, Screen, Tone, Unsaved};
use lectern_tui_kit::sending::Sending;
use lectern_tui_kit::testkit::{Harness, check_scopes};
use lectern_tui_kit::widgets::Part as _;
use lectern_tui_kit::widgets::line::LineInput;
use ratatui::layout::Rect;

const DELETE: Action = Action::new("delete", &["d"], "delete", "Delete all notes.").in_bar();
const LOCKED: Action = Action::new("lock", &["L"], "lock", "Lock the notes.").in_bar();
const SAVE: Action = Action::new("save", &["ctrl-s"], "save", "Save the note.").in_bar().in_text();
const WRITE: Action = Action::new("write", &["w"], "write", "Write a letter.");
const NOTES: Group = Group { name: "notes", title: "Notes", actions: &[DELETE, LOCKED, WRITE] };
const EDITOR: Group = Group { name: "editor", title: "Editor", actions: &[SAVE] };
const LIST_SCOPE: Scope = Scope { name: "notes", title: "Notes", groups: &[&NOTES, &LIST] };
const EDITOR_SCOPE: Scope = Scope { name: "editor", title: "A note", groups: &[&EDITOR] };

#[derive(Debug)]
struct Notes;

#[derive(Debug, PartialEq)]
enum Effect {
    Load,
    Save(String),
    Delete,
}

#[derive(Debug)]
enum Message {
    Loaded(String),
    Saved,
    Sent(Result<(), Failure>),
}

impl Program for Notes {
    type Model = usize;
    type Effect = Effect;
    type Message = Message;
    type Env = Arc<Session>;
    const NAME: &'static str = "notes";
    const SCOPES: &'static [Scope] = &[LIST_SCOPE, EDITOR_SCOPE];

    async fn perform(_env: Arc<Session>, _effect: Effect, _reply: Reply<Self>) {}

    fn is_change(effect: &Effect) -> bool {
        *effect != Effect::Load
    }

    fn received(_request: RequestId, message: Message, cx: &mut Cx<'_, Self>) {
        if matches!(message, Message::Saved) {
            *cx.model += 1;
            cx.toast(Tone::Good, "The note is saved.");
        }
    }

    fn headline(saved: &usize) -> String {
        format!("{saved} saved")
    }

    fn session(env: &Arc<Session>) -> &Session {
        env
    }
}

#[derive(Default)]
struct NoteList {
    notes: Remote<String>,
    deletion: Option<RequestId>,
}

impl Screen<Notes> for NoteList {
    fn scope(&self) -> &'static Scope {
        &LIST_SCOPE
    }

    fn title(&self, _saved: &usize) -> String {
        "notes".into()
    }

    fn disabled(&self, action: &Action, _saved: &usize) -> Option<String> {
        (*action == LOCKED).then(|| "notes cannot be locked yet".into())
    }

    fn opened(&mut self, cx: &mut Cx<'_, Notes>) {
        self.notes.start(cx.request(Effect::Load));
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, Notes>) -> bool {
        match *action {
            OPEN => cx.push(NoteEditor::default()),
            WRITE => cx.push(Letter::default()),
            DELETE => {
                let question =
                    Confirm { question: "Delete all notes?".into(), consequence: String::new(), yes: "delete".into() };
                self.deletion = Some(cx.confirm(question));
            }
            _ => return false,
        }
        true
    }

    fn received(&mut self, request: RequestId, message: Message, _cx: &mut Cx<'_, Notes>) {
        if let Message::Loaded(notes) = message {
            self.notes.finish(request, Ok(notes));
        }
    }

    fn confirmed(&mut self, request: RequestId, cx: &mut Cx<'_, Notes>) {
        assert_eq!(self.deletion, Some(request));
        cx.run(Effect::Delete);
    }

    fn changed(&mut self, _change: &Change, cx: &mut Cx<'_, Notes>) {
        self.notes.start(cx.request(Effect::Load));
    }

    fn view(&self, _saved: &usize, area: Rect, canvas: &mut Canvas<'_>) {
        match self.notes.shown() {
            Shown::Ready { value, .. } => canvas.line(area, value.clone()),
            _ => canvas.line(area, "loading"),
        }
    }
}

#[derive(Default)]
struct NoteEditor {
    text: LineInput,
    left: bool,
}

impl Screen<Notes> for NoteEditor {
    fn scope(&self) -> &'static Scope {
        &EDITOR_SCOPE
    }

    fn title(&self, _saved: &usize) -> String {
        "note".into()
    }

    fn opened(&mut self, _cx: &mut Cx<'_, Notes>) {}

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, Notes>) -> bool {
        match *action {
            SAVE => drop(cx.run(Effect::Save(self.text.text().to_owned()))),
            BACK if !self.left => self.left = true,
            _ => return false,
        }
        true
    }

    fn text_focus(&self) -> bool {
        !self.left
    }

    fn key(&mut self, key: KeyEvent, _cx: &mut Cx<'_, Notes>) {
        self.text.key(key);
    }

    fn paste(&mut self, text: &str, _cx: &mut Cx<'_, Notes>) {
        self.text.paste(text);
    }

    fn received(&mut self, _request: RequestId, _message: Message, _cx: &mut Cx<'_, Notes>) {}

    fn unsaved(&self, _saved: &usize) -> Option<Unsaved> {
        (!self.text.text().is_empty()).then(|| Unsaved::Typed("this note".into()))
    }

    fn view(&self, _saved: &usize, area: Rect, canvas: &mut Canvas<'_>) {
        self.text.view("> ", area, canvas, !self.left);
    }
}

/// A text that is sent away, and closes when it has arrived.
#[derive(Default)]
struct Letter {
    sending: Sending<()>,
    asking: Option<RequestId>,
}

impl Screen<Notes> for Letter {
    fn scope(&self) -> &'static Scope {
        &EDITOR_SCOPE
    }

    fn title(&self, _saved: &usize) -> String {
        "letter".into()
    }

    fn opened(&mut self, _cx: &mut Cx<'_, Notes>) {}

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, Notes>) -> bool {
        if *action == SAVE {
            let request = cx.request(Effect::Save("Dear Ada".into()));
            self.sending.start(request);
        }
        *action == SAVE
    }

    fn received(&mut self, request: RequestId, message: Message, cx: &mut Cx<'_, Notes>) {
        match message {
            Message::Sent(result) => {
                if self.sending.finish(request, result).is_some() {
                    cx.pop();
                }
            }
            Message::Loaded(question) => {
                let question = Confirm { question, consequence: String::new(), yes: "yes".into() };
                self.asking = Some(cx.confirm(question));
            }
            Message::Saved => {}
        }
    }

    fn confirmed(&mut self, request: RequestId, cx: &mut Cx<'_, Notes>) {
        assert_eq!(self.asking, Some(request));
        cx.run(Effect::Delete);
    }

    fn unsaved(&self, _saved: &usize) -> Option<Unsaved> {
        Some(self.sending.unsaved("this letter"))
    }

    fn view(&self, _saved: &usize, area: Rect, canvas: &mut Canvas<'_>) {
        canvas.line(area, "Dear Ada");
    }
}

fn harness() -> Harness<Notes> {
    Harness::new(0, NoteList::default(), 1_000_000)
}

#[test]
fn the_declarations_hold_together() {
    check_scopes(Notes::SCOPES);
}

#[test]
fn an_old_answer_never_replaces_a_newer_one() {
    let mut app = harness();
    let first = app.take(|effect| *effect == Effect::Load).unwrap();
    app.change(Change::Resync { index: 1 });
    let second = app.take(|effect| *effect == Effect::Load).unwrap();
    app.finish(&second, vec![Message::Loaded("new".into())]);
    app.finish(&first, vec![Message::Loaded("old".into())]);
    app.assert_shows("new");
}

#[test]
fn keys_are_text_while_text_is_typed_and_a_paste_always_is() {
    let mut app = harness();
    app.keys("enter");
    app.type_text("quit?");
    app.input(Input::Paste("d:q\n".into()));
    app.assert_shows("> quit?d:q");
    app.assert_shows("notes / note");
    app.keys("ctrl-s");
    assert!(app.effects().any(|effect| *effect == Effect::Save("quit?d:q".into())));
}

#[test]
fn leaving_with_unsaved_text_asks_first_and_the_safe_answer_is_selected() {
    let mut app = harness();
    app.keys("enter x esc esc");
    app.assert_shows("Discard this note?");
    app.keys("enter");
    app.assert_shows("> x");
    app.keys("esc y");
    app.assert_hides("> x");
    assert!(!app.app().has_ended());
}

#[test]
fn leaving_waits_for_changes_under_way() {
    let mut app = harness();
    app.keys("d y q");
    app.assert_shows("Leaving, once 1 change");
    assert!(!app.app().has_ended());
    let deletion = app.take(|effect| *effect == Effect::Delete).unwrap();
    app.finish(&deletion, vec![]);
    assert!(app.app().has_ended());
}

fn sent(app: &mut Harness<Notes>, result: Result<(), Failure>) {
    let save = app.take(|effect| matches!(effect, Effect::Save(_))).expect("it is being sent");
    app.finish(&save, vec![Message::Sent(result)]);
}

#[test]
fn what_a_refusal_gives_back_while_leaving_is_not_thrown_away_unasked() {
    let mut app = harness();
    app.keys("w ctrl-s q");
    app.assert_shows("Leaving, once 1 change");
    sent(&mut app, Err(Failure::local("no")));
    assert!(!app.app().has_ended());
    app.assert_shows("Discard this letter?");
    app.keys("n");
    app.assert_shows("Dear Ada");
    app.keys("q y");
    assert!(app.app().has_ended());
}

#[test]
fn leaving_a_screen_whose_text_is_on_its_way_says_what_may_become_of_it() {
    let mut app = harness();
    app.keys("w ctrl-s esc");
    app.assert_shows("Leave this letter while it is being sent?");
    app.keys("y");
    app.assert_hides("Dear Ada");
}

#[test]
fn a_screen_closes_itself_and_not_what_lies_over_it() {
    let mut app = harness();
    app.keys("w ctrl-s C");
    app.assert_shows("letter / cluster");
    sent(&mut app, Ok(()));
    app.assert_shows("notes / cluster");
    app.keys("esc");
    app.assert_hides("Dear Ada");
}

#[test]
fn a_question_waits_until_nothing_lies_over_its_screen() {
    let mut app = harness();
    app.keys("w ctrl-s C");
    let save = app.take(|effect| matches!(effect, Effect::Save(_))).unwrap();
    app.finish(&save, vec![Message::Loaded("Overwrite it?".into())]);
    app.assert_hides("Overwrite it?");
    app.keys("y esc");
    app.assert_shows("Overwrite it?");
    app.keys("y");
    assert!(app.effects().any(|effect| *effect == Effect::Delete));
}

#[test]
fn the_pointer_that_only_moves_changes_nothing() {
    use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
    let mut app = harness();
    let before = app.picture();
    for kind in [MouseEventKind::Moved, MouseEventKind::Up(MouseButton::Left), MouseEventKind::Drag(MouseButton::Left)]
    {
        let bar = app.size.1 - 1;
        app.input(Input::Mouse(MouseEvent { kind, column: 1, row: bar, modifiers: KeyModifiers::NONE }));
    }
    assert_eq!(app.picture(), before);
}

#[test]
fn the_answer_to_a_change_arrives_although_its_screen_is_gone() {
    let mut app = harness();
    app.keys("enter x ctrl-s esc esc y");
    let save = app.take(|effect| matches!(effect, Effect::Save(_))).unwrap();
    app.finish(&save, vec![Message::Saved]);
    app.assert_shows("The note is saved.");
    app.assert_shows("1 saved");
    app.pass(5_000);
    app.assert_hides("The note is saved.");
}

#[test]
fn a_disabled_action_says_why_in_bar_help_palette_and_when_it_is_tried() {
    let mut app = harness();
    app.assert_shows("(lock)");
    app.keys("L");
    app.assert_shows("notes cannot be locked yet");
    app.pass(20_000);
    app.assert_hides("notes cannot be locked yet");
    app.size = (80, 50);
    app.keys("?");
    app.assert_shows("not now: notes cannot be locked yet");
    app.keys("x :");
    app.type_text("lock");
    app.assert_shows("not now: notes cannot be locked yet");
}

#[test]
fn the_palette_finds_an_action_by_a_part_of_its_name() {
    let mut app = harness();
    app.keys(":");
    app.type_text("dele");
    app.keys("enter");
    app.assert_shows("Delete all notes?");
}

#[test]
fn an_action_in_the_bar_can_be_clicked() {
    let mut app = harness();
    app.assert_shows("d delete");
    app.click(1, 23);
    app.assert_shows("Delete all notes?");
}

#[test]
fn trouble_with_the_connection_is_said_in_words_until_it_is_over() {
    let mut app = harness();
    app.link(Link::Up { node: "a".into(), leader: None });
    app.link(Link::Retrying { since: Instant::now(), reason: "no leader".into() });
    assert_eq!(app.app().wakes_at(), Some(app.now_ms + 1_000));
    app.pass(3_000);
    app.assert_shows("Reconnecting for 3 seconds.");
    app.link(Link::Up { node: "a".into(), leader: None });
    app.assert_shows("Connected again, after 3 seconds.");
    app.assert_hides("Reconnecting");
}

#[test]
fn a_terminal_that_is_too_small_is_told_so() {
    let mut app = harness();
    app.size = (39, 12);
    app.assert_shows("too small");
    app.size = (40, 10);
    app.assert_hides("too small");
}

#[test]
fn a_signal_lets_screens_save_and_a_first_screen_is_not_left_by_esc() {
    let mut app = harness();
    app.keys("esc");
    app.assert_shows("q leaves the program");
    app.input(Input::Leaving);
    assert!(!app.app().is_saving());
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn any_keys_at_any_size_are_survived(
        steps in proptest::collection::vec((0_usize..20, 0_u16..300, 0_u16..100), 0..60),
    ) {
        let keys = ["enter", "esc", "d", "y", "q", ":", "?", "j", "x", "ctrl-s", "ctrl-c", "tab", "C", "ctrl-r", "up", "L", "ctrl-l", "backspace", "/", "n"];
        let mut app = harness();
        for (key, width, height) in steps {
            app.size = (width, height);
            app.keys(keys[key]);
            app.input(Input::Key(KeyEvent::new(KeyCode::Null, KeyModifiers::NONE)));
            app.settle(|effect| match effect {
                Effect::Load => Some(vec![Message::Loaded("notes".into())]),
                Effect::Save(_) => None,
                Effect::Delete => Some(vec![]),
            });
            app.screen();
        }
    }
}
