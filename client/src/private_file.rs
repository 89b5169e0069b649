//! Files that are nobody else's business: mode 0600 in directories of mode 0700, replaced as a whole.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use crate::ClientError;

/// Reads a file; none when there is none. What others could read is closed to them.
pub fn read(path: &Path) -> Result<Option<String>, ClientError> {
    match fs::read_to_string(path) {
        Ok(text) => {
            close_to_others(path);
            Ok(Some(text))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ClientError::io(path, error)),
    }
}

/// Replaces a file in one step: after a crash there is the old one or the new one.
pub fn replace(path: &Path, text: &str) -> Result<(), ClientError> {
    let directory = path.parent().unwrap_or(Path::new("."));
    make_directory(directory)?;
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("file");
    let temporary = directory.join(format!(".{name}.{}", ulid::Ulid::generate()));
    let written = write_new(&temporary, text).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The error that matters is the first one.
        let _ = fs::remove_file(&temporary);
    }
    written.map_err(|error| ClientError::io(path, error))
}

/// Makes a directory, and those above it, for the user alone.
pub(crate) fn make_directory(path: &Path) -> Result<(), ClientError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| ClientError::io(path, error))
}

/// Runs `change` while no other process of this program changes the files of `directory`.
pub(crate) fn while_locked<T>(
    directory: &Path,
    change: impl FnOnce() -> Result<T, ClientError>,
) -> Result<T, ClientError> {
    make_directory(directory)?;
    let path = directory.join(".lock");
    let lock = File::options().create(true).truncate(false).write(true).open(&path);
    let lock = lock.and_then(|lock| lock.lock().map(|()| lock)).map_err(|error| ClientError::io(&path, error))?;
    let changed = change();
    drop(lock);
    changed
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(unix)]
fn close_to_others(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let open = fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0);
    if open && let Err(error) = fs::set_permissions(path, fs::Permissions::from_mode(0o600)) {
        tracing::warn!(path = %path.display(), %error, "others can read this file");
    }
}

#[cfg(not(unix))]
fn close_to_others(_path: &Path) {}
