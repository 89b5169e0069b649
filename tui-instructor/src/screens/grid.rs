//! A table whose columns come from the server and are more than the screen is wide: the first column stays, the others
//! move under the selected one. Only what is on the screen is looked at.

use std::cell::Cell;
use std::cmp::Ordering;

use crossterm::event::{KeyCode, KeyEvent, MouseEvent, MouseEventKind};
use lectern_tui_kit::action::{Action, BACK, FILTER, SORT};
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::text;
use lectern_tui_kit::widgets::cursor::Cursor;
use lectern_tui_kit::widgets::line::LineInput;
use lectern_tui_kit::widgets::{Outcome, Part};
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::actions::{LEFT, RIGHT};

/// Between two columns.
const GAP: u16 = 2;
/// Before the selected row.
const POINTER: u16 = 2;

/// One cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GridCell {
    /// What it says.
    pub words: String,
    /// What it means.
    pub meaning: Meaning,
    /// What it is sorted by; none goes last.
    pub order: Option<i64>,
}

/// What a cell means, for its style.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Meaning {
    /// Nothing in particular.
    #[default]
    Plain,
    /// Of little interest.
    Quiet,
    /// Something is to be done.
    ToDo,
    /// Something is wrong.
    Bad,
}

/// One row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GridRow {
    /// Names the row: the selection stays with it.
    pub key: String,
    /// The first column.
    pub name: String,
    /// The others.
    pub cells: Vec<GridCell>,
}

/// The table.
#[derive(Default)]
pub struct Grid {
    titles: Vec<String>,
    rows: Vec<GridRow>,
    shown: Vec<usize>,
    /// Among `shown`.
    cursor: Cursor,
    column: usize,
    /// A column (0: the names), and whether downwards.
    sorting: Option<(usize, bool)>,
    filter: LineInput,
    filtering: bool,
    /// The first column on the screen, where it was drawn, and how wide one is: known to the view alone.
    first_column: Cell<usize>,
    drawn_columns: Cell<(u16, u16)>,
}

impl Grid {
    /// Puts other rows in; selection, filter and order stay.
    pub fn set(&mut self, titles: Vec<String>, rows: Vec<GridRow>) {
        let key = self.selected().map(|row| row.key.clone());
        self.titles = titles;
        self.rows = rows;
        self.column = self.column.min(self.titles.len().saturating_sub(1));
        self.arrange(key);
    }

    /// The selected row.
    pub fn selected(&self) -> Option<&GridRow> {
        self.shown.get(self.cursor.selected()).and_then(|index| self.rows.get(*index))
    }

    /// The selected column, counted from 0 without the names.
    pub fn column(&self) -> usize {
        self.column
    }

    fn arrange(&mut self, key: Option<String>) {
        let wanted = self.filter.text().to_lowercase();
        let rows = &self.rows;
        let mut shown: Vec<usize> =
            (0..rows.len()).filter(|at| wanted.is_empty() || rows[*at].name.to_lowercase().contains(&wanted)).collect();
        if let Some((column, descending)) = self.sorting {
            shown.sort_by(|a, b| {
                let order = compare(&rows[*a], &rows[*b], column);
                if descending { order.reverse() } else { order }
            });
        }
        self.shown = shown;
        let found = key.and_then(|key| self.shown.iter().position(|at| self.rows[*at].key == key));
        self.cursor.select(found.unwrap_or(self.cursor.selected()), self.shown.len());
    }

    fn rearrange(&mut self) {
        let key = self.selected().map(|row| row.key.clone());
        self.arrange(key);
    }

    fn move_by(&mut self, rows: isize) {
        self.cursor.move_by(rows, self.shown.len());
    }

    /// By the selected column downwards, upwards, by name, and again.
    fn sort_next(&mut self) {
        let own = self.column + 1;
        self.sorting = match self.sorting {
            Some((column, true)) if column == own => Some((own, false)),
            Some((column, false)) if column == own => Some((0, false)),
            _ => Some((own, true)),
        };
        self.rearrange();
    }

    /// The column at a place of the screen; over the names, the one that is selected.
    fn column_under(&self, x: u16) -> usize {
        let (start, cell) = self.drawn_columns.get();
        let after_names = x.checked_sub(start).map(|x| self.first_column.get() + usize::from(x / (cell + GAP)));
        after_names.filter(|column| *column < self.titles.len()).unwrap_or(self.column)
    }

    /// Which columns are on the screen, and how wide one is.
    fn columns(&self, room: u16) -> (std::ops::Range<usize>, u16) {
        let widest = self.titles.iter().map(|title| text::width(title)).max().unwrap_or(0);
        let cell = u16::try_from(widest).unwrap_or(u16::MAX).clamp(8, 12);
        let fits = usize::from(room / (cell + GAP)).max(1);
        let last_first = self.titles.len().saturating_sub(fits);
        let lowest = (self.column + 1).saturating_sub(fits);
        let first = self.first_column.get().clamp(lowest, self.column.max(lowest)).min(last_first);
        self.first_column.set(first);
        (first..(first + fits).min(self.titles.len()), cell)
    }

    /// Draws it.
    pub fn view(&self, empty: &str, area: Rect, canvas: &mut Canvas<'_>) {
        let with_filter = self.filtering || !self.filter.text().is_empty();
        let filter = Rect { y: area.bottom().saturating_sub(1), height: area.height.min(1), ..area };
        let area = if with_filter { Rect { height: area.height.saturating_sub(1), ..area } } else { area };
        if with_filter {
            self.filter.view("/", filter, canvas, self.filtering);
        }
        if self.shown.is_empty() {
            self.cursor.hide();
            let words = if self.rows.is_empty() { empty } else { "Nobody's name contains this." };
            return canvas.line(area, Line::styled(words.to_owned(), canvas.look.theme.dim));
        }
        let name = (area.width / 3).clamp(10, 28).min(area.width);
        let (columns, cell) = self.columns(area.width.saturating_sub(name + POINTER));
        self.view_head(area, &columns, name, cell, canvas);
        let body = Rect { y: area.y.saturating_add(1), height: area.height.saturating_sub(1), ..area };
        self.drawn_columns.set((area.x + POINTER + name, cell));
        for (row, at) in body.rows().zip(self.cursor.window(body, self.shown.len())) {
            self.view_row(row, at, &columns, name, cell, canvas);
        }
    }

    fn view_head(&self, area: Rect, columns: &std::ops::Range<usize>, name: u16, cell: u16, canvas: &mut Canvas<'_>) {
        let look = canvas.look;
        let mark = |column: usize| match self.sorting {
            Some((sorted, descending)) if sorted == column => {
                if descending {
                    look.glyphs.descending
                } else {
                    look.glyphs.ascending
                }
            }
            _ => "",
        };
        let mut spans = vec![Span::styled(
            text::pad(&format!("  student{}", mark(0)), usize::from(name) + 2, look.glyphs.ellipsis),
            look.theme.title,
        )];
        for at in columns.clone() {
            let title = format!("{}{}", self.titles[at], mark(at + 1));
            let style = if at == self.column { look.theme.accent } else { look.theme.title };
            spans.push(Span::styled(text::pad_left(&title, cell.into(), look.glyphs.ellipsis), style));
            spans.push(Span::raw("  "));
        }
        let more = (columns.start > 0, columns.end < self.titles.len());
        canvas.line(area, Line::from(spans));
        let width = 1.min(area.width);
        if more.1 {
            let edge = Rect { x: area.right() - width, width, ..area };
            canvas.line(edge, Line::styled(">", look.theme.dim));
        }
        if more.0 {
            let edge = Rect { x: area.x + name + 1, width, ..area };
            canvas.line(edge, Line::styled("<", look.theme.dim));
        }
    }

    fn view_row(
        &self,
        area: Rect,
        at: usize,
        columns: &std::ops::Range<usize>,
        name: u16,
        cell: u16,
        canvas: &mut Canvas<'_>,
    ) {
        let look = canvas.look;
        let row = &self.rows[self.shown[at]];
        let selected = at == self.cursor.selected();
        let pointer = if selected { look.glyphs.pointer } else { "" };
        let mut spans = vec![
            Span::raw(text::pad(pointer, 2, "")),
            Span::raw(text::pad(&text::clean(&row.name), name.into(), look.glyphs.ellipsis)),
        ];
        for column in columns.clone() {
            let own = row.cells.get(column).cloned().unwrap_or_default();
            let mut style = match own.meaning {
                Meaning::Plain => look.theme.text,
                Meaning::Quiet => look.theme.dim,
                Meaning::ToDo => look.theme.accent,
                Meaning::Bad => look.theme.bad,
            };
            if selected && column == self.column {
                style = look.theme.selected;
            }
            spans.push(Span::styled(text::pad_left(&own.words, cell.into(), look.glyphs.ellipsis), style));
            spans.push(Span::raw("  "));
        }
        let style = if selected { look.theme.selected_away } else { Style::new() };
        canvas.line(area, Line::from(spans).style(style));
    }
}

impl Part for Grid {
    /// An action of the groups `LIST` and `GRADEBOOK`.
    fn act(&mut self, action: &Action) -> bool {
        match *action {
            LEFT => self.column = self.column.saturating_sub(1),
            RIGHT => self.column = (self.column + 1).min(self.titles.len().saturating_sub(1)),
            SORT => self.sort_next(),
            FILTER => self.filtering = true,
            BACK if self.filtering || !self.filter.text().is_empty() => {
                self.filtering = false;
                self.filter.set("");
                self.rearrange();
            }
            _ => return self.cursor.act(action, self.shown.len()),
        }
        true
    }

    /// Whether the filter is typed.
    fn text_focus(&self) -> bool {
        self.filtering
    }

    /// A key for the filter.
    fn key(&mut self, key: KeyEvent) -> Outcome {
        if !self.filtering {
            return Outcome::Ignored;
        }
        match (key.code, self.filter.key(key)) {
            (KeyCode::Down, _) => self.move_by(1),
            (KeyCode::Up, _) => self.move_by(-1),
            (_, Outcome::Chosen) => self.filtering = false,
            (_, Outcome::Left) => drop(self.act(&BACK)),
            _ => self.rearrange(),
        }
        Outcome::Changed
    }

    /// A paste into the filter.
    fn paste(&mut self, pasted: &str) {
        if self.filtering {
            self.filter.paste(pasted);
            self.rearrange();
        }
    }

    /// The wheel moves; a click selects a cell, and chooses the one that was selected already.
    fn mouse(&mut self, event: MouseEvent) -> Outcome {
        let outcome = self.cursor.mouse(event, self.shown.len());
        if outcome.was_used() && matches!(event.kind, MouseEventKind::Down(_)) {
            let column = self.column_under(event.column);
            if std::mem::replace(&mut self.column, column) != column {
                return Outcome::Changed;
            }
        }
        outcome
    }
}

fn compare(a: &GridRow, b: &GridRow, column: usize) -> Ordering {
    let Some(at) = column.checked_sub(1) else { return a.name.to_lowercase().cmp(&b.name.to_lowercase()) };
    let order = |row: &GridRow| row.cells.get(at).and_then(|cell| cell.order);
    order(a).cmp(&order(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::{KeyModifiers, MouseButton};
    use lectern_tui_kit::look::Look;
    use lectern_tui_kit::testkit::render;
    use lectern_tui_kit::theme::ThemeName;

    fn grid(columns: usize, rows: usize) -> Grid {
        let cell = |row: usize, column: usize| GridCell {
            words: format!("{}", row * column),
            order: i64::try_from(row * column).ok(),
            ..GridCell::default()
        };
        let row = |at: usize| GridRow {
            key: at.to_string(),
            name: format!("student {at}"),
            cells: (0..columns).map(|column| cell(at, column)).collect(),
        };
        let mut grid = Grid::default();
        grid.set((0..columns).map(|at| format!("hw{at}")).collect(), (0..rows).map(row).collect());
        grid
    }

    fn shown(grid: &Grid, width: u16) -> String {
        let look = Look::new(ThemeName::Mono, false);
        let picture = render(width, 5, &look, |area, canvas| grid.view("nobody", area, canvas));
        picture.split("\n---\n").next().unwrap_or_default().to_owned()
    }

    #[test]
    fn columns_move_under_the_selected_one_and_names_stay() {
        let mut grid = grid(20, 3);
        assert!(shown(&grid, 60).contains("hw0") && !shown(&grid, 60).contains("hw9"));
        for _ in 0..9 {
            grid.act(&RIGHT);
        }
        let picture = shown(&grid, 60);
        assert!(picture.contains("hw9") && picture.contains("student 2") && !picture.contains("hw0"), "{picture}");
        assert_eq!(grid.column(), 9);
    }

    #[test]
    fn a_click_selects_a_cell_and_a_click_on_the_selected_one_chooses_it() {
        let mut grid = grid(20, 3);
        let picture = shown(&grid, 60);
        let head = picture.lines().next().unwrap_or_default();
        let column = u16::try_from(head.find("hw1").expect("it is shown")).unwrap();
        let click = |grid: &mut Grid, column, row| {
            let kind = MouseEventKind::Down(MouseButton::Left);
            grid.mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE })
        };
        assert_eq!(click(&mut grid, column, 2), Outcome::Changed);
        assert_eq!((grid.selected().unwrap().key.as_str(), grid.column()), ("1", 1));
        assert_eq!(click(&mut grid, column, 2), Outcome::Chosen);
        assert_eq!(click(&mut grid, 3, 2), Outcome::Chosen, "the names stand for the selected column");
        assert_eq!(click(&mut grid, column, 4), Outcome::Ignored, "below the last row");
    }

    #[test]
    fn sorting_is_by_the_selected_column_and_the_selection_stays() {
        let mut grid = grid(3, 4);
        grid.act(&RIGHT);
        grid.act(&SORT);
        assert_eq!(grid.shown, [3, 2, 1, 0]);
        assert_eq!(grid.selected().unwrap().key, "0");
        grid.act(&SORT);
        assert_eq!(grid.shown, [0, 1, 2, 3]);
    }

    #[test]
    fn a_filter_looks_at_names() {
        let mut grid = grid(3, 12);
        grid.act(&FILTER);
        grid.paste("student 1");
        assert_eq!(grid.shown, [1, 10, 11]);
        assert!(grid.act(&BACK));
        assert_eq!(grid.shown.len(), 12);
    }

    proptest::proptest! {
        #[test]
        fn any_size_is_survived(width in 0_u16..200, height in 0_u16..60, columns in 0_usize..30, right in 0_usize..30) {
            let mut grid = grid(columns, 7);
            for _ in 0..right {
                grid.act(&RIGHT);
            }
            let look = Look::new(ThemeName::Mono, true);
            render(width, height, &look, |area, canvas| grid.view("nobody", area, canvas));
        }
    }
}
