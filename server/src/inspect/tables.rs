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
        // Whether there is a row beside a secret would be an answer to a guess.
        if !prefix.is_empty() && matches!(shape.key.first(), Some(KeyPart::Secret(_))) {
            continue;
        }
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
