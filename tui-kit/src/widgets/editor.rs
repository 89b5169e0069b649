//! Text of many lines being typed: answers, feedback, announcements.
//!
//! The keys are those of `ratatui-textarea`: arrows, `ctrl-left`, Shift to select, `ctrl-c` copies, `ctrl-x` cuts, `ctrl-y`
//! inserts what was cut, `ctrl-u` deletes to the beginning of the line; what undoes is an action ([`crate::action::EDITING`]).
//! Esc is the screen's ([`Outcome::Left`]).
//!
//! ```
//! use lectern_tui_kit::chord::Chord;
//! use lectern_tui_kit::widgets::{Outcome, editor::Editor};
//!
//! let mut editor = Editor::new("first\n");
//! let before = editor.revision();
//! assert_eq!(editor.key("x".parse::<Chord>().unwrap().event()), Outcome::Changed);
//! assert_eq!(editor.text(), "first\nx");
//! assert!(editor.revision() > before);
//! ```

use std::cell::{Cell, RefCell};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use tui_textarea::{CursorMove, TextArea, WrapMode};

use super::Outcome;
use crate::action::{Action, REDO, UNDO};
use crate::look::Canvas;
use crate::text;

/// How many steps can be undone.
const UNDO_STEPS: usize = 1_000;
/// Rows that one step of the wheel moves.
const WHEEL_ROWS: i16 = 3;

/// A text and its cursor. A frame costs what its rows cost; a key costs a pass over the text (about 2 ms for 100 KB), since the text
/// area wraps all of it anew. Long lines are wrapped where they are shown; the text itself is never changed by that.
pub struct Editor {
    /// Borrowed to be changed by the view for the first row shown alone.
    area: RefCell<TextArea<'static>>,
    /// What [`Editor::replace`] took the place of, to be undone to.
    replaced: Option<TextArea<'static>>,
    placeholder: String,
    read_only: bool,
    max_bytes: Option<usize>,
    revision: u64,
    copied: Option<String>,
    /// What was not taken, until the text changes.
    refused: Option<String>,
    /// Where the text was last drawn: known to the view alone.
    drawn: Cell<Rect>,
}

impl std::fmt::Debug for Editor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Editor")
            .field("lines", &self.area.borrow().lines().len())
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

impl Editor {
    /// An editor that holds `text`, the cursor at its end.
    pub fn new(text: &str) -> Self {
        Self {
            area: RefCell::new(area_of(text)),
            replaced: None,
            placeholder: String::new(),
            read_only: false,
            max_bytes: None,
            revision: 0,
            copied: None,
            refused: None,
            drawn: Cell::new(Rect::ZERO),
        }
    }

    /// Shown dim while there is no text.
    #[must_use]
    pub fn placeholder(mut self, words: impl Into<String>) -> Self {
        self.placeholder = words.into();
        self
    }

    /// How long the text may be. What is typed beyond it stays, so that the person can shorten it; until then a notice is shown
    /// and [`Self::excess`] says by how much it is too long. A paste that would make it longer than twice this is not taken.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Whether the text can be read and copied only.
    pub fn set_read_only(&mut self, read_only: bool) {
        self.read_only = read_only;
    }

    /// What is typed.
    pub fn text(&self) -> String {
        self.area.borrow().lines().join("\n")
    }

    /// Whether nothing is typed.
    pub fn is_empty(&self) -> bool {
        self.area.borrow().is_empty()
    }

    /// Bytes of the text.
    pub fn len(&self) -> usize {
        let area = self.area.borrow();
        let lines = area.lines();
        lines.iter().map(String::len).sum::<usize>() + lines.len() - 1
    }

    /// Puts another text in its place, such as a draft that arrived; what was before cannot be undone to.
    pub fn set_text(&mut self, text: &str) {
        self.area = RefCell::new(area_of(text));
        self.replaced = None;
        self.changed();
    }

    /// Puts another text in its place so that it can be undone: what came back from the person's own editor.
    pub fn replace(&mut self, text: &str) {
        // The text area selects and jumps with 16 bits, so that it would keep the rest of a long text.
        self.replaced = Some(std::mem::replace(self.area.get_mut(), area_of(text)));
        self.changed();
    }

    /// An action of the group `EDITING`.
    pub fn act(&mut self, action: &Action) -> bool {
        let area = self.area.get_mut();
        let changed = match *action {
            UNDO if self.read_only => false,
            UNDO => {
                area.undo()
                    || self.replaced.take().is_some_and(|before| {
                        *area = before;
                        true
                    })
            }
            REDO => !self.read_only && area.redo(),
            _ => return false,
        };
        if changed {
            self.changed();
        }
        true
    }

    /// Grows with each change of the text; the same number means the same text.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    fn changed(&mut self) {
        self.revision += 1;
        self.refused = None;
    }

    /// What was copied or cut since the last call, for [`crate::screen::KitWork::Copy`].
    pub fn take_copied(&mut self) -> Option<String> {
        self.copied.take()
    }

    /// By how many bytes the text is too long.
    pub fn excess(&self) -> Option<usize> {
        self.len().checked_sub(self.max_bytes?).filter(|bytes| *bytes > 0)
    }

    /// What the person should know about the length of the text. The view shows it in its last row.
    pub fn notice(&self) -> Option<String> {
        if self.refused.is_some() {
            return self.refused.clone();
        }
        let (excess, most) = (self.excess()?, self.max_bytes?);
        Some(format!("Too long by {}; {} can be sent.", bytes(excess), bytes(most)))
    }

    /// Whether keys are text.
    pub fn text_focus(&self) -> bool {
        !self.read_only
    }

    /// A key. Esc is [`Outcome::Left`] and changes nothing.
    pub fn key(&mut self, key: KeyEvent) -> Outcome {
        let key = as_typed(key);
        if key.code == KeyCode::Esc {
            return Outcome::Left;
        }
        let unsafe_letter =
            matches!(key.code, KeyCode::Char(letter) if text::clean_body(letter.encode_utf8(&mut [0; 4])).is_empty());
        if unsafe_letter || (self.read_only && !only_moves(&key)) {
            return Outcome::Ignored;
        }
        let before = self.place();
        let selected = self.area.borrow().selection_range().is_some_and(|(start, end)| start != end);
        let modified = match (key.code, key.modifiers) {
            // As in every other field; the text area would undo.
            (KeyCode::Char('u'), KeyModifiers::CONTROL) => self.area.get_mut().delete_line_by_head(),
            _ => self.area.get_mut().input(key),
        };
        if selected && takes_a_copy(&key) {
            self.copied = Some(self.area.get_mut().yank_text());
        }
        if modified {
            self.changed();
        }
        if modified || self.place() != before { Outcome::Changed } else { Outcome::Ignored }
    }

    /// What a key can change apart from the text: cursor, selection, the first row shown.
    fn place(&self) -> impl PartialEq + use<> {
        let area = self.area.borrow();
        (area.cursor(), area.selection_range(), area.scroll_offset(), self.refused.is_some())
    }

    /// A paste: its text, without what moves a cursor.
    pub fn paste(&mut self, pasted: &str) {
        if self.read_only {
            return;
        }
        let pasted = text::clean_body(&pasted.replace("\r\n", "\n").replace('\r', "\n"));
        if let Some(most) = self.max_bytes
            && self.len() + pasted.len() > most.saturating_mul(2)
        {
            let (pasted, most) = (bytes(pasted.len()), bytes(most));
            self.refused = Some(format!("A paste of {pasted} was not taken: the text can have {most}."));
            return;
        }
        if self.area.get_mut().insert_str(pasted) {
            self.changed();
        }
    }

    /// A click sets the cursor, dragging selects, the wheel scrolls.
    pub fn mouse(&mut self, event: MouseEvent) -> Outcome {
        let drawn = self.drawn.get();
        if !drawn.contains(Position::new(event.column, event.row)) {
            return Outcome::Ignored;
        }
        let before = self.place();
        let under = self.under(event);
        let area = self.area.get_mut();
        match event.kind {
            MouseEventKind::ScrollDown => area.scroll((WHEEL_ROWS, 0)),
            MouseEventKind::ScrollUp => area.scroll((-WHEEL_ROWS, 0)),
            MouseEventKind::Down(MouseButton::Left) => {
                area.cancel_selection();
                area.move_cursor(under);
            }
            MouseEventKind::Drag(MouseButton::Left) => {
                if !area.is_selecting() {
                    area.start_selection();
                }
                area.move_cursor(under);
            }
            _ => return Outcome::Ignored,
        }
        if self.place() == before { Outcome::Ignored } else { Outcome::Changed }
    }

    /// The place in the text under the mouse.
    fn under(&self, event: MouseEvent) -> CursorMove {
        let (drawn, area) = (self.drawn.get(), self.area.borrow());
        let row = usize::from(area.scroll_offset().0) + usize::from(event.row - drawn.y);
        let at = area.screen_to_data(row, usize::from(event.column - drawn.x));
        let small = |number| u16::try_from(number).unwrap_or(u16::MAX);
        CursorMove::Jump(small(at.0), small(at.1))
    }

    /// Draws the rows around the cursor. With the keyboard it has the terminal's cursor.
    pub fn view(&self, area: Rect, canvas: &mut Canvas<'_>, focused: bool) {
        let area = area.intersection(canvas.buf.area);
        let area = self.view_notice(area, canvas);
        self.drawn.set(area);
        if area.is_empty() {
            return;
        }
        // The last column is for the cursor behind a full row.
        let room = Rect { width: area.width.saturating_sub(1).max(1), ..area };
        self.view_text(room, canvas);
        if self.is_empty() {
            let dim = canvas.look.theme.dim;
            let words = text::wrap(&self.placeholder, room.width.into());
            canvas.lines(room, words.into_iter().map(|line| Line::styled(line, dim)));
        }
        if focused {
            let text_area = self.area.borrow();
            let at = text_area.screen_cursor();
            let row = at.row.saturating_sub(text_area.scroll_offset().0.into());
            canvas.cursor = Some(Position::new(
                u16::try_from(at.col).unwrap_or(u16::MAX).min(area.width - 1) + area.x,
                u16::try_from(row).unwrap_or(u16::MAX).min(area.height - 1) + area.y,
            ));
        }
    }

    /// The text area moves its first row for the cursor alone: after a larger screen or a shorter text, rows would stay empty below
    /// the text while some are hidden above it.
    fn view_text(&self, room: Rect, canvas: &mut Canvas<'_>) {
        let mut area = self.area.borrow_mut();
        canvas.draw(&*area, room);
        let top = usize::from(area.scroll_offset().0);
        let cursor = area.cursor();
        let (Ok(row), Ok(column)) = (u16::try_from(cursor.0), u16::try_from(cursor.1)) else { return };
        if top == 0 {
            return;
        }
        area.move_cursor(CursorMove::Bottom);
        area.move_cursor(CursorMove::End);
        let rows = area.screen_cursor().row + 1;
        let empty = (top + usize::from(room.height)).saturating_sub(rows).min(top);
        if let Ok(up) = i16::try_from(empty) {
            area.scroll((-up, 0));
        }
        area.move_cursor(CursorMove::Jump(row, column));
        if empty > 0 {
            canvas.clear(room);
            canvas.draw(&*area, room);
        }
    }

    /// The notice takes the last row, where there is more than one.
    fn view_notice(&self, area: Rect, canvas: &mut Canvas<'_>) -> Rect {
        let Some(notice) = self.notice().filter(|_| area.height > 1) else { return area };
        let warn = canvas.look.theme.warn;
        canvas.line(Rect { y: area.bottom() - 1, height: 1, ..area }, Line::styled(notice, warn));
        Rect { height: area.height - 1, ..area }
    }
}

fn area_of(text: &str) -> TextArea<'static> {
    let mut area = TextArea::new(text::clean_body(text).split('\n').map(str::to_owned).collect());
    area.set_max_histories(UNDO_STEPS);
    area.set_wrap_mode(WrapMode::WordOrGlyph);
    // The terminal's own cursor is shown: moving it costs fewer bytes than drawing one.
    area.set_cursor_style(Style::new());
    area.set_cursor_line_style(Style::new());
    area.set_selection_style(Style::new().add_modifier(Modifier::REVERSED));
    area.move_cursor(CursorMove::Bottom);
    area.move_cursor(CursorMove::End);
    area
}

/// Terminals send `ctrl-j` for Ctrl-Enter: a new line, where the text area would delete half of one.
fn as_typed(key: KeyEvent) -> KeyEvent {
    match key.code {
        KeyCode::Char('j') if key.modifiers == KeyModifiers::CONTROL => KeyCode::Enter.into(),
        _ => key,
    }
}

fn takes_a_copy(key: &KeyEvent) -> bool {
    key.modifiers.contains(KeyModifiers::CONTROL) && matches!(key.code, KeyCode::Char('c' | 'x'))
}

/// Whether a key leaves the text as it is.
fn only_moves(key: &KeyEvent) -> bool {
    match key.code {
        KeyCode::Left
        | KeyCode::Right
        | KeyCode::Up
        | KeyCode::Down
        | KeyCode::Home
        | KeyCode::End
        | KeyCode::PageUp
        | KeyCode::PageDown => true,
        KeyCode::Char(letter) if key.modifiers.contains(KeyModifiers::CONTROL) => "npfbaecv".contains(letter),
        KeyCode::Char(letter) if key.modifiers.contains(KeyModifiers::ALT) => "fbnpv<>[]".contains(letter),
        _ => false,
    }
}

fn bytes(count: usize) -> String {
    text::size(u64::try_from(count).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chord::Chord;
    use crate::look::Look;
    use crate::testkit::render;
    use crate::theme::ThemeName;

    fn press(editor: &mut Editor, keys: &str) -> Outcome {
        keys.split(' ').map(|key| editor.key(key.parse::<Chord>().unwrap().event())).last().unwrap()
    }

    fn shown(editor: &Editor, width: u16, height: u16) -> String {
        let look = Look::new(ThemeName::Dark, false);
        render(width, height, &look, |area, canvas| editor.view(area, canvas, true))
    }

    fn mouse(kind: MouseEventKind, column: u16, row: u16) -> MouseEvent {
        MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }
    }

    #[test]
    fn each_change_of_the_text_and_nothing_else_is_a_new_revision() {
        let mut editor = Editor::new("one");
        assert_eq!((press(&mut editor, "left"), editor.revision()), (Outcome::Changed, 0));
        assert_eq!((press(&mut editor, "f5"), editor.revision()), (Outcome::Ignored, 0));
        press(&mut editor, "x enter y");
        assert_eq!((editor.text().as_str(), editor.revision()), ("onx\nye", 3));
        for _ in 0..3 {
            editor.act(&UNDO);
        }
        assert_eq!((editor.text().as_str(), editor.revision()), ("one", 6));
        editor.act(&REDO);
        assert_eq!((editor.text().as_str(), editor.revision()), ("onxe", 7));
        assert_eq!((press(&mut editor, "esc"), editor.revision()), (Outcome::Left, 7));
    }

    #[test]
    fn a_paste_is_text_of_many_lines_without_what_moves_a_cursor() {
        let mut editor = Editor::new("");
        editor.paste("a\u{1b}[2Jb\r\nc\rd\u{200b}\n");
        assert_eq!(editor.text(), "a[2Jb\nc\nd\n");
        assert_eq!(editor.len(), editor.text().len());
    }

    #[test]
    fn what_is_selected_is_copied_once() {
        let mut editor = Editor::new("one two");
        assert_eq!((press(&mut editor, "ctrl-c"), editor.take_copied()), (Outcome::Ignored, None));
        press(&mut editor, "shift-left shift-left ctrl-c");
        assert_eq!((editor.take_copied().as_deref(), editor.take_copied()), (Some("wo"), None));
        assert_eq!(editor.text(), "one two");
        press(&mut editor, "shift-home ctrl-x");
        assert_eq!(editor.take_copied().as_deref(), Some("one t"));
        assert_eq!(editor.text(), "wo");
    }

    #[test]
    fn a_text_too_long_is_kept_and_said_to_be() {
        let mut editor = Editor::new("").max_bytes(4);
        editor.paste("abcd");
        assert_eq!(editor.notice(), None);
        press(&mut editor, "e");
        assert_eq!((editor.text().as_str(), editor.excess()), ("abcde", Some(1)));
        assert!(shown(&editor, 40, 3).contains("Too long by 1 B; 4 B can be sent."));
        editor.paste("fghi");
        assert_eq!(editor.text(), "abcde");
        assert!(editor.notice().unwrap().contains("not taken"));
        press(&mut editor, "backspace");
        assert_eq!((editor.text().as_str(), editor.notice()), ("abcd", None));
    }

    #[test]
    fn a_text_to_read_is_never_changed() {
        let mut editor = Editor::new("one");
        editor.set_read_only(true);
        editor.paste("x");
        for key in
            ["x", "enter", "tab", "backspace", "delete", "ctrl-k", "ctrl-j", "ctrl-w", "ctrl-x", "ctrl-y", "alt-d"]
        {
            assert_eq!(press(&mut editor, key), Outcome::Ignored, "{key}");
        }
        assert_eq!(press(&mut editor, "home"), Outcome::Changed);
        assert_eq!((editor.text().as_str(), editor.revision()), ("one", 0));
        assert!(!editor.text_focus());
    }

    #[test]
    fn another_text_can_be_undone_or_be_a_new_beginning() {
        let mut editor = Editor::new("one");
        editor.replace("two\nlines");
        assert_eq!(editor.text(), "two\nlines");
        editor.act(&UNDO);
        assert_eq!(editor.text(), "one");
        editor.set_text("three");
        editor.act(&UNDO);
        assert_eq!(editor.text(), "three");
    }

    #[test]
    fn long_lines_wrap_and_the_cursor_stands_behind_the_last_letter() {
        let picture = shown(&Editor::new("one two three"), 9, 3);
        assert_eq!(picture, "one two\nthree\n---\ncursor 5,1\n");
        let full = shown(&Editor::new("abcdefgh"), 9, 3);
        assert!(full.contains("cursor 8,0"), "{full}");
        let hint = shown(&Editor::new("").placeholder("Write here."), 20, 2);
        assert_eq!(hint, "Write here.\n---\n0: 0..11 darkgray\ncursor 0,0\n");
    }

    #[test]
    fn a_click_sets_the_cursor_dragging_selects_and_the_wheel_scrolls() {
        let lines: Vec<String> = (0..50).map(|line| format!("line {line}")).collect();
        let mut editor = Editor::new(&lines.join("\n"));
        assert!(shown(&editor, 20, 5).starts_with("line 45"));
        assert_eq!(editor.mouse(mouse(MouseEventKind::ScrollUp, 1, 1)), Outcome::Changed);
        assert!(shown(&editor, 20, 5).starts_with("line 42"));
        editor.mouse(mouse(MouseEventKind::Down(MouseButton::Left), 0, 1));
        editor.mouse(mouse(MouseEventKind::Drag(MouseButton::Left), 4, 1));
        assert!(shown(&editor, 20, 5).contains("1: 0..4 reversed"));
        press(&mut editor, "x");
        assert!(editor.text().contains("line 42\nx 43\nline 44"));
        assert_eq!(editor.mouse(mouse(MouseEventKind::Down(MouseButton::Left), 0, 9)), Outcome::Ignored);
    }

    #[test]
    fn a_larger_screen_or_a_shorter_text_leaves_no_rows_empty() {
        let mut editor = Editor::new("1\n2\n3\n4\n5\n6");
        press(&mut editor, "shift-up");
        assert!(shown(&editor, 9, 2).starts_with("4\n5") || shown(&editor, 9, 2).starts_with("5\n6"));
        let picture = shown(&editor, 9, 4);
        assert!(picture.starts_with("3\n4\n5\n6\n---\n") && picture.ends_with("cursor 1,2\n"), "{picture}");
        assert_eq!((press(&mut editor, "ctrl-c"), editor.take_copied().as_deref()), (Outcome::Changed, Some("\n6")));
        press(&mut editor, "down backspace backspace");
        assert!(shown(&editor, 9, 4).starts_with("2\n3\n4\n5\n---"), "{}", shown(&editor, 9, 4));
    }

    #[test]
    fn a_letter_at_the_end_changes_one_cell() {
        let mut editor = Editor::new("one\ntwo");
        let look = Look::new(ThemeName::Dark, false);
        let frame = |editor: &Editor| {
            let mut buf = ratatui::buffer::Buffer::empty(Rect::new(0, 0, 80, 24));
            editor.view(buf.area, &mut Canvas::new(&mut buf, &look), true);
            buf
        };
        let before = frame(&editor);
        press(&mut editor, "x");
        assert_eq!(before.diff(&frame(&editor)).len(), 1);
    }

    #[test]
    fn another_text_takes_the_place_of_a_long_one_whole_and_can_be_undone() {
        let long = "z".repeat(70_000);
        let many = "line\n".repeat(70_000);
        for before in [long.as_str(), many.as_str()] {
            let mut editor = Editor::new(before);
            editor.replace("mine");
            assert_eq!(editor.text(), "mine");
            editor.key("!".parse::<Chord>().unwrap().event());
            assert!(editor.act(&UNDO));
            assert_eq!(editor.text(), "mine");
            assert!(editor.act(&UNDO));
            assert!(editor.text() == before, "what was there before is there again");
        }
    }

    #[test]
    fn ctrl_u_deletes_to_the_beginning_of_the_line_as_in_every_field() {
        let mut editor = Editor::new("first\nsecond");
        press(&mut editor, "ctrl-u");
        assert_eq!(editor.text(), "first\n");
        editor.act(&UNDO);
        assert_eq!(editor.text(), "first\nsecond");
        editor.act(&REDO);
        assert_eq!(editor.text(), "first\n");
    }

    #[test]
    fn pictures_of_an_editor() {
        let text = "# Safety\n\nA log that is replicated by a majority survives any minority, and what a reader may see meanwhile \
                    is what a majority has seen.\n\n- 漢字 take two columns\n\ttabs take four";
        let mut editor = Editor::new(text).max_bytes(100);
        press(&mut editor, "up up home shift-up shift-up");
        insta::assert_snapshot!("editor_80x24", shown(&editor, 80, 24));
        insta::assert_snapshot!("editor_40x12", shown(&editor, 40, 12));
        let look = Look::new(ThemeName::Mono, true);
        let plain = render(40, 12, &look, |area, canvas| editor.view(area, canvas, true));
        insta::assert_snapshot!("editor_40x12_plain", plain);
    }

    proptest::proptest! {
        #[test]
        fn any_keys_at_any_size_are_survived(
            text in "[a-c漢\u{301}\t \n]{0,80}",
            steps in proptest::collection::vec((0_usize..24, 0_u16..60, 0_u16..20), 0..40),
        ) {
            let names = [
                "a", "enter", "backspace", "delete", "left", "right", "up", "down", "pageup", "pagedown", "home", "end",
                "shift-left", "shift-down", "ctrl-x", "ctrl-y", "ctrl-u", "ctrl-r", "ctrl-k", "ctrl-w", "tab", "alt-d",
            ];
            let mut editor = Editor::new(&text).max_bytes(60).placeholder("Write here.");
            for (step, width, height) in steps {
                match names.get(step) {
                    Some(key) => drop(press(&mut editor, key)),
                    None if step % 2 == 0 => editor.paste("two\nlines"),
                    None => {
                        for kind in [MouseEventKind::Down(MouseButton::Left), MouseEventKind::ScrollDown, MouseEventKind::ScrollUp] {
                            editor.mouse(mouse(kind, width / 2, height / 2));
                        }
                    }
                }
                shown(&editor, width, height);
                proptest::prop_assert_eq!(editor.len(), editor.text().len());
            }
        }
    }
}
