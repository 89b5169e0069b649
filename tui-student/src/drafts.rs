//! Drafts on this machine: a file for each assignment, for the person alone, replaced as a whole. Writes, and saves on the
//! server, of one draft follow each other, so that the newest text is the last one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use lectern_cli::Session;
use lectern_client::private_file;
use lectern_proto::v1;
use lectern_tui_kit::remote::Failure;
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedMutexGuard;

use crate::model::Place;

/// A draft as this machine has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Whose it is.
    pub username: String,
    /// The text.
    pub text: String,
    /// The server's revision it was written on; 0 before the first.
    pub base: u64,
    /// The server has exactly this text, as revision `base`.
    pub synced: bool,
}

/// Whose turn it is.
#[derive(Default)]
pub struct Drafts {
    /// By the person and the assignment.
    lanes: Mutex<BTreeMap<(String, Place), Lanes>>,
}

/// The queues of one draft: who comes first goes first.
#[derive(Clone, Default)]
struct Lanes {
    disk: Arc<tokio::sync::Mutex<()>>,
    /// The revision that this program saved last.
    server: Arc<tokio::sync::Mutex<u64>>,
}

impl Drafts {
    fn lanes(&self, username: &str, place: &Place) -> Lanes {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.entry((username.to_owned(), place.clone())).or_default().clone()
    }

    /// Keeps a draft on this machine, after those that were asked for before.
    pub async fn keep(&self, session: &Session, place: &Place, kept: Kept) -> Result<(), Failure> {
        let _turn = self.lanes(&kept.username, place).disk.lock_owned().await;
        write(session, place, kept).await
    }

    /// Waits until earlier saves of this draft are decided.
    pub async fn turn_to_save(&self, username: &str, place: &Place) -> Turn {
        Turn { last: self.lanes(username, place).server.lock_owned().await }
    }
}

/// The turn to save a draft on the server.
pub struct Turn {
    last: OwnedMutexGuard<u64>,
}

impl Turn {
    /// What the text was written on: at least what this very program saved just before it. Its own save is no other
    /// device's.
    pub fn base(&self, base: u64) -> u64 {
        base.max(*self.last)
    }

    /// The server has it.
    pub fn saved(&mut self, response: Option<&v1::SaveDraftResponse>) {
        if let Some(saved) = response.and_then(|response| response.saved.as_ref()) {
            *self.last = saved.revision;
        }
    }
}

/// A draft's file. Drafts of another cluster, person or assignment are other files.
fn path(session: &Session, username: &str, place: &Place) -> PathBuf {
    let profile = &session.identity().profile;
    let name = |text: &str| text.replace(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_', "_");
    let dir = session.profiles().dirs().state.join("drafts");
    dir.join(name(profile))
        .join(name(username))
        .join(name(&place.course))
        .join(format!("{}.json", name(&place.assignment)))
}

/// The draft of whoever is signed in, if there is one.
pub async fn read(session: &Session, username: &str, place: &Place) -> Result<Option<Kept>, Failure> {
    let path = path(session, username, place);
    let read = tokio::task::spawn_blocking(move || {
        let Some(text) = private_file::read(&path).map_err(Failure::from)? else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|error| Failure::local(format!("{}: {error}", path.display())))
    });
    read.await.map_err(|error| Failure::local(error.to_string()))?
}

/// Keeps a draft: after a crash there is this one or the one before.
async fn write(session: &Session, place: &Place, kept: Kept) -> Result<(), Failure> {
    let path = path(session, &kept.username, place);
    let written = tokio::task::spawn_blocking(move || {
        let text = serde_json::to_string(&kept).map_err(|error| Failure::local(error.to_string()))?;
        private_file::replace(&path, &text).map_err(Failure::from)
    });
    written.await.map_err(|error| Failure::local(error.to_string()))?
}
