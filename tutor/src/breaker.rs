//! Not asking a model that does not answer.

use std::time::{Duration, Instant};

/// Failures in a row that open it.
pub const FAILURES: u32 = 3;
/// How long it stays open.
pub const OPEN_FOR: Duration = Duration::from_secs(30);

/// Closed: requests pass. Open: none does. When it was open for long enough, one request passes to see.
#[derive(Debug, Default)]
pub struct Breaker {
    failures: u32,
    open_until: Option<Instant>,
    trying: bool,
}

impl Breaker {
    /// Whether a request may pass now. Who is let pass says how it went: [`Breaker::succeeded`], [`Breaker::failed`], or
    /// [`Breaker::undecided`].
    pub fn pass(&mut self, now: Instant) -> bool {
        match self.open_until {
            None => true,
            Some(until) if now < until || self.trying => false,
            Some(_) => {
                self.trying = true;
                true
            }
        }
    }

    /// The model answered.
    pub fn succeeded(&mut self) {
        *self = Breaker::default();
    }

    /// The model did not answer.
    pub fn failed(&mut self, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        self.trying = false;
        if self.failures >= FAILURES {
            self.open_until = Some(now + OPEN_FOR);
        }
    }

    /// It was not seen whether the model would have answered: the one who asked left.
    pub fn undecided(&mut self) {
        self.trying = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_in_a_row_open_it_and_one_try_closes_it_again() {
        let start = Instant::now();
        let mut breaker = Breaker::default();
        for _ in 0..FAILURES {
            assert!(breaker.pass(start));
            breaker.failed(start);
        }
        assert!(!breaker.pass(start + OPEN_FOR / 2));
        assert!(breaker.pass(start + OPEN_FOR));
        assert!(!breaker.pass(start + OPEN_FOR), "one try at a time");
        breaker.succeeded();
        assert!(breaker.pass(start + OPEN_FOR));
    }

    #[test]
    fn a_success_between_failures_keeps_it_closed() {
        let start = Instant::now();
        let mut breaker = Breaker::default();
        for _ in 0..10 {
            breaker.failed(start);
            breaker.failed(start);
            breaker.succeeded();
        }
        assert!(breaker.pass(start));
    }

    #[test]
    fn a_try_that_fails_opens_it_anew_and_one_that_left_lets_the_next_try() {
        let start = Instant::now();
        let mut breaker = Breaker::default();
        (0..FAILURES).for_each(|_| breaker.failed(start));
        let later = start + OPEN_FOR;
        assert!(breaker.pass(later));
        breaker.undecided();
        assert!(breaker.pass(later));
        breaker.failed(later);
        assert!(!breaker.pass(later + OPEN_FOR / 2));
        assert!(breaker.pass(later + OPEN_FOR));
    }
}
