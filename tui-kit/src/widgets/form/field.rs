//! One field: what it is called, what is typed in it, and when that will do.

use std::cell::Cell;
use std::path::PathBuf;

use crossterm::event::{KeyCode, KeyEvent};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use lectern_cli::{dates, format};
use ratatui::layout::Rect;

use crate::look::Look;
use crate::text;
use crate::widgets::editor::Editor;
use crate::widgets::line::LineInput;
use crate::widgets::{Outcome, Part as _};

/// Rows of a field of many lines, before it gets what is left of the screen.
const BODY_ROWS: u16 = 4;

type Check = Box<dyn Fn(&str) -> Result<(), String>>;

/// What is typed on one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineKind {
    Text,
    Secret,
    Date,
    Points,
    Paths,
}

/// What a field holds.
pub(super) enum Input {
    Line(LineKind, LineInput),
    Body(Box<Editor>),
    /// Values and labels; which one is chosen.
    Choice(Vec<(String, String)>, usize),
    Toggle(bool),
}

/// One field of a [`super::Form`].
pub struct Field {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) hint: String,
    pub(super) required: bool,
    check: Option<Check>,
    pub(super) input: Input,
    /// Rows a field of many lines has at least.
    pub(super) rows: u16,
    /// As it was at first, or when it was last saved.
    initial: String,
    /// Why it will not do, until it is changed.
    pub(super) error: Option<String>,
    /// Of a date, as the last check understood it.
    pub(super) date: Option<i64>,
    /// Where its input was last drawn: known to the view alone.
    pub(super) drawn: Cell<Rect>,
}

impl Field {
    fn new(name: impl Into<String>, label: impl Into<String>, input: Input) -> Self {
        let mut field = Self {
            name: name.into(),
            label: text::clean(&label.into()),
            hint: String::new(),
            required: false,
            check: None,
            input,
            rows: BODY_ROWS,
            initial: String::new(),
            error: None,
            date: None,
            drawn: Cell::new(Rect::ZERO),
        };
        field.saved();
        field
    }

    fn line(name: impl Into<String>, label: impl Into<String>, kind: LineKind) -> Self {
        let line = if kind == LineKind::Secret { LineInput::secret() } else { LineInput::default() };
        Self::new(name, label, Input::Line(kind, line))
    }

    /// A line of text.
    pub fn text(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self::line(name, label, LineKind::Text)
    }

    /// A line whose letters are not shown.
    pub fn secret(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self::line(name, label, LineKind::Secret)
    }

    /// A date, typed as the subcommands take it; what it means is shown beside it.
    pub fn date(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self::line(name, label, LineKind::Date).hint("2026-10-01 23:59, 2026-10-01 for its end, or +3d")
    }

    /// A number of points.
    pub fn points(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self::line(name, label, LineKind::Points).hint("such as 10 or 12.5")
    }

    /// Paths of files, separated by spaces; with spaces of their own in quotes, as terminals insert them.
    pub fn paths(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self::line(name, label, LineKind::Paths)
    }

    /// Text of many lines.
    pub fn body(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self::new(name, label, Input::Body(Box::new(Editor::new(""))))
    }

    /// One of several, each with its value and what people read; the first one at first.
    pub fn choice<V: Into<String>, L: Into<String>>(
        name: impl Into<String>,
        label: impl Into<String>,
        options: impl IntoIterator<Item = (V, L)>,
    ) -> Self {
        let options = options.into_iter().map(|(value, label)| (value.into(), text::clean(&label.into()))).collect();
        Self::new(name, label, Input::Choice(options, 0))
    }

    /// Yes or no; no at first.
    pub fn toggle(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self::new(name, label, Input::Toggle(false))
    }

    /// A sentence below it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = text::clean(&hint.into());
        self
    }

    /// It cannot be left empty.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// When what is typed will do; a refusal is shown below the field. Not asked about an empty field.
    #[must_use]
    pub fn check(mut self, check: impl Fn(&str) -> Result<(), String> + 'static) -> Self {
        self.check = Some(Box::new(check));
        self
    }

    /// What it holds at first: text, the value of a choice, `true` or `false`.
    #[must_use]
    pub fn value(mut self, value: &str) -> Self {
        self.set(value);
        self.saved();
        self
    }

    /// The date it holds at first.
    #[must_use]
    pub fn date_value(self, ms: Option<i64>, zone: &TimeZone) -> Self {
        let typed = ms.map(|ms| typed_date(ms, zone)).unwrap_or_default();
        self.value(&typed)
    }

    /// The points it holds at first.
    #[must_use]
    pub fn points_value(self, value: Option<i64>) -> Self {
        self.value(&value.map(format::points).unwrap_or_default())
    }

    /// Rows that a field of many lines has at least.
    #[must_use]
    pub fn rows(mut self, rows: u16) -> Self {
        self.rows = rows.max(1);
        self
    }

    /// How long a text of many lines may be; see [`Editor::max_bytes`].
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        if let Input::Body(editor) = self.input {
            self.input = Input::Body(Box::new(editor.max_bytes(bytes)));
        }
        self
    }

    /// Puts another value in its place.
    pub(super) fn set(&mut self, value: &str) {
        match &mut self.input {
            Input::Line(_, line) => line.set(value),
            Input::Body(editor) => editor.set_text(value),
            Input::Choice(options, chosen) => {
                *chosen = options.iter().position(|(option, _)| option == value).unwrap_or(*chosen);
            }
            Input::Toggle(on) => *on = value == "true",
        }
        self.error = None;
    }

    /// What it holds, as [`Self::value`] takes it.
    pub(super) fn raw(&self) -> String {
        match &self.input {
            Input::Line(_, line) => line.text().to_owned(),
            Input::Body(editor) => editor.text(),
            Input::Choice(options, chosen) => options.get(*chosen).map(|(value, _)| value.clone()).unwrap_or_default(),
            Input::Toggle(on) => on.to_string(),
        }
    }

    /// What counts of it: spaces around what is typed on a line do not, except in secrets.
    pub(super) fn typed(&self) -> String {
        match &self.input {
            Input::Line(kind, line) if *kind != LineKind::Secret => line.text().trim().to_owned(),
            _ => self.raw(),
        }
    }

    /// What it holds now is what it had at first.
    pub(super) fn saved(&mut self) {
        self.initial = self.raw();
    }

    pub(super) fn is_dirty(&self) -> bool {
        self.raw() != self.initial
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(self.input, Input::Line(..) | Input::Body(_))
    }

    /// A key. Enter on a line or a choice is [`Outcome::Chosen`].
    pub(super) fn key(&mut self, key: KeyEvent) -> Outcome {
        match &mut self.input {
            Input::Line(_, line) => {
                let before = line.text().to_owned();
                let outcome = line.key(key);
                if line.text() != before {
                    self.error = None;
                }
                outcome
            }
            Input::Body(editor) => {
                let before = editor.revision();
                let outcome = editor.key(key);
                if editor.revision() != before {
                    self.error = None;
                }
                outcome
            }
            _ => match key.code {
                KeyCode::Enter => Outcome::Chosen,
                KeyCode::Esc => Outcome::Left,
                KeyCode::Left => self.step(-1),
                KeyCode::Right | KeyCode::Char(' ') => self.step(1),
                _ => Outcome::Ignored,
            },
        }
    }

    /// The next choice, or the one before; round and round.
    pub(super) fn step(&mut self, step: isize) -> Outcome {
        match &mut self.input {
            Input::Choice(options, chosen) if !options.is_empty() => {
                let count = options.len();
                *chosen = chosen.checked_add_signed(step).map_or(count - 1, |at| at % count);
            }
            Input::Toggle(on) => *on = !*on,
            _ => return Outcome::Ignored,
        }
        self.error = None;
        Outcome::Changed
    }

    pub(super) fn choose(&mut self, option: usize) {
        if let Input::Choice(_, chosen) = &mut self.input {
            *chosen = option;
            self.error = None;
        }
    }

    pub(super) fn paste(&mut self, pasted: &str) {
        match &mut self.input {
            Input::Line(LineKind::Paths, line) => {
                line.paste(&pasted.lines().collect::<Vec<_>>().join(" "));
            }
            Input::Line(_, line) => line.paste(pasted),
            Input::Body(editor) => editor.paste(pasted),
            Input::Choice(..) | Input::Toggle(_) => return,
        }
        self.error = None;
    }

    /// The date that is typed, while it is one.
    pub(super) fn meant_date(&self, look: &Look) -> Option<i64> {
        match &self.input {
            Input::Line(LineKind::Date, _) => dates::parse(&self.typed(), &look.zone, look.now_ms).ok(),
            _ => None,
        }
    }

    /// The points that are typed, while they are points.
    pub(super) fn meant_points(&self) -> Option<i64> {
        format::parse_points(&self.typed()).ok()
    }

    /// Looks whether it will do, and remembers why not.
    pub(super) fn verify(&mut self, look: &Look) -> bool {
        self.date = self.meant_date(look);
        self.error = self.refusal(look);
        self.error.is_none()
    }

    fn refusal(&self, look: &Look) -> Option<String> {
        let typed = self.typed();
        if typed.trim().is_empty() {
            return self.required.then(|| "This is needed.".to_owned());
        }
        let refused = match &self.input {
            Input::Line(LineKind::Date, _) => dates::parse(&typed, &look.zone, look.now_ms).err(),
            Input::Line(LineKind::Points, _) => format::parse_points(&typed).err(),
            Input::Body(editor) if editor.excess().is_some() => editor.notice(),
            _ => None,
        };
        refused.or_else(|| self.check.as_ref().and_then(|check| check(&typed).err())).map(|why| text::clean(&why))
    }

    pub(super) fn paths_typed(&self) -> Vec<PathBuf> {
        split_paths(&self.typed())
    }
}

/// A date as a person would type it, with no more digits than it needs to stay the same.
fn typed_date(ms: i64, zone: &TimeZone) -> String {
    let Ok(time) = Timestamp::from_millisecond(ms) else { return String::new() };
    let local = time.to_zoned_datetime(zone.clone());
    ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"]
        .map(|form| local.strftime(form).to_string())
        .into_iter()
        .find(|typed| dates::parse(typed, zone, ms) == Ok(ms))
        .unwrap_or_else(|| format::rfc3339(ms))
}

/// Paths in one line, as a shell would read them: quotes and backslashes keep a space in its path.
fn split_paths(line: &str) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let mut path: Option<String> = None;
    let mut quote = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('\\', None | Some('"')) => path.get_or_insert_default().extend(letters.next()),
            ('\'' | '"', None) => {
                quote = Some(letter);
                path.get_or_insert_default();
            }
            (_, Some(open)) if letter == open => quote = None,
            (_, None) if letter.is_whitespace() => paths.extend(path.take()),
            _ => path.get_or_insert_default().push(letter),
        }
    }
    paths.extend(path);
    paths.into_iter().filter(|path| !path.is_empty()).map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_a_shell_reads_them() {
        let read = |line| split_paths(line).iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
        assert_eq!(
            read(r#"a.pdf  'my notes.md' "it's.txt" b\ c.txt"#),
            ["a.pdf", "my notes.md", "it's.txt", "b c.txt"]
        );
        assert_eq!(read("  ''  "), [""; 0]);
        assert_eq!(read("'open"), ["open"]);
    }

    #[test]
    fn a_date_is_shown_as_it_would_be_typed_and_stays_the_same() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        for (ms, typed) in [
            (1_790_891_999_000, "2026-10-01 23:59"),
            (1_790_892_000_000, "2026-10-02 00:00"),
            (1_790_892_001_000, "2026-10-02 00:00:01"),
            (1_790_892_001_002, "2026-10-01T22:00:01.002Z"),
        ] {
            assert_eq!(typed_date(ms, &zone), typed);
            assert_eq!(dates::parse(typed, &zone, 0), Ok(ms));
        }
    }
}
