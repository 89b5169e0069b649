//! What values look like in `--json`: RFC 3339 UTC, decimal strings, lower hex.

use std::fmt::Write as _;

use lectern_client::v1;
use serde_json::{Value, json};

use crate::{Points, rfc3339};

/// A time; null for 0, which is how the contract says "never".
pub fn time(ms: i64) -> Value {
    if ms == 0 { Value::Null } else { rfc3339(ms).into() }
}

/// A time that may be absent.
pub fn optional_time(ms: Option<i64>) -> Value {
    ms.map_or(Value::Null, |ms| rfc3339(ms).into())
}

/// Points or a score.
pub fn points(ten_thousandths: i64) -> Value {
    Points(ten_thousandths).to_string().into()
}

/// A score that may be absent.
pub fn optional_points(ten_thousandths: Option<i64>) -> Value {
    ten_thousandths.map_or(Value::Null, points)
}

/// Lower hex, as `b3sum` prints it.
pub fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::with_capacity(digest.len() * 2), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A digest; null for none.
pub fn digest(digest: &[u8]) -> Value {
    if digest.is_empty() { Value::Null } else { hex(digest).into() }
}

/// Null for an empty text.
pub fn text(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { text.into() }
}

/// The last word of an enum's name in the contract, in lower case: `COURSE_STATE_AVAILABLE` is `available`.
///
/// ```
/// use lectern_cli::json::word;
/// assert_eq!(word("COURSE_STATE_AVAILABLE", "COURSE_STATE_"), "available");
/// assert_eq!(word("SUBMISSION_TYPE_ON_PAPER", "SUBMISSION_TYPE_"), "on_paper");
/// ```
pub fn word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_ascii_lowercase()
}

/// A stored file.
pub fn file(file: &v1::FileRef) -> Value {
    json!({ "file_id": file.file_id, "name": file.name, "size": file.size, "digest": digest(&file.digest) })
}

/// Several of them.
pub fn files(list: &[v1::FileRef]) -> Value {
    list.iter().map(file).collect()
}

/// A person; null for none.
pub fn person(person: Option<&v1::PersonRef>) -> Value {
    person.map_or(
        Value::Null,
        |person| json!({ "user_id": person.user_id, "username": person.username, "name": person.name }),
    )
}

/// An account.
pub fn user(user: &v1::User) -> Value {
    let rights = user.rights.unwrap_or_default();
    json!({
        "user_id": user.user_id,
        "username": user.username,
        "sis_user_id": text(&user.sis_user_id),
        "name": user.name,
        "email": text(&user.email),
        "time_zone": text(&user.time_zone),
        "state": word(user.state().as_str_name(), "USER_STATE_"),
        "rights": { "admin": rights.admin, "course_creator": rights.course_creator, "operator": rights.operator },
        "created_at": time(user.created_at_ms),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_exact_and_never_local() {
        assert_eq!(time(1_790_899_199_000), json!("2026-10-01T23:59:59Z"));
        assert_eq!((time(0), optional_time(None)), (Value::Null, Value::Null));
        assert_eq!(points(125_000), json!("12.5"));
        assert_eq!(digest(&[0, 255]), json!("00ff"));
    }
}
