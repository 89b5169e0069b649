//! A few lines to fill in, one below the other.
//!
//! They are apart from [`crate::widgets::form::Form`]: what is asked here comes before anything else, on a screen that often is
//! the first one. Esc leaves the text and not the screen, so that `q`, `?` and `:` are actions then, and Enter types on; a form is
//! left as a whole. What is wrong is said in one place for all fields, and nothing is checked by field.

use std::cell::Cell;

use crossterm::event::{KeyCode, KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use crate::action::{Action, BACK, NEXT_FIELD, PREVIOUS_FIELD};
use crate::look::Canvas;
use crate::text;
use crate::widgets::line::LineInput;
use crate::widgets::{Outcome, Part};

/// The lines, and which one has the keyboard.
#[derive(Debug)]
pub(super) struct Fields {
    lines: Vec<(&'static str, LineInput)>,
    focus: usize,
    typing: bool,
    /// Where they were last drawn: known to the view alone.
    drawn: Cell<Rect>,
}

impl Fields {
    /// Fields with their labels; the first empty one has the keyboard.
    pub(super) fn new(lines: Vec<(&'static str, LineInput)>) -> Self {
        let focus = lines.iter().position(|(_, line)| line.text().is_empty()).unwrap_or(0);
        Self { lines, focus, typing: true, drawn: Cell::default() }
    }

    pub(super) fn text(&self, field: usize) -> &str {
        self.lines[field].1.text()
    }

    pub(super) fn clear(&mut self, field: usize) {
        self.lines[field].1.set("");
        self.focus = field;
        self.typing = true;
    }

    /// The label of the first field that is empty.
    pub(super) fn missing(&self) -> Option<&'static str> {
        self.lines.iter().find(|(_, line)| line.text().trim().is_empty()).map(|(label, _)| *label)
    }

    /// Draws them, a row each.
    pub(super) fn view(&self, area: Rect, canvas: &mut Canvas<'_>) {
        self.drawn.set(Rect { height: self.height().min(area.height), ..area });
        let widest = self.lines.iter().map(|(label, _)| text::width(label)).max().unwrap_or(0);
        for (row, (at, (label, line))) in area.rows().zip(self.lines.iter().enumerate()) {
            let focused = self.typing && at == self.focus;
            let pointer = if focused { canvas.look.glyphs.pointer } else { " " };
            let label = format!("{pointer} {}  ", text::pad(label, widest, ""));
            line.view(&label, row, canvas, focused);
        }
        if !self.typing {
            let below = Rect { y: area.y.saturating_add(self.height()), height: 1, ..area };
            if below.y < area.bottom() {
                canvas.line(below, Line::styled("  enter types on", canvas.look.theme.dim));
            }
        }
    }

    pub(super) fn height(&self) -> u16 {
        u16::try_from(self.lines.len()).unwrap_or(u16::MAX)
    }
}

impl Part for Fields {
    fn act(&mut self, action: &Action) -> bool {
        let count = self.lines.len();
        match *action {
            NEXT_FIELD if self.typing => self.focus = (self.focus + 1) % count,
            PREVIOUS_FIELD if self.typing => self.focus = (self.focus + count - 1) % count,
            NEXT_FIELD | PREVIOUS_FIELD => self.typing = true,
            BACK if self.typing => self.typing = false,
            _ => return false,
        }
        true
    }

    fn text_focus(&self) -> bool {
        self.typing
    }

    /// A key. [`Outcome::Chosen`] when Enter was pressed in the last field.
    fn key(&mut self, key: KeyEvent) -> Outcome {
        if !self.typing {
            if key.code == KeyCode::Enter {
                self.typing = true;
                return Outcome::Changed;
            }
            return Outcome::Ignored;
        }
        match (key.code, self.lines[self.focus].1.key(key)) {
            (_, Outcome::Chosen) if self.focus + 1 == self.lines.len() => return Outcome::Chosen,
            (KeyCode::Down, _) | (_, Outcome::Chosen) => self.focus = (self.focus + 1).min(self.lines.len() - 1),
            (KeyCode::Up, _) => self.focus = self.focus.saturating_sub(1),
            (_, outcome) => return outcome,
        }
        Outcome::Changed
    }

    fn paste(&mut self, pasted: &str) {
        if self.typing {
            self.lines[self.focus].1.paste(pasted);
        }
    }

    /// A click types on in its line.
    fn mouse(&mut self, event: MouseEvent) -> Outcome {
        let drawn = self.drawn.get();
        let is_click = event.kind == MouseEventKind::Down(MouseButton::Left);
        if !is_click || !drawn.contains(Position::new(event.column, event.row)) {
            return Outcome::Ignored;
        }
        self.focus = usize::from(event.row - drawn.y);
        self.typing = true;
        Outcome::Changed
    }
}
