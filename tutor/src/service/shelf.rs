//! The materials of the courses that were asked about, as text in the index.
//!
//! Nothing is put on the shelf beforehand: a course's materials are compared with what the cluster lists for the asker, each
//! time, and what is new or another file is read with the asker's token. All students of a course are shown the same materials,
//! so what one's list does not have is taken off the shelf.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use lectern_client::{Client, ClientError, v1};
use lectern_search::{Asker, Audience, Change, Index, Material, Page, Passage, SearchError, Section};
use serde::{Deserialize, Serialize};

use super::asker;

/// The shelf.
pub(super) struct Shelf {
    index: Arc<Index>,
    held: Mutex<BTreeMap<String, Held>>,
    /// The index is changed by one at a time, so that what is known of it is what it holds.
    changing: tokio::sync::Mutex<()>,
    /// One course is looked through by one question at a time.
    courses: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

/// A material as it was put on the shelf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    course: String,
    title: String,
    /// Of the file; empty without one.
    digest: Vec<u8>,
}

/// Why nothing can be looked up.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// The cluster.
    #[error(transparent)]
    Cluster(#[from] ClientError),
    /// The index.
    #[error(transparent)]
    Index(#[from] SearchError),
    /// What the index was told of the shelf cannot be read.
    #[error("the index does not say what it holds ({0}); delete its directory and start again")]
    Damaged(#[from] serde_json::Error),
    /// The thread that works on the index ended early.
    #[error("the index stopped working: {0}")]
    Stopped(#[from] tokio::task::JoinError),
}

/// Passages that were found, and the materials that they are from.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Best first.
    pub passages: Vec<Passage>,
    /// Slugs by id.
    pub slugs: HashMap<String, String>,
}

impl Shelf {
    /// The shelf in a directory.
    pub fn open(directory: &Path) -> Result<Shelf, ShelfError> {
        let index = Index::open(directory)?;
        let held = match index.position()? {
            Some(text) if !text.is_empty() => serde_json::from_str(&text)?,
            _ => BTreeMap::new(),
        };
        Ok(Shelf {
            index: Arc::new(index),
            held: Mutex::new(held),
            changing: tokio::sync::Mutex::default(),
            courses: Mutex::default(),
        })
    }

    /// What of the course's material, as far as the asker may read it now, fits a question.
    pub async fn look_up(&self, client: &Client, course: &str, question: &str) -> Result<Found, ShelfError> {
        let turn = Arc::clone(lock(&self.courses).entry(course.to_owned()).or_default());
        let turn = turn.lock().await;
        let listed: Vec<v1::Material> = asker::materials(client, course).await?;
        self.keep_up(client, course, &listed).await?;
        drop(turn);
        let ids: Vec<String> = listed.iter().map(|material| material.material_id.clone()).collect();
        let slugs = listed.into_iter().map(|material| (material.material_id, material.slug)).collect();
        let (index, course, question) = (Arc::clone(&self.index), course.to_owned(), question.to_owned());
        // From the moment of the list on: dates were judged by the cluster.
        let search = move || {
            let asker = Asker { course: &course, now_ms: 0, among: Some(&ids) };
            index.search(&asker, &question)
        };
        let passages = tokio::task::spawn_blocking(search).await??;
        Ok(Found { passages, slugs })
    }

    /// Reads what is new, and takes off what is gone.
    async fn keep_up(&self, client: &Client, course: &str, listed: &[v1::Material]) -> Result<(), ShelfError> {
        let mut held = lock(&self.held).clone();
        let mut changes = Vec::new();
        let mut gone: Vec<String> = Vec::new();
        for (id, one) in &held {
            if one.course == course && !listed.iter().any(|material| material.material_id == *id) {
                gone.push(id.clone());
            }
        }
        for id in gone {
            held.remove(&id);
            changes.push(Change::Remove(id));
        }
        for material in listed {
            let digest = material.file.as_ref().map(|file| file.digest.clone()).unwrap_or_default();
            let now = Held { course: course.into(), title: material.title.clone(), digest };
            if material.kind() == v1::MaterialKind::Other || held.get(&material.material_id) == Some(&now) {
                continue;
            }
            let pages = match asker::pages(client, course, &material.material_id).await {
                Ok(pages) => pages,
                // A file that cannot be read is not read again and again; it has no text until it is another file.
                Err(error @ ClientError::Refused { .. }) => {
                    tracing::warn!(course, material = material.slug, "its text cannot be read: {error}");
                    Vec::new()
                }
                Err(error) => return Err(error.into()),
            };
            changes.push(Change::Put(text(course, material, &pages)));
            held.insert(material.material_id.clone(), now);
        }
        if !changes.is_empty() {
            self.put(changes, held).await?;
        }
        Ok(())
    }

    async fn put(&self, changes: Vec<Change>, held: BTreeMap<String, Held>) -> Result<(), ShelfError> {
        let _changing = self.changing.lock().await;
        let mut all = lock(&self.held).clone();
        // Other courses may have changed meanwhile: what is on the shelf is each course's own business.
        let course_of = |changed: &Change| match changed {
            Change::Put(material) => material.id.clone(),
            Change::Remove(id) => id.clone(),
        };
        for id in changes.iter().map(course_of) {
            match held.get(&id) {
                Some(one) => all.insert(id, one.clone()),
                None => all.remove(&id),
            };
        }
        let position = serde_json::to_string(&all)?;
        let index = Arc::clone(&self.index);
        tokio::task::spawn_blocking(move || index.apply(&changes, &position)).await??;
        *lock(&self.held) = all;
        Ok(())
    }
}

/// A material's text in sections: by the headings of Markdown, by pages elsewhere.
fn text(course: &str, material: &v1::Material, pages: &[v1::Page]) -> Material {
    let sections = if material.kind() == v1::MaterialKind::Markdown {
        by_headings(&material.title, pages)
    } else {
        let section = |page: &v1::Page| Section {
            title: material.title.clone(),
            pages: vec![Page { number: page.number, text: page.text.clone() }],
        };
        pages.iter().map(section).collect()
    };
    Material {
        course: course.into(),
        id: material.material_id.clone(),
        title: material.title.clone(),
        // Whether the asker may read it is asked each time.
        audience: Audience::Students { from_ms: 0 },
        sections,
    }
}

fn by_headings(title: &str, pages: &[v1::Page]) -> Vec<Section> {
    let mut sections = vec![Section { title: title.into(), pages: Vec::new() }];
    let mut in_code = false;
    for page in pages {
        let mut text = String::new();
        for line in page.text.split_inclusive('\n') {
            in_code ^= line.trim_start().starts_with("```");
            let heading = line.trim_start_matches('#');
            if !in_code && heading.len() < line.len() && heading.starts_with(' ') {
                end_page(&mut sections, page.number, std::mem::take(&mut text));
                sections.push(Section { title: heading.trim().into(), pages: Vec::new() });
            }
            text += line;
        }
        end_page(&mut sections, page.number, text);
    }
    sections
}

fn end_page(sections: &mut [Section], number: u32, text: String) {
    if let Some(section) = sections.last_mut().filter(|_| !text.trim().is_empty()) {
        section.pages.push(Page { number, text });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(number: u32, text: &str) -> v1::Page {
        v1::Page { number, text: text.into(), scanned: false }
    }

    #[test]
    fn markdown_falls_into_sections_at_its_headings_and_keeps_its_pages() {
        let pages =
            [page(1, "Hello.\n# Loops\nA loop.\n```\n# no heading\n```\n"), page(2, "It ends.\n## While\nAs long.\n")];
        let sections = by_headings("Notes", &pages);
        let shown: Vec<(&str, Vec<u32>)> = sections
            .iter()
            .map(|section| (section.title.as_str(), section.pages.iter().map(|page| page.number).collect()))
            .collect();
        assert_eq!(shown, [("Notes", vec![1]), ("Loops", vec![1, 2]), ("While", vec![2])]);
        assert!(sections[1].pages[0].text.contains("# no heading"));
    }

    #[test]
    fn other_text_has_a_section_a_page() {
        let material = v1::Material { title: "Notes".into(), kind: v1::MaterialKind::Pdf.into(), ..Default::default() };
        let text = text("cs101", &material, &[page(1, "One."), page(3, "Three.")]);
        let pages: Vec<u32> = text.sections.iter().map(|section| section.pages[0].number).collect();
        assert_eq!(pages, [1, 3]);
    }

    #[test]
    fn what_is_on_the_shelf_is_known_after_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let held = Held { course: "cs101".into(), title: "Notes".into(), digest: vec![0xab] };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let material = v1::Material { material_id: "m".into(), title: "Notes".into(), ..Default::default() };
        {
            let shelf = Shelf::open(folder.path()).expect("a shelf");
            let put = Change::Put(text("cs101", &material, &[page(1, "A loop repeats.")]));
            let known = BTreeMap::from([("m".to_owned(), held.clone())]);
            runtime.block_on(shelf.put(vec![put], known)).expect("put");
        }
        let shelf = Shelf::open(folder.path()).expect("the same shelf");
        assert_eq!(lock(&shelf.held).get("m"), Some(&held));
        runtime.block_on(shelf.put(vec![Change::Remove("m".into())], BTreeMap::new())).expect("taken off");
        assert!(lock(&shelf.held).is_empty());
        assert_eq!(shelf.index.chunks(), 0);
    }
}
