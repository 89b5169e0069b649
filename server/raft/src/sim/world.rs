//! The event loop.

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::{
    Hello, Input, NodeId, OpenError,
    dice::Dice,
    sim::{
        Options, Report,
        checks::{Checks, Halt, Outcome, Violation, ensure},
        churn::Newcomers,
        clients::Clients,
        faults::Fault,
        machine::{Machine, State},
        network::Network,
        node::{Delivery, Node},
        plan::{Deed, Plan},
    },
};

/// How often a node calls a peer that it has no connection to.
const CALL_MS: u64 = 100;
/// How often nodes compare their clocks.
const COMPARE_CLOCKS_MS: u64 = 500;
/// How often a leader looks at its duties.
const DUTIES_MS: u64 = 100;

/// What the simulated clusters are called, and their first epoch.
pub(crate) const CLUSTER: &str = "simulated";
const FIRST_EPOCH: u64 = 1;

/// No run is healed before this many accidents.
const LEAST_FAULTS: u64 = 3;
/// By how much a run is prolonged that was too quiet.
const MORE_MS: u64 = 2_000;
/// So many times longer may a healing take where members come and go.
const MORE_PATIENCE: u64 = 2;

/// Something that will happen.
pub(crate) enum Event<M> {
    Tick(NodeId),
    CompareClocks(NodeId),
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
    /// Something is done about the members …
    Operator,
    /// … and in answer to something that happened.
    Deed(Deed),
    /// A newcomer starts.
    ComeUp {
        node: NodeId,
        disk: u64,
    },
}

/// A cluster and everything around it.
pub(crate) struct World<M> {
    pub(crate) seed: u64,
    pub(crate) now: u64,
    options: Options,
    pub(crate) plan: Plan,
    pub(crate) dice: Dice,
    pub(crate) nodes: BTreeMap<NodeId, Node<M>>,
    pub(crate) network: Network,
    /// Who may send to whom: both have accepted each other's hello.
    pub(crate) connections: BTreeSet<(NodeId, NodeId)>,
    /// Who has ever had a connection to whom.
    pub(crate) met: BTreeSet<(NodeId, NodeId)>,
    pub(crate) clients: Clients,
    pub(crate) checks: Checks,
    pub(crate) newcomers: Newcomers,
    /// Raised where the cluster is recovered after a lost majority.
    pub(crate) epoch: u64,
    /// All founding nodes have met.
    pub(crate) all_met: bool,
    pub(crate) events: BTreeMap<(u64, u64), Event<M>>,
    scheduled: u64,
    /// One more snapshot is lost without a report, although all is healed.
    pub(crate) lose_a_stream: bool,
    /// The second phase has begun: nothing goes wrong any more.
    pub(crate) healed: bool,
    /// In that phase this node alone stays cut off.
    pub(crate) left_out: Option<NodeId>,
    pub(crate) fingerprint: u64,
    story: Vec<String>,
}

impl<M: Machine> World<M> {
    pub(crate) fn new(seed: u64, options: Options) -> Self {
        let mut dice = Dice::new(seed);
        let plan = Plan::draw(&mut dice);
        let ids: Vec<NodeId> = (1..=plan.nodes).collect();
        let mut checks = Checks::new(&ids);
        let mut nodes = BTreeMap::new();
        for id in &ids {
            let synchronous = dice.chance(plan.synchronous_permille);
            let incarnation = format!("disk {id}");
            let hello = Hello { cluster_id: CLUSTER.to_owned(), epoch: FIRST_EPOCH, node: *id, incarnation };
            let mut node = Node::new(hello, &ids, synchronous, |config| plan.configure(config));
            node.skew = i64::try_from(dice.below(plan.skew_ms + 1)).unwrap_or(0);
            node.system_clock = node.skew;
            nodes.insert(*id, node);
            let counters = &mut checks.counters;
            *(if synchronous { &mut counters.synchronous_nodes } else { &mut counters.threaded_nodes }) += 1;
        }
        let counters = &mut checks.counters;
        counters.runs = 1;
        *match plan.nodes {
            1 => &mut counters.runs_of_one,
            2 => &mut counters.runs_of_two,
            3 => &mut counters.runs_of_three,
            _ => &mut counters.runs_of_five,
        } = 1;
        counters.runs_with_churn = u64::from(plan.churn.is_some());
        Self {
            seed,
            now: 0,
            options,
            plan,
            dice,
            nodes,
            network: Network::default(),
            connections: BTreeSet::new(),
            met: BTreeSet::new(),
            clients: Clients::default(),
            checks,
            newcomers: Newcomers::default(),
            epoch: FIRST_EPOCH,
            all_met: false,
            events: BTreeMap::new(),
            scheduled: 0,
            lose_a_stream: false,
            healed: false,
            left_out: None,
            fingerprint: 0,
            story: Vec::new(),
        }
    }

    /// Both phases. A panic of the core is a violation like any other.
    pub(crate) fn run(mut self) -> Result<Report, Violation> {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.both_phases()));
        let what = match outcome {
            Ok(Ok(())) => {
                return Ok(Report {
                    seed: self.seed,
                    nodes: self.plan.nodes,
                    last_index: self.checks.last_index,
                    fingerprint: self.fingerprint,
                    counters: self.checks.counters,
                    story: self.story,
                });
            }
            Ok(Err(Halt::Violation(what))) => what,
            Ok(Err(Halt::Died)) => unreachable!("a node's death ends with the event that it happened in"),
            Err(panic) => format!("panicked: {}", words(&*panic)),
        };
        self.tell(|| format!("VIOLATION: {what}"));
        Err(Violation { seed: self.seed, at: self.now, what, story: self.story })
    }

    fn both_phases(&mut self) -> Outcome {
        self.tell_start();
        for id in self.ids() {
            self.start(id)?;
            self.schedule(self.nodes[&id].config.tick_ms, Event::Tick(id));
        }
        self.schedule(300, Event::Client);
        self.schedule(500, Event::Fault(Fault::Next));
        self.schedule(700, Event::Operator);
        let tick = self.nodes[&1].config.tick_ms;
        let end = self.options.ticks * tick;
        if let Some(outage) = self.plan.outage_ms {
            self.schedule(end.saturating_sub(outage), Event::Fault(Fault::Outage));
        }
        self.run_until(end, |_| false)?;
        while !self.had_enough() {
            self.run_until(self.now + MORE_MS, |_| false)?;
        }
        self.heal()?;
        // Who comes and goes also has to be waited for: they have to be missed, found healthy, and let in one by one.
        let patience = if self.plan.churn.is_some() { MORE_PATIENCE } else { 1 };
        let finish = self.now + self.options.heal_ticks * tick * patience;
        self.run_until(finish, Self::has_recovered)?;
        ensure(self.has_recovered(), || self.why_no_progress())?;
        self.audit()
    }

    /// A node alone that is often down does little in the usual time.
    fn had_enough(&self) -> bool {
        let counters = &self.checks.counters;
        counters.faults >= LEAST_FAULTS && counters.steps >= self.options.ticks
    }

    fn run_until(&mut self, end: u64, done: impl Fn(&Self) -> bool) -> Outcome {
        while let Some(entry) = self.events.first_entry().filter(|entry| entry.key().0 <= end) {
            let ((at, _), event) = entry.remove_entry();
            self.now = at;
            lived(self.happen(event))?;
            if done(self) {
                return Ok(());
            }
        }
        self.now = end;
        Ok(())
    }

    /// The nodes that are there, up or down: not those that were removed and know it.
    pub(crate) fn ids(&self) -> Vec<NodeId> {
        self.nodes.iter().filter(|(_, node)| !node.retired).map(|(id, _)| *id).collect()
    }

    pub(crate) fn schedule(&mut self, after: u64, event: Event<M>) {
        self.scheduled += 1;
        self.events.insert((self.now + after, self.scheduled), event);
    }

    /// Adds a line to the story.
    pub(crate) fn tell(&mut self, line: impl FnOnce() -> String) {
        if self.options.story {
            self.story.push(format!("{:>7} ms  {}", self.now, line()));
        }
    }

    fn tell_start(&mut self) {
        let plan = self.plan.describe();
        self.tell(|| plan);
        let modes: Vec<&str> =
            self.nodes.values().map(|node| if node.synchronous { "synchronous" } else { "threaded" }).collect();
        self.tell(|| format!("nodes 1 to {}: {}", modes.len(), modes.join(", ")));
    }

    /// Starts a node that is down.
    pub(crate) fn start(&mut self, id: NodeId) -> Outcome {
        let (seed, now) = (self.dice.roll(), self.now);
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        let node = self.node(id);
        if node.is_up() || node.beyond_repair || node.retired || node.away_until > now {
            return Ok(());
        }
        let effects = match node.start(seed, &logger, now) {
            Ok(effects) => effects,
            Err(error) => return self.start_refused(id, &error),
        };
        self.checks.started(id, self.nodes[&id].disk.terms());
        lived(self.carry_out(id, effects).and_then(|feedback| self.feed_all(id, feedback)))?;
        if let Some(told) = self.roster(id) {
            self.feed(id, told)?;
        }
        self.call_peers(id);
        Ok(())
    }

    /// A node does not start, and says why. With a sound disk it must.
    fn start_refused(&mut self, id: NodeId, error: &OpenError) -> Outcome {
        let node = self.node(id);
        let damaged = node.disk.is_damaged();
        ensure(damaged || node.excused, || format!("node {id} does not start: {error}"))?;
        node.beyond_repair = damaged;
        self.checks.counters.starts_refused += 1;
        self.tell(|| format!("node {id} refuses to start: {error}"));
        if !damaged {
            let away = 100 + self.dice.below(500);
            self.schedule(away, Event::Fault(Fault::Restart(id)));
        }
        Ok(())
    }

    pub(crate) fn node(&mut self, id: NodeId) -> &mut Node<M> {
        self.nodes.get_mut(&id).expect("nodes are never taken away")
    }

    fn alive(&self, id: NodeId, life: u64) -> bool {
        self.nodes[&id].life == life && self.nodes[&id].is_up()
    }

    fn happen(&mut self, event: Event<M>) -> Outcome {
        match event {
            Event::Tick(id) if self.nodes[&id].retired => Ok(()),
            Event::Tick(id) => {
                self.schedule(self.nodes[&id].config.tick_ms, Event::Tick(id));
                self.tick(id)
            }
            Event::CompareClocks(id) => self.compare_clocks(id),
            Event::Input { node, input } => self.feed(node, input),
            Event::InputInLife { node, life, input } if self.alive(node, life) => self.feed(node, input),
            Event::Wake { node, life } if self.alive(node, life) => self.wake(node),
            Event::Written { node, life, number, sync } if self.alive(node, life) => self.written(node, number, sync),
            Event::Apply { node, life } if self.alive(node, life) => self.apply_some(node),
            Event::Fetch { node, life, fetch, low, high } if self.alive(node, life) => {
                self.fetch(node, fetch, low, high)
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
                let installed = self.switch(node)?;
                self.feed_all(node, installed)
            }
            Event::Client => self.client(),
            Event::Fault(fault) => self.fault(fault),
            Event::Operator => self.operate(),
            Event::Deed(deed) => self.deed(deed),
            Event::ComeUp { node, disk } => self.come_up(node, disk),
            _ => Ok(()),
        }
    }

    /// Ticks missed in a pause are not made up for (trap 23).
    fn tick(&mut self, id: NodeId) -> Outcome {
        if self.nodes[&id].paused_until > self.now || !self.nodes[&id].is_up() {
            return Ok(());
        }
        if self.now.is_multiple_of(CALL_MS) {
            self.call_peers(id);
        }
        if self.now.is_multiple_of(COMPARE_CLOCKS_MS) {
            self.compare_clocks(id)?;
        }
        if self.now.is_multiple_of(DUTIES_MS) {
            self.duties(id)?;
        }
        self.read_clock(id)?;
        self.feed(id, Input::Tick)
    }

    pub(crate) fn feed_all(&mut self, id: NodeId, inputs: impl IntoIterator<Item = Input>) -> Outcome {
        inputs.into_iter().try_for_each(|input| self.feed(id, input))
    }

    pub(crate) fn feed(&mut self, id: NodeId, input: Input) -> Outcome {
        self.deliver(id, Delivery::Input(input))
    }

    /// Gives a node something: at once where it is synchronous, else into its inbox.
    pub(crate) fn deliver(&mut self, id: NodeId, delivery: Delivery) -> Outcome {
        let (now, jitter) = (self.now, self.dice.below(3));
        let node = self.node(id);
        if !node.is_up() {
            return Ok(());
        }
        node.inbox.push(delivery);
        let delay = node.paused_until.saturating_sub(now) + if node.synchronous { 0 } else { jitter };
        if node.woken {
            return Ok(());
        }
        if delay == 0 {
            return self.step(id);
        }
        node.woken = true;
        let life = node.life;
        // A pause may be cut short, and wakes the node itself then.
        if let Some(at) = now.checked_add(delay) {
            self.schedule(at - now, Event::Wake { node: id, life });
        }
        Ok(())
    }

    fn wake(&mut self, id: NodeId) -> Outcome {
        let now = self.now;
        let node = self.node(id);
        if node.paused_until > now {
            if node.paused_until < u64::MAX {
                let (delay, life) = (node.paused_until - now, node.life);
                self.schedule(delay, Event::Wake { node: id, life });
            }
            return Ok(());
        }
        node.woken = false;
        self.step(id)
    }

    /// Gives a node all that has arrived, and carries out what it wants done. What is done at once comes back to it.
    fn step(&mut self, id: NodeId) -> Outcome {
        ensure(!self.node(id).stepping, || format!("node {id} is given something in the middle of a step"))?;
        self.node(id).stepping = true;
        let stepped = lived(self.step_on(id));
        self.node(id).stepping = false;
        stepped
    }

    fn step_on(&mut self, id: NodeId) -> Outcome {
        let deliveries = std::mem::take(&mut self.node(id).inbox);
        let mut inputs: Vec<Input> = deliveries.into_iter().filter_map(|delivery| self.stamp(id, delivery)).collect();
        let mut heard = Vec::new();
        while !inputs.is_empty() {
            let now = self.now;
            let Some(replica) = &mut self.node(id).replica else { return Ok(()) };
            for input in &inputs {
                if let Input::Message { from, .. } = input {
                    heard.push(*from);
                }
            }
            let effects = replica.step(inputs, now);
            self.checks.counters.steps += 1;
            self.has_heard(id, &heard)?;
            heard.clear();
            inputs = self.carry_out(id, effects)?;
            self.leads_as_a_voter(id)?;
        }
        Ok(())
    }
}

/// A node that died in the middle of its work has ended it; the others go on.
fn lived(outcome: Outcome) -> Outcome {
    match outcome {
        Err(Halt::Died) => Ok(()),
        other => other,
    }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word")
}
