//! Receipts: what the cluster has stored of a submission, in one text that a person can read and a program can verify, anywhere and
//! without the cluster.
//!
//! ```text
//! Lectern receipt, format 1
//! cluster: 01K4…
//! course: cs101
//! assignment: hw1
//! student: ada 01K4…
//! attempt: 1
//! submission: 01K4…
//! handed in: 2026-09-01T12:00:00.123Z
//! stored: 2026-09-01T12:00:00.123Z
//! due: 2026-09-02T21:59:59Z
//! late: no
//! log: index 118, term 2
//! digests: BLAKE3
//! text: <64 hexadecimal digits> 1204
//! file: <64 hexadecimal digits> 88211 src/main.rs
//! key: 16 hexadecimal digits
//! signature: 128 hexadecimal digits
//! ```
//!
//! * Facts have one text: the same submission and the same key give the same bytes, on every node and at any time.
//! * What is signed (Ed25519) is every byte before the last line. The last line has one form. So whatever byte is changed, the
//!   receipt does not verify any more.
//! * `text` is there where a text was handed in, `file` once for each file; their numbers are bytes.

mod key;
mod text;

pub use key::{BadKey, PublicKey, SigningKey};
pub use text::{MAX_RECEIPT_BYTES, Receipt, ReceiptError, sign};
