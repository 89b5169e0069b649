//! The index of one node: fed with materials as they change, asked at any time.

use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use tantivy::directory::MmapDirectory;
use tantivy::{IndexReader, IndexWriter, ReloadPolicy, Term};

use crate::chunk::chunks;
use crate::error::SearchError;
use crate::material::{Audience, Material};
use crate::passage::Passage;
use crate::query::{Asker, Search};
use crate::schema::{self, Fields};
use crate::words;

/// What the writer may hold in memory; materials are small and committed at once.
const WRITER_BYTES: usize = 20_000_000;
/// Where the version of the fields stands.
const VERSION_FILE: &str = "lectern-version";

/// A change of the materials.
#[derive(Debug, Clone)]
pub enum Change {
    /// A material is new, or is now as it stands here.
    Put(Material),
    /// A material, by id, is gone.
    Remove(String),
}

/// An index on disk, or in memory. Shared between threads; changes are serialised, searches are not held up by them.
pub struct Index {
    files: tantivy::Index,
    reader: IndexReader,
    writer: Mutex<IndexWriter>,
    fields: Fields,
}

impl Index {
    /// Opens the index in `directory`, or makes an empty one there: when there is none, or one of another version.
    pub fn open(directory: &Path) -> Result<Index, SearchError> {
        prepare(directory).map_err(|source| SearchError::Directory { path: directory.to_owned(), source })?;
        let open = || {
            let mmap = MmapDirectory::open(directory)?;
            Index::new(tantivy::Index::open_or_create(mmap, schema::schema().0)?)
        };
        open().map_err(|source| SearchError::Open { path: directory.to_owned(), source })
    }

    /// An index that is gone with the process.
    pub fn in_memory() -> Result<Index, SearchError> {
        Ok(Index::new(tantivy::Index::create_in_ram(schema::schema().0))?)
    }

    fn new(index: tantivy::Index) -> tantivy::Result<Index> {
        index.tokenizers().register(words::ANALYSER, words::analyser());
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let writer = Mutex::new(index.writer_with_num_threads(1, WRITER_BYTES)?);
        Ok(Index { files: index, reader, writer, fields: schema::schema().1 })
    }

    /// Makes changes, all or none, and the position in the feed that they lead to. When this returns, searches find them
    /// and they are on disk.
    pub fn apply(&self, changes: &[Change], position: &str) -> Result<(), SearchError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let done = self.write(&mut writer, changes, position);
        if done.is_err() {
            writer.rollback()?;
        }
        done?;
        Ok(self.reader.reload()?)
    }

    fn write(&self, writer: &mut IndexWriter, changes: &[Change], position: &str) -> Result<(), SearchError> {
        for change in changes {
            let id = match change {
                Change::Put(material) => &material.id,
                Change::Remove(id) => id,
            };
            writer.delete_term(Term::from_field_text(self.fields.material, id));
            let Change::Put(material) = change else { continue };
            let Audience::Students { from_ms } = material.audience else {
                return Err(SearchError::StaffOnly { material: id.clone() });
            };
            let documents = schema::documents(&self.fields, material, from_ms, &chunks(material));
            for document in documents.map_err(|error| SearchError::Damaged(error.to_string()))? {
                writer.add_document(document)?;
            }
        }
        let mut commit = writer.prepare_commit()?;
        commit.set_payload(position);
        commit.commit()?;
        Ok(())
    }

    /// The position that the last [`Index::apply`] led to, also before the process was started again.
    pub fn position(&self) -> Result<Option<String>, SearchError> {
        Ok(self.files.load_metas()?.payload)
    }

    /// How many chunks there are, of all courses.
    pub fn chunks(&self) -> u64 {
        self.reader.searcher().num_docs()
    }

    /// The passages that fit a question best, best first, among those that the asker may see: [`crate::KEPT`] at most.
    pub fn search(&self, asker: &Asker<'_>, question: &str) -> Result<Vec<Passage>, SearchError> {
        Search { searcher: &self.reader.searcher(), fields: &self.fields }.run(asker, question)
    }
}

/// Makes the directory, and empties it when what is there was made for other fields.
fn prepare(directory: &Path) -> std::io::Result<()> {
    let version = directory.join(VERSION_FILE);
    if directory.exists() && fs::read_to_string(&version).ok().as_deref() != Some(schema::VERSION) {
        fs::remove_dir_all(directory)?;
    }
    fs::create_dir_all(directory)?;
    fs::write(version, schema::VERSION)
}
