//! What it costs the others when a node that missed more than the log keeps catches up, on a cluster of three with gigabytes of
//! submitted files.
//!
//! Twice: first the node has none of the files, then all but the newest. While it catches up, small writes go on; they are
//! compared with those of a quiet time before.

use std::error::Error;
use std::fs;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clap::Parser;
use lectern_client::{Client, ClientOptions, Secret, v1};
use lectern_tests::cluster::{Cluster, make_file};
use lectern_tests::{Class, Person, wait};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const MIB: u64 = 1 << 20;
/// The files that students hand in.
const FILE_MIB: u64 = 64;
/// A student's quota is 1 GiB.
const FILES_PER_STUDENT: u64 = 12;
/// Students that save drafts while it is measured.
const WRITERS: usize = 4;
/// Between two drafts of one of them.
const PACE: Duration = Duration::from_millis(40);
const LOOK: Duration = Duration::from_millis(100);
/// Filling and catching up with gigabytes takes its time.
const PATIENCE: Duration = Duration::from_hours(1);
/// The node that is behind.
const BEHIND: u32 = 3;
/// What the node has of the files when it comes back.
const SLOTS: [&str; 2] = ["it_has_nothing", "it_has_all_but_the_newest"];

/// Measure how a node catches up by a snapshot. Data goes to the folder for temporary files (TMPDIR).
#[derive(Parser)]
struct Args {
    /// MiB of files that are handed in while the node is away for the first time.
    #[arg(long, default_value_t = 2_176)]
    whole_mib: u64,
    /// MiB of files that are handed in while it is away again.
    #[arg(long, default_value_t = 128)]
    part_mib: u64,
    /// Seconds of quiet to compare with.
    #[arg(long, default_value_t = 30)]
    quiet_seconds: u64,
    /// Lines of the nodes' configuration within `[limits]`.
    #[arg(long = "limit")]
    limits: Vec<String>,
}

#[allow(clippy::print_stdout, reason = "printing it is what the program is for")]
fn main() -> ExitCode {
    match measure(&Args::parse()) {
        Ok((figures, good)) => {
            println!("{figures:#}");
            if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("error: the measurement could not be made: {error}");
            ExitCode::from(2)
        }
    }
}

/// The figures, and whether they are good enough.
fn measure(args: &Args) -> Outcome<(Value, bool)> {
    let mut cluster = Cluster::found(3);
    cluster.extra_config = format!("[limits]\nlog_keep_mib = 64\n{}\n", args.limits.join("\n"));
    let mut scene = Scene { class: Class::of(cluster), runtime: Runtime::new()?, handed_in: 0, writers: Vec::new() };
    scene.class.assignment("work", &[]);
    for number in 0..WRITERS {
        let student = scene.class.another_student(&format!("writer{number}"));
        scene.writers.push(client(&student, &scene.class.cluster.endpoints())?);
    }
    let mut figures = serde_json::Map::new();
    let mut good = true;
    for (slot, mib) in SLOTS.into_iter().zip([args.whole_mib, args.part_mib]) {
        scene.miss(mib)?;
        let (found, is_good) = scene.catch_up(Duration::from_secs(args.quiet_seconds))?;
        figures.insert(slot.into(), found);
        good &= is_good;
    }
    Ok((Value::Object(figures), good))
}

struct Scene {
    class: Class,
    runtime: Runtime,
    /// Files so far.
    handed_in: u64,
    writers: Vec<Client>,
}

/// What was seen of one node while another caught up.
#[derive(Default)]
struct Watched {
    resident_before: u64,
    resident_most: u64,
    transfer: v1::SnapshotTransfer,
}

impl Watched {
    fn see(&mut self, status: &v1::NodeStatus) {
        if self.resident_before == 0 {
            self.resident_before = status.resident_bytes;
        }
        self.resident_most = self.resident_most.max(status.resident_bytes);
        if let Some(transfer) = status.snapshots.first() {
            self.transfer = *transfer;
        }
    }

    fn grew_mib(&self) -> f64 {
        mib(self.resident_most.saturating_sub(self.resident_before))
    }
}

impl Scene {
    /// Students hand in so many MiB of files that nobody has.
    fn hand_in(&mut self, mib: u64) -> Outcome<()> {
        let files: Vec<u64> = (0..mib.div_ceil(FILE_MIB)).map(|file| self.handed_in + file).collect();
        self.handed_in += files.len() as u64;
        for some in files.chunks(usize::try_from(FILES_PER_STUDENT)?) {
            let student = self.class.another_student(&format!("student{}", some[0]));
            for file in some {
                let path = self.class.cluster.path("work.bin");
                // Odd, because `make_file` makes seeds odd: no two files share a chunk.
                make_file(&path, usize::try_from(FILE_MIB * MIB)?, 2 * file + 1);
                student.run(&["submit", "cs101/work", path.to_str().ok_or("the folder's name is not UTF-8")?]).ok();
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn status(&self, node: u32) -> Option<v1::NodeStatus> {
        let address = self.class.cluster.address(node);
        let client = Client::connect(ClientOptions::new([address.clone()])).ok()?;
        self.runtime.block_on(client.status_of(&address)).ok()?.self_
    }

    /// Hands in so many MiB while the node is away, until the others' log begins after what it has.
    fn miss(&mut self, mib: u64) -> Outcome<()> {
        self.class.cluster.await_caught_up();
        let missed_from = self.status(BEHIND).ok_or("the node is gone")?.applied_index;
        self.class.cluster.terminate(BEHIND);
        let leader = self.class.cluster.await_leader();
        self.hand_in(mib)?;
        wait::until("the log to begin later", PATIENCE, || {
            (self.status(leader)?.first_index > missed_from).then_some(())
        });
        Ok(())
    }

    /// Starts the node, and watches how it catches up while small writes go on.
    fn catch_up(&mut self, quiet_time: Duration) -> Outcome<(Value, bool)> {
        let leader = self.class.cluster.await_leader();
        let quiet = self.write_for(|| std::thread::sleep(quiet_time));
        let elections_before = self.elections();
        let (mut sender, mut receiver) = (Watched::default(), Watched::default());
        sender.see(&self.status(leader).ok_or("the leader is gone")?);
        let target = self.status(leader).ok_or("the leader is gone")?.commit_index;
        let sent_before = self.counter(leader, "lectern_snapshot_bytes_total{direction=\"sent\"}");
        self.class.cluster.start_node(BEHIND);
        let began = Instant::now();
        let loaded = self.write_for(|| {
            wait::until("the node to catch up", PATIENCE, || {
                if let Some(status) = self.status(leader) {
                    sender.see(&status);
                }
                let status = self.status(BEHIND)?;
                receiver.see(&status);
                std::thread::sleep(LOOK);
                (status.applied_index >= target).then_some(())
            });
        });
        let seconds = began.elapsed().as_secs_f64();
        let sent = self.counter(leader, "lectern_snapshot_bytes_total{direction=\"sent\"}") - sent_before;
        let elections = self.elections() - elections_before;
        let p99_factor = loaded.p99_ms() / quiet.p99_ms();
        let good = elections == 0 && p99_factor <= 2.0 && sender.grew_mib().max(receiver.grew_mib()) <= 64.0;
        let figures = json!({
            "seconds": rounded(seconds),
            "sent_mib": mib(sent),
            "saved_mib": mib(receiver.transfer.bytes_saved),
            "mib_per_second": rounded(mib(sent) / seconds),
            "elections": elections,
            "quiet": quiet.figures(),
            "while_it_catches_up": loaded.figures(),
            "p99_factor": rounded(p99_factor),
            "sender_grew_mib": sender.grew_mib(),
            "receiver_grew_mib": receiver.grew_mib(),
        });
        Ok((figures, good))
    }

    /// Elections that any node began.
    fn elections(&self) -> u64 {
        (1..=3).filter_map(|node| Some(self.status(node)?.elections_total)).sum()
    }

    fn counter(&self, node: u32, name: &str) -> u64 {
        let metrics = self.class.cluster.metrics(node);
        metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).unwrap_or_default()
    }

    /// Students save drafts as long as `meanwhile` lasts.
    fn write_for(&self, meanwhile: impl FnOnce()) -> Latencies {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::new(Mutex::new(Latencies::default()));
        let writers: Vec<_> = self
            .writers
            .iter()
            .map(|client| self.runtime.spawn(write(client.clone(), stop.clone(), seen.clone())))
            .collect();
        meanwhile();
        stop.store(true, Ordering::Relaxed);
        for writer in writers {
            self.runtime.block_on(writer).expect("no writer panics");
        }
        let mut seen = std::mem::take(&mut *seen.lock().expect("no writer panics"));
        seen.millis.sort_by(f64::total_cmp);
        seen
    }
}

/// How long small writes took.
#[derive(Default)]
struct Latencies {
    millis: Vec<f64>,
    failed: u64,
}

impl Latencies {
    fn percentile(&self, percent: usize) -> f64 {
        let rank = (self.millis.len() * percent).div_ceil(100).saturating_sub(1);
        self.millis.get(rank).copied().unwrap_or(f64::NAN)
    }

    fn p99_ms(&self) -> f64 {
        self.percentile(99)
    }

    fn figures(&self) -> Value {
        json!({
            "writes": self.millis.len(),
            "failed": self.failed,
            "p50_ms": rounded(self.percentile(50)),
            "p99_ms": rounded(self.p99_ms()),
            "longest_ms": rounded(self.percentile(100)),
        })
    }
}

async fn write(client: Client, stop: Arc<AtomicBool>, seen: Arc<Mutex<Latencies>>) {
    let mut ticks = tokio::time::interval(PACE);
    let mut round = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        ticks.tick().await;
        round += 1;
        let request = v1::SaveDraftRequest {
            course: "cs101".into(),
            assignment: "work".into(),
            text: format!("round {round}"),
            ..Default::default()
        };
        let began = Instant::now();
        let saved = client.call(request).await;
        let mut seen = seen.lock().expect("no writer panics");
        match saved {
            Ok(_) => seen.millis.push(began.elapsed().as_secs_f64() * 1_000.0),
            Err(_) => seen.failed += 1,
        }
    }
}

fn client(person: &Person, endpoints: &str) -> Outcome<Client> {
    let made = person.run(&["token", "create", "library"]).json();
    let token = Secret::new(made["token"].as_str().ok_or("no token was made")?);
    Ok(Client::connect(ClientOptions::new(endpoints.split(',')).with_token(Some(token)))?)
}

#[allow(clippy::cast_precision_loss, reason = "for people")]
fn mib(bytes: u64) -> f64 {
    rounded(bytes as f64 / MIB as f64)
}

fn rounded(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}
