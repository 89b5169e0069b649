//! The fields of the index.

use tantivy::TantivyDocument;
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions,
};

use crate::chunk::Chunk;
use crate::material::Material;
use crate::passage;
use crate::words::ANALYSER;

/// Changes when the fields or the analyser do: an index of another version is made anew.
pub(crate) const VERSION: &str = "1";

/// How many chunks before and after a chunk make its surroundings.
const NEIGHBOURS: usize = 3;
/// A line of at most so many words without an end is taken for a heading.
const HEADING_WORDS: usize = 8;

/// The fields by name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields {
    pub course: Field,
    pub material: Field,
    pub from_ms: Field,
    /// The material's and the section's title.
    pub title: Field,
    /// The lines of the chunk that look like headings.
    pub heading: Field,
    /// The chunk's text.
    pub body: Field,
    /// The text of the section around it: what a short chunk leaves unsaid.
    pub around: Field,
    pub material_title: Field,
    pub section_title: Field,
    pub section: Field,
    pub ordinal: Field,
    pub hash: Field,
    pub parts: Field,
}

pub(crate) fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let text = |record| {
        let indexing = TextFieldIndexing::default().set_tokenizer(ANALYSER).set_index_option(record);
        TextOptions::default().set_indexing_options(indexing)
    };
    let with_positions = text(IndexRecordOption::WithFreqsAndPositions);
    let fields = Fields {
        course: builder.add_text_field("course", STRING),
        material: builder.add_text_field("material", STRING | STORED),
        from_ms: builder.add_i64_field("from_ms", INDEXED | FAST),
        title: builder.add_text_field("title", with_positions.clone()),
        heading: builder.add_text_field("heading", with_positions.clone()),
        body: builder.add_text_field("body", with_positions),
        around: builder.add_text_field("around", text(IndexRecordOption::WithFreqs)),
        material_title: builder.add_text_field("material_title", STORED),
        section_title: builder.add_text_field("section_title", STORED),
        section: builder.add_u64_field("section", STORED),
        ordinal: builder.add_u64_field("ordinal", STORED),
        hash: builder.add_text_field("hash", STORED),
        parts: builder.add_text_field("parts", STORED),
    };
    (builder.build(), fields)
}

/// The documents of a material's chunks, visible from `from_ms` on.
pub(crate) fn documents(
    fields: &Fields,
    material: &Material,
    from_ms: i64,
    chunks: &[Chunk],
) -> serde_json::Result<Vec<TantivyDocument>> {
    let document = |(at, chunk): (usize, &Chunk)| {
        let body = chunk.text();
        let mut document = TantivyDocument::default();
        document.add_text(fields.course, &material.course);
        document.add_text(fields.material, &material.id);
        document.add_i64(fields.from_ms, from_ms);
        document.add_text(fields.title, &chunk.title);
        document.add_text(fields.heading, headings(&body));
        document.add_text(fields.body, &body);
        document.add_text(fields.around, around(chunks, at));
        document.add_text(fields.material_title, &material.title);
        document.add_text(fields.section_title, &chunk.title);
        document.add_u64(fields.section, chunk.section.into());
        document.add_u64(fields.ordinal, chunk.ordinal.into());
        document.add_text(fields.hash, passage::hash(&chunk.parts));
        document.add_text(fields.parts, serde_json::to_string(&chunk.parts)?);
        Ok(document)
    };
    chunks.iter().enumerate().map(document).collect()
}

fn headings(body: &str) -> String {
    let is_heading = |line: &&str| {
        let ended = line.ends_with(['.', '!', '?', ':', ';', ',', '"']);
        let named = line.trim_start_matches(['#', ' ']).starts_with(char::is_uppercase);
        named && !ended && line.split_whitespace().count() <= HEADING_WORDS
    };
    body.lines().map(str::trim).filter(is_heading).collect::<Vec<_>>().join("\n")
}

fn around(chunks: &[Chunk], at: usize) -> String {
    let near = &chunks[at.saturating_sub(NEIGHBOURS)..(at + NEIGHBOURS + 1).min(chunks.len())];
    let same = near.iter().filter(|chunk| chunk.section == chunks[at].section);
    same.map(Chunk::text).collect::<Vec<_>>().join("\n")
}
