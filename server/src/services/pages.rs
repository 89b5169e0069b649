//! Text of files by page, extracted once for each file and kept in memory within a bound.
//!
//! What is kept belongs to one file by its id: equal bytes of two people are read twice, so that the time an answer takes
//! tells nobody what others have.
//!
//! A PDF is parsed by another process, at most two at once and one for each file, from a copy of the file that this node
//! writes to its scratch directory. What cannot be read is remembered too, so that a broken file costs its parsing once.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use lectern_extract::{ExtractError, Limits};
use lectern_proto::internal::v1::FileRecord;
use lectern_proto::v1;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::OnceCell;
use tonic::{Code, Status};

use super::errors::{self, reasons};
use super::gate::Gate;

/// Extractions at once, and waiting.
const AT_ONCE: usize = 2;
const QUEUED: usize = 32;
/// A text longer than this is not read by page.
const MAX_TEXT_FILE_BYTES: u64 = 8 << 20;
/// Text kept.
const CACHE_BYTES: usize = 64 << 20;
/// Files kept.
const CACHE_FILES: usize = 1_024;

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// By the extractor.
    Pdf,
    /// As it is.
    Text,
    /// As it is, when it is UTF-8: what students hand in has names of all kinds.
    TextIfUtf8,
}

/// What reading a file came to, for good: its pages, or why it has none.
type Reading = Result<Arc<Vec<v1::Page>>, Arc<str>>;
type Key = (Format, String);

/// See the module.
pub struct Pages {
    scratch: PathBuf,
    cache: Mutex<Cache>,
    gate: Gate,
}

#[derive(Default)]
struct Cache {
    entries: HashMap<Key, Entry>,
    uses: u64,
}

struct Entry {
    reading: Arc<OnceCell<Reading>>,
    last_use: u64,
}

impl Pages {
    /// With a scratch directory of its own, which is emptied.
    pub fn new(scratch: PathBuf) -> io::Result<Self> {
        match std::fs::remove_dir_all(&scratch) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => std::fs::create_dir_all(&scratch)?,
        }
        Ok(Self { scratch, cache: Mutex::default(), gate: Gate::new("documents being read", AT_ONCE, QUEUED) })
    }

    /// The pages of `file`, whose chunks `chunk` fetches by digest.
    pub async fn of(
        &self,
        format: Format,
        file: &FileRecord,
        chunk: impl AsyncFn(Vec<u8>) -> Result<Vec<u8>, Status>,
    ) -> Result<Arc<Vec<v1::Page>>, Status> {
        let cell = self.lock().entry((format, file.file_id.clone()));
        let reading = cell
            .get_or_try_init(|| async {
                let _place = self.gate.enter().await?;
                match format {
                    Format::Pdf => self.read_pdf(file, &chunk).await,
                    Format::Text => read_text(file, &chunk, false).await,
                    Format::TextIfUtf8 => read_text(file, &chunk, true).await,
                }
            })
            .await?
            .clone();
        self.lock().shrink(CACHE_BYTES, CACHE_FILES);
        reading.map_err(|problem| errors::status(Code::FailedPrecondition, reasons::UNREADABLE_FILE, &*problem))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read_pdf(
        &self,
        file: &FileRecord,
        chunk: &impl AsyncFn(Vec<u8>) -> Result<Vec<u8>, Status>,
    ) -> Result<Reading, Status> {
        let helper = lectern_extract::default_helper()
            .ok_or_else(|| errors::internal("lectern-extract is not installed beside lectern-server"))?;
        // One reading for each file at a time: nobody else has this name.
        let copy = Scratch(self.scratch.join(format!("{}.pdf", file.file_id)));
        write_copy(&copy.0, file, chunk).await?;
        let extracting = tokio::task::spawn_blocking(move || {
            let extracted = lectern_extract::extract_pages(&helper, &copy.0, &Limits::default());
            drop(copy);
            extracted
        });
        let extracted = extracting.await.map_err(|error| errors::internal(&error.to_string()))?;
        match extracted {
            Ok(pages) => Ok(Ok(Arc::new(pages.into_iter().map(to_proto).collect()))),
            Err(
                error @ (ExtractError::HelperMissing { .. }
                | ExtractError::Unreadable { .. }
                | ExtractError::Helper { .. }),
            ) => Err(errors::internal(&error.to_string())),
            Err(error) => Ok(Err(error.to_string().into())),
        }
    }
}

/// A file that goes when it is no longer needed, however that comes about.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "a scratch file could not be removed");
        }
    }
}

async fn write_copy(
    path: &Path,
    file: &FileRecord,
    chunk: &impl AsyncFn(Vec<u8>) -> Result<Vec<u8>, Status>,
) -> Result<(), Status> {
    let failed = |error: io::Error| errors::internal(&format!("writing a scratch file: {error}"));
    let mut copy = tokio::fs::File::create(path).await.map_err(failed)?;
    for digest in &file.chunk_digests {
        copy.write_all(&chunk(digest.clone()).await?).await.map_err(failed)?;
    }
    copy.flush().await.map_err(failed)
}

async fn read_text(
    file: &FileRecord,
    chunk: &impl AsyncFn(Vec<u8>) -> Result<Vec<u8>, Status>,
    strict: bool,
) -> Result<Reading, Status> {
    if file.size > MAX_TEXT_FILE_BYTES {
        return Ok(Err("this text is longer than 8 MiB; download it to read it".into()));
    }
    let mut bytes = Vec::new();
    for digest in &file.chunk_digests {
        bytes.extend(chunk(digest.clone()).await?);
    }
    if strict && (bytes.contains(&0) || std::str::from_utf8(&bytes).is_err()) {
        return Ok(Err("this file is no text or PDF; save it and open it with a program for its kind".into()));
    }
    let text = String::from_utf8_lossy(&bytes);
    Ok(Ok(Arc::new(lectern_extract::paginate_text(&text).into_iter().map(to_proto).collect())))
}

fn to_proto(page: lectern_extract::Page) -> v1::Page {
    v1::Page { number: page.number, text: page.text, scanned: page.scanned }
}

impl Cache {
    fn entry(&mut self, key: Key) -> Arc<OnceCell<Reading>> {
        self.uses += 1;
        let last_use = self.uses;
        let entry = self.entries.entry(key).or_insert_with(|| Entry { reading: Arc::default(), last_use });
        entry.last_use = last_use;
        Arc::clone(&entry.reading)
    }

    /// Drops what was used longest ago until the rest fits. What is being read at this moment stays: others wait for it.
    fn shrink(&mut self, max_bytes: usize, max_files: usize) {
        loop {
            let bytes: usize = self.entries.values().map(Entry::bytes).sum();
            if bytes <= max_bytes && self.entries.len() <= max_files {
                return;
            }
            let done = self.entries.iter().filter(|(_, entry)| Arc::strong_count(&entry.reading) == 1);
            let oldest = done.min_by_key(|(_, entry)| entry.last_use).map(|(key, _)| key.clone());
            match oldest {
                Some(key) => self.entries.remove(&key),
                None => return,
            };
        }
    }
}

impl Entry {
    fn bytes(&self) -> usize {
        match self.reading.get() {
            Some(Ok(pages)) => pages.iter().map(|page| page.text.len() + size_of::<v1::Page>()).sum(),
            Some(Err(problem)) => problem.len(),
            None => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn file(id: &str, chunks: &[u8]) -> FileRecord {
        FileRecord {
            file_id: id.into(),
            digest: vec![7; 32],
            size: chunks.len() as u64,
            chunk_digests: chunks.iter().map(|chunk| vec![*chunk]).collect(),
            ..FileRecord::default()
        }
    }

    #[tokio::test]
    async fn a_text_is_read_once_from_its_chunks_in_order() {
        let directory = tempfile::tempdir().unwrap();
        let pages = Pages::new(directory.path().join("extracts")).unwrap();
        let fetched = AtomicUsize::new(0);
        let fetch = async |digest: Vec<u8>| {
            fetched.fetch_add(1, Ordering::Relaxed);
            Ok(digest)
        };
        for _ in 0..2 {
            let read = pages.of(Format::Text, &file("one", b"abc"), fetch).await.unwrap();
            assert_eq!(read.len(), 1);
            assert_eq!(read[0].text.trim_end(), "abc");
        }
        assert_eq!(fetched.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn equal_bytes_of_two_files_are_read_twice_so_that_nobody_learns_what_others_have() {
        let directory = tempfile::tempdir().unwrap();
        let pages = Pages::new(directory.path().join("extracts")).unwrap();
        let fetched = AtomicUsize::new(0);
        let fetch = async |digest: Vec<u8>| {
            fetched.fetch_add(1, Ordering::Relaxed);
            Ok(digest)
        };
        for id in ["one", "other", "one"] {
            pages.of(Format::Text, &file(id, b"abc"), fetch).await.unwrap();
        }
        assert_eq!(fetched.load(Ordering::Relaxed), 6);
    }

    #[tokio::test]
    async fn of_unknown_kinds_only_text_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let pages = Pages::new(directory.path().join("extracts")).unwrap();
        let fetch = async |digest: Vec<u8>| Ok(digest);
        let read = pages.of(Format::TextIfUtf8, &file("main.rs", b"fn main() {}"), fetch).await.unwrap();
        assert_eq!(read[0].text.trim_end(), "fn main() {}");
        for (id, bytes) in [("zip", &b"PK\0"[..]), ("latin1", &[0xe4, 0x20][..])] {
            assert!(pages.of(Format::TextIfUtf8, &file(id, bytes), fetch).await.is_err(), "{id}");
        }
    }

    #[tokio::test]
    async fn a_fetch_that_failed_is_tried_again() {
        let directory = tempfile::tempdir().unwrap();
        let pages = Pages::new(directory.path().join("extracts")).unwrap();
        let failing = async |_| Err(Status::unavailable("gone"));
        assert!(pages.of(Format::Text, &file("one", b"abc"), failing).await.is_err());
        let fetch = async |digest: Vec<u8>| Ok(digest);
        assert!(pages.of(Format::Text, &file("one", b"abc"), fetch).await.is_ok());
    }

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let mut cache = Cache::default();
        for digest in 0..3 {
            let page = v1::Page { number: 1, text: "x".repeat(100), scanned: false };
            cache.entry((Format::Text, digest.to_string())).set(Ok(Arc::new(vec![page]))).unwrap();
        }
        cache.entry((Format::Text, "0".to_owned()));
        cache.shrink(usize::MAX, 2);
        let mut left: Vec<&str> = cache.entries.keys().map(|(_, id)| &**id).collect();
        left.sort_unstable();
        assert_eq!(left, ["0", "2"]);
        cache.shrink(0, 2);
        assert!(cache.entries.is_empty());
    }
}
