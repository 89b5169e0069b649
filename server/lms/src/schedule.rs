//! What is due at a time of the replicated schedule: expired uploads and tokens, chunks nothing names, releases.
//!
//! Entries are never cancelled. One that comes due looks at what it is about, and does nothing when that has ended or
//! moved to another time in the meantime.

use lectern_proto::internal::v1::{
    AssignmentRecord, MaterialRecord, ModuleRecord, ScheduleRecord, ScheduledRelease, TokenRecord, UploadRecord,
    schedule_record::What,
};
use lectern_proto::v1::EventKind;

use crate::context::{Audience, Tx};
use crate::keys::{key1, key2};
use crate::refusal::Result;
use crate::store::{Order, Store, StoreExt, StoreResult, decode};
use crate::tables::Table;
use crate::{dates, files, missing, standing, submissions, uploads};

/// Entries and chunks handled by one `Advance`: applying it takes milliseconds, whatever piled up.
const WORK_PER_ADVANCE: usize = 2_000;
/// Entries read for one `Advance`.
const ENTRIES_PER_ADVANCE: usize = 50;
/// Bytes of the time in front of a key.
const TIME_BYTES: usize = 8;

/// When the next entry is due: the leader proposes an `Advance` then.
pub fn next_due(store: &dyn Store) -> StoreResult<Option<i64>> {
    let first = store.range(Table::Schedule, &[], None, Order::Ascending, 1)?;
    Ok(first.first().map(|(key, _)| time_of(key)))
}

/// Adds an entry for that time. `id` tells entries of the same time apart; the same twice is one entry.
pub(crate) fn at(tx: &mut Tx<'_, '_>, time_ms: i64, id: &[u8], entry: ScheduleRecord) {
    tx.put(Table::Schedule, key2(time_ms, id), &entry);
}

/// Adds an entry that tells watchers of a material or module at its release, or of an assignment that opens, when that is
/// to come.
pub(crate) fn release(tx: &mut Tx<'_, '_>, release_at_ms: Option<i64>, course_id: &str, id: &str) {
    if let Some(time_ms) = release_at_ms.filter(|time| *time > tx.now_ms()) {
        let release = ScheduledRelease { course_id: course_id.into(), id: id.into() };
        at(tx, time_ms, id.as_bytes(), ScheduleRecord { what: Some(What::Release(release)) });
    }
}

/// Does what is due by now, a bounded amount.
pub(crate) fn run_due(tx: &mut Tx<'_, '_>) -> Result<()> {
    let until = key1(tx.now_ms().saturating_add(1));
    let due = tx.store.range(Table::Schedule, &[], Some(&until), Order::Ascending, ENTRIES_PER_ADVANCE)?;
    let mut work = 0;
    for (key, bytes) in due {
        if work >= WORK_PER_ADVANCE {
            break;
        }
        let entry: ScheduleRecord = decode(Table::Schedule, &bytes)?;
        tx.delete(Table::Schedule, key.clone());
        work += 1 + run(tx, time_of(&key), entry)?;
    }
    Ok(())
}

/// Does one entry; returns the work beyond the entry itself.
fn run(tx: &mut Tx<'_, '_>, time_ms: i64, entry: ScheduleRecord) -> Result<usize> {
    match entry.what {
        Some(What::UploadId(id)) => expire_upload(tx, &id),
        Some(What::TokenId(id)) => expire_token(tx, &id).map(|()| 0),
        Some(What::ChunkDigest(digest)) => Ok(files::collect_chunk(tx, &digest).map(|()| 0)?),
        Some(What::Release(release)) => announce_release(tx, time_ms, &release).map(|()| 0),
        Some(What::Missing(entry)) => missing::run(tx, &entry),
        None => Ok(0),
    }
}

fn expire_upload(tx: &mut Tx<'_, '_>, upload_id: &str) -> Result<usize> {
    let Some(session) = tx.store.record::<UploadRecord>(Table::Uploads, &key1(upload_id))? else {
        return Ok(0);
    };
    let end_ms = dates::after_outages(tx.store, session.expires_at_ms)?;
    if end_ms >= tx.now_ms() {
        let what = What::UploadId(upload_id.into());
        at(tx, end_ms + 1, upload_id.as_bytes(), ScheduleRecord { what: Some(what) });
        return Ok(0);
    }
    if !session.pledge_id.is_empty() {
        submissions::forget_pledge(tx, &session.pledge_id)?;
    }
    Ok(uploads::drop_session(tx, &session)?)
}

fn expire_token(tx: &mut Tx<'_, '_>, token_id: &[u8]) -> Result<()> {
    let token: Option<TokenRecord> = tx.store.record(Table::Tokens, &key1(token_id))?;
    if let Some(token) = token.filter(|token| token.expires_at_ms <= tx.now_ms()) {
        tx.delete(Table::Tokens, key1(token_id));
        tx.delete(Table::TokensByUser, key2(&token.user_id, token_id));
    }
    Ok(())
}

fn announce_release(tx: &mut Tx<'_, '_>, time_ms: i64, release: &ScheduledRelease) -> Result<()> {
    let ScheduledRelease { course_id, id } = release;
    let key = key2(course_id, id);
    if let Some(material) = tx.store.record::<MaterialRecord>(Table::Materials, &key)? {
        if material.release_at_ms == Some(time_ms) {
            let audience = crate::materials::audience(tx, &material)?;
            tx.event(EventKind::Material, course_id, id, audience);
        }
    } else if let Some(assignment) = tx.store.record::<AssignmentRecord>(Table::Assignments, &key)? {
        // It may be the date of an override. An event too many only makes programs ask again.
        if is_published(&assignment) {
            tx.event(EventKind::Assignment, course_id, id, Audience::Course);
        }
    } else if let Some(module) = tx.store.record::<ModuleRecord>(Table::Modules, &key)?
        && module.module.is_some_and(|module| module.release_at_ms == Some(time_ms))
    {
        tx.event(EventKind::Module, course_id, id, Audience::Course);
    }
    Ok(())
}

/// Whether students know of the assignment.
fn is_published(assignment: &AssignmentRecord) -> bool {
    !assignment.deleted && standing::is_published(assignment)
}

fn time_of(key: &[u8]) -> i64 {
    let bytes = key.get(..TIME_BYTES).and_then(|bytes| <[u8; TIME_BYTES]>::try_from(bytes).ok());
    i64::try_from(u64::from_be_bytes(bytes.expect("keys of the schedule begin with a time"))).unwrap_or(i64::MAX)
}
