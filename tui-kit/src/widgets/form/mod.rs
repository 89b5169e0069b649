//! A form: named fields that are filled in, checked, and kept however the sending ends.
//!
//! ```
//! use lectern_tui_kit::look::Look;
//! use lectern_tui_kit::theme::ThemeName;
//! use lectern_tui_kit::widgets::Part as _;
//! use lectern_tui_kit::widgets::form::{Field, Form};
//!
//! let mut form = Form::new([
//!     Field::text("title", "Title").required(),
//!     Field::points("points", "Points").value("10"),
//!     Field::choice("kind", "Kind", [("text", "a text"), ("files", "files")]),
//! ]);
//! let look = Look::new(ThemeName::Dark, false);
//! assert_eq!(form.check(&look).unwrap_err().field, "title");
//! form.paste("Homework 1");
//! assert!(form.check(&look).is_ok() && form.is_dirty());
//! assert_eq!((form.text("title").as_str(), form.points("points"), form.choice("kind")), ("Homework 1", Some(100_000), "text"));
//! ```
//!
//! What a screen does with it
//! - It is its [`Part`]. While a line or a text is filled in, keys are text; on choices and toggles, all actions of the screen work.
//! - [`crate::action::SEND`], and [`Outcome::Chosen`] of a key (Enter in the last field): [`Form::check`], then read the values by
//!   name, send them, [`Form::set_busy`]. An answer ends that; a refusal that names a field is shown there by [`Form::set_error`].
//! - [`crate::action::BACK`] leaves the form as a whole, also from within a field: the screen says in
//!   [`crate::screen::Screen::unsaved`] what would be lost while [`Form::is_dirty`], and the kit asks.

mod field;
#[cfg(test)]
mod tests;
mod view;

use std::cell::Cell;
use std::path::PathBuf;

use crossterm::event::{KeyCode, KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

pub use field::Field;
use field::Input;

use super::editor::Editor;
use super::{Outcome, Part};
use crate::action::{Action, NEXT_FIELD, PREVIOUS_FIELD};
use crate::look::Look;

/// The first field that will not do; it has the keyboard now and says why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the field `{field}` will not do")]
pub struct Invalid {
    /// Its name.
    pub field: String,
}

/// Fields below each other, one of which has the keyboard.
pub struct Form {
    fields: Vec<Field>,
    focused: usize,
    busy: bool,
    /// The first row shown, and when the words for a date change: known to the view alone.
    first: Cell<usize>,
    wakes_at: Cell<Option<i64>>,
}

impl Form {
    /// A form with the keyboard in its first field.
    pub fn new(fields: impl IntoIterator<Item = Field>) -> Self {
        let fields = fields.into_iter().collect();
        Self { fields, focused: 0, busy: false, first: Cell::new(0), wakes_at: Cell::new(None) }
    }

    /// Where the field of a name stands. A name that is none is a mistake of the screen, found by its first test.
    fn index(&self, name: &str) -> usize {
        let found = self.fields.iter().position(|field| field.name == name);
        found.unwrap_or_else(|| panic!("the form has no field `{name}`"))
    }

    fn field(&self, name: &str) -> &Field {
        &self.fields[self.index(name)]
    }

    fn field_mut(&mut self, name: &str) -> &mut Field {
        let index = self.index(name);
        &mut self.fields[index]
    }

    /// What is typed in a field. Spaces around a line do not count, except in a secret.
    pub fn text(&self, name: &str) -> String {
        self.field(name).typed()
    }

    /// The date in a field as the last [`Self::check`] understood it (`+3d` counts from then); none where it is empty.
    pub fn date(&self, name: &str) -> Option<i64> {
        self.field(name).date
    }

    /// The points in a field; none where it is empty.
    pub fn points(&self, name: &str) -> Option<i64> {
        self.field(name).meant_points()
    }

    /// The value that is chosen.
    pub fn choice(&self, name: &str) -> &str {
        match &self.field(name).input {
            Input::Choice(options, chosen) => options.get(*chosen).map_or("", |(value, _)| value),
            _ => panic!("the field `{name}` is no choice"),
        }
    }

    /// Whether a toggle is on.
    pub fn toggle(&self, name: &str) -> bool {
        matches!(self.field(name).input, Input::Toggle(true))
    }

    /// The paths in a field.
    pub fn paths(&self, name: &str) -> Vec<PathBuf> {
        self.field(name).paths_typed()
    }

    /// The editor of a field of many lines.
    pub fn editor_mut(&mut self, name: &str) -> &mut Editor {
        match &mut self.field_mut(name).input {
            Input::Body(editor) => editor,
            _ => panic!("the field `{name}` has no editor"),
        }
    }

    /// Puts a value into a field: text, the value of a choice, `true` or `false`. A choice stays where it is for a value that is
    /// none of its own.
    pub fn set(&mut self, name: &str, value: &str) {
        self.field_mut(name).set(value);
    }

    /// The name of the field that has the keyboard; empty in a form without fields.
    pub fn focused(&self) -> &str {
        self.fields.get(self.focused).map_or("", |field| &field.name)
    }

    /// Gives a field the keyboard.
    pub fn focus(&mut self, name: &str) {
        self.focused = self.index(name);
    }

    /// Whether any value differs from what it was at first, or when [`Self::saved`] was called.
    pub fn is_dirty(&self) -> bool {
        self.fields.iter().any(Field::is_dirty)
    }

    /// What is typed was taken: it is what the form holds from now on.
    pub fn saved(&mut self) {
        self.busy = false;
        self.fields.iter_mut().for_each(Field::saved);
    }

    /// Whether it is being sent. That is shown; keys work meanwhile, and what is typed stays.
    pub fn set_busy(&mut self, busy: bool) {
        self.busy = busy;
    }

    /// Whether it is being sent: a second sending can wait for the first.
    pub fn is_busy(&self) -> bool {
        self.busy
    }

    /// Looks at every field; the first that will not do gets the keyboard, and each says why below itself. Dates are understood in
    /// the look's zone, at its time.
    pub fn check(&mut self, look: &Look) -> Result<(), Invalid> {
        let wrong: Vec<usize> =
            self.fields.iter_mut().enumerate().filter_map(|(at, field)| (!field.verify(look)).then_some(at)).collect();
        let Some(first) = wrong.first() else { return Ok(()) };
        self.focused = *first;
        Err(Invalid { field: self.fields[*first].name.clone() })
    }

    /// Says below a field why the server refused it, and gives it the keyboard. False where no field has this name: then the
    /// screen says it elsewhere.
    pub fn set_error(&mut self, name: &str, message: &str) -> bool {
        self.busy = false;
        let Some(at) = self.fields.iter().position(|field| field.name == name) else { return false };
        self.fields[at].error = Some(crate::text::clean(message));
        self.focused = at;
        true
    }

    /// What was copied in a field of many lines, for [`crate::screen::KitWork::Copy`].
    pub fn take_copied(&mut self) -> Option<String> {
        match &mut self.fields.get_mut(self.focused)?.input {
            Input::Body(editor) => editor.take_copied(),
            _ => None,
        }
    }

    /// When, in cluster time, the words for a date that is shown change by themselves.
    pub fn wakes_at(&self) -> Option<i64> {
        self.wakes_at.get()
    }

    /// Moves the keyboard by so many fields, not beyond the first and the last one.
    fn move_by(&mut self, fields: isize) -> Outcome {
        let last = self.fields.len().saturating_sub(1);
        let before = self.focused;
        self.focused = before.saturating_add_signed(fields).min(last);
        if self.focused == before { Outcome::Ignored } else { Outcome::Changed }
    }
}

impl Part for Form {
    /// An action of the group `FORM`. [`crate::action::SEND`] is the screen's own.
    fn act(&mut self, action: &Action) -> bool {
        let count = self.fields.len().max(1);
        match *action {
            NEXT_FIELD => self.focused = (self.focused + 1) % count,
            PREVIOUS_FIELD => self.focused = (self.focused + count - 1) % count,
            _ => match self.fields.get_mut(self.focused).map(|field| &mut field.input) {
                Some(Input::Body(editor)) => return editor.act(action),
                _ => return false,
            },
        }
        true
    }

    /// Whether keys are text: on lines and texts.
    fn text_focus(&self) -> bool {
        self.fields.get(self.focused).is_some_and(Field::is_text)
    }

    /// A key. Enter goes to the next field, and is [`Outcome::Chosen`] in the last one; in a text of many lines it is a new line.
    /// Esc is [`Outcome::Left`].
    fn key(&mut self, key: KeyEvent) -> Outcome {
        let Some(field) = self.fields.get_mut(self.focused) else { return Outcome::Ignored };
        let one_line = !matches!(field.input, Input::Body(_));
        match (field.key(key), key.code) {
            (Outcome::Chosen, _) if self.focused + 1 < self.fields.len() => self.move_by(1),
            (Outcome::Ignored, KeyCode::Down) if one_line => self.move_by(1),
            (Outcome::Ignored, KeyCode::Up) if one_line => self.move_by(-1),
            (outcome, _) => outcome,
        }
    }

    /// A paste into the field that has the keyboard.
    fn paste(&mut self, pasted: &str) {
        if let Some(field) = self.fields.get_mut(self.focused) {
            field.paste(pasted);
        }
    }

    /// A click gives a field the keyboard, and chooses; the wheel scrolls a long text, and elsewhere goes from field to field.
    fn mouse(&mut self, event: MouseEvent) -> Outcome {
        let at = Position::new(event.column, event.row);
        let under = self.fields.iter().position(|field| field.drawn.get().contains(at));
        let in_text = under.and_then(|index| match &mut self.fields[index].input {
            Input::Body(editor) => Some(editor.mouse(event)),
            _ => None,
        });
        match event.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                let Some(index) = under else { return Outcome::Ignored };
                self.focused = index;
                let field = &mut self.fields[index];
                match &field.input {
                    Input::Choice(options, chosen) => {
                        if let Some(option) = view::option_under(options, *chosen, field.drawn.get(), event.column) {
                            field.choose(option);
                        }
                    }
                    Input::Toggle(_) => drop(field.step(1)),
                    Input::Line(..) | Input::Body(_) => {}
                }
                Outcome::Changed
            }
            MouseEventKind::ScrollDown if in_text.is_none() => self.move_by(1),
            MouseEventKind::ScrollUp if in_text.is_none() => self.move_by(-1),
            _ => in_text.unwrap_or(Outcome::Ignored),
        }
    }
}
