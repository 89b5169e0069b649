//! Why a node could not do what a service asked of it.

use crate::store::StoreProblem;

/// Who leads, and where clients find them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leader {
    /// Its number.
    pub node_id: u64,
    /// Its advertised client address, HOST:PORT; empty while this node has not learned it.
    pub client_address: String,
    /// This very node.
    pub is_self: bool,
}

/// See the variants: each message says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// Another node takes writes. Nothing was done.
    #[error("this node does not lead; send the call to {}", leader_words(leader.as_ref()))]
    NotLeader {
        /// Who does, where known.
        leader: Option<Leader>,
    },
    /// No leader is known. Nothing was done.
    #[error("the cluster has no leader at the moment; try again in a second")]
    NoLeader,
    /// A leader is known, but no majority confirmed it in time. Nothing was done.
    #[error("no majority of the cluster answered in time; try again, and check the other nodes if this goes on")]
    NoQuorum,
    /// Too much is in flight. Nothing was done.
    #[error("the node is busy with too many calls; try again after a moment")]
    Busy,
    /// This node's clock is wrong, so it may not stamp. Nothing was done.
    #[error(
        "this node's clock is more than a second away from its peers', or has not been compared with theirs yet, so it takes \
         no writes; set its clock (NTP), or call another node"
    )]
    Clock,
    /// The call may or may not have taken effect.
    #[error(
        "leadership changed while the call was in the log: it may or may not take effect; repeat it with the same \
             idempotency key"
    )]
    OutcomeUnknown,
    /// One entry cannot hold it. Nothing was done.
    #[error("the request is too large for one entry of the log; send less at a time")]
    TooLarge,
    /// The node is going away. Nothing was done.
    #[error("this node is shutting down; call another one")]
    Stopping,
}

fn leader_words(leader: Option<&Leader>) -> String {
    match leader {
        Some(leader) if !leader.client_address.is_empty() => {
            format!("node {} at {}", leader.node_id, leader.client_address)
        }
        Some(leader) => format!("node {}", leader.node_id),
        None => "the leader once it is known".into(),
    }
}

/// A checkpoint could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointFailed {
    /// The node is going away.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The disk said no.
    #[error(transparent)]
    Store(#[from] StoreProblem),
}
