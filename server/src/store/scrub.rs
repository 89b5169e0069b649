//! Reading what is on the disk only to see whether it is still what was written: piece by piece, so that it can be slow.
//!
//! Tables are read through RocksDB with its checksums verified, in a checkpoint of their own (hard links, so the same bytes on
//! the disk): the node's caches, which may hold blocks as they were before they rotted, are not asked. A chunk is hashed
//! again besides: its key is its digest. Logs and manifests, which RocksDB reads at start only, are checked record by record.

use std::io;
use std::path::{Path, PathBuf};

use rocksdb::checkpoint::Checkpoint;
use rocksdb::{ColumnFamilyDescriptor, DB, DEFAULT_COLUMN_FAMILY_NAME};

use super::record_files::{Damage, check_blob_file, check_log, files, is_blob_file, is_log};
use super::state_db::{CHUNK_INDEX, CHUNKS, META, TABLES, bulk_read, columns};
use super::{Caches, LogDb, StateDb};

/// Memory of a scrub, for the indexes of tables.
const CACHE_BYTES: usize = 8 << 20;
/// What a scrub reads in a log.
pub(crate) const LOG_COLUMNS: [&str; 1] = [DEFAULT_COLUMN_FAMILY_NAME];
/// What a scrub reads in a state, in this order.
pub(crate) const STATE_COLUMNS: [&str; 4] = [META, TABLES, CHUNK_INDEX, CHUNKS];
/// Chunks begin after the table's number in their key.
const DIGEST_AT: usize = 1;

/// A scrub cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ScrubProblem {
    /// The disk returned something else than was written to it.
    #[error(
        "{} is damaged on the disk: {}. The other nodes hold good copies: look after this disk, remove the data directory \
         {} and let this node join again under a new number",
        .damage.path.display(), .damage.problem, .data.display()
    )]
    Damaged {
        /// What is damaged.
        damage: Damage,
        /// This node's data directory.
        data: PathBuf,
    },
    /// Something could not be read at all.
    #[error("cannot read {path}: {problem}")]
    Unreadable {
        /// What.
        path: PathBuf,
        /// What the system, or RocksDB, said.
        problem: String,
    },
}

/// A piece that was read, and is good.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Bytes read.
    pub(crate) bytes: usize,
    /// The last key, when there is more.
    pub(crate) last: Option<Vec<u8>>,
}

/// A database as it is on the disk. Deleted when dropped.
pub(crate) struct ScrubCopy {
    /// `None` only while it is dropped.
    db: Option<DB>,
    dir: PathBuf,
    /// The directory of the database itself.
    of: PathBuf,
}

impl StateDb {
    /// A copy to scrub, made at `dir`.
    pub(crate) fn scrub_copy(&self, dir: &Path) -> Result<ScrubCopy, ScrubProblem> {
        let caches = Caches::new(CACHE_BYTES, CACHE_BYTES);
        ScrubCopy::new(&self.db, dir, &caches, columns(&caches))
    }
}

impl LogDb {
    /// A copy to scrub, made at `dir`.
    pub(crate) fn scrub_copy(&self, dir: &Path) -> Result<ScrubCopy, ScrubProblem> {
        let caches = Caches::new(CACHE_BYTES, CACHE_BYTES);
        let column = ColumnFamilyDescriptor::new(DEFAULT_COLUMN_FAMILY_NAME, caches.table_options());
        ScrubCopy::new(&self.db, dir, &caches, vec![column])
    }
}

impl ScrubCopy {
    fn new(of: &DB, dir: &Path, caches: &Caches, columns: Vec<ColumnFamilyDescriptor>) -> Result<Self, ScrubProblem> {
        let mut copy = Self { db: None, dir: dir.into(), of: of.path().into() };
        copy.delete();
        let made = Checkpoint::new(of).and_then(|checkpoint| checkpoint.create_checkpoint(dir));
        made.map_err(|error| copy.describe(error.as_ref()))?;
        let opened = DB::open_cf_descriptors_read_only(&caches.database_options(), dir, columns, false);
        copy.db = Some(opened.map_err(|error| copy.describe(error.as_ref()))?);
        Ok(copy)
    }

    /// Reads rows of a column family after that key, about `max_bytes` of them.
    pub(crate) fn read(&self, column: &str, after: Option<&[u8]>, max_bytes: usize) -> Result<Piece, ScrubProblem> {
        let db = self.db.as_ref().expect("it is open until it is dropped");
        let handle = db.cf_handle(column).expect("every column family is opened with the database");
        let mut cursor = db.raw_iterator_cf_opt(handle, bulk_read());
        match after {
            Some(after) => cursor.seek([after, &[0]].concat()),
            None => cursor.seek_to_first(),
        }
        let mut piece = Piece::default();
        while let Some((key, value)) = cursor.item() {
            if column == CHUNKS && blake3::hash(value).as_bytes()[..] != key[DIGEST_AT..] {
                let problem = "a chunk in it does not have its digest".into();
                return Err(damaged(Damage { path: self.of.clone(), problem }));
            }
            piece.bytes += key.len() + value.len();
            if piece.bytes >= max_bytes {
                piece.last = Some(key.to_vec());
                break;
            }
            cursor.next();
        }
        cursor.status().map_err(|error| self.describe(error.as_ref()))?;
        Ok(piece)
    }

    /// Looks up a key of every table file: what a look-up reads (filters) and a walk through the rows does not.
    pub(crate) fn look_up(&self) -> Result<(), ScrubProblem> {
        let db = self.db.as_ref().expect("it is open until it is dropped");
        let failed = |error: rocksdb::Error| self.describe(error.as_ref());
        for file in db.live_files().map_err(failed)? {
            let handle =
                db.cf_handle(&file.column_family_name).expect("every column family is opened with the database");
            for key in file.start_key.into_iter().chain(file.end_key) {
                db.get_pinned_cf_opt(handle, key, &bulk_read()).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Names the file behind what RocksDB says, by its name in the database itself.
    fn describe(&self, problem: &str) -> ScrubProblem {
        let (copy, of) = (self.dir.display().to_string(), self.of.display().to_string());
        let problem = problem.replace(&copy, &of);
        if !problem.contains("Corruption") {
            return ScrubProblem::Unreadable { path: self.of.clone(), problem };
        }
        if let Some(path) = problem.split_whitespace().find(|word| word.starts_with(&of)) {
            return damaged(Damage { path: path.trim_end_matches(':').into(), problem });
        }
        // RocksDB does not name blob files.
        for path in files(&self.of, is_blob_file).unwrap_or_default() {
            if let Ok(Some(damage)) = check_blob_file(&path, |_| ()) {
                return damaged(damage);
            }
        }
        damaged(Damage { path: self.of.clone(), problem })
    }

    fn delete(&self) {
        if let Err(problem) = std::fs::remove_dir_all(&self.dir)
            && problem.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.dir.display(), %problem, "could not delete a directory");
        }
    }
}

impl Drop for ScrubCopy {
    fn drop(&mut self) {
        self.db = None;
        self.delete();
    }
}

/// The logs and manifests of a database's directory.
pub(crate) fn logs(dir: &Path) -> Result<Vec<PathBuf>, ScrubProblem> {
    match files(dir, is_log) {
        Ok(found) => Ok(found),
        // A state that was replaced a moment ago.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(unreadable(dir, &error)),
    }
}

/// Checks one of them; `read` hears of the bytes.
pub(crate) fn scrub_log(path: &Path, read: impl FnMut(usize)) -> Result<(), ScrubProblem> {
    match check_log(path, read) {
        Ok(None) => Ok(()),
        Ok(Some(damage)) => Err(damaged(damage)),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// `<data>/log/<file>` and `<data>/state/<name>/<file>`.
fn damaged(damage: Damage) -> ScrubProblem {
    let is_database = |dir: &&Path| dir.ends_with("log") || dir.ends_with("state");
    let data = damage.path.ancestors().find(is_database).and_then(Path::parent).unwrap_or(&damage.path).to_path_buf();
    ScrubProblem::Damaged { damage, data }
}

fn unreadable(path: &Path, error: &io::Error) -> ScrubProblem {
    ScrubProblem::Unreadable { path: path.into(), problem: error.to_string() }
}

#[cfg(test)]
#[path = "scrub_tests.rs"]
mod tests;
