//! The event loop, and the shell's part of each node: carrying out effects.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Committed, Disk, Effect, Input, NodeId, Persist, Replica, RoleChange,
    dice::{Dice, mix},
    read_entries,
    sim::{
        Options, SimDisk,
        checks::{Checks, Report, Violation, ensure},
        clients::Clients,
        faults::Fault,
        machine::{Machine, State},
        network::Network,
        node::{Install, Node},
    },
};

/// Nodes compare their hash chains after every so many entries.
const COMPARE_EVERY: u64 = 64;

/// How often a node calls a peer that it has no connection to.
const CALL_MS: u64 = 100;
/// How often nodes compare their clocks.
const COMPARE_CLOCKS_MS: u64 = 500;

/// How long before the healing one node is taken away, so that it needs a snapshot then.
const OUTAGE_MS: u64 = 4_000;

/// Something that will happen.
pub(crate) enum Event<M> {
    Tick(NodeId),
    Input {
        node: NodeId,
        input: Input,
    },
    /// As above, void when the node has died since.
    InputInLife {
        node: NodeId,
        life: u64,
        input: Input,
    },
    Wake {
        node: NodeId,
        life: u64,
    },
    Written {
        node: NodeId,
        life: u64,
        number: u64,
        sync: bool,
    },
    Apply {
        node: NodeId,
        life: u64,
    },
    Fetch {
        node: NodeId,
        life: u64,
        fetch: u64,
        low: u64,
        high: u64,
    },
    MakeSnapshot {
        node: NodeId,
        life: u64,
        to: NodeId,
        at_least: u64,
    },
    Stream {
        from: NodeId,
        life: u64,
        to: NodeId,
        id: String,
        bytes: Vec<u8>,
        state: Box<State<M>>,
    },
    Install {
        node: NodeId,
        life: u64,
    },
    Client,
    Fault(Fault),
}

/// A cluster and everything around it.
pub(crate) struct World<M> {
    pub(crate) seed: u64,
    pub(crate) now: u64,
    options: Options,
    pub(crate) dice: Dice,
    pub(crate) nodes: BTreeMap<NodeId, Node<M>>,
    pub(crate) network: Network,
    /// Who may send to whom: both have accepted each other's hello.
    pub(crate) connections: BTreeSet<(NodeId, NodeId)>,
    pub(crate) clients: Clients,
    pub(crate) checks: Checks,
    events: BTreeMap<(u64, u64), Event<M>>,
    scheduled: u64,
    /// One more snapshot is lost without a report, although all is healed.
    pub(crate) lose_a_stream: bool,
    /// The second phase has begun: nothing goes wrong any more.
    pub(crate) healed: bool,
}

impl<M: Machine> World<M> {
    pub(crate) fn new(seed: u64, options: Options) -> Self {
        let mut dice = Dice::new(seed);
        let count = *dice.pick(&[1, 3, 3, 3, 3, 5, 5]).expect("there are sizes");
        let ids: Vec<NodeId> = (1..=count).collect();
        let cache = if dice.chance(500) { 0 } else { 1 << 20 };
        let by_age = dice.chance(500);
        let (keep, age) = if by_age { (u64::MAX, 2_000 + dice.below(4_000)) } else { (20 + dice.below(150), u64::MAX) };
        let cap = if dice.chance(300) { 40_000 } else { u64::MAX };
        let mut nodes = BTreeMap::new();
        let mut checks = Checks::default();
        for id in &ids {
            let synchronous = dice.chance(400);
            checks.report.synchronous_nodes += u64::from(synchronous);
            let node = Node::found(*id, &ids, synchronous, |config| {
                config.keep_entries = keep;
                config.keep_ms = age;
                config.cap_bytes = cap;
                config.cache_bytes = cache;
                config.snapshot_stall_ms = 1_000;
                config.snapshot_timeout_ms = 2_000;
                config.snapshot_retry_ms = 100;
                config.max_message_bytes = 2_048;
                config.max_in_flight_messages = 8;
                config.max_apply_bytes = 4_096;
                config.max_unapplied_bytes = 32_768;
            });
            nodes.insert(*id, node);
        }
        (checks.report.seed, checks.report.nodes) = (seed, count);
        Self {
            seed,
            now: 0,
            options,
            dice,
            nodes,
            network: Network::default(),
            connections: BTreeSet::new(),
            clients: Clients::default(),
            checks,
            events: BTreeMap::new(),
            scheduled: 0,
            lose_a_stream: false,
            healed: false,
        }
    }

    pub(crate) fn run(mut self) -> Result<Report, Violation> {
        match self.both_phases() {
            Ok(()) => Ok(self.checks.report),
            Err(what) => {
                self.tell(|| format!("VIOLATION: {what}"));
                Err(Violation { seed: self.seed, at: self.now, what, story: self.checks.report.story })
            }
        }
    }

    fn both_phases(&mut self) -> Result<(), String> {
        self.tell_start();
        for id in self.ids() {
            self.start(id)?;
            self.schedule(self.nodes[&id].config.tick_ms, Event::Tick(id));
        }
        self.schedule(300, Event::Client);
        self.schedule(500, Event::Fault(Fault::Next));
        let tick = self.nodes[&1].config.tick_ms;
        let end = self.options.ticks * tick;
        self.schedule(end.saturating_sub(OUTAGE_MS), Event::Fault(Fault::Outage));
        self.run_until(end, |_| false)?;
        self.heal()?;
        let finish = self.now + self.options.heal_ticks * tick;
        self.run_until(finish, Self::has_recovered)?;
        ensure(self.has_recovered(), || self.why_no_progress())
    }

    fn run_until(&mut self, end: u64, done: impl Fn(&Self) -> bool) -> Result<(), String> {
        while let Some(entry) = self.events.first_entry().filter(|entry| entry.key().0 <= end) {
            let ((at, _), event) = entry.remove_entry();
            self.now = at;
            self.happen(event)?;
            if done(self) {
                break;
            }
        }
        Ok(())
    }

    pub(crate) fn ids(&self) -> Vec<NodeId> {
        self.nodes.keys().copied().collect()
    }

    pub(crate) fn schedule(&mut self, after: u64, event: Event<M>) {
        self.scheduled += 1;
        self.events.insert((self.now + after, self.scheduled), event);
    }

    /// Adds a line to the story.
    pub(crate) fn tell(&mut self, line: impl FnOnce() -> String) {
        if self.options.story {
            self.checks.report.story.push(format!("{:>7} ms  {}", self.now, line()));
        }
    }

    fn tell_start(&mut self) {
        let modes: Vec<&str> =
            self.nodes.values().map(|node| if node.synchronous { "synchronous" } else { "threaded" }).collect();
        self.tell(|| format!("{} nodes: {}", modes.len(), modes.join(", ")));
    }

    pub(crate) fn start(&mut self, id: NodeId) -> Result<(), String> {
        let (seed, now) = (self.dice.roll(), self.now);
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        let node = self.node(id);
        if node.is_up() {
            return Ok(());
        }
        let effects = node.start(seed, logger, now).map_err(|error| format!("node {id} does not start: {error}"))?;
        let feedback = self.carry_out(id, effects)?;
        self.feed_all(id, feedback)?;
        self.call_peers(id)?;
        self.compare_clocks(id)
    }

    pub(crate) fn node(&mut self, id: NodeId) -> &mut Node<M> {
        self.nodes.get_mut(&id).expect("nodes are never taken away")
    }

    fn alive(&self, id: NodeId, life: u64) -> bool {
        self.nodes[&id].life == life && self.nodes[&id].is_up()
    }

    fn happen(&mut self, event: Event<M>) -> Result<(), String> {
        match event {
            Event::Tick(id) => {
                self.schedule(self.nodes[&id].config.tick_ms, Event::Tick(id));
                // Ticks missed in a pause are not made up for (trap 23).
                if self.nodes[&id].paused_until > self.now {
                    return Ok(());
                }
                if self.now.is_multiple_of(CALL_MS) {
                    self.call_peers(id)?;
                }
                if self.now.is_multiple_of(COMPARE_CLOCKS_MS) {
                    self.compare_clocks(id)?;
                }
                self.read_clock(id)?;
                self.feed(id, Input::Tick)
            }
            Event::Input { node, input } => self.feed(node, input),
            Event::InputInLife { node, life, input } if self.alive(node, life) => self.feed(node, input),
            Event::Wake { node, life } if self.alive(node, life) => self.wake(node),
            Event::Written { node, life, number, sync } if self.alive(node, life) => self.written(node, number, sync),
            Event::Apply { node, life } if self.alive(node, life) => self.apply_some(node),
            Event::Fetch { node, life, fetch, low, high } if self.alive(node, life) => {
                let read = read_entries(&self.nodes[&node].disk, low, high);
                let result = read.map_err(|problem| problem.to_string());
                self.feed(node, Input::EntriesFetched { fetch, result })
            }
            Event::MakeSnapshot { node, life, to, at_least } if self.alive(node, life) => {
                self.make_snapshot(node, to, at_least)
            }
            Event::Stream { from, life, to, id, bytes, state } => {
                let staged = self.nodes[&to].is_up();
                let input = Input::SnapshotSent { to, id, ok: staged };
                self.schedule(1, Event::InputInLife { node: from, life, input });
                if staged { self.stage(from, to, bytes, *state) } else { Ok(()) }
            }
            Event::Install { node, life } if self.alive(node, life) => {
                let installed = self.node(node).switch()?;
                self.feed_all(node, installed)
            }
            Event::Client => self.client(),
            Event::Fault(fault) => self.fault(fault),
            _ => Ok(()),
        }
    }

    fn feed_all(&mut self, id: NodeId, inputs: impl IntoIterator<Item = Input>) -> Result<(), String> {
        inputs.into_iter().try_for_each(|input| self.feed(id, input))
    }

    /// Gives a node an input: at once where it is synchronous, else into its inbox.
    pub(crate) fn feed(&mut self, id: NodeId, input: Input) -> Result<(), String> {
        let (now, jitter) = (self.now, self.dice.below(3));
        let node = self.node(id);
        if !node.is_up() {
            return Ok(());
        }
        node.inbox.push(input);
        let delay = node.paused_until.saturating_sub(now) + if node.synchronous { 0 } else { jitter };
        if node.woken {
            return Ok(());
        }
        if delay == 0 {
            return self.step(id);
        }
        node.woken = true;
        let life = node.life;
        self.schedule(delay, Event::Wake { node: id, life });
        Ok(())
    }

    fn wake(&mut self, id: NodeId) -> Result<(), String> {
        let now = self.now;
        let node = self.node(id);
        if node.paused_until > now {
            let (delay, life) = (node.paused_until - now, node.life);
            self.schedule(delay, Event::Wake { node: id, life });
            return Ok(());
        }
        node.woken = false;
        self.step(id)
    }

    fn step(&mut self, id: NodeId) -> Result<(), String> {
        let mut inputs = std::mem::take(&mut self.node(id).inbox);
        while !inputs.is_empty() {
            let now = self.now;
            let node = self.node(id);
            let Some(replica) = &mut node.replica else { return Ok(()) };
            let effects = replica.step(inputs, now);
            self.checks.report.steps += 1;
            inputs = self.carry_out(id, effects)?;
        }
        Ok(())
    }

    /// Does what a node wants done. What is done already comes back as inputs.
    fn carry_out(&mut self, id: NodeId, effects: Vec<Effect>) -> Result<Vec<Input>, String> {
        let mut feedback = Vec::new();
        for effect in effects {
            self.checks.effect(id, &effect)?;
            self.remember(id, &effect);
            self.carry_out_one(id, effect, &mut feedback)?;
        }
        Ok(feedback)
    }

    fn carry_out_one(&mut self, id: NodeId, effect: Effect, feedback: &mut Vec<Input>) -> Result<(), String> {
        let life = self.nodes[&id].life;
        match effect {
            Effect::Persist(persist) => self.persist(id, persist, feedback)?,
            Effect::Send { to, bytes, urgent } => self.send(id, to, &bytes, urgent),
            Effect::Apply(entries) => self.queue_apply(id, entries, feedback)?,
            Effect::FetchEntries { fetch, low, high } => {
                self.checks.report.fetches += 1;
                // Long enough for the entries to be compacted meanwhile.
                let longest = if self.dice.chance(100) { 500 } else { 10 };
                let delay = self.dice.below(longest);
                self.schedule(delay, Event::Fetch { node: id, life, fetch, low, high });
            }
            Effect::MakeSnapshot { to, at_least } => {
                let delay = 5 + self.dice.below(50);
                self.schedule(delay, Event::MakeSnapshot { node: id, life, to, at_least });
            }
            Effect::SendSnapshot { to, id: snapshot, bytes } => self.stream(id, to, &snapshot, bytes),
            Effect::Install { id: snapshot, index, switch, .. } => {
                self.install(id, Install { id: snapshot, index, switch }, feedback)?;
            }
            Effect::DiscardSnapshot { id: snapshot } => {
                self.checks.report.snapshots_discarded += 1;
                let node = self.node(id);
                node.checkpoints.remove(&snapshot);
                if node.directory != snapshot {
                    node.directories.remove(&snapshot);
                }
            }
            Effect::Compact { through, batch } => {
                self.checks.report.compactions += 1;
                let node = self.node(id);
                ensure(node.state.applied.index >= through, || format!("node {id} compacts what it has not applied"))?;
                node.sync_state();
                node.write(&batch, false)?;
                feedback.push(Input::Compacted { through });
            }
            Effect::Welcome { connection, peer, result } => self.welcome(id, connection, peer, &result)?,
            Effect::Disconnect { peer } => return Err(format!("node {id} closes the connection of node {peer}")),
            Effect::MoveClock { by_ms } => self.node(id).stamping_clock += by_ms,
            Effect::Reply(reply) => self.replied(id, &reply)?,
            Effect::RoleChanged(change) => self.role_changed(id, change),
            Effect::Stop(reason) => return Err(format!("node {id} stops: {reason}")),
        }
        Ok(())
    }

    fn role_changed(&mut self, id: NodeId, change: RoleChange) {
        if change.ready && !self.node(id).role.ready {
            self.tell(|| format!("node {id} leads in term {}", change.term));
        }
        self.node(id).role = change;
    }

    fn persist(&mut self, id: NodeId, persist: Persist, feedback: &mut Vec<Input>) -> Result<(), String> {
        let node = self.node(id);
        ensure(node.installing.is_none(), || format!("node {id} writes while the log is switched"))?;
        if node.synchronous {
            node.write(&persist.batch, persist.must_sync)?;
            feedback.push(Input::Persisted(persist.number));
            return Ok(());
        }
        node.writing.push_back(persist);
        self.write_on(id)
    }

    /// The writer takes all that is queued, unless it is busy.
    fn write_on(&mut self, id: NodeId) -> Result<(), String> {
        let node = self.node(id);
        if node.writer_busy {
            return Ok(());
        }
        if let Some((number, sync)) = node.begin_write()? {
            let life = node.life;
            // A disk is slow now and then.
            let longest = if self.dice.chance(20) { 100 } else { 8 };
            let delay = 1 + self.dice.below(longest);
            self.schedule(delay, Event::Written { node: id, life, number, sync });
        }
        Ok(())
    }

    fn written(&mut self, id: NodeId, number: u64, sync: bool) -> Result<(), String> {
        let node = self.node(id);
        node.writer_busy = false;
        if sync {
            node.disk.sync().map_err(|error| error.to_string())?;
        }
        self.feed(id, Input::Persisted(number))?;
        self.write_on(id)
    }

    fn queue_apply(&mut self, id: NodeId, entries: Vec<Committed>, feedback: &mut Vec<Input>) -> Result<(), String> {
        self.node(id).applying.extend(entries);
        if self.node(id).synchronous {
            feedback.extend(self.apply(id, usize::MAX)?);
        } else if !std::mem::replace(&mut self.node(id).applier_busy, true) {
            let (life, delay) = (self.nodes[&id].life, self.dice.below(6));
            self.schedule(delay, Event::Apply { node: id, life });
        }
        Ok(())
    }

    fn apply_some(&mut self, id: NodeId) -> Result<(), String> {
        let count = 1 + usize::try_from(self.dice.below(20)).unwrap_or(0);
        let applied = self.apply(id, count)?;
        if self.nodes[&id].applying.is_empty() {
            self.node(id).applier_busy = false;
        } else {
            let (life, delay) = (self.nodes[&id].life, 1 + self.dice.below(6));
            self.schedule(delay, Event::Apply { node: id, life });
        }
        if self.dice.chance(50) {
            self.node(id).sync_state();
        }
        self.feed_all(id, applied)
    }

    fn apply(&mut self, id: NodeId, count: usize) -> Result<Option<Input>, String> {
        let mut last = None;
        for _ in 0..count {
            let Some(entry) = self.node(id).applying.pop_front() else { break };
            let node = self.node(id);
            ensure(entry.index == node.state.applied.index + 1, || {
                format!("node {id} applies entry {} out of order", entry.index)
            })?;
            let effective = node.state.apply(&entry);
            let chain = node.state.chain;
            let nodes = &self.nodes;
            let durable = || (nodes.values().filter(|node| node.held(entry.index, entry.term)).count(), nodes.len());
            self.checks.applied::<M>(id, &entry, effective, chain, durable)?;
            self.acknowledge(id, &entry);
            self.compare_chains(id, entry.index, chain);
            last = Some(Input::Applied { index: entry.index });
        }
        Ok(last)
    }

    fn compare_chains(&mut self, id: NodeId, index: u64, hash: [u8; 32]) {
        if !index.is_multiple_of(COMPARE_EVERY) {
            return;
        }
        self.checks.report.comparisons += 1;
        for node in self.ids() {
            let delay = if node == id { 0 } else { 1 + self.dice.below(20) };
            self.schedule(delay, Event::Input { node, input: Input::StateHash { node: id, index, hash } });
        }
    }

    fn send(&mut self, from: NodeId, to: NodeId, bytes: &[u8], urgent: bool) {
        if !self.connections.contains(&(from, to)) {
            self.checks.report.dropped += 1;
            return;
        }
        let arrivals = self.network.send(from, to, urgent, self.now, &mut self.dice);
        self.checks.report.dropped += u64::from(arrivals.is_empty());
        self.checks.report.duplicated += u64::from(arrivals.len() > 1);
        for at in arrivals {
            let input = Input::Message { from, bytes: bytes.to_vec() };
            self.schedule(at - self.now, Event::Input { node: to, input });
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
        let fingerprint = &mut self.checks.report.fingerprint;
        *fingerprint = mix(*fingerprint ^ mix(self.now) ^ (id << 32) ^ (kind << 40) ^ size as u64);
    }

    /// Everyone has applied all that was acknowledged, and a write made after the healing.
    fn has_recovered(&self) -> bool {
        let Some(last) = self.clients.last_after_healing else { return false };
        let behind = |node: &Node<M>| !node.wiped && node.state.applied.index < last;
        self.clients.all_answered() && !self.nodes.values().any(behind)
    }

    fn why_no_progress(&self) -> String {
        let describe = |(id, node): (&NodeId, &Node<M>)| {
            let status = node.replica.as_ref().map(Replica::<SimDisk>::status);
            let Some(status) = status else { return format!("{id}: down") };
            let (first, last) = (status.first_index, status.last_index);
            format!(
                "{id}: {:?} in term {} of leader {}, log {first}..={last}, commit {}, applied {} ({} by the core){}, {:?}",
                status.role,
                status.term,
                status.leader,
                status.commit,
                node.state.applied.index,
                status.applied,
                if status.installing { ", installing" } else { "" },
                status.peers
            )
        };
        let nodes: Vec<String> = self.nodes.iter().map(describe).collect();
        format!(
            "healed, but no progress: last write {:?}, all answered: {}\n{}",
            self.clients.last_after_healing,
            self.clients.all_answered(),
            nodes.join("\n")
        )
    }
}
