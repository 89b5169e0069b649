//! Downloads: beside the destination first, from where the last try stopped, and in place only once verified.

use std::ffi::OsString;
use std::fs;
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};

use lectern_proto::{CHUNK_BYTES, v1};
use lectern_rpc::v1::file_service_client::FileServiceClient;
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tokio::time::Instant;
use tonic::{Request, Status};

use crate::backoff::Backoff;
use crate::call::{authorise, describe, in_time};
use crate::diagnosis::why_unreachable;
use crate::error::{Verdict, final_error, judge, reason_of};
use crate::save::{in_the_way, put_in_place};
use crate::upload::{OnProgress, Progress, malformed};
use crate::{Client, ClientError};

/// Fetches a file to `destination`, which must not exist unless `overwrite`. The bytes go to a hidden file beside it,
/// are checked against the file's digest, and take its place at the end; after a break, in this call or a later one, the
/// download goes on where it stopped.
pub async fn download(
    client: &Client,
    file_id: &str,
    destination: &Path,
    overwrite: bool,
    progress: OnProgress<'_>,
) -> Result<v1::FileRef, ClientError> {
    if !overwrite && destination.symlink_metadata().is_ok() {
        return Err(in_the_way(destination));
    }
    let mut part = Part::open(destination, file_id).await?;
    let mut backoff = Backoff::new(client.options().max_backoff);
    let mut last_progress = Instant::now();
    let mut avoid = Vec::new();
    let file = loop {
        client.discover();
        let node = client.nodes().pick(false, &avoid);
        let before = part.bytes;
        let interruption = match part.fetch(client, &node, file_id, progress).await {
            Ok(file) => break file,
            Err(Interruption::Local(error)) => return Err(error),
            Err(Interruption::Remote(status)) => status,
        };
        if judge(&interruption) == Verdict::Final {
            return Err(final_error(&interruption));
        }
        client.update_link(|link| link.retrying(std::time::Instant::now(), interruption.message()));
        if part.bytes > before {
            last_progress = Instant::now();
            backoff = Backoff::new(client.options().max_backoff);
        }
        if last_progress.elapsed() >= patience(client) {
            return Err(why_unreachable(client, reason_of(&interruption), interruption.message()).await);
        }
        if avoid.len() + 1 >= client.addresses().len() {
            avoid.clear();
        }
        avoid.push(node.address.clone());
        tokio::time::sleep(backoff.next_pause()).await;
    };
    part.finish(destination, overwrite, &file).await?;
    Ok(file)
}

fn patience(client: &Client) -> std::time::Duration {
    let options = client.options();
    if client.ever_answered() { options.transfer_patience } else { options.first_contact_deadline }
}

/// Why a stream did not come to its end.
enum Interruption {
    Local(ClientError),
    Remote(Status),
}

impl From<Status> for Interruption {
    fn from(status: Status) -> Self {
        Self::Remote(status)
    }
}

/// What has arrived.
struct Part {
    path: PathBuf,
    file: File,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Part {
    /// Takes up what an earlier try left, in whole chunks.
    async fn open(destination: &Path, file_id: &str) -> Result<Self, ClientError> {
        let path = part_path(destination, file_id)?;
        let opened = async {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            #[cfg(unix)]
            options.mode(0o600);
            let mut file = options.open(&path).await?;
            let whole = file.metadata().await?.len() / CHUNK_BYTES as u64 * CHUNK_BYTES as u64;
            file.set_len(whole).await?;
            let mut hasher = blake3::Hasher::new();
            let mut buffer = vec![0; CHUNK_BYTES];
            loop {
                let read = file.read(&mut buffer).await?;
                if read == 0 {
                    return Ok((file, hasher, whole));
                }
                hasher.update(&buffer[..read]);
            }
        };
        let (file, hasher, bytes) = opened.await.map_err(|error: io::Error| ClientError::io(&path, error))?;
        Ok(Self { path, file, hasher, bytes })
    }

    /// Reads from one node, from where it stopped to the end.
    async fn fetch(
        &mut self,
        client: &Client,
        node: &crate::nodes::Node,
        file_id: &str,
        progress: OnProgress<'_>,
    ) -> Result<v1::FileRef, Interruption> {
        self.back_to_whole_chunks().await.map_err(Interruption::Local)?;
        let options = client.options();
        let patience = options.attempt_timeout.max(std::time::Duration::from_secs(10));
        let late = |_| Status::unavailable(format!("{}: {}", node.address, in_time(patience)));
        let unreachable =
            |error: tonic::transport::Error| Status::unavailable(format!("{}: {}", node.address, describe(&error)));
        let (number, channel) = node.channel().await.map_err(unreachable)?;
        let mut request = Request::new(v1::DownloadRequest { file_id: file_id.into(), offset: self.bytes });
        authorise(request.metadata_mut(), client.token().as_ref())?;
        let mut grpc = FileServiceClient::new(channel);
        let asked = tokio::time::timeout(options.attempt_timeout, grpc.download(request)).await.map_err(late);
        let mut stream = match asked {
            Ok(Ok(response)) => response.into_inner(),
            Ok(Err(status)) | Err(status) => {
                if reason_of(&status).is_none() {
                    node.forget(number).await;
                }
                return Err(status.into());
            }
        };
        client.nodes().answered(&node.address);
        client.note_answer();
        let mut file: Option<v1::FileRef> = None;
        while let Some(message) = tokio::time::timeout(patience, stream.message()).await.map_err(late)?? {
            file = message.file.or(file);
            self.append(&message.data).await.map_err(Interruption::Local)?;
            let bytes_total = file.as_ref().map_or(self.bytes, |file| file.size);
            progress(Progress { bytes_done: self.bytes, bytes_total });
        }
        let file = file.ok_or_else(|| Interruption::Local(malformed("the file's name and digest")))?;
        if self.bytes < file.size {
            return Err(Status::unavailable(format!("{}: the stream ended early", node.address)).into());
        }
        let leader = client.leader();
        client.update_link(|link| link.up(&node.address, leader.as_deref()));
        Ok(file)
    }

    async fn append(&mut self, data: &[u8]) -> Result<(), ClientError> {
        self.file.write_all(data).await.map_err(|error| ClientError::io(&self.path, error))?;
        self.hasher.update(data);
        self.bytes += data.len() as u64;
        Ok(())
    }

    /// A stream begins at a whole chunk; where the last one broke off in the middle of one, that chunk is fetched again.
    async fn back_to_whole_chunks(&mut self) -> Result<(), ClientError> {
        let whole = self.bytes / CHUNK_BYTES as u64 * CHUNK_BYTES as u64;
        if whole == self.bytes {
            return Ok(());
        }
        let rewound = async {
            self.file.flush().await?;
            self.file.set_len(whole).await?;
            self.file.seek(SeekFrom::Start(0)).await?;
            let mut hasher = blake3::Hasher::new();
            let mut buffer = vec![0; CHUNK_BYTES];
            loop {
                let read = self.file.read(&mut buffer).await?;
                if read == 0 {
                    return Ok(hasher);
                }
                hasher.update(&buffer[..read]);
            }
        };
        self.hasher = rewound.await.map_err(|error: io::Error| ClientError::io(&self.path, error))?;
        self.bytes = whole;
        Ok(())
    }

    /// Verifies what arrived and moves it into place.
    async fn finish(mut self, destination: &Path, overwrite: bool, file: &v1::FileRef) -> Result<(), ClientError> {
        if self.bytes != file.size || self.hasher.finalize().as_bytes()[..] != file.digest[..] {
            // Of no use to a later try.
            let _ = fs::remove_file(&self.path);
            let message = format!("what arrived of {} is not what its digest says", file.name);
            return Err(ClientError::DigestMismatch { message });
        }
        let stored = async {
            self.file.flush().await?;
            self.file.sync_all().await
        };
        stored.await.map_err(|error: io::Error| ClientError::io(destination, error))?;
        put_in_place(&self.path, destination, overwrite)
    }
}

fn part_path(destination: &Path, file_id: &str) -> Result<PathBuf, ClientError> {
    let name = destination
        .file_name()
        .ok_or_else(|| ClientError::local_file(format!("{} is not the name of a file", destination.display())))?;
    let safe_id: String = file_id.chars().filter(char::is_ascii_alphanumeric).collect();
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{safe_id}.part"));
    Ok(destination.with_file_name(hidden))
}
