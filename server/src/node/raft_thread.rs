//! The raft thread: the one place where the replica is touched.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use lectern_proto::v1::{LeadershipChange, Membership};
use lectern_raft::membership::Standing;
use lectern_raft::{Effect, Input, Replica, Reply, Role, RoleChange};

use super::apply_thread::ApplyWork;
use super::board::{self, ReplicaView};
use super::compactor::Compaction;
use super::fetcher::Fetch;
use super::log_writer::LogWork;
use super::snapshots::SnapshotWork;
use super::{NodeError, Shared, membership};
use crate::fatal;
use crate::peer::Hub;
use crate::store::LogDb;

/// How often the members are looked at, for people.
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub(super) struct RaftThread {
    pub(super) replica: Replica<LogDb>,
    pub(super) shared: Arc<Shared>,
    pub(super) hub: Arc<Hub>,
    pub(super) log: Sender<LogWork>,
    pub(super) apply: Sender<ApplyWork>,
    pub(super) snapshots: Sender<SnapshotWork>,
    pub(super) fetches: Sender<Fetch>,
    pub(super) compactions: Sender<Compaction>,
    pub(super) tick: Duration,
    /// The zero of the replica's clock.
    pub(super) started: Instant,
    pub(super) role: RoleChange,
    /// How many of the replica's remarks for a person are logged.
    pub(super) noticed: u64,
    /// Two sets of voters count.
    pub(super) joint: bool,
    /// What does not change of what is said of the membership.
    pub(super) membership: Membership,
}

impl RaftThread {
    /// Works until the node stops.
    pub(super) fn run(mut self, first: Vec<Effect>) {
        self.carry_out(first);
        self.publish();
        let mut next_tick = Instant::now() + self.tick;
        let mut next_look = Instant::now();
        while !self.shared.is_stopped() {
            let (waiting, questions) = self.shared.inbox.drain(next_tick);
            let now = Instant::now();
            let due = now >= next_tick;
            if due {
                next_tick = tick_after(next_tick, now, self.tick);
            }
            let (inputs, rooms): (Vec<_>, Vec<_>) = waiting.into_iter().map(super::inbox::Waiting::open).unzip();
            self.note_leader_contact(&inputs);
            let tick = due.then(|| [self.read_clock(), Input::Tick]);
            let effects = self.replica.step(inputs.into_iter().chain(tick.into_iter().flatten()), self.elapsed_ms(now));
            drop(rooms);
            self.carry_out(effects);
            self.publish();
            for question in questions {
                let _gave_up = question.answer.send(self.replica.ask(question.request));
            }
            if now >= next_look {
                next_look = now + LOOK_EVERY;
                self.look_at_members();
            }
        }
    }

    /// Looking ahead takes a while, and people do not see what changes within a second.
    fn look_at_members(&self) {
        let (seen, joint) = (self.replica.membership_status(), self.joint);
        let count = |standing| seen.members.iter().filter(|member| member.standing == standing).count() as u64;
        gauge("lectern_membership_voters", count(Standing::Voter));
        gauge("lectern_membership_learners", count(Standing::Learner));
        gauge("lectern_membership_joint", u64::from(joint));
        let changes_total = self.shared.board.vitals().configuration_changes();
        let (members, next_change) = membership::shown(seen);
        self.shared.board.set_membership(Membership {
            members,
            next_change,
            joint,
            changes_total,
            seen_by_leader: self.role.ready,
            ..self.membership.clone()
        });
    }

    /// Before each tick, so that a step of the system's clock is judged before it could matter.
    fn read_clock(&self) -> Input {
        Input::SystemClock { ahead_ms: self.shared.clock.system_ahead_ms() }
    }

    fn elapsed_ms(&self, now: Instant) -> u64 {
        u64::try_from(now.duration_since(self.started).as_millis()).unwrap_or(u64::MAX)
    }

    /// The next leader says since when there was none: from the last sign of one that worked.
    fn note_leader_contact(&self, inputs: &[Input]) {
        let leader = self.role.leader;
        let leads = self.role.role == Role::Leader;
        let heard = |input: &Input| matches!(input, Input::Message { from, .. } if *from == leader);
        if leads || (leader != 0 && inputs.iter().any(heard)) {
            self.shared.leader_contact.leader_seen(self.role.term, self.shared.clock.now_ms());
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Persist(persist) => self.to_log(LogWork::Persist(persist)),
                Effect::Send { to, bytes, urgent } => self.hub.send(to, bytes, urgent),
                Effect::Apply(entries) => {
                    let _ending = self.apply.send(ApplyWork::Entries(entries));
                }
                Effect::FetchEntries { fetch: number, low, high } => {
                    let _ending = self.fetches.send(Fetch { number, low, high });
                }
                Effect::MakeSnapshot { to, at_least } => self.to_snapshots(SnapshotWork::Make { to, at_least }),
                Effect::SendSnapshot { to, id, bytes } => {
                    self.to_snapshots(SnapshotWork::Send { to, id, message: bytes });
                }
                Effect::Install { id, index, switch, .. } => self.to_log(LogWork::Install { id, index, switch }),
                Effect::DiscardSnapshot { id } => self.to_snapshots(SnapshotWork::Discard { id }),
                Effect::Compact { through, batch } => {
                    let _ending = self.compactions.send(Compaction { through, batch });
                }
                Effect::Welcome { connection, result, .. } => self.hub.judged(connection, result),
                Effect::Disconnect { peer } => self.hub.disconnect(peer),
                Effect::MoveClock { by_ms } => self.shared.clock.shift(by_ms),
                Effect::Reply(reply) => self.answer(&reply),
                Effect::RoleChanged(change) => self.change_role(change),
                Effect::Stop(reason) => fatal::stop(&reason),
            }
        }
    }

    fn to_log(&self, work: LogWork) {
        let _ending = self.log.send(work);
    }

    fn to_snapshots(&self, work: SnapshotWork) {
        let _ending = self.snapshots.send(work);
    }

    fn answer(&self, reply: &Reply) {
        let shared = &self.shared;
        match *reply {
            // The outcome comes from apply.
            Reply::Appended { .. } => {}
            Reply::ProposalRefused { id, why } => shared.proposals.resolve(id, Err(shared.refusal(why))),
            Reply::OutcomeUnknown { id } => shared.proposals.resolve(id, Err(NodeError::OutcomeUnknown)),
            Reply::ReadReady { id, .. } => shared.reads.resolve(id, Ok(())),
            Reply::ReadRefused { id, why } => shared.reads.resolve(id, Err(shared.refusal(why))),
        }
    }

    fn change_role(&mut self, change: RoleChange) {
        if change.term != self.role.term || change.role != self.role.role || change.leader != self.role.leader {
            tracing::info!(role = ?change.role, term = change.term, leader = change.leader, "role changed");
            self.shared.board.vitals().leadership_changed(LeadershipChange {
                at_ms: self.shared.clock.now_ms(),
                term: change.term,
                role: board::role(change.role).into(),
                leader_id: change.leader,
            });
        }
        if change.role == Role::Candidate && self.role.role != Role::Candidate {
            metrics::counter!("lectern_raft_elections_total").increment(1);
            self.shared.board.vitals().election_began();
        }
        self.role = change;
        self.publish();
        self.shared.leading.send_if_modified(|leading| {
            let now = if change.ready { change.term } else { 0 };
            std::mem::replace(leading, now) != now
        });
    }

    /// Shows the replica as it is on the board and in the metrics.
    fn publish(&mut self) {
        let status = self.replica.status();
        gauge("lectern_raft_term", self.role.term);
        gauge("lectern_raft_commit_index", status.commit);
        gauge("lectern_raft_applied_index", status.applied);
        gauge("lectern_raft_last_index", status.last_index);
        gauge("lectern_raft_leader", self.role.leader);
        gauge("lectern_raft_is_leader", u64::from(self.role.role == Role::Leader));
        let fresh = usize::try_from(status.noticed - self.noticed).unwrap_or(usize::MAX);
        self.noticed = status.noticed;
        for notice in &status.notices[status.notices.len().saturating_sub(fresh)..] {
            tracing::warn!("{notice}");
        }
        self.joint = !status.conf_state.voters_outgoing.is_empty();
        let matched = status.peers.iter().filter_map(|peer| Some((peer.node, peer.progress.as_ref()?.matched)));
        self.shared.board.set_replica(ReplicaView {
            role: self.role.role,
            term: self.role.term,
            leader: self.role.leader,
            ready: self.role.ready,
            commit: status.commit,
            first_index: status.first_index,
            last_index: status.last_index,
            durable_index: Some(status.durable_index),
            matched: matched.collect(),
            clock: status.clock,
            configured_at: status.configured_at,
            member: status.is_member(),
            unmet: status.unmet,
        });
    }
}

#[allow(clippy::cast_precision_loss)] // Indexes stay far below 2^52.
fn gauge(name: &'static str, value: u64) {
    metrics::gauge!(name).set(value as f64);
}

/// When the next tick is due, after one that was due then and was made now. What was missed is skipped: ticks in a burst
/// would be an election without a reason (trap 23).
fn tick_after(due: Instant, now: Instant, every: Duration) -> Instant {
    let next = due + every;
    if next > now { next } else { now + every }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trap_23_ticks_keep_their_rhythm_and_those_that_a_stall_swallowed_are_skipped() {
        let (began, every) = (Instant::now(), Duration::from_millis(100));
        let at = |ms: u64| began + Duration::from_millis(ms);
        assert_eq!(tick_after(at(100), at(100), every), at(200));
        assert_eq!(tick_after(at(100), at(130), every), at(200), "a tick that is late moves no other");
        assert_eq!(tick_after(at(100), at(199), every), at(200));
        assert_eq!(tick_after(at(100), at(200), every), at(300), "one was missed");
        assert_eq!(tick_after(at(100), at(60_000), every), at(60_100), "six hundred were missed");
    }
}
