//! The constants. They were chosen on folds 2 to 5 of the `ASSISTments` 2009 answers alone, each fold predicted from the other
//! three and from nothing; fold 1 was then looked at once (`docs/tutor.md`). They are part of what apply computes: to
//! change one is to change what existing answers come to.

/// Below this many answers in a topic nothing is said.
pub const ENOUGH_ANSWERS: u32 = 5;

/// The logit of a right answer when nothing is known.
pub(super) const BASE: f64 = 0.468_87;
/// How much students differ.
pub(super) const ABILITY: f64 = 0.808_53;
/// How much a student's topics differ.
pub(super) const PROFICIENCY: f64 = 0.143_87;
/// How much a proficiency may change from one answer to the next.
pub(super) const PROFICIENCY_DRIFT: f64 = 0.004_98;
/// How much items of a topic differ.
pub(super) const ITEM: f64 = 0.762_66;
/// How much topics differ.
pub(super) const TOPIC: f64 = 1.109_87;
/// How much topics differ in what practice does.
pub(super) const SLOPE: f64 = 0.044_05;
/// How much items differ in how sharply they separate.
pub(super) const DISCRIMINATION: f64 = 0.183_02;
/// How quickly the latest answers are forgotten, and what they weigh.
pub(super) const RECENT_RATE: f64 = 0.114_58;
pub(super) const RECENT_WEIGHT: f64 = 1.459_73;
/// The same within a topic.
pub(super) const TOPIC_RECENT_RATE: f64 = 0.896_86;
pub(super) const TOPIC_RECENT_WEIGHT: f64 = 0.240_63;
/// What practice does in any topic.
pub(super) const PRACTICE_WEIGHT: f64 = 0.541_76;
/// What it does that the topic was the last one, too.
pub(super) const SAME_TOPIC: f64 = 0.088_24;
/// How far uncertainty draws a probability to the middle. (π/8 would be a Gaussian's; the beliefs are surer than that.)
pub(super) const MODERATION: f64 = 0.038_86;
/// What is left of the logit when it is told.
pub(super) const SHARPNESS: f64 = 0.948_09;
/// No answer is taken to be surer than this.
pub(super) const LEAST_SLOPE: f64 = 0.01;

/// One step of an author's tag, in logits.
pub(super) const TAG_STEP: f64 = 0.7;
/// How many answers a tag is worth.
pub(super) const TAG_ANSWERS: f64 = 3.0;
/// What an answer with middling odds tells of a logit: p · (1 − p).
pub(super) const ANSWER_INFORMATION: f64 = 0.2;
