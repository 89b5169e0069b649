//! The records of the state that were read and written last.
//!
//! The commands and queries of a course read the same few records again and again: who acts, the course, the assignment,
//! its counts. Looking them up in RocksDB each time takes most of a query's time, and of a command's.
//!
//! Readers see one moment of the state, and what is remembered must be of that moment. For that the index at which each
//! record changed last is kept, or rather that of all records that share a place in an array. Written is in this order: the
//! places of what changes are marked with the new index, RocksDB is written, the new values are remembered, the index
//! counts as applied. Read is in this one: the applied index, a snapshot, the place. Where the place says no more than that
//! applied index, no change of the record that the snapshot might hold is newer: whoever marks a place does it before he
//! writes. What was remembered since the mark is then what the snapshot holds.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use lectern_lms::{Change, Order, Rows, Table};

/// What is remembered takes about so much.
const BYTES: usize = 8 << 20;
/// Larger values are read each time: a few long texts would drive out everything else.
const LARGEST: usize = 4 << 10;
/// What an entry takes beside its key and value, about.
const ENTRY_BYTES: usize = 112;
/// Each shard has a lock of its own.
const SHARDS: usize = 16;
/// Places that say when something changed: enough for few unchanged records to share one with what changes.
const PLACES: usize = 1 << 17;
/// Whose rows are read by assignment and person.
const GROUPED: [Table; 2] = [Table::Submissions, Table::Pledges];
/// The length of the ids of an assignment and a person.
const GROUP_BYTES: usize = 2 * lectern_lms::keys::ID_BYTES;

/// Rows and records that are remembered. An entry is there for reading again, and may be forgotten at any time.
pub(super) struct Recent {
    hasher: RandomState,
    shards: Vec<Mutex<Shard>>,
    /// The index at which something of this place changed last.
    places: Vec<AtomicU64>,
}

/// Two generations: what nobody asks for while one fills up is forgotten with the one before.
#[derive(Default)]
struct Shard {
    young: Generation,
    old: Generation,
}

#[derive(Default)]
struct Generation {
    entries: HashMap<Box<[u8]>, Entry, RandomState>,
    bytes: usize,
}

#[derive(Clone)]
struct Entry {
    /// It was so at this index, and since its place was marked last.
    at: u64,
    what: What,
}

#[derive(Clone, Debug, PartialEq)]
enum What {
    Nothing,
    Value(Box<[u8]>),
    Rows(Rows),
}

impl Recent {
    pub(super) fn new() -> Self {
        Self {
            hasher: RandomState::default(),
            shards: std::iter::repeat_with(Mutex::default).take(SHARDS).collect(),
            places: std::iter::repeat_with(AtomicU64::default).take(PLACES).collect(),
        }
    }

    /// The value that a snapshot holds which was taken when `applied` counted as applied, or that there is none, where either is
    /// remembered.
    #[allow(clippy::option_option, reason = "not remembered, or remembered that there is nothing")]
    pub(super) fn value(&self, table: Table, key: &[u8], applied: u64) -> Option<Option<Vec<u8>>> {
        match self.look(&Name::record(table, key), applied)? {
            What::Nothing => Some(None),
            What::Value(value) => Some(Some(value.into())),
            What::Rows(_) => None,
        }
    }

    /// Remembers what such a snapshot holds.
    pub(super) fn remember_value(&self, table: Table, key: &[u8], value: Option<&[u8]>, applied: u64) {
        if table != Table::Chunks {
            let what = value.map_or(What::Nothing, |value| What::Value(value.into()));
            self.remember(&Name::record(table, key), what, applied);
        }
    }

    /// The rows of a range in a snapshot, likewise, where it is of those that are remembered.
    pub(super) fn rows(&self, range: &Range<'_>, applied: u64) -> Option<Rows> {
        match self.look(&range.name()?, applied)? {
            What::Rows(rows) => Some(rows),
            What::Nothing | What::Value(_) => None,
        }
    }

    /// Remembers the rows of a range, likewise.
    pub(super) fn remember_rows(&self, range: &Range<'_>, rows: &Rows, applied: u64) {
        if let Some(name) = range.name() {
            self.remember(&name, What::Rows(rows.clone()), applied);
        }
    }

    /// Said before a batch is written that is applied at `index`.
    pub(super) fn will_change(&self, changes: &[Change], index: u64) {
        let last_rows = || changes.iter().filter_map(|change| Name::last_of_group(change.table, &change.key));
        // Whether what is remembered of the last rows holds can be told until their places are marked.
        for name in last_rows() {
            let mut shard = self.shard(&name);
            if shard.entry(&name).is_some_and(|entry| entry.at < self.changed(&name)) {
                shard.forget(&name);
            }
        }
        let records = changes.iter().map(|change| Name::record(change.table, &change.key));
        for name in records.chain(last_rows()) {
            self.place(&name).store(index, Ordering::SeqCst);
        }
    }

    /// Said when that batch is written.
    pub(super) fn has_changed(&self, changes: &[Change], index: u64) {
        for Change { table, key, value } in changes {
            self.remember_value(*table, key, value.as_deref(), index);
            if let Some(name) = Name::last_of_group(*table, key) {
                self.last_has_changed(&name, key, value.as_deref(), index);
            }
        }
    }

    /// What is put behind the last row of a group is its last row from now on.
    fn last_has_changed(&self, name: &Name, key: &[u8], value: Option<&[u8]>, index: u64) {
        let mut shard = self.shard(name);
        let Some(What::Rows(rows)) = shard.entry(name).map(|entry| &entry.what) else { return };
        let is_last = rows.first().is_none_or(|(last, _)| key >= &**last);
        match value {
            Some(value) if is_last => {
                shard.insert(name, Entry { at: index, what: What::Rows(vec![(key.to_vec(), value.to_vec())]) });
            }
            _ => shard.forget(name),
        }
    }

    fn look(&self, name: &Name, applied: u64) -> Option<What> {
        let mut shard = self.shard(name);
        let entry = shard.used(name)?;
        let changed = self.changed(name);
        (changed <= applied && changed <= entry.at).then(|| entry.what.clone())
    }

    fn remember(&self, name: &Name, what: What, applied: u64) {
        let mut shard = self.shard(name);
        if self.changed(name) > applied {
            return;
        }
        if what.bytes() <= LARGEST {
            shard.insert(name, Entry { at: applied, what });
        } else {
            shard.forget(name);
        }
    }

    /// When something at the name's place changed last.
    fn changed(&self, name: &Name) -> u64 {
        self.place(name).load(Ordering::SeqCst)
    }

    fn place(&self, name: &Name) -> &AtomicU64 {
        &self.places[self.hash(name.placed()) % PLACES]
    }

    fn shard(&self, name: &Name) -> MutexGuard<'_, Shard> {
        // Another part of the hash than that which the place is chosen by.
        let shard = &self.shards[(self.hash(&name.bytes) >> 32) % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[allow(clippy::cast_possible_truncation, reason = "any part of a hash is one")]
    fn hash(&self, bytes: &[u8]) -> usize {
        self.hasher.hash_one(bytes) as usize
    }
}

/// Rows of a table as a store is asked for them.
pub(super) struct Range<'a> {
    pub(super) table: Table,
    pub(super) from: &'a [u8],
    pub(super) to: Option<&'a [u8]>,
    pub(super) order: Order,
    pub(super) limit: usize,
}

impl Range<'_> {
    /// Its name, where it is a whole group from one of its ends.
    fn name(&self) -> Option<Name> {
        let is_group = GROUPED.contains(&self.table)
            && self.from.len() == GROUP_BYTES
            && self.to == lectern_lms::prefix_end(self.from).as_deref();
        let limit = u8::try_from(self.limit).ok().filter(|_| is_group)?;
        Some(Name::group(self.table, self.from, self.order, limit))
    }
}

/// What an entry is found by.
struct Name {
    bytes: Vec<u8>,
    /// So many of them are that whose change matters: all, or the table and the group.
    placed: usize,
}

impl Name {
    fn record(table: Table, key: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(1 + key.len());
        bytes.push(table as u8);
        bytes.extend_from_slice(key);
        Self { placed: bytes.len(), bytes }
    }

    fn group(table: Table, group: &[u8], order: Order, limit: u8) -> Self {
        let Self { mut bytes, placed } = Self::record(table, group);
        // No key is that of a group with two bytes more: ids are of one length.
        bytes.extend([u8::from(order == Order::Descending), limit]);
        Self { bytes, placed }
    }

    /// The name of the last row of the group that a key is in.
    fn last_of_group(table: Table, key: &[u8]) -> Option<Self> {
        let group = key.get(..GROUP_BYTES).filter(|_| GROUPED.contains(&table))?;
        Some(Self::group(table, group, Order::Descending, 1))
    }

    fn placed(&self) -> &[u8] {
        &self.bytes[..self.placed]
    }
}

impl What {
    fn bytes(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Value(value) => value.len(),
            Self::Rows(rows) => rows.iter().map(|(key, value)| key.len() + value.len()).sum(),
        }
    }
}

impl Shard {
    const FULL: usize = BYTES / SHARDS / 2;

    fn entry(&self, name: &Name) -> Option<&Entry> {
        self.young.entries.get(&*name.bytes).or_else(|| self.old.entries.get(&*name.bytes))
    }

    /// The entry, which stays for longer because it was asked for.
    fn used(&mut self, name: &Name) -> Option<&Entry> {
        if let Some(entry) = self.old.remove(name) {
            self.insert(name, entry);
        }
        self.entry(name)
    }

    fn insert(&mut self, name: &Name, entry: Entry) {
        self.forget(name);
        if self.young.bytes >= Self::FULL {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.bytes += size(name, &entry);
        self.young.entries.insert(name.bytes.as_slice().into(), entry);
    }

    fn forget(&mut self, name: &Name) {
        self.young.remove(name);
        self.old.remove(name);
    }
}

impl Generation {
    fn remove(&mut self, name: &Name) -> Option<Entry> {
        let entry = self.entries.remove(&*name.bytes)?;
        self.bytes -= size(name, &entry);
        Some(entry)
    }
}

fn size(name: &Name, entry: &Entry) -> usize {
    ENTRY_BYTES + name.bytes.len() + entry.what.bytes()
}

#[cfg(test)]
#[path = "recent_tests.rs"]
mod tests;
