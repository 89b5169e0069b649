//! What the replica is told.

use raft::eraftpb::Entry;

use crate::{Greeting, Hello, NodeId, membership::Roster};

/// The caller's number for a proposal or a read, unique while it is pending. The core hands it back in replies.
pub type RequestId = u64;

/// One thing that happened. Times are given beside it, in milliseconds of a monotonic clock.
#[derive(Clone, Debug)]
pub enum Input {
    /// One tick of the replica's clock has passed.
    Tick,
    /// A peer introduced itself; the answer is [`crate::Effect::Welcome`] with the judgement.
    Hello {
        /// Comes back in the answer: it tells this handshake from an earlier one of the same peer.
        connection: u64,
        /// What it said.
        greeting: Greeting,
    },
    /// A peer has refused this node's hello, because it was removed from the cluster.
    TurnedAway {
        /// Who that peer is.
        by: Hello,
    },
    /// An encoded raft message from a peer whose hello was accepted.
    Message {
        /// The sender, as its hello named it.
        from: NodeId,
        /// `eraftpb::Message`, encoded.
        bytes: Vec<u8>,
    },
    /// The connection to a peer broke or was refused.
    PeerLost {
        /// The peer.
        peer: NodeId,
        /// The connection was refused: nothing listens there, so the process is gone.
        refused: bool,
    },
    /// A command to replicate.
    Propose {
        /// Comes back in [`crate::Reply`].
        id: RequestId,
        /// The command, opaque to the core; never empty.
        data: Vec<u8>,
    },
    /// A change of the configuration to replicate, by hand: [`crate::membership`] makes its own. Its entry comes back in [`crate::Effect::Apply`] as a
    /// configuration, or as an empty entry where raft refused it (trap 4).
    Configure {
        /// Comes back in [`crate::Reply`].
        id: RequestId,
        /// The change; an empty one leaves a joint configuration.
        change: raft::eraftpb::ConfChangeV2,
    },
    /// Who belongs to the cluster, as the state machine holds it: after start, after a snapshot was installed, and after each
    /// change, before the [`Input::Applied`] that covers it. See [`crate::membership`].
    Roster(Roster),
    /// A linearizable read wants its point.
    Read {
        /// Comes back in [`crate::Reply`].
        id: RequestId,
    },
    /// The [`crate::Effect::Persist`] with this number, and all before it, is durable.
    Persisted(u64),
    /// The state machine has applied everything up to this index (not necessarily synced).
    Applied {
        /// The last applied index.
        index: u64,
    },
    /// The entries that [`crate::Effect::FetchEntries`] asked for were read, or could not be.
    EntriesFetched {
        /// The number of the request.
        fetch: u64,
        /// What [`crate::read_entries`] said.
        result: Result<Vec<Entry>, String>,
    },
    /// The state machine made the snapshot that [`crate::Effect::MakeSnapshot`] asked for, or failed to.
    SnapshotMade {
        /// For whom.
        to: NodeId,
        /// Id, index, term and configuration read from the snapshot itself, or what went wrong.
        result: Result<SnapshotMeta, String>,
    },
    /// Bytes of [`crate::Effect::SendSnapshot`] have moved since the last time; once a second is often enough. A stream
    /// that stands still for [`crate::Config::snapshot_stall_ms`] is given up.
    SnapshotProgress {
        /// To whom.
        to: NodeId,
        /// Which checkpoint.
        id: String,
    },
    /// [`crate::Effect::SendSnapshot`] ended.
    SnapshotSent {
        /// To whom.
        to: NodeId,
        /// Which checkpoint.
        id: String,
        /// The receiver staged and verified all of it.
        ok: bool,
    },
    /// A peer's snapshot is staged and verified beside the state: judge its message.
    SnapshotStaged {
        /// Names the staged directory.
        id: String,
        /// From whom.
        from: NodeId,
        /// `eraftpb::Message` of type `MsgSnapshot`, encoded.
        bytes: Vec<u8>,
    },
    /// The switch batch of [`crate::Effect::Install`] is durable and the state machine runs on the new state.
    SnapshotInstalled {
        /// Names the staged directory.
        id: String,
    },
    /// The batch of [`crate::Effect::Compact`] is written.
    Compacted {
        /// The new first index minus one.
        through: u64,
    },
    /// Hand leadership to this peer, or to the most caught-up voter.
    Transfer {
        /// The wanted leader.
        to: Option<NodeId>,
    },
    /// The state machine's hash chain after the entry at `index`: a peer's, or this node's own.
    StateHash {
        /// Whose.
        node: NodeId,
        /// After which entry.
        index: u64,
        /// The chain.
        hash: [u8; 32],
    },
    /// A peer says up to which entry its state machine has come: its log reaches at least as far, for ever.
    PeerApplied {
        /// The peer.
        peer: NodeId,
        /// The entry.
        index: u64,
    },
    /// How far a peer's system clock is ahead of this node's stamping clock, in milliseconds.
    ClockOffset {
        /// The peer.
        peer: NodeId,
        /// Peer minus self.
        offset_ms: i64,
    },
    /// How far this node's system clock is ahead of its stamping clock; to be said at least with each tick while it is not
    /// 0.
    SystemClock {
        /// System minus stamping.
        ahead_ms: i64,
    },
}

/// What a snapshot is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotMeta {
    /// Names the checkpoint for the shell.
    pub id: String,
    /// Last applied index in it.
    pub index: u64,
    /// That entry's term.
    pub term: u64,
    /// The configuration in it, `eraftpb::ConfState` encoded.
    pub conf_state: Vec<u8>,
}
