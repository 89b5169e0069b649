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

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::ops::Range;

use crossterm::event::{KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::Outcome;
use super::line::LineInput;
use crate::action::{Action, BACK, BOTTOM, DOWN, FILTER, PAGE_DOWN, PAGE_UP, SORT, TOP, UP};
use crate::look::{Canvas, Look};
use crate::text;
use crate::theme::ThemeName;

/// How wide a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// So many cells.
    Fixed(u16),
    /// What is left, shared by weight among the columns that fill, and at least 8 cells.
    Fill(u16),
}

/// The least a filling column gets before others are dropped for it.
const LEAST_FILL: u16 = 8;
/// Between two columns.
const GAP: u16 = 2;
/// Before the selected row.
const POINTER: u16 = 2;

type CellOf<R> = Box<dyn Fn(&R, &Look) -> Line<'static>>;
type StyleOf<R> = Box<dyn Fn(&R, &Look) -> Style>;
type Order<R> = Box<dyn Fn(&R, &R) -> Ordering>;

/// One column: its heading, its width, what it shows of a row.
pub struct Column<R> {
    title: &'static str,
    width: Width,
    right: bool,
    /// What a filling column gets before others are left out for it.
    least: u16,
    /// Where there is no room, columns with the highest number go first; 0 stays.
    drop_order: u8,
    cell: CellOf<R>,
    order: Option<Order<R>>,
}

impl<R> Column<R> {
    /// A column that stays however narrow the table is. Its cell is cleaned before it is drawn.
    pub fn new(title: &'static str, width: Width, cell: impl Fn(&R, &Look) -> Line<'static> + 'static) -> Self {
        Self { title, width, right: false, least: LEAST_FILL, drop_order: 0, cell: Box::new(cell), order: None }
    }

    /// Aligned to the right.
    #[must_use]
    pub fn right(mut self) -> Self {
        self.right = true;
        self
    }

    /// A filling column that gets at least so many cells, as long as there are others that can be left out for it.
    #[must_use]
    pub fn least(mut self, cells: u16) -> Self {
        self.least = cells;
        self
    }

    /// Left out where there is no room, the highest number first; 0 stays.
    #[must_use]
    pub fn keep(mut self, drop_order: u8) -> Self {
        self.drop_order = drop_order;
        self
    }

    /// Rows can be sorted by this column.
    #[must_use]
    pub fn sorted_by(mut self, order: impl Fn(&R, &R) -> Ordering + 'static) -> Self {
        self.order = Some(Box::new(order));
        self
    }
}

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
    /// Of `shown`.
    selected: usize,
    sorting: Option<Sorting>,
    filter: LineInput,
    filtering: bool,
    /// What a filter looks for letters in: the cells of each of `rows`, small. Empty until a filter needs it.
    words: Vec<String>,
    /// First row on the screen, where rows were last drawn, and how: known to the view alone.
    first: Cell<usize>,
    drawn: Cell<Rect>,
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
            selected: 0,
            sorting: None,
            filter: LineInput::default(),
            filtering: false,
            words: Vec::new(),
            first: Cell::new(0),
            drawn: Cell::new(Rect::ZERO),
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
        self.shown.get(self.selected).and_then(|index| self.rows.get(*index))
    }

    /// Where the selected row stands among those shown, counted from 0.
    pub fn position(&self) -> usize {
        self.selected
    }

    /// The row shown after (`1`) or before (`-1`) the selected one.
    pub fn neighbour(&self, step: isize) -> Option<&R> {
        let at = self.selected.checked_add_signed(step)?;
        self.shown.get(at).and_then(|index| self.rows.get(*index))
    }

    /// Selects a row by its key; false when it is not shown.
    pub fn select_key(&mut self, key: &str) -> bool {
        let found = self.shown.iter().position(|index| (self.key)(&self.rows[*index]) == key);
        self.selected = found.unwrap_or(self.selected);
        found.is_some()
    }

    /// Moves the selection by so many rows.
    pub fn move_by(&mut self, rows: isize) {
        let last = self.shown.len().saturating_sub(1);
        self.selected = self.selected.saturating_add_signed(rows).min(last);
    }

    /// An action of the group `LIST`; Esc ends and clears the filter. [`crate::action::OPEN`] is the screen's own.
    pub fn act(&mut self, action: &Action) -> bool {
        let page = isize::try_from(self.drawn.get().height.max(2) - 1).unwrap_or(1);
        match *action {
            DOWN => self.move_by(1),
            UP => self.move_by(-1),
            TOP => self.selected = 0,
            BOTTOM => self.move_by(isize::MAX),
            PAGE_DOWN => self.move_by(page),
            PAGE_UP => self.move_by(-page),
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
            _ => return false,
        }
        true
    }

    /// Whether the filter is being typed.
    pub fn text_focus(&self) -> bool {
        self.filtering
    }

    /// A key for the filter. Enter keeps it and gives the keyboard back to the rows; arrows move meanwhile.
    pub fn key(&mut self, key: KeyEvent) -> Outcome {
        if !self.filtering {
            return Outcome::Ignored;
        }
        match key.code {
            crossterm::event::KeyCode::Down => self.move_by(1),
            crossterm::event::KeyCode::Up => self.move_by(-1),
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
    pub fn paste(&mut self, pasted: &str) {
        if self.filtering {
            self.filter.paste(pasted);
            self.refilter();
        }
    }

    /// The wheel moves; a click selects, and chooses what was selected already.
    pub fn mouse(&mut self, event: MouseEvent) -> Outcome {
        let area = self.drawn.get();
        let at = Position::new(event.column, event.row);
        match event.kind {
            MouseEventKind::ScrollDown => self.move_by(3),
            MouseEventKind::ScrollUp => self.move_by(-3),
            MouseEventKind::Down(MouseButton::Left) if area.contains(at) => {
                let row = self.first.get() + usize::from(event.row - area.y);
                if row >= self.shown.len() {
                    return Outcome::Ignored;
                }
                if std::mem::replace(&mut self.selected, row) == row {
                    return Outcome::Chosen;
                }
            }
            _ => return Outcome::Ignored,
        }
        Outcome::Changed
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
        let before = self.selected;
        if !selected.is_some_and(|key| self.select_key(&key)) {
            self.selected = before.min(self.shown.len().saturating_sub(1));
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

    /// Draws it. `focused`: the keyboard moves its selection.
    pub fn view(&self, area: Rect, canvas: &mut Canvas<'_>, focused: bool) {
        self.look.replace(canvas.look.clone());
        let area = area.intersection(canvas.buf.area);
        let with_filter = self.filtering || !self.filter.text().is_empty();
        let filter_rows = u16::from(with_filter).min(area.height);
        if with_filter {
            self.view_filter(Rect { y: area.bottom() - filter_rows, height: filter_rows, ..area }, canvas, focused);
        }
        let area = Rect { height: area.height - filter_rows, ..area };
        if self.shown.is_empty() {
            self.drawn.set(Rect::ZERO);
            let words = if self.rows.is_empty() { self.empty.as_str() } else { "No row contains this." };
            let dim = canvas.look.theme.dim;
            return canvas
                .lines(area, text::wrap(words, area.width.into()).into_iter().map(|line| Line::styled(line, dim)));
        }
        let widths = self.widths(area.width);
        self.view_head(area, &widths, canvas);
        let body =
            Rect { y: area.y.saturating_add(1).min(area.bottom()), height: area.height.saturating_sub(1), ..area };
        self.drawn.set(body);
        for (row, at) in body.rows().zip(self.window(body.height)) {
            self.view_row(row, at, &widths, canvas, focused);
        }
    }

    /// The rows that are on the screen: those of before, moved as little as the selection asks.
    fn window(&self, height: u16) -> Range<usize> {
        let height = usize::from(height).max(1);
        let last_first = self.shown.len().saturating_sub(height);
        let lowest = (self.selected + 1).saturating_sub(height);
        let first = self.first.get().clamp(lowest, self.selected.max(lowest)).min(last_first);
        self.first.set(first);
        first..(first + height).min(self.shown.len())
    }

    fn view_filter(&self, area: Rect, canvas: &mut Canvas<'_>, focused: bool) {
        let count = format!(" {} of {}", self.shown.len(), self.rows.len());
        let width = u16::try_from(count.len()).unwrap_or(0).min(area.width / 2);
        let line = Rect { width: area.width - width, ..area };
        self.filter.view("/", line, canvas, focused && self.filtering);
        canvas.line(Rect { x: line.right(), width, ..area }, Line::styled(count, canvas.look.theme.dim));
    }

    fn view_head(&self, area: Rect, widths: &[(usize, u16)], canvas: &mut Canvas<'_>) {
        let look = canvas.look;
        let mut spans = vec![Span::raw(" ".repeat(usize::from(POINTER)))];
        for (index, width) in widths {
            let column = &self.columns[*index];
            let mark = match self.sorting {
                Some(sorting) if sorting.column == *index && sorting.descending => look.glyphs.descending,
                Some(sorting) if sorting.column == *index => look.glyphs.ascending,
                _ => "",
            };
            let title = format!("{}{mark}", column.title);
            spans.push(Span::styled(aligned(&title, *width, column.right, look), look.theme.title));
            spans.push(Span::raw(" ".repeat(usize::from(GAP))));
        }
        canvas.line(area, Line::from(spans));
    }

    fn view_row(&self, area: Rect, at: usize, widths: &[(usize, u16)], canvas: &mut Canvas<'_>, focused: bool) {
        let (look, row) = (canvas.look, &self.rows[self.shown[at]]);
        let is_selected = at == self.selected;
        let pointer = if is_selected { look.glyphs.pointer } else { "" };
        let mut spans = vec![Span::raw(text::pad(pointer, POINTER.into(), ""))];
        for (index, width) in widths {
            let column = &self.columns[*index];
            spans.extend(cell_spans(&(column.cell)(row, look), *width, column.right, look));
            spans.push(Span::raw(" ".repeat(usize::from(GAP))));
        }
        let style = self.row_style.as_ref().map_or_else(Style::new, |style| style(row, look));
        canvas.line(area, Line::from(spans).style(style));
        if is_selected {
            canvas.style(area, if focused { look.theme.selected } else { look.theme.selected_away });
        }
    }

    /// The columns there is room for, and how wide each is.
    fn widths(&self, room: u16) -> Vec<(usize, u16)> {
        let mut kept: Vec<usize> = (0..self.columns.len()).collect();
        let least = |at: usize, generous: bool| match self.columns[at].width {
            Width::Fixed(cells) => cells,
            Width::Fill(_) if generous => self.columns[at].least,
            Width::Fill(_) => LEAST_FILL,
        };
        let needed = |kept: &[usize], generous: bool| {
            kept.iter().map(|at| least(*at, generous) + GAP).sum::<u16>().saturating_add(POINTER)
        };
        while needed(&kept, true) > room {
            let Some(worst) = kept
                .iter()
                .copied()
                .filter(|at| self.columns[*at].drop_order > 0)
                .max_by_key(|at| self.columns[*at].drop_order)
            else {
                break;
            };
            kept.retain(|at| *at != worst);
        }
        let generous = needed(&kept, true) <= room;
        let spare = room.saturating_sub(needed(&kept, generous));
        let all_weights: u32 = kept.iter().map(|at| self.weight(*at)).sum();
        let cells = |at: usize| match self.columns[at].width {
            Width::Fixed(fixed) => fixed,
            Width::Fill(_) => {
                let extra = u32::from(spare) * self.weight(at) / all_weights.max(1);
                least(at, generous) + u16::try_from(extra).unwrap_or(u16::MAX)
            }
        };
        kept.into_iter().map(|at| (at, cells(at))).collect()
    }

    fn weight(&self, column: usize) -> u32 {
        match self.columns[column].width {
            Width::Fixed(_) => 0,
            Width::Fill(weight) => weight.into(),
        }
    }
}

fn plain(line: &Line<'_>) -> String {
    line.spans.iter().map(|span| span.content.as_ref()).collect()
}

fn aligned(words: &str, width: u16, right: bool, look: &Look) -> String {
    let pad = if right { text::pad_left } else { text::pad };
    pad(words, width.into(), look.glyphs.ellipsis)
}

/// A cell, clean, cut or filled to its width; its spans keep their styles.
fn cell_spans(line: &Line<'_>, width: u16, right: bool, look: &Look) -> Vec<Span<'static>> {
    let width = usize::from(width);
    let spans = line.spans.iter().map(|span| Span::styled(text::clean(&span.content), line.style.patch(span.style)));
    let line = text::fit_line(Line::from(spans.collect::<Vec<_>>()), width, look.glyphs.ellipsis);
    let fill = Span::raw(" ".repeat(width.saturating_sub(line.width())));
    let mut spans = line.spans;
    spans.insert(if right { 0 } else { spans.len() }, fill);
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chord::Chord;
    use crate::testkit::render;

    type Row = (u32, &'static str);

    fn table(rows: &[Row]) -> Table<Row> {
        let columns = vec![
            Column::new("name", Width::Fill(1), |row: &Row, _| Line::raw(row.1)).sorted_by(|a, b| a.1.cmp(b.1)),
            Column::new("points", Width::Fixed(6), |row: &Row, _| Line::raw(row.0.to_string()))
                .right()
                .sorted_by(|a, b| a.0.cmp(&b.0)),
            Column::new("note", Width::Fixed(10), |_: &Row, _| Line::raw("a long remark")).keep(1),
        ];
        let mut table = Table::new(columns, |row: &Row| row.1.to_owned(), "Nobody is here yet.");
        table.set_rows(rows.to_vec());
        table
    }

    fn press(table: &mut Table<Row>, keys: &str) {
        for key in keys.split(' ') {
            table.key(key.parse::<Chord>().unwrap().event());
        }
    }

    fn shown(table: &Table<Row>, width: u16, height: u16) -> String {
        let look = Look::new(ThemeName::Dark, false);
        render(width, height, &look, |area, canvas| table.view(area, canvas, true))
    }

    const ROWS: &[Row] = &[(3, "cleo"), (10, "ada"), (7, "bob")];

    #[test]
    fn columns_fit_their_room_and_the_least_wanted_goes_first() {
        assert_eq!(
            shown(&table(ROWS), 40, 5),
            "  name              points  note\n▸ cleo                   3  a long re…\n  ada                   10  a long re…\n  bob                    7  a long re…\n---\n0: 2..18 bold\n0: 20..26 bold\n0: 28..38 bold\n1: 0..40 reversed\n"
        );
        assert!(!shown(&table(ROWS), 24, 5).contains("note"));
    }

    #[test]
    fn a_filling_column_gets_its_least_before_others_are_kept() {
        let columns = || {
            vec![
                Column::new("name", Width::Fill(1), |row: &Row, _| Line::raw(row.1)).least(20),
                Column::new("note", Width::Fixed(10), |_: &Row, _| Line::raw("remark")).keep(1),
            ]
        };
        let mut table = Table::new(columns(), |row: &Row| row.1.to_owned(), "");
        table.set_rows(vec![(1, "a name of twenty let")]);
        assert!(shown(&table, 30, 3).contains("a name of twenty let") && !shown(&table, 30, 3).contains("remark"));
        assert!(shown(&table, 36, 3).contains("remark"));
        assert!(shown(&table, 16, 3).contains('…'));
    }

    #[test]
    fn the_selection_stays_with_its_row_over_sorting_and_reloading() {
        let mut table = table(ROWS);
        table.act(&DOWN);
        assert_eq!(table.selected().unwrap().1, "ada");
        table.act(&SORT);
        assert_eq!((table.position(), table.selected().unwrap().1), (0, "ada"));
        table.set_rows(vec![(1, "aaron"), (10, "ada")]);
        assert_eq!((table.position(), table.selected().unwrap().1), (1, "ada"));
        table.set_rows(vec![(1, "aaron")]);
        assert_eq!(table.selected().unwrap().1, "aaron");
        table.set_rows(Vec::new());
        assert!(table.selected().is_none());
    }

    #[test]
    fn sorting_goes_through_columns_and_back_to_the_given_order() {
        let mut table = table(ROWS);
        let mut orders = Vec::new();
        for _ in 0..5 {
            table.act(&SORT);
            orders.push(table.shown.iter().map(|at| table.rows[*at].1).collect::<Vec<_>>().join(" "));
        }
        assert_eq!(orders, ["ada bob cleo", "cleo bob ada", "cleo bob ada", "ada bob cleo", "cleo ada bob"]);
    }

    #[test]
    fn a_filter_narrows_while_it_is_typed_and_esc_ends_it() {
        let mut table = table(ROWS);
        table.act(&FILTER);
        assert!(table.text_focus());
        press(&mut table, "B");
        assert!(shown(&table, 40, 5).contains("1 of 3"));
        press(&mut table, "enter");
        assert!(!table.text_focus());
        assert_eq!(table.selected().unwrap().1, "bob");
        assert!(table.act(&BACK));
        assert_eq!(table.shown_count(), 3);
        assert!(!table.act(&BACK), "without a filter Esc is the screen's");
    }

    #[test]
    fn a_click_selects_and_a_second_one_opens() {
        let mut table = table(ROWS);
        shown(&table, 40, 5);
        let click = |row| MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column: 3,
            row,
            modifiers: crossterm::event::KeyModifiers::NONE,
        };
        assert_eq!(table.mouse(click(2)), Outcome::Changed);
        assert_eq!(table.selected().unwrap().1, "ada");
        assert_eq!(table.mouse(click(2)), Outcome::Chosen);
        assert_eq!(table.mouse(click(4)), Outcome::Ignored);
    }

    #[test]
    fn only_rows_on_the_screen_are_drawn() {
        use std::rc::Rc;
        let drawn = Rc::new(Cell::new(0));
        let counter = Rc::clone(&drawn);
        let columns = vec![Column::new("n", Width::Fill(1), move |row: &usize, _| {
            counter.set(counter.get() + 1);
            Line::raw(row.to_string())
        })];
        let mut table = Table::new(columns, usize::to_string, "");
        table.set_rows((0..100_000).collect());
        table.act(&BOTTOM);
        drawn.set(0);
        let look = Look::new(ThemeName::Dark, false);
        let picture = render(20, 11, &look, |area, canvas| table.view(area, canvas, true));
        assert_eq!(drawn.get(), 10);
        assert!(picture.contains("99999") && picture.contains("99990"));
    }

    #[test]
    fn an_empty_table_says_why() {
        assert!(shown(&table(&[]), 40, 5).contains("Nobody is here yet."));
    }
}
