//! What is compared, with the targets, as a table and as JSON.

use serde_json::{Map, Value, json};

use crate::figures::{Figures, ratio};

/// What a target is about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// The ratio is at least so much.
    AtLeast(f64),
    /// The ratio is at most so much.
    AtMost(f64),
    /// Our own figure is at most so much, whatever the other's is.
    OursAtMost(f64),
}

impl Target {
    fn number(self) -> f64 {
        match self {
            Self::AtLeast(number) | Self::AtMost(number) | Self::OursAtMost(number) => number,
        }
    }

    fn words(self, unit: &str) -> String {
        match self {
            Self::AtLeast(number) => format!("≥ {number} ×"),
            Self::AtMost(number) => format!("≤ {number} ×"),
            Self::OursAtMost(number) => format!("≤ {number} {unit}"),
        }
    }
}

/// One kind of measurement that has a target: its name, its unit, what is asked.
pub const TARGETS: [(&str, &str, Target); 11] = [
    ("write_1", "/s", Target::AtLeast(2.0)),
    ("write_128", "/s", Target::AtLeast(2.5)),
    ("write_512", "/s", Target::AtLeast(2.5)),
    ("read_leader_128", "/s", Target::AtLeast(3.0)),
    ("read_spread_128", "/s", Target::AtLeast(5.0)),
    ("pause_kill", "ms", Target::AtMost(0.35)),
    ("pause_term", "ms", Target::OursAtMost(100.0)),
    ("upload_p99", "ms", Target::AtMost(3.0)),
    ("upload_rate", "MB/s", Target::AtLeast(0.30)),
    ("memory_idle", "MB", Target::AtMost(0.5)),
    ("memory_load", "MB", Target::AtMost(0.5)),
];

/// Two figures of one kind of measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    name: &'static str,
    unit: &'static str,
    target: Target,
    ours: Option<f64>,
    /// The other system's; what ours is divided by where nothing else is.
    other: Option<f64>,
    /// Ours is not divided by the other system's figure but by this.
    base: Option<f64>,
}

impl Comparison {
    /// Ours beside the other system's.
    pub fn new(name: &str, ours: Option<f64>, other: Option<f64>) -> Self {
        let (name, unit, target) =
            TARGETS.into_iter().find(|(known, ..)| *known == name).expect("what is compared has a target");
        Self { name, unit, target, ours, other, base: None }
    }

    /// Ours against a measure of the machine, where the other system has no such figure.
    pub fn against(name: &str, ours: Option<f64>, base: Option<f64>) -> Self {
        Self { base, ..Self::new(name, ours, None) }
    }

    /// What the target is about, mostly: ours divided by the other.
    pub fn ratio(&self) -> Option<f64> {
        ratio(self.ours, self.base.or(self.other))
    }

    /// Whether the target is met; none where a figure is missing.
    pub fn met(&self) -> Option<bool> {
        Some(match self.target {
            Target::AtLeast(number) => self.ratio()? >= number,
            Target::AtMost(number) => self.ratio()? <= number,
            Target::OursAtMost(number) => self.ours? <= number,
        })
    }

    fn json(&self) -> Value {
        json!({
            "ours": self.ours.map(rounded),
            "etcd": self.other.map(rounded),
            "ratio": self.ratio().map(rounded),
            "target": self.target.number(),
            "met": self.met(),
            "unit": self.unit,
        })
    }

    fn line(&self) -> String {
        let met = self.met().map_or("-", |met| if met { "yes" } else { "NO" });
        let base = self.base.or(self.other);
        format!(
            "{:<18} {:>5} {:>10} {:>10} {:>8}   {:<10} {met}",
            self.name,
            self.unit,
            shown(self.ours),
            shown(base),
            self.ratio().map_or("-".into(), |ratio| format!("{ratio:.2} ×")),
            self.target.words(self.unit),
        )
    }
}

/// The last line of a run with `--json`.
pub fn json_line(comparisons: &[Comparison]) -> String {
    let ratios: Map<_, _> = comparisons.iter().map(|of| (of.name.into(), of.json())).collect();
    json!({ "ratios": ratios }).to_string()
}

/// The table of what is compared.
pub fn table(comparisons: &[Comparison]) -> String {
    let head = format!(
        "{:<18} {:>5} {:>10} {:>10} {:>8}   {:<10} met",
        "what", "unit", "lectern", "etcd/base", "ratio", "target"
    );
    let lines = comparisons.iter().map(Comparison::line);
    std::iter::once(head).chain(lines).collect::<Vec<_>>().join("\n")
}

/// The head over [`load_line`].
pub fn load_head() -> String {
    format!(
        "{:<18} {:<8} {:>9} {:>9} {:>9} {:>9} {:>9} {:>8} {:>7}  cpu of each node, %",
        "load", "system", "per s", "p50 ms", "p99 ms", "p99.9 ms", "max ms", "unknown", "errors"
    )
}

/// What one system came to under one load; under it the words of what was missed.
pub fn load_line(load: &str, system: &str, figures: &Figures) -> String {
    let cpu: Vec<_> = figures.cpu_percent().iter().map(|percent| format!("{percent:.0}")).collect();
    let line = format!(
        "{load:<18} {system:<8} {:>9} {:>9} {:>9} {:>9} {:>9} {:>8} {:>7}  {}",
        shown(figures.per_second()),
        shown(figures.percentile_ms(50.0)),
        shown(figures.percentile_ms(99.0)),
        shown(figures.percentile_ms(99.9)),
        shown(figures.percentile_ms(100.0)),
        figures.unknown,
        figures.errors,
        cpu.join(" "),
    );
    let missed = figures.words.iter().map(|(words, count)| format!("    {count} × {words}"));
    std::iter::once(line).chain(missed).collect::<Vec<_>>().join("\n")
}

/// A number for people; a dash where there is none.
pub fn shown(number: Option<f64>) -> String {
    number.map_or("-".into(), |number| if number >= 1_000.0 { format!("{number:.0}") } else { format!("{number:.2}") })
}

fn rounded(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_last_line_has_each_comparison_by_its_name() {
        let line = json_line(&[
            Comparison::new("write_128", Some(6_000.0), Some(2_000.0)),
            Comparison::new("pause_kill", Some(700.0), None),
            Comparison::against("upload_rate", Some(20.0), Some(80.0)),
        ]);
        let read: Value = serde_json::from_str(&line).unwrap();
        let wanted = json!({ "ratios": {
            "write_128": { "ours": 6000.0, "etcd": 2000.0, "ratio": 3.0, "target": 2.5, "met": true, "unit": "/s" },
            "pause_kill": { "ours": 700.0, "etcd": null, "ratio": null, "target": 0.35, "met": null, "unit": "ms" },
            "upload_rate": { "ours": 20.0, "etcd": null, "ratio": 0.25, "target": 0.3, "met": false, "unit": "MB/s" },
        }});
        assert_eq!(read, wanted);
        assert!(!line.contains('\n'));
    }

    #[test]
    fn a_target_is_met_at_its_very_number_and_missed_beyond() {
        let met = |name, ours, other| Comparison::new(name, Some(ours), Some(other)).met();
        assert_eq!([met("write_1", 2.0, 1.0), met("write_1", 1.99, 1.0)], [Some(true), Some(false)]);
        assert_eq!([met("pause_kill", 35.0, 100.0), met("pause_kill", 36.0, 100.0)], [Some(true), Some(false)]);
        assert_eq!([met("pause_term", 100.0, 1.0), met("pause_term", 101.0, 5_000.0)], [Some(true), Some(false)]);
    }

    #[test]
    fn what_is_judged_by_itself_needs_no_other_system() {
        assert_eq!(Comparison::new("pause_term", Some(80.0), None).met(), Some(true));
        assert_eq!(Comparison::new("write_1", Some(80.0), None).met(), None);
    }

    #[test]
    fn every_target_has_a_name_of_its_own() {
        let names: BTreeSet<_> = TARGETS.iter().map(|(name, ..)| name).collect();
        assert_eq!(names.len(), TARGETS.len());
    }

    #[test]
    fn a_table_says_what_is_missed_and_leaves_empty_what_is_not_there() {
        let table = table(&[
            Comparison::new("write_1", Some(1_500.0), Some(1_000.0)),
            Comparison::new("write_512", Some(9_000.0), None),
        ]);
        let lines: Vec<_> = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(lines[1], "write_1 /s 1500 1000 1.50 × ≥ 2 × NO");
        assert_eq!(lines[2], "write_512 /s 9000 - - ≥ 2.5 × -");
    }

    #[test]
    fn the_words_of_what_was_missed_are_shown_under_the_load() {
        let mut figures = Figures::default();
        figures.answered(Duration::from_millis(2));
        figures.missed(crate::figures::Miss::Unknown("no answer".into()));
        figures.passed(Duration::from_secs(1), &[0.5]);
        let line = load_line("write_1", "etcd", &figures);
        assert!(line.ends_with("\n    1 × no answer"), "{line}");
        assert!(line.lines().next().unwrap().ends_with("1       0  50"), "{line}");
    }
}
