//! Tables of text, aligned by the width on a terminal.

use std::fmt;

use crate::text::{sanitise_line, width};

/// Which way a column leans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Align {
    Left,
    Right,
}

/// Rows under headings. Its `Display` is what a person reads.
///
/// ```
/// let mut table = lectern_cli::Table::new(["SLUG", "TITLE"]).right("POINTS");
/// table.row(["hw3", "Paxos", "12.5"]);
/// assert_eq!(table.to_string(), "SLUG  TITLE  POINTS\nhw3   Paxos    12.5\n");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Table {
    headings: Vec<String>,
    aligns: Vec<Align>,
    rows: Vec<Vec<String>>,
    empty: String,
}

impl Table {
    /// A table with these columns, aligned left.
    pub fn new<T: Into<String>>(headings: impl IntoIterator<Item = T>) -> Self {
        let headings: Vec<String> = headings.into_iter().map(Into::into).collect();
        let aligns = vec![Align::Left; headings.len()];
        Self { headings, aligns, ..Self::default() }
    }

    /// Adds a column, aligned left.
    #[must_use]
    pub fn left(mut self, heading: &str) -> Self {
        self.headings.push(heading.into());
        self.aligns.push(Align::Left);
        self
    }

    /// Adds a column of numbers, aligned right.
    #[must_use]
    pub fn right(mut self, heading: &str) -> Self {
        self.headings.push(heading.into());
        self.aligns.push(Align::Right);
        self
    }

    /// What is printed instead when there are no rows.
    #[must_use]
    pub fn or_else(mut self, empty: impl Into<String>) -> Self {
        self.empty = empty.into();
        self
    }

    /// Adds a row. Cells are made one line each; missing ones are empty, more than columns are dropped.
    pub fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) -> &mut Self {
        let mut row: Vec<String> = cells.into_iter().map(|cell| sanitise_line(cell.as_ref())).collect();
        row.resize(self.headings.len(), String::new());
        self.rows.push(row);
        self
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn write_row(&self, f: &mut fmt::Formatter<'_>, cells: &[String], widths: &[usize]) -> fmt::Result {
        let mut line = String::new();
        for (column, cell) in cells.iter().enumerate() {
            let padding = " ".repeat(widths[column].saturating_sub(width(cell)));
            if column > 0 {
                line.push_str("  ");
            }
            match self.aligns[column] {
                Align::Left => line.extend([cell.as_str(), &padding]),
                Align::Right => line.extend([padding.as_str(), cell]),
            }
        }
        writeln!(f, "{}", line.trim_end())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rows.is_empty() && !self.empty.is_empty() {
            return writeln!(f, "{}", self.empty);
        }
        let all = || std::iter::once(&self.headings).chain(&self.rows);
        let widest = |column: usize| all().map(|row| width(&row[column])).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.headings.len()).map(widest).collect();
        all().try_for_each(|row| self.write_row(f, row, &widths))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_keep_the_columns_straight() {
        let mut table = Table::new(["NAME", "USER"]);
        table.row(["漢字", "a"]).row(["Zoë", "b\u{1b}[1m\nc"]).row(["only"]);
        assert_eq!(table.to_string(), "NAME  USER\n漢字  a\nZoë   b[1m c\nonly\n");
    }

    #[test]
    fn an_empty_table_says_so_in_words() {
        assert_eq!(Table::new(["A"]).or_else("No courses.").to_string(), "No courses.\n");
    }
}
