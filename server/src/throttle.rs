//! No more than so many bytes a second, so that what can wait leaves the disk to what cannot.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time that was not used is made up for up to this much: pauses are as coarse as the system's timers.
const BURST: Duration = Duration::from_millis(50);

/// See the module. Shared by everything that goes the same way.
pub(crate) struct Throttle {
    bytes_per_second: u64,
    /// Up to here the time is used.
    used: Mutex<Instant>,
}

impl Throttle {
    pub(crate) fn new(mib_per_second: u64) -> Self {
        let bytes_per_second = mib_per_second.saturating_mul(1 << 20).max(1);
        Self { bytes_per_second, used: Mutex::new(Instant::now()) }
    }

    /// Waits until these bytes may pass. Blocks the thread.
    pub(crate) fn pass(&self, bytes: usize) {
        let pause = self.pause(bytes, Instant::now());
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
    }

    /// How long these bytes have to wait from `now` on.
    fn pause(&self, bytes: usize, now: Instant) -> Duration {
        let takes = Duration::from_nanos(
            u64::try_from(bytes as u128 * 1_000_000_000 / u128::from(self.bytes_per_second)).unwrap_or(u64::MAX),
        );
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        *used = (*used).max(earliest) + takes;
        used.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_pass_at_the_rate_and_a_pause_is_made_up_for_only_a_little() {
        let throttle = Throttle::new(1);
        let start = Instant::now() + Duration::from_secs(1);
        assert_eq!(throttle.pause(1 << 20, start), Duration::from_secs(1).saturating_sub(BURST));
        assert_eq!(throttle.pause(1 << 19, start), Duration::from_millis(1_500).saturating_sub(BURST));
        let later = start + Duration::from_mins(1);
        assert_eq!(throttle.pause(1 << 20, later), Duration::from_secs(1).saturating_sub(BURST));
    }
}
