//! What can go wrong with a backup: what happened and what to do.

use std::io;
use std::path::{Path, PathBuf};

use crate::init::InitError;
use crate::services::secrets::NoRandomness;
use crate::store::{DataDirError, DiskProblem, StoreProblem};

/// A backup cannot be made, read or restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file system said no.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was being done.
        what: &'static str,
        /// With which file or directory.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// There is no repository.
    #[error(
        "{} holds no repository of backups; is it mounted? A new one is made by `lectern-server backup init --to DIR`", .0.display()
    )]
    NoRepository(PathBuf),
    /// Something else is there.
    #[error("{} is not empty; give a directory that is, or does not exist yet", .0.display())]
    NotEmpty(PathBuf),
    /// Somebody else writes.
    #[error("another backup, restore or prune is at work in {}; wait until it has ended", .0.display())]
    Busy(PathBuf),
    /// The passphrase file cannot be used.
    #[error("cannot use the passphrase file {}: {problem}", path.display())]
    Passphrase {
        /// Which file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// It is another passphrase.
    #[error("the passphrase does not open the repository {}; give the file it was made with", .0.display())]
    WrongPassphrase(PathBuf),
    /// A newer program wrote it.
    #[error("{what} has {version}, newer than this program understands; run the newer lectern-server")]
    Newer {
        /// Which thing.
        what: String,
        /// Which format or feature level.
        version: String,
    },
    /// Something that is there cannot be believed.
    #[error("{what} is damaged ({why}); restore another backup, or another copy of the repository")]
    Damaged {
        /// Which file of the repository, and which of the backup's.
        what: String,
        /// How it shows.
        why: String,
    },
    /// There is no such backup.
    #[error(
        "there is no backup {id:?} in {}; `lectern-server backup list` shows the ids of those there are (26 letters and digits)",
        path.display()
    )]
    NoBackup {
        /// Which one was asked for.
        id: String,
        /// The repository.
        path: PathBuf,
    },
    /// It lacks what another one has, or may.
    #[error("{why}; give --accept-loss to restore backup {id} all the same")]
    Loss {
        /// Which one.
        id: String,
        /// What it lacks.
        why: String,
    },
    /// Nothing was backed up yet.
    #[error("there is no backup in {} yet", .0.display())]
    NoBackups(PathBuf),
    /// The running node did not give a checkpoint.
    #[error("{0}")]
    Node(String),
    /// The node's data.
    #[error(transparent)]
    Disk(#[from] DiskProblem),
    /// The state in it.
    #[error(transparent)]
    Tables(#[from] lectern_lms::StoreError),
    /// The new cluster.
    #[error(transparent)]
    Init(#[from] InitError),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] NoRandomness),
}

impl From<StoreProblem> for BackupError {
    fn from(problem: StoreProblem) -> Self {
        Self::Disk(problem.into())
    }
}

impl From<DataDirError> for BackupError {
    fn from(problem: DataDirError) -> Self {
        Self::Disk(problem.into())
    }
}

/// For `map_err`: the file system said no while doing `what`.
pub(super) fn io_error(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_path_buf();
    move |source| BackupError::Io { what, path, source }
}
