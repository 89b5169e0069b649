//! End to end: the real programs, three server processes on a loopback net of their own, real signals.
//!
//! `cargo test` builds only what a test links; these tests run the programs of the whole workspace, so build them first:
//! `cargo build --release --workspace`, or simply `scripts/test`.

pub mod class;
pub mod cluster;
pub mod disk;
pub mod load;
pub mod program;
pub mod proxy;
pub mod pty_suite;
pub mod terminal;
pub mod upgrade;
pub mod wait;

pub use class::Class;
pub use cluster::Cluster;
pub use program::{Person, Ran};
pub use terminal::{Launch, Terminal};
