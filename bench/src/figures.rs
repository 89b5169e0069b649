//! What a load came to: latencies, misses, processor time; and the arithmetic of comparing two of them.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

/// Three digits, up to a minute, in microseconds.
const DIGITS: u8 = 3;
const LONGEST_US: u64 = 60_000_000;

/// Why a call brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Miss {
    /// It may have been done: no answer came.
    Unknown(String),
    /// It was answered with an error.
    Error(String),
}

/// Everything that one load was answered, over all its turns.
#[derive(Clone, Debug)]
pub struct Figures {
    histogram: Histogram<u64>,
    seconds: f64,
    /// Calls whose outcome nobody knows.
    pub unknown: u64,
    /// Calls that were answered with an error.
    pub errors: u64,
    /// How often each kind of miss came, in its own words.
    pub words: BTreeMap<String, u64>,
    /// Seconds of processor that each node took.
    pub node_cpu: Vec<f64>,
}

impl Default for Figures {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, LONGEST_US, DIGITS).expect("the bounds are in order");
        Self { histogram, seconds: 0.0, unknown: 0, errors: 0, words: BTreeMap::new(), node_cpu: Vec::new() }
    }
}

impl Figures {
    /// A call was answered.
    pub fn answered(&mut self, took: Duration) {
        self.histogram.saturating_record(u64::try_from(took.as_micros()).unwrap_or(LONGEST_US).max(1));
    }

    /// A call was not.
    pub fn missed(&mut self, miss: Miss) {
        let words = match miss {
            Miss::Unknown(words) => {
                self.unknown += 1;
                words
            }
            Miss::Error(words) => {
                self.errors += 1;
                words
            }
        };
        *self.words.entry(words).or_default() += 1;
    }

    /// Takes in what another caller saw at the same time.
    pub fn join(&mut self, other: &Self) {
        self.histogram.add(&other.histogram).expect("all histograms have the same bounds");
        self.unknown += other.unknown;
        self.errors += other.errors;
        for (words, count) in &other.words {
            *self.words.entry(words.clone()).or_default() += count;
        }
    }

    /// So much time was measured, and the nodes took so much processor time in it.
    pub fn passed(&mut self, time: Duration, node_cpu: &[f64]) {
        self.seconds += time.as_secs_f64();
        self.node_cpu.resize(self.node_cpu.len().max(node_cpu.len()), 0.0);
        for (sum, more) in self.node_cpu.iter_mut().zip(node_cpu) {
            *sum += more;
        }
    }

    /// As much time as another turn's, after that one was joined.
    pub fn passed_as(&mut self, turn: &Self) {
        self.passed(Duration::from_secs_f64(turn.seconds), &turn.node_cpu);
    }

    /// Calls that were answered.
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// Answered calls a second; none where no time was measured.
    #[allow(clippy::cast_precision_loss, reason = "counts of calls are far below 2^52")]
    pub fn per_second(&self) -> Option<f64> {
        (self.seconds > 0.0).then(|| self.count() as f64 / self.seconds)
    }

    /// A percentile of the latencies in milliseconds; none where nothing was answered.
    #[allow(clippy::cast_precision_loss, reason = "microseconds of a minute are far below 2^52")]
    pub fn percentile_ms(&self, percent: f64) -> Option<f64> {
        (self.count() > 0).then(|| self.histogram.value_at_quantile(percent / 100.0) as f64 / 1_000.0)
    }

    /// How much of one processor each node took, in percent.
    pub fn cpu_percent(&self) -> Vec<f64> {
        self.node_cpu.iter().map(|cpu| 100.0 * cpu / self.seconds.max(f64::MIN_POSITIVE)).collect()
    }
}

/// The middle one; of two, their mean. None of none.
pub fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    let upper = *numbers.get(middle)?;
    Some(if numbers.len().is_multiple_of(2) { f64::midpoint(numbers[middle - 1], upper) } else { upper })
}

/// One divided by the other, where both are there and there is something to divide by.
pub fn ratio(ours: Option<f64>, other: Option<f64>) -> Option<f64> {
    Some(ours? / other.filter(|other| *other > 0.0)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_and_rates_are_those_of_all_callers_and_turns_together() {
        let (mut all, mut other) = (Figures::default(), Figures::default());
        (1..=50).for_each(|ms| all.answered(Duration::from_millis(ms)));
        (51..=100).for_each(|ms| other.answered(Duration::from_millis(ms)));
        all.join(&other);
        all.passed(Duration::from_secs(2), &[1.0, 0.5]);
        all.passed(Duration::from_secs(2), &[1.0, 0.5]);
        assert_eq!(all.count(), 100);
        assert_eq!(all.per_second(), Some(25.0));
        let near = |percent, wanted: f64| {
            let found = all.percentile_ms(percent).unwrap();
            assert!((found - wanted).abs() / wanted < 0.002, "p{percent} is {found}");
        };
        near(50.0, 50.0);
        near(99.0, 99.0);
        near(100.0, 100.0);
        assert_eq!(all.cpu_percent(), [50.0, 25.0]);
    }

    #[test]
    fn a_miss_is_counted_by_its_kind_and_its_words_and_never_as_a_latency() {
        let (mut all, mut other) = (Figures::default(), Figures::default());
        all.missed(Miss::Unknown("no answer".into()));
        other.missed(Miss::Unknown("no answer".into()));
        other.missed(Miss::Error("busy".into()));
        all.join(&other);
        assert_eq!((all.unknown, all.errors, all.count()), (2, 1, 0));
        assert_eq!(all.words, BTreeMap::from([("busy".into(), 1), ("no answer".into(), 2)]));
        assert_eq!((all.per_second(), all.percentile_ms(50.0)), (None, None));
    }

    #[test]
    fn a_latency_beyond_the_bounds_counts_as_the_longest() {
        let mut figures = Figures::default();
        figures.answered(Duration::from_hours(1));
        figures.answered(Duration::ZERO);
        assert!(figures.percentile_ms(100.0).unwrap() >= 60_000.0);
        assert!(figures.percentile_ms(1.0).unwrap() <= 0.001);
    }

    #[test]
    fn a_median_is_the_middle_one_or_the_mean_of_the_two() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0]), Some(2.5));
        assert_eq!(median(Vec::new()), None);
    }

    #[test]
    fn a_ratio_needs_both_and_something_to_divide_by() {
        assert_eq!(ratio(Some(6.0), Some(2.0)), Some(3.0));
        assert_eq!(ratio(None, Some(2.0)), None);
        assert_eq!(ratio(Some(6.0), None), None);
        assert_eq!(ratio(Some(6.0), Some(0.0)), None);
    }
}
