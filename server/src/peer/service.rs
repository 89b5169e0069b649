//! Answering peers that dial this node.

use std::sync::Arc;
use std::time::Duration;

use lectern_proto::internal::v1::{
    Challenge, ClockProbe, PeerFrame, PeerReply, Proof, SnapshotFrame, SnapshotReply, Welcome, peer_frame, peer_reply,
};
use lectern_raft::{Input, NodeId, TurnedAway};
use lectern_rpc::internal::v1::peer_service_server::{PeerService, PeerServiceServer};
use lectern_tls::Name;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::conversations::Conversation;
use super::handshake::{self, Side};
use super::unproven::{Proven, UnprovenLayer};
use super::{Hub, MAX_FRAME_BYTES, receive_snapshot};
use crate::descriptors::PEER_CONNECTIONS;
use crate::listener::{Calls, Listener, OpenCall, Origin, Refusal, Refusals, Room, incoming};
use crate::wall_clock;

pub(super) const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(5);
/// Connections of nodes, and of who calls itself one: on loopback all come from one address.
const ROOM: Room = Room { total: PEER_CONNECTIONS, per_address: PEER_CONNECTIONS };
/// Calls on one connection: a node makes one.
const STREAMS_PER_CONNECTION: u32 = 4;
/// Bytes of a request's headers.
const MAX_HEADER_BYTES: u32 = 16 << 10;
/// Answers that may wait on one stream.
const REPLIES: usize = 16;

/// Serves peers on `listener` as long as the process runs.
pub(crate) async fn serve(hub: Arc<Hub>, listener: TcpListener) -> Result<(), tonic::transport::Error> {
    let connections = incoming(listener, Listener::Peers, ROOM, hub.shared.tls.clone());
    let service = PeerServiceServer::new(Answerer { hub, refusals: Arc::new(Refusals::new(Listener::Peers)) })
        .max_decoding_message_size(MAX_FRAME_BYTES)
        .max_encoding_message_size(MAX_FRAME_BYTES);
    tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(1)))
        .http2_keepalive_timeout(Some(Duration::from_secs(2)))
        .initial_stream_window_size(4 << 20)
        .initial_connection_window_size(8 << 20)
        .max_concurrent_streams(STREAMS_PER_CONNECTION)
        .http2_max_header_list_size(MAX_HEADER_BYTES)
        .layer(UnprovenLayer)
        .add_service(service)
        .serve_with_incoming(connections)
        .await
}

struct Answerer {
    hub: Arc<Hub>,
    refusals: Arc<Refusals>,
}

#[tonic::async_trait]
impl PeerService for Answerer {
    type MessagesStream = tokio_stream::adapters::Map<ReceiverStream<PeerReply>, fn(PeerReply) -> ReplyResult>;

    async fn messages(&self, request: Request<Streaming<PeerFrame>>) -> Result<Response<Self::MessagesStream>, Status> {
        let caller = self.caller(&request)?;
        let (replies, out) = mpsc::channel(REPLIES);
        let (hub, frames) = (self.hub.clone(), request.into_inner());
        tokio::spawn(Answering { hub, caller, frames, replies }.run());
        Ok(Response::new(ReceiverStream::new(out).map(Ok as fn(PeerReply) -> ReplyResult)))
    }

    type SnapshotStream = ReceiverStream<Result<SnapshotReply, Status>>;

    async fn snapshot(
        &self,
        request: Request<Streaming<SnapshotFrame>>,
    ) -> Result<Response<Self::SnapshotStream>, Status> {
        // A task of its own: when the sender goes away this call is dropped, and what came must still be kept.
        let caller = self.caller(&request)?;
        let (replies, out) = mpsc::channel(REPLIES);
        tokio::spawn(receive_snapshot::receive(self.hub.clone(), request.into_inner(), caller, replies));
        Ok(Response::new(ReceiverStream::new(out)))
    }
}

impl Answerer {
    /// A connection without a place carries nothing.
    fn caller<Q>(&self, request: &Request<Q>) -> Result<Caller, Status> {
        let origin = Origin::of(request);
        let calls = origin.calls().map_err(Status::resource_exhausted)?;
        Ok(Caller { origin, calls, proven: Proven::of(request), refusals: Arc::clone(&self.refusals) })
    }
}

/// Who makes a call, as far as the connection tells.
pub(super) struct Caller {
    origin: Origin,
    calls: Option<Calls>,
    proven: Proven,
    refusals: Arc<Refusals>,
}

impl Caller {
    /// Whom the connection's certificate is for.
    pub(super) fn certified(&self) -> Option<&Name> {
        self.origin.name.as_ref()
    }

    /// It has proven that it is a node: it may say more, and its connection is in use while what is returned lives.
    pub(super) fn proven(&self) -> Option<OpenCall> {
        self.proven.set();
        self.calls.as_ref().map(Calls::begin)
    }

    /// Anybody can be unproven as often as he likes, so this is told now and then.
    pub(super) fn note(&self, refusal: &Refusal) {
        if let Some(from) = self.origin.address {
            self.refusals.note(from, refusal);
        }
    }
}

type ReplyResult = Result<PeerReply, Status>;

/// A stream that a peer has opened.
struct Answering {
    hub: Arc<Hub>,
    caller: Caller,
    frames: Streaming<PeerFrame>,
    replies: mpsc::Sender<PeerReply>,
}

/// Why a caller is not welcome.
enum Unwelcome {
    /// It has not proven that it is a node of this cluster.
    Unproven(Refusal),
    /// It is one, and is not accepted.
    Refused(NodeId, TurnedAway),
    /// Another process is this node already.
    Twin(String),
}

impl Answering {
    async fn run(mut self) {
        match self.shake_hands().await {
            Ok((from, conversation, _open)) => {
                reply(&self.replies, peer_reply::Kind::Welcome(Welcome::default()));
                let number = self.hub.new_inbound(from);
                self.take_frames(from, number, &conversation).await;
            }
            Err(unwelcome) => self.turn_away(unwelcome),
        }
    }

    /// Proves to the caller that this is a node of its cluster, demands the same of it, and has the replica judge who it is.
    async fn shake_hands(&mut self) -> Result<(NodeId, Conversation, Option<OpenCall>), Unwelcome> {
        let unproven = |reason: &str| Unwelcome::Unproven(Refusal::unproven(reason));
        let starting = |reason: String| Unwelcome::Unproven(Refusal::starting(&reason));
        let Some(peer_frame::Kind::Introduction(caller)) = self.next().await else {
            let reason = "it did not begin with an introduction; if it is a node, run versions that fit together";
            return Err(unproven(reason));
        };
        let hello = handshake::said(&caller).map_err(|problem| unproven(&problem))?;
        let from = hello.node_id;
        let hub = Arc::clone(&self.hub);
        hub.require_certified(&hello, self.caller.certified()).map_err(|problem| unproven(&problem))?;
        let key = &hub.shared.peer_key;
        let own = hub.introduction(from).await.map_err(starting)?;
        let answerer = handshake::introduction(&own).map_err(starting)?;
        let proof = key.prove(Side::Answerer, &caller, &answerer);
        let challenge = Challenge { answerer: Some(answerer.clone()), proof };
        reply(&self.replies, peer_reply::Kind::Challenge(challenge));
        let Some(peer_frame::Kind::Proof(Proof { proof })) = self.next().await else {
            return Err(unproven("it did not prove that it knows the cluster's secret"));
        };
        if !key.proves(&proof, Side::Caller, &caller, &answerer) {
            return Err(unproven("it does not know the cluster's secret"));
        }
        let open = self.caller.proven();
        let session = key.session(&caller, &answerer);
        let conversation = hub.conversations.begin(Side::Answerer, &hello, session).map_err(Unwelcome::Twin)?;
        let greeted = hub.greet(&hello, false, self.caller.certified()).await;
        greeted.map_err(|away| Unwelcome::Refused(from, away))?;
        Ok((from, conversation, open))
    }

    async fn next(&mut self) -> Option<peer_frame::Kind> {
        let frame = tokio::time::timeout(HANDSHAKE_DEADLINE, self.frames.message()).await.ok()?.ok()??;
        frame.kind
    }

    fn turn_away(&self, unwelcome: Unwelcome) {
        let address = self.caller.origin.address.map(tracing::field::display);
        let welcome = match unwelcome {
            Unwelcome::Unproven(refusal) => {
                self.caller.note(&refusal);
                Welcome { refused: refusal.reason().into(), ..Welcome::default() }
            }
            Unwelcome::Refused(from, TurnedAway { reason, removed }) => {
                // Who waits to be let in calls twice a second.
                if self.hub.is_news(from, &reason) {
                    tracing::warn!(from, address, reason, "refused a peer");
                }
                Welcome { refused: reason, removed, twin: false }
            }
            Unwelcome::Twin(reason) => {
                tracing::error!(address, reason, "refused a peer");
                Welcome { refused: reason, removed: false, twin: true }
            }
        };
        reply(&self.replies, peer_reply::Kind::Welcome(welcome));
    }

    /// Hands the peer's frames to the replica in order, until the stream breaks or a newer one replaces it.
    async fn take_frames(&mut self, from: NodeId, number: u64, conversation: &Conversation) {
        let hub = Arc::clone(&self.hub);
        while let Ok(Some(frame)) = self.frames.message().await {
            if !hub.is_newest_inbound(from, number) {
                return;
            }
            hub.shared.board.peer_heard(from);
            conversation.heard();
            match frame.kind {
                Some(peer_frame::Kind::Raft(bytes)) => {
                    let size = bytes.len();
                    hub.shared.inbox.push_from_peer(Input::Message { from, bytes }, size).await;
                }
                Some(peer_frame::Kind::Clock(probe)) => {
                    hub.shared.inbox.push(Input::PeerApplied { peer: from, index: probe.applied_index });
                    let answer = ClockProbe { wall_ms: wall_clock::system_ms(), ..probe };
                    reply(&self.replies, peer_reply::Kind::Clock(answer));
                }
                Some(peer_frame::Kind::StateHash(chain)) => {
                    if let Ok(hash) = chain.hash.try_into() {
                        hub.shared.inbox.push(Input::StateHash { node: from, index: chain.index, hash });
                    }
                }
                // A second introduction, or something newer than this program: the stream goes on without it.
                Some(peer_frame::Kind::Introduction(_) | peer_frame::Kind::Proof(_)) | None => {}
            }
        }
    }
}

/// Answers if there is room: a probe without an answer is asked again.
fn reply(replies: &mpsc::Sender<PeerReply>, kind: peer_reply::Kind) {
    let _no_room = replies.try_send(PeerReply { kind: Some(kind) });
}
