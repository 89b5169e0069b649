//! The replicated log over a [`Disk`]: founding, recovery, appending with truncation, and the cache of entries that are
//! not durable yet.
//!
//! Invariants:
//! - Entries are contiguous from `truncated.0 + 1` to `last`, and their terms never fall.
//! - A batch that replaces a tail deletes it, writes the new entries and the new last index at once (trap 8).
//! - An entry is served from the cache until the write that holds it is known to be durable (trap 9). What is not in the
//!   cache is on the disk, and no write in flight touches it.

use std::{cell::RefCell, collections::VecDeque};

use raft::eraftpb::{ConfState, Entry, HardState};

use crate::{
    Batch, Disk, DiskError, Hello, NodeId, OpenError, Record,
    codec::sorted,
    fetches::Fetches,
    format::{self, entry_key},
    mutation::{Mutation, mutated},
    peers::Remembered,
    snapshots::Snapshots,
    spans::Spans,
};

/// Who a node is, as its disk was founded. The same four facts it says in its handshake.
pub type Identity = Hello;

/// What the state machine has durably applied, read by the shell at start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Applied {
    /// The last applied entry.
    pub index: u64,
    /// Its term.
    pub term: u64,
    /// The configuration in effect there.
    pub conf_state: ConfState,
}

/// Bytes read at once when the log is opened.
pub(crate) const SCAN_BYTES: u64 = 4 << 20;

/// Founds a member's log: every founding voter begins from the same snapshot at index 1 and term 1, which holds nothing
/// but the configuration (trap 2: a configuration at index 0 would let a joiner elect itself). Without voters the log is
/// that of a joiner: empty, waiting for a leader to fill it. Synced before it returns.
///
/// Refuses a disk that holds a log already, and voters that make no sense.
pub fn found<D: Disk>(disk: &D, identity: &Identity, voters: &[NodeId]) -> Result<(), OpenError> {
    let start = u64::from(!voters.is_empty() && !mutated(Mutation::FoundedAtZero));
    found_at(disk, identity, voters, (start, start))
}

/// Founds the log of the first node of a cluster that goes on from a restored state: as after a snapshot of it, with this node
/// alone. `index` and `term` are what the state has applied. Refuses and syncs as [`found`] does.
pub fn found_restored<D: Disk>(disk: &D, identity: &Identity, index: u64, term: u64) -> Result<(), OpenError> {
    if index == 0 || term == 0 {
        return Err(OpenError::BadFounding("the restored state has applied nothing".to_owned()));
    }
    found_at(disk, identity, &[identity.node], (index, term))
}

/// A log that begins after the entry `(index, term)`.
fn found_at<D: Disk>(
    disk: &D,
    identity: &Identity,
    voters: &[NodeId],
    (index, term): (u64, u64),
) -> Result<(), OpenError> {
    if let Some(existing) = load_identity(disk)? {
        return Err(OpenError::AlreadyFounded(existing));
    }
    if let Some(error) = OpenError::founding(identity.node, voters) {
        return Err(error);
    }
    let mut batch = Batch::default();
    batch.put(format::IDENTITY, format::encode_identity(identity));
    batch.put(format::TRUNCATED, format::encode_numbers(&[index, term]));
    batch.put(format::LAST, format::encode_numbers(&[index]));
    if !voters.is_empty() {
        let conf_state = sorted(ConfState { voters: voters.to_vec(), ..ConfState::default() });
        batch.put(format::FOUNDING, format::encode_conf_state(&conf_state));
        let hard_state = HardState { term, vote: 0, commit: index };
        batch.put(format::HARD_STATE, format::encode_hard_state(&hard_state));
    }
    disk.write(&batch)?;
    disk.sync()?;
    Ok(())
}

/// Whose log this is; `None` on a disk without one.
pub fn load_identity<D: Disk>(disk: &D) -> Result<Option<Identity>, OpenError> {
    disk.get(format::IDENTITY)?.map(|value| format::decode_identity(&value)).transpose()
}

/// The name of the state directory that the last installed snapshot brought; `None` while it is the original one.
pub fn state_directory<D: Disk>(disk: &D) -> Result<Option<String>, OpenError> {
    disk.get(format::STATE)?.map(|value| format::decode_text("state directory", &value)).transpose()
}

/// What a new state begins from: the founding snapshot at a founding member, nothing at a joiner.
pub fn founding_state<D: Disk>(disk: &D) -> Result<Applied, OpenError> {
    match disk.get(format::FOUNDING)? {
        Some(value) => {
            let start = u64::from(!mutated(Mutation::FoundedAtZero));
            Ok(Applied { index: start, term: start, conf_state: format::decode_conf_state(&value)? })
        }
        None => Ok(Applied::default()),
    }
}

/// An entry that may not be durable yet, and the number of the write that makes it so.
struct Cached {
    write: u64,
    entry: Entry,
    bytes: u64,
}

/// See the module's text.
pub(crate) struct Log<D> {
    pub(crate) disk: D,
    pub(crate) spans: Spans,
    pub(crate) hard_state: HardState,
    /// The configuration at start, for `initial_state` only.
    pub(crate) conf_state: ConfState,
    cache: VecDeque<Cached>,
    cached_bytes: u64,
    cache_limit: u64,
    durable: u64,
    /// The time of this step: entries are as old as they have been in this log.
    pub(crate) now: u64,
    pub(crate) snapshots: RefCell<Snapshots>,
    pub(crate) fetches: RefCell<Fetches>,
    /// Set at the first failure of the disk; after it nothing the log says may be believed (trap 7).
    failure: RefCell<Option<String>>,
    /// The entries a finished fetch has read, while raft asks again.
    pub(crate) in_reach: RefCell<Vec<Entry>>,
}

impl<D: Disk> Log<D> {
    /// Reads and checks the whole log.
    pub(crate) fn open(
        disk: D,
        identity: &Identity,
        applied: &Applied,
        cache_limit: u64,
        now: u64,
    ) -> Result<Self, OpenError> {
        let on_disk = load_identity(&disk)?.ok_or(OpenError::NotFounded)?;
        if on_disk != *identity {
            return Err(OpenError::OtherIdentity { disk: Box::new(on_disk), configured: Box::new(identity.clone()) });
        }
        let required =
            |key: &[u8], record: &str| disk.get(key)?.ok_or_else(|| OpenError::corrupt(record, "it is missing"));
        let [index, term] = format::decode_numbers("truncated", &required(format::TRUNCATED, "truncated")?)?;
        let [last] = format::decode_numbers("last", &required(format::LAST, "last")?)?;
        let mut hard_state = match disk.get(format::HARD_STATE)? {
            Some(value) => format::decode_hard_state(&value)?,
            None => HardState::default(),
        };
        let spans = read_spans(&disk, index, term, now)?;
        // A node that has forgotten its vote could vote twice.
        if hard_state.term < spans.last_term() {
            return Err(OpenError::corrupt("hard state", format!("it is gone or older than entry {}", spans.last())));
        }
        recover(&spans, last, &mut hard_state, applied)?;
        Ok(Self {
            disk,
            spans,
            hard_state,
            conf_state: applied.conf_state.clone(),
            cache: VecDeque::new(),
            cached_bytes: 0,
            cache_limit,
            durable: 0,
            now,
            snapshots: RefCell::default(),
            fetches: RefCell::default(),
            failure: RefCell::default(),
            in_reach: RefCell::default(),
        })
    }

    /// The first entry in memory, one past the last where none is.
    pub(crate) fn cached_from(&self) -> u64 {
        self.cache.front().map_or(self.spans.last() + 1, |cached| cached.entry.index)
    }

    /// Takes entries and hard state in, and says what to write for them: where a tail is replaced, from which index, and
    /// the batch. `write` is the number of the write.
    pub(crate) fn append(
        &mut self,
        write: u64,
        entries: &[Entry],
        hard_state: Option<&HardState>,
    ) -> (Option<u64>, Batch) {
        let mut batch = Batch::default();
        let mut truncate_from = None;
        if let Some(first) = entries.first().map(|entry| entry.index) {
            assert!(first > self.spans.truncated().0 && first <= self.spans.last() + 1, "entries follow the log");
            if first <= self.spans.last() {
                truncate_from = Some(first);
                if !mutated(Mutation::TailLeftBehind) {
                    batch.delete_range(entry_key(first), format::ENTRIES_END);
                }
                self.forget_from(first);
            }
            for entry in entries {
                let value = format::encode_entry(entry);
                let bytes = value.len() as u64;
                self.spans.push(entry.index, entry.term, bytes, self.now);
                self.cached_bytes += bytes;
                self.cache.push_back(Cached { write, entry: entry.clone(), bytes });
                batch.put(entry_key(entry.index), value);
            }
            batch.put(format::LAST, format::encode_numbers(&[self.spans.last()]));
        }
        if let Some(hard_state) = hard_state {
            self.hard_state = hard_state.clone();
            batch.put(format::HARD_STATE, format::encode_hard_state(hard_state));
        }
        (truncate_from, batch)
    }

    fn forget_from(&mut self, index: u64) {
        self.spans.truncate_from(index);
        while let Some(cached) = self.cache.pop_back_if(|cached| cached.entry.index >= index) {
            self.cached_bytes -= cached.bytes;
        }
    }

    /// Every write up to this one is durable: its entries may leave the cache.
    pub(crate) fn persisted(&mut self, write: u64) {
        self.durable = self.durable.max(write);
        let (durable, limit) = (self.durable, self.cache_limit);
        while self.cached_bytes > limit {
            let Some(cached) = self.cache.pop_front_if(|cached| cached.write <= durable) else { break };
            self.cached_bytes -= cached.bytes;
        }
    }

    /// Gives up the entries up to and including `through`, and says what to write for that.
    pub(crate) fn compact(&mut self, through: u64) -> Batch {
        let first = self.spans.truncated().0 + 1;
        self.spans.compact(through);
        while let Some(cached) = self.cache.pop_front_if(|cached| cached.entry.index <= through) {
            self.cached_bytes -= cached.bytes;
        }
        let (index, term) = self.spans.truncated();
        let mut batch = Batch::default();
        batch.put(format::TRUNCATED, format::encode_numbers(&[index, term]));
        batch.delete_range(entry_key(first), entry_key(through + 1));
        batch
    }

    /// The batch that makes a staged snapshot the state: the switch.
    pub(crate) fn switch(id: &str, index: u64, term: u64, hard_state: &HardState) -> Batch {
        let mut batch = Batch::default();
        batch.delete_range(entry_key(0), format::ENTRIES_END);
        batch.put(format::TRUNCATED, format::encode_numbers(&[index, term]));
        batch.put(format::LAST, format::encode_numbers(&[index]));
        batch.put(format::HARD_STATE, format::encode_hard_state(hard_state));
        batch.put(format::STATE, format::encode_text(id));
        batch
    }

    /// The switch is durable: the log begins after the snapshot.
    pub(crate) fn switched(&mut self, index: u64, term: u64, hard_state: HardState) {
        self.cache.clear();
        self.cached_bytes = 0;
        self.spans = Spans::new(index, term);
        self.hard_state = hard_state;
    }

    /// Entries `[low, high)` up to about `max_bytes`, at least one. A disk that fails yields what came before the failure,
    /// and the failure is kept for [`Log::failure`].
    pub(crate) fn read(&self, low: u64, high: u64, max_bytes: u64) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut bytes = 0;
        let cached_from = self.cached_from();
        if low < cached_from {
            let disk_high = high.min(cached_from);
            match read_disk(&self.disk, low, disk_high, max_bytes) {
                Ok((read, size)) => (entries, bytes) = (read, size),
                Err(error) => {
                    self.fail(error.to_string());
                    return Vec::new();
                }
            }
            if low + (entries.len() as u64) < disk_high {
                return entries;
            }
        }
        let skip = low.max(cached_from) - cached_from;
        for cached in self.cache.iter().skip(usize::try_from(skip).unwrap_or(usize::MAX)) {
            bytes += cached.bytes;
            if cached.entry.index >= high || (bytes > max_bytes && !entries.is_empty()) {
                break;
            }
            entries.push(cached.entry.clone());
        }
        entries
    }

    /// Entries `[low, high)` as far as a finished fetch has read them.
    pub(crate) fn fetched(&self, low: u64, high: u64) -> Vec<Entry> {
        let read = self.in_reach.borrow();
        let from = read.partition_point(|entry| entry.index < low);
        let wanted = read[from..].iter().take_while(|entry| entry.index < high);
        if read.get(from).is_some_and(|entry| entry.index == low) { wanted.cloned().collect() } else { Vec::new() }
    }

    /// Whether reading at `low` needs the disk.
    pub(crate) fn needs_disk(&self, low: u64) -> bool {
        low < self.cached_from()
    }

    /// The disk failed.
    pub(crate) fn fail(&self, problem: String) {
        self.failure.borrow_mut().get_or_insert(problem);
    }

    /// What the disk said when it failed first.
    pub(crate) fn failure(&self) -> Option<String> {
        self.failure.borrow().clone()
    }
}

/// Entries `[low, high)` of a log, for [`crate::Effect::FetchEntries`]: on any thread, while the replica goes on.
pub fn read_entries<D: Disk>(disk: &D, low: u64, high: u64) -> Result<Vec<Entry>, OpenError> {
    read_disk(disk, low, high, u64::MAX).map(|(entries, _)| entries)
}

/// Entries `[low, high)` up to about `max_bytes`, at least one, and their bytes.
fn read_disk<D: Disk>(disk: &D, low: u64, high: u64, max_bytes: u64) -> Result<(Vec<Entry>, u64), OpenError> {
    let (mut entries, mut bytes) = (Vec::new(), 0);
    for (key, value) in disk.scan(&entry_key(low), &entry_key(high), max_bytes)? {
        let entry = format::decode_entry(&key, &value)?;
        if entry.index != low + entries.len() as u64 {
            return Err(OpenError::corrupt(format!("entry {}", low + entries.len() as u64), "it is missing"));
        }
        bytes += value.len() as u64;
        if bytes > max_bytes && !entries.is_empty() {
            break;
        }
        entries.push(entry);
    }
    if entries.is_empty() {
        return Err(OpenError::corrupt(format!("entry {low}"), "it is missing"));
    }
    Ok((entries, bytes))
}

/// Reads every entry once: contiguous, with terms that never fall.
fn read_spans<D: Disk>(disk: &D, index: u64, term: u64, now: u64) -> Result<Spans, OpenError> {
    let mut spans = Spans::new(index, term);
    loop {
        let next = spans.last() + 1;
        let chunk = disk.scan(&entry_key(next), format::ENTRIES_END, SCAN_BYTES)?;
        if chunk.is_empty() {
            return Ok(spans);
        }
        for (key, value) in chunk {
            let entry = format::decode_entry(&key, &value)?;
            if entry.index != spans.last() + 1 {
                return Err(OpenError::corrupt(format!("entry {}", spans.last() + 1), "it is missing"));
            }
            if entry.term < spans.last_term() {
                return Err(OpenError::corrupt(
                    format!("entry {}", entry.index),
                    "its term is lower than the one before",
                ));
            }
            spans.push(entry.index, entry.term, value.len() as u64, now);
        }
    }
}

/// Checks that log, hard state and state belong together, and lifts the commit index to what was applied (trap 5).
fn recover(spans: &Spans, last: u64, hard_state: &mut HardState, applied: &Applied) -> Result<(), OpenError> {
    let known = hard_state.commit.max(last);
    if known > spans.last() && !mutated(Mutation::LostTailAccepted) {
        return Err(OpenError::LostTail { commit: known, last: spans.last() });
    }
    if last < spans.last() {
        return Err(OpenError::corrupt("last", format!("it says {last}, but there is an entry {}", spans.last())));
    }
    if applied.index < spans.truncated().0 {
        return Err(OpenError::AppliedBehind { applied: applied.index, truncated: spans.truncated().0 });
    }
    if applied.index > 0 && spans.term(applied.index) != Some(applied.term) {
        let first = spans.truncated().0 + 1;
        return Err(OpenError::AppliedAhead { applied: applied.index, term: applied.term, first, last });
    }
    if !mutated(Mutation::CommitNotRecovered) {
        hard_state.commit = hard_state.commit.max(applied.index);
    }
    Ok(())
}

/// What the disk remembers of `me`'s peers.
pub(crate) fn load_peers<D: Disk>(disk: &D, me: NodeId) -> Result<Remembered, OpenError> {
    let mut peers = Remembered::default();
    for (key, value) in scan_all(disk, format::INCARNATIONS)? {
        peers.incarnations.insert(node_in(&key)?, format::decode_text("incarnation", &value)?);
    }
    for (key, value) in scan_all(disk, format::APPLIED)? {
        let [applied] = format::decode_numbers("applied by a peer", &value)?;
        peers.applied.insert(node_in(&key)?, applied);
    }
    for (key, _) in scan_all(disk, format::REMOVED)? {
        peers.removed.insert(node_in(&key)?);
    }
    peers.unmet = founding_state(disk)?.conf_state.voters.into_iter().filter(|voter| *voter != me).collect();
    peers.unmet.retain(|founder| !peers.removed.contains(founder));
    for (key, _) in scan_all(disk, format::MET)? {
        peers.unmet.remove(&node_in(&key)?);
    }
    Ok(peers)
}

fn node_in(key: &[u8]) -> Result<NodeId, OpenError> {
    format::number_of(key).ok_or_else(|| OpenError::corrupt("peer", "its key is not a node"))
}

fn scan_all<D: Disk>(disk: &D, (from, to): (&[u8], &[u8])) -> Result<Vec<Record>, DiskError> {
    disk.scan(from, to, u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::SimDisk;

    #[test]
    fn a_restored_log_begins_after_what_its_state_has_applied() {
        let identity = Hello { cluster_id: "new".into(), epoch: 1, node: 1, incarnation: "i".into() };
        let disk = SimDisk::new();
        assert!(matches!(found_restored(&disk, &identity, 0, 0), Err(OpenError::BadFounding(_))));
        found_restored(&disk, &identity, 40, 3).unwrap();
        let alone = ConfState { voters: vec![1], ..ConfState::default() };
        let applied = Applied { index: 40, term: 3, conf_state: alone };
        let log = Log::open(&disk, &identity, &applied, 0, 0).unwrap();
        assert_eq!((log.spans.truncated(), log.spans.last(), log.hard_state.commit), ((40, 3), 40, 40));
        assert!(Log::open(&disk, &identity, &Applied { index: 41, ..applied }, 0, 0).is_err());
        assert!(matches!(found_restored(&disk, &identity, 40, 3), Err(OpenError::AlreadyFounded(_))));
    }

    fn entries(indexes: std::ops::RangeInclusive<u64>, term: u64) -> Vec<Entry> {
        let data = |index: u64| format!("{index}@{term}").into_bytes();
        indexes.map(|index| Entry { index, term, data: data(index), ..Entry::default() }).collect()
    }

    fn identity() -> Identity {
        Hello { cluster_id: "c".into(), epoch: 1, node: 1, incarnation: "i".into() }
    }

    fn log(disk: &SimDisk) -> Log<SimDisk> {
        found(disk, &identity(), &[1, 2, 3]).unwrap();
        Log::open(disk.clone(), &identity(), &founding_state(disk).unwrap(), 0, 0).unwrap()
    }

    fn terms(log: &Log<SimDisk>) -> Vec<u64> {
        log.read(2, log.spans.last() + 1, u64::MAX).iter().map(|entry| entry.term).collect()
    }

    #[test]
    fn trap_9_entries_are_served_until_the_write_that_holds_them_is_durable() {
        let disk = SimDisk::new();
        let mut log = log(&disk);
        let (_, first) = log.append(1, &entries(2..=4, 1), None);
        assert_eq!(terms(&log), [1, 1, 1], "nothing is on the disk yet");
        let (truncated, second) = log.append(2, &entries(3..=3, 2), None);
        assert_eq!(truncated, Some(3));
        disk.write(&first).unwrap();
        log.persisted(1);
        assert!(log.needs_disk(2) && !log.needs_disk(3), "entry 3 of the first write was replaced since");
        assert_eq!(terms(&log), [1, 2]);
        disk.write(&second).unwrap();
        log.persisted(2);
        assert_eq!(terms(&log), [1, 2]);
        assert_eq!(log.failure(), None);
    }

    #[test]
    fn trap_8_a_replaced_tail_is_gone_from_the_disk() {
        let disk = SimDisk::new();
        let mut log = log(&disk);
        let hard_state = HardState { term: 2, vote: 0, commit: 1 };
        let (_, first) = log.append(1, &entries(2..=6, 1), None);
        let (_, second) = log.append(2, &entries(3..=4, 2), Some(&hard_state));
        disk.write(&first).unwrap();
        disk.write(&second).unwrap();
        let reopened = Log::open(disk.clone(), &identity(), &founding_state(&disk).unwrap(), 0, 0).unwrap();
        assert_eq!((reopened.spans.last(), terms(&reopened)), (4, vec![1, 2, 2]));
    }

    #[test]
    fn compaction_and_reading_stop_at_their_limits() {
        let disk = SimDisk::new();
        let mut log = log(&disk);
        let (_, batch) = log.append(1, &entries(2..=9, 1), None);
        disk.write(&batch).unwrap();
        log.persisted(1);
        disk.write(&log.compact(5)).unwrap();
        assert_eq!(log.spans.truncated(), (5, 1));
        assert_eq!(log.read(6, 10, 1).len(), 1, "at least one");
        assert_eq!(log.read(6, 10, u64::MAX).len(), 4);
        assert!(disk.get(&entry_key(5)).unwrap().is_none());
    }

    #[test]
    fn a_log_that_cannot_be_read_says_so() {
        let disk = SimDisk::new();
        let mut log = log(&disk);
        let (_, batch) = log.append(1, &entries(2..=3, 1), None);
        disk.write(&batch).unwrap();
        log.persisted(1);
        disk.lose(&entry_key(2));
        assert!(log.read(2, 4, u64::MAX).is_empty());
        assert!(log.failure().unwrap().contains("entry 2"));
    }

    #[test]
    fn founding_refuses_what_makes_no_sense() {
        let disk = SimDisk::new();
        for voters in [&[2, 3][..], &[1, 1, 2], &[0, 1]] {
            assert!(matches!(found(&disk, &identity(), voters), Err(OpenError::BadFounding(_))));
        }
        assert_eq!(load_identity(&disk), Ok(None));
        found(&disk, &identity(), &[]).unwrap();
        assert_eq!(founding_state(&disk), Ok(Applied::default()), "a joiner begins with nothing");
        assert!(matches!(found(&disk, &identity(), &[1]), Err(OpenError::AlreadyFounded(_))));
    }
}
