use proptest::prelude::*;

use super::*;
use crate::memory::MemoryStore;

/// What may be done to the tables.
#[derive(Clone, Debug)]
enum Step {
    Put(Table, Vec<u8>, u8),
    Delete(Table, Vec<u8>),
    Keep,
    Discard,
}

/// A range read.
type Read = (Table, Vec<u8>, Option<Vec<u8>>, bool, usize);

fn table() -> impl Strategy<Value = Table> {
    prop_oneof![Just(Table::Users), Just(Table::UsersByName), Just(Table::UsersBySis)]
}

/// Few and short keys, so that steps meet each other.
fn key() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(7), Just(255)], 0..3)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (table(), key(), any::<u8>()).prop_map(|(table, key, value)| Step::Put(table, key, value)),
        4 => (table(), key()).prop_map(|(table, key)| Step::Delete(table, key)),
        1 => Just(Step::Keep),
        1 => Just(Step::Discard),
    ]
}

fn read() -> impl Strategy<Value = Read> {
    (table(), key(), proptest::option::of(key()), any::<bool>(), 0..8_usize)
}

fn change(table: Table, key: &[u8], value: Option<u8>) -> Change {
    Change { table, key: key.to_vec(), value: value.map(|value| vec![value]) }
}

proptest! {
    #[test]
    fn an_overlay_reads_like_a_store_that_was_changed(
        base in proptest::collection::vec((table(), key(), any::<u8>()), 0..12),
        steps in proptest::collection::vec(step(), 0..40),
        reads in proptest::collection::vec(read(), 1..20),
    ) {
        let mut store = MemoryStore::default();
        store.commit(base.iter().map(|(table, key, value)| change(*table, key, Some(*value))).collect());
        let mut overlay = Overlay::new(&store);
        // `kept` is what the overlay must come to; `model` is that with the running command's changes.
        let (mut kept, mut model) = (store.clone(), store.clone());
        for step in steps {
            match step {
                Step::Put(table, key, value) => {
                    overlay.put(table, key.clone(), vec![value]);
                    model.commit(vec![change(table, &key, Some(value))]);
                }
                Step::Delete(table, key) => {
                    overlay.delete(table, key.clone());
                    model.commit(vec![change(table, &key, None)]);
                }
                Step::Keep => {
                    overlay.keep();
                    kept = model.clone();
                }
                Step::Discard => {
                    overlay.discard();
                    model = kept.clone();
                }
            }
        }
        for (table, from, to, ascending, limit) in &reads {
            let order = if *ascending { Order::Ascending } else { Order::Descending };
            prop_assert_eq!(overlay.get(*table, from), model.get(*table, from));
            prop_assert_eq!(
                overlay.range(*table, from, to.as_deref(), order, *limit),
                model.range(*table, from, to.as_deref(), order, *limit)
            );
        }
        overlay.discard();
        let changes = overlay.into_changes();
        store.commit(changes);
        prop_assert_eq!(store, kept);
    }
}

/// A change in short.
type Short<'a> = (Table, &'a [u8], Option<&'a [u8]>);

#[test]
fn the_digest_tells_what_changed_and_not_in_which_order() {
    let store = MemoryStore::default();
    let digest = |changes: &[Short<'_>]| {
        let mut overlay = Overlay::new(&store);
        for (table, key, value) in changes {
            match value {
                Some(value) => overlay.put(*table, key.to_vec(), value.to_vec()),
                None => overlay.delete(*table, key.to_vec()),
            }
        }
        overlay.keep()
    };
    let (a, b): (&[u8], &[u8]) = (b"a", b"b");
    let one = digest(&[(Table::Users, a, Some(b)), (Table::Users, b, None)]);
    assert_eq!(one, digest(&[(Table::Users, b, None), (Table::Users, a, Some(b))]));
    for other in [
        digest(&[]),
        digest(&[(Table::Users, a, Some(b))]),
        digest(&[(Table::Tokens, a, Some(b)), (Table::Users, b, None)]),
        digest(&[(Table::Users, a, Some(b)), (Table::Users, b, Some(b""))]),
        digest(&[(Table::Users, b"ab", Some(b"")), (Table::Users, b, None)]),
    ] {
        assert_ne!(one, other);
    }
}
