//! A store in memory, for tests and simulations.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::overlay::Change;
use crate::store::{Order, Rows, Store, StoreError};
use crate::tables::Table;

/// Tables in a map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryStore {
    rows: BTreeMap<(Table, Vec<u8>), Vec<u8>>,
}

impl MemoryStore {
    /// Makes the changes.
    pub fn commit(&mut self, changes: Vec<Change>) {
        for Change { table, key, value } in changes {
            match value {
                Some(value) => self.rows.insert((table, key), value),
                None => self.rows.remove(&(table, key)),
            };
        }
    }

    /// How many rows a table has.
    pub fn len(&self, table: Table) -> usize {
        self.rows.keys().filter(|(in_table, _)| *in_table == table).count()
    }
}

impl Store for MemoryStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.rows.get(&(table, key.to_vec())).cloned())
    }

    fn range(
        &self,
        table: Table,
        from: &[u8],
        to: Option<&[u8]>,
        order: Order,
        limit: usize,
    ) -> Result<Rows, StoreError> {
        if to.is_some_and(|to| from >= to) {
            return Ok(Rows::new());
        }
        let end = to.map_or(Bound::Unbounded, |to| Bound::Excluded((table, to.to_vec())));
        let rows = self
            .rows
            .range((Bound::Included((table, from.to_vec())), end))
            .take_while(|((in_table, _), _)| *in_table == table)
            .map(|((_, key), value)| (key.clone(), value.clone()));
        Ok(match order {
            Order::Ascending => rows.take(limit).collect(),
            Order::Descending => {
                let mut all: Rows = rows.collect();
                all.reverse();
                all.truncate(limit);
                all
            }
        })
    }
}
