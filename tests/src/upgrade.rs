//! A rolling upgrade: from one release of `lectern-server` to another, node by node, while people hand in work; then everything
//! that was acknowledged must be there, once, and the cluster at the new release's feature level.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lectern_client::{Client, ClientOptions, Secret, v1};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::cluster::PATIENCE;
use crate::{Class, Cluster, wait};

/// A release of `lectern-server`.
#[derive(Clone, Debug)]
pub struct Release {
    /// The program; `None` for the one that was built here.
    pub program: Option<PathBuf>,
    /// The newest feature level it is to understand, where that is not to be its own.
    pub max_level: Option<u32>,
}

/// What came of it.
#[derive(Debug)]
pub struct Upgraded {
    /// Submissions that were acknowledged.
    pub acknowledged: usize,
    /// … of which so many are not there.
    pub lost: usize,
    /// Texts that are there more than once.
    pub doubled: usize,
    /// The longest time between two acknowledgements.
    pub longest_pause: Duration,
    /// The cluster's feature level before and after.
    pub levels: (u32, u32),
    /// What the old release says about the new state, where the level was raised.
    pub old_says: Option<String>,
}

/// Acknowledged submissions: text by id; and when each acknowledgement came.
#[derive(Default)]
struct Tally {
    acknowledged: BTreeMap<String, String>,
    times: Vec<Instant>,
}

struct Writers {
    stop: Arc<AtomicBool>,
    tally: Arc<Mutex<Tally>>,
    running: Vec<JoinHandle<()>>,
}

/// Upgrades a cluster of so many nodes. Panics where a node stops that should not, or anything takes too long.
pub fn upgrade(nodes: u32, old: &Release, new: &Release) -> Upgraded {
    let mut cluster = Cluster::found_by(nodes, old.program.clone());
    (1..=nodes).for_each(|node| run_release(&mut cluster, node, old));
    let mut class = Class::of(cluster);
    class.assignment("hw1", &[]);
    let runtime = Runtime::new().expect("a runtime");
    let before = level(&class, &runtime);
    let writers = Writers::start(&class, &runtime, 4);
    for node in order(&mut class, nodes) {
        writers.await_more(50);
        // It hands leadership over before it goes.
        let code = class.cluster.terminate(node);
        assert_eq!(code, Some(0), "node {node}:\n{}", class.cluster.log(node));
        run_release(&mut class.cluster, node, new);
        class.cluster.start_node(node);
        class.cluster.await_caught_up();
    }
    let wanted = new.max_level.unwrap_or(before);
    let after =
        wait::until("the new feature level", PATIENCE, || Some(level(&class, &runtime)).filter(|it| *it >= wanted));
    writers.await_more(50);
    let tally = writers.finish(&runtime);
    let stored = stored(&class, &runtime);
    let mut by_text: BTreeMap<&str, usize> = BTreeMap::new();
    for text in stored.values() {
        *by_text.entry(text).or_default() += 1;
    }
    let old_says = (after > before).then(|| go_back(&mut class, old));
    Upgraded {
        acknowledged: tally.acknowledged.len(),
        lost: tally.acknowledged.iter().filter(|(id, text)| stored.get(*id) != Some(text)).count(),
        doubled: by_text.values().filter(|count| **count > 1).count(),
        longest_pause: tally.times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default(),
        levels: (before, after),
        old_says,
    }
}

/// The leader last, so that leadership is handed over once.
fn order(class: &mut Class, nodes: u32) -> Vec<u32> {
    let leader = class.cluster.await_leader();
    (1..=nodes).filter(|node| *node != leader).chain([leader]).collect()
}

/// The node is started as this release from here on.
fn run_release(cluster: &mut Cluster, node: u32, release: &Release) {
    const LEVEL: &str = "LECTERN_FAULT_MAX_FEATURE_LEVEL";
    cluster.programs.retain(|(of, _)| *of != node);
    cluster.programs.extend(release.program.clone().map(|program| (node, program)));
    cluster.node_env.retain(|(of, key, _)| (*of, key.as_str()) != (node, LEVEL));
    cluster.node_env.extend(release.max_level.map(|level| (node, LEVEL.to_owned(), level.to_string())));
}

/// Starts one node as the old release again, which must not run on a state it does not understand; what it says.
fn go_back(class: &mut Class, old: &Release) -> String {
    let node = order(class, 1)[0];
    class.cluster.terminate(node);
    run_release(&mut class.cluster, node, old);
    class.cluster.start_node(node);
    wait::until("the old release to stop", PATIENCE, || (!class.cluster.runs(node)).then_some(()));
    let status = class.cluster.collect(node);
    assert!(!status.success(), "the old release runs on a state it does not understand");
    class.cluster.log(node).lines().last().unwrap_or_default().to_owned()
}

fn client(class: &Class) -> Client {
    let made = class.student.run(&["token", "create", &lectern_client::new_key()]).json();
    let token = Secret::new(made["token"].as_str().expect("a token"));
    let endpoints = class.cluster.endpoints();
    Client::connect(ClientOptions::new(endpoints.split(',')).with_token(Some(token))).expect("the addresses make sense")
}

/// The cluster's feature level, as a node has applied it.
fn level(class: &Class, runtime: &Runtime) -> u32 {
    runtime.block_on(client(class).status()).expect("a node answers").feature_level
}

impl Writers {
    fn start(class: &Class, runtime: &Runtime, count: usize) -> Self {
        let (stop, tally) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Tally::default())));
        let write = |writer| runtime.spawn(write(client(class), writer, Arc::clone(&stop), Arc::clone(&tally)));
        let running = (0..count).map(write).collect();
        Self { stop, tally, running }
    }

    /// Waits for so many further acknowledgements.
    fn await_more(&self, count: usize) {
        let acknowledged = || self.tally.lock().unwrap_or_else(PoisonError::into_inner).times.len();
        let before = acknowledged();
        wait::until("work to be acknowledged", PATIENCE, || (acknowledged() >= before + count).then_some(()));
    }

    fn finish(self, runtime: &Runtime) -> Tally {
        self.stop.store(true, Ordering::Relaxed);
        runtime.block_on(async {
            for writer in self.running {
                writer.await.expect("no call failed");
            }
        });
        std::mem::take(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Hands in one text after another until told to stop; every call has to succeed within the client's own patience.
async fn write(client: Client, writer: usize, stop: Arc<AtomicBool>, tally: Arc<Mutex<Tally>>) {
    let mut round = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        round += 1;
        let text = format!("writer {writer}, round {round}");
        let request = v1::SubmitRequest {
            course: "cs101".into(),
            assignment: "hw1".into(),
            text: text.clone(),
            ..Default::default()
        };
        let answer = client.call(request).await.unwrap_or_else(|error| panic!("{text}: {error}"));
        let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.acknowledged.insert(answer.submission.expect("submitted").submission_id, text);
        tally.times.push(Instant::now());
    }
}

/// Every stored submission: text by id.
fn stored(class: &Class, runtime: &Runtime) -> BTreeMap<String, String> {
    let client = client(class);
    runtime.block_on(async {
        let (mut stored, mut page_token) = (BTreeMap::new(), String::new());
        loop {
            let request = v1::ListAttemptsRequest {
                course: "cs101".into(),
                assignment: "hw1".into(),
                page_size: 500,
                page_token,
                ..Default::default()
            };
            let page = client.call(request).await.expect("a majority is up");
            stored.extend(page.attempts.into_iter().map(|attempt| (attempt.submission_id, attempt.text)));
            if page.next_page_token.is_empty() {
                return stored;
            }
            page_token = page.next_page_token;
        }
    })
}
