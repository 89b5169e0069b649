//! How a form is drawn: labels beside the fields where there is room, above them where there is none, and always so that the field
//! with the keyboard is seen.

use std::ops::Range;

use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::Form;
use super::field::{Field, Input, LineKind};
use crate::look::{Canvas, Look};
use crate::text;

/// From this width on, labels stand beside their fields.
const WIDE: u16 = 64;
/// The widest a column of labels gets.
const MOST_LABEL: usize = 24;
/// Before the label of the field that has the keyboard.
const POINTER: u16 = 2;
/// The widest a line is underlined.
const MOST_LINE: u16 = 60;
/// The widest dates and points are underlined: what they mean stands beside them.
const SHORT_LINE: u16 = 22;
/// Between a date and what it means.
const MEANING_GAP: u16 = 2;
/// The bar beside a text of many lines, and a space.
const BAR: u16 = 2;
/// Before each option of a choice: its mark and a space.
const OPTION_MARK: usize = 4;
/// Between two options.
const OPTION_GAP: usize = 2;

/// How generously the fields are laid out: the first of these that fits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spacing {
    /// Every hint, and an empty row between two fields.
    Airy,
    /// Every hint.
    Close,
    /// The hint of the field that has the keyboard.
    Tight,
}

/// Where things stand horizontally.
#[derive(Clone, Copy)]
struct Columns {
    /// Whether labels stand beside.
    beside: bool,
    label: u16,
    /// From here on, inputs, hints and errors.
    input: u16,
    input_width: u16,
}

impl Columns {
    /// The part of these rows that inputs, hints and errors take.
    fn of_input(self, rows: Rect) -> Rect {
        Rect { x: self.input, width: self.input_width, ..rows }
    }
}

/// The part of the form that is on the screen.
struct Place {
    /// Its first row.
    first: usize,
    area: Rect,
    columns: Columns,
}

impl Place {
    /// Where rows of the form are on the screen, as far as they are.
    fn rows(&self, rows: Range<usize>) -> Option<Rect> {
        let start = rows.start.max(self.first);
        let end = rows.end.min(self.first + usize::from(self.area.height));
        let height = u16::try_from(end.checked_sub(start)?).ok().filter(|height| *height > 0)?;
        Some(Rect { y: self.area.y + u16::try_from(start - self.first).ok()?, height, ..self.area })
    }

    /// Marks at the right edge: there is more above, more below.
    fn view_more(&self, end: usize, canvas: &mut Canvas<'_>) {
        let (look, area) = (canvas.look, self.area);
        let corner = |y| Rect { x: area.right() - 1, y, width: 1, height: 1 };
        if self.first > 0 {
            canvas.line(corner(area.y), Line::styled(look.glyphs.ascending, look.theme.dim));
        }
        if end > self.first + usize::from(area.height) {
            canvas.line(corner(area.bottom() - 1), Line::styled(look.glyphs.descending, look.theme.dim));
        }
    }
}

/// One field's rows, counted from the top of the form.
struct Block {
    top: usize,
    /// Of its label, where that has a row of its own: 0 or 1.
    label_rows: usize,
    input_rows: usize,
    notes: Vec<Line<'static>>,
}

impl Block {
    fn input_top(&self) -> usize {
        self.top + self.label_rows
    }

    fn end(&self) -> usize {
        self.input_top() + self.input_rows + self.notes.len()
    }
}

impl Form {
    /// Draws it. `focused`: the keyboard fills it in.
    pub fn view(&self, area: Rect, canvas: &mut Canvas<'_>, focused: bool) {
        self.wakes_at.set(None);
        for field in &self.fields {
            field.drawn.set(Rect::ZERO);
        }
        let area = area.intersection(canvas.buf.area);
        let area = self.view_busy(area, canvas);
        if area.is_empty() || self.fields.is_empty() {
            return;
        }
        let columns = self.columns(area, canvas.look);
        let blocks = self.blocks(area, columns, canvas.look);
        let place = Place { first: self.scroll(&blocks, area.height.into()), area, columns };
        for (index, block) in blocks.iter().enumerate() {
            self.view_block(index, block, &place, canvas, focused && index == self.focused);
        }
        place.view_more(blocks.last().map_or(0, Block::end), canvas);
    }

    /// That it is being sent, in the last row.
    fn view_busy(&self, area: Rect, canvas: &mut Canvas<'_>) -> Rect {
        if !self.busy || area.height < 2 {
            return area;
        }
        let words = format!("Sending{}", canvas.look.glyphs.ellipsis);
        let row = Rect { y: area.bottom() - 1, height: 1, ..area };
        canvas.line(row, Line::styled(words, canvas.look.theme.info));
        Rect { height: area.height - 1, ..area }
    }

    fn columns(&self, area: Rect, look: &Look) -> Columns {
        let beside = area.width >= WIDE;
        let widest = self.fields.iter().map(|field| text::width(&label_words(field, look))).max().unwrap_or(0);
        let label = u16::try_from(widest.min(MOST_LABEL)).unwrap_or(0);
        let indent = if beside { POINTER + label + 2 } else { POINTER.min(area.width.saturating_sub(1)) };
        // The last column tells that there is more above or below.
        let input_width = area.width.saturating_sub(indent + 1).max(1);
        Columns { beside, label, input: area.x + indent, input_width }
    }

    /// The rows of every field, in the most generous spacing that fits.
    fn blocks(&self, area: Rect, columns: Columns, look: &Look) -> Vec<Block> {
        let room = usize::from(area.height);
        let total = |blocks: &[Block]| blocks.last().map_or(0, Block::end);
        let layouts =
            [Spacing::Airy, Spacing::Close].into_iter().map(|spacing| self.stacked(spacing, room, columns, look));
        let mut blocks = layouts
            .into_iter()
            .find(|blocks| total(blocks) <= room)
            .unwrap_or_else(|| self.stacked(Spacing::Tight, room, columns, look));
        let spare = room.saturating_sub(total(&blocks));
        let grows = self.fields.iter().position(|field| matches!(field.input, Input::Body(_)));
        if let Some(grows) = grows {
            blocks[grows].input_rows += spare;
            blocks[grows + 1..].iter_mut().for_each(|block| block.top += spare);
        }
        blocks
    }

    fn stacked(&self, spacing: Spacing, room: usize, columns: Columns, look: &Look) -> Vec<Block> {
        let mut top = 0;
        let mut blocks = Vec::with_capacity(self.fields.len());
        for (index, field) in self.fields.iter().enumerate() {
            let with_hint = spacing != Spacing::Tight || index == self.focused;
            let block = block(field, top, room, columns, with_hint, look);
            top = block.end() + usize::from(spacing == Spacing::Airy);
            blocks.push(block);
        }
        blocks
    }

    /// The first row shown: as before, moved as little as the field with the keyboard asks.
    fn scroll(&self, blocks: &[Block], height: usize) -> usize {
        let Some(block) = blocks.get(self.focused) else { return 0 };
        let total = blocks.last().map_or(0, Block::end);
        // Where not all of it fits, notes are cut first, then the label.
        let needed = block.label_rows + block.input_rows;
        let start = if needed <= height { block.top } else { block.input_top() };
        let end = block.end().min(start + height);
        let lowest = end.saturating_sub(height);
        let first = self.first.get().min(total.saturating_sub(height)).clamp(lowest, start.max(lowest));
        // A line that has lost its label to the edge of the screen goes with it.
        let orphan = blocks.iter().find(|block| block.input_rows == 1 && (block.top + 1..block.end()).contains(&first));
        let first = orphan.map_or(first, Block::end).min(start.max(lowest));
        self.first.set(first);
        first
    }

    fn view_block(&self, index: usize, block: &Block, place: &Place, canvas: &mut Canvas<'_>, focused: bool) {
        let (field, columns) = (&self.fields[index], place.columns);
        let label_row = if columns.beside { block.input_top() } else { block.top };
        if let Some(row) = place.rows(label_row..label_row + 1) {
            let width = if columns.beside { POINTER + columns.label } else { row.width };
            view_label(field, Rect { width: width.min(row.width), ..row }, canvas, focused);
        }
        let notes_top = block.input_top() + block.input_rows;
        if let Some(rows) = place.rows(block.input_top()..notes_top) {
            self.view_input(field, columns.of_input(rows), canvas, focused);
        }
        for (row, note) in (notes_top..).zip(&block.notes) {
            if let Some(row) = place.rows(row..row + 1) {
                canvas.line(columns.of_input(row), note.clone());
            }
        }
    }

    fn view_input(&self, field: &Field, area: Rect, canvas: &mut Canvas<'_>, focused: bool) {
        field.drawn.set(area);
        match &field.input {
            Input::Line(kind, line) => {
                let short = matches!(kind, LineKind::Date | LineKind::Points);
                let width = area.width.min(if short { SHORT_LINE } else { MOST_LINE });
                let underlined = Rect { width, height: 1, ..area };
                line.view("", underlined, canvas, focused);
                canvas.style(underlined, Style::new().add_modifier(Modifier::UNDERLINED));
                self.view_meaning(field, area, canvas);
            }
            Input::Body(editor) => {
                let look = canvas.look;
                let style = if focused { look.theme.focus } else { look.theme.border };
                let bar = if look.plain { "" } else { "│" };
                for row in area.rows() {
                    canvas.line(row, Line::styled(bar, style));
                }
                let inset = u16::from(!look.plain) * BAR.min(area.width - 1);
                editor.view(Rect { x: area.x + inset, width: area.width - inset, ..area }, canvas, focused);
            }
            Input::Choice(options, chosen) => {
                canvas.line(area, choice_line(options, *chosen, area.width, canvas.look, focused));
            }
            Input::Toggle(on) => {
                let style = if focused { canvas.look.theme.selected } else { Style::new() };
                let words = if *on { "[x] yes" } else { "[ ] no" };
                canvas.line(area, Line::from(Span::styled(words, style)));
            }
        }
    }

    /// What a date means, beside it, where there is room for it.
    fn view_meaning(&self, field: &Field, area: Rect, canvas: &mut Canvas<'_>) {
        let look = canvas.look;
        let Some(ms) = field.meant_date(look) else { return };
        let changes = text::distance_changes_at(ms, look.now_ms);
        self.wakes_at.set(Some(self.wakes_at.get().map_or(changes, |sooner| sooner.min(changes))));
        let words = meaning(ms, look);
        if fits_beside(&words, area.width) {
            let beside = SHORT_LINE + MEANING_GAP;
            let place = Rect { x: area.x + beside, width: area.width - beside, ..area };
            canvas.line(place, Line::styled(words, look.theme.dim));
        }
    }
}

/// A moment in words: `Tue 1 Dec 23:59 CET, in 7 days`.
fn meaning(ms: i64, look: &Look) -> String {
    format!("{}, {}", look.time_and_zone(ms), look.distance(ms))
}

fn fits_beside(meaning: &str, room: u16) -> bool {
    usize::from(SHORT_LINE + MEANING_GAP) + text::width(meaning) <= room.into()
}

fn block(field: &Field, top: usize, room: usize, columns: Columns, with_hint: bool, look: &Look) -> Block {
    let label_rows = usize::from(!columns.beside);
    let notes = notes(field, columns.input_width, with_hint, look);
    let input_rows = match field.input {
        // However long: its label, its notes and one row of it are seen at once.
        Input::Body(_) => usize::from(field.rows).min(room.saturating_sub(label_rows + notes.len())).max(1),
        _ => 1,
    };
    Block { top, label_rows, input_rows, notes }
}

/// Below the input: what a date means where that has no room beside it, and why it will not do, or else the hint.
fn notes(field: &Field, width: u16, with_hint: bool, look: &Look) -> Vec<Line<'static>> {
    let dim = look.theme.dim;
    let meaning = field.meant_date(look).map(|ms| meaning(ms, look)).filter(|words| !fits_beside(words, width));
    let (words, style) = match (&field.error, &meaning) {
        (Some(error), _) => (format!("{} {error}", look.glyphs.failed), look.theme.bad),
        (None, None) if with_hint && !field.hint.is_empty() => (field.hint.clone(), dim),
        (None, _) => (String::new(), dim),
    };
    let lines = |words: String, style| {
        let wrapped = if words.is_empty() { Vec::new() } else { text::wrap(&words, width.into()) };
        wrapped.into_iter().map(move |line| Line::styled(line, style))
    };
    lines(meaning.unwrap_or_default(), dim).chain(lines(words, style)).collect()
}

fn label_words(field: &Field, look: &Look) -> String {
    match (field.required, look.plain) {
        (false, _) => field.label.clone(),
        (true, false) => format!("{} *", field.label),
        (true, true) => format!("{} (needed)", field.label),
    }
}

fn view_label(field: &Field, area: Rect, canvas: &mut Canvas<'_>, focused: bool) {
    let look = canvas.look;
    let (pointer, style) = if focused { (look.glyphs.pointer, look.theme.accent) } else { ("", look.theme.text) };
    let pointer = text::pad(pointer, POINTER.into(), "");
    canvas.line(area, Line::from(vec![Span::styled(pointer, style), Span::styled(label_words(field, look), style)]));
}

/// Where each option stands, when all of them fit beside each other.
fn option_columns(options: &[(String, String)], room: usize) -> Option<Vec<Range<usize>>> {
    let mut at = 0;
    let mut columns = Vec::with_capacity(options.len());
    for (_, label) in options {
        let end = at + OPTION_MARK + text::width(label);
        columns.push(at..end);
        at = end + OPTION_GAP;
    }
    columns.last().is_none_or(|last| last.end <= room).then_some(columns)
}

/// The option at a column of the screen; where only the chosen one is shown, the one after it.
pub(super) fn option_under(options: &[(String, String)], chosen: usize, area: Rect, column: u16) -> Option<usize> {
    let Some(columns) = option_columns(options, area.width.into()) else { return Some((chosen + 1) % options.len()) };
    let column = usize::from(column.checked_sub(area.x)?);
    columns.iter().position(|option| option.contains(&column))
}

fn choice_line(options: &[(String, String)], chosen: usize, room: u16, look: &Look, focused: bool) -> Line<'static> {
    let style = |at: usize| if focused && at == chosen { look.theme.selected } else { Style::new() };
    if option_columns(options, room.into()).is_none() {
        let label = options.get(chosen).map_or("", |(_, label)| label);
        let count = format!("  {} of {}", chosen + 1, options.len());
        return Line::from(vec![
            Span::styled(format!("< {label} >"), style(chosen)),
            Span::styled(count, look.theme.dim),
        ]);
    }
    let mut spans = Vec::with_capacity(options.len() * 2);
    for (at, (_, label)) in options.iter().enumerate() {
        if at > 0 {
            spans.push(Span::raw(" ".repeat(OPTION_GAP)));
        }
        let mark = if at != chosen {
            "( )"
        } else if look.plain {
            "(*)"
        } else {
            "(•)"
        };
        spans.push(Span::styled(format!("{mark} {label}"), style(at)));
    }
    Line::from(spans)
}
