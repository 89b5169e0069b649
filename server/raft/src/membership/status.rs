//! Everyone who belongs to the cluster, as one node sees them, for people.

use std::collections::BTreeSet;

use raft::eraftpb::ConfState;

use super::{Outlook, Upcoming, Wish, outlook};
use crate::{Disk, NodeId, Replica, members};

/// How a node belongs to the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It votes.
    Voter,
    /// It is sent everything and does not vote.
    Learner,
    /// It has a number and is about to become a learner, or is about to become a voter while the configuration is joint.
    Joining,
    /// It is to leave the cluster, or about to lose its vote while the configuration is joint.
    Leaving,
}

/// A node of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberStatus {
    /// Which.
    pub node: NodeId,
    /// How it belongs.
    pub standing: Standing,
    /// An operator has drained it: it does not lead, and gives up its vote when it can.
    pub drained: bool,
    /// For how many milliseconds it has not answered, `None` while it does; only a leader knows.
    pub silent_ms: Option<u64>,
    /// It has been silent for so long that people should look after it; only a leader knows.
    pub degraded: bool,
    /// For how many milliseconds it has answered and not been behind, `None` while it does not or is; only a leader knows.
    pub healthy_ms: Option<u64>,
    /// What happens to it next and when, or what is in the way: "becomes a voter in 6 s", "offline 1:12; replaced at 5:00 if a
    /// spare is healthy". Empty where there is nothing to say, and at nodes that do not lead.
    pub next: String,
}

/// See [`Replica::membership_status`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembershipStatus {
    /// Everyone who belongs to the cluster or is to join it, in order, this node included.
    pub members: Vec<MemberStatus>,
    /// The next change, if everybody stays as they are; only a leader knows.
    pub next_change: Option<Upcoming>,
}

impl<D: Disk> Replica<D> {
    /// Everyone, and what will happen to them. It looks ahead, which takes longer than [`Replica::status`]: for people, about
    /// once a second.
    #[must_use]
    pub fn membership_status(&self) -> MembershipStatus {
        let Outlook { next, nodes } = self.outlook();
        let all: BTreeSet<NodeId> = members(&self.conf_state).into_iter().chain(self.to_admit()).collect();
        let member = |node| self.member(node, nodes.get(&node).cloned().unwrap_or_default());
        MembershipStatus { members: all.into_iter().map(member).collect(), next_change: next }
    }

    fn member(&self, node: NodeId, next: String) -> MemberStatus {
        let watched = self.role.ready && node != self.config.node;
        let (silent_since, healthy_since) = if watched { self.watch.of(node) } else { (None, None) };
        let ago = |since: u64| self.now.saturating_sub(since);
        let silent_ms = silent_since.map(ago);
        MemberStatus {
            node,
            standing: self.standing(node),
            drained: self.roster.wish(node) == Wish::Drained,
            silent_ms,
            degraded: silent_ms.is_some_and(|silent| silent >= self.config.membership.degraded_ms),
            healthy_ms: healthy_since.map(ago),
            next,
        }
    }

    fn standing(&self, node: NodeId) -> Standing {
        let ConfState { voters, voters_outgoing, learners, learners_next, .. } = &self.conf_state;
        let joint = !voters_outgoing.is_empty();
        let (votes, outgoing) = (voters.contains(&node), voters_outgoing.contains(&node));
        if self.roster.wish(node) == Wish::Leave || (joint && outgoing && !votes) {
            Standing::Leaving
        } else if votes && (!joint || outgoing) {
            Standing::Voter
        } else if learners.contains(&node) || learners_next.contains(&node) {
            Standing::Learner
        } else {
            Standing::Joining
        }
    }

    /// Nothing is known of what comes by a node that does not lead.
    fn outlook(&self) -> Outlook {
        if !self.role.ready {
            return Outlook::default();
        }
        outlook(&self.observations(), &self.config.membership, self.now)
    }
}
