//! Reads entries for followers that fell behind what the replica keeps in memory: off the raft thread, which must not wait
//! for a disk.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use lectern_raft::{Input, read_entries};

use super::Shared;
use crate::store::LogDb;

/// Entries `[low, high)` are asked for.
pub(super) struct Fetch {
    pub(super) number: u64,
    pub(super) low: u64,
    pub(super) high: u64,
}

pub(super) struct Fetcher {
    pub(super) log: LogDb,
    pub(super) shared: Arc<Shared>,
}

impl Fetcher {
    /// Works until the raft thread is gone. What cannot be read may have been compacted meanwhile: the replica judges.
    pub(super) fn run(self, incoming: &Receiver<Fetch>) {
        while let Ok(Fetch { number, low, high }) = incoming.recv() {
            let result = read_entries(&self.log, low, high).map_err(|problem| problem.to_string());
            self.shared.inbox.push(Input::EntriesFetched { fetch: number, result });
        }
    }
}
