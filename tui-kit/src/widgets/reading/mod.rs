//! What reader and Markdown view share: a long text in sections, of which only those near the screen are ever laid out;
//! moving through it, and finding in it.

pub mod find;
pub mod flow;
pub mod ink;
pub mod wrap;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use crossterm::event::{KeyEvent, MouseEvent, MouseEventKind};
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::line::LineInput;
use super::{Outcome, Part as _};
use crate::action::{Action, BACK, BOTTOM, DOWN, FIND, NEXT_MATCH, PAGE_DOWN, PAGE_UP, PREVIOUS_MATCH, TOP, UP};
use crate::look::Canvas;
use crate::text;
use find::Query;
use ink::{Found, Row, Run};

/// A text in sections: pages, paragraphs.
pub trait Source {
    /// How many there are.
    fn sections(&self) -> usize;
    /// Those that can be searched, in order.
    fn searchable(&self) -> impl Iterator<Item = usize>;
    /// The text of one, clean; empty where it is not known.
    fn text(&self, section: usize) -> &str;
    /// Its ink, in order, without overlap.
    fn runs(&self, section: usize) -> &[Run];
    /// Its rows in so many columns: at least one.
    fn rows(&self, section: usize, width: usize, plain: bool) -> Vec<Row>;
}

/// A row of a section.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    section: usize,
    /// Beyond its last row stands for the last.
    row: usize,
}

/// Where the text was drawn last; before the first time, what most terminals have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    width: usize,
    height: usize,
    plain: bool,
}

/// A match in the whole text.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Match {
    section: usize,
    range: Range<usize>,
}

/// How far the text can be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Until its last row is at the bottom.
    LastRow,
    /// Until its last section is seen from its beginning, whatever is free below.
    LastSection,
}

/// Where a person is in a text, and what they look for. The text itself is given to each call.
pub struct Reading {
    end: End,
    place: Cell<Place>,
    shape: Cell<Shape>,
    laid_out: RefCell<HashMap<usize, Rc<[Row]>>>,
    query: LineInput,
    /// What was looked for before.
    last: String,
    typing: bool,
    /// Where the search began, to return to.
    origin: Place,
    matches: Vec<Match>,
    current: Option<usize>,
}

impl Reading {
    /// At the beginning.
    pub fn new(end: End) -> Self {
        Self {
            end,
            place: Cell::default(),
            shape: Cell::new(Shape { width: 80, height: 24, plain: false }),
            laid_out: RefCell::default(),
            query: LineInput::default(),
            last: String::new(),
            typing: false,
            origin: Place::default(),
            matches: Vec::new(),
            current: None,
        }
    }

    /// How many sections are laid out now.
    #[cfg(test)]
    pub fn laid_out_count(&self) -> usize {
        self.laid_out.borrow().len()
    }

    fn rows(&self, source: &impl Source, section: usize) -> Rc<[Row]> {
        if let Some(rows) = self.laid_out.borrow().get(&section) {
            return Rc::clone(rows);
        }
        let shape = self.shape.get();
        let rows: Rc<[Row]> = source.rows(section, shape.width, shape.plain).into();
        self.laid_out.borrow_mut().insert(section, Rc::clone(&rows));
        rows
    }

    fn last_row(&self, source: &impl Source, section: usize) -> Place {
        Place { section, row: self.rows(source, section).len().saturating_sub(1) }
    }

    /// Further down by so many rows, at most to the last one.
    fn forward(&self, source: &impl Source, mut place: Place, mut count: usize) -> Place {
        loop {
            let last = self.last_row(source, place.section).row;
            if place.row + count <= last {
                return Place { row: place.row + count, ..place };
            }
            if place.section + 1 >= source.sections() {
                return Place { row: last, ..place };
            }
            count -= last + 1 - place.row;
            place = Place { section: place.section + 1, row: 0 };
        }
    }

    fn back(&self, source: &impl Source, mut place: Place, mut count: usize) -> Place {
        while place.row < count {
            if place.section == 0 {
                return Place::default();
            }
            count -= place.row + 1;
            place = self.last_row(source, place.section - 1);
        }
        Place { row: place.row - count, ..place }
    }

    /// The row at the top of the screen: where the person went, as far as the text allows.
    fn top(&self, source: &impl Source) -> Place {
        let Some(last_section) = source.sections().checked_sub(1) else {
            return Place::default();
        };
        let place = self.place.get();
        let place = Place { section: place.section.min(last_section), ..place };
        let place = place.min(self.last_row(source, place.section));
        let height = self.shape.get().height.max(1);
        let limit = match self.end {
            End::LastSection if place.section < last_section => return place,
            End::LastSection => {
                let rows = self.rows(source, last_section).len();
                Place { section: last_section, row: rows.saturating_sub(height) }
            }
            End::LastRow => self.back(source, self.last_row(source, last_section), height - 1),
        };
        place.min(limit)
    }

    /// The section at the top of the screen.
    pub fn section(&self, source: &impl Source) -> usize {
        self.top(source).section
    }

    /// The section at the bottom of the screen.
    pub fn last_section(&self, source: &impl Source) -> usize {
        if source.sections() == 0 {
            return 0;
        }
        self.forward(source, self.top(source), self.shape.get().height.saturating_sub(1)).section
    }

    /// Goes to the beginning of a section.
    pub fn go_to(&mut self, section: usize) {
        self.place.set(Place { section, row: 0 });
    }

    fn move_by(&mut self, source: &impl Source, rows: isize) {
        if source.sections() == 0 {
            return;
        }
        let top = self.top(source);
        let count = rows.unsigned_abs();
        let place = if rows < 0 { self.back(source, top, count) } else { self.forward(source, top, count) };
        self.place.set(place);
    }

    /// An action of the group `READER`; Esc ends a search.
    pub fn act(&mut self, action: &Action, source: &impl Source) -> bool {
        let page = isize::try_from(self.shape.get().height.max(2) - 1).unwrap_or(1);
        match *action {
            DOWN => self.move_by(source, 1),
            UP => self.move_by(source, -1),
            PAGE_DOWN => self.move_by(source, page),
            PAGE_UP => self.move_by(source, -page),
            TOP => self.go_to(0),
            BOTTOM => self.place.set(Place { section: usize::MAX, row: usize::MAX }),
            FIND => {
                if !self.typing {
                    // A new search begins empty; Enter then looks for the last one again.
                    self.last = self.query.text().to_owned();
                    self.query.set("");
                }
                self.typing = true;
                self.origin = self.top(source);
            }
            NEXT_MATCH => self.step(source, true),
            PREVIOUS_MATCH => self.step(source, false),
            BACK if self.typing || self.is_finding() => {
                if self.typing {
                    self.place.set(self.origin);
                }
                self.typing = false;
                self.query.set("");
                self.search(source);
            }
            _ => return false,
        }
        true
    }

    /// Whether a search is being typed.
    pub fn text_focus(&self) -> bool {
        self.typing
    }

    /// Whether something is looked for.
    pub fn is_finding(&self) -> bool {
        !self.query.text().is_empty()
    }

    /// A key for the search. Enter keeps it and gives the keyboard back to the text.
    pub fn key(&mut self, key: KeyEvent, source: &impl Source) -> Outcome {
        if !self.typing {
            return Outcome::Ignored;
        }
        match self.query.key(key) {
            Outcome::Chosen => {
                self.typing = false;
                if self.query.text().is_empty() {
                    self.query.set(&std::mem::take(&mut self.last));
                    self.typed(source);
                }
            }
            Outcome::Left => drop(self.act(&BACK, source)),
            Outcome::Changed => self.typed(source),
            Outcome::Ignored => return Outcome::Ignored,
        }
        Outcome::Changed
    }

    /// A paste into the search.
    pub fn paste(&mut self, pasted: &str, source: &impl Source) {
        if self.typing {
            self.query.paste(pasted);
            self.typed(source);
        }
    }

    /// The wheel moves.
    pub fn mouse(&mut self, event: MouseEvent, source: &impl Source) -> Outcome {
        match event.kind {
            MouseEventKind::ScrollDown => self.move_by(source, 3),
            MouseEventKind::ScrollUp => self.move_by(source, -3),
            _ => return Outcome::Ignored,
        }
        Outcome::Changed
    }

    /// Searches anew, and shows the first match from where the search began.
    fn typed(&mut self, source: &impl Source) {
        self.search(source);
        self.place.set(self.origin);
        self.step_from(source, self.origin);
    }

    fn search(&mut self, source: &impl Source) {
        let query = Query::new(self.query.text());
        let in_section = |section| {
            let ranges = query.matches(source.text(section)).into_iter();
            ranges.map(move |range| Match { section, range })
        };
        self.matches = if query.is_empty() { Vec::new() } else { source.searchable().flat_map(in_section).collect() };
        self.current = None;
    }

    /// A section has another text now.
    pub fn section_changed(&mut self, source: &impl Source, section: usize) {
        self.laid_out.borrow_mut().remove(&section);
        let start = self.matches.partition_point(|found| found.section < section);
        let end = self.matches.partition_point(|found| found.section <= section);
        let found = Query::new(self.query.text()).matches(source.text(section));
        let added = found.len();
        self.matches.splice(start..end, found.into_iter().map(|range| Match { section, range }));
        self.current = match self.current {
            Some(at) if at >= end => Some(at - (end - start) + added),
            Some(at) if at >= start => None,
            other => other,
        };
    }

    /// The text is another one: what is looked for stays, the place is its beginning.
    pub fn restart(&mut self, source: &impl Source) {
        self.laid_out.borrow_mut().clear();
        self.go_to(0);
        self.origin = Place::default();
        self.search(source);
    }

    /// Forgets how sections were laid out, whose neighbours changed.
    pub fn forget_rows(&mut self) {
        self.laid_out.borrow_mut().clear();
    }

    /// The first match from a row on, or else the first of all.
    fn step_from(&mut self, source: &impl Source, place: Place) {
        let from = self.matches.partition_point(|found| found.section < place.section);
        let mut at = from;
        while let Some(found) = self.matches.get(at)
            && found.section == place.section
            && ink::row_of(&self.rows(source, found.section), found.range.start) < place.row
        {
            at += 1;
        }
        let wrapped = if at < self.matches.len() { at } else { 0 };
        self.go_to_match(source, wrapped);
    }

    /// The next match, or the one before; after the last comes the first.
    fn step(&mut self, source: &impl Source, next: bool) {
        let count = self.matches.len();
        match self.current {
            _ if count == 0 => {}
            Some(at) => self.go_to_match(source, (at + if next { 1 } else { count - 1 }) % count),
            None if next => self.step_from(source, self.top(source)),
            None => {
                let top = self.top(source);
                let before = self.matches.partition_point(|found| found.section < top.section);
                self.go_to_match(source, (before + count - 1) % count);
            }
        }
    }

    fn go_to_match(&mut self, source: &impl Source, at: usize) {
        let Some(found) = self.matches.get(at) else {
            return;
        };
        self.current = Some(at);
        let section = found.section;
        let place = Place { section, row: ink::row_of(&self.rows(source, section), found.range.start) };
        let top = self.top(source);
        let height = self.shape.get().height.max(1);
        if place < top || place > self.forward(source, top, height - 1) {
            self.place.set(self.back(source, place, height / 3));
        }
    }

    /// The number of matches in words: `2 of 7`.
    fn count_words(&self) -> String {
        match (self.current, self.matches.len()) {
            (_, 0) => "not found".into(),
            (Some(at), count) => format!("{} of {count}", at + 1),
            (None, count) => format!("{count} found"),
        }
    }

    /// Draws it. `so_far` follows the number of matches where not all of the text could be searched.
    pub fn view(&self, source: &impl Source, area: Rect, canvas: &mut Canvas<'_>, focused: bool, so_far: &str) {
        let area = area.intersection(canvas.buf.area);
        let find_rows = u16::from(self.typing || self.is_finding()).min(area.height);
        if find_rows > 0 {
            let line = Rect { y: area.bottom() - find_rows, height: find_rows, ..area };
            self.view_find(line, canvas, focused, so_far);
        }
        let body = Rect { height: area.height - find_rows, ..area };
        if body.is_empty() || source.sections() == 0 {
            return;
        }
        self.reshape(source, body, canvas.look.plain);
        let mut place = self.top(source);
        let mut found = self.found_in(place.section);
        for at in body.rows() {
            let rows = self.rows(source, place.section);
            if let Some(row) = rows.get(place.row) {
                let (text, runs) = (source.text(place.section), source.runs(place.section));
                canvas.line(at, row.line(text, runs, &found, canvas.look));
            }
            place.row += 1;
            if place.row >= rows.len() {
                place = Place { section: place.section + 1, row: 0 };
                if place.section >= source.sections() {
                    break;
                }
                found = self.found_in(place.section);
            }
        }
    }

    fn found_in(&self, section: usize) -> Vec<Found> {
        let start = self.matches.partition_point(|found| found.section < section);
        let matches = self.matches.iter().enumerate().skip(start);
        let here = matches.take_while(|(_, found)| found.section == section);
        here.map(|(at, found)| Found { range: found.range.clone(), current: self.current == Some(at) }).collect()
    }

    fn view_find(&self, area: Rect, canvas: &mut Canvas<'_>, focused: bool, so_far: &str) {
        let count = if self.is_finding() { format!(" {}{so_far}", self.count_words()) } else { String::new() };
        let width = u16::try_from(text::width(&count)).unwrap_or(u16::MAX).min(area.width / 2);
        let line = Rect { width: area.width - width, ..area };
        self.query.view("/", line, canvas, focused && self.typing);
        canvas.line(Rect { x: line.right(), width, ..area }, Line::styled(count, canvas.look.theme.dim));
    }

    /// Takes on another width: what was at the top stays there.
    fn reshape(&self, source: &impl Source, body: Rect, plain: bool) {
        let shape = Shape { width: body.width.into(), height: body.height.into(), plain };
        let before = self.shape.replace(shape);
        if (before.width, before.plain) == (shape.width, shape.plain) {
            return;
        }
        let place = self.place.get();
        let laid_out = std::mem::take(&mut *self.laid_out.borrow_mut());
        let start = laid_out.get(&place.section).and_then(|rows| rows.get(place.row)).and_then(Row::start);
        if let Some(start) = start {
            let row = ink::row_of(&self.rows(source, place.section), start);
            self.place.set(Place { row, ..place });
        }
    }
}
