//! What is kept of a student, a topic and an item.

use super::belief::Belief;
use super::fixed::{Fixed, sigmoid};
use super::model::{Terms, moderated};
use super::parameters as p;

/// A student in a course.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learner {
    /// What they can do in all topics.
    pub ability: Belief,
    /// How far their latest answers were better than predicted.
    pub recent: Fixed,
    /// Answers that counted.
    pub answers: u32,
}

/// A student in a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skill {
    /// What they can do here beyond their ability.
    pub proficiency: Belief,
    /// How far their latest answers here were better than predicted.
    pub recent: Fixed,
    /// Right answers.
    pub right: u32,
    /// Answers that counted.
    pub answers: u32,
    /// [`Learner::answers`] as it was after the latest one here.
    pub last_answer: u32,
}

/// A topic of a course.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// How hard it is.
    pub difficulty: Belief,
    /// How much practice helps.
    pub slope: Belief,
}

/// An item: a question that can be answered right or wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// How much harder it is than its topics.
    pub difficulty: Belief,
    /// How sharply it separates the able from the others.
    pub discrimination: Belief,
    /// Answers that counted.
    pub answers: u32,
}

impl Default for Learner {
    fn default() -> Learner {
        Learner { ability: Belief::prior(p::ABILITY), recent: Fixed::ZERO, answers: 0 }
    }
}

impl Default for Skill {
    fn default() -> Skill {
        let proficiency = Belief::prior(p::PROFICIENCY);
        Skill { proficiency, recent: Fixed::ZERO, right: 0, answers: 0, last_answer: 0 }
    }
}

impl Default for Topic {
    fn default() -> Topic {
        Topic { difficulty: Belief::prior(p::TOPIC), slope: Belief::prior(p::SLOPE) }
    }
}

impl Default for Item {
    fn default() -> Item {
        Item { difficulty: Belief::prior(p::ITEM), discrimination: Belief::prior(p::DISCRIMINATION), answers: 0 }
    }
}

impl Item {
    /// An item that its author takes to be easy (1) to hard (5): as sure as a few answers would make it. Other tags count
    /// as the nearest.
    pub fn tagged(tag: u8) -> Item {
        let tag = f64::from(tag.clamp(1, 5));
        let variance = 1.0 / (1.0 / p::ITEM + p::TAG_ANSWERS * p::ANSWER_INFORMATION);
        let difficulty =
            Belief { mean: Fixed::from_f64((tag - 3.0) * p::TAG_STEP), variance: Fixed::from_f64(variance) };
        Item { difficulty, ..Item::default() }
    }
}

/// What is said of a student in a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mastery {
    /// Too few answers to say anything.
    NotEnoughData {
        /// How many there are.
        answers: u32,
    },
    /// How likely they solve an item of middling difficulty.
    Known {
        /// The probability.
        p: Fixed,
        /// How many answers it rests on.
        answers: u32,
    },
}

/// A student's mastery of a topic.
pub fn mastery(learner: &Learner, skill: &Skill, topic: &Topic) -> Mastery {
    let answers = skill.answers;
    if answers < p::ENOUGH_ANSWERS {
        return Mastery::NotEnoughData { answers };
    }
    // An item like any other: exactly as hard as the topic.
    let item = Item { difficulty: Belief::prior(0.0), discrimination: Belief::prior(0.0), answers: 0 };
    let terms = Terms::new(learner, &[(skill, topic)], &item);
    Mastery::Known { p: Fixed::from_f64(sigmoid(p::SHARPNESS * moderated(terms.logit, terms.variance))), answers }
}
