//! Text by page out of course material, with one page numbering for the reader and for citations.
//!
//! A PDF is the least trustworthy input of the whole system: anybody may hand one in, and parsers of the format panic,
//! loop, overflow the stack and allocate without bound on bad ones. So no PDF is ever parsed in the calling process.
//! [`extract_pages`] starts the program `lectern-extract` for one file and reads its answer:
//!
//! ```text
//! caller                          lectern-extract FILE --json
//!   spawn, stdin null   ───────►  lower its own limits: CPU, address space, no core file
//!   read ≤ max_output_bytes       parse on a thread with a large stack, each page under catch_unwind
//!                       ◄───────  {"page":1,"text":"…"}          one line for each page, in order
//!                       ◄───────  {"end":{"pages":1}}            or {"failed":{"kind":"encrypted","detail":"…"}}
//!   kill at the wall time
//! ```
//!
//! Invariants
//! - An answer without its last line is never taken for a short document: it is an [`ExtractError`].
//! - Pages are numbered from 1 without gaps, whatever the document calls them.
//! - Text holds no control character but newline and tab, so that it can be shown on a terminal.
//! - A page without text says so ([`Page::scanned`]); a document of which no page could be read is an error.
//! - When [`extract_pages`] returns, the child is dead and reaped.
//!
//! Plain text and Markdown need no child: [`paginate_text`].

mod answer;
mod error;
mod limits;
mod page;
mod parent;
mod text;

pub use answer::{Answer, End, Failure, FailureKind};
pub use error::ExtractError;
pub use limits::{DEFAULT_ADDRESS_SPACE_BYTES, DEFAULT_CPU_SECONDS, Limits};
pub use page::{Page, SCANNED_BELOW};
pub use parent::{default_helper, extract_pages};
pub use text::{LINES_PER_PAGE, paginate_text, sanitise};
