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
//! <data>/staging/partial/   a peer's snapshot on its way in
//! <data>/staging/<id>/      one that is complete, and not yet installed
//! <data>/snapshots/<id>/    a checkpoint on its way out
//! <data>/backup/            the socket where backups are asked for, and the checkpoint of the one being made
//! <data>/last-scrub         when all of this was last read and found good, Unix milliseconds
//! ```
//!
//! Invariants:
//! * The state's write-ahead log is not synced with each batch: after a crash the replica's log replays the rest. It is
//!   synced before the replica's log is compacted (trap 24).
//! * One batch changes tables, applied index, configuration and hash chain together.
//! * The switch to an installed snapshot is one synced batch in `log/`: before it the old state directory counts, after
//!   it the new one. Directories that nothing names are deleted at start; only what a snapshot has brought so far is
//!   kept for a while, and gone on with.
//! * A chunk and its line in the chunk index are written, and deleted, together.

mod caches;
mod data_dir;
mod log_db;
mod open;
mod recent;
mod record_files;
mod rocks_scan;
mod scrub;
mod snapshot_rows;
mod snapshot_source;
mod staging;
mod state_db;
mod stopped;

pub use caches::Caches;
pub use data_dir::{DataDir, DataDirError, disk_space, sync_dir};
pub use log_db::LogDb;
pub use open::{DiskProblem, NodeDisk};
pub(crate) use scrub::{LOG_COLUMNS, STATE_COLUMNS, ScrubCopy, ScrubProblem, logs, scrub_log};
pub use snapshot_rows::{RowPlace, RowsSum, row_place};
pub use snapshot_source::SnapshotSource;
pub use staging::{ListedChunk, Staging, StagingProblem};
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
    #[error(
        "{what} in {path} cannot be read; the other nodes hold good copies: remove this node's data directory and let it join again under a new number"
    )]
    Damaged {
        /// Which thing.
        what: &'static str,
        /// Where.
        path: String,
    },
}

impl StoreProblem {
    /// Whether the disk returned something else than was written to it.
    pub(crate) fn is_damage(&self) -> bool {
        match self {
            Self::Rocks { source, .. } => source.as_ref().contains("Corruption"),
            Self::Damaged { .. } => true,
        }
    }

    /// Whether the disk has no room left.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self, Self::Rocks { source, .. } if source.as_ref().contains("No space left"))
    }

    /// What was being done, or is damaged, and where: without the advice for a store that the node cannot do without.
    pub(crate) fn what(&self) -> String {
        match self {
            Self::Rocks { what, path, source } => format!("{what} in {path}: {source}"),
            Self::Damaged { what, path } => format!("{what} in {path} cannot be read"),
        }
    }
}

/// What to do about an error of RocksDB, beginning with a space; empty when there is nothing better than the error.
fn advice(error: &rocksdb::Error) -> &'static str {
    let text = error.as_ref();
    if text.contains("No space left") {
        " (the disk is full: free space on it and start again; nothing acknowledged is lost)"
    } else if text.contains("Corruption") {
        " (the disk returned damaged data; the other nodes hold good copies: remove this node's data directory and let it join again under a new number)"
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
