//! The domain of Lectern: commands, apply, queries, permissions, grading arithmetic.
//!
//! This crate is the state machine that the log drives. It does no I/O of its own: it reads and writes an ordered table
//! store through [`Store`], and it is handed everything else. Every node applies the same commands in the same order
//! and must arrive at the same bytes, so the following hold throughout:
//!
//! * No clock: time is [`Context::now_ms`], the leader's stamp, never running backwards.
//! * No randomness: ids come from the command's seed ([`ids::IdSource`]), secrets are made and hashed at the door.
//! * No hash-map order: whatever is iterated is a `BTreeMap`, a `Vec` or a table.
//! * No floating point in what is stored.
//! * A refused command changes nothing but its idempotency record: handlers write to a layer of their own, which is
//!   dropped when they refuse.
//! * Permission is decided here, in apply, from the tables as they are at that entry: a role removed a moment ago cannot
//!   write, whatever the door thought.
//!
//! # The way of a command
//!
//! `apply.rs` decodes the command, checks its version, moves time on, finds who is acting (`actor.rs`), answers a
//! repeated idempotency key from its record (`idempotency.rs`), and calls the one handler for the body, in the module
//! named after the subject (`courses.rs`, `submissions.rs`, …). The handler gets a [`Tx`]: the tables under a layer of
//! changes, the actor, the time, the id source and the list of events. Queries live beside the handlers and take a
//! [`View`].
//!
//! # Tables
//!
//! [`Table`] lists them with their keys. Values are protobuf records (`lectern.internal.v1`, `records.proto`) behind a
//! byte that gives the format.

// Handlers and queries take every request by reference, also those that happen to be empty today.
#![allow(clippy::trivially_copy_pass_by_ref)]
// Key parts are references and numbers.
#![allow(clippy::needless_pass_by_value)]

pub mod accounts;
pub mod actor;
pub mod announcements;
mod apply;
mod assignment_settings;
pub mod assignments;
pub mod attempts;
pub mod audit;
pub mod auth;
mod clock;
pub mod codes;
mod context;
pub mod counted;
pub mod counts;
pub mod courses;
pub mod dates;
pub mod drafts;
pub mod enrollments;
pub mod extensions;
mod file_names;
mod file_tree;
pub mod files;
pub mod final_grades;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod fixture_files;
pub mod gradebook;
pub mod grades;
pub mod grading_policy;
pub mod groups;
pub mod home;
mod idempotency;
pub mod ids;
pub mod keys;
mod lateness;
#[cfg(test)]
mod leaks_tests;
mod ledger;
pub mod levels;
pub mod limits;
pub mod lookup;
pub mod mastery;
pub mod materials;
pub mod memory;
mod missing;
mod overlay;
pub mod overrides;
mod paging;
mod queue;
pub mod receipts;
mod recorded_texts;
mod refusal;
pub mod restore;
pub mod roster;
mod rows;
pub mod schedule;
pub mod shapes;
mod sis;
mod sis_users;
mod standing;
pub mod statistics;
mod store;
pub mod submissions;
mod tables;
pub mod testing;
pub mod threads;
pub mod tutors;
pub mod uploads;
mod usage;
pub mod validate;
pub mod watch;

pub use actor::Actor;
pub use apply::{Applied, ApplyError, apply};
pub use context::{Audience, Context, Event, PageRequest, Tx, View, from_hex, to_hex};
pub use lectern_grading::points;
pub use overlay::{Change, Overlay};
pub use refusal::{Failure, Reason, Refusal, Result, refuse};
pub use store::{Order, Rows, Store, StoreError, StoreExt, decode, encode, prefix_end, record_body};
pub use tables::{ALL_TABLES, Table};
