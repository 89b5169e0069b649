//! Time: clocks that are compared over connections and set by careless hands, and what leaders do when it passes.

use crate::{
    Input, NodeId,
    sim::{
        checks::Outcome,
        machine::Machine,
        node::{Ask, Delivery},
        orders,
        world::World,
    },
};

/// The beginning of simulated time, Unix milliseconds.
const EPOCH_MS: i64 = 1_788_264_000_000;
/// A clock that stamps is never further off than this: a second from the median of clocks, which are a little off.
pub(crate) const WRONG_MS: i64 = 1_500;
/// How far wrong clocks are off: too little to see, by a slip, by a time zone, by a dead battery.
const FAULTS_MS: &[i64] = &[2_500, -2_500, 5_000, 3_600_000, -3_600_000, 30 * 86_400_000, -400 * 86_400_000];
/// Where nobody can say which clock is wrong, the state lives with what it is told.
const SMALL_FAULTS: usize = 3;
/// Between two faults of a run.
const APART_MS: i64 = 10_000;
/// A leader lets time pass at least this often.
const IDLE_MS: i64 = 5_000;

/// The true time.
pub(crate) fn true_time(now: u64) -> i64 {
    EPOCH_MS.saturating_add_unsigned(now)
}

impl<M: Machine> World<M> {
    /// How far a clock will be wrong: never twice the same, for two clocks that are wrong alike, one of them as it was heard
    /// last, would rightly be believed.
    pub(crate) fn draw_clock_fault(&mut self) -> i64 {
        let faults = if self.has_two_clocks() { &FAULTS_MS[..SMALL_FAULTS] } else { FAULTS_MS };
        let by = *self.dice.pick(faults).expect("there are faults");
        let apart = i64::try_from(self.checks.counters.clock_faults).unwrap_or(0) * APART_MS;
        if by < 0 { by - apart } else { by + apart }
    }

    /// The cluster has, or had, fewer than three voters: of two clocks nobody can say which is wrong.
    pub(crate) fn has_two_clocks(&self) -> bool {
        self.plan.nodes < 3 || self.checks.counters.recoveries > 0
    }

    /// No clock is wrong: two wrong ones of three could outvote the right one.
    pub(crate) fn all_clocks_are_right(&self) -> bool {
        self.nodes
            .values()
            .all(|node| node.system_clock == node.skew && (node.stamping_clock - node.skew).abs() < WRONG_MS)
    }

    /// A person sets a node's system clock: so far wrong, or right.
    pub(crate) fn set_clock(&mut self, node: NodeId, ahead_ms: i64) -> Outcome {
        self.node(node).system_clock = self.nodes[&node].skew + ahead_ms;
        self.compare_clocks(node)
    }

    /// A node and those it is connected to measure each other's clocks.
    pub(crate) fn compare_clocks(&mut self, node: NodeId) -> Outcome {
        for peer in self.ids().into_iter().filter(|peer| *peer != node) {
            let connected = [(node, peer), (peer, node)].iter().all(|link| self.connections.contains(link));
            let awake = [node, peer].iter().all(|id| self.nodes[id].is_up() && self.nodes[id].paused_until <= self.now);
            if !connected || !awake || self.network.is_broken(node, peer) {
                continue;
            }
            for (from, to) in [(node, peer), (peer, node)] {
                let offset_ms = self.nodes[&to].system_clock - self.nodes[&from].stamping_clock;
                self.feed(from, Input::ClockOffset { peer: to, offset_ms })?;
            }
        }
        Ok(())
    }

    /// A node reads its system clock.
    pub(crate) fn read_clock(&mut self, node: NodeId) -> Outcome {
        let ahead_ms = self.nodes[&node].system_clock - self.nodes[&node].stamping_clock;
        self.feed(node, Input::SystemClock { ahead_ms })
    }

    /// What a leader does unasked: it opens its term, and lets time pass where something waits for it.
    pub(crate) fn duties(&mut self, id: NodeId) -> Outcome {
        let now = true_time(self.now);
        let node = self.node(id);
        if !node.role.ready {
            return Ok(());
        }
        let now = now + node.stamping_clock;
        let machine = &node.state.machine;
        let begins = node.begun_term != node.role.term;
        if !begins && !machine.is_due(now) && now - machine.now_ms() < IDLE_MS {
            return Ok(());
        }
        let since_ms = begins.then(|| machine.now_ms()).filter(|since| *since > 0);
        node.begun_term = node.role.term;
        let ask = self.clients.number();
        self.clients.proposes_itself(ask, id);
        self.deliver(id, Delivery::Ask { id: ask, what: Ask::Time { since_ms } })
    }

    /// The input that a delivery comes to, stamped now.
    pub(crate) fn stamp(&mut self, node: NodeId, delivery: Delivery) -> Option<Input> {
        let (id, what) = match delivery {
            Delivery::Input(input) => return Some(input),
            Delivery::Ask { id, what } => (id, what),
        };
        let off = self.nodes[&node].stamping_clock;
        let stamp_ms = true_time(self.now) + off;
        self.clients.stamped(id, off);
        let data = match what {
            Ask::Request(request) => Some(orders::of_machine(M::command(request, id, stamp_ms))),
            Ask::Time { since_ms } => M::time_passes(id, stamp_ms, since_ms).map(orders::of_machine),
            Ask::Order(order) => Some(order.encode()),
        };
        let Some(data) = data else {
            self.clients.withdraw(id);
            return None;
        };
        Some(Input::Propose { id, data })
    }
}
