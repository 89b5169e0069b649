//! The log writer: group commit.
//!
//! Whatever Persists wait are merged into one batch and one sync; while that sync is in flight the next ones gather. An
//! idle node writes at once. Everything that writes to the log's disk goes through here, in the replica's order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Instant;

use lectern_raft::{Batch, Disk, Input, Persist};

use super::Shared;
use super::apply_thread::{ApplyWork, Installing};
use crate::fatal;
use crate::store::LogDb;

/// Bytes after which no further Persist is merged.
const MERGED_BYTES: usize = 16 << 20;

/// What the replica wants done to the log's disk.
pub(super) enum LogWork {
    Persist(Persist),
    Compact { through: u64, batch: Batch },
    Install { id: String, index: u64, switch: Batch },
}

pub(super) struct LogWriter {
    pub(super) log: LogDb,
    pub(super) shared: Arc<Shared>,
    pub(super) apply: Sender<ApplyWork>,
}

impl LogWriter {
    /// Works until the raft thread is gone.
    pub(super) fn run(self, incoming: &Receiver<LogWork>) {
        let mut waiting = VecDeque::new();
        while let Ok(first) = incoming.recv() {
            waiting.push_back(first);
            waiting.extend(incoming.try_iter());
            while let Some(work) = waiting.pop_front() {
                match work {
                    LogWork::Persist(persist) => self.persist(persist, &mut waiting),
                    LogWork::Compact { through, batch } => self.compact(through, &batch),
                    LogWork::Install { id, index, switch } => self.install(id, index, &switch),
                }
            }
        }
    }

    fn persist(&self, first: Persist, waiting: &mut VecDeque<LogWork>) {
        let Persist { mut number, mut must_sync, mut batch, .. } = first;
        let mut bytes = batch_bytes(&batch);
        while bytes < MERGED_BYTES
            && let Some(LogWork::Persist(_)) = waiting.front()
            && let Some(LogWork::Persist(next)) = waiting.pop_front()
        {
            number = next.number;
            must_sync |= next.must_sync;
            bytes += batch_bytes(&next.batch);
            batch.append(next.batch);
        }
        if !batch.ops.is_empty() {
            self.write(&batch);
        }
        if must_sync {
            self.sync();
        }
        self.shared.inbox.push(Input::Persisted(number));
    }

    /// The state is durable (trap 24). Nothing waits for this batch to be, so that the next sync takes it along.
    fn compact(&self, through: u64, batch: &Batch) {
        self.write(batch);
        self.shared.inbox.push(Input::Compacted { through });
    }

    /// The switch to a staged snapshot: apply has drained and opened it, then one synced batch makes it count, then apply
    /// goes on with it.
    fn install(&self, id: String, index: u64, switch: &Batch) {
        let (opened, is_opened) = mpsc::channel();
        let (switched, is_switched) = mpsc::channel();
        let installing = Installing { id, index, opened, is_switched };
        if self.apply.send(ApplyWork::Install(installing)).is_err() || is_opened.recv().is_err() {
            // Apply is gone, so the process ends: the old state still counts.
            return;
        }
        self.write(switch);
        self.sync();
        let _ending = switched.send(());
    }

    fn write(&self, batch: &Batch) {
        if let Err(problem) = self.log.write(batch) {
            fatal::stop(&problem.to_string());
        }
    }

    fn sync(&self) {
        let began = Instant::now();
        if let Err(problem) = self.log.sync() {
            fatal::abort(&problem.to_string());
        }
        let took = began.elapsed();
        metrics::histogram!("lectern_log_fsync_seconds").record(took.as_secs_f64());
        self.shared.board.vitals().log_synced(took);
    }
}

fn batch_bytes(batch: &Batch) -> usize {
    let bytes = |op: &lectern_raft::Op| match op {
        lectern_raft::Op::Put(key, value) => key.len() + value.len(),
        lectern_raft::Op::DeleteRange(from, to) => from.len() + to.len(),
    };
    batch.ops.iter().map(bytes).sum()
}
