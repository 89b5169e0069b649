//! Makes the state durable before entries that could rebuild it go (trap 24): off the log writer, so that no entry waits for
//! the sync of another database.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use lectern_raft::Batch;

use super::Shared;
use super::log_writer::LogWork;
use crate::fatal;

/// Entries up to and including `through` are to go.
pub(super) struct Compaction {
    pub(super) through: u64,
    pub(super) batch: Batch,
}

pub(super) struct Compactor {
    pub(super) shared: Arc<Shared>,
    pub(super) log: Sender<LogWork>,
}

impl Compactor {
    /// Works until the raft thread is gone. The replica asks for one compaction at a time, and installs no snapshot
    /// meanwhile, so that the state synced here is the one in use.
    pub(super) fn run(self, incoming: &Receiver<Compaction>) {
        while let Ok(Compaction { through, batch }) = incoming.recv() {
            if let Err(problem) = self.shared.state.current().sync() {
                fatal::abort(&problem.to_string());
            }
            let _ending = self.log.send(LogWork::Compact { through, batch });
        }
    }
}
