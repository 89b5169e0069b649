//! What a replica says of itself, for people, metrics and the shell's decisions.

use raft::{ProgressState, eraftpb::ConfState};

use crate::{ClockVerdict, Disk, NodeId, Replica, Role};

/// A replica at a glance. It needs no quorum, so that a cluster without one can be looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// This node.
    pub node: NodeId,
    /// Its role.
    pub role: Role,
    /// Its term.
    pub term: u64,
    /// The leader, 0 when none is known.
    pub leader: NodeId,
    /// It leads and has committed in its term.
    pub ready: bool,
    /// Last entry known to be committed.
    pub commit: u64,
    /// Last entry the state machine has applied.
    pub applied: u64,
    /// First entry of the log.
    pub first_index: u64,
    /// Last entry of the log, durable or not.
    pub last_index: u64,
    /// Last entry durable here.
    pub durable_index: u64,
    /// Bytes of the log's entries.
    pub log_bytes: u64,
    /// The configuration in effect: voters, learners, and both halves while it is joint.
    pub conf_state: ConfState,
    /// The entry up to which that is known: together they make a [`crate::Greeting`].
    pub configured_at: u64,
    /// Founding nodes that have not accepted this one yet: it takes part once there are none.
    pub unmet: Vec<NodeId>,
    /// The other members, in order.
    pub peers: Vec<PeerStatus>,
    /// Proposals in the log without an outcome.
    pub pending_proposals: usize,
    /// Their bytes.
    pub pending_proposal_bytes: u64,
    /// Reads without an answer.
    pub pending_reads: usize,
    /// Whether this node's clock may stamp.
    pub clock: ClockVerdict,
    /// Leadership is being handed to this node.
    pub transferring_to: Option<NodeId>,
    /// A snapshot is being installed.
    pub installing: bool,
    /// Why the replica has stopped.
    pub stopped: Option<String>,
    /// The last things worth a person's attention, oldest first.
    pub notices: Vec<String>,
    /// How many there were so far.
    pub noticed: u64,
}

impl Status {
    /// Whether this node is a member of the configuration it knows.
    #[must_use]
    pub fn is_member(&self) -> bool {
        crate::members(&self.conf_state).contains(&self.node)
    }
}

/// Another member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    /// Which.
    pub node: NodeId,
    /// Milliseconds since its last message; `None` before the first and after its connection broke.
    pub silent_ms: Option<u64>,
    /// How far its log agrees with this leader's; only a leader knows.
    pub progress: Option<PeerProgress>,
}

/// What a leader knows of a follower's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerProgress {
    /// Last entry known to be durable there.
    pub matched: u64,
    /// The next entry to send.
    pub next: u64,
    /// How entries are sent.
    pub sending: Sending,
    /// Nothing is sent until it answers.
    pub paused: bool,
}

/// How a leader sends entries to a follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    /// One message at a time, looking for the point where the logs agree.
    Probing,
    /// Many at a time.
    Streaming,
    /// The log does not reach back far enough: by snapshot.
    Snapshot,
}

impl<D: Disk> Replica<D> {
    /// What this replica says of itself.
    #[must_use]
    pub fn status(&self) -> Status {
        let raft = &self.raw.raft;
        let log = self.raw.store();
        Status {
            node: self.config.node,
            role: self.role.role,
            term: raft.term,
            leader: self.role.leader,
            ready: self.role.ready,
            commit: raft.raft_log.committed,
            applied: self.applied,
            first_index: raft.raft_log.first_index(),
            last_index: raft.raft_log.last_index(),
            durable_index: raft.raft_log.persisted,
            log_bytes: log.spans.bytes(),
            conf_state: self.conf_state.clone(),
            configured_at: self.handed,
            unmet: self.peers.unmet().iter().copied().collect(),
            peers: self.peer_statuses(),
            pending_proposals: self.proposals.count(),
            pending_proposal_bytes: self.proposals.bytes(),
            pending_reads: self.reads.pending(),
            clock: self.clock_verdict(),
            transferring_to: raft.lead_transferee,
            installing: self.raw.snap().is_some(),
            stopped: self.stopped.clone(),
            notices: self.notices.iter().cloned().collect(),
            noticed: self.noticed,
        }
    }

    fn peer_statuses(&self) -> Vec<PeerStatus> {
        let others = crate::members(&self.conf_state).into_iter().filter(|node| *node != self.config.node);
        let status = |node| PeerStatus {
            node,
            silent_ms: self.peers.last_heard(node).map(|heard| self.now.saturating_sub(heard)),
            progress: self.progress(node),
        };
        others.map(status).collect()
    }

    fn progress(&self, node: NodeId) -> Option<PeerProgress> {
        let progress = self.raw.raft.prs().get(node).filter(|_| self.role.role == Role::Leader)?;
        let sending = match progress.state {
            ProgressState::Probe => Sending::Probing,
            ProgressState::Replicate => Sending::Streaming,
            ProgressState::Snapshot => Sending::Snapshot,
        };
        Some(PeerProgress { matched: progress.matched, next: progress.next_idx, sending, paused: progress.is_paused() })
    }
}
