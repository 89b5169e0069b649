//! Markdown as blocks of inked text, before any width is known.

use std::ops::Range;

use pulldown_cmark::{Alignment, CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use ratatui::style::Modifier;

use crate::text;
use crate::widgets::reading::ink::{Ink, Run, Tone};

/// Quotes and lists further in than this are drawn as deep as this.
const DEEPEST: usize = 12;

/// A block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What it says.
    pub text: String,
    /// How that is drawn.
    pub runs: Vec<Run>,
    /// What it stands in, outermost first.
    pub leads: Vec<Lead>,
    /// What it is.
    pub kind: Kind,
    /// An empty row comes before it, within as many of its leads.
    pub gap: Option<usize>,
}

/// Something a block stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lead {
    id: usize,
    /// What is drawn to the left of the block.
    pub mark: Mark,
    /// The block is its first: it has the mark, the others are indented.
    pub first: bool,
}

/// What marks a block from the left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A quote: on every row.
    Quote,
    /// An item of a list without numbers.
    Bullet,
    /// An item with a number, or a footnote.
    Named(String),
}

/// What a block is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text that is wrapped.
    Flow,
    /// A heading of a level.
    Heading(usize),
    /// Code, whose lines stay as they are.
    Code,
    /// A line across.
    Rule,
    /// A table; its cells are parts of the text.
    Table(Table),
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// For each column.
    pub sides: Vec<Side>,
    /// Rows of cells, the head first.
    pub rows: Vec<Vec<Range<usize>>>,
}

/// Where a column's text stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// At the left.
    #[default]
    Left,
    /// In the middle.
    Middle,
    /// At the right.
    Right,
}

/// What the end of a line within a paragraph means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Breaks {
    /// A space, as Markdown has it: documents are written in lines of some width.
    #[default]
    Spaces,
    /// Itself: who writes a message means the lines.
    Lines,
}

/// Reads a document, or a message.
pub fn blocks(markdown: &str, breaks: Breaks) -> Vec<Block> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut builder = Builder { breaks, ..Builder::default() };
    for event in Parser::new_ext(markdown, options) {
        builder.event(event);
    }
    builder.close();
    builder.blocks
}

#[derive(Default)]
struct Builder {
    breaks: Breaks,
    blocks: Vec<Block>,
    open: Option<Block>,
    /// What the next block stands in; `first` until a block took the mark.
    leads: Vec<Lead>,
    next_id: usize,
    /// Numbers of the lists that are open.
    lists: Vec<Option<u64>>,
    /// The next item is the first of a list that stands in no other.
    list_begins: bool,
    emphasis: Vec<Modifier>,
    /// Links that are open: target, and where their text begins.
    links: Vec<(String, usize)>,
    /// Where the text of images that are open begins.
    images: Vec<usize>,
    cell: usize,
}

impl Builder {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(words) => self.push(&words, Tone::Text),
            Event::Code(words) | Event::InlineMath(words) | Event::DisplayMath(words) => {
                self.push(&format!("`{words}`"), Tone::Code);
            }
            Event::InlineHtml(tag) if tag.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("<br")) => {
                self.push("\n", Tone::Text);
            }
            Event::Html(words) | Event::InlineHtml(words) => self.push(&words, Tone::Dim),
            Event::FootnoteReference(name) => self.push(&format!("[{name}]"), Tone::Dim),
            Event::SoftBreak if self.breaks == Breaks::Spaces => self.push(" ", Tone::Text),
            Event::SoftBreak | Event::HardBreak => self.push("\n", Tone::Text),
            Event::Rule => {
                self.begin(Kind::Rule);
                self.close();
            }
            Event::TaskListMarker(done) => self.push(if done { "[x] " } else { "[ ] " }, Tone::Text),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph | Tag::HtmlBlock => self.begin(Kind::Flow),
            Tag::Heading { level, .. } => self.begin(Kind::Heading(level as usize)),
            Tag::CodeBlock(CodeBlockKind::Indented | CodeBlockKind::Fenced(_)) | Tag::MetadataBlock(_) => {
                self.begin(Kind::Code);
            }
            Tag::BlockQuote(_) => self.enter(Mark::Quote),
            Tag::FootnoteDefinition(name) => self.enter(Mark::Named(format!("[{}]", text::clean(&name)))),
            Tag::List(number) => {
                self.close();
                self.list_begins = self.lists.is_empty();
                self.lists.push(number);
            }
            Tag::Item => {
                let mark = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        let mark = Mark::Named(format!("{number}."));
                        *number = number.saturating_add(1);
                        mark
                    }
                    _ => Mark::Bullet,
                };
                self.enter(mark);
            }
            Tag::Table(sides) => {
                let sides = sides.into_iter().map(side).collect();
                self.begin(Kind::Table(Table { sides, rows: Vec::new() }));
            }
            Tag::TableHead | Tag::TableRow => self.table(|table, _| table.rows.push(Vec::new())),
            Tag::TableCell => self.cell = self.length(),
            Tag::Emphasis => self.emphasis.push(Modifier::ITALIC),
            Tag::Strong => self.emphasis.push(Modifier::BOLD),
            Tag::Strikethrough => self.emphasis.push(Modifier::CROSSED_OUT),
            Tag::Link { dest_url, .. } => {
                self.ensure_open();
                self.links.push((text::clean(&dest_url), self.length()));
                self.emphasis.push(Modifier::UNDERLINED);
            }
            Tag::Image { .. } => {
                self.push("[image: ", Tone::Dim);
                self.images.push(self.length());
            }
            Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Item => {
                // An item without text has its mark all the same.
                if self.leads.last().is_some_and(|lead| lead.first) {
                    self.ensure_open();
                }
                self.leave();
            }
            TagEnd::BlockQuote(_) | TagEnd::FootnoteDefinition => self.leave(),
            TagEnd::List(_) => {
                self.close();
                self.lists.pop();
            }
            TagEnd::TableCell => {
                let start = self.cell;
                self.table(|table, end| {
                    if let Some(row) = table.rows.last_mut() {
                        row.push(start..end);
                    }
                });
                // No search goes over the edge of a cell.
                self.push("\n", Tone::Text);
            }
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => drop(self.emphasis.pop()),
            TagEnd::Link => self.end_link(),
            TagEnd::Image => {
                let is_named = self.images.pop().is_some_and(|start| start < self.length());
                match &mut self.open {
                    Some(block) if !is_named => block.text.truncate(block.text.len() - ": ".len()),
                    _ => {}
                }
                self.push("]", Tone::Dim);
            }
            TagEnd::Paragraph
            | TagEnd::HtmlBlock
            | TagEnd::Heading(_)
            | TagEnd::CodeBlock
            | TagEnd::MetadataBlock(_)
            | TagEnd::Table => self.close(),
            TagEnd::TableHead
            | TagEnd::TableRow
            | TagEnd::DefinitionList
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition
            | TagEnd::Superscript
            | TagEnd::Subscript => {}
        }
    }

    fn end_link(&mut self) {
        self.emphasis.pop();
        let (Some((target, start)), Some(block)) = (self.links.pop(), &self.open) else {
            return;
        };
        let words = &block.text[start..];
        let is_shown = target.is_empty() || words == target || target.strip_prefix("mailto:") == Some(words);
        if !is_shown {
            self.push(&format!(" <{target}>"), Tone::Dim);
        }
    }

    fn enter(&mut self, mark: Mark) {
        self.close();
        self.next_id += 1;
        self.leads.push(Lead { id: self.next_id, mark, first: true });
    }

    fn leave(&mut self) {
        self.close();
        self.leads.pop();
    }

    /// Text outside a paragraph is that of an item whose list has no gaps.
    fn ensure_open(&mut self) {
        if self.open.is_none() {
            let begins = std::mem::take(&mut self.list_begins);
            self.open_block(Kind::Flow, begins);
        }
    }

    fn begin(&mut self, kind: Kind) {
        self.close();
        self.list_begins = false;
        self.open_block(kind, true);
    }

    fn open_block(&mut self, kind: Kind, with_gap: bool) {
        let leads: Vec<Lead> = self.leads.iter().take(DEEPEST).cloned().collect();
        for lead in &mut self.leads {
            lead.first = false;
        }
        let before = self.blocks.last().filter(|_| with_gap);
        let gap = before.map(|before| leads.iter().zip(&before.leads).take_while(|(a, b)| a.id == b.id).count());
        self.open = Some(Block { text: String::new(), runs: Vec::new(), leads, kind, gap });
    }

    fn close(&mut self) {
        let Some(mut block) = self.open.take() else {
            return;
        };
        if !matches!(block.kind, Kind::Table(_)) {
            block.text.truncate(block.text.trim_end_matches(['\n', ' ']).len());
        }
        block.runs.retain(|run| run.range.start < block.text.len());
        if let Some(run) = block.runs.last_mut() {
            run.range.end = run.range.end.min(block.text.len());
        }
        self.blocks.push(block);
    }

    fn length(&self) -> usize {
        self.open.as_ref().map_or(0, |block| block.text.len())
    }

    fn table(&mut self, change: impl FnOnce(&mut Table, usize)) {
        if let Some(Block { text, kind: Kind::Table(table), .. }) = &mut self.open {
            change(table, text.len());
        }
    }

    fn push(&mut self, words: &str, tone: Tone) {
        self.ensure_open();
        let Some(block) = &mut self.open else {
            return;
        };
        let start = block.text.len();
        block.text.push_str(&text::clean_body(words).replace('\t', "    "));
        let tone = match (tone, &block.kind) {
            (Tone::Text, Kind::Heading(1)) => Tone::Accent,
            (Tone::Text, Kind::Heading(_)) => Tone::Title,
            // The head is there before any other row.
            (Tone::Text, Kind::Table(table)) if table.rows.len() == 1 => Tone::Title,
            (tone, _) => tone,
        };
        let modifier = self.emphasis.iter().copied().collect();
        let (ink, range) = (Ink { tone, modifier }, start..block.text.len());
        if ink != Ink::default() && !range.is_empty() {
            block.runs.push(Run { range, ink });
        }
    }
}

fn side(alignment: Alignment) -> Side {
    match alignment {
        Alignment::None | Alignment::Left => Side::Left,
        Alignment::Center => Side::Middle,
        Alignment::Right => Side::Right,
    }
}
