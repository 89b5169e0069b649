//! Markdown in cells: as lines for a place in a screen, or as a view that is moved and searched.
//!
//! ```
//! use lectern_tui_kit::look::Look;
//! use lectern_tui_kit::theme::ThemeName;
//! use lectern_tui_kit::widgets::markdown::lines;
//!
//! let lines = lines("# Terms\n\n- one *leader*\n- [Raft](https://raft.github.io)", 40, &Look::new(ThemeName::Dark, false));
//! let words: Vec<String> = lines.iter().map(|line| line.to_string()).collect();
//! assert_eq!(words, ["Terms", "", "• one leader", "• Raft <https://raft.github.io>"]);
//! ```

mod parse;
mod table;

use crossterm::event::{KeyEvent, MouseEvent};
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::reading::ink::{Ink, Piece, Row, Run, Tone};
use super::reading::{End, Reading, Source, wrap};
use super::{Outcome, Part};
use crate::action::Action;
use crate::look::{Canvas, Glyphs, Look};
use crate::text;
use parse::{Block, Breaks, Kind, Mark};

/// Code is indented by so much; where a line of it goes on, a mark stands there.
const CODE_INDENT: usize = 2;

/// A document as lines of at most `width` columns.
pub fn lines(markdown: &str, width: u16, look: &Look) -> Vec<Line<'static>> {
    lines_of(&parse::blocks(markdown, Breaks::Spaces), width, look)
}

/// A message of a person as lines of at most `width` columns: a new line in it is one here.
pub fn message(markdown: &str, width: u16, look: &Look) -> Vec<Line<'static>> {
    lines_of(&parse::blocks(markdown, Breaks::Lines), width, look)
}

fn lines_of(blocks: &[Block], width: u16, look: &Look) -> Vec<Line<'static>> {
    let of_block = |block: &Block| -> Vec<Line<'static>> {
        let rows = block_rows(block, width.into(), look.plain);
        rows.iter().map(|row| row.line(&block.text, &block.runs, &[], look)).collect()
    };
    if width == 0 { Vec::new() } else { blocks.iter().flat_map(of_block).collect() }
}

struct Document {
    blocks: Vec<Block>,
}

impl Source for Document {
    fn sections(&self) -> usize {
        self.blocks.len()
    }

    fn searchable(&self) -> impl Iterator<Item = usize> {
        0..self.blocks.len()
    }

    fn text(&self, section: usize) -> &str {
        &self.blocks[section].text
    }

    fn runs(&self, section: usize) -> &[Run] {
        &self.blocks[section].runs
    }

    fn rows(&self, section: usize, width: usize, plain: bool) -> Vec<Row> {
        block_rows(&self.blocks[section], width, plain)
    }
}

fn block_rows(block: &Block, width: usize, plain: bool) -> Vec<Row> {
    let indents = Indents::of(block, width, plain);
    let room = width.saturating_sub(indents.width()).max(1);
    let (text, wrapped) = (&block.text, |room| wrap::ranges(&block.text, room).into_iter());
    let mut rows: Vec<Row> = match &block.kind {
        Kind::Flow => wrapped(room).map(|line| Row(vec![Piece::Text(line)])).collect(),
        Kind::Heading(level) if plain && room > level + 2 => {
            let mark = format!("{} ", "#".repeat(*level));
            let lines = wrapped(room.saturating_sub(mark.len())).enumerate();
            let lead = |first| if first { mark.clone() } else { " ".repeat(mark.len()) };
            lines
                .map(|(at, line)| Row(vec![Piece::Fill(lead(at == 0), Ink::of(Tone::Title)), Piece::Text(line)]))
                .collect()
        }
        Kind::Heading(_) => wrapped(room).map(|line| Row(vec![Piece::Text(line)])).collect(),
        Kind::Code => code_rows(text, room, plain),
        Kind::Rule if plain => vec![Row::note("---", Tone::Dim)],
        Kind::Rule => vec![Row::note("─".repeat(room), Tone::Dim)],
        Kind::Table(table) => table::rows(block, table, room, plain),
    };
    if rows.is_empty() {
        rows.push(Row::default());
    }
    for (at, row) in rows.iter_mut().enumerate() {
        row.0.splice(0..0, indents.pieces(at == 0));
    }
    if let Some(shared) = block.gap {
        rows.insert(0, Row(indents.quotes(shared)));
    }
    rows
}

fn code_rows(text: &str, room: usize, plain: bool) -> Vec<Row> {
    let indent = if room > 4 * CODE_INDENT { CODE_INDENT } else { 0 };
    let mark = if plain { "+ " } else { "↳ " };
    let row = |(line, goes_on)| {
        let lead = if goes_on { text::fit(mark, indent, "") } else { " ".repeat(indent) };
        Row(vec![Piece::Fill(lead, Ink::DIM), Piece::Text(line)])
    };
    wrap::cut(text, room - indent).into_iter().map(row).collect()
}

/// What stands to the left of a block: the marks of quotes and lists.
struct Indents<'a> {
    block: &'a Block,
    /// Leads that are left out, outermost, because there is no room.
    skipped: usize,
    glyphs: Glyphs,
    plain: bool,
}

impl<'a> Indents<'a> {
    fn of(block: &'a Block, width: usize, plain: bool) -> Self {
        let glyphs = if plain { Glyphs::ASCII } else { Glyphs::UNICODE };
        let mut indents = Self { block, skipped: 0, glyphs, plain };
        while indents.width() > width / 2 {
            indents.skipped += 1;
        }
        indents
    }

    fn mark(&self, mark: &Mark) -> String {
        match mark {
            Mark::Quote if self.plain => "> ".into(),
            Mark::Quote => "│ ".into(),
            Mark::Bullet => format!("{} ", self.glyphs.bullet),
            Mark::Named(name) => format!("{name} "),
        }
    }

    fn width(&self) -> usize {
        self.block.leads.iter().skip(self.skipped).map(|lead| text::width(&self.mark(&lead.mark))).sum()
    }

    fn pieces(&self, first_row: bool) -> Vec<Piece> {
        let piece = |lead: &parse::Lead| {
            let mark = self.mark(&lead.mark);
            match lead.mark {
                Mark::Quote => Piece::Fill(mark, Ink::DIM),
                _ if lead.first && first_row => Piece::Fill(mark, Ink::default()),
                _ => Piece::Fill(" ".repeat(text::width(&mark)), Ink::default()),
            }
        };
        self.block.leads.iter().skip(self.skipped).map(piece).collect()
    }

    /// The row between two blocks that share their first leads: only quotes go on through it.
    fn quotes(&self, shared: usize) -> Vec<Piece> {
        let mut pieces = self.pieces(false);
        pieces.truncate(shared.saturating_sub(self.skipped));
        while matches!(pieces.last(), Some(Piece::Fill(mark, _)) if mark.trim().is_empty()) {
            pieces.pop();
        }
        pieces
    }
}

/// A document that is moved and searched.
pub struct MarkdownView {
    document: Document,
    reading: Reading,
}

impl MarkdownView {
    /// A view at the beginning of a document.
    pub fn new(markdown: &str) -> Self {
        Self {
            document: Document { blocks: parse::blocks(markdown, Breaks::Spaces) },
            reading: Reading::new(End::LastRow),
        }
    }

    /// Shows another document; what is looked for stays.
    pub fn set(&mut self, markdown: &str) {
        self.document = Document { blocks: parse::blocks(markdown, Breaks::Spaces) };
        self.reading.restart(&self.document);
    }

    /// Whether there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.document.blocks.is_empty()
    }

    /// Draws it.
    pub fn view(&self, area: Rect, canvas: &mut Canvas<'_>, focused: bool) {
        self.reading.view(&self.document, area, canvas, focused, "");
    }
}

impl Part for MarkdownView {
    /// An action of the group `READER`; Esc ends a search.
    fn act(&mut self, action: &Action) -> bool {
        self.reading.act(action, &self.document)
    }

    /// Whether a search is being typed.
    fn text_focus(&self) -> bool {
        self.reading.text_focus()
    }

    /// A key for the search. Enter keeps it and gives the keyboard back to the text.
    fn key(&mut self, key: KeyEvent) -> Outcome {
        self.reading.key(key, &self.document)
    }

    /// A paste into the search.
    fn paste(&mut self, pasted: &str) {
        self.reading.paste(pasted, &self.document);
    }

    /// The wheel moves.
    fn mouse(&mut self, event: MouseEvent) -> Outcome {
        self.reading.mouse(event, &self.document)
    }
}

#[cfg(test)]
mod tests;
