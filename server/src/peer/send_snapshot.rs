//! Sending a checkpoint to a peer that fell behind: the rows of its tables, then the chunks that the peer asks for.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lectern_proto::internal::v1::{
    SnapshotChunk, SnapshotFrame, SnapshotHave, SnapshotPiece, SnapshotReply, SnapshotRow, SnapshotRows,
    SnapshotRowsEnd, SnapshotStart, SnapshotWant, VouchedStart, snapshot_frame, snapshot_reply,
};
use lectern_raft::{Input, NodeId};
use lectern_rpc::internal::v1::peer_service_client::PeerServiceClient;
use prost::Message as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{Hub, MAX_FRAME_BYTES, dialer};
use crate::fatal;
use crate::node::{Moving, Shared};
use crate::store::{RowsSum, SnapshotSource, StoreProblem, row_place};

/// About the bytes of rows in one piece.
const PIECE_BYTES: usize = 256 << 10;
/// Frames read ahead of the network.
const FRAMES_AHEAD: usize = 8;
/// What the peer has asked for and was not looked at yet: it asks for one thing at a time.
const ASKED_AHEAD: usize = 4;
/// How often the replica hears that bytes move.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);
/// After a stream broke, until the next one.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// A checkpoint, opened, and what is known of how it goes.
struct Offer {
    shared: Arc<Shared>,
    to: NodeId,
    id: String,
    raft_message: Vec<u8>,
    source: SnapshotSource,
    sum: RowsSum,
    chunk_bytes: u64,
    moving: Moving,
    told: Mutex<Instant>,
}

/// How a stream ended before the snapshot was staged.
enum End {
    /// Another one with the same checkpoint would end like it.
    Refused(String),
    /// It broke: the next one goes on where it stopped.
    Broken(String),
}

/// Sends the checkpoint `id` with its raft message; returns how many bytes went, or why it was not staged. It takes as long
/// as it takes, over as many streams as it takes: the replica hears of its progress, and gives up what stands still.
pub(super) async fn send(hub: &Hub, to: NodeId, id: &str, raft_message: Vec<u8>) -> Result<u64, String> {
    let (shared, path, id) = (hub.shared.clone(), hub.data.snapshot(id), id.to_owned());
    let opening = move || -> Result<Offer, StoreProblem> {
        let source = SnapshotSource::open(&path, shared.state.current().caches())?;
        let told = Mutex::new(Instant::now());
        let mut read = 0;
        let (sum, chunk_bytes) = source.sum(|bytes| {
            read += bytes;
            if read >= PIECE_BYTES {
                shared.snapshot_throttle.pass(std::mem::take(&mut read));
                tell_progress(&shared, &told, to, &id);
            }
        })?;
        let moving = shared.board.vitals().transfer(to, true, sum.bytes.saturating_add(chunk_bytes));
        Ok(Offer { shared, to, id, raft_message, source, sum, chunk_bytes, moving, told })
    };
    let opened = tokio::task::spawn_blocking(opening).await.map_err(|error| error.to_string())?;
    let offer = Arc::new(opened.map_err(unreadable)?);
    loop {
        match attempt(hub, &offer).await {
            Ok(()) => {
                offer.moving.finished();
                return Ok(offer.moving.done());
            }
            Err(End::Refused(problem)) => return Err(problem),
            Err(End::Broken(problem)) => {
                tracing::warn!(to, id = offer.id, problem, "a snapshot's stream broke; going on with it");
                offer.moving.resumed();
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
    }
}

/// One stream, until the peer has staged the snapshot or the stream ends.
async fn attempt(hub: &Hub, offer: &Arc<Offer>) -> Result<(), End> {
    let to = offer.to;
    let address = hub.address(to).ok_or_else(|| End::Refused("the peer's address is not known".into()))?;
    let channel = dialer::connect(&address, hub.connector(to)).await;
    let channel = channel.map_err(|error| End::Broken(dialer::innermost(&error)))?;
    let (frames, outgoing) = mpsc::channel(FRAMES_AHEAD);
    let (asked, asks) = mpsc::channel(ASKED_AHEAD);
    let start = SnapshotStart {
        hello: Some(hub.introduction(to).await.map_err(End::Broken)?),
        snapshot_id: offer.id.clone(),
        raft_message: offer.raft_message.clone(),
        row_bytes: offer.sum.bytes,
        chunk_bytes: offer.chunk_bytes,
    };
    // The stream of messages may be broken, too, and comes again.
    let start = hub.conversations.vouch(to, &start).map_err(End::Broken)?;
    let reading = offer.clone();
    let reader = tokio::task::spawn_blocking(move || reading.stream(start, asks, &frames));
    let mut client = PeerServiceClient::new(channel).max_encoding_message_size(MAX_FRAME_BYTES);
    let ended = match client.snapshot(ReceiverStream::new(outgoing)).await {
        Ok(replies) => listen(offer, replies.into_inner(), &asked).await,
        Err(status) => Err(End::Broken(status.message().into())),
    };
    drop(asked);
    // Whoever could not read the checkpoint is the reason, whatever the peer made of it.
    reader.await.map_err(|error| End::Refused(error.to_string()))?.map_err(End::Refused)?;
    ended
}

/// Hands what the peer asks for to the reader, until the peer says that it is done.
async fn listen(
    offer: &Offer,
    mut replies: tonic::Streaming<SnapshotReply>,
    asked: &mpsc::Sender<snapshot_reply::Kind>,
) -> Result<(), End> {
    loop {
        match replies.message().await {
            Ok(Some(SnapshotReply { kind: Some(snapshot_reply::Kind::Staged(_)) })) => return Ok(()),
            Ok(Some(SnapshotReply { kind: Some(snapshot_reply::Kind::Problem(problem)) })) => {
                return Err(End::Refused(problem));
            }
            Ok(Some(SnapshotReply { kind: Some(ask) })) => {
                if asked.send(ask).await.is_err() {
                    return Err(End::Broken("the checkpoint is not read any more".into()));
                }
            }
            Ok(Some(SnapshotReply { kind: None })) => offer.progress(),
            Ok(None) => return Err(End::Broken("the peer closed it".into())),
            Err(status) => return Err(End::Broken(status.message().into())),
        }
    }
}

/// Nobody listens any more: whoever left says why.
struct HungUp;

impl Offer {
    fn progress(&self) {
        tell_progress(&self.shared, &self.told, self.to, &self.id);
    }

    /// Reads what is asked for into frames, no faster than snapshots may be sent. `Err` where the checkpoint cannot be read.
    fn stream(
        &self,
        start: VouchedStart,
        mut asks: mpsc::Receiver<snapshot_reply::Kind>,
        frames: &mpsc::Sender<SnapshotFrame>,
    ) -> Result<(), String> {
        if send_frame(frames, snapshot_frame::Kind::Start(start)).is_err() {
            return Ok(());
        }
        while let Some(ask) = asks.blocking_recv() {
            let answered = match ask {
                snapshot_reply::Kind::Have(have) => self.send_rows(&have, frames)?,
                snapshot_reply::Kind::Want(want) => self.send_chunks(&want, frames)?,
                // Those end the stream.
                snapshot_reply::Kind::Staged(_) | snapshot_reply::Kind::Problem(_) => Ok(()),
            };
            if answered.is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn send_rows(
        &self,
        have: &SnapshotHave,
        frames: &mpsc::Sender<SnapshotFrame>,
    ) -> Result<Result<(), HungUp>, String> {
        self.moving.left(self.sum.bytes.saturating_sub(have.row_bytes).saturating_add(self.chunk_bytes));
        let mut place = row_place(have);
        while let Some((table, rows)) = self.source.rows_after(place.as_ref(), PIECE_BYTES).map_err(unreadable)? {
            place = rows.last().map(|(key, _)| (table, key.clone()));
            let bytes = rows.iter().map(|(key, value)| key.len() + value.len()).sum();
            let rows = rows.into_iter().map(|(key, value)| SnapshotRow { key, value }).collect();
            let rows = SnapshotRows { table: table.into(), rows }.encode_to_vec();
            let digest = blake3::hash(&rows).as_bytes().to_vec();
            let piece = snapshot_frame::Kind::Piece(SnapshotPiece { rows, digest });
            if self.pass(bytes, piece, frames).is_err() {
                return Ok(Err(HungUp));
            }
        }
        let end = SnapshotRowsEnd { rows: self.sum.rows, digest: self.sum.digest.to_vec() };
        Ok(send_frame(frames, snapshot_frame::Kind::RowsEnd(end)))
    }

    fn send_chunks(
        &self,
        want: &SnapshotWant,
        frames: &mpsc::Sender<SnapshotFrame>,
    ) -> Result<Result<(), HungUp>, String> {
        self.moving.left(want.missing_bytes);
        for digest in &want.digests {
            let chunk = self.source.chunk(digest).map_err(unreadable)?;
            let data = chunk.ok_or("the checkpoint lacks a chunk that it lists")?;
            let (bytes, digest) = (data.len(), digest.clone());
            if self.pass(bytes, snapshot_frame::Kind::Chunk(SnapshotChunk { digest, data }), frames).is_err() {
                return Ok(Err(HungUp));
            }
        }
        Ok(Ok(()))
    }

    fn pass(
        &self,
        bytes: usize,
        kind: snapshot_frame::Kind,
        frames: &mpsc::Sender<SnapshotFrame>,
    ) -> Result<(), HungUp> {
        self.shared.snapshot_throttle.pass(bytes);
        send_frame(frames, kind)?;
        self.moving.moved(bytes);
        self.progress();
        Ok(())
    }
}

fn send_frame(frames: &mpsc::Sender<SnapshotFrame>, kind: snapshot_frame::Kind) -> Result<(), HungUp> {
    frames.blocking_send(SnapshotFrame { kind: Some(kind) }).map_err(|_| HungUp)
}

/// Tells the replica that bytes move, now and then.
fn tell_progress(shared: &Shared, told: &Mutex<Instant>, to: NodeId, id: &str) {
    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
    if told.elapsed() >= PROGRESS_INTERVAL {
        *told = Instant::now();
        shared.inbox.push(Input::SnapshotProgress { to, id: id.into() });
    }
}

/// A checkpoint shares its files with the state: where it is damaged, this node must not go on.
#[allow(clippy::needless_pass_by_value)] // For map_err.
fn unreadable(problem: StoreProblem) -> String {
    if problem.is_damage() {
        fatal::stop(&problem.to_string());
    }
    problem.to_string()
}
