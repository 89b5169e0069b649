//! Materials: their list by modules, their text by page, their files. [`Saver`] saves and opens files of any kind.

mod list;
mod reader;
mod saver;

use std::path::{Path, PathBuf};

use lectern_cli::{Session, pages, transfer};
use lectern_client::{ClientError, Progress};
use lectern_proto::v1;

pub use list::{MaterialsScreen, kind};
pub use reader::{ReaderScreen, TEXT};
pub use saver::{FILES, SAVE, Saver, VIEW};

use super::{Shares, call, call_with_key, told};
use crate::action::{LIST, READER, Scope};
use crate::program::Reply;
use crate::remote::Failure;

/// The scope of [`MaterialsScreen`] as a screen of its own. A program that shows it in a tab gives it another one.
pub const MATERIALS_SCOPE: Scope = Scope { name: "materials", title: "Materials", groups: &[&FILES, &LIST] };
/// The scope of [`ReaderScreen`].
pub const READER_SCOPE: Scope = Scope { name: "material", title: "Material", groups: &[&TEXT, &FILES, &READER] };

/// What their screens ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Modules and materials of a course.
    List {
        /// Its slug.
        course: String,
    },
    /// Some pages of a material's text.
    Pages {
        /// The course's slug.
        course: String,
        /// The material's slug.
        material: String,
        /// The first page, counted from 1.
        first: u32,
        /// How many.
        count: u32,
    },
    /// Note that it was opened.
    MarkOpened {
        /// Idempotency key.
        key: String,
        /// The course's slug.
        course: String,
        /// The material's slug.
        material: String,
    },
    /// Save a file.
    Save {
        /// Which.
        file: v1::FileRef,
        /// Where to.
        to: Destination,
    },
}

/// Where a file is saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Where the person says.
    Path {
        /// The path.
        path: PathBuf,
        /// Whether a file that is there may be replaced.
        replace: bool,
    },
    /// Among the program's own files, for a viewer.
    Viewer,
}

/// A course's materials.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Library {
    /// In their order.
    pub modules: Vec<v1::Module>,
    /// In their order.
    pub materials: Vec<v1::Material>,
}

/// Some pages of a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pages {
    /// The pages.
    pub pages: Vec<v1::Page>,
    /// How many the text has.
    pub total: u32,
}

/// What comes back.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// The list.
    Listed(Result<Library, Failure>),
    /// Some pages.
    Pages(Result<Pages, Failure>),
    /// It is noted that it was opened.
    Opened(Result<(), Failure>),
    /// So much of a file is saved.
    Saving {
        /// Bytes that are here.
        done: u64,
        /// Bytes of the file.
        total: u64,
    },
    /// There is such a file already, and it was not to be replaced.
    Exists(PathBuf),
    /// It is saved, and where.
    Saved(Result<PathBuf, Failure>),
}

/// Whether an effect changes something.
pub fn is_change(effect: &Effect) -> bool {
    matches!(effect, Effect::MarkOpened { .. } | Effect::Save { .. })
}

/// Does the work.
pub async fn perform<P: Shares>(session: &Session, effect: Effect, reply: &Reply<P>) {
    let message = match effect {
        Effect::List { course } => Message::Listed(told(list(session, &course).await, reply).await),
        Effect::Pages { course, material, first, count } => {
            let request = v1::ReadPagesRequest { course, material, first_page: first, page_count: count };
            let pages = call(session, request, reply).await;
            Message::Pages(pages.map(|response| Pages { pages: response.pages, total: response.total_pages }))
        }
        Effect::MarkOpened { key, course, material } => {
            let request = v1::MarkOpenedRequest { course, material };
            Message::Opened(call_with_key(session, &key, request, reply).await.map(|_| ()))
        }
        Effect::Save { file, to } => save(session, &file, to, reply).await,
    };
    reply.send(P::message(super::Message::Material(message))).await;
}

async fn list(session: &Session, course: &str) -> Result<Library, ClientError> {
    let modules = pages::all(session, |page_token| v1::ListModulesRequest {
        course: course.to_owned(),
        page_token,
        ..Default::default()
    });
    let materials = pages::all(session, |page_token| v1::ListMaterialsRequest {
        course: course.to_owned(),
        page_token,
        ..Default::default()
    });
    let (modules, materials) = tokio::try_join!(modules, materials)?;
    Ok(Library { modules, materials })
}

async fn save<P: Shares>(session: &Session, file: &v1::FileRef, to: Destination, reply: &Reply<P>) -> Message {
    let (path, replace) = match to {
        Destination::Path { path, replace } => (place_for(&path, &file.name), replace),
        Destination::Viewer => (viewer_path(session, file), true),
    };
    match save_at(session, file, &path, replace, reply).await {
        Ok(Some(_)) => Message::Saved(Ok(path)),
        Ok(None) => Message::Exists(path),
        Err(error) => Message::Saved(told(Err(error), reply).await),
    }
}

/// Fetches a file to a path; `None` where another one is in the way.
async fn save_at<P: Shares>(
    session: &Session,
    file: &v1::FileRef,
    path: &Path,
    replace: bool,
    reply: &Reply<P>,
) -> Result<Option<lectern_client::Saved>, ClientError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| ClientError::io(folder, error))?;
    }
    let place = lectern_client::Destination::at(path)?;
    if !replace && place.exists() && !place.holds(file).await? {
        return Ok(None);
    }
    let progress = |progress: Progress| {
        let message = Message::Saving { done: progress.bytes_done, total: progress.bytes_total };
        reply.send_newest(P::message(super::Message::Material(message)));
    };
    lectern_client::save(session.client(), file, &place, replace, &progress).await.map(Some)
}

/// What a person means by a path: `~` is their home, and into a directory a file goes under its own name.
fn place_for(path: &Path, name: &str) -> PathBuf {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let path = match (path.strip_prefix("~"), home) {
        (Ok(below), Some(home)) => home.join(below),
        _ => path.to_owned(),
    };
    if path.is_dir() { path.join(transfer::local_name(name)) } else { path }
}

/// A place that only this version of the file has.
fn viewer_path(session: &Session, file: &v1::FileRef) -> PathBuf {
    let digest = lectern_cli::text::hex(&file.digest);
    let name = transfer::local_name(&file.name);
    let name = name.file_name().map_or_else(|| "file".into(), PathBuf::from);
    session.profiles().dirs().state.join("opened").join(digest.get(..16).unwrap_or("file")).join(name)
}
