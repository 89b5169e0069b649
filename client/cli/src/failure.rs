//! Why a command did not do what it was asked: what is printed, and what the program exits with.

use std::fmt;
use std::io;

use lectern_client::{BadRow, ClientError};
use serde_json::{Value, json};

/// Exit codes of all programs.
pub mod exit {
    /// Done.
    pub const DONE: u8 = 0;
    /// The cluster, or the program, said no; nothing was changed.
    pub const REFUSED: u8 = 1;
    /// The command makes no sense as written.
    pub const USAGE: u8 = 2;
    /// No valid token.
    pub const NOT_SIGNED_IN: u8 = 3;
    /// No node answers, or no majority.
    pub const UNREACHABLE: u8 = 4;
    /// Kept on this machine and *not* submitted.
    pub const QUEUED: u8 = 5;
    /// It may have been done; doing it again with the same key is safe.
    pub const OUTCOME_UNKNOWN: u8 = 6;
    /// Ended by Ctrl-C.
    pub const INTERRUPTED: u8 = 130;
}

/// Why a command failed. Anything a [`ClientError`] says converts with `?`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What the program exits with.
    pub code: u8,
    /// For programs: `PAST_LOCK_DATE`.
    pub reason: String,
    /// For people: what happened.
    pub message: String,
    /// For people: what to do; may be empty.
    pub advice: String,
    /// Bad rows of an import.
    pub rows: Vec<BadRow>,
    /// How many bad rows there are in all, where more than `rows`.
    pub rows_total: usize,
    /// Nothing is to be printed: whoever read the output has left.
    quiet: bool,
}

impl Failure {
    /// A failure of the program's own.
    pub fn new(code: u8, reason: &str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
            message: message.into(),
            advice: String::new(),
            rows: Vec::new(),
            rows_total: 0,
            quiet: false,
        }
    }

    /// The command makes no sense as written.
    pub fn usage(message: impl Into<String>) -> Self {
        ClientError::usage(message).into()
    }

    /// Nobody is signed in.
    pub fn not_signed_in() -> Self {
        ClientError::NotSignedIn { message: "nobody is signed in".into() }.into()
    }

    /// Adds what to do.
    #[must_use]
    pub fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }

    /// Whether there is anything to print.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// A trouble of the terminal or pipe that is written to. A reader that has left is no failure.
    pub(crate) fn output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { quiet: true, ..Self::new(exit::DONE, "BROKEN_PIPE", "") };
        }
        Self::new(exit::REFUSED, "OUTPUT", format!("the output could not be written: {error}"))
    }

    /// `{"error": {"reason", "message", "advice"}}`, with `rows` where there are some.
    pub fn json(&self) -> Value {
        let mut error = json!({ "reason": self.reason, "message": self.message, "advice": self.advice });
        if !self.rows.is_empty() {
            let row = |row: &BadRow| json!({ "place": row.place, "message": row.message });
            error["rows"] = self.rows.iter().map(row).collect();
            error["rows_total"] = self.rows_total.into();
        }
        json!({ "error": error })
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let mut failure = Self::new(error.exit_code(), error.reason(), error.to_string()).with_advice(error.advice());
        if let ClientError::Refused { metadata, rows, .. } = error {
            failure.rows_total = metadata.get("rows_total").and_then(|total| total.parse().ok()).unwrap_or(rows.len());
            failure.rows = rows;
        }
        failure
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        for row in &self.rows {
            write!(f, "\n  {}: {}", row.place, row.message)?;
        }
        if self.rows_total > self.rows.len() {
            write!(f, "\n  and {} more; `--preview` lists all", self.rows_total - self.rows.len())?;
        }
        if self.advice.is_empty() { Ok(()) } else { write!(f, "\nhint: {}", self.advice) }
    }
}
