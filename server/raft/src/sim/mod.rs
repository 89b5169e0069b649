//! A simulator of whole clusters: the real core on simulated disks and a simulated network, every accident drawn from one
//! seed, so that a failure is found again by its number.
//!
//! A run has two phases. In the first, nodes crash and come back, one may come back without its disk, writes that were not synced are lost, messages are
//! delayed, dropped and duplicated, the network is cut (one way, too), nodes are paused, clocks go wrong, and clients
//! propose, retry and read. After each step [`checks`](self) compare what the nodes say and do:
//!
//! - at most one leader in a term;
//! - entries equal in index and term are equal;
//! - what one node has applied at an index, every node applies there, and it is durable at a majority before;
//! - equal hash chains at equal indexes;
//! - a request takes effect once, at one index, however often it was retried;
//! - a read is served from a state that holds every write acknowledged before the read began;
//! - no command is stamped with a clock that is wrong;
//! - messages that promise something leave only when it is durable (a crash would show it).
//!
//! In the second phase everything is healed, and all nodes but one that lost its disk must apply everything that was acknowledged, and a new
//! write, within a bounded time.
//!
//! ```
//! let report = lectern_raft::sim::run::<lectern_raft::sim::Ledger>(7, &lectern_raft::sim::Options::default()).unwrap();
//! assert!(report.acknowledged > 0);
//! ```

mod checks;
mod clients;
mod disk;
mod faults;
mod handshakes;
mod machine;
mod network;
mod node;
mod snapshots;
mod world;

pub use crate::dice::Dice;
pub use checks::{Report, Violation};
pub use disk::SimDisk;
pub use machine::{Ledger, Machine};

/// How long and how rough a run is.
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

/// Runs one seed. The same seed and options give the same report.
pub fn run<M: Machine>(seed: u64, options: &Options) -> Result<Report, Violation> {
    world::World::<M>::new(seed, *options).run()
}
