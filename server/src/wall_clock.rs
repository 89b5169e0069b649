//! This node's clocks: the one that commands are stamped with, and the system's.
//!
//! The stamping clock begins as the system's clock and runs on the machine's monotonic clock, so that it never jumps by
//! itself: a step of the system's clock, which may come at any moment, stamps nothing before the replica has judged it
//! against the peers' clocks and says how the stamping clock moves.
//!
//! For tests the system's clock can be shifted: see `faults.rs`.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::faults;

/// Two readings this near to each other are of one moment.
const ONE_MOMENT: Duration = Duration::from_millis(2);
/// A machine so busy that no two readings are of one moment is not waited for.
const READINGS: u32 = 8;

/// The stamping clock.
#[derive(Debug)]
pub(crate) struct WallClock {
    zero: Instant,
    at_zero_ms: AtomicI64,
}

impl WallClock {
    /// A clock that begins as the system's.
    pub(crate) fn new() -> Self {
        Self { zero: Instant::now(), at_zero_ms: AtomicI64::new(system_ms()) }
    }

    /// Unix milliseconds to stamp with.
    pub(crate) fn now_ms(&self) -> i64 {
        self.at(Instant::now())
    }

    /// How far the system's clock is ahead.
    pub(crate) fn system_ahead_ms(&self) -> i64 {
        self.ahead_of(Instant::now, system_ms)
    }

    /// Moves the clock, as the replica has decided.
    pub(crate) fn shift(&self, by_ms: i64) {
        let _before = self
            .at_zero_ms
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |at_zero| Some(at_zero.saturating_add(by_ms)));
    }

    /// Milliseconds since this clock began, by a clock that only goes forward.
    pub(crate) fn monotonic_ms(&self) -> u64 {
        u64::try_from(self.zero.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn at(&self, moment: Instant) -> i64 {
        let elapsed = i64::try_from(moment.saturating_duration_since(self.zero).as_millis()).unwrap_or(i64::MAX);
        self.at_zero_ms.load(Ordering::Acquire).saturating_add(elapsed)
    }

    /// The two clocks cannot be read at once: a thread that was put aside between the readings reads again.
    fn ahead_of(&self, mut monotonic: impl FnMut() -> Instant, mut system: impl FnMut() -> i64) -> i64 {
        let mut ahead_ms = 0;
        for _ in 0..READINGS {
            let before = monotonic();
            let system_ms = system();
            let after = monotonic();
            ahead_ms = system_ms.saturating_sub(self.at(before));
            if after.saturating_duration_since(before) <= ONE_MOMENT {
                break;
            }
        }
        ahead_ms
    }
}

/// Unix milliseconds as the system says.
pub(crate) fn system_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis())
        .unwrap_or(i64::MAX)
        .saturating_add(faults::CLOCK_OFFSET_MS.number().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_the_systems_clock_is_seen_and_moves_no_stamp() {
        let clock = WallClock::new();
        let now = Instant::now();
        let before = clock.at(now);
        assert_eq!(clock.ahead_of(|| now, || before + 3_600_000), 3_600_000);
        assert_eq!(clock.at(now), before);
        clock.shift(-500);
        assert_eq!(clock.at(now), before - 500);
        assert_eq!(clock.at(now + Duration::from_secs(2)), before + 1_500);
    }

    #[test]
    fn a_pause_between_the_two_readings_is_no_step() {
        let clock = WallClock::new();
        let mut now = Instant::now();
        let start = clock.at(now);
        let mut pauses = [0, 5_000, 0, 0].into_iter();
        let monotonic = || {
            now += Duration::from_millis(pauses.next().expect("four readings are enough"));
            now
        };
        let mut readings = 0;
        let system = || {
            readings += 1;
            if readings == 1 { start + 4_000 } else { start + 5_000 }
        };
        assert_eq!(clock.ahead_of(monotonic, system), 0);
    }
}
