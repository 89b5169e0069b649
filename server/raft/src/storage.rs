//! What raft-rs asks the log.

use raft::{
    GetEntriesContext, RaftState, Result, Storage, StorageError,
    eraftpb::{Entry, Snapshot, SnapshotMetadata},
};

use crate::{Disk, log::Log};

impl<D: Disk> Storage for Log<D> {
    fn initial_state(&self) -> Result<RaftState> {
        Ok(RaftState { hard_state: self.hard_state.clone(), conf_state: self.conf_state.clone() })
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        max_size: impl Into<Option<u64>>,
        context: GetEntriesContext,
    ) -> Result<Vec<Entry>> {
        if low <= self.spans.truncated().0 {
            return Err(StorageError::Compacted.into());
        }
        assert!(high <= self.spans.last() + 1, "raft asks for entries of the log only");
        if low >= high {
            return Ok(Vec::new());
        }
        let max_bytes = max_size.into().unwrap_or(u64::MAX);
        // Elsewhere raft-rs needs the entries at once: to answer that they come later would be fatal (trap 10).
        if context.can_async() && self.needs_disk(low) {
            let fetched = self.fetched(low, high);
            if !fetched.is_empty() {
                return Ok(fetched);
            }
            // Only what has left the cache is on the disk for certain.
            let high = self.spans.fit(low, high.min(self.cached_from()), max_bytes);
            self.fetches.borrow_mut().want(low, high, context);
            return Err(StorageError::LogTemporarilyUnavailable.into());
        }
        Ok(self.read(low, high, max_bytes))
    }

    fn term(&self, index: u64) -> Result<u64> {
        match self.spans.term(index) {
            Some(term) => Ok(term),
            None if index < self.spans.truncated().0 => Err(StorageError::Compacted.into()),
            None => Err(StorageError::Unavailable.into()),
        }
    }

    fn first_index(&self) -> Result<u64> {
        Ok(self.spans.truncated().0 + 1)
    }

    fn last_index(&self) -> Result<u64> {
        Ok(self.spans.last())
    }

    fn snapshot(&self, request_index: u64, to: u64) -> Result<Snapshot> {
        let at_least = request_index.max(self.spans.truncated().0);
        let Some((id, index, term, conf_state)) = self.snapshots.borrow_mut().wanted(to, at_least) else {
            return Err(StorageError::SnapshotTemporarilyUnavailable.into());
        };
        Ok(Snapshot {
            data: id.into_bytes(),
            metadata: Some(SnapshotMetadata { conf_state: Some(conf_state), index, term }),
        })
    }
}
