//! From candidates to what is kept.

use crate::passage::Passage;

/// Passages kept of one section: five neighbours say less than three sections.
const OF_ONE_SECTION: usize = 2;

/// What counts of a passage's score in a section that sums up others: it holds every word and explains none.
const OVERVIEW: f32 = 0.7;

/// Titles of sections that sum up others.
const OVERVIEWS: &[&str] = &[
    "bibliography",
    "chapter summary",
    "contents",
    "glossary",
    "index",
    "introduction",
    "key terms",
    "learning objectives",
    "preface",
    "references",
    "summary",
    "table of contents",
];

/// The best of the candidates, best first.
pub(crate) fn keep(mut candidates: Vec<Passage>, most: usize) -> Vec<Passage> {
    for passage in &mut candidates {
        if is_overview(&passage.title) {
            passage.score *= OVERVIEW;
        }
    }
    candidates.sort_by(|a, b| {
        let place = |p: &Passage| (p.material.clone(), p.ordinal);
        b.score.total_cmp(&a.score).then_with(|| place(a).cmp(&place(b)))
    });
    let mut kept: Vec<Passage> = Vec::new();
    for passage in candidates {
        let same = |other: &&Passage| other.material == passage.material && other.section == passage.section;
        if kept.len() < most && kept.iter().filter(same).count() < OF_ONE_SECTION {
            kept.push(passage);
        }
    }
    kept
}

fn is_overview(title: &str) -> bool {
    let named = title.trim().trim_start_matches(|c: char| c.is_ascii_digit() || c == '.' || c == ' ').to_lowercase();
    OVERVIEWS.binary_search(&named.as_str()).is_ok()
}
