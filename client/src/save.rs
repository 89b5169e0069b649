//! Saving files: where to, and what is there already. Nothing that differs is replaced unasked, and nothing but a regular
//! file is ever replaced.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use lectern_proto::v1;

use crate::download::download;
use crate::local::digest_file;
use crate::upload::OnProgress;
use crate::{Client, ClientError};

/// A place where a file can be saved: nothing is there, or a regular file. Links are followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    path: PathBuf,
    exists: bool,
}

/// What saving came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// The file is there now.
    Written,
    /// The same bytes were there already.
    AlreadyThere,
}

impl Destination {
    /// The place that `path` names. Refused when it is a directory, a device, a pipe, or a link that leads nowhere.
    pub fn at(path: &Path) -> Result<Self, ClientError> {
        let shown = path.display();
        let own = match path.symlink_metadata() {
            Ok(own) => own,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { path: path.into(), exists: false });
            }
            Err(error) => return Err(ClientError::io(path, error)),
        };
        let real = if own.is_symlink() {
            let leads_nowhere = |_| ClientError::local_file(format!("{shown} is a link that leads nowhere; remove it"));
            path.canonicalize().map_err(leads_nowhere)?
        } else {
            path.into()
        };
        let there = real.metadata().map_err(|error| ClientError::io(path, error))?;
        if there.is_dir() {
            return Err(ClientError::local_file(format!("{shown} is a directory; name a file in it")));
        }
        if !there.is_file() {
            return Err(ClientError::local_file(format!("{shown} is not a regular file; choose another name")));
        }
        Ok(Self { path: real, exists: true })
    }

    /// Whether a file is there.
    pub fn exists(&self) -> bool {
        self.exists
    }

    /// Whether exactly this file is there.
    pub async fn holds(&self, file: &v1::FileRef) -> Result<bool, ClientError> {
        if !self.exists {
            return Ok(false);
        }
        let size = self.path.metadata().map_err(|error| ClientError::io(&self.path, error))?.len();
        Ok(size == file.size && digest_file(&self.path, &|_| {}).await?.1[..] == file.digest[..])
    }

    /// Refuses when something is there that must not be replaced.
    pub fn require_free(&self, replace: bool) -> Result<(), ClientError> {
        if self.exists && !replace {
            return Err(in_the_way(&self.path));
        }
        Ok(())
    }

    /// Writes a file whole, for its owner alone.
    pub fn write(&self, bytes: &[u8], replace: bool) -> Result<(), ClientError> {
        self.require_free(replace)?;
        let name = self.path.file_name().and_then(|name| name.to_str()).unwrap_or("file");
        let part = self.path.with_file_name(format!(".{name}.{}", ulid::Ulid::generate()));
        let written = write_new(&part, bytes).map_err(|error| ClientError::io(&self.path, error));
        let placed = written.and_then(|()| put_in_place(&part, &self.path, replace));
        if placed.is_err() {
            // The error that matters is the first one.
            let _ = fs::remove_file(&part);
        }
        placed
    }
}

/// Fetches a file to a destination, checked against its digest. What is there and differs is replaced only if `replace`.
pub async fn save(
    client: &Client,
    file: &v1::FileRef,
    destination: &Destination,
    replace: bool,
    progress: OnProgress<'_>,
) -> Result<Saved, ClientError> {
    if destination.holds(file).await? {
        return Ok(Saved::AlreadyThere);
    }
    destination.require_free(replace)?;
    download(client, &file.file_id, &destination.path, replace, progress).await?;
    Ok(Saved::Written)
}

/// The refusal to replace a file.
pub(crate) fn in_the_way(path: &Path) -> ClientError {
    ClientError::local_file(format!("{} exists already and holds something else; it was not replaced", path.display()))
}

/// Moves a finished file to its name. Without `replace` in one step with finding the name free: what came there meanwhile
/// stays.
pub(crate) fn put_in_place(part: &Path, path: &Path, replace: bool) -> Result<(), ClientError> {
    let placed = if replace { fs::rename(part, path) } else { fs::hard_link(part, path) };
    match placed {
        Ok(()) if replace => Ok(()),
        Ok(()) => fs::remove_file(part).map_err(|error| ClientError::io(part, error)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(in_the_way(path)),
        // Some file systems have no links.
        Err(_) if !replace && path.symlink_metadata().is_err() => {
            fs::rename(part, path).map_err(|error| ClientError::io(path, error))
        }
        Err(error) => Err(ClientError::io(path, error)),
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_is_replaced_only_when_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("grades.csv");
        Destination::at(&path).unwrap().write(b"first", false).unwrap();
        let refused = Destination::at(&path).unwrap().write(b"second", false).unwrap_err();
        assert_eq!((refused.exit_code(), refused.reason()), (1, "LOCAL_FILE"));
        assert_eq!(fs::read(&path).unwrap(), b"first");
        Destination::at(&path).unwrap().write(b"second", true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_came_there_meanwhile_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let free = Destination::at(&path).unwrap();
        fs::write(&path, "mine").unwrap();
        assert!(free.write(b"theirs", false).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"mine");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_and_devices_directories_and_pipes_are_refused() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        fs::write(&real, "old").unwrap();
        symlink(&real, &link).unwrap();
        Destination::at(&link).unwrap().write(b"new", true).unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink(), "the link stays a link");
        assert_eq!(fs::read(&real).unwrap(), b"new");
        symlink(dir.path().join("gone"), dir.path().join("nowhere")).unwrap();
        for path in [Path::new("/dev/null"), dir.path(), &dir.path().join("nowhere")] {
            assert_eq!(Destination::at(path).unwrap_err().exit_code(), 1, "{}", path.display());
        }
    }

    #[tokio::test]
    async fn only_the_very_same_bytes_are_there_already() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notes.md");
        let digest = blake3::hash(b"notes").as_bytes().to_vec();
        let file = v1::FileRef { size: 5, digest, ..v1::FileRef::default() };
        assert!(!Destination::at(&path).unwrap().holds(&file).await.unwrap());
        fs::write(&path, "notes").unwrap();
        assert!(Destination::at(&path).unwrap().holds(&file).await.unwrap());
        fs::write(&path, "nodes").unwrap();
        assert!(!Destination::at(&path).unwrap().holds(&file).await.unwrap());
    }
}
