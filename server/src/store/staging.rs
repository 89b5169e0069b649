//! A peer's snapshot on its way in.
//!
//! It begins as a copy of the node's own state (hard links: no byte is copied), so that the chunks this node has need not
//! travel. The rows of its tables are dropped and come from the peer; of the chunks, those that the peer's index lists and
//! this one does not are asked for, and those that it does not list are deleted.
//!
//! Nothing is written to a write-ahead log: the column families are flushed together, so that after a crash rows, chunks and
//! the place up to which there are rows fit together, and what is missing is sent again.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lectern_proto::internal::v1::{SnapshotHave, SnapshotRows, SnapshotTable};
use prost::Message as _;
use rocksdb::{ColumnFamily, ColumnFamilyDescriptor, DB, FlushOptions, WriteBatch};

use super::snapshot_rows::{ROW_TABLES, RowsHasher, RowsSum};
use super::state_db::{CHUNK_INDEX, CHUNKS, META, TABLES, bulk_read, chunk_key, chunk_length, columns, indexed_length};
use super::{Caches, StateDb, StoreProblem, sync_dir};

/// The chunk index as the peer has it; `CHUNK_INDEX` lists what is here.
const WANTED: &str = "wanted";
/// Which snapshot the rows are of, and up to where they are here.
const STAGED: &str = "staged";
const ID: &[u8] = b"id";
const PLACE: &[u8] = b"place";
/// Chunks that are looked for at once.
const CHUNKS_AT_ONCE: usize = 1_024;

/// A snapshot cannot be staged.
#[derive(Debug, thiserror::Error)]
pub enum StagingProblem {
    /// What is staged, on this node's disk.
    #[error(transparent)]
    Store(#[from] StoreProblem),
    /// The state in use, which the snapshot begins as a copy of.
    #[error(transparent)]
    Own(StoreProblem),
    /// The file system.
    #[error("cannot stage the snapshot in {path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// What came is not what was sent.
    #[error("{0} came damaged")]
    Damaged(&'static str),
}

impl StagingProblem {
    /// Whether the disk has no room left.
    pub(crate) fn is_full(&self) -> bool {
        match self {
            Self::Store(store) | Self::Own(store) => store.is_full(),
            Self::Io { source, .. } => source.kind() == std::io::ErrorKind::StorageFull,
            Self::Damaged(_) => false,
        }
    }
}

/// See the module.
pub struct Staging {
    db: DB,
    path: PathBuf,
    caches: Caches,
    work: Arc<AtomicU64>,
}

/// A chunk by its digest, and its length.
pub type ListedChunk = (Vec<u8>, u64);

impl Staging {
    /// Goes on with what is at `path`, or begins with a copy of `current`. `work` grows with everything that is done.
    pub fn open(path: &Path, current: &StateDb, work: Arc<AtomicU64>) -> Result<Self, StagingProblem> {
        if path.exists() {
            match Self::reopen(path, current.caches(), work.clone()) {
                Ok(staging) => return Ok(staging),
                Err(problem) => {
                    tracing::warn!(%problem, "an unfinished snapshot is of no use; beginning anew");
                    let failed = |source| StagingProblem::Io { path: path.to_path_buf(), source };
                    fs::remove_dir_all(path).map_err(failed)?;
                }
            }
        }
        current.checkpoint(path).map_err(StagingProblem::Own)?;
        Ok(Self::reopen(path, current.caches(), work)?)
    }

    fn reopen(path: &Path, caches: &Caches, work: Arc<AtomicU64>) -> Result<Self, StoreProblem> {
        let mut options = caches.database_options();
        options.create_missing_column_families(true);
        options.set_atomic_flush(true);
        let own = [WANTED, STAGED].map(|name| ColumnFamilyDescriptor::new(name, caches.table_options()));
        let columns = columns(caches).into_iter().chain(own);
        let db = DB::open_cf_descriptors(&options, path, columns).map_err(|source| StoreProblem::Rocks {
            what: "cannot open the staged snapshot",
            path: path.display().to_string(),
            source,
        })?;
        Ok(Self { db, path: path.to_path_buf(), caches: caches.clone(), work })
    }

    /// Prepares for the rows of the snapshot `id`. Returns which of them are here; rows of any other snapshot go.
    pub fn begin(&mut self, id: &str) -> Result<SnapshotHave, StagingProblem> {
        let get = |key| self.db.get_cf(self.column(STAGED), key).map_err(self.rocks("cannot read the staged snapshot"));
        if get(ID)?.as_deref() == Some(id.as_bytes()) {
            let place = get(PLACE)?.and_then(|place| SnapshotHave::decode(&place[..]).ok());
            return Ok(place.unwrap_or_default());
        }
        // First, so that a crash leaves no rows that are taken for those of another snapshot.
        let mut forget = WriteBatch::default();
        forget.delete_cf(self.column(STAGED), ID);
        forget.delete_cf(self.column(STAGED), PLACE);
        self.write(forget)?;
        self.flush()?;
        let options = self.caches.table_options();
        for name in [META, TABLES, WANTED] {
            let dropped = self.db.drop_cf(name).and_then(|()| self.db.create_cf(name, &options));
            dropped.map_err(self.rocks("cannot clear the staged snapshot"))?;
        }
        let mut name = WriteBatch::default();
        name.put_cf(self.column(STAGED), ID, id);
        self.write(name)?;
        Ok(SnapshotHave::default())
    }

    /// Takes the next rows, after those that `have` says are here; it says the new ones, too, then.
    pub fn add_rows(&self, rows: SnapshotRows, have: &mut SnapshotHave) -> Result<(), StagingProblem> {
        let table = rows.table();
        let column = self.column(staged_column(table));
        let Some(last) = rows.rows.last() else { return Ok(()) };
        have.set_table(table);
        have.key.clone_from(&last.key);
        let mut batch = WriteBatch::default();
        for row in rows.rows {
            have.row_bytes += (row.key.len() + row.value.len()) as u64;
            batch.put_cf(column, row.key, row.value);
        }
        batch.put_cf(self.column(STAGED), PLACE, have.encode_to_vec());
        self.write(batch)
    }

    /// Whether the rows here, read again from the disk, are those that were sent.
    pub fn check_rows(&self, rows: u64, digest: &[u8]) -> Result<(), StagingProblem> {
        let RowsSum { rows: here, digest: own, .. } = self.sum()?;
        if here == rows && own[..] == *digest { Ok(()) } else { Err(StagingProblem::Damaged("the snapshot's tables")) }
    }

    fn sum(&self) -> Result<RowsSum, StagingProblem> {
        let mut hasher = RowsHasher::default();
        for table in ROW_TABLES {
            self.each(staged_column(table), None, |key, value| {
                hasher.add(table, key, value);
                Ok(true)
            })?;
        }
        Ok(hasher.finish())
    }

    /// Bytes of all chunks that are missing.
    pub fn missing_bytes(&self) -> Result<u64, StagingProblem> {
        let mut bytes = 0;
        self.each_missing(None, |_, length| {
            bytes += length;
            true
        })?;
        Ok(bytes)
    }

    /// Missing chunks whose digests come after that one, at most `limit`.
    pub fn missing_after(&self, after: Option<&[u8]>, limit: usize) -> Result<Vec<ListedChunk>, StagingProblem> {
        let mut missing = Vec::new();
        self.each_missing(after, |digest, length| {
            missing.push((digest.to_vec(), length));
            missing.len() < limit
        })?;
        Ok(missing)
    }

    /// Takes missing chunks from `current`: it may have gone on since this was copied from it.
    pub fn copy_chunks(&self, current: &StateDb) -> Result<(), StagingProblem> {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let missing = self.missing_after(after.as_deref(), CHUNKS_AT_ONCE)?;
            let Some((last, _)) = missing.last() else { return Ok(()) };
            after = Some(last.clone());
            for (digest, _) in missing {
                if current.lists_chunk(&digest).map_err(StagingProblem::Own)?
                    && let Some(chunk) = current.read_chunk(&digest).map_err(StagingProblem::Own)?
                {
                    self.add_chunk(&digest, &chunk)?;
                }
            }
        }
    }

    /// Takes a chunk that was missing.
    pub fn add_chunk(&self, digest: &[u8], chunk: &[u8]) -> Result<(), StagingProblem> {
        if blake3::hash(chunk).as_bytes()[..] != *digest {
            return Err(StagingProblem::Damaged("a chunk"));
        }
        let mut batch = WriteBatch::default();
        batch.put_cf(self.column(CHUNKS), chunk_key(digest), chunk);
        batch.put_cf(self.column(CHUNK_INDEX), digest, chunk_length(chunk.len()));
        self.write(batch)
    }

    /// Makes what is here durable, to go on with it later.
    pub fn flush(&self) -> Result<(), StagingProblem> {
        let mut options = FlushOptions::default();
        options.set_wait(true);
        let all: Vec<&ColumnFamily> =
            [META, TABLES, CHUNKS, CHUNK_INDEX, WANTED, STAGED].into_iter().map(|name| self.column(name)).collect();
        let flushed = self.db.flush_cfs_opt(&all, &options);
        flushed.map_err(self.rocks("cannot write the staged snapshot")).map_err(Into::into)
    }

    /// Makes it a state like any other, durably, and closes it. Every row and chunk is here.
    pub fn finish(mut self) -> Result<(), StagingProblem> {
        if self.missing_bytes()? > 0 {
            return Err(StagingProblem::Damaged("the list of chunks"));
        }
        self.delete_surplus()?;
        self.flush()?;
        for name in [WANTED, STAGED] {
            self.db.drop_cf(name).map_err(self.rocks("cannot finish the staged snapshot"))?;
        }
        let path = self.path.clone();
        drop(self);
        sync_dir(&path).map_err(|source| StagingProblem::Io { path, source })
    }

    /// Deletes the chunks that the peer does not have.
    fn delete_surplus(&self) -> Result<(), StagingProblem> {
        self.each(CHUNK_INDEX, None, |digest, _| {
            if self.get(WANTED, digest)?.is_none() {
                let mut batch = WriteBatch::default();
                batch.delete_cf(self.column(CHUNKS), chunk_key(digest));
                batch.delete_cf(self.column(CHUNK_INDEX), digest);
                self.write(batch)?;
            }
            Ok(true)
        })
    }

    fn each_missing(
        &self,
        after: Option<&[u8]>,
        mut missing: impl FnMut(&[u8], u64) -> bool,
    ) -> Result<(), StagingProblem> {
        self.each(WANTED, after, |digest, length| {
            if self.get(CHUNK_INDEX, digest)?.is_some() {
                return Ok(true);
            }
            let length = indexed_length(length).ok_or(StagingProblem::Damaged("the list of chunks"))?;
            Ok(missing(digest, length))
        })
    }

    fn each(
        &self,
        column: &str,
        after: Option<&[u8]>,
        mut row: impl FnMut(&[u8], &[u8]) -> Result<bool, StagingProblem>,
    ) -> Result<(), StagingProblem> {
        let mut cursor = self.db.raw_iterator_cf_opt(self.column(column), bulk_read());
        match after {
            Some(after) => cursor.seek([after, &[0]].concat()),
            None => cursor.seek_to_first(),
        }
        while let Some((key, value)) = cursor.item() {
            self.work.fetch_add(1, Ordering::Relaxed);
            if !row(key, value)? {
                break;
            }
            cursor.next();
        }
        Ok(cursor.status().map_err(self.rocks("cannot read the staged snapshot"))?)
    }

    fn get(&self, column: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StagingProblem> {
        Ok(self.db.get_cf(self.column(column), key).map_err(self.rocks("cannot read the staged snapshot"))?)
    }

    fn write(&self, batch: WriteBatch) -> Result<(), StagingProblem> {
        self.work.fetch_add(1, Ordering::Relaxed);
        Ok(self.db.write_without_wal(batch).map_err(self.rocks("cannot write the staged snapshot"))?)
    }

    fn column(&self, name: &str) -> &ColumnFamily {
        self.db.cf_handle(name).expect("every column family is opened with the database")
    }

    fn rocks(&self, what: &'static str) -> impl FnOnce(rocksdb::Error) -> StoreProblem + use<> {
        let path = self.path.display().to_string();
        move |source| StoreProblem::Rocks { what, path, source }
    }
}

/// Where the rows of a table go until all is there.
fn staged_column(table: SnapshotTable) -> &'static str {
    match table {
        SnapshotTable::ChunkIndex => WANTED,
        SnapshotTable::Tables => TABLES,
        SnapshotTable::Meta | SnapshotTable::Unspecified => META,
    }
}

#[cfg(test)]
#[path = "staging_tests.rs"]
mod tests;
