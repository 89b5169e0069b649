//! Encoding of raft's own messages. They travel as opaque bytes inside Lectern's messages and records, because raft-rs
//! uses another generation of protobuf than the rest of the house; only this file knows which.

use std::fmt::Write as _;

use prost_raft::Message as Codec;
use raft::eraftpb::{ConfState, EntryType, Message, MessageType};

/// Encodes any of raft's messages.
pub(crate) fn encode<M: Codec>(message: &M) -> Vec<u8> {
    message.encode_to_vec()
}

/// Decodes any of raft's messages; `None` where the bytes are not one.
pub(crate) fn decode<M: Codec + Default>(bytes: &[u8]) -> Option<M> {
    M::decode(bytes).ok()
}

/// Decodes a message from a peer. raft-rs panics at enumeration values it does not know, so that a message holding one
/// is turned away here.
pub(crate) fn decode_message(bytes: &[u8]) -> Option<Message> {
    let message: Message = decode(bytes)?;
    MessageType::from_i32(message.msg_type)?;
    for entry in &message.entries {
        EntryType::from_i32(entry.entry_type)?;
    }
    Some(message)
}

/// Where the entries of an append belong, after which index, if not after the one that it names.
pub(crate) fn astray(message: &Message) -> Option<u64> {
    let first = message.entries.first()?.index;
    let follows = message.index.checked_add(1) == Some(first);
    (message.get_msg_type() == MessageType::MsgAppend && !follows).then_some(first.saturating_sub(1))
}

/// A configuration as bytes, for records beside the state machine's `applied` and for [`crate::SnapshotMeta`].
#[must_use]
pub fn encode_conf_state(conf_state: &ConfState) -> Vec<u8> {
    encode(conf_state)
}

/// The configuration in `bytes`, or `None` where they are not one.
#[must_use]
pub fn decode_conf_state(bytes: &[u8]) -> Option<ConfState> {
    decode(bytes)
}

/// An encoded message in a few words, for logs and tests.
#[must_use]
pub fn describe_message(bytes: &[u8]) -> String {
    let Some(message) = decode_message(bytes) else { return "not a message".to_owned() };
    let kind = format!("{:?}", message.get_msg_type());
    let mut text = format!("{}→{} {} term {}", message.from, message.to, kind.trim_start_matches("Msg"), message.term);
    if let (Some(first), Some(last)) = (message.entries.first(), message.entries.last())
        && first.index > 0
    {
        let _ = write!(text, " entries {}..={}", first.index, last.index);
    }
    let snapshot = message.get_snapshot().get_metadata().index;
    for (name, value) in [("index", message.index), ("commit", message.commit), ("snapshot", snapshot)] {
        if value > 0 {
            let _ = write!(text, " {name} {value}");
        }
    }
    if message.reject {
        text += " rejected";
    }
    text
}

/// The same configuration in the one order that every replica agrees on: raft-rs keeps members in hash sets, whose order
/// may differ between a replica that grew a configuration and one that was given it.
pub(crate) fn sorted(mut conf_state: ConfState) -> ConfState {
    conf_state.voters.sort_unstable();
    conf_state.learners.sort_unstable();
    conf_state.voters_outgoing.sort_unstable();
    conf_state.learners_next.sort_unstable();
    conf_state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_with_an_unknown_type_is_turned_away() {
        let mut message = Message { msg_type: 3, ..Message::default() };
        assert!(decode_message(&encode(&message)).is_some());
        message.msg_type = 99;
        assert!(decode_message(&encode(&message)).is_none());
        assert!(decode_message(b"\xff\xff\xff").is_none());
    }

    #[test]
    fn a_configuration_survives_its_encoding() {
        let conf_state = ConfState { voters: vec![3, 1, 2], learners: vec![4], ..ConfState::default() };
        let decoded = decode_conf_state(&encode_conf_state(&conf_state)).unwrap();
        assert_eq!(decoded, conf_state);
        assert_eq!(sorted(decoded).voters, vec![1, 2, 3]);
    }
}
