//! What the replica wants done, in the order given.

use raft::eraftpb::{ConfState, Entry, HardState};

use crate::{Hello, NodeId, RequestId, TurnedAway, disk::Batch};

/// One thing the shell must do.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Write `batch` to the log's disk, sync if `must_sync`, then say [`crate::Input::Persisted`]. Several may be merged,
    /// in order, into one write and one sync; only the last number then needs saying.
    Persist(Persist),
    /// Send an encoded raft message on the ordered stream to a peer. `urgent` ones (heartbeats, votes and their answers)
    /// are not queued behind bulk. May be lost; say `PeerLost` when the stream breaks.
    Send {
        /// To whom.
        to: NodeId,
        /// `eraftpb::Message`, encoded.
        bytes: Vec<u8>,
        /// Small and needed now.
        urgent: bool,
    },
    /// Apply these committed entries to the state machine, in order, then say `Applied`.
    Apply(Vec<Committed>),
    /// Read entries off this thread, with [`crate::read_entries`], then say `EntriesFetched`.
    FetchEntries {
        /// Hand this back.
        fetch: u64,
        /// First index.
        low: u64,
        /// One past the last index.
        high: u64,
    },
    /// A follower is too far behind: make a checkpoint of the state, then say `SnapshotMade`.
    MakeSnapshot {
        /// For whom.
        to: NodeId,
        /// The checkpoint must have applied at least this index.
        at_least: u64,
    },
    /// Stream the checkpoint's files, with the raft message, say `SnapshotProgress` meanwhile and `SnapshotSent` at the end.
    SendSnapshot {
        /// To whom.
        to: NodeId,
        /// Which checkpoint.
        id: String,
        /// `eraftpb::Message`, encoded: it travels with the files and is stepped after they are staged.
        bytes: Vec<u8>,
    },
    /// raft accepted the staged snapshot. Drain apply, open the staged directory as the state, write `switch` to the log's
    /// disk and sync (that batch is the switch), then say `SnapshotInstalled`.
    Install {
        /// Which staged snapshot.
        id: String,
        /// Its index.
        index: u64,
        /// Its term.
        term: u64,
        /// Its configuration.
        conf_state: ConfState,
        /// One atomic batch: state directory's name, truncated index and term, hard state; deletes the entries.
        switch: Batch,
    },
    /// Delete this staged snapshot, which raft ignored, or this checkpoint, which no follower needs any more; if it is being
    /// sent, stop that. A name the shell does not know is to be ignored.
    DiscardSnapshot {
        /// Which.
        id: String,
    },
    /// Sync the state machine's disk (trap 24), then write `batch` to the log's disk, then say `Compacted`.
    Compact {
        /// Entries up to and including this one go.
        through: u64,
        /// What to write.
        batch: Batch,
    },
    /// The answer to a `Hello`: accepted, or refused with the reason for the peer to show.
    Welcome {
        /// Which handshake.
        connection: u64,
        /// Who had said hello.
        peer: NodeId,
        /// The judgement.
        result: Result<Hello, TurnedAway>,
    },
    /// Close what this peer has opened: it was removed from the cluster (trap 20), or its disk is not the one that joined under
    /// its number (trap 6). It is told so when it comes again.
    Disconnect {
        /// Which.
        peer: NodeId,
    },
    /// Move the clock that commands are stamped with.
    MoveClock {
        /// Milliseconds, forward where positive.
        by_ms: i64,
    },
    /// Answers to proposals and reads.
    Reply(Reply),
    /// Role, term or leader changed. Emitted before any reply or entry that depends on it.
    RoleChanged(RoleChange),
    /// The process must stop: what happened and what to do, for a person.
    Stop(String),
}

/// See [`Effect::Persist`].
#[derive(Clone, Debug, PartialEq)]
pub struct Persist {
    /// Grows by one each time.
    pub number: u64,
    /// Delete entries from this index on, before appending.
    pub truncate_from: Option<u64>,
    /// Entries to append.
    pub entries: Vec<Entry>,
    /// The hard state, where it changed.
    pub hard_state: Option<HardState>,
    /// Whether the sync may not be skipped.
    pub must_sync: bool,
    /// All of the above in the log's format: what to write, atomically (trap 8).
    pub batch: Batch,
}

/// A committed entry for the state machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Committed {
    /// Index.
    pub index: u64,
    /// Term.
    pub term: u64,
    /// What it carries.
    pub kind: CommittedKind,
    /// The request that proposed it on this node, if it did.
    pub proposal: Option<RequestId>,
}

/// See [`Committed`].
#[derive(Clone, Debug, PartialEq)]
pub enum CommittedKind {
    /// A command.
    Command(Vec<u8>),
    /// A leader's first entry, or a membership change that was refused (trap 4).
    Empty,
    /// The configuration in effect from here on; to be stored in the same batch as applied (trap 18).
    Configuration(ConfState),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The proposal is in the log of this leader at (index, term); its outcome comes with `Apply`.
    Appended {
        /// The request.
        id: RequestId,
        /// Where.
        index: u64,
        /// Where.
        term: u64,
    },
    /// The proposal was not taken and will never take effect.
    ProposalRefused {
        /// The request.
        id: RequestId,
        /// Why.
        why: Refused,
    },
    /// The proposal may or may not take effect: leadership was lost while it was in the log.
    OutcomeUnknown {
        /// The request.
        id: RequestId,
    },
    /// The state machine has applied at least `index`: read from its latest state.
    ReadReady {
        /// The request.
        id: RequestId,
        /// The read point.
        index: u64,
    },
    /// No read point could be had.
    ReadRefused {
        /// The request.
        id: RequestId,
        /// Why.
        why: Refused,
    },
}

/// Why something was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Another node leads (0: none known).
    NotLeader {
        /// The leader, as far as this node knows.
        leader: NodeId,
    },
    /// Too much is in flight.
    Busy,
    /// This node's clock is too far from its peers' to stamp.
    Clock,
    /// Too large for one entry.
    TooLarge,
}

/// See [`Effect::RoleChanged`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleChange {
    /// The new role.
    pub role: Role,
    /// The term.
    pub term: u64,
    /// The leader, 0 when none is known.
    pub leader: NodeId,
    /// Whether this node leads and has committed an entry of its own term: it may propose and answer.
    pub ready: bool,
}

/// What a node is in its term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Leads.
    Leader,
    /// Follows.
    Follower,
    /// Asks for votes, or asks whether it should.
    Candidate,
    /// Follows without a vote.
    Learner,
}
