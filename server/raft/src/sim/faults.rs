//! What goes wrong, and how it is put right again.

use crate::{
    Input, NodeId, Role,
    membership::LEAST_VOTERS,
    sim::{
        checks::{Halt, Outcome, ensure},
        failpoints::Point,
        machine::Machine,
        network::Weather,
        node::Node,
        plan::{Accident, Deed},
        world::{Event, World},
    },
};

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
    /// There is room on this node's disk again.
    FreeDisk(NodeId),
}

impl<M: Machine> World<M> {
    pub(crate) fn fault(&mut self, fault: Fault) -> Outcome {
        match fault {
            // Healed is then everything but what stays cut off for good.
            Fault::Next | Fault::HealNetwork if self.healed => Ok(()),
            Fault::Next => {
                let (accident, next) = self.plan.next(&mut self.dice);
                self.schedule(next, Event::Fault(Fault::Next));
                self.checks.counters.faults += 1;
                self.accident(accident)
            }
            Fault::Outage => {
                let node = self.victim();
                self.tell(|| format!("node {node} is paused until everything is healed"));
                self.node(node).paused_until = u64::MAX;
                Ok(())
            }
            Fault::Restart(node) => {
                if !self.nodes[&node].is_up() {
                    self.checks.counters.restarts += 1;
                    self.tell(|| format!("node {node} starts again"));
                }
                self.start(node)
            }
            Fault::RestartWiped(node) if self.nodes[&node].is_up() || !self.may_damage(node) => self.start(node),
            Fault::RestartWiped(node) => {
                self.checks.counters.disks_lost += 1;
                self.tell(|| format!("node {node} starts again with an empty disk"));
                // Whoever founded a cluster alone would found another one: it comes back as a node that joins.
                let founders: Vec<NodeId> = (1..=self.plan.nodes).filter(|_| self.plan.nodes > 1).collect();
                self.node(node).wipe(&founders);
                self.start(node)
            }
            Fault::HealNetwork => {
                self.network.heal();
                self.tell(|| "the network is whole again".to_owned());
                Ok(())
            }
            Fault::HealClock(node) => self.set_clock(node, 0),
            Fault::FreeDisk(node) => {
                self.nodes[&node].disk.set_full(false);
                Ok(())
            }
        }
    }

    fn accident(&mut self, accident: Accident) -> Outcome {
        let node = self.victim();
        match accident {
            Accident::Crash => self.crash(node, "crashes"),
            Accident::CrashSeveral | Accident::CrashAll => self.crash_several(accident == Accident::CrashAll),
            Accident::Failpoint => self.light_a_fuse(node),
            Accident::LoseDisk => self.lose_disk(node),
            Accident::Partition => self.cut(None, false),
            Accident::OneWayPartition => self.cut(None, true),
            Accident::Isolate => self.cut(Some(node), false),
            Accident::BreakConnection => {
                let others: Vec<NodeId> = self.ids().into_iter().filter(|other| *other != node).collect();
                let Some(other) = self.dice.pick(&others).copied() else { return Ok(()) };
                self.checks.counters.connections_broken += 1;
                self.tell(|| format!("the connection between nodes {node} and {other} breaks"));
                self.break_connection(node, other);
            }
            Accident::Storm => self.storm(),
            Accident::Pause | Accident::LongPause => self.pause(node, accident == Accident::LongPause),
            Accident::SlowDisk => {
                self.checks.counters.slow_disks += 1;
                let length = 500 + self.dice.below(3_000);
                self.tell(|| format!("the disk of node {node} is slow for {length} ms"));
                self.node(node).slow_until = self.now + length;
            }
            Accident::FullDisk | Accident::WriteError | Accident::SyncError | Accident::ReadError | Accident::Rot => {
                self.break_disk(node, accident);
            }
            Accident::WrongClock => return self.spoil_clock(node),
            Accident::Transfer => {
                self.checks.counters.transfers += 1;
                let to = self.dice.chance(500).then_some(node);
                return self.ids().iter().try_for_each(|id| self.feed(*id, Input::Transfer { to }));
            }
        }
        Ok(())
    }

    /// Whom the next accident meets: often the leader.
    pub(crate) fn victim(&mut self) -> NodeId {
        let ids = self.ids();
        let leaders: Vec<NodeId> = ids.iter().copied().filter(|id| self.nodes[id].role.role == Role::Leader).collect();
        let choice = if leaders.is_empty() || !self.dice.chance(350) { ids } else { leaders };
        *self.dice.pick(&choice).expect("there are nodes")
    }

    /// A node dies and starts again after a while.
    fn crash(&mut self, node: NodeId, how: &str) {
        self.die(node, how);
        let long = self.dice.chance(250);
        let away = 20 + self.dice.below(if long { 4_000 } else { 700 });
        self.schedule(away, Event::Fault(Fault::Restart(node)));
    }

    /// A node dies, and comes back on an empty disk.
    pub(crate) fn lose_disk(&mut self, node: NodeId) {
        let wiped = self.nodes[&node].is_up() && self.may_damage(node) && self.all_have_met();
        self.die(node, "crashes");
        let away = 20 + self.dice.below(700);
        let restart = if wiped { Fault::RestartWiped(node) } else { Fault::Restart(node) };
        self.schedule(away, Event::Fault(restart));
    }

    fn crash_several(&mut self, all: bool) {
        let mut ids = self.ids();
        while !all && ids.len() > 2 && self.dice.chance(500) {
            let at = self.dice.below(ids.len() as u64);
            ids.remove(usize::try_from(at).expect("below a length"));
        }
        let counters = &mut self.checks.counters;
        *(if all { &mut counters.crashes_of_all } else { &mut counters.crashes_of_several }) += 1;
        for id in ids {
            self.crash(id, "crashes with others");
        }
    }

    /// A node's process ends, and its peers notice.
    pub(crate) fn die(&mut self, node: NodeId, how: &str) {
        if !self.nodes[&node].is_up() {
            return;
        }
        self.checks.counters.crashes += 1;
        let dice = &mut self.dice;
        let lost = self.nodes.get_mut(&node).map_or(0, |node| node.crash(dice));
        self.checks.counters.writes_lost += lost;
        self.tell(|| format!("node {node} {how} and loses {lost} writes"));
        self.forget_node(node);
        self.connections.retain(|(from, to)| *from != node && *to != node);
        for peer in self.ids().into_iter().filter(|peer| *peer != node) {
            self.network.broken(node, peer);
            self.network.broken(peer, node);
            let (delay, refused) = (1 + self.dice.below(20), self.dice.chance(800));
            self.schedule(delay, Event::Input { node: peer, input: Input::PeerLost { peer: node, refused } });
        }
    }

    /// A node will die between two things that its shell does.
    fn light_a_fuse(&mut self, node: NodeId) {
        let point = *self.dice.pick(Point::ALL).expect("there are points");
        let times = match point {
            Point::Stepped | Point::Sent | Point::Replied => 1 + self.dice.below(40),
            Point::PersistWritten | Point::PersistSynced | Point::BeforeApply | Point::StateWritten => {
                1 + self.dice.below(5)
            }
            _ => 1,
        };
        self.node(node).fuse = Some((point, times));
    }

    /// The shell has come to a point where it may die.
    pub(crate) fn point(&mut self, id: NodeId, point: Point) -> Outcome {
        let node = self.node(id);
        match &mut node.fuse {
            Some((at, times)) if *at == point => *times -= 1,
            _ => return Ok(()),
        }
        if node.fuse.is_some_and(|(_, times)| times > 0) {
            return Ok(());
        }
        self.checks.counters.died(point.name());
        self.crash(id, &format!("dies {}", point.name()));
        Err(Halt::Died)
    }

    /// A node says that it must stop: because it was removed, or because its disk failed.
    pub(crate) fn stopped(&mut self, id: NodeId, reason: &str) -> Outcome {
        if self.checks.members.was_told(id) && reason.contains("was removed from the cluster") {
            self.checks.counters.removals_told += 1;
            self.die(id, &format!("stops ({reason})"));
            self.node(id).retired = true;
            if self.dice.chance(500) {
                // Its directory is emptied, and it joins anew.
                self.schedule(300, Event::Deed(Deed::Join));
            }
            return Err(Halt::Died);
        }
        let node = &self.nodes[&id];
        ensure(node.excused || node.is_damaged(), || format!("node {id} stops: {reason}"))?;
        self.checks.counters.stops += 1;
        self.crash(id, &format!("stops ({reason})"));
        Err(Halt::Died)
    }

    fn break_disk(&mut self, node: NodeId, accident: Accident) {
        if accident == Accident::Rot && !self.may_damage(node) {
            return;
        }
        self.node(node).excused = true;
        let (disk, counters) = (self.nodes[&node].disk.clone(), &mut self.checks.counters);
        let what = match accident {
            Accident::FullDisk => {
                counters.full_disks += 1;
                disk.set_full(true);
                let length = 200 + self.dice.below(2_500);
                self.schedule(length, Event::Fault(Fault::FreeDisk(node)));
                format!("is full for {length} ms")
            }
            Accident::WriteError => {
                counters.write_errors += 1;
                disk.fail_write();
                "will fail at the next write".to_owned()
            }
            Accident::SyncError => {
                counters.sync_errors += 1;
                disk.fail_sync();
                "will fail at the next sync".to_owned()
            }
            Accident::ReadError => {
                counters.read_errors += 1;
                disk.fail_read();
                "will fail at the next read".to_owned()
            }
            _ => {
                let Some(record) = disk.rot(&mut self.dice) else { return };
                counters.rotten_records += 1;
                format!("has rotted: {record}")
            }
        };
        self.tell(|| format!("the disk of node {node} {what}"));
    }

    /// Whether the data of this node may be lost for good, and a majority of whole ones is left.
    pub(crate) fn may_damage(&self, node: NodeId) -> bool {
        if self.plan.churn.is_some() {
            return self.may_damage_member(node);
        }
        let others = self.nodes.iter().filter(|(id, other)| **id != node && other.is_damaged()).count();
        !self.nodes[&node].is_damaged() && others < (self.nodes.len() - 1) / 2
    }

    /// Where members come and go, one at a time: five voters with two damaged disks may become three, whose majority they are.
    fn may_damage_member(&self, node: NodeId) -> bool {
        let members = self.checks.members.all();
        let damaged = |node: &NodeId| self.nodes.get(node).is_some_and(Node::is_damaged);
        self.checks.members.fewest_voters() >= LEAST_VOTERS && members.contains(&node) && !members.iter().any(damaged)
    }

    /// Before all founding nodes have met, a cluster that loses a disk has to be founded again.
    pub(crate) fn all_have_met(&mut self) -> bool {
        let met = |node: &Node<M>| node.replica.as_ref().is_some_and(|replica| replica.status().unmet.is_empty());
        self.all_met = self.all_met || self.nodes.values().all(|node| node.joined || node.is_damaged() || met(node));
        self.all_met
    }

    fn storm(&mut self) {
        self.checks.counters.storms += 1;
        let drop_permille = self.dice.below(150);
        let duplicate_permille = self.dice.below(100);
        let longest = if self.dice.chance(200) { 200 } else { 30 };
        let delay_ms = 1 + self.dice.below(longest);
        self.tell(|| {
            format!("of 1000 messages {drop_permille} are lost, {duplicate_permille} come twice; up to {delay_ms} ms")
        });
        self.network.weather = Weather { drop_permille, duplicate_permille, delay_ms };
    }

    fn pause(&mut self, node: NodeId, long: bool) {
        let counters = &mut self.checks.counters;
        *(if long { &mut counters.long_pauses } else { &mut counters.pauses }) += 1;
        let length = if long { 1_500 + self.dice.below(5_000) } else { 50 + self.dice.below(800) };
        self.tell(|| format!("node {node} is paused for {length} ms"));
        self.node(node).paused_until = self.now + length;
    }

    fn cut(&mut self, alone: Option<NodeId>, one_way: bool) {
        let counters = &mut self.checks.counters;
        *(if one_way { &mut counters.one_way_partitions } else { &mut counters.partitions }) += 1;
        let ids = self.ids();
        let side: Vec<NodeId> = match alone {
            Some(node) => vec![node],
            None => ids.iter().copied().filter(|_| self.dice.chance(400)).collect(),
        };
        self.network.partition(&side, &ids, one_way);
        let length = 50 + self.dice.below(2_500);
        self.tell(|| format!("{side:?} cut off {} for {length} ms", if one_way { "one way" } else { "both ways" }));
        self.schedule(length, Event::Fault(Fault::HealNetwork));
    }

    fn spoil_clock(&mut self, node: NodeId) -> Outcome {
        if !self.all_clocks_are_right() {
            return Ok(());
        }
        self.checks.counters.clock_faults += 1;
        let (length, by) = (200 + self.dice.below(2_500), self.draw_clock_fault());
        self.tell(|| format!("the clock of node {node} is {by} ms off for {length} ms"));
        self.schedule(length, Event::Fault(Fault::HealClock(node)));
        self.set_clock(node, by)
    }
}
