//! Staging a peer's snapshot beside the state in use: rows and missing chunks are written, checked and synced before the
//! replica hears of it. A stream that breaks leaves what it brought, for the next one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lectern_proto::internal::v1::{
    SnapshotFrame, SnapshotHave, SnapshotPiece, SnapshotReply, SnapshotRows, SnapshotRowsEnd, SnapshotStart,
    SnapshotWant, snapshot_frame, snapshot_reply,
};
use lectern_raft::Input;
use prost::Message as _;
use tokio::sync::mpsc;
use tonic::{Status, Streaming};

use super::Hub;
use super::service::{Caller, HANDSHAKE_DEADLINE};
use crate::fatal;
use crate::listener::Refusal;
use crate::node::Moving;
use crate::store::{Staging, StagingProblem, StateDb, disk_space};

/// Frames read ahead of the disk.
const FRAMES_AHEAD: usize = 8;
/// Chunks asked for, and made durable, at once: a crash takes no more than these.
const CHUNKS_AT_ONCE: usize = 64;
/// An earlier stream takes no longer to notice that it broke.
const TURN_DEADLINE: Duration = Duration::from_secs(5);
/// How often the sender hears that this node is at work.
const WORK_INTERVAL: Duration = Duration::from_secs(1);

/// Bytes of the disk that a snapshot leaves to the log.
const LEFT_FREE: u64 = 32 << 20;

/// What goes back to the sender.
pub(super) type Replies = mpsc::Sender<Result<SnapshotReply, Status>>;

/// Why a snapshot is not staged by this stream.
enum End {
    /// Sending it again would not help.
    Refused(String),
    /// … and what came of it is of no use, or in the way: it is deleted.
    Spoiled(String),
    /// The stream broke, or it is not its turn: it may come again, and goes on.
    Broken(String),
}

impl From<StagingProblem> for End {
    fn from(problem: StagingProblem) -> Self {
        match &problem {
            // The state in use, and not what comes.
            StagingProblem::Own(store) if store.is_damage() => fatal::stop(&store.to_string()),
            problem if problem.is_full() => Self::Spoiled(format!(
                "the receiver's disk is full: free space on it, and it gets the snapshot anew; what had come is deleted ({problem})"
            )),
            StagingProblem::Store(store) if store.is_damage() => Self::Spoiled(format!(
                "the receiver's disk returned damaged data of what had come, which is deleted; look after that disk ({})",
                store.what()
            )),
            _ => Self::Refused(problem.to_string()),
        }
    }
}

/// Takes one snapshot from a peer that vouches for it, and tells the replica once it is staged.
pub(super) async fn receive(hub: Arc<Hub>, mut frames: Streaming<SnapshotFrame>, caller: Caller, replies: Replies) {
    let start = match begin(&hub, &mut frames).await {
        Ok(start) => start,
        Err(refusal) => {
            caller.note(&refusal);
            // A node whose stream of messages has just broken opens that again, and goes on with the same snapshot.
            let _gone = replies.send(Err(Status::unauthenticated(refusal.reason()))).await;
            return;
        }
    };
    let _open = caller.proven();
    let last = match take(&hub, start, frames, &caller, &replies).await {
        Ok(()) => Ok(SnapshotReply { kind: Some(snapshot_reply::Kind::Staged(true)) }),
        Err(End::Refused(problem) | End::Spoiled(problem)) => {
            tracing::warn!(problem, "did not stage a snapshot");
            Ok(SnapshotReply { kind: Some(snapshot_reply::Kind::Problem(problem)) })
        }
        Err(End::Broken(problem)) => {
            tracing::warn!(problem, "a snapshot is not complete yet");
            Err(Status::unavailable(problem))
        }
    };
    let _gone = replies.send(last).await;
}

/// The caller's first word, which a node that is connected vouches for.
async fn begin(hub: &Hub, frames: &mut Streaming<SnapshotFrame>) -> Result<SnapshotStart, Refusal> {
    let first = tokio::time::timeout(HANDSHAKE_DEADLINE, frames.message()).await;
    match first {
        Err(_) => Err(Refusal::unproven("it did not say in time what snapshot it has")),
        Ok(Err(status)) => Err(Refusal::unproven(status.message())),
        Ok(Ok(Some(SnapshotFrame { kind: Some(snapshot_frame::Kind::Start(vouched)) }))) => {
            hub.conversations.open(&vouched).map_err(|problem| Refusal::unproven(&problem))
        }
        Ok(Ok(_)) => Err(Refusal::unproven("it did not begin with what snapshot it has")),
    }
}

async fn take(
    hub: &Arc<Hub>,
    start: SnapshotStart,
    frames: Streaming<SnapshotFrame>,
    caller: &Caller,
    replies: &Replies,
) -> Result<(), End> {
    let hello = start.hello.clone().unwrap_or_default();
    hub.greet(&hello, false, caller.certified()).await.map_err(|refused| End::Refused(refused.reason))?;
    let SnapshotStart { snapshot_id: id, raft_message, row_bytes, chunk_bytes, .. } = start;
    if !is_plain(&id) {
        return Err(End::Refused("the snapshot's id is not a plain name".into()));
    }
    let turn = tokio::time::timeout(TURN_DEADLINE, hub.staging.lock()).await;
    let _turn = turn.map_err(|_| End::Broken("another snapshot is being received".into()))?;
    if hub.data.staging(&id).exists() || hub.data.state(&id).exists() {
        // The sender did not hear it; the replica did.
        return Ok(());
    }
    tracing::info!(from = hello.node_id, id, row_bytes, chunk_bytes, "receiving a snapshot");
    let moving = hub.shared.board.vitals().transfer(hello.node_id, false, row_bytes.saturating_add(chunk_bytes));
    let work = Arc::new(AtomicU64::new(0));
    let (pieces, incoming) = mpsc::channel(FRAMES_AHEAD);
    let receiver = Receiver {
        hub: hub.clone(),
        id: id.clone(),
        row_bytes,
        chunk_bytes,
        incoming,
        replies: replies.clone(),
        moving,
        work: work.clone(),
    };
    let staging = tokio::task::spawn_blocking(move || receiver.run());
    forward(frames, pieces, replies, &work).await;
    staging.await.map_err(|error| End::Refused(error.to_string()))??;
    tracing::info!(from = hello.node_id, id, "staged a snapshot");
    hub.shared.inbox.push(Input::SnapshotStaged { id, from: hello.node_id, bytes: raft_message });
    Ok(())
}

/// Hands frames to the thread that stages them until it has enough or the stream ends, and tells the sender now and then
/// that it is at work.
async fn forward(
    mut frames: Streaming<SnapshotFrame>,
    pieces: mpsc::Sender<snapshot_frame::Kind>,
    replies: &Replies,
    work: &AtomicU64,
) {
    let mut ticks = tokio::time::interval(WORK_INTERVAL);
    let mut seen = 0;
    loop {
        tokio::select! {
            frame = frames.message() => match frame {
                Ok(Some(SnapshotFrame { kind: Some(kind) })) => {
                    if pieces.send(kind).await.is_err() {
                        return;
                    }
                }
                Ok(Some(SnapshotFrame { kind: None })) => {}
                Ok(None) | Err(_) => return,
            },
            () = pieces.closed() => return,
            _ = ticks.tick() => {
                let done = work.load(Ordering::Relaxed);
                if done != seen {
                    seen = done;
                    let _no_room = replies.try_send(Ok(SnapshotReply { kind: None }));
                }
            }
        }
    }
}

/// The thread that stages.
struct Receiver {
    hub: Arc<Hub>,
    id: String,
    row_bytes: u64,
    chunk_bytes: u64,
    incoming: mpsc::Receiver<snapshot_frame::Kind>,
    replies: Replies,
    moving: Moving,
    work: Arc<AtomicU64>,
}

impl Receiver {
    fn run(mut self) -> Result<(), End> {
        let data = self.hub.data.clone();
        let staged = self.stage();
        if let Err(End::Spoiled(_)) = &staged
            && let Err(problem) = data.delete_partial()
        {
            tracing::warn!(%problem, "could not delete an unfinished snapshot");
        }
        staged?;
        data.complete_partial(&self.id).map_err(|error| End::Refused(format!("cannot name the snapshot: {error}")))?;
        self.moving.finished();
        Ok(())
    }

    fn stage(&mut self) -> Result<(), End> {
        let current = self.hub.shared.state.current();
        let mut staging = Staging::open(&self.hub.data.partial(), &current, self.work.clone())?;
        let have = staging.begin(&self.id)?;
        self.require_room(self.least_to_come(&have, &current))?;
        if have.row_bytes > 0 {
            tracing::info!(id = self.id, bytes = have.row_bytes, "going on with a snapshot that was begun");
            self.moving.resumed();
        }
        let taken = self.take_rows(&staging, have).and_then(|()| {
            staging.copy_chunks(&current)?;
            self.take_chunks(&staging)
        });
        drop(current);
        if let Err(end) = taken {
            // For the next stream; what cannot be written now is sent again.
            if !matches!(end, End::Spoiled(_))
                && let Err(problem) = staging.flush()
            {
                tracing::warn!(%problem, "an unfinished snapshot is not kept");
            }
            return Err(end);
        }
        Ok(staging.finish()?)
    }

    /// Bytes that have to come however many of the chunks are here.
    fn least_to_come(&self, have: &SnapshotHave, current: &StateDb) -> u64 {
        let rows = self.row_bytes.saturating_sub(have.row_bytes);
        rows.saturating_add(self.chunk_bytes.saturating_sub(current.size_bytes()))
    }

    /// Before they come: a disk that fills up with a snapshot has no room for the log, and stops the node.
    fn require_room(&self, bytes: u64) -> Result<(), End> {
        let (free, total) = disk_space(self.hub.data.root());
        // A file system that does not say how large it is fills up when it does.
        if total == 0 || bytes.saturating_add(LEFT_FREE) <= free {
            return Ok(());
        }
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        Err(End::Spoiled(format!(
            "the receiver's disk has {} MiB free, and what is to come of the snapshot needs {} MiB, with {} MiB more for the log: free \
             space on it, and it gets the snapshot anew",
            free >> 20,
            mib(bytes),
            mib(LEFT_FREE)
        )))
    }

    fn take_rows(&mut self, staging: &Staging, mut have: SnapshotHave) -> Result<(), End> {
        self.moving.left(self.row_bytes.saturating_sub(have.row_bytes).saturating_add(self.chunk_bytes));
        self.reply(snapshot_reply::Kind::Have(have.clone()))?;
        loop {
            match self.next()? {
                snapshot_frame::Kind::Piece(SnapshotPiece { rows, digest }) => {
                    if blake3::hash(&rows).as_bytes()[..] != digest[..] {
                        return Err(StagingProblem::Damaged("a piece of the snapshot").into());
                    }
                    let bad = |error| End::Refused(format!("a piece of the snapshot cannot be read: {error}"));
                    let before = have.row_bytes;
                    staging.add_rows(SnapshotRows::decode(&rows[..]).map_err(bad)?, &mut have)?;
                    self.moving.moved(usize::try_from(have.row_bytes - before).unwrap_or(usize::MAX));
                }
                snapshot_frame::Kind::RowsEnd(SnapshotRowsEnd { rows, digest }) => {
                    return Ok(staging.check_rows(rows, &digest)?);
                }
                _ => {
                    return Err(End::Refused(
                        "the snapshot's rows are followed by something else than their end".into(),
                    ));
                }
            }
        }
    }

    fn take_chunks(&mut self, staging: &Staging) -> Result<(), End> {
        let mut missing_bytes = staging.missing_bytes()?;
        self.require_room(missing_bytes)?;
        self.moving.left(missing_bytes);
        let mut after: Option<Vec<u8>> = None;
        loop {
            let missing = staging.missing_after(after.as_deref(), CHUNKS_AT_ONCE)?;
            let Some((last, _)) = missing.last() else { return Ok(()) };
            after = Some(last.clone());
            staging.flush()?;
            let digests = missing.iter().map(|(digest, _)| digest.clone()).collect();
            self.reply(snapshot_reply::Kind::Want(SnapshotWant { digests, missing_bytes }))?;
            for (digest, length) in missing {
                match self.next()? {
                    snapshot_frame::Kind::Chunk(chunk) if chunk.digest == digest => {
                        staging.add_chunk(&digest, &chunk.data)?;
                        self.moving.moved(chunk.data.len());
                    }
                    _ => return Err(End::Refused("a chunk came that was not asked for".into())),
                }
                missing_bytes = missing_bytes.saturating_sub(length);
            }
        }
    }

    fn next(&mut self) -> Result<snapshot_frame::Kind, End> {
        self.incoming.blocking_recv().ok_or_else(|| End::Broken("the stream ended before the snapshot did".into()))
    }

    fn reply(&self, kind: snapshot_reply::Kind) -> Result<(), End> {
        let sent = self.replies.blocking_send(Ok(SnapshotReply { kind: Some(kind) }));
        sent.map_err(|_| End::Broken("the sender is gone".into()))
    }
}

/// Whether an id can name a directory, and none of those with another use.
fn is_plain(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_lead_elsewhere_are_refused() {
        assert!(is_plain(&ulid::Ulid::generate().to_string()));
        for id in ["", "..", "A/B", ".HIDDEN", "partial", "initial"] {
            assert!(!is_plain(id), "{id}");
        }
    }
}
