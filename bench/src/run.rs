//! One run: every load on either system in turn, then what has a shape of its own.

use std::path::Path;
use std::time::Duration;

use lectern_rpc::v1::cluster_service_client::ClusterServiceClient;
use tokio::runtime::Runtime;
use tonic::transport::Endpoint;

use crate::caller::{Caller, Work};
use crate::empty::{self, EmptyServer};
use crate::etcd::Etcd;
use crate::figures::{Figures, median, ratio};
use crate::lectern::Lectern;
use crate::report::{Comparison, load_head, load_line, shown};
use crate::system::{CONNECTIONS, End, NODES, PATIENCE, System, callers};
use crate::{Outcome, load, machine, pause, say, upload};

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Turns of each load on each system.
    turns: u32,
    /// How long one turn is measured.
    turn: Duration,
    /// Ends of a leader, by each signal.
    ends: u32,
}

impl Extent {
    /// Under ten minutes.
    pub const QUICK: Self = Self { turns: 2, turn: Duration::from_secs(4), ends: 3 };
    /// What the targets are about.
    pub const FULL: Self = Self { turns: 4, turn: Duration::from_secs(10), ends: 20 };
}

/// A load: its name, what is done, by how many, and whether over all nodes.
const LOADS: [(&str, Work, usize, bool); 5] = [
    ("write_1", Work::Write, 1, false),
    ("write_128", Work::Write, 128, false),
    ("write_512", Work::Write, 512, false),
    ("read_leader_128", Work::Read, 128, false),
    ("read_spread_128", Work::Read, 128, true),
];
/// After this load memory is looked at.
const HEAVIEST: &str = "write_512";
const EMPTY_CLIENTS: [usize; 2] = [1, 128];
const MB: f64 = 1e6;

/// What one system came to.
#[derive(Default)]
struct Side {
    loads: Vec<Figures>,
    idle_mb: Option<f64>,
    loaded_mb: Option<f64>,
    kill_ms: Option<f64>,
    term_ms: Option<f64>,
}

/// Measures everything, printing as it goes; what is compared comes back.
pub fn all(runtime: &Runtime, etcd: Option<&Path>, extent: Extent) -> Outcome<Vec<Comparison>> {
    let scratch = tempfile::tempdir()?;
    say(&format!("disk: {}", disk(scratch.path())?));
    let mut lectern = Lectern::start(runtime)?;
    let mut etcd = etcd.map(|program| Etcd::start(runtime, program)).transpose()?;
    say(&format!(
        "{NODES} nodes of each system; each load over {CONNECTIONS} connections, that of one client over 1; {} turns of {} s",
        extent.turns,
        extent.turn.as_secs()
    ));
    let mut sides = vec![Side::default(), Side::default()];
    let mut systems: Vec<&mut dyn System> = vec![&mut lectern];
    if let Some(etcd) = &mut etcd {
        systems.push(etcd);
    }
    for (side, system) in sides.iter_mut().zip(&systems) {
        side.idle_mb = Some(resident_mb(&**system));
    }
    say(&load_head());
    ceiling(runtime, extent)?;
    loads(runtime, &mut systems, &mut sides, extent)?;
    pauses(runtime, &mut systems, &mut sides, extent)?;
    // The disk's rate is taken beside the upload: it may change within a run.
    let rate = machine::sequential_rate(scratch.path())?;
    let seen = upload::measure(&mut lectern, runtime, extent.turn * 2)?;
    say(&load_line("upload_quiet", "lectern", &seen.quiet));
    say(&load_line("upload_meanwhile", "lectern", &seen.meanwhile));
    say(&format!(
        "upload: {:.1} MB/s; the nodes wrote {:.1} bytes for each byte; the disk takes {:.0} MB/s in sequence",
        seen.bytes_per_second / MB,
        seen.copies,
        rate / MB
    ));
    say(&format!("disk: {}", disk(scratch.path())?));
    let mut compared = compare(&sides[0], &sides[1]);
    let p99 = |figures: &Figures| figures.percentile_ms(99.0);
    compared.push(Comparison::against("upload_p99", p99(&seen.meanwhile), p99(&seen.quiet)));
    let possible = ratio(Some(rate / MB), Some(seen.copies));
    compared.push(Comparison::against("upload_rate", Some(seen.bytes_per_second / MB), possible));
    Ok(compared)
}

fn compare(ours: &Side, other: &Side) -> Vec<Comparison> {
    let rate = |side: &Side, at: usize| side.loads.get(at).and_then(Figures::per_second);
    let named = LOADS.iter().enumerate();
    let mut compared: Vec<_> =
        named.map(|(at, (name, ..))| Comparison::new(name, rate(ours, at), rate(other, at))).collect();
    compared.push(Comparison::new("pause_kill", ours.kill_ms, other.kill_ms));
    compared.push(Comparison::new("pause_term", ours.term_ms, other.term_ms));
    compared.push(Comparison::new("memory_idle", ours.idle_mb, other.idle_mb));
    compared.push(Comparison::new("memory_load", ours.loaded_mb, other.loaded_mb));
    compared
}

fn disk(scratch: &Path) -> Outcome<String> {
    let syncs = machine::sync_latency(scratch)?;
    let (p50, p99) = (syncs.percentile_ms(50.0), syncs.percentile_ms(99.0));
    Ok(format!("4 KiB and fdatasync take {} ms (p50), {} ms (p99)", shown(p50), shown(p99)))
}

/// Of a node, on average.
#[allow(clippy::cast_precision_loss, reason = "for people")]
fn resident_mb(system: &dyn System) -> f64 {
    let nodes = system.processes();
    let sum: u64 = nodes.iter().map(|process| machine::resident_bytes(*process)).sum();
    sum as f64 / MB / nodes.len().max(1) as f64
}

/// What an empty call to one process reaches.
fn ceiling(runtime: &Runtime, extent: Extent) -> Outcome<()> {
    let server = EmptyServer::start()?;
    let endpoint = Endpoint::from_shared(format!("http://{}", empty::ADDRESS))?;
    for clients in EMPTY_CLIENTS {
        let connections = CONNECTIONS.min(clients);
        let connect = async {
            let mut connected = Vec::new();
            let deadline = tokio::time::Instant::now() + PATIENCE;
            while connected.len() < connections {
                match endpoint.connect().await {
                    Ok(channel) => connected.push(Caller::Empty(ClusterServiceClient::new(channel))),
                    Err(_) if tokio::time::Instant::now() < deadline => {
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(connected)
        };
        let connected = runtime.block_on(connect)?;
        let callers = connected.iter().cycle().take(clients).cloned().collect();
        let time = tokio_sleep(extent.turn);
        let nodes = [server.process()];
        let (figures, ()) =
            runtime.block_on(load::run(callers, Work::Read, ("empty", Duration::ZERO), &nodes, time))?;
        say(&load_line(&format!("empty_{clients}"), "tonic", &figures));
    }
    Ok(())
}

/// A sleep that begins when it is first awaited: timers want a runtime that is there only then.
async fn tokio_sleep(time: Duration) {
    tokio::time::sleep(time).await;
}

fn loads(runtime: &Runtime, systems: &mut [&mut dyn System], sides: &mut [Side], extent: Extent) -> Outcome<()> {
    for (name, work, clients, spread) in LOADS {
        for side in sides.iter_mut().take(systems.len()) {
            side.loads.push(Figures::default());
        }
        for turn in 0..extent.turns {
            // Each system goes first in every second turn.
            let first = turn as usize % systems.len();
            for next in 0..systems.len() {
                let at = (first + next) % systems.len();
                let (system, side) = (&mut *systems[at], &mut sides[at]);
                let leader = system.leader(runtime)?;
                let nodes: Vec<u32> = if spread { (1..=NODES).collect() } else { vec![leader] };
                let callers = callers(system, runtime, (&nodes, clients, CONNECTIONS.min(clients)))?;
                let label = format!("{name}-turn{turn}");
                let (time, processes) = (tokio_sleep(extent.turn), system.processes());
                let load = load::run(callers, work, (&label, Duration::ZERO), &processes, time);
                let (figures, ()) = runtime.block_on(load)?;
                let sum = side.loads.last_mut().ok_or("a load has figures")?;
                sum.join(&figures);
                sum.passed_as(&figures);
                if name == HEAVIEST {
                    let now = resident_mb(system);
                    side.loaded_mb = Some(side.loaded_mb.map_or(now, |before| before.max(now)));
                }
            }
        }
        for (system, side) in systems.iter().zip(sides.iter()) {
            if let Some(figures) = side.loads.last() {
                say(&load_line(name, system.name(), figures));
            }
        }
    }
    Ok(())
}

fn pauses(runtime: &Runtime, systems: &mut [&mut dyn System], sides: &mut [Side], extent: Extent) -> Outcome<()> {
    for (name, how) in [("pause_kill", End::Kill), ("pause_term", End::Term)] {
        let mut seen: Vec<Vec<pause::Pause>> = systems.iter().map(|_| Vec::new()).collect();
        for end in 0..extent.ends {
            for (system, seen) in systems.iter_mut().zip(&mut seen) {
                seen.push(pause::around(&mut **system, runtime, how, &format!("{name}{end}"))?);
            }
        }
        for ((system, seen), side) in systems.iter().zip(&seen).zip(sides.iter_mut()) {
            let millis: Vec<f64> = seen.iter().map(|pause| pause.longest.as_secs_f64() * 1_000.0).collect();
            let longest = millis.iter().copied().fold(0.0, f64::max);
            let shortest = millis.iter().copied().fold(f64::INFINITY, f64::min);
            let middle = median(millis);
            say(&format!(
                "{name:<18} {:<8} median {} ms of {} ends ({shortest:.0} to {longest:.0}); attempts made again: {} unknown, {} errors",
                system.name(),
                shown(middle),
                seen.len(),
                seen.iter().map(|pause| pause.unknown).sum::<u64>(),
                seen.iter().map(|pause| pause.errors).sum::<u64>(),
            ));
            if how == End::Kill { side.kill_ms = middle } else { side.term_ms = middle }
        }
    }
    Ok(())
}
