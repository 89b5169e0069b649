//! Simulated clusters, from seeds:
//!
//! ```text
//! simulate --seed 7               tells the story of one seed
//! simulate --seeds 5000           plays seeds 0 to 4999 on all cores, and sums up what they went through
//! simulate --seeds 5000..9000     plays these
//! simulate --minutes 480          plays for so long, from a seed that the clock gives (or --from N)
//!     --json                      the summary as one line of JSON
//!     --threads N                 fewer threads than cores
//!     --ticks N                   longer or shorter runs (2000)
//!     --mutation trap-07          makes a known mistake (with --features mutations)
//! ```
//!
//! Exits with 1 where an invariant is violated, or where 4,000 seeds or more have not met every kind of trouble.

#[path = "../lab/mod.rs"]
mod lab;

use std::{
    env,
    io::Write as _,
    ops::Range,
    process::ExitCode,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use lab::{MANY, Summary, cores, machine, play, play_all, silence_panics};
use lectern_raft::sim::{Options, Violation};

const USAGE: &str = "usage: simulate --seed N | --seeds N | --seeds A..B | --minutes M [--from N] [--json] [--threads N] \
                     [--ticks N] [--mutation CODE]";

/// What is to be played.
#[derive(Debug)]
enum Play {
    One(u64),
    Range(Range<u64>),
    For(Duration, u64),
}

#[derive(Debug)]
struct Wish {
    play: Play,
    json: bool,
    threads: usize,
    options: Options,
}

fn main() -> ExitCode {
    let wish = match parse(env::args().skip(1)) {
        Ok(wish) => wish,
        Err(problem) => {
            say(&format!("error: {problem}\n{USAGE}"));
            return ExitCode::from(2);
        }
    };
    silence_panics();
    match wish.play {
        Play::One(seed) => tell(seed, &wish.options),
        Play::Range(mut seeds) => sum_up(&play_all(|| seeds.next(), wish.threads, &wish.options, |_| {}), wish.json),
        Play::For(length, from) => {
            let (end, mut seeds) = (Instant::now() + length, from..);
            let next = || if Instant::now() < end { seeds.next() } else { None };
            sum_up(&play_all(next, wish.threads, &wish.options, |_| {}), wish.json)
        }
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Wish, String> {
    let (mut play, mut minutes, mut from) = (None, None, None);
    let (mut json, mut threads, mut options) = (false, cores(), Options::default());
    while let Some(name) = arguments.next() {
        if name == "--json" {
            json = true;
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{name} needs a number, not {value:?}"));
        match name.as_str() {
            "--seed" => play = Some(Play::One(number()?)),
            "--seeds" => play = Some(Play::Range(range(&value)?)),
            "--minutes" => minutes = Some(number()?),
            "--from" => from = Some(number()?),
            "--threads" => threads = usize::try_from(number()?.max(1)).map_err(|problem| problem.to_string())?,
            "--ticks" => options.ticks = number()?,
            "--mutation" => choose(&value)?,
            _ => return Err(format!("{name} is not known")),
        }
    }
    if let Some(minutes) = minutes {
        // Every night other seeds.
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        play = Some(Play::For(Duration::from_secs(minutes * 60), from.unwrap_or(clock)));
    }
    Ok(Wish { play: play.ok_or("say what to play")?, json, threads, options })
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let number = |text: &str| text.parse::<u64>().map_err(|_| format!("--seeds needs N or A..B, not {text:?}"));
    match text.split_once("..") {
        Some((from, to)) => Ok(number(from)?..number(to)?),
        None => Ok(0..number(text)?),
    }
}

#[cfg(feature = "mutations")]
fn choose(code: &str) -> Result<(), String> {
    use lectern_raft::mutation::{Mutation, choose_for_all};
    let known = Mutation::ALL.iter().copied().find(|mutation| mutation.code() == code);
    let codes: Vec<&str> = Mutation::ALL.iter().map(|mutation| mutation.code()).collect();
    choose_for_all(known.ok_or_else(|| format!("there is no mutation {code}, only {}", codes.join(", ")))?);
    Ok(())
}

#[cfg(not(feature = "mutations"))]
fn choose(_: &str) -> Result<(), String> {
    Err("--mutation needs a build with --features mutations".to_owned())
}

/// The story of one seed.
fn tell(seed: u64, options: &Options) -> ExitCode {
    say(&format!("seed {seed}, on {}", machine(seed)));
    match play(seed, &Options { story: true, ..*options }) {
        Ok(report) => {
            for line in &report.story {
                say(line);
            }
            let happened = report.counters.table().into_iter().filter(|(_, count)| *count > 0);
            for (name, count) in happened {
                say(&format!("{count:>12} {name}"));
            }
            say(&format!("seed {seed} violated nothing, and everyone has applied entry {}", report.last_index));
            ExitCode::SUCCESS
        }
        Err(Violation { what, story, at, .. }) => {
            for line in &story {
                say(line);
            }
            say(&format!("seed {seed} at {at} ms: {what}"));
            ExitCode::FAILURE
        }
    }
}

fn sum_up(summary: &Summary, json: bool) -> ExitCode {
    let missing = if summary.seeds >= MANY { summary.missing() } else { Vec::new() };
    let failed = !summary.violations.is_empty() || !missing.is_empty() || !summary.easy.is_empty();
    if json {
        say(&as_json(summary, &missing));
    } else {
        say(summary.table().trim_end());
        for violation in &summary.violations {
            say(&format!("{violation}\n  replay it with --seed {}", violation.seed));
        }
        if !missing.is_empty() {
            say(&format!("no run met these: {}", missing.join("; ")));
        }
        if !summary.easy.is_empty() {
            say(&format!("fewer than 2,000 steps or 3 faults: seeds {:?}", summary.easy));
        }
        let cpu = summary.cpu_ms_a_seed().map_or(String::new(), |cpu| format!(", {cpu:.1} ms of processor time each"));
        let (seeds, took) = (summary.seeds, summary.took);
        say(&format!("{seeds} seeds in {took:.1?}{cpu}, {} violations", summary.violations.len()));
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn as_json(summary: &Summary, missing: &[String]) -> String {
    let counters: Vec<String> =
        summary.counters.table().iter().map(|(name, count)| format!("{name:?}:{count}")).collect();
    let violated: Vec<String> = summary.violations.iter().map(|violation| violation.seed.to_string()).collect();
    format!(
        "{{\"seeds\":{},\"seconds\":{:.1},\"cpu_ms_a_seed\":{:.1},\"violations\":{},\"violated_seeds\":[{}],\"missing\":{missing:?},\
         \"counters\":{{{}}}}}",
        summary.seeds,
        summary.took.as_secs_f64(),
        summary.cpu_ms_a_seed().unwrap_or_default(),
        summary.violations.len(),
        violated.join(","),
        counters.join(",")
    )
}

/// To standard output; who closed it has heard enough.
fn say(line: &str) {
    drop(writeln!(std::io::stdout().lock(), "{line}"));
}
