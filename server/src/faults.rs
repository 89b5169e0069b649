//! Faults made on purpose, for tests: without the environment's word for it none of this does anything.
//!
//! A variable holds what is wrong, or `@FILE`: what FILE holds at the moment, so that a fault comes and goes while the node runs.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Shifts the system's clock by that many milliseconds (negative: back), as on a machine with a wrong clock.
pub(crate) static CLOCK_OFFSET_MS: Fault = Fault::new("LECTERN_FAULT_CLOCK_OFFSET_MS");
/// `fail`: a sync of the log fails. `N` or `N-M`: it takes so many milliseconds more, as on a slow disk.
static LOG_SYNC: Fault = Fault::new("LECTERN_FAULT_LOG_SYNC");
/// Anything: the state's hash that this node tells is another one than it has, as if it had applied something differently.
static STATE_HASH: Fault = Fault::new("LECTERN_FAULT_STATE_HASH");
/// The newest feature level that this process applies, instead of its release's: as if it were an older or a newer one.
pub(crate) static MAX_FEATURE_LEVEL: Fault = Fault::new("LECTERN_FAULT_MAX_FEATURE_LEVEL");

/// One variable.
pub(crate) struct Fault {
    variable: &'static str,
    setting: OnceLock<Option<String>>,
}

impl Fault {
    const fn new(variable: &'static str) -> Self {
        Self { variable, setting: OnceLock::new() }
    }

    /// What is wrong now; `None` where nothing is.
    fn now(&self) -> Option<String> {
        let setting = self.setting.get_or_init(|| std::env::var(self.variable).ok()).as_ref()?;
        let text = match setting.strip_prefix('@') {
            Some(file) => std::fs::read_to_string(file).unwrap_or_default(),
            None => setting.clone(),
        };
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// … as a number.
    pub(crate) fn number<N: std::str::FromStr>(&self) -> Option<N> {
        self.now()?.parse().ok()
    }
}

/// Before a sync of the log: an error that it is to fail with.
pub(crate) fn before_log_sync() -> Result<(), String> {
    match LOG_SYNC.now() {
        None => Ok(()),
        Some(fault) if fault == "fail" => {
            Err("IO error: While fsync: Input/output error (LECTERN_FAULT_LOG_SYNC)".into())
        }
        Some(fault) => {
            std::thread::sleep(delay(&fault, Instant::now()));
            Ok(())
        }
    }
}

/// The hash of the state, as it is told.
pub(crate) fn told_hash(mut hash: [u8; 32]) -> [u8; 32] {
    if STATE_HASH.now().is_some() {
        hash[0] ^= 1;
    }
    hash
}

/// `N` milliseconds, or something between `N` and `M`.
fn delay(fault: &str, now: Instant) -> Duration {
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    let (least, most) = fault.split_once('-').unwrap_or((fault, fault));
    let (Ok(least), Ok(most)) = (least.parse::<u64>(), most.parse::<u64>()) else { return Duration::ZERO };
    // What the clock says in its last places is random enough to vary a delay.
    let nanos = now.duration_since(*BEGUN.get_or_init(|| now)).subsec_nanos();
    Duration::from_millis(least + u64::from(nanos / 1_000) % (most.saturating_sub(least) + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_stays_within_its_bounds_and_what_is_none_delays_nothing() {
        let now = Instant::now();
        assert_eq!(delay("80", now), Duration::from_millis(80));
        for step in 0..1_000 {
            let delay = delay("50-200", now + Duration::from_micros(step * 7));
            assert!((50..=200).contains(&delay.as_millis()), "{delay:?}");
        }
        assert_eq!(delay("soon", now), Duration::ZERO);
        assert_eq!(delay("9-3", now), Duration::from_millis(9));
    }
}
