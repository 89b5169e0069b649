//! Writes to the log's disk under way, and what must wait for them.

use std::collections::VecDeque;

use crate::{Batch, Effect};

/// What becomes true and sayable once a write is durable.
struct Held {
    write: u64,
    /// raft-rs's number of the Ready the write belongs to.
    ready: Option<u64>,
    effects: Vec<Effect>,
}

/// Numbers writes and holds messages back until the write before them is durable (trap 7).
#[derive(Default)]
pub(crate) struct Writes {
    issued: u64,
    durable: u64,
    /// The last write that changed term or vote.
    term: u64,
    held: VecDeque<Held>,
    /// Records that belong to no Ready, for the next write of their own …
    pub(crate) notes: Batch,
    /// … and the answers that wait for it.
    pub(crate) note_effects: Vec<Effect>,
}

impl Writes {
    /// The number of the next write.
    pub(crate) fn issue(&mut self) -> u64 {
        self.issued += 1;
        self.issued
    }

    /// The last number issued.
    pub(crate) fn issued(&self) -> u64 {
        self.issued
    }

    /// This write changes term or vote.
    pub(crate) fn term_changes_with(&mut self, write: u64) {
        self.term = write;
    }

    /// The last write that changed term or vote.
    pub(crate) fn term(&self) -> u64 {
        self.term
    }

    /// Whether this write is durable.
    pub(crate) fn is_durable(&self, write: u64) -> bool {
        write <= self.durable
    }

    /// Nothing is under way.
    pub(crate) fn idle(&self) -> bool {
        self.durable == self.issued
    }

    /// Holds `effects` until write `write` is durable; raft is told about its Ready then.
    pub(crate) fn hold(&mut self, write: u64, ready: Option<u64>, effects: Vec<Effect>) {
        assert!(write <= self.issued, "only writes that were issued are waited for");
        self.held.push_back(Held { write, ready, effects });
    }

    /// Every write up to this one is durable.
    pub(crate) fn persisted(&mut self, write: u64) {
        assert!(write <= self.issued, "write {write} was never issued, the last is {}", self.issued);
        self.durable = self.durable.max(write);
    }

    /// What may be said now, and the last of raft's Readies that became durable.
    pub(crate) fn release(&mut self) -> (Option<u64>, Vec<Effect>) {
        let (mut ready, mut effects) = (None, Vec::new());
        let durable = self.durable;
        while let Some(held) = self.held.pop_front_if(|held| held.write <= durable) {
            ready = held.ready.or(ready);
            effects.extend(held.effects);
        }
        (ready, effects)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trap_7_nothing_is_said_before_its_write_is_durable() {
        let mut writes = Writes::default();
        let (first, second) = (writes.issue(), writes.issue());
        writes.hold(first, Some(10), vec![Effect::Stop("a".into())]);
        writes.hold(second, Some(11), vec![]);
        writes.hold(second, Some(12), vec![Effect::Stop("b".into())]);
        assert!(matches!(writes.release(), (None, effects) if effects.is_empty()));
        writes.persisted(first);
        assert!(matches!(writes.release(), (Some(10), effects) if effects.len() == 1));
        assert!(!writes.idle());
        writes.persisted(second);
        assert!(matches!(writes.release(), (Some(12), effects) if effects.len() == 1));
        assert!(writes.idle());
    }
}
