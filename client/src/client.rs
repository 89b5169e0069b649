//! The client: one value for a program, cheap to clone.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use lectern_proto::v1;
use lectern_rpc::v1::cluster_service_client::ClusterServiceClient;
use lectern_rpc::{Call, Kind};
use lectern_tls::Trust;
use tokio::sync::watch;

use crate::call;
use crate::nodes::{Node, Nodes};
use crate::watch::{EventStream, StatusStream};
use crate::{ClientError, ClientOptions, Link, Secret};

/// How often the list of members is asked for again.
const REDISCOVER_AFTER: Duration = Duration::from_secs(30);

/// A connection to a cluster through whichever of its nodes answers.
///
/// Writes go directly to the leader where it is known and reachable, reads stay with the node that answered last. A call
/// is repeated over failures and elections until [`ClientOptions::call_deadline`], always with the same idempotency key.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) options: ClientOptions,
    pub(crate) nodes: Nodes,
    token: RwLock<Option<Secret>>,
    link: watch::Sender<Link>,
    /// When members were last asked for.
    discovered: Mutex<Option<Instant>>,
    /// Any node ever answered anything.
    answered: AtomicBool,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("nodes", &self.shared.nodes.addresses()).finish_non_exhaustive()
    }
}

impl Client {
    /// A client that begins at `options.endpoints`. Connections are made when the first call needs them; what fails
    /// here is an address that makes no sense or may not be used in clear text.
    pub fn connect(options: ClientOptions) -> Result<Self, ClientError> {
        let shared = Shared {
            nodes: Nodes::new(&options)?,
            token: RwLock::new(options.token.clone()),
            link: watch::Sender::new(Link::Connecting),
            discovered: Mutex::new(None),
            answered: AtomicBool::new(false),
            options,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Makes a unary call. A keyed change gets a fresh idempotency key, which all its repetitions carry.
    pub async fn call<Q: Call>(&self, request: Q) -> Result<Q::Response, ClientError> {
        let key = (Q::KIND == Kind::Keyed).then(new_key);
        call::call(self, request, key).await
    }

    /// Makes a keyed change with a key the caller keeps, so that it can be repeated after a restart of the program.
    /// Calls of another kind ignore the key.
    pub async fn call_with_key<Q: Call>(&self, key: &str, request: Q) -> Result<Q::Response, ClientError> {
        let key = (Q::KIND == Kind::Keyed).then(|| key.to_owned());
        call::call(self, request, key).await
    }

    /// The state of the connection, as it changes.
    pub fn link(&self) -> watch::Receiver<Link> {
        self.shared.link.subscribe()
    }

    /// Events after `after_index` (0: from now) of the courses named by slug or id (none: all of the caller's). The
    /// stream reconnects by itself, over all nodes, and ends only when the cluster refuses it.
    pub fn watch(&self, after_index: u64, courses: Vec<String>) -> EventStream {
        EventStream::start(self.clone(), after_index, courses)
    }

    /// One node's view of the cluster: of whichever answers first in turn.
    pub async fn status(&self) -> Result<v1::GetStatusResponse, ClientError> {
        let mut last = None;
        for node in self.shared.nodes.all() {
            match self.status_at(&node).await {
                Ok(status) => return Ok(status),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| ClientError::usage("no node is known")))
    }

    /// The view of the node at an address, which becomes one of the known ones.
    pub async fn status_of(&self, address: &str) -> Result<v1::GetStatusResponse, ClientError> {
        let node = self.shared.nodes.named(address, &self.shared.options)?;
        self.status_at(&node).await
    }

    /// Every node's own view, asked of all at once: needs no leader and no quorum.
    pub async fn statuses(&self) -> Vec<(String, Result<v1::GetStatusResponse, ClientError>)> {
        self.ask_all(self.shared.options.connect_timeout + self.shared.options.attempt_timeout).await
    }

    /// Like [`Client::statuses`], with so much time for each node.
    pub(crate) async fn ask_all(
        &self,
        patience: Duration,
    ) -> Vec<(String, Result<v1::GetStatusResponse, ClientError>)> {
        let mut asked = Vec::new();
        for node in self.shared.nodes.all() {
            let client = self.clone();
            let address = node.address.clone();
            asked.push((address, tokio::spawn(async move { client.status_within(&node, patience).await })));
        }
        let mut views = Vec::new();
        for (address, task) in asked {
            let view = task.await.unwrap_or_else(|error| Err(ClientError::unreachable(error.to_string())));
            views.push((address, view));
        }
        views
    }

    /// One node's view of the cluster as it changes; when the node fails, another one's.
    pub fn watch_status(&self) -> StatusStream {
        StatusStream::start(self.clone())
    }

    /// Signs in, or out with `None`, for this client and all its clones.
    pub fn set_token(&self, token: Option<Secret>) {
        *self.shared.token.write().unwrap_or_else(PoisonError::into_inner) = token;
    }

    /// Goes to another cluster, signed out: for this client and all its clones. Nothing changes when an address makes no
    /// sense.
    pub fn redirect(&self, endpoints: &[String], trust: Trust) -> Result<(), ClientError> {
        let Shared { nodes, options, discovered, answered, .. } = &*self.shared;
        nodes.begin_at(endpoints, trust, options)?;
        self.set_token(None);
        *discovered.lock().unwrap_or_else(PoisonError::into_inner) = None;
        answered.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Whether calls carry a token.
    pub fn has_token(&self) -> bool {
        self.token().is_some()
    }

    /// Addresses of all nodes known by now: worth saving for the next start.
    pub fn addresses(&self) -> Vec<String> {
        self.shared.nodes.addresses()
    }

    /// What is taken for the cluster.
    pub fn trust(&self) -> Trust {
        self.shared.nodes.trust()
    }

    /// The leader's address, where known.
    pub fn leader(&self) -> Option<String> {
        self.shared.nodes.leader()
    }

    /// The options it was made with.
    pub fn options(&self) -> &ClientOptions {
        &self.shared.options
    }

    pub(crate) fn token(&self) -> Option<Secret> {
        self.shared.token.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn nodes(&self) -> &Nodes {
        &self.shared.nodes
    }

    /// Changes the link's state; watchers hear of it when it differs.
    pub(crate) fn update_link(&self, change: impl FnOnce(&mut Link) -> bool) {
        self.shared.link.send_if_modified(change);
    }

    /// Whether any node ever answered.
    pub(crate) fn ever_answered(&self) -> bool {
        self.shared.answered.load(Ordering::Relaxed)
    }

    pub(crate) fn note_answer(&self) {
        self.shared.answered.store(true, Ordering::Relaxed);
    }

    /// Asks for the members in the background, when that was not done for a while.
    pub(crate) fn discover(&self) {
        let now = Instant::now();
        let mut discovered = self.shared.discovered.lock().unwrap_or_else(PoisonError::into_inner);
        if discovered.is_none_or(|at| now.duration_since(at) >= REDISCOVER_AFTER) {
            *discovered = Some(now);
            let client = self.clone();
            tokio::spawn(async move { client.status().await });
        }
    }

    async fn status_at(&self, node: &Arc<Node>) -> Result<v1::GetStatusResponse, ClientError> {
        self.status_within(node, self.shared.options.connect_timeout + self.shared.options.attempt_timeout).await
    }

    async fn status_within(&self, node: &Arc<Node>, patience: Duration) -> Result<v1::GetStatusResponse, ClientError> {
        let asked = async {
            let told =
                |error: &(dyn std::error::Error + 'static)| (call::reason_not_reached(error), call::describe(error));
            let (_, channel) = node.channel().await.map_err(|error| told(&error))?;
            let answer = ClusterServiceClient::new(channel).get_status(v1::GetStatusRequest {}).await;
            answer.map(tonic::Response::into_inner).map_err(|status| match call::reason_not_reached(&status) {
                crate::error::UNREACHABLE => (crate::error::UNREACHABLE, call::words(&status)),
                _ => told(&status),
            })
        };
        let late = |_| Err((crate::error::UNREACHABLE, "no answer in time".into()));
        let answer = tokio::time::timeout(patience, asked).await.unwrap_or_else(late);
        let status = answer
            .map_err(|(reason, message)| ClientError::not_done(reason, format!("{}: {message}", node.address)))?;
        self.learn(&status);
        Ok(status)
    }

    /// Takes over what a node says of the members.
    pub(crate) fn learn(&self, status: &v1::GetStatusResponse) {
        let Shared { nodes, options, .. } = &*self.shared;
        self.note_answer();
        for node in &status.nodes {
            nodes.learn(&node.client_address, options);
        }
        if let Some(leader) = status.nodes.iter().find(|node| node.node_id == status.leader_id) {
            nodes.set_leader(&leader.client_address, options);
        }
    }
}

/// A fresh idempotency key.
pub fn new_key() -> String {
    ulid::Ulid::generate().to_string()
}
