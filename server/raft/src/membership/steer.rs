//! The replica decides about membership with each tick while it leads, proposes what it decided, and confirms it by what the
//! log made of it.

use std::collections::BTreeMap;

use super::{
    Answer, Change, Observations, Place, Request, Roster, Seen, Stage, answer, decide,
    watch::{Glance, InFlight},
};
use crate::{
    CommittedKind, Disk, Effect, NodeId, Refused, Replica, members,
    mutation::{Mutation, mutated},
};

impl<D: Disk> Replica<D> {
    /// Judges what an operator, or a node that wants to join, asks for. Only a leader that has committed in its term can: it
    /// knows who is healthy. Nothing is changed, see [`crate::membership`].
    pub fn ask(&self, request: Request) -> Result<Answer, Refused> {
        if !self.role.ready {
            let leader = if self.role.leader == self.config.node { 0 } else { self.role.leader };
            return Err(Refused::NotLeader { leader });
        }
        Ok(answer(&self.observations(), &self.config.membership, self.now, request))
    }

    /// The state machine's roster, after something in it changed.
    pub(crate) fn take_roster(&mut self, roster: Roster) {
        for peer in self.peers.enrolled(&roster) {
            self.notice(format!(
                "node {peer} was believed before it was known which disk joined under this number: it was another one"
            ));
            self.effects.push(Effect::Disconnect { peer });
        }
        self.roster = roster;
    }

    /// A tick: what does the leader see, and what follows?
    pub(crate) fn steer(&mut self) {
        if !self.role.ready {
            return self.watch.rest();
        }
        let others = self.matched();
        self.watch.look(&Glance {
            now: self.now,
            voters: [&self.conf_state.voters, &self.conf_state.voters_outgoing],
            others: &others,
            leader: self.config.node,
            commit: self.raw.raft.raft_log.committed,
            silence_ms: self.config.silence_ms(),
            lag_ms: self.config.membership.lag_ms,
        });
        // Known without looking any closer, most of the time while something happens.
        if self.busy() {
            return;
        }
        if let Some(change) = decide(&self.observations(), &self.config.membership, self.now) {
            self.make(change);
        }
    }

    fn make(&mut self, change: Change) {
        if let Change::HandOver { to } = change {
            // raft gives up after an election timeout; what became of it shows in who leads.
            self.watch.quiet_until = self.now + self.config.membership.retry_ms;
            self.notice(format!("this node is not to lead any more: {}", change.sentence()));
            return self.raw.transfer_leader(to);
        }
        let Some(entry) = change.entry() else { return };
        if mutated(Mutation::ChangesTwice) {
            // raft-rs would make an empty entry of it.
            self.raw.raft.pending_conf_index = 0;
        }
        let proposed = self.admit(0).is_ok() && self.raw.propose_conf_change(Vec::new(), entry).is_ok();
        if proposed {
            let (index, term) = (self.raw.raft.raft_log.last_index(), self.raw.raft.term);
            self.watch.in_flight = Some(InFlight { index, term, change });
        } else {
            self.watch.quiet_until = self.now + self.config.membership.retry_ms;
        }
    }

    /// An entry is handed out: if it is where a change was proposed, the configuration tells what became of it (trap 4).
    pub(crate) fn confirm_change(&mut self, index: u64, term: u64, kind: &CommittedKind) {
        let Some(made) = self.watch.in_flight.take_if(|made| made.index == index) else { return };
        let done = matches!(kind, CommittedKind::Configuration(conf_state) if made.change.is_in(conf_state));
        if done && term == made.term {
            return self.notice(format!("membership: {}", made.change.sentence()));
        }
        self.watch.quiet_until = self.now + self.config.membership.retry_ms;
        self.notice(format!("membership: it was refused that {}; it is tried again", made.change.sentence()));
    }

    /// What this leader sees.
    pub(crate) fn observations(&self) -> Observations {
        let (me, matched) = (self.config.node, self.matched());
        let seen = |node: NodeId, place: Place| {
            let (silent_since, healthy_since) = if node == me { (None, Some(0)) } else { self.watch.of(node) };
            let matched = matched.get(&node).copied().unwrap_or_default();
            (node, Seen { place, wish: self.roster.wish(node), silent_since, healthy_since, matched })
        };
        let mut nodes = BTreeMap::new();
        for node in members(&self.conf_state) {
            let learns = [&self.conf_state.learners, &self.conf_state.learners_next];
            let learner = learns.into_iter().any(|learners| learners.contains(&node));
            nodes.extend([seen(node, if learner { Place::Learner } else { Place::Voter })]);
        }
        for node in self.to_admit().filter(|node| !nodes.contains_key(node)).collect::<Vec<_>>() {
            nodes.extend([seen(node, Place::Enrolled)]);
        }
        Observations {
            leader: me,
            ready: self.role.ready,
            joint: !self.conf_state.voters_outgoing.is_empty(),
            busy: self.busy(),
            contact_since: self.watch.contact_since(),
            nodes,
        }
    }

    /// Nothing may be changed for now.
    fn busy(&self) -> bool {
        let raft = &self.raw.raft;
        if mutated(Mutation::ChangesTwice) {
            return !self.clock_verdict().good;
        }
        let quiet = self.now < self.watch.quiet_until;
        let in_flight = self.watch.in_flight.is_some() || raft.has_pending_conf() || raft.lead_transferee.is_some();
        // A roster that does not know all members is older than the configuration, or the state machine keeps none.
        let outdated = || members(&self.conf_state).iter().any(|node| !self.roster.records().contains_key(node));
        quiet || in_flight || outdated() || !self.clock_verdict().good
    }

    /// Nodes that have a number and were never in the configuration.
    pub(crate) fn to_admit(&self) -> impl Iterator<Item = NodeId> + '_ {
        let enrolled = self.roster.records().iter().filter(|(_, record)| record.stage == Stage::Enrolled);
        enrolled.map(|(node, _)| *node).filter(|node| !self.peers.is_removed(*node))
    }

    fn matched(&self) -> BTreeMap<NodeId, u64> {
        let others = members(&self.conf_state).into_iter().filter(|node| *node != self.config.node);
        let matched = |node| self.raw.raft.prs().get(node).map_or(0, |progress| progress.matched);
        others.map(|node| (node, matched(node))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Hello, Input, OpenError, found, founding_state, membership::Settings, sim::SimDisk};

    fn open(adjust: impl FnOnce(&mut Config)) -> Result<(Replica<SimDisk>, Vec<Effect>), OpenError> {
        let hello = Hello { cluster_id: "c".into(), epoch: 1, node: 1, incarnation: "i".into() };
        let disk = SimDisk::new();
        found(&disk, &hello, &[1])?;
        let applied = founding_state(&disk)?;
        let mut config = Config::new(hello);
        adjust(&mut config);
        Replica::open(config, disk, applied, 1, &slog::Logger::root(slog::Discard, slog::o!()), 0)
    }

    /// Writes and applies at once whatever comes up.
    fn settle(replica: &mut Replica<SimDisk>, mut effects: Vec<Effect>) {
        while !effects.is_empty() {
            let mut inputs = Vec::new();
            for effect in effects {
                match effect {
                    Effect::Persist(persist) => inputs.push(Input::Persisted(persist.number)),
                    Effect::Apply(entries) => {
                        inputs.extend(entries.last().map(|last| Input::Applied { index: last.index }));
                    }
                    _ => {}
                }
            }
            effects = if inputs.is_empty() { Vec::new() } else { replica.step(inputs, 0) };
        }
    }

    fn roster() -> Roster {
        let mut roster = Roster::default();
        roster.configured(&raft::eraftpb::ConfState { voters: vec![1], ..Default::default() });
        roster
    }

    #[test]
    fn nothing_is_decided_for_a_state_machine_that_does_not_record_its_members() {
        let (mut replica, effects) = open(|_| {}).unwrap();
        settle(&mut replica, effects);
        assert!(replica.status().ready && replica.observations().busy);
        replica.step([Input::Roster(roster())], 0);
        assert!(!replica.observations().busy);
    }

    #[test]
    fn trap_4_a_change_that_became_an_empty_entry_is_told_and_tried_again_later() {
        let (mut replica, effects) = open(|_| {}).unwrap();
        settle(&mut replica, effects);
        replica.step([Input::Roster(roster())], 0);
        let (index, term) = (replica.raw.raft.raft_log.last_index() + 1, replica.raw.raft.term);
        replica.watch.in_flight = Some(InFlight { index, term, change: Change::Admit { node: 4 } });
        // raft makes an empty entry of what leaves a joint configuration that nobody is in.
        let nothing = Input::Configure { id: 1, change: raft::eraftpb::ConfChangeV2::default() };
        let effects = replica.step([nothing], 0);
        assert!(replica.observations().busy, "one change at a time");
        settle(&mut replica, effects);
        let last = replica.status().notices.pop().unwrap();
        assert_eq!(last, "membership: it was refused that node 4 joins as a learner; it is tried again");
        assert!(replica.watch.in_flight.is_none() && replica.observations().busy, "not at once");
        replica.now += replica.config.membership.retry_ms;
        assert!(!replica.observations().busy);
    }

    #[test]
    fn settings_that_make_no_sense_are_refused_at_start() {
        let settings = Settings { target_voters: 2, ..Settings::default() };
        let refused = open(|config| config.membership = settings).map(|_| ()).unwrap_err();
        assert!(matches!(refused, OpenError::Config(why) if why.contains("target_voters is 2")));
    }
}
