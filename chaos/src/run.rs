//! A run from the founding of its cluster to the judgement.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::call::Nodes;
use crate::check::Finding;
use crate::cluster::Cluster;
use crate::nemesis::Nemesis;
use crate::network::kernel::Kernel;
use crate::network::{Addresses, Network};
use crate::options::Options;
use crate::plan::Plan;
use crate::report::Report;
use crate::round::{Judged, Round, lock};
use crate::school::School;
use crate::service::{Question, Service};
use crate::workload::{Client, World};

/// A cluster elects, and answers, within this at the latest.
const PATIENCE: Duration = Duration::from_secs(30);
/// A round lasts at least so long.
const ROUND: Duration = Duration::from_secs(15);
/// Rounds of a run at most: each has an assignment, and a course takes a thousand.
const ROUNDS: u32 = 800;
/// Operations on registers after which a round ends early.
const ROUND_OPERATIONS: usize = 12_000;
const PROGRESS: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(100);
/// Who looks at everything once more at the end.
const LOOKERS: u32 = 16;

/// Runs, and says what came of it. The run ends when standard input does.
pub fn run(options: &Options, seed: u64, isolated: bool) -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return cannot(&error.to_string()),
    };
    let came = runtime.block_on(async {
        tokio::select! {
            came = whole(options, seed, isolated) => Some(came),
            () = leash() => None,
        }
    });
    // Whatever still runs in the background belongs to a cluster that is gone.
    runtime.shutdown_background();
    match came {
        Some(Ok(report)) if report.is_clean() => ExitCode::SUCCESS,
        Some(Ok(_)) => ExitCode::FAILURE,
        Some(Err(why)) => cannot(&why),
        None => ExitCode::from(130),
    }
}

fn cannot(why: &str) -> ExitCode {
    eprintln!("error: the run could not be made: {why}");
    ExitCode::from(2)
}

/// Comes to an end when standard input does.
async fn leash() {
    let (let_go, gone) = oneshot::channel();
    std::thread::spawn(move || {
        // Nothing is ever written to it.
        let _ = std::io::stdin().lock().read_to_end(&mut Vec::new());
        let _ = let_go.send(());
    });
    let _ = gone.await;
}

/// Where the cluster lives.
enum Home {
    Temporary(tempfile::TempDir),
    Given(PathBuf),
}

impl Home {
    fn open(dir: Option<&Path>) -> Result<Self, String> {
        match dir {
            Some(dir) => {
                std::fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
                let path = dir.canonicalize().map_err(|error| format!("{}: {error}", dir.display()))?;
                Ok(Self::Given(path))
            }
            None => tempfile::tempdir().map(Self::Temporary).map_err(|error| format!("a temporary folder: {error}")),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Temporary(dir) => dir.path(),
            Self::Given(path) => path,
        }
    }

    /// It stays after the run.
    fn keep(self) -> PathBuf {
        match self {
            Self::Temporary(dir) => dir.keep(),
            Self::Given(path) => path,
        }
    }
}

fn addresses(nodes: u32, isolated: bool) -> Addresses {
    // On a machine's own loopback several runs live side by side.
    let pid = std::process::id();
    let net = if isolated { "127.77.0".into() } else { format!("127.{}.{}", 100 + pid % 100, pid / 100 % 254 + 1) };
    Addresses::new(net, nodes)
}

/// Everything a run is made of.
struct Stage {
    world: Arc<World<School>>,
    cluster: Arc<Mutex<Cluster>>,
    nodes: Nodes,
    nemesis: Nemesis<School>,
    isolated: bool,
}

async fn whole(options: &Options, seed: u64, isolated: bool) -> Result<Report, String> {
    let home = Home::open(options.dir.as_deref())?;
    let mut stage = found(options, home.path(), isolated).await?;
    eprintln!("seed {seed}: {} nodes, {} clients, {}", options.nodes, options.clients, stage.nemesis.words());
    let worked = storm(&mut stage, options, seed).await;
    let (report, findings) = conclude(stage, options, seed, worked, &home).await;
    for finding in &findings {
        eprintln!("\nviolation: {finding}");
    }
    if !findings.is_empty() {
        eprintln!("data and logs of the nodes are kept in {}", home.keep().display());
    }
    show(&report, options.json);
    Ok(report)
}

#[allow(clippy::print_stdout, reason = "printing it is what the program is for")]
fn show(report: &Report, json: bool) {
    if json {
        eprint!("\n{report}");
        println!("{}", report.json());
    } else {
        print!("\n{report}");
    }
}

/// A cluster that runs, with a course on it, and a first round.
async fn found(options: &Options, home: &Path, isolated: bool) -> Result<Stage, String> {
    let addresses = addresses(options.nodes, isolated);
    let kernel = if isolated {
        let kernel = Kernel::build(&addresses)?;
        match Kernel::has_nft() {
            Ok(()) => Some(kernel),
            Err(why) => {
                eprintln!("note: no nft ({why}): partitions through proxies, no packet loss");
                None
            }
        }
    } else {
        None
    };
    let network = Network::open(&addresses, kernel).await.map_err(|error| error.to_string())?;
    let server = program(options)?;
    let cluster = Arc::new(Mutex::new(Cluster::found(home, &server, &addresses, (isolated, options.tls))?));
    for node in 1..=options.nodes {
        lock(&cluster).start(node)?;
    }
    let trust = lock(&cluster).trust()?;
    let nodes = Nodes::new(&addresses, &trust)?;
    let begun = Instant::now();
    while nodes.leader().await.is_none() {
        if begun.elapsed() > PATIENCE {
            return Err(format!("no leader {PATIENCE:?} after the founding"));
        }
        tokio::time::sleep(POLL).await;
    }
    let code = lock(&cluster).admin_code()?;
    let world = Arc::new(World::new(School::found(&addresses, &trust, nodes.clone(), &code).await?));
    world.next_round().await?;
    let nemesis = Nemesis::new(Arc::clone(&world), Arc::clone(&cluster), network, nodes.clone(), addresses);
    Ok(Stage { world, cluster, nodes, nemesis, isolated })
}

fn program(options: &Options) -> Result<PathBuf, String> {
    const NAME: &str = "lectern-server";
    if let Some(bin) = &options.bin {
        return Ok(bin.join(NAME));
    }
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    own.parent().map(|bin| bin.join(NAME)).ok_or_else(|| "this program is in no folder".into())
}

/// Clients and faults, for as long as was asked for. Returns for how long clients worked, and how long the cluster took to
/// take writes again.
async fn storm(stage: &mut Stage, options: &Options, seed: u64) -> (Duration, Duration) {
    let world = Arc::clone(&stage.world);
    let mut clients = JoinSet::new();
    for number in 1..=options.clients {
        clients.spawn(Client::new(Arc::clone(&world), number, seed).work());
    }
    let begun = Instant::now();
    let length = options.length();
    let nemesis = &mut stage.nemesis;
    let faults = async {
        for episode in Plan::new(seed, length, &options.faults) {
            if begun.elapsed() >= length || !lock(&world.findings).is_empty() {
                break;
            }
            nemesis.play(&episode).await;
        }
    };
    tokio::select! {
        () = faults => {}
        () = watch(&world, &stage.cluster) => {}
        () = change_rounds(&world, length) => {}
        () = tell(&world) => {}
    }
    let recovered = recover(stage).await;
    world.pulse.rest();
    world.stop();
    let worked = begun.elapsed();
    while let Some(client) = clients.join_next().await {
        if let Err(error) = client {
            world.find(Finding::new("a client", error.to_string(), Vec::new()));
        }
    }
    let recovery = recovered.unwrap_or_else(|why| {
        world.find(Finding::new("the healed cluster", why, Vec::new()));
        PATIENCE
    });
    (worked, recovery)
}

/// Looks after the processes, for ever: none may end by itself.
async fn watch(world: &World<School>, cluster: &Mutex<Cluster>) {
    loop {
        for (node, why) in lock(cluster).fallen() {
            world.find(Finding::new(&format!("node {node}"), why, Vec::new()));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Opens a round after the other, for ever, and judges those that are over.
async fn change_rounds(world: &Arc<World<School>>, length: Duration) {
    let long = ROUND.max(length / ROUNDS);
    loop {
        let begun = Instant::now();
        let current = lock(&world.rounds).last().cloned();
        while begun.elapsed() < long && current.as_ref().is_none_or(|round| round.operations() < ROUND_OPERATIONS) {
            tokio::time::sleep(POLL).await;
        }
        // Without a majority at the moment the round goes on.
        let Ok(before) = world.next_round().await else { continue };
        let Some(round) = before else { continue };
        let closed = round.close().await;
        let judged = tokio::task::spawn_blocking(move || {
            let judged = round.judge();
            drop(closed);
            (round.number, judged)
        });
        match judged.await {
            Ok((_, judged)) if judged.findings.is_empty() => {}
            Ok((number, judged)) => {
                eprintln!("{} violations in round {number}: the run ends early", judged.findings.len());
                judged.findings.into_iter().for_each(|finding| world.find(finding));
            }
            Err(error) => world.find(Finding::new("the judgement", error.to_string(), Vec::new())),
        }
    }
}

/// Says how it goes, for ever.
async fn tell(world: &World<School>) {
    let mut before = 0;
    loop {
        tokio::time::sleep(PROGRESS).await;
        let now = Duration::from_nanos(world.clock.now()).as_secs_f64();
        let operations = world.operations.load(Ordering::Relaxed);
        let rate = (operations - before) / PROGRESS.as_secs();
        let round = lock(&world.rounds).len();
        eprintln!("{now:>7.1} s  {operations} operations, {rate} a second; round {round}");
        before = operations;
    }
}

/// Heals everything and waits until each node takes a write.
async fn recover(stage: &mut Stage) -> Result<Duration, String> {
    stage.nemesis.heal()?;
    let begun = Instant::now();
    let round = lock(&stage.world.rounds).last().cloned().ok_or("no round was opened")?;
    for node in 1..=stage.nodes.count() {
        while !stage.world.write_through(&round, 0, node).await {
            if begun.elapsed() > PATIENCE {
                return Err(format!("node {node} took no write within {PATIENCE:?} after all faults had ended"));
            }
            tokio::time::sleep(POLL).await;
        }
    }
    Ok(begun.elapsed())
}

/// Looks at everything once more, on every node, and judges the run as a whole.
async fn conclude(
    stage: Stage,
    options: &Options,
    seed: u64,
    (worked, recovery): (Duration, Duration),
    home: &Home,
) -> (Report, Vec<Finding>) {
    let world = &stage.world;
    eprintln!("reading everything on every node …");
    look_again(world).await;
    for (node, line) in lock(&stage.cluster).panics() {
        world.find(Finding::new(&format!("node {node}"), format!("it panicked: {line}"), Vec::new()));
    }
    let rounds = lock(&world.rounds).clone();
    let judged = tokio::task::spawn_blocking(move || judge(&rounds)).await.unwrap_or_else(|error| Judged {
        findings: vec![Finding::new("the judgement", error.to_string(), Vec::new())],
        ..Judged::default()
    });
    let mut findings = lock(&world.findings).clone();
    for finding in judged.findings {
        if findings.iter().all(|known| known.key != finding.key) {
            findings.push(finding);
        }
    }
    let (longest_pause, longest_pause_with_majority) = world.pulse.longest();
    let mut term = 0;
    for node in 1..=stage.nodes.count() {
        term = stage.nodes.status(node).await.map_or(term, |status| status.term.max(term));
    }
    let report = Report {
        seed,
        nodes: options.nodes,
        worked,
        network: if stage.isolated { "namespaces" } else { "proxies" },
        operations: judged.operations,
        unknown: world.unknown.load(Ordering::Relaxed),
        acknowledged: world.pulse.acknowledged(),
        keys: judged.keys,
        faults: stage.nemesis.tally.clone(),
        violations: u64::try_from(findings.len()).unwrap_or(u64::MAX),
        undecided: judged.undecided,
        longest_pause,
        longest_pause_with_majority,
        term,
        recovery,
    };
    if !findings.is_empty() {
        let mut cluster = lock(&stage.cluster);
        cluster.kill_all();
        if let Err(why) = cluster.keep_evidence() {
            eprintln!("the data of the nodes could not be kept in {}: {why}", home.path().display());
        }
    }
    (report, findings)
}

/// Judges every round, as many at a time as there are processors.
fn judge(rounds: &[Arc<Round>]) -> Judged {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = rounds.len().div_ceil(threads).max(1);
    let mut whole = Judged::default();
    std::thread::scope(|scope| {
        let parts: Vec<_> = rounds
            .chunks(share)
            .map(|part| scope.spawn(|| part.iter().map(|round| round.judge()).collect::<Vec<_>>()))
            .collect();
        for part in parts {
            part.join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                .into_iter()
                .for_each(|one| whole.add(one));
        }
    });
    whole
}

/// Reads all keys of all rounds through every node; one that cannot be read is a violation.
async fn look_again(world: &Arc<World<School>>) {
    let rounds = lock(&world.rounds).clone();
    let nodes = world.service.nodes();
    let all: Vec<(Arc<Round>, Question, u32)> = rounds
        .iter()
        .flat_map(|round| round.questions().into_iter().map(move |question| (round, question)))
        .flat_map(|(round, question)| (1..=nodes).map(move |node| (Arc::clone(round), question, node)))
        .collect();
    let left = Arc::new(Mutex::new(all));
    let mut lookers = JoinSet::new();
    for looker in 0..LOOKERS {
        let (world, left) = (Arc::clone(world), Arc::clone(&left));
        lookers.spawn(async move {
            loop {
                let next = lock(&left).pop();
                let Some((round, question, node)) = next else { break };
                look_until(&world, &round, looker, node, question).await;
            }
        });
    }
    while let Some(looked) = lookers.join_next().await {
        if let Err(error) = looked {
            world.find(Finding::new("the last look", error.to_string(), Vec::new()));
        }
    }
}

async fn look_until(world: &World<School>, round: &Round, client: u32, node: u32, question: Question) {
    let begun = Instant::now();
    while let Err(why) = world.look(round, client, node, question).await {
        if begun.elapsed() > PATIENCE {
            let what = format!("it could not be read through node {node} within {PATIENCE:?}: {why}");
            world.find(Finding::new(&format!("{question:?}"), what, Vec::new()));
            return;
        }
        tokio::time::sleep(POLL).await;
    }
}
