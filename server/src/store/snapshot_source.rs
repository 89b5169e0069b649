//! A checkpoint as the sender of a snapshot reads it: its rows in order, and any of its chunks.
//!
//! Reading goes through RocksDB with checksums verified, so that a damaged file is never sent on.

use std::path::Path;

use lectern_proto::internal::v1::SnapshotTable;

use super::snapshot_rows::{ROW_TABLES, RowPlace, RowsHasher, RowsSum, column_of};
use super::state_db::{bulk_read, indexed_length};
use super::{Caches, StateDb, StoreProblem};

/// A checkpoint that is read to be sent.
pub struct SnapshotSource {
    state: StateDb,
}

/// Rows of one table, keys and values.
pub type Rows = Vec<(Vec<u8>, Vec<u8>)>;

impl SnapshotSource {
    /// Opens the checkpoint at `path`.
    pub fn open(path: &Path, caches: &Caches) -> Result<Self, StoreProblem> {
        Ok(Self { state: StateDb::open_read_only(path, caches)? })
    }

    /// Sums up all rows, and the bytes of all chunks; `read` hears how many bytes were read.
    pub fn sum(&self, mut read: impl FnMut(usize)) -> Result<(RowsSum, u64), StoreProblem> {
        let (mut rows, mut chunk_bytes) = (RowsHasher::default(), 0);
        for table in ROW_TABLES {
            self.each(table, &[], |key, value| {
                rows.add(table, key, value);
                if table == SnapshotTable::ChunkIndex {
                    chunk_bytes += indexed_length(value).unwrap_or_default();
                }
                read(key.len() + value.len());
                true
            })?;
        }
        Ok((rows.finish(), chunk_bytes))
    }

    /// The rows after `after` (from the first, when there is none), at most about `max_bytes` of them: of one table.
    /// `None` at the end.
    pub fn rows_after(
        &self,
        after: Option<&RowPlace>,
        max_bytes: usize,
    ) -> Result<Option<(SnapshotTable, Rows)>, StoreProblem> {
        let begun = after.map_or(0, |(table, _)| ROW_TABLES.iter().position(|known| known == table).unwrap_or(0));
        for table in &ROW_TABLES[begun..] {
            let last = after.filter(|(begun, _)| begun == table).map(|(_, key)| key.as_slice());
            // The smallest key after that one.
            let from = last.map(|key| [key, &[0]].concat()).unwrap_or_default();
            let (mut rows, mut bytes) = (Vec::new(), 0);
            self.each(*table, &from, |key, value| {
                rows.push((key.to_vec(), value.to_vec()));
                bytes += key.len() + value.len();
                bytes < max_bytes
            })?;
            if !rows.is_empty() {
                return Ok(Some((*table, rows)));
            }
        }
        Ok(None)
    }

    /// A chunk.
    pub fn chunk(&self, digest: &[u8]) -> Result<Option<Vec<u8>>, StoreProblem> {
        self.state.read_chunk(digest)
    }

    fn each(
        &self,
        table: SnapshotTable,
        from: &[u8],
        mut row: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), StoreProblem> {
        let column = self.state.column(column_of(table));
        let mut cursor = self.state.db.raw_iterator_cf_opt(column, bulk_read());
        cursor.seek(from);
        while let Some((key, value)) = cursor.item() {
            if !row(key, value) {
                break;
            }
            cursor.next();
        }
        cursor.status().map_err(self.state.rocks("cannot read the checkpoint"))
    }
}
