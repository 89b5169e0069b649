//! Faults: how each begins and ends on the cluster as it is at that moment.
//!
//! A new kind of fault is a variant of [`Kind`], an arm of `begin` and, where its end is new, an `Undo`. How nodes are replaced
//! is a file of its own.

mod replacement;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::call::Nodes;
use crate::check::Finding;
use crate::cluster::Cluster;
use crate::dice::Dice;
use crate::network::{Addresses, Cuts, Network};
use crate::plan::{Episode, Fault, Kind};
use crate::round::lock;
use crate::service::Service;
use crate::workload::World;

/// A node that was told to end, or was started, gets so long.
const PATIENCE: Duration = Duration::from_secs(30);
/// A node on a full disk that ends does so soon after there is room again, when it tries to write.
const AFTERMATH: Duration = Duration::from_secs(2);
/// A full disk is written to for so long at most.
const FILLING: Duration = Duration::from_secs(10);
/// Who leads is waited for so long.
const ELECTION: Duration = Duration::from_secs(3);
/// Between two looks at a process.
const POLL: Duration = Duration::from_millis(20);

/// How a fault is ended.
#[derive(Debug)]
enum Undo {
    Start(Vec<u32>),
    Continue(u32),
    Join,
    KeepAll,
    Calm,
    FreeDisk(u32),
    SetClocks(Vec<u32>),
    Nothing,
}

/// A fault that has begun.
#[derive(Debug)]
struct Ongoing {
    what: String,
    /// Nodes that cannot be counted on while it lasts.
    hit: BTreeSet<u32>,
    undo: Undo,
}

/// What was done to the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How often each kind of fault was injected.
    pub injected: BTreeMap<&'static str, u64>,
    /// How often one could not be, and why.
    pub failed: BTreeMap<String, u64>,
}

/// Who carries the faults out.
pub struct Nemesis<S> {
    world: Arc<World<S>>,
    cluster: Arc<Mutex<Cluster>>,
    network: Network,
    nodes: Nodes,
    addresses: Addresses,
    /// What was done so far.
    pub tally: Tally,
}

impl<S: Service> Nemesis<S> {
    /// One that has done nothing yet.
    pub fn new(
        world: Arc<World<S>>,
        cluster: Arc<Mutex<Cluster>>,
        network: Network,
        nodes: Nodes,
        addresses: Addresses,
    ) -> Self {
        Self { world, cluster, network, nodes, addresses, tally: Tally::default() }
    }

    /// What partitions are made of, in words.
    pub fn words(&self) -> &'static str {
        self.network.words()
    }

    /// One episode from its quiet while to the end of its faults.
    pub async fn play(&mut self, episode: &Episode) {
        tokio::time::sleep(episode.quiet).await;
        let since = self.world.clock.now();
        let mut going = Vec::new();
        for fault in &episode.faults {
            match self.begin(fault).await {
                Ok(ongoing) => {
                    *self.tally.injected.entry(fault.kind.name()).or_default() += 1;
                    self.say(&format!("{}: {}", fault.kind, ongoing.what));
                    going.push(ongoing);
                }
                Err(why) => self.fail(fault.kind, &why),
            }
        }
        if going.is_empty() {
            return;
        }
        tokio::time::sleep(episode.hold).await;
        let hit: BTreeSet<u32> = going.iter().flat_map(|ongoing| ongoing.hit.iter().copied()).collect();
        while let Some(ongoing) = going.pop() {
            if let Err(why) = self.end(ongoing.undo).await {
                self.world.find(Finding::new("the end of a fault", why, Vec::new()));
            }
        }
        if hit.len() > minority(self.nodes.count()) {
            self.world.pulse.excuse(since, self.world.clock.now());
        }
        self.say("healed");
    }

    fn say(&self, what: &str) {
        eprintln!("{:>7.1} s  {what}", Duration::from_nanos(self.world.clock.now()).as_secs_f64());
    }

    fn fail(&mut self, kind: Kind, why: &str) {
        self.say(&format!("{kind} could not be injected: {why}"));
        *self.tally.failed.entry(format!("{kind}: {why}")).or_default() += 1;
    }

    /// Begins a fault.
    async fn begin(&mut self, fault: &Fault) -> Result<Ongoing, String> {
        let mut dice = Dice::new(fault.dice, 0);
        match fault.kind {
            Kind::KillLeader => self.kill(vec![self.leader().await?]),
            Kind::KillOne => self.kill(vec![self.any(&mut dice)?]),
            Kind::KillMajority => {
                let running = self.shuffled(&mut dice);
                self.kill(running.into_iter().take(minority(self.nodes.count()) + 1).collect())
            }
            Kind::KillAll => self.kill(self.shuffled(&mut dice)),
            Kind::PauseLeader => self.pause(self.leader().await?),
            Kind::PauseOne => self.pause(self.any(&mut dice)?),
            Kind::IsolateLeader => {
                let leader = self.leader().await?;
                self.split(&BTreeSet::from([leader]))
            }
            Kind::Split => {
                let count = 1 + usize::try_from(dice.below(2)).unwrap_or(0);
                let some = self.shuffled(&mut dice).into_iter().take(count.min(minority(self.nodes.count()))).collect();
                self.split(&some)
            }
            Kind::OneWay => {
                let node = if dice.chance(60) { self.leader().await? } else { self.any(&mut dice)? };
                self.one_way(node, dice.chance(50))
            }
            Kind::Loss => self.lose(&mut dice),
            Kind::Delay => Ok(self.delay(&mut dice)),
            Kind::DiskFull => {
                let node = if dice.chance(50) { self.leader().await? } else { self.any(&mut dice)? };
                self.fill_disk(node).await
            }
            Kind::ClockJump => self.jump(&mut dice).await,
            Kind::RollingRestart => self.restart_all(&mut dice).await,
            Kind::RollingReplacement => self.replace_all().await,
        }
    }

    async fn leader(&self) -> Result<u32, String> {
        let begun = Instant::now();
        while begun.elapsed() < ELECTION {
            if let Some(leader) = self.nodes.leader().await {
                return Ok(leader);
            }
            tokio::time::sleep(POLL).await;
        }
        Err("nobody leads at the moment".into())
    }

    fn shuffled(&self, dice: &mut Dice) -> Vec<u32> {
        let mut running = lock(&self.cluster).running();
        dice.shuffle(&mut running);
        running
    }

    fn any(&self, dice: &mut Dice) -> Result<u32, String> {
        self.shuffled(dice).first().copied().ok_or_else(|| "no node runs".into())
    }

    fn kill(&self, nodes: Vec<u32>) -> Result<Ongoing, String> {
        let mut cluster = lock(&self.cluster);
        nodes.iter().try_for_each(|node| cluster.kill(*node))?;
        Ok(ongoing(format!("{} killed", named(&nodes)), nodes.clone(), Undo::Start(nodes)))
    }

    fn pause(&self, node: u32) -> Result<Ongoing, String> {
        lock(&self.cluster).pause(node, true)?;
        Ok(ongoing(format!("node {node} stopped"), [node], Undo::Continue(node)))
    }

    fn split(&mut self, some: &BTreeSet<u32>) -> Result<Ongoing, String> {
        let mut cuts = Cuts::new();
        for one in some {
            for other in (1..=self.nodes.count()).filter(|other| !some.contains(other)) {
                cuts.extend([(*one, other), (other, *one)]);
            }
        }
        self.network.cut(cuts)?;
        let nodes: Vec<u32> = some.iter().copied().collect();
        Ok(ongoing(format!("{} cut off from the others", named(&nodes)), nodes, Undo::Join))
    }

    fn one_way(&mut self, node: u32, mute: bool) -> Result<Ongoing, String> {
        let others = (1..=self.nodes.count()).filter(|other| *other != node);
        self.network.cut(others.map(|other| if mute { (node, other) } else { (other, node) }).collect())?;
        let what = if mute { "is not heard" } else { "hears nobody" };
        Ok(ongoing(format!("node {node} {what}"), [node], Undo::Join))
    }

    fn lose(&mut self, dice: &mut Dice) -> Result<Ongoing, String> {
        let percent = dice.between(3, 25);
        let nodes = if dice.chance(50) { (1..=self.nodes.count()).collect() } else { vec![self.any(dice)?] };
        self.network.lose(nodes.iter().map(|node| (*node, percent)).collect())?;
        let what = format!("{percent} of a hundred packets of {} are lost", named(&nodes));
        Ok(ongoing(what, nodes, Undo::KeepAll))
    }

    fn delay(&mut self, dice: &mut Dice) -> Ongoing {
        let least = dice.millis(5, 150);
        let most = least + dice.millis(0, 100);
        let node = dice.chance(50).then(|| 1 + dice.below_u32(self.nodes.count()));
        self.network.delay(node, least, most);
        let (who, hit) = match node {
            Some(node) => (format!("of and for node {node}"), vec![node]),
            None => ("of every node".into(), (1..=self.nodes.count()).collect()),
        };
        ongoing(format!("words {who} come {least:?} to {most:?} late"), hit, Undo::Calm)
    }

    /// Leaves a node no room, and writes until it notices: a database has set some room aside.
    async fn fill_disk(&self, node: u32) -> Result<Ongoing, String> {
        lock(&self.cluster).fill_disk(node)?;
        let begun = Instant::now();
        let others: Vec<u32> = (1..=self.nodes.count()).filter(|other| *other != node).collect();
        for through in others.iter().cycle() {
            if !lock(&self.cluster).runs(node) || begun.elapsed() > FILLING {
                break;
            }
            self.world.service.ballast(*through).await;
        }
        let noticed = if lock(&self.cluster).runs(node) { "has not noticed yet" } else { "ended" };
        let what = format!("node {node} has no room on its disk, and {noticed} after {:.1?}", begun.elapsed());
        Ok(ongoing(what, [node], Undo::FreeDisk(node)))
    }

    async fn jump(&mut self, dice: &mut Dice) -> Result<Ongoing, String> {
        let size = i64::try_from(dice.between(1_500, 3_600_000)).unwrap_or(0);
        let offset = if dice.chance(50) { size } else { -size };
        let nodes = match dice.below(3) {
            0 => vec![self.leader().await?],
            1 => vec![self.any(dice)?],
            // Together, and not by much: what the cluster calls now never goes back.
            _ => (1..=self.nodes.count()).collect(),
        };
        let offset = if nodes.len() == 1 { offset } else { offset % 60_000 };
        let cluster = lock(&self.cluster);
        nodes.iter().try_for_each(|node| cluster.set_clock(*node, offset))?;
        let what = format!("the clock of {} is set by {offset} ms", named(&nodes));
        Ok(ongoing(what, nodes.clone(), Undo::SetClocks(nodes)))
    }

    /// Each node in turn is asked to end, and started again.
    async fn restart_all(&mut self, dice: &mut Dice) -> Result<Ongoing, String> {
        for node in self.shuffled(dice) {
            lock(&self.cluster).terminate(node)?;
            let status = self.until(|cluster| cluster.ended(node)).await;
            let excused = lock(&self.cluster).is_excused(node);
            let how = status.map_or_else(|| "did not end".into(), |status| format!("ended with {status}"));
            if !excused && !status.is_some_and(|status| status.success()) {
                self.world.find(Finding::new(&format!("node {node}"), format!("on SIGTERM it {how}"), Vec::new()));
            }
            lock(&self.cluster).start(node)?;
            if !excused && let Err(why) = self.answers(node).await {
                self.world.find(Finding::new(&format!("node {node}"), why, Vec::new()));
            }
        }
        Ok(ongoing("every node ended and started in turn".into(), [], Undo::Nothing))
    }

    async fn until<T>(&self, look: impl Fn(&mut Cluster) -> Option<T>) -> Option<T> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(found) = look(&mut lock(&self.cluster)) {
                return Some(found);
            }
            tokio::time::sleep(POLL).await;
        }
        None
    }

    /// Waits until a node tells its status.
    async fn answers(&self, node: u32) -> Result<(), String> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if self.nodes.status(node).await.is_some() {
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
        }
        Err(format!("it did not answer within {PATIENCE:?} of its start"))
    }

    async fn end(&mut self, undo: Undo) -> Result<(), String> {
        match undo {
            Undo::Start(nodes) => nodes.into_iter().try_for_each(|node| lock(&self.cluster).start(node)),
            Undo::Continue(node) => lock(&self.cluster).pause(node, false),
            Undo::Join => self.network.cut(Cuts::new()),
            Undo::KeepAll => self.network.lose(Vec::new()),
            Undo::Calm => {
                self.network.calm();
                Ok(())
            }
            Undo::FreeDisk(node) => self.free_disk(node).await,
            Undo::SetClocks(nodes) => nodes.into_iter().try_for_each(|node| lock(&self.cluster).set_clock(node, 0)),
            Undo::Nothing => Ok(()),
        }
    }

    /// Room again. A node that ended is started; one that goes on may still find out, and is restarted to be sure.
    async fn free_disk(&mut self, node: u32) -> Result<(), String> {
        lock(&self.cluster).free_disk(node)?;
        tokio::time::sleep(AFTERMATH).await;
        if lock(&self.cluster).runs(node) {
            self.say(&format!("node {node} went on with a full disk"));
            lock(&self.cluster).terminate(node)?;
            if self.until(|cluster| cluster.ended(node)).await.is_none() {
                return Err(format!("node {node} did not end on SIGTERM after its disk had been full"));
            }
        } else {
            self.say(&format!("node {node} had ended for want of room"));
        }
        let mut cluster = lock(&self.cluster);
        cluster.start(node)?;
        cluster.excuse_no_longer(node);
        Ok(())
    }

    /// Ends everything that may still be wrong, whatever began it.
    pub fn heal(&mut self) -> Result<(), String> {
        self.network.calm();
        self.network.lose(Vec::new())?;
        self.network.cut(Cuts::new())?;
        for node in 1..=self.nodes.count() {
            let mut cluster = lock(&self.cluster);
            cluster.set_clock(node, 0)?;
            cluster.pause(node, false)?;
            cluster.free_disk(node)?;
            cluster.start(node)?;
            cluster.excuse_no_longer(node);
        }
        Ok(())
    }
}

/// The most nodes that can be away without the cluster stopping.
fn minority(nodes: u32) -> usize {
    (nodes as usize - 1) / 2
}

fn ongoing(what: String, hit: impl IntoIterator<Item = u32>, undo: Undo) -> Ongoing {
    Ongoing { what, hit: hit.into_iter().collect(), undo }
}

fn named(nodes: &[u32]) -> String {
    let mut nodes = nodes.to_vec();
    nodes.sort_unstable();
    let list = nodes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if nodes.len() == 1 { format!("node {list}") } else { format!("nodes {list}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_three_nodes_one_may_be_away_and_of_five_two() {
        assert_eq!((minority(3), minority(5)), (1, 2));
        assert_eq!(named(&[2]), "node 2");
        assert_eq!(named(&[3, 1]), "nodes 1, 3");
    }
}
