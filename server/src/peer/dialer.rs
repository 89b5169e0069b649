//! Keeping a stream open to one peer.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lectern_proto::internal::v1::{ClockProbe, Introduction, PeerReply, Proof, peer_frame, peer_reply};
use lectern_raft::{Input, NodeId};
use lectern_rpc::internal::v1::peer_service_client::PeerServiceClient;
use lectern_tls::{Connector, Problem};
use tokio::sync::watch;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, Streaming};

use super::conversations::Conversation;
use super::handshake::{self, Side};
use super::lane::{self, Lane, Queues};
use super::{Hub, MAX_FRAME_BYTES, hello};
use crate::fatal;

const CONNECT_DEADLINE: Duration = Duration::from_secs(1);
const WELCOME_DEADLINE: Duration = Duration::from_secs(5);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(1);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(2);
const CLOCK_PROBE_INTERVAL: Duration = Duration::from_millis(500);
/// An answer that took longer says too little about the peer's clock.
const LONGEST_USEFUL_PROBE_MS: u64 = 1_000;
const SHORTEST_BACKOFF: Duration = Duration::from_millis(20);
const LONGEST_BACKOFF: Duration = Duration::from_millis(500);
/// After a refused handshake: nothing changes until a person does something, unless this node is only about to be let in.
const REJECTED_BACKOFF: Duration = Duration::from_secs(2);

/// A node whose peers have another process for it for this long is the copy: a restart is taken for one only for a moment.
const TWIN_PATIENCE: Duration = Duration::from_secs(10);

/// How a try to talk to a peer ended.
enum End {
    /// Nothing listens there.
    Refused,
    /// It could not be reached, or did not answer.
    Unreachable(String),
    /// One side refused the handshake.
    Rejected(String),
    /// The peer has another process for this node.
    Twin(String),
    /// The stream was open, and broke.
    Broken(String),
}

/// Dials a peer again and again, at whatever address it has, until it is a member no more.
pub(super) async fn keep_dialed(hub: Arc<Hub>, peer: NodeId, lane: Arc<Lane>, mut address: watch::Receiver<String>) {
    loop {
        let current = address.borrow_and_update().clone();
        let moved = tokio::select! {
            moved = address.changed() => moved,
            () = dial(&hub, peer, &lane, &current) => return,
        };
        lane.close();
        hub.shared.board.peer_connected(peer, false);
        hub.shared.inbox.push(Input::PeerLost { peer, refused: false });
        if moved.is_err() {
            tracing::info!(peer, "a peer is a member no more");
            return;
        }
    }
}

/// Dials one address for ever.
async fn dial(hub: &Hub, peer: NodeId, lane: &Lane, address: &str) {
    let mut backoff = SHORTEST_BACKOFF;
    let mut last_problem = String::new();
    let mut twin_since: Option<Instant> = None;
    loop {
        let begun = Instant::now();
        let end = talk(hub, peer, lane, address).await;
        hub.shared.inbox.push(Input::PeerLost { peer, refused: matches!(end, End::Refused) });
        let since = matches!(end, End::Twin(_)).then(|| twin_since.unwrap_or_else(Instant::now));
        twin_since = since;
        let (problem, pause) = match end {
            End::Twin(problem) if since.is_some_and(|since| since.elapsed() >= TWIN_PATIENCE) => {
                fatal::stop(&format!("node {peer} says: {problem}"))
            }
            // One that breaks as soon as it is open is not opened again as fast as it breaks.
            End::Broken(problem) if begun.elapsed() < LONGEST_BACKOFF => {
                (format!("lost the stream: {problem}"), backoff)
            }
            // At once: whether the process is gone shows in the answer.
            End::Broken(problem) => {
                backoff = SHORTEST_BACKOFF;
                (format!("lost the stream: {problem}"), Duration::ZERO)
            }
            // It waits to be let in, which takes the others a moment.
            End::Rejected(problem) if !hub.shared.board.membership().1 => (problem, LONGEST_BACKOFF),
            End::Twin(problem) | End::Rejected(problem) => (format!("refused: {problem}"), REJECTED_BACKOFF),
            End::Refused => ("nothing listens there".into(), backoff),
            End::Unreachable(problem) => (problem, backoff),
        };
        if problem != last_problem {
            tracing::warn!(peer, address, problem, "cannot talk to a peer");
            hub.shared.board.peer_notice(peer, &problem);
            last_problem = problem;
        }
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
            backoff = (backoff * 2).min(LONGEST_BACKOFF);
        }
    }
}

/// Opens a stream and keeps it until it breaks.
async fn talk(hub: &Hub, peer: NodeId, lane: &Lane, address: &str) -> End {
    let channel = match connect(address, hub.connector(peer)).await {
        Ok(channel) => channel,
        Err(error) if is_refused(&error) => return End::Refused,
        // Until a person gives somebody other certificates.
        Err(error) if is_insecure(&error) => return End::Rejected(innermost(&error)),
        Err(error) => return End::Unreachable(innermost(&error)),
    };
    let (queues, outgoing) = lane::queues();
    let own = match hub.introduction(peer).await.and_then(|hello| handshake::introduction(&hello)) {
        Ok(own) => own,
        Err(problem) => return End::Unreachable(problem),
    };
    queues.send(peer_frame::Kind::Introduction(own.clone()), true);
    let mut client = PeerServiceClient::new(channel).max_decoding_message_size(MAX_FRAME_BYTES);
    let mut replies = match tokio::time::timeout(WELCOME_DEADLINE, client.messages(outgoing)).await {
        Ok(Ok(response)) => response.into_inner(),
        Ok(Err(status)) if is_insecure(&status) => return End::Rejected(innermost(&status)),
        Ok(Err(status)) => return End::Unreachable(innermost(&status)),
        Err(_) => return End::Unreachable("it took the connection but did not answer".into()),
    };
    let conversation = match shake_hands(hub, peer, &own, &mut replies, &queues).await {
        Ok(conversation) => conversation,
        Err(end) => return end,
    };
    tracing::info!(peer, address, "connected to a peer");
    lane.open(queues.clone());
    hub.shared.board.peer_connected(peer, true);
    let end = listen(hub, peer, &conversation, &mut replies, &queues).await;
    lane.close();
    hub.shared.board.peer_connected(peer, false);
    end
}

/// A connection to a peer's listener.
pub(super) async fn connect(address: &str, connector: Connector) -> Result<Channel, tonic::transport::Error> {
    Endpoint::from_shared(format!("http://{address}"))?
        .connect_timeout(CONNECT_DEADLINE)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(4 << 20)
        .initial_connection_window_size(8 << 20)
        .connect_with_connector(connector)
        .await
}

/// Proves to the peer that this is a node of its cluster, once the peer has, and has the replica judge who answered.
async fn shake_hands(
    hub: &Hub,
    peer: NodeId,
    own: &Introduction,
    replies: &mut Streaming<PeerReply>,
    queues: &Queues,
) -> Result<Conversation, End> {
    let key = &hub.shared.peer_key;
    let challenge = match next(replies).await? {
        Some(peer_reply::Kind::Challenge(challenge)) => challenge,
        // The word of who has proven nothing: it is told to a person, and changes nothing.
        Some(peer_reply::Kind::Welcome(welcome)) if !welcome.refused.is_empty() => {
            return Err(End::Rejected(welcome.refused));
        }
        _ => return Err(End::Unreachable("it answered with something else than a challenge".into())),
    };
    let answerer = challenge.answerer.unwrap_or_default();
    if !key.proves(&challenge.proof, Side::Answerer, own, &answerer) {
        return Err(End::Rejected("what answers there does not know the cluster's secret".into()));
    }
    let hello = handshake::said(&answerer).map_err(End::Rejected)?;
    if hello.node_id != peer {
        return Err(End::Rejected(format!("node {} answers at the address of node {peer}", hello.node_id)));
    }
    let proof = Proof { proof: key.prove(Side::Caller, own, &answerer) };
    queues.send(peer_frame::Kind::Proof(proof), true);
    let Some(peer_reply::Kind::Welcome(welcome)) = next(replies).await? else {
        return Err(End::Unreachable("it answered with something else than a welcome".into()));
    };
    if welcome.removed {
        hub.shared.inbox.push(Input::TurnedAway { by: hello::identity(&hello) });
    }
    if welcome.twin {
        return Err(End::Twin(welcome.refused));
    }
    if !welcome.refused.is_empty() {
        return Err(End::Rejected(welcome.refused));
    }
    let session = key.session(own, &answerer);
    let conversation = hub.conversations.begin(Side::Caller, &hello, session).map_err(End::Rejected)?;
    let judged = hub.greet(&hello, true, hub.verified(peer).as_ref()).await;
    judged.map(|()| conversation).map_err(|refused| End::Rejected(refused.reason))
}

/// The peer's next word in a handshake.
async fn next(replies: &mut Streaming<PeerReply>) -> Result<Option<peer_reply::Kind>, End> {
    match tokio::time::timeout(WELCOME_DEADLINE, replies.message()).await {
        Ok(Ok(reply)) => Ok(reply.and_then(|reply| reply.kind)),
        Ok(Err(status)) => Err(End::Unreachable(status.message().into())),
        Err(_) => Err(End::Unreachable("it took the connection but did not answer".into())),
    }
}

/// Probes the peer's clock and takes its answers, until the stream breaks.
async fn listen(
    hub: &Hub,
    peer: NodeId,
    conversation: &Conversation,
    replies: &mut Streaming<PeerReply>,
    queues: &Queues,
) -> End {
    let mut probes = tokio::time::interval(CLOCK_PROBE_INTERVAL);
    probes.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = probes.tick() => {
                let probe = ClockProbe {
                    sent_at_monotonic_ms: hub.shared.clock.monotonic_ms(),
                    wall_ms: 0,
                    applied_index: hub.shared.board.applied(),
                };
                queues.send(peer_frame::Kind::Clock(probe), true);
            }
            reply = replies.message() => match reply {
                Ok(Some(PeerReply { kind: Some(peer_reply::Kind::Clock(answer)) })) => {
                    hub.shared.board.peer_heard(peer);
                    conversation.heard();
                    note_clock(hub, peer, &answer);
                }
                Ok(Some(_)) => {}
                Ok(None) => return End::Broken("the peer closed it".into()),
                Err(status) => return End::Broken(status.message().into()),
            },
        }
    }
}

/// The peer's system clock, half a round trip ago, against this node's stamping clock.
fn note_clock(hub: &Hub, peer: NodeId, answer: &ClockProbe) {
    let round_trip_ms = hub.shared.clock.monotonic_ms().saturating_sub(answer.sent_at_monotonic_ms);
    if round_trip_ms > LONGEST_USEFUL_PROBE_MS {
        return;
    }
    let half = i64::try_from(round_trip_ms / 2).expect("bounded above");
    let offset_ms = answer.wall_ms.saturating_add(half).saturating_sub(hub.shared.clock.now_ms());
    hub.shared.board.peer_clock(peer, offset_ms);
    hub.shared.inbox.push(Input::ClockOffset { peer, offset_ms });
}

fn is_refused(error: &(dyn Error + 'static)) -> bool {
    chain(error)
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::ConnectionRefused))
}

/// Whether one side does not accept the other's certificate, or only one of them speaks TLS.
fn is_insecure(error: &(dyn Error + 'static)) -> bool {
    let problem = |cause: &(dyn Error + 'static)| Problem::in_error(cause.downcast_ref::<io::Error>()?);
    // Anything else about TLS is a connection that broke in its beginning.
    chain(error).filter_map(problem).any(|problem| !matches!(problem, Problem::Tls(_)))
}

/// What lies behind an error, for a person: what the other side said, without what the library puts around it.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    let last = chain(error).last();
    let said = last.and_then(|last| last.downcast_ref::<Status>()).map(|status| status.message().to_owned());
    said.filter(|said| !said.is_empty()).or_else(|| last.map(ToString::to_string)).unwrap_or_default()
}

/// An error of a call or of its connection, with what lies behind it. Where the two cannot talk to each other as they are, trying
/// again does not help, whatever the code was.
pub(crate) fn described(error: &(dyn Error + 'static), code: Code) -> Status {
    Status::new(if is_insecure(error) { Code::FailedPrecondition } else { code }, innermost(error))
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let next = |error: &&'a (dyn Error + 'static)| -> Option<&'a (dyn Error + 'static)> { (*error).source() };
    std::iter::successors(Some(error), next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_other_side_said_is_told_without_the_librarys_words() {
        let status = Status::resource_exhausted("this node has its 64 connections, all in use");
        assert_eq!(innermost(&status), "this node has its 64 connections, all in use");
        assert_eq!(described(&status, status.code()).code(), Code::ResourceExhausted);
        let mut insecure = Status::unknown("transport error");
        insecure.set_source(std::sync::Arc::new(io::Error::other(Problem::SpeaksTls)));
        let told = described(&insecure, insecure.code());
        assert_eq!((told.code(), told.message()), (Code::FailedPrecondition, &*Problem::SpeaksTls.to_string()));
    }

    #[tokio::test]
    async fn a_port_where_nothing_listens_is_told_from_other_problems() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = connect(&free.to_string(), Connector::clear()).await.unwrap_err();
        assert!(is_refused(&error), "{}", innermost(&error));
    }
}
