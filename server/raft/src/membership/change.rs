//! One change of the membership.

use std::collections::BTreeSet;

use raft::eraftpb::{ConfChangeSingle, ConfChangeType, ConfChangeV2, ConfState};

use super::{
    Observations, Place,
    words::{list, nodes},
};
use crate::NodeId;

/// A voter that gives up its vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dismissed {
    /// Which.
    pub node: NodeId,
    /// It leaves the cluster for good; else it stays as a learner.
    pub leaves: bool,
}

/// What is to be done. Everything but a hand-over is one entry of the log: one with several steps passes through a joint
/// configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Leadership goes to this voter, because the leader is not to lead any more.
    HandOver {
        /// The next leader.
        to: NodeId,
    },
    /// A node that was enrolled becomes a learner.
    Admit {
        /// Which.
        node: NodeId,
    },
    /// Spares become voters: two, or one where the number of voters is even.
    Promote {
        /// Which.
        nodes: Vec<NodeId>,
    },
    /// A voter gives its vote to a spare.
    Swap {
        /// Who gives it up.
        out: Dismissed,
        /// Who gets it.
        into: NodeId,
    },
    /// Voters give up their votes to nobody: two, or one where the number of voters is even.
    Shrink {
        /// Which.
        out: Vec<Dismissed>,
    },
    /// A learner leaves the cluster for good.
    Remove {
        /// Which.
        node: NodeId,
    },
}

/// A step of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Voter(NodeId),
    Learner(NodeId),
    Out(NodeId),
}

impl Dismissed {
    fn step(self) -> Step {
        if self.leaves { Step::Out(self.node) } else { Step::Learner(self.node) }
    }
}

impl Change {
    fn steps(&self) -> Vec<Step> {
        match self {
            Self::HandOver { .. } => Vec::new(),
            Self::Admit { node } => vec![Step::Learner(*node)],
            Self::Promote { nodes } => nodes.iter().copied().map(Step::Voter).collect(),
            Self::Swap { out, into } => vec![Step::Voter(*into), out.step()],
            Self::Shrink { out } => out.iter().copied().map(Dismissed::step).collect(),
            Self::Remove { node } => vec![Step::Out(*node)],
        }
    }

    /// The voters after this change of `before`.
    #[must_use]
    pub fn voters_after(&self, before: &BTreeSet<NodeId>) -> BTreeSet<NodeId> {
        let mut after = before.clone();
        for step in self.steps() {
            match step {
                Step::Voter(node) => after.insert(node),
                Step::Learner(node) | Step::Out(node) => after.remove(&node),
            };
        }
        after
    }

    /// What is seen once this is done, if nothing else happens meanwhile.
    #[must_use]
    pub fn made_in(&self, seen: &Observations) -> Observations {
        let mut after = seen.clone();
        if let Self::HandOver { to } = self {
            // The one that led answers and holds everything.
            if let Some(before) = after.nodes.get_mut(&seen.leader) {
                (before.silent_since, before.healthy_since) = (None, Some(0));
            }
            after.leader = *to;
        }
        for step in self.steps() {
            let (node, place) = match step {
                Step::Voter(node) => (node, Place::Voter),
                Step::Learner(node) => (node, Place::Learner),
                Step::Out(node) => {
                    after.nodes.remove(&node);
                    continue;
                }
            };
            if let Some(seen) = after.nodes.get_mut(&node) {
                seen.place = place;
            }
        }
        after
    }

    /// The nodes it is about.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeId> {
        if let Self::HandOver { to } = self {
            return vec![*to];
        }
        let node = |step| match step {
            Step::Voter(node) | Step::Learner(node) | Step::Out(node) => node,
        };
        self.steps().into_iter().map(node).collect()
    }

    /// As an entry of the log; `None` where it is none.
    #[must_use]
    pub fn entry(&self) -> Option<ConfChangeV2> {
        let single = |step| {
            let (kind, node_id) = match step {
                Step::Voter(node) => (ConfChangeType::AddNode, node),
                Step::Learner(node) => (ConfChangeType::AddLearnerNode, node),
                Step::Out(node) => (ConfChangeType::RemoveNode, node),
            };
            let mut single = ConfChangeSingle { node_id, ..ConfChangeSingle::default() };
            single.set_change_type(kind);
            single
        };
        let changes: Vec<ConfChangeSingle> = self.steps().into_iter().map(single).collect();
        (!changes.is_empty()).then(|| ConfChangeV2 { changes, ..ConfChangeV2::default() })
    }

    /// Whether a configuration shows this change done, or entered where that takes two entries.
    #[must_use]
    pub fn is_in(&self, conf_state: &ConfState) -> bool {
        let ConfState { voters, learners, learners_next, .. } = conf_state;
        self.steps().into_iter().all(|step| match step {
            Step::Voter(node) => voters.contains(&node),
            Step::Learner(node) => learners.contains(&node) || learners_next.contains(&node),
            Step::Out(node) => [voters, learners, learners_next].into_iter().all(|members| !members.contains(&node)),
        })
    }

    /// What happens, for a person.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::HandOver { to } => format!("leadership is handed to node {to}"),
            Self::Admit { node } => format!("node {node} joins as a learner"),
            Self::Promote { nodes: promoted } => match promoted.as_slice() {
                [one] => format!("node {one} becomes a voter"),
                several => format!("{} become voters", nodes(several)),
            },
            Self::Swap { out: Dismissed { node, leaves: false }, into } => {
                format!("node {into} votes in the place of node {node}, which stays as a learner")
            }
            Self::Swap { out: Dismissed { node, leaves: true }, into } => {
                format!("node {into} votes in the place of node {node}, which leaves the cluster")
            }
            Self::Shrink { out } => {
                let sentences = out.iter().map(|Dismissed { node, leaves }| {
                    let then = if *leaves { "leaves the cluster" } else { "votes no more and stays as a learner" };
                    format!("node {node} {then}")
                });
                list(&sentences.collect::<Vec<_>>())
            }
            Self::Remove { node } => format!("node {node} leaves the cluster"),
        }
    }
}
