//! What a snapshot consists of: the files of a checkpoint, with their digests.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use lectern_proto::internal::v1::SnapshotFile;

/// More files than any checkpoint has.
const MAX_FILES: usize = 100_000;
const READ_BYTES: usize = 256 << 10;

/// The files of a checkpoint in order of name; `read` is told whenever some bytes of them were. RocksDB's own text logs stay
/// behind.
pub(super) fn of_directory(dir: &Path, mut read: impl FnMut()) -> io::Result<Vec<SnapshotFile>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_file() && !name.starts_with("LOG") {
            let (size, digest) = digest(&entry.path(), &mut read)?;
            files.push(SnapshotFile { name, size, digest: digest.as_bytes().to_vec() });
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

fn digest(path: &Path, progress: &mut impl FnMut()) -> io::Result<(u64, blake3::Hash)> {
    let mut file = File::open(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((hasher.count(), hasher.finalize())),
            read => hasher.update(&buffer[..read]),
        };
        progress();
    }
}

/// Refuses a manifest whose names could lead out of the staging directory.
pub(super) fn check(id: &str, files: &[SnapshotFile]) -> Result<(), String> {
    if !is_plain(id) {
        return Err("the snapshot's id is not a plain name".into());
    }
    if files.is_empty() || files.len() > MAX_FILES {
        return Err(format!("the snapshot has {} files", files.len()));
    }
    let mut names = BTreeSet::new();
    for file in files {
        if !is_plain(&file.name) || !names.insert(&file.name) {
            return Err("the snapshot names a file in a way that no checkpoint does".into());
        }
    }
    Ok(())
}

fn is_plain(name: &str) -> bool {
    (1..=128).contains(&name.len())
        && !name.starts_with('.')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> SnapshotFile {
        SnapshotFile { name: name.into(), ..SnapshotFile::default() }
    }

    #[test]
    fn the_manifest_of_a_directory_lists_its_files_with_blake3() {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("b"), "bee").unwrap();
        fs::write(temp.path().join("a"), "").unwrap();
        fs::write(temp.path().join("LOG"), "chatter").unwrap();
        let files = of_directory(temp.path(), || ()).unwrap();
        assert_eq!(files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(files[1].digest, blake3::hash(b"bee").as_bytes());
        assert_eq!(files[1].size, 3);
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        assert!(check("12-3-01ABC", &[named("CURRENT"), named("000012.sst")]).is_ok());
        for id in ["", "..", "a/b", ".hidden"] {
            assert!(check(id, &[named("CURRENT")]).is_err(), "{id}");
        }
        for name in ["../../etc/passwd", "a/b", "", "..", "a\0b"] {
            assert!(check("id", &[named(name)]).is_err(), "{name}");
        }
        assert!(check("id", &[named("a"), named("a")]).is_err());
        assert!(check("id", &[]).is_err());
    }
}
