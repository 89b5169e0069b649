//! Who belongs to the cluster, and who is to: what operators and nodes that join ask for. The leader judges it on the raft
//! thread, writes down what it grants, and says in a sentence what will happen.

use lectern_proto::internal::v1::{
    self as internal, ClusterChange, CreateJoinToken, Enrol, Enrolled, MemberCard, cluster_change::Kind, outcome,
};
use lectern_proto::v1::{
    CreateJoinTokenRequest, CreateJoinTokenResponse, DrainNodeRequest, DrainNodeResponse, JoinRequest, JoinResponse,
    JoinToken, ListJoinTokensRequest, ListJoinTokensResponse, ListMembershipEventsRequest,
    ListMembershipEventsResponse, MemberAddress, MembershipEvent, RemoveNodeRequest, RemoveNodeResponse,
    RestoreNodeRequest, RestoreNodeResponse, RevokeJoinTokenRequest, RevokeJoinTokenResponse, TransferLeaderRequest,
    TransferLeaderResponse,
};
use lectern_raft::NodeId;
use lectern_raft::membership::{Request as Ask, Wish};
use lectern_rpc::Call;
use lectern_rpc::v1::membership_service_server::MembershipService;
use prost::Message;
use tonic::{Code, Request, Response, Status};

use super::Door;
use super::errors::{self, reasons};
use super::operator::Operator;
use crate::config::is_address;
use crate::join_token::JoinTokenText;
use crate::listener::Origin;
use crate::node;

const HOUR_MS: i64 = 3_600_000;
/// How long a join token is good when nobody says.
const USUAL_LIFETIME_MS: i64 = HOUR_MS;
const LONGEST_LIFETIME_MS: i64 = 30 * 24 * HOUR_MS;
const MOST_USES: u32 = 100;
/// Characters of a token's label, and of a release's name.
const LABEL_CHARS: usize = 100;
const VERSION_CHARS: usize = 64;

impl Door {
    /// Runs `here` on the leader for an operator, and for nobody else.
    async fn for_operator<Q, F>(&self, mut request: Request<Q>, here: F) -> Result<Response<Q::Response>, Status>
    where
        Q: Call,
        F: AsyncFnOnce(Operator, Q) -> Result<Q::Response, Status>,
    {
        let now_ms = self.node.now_ms();
        let operator = Operator::require(&request, &self.operators, self.node.tls().is_some(), now_ms)?;
        operator.state(&mut request, &self.operators, now_ms);
        self.at_leader(request, async |_, request| {
            self.require_members()?;
            here(operator, request).await
        })
        .await
    }

    /// A mixed cluster has nodes that would stop at what they do not understand.
    fn require_members(&self) -> Result<(), Status> {
        if self.node.keeps_members() {
            return Ok(());
        }
        let message = "not all nodes run a release that knows join tokens and drained nodes, or they have not met yet; upgrade them all, \
                       and try again in a moment";
        Err(errors::status(Code::FailedPrecondition, reasons::MEMBERSHIP, message))
    }

    /// What the leader says to a request; a refusal is an error.
    async fn judge(&self, ask: Ask) -> Result<String, Status> {
        let answer = self.node.ask(ask).await.map_err(|error| errors::from_node(&error))?;
        if answer.granted { Ok(answer.text) } else { Err(refused(answer.text)) }
    }

    /// Writes a change down; what apply answered.
    async fn change<R: Message + Default>(&self, operator: &str, kind: Kind) -> Result<R, Status> {
        let change = ClusterChange { operator: operator.into(), kind: Some(kind) };
        let outcome = self.node.propose_change(change).await.map_err(|error| errors::from_node(&error))?;
        match outcome.result {
            Some(outcome::Result::Response(bytes)) => {
                R::decode(&*bytes).map_err(|_| errors::internal("a change's response does not decode"))
            }
            Some(outcome::Result::Refusal(refusal)) => Err(errors::from_refusal(refusal)),
            None => Err(errors::internal("a change had no outcome")),
        }
    }

    /// Judges a wish of an operator, and writes it down unless it is there already, or was only asked about.
    async fn wish(&self, operator: &Operator, wish: &Wished, only_ask: bool) -> Result<String, Status> {
        let text = self.judge(wish.ask()).await?;
        if only_ask {
            return Ok(text);
        }
        if !wish.is_in(&self.node) {
            self.change::<()>(&operator.name, wish.kind()).await?;
        }
        tracing::info!(operator = operator.name, ?wish, text, "an operator's wish is granted");
        Ok(text)
    }

    async fn hand_over(&self, operator: &Operator, to: NodeId, only_ask: bool) -> Result<String, Status> {
        let text = self.judge(Ask::Transfer(to)).await?;
        if only_ask {
            return Ok(text);
        }
        tracing::info!(operator = operator.name, to, "an operator hands leadership over");
        if self.node.transfer(to).await {
            return Ok(format!("node {to} leads"));
        }
        let message = format!("node {to} did not take the leadership over in time; look at the status, and try again");
        Err(errors::status(Code::Unavailable, reasons::MEMBERSHIP, message))
    }

    async fn make_token(
        &self,
        operator: &Operator,
        request: CreateJoinTokenRequest,
    ) -> Result<CreateJoinTokenResponse, Status> {
        let CreateJoinTokenRequest { label, lifetime_ms, uses } = request;
        let lifetime_ms = if lifetime_ms == 0 { USUAL_LIFETIME_MS } else { lifetime_ms };
        if !(1..=LONGEST_LIFETIME_MS).contains(&lifetime_ms) || uses > MOST_USES {
            let message = format!("a join token is good for at most 30 days and {MOST_USES} nodes; ask for less");
            return Err(errors::invalid(reasons::JOIN_TOKEN, message));
        }
        if label.chars().count() > LABEL_CHARS || label.chars().any(char::is_control) {
            let message = format!("a label is one line of at most {LABEL_CHARS} characters");
            return Err(errors::invalid(reasons::JOIN_TOKEN, message));
        }
        let authority = self.node.tls().and_then(crate::tls::Tls::authority);
        let token = JoinTokenText::new(self.node.cluster_id(), authority)
            .map_err(|error| errors::internal(&error.to_string()))?;
        let create = CreateJoinToken { token_id: token.id().to_vec(), label, lifetime_ms, uses: uses.max(1) };
        let info: JoinToken = self.change(&operator.name, Kind::CreateJoinToken(create)).await?;
        tracing::info!(operator = operator.name, id = info.token_id, uses = info.uses, "a join token was made");
        Ok(CreateJoinTokenResponse { token: token.to_string(), info: Some(info) })
    }

    /// A node joins: it gets a number, the same one each time it asks.
    async fn admit(&self, request: JoinRequest) -> Result<JoinResponse, Status> {
        self.require_members()?;
        let token = self.check_join(&request)?;
        let members = self.node.members();
        let JoinRequest { incarnation, client_address, peer_address, version, max_feature_level, .. } = request;
        let id = token.id();
        members.may_join(&incarnation, &id, self.node.now_ms()).map_err(errors::from_refusal)?;
        self.require_release(&version, max_feature_level)?;
        let again = members.enrolled_as(&incarnation).is_some();
        let text = if again {
            "it has its number already, and joins as soon as it is there".to_owned()
        } else {
            self.judge(Ask::Join).await?
        };
        let (peer, joining) = (peer_address.clone(), incarnation.clone());
        let card = MemberCard { client_address, peer_address, version, max_feature_level, join_token_id: id.to_vec() };
        let Enrolled { node_id } = self.change("", Kind::Enrol(Enrol { incarnation, card: Some(card) })).await?;
        tracing::info!(node = node_id, peer, again, "a node joins");
        // Revoked meanwhile: what follows would tell the cluster's secret.
        self.node.members().may_join(&joining, &id, self.node.now_ms()).map_err(errors::from_refusal)?;
        let others = self.node.described().into_iter().filter(|(node, _)| *node != node_id);
        let members = others.map(|(node_id, node::Member { peer_address, client_address, .. })| MemberAddress {
            node_id,
            peer_address,
            client_address,
        });
        Ok(JoinResponse {
            node_id,
            cluster_id: self.node.cluster_id().into(),
            epoch: self.node.epoch(),
            members: members.collect(),
            cluster_secret: self.node.keys().secret().to_vec(),
            text,
        })
    }

    fn check_join(&self, request: &JoinRequest) -> Result<JoinTokenText, Status> {
        let token: JoinTokenText = request
            .token
            .parse()
            .map_err(|error: crate::join_token::NoJoinToken| errors::invalid(reasons::JOIN_TOKEN, error.to_string()))?;
        let own = self.node.cluster_id();
        if token.cluster_id != own {
            let message = format!(
                "the join token is for cluster {}, and this is cluster {own}; call a node of that one",
                token.cluster_id
            );
            return Err(errors::status(Code::PermissionDenied, reasons::JOIN_TOKEN, message));
        }
        for (which, address) in [("client", &request.client_address), ("peer", &request.peer_address)] {
            if !is_address(address) {
                return Err(errors::invalid(reasons::MEMBERSHIP, format!("the {which} address is not HOST:PORT")));
            }
        }
        if !lectern_lms::ids::is_id(&request.incarnation) {
            return Err(errors::invalid(
                reasons::MEMBERSHIP,
                "a node that joins must name its disk, by an id that it made",
            ));
        }
        if request.version.len() > VERSION_CHARS || request.version.chars().any(char::is_control) {
            return Err(errors::invalid(reasons::MEMBERSHIP, "what is said to be the node's release is none"));
        }
        Ok(token)
    }

    /// A node that joins must understand what is in the log. Told only to who has a token.
    fn require_release(&self, version: &str, max_feature_level: u32) -> Result<(), Status> {
        let level = self.node.feature_level();
        if max_feature_level >= level {
            return Ok(());
        }
        Err(refused(format!(
            "this cluster is at feature level {level}, and lectern-server {version} knows {max_feature_level} at most; install the \
             release that the other nodes run"
        )))
    }
}

/// What an operator wants of a node.
#[derive(Clone, Copy, Debug)]
enum Wished {
    Drained(NodeId),
    Restored(NodeId),
    Removed(NodeId),
}

impl Wished {
    fn ask(self) -> Ask {
        match self {
            Self::Drained(node) => Ask::Drain(node),
            Self::Restored(node) => Ask::Restore(node),
            Self::Removed(node) => Ask::Remove(node),
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Drained(node) => Kind::Drain(node),
            Self::Restored(node) => Kind::Restore(node),
            Self::Removed(node) => Kind::Remove(node),
        }
    }

    fn is_in(self, node: &node::Node) -> bool {
        let wish = |of| node.members().roster().wish(of);
        match self {
            Self::Drained(node) => wish(node) == Wish::Drained,
            Self::Restored(_) => false,
            Self::Removed(node) => wish(node) == Wish::Leave,
        }
    }
}

fn refused(text: String) -> Status {
    errors::status(Code::FailedPrecondition, reasons::MEMBERSHIP, text)
}

/// The cluster's secret goes into the answer: not where others could read along.
fn require_private(origin: &Origin, secured: bool) -> Result<(), Status> {
    let loopback = origin.address.is_some_and(|address| address.ip().to_canonical().is_loopback());
    if secured || loopback {
        return Ok(());
    }
    let message =
        "a node that joins is told the cluster's secret, over TLS or on one machine only; give the nodes certificates";
    Err(errors::status(Code::FailedPrecondition, reasons::MEMBERSHIP, message))
}

/// A configuration brings no time of its own, and the state's clock stands still where nobody writes: what happened later is
/// shown as no earlier.
fn never_runs_back(events: &mut [MembershipEvent]) {
    let mut latest = 0;
    for event in events {
        latest = event.at_ms.max(latest);
        event.at_ms = latest;
    }
}

fn event(event: &internal::MembershipEventRecord) -> MembershipEvent {
    let internal::MembershipEventRecord { at_ms, index, operator, text } = event.clone();
    MembershipEvent { at_ms, index, operator, text }
}

#[tonic::async_trait]
impl MembershipService for Door {
    async fn join(&self, request: Request<JoinRequest>) -> Result<Response<JoinResponse>, Status> {
        require_private(&Origin::of(&request), self.node.tls().is_some())?;
        self.at_leader(request, async |_, request| self.admit(request).await).await
    }

    async fn create_join_token(
        &self,
        request: Request<CreateJoinTokenRequest>,
    ) -> Result<Response<CreateJoinTokenResponse>, Status> {
        self.for_operator(request, async |operator, request| self.make_token(&operator, request).await).await
    }

    async fn list_join_tokens(
        &self,
        request: Request<ListJoinTokensRequest>,
    ) -> Result<Response<ListJoinTokensResponse>, Status> {
        self.for_operator(request, async |_, _| {
            self.node.read(|_, _| ()).await.map_err(|error| errors::from_node(&error))?;
            let tokens = self.node.members().tokens().iter().rev().map(node::shown_token).collect();
            Ok(ListJoinTokensResponse { tokens })
        })
        .await
    }

    async fn revoke_join_token(
        &self,
        request: Request<RevokeJoinTokenRequest>,
    ) -> Result<Response<RevokeJoinTokenResponse>, Status> {
        self.for_operator(request, async |operator, request| {
            let id = lectern_lms::from_hex(&request.token_id)
                .ok_or_else(|| errors::invalid(reasons::JOIN_TOKEN, "a join token's id is 64 hexadecimal digits"))?;
            self.change::<()>(&operator.name, Kind::RevokeJoinToken(id)).await?;
            tracing::info!(operator = operator.name, id = request.token_id, "a join token is revoked");
            Ok(RevokeJoinTokenResponse {})
        })
        .await
    }

    async fn drain_node(&self, request: Request<DrainNodeRequest>) -> Result<Response<DrainNodeResponse>, Status> {
        self.for_operator(request, async |operator, DrainNodeRequest { node_id, only_ask }| {
            let text = self.wish(&operator, &Wished::Drained(node_id), only_ask).await?;
            Ok(DrainNodeResponse { text })
        })
        .await
    }

    async fn restore_node(
        &self,
        request: Request<RestoreNodeRequest>,
    ) -> Result<Response<RestoreNodeResponse>, Status> {
        self.for_operator(request, async |operator, RestoreNodeRequest { node_id, only_ask }| {
            let text = self.wish(&operator, &Wished::Restored(node_id), only_ask).await?;
            Ok(RestoreNodeResponse { text })
        })
        .await
    }

    async fn remove_node(&self, request: Request<RemoveNodeRequest>) -> Result<Response<RemoveNodeResponse>, Status> {
        self.for_operator(request, async |operator, RemoveNodeRequest { node_id, only_ask }| {
            let text = self.wish(&operator, &Wished::Removed(node_id), only_ask).await?;
            Ok(RemoveNodeResponse { text })
        })
        .await
    }

    async fn transfer_leader(
        &self,
        request: Request<TransferLeaderRequest>,
    ) -> Result<Response<TransferLeaderResponse>, Status> {
        self.for_operator(request, async |operator, TransferLeaderRequest { node_id, only_ask }| {
            let text = self.hand_over(&operator, node_id, only_ask).await?;
            Ok(TransferLeaderResponse { text })
        })
        .await
    }

    async fn list_membership_events(
        &self,
        request: Request<ListMembershipEventsRequest>,
    ) -> Result<Response<ListMembershipEventsResponse>, Status> {
        self.for_operator(request, async |_, _| {
            self.node.read(|_, _| ()).await.map_err(|error| errors::from_node(&error))?;
            let mut events: Vec<_> = self.node.members().events().iter().map(event).collect();
            never_runs_back(&mut events);
            events.reverse();
            Ok(ListMembershipEventsResponse { events })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_that_is_shown_never_runs_back() {
        let mut events: Vec<_> = [5, 3, 9].map(|at_ms| MembershipEvent { at_ms, ..MembershipEvent::default() }).into();
        never_runs_back(&mut events);
        assert_eq!(events.iter().map(|event| event.at_ms).collect::<Vec<_>>(), [5, 5, 9]);
    }

    #[test]
    fn the_clusters_secret_is_told_over_tls_or_on_one_machine() {
        let from = |address: &str| Origin::from(Some(address.parse().unwrap()), None);
        assert!(require_private(&from("127.0.5.1:1"), false).is_ok());
        assert!(require_private(&from("[::ffff:127.0.0.1]:1"), false).is_ok());
        assert!(require_private(&from("10.0.0.1:1"), false).is_err());
        assert!(require_private(&from("10.0.0.1:1"), true).is_ok());
        assert!(require_private(&Origin::default(), false).is_err());
    }
}
