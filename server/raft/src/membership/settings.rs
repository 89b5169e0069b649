//! What can be set about membership.

/// No automatic change leaves fewer voters than this.
pub const LEAST_VOTERS: usize = 3;

/// When membership follows the nodes, and how far. All times in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Up to how many voters the cluster grows; odd.
    pub target_voters: usize,
    /// The most voters and learners together: each one more is sent everything by the leader.
    pub max_members: usize,
    /// A leader changes nothing before it has reached a majority without a break for this long.
    pub settle_ms: u64,
    /// A node that was not heard for this long does not answer, and one that holds less than what was committed this long
    /// ago is behind. A node that answers and is not behind is healthy.
    pub lag_ms: u64,
    /// A learner that has been healthy for this long is ready to vote: it is a spare.
    pub ready_ms: u64,
    /// A node that has been silent for this long is shown as degraded.
    pub degraded_ms: u64,
    /// A voter that has been silent for this long gives its vote to a spare.
    pub replace_ms: u64,
    /// A learner that has been silent for this long is removed.
    pub forget_ms: u64,
    /// After a change that failed, and after leadership was handed over in vain, wait this long before the next.
    pub retry_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            target_voters: 5,
            max_members: 9,
            settle_ms: 10_000,
            lag_ms: 1_000,
            ready_ms: 10_000,
            degraded_ms: 30_000,
            replace_ms: 5 * 60_000,
            forget_ms: 24 * 3_600_000,
            retry_ms: 5_000,
        }
    }
}

impl Settings {
    /// What makes no sense about them, if anything does not.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        if self.target_voters.is_multiple_of(2) {
            return Some(format!(
                "membership.target_voters is {}: an even number of voters survives no more losses than the odd one below it",
                self.target_voters
            ));
        }
        if self.max_members < self.target_voters {
            return Some(format!(
                "membership.max_members is {}, fewer than the {} voters the cluster grows to",
                self.max_members, self.target_voters
            ));
        }
        let times = [
            ("lag_ms", self.lag_ms),
            ("degraded_ms", self.degraded_ms),
            ("replace_ms", self.replace_ms),
            ("forget_ms", self.forget_ms),
        ];
        let unordered = times.windows(2).find(|pair| pair[0].1 > pair[1].1);
        unordered.map(|pair| format!("membership.{} is longer than membership.{}", pair[0].0, pair[1].0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_contradict_each_other_are_named() {
        let problem = |settings: Settings| settings.problem().unwrap_or_default();
        assert_eq!(problem(Settings::default()), "");
        assert!(problem(Settings { target_voters: 4, ..Settings::default() }).contains("target_voters is 4"));
        assert!(problem(Settings { target_voters: 0, ..Settings::default() }).contains("target_voters is 0"));
        assert!(problem(Settings { max_members: 4, ..Settings::default() }).contains("fewer than the 5 voters"));
        assert!(problem(Settings { replace_ms: 1, ..Settings::default() }).contains("degraded_ms is longer"));
    }
}
