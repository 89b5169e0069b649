//! Predicting an answer, and learning from it.

use super::belief::Evidence;
use super::fixed::{Fixed, sigmoid};
use super::parameters as p;
use super::state::{Item, Learner, Skill, Topic};

/// The first unaided answer of a student to a graded or checked item. A model's opinion, a second attempt, an answer after
/// the tutor explained, or what a student says of themselves is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether it was right.
    pub right: bool,
    /// How many options there were to choose from; `None` where nothing could be guessed.
    pub options: Option<u32>,
}

/// A student's skill in one of the item's topics, and the topic.
#[derive(Debug)]
pub struct Practised<'a> {
    /// The student's.
    pub skill: &'a mut Skill,
    /// The course's.
    pub topic: &'a mut Topic,
}

/// What an answer may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learns {
    /// What is known of the student, the topics and the item.
    All,
    /// What is known of the student alone: items and topics are as they were found before.
    StudentOnly,
}

/// What goes into the logit.
pub(super) struct Terms {
    /// The logit.
    pub logit: f64,
    /// How uncertain it is.
    pub variance: f64,
    /// Each topic's share.
    share: f64,
    /// Ability and proficiency together.
    able: f64,
}

impl Terms {
    pub fn new(learner: &Learner, topics: &[(&Skill, &Topic)], item: &Item) -> Terms {
        let share = share(topics.len());
        let mut able = learner.ability.mean.to_f64();
        let mut variance = learner.ability.variance.to_f64() + item.difficulty.variance.to_f64();
        let mut logit = p::BASE - item.difficulty.mean.to_f64() + p::RECENT_WEIGHT * learner.recent.to_f64();
        for (skill, topic) in topics {
            let practice = practice(skill);
            able += share * skill.proficiency.mean.to_f64();
            logit += share * (topic.slope.mean.to_f64() * practice - topic.difficulty.mean.to_f64());
            logit += share * (p::TOPIC_RECENT_WEIGHT * skill.recent.to_f64() + p::PRACTICE_WEIGHT * (practice + 1.0));
            let slope_variance = practice * practice * topic.slope.variance.to_f64();
            let of_topic = skill.proficiency.variance.to_f64() + topic.difficulty.variance.to_f64() + slope_variance;
            variance += share * share * of_topic;
        }
        if topics.iter().any(|(skill, _)| skill.answers > 0 && skill.last_answer == learner.answers) {
            logit += p::SAME_TOPIC;
        }
        logit += able * (1.0 + item.discrimination.mean.to_f64());
        variance += able * able * item.discrimination.variance.to_f64();
        Terms { logit, variance, share, able }
    }
}

/// The weight of each of so many topics.
fn share(topics: usize) -> f64 {
    // A handful.
    #[allow(clippy::cast_precision_loss)]
    let topics = topics.max(1) as f64;
    1.0 / topics
}

/// How much was practised, from −1 on: right answers, each counting less than the one before.
fn practice(skill: &Skill) -> f64 {
    libm::log(1.0 + f64::from(skill.right)) - 1.0
}

/// The logit drawn towards zero by its uncertainty: the mean of the logistic function over it.
pub(super) fn moderated(logit: f64, variance: f64) -> f64 {
    logit / libm::sqrt(1.0 + p::MODERATION * variance)
}

/// The probability that guessing among options lifts another one to.
fn with_guessing(p: f64, options: Option<u32>) -> (f64, f64) {
    let guess = options.map_or(0.0, |options| 1.0 / f64::from(options.max(1)));
    (guess + (1.0 - guess) * p, 1.0 - guess)
}

/// How likely the student answers the item right.
pub fn predict(learner: &Learner, topics: &[(&Skill, &Topic)], item: &Item, options: Option<u32>) -> Fixed {
    let terms = Terms::new(learner, topics, item);
    let p = sigmoid(p::SHARPNESS * moderated(terms.logit, terms.variance));
    Fixed::from_f64(with_guessing(p, options).0)
}

/// Learns from an answer.
pub fn observe(learner: &mut Learner, topics: &mut [Practised<'_>], item: &mut Item, answer: Answer, learns: Learns) {
    let known: Vec<(&Skill, &Topic)> = topics.iter().map(|t| (&*t.skill, &*t.topic)).collect();
    let Terms { logit, variance, share, able } = Terms::new(learner, &known, item);
    let plain = sigmoid(moderated(logit, variance));
    let (expected, lift) = with_guessing(plain, answer.options);
    // Where an answer says nothing (one option) there is nothing to learn.
    let slope = lift * (plain * (1.0 - plain)).max(p::LEAST_SLOPE);
    let evidence = Evidence::new(answer.right, expected.clamp(p::LEAST_SLOPE, 1.0 - p::LEAST_SLOPE), slope, variance);
    let error = lift * (f64::from(u8::from(answer.right)) - expected);

    learner.ability.learn(1.0, &evidence);
    learner.recent = towards(learner.recent, error, p::RECENT_RATE);
    learner.answers = learner.answers.saturating_add(1);
    for Practised { skill, topic } in topics {
        if learns == Learns::All {
            topic.slope.learn(share * practice(skill), &evidence);
            topic.difficulty.learn(-share, &evidence);
        }
        skill.proficiency.learn(share, &evidence);
        skill.proficiency.drift(p::PROFICIENCY_DRIFT);
        skill.recent = towards(skill.recent, error, p::TOPIC_RECENT_RATE);
        skill.right = skill.right.saturating_add(u32::from(answer.right));
        skill.answers = skill.answers.saturating_add(1);
        skill.last_answer = learner.answers;
    }
    if learns == Learns::All {
        item.difficulty.learn(-1.0, &evidence);
        item.discrimination.learn(able, &evidence);
        item.answers = item.answers.saturating_add(1);
    }
}

/// A running mean that forgets.
fn towards(mean: Fixed, value: f64, rate: f64) -> Fixed {
    let mean = mean.to_f64();
    Fixed::from_f64(mean + rate * (value - mean))
}
