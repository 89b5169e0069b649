//! Membership that follows the nodes that are online.
//!
//! > Membership follows liveness while a majority is alive. Losing a majority stops writes and never loses acknowledged data;
//! > recovery is an explicit operator command with documented loss.
//!
//! # The parts
//!
//! | file | is about |
//! |---|---|
//! | `roster.rs` | who belongs to the cluster: numbers, disks, wishes; part of the replicated state |
//! | `watch.rs` | what the leader sees of everyone, from tick to tick |
//! | `observations.rs`, `view.rs` | that, as a value, and what follows from it at a moment |
//! | `decide.rs`, `change.rs` | the decision: a pure function |
//! | `outlook.rs` | what will happen next and when |
//! | `status.rs` | everyone, for people |
//! | `answer.rs` | what operators ask for, judged before it is written down |
//! | `steer.rs` | the replica: decides with each tick, proposes, confirms |
//!
//! # What a shell does
//!
//! 1. Its state machine holds a [`Roster`] in the batch of `applied` and in snapshots. It begins as `Roster::default()` with
//!    [`Roster::configured`] called for the founding configuration; each [`crate::CommittedKind::Configuration`] calls that
//!    again; commands of its own call [`Roster::enrol`], [`Roster::describe`], [`Roster::drain`] and [`Roster::remove`].
//! 2. It hands the roster over with [`crate::Input::Roster`]: once after start, after each snapshot that was installed, and
//!    after each change, *before* the [`crate::Input::Applied`] that covers the change. On every node: whoever leads next goes
//!    on from there. Before a roster that knows every member of the configuration is there, nothing is decided.
//! 3. A request of an operator, or of a node that wants to join, is first judged by [`crate::Replica::ask`] on the leader; what
//!    is granted is proposed as a command. The rest happens by itself.
//! 4. A node that joins is told its number, founds its log as a joiner (`found` without voters) with the incarnation it
//!    enrolled with, and calls the others until it is welcome.
//!
//! # Never
//!
//! No change by a node that does not lead, or outside the log; none that leaves fewer than three voters by itself; none that
//! makes the quorum smaller because a majority is missing; no two at once; no number twice.

mod answer;
mod change;
mod decide;
mod observations;
mod outlook;
mod roster;
mod settings;
mod status;
mod steer;
mod view;
mod watch;
mod words;

pub use answer::{Answer, Request, answer};
pub use change::{Change, Dismissed};
pub use decide::decide;
pub use observations::{Observations, Place, Seen, Wish};
pub use outlook::{Outlook, Upcoming, outlook};
pub use roster::{Record, Roster, RosterError, Stage};
pub use settings::{LEAST_VOTERS, Settings};
pub use status::{MemberStatus, MembershipStatus, Standing};
pub(crate) use watch::Watch;
