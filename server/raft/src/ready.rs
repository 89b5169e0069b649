//! Turning raft-rs's Readies into effects.
//!
//! The order in each: a leader's messages go out at once; entries and hard state are written; once they are durable, the
//! messages that waited for them go out and raft learns of it; what is committed and durable here is handed to apply.

use raft::{
    Ready,
    eraftpb::{ConfChange, ConfChangeV2, ConfState, Entry, EntryType, HardState, Message, MessageType},
};

use crate::{
    Committed, CommittedKind, Disk, Effect, Persist, Replica, Reply, codec,
    compaction::Bounds,
    log::Log,
    members,
    mutation::{Mutation, mutated},
    proposals::Outcome,
};

/// A snapshot that raft has accepted and the shell installs. raft's Ready is finished once that is done.
pub(crate) struct Installing {
    id: String,
    index: u64,
    term: u64,
    hard_state: HardState,
    ready: Ready,
}

impl<D: Disk> Replica<D> {
    /// Takes Readies until there are none, then gives out what they have asked for on the way.
    pub(crate) fn drive(&mut self) {
        loop {
            self.ask_reads();
            if self.frozen() {
                // The switch replaces the log: no other write may be under way.
                if self.installing.is_none() && self.writes.idle() && !self.compacting {
                    self.begin_install();
                }
                break;
            }
            if !self.raw.has_ready() || self.raw.store().failure().is_some() {
                break;
            }
            let full = self.unapplied_bytes > self.config.max_unapplied_bytes;
            let budget = if full { 0 } else { self.config.max_apply_bytes };
            self.raw.raft.set_max_committed_size_per_ready(budget);
            self.take_ready();
            self.settle();
            if full {
                break;
            }
        }
        self.write_notes();
        self.ask_shell();
        self.compact();
    }

    fn take_ready(&mut self) {
        let mut ready = self.raw.ready();
        self.confirm_reads(&mut ready);
        let mut messages = ready.take_messages();
        messages.retain_mut(|message| self.mend(message));
        let before = &self.raw.store().hard_state;
        let new_term = ready.hs().is_some_and(|now| (now.term, now.vote) != (before.term, before.vote));
        // A leader's messages promise nothing about this disk, except that its term is its own: the only voter of a group
        // leads before that is durable, and after a crash would lead in the same term with other entries.
        let early = mutated(Mutation::SaidBeforeDurable);
        let late = if !early && (new_term || !self.writes.is_durable(self.writes.term())) {
            messages
        } else {
            self.send(messages);
            Vec::new()
        };
        self.persist(&mut ready, new_term);
        let late = late.iter().filter_map(outgoing).collect();
        self.writes.hold(self.writes.term(), None, late);
        let committed = ready.take_committed_entries();
        self.hand_out(committed);
        self.raw.advance_append_async(ready);
        self.release();
        self.step_down_if_removed();
    }

    /// Says truly where an append's entries belong, or that it is not to be sent. raft-rs 0.7 adds entries to an append of the
    /// same step that has none, wherever that one stands; the follower would take them for those that follow it, and
    /// acknowledge entries that it does not hold.
    fn mend(&self, message: &mut Message) -> bool {
        let Some(before) = codec::astray(message) else { return true };
        // 0: an entry that is not there any more. A lost message is asked for again.
        let term = self.raw.raft.raft_log.term(before).unwrap_or_default();
        (message.index, message.log_term) = (before, term);
        term > 0
    }

    fn confirm_reads(&mut self, ready: &mut Ready) {
        for state in ready.take_read_states() {
            self.reads.confirmed(&state.request_ctx, state.index);
        }
        let answers = self.reads.applied(self.applied);
        self.reply_all(answers);
    }

    fn send(&mut self, messages: Vec<Message>) {
        self.effects.extend(messages.into_iter().filter_map(|message| outgoing(&message)));
    }

    fn persist(&mut self, ready: &mut Ready, new_term: bool) {
        let mut held = ready.take_persisted_messages().into_iter().filter_map(|message| outgoing(&message)).collect();
        if mutated(Mutation::SaidBeforeDurable) {
            self.effects.append(&mut held);
        }
        let entries = ready.take_entries();
        let hard_state = ready.hs().cloned();
        if entries.is_empty() && hard_state.is_none() {
            // Nothing to write, but what was said before may not be durable yet.
            let write = self.writes.issued();
            return self.writes.hold(write, Some(ready.number()), held);
        }
        let number = self.writes.issue();
        if new_term {
            self.writes.term_changes_with(number);
        }
        let (truncate_from, batch) = self.raw.mut_store().append(number, &entries, hard_state.as_ref());
        self.writes.hold(number, Some(ready.number()), held);
        let must_sync = ready.must_sync();
        self.effects.push(Effect::Persist(Persist { number, truncate_from, entries, hard_state, must_sync, batch }));
    }

    /// Says what waited for a write, and tells raft.
    pub(crate) fn release(&mut self) {
        let (ready, effects) = self.writes.release();
        self.effects.extend(effects);
        if let Some(ready) = ready {
            self.raw.on_persist_ready(ready);
        }
    }

    /// Hands committed entries to apply. A configuration takes effect in raft here (trap 18): before raft is told that it
    /// is applied.
    fn hand_out(&mut self, entries: Vec<Entry>) {
        if entries.is_empty() {
            return;
        }
        let mut committed = Vec::with_capacity(entries.len());
        for mut entry in entries {
            assert_eq!(entry.index, self.handed + 1, "entries are handed out in order, each once");
            let bytes = entry.data.len() as u64;
            self.handed = entry.index;
            self.unapplied.push_back((entry.index, bytes));
            self.unapplied_bytes += bytes;
            let proposal = match self.proposals.committed(entry.index, entry.term) {
                Outcome::Ours(id) => Some(id),
                Outcome::Replaced(id) => {
                    self.reply(Reply::OutcomeUnknown { id });
                    None
                }
                Outcome::Foreign => None,
            };
            // The type comes first: the entry that leaves a joint configuration is empty (trap 1).
            let kind = match entry.get_entry_type() {
                _ if mutated(Mutation::EmptyEntriesSkipped) && entry.data.is_empty() => CommittedKind::Empty,
                EntryType::EntryNormal if entry.data.is_empty() => CommittedKind::Empty,
                EntryType::EntryNormal => CommittedKind::Command(entry.take_data()),
                EntryType::EntryConfChange | EntryType::EntryConfChangeV2 => self.configure(&entry),
            };
            self.confirm_change(entry.index, entry.term, &kind);
            committed.push(Committed { index: entry.index, term: entry.term, kind, proposal });
        }
        self.effects.push(Effect::Apply(committed));
    }

    fn configure(&mut self, entry: &Entry) -> CommittedKind {
        let applied = match entry.get_entry_type() {
            EntryType::EntryConfChange => {
                codec::decode::<ConfChange>(&entry.data).map(|change| self.raw.apply_conf_change(&change))
            }
            _ => codec::decode::<ConfChangeV2>(&entry.data).map(|change| self.raw.apply_conf_change(&change)),
        };
        match applied {
            Some(Ok(conf_state)) => CommittedKind::Configuration(self.configured(conf_state)),
            Some(Err(error)) => {
                self.notice(format!("the change of configuration in entry {} does nothing: {error}", entry.index));
                CommittedKind::Empty
            }
            None => {
                self.notice(format!(
                    "the change of configuration in entry {} cannot be read and does nothing",
                    entry.index
                ));
                CommittedKind::Empty
            }
        }
    }

    /// A configuration is in effect: nodes it dropped never come back.
    fn configured(&mut self, conf_state: ConfState) -> ConfState {
        let before = std::mem::replace(&mut self.conf_state, codec::sorted(conf_state));
        let now = members(&self.conf_state);
        for node in members(&before).into_iter().filter(|node| !now.contains(node)) {
            self.peers.remove(node, &mut self.writes.notes);
            if node == self.config.node {
                self.notice(
                    "this node was removed from the cluster: stop it; to use it again, let it join under a new number"
                        .to_owned(),
                );
            } else {
                self.effects.push(Effect::Disconnect { peer: node });
            }
        }
        self.conf_state.clone()
    }

    /// A leader outside its own configuration would keep others from electing one (trap 3).
    fn step_down_if_removed(&mut self) {
        let me = self.config.node;
        let votes = self.conf_state.voters.contains(&me) || self.conf_state.voters_outgoing.contains(&me);
        if self.is_leader() && !votes && !mutated(Mutation::RemovedLeaderStays) {
            let term = self.raw.raft.term;
            self.raw.raft.become_follower(term, 0);
        }
    }

    fn begin_install(&mut self) {
        let mut ready = self.raw.ready();
        assert!(
            ready.entries().is_empty() && ready.committed_entries().is_empty(),
            "raft is left alone once a snapshot is accepted"
        );
        self.confirm_reads(&mut ready);
        let metadata = ready.snapshot().get_metadata();
        let (index, term) = (metadata.index, metadata.term);
        let conf_state = codec::sorted(metadata.get_conf_state().clone());
        let id = String::from_utf8_lossy(&ready.snapshot().data).into_owned();
        let hard_state = self.raw.raft.hard_state();
        let switch = Log::<D>::switch(&id, index, term, &hard_state);
        self.effects.push(Effect::Install { id: id.clone(), index, term, conf_state, switch });
        self.installing = Some(Installing { id, index, term, hard_state, ready });
    }

    pub(crate) fn snapshot_installed(&mut self, id: &str) {
        let Some(installing) = self.installing.take_if(|installing| installing.id == id) else {
            return self.notice(format!("snapshot {id} was installed, but nobody had asked for that"));
        };
        let Installing { index, term, hard_state, mut ready, .. } = installing;
        let number = ready.number();
        let answers = ready.take_persisted_messages();
        let conf_state = ready.snapshot().get_metadata().get_conf_state().clone();
        self.raw.mut_store().switched(index, term, hard_state);
        self.raw.advance_append_async(ready);
        self.raw.on_persist_ready(number);
        self.raw.advance_apply_to(index);
        (self.applied, self.handed) = (index, index);
        self.unapplied.clear();
        self.unapplied_bytes = 0;
        self.configured(conf_state);
        self.send(answers);
        let ready = self.reads.applied(index);
        self.reply_all(ready);
    }

    fn ask_reads(&mut self) {
        let reachable = if self.is_leader() { self.role.ready } else { self.raw.raft.leader_id != 0 };
        if let Some(context) = self.reads.ask(reachable && !self.frozen(), self.now) {
            self.raw.read_index(context);
        }
    }

    /// What must be remembered beside the log: a write of its own, which the answers wait for.
    /// Not while the log is switched: the disk is busy with that, and whoever waits for a note asks again.
    fn write_notes(&mut self) {
        let switching = (self.frozen() || self.installing.is_some()) && !mutated(Mutation::NotesDuringSwitch);
        if self.writes.notes.ops.is_empty() || switching {
            return;
        }
        let batch = std::mem::take(&mut self.writes.notes);
        let answers = std::mem::take(&mut self.writes.note_effects);
        let number = self.writes.issue();
        self.writes.hold(number, None, answers);
        let persist =
            Persist { number, truncate_from: None, entries: Vec::new(), hard_state: None, must_sync: true, batch };
        self.effects.push(Effect::Persist(persist));
    }

    fn ask_shell(&mut self) {
        let now = self.now;
        let log = self.raw.mut_store();
        let fetches = log.fetches.get_mut().take_asked(now);
        let superseded = log.snapshots.get_mut().take_superseded();
        let wanted = log.snapshots.get_mut().take_wanted();
        self.effects.extend(fetches.into_iter().map(|(fetch, low, high)| Effect::FetchEntries { fetch, low, high }));
        self.effects.extend(superseded.into_iter().map(|id| Effect::DiscardSnapshot { id }));
        self.effects.extend(wanted.into_iter().map(|(to, at_least)| Effect::MakeSnapshot { to, at_least }));
    }

    fn compact(&mut self) {
        if self.compacting || self.frozen() {
            return;
        }
        let durable = self.raw.raft.raft_log.persisted;
        let log = self.raw.mut_store();
        let bounds = Bounds { safe: self.applied.min(durable), snapshot: log.snapshots.get_mut().floor() };
        if let Some(through) = self.config.retention().cut(&log.spans, bounds, self.now) {
            let batch = log.compact(through);
            self.compacting = true;
            self.effects.push(Effect::Compact { through, batch });
        }
    }
}

/// The effect that sends a message.
fn outgoing(message: &Message) -> Option<Effect> {
    use MessageType as Kind;
    let (to, kind) = (message.to, message.get_msg_type());
    let bytes = codec::encode(message);
    if kind == Kind::MsgSnapshot {
        let id = String::from_utf8_lossy(&message.get_snapshot().data).into_owned();
        return Some(Effect::SendSnapshot { to, id, bytes });
    }
    let urgent = !matches!(kind, Kind::MsgAppend | Kind::MsgAppendResponse);
    // A proposal is never forwarded; `propose` has checked the role (trap 15).
    (kind != Kind::MsgPropose).then_some(Effect::Send { to, bytes, urgent })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Applied, Config, Hello, Input, found, founding_state, sim::SimDisk};

    /// A node of a cluster that these founded; of none, it waits for a leader to tell it everything.
    fn node(founders: &[u64]) -> Replica<SimDisk> {
        let hello = Hello { cluster_id: "c".into(), epoch: 1, node: 1, incarnation: "i".into() };
        let disk = SimDisk::new();
        found(&disk, &hello, founders).unwrap();
        let applied = if founders.is_empty() { Applied::default() } else { founding_state(&disk).unwrap() };
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        Replica::open(Config::new(hello), disk, applied, 1, &logger, 0).unwrap().0
    }

    fn append(index: u64, entries: &[u64]) -> Message {
        let entry = |index: &u64| Entry { index: *index, term: 2, ..Entry::default() };
        let mut message = Message { from: 2, to: 1, term: 2, index, log_term: 9, ..Message::default() };
        message.set_msg_type(MessageType::MsgAppend);
        message.set_entries(entries.iter().map(entry).collect::<Vec<_>>());
        message
    }

    #[test]
    fn an_append_says_where_its_entries_belong_or_is_not_sent() {
        let leader = node(&[1]);
        let mend = |mut message: Message| leader.mend(&mut message).then_some((message.index, message.log_term));
        assert_eq!(mend(append(1, &[2])), Some((1, 9)), "as it is");
        assert_eq!(mend(append(7, &[])), Some((7, 9)), "as it is");
        assert_eq!(mend(append(7, &[2, 3])), Some((1, 1)), "they follow entry 1");
        assert_eq!(mend(append(7, &[51])), None, "nobody knows what they follow");
    }

    #[test]
    fn an_append_whose_entries_do_not_follow_its_index_is_ignored() {
        let entries_written = |message: Message| {
            let input = Input::Message { from: 2, bytes: codec::encode(&message) };
            let effects = node(&[]).step([input], 0);
            let written = |effect: &Effect| matches!(effect, Effect::Persist(persist) if !persist.entries.is_empty());
            effects.iter().any(written)
        };
        let right = Message { log_term: 0, ..append(0, &[1, 2]) };
        assert!(entries_written(right));
        assert!(!entries_written(Message { log_term: 0, ..append(0, &[2, 3]) }));
    }
}
