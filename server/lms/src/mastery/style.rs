//! How to explain, to one who can do so much.

use super::fixed::Fixed;
use super::state::Mastery;

/// Below this, questions lead nowhere yet.
const WORKED_BELOW: i64 = 400_000;
/// Above this, questions are enough.
const QUESTIONS_ABOVE: i64 = 750_000;

/// How to explain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Definitions, and a worked example that is like the question but is not it.
    WorkedExample,
    /// One step at a time.
    Hints,
    /// Questions alone.
    Questions,
}

/// The style for a mastery: hints while too little is known.
pub fn style(mastery: Mastery) -> Style {
    match mastery {
        Mastery::NotEnoughData { .. } => Style::Hints,
        Mastery::Known { p, .. } if p < Fixed::from_millionths(WORKED_BELOW) => Style::WorkedExample,
        Mastery::Known { p, .. } if p <= Fixed::from_millionths(QUESTIONS_ABOVE) => Style::Hints,
        Mastery::Known { .. } => Style::Questions,
    }
}
