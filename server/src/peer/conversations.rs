//! The conversations with peers that have proven themselves: one on the stream that each side dials.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use lectern_proto::internal::v1::{Hello, SnapshotStart, VouchedStart};
use lectern_raft::NodeId;
use prost::Message as _;

use super::handshake::{Session, Side};
use super::twins::Twins;

/// See the module.
pub(super) struct Conversations {
    boot: Vec<u8>,
    twins: Mutex<Twins>,
    /// By peer, and by which side this node has in it.
    sessions: Mutex<HashMap<(NodeId, Side), Arc<Session>>>,
}

/// One that is going on; it ends when this is dropped.
pub(super) struct Conversation {
    of: Arc<Conversations>,
    peer: NodeId,
    boot: Vec<u8>,
    side: Side,
    session: Arc<Session>,
}

impl Conversations {
    /// None yet, of a process that has just started.
    pub(super) fn new() -> Arc<Self> {
        let boot = ulid::Ulid::generate().to_string().into_bytes();
        Arc::new(Self { boot, twins: Mutex::default(), sessions: Mutex::default() })
    }

    /// What tells this process from every other one.
    pub(super) fn boot(&self) -> &[u8] {
        &self.boot
    }

    /// Begins one with a peer that has proven what it says, unless it is there already as another process. `side` is this node's.
    pub(super) fn begin(self: &Arc<Self>, side: Side, hello: &Hello, session: Session) -> Result<Conversation, String> {
        let (peer, session) = (hello.node_id, Arc::new(session));
        self.twins().arrive(peer, &hello.boot, &hello.peer_address, Instant::now())?;
        self.sessions().insert((peer, side), Arc::clone(&session));
        Ok(Conversation { of: Arc::clone(self), peer, boot: hello.boot.clone(), side, session })
    }

    /// Vouches for the beginning of a snapshot to a peer that this node talks to.
    pub(super) fn vouch(&self, to: NodeId, start: &SnapshotStart) -> Result<VouchedStart, String> {
        let session = self.sessions().get(&(to, Side::Caller)).cloned();
        session.map(|session| session.vouch(start)).ok_or_else(|| "there is no stream to it".into())
    }

    /// The beginning of a snapshot, where a peer vouches for it that talks to this node.
    pub(super) fn open(&self, vouched: &VouchedStart) -> Result<SnapshotStart, String> {
        // Only to find the key with: nothing else of it is looked at before it is proven.
        let claimed = SnapshotStart::decode(&vouched.start[..]).map_err(|error| error.to_string())?;
        let from = claimed.hello.map(|hello| hello.node_id).unwrap_or_default();
        let session = self.sessions().get(&(from, Side::Answerer)).cloned();
        session
            .and_then(|session| session.open(vouched))
            .ok_or_else(|| format!("no node that is connected vouches for a snapshot said to be of node {from}"))
    }

    fn twins(&self) -> MutexGuard<'_, Twins> {
        self.twins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<(NodeId, Side), Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Conversation {
    /// Something came from the peer.
    pub(super) fn heard(&self) {
        self.of.twins().hear(self.peer, &self.boot, Instant::now());
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.of.twins().leave(self.peer, &self.boot);
        let mut sessions = self.of.sessions();
        // A newer one may have taken its place.
        let key = (self.peer, self.side);
        if sessions.get(&key).is_some_and(|session| Arc::ptr_eq(session, &self.session)) {
            sessions.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use lectern_proto::internal::v1::Introduction;

    use super::super::handshake::PeerKey;
    use super::*;

    fn hello(node_id: NodeId) -> Hello {
        Hello { node_id, boot: b"boot".to_vec(), ..Hello::default() }
    }

    #[test]
    fn a_snapshot_is_taken_from_a_node_that_is_connected_only() {
        let key = PeerKey::new([7; 32]);
        let (one, two) = (Conversations::new(), Conversations::new());
        assert_ne!(one.boot(), two.boot());
        let session = || key.session(&Introduction::default(), &Introduction::default());
        let start = SnapshotStart { hello: Some(hello(1)), ..SnapshotStart::default() };
        assert!(one.vouch(2, &start).is_err());
        let calls = one.begin(Side::Caller, &hello(2), session()).unwrap();
        let vouched = one.vouch(2, &start).unwrap();
        assert!(two.open(&vouched).unwrap_err().contains("node 1"));
        let first = two.begin(Side::Answerer, &hello(1), session()).unwrap();
        let second = two.begin(Side::Answerer, &hello(1), session()).unwrap();
        drop(first);
        assert_eq!(two.open(&vouched), Ok(start.clone()), "the newest counts");
        let of_another = SnapshotStart { hello: Some(hello(3)), ..start.clone() };
        assert!(two.open(&one.vouch(2, &of_another).unwrap()).is_err());
        drop((second, calls));
        assert!(one.vouch(2, &start).is_err());
    }
}
