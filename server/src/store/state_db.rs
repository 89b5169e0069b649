//! The state machine's disk: tables, chunks, and what was applied.
//!
//! Beside the chunks an index lists each chunk's digest and length, in the same batch: which chunks there are is known
//! without reading them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use lectern_lms::{Change, Order, Rows, Store, StoreError, Table};
use rocksdb::checkpoint::Checkpoint;
use rocksdb::{ColumnFamily, ColumnFamilyDescriptor, DB, ReadOptions, SnapshotWithThreadMode, WriteBatch};

use super::recent::{Range, Recent};
use super::{Caches, StoreProblem, describe, rocks_scan};

/// The name of the state directory before any snapshot was installed.
pub const INITIAL_STATE: &str = "initial";

pub(super) const TABLES: &str = "tables";
pub(super) const CHUNKS: &str = "chunks";
pub(super) const CHUNK_INDEX: &str = "chunk_index";
pub(super) const META: &str = "meta";
const APPLIED: &[u8] = b"applied";
const CONF_STATE: &[u8] = b"conf_state";
const CHAIN: &[u8] = b"chain";
const MEMBERS: &[u8] = b"members";
/// There once the index lists every chunk.
const INDEXED: &[u8] = b"chunks_indexed";

/// How far the state is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppliedMeta {
    /// Last applied index; 0 in a state that was never founded.
    pub index: u64,
    /// That entry's term.
    pub term: u64,
    /// The configuration there, `eraftpb::ConfState` encoded.
    pub conf_state: Vec<u8>,
    /// The hash chain there.
    pub chain: [u8; 32],
}

/// One atomic change of the state.
pub struct StateWrite {
    /// Changes of tables.
    pub changes: Vec<Change>,
    /// How far the state is after it.
    pub meta: AppliedMeta,
    /// Who belongs to the cluster after it, where that changed; opaque here.
    pub members: Option<Vec<u8>>,
}

/// One state directory.
pub struct StateDb {
    pub(super) db: DB,
    path: PathBuf,
    caches: Caches,
    /// How far it is.
    pub(super) applied: AtomicU64,
    pub(super) recent: Recent,
}

impl StateDb {
    /// Opens a state directory, making it where there is none.
    pub fn open(path: &Path, caches: &Caches) -> Result<Self, StoreProblem> {
        let mut options = caches.database_options();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        options.set_max_total_wal_size(64 << 20);
        let failed =
            |source| StoreProblem::Rocks { what: "cannot open the state", path: path.display().to_string(), source };
        let db = DB::open_cf_descriptors(&options, path, columns(caches)).map_err(failed)?;
        let state = Self::of(db, path, caches)?;
        if state.db.get_cf(state.column(META), INDEXED).map_err(failed)?.is_none() {
            state.index_chunks().map_err(failed)?;
        }
        Ok(state)
    }

    /// Opens a checkpoint, or the state of a stopped node, for looking at it; nothing in its directory changes. A state from
    /// before there was some column family is looked at without it.
    pub fn open_read_only(path: &Path, caches: &Caches) -> Result<Self, StoreProblem> {
        let failed = |source| {
            let path = path.display().to_string();
            StoreProblem::Rocks { what: "cannot look at the state", path, source }
        };
        let options = caches.looking_options();
        let there = DB::list_cf(&options, path).map_err(failed)?;
        let columns = columns(caches).into_iter().filter(|column| there.iter().any(|name| name == column.name()));
        let db = DB::open_cf_descriptors_read_only(&options, path, columns, false).map_err(failed)?;
        Self::of(db, path, caches)
    }

    fn of(db: DB, path: &Path, caches: &Caches) -> Result<Self, StoreProblem> {
        let (path, caches) = (path.to_path_buf(), caches.clone());
        let mut state = Self { db, path, caches, applied: AtomicU64::new(0), recent: Recent::new() };
        *state.applied.get_mut() = state.meta()?.index;
        Ok(state)
    }

    /// Lists the chunks of a state that is from before there was an index.
    fn index_chunks(&self) -> Result<(), rocksdb::Error> {
        let mut cursor = self.db.raw_iterator_cf_opt(self.column(CHUNKS), bulk_read());
        cursor.seek_to_first();
        while let Some((key, value)) = cursor.item() {
            self.db.put_cf(self.column(CHUNK_INDEX), &key[1..], chunk_length(value.len()))?;
            cursor.next();
        }
        cursor.status()?;
        self.db.put_cf(self.column(META), INDEXED, [])
    }

    /// Reads how far a checkpoint is, from the checkpoint itself (trap 17).
    pub fn checkpoint_meta(path: &Path, caches: &Caches) -> Result<AppliedMeta, StoreProblem> {
        Self::open_read_only(path, caches)?.meta()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How far it is.
    pub fn meta(&self) -> Result<AppliedMeta, StoreProblem> {
        let get = |key| self.db.get_cf(self.column(META), key).map_err(self.rocks("cannot read the state"));
        let Some(applied) = get(APPLIED)? else { return Ok(AppliedMeta::default()) };
        let damaged = |what| StoreProblem::Damaged { what, path: self.path.display().to_string() };
        let applied: [u8; 16] = applied.try_into().map_err(|_| damaged("the applied index"))?;
        let (index, term) = applied.split_at(8);
        Ok(AppliedMeta {
            index: u64::from_be_bytes(index.try_into().expect("half of sixteen bytes")),
            term: u64::from_be_bytes(term.try_into().expect("half of sixteen bytes")),
            conf_state: get(CONF_STATE)?.unwrap_or_default(),
            chain: match get(CHAIN)? {
                Some(chain) => chain.try_into().map_err(|_| damaged("the hash chain"))?,
                None => [0; 32],
            },
        })
    }

    /// The members as they were written last; nothing in a state that was never told of a change.
    pub fn members(&self) -> Result<Option<Vec<u8>>, StoreProblem> {
        self.db.get_cf(self.column(META), MEMBERS).map_err(self.rocks("cannot read the state"))
    }

    /// Makes one change, atomically. Not synced: the replica's log replays what a crash takes.
    pub fn write(&self, write: &StateWrite) -> Result<(), StoreProblem> {
        let index = write.meta.index;
        self.recent.will_change(&write.changes, index);
        self.write_batch(write)?;
        self.recent.has_changed(&write.changes, index);
        self.applied.store(index, Ordering::SeqCst);
        Ok(())
    }

    fn write_batch(&self, write: &StateWrite) -> Result<(), StoreProblem> {
        let mut batch = WriteBatch::default();
        for Change { table, key, value } in &write.changes {
            let (table, column) = (*table, self.column(column_of(*table)));
            if table == Table::Chunks {
                match &value {
                    Some(chunk) => batch.put_cf(self.column(CHUNK_INDEX), key, chunk_length(chunk.len())),
                    None => batch.delete_cf(self.column(CHUNK_INDEX), key),
                }
            }
            let key = database_key(table, key);
            match value {
                Some(value) => batch.put_cf(column, key, value),
                None => batch.delete_cf(column, key),
            }
        }
        let meta = self.column(META);
        let mut applied = write.meta.index.to_be_bytes().to_vec();
        applied.extend(write.meta.term.to_be_bytes());
        batch.put_cf(meta, APPLIED, applied);
        batch.put_cf(meta, CONF_STATE, &write.meta.conf_state);
        batch.put_cf(meta, CHAIN, write.meta.chain);
        if let Some(members) = &write.members {
            batch.put_cf(meta, MEMBERS, members);
        }
        self.db.write(batch).map_err(self.rocks("cannot write the state"))
    }

    /// Makes everything written so far durable.
    pub fn sync(&self) -> Result<(), StoreProblem> {
        self.db.flush_wal(true).map_err(self.rocks("cannot sync the state"))
    }

    /// Makes a checkpoint of the state as it is now at `path`, which must not exist.
    pub fn checkpoint(&self, path: &Path) -> Result<(), StoreProblem> {
        Checkpoint::new(&self.db)
            .and_then(|checkpoint| checkpoint.create_checkpoint(path))
            .map_err(self.rocks("cannot make a checkpoint of the state"))
    }

    /// The state as it is now, for any number of reads: a RocksDB snapshot.
    pub fn read(&self) -> StateRead<'_> {
        // In this order: the snapshot is of then, or of later.
        let applied = self.applied.load(Ordering::SeqCst);
        StateRead { state: self, applied, snapshot: Some(self.db.snapshot()) }
    }

    /// The newest state at each read: for the one thread that writes it.
    pub fn newest(&self) -> StateRead<'_> {
        StateRead { state: self, applied: self.applied.load(Ordering::SeqCst), snapshot: None }
    }

    /// Bytes of its table and blob files.
    pub fn size_bytes(&self) -> u64 {
        [(TABLES, "rocksdb.total-sst-files-size"), (CHUNKS, "rocksdb.total-blob-file-size")]
            .into_iter()
            .filter_map(|(column, name)| self.db.property_int_value_cf(self.column(column), name).ok().flatten())
            .sum()
    }

    /// Whether there is a chunk of that digest.
    pub(super) fn lists_chunk(&self, digest: &[u8]) -> Result<bool, StoreProblem> {
        let listed = self.db.get_cf(self.column(CHUNK_INDEX), digest);
        Ok(listed.map_err(self.rocks("cannot read the state"))?.is_some())
    }

    /// A chunk, past the cache.
    pub(super) fn read_chunk(&self, digest: &[u8]) -> Result<Option<Vec<u8>>, StoreProblem> {
        let read = self.db.get_cf_opt(self.column(CHUNKS), chunk_key(digest), &bulk_read());
        read.map_err(self.rocks("cannot read a chunk"))
    }

    /// The memory it shares.
    pub(crate) fn caches(&self) -> &Caches {
        &self.caches
    }

    pub(super) fn column(&self, name: &str) -> &ColumnFamily {
        self.db.cf_handle(name).expect("every column family is opened with the database")
    }

    pub(super) fn rocks(&self, what: &'static str) -> impl FnOnce(rocksdb::Error) -> StoreProblem + '_ {
        move |source| StoreProblem::Rocks { what, path: self.path.display().to_string(), source }
    }
}

/// The state as tables: of one moment, or as it is from one read to the next.
pub struct StateRead<'a> {
    state: &'a StateDb,
    /// How far the state was, at least, when this read began.
    applied: u64,
    snapshot: Option<SnapshotWithThreadMode<'a, DB>>,
}

impl StateRead<'_> {
    fn options(&self) -> ReadOptions {
        let mut options = ReadOptions::default();
        if let Some(snapshot) = &self.snapshot {
            options.set_snapshot(snapshot);
        }
        options
    }
}

impl Store for StateRead<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if let Some(value) = self.state.recent.value(table, key, self.applied) {
            return Ok(value);
        }
        let column = self.state.column(column_of(table));
        let read = self.state.db.get_cf_opt(column, database_key(table, key), &self.options());
        let value = read.map_err(|error| StoreError::Disk(describe(&error)))?;
        self.state.recent.remember_value(table, key, value.as_deref(), self.applied);
        Ok(value)
    }

    fn range(
        &self,
        table: Table,
        from: &[u8],
        to: Option<&[u8]>,
        order: Order,
        limit: usize,
    ) -> Result<Rows, StoreError> {
        let range = Range { table, from, to, order, limit };
        if let Some(rows) = self.state.recent.rows(&range, self.applied) {
            return Ok(rows);
        }
        let (from, to) = bounds(table, from, to);
        let cursor = self.state.db.raw_iterator_cf_opt(self.state.column(column_of(table)), self.options());
        let rows = rocks_scan::rows(cursor, &from, &to, order, limit)?;
        self.state.recent.remember_rows(&range, &rows, self.applied);
        Ok(rows)
    }
}

pub(super) fn columns(caches: &Caches) -> Vec<ColumnFamilyDescriptor> {
    vec![
        ColumnFamilyDescriptor::new(rocksdb::DEFAULT_COLUMN_FAMILY_NAME, caches.table_options()),
        ColumnFamilyDescriptor::new(TABLES, caches.table_options()),
        ColumnFamilyDescriptor::new(CHUNKS, caches.chunk_options()),
        ColumnFamilyDescriptor::new(CHUNK_INDEX, caches.table_options()),
        ColumnFamilyDescriptor::new(META, caches.table_options()),
    ]
}

fn column_of(table: Table) -> &'static str {
    if table == Table::Chunks { CHUNKS } else { TABLES }
}

/// The database key of a chunk.
pub(super) fn chunk_key(digest: &[u8]) -> Vec<u8> {
    database_key(Table::Chunks, digest)
}

/// A chunk's length as the index keeps it.
pub(super) fn chunk_length(length: usize) -> [u8; 4] {
    u32::try_from(length).expect("chunks are small").to_be_bytes()
}

/// What the index says of a chunk's length.
pub(super) fn indexed_length(value: &[u8]) -> Option<u64> {
    Some(u64::from(u32::from_be_bytes(value.try_into().ok()?)))
}

/// For reading much, once, in order: past the cache.
pub(super) fn bulk_read() -> ReadOptions {
    let mut read = ReadOptions::default();
    read.fill_cache(false);
    read.set_verify_checksums(true);
    read.set_readahead_size(1 << 20);
    read
}

fn database_key(table: Table, key: &[u8]) -> Vec<u8> {
    let mut whole = Vec::with_capacity(1 + key.len());
    whole.push(table as u8);
    whole.extend_from_slice(key);
    whole
}

/// The bounds of a range in the database: without an end it goes to the end of the table.
fn bounds(table: Table, from: &[u8], to: Option<&[u8]>) -> (Vec<u8>, Vec<u8>) {
    (database_key(table, from), to.map_or_else(|| vec![table as u8 + 1], |to| database_key(table, to)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caches() -> Caches {
        Caches::new(8 << 20, 8 << 20)
    }

    fn put(table: Table, key: &[u8], value: &[u8]) -> Change {
        Change { table, key: key.to_vec(), value: Some(value.to_vec()) }
    }

    fn meta(index: u64) -> AppliedMeta {
        AppliedMeta { index, term: 3, conf_state: vec![1, 2], chain: [7; 32] }
    }

    fn sample(path: &Path) -> StateDb {
        let state = StateDb::open(path, &caches()).unwrap();
        let changes = vec![
            put(Table::Users, b"a", b"1"),
            put(Table::Users, b"b", b"2"),
            put(Table::Users, b"c", b"3"),
            put(Table::UsersByName, b"a", b"other table"),
            put(Table::Chunks, b"digest", &[9; 10_000]),
        ];
        state.write(&StateWrite { changes, meta: meta(12), members: Some(b"us".to_vec()) }).unwrap();
        state
    }

    #[test]
    fn a_batch_changes_tables_and_applied_index_together_and_survives_reopening() {
        let temp = tempfile::tempdir().unwrap();
        drop(sample(temp.path()));
        let state = StateDb::open(temp.path(), &caches()).unwrap();
        assert_eq!(state.meta().unwrap(), meta(12));
        assert_eq!(state.members().unwrap().as_deref(), Some(&b"us"[..]));
        assert_eq!(state.newest().get(Table::Users, b"b").unwrap().as_deref(), Some(&b"2"[..]));
        assert_eq!(state.newest().get(Table::Chunks, b"digest").unwrap(), Some(vec![9; 10_000]));
    }

    #[test]
    fn ranges_stay_inside_their_table_in_both_orders() {
        let temp = tempfile::tempdir().unwrap();
        let state = sample(temp.path());
        let keys = |from: &[u8], to: Option<&[u8]>, order, limit| -> Vec<Vec<u8>> {
            let direct = state.newest().range(Table::Users, from, to, order, limit).unwrap();
            assert_eq!(direct, state.read().range(Table::Users, from, to, order, limit).unwrap());
            direct.into_iter().map(|(key, _)| key).collect()
        };
        assert_eq!(keys(b"", None, Order::Ascending, 10), [b"a", b"b", b"c"]);
        assert_eq!(keys(b"", None, Order::Descending, 10), [b"c", b"b", b"a"]);
        assert_eq!(keys(b"a", Some(b"c"), Order::Descending, 10), [b"b", b"a"]);
        assert_eq!(keys(b"b", Some(b"c"), Order::Ascending, 10), [b"b"]);
        assert_eq!(keys(b"", None, Order::Ascending, 2), [b"a", b"b"]);
        assert!(keys(b"c", Some(b"a"), Order::Ascending, 10).is_empty());
        assert!(keys(b"c", Some(b"a"), Order::Descending, 10).is_empty());
    }

    #[test]
    fn a_read_does_not_see_what_is_written_after_it_began() {
        let temp = tempfile::tempdir().unwrap();
        let state = sample(temp.path());
        let read = state.read();
        state
            .write(&StateWrite { changes: vec![put(Table::Users, b"d", b"4")], meta: meta(13), members: None })
            .unwrap();
        assert_eq!(read.get(Table::Users, b"d").unwrap(), None);
        assert_eq!(state.newest().get(Table::Users, b"d").unwrap().as_deref(), Some(&b"4"[..]));
    }

    #[test]
    fn a_checkpoint_holds_the_state_and_says_its_own_index() {
        let temp = tempfile::tempdir().unwrap();
        let state = sample(&temp.path().join("state"));
        let copy = temp.path().join("checkpoint");
        state.checkpoint(&copy).unwrap();
        state
            .write(&StateWrite { changes: vec![put(Table::Users, b"d", b"4")], meta: meta(13), members: None })
            .unwrap();
        assert_eq!(StateDb::checkpoint_meta(&copy, &caches()).unwrap(), meta(12));
        let opened = StateDb::open(&copy, &caches()).unwrap();
        assert_eq!(opened.newest().get(Table::Users, b"d").unwrap(), None);
        assert_eq!(opened.newest().get(Table::Chunks, b"digest").unwrap(), Some(vec![9; 10_000]));
        assert_eq!(opened.members().unwrap().as_deref(), Some(&b"us"[..]), "members that did not change stay");
    }

    #[test]
    fn a_new_state_has_applied_nothing() {
        let temp = tempfile::tempdir().unwrap();
        let state = StateDb::open(temp.path(), &caches()).unwrap();
        assert_eq!((state.meta().unwrap(), state.members().unwrap()), (AppliedMeta::default(), None));
    }
}
