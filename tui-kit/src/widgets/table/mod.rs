//! A table of which only the rows on the screen are ever looked at while drawing. It filters, sorts, and keeps its selection over
//! a reload.
//!
//! ```
//! use lectern_tui_kit::widgets::table::{Column, Table, Width};
//! use ratatui::text::Line;
//!
//! let columns = vec![
//!     Column::new("name", Width::Fill(1), |row: &(u32, String), _| Line::raw(row.1.clone())),
//!     Column::new("points", Width::Fixed(6), |row: &(u32, String), _| Line::raw(row.0.to_string())).right().keep(1).sorted_by(|a, b| a.0.cmp(&b.0)),
//! ];
//! let mut table = Table::new(columns, |row: &(u32, String)| row.1.clone(), "Nobody is here yet.");
//! table.set_rows(vec![(3, "ada".into()), (5, "bob".into())]);
//! assert_eq!(table.selected().map(|row| row.0), Some(3));
//! ```

mod column;
#[cfg(test)]
mod tests;
mod view;

use std::cell::RefCell;

use crossterm::event::{KeyCode, KeyEvent, MouseEvent};
use ratatui::style::Style;
use ratatui::text::Line;

use super::cursor::Cursor;
use super::line::LineInput;
use super::{Outcome, Part};
use crate::action::{Action, BACK, FILTER, SORT};
use crate::look::Look;
use crate::theme::ThemeName;

pub use column::{Column, Width};

type StyleOf<R> = Box<dyn Fn(&R, &Look) -> Style>;

/// Which way a column is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sorting {
    column: usize,
    descending: bool,
}

/// The table.
pub struct Table<R> {
    columns: Vec<Column<R>>,
    key: Box<dyn Fn(&R) -> String>,
    empty: String,
    row_style: Option<StyleOf<R>>,
    rows: Vec<R>,
    /// Indices of `rows` in the order they are shown.
    shown: Vec<usize>,
    /// Among `shown`.
    cursor: Cursor,
    sorting: Option<Sorting>,
    filter: LineInput,
    filtering: bool,
    /// What a filter looks for letters in: the cells of each of `rows`, small. Empty until a filter needs it.
    words: Vec<String>,
    /// How it was last drawn: known to the view alone.
    look: RefCell<Look>,
}

impl<R> Table<R> {
    /// A table without rows. `key` names a row: the selection stays with it. `empty` is shown while there is no row.
    pub fn new(columns: Vec<Column<R>>, key: impl Fn(&R) -> String + 'static, empty: impl Into<String>) -> Self {
        Self {
            columns,
            key: Box::new(key),
            empty: empty.into(),
            row_style: None,
            rows: Vec::new(),
            shown: Vec::new(),
            cursor: Cursor::default(),
            sorting: None,
            filter: LineInput::default(),
            filtering: false,
            words: Vec::new(),
            look: RefCell::new(Look::new(ThemeName::Mono, false)),
        }
    }

    /// Rows have a style of their own, such as bold for what is unread.
    #[must_use]
    pub fn row_style(mut self, style: impl Fn(&R, &Look) -> Style + 'static) -> Self {
        self.row_style = Some(Box::new(style));
        self
    }

    /// Puts other rows in; filter, order and selection stay.
    pub fn set_rows(&mut self, rows: Vec<R>) {
        let key = self.selected().map(|row| (self.key)(row));
        self.rows = rows;
        self.words.clear();
        self.arrange(key);
    }

    /// All rows, whatever is shown.
    pub fn rows(&self) -> &[R] {
        &self.rows
    }

    /// The rows that are shown, in their order.
    pub fn shown(&self) -> impl Iterator<Item = &R> {
        self.shown.iter().filter_map(|index| self.rows.get(*index))
    }

    /// How many rows are shown.
    pub fn shown_count(&self) -> usize {
        self.shown.len()
    }

    /// The selected row.
    pub fn selected(&self) -> Option<&R> {
        self.shown.get(self.cursor.selected()).and_then(|index| self.rows.get(*index))
    }

    /// Where the selected row stands among those shown, counted from 0.
    pub fn position(&self) -> usize {
        self.cursor.selected()
    }

    /// The row shown after (`1`) or before (`-1`) the selected one.
    pub fn neighbour(&self, step: isize) -> Option<&R> {
        let at = self.cursor.selected().checked_add_signed(step)?;
        self.shown.get(at).and_then(|index| self.rows.get(*index))
    }

    /// Selects a row by its key; false when it is not shown.
    pub fn select_key(&mut self, key: &str) -> bool {
        let found = self.shown.iter().position(|index| (self.key)(&self.rows[*index]) == key);
        self.cursor.select(found.unwrap_or(self.cursor.selected()), self.shown.len());
        found.is_some()
    }

    /// Moves the selection by so many rows.
    pub fn move_by(&mut self, rows: isize) {
        self.cursor.move_by(rows, self.shown.len());
    }

    fn refilter(&mut self) {
        let key = self.selected().map(|row| (self.key)(row));
        self.arrange(key);
    }

    /// Decides anew which rows are shown, and in which order.
    fn arrange(&mut self, selected: Option<String>) {
        let wanted = self.filter.text().to_lowercase();
        let mut shown: Vec<usize> = if wanted.is_empty() {
            (0..self.rows.len()).collect()
        } else {
            self.read_words();
            (0..self.rows.len()).filter(|index| self.words[*index].contains(&wanted)).collect()
        };
        if let Some(Sorting { column, descending }) = self.sorting
            && let Some(order) = &self.columns[column].order
        {
            shown.sort_by(|a, b| {
                let order = order(&self.rows[*a], &self.rows[*b]);
                if descending { order.reverse() } else { order }
            });
        }
        self.shown = shown;
        if !selected.is_some_and(|key| self.select_key(&key)) {
            // It stays where it was on the screen.
            self.cursor.move_by(0, self.shown.len());
        }
    }

    /// What the rows say, as the last frame would show it: read once, so that each letter of a filter only searches.
    fn read_words(&mut self) {
        if self.words.len() == self.rows.len() {
            return;
        }
        let look = self.look.borrow();
        let cells =
            |row: &R| self.columns.iter().map(|column| plain(&(column.cell)(row, &look)) + "\n").collect::<String>();
        self.words = self.rows.iter().map(|row| cells(row).to_lowercase()).collect();
    }

    /// The next column upwards, the same downwards, the next one … and at last the order the rows came in.
    fn sort_next(&mut self) {
        let sortable: Vec<usize> = (0..self.columns.len()).filter(|at| self.columns[*at].order.is_some()).collect();
        self.sorting = match self.sorting {
            Some(Sorting { column, descending: false }) => Some(Sorting { column, descending: true }),
            Some(Sorting { column, .. }) => {
                sortable.iter().find(|at| **at > column).map(|at| Sorting { column: *at, descending: false })
            }
            None => sortable.first().map(|at| Sorting { column: *at, descending: false }),
        };
        self.refilter();
    }
}

impl<R> Part for Table<R> {
    /// An action of the group `LIST`; Esc ends and clears the filter. [`crate::action::OPEN`] is the screen's own.
    fn act(&mut self, action: &Action) -> bool {
        match *action {
            FILTER => {
                self.filtering = true;
                // Times and distances read otherwise by now.
                self.words.clear();
            }
            SORT => self.sort_next(),
            BACK if self.filtering || !self.filter.text().is_empty() => {
                self.filtering = false;
                self.filter.set("");
                self.refilter();
            }
            _ => return self.cursor.act(action, self.shown.len()),
        }
        true
    }

    /// Whether the filter is being typed.
    fn text_focus(&self) -> bool {
        self.filtering
    }

    /// A key for the filter. Enter keeps it and gives the keyboard back to the rows; arrows move meanwhile.
    fn key(&mut self, key: KeyEvent) -> Outcome {
        if !self.filtering {
            return Outcome::Ignored;
        }
        match key.code {
            KeyCode::Down => self.move_by(1),
            KeyCode::Up => self.move_by(-1),
            _ => match self.filter.key(key) {
                Outcome::Chosen => self.filtering = false,
                Outcome::Left => drop(self.act(&BACK)),
                Outcome::Changed => self.refilter(),
                Outcome::Ignored => return Outcome::Ignored,
            },
        }
        Outcome::Changed
    }

    /// A paste into the filter.
    fn paste(&mut self, pasted: &str) {
        if self.filtering {
            self.filter.paste(pasted);
            self.refilter();
        }
    }

    /// Over the rows the wheel moves; a click selects, and chooses what was selected already.
    fn mouse(&mut self, event: MouseEvent) -> Outcome {
        self.cursor.mouse(event, self.shown.len())
    }
}

fn plain(line: &Line<'_>) -> String {
    line.spans.iter().map(|span| span.content.as_ref()).collect()
}
