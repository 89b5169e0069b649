//! Choosing files, or one directory, to hand in.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crossterm::event::{KeyEvent, MouseEvent};
use lectern_tui_kit::action::{Action, OPEN, REFRESH, Scope};
use lectern_tui_kit::files::{Entry, Listing};
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::program::KitAnswer;
use lectern_tui_kit::remote::{Remote, RequestId};
use lectern_tui_kit::screen::{Cx, KitWork, Screen};
use lectern_tui_kit::widgets::Outcome;
use lectern_tui_kit::widgets::table::{Column, Table, Width};
use lectern_tui_kit::{states, text};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::actions::{FILES_SCOPE, HIDDEN, MARK, PARENT, TAKE_FILES};
use crate::effects::Message;
use crate::model::{HandOver, Model, Place};
use crate::program::Student;
use crate::screens::hand_in::HandIn;

/// An entry, and whether it is marked.
#[derive(Clone, Debug)]
struct Row {
    entry: Entry,
    marked: bool,
}

/// What becomes of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// They are shown, to be handed in.
    HandIn,
    /// They go to the screen below.
    Return,
}

/// The picker.
pub struct Files {
    place: Place,
    then: Then,
    dir: PathBuf,
    listing: Remote<Listing>,
    table: Table<Row>,
    marked: BTreeSet<PathBuf>,
    hidden: bool,
    /// To be selected when the listing is here: the directory one comes from.
    from: Option<PathBuf>,
}

impl Files {
    /// Files for an assignment, beginning in the current directory.
    pub fn new(place: Place, then: Then) -> Self {
        Self {
            place,
            then,
            dir: PathBuf::from("."),
            listing: Remote::default(),
            table: table(),
            marked: BTreeSet::new(),
            hidden: false,
            from: None,
        }
    }

    fn load(&mut self, cx: &mut Cx<'_, Student>) {
        self.listing.start(cx.kit(KitWork::List(self.dir.clone())));
    }

    fn go(&mut self, dir: PathBuf, cx: &mut Cx<'_, Student>) {
        self.from = Some(std::mem::replace(&mut self.dir, dir));
        self.listing = Remote::default();
        self.load(cx);
    }

    fn arrange(&mut self) {
        let entries = self.listing.value().map(|listing| listing.entries.clone()).unwrap_or_default();
        let shown = entries.into_iter().filter(|entry| self.hidden || !entry.name.starts_with('.'));
        let rows = shown.map(|entry| Row { marked: self.marked.contains(&entry.path), entry });
        self.table.set_rows(rows.collect());
    }

    fn open(&mut self, cx: &mut Cx<'_, Student>) {
        match self.table.selected() {
            Some(Row { entry, .. }) if entry.is_dir => {
                let path = entry.path.clone();
                self.go(path, cx);
            }
            Some(_) => self.mark(),
            None => {}
        }
    }

    fn mark(&mut self) {
        let Some(Row { entry, .. }) = self.table.selected() else { return };
        if entry.is_dir {
            return;
        }
        let path = entry.path.clone();
        if !self.marked.remove(&path) {
            self.marked.insert(path);
        }
        self.arrange();
        self.table.move_by(1);
    }

    fn chosen(&self) -> Vec<PathBuf> {
        if self.marked.is_empty() {
            self.table.selected().map(|row| row.entry.path.clone()).into_iter().collect()
        } else {
            self.marked.iter().cloned().collect()
        }
    }

    fn take(&mut self, cx: &mut Cx<'_, Student>) {
        let paths = self.chosen();
        match self.then {
            Then::HandIn => cx.replace(HandIn::new(self.place.clone(), String::new(), paths)),
            Then::Return => {
                cx.model.hand_over = Some((self.place.clone(), HandOver::Files(paths)));
                cx.pop();
            }
        }
    }

    fn status(&self, canvas: &Canvas<'_>) -> Line<'static> {
        let theme = canvas.look.theme;
        match self.marked.len() {
            0 => match self.table.selected() {
                Some(row) if row.entry.is_dir => {
                    let name = text::clean(&row.entry.name);
                    Line::styled(format!("ctrl-s takes the directory {name}, enter goes into it"), theme.dim)
                }
                Some(row) => Line::styled(format!("ctrl-s takes {}", text::clean(&row.entry.name)), theme.dim),
                None => Line::default(),
            },
            count => Line::from(vec![
                Span::styled(text::count(count as u64, "file"), theme.accent),
                Span::styled(" marked, ctrl-s takes them", theme.dim),
            ]),
        }
    }
}

impl Screen<Student> for Files {
    fn scope(&self) -> &'static Scope {
        &FILES_SCOPE
    }

    fn title(&self, _model: &Model) -> String {
        "files".into()
    }

    fn disabled(&self, action: &Action, _model: &Model) -> Option<String> {
        match *action {
            TAKE_FILES if self.chosen().is_empty() => Some("There is nothing to take here.".into()),
            MARK if self.table.selected().is_some_and(|row| row.entry.is_dir) => {
                Some("A directory is handed in alone: ctrl-s takes it.".into())
            }
            _ => None,
        }
    }

    fn opened(&mut self, cx: &mut Cx<'_, Student>) {
        self.load(cx);
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, Student>) -> bool {
        match *action {
            OPEN => self.open(cx),
            MARK => self.mark(),
            TAKE_FILES => self.take(cx),
            PARENT => {
                if let Some(parent) = self.dir.parent().map(Path::to_owned) {
                    self.go(parent, cx);
                }
            }
            HIDDEN => {
                self.hidden = !self.hidden;
                self.arrange();
            }
            REFRESH => self.load(cx),
            _ => return self.table.act(action),
        }
        true
    }

    fn text_focus(&self) -> bool {
        self.table.text_focus()
    }

    fn key(&mut self, key: KeyEvent, _cx: &mut Cx<'_, Student>) {
        self.table.key(key);
    }

    fn paste(&mut self, pasted: &str, _cx: &mut Cx<'_, Student>) {
        self.table.paste(pasted);
    }

    fn mouse(&mut self, event: MouseEvent, cx: &mut Cx<'_, Student>) {
        if self.table.mouse(event) == Outcome::Chosen {
            self.open(cx);
        }
    }

    fn received(&mut self, _request: RequestId, _message: Message, _cx: &mut Cx<'_, Student>) {}

    fn answered(&mut self, request: RequestId, answer: KitAnswer, _cx: &mut Cx<'_, Student>) {
        let KitAnswer::Listed(listing) = answer else { return };
        if !self.listing.finish(request, listing) {
            return;
        }
        if let Some(listing) = self.listing.value() {
            self.dir.clone_from(&listing.dir);
        }
        self.arrange();
        if let Some(from) = self.from.take() {
            self.table.act(&lectern_tui_kit::action::TOP);
            self.table.select_key(&from.to_string_lossy());
        }
    }

    fn view(&self, _model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let theme = canvas.look.theme;
        canvas.line(area, Line::styled(text::clean(&self.dir.to_string_lossy()), theme.title));
        let below = Rect { y: area.y.saturating_add(1), height: area.height.saturating_sub(2), ..area };
        if let Some(below) = states::room(&self.listing, "this directory", below, canvas) {
            self.table.view(below, canvas, true);
        }
        let status = self.status(canvas);
        canvas.line(Rect { y: area.bottom().saturating_sub(1), height: 1, ..area }, status);
    }
}

fn table() -> Table<Row> {
    let columns = vec![
        Column::new("", Width::Fixed(2), |row: &Row, look| {
            Line::styled(if row.marked { look.glyphs.done } else { "" }, look.theme.good)
        }),
        Column::new("name", Width::Fill(1), |row: &Row, look| {
            let name = &row.entry.name;
            if row.entry.is_dir { Line::styled(format!("{name}/"), look.theme.accent) } else { Line::raw(name.clone()) }
        })
        .sorted_by(|a, b| a.entry.name.cmp(&b.entry.name)),
        Column::new("size", Width::Fixed(10), |row: &Row, look| {
            let size = if row.entry.is_dir { String::new() } else { text::size(row.entry.size) };
            Line::styled(size, look.theme.dim)
        })
        .right()
        .sorted_by(|a, b| a.entry.size.cmp(&b.entry.size)),
    ];
    Table::new(columns, |row| row.entry.path.to_string_lossy().into_owned(), "This directory is empty.")
}
