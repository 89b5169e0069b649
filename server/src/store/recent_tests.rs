use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use lectern_lms::{Store, StoreExt};

use super::super::{AppliedMeta, Caches, StateDb, StateWrite};
use super::*;

fn put(table: Table, key: &[u8], value: &[u8]) -> Change {
    Change { table, key: key.to_vec(), value: Some(value.to_vec()) }
}

fn delete(table: Table, key: &[u8]) -> Change {
    Change { table, key: key.to_vec(), value: None }
}

fn open(path: &std::path::Path) -> StateDb {
    StateDb::open(path, &Caches::new(8 << 20, 8 << 20)).unwrap()
}

fn write(state: &StateDb, index: u64, changes: Vec<Change>) {
    state.write(&StateWrite { changes, meta: AppliedMeta { index, ..AppliedMeta::default() }, members: None }).unwrap();
}

fn group(assignment: u8, user: u8) -> Vec<u8> {
    [[assignment; 26], [user; 26]].concat()
}

fn attempt(group: &[u8], number: u32) -> Vec<u8> {
    [group, &number.to_be_bytes()].concat()
}

fn last(store: &dyn Store, group: &[u8]) -> Option<Vec<u8>> {
    let rows = store.prefix(Table::Submissions, group, None, Order::Descending, 1).unwrap();
    rows.into_iter().next().map(|(_, value)| value)
}

#[test]
fn what_was_written_or_read_is_remembered_also_that_there_is_nothing() {
    let recent = Recent::new();
    recent.will_change(&[put(Table::Users, b"a", b"1"), delete(Table::Users, b"b")], 5);
    assert_eq!(recent.value(Table::Users, b"a", 5), None, "it is not written yet");
    recent.has_changed(&[put(Table::Users, b"a", b"1"), delete(Table::Users, b"b")], 5);
    assert_eq!(recent.value(Table::Users, b"a", 5), Some(Some(b"1".to_vec())));
    assert_eq!(recent.value(Table::Users, b"b", 5), Some(None));
    assert_eq!(recent.value(Table::UsersByName, b"a", 5), None, "a key means something else in each table");
    recent.remember_value(Table::Users, b"c", Some(b"3"), 5);
    assert_eq!(recent.value(Table::Users, b"c", 7), Some(Some(b"3".to_vec())));
}

#[test]
fn a_reader_of_before_a_change_neither_sees_it_nor_leaves_what_was_before() {
    let recent = Recent::new();
    recent.remember_value(Table::Users, b"a", Some(b"old"), 4);
    recent.will_change(&[put(Table::Users, b"a", b"new")], 5);
    assert_eq!(recent.value(Table::Users, b"a", 4), None, "his snapshot may hold either");
    recent.has_changed(&[put(Table::Users, b"a", b"new")], 5);
    assert_eq!(recent.value(Table::Users, b"a", 4), None);
    recent.remember_value(Table::Users, b"a", Some(b"old"), 4);
    assert_eq!(recent.value(Table::Users, b"a", 5), Some(Some(b"new".to_vec())));
}

#[test]
fn large_values_and_chunks_are_not_remembered() {
    let recent = Recent::new();
    recent.has_changed(&[put(Table::Users, b"a", b"small")], 5);
    recent.will_change(&[put(Table::Users, b"a", &[0; LARGEST + 1])], 6);
    recent.has_changed(&[put(Table::Users, b"a", &[0; LARGEST + 1]), put(Table::Chunks, b"c", b"1")], 6);
    assert_eq!(recent.value(Table::Users, b"a", 6), None);
    assert_eq!(recent.value(Table::Chunks, b"c", 6), None);
}

#[test]
fn memory_is_bounded_and_what_is_asked_for_stays() {
    let recent = Recent::new();
    recent.remember_value(Table::Users, b"often", Some(b"1"), 5);
    for number in 0..100_000_u32 {
        recent.remember_value(Table::Users, &number.to_be_bytes(), Some(&[0; 200]), 5);
        assert!(recent.value(Table::Users, b"often", 5).is_some(), "after {number}");
    }
    let mut bytes = 0;
    for shard in &recent.shards {
        let shard = shard.lock().unwrap();
        for generation in [&shard.young, &shard.old] {
            let real = generation.entries.iter().map(|(name, entry)| ENTRY_BYTES + name.len() + entry.what.bytes());
            assert_eq!(generation.bytes, real.sum::<usize>());
            bytes += generation.bytes;
        }
    }
    assert!((BYTES / 3..=BYTES + SHARDS * 2 * LARGEST).contains(&bytes), "{bytes} bytes");
}

#[test]
fn the_last_row_of_a_group_follows_what_is_put_behind_it_and_what_is_deleted() {
    let temp = tempfile::tempdir().unwrap();
    let state = open(temp.path());
    let (mine, other) = (group(1, 1), group(1, 2));
    let both = |index| {
        let (remembered, read) = (last(&state.newest(), &mine), last(&state.read(), &mine));
        assert_eq!(remembered, read, "after {index}");
        remembered
    };
    assert_eq!(both(0), None);
    write(&state, 1, vec![put(Table::Submissions, &attempt(&mine, 1), b"1")]);
    assert_eq!(both(1), Some(b"1".to_vec()));
    write(&state, 2, vec![put(Table::Submissions, &attempt(&other, 9), b"other")]);
    assert_eq!(both(2), Some(b"1".to_vec()));
    let two =
        vec![put(Table::Submissions, &attempt(&mine, 2), b"2"), put(Table::Submissions, &attempt(&mine, 3), b"3")];
    write(&state, 3, two);
    assert_eq!(both(3), Some(b"3".to_vec()));
    write(&state, 4, vec![put(Table::Submissions, &attempt(&mine, 2), b"2 again")]);
    assert_eq!(both(4), Some(b"3".to_vec()));
    write(&state, 5, vec![put(Table::Submissions, &attempt(&mine, 3), b"3 again")]);
    assert_eq!(both(5), Some(b"3 again".to_vec()));
    write(&state, 6, vec![delete(Table::Submissions, &attempt(&mine, 3))]);
    assert_eq!(both(6), Some(b"2 again".to_vec()));
}

#[test]
fn ranges_that_are_no_group_are_read_each_time() {
    let temp = tempfile::tempdir().unwrap();
    let state = open(temp.path());
    let mine = group(1, 1);
    write(&state, 1, (1..=3).map(|number| put(Table::Submissions, &attempt(&mine, number), b"x")).collect());
    let rows = |after: u32| {
        state
            .read()
            .prefix(Table::Submissions, &mine, Some(&attempt(&mine, after)), Order::Ascending, 10)
            .unwrap()
            .len()
    };
    assert_eq!([rows(0), rows(1), rows(2), rows(3)], [3, 2, 1, 0]);
    assert_eq!(state.read().prefix(Table::Submissions, &mine[..26], None, Order::Ascending, 2).unwrap().len(), 2);
}

/// Writes that change several records together, and what a snapshot must hold of them: all of one batch or none.
#[test]
fn whoever_reads_while_records_change_sees_them_all_of_one_moment_and_never_older_than_he_asked() {
    const KEYS: u8 = 8;
    const BATCHES: u64 = 4_000;
    let temp = tempfile::tempdir().unwrap();
    let state = open(temp.path());
    let (mine, over) = (group(3, 4), AtomicBool::new(false));
    let batch = |index: u64| {
        let value = index.to_be_bytes();
        let mut changes: Vec<_> = (0..KEYS).map(|key| put(Table::Users, &[key], &value)).collect();
        changes.push(put(Table::Submissions, &attempt(&mine, u32::try_from(index).unwrap()), &value));
        changes
    };
    write(&state, 1, batch(1));
    let read = |seed: u64| {
        let mut reads = 0_u64;
        while !over.load(Ordering::Relaxed) || reads < 100 {
            reads += 1;
            let asked = state.applied.load(Ordering::SeqCst);
            let snapshot = state.read();
            let mut seen = BTreeMap::new();
            for turn in 0..u64::from(KEYS) {
                let key = ((turn * 3 + seed + reads) % u64::from(KEYS)).to_be_bytes()[7];
                seen.insert(key, snapshot.get(Table::Users, &[key]).unwrap().unwrap());
            }
            let last = last(&snapshot, &mine).unwrap();
            assert!(seen.values().all(|value| *value == last), "{seen:?} beside {last:?}");
            assert!(*last >= asked.to_be_bytes()[..], "{last:?} is older than {asked}");
        }
    };
    std::thread::scope(|threads| {
        for seed in 0..3 {
            threads.spawn(move || read(seed));
        }
        for index in 2..=BATCHES {
            write(&state, index, batch(index));
        }
        over.store(true, Ordering::Relaxed);
    });
    let value = state.recent.value(Table::Users, &[0], BATCHES);
    assert_eq!(value, Some(Some(BATCHES.to_be_bytes().to_vec())), "what was written last is remembered");
}
