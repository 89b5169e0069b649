//! Changes over a store, merged into what is read: a command sees its own writes, and so does the next one of a batch.

use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use crate::store::{Order, Rows, Store, StoreError, StoreResult};
use crate::tables::Table;

/// One changed key: `None` deletes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which table.
    pub table: Table,
    /// Which key.
    pub key: Vec<u8>,
    /// The new value.
    pub value: Option<Vec<u8>>,
}

type Layer = BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>;

/// A store under two layers of changes: those of the commands applied before in this batch, and those of the command
/// that is running, which [`Overlay::keep`] adds to the first or [`Overlay::discard`] drops.
pub struct Overlay<'a> {
    base: &'a dyn Store,
    kept: Layer,
    running: Layer,
}

impl<'a> Overlay<'a> {
    /// No changes yet over `base`.
    pub fn new(base: &'a dyn Store) -> Self {
        Self { base, kept: Layer::new(), running: Layer::new() }
    }

    /// Sets a key in the running layer.
    pub fn put(&mut self, table: Table, key: Vec<u8>, value: Vec<u8>) {
        self.running.insert((table, key), Some(value));
    }

    /// Deletes a key in the running layer.
    pub fn delete(&mut self, table: Table, key: Vec<u8>) {
        self.running.insert((table, key), None);
    }

    /// Drops the running layer.
    pub fn discard(&mut self) {
        self.running.clear();
    }

    /// Adds the running layer to the kept one and returns the BLAKE3 digest of it, in key order: what the replicas' hash
    /// chain is made of.
    pub fn keep(&mut self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        for ((table, key), value) in std::mem::take(&mut self.running) {
            hasher.update(&[table as u8]);
            hasher.update(&(key.len() as u64).to_be_bytes());
            hasher.update(&key);
            match &value {
                None => hasher.update(&[0]),
                Some(value) => hasher.update(&[1]).update(&(value.len() as u64).to_be_bytes()).update(value),
            };
            self.kept.insert((table, key), value);
        }
        *hasher.finalize().as_bytes()
    }

    /// Everything kept, in key order.
    pub fn into_changes(self) -> Vec<Change> {
        assert!(self.running.is_empty(), "a command was neither kept nor discarded");
        self.kept.into_iter().map(|((table, key), value)| Change { table, key, value }).collect()
    }

    /// The changed keys of a range in `order`: of a key that both layers change, what the running command says.
    fn changes(&self, table: Table, from: &[u8], to: Option<&[u8]>, order: Order) -> impl Iterator<Item = Changed<'_>> {
        let mut kept = in_range(&self.kept, table, from, to, order).peekable();
        let mut running = in_range(&self.running, table, from, to, order).peekable();
        std::iter::from_fn(move || match (kept.peek(), running.peek()) {
            (Some((old, _)), Some((new, _))) => match compare(old, new, order) {
                Ordering::Less => kept.next(),
                Ordering::Equal => kept.next().and(running.next()),
                Ordering::Greater => running.next(),
            },
            (_, None) => kept.next(),
            (None, _) => running.next(),
        })
    }
}

/// A changed key with its new value, `None` where it is deleted.
type Changed<'a> = (&'a [u8], Option<&'a [u8]>);

/// Which of two keys comes first in `order`.
fn compare(one: &[u8], other: &[u8], order: Order) -> Ordering {
    match order {
        Order::Ascending => one.cmp(other),
        Order::Descending => other.cmp(one),
    }
}

/// The part of a layer that is in a range, in `order`.
fn in_range<'a>(
    layer: &'a Layer,
    table: Table,
    from: &[u8],
    to: Option<&[u8]>,
    order: Order,
) -> Box<dyn Iterator<Item = Changed<'a>> + 'a> {
    if to.is_some_and(|to| from >= to) {
        return Box::new(std::iter::empty());
    }
    let end = match to {
        Some(to) => Bound::Excluded((table, to.to_vec())),
        None => Bound::Unbounded,
    };
    let changed = |((_, key), value): (&'a (Table, Vec<u8>), &'a Option<Vec<u8>>)| (&**key, value.as_deref());
    let rows = layer.range((Bound::Included((table, from.to_vec())), end));
    match order {
        Order::Ascending => Box::new(rows.take_while(move |((at, _), _)| *at == table).map(changed)),
        Order::Descending => Box::new(rows.rev().skip_while(move |((at, _), _)| *at != table).map(changed)),
    }
}

impl Store for Overlay<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let at = (table, key.to_vec());
        match self.running.get(&at).or_else(|| self.kept.get(&at)) {
            Some(value) => Ok(value.clone()),
            None => self.base.get(table, key),
        }
    }

    fn range(
        &self,
        table: Table,
        from: &[u8],
        to: Option<&[u8]>,
        order: Order,
        limit: usize,
    ) -> Result<Rows, StoreError> {
        let mut changes = self.changes(table, from, to, order).peekable();
        let mut base = Pages {
            store: self.base,
            table,
            from: from.to_vec(),
            to: to.map(<[u8]>::to_vec),
            order,
            limit,
            rows: VecDeque::new(),
            more: true,
        };
        let mut rows = Rows::new();
        while rows.len() < limit {
            let before = match (changes.peek(), base.peek()?) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((above, _)), Some(below)) => compare(above, below, order),
            };
            // A change hides the base's row of its key.
            let below = before.is_ge().then(|| base.rows.pop_front()).flatten();
            let above = before.is_le().then(|| changes.next()).flatten();
            rows.extend(match above {
                Some((key, value)) => value.map(|value| (key.to_vec(), value.to_vec())),
                None => below,
            });
        }
        Ok(rows)
    }
}

/// A range of the base, read in parts: however many of its rows changes hide, as many are read as are needed.
struct Pages<'a> {
    store: &'a dyn Store,
    table: Table,
    /// What is not read yet: `from <= key`, and `key < to` where there is a `to`.
    from: Vec<u8>,
    to: Option<Vec<u8>>,
    order: Order,
    /// Rows of the next part.
    limit: usize,
    /// Read, and not taken yet.
    rows: VecDeque<(Vec<u8>, Vec<u8>)>,
    /// Whether there may be rows that are not read yet.
    more: bool,
}

impl Pages<'_> {
    /// The key of the next row.
    fn peek(&mut self) -> StoreResult<Option<&[u8]>> {
        if self.rows.is_empty() && self.more {
            self.rows = self.store.range(self.table, &self.from, self.to.as_deref(), self.order, self.limit)?.into();
            self.more = self.rows.len() == self.limit;
            // Changes hide many rows where a queue is emptied from its front.
            self.limit = self.limit.saturating_mul(2);
            if let Some((last, _)) = self.rows.back() {
                match self.order {
                    Order::Ascending => self.from = [last, &[0][..]].concat(),
                    Order::Descending => self.to = Some(last.clone()),
                }
            }
        }
        Ok(self.rows.front().map(|(key, _)| &**key))
    }
}

#[cfg(test)]
#[path = "overlay_tests.rs"]
mod tests;
