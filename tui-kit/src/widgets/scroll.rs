//! Which part of a long text is on the screen, moved by the reading keys.

use std::cell::Cell;

use crossterm::event::{MouseEvent, MouseEventKind};
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::Outcome;
use crate::action::{Action, BOTTOM, DOWN, PAGE_DOWN, PAGE_UP, TOP, UP};
use crate::look::Canvas;

/// Lines that a step of the wheel moves by.
const WHEEL_LINES: usize = 3;

/// The first line that is shown.
#[derive(Debug, Default)]
pub struct Scroll {
    first: usize,
    /// How far it can go, and a page: known once it was drawn.
    last: Cell<usize>,
    page: Cell<usize>,
}

impl Scroll {
    /// An action of the group `READER_MOVES`.
    pub fn act(&mut self, action: &Action) -> bool {
        let (first, page) = (self.first.min(self.last.get()), self.page.get().max(1));
        let wanted = match *action {
            DOWN => first + 1,
            UP => first.saturating_sub(1),
            PAGE_DOWN => first + page,
            PAGE_UP => first.saturating_sub(page),
            TOP => 0,
            BOTTOM => usize::MAX,
            _ => return false,
        };
        self.first = wanted.min(self.last.get());
        true
    }

    /// The wheel moves.
    pub fn mouse(&mut self, event: MouseEvent) -> Outcome {
        let first = self.first.min(self.last.get());
        self.first = match event.kind {
            MouseEventKind::ScrollDown => (first + WHEEL_LINES).min(self.last.get()),
            MouseEventKind::ScrollUp => first.saturating_sub(WHEEL_LINES),
            _ => return Outcome::Ignored,
        };
        Outcome::Changed
    }

    /// Goes to the beginning.
    pub fn to_start(&mut self) {
        self.first = 0;
    }

    /// Goes to the end, wherever that is when it is drawn.
    pub fn to_end(&mut self) {
        self.first = usize::MAX;
    }

    /// Draws the part of `count` lines that is to be seen; only those are made.
    pub fn view<'t>(&self, count: usize, line: impl Fn(usize) -> Line<'t>, area: Rect, canvas: &mut Canvas<'_>) {
        let height = usize::from(area.height);
        self.last.set(count.saturating_sub(height));
        self.page.set(height.saturating_sub(1));
        let first = self.first.min(self.last.get());
        canvas.lines(area, (first..count.min(first + height)).map(line));
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyModifiers;

    use super::*;
    use crate::look::Look;
    use crate::testkit::render;
    use crate::theme::ThemeName;

    #[test]
    fn moving_stops_at_both_ends_and_only_what_is_seen_is_made() {
        let look = Look::new(ThemeName::Mono, false);
        let mut scroll = Scroll::default();
        let shown = |scroll: &Scroll| {
            let made = Cell::new(0);
            let picture = render(10, 3, &look, |area, canvas| {
                scroll.view(
                    100_000,
                    |at| {
                        made.set(made.get() + 1);
                        Line::raw(at.to_string())
                    },
                    area,
                    canvas,
                );
            });
            assert_eq!(made.get(), 3);
            picture.lines().next().unwrap_or_default().to_owned()
        };
        assert_eq!(shown(&scroll), "0");
        scroll.act(&UP);
        scroll.act(&PAGE_DOWN);
        assert_eq!(shown(&scroll), "2");
        scroll.act(&BOTTOM);
        scroll.act(&DOWN);
        assert_eq!(shown(&scroll), "99997");
        let wheel = |kind| MouseEvent { kind, column: 0, row: 0, modifiers: KeyModifiers::NONE };
        scroll.mouse(wheel(MouseEventKind::ScrollUp));
        assert_eq!(shown(&scroll), "99994");
        scroll.mouse(wheel(MouseEventKind::ScrollDown));
        scroll.mouse(wheel(MouseEventKind::ScrollDown));
        assert_eq!(shown(&scroll), "99997");
        scroll.act(&TOP);
        assert_eq!(shown(&scroll), "0");
    }
}
