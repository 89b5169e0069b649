//! A disk in memory that forgets what was not synced, and that can be broken.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::Bound,
    rc::Rc,
};

use crate::{Batch, Disk, DiskError, Op, Record, dice::Dice, format};

type Bytes = Rc<[u8]>;
type Table = BTreeMap<Bytes, Bytes>;

/// An operation whose bytes are shared by the tables that hold them.
#[derive(Clone)]
enum Change {
    Put(Bytes, Bytes),
    DeleteRange(Bytes, Bytes),
}

#[derive(Default)]
struct Platters {
    durable: Table,
    /// What a reader sees: durable and everything written since.
    current: Table,
    unsynced: Vec<Vec<Change>>,
    trouble: Trouble,
}

/// What is wrong with a disk.
#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a failure of its own")]
struct Trouble {
    full: bool,
    write_fails: bool,
    sync_fails: bool,
    read_fails: bool,
    /// Records whose checksum no longer holds.
    rotten: BTreeSet<Bytes>,
    /// Records that cannot be found any more.
    missing: BTreeSet<Bytes>,
    /// Writes that a failed sync has dropped, although readers still see them.
    dropped: usize,
}

/// A [`Disk`] whose clones share the same platters, so that it outlives the replica that crashed on it.
#[derive(Clone, Default)]
pub struct SimDisk(Rc<RefCell<Platters>>);

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let platters = self.0.borrow();
        write!(f, "SimDisk({} records, {} writes not synced)", platters.current.len(), platters.unsynced.len())
    }
}

impl SimDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The machine loses power. Some of the writes that were not synced may have reached the platters, in order, each
    /// whole or not at all. How many were lost.
    pub fn crash(&self, dice: &mut Dice) -> usize {
        let mut platters = self.0.borrow_mut();
        let unsynced = std::mem::take(&mut platters.unsynced);
        let kept = usize::try_from(dice.below(unsynced.len() as u64 + 1)).expect("no more than there are");
        for batch in &unsynced[..kept] {
            write(&mut platters.durable, batch);
        }
        platters.current = platters.durable.clone();
        unsynced.len() - kept + std::mem::take(&mut platters.trouble.dropped)
    }

    /// Whether the entry at (index, term) would survive a crash now, itself or in a snapshot.
    pub(crate) fn holds(&self, index: u64, term: u64) -> bool {
        let platters = self.0.borrow();
        let entry = platters.durable.get(&*format::entry_key(index));
        if entry
            .and_then(|value| format::decode_entry(&format::entry_key(index), value).ok())
            .is_some_and(|entry| entry.term == term)
        {
            return true;
        }
        let truncated = platters.durable.get(format::TRUNCATED);
        let truncated = truncated.and_then(|value| format::decode_numbers::<2>("truncated", value).ok());
        truncated.is_some_and(|[truncated, _]| truncated >= index)
    }

    /// The terms of the log's entries as a reader sees them, by index; the last entry given up comes first.
    pub(crate) fn terms(&self) -> BTreeMap<u64, u64> {
        let platters = self.0.borrow();
        let truncated = platters.current.get(format::TRUNCATED);
        let truncated = truncated.and_then(|value| format::decode_numbers::<2>("truncated", value).ok());
        let entries = platters.current.range::<[u8], _>(between(&format::entry_key(0), format::ENTRIES_END));
        let entries = entries.filter_map(|(key, value)| format::decode_entry(key, value).ok());
        let entries = entries.map(|entry| (entry.index, entry.term));
        truncated.map(|[index, term]| (index, term)).into_iter().chain(entries).collect()
    }

    /// Deletes a record, as a careless hand would.
    pub fn lose(&self, key: &[u8]) {
        let mut platters = self.0.borrow_mut();
        platters.durable.remove(key);
        platters.current.remove(key);
    }

    /// Nothing can be written any more, or everything again.
    pub(crate) fn set_full(&self, full: bool) {
        self.0.borrow_mut().trouble.full = full;
    }

    /// The next write fails.
    pub(crate) fn fail_write(&self) {
        self.0.borrow_mut().trouble.write_fails = true;
    }

    /// The next sync fails, and what it should have made durable never is: an operating system that could not write a page
    /// forgets that it was dirty.
    pub(crate) fn fail_sync(&self) {
        self.0.borrow_mut().trouble.sync_fails = true;
    }

    /// The next read of entries fails.
    pub(crate) fn fail_read(&self) {
        self.0.borrow_mut().trouble.read_fails = true;
    }

    /// Failures that have not happened yet will not happen. Rot stays.
    pub(crate) fn repair(&self) {
        let trouble = &mut self.0.borrow_mut().trouble;
        (trouble.full, trouble.write_fails, trouble.sync_fails, trouble.read_fails) = (false, false, false, false);
    }

    /// A failure is to come.
    pub(crate) fn is_troubled(&self) -> bool {
        let trouble = &self.0.borrow().trouble;
        trouble.full || trouble.write_fails || trouble.sync_fails || trouble.read_fails
    }

    /// A record of the log rots: reading it fails, or does not find it. What kind of record it was, where there is one.
    pub(crate) fn rot(&self, dice: &mut Dice) -> Option<String> {
        let mut platters = self.0.borrow_mut();
        let entries = platters.durable.range::<[u8], _>(between(&format::entry_key(0), format::ENTRIES_END));
        let mut keys: Vec<Bytes> = entries.map(|(key, _)| key.clone()).collect();
        if keys.is_empty() || dice.chance(300) {
            keys = [format::HARD_STATE, format::LAST, format::TRUNCATED].into_iter().map(Bytes::from).collect();
        }
        let key = dice.pick(&keys)?.clone();
        let name = format::number_of(&key)
            .filter(|_| key[0] == b'e')
            .map_or_else(|| String::from_utf8_lossy(&key).into_owned(), |index| format!("entry {index}"));
        let trouble = &mut platters.trouble;
        if dice.chance(500) {
            trouble.rotten.insert(key)
        } else {
            trouble.missing.insert(key)
        };
        Some(name)
    }

    /// A disk with a hidden damage.
    pub(crate) fn is_damaged(&self) -> bool {
        let trouble = &self.0.borrow().trouble;
        !trouble.rotten.is_empty() || !trouble.missing.is_empty()
    }
}

impl Platters {
    /// Whether a record may be read: a rotten one is an error, a missing one is not there.
    fn found(&self, key: &[u8]) -> Result<bool, DiskError> {
        if self.trouble.rotten.contains(key) {
            return Err(DiskError("corruption: block checksum mismatch".to_owned()));
        }
        Ok(!self.trouble.missing.contains(key))
    }

    /// What is written anew is whole again.
    fn heal(&mut self, batch: &[Change]) {
        let trouble = &mut self.trouble;
        for marked in [&mut trouble.rotten, &mut trouble.missing] {
            marked.retain(|key| {
                !batch.iter().any(|change| match change {
                    Change::Put(written, _) => written == key,
                    Change::DeleteRange(from, to) => from <= key && key < to,
                })
            });
        }
    }
}

fn between<'a>(from: &'a [u8], to: &'a [u8]) -> (Bound<&'a [u8]>, Bound<&'a [u8]>) {
    (Bound::Included(from), Bound::Excluded(to))
}

fn write(table: &mut Table, batch: &[Change]) {
    for change in batch {
        match change {
            Change::Put(key, value) => {
                table.insert(key.clone(), value.clone());
            }
            Change::DeleteRange(from, to) => {
                let keys: Vec<Bytes> = table.range::<[u8], _>(between(from, to)).map(|(key, _)| key.clone()).collect();
                for key in keys {
                    table.remove(&key);
                }
            }
        }
    }
}

impl Disk for SimDisk {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, DiskError> {
        let platters = self.0.borrow();
        Ok(if platters.found(key)? { platters.current.get(key).map(|value| value.to_vec()) } else { None })
    }

    fn scan(&self, from: &[u8], to: &[u8], max_bytes: u64) -> Result<Vec<Record>, DiskError> {
        let entries = from.first() == Some(&b'e');
        if entries && std::mem::take(&mut self.0.borrow_mut().trouble.read_fails) {
            return Err(DiskError("input/output error".to_owned()));
        }
        let mut bytes = 0;
        let mut found = Vec::new();
        let platters = self.0.borrow();
        for (key, value) in platters.current.range::<[u8], _>(between(from, to)) {
            if !platters.found(key)? {
                continue;
            }
            bytes += value.len() as u64;
            found.push((key.to_vec(), value.to_vec()));
            if bytes > max_bytes {
                break;
            }
        }
        Ok(found)
    }

    fn write(&self, batch: &Batch) -> Result<(), DiskError> {
        let mut platters = self.0.borrow_mut();
        if platters.trouble.full {
            return Err(DiskError("no space left on device".to_owned()));
        }
        if std::mem::take(&mut platters.trouble.write_fails) {
            return Err(DiskError("input/output error".to_owned()));
        }
        let shared = |op: &Op| match op {
            Op::Put(key, value) => Change::Put(key.as_slice().into(), value.as_slice().into()),
            Op::DeleteRange(from, to) => Change::DeleteRange(from.as_slice().into(), to.as_slice().into()),
        };
        let batch: Vec<Change> = batch.ops.iter().map(shared).collect();
        platters.heal(&batch);
        write(&mut platters.current, &batch);
        platters.unsynced.push(batch);
        Ok(())
    }

    fn sync(&self) -> Result<(), DiskError> {
        let mut platters = self.0.borrow_mut();
        let unsynced = std::mem::take(&mut platters.unsynced);
        if std::mem::take(&mut platters.trouble.sync_fails) {
            platters.trouble.dropped += unsynced.len();
            return Err(DiskError("fsync: input/output error".to_owned()));
        }
        for batch in unsynced {
            write(&mut platters.durable, &batch);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(disk: &SimDisk, key: &str) -> Result<(), DiskError> {
        let mut batch = Batch::default();
        batch.put(key, "x");
        disk.write(&batch)
    }

    fn has(disk: &SimDisk, key: &str) -> bool {
        disk.get(key.as_bytes()).unwrap().is_some()
    }

    #[test]
    fn a_crash_forgets_a_tail_of_what_was_not_synced() {
        let mut lost = BTreeSet::new();
        for seed in 0..20 {
            let disk = SimDisk::new();
            put(&disk, "a").unwrap();
            disk.sync().unwrap();
            put(&disk, "b").unwrap();
            put(&disk, "c").unwrap();
            lost.insert(disk.crash(&mut Dice::new(seed)));
            assert!(has(&disk, "a") && (has(&disk, "b") || !has(&disk, "c")));
        }
        assert_eq!(lost.len(), 3, "none, one and both were lost");
    }

    #[test]
    fn what_a_failed_sync_dropped_is_seen_until_the_crash() {
        let disk = SimDisk::new();
        put(&disk, "a").unwrap();
        disk.fail_sync();
        assert!(disk.sync().is_err());
        put(&disk, "b").unwrap();
        disk.sync().unwrap();
        assert!(has(&disk, "a"));
        assert_eq!(disk.crash(&mut Dice::new(1)), 1);
        assert!(!has(&disk, "a") && has(&disk, "b"));
    }

    #[test]
    fn a_rotten_record_is_an_error_or_missing_until_it_is_written_again() {
        let seen = |seed| {
            let disk = SimDisk::new();
            put(&disk, "m/last").unwrap();
            put(&disk, "m/hard_state").unwrap();
            put(&disk, "m/truncated").unwrap();
            disk.sync().unwrap();
            disk.rot(&mut Dice::new(seed)).unwrap();
            assert!(disk.is_damaged());
            let keys = ["m/last", "m/hard_state", "m/truncated"];
            let read: Vec<_> = keys.iter().map(|key| disk.get(key.as_bytes())).collect();
            for key in keys {
                put(&disk, key).unwrap();
            }
            assert!(!disk.is_damaged() && keys.iter().all(|key| has(&disk, key)));
            (read.iter().filter(|read| read.is_err()).count(), read.iter().filter(|read| **read == Ok(None)).count())
        };
        let all: BTreeSet<_> = (0..20).map(seen).collect();
        assert_eq!(all, [(0, 1), (1, 0)].into());
    }

    #[test]
    fn a_full_disk_takes_nothing_until_there_is_room() {
        let disk = SimDisk::new();
        disk.set_full(true);
        assert!(put(&disk, "a").unwrap_err().to_string().contains("no space"));
        disk.repair();
        put(&disk, "a").unwrap();
    }
}
