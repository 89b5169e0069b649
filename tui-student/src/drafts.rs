//! Drafts on this machine: a file for each assignment, for the person alone, replaced as a whole.

use std::path::PathBuf;

use lectern_cli::Session;
use lectern_client::private_file;
use lectern_tui_kit::remote::Failure;
use serde::{Deserialize, Serialize};

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
pub fn read(session: &Session, username: &str, place: &Place) -> Result<Option<Kept>, Failure> {
    let path = path(session, username, place);
    let Some(text) = private_file::read(&path).map_err(Failure::from)? else { return Ok(None) };
    serde_json::from_str(&text).map(Some).map_err(|error| Failure::local(format!("{}: {error}", path.display())))
}

/// Keeps a draft: after a crash there is this one or the one before.
pub async fn write(session: &Session, place: &Place, kept: Kept) -> Result<(), Failure> {
    let path = path(session, &kept.username, place);
    let written = tokio::task::spawn_blocking(move || {
        let text = serde_json::to_string(&kept).map_err(|error| Failure::local(error.to_string()))?;
        private_file::replace(&path, &text).map_err(Failure::from)
    });
    written.await.map_err(|error| Failure::local(error.to_string()))?
}
