//! The chaos run: a cluster of real processes, driven through faults while clients record what they saw, and a checker
//! that says whether all of it can have happened in one order.
//!
//! * [`check`] judges histories: registers by a search for a linearization, lists of submissions by their positions,
//!   idempotency keys by their answers. It knows nothing of Lectern.
//! * [`service`] is what a client can ask for; [`school`] asks a real cluster for it, tests ask broken stores.
//! * [`workload`] are the clients, [`round`] the short-lived keys they share.
//! * [`plan`] draws the faults out of a seed, [`nemesis`] carries them out on a [`cluster`] and its [`network`].
//! * [`run`] puts them together, [`supervise`] gives them a world of their own and cleans it up.

pub mod call;
pub mod check;
pub mod cluster;
pub mod dice;
pub mod isolation;
pub mod nemesis;
pub mod network;
pub mod options;
pub mod plan;
pub mod pulse;
pub mod report;
pub mod round;
pub mod run;
pub mod school;
pub mod service;
pub mod supervise;
pub mod workload;
