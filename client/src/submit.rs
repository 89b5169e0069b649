//! Handing in: pledge, bytes, submission, so that the same command run again goes on where it stopped.
//!
//! Before anything is sent, the keys of the pledge and of the submission are written to a journal named after what is
//! handed in. A command that is run again finds it, repeats its pledge with the same key (and so gets the same pledge,
//! judged by the first moment), uploads what is missing, and submits with the same key (and so never twice). The
//! journal goes when the cluster has answered. Where it cannot be written (the disk is full), the work is handed in without
//! it, and the caller is told: a deadline does not wait for a disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use lectern_proto::v1;
use serde::{Deserialize, Serialize};

use crate::client::new_key;
use crate::local::{LocalFile, declare};
use crate::upload::{Progress, malformed, upload};
use crate::{Client, ClientError, Dirs, private_file};

/// Servers remember keys for seven days: an older journal is of no use.
pub(crate) const JOURNAL_LIFE: Duration = Duration::from_hours(7 * 24);
/// How often the bytes are completed when the cluster says that some are missing.
const MAX_ROUNDS: u32 = 3;

/// What is handed in.
#[derive(Clone, Debug, Default)]
pub struct HandIn {
    /// Slug or id.
    pub course: String,
    /// Slug or id.
    pub assignment: String,
    /// The text, where there is one.
    pub text: String,
    /// A note to the grader.
    pub comment: String,
    /// The files, where there are some.
    pub files: Vec<LocalFile>,
    /// The files are one directory.
    pub directory: bool,
}

/// How far it is.
#[derive(Clone, Copy, Debug)]
pub enum Stage<'a> {
    /// The files are being digested: so many bytes so far.
    Digesting {
        /// Bytes read.
        bytes: u64,
    },
    /// The keys cannot be kept on this machine: if this run is interrupted, the next one begins anew.
    Unkept(&'a ClientError),
    /// The cluster holds the digests: from now on nobody is late who was not at this moment.
    Pledged(&'a v1::Pledge),
    /// The bytes are on their way.
    Uploading(Progress),
    /// Everything has arrived; waiting for the submission itself.
    Submitting,
}

/// Hears how far it is.
pub type OnStage<'a> = &'a (dyn Fn(Stage<'_>) + Send + Sync);

/// How it ended: exactly one of `submission` and `extension_request` is set.
#[derive(Clone, Debug, Default)]
pub struct HandedIn {
    /// The submission.
    pub submission: Option<v1::Submission>,
    /// After the lock date: the work is kept as a request.
    pub extension_request: Option<v1::ExtensionRequest>,
    /// Which attempt counts now.
    pub counted: Option<v1::Counted>,
    /// It went on where an earlier run of the same command stopped.
    pub resumed: bool,
}

/// The keys of one hand-in, and where they are kept.
struct Journal {
    path: PathBuf,
    keys: Keys,
    /// It could not be written: told once.
    unkept: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Keys {
    pledge_key: String,
    submit_key: String,
    #[serde(default)]
    pledge_id: String,
    #[serde(default)]
    digests: Vec<String>,
}

/// Hands in `what`. `scope` says for whom (profile and username): the same files of two people are two things.
pub async fn hand_in(
    client: &Client,
    dirs: &Dirs,
    scope: &str,
    what: &HandIn,
    on_stage: OnStage<'_>,
) -> Result<HandedIn, ClientError> {
    let declarations = declare(&what.files, &|bytes| on_stage(Stage::Digesting { bytes })).await?;
    let path = journal_path(dirs, scope, what, &declarations);
    forget_old_journals(&dirs.state.join("uploads"));
    let (mut journal, mut resumed) = match Journal::read(&path, on_stage) {
        Some(journal) => (journal, true),
        None => (Journal::begin(&path, &declarations, on_stage), false),
    };
    loop {
        let handed_in = attempt(client, &mut journal, what, &declarations, on_stage).await;
        match handed_in {
            Ok(response) => {
                forget(&path);
                let v1::SubmitResponse { submission, extension_request, counted } = response;
                return Ok(HandedIn { submission, extension_request, counted, resumed });
            }
            // What an earlier run left behind is over: begin anew, once.
            Err(error) if resumed && is_over(&error) => {
                forget(&path);
                journal = Journal::begin(&path, &declarations, on_stage);
                resumed = false;
            }
            Err(error) => {
                let changed =
                    matches!(error, ClientError::DigestMismatch { .. }) || error.is_refused_for("DIGEST_MISMATCH");
                if changed {
                    withdraw(client, &journal.keys.pledge_id).await;
                }
                // A refusal is the answer to these keys: the next run is a new attempt. Anything else goes on with them.
                if changed || matches!(error, ClientError::Refused { .. }) {
                    forget(&path);
                }
                return Err(error);
            }
        }
    }
}

/// Gives up the pledge of files that have changed since: nothing could ever complete it, and it would hold their room for
/// an hour.
async fn withdraw(client: &Client, pledge_id: &str) {
    if pledge_id.is_empty() {
        return;
    }
    let request = v1::WithdrawPledgeRequest { pledge_id: pledge_id.into() };
    if let Err(error) = client.call(request).await {
        tracing::debug!(%error, "a pledge could not be withdrawn; it ends by itself");
    }
}

fn is_over(error: &ClientError) -> bool {
    ["UPLOAD_EXPIRED", "NOT_FOUND", "KEY_REUSED", "WRONG_STATE"].iter().any(|reason| error.is_refused_for(reason))
}

async fn attempt(
    client: &Client,
    journal: &mut Journal,
    what: &HandIn,
    declarations: &[v1::FileDeclaration],
    on_stage: OnStage<'_>,
) -> Result<v1::SubmitResponse, ClientError> {
    if !what.files.is_empty() {
        let pledge = pledge(client, &journal.keys, what, declarations).await?;
        on_stage(Stage::Pledged(&pledge));
        journal.keys.pledge_id.clone_from(&pledge.pledge_id);
        journal.keep(on_stage);
        let session = pledge.upload.ok_or_else(|| malformed("the pledge's upload"))?;
        complete_bytes(client, session.upload_id, what, on_stage).await?;
    }
    for _ in 1..MAX_ROUNDS {
        match submit(client, &journal.keys, what, on_stage).await {
            Err(error) if error.is_refused_for("CHUNKS_MISSING") && !what.files.is_empty() => {
                // The refusal belongs to the key, so the next try takes another one.
                journal.keys.submit_key = new_key();
                journal.keep(on_stage);
                let again = pledge(client, &journal.keys, what, declarations).await?;
                let session = again.upload.ok_or_else(|| malformed("the pledge's upload"))?;
                complete_bytes(client, session.upload_id, what, on_stage).await?;
            }
            answer => return answer,
        }
    }
    submit(client, &journal.keys, what, on_stage).await
}

async fn pledge(
    client: &Client,
    keys: &Keys,
    what: &HandIn,
    declarations: &[v1::FileDeclaration],
) -> Result<v1::Pledge, ClientError> {
    let request = v1::PledgeRequest {
        course: what.course.clone(),
        assignment: what.assignment.clone(),
        files: declarations.to_vec(),
        directory: what.directory,
        text_digest: digest(&what.text),
        comment_digest: digest(&what.comment),
    };
    client.call_with_key(&keys.pledge_key, request).await?.pledge.ok_or_else(|| malformed("the pledge"))
}

/// BLAKE3 of what goes with the files; empty where there is nothing.
fn digest(words: &str) -> Vec<u8> {
    if words.is_empty() { Vec::new() } else { blake3::hash(words.as_bytes()).as_bytes().to_vec() }
}

/// Uploads what is missing now: a repeated pledge answers with what was missing then.
async fn complete_bytes(
    client: &Client,
    upload_id: String,
    what: &HandIn,
    on_stage: OnStage<'_>,
) -> Result<(), ClientError> {
    let session = client.call(v1::GetUploadRequest { upload_id }).await?;
    let session = session.upload.ok_or_else(|| malformed("an upload"))?;
    upload(client, session, &what.files, &|progress| on_stage(Stage::Uploading(progress))).await
}

async fn submit(
    client: &Client,
    keys: &Keys,
    what: &HandIn,
    on_stage: OnStage<'_>,
) -> Result<v1::SubmitResponse, ClientError> {
    on_stage(Stage::Submitting);
    let request = v1::SubmitRequest {
        course: what.course.clone(),
        assignment: what.assignment.clone(),
        text: what.text.clone(),
        pledge_id: keys.pledge_id.clone(),
        comment: what.comment.clone(),
    };
    client.call_with_key(&keys.submit_key, request).await
}

fn journal_path(dirs: &Dirs, scope: &str, what: &HandIn, declarations: &[v1::FileDeclaration]) -> PathBuf {
    dirs.state.join("uploads").join(format!("{}.json", content_name(scope, what, declarations)))
}

/// The same for the same content of the same person at the same assignment, and another for another.
pub(crate) fn content_name(scope: &str, what: &HandIn, declarations: &[v1::FileDeclaration]) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut field = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    for text in [scope, &what.course, &what.assignment, &what.text, &what.comment] {
        field(text.as_bytes());
    }
    field(&[u8::from(what.directory)]);
    for file in declarations {
        field(file.name.as_bytes());
        field(&file.digest);
    }
    hasher.finalize().to_hex().to_string()
}

impl Journal {
    /// With fresh keys, kept before anything is sent.
    fn begin(path: &Path, declarations: &[v1::FileDeclaration], on_stage: OnStage<'_>) -> Self {
        let keys = Keys {
            pledge_key: new_key(),
            submit_key: new_key(),
            pledge_id: String::new(),
            digests: declarations.iter().map(|file| hex(&file.digest)).collect(),
        };
        let mut journal = Self { path: path.into(), keys, unkept: false };
        journal.keep(on_stage);
        journal
    }

    /// What an earlier run left. One that is damaged is as good as none: its keys are lost, and a new attempt begins. One
    /// that cannot be read is told of.
    fn read(path: &Path, on_stage: OnStage<'_>) -> Option<Self> {
        let text = private_file::read(path).unwrap_or_else(|error| {
            on_stage(Stage::Unkept(&error));
            None
        });
        let keys = serde_json::from_str(&text?).ok()?;
        Some(Self { path: path.into(), keys, unkept: false })
    }

    /// Writes it, where that is possible.
    fn keep(&mut self, on_stage: OnStage<'_>) {
        let text = serde_json::to_string(&self.keys);
        let written = text
            .map_err(|error| ClientError::io(&self.path, std::io::Error::other(error)))
            .and_then(|text| private_file::replace(&self.path, &text));
        if let Err(error) = written
            && !std::mem::replace(&mut self.unkept, true)
        {
            on_stage(Stage::Unkept(&error));
        }
    }
}

fn hex(digest: &[u8]) -> String {
    <[u8; 32]>::try_from(digest).map(|digest| blake3::Hash::from_bytes(digest).to_hex().to_string()).unwrap_or_default()
}

fn forget(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::debug!(path = %path.display(), %error, "a journal could not be removed");
    }
}

fn forget_old_journals(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let written = entry.metadata().and_then(|metadata| metadata.modified());
        let is_old = |at: SystemTime| at.elapsed().is_ok_and(|age| age > JOURNAL_LIFE);
        if written.is_ok_and(is_old) {
            forget(&entry.path());
        }
    }
}
