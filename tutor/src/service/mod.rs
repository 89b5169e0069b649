//! The service: a tutor of one cluster, asked over gRPC.
//!
//! ```text
//! program ── Ask(course, thread), the asker's own token ──► listen ──► errand ──► asker: thread, assignment, materials
//!                                                                        │          (with the asker's token)
//!                                                                        ├──► shelf: the materials' text, indexed
//!                                                                        ├──► answer: queue, model, release
//!                                                                        └──► AnswerAsTutor (with the tutor's token)
//! ```
//!
//! Invariants
//! - What is read is read with the token of whoever asks: nobody's answer holds what they may not read, and the tutor's own
//!   account can read nothing. That account does one thing, it writes answers down.
//! - The client is not believed: which question is asked is read from the cluster.
//! - What is searched is what the cluster lists for the asker at that moment, whatever the shelf holds.
//! - An answer is in the thread before its asker is told that it is done.

mod asker;
mod compose;
pub mod config;
pub mod doctor;
mod errand;
mod listen;
mod refusal;
mod shelf;

pub use listen::{ServiceError, run};
