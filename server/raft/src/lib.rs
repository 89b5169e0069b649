//! lectern-raft

mod agreement;
mod clock;
mod codec;
mod compaction;
mod config;
mod dice;
mod disk;
mod effect;
mod error;
mod fetches;
mod format;
mod hello;
mod input;
mod inputs;
mod log;
mod peers;
mod proposals;
mod reads;
mod ready;
mod replica;
pub mod sim;
mod snapshots;
mod spans;
mod status;
mod storage;
mod transfer;
mod writes;

pub use clock::ClockVerdict;
pub use codec::{decode_conf_state, encode_conf_state};
pub use config::Config;
pub use disk::{Batch, Disk, DiskError, Op};
pub use effect::{Committed, CommittedKind, Effect, Persist, Refused, Reply, Role, RoleChange};
pub use error::OpenError;
pub use hello::Hello;
pub use input::{Input, RequestId, SnapshotMeta};
pub use log::{Applied, Identity, found, founding_state, load_identity, state_directory};
pub use raft::eraftpb;
pub use replica::Replica;
pub(crate) use replica::members;
pub use status::{PeerProgress, PeerStatus, Sending, Status};

/// A member's number: never 0, never reused.
pub type NodeId = u64;
