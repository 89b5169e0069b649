//! Simulated clusters under crashes, lost writes, partitions, pauses and wrong clocks.

use lectern_raft::sim::{Ledger, Options, Report, run};

#[test]
fn twenty_seeds_of_trouble_violate_nothing_and_recover() {
    let mut sum = Report::default();
    for seed in 0..20 {
        match run::<Ledger>(seed, &Options::default()) {
            Ok(report) => {
                assert!(report.steps >= 2_000, "seed {seed} took {} steps only", report.steps);
                sum.add(&report);
            }
            Err(violation) => panic!(
                "{violation}\nreplay it with: cargo run --release -p lectern-raft --example simulate -- --seed {seed}"
            ),
        }
    }
    for (name, counter) in sum.counters() {
        assert!(counter > 0, "no run met any {name}: {sum:?}");
    }
}

#[test]
fn the_same_seed_runs_the_same_way() {
    let options = Options { ticks: 600, ..Options::default() };
    for seed in [3, 4] {
        assert_eq!(run::<Ledger>(seed, &options), run::<Ledger>(seed, &options));
    }
}
