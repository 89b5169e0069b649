//! One call at one node, once: what came of it, told without hope. The client library repeats calls until it knows; here
//! every attempt counts by itself.

use std::error::Error;
use std::time::Duration;

use http::uri::PathAndQuery;
use lectern_client::{Trust, v1};
use lectern_rpc::Call;
use lectern_rpc::v1::cluster_service_client::ClusterServiceClient;
use lectern_tls::{Connector, ProgramTls};
use tokio::task::JoinSet;
use tonic::client::Grpc;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, ConnectError, Request, Status};
use tonic_prost::ProstCodec;
use tonic_types::StatusExt as _;

use crate::network::Addresses;
use crate::service::{Answer, Refusal};

/// How long one attempt waits.
const PATIENCE: Duration = Duration::from_millis(1_500);
const CONNECT: Duration = Duration::from_millis(500);
/// A node that is stopped or cut off answers no pings.
const KEEPALIVE: Duration = Duration::from_secs(1);
/// The largest answer.
const MAX_ANSWER_BYTES: usize = 32 * 1024 * 1024;
/// Reasons of UNAVAILABLE with which nodes promise that nothing was changed.
const NOT_DONE: [&str; 4] = ["NO_LEADER", "NO_QUORUM", "CLOCK_OFFSET", "STOPPING"];

/// Connections to all nodes.
#[derive(Clone, Debug)]
pub struct Nodes {
    addresses: Addresses,
    /// By place.
    channels: Vec<Channel>,
}

impl Nodes {
    /// Connections that are made when they are needed.
    pub fn new(addresses: &Addresses, trust: &Trust) -> Result<Self, String> {
        let connector =
            ProgramTls::new(trust, None).map_or_else(Connector::clear, |tls| Connector::tls(move || tls.config()));
        let channel = |place| {
            let endpoint = Endpoint::from_shared(format!("http://{}", addresses.client(place)));
            endpoint.map_err(|error| error.to_string()).map(|endpoint| {
                endpoint
                    .connect_timeout(CONNECT)
                    .tcp_nodelay(true)
                    .http2_keep_alive_interval(KEEPALIVE)
                    .keep_alive_timeout(KEEPALIVE)
                    .connect_with_connector_lazy(connector.clone())
            })
        };
        let channels = (1..=addresses.places()).map(channel).collect::<Result<_, _>>()?;
        Ok(Self { addresses: addresses.clone(), channels })
    }

    /// Nodes are 1 to this.
    pub fn count(&self) -> u32 {
        self.addresses.nodes
    }

    fn channel(&self, node: u32) -> Channel {
        self.channels[self.addresses.place(node) as usize - 1].clone()
    }

    /// Makes a call.
    pub async fn call<Q: Call>(&self, node: u32, token: &str, key: Option<&str>, request: Q) -> Answer<Q::Response> {
        let mut call = Request::new(request);
        let words = [("authorization", Some(format!("Bearer {token}"))), ("idempotency-key", key.map(String::from))];
        for (name, text) in words {
            match text.map(MetadataValue::try_from) {
                Some(Ok(value)) => drop(call.metadata_mut().insert(name, value)),
                Some(Err(_)) => return Answer::NotDone(format!("{name} is not ASCII")),
                None => {}
            }
        }
        let mut grpc = Grpc::new(self.channel(node)).max_decoding_message_size(MAX_ANSWER_BYTES);
        let made = async {
            if let Err(error) = grpc.ready().await {
                return Answer::NotDone(innermost(&error));
            }
            let codec = ProstCodec::<Q, Q::Response>::default();
            match grpc.unary(call, PathAndQuery::from_static(Q::PATH), codec).await {
                Ok(response) => Answer::Done(response.into_inner()),
                Err(status) => judge(&status),
            }
        };
        tokio::time::timeout(PATIENCE, made)
            .await
            .unwrap_or_else(|_| Answer::Unknown(format!("no answer in {PATIENCE:?}")))
    }

    /// A node's own view of the cluster.
    pub async fn status(&self, node: u32) -> Option<v1::GetStatusResponse> {
        let mut cluster = ClusterServiceClient::new(self.channel(node));
        let asked = cluster.get_status(v1::GetStatusRequest {});
        tokio::time::timeout(CONNECT, asked).await.ok()?.ok().map(tonic::Response::into_inner)
    }

    /// The node that leads: of those that think so, the one of the latest term.
    pub async fn leader(&self) -> Option<u32> {
        let mut asked = JoinSet::new();
        for node in 1..=self.count() {
            let nodes = self.clone();
            asked.spawn(async move { nodes.status(node).await.map(|status| (status, node)) });
        }
        let told = asked.join_all().await.into_iter().flatten();
        let leaders = told.filter(|(status, node)| status.leader_id == u64::from(self.addresses.number(*node)));
        leaders.map(|(status, node)| (status.term, node)).max().map(|(_, node)| node)
    }
}

/// What a status says of the change. What is not certainly so is unknown.
fn judge<T>(status: &Status) -> Answer<T> {
    if never_left(status) {
        return Answer::NotDone(innermost(status));
    }
    let message = status.message().to_owned();
    let Some(reason) = status.get_details_error_info().map(|info| info.reason).filter(|reason| !reason.is_empty())
    else {
        return Answer::Unknown(format!("{:?}: {message}", status.code()));
    };
    match status.code() {
        Code::Unavailable if NOT_DONE.contains(&&*reason) => Answer::NotDone(reason),
        Code::ResourceExhausted if reason == "BUSY" => Answer::NotDone(reason),
        Code::Unavailable | Code::Internal | Code::Unknown | Code::DeadlineExceeded | Code::Cancelled => {
            Answer::Unknown(reason)
        }
        _ => Answer::Refused(Refusal { reason, message }),
    }
}

/// Whether the connection could not even be made.
fn never_left(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<ConnectError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic_types::ErrorDetails;

    use super::*;

    fn status(code: Code, reason: &str) -> Status {
        Status::with_error_details(code, "words", ErrorDetails::with_error_info(reason, "lectern", HashMap::new()))
    }

    #[test]
    fn only_what_a_node_promises_was_not_done() {
        for reason in NOT_DONE {
            assert_eq!(judge::<()>(&status(Code::Unavailable, reason)), Answer::NotDone(reason.into()));
        }
        assert!(matches!(judge::<()>(&status(Code::Unavailable, "OUTCOME_UNKNOWN")), Answer::Unknown(_)));
        assert!(matches!(judge::<()>(&status(Code::Internal, "INTERNAL")), Answer::Unknown(_)));
        assert!(matches!(judge::<()>(&Status::unavailable("broken pipe")), Answer::Unknown(_)));
        assert!(matches!(judge::<()>(&Status::cancelled("reset")), Answer::Unknown(_)));
    }

    #[test]
    fn a_refusal_of_the_log_is_an_answer() {
        let Answer::Refused(refusal) = judge::<()>(&status(Code::Aborted, "STALE_REVISION")) else {
            panic!("a stale revision is a refusal");
        };
        assert_eq!(refusal.reason, "STALE_REVISION");
    }

    #[tokio::test]
    async fn where_nobody_listens_nothing_was_done() {
        let nodes = Nodes::new(&Addresses::new("127.79.1", 1), &Trust::Loopback).unwrap();
        let answer = nodes.call(1, "token", Some("key"), v1::GetCourseRequest::default()).await;
        assert!(matches!(answer, Answer::NotDone(_)), "{answer:?}");
        assert_eq!(nodes.leader().await, None);
    }
}
