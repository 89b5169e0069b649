//! The one path of every change: any node takes the call, the leader proposes it.
//!
//! A node that does not lead passes the gRPC call on once, and never one that was passed on to it already. Whatever comes
//! of it, the response metadata names the leader's address, so that the client goes there itself the next time.

use std::time::Duration;

use lectern_lms::{Reason, levels};
use lectern_proto::internal::v1::{Command, command::Body, outcome};
use lectern_rpc::{Call, Kind};
use prost::Message;
use tonic::{Request, Response, Status};

use super::metadata::{self, Caller};
use super::{Door, errors, secrets};
use crate::node::Leader;

/// Format of commands.
const COMMAND_VERSION: u32 = 1;
/// How long a proposal may take.
const DEADLINE: Duration = Duration::from_secs(15);

/// Looks at what of a request's shape apply cannot judge.
pub(super) type Check<Q> = fn(&Q) -> Result<(), Status>;

impl Door {
    /// A change: `check` looks at what of its shape apply cannot judge, where it arrives, `body` makes the command's body of it on the leader.
    pub(super) async fn write<Q: Call>(
        &self,
        request: Request<Q>,
        check: Option<Check<Q>>,
        body: impl FnOnce(Q) -> Body,
    ) -> Result<Response<Q::Response>, Status> {
        if let Some(check) = check {
            check(request.get_ref())?;
        }
        self.at_leader(request, async |caller, request| {
            caller.require_token()?;
            let (key, hash) = match Q::KIND {
                Kind::Keyed => (caller.idempotency_key.clone(), request_hash(&request)),
                Kind::Read | Kind::Repeatable | Kind::Secret => (String::new(), Vec::new()),
            };
            let outcome = self.propose(&caller, key, hash, body(request)).await;
            if outcome.is_ok() {
                self.note_use(&caller.token_id);
            }
            outcome
        })
        .await
    }

    /// Runs `here` when this node leads, or passes the call on to the node that does.
    pub(super) async fn at_leader<Q, F>(&self, request: Request<Q>, here: F) -> Result<Response<Q::Response>, Status>
    where
        Q: Call,
        F: AsyncFnOnce(Caller, Q) -> Result<Q::Response, Status>,
    {
        let mut caller = Caller::of(&request)?;
        caller.require_key(Q::KIND)?;
        // Addresses matter where secrets are guessed; other calls carry none.
        let guessable = Q::KIND == Kind::Secret;
        if guessable {
            caller.believe(&request, &self.forwarding_key, self.node.now_ms());
        }
        let leader = self.node.leader();
        let answer = match &leader {
            Some(leader) if leader.is_self => here(caller, request.into_inner()).await,
            Some(leader) if !caller.forwarded && !leader.client_address.is_empty() => {
                let stated = caller
                    .address
                    .filter(|_| guessable)
                    .map(|address| self.forwarding_key.state(request.get_ref(), address, self.node.now_ms()));
                self.forwarder.call(leader, request, stated).await
            }
            _ => Err(errors::no_leader()),
        };
        name_leader(answer, self.node.leader().or(leader).as_ref())
    }

    /// Proposes a command and decodes what apply answered.
    pub(super) async fn propose<R: Message + Default>(
        &self,
        caller: &Caller,
        idempotency_key: String,
        request_hash: Vec<u8>,
        body: Body,
    ) -> Result<R, Status> {
        if self.node.feature_level() < levels::needed(&body) {
            return Err(errors::refused(
                Reason::WrongState,
                "this cluster is being upgraded, and this begins when all of its nodes run the new release; until then nothing was changed",
            ));
        }
        let now_ms = self.node.now_ms();
        let command = Command {
            version: COMMAND_VERSION,
            stamped_at_ms: now_ms,
            token_id: caller.token_id.clone(),
            idempotency_key,
            request_hash,
            id_seed: secrets::new_id_seed(now_ms).map_err(|error| errors::internal(&error.to_string()))?,
            body: Some(body),
        };
        let proposed = tokio::time::timeout(DEADLINE, self.node.propose(command)).await;
        let outcome = proposed.map_err(|_| errors::outcome_unknown())?.map_err(|error| errors::from_node(&error))?;
        match outcome.result {
            Some(outcome::Result::Response(bytes)) => {
                R::decode(&*bytes).map_err(|_| errors::internal("a command's response does not decode"))
            }
            Some(outcome::Result::Refusal(refusal)) => Err(errors::from_refusal(refusal)),
            None => Err(errors::internal("a command had no outcome")),
        }
    }
}

/// BLAKE3 of method and request: the same key with another request is refused.
fn request_hash<Q: Call>(request: &Q) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(Q::PATH.as_bytes());
    hasher.update(&request.encode_to_vec());
    hasher.finalize().as_bytes().to_vec()
}

/// Tells the client where the leader is, on success and on failure.
fn name_leader<R>(answer: Result<R, Status>, leader: Option<&Leader>) -> Result<Response<R>, Status> {
    let address = leader.filter(|leader| !leader.client_address.is_empty());
    let address = address.and_then(|leader| metadata::value(&leader.client_address));
    match answer {
        Ok(response) => {
            let mut response = Response::new(response);
            if let Some(address) = address {
                response.metadata_mut().insert(metadata::LEADER, address);
            }
            Ok(response)
        }
        Err(mut status) => {
            if let Some(address) = address {
                status.metadata_mut().insert(metadata::LEADER, address);
            }
            Err(status)
        }
    }
}

#[cfg(test)]
mod tests {
    use lectern_proto::v1;

    use super::*;

    #[test]
    fn the_hash_tells_methods_and_requests_apart() {
        let one = v1::DeleteMaterialRequest { course: "cs101".into(), material: "a".into() };
        let other = v1::DeleteMaterialRequest { course: "cs101".into(), material: "b".into() };
        let elsewhere = v1::DeleteAnnouncementRequest { course: "cs101".into(), announcement_id: "a".into() };
        assert_eq!(request_hash(&one), request_hash(&one.clone()));
        assert_ne!(request_hash(&one), request_hash(&other));
        assert_ne!(request_hash(&one), request_hash(&elsewhere));
    }

    #[test]
    fn the_leader_is_named_on_success_and_on_failure() {
        let leader = Leader { node_id: 2, client_address: "127.0.0.2:7000".into(), is_self: false };
        let response = name_leader(Ok(()), Some(&leader)).unwrap();
        assert_eq!(response.metadata().get(metadata::LEADER).unwrap(), "127.0.0.2:7000");
        let status = name_leader::<()>(Err(errors::no_leader()), Some(&leader)).unwrap_err();
        assert_eq!(status.metadata().get(metadata::LEADER).unwrap(), "127.0.0.2:7000");
    }
}
