//! The seam to durable storage: `RocksDB` in the server, a simulated disk in the simulator.

use std::fmt;

/// One atomic change of a [`Disk`]. Operations take effect in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The operations.
    pub ops: Vec<Op>,
}

/// One operation of a [`Batch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Sets a key.
    Put(Vec<u8>, Vec<u8>),
    /// Deletes every key in `[from, to)`.
    DeleteRange(Vec<u8>, Vec<u8>),
}

impl Batch {
    /// Sets `key` to `value`.
    pub fn put(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.ops.push(Op::Put(key.into(), value.into()));
    }

    /// Deletes every key in `[from, to)`.
    pub fn delete_range(&mut self, from: impl Into<Vec<u8>>, to: impl Into<Vec<u8>>) {
        self.ops.push(Op::DeleteRange(from.into(), to.into()));
    }

    /// Appends another batch's operations.
    pub fn append(&mut self, mut other: Batch) {
        self.ops.append(&mut other.ops);
    }
}

/// The disk failed: the text says what the disk said. After a failed write or sync nothing may be believed any more,
/// and the process stops (trap 7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskError(pub String);

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the log's disk failed: {}", self.0)
    }
}

impl std::error::Error for DiskError {}

/// A key and its value.
pub type Record = (Vec<u8>, Vec<u8>);

/// An ordered key-value store with atomic batches. `write` may return before the batch is durable; `sync` returns when
/// everything written before it is.
pub trait Disk {
    /// The value of `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, DiskError>;

    /// Keys and values in `[from, to)`, in order, stopping once the values exceed `max_bytes` (at least one is returned
    /// where there is one).
    fn scan(&self, from: &[u8], to: &[u8], max_bytes: u64) -> Result<Vec<Record>, DiskError>;

    /// Applies a batch atomically.
    fn write(&self, batch: &Batch) -> Result<(), DiskError>;

    /// Makes everything written so far durable.
    fn sync(&self) -> Result<(), DiskError>;
}

impl<D: Disk> Disk for &D {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, DiskError> {
        (**self).get(key)
    }

    fn scan(&self, from: &[u8], to: &[u8], max_bytes: u64) -> Result<Vec<Record>, DiskError> {
        (**self).scan(from, to, max_bytes)
    }

    fn write(&self, batch: &Batch) -> Result<(), DiskError> {
        (**self).write(batch)
    }

    fn sync(&self) -> Result<(), DiskError> {
        (**self).sync()
    }
}
