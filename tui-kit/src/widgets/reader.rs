//! A text in pages, which may come in any order and while it is read. It says which pages it needs next, so that a screen
//! asks for no more than a person is about to see.
//!
//! ```
//! use lectern_tui_kit::widgets::reader::{Page, Reader};
//!
//! let mut reader = Reader::new();
//! assert_eq!(reader.wanted(), Some(1..2));
//! reader.set_total(42);
//! reader.put(&Page { number: 1, text: "Consensus".into(), scanned: false });
//! assert_eq!(reader.wanted(), Some(2..5));
//! reader.asked(2..5);
//! assert_eq!(reader.wanted(), None);
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crossterm::event::{KeyEvent, MouseEvent};
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::reading::ink::{Piece, Row, Run, Tone};
use super::reading::{End, Reading, Source, wrap};
use super::{Outcome, Part};
use crate::action::Action;
use crate::look::Canvas;
use crate::remote::Failure;
use crate::text;

/// Pages that are fetched before they are seen.
const AHEAD: u32 = 2;
/// The most that are asked for at once.
const AT_ONCE: u32 = 16;

/// One page, as it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Counted from 1.
    pub number: u32,
    /// Its text.
    pub text: String,
    /// It is an image: what text it has is not all that is on it.
    pub scanned: bool,
}

/// A page that is here.
struct Leaf {
    text: String,
    scanned: bool,
}

/// The pages.
#[derive(Default)]
struct Book {
    leaves: BTreeMap<u32, Leaf>,
    total: Option<u32>,
    on_their_way: BTreeSet<u32>,
    failed: BTreeMap<u32, String>,
}

impl Book {
    /// How many pages there are as far as is known; where the end is not, one more than were seen.
    fn count(&self) -> u32 {
        let highest = self.leaves.last_key_value().map_or(0, |(number, _)| *number);
        self.total.map_or(highest.saturating_add(1), |total| total.max(highest))
    }

    fn leaf(&self, section: usize) -> Option<&Leaf> {
        self.leaves.get(&number(section))
    }

    fn is_missing(&self, number: u32) -> bool {
        !self.leaves.contains_key(&number) && !self.on_their_way.contains(&number) && !self.failed.contains_key(&number)
    }

    /// The first pages in a row that are missing, among some: no more than are asked for at once.
    fn missing(&self, among: Range<u32>) -> Option<Range<u32>> {
        let start = among.clone().find(|number| self.is_missing(*number))?;
        let most = among.end.min(start.saturating_add(AT_ONCE));
        let end = (start..most).find(|number| !self.is_missing(*number)).unwrap_or(most);
        Some(start..end)
    }
}

/// The page of a section; sections are counted from 0.
fn number(section: usize) -> u32 {
    u32::try_from(section).unwrap_or(u32::MAX).saturating_add(1)
}

fn section(number: u32) -> usize {
    usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX)
}

impl Source for Book {
    fn sections(&self) -> usize {
        usize::try_from(self.count()).unwrap_or(usize::MAX)
    }

    fn searchable(&self) -> impl Iterator<Item = usize> {
        self.leaves.keys().map(|number| section(*number))
    }

    fn text(&self, section: usize) -> &str {
        self.leaf(section).map_or("", |leaf| &leaf.text)
    }

    fn runs(&self, _section: usize) -> &[Run] {
        &[]
    }

    fn rows(&self, section: usize, width: usize, plain: bool) -> Vec<Row> {
        let number = number(section);
        let mut rows = Vec::new();
        if number > 1 {
            rows.push(Row::note(page_rule(number, width, plain), Tone::Dim));
        }
        let mut note = |words: &str, tone| {
            rows.extend(wrap::ranges(words, width).into_iter().map(|line| Row::note(&words[line], tone)));
        };
        match (self.leaf(section), self.failed.get(&number)) {
            (None, Some(why)) => note(why, Tone::Bad),
            (None, None) => note("This page is on its way.", Tone::Dim),
            (Some(leaf), _) => {
                match (leaf.scanned, leaf.text.is_empty()) {
                    (true, true) => {
                        note(
                            "This page was scanned: it is an image without text. Open the file itself to see it.",
                            Tone::Dim,
                        );
                    }
                    (true, false) => {
                        note("This page was scanned: what can be read of it may not be all.", Tone::Dim);
                    }
                    (false, true) => note("This page is empty.", Tone::Dim),
                    (false, false) => {}
                }
                if !leaf.text.is_empty() {
                    let lines = wrap::ranges(&leaf.text, width).into_iter();
                    rows.extend(lines.map(|line| Row(vec![Piece::Text(line)])));
                }
            }
        }
        if number < self.count() {
            rows.push(Row::default());
        }
        rows
    }
}

fn page_rule(number: u32, width: usize, plain: bool) -> String {
    if plain {
        return format!("page {number}");
    }
    let words = format!("── page {number} ");
    let rest = width.saturating_sub(text::width(&words));
    format!("{words}{}", "─".repeat(rest))
}

/// The reader.
pub struct Reader {
    book: Book,
    reading: Reading,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// A reader without pages, whose number is not known.
    pub fn new() -> Self {
        Self { book: Book::default(), reading: Reading::new(End::LastSection) }
    }

    /// How many pages there are.
    pub fn set_total(&mut self, total: u32) {
        self.book.total = Some(total);
        // The last page has no gap below.
        self.reading.forget_rows();
    }

    /// A page came, the first time or again.
    pub fn put(&mut self, page: &Page) {
        if page.number == 0 {
            return;
        }
        let count = self.book.count();
        let text = text::clean_body(&page.text).replace('\t', "    ");
        let leaf = Leaf { text: text.trim_end().to_owned(), scanned: page.scanned };
        self.book.leaves.insert(page.number, leaf);
        self.book.on_their_way.remove(&page.number);
        self.book.failed.remove(&page.number);
        if self.book.count() != count {
            self.reading.forget_rows();
        }
        self.reading.section_changed(&self.book, section(page.number));
    }

    /// Pages the view needs, or will need next, that are neither here nor asked for. While something is looked for, all
    /// others too, some at a time: a search is of the whole text.
    pub fn wanted(&self) -> Option<Range<u32>> {
        let book = &self.book;
        let end = book.count().saturating_add(1);
        let (first, last) = (self.current_page(), number(self.reading.last_section(book)));
        // What stands for a page that is not here is shorter than the page: those below it are not near yet.
        let last = (first..last).find(|number| !book.leaves.contains_key(number)).unwrap_or(last);
        let ahead = last.saturating_add(AHEAD + 1).min(end);
        let behind = first.saturating_sub(1).max(1);
        let near = book.missing(first..ahead).or_else(|| book.missing(behind..first));
        near.or_else(|| self.reading.is_finding().then(|| book.missing(1..end)).flatten())
    }

    /// Pages were asked for: [`Reader::wanted`] names them no more.
    pub fn asked(&mut self, pages: Range<u32>) {
        self.book.on_their_way.extend(pages);
    }

    /// Pages that were asked for did not come; in their places the failure is told.
    pub fn failed(&mut self, pages: Range<u32>, failure: &Failure) {
        let why = text::clean(&failure.sentence());
        for page in pages {
            self.book.on_their_way.remove(&page);
            if !self.book.leaves.contains_key(&page) {
                self.book.failed.insert(page, why.clone());
            }
        }
        self.reading.forget_rows();
    }

    /// Forgets failures: the pages are wanted again.
    pub fn retry(&mut self) {
        self.book.failed.clear();
        self.reading.forget_rows();
    }

    /// The page at the top of the screen, counted from 1.
    pub fn current_page(&self) -> u32 {
        number(self.reading.section(&self.book))
    }

    /// How many pages there are, where that is known.
    pub fn total(&self) -> Option<u32> {
        self.book.total.map(|_| self.book.count())
    }

    /// Goes to the beginning of a page; beyond the last, to the last.
    pub fn go_to_page(&mut self, number: u32) {
        self.reading.go_to(section(number.clamp(1, self.book.count().max(1))));
    }

    /// Draws it, below a line that says which page it is.
    pub fn view(&self, area: Rect, canvas: &mut Canvas<'_>, focused: bool) {
        let area = area.intersection(canvas.buf.area);
        let title_rows = u16::from(area.height > 2);
        let body = Rect { y: area.y + title_rows, height: area.height - title_rows, ..area };
        let is_whole = u64::from(self.book.count()) <= self.book.leaves.len() as u64;
        self.reading.view(&self.book, body, canvas, focused, if is_whole { "" } else { " so far" });
        if title_rows > 0 {
            canvas.line(area, Line::styled(self.title(), canvas.look.theme.title));
        }
    }

    /// Where the person is, in words: `page 3 of 42`.
    pub fn title(&self) -> String {
        match self.total() {
            Some(0) => "This text has no pages.".into(),
            Some(total) => format!("page {} of {total}", self.current_page()),
            None => format!("page {}", self.current_page()),
        }
    }
}

impl Part for Reader {
    /// An action of the group `READER`; Esc ends a search.
    fn act(&mut self, action: &Action) -> bool {
        self.reading.act(action, &self.book)
    }

    /// Whether a search is being typed.
    fn text_focus(&self) -> bool {
        self.reading.text_focus()
    }

    /// A key for the search. Enter keeps it and gives the keyboard back to the text.
    fn key(&mut self, key: KeyEvent) -> Outcome {
        self.reading.key(key, &self.book)
    }

    /// A paste into the search.
    fn paste(&mut self, pasted: &str) {
        self.reading.paste(pasted, &self.book);
    }

    /// The wheel moves.
    fn mouse(&mut self, event: MouseEvent) -> Outcome {
        self.reading.mouse(event, &self.book)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{BACK, BOTTOM, DOWN, FIND, NEXT_MATCH, PAGE_DOWN, PAGE_UP, PREVIOUS_MATCH, TOP, UP};
    use crate::chord::Chord;
    use crate::look::Look;
    use crate::testkit::{draw, render};
    use crate::theme::ThemeName;

    fn page(number: u32, text: &str) -> Page {
        Page { number, text: text.into(), scanned: false }
    }

    fn text_of(number: u32) -> String {
        let sentence = |line| format!("Line {line} of page {number}: a leader is elected by a majority of its peers.");
        (1..=12).map(sentence).collect::<Vec<_>>().join("\n")
    }

    fn reader(loaded: Range<u32>, total: u32) -> Reader {
        let mut reader = Reader::new();
        reader.set_total(total);
        for number in loaded {
            reader.put(&page(number, &text_of(number)));
        }
        reader
    }

    fn shown_with(reader: &Reader, width: u16, height: u16, look: &Look) -> String {
        render(width, height, look, |area, canvas| reader.view(area, canvas, true))
    }

    fn shown(reader: &Reader, width: u16, height: u16) -> String {
        shown_with(reader, width, height, &Look::new(ThemeName::Dark, false))
    }

    fn press(reader: &mut Reader, keys: &str) {
        for key in keys.split(' ') {
            reader.key(key.parse::<Chord>().unwrap().event());
        }
    }

    fn find(reader: &mut Reader, words: &str) {
        reader.act(&FIND);
        reader.paste(words);
        press(reader, "enter");
    }

    #[test]
    fn pages_follow_each_other_and_the_title_says_where_one_is() {
        let mut reader = reader(1..4, 3);
        assert!(shown(&reader, 40, 10).starts_with("page 1 of 3\nLine 1 of page 1"));
        reader.go_to_page(2);
        assert!(shown(&reader, 40, 10).starts_with("page 2 of 3\n── page 2 ───"));
        reader.act(&UP);
        assert_eq!(reader.current_page(), 1);
        reader.act(&BOTTOM);
        let bottom = shown(&reader, 40, 10);
        assert!(bottom.starts_with("page 3 of 3") && bottom.contains("Line 12 of page 3"), "{bottom}");
        reader.act(&DOWN);
        assert_eq!(shown(&reader, 40, 10), bottom, "there is nothing below");
        reader.act(&TOP);
        reader.act(&UP);
        assert_eq!(reader.current_page(), 1);
    }

    #[test]
    fn paging_down_and_up_again_comes_back() {
        let mut reader = reader(1..6, 5);
        reader.go_to_page(3);
        let before = shown(&reader, 60, 20);
        for _ in 0..3 {
            assert!(reader.act(&PAGE_DOWN));
        }
        assert_ne!(shown(&reader, 60, 20), before);
        for _ in 0..3 {
            reader.act(&PAGE_UP);
        }
        assert_eq!(shown(&reader, 60, 20), before);
    }

    #[test]
    fn what_is_near_and_missing_is_wanted_once() {
        let mut reader = reader(1..3, 42);
        shown(&reader, 40, 60);
        assert_eq!(reader.wanted(), Some(3..6));
        reader.asked(3..6);
        assert_eq!(reader.wanted(), None);
        reader.go_to_page(20);
        assert_eq!(reader.wanted(), Some(20..23));
        reader.asked(20..23);
        assert_eq!(reader.wanted(), Some(19..20), "the page before, for going back");
        reader.act(&BOTTOM);
        assert_eq!(reader.wanted(), Some(42..43));
        for number in 3..43 {
            reader.put(&page(number, "here"));
        }
        assert_eq!(reader.wanted(), None);
    }

    #[test]
    fn pages_that_failed_say_why_and_can_be_wanted_again() {
        let mut reader = Reader::new();
        reader.asked(1..2);
        assert!(shown(&reader, 60, 5).contains("This page is on its way."));
        reader.failed(1..2, &Failure::local("The cluster has no leader."));
        assert!(shown(&reader, 60, 5).contains("The cluster has no leader."));
        assert_eq!(reader.wanted(), None);
        reader.retry();
        assert_eq!(reader.wanted(), Some(1..2));
    }

    #[test]
    fn without_a_total_there_is_one_more_page_until_the_end_is_told() {
        let mut reader = Reader::new();
        reader.put(&page(1, "one"));
        assert!(shown(&reader, 40, 10).starts_with("page 1\none\n\n── page 2"));
        assert_eq!(reader.wanted(), Some(2..3));
        reader.set_total(1);
        assert!(shown(&reader, 40, 10).starts_with("page 1 of 1\none\n---"));
        assert_eq!(reader.wanted(), None);
    }

    #[test]
    fn a_scanned_page_an_empty_one_and_no_page_at_all_say_so() {
        let mut reader = Reader::new();
        reader.set_total(2);
        reader.put(&Page { number: 1, text: " \n".into(), scanned: true });
        reader.put(&page(2, ""));
        let picture = shown(&reader, 100, 10);
        assert!(
            picture.contains("it is an image without text") && picture.contains("This page is empty."),
            "{picture}"
        );
        let mut nothing = Reader::new();
        nothing.set_total(0);
        assert!(shown(&nothing, 40, 10).starts_with("This text has no pages."));
    }

    #[test]
    fn finding_counts_over_pages_goes_round_and_esc_returns() {
        let mut reader = reader(1..4, 3);
        reader.go_to_page(2);
        shown(&reader, 40, 10);
        reader.act(&FIND);
        assert!(reader.text_focus());
        reader.paste("LINE 12");
        assert!(shown(&reader, 40, 10).contains("2 of 3"), "the first from here on");
        press(&mut reader, "esc");
        assert_eq!((reader.current_page(), reader.text_focus()), (2, false));
        find(&mut reader, "line 12");
        reader.act(&NEXT_MATCH);
        assert!(shown(&reader, 40, 10).contains("3 of 3"));
        reader.act(&NEXT_MATCH);
        let picture = shown(&reader, 40, 10);
        assert!(picture.contains("1 of 3") && picture.contains("Line 12 of page 1"), "{picture}");
        reader.act(&PREVIOUS_MATCH);
        assert!(shown(&reader, 40, 10).contains("3 of 3"));
        assert!(reader.act(&BACK), "the marks go");
        assert!(!reader.act(&BACK), "the screen's own");
    }

    #[test]
    fn a_search_wants_all_pages_and_counts_those_that_come() {
        let mut reader = reader(1..3, 40);
        find(&mut reader, "line 12 of");
        assert!(shown(&reader, 60, 10).contains("1 of 2 so far"));
        while let Some(pages) = reader.wanted() {
            assert!(pages.len() <= 16);
            reader.asked(pages.clone());
            for number in pages.rev() {
                reader.put(&page(number, &text_of(number)));
            }
        }
        let picture = shown(&reader, 60, 10);
        assert!(picture.contains("1 of 40") && !picture.contains("so far"), "{picture}");
        find(&mut reader, " nothing like it");
        assert!(shown(&reader, 60, 10).contains("not found"));
    }

    #[test]
    fn another_width_keeps_what_is_at_the_top() {
        let mut reader = reader(1..4, 3);
        reader.go_to_page(2);
        shown(&reader, 30, 8);
        for _ in 0..7 {
            reader.act(&DOWN);
        }
        let top = |picture: &str| picture.lines().nth(1).unwrap_or_default()[..12].to_owned();
        let narrow = shown(&reader, 30, 8);
        assert!(top(&narrow).starts_with("Line 3 of pa"), "{narrow}");
        assert_eq!(top(&shown(&reader, 90, 8)), top(&narrow));
    }

    #[test]
    fn only_pages_near_the_screen_are_laid_out() {
        let reader = reader(1..400, 399);
        shown(&reader, 80, 24);
        assert!(reader.reading.laid_out_count() < 5);
    }

    #[test]
    fn it_is_drawn_well_at_every_size() {
        let mut reader = reader(1..2, 3);
        reader.put(&Page { number: 2, text: String::new(), scanned: true });
        for _ in 0..6 {
            reader.act(&DOWN);
        }
        find(&mut reader, "majority of");
        let dark = Look::new(ThemeName::Dark, false);
        insta::assert_snapshot!("reader_80x24", shown_with(&reader, 80, 24, &dark));
        insta::assert_snapshot!("reader_40x12", shown_with(&reader, 40, 12, &dark));
        insta::assert_snapshot!("reader_plain", shown_with(&reader, 80, 24, &Look::new(ThemeName::Mono, true)));
    }

    proptest::proptest! {
        #[test]
        fn any_steps_at_any_size_are_survived(
            steps in proptest::collection::vec((0_usize..18, 0_u32..9), 0..40),
            width in 0_u16..300,
            height in 0_u16..100,
        ) {
            let mut reader = Reader::new();
            for (step, number) in steps {
                match step {
                    0 => reader.put(&page(number, &text_of(number))),
                    1 => reader.put(&page(number, "")),
                    2 => reader.put(&Page { number, text: "漢字 İ e\u{301} line".repeat(90), scanned: true }),
                    3 => reader.set_total(number),
                    4 => reader.go_to_page(number),
                    5 => reader.asked(number..number + 2),
                    6 => reader.failed(number..number + 2, &Failure::local("gone")),
                    7 => reader.paste("LINE i"),
                    8 => press(&mut reader, "backspace"),
                    9 => press(&mut reader, "enter"),
                    other => {
                        let actions = [DOWN, UP, PAGE_DOWN, PAGE_UP, BOTTOM, FIND, NEXT_MATCH, PREVIOUS_MATCH];
                        reader.act(&actions[other - 10]);
                    }
                }
                let (width, height) = if number % 2 == 0 { (width, height) } else { (height, width / 3) };
                draw(width, height, &Look::new(ThemeName::Dark, false), |area, canvas| reader.view(area, canvas, true));
                reader.wanted();
            }
        }
    }
}
