//! Simulated clusters in trouble. `LECTERN_SIM_SEEDS` says how many; a failure names its seed, and
//! `cargo run --release -p lectern-raft --example simulate -- --seed N` tells its story.

#[path = "../lab/mod.rs"]
mod lab;

use std::env;

use lab::{MANY, cores, play, play_all};
use lectern_raft::sim::Options;

/// Enough to notice what is broken, while one works.
const FEW: u64 = 200;

#[test]
fn seeds_of_trouble_violate_nothing_and_recover() {
    let count =
        env::var("LECTERN_SIM_SEEDS").map_or(FEW, |count| count.parse().expect("LECTERN_SIM_SEEDS is a number"));
    let mut seeds = 0..count;
    let summary = play_all(|| seeds.next(), cores(), &Options::default(), |_| {});
    let table = summary.table();
    let cpu = summary.cpu_ms_a_seed().unwrap_or_default();
    eprintln!("{table}{count} seeds in {:.1?}, {cpu:.0} ms of processor time each", summary.took);
    let first = summary.violations.first().map(|violation| {
        let replay = "cargo run --release -p lectern-raft --example simulate -- --seed";
        format!("{violation}\nreplay it with: {replay} {}", violation.seed)
    });
    assert!(first.is_none(), "{}", first.unwrap_or_default());
    assert!(summary.easy.is_empty(), "fewer than 2,000 steps or 3 faults: seeds {:?}", summary.easy);
    if count >= MANY {
        assert!(summary.missing().is_empty(), "no run met these: {:?}\n{table}", summary.missing());
    }
}

#[test]
fn the_same_seed_runs_the_same_way() {
    let options = Options { ticks: 600, ..Options::default() };
    for seed in 0..8 {
        assert_eq!(play(seed, &options), play(seed, &options));
    }
}
