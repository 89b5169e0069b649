//! Replays simulated clusters: `cargo run --release -p lectern-raft --example simulate -- --seed 7` tells the story of one
//! seed, `--seeds 1000` runs many and sums up what they went through.

use std::{env, io::Write as _, process::ExitCode, time::Instant};

use lectern_raft::sim::{Ledger, Options, Report, run};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let number = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)?.parse::<u64>().ok()
    };
    let mut options = Options::default();
    if let Some(ticks) = number("--ticks") {
        options.ticks = ticks;
    }
    let (first, count) = (number("--seed").unwrap_or(0), number("--seeds").unwrap_or(1));
    options.story = count == 1;
    let mut out = std::io::stdout().lock();
    let begun = Instant::now();
    let mut sum = Report::default();
    for seed in first..first + count {
        match run::<Ledger>(seed, &options) {
            Ok(report) => {
                report.story.iter().for_each(|line| drop(writeln!(out, "{line}")));
                sum.add(&report);
            }
            Err(violation) => {
                violation.story.iter().for_each(|line| drop(writeln!(out, "{line}")));
                drop(writeln!(out, "{violation}"));
                return ExitCode::FAILURE;
            }
        }
    }
    for (name, counter) in sum.counters() {
        drop(writeln!(out, "{counter:>10} {name}"));
    }
    drop(writeln!(out, "{count} seeds in {:.1?}, none violated anything", begun.elapsed()));
    ExitCode::SUCCESS
}
