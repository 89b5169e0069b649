//! Judging histories: what each client asked, when, and what it was told.
//!
//! Keys are independent of each other, so each is judged alone (linearizability is compositional: Herlihy and Wing,
//! 1990), and a run of a million operations is many small questions.

pub mod finding;
pub mod history;
pub mod key;
pub mod linear;
pub mod list;
pub mod models;
pub mod shrink;

pub use finding::{Finding, Row};
pub use history::{Clock, Entry, Nanos};
pub use linear::{Model, Verdict, check};
