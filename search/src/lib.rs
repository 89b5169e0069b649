//! Finding the passages of a course's material that a question is about.
//!
//! ```text
//! Material (sections, pages) ──► chunks ──► tantivy, one index a node, on disk
//! question ──► words, weighed ──► 20 candidates that the asker may see ──► 5 passages, at most 2 of a section
//! ```
//!
//! Invariants
//! - A passage's text is cut out of the material's pages unchanged, page by page ([`Part`]): what is quoted is there.
//! - Who may see what is part of the query, not of what is done with its results: a passage of another course, or one
//!   that is not released at the asker's moment, is never scored, counted or read.
//! - What no student ever sees is not in the index at all: [`Index::apply`] refuses it.
//! - The index is derived. It can be deleted at any time; [`Index::position`] says up to where it was fed.
//! - A question is never parsed: any text is a question.

mod chunk;
mod error;
mod index;
#[cfg(test)]
mod index_tests;
mod material;
mod passage;
mod query;
mod rank;
mod schema;
mod sentences;
mod words;

pub use chunk::{Chunk, OVERLAP_WORDS, Part, TARGET_WORDS, chunks};
pub use error::SearchError;
pub use index::{Change, Index};
pub use material::{Audience, Material, Page, Section};
pub use passage::Passage;
pub use query::{Asker, CANDIDATES, KEPT};
pub use sentences::sentences;
pub use words::{content_words, stemmed};
