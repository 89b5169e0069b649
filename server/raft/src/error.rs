//! Why a log could not be founded or opened: what happened, and what to do.

use crate::{DiskError, Hello, NodeId};

/// Why a log could not be founded or opened. Each text is for the person who starts the node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The disk itself failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// There is no log here.
    #[error(
        "there is no log in this directory: found the node first (`lectern-server init`), or let it join a cluster (`lectern-server join`)"
    )]
    NotFounded,
    /// There is a log here already.
    #[error(
        "this directory already holds the log of node {} of cluster {:?}: start it, or name an empty directory", .0.node, .0.cluster_id
    )]
    AlreadyFounded(Hello),
    /// The list of founding voters makes no sense.
    #[error("a cluster cannot be founded so: {0}")]
    BadFounding(String),
    /// The disk belongs to another node.
    #[error(
        "the log belongs to {disk:?}, but the configuration says {configured:?}: correct the one that is wrong; never copy a log"
    )]
    OtherIdentity {
        /// What the disk was founded as.
        disk: Box<Hello>,
        /// What the configuration says.
        configured: Box<Hello>,
    },
    /// A record cannot be read.
    #[error(
        "the log's record {record} is damaged ({why}): remove this node from the cluster and let it join again under a new id"
    )]
    Corrupt {
        /// Which.
        record: String,
        /// How.
        why: String,
    },
    /// Entries known to be committed are gone (trap 27).
    #[error(
        "the log ends at entry {last}, but entry {commit} was committed here: it has lost its tail. Do not start this node; remove it \
         from the cluster and let it join again under a new id"
    )]
    LostTail {
        /// What the hard state says is committed.
        commit: u64,
        /// Where the log ends.
        last: u64,
    },
    /// The state has applied entries that the log does not hold (trap 5).
    #[error(
        "the state has applied entry {applied} (term {term}), which the log (entries {first} to {last}) does not hold: log and state do \
         not belong together, or the log has lost its tail. Remove this node and let it join again under a new id"
    )]
    AppliedAhead {
        /// The last applied entry.
        applied: u64,
        /// Its term.
        term: u64,
        /// Where the log begins.
        first: u64,
        /// Where the log ends.
        last: u64,
    },
    /// The log no longer holds the entries that the state needs (trap 24).
    #[error(
        "the state has applied entry {applied} only, but the log begins after entry {truncated}: the entries between are gone. Restore \
         the state directory the log names, or let the node join again under a new id"
    )]
    AppliedBehind {
        /// The last applied entry.
        applied: u64,
        /// The last entry the log has given up.
        truncated: u64,
    },
    /// A recovery was interrupted.
    #[error(
        "the recovery of node {0} was interrupted before it was complete: run `lectern-server recover` on it again before it is started"
    )]
    RecoveryUnfinished(NodeId),
    /// A recovery that makes no sense.
    #[error("node {node} cannot be recovered so: {why}")]
    BadRecovery {
        /// Which.
        node: NodeId,
        /// What is wrong and what to do.
        why: String,
    },
    /// A setting makes no sense.
    #[error("a setting of the replica makes no sense: {0}")]
    Config(String),
}

impl OpenError {
    pub(crate) fn corrupt(record: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Corrupt { record: record.into(), why: why.into() }
    }

    pub(crate) fn founding(node: NodeId, voters: &[NodeId]) -> Option<Self> {
        let mut sorted = voters.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let why = if node == 0 || voters.contains(&0) {
            "0 is no node's number".to_owned()
        } else if sorted.len() != voters.len() {
            "a voter is named twice".to_owned()
        } else if !voters.is_empty() && !voters.contains(&node) {
            format!("node {node} is not among the founding voters {voters:?}")
        } else {
            return None;
        };
        Some(Self::BadFounding(why))
    }
}
