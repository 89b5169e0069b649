//! Local files on their way into the cluster: finding, naming and digesting them.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use lectern_proto::MAX_FILE_BYTES;
use lectern_proto::v1::FileDeclaration;

use crate::ClientError;

/// Bytes read at a time while digesting.
const READ_BYTES: usize = 256 * 1024;

/// What makes a folder that of an assignment. It is not handed in.
pub const STARTER_FILE: &str = ".lectern.toml";

/// What is said of pipes, devices and directories.
const NOT_REGULAR: &str = "it is not a regular file";

/// A local file, and what it is to be called in the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalFile {
    /// Where it is.
    pub path: PathBuf,
    /// A file name, or a relative path with `/` in a directory.
    pub name: String,
}

impl LocalFile {
    /// A single file under its own name. Refused where something else has that name: a directory, a pipe, a device.
    pub fn new(path: impl Into<PathBuf>) -> Result<Self, ClientError> {
        let path = path.into();
        let name = path.file_name().and_then(|name| name.to_str()).map(ToOwned::to_owned);
        let name = name.ok_or_else(|| not_utf8(&path))?;
        // What cannot be looked at is told of when it is read.
        if path.metadata().is_ok_and(|there| !there.is_file()) {
            return Err(ClientError::io(path, io::Error::new(io::ErrorKind::InvalidInput, NOT_REGULAR)));
        }
        Ok(Self { path, name })
    }
}

/// Something in a directory that is not handed in, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Where it is.
    pub path: PathBuf,
    /// Why, in words.
    pub reason: String,
}

/// A directory's files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// In order of their names.
    pub files: Vec<LocalFile>,
    /// What a person should know was left out. Files that ignore rules name, and `.git`, are left out without a word.
    pub skipped: Vec<Skipped>,
}

/// The files of a directory, by the ignore rules in it (`.gitignore`, `.ignore`), without `.git` and `.lectern.toml`, in the order of their
/// names. Rules outside the directory play no part: the same directory gives the same list on every machine. Links to
/// files inside the directory are taken as files; other links are skipped and listed.
pub fn walk_directory(root: &Path) -> Result<Walk, ClientError> {
    let real_root = root.canonicalize().map_err(|error| ClientError::io(root, error))?;
    if !real_root.is_dir() {
        return Err(ClientError::local_file(format!("{} is not a directory", root.display())));
    }
    let mut walk = Walk::default();
    let entries = WalkBuilder::new(&real_root)
        .hidden(false)
        .parents(false)
        .git_global(false)
        .git_exclude(false)
        .require_git(false)
        .follow_links(false)
        .sort_by_file_name(Ord::cmp)
        .filter_entry(|entry| entry.file_name() != ".git" && entry.file_name() != STARTER_FILE)
        .build();
    for entry in entries {
        let entry = entry.map_err(|error| ClientError::io(root, io::Error::other(error)))?;
        take_entry(&real_root, entry.path(), entry.path_is_symlink(), &mut walk)?;
    }
    walk.files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(walk)
}

fn take_entry(root: &Path, path: &Path, is_link: bool, walk: &mut Walk) -> Result<(), ClientError> {
    let skip = |reason: &str| Skipped { path: path.into(), reason: reason.into() };
    let real = match path.canonicalize() {
        Ok(real) => real,
        Err(_) if is_link => {
            walk.skipped.push(skip("a link that leads nowhere"));
            return Ok(());
        }
        Err(error) => return Err(ClientError::io(path, error)),
    };
    if is_link && !real.starts_with(root) {
        walk.skipped.push(skip("a link that leads out of the directory"));
    } else if real.is_dir() {
        if is_link {
            walk.skipped.push(skip("a link to a directory"));
        }
    } else if real.is_file() {
        walk.files.push(LocalFile { path: path.into(), name: relative_name(root, path)? });
    } else {
        walk.skipped.push(skip("not a file"));
    }
    Ok(())
}

fn relative_name(root: &Path, path: &Path) -> Result<String, ClientError> {
    let relative = path.strip_prefix(root).unwrap_or(path);
    let parts: Option<Vec<_>> = relative.components().map(|part| part.as_os_str().to_str()).collect();
    parts.map(|parts| parts.join("/")).ok_or_else(|| not_utf8(path))
}

fn not_utf8(path: &Path) -> ClientError {
    ClientError::local_file(format!("{}: its name is not UTF-8; rename it", path.display()))
}

/// Opens a file to read it. What is no regular file is refused: a pipe would wait for ever, a device never end.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let refused = || io::Error::new(io::ErrorKind::InvalidInput, NOT_REGULAR);
    if !fs::metadata(path)?.is_file() {
        return Err(refused());
    }
    let file = File::open(path)?;
    // What was opened may be another one than what was looked at.
    if file.metadata()?.is_file() { Ok(file) } else { Err(refused()) }
}

/// Reads a whole regular file of at most `limit` bytes.
pub fn read_regular(path: &Path, limit: u64) -> Result<Vec<u8>, ClientError> {
    let file = open_regular(path).map_err(|error| ClientError::io(path, error))?;
    read_at_most(file, path, limit)
}

/// Reads all there is, at most `limit` bytes; more are refused. `path` is for the words.
pub fn read_at_most(from: impl io::Read, path: &Path, limit: u64) -> Result<Vec<u8>, ClientError> {
    let mut bytes = Vec::new();
    from.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| ClientError::io(path, error))?;
    if bytes.len() as u64 > limit { Err(too_large(path, limit)) } else { Ok(bytes) }
}

fn too_large(path: &Path, limit: u64) -> ClientError {
    ClientError::local_file(format!("{} is larger than {} MiB, which is the most", path.display(), limit >> 20))
}

/// Sizes and BLAKE3 digests of `files`, in their order. `progress` hears of the bytes read so far, over all files.
pub async fn declare(
    files: &[LocalFile],
    progress: &(dyn Fn(u64) + Send + Sync),
) -> Result<Vec<FileDeclaration>, ClientError> {
    let mut declarations = Vec::with_capacity(files.len());
    let mut read_before = 0;
    for file in files {
        let (size, digest) = digest_file(&file.path, &|read| progress(read_before + read)).await?;
        read_before += size;
        declarations.push(FileDeclaration { name: file.name.clone(), size, digest: digest.to_vec() });
    }
    Ok(declarations)
}

/// Size and BLAKE3 of a file, read in the background a piece at a time.
pub(crate) async fn digest_file(
    path: &Path,
    progress: &(dyn Fn(u64) + Send + Sync),
) -> Result<(u64, [u8; 32]), ClientError> {
    let (sender, mut pieces) = tokio::sync::mpsc::channel::<u64>(16);
    let owned = path.to_owned();
    let task = tokio::task::spawn_blocking(move || {
        digest_blocking(&owned, &|read| {
            // Progress may be dropped: the next piece tells more.
            let _ = sender.try_send(read);
        })
    });
    while let Some(read) = pieces.recv().await {
        progress(read);
    }
    task.await.unwrap_or_else(|error| Err(ClientError::io(path, io::Error::other(error))))
}

fn digest_blocking(path: &Path, progress: &dyn Fn(u64)) -> Result<(u64, [u8; 32]), ClientError> {
    let trouble = |error| ClientError::io(path, error);
    let mut file = open_regular(path).map_err(trouble)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; READ_BYTES];
    let mut size = 0;
    // A file may be far too large, or grow while it is read.
    while size <= MAX_FILE_BYTES {
        let read = file.read(&mut buffer).map_err(trouble)?;
        if read == 0 {
            return Ok((size, *hasher.finalize().as_bytes()));
        }
        hasher.update(&buffer[..read]);
        size += read as u64;
        progress(size);
    }
    Err(too_large(path, MAX_FILE_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, name: &str, text: &str) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn a_directory_is_listed_in_order_by_its_own_ignore_rules() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("hw3");
        write(dir.path(), ".gitignore", "*\n");
        write(&root, ".gitignore", "target/\n*.log\n");
        write(&root, ".git/config", "x");
        write(&root, STARTER_FILE, "x");
        write(&root, "b/two.txt", "2");
        write(&root, "b/noise.log", "x");
        write(&root, "a.txt", "1");
        write(&root, ".hidden", "h");
        write(&root, "target/out", "x");
        let walk = walk_directory(&root).unwrap();
        let names: Vec<_> = walk.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, [".gitignore", ".hidden", "a.txt", "b/two.txt"]);
        assert!(walk.skipped.is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_directory_is_left_out_and_told() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("hw3");
        write(dir.path(), "secret", "s");
        write(&root, "a.txt", "1");
        symlink(dir.path().join("secret"), root.join("out")).unwrap();
        symlink("a.txt", root.join("same")).unwrap();
        symlink("gone", root.join("nowhere")).unwrap();
        symlink(".", root.join("loop")).unwrap();
        let walk = walk_directory(&root).unwrap();
        let names: Vec<_> = walk.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["a.txt", "same"]);
        let skipped: Vec<_> = walk.skipped.iter().map(|skipped| skipped.path.file_name().unwrap()).collect();
        assert_eq!(skipped, ["loop", "nowhere", "out"]);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn what_never_ends_and_what_is_too_large_is_refused_at_once() {
        for endless in ["/dev/zero", "/dev/fd", "/"] {
            assert!(open_regular(Path::new(endless)).is_err(), "{endless}");
            assert!(LocalFile::new(endless).is_err(), "{endless}");
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sparse");
        File::create(&path).unwrap().set_len(MAX_FILE_BYTES + 1).unwrap();
        let error = declare(&[LocalFile::new(&path).unwrap()], &|_| {}).await.unwrap_err();
        assert!(error.exit_code() == 1 && error.to_string().contains("100 MiB"), "{error}");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read_regular(&path, 5).unwrap(), b"12345");
        assert_eq!(read_regular(&path, 4).unwrap_err().exit_code(), 1);
    }

    #[tokio::test]
    async fn a_declaration_holds_what_b3sum_prints() {
        let dir = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..700_000u32).map(|n| n.to_le_bytes()[1]).collect();
        fs::write(dir.path().join("f"), &bytes).unwrap();
        let files = [LocalFile::new(dir.path().join("f")).unwrap()];
        let declared = declare(&files, &|_| {}).await.unwrap();
        assert_eq!(declared[0].size, 700_000);
        assert_eq!(declared[0].digest, blake3::hash(&bytes).as_bytes());
        let missing = declare(&[LocalFile::new(dir.path().join("none")).unwrap()], &|_| {}).await;
        assert_eq!(missing.unwrap_err().reason(), "LOCAL_FILE");
    }
}
