//! How long nothing was acknowledged.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::check::Nanos;
use crate::round::lock;

/// Shorter gaps are no pauses.
const SHORTEST: Nanos = 50_000_000;
/// After the end of a fault that took the majority away, the cluster may need so long to find itself again.
const RECOVERY: Nanos = 3_000_000_000;

/// A time in which no write was acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pause {
    /// How long it lasted.
    pub lasted: Duration,
    /// When it began, from the beginning of the run.
    pub from: Duration,
}

impl Pause {
    fn between((from, to): &(Nanos, Nanos)) -> Self {
        Self { lasted: Duration::from_nanos(to - from), from: Duration::from_nanos(*from) }
    }
}

/// The acknowledged writes of a run, as far as the gaps between them matter.
#[derive(Debug, Default)]
pub struct Pulse {
    acknowledged: AtomicU64,
    gaps: Mutex<Gaps>,
}

#[derive(Debug, Default)]
struct Gaps {
    last: Option<Nanos>,
    pauses: Vec<(Nanos, Nanos)>,
    /// When no majority could be expected to work.
    excused: Vec<(Nanos, Nanos)>,
}

impl Pulse {
    /// A write was acknowledged.
    pub fn beat(&self, now: Nanos) {
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
        let mut gaps = lock(&self.gaps);
        let last = gaps.last.unwrap_or(now);
        if now.saturating_sub(last) >= SHORTEST {
            gaps.pauses.push((last, now));
        }
        gaps.last = Some(last.max(now));
    }

    /// A fault took the majority away for this time.
    pub fn excuse(&self, from: Nanos, to: Nanos) {
        lock(&self.gaps).excused.push((from, to.saturating_add(RECOVERY)));
    }

    /// Nothing is acknowledged from now on, and nothing should be.
    pub fn rest(&self) {
        lock(&self.gaps).last = None;
    }

    /// Acknowledged writes.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// The longest pause of all, and the longest one in which a majority could work.
    pub fn longest(&self) -> (Pause, Pause) {
        let gaps = lock(&self.gaps);
        let excused = |(from, to): &(Nanos, Nanos)| gaps.excused.iter().any(|(begin, end)| begin < to && from < end);
        let all = gaps.pauses.iter().map(Pause::between).max().unwrap_or_default();
        let unexcused = gaps.pauses.iter().filter(|pause| !excused(pause)).map(Pause::between).max();
        (all, unexcused.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Nanos = 1_000_000_000;

    #[test]
    fn the_longest_pause_is_found_and_those_without_a_majority_are_told_apart() {
        let pulse = Pulse::default();
        for at in [0, SECOND, 10 * SECOND, 20 * SECOND, 22 * SECOND] {
            pulse.beat(at);
        }
        pulse.excuse(5 * SECOND, 12 * SECOND);
        let pause = |from, lasted| Pause { from: Duration::from_secs(from), lasted: Duration::from_secs(lasted) };
        assert_eq!(pulse.longest(), (pause(10, 10), pause(20, 2)));
        pulse.rest();
        pulse.beat(90 * SECOND);
        assert_eq!(pulse.longest().0, pause(10, 10));
        assert_eq!(pulse.acknowledged(), 6);
    }
}
