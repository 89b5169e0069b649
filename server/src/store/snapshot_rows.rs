//! What of a state travels as rows, and the digest over it.

use lectern_proto::internal::v1::{SnapshotHave, SnapshotTable};

use super::state_db::{CHUNK_INDEX, META, TABLES};

/// The tables that travel as rows, in this order.
pub(super) const ROW_TABLES: [SnapshotTable; 3] =
    [SnapshotTable::Meta, SnapshotTable::ChunkIndex, SnapshotTable::Tables];

/// A row's place in a snapshot.
pub type RowPlace = (SnapshotTable, Vec<u8>);

/// The place after which rows are to follow; `None` for the beginning.
pub fn row_place(have: &SnapshotHave) -> Option<RowPlace> {
    (have.table() != SnapshotTable::Unspecified).then(|| (have.table(), have.key.clone()))
}

/// The column family of a table that travels as rows.
pub(super) fn column_of(table: SnapshotTable) -> &'static str {
    match table {
        SnapshotTable::ChunkIndex => CHUNK_INDEX,
        SnapshotTable::Tables => TABLES,
        SnapshotTable::Meta | SnapshotTable::Unspecified => META,
    }
}

/// How many rows there are, how long they are, and BLAKE3 over all of them in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowsSum {
    /// How many.
    pub rows: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
    /// BLAKE3 over table, key and value of each.
    pub digest: [u8; 32],
}

/// Sums rows up, one after the other.
#[derive(Default)]
pub(super) struct RowsHasher {
    rows: u64,
    bytes: u64,
    hasher: blake3::Hasher,
}

impl RowsHasher {
    pub(super) fn add(&mut self, table: SnapshotTable, key: &[u8], value: &[u8]) {
        self.rows += 1;
        self.bytes += (key.len() + value.len()) as u64;
        // Lengths first, so that no two lists of rows are the same bytes.
        self.hasher.update(&[table as u8]);
        self.hasher.update(&(key.len() as u64).to_be_bytes()).update(&(value.len() as u64).to_be_bytes());
        self.hasher.update(key).update(value);
    }

    pub(super) fn finish(self) -> RowsSum {
        RowsSum { rows: self.rows, bytes: self.bytes, digest: *self.hasher.finalize().as_bytes() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(rows: &[(SnapshotTable, &str, &str)]) -> [u8; 32] {
        let mut hasher = RowsHasher::default();
        for (table, key, value) in rows {
            hasher.add(*table, key.as_bytes(), value.as_bytes());
        }
        hasher.finish().digest
    }

    #[test]
    fn lists_of_rows_with_the_same_bytes_have_different_digests() {
        let (meta, tables) = (SnapshotTable::Meta, SnapshotTable::Tables);
        let lists: [&[(SnapshotTable, &str, &str)]; 5] = [
            &[(meta, "ab", "c")],
            &[(meta, "a", "bc")],
            &[(tables, "ab", "c")],
            &[(meta, "ab", ""), (meta, "c", "")],
            &[(meta, "ab", "c"), (meta, "", "")],
        ];
        for (place, list) in lists.iter().enumerate() {
            for other in &lists[..place] {
                assert_ne!(digest(list), digest(other), "{list:?} and {other:?}");
            }
        }
    }
}
