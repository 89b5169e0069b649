//! Which backups to keep.

use std::path::Path;

use super::BackupError;
use super::repository::{Access, Repository};

/// What was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pruned {
    /// The backups that are gone.
    pub(super) backups: Vec<String>,
    /// How many are left.
    pub(super) kept: usize,
    /// Files that only they needed.
    pub(super) files: u64,
    /// The bytes of those.
    pub(super) bytes: u64,
}

/// Keeps the newest `keep` backups, and deletes the others with what only they need. Interrupted, it leaves files that nothing
/// names, for the next time.
pub(super) fn prune(root: &Path, passphrase: &[u8], keep: usize) -> Result<Pruned, BackupError> {
    let repository = Repository::open(root, passphrase, Access::Write)?;
    let mut old = repository.backups()?;
    let kept = old.split_off(old.len().saturating_sub(keep));
    // Before anything is deleted: without a manifest nobody knows what its backup needs.
    let mut needed = Vec::new();
    for id in &kept {
        needed.extend(repository.manifest(id)?.files.iter().map(super::manifest::BackedUpFile::digest));
    }
    for id in &old {
        repository.delete_manifest(id)?;
    }
    let (files, bytes) = repository.delete_all_but(needed.iter())?;
    Ok(Pruned { backups: old, kept: kept.len(), files, bytes })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::manifest::tests::sample;
    use super::*;

    const PASSPHRASE: &[u8] = b"a passphrase for tests";

    /// A repository with three backups; each has a file of its own and one that is in all.
    fn three() -> (tempfile::TempDir, Vec<String>) {
        let temp = tempfile::tempdir().unwrap();
        Repository::init(temp.path(), PASSPHRASE).unwrap();
        let repository = Repository::open(temp.path(), PASSPHRASE, Access::Write).unwrap();
        let ids: Vec<String> = (0..3).map(|n| format!("01ARZ3NDEKTSV4RRFFQ69G5FA{n}")).collect();
        for id in &ids {
            let mut manifest = sample(id);
            manifest.files = ["in all", id]
                .iter()
                .map(|text| {
                    let digest = repository.store(&mut text.as_bytes()).unwrap().content.digest;
                    let digest = digest.to_hex().to_string();
                    super::super::manifest::BackedUpFile { digest, ..manifest.files[0].clone() }
                })
                .collect();
            repository.add_manifest(&manifest).unwrap();
        }
        (temp, ids)
    }

    #[test]
    fn the_newest_are_kept_with_all_they_need() {
        let (temp, ids) = three();
        let pruned = prune(temp.path(), PASSPHRASE, 1).unwrap();
        assert_eq!((&pruned.backups[..], pruned.kept, pruned.files), (&ids[..2], 1, 2));
        let repository = Repository::open(temp.path(), PASSPHRASE, Access::Read).unwrap();
        let left = repository.manifest_or_newest(None).unwrap();
        assert_eq!(left.id, ids[2]);
        assert!(left.files.iter().all(|file| repository.has(&file.digest())));
        drop(repository);
        assert_eq!(prune(temp.path(), PASSPHRASE, 5).unwrap().backups, [""; 0]);
    }

    #[test]
    fn nothing_is_deleted_while_a_manifest_that_stays_cannot_be_read() {
        let (temp, ids) = three();
        fs::write(temp.path().join("backups").join(&ids[2]), "damaged").unwrap();
        assert!(matches!(prune(temp.path(), PASSPHRASE, 1), Err(BackupError::Damaged { .. })));
        let repository = Repository::open(temp.path(), PASSPHRASE, Access::Read).unwrap();
        assert_eq!(repository.backups().unwrap(), ids);
        let first = repository.manifest(&ids[0]).unwrap();
        assert!(first.files.iter().all(|file| repository.has(&file.digest())));
    }
}
