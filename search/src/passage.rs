//! What is found.

use crate::chunk::Part;

/// A passage of a course's material, as found for a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    /// The material's id.
    pub material: String,
    /// The material's title.
    pub material_title: String,
    /// The title of the section it stands in.
    pub title: String,
    /// The section's place in the material, from 0.
    pub section: u32,
    /// The chunk's place in the material, from 0.
    pub ordinal: u32,
    /// BLAKE3 of its parts: whether a citation still says what it said.
    pub hash: String,
    /// What it says, page by page, unchanged.
    pub parts: Vec<Part>,
    /// How well it fits the question; comparable within one answer only.
    pub score: f32,
}

impl Passage {
    /// Its text, without its title.
    pub fn text(&self) -> String {
        let texts: Vec<&str> = self.parts.iter().map(|part| part.text.as_str()).collect();
        texts.join("\n")
    }

    /// The page it begins on.
    pub fn page(&self) -> u32 {
        self.parts.first().map_or(1, |part| part.page)
    }
}

/// The digest that [`Passage::hash`] holds.
pub(crate) fn hash(parts: &[Part]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&part.page.to_le_bytes());
        hasher.update(&(part.text.len() as u64).to_le_bytes());
        hasher.update(part.text.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}
