//! What a student can do, learnt from their answers.
//!
//! An answer is one event: a student answered an item, which belongs to topics, right or wrong. The probability of a right
//! answer is the logistic function of
//!
//! ```text
//! BASE + ability(student) + proficiency(student, topic) − difficulty(topic) − difficulty(item)
//!      + slope(topic) · practice                      some topics are learnt faster than others
//!      + discrimination(item) · (ability + proficiency)      some items separate the able from the others more sharply
//!      + what the latest answers say beyond all that: overall, in this topic, and whether the topic was the last one, too
//! ```
//!
//! Each unknown of the first three lines is a [`Belief`]: a mean and how sure it is. An answer moves them by Bayes' rule,
//! linearised (an extended Kalman filter with a diagonal covariance): each by its share of the doubt, so that a new item
//! learns quickly from students who are known, and a new student from items that are known. It is one pass, O(topics of the
//! item) an answer, without a training run; the constants (`parameters.rs`) are fixed. The state is a few integers a student,
//! topic and item ([`Fixed`]), and the same answers in the same order give the same state on every node.
//!
//! Only the first unaided answer to a checked item counts; that is for the caller to see to ([`Answer`]). Below
//! [`ENOUGH_ANSWERS`] nothing is claimed: [`Mastery::NotEnoughData`].
//!
//! How well it predicts, and how that was measured, is in `docs/tutor.md`.

mod belief;
mod choice;
mod fixed;
mod model;
mod parameters;
mod state;
mod style;
#[cfg(test)]
mod tests;

pub use belief::Belief;
pub use choice::{Candidate, Choice, next_item};
pub use fixed::Fixed;
pub use model::{Answer, Learns, Practised, observe, predict};
pub use parameters::ENOUGH_ANSWERS;
pub use state::{Item, Learner, Mastery, Skill, Topic, mastery};
pub use style::{Style, style};
