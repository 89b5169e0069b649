//! A disk in memory that forgets what was not synced.

use std::{cell::RefCell, collections::BTreeMap, fmt, rc::Rc};

use crate::{Batch, Disk, DiskError, Op, Record, dice::Dice, format};

type Table = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Default)]
struct Platters {
    durable: Table,
    /// What a reader sees: durable and everything written since.
    current: Table,
    unsynced: Vec<Batch>,
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
        unsynced.len() - kept
    }

    /// Whether the entry at (index, term) would survive a crash now, itself or in a snapshot.
    pub(crate) fn holds(&self, index: u64, term: u64) -> bool {
        let platters = self.0.borrow();
        let truncated = platters.durable.get(format::TRUNCATED);
        let truncated = truncated.and_then(|value| format::decode_numbers::<2>("truncated", value).ok());
        if truncated.is_some_and(|[truncated, _]| truncated >= index) {
            return true;
        }
        let key = format::entry_key(index);
        let entry = platters.durable.get(&key).and_then(|value| format::decode_entry(&key, value).ok());
        entry.is_some_and(|entry| entry.term == term)
    }

    /// Deletes a record, as bit rot or a careless hand would.
    pub fn lose(&self, key: &[u8]) {
        let mut platters = self.0.borrow_mut();
        platters.durable.remove(key);
        platters.current.remove(key);
    }
}

fn write(table: &mut Table, batch: &Batch) {
    for op in &batch.ops {
        match op {
            Op::Put(key, value) => {
                table.insert(key.clone(), value.clone());
            }
            Op::DeleteRange(from, to) => {
                let keys: Vec<_> = table.range(from.clone()..to.clone()).map(|(key, _)| key.clone()).collect();
                for key in keys {
                    table.remove(&key);
                }
            }
        }
    }
}

impl Disk for SimDisk {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, DiskError> {
        Ok(self.0.borrow().current.get(key).cloned())
    }

    fn scan(&self, from: &[u8], to: &[u8], max_bytes: u64) -> Result<Vec<Record>, DiskError> {
        let mut bytes = 0;
        let mut found = Vec::new();
        for (key, value) in self.0.borrow().current.range(from.to_vec()..to.to_vec()) {
            bytes += value.len() as u64;
            found.push((key.clone(), value.clone()));
            if bytes > max_bytes {
                break;
            }
        }
        Ok(found)
    }

    fn write(&self, batch: &Batch) -> Result<(), DiskError> {
        let mut platters = self.0.borrow_mut();
        write(&mut platters.current, batch);
        platters.unsynced.push(batch.clone());
        Ok(())
    }

    fn sync(&self) -> Result<(), DiskError> {
        let mut platters = self.0.borrow_mut();
        for batch in std::mem::take(&mut platters.unsynced) {
            write(&mut platters.durable, &batch);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_forgets_a_tail_of_what_was_not_synced() {
        let mut lost = std::collections::BTreeSet::new();
        for seed in 0..20 {
            let disk = SimDisk::new();
            let put = |key: &str| {
                let mut batch = Batch::default();
                batch.put(key, "x");
                disk.write(&batch).unwrap();
            };
            put("a");
            disk.sync().unwrap();
            put("b");
            put("c");
            lost.insert(disk.crash(&mut Dice::new(seed)));
            let has = |key: &str| disk.get(key.as_bytes()).unwrap().is_some();
            assert!(has("a") && (has("b") || !has("c")));
        }
        assert_eq!(lost.len(), 3, "none, one and both were lost");
    }
}
