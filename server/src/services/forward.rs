//! Passing a call on to the leader: once, with the caller's token and key, as the client itself would make it.

use std::collections::HashMap;
use std::error::Error as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lectern_rpc::Call;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, ConnectError, Request, Status};
use tonic_prost::ProstCodec;
use tonic_types::StatusExt as _;

use super::client_address::Statement;
use super::{MAX_REQUEST_BYTES, errors, metadata};
use crate::node::Leader;
use crate::tls::{self, Tls};

/// How long a leader may take to answer.
const DEADLINE: Duration = Duration::from_secs(20);
const CONNECT_DEADLINE: Duration = Duration::from_secs(1);
const KEEPALIVE: Duration = Duration::from_secs(10);
/// Leaders' addresses to which connections are kept.
const MAX_CHANNELS: usize = 16;
/// What of the caller's metadata goes along.
const PASSED_ON: [&str; 5] = [
    metadata::AUTHORIZATION,
    metadata::IDEMPOTENCY_KEY,
    "traceparent",
    // Put there by this node, or by an operator who has the key for it.
    lectern_rpc::proof::OPERATOR,
    lectern_rpc::proof::OPERATOR_PROOF,
];

/// Connections to the nodes that led.
#[derive(Default)]
pub struct Forwarder {
    tls: Option<Tls>,
    /// By number and client address.
    channels: Mutex<HashMap<(u64, String), Channel>>,
}

impl Forwarder {
    /// Connecting as the node itself does, in TLS where it has certificates.
    pub fn new(tls: Option<Tls>) -> Self {
        Self { tls, channels: Mutex::default() }
    }

    /// Makes the call at the leader's client address, with what this node states of the client's address.
    pub async fn call<Q: Call>(
        &self,
        leader: &Leader,
        request: Request<Q>,
        client: Option<Statement>,
    ) -> Result<Q::Response, Status> {
        let mut grpc = Grpc::new(self.channel(leader)?).max_decoding_message_size(MAX_REQUEST_BYTES);
        let (metadata, _, message) = request.into_parts();
        let mut onward = Request::new(message);
        *onward.metadata_mut() = passed_on(&metadata, client);
        let path = PathAndQuery::from_static(Q::PATH);
        let made = async {
            grpc.ready().await.map_err(|_| errors::no_leader())?;
            grpc.unary(onward, path, ProstCodec::<Q, Q::Response>::default()).await
        };
        match tokio::time::timeout(DEADLINE, made).await {
            Ok(Ok(response)) => Ok(response.into_inner()),
            Ok(Err(status)) => Err(judge(status)),
            Err(_) => Err(errors::outcome_unknown()),
        }
    }

    fn channel(&self, leader: &Leader) -> Result<Channel, Status> {
        let key = (leader.node_id, leader.client_address.clone());
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(&key) {
            return Ok(channel.clone());
        }
        let endpoint = Endpoint::from_shared(format!("http://{}", leader.client_address))
            .map_err(|_| errors::internal("the leader's client address is not HOST:PORT"))?;
        let channel = endpoint
            .connect_timeout(CONNECT_DEADLINE)
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(KEEPALIVE)
            .connect_with_connector_lazy(tls::connector(self.tls.as_ref(), leader.node_id));
        if channels.len() >= MAX_CHANNELS {
            channels.clear();
        }
        channels.insert(key, channel.clone());
        Ok(channel)
    }
}

fn passed_on(from: &MetadataMap, client: Option<Statement>) -> MetadataMap {
    let mut onward = MetadataMap::new();
    for name in PASSED_ON {
        if let Some(value) = from.get(name) {
            onward.insert(name, value.clone());
        }
    }
    onward.insert(metadata::FORWARDED, MetadataValue::from_static("1"));
    if let Some(Statement { address, proof }) = client {
        for (name, text) in [(metadata::CLIENT_ADDRESS, address), (metadata::CLIENT_ADDRESS_PROOF, proof)] {
            if let Some(value) = metadata::value(&text) {
                onward.insert(name, value);
            }
        }
    }
    onward
}

/// What the leader itself answered stands. A broken connection means that the call was never made, or that its outcome is
/// not known.
fn judge(status: Status) -> Status {
    if status.get_details_error_info().is_some() {
        return status;
    }
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<ConnectError>() {
            return errors::no_leader();
        }
        cause = error.source();
    }
    match status.code() {
        Code::Unavailable | Code::Unknown | Code::Internal | Code::Cancelled | Code::DeadlineExceeded => {
            errors::outcome_unknown()
        }
        _ => status,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_and_the_key_go_along_and_little_else() {
        let mut from = MetadataMap::new();
        for (name, text) in
            [("authorization", "Bearer x"), ("idempotency-key", "k"), ("cookie", "c"), (metadata::FORWARDED, "9")]
        {
            from.insert(name, metadata::value(text).unwrap());
        }
        let stated = Statement { address: "192.0.2.1".into(), proof: "1.ab".into() };
        let onward = passed_on(&from, Some(stated));
        assert_eq!(onward.get("authorization").unwrap(), "Bearer x");
        assert_eq!(onward.get("idempotency-key").unwrap(), "k");
        assert_eq!(onward.get(metadata::FORWARDED).unwrap(), "1");
        assert_eq!(onward.get(metadata::CLIENT_ADDRESS).unwrap(), "192.0.2.1");
        assert_eq!(onward.get(metadata::CLIENT_ADDRESS_PROOF).unwrap(), "1.ab");
        assert!(onward.get("cookie").is_none());
    }

    #[test]
    fn a_leaders_own_answer_stands_and_a_broken_connection_is_an_unknown_outcome() {
        let own = errors::no_leader();
        assert_eq!(judge(own).get_details_error_info().unwrap().reason, "NO_LEADER");
        let broken = judge(Status::unavailable("broken pipe"));
        assert_eq!(broken.get_details_error_info().unwrap().reason, "OUTCOME_UNKNOWN");
    }

    #[tokio::test]
    async fn where_nobody_listens_nothing_was_changed() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client_address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let leader = Leader { node_id: 1, client_address, is_self: false };
        let request = Request::new(lectern_proto::v1::SignOutRequest {});
        let status = Forwarder::default().call(&leader, request, None).await.unwrap_err();
        assert_eq!(status.get_details_error_info().unwrap().reason, "NO_LEADER");
    }
}
