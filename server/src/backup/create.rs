//! Making a backup.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use jiff::Timestamp;
use lectern_lms::lookup;

use super::BackupError;
use super::error::io_error;
use super::manifest::{self, BackedUpFile, Manifest};
use super::progress::Progress;
use super::repository::{Access, Repository};
use super::source::Source;
use crate::store::{AppliedMeta, Caches, StateDb};

/// Memory for looking at a checkpoint.
const CACHE_BYTES: usize = 32 << 20;

/// What a backup came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Created {
    pub(super) manifest: Manifest,
    /// Files whose content was not in the repository yet.
    pub(super) added_files: usize,
    /// Entries known to be committed that the backup does not have: the node was stopped before it applied them.
    pub(super) missing_entries: u64,
}

/// Backs the node in `data_dir` up. With `reread`, files that an earlier backup has are read again, instead of being known by
/// name, length and time.
pub(super) fn create(data_dir: &Path, root: &Path, passphrase: &[u8], reread: bool) -> Result<Created, BackupError> {
    let repository = Repository::open(root, passphrase, Access::Write)?;
    let source = Source::take(data_dir)?;
    let (meta, cluster) = look(&source)?;
    let known = if reread { BTreeMap::new() } else { known_files(&repository, &source)? };
    let listed = list(&source.directory)?;
    let progress = Progress::new("backing up", listed.iter().map(|(_, file)| file.len()).sum());
    let (mut files, mut added_files, mut added_bytes) = (Vec::new(), 0, 0);
    for (name, metadata) in listed {
        let (bytes, modified_ns) = (metadata.len(), modified_ns(&metadata));
        if let Some(file) = known.get(&name)
            && (file.bytes, file.modified_ns) == (bytes, modified_ns)
            && repository.has(&file.digest())
        {
            progress.skip(bytes);
            files.push(file.clone());
            continue;
        }
        let path = source.directory.join(&name);
        let file = File::open(&path).map_err(io_error("read", &path))?;
        let stored = repository.store(&mut progress.reading(file))?;
        added_files += usize::from(stored.added_bytes > 0);
        added_bytes += stored.added_bytes;
        let digest = stored.content.digest.to_hex().to_string();
        files.push(BackedUpFile { name, bytes: stored.content.bytes, digest, modified_ns });
    }
    repository.sync()?;
    let manifest = Manifest {
        format: manifest::FORMAT,
        id: ulid::Ulid::generate().to_string(),
        created_at_ms: Timestamp::now().as_millisecond(),
        version: env!("CARGO_PKG_VERSION").into(),
        cluster_id: source.identity.cluster_id.clone(),
        epoch: source.identity.epoch,
        node: source.identity.node,
        incarnation: source.identity.incarnation.clone(),
        index: meta.index,
        term: meta.term,
        chain: Manifest::chain_text(&meta.chain),
        feature_level: cluster.feature_level,
        state_time_ms: cluster.now_ms,
        confirmed: source.confirmed,
        files,
        added_bytes,
    };
    repository.add_manifest(&manifest)?;
    let missing_entries = source.committed.map_or(0, |committed| committed.saturating_sub(meta.index));
    Ok(Created { manifest, added_files, missing_entries })
}

/// What the state says of itself.
fn look(source: &Source) -> Result<(AppliedMeta, lectern_proto::internal::v1::ClusterRecord), BackupError> {
    let nothing =
        || BackupError::Node("this node has no state yet: start it, and back it up once it has a leader".into());
    if !source.directory.join("CURRENT").is_file() {
        return Err(nothing());
    }
    let state = StateDb::open_read_only(&source.directory, &Caches::new(CACHE_BYTES, CACHE_BYTES))?;
    let cluster = lookup::cluster(&state.newest())?;
    match cluster.cluster_id.as_str() {
        "" => Err(nothing()),
        id if id == source.identity.cluster_id => Ok((state.meta()?, cluster)),
        id => Err(BackupError::Damaged {
            what: source.directory.display().to_string(),
            why: format!("it is the state of cluster {id}, the node is of cluster {}", source.identity.cluster_id),
        }),
    }
}

/// The files of the newest backup of the same disk that are never changed once written.
fn known_files(repository: &Repository, source: &Source) -> Result<BTreeMap<String, BackedUpFile>, BackupError> {
    for id in repository.backups()?.iter().rev() {
        let manifest = match repository.manifest(id) {
            Ok(manifest) => manifest,
            // It is of no use here; `backup verify` tells of it.
            Err(BackupError::Damaged { .. } | BackupError::Newer { .. }) => continue,
            Err(problem) => return Err(problem),
        };
        if manifest.incarnation == source.identity.incarnation {
            let files = manifest.files.into_iter().filter(|file| BackedUpFile::is_immutable(&file.name));
            return Ok(files.map(|file| (file.name.clone(), file)).collect());
        }
    }
    Ok(BTreeMap::new())
}

/// RocksDB's files in a directory, by name; not its text logs and its lock.
fn list(directory: &Path) -> Result<Vec<(String, fs::Metadata)>, BackupError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(io_error("read", directory))? {
        let entry = entry.map_err(io_error("read", directory))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let metadata = entry.metadata().map_err(io_error("read", &entry.path()))?;
        if metadata.is_file() && name != "LOCK" && !name.starts_with("LOG") {
            files.push((name, metadata));
        }
    }
    files.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(files)
}

fn modified_ns(metadata: &fs::Metadata) -> i64 {
    metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec())
}

#[cfg(test)]
#[path = "create_tests.rs"]
mod tests;
