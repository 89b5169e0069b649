//! A question before something that cannot be taken back: the safe answer is selected.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::look::Canvas;
use crate::remote::RequestId;
use crate::screen::{Confirm, ScreenId};
use crate::text;

/// Width of the box, where the terminal has it.
const WIDTH: u16 = 60;

/// What a yes leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Confirmed(ScreenId, RequestId),
    Pop,
    Quit,
}

/// The question, and which answer is selected.
pub(super) struct Question {
    confirm: Confirm,
    pub(super) then: Then,
    /// The safe answer.
    no: &'static str,
    yes_selected: bool,
}

impl Question {
    pub(super) fn new(confirm: Confirm, then: Then) -> Self {
        Self { confirm, then, no: "cancel", yes_selected: false }
    }

    /// Before something typed goes, and with it the screen or the program.
    pub(super) fn discard(what: &str, then: Then) -> Self {
        let confirm = Confirm {
            question: format!("Discard {what}?"),
            consequence: "Nobody else has it.".into(),
            yes: "discard".into(),
        };
        Self { no: "keep", ..Self::new(confirm, then) }
    }

    /// Before a screen is left whose text is on its way.
    pub(super) fn leave(what: &str) -> Self {
        let confirm = Confirm {
            question: format!("Leave {what} while it is being sent?"),
            consequence: "It is sent all the same. If the cluster refuses it, what was typed is lost.".into(),
            yes: "leave".into(),
        };
        Self { no: "stay", ..Self::new(confirm, Then::Pop) }
    }

    /// What the keys do, for the bar.
    pub(super) fn keys(&self) -> [(&'static str, &str); 2] {
        [("y", &self.confirm.yes), ("n", self.no)]
    }

    /// The answer, when the key gives one.
    pub(super) fn key(&mut self, chord: &str) -> Option<bool> {
        match chord {
            "y" => Some(true),
            "n" | "esc" | "q" | "ctrl-c" => Some(false),
            "enter" => Some(self.yes_selected),
            "left" | "right" | "tab" | "shift-tab" | "h" | "l" => {
                self.yes_selected = !self.yes_selected;
                None
            }
            _ => None,
        }
    }

    pub(super) fn view(&self, area: Rect, canvas: &mut Canvas<'_>) {
        let width = WIDTH.min(area.width);
        let room = usize::from(width.saturating_sub(4));
        let theme = canvas.look.theme;
        let mut lines: Vec<Line<'_>> = Vec::new();
        let question = text::wrap(&text::clean_body(&self.confirm.question), room);
        lines.extend(question.into_iter().map(|line| Line::styled(line, theme.title)));
        let consequence = text::clean_body(&self.confirm.consequence);
        if !consequence.is_empty() {
            lines.extend(text::wrap(&consequence, room).into_iter().map(Line::from));
        }
        lines.push(Line::default());
        let button =
            |label: String, selected: bool| Span::styled(label, if selected { theme.selected } else { theme.text });
        lines.push(Line::from(vec![
            button(format!(" {} (y) ", text::clean(&self.confirm.yes)), self.yes_selected),
            Span::raw("  "),
            button(format!(" {} (n) ", self.no), !self.yes_selected),
        ]));
        let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2).min(area.height);
        let window = super::frame::centred(area, width, height);
        canvas.clear(window);
        let inner = canvas.pane(window, "", true);
        let inner = Rect { x: inner.x.saturating_add(1), width: inner.width.saturating_sub(2), ..inner };
        canvas.lines(inner, lines);
    }
}
