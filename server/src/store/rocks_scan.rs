//! Range reads of one table over a RocksDB cursor.

use lectern_lms::{Order, Rows, StoreError};
use rocksdb::{DB, DBRawIteratorWithThreadMode};

use super::describe;

/// Reads at most `limit` rows whose database keys are in `[from, to)`, and cuts the table's byte from each key.
pub(super) fn rows(
    mut cursor: DBRawIteratorWithThreadMode<'_, DB>,
    from: &[u8],
    to: &[u8],
    order: Order,
    limit: usize,
) -> Result<Rows, StoreError> {
    match order {
        Order::Ascending => cursor.seek(from),
        Order::Descending => {
            cursor.seek_for_prev(to);
            if cursor.key().is_some_and(|key| key >= to) {
                cursor.prev();
            }
        }
    }
    let mut rows = Rows::new();
    while rows.len() < limit
        && let Some((key, value)) = cursor.item()
    {
        let inside = match order {
            Order::Ascending => key < to,
            Order::Descending => key >= from,
        };
        if !inside {
            break;
        }
        rows.push((key[1..].to_vec(), value.to_vec()));
        match order {
            Order::Ascending => cursor.next(),
            Order::Descending => cursor.prev(),
        }
    }
    cursor.status().map_err(|error| StoreError::Disk(describe(&error)))?;
    Ok(rows)
}
