//! The lines the child answers with. Both ends are this crate, in one version: there is no compatibility to keep.

use serde::{Deserialize, Serialize};

use crate::ExtractError;

/// One line of the child's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Answer {
    /// The next page.
    Page {
        /// Counted from 1, without gaps.
        page: u32,
        /// Its text, sanitised.
        text: String,
    },
    /// The last line of a document that was read.
    End {
        /// What was read.
        end: End,
    },
    /// The last line of a document that was not.
    Failed {
        /// Why.
        failed: Failure,
    },
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Number of pages sent.
    pub pages: u32,
}

/// Why a document was not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The case, for programs.
    pub kind: FailureKind,
    /// The case in words.
    pub detail: String,
}

/// The ways in which a child fails and can still say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// No PDF header.
    NotAPdf,
    /// Opens only with a password.
    Encrypted,
    /// Not to be parsed, or no page of it.
    Damaged,
    /// Cannot be opened as a file.
    Unreadable,
    /// Claims more pages than any document has.
    TooLarge,
    /// The limits could not be set.
    Limits,
    /// The answer could not be written: the reader is gone.
    Output,
}

impl Answer {
    /// The last line of a document of `pages` pages.
    pub fn end(pages: u32) -> Self {
        Self::End { end: End { pages } }
    }
}

impl Failure {
    /// The caller's error for this failure of reading `file`.
    pub fn into_error(self, file: &std::path::Path) -> ExtractError {
        match self.kind {
            FailureKind::NotAPdf => ExtractError::NotAPdf,
            FailureKind::Encrypted => ExtractError::Encrypted,
            FailureKind::Damaged => ExtractError::Damaged { detail: self.detail },
            FailureKind::Unreadable => {
                ExtractError::Unreadable { path: file.to_owned(), source: std::io::Error::other(self.detail) }
            }
            FailureKind::TooLarge => ExtractError::TooLarge { detail: self.detail },
            FailureKind::Limits | FailureKind::Output => ExtractError::Helper { detail: self.detail },
        }
    }
}
