//! Entries for followers that are no longer in memory: they are read off the replica's thread (trap 10).

use std::collections::BTreeMap;

use raft::GetEntriesContext;

/// How many followers may wait for the same entries; another asks again with its next heartbeat.
const WAITING: usize = 8;
/// How many ranges may be under way.
const RANGES: usize = 64;

/// One range under way.
pub(crate) struct Fetch {
    /// First index.
    pub(crate) low: u64,
    /// One past the last index.
    high: u64,
    /// Who asked: raft-rs's tokens, to be handed back.
    pub(crate) waiting: Vec<GetEntriesContext>,
    since: u64,
}

/// The ranges under way. A range that is never answered would stop a follower for good, so that they expire.
#[derive(Default)]
pub(crate) struct Fetches {
    number: u64,
    under_way: BTreeMap<u64, Fetch>,
    asked: Vec<u64>,
}

impl Fetches {
    /// raft asks for `[low, high)`.
    pub(crate) fn want(&mut self, low: u64, high: u64, context: GetEntriesContext) {
        if let Some(fetch) = self.under_way.values_mut().find(|fetch| fetch.low == low) {
            if fetch.waiting.len() < WAITING {
                fetch.waiting.push(context);
            }
        } else if self.under_way.len() < RANGES {
            self.number += 1;
            self.under_way.insert(self.number, Fetch { low, high, waiting: vec![context], since: 0 });
            self.asked.push(self.number);
        }
    }

    /// The new requests: number, first index, one past the last.
    pub(crate) fn take_asked(&mut self, now: u64) -> Vec<(u64, u64, u64)> {
        let mut asked = Vec::new();
        for number in self.asked.drain(..) {
            if let Some(fetch) = self.under_way.get_mut(&number) {
                fetch.since = now;
                asked.push((number, fetch.low, fetch.high));
            }
        }
        asked
    }

    /// A range was read, or could not be.
    pub(crate) fn fetched(&mut self, number: u64) -> Option<Fetch> {
        self.under_way.remove(&number)
    }

    /// Forgets ranges that were asked for before `before`.
    pub(crate) fn expire(&mut self, before: u64) {
        self.under_way.retain(|_, fetch| fetch.since >= before);
    }

    /// This node leads no longer: nobody waits.
    pub(crate) fn clear(&mut self) {
        self.under_way.clear();
        self.asked.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_ranges_are_fetched_once_and_expire() {
        let mut fetches = Fetches::default();
        fetches.want(5, 9, GetEntriesContext::empty(true));
        fetches.want(5, 9, GetEntriesContext::empty(true));
        fetches.want(7, 9, GetEntriesContext::empty(true));
        assert_eq!(fetches.take_asked(100), vec![(1, 5, 9), (2, 7, 9)]);
        assert_eq!(fetches.fetched(1).unwrap().waiting.len(), 2);
        assert!(fetches.fetched(1).is_none());
        fetches.expire(101);
        assert!(fetches.fetched(2).is_none());
    }
}
