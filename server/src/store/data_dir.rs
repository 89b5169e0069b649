//! The data directory: where things are, that one process has it, and what to sweep away.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How long an unfinished snapshot is kept while nobody sends more of it.
const PARTIAL_KEPT: Duration = Duration::from_hours(1);
/// What only its owner may do with a directory.
const PRIVATE: u32 = 0o700;
const LOCK: &str = "LOCK";
const STAGING: &str = "staging";
const PARTIAL: &str = "partial";

/// A data directory that this process holds.
#[derive(Debug)]
pub struct DataDir {
    root: PathBuf,
    _lock: File,
}

/// The data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process has it.
    #[error("another lectern-server is running on the data directory {0}; stop it, or give this one another directory")]
    Locked(PathBuf),
    /// The file system said no.
    #[error("cannot use the data directory {path}: {source}")]
    Io {
        /// Which file or directory.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

/// Makes a directory that only its owner may look into: in it are passwords' hashes, grades and everybody's work. One that is
/// a node's, or empty, is closed to others; whatever else it may be is left as it is.
fn make_private(root: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(PRIVATE).create(root)?;
    let mut permissions = fs::metadata(root)?.permissions();
    let is_own = root.join(LOCK).exists() || fs::read_dir(root)?.next().is_none();
    if is_own && permissions.mode() & 0o077 != 0 {
        permissions.set_mode(PRIVATE);
        fs::set_permissions(root, permissions)?;
    }
    Ok(())
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> DataDirError {
    let path = path.to_path_buf();
    move |source| DataDirError::Io { path, source }
}

impl DataDir {
    /// Takes the directory for this process, making it where there is none. Held until dropped.
    pub fn lock(root: &Path) -> Result<Self, DataDirError> {
        make_private(root).map_err(io_error(root))?;
        let path = root.join(LOCK);
        let lock = File::options().create(true).truncate(false).write(true).open(&path).map_err(io_error(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DataDirError::Locked(root.to_path_buf())),
            Err(TryLockError::Error(source)) => return Err(DataDirError::Io { path, source }),
        }
        Ok(Self { root: root.to_path_buf(), _lock: lock })
    }

    /// Takes a directory that a node was founded in, for looking at: nothing is written. `None` where there is no node.
    pub fn hold(root: &Path) -> Result<Option<Self>, DataDirError> {
        let path = root.join(LOCK);
        let lock = match File::open(&path) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(DataDirError::Io { path, source }),
        };
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self { root: root.to_path_buf(), _lock: lock })),
            Err(TryLockError::WouldBlock) => Err(DataDirError::Locked(root.to_path_buf())),
            Err(TryLockError::Error(source)) => Err(DataDirError::Io { path, source }),
        }
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The replica's log.
    pub fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    /// A state directory by name.
    pub fn state(&self, name: &str) -> PathBuf {
        self.root.join("state").join(name)
    }

    /// A peer's snapshot on its way in.
    pub fn partial(&self) -> PathBuf {
        self.root.join(STAGING).join(PARTIAL)
    }

    /// A peer's snapshot that is complete.
    pub fn staging(&self, id: &str) -> PathBuf {
        self.root.join(STAGING).join(id)
    }

    /// Names a snapshot that has become complete, durably.
    pub fn complete_partial(&self, id: &str) -> io::Result<()> {
        fs::rename(self.partial(), self.staging(id))?;
        sync_dir(&self.root.join(STAGING))
    }

    /// Deletes an unfinished snapshot. Not to be called while one is received.
    pub fn delete_partial(&self) -> io::Result<()> {
        let partial = self.partial();
        if partial.exists() { remove(&partial) } else { Ok(()) }
    }

    /// Deletes an unfinished snapshot that nobody has sent more of for long. Not to be called while one is received.
    pub fn drop_stale_partial(&self) -> io::Result<()> {
        let partial = self.partial();
        if partial.exists() && !is_recent(&partial) {
            tracing::info!(path = %partial.display(), "deleting a snapshot that nobody went on with");
            remove(&partial)?;
        }
        Ok(())
    }

    /// A checkpoint on its way out.
    pub fn snapshot(&self, id: &str) -> PathBuf {
        self.root.join("snapshots").join(id)
    }

    /// What the cluster was founded with.
    pub fn genesis(&self) -> PathBuf {
        self.root.join("genesis.json")
    }

    /// What this node was told when it joined the cluster.
    pub fn joined(&self) -> PathBuf {
        self.root.join("joined.json")
    }

    /// Who this node says it is while it joins.
    pub fn joining(&self) -> PathBuf {
        self.root.join("joining")
    }

    /// With which operators prove who they are where there is no TLS.
    pub fn operator_key(&self) -> PathBuf {
        self.root.join(lectern_rpc::proof::OPERATOR_KEY_FILE)
    }

    /// When everything was last read and found good.
    pub fn last_scrub(&self) -> PathBuf {
        self.root.join("last-scrub")
    }

    /// Makes the directories, and deletes every state, staged snapshot and checkpoint but the state `keep`. What a snapshot
    /// has brought lately stays: the next one goes on with it.
    pub fn sweep(&self, keep: &str) -> Result<(), DataDirError> {
        for parent in ["state", STAGING, "snapshots"] {
            let parent_path = self.root.join(parent);
            fs::create_dir_all(&parent_path).map_err(io_error(&parent_path))?;
            let kept = match parent {
                "state" => Some(self.state(keep)),
                STAGING => self.recent_partial()?,
                _ => None,
            };
            for path in entries(&parent_path)? {
                if Some(&path) != kept.as_ref() {
                    tracing::info!(path = %path.display(), "deleting what nothing names");
                    remove(&path).map_err(io_error(&path))?;
                }
            }
        }
        Ok(())
    }

    /// The unfinished snapshot that can be gone on with. One that was complete and never installed serves as well.
    fn recent_partial(&self) -> Result<Option<PathBuf>, DataDirError> {
        let partial = self.partial();
        let usable = |path: &Path| path.join("CURRENT").is_file() && is_recent(path);
        if !partial.exists()
            && let Some(complete) = entries(&self.root.join(STAGING))?.into_iter().find(|path| usable(path))
        {
            fs::rename(&complete, &partial).map_err(io_error(&complete))?;
        }
        Ok(usable(&partial).then_some(partial))
    }

    /// Makes a received snapshot the state directory of the same name, durably. Nothing names it yet.
    pub fn promote_staged(&self, id: &str) -> io::Result<PathBuf> {
        let state = self.state(id);
        let parent = self.root.join("state");
        fs::create_dir_all(&parent)?;
        fs::rename(self.staging(id), &state)?;
        sync_dir(&parent)?;
        Ok(state)
    }

    /// Writes a file of the directory's root atomically and durably, for its owner's eyes only.
    pub fn write_file(&self, path: &Path, contents: &[u8]) -> Result<(), DataDirError> {
        let partial = path.with_extension("partial");
        let written = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&partial)
            .and_then(|mut file| file.write_all(contents).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&partial, path))
            .and_then(|()| sync_dir(&self.root));
        written.map_err(io_error(path))
    }
}

/// Bytes of a path's file system that are free for this user, and all there are; zeros where it does not say.
pub fn disk_space(path: &Path) -> (u64, u64) {
    rustix::fs::statvfs(path)
        .map(|fs| (fs.f_bavail.saturating_mul(fs.f_frsize), fs.f_blocks.saturating_mul(fs.f_frsize)))
        .unwrap_or_default()
}

/// Makes the names in a directory durable.
pub fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn entries(path: &Path) -> Result<Vec<PathBuf>, DataDirError> {
    let listed = fs::read_dir(path).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    listed.map_err(io_error(path))
}

/// Whether files came to a directory lately.
fn is_recent(path: &Path) -> bool {
    let changed = fs::metadata(path).and_then(|metadata| metadata.modified());
    // A clock that was set back makes nothing old.
    changed.is_ok_and(|changed| SystemTime::now().duration_since(changed).unwrap_or_default() < PARTIAL_KEPT)
}

fn remove(path: &Path) -> io::Result<()> {
    if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_processes_never_share_a_data_directory() {
        let temp = tempfile::tempdir().unwrap();
        let held = DataDir::lock(temp.path()).unwrap();
        assert!(matches!(DataDir::lock(temp.path()), Err(DataDirError::Locked(_))));
        drop(held);
        DataDir::lock(temp.path()).unwrap();
    }

    #[test]
    fn nobody_else_may_look_into_a_node() {
        let temp = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let open_to_all = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        let (new, found, other) = (temp.path().join("new/node"), temp.path().join("found"), temp.path().join("other"));
        drop(DataDir::lock(&new).unwrap());
        assert_eq!(mode(&new), PRIVATE);
        open_to_all(&new);
        drop(DataDir::lock(&new).unwrap());
        assert_eq!(mode(&new), PRIVATE, "as earlier releases left it");
        fs::create_dir(&found).unwrap();
        open_to_all(&found);
        drop(DataDir::lock(&found).unwrap());
        assert_eq!(mode(&found), PRIVATE, "empty");
        fs::create_dir(&other).unwrap();
        fs::write(other.join("letters"), "").unwrap();
        open_to_all(&other);
        drop(DataDir::lock(&other).unwrap());
        assert_eq!(mode(&other), 0o755, "somebody else's");
    }

    #[test]
    fn looking_at_a_directory_makes_nothing_and_waits_for_nobody() {
        let temp = tempfile::tempdir().unwrap();
        assert!(DataDir::hold(temp.path()).unwrap().is_none());
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 0);
        let held = DataDir::lock(temp.path()).unwrap();
        assert!(matches!(DataDir::hold(temp.path()), Err(DataDirError::Locked(_))));
        drop(held);
        let looking = DataDir::hold(temp.path()).unwrap();
        assert!(matches!(DataDir::lock(temp.path()), Err(DataDirError::Locked(_))));
        drop(looking);
    }

    #[test]
    fn a_sweep_keeps_only_the_state_that_is_named() {
        let temp = tempfile::tempdir().unwrap();
        let dir = DataDir::lock(temp.path()).unwrap();
        for path in [dir.state("kept"), dir.state("old"), dir.staging("half"), dir.snapshot("out")] {
            fs::create_dir_all(path.join("inside")).unwrap();
        }
        dir.sweep("kept").unwrap();
        assert!(dir.state("kept").join("inside").is_dir());
        assert!(!dir.state("old").exists());
        assert!(!dir.staging("half").exists());
        assert!(!dir.snapshot("out").exists());
    }

    #[test]
    fn a_sweep_keeps_what_a_snapshot_has_brought_lately_and_nothing_else_of_it() {
        let temp = tempfile::tempdir().unwrap();
        let dir = DataDir::lock(temp.path()).unwrap();
        let database = |path: &Path| {
            fs::create_dir_all(path).unwrap();
            fs::write(path.join("CURRENT"), "").unwrap();
        };
        database(&dir.staging("complete"));
        dir.sweep("").unwrap();
        assert!(dir.partial().exists() && !dir.staging("complete").exists());
        database(&dir.staging("another"));
        fs::create_dir(dir.staging("partial.tmp")).unwrap();
        dir.sweep("").unwrap();
        assert_eq!(entries(&temp.path().join(STAGING)).unwrap(), [dir.partial()]);

        let long_ago = SystemTime::now() - 2 * PARTIAL_KEPT;
        File::open(dir.partial()).unwrap().set_modified(long_ago).unwrap();
        dir.drop_stale_partial().unwrap();
        assert!(!dir.partial().exists());
        database(&dir.partial());
        File::open(dir.partial()).unwrap().set_modified(long_ago).unwrap();
        dir.sweep("").unwrap();
        assert!(!dir.partial().exists());
    }
}
