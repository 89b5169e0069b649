//! Clusters whose nodes come and go at random, in front of operators who change their minds: the real replica, its decisions
//! included, from seeds. The simulator knows worse accidents; here the membership is what happens. `CHURN_SEEDS=600` runs so many
//! seeds, `CHURN_FIRST=81` begins there.

use std::collections::BTreeMap;

use lectern_raft::{
    Input, NodeId, Replica, Role, Status,
    membership::{LEAST_VOTERS, Request, Roster, Stage},
    sim::Dice,
};

use crate::cluster::Cluster;

const TICKS: u64 = 3_000;
/// Ticks within which everything must be well again: longer than a silent learner is kept.
const REST: u64 = 1_500;

/// How often nodes call each other.
const CALL_MS: u64 = 500;

struct Churn {
    cluster: Cluster,
    dice: Dice,
    leaders: BTreeMap<u64, NodeId>,
    /// What the roster was after each entry.
    rosters: BTreeMap<u64, Roster>,
    /// Nodes that were enrolled and not started yet come up as the log numbers them.
    disks: u64,
    counters: BTreeMap<&'static str, u64>,
}

impl Churn {
    fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let founders = *dice.pick(&[1, 3, 3, 5]).unwrap();
        let mut cluster = Cluster::default();
        cluster.hurried = true;
        let ids: Vec<NodeId> = (1..=founders).collect();
        for id in &ids {
            cluster.add(*id, &ids, |config| config.keep_entries = 20);
        }
        for id in &ids {
            cluster.start(*id).unwrap();
        }
        Self {
            cluster,
            dice,
            leaders: BTreeMap::new(),
            rosters: BTreeMap::new(),
            disks: founders,
            counters: BTreeMap::new(),
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.counters.entry(what).or_default() += 1;
    }

    fn up(&self) -> Vec<NodeId> {
        self.cluster.nodes.iter().filter(|(_, node)| node.replica.is_some()).map(|(id, _)| *id).collect()
    }

    fn status(&self, id: NodeId) -> Option<Status> {
        self.cluster.nodes[&id].replica.as_ref().map(Replica::status)
    }

    fn leader(&self) -> Option<NodeId> {
        self.up().into_iter().find(|id| self.status(*id).is_some_and(|status| status.ready))
    }

    fn tick(&mut self) {
        self.cluster.now += 20;
        for id in self.up() {
            self.cluster.feed(id, vec![Input::Tick]);
        }
        if self.cluster.now.is_multiple_of(CALL_MS) {
            self.call_each_other();
        }
        let unlucky = self.dice.chance(50);
        if unlucky {
            self.cluster.queue.pop_back();
        }
        self.cluster.deliver(|_, _, _| true);
        self.check();
    }

    /// Connections that broke are opened again, and each side says what configuration it knows.
    fn call_each_other(&mut self) {
        let up: Vec<NodeId> = self.up().into_iter().filter(|id| !self.cluster.cut.contains(id)).collect();
        for from in &up {
            up.iter().filter(|to| *to != from).for_each(|to| self.cluster.call(*from, *to));
        }
    }

    /// What holds at every moment.
    fn check(&mut self) {
        let said = std::mem::take(&mut self.cluster.output);
        assert!(!said.contains("STOPS"), "{said}");
        for id in self.up() {
            let status = self.status(id).unwrap();
            if status.role == Role::Leader {
                let leader = *self.leaders.entry(status.term).or_insert(id);
                assert_eq!(leader, id, "two leaders in term {}", status.term);
            }
            let state = &self.cluster.nodes[&id].state;
            let roster = self.rosters.entry(state.applied.index).or_insert_with(|| state.roster.clone());
            assert_eq!(*roster, state.roster, "the rosters differ after entry {}", state.applied.index);
        }
        // What was removed is taken away.
        let newest = self.rosters.last_key_value().map(|(_, roster)| roster.clone()).unwrap_or_default();
        for (node, _) in newest.records().iter().filter(|(_, record)| record.stage == Stage::Removed) {
            if self.cluster.nodes.remove(node).is_some() {
                self.count("removed");
            }
        }
    }

    fn happen(&mut self) {
        let nodes: Vec<NodeId> = self.cluster.nodes.keys().copied().collect();
        let node = *self.dice.pick(&nodes).unwrap();
        match self.dice.below(100) {
            0..15 => {
                self.cluster.cut.insert(node);
                self.count("cut off");
            }
            15..40 => self.cluster.cut.clear(),
            40..50 => {
                self.cluster.crash(node);
                self.count("crashes");
            }
            50..70 => self.start(node),
            70..80 => self.command(Request::Join),
            80..87 => self.command(Request::Remove(node)),
            87..92 => self.command(Request::Drain(node)),
            92..96 => self.command(Request::Restore(node)),
            _ => self.cluster.feed(node, vec![Input::Transfer { to: None }]),
        }
        self.come_up();
    }

    fn start(&mut self, node: NodeId) {
        if self.cluster.nodes[&node].replica.is_none() {
            self.cluster.start(node).unwrap();
        }
    }

    /// Asks the leader, and writes down what is granted.
    fn command(&mut self, request: Request) {
        let Some(leader) = self.leader() else { return };
        let Ok(answer) = self.cluster.nodes[&leader].replica.as_ref().unwrap().ask(request) else { return };
        if !answer.granted {
            return self.count("refused");
        }
        let command = match request {
            Request::Join => {
                self.disks += 1;
                format!("enrol disk-{}", self.disks)
            }
            Request::Remove(node) => format!("remove {node}"),
            Request::Drain(node) => format!("drain {node}"),
            Request::Restore(node) => format!("restore {node}"),
            Request::Transfer(_) => return,
        };
        self.count("granted");
        let input = Input::Propose { id: self.cluster.request(), data: command.into_bytes() };
        self.cluster.feed(leader, vec![input]);
    }

    /// Nodes that have their numbers start, with empty logs.
    fn come_up(&mut self) {
        let newest = self.rosters.last_key_value().map(|(_, roster)| roster.clone()).unwrap_or_default();
        for (node, record) in newest.records() {
            let awaited = record.stage != Stage::Removed && record.incarnation.is_some();
            if awaited && !self.cluster.nodes.contains_key(node) {
                let incarnation = record.incarnation.clone().unwrap();
                self.cluster.add(*node, &[], |config| {
                    config.hello.incarnation = incarnation;
                    config.keep_entries = 20;
                });
                self.cluster.start(*node).unwrap();
                self.count("joined");
            }
        }
    }

    /// Everything is put right. All members must come to agree, and to rest.
    fn rest(&mut self, seed: u64) {
        self.cluster.cut.clear();
        for _ in 0..REST {
            for node in self.cluster.nodes.keys().copied().collect::<Vec<_>>() {
                self.start(node);
            }
            self.come_up();
            self.tick();
        }
        let leader = self.leader().unwrap_or_else(|| panic!("seed {seed}: nobody leads"));
        let status = self.status(leader).unwrap();
        let membership = self.cluster.nodes[&leader].replica.as_ref().unwrap().membership_status();
        assert_eq!(membership.next_change, None, "seed {seed}: it is not at rest");
        assert!(status.conf_state.voters_outgoing.is_empty(), "seed {seed}: it is joint still");
        let input = Input::Propose { id: self.cluster.request(), data: b"after".to_vec() };
        self.cluster.feed(leader, vec![input]);
        (0..20).for_each(|_| self.tick());
        for id in self.up() {
            let state = &self.cluster.nodes[&id].state;
            assert_eq!(
                state.commands.last().map(String::as_str),
                Some("after"),
                "seed {seed}: node {id} is left behind"
            );
        }
        let voters = status.conf_state.voters.len();
        assert!(!voters.is_multiple_of(2), "seed {seed}: {voters} voters");
    }
}

fn run(seed: u64) -> BTreeMap<&'static str, u64> {
    let mut churn = Churn::new(seed);
    let mut most = 0;
    for tick in 0..TICKS {
        churn.tick();
        if tick > 100 && churn.dice.chance(40) {
            churn.happen();
        }
        if let Some(status) = churn.leader().and_then(|leader| churn.status(leader)) {
            let voters = status.conf_state.voters.len();
            most = most.max(voters);
            assert!(voters >= most.min(LEAST_VOTERS), "seed {seed}: {voters} voters are left");
        }
    }
    churn.rest(seed);
    churn.counters
}

#[test]
fn clusters_whose_nodes_come_and_go_agree_and_come_to_rest() {
    let seeds = std::env::var("CHURN_SEEDS").map_or(8, |seeds| seeds.parse().unwrap());
    let mut sum: BTreeMap<&str, u64> = BTreeMap::new();
    let first: u64 = std::env::var("CHURN_FIRST").map_or(0, |seed| seed.parse().unwrap());
    for seed in first..first + seeds {
        for (what, count) in run(seed) {
            *sum.entry(what).or_default() += count;
        }
    }
    eprintln!("{sum:?}");
    for what in ["cut off", "crashes", "granted", "refused", "joined", "removed"] {
        assert!(sum.get(what).is_some_and(|count| *count > 0), "no run met any {what}: {sum:?}");
    }
}
