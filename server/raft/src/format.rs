//! The log's records on its disk.
//!
//! | key | value |
//! |---|---|
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
/// Above every entry.
pub(crate) const ENTRIES_END: &[u8] = b"f";
/// Below and above every peer's incarnation.
pub(crate) const INCARNATIONS: (&[u8], &[u8]) = (b"i", b"j");
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

/// Node and epoch as numbers, then both texts with their lengths.
pub(crate) fn encode_identity(identity: &Hello) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend_from_slice(&identity.node.to_be_bytes());
    body.extend_from_slice(&identity.epoch.to_be_bytes());
    for text in [&identity.cluster_id, &identity.incarnation] {
        body.extend_from_slice(&(text.len() as u64).to_be_bytes());
        body.extend_from_slice(text.as_bytes());
    }
    framed(&body)
}

pub(crate) fn decode_identity(value: &[u8]) -> Result<Hello, OpenError> {
    fn number(body: &mut &[u8]) -> Option<u64> {
        let (head, rest) = body.split_first_chunk::<8>()?;
        *body = rest;
        Some(u64::from_be_bytes(*head))
    }
    fn text(body: &mut &[u8]) -> Option<String> {
        let length = usize::try_from(number(body)?).ok()?;
        let head = body.get(..length)?;
        *body = &body[length..];
        String::from_utf8(head.to_vec()).ok()
    }
    fn parse(mut body: &[u8]) -> Option<Hello> {
        let body = &mut body;
        let (node, epoch) = (number(body)?, number(body)?);
        let (cluster_id, incarnation) = (text(body)?, text(body)?);
        body.is_empty().then_some(Hello { cluster_id, epoch, node, incarnation })
    }
    parse(unframed("identity", value)?).ok_or_else(|| OpenError::corrupt("identity", "it is no identity"))
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
