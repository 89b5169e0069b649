//! Telling when certificates expire, long before they do.

use std::time::{SystemTime, UNIX_EPOCH};

use super::Tls;

/// From here on the log says every day that a certificate expires.
const WARN_BEFORE_SECONDS: i64 = 30 * 24 * 60 * 60;

/// Sets the metric of each file.
#[allow(clippy::cast_precision_loss)] // A date in seconds.
pub(super) fn export(tls: &Tls) {
    for (path, not_after) in tls.current().material.expiries() {
        let file = path.display().to_string();
        metrics::gauge!("lectern_tls_certificate_expiry_seconds", "file" => file).set(*not_after as f64);
    }
}

/// Says in the log which files expire soon, or have.
pub(super) fn warn(tls: &Tls) {
    for (path, not_after) in tls.current().material.expiries() {
        if let Some(left) = soon(*not_after, now()) {
            tracing::warn!(file = %path.display(), "a certificate {left}; make another with `lectern-server certs`");
        }
    }
}

/// In words, when it is soon.
fn soon(not_after: i64, now: i64) -> Option<String> {
    match not_after - now {
        left if left < 0 => Some("has expired".into()),
        left if left < WARN_BEFORE_SECONDS => Some(format!("expires in {} days", left / (24 * 60 * 60))),
        _ => None,
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_days_before_the_end_the_log_begins_to_say_so() {
        let day = 24 * 60 * 60;
        assert_eq!(soon(30 * day, 0), None);
        assert_eq!(soon(30 * day - 1, 0).as_deref(), Some("expires in 29 days"));
        assert_eq!(soon(0, 0).as_deref(), Some("expires in 0 days"));
        assert_eq!(soon(0, 1).as_deref(), Some("has expired"));
    }
}
