//! What this node counts of its own work, for `status`: writes and how long they take, elections, snapshots on their way.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lectern_proto::v1::{LeadershipChange, NodeStatus, ScrubStatus, SnapshotTransfer};

use crate::store::{DataDir, LogDb, StateDb, disk_space};
use crate::wall_clock;

/// Changes of leadership that are remembered.
const MAX_CHANGES: usize = 64;
/// Latencies are summed up over this much time…
const WINDOW: Duration = Duration::from_secs(10);
/// …and at most this many samples.
const MAX_SAMPLES: usize = 4_096;

/// See the module. Counters begin with the process.
#[derive(Default)]
pub(crate) struct Vitals {
    writes: AtomicU64,
    configuration_changes: AtomicU64,
    elections: AtomicU64,
    sizes: Mutex<Sizes>,
    commits: Mutex<Recent>,
    log_syncs: Mutex<Recent>,
    changes: Mutex<VecDeque<LeadershipChange>>,
    transfers: Mutex<BTreeMap<u64, Arc<Transfer>>>,
    next_transfer: AtomicU64,
    scrub: Mutex<ScrubStatus>,
}

/// What a node takes of its machine, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sizes {
    /// The log on disk.
    pub(crate) log: u64,
    /// The state on disk.
    pub(crate) state: u64,
    /// Of the disk: free, and in all.
    disk: (u64, u64),
    /// Resident memory of this process.
    resident: u64,
}

impl Sizes {
    /// Measures them. Blocks as long as the file system takes.
    pub(crate) fn of(log: &LogDb, state: &StateDb, data: &DataDir) -> Self {
        Self {
            log: log.size_bytes(),
            state: state.size_bytes(),
            disk: disk_space(data.root()),
            resident: resident_bytes(),
        }
    }
}

/// Resident memory of this process; 0 where `/proc` does not say.
fn resident_bytes() -> u64 {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return 0 };
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()).and_then(|number| number.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}

impl Vitals {
    /// That many more commands were applied.
    pub(crate) fn applied(&self, commands: u64) {
        self.writes.fetch_add(commands, Ordering::Relaxed);
    }

    /// A write taken by this node was committed and applied after that time.
    pub(crate) fn committed(&self, took: Duration) {
        lock(&self.commits).add(Instant::now(), took);
    }

    /// The log's disk was synced in that time.
    pub(crate) fn log_synced(&self, took: Duration) {
        lock(&self.log_syncs).add(Instant::now(), took);
    }

    /// Another configuration is applied.
    pub(crate) fn configuration_changed(&self) {
        self.configuration_changes.fetch_add(1, Ordering::Relaxed);
    }

    /// How many there were.
    pub(crate) fn configuration_changes(&self) -> u64 {
        self.configuration_changes.load(Ordering::Relaxed)
    }

    /// This node began an election.
    pub(crate) fn election_began(&self) {
        self.elections.fetch_add(1, Ordering::Relaxed);
    }

    /// The node's role, term or leader changed.
    pub(crate) fn leadership_changed(&self, change: LeadershipChange) {
        let mut changes = lock(&self.changes);
        if changes.len() == MAX_CHANGES {
            changes.pop_front();
        }
        changes.push_back(change);
    }

    /// What the node takes of the machine.
    pub(crate) fn measured(&self, sizes: Sizes) {
        *lock(&self.sizes) = sizes;
    }

    /// How the reading of this node's disk goes.
    pub(crate) fn scrub_is(&self, status: ScrubStatus) {
        *lock(&self.scrub) = status;
    }

    /// A snapshot of `whole` bytes begins to move to or from a node; it is listed until what is returned is dropped.
    pub(crate) fn transfer(self: &Arc<Self>, node_id: u64, sending: bool, whole: u64) -> Moving {
        let id = self.next_transfer.fetch_add(1, Ordering::Relaxed);
        let transfer = Arc::new(Transfer {
            node_id,
            sending,
            whole,
            since: Instant::now(),
            started_at_ms: wall_clock::system_ms(),
            done: AtomicU64::new(0),
            total: AtomicU64::new(whole),
            resumed: AtomicU32::new(0),
        });
        lock(&self.transfers).insert(id, transfer.clone());
        Moving { id, transfer, vitals: self.clone() }
    }

    /// The changes of leadership, oldest first.
    pub(crate) fn leadership_changes(&self) -> Vec<LeadershipChange> {
        lock(&self.changes).iter().copied().collect()
    }

    /// Writes everything but the changes into the node's own status.
    pub(crate) fn describe(&self, status: &mut NodeStatus) {
        let now = Instant::now();
        let commits = lock(&self.commits).percentiles(now);
        let log_syncs = lock(&self.log_syncs).percentiles(now);
        status.writes_applied_total = self.writes.load(Ordering::Relaxed);
        status.commit_latency_p50_us = commits.map(|(p50, _)| p50);
        status.commit_latency_p99_us = commits.map(|(_, p99)| p99);
        status.log_sync_p50_us = log_syncs.map(|(p50, _)| p50);
        status.log_sync_p99_us = log_syncs.map(|(_, p99)| p99);
        status.elections_total = self.elections.load(Ordering::Relaxed);
        let sizes = *lock(&self.sizes);
        status.log_bytes = sizes.log;
        status.state_bytes = sizes.state;
        (status.disk_free_bytes, status.disk_total_bytes) = sizes.disk;
        status.resident_bytes = sizes.resident;
        status.scrub = Some(*lock(&self.scrub));
        status.snapshots = lock(&self.transfers).values().map(|transfer| transfer.now()).collect();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Transfer {
    node_id: u64,
    sending: bool,
    /// What would move if the receiver had nothing.
    whole: u64,
    since: Instant,
    started_at_ms: i64,
    done: AtomicU64,
    /// What moves, as far as that is known.
    total: AtomicU64,
    resumed: AtomicU32,
}

impl Transfer {
    fn saved(&self) -> u64 {
        self.whole.saturating_sub(self.total.load(Ordering::Relaxed))
    }

    fn now(&self) -> SnapshotTransfer {
        let done = self.done.load(Ordering::Relaxed);
        let millis = self.since.elapsed().as_millis().max(1);
        SnapshotTransfer {
            node_id: self.node_id,
            sending: self.sending,
            bytes_done: done,
            bytes_total: self.total.load(Ordering::Relaxed),
            started_at_ms: self.started_at_ms,
            bytes_saved: self.saved(),
            bytes_per_second: u64::try_from(u128::from(done) * 1_000 / millis).unwrap_or(u64::MAX),
            resumed: self.resumed.load(Ordering::Relaxed),
        }
    }

    fn direction(&self) -> &'static str {
        if self.sending { "sent" } else { "received" }
    }
}

/// A snapshot that is being moved.
pub(crate) struct Moving {
    id: u64,
    transfer: Arc<Transfer>,
    vitals: Arc<Vitals>,
}

impl Moving {
    /// That many more bytes have moved.
    pub(crate) fn moved(&self, bytes: usize) {
        self.transfer.done.fetch_add(bytes as u64, Ordering::Relaxed);
        metrics::counter!("lectern_snapshot_bytes_total", "direction" => self.transfer.direction())
            .increment(bytes as u64);
    }

    /// How many bytes have moved.
    pub(crate) fn done(&self) -> u64 {
        self.transfer.done.load(Ordering::Relaxed)
    }

    /// It is known now that so many bytes are left to be moved.
    pub(crate) fn left(&self, bytes: u64) {
        self.transfer.total.store(self.done().saturating_add(bytes), Ordering::Relaxed);
    }

    /// It broke, and goes on.
    pub(crate) fn resumed(&self) {
        self.transfer.resumed.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("lectern_snapshots_resumed_total", "direction" => self.transfer.direction()).increment(1);
    }

    /// All of it is there.
    pub(crate) fn finished(&self) {
        metrics::counter!("lectern_snapshot_bytes_saved_total", "direction" => self.transfer.direction())
            .increment(self.transfer.saved());
    }
}

impl Drop for Moving {
    fn drop(&mut self) {
        lock(&self.vitals.transfers).remove(&self.id);
    }
}

/// The latest samples of a duration, in microseconds.
#[derive(Default)]
struct Recent {
    samples: VecDeque<(Instant, u64)>,
}

impl Recent {
    fn add(&mut self, now: Instant, took: Duration) {
        if self.samples.len() == MAX_SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back((now, u64::try_from(took.as_micros()).unwrap_or(u64::MAX)));
    }

    /// The 50th and the 99th percentile of the window that ends now, by the nearest rank; `None` without a sample in it.
    fn percentiles(&mut self, now: Instant) -> Option<(u64, u64)> {
        while self.samples.front().is_some_and(|(at, _)| now.duration_since(*at) > WINDOW) {
            self.samples.pop_front();
        }
        let mut micros: Vec<u64> = self.samples.iter().map(|(_, micros)| *micros).collect();
        micros.sort_unstable();
        let ranked = |percent: usize| micros.get((micros.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        Some((ranked(50)?, ranked(99)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_last_ten_seconds() {
        let mut recent = Recent::default();
        let start = Instant::now();
        assert_eq!(recent.percentiles(start), None);
        recent.add(start, Duration::from_secs(9));
        for micros in 1..=100 {
            recent.add(start + Duration::from_secs(1), Duration::from_micros(micros));
        }
        assert_eq!(recent.percentiles(start + Duration::from_secs(10)), Some((51, 100)));
        assert_eq!(recent.percentiles(start + Duration::from_secs(11)), Some((50, 99)), "the oldest is out of it");
        assert_eq!(recent.percentiles(start + Duration::from_secs(12)), None);
    }

    #[test]
    fn samples_and_changes_stay_bounded() {
        let (mut recent, vitals) = (Recent::default(), Vitals::default());
        for term in 0..MAX_SAMPLES as u64 + 10 {
            recent.add(Instant::now(), Duration::from_micros(term));
            vitals.leadership_changed(LeadershipChange { term, ..LeadershipChange::default() });
        }
        assert_eq!(recent.samples.len(), MAX_SAMPLES);
        let changes = vitals.leadership_changes();
        assert_eq!((changes.len(), changes.last().unwrap().term), (MAX_CHANGES, MAX_SAMPLES as u64 + 9));
    }

    #[test]
    fn a_snapshot_is_listed_while_it_moves() {
        let vitals = Arc::new(Vitals::default());
        let listed = || {
            let mut status = NodeStatus::default();
            vitals.describe(&mut status);
            status.snapshots
        };
        let moving = vitals.transfer(3, true, 100);
        moving.moved(40);
        let now = listed()[0];
        assert_eq!((now.node_id, now.bytes_done, now.bytes_total, now.bytes_saved), (3, 40, 100, 0));
        moving.left(10);
        moving.resumed();
        let now = listed()[0];
        assert_eq!((now.bytes_total, now.bytes_saved, now.resumed), (50, 50, 1));
        drop(moving);
        assert_eq!(listed(), []);
    }
}
