//! Exactly once: the outcome of a command is kept under its user and key, in the same batch as its effect; without the
//! long texts that the request carries anyway (`recorded_texts.rs`).

use lectern_proto::internal::v1::{Command, IdempotencyRecord, Outcome};
use prost::Message;

use crate::actor::Actor;
use crate::context::Context;
use crate::keys::{key2, key3};
use crate::limits::{IDEMPOTENCY_KEY_CHARS, IDEMPOTENCY_MS, MAX_EXPIRED_KEYS};
use crate::overlay::Overlay;
use crate::refusal::{Reason, refuse};
use crate::store::{Order, Store, StoreError, StoreExt, encode};
use crate::tables::Table;
use crate::{levels, recorded_texts};

/// Entries from one sweep to the next.
const SWEEP_EVERY: u64 = 64;
/// Records that a sweep forgets at most: more than are made from one to the next.
const SWEPT: usize = 64 * MAX_EXPIRED_KEYS;

/// The outcome of an earlier command with the same user and key. Refused when that was another request.
pub fn recorded(store: &dyn Store, actor: &Actor, command: &Command) -> crate::Result<Option<Outcome>> {
    let key = &command.idempotency_key;
    if key.is_empty() || actor.user_id().is_empty() {
        return Ok(None);
    }
    if key.chars().count() > IDEMPOTENCY_KEY_CHARS {
        return refuse(
            Reason::TooLong,
            format!("the idempotency key is longer than {IDEMPOTENCY_KEY_CHARS} characters; use a ULID or a UUID"),
        );
    }
    let record: Option<IdempotencyRecord> = store.record(Table::Idempotency, &key2(actor.user_id(), key))?;
    match record {
        None => Ok(None),
        Some(record) if record.request_hash != command.request_hash => refuse(
            Reason::KeyReused,
            "this idempotency key was used for another request; make a new key for each new request",
        ),
        Some(record) => {
            let outcome = Outcome::decode(&*record.outcome)
                .map_err(|problem| StoreError::Damaged { table: Table::Idempotency, problem: problem.to_string() })?;
            match &command.body {
                Some(body) => Ok(Some(recorded_texts::restored(store, body, outcome)?)),
                None => Ok(Some(outcome)),
            }
        }
    }
}

/// Keeps the outcome under the command's key, and forgets records whose time has passed: with every so many entries, or, below
/// [`levels::SWEEPS`], with each.
pub fn record(
    store: &mut Overlay<'_>,
    context: &Context,
    actor: &Actor,
    command: &Command,
    outcome: &Outcome,
) -> Result<(), StoreError> {
    let key = &command.idempotency_key;
    if key.is_empty() || actor.user_id().is_empty() {
        return Ok(());
    }
    let outcome = match &command.body {
        Some(body) => recorded_texts::abridged(body, outcome)?,
        None => outcome.clone(),
    };
    let record = IdempotencyRecord {
        request_hash: command.request_hash.clone(),
        index: context.index,
        at_ms: context.now_ms,
        outcome: outcome.encode_to_vec(),
    };
    store.put(Table::Idempotency, key2(actor.user_id(), key), encode(&record));
    store.put(Table::IdempotencyByTime, key3(context.now_ms, actor.user_id(), key), Vec::new());
    if !levels::has_sweeps(store)? {
        return forget_expired(store, context.now_ms, MAX_EXPIRED_KEYS);
    }
    // To look takes longer than to forget.
    if context.index.is_multiple_of(SWEEP_EVERY) {
        forget_expired(store, context.now_ms, SWEPT)?;
    }
    Ok(())
}

/// Forgets at most `limit` records older than [`IDEMPOTENCY_MS`].
pub fn forget_expired(store: &mut Overlay<'_>, now_ms: i64, limit: usize) -> Result<(), StoreError> {
    const TIME_BYTES: usize = 8;
    let end = key2(now_ms - IDEMPOTENCY_MS, "");
    for (key, _) in store.range(Table::IdempotencyByTime, &[], Some(&end), Order::Ascending, limit)? {
        store.delete(Table::Idempotency, key[TIME_BYTES..].to_vec());
        store.delete(Table::IdempotencyByTime, key);
    }
    Ok(())
}

#[cfg(test)]
#[path = "idempotency_tests.rs"]
mod tests;
