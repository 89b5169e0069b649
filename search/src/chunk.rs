//! Cutting a section into chunks that are small enough to be quoted and large enough to be understood.
//!
//! About [`TARGET_WORDS`] words, ending where a sentence or a paragraph ends if one does nearby; the next begins about
//! [`OVERLAP_WORDS`] earlier, at a sentence's beginning if there is one, so that what is said across a boundary is whole in
//! one of the two.

use serde::{Deserialize, Serialize};

use crate::material::{Material, Page, Section};

/// How long a chunk wants to be.
pub const TARGET_WORDS: usize = 150;
/// How much of a chunk the next one repeats.
pub const OVERLAP_WORDS: usize = 30;
/// How far from the wanted length a sentence's end is still preferred.
const REACH: usize = 40;
/// How far from the wanted overlap a sentence's beginning is still preferred.
const OVERLAP_REACH: usize = 15;

/// The part of a chunk that stands on one page, exactly as it stands there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The page's number.
    pub page: u32,
    /// A piece of that page's text, unchanged.
    pub text: String,
}

/// A piece of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Its place in the material, from 0.
    pub ordinal: u32,
    /// Its section's place in the material, from 0.
    pub section: u32,
    /// Its section's title.
    pub title: String,
    /// What it says, page by page.
    pub parts: Vec<Part>,
}

impl Chunk {
    /// Its text, without its title.
    pub fn text(&self) -> String {
        let texts: Vec<&str> = self.parts.iter().map(|part| part.text.as_str()).collect();
        texts.join("\n")
    }
}

/// All chunks of a material, in order. Sections without a word give none.
pub fn chunks(material: &Material) -> Vec<Chunk> {
    let mut all = Vec::new();
    for (number, section) in material.sections.iter().enumerate() {
        for parts in cut(section) {
            all.push(Chunk { ordinal: count(all.len()), section: count(number), title: section.title.clone(), parts });
        }
    }
    all
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// A word of a section: which page, which bytes of it, and how well a chunk may end after it.
struct Word {
    page: usize,
    start: usize,
    end: usize,
    last_of: Unit,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    Nothing,
    Sentence,
    Paragraph,
}

fn cut(section: &Section) -> Vec<Vec<Part>> {
    let words = words_of(&section.pages);
    let mut cuts = Vec::new();
    let mut start = 0;
    while start < words.len() {
        let end = end_of(&words, start);
        cuts.push(parts(&section.pages, &words[start..end]));
        if end == words.len() {
            break;
        }
        start = next_start(&words, start, end);
    }
    cuts
}

fn words_of(pages: &[Page]) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for (page, Page { text, .. }) in pages.iter().enumerate() {
        let mut start = None;
        for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
            match (start, c.is_whitespace()) {
                (None, false) => start = Some(at),
                (Some(from), true) => {
                    let word = Word { page, start: from, end: at, last_of: unit_after(text, from, at) };
                    words.push(word);
                    start = None;
                }
                _ => {}
            }
        }
    }
    words
}

/// What ends with the word at these bytes.
fn unit_after(text: &str, start: usize, end: usize) -> Unit {
    let gap = text[end..].split(|c: char| !c.is_whitespace()).next().unwrap_or_default();
    if gap.matches('\n').count() > 1 || end + gap.len() == text.len() {
        return Unit::Paragraph;
    }
    let word = text[start..end].trim_end_matches(['"', '\'', ')', '”', '’']);
    if word.ends_with(['.', '!', '?', ':']) { Unit::Sentence } else { Unit::Nothing }
}

/// Where the chunk that begins at `start` ends: after the best and then nearest boundary around the wanted length.
fn end_of(words: &[Word], start: usize) -> usize {
    let wanted = start + TARGET_WORDS;
    // A rest that would be mostly overlap is no chunk of its own.
    if wanted + REACH >= words.len() {
        return words.len();
    }
    let near = (wanted - REACH)..(wanted + REACH);
    let best = near.max_by_key(|&end| (words[end - 1].last_of, std::cmp::Reverse(end.abs_diff(wanted))));
    best.unwrap_or(wanted)
}

/// Where the chunk after the one that ends at `end` begins.
fn next_start(words: &[Word], start: usize, end: usize) -> usize {
    let wanted = end - OVERLAP_WORDS;
    let near = (wanted - OVERLAP_REACH).max(start + 1)..=(wanted + OVERLAP_REACH);
    let best = near.max_by_key(|&first| (words[first - 1].last_of, std::cmp::Reverse(first.abs_diff(wanted))));
    best.unwrap_or(wanted)
}

fn parts(pages: &[Page], words: &[Word]) -> Vec<Part> {
    let runs = words.chunk_by(|a, b| a.page == b.page);
    let part = |run: &[Word]| {
        let (first, last) = (run.first()?, run.last()?);
        let page = &pages[first.page];
        Some(Part { page: page.number, text: page.text[first.start..last.end].to_owned() })
    };
    runs.filter_map(part).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::material::Audience;

    fn material(pages: Vec<Page>) -> Material {
        let sections = vec![Section { title: "Loops".into(), pages }];
        let audience = Audience::Students { from_ms: 0 };
        Material { course: "c".into(), id: "m".into(), title: "Book".into(), audience, sections }
    }

    fn numbered(range: std::ops::Range<usize>) -> String {
        range.map(|n| format!("w{n}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_chunk_ends_with_a_sentence_and_the_next_repeats_its_end() {
        let text = format!("{}. {}", numbered(0..140), numbered(140..400));
        let cut = chunks(&material(vec![Page { number: 1, text }]));
        assert!(cut[0].text().ends_with("w139."), "{}", cut[0].text());
        assert!(cut[1].text().starts_with("w110 "), "{}", cut[1].text());
    }

    #[test]
    fn a_chunk_over_two_pages_says_what_stands_on_which() {
        let pages = vec![Page { number: 7, text: numbered(0..100) }, Page { number: 8, text: numbered(100..120) }];
        let cut = chunks(&material(pages));
        let pages: Vec<u32> = cut[0].parts.iter().map(|part| part.page).collect();
        assert_eq!((cut.len(), pages), (1, vec![7, 8]));
    }

    #[test]
    fn a_material_without_a_word_has_no_chunk() {
        assert!(chunks(&material(vec![Page { number: 1, text: " \n ".into() }])).is_empty());
    }

    proptest! {
        #[test]
        fn every_part_stands_on_its_page_and_every_word_is_in_a_chunk(
            pages in prop::collection::vec("([a-zé]{1,8}[.!,]?[ \\n]{1,2}){0,300}", 1..4),
        ) {
            let pages: Vec<Page> = (1..).zip(pages).map(|(number, text)| Page { number, text }).collect();
            let cut = chunks(&material(pages.clone()));
            for part in cut.iter().flat_map(|chunk| &chunk.parts) {
                prop_assert!(pages[part.page as usize - 1].text.contains(&part.text));
            }
            let longest = cut.iter().map(|chunk| chunk.text().split_whitespace().count()).max().unwrap_or(0);
            prop_assert!(longest <= TARGET_WORDS + REACH + 1, "{longest}");
            for page in &pages {
                for word in page.text.split_whitespace() {
                    prop_assert!(cut.iter().any(|chunk| chunk.text().contains(word)));
                }
            }
        }
    }
}
