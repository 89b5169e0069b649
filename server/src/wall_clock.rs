//! This node's wall clock.
//!
//! For tests, `LECTERN_FAULT_CLOCK_OFFSET_MS` shifts it by that many milliseconds (negative: back), as a machine with a
//! wrong clock would be.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// The environment variable that shifts the clock. For tests only.
pub const FAULT_VARIABLE: &str = "LECTERN_FAULT_CLOCK_OFFSET_MS";

/// Unix milliseconds as this node believes.
pub fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX).saturating_add(fault_offset_ms())
}

fn fault_offset_ms() -> i64 {
    static OFFSET: OnceLock<i64> = OnceLock::new();
    *OFFSET.get_or_init(|| std::env::var(FAULT_VARIABLE).ok().and_then(|text| text.parse().ok()).unwrap_or(0))
}
