//! Any message of the contract as JSON, by its descriptor, without its secrets.

use lectern_lms::to_hex;
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, MapKey, MessageDescriptor, Value as Field};
use serde_json::{Map, Value, json};

use super::SECRET;

/// Longer bytes are content, of which the length is told.
const SHOWN_BYTES: usize = 64;

/// The messages of both packages.
pub(super) struct Messages {
    pool: DescriptorPool,
}

/// A message cannot be shown.
#[derive(Debug, thiserror::Error)]
pub(super) enum MessageError {
    /// The build is damaged.
    #[error("the descriptors of the contract are damaged: {0}; install lectern-server again")]
    Descriptors(#[from] prost_reflect::DescriptorError),
    /// There is no such message.
    #[error("the contract has no message {0}; install lectern-server again")]
    Unknown(String),
    /// It does not decode.
    #[error("it is no {name}: {problem}")]
    Undecodable {
        /// As which message.
        name: String,
        /// What the decoder said.
        problem: prost::DecodeError,
    },
}

impl Messages {
    /// Reads the descriptors that this program was built with.
    pub(super) fn new() -> Result<Self, MessageError> {
        Ok(Self { pool: DescriptorPool::decode(lectern_proto::DESCRIPTORS)? })
    }

    /// A message of `lectern.internal.v1`, decoded.
    pub(super) fn decode(&self, name: &str, bytes: &[u8]) -> Result<DynamicMessage, MessageError> {
        let descriptor = self.descriptor(name)?;
        DynamicMessage::decode(descriptor, bytes)
            .map_err(|problem| MessageError::Undecodable { name: name.into(), problem })
    }

    fn descriptor(&self, name: &str) -> Result<MessageDescriptor, MessageError> {
        let full = format!("lectern.internal.v1.{name}");
        self.pool.get_message_by_name(&full).ok_or(MessageError::Unknown(full))
    }
}

/// A message as JSON: its fields by name, those that are not set left out.
pub(super) fn to_json(message: &DynamicMessage) -> Value {
    let mut object = Map::new();
    for (field, value) in message.fields() {
        let shown = if is_secret(&field) { Value::from(SECRET) } else { field_json(&field, value) };
        object.insert(field.name().to_owned(), shown);
    }
    Value::Object(object)
}

/// Whether the contract marks a field with `debug_redact`.
fn is_secret(field: &FieldDescriptor) -> bool {
    let options = field.options();
    options.get_field_by_name("debug_redact").is_some_and(|marked| marked.as_bool() == Some(true))
}

fn field_json(field: &FieldDescriptor, value: &Field) -> Value {
    match value {
        Field::Bool(it) => json!(it),
        Field::I32(it) => json!(it),
        Field::I64(it) => json!(it),
        Field::U32(it) => json!(it),
        Field::U64(it) => json!(it),
        Field::F32(it) => json!(it),
        Field::F64(it) => json!(it),
        Field::String(it) => json!(it),
        Field::Bytes(it) => bytes_json(it),
        Field::EnumNumber(number) => enum_json(field, *number),
        Field::Message(it) => to_json(it),
        Field::List(items) => items.iter().map(|item| field_json(field, item)).collect(),
        Field::Map(items) => {
            let mut rows: Vec<(&MapKey, &Field)> = items.iter().collect();
            rows.sort_by_key(|(key, _)| *key);
            let descriptor = field.kind();
            let of = descriptor.as_message().map(MessageDescriptor::map_entry_value_field);
            let shown = |item: &Field| field_json(of.as_ref().unwrap_or(field), item);
            Value::Object(rows.into_iter().map(|(key, item)| (key_text(key), shown(item))).collect())
        }
    }
}

fn key_text(key: &MapKey) -> String {
    match key {
        MapKey::Bool(it) => it.to_string(),
        MapKey::I32(it) => it.to_string(),
        MapKey::I64(it) => it.to_string(),
        MapKey::U32(it) => it.to_string(),
        MapKey::U64(it) => it.to_string(),
        MapKey::String(it) => it.clone(),
    }
}

fn enum_json(field: &FieldDescriptor, number: i32) -> Value {
    let kind = field.kind();
    let name = kind.as_enum().and_then(|of| of.get_value(number)).map(|value| value.name().to_owned());
    name.map_or_else(|| json!(number), Value::from)
}

/// Bytes in hexadecimal, or how many there are.
pub(super) fn bytes_json(bytes: &[u8]) -> Value {
    if bytes.len() <= SHOWN_BYTES { json!(to_hex(bytes)) } else { json!({ "bytes": bytes.len() }) }
}

#[cfg(test)]
mod tests {
    use lectern_proto::internal::v1::{ActivateAccount, Command, UserRecord, command::Body};
    use lectern_proto::v1::{PutChunkRequest, User, UserState};
    use prost::Message as _;

    use super::*;

    #[test]
    fn a_record_is_shown_by_the_names_of_its_fields_without_its_secrets() {
        let user = User { username: "ada".into(), state: UserState::Active.into(), ..User::default() };
        let record = UserRecord {
            user: Some(user),
            password_hash: "$argon2id$v=19$hash".into(),
            password_version: 3,
            code_hash: vec![7; 32],
            ..UserRecord::default()
        };
        let message = Messages::new().unwrap().decode("UserRecord", &record.encode_to_vec()).unwrap();
        let expected = json!({
            "user": { "username": "ada", "state": "USER_STATE_ACTIVE" },
            "password_hash": SECRET,
            "password_version": 3,
            "code_hash": SECRET,
        });
        assert_eq!(to_json(&message), expected);
    }

    #[test]
    fn commands_show_neither_the_secrets_in_them_nor_the_content_of_files() {
        let messages = Messages::new().unwrap();
        let shown = |body: Body| {
            let command = Command { token_id: vec![7; 32], body: Some(body), ..Command::default() };
            to_json(&messages.decode("Command", &command.encode_to_vec()).unwrap())
        };
        let activation = ActivateAccount { code_hash: vec![7; 32], password_hash: "hash".into(), ..Default::default() };
        let activation = shown(Body::ActivateAccount(activation));
        assert_eq!(activation["token_id"], SECRET);
        assert_eq!(activation["activate_account"]["password_hash"], SECRET);
        assert!(!activation.to_string().contains("0707"));
        let chunk = PutChunkRequest { data: vec![1; 1000].into(), ..PutChunkRequest::default() };
        assert_eq!(shown(Body::PutChunk(chunk))["put_chunk"]["data"], json!({ "bytes": 1000 }));
    }

    #[test]
    fn every_field_that_is_called_a_secret_is_marked_as_one() {
        let pool = Messages::new().unwrap().pool;
        let called_so = |field: &FieldDescriptor| {
            let name = field.name();
            let is_called = ["password", "secret", "_hash", "token_id"].iter().any(|word| name.contains(word));
            // A message is judged by its own fields, and a version counts.
            is_called && field.kind().as_message().is_none() && !name.ends_with("_version")
        };
        let mut marked = 0;
        for message in pool.all_messages() {
            for field in message.fields().filter(called_so) {
                assert!(is_secret(&field), "{} is not marked with debug_redact", field.full_name());
                marked += 1;
            }
        }
        assert!(marked > 20, "{marked}");
    }
}
