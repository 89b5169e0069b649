//! One line of text being typed: filters, searches, names, paths, passwords.
//!
//! ```
//! use lectern_tui_kit::chord::Chord;
//! use lectern_tui_kit::widgets::{Outcome, Part as _, line::LineInput};
//!
//! let mut line = LineInput::new("ada");
//! assert_eq!(line.key("x".parse::<Chord>().unwrap().event()), Outcome::Changed);
//! assert_eq!(line.text(), "adax");
//! assert_eq!(line.key("enter".parse::<Chord>().unwrap().event()), Outcome::Chosen);
//! ```

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseEvent};
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;

use super::{Outcome, Part};
use crate::action::Action;
use crate::look::Canvas;
use crate::text;

/// The line and its cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineInput {
    text: String,
    /// In bytes, always between two characters.
    cursor: usize,
    masked: bool,
}

impl LineInput {
    /// A line that holds `text`, the cursor at its end.
    pub fn new(text: &str) -> Self {
        let text = text::clean(text);
        Self { cursor: text.len(), text, masked: false }
    }

    /// A line whose letters are not shown.
    pub fn secret() -> Self {
        Self { masked: true, ..Self::default() }
    }

    /// What is typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Puts another text in its place.
    pub fn set(&mut self, text: &str) {
        self.text = text::clean(text);
        self.cursor = self.text.len();
    }

    fn insert(&mut self, text: &str) {
        self.text.insert_str(self.cursor, text);
        self.cursor += text.len();
    }

    fn delete_to(&mut self, start: usize) {
        self.text.replace_range(start..self.cursor, "");
        self.cursor = start;
    }

    fn before(&self) -> usize {
        self.text[..self.cursor].grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        self.text[self.cursor..].graphemes(true).next().map_or(self.cursor, |letter| self.cursor + letter.len())
    }

    fn word_start(&self) -> usize {
        let words = self.text[..self.cursor].split_word_bound_indices();
        words.rev().find(|(_, word)| !word.trim().is_empty()).map_or(0, |(at, _)| at)
    }

    fn word_end(&self) -> usize {
        let mut words = self.text[self.cursor..].split_word_bound_indices();
        let word = words.find(|(_, word)| !word.trim().is_empty());
        word.map_or(self.text.len(), |(at, word)| self.cursor + at + word.len())
    }

    /// Draws it after `label`, scrolled so that the cursor is seen. With the keyboard it has the terminal's cursor.
    pub fn view(&self, label: &str, area: Rect, canvas: &mut Canvas<'_>, focused: bool) {
        let area = area.intersection(canvas.buf.area);
        if area.is_empty() {
            return;
        }
        let theme = canvas.look.theme;
        let label_width = text::width(label);
        let room = usize::from(area.width).saturating_sub(label_width + 1);
        let shown = |part: &str| {
            if self.masked { "*".repeat(part.graphemes(true).count()) } else { part.to_owned() }
        };
        let (before, after) = (shown(&self.text[..self.cursor]), shown(&self.text[self.cursor..]));
        let before = tail(&before, room);
        let column = label_width + text::width(before);
        canvas.line(
            area,
            Line::from(vec![Span::styled(label.to_owned(), theme.key), Span::raw(before.to_owned()), Span::raw(after)]),
        );
        if focused {
            let column = u16::try_from(column).unwrap_or(u16::MAX).min(area.width - 1);
            canvas.cursor = Some(Position::new(area.x + column, area.y));
        }
    }
}

impl Part for LineInput {
    fn act(&mut self, _action: &Action) -> bool {
        false
    }

    fn text_focus(&self) -> bool {
        true
    }

    /// A key. Enter is [`Outcome::Chosen`], Esc is [`Outcome::Left`].
    fn key(&mut self, key: KeyEvent) -> Outcome {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        match key.code {
            KeyCode::Enter => return Outcome::Chosen,
            KeyCode::Esc => return Outcome::Left,
            KeyCode::Char('a') if control => self.cursor = 0,
            KeyCode::Char('e') if control => self.cursor = self.text.len(),
            KeyCode::Char('u') if control => drop(self.text.drain(..std::mem::take(&mut self.cursor))),
            KeyCode::Char('k') if control => self.text.truncate(self.cursor),
            KeyCode::Char('w') if control => self.delete_to(self.word_start()),
            KeyCode::Char(letter) if !control && !alt && !letter.is_control() => {
                self.insert(&text::clean(letter.encode_utf8(&mut [0; 4])));
            }
            KeyCode::Left if control || alt => self.cursor = self.word_start(),
            KeyCode::Right if control || alt => self.cursor = self.word_end(),
            KeyCode::Left => self.cursor = self.before(),
            KeyCode::Right => self.cursor = self.after(),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.text.len(),
            KeyCode::Backspace if control || alt => self.delete_to(self.word_start()),
            KeyCode::Backspace => self.delete_to(self.before()),
            KeyCode::Delete => {
                let end = self.after();
                self.text.replace_range(self.cursor..end, "");
            }
            _ => return Outcome::Ignored,
        }
        Outcome::Changed
    }

    /// A paste: its first line, since this is one.
    fn paste(&mut self, pasted: &str) {
        let first = pasted.lines().next().unwrap_or_default();
        self.insert(&text::clean(first));
    }

    fn mouse(&mut self, _event: MouseEvent) -> Outcome {
        Outcome::Ignored
    }
}

/// The end of a text that takes at most `room` columns.
fn tail(text: &str, room: usize) -> &str {
    let mut used = 0;
    for (at, letter) in text.grapheme_indices(true).rev() {
        used += text::width(letter);
        if used > room {
            return &text[at + letter.len()..];
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chord::Chord;

    fn press(line: &mut LineInput, keys: &str) {
        for key in keys.split(' ') {
            line.key(key.parse::<Chord>().unwrap().event());
        }
    }

    #[test]
    fn editing_moves_by_whole_characters_and_words() {
        let mut line = LineInput::new("one e\u{301}two");
        press(&mut line, "left left left backspace");
        assert_eq!(line.text(), "one two");
        press(&mut line, "ctrl-w x");
        assert_eq!(line.text(), "xtwo");
        press(&mut line, "home delete end ctrl-u");
        assert_eq!(line.text(), "");
    }

    #[test]
    fn a_paste_is_text_without_what_moves_a_cursor() {
        let mut line = LineInput::default();
        line.paste("q\u{1b}[2J\nsecond line");
        assert_eq!(line.text(), "q[2J");
    }

    #[test]
    fn a_secret_shows_its_length_only() {
        let mut line = LineInput::secret();
        line.paste("pass");
        let look = crate::look::Look::new(crate::theme::ThemeName::Dark, false);
        let shown = crate::testkit::render(20, 1, &look, |area, canvas| line.view("key ", area, canvas, true));
        assert!(shown.starts_with("key ****") && shown.contains("cursor 8,0"), "{shown}");
    }

    proptest::proptest! {
        #[test]
        fn any_keys_in_any_room_are_survived(
            letters in "\\PC{0,20}",
            keys in proptest::collection::vec(0_usize..12, 0..30),
            width in 0_u16..20,
        ) {
            let names = ["left", "right", "home", "end", "backspace", "delete", "ctrl-w", "ctrl-left", "ctrl-right", "a", "ctrl-k", "ctrl-u"];
            let mut line = LineInput::new(&letters);
            let look = crate::look::Look::new(crate::theme::ThemeName::Dark, false);
            for key in keys {
                press(&mut line, names[key]);
                crate::testkit::render(width, 1, &look, |area, canvas| line.view("> ", area, canvas, true));
            }
        }
    }
}
