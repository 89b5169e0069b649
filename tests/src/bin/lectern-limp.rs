//! Limping nodes: how much one node that is stopped, slow, mute or deaf slows the writes of a cluster of three, and how often a
//! cluster under full load elects a leader although nobody failed. A measurement, on a cluster of its own.
//!
//! ```text
//! lectern-limp                      each kind of limp for 20 seconds, each between two quiet times
//! lectern-limp --full-load 300      five minutes of as much work as the machine does
//! ```
//!
//! The last line is one JSON object. Ends with 1 where the 99th percentile of the writes is more than `--within` times the quiet
//! one.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Parser;
use lectern_client::{Client, ClientOptions, Secret, v1};
use lectern_tests::proxy::Proxy;
use lectern_tests::{Class, Cluster};
use serde_json::{Map, Value, json};

/// The node that limps.
const LAME: u32 = 3;
/// What a slow disk takes longer, in milliseconds, at each sync.
const SLOW_DISK: &str = "50-200";

/// Measure how much limping nodes slow a cluster.
#[derive(Parser)]
struct Args {
    /// How long each quiet and each limping time is.
    #[arg(long, default_value_t = 20, value_name = "SECONDS")]
    seconds: u64,
    /// Who writes at the same time.
    #[arg(long, default_value_t = 8)]
    writers: usize,
    /// How many times the quiet 99th percentile is good enough.
    #[arg(long, default_value_t = 1.5)]
    within: f64,
    /// Instead: so many seconds of full load, counting elections.
    #[arg(long, value_name = "SECONDS")]
    full_load: Option<u64>,
}

/// Writes as they are acknowledged: when each began, and how long it took.
type Writes = Arc<Mutex<Vec<(Instant, Duration)>>>;

/// A way to limp: what it is called, how it begins, and how it ends.
type Limp = (&'static str, fn(&Field), fn(&Field));

/// Three nodes, the third behind proxies in both directions, and people who write.
struct Field {
    class: Class,
    /// What the third node says to the others, and their answers.
    from_lame: Vec<Proxy>,
    /// What the others say to it, and its answers.
    to_lame: Vec<Proxy>,
    sync_file: String,
    /// Of the student for whom everybody writes.
    token: Secret,
    writes: Writes,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    let mut field = Field::prepare();
    let stop = Arc::new(AtomicBool::new(false));
    let writers = args.full_load.map_or(args.writers, |_| args.writers.max(64));
    let writing: Vec<_> = (0..writers).map(|number| runtime.spawn(field.writer(number, &stop))).collect();
    let (result, good) = match args.full_load {
        Some(seconds) => (field.under_full_load(Duration::from_secs(seconds)), true),
        None => field.limp(Duration::from_secs(args.seconds), args.within),
    };
    stop.store(true, Ordering::Relaxed);
    runtime.block_on(async {
        for writer in writing {
            writer.await.expect("no writer panics");
        }
    });
    field.class.cluster.assert_none_stopped();
    say(&result);
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[allow(clippy::print_stdout, reason = "printing it is what the program is for")]
fn say(result: &Value) {
    println!("{result}");
}

impl Field {
    fn prepare() -> Self {
        let mut cluster = Cluster::found(3);
        let sync_file = cluster.path("sync").to_str().expect("UTF-8").to_owned();
        std::fs::write(&sync_file, "").expect("the folder is writable");
        cluster.node_env.push((LAME, "LECTERN_FAULT_LOG_SYNC".into(), format!("@{sync_file}")));
        let tapped = |address: String, of: u32, by: u32| {
            address.replace(&format!(".{of}:7601"), &format!(".{}:7601", 10 * by + of))
        };
        let (mut from_lame, mut to_lame) = (Vec::new(), Vec::new());
        let mut peers = String::from("[peers]\n");
        for other in [1, 2] {
            let direct = cluster.peer_address(other);
            let through = tapped(direct.clone(), other, LAME);
            from_lame.push(Proxy::start(&through, &direct));
            let line = format!("{other} = {through:?}\n");
            peers.push_str(&line);
            let direct = cluster.peer_address(LAME);
            let through = tapped(direct.clone(), LAME, other);
            to_lame.push(Proxy::start(&through, &direct));
            cluster.own_config.push((other, format!("[peers]\n{LAME} = {through:?}\n")));
        }
        cluster.own_config.push((LAME, peers));
        let class = Class::of(cluster);
        class.assignment("hw1", &[]);
        let made = class.student.run(&["token", "create", "writers"]).json();
        let token = Secret::new(made["token"].as_str().expect("a token"));
        Self { class, from_lame, to_lame, sync_file, token, writes: Writes::default() }
    }

    /// Somebody who saves one draft after another.
    fn writer(&self, number: usize, stop: &Arc<AtomicBool>) -> impl Future<Output = ()> + Send + use<> {
        let endpoints = self.class.cluster.endpoints();
        let client = Client::connect(ClientOptions::new(endpoints.split(',')).with_token(Some(self.token.clone())))
            .expect("addresses");
        let (writes, stop) = (Arc::clone(&self.writes), Arc::clone(stop));
        async move {
            let mut round = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                round += 1;
                let request = v1::SaveDraftRequest {
                    course: "cs101".into(),
                    assignment: "hw1".into(),
                    text: format!("writer {number}, round {round}"),
                    ..Default::default()
                };
                let began = Instant::now();
                match client.call(request).await {
                    Ok(_) => {
                        let mut writes = writes.lock().unwrap_or_else(PoisonError::into_inner);
                        writes.push((began, began.elapsed()));
                    }
                    Err(error) => eprintln!("writer {number}: {error}"),
                }
            }
        }
    }

    /// Each kind of limp between two quiet times.
    fn limp(&mut self, time: Duration, within: f64) -> (Value, bool) {
        let kinds: [Limp; 4] = [
            (
                "stopped",
                |field| field.class.cluster.signal(LAME, "STOP"),
                |field| field.class.cluster.signal(LAME, "CONT"),
            ),
            ("slow_disk", |field| field.slow_disk(SLOW_DISK), |field| field.slow_disk("")),
            ("mute", Self::mute, Self::heal),
            ("deaf", Self::deafen, Self::heal),
        ];
        self.measure(Duration::from_secs(2));
        let (mut limps, mut good) = (Map::new(), true);
        for (name, begin, end) in kinds {
            self.lead_elsewhere();
            let before = self.measure(time);
            begin(self);
            let term = self.term();
            let limping = self.measure(time);
            let elections = self.term() - term;
            end(self);
            self.class.cluster.await_caught_up();
            let after = self.measure(time);
            let quiet = percentile([before, after].concat(), 99);
            let (writes, p99) = (limping.len(), percentile(limping, 99));
            let ratio = p99.as_secs_f64() / quiet.as_secs_f64();
            good &= ratio <= within && writes > 0;
            eprintln!(
                "{name}: p99 {p99:.1?}, quiet {quiet:.1?}: {ratio:.2} times, {writes} writes, {elections} elections"
            );
            let figures = json!({
                "quiet_p99_ms": milliseconds(quiet), "p99_ms": milliseconds(p99), "ratio": (ratio * 100.0).round() / 100.0,
                "writes": writes, "elections": elections,
            });
            limps.insert(name.into(), figures);
        }
        (json!({"limps": limps, "within": within, "good": good}), good)
    }

    fn under_full_load(&mut self, time: Duration) -> Value {
        self.measure(Duration::from_secs(2));
        let term = self.term();
        let writes = self.measure(time);
        let elections = self.term() - term;
        let (count, p50, p99) = (writes.len(), percentile(writes.clone(), 50), percentile(writes, 99));
        eprintln!("{count} writes in {time:.0?}: p50 {p50:.1?}, p99 {p99:.1?}, {elections} elections");
        json!({"full_load": {
            "seconds": time.as_secs(), "writes": count, "p50_ms": milliseconds(p50), "p99_ms": milliseconds(p99),
            "elections": elections,
        }})
    }

    /// The writes of so much time from now.
    fn measure(&self, time: Duration) -> Vec<Duration> {
        let began = Instant::now();
        std::thread::sleep(time);
        let mut writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that ended in this time: what hangs when a limp begins is counted in it.
        let taken = writes.drain(..).filter(|(at, took)| *at + *took >= began);
        taken.map(|(_, took)| took).collect()
    }

    /// The lame node follows.
    fn lead_elsewhere(&mut self) {
        while self.class.cluster.await_leader() == LAME {
            self.class.cluster.terminate(LAME);
            self.class.cluster.start_node(LAME);
            self.class.cluster.await_caught_up();
        }
    }

    fn slow_disk(&self, milliseconds: &str) {
        std::fs::write(&self.sync_file, milliseconds).expect("the folder is writable");
    }

    /// Nobody hears the lame node, and it hears everybody.
    fn mute(&self) {
        self.from_lame.iter().for_each(Proxy::swallow_calls);
        self.to_lame.iter().for_each(Proxy::swallow_replies);
    }

    /// It hears nobody, and everybody hears it.
    fn deafen(&self) {
        self.from_lame.iter().for_each(Proxy::swallow_replies);
        self.to_lame.iter().for_each(Proxy::swallow_calls);
    }

    fn heal(&self) {
        self.from_lame.iter().chain(&self.to_lame).for_each(Proxy::cut_and_heal);
    }

    fn term(&self) -> u64 {
        self.class.cluster.status()["term"].as_u64().expect("a term")
    }
}

/// By the nearest rank; zero of nothing.
fn percentile(mut times: Vec<Duration>, percent: usize) -> Duration {
    times.sort_unstable();
    let rank = (times.len() * percent).div_ceil(100).saturating_sub(1);
    times.get(rank).copied().unwrap_or_default()
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}
