//! Founding a cluster: one genesis, and each founding node's log from it.
//!
//! All founding nodes begin from an identical snapshot at index 1, which holds the configuration only (trap 2). The first
//! leader proposes the cluster's first command, which makes the first admin, from the genesis.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lectern_raft::{Identity, NodeId, OpenError};
use serde::{Deserialize, Serialize};

use crate::belonging::ClusterKeys;
use crate::config::is_address;
use crate::services::secrets::{self, NoRandomness};
use crate::store::{Caches, DiskProblem, NodeDisk};

const GENESIS_FORMAT: u32 = 1;
pub(crate) const FIRST_EPOCH: u64 = 1;
/// Of a cluster of one on this machine, as `--member` takes it.
pub(crate) const DEFAULT_MEMBER: &str = "1=127.0.0.1:7601,127.0.0.1:7600";

/// What a cluster is founded with; the same on every founding node. Holds the cluster's secret: for the operator's eyes.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// Format of this file: 1.
    pub format: u32,
    /// A ULID.
    pub cluster_id: String,
    /// The founding voters.
    pub members: Vec<GenesisMember>,
    /// Login of the first admin.
    pub admin_username: String,
    /// BLAKE3 of the admin's one-time code, in hexadecimal.
    pub admin_code_hash: String,
    /// What only the nodes of this cluster know. Absent in a cluster that was founded before there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_secret: Option<ClusterSecret>,
}

/// 32 random bytes in hexadecimal. Debug shows nothing of them.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct ClusterSecret(String);

impl ClusterSecret {
    fn new() -> Result<Self, NoRandomness> {
        let mut bytes = [0; blake3::OUT_LEN];
        getrandom::fill(&mut bytes)?;
        Ok(Self(lectern_lms::to_hex(&bytes)))
    }

    fn bytes(&self) -> Option<Vec<u8>> {
        lectern_lms::from_hex(&self.0).filter(|bytes| bytes.len() == blake3::OUT_LEN)
    }
}

impl std::fmt::Debug for ClusterSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClusterSecret")
    }
}

/// A founding voter.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct GenesisMember {
    /// Its number.
    pub node: NodeId,
    /// Where peers find it.
    pub peer_address: String,
    /// Where clients find it.
    pub client_address: String,
}

/// A cluster or a node cannot be founded.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The members make no sense.
    #[error("{0}")]
    Members(String),
    /// The genesis file cannot be used.
    #[error(
        "cannot use the genesis file {path}: {problem}. It is the same on all founding nodes and holds the cluster's secret: copy it from \
         another one's data directory, or use the file that was written when the cluster was founded"
    )]
    Genesis {
        /// Which file.
        path: String,
        /// Why.
        problem: String,
    },
    /// What the node was told when it joined cannot be used.
    #[error(
        "cannot use {path}, which says what this node joined: {problem}; empty the data directory and let it join again"
    )]
    Joined {
        /// Which file.
        path: String,
        /// Why.
        problem: String,
    },
    /// Neither of both is there.
    #[error(
        "{0} holds neither genesis.json nor joined.json, and with it the cluster's secret is gone. A founding node gets genesis.json from \
         another one's data directory: it is the same on all founding nodes. For a node that joined, empty the data directory and let \
         it join again"
    )]
    NoBelonging(String),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// The node's disk.
    #[error(transparent)]
    Disk(#[from] DiskProblem),
}

impl Genesis {
    /// A new cluster, and its first admin's one-time code, which is nowhere else.
    pub fn new(members: Vec<GenesisMember>, admin_username: &str) -> Result<(Self, String), InitError> {
        check_members(&members)?;
        if admin_username.is_empty() {
            return Err(InitError::Members("the first admin needs a username; give --admin NAME".into()));
        }
        let code = secrets::new_code()?;
        let genesis = Self {
            format: GENESIS_FORMAT,
            cluster_id: ulid::Ulid::generate().to_string(),
            members,
            admin_username: admin_username.into(),
            admin_code_hash: lectern_lms::to_hex(&code.id),
            cluster_secret: Some(ClusterSecret::new()?),
        };
        Ok((genesis, code.text))
    }

    /// Reads a genesis file.
    pub fn load(path: &Path) -> Result<Self, InitError> {
        let problem = |problem: String| InitError::Genesis { path: path.display().to_string(), problem };
        let text = std::fs::read_to_string(path).map_err(|error| problem(error.to_string()))?;
        if text.trim().is_empty() {
            return Err(problem("it is empty".into()));
        }
        let genesis: Self = serde_json::from_str(&text).map_err(|error| problem(error.to_string()))?;
        if genesis.format != GENESIS_FORMAT {
            return Err(problem(format!("its format is {}, this program knows {GENESIS_FORMAT}", genesis.format)));
        }
        if genesis.code_hash().is_none() {
            return Err(problem("its admin_code_hash is not 32 bytes in hexadecimal".into()));
        }
        if genesis.cluster_secret.as_ref().is_some_and(|secret| secret.bytes().is_none()) {
            return Err(problem("its cluster_secret is not 32 bytes in hexadecimal".into()));
        }
        check_members(&genesis.members)?;
        Ok(genesis)
    }

    /// As it is kept in a file.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("strings and numbers are always JSON");
        text.push('\n');
        text
    }

    /// BLAKE3 of the admin's code.
    pub fn code_hash(&self) -> Option<Vec<u8>> {
        lectern_lms::from_hex(&self.admin_code_hash).filter(|hash| hash.len() == blake3::OUT_LEN)
    }

    /// What the nodes prove things to each other with. A cluster without a secret has what else is in its genesis and nowhere
    /// outside of the nodes: the hash of the first admin's code.
    pub fn keys(&self) -> ClusterKeys {
        let secret = self.cluster_secret.as_ref().and_then(ClusterSecret::bytes);
        ClusterKeys::new(&self.cluster_id, secret.unwrap_or_else(|| self.admin_code_hash.clone().into_bytes()))
    }

    /// The members by number.
    pub fn by_node(&self) -> BTreeMap<NodeId, &GenesisMember> {
        self.members.iter().map(|member| (member.node, member)).collect()
    }
}

/// Founds one node of the genesis in a data directory that holds none.
pub fn found_node(genesis: &Genesis, node: NodeId, data_dir: &Path) -> Result<(), InitError> {
    if !genesis.by_node().contains_key(&node) {
        return Err(InitError::Members(format!("node {node} is not a member of the genesis")));
    }
    found_on(&NodeDisk::open(data_dir, &Caches::new(8 << 20, 8 << 20))?, genesis, node).map_err(InitError::from)
}

fn found_on(disk: &NodeDisk, genesis: &Genesis, node: NodeId) -> Result<(), DiskProblem> {
    if let Some(existing) = disk.identity.clone() {
        return Err(OpenError::AlreadyFounded(existing).into());
    }
    let identity = Identity {
        cluster_id: genesis.cluster_id.clone(),
        epoch: FIRST_EPOCH,
        node,
        incarnation: ulid::Ulid::generate().to_string(),
    };
    let voters: Vec<NodeId> = genesis.by_node().into_keys().collect();
    disk.data.write_file(&disk.data.genesis(), genesis.to_json().as_bytes())?;
    // Last: from here on the directory belongs to this node.
    Ok(lectern_raft::found(&disk.log, &identity, &voters)?)
}

/// `N=HOST:PEERPORT,HOST:CLIENTPORT`, as `--member` takes it.
pub fn parse_member(text: &str) -> Result<GenesisMember, String> {
    let form = || format!("`{text}` is not N=HOST:PEERPORT,HOST:CLIENTPORT, such as 1=127.0.5.1:7601,127.0.5.1:7600");
    let (node, addresses) = text.split_once('=').ok_or_else(form)?;
    let (peer_address, client_address) = addresses.split_once(',').ok_or_else(form)?;
    let node = node.trim().parse().map_err(|_| form())?;
    if !is_address(peer_address) || !is_address(client_address) {
        return Err(form());
    }
    Ok(GenesisMember { node, peer_address: peer_address.into(), client_address: client_address.into() })
}

fn check_members(members: &[GenesisMember]) -> Result<(), InitError> {
    let refuse = |problem: String| Err(InitError::Members(problem));
    if members.is_empty() {
        return refuse("a cluster needs at least one --member".into());
    }
    let mut addresses = BTreeMap::new();
    let mut nodes = BTreeSet::new();
    for member in members {
        if member.node == 0 {
            return refuse("0 is no node's number; begin with 1".into());
        }
        if !nodes.insert(member.node) {
            return refuse(format!("node {} is named twice", member.node));
        }
        for address in [&member.peer_address, &member.client_address] {
            if let Some(other) = addresses.insert(address.clone(), member.node) {
                return refuse(format!("nodes {other} and {} both have the address {address}", member.node));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::DataDir;

    fn members(count: u64) -> Vec<GenesisMember> {
        (1..=count).map(|n| parse_member(&format!("{n}=127.0.5.{n}:7601,127.0.5.{n}:7600")).unwrap()).collect()
    }

    #[test]
    fn a_genesis_survives_its_file_and_does_not_hold_the_code() {
        let temp = tempfile::tempdir().unwrap();
        let (genesis, code) = Genesis::new(members(3), "root").unwrap();
        let path = temp.path().join("genesis.json");
        std::fs::write(&path, genesis.to_json()).unwrap();
        assert_eq!(Genesis::load(&path).unwrap(), genesis);
        assert_eq!(genesis.code_hash().unwrap(), secrets::code_hash(&code));
        assert!(!genesis.to_json().contains(&code));
        assert_eq!(code.len(), 19);
    }

    #[test]
    fn every_node_has_the_clusters_key_and_no_other_cluster_has_it() {
        let (genesis, _) = Genesis::new(members(3), "root").unwrap();
        let (other, _) = Genesis::new(members(3), "root").unwrap();
        assert_ne!(genesis.keys(), other.keys());
        let secret = genesis.cluster_secret.clone().unwrap();
        assert!(!format!("{genesis:?}").contains(&secret.0), "a secret is not logged");
        let same_secret = Genesis { cluster_secret: Some(secret), ..other };
        assert_ne!(genesis.keys(), same_secret.keys());
    }

    #[test]
    fn a_genesis_from_before_there_was_a_secret_is_still_good() {
        let temp = tempfile::tempdir().unwrap();
        let (genesis, _) = Genesis::new(members(3), "root").unwrap();
        let old = Genesis { cluster_secret: None, ..genesis.clone() };
        assert!(!old.to_json().contains("cluster_secret"));
        let path = temp.path().join("genesis.json");
        std::fs::write(&path, old.to_json()).unwrap();
        let loaded = Genesis::load(&path).unwrap();
        assert_eq!(loaded.keys(), old.keys());
        assert_ne!(loaded.keys(), genesis.keys());
        let broken = Genesis { cluster_secret: Some(ClusterSecret("abc".into())), ..genesis };
        std::fs::write(&path, broken.to_json()).unwrap();
        assert!(Genesis::load(&path).unwrap_err().to_string().contains("cluster_secret"));
    }

    #[test]
    fn the_genesis_in_the_data_directory_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let temp = tempfile::tempdir().unwrap();
        let (genesis, _) = Genesis::new(members(1), "root").unwrap();
        found_node(&genesis, 1, temp.path()).unwrap();
        let data = DataDir::lock(temp.path()).unwrap();
        let mode = std::fs::metadata(data.genesis()).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    }

    #[test]
    fn a_node_is_founded_once() {
        let temp = tempfile::tempdir().unwrap();
        let (genesis, _) = Genesis::new(members(3), "root").unwrap();
        found_node(&genesis, 2, temp.path()).unwrap();
        assert!(matches!(
            found_node(&genesis, 2, temp.path()),
            Err(InitError::Disk(DiskProblem::Log(OpenError::AlreadyFounded(identity)))) if identity.node == 2
        ));
        assert!(matches!(found_node(&genesis, 4, temp.path()), Err(InitError::Members(_))));
    }

    #[test]
    fn members_that_make_no_sense_are_refused() {
        for text in ["", "1", "x=a:1,b:2", "1=a:1", "1=a,b:2", "1=:1,b:2", "1=a:1,b:99999"] {
            assert!(parse_member(text).is_err(), "{text}");
        }
        let twice = [members(1), members(1)].concat();
        let zero = vec![GenesisMember { node: 0, ..members(1).remove(0) }];
        let same_address = vec![members(1).remove(0), GenesisMember { node: 2, ..members(1).remove(0) }];
        for wrong in [vec![], twice, zero, same_address] {
            assert!(Genesis::new(wrong.clone(), "root").is_err(), "{wrong:?}");
        }
    }
}
