//! The only place that prints. A closed pipe ends the program quietly, as with any other Unix tool.
//!
//! Whatever a server, a file or an argument says is cleaned here, once: nothing that leaves through [`show`], [`note`] or
//! [`fail`] can move a cursor, hide a line or reverse text. [`verbatim`] and [`bytes`] are for files.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use lectern_client::BadRow;
use serde_json::{Map, Value, json};

use crate::{Error, text};

/// Version of the JSON that programs print.
pub const SCHEMA: u32 = 1;

/// Prints a result: an object with its schema version for scripts, text for people.
pub fn show(as_json: bool, value: Value, human: impl FnOnce() -> String) {
    if as_json {
        line(&json_line(value));
    } else {
        line(text::clean_body(&human()).trim_end_matches('\n'));
    }
}

/// Prints a text that somebody wrote: as it is into a file or a pipe, cleaned where a person looks.
pub fn verbatim(text: &str) {
    if io::stdout().is_terminal() {
        line(text::clean_body(text).trim_end_matches('\n'));
    } else {
        line(text.trim_end_matches('\n'));
    }
}

/// One object on one line, its schema version first. What could act on a terminal is escaped, as JSON allows.
fn json_line(value: Value) -> String {
    let mut object = Map::new();
    object.insert("schema".into(), SCHEMA.into());
    match value {
        Value::Object(fields) => object.extend(fields),
        other => {
            object.insert("value".into(), other);
        }
    }
    // Such characters can only be inside strings.
    let mut escaped = String::new();
    for c in Value::Object(object).to_string().chars() {
        if text::is_unsafe(c) {
            let mut units = [0; 2];
            escaped.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Prints one line on standard output.
fn line(text: &str) {
    let mut out = io::stdout().lock();
    check(writeln!(out, "{text}").and_then(|()| out.flush()));
}

/// Prints bytes on standard output as they are.
pub fn bytes(data: &[u8]) {
    let mut out = io::stdout().lock();
    check(out.write_all(data).and_then(|()| out.flush()));
}

/// Ends the program when its output cannot be written: quietly when the reader has gone, loudly when the disk is full.
fn check(written: io::Result<()>) {
    match written {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => {
            note(&format!("error: the output could not be written: {error}"));
            std::process::exit(1);
        }
    }
}

/// Prints a remark for a person on standard error.
pub fn note(text: &str) {
    // Nothing is left to tell anyone when standard error is closed.
    let _ = writeln!(io::stderr().lock(), "{}", text::clean_body(text));
}

/// Asks a person something on standard error; the answer comes behind it, on the same line.
pub fn prompt(text: &str) {
    let mut out = io::stderr().lock();
    // Nothing is left to tell anyone when standard error is closed.
    let _ = write!(out, "{}", text::clean_body(text)).and_then(|()| out.flush());
}

/// How many columns the terminal has that standard error is; none where it is none.
pub(crate) fn width_of_errors() -> Option<usize> {
    terminal_size::terminal_size_of(io::stderr()).map(|(width, _)| usize::from(width.0)).filter(|width| *width > 0)
}

/// Whether a person sees standard error.
pub fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Prints an error with what to do about it, and gives its exit code.
pub fn fail(error: &Error, as_json: bool) -> ExitCode {
    note(&if as_json { error_json(error) } else { error_words(error) });
    ExitCode::from(error.exit_code())
}

fn error_json(error: &Error) -> String {
    let rows: Vec<Value> = rows(error).iter().map(|row| json!({"place": row.place, "message": row.message})).collect();
    let mut body = json!({"reason": error.reason(), "message": error.to_string(), "advice": error.advice()});
    if !rows.is_empty() {
        body["rows"] = rows.into();
    }
    json_line(json!({ "error": body }))
}

fn error_words(error: &Error) -> String {
    // What a server quotes must not look like lines of ours.
    let one_line = |words: &str| words.split('\n').map(str::trim_end).collect::<Vec<_>>().join(" ");
    let words = match error {
        Error::Refused { message, metadata, .. } => {
            // The server speaks of times in UTC.
            let opens = metadata.get("unlock_at_ms").and_then(|ms| ms.parse().ok());
            let here = opens.map(|ms| format!(" (it opens at {})", text::time(ms))).unwrap_or_default();
            one_line(message) + &here
        }
        other => other.to_string(),
    };
    let mut lines = vec![format!("error: {words}")];
    lines.extend(rows(error).iter().map(|row| format!("  {}: {}", one_line(&row.place), one_line(&row.message))));
    let advice = error.advice();
    if !advice.is_empty() {
        lines.push(advice);
    }
    text::clean_body(&lines.join("\n"))
}

fn rows(error: &Error) -> &[BadRow] {
    match error {
        Error::Refused { rows, .. } => rows,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use lectern_client::Code;

    use super::*;

    /// A terminal's title, its screen cleared, text reversed, a line of ours forged.
    const EVIL: &str = "\u{1b}]0;x\u{7}\u{9b}2J\u{202e}abc\u{e0041}\nerror: all is well";

    fn refusal() -> Error {
        let rows = vec![BadRow { place: EVIL.into(), message: EVIL.into() }];
        match Error::refused(Code::InvalidArgument, "BAD_ROWS", EVIL) {
            Error::Refused { code, reason, message, metadata, .. } => {
                Error::Refused { code, reason, message, metadata, rows }
            }
            other => other,
        }
    }

    #[test]
    fn nothing_a_server_quotes_acts_on_the_terminal_or_looks_like_our_own_line() {
        let words = error_words(&refusal());
        assert!(!words.chars().any(|c| c != '\n' && text::is_unsafe(c)), "{words:?}");
        assert_eq!(words.lines().filter(|line| line.starts_with("error:")).count(), 1, "{words}");
        assert_eq!(words.lines().count(), 3, "the error, its row, the advice: {words}");
    }

    #[test]
    fn an_unlock_date_is_told_in_the_readers_zone() {
        let mut refusal =
            Error::refused(Code::FailedPrecondition, "NOT_UNLOCKED", "`hw1` opens at 1970-01-01T00:00:00Z");
        if let Error::Refused { metadata, .. } = &mut refusal {
            metadata.insert("unlock_at_ms".into(), "0".into());
        }
        assert!(error_words(&refusal).contains(&text::time(0)));
    }

    #[test]
    fn json_escapes_what_acts_on_a_terminal_and_loses_nothing() {
        let line = json_line(json!({ "name": EVIL }));
        assert!(!line.chars().any(text::is_unsafe), "{line:?}");
        let parsed: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&parsed["name"], &parsed["schema"]), (&json!(EVIL), &json!(SCHEMA)));
        let error: Value = serde_json::from_str(&error_json(&refusal())).unwrap();
        assert_eq!(
            (&error["error"]["reason"], &error["error"]["rows"][0]["message"]),
            (&json!("BAD_ROWS"), &json!(EVIL))
        );
    }
}
