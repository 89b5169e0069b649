//! What can be set, with the limits that keep every queue bounded.

use crate::{
    Hello, NodeId,
    compaction::Policy,
    membership::Settings,
    mutation::{Mutation, mutated},
    snapshots::Patience,
};

/// The replica's settings. [`Config::new`] gives the defaults, which suit one data centre; on slow networks raise the
/// election ticks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// This node's number.
    pub node: NodeId,
    /// How this node introduces itself: it must be what the disk was founded with.
    pub hello: Hello,
    /// Milliseconds between two [`crate::Input::Tick`]s.
    pub tick_ms: u64,
    /// Ticks between two heartbeats of a leader.
    pub heartbeat_ticks: u32,
    /// The shortest election timeout in ticks; also how often a leader checks that it still reaches a majority.
    pub election_ticks_min: u32,
    /// One more than the longest election timeout in ticks.
    pub election_ticks_max: u32,
    /// The most bytes of entries in one message to a peer (one larger entry still travels).
    pub max_message_bytes: u64,
    /// The most unanswered append messages to a peer.
    pub max_in_flight_messages: usize,
    /// The most bytes a leader holds that are not committed yet; above it proposals are refused as busy.
    pub max_in_flight_bytes: u64,
    /// The most bytes of entries handed to apply at once.
    pub max_apply_bytes: u64,
    /// The most bytes handed to apply and not applied yet; above it entries trickle and proposals are refused as busy.
    pub max_unapplied_bytes: u64,
    /// The largest entry.
    pub max_entry_bytes: u64,
    /// The most proposals without an outcome.
    pub max_pending_proposals: usize,
    /// The most bytes of proposals without an outcome.
    pub max_pending_proposal_bytes: u64,
    /// The most reads without a read point.
    pub max_pending_reads: usize,
    /// A read round without an answer is asked again after this long.
    pub read_retry_ms: u64,
    /// A read is refused when no leader has been known for this long while it waited.
    pub read_patience_ms: u64,
    /// Entries in memory above those that are not durable yet, so that apply and followers seldom read the disk.
    pub cache_bytes: u64,
    /// The log keeps about this much time …
    pub keep_ms: u64,
    /// … up to this many bytes …
    pub keep_bytes: u64,
    /// … and this many entries, …
    pub keep_entries: u64,
    /// … and whatever follows a snapshot under way, up to this many bytes.
    pub cap_bytes: u64,
    /// A stream of a snapshot that makes no progress for this long is given up, and another one asked for.
    pub snapshot_stall_ms: u64,
    /// A snapshot that is not made, not taken up or not installed after this long is given up, and asked for again.
    pub snapshot_timeout_ms: u64,
    /// After a failed snapshot, wait this long before the next.
    pub snapshot_retry_ms: u64,
    /// A node whose clock is further than this from the median of the cluster's may neither lead nor stamp.
    pub max_clock_offset_ms: u64,
    /// A joint configuration that nobody left for this long is left by the leader (trap 19).
    pub joint_timeout_ms: u64,
    /// When membership follows the nodes that are online.
    pub membership: Settings,
}

impl Config {
    /// The defaults for a node.
    #[must_use]
    pub fn new(hello: Hello) -> Self {
        Self {
            node: hello.node,
            hello,
            tick_ms: 20,
            heartbeat_ticks: 2,
            election_ticks_min: 10,
            election_ticks_max: 20,
            max_message_bytes: 1 << 20,
            max_in_flight_messages: 256,
            max_in_flight_bytes: 64 << 20,
            max_apply_bytes: 16 << 20,
            max_unapplied_bytes: 64 << 20,
            max_entry_bytes: 8 << 20,
            max_pending_proposals: 16_384,
            max_pending_proposal_bytes: 64 << 20,
            max_pending_reads: 65_536,
            read_retry_ms: 500,
            read_patience_ms: 2_000,
            cache_bytes: 16 << 20,
            keep_ms: 600_000,
            keep_bytes: 1 << 30,
            keep_entries: u64::MAX,
            cap_bytes: 4 << 30,
            snapshot_stall_ms: 30_000,
            snapshot_timeout_ms: 600_000,
            snapshot_retry_ms: 1_000,
            max_clock_offset_ms: 1_000,
            joint_timeout_ms: 5_000,
            membership: Settings::default(),
        }
    }

    /// raft-rs's own settings: pre-vote and quorum checks on, reads by the safe method (trap 13), and none of the
    /// defaults that are unlimited or send one entry a message.
    pub(crate) fn raft(&self, applied: u64) -> raft::Config {
        raft::Config {
            id: self.node,
            applied,
            election_tick: widen(self.election_ticks_min),
            min_election_tick: widen(self.election_ticks_min),
            max_election_tick: widen(self.election_ticks_max),
            heartbeat_tick: widen(self.heartbeat_ticks),
            max_size_per_msg: self.max_message_bytes,
            max_inflight_msgs: self.max_in_flight_messages,
            max_uncommitted_size: self.max_in_flight_bytes,
            max_committed_size_per_ready: self.max_apply_bytes,
            check_quorum: true,
            pre_vote: true,
            batch_append: true,
            read_only_option: if mutated(Mutation::LeaseReads) {
                raft::ReadOnlyOption::LeaseBased
            } else {
                raft::ReadOnlyOption::Safe
            },
            ..raft::Config::default()
        }
    }

    /// How much of the log is kept.
    pub(crate) fn retention(&self) -> Policy {
        Policy { age_ms: self.keep_ms, bytes: self.keep_bytes, entries: self.keep_entries, cap_bytes: self.cap_bytes }
    }

    /// How long the stages of a snapshot may take.
    pub(crate) fn snapshot_patience(&self) -> Patience {
        Patience { stall: self.snapshot_stall_ms, stage: self.snapshot_timeout_ms, retry: self.snapshot_retry_ms }
    }

    /// The longest election timeout in milliseconds: a peer silent for longer is not chosen as the next leader.
    pub(crate) fn silence_ms(&self) -> u64 {
        u64::from(self.election_ticks_max).saturating_mul(self.tick_ms)
    }
}

/// A tick count as raft-rs counts them; every supported machine has at least 32 bits.
pub(crate) fn widen(ticks: u32) -> usize {
    usize::try_from(ticks).unwrap_or(usize::MAX)
}
