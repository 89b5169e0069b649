//! The replica: opened from its disk, stepped with inputs, answering with effects.

use std::collections::{BTreeSet, VecDeque};

use raft::{RawNode, StateRole, eraftpb::ConfState};

use crate::{
    Applied, ClockVerdict, Config, Disk, Effect, Input, NodeId, OpenError, Reply, Role, RoleChange,
    agreement::Agreement,
    clock::Clock,
    codec::sorted,
    config::widen,
    dice::{mix, mix3},
    log::{Log, load_peers},
    membership::{Roster, Watch},
    peers::{Membership, Peers},
    proposals::Proposals,
    reads::Reads,
    ready::Installing,
    recovery,
    writes::Writes,
};

/// Notices kept for status.
const NOTICES: usize = 16;

/// One node's replica. It does nothing by itself: [`Replica::step`] tells it what happened and when, and returns what is to
/// be done. Equal inputs at equal times yield equal effects.
pub struct Replica<D: Disk> {
    pub(crate) config: Config,
    pub(crate) raw: RawNode<Log<D>>,
    seed: u64,
    pub(crate) now: u64,
    /// How often role, term or leader have changed: the election timeout is a function of it (trap 28).
    changes: u64,
    pub(crate) role: RoleChange,
    /// The effects of this step so far.
    pub(crate) effects: Vec<Effect>,
    pub(crate) writes: Writes,
    pub(crate) proposals: Proposals,
    pub(crate) reads: Reads,
    pub(crate) clock: Clock,
    /// It has been said that this leader's clock is wrong.
    pub(crate) leads_with_wrong_clock: bool,
    pub(crate) agreement: Agreement,
    pub(crate) peers: Peers,
    pub(crate) compacting: bool,
    pub(crate) installing: Option<Installing>,
    /// The last entry the state machine has applied.
    pub(crate) applied: u64,
    /// The last entry handed to it, and the sizes of those it has not applied yet.
    pub(crate) handed: u64,
    pub(crate) unapplied: VecDeque<(u64, u64)>,
    pub(crate) unapplied_bytes: u64,
    pub(crate) conf_state: ConfState,
    pub(crate) joint_since: Option<u64>,
    /// Who belongs to the cluster, as the state machine said last.
    pub(crate) roster: Roster,
    /// What this node sees of the others while it leads.
    pub(crate) watch: Watch,
    /// Ticks until this node should ask for votes, because the leader's process is known to be gone.
    pub(crate) hurry: Option<usize>,
    pub(crate) notices: VecDeque<String>,
    pub(crate) noticed: u64,
    pub(crate) stopping: Option<String>,
    pub(crate) stopped: Option<String>,
}

impl<D: Disk> Replica<D> {
    /// Opens the replica on a founded disk, checking that log and state belong together. The effects are to be carried
    /// out like those of a step; entries that were committed and not applied come with them or with the next ones.
    ///
    /// `seed` sets election timeouts and the contexts of reads: take a fresh random one at each start.
    pub fn open(
        config: Config,
        disk: D,
        applied: Applied,
        seed: u64,
        logger: &slog::Logger,
        now: u64,
    ) -> Result<(Self, Vec<Effect>), OpenError> {
        if config.node != config.hello.node {
            return Err(OpenError::Config(format!(
                "node {} introduces itself as node {}",
                config.node, config.hello.node
            )));
        }
        if let Some(problem) = config.membership.problem() {
            return Err(OpenError::Config(problem));
        }
        recovery::refuse_unfinished(&disk)?;
        let log = Log::open(disk, &config.hello, &applied, config.cache_bytes, now)?;
        let remembered = load_peers(&log.disk, config.node)?;
        log.snapshots.borrow_mut().configure(config.snapshot_patience());
        let raw = RawNode::new(&config.raft(applied.index), log, logger)
            .map_err(|error| OpenError::Config(error.to_string()))?;
        let reads =
            Reads::new(config.node, mix(seed), config.max_pending_reads, config.read_retry_ms, config.read_patience_ms);
        let mut replica = Self {
            raw,
            seed,
            now,
            changes: 0,
            role: RoleChange { role: Role::Follower, term: 0, leader: 0, ready: false },
            effects: Vec::new(),
            writes: Writes::default(),
            proposals: Proposals::new(config.max_pending_proposals, config.max_pending_proposal_bytes),
            reads,
            clock: Clock::new(config.max_clock_offset_ms),
            leads_with_wrong_clock: false,
            agreement: Agreement::default(),
            peers: Peers::new(remembered),
            compacting: false,
            installing: None,
            applied: applied.index,
            handed: applied.index,
            unapplied: VecDeque::new(),
            unapplied_bytes: 0,
            conf_state: sorted(applied.conf_state),
            joint_since: None,
            roster: Roster::default(),
            watch: Watch::default(),
            hurry: None,
            notices: VecDeque::new(),
            noticed: 0,
            stopping: None,
            stopped: None,
            config,
        };
        replica.role = replica.current_role();
        replica.effects.push(Effect::RoleChanged(replica.role));
        let ConfState { voters, voters_outgoing, .. } = &replica.conf_state;
        if *voters == [replica.config.node] && voters_outgoing.is_empty() {
            // Alone there is nobody to wait for. An error only means that the election comes with a tick.
            let _ = replica.raw.campaign();
        }
        replica.settle();
        replica.drive();
        let effects = replica.finish();
        Ok((replica, effects))
    }

    /// Takes in everything that happened until `now` (milliseconds of a monotonic clock), and says what to do, in this
    /// order. The more inputs are given at once, the more share one write and one message.
    pub fn step(&mut self, inputs: impl IntoIterator<Item = Input>, now: u64) -> Vec<Effect> {
        self.now = self.now.max(now);
        let log = self.raw.mut_store();
        log.now = self.now;
        log.snapshots.get_mut().set_now(self.now);
        for input in inputs {
            if self.stopped.is_some() || self.stopping.is_some() {
                break;
            }
            self.handle(input);
            self.settle();
        }
        if self.stopped.is_none() {
            self.drive();
        }
        self.finish()
    }

    fn handle(&mut self, input: Input) {
        match input {
            Input::Tick => self.tick(),
            Input::Hello { connection, greeting } => self.hello(connection, &greeting),
            Input::TurnedAway { by } => self.turned_away(&by),
            Input::Message { from, bytes } => self.message(from, &bytes),
            Input::PeerLost { peer, refused } => self.peer_lost(peer, refused),
            Input::Propose { id, data } => self.propose(id, data),
            Input::Configure { id, change } => self.propose_configuration(id, change),
            Input::Roster(roster) => self.take_roster(roster),
            Input::Read { id } => {
                let refused = self.reads.push(id, self.now);
                self.effects.extend(refused.map(Effect::Reply));
            }
            Input::Persisted(write) => {
                self.writes.persisted(write);
                self.raw.mut_store().persisted(write);
                self.release();
            }
            Input::Applied { index } => self.applied(index),
            Input::EntriesFetched { fetch, result } => self.entries_fetched(fetch, result),
            Input::SnapshotMade { to, result } => self.snapshot_made(to, result),
            Input::SnapshotProgress { to, id } => self.raw.mut_store().snapshots.get_mut().progressed(to, &id),
            Input::SnapshotSent { to, id, ok } => self.snapshot_sent(to, &id, ok),
            Input::SnapshotStaged { id, from, bytes } => self.snapshot_staged(id, from, &bytes),
            Input::SnapshotInstalled { id } => self.snapshot_installed(&id),
            Input::Compacted { through } => {
                assert!(through <= self.raw.store().spans.truncated().0, "only what was asked for is compacted");
                self.compacting = false;
            }
            Input::Transfer { to } => self.transfer(to),
            Input::StateHash { node, index, hash } => self.state_hash(node, index, hash),
            Input::PeerApplied { peer, index } => self.peers.came_to(peer, index, self.now, &mut self.writes.notes),
            Input::ClockOffset { peer, offset_ms } => self.clock.measured(peer, offset_ms),
            Input::SystemClock { ahead_ms } => self.system_clock(ahead_ms),
        }
    }

    /// After each input: notes what changed, and replaces the random election timeout that raft-rs may have drawn from
    /// its own source by one that is a function of seed, node and history (trap 28).
    pub(crate) fn settle(&mut self) {
        let current = self.current_role();
        if current != self.role {
            let before = std::mem::replace(&mut self.role, current);
            self.effects.push(Effect::RoleChanged(current));
            if (before.role, before.term, before.leader) != (current.role, current.term, current.leader) {
                self.changes += 1;
            }
            if before.role == Role::Leader && (current.role != Role::Leader || current.term != before.term) {
                self.leadership_lost();
            }
            self.reads.leader_changed();
        }
        let (min, max) = (self.config.election_ticks_min, self.config.election_ticks_max);
        let drawn = mix3(self.seed, self.config.node, self.changes) % u64::from(max - min);
        let timeout = widen(min) + usize::try_from(drawn).expect("below the difference of two ticks");
        let raft = &mut self.raw.raft;
        raft.set_randomized_election_timeout(timeout);
        if let Some(ticks) = self.hurry.take() {
            raft.election_elapsed = timeout.saturating_sub(ticks);
        }
    }

    pub(crate) fn current_role(&self) -> RoleChange {
        let raft = &self.raw.raft;
        let role = match raft.state {
            StateRole::Leader => Role::Leader,
            StateRole::Candidate | StateRole::PreCandidate => Role::Candidate,
            StateRole::Follower if raft.promotable() => Role::Follower,
            StateRole::Follower => Role::Learner,
        };
        let ready = role == Role::Leader && raft.commit_to_current_term();
        RoleChange { role, term: raft.term, leader: raft.leader_id, ready }
    }

    fn leadership_lost(&mut self) {
        let unknown = self.proposals.abandon();
        self.reply_all(unknown);
        let log = self.raw.mut_store();
        log.fetches.get_mut().clear();
        let unused = log.snapshots.get_mut().clear();
        self.effects.extend(unused.into_iter().map(|id| Effect::DiscardSnapshot { id }));
        self.joint_since = None;
        self.watch.rest();
    }

    fn finish(&mut self) -> Vec<Effect> {
        if self.stopped.is_some() {
            return Vec::new();
        }
        if let Some(failure) = self.raw.store().failure() {
            self.stopping.get_or_insert(failure);
        }
        if let Some(reason) = self.stopping.take() {
            // Nothing else of this step is to happen: what led here may not be believed.
            self.effects.clear();
            self.stopped = Some(reason.clone());
            return vec![Effect::Stop(reason)];
        }
        std::mem::take(&mut self.effects)
    }

    /// A snapshot is being installed: raft's log and configuration are already those of the snapshot, the disk's are not
    /// yet, so that raft is left alone until they are.
    pub(crate) fn frozen(&self) -> bool {
        self.raw.snap().is_some()
    }

    pub(crate) fn clock_verdict(&self) -> ClockVerdict {
        self.clock.verdict(self.config.node, &voters(&self.conf_state))
    }

    pub(crate) fn membership(&self) -> Membership {
        Membership { configured_at: self.handed, members: members(&self.conf_state) }
    }

    pub(crate) fn is_leader(&self) -> bool {
        self.raw.raft.state == StateRole::Leader
    }

    pub(crate) fn reply(&mut self, reply: Reply) {
        self.effects.push(Effect::Reply(reply));
    }

    pub(crate) fn reply_all(&mut self, replies: Vec<Reply>) {
        self.effects.extend(replies.into_iter().map(Effect::Reply));
    }

    pub(crate) fn notice(&mut self, text: String) {
        if self.notices.back() != Some(&text) {
            self.notices.push_back(text);
            self.noticed += 1;
        }
        if self.notices.len() > NOTICES {
            self.notices.pop_front();
        }
    }
}

/// Every voter of a configuration, of both halves while it is joint, in order.
pub(crate) fn voters(conf_state: &ConfState) -> Vec<NodeId> {
    let both = [&conf_state.voters, &conf_state.voters_outgoing];
    both.into_iter().flatten().copied().collect::<BTreeSet<_>>().into_iter().collect()
}

/// Every node of a configuration, in order: voters of both halves, learners and learners to be.
pub(crate) fn members(conf_state: &ConfState) -> Vec<NodeId> {
    let all = [&conf_state.voters, &conf_state.voters_outgoing, &conf_state.learners, &conf_state.learners_next];
    all.into_iter().flatten().copied().collect::<BTreeSet<_>>().into_iter().collect()
}
