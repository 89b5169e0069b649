//! Pauses between attempts: full jitter under a doubling cap, so that the clients of a dead leader do not all come back
//! at the same moment.

use std::time::Duration;

/// Cap of the first pause.
const FIRST: Duration = Duration::from_millis(50);

/// Pauses of one call.
#[derive(Debug)]
pub(crate) struct Backoff {
    cap: Duration,
    max: Duration,
}

impl Backoff {
    pub(crate) fn new(max: Duration) -> Self {
        Self { cap: FIRST.min(max), max }
    }

    /// The next pause: uniform between nothing and the cap, which doubles up to the maximum.
    pub(crate) fn next_pause(&mut self) -> Duration {
        let cap = self.cap;
        self.cap = (cap * 2).min(self.max);
        cap.mul_f64(uniform())
    }
}

/// A number in `[0, 1)`. Without a random source the pause is half the cap: still bounded, only less spread.
fn uniform() -> f64 {
    getrandom::u32().map_or(0.5, |bits| f64::from(bits) / (f64::from(u32::MAX) + 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_jittered_below_a_cap_that_doubles_to_one_second() {
        let max = Duration::from_secs(1);
        for _ in 0..200 {
            let mut backoff = Backoff::new(max);
            let mut cap = FIRST;
            for _ in 0..12 {
                let pause = backoff.next_pause();
                assert!(pause < cap, "{pause:?} is not below {cap:?}");
                cap = (cap * 2).min(max);
            }
            assert_eq!(cap, max);
        }
    }

    #[test]
    fn pauses_differ() {
        let pauses: std::collections::BTreeSet<_> =
            (0..32).map(|_| Backoff::new(Duration::from_secs(1)).next_pause()).collect();
        assert!(pauses.len() > 8);
    }
}
