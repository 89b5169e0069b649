//! Observations at a moment, under settings: what follows from them for each node.

use std::{cmp::Reverse, collections::BTreeSet};

use super::{Dismissed, Observations, Place, Seen, Settings, Wish};
use crate::{
    NodeId,
    mutation::{Mutation, mutated},
};

/// See the module's text.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) seen: &'a Observations,
    pub(super) settings: &'a Settings,
    pub(super) now: u64,
}

impl View<'_> {
    fn node(&self, node: NodeId) -> Option<&Seen> {
        self.seen.nodes.get(&node)
    }

    /// It answers and is not behind. The leader itself always is.
    pub(super) fn healthy(&self, node: NodeId) -> bool {
        let since = self.node(node).and_then(|seen| seen.healthy_since);
        node == self.seen.leader || since.is_some_and(|since| since <= self.now)
    }

    /// For how long it has not answered; 0 while it does.
    pub(super) fn silent_ms(&self, node: NodeId) -> u64 {
        let since = self.node(node).and_then(|seen| seen.silent_since);
        if node == self.seen.leader { 0 } else { since.map_or(0, |since| self.now.saturating_sub(since)) }
    }

    /// It has been healthy for long enough to be given a vote.
    pub(super) fn ready(&self, node: NodeId) -> bool {
        self.ready_at(node).is_some_and(|at| at <= self.now)
    }

    /// When it will have been healthy for long enough, if it stays so.
    pub(super) fn ready_at(&self, node: NodeId) -> Option<u64> {
        let since = self.node(node)?.healthy_since?;
        Some(since.saturating_add(self.settings.ready_ms))
    }

    /// Voters and learners.
    pub(super) fn members(&self) -> usize {
        self.seen.at(Place::Voter).count() + self.seen.at(Place::Learner).count()
    }

    /// Learners that may be given a vote, the one that has been healthy for the longest first.
    pub(super) fn spares(&self) -> Vec<NodeId> {
        let fit = |node: &NodeId| self.seen.wish(*node) == Wish::Stay && self.ready(*node);
        let mut spares: Vec<NodeId> = self.seen.at(Place::Learner).filter(fit).collect();
        spares.sort_by_key(|node| (self.ready_at(*node), *node));
        spares
    }

    /// Voters, the leader apart, that should not vote: offline ones first, then those that are to leave, then drained ones.
    pub(super) fn unwanted(&self) -> Vec<NodeId> {
        let mut unwanted: Vec<NodeId> = self.seen.at(Place::Voter).filter(|node| self.is_unwanted(*node)).collect();
        unwanted.sort_by_key(|node| {
            (!self.offline(*node), self.seen.wish(*node) != Wish::Leave, Reverse(self.silent_ms(*node)), *node)
        });
        unwanted
    }

    fn is_unwanted(&self, node: NodeId) -> bool {
        let leads = node == self.seen.leader && !mutated(Mutation::LeaderDismissed);
        !leads && (self.offline(node) || self.seen.wish(node) != Wish::Stay)
    }

    fn offline(&self, node: NodeId) -> bool {
        self.silent_ms(node) >= self.settings.replace_ms && !self.healthy(node)
    }

    /// Who gives up its vote together with `node`, so that the number of voters stays odd: another one that should not vote;
    /// where an operator removes `node`, anyone, a sick one first.
    pub(super) fn partner(&self, node: NodeId) -> Option<NodeId> {
        let unwanted = self.unwanted().into_iter().find(|other| *other != node);
        let anyone = || {
            let others = self.seen.at(Place::Voter).filter(|other| *other != node && *other != self.seen.leader);
            others.min_by_key(|other| (self.healthy(*other), Reverse(*other)))
        };
        unwanted.or_else(|| (self.seen.wish(node) == Wish::Leave).then(anyone).flatten())
    }

    /// The voter that should lead after this leader: a healthy one that is to stay, with most of the log.
    pub(super) fn successor(&self) -> Option<NodeId> {
        let fit =
            |node: &NodeId| *node != self.seen.leader && self.healthy(*node) && self.seen.wish(*node) == Wish::Stay;
        let matched = |node: NodeId| self.node(node).map_or(0, |seen| seen.matched);
        self.seen.at(Place::Voter).filter(fit).max_by_key(|node| (matched(*node), Reverse(*node)))
    }

    /// How a voter gives up its vote.
    pub(super) fn dismissed(&self, node: NodeId) -> Dismissed {
        Dismissed { node, leaves: self.seen.wish(node) == Wish::Leave }
    }

    /// The healthy ones among some nodes.
    pub(super) fn healthy_of(&self, nodes: &BTreeSet<NodeId>) -> BTreeSet<NodeId> {
        nodes.iter().copied().filter(|node| self.healthy(*node)).collect()
    }
}
