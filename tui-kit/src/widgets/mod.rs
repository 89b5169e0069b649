//! Parts of screens. Each keeps its own state, answers to the actions of its group (`act`), takes keys while text is typed
//! in it (`key`, `text_focus`), and draws itself into any area, at a cost that does not grow with what is not shown.

pub mod chart;
pub mod editor;
pub mod file_picker;
pub mod form;
pub mod line;
pub mod markdown;
pub mod progress;
pub mod reader;
mod reading;
pub mod scroll;
pub mod table;

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
