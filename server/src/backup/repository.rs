//! The directory where backups are kept.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::BackupError;
use super::error::io_error;
use super::keys::{Keys, WrappedKey};
use super::manifest::Manifest;
use super::seal::{self, Content, SealError};
use crate::store::sync_dir;

const FORMAT: u32 = 1;
const FILE: &str = "repository.json";
const LOCK: &str = "lock";
const OBJECTS: &str = "objects";
const BACKUPS: &str = "backups";
const PARTIAL: &str = "partial";

/// What a sealed file is for.
const OBJECT: &str = "object";
const MANIFEST: &str = "backup";

/// `repository.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: u32,
    repository_id: String,
    key: WrappedKey,
}

/// What is to be done with a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Others may read meanwhile, nobody writes.
    Read,
    /// Nobody else does anything.
    Write,
}

/// An open repository. Locked until it is dropped.
pub(super) struct Repository {
    root: PathBuf,
    keys: Keys,
    _lock: File,
}

/// A file's content that is in the repository now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) content: Content,
    /// Bytes that it added: none where it was there already.
    pub(super) added_bytes: u64,
}

impl Repository {
    /// Makes a repository in a directory that is empty or does not exist yet; returns its id.
    pub(super) fn init(root: &Path, passphrase: &[u8]) -> Result<String, BackupError> {
        require_empty(root)?;
        for dir in [root.to_path_buf(), root.join(OBJECTS), root.join(BACKUPS), root.join(PARTIAL)] {
            make_dir(&dir)?;
        }
        let lock = root.join(LOCK);
        private().create_new(true).open(&lock).map_err(io_error("write", &lock))?;
        let repository_id = ulid::Ulid::generate().to_string();
        let (_, key) = Keys::fresh(passphrase, &repository_id)?;
        let header = Header { format: FORMAT, repository_id: repository_id.clone(), key };
        let mut text = serde_json::to_vec_pretty(&header).expect("strings and numbers are always JSON");
        text.push(b'\n');
        // Last: a directory without it is no repository.
        let (path, partial) = (root.join(FILE), root.join(PARTIAL).join(FILE));
        let written = private().create_new(true).open(&partial).and_then(|mut file| {
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&partial, &path)?;
            sync_dir(root)
        });
        written.map_err(io_error("write", &path))?;
        Ok(repository_id)
    }

    /// Opens a repository with its passphrase.
    pub(super) fn open(root: &Path, passphrase: &[u8], access: Access) -> Result<Self, BackupError> {
        let path = root.join(FILE);
        let text = fs::read(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => BackupError::NoRepository(root.to_path_buf()),
            _ => io_error("read", &path)(error),
        })?;
        let what = || path.display().to_string();
        let damaged = |error: serde_json::Error| BackupError::Damaged { what: what(), why: error.to_string() };
        let format = serde_json::from_slice::<serde_json::Value>(&text).map_err(damaged)?["format"].as_u64();
        if format.is_some_and(|format| format > u64::from(FORMAT)) {
            return Err(BackupError::Newer { what: what(), version: format!("format {}", format.unwrap_or_default()) });
        }
        let header: Header = serde_json::from_slice(&text).map_err(damaged)?;
        let keys = Keys::open(passphrase, &header.repository_id, &header.key)
            .ok_or_else(|| BackupError::WrongPassphrase(root.to_path_buf()))?;
        let lock = lock(root, access)?;
        let repository = Self { root: root.to_path_buf(), keys, _lock: lock };
        if access == Access::Write {
            repository.sweep_partial()?;
        }
        Ok(repository)
    }

    /// Takes a file's content in, unless it is there. Durable once [`Repository::sync`] has returned.
    pub(super) fn store(&self, from: &mut impl Read) -> Result<Stored, BackupError> {
        let partial = self.root.join(PARTIAL).join(ulid::Ulid::generate().to_string());
        let content = self.write_sealed(&partial, OBJECT, from)?;
        let path = self.object(&content.digest);
        if path.exists() {
            fs::remove_file(&partial).map_err(io_error("delete", &partial))?;
            return Ok(Stored { content, added_bytes: 0 });
        }
        make_dir(path.parent().expect("an object lies in a directory"))?;
        let added_bytes = fs::metadata(&partial).map_err(io_error("read", &partial))?.len();
        fs::rename(&partial, &path).map_err(io_error("write", &path))?;
        Ok(Stored { content, added_bytes })
    }

    /// Whether content with this digest is there.
    pub(super) fn has(&self, digest: &blake3::Hash) -> bool {
        self.object(digest).is_file()
    }

    /// Makes the names of everything that was stored durable; the files themselves are.
    pub(super) fn sync(&self) -> Result<(), BackupError> {
        let objects = self.root.join(OBJECTS);
        for dir in dirs(&objects)?.iter().chain([&objects]) {
            sync_dir(dir).map_err(io_error("sync", dir))?;
        }
        Ok(())
    }

    /// Writes out the content with this digest, and checks that it is what it was.
    pub(super) fn read_object(
        &self,
        digest: &blake3::Hash,
        name: &str,
        to: &mut impl Write,
    ) -> Result<(), BackupError> {
        let path = self.object(digest);
        let content = self.read_sealed(&path, &format!("{} ({name})", path.display()), OBJECT, to)?;
        if content.digest != *digest {
            let what = format!("{} ({name})", path.display());
            return Err(BackupError::Damaged { what, why: "it holds something else".into() });
        }
        Ok(())
    }

    /// Writes a manifest, atomically and durably: from here on the backup exists.
    pub(super) fn add_manifest(&self, manifest: &Manifest) -> Result<(), BackupError> {
        let partial = self.root.join(PARTIAL).join(ulid::Ulid::generate().to_string());
        self.write_sealed(&partial, &format!("{MANIFEST} {}", manifest.id), &mut &*manifest.to_json())?;
        let (dir, path) = (self.root.join(BACKUPS), self.manifest_path(&manifest.id));
        fs::rename(&partial, &path).and_then(|()| sync_dir(&dir)).map_err(io_error("write", &path))
    }

    /// Reads a manifest.
    pub(super) fn manifest(&self, id: &str) -> Result<Manifest, BackupError> {
        if !lectern_lms::ids::is_id(id) || !self.manifest_path(id).is_file() {
            return Err(BackupError::NoBackup { id: id.into(), path: self.root.clone() });
        }
        let path = self.manifest_path(id);
        let mut json = Vec::new();
        self.read_sealed(&path, &path.display().to_string(), &format!("{MANIFEST} {id}"), &mut json)?;
        Manifest::parse(id, &json)
    }

    /// The ids of all backups, oldest first.
    pub(super) fn backups(&self) -> Result<Vec<String>, BackupError> {
        let dir = self.root.join(BACKUPS);
        let mut ids = Vec::new();
        for entry in fs::read_dir(&dir).map_err(io_error("read", &dir))? {
            let name = entry.map_err(io_error("read", &dir))?.file_name().to_string_lossy().into_owned();
            if lectern_lms::ids::is_id(&name) {
                ids.push(name);
            }
        }
        ids.sort();
        Ok(ids)
    }

    /// The manifest that is asked for, or the newest.
    pub(super) fn manifest_or_newest(&self, id: Option<&str>) -> Result<Manifest, BackupError> {
        match (id, self.backups()?.last()) {
            (Some(id), _) => self.manifest(id),
            (None, Some(newest)) => self.manifest(newest),
            (None, None) => Err(BackupError::NoBackups(self.root.clone())),
        }
    }

    /// Deletes a manifest, durably.
    pub(super) fn delete_manifest(&self, id: &str) -> Result<(), BackupError> {
        let (dir, path) = (self.root.join(BACKUPS), self.manifest_path(id));
        fs::remove_file(&path).and_then(|()| sync_dir(&dir)).map_err(io_error("delete", &path))
    }

    /// Deletes every content but that with these digests; returns how many files and bytes.
    pub(super) fn delete_all_but<'a>(
        &self,
        kept: impl Iterator<Item = &'a blake3::Hash>,
    ) -> Result<(u64, u64), BackupError> {
        let kept: std::collections::HashSet<PathBuf> = kept.map(|digest| self.object(digest)).collect();
        let (mut files, mut bytes) = (0, 0);
        for dir in dirs(&self.root.join(OBJECTS))? {
            for entry in fs::read_dir(&dir).map_err(io_error("read", &dir))? {
                let path = entry.map_err(io_error("read", &dir))?.path();
                if !kept.contains(&path) {
                    bytes += fs::metadata(&path).map_err(io_error("read", &path))?.len();
                    fs::remove_file(&path).map_err(io_error("delete", &path))?;
                    files += 1;
                }
            }
        }
        Ok((files, bytes))
    }

    fn object(&self, digest: &blake3::Hash) -> PathBuf {
        let name = self.keys.name(digest);
        self.root.join(OBJECTS).join(&name[..2]).join(&name)
    }

    fn manifest_path(&self, id: &str) -> PathBuf {
        self.root.join(BACKUPS).join(id)
    }

    /// Seals into a new file and syncs it.
    fn write_sealed(&self, path: &Path, purpose: &str, from: &mut impl Read) -> Result<Content, BackupError> {
        let file = private().create_new(true).open(path).map_err(io_error("write", path))?;
        let mut file = BufWriter::new(file);
        let content = seal::seal(&self.keys.content, purpose, from, &mut file).map_err(|error| match error {
            SealError::Io(source) => io_error("write", path)(source),
            SealError::Damaged(why) => BackupError::Damaged { what: path.display().to_string(), why: why.into() },
        })?;
        let synced = file.into_inner().map_err(io::IntoInnerError::into_error).and_then(|file| file.sync_all());
        synced.map_err(io_error("write", path))?;
        Ok(content)
    }

    fn read_sealed(&self, path: &Path, what: &str, purpose: &str, to: &mut impl Write) -> Result<Content, BackupError> {
        let damaged = |why: String| BackupError::Damaged { what: what.into(), why };
        let file = File::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => damaged("it is missing".into()),
            _ => io_error("read", path)(error),
        })?;
        seal::open(&self.keys.content, purpose, &mut io::BufReader::new(file), to).map_err(|error| match error {
            SealError::Io(source) => BackupError::Io { what: "read, or write out,", path: path.to_path_buf(), source },
            SealError::Damaged(why) => damaged(why.into()),
        })
    }

    /// Deletes what an interrupted backup was writing.
    fn sweep_partial(&self) -> Result<(), BackupError> {
        let dir = self.root.join(PARTIAL);
        for entry in fs::read_dir(&dir).map_err(io_error("read", &dir))? {
            let path = entry.map_err(io_error("read", &dir))?.path();
            fs::remove_file(&path).map_err(io_error("delete", &path))?;
        }
        Ok(())
    }
}

fn lock(root: &Path, access: Access) -> Result<File, BackupError> {
    let path = root.join(LOCK);
    let lock = File::open(&path).map_err(io_error("open", &path))?;
    let locked = match access {
        Access::Read => lock.try_lock_shared(),
        Access::Write => lock.try_lock(),
    };
    match locked {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(BackupError::Busy(root.to_path_buf())),
        Err(TryLockError::Error(source)) => Err(io_error("lock", &path)(source)),
    }
}

/// Refuses a directory with something in it; one that does not exist, or is a fresh file system, is empty.
pub(super) fn require_empty(dir: &Path) -> Result<(), BackupError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(io_error("read", dir)(source)),
    };
    for entry in entries {
        if entry.map_err(io_error("read", dir))?.file_name() != "lost+found" {
            return Err(BackupError::NotEmpty(dir.to_path_buf()));
        }
    }
    Ok(())
}

/// Makes a directory for its owner's eyes only, unless it is there.
pub(super) fn make_dir(dir: &Path) -> Result<(), BackupError> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(io_error("make", dir))
}

/// Options for writing a file for its owner's eyes only.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

fn dirs(parent: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let entries = fs::read_dir(parent).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    Ok(entries.map_err(io_error("read", parent))?.into_iter().map(|entry| entry.path()).collect())
}

#[cfg(test)]
#[path = "repository_tests.rs"]
mod tests;
