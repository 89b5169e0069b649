//! Files that are written once, or replaced in one step with the old ones kept.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::CertsError;

/// For the owner alone.
pub(crate) const SECRET: u32 = 0o600;
/// For everybody.
pub(crate) const PUBLIC: u32 = 0o644;

/// Makes a folder for the owner alone, where it is missing.
pub(crate) fn make_folder(dir: &Path) -> Result<(), CertsError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|source| at(dir, source))
}

/// Reads a text.
pub(crate) fn read(path: &Path) -> Result<String, CertsError> {
    fs::read_to_string(path).map_err(|source| at(path, source))
}

/// Writes files that do not exist: all of them, or none.
pub(crate) fn create(files: &[(PathBuf, String, u32)]) -> Result<(), CertsError> {
    if let Some((path, ..)) = files.iter().find(|(path, ..)| path.exists()) {
        return Err(CertsError::Exists { path: path.clone() });
    }
    for (written, (path, text, mode)) in files.iter().enumerate() {
        if let Err(source) = write_new(path, text, *mode) {
            for (path, ..) in &files[..written] {
                // What was written in vain; the error that matters is the first one.
                let _ = fs::remove_file(path);
            }
            return Err(at(path, source));
        }
    }
    Ok(())
}

/// Replaces a file in one step, and keeps the old one.
pub(crate) fn replace(path: &Path, text: &str, mode: u32) -> Result<(), CertsError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let temporary = dir.join(format!(".{}.new", name(path)));
    // A leftover of a run that was cut off.
    let _ = fs::remove_file(&temporary);
    write_new(&temporary, text, mode).map_err(|source| at(&temporary, source))?;
    if path.exists() {
        keep(path)?;
    }
    fs::rename(&temporary, path).map_err(|source| at(path, source))
}

/// Links what is about to be replaced into `old/`.
fn keep(path: &Path) -> Result<(), CertsError> {
    let old = path.parent().unwrap_or(Path::new(".")).join("old");
    make_folder(&old)?;
    let mut at_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    loop {
        let kept = old.join(format!("{at_ms}-{}", name(path)));
        match fs::hard_link(path, &kept) {
            // Two that are replaced within one millisecond are both kept.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => at_ms += 1,
            linked => return linked.map_err(|source| at(&kept, source)),
        }
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn write_new(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut file = File::options().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn at(path: &Path, source: io::Error) -> CertsError {
    CertsError::File { path: path.to_owned(), source }
}
