//! Why a file gave no text.

use std::path::PathBuf;
use std::time::Duration;

/// Why a file gave no text. Each message says what happened and what a person can do about it.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// The file does not begin like a PDF.
    #[error("this is not a PDF file; upload the PDF itself, or attach the file as it is")]
    NotAPdf,
    /// The file opens only with a password.
    #[error("the PDF is protected by a password; save it without one and upload it again")]
    Encrypted,
    /// The parser gave up, panicked or crashed, or none of the pages could be read.
    #[error("the PDF is damaged ({detail}); print it to a new PDF and upload that")]
    Damaged {
        /// What the parser said, for the person who looks into it.
        detail: String,
    },
    /// The file took longer than [`Limits::wall`](crate::Limits::wall) or
    /// [`Limits::cpu_seconds`](crate::Limits::cpu_seconds) allow.
    #[error("reading the PDF was stopped after {:.1} s; split it or print it to a new PDF", after.as_secs_f64())]
    TimedOut {
        /// Time from the start of the child to its end.
        after: Duration,
    },
    /// The file needs more memory, or gives more text, than the limits allow.
    #[error("the PDF is too large to read ({detail}); split it into smaller files")]
    TooLarge {
        /// Which limit was met.
        detail: String,
    },
    /// The program `lectern-extract` is not where it should be.
    #[error("{path} is missing or cannot be run ({source}); install lectern-extract beside the server")]
    HelperMissing {
        /// Where it was looked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file cannot be opened.
    #[error("cannot read {path} ({source})")]
    Unreadable {
        /// The file asked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The child could not be run or understood. Not the file's fault: trying again may help.
    #[error("the PDF reader did not run as it should ({detail}); try again, and report it if it persists")]
    Helper {
        /// What went wrong.
        detail: String,
    },
}
