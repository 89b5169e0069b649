//! The log's records on its disk.
//!
//! | key | value |
//! |---|---|
//! | `a` + node, big-endian | an entry that a peer had applied, so that its log reaches at least as far |
//! | `e` + index, big-endian | the entry |
//! | `i` + node, big-endian | the first incarnation seen of a peer |
//! | `r` + node, big-endian | empty: the node was removed from the cluster |
//! | `w` + node, big-endian | empty: this founding node has accepted this one |
//! | `m/identity` | who this node is |
//! | `m/founding` | the configuration the cluster was founded with, absent at a node that joined |
//! | `m/hard_state` | term, vote and commit |
//! | `m/last` | index of the last entry: tells a log that lost its tail from one that ends there |
//! | `m/truncated` | index and term of the last entry given up |
//! | `m/state` | name of the state directory, once a snapshot was installed |
//! | `m/recovered` | the configuration a recovery writes to the state, absent once it has |
//!
//! Each value starts with a format byte.

use raft::eraftpb::{ConfState, Entry, EntryType, HardState};

use crate::{Hello, NodeId, OpenError, codec};

const FORMAT: u8 = 1;

pub(crate) const IDENTITY: &[u8] = b"m/identity";
pub(crate) const FOUNDING: &[u8] = b"m/founding";
pub(crate) const HARD_STATE: &[u8] = b"m/hard_state";
pub(crate) const LAST: &[u8] = b"m/last";
pub(crate) const TRUNCATED: &[u8] = b"m/truncated";
pub(crate) const STATE: &[u8] = b"m/state";
pub(crate) const RECOVERED: &[u8] = b"m/recovered";
/// Above every entry.
pub(crate) const ENTRIES_END: &[u8] = b"f";
/// Below and above every peer's incarnation.
pub(crate) const INCARNATIONS: (&[u8], &[u8]) = (b"i", b"j");
/// Below and above every peer's applied entry.
pub(crate) const APPLIED: (&[u8], &[u8]) = (b"a", b"b");
/// Below and above every removed node.
pub(crate) const REMOVED: (&[u8], &[u8]) = (b"r", b"s");

/// Below and above every founding node that was met.
pub(crate) const MET: (&[u8], &[u8]) = (b"w", b"x");

fn numbered(prefix: u8, number: u64) -> Vec<u8> {
    let mut key = vec![prefix];
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// An entry's key.
pub(crate) fn entry_key(index: u64) -> Vec<u8> {
    numbered(b'e', index)
}

/// The key of a peer's incarnation.
pub(crate) fn incarnation_key(node: NodeId) -> Vec<u8> {
    numbered(b'i', node)
}

/// The key of an entry that a peer had applied.
pub(crate) fn applied_key(node: NodeId) -> Vec<u8> {
    numbered(b'a', node)
}

/// The key that says a node was removed.
pub(crate) fn removed_key(node: NodeId) -> Vec<u8> {
    numbered(b'r', node)
}

/// The key that says a founding node has accepted this one.
pub(crate) fn met_key(node: NodeId) -> Vec<u8> {
    numbered(b'w', node)
}

/// The number in a numbered key.
pub(crate) fn number_of(key: &[u8]) -> Option<u64> {
    key.get(1..).and_then(|number| number.try_into().ok()).map(u64::from_be_bytes)
}

fn framed(body: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(body.len() + 1);
    value.push(FORMAT);
    value.extend_from_slice(body);
    value
}

fn unframed<'a>(record: &str, value: &'a [u8]) -> Result<&'a [u8], OpenError> {
    match value.split_first() {
        Some((&FORMAT, body)) => Ok(body),
        Some((format, _)) => Err(OpenError::corrupt(record, format!("format {format} is not known to this release"))),
        None => Err(OpenError::corrupt(record, "it is empty")),
    }
}

/// An entry's value.
pub(crate) fn encode_entry(entry: &Entry) -> Vec<u8> {
    framed(&codec::encode(entry))
}

/// The entry in a value, which must be the one its key names.
pub(crate) fn decode_entry(key: &[u8], value: &[u8]) -> Result<Entry, OpenError> {
    let index = number_of(key).ok_or_else(|| OpenError::corrupt("entry", "its key is not an index"))?;
    let record = format!("entry {index}");
    let entry: Entry =
        codec::decode(unframed(&record, value)?).ok_or_else(|| OpenError::corrupt(&record, "it is no entry"))?;
    if entry.index != index {
        return Err(OpenError::corrupt(record, format!("it holds entry {}", entry.index)));
    }
    if EntryType::from_i32(entry.entry_type).is_none() {
        return Err(OpenError::corrupt(record, "its type is not known to this release"));
    }
    Ok(entry)
}

pub(crate) fn encode_hard_state(hard_state: &HardState) -> Vec<u8> {
    framed(&codec::encode(hard_state))
}

pub(crate) fn decode_hard_state(value: &[u8]) -> Result<HardState, OpenError> {
    codec::decode(unframed("hard state", value)?).ok_or_else(|| OpenError::corrupt("hard state", "it is no hard state"))
}

pub(crate) fn encode_conf_state(conf_state: &ConfState) -> Vec<u8> {
    framed(&codec::encode(conf_state))
}

pub(crate) fn decode_conf_state(value: &[u8]) -> Result<ConfState, OpenError> {
    codec::decode(unframed("founding configuration", value)?)
        .ok_or_else(|| OpenError::corrupt("founding configuration", "it is no configuration"))
}

/// Numbers, one after the other.
pub(crate) fn encode_numbers(numbers: &[u64]) -> Vec<u8> {
    framed(&numbers.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<_>>())
}

/// Exactly `N` numbers.
pub(crate) fn decode_numbers<const N: usize>(record: &str, value: &[u8]) -> Result<[u64; N], OpenError> {
    let body = unframed(record, value)?;
    if body.len() != N * 8 {
        return Err(OpenError::corrupt(record, format!("it is {} bytes long", body.len())));
    }
    let mut numbers = [0; N];
    for (number, bytes) in numbers.iter_mut().zip(body.chunks_exact(8)) {
        *number = u64::from_be_bytes(bytes.try_into().expect("chunks of eight bytes"));
    }
    Ok(numbers)
}

pub(crate) fn encode_text(text: &str) -> Vec<u8> {
    framed(text.as_bytes())
}

pub(crate) fn decode_text(record: &str, value: &[u8]) -> Result<String, OpenError> {
    String::from_utf8(unframed(record, value)?.to_vec()).map_err(|_| OpenError::corrupt(record, "it is not text"))
}

/// Numbers, bytes and texts, one after the other: bytes and texts with their lengths.
#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_be_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// The record's value.
    pub(crate) fn value(self) -> Vec<u8> {
        framed(&self.0)
    }
}

/// Reads what a [`Writer`] wrote.
pub(crate) struct Fields<'a> {
    record: &'static str,
    body: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields of a record's value.
    pub(crate) fn of(record: &'static str, value: &'a [u8]) -> Result<Self, OpenError> {
        Ok(Self { record, body: unframed(record, value)? })
    }

    pub(crate) fn number(&mut self) -> Result<u64, OpenError> {
        let (head, rest) = self.body.split_first_chunk::<8>().ok_or_else(|| self.damaged())?;
        self.body = rest;
        Ok(u64::from_be_bytes(*head))
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], OpenError> {
        let length = usize::try_from(self.number()?).map_err(|_| self.damaged())?;
        let (head, rest) = self.body.split_at_checked(length).ok_or_else(|| self.damaged())?;
        self.body = rest;
        Ok(head)
    }

    pub(crate) fn text(&mut self) -> Result<String, OpenError> {
        String::from_utf8(self.bytes()?.to_vec()).map_err(|_| self.damaged())
    }

    /// Nothing follows.
    pub(crate) fn end(self) -> Result<(), OpenError> {
        if self.body.is_empty() { Ok(()) } else { Err(self.damaged()) }
    }

    fn damaged(&self) -> OpenError {
        OpenError::corrupt(self.record, "its fields do not fit it")
    }
}

/// Node and epoch, then cluster id and incarnation.
pub(crate) fn encode_identity(identity: &Hello) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.number(identity.node);
    writer.number(identity.epoch);
    writer.bytes(identity.cluster_id.as_bytes());
    writer.bytes(identity.incarnation.as_bytes());
    writer.value()
}

pub(crate) fn decode_identity(value: &[u8]) -> Result<Hello, OpenError> {
    let mut fields = Fields::of("identity", value)?;
    let (node, epoch) = (fields.number()?, fields.number()?);
    let (cluster_id, incarnation) = (fields.text()?, fields.text()?);
    fields.end()?;
    Ok(Hello { cluster_id, epoch, node, incarnation })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_survives_its_encoding_and_damage_is_seen() {
        let identity = Hello { cluster_id: "c-1".into(), epoch: 2, node: 3, incarnation: "ä".into() };
        let value = encode_identity(&identity);
        assert_eq!(decode_identity(&value).unwrap(), identity);
        assert!(decode_identity(&value[..value.len() - 1]).is_err());
        assert!(decode_identity(&[]).is_err());
        assert!(decode_identity(&[9, 9]).unwrap_err().to_string().contains("format 9"));
    }

    #[test]
    fn an_entry_under_anothers_key_is_damage() {
        let entry = Entry { index: 7, term: 2, data: b"x".to_vec(), ..Entry::default() };
        let value = encode_entry(&entry);
        assert_eq!(decode_entry(&entry_key(7), &value).unwrap(), entry);
        assert!(matches!(decode_entry(&entry_key(8), &value), Err(OpenError::Corrupt { .. })));
    }

    #[test]
    fn entries_sort_by_index_below_their_end() {
        assert!(entry_key(255) < entry_key(256));
        assert!(entry_key(u64::MAX).as_slice() < ENTRIES_END);
        assert_eq!(number_of(&entry_key(300)), Some(300));
    }
}
