//! How much of the log is kept: so much time of it, up to so many bytes.

use crate::spans::Spans;

/// The policy: an entry goes once it is older than `age_ms`, or beyond the newest `bytes` or `entries`, whichever comes
/// first. Nothing happens until a limit is exceeded by an eighth, so that the log is not cut at every entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// Milliseconds to keep.
    pub(crate) age_ms: u64,
    /// Bytes to keep.
    pub(crate) bytes: u64,
    /// Entries to keep.
    pub(crate) entries: u64,
    /// Bytes above which even a snapshot under way holds nothing back.
    pub(crate) cap_bytes: u64,
}

/// What may not be passed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The last entry that is applied and durable here.
    pub(crate) safe: u64,
    /// Where a snapshot under way ends, if one is.
    pub(crate) snapshot: Option<u64>,
}

impl Policy {
    /// The last entry to give up at `now`.
    pub(crate) fn cut(self, spans: &Spans, bounds: Bounds, now: u64) -> Option<u64> {
        let before = spans.truncated().0;
        let bound = match bounds.snapshot {
            Some(snapshot) if spans.bytes() <= self.cap_bytes => snapshot.min(bounds.safe),
            _ => bounds.safe,
        };
        if bound <= before || !self.exceeded(spans, now) {
            return None;
        }
        let wanted = self.beyond(spans, now);
        let through = wanted.min(bound);
        // A cut that a bound keeps tiny is not worth a sync of the state.
        let (given_up, left) = (through.saturating_sub(before), spans.last() - before);
        (given_up > 0 && (through == wanted || given_up >= left / 16)).then_some(through)
    }

    fn exceeded(self, spans: &Spans, now: u64) -> bool {
        let slack = |limit: u64| limit.saturating_add(limit / 8);
        spans.last() - spans.truncated().0 > slack(self.entries)
            || spans.bytes() > slack(self.bytes)
            || spans.older_than(slack(self.age_ms), now) > spans.truncated().0
    }

    /// The last entry beyond a limit.
    fn beyond(self, spans: &Spans, now: u64) -> u64 {
        let (mut through, mut bytes) = (spans.truncated().0, spans.bytes());
        for size in spans.sizes() {
            if bytes <= self.bytes {
                break;
            }
            through += 1;
            bytes -= size;
        }
        through.max(spans.last().saturating_sub(self.entries)).max(spans.older_than(self.age_ms, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOSE: Policy = Policy { age_ms: u64::MAX, bytes: u64::MAX, entries: u64::MAX, cap_bytes: u64::MAX };

    /// Entries of 100 bytes after the tenth, one each second.
    fn spans(count: u64) -> Spans {
        let mut spans = Spans::new(10, 1);
        for index in 11..11 + count {
            spans.push(index, 1, 100, (index - 11) * 1_000);
        }
        spans
    }

    fn cut(policy: Policy, spans: &Spans, safe: u64) -> Option<u64> {
        policy.cut(spans, Bounds { safe, snapshot: None }, 0)
    }

    #[test]
    fn nothing_is_cut_before_a_limit_is_well_exceeded() {
        let policy = Policy { entries: 80, ..LOOSE };
        assert_eq!(cut(policy, &spans(90), 100), None);
        assert_eq!(cut(policy, &spans(91), 101), Some(21));
    }

    #[test]
    fn bytes_count_as_well() {
        let policy = Policy { bytes: 800, ..LOOSE };
        assert_eq!(cut(policy, &spans(9), 19), None);
        assert_eq!(cut(policy, &spans(10), 20), Some(12));
    }

    #[test]
    fn ten_minutes_of_log_are_kept() {
        let policy = Policy { age_ms: 600_000, ..LOOSE };
        let spans = spans(700);
        let at = |seconds: u64| policy.cut(&spans, Bounds { safe: 710, snapshot: None }, seconds * 1_000);
        assert_eq!(at(670), None, "entries older than that are there, but few");
        assert_eq!(at(690), Some(100), "the last that came more than 600 s before");
        assert_eq!(at(10_000), Some(710), "on a quiet cluster all that is applied goes in the end");
    }

    #[test]
    fn the_bound_is_never_passed() {
        let policy = Policy { entries: 10, ..LOOSE };
        assert_eq!(cut(policy, &spans(50), 15), Some(15));
        assert_eq!(cut(policy, &spans(50), 10), None);
        let old = Policy { age_ms: 1_000, ..LOOSE };
        assert_eq!(old.cut(&spans(50), Bounds { safe: 15, snapshot: None }, 1_000_000), Some(15));
    }

    #[test]
    fn a_tiny_cut_waits() {
        let policy = Policy { entries: 10, ..LOOSE };
        assert_eq!(cut(policy, &spans(320), 29), None);
        assert_eq!(cut(policy, &spans(320), 30), Some(30));
    }

    #[test]
    fn what_follows_a_snapshot_under_way_is_kept_up_to_the_cap() {
        let policy = Policy { entries: 10, cap_bytes: 5_000, ..LOOSE };
        let bounds = Bounds { safe: 60, snapshot: Some(15) };
        assert_eq!(policy.cut(&spans(50), bounds, 0), Some(15));
        assert_eq!(policy.cut(&spans(51), bounds, 0), Some(51), "the disk is not filled for one follower");
    }
}
