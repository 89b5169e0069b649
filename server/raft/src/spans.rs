//! The shape of the log in memory: which term each entry has, how large it is and about how old, without the entries
//! themselves.

use std::collections::VecDeque;

/// Ages are told apart no finer than this, in milliseconds, so that few marks hold them.
const AGE_STEP: u64 = 1_000;

/// Terms and sizes of the entries above the truncated one. Terms never fall along a log, so that a few spans hold them.
#[derive(Clone, Debug)]
pub(crate) struct Spans {
    truncated: (u64, u64),
    /// First index and term of each run of entries, in order.
    runs: VecDeque<(u64, u64)>,
    sizes: VecDeque<u64>,
    bytes: u64,
    /// First index of each run of entries that came within one step of time, and when it began.
    ages: VecDeque<(u64, u64)>,
}

impl Spans {
    /// The log that begins after this entry.
    pub(crate) fn new(index: u64, term: u64) -> Self {
        Self {
            truncated: (index, term),
            runs: VecDeque::new(),
            sizes: VecDeque::new(),
            bytes: 0,
            ages: VecDeque::new(),
        }
    }

    /// Index and term of the last entry given up.
    pub(crate) fn truncated(&self) -> (u64, u64) {
        self.truncated
    }

    /// Index of the last entry.
    pub(crate) fn last(&self) -> u64 {
        self.truncated.0 + self.sizes.len() as u64
    }

    /// Term of the last entry.
    pub(crate) fn last_term(&self) -> u64 {
        self.runs.back().map_or(self.truncated.1, |run| run.1)
    }

    /// Bytes of all entries.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Sizes of the entries, from the first.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = u64> + '_ {
        self.sizes.iter().copied()
    }

    /// The term of an entry, or of the truncated one.
    pub(crate) fn term(&self, index: u64) -> Option<u64> {
        if index == self.truncated.0 {
            return Some(self.truncated.1);
        }
        if index < self.truncated.0 || index > self.last() {
            return None;
        }
        let after = self.runs.partition_point(|run| run.0 <= index);
        self.runs.get(after.checked_sub(1)?).map(|run| run.1)
    }

    /// One past the last entry that fits `max_bytes` from `low` on; at least `low + 1`.
    pub(crate) fn fit(&self, low: u64, high: u64, max_bytes: u64) -> u64 {
        let skip = usize::try_from(low - self.truncated.0 - 1).unwrap_or(usize::MAX);
        let mut bytes = 0_u64;
        let mut end = low;
        for size in self.sizes.iter().skip(skip) {
            bytes = bytes.saturating_add(*size);
            if end >= high || (bytes > max_bytes && end > low) {
                break;
            }
            end += 1;
        }
        end.max(low + 1)
    }

    /// The last entry that came more than `age` before `now`; the truncated one where there is none.
    pub(crate) fn older_than(&self, age: u64, now: u64) -> u64 {
        let Some(limit) = now.checked_sub(age) else { return self.truncated.0 };
        let young = self.ages.partition_point(|(_, since)| since.saturating_add(AGE_STEP) <= limit);
        if young == 0 {
            return self.truncated.0;
        }
        self.ages.get(young).map_or_else(|| self.last(), |(first, _)| first - 1)
    }

    /// Adds the next entry, which came at `now`; one that was on the disk when the log was opened comes then.
    pub(crate) fn push(&mut self, index: u64, term: u64, bytes: u64, now: u64) {
        assert_eq!(index, self.last() + 1, "entries are contiguous");
        assert!(term >= self.last_term(), "terms never fall along a log");
        if self.runs.is_empty() || self.last_term() != term {
            self.runs.push_back((index, term));
        }
        if self.ages.back().is_none_or(|(_, since)| now.saturating_sub(*since) >= AGE_STEP) {
            self.ages.push_back((index, now));
        }
        self.sizes.push_back(bytes);
        self.bytes += bytes;
    }

    /// Drops the entries from `index` on.
    pub(crate) fn truncate_from(&mut self, index: u64) {
        while self.last() >= index {
            let Some(bytes) = self.sizes.pop_back() else { break };
            self.bytes -= bytes;
        }
        while self.runs.pop_back_if(|run| run.0 >= index).is_some() {}
        while self.ages.pop_back_if(|age| age.0 >= index).is_some() {}
    }

    /// Drops the entries up to and including `through`.
    pub(crate) fn compact(&mut self, through: u64) {
        let term = self.term(through).expect("only entries of the log are given up");
        while self.truncated.0 < through {
            let bytes = self.sizes.pop_front().expect("entries up to the last");
            self.bytes -= bytes;
            self.truncated.0 += 1;
        }
        self.truncated.1 = term;
        while self.runs.get(1).is_some_and(|run| run.0 <= through + 1) {
            self.runs.pop_front();
        }
        while self.ages.get(1).is_some_and(|age| age.0 <= through + 1) {
            self.ages.pop_front();
        }
        if self.sizes.is_empty() {
            self.runs.clear();
            self.ages.clear();
        }
        for (first, _) in self.runs.front_mut().into_iter().chain(self.ages.front_mut()) {
            *first = (*first).max(through + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans() -> Spans {
        let mut spans = Spans::new(4, 1);
        for (index, term) in [(5, 1), (6, 2), (7, 2), (8, 5)] {
            spans.push(index, term, 10 * index, 2_000 * index);
        }
        spans
    }

    fn terms(spans: &Spans) -> Vec<Option<u64>> {
        (3..=9).map(|index| spans.term(index)).collect()
    }

    #[test]
    fn terms_are_found_from_the_truncated_entry_to_the_last() {
        assert_eq!(terms(&spans()), vec![None, Some(1), Some(1), Some(2), Some(2), Some(5), None]);
    }

    #[test]
    fn a_tail_is_dropped_and_replaced() {
        let mut spans = spans();
        spans.truncate_from(7);
        assert_eq!((spans.last(), spans.last_term(), spans.bytes()), (6, 2, 110));
        spans.push(7, 3, 1, 60_000);
        assert_eq!(spans.term(7), Some(3));
    }

    #[test]
    fn compaction_keeps_the_term_it_ends_at() {
        let mut compacted = spans();
        compacted.compact(6);
        assert_eq!(compacted.truncated(), (6, 2));
        assert_eq!(terms(&compacted), vec![None, None, None, Some(2), Some(2), Some(5), None]);
        assert_eq!(compacted.bytes(), 150);
        compacted.compact(8);
        assert_eq!(
            (compacted.truncated(), compacted.last(), compacted.last_term(), compacted.bytes()),
            ((8, 5), 8, 5, 0)
        );
        compacted.push(9, 5, 1, 20_000);
        assert_eq!(compacted.term(9), Some(5));
    }

    #[test]
    fn ages_are_known_to_a_step_and_never_taken_for_older_than_they_are() {
        let mut spans = spans();
        let older = |spans: &Spans, now| spans.older_than(5_000, now);
        assert_eq!(older(&spans, 4_999), 4);
        assert_eq!(older(&spans, 15_999), 4, "entry 5 came at 10 s, or up to a second later");
        assert_eq!(older(&spans, 16_000), 5);
        assert_eq!(older(&spans, 22_000), 8);
        spans.push(9, 5, 1, 16_500);
        assert_eq!(older(&spans, 22_000), 9, "entries 8 and 9 are of one step");
        spans.truncate_from(7);
        assert_eq!(older(&spans, 60_000), 6);
        spans.push(7, 5, 1, 58_000);
        assert_eq!(older(&spans, 60_000), 6, "what replaced a tail is as young as it is");
        spans.compact(5);
        assert_eq!((older(&spans, 15_000), older(&spans, 60_000)), (5, 6));
        spans.compact(7);
        assert_eq!(older(&spans, 600_000), 7);
    }

    #[test]
    fn a_range_is_cut_where_its_bytes_end_but_holds_one_entry() {
        let spans = spans();
        assert_eq!(spans.fit(5, 9, 1), 6);
        assert_eq!(spans.fit(5, 9, 110), 7);
        assert_eq!(spans.fit(5, 7, 10_000), 7);
        assert_eq!(spans.fit(5, 99, 10_000), 9);
    }
}
