//! Proposals of this node that are in its log and not committed yet, matched by (index, term).
//!
//! Once leadership is lost their outcome cannot be known here (trap 15): another leader may commit them or replace them.

use std::collections::BTreeMap;

use crate::{Refused, Reply, RequestId};

#[derive(Debug)]
struct Pending {
    term: u64,
    id: RequestId,
    bytes: u64,
}

/// What a committed entry means to this node's proposals.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is this proposal.
    Ours(RequestId),
    /// It stands where this proposal stood.
    Replaced(RequestId),
    /// None of ours stood there.
    Foreign,
}

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Proposals {
    pending: BTreeMap<u64, Pending>,
    bytes: u64,
    max_count: usize,
    max_bytes: u64,
}

impl Proposals {
    /// With these limits.
    pub(crate) fn new(max_count: usize, max_bytes: u64) -> Self {
        Self { pending: BTreeMap::new(), bytes: 0, max_count, max_bytes }
    }

    /// How many wait.
    pub(crate) fn count(&self) -> usize {
        self.pending.len()
    }

    /// How many bytes they hold.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether another of this size may come.
    pub(crate) fn admit(&self, bytes: u64) -> Result<(), Refused> {
        let full = self.pending.len() >= self.max_count || self.bytes.saturating_add(bytes) > self.max_bytes;
        if full { Err(Refused::Busy) } else { Ok(()) }
    }

    /// It is in the log at (index, term).
    pub(crate) fn appended(&mut self, id: RequestId, index: u64, term: u64, bytes: u64) -> Reply {
        let before = self.pending.insert(index, Pending { term, id, bytes });
        assert!(before.is_none(), "a leader appends at each index once");
        self.bytes += bytes;
        Reply::Appended { id, index, term }
    }

    /// The entry at (index, term) is committed.
    pub(crate) fn committed(&mut self, index: u64, term: u64) -> Outcome {
        let Some(pending) = self.pending.remove(&index) else { return Outcome::Foreign };
        self.bytes -= pending.bytes;
        if pending.term == term { Outcome::Ours(pending.id) } else { Outcome::Replaced(pending.id) }
    }

    /// Leadership is lost.
    pub(crate) fn abandon(&mut self) -> Vec<Reply> {
        self.bytes = 0;
        std::mem::take(&mut self.pending)
            .into_values()
            .map(|pending| Reply::OutcomeUnknown { id: pending.id })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proposal_is_known_by_index_and_term() {
        let mut proposals = Proposals::new(10, 100);
        proposals.appended(1, 5, 2, 10);
        proposals.appended(2, 6, 2, 10);
        assert_eq!(proposals.committed(4, 2), Outcome::Foreign);
        assert_eq!(proposals.committed(5, 2), Outcome::Ours(1));
        assert_eq!(proposals.committed(6, 3), Outcome::Replaced(2));
        assert_eq!((proposals.count(), proposals.bytes()), (0, 0));
    }

    #[test]
    fn trap_15_lost_leadership_leaves_outcomes_unknown() {
        let mut proposals = Proposals::new(10, 100);
        proposals.appended(1, 5, 2, 10);
        assert_eq!(proposals.abandon(), vec![Reply::OutcomeUnknown { id: 1 }]);
        assert_eq!(proposals.committed(5, 2), Outcome::Foreign);
    }

    #[test]
    fn count_and_bytes_are_limited() {
        let mut proposals = Proposals::new(2, 100);
        assert_eq!(proposals.admit(101), Err(Refused::Busy));
        proposals.appended(1, 5, 2, 60);
        assert_eq!(proposals.admit(41), Err(Refused::Busy));
        assert_eq!(proposals.admit(40), Ok(()));
        proposals.appended(2, 6, 2, 1);
        assert_eq!(proposals.admit(1), Err(Refused::Busy));
    }
}
