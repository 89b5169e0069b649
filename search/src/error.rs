//! What can go wrong, in words that say what to do.

use std::path::PathBuf;

/// Why an index could not be opened, fed or asked.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The directory could not be used.
    #[error(
        "the search index in {path} cannot be opened ({source}); it is derived: delete the directory and start again"
    )]
    Open {
        /// The index's directory.
        path: PathBuf,
        /// What the library said.
        source: tantivy::TantivyError,
    },
    /// The directory could not be made or emptied.
    #[error("the search index in {path} cannot be written: {source}")]
    Directory {
        /// The index's directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Feeding or asking failed.
    #[error("the search index failed: {0}")]
    Index(#[from] tantivy::TantivyError),
    /// Material that students must never see was handed to the index.
    #[error("{material} is for staff alone and does not belong in the index that answers students")]
    StaffOnly {
        /// The material's id.
        material: String,
    },
    /// A stored passage could not be read back.
    #[error("a passage of the search index is damaged ({0}); delete the index and start again")]
    Damaged(String),
}
