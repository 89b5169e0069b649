//! Linearizable reads by `ReadIndex`: one round to the leader at a time, which answers every read that was waiting when it
//! began; all that arrive meanwhile share the next.
//!
//! raft-rs drops a request in silence when there is no leader, or when the leader has not committed in its term yet (trap
//! 11), and collapses equal contexts (trap 12). So a round without an answer is asked again under a new context, each
//! context is used once, and a read is answered only when the state machine has reached its point (trap 14).

use std::collections::BTreeMap;

use crate::{
    NodeId, Refused, Reply, RequestId,
    mutation::{Mutation, mutated},
};

/// A round under way: the contexts numbered from `first` on all belong to it, and any answer to one of them is a read
/// point for all its reads, since each was asked for after they arrived.
#[derive(Debug)]
struct Round {
    first: u64,
    reads: Vec<Waiting>,
    /// `None`: to be asked again at once.
    asked_at: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    id: RequestId,
    since: u64,
}

/// Reads on their way.
#[derive(Debug)]
pub(crate) struct Reads {
    node: NodeId,
    boot: u64,
    counter: u64,
    limit: usize,
    retry: u64,
    patience: u64,
    queue: Vec<Waiting>,
    round: Option<Round>,
    /// Reads that have their point and wait until it is applied.
    points: BTreeMap<u64, Vec<Waiting>>,
    waiting_for_apply: usize,
    leaderless_since: Option<u64>,
}

impl Reads {
    /// `boot` differs between two starts of the same node, so that no old answer is taken for a new one.
    pub(crate) fn new(node: NodeId, boot: u64, limit: usize, retry: u64, patience: u64) -> Self {
        Self {
            node,
            boot,
            counter: 0,
            limit,
            retry,
            patience,
            queue: Vec::new(),
            round: None,
            points: BTreeMap::new(),
            waiting_for_apply: 0,
            leaderless_since: None,
        }
    }

    /// Reads without an answer.
    pub(crate) fn pending(&self) -> usize {
        self.queue.len() + self.waiting_for_apply + self.round.as_ref().map_or(0, |round| round.reads.len())
    }

    /// A read arrives.
    pub(crate) fn push(&mut self, id: RequestId, now: u64) -> Option<Reply> {
        if self.pending() >= self.limit {
            return Some(Reply::ReadRefused { id, why: Refused::Busy });
        }
        self.queue.push(Waiting { id, since: now });
        None
    }

    /// The context to ask the leader with now, if it is time to ask. `reachable` says that there is a leader that could
    /// answer, as far as this node knows.
    pub(crate) fn ask(&mut self, reachable: bool, now: u64) -> Option<Vec<u8>> {
        if !reachable {
            return None;
        }
        match &mut self.round {
            Some(_) if mutated(Mutation::ReadsNotRepeated) => return None,
            Some(round) if round.asked_at.is_some_and(|asked| now.saturating_sub(asked) < self.retry) => return None,
            Some(round) => round.asked_at = Some(now),
            None if self.queue.is_empty() => return None,
            None => {
                let reads = std::mem::take(&mut self.queue);
                self.round = Some(Round { first: self.counter + 1, reads, asked_at: Some(now) });
            }
        }
        self.counter += 1;
        let number = if mutated(Mutation::EqualReadContexts) { u64::MAX } else { self.counter };
        let parts = [self.node, self.boot, number];
        Some(parts.iter().flat_map(|part| part.to_be_bytes()).collect())
    }

    /// The leader changed: what was asked of the old one is lost, ask the new one at once.
    pub(crate) fn leader_changed(&mut self) {
        if let Some(round) = &mut self.round {
            round.asked_at = None;
        }
    }

    /// The leader answered.
    pub(crate) fn confirmed(&mut self, context: &[u8], index: u64) {
        let mut parts = context.chunks_exact(8).map(|part| u64::from_be_bytes(part.try_into().expect("eight bytes")));
        let ours = parts.next() == Some(self.node) && parts.next() == Some(self.boot);
        let Some(number) = parts.next().filter(|_| ours) else { return };
        if let Some(round) = self.round.take_if(|round| number >= round.first) {
            self.waiting_for_apply += round.reads.len();
            self.points.entry(index).or_default().extend(round.reads);
        }
    }

    /// The state machine has applied up to `applied`: the reads that may go ahead.
    pub(crate) fn applied(&mut self, applied: u64) -> Vec<Reply> {
        let mut replies = Vec::new();
        while let Some(point) =
            self.points.first_entry().filter(|point| *point.key() <= applied || mutated(Mutation::ReadsNotAwaited))
        {
            let (index, reads) = point.remove_entry();
            self.waiting_for_apply -= reads.len();
            replies.extend(reads.into_iter().map(|read| Reply::ReadReady { id: read.id, index }));
        }
        replies
    }

    /// Refuses what has waited too long: without a leader for that long, or for twice as long whatever the reason. One that
    /// has its point waits for entries, which may never come to a node that hears nobody any more.
    pub(crate) fn expire(&mut self, leader: NodeId, now: u64) -> Vec<Reply> {
        let leaderless = if leader == 0 { Some(*self.leaderless_since.get_or_insert(now)) } else { None };
        self.leaderless_since = leaderless;
        let patience = self.patience;
        let late = |read: &Waiting| {
            let waited = now.saturating_sub(read.since);
            let alone = leaderless.is_some_and(|since| now.saturating_sub(since) >= patience);
            waited >= 2 * patience || (waited >= patience && alone)
        };
        let mut refused = Vec::new();
        let mut sift = |reads: &mut Vec<Waiting>| {
            refused.extend(reads.extract_if(.., |read| late(read)).map(|read| read.id));
        };
        sift(&mut self.queue);
        if let Some(round) = &mut self.round {
            sift(&mut round.reads);
        }
        self.round.take_if(|round| round.reads.is_empty());
        if !mutated(Mutation::ReadsWaitForever) {
            self.points.values_mut().for_each(&mut sift);
            self.points.retain(|_, reads| !reads.is_empty());
            self.waiting_for_apply = self.points.values().map(Vec::len).sum();
        }
        refused.into_iter().map(|id| Reply::ReadRefused { id, why: Refused::NotLeader { leader } }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads() -> Reads {
        Reads::new(1, 77, 3, 500, 1_000)
    }

    #[test]
    fn reads_that_arrive_during_a_round_share_the_next() {
        let mut reads = reads();
        assert_eq!(reads.push(10, 0), None);
        let first = reads.ask(true, 0).unwrap();
        reads.push(11, 1);
        reads.push(12, 2);
        assert_eq!(reads.ask(true, 3), None, "one round at a time");
        assert_eq!(reads.push(13, 3), Some(Reply::ReadRefused { id: 13, why: Refused::Busy }));
        reads.confirmed(&first, 5);
        assert_eq!(reads.applied(4), vec![], "trap 14: not before its point is applied");
        assert_eq!(reads.applied(5), vec![Reply::ReadReady { id: 10, index: 5 }]);
        let second = reads.ask(true, 4).unwrap();
        assert_ne!(first, second, "trap 12: no context twice");
        reads.confirmed(&first, 6);
        assert_eq!(reads.applied(9), vec![], "an answer to the first round says nothing about the second");
        reads.confirmed(&second, 7);
        assert_eq!(reads.applied(9).len(), 2);
        assert_eq!(reads.pending(), 0);
    }

    #[test]
    fn trap_11_a_lost_round_is_asked_again() {
        let mut reads = reads();
        reads.push(1, 0);
        assert_eq!(reads.ask(false, 0), None);
        let first = reads.ask(true, 10).unwrap();
        assert_eq!(reads.ask(true, 509), None);
        let again = reads.ask(true, 510).unwrap();
        assert_ne!(first, again);
        reads.confirmed(&first, 3);
        assert_eq!(reads.applied(3).len(), 1, "a late answer serves as well");
        reads.confirmed(&again, 4);
        assert_eq!(reads.applied(9), vec![]);
    }

    #[test]
    fn a_change_of_leader_asks_at_once() {
        let mut reads = reads();
        reads.push(1, 1_000);
        reads.ask(true, 1_000).unwrap();
        reads.leader_changed();
        assert!(reads.ask(true, 1_001).is_some());
    }

    #[test]
    fn reads_are_refused_when_no_leader_is_known_for_too_long() {
        let mut reads = reads();
        reads.push(1, 0);
        assert_eq!(reads.expire(0, 0), vec![]);
        assert_eq!(reads.expire(0, 999), vec![]);
        assert_eq!(reads.expire(0, 1_000), vec![Reply::ReadRefused { id: 1, why: Refused::NotLeader { leader: 0 } }]);
        reads.push(2, 1_000);
        reads.ask(true, 1_000);
        assert_eq!(reads.expire(3, 2_999), vec![]);
        assert_eq!(reads.expire(3, 3_000), vec![Reply::ReadRefused { id: 2, why: Refused::NotLeader { leader: 3 } }]);
        assert_eq!(reads.pending(), 0);
    }

    #[test]
    fn a_read_whose_point_is_never_applied_is_refused_in_the_end() {
        let mut reads = reads();
        reads.push(1, 0);
        let context = reads.ask(true, 0).unwrap();
        reads.confirmed(&context, 9);
        assert_eq!(reads.expire(3, 1_999), vec![]);
        assert_eq!(reads.expire(3, 2_000), vec![Reply::ReadRefused { id: 1, why: Refused::NotLeader { leader: 3 } }]);
        assert_eq!((reads.pending(), reads.applied(9)), (0, vec![]));
    }

    #[test]
    fn an_answer_to_an_earlier_life_of_the_node_is_ignored() {
        let mut old = Reads::new(1, 76, 3, 500, 1_000);
        old.push(1, 0);
        let context = old.ask(true, 0).unwrap();
        let mut reads = reads();
        reads.push(1, 0);
        reads.ask(true, 0);
        reads.confirmed(&context, 9);
        reads.confirmed(b"short", 9);
        assert_eq!(reads.applied(9), vec![]);
    }
}
