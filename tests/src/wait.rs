//! Waiting for conditions, with deadlines.

use std::fmt::Display;
use std::time::{Duration, Instant};

/// Between two looks.
const POLL: Duration = Duration::from_millis(20);

/// Looks until `look` finds something, and returns it. Panics after `deadline`, saying what was awaited.
pub fn until<T>(what: &str, deadline: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    until_told(what, deadline, || look().ok_or("it is not there"))
}

/// The same with a look that says what it found instead.
pub fn until_told<T, E: Display>(what: &str, deadline: Duration, mut look: impl FnMut() -> Result<T, E>) -> T {
    let started = Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(instead) => assert!(started.elapsed() < deadline, "waited {deadline:?} in vain for {what}: {instead}"),
        }
        std::thread::sleep(POLL);
    }
}
