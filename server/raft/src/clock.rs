//! Whether this node's wall clock may stamp commands: judged by the median of the cluster's clocks.

use std::collections::BTreeMap;

use crate::NodeId;

/// What is known of the wall clock, for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockVerdict {
    /// The cluster's median clock minus this node's, in milliseconds.
    pub offset_ms: i64,
    /// It is near enough: this node may lead.
    pub good: bool,
}

/// Offsets of the peers' clocks as last measured, those of peers that are gone included: without them the survivors of a
/// dead leader would be two, and two clocks cannot say which is wrong.
#[derive(Debug)]
pub(crate) struct Clock {
    offsets: BTreeMap<NodeId, i64>,
    limit: u64,
}

impl Clock {
    /// `limit` in milliseconds.
    pub(crate) fn new(limit: u64) -> Self {
        Self { offsets: BTreeMap::new(), limit }
    }

    /// A peer's clock was compared with this node's.
    pub(crate) fn measured(&mut self, peer: NodeId, offset_ms: i64) {
        self.offsets.insert(peer, offset_ms);
    }

    /// The median over this node (0) and its peers; of an even number the middle one nearer to this node, since two
    /// clocks alone cannot say which is wrong.
    pub(crate) fn verdict(&self) -> ClockVerdict {
        let mut offsets: Vec<i64> = self.offsets.values().copied().chain([0]).collect();
        offsets.sort_unstable();
        let middle = offsets.len() / 2;
        let lower = offsets[(offsets.len() - 1) / 2];
        let offset_ms = if lower.unsigned_abs() < offsets[middle].unsigned_abs() { lower } else { offsets[middle] };
        ClockVerdict { offset_ms, good: offset_ms.unsigned_abs() <= self.limit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(offsets: &[i64]) -> (i64, bool) {
        let mut clock = Clock::new(1_000);
        for (peer, offset) in (2..).zip(offsets) {
            clock.measured(peer, *offset);
        }
        let verdict = clock.verdict();
        (verdict.offset_ms, verdict.good)
    }

    #[test]
    fn a_clock_far_from_the_median_may_not_lead() {
        assert_eq!(verdict(&[]), (0, true));
        assert_eq!(verdict(&[-3_600_000, -3_600_010]), (-3_600_000, false));
        assert_eq!(verdict(&[1_001, 1_500]), (1_001, false));
    }

    #[test]
    fn one_peer_with_a_wrong_clock_harms_nobody_else() {
        assert_eq!(verdict(&[3_600_000, 5]), (5, true));
        assert_eq!(verdict(&[3_600_000]), (0, true));
        assert_eq!(verdict(&[-3_600_000, 0, 4, 9]), (0, true));
    }

    #[test]
    fn the_newest_measurement_of_a_peer_counts() {
        let mut clock = Clock::new(1_000);
        clock.measured(2, 9_000);
        clock.measured(3, 9_000);
        assert!(!clock.verdict().good);
        clock.measured(2, 5);
        assert!(clock.verdict().good);
    }
}
