//! Directories of this machine, for the file picker.

use std::fs;
use std::path::{Path, PathBuf};

use crate::remote::Failure;

/// A directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Which one, absolute.
    pub dir: PathBuf,
    /// What is in it, directories first, each by name.
    pub entries: Vec<Entry>,
}

/// One thing in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name. Not always UTF-8 on the disk: shown with replacements, opened by `path`.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// A directory, or a link to one.
    pub is_dir: bool,
    /// Bytes of a file.
    pub size: u64,
}

/// Reads a directory. Entries that cannot be looked at are left out.
pub fn list(dir: &Path) -> Result<Listing, Failure> {
    let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let trouble = |error: std::io::Error| Failure::local(format!("{}: {error}", dir.display()));
    let mut entries = Vec::new();
    for entry in fs::read_dir(&dir).map_err(trouble)? {
        let entry = entry.map_err(trouble)?;
        let path = entry.path();
        let Ok(metadata) = fs::metadata(&path) else { continue };
        let name = entry.file_name().to_string_lossy().into_owned();
        entries.push(Entry { name, path, is_dir: metadata.is_dir(), size: metadata.len() });
    }
    entries.sort_by(|a, b| b.is_dir.cmp(&a.is_dir).then_with(|| a.name.cmp(&b.name)));
    Ok(Listing { dir, entries })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_come_first_and_a_missing_one_is_told() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let listing = list(here).unwrap();
        let first_file = listing.entries.iter().position(|entry| !entry.is_dir).unwrap();
        assert!(listing.entries[first_file..].iter().all(|entry| !entry.is_dir));
        assert!(listing.entries.iter().any(|entry| entry.name == "Cargo.toml" && entry.size > 0));
        assert!(list(&here.join("no such directory")).unwrap_err().message.contains("no such directory"));
    }
}
