//! Answering peers that dial this node.

use std::sync::Arc;
use std::time::Duration;

use lectern_proto::internal::v1::{
    ClockProbe, Hello, PeerFrame, PeerReply, SnapshotFrame, SnapshotReply, Welcome, peer_frame, peer_reply,
};
use lectern_raft::{Input, NodeId, TurnedAway};
use lectern_rpc::internal::v1::peer_service_server::{PeerService, PeerServiceServer};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::{Hub, MAX_FRAME_BYTES, receive_snapshot};
use crate::listener::{Listener, Origin, incoming};
use crate::wall_clock;

const HELLO_DEADLINE: Duration = Duration::from_secs(5);
/// Answers that may wait on one stream.
const REPLIES: usize = 16;

/// Serves peers on `listener` as long as the process runs.
pub(crate) async fn serve(hub: Arc<Hub>, listener: TcpListener) -> Result<(), tonic::transport::Error> {
    let connections = incoming(listener, Listener::Peers, hub.shared.tls.clone());
    let service = PeerServiceServer::new(Answerer { hub })
        .max_decoding_message_size(MAX_FRAME_BYTES)
        .max_encoding_message_size(MAX_FRAME_BYTES);
    tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(1)))
        .http2_keepalive_timeout(Some(Duration::from_secs(2)))
        .initial_stream_window_size(4 << 20)
        .initial_connection_window_size(8 << 20)
        .add_service(service)
        .serve_with_incoming(connections)
        .await
}

struct Answerer {
    hub: Arc<Hub>,
}

#[tonic::async_trait]
impl PeerService for Answerer {
    type MessagesStream = tokio_stream::adapters::Map<ReceiverStream<PeerReply>, fn(PeerReply) -> ReplyResult>;

    async fn messages(&self, request: Request<Streaming<PeerFrame>>) -> Result<Response<Self::MessagesStream>, Status> {
        let origin = Origin::of(&request);
        let mut frames = request.into_inner();
        let hello = first_hello(&mut frames).await?;
        let from = hello.node_id;
        let greeted = self.hub.greet(&hello, false, origin.name.as_ref()).await;
        let (replies, out) = mpsc::channel(REPLIES);
        let (refused, removed) = match &greeted {
            Ok(()) => (String::new(), false),
            Err(away) => (away.reason.clone(), away.removed),
        };
        let welcome = Welcome { hello: Some(self.hub.introduction(from)), refused, removed };
        reply(&replies, peer_reply::Kind::Welcome(welcome));
        match greeted {
            Ok(()) => {
                let number = self.hub.new_inbound(from);
                tokio::spawn(take_frames(self.hub.clone(), from, number, frames, replies));
            }
            Err(TurnedAway { reason, .. }) => {
                let address = origin.address.map(tracing::field::display);
                tracing::warn!(from, address, reason, "refused a peer");
            }
        }
        Ok(Response::new(ReceiverStream::new(out).map(Ok as fn(PeerReply) -> ReplyResult)))
    }

    type SnapshotStream = ReceiverStream<Result<SnapshotReply, Status>>;

    async fn snapshot(
        &self,
        request: Request<Streaming<SnapshotFrame>>,
    ) -> Result<Response<Self::SnapshotStream>, Status> {
        let origin = Origin::of(&request);
        let (replies, out) = mpsc::channel(REPLIES);
        // A task of its own: when the sender goes away this call is dropped, and what came must still be kept.
        tokio::spawn(receive_snapshot::receive(self.hub.clone(), request.into_inner(), origin.name, replies));
        Ok(Response::new(ReceiverStream::new(out)))
    }
}

type ReplyResult = Result<PeerReply, Status>;

async fn first_hello(frames: &mut Streaming<PeerFrame>) -> Result<Hello, Status> {
    let first = tokio::time::timeout(HELLO_DEADLINE, frames.message())
        .await
        .map_err(|_| Status::deadline_exceeded("a stream between nodes begins with a hello"))??;
    match first {
        Some(PeerFrame { kind: Some(peer_frame::Kind::Hello(hello)) }) => Ok(hello),
        _ => Err(Status::invalid_argument("a stream between nodes begins with a hello")),
    }
}

/// Hands a peer's frames to the replica in order, until the stream breaks or a newer one replaces it.
async fn take_frames(
    hub: Arc<Hub>,
    from: NodeId,
    number: u64,
    mut frames: Streaming<PeerFrame>,
    replies: mpsc::Sender<PeerReply>,
) {
    while let Ok(Some(frame)) = frames.message().await {
        if !hub.is_newest_inbound(from, number) {
            return;
        }
        hub.shared.board.peer_heard(from);
        match frame.kind {
            Some(peer_frame::Kind::Raft(bytes)) => {
                let size = bytes.len();
                hub.shared.inbox.push_from_peer(Input::Message { from, bytes }, size).await;
            }
            Some(peer_frame::Kind::Clock(probe)) => {
                let answer = ClockProbe { wall_ms: wall_clock::system_ms(), ..probe };
                reply(&replies, peer_reply::Kind::Clock(answer));
            }
            Some(peer_frame::Kind::StateHash(chain)) => {
                if let Ok(hash) = chain.hash.try_into() {
                    hub.shared.inbox.push(Input::StateHash { node: from, index: chain.index, hash });
                }
            }
            // A second hello, or something newer than this program: the stream goes on without it.
            Some(peer_frame::Kind::Hello(_)) | None => {}
        }
    }
}

/// Answers if there is room: a probe without an answer is asked again.
fn reply(replies: &mpsc::Sender<PeerReply>, kind: peer_reply::Kind) {
    let _no_room = replies.try_send(PeerReply { kind: Some(kind) });
}
