//! What a node keeps of the cluster it belongs to, beside log and state: what it was founded with, or what it was told when it
//! joined. Both hold the cluster's secret, and are for the eyes of the node's owner only.

use std::collections::BTreeMap;
use std::path::Path;

use lectern_raft::NodeId;
use lectern_receipt::SigningKey;
use lectern_rpc::proof::Prover;
use serde::{Deserialize, Serialize};

use crate::init::{Genesis, InitError};
use crate::node::Member;
use crate::store::{DataDir, DataDirError};

const JOINED_FORMAT: u32 = 1;

/// What the keys are derived for.
const FORWARDING_CONTEXT: &str = "lectern 2026-11 proof of a forwarded client's address";
const PEER_CONTEXT: &str = "lectern 2026-11 proof between nodes";
const OPERATOR_CONTEXT: &str = "lectern 2026-11 proof of an operator's name";
const RECEIPT_CONTEXT: &str = "lectern 2026-11 keys that sign receipts";

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Belonging {
    /// It is a founding node.
    Founded(Genesis),
    /// It joined later.
    Joined(Joined),
}

/// What a node was told when it joined.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Joined {
    /// Format of this file: 1.
    pub format: u32,
    /// The cluster.
    pub cluster_id: String,
    /// The node's number.
    pub node: NodeId,
    /// Who else was there.
    pub members: Vec<JoinedMember>,
    /// What only the nodes of the cluster know, in hexadecimal.
    pub cluster_secret: String,
}

/// Another node.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct JoinedMember {
    /// Its number.
    pub node: NodeId,
    /// Where peers find it.
    pub peer_address: String,
    /// Where clients find it.
    pub client_address: String,
}

impl std::fmt::Debug for Joined {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Joined").field("cluster_id", &self.cluster_id).field("node", &self.node).finish_non_exhaustive()
    }
}

impl Joined {
    /// What the answer to a join says.
    pub fn new(cluster_id: String, node: NodeId, members: Vec<JoinedMember>, secret: &[u8]) -> Self {
        Self { format: JOINED_FORMAT, cluster_id, node, members, cluster_secret: lectern_lms::to_hex(secret) }
    }

    /// As it is kept in a file.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("strings and numbers are always JSON");
        text.push('\n');
        text
    }

    fn load(path: &Path) -> Result<Self, InitError> {
        let problem = |problem: String| InitError::Joined { path: path.display().to_string(), problem };
        let text = std::fs::read_to_string(path).map_err(|error| problem(error.to_string()))?;
        if text.trim().is_empty() {
            return Err(problem("it is empty".into()));
        }
        let joined: Self = serde_json::from_str(&text).map_err(|error| problem(error.to_string()))?;
        if joined.format != JOINED_FORMAT {
            return Err(problem(format!("its format is {}, this program knows {JOINED_FORMAT}", joined.format)));
        }
        if lectern_lms::from_hex(&joined.cluster_secret).is_none_or(|secret| secret.is_empty()) {
            return Err(problem("its cluster_secret is not hexadecimal".into()));
        }
        Ok(joined)
    }
}

impl Belonging {
    /// Reads what a data directory holds.
    pub fn load(data: &DataDir) -> Result<Self, InitError> {
        if data.joined().exists() {
            return Joined::load(&data.joined()).map(Self::Joined);
        }
        if !data.genesis().exists() {
            return Err(InitError::NoBelonging(data.root().display().to_string()));
        }
        Genesis::load(&data.genesis()).map(Self::Founded)
    }

    /// What the nodes of the cluster prove things to each other with.
    pub fn keys(&self) -> ClusterKeys {
        match self {
            Self::Founded(genesis) => genesis.keys(),
            Self::Joined(joined) => {
                ClusterKeys::new(&joined.cluster_id, lectern_lms::from_hex(&joined.cluster_secret).unwrap_or_default())
            }
        }
    }

    /// What the cluster was founded with, where this node was there.
    pub fn genesis(self) -> Option<Genesis> {
        match self {
            Self::Founded(genesis) => Some(genesis),
            Self::Joined(_) => None,
        }
    }

    /// Where the nodes were then; the roster knows better once they have described themselves.
    pub(crate) fn members(&self) -> BTreeMap<NodeId, Member> {
        let member = |peer: &str, client: &str| Member {
            peer_address: peer.to_owned(),
            client_address: client.to_owned(),
            ..Member::default()
        };
        match self {
            Self::Founded(genesis) => {
                let founders = genesis.members.iter();
                founders.map(|it| (it.node, member(&it.peer_address, &it.client_address))).collect()
            }
            Self::Joined(joined) => {
                let told = joined.members.iter();
                told.map(|it| (it.node, member(&it.peer_address, &it.client_address))).collect()
            }
        }
    }
}

/// The cluster's secret, and what is derived from it. Debug shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct ClusterKeys {
    cluster_id: String,
    secret: Vec<u8>,
}

impl ClusterKeys {
    /// Of this cluster.
    pub fn new(cluster_id: &str, secret: Vec<u8>) -> Self {
        Self { cluster_id: cluster_id.into(), secret }
    }

    /// What is told to a node that joins, and to nobody else.
    pub fn secret(&self) -> &[u8] {
        &self.secret
    }

    /// With which nodes prove to each other where a call they pass on came from, and whose it is.
    pub fn forwarding_key(&self) -> [u8; blake3::KEY_LEN] {
        self.derive(FORWARDING_CONTEXT)
    }

    /// With which nodes prove to each other that they are nodes of this cluster.
    pub fn peer_key(&self) -> [u8; blake3::KEY_LEN] {
        self.derive(PEER_CONTEXT)
    }

    /// With which operators prove who they are where there is no TLS: whoever can read a node's files has it.
    pub fn operators(&self) -> Prover {
        Prover::new(self.derive(OPERATOR_CONTEXT))
    }

    /// The key that signs receipts, of the salt that the state keeps with its public half.
    pub fn receipt_key(&self, salt: &[u8]) -> SigningKey {
        SigningKey::from_seed(blake3::keyed_hash(&self.derive(RECEIPT_CONTEXT), salt).as_bytes())
    }

    /// A key for another use.
    pub fn derive(&self, context: &str) -> [u8; blake3::KEY_LEN] {
        let mut hasher = blake3::Hasher::new_derive_key(context);
        hasher.update(self.cluster_id.as_bytes()).update(&self.secret);
        *hasher.finalize().as_bytes()
    }
}

impl std::fmt::Debug for ClusterKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClusterKeys")
    }
}

/// Puts the operators' key where they find it.
pub fn write_operator_key(data: &DataDir, keys: &ClusterKeys) -> Result<(), DataDirError> {
    let text = format!("{}\n", keys.operators().to_hex());
    if std::fs::read_to_string(data.operator_key()).is_ok_and(|there| there == text) {
        return Ok(());
    }
    data.write_file(&data.operator_key(), text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::parse_member;

    #[test]
    fn a_node_that_joined_has_the_same_keys_as_one_that_founded() {
        let temp = tempfile::tempdir().unwrap();
        let data = DataDir::lock(temp.path()).unwrap();
        let members = vec![parse_member("1=127.0.5.1:7601,127.0.5.1:7600").unwrap()];
        let (genesis, _) = Genesis::new(members, "root").unwrap();
        let founder = Belonging::Founded(genesis.clone());
        let told =
            JoinedMember { node: 1, peer_address: "127.0.5.1:7601".into(), client_address: "127.0.5.1:7600".into() };
        let joined = Joined::new(genesis.cluster_id.clone(), 4, vec![told], founder.keys().secret());
        data.write_file(&data.joined(), joined.to_json().as_bytes()).unwrap();
        let loaded = Belonging::load(&data).unwrap();
        assert_eq!(loaded, Belonging::Joined(joined.clone()));
        assert_eq!((loaded.keys(), loaded.members()), (founder.keys(), founder.members()));
        assert!(!format!("{joined:?} {:?}", loaded.keys()).contains(&joined.cluster_secret), "a secret is not logged");
        let damaged = Joined { cluster_secret: "x".into(), ..joined };
        data.write_file(&data.joined(), damaged.to_json().as_bytes()).unwrap();
        assert!(Belonging::load(&data).unwrap_err().to_string().contains("cluster_secret"));
    }

    #[test]
    fn the_operators_key_is_for_who_can_read_the_nodes_files() {
        use std::os::unix::fs::PermissionsExt as _;
        let temp = tempfile::tempdir().unwrap();
        let data = DataDir::lock(temp.path()).unwrap();
        let keys = ClusterKeys::new("c", vec![7; 32]);
        write_operator_key(&data, &keys).unwrap();
        write_operator_key(&data, &keys).unwrap();
        assert_eq!(std::fs::metadata(data.operator_key()).unwrap().permissions().mode() & 0o077, 0);
        let text = std::fs::read_to_string(data.operator_key()).unwrap();
        assert_eq!(Prover::from_hex(&text).unwrap().to_hex(), keys.operators().to_hex());
        assert_ne!(keys.operators().to_hex(), Prover::new(keys.forwarding_key()).to_hex());
    }
}
