//! How nodes prove to each other that they are nodes of one cluster, with or without TLS.
//!
//! ```text
//! caller                                                     answerer
//!   introduction: hello, nonce                  ──►
//!                   ◄──  challenge: its introduction, proof of both ("answers")
//!   proof of both ("calls")                     ──►
//!                   ◄──  welcome, or why not
//! ```
//!
//! A proof is a BLAKE3 of both introductions under a key that is derived from the cluster's secret. Each side has made one of the
//! nonces for this conversation alone, so nothing that was heard before is of use; the words keep one side's proof from being
//! given back as the other's. Introductions are proven as the bytes that travelled: a newer release may say more in them.
//!
//! Both sides then have a *session*, a key of this conversation, which vouches for the snapshots that the caller sends on calls
//! of their own.

use std::sync::{Mutex, PoisonError};

use lectern_proto::internal::v1::{Hello, Introduction, SnapshotStart, VouchedStart};
use prost::Message as _;
use subtle::ConstantTimeEq as _;

/// Bytes of a nonce.
const NONCE: usize = 32;
const ANSWERS: &[u8] = b"answers";
const CALLS: &[u8] = b"calls";
const SESSION: &[u8] = b"session";

/// What nodes of one cluster prove themselves with. Debug shows nothing of it.
#[derive(Clone)]
pub struct PeerKey([u8; blake3::KEY_LEN]);

/// Who proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Side {
    Caller,
    Answerer,
}

/// A conversation between two nodes that have proven themselves.
pub(super) struct Session {
    key: [u8; blake3::KEY_LEN],
    /// Of what was vouched for: each number serves once.
    number: Mutex<u64>,
}

impl PeerKey {
    /// From the cluster's genesis.
    pub(crate) fn new(key: [u8; blake3::KEY_LEN]) -> Self {
        Self(key)
    }

    /// That `side` of this conversation has the key.
    pub(super) fn prove(&self, side: Side, caller: &Introduction, answerer: &Introduction) -> Vec<u8> {
        let word = match side {
            Side::Caller => CALLS,
            Side::Answerer => ANSWERS,
        };
        self.hash(word, caller, answerer).as_bytes().to_vec()
    }

    /// Whether that proof is one.
    pub(super) fn proves(&self, proof: &[u8], side: Side, caller: &Introduction, answerer: &Introduction) -> bool {
        // One without a nonce would be of use again.
        let fresh = [caller, answerer].iter().all(|introduction| introduction.nonce.len() == NONCE);
        fresh && bool::from(self.prove(side, caller, answerer).ct_eq(proof))
    }

    /// The session of a conversation in which both have proven themselves.
    pub(super) fn session(&self, caller: &Introduction, answerer: &Introduction) -> Session {
        Session { key: *self.hash(SESSION, caller, answerer).as_bytes(), number: Mutex::new(0) }
    }

    fn hash(&self, word: &[u8], caller: &Introduction, answerer: &Introduction) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        for part in [word, &caller.hello, &caller.nonce, &answerer.hello, &answerer.nonce] {
            hasher.update(&(part.len() as u64).to_be_bytes()).update(part);
        }
        hasher.finalize()
    }
}

impl std::fmt::Debug for PeerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PeerKey")
    }
}

impl Session {
    /// The caller's word for the beginning of a snapshot.
    pub(super) fn vouch(&self, start: &SnapshotStart) -> VouchedStart {
        let mut last = self.number.lock().unwrap_or_else(PoisonError::into_inner);
        *last += 1;
        let start = start.encode_to_vec();
        VouchedStart { proof: self.hash(*last, &start).as_bytes().to_vec(), number: *last, start }
    }

    /// The beginning of a snapshot, where the caller of this session vouches for it, and has not done so before.
    pub(super) fn open(&self, vouched: &VouchedStart) -> Option<SnapshotStart> {
        if !bool::from(self.hash(vouched.number, &vouched.start).as_bytes().ct_eq(&vouched.proof)) {
            return None;
        }
        let mut last = self.number.lock().unwrap_or_else(PoisonError::into_inner);
        if vouched.number <= *last {
            return None;
        }
        *last = vouched.number;
        SnapshotStart::decode(&vouched.start[..]).ok()
    }

    fn hash(&self, number: u64, start: &[u8]) -> blake3::Hash {
        blake3::Hasher::new_keyed(&self.key).update(&number.to_be_bytes()).update(start).finalize()
    }
}

/// This node's introduction for one conversation.
pub(super) fn introduction(hello: &Hello) -> Result<Introduction, String> {
    let mut nonce = vec![0; NONCE];
    getrandom::fill(&mut nonce).map_err(|error| format!("the system has no random numbers: {error}"))?;
    Ok(Introduction { hello: hello.encode_to_vec(), nonce })
}

/// What an introduction says. It counts for nothing before it is proven.
pub(super) fn said(introduction: &Introduction) -> Result<Hello, String> {
    Hello::decode(&introduction.hello[..]).map_err(|error| format!("its introduction cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn introduce(node_id: u64) -> Introduction {
        introduction(&Hello { node_id, ..Hello::default() }).unwrap()
    }

    #[test]
    fn both_sides_prove_themselves_and_a_stranger_proves_nothing() {
        let (key, other) = (PeerKey::new([7; 32]), PeerKey::new([8; 32]));
        let (caller, answerer) = (introduce(1), introduce(2));
        for side in [Side::Caller, Side::Answerer] {
            assert!(key.proves(&key.prove(side, &caller, &answerer), side, &caller, &answerer));
            assert!(!key.proves(&other.prove(side, &caller, &answerer), side, &caller, &answerer));
            assert!(!key.proves(&[], side, &caller, &answerer));
        }
        assert_eq!(format!("{key:?}"), "PeerKey");
    }

    #[test]
    fn a_proof_serves_in_its_own_conversation_and_its_own_direction_only() {
        let key = PeerKey::new([7; 32]);
        let (caller, answerer) = (introduce(1), introduce(2));
        let proof = key.prove(Side::Caller, &caller, &answerer);
        assert!(!key.proves(&proof, Side::Answerer, &caller, &answerer), "given back");
        assert!(!key.proves(&proof, Side::Caller, &answerer, &caller), "turned round");
        assert!(!key.proves(&proof, Side::Caller, &caller, &introduce(2)), "heard, and said again");
        let changed =
            Introduction { hello: Hello { node_id: 3, ..Hello::default() }.encode_to_vec(), ..caller.clone() };
        assert!(!key.proves(&proof, Side::Caller, &changed, &answerer), "another hello");
        let no_nonce = Introduction { nonce: Vec::new(), ..answerer };
        assert!(!key.proves(&key.prove(Side::Caller, &caller, &no_nonce), Side::Caller, &caller, &no_nonce));
    }

    #[test]
    fn a_session_vouches_for_a_snapshot_once() {
        let key = PeerKey::new([7; 32]);
        let (caller, answerer) = (introduce(1), introduce(2));
        let (sends, receives) = (key.session(&caller, &answerer), key.session(&caller, &answerer));
        let start = SnapshotStart { snapshot_id: "s".into(), ..SnapshotStart::default() };
        let vouched = sends.vouch(&start);
        assert_eq!(receives.open(&vouched), Some(start.clone()));
        assert_eq!(receives.open(&vouched), None, "it was opened before");
        let later = sends.vouch(&start);
        let changed = VouchedStart { start: SnapshotStart::default().encode_to_vec(), ..later.clone() };
        assert_eq!(receives.open(&changed), None);
        assert_eq!(key.session(&caller, &introduce(2)).open(&later), None, "another session");
        assert_eq!(receives.open(&later), Some(start));
    }
}
