//! Three nodes in one process: real disks, real sockets, no services.

use std::collections::BTreeSet;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lectern_lms::lookup;
use lectern_proto::internal::v1::{Advance, Command, command::Body};
use lectern_raft::read_entries;
use lectern_server::config::Config;
use lectern_server::init::{self, Genesis, GenesisMember};
use lectern_server::node::{self, Feed, MAX_COMMAND_BYTES, Node, NodeError, Running};
use lectern_server::store::{Caches, LogDb};
use prost::Message;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

const PATIENCE: Duration = Duration::from_secs(30);

/// One node and the runtime it has for itself, so that it can be stopped whole.
struct TestNode {
    runtime: Runtime,
    running: Running,
}

struct Cluster {
    dir: TempDir,
    genesis: Genesis,
    peers: Vec<SocketAddr>,
    nodes: Vec<Option<TestNode>>,
    keep_entries: u64,
}

impl Cluster {
    /// Founds and starts three nodes whose logs keep about `keep_entries`.
    fn start(keep_entries: u64) -> Self {
        let mut cluster = Self::found(keep_entries);
        for node in 1..=3 {
            cluster.start_node(node);
        }
        cluster
    }

    /// Founds three nodes and starts none.
    fn found(keep_entries: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listeners: Vec<_> =
            (0..3).map(|_| std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).collect();
        let peers: Vec<SocketAddr> = listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
        let members = (1..).zip(&peers).map(|(node, peer)| GenesisMember {
            node,
            peer_address: peer.to_string(),
            client_address: format!("client-of-node-{node}:7600"),
        });
        let (genesis, _) = Genesis::new(members.collect(), "admin").unwrap();
        for node in 1..=3 {
            init::found_node(&genesis, node, &data_dir(dir.path(), node)).unwrap();
        }
        drop(listeners);
        Self { dir, genesis, peers, nodes: vec![None, None, None], keep_entries }
    }

    /// The node's disk is replaced by an empty one, and founded again as the first was.
    fn replace_disk(&self, node: u64) {
        let data = data_dir(self.dir.path(), node);
        std::fs::remove_dir_all(&data).unwrap();
        init::found_node(&self.genesis, node, &data).unwrap();
    }

    /// What a node says an operator should know of `about`.
    fn notice(&self, node: u64, about: u64) -> String {
        let nodes = self.node(node).status().nodes;
        nodes.into_iter().find(|status| status.node_id == about).map(|status| status.notice).unwrap_or_default()
    }

    fn start_node(&mut self, node: u64) {
        let slot = slot(node);
        let config: Config = toml::from_str(&format!(
            "data_dir = \"{}\"\nclient_listen = \"127.0.0.1:1\"\nclient_advertise = \"client-of-node-{node}:7600\"\n\
             peer_listen = \"{}\"\n[limits]\nlog_keep_entries = {}\n",
            data_dir(self.dir.path(), node).display(),
            self.peers[slot],
            self.keep_entries,
        ))
        .unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let running = runtime.block_on(async {
            let listener = TcpListener::bind(self.peers[slot]).await.unwrap();
            node::start(&config, listener).unwrap()
        });
        self.nodes[slot] = Some(TestNode { runtime, running });
    }

    fn stop_node(&mut self, node: u64) {
        let TestNode { runtime, running } = self.nodes[slot(node)].take().expect("the node runs");
        runtime.block_on(async {
            running.hand_over().await;
            running.shutdown().await.unwrap();
        });
        runtime.shutdown_timeout(Duration::from_secs(5));
    }

    fn node(&self, node: u64) -> Node {
        self.nodes[slot(node)].as_ref().expect("the node runs").running.node()
    }

    fn on<T>(&self, node: u64, future: impl Future<Output = T>) -> T {
        self.nodes[slot(node)].as_ref().expect("the node runs").runtime.block_on(future)
    }

    fn running(&self) -> Vec<u64> {
        (1..=3).filter(|node| self.nodes[slot(*node)].is_some()).collect()
    }

    /// Waits until every running node agrees on a leader that runs, and that one takes commands.
    fn await_leader(&self) -> u64 {
        self.await_leader_of(&self.running())
    }

    /// Waits until these nodes agree on one of them as leader, and that one takes commands.
    fn await_leader_of(&self, nodes: &[u64]) -> u64 {
        eventually("a leader", || {
            let leaders: Vec<_> = nodes.iter().map(|node| self.node(*node).leader()).collect();
            let leader = leaders[0].as_ref()?.node_id;
            let agreed = leaders.iter().flatten().all(|other| other.node_id == leader) && !leaders.contains(&None);
            (agreed && nodes.contains(&leader) && self.advance(leader).is_ok()).then_some(leader)
        })
    }

    fn advance(&self, node: u64) -> Result<(), NodeError> {
        self.on(node, advance(&self.node(node)))
    }

    fn applied(&self, node: u64) -> u64 {
        self.node(node).status().self_.unwrap().applied_index
    }

    /// Reads linearizably on a node until it works: leaders change.
    fn cluster_id(&self, node: u64) -> String {
        eventually("a read", || {
            let read = self.on(node, self.node(node).read(|store, _| lookup::cluster(store).unwrap().cluster_id));
            read.ok()
        })
    }
}

fn slot(node: u64) -> usize {
    usize::try_from(node - 1).unwrap()
}

fn data_dir(root: &Path, node: u64) -> PathBuf {
    root.join(format!("node{node}"))
}

async fn advance(node: &Node) -> Result<(), NodeError> {
    let command = Command { body: Some(Body::Advance(Advance::default())), ..Command::default() };
    node.propose(command).await.map(|_| ())
}

fn eventually<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not come within {PATIENCE:?}");
        std::thread::yield_now();
    }
}

#[test]
fn three_nodes_elect_found_the_cluster_and_are_still_there_after_a_restart_of_all() {
    let mut cluster = Cluster::start(1_000);
    let leader = cluster.await_leader();
    let id = cluster.node(1).cluster_id().to_owned();
    for node in 1..=3 {
        eventually("the founding", || (cluster.cluster_id(node) == id).then_some(()));
    }
    let before = cluster.applied(leader);
    for node in 1..=3 {
        cluster.stop_node(node);
    }
    for node in 1..=3 {
        cluster.start_node(node);
    }
    cluster.await_leader();
    for node in 1..=3 {
        assert_eq!(cluster.cluster_id(node), id);
        assert!(cluster.applied(node) >= before);
    }
}

#[test]
fn founding_nodes_elect_nobody_before_all_have_met() {
    let mut cluster = Cluster::found(1_000);
    cluster.start_node(1);
    cluster.start_node(2);
    for node in [1, 2] {
        eventually("the wait for node 3", || cluster.notice(node, node).contains("node 3").then_some(()));
        assert_eq!(cluster.node(node).leader(), None);
    }
    cluster.start_node(3);
    cluster.await_leader();
    // Once they have met, two are enough.
    cluster.stop_node(3);
    cluster.stop_node(2);
    cluster.start_node(2);
    cluster.await_leader();
}

#[test]
fn trap_6_a_node_that_comes_back_with_an_empty_disk_is_turned_away() {
    let mut cluster = Cluster::start(1_000);
    cluster.await_leader();
    cluster.stop_node(3);
    cluster.replace_disk(3);
    cluster.start_node(3);
    for node in [1, 2] {
        eventually("the refusal", || cluster.notice(3, node).contains("lost its disk").then_some(()));
    }
    // Not even as the only other one is it followed or voted with.
    let leader = cluster.await_leader_of(&[1, 2]);
    cluster.stop_node(leader);
    let left = if leader == 1 { 2 } else { 1 };
    eventually("the end of leadership", || cluster.node(left).leader().is_none().then_some(()));
    assert_eq!(cluster.applied(3), 1, "it holds nothing but the founding");
    assert_eq!(cluster.advance(left), Err(NodeError::NoLeader));
}

#[test]
fn the_first_command_of_every_term_says_since_when_there_was_no_leader() {
    let mut cluster = Cluster::start(100_000);
    for _ in 0..3 {
        // Whoever leads is offered a command at once, before it can have done anything else.
        for node in 1..=3 {
            let eager = cluster.node(node);
            let mut changed = eager.status_changed();
            cluster.nodes[slot(node)].as_ref().expect("the node runs").runtime.spawn(async move {
                while changed.changed().await.is_ok() {
                    let _not_the_leader = advance(&eager).await;
                }
            });
        }
        let leader = cluster.await_leader();
        cluster.stop_node(leader);
        cluster.await_leader();
        cluster.start_node(leader);
    }
    cluster.await_leader();
    (1..=3).for_each(|node| cluster.stop_node(node));
    let log = LogDb::open(&data_dir(cluster.dir.path(), 1).join("log"), &Caches::new(8 << 20, 8 << 20)).unwrap();
    let mut terms = BTreeSet::new();
    let commands = read_entries(&log, 2, u64::MAX).unwrap().into_iter().filter(|entry| !entry.data.is_empty());
    for entry in commands {
        // Entries about the cluster have none: they come after the opening, too.
        let body = Command::decode(&entry.data[..]).unwrap().body;
        if terms.insert(entry.term) {
            let opening =
                matches!(body, Some(Body::FoundCluster(_) | Body::Advance(Advance { leaderless_since_ms: Some(_) })));
            assert!(opening, "term {} begins with {body:?}", entry.term);
        }
    }
    assert!(terms.len() >= 4, "{terms:?}");
}

#[test]
fn a_node_that_does_not_lead_names_the_leader_and_its_client_address() {
    let cluster = Cluster::start(1_000);
    let leader = cluster.await_leader();
    let other = if leader == 1 { 2 } else { 1 };
    let refused = cluster.advance(other).unwrap_err();
    let NodeError::NotLeader { leader: Some(named) } = refused else { panic!("not NotLeader: {refused}") };
    assert_eq!(named.node_id, leader);
    assert_eq!(named.client_address, format!("client-of-node-{leader}:7600"));
    assert!(!named.is_self);
}

#[test]
fn leadership_is_handed_over_before_a_node_stops() {
    let mut cluster = Cluster::start(1_000);
    let leader = cluster.await_leader();
    let old = cluster.nodes[slot(leader)].as_ref().expect("the node runs");
    old.runtime.block_on(old.running.hand_over());
    let still_leads = old.running.node().leader().is_some_and(|leader| leader.is_self);
    assert!(!still_leads, "nobody took over while the old leader still ran");
    assert_eq!(cluster.advance(leader), Err(NodeError::Stopping));
    cluster.stop_node(leader);
    assert_ne!(cluster.await_leader(), leader);
}

/// The largest command that a node takes, of which apply uses next to nothing.
fn large_command() -> Command {
    let large = |bytes| Command {
        request_hash: vec![7; bytes],
        body: Some(Body::Advance(Advance::default())),
        id_seed: ulid::Ulid::generate().to_string(),
        ..Command::default()
    };
    // Version and stamp are set by the node.
    let beside = 64;
    large(MAX_COMMAND_BYTES - large(0).encoded_len() - beside)
}

#[test]
fn trap_21_the_largest_commands_reach_a_follower_at_once_and_one_that_was_away() {
    let mut cluster = Cluster::start(10_000);
    cluster.await_leader();
    cluster.stop_node(3);
    let leader = cluster.await_leader();
    for _ in 0..4 {
        cluster.on(leader, cluster.node(leader).propose(large_command())).unwrap();
    }
    let target = cluster.applied(leader);
    cluster.start_node(3);
    eventually("node 3 to catch up", || (cluster.applied(3) >= target).then_some(()));
    assert!(cluster.node(3).status().self_.unwrap().first_index < target - 4, "it came by snapshot");
    let leader = cluster.await_leader();
    cluster.on(leader, cluster.node(leader).propose(large_command())).unwrap();
    let target = cluster.applied(leader);
    eventually("all to follow", || (1..=3).all(|node| cluster.applied(node) >= target).then_some(()));
    let too_large = Command { request_hash: vec![7; MAX_COMMAND_BYTES], ..large_command() };
    assert_eq!(cluster.on(leader, cluster.node(leader).propose(too_large)).unwrap_err(), NodeError::TooLarge);
}

#[test]
fn a_node_that_missed_more_than_the_log_keeps_catches_up_by_snapshot_and_tells_its_watchers() {
    let mut cluster = Cluster::start(200);
    cluster.await_leader();
    cluster.stop_node(3);
    let leader = cluster.await_leader();
    let node = cluster.node(leader);
    cluster.on(leader, async {
        for _ in 0..30 {
            let calls: Vec<_> = (0..100)
                .map(|_| {
                    let node = node.clone();
                    tokio::spawn(async move { advance(&node).await })
                })
                .collect();
            for call in calls {
                call.await.unwrap().unwrap();
            }
        }
    });
    let target = cluster.applied(leader);
    eventually("the leader's compaction", || {
        (cluster.node(leader).status().self_.unwrap().first_index > 2_000).then_some(())
    });
    cluster.start_node(3);
    let mut watcher = cluster.node(3).subscribe(1);
    eventually("node 3 to catch up", || (cluster.applied(3) >= target).then_some(()));
    assert!(cluster.node(3).status().self_.unwrap().first_index > 2_000, "it did not come by snapshot");
    assert!(matches!(cluster.on(3, watcher.next()), Some(Feed::Resync(_))));
    let leader = cluster.await_leader();
    cluster.advance(leader).unwrap();
    cluster.stop_node(3);
    cluster.start_node(3);
    cluster.await_leader();
    assert!(cluster.applied(3) >= target);
}
