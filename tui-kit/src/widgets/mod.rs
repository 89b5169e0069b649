//! Parts of screens. Each keeps its own state, takes what the person does ([`Part`]), and draws itself into any area, at a
//! cost that does not grow with what is not shown.

pub mod chart;
pub mod cursor;
pub mod editor;
pub mod file_picker;
pub mod form;
pub mod line;
pub mod list;
pub mod markdown;
pub mod progress;
pub mod reader;
pub(crate) mod reading;
pub mod scroll;
pub mod table;

use crossterm::event::{KeyEvent, MouseEvent};

use crate::action::Action;

/// What an input did to a widget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has no use for it.
    Ignored,
    /// It looks different now.
    Changed,
    /// What is selected or typed was chosen: open the row, take the line.
    Chosen,
    /// The person left it without choosing.
    Left,
}

impl Outcome {
    /// Whether it was of use.
    pub fn was_used(self) -> bool {
        self != Self::Ignored
    }
}

/// What takes keys, pastes and the mouse on a screen: a table, a form, a text. A screen names it once
/// ([`crate::screen::Screen::part`]).
pub trait Part {
    /// An action of its group. False when it has no use for it: then it is the screen's.
    fn act(&mut self, action: &Action) -> bool;

    /// Whether text is typed in it: then keys are text.
    fn text_focus(&self) -> bool;

    /// A key that is no action.
    fn key(&mut self, key: KeyEvent) -> Outcome;

    /// A paste. It is of no use where nothing is typed.
    fn paste(&mut self, pasted: &str);

    /// A click or the wheel, where it happened on the screen.
    fn mouse(&mut self, event: MouseEvent) -> Outcome;
}
