//! Keeping a stream open to one peer.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use lectern_proto::internal::v1::{ClockProbe, PeerReply, peer_frame, peer_reply};
use lectern_raft::{Input, NodeId};
use lectern_rpc::internal::v1::peer_service_client::PeerServiceClient;
use lectern_tls::{Connector, Problem};
use tokio::sync::watch;
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};

use super::lane::{self, Lane, Queues};
use super::{Hub, MAX_FRAME_BYTES, hello};

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

/// How a try to talk to a peer ended.
enum End {
    /// Nothing listens there.
    Refused,
    /// It could not be reached, or did not answer.
    Unreachable(String),
    /// One side refused the handshake.
    Rejected(String),
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
    loop {
        let end = talk(hub, peer, lane, address).await;
        hub.shared.inbox.push(Input::PeerLost { peer, refused: matches!(end, End::Refused) });
        let (problem, pause) = match end {
            // At once: whether the process is gone shows in the answer.
            End::Broken(problem) => {
                backoff = SHORTEST_BACKOFF;
                (format!("lost the stream: {problem}"), Duration::ZERO)
            }
            // It waits to be let in, which takes the others a moment.
            End::Rejected(problem) if !hub.shared.board.membership().1 => (problem, LONGEST_BACKOFF),
            End::Rejected(problem) => (format!("refused: {problem}"), REJECTED_BACKOFF),
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
    queues.send(peer_frame::Kind::Hello(hub.introduction(peer)), true);
    let mut client = PeerServiceClient::new(channel).max_decoding_message_size(MAX_FRAME_BYTES);
    let mut replies = match tokio::time::timeout(WELCOME_DEADLINE, client.messages(outgoing)).await {
        Ok(Ok(response)) => response.into_inner(),
        Ok(Err(status)) if is_insecure(&status) => return End::Rejected(innermost(&status)),
        Ok(Err(status)) => return End::Unreachable(innermost(&status)),
        Err(_) => return End::Unreachable("it took the connection but did not answer".into()),
    };
    if let Err(end) = shake_hands(hub, peer, &mut replies).await {
        return end;
    }
    tracing::info!(peer, address, "connected to a peer");
    lane.open(queues.clone());
    hub.shared.board.peer_connected(peer, true);
    let end = listen(hub, peer, &mut replies, &queues).await;
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

/// Waits for the Welcome, and has the replica judge who answered.
async fn shake_hands(hub: &Hub, peer: NodeId, replies: &mut Streaming<PeerReply>) -> Result<(), End> {
    let first = match tokio::time::timeout(WELCOME_DEADLINE, replies.message()).await {
        Ok(Ok(Some(PeerReply { kind: Some(peer_reply::Kind::Welcome(welcome)) }))) => welcome,
        Ok(Ok(_)) => return Err(End::Unreachable("it answered with something else than a welcome".into())),
        Ok(Err(status)) => return Err(End::Unreachable(status.message().into())),
        Err(_) => return Err(End::Unreachable("it took the connection but did not answer".into())),
    };
    let hello = first.hello.unwrap_or_default();
    if first.removed && hello.node_id == peer {
        hub.shared.inbox.push(Input::TurnedAway { by: hello::identity(&hello) });
    }
    if !first.refused.is_empty() {
        return Err(End::Rejected(first.refused));
    }
    if hello.node_id != peer {
        return Err(End::Rejected(format!("node {} answers at the address of node {peer}", hello.node_id)));
    }
    hub.greet(&hello, true, hub.verified(peer).as_ref()).await.map_err(|refused| End::Rejected(refused.reason))
}

/// Probes the peer's clock and takes its answers, until the stream breaks.
async fn listen(hub: &Hub, peer: NodeId, replies: &mut Streaming<PeerReply>, queues: &Queues) -> End {
    let mut probes = tokio::time::interval(CLOCK_PROBE_INTERVAL);
    probes.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = probes.tick() => {
                let probe = ClockProbe { sent_at_monotonic_ms: hub.shared.clock.monotonic_ms(), wall_ms: 0 };
                queues.send(peer_frame::Kind::Clock(probe), true);
            }
            reply = replies.message() => match reply {
                Ok(Some(PeerReply { kind: Some(peer_reply::Kind::Clock(answer)) })) => {
                    hub.shared.board.peer_heard(peer);
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

/// What lies behind an error.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let next = |error: &&'a (dyn Error + 'static)| -> Option<&'a (dyn Error + 'static)> { (*error).source() };
    std::iter::successors(Some(error), next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_where_nothing_listens_is_told_from_other_problems() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = connect(&free.to_string(), Connector::clear()).await.unwrap_err();
        assert!(is_refused(&error), "{}", innermost(&error));
    }
}
