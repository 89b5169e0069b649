//! What goes wrong, and how it is put right again.

use crate::{
    Input, NodeId,
    sim::{
        machine::Machine,
        network::Weather,
        node::Node,
        world::{Event, World},
    },
};

/// How far a wrong clock is off.
pub(crate) const CLOCK_FAULT_MS: i64 = 5_000;

/// An accident, or its end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// Draw the next accident.
    Next,
    /// Some node is taken away until everything is healed.
    Outage,
    /// This node starts again.
    Restart(NodeId),
    /// This node starts again, founded anew under its old number: it has lost its disk.
    RestartWiped(NodeId),
    /// The network is whole again.
    HealNetwork,
    /// This node's clock is right again.
    HealClock(NodeId),
}

impl<M: Machine> World<M> {
    pub(crate) fn fault(&mut self, fault: Fault) -> Result<(), String> {
        match fault {
            Fault::Next if self.healed => Ok(()),
            Fault::Next => {
                let next = 50 + self.dice.below(600);
                self.schedule(next, Event::Fault(Fault::Next));
                self.accident()
            }
            Fault::Outage => {
                let ids = self.ids();
                let node = *self.dice.pick(&ids).expect("there are nodes");
                self.tell(|| format!("node {node} is paused until everything is healed"));
                self.node(node).paused_until = u64::MAX;
                Ok(())
            }
            Fault::Restart(node) => {
                if !self.nodes[&node].is_up() {
                    self.checks.report.restarts += 1;
                    self.tell(|| format!("node {node} starts again"));
                }
                self.start(node)
            }
            Fault::RestartWiped(node) if self.nodes[&node].is_up() || self.nodes.values().any(|other| other.wiped) => {
                self.start(node)
            }
            Fault::RestartWiped(node) => {
                self.checks.report.wiped += 1;
                self.tell(|| format!("node {node} starts again with an empty disk"));
                let voters = self.ids();
                self.node(node).wipe(&voters);
                self.start(node)
            }
            Fault::HealNetwork => {
                self.network.heal();
                Ok(())
            }
            Fault::HealClock(node) => self.set_clock(node, 0),
        }
    }

    fn accident(&mut self) -> Result<(), String> {
        let ids = self.ids();
        let node = *self.dice.pick(&ids).expect("there are nodes");
        match self.dice.below(100) {
            0..35 => {
                self.crash(node);
                Ok(())
            }
            35..60 => {
                self.cut(&ids);
                Ok(())
            }
            60..72 => {
                self.checks.report.pauses += 1;
                let length = 50 + self.dice.below(1_000);
                self.tell(|| format!("node {node} is paused for {length} ms"));
                self.node(node).paused_until = self.now + length;
                Ok(())
            }
            72..80 if self.nodes.values().all(|node| (node.system_clock, node.stamping_clock) == (0, 0)) => {
                self.checks.report.clock_faults += 1;
                let length = 200 + self.dice.below(1_500);
                self.tell(|| format!("the clock of node {node} is wrong for {length} ms"));
                self.schedule(length, Event::Fault(Fault::HealClock(node)));
                self.set_clock(node, CLOCK_FAULT_MS)
            }
            80..88 => {
                self.checks.report.transfers += 1;
                let to = self.dice.chance(500).then_some(node);
                ids.iter().try_for_each(|id| self.feed(*id, Input::Transfer { to }))
            }
            _ => {
                let drop_permille = self.dice.below(150);
                let duplicate_permille = self.dice.below(100);
                self.network.weather = Weather { drop_permille, duplicate_permille, delay_ms: 1 + self.dice.below(30) };
                Ok(())
            }
        }
    }

    fn crash(&mut self, node: NodeId) {
        if !self.nodes[&node].is_up() {
            return;
        }
        let wiped = self.dice.chance(40) && self.may_lose_a_disk();
        self.checks.report.crashes += 1;
        let dice = &mut self.dice;
        let lost = self.nodes.get_mut(&node).map_or(0, |node| node.crash(dice));
        self.checks.report.writes_lost += lost;
        self.tell(|| format!("node {node} crashes and loses {lost} writes"));
        self.forget_node(node);
        self.connections.retain(|(from, to)| *from != node && *to != node);
        for peer in self.ids().into_iter().filter(|peer| *peer != node) {
            let (delay, refused) = (1 + self.dice.below(20), self.dice.chance(800));
            self.schedule(delay, Event::Input { node: peer, input: Input::PeerLost { peer: node, refused } });
        }
        if wiped {
            let away = 20 + self.dice.below(700);
            self.schedule(away, Event::Fault(Fault::RestartWiped(node)));
            return;
        }
        let long = self.dice.chance(300);
        let away = 20 + self.dice.below(if long { 4_000 } else { 700 });
        self.schedule(away, Event::Fault(Fault::Restart(node)));
    }

    /// One disk in a run, and only once all founding nodes have met: before, the cluster would have to be founded again.
    fn may_lose_a_disk(&self) -> bool {
        let met = |node: &Node<M>| node.replica.as_ref().is_some_and(|replica| replica.status().unmet.is_empty());
        self.nodes.len() > 1 && self.nodes.values().all(|node| met(node) && !node.wiped)
    }

    fn cut(&mut self, ids: &[NodeId]) {
        self.checks.report.partitions += 1;
        let side: Vec<NodeId> = ids.iter().copied().filter(|_| self.dice.chance(400)).collect();
        let one_way = self.dice.chance(300);
        self.network.partition(&side, ids, one_way);
        let length = 50 + self.dice.below(2_500);
        self.tell(|| format!("{side:?} cut off {} for {length} ms", if one_way { "one way" } else { "both ways" }));
        self.schedule(length, Event::Fault(Fault::HealNetwork));
    }

    /// A person sets a node's system clock.
    fn set_clock(&mut self, node: NodeId, ahead_ms: i64) -> Result<(), String> {
        self.node(node).system_clock = ahead_ms;
        self.compare_clocks(node)
    }

    /// A node and all others measure each other's clocks.
    pub(crate) fn compare_clocks(&mut self, node: NodeId) -> Result<(), String> {
        for peer in self.ids().into_iter().filter(|peer| *peer != node) {
            for (from, to) in [(node, peer), (peer, node)] {
                let offset_ms = self.nodes[&to].system_clock - self.nodes[&from].stamping_clock;
                self.feed(from, Input::ClockOffset { peer: to, offset_ms })?;
            }
        }
        Ok(())
    }

    /// A node reads its system clock.
    pub(crate) fn read_clock(&mut self, node: NodeId) -> Result<(), String> {
        let ahead_ms = self.nodes[&node].system_clock - self.nodes[&node].stamping_clock;
        self.feed(node, Input::SystemClock { ahead_ms })
    }

    /// Everything is put right, for good.
    pub(crate) fn heal(&mut self) -> Result<(), String> {
        self.tell(|| "everything is healed".to_owned());
        self.healed = true;
        self.lose_a_stream = self.dice.chance(500);
        self.network.heal();
        self.network.weather = Weather { drop_permille: 0, duplicate_permille: 0, delay_ms: 3 };
        self.expect_progress();
        for node in self.ids() {
            self.node(node).paused_until = self.now;
            let life = self.nodes[&node].life;
            self.schedule(0, Event::Wake { node, life });
            self.start(node)?;
            self.set_clock(node, 0)?;
        }
        Ok(())
    }
}
