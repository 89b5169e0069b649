//! One unary call: which node, how long, and again.
//!
//! Every attempt ends in one of four ways (see `Verdict`): it is answered, nothing was changed, it may have been done,
//! or the node failed. What may have been done is repeated with the same key; a change that takes no key and makes a
//! secret is repeated only when it certainly did not happen.

use std::error::Error;
use std::io;
use std::time::Duration;

use http::uri::PathAndQuery;
use lectern_proto::MAX_REQUEST_BYTES;
use lectern_rpc::{Call, Kind};
use lectern_tls::Problem;
use tokio::time::Instant;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::{Code, ConnectError, Request, Status};
use tonic_prost::ProstCodec;

use crate::backoff::Backoff;
use crate::diagnosis::why_unreachable;
use crate::error::{UNREACHABLE, Verdict, final_error, judge, reason_of};
use crate::nodes::Node;
use crate::{Client, ClientError, Secret};

/// One did, and is not taken for a node of the cluster, or does not take this program.
pub(crate) const UNTRUSTED: &str = "UNTRUSTED";
/// In responses: the leader's client address.
const LEADER: &str = "lectern-leader";
/// The largest answer taken.
const MAX_ANSWER_BYTES: usize = 32 * 1024 * 1024;
/// No attempt is begun with less time than this: it could only fail, and its failure would hide what went wrong before.
const SHORTEST_ATTEMPT: Duration = Duration::from_millis(50);
/// Tokens are much shorter; longer headers are refused before a node sees them.
const MAX_TOKEN_BYTES: usize = 1024;
/// How often a node's own failure is taken to another node.
const MAX_FAILURES: u32 = 4;

/// How one attempt went wrong.
struct Miss {
    verdict: Verdict,
    /// Where it came as a status.
    status: Option<Status>,
    /// For programs.
    reason: String,
    /// For people.
    message: String,
}

impl Miss {
    fn not_reached(address: &str, error: &(dyn Error + 'static)) -> Self {
        let message = format!("{address}: {}", describe(error));
        Self { verdict: Verdict::NotDone, status: None, reason: reason_not_reached(error).into(), message }
    }

    fn no_answer(message: String) -> Self {
        Self { verdict: Verdict::Unknown, status: None, reason: UNREACHABLE.into(), message }
    }

    fn of(status: Status, address: &str) -> Self {
        // Who is not taken for a node of the cluster has carried out nothing.
        if never_left(&status) || reason_not_reached(&status) == UNTRUSTED {
            return Self::not_reached(address, &status);
        }
        let verdict = judge(&status);
        let own_word = reason_of(&status);
        let message =
            if own_word.is_some() { status.message().into() } else { format!("{address}: {}", words(&status)) };
        Self { verdict, reason: own_word.unwrap_or_else(|| UNREACHABLE.into()), message, status: Some(status) }
    }

    /// Whether a node said this itself: then the connection is sound.
    fn is_own_word(&self) -> bool {
        self.reason != UNREACHABLE && self.reason != UNTRUSTED
    }
}

/// What is remembered over the attempts of one call.
struct Trail {
    deadline: Instant,
    backoff: Backoff,
    /// Nodes that failed in this round.
    avoid: Vec<String>,
    attempt: u32,
    failures: u32,
    /// An attempt may have been carried out.
    unknown: bool,
}

pub(crate) async fn call<Q: Call>(
    client: &Client,
    request: Q,
    key: Option<String>,
) -> Result<Q::Response, ClientError> {
    let bytes = request.encoded_len();
    if bytes > MAX_REQUEST_BYTES {
        let (size, most) = (bytes.div_ceil(1 << 20), MAX_REQUEST_BYTES >> 20);
        let message = format!("this is {size} MiB at once, and a call takes {most} MiB: send less at a time");
        return Err(ClientError::refused(Code::InvalidArgument, "TOO_LARGE", message));
    }
    client.discover();
    let options = client.options();
    let key_value = key.as_deref().map(metadata_value).transpose()?;
    let begun = Instant::now();
    let mut trail = Trail {
        deadline: begun + options.call_deadline,
        backoff: Backoff::new(options.max_backoff),
        avoid: Vec::new(),
        attempt: 0,
        failures: 0,
        unknown: false,
    };
    loop {
        let node = client.nodes().pick(Q::KIND != Kind::Read, &trail.avoid);
        let patience = attempt_patience::<Q>(client, &trail);
        let miss = match attempt(client, &node, &request, key_value.as_ref(), patience).await {
            Ok(response) => return Ok(response),
            Err(miss) => miss,
        };
        tracing::debug!(method = Q::PATH, node = node.address, message = miss.message, "an attempt failed");
        if let Some(error) = verdict::<Q>(&mut trail, &miss, key.as_ref()) {
            return Err(error);
        }
        note_failure(client, &node, &miss, &mut trail);
        let deadline = if client.ever_answered() { trail.deadline } else { begun + first_contact(client) };
        let pause = trail.backoff.next_pause();
        if Instant::now() + pause + SHORTEST_ATTEMPT >= deadline {
            client.update_link(|link| link.down(&miss.message));
            return Err(gave_up::<Q>(client, &trail, miss, key).await);
        }
        tokio::time::sleep(pause).await;
    }
}

fn first_contact(client: &Client) -> Duration {
    client.options().first_contact_deadline.min(client.options().call_deadline)
}

/// How long this attempt may take. What may be repeated elsewhere is given up early at first, then later and later: a
/// slow cluster is not to be loaded with the same call over and over.
fn attempt_patience<Q: Call>(client: &Client, trail: &Trail) -> Duration {
    let left = trail.deadline.saturating_duration_since(Instant::now());
    if Q::KIND == Kind::Secret {
        left
    } else {
        left.min(client.options().attempt_timeout * 2u32.pow(trail.attempt.min(4)))
    }
}

/// An error that ends the call, or none when it is to be repeated.
fn verdict<Q: Call>(trail: &mut Trail, miss: &Miss, key: Option<&String>) -> Option<ClientError> {
    trail.attempt += 1;
    match miss.verdict {
        Verdict::NotDone => None,
        Verdict::Unknown if Q::KIND == Kind::Secret => {
            Some(ClientError::OutcomeUnknown { key: None, message: miss.message.clone() })
        }
        Verdict::Unknown => {
            trail.unknown = true;
            None
        }
        Verdict::Failed => {
            trail.failures += 1;
            if Q::KIND == Kind::Secret || trail.failures >= MAX_FAILURES {
                return Some(match &miss.status {
                    Some(status) if miss.is_own_word() => final_error(status),
                    _ if trail.unknown && Q::KIND == Kind::Keyed => unknown(miss, key.cloned()),
                    _ => ClientError::unreachable(&*miss.message),
                });
            }
            trail.unknown = true;
            None
        }
        Verdict::Final => {
            let status = miss.status.as_ref()?;
            // A change that was lost on the way may have been the one that ended the sign-in.
            if trail.unknown && Q::KIND == Kind::Keyed && status.code() == Code::Unauthenticated {
                return Some(unknown(miss, key.cloned()));
            }
            // Whoever knows no such method is not a node's client address, or a node of an older release.
            if status.code() == Code::Unimplemented && !miss.is_own_word() {
                return Some(ClientError::unreachable(&*miss.message));
            }
            Some(final_error(status))
        }
    }
}

/// Remembers that `node` is not the one to ask next.
fn note_failure(client: &Client, node: &Node, miss: &Miss, trail: &mut Trail) {
    client.update_link(|link| link.retrying(std::time::Instant::now(), &miss.message));
    if miss.reason == "BUSY" {
        return;
    }
    client.nodes().leader_failed(&node.address);
    // Having asked everyone, begin again: whoever failed may be back.
    if trail.avoid.len() + 1 >= client.nodes().addresses().len() {
        trail.avoid.clear();
    }
    trail.avoid.push(node.address.clone());
    // A node that says that there is no leader may know one by the next attempt; what another says now is taken.
    if let Some(leader) = miss.status.as_ref().and_then(|status| leader_in(status.metadata()))
        && leader != node.address
        && !trail.avoid.contains(&leader)
    {
        client.nodes().set_leader(&leader, client.options());
    }
}

async fn gave_up<Q: Call>(client: &Client, trail: &Trail, miss: Miss, key: Option<String>) -> ClientError {
    if trail.unknown && Q::KIND == Kind::Keyed {
        return unknown(&miss, key);
    }
    let own_word = miss.is_own_word().then(|| miss.reason.clone());
    why_unreachable(client, own_word, &miss.message).await
}

fn unknown(miss: &Miss, key: Option<String>) -> ClientError {
    ClientError::OutcomeUnknown { key, message: miss.message.clone() }
}

async fn attempt<Q: Call>(
    client: &Client,
    node: &Node,
    request: &Q,
    key: Option<&MetadataValue<Ascii>>,
    patience: Duration,
) -> Result<Q::Response, Miss> {
    let (number, channel) = node.channel().await.map_err(|error| Miss::not_reached(&node.address, &error))?;
    let mut call = Request::new(request.clone());
    authorise(call.metadata_mut(), client.token().as_ref()).map_err(|status| Miss::of(status, &node.address))?;
    if let Some(operator) = &client.options().operator {
        operator.sign(request, call.metadata_mut());
    }
    if let Some(key) = key {
        call.metadata_mut().insert("idempotency-key", key.clone());
    }
    let mut grpc = tonic::client::Grpc::new(channel).max_decoding_message_size(MAX_ANSWER_BYTES);
    let sent = async {
        grpc.ready().await.map_err(|error| Miss::not_reached(&node.address, &error))?;
        let codec = ProstCodec::<Q, Q::Response>::default();
        grpc.unary(call, PathAndQuery::from_static(Q::PATH), codec)
            .await
            .map_err(|status| Miss::of(status, &node.address))
    };
    let answer = tokio::time::timeout(patience, sent)
        .await
        .unwrap_or_else(|_| Err(Miss::no_answer(format!("{}: {}", node.address, in_time(patience)))));
    match answer {
        Ok(response) => {
            if let Some(leader) = leader_in(response.metadata()) {
                client.nodes().set_leader(&leader, client.options());
            }
            heard_from(client, node);
            Ok(response.into_inner())
        }
        Err(miss) => {
            if miss.is_own_word() {
                client.note_answer();
                if miss.verdict == Verdict::Final {
                    heard_from(client, node);
                }
            } else if miss.verdict != Verdict::Final {
                node.forget(number).await;
            }
            Err(miss)
        }
    }
}

/// The node answered: the link is up.
fn heard_from(client: &Client, node: &Node) {
    client.note_answer();
    client.nodes().answered(&node.address);
    let leader = client.nodes().leader();
    client.update_link(|link| link.up(&node.address, leader.as_deref()));
}

/// Puts the token into a call's metadata.
pub(crate) fn authorise(metadata: &mut MetadataMap, token: Option<&Secret>) -> Result<(), Status> {
    let Some(token) = token else { return Ok(()) };
    if token.expose().len() > MAX_TOKEN_BYTES {
        return Err(Status::unauthenticated("what was given as the token is too long to be one; sign in again"));
    }
    let mut value = MetadataValue::try_from(format!("Bearer {}", token.expose()))
        .map_err(|_| Status::unauthenticated("the token holds characters that no token has; sign in again"))?;
    value.set_sensitive(true);
    metadata.insert("authorization", value);
    Ok(())
}

fn metadata_value(key: &str) -> Result<MetadataValue<Ascii>, ClientError> {
    MetadataValue::try_from(key)
        .map_err(|_| ClientError::usage("an idempotency key is made of visible ASCII characters"))
}

fn leader_in(metadata: &MetadataMap) -> Option<String> {
    metadata.get(LEADER)?.to_str().ok().filter(|leader| !leader.is_empty()).map(Into::into)
}

/// Whether the request certainly never left this machine: the connection could not be made.
pub(crate) fn never_left(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<ConnectError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Why a connection could not be made, for programs: the network, or certificates.
pub(crate) fn reason_not_reached(error: &(dyn Error + 'static)) -> &'static str {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let problem = error.downcast_ref::<io::Error>().and_then(Problem::in_error);
        if problem.is_some_and(|problem| !matches!(problem, Problem::Tls(_))) {
            return UNTRUSTED;
        }
        cause = error.source();
    }
    // HTTP/2 keeps the words of what broke a connection, and not the error itself.
    if describe(error) == Problem::SpeaksTls.to_string() { UNTRUSTED } else { UNREACHABLE }
}

/// That nothing came for so long, in words.
pub(crate) fn in_time(patience: Duration) -> String {
    match patience.as_millis() {
        ..500 => "no answer in time".into(),
        millis => format!("no answer in {}.{} s", millis / 1000, millis % 1000 / 100),
    }
}

/// What a status says; where it says nothing, what that means.
pub(crate) fn words(status: &Status) -> String {
    match (status.code(), reason_of(status)) {
        (_, Some(_)) => status.message().into(),
        (Code::Unimplemented, None) => "it does not know this call: is this a node's address for clients?".into(),
        (Code::Unknown | Code::Internal, None) => {
            let cause = describe(status);
            format!("it does not speak as a node does ({cause}): is this a node's address for clients?")
        }
        _ if status.message().is_empty() => status.code().to_string(),
        _ => status.message().into(),
    }
}

/// The innermost cause, which is what says something: "connection refused", not "transport error".
pub(crate) fn describe(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
