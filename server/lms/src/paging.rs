//! Pages of what a caller may see, where not every row of a table is for them.

use prost::Message;

use crate::context::{PageRequest, to_hex};
use crate::refusal::{Reason, Result, refuse};
use crate::store::{Order, Store, StoreExt, decode};
use crate::tables::Table;

/// Rows read for one page at most; where more had to be skipped the page comes short, with a token to go on.
const SCANNED_ROWS: usize = 5_000;

/// A page ends after the row that brings it to this many bytes: long texts must fit into one reply.
pub(crate) const PAGE_BYTES: usize = 1024 * 1024;

/// Rows read at a time: few, since some records carry a long text.
const BATCH: usize = 50;

/// A page of the records under `prefix` that `take` turns into something, and the token of the next page, empty at the
/// end of the table. `take` answers `None` for those to be left out.
pub(crate) fn scan<M: Message + Default, T: Message>(
    store: &dyn Store,
    (table, prefix, order): (Table, &[u8], Order),
    page: &PageRequest,
    mut take: impl FnMut(M) -> Result<Option<T>>,
) -> Result<(Vec<T>, String)> {
    collect(store, table, prefix, order, page, |_, value| take(decode(table, value)?))
}

/// Like [`scan`], for tables whose values are no records, such as indexes: `pick` is given the key and the value.
pub(crate) fn collect<T: Message>(
    store: &dyn Store,
    table: Table,
    prefix: &[u8],
    order: Order,
    page: &PageRequest,
    mut pick: impl FnMut(&[u8], &[u8]) -> Result<Option<T>>,
) -> Result<(Vec<T>, String)> {
    let mut after = page.after.clone();
    if after.as_ref().is_some_and(|key| !key.starts_with(prefix)) {
        return refuse(Reason::InvalidArgument, "page_token belongs to another list; start again with an empty one");
    }
    let (mut picked, mut bytes) = (Vec::new(), 0);
    for _ in 0..SCANNED_ROWS / BATCH {
        let rows = store.prefix(table, prefix, after.as_deref(), order, BATCH)?;
        let last_batch = rows.len() < BATCH;
        for (key, value) in rows {
            if picked.len() >= page.rows || bytes >= PAGE_BYTES {
                return Ok((picked, next_token(after.as_deref())));
            }
            if let Some(item) = pick(&key, &value)? {
                bytes += item.encoded_len();
                picked.push(item);
            }
            after = Some(key);
        }
        if last_batch {
            return Ok((picked, String::new()));
        }
    }
    Ok((picked, next_token(after.as_deref())))
}

fn next_token(last_key: Option<&[u8]>) -> String {
    last_key.map(to_hex).unwrap_or_default()
}

/// Every record under `prefix`, in ascending order of keys, up to `limit`, read in small batches.
pub(crate) fn each<M: Message + Default>(
    store: &dyn Store,
    table: Table,
    prefix: &[u8],
    limit: usize,
    mut visit: impl FnMut(M) -> Result<()>,
) -> Result<()> {
    let mut after: Option<Vec<u8>> = None;
    let mut left = limit;
    while left > 0 {
        let want = left.min(BATCH);
        let rows = store.prefix(table, prefix, after.as_deref(), Order::Ascending, want)?;
        let last_batch = rows.len() < want;
        left -= rows.len();
        for (key, bytes) in rows {
            visit(decode(table, &bytes)?)?;
            after = Some(key);
        }
        if last_batch {
            break;
        }
    }
    Ok(())
}
