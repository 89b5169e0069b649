//! Streaming a checkpoint to a peer that fell behind.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use lectern_proto::internal::v1::{
    SnapshotEnd, SnapshotFile, SnapshotFrame, SnapshotPiece, SnapshotStart, snapshot_frame::Kind,
};
use lectern_raft::NodeId;
use lectern_rpc::internal::v1::peer_service_client::PeerServiceClient;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{Hub, MAX_FRAME_BYTES, dialer, manifest};
use crate::node::Moving;

const PIECE_BYTES: usize = 1 << 20;
/// Pieces read ahead of the network.
const PIECES_AHEAD: usize = 4;
/// A transfer slower than this many bytes a second is given up.
const SLOWEST_BYTES_PER_SECOND: u64 = 1 << 20;
const SHORTEST_DEADLINE: Duration = Duration::from_mins(1);

/// Sends the checkpoint `id` with its raft message; returns its size, or why it was not staged.
pub(super) async fn send(hub: &Hub, to: NodeId, id: &str, raft_message: Vec<u8>) -> Result<u64, String> {
    let dir = hub.data.snapshot(id);
    let listed = dir.clone();
    let files = tokio::task::spawn_blocking(move || manifest::of_directory(&listed))
        .await
        .map_err(|error| error.to_string())?
        .map_err(|error| format!("cannot read the checkpoint: {error}"))?;
    let bytes = files.iter().map(|file| file.size).sum::<u64>();
    let address = hub.address(to).ok_or("the peer's address is not known")?;
    let channel = dialer::connect(address).await.map_err(|error| error.to_string())?;
    let start =
        SnapshotStart { hello: Some(hub.introduction(to)), snapshot_id: id.into(), raft_message, files: files.clone() };
    let (frames, out) = mpsc::channel(PIECES_AHEAD);
    let moving = hub.shared.board.vitals().transfer(to, true, bytes);
    let reader = tokio::task::spawn_blocking(move || read_all(&dir, start, &files, &frames, &moving));
    let mut client = PeerServiceClient::new(channel).max_encoding_message_size(MAX_FRAME_BYTES);
    let deadline = SHORTEST_DEADLINE + Duration::from_secs(bytes / SLOWEST_BYTES_PER_SECOND);
    let reply = match tokio::time::timeout(deadline, client.snapshot(ReceiverStream::new(out))).await {
        Ok(Ok(reply)) => reply.into_inner(),
        Ok(Err(status)) => return Err(status.message().into()),
        Err(_) => return Err(format!("it took longer than {} seconds", deadline.as_secs())),
    };
    if !reply.staged {
        return Err(reply.problem);
    }
    reader.await.map_err(|error| error.to_string())?.map(|()| bytes)
}

/// Reads the files into frames, as fast as the network takes them. Leaving early cuts the stream before its end frame,
/// which the receiver takes for a failure.
fn read_all(
    dir: &Path,
    start: SnapshotStart,
    files: &[SnapshotFile],
    frames: &mpsc::Sender<SnapshotFrame>,
    moving: &Moving,
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
            moving.moved(read);
            offset += read as u64;
        }
    }
    send(Kind::End(SnapshotEnd {}))
}
