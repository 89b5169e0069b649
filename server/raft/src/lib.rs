//! The replica of Lectern's course store: one node's part of a Raft group, as a state machine that does nothing by itself.
//!
//! # What it is
//!
//! A [`Replica`] is told what happened ([`Input`]) and when, and answers with what is to be done ([`Effect`]), in order:
//!
//! ```text
//!   ticks, messages, proposals, reads            messages to send, replies
//!   "write 7 is durable"            →  step  →   "write this, sync it, say 7"
//!   "applied up to 42"                           "apply these entries"
//! ```
//!
//! It has no clock, thread, socket, file or random source. The server drives it with threads, `RocksDB` and gRPC; the
//! simulator ([`sim`]) drives the same code with disks that forget and networks that lie, from a seed. The consensus
//! itself is raft-rs; this crate is everything a user of raft-rs must get right around it: the log on its disk, the order
//! of writing and speaking, reads, proposals, membership entries, snapshots, compaction, handshakes.
//!
//! # How it is laid out
//!
//! | file | is about |
//! |---|---|
//! | `replica.rs` | the replica: opening it, a step, what changed |
//! | `inputs.rs`, `transfer.rs` | what each input does |
//! | `ready.rs` | turning raft-rs's Readies into effects |
//! | `writes.rs` | holding words back until they are durable |
//! | `log.rs`, `spans.rs`, `format.rs`, `storage.rs`, `fetches.rs` | the log: in memory, on disk, as raft-rs sees it |
//! | `proposals.rs`, `reads.rs` | what clients wait for |
//! | `snapshots.rs`, `compaction.rs` | followers the log no longer reaches |
//! | `peers.rs`, `clock.rs`, `agreement.rs` | whom to believe |
//! | `membership/`, `recovery.rs` | who takes part, and how a lost majority is got over |
//! | `sim/` | the simulator |
//! | `mutation.rs` | mistakes made on purpose, to see that the tests catch them |
//!
//! # Invariants
//!
//! - **Determinism.** Equal inputs at equal times on equal disks yield equal effects. Election timeouts are a function of
//!   the seed, the node and its history; nothing iterates over a hash map.
//! - **Durable before said.** A vote, an acknowledgement and a welcome leave only after the write they depend on is
//!   confirmed by [`Input::Persisted`]. A leader's own messages promise nothing and leave at once.
//! - **One batch, whole or not at all.** Replacing a tail, giving up a prefix and installing a snapshot are one atomic
//!   batch each; no other write is under way while a snapshot replaces the log.
//! - **Applied in order, each once.** Entries are handed out contiguously, committed and durable on this node first. A
//!   configuration is in effect in raft before it is handed out, and is part of the same batch as `applied`.
//! - **No proposal is forwarded, guessed or forgotten.** Each ends in exactly one of: handed out with its
//!   [`Committed::proposal`], [`Reply::ProposalRefused`], [`Reply::OutcomeUnknown`], or the end of the process.
//! - **No read without its point.** A read is answered after the state machine reached an index that the leader confirmed
//!   after the read arrived. No lease is used.
//! - **Membership by one decision.** A settled leader changes the configuration by one pure function of what it sees, one change at
//!   a time, never below three voters, and never so that the healthy voters left could not finish it alone ([`membership`]).
//! - **Bounded.** Every queue has a limit in [`Config`], and says [`Refused::Busy`] there.
//! - **Loud.** What cannot be repaired stops the node with a sentence for a person ([`Effect::Stop`], [`OpenError`]).
//!
//! # A shell
//!
//! What a synchronous shell does, whole; a threaded one moves `Persist` and `Apply` elsewhere and reports later:
//!
//! ```
//! use lectern_raft::{Config, Disk, Effect, Hello, Input, Replica, found, founding_state, sim::SimDisk};
//!
//! let hello = Hello { cluster_id: "c1".into(), epoch: 1, node: 1, incarnation: "made once".into() };
//! let disk = SimDisk::new();
//! found(&disk, &hello, &[1])?;
//! let applied = founding_state(&disk)?;
//! let logger = slog::Logger::root(slog::Discard, slog::o!());
//! let (mut replica, mut effects) = Replica::open(Config::new(hello), disk.clone(), applied, 7, &logger, 0)?;
//!
//! let mut inputs = vec![Input::Propose { id: 1, data: b"hello".to_vec() }];
//! let mut log = Vec::new();
//! loop {
//!     for effect in effects.drain(..) {
//!         match effect {
//!             Effect::Persist(persist) => {
//!                 disk.write(&persist.batch)?;
//!                 disk.sync()?;
//!                 inputs.push(Input::Persisted(persist.number));
//!             }
//!             Effect::Apply(entries) => {
//!                 inputs.extend(entries.last().map(|last| Input::Applied { index: last.index }));
//!                 log.extend(entries);
//!             }
//!             _ => {} // a cluster of one has nobody to talk to
//!         }
//!     }
//!     if inputs.is_empty() {
//!         break;
//!     }
//!     effects = replica.step(inputs.drain(..), 0);
//! }
//! assert!(log.iter().any(|entry| entry.proposal == Some(1)));
//! assert!(replica.status().ready);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
mod look;
pub mod membership;
#[cfg(not(feature = "mutations"))]
mod mutation;
#[cfg(feature = "mutations")]
pub mod mutation;
mod peers;
mod proposals;
mod reads;
mod ready;
mod recovery;
mod replica;
pub mod sim;
mod snapshots;
mod spans;
mod status;
mod storage;
mod transfer;
mod writes;

pub use clock::ClockVerdict;
pub use codec::{decode_conf_state, describe_message, encode_conf_state};
pub use config::Config;
pub use disk::{Batch, Disk, DiskError, Op, Record};
pub use effect::{Committed, CommittedKind, Effect, Persist, Refused, Reply, Role, RoleChange};
pub use error::OpenError;
pub use hello::{Greeting, Hello, TurnedAway};
pub use input::{Input, RequestId, SnapshotMeta};
pub use log::{Applied, Identity, found, found_restored, founding_state, load_identity, read_entries, state_directory};
pub use look::{LogView, LookedAt, configuration_change, look, look_at_entries};
pub use raft::eraftpb;
pub use recovery::{Prospect, Recovery, finish_recovery, prospect, recover};
pub use replica::Replica;
pub(crate) use replica::members;
pub use status::{PeerProgress, PeerStatus, Sending, Status};

/// A member's number: never 0, never reused.
pub type NodeId = u64;
