//! The shell's part of each node: carrying out effects, with or without threads of their own. After each thing it does, the
//! node may die.

use crate::{
    Batch, Committed, Disk, Effect, Input, NodeId, Persist, RoleChange,
    dice::mix,
    mutation::{Mutation, mutated},
    read_entries,
    sim::{
        checks::{Outcome, ensure},
        failpoints::Point,
        machine::Machine,
        node::Install,
        world::{Event, World},
    },
};

/// Nodes compare their hash chains after every so many entries.
const COMPARE_EVERY: u64 = 64;

impl<M: Machine> World<M> {
    /// Does what a node wants done. What is done already comes back as inputs.
    pub(crate) fn carry_out(&mut self, id: NodeId, effects: Vec<Effect>) -> Outcome<Vec<Input>> {
        let mut feedback = Vec::new();
        if !effects.is_empty() {
            self.point(id, Point::Stepped)?;
        }
        for effect in effects {
            self.check_changes(id, &effect)?;
            self.checks.effect(id, &effect)?;
            self.remember(id, &effect);
            self.carry_out_one(id, effect, &mut feedback)?;
        }
        Ok(feedback)
    }

    fn carry_out_one(&mut self, id: NodeId, effect: Effect, feedback: &mut Vec<Input>) -> Outcome {
        let life = self.nodes[&id].life;
        match effect {
            Effect::Persist(persist) => self.persist(id, persist, feedback),
            Effect::Send { to, bytes, urgent } => {
                self.send(id, to, bytes, urgent);
                self.point(id, Point::Sent)
            }
            Effect::Apply(entries) => self.queue_apply(id, entries, feedback),
            Effect::FetchEntries { fetch, low, high } => {
                self.checks.counters.fetches += 1;
                // Long enough for the entries to be compacted meanwhile.
                let longest = if self.dice.chance(100) { 500 } else { 10 };
                let delay = self.dice.below(longest);
                self.schedule(delay, Event::Fetch { node: id, life, fetch, low, high });
                Ok(())
            }
            Effect::MakeSnapshot { to, at_least } => {
                let delay = 5 + self.dice.below(50);
                self.schedule(delay, Event::MakeSnapshot { node: id, life, to, at_least });
                Ok(())
            }
            Effect::SendSnapshot { to, id: snapshot, bytes } => {
                self.stream(id, to, &snapshot, bytes);
                self.point(id, Point::SnapshotLeft)
            }
            Effect::Install { id: snapshot, index, switch, .. } => {
                self.install(id, Install { id: snapshot, index, switch }, feedback)
            }
            Effect::DiscardSnapshot { id: snapshot } => self.discard(id, &snapshot),
            Effect::Compact { through, batch } => self.compact(id, through, &batch, feedback),
            Effect::Welcome { connection, peer, result } => {
                self.welcome(id, connection, peer, &result)?;
                self.point(id, Point::Welcomed)
            }
            Effect::Disconnect { peer } => {
                self.checks.counters.disconnections += 1;
                self.break_connection(id, peer);
                Ok(())
            }
            Effect::MoveClock { by_ms } => {
                self.checks.counters.clocks_moved += 1;
                self.node(id).stamping_clock += by_ms;
                self.point(id, Point::ClockMoved)
            }
            Effect::Reply(reply) => {
                self.replied(id, &reply)?;
                self.point(id, Point::Replied)
            }
            Effect::RoleChanged(change) => {
                self.role_changed(id, change);
                self.point(id, Point::RoleTold)
            }
            Effect::Stop(reason) => self.stopped(id, &reason),
        }
    }

    fn role_changed(&mut self, id: NodeId, change: RoleChange) {
        if change.ready && !self.node(id).role.ready {
            self.tell(|| format!("node {id} leads in term {}", change.term));
            self.node(id).ready_since = self.now;
        }
        self.node(id).role = change;
    }

    /// Writes to the log's disk. A node whose disk refuses stops on the spot.
    pub(crate) fn write(&mut self, id: NodeId, batch: &Batch) -> Outcome {
        if mutated(Mutation::TornBatch) {
            let parts = batch.ops.iter().map(|op| Batch { ops: vec![op.clone()] }).collect::<Vec<_>>();
            return parts.iter().try_for_each(|part| self.write_whole(id, part));
        }
        self.write_whole(id, batch)
    }

    fn write_whole(&mut self, id: NodeId, batch: &Batch) -> Outcome {
        let written = self.nodes[&id].disk.write(batch);
        written.or_else(|error| self.stopped(id, &error.to_string()))
    }

    /// Makes durable what was written. A node whose disk fails at that stops without another word (trap 7).
    pub(crate) fn sync(&mut self, id: NodeId) -> Outcome {
        let synced = self.nodes[&id].disk.sync();
        if mutated(Mutation::FsyncErrorIgnored) {
            return Ok(());
        }
        synced.or_else(|error| self.stopped(id, &error.to_string()))
    }

    fn persist(&mut self, id: NodeId, persist: Persist, feedback: &mut Vec<Input>) -> Outcome {
        let node = self.node(id);
        ensure(node.installing.is_none(), || format!("node {id} writes while the log is switched"))?;
        if !node.synchronous {
            node.writing.push_back(persist);
            return self.write_on(id);
        }
        self.write(id, &persist.batch)?;
        self.point(id, Point::PersistWritten)?;
        if persist.must_sync {
            self.sync(id)?;
        }
        self.point(id, Point::PersistSynced)?;
        feedback.push(Input::Persisted(persist.number));
        Ok(())
    }

    /// The writer takes all that is queued, unless it is busy.
    fn write_on(&mut self, id: NodeId) -> Outcome {
        let node = self.node(id);
        if node.writer_busy {
            return Ok(());
        }
        let Some((number, sync, batch)) = node.merge_writes() else { return Ok(()) };
        node.writer_busy = true;
        let (life, slow) = (node.life, node.slow_until > self.now);
        self.write(id, &batch)?;
        self.point(id, Point::PersistWritten)?;
        // A disk is slow now and then.
        let longest = if slow {
            400
        } else if self.dice.chance(20) {
            100
        } else {
            self.plan.disk_ms
        };
        let delay = 1 + self.dice.below(longest);
        self.schedule(delay, Event::Written { node: id, life, number, sync });
        Ok(())
    }

    pub(crate) fn written(&mut self, id: NodeId, number: u64, sync: bool) -> Outcome {
        self.node(id).writer_busy = false;
        if sync {
            self.sync(id)?;
        }
        self.point(id, Point::PersistSynced)?;
        self.feed(id, Input::Persisted(number))?;
        self.write_on(id)
    }

    fn compact(&mut self, id: NodeId, through: u64, batch: &Batch, feedback: &mut Vec<Input>) -> Outcome {
        self.checks.counters.compactions += 1;
        let node = self.node(id);
        ensure(node.state.applied.index >= through, || format!("node {id} compacts what it has not applied"))?;
        if !mutated(Mutation::CompactionAhead) {
            node.sync_state();
        }
        self.point(id, Point::StateSynced)?;
        self.write(id, batch)?;
        self.point(id, Point::CompactWritten)?;
        feedback.push(Input::Compacted { through });
        Ok(())
    }

    fn discard(&mut self, id: NodeId, snapshot: &str) -> Outcome {
        self.checks.counters.snapshots_discarded += 1;
        let node = self.node(id);
        node.checkpoints.remove(snapshot);
        if node.directory != snapshot {
            node.directories.remove(snapshot);
        }
        self.point(id, Point::SnapshotDiscarded)
    }

    /// Reads entries for a follower, off the replica's thread.
    pub(crate) fn fetch(&mut self, id: NodeId, fetch: u64, low: u64, high: u64) -> Outcome {
        let read = read_entries(&self.nodes[&id].disk, low, high);
        self.point(id, Point::EntriesRead)?;
        let result = read.map_err(|problem| problem.to_string());
        self.feed(id, Input::EntriesFetched { fetch, result })
    }

    fn queue_apply(&mut self, id: NodeId, entries: Vec<Committed>, feedback: &mut Vec<Input>) -> Outcome {
        self.node(id).applying.extend(entries);
        if self.node(id).synchronous {
            feedback.extend(self.apply(id, usize::MAX)?);
        } else if !std::mem::replace(&mut self.node(id).applier_busy, true) {
            let (life, delay) = (self.nodes[&id].life, self.dice.below(self.plan.apply_ms));
            self.schedule(delay, Event::Apply { node: id, life });
        }
        Ok(())
    }

    pub(crate) fn apply_some(&mut self, id: NodeId) -> Outcome {
        let count = 1 + usize::try_from(self.dice.below(self.plan.batch)).unwrap_or(0);
        let applied = self.apply(id, count)?;
        if self.nodes[&id].applying.is_empty() {
            self.node(id).applier_busy = false;
        } else {
            let (life, delay) = (self.nodes[&id].life, 1 + self.dice.below(self.plan.apply_ms));
            self.schedule(delay, Event::Apply { node: id, life });
        }
        if self.dice.chance(50) {
            self.node(id).sync_state();
        }
        self.feed_all(id, applied)
    }

    /// Applies up to so many entries as one batch. If that changed the roster, the replica hears of it first.
    fn apply(&mut self, id: NodeId, count: usize) -> Outcome<Vec<Input>> {
        let node = self.node(id);
        let count = count.min(node.applying.len());
        let entries: Vec<Committed> = node.applying.drain(..count).collect();
        let Some(last) = entries.last().map(|last| last.index) else { return Ok(Vec::new()) };
        self.point(id, Point::BeforeApply)?;
        let node = self.node(id);
        let next = node.state.applied.index + 1;
        ensure(entries.iter().zip(next..).all(|(entry, index)| entry.index == index), || {
            let indexes: Vec<u64> = entries.iter().map(|entry| entry.index).collect();
            format!("node {id} applies entries out of order: {indexes:?} where {next} is due")
        })?;
        let links = node.state.apply(&entries);
        let changes_roster = entries.iter().any(Committed::changes_roster);
        for (entry, link) in entries.iter().zip(&links) {
            let nodes = &self.nodes;
            let durable = |node: NodeId| nodes.get(&node).is_some_and(|node| node.held(entry.index, entry.term));
            if self.checks.applied(id, entry, link, durable)? {
                self.first_applied(id, entry)?;
            }
            self.compare_chains(id, entry.index, link.1);
        }
        self.point(id, Point::StateWritten)?;
        for entry in &entries {
            self.acknowledge(entry);
        }
        let told = if changes_roster { self.roster(id) } else { None };
        Ok(told.into_iter().chain([Input::Applied { index: last }]).collect())
    }

    fn compare_chains(&mut self, id: NodeId, index: u64, hash: [u8; 32]) {
        if !index.is_multiple_of(COMPARE_EVERY) {
            return;
        }
        self.checks.counters.comparisons += 1;
        for node in self.ids() {
            let delay = if node == id { 0 } else { 1 + self.dice.below(20) };
            self.schedule(delay, Event::Input { node, input: Input::StateHash { node: id, index, hash } });
        }
    }

    fn send(&mut self, from: NodeId, to: NodeId, bytes: Vec<u8>, urgent: bool) {
        if urgent {
            self.count_kinds(&bytes);
        }
        let counters = &mut self.checks.counters;
        if !self.connections.contains(&(from, to)) {
            counters.dropped += 1;
            return;
        }
        let arrivals = self.network.send(from, to, urgent, self.now, &mut self.dice);
        counters.dropped += u64::from(arrivals.is_empty());
        counters.duplicated += u64::from(arrivals.len() > 1);
        for at in &arrivals {
            counters.overtaken += u64::from(self.network.overtakes(from, to, *at));
        }
        let Some((last, others)) = arrivals.split_last() else { return };
        for at in others {
            let input = Input::Message { from, bytes: bytes.clone() };
            self.schedule(at - self.now, Event::Input { node: to, input });
        }
        self.schedule(last - self.now, Event::Input { node: to, input: Input::Message { from, bytes } });
    }

    fn count_kinds(&mut self, bytes: &[u8]) {
        use raft::eraftpb::MessageType as Kind;
        let Some(message) = crate::codec::decode_message(bytes) else { return };
        match message.get_msg_type() {
            Kind::MsgRequestPreVoteResponse => self.checks.counters.pre_votes_refused += u64::from(message.reject),
            Kind::MsgRequestVoteResponse => self.checks.counters.votes_refused += u64::from(message.reject),
            Kind::MsgTimeoutNow => self.checks.counters.hand_overs += 1,
            _ => {}
        }
    }

    /// Every effect changes the fingerprint of the run.
    fn remember(&mut self, id: NodeId, effect: &Effect) {
        let (kind, size) = match effect {
            Effect::Persist(persist) => (1, persist.batch.ops.len()),
            Effect::Send { bytes, .. } => (2, bytes.iter().map(|byte| usize::from(*byte)).sum()),
            Effect::Apply(entries) => (3, entries.len()),
            Effect::Reply(_) => (4, 0),
            Effect::RoleChanged(change) => (5, usize::from(change.ready)),
            _ => (6, 0),
        };
        self.fingerprint = mix(self.fingerprint ^ mix(self.now) ^ (id << 32) ^ (kind << 40) ^ size as u64);
    }
}
