//! Which item comes next.

use super::fixed::Fixed;

/// An item that could be asked.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Its id; where two are equally good, the smaller one comes.
    pub id: &'a str,
    /// How likely the student solves it ([`super::predict`]).
    pub p: Fixed,
    /// How uncertain their proficiency in its topic is: [`super::Belief::variance`].
    pub variance: Fixed,
    /// When this item was last asked.
    pub item_seen_ms: Option<i64>,
    /// When its topic was last asked.
    pub topic_seen_ms: Option<i64>,
}

/// What a course wants of practice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// How likely a right answer should be.
    pub target: Fixed,
    /// The moment of asking.
    pub now_ms: i64,
}

/// Three right answers in four: hard enough to learn from, easy enough to go on.
const TARGET: i64 = 750_000;

impl Choice {
    /// The usual target, now.
    pub fn usual(now_ms: i64) -> Choice {
        Choice { target: Fixed::from_millionths(TARGET), now_ms }
    }
}

/// What having been asked a moment ago costs, in probability; it halves with [`RECENT_HALF_MS`].
const RECENT: f64 = 0.5;
const RECENT_HALF_MS: f64 = 12.0 * 3_600_000.0;
/// What a standard deviation of a logit is worth.
const UNCERTAIN: f64 = 0.1;
/// What a topic that was left alone for [`OVERDUE_MS`] is worth.
const OVERDUE: f64 = 0.15;
const OVERDUE_MS: f64 = 14.0 * 24.0 * 3_600_000.0;

/// The best of the candidates: near the target, not just seen, better where little is known or the topic is overdue. `None`
/// where there are none.
pub fn next_item<'a>(choice: &Choice, candidates: impl IntoIterator<Item = Candidate<'a>>) -> Option<&'a str> {
    let ranked = candidates.into_iter().map(|candidate| (cost(choice, &candidate), candidate.id));
    ranked.min().map(|(_, id)| id)
}

fn cost(choice: &Choice, candidate: &Candidate<'_>) -> Fixed {
    let off_target = (candidate.p.to_f64() - choice.target.to_f64()).abs();
    let just_seen = candidate.item_seen_ms.map_or(0.0, |at| libm::exp2(-elapsed(choice, at) / RECENT_HALF_MS));
    let overdue = candidate.topic_seen_ms.map_or(0.0, |at| (elapsed(choice, at) / OVERDUE_MS).min(1.0));
    let uncertain = libm::sqrt(candidate.variance.to_f64().max(0.0));
    Fixed::from_f64(off_target + RECENT * just_seen - UNCERTAIN * uncertain - OVERDUE * overdue)
}

/// Milliseconds since `at`; never less than none.
fn elapsed(choice: &Choice, at: i64) -> f64 {
    // Exact for the next quarter of a million years.
    #[allow(clippy::cast_precision_loss)]
    let elapsed = choice.now_ms.saturating_sub(at).max(0) as f64;
    elapsed
}
