//! What is wrong with a history, and the operations that show it.

use std::fmt;

use super::history::{Entry, Nanos};

/// One line of a table of operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Who asked.
    pub client: u32,
    /// Whom.
    pub node: u32,
    /// When.
    pub call: Nanos,
    /// When the answer came.
    pub end: Option<Nanos>,
    /// What was asked.
    pub op: String,
    /// What was answered.
    pub answer: String,
}

impl<O: fmt::Display, R: fmt::Display> From<&Entry<O, R>> for Row {
    fn from(entry: &Entry<O, R>) -> Self {
        Self {
            client: entry.client,
            node: entry.node,
            call: entry.call,
            end: entry.end.as_ref().map(|(at, _)| *at),
            op: entry.op.to_string(),
            answer: entry.ret().map_or_else(|| "no answer".into(), ToString::to_string),
        }
    }
}

/// A violation: something that cannot have happened in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Of which key.
    pub key: String,
    /// What is wrong, in a sentence.
    pub what: String,
    /// The smallest part of the history that shows it.
    pub rows: Vec<Row>,
}

impl Finding {
    /// A finding whose rows are in order of time.
    pub fn new(key: &str, what: impl Into<String>, mut rows: Vec<Row>) -> Self {
        rows.sort_by_key(|row| (row.call, row.end));
        Self { key: key.into(), what: what.into(), rows }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.key, self.what)?;
        if self.rows.is_empty() {
            return Ok(());
        }
        let width = self.rows.iter().map(|row| row.op.chars().count()).max().unwrap_or(0).max(9);
        writeln!(f, "  {:>12}  {:>12}  client  node  {:<width$}  answer", "from ms", "to ms", "operation")?;
        for row in &self.rows {
            let end = row.end.map_or_else(|| "-".into(), millis);
            writeln!(
                f,
                "  {:>12}  {end:>12}  {:>6}  {:>4}  {:<width$}  {}",
                millis(row.call),
                row.client,
                row.node,
                row.op,
                row.answer
            )?;
        }
        Ok(())
    }
}

fn millis(at: Nanos) -> String {
    format!("{}.{:03}", at / 1_000_000, at / 1_000 % 1_000)
}
