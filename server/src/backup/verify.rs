//! Reading a backup back, and finding out whether a cluster could begin from it.

use std::fs;
use std::path::Path;

use lectern_lms::{ALL_TABLES, Order, Store, lookup};
use tempfile::TempDir;

use super::BackupError;
use super::error::io_error;
use super::manifest::Manifest;
use super::progress::Progress;
use super::repository::{Access, Repository, private};
use crate::store::{Caches, StateDb, sync_dir};

/// Memory for looking at what was written out.
const CACHE_BYTES: usize = 32 << 20;
/// Rows read at once; a chunk of a file has 256 KiB.
const PAGE: usize = 64;

/// A backup that is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verified {
    pub(super) manifest: Manifest,
    /// Rows that were read from its tables.
    pub(super) rows: u64,
}

/// Which backups.
#[derive(Clone, Copy, Debug)]
pub(super) enum Which<'a> {
    Newest,
    One(&'a str),
    All,
}

/// What was found out about a backup.
pub(super) struct Judged {
    pub(super) id: String,
    pub(super) found: Result<Verified, BackupError>,
}

/// Reads backups back as a restore would, into a directory below `scratch` that is deleted, and opens them. One that is not
/// good keeps nobody from judging the others.
pub(super) fn verify(
    root: &Path,
    passphrase: &[u8],
    which: Which<'_>,
    scratch: &Path,
) -> Result<Vec<Judged>, BackupError> {
    let repository = Repository::open(root, passphrase, Access::Read)?;
    let mut ids = repository.backups()?;
    if let Which::One(id) = which {
        if !ids.iter().any(|there| there == id) {
            return Err(BackupError::NoBackup { id: id.into(), path: root.to_path_buf() });
        }
        ids = vec![id.to_owned()];
    }
    if matches!(which, Which::Newest) {
        ids.drain(..ids.len().saturating_sub(1));
    }
    if ids.is_empty() {
        return Err(BackupError::NoBackups(root.to_path_buf()));
    }
    let judge = |id: String| {
        let found = repository.manifest(&id).and_then(|manifest| verify_one(&repository, manifest, scratch));
        Judged { id, found }
    };
    Ok(ids.into_iter().map(judge).collect())
}

fn verify_one(repository: &Repository, manifest: Manifest, scratch: &Path) -> Result<Verified, BackupError> {
    let temp = TempDir::with_prefix_in("lectern-verify-", scratch).map_err(io_error("write to", scratch))?;
    extract(repository, &manifest, temp.path(), "verifying")?;
    let state = open(&manifest, temp.path())?;
    let rows = read_all(&state)?;
    Ok(Verified { manifest, rows })
}

/// Writes a backup's files into an existing, empty directory, checked and durable.
pub(super) fn extract(
    repository: &Repository,
    manifest: &Manifest,
    directory: &Path,
    what: &'static str,
) -> Result<(), BackupError> {
    let progress = Progress::new(what, manifest.bytes());
    for listed in &manifest.files {
        let path = directory.join(&listed.name);
        let file = private().create_new(true).open(&path).map_err(io_error("write", &path))?;
        repository.read_object(&listed.digest(), &listed.name, &mut progress.writing(&file))?;
        file.sync_all().map_err(io_error("sync", &path))?;
        if fs::metadata(&path).map_err(io_error("read", &path))?.len() != listed.bytes {
            let what = format!("the manifest of backup {}", manifest.id);
            return Err(BackupError::Damaged { what, why: format!("{} has another length", listed.name) });
        }
    }
    sync_dir(directory).map_err(io_error("sync", directory))
}

/// Opens what was written out, for looking at it, and compares it with the manifest.
pub(super) fn open(manifest: &Manifest, directory: &Path) -> Result<StateDb, BackupError> {
    let state = StateDb::open_read_only(directory, &Caches::new(CACHE_BYTES, CACHE_BYTES))?;
    let meta = state.meta()?;
    let cluster = lookup::cluster(&state.newest())?;
    let differs = |what: &str| BackupError::Damaged {
        what: format!("backup {}", manifest.id),
        why: format!("its state has {what} than its manifest says"),
    };
    if (meta.index, meta.term) != (manifest.index, manifest.term) {
        return Err(differs("applied another entry"));
    }
    if Some(meta.chain) != manifest.chain() {
        return Err(differs("another hash chain"));
    }
    if cluster.cluster_id != manifest.cluster_id || cluster.feature_level != manifest.feature_level {
        return Err(differs("another cluster or feature level"));
    }
    Ok(state)
}

/// Reads every row of every table: RocksDB compares the checksum of each block.
fn read_all(state: &StateDb) -> Result<u64, BackupError> {
    let (store, mut rows) = (state.read(), 0);
    for table in ALL_TABLES {
        let mut from = Vec::new();
        loop {
            let page = store.range(*table, &from, None, Order::Ascending, PAGE)?;
            rows += page.len() as u64;
            let Some((last, _)) = page.last().filter(|_| page.len() == PAGE) else { break };
            from.clone_from(last);
            from.push(0);
        }
    }
    Ok(rows)
}
