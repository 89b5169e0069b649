//! Stored files: made of a complete upload session, read by those who may read what they belong to, deleted with it.
//!
//! A file is a manifest of chunk digests ([`FileRecord`]). Each chunk it names is held for it ([`Table::ChunkHolds`]); a
//! chunk that nothing holds is collected by the schedule.

use lectern_proto::internal::v1::{
    AssignmentRecord, FileRecord, FileUse, ScheduleRecord, UploadChunkRecord, UploadRecord, schedule_record::What,
};
use lectern_proto::v1::{self, FileDeclaration};

use crate::actor::CourseAccess;
use crate::context::{Tx, View};
use crate::file_tree::{chunk_count, merge};
use crate::keys::{key1, key2};
use crate::refusal::{Reason, Refusal, Result, refuse};
use crate::store::{Order, Store, StoreError, StoreExt, StoreResult};
use crate::tables::Table;
use crate::{assignments, lookup, materials, schedule, uploads, usage, validate};

/// Turns a session into files for one use: every chunk is there, and every file has its declared digest. The session
/// ends.
pub(crate) fn finish_upload(
    tx: &mut Tx<'_, '_>,
    session: &UploadRecord,
    file_use: FileUse,
    used_by_id: &str,
) -> Result<Vec<FileRecord>> {
    let chunks = uploads::chunks(&*tx.store, session)?;
    let wanted: usize = session.files.iter().map(|file| chunk_count(file.size) as usize).sum();
    if chunks.len() < wanted {
        let missing = wanted - chunks.len();
        return Err(Refusal::new(
            Reason::ChunksMissing,
            format!("missing: {missing} of {}; send what is missing, then try again", validate::count(wanted, "chunk")),
        )
        .with("missing", missing)
        .with("chunks", wanted)
        .into());
    }
    let mut rest = &chunks[..];
    let mut finished = Vec::with_capacity(session.files.len());
    for declaration in &session.files {
        let (own, others) = rest.split_at(chunk_count(declaration.size) as usize);
        rest = others;
        check_digest(declaration, own)?;
        let file = FileRecord {
            file_id: tx.ids.next_id(),
            name: declaration.name.clone(),
            size: declaration.size,
            digest: declaration.digest.clone(),
            chunk_digests: own.iter().map(|(_, chunk)| chunk.digest.clone()).collect(),
            course_id: session.course_id.clone(),
            owner_user_id: session.user_id.clone(),
            r#use: file_use.into(),
            used_by_id: used_by_id.into(),
        };
        for digest in &file.chunk_digests {
            tx.put_raw(Table::ChunkHolds, key2(&**digest, &file.file_id), Vec::new());
        }
        tx.put(Table::Files, key1(&file.file_id), &file);
        finished.push(file);
    }
    for (key, chunk) in &chunks {
        tx.delete(Table::ChunkHolds, key2(&*chunk.digest, &session.upload_id));
        tx.delete(Table::UploadChunks, key.clone());
    }
    tx.delete(Table::Uploads, key1(&session.upload_id));
    usage::close_session(tx, session, true)?;
    Ok(finished)
}

/// The file, for those who may read it: a material's while the material is visible to them, an attachment once the
/// assignment has opened for them, a student's work for that student and the staff. Not found for everyone else.
pub fn open_file(view: &View<'_>, file_id: &str) -> Result<FileRecord> {
    view.actor.user()?;
    let not_found = || Refusal::new(Reason::NotFound, format!("no file `{file_id}` that you may read"));
    let file: FileRecord = view.store.record(Table::Files, &key1(file_id))?.ok_or_else(not_found)?;
    let access = match CourseAccess::open(view.store, view.actor, &file.course_id) {
        Ok(access) => access,
        Err(crate::Failure::Refused(refusal)) if refusal.reason == Reason::NotFound => return Err(not_found().into()),
        Err(failure) => return Err(failure),
    };
    let readable = access.is_staff()
        || match file.r#use() {
            FileUse::Material => materials::is_visible(view, &access, &file.used_by_id)?,
            FileUse::Attachment => {
                let assignment: Option<AssignmentRecord> =
                    lookup::assignment(view.store, &file.course_id, &file.used_by_id)?;
                match assignment {
                    Some(assignment) => assignments::is_open_to(view, &access, &assignment)?,
                    None => false,
                }
            }
            FileUse::Submission | FileUse::ExtensionRequest => file.owner_user_id == view.actor.user_id(),
            FileUse::Unspecified => false,
        };
    if readable { Ok(file) } else { Err(not_found().into()) }
}

/// A file as messages name it; empty fields when it is gone.
pub fn file_ref(store: &dyn Store, file_id: &str) -> StoreResult<v1::FileRef> {
    let file: FileRecord = store.record(Table::Files, &key1(file_id))?.unwrap_or_default();
    Ok(v1::FileRef { file_id: file_id.into(), name: file.name, size: file.size, digest: file.digest })
}

/// Files as messages name them, in order.
pub fn file_refs(store: &dyn Store, file_ids: &[String]) -> StoreResult<Vec<v1::FileRef>> {
    file_ids.iter().map(|id| file_ref(store, id)).collect()
}

/// Deletes a file; its chunks follow when nothing else holds them.
pub(crate) fn delete_file(tx: &mut Tx<'_, '_>, file_id: &str) -> StoreResult<()> {
    let Some(file) = tx.store.record::<FileRecord>(Table::Files, &key1(file_id))? else {
        return Ok(());
    };
    for digest in &file.chunk_digests {
        drop_hold(tx, digest, file_id)?;
    }
    tx.delete(Table::Files, key1(file_id));
    usage::delete_file(tx, &file)
}

/// Gives files to another use, as when an extension request becomes a submission.
pub(crate) fn reassign(
    tx: &mut Tx<'_, '_>,
    file_ids: &[String],
    file_use: FileUse,
    used_by_id: &str,
) -> StoreResult<()> {
    for id in file_ids {
        if let Some(mut file) = tx.store.record::<FileRecord>(Table::Files, &key1(id))? {
            file.set_use(file_use);
            file.used_by_id = used_by_id.into();
            tx.put(Table::Files, key1(id), &file);
        }
    }
    Ok(())
}

/// Ends the hold of one file or upload on a chunk. When that was the last one, the chunk is due for collection.
pub(crate) fn drop_hold(tx: &mut Tx<'_, '_>, digest: &[u8], holder_id: &str) -> StoreResult<()> {
    tx.delete(Table::ChunkHolds, key2(digest, holder_id));
    if !is_held(&*tx.store, digest)? {
        let now_ms = tx.now_ms();
        schedule::at(tx, now_ms, digest, ScheduleRecord { what: Some(What::ChunkDigest(digest.into())) });
    }
    Ok(())
}

/// Deletes a chunk unless something holds it again.
pub(crate) fn collect_chunk(tx: &mut Tx<'_, '_>, digest: &[u8]) -> StoreResult<()> {
    if !is_held(&*tx.store, digest)? {
        tx.delete(Table::Chunks, digest.into());
    }
    Ok(())
}

fn is_held(store: &dyn Store, digest: &[u8]) -> StoreResult<bool> {
    Ok(!store.prefix(Table::ChunkHolds, digest, None, Order::Ascending, 1)?.is_empty())
}

fn check_digest(declaration: &FileDeclaration, chunks: &[(Vec<u8>, UploadChunkRecord)]) -> Result<()> {
    let digest = match chunks {
        [] => blake3::hash(&[]).as_bytes().to_vec(),
        [(_, only)] => only.digest.clone(),
        _ => {
            let values = chunks.iter().map(|(_, chunk)| <[u8; 32]>::try_from(&*chunk.chaining_value));
            let values: std::result::Result<Vec<_>, _> = values.collect();
            let values = values.map_err(|problem| StoreError::Damaged {
                table: Table::UploadChunks,
                problem: format!("a chaining value: {problem}"),
            })?;
            merge(&values).as_bytes().to_vec()
        }
    };
    if digest == declaration.digest {
        return Ok(());
    }
    refuse(
        Reason::DigestMismatch,
        format!("`{}` does not have the digest that was declared: it has changed; begin again", declaration.name),
    )
}
