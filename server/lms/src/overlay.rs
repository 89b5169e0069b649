//! Changes over a store, merged into what is read: a command sees its own writes, and so does the next one of a batch.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::store::{Order, Rows, Store, StoreError};
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

    fn layered(&self, table: Table, from: &[u8], to: Option<&[u8]>) -> BTreeMap<Vec<u8>, Option<Vec<u8>>> {
        let mut merged = BTreeMap::new();
        if to.is_some_and(|to| from >= to) {
            return merged;
        }
        let end = match to {
            Some(to) => Bound::Excluded((table, to.to_vec())),
            None => Bound::Unbounded,
        };
        for layer in [&self.kept, &self.running] {
            for ((_, key), value) in layer
                .range((Bound::Included((table, from.to_vec())), end.clone()))
                .take_while(|((in_table, _), _)| *in_table == table)
            {
                merged.insert(key.clone(), value.clone());
            }
        }
        merged
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
        let mut changed = self.layered(table, from, to);
        // Each change can hide one row of the base, so this many are enough to fill the limit.
        let base = self.base.range(table, from, to, order, limit.saturating_add(changed.len()))?;
        let exhausted = base.len() < limit.saturating_add(changed.len());
        let edge = base.last().map(|(key, _)| key.clone());
        for (key, value) in base {
            changed.entry(key).or_insert(Some(value));
        }
        let within = |key: &Vec<u8>| match (&edge, order) {
            _ if exhausted => true,
            (Some(edge), Order::Ascending) => key <= edge,
            (Some(edge), Order::Descending) => key >= edge,
            (None, _) => true,
        };
        let rows = changed.into_iter().filter_map(|(key, value)| value.map(|value| (key, value)));
        let mut rows: Rows = rows.filter(|(key, _)| within(key)).collect();
        if order == Order::Descending {
            rows.reverse();
        }
        rows.truncate(limit);
        Ok(rows)
    }
}

#[cfg(test)]
#[path = "overlay_tests.rs"]
mod tests;
