//! What the tests and the `simulate` example share: seeds played on all cores, on the domain or on a ledger.

#![allow(dead_code, reason = "each of them needs a part")]

mod lms;

use std::{
    fs,
    panic::{self, PanicHookInfo},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use lectern_raft::sim::{Counters, Ledger, Machine as _, Options, Report, Violation, failpoints, orders, run};

pub use lms::Lms;

/// One seed of so many plays on the ledger, whose runs are faster and longer; the others on the domain.
const LEDGER_EVERY: u64 = 4;
/// Runs that go wrong are kept up to this number; then the others are not begun.
const ENOUGH: usize = 5;
/// So many seeds must have met every kind of trouble.
pub const MANY: u64 = 4_000;
/// Clock ticks of the kernel in a second, as `/proc` counts them.
const KERNEL_TICKS: f64 = 100.0;

/// Plays one seed, on the machine that belongs to it.
pub fn play(seed: u64, options: &Options) -> Result<Report, Violation> {
    if is_ledger(seed) { run::<Ledger>(seed, options) } else { run::<Lms>(seed, options) }
}

/// The machine that belongs to a seed.
pub fn machine(seed: u64) -> &'static str {
    if is_ledger(seed) { "a ledger" } else { "the domain" }
}

fn is_ledger(seed: u64) -> bool {
    seed % LEDGER_EVERY == LEDGER_EVERY - 1
}

/// How many seeds were played, and what they went through.
#[derive(Default)]
pub struct Summary {
    pub seeds: u64,
    pub counters: Counters,
    pub violations: Vec<Violation>,
    /// Seeds that were too easy: fewer steps or accidents than a run should have.
    pub easy: Vec<u64>,
    pub took: Duration,
    /// Processor time, where the system tells.
    pub cpu: Option<Duration>,
}

impl Summary {
    /// What never happened in any run.
    pub fn missing(&self) -> Vec<String> {
        let kinds: Vec<&'static str> = Lms::kinds().into_iter().chain(Ledger::kinds()).chain(orders()).collect();
        self.counters.missing(&failpoints(), &kinds)
    }

    /// Milliseconds of processor time for each seed.
    pub fn cpu_ms_a_seed(&self) -> Option<f64> {
        self.cpu.map(|cpu| cpu.as_secs_f64() * 1_000.0 / approximately(self.seeds.max(1)))
    }

    /// The counters, one a line.
    pub fn table(&self) -> String {
        let line = |(name, count): &(String, u64)| format!("{count:>12} {name}\n");
        self.counters.table().iter().map(line).collect::<Vec<_>>().concat()
    }
}

#[allow(clippy::cast_precision_loss, reason = "for people")]
fn approximately(count: u64) -> f64 {
    count as f64
}

/// Plays all seeds that `next` gives out, on so many threads. `told` hears of each that went well.
pub fn play_all(
    next: impl FnMut() -> Option<u64> + Send,
    threads: usize,
    options: &Options,
    told: impl Fn(&Report) + Sync,
) -> Summary {
    let (begun, cpu) = (Instant::now(), cpu_time());
    let (next, summary) = (Mutex::new(next), Mutex::new(Summary::default()));
    let enough = || summary.lock().expect("no thread panics").violations.len() >= ENOUGH;
    let draw = || if enough() { None } else { (next.lock().expect("no thread panics"))() };
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(seed) = draw() {
                    let played = play(seed, options);
                    let mut summary = summary.lock().expect("no thread panics");
                    summary.seeds += 1;
                    match played {
                        Ok(report) => {
                            summary.counters.add(&report.counters);
                            if report.counters.steps < 2_000 || report.counters.faults < 3 {
                                summary.easy.push(seed);
                            }
                            told(&report);
                        }
                        Err(violation) => summary.violations.push(violation),
                    }
                }
            });
        }
    });
    let mut summary = summary.into_inner().expect("no thread panics");
    summary.violations.sort_by_key(|violation| violation.seed);
    summary.took = begun.elapsed();
    summary.cpu = cpu.zip(cpu_time()).map(|(before, after)| after.saturating_sub(before));
    summary
}

/// As many threads as there are cores.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, Into::into)
}

/// A run that panics is a violation with the panic's words: they need not be printed, too.
pub fn silence_panics() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
        if thread::current().name().is_some() {
            usual(info);
        }
    }));
}

/// The processor time of this process so far.
fn cpu_time() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let after_name = stat.rsplit_once(')')?.1;
    let ticks = |at: usize| after_name.split_whitespace().nth(at)?.parse::<f64>().ok();
    Some(Duration::from_secs_f64((ticks(11)? + ticks(12)?) / KERNEL_TICKS))
}
