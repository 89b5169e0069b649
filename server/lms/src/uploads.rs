//! Upload sessions: files declared first, their chunks put in any order, then used in one go by what needs them.
//!
//! * A session belongs to the person who began it, and lives for [`limits::UPLOAD_WINDOW_MS`].
//! * It only ever names chunks that were put *in it*, in full. A digest alone opens nothing: another student's work cannot
//!   be claimed by the digest on its receipt. That the bytes of equal chunks are stored once cannot be observed.
//! * What it declares is counted against the quotas from the beginning (`usage.rs`).
//!
//! `files.rs` turns a complete session into files.

use lectern_proto::internal::v1::{
    CourseRecord, ScheduleRecord, UploadChunkRecord, UploadPurpose, UploadRecord, schedule_record::What,
};
use lectern_proto::v1::{self, FileDeclaration};

use crate::actor::CourseAccess;
use crate::context::{Tx, View};
use crate::file_tree::{chaining_value, chunk_count, chunk_length};
use crate::keys::{key1, key2, key3};
use crate::refusal::{Reason, Refusal, Result, refuse};
use crate::store::{Order, Store, StoreExt, StoreResult};
use crate::tables::Table;
use crate::{dates, file_names, files, limits, schedule, usage, validate};

/// What a session is opened for.
pub(crate) struct Opening<'a> {
    /// Where its bytes count.
    pub course: &'a CourseRecord,
    /// Staff's material, or a student's work.
    pub purpose: UploadPurpose,
    /// For a student's work: the assignment.
    pub assignment_id: &'a str,
    /// And the pledge.
    pub pledge_id: &'a str,
    /// Whether names may be paths.
    pub directory: bool,
    /// What will come.
    pub files: &'a [FileDeclaration],
}

/// Opens a session of the actor's, after checking names, sizes and quotas.
pub(crate) fn open_session(tx: &mut Tx<'_, '_>, opening: &Opening<'_>) -> Result<UploadRecord> {
    let session = UploadRecord {
        upload_id: tx.ids.next_id(),
        user_id: tx.actor.user()?.user_id.clone(),
        course_id: opening.course.course_id.clone(),
        purpose: opening.purpose.into(),
        assignment_id: opening.assignment_id.into(),
        pledge_id: opening.pledge_id.into(),
        stored_chunks: vec![0; opening.files.len()],
        files: check_declarations(opening.files, opening.directory)?,
        created_at_ms: tx.now_ms(),
        expires_at_ms: tx.now_ms() + limits::UPLOAD_WINDOW_MS,
    };
    usage::open_session(tx, opening.course, &session)?;
    let what = What::UploadId(session.upload_id.clone());
    schedule::at(tx, session.expires_at_ms, session.upload_id.as_bytes(), ScheduleRecord { what: Some(what) });
    tx.put(Table::Uploads, key1(&session.upload_id), &session);
    Ok(session)
}

/// Opens a session for materials and attachments. For the course's staff.
pub(crate) fn begin_upload(tx: &mut Tx<'_, '_>, request: &v1::BeginUploadRequest) -> Result<v1::BeginUploadResponse> {
    let access = CourseAccess::open(tx.store, &tx.actor, &request.course)?;
    access.require_staff()?;
    access.require_open()?;
    let session = open_session(
        tx,
        &Opening {
            course: &access.course,
            purpose: UploadPurpose::Course,
            assignment_id: "",
            pledge_id: "",
            directory: false,
            files: &request.files,
        },
    )?;
    Ok(v1::BeginUploadResponse { upload: Some(to_proto(tx.store, &session)?) })
}

/// Stores one chunk of a session of the caller's. Putting it again changes nothing.
pub(crate) fn put_chunk(tx: &mut Tx<'_, '_>, request: &v1::PutChunkRequest) -> Result<v1::PutChunkResponse> {
    let mut session = own_session(tx, &request.upload_id)?;
    require_role(tx, &session)?;
    let file_index = request.file_index as usize;
    let Some(declaration) = session.files.get(file_index) else {
        return refuse(Reason::InvalidArgument, format!("the upload has no file {file_index}; they count from 0"));
    };
    check_chunk(declaration, request)?;
    let key = key3(&session.upload_id, request.file_index, request.chunk_index);
    match tx.store.record::<UploadChunkRecord>(Table::UploadChunks, &key)? {
        Some(stored) if stored.digest == request.digest => {}
        Some(_) => {
            return refuse(
                Reason::DigestMismatch,
                format!(
                    "chunk {} of `{}` was put with other bytes before: the file has changed; begin a new upload",
                    request.chunk_index, declaration.name
                ),
            );
        }
        None => {
            session.stored_chunks[file_index] += 1;
            store_chunk(tx, &session, request, key)?;
        }
    }
    let missing_in_file = chunk_count(session.files[file_index].size) - session.stored_chunks[file_index];
    Ok(v1::PutChunkResponse { missing_in_file })
}

/// A session of the caller's and its missing chunks.
pub fn get_upload(view: &View<'_>, request: &v1::GetUploadRequest) -> Result<v1::GetUploadResponse> {
    let session = find_own(view.store, view.actor.user()?.user_id.as_str(), &request.upload_id)?;
    Ok(v1::GetUploadResponse { upload: Some(to_proto(view.store, &session)?) })
}

/// A session of the actor's whose window has not passed.
pub(crate) fn own_session(tx: &Tx<'_, '_>, upload_id: &str) -> Result<UploadRecord> {
    let session = find_own(&*tx.store, &tx.actor.user()?.user_id, upload_id)?;
    if dates::after_outages(&*tx.store, session.expires_at_ms)? < tx.now_ms() {
        return refuse(Reason::UploadExpired, "the upload's window has passed; begin a new upload");
    }
    Ok(session)
}

/// A session of the actor's for materials and attachments of that course.
pub(crate) fn course_session(tx: &Tx<'_, '_>, course_id: &str, upload_id: &str) -> Result<UploadRecord> {
    let session = own_session(tx, upload_id)?;
    if session.purpose() == UploadPurpose::Course && session.course_id == course_id {
        return Ok(session);
    }
    Err(not_found(upload_id))
}

/// Ends a session whose files are not wanted any more. Returns how many chunks it had.
pub(crate) fn drop_session(tx: &mut Tx<'_, '_>, session: &UploadRecord) -> StoreResult<usize> {
    let chunks = chunks(tx.store, session)?;
    for (key, chunk) in &chunks {
        files::drop_hold(tx, &chunk.digest, &session.upload_id)?;
        tx.delete(Table::UploadChunks, key.clone());
    }
    tx.delete(Table::Uploads, key1(&session.upload_id));
    usage::close_session(tx, session, false)?;
    Ok(chunks.len())
}

/// The chunks that were put in a session, by file and place.
pub(crate) fn chunks(store: &dyn Store, session: &UploadRecord) -> StoreResult<Vec<(Vec<u8>, UploadChunkRecord)>> {
    let count: usize = session.stored_chunks.iter().map(|count| *count as usize).sum();
    store.records(Table::UploadChunks, session.upload_id.as_bytes(), None, Order::Ascending, count)
}

/// A session with what is missing.
pub(crate) fn to_proto(store: &dyn Store, session: &UploadRecord) -> StoreResult<v1::Upload> {
    let mut files: Vec<v1::UploadFile> = session
        .files
        .iter()
        .map(|declaration| {
            let chunk_count = chunk_count(declaration.size);
            v1::UploadFile { declaration: Some(declaration.clone()), chunk_count, missing: (0..chunk_count).collect() }
        })
        .collect();
    for (file, (index, stored)) in files.iter_mut().zip((0_u32..).zip(&session.stored_chunks)) {
        let prefix = key2(&session.upload_id, index);
        let rows = store.prefix(Table::UploadChunks, &prefix, None, Order::Ascending, *stored as usize)?;
        // Keys come in the order of the chunks, so the stored ones are taken out of the list in one pass.
        let mut present = rows.iter().map(|(key, _)| &key[prefix.len()..]).peekable();
        file.missing.retain(|chunk| present.next_if_eq(&&chunk.to_be_bytes()[..]).is_none());
    }
    Ok(v1::Upload { upload_id: session.upload_id.clone(), expires_at_ms: session.expires_at_ms, files })
}

fn find_own(store: &dyn Store, user_id: &str, upload_id: &str) -> Result<UploadRecord> {
    let session: Option<UploadRecord> = store.record(Table::Uploads, &key1(upload_id))?;
    session.filter(|session| session.user_id == user_id).ok_or_else(|| not_found(upload_id))
}

fn not_found(upload_id: &str) -> crate::Failure {
    let message = format!("no open upload `{upload_id}` of yours: it was used, or its window passed; begin a new one");
    Refusal::new(Reason::NotFound, message).into()
}

/// Who lost their role since the session began may not go on.
fn require_role(tx: &Tx<'_, '_>, session: &UploadRecord) -> Result<()> {
    let access = CourseAccess::open(&*tx.store, &tx.actor, &session.course_id)?;
    access.require_open()?;
    match session.purpose() {
        UploadPurpose::Submission => access.require_student(),
        UploadPurpose::Course | UploadPurpose::Unspecified => access.require_staff(),
    }
}

fn check_declarations(files: &[FileDeclaration], directory: bool) -> Result<Vec<FileDeclaration>> {
    if files.is_empty() {
        return refuse(Reason::InvalidArgument, "no files are named; name at least one");
    }
    if files.len() > limits::FILES_PER_UPLOAD {
        let (count, limit) = (files.len(), limits::FILES_PER_UPLOAD);
        return refuse(Reason::TooMany, format!("{count} files; at most {limit} go in one upload: pack some together"));
    }
    let names = file_names::check(files.iter().map(|file| &*file.name), directory)?;
    for file in files {
        if file.digest.len() != blake3::OUT_LEN {
            return refuse(Reason::InvalidArgument, format!("the digest of `{}` is not 32 bytes of BLAKE3", file.name));
        }
        if file.size > limits::FILE_BYTES {
            return Err(too_large(&file.name, file.size, limits::FILE_BYTES));
        }
    }
    let total: u64 = files.iter().map(|file| file.size).sum();
    if total > limits::UPLOAD_BYTES {
        let limit = limits::UPLOAD_BYTES;
        let message = format!("the files have {total} bytes together; at most {limit} are taken");
        return Err(Refusal::new(Reason::TooLarge, message).with("limit", limit).with("actual", total).into());
    }
    let checked = names.into_iter().zip(files);
    Ok(checked.map(|(name, file)| FileDeclaration { name, size: file.size, digest: file.digest.clone() }).collect())
}

/// The refusal of a file over its limit.
pub(crate) fn too_large(name: &str, size: u64, limit: u64) -> crate::Failure {
    Refusal::new(Reason::TooLarge, format!("`{name}` has {size} bytes; at most {limit} are taken"))
        .with("name", name)
        .with("limit", limit)
        .with("actual", size)
        .into()
}

fn check_chunk(declaration: &FileDeclaration, request: &v1::PutChunkRequest) -> Result<()> {
    let (name, index) = (&declaration.name, request.chunk_index);
    if index >= chunk_count(declaration.size) {
        return refuse(Reason::InvalidArgument, format!("`{name}` has no chunk {index}; they count from 0"));
    }
    let length = chunk_length(declaration.size, index);
    if request.data.len() as u64 != length {
        return refuse(
            Reason::InvalidArgument,
            format!(
                "chunk {index} of `{name}` has {} and must have {length}",
                validate::count(request.data.len(), "byte")
            ),
        );
    }
    if blake3::hash(&request.data).as_bytes()[..] != request.digest[..] {
        return refuse(
            Reason::DigestMismatch,
            format!("chunk {index} of `{name}` does not have the digest sent with it; send it again"),
        );
    }
    Ok(())
}

fn store_chunk(
    tx: &mut Tx<'_, '_>,
    session: &UploadRecord,
    request: &v1::PutChunkRequest,
    key: Vec<u8>,
) -> StoreResult<()> {
    let chunk = UploadChunkRecord {
        digest: request.digest.clone(),
        chaining_value: chaining_value(request.chunk_index, &request.data).to_vec(),
    };
    tx.put(Table::UploadChunks, key, &chunk);
    tx.put_raw(Table::ChunkHolds, key2(&*chunk.digest, &session.upload_id), Vec::new());
    if !tx.store.contains(Table::Chunks, &chunk.digest)? {
        tx.put_raw(Table::Chunks, chunk.digest, request.data.to_vec());
    }
    tx.put(Table::Uploads, key1(&session.upload_id), session);
    Ok(())
}

#[cfg(test)]
#[path = "uploads_tests.rs"]
mod tests;
