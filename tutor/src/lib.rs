//! The tutor's library: what happens between a student's question and a sentence on their screen.
//!
//! ```text
//! question ─► policy (how far) ─► quota, queue ─► passages ─► request ─► Ollama
//!                                                    │                    │ bytes
//!              screen ◄─ release (leaks, citations) ◄┼─────────── stream ◄┘
//!                                                    └─► quotations, when no model answers
//! ```
//!
//! Each room is about one thing and knows nothing of gRPC, of the cluster or of a clock of its own; moments are handed in.
//!
//! Invariants
//! - Keys and model solutions are never here: only digests of them ([`leaks`]).
//! - No sentence is shown before it was looked at ([`release`]).
//! - No stream ends without a name for how ([`stream::End`]).
//! - The model is never sent more than fits, and what it counted is compared with what was sent ([`budget`]).
//! - Text of others is without invisible characters and between fences that it cannot write ([`fences`]).

pub mod answer;
pub mod breaker;
pub mod budget;
pub mod citations;
pub mod client;
pub mod fences;
pub mod ladder;
pub mod leaks;
pub mod policy;
pub mod queue;
pub mod quota;
pub mod release;
pub mod request;
pub mod stream;
