//! Canvas's SIS files: comma-separated values with a header line, read into rows of named cells.
//!
//! Cells are text, whatever they begin with: `=`, `+`, `-` and `@` mean something to a spreadsheet, never to Lectern.

use lectern_proto::internal::v1::RowProblem;

use crate::limits;
use crate::refusal::{Reason, Refusal, Result, refuse};

/// A column: its usual name first, then the others it goes by.
pub(crate) type Column = &'static [&'static str];

/// One row of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The line it begins on, the header being line 1.
    pub line: u64,
    /// One cell for each column asked for, trimmed; empty where the file has none.
    pub cells: Vec<String>,
    /// What is wrong with the row's shape.
    pub problem: Option<String>,
}

/// The rows of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sheet {
    /// In the order of the file; rows without any text are left out.
    pub rows: Vec<Row>,
    /// Columns asked for that the header does not have, by their usual names.
    pub missing: Vec<&'static str>,
}

impl Sheet {
    /// Refuses, as a problem of the header line, when one of these columns is missing.
    pub(crate) fn require(&self, file: &str, required: &[&'static str]) -> Result<()> {
        let rows: Vec<RowProblem> = required
            .iter()
            .filter(|name| self.missing.contains(name))
            .map(|name| RowProblem {
                line: 1,
                subject: (*name).into(),
                message: format!("{file} has no column `{name}`; add it to the header line"),
            })
            .collect();
        if rows.is_empty() { Ok(()) } else { Err(bad_rows(rows).into()) }
    }
}

/// The refusal that lists every bad row.
pub(crate) fn bad_rows(rows: Vec<RowProblem>) -> Refusal {
    let count = rows.len();
    let words = if count == 1 { "1 bad row" } else { &*format!("{count} bad rows") };
    let first = rows.first().map_or_else(String::new, |row| format!(" (line {}: {})", row.line, row.message));
    let message = format!("{words}, nothing was imported; correct the file and import it again{first}");
    Refusal { rows, ..Refusal::new(Reason::BadRows, message).with("rows", count) }
}

/// Reads `bytes`, called `file` in messages, into rows with a cell for each of `columns`.
pub(crate) fn read(file: &str, bytes: &[u8], columns: &[Column]) -> Result<Sheet> {
    if bytes.len() > limits::IMPORT_BYTES {
        return Err(too_large(file, "bytes", bytes.len(), limits::IMPORT_BYTES).into());
    }
    let text = utf8(file, bytes)?;
    let mut lines = Lines { text: text.as_bytes(), at: 0, line: 1 };
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let mut sheet = Sheet::default();
    let mut places: Option<(Vec<Option<usize>>, usize)> = None;
    for record in reader.records() {
        let record = record.map_err(|problem| {
            Refusal::new(Reason::BadRows, format!("{file} cannot be read as comma-separated values: {problem}"))
        })?;
        let start = record.position().map_or(0, csv::Position::byte);
        let line = lines.of(usize::try_from(start).unwrap_or(usize::MAX));
        if record.iter().all(str::is_empty) {
            continue;
        }
        let Some((places, width)) = &places else {
            places = Some((find_columns(file, &record, columns, &mut sheet)?, record.len()));
            continue;
        };
        if sheet.rows.len() == limits::IMPORT_ROWS {
            return Err(too_large(file, "rows", limits::IMPORT_ROWS + 1, limits::IMPORT_ROWS).into());
        }
        let cell = |place: &Option<usize>| place.and_then(|place| record.get(place)).unwrap_or_default().to_owned();
        let problem = (record.len() > *width)
            .then(|| format!("has {} cells where the header has {width}; quote cells that hold commas", record.len()));
        sheet.rows.push(Row { line, cells: places.iter().map(cell).collect(), problem });
    }
    if places.is_none() {
        return refuse(Reason::BadRows, format!("{file} is empty; its first line names the columns"));
    }
    Ok(sheet)
}

fn too_large(file: &str, unit: &str, actual: usize, limit: usize) -> Refusal {
    Refusal::new(Reason::TooLarge, format!("{file} has more than {limit} {unit}; split it"))
        .with("limit", limit)
        .with("actual", actual)
}

/// The text without its byte-order mark; a refusal that names the line of the first byte that is not UTF-8.
fn utf8<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{FEFF}').unwrap_or(text)),
        Err(problem) => {
            let line = Lines { text: bytes, at: 0, line: 1 }.of(problem.valid_up_to());
            let message = format!("{file} is not UTF-8 on line {line}; save it as \"CSV UTF-8\"");
            Err(Refusal::new(Reason::BadUtf8, message).with("line", line).into())
        }
    }
}

/// Where each column stands in the header; those that are not there are noted.
fn find_columns(
    file: &str,
    header: &csv::StringRecord,
    columns: &[Column],
    sheet: &mut Sheet,
) -> Result<Vec<Option<usize>>> {
    if header.len() == 1 && header.iter().any(|cell| cell.contains([';', '\t'])) {
        return refuse(Reason::BadRows, format!("the columns of {file} must be separated by commas"));
    }
    let names: Vec<String> = header.iter().map(str::to_lowercase).collect();
    let mut places = Vec::with_capacity(columns.len());
    for column in columns {
        let mut found = names.iter().enumerate().filter(|(_, name)| column.contains(&name.as_str()));
        places.push(found.next().map(|(place, _)| place));
        if let Some((_, name)) = found.next() {
            return refuse(Reason::BadRows, format!("{file} has the column `{name}` twice; remove one"));
        }
        if places.last() == Some(&None) {
            sheet.missing.push(column[0]);
        }
    }
    Ok(places)
}

/// Counts lines as an editor does, up to offsets that only grow.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of the first byte at or after `offset` that does not end a line: the reader's offsets come before the
    /// empty lines it skips.
    fn of(&mut self, offset: usize) -> u64 {
        while let Some(byte) = self.text.get(self.at) {
            if self.at >= offset && !matches!(byte, b'\r' | b'\n') {
                break;
            }
            let ends_line = match byte {
                b'\n' => true,
                b'\r' => self.text.get(self.at + 1) != Some(&b'\n'),
                _ => false,
            };
            self.line += u64::from(ends_line);
            self.at += 1;
        }
        self.line
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::refusal::Failure;

    const COLUMNS: &[Column] = &[&["user_id"], &["login_id", "login"], &["email"]];

    fn rows(text: &str) -> Vec<(u64, Vec<String>)> {
        let sheet = read("users.csv", text.as_bytes(), COLUMNS).unwrap();
        sheet.rows.into_iter().map(|row| (row.line, row.cells)).collect()
    }

    fn refusal(bytes: &[u8]) -> Refusal {
        match read("users.csv", bytes, COLUMNS) {
            Err(Failure::Refused(refusal)) => refusal,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn cells_are_found_by_their_column_and_trimmed_whatever_the_line_ends_and_the_mark() {
        for text in ["Login, user_id ,x\nada, s1,\nbob,s2\n", "\u{FEFF}login,USER_ID,x\r\nada,s1,\r\n\r\nbob,s2"] {
            let cells: Vec<_> = rows(text).into_iter().map(|(_, cells)| cells).collect();
            assert_eq!(cells, [["s1", "ada", ""], ["s2", "bob", ""]], "{text}");
        }
    }

    #[test]
    fn lines_are_those_of_an_editor_even_after_empty_lines_and_quoted_line_ends() {
        let text = "\n\nuser_id,login_id\r\ns1,ada\r\n\r\n,\r\n\"s\r\n2\",bob\r\ns3,eve";
        assert_eq!(rows(text).iter().map(|(line, _)| *line).collect::<Vec<_>>(), [4, 7, 9]);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_refused_with_their_line() {
        let refusal = refusal(b"user_id,login_id\r\ns1,ada\r\ns2,b\xF6b\r\n");
        assert_eq!((refusal.reason, refusal.metadata["line"].as_str()), (Reason::BadUtf8, "3"));
    }

    #[test]
    fn a_file_that_is_no_table_is_refused_in_words() {
        for (text, words) in [
            ("", "is empty"),
            ("\n \n", "is empty"),
            ("user_id;login_id\ns1;ada\n", "separated by commas"),
            ("user_id,login_id,login\n", "twice"),
        ] {
            let refusal = refusal(text.as_bytes());
            assert!(refusal.message.contains(words), "{text:?}: {}", refusal.message);
            assert_eq!(refusal.reason, Reason::BadRows);
        }
    }

    #[test]
    fn too_many_bytes_and_too_many_rows_are_refused() {
        assert_eq!(refusal(&vec![b'a'; limits::IMPORT_BYTES + 1]).reason, Reason::TooLarge);
        let long = format!("user_id\n{}", "s\n".repeat(limits::IMPORT_ROWS + 1));
        assert_eq!(refusal(long.as_bytes()).reason, Reason::TooLarge);
    }

    #[test]
    fn missing_columns_are_all_named_at_once() {
        let sheet = read("users.csv", b"name\nAda\n", COLUMNS).unwrap();
        let Err(Failure::Refused(refusal)) = sheet.require("users.csv", &["user_id", "login_id"]) else { panic!() };
        assert_eq!(refusal.rows.iter().map(|row| &*row.subject).collect::<Vec<_>>(), ["user_id", "login_id"]);
    }

    #[test]
    fn a_row_with_more_cells_than_the_header_is_noted() {
        let sheet = read("users.csv", b"user_id,login_id\ns1,Byron, Ada\n", COLUMNS).unwrap();
        assert!(sheet.rows[0].problem.as_deref().is_some_and(|problem| problem.contains("3 cells")));
    }

    /// A cell with nothing around it that would be trimmed.
    fn cell() -> impl Strategy<Value = String> {
        "[^\u{0}-\u{1f}\u{feff}]{1,10}".prop_filter("it is trimmed", |cell| !cell.is_empty() && cell.trim() == cell)
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read("users.csv", &bytes, COLUMNS);
        }

        #[test]
        fn quoted_cells_come_back_as_they_were(cells in proptest::collection::vec(cell(), 3)) {
            let quoted: Vec<_> = cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
            let text = format!("user_id,login,email\n{}\n", quoted.join(","));
            prop_assert_eq!(rows(&text), [(2, cells)]);
        }
    }
}
