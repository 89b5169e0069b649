//! Whether this node's clock may stamp commands: judged by the median of the cluster's clocks.
//!
//! A node has two clocks. The *stamping clock* runs on the machine's monotonic clock and never jumps by itself. The
//! *system clock* is what a person or NTP sets, at any moment, by any amount. A step of the system clock is therefore
//! seen before anything is stamped with it, and the peers' clocks say which of the two is to be believed:
//!
//! | the system clock | the stamping clock | then |
//! |---|---|---|
//! | near the median | near the median | the node may lead, and its stamping clock drifts towards its system clock |
//! | near | far | the system clock was put right: the stamping clock adopts it |
//! | far | either | the node neither leads nor stamps |
//!
//! A median of two clocks that differ says nothing. The stamping clock's word counts there only because it was right
//! before; at a node that has just started and met one other, it was never compared with anything. So a majority of the
//! voters' clocks must agree with the stamping clock, or with the system clock that it is to adopt, where there are three or
//! more voters; of two nobody can say which is wrong.

use std::collections::BTreeMap;

use crate::NodeId;

/// Two clocks that cannot be read at once never agree better than this.
const SETTLED_MS: u64 = 10;

/// What is known of this node's clocks, for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockVerdict {
    /// The cluster's median clock minus this node's system clock, in milliseconds.
    pub offset_ms: i64,
    /// The clocks of a majority have been compared with this one.
    pub compared: bool,
    /// They are near enough: this node may lead.
    pub good: bool,
}

/// How the stamping clock is to be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Correction {
    /// Not at all.
    None,
    /// Towards the system clock, a little.
    Drift(i64),
    /// To the system clock: the cluster agrees with it.
    Adopt(i64),
}

/// Clocks relative to this node's stamping clock, as last measured. Those of peers that are gone are included: without
/// them the survivors of a dead leader would be two, and two clocks cannot say which is wrong.
#[derive(Debug)]
pub(crate) struct Clock {
    peers: BTreeMap<NodeId, i64>,
    system: i64,
    limit: u64,
}

impl Clock {
    /// `limit` in milliseconds.
    pub(crate) fn new(limit: u64) -> Self {
        Self { peers: BTreeMap::new(), system: 0, limit }
    }

    /// A peer's clock was compared with this node's stamping clock.
    pub(crate) fn measured(&mut self, peer: NodeId, ahead_ms: i64) {
        self.peers.insert(peer, ahead_ms);
    }

    /// This node's system clock was compared with its stamping clock. What may be the reading's own error changes nothing.
    pub(crate) fn system_is(&mut self, ahead_ms: i64) {
        if ahead_ms.abs_diff(self.system) > SETTLED_MS {
            self.system = ahead_ms;
        }
    }

    /// The stamping clock was moved.
    pub(crate) fn moved(&mut self, by_ms: i64) {
        for ahead in self.peers.values_mut().chain([&mut self.system]) {
            *ahead = ahead.saturating_sub(by_ms);
        }
    }

    /// Where the stamping clock belongs, moving it at most `most` milliseconds without a jump.
    pub(crate) fn correction(&self, me: NodeId, voters: &[NodeId], most: i64) -> Correction {
        let median = self.median();
        if self.system.unsigned_abs() <= SETTLED_MS
            || !self.compared(me, voters)
            || !self.near(median.saturating_sub(self.system))
        {
            Correction::None
        } else if self.near(median) {
            Correction::Drift(self.system.clamp(-most, most))
        } else if self.agreed(me, voters, self.system) {
            Correction::Adopt(self.system)
        } else {
            Correction::None
        }
    }

    /// Whether this node may lead and stamp among `voters`.
    pub(crate) fn verdict(&self, me: NodeId, voters: &[NodeId]) -> ClockVerdict {
        let median = self.median();
        let offset_ms = median.saturating_sub(self.system);
        let compared = self.compared(me, voters);
        let good = compared && self.near(offset_ms) && self.near(median) && self.agreed(me, voters, 0);
        ClockVerdict { offset_ms, compared, good }
    }

    /// The median of the system clock and its peers'; of an even number the middle one nearer to the stamping clock, which
    /// was right when it was last compared.
    fn median(&self) -> i64 {
        let mut clocks: Vec<i64> = self.peers.values().copied().chain([self.system]).collect();
        clocks.sort_unstable();
        let (lower, upper) = (clocks[(clocks.len() - 1) / 2], clocks[clocks.len() / 2]);
        if lower.unsigned_abs() < upper.unsigned_abs() { lower } else { upper }
    }

    /// A clock that only a minority has seen may be the wrong one.
    fn compared(&self, me: NodeId, voters: &[NodeId]) -> bool {
        let known = voters.iter().filter(|voter| **voter == me || self.peers.contains_key(voter)).count();
        voters.is_empty() || known > voters.len() / 2
    }

    /// A majority of the voters' clocks agrees with a clock of this node that is so far ahead of its stamping clock.
    fn agreed(&self, me: NodeId, voters: &[NodeId], ahead_ms: i64) -> bool {
        let near = |peer: &i64| self.near(peer.saturating_sub(ahead_ms));
        let agrees = |voter: &NodeId| *voter == me || self.peers.get(voter).is_some_and(near);
        voters.len() < 3 || voters.iter().filter(|voter| agrees(voter)).count() > voters.len() / 2
    }

    fn near(&self, offset_ms: i64) -> bool {
        offset_ms.unsigned_abs() <= self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn clock(peers: &[i64]) -> Clock {
        let mut clock = Clock::new(1_000);
        for (peer, ahead) in (2..).zip(peers) {
            clock.measured(peer, *ahead);
        }
        clock
    }

    fn judge(clock: &Clock) -> (i64, bool) {
        let voters: Vec<NodeId> = (1..).take(clock.peers.len() + 1).collect();
        let verdict = clock.verdict(1, &voters);
        assert!(verdict.compared);
        (verdict.offset_ms, verdict.good)
    }

    #[test]
    fn a_clock_far_from_the_median_may_not_lead() {
        assert_eq!(judge(&clock(&[])), (0, true));
        assert_eq!(judge(&clock(&[-HOUR, -HOUR - 10])), (-HOUR, false));
        assert_eq!(judge(&clock(&[1_001, 1_500])), (1_001, false));
    }

    #[test]
    fn one_peer_with_a_wrong_clock_harms_nobody_else() {
        assert_eq!(judge(&clock(&[HOUR, 5])), (5, true));
        assert_eq!(judge(&clock(&[HOUR])), (0, true));
        assert_eq!(judge(&clock(&[-HOUR, 0, 4, 9])), (0, true));
    }

    #[test]
    fn the_newest_measurement_of_a_peer_counts() {
        let mut clock = clock(&[9_000, 9_000]);
        assert!(!judge(&clock).1);
        clock.measured(2, 5);
        assert!(judge(&clock).1);
    }

    #[test]
    fn a_node_that_has_compared_its_clock_with_no_majority_may_not_lead() {
        let one_of_five = clock(&[0]).verdict(1, &[1, 2, 3, 4, 5]);
        assert!(!one_of_five.compared && !one_of_five.good);
        assert!(clock(&[0]).verdict(1, &[1, 2, 3]).good);
        assert!(!clock(&[0]).verdict(1, &[1, 5, 6]).good, "node 2 has no vote");
    }

    #[test]
    fn a_node_that_starts_with_a_wrong_clock_and_meets_one_other_may_not_lead() {
        let two_of_three = clock(&[-HOUR]).verdict(1, &[1, 2, 3]);
        assert!(two_of_three.compared && !two_of_three.good, "one of the two clocks is wrong, and it may be this one");
        assert!(clock(&[-HOUR, 0]).verdict(1, &[1, 2, 3]).good, "the third has decided");
        assert!(!clock(&[-HOUR, 0, -HOUR]).verdict(1, &[1, 2, 3, 4]).good);
    }

    #[test]
    fn a_step_of_the_system_clock_is_suspect_at_once_and_moves_no_stamp() {
        let mut clock = clock(&[3, -2]);
        clock.system_is(HOUR);
        assert_eq!(judge(&clock), (3 - HOUR, false));
        assert_eq!(clock.correction(1, &[1, 2, 3], 1), Correction::None);
        clock.system_is(0);
        assert!(judge(&clock).1, "set back, it is as good as before");
    }

    #[test]
    fn a_step_that_the_peers_agree_with_is_adopted() {
        let mut clock = clock(&[-HOUR, -HOUR + 20]);
        assert!(!judge(&clock).1, "it was an hour ahead");
        clock.system_is(-HOUR);
        assert_eq!(clock.correction(1, &[1, 2, 3], 1), Correction::Adopt(-HOUR));
        clock.moved(-HOUR);
        assert_eq!(judge(&clock), (0, true));
    }

    #[test]
    fn all_machines_that_slept_together_agree_on_the_time_once_they_have_spoken() {
        let mut clock = clock(&[0, 0]);
        clock.system_is(8 * HOUR);
        assert!(!judge(&clock).1, "the peers' clocks are as they were before the sleep");
        clock.measured(2, 8 * HOUR);
        assert_eq!(clock.correction(1, &[1, 2, 3], 1), Correction::Adopt(8 * HOUR));
    }

    #[test]
    fn between_two_clocks_the_one_that_was_believed_before_counts() {
        let mut clock = clock(&[0]);
        clock.system_is(HOUR);
        assert_eq!(judge(&clock), (-HOUR, false));
        assert_eq!(clock.correction(1, &[1, 2], 1), Correction::None);
    }

    #[test]
    fn a_clock_between_two_wrong_ones_is_not_adopted() {
        let mut clock = clock(&[0, -400 * 24 * HOUR]);
        clock.system_is(-HOUR);
        assert_eq!(
            clock.correction(1, &[1, 2, 3, 4, 5], 1),
            Correction::None,
            "it is the median, and nobody agrees with it"
        );
    }

    #[test]
    fn a_small_difference_is_made_good_little_by_little() {
        let mut clock = clock(&[40, 40]);
        clock.system_is(-50);
        assert_eq!(clock.correction(1, &[1, 2, 3], 20), Correction::Drift(-20));
        clock.moved(-20);
        assert_eq!(clock.correction(1, &[1, 2, 3], 20), Correction::Drift(-20));
        clock.moved(-20);
        assert_eq!(clock.correction(1, &[1, 2, 3], 20), Correction::None);
    }

    #[test]
    fn a_clock_that_is_read_a_little_differently_each_time_stays_where_it_is() {
        let mut clock = clock(&[3, 4]);
        for ahead_ms in [1, -1, 10, 0] {
            clock.system_is(ahead_ms);
            assert_eq!(judge(&clock), (3, true));
        }
    }

    #[test]
    fn a_node_alone_has_nobody_but_its_system_clock_to_believe() {
        let mut clock = clock(&[]);
        clock.system_is(HOUR);
        assert_eq!(clock.correction(1, &[1], 1), Correction::Adopt(HOUR));
    }

    #[test]
    fn no_measurement_is_too_large_to_be_judged() {
        let mut clock = clock(&[i64::MIN, i64::MAX]);
        clock.system_is(i64::MIN);
        clock.moved(i64::MAX);
        assert!(!judge(&clock).1);
    }
}
