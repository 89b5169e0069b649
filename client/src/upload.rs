//! Uploads: the missing chunks of a session, several at once, for as long as there is progress.

use std::collections::VecDeque;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use bytes::Bytes;
use lectern_proto::{CHUNK_BYTES, v1};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::local::{LocalFile, declare, open_regular};
use crate::{Client, ClientError};

/// Chunks on their way at the same time: enough to fill the leader's group commit.
const IN_FLIGHT: usize = 8;

/// How far a transfer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that have arrived.
    pub bytes_done: u64,
    /// Bytes in all.
    pub bytes_total: u64,
}

/// Hears of progress. Called often: draw at your own pace.
pub type OnProgress<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// One missing chunk.
#[derive(Clone, Copy, Debug)]
struct Missing {
    file: u32,
    chunk: u32,
    bytes: u64,
}

/// Puts the missing chunks of the session `upload`, whose files are `sources` in the same order. Lives through a leader's
/// death: it asks what is still missing and goes on, until nothing has arrived for
/// [`crate::ClientOptions::transfer_patience`].
pub async fn upload(
    client: &Client,
    mut upload: v1::Upload,
    sources: &[LocalFile],
    progress: OnProgress<'_>,
) -> Result<(), ClientError> {
    if upload.files.len() != sources.len() {
        return Err(malformed("the session's files"));
    }
    let total: u64 = upload.files.iter().filter_map(|file| file.declaration.as_ref()).map(|file| file.size).sum();
    let mut backoff = Backoff::new(client.options().max_backoff);
    let mut last_progress = Instant::now();
    loop {
        let missing = missing_chunks(&upload);
        let left: u64 = missing.iter().map(|chunk| chunk.bytes).sum();
        let mut tally = Progress { bytes_done: total.saturating_sub(left), bytes_total: total };
        progress(tally);
        if missing.is_empty() {
            return Ok(());
        }
        let before = tally.bytes_done;
        let error = match put_all(client, &upload.upload_id, missing, sources, &mut tally, progress).await {
            // The session says itself whether everything is there.
            Ok(()) => None,
            Err(error) if error.is_transient() || error.is_refused_for("INTERNAL") => Some(error),
            Err(error) => return Err(error),
        };
        if tally.bytes_done > before {
            last_progress = Instant::now();
            backoff = Backoff::new(client.options().max_backoff);
        }
        if let Some(error) = error {
            if last_progress.elapsed() >= client.options().transfer_patience {
                return Err(error);
            }
            tokio::time::sleep(backoff.next_pause()).await;
        }
        upload = match client.call(v1::GetUploadRequest { upload_id: upload.upload_id.clone() }).await {
            Ok(response) => response.upload.ok_or_else(|| malformed("an upload"))?,
            Err(error) if error.is_transient() && last_progress.elapsed() < client.options().transfer_patience => {
                upload
            }
            Err(error) => return Err(error),
        };
    }
}

/// Digests `files`, opens a session for materials or attachments in `course`, and uploads them: returns the session's
/// id, for the call that uses it.
pub async fn upload_files(
    client: &Client,
    course: &str,
    files: &[LocalFile],
    progress: OnProgress<'_>,
) -> Result<String, ClientError> {
    let declarations = declare(files, &|_| {}).await?;
    let request = v1::BeginUploadRequest { course: course.into(), files: declarations };
    let session = client.call(request).await?.upload.ok_or_else(|| malformed("an upload"))?;
    let id = session.upload_id.clone();
    upload(client, session, files, progress).await?;
    Ok(id)
}

/// A node's answer lacks what the contract promises.
pub(crate) fn malformed(what: &str) -> ClientError {
    ClientError::refused(tonic::Code::Internal, "INTERNAL", format!("the node answered without {what}"))
}

fn missing_chunks(upload: &v1::Upload) -> VecDeque<Missing> {
    let chunk_bytes = CHUNK_BYTES as u64;
    let of_file = |(file, entry): (u32, &v1::UploadFile)| {
        let size = entry.declaration.as_ref().map_or(0, |declaration| declaration.size);
        let missing = entry.missing.clone();
        missing.into_iter().map(move |chunk| {
            let begin = u64::from(chunk) * chunk_bytes;
            Missing { file, chunk, bytes: size.saturating_sub(begin).min(chunk_bytes) }
        })
    };
    (0..).zip(&upload.files).flat_map(of_file).collect()
}

async fn put_all(
    client: &Client,
    upload_id: &str,
    mut missing: VecDeque<Missing>,
    sources: &[LocalFile],
    tally: &mut Progress,
    progress: OnProgress<'_>,
) -> Result<(), ClientError> {
    // Dropping the set on an error ends what is still on its way.
    let mut on_their_way = JoinSet::new();
    loop {
        while on_their_way.len() < IN_FLIGHT
            && let Some(chunk) = missing.pop_front()
        {
            let source = sources.get(chunk.file as usize).ok_or_else(|| malformed("the session's files"))?.clone();
            on_their_way.spawn(put(client.clone(), upload_id.to_owned(), chunk, source));
        }
        let Some(done) = on_their_way.join_next().await else { return Ok(()) };
        let bytes = done.unwrap_or_else(|error| Err(ClientError::unreachable(error.to_string())))?;
        tally.bytes_done += bytes;
        progress(*tally);
    }
}

async fn put(client: Client, upload_id: String, chunk: Missing, source: LocalFile) -> Result<u64, ClientError> {
    let path = source.path.clone();
    let read = tokio::task::spawn_blocking(move || read_chunk(&source.path, chunk));
    let data = match read.await.unwrap_or_else(|error| Err(io::Error::other(error))) {
        Ok(data) => data,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            let message = format!("{} became shorter while it was uploaded", path.display());
            return Err(ClientError::DigestMismatch { message });
        }
        Err(error) => return Err(ClientError::io(path, error)),
    };
    let digest = blake3::hash(&data).as_bytes().to_vec();
    let request = v1::PutChunkRequest { upload_id, file_index: chunk.file, chunk_index: chunk.chunk, data, digest };
    client.call(request).await?;
    Ok(chunk.bytes)
}

fn read_chunk(path: &Path, chunk: Missing) -> io::Result<Bytes> {
    let mut file = open_regular(path)?;
    file.seek(SeekFrom::Start(u64::from(chunk.chunk) * CHUNK_BYTES as u64))?;
    let mut data = vec![0; usize::try_from(chunk.bytes).map_err(io::Error::other)?];
    file.read_exact(&mut data)?;
    Ok(data.into())
}
