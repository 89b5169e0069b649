//! Styled text before it has a width: runs of ink over a text, and the rows a width makes of it.

use std::ops::Range;

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use crate::look::Look;

/// What a piece of text is, for the theme.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Plain.
    #[default]
    Text,
    /// Beside the text: marks, targets of links, notes.
    Dim,
    /// A heading.
    Title,
    /// A heading of the first level.
    Accent,
    /// Code within a sentence.
    Code,
    /// Something is wrong.
    Bad,
}

/// How a piece of text is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ink {
    /// What it is.
    pub tone: Tone,
    /// Bold, italic, struck out, underlined: as the text asks.
    pub modifier: Modifier,
}

impl Ink {
    /// Beside the text.
    pub const DIM: Self = Self::of(Tone::Dim);

    /// A tone without modifiers.
    pub const fn of(tone: Tone) -> Self {
        Self { tone, modifier: Modifier::empty() }
    }

    fn style(self, look: &Look) -> Style {
        let theme = &look.theme;
        let style = match self.tone {
            Tone::Text => theme.text,
            Tone::Dim => theme.dim,
            Tone::Title => theme.title,
            Tone::Accent => theme.accent,
            Tone::Code => theme.info,
            Tone::Bad => theme.bad,
        };
        style.add_modifier(self.modifier)
    }
}

/// Ink over a part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Which part, in bytes.
    pub range: Range<usize>,
    /// Its ink.
    pub ink: Ink,
}

/// A part of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Of the text, in bytes.
    Text(Range<usize>),
    /// Not of the text: indents, marks, notes. No search finds it.
    Fill(String, Ink),
}

/// One row on the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row(pub Vec<Piece>);

impl Row {
    /// A row that is not of the text.
    pub fn note(words: impl Into<String>, tone: Tone) -> Self {
        Self(vec![Piece::Fill(words.into(), Ink::of(tone))])
    }

    /// Where its text begins; none when it shows none.
    pub fn start(&self) -> Option<usize> {
        self.texts().map(|range| range.start).min()
    }

    fn texts(&self) -> impl Iterator<Item = &Range<usize>> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Text(range) => Some(range),
            Piece::Fill(..) => None,
        })
    }

    /// The line to draw. `found`: matches that may touch it, in order.
    pub fn line(&self, text: &str, runs: &[Run], found: &[Found], look: &Look) -> Line<'static> {
        let mut spans = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Fill(words, ink) => spans.push(Span::styled(words.clone(), ink.style(look))),
                Piece::Text(range) => paint(text, range.clone(), runs, found, look, &mut spans),
            }
        }
        Line::from(spans)
    }
}

/// The row of a section that shows a place of its text.
pub fn row_of(rows: &[Row], offset: usize) -> usize {
    let shows = |row: &Row| row.texts().any(|range| range.contains(&offset));
    // What a break swallowed is in no row: then the one before it.
    let before = || rows.iter().rposition(|row| row.start().is_some_and(|start| start <= offset));
    rows.iter().position(shows).or_else(before).unwrap_or(0)
}

/// A match to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where, in bytes of its section.
    pub range: Range<usize>,
    /// The one the person went to.
    pub current: bool,
}

/// Cuts a part of the text where ink or a match begins or ends.
fn paint(text: &str, range: Range<usize>, runs: &[Run], found: &[Found], look: &Look, spans: &mut Vec<Span<'static>>) {
    let mut at = range.start;
    while at < range.end {
        let run = runs.get(runs.partition_point(|run| run.range.end <= at));
        let hit = found.get(found.partition_point(|found| found.range.end <= at));
        let mut style = Ink::default().style(look);
        let mut end = range.end;
        if let Some(run) = run {
            if run.range.start <= at {
                style = run.ink.style(look);
                end = end.min(run.range.end);
            } else {
                end = end.min(run.range.start);
            }
        }
        if let Some(hit) = hit {
            if hit.range.start <= at {
                style = style.patch(look.theme.found);
                if hit.current {
                    style = style.add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
                }
                end = end.min(hit.range.end);
            } else {
                end = end.min(hit.range.start);
            }
        }
        spans.push(Span::styled(text[at..end].to_owned(), style));
        at = end;
    }
}
