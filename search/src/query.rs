//! From a question to passages.
//!
//! The question's words become optional clauses over the fields; neighbouring words count as phrases, too. Course,
//! release and what the asker may see are required clauses of the same query and weigh nothing.

use std::ops::Bound;

use tantivy::collector::TopDocs;
use tantivy::query::{
    BooleanQuery, BoostQuery, ConstScoreQuery, Occur, PhraseQuery, Query, RangeQuery, TermQuery, TermSetQuery,
};
use tantivy::schema::{Field, IndexRecordOption, Value};
use tantivy::{Searcher, TantivyDocument, Term};

use crate::error::SearchError;
use crate::passage::Passage;
use crate::rank;
use crate::schema::Fields;
use crate::words::{self, Weight};

/// How many passages are looked at.
pub const CANDIDATES: usize = 20;
/// How many are kept.
pub const KEPT: usize = 5;
/// The words of a question beyond this many are not looked for: a pasted program is no better a question for its length.
const MOST_WORDS: usize = 64;

/// What each clause counts.
struct Boosts {
    title: f32,
    heading: f32,
    body: f32,
    around: f32,
    phrase_title: f32,
    phrase_body: f32,
    task: f32,
    grammar: f32,
}

/// Chosen on the objectives of every other section of one textbook, and flat around here (`docs/tutor.md`).
const BOOSTS: Boosts = Boosts {
    title: 1.0,
    heading: 0.75,
    body: 1.0,
    around: 0.5,
    phrase_title: 0.5,
    phrase_body: 0.75,
    task: 0.2,
    grammar: 0.05,
};
/// What a phrase counts at least of its weightier word: `for loop` is more than a loop.
const LEAST_OF_PHRASE: f32 = 0.3;

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// The course whose material may answer.
    pub course: &'a str,
    /// The moment that releases are compared with.
    pub now_ms: i64,
    /// The materials, by id, that may answer; all of the course's where it is absent.
    pub among: Option<&'a [String]>,
}

/// A search on one state of the index.
pub(crate) struct Search<'a> {
    pub searcher: &'a Searcher,
    pub fields: &'a Fields,
}

impl Search<'_> {
    pub fn run(&self, asker: &Asker<'_>, question: &str) -> Result<Vec<Passage>, SearchError> {
        let wanted = self.wanted(question);
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let mut clauses = self.visible(asker);
        clauses.push((Occur::Must, Box::new(BooleanQuery::new(wanted))));
        let query = BooleanQuery::new(clauses);
        let found = self.searcher.search(&query, &TopDocs::with_limit(CANDIDATES).order_by_score())?;
        let read = |(score, address)| self.passage(&self.searcher.doc(address)?, score);
        let candidates = found.into_iter().map(read).collect::<Result<Vec<_>, SearchError>>()?;
        Ok(rank::keep(candidates, KEPT))
    }

    /// What the asker may see.
    fn visible(&self, asker: &Asker<'_>) -> Vec<(Occur, Box<dyn Query>)> {
        let course = Term::from_field_text(self.fields.course, asker.course);
        let course = TermQuery::new(course, IndexRecordOption::Basic);
        let now = Term::from_field_i64(self.fields.from_ms, asker.now_ms);
        let released = RangeQuery::new(Bound::Unbounded, Bound::Included(now));
        let weightless = |query: Box<dyn Query>| Box::new(ConstScoreQuery::new(query, 0.0)) as Box<dyn Query>;
        let mut clauses =
            vec![(Occur::Must, weightless(Box::new(course))), (Occur::Must, weightless(Box::new(released)))];
        if let Some(among) = asker.among {
            let ids = among.iter().map(|id| Term::from_field_text(self.fields.material, id));
            clauses.push((Occur::Must, weightless(Box::new(TermSetQuery::new(ids)))));
        }
        clauses
    }

    fn wanted(&self, question: &str) -> Vec<(Occur, Box<dyn Query>)> {
        let mut words = words::words(question);
        words.truncate(MOST_WORDS);
        let joined = words.iter().map(|(word, ..)| word.as_str()).collect::<Vec<_>>().join(" ");
        let weights: Vec<f32> = words.iter().map(|(word, ..)| boost(words::weight(word))).collect();
        let stems = words::stemmed(&joined);
        let mut clauses = Vec::new();
        for (at, (stem, weight)) in stems.iter().zip(&weights).enumerate() {
            if stems[..at].contains(stem) {
                continue;
            }
            for (field, boost) in self.weighted_fields() {
                let term = Term::from_field_text(field, stem);
                push(&mut clauses, TermQuery::new(term, IndexRecordOption::WithFreqs), boost * weight);
            }
        }
        for (stems, weights) in stems.windows(2).zip(weights.windows(2)) {
            let weight = weights[0].max(weights[1]) * weights[0].min(weights[1]).max(LEAST_OF_PHRASE);
            for (field, boost) in [(self.fields.title, BOOSTS.phrase_title), (self.fields.body, BOOSTS.phrase_body)] {
                let terms = stems.iter().map(|stem| Term::from_field_text(field, stem)).collect();
                push(&mut clauses, PhraseQuery::new(terms), boost * weight);
            }
        }
        clauses
    }

    fn weighted_fields(&self) -> [(Field, f32); 4] {
        let f = self.fields;
        [(f.title, BOOSTS.title), (f.heading, BOOSTS.heading), (f.body, BOOSTS.body), (f.around, BOOSTS.around)]
    }

    fn passage(&self, document: &TantivyDocument, score: f32) -> Result<Passage, SearchError> {
        let damaged = |what: &str| SearchError::Damaged(format!("no {what}"));
        let text = |field: Field, what| {
            let value = document.get_first(field).and_then(|value| value.as_str());
            value.map(str::to_owned).ok_or_else(|| damaged(what))
        };
        let number = |field: Field, what| {
            let value = document.get_first(field).and_then(|value| value.as_u64());
            value.and_then(|n| u32::try_from(n).ok()).ok_or_else(|| damaged(what))
        };
        let parts = text(self.fields.parts, "parts")?;
        Ok(Passage {
            material: text(self.fields.material, "material")?,
            material_title: text(self.fields.material_title, "material's title")?,
            title: text(self.fields.section_title, "section's title")?,
            section: number(self.fields.section, "section")?,
            ordinal: number(self.fields.ordinal, "ordinal")?,
            hash: text(self.fields.hash, "digest")?,
            parts: serde_json::from_str(&parts).map_err(|error| SearchError::Damaged(error.to_string()))?,
            score,
        })
    }
}

fn boost(weight: Weight) -> f32 {
    match weight {
        Weight::Subject => 1.0,
        Weight::Task => BOOSTS.task,
        Weight::Grammar => BOOSTS.grammar,
    }
}

fn push(clauses: &mut Vec<(Occur, Box<dyn Query>)>, query: impl Query, boost: f32) {
    clauses.push((Occur::Should, Box::new(BoostQuery::new(Box::new(query), boost))));
}
