//! What each input does.

use raft::{
    StateRole,
    eraftpb::{ConfChangeV2, Entry, Message, MessageType},
};

use crate::{
    Disk, Effect, Greeting, Hello, NodeId, Refused, Replica, Reply, RequestId, SnapshotMeta, TurnedAway,
    agreement::Verdict,
    clock::Correction,
    codec, members,
    mutation::{Mutation, mutated},
    replica::voters,
};

/// A fetch that is not answered for this long is forgotten, and asked for again when raft needs it.
const FETCH_TIMEOUT_MS: u64 = 5_000;
/// The stamping clock drifts towards the system clock by one part in so many.
const CLOCK_DRIFT: u64 = 20;

impl<D: Disk> Replica<D> {
    pub(crate) fn tick(&mut self) {
        self.expire();
        if self.frozen() {
            return;
        }
        self.hand_over_if_clock_is_wrong();
        self.leave_joint_configuration();
        self.steer();
        if self.may_not_campaign() {
            if let Some(missing) = self.peers.unmet().first() {
                self.notice(format!(
                    "a founding node takes part once all the others have accepted it; node {missing} has not yet"
                ));
            }
            // Forgetting the leader instead lets this node vote for another.
            let term = self.raw.raft.term;
            self.raw.raft.become_follower(term, 0);
            return;
        }
        self.raw.tick();
    }

    /// The next tick would make a candidate of a node that must not become one: its clock is wrong, a founding node has not
    /// accepted it yet, or it is the only voter and raft-rs would make it leader at once, before all of its log is durable.
    fn may_not_campaign(&self) -> bool {
        let raft = &self.raw.raft;
        let due = raft.state != StateRole::Leader
            && raft.promotable()
            && raft.election_elapsed + 1 >= raft.randomized_election_timeout();
        due && (!self.clock_verdict().good
            || !self.peers.unmet().is_empty()
            || (raft.prs().is_singleton() && !self.writes.idle()))
    }

    /// A node with a wrong clock does not take leadership over, and one that not all founding nodes know takes no part at all
    /// (trap 6): an acknowledgement is a promise like a vote, and whoever is asked for it may never have met the node that
    /// gave the first one.
    fn may_not_take_part(&self, kind: MessageType) -> bool {
        let takes_over = kind == MessageType::MsgTimeoutNow;
        let votes = matches!(kind, MessageType::MsgRequestVote | MessageType::MsgRequestPreVote) || takes_over;
        (takes_over && !self.clock_verdict().good) || self.peers.is_unmet() || (votes && !self.peers.unmet().is_empty())
    }

    fn expire(&mut self) {
        let now = self.now;
        let log = self.raw.mut_store();
        log.fetches.get_mut().expire(now.saturating_sub(FETCH_TIMEOUT_MS));
        let overdue = log.snapshots.get_mut().expire();
        self.effects.extend(overdue.unused.into_iter().map(|id| Effect::DiscardSnapshot { id }));
        for node in overdue.lost {
            self.notice(format!("the snapshot for node {node} was not delivered in time"));
            if !mutated(Mutation::SnapshotsNotReported) {
                self.raw.report_snapshot(node, raft::SnapshotStatus::Failure);
            }
        }
        let refused = self.reads.expire(self.raw.raft.leader_id, now);
        self.reply_all(refused);
    }

    pub(crate) fn hello(&mut self, connection: u64, greeting: &Greeting) {
        let (ours, peer) = (self.membership(), greeting.hello.node);
        let result = self.peers.judge(&self.config.hello, &ours, greeting, &mut self.writes.notes);
        if let Err(TurnedAway { reason, .. }) = &result {
            self.notice(format!("refused node {peer}: {reason}"));
            self.stop_if_left_behind(&greeting.hello);
        }
        let welcome = Effect::Welcome { connection, peer, result };
        if self.writes.notes.ops.is_empty() {
            self.effects.push(welcome);
        } else {
            self.writes.note_effects.push(welcome);
        }
    }

    /// A member of this node's configuration comes from a recovery without it: what this node and the others that were left
    /// behind acknowledged together, the cluster would never hold. While they have a leader, a majority was alive, and
    /// the recovery is what was wrong.
    fn stop_if_left_behind(&mut self, by: &Hello) {
        let me = &self.config.hello;
        let recovered = by.cluster_id == me.cluster_id && by.epoch > me.epoch;
        if recovered && members(&self.conf_state).contains(&by.node) && self.raw.raft.leader_id == raft::INVALID_ID {
            self.stopping = Some(format!(
                "the cluster was recovered without this node after a lost majority: node {} is at epoch {}, and this one still at \
                 epoch {}. Empty the data directory and let it join again under a new number. If that recovery was a mistake, \
                 empty the data directory of node {} instead, and then start this one",
                by.node, by.epoch, me.epoch, by.node
            ));
        }
    }

    /// A peer says that this node was removed; it will never be heard again, and would only disturb the others (trap 20).
    pub(crate) fn turned_away(&mut self, by: &Hello) {
        let (me, members) = (&self.config.hello, members(&self.conf_state));
        let believed = members.is_empty() || members.contains(&by.node);
        if by.cluster_id == me.cluster_id && by.epoch == me.epoch && by.node != me.node && believed {
            self.stopping = Some(format!(
                "node {} says that this node was removed from the cluster. A number is never used twice: empty the data directory, and \
                 let it join again under a new one",
                by.node
            ));
        }
    }

    pub(crate) fn message(&mut self, from: NodeId, bytes: &[u8]) {
        let Some(message) = codec::decode_message(bytes) else {
            return self.notice(format!("a message from node {from} cannot be read: does it run another release?"));
        };
        let kind = message.get_msg_type();
        let addressed = message.from == from && message.to == self.config.node;
        // raft-rs indexes into an empty list where a read request carries no context.
        let malformed = (kind == MessageType::MsgReadIndex && message.entries.len() != 1)
            // A leader of an earlier release may send what `Replica::mend` mends.
            || codec::astray(&message).is_some();
        if !addressed || !travels_alone(kind) || malformed {
            return;
        }
        if !self.peers.counts(&self.membership(), from) {
            return self.notice(format!("ignored what node {from} says: it is no member"));
        }
        self.peers.hear(from, self.now);
        self.watch.heard(from, self.now);
        if self.frozen() || self.may_not_take_part(kind) {
            return;
        }
        if self.has_lost_its_tail(&message) {
            return;
        }
        // An error only says that the message came from nobody of the configuration.
        let _ = self.raw.step(message);
        if self.is_leader()
            && let Some(matched) = self.raw.raft.prs().get(from).map(|progress| progress.matched)
        {
            self.raw.mut_store().snapshots.get_mut().caught_up(from, matched);
        }
    }

    /// raft-rs panics when a leader knows of more entries here than there are; a person deserves a sentence.
    fn has_lost_its_tail(&mut self, message: &Message) -> bool {
        let last = self.raw.raft.raft_log.last_index();
        let gone = message.get_msg_type() == MessageType::MsgHeartbeat
            && message.term >= self.raw.raft.term
            && message.commit > last;
        if gone {
            self.stopping = Some(format!(
                "the log ends at entry {last}, but the leader (node {}) knows that this node held entry {}: it has lost its tail. Remove \
                 this node from the cluster, and let it join again under a new id",
                message.from, message.commit
            ));
        }
        gone
    }

    pub(crate) fn peer_lost(&mut self, peer: NodeId, refused: bool) {
        // Its clock stays in the verdict: a leader's death must not make a wrong clock look right.
        self.peers.lost(peer);
        self.watch.lost(peer);
        if self.frozen() {
            return;
        }
        self.raw.report_unreachable(peer);
        let raft = &mut self.raw.raft;
        if refused && raft.state == StateRole::Follower && raft.leader_id == peer {
            // The leader's process is gone. This is safe because no read relies on a lease. The followers ask for votes in
            // the order of their numbers, a tick apart, so that they do not split them.
            let term = raft.term;
            raft.become_follower(term, 0);
            let before =
                self.conf_state.voters.iter().filter(|voter| **voter < self.config.node && **voter != peer).count();
            self.hurry = Some(1 + 2 * before);
        }
    }

    pub(crate) fn propose(&mut self, id: RequestId, data: Vec<u8>) {
        assert!(!data.is_empty(), "an empty command could not be told from raft's own empty entries");
        let bytes = data.len() as u64;
        let appended = self.admit(bytes).and_then(|()| {
            // raft refuses while it hands leadership over and when too much is uncommitted.
            self.raw.propose(Vec::new(), data).map_err(|_| Refused::Busy)
        });
        self.appended(id, bytes, appended);
    }

    pub(crate) fn propose_configuration(&mut self, id: RequestId, change: ConfChangeV2) {
        let appended = self.admit(0).and_then(|()| {
            if self.raw.raft.has_pending_conf() && !mutated(Mutation::PendingChangeIgnored) {
                return Err(Refused::Busy);
            }
            self.raw.propose_conf_change(Vec::new(), change).map_err(|_| Refused::Busy)
        });
        self.appended(id, 0, appended);
    }

    fn appended(&mut self, id: RequestId, bytes: u64, appended: Result<(), Refused>) {
        let reply = match appended {
            Ok(()) => {
                let (index, term) = (self.raw.raft.raft_log.last_index(), self.raw.raft.term);
                self.proposals.appended(id, index, term, bytes)
            }
            Err(why) => Reply::ProposalRefused { id, why },
        };
        self.reply(reply);
    }

    /// Whether a proposal may be made here now. raft-rs itself would forward it in silence (trap 15).
    pub(crate) fn admit(&self, bytes: u64) -> Result<(), Refused> {
        if bytes > self.config.max_entry_bytes {
            return Err(Refused::TooLarge);
        }
        if !self.is_leader() && !mutated(Mutation::ProposedAnywhere) {
            return Err(Refused::NotLeader { leader: self.raw.raft.leader_id });
        }
        if !self.clock_verdict().good {
            return Err(Refused::Clock);
        }
        let behind = self.unapplied.len() >= self.config.max_pending_proposals;
        if behind || self.unapplied_bytes > self.config.max_unapplied_bytes {
            return Err(Refused::Busy);
        }
        self.proposals.admit(bytes)
    }

    pub(crate) fn applied(&mut self, index: u64) {
        assert!(
            index <= self.handed.max(self.applied),
            "entry {index} was not handed out, the last was {}",
            self.handed
        );
        // Late news from before a snapshot was installed says nothing any more.
        if index <= self.applied || self.installing.is_some() {
            return;
        }
        self.applied = index;
        while let Some((_, bytes)) = self.unapplied.pop_front_if(|(handed, _)| *handed <= index) {
            self.unapplied_bytes -= bytes;
        }
        self.raw.advance_apply_to(index);
        let ready = self.reads.applied(index);
        self.reply_all(ready);
    }

    pub(crate) fn entries_fetched(&mut self, fetch: u64, result: Result<Vec<Entry>, String>) {
        let Some(fetch) = self.raw.mut_store().fetches.get_mut().fetched(fetch) else { return };
        if self.frozen() {
            return;
        }
        match result {
            Ok(entries) => *self.raw.mut_store().in_reach.get_mut() = entries,
            // Compacted meanwhile: raft hears of it when it asks again.
            Err(_) if fetch.low <= self.raw.store().spans.truncated().0 => {}
            Err(problem) => return self.raw.store().fail(problem),
        }
        for context in fetch.waiting {
            self.raw.on_entries_fetched(context);
        }
        self.raw.mut_store().in_reach.get_mut().clear();
    }

    pub(crate) fn snapshot_made(&mut self, to: NodeId, result: Result<SnapshotMeta, String>) {
        if let Err(reason) = &result {
            self.notice(format!("no snapshot could be made for node {to}: {reason}"));
        }
        match self.raw.mut_store().snapshots.get_mut().made(to, result) {
            // raft would ask again with the next heartbeat's answer; there is no reason to wait for it.
            Ok(()) if self.is_leader() && self.raw.raft.prs().get(to).is_some() => self.raw.raft.send_append(to),
            Ok(()) => {}
            Err(unused) => self.effects.extend(unused.map(|id| Effect::DiscardSnapshot { id })),
        }
    }

    pub(crate) fn snapshot_sent(&mut self, to: NodeId, id: &str, ok: bool) {
        let awaited = self.raw.mut_store().snapshots.get_mut().sent(to, id, ok);
        if awaited && !mutated(Mutation::SnapshotsNotReported) {
            let status = if ok { raft::SnapshotStatus::Finish } else { raft::SnapshotStatus::Failure };
            self.raw.report_snapshot(to, status);
        }
    }

    pub(crate) fn snapshot_staged(&mut self, id: String, from: NodeId, bytes: &[u8]) {
        let message = codec::decode_message(bytes).filter(|message| {
            let addressed = message.from == from && message.to == self.config.node;
            addressed
                && self.peers.counts(&self.membership(), from)
                && message.get_msg_type() == MessageType::MsgSnapshot
                && message.snapshot.is_some()
        });
        let accepted = message.is_some_and(|mut message| {
            self.peers.hear(from, self.now);
            if self.frozen() || self.peers.is_unmet() {
                return false;
            }
            message.mut_snapshot().data = id.clone().into_bytes();
            // An error only says that the message came from nobody of the configuration.
            let _ = self.raw.step(message);
            self.raw.snap().is_some_and(|snapshot| snapshot.data == id.as_bytes())
        });
        if !accepted {
            self.effects.push(Effect::DiscardSnapshot { id });
        }
    }

    pub(crate) fn state_hash(&mut self, node: NodeId, index: u64, hash: [u8; 32]) {
        if node != self.config.node {
            self.peers.came_to(node, index, self.now, &mut self.writes.notes);
        }
        match self.agreement.reported(self.config.node, &self.conf_state.voters, node, index, hash) {
            Verdict::Fine => {}
            Verdict::Disputed(index) => {
                self.notice(format!("replicas differ after entry {index}; waiting for the others"));
            }
            Verdict::Stop(reason) => self.stopping = Some(reason),
        }
    }

    /// The system clock was read: the stamping clock follows it where the cluster agrees with it.
    pub(crate) fn system_clock(&mut self, ahead_ms: i64) {
        self.clock.system_is(ahead_ms);
        let most = i64::try_from(self.config.tick_ms / CLOCK_DRIFT).unwrap_or(i64::MAX).max(1);
        let by_ms = match self.clock.correction(self.config.node, &voters(&self.conf_state), most) {
            Correction::None => return,
            Correction::Drift(by_ms) => by_ms,
            Correction::Adopt(by_ms) => {
                self.notice(format!(
                    "the system's clock was set by {by_ms} ms and the cluster's clocks agree with it: it counts"
                ));
                by_ms
            }
        };
        self.clock.moved(by_ms);
        self.effects.push(Effect::MoveClock { by_ms });
    }

    /// A joint configuration is left by the leader that entered it; should that have failed, by this one (trap 19).
    fn leave_joint_configuration(&mut self) {
        if self.conf_state.voters_outgoing.is_empty() || !self.role.ready || mutated(Mutation::JointNotLeft) {
            self.joint_since = None;
            return;
        }
        let since = *self.joint_since.get_or_insert(self.now);
        if self.now.saturating_sub(since) < self.config.joint_timeout_ms || self.raw.raft.has_pending_conf() {
            return;
        }
        self.joint_since = None;
        self.notice("left a joint configuration that nobody had left".to_owned());
        // Dropped only while leadership is handed over; then the next leader tries.
        let _ = self.raw.propose_conf_change(Vec::new(), ConfChangeV2::default());
    }
}

/// Whether a peer sends messages of this kind by themselves: not the local ones, not proposals (they are never forwarded
/// by raft), not snapshots (they come with their files).
fn travels_alone(kind: MessageType) -> bool {
    use MessageType as Kind;
    matches!(
        kind,
        Kind::MsgAppend
            | Kind::MsgAppendResponse
            | Kind::MsgRequestVote
            | Kind::MsgRequestVoteResponse
            | Kind::MsgRequestPreVote
            | Kind::MsgRequestPreVoteResponse
            | Kind::MsgHeartbeat
            | Kind::MsgHeartbeatResponse
            | Kind::MsgTimeoutNow
            | Kind::MsgReadIndex
            | Kind::MsgReadIndexResp
    )
}
