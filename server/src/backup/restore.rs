//! The first node of a new cluster, from a backup.
//!
//! A restored cluster is a new one (as after the loss of a majority, `docs/decisions/0011`): the backup is older than what was
//! acknowledged, and a node of the old cluster that still lives must never meet it. So it has another id, another secret and
//! another disk's name, and its configuration is this node alone; others join it empty.
//!
//! The log is founded last. Before that the directory is no node, and an interrupted restore is begun again in an empty one.

use std::path::Path;

use lectern_lms::Overlay;
use lectern_lms::restore::{Restored, begin_anew};
use lectern_raft::eraftpb::ConfState;
use lectern_raft::{Identity, encode_conf_state};

use super::BackupError;
use super::manifest::Manifest;
use super::repository::{Access, Repository, make_dir, require_empty};
use super::verify;
use crate::init::{FIRST_EPOCH, Genesis, GenesisMember};
use crate::node::{Members, features};
use crate::store::{AppliedMeta, Caches, INITIAL_STATE, NodeDisk, StateDb, StateWrite};

const CACHE_BYTES: usize = 32 << 20;
/// The genesis names a first admin; this cluster has its accounts.
const NO_ADMIN: &str = "restored";

/// Which backup.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice<'a> {
    /// By its id; the newest where it is absent.
    pub(super) backup: Option<&'a str>,
    /// Also one that is known to lack something, or may.
    pub(super) accept_loss: bool,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) manifest: Manifest,
    /// The new cluster's id.
    pub(super) cluster_id: String,
    pub(super) node: u64,
    /// Tokens that ended.
    pub(super) ended_tokens: usize,
}

/// Restores a backup into an empty directory.
pub(super) fn restore(
    root: &Path,
    passphrase: &[u8],
    choice: Choice<'_>,
    data_dir: &Path,
    member: GenesisMember,
) -> Result<Made, BackupError> {
    require_empty(data_dir)?;
    let repository = Repository::open(root, passphrase, Access::Read)?;
    let manifest = repository.manifest_or_newest(choice.backup)?;
    if !choice.accept_loss {
        refuse_loss(&manifest, repository.backups()?.last())?;
    }
    if manifest.feature_level > features::newest() {
        let (what, level) = (format!("backup {}", manifest.id), manifest.feature_level);
        return Err(BackupError::Newer { what, version: format!("feature level {level}") });
    }
    let node = member.node;
    let (genesis, _nobodys_code) = Genesis::new(vec![member], NO_ADMIN)?;
    make_dir(data_dir)?;
    let caches = Caches::new(CACHE_BYTES, CACHE_BYTES);
    let disk = NodeDisk::open(data_dir, &caches)?;
    let state_dir = disk.data.state(INITIAL_STATE);
    make_dir(&state_dir)?;
    verify::extract(&repository, &manifest, &state_dir, "restoring")?;
    drop(verify::open(&manifest, &state_dir)?);
    let (meta, ended_tokens) = begin(&StateDb::open(&state_dir, &caches)?, &manifest, &genesis.cluster_id, node)?;
    disk.data.write_file(&disk.data.genesis(), genesis.to_json().as_bytes())?;
    let identity = Identity {
        cluster_id: genesis.cluster_id.clone(),
        epoch: FIRST_EPOCH,
        node,
        incarnation: ulid::Ulid::generate().to_string(),
    };
    lectern_raft::found_restored(&disk.log, &identity, meta.index, meta.term)
        .map_err(crate::store::DiskProblem::from)?;
    Ok(Made { manifest, cluster_id: genesis.cluster_id, node, ended_tokens })
}

/// A person who restores less than there is should know.
fn refuse_loss(manifest: &Manifest, newest: Option<&String>) -> Result<(), BackupError> {
    let lacks = |why: String| Err(BackupError::Loss { id: manifest.id.clone(), why });
    match newest {
        Some(newest) if *newest != manifest.id => lacks(format!("backup {newest} was made after it")),
        _ if !manifest.confirmed => lacks(
            "when it was made, no majority confirmed how far the cluster was: what other nodes had acknowledged may be missing".into(),
        ),
        _ => Ok(()),
    }
}

/// Makes the restored state that of the new cluster, durably. That is a link of its hash chain.
fn begin(
    state: &StateDb,
    manifest: &Manifest,
    cluster_id: &str,
    node: u64,
) -> Result<(AppliedMeta, usize), BackupError> {
    let newest = state.newest();
    let mut overlay = Overlay::new(&newest);
    let audit_id = ulid::Ulid::generate().to_string();
    let restored = Restored { cluster_id, backup_id: &manifest.id, audit_id: &audit_id, index: manifest.index };
    let ended = begin_anew(&mut overlay, restored)?;
    let changes_digest = overlay.keep();
    let before = state.meta()?;
    let alone = ConfState { voters: vec![node], ..ConfState::default() };
    let chain = *blake3::Hasher::new().update(&before.chain).update(&changes_digest).finalize().as_bytes();
    let meta = AppliedMeta { conf_state: encode_conf_state(&alone), chain, ..before };
    // Nobody of the old cluster belongs to this one, and nobody joins it with an old token.
    let members = Some(Members::founded(&alone).encode());
    state.write(&StateWrite { changes: overlay.into_changes(), meta: meta.clone(), members })?;
    state.sync()?;
    Ok((meta, ended.tokens))
}
