//! Files of this machine that only the person may read: codes, gradebooks, students' work.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use lectern_tui_kit::remote::Failure;

/// Writes a file that was not there before: nothing is replaced unasked.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::local(format!("{} exists already; choose another name", path.display()))
        }
        _ => trouble(path, &error),
    })
}

/// Reads a file whole.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| trouble(path, &error))
}

/// Makes a directory and those above it.
pub fn make_dir(path: &Path) -> Result<(), Failure> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| trouble(path, &error))
}

fn trouble(path: &Path, error: &std::io::Error) -> Failure {
    Failure::local(format!("{}: {error}", path.display()))
}
