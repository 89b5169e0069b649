//! lectern-raft

mod disk;
mod effect;
mod hello;
mod input;

pub use disk::{Batch, Disk, DiskError, Op};
pub use effect::{Committed, CommittedKind, Effect, Persist, Refused, Reply, Role, RoleChange};
pub use hello::Hello;
pub use input::{Input, RequestId, SnapshotMeta};

/// A member's number: never 0, never reused.
pub type NodeId = u64;
