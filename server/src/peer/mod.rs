//! What nodes say to each other, on a listener of its own.
//!
//! Each node dials each other node and keeps one stream open to it: raft messages go out on it in order, urgent ones
//! (heartbeats, votes) ahead of bulk. A stream begins with a handshake (`handshake.rs`): both prove that they have the cluster's
//! secret, and both have their replica judge what the other said of itself (cluster, epoch, incarnation, how far its log
//! reaches). What comes back on the stream is only for the shell: answers to clock probes. A snapshot travels on a call of its
//! own: the rows of the sender's tables, then those chunks that the receiver asks for because it does not have them.
//!
//! ```text
//! node 1 ── Messages: introduction, proof, raft, raft, clock, … ──► node 2      (node 2's own go on the stream it dials)
//!        ◄─ challenge, welcome, clock, …                        ──
//! ```
//!
//! Invariants:
//! * Nothing that is not proven is believed, remembered or handed to the replica. Who has proven nothing has seconds to do so, says
//!   little (`unproven.rs`), and never takes the places of nodes.
//! * One ordered stream for each direction, no task per message (trap 22): a newer stream of a peer ends the older one.
//! * Nothing is sent before the Welcome, and nothing received is stepped before the Hello was accepted.
//! * Whatever breaks a stream is told to the replica as `PeerLost`.

mod conversations;
mod dialer;
mod handshake;
mod hello;
mod hub;
mod lane;
mod receive_snapshot;
mod send_snapshot;
mod service;
mod twins;
mod unproven;

pub(crate) use dialer::described;
pub(crate) use handshake::PeerKey;
pub(crate) use hub::{Hub, Whereabouts};
pub(crate) use service::serve;

/// Limit for one frame: far above the largest append (trap 21).
const MAX_FRAME_BYTES: usize = 64 << 20;
/// Format of the protocol between nodes.
const PROTOCOL: u32 = 2;
