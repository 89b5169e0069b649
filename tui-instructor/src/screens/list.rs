//! A list from the server in a table: what most screens are made of.

use crossterm::event::{KeyEvent, MouseEvent};
use lectern_tui_kit::action::Action;
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::remote::{Failure, Remote, RequestId};
use lectern_tui_kit::states;
use lectern_tui_kit::widgets::Outcome;
use lectern_tui_kit::widgets::table::Table;
use ratatui::layout::Rect;

/// The list and its table.
pub struct List<T> {
    /// As it came.
    pub remote: Remote<Vec<T>>,
    /// What is shown of it.
    pub table: Table<T>,
    what: &'static str,
    keep: Box<dyn Fn(&T) -> bool>,
    again: bool,
}

impl<T: Clone> List<T> {
    /// An empty list; `what` names it in sentences: `the people`.
    pub fn new(table: Table<T>, what: &'static str) -> Self {
        Self { remote: Remote::default(), table, what, keep: Box::new(|_| true), again: false }
    }

    /// Begins with what was loaded before.
    pub fn knows(&mut self, rows: Option<&Vec<T>>) {
        if let Some(rows) = rows {
            self.remote.put(rows.clone());
            self.arrange();
        }
    }

    /// Shows only rows that are worth it.
    pub fn keep_only(&mut self, keep: impl Fn(&T) -> bool + 'static) {
        self.keep = Box::new(keep);
        self.arrange();
    }

    fn arrange(&mut self) {
        let rows = self.remote.value().map(Vec::as_slice).unwrap_or_default();
        self.table.set_rows(rows.iter().filter(|row| (self.keep)(row)).cloned().collect());
    }

    /// An answer came. True when it was the awaited one.
    pub fn finish(&mut self, request: RequestId, result: Result<Vec<T>, Failure>) -> bool {
        let awaited = self.remote.finish(request, result);
        if awaited {
            self.arrange();
        }
        awaited
    }

    /// Something of it changed on the server. True when it is to be asked for now; while an answer is on its way, one
    /// more is asked for after it ([`Self::wants_again`]): a hall that hands in at once is not a call for each.
    pub fn stale(&mut self) -> bool {
        self.again = self.remote.is_loading();
        !self.again
    }

    /// Whether it is to be asked for once more, now that an answer came.
    pub fn wants_again(&mut self) -> bool {
        !self.remote.is_loading() && std::mem::take(&mut self.again)
    }

    /// The selected row.
    pub fn selected(&self) -> Option<&T> {
        self.table.selected()
    }

    /// An action of the group `LIST`.
    pub fn act(&mut self, action: &Action) -> bool {
        self.table.act(action)
    }

    /// Whether the filter is typed.
    pub fn text_focus(&self) -> bool {
        self.table.text_focus()
    }

    /// A key for the filter.
    pub fn key(&mut self, key: KeyEvent) {
        self.table.key(key);
    }

    /// A paste into the filter.
    pub fn paste(&mut self, text: &str) {
        self.table.paste(text);
    }

    /// A click or the wheel. True when the row is to be opened.
    pub fn mouse(&mut self, event: MouseEvent) -> bool {
        self.table.mouse(event) == Outcome::Chosen
    }

    /// Draws it in whatever state it is.
    pub fn view(&self, area: Rect, canvas: &mut Canvas<'_>) {
        if let Some(room) = states::room(&self.remote, self.what, area, canvas) {
            self.table.view(room, canvas, true);
        }
    }
}
