//! Choosing files of this machine: a directory at a time, by moving or by typing a path. It reads no disk itself: it says
//! which directory it wants listed, and is given the listing.
//!
//! ```
//! use lectern_tui_kit::files::list;
//! use lectern_tui_kit::widgets::file_picker::FilePicker;
//!
//! let mut picker = FilePicker::new(env!("CARGO_MANIFEST_DIR"), "/home/ada");
//! let wanted = picker.wants().expect("the first directory");
//! picker.listed(list(&wanted));
//! assert_eq!(picker.wants(), None);
//! ```

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use crossterm::event::{KeyCode, KeyEvent, MouseEvent};
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::line::LineInput;
use super::table::{Column, Table, Width};
use super::{Outcome, Part};
use crate::action::{Action, BACK, BOTTOM, DOWN, FILTER, Group, OPEN, PAGE_DOWN, PAGE_UP, REFRESH, SORT, TOP, UP};
use crate::files::{Entry, Listing};
use crate::look::{Canvas, Look};
use crate::remote::Failure;
use crate::text;

/// The directory above.
pub const PARENT: Action =
    Action::new("parent", &["backspace", "left"], "up", "Go to the directory above this one.").in_bar();
/// Mark a file.
pub const MARK: Action =
    Action::new("mark", &["space"], "mark", "Mark the file, to choose several; again, to unmark it.").in_bar();
/// Hidden files.
pub const HIDDEN: Action =
    Action::new("hidden", &["."], "hidden files", "Show files whose names begin with a dot, or hide them again.");
/// Type a path.
pub const TYPE_PATH: Action = Action::new("path", &["p"], "path", "Type a path; Tab completes it.").in_bar();

/// Choosing a file.
pub const PICKER: Group = Group {
    name: "picker",
    title: "Choosing files",
    actions: &[OPEN, PARENT, MARK, TYPE_PATH, FILTER, HIDDEN, DOWN, UP, TOP, BOTTOM, PAGE_DOWN, PAGE_UP, SORT],
};

/// Files that were marked, in any directory, and their sizes.
type Marks = Rc<RefCell<BTreeMap<PathBuf, u64>>>;

/// What to do once a directory is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Then {
    /// Show it from its beginning.
    Show,
    /// Select this entry.
    Select(PathBuf),
    /// Go on to what was typed: enter it, or select it.
    Seek(PathBuf),
    /// Complete what is typed.
    Complete,
}

/// The picker.
pub struct FilePicker {
    home: PathBuf,
    table: Table<Entry>,
    /// What is shown, hidden entries included.
    listing: Listing,
    /// To be listed, and not told yet.
    wanted: Option<PathBuf>,
    /// Being listed, and why.
    awaited: Option<(PathBuf, Then)>,
    failure: Option<String>,
    show_hidden: bool,
    marks: Marks,
    path: LineInput,
    typing: bool,
}

impl FilePicker {
    /// A picker that begins in `start`. `home` is what `~` stands for.
    pub fn new(start: impl Into<PathBuf>, home: impl Into<PathBuf>) -> Self {
        let start: PathBuf = start.into();
        let marks = Marks::default();
        let mut picker = Self {
            home: home.into(),
            table: table(&marks),
            listing: Listing::default(),
            wanted: None,
            awaited: None,
            failure: None,
            show_hidden: false,
            marks,
            path: LineInput::default(),
            typing: false,
        };
        picker.want(std::path::absolute(&start).unwrap_or(start), Then::Show);
        picker
    }

    /// The directory to be listed, named once: the screen asks for its listing.
    pub fn wants(&mut self) -> Option<PathBuf> {
        self.wanted.take()
    }

    /// A listing came. One that is no longer awaited is dropped.
    pub fn listed(&mut self, listing: Result<Listing, Failure>) {
        match listing {
            Ok(listing) => {
                let Some((_, then)) = self.awaited.take_if(|(dir, _)| *dir == listing.dir) else {
                    return;
                };
                self.failure = None;
                self.show(listing);
                self.proceed(then);
            }
            Err(failure) => {
                if self.awaited.take().is_some() {
                    self.failure = Some(text::clean(&failure.sentence()));
                }
            }
        }
    }

    /// The directory that is shown; empty before the first listing.
    pub fn dir(&self) -> &Path {
        &self.listing.dir
    }

    /// Asks for the shown directory again.
    pub fn refresh(&mut self) {
        let selected = self.table.selected().map(|entry| entry.path.clone());
        let again = if self.listing.dir.as_os_str().is_empty() { None } else { Some(self.listing.dir.clone()) };
        if let Some(dir) = again.or_else(|| self.awaited.as_ref().map(|(dir, _)| dir.clone())) {
            self.want(dir, selected.map_or(Then::Show, Then::Select));
        }
    }

    /// The marked files, by path; without marks, the selected one if it is a file.
    pub fn chosen(&self) -> Vec<PathBuf> {
        let marks = self.marks.borrow();
        if !marks.is_empty() {
            return marks.keys().cloned().collect();
        }
        self.table.selected().filter(|entry| !entry.is_dir).map(|entry| entry.path.clone()).into_iter().collect()
    }

    fn want(&mut self, dir: PathBuf, then: Then) {
        self.wanted = Some(dir.clone());
        self.awaited = Some((dir, then));
    }

    fn show(&mut self, listing: Listing) {
        let same = self.listing.dir == listing.dir;
        self.listing = listing;
        if !same {
            // A filter was for the directory before.
            self.table.act(&BACK);
        }
        self.show_rows();
        if !same {
            self.table.act(&TOP);
        }
    }

    fn show_rows(&mut self) {
        let shown = self.listing.entries.iter().filter(|entry| self.show_hidden || !is_hidden(entry));
        self.table.set_rows(shown.cloned().collect());
    }

    fn proceed(&mut self, then: Then) {
        match then {
            Then::Show => {}
            Then::Select(path) => self.select(&path),
            Then::Seek(path) => match self.entry(&path) {
                Some(entry) if entry.is_dir => self.want(path, Then::Show),
                Some(_) => self.select(&path),
                None => {
                    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    self.failure = Some(text::clean(&format!("There is no `{name}` here.")));
                }
            },
            Then::Complete => self.complete(),
        }
    }

    fn entry(&self, path: &Path) -> Option<&Entry> {
        self.listing.entries.iter().find(|entry| entry.path == path)
    }

    fn select(&mut self, path: &Path) {
        if self.entry(path).is_some_and(is_hidden) && !self.show_hidden {
            self.show_hidden = true;
            self.show_rows();
        }
        self.table.select_key(&key(path));
    }

    /// Enters the selected directory; false when a file is selected instead.
    fn enter(&mut self) -> bool {
        match self.table.selected() {
            Some(entry) if entry.is_dir => {
                let path = entry.path.clone();
                self.want(path, Then::Show);
                true
            }
            Some(_) => false,
            // Nothing to choose: nothing happens.
            None => self.marks.borrow().is_empty(),
        }
    }

    fn go_up(&mut self) -> bool {
        let here = self.listing.dir.clone();
        let Some(parent) = here.parent().map(Path::to_owned) else {
            return false;
        };
        self.want(parent, Then::Select(here));
        true
    }

    fn mark(&mut self) {
        let Some(entry) = self.table.selected().filter(|entry| !entry.is_dir) else {
            return;
        };
        let mut marks = self.marks.borrow_mut();
        if marks.remove(&entry.path).is_none() {
            marks.insert(entry.path.clone(), entry.size);
        }
        drop(marks);
        self.table.move_by(1);
    }

    /// The path that a text stands for: from `~`, from the root, or from the shown directory.
    fn expanded(&self, typed: &str) -> PathBuf {
        let path = match typed.strip_prefix('~') {
            Some("") => self.home.clone(),
            Some(rest) if rest.starts_with('/') => self.home.join(rest.trim_start_matches('/')),
            _ => self.listing.dir.join(typed),
        };
        normal(&path)
    }

    fn go_to_typed(&mut self) -> Outcome {
        self.typing = false;
        let typed = self.path.text().to_owned();
        let path = self.expanded(&typed);
        if typed.is_empty() || path == self.listing.dir {
            return Outcome::Changed;
        }
        match self.entry(&path) {
            Some(entry) if !entry.is_dir => {
                self.select(&path);
                return Outcome::Chosen;
            }
            Some(_) => self.want(path, Then::Show),
            None => match path.parent() {
                Some(parent) if !typed.ends_with('/') => self.want(parent.to_owned(), Then::Seek(path.clone())),
                _ => self.want(path, Then::Show),
            },
        }
        Outcome::Changed
    }

    /// Lengthens what is typed as far as the entries of its directory agree; lists that directory first if it is another.
    fn complete(&mut self) {
        let typed = self.path.text().to_owned();
        let (dir, begun) = match typed.rfind('/') {
            Some(at) => typed.split_at(at + 1),
            None if typed == "~" => return self.path.set("~/"),
            None => ("", typed.as_str()),
        };
        let path = self.expanded(dir);
        if path != self.listing.dir {
            if !typed.starts_with(['~', '/']) {
                // It was meant from the directory that is shown, and another one is about to be.
                let from_root = path.join(begun).to_string_lossy().into_owned();
                self.path.set(&from_root);
            }
            return self.want(path, Then::Complete);
        }
        let entries = self.listing.entries.iter();
        let fitting: Vec<&Entry> = entries
            .filter(|entry| entry.name.starts_with(begun) && (!is_hidden(entry) || begun.starts_with('.')))
            .collect();
        match fitting.as_slice() {
            [] => self.failure = Some(text::clean(&format!("Nothing here begins with `{begun}`."))),
            [one] => {
                let end = if one.is_dir { "/" } else { "" };
                self.path.set(&format!("{dir}{}{end}", one.name));
            }
            [first, rest @ ..] => {
                let common = rest.iter().fold(first.name.as_str(), |common, entry| shared(common, &entry.name));
                if common.len() > begun.len() {
                    self.path.set(&format!("{dir}{common}"));
                } else {
                    let count = lectern_cli::text::count(fitting.len(), "entry", "entries");
                    self.failure = Some(text::clean(&format!("{count} begin with `{begun}`.")));
                }
            }
        }
    }

    /// Draws it: the directory or the path that is typed, its entries, and what went wrong.
    pub fn view(&self, area: Rect, canvas: &mut Canvas<'_>, focused: bool) {
        let area = area.intersection(canvas.buf.area);
        if area.is_empty() {
            return;
        }
        self.view_head(Rect { height: 1, ..area }, canvas, focused);
        let failure_rows = u16::from(self.failure.is_some()).min(area.height - 1);
        if let Some(failure) = self.failure.as_ref().filter(|_| failure_rows > 0) {
            let last = Rect { y: area.bottom() - 1, height: 1, ..area };
            canvas.line(last, Line::styled(failure.clone(), canvas.look.theme.bad));
        }
        let body = Rect { y: area.y + 1, height: area.height - 1 - failure_rows, ..area };
        if self.listing.dir.as_os_str().is_empty() {
            return;
        }
        self.table.view(body, canvas, focused && !self.typing);
    }

    fn view_head(&self, area: Rect, canvas: &mut Canvas<'_>, focused: bool) {
        let look = canvas.look;
        let note = self.note(look);
        let width = u16::try_from(text::width(&note)).unwrap_or(u16::MAX).min(area.width / 2);
        let left = Rect { width: area.width - width, ..area };
        if self.typing {
            self.path.view("path ", left, canvas, focused);
        } else {
            let dir = text::clean(&self.listing.dir.to_string_lossy());
            canvas.line(left, Line::styled(tail(&dir, left.width.into(), look.glyphs.ellipsis), look.theme.title));
        }
        canvas.line(Rect { x: left.right(), width, ..area }, Line::styled(note, look.theme.dim));
    }

    /// What is marked, or that a directory is awaited.
    fn note(&self, look: &Look) -> String {
        let marks = self.marks.borrow();
        let mut parts = Vec::new();
        if !marks.is_empty() {
            parts.push(format!("{} marked, {}", marks.len(), text::size(marks.values().sum())));
        }
        if let Some((dir, _)) = &self.awaited {
            let name = dir.file_name().unwrap_or(dir.as_os_str()).to_string_lossy();
            parts.push(format!("reading {}{}", text::clean(&name), look.glyphs.ellipsis));
        }
        if parts.is_empty() { String::new() } else { format!("  {}", parts.join("  ")) }
    }
}

impl Part for FilePicker {
    /// An action of the group [`PICKER`]. `OPEN` enters a directory; on a file, or when files are marked, it is the
    /// screen's own (false): [`FilePicker::chosen`] says which were chosen.
    fn act(&mut self, action: &Action) -> bool {
        match *action {
            BACK if self.typing => self.typing = false,
            OPEN => return self.enter(),
            PARENT => return self.go_up(),
            MARK => self.mark(),
            HIDDEN => {
                self.show_hidden = !self.show_hidden;
                self.show_rows();
            }
            TYPE_PATH => {
                self.typing = true;
                let dir = self.listing.dir.to_string_lossy();
                self.path.set(&if dir.ends_with('/') { dir.into_owned() } else { format!("{dir}/") });
            }
            REFRESH => self.refresh(),
            _ => return self.table.act(action),
        }
        true
    }

    /// Whether a path or a filter is being typed.
    fn text_focus(&self) -> bool {
        self.typing || self.table.text_focus()
    }

    /// A key for the path or the filter. [`Outcome::Chosen`]: a path was typed that is a file here.
    fn key(&mut self, key: KeyEvent) -> Outcome {
        if !self.typing {
            return self.table.key(key);
        }
        if key.code == KeyCode::Tab {
            self.complete();
            return Outcome::Changed;
        }
        match self.path.key(key) {
            Outcome::Chosen => return self.go_to_typed(),
            Outcome::Left => self.typing = false,
            Outcome::Changed => self.failure = None,
            Outcome::Ignored => return Outcome::Ignored,
        }
        Outcome::Changed
    }

    /// A paste into the path or the filter. Elsewhere it is taken for a path: so terminals give a file that is dropped on
    /// them.
    fn paste(&mut self, pasted: &str) {
        if self.table.text_focus() {
            return self.table.paste(pasted);
        }
        if !self.typing {
            self.typing = true;
            self.path.set("");
        }
        let trimmed = pasted.trim();
        let quoted = trimmed.strip_prefix(['\'', '"']).and_then(|rest| rest.strip_suffix(['\'', '"']));
        self.path.paste(quoted.unwrap_or(trimmed));
    }

    /// The wheel moves; a click selects, and opens what was selected already.
    fn mouse(&mut self, event: MouseEvent) -> Outcome {
        match self.table.mouse(event) {
            Outcome::Chosen if self.enter() => Outcome::Changed,
            other => other,
        }
    }
}

fn table(marks: &Marks) -> Table<Entry> {
    let marked = Rc::clone(marks);
    let columns = vec![
        Column::new("", Width::Fixed(2), move |entry: &Entry, look| {
            let is_marked = marked.borrow().contains_key(&entry.path);
            Line::styled(if is_marked { look.glyphs.done } else { "" }, look.theme.good)
        }),
        Column::new("name", Width::Fill(1), |entry: &Entry, look| {
            if entry.is_dir {
                Line::styled(format!("{}/", entry.name), look.theme.info)
            } else {
                Line::raw(entry.name.clone())
            }
        })
        .sorted_by(|a, b| a.name.cmp(&b.name)),
        Column::new("size", Width::Fixed(10), |entry: &Entry, _| {
            Line::raw(if entry.is_dir { String::new() } else { text::size(entry.size) })
        })
        .right()
        .keep(1)
        .sorted_by(|a, b| a.size.cmp(&b.size)),
    ];
    Table::new(columns, |entry: &Entry| key(&entry.path), "No file is here.")
}

fn key(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn is_hidden(entry: &Entry) -> bool {
    entry.name.starts_with('.')
}

/// A path without `.` and `..`, as it reads.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(normal.pop()),
            other => normal.push(other),
        }
    }
    normal
}

/// The beginning that two names share.
fn shared<'a>(a: &'a str, b: &str) -> &'a str {
    let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).map(|(letter, _)| letter.len_utf8()).sum();
    &a[..same]
}

/// The end of a path, which says more than its beginning.
fn tail(path: &str, room: usize, ellipsis: &str) -> String {
    if text::width(path) <= room {
        return path.to_owned();
    }
    let left = room.saturating_sub(text::width(ellipsis));
    let fitting = path.char_indices().map(|(at, _)| &path[at..]).find(|end| text::width(end) <= left);
    text::fit(&format!("{ellipsis}{}", fitting.unwrap_or_default()), room, "")
}

#[cfg(test)]
mod tests;
