//! One unknown number: what it is taken to be, and how sure that is.

use super::fixed::Fixed;

/// A mean and a variance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Belief {
    /// What it is taken to be, in logits.
    pub mean: Fixed,
    /// How far off that may be, squared.
    pub variance: Fixed,
}

impl Belief {
    /// Nothing is known but how much such numbers differ.
    pub(crate) fn prior(variance: f64) -> Belief {
        Belief { mean: Fixed::ZERO, variance: Fixed::from_f64(variance) }
    }

    /// Moves by what an answer says. `weight` is how much of this number went into the logit.
    pub(crate) fn learn(&mut self, weight: f64, evidence: &Evidence) {
        let variance = self.variance.to_f64();
        let share = weight * variance;
        let learnt = variance - share * share * evidence.information;
        self.mean = Fixed::from_f64(self.mean.to_f64() + share * evidence.surprise);
        // Never below nothing, whatever rounding does.
        self.variance = Fixed::from_f64(learnt.max(0.0));
    }

    /// Lets what it stands for have changed meanwhile.
    pub(crate) fn drift(&mut self, variance: f64) {
        self.variance = Fixed::from_f64(self.variance.to_f64() + variance);
    }
}

/// What one answer says about the logit, to be shared out among the beliefs that it was made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence {
    /// The step of a belief of variance 1 and weight 1.
    pub surprise: f64,
    /// How much of its squared share a belief's variance loses.
    pub information: f64,
}

impl Evidence {
    /// An answer that was expected to be right with probability `p`, whose slope in the logit is `slope`, when the logit
    /// itself is uncertain by `variance`.
    pub(crate) fn new(right: bool, p: f64, slope: f64, variance: f64) -> Evidence {
        let error = f64::from(u8::from(right)) - p;
        let spread = p * (1.0 - p) + slope * slope * variance;
        Evidence { surprise: slope * error / spread, information: slope * slope / spread }
    }
}
