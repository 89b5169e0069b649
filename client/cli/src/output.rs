//! The only place that prints. A closed pipe ends the program quietly, as with any other Unix tool.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use lectern_client::BadRow;
use serde_json::{Map, Value, json};

use crate::Error;

/// Version of the JSON that programs print.
pub const SCHEMA: u32 = 1;

/// Prints a result: an object with its schema version for scripts, text for people.
pub fn show(as_json: bool, value: Value, human: impl FnOnce() -> String) {
    if as_json {
        line(&with_schema(value).to_string());
    } else {
        line(human().trim_end_matches('\n'));
    }
}

/// Puts the schema version first.
fn with_schema(value: Value) -> Value {
    let mut object = Map::new();
    object.insert("schema".into(), SCHEMA.into());
    match value {
        Value::Object(fields) => object.extend(fields),
        other => {
            object.insert("value".into(), other);
        }
    }
    Value::Object(object)
}

/// Prints one line on standard output.
pub fn line(text: &str) {
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
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether a person sees standard error.
pub fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Prints an error with what to do about it, and gives its exit code.
pub fn fail(error: &Error, as_json: bool) -> ExitCode {
    if as_json {
        let rows: Vec<Value> =
            rows(error).iter().map(|row| json!({"place": row.place, "message": row.message})).collect();
        let mut body = json!({"reason": error.reason(), "message": error.to_string(), "advice": error.advice()});
        if !rows.is_empty() {
            body["rows"] = rows.into();
        }
        note(&with_schema(json!({ "error": body })).to_string());
    } else {
        note(&format!("error: {error}"));
        for row in rows(error) {
            note(&format!("  {}: {}", row.place, row.message));
        }
        let advice = error.advice();
        if !advice.is_empty() {
            note(&advice);
        }
    }
    ExitCode::from(error.exit_code())
}

fn rows(error: &Error) -> &[BadRow] {
    match error {
        Error::Refused { rows, .. } => rows,
        _ => &[],
    }
}
