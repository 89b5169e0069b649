//! What a leader sees of the cluster: all that decisions about membership are made from.

use std::collections::{BTreeMap, BTreeSet};

use crate::NodeId;

/// Where a node stands in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It has a number, and is not in the configuration yet.
    Enrolled,
    /// It is sent everything and does not vote.
    Learner,
    /// It votes.
    Voter,
}

/// What the operators want of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wish {
    /// To take part.
    #[default]
    Stay,
    /// Not to lead, and to give its vote away when another can take it.
    Drained,
    /// To leave for good.
    Leave,
}

/// One node, as the leader sees it. Times are those of the leader's monotonic clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Where it stands.
    pub place: Place,
    /// What is wanted of it.
    pub wish: Wish,
    /// Since when it does not answer; `None` while it does.
    pub silent_since: Option<u64>,
    /// Since when it has answered without a break and was never behind; `None` while it does not answer or is behind.
    pub healthy_since: Option<u64>,
    /// The last entry known to be durable there.
    pub matched: u64,
}

/// What the leader sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observations {
    /// The leader, who is one of the voters.
    pub leader: NodeId,
    /// It has committed an entry of its own term.
    pub ready: bool,
    /// The configuration is joint.
    pub joint: bool,
    /// A change is in flight, leadership is being handed over, or one of these failed a moment ago.
    pub busy: bool,
    /// Since when a majority of the voters answers, without a break; `None` while it does not.
    pub contact_since: Option<u64>,
    /// Everyone: members, and those that are to become some.
    pub nodes: BTreeMap<NodeId, Seen>,
}

impl Observations {
    /// The voters.
    #[must_use]
    pub fn voters(&self) -> BTreeSet<NodeId> {
        self.at(Place::Voter).collect()
    }

    /// The nodes in this place, in order.
    pub(super) fn at(&self, place: Place) -> impl Iterator<Item = NodeId> + '_ {
        self.nodes.iter().filter(move |(_, seen)| seen.place == place).map(|(node, _)| *node)
    }

    /// What is wanted of a node.
    pub(super) fn wish(&self, node: NodeId) -> Wish {
        self.nodes.get(&node).map_or(Wish::Stay, |seen| seen.wish)
    }
}
