//! Everything this node has to do with its peers.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lectern_proto::internal::v1::{self as wire, peer_frame::Kind};
use lectern_raft::{Input, NodeId, TurnedAway};
use lectern_tls::{Connector, Name};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::lane::Lane;
use super::{dialer, hello, send_snapshot};
use crate::node::Shared;
use crate::store::DataDir;
use crate::tls;

/// The replica judges a hello within one step; only a stalled node takes this long.
const JUDGEMENT_DEADLINE: Duration = Duration::from_secs(2);

type Judgement = Result<lectern_raft::Hello, TurnedAway>;

/// The lanes to all peers, and the handshakes that wait for the replica's judgement.
pub(crate) struct Hub {
    pub(super) shared: Arc<Shared>,
    pub(super) data: Arc<DataDir>,
    own: lectern_raft::Hello,
    addresses: BTreeMap<NodeId, String>,
    lanes: BTreeMap<NodeId, Lane>,
    /// Handshakes so far: each has its number, so that a late judgement settles no other one.
    handshakes: AtomicU64,
    awaited: Mutex<HashMap<u64, oneshot::Sender<Judgement>>>,
    /// The newest inbound stream of each peer.
    inbound: Mutex<HashMap<NodeId, u64>>,
    /// Held by the one stream that stages a snapshot.
    pub(super) staging: tokio::sync::Mutex<()>,
    runtime: Handle,
}

impl Hub {
    /// `addresses` of all other members; `own` is what the replica says of itself.
    pub(crate) fn new(
        shared: Arc<Shared>,
        data: Arc<DataDir>,
        own: lectern_raft::Hello,
        addresses: BTreeMap<NodeId, String>,
        runtime: Handle,
    ) -> Arc<Self> {
        let lanes = addresses.keys().map(|peer| (*peer, Lane::default())).collect();
        Arc::new(Self {
            shared,
            data,
            own,
            addresses,
            lanes,
            handshakes: AtomicU64::new(0),
            awaited: Mutex::default(),
            inbound: Mutex::default(),
            staging: tokio::sync::Mutex::default(),
            runtime,
        })
    }

    /// Begins to dial every peer, and never stops.
    pub(crate) fn dial_all(self: &Arc<Self>) {
        for (peer, address) in &self.addresses {
            self.runtime.spawn(dialer::keep_dialed(self.clone(), *peer, address.clone()));
        }
    }

    /// Queues a raft message. One that finds no room is lost, and the replica is told.
    pub(crate) fn send(&self, to: NodeId, bytes: Vec<u8>, urgent: bool) {
        let queued = self.lanes.get(&to).and_then(|lane| lane.send(Kind::Raft(bytes), urgent));
        if queued == Some(false) {
            metrics::counter!("lectern_peer_messages_dropped_total", "peer" => to.to_string()).increment(1);
            self.shared.inbox.push(Input::PeerLost { peer: to, refused: false });
        }
    }

    /// Tells all peers this node's hash chain after the entry at `index`.
    pub(crate) fn tell_state_hash(&self, index: u64, hash: [u8; 32]) {
        for lane in self.lanes.values() {
            let _not_connected = lane.send(Kind::StateHash(wire::StateHash { index, hash: hash.to_vec() }), false);
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
        if self.shared.tls.is_some() {
            hello::require_certified(hello, certified).map_err(not_now)?;
        }
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

    fn awaited(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Judgement>>> {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What this node says of itself to a peer.
    pub(super) fn introduction(&self, to: NodeId) -> wire::Hello {
        let board = &self.shared.board;
        hello::introduce(&self.own, board.own(), board.membership(), to)
    }

    /// A peer was removed from the cluster: its stream ends, and when it comes again it is told so.
    pub(crate) fn disconnect(&self, peer: NodeId) {
        self.new_inbound(peer);
    }

    /// The lane to a peer.
    pub(super) fn lane(&self, peer: NodeId) -> &Lane {
        &self.lanes[&peer]
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
    pub(super) fn address(&self, peer: NodeId) -> Option<&str> {
        self.addresses.get(&peer).map(String::as_str)
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
