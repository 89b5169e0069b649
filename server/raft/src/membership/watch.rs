//! What a leader sees of the others, from tick to tick.
//!
//! Nothing is known from before: a new leader has seen nobody healthy and nobody silent. The same holds for one that was itself
//! away (its process or machine stood still): it would take its own absence for that of the others.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Change;
use crate::NodeId;

/// A change that is in the log and not in effect yet.
#[derive(Clone, Debug)]
pub(crate) struct InFlight {
    pub(crate) index: u64,
    pub(crate) term: u64,
    pub(crate) change: Change,
}

/// A peer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sight {
    /// When it was heard last; before that, when it was first looked for.
    sign: u64,
    answers: bool,
    healthy_since: Option<u64>,
}

/// What is looked at in a tick.
pub(crate) struct Glance<'a> {
    pub(crate) now: u64,
    /// The voters of both halves of the configuration; the second is empty where it is not joint.
    pub(crate) voters: [&'a [NodeId]; 2],
    /// Everyone but the leader, and the last entry known to be durable there.
    pub(crate) others: &'a BTreeMap<NodeId, u64>,
    pub(crate) leader: NodeId,
    pub(crate) commit: u64,
    /// A voter that was not heard for this long is not counted towards a majority.
    pub(crate) silence_ms: u64,
    /// See [`super::Settings::lag_ms`].
    pub(crate) lag_ms: u64,
}

/// See the module's text.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// The last tick; `None` while this node does not lead.
    looked_at: Option<u64>,
    contact_since: Option<u64>,
    /// What was committed when, for as long as `lag_ms`.
    commits: VecDeque<(u64, u64)>,
    peers: BTreeMap<NodeId, Sight>,
    pub(crate) in_flight: Option<InFlight>,
    /// Nothing is tried before.
    pub(crate) quiet_until: u64,
}

impl Watch {
    /// This node does not lead.
    pub(crate) fn rest(&mut self) {
        if self.looked_at.is_some() || self.in_flight.is_some() {
            *self = Self::default();
        }
    }

    /// A message of a peer came.
    pub(crate) fn heard(&mut self, node: NodeId, now: u64) {
        if let Some(sight) = self.peers.get_mut(&node) {
            (sight.sign, sight.answers) = (now, true);
        }
    }

    /// The connection to a peer broke.
    pub(crate) fn lost(&mut self, node: NodeId) {
        if let Some(sight) = self.peers.get_mut(&node) {
            (sight.answers, sight.healthy_since) = (false, None);
        }
    }

    /// A tick of a leader.
    pub(crate) fn look(&mut self, glance: &Glance) {
        let now = glance.now;
        if self.looked_at.is_none_or(|last| now.saturating_sub(last) > glance.silence_ms) {
            let in_flight = self.in_flight.take();
            *self = Self { in_flight, quiet_until: self.quiet_until, ..Self::default() };
        }
        self.looked_at = Some(now);
        self.commits.push_back((now, glance.commit));
        let then = now.saturating_sub(glance.lag_ms);
        while self.commits.get(1).is_some_and(|(at, _)| *at <= then) {
            self.commits.pop_front();
        }
        let due = self.commits.front().filter(|(at, _)| *at <= then).map(|(_, commit)| *commit);
        self.peers.retain(|node, _| glance.others.contains_key(node));
        for (node, matched) in glance.others {
            let unseen = Sight { sign: now, answers: false, healthy_since: None };
            let sight = self.peers.entry(*node).or_insert(unseen);
            sight.answers &= now.saturating_sub(sight.sign) <= glance.lag_ms;
            if sight.answers && due.is_some_and(|due| *matched >= due) {
                sight.healthy_since.get_or_insert(now);
            } else {
                sight.healthy_since = None;
            }
        }
        if self.reaches_majority(glance) {
            self.contact_since.get_or_insert(now);
        } else {
            self.contact_since = None;
        }
    }

    fn reaches_majority(&self, glance: &Glance) -> bool {
        let heard = |node: &NodeId| {
            let sight = self.peers.get(node);
            *node == glance.leader
                || sight
                    .is_some_and(|sight| sight.answers && glance.now.saturating_sub(sight.sign) <= glance.silence_ms)
        };
        let majority = |voters: &[NodeId]| {
            let voters: BTreeSet<NodeId> = voters.iter().copied().collect();
            voters.is_empty() || voters.iter().filter(|node| heard(node)).count() > voters.len() / 2
        };
        glance.voters.into_iter().all(majority)
    }

    /// Since when a majority answers.
    pub(crate) fn contact_since(&self) -> Option<u64> {
        self.contact_since
    }

    /// Since when a peer is silent, and since when it is healthy.
    pub(crate) fn of(&self, node: NodeId) -> (Option<u64>, Option<u64>) {
        let Some(sight) = self.peers.get(&node) else { return (None, None) };
        ((!sight.answers).then_some(sight.sign), sight.healthy_since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAG: u64 = 100;
    const SILENCE: u64 = 400;

    struct Leader {
        watch: Watch,
        now: u64,
        commit: u64,
        others: BTreeMap<NodeId, u64>,
    }

    impl Leader {
        fn new() -> Self {
            Self { watch: Watch::default(), now: 0, commit: 0, others: [(2, 0), (3, 0)].into() }
        }

        /// Ticks of 20 ms, in each of which these are heard and hold everything.
        fn ticks(&mut self, count: u64, heard: &[NodeId]) {
            for _ in 0..count {
                self.now += 20;
                for node in heard {
                    self.watch.heard(*node, self.now);
                    self.others.insert(*node, self.commit);
                }
                self.look();
            }
        }

        fn look(&mut self) {
            self.watch.look(&Glance {
                now: self.now,
                voters: [&[1, 2, 3], &[]],
                others: &self.others,
                leader: 1,
                commit: self.commit,
                silence_ms: SILENCE,
                lag_ms: LAG,
            });
        }
    }

    #[test]
    fn a_new_leader_has_seen_nobody_healthy_and_nobody_silent() {
        let mut leader = Leader::new();
        leader.ticks(1, &[2, 3]);
        assert_eq!(leader.watch.of(2), (Some(20), None), "it was not looked for before");
        leader.ticks(1, &[2, 3]);
        assert_eq!(leader.watch.of(2), (None, None));
        assert_eq!(leader.watch.contact_since(), Some(40));
        leader.ticks(4, &[2, 3]);
        assert_eq!(
            leader.watch.of(2),
            (None, Some(120)),
            "healthy once there is a commit of a while ago to compare with"
        );
    }

    #[test]
    fn who_is_behind_what_was_committed_a_while_ago_is_not_healthy() {
        let mut leader = Leader::new();
        leader.ticks(10, &[2, 3]);
        leader.commit = 50;
        leader.others.insert(3, 49);
        for _ in 0..10 {
            leader.now += 20;
            leader.watch.heard(2, leader.now);
            leader.watch.heard(3, leader.now);
            leader.others.insert(2, 50);
            leader.look();
        }
        assert_eq!(leader.watch.of(3), (None, None), "it answers, and is behind");
        assert!(leader.watch.of(2).1.is_some());
        leader.ticks(1, &[2, 3]);
        assert_eq!(leader.watch.of(3), (None, Some(leader.now)), "from now on");
    }

    #[test]
    fn silence_counts_from_the_last_sign() {
        let mut leader = Leader::new();
        leader.ticks(10, &[2, 3]);
        let last = leader.now;
        leader.ticks(6, &[2]);
        assert_eq!(leader.watch.of(3), (Some(last), None));
        assert!(leader.watch.contact_since().is_some(), "two of three are a majority");
        leader.ticks(30, &[]);
        assert_eq!(leader.watch.contact_since(), None);
        leader.watch.heard(3, leader.now);
        assert_eq!(leader.watch.of(3).0, None);
        leader.watch.lost(3);
        assert_eq!(leader.watch.of(3).0, Some(leader.now));
    }

    #[test]
    fn a_leader_that_stood_still_begins_anew() {
        let mut leader = Leader::new();
        leader.ticks(20, &[2, 3]);
        leader.now += 600_000;
        // Node 2 is heard at once, node 3 is still on its way: it was not away for ten minutes.
        leader.watch.heard(2, leader.now);
        leader.look();
        assert_eq!(leader.watch.of(3), (Some(leader.now), None));
        assert_eq!(leader.watch.contact_since(), None);
    }
}
