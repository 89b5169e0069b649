//! Streaming a checkpoint to a peer that fell behind.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lectern_proto::internal::v1::{
    SnapshotEnd, SnapshotFile, SnapshotFrame, SnapshotPiece, SnapshotStart, VouchedStart, snapshot_frame::Kind,
};
use lectern_raft::{Input, NodeId};
use lectern_rpc::internal::v1::peer_service_client::PeerServiceClient;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{Hub, MAX_FRAME_BYTES, dialer, manifest};
use crate::node::Shared;

const PIECE_BYTES: usize = 1 << 20;
/// Pieces read ahead of the network.
const PIECES_AHEAD: usize = 4;
/// How often the replica hears that bytes move.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// Sends the checkpoint `id` with its raft message; returns its size, or why it was not staged. It takes as long as it
/// takes: the replica hears of its progress, and gives up a stream that stands still.
pub(super) async fn send(hub: &Hub, to: NodeId, id: &str, raft_message: Vec<u8>) -> Result<u64, String> {
    let dir = hub.data.snapshot(id);
    let listed = dir.clone();
    let mut listing = Progress::new(hub, to, id);
    let mut progress = Progress::new(hub, to, id);
    let files = tokio::task::spawn_blocking(move || manifest::of_directory(&listed, || listing.made()))
        .await
        .map_err(|error| error.to_string())?
        .map_err(|error| format!("cannot read the checkpoint: {error}"))?;
    let bytes = files.iter().map(|file| file.size).sum::<u64>();
    let address = hub.address(to).ok_or("the peer's address is not known")?;
    let channel = dialer::connect(&address, hub.connector(to)).await.map_err(|error| dialer::innermost(&error))?;
    let start = SnapshotStart {
        hello: Some(hub.introduction(to).await?),
        snapshot_id: id.into(),
        raft_message,
        files: files.clone(),
    };
    let start = hub.conversations.vouch(to, &start)?;
    let (frames, out) = mpsc::channel(PIECES_AHEAD);
    let moving = hub.shared.board.vitals().transfer(to, true, bytes);
    let moved = move |bytes| {
        moving.moved(bytes);
        progress.made();
    };
    let reader = tokio::task::spawn_blocking(move || read_all(&dir, start, &files, &frames, moved));
    let mut client = PeerServiceClient::new(channel).max_encoding_message_size(MAX_FRAME_BYTES);
    let reply = match client.snapshot(ReceiverStream::new(out)).await {
        Ok(reply) => reply.into_inner(),
        Err(status) => return Err(status.message().into()),
    };
    if !reply.staged {
        return Err(reply.problem);
    }
    reader.await.map_err(|error| error.to_string())?.map(|()| bytes)
}

/// Tells the replica that bytes move, now and then.
struct Progress {
    shared: Arc<Shared>,
    to: NodeId,
    id: String,
    told: Instant,
}

impl Progress {
    fn new(hub: &Hub, to: NodeId, id: &str) -> Self {
        Self { shared: hub.shared.clone(), to, id: id.into(), told: Instant::now() }
    }

    fn made(&mut self) {
        if self.told.elapsed() >= PROGRESS_INTERVAL {
            self.told = Instant::now();
            self.shared.inbox.push(Input::SnapshotProgress { to: self.to, id: self.id.clone() });
        }
    }
}

/// Reads the files into frames, as fast as the network takes them. Leaving early cuts the stream before its end frame,
/// which the receiver takes for a failure.
fn read_all(
    dir: &Path,
    start: VouchedStart,
    files: &[SnapshotFile],
    frames: &mpsc::Sender<SnapshotFrame>,
    mut moved: impl FnMut(usize),
) -> Result<(), String> {
    let send =
        |kind| frames.blocking_send(SnapshotFrame { kind: Some(kind) }).map_err(|_| "the receiver hung up".to_string());
    send(Kind::Start(start))?;
    for (number, listed) in (0_u32..).zip(files) {
        let unreadable = |error| format!("cannot read the checkpoint's {}: {error}", listed.name);
        let mut file = File::open(dir.join(&listed.name)).map_err(unreadable)?;
        let mut offset = 0;
        while offset < listed.size {
            let mut data = Vec::with_capacity(PIECE_BYTES);
            let read = file.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut data).map_err(unreadable)?;
            if read == 0 {
                return Err(format!("the checkpoint's {} has shrunk", listed.name));
            }
            send(Kind::Piece(SnapshotPiece { file: number, offset, data }))?;
            moved(read);
            offset += read as u64;
        }
    }
    send(Kind::End(SnapshotEnd {}))
}
