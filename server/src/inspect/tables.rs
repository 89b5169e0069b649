//! Rows of tables, by the shapes that the domain tells.

use std::io::Write;

use lectern_lms::shapes::{KeyPart, Shape, ValueShape, shape};
use lectern_lms::{Order, StoreExt as _, Table, ids, to_hex};
use serde_json::{Map, Value, json};

use super::SECRET;
use super::document::Document;
use super::message::{self, Messages};
use crate::cli::Problem;
use crate::store::StateDb;

/// Rows read at once; a chunk of a file has 256 KiB.
const PAGE: usize = 64;

/// A table's name as it is written here: `UsersByName` is `users_by_name`.
pub(super) fn name(table: Table) -> String {
    let mut name = String::new();
    for letter in format!("{table:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// Writes at most `limit` rows of each table whose keys begin with `prefix`.
pub(super) fn write(
    document: &mut Document<'_, impl Write>,
    state: &StateDb,
    messages: &Messages,
    shown: &[Table],
    prefix: Option<&str>,
    limit: usize,
) -> Result<(), Problem> {
    let store = state.read();
    let mut tables = document.object("tables")?;
    for table in shown {
        let shape = shape(*table);
        let prefix = prefix.unwrap_or_default().as_bytes();
        let mut part = tables.object(&name(*table))?;
        part.list("rows")?;
        let (mut after, mut left) = (None::<Vec<u8>>, limit);
        let more = loop {
            let page =
                store.prefix(*table, prefix, after.as_deref(), Order::Ascending, PAGE.min(left.saturating_add(1)))?;
            let full = page.len() == PAGE.min(left.saturating_add(1));
            after = page.last().map(|(key, _)| key.clone());
            for (key, value) in page.iter().take(left) {
                part.row(&row(messages, shape, key, value))?;
            }
            if page.len() > left {
                break true;
            }
            left -= page.len();
            if !full {
                break false;
            }
        };
        part.end_list()?;
        part.value("more", &json!(more))?;
        part.close()?;
    }
    tables.close()?;
    Ok(())
}

/// One row; what cannot be read is told in its place.
fn row(messages: &Messages, shape: Shape, key: &[u8], value: &[u8]) -> Value {
    let mut row = json!({ "key": key_json(shape.key, key) });
    match value_json(messages, shape.value, value) {
        Ok(None) => {}
        Ok(Some(value)) => row["value"] = value,
        Err(problem) => row["problem"] = problem.into(),
    }
    row
}

fn key_json(parts: &[KeyPart], mut key: &[u8]) -> Value {
    let mut object = Map::new();
    for part in parts {
        let length = part.length().unwrap_or(key.len());
        let Some((bytes, rest)) = key.split_at_checked(length) else {
            object.insert("problem".into(), "the key is too short".into());
            return Value::Object(object);
        };
        key = rest;
        object.insert(part.name().into(), part_json(*part, bytes));
    }
    if !key.is_empty() {
        object.insert("problem".into(), "the key is too long".into());
    }
    Value::Object(object)
}

fn part_json(part: KeyPart, bytes: &[u8]) -> Value {
    match part {
        KeyPart::Id(_) | KeyPart::Text(_) => text_json(bytes),
        KeyPart::U32(_) | KeyPart::U64(_) | KeyPart::Time(_) => number_json(bytes),
        KeyPart::Digest(_) => json!(to_hex(bytes)),
        KeyPart::Secret(_) => json!(SECRET),
        KeyPart::Subject(_) => match std::str::from_utf8(bytes) {
            Ok(id) if ids::is_id(id) => json!(id),
            _ => json!(SECRET),
        },
    }
}

fn text_json(bytes: &[u8]) -> Value {
    std::str::from_utf8(bytes).map_or_else(|_| message::bytes_json(bytes), |text| json!(text))
}

fn number_json(bytes: &[u8]) -> Value {
    json!(bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)))
}

fn value_json(messages: &Messages, value: ValueShape, bytes: &[u8]) -> Result<Option<Value>, String> {
    Ok(match value {
        ValueShape::Record(name) => {
            let body = lectern_lms::record_body(bytes).ok_or("its format is not known to this program")?;
            let message = messages.decode(name, body).map_err(|problem| problem.to_string())?;
            Some(message::to_json(&message))
        }
        ValueShape::Text => Some(text_json(bytes)),
        ValueShape::U32 | ValueShape::Time => Some(number_json(bytes)),
        ValueShape::Content => Some(json!({ "bytes": bytes.len() })),
        ValueShape::Key(table) => Some(key_json(shape(table).key, bytes)),
        ValueShape::Nothing => None,
    })
}

#[cfg(test)]
mod tests {
    use lectern_lms::{ALL_TABLES, encode};
    use lectern_proto::internal::v1::TokenRecord;

    use super::*;

    const ID: &[u8] = b"01ARZ3NDEKTSV4RRFFQ69G5FAV";

    fn key(table: Table, parts: &[&[u8]]) -> Value {
        key_json(shape(table).key, &parts.concat())
    }

    #[test]
    fn keys_are_shown_by_their_parts_without_the_secret_ones() {
        let id = std::str::from_utf8(ID).unwrap();
        assert_eq!(
            key(Table::Submissions, &[ID, ID, &7_u32.to_be_bytes()]),
            json!({ "assignment_id": id, "submitter_id": id, "attempt": 7 })
        );
        assert_eq!(key(Table::TokensByUser, &[ID, &[9; 32]]), json!({ "user_id": id, "token_id": SECRET }));
        assert_eq!(
            key(Table::IdempotencyByTime, &[&5_u64.to_be_bytes(), ID, b"my key"]),
            json!({ "at_ms": 5, "user_id": id, "idempotency_key": SECRET })
        );
        assert_eq!(key(Table::UsersByName, &["zoë".as_bytes()]), json!({ "username": "zoë" }));
    }

    #[test]
    fn what_is_due_for_a_token_does_not_name_it() {
        let at = 5_u64.to_be_bytes();
        assert_eq!(key(Table::Schedule, &[&at, ID])["subject"], std::str::from_utf8(ID).unwrap());
        assert_eq!(key(Table::Schedule, &[&at, &[b'7'; 32]])["subject"], SECRET);
    }

    #[test]
    fn rows_that_are_damaged_are_shown_with_their_problem() {
        let messages = Messages::new().unwrap();
        let shown = |value: &[u8]| row(&messages, shape(Table::Tokens), &[9; 32], value);
        let record = TokenRecord { token_id: vec![9; 32], name: "laptop".into(), ..TokenRecord::default() };
        let good = shown(&encode(&record));
        assert_eq!(good["value"], json!({ "token_id": SECRET, "name": "laptop" }));
        assert!(shown(b"\x02").to_string().contains("format"));
        assert!(shown(b"\x01\xff\xff").to_string().contains("it is no TokenRecord"));
        assert!(key(Table::Submissions, &[ID, b"short"]).to_string().contains("too short"));
        assert!(key(Table::Drafts, &[ID, ID, b"more"]).to_string().contains("too long"));
    }

    #[test]
    fn every_table_has_a_name_of_its_own_and_a_message_for_its_records() {
        let messages = Messages::new().unwrap();
        let names: std::collections::BTreeSet<String> = ALL_TABLES.iter().map(|table| name(*table)).collect();
        assert_eq!(names.len(), ALL_TABLES.len());
        assert!(names.contains("extension_requests_by_user"));
        for table in ALL_TABLES {
            if let ValueShape::Record(record) = shape(*table).value {
                messages.decode(record, &[]).unwrap();
            }
        }
    }
}
