//! Which of some rows is selected, and which of them are on the screen: the part that tables have in common. The rows themselves,
//! and how many there are, are the table's.

use std::cell::Cell;
use std::ops::Range;

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::Outcome;
use crate::action::{Action, BOTTOM, DOWN, PAGE_DOWN, PAGE_UP, TOP, UP};

/// Rows that a step of the wheel moves by.
const WHEEL_ROWS: isize = 3;

/// The selection, and the window that follows it.
#[derive(Debug, Default)]
pub struct Cursor {
    selected: usize,
    /// First row on the screen, and where rows were last drawn: known to the view alone.
    first: Cell<usize>,
    drawn: Cell<Rect>,
}

impl Cursor {
    /// The selected row, counted from 0.
    pub fn selected(&self) -> usize {
        self.selected
    }

    /// Selects one of `count` rows; beyond the last, the last.
    pub fn select(&mut self, row: usize, count: usize) {
        self.selected = row.min(count.saturating_sub(1));
    }

    /// Moves by so many rows.
    pub fn move_by(&mut self, rows: isize, count: usize) {
        self.select(self.selected.saturating_add_signed(rows), count);
    }

    /// An action that moves in rows.
    pub fn act(&mut self, action: &Action, count: usize) -> bool {
        let page = isize::try_from(self.drawn.get().height.max(2) - 1).unwrap_or(1);
        match *action {
            DOWN => self.move_by(1, count),
            UP => self.move_by(-1, count),
            TOP => self.selected = 0,
            BOTTOM => self.move_by(isize::MAX, count),
            PAGE_DOWN => self.move_by(page, count),
            PAGE_UP => self.move_by(-page, count),
            _ => return false,
        }
        true
    }

    /// Over the rows the wheel moves; a click selects, and chooses what was selected already.
    pub fn mouse(&mut self, event: MouseEvent, count: usize) -> Outcome {
        let area = self.drawn.get();
        if !area.contains(Position::new(event.column, event.row)) {
            return Outcome::Ignored;
        }
        match event.kind {
            MouseEventKind::ScrollDown => self.move_by(WHEEL_ROWS, count),
            MouseEventKind::ScrollUp => self.move_by(-WHEEL_ROWS, count),
            MouseEventKind::Down(MouseButton::Left) => {
                let row = self.first.get() + usize::from(event.row - area.y);
                if row >= count {
                    return Outcome::Ignored;
                }
                if std::mem::replace(&mut self.selected, row) == row {
                    return Outcome::Chosen;
                }
            }
            _ => return Outcome::Ignored,
        }
        Outcome::Changed
    }

    /// The rows that are drawn in `area`, one a line: those of before, moved as little as the selection asks.
    pub fn window(&self, area: Rect, count: usize) -> Range<usize> {
        self.drawn.set(area);
        let height = usize::from(area.height).max(1);
        let last_first = count.saturating_sub(height);
        let lowest = (self.selected + 1).saturating_sub(height);
        let first = self.first.get().clamp(lowest, self.selected.max(lowest)).min(last_first);
        self.first.set(first);
        first..(first + height).min(count)
    }

    /// No row is drawn: there is nothing to click.
    pub fn hide(&self) {
        self.drawn.set(Rect::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyModifiers;

    use super::*;

    const BODY: Rect = Rect { x: 2, y: 5, width: 20, height: 4 };

    fn event(kind: MouseEventKind, row: u16) -> MouseEvent {
        MouseEvent { kind, column: 4, row, modifiers: KeyModifiers::NONE }
    }

    #[test]
    fn the_window_moves_as_little_as_the_selection_asks() {
        let mut cursor = Cursor::default();
        assert_eq!(cursor.window(BODY, 10), 0..4);
        cursor.act(&PAGE_DOWN, 10);
        assert_eq!((cursor.selected(), cursor.window(BODY, 10)), (3, 0..4));
        cursor.act(&DOWN, 10);
        assert_eq!(cursor.window(BODY, 10), 1..5);
        cursor.act(&UP, 10);
        assert_eq!(cursor.window(BODY, 10), 1..5);
        cursor.act(&BOTTOM, 10);
        assert_eq!((cursor.selected(), cursor.window(BODY, 10)), (9, 6..10));
        cursor.select(9, 3);
        assert_eq!((cursor.selected(), cursor.window(BODY, 3)), (2, 0..3));
        cursor.select(9, 0);
        assert_eq!((cursor.selected(), cursor.window(BODY, 0)), (0, 0..0));
    }

    #[test]
    fn the_mouse_is_of_use_over_rows_alone() {
        let click = MouseEventKind::Down(MouseButton::Left);
        let mut cursor = Cursor::default();
        assert_eq!(cursor.mouse(event(click, 5), 10), Outcome::Ignored, "nothing was drawn yet");
        cursor.window(BODY, 3);
        assert_eq!(cursor.mouse(event(click, 6), 3), Outcome::Changed);
        assert_eq!((cursor.selected(), cursor.mouse(event(click, 6), 3)), (1, Outcome::Chosen));
        assert_eq!(cursor.mouse(event(click, 8), 3), Outcome::Ignored, "below the last row");
        assert_eq!(cursor.mouse(event(MouseEventKind::ScrollDown, 4), 3), Outcome::Ignored, "above the first");
        assert_eq!(cursor.mouse(event(MouseEventKind::ScrollDown, 5), 3), Outcome::Changed);
        assert_eq!(cursor.selected(), 2);
        cursor.hide();
        assert_eq!(cursor.mouse(event(click, 5), 3), Outcome::Ignored);
    }
}
