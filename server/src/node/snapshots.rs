//! The snapshot worker: makes checkpoints, and deletes what is no longer needed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;
use std::{fs, io};

use lectern_raft::{Input, NodeId, SnapshotMeta};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::Shared;
use crate::peer::Hub;
use crate::store::{Caches, DataDir, StateDb};

/// How long apply may take to reach the index that a checkpoint must have.
const APPLY_DEADLINE: Duration = Duration::from_secs(30);
/// How often retired states are looked at.
const RETIRE_INTERVAL: Duration = Duration::from_millis(500);

/// What the worker is told.
pub(super) enum SnapshotWork {
    /// Make a checkpoint that has applied at least this index.
    Make { to: NodeId, at_least: u64 },
    /// Stream it.
    Send { to: NodeId, id: String, message: Vec<u8> },
    /// It was sent, or given up.
    Sent { id: String },
    /// The replica does not want this checkpoint, on its way or not, or this staged snapshot.
    Discard { id: String },
    /// This state was replaced: delete it when its last reader is gone.
    Retire(Arc<StateDb>),
}

pub(super) struct SnapshotWorker {
    pub(super) shared: Arc<Shared>,
    pub(super) hub: Arc<Hub>,
    pub(super) data: Arc<DataDir>,
    pub(super) caches: Caches,
    pub(super) runtime: Handle,
    /// To itself, for what happens later.
    pub(super) later: Sender<SnapshotWork>,
    /// Made and not yet sent, for whom.
    pub(super) made: BTreeMap<NodeId, String>,
    /// On their way.
    pub(super) sending: BTreeMap<String, AbortHandle>,
    pub(super) retired: Vec<Arc<StateDb>>,
}

impl SnapshotWorker {
    /// Works until told to end by the closing of `incoming`, or `stopping`.
    pub(super) fn run(mut self, incoming: &Receiver<SnapshotWork>) {
        loop {
            match incoming.recv_timeout(RETIRE_INTERVAL) {
                Ok(work) => self.work(work),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.delete_retired();
            self.hub.drop_stale_snapshot();
            if self.shared.is_stopped() {
                return;
            }
        }
    }

    fn work(&mut self, work: SnapshotWork) {
        match work {
            SnapshotWork::Make { to, at_least } => {
                let result = self.make(to, at_least);
                if let Err(problem) = &result {
                    tracing::warn!(to, problem, "could not make a snapshot");
                }
                self.shared.inbox.push(Input::SnapshotMade { to, result });
            }
            SnapshotWork::Send { to, id, message } => {
                self.made.remove(&to);
                let later = self.later.clone();
                let sending = self.hub.send_snapshot(to, id.clone(), message, move |id| {
                    let _ending = later.send(SnapshotWork::Sent { id });
                });
                self.sending.insert(id, sending);
            }
            SnapshotWork::Sent { id } => {
                self.sending.remove(&id);
                delete(&self.data.snapshot(&id));
            }
            SnapshotWork::Discard { id } => {
                if let Some(sending) = self.sending.remove(&id) {
                    tracing::warn!(id, "gave up sending a snapshot");
                    sending.abort();
                }
                self.made.retain(|_, made| *made != id);
                delete(&self.data.staging(&id));
                delete(&self.data.snapshot(&id));
            }
            SnapshotWork::Retire(state) => self.retired.push(state),
        }
    }

    fn make(&mut self, to: NodeId, at_least: u64) -> Result<SnapshotMeta, String> {
        if let Some(unsent) = self.made.remove(&to) {
            delete(&self.data.snapshot(&unsent));
        }
        let mut applied = self.shared.events.applied();
        let reached =
            async { tokio::time::timeout(APPLY_DEADLINE, applied.wait_for(|index| *index >= at_least)).await.is_ok() };
        if !self.runtime.block_on(reached) {
            return Err(format!("entry {at_least} is not applied yet"));
        }
        let name = ulid::Ulid::generate().to_string();
        let path = self.data.snapshot(&name);
        let made = self.shared.state.current().checkpoint(&path);
        let meta = made.and_then(|()| StateDb::checkpoint_meta(&path, &self.caches));
        match meta {
            Ok(meta) => {
                tracing::info!(to, id = name, index = meta.index, "made a snapshot");
                metrics::counter!("lectern_snapshots_made_total").increment(1);
                self.made.insert(to, name.clone());
                Ok(SnapshotMeta { id: name, index: meta.index, term: meta.term, conf_state: meta.conf_state })
            }
            Err(problem) => {
                delete(&path);
                Err(problem.to_string())
            }
        }
    }

    /// Closes and deletes the replaced states that nobody reads any more.
    fn delete_retired(&mut self) {
        let (idle, read): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.retired).into_iter().partition(|state| Arc::strong_count(state) == 1);
        self.retired = read;
        for state in idle {
            let path = state.path().to_path_buf();
            drop(state);
            delete(&path);
        }
    }
}

/// Deletes a directory if it is there; what cannot be deleted now is swept at the next start.
fn delete(path: &std::path::Path) {
    if let Err(problem) = fs::remove_dir_all(path)
        && problem.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %problem, "could not delete a directory");
    }
}
