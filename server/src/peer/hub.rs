//! Everything this node has to do with its peers.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use lectern_proto::internal::v1::{self as wire, peer_frame::Kind};
use lectern_raft::membership::Stage;
use lectern_raft::{Input, NodeId, TurnedAway};
use lectern_tls::{Connector, Name};
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use tokio::task::AbortHandle;

use super::conversations::Conversations;
use super::hello::Standing;
use super::lane::Lane;
use super::{dialer, hello, send_snapshot};
use crate::node::{Member, Members, Shared};
use crate::store::DataDir;
use crate::tls;

/// The replica judges a hello within one step; only a stalled node takes this long.
const JUDGEMENT_DEADLINE: Duration = Duration::from_secs(2);

/// Peers whose refusal is remembered.
const MOST_REFUSED: usize = 64;

type Judgement = Result<lectern_raft::Hello, TurnedAway>;

/// The way to one peer, and the task that keeps it open. Dropped, the task ends.
struct Link {
    lane: Arc<Lane>,
    address: watch::Sender<String>,
}

/// Where the members are, beside what they say of themselves in the roster.
pub(crate) struct Whereabouts {
    /// As the cluster was founded, or as this node was told when it joined.
    pub(crate) known: BTreeMap<NodeId, Member>,
    /// Addresses in the configuration, which count before all others.
    pub(crate) configured: BTreeMap<NodeId, String>,
}

/// The lanes to all peers, and the handshakes that wait for the replica's judgement.
pub(crate) struct Hub {
    pub(super) shared: Arc<Shared>,
    pub(super) data: Arc<DataDir>,
    own: lectern_raft::Hello,
    whereabouts: Whereabouts,
    links: RwLock<BTreeMap<NodeId, Link>>,
    /// Handshakes so far: each has its number, so that a late judgement settles no other one.
    handshakes: AtomicU64,
    awaited: Mutex<HashMap<u64, oneshot::Sender<Judgement>>>,
    /// Why each peer was refused last.
    refused: Mutex<BTreeMap<NodeId, String>>,
    /// The newest inbound stream of each peer.
    inbound: Mutex<HashMap<NodeId, u64>>,
    /// With those that have proven themselves.
    pub(super) conversations: Arc<Conversations>,
    /// Held by the one stream that stages a snapshot.
    pub(super) staging: tokio::sync::Mutex<()>,
    runtime: Handle,
}

impl Hub {
    /// `own` is what the replica says of itself.
    pub(crate) fn new(
        shared: Arc<Shared>,
        data: Arc<DataDir>,
        own: lectern_raft::Hello,
        whereabouts: Whereabouts,
        runtime: Handle,
    ) -> Arc<Self> {
        Arc::new(Self {
            shared,
            data,
            own,
            whereabouts,
            links: RwLock::default(),
            handshakes: AtomicU64::new(0),
            awaited: Mutex::default(),
            refused: Mutex::default(),
            inbound: Mutex::default(),
            conversations: Conversations::new(),
            staging: tokio::sync::Mutex::default(),
            runtime,
        })
    }

    /// Dials the members, and nobody else from now on. A node that joins and knows no members yet dials those it was told of.
    pub(crate) fn follow(self: &Arc<Self>, members: &Members) {
        let present = self.present(members);
        self.shared.board.follow(present.iter().map(|(node, (_, member))| (*node, member.clone())).collect());
        let wanted: BTreeMap<NodeId, String> = present
            .into_iter()
            // Who is not in the configuration yet is not called: it calls.
            .filter(|(_, (stage, member))| *stage != Stage::Enrolled && !member.peer_address.is_empty())
            .map(|(node, (_, member))| (node, member.peer_address))
            .collect();
        let mut links = self.links_mut();
        links.retain(|peer, _| wanted.contains_key(peer));
        for (peer, address) in wanted {
            if let Some(link) = links.get(&peer) {
                link.address.send_if_modified(|known| {
                    *known != address && {
                        *known = address;
                        true
                    }
                });
                continue;
            }
            let (sender, receiver) = watch::channel(address);
            let link = Link { lane: Arc::default(), address: sender };
            self.runtime.spawn(dialer::keep_dialed(self.clone(), peer, link.lane.clone(), receiver));
            links.insert(peer, link);
        }
    }

    /// Everyone else, as far as this node can tell where they are.
    fn present(&self, members: &Members) -> BTreeMap<NodeId, (Stage, Member)> {
        let Whereabouts { known, configured } = &self.whereabouts;
        let mut present = members.present();
        if present.is_empty() {
            present = known.iter().map(|(node, member)| (*node, (Stage::Member, member.clone()))).collect();
        }
        present.remove(&self.own.node);
        for (node, (_, member)) in &mut present {
            // It has not described itself yet.
            if let Some(known) = known.get(node).filter(|_| member.peer_address.is_empty()) {
                *member = known.clone();
            }
            if let Some(address) = configured.get(node) {
                member.peer_address.clone_from(address);
            }
        }
        present
    }

    /// Queues a raft message. One that finds no room is lost, and the replica is told.
    pub(crate) fn send(&self, to: NodeId, bytes: Vec<u8>, urgent: bool) {
        let queued = self.links().get(&to).and_then(|link| link.lane.send(Kind::Raft(bytes), urgent));
        if queued == Some(false) {
            metrics::counter!("lectern_peer_messages_dropped_total", "peer" => to.to_string()).increment(1);
            self.shared.inbox.push(Input::PeerLost { peer: to, refused: false });
        }
    }

    /// Tells all peers this node's hash chain after the entry at `index`.
    pub(crate) fn tell_state_hash(&self, index: u64, hash: [u8; 32]) {
        for link in self.links().values() {
            let _not_connected = link.lane.send(Kind::StateHash(wire::StateHash { index, hash: hash.to_vec() }), false);
        }
    }

    /// Streams a checkpoint; says `SnapshotSent` at the end and hands the id to `done`. Aborted, it says nothing more.
    pub(crate) fn send_snapshot(
        self: &Arc<Self>,
        to: NodeId,
        id: String,
        message: Vec<u8>,
        done: impl FnOnce(String) + Send + 'static,
    ) -> AbortHandle {
        let hub = self.clone();
        let sending = self.runtime.spawn(async move {
            let sent = send_snapshot::send(&hub, to, &id, message).await;
            match &sent {
                Ok(bytes) => tracing::info!(to, id, bytes, "sent a snapshot"),
                Err(problem) => tracing::warn!(to, id, problem, "could not send a snapshot"),
            }
            hub.shared.inbox.push(Input::SnapshotSent { to, id: id.clone(), ok: sent.is_ok() });
            done(id);
        });
        sending.abort_handle()
    }

    /// Deletes what a snapshot brought that nobody went on with.
    pub(crate) fn drop_stale_snapshot(&self) {
        let Ok(_turn) = self.staging.try_lock() else { return };
        if let Err(problem) = self.data.drop_stale_partial() {
            tracing::warn!(%problem, "could not delete an unfinished snapshot");
        }
    }

    /// The replica judged a hello.
    pub(crate) fn judged(&self, connection: u64, judgement: Judgement) {
        if let Some(waiting) = self.awaited().remove(&connection) {
            let _gave_up = waiting.send(judgement);
        }
    }

    /// Has the replica judge what a peer says of itself, and remembers how it describes itself when accepted. `welcomed`
    /// says that the peer has accepted this node's own hello; `certified` is whom the connection's certificate is for.
    pub(super) async fn greet(
        &self,
        hello: &wire::Hello,
        welcomed: bool,
        certified: Option<&Name>,
    ) -> Result<(), TurnedAway> {
        let not_now = |reason| TurnedAway { reason, removed: false };
        self.require_certified(hello, certified).map_err(not_now)?;
        let greeting = hello::to_judge(hello, &self.own, welcomed).map_err(not_now)?;
        let connection = self.handshakes.fetch_add(1, Ordering::Relaxed);
        let (waiting, judgement) = oneshot::channel();
        self.awaited().insert(connection, waiting);
        self.shared.inbox.push(Input::Hello { connection, greeting });
        let judged = tokio::time::timeout(JUDGEMENT_DEADLINE, judgement).await;
        self.awaited().remove(&connection);
        match judged {
            Ok(Ok(Ok(_))) => {
                self.shared.board.peer_introduced(hello.node_id, hello::member(hello));
                Ok(())
            }
            Ok(Ok(Err(refused))) => Err(refused),
            Ok(Err(_)) | Err(_) => Err(not_now("the node is too busy to greet; try again".into())),
        }
    }

    /// Where there are certificates, a peer says what its own says.
    pub(super) fn require_certified(&self, hello: &wire::Hello, certified: Option<&Name>) -> Result<(), String> {
        if self.shared.tls.is_some() { hello::require_certified(hello, certified) } else { Ok(()) }
    }

    /// Whether a peer is refused for another reason than the last time.
    pub(super) fn is_news(&self, peer: NodeId, reason: &str) -> bool {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.get(&peer).is_some_and(|before| before == reason) {
            return false;
        }
        // Anyone may claim any number.
        if refused.len() >= MOST_REFUSED {
            refused.clear();
        }
        refused.insert(peer, reason.to_owned());
        true
    }

    fn links(&self) -> RwLockReadGuard<'_, BTreeMap<NodeId, Link>> {
        self.links.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn links_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<NodeId, Link>> {
        self.links.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn awaited(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Judgement>>> {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What this node says of itself to a peer.
    pub(super) async fn introduction(&self, to: NodeId) -> Result<wire::Hello, String> {
        let board = &self.shared.board;
        let mut changed = board.changed();
        // In a node that has just started the replica comes up in a moment.
        let started = async {
            loop {
                if let Some(durable_index) = board.durable_index() {
                    return durable_index;
                }
                let _board_lives_on = changed.changed().await;
            }
        };
        let durable_index =
            tokio::time::timeout(JUDGEMENT_DEADLINE, started).await.map_err(|_| "the node is starting")?;
        let (configured_at, member) = board.membership();
        let standing = Standing { configured_at, member, durable_index };
        Ok(hello::introduce(&self.own, self.conversations.boot(), board.own(), standing, to))
    }

    /// A peer was removed from the cluster: it is called no more, its stream ends, and when it comes again it is told so.
    pub(crate) fn disconnect(&self, peer: NodeId) {
        self.links_mut().remove(&peer);
        self.new_inbound(peer);
    }

    /// How a peer is called.
    pub(super) fn connector(&self, peer: NodeId) -> Connector {
        tls::connector(self.shared.tls.as_ref(), peer)
    }

    /// Whom a connection to a peer has been verified to lead to, where it was.
    pub(super) fn verified(&self, peer: NodeId) -> Option<Name> {
        let name = || Name::Node { cluster: self.own.cluster_id.clone(), node: peer };
        self.shared.tls.as_ref().map(|_| name())
    }

    /// A peer's address.
    pub(super) fn address(&self, peer: NodeId) -> Option<String> {
        self.links().get(&peer).map(|link| link.address.borrow().clone())
    }

    /// A new inbound stream of a peer: its number. Older ones end.
    pub(super) fn new_inbound(&self, peer: NodeId) -> u64 {
        let mut inbound = self.inbound.lock().unwrap_or_else(PoisonError::into_inner);
        let number = inbound.entry(peer).or_default();
        *number += 1;
        *number
    }

    /// Whether that stream is the newest one of the peer.
    pub(super) fn is_newest_inbound(&self, peer: NodeId, number: u64) -> bool {
        self.inbound.lock().unwrap_or_else(PoisonError::into_inner).get(&peer) == Some(&number)
    }
}
