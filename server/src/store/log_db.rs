//! The replica's disk: one RocksDB instance, synced.

use std::path::Path;
use std::sync::Arc;

use lectern_raft::{Batch, Disk, DiskError, Op};
use rocksdb::{ColumnFamilyDescriptor, DB, DBRecoveryMode, DEFAULT_COLUMN_FAMILY_NAME, ReadOptions, WriteBatch};

use super::{Caches, StoreProblem, describe};
use crate::faults;

/// The log. Clones share one database: the raft thread reads, the log writer writes.
#[derive(Clone)]
pub struct LogDb {
    pub(super) db: Arc<DB>,
}

impl LogDb {
    /// Opens the log, making it where there is none.
    ///
    /// Recovery tolerates a torn record at the very end only (a write that was never acknowledged); RocksDB's default
    /// would cut the log in silence at any damaged record (trap 29).
    pub fn open(path: &Path, caches: &Caches) -> Result<Self, StoreProblem> {
        let mut options = caches.database_options();
        options.create_if_missing(true);
        options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
        let column = ColumnFamilyDescriptor::new(DEFAULT_COLUMN_FAMILY_NAME, caches.table_options());
        let db = DB::open_cf_descriptors(&options, path, [column]).map_err(|source| StoreProblem::Rocks {
            what: "cannot open the log",
            path: path.display().to_string(),
            source,
        })?;
        Ok(Self { db: Arc::new(db) })
    }

    /// Opens the log of a stopped node for looking at it; nothing in its directory changes.
    pub fn open_read_only(path: &Path, caches: &Caches) -> Result<Self, StoreProblem> {
        let mut options = caches.looking_options();
        options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
        let column = ColumnFamilyDescriptor::new(DEFAULT_COLUMN_FAMILY_NAME, caches.table_options());
        let db = DB::open_cf_descriptors_read_only(&options, path, [column], false).map_err(|source| {
            StoreProblem::Rocks { what: "cannot look at the log", path: path.display().to_string(), source }
        })?;
        Ok(Self { db: Arc::new(db) })
    }

    /// Bytes of its table files.
    pub fn size_bytes(&self) -> u64 {
        self.db.property_int_value("rocksdb.total-sst-files-size").ok().flatten().unwrap_or(0)
    }
}

fn failed(error: &rocksdb::Error) -> DiskError {
    DiskError(describe(error))
}

impl Disk for LogDb {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, DiskError> {
        self.db.get(key).map_err(|error| failed(&error))
    }

    fn scan(&self, from: &[u8], to: &[u8], max_bytes: u64) -> Result<Vec<(Vec<u8>, Vec<u8>)>, DiskError> {
        let mut rows = Vec::new();
        if from >= to {
            return Ok(rows);
        }
        let mut read = ReadOptions::default();
        read.set_iterate_lower_bound(from);
        read.set_iterate_upper_bound(to);
        let mut cursor = self.db.raw_iterator_opt(read);
        cursor.seek_to_first();
        let mut bytes = 0_u64;
        while let Some((key, value)) = cursor.item() {
            bytes += value.len() as u64;
            if bytes > max_bytes && !rows.is_empty() {
                return Ok(rows);
            }
            rows.push((key.to_vec(), value.to_vec()));
            cursor.next();
        }
        cursor.status().map_err(|error| failed(&error))?;
        Ok(rows)
    }

    fn write(&self, batch: &Batch) -> Result<(), DiskError> {
        let mut rocks = WriteBatch::default();
        for op in &batch.ops {
            match op {
                Op::Put(key, value) => rocks.put(key, value),
                Op::DeleteRange(from, to) => rocks.delete_range(from, to),
            }
        }
        self.db.write(rocks).map_err(|error| failed(&error))
    }

    fn sync(&self) -> Result<(), DiskError> {
        faults::before_log_sync().map_err(DiskError)?;
        self.db.flush_wal(true).map_err(|error| failed(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caches() -> Caches {
        Caches::new(8 << 20, 8 << 20)
    }

    #[test]
    fn what_is_synced_is_there_after_reopening() {
        let temp = tempfile::tempdir().unwrap();
        {
            let log = LogDb::open(temp.path(), &caches()).unwrap();
            let mut batch = Batch::default();
            batch.put(*b"e1", *b"one");
            batch.put(*b"e2", *b"two");
            log.write(&batch).unwrap();
            log.sync().unwrap();
        }
        let log = LogDb::open(temp.path(), &caches()).unwrap();
        assert_eq!(log.get(b"e1").unwrap().as_deref(), Some(&b"one"[..]));
        assert_eq!(log.scan(b"e", b"f", u64::MAX).unwrap().len(), 2);
    }

    #[test]
    fn operations_of_a_batch_take_effect_in_order() {
        let temp = tempfile::tempdir().unwrap();
        let log = LogDb::open(temp.path(), &caches()).unwrap();
        let mut batch = Batch::default();
        batch.put(*b"e5", *b"old");
        batch.delete_range(*b"e0", *b"e9");
        batch.put(*b"e3", *b"new");
        log.write(&batch).unwrap();
        assert_eq!(log.scan(b"e", b"f", u64::MAX).unwrap(), [(b"e3".to_vec(), b"new".to_vec())]);
    }

    #[test]
    fn a_scan_stops_at_the_size_but_returns_at_least_one_row() {
        let temp = tempfile::tempdir().unwrap();
        let log = LogDb::open(temp.path(), &caches()).unwrap();
        let mut batch = Batch::default();
        for key in [b"a", b"b", b"c"] {
            batch.put(*key, vec![0; 10]);
        }
        log.write(&batch).unwrap();
        assert_eq!(log.scan(b"a", b"z", 0).unwrap().len(), 1);
        assert_eq!(log.scan(b"a", b"z", 20).unwrap().len(), 2);
        assert_eq!(log.scan(b"b", b"c", u64::MAX).unwrap().len(), 1);
        assert_eq!(log.scan(b"c", b"a", u64::MAX).unwrap().len(), 0);
    }
}
