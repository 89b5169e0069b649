//! Table keys: fixed-width parts one after another, with at most one part of free length, at the end.
//!
//! Ids are ULIDs, 26 characters; numbers are big-endian, so that keys sort as they count.

/// Length of every id.
pub const ID_BYTES: usize = 26;

/// Stands for "no id" in a key: the installation in the audit, the whole course in usage.
pub const NO_ID: &str = "00000000000000000000000000";

/// One part of a key.
pub trait Part {
    /// Appends the part.
    fn append(&self, key: &mut Vec<u8>);
}

impl Part for &str {
    fn append(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(self.as_bytes());
    }
}
impl Part for &String {
    fn append(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(self.as_bytes());
    }
}
impl Part for &[u8] {
    fn append(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(self);
    }
}
impl Part for u32 {
    fn append(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(&self.to_be_bytes());
    }
}
impl Part for u64 {
    fn append(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(&self.to_be_bytes());
    }
}
impl Part for i64 {
    /// Times: before 1970 sorts as 1970.
    fn append(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(&u64::try_from(*self).unwrap_or(0).to_be_bytes());
    }
}

/// A key of one part.
pub fn key1(a: impl Part) -> Vec<u8> {
    let mut key = Vec::with_capacity(ID_BYTES);
    a.append(&mut key);
    key
}

/// A key of two parts.
pub fn key2(a: impl Part, b: impl Part) -> Vec<u8> {
    let mut key = Vec::with_capacity(2 * ID_BYTES);
    a.append(&mut key);
    b.append(&mut key);
    key
}

/// A key of three parts.
pub fn key3(a: impl Part, b: impl Part, c: impl Part) -> Vec<u8> {
    let mut key = Vec::with_capacity(3 * ID_BYTES);
    a.append(&mut key);
    b.append(&mut key);
    c.append(&mut key);
    key
}
