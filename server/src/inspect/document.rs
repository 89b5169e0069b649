//! A JSON object that is written as it goes: members, and lists of one row a line.

use std::io::{self, Write};

use serde_json::Value;

/// An object that is open. Nothing of it is kept in memory.
pub(super) struct Document<'a, W: Write> {
    out: &'a mut W,
    /// Whether the object, and the list in it, have members already.
    begun: bool,
    rows: bool,
}

impl<'a, W: Write> Document<'a, W> {
    /// Opens the object.
    pub(super) fn begin(out: &'a mut W) -> io::Result<Self> {
        out.write_all(b"{")?;
        Ok(Self { out, begun: false, rows: false })
    }

    /// A member.
    pub(super) fn value(&mut self, name: &str, value: &Value) -> io::Result<()> {
        self.name(name)?;
        write!(self.out, "{value}")
    }

    /// Opens an object in it, with the same writer.
    pub(super) fn object(&mut self, name: &str) -> io::Result<Document<'_, W>> {
        self.name(name)?;
        Document::begin(self.out)
    }

    /// Opens a list in it.
    pub(super) fn list(&mut self, name: &str) -> io::Result<()> {
        self.name(name)?;
        self.rows = false;
        self.out.write_all(b"[")
    }

    /// A row of the open list.
    pub(super) fn row(&mut self, row: &Value) -> io::Result<()> {
        let comma = if std::mem::replace(&mut self.rows, true) { "," } else { "" };
        write!(self.out, "{comma}\n{row}")
    }

    /// Closes the list.
    pub(super) fn end_list(&mut self) -> io::Result<()> {
        self.out.write_all(b"]")
    }

    /// Closes an object in another.
    pub(super) fn close(self) -> io::Result<()> {
        self.out.write_all(b"}")
    }

    /// Closes the document.
    pub(super) fn end(self) -> io::Result<()> {
        self.out.write_all(b"\n}\n")?;
        self.out.flush()
    }

    fn name(&mut self, name: &str) -> io::Result<()> {
        let comma = if std::mem::replace(&mut self.begun, true) { "," } else { "" };
        write!(self.out, "{comma}\n{}:", Value::from(name))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_piece_by_piece_is_one_document() {
        let mut out = Vec::new();
        let mut document = Document::begin(&mut out).unwrap();
        document.value("a", &json!(1)).unwrap();
        document.list("rows").unwrap();
        document.row(&json!({"n": 1})).unwrap();
        document.row(&json!({"n": 2})).unwrap();
        document.end_list().unwrap();
        let mut inner = document.object("in").unwrap();
        inner.list("none").unwrap();
        inner.end_list().unwrap();
        inner.value("b\"", &json!(null)).unwrap();
        inner.close().unwrap();
        document.value("c", &json!("x")).unwrap();
        document.end().unwrap();
        let read: Value = serde_json::from_slice(&out).unwrap();
        let expected = json!({"a": 1, "rows": [{"n": 1}, {"n": 2}], "in": {"none": [], "b\"": null}, "c": "x"});
        assert_eq!(read, expected);
    }
}
