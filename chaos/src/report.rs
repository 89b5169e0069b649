//! What a run came to: a line for programs, some for people.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::nemesis::Tally;
use crate::pulse::Pause;

/// The numbers of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// It repeats the plan of faults.
    pub seed: u64,
    /// How many nodes there were.
    pub nodes: u32,
    /// How long clients worked.
    pub worked: Duration,
    /// `namespaces` or `proxies`.
    pub network: &'static str,
    /// Operations whose place in one order was checked.
    pub operations: u64,
    /// Of those, changes that were never answered.
    pub unknown: u64,
    /// Writes that were acknowledged.
    pub acknowledged: u64,
    /// Registers, lists and idempotency keys.
    pub keys: u64,
    /// What was injected, and what could not be.
    pub faults: Tally,
    /// What is wrong.
    pub violations: u64,
    /// Keys for which the search was given up.
    pub undecided: u64,
    /// The longest time without an acknowledged write.
    pub longest_pause: Pause,
    /// The same, while a majority could work.
    pub longest_pause_with_majority: Pause,
    /// The latest term: how often leadership was fought for.
    pub term: u64,
    /// How long the cluster took to take writes at every node after all was healed.
    pub recovery: Duration,
}

impl Report {
    /// Whether nothing is wrong and nothing is in doubt.
    pub fn is_clean(&self) -> bool {
        self.violations == 0 && self.undecided == 0 && self.operations > 0
    }

    /// For programs.
    pub fn json(&self) -> Value {
        json!({
            "operations": self.operations,
            "faults": self.faults.injected,
            "violations": self.violations,
            "longest_pause_ms": millis(self.longest_pause.lasted),
            "longest_pause_at_s": self.longest_pause.from.as_secs(),
            "longest_pause_with_majority_ms": millis(self.longest_pause_with_majority.lasted),
            "longest_pause_with_majority_at_s": self.longest_pause_with_majority.from.as_secs(),
            "not_injected": self.faults.failed,
            "undecided": self.undecided,
            "unknown_outcomes": self.unknown,
            "acknowledged_writes": self.acknowledged,
            "keys": self.keys,
            "term": self.term,
            "recovery_ms": millis(self.recovery),
            "seconds": self.worked.as_secs(),
            "nodes": self.nodes,
            "network": self.network,
            "seed": self.seed,
        })
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.operations / self.worked.as_secs().max(1);
        writeln!(
            f,
            "{} operations on {} keys in {} s ({rate} a second), {} of unknown outcome; {} writes acknowledged",
            self.operations,
            self.keys,
            self.worked.as_secs(),
            self.unknown,
            self.acknowledged
        )?;
        let faults: Vec<String> = self.faults.injected.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        writeln!(f, "faults: {}", faults.join(", "))?;
        for (what, count) in &self.faults.failed {
            writeln!(f, "not injected, {count} times: {what}")?;
        }
        writeln!(
            f,
            "longest pause {} ms (from {:.1} s), {} ms while a majority could work (from {:.1} s); term {}; writable {} ms after \
             the last fault",
            millis(self.longest_pause.lasted),
            self.longest_pause.from.as_secs_f64(),
            millis(self.longest_pause_with_majority.lasted),
            self.longest_pause_with_majority.from.as_secs_f64(),
            self.term,
            millis(self.recovery)
        )?;
        if self.undecided > 0 {
            writeln!(f, "for {} keys the search was given up", self.undecided)?;
        }
        match self.violations {
            0 => writeln!(f, "no violation"),
            count => writeln!(f, "{count} violations; seed {}", self.seed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            seed: 7,
            nodes: 3,
            worked: Duration::from_mins(1),
            network: "namespaces",
            operations: 60_000,
            unknown: 12,
            acknowledged: 20_000,
            keys: 50,
            faults: Tally::default(),
            violations: 0,
            undecided: 0,
            longest_pause: Pause { lasted: Duration::from_millis(1_234), from: Duration::from_secs(5) },
            longest_pause_with_majority: Pause { lasted: Duration::from_millis(700), from: Duration::from_secs(40) },
            term: 9,
            recovery: Duration::from_millis(80),
        }
    }

    #[test]
    fn a_report_says_the_same_to_programs_and_to_people() {
        let mut report = report();
        report.faults.injected.insert("kill_leader", 3);
        report.faults.failed.insert("packet_loss: no nft".into(), 2);
        let json = report.json();
        assert_eq!((&json["operations"], &json["faults"]["kill_leader"]), (&json!(60_000), &json!(3)));
        assert_eq!((&json["violations"], &json["longest_pause_ms"]), (&json!(0), &json!(1_234)));
        let words = report.to_string();
        for part in [
            "60000 operations",
            "1234 ms (from 5.0 s), 700 ms while a majority could work (from 40.0 s)",
            "1000 a second",
            "kill_leader 3",
            "2 times: packet_loss: no nft",
            "no violation",
        ] {
            assert!(words.contains(part), "{part}: {words}");
        }
    }

    #[test]
    fn a_search_that_was_given_up_and_a_run_that_did_nothing_are_not_clean() {
        assert!(report().is_clean());
        assert!(!Report { undecided: 1, ..report() }.is_clean());
        assert!(!Report { operations: 0, ..report() }.is_clean());
        assert!(!Report { violations: 1, ..report() }.is_clean());
    }
}
