//! How much of the log is kept.

use crate::spans::Spans;

/// The policy: both limits hold, whichever is less, and nothing happens until one is exceeded by an eighth, so that the
/// log is not cut at every entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// Entries to keep.
    pub(crate) entries: u64,
    /// Bytes to keep.
    pub(crate) bytes: u64,
}

impl Policy {
    /// The last entry to give up now, never above `bound`: what is applied, durable and not needed by a snapshot under
    /// way.
    pub(crate) fn cut(self, spans: &Spans, bound: u64) -> Option<u64> {
        let (before, last) = (spans.truncated().0, spans.last());
        let slack = |limit: u64| limit.saturating_add(limit / 8);
        if last - before <= slack(self.entries) && spans.bytes() <= slack(self.bytes) {
            return None;
        }
        let (mut through, mut bytes) = (before, spans.bytes());
        for size in spans.sizes() {
            let enough = last - through <= self.entries && bytes <= self.bytes;
            if enough || through >= bound {
                break;
            }
            through += 1;
            bytes -= size;
        }
        // A cut that a bound keeps tiny is not worth a sync of the state.
        let worthwhile = self.entries / 16;
        (through > before && (through - before > worthwhile || bytes <= self.bytes)).then_some(through)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(count: u64) -> Spans {
        let mut spans = Spans::new(10, 1);
        for index in 11..11 + count {
            spans.push(index, 1, 100);
        }
        spans
    }

    #[test]
    fn nothing_is_cut_before_a_limit_is_well_exceeded() {
        let policy = Policy { entries: 80, bytes: 1_000_000 };
        assert_eq!(policy.cut(&spans(90), 100), None);
        assert_eq!(policy.cut(&spans(91), 101), Some(21));
    }

    #[test]
    fn bytes_count_as_well() {
        let policy = Policy { entries: 1_000, bytes: 800 };
        assert_eq!(policy.cut(&spans(9), 19), None);
        assert_eq!(policy.cut(&spans(10), 20), Some(12));
    }

    #[test]
    fn the_bound_is_never_passed() {
        let policy = Policy { entries: 10, bytes: 1_000_000 };
        assert_eq!(policy.cut(&spans(50), 15), Some(15));
        assert_eq!(policy.cut(&spans(50), 10), None);
    }
}
