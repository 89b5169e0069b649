//! Taking hold of a node's directory.

use std::path::Path;

use lectern_raft::{Identity, OpenError};

use super::{Caches, DataDir, DataDirError, LogDb, StoreProblem};

/// A node's disk cannot be used: what is wrong and what to do.
#[derive(Debug, thiserror::Error)]
pub enum DiskProblem {
    /// The data directory.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// A database.
    #[error(transparent)]
    Store(#[from] StoreProblem),
    /// The replica's log.
    #[error(transparent)]
    Log(#[from] OpenError),
}

/// A data directory that this process holds, with its log open.
pub struct NodeDisk {
    /// The directory.
    pub data: DataDir,
    /// The log in it.
    pub log: LogDb,
    /// Whose log it is; `None` where it was not founded yet.
    pub identity: Option<Identity>,
}

impl NodeDisk {
    /// Takes the directory and opens its log, making both where there are none.
    pub fn open(root: &Path, caches: &Caches) -> Result<Self, DiskProblem> {
        let data = DataDir::lock(root)?;
        let log = LogDb::open(&data.log(), caches)?;
        let identity = lectern_raft::load_identity(&log)?;
        Ok(Self { data, log, identity })
    }
}
