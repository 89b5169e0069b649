//! The ordered-table trait the domain stands on, and typed access to its records.

use prost::Message;

use crate::tables::Table;

/// Format byte in front of every stored record.
pub const RECORD_FORMAT: u8 = 1;

/// The store cannot be read, or holds something this version does not understand. Not a refusal: the node stops.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The disk said no.
    #[error("the state's disk failed: {0}")]
    Disk(String),
    /// A value has another format than this version knows.
    #[error(
        "table {table:?} holds a record of format {format}, newer than this program understands; run the newer lectern-server"
    )]
    UnknownFormat {
        /// Where.
        table: Table,
        /// Its first byte.
        format: u8,
    },
    /// A value cannot be decoded.
    #[error(
        "table {table:?} holds a damaged record: {problem}; the other nodes hold good copies: remove this node's data \
         directory and let it join again under a new number"
    )]
    Damaged {
        /// Where.
        table: Table,
        /// What the decoder said.
        problem: String,
    },
}

/// What reading the state returns where nothing is refused.
pub type StoreResult<T> = Result<T, StoreError>;

/// The direction of a range read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Smallest key first.
    Ascending,
    /// Largest key first.
    Descending,
}

/// Keys and values of one range read.
pub type Rows = Vec<(Vec<u8>, Vec<u8>)>;

/// Ordered tables of bytes. RocksDB snapshots, the overlay of a running command, and maps in tests implement it.
pub trait Store {
    /// The value of `key`.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// At most `limit` rows with `from <= key` and, where `to` is given, `key < to`, in `order`.
    fn range(
        &self,
        table: Table,
        from: &[u8],
        to: Option<&[u8]>,
        order: Order,
        limit: usize,
    ) -> Result<Rows, StoreError>;
}

/// Typed reading, for every [`Store`].
pub trait StoreExt: Store {
    /// The decoded record at `key`.
    fn record<M: Message + Default>(&self, table: Table, key: &[u8]) -> Result<Option<M>, StoreError> {
        self.get(table, key)?.map(|bytes| decode(table, &bytes)).transpose()
    }

    /// Whether `key` exists.
    fn contains(&self, table: Table, key: &[u8]) -> Result<bool, StoreError> {
        Ok(self.get(table, key)?.is_some())
    }

    /// Rows whose keys begin with `prefix` and, where `after` is given, come after that key in `order`. `after` may come
    /// from a page token, so it may be any bytes: whatever it is, no row outside of `prefix` is read.
    fn prefix(
        &self,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        order: Order,
        limit: usize,
    ) -> Result<Rows, StoreError> {
        let end = prefix_end(prefix);
        match (after, order) {
            (None, _) => self.range(table, prefix, end.as_deref(), order, limit),
            (Some(after), Order::Ascending) => {
                let mut from = after.to_vec();
                from.push(0);
                self.range(table, prefix.max(&from), end.as_deref(), order, limit)
            }
            (Some(after), Order::Descending) => {
                let to = end.as_deref().map_or(after, |end| end.min(after));
                self.range(table, prefix, Some(to), order, limit)
            }
        }
    }

    /// The decoded records under `prefix`, with their keys.
    fn records<M: Message + Default>(
        &self,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, M)>, StoreError> {
        self.prefix(table, prefix, after, order, limit)?
            .into_iter()
            .map(|(key, bytes)| Ok((key, decode(table, &bytes)?)))
            .collect()
    }
}

impl<S: Store + ?Sized> StoreExt for S {}

/// The smallest key greater than every key that begins with `prefix`; `None` when there is none.
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

/// A record as it is stored.
pub fn encode<M: Message>(record: &M) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + record.encoded_len());
    bytes.push(RECORD_FORMAT);
    record.encode(&mut bytes).expect("a Vec grows as needed");
    bytes
}

/// The encoded message in a stored record; `None` where its format is another one.
pub fn record_body(bytes: &[u8]) -> Option<&[u8]> {
    bytes.split_first().filter(|(format, _)| **format == RECORD_FORMAT).map(|(_, body)| body)
}

/// A record from its stored form.
pub fn decode<M: Message + Default>(table: Table, bytes: &[u8]) -> Result<M, StoreError> {
    match bytes.split_first() {
        Some((&RECORD_FORMAT, body)) => {
            M::decode(body).map_err(|problem| StoreError::Damaged { table, problem: problem.to_string() })
        }
        Some((&format, _)) => Err(StoreError::UnknownFormat { table, format }),
        None => Err(StoreError::Damaged { table, problem: "the value is empty".into() }),
    }
}
