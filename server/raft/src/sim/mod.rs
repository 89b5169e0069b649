//! A simulator of whole clusters: the real core on simulated disks and a simulated network, every accident drawn from one
//! seed, so that a failure is found again by its number.
//!
//! Each seed draws what its run is made of: one to five founding nodes, with threads or without, whether members come and
//! go, how much of the log is kept, how busy clients are, and which kinds of accidents exist at all. A run has two phases. In the first, nodes crash: alone,
//! several or all at once, and between any two things that their shell does; they come back, some without their disk; writes that were not
//! synced are lost; disks are slow, full, fail or rot; messages are delayed, dropped, duplicated and overtaken; the network
//! is cut, one way, too; nodes are paused; clocks are set wrong; nodes join, are drained, restored and removed, and are away
//! for longer than they keep their votes; and clients propose, retry and read. After each step it is checked that
//!
//! - at most one node leads in a term, and holds every entry that was applied before it;
//! - entries equal in index and term are equal, and so is everything before them;
//! - what one node has applied at an index, every node applies there, none gives up, and it is durable on that node and at
//!   a majority before;
//! - hash chains at equal indexes are equal;
//! - a request takes effect once, at one index, however often it was retried, and is answered in the same way each time;
//! - a read is served from a state that holds every write acknowledged, and everything another read has shown, before it
//!   began;
//! - the membership changes one step at a time, by a leader that has settled and hears majorities of the old and the new
//!   voters; no number is given twice, and nobody is listened to who lost its disk or was removed;
//! - no command is stamped with a clock that is wrong;
//! - a node stops, or refuses to start, only because its disk failed, and then with a sentence; it never panics.
//!
//! In the second phase everything is healed, and all members but those whose data is lost for good must apply everything that
//! was acknowledged, and a new write, within a bounded time, and the membership must come to rest. Then their states are
//! compared with what clients were told.
//!
//! ```
//! let report = lectern_raft::sim::run::<lectern_raft::sim::Ledger>(7, &lectern_raft::sim::Options::default()).unwrap();
//! assert!(report.counters.acknowledged > 0);
//! ```

mod checks;
mod churn;
mod clients;
mod clocks;
mod connections;
mod counters;
mod disk;
mod failpoints;
mod faults;
mod lost_majority;
mod machine;
mod members;
mod network;
mod node;
mod orders;
mod plan;
mod recovery;
mod shell;
mod snapshots;
mod world;

pub use crate::dice::Dice;
pub use checks::Violation;
pub use counters::Counters;
pub use disk::SimDisk;
pub use failpoints::failpoints;
pub use machine::{Done, Ledger, Logged, Machine};
pub use orders::orders;

/// How long a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Ticks of the first phase.
    pub ticks: u64,
    /// Ticks within which the healed cluster must make progress.
    pub heal_ticks: u64,
    /// Keep a readable story of the run in the report.
    pub story: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { ticks: 2_000, heal_ticks: 1_000, story: false }
    }
}

/// What a run went through, when nothing was violated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// How many nodes it had.
    pub nodes: u64,
    /// The last entry that was applied.
    pub last_index: u64,
    /// A hash over everything that happened, in order: equal for equal runs.
    pub fingerprint: u64,
    /// What happened how often.
    pub counters: Counters,
    /// What happened, for a person.
    pub story: Vec<String>,
}

/// Runs one seed. The same seed and options give the same report.
pub fn run<M: Machine>(seed: u64, options: &Options) -> Result<Report, Violation> {
    world::World::<M>::new(seed, *options).run()
}
