//! The one place that prints. Human text is made harmless here, whatever it came from.

use std::io::{self, IsTerminal as _, Write as _};

use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::text::sanitise;

/// Version of the JSON that commands print.
pub const SCHEMA: u64 = 1;

/// How a command speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // independent switches of the command line
pub struct Output {
    json: bool,
    quiet: bool,
    plain: bool,
    terminal: bool,
}

impl Output {
    /// By the switches of the command line.
    pub fn new(json: bool, quiet: bool, plain: bool) -> Self {
        Self { json, quiet, plain, terminal: io::stderr().is_terminal() }
    }

    /// Whether `--json` was given.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Whether a bar may be drawn: a person looks at a terminal, and did not ask for less.
    pub fn may_animate(&self) -> bool {
        self.terminal && !self.json && !self.quiet && !self.plain
    }

    /// The command's result: with `--json` one line, `value` (an object) with `"schema": 1` in front; else `human`.
    pub fn result(&self, value: Value, human: impl ToString) -> Result<(), Failure> {
        if self.json {
            write_out(with_schema(value).to_string().as_bytes(), true)
        } else {
            write_text(&human.to_string())
        }
    }

    /// One item of a watch: with `--json` an object on a line of its own, flushed at once; else a line of text.
    pub fn item(&self, value: Value, human: impl ToString) -> Result<(), Failure> {
        self.result(value, human)
    }

    /// Bytes as they are, such as a downloaded file: only where the command was asked for them.
    pub fn bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        write_out(bytes, false)
    }

    /// Text for people beside the result, on standard error: not with `--json` or `--quiet`.
    pub fn note(&self, text: impl ToString) {
        if !self.json && !self.quiet {
            write_err(&sanitise(&text.to_string()));
        }
    }

    /// Something a person should not miss, on standard error: with `--json` as `{"warning": …}`.
    pub fn warn(&self, text: impl ToString) {
        let text = text.to_string();
        if self.json {
            write_err(&serde_json::json!({ "warning": text }).to_string());
        } else {
            write_err(&format!("warning: {}", sanitise(&text)));
        }
    }

    /// Why the command failed, on standard error.
    pub fn failure(&self, failure: &Failure) {
        if failure.is_quiet() {
            return;
        }
        if self.json { write_err(&failure.json().to_string()) } else { write_err(&sanitise(&failure.to_string())) }
    }
}

fn with_schema(value: Value) -> Value {
    let mut object = Map::new();
    object.insert("schema".into(), SCHEMA.into());
    match value {
        Value::Object(fields) => object.extend(fields),
        other => {
            object.insert("value".into(), other);
        }
    }
    object.into()
}

fn write_text(text: &str) -> Result<(), Failure> {
    let text = sanitise(text);
    if text.is_empty() { Ok(()) } else { write_out(text.as_bytes(), !text.ends_with('\n')) }
}

fn write_out(bytes: &[u8], line_break: bool) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(bytes).and_then(|()| if line_break { out.write_all(b"\n") } else { Ok(()) });
    written.and_then(|()| out.flush()).map_err(|error| Failure::output(&error))
}

fn write_err(text: &str) {
    // There is nowhere left to complain to.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn results_begin_with_the_schema() {
        assert_eq!(with_schema(json!({ "b": 1, "a": 2 })).to_string(), r#"{"schema":1,"b":1,"a":2}"#);
        assert_eq!(with_schema(json!([1])).to_string(), r#"{"schema":1,"value":[1]}"#);
    }

    #[test]
    fn a_reader_that_left_is_no_failure() {
        let failure = Failure::output(&io::ErrorKind::BrokenPipe.into());
        assert!(failure.is_quiet() && failure.code == 0);
        let failure = Failure::output(&io::ErrorKind::StorageFull.into());
        assert!(!failure.is_quiet() && failure.code == 1);
    }
}
