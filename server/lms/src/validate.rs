//! Shapes of what people type: slugs, names, bodies of text.

use unicode_normalization::UnicodeNormalization;

use crate::limits;
use crate::refusal::{Reason, Refusal, Result, refuse};

/// A slug: 1 to 40 of a-z, 0-9, '-', beginning with a letter or digit.
pub fn slug(field: &str, text: &str) -> Result<()> {
    let fits = !text.is_empty()
        && text.len() <= limits::SLUG_CHARS
        && !text.starts_with('-')
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if fits {
        return Ok(());
    }
    refuse(
        Reason::InvalidArgument,
        format!(
            "{field} `{text}` must be 1 to 40 of a-z, 0-9 and '-', beginning with a letter or digit, such as `hw3`"
        ),
    )
}

/// One line of text: not empty, no control characters, at most [`limits::NAME_BYTES`]. Returned trimmed and in NFC.
pub fn line(field: &str, text: &str) -> Result<String> {
    let text = optional_line(field, text)?;
    if text.is_empty() {
        return refuse(Reason::InvalidArgument, format!("{field} is empty"));
    }
    Ok(text)
}

/// Like [`line()`], but may be empty.
pub fn optional_line(field: &str, text: &str) -> Result<String> {
    let text: String = text.trim().nfc().collect();
    if text.len() > limits::NAME_BYTES {
        return Err(too_long(field, text.len(), limits::NAME_BYTES).into());
    }
    if text.chars().any(is_unwanted) {
        return refuse(Reason::InvalidArgument, format!("{field} holds control characters; remove them"));
    }
    Ok(text)
}

/// Text of several lines, at most `max_bytes`. Control characters other than newline, carriage return and tab are refused.
pub fn body(field: &str, text: &str, max_bytes: usize) -> Result<()> {
    if text.len() > max_bytes {
        return Err(too_long(field, text.len(), max_bytes).into());
    }
    if text.chars().any(|c| is_unwanted(c) && !matches!(c, '\n' | '\r' | '\t')) {
        return refuse(Reason::InvalidArgument, format!("{field} holds control characters; remove them"));
    }
    Ok(())
}

/// A time zone's IANA name, by its shape; empty is allowed. The door checks that it exists.
pub fn time_zone(text: &str) -> Result<()> {
    let shaped = text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_+-".contains(&b));
    if shaped {
        Ok(())
    } else {
        refuse(Reason::InvalidArgument, format!("`{text}` is no time zone such as Europe/Berlin"))
    }
}

/// Points and scores: 0 to a million.
pub fn points(field: &str, points: i64) -> Result<()> {
    if (0..=limits::MAX_POINTS).contains(&points) {
        return Ok(());
    }
    refuse(Reason::InvalidArgument, format!("{field} must be from 0 to 1000000 points"))
}

/// A number of things: `1 byte`, `2 bytes`.
pub(crate) fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// The refusal for text over its limit.
pub fn too_long(field: &str, bytes: usize, limit: usize) -> Refusal {
    let length = count(bytes, "byte");
    Refusal::new(Reason::TooLong, format!("{field} has {length}; at most {limit} fit: shorten it"))
        .with("limit", limit)
        .with("actual", bytes)
}

/// Control characters, and the bidirectional overrides that make text read otherwise than it is.
pub fn is_unwanted(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}
