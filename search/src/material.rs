//! What is fed to the index: a material with its sections and pages, and who may see it.

use serde::{Deserialize, Serialize};

/// Who may see a material.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// The course's students, from this moment on (milliseconds since 1970; 0 for always).
    Students {
        /// The later of the material's release and its module's.
        from_ms: i64,
    },
    /// Staff alone: model solutions, keys, hidden tests. The index refuses it.
    Staff,
}

/// One page's text of a section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The number that the reader shows, from 1.
    pub number: u32,
    /// Its text, or the part of it that belongs to the section.
    pub text: String,
}

/// A run of pages under one title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// The heading; the material's own title where there are no sections.
    pub title: String,
    /// Its pages, in order.
    pub pages: Vec<Page>,
}

/// A material as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Material {
    /// The course it belongs to.
    pub course: String,
    /// Its id, unique among all courses.
    pub id: String,
    /// What the course calls it.
    pub title: String,
    /// Who may see it.
    pub audience: Audience,
    /// Its text.
    pub sections: Vec<Section>,
}
