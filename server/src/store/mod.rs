//! What a node keeps on disk.
//!
//! ```text
//! <data>/LOCK               held while a process runs on this directory
//! <data>/genesis.json       what the cluster was founded with; at founding nodes
//! <data>/joined.json        what the node was told when it joined; at all others
//! <data>/joining            the incarnation of a node that has no number yet
//! <data>/operator.key       with which operators prove who they are where there is no TLS
//! <data>/log/               RocksDB: the replica's log and hard state; synced
//! <data>/state/<name>/      RocksDB: the tables, applied index, configuration, hash chain; the log names the one in use
//! <data>/staging/<id>/      a peer's snapshot on its way in
//! <data>/snapshots/<id>/    a checkpoint on its way out
//! <data>/backup/            the socket where backups are asked for, and the checkpoint of the one being made
//! ```
//!
//! Invariants:
//! * The state's write-ahead log is not synced with each batch: after a crash the replica's log replays the rest. It is
//!   synced before the replica's log is compacted (trap 24).
//! * One batch changes tables, applied index, configuration and hash chain together.
//! * The switch to an installed snapshot is one synced batch in `log/`: before it the old state directory counts, after
//!   it the new one. Directories that nothing names are deleted at start.

mod caches;
mod data_dir;
mod log_db;
mod open;
mod rocks_scan;
mod state_db;
mod stopped;

pub use caches::Caches;
pub use data_dir::{DataDir, DataDirError, sync_dir};
pub use log_db::LogDb;
pub use open::{DiskProblem, NodeDisk};
pub use state_db::{AppliedMeta, INITIAL_STATE, StateDb, StateRead, StateWrite};
pub use stopped::StoppedNode;

/// A store cannot be opened or used.
#[derive(Debug, thiserror::Error)]
pub enum StoreProblem {
    /// RocksDB said no.
    #[error("{what} in {path}: {source}{}", advice(source))]
    Rocks {
        /// What was being done.
        what: &'static str,
        /// Where.
        path: String,
        /// What RocksDB said.
        source: rocksdb::Error,
    },
    /// Something in the store cannot be read by this program.
    #[error("{what} in {path} cannot be read; restore this node from its peers (found it anew under a new node id)")]
    Damaged {
        /// Which thing.
        what: &'static str,
        /// Where.
        path: String,
    },
}

/// What to do about an error of RocksDB, beginning with a space; empty when there is nothing better than the error.
fn advice(error: &rocksdb::Error) -> &'static str {
    let text = error.as_ref();
    if text.contains("No space left") {
        " (the disk is full: free space on it and start again; nothing acknowledged is lost)"
    } else if text.contains("Corruption") {
        " (the disk returned damaged data: restore this node from its peers)"
    } else if let Some(advice) = crate::descriptors::advice(text) {
        advice
    } else if text.contains("Permission denied") || text.contains("Read-only file system") {
        " (this user may not write there)"
    } else {
        ""
    }
}

/// The text of a failed read or write, with what to do about it.
pub(crate) fn describe(error: &rocksdb::Error) -> String {
    format!("{error}{}", advice(error))
}
