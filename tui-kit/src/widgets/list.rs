//! A value of the server, the table that shows its rows, and what it is called: what most screens are made of.
//!
//! ```
//! use lectern_tui_kit::widgets::list::List;
//! use lectern_tui_kit::widgets::table::{Column, Table, Width};
//! use ratatui::text::Line;
//!
//! let columns = vec![Column::new("name", Width::Fill(1), |name: &String, _| Line::raw(name.clone()))];
//! let mut people = List::new(Table::new(columns, Clone::clone, "Nobody is here yet."), "the people");
//! people.knows(Some(vec!["ada".to_owned(), "bob".to_owned()]));
//! people.keep_only(|name| name.starts_with('b'));
//! assert_eq!((people.value().map(Vec::len), people.selected().map(String::as_str)), (Some(2), Some("bob")));
//! ```

use crossterm::event::{KeyEvent, MouseEvent};
use ratatui::layout::Rect;

use super::table::Table;
use super::{Outcome, Part};
use crate::action::Action;
use crate::live::Live;
use crate::look::Canvas;
use crate::program::Program;
use crate::remote::{Failure, RequestId};
use crate::screen::Cx;
use crate::states;

type RowsOf<T, V> = Box<dyn Fn(&V) -> Vec<T>>;

/// A value `V` with rows `T`; mostly it is nothing but its rows.
pub struct List<T, V = Vec<T>> {
    value: Live<V>,
    table: Table<T>,
    what: &'static str,
    rows: RowsOf<T, V>,
}

impl<T: Clone + 'static> List<T> {
    /// A list of which nothing is known; `what` names it in sentences: `the people`.
    pub fn new(table: Table<T>, what: &'static str) -> Self {
        Self::of(table, what, Vec::clone)
    }

    /// Shows only these of its rows, now and later.
    pub fn keep_only(&mut self, keep: impl Fn(&T) -> bool + 'static) {
        self.rows = Box::new(move |all| all.iter().filter(|row| keep(row)).cloned().collect());
        self.arrange();
    }
}

impl<T, V> List<T, V> {
    /// A value that is more than its rows, or has them in another form; `rows` makes them of it.
    pub fn of(table: Table<T>, what: &'static str, rows: impl Fn(&V) -> Vec<T> + 'static) -> Self {
        Self { value: Live::default(), table, what, rows: Box::new(rows) }
    }

    /// Begins with what was loaded before, if anything was.
    pub fn knows(&mut self, value: Option<V>) {
        if let Some(value) = value {
            self.value.put(value);
            self.arrange();
        }
    }

    fn arrange(&mut self) {
        if let Some(value) = self.value.value() {
            self.table.set_rows((self.rows)(value));
        }
    }

    /// Asks, unless a question is on its way: then once more after its answer.
    pub fn ask<P: Program>(&mut self, cx: &mut Cx<'_, P>, effect: P::Effect) {
        self.value.ask(cx, effect);
    }

    /// An answer came. The value, when it is the awaited answer and good news. Ask again when [`List::is_stale`] says so.
    pub fn finish(&mut self, request: RequestId, result: Result<V, Failure>) -> Option<&V> {
        let is_news = result.is_ok();
        if !self.value.finish(request, result) || !is_news {
            return None;
        }
        self.arrange();
        self.value.value()
    }

    /// Whether the value that came is older than the last change; told once, and not while a question is on its way.
    pub fn is_stale(&mut self) -> bool {
        self.value.is_stale()
    }

    /// All that came, whatever is shown of it.
    pub fn value(&self) -> Option<&V> {
        self.value.value()
    }

    /// The rows as they are shown.
    pub fn table(&self) -> &Table<T> {
        &self.table
    }

    /// The selected row.
    pub fn selected(&self) -> Option<&T> {
        self.table.selected()
    }

    /// Draws how the value stands, and gives the room for the rows and what is said beside them, where there are any.
    pub fn room(&self, area: Rect, canvas: &mut Canvas<'_>) -> Option<Rect> {
        states::room(self.value.remote(), self.what, area, canvas)
    }

    /// Draws it in whatever state it is.
    pub fn view(&self, area: Rect, canvas: &mut Canvas<'_>) {
        if let Some(room) = self.room(area, canvas) {
            self.table.view(room, canvas, true);
        }
    }
}

/// Its table's.
impl<T, V> Part for List<T, V> {
    fn act(&mut self, action: &Action) -> bool {
        self.table.act(action)
    }

    fn text_focus(&self) -> bool {
        self.table.text_focus()
    }

    fn key(&mut self, key: KeyEvent) -> Outcome {
        self.table.key(key)
    }

    fn paste(&mut self, pasted: &str) {
        self.table.paste(pasted);
    }

    fn mouse(&mut self, event: MouseEvent) -> Outcome {
        self.table.mouse(event)
    }
}
