//! A key with its modifiers, as people write it: `q`, `G`, `ctrl-s`, `shift-tab`, `f1`, `enter`.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// One key press that an action can be bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Chord {
    code: KeyCode,
    modifiers: KeyModifiers,
}

/// Names of keys that are not characters.
const NAMED: &[(&str, KeyCode)] = &[
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("space", KeyCode::Char(' ')),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
];

const MODIFIERS: &[(&str, KeyModifiers)] =
    &[("ctrl-", KeyModifiers::CONTROL), ("alt-", KeyModifiers::ALT), ("shift-", KeyModifiers::SHIFT)];

impl Chord {
    /// What was pressed. Shift is part of an upper-case letter or a symbol, not a modifier of it, and terminals disagree
    /// on which of the two they report.
    pub fn of(event: &KeyEvent) -> Self {
        let kept = KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT;
        let (code, modifiers) = (event.code, event.modifiers & kept);
        match code {
            KeyCode::BackTab => Self { code: KeyCode::Tab, modifiers: modifiers | KeyModifiers::SHIFT },
            KeyCode::Char(letter) if modifiers.contains(KeyModifiers::CONTROL) => Self {
                code: KeyCode::Char(letter.to_ascii_lowercase()),
                modifiers: modifiers.difference(KeyModifiers::SHIFT),
            },
            KeyCode::Char(_) => Self { code, modifiers: modifiers.difference(KeyModifiers::SHIFT) },
            _ => Self { code, modifiers },
        }
    }

    /// Whether it is a character by itself, which is text where text is typed.
    pub fn is_character(self) -> bool {
        matches!(self.code, KeyCode::Char(_)) && !self.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT)
    }

    /// The key event a terminal sends for it.
    pub fn event(self) -> KeyEvent {
        KeyEvent::new(self.code, self.modifiers)
    }
}

impl FromStr for Chord {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut rest = text;
        let mut modifiers = KeyModifiers::NONE;
        while let Some((name, modifier)) =
            MODIFIERS.iter().find(|(name, _)| rest.len() > name.len() && rest.starts_with(name))
        {
            modifiers |= *modifier;
            rest = &rest[name.len()..];
        }
        let code = key_code(rest).ok_or_else(|| {
            format!("`{text}` is no key; write a character, or enter, esc, tab, space, up, pagedown, f1, ctrl-s, alt-x")
        })?;
        Ok(Self::of(&KeyEvent::new(code, modifiers)))
    }
}

fn key_code(name: &str) -> Option<KeyCode> {
    let mut letters = name.chars();
    if let (Some(letter), None) = (letters.next(), letters.next()) {
        return Some(KeyCode::Char(letter));
    }
    if let Some((_, code)) = NAMED.iter().find(|(named, _)| *named == name) {
        return Some(*code);
    }
    let number: u8 = name.strip_prefix('f')?.parse().ok()?;
    (1..=12).contains(&number).then_some(KeyCode::F(number))
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, modifier) in MODIFIERS {
            if self.modifiers.contains(*modifier) {
                f.write_str(name)?;
            }
        }
        if let Some((name, _)) = NAMED.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(name);
        }
        match self.code {
            KeyCode::Char(letter) => write!(f, "{letter}"),
            KeyCode::F(number) => write!(f, "f{number}"),
            other => write!(f, "{other}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chord_reads_back_as_it_is_written() {
        for text in ["q", "G", "?", "-", "ctrl-s", "alt-enter", "shift-tab", "f12", "space", "pagedown", "ctrl--"] {
            assert_eq!(text.parse::<Chord>().unwrap().to_string(), text);
        }
        for wrong in ["", "ctrl-", "f13", "return", "xx"] {
            assert!(wrong.parse::<Chord>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_terminals_report_differently_is_one_chord() {
        let shifted = Chord::of(&KeyEvent::new(KeyCode::Char('G'), KeyModifiers::SHIFT));
        assert_eq!(shifted, Chord::of(&KeyEvent::new(KeyCode::Char('G'), KeyModifiers::NONE)));
        let back = Chord::of(&KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT));
        assert_eq!(back.to_string(), "shift-tab");
        let control = Chord::of(&KeyEvent::new(KeyCode::Char('S'), KeyModifiers::CONTROL | KeyModifiers::SHIFT));
        assert_eq!(control.to_string(), "ctrl-s");
    }
}
