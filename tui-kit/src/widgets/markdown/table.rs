//! Tables in a width: columns as wide as they need, narrower where they must be; below that, or for screen readers, one
//! cell after the other with the name of its column.

use std::ops::Range;

use super::parse::{Block, Side, Table};
use crate::text;
use crate::widgets::reading::ink::{Ink, Piece, Row, Tone};
use crate::widgets::reading::wrap;

/// Between columns.
const GAP: usize = 2;
/// The least a column is narrowed to.
const LEAST: usize = 6;

/// The rows of a table.
pub fn rows(block: &Block, table: &Table, room: usize, plain: bool) -> Vec<Row> {
    let widths = if plain { None } else { widths(&block.text, table, room) };
    match widths {
        Some(widths) => grid(&block.text, table, &widths),
        None => records(&block.text, table, room),
    }
}

/// The width of each column; none where the table does not fit even when it is narrowed.
fn widths(text: &str, table: &Table, room: usize) -> Option<Vec<usize>> {
    let columns = table.rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut widths = vec![1; columns];
    for row in &table.rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            let longest = text[cell.clone()].split('\n').map(text::width).max().unwrap_or(0);
            *width = (*width).max(longest);
        }
    }
    let room = room.checked_sub(GAP * columns.saturating_sub(1))?;
    let least: usize = widths.iter().map(|width| (*width).min(LEAST)).sum();
    if least > room {
        return None;
    }
    // The widest are cut down to one common width: the greatest with which all fit.
    let total = |most: usize| widths.iter().map(|width| (*width).min(most)).sum::<usize>();
    let (mut fits, mut too_wide) = (LEAST, room + 1);
    while fits + 1 < too_wide {
        let middle = fits.midpoint(too_wide);
        if total(middle) <= room { fits = middle } else { too_wide = middle }
    }
    Some(widths.iter().map(|width| (*width).min(fits)).collect())
}

fn grid(text: &str, table: &Table, widths: &[usize]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (index, cells) in table.rows.iter().enumerate() {
        let lines: Vec<Vec<Range<usize>>> =
            widths.iter().enumerate().map(|(at, width)| cell_lines(text, cells.get(at), *width)).collect();
        for line in 0..lines.iter().map(Vec::len).max().unwrap_or(0) {
            let mut row = Row::default();
            for (column, width) in widths.iter().enumerate() {
                let side = table.sides.get(column).copied().unwrap_or_default();
                if column > 0 {
                    row.0.push(Piece::Fill(" ".repeat(GAP), Ink::default()));
                }
                cell(&mut row, text, lines[column].get(line), *width, side);
            }
            rows.push(row);
        }
        if index == 0 {
            let dashes: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
            rows.push(Row::note(dashes.join(&" ".repeat(GAP)), Tone::Dim));
        }
    }
    rows
}

fn cell_lines(text: &str, cell: Option<&Range<usize>>, width: usize) -> Vec<Range<usize>> {
    let Some(cell) = cell else {
        return Vec::new();
    };
    let lines = wrap::ranges(&text[cell.clone()], width).into_iter();
    lines.map(|line| line.start + cell.start..line.end + cell.start).collect()
}

fn cell(row: &mut Row, text: &str, line: Option<&Range<usize>>, width: usize, side: Side) {
    let used = line.map_or(0, |line| text::width(&text[line.clone()]));
    let free = width.saturating_sub(used);
    let before = match side {
        Side::Left => 0,
        Side::Middle => free / 2,
        Side::Right => free,
    };
    let space = |columns: usize| Piece::Fill(" ".repeat(columns), Ink::default());
    row.0.push(space(before));
    row.0.extend(line.cloned().map(Piece::Text));
    row.0.push(space(free - before));
}

/// Each row as lines of `column: cell`.
fn records(text: &str, table: &Table, room: usize) -> Vec<Row> {
    let Some((head, body)) = table.rows.split_first() else {
        return Vec::new();
    };
    if body.is_empty() {
        let cells = head.iter().flat_map(|cell| cell_lines(text, Some(cell), room));
        return cells.map(|line| Row(vec![Piece::Text(line)])).collect();
    }
    let mut rows = Vec::new();
    for (index, cells) in body.iter().enumerate() {
        if index > 0 {
            rows.push(Row::default());
        }
        for (column, cell) in cells.iter().enumerate() {
            let name = head.get(column).map_or("", |name| &text[name.clone()]).replace('\n', " ");
            record(&mut rows, text, &name, cell, room);
        }
    }
    rows
}

/// A cell after the name of its column; below it, where that leaves too little room.
fn record(rows: &mut Vec<Row>, text: &str, name: &str, cell: &Range<usize>, room: usize) {
    let name = if name.is_empty() { String::new() } else { format!("{name}: ") };
    let mut indent = text::width(&name);
    let is_above = indent > room / 2;
    if is_above {
        rows.push(Row::note(text::fit(name.trim_end(), room, ""), Tone::Title));
        indent = GAP.min(room / 2);
    }
    for (at, line) in cell_lines(text, Some(cell), room - indent).into_iter().enumerate() {
        let lead = if at == 0 && !is_above {
            Piece::Fill(name.clone(), Ink::of(Tone::Title))
        } else {
            Piece::Fill(" ".repeat(indent), Ink::default())
        };
        rows.push(Row(vec![lead, Piece::Text(line)]));
    }
}
