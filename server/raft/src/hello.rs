//! How nodes introduce themselves, and what a refusal says.

use crate::NodeId;

/// Who a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Which cluster it belongs to.
    pub cluster_id: String,
    /// Raised when a lost majority is recovered; older epochs are refused.
    pub epoch: u64,
    /// Who it is.
    pub node: NodeId,
    /// Made once, when its disk was founded: a wiped node that comes back has another one (trap 6).
    pub incarnation: String,
}

/// What a node says when a stream opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// Who it is.
    pub hello: Hello,
    /// The entry up to which it knows the configuration, [`crate::Status::configured_at`] …
    pub configured_at: u64,
    /// … and whether it is a member there.
    pub member: bool,
    /// Its log reaches durably up to here, [`crate::Status::durable_index`].
    pub durable: u64,
    /// It has accepted this node's own hello: it answered with a welcome.
    pub welcomed: bool,
}

/// Why a hello was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnedAway {
    /// For a person: what is wrong and what to do.
    pub reason: String,
    /// The node was removed from the cluster for good: it is to stop (trap 20).
    pub removed: bool,
}
