//! Work that could not be handed in because the cluster was away: kept on this machine as *queued*, and never taken for submitted.
//!
//! An item is a folder in `outbox/PROFILE` below the state directory: `item.json` and copies of the files, so that whatever becomes of
//! the originals, what is sent is what was handed in. It is named after its content, as its journal is (`submit.rs`): queued
//! twice it is there once, and the keys of the try that failed are those of every later one. So a submission whose answer was lost is
//! not made a second time.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::local::{LocalFile, declare};
use crate::submit::{HandIn, HandedIn, JOURNAL_LIFE, OnStage, content_name, hand_in};
use crate::{Client, ClientError, Dirs, private_file};

const ITEM: &str = "item.json";
const LOCK: &str = "lock";
/// Hexadecimal digits of an item's id.
const ID_DIGITS: usize = 12;

/// The queued work of one profile.
#[derive(Clone, Debug)]
pub struct Outbox {
    dirs: Dirs,
    root: PathBuf,
}

/// One thing that waits to be handed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    /// What it is called here.
    pub id: String,
    /// For whom: profile and username.
    pub scope: String,
    /// Slug or id.
    pub course: String,
    /// Slug or id.
    pub assignment: String,
    /// The text; empty without one.
    pub text: String,
    /// A note to the grader.
    pub comment: String,
    /// The files, by their names in the submission.
    pub files: Vec<String>,
    /// They are one directory.
    pub directory: bool,
    /// By this machine's clock, Unix milliseconds. It counts for nothing.
    pub queued_at_ms: i64,
    /// Why the cluster refused it; it is not sent again by itself.
    #[serde(default)]
    pub problem: Option<String>,
    /// A try ended without an answer.
    #[serde(default)]
    pub uncertain: bool,
}

impl Queued {
    /// Whether it is sent without being asked for. What was refused is not, nor is what may have been submitted so long ago that the
    /// cluster has forgotten its keys.
    pub fn goes_by_itself(&self) -> bool {
        let queued_at = UNIX_EPOCH + Duration::from_millis(u64::try_from(self.queued_at_ms).unwrap_or(0));
        let is_old = SystemTime::now().duration_since(queued_at).is_ok_and(|age| age > JOURNAL_LIFE);
        self.problem.is_none() && !(self.uncertain && is_old)
    }
}

/// Whether work is to be queued after this error: nobody has decided on it.
pub fn is_away(error: &ClientError) -> bool {
    match error {
        ClientError::Unreachable { reason, .. } => reason != "UNTRUSTED",
        ClientError::OutcomeUnknown { .. } => true,
        _ => false,
    }
}

impl Outbox {
    /// Of a profile.
    pub fn of(dirs: &Dirs, profile: &str) -> Self {
        let name = profile.replace(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_', "_");
        Self { dirs: dirs.clone(), root: dirs.state.join("outbox").join(name) }
    }

    /// What is queued for `scope`, the oldest first.
    pub fn list(&self, scope: &str) -> Result<Vec<Queued>, ClientError> {
        let entries = match fs::read_dir(&self.root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(ClientError::io(&self.root, error)),
        };
        let mut items = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| ClientError::io(&self.root, error))?.path();
            // A folder without an item was being made when the machine stopped: it was never told to be queued.
            let Some(text) = private_file::read(&path.join(ITEM))? else { continue };
            let item: Queued = serde_json::from_str(&text)
                .map_err(|error| ClientError::local_file(format!("{}: {error}", path.join(ITEM).display())))?;
            items.extend(Some(item).filter(|item| item.scope == scope));
        }
        items.sort_by(|a, b| (a.queued_at_ms, &a.id).cmp(&(b.queued_at_ms, &b.id)));
        Ok(items)
    }

    /// One item.
    pub fn find(&self, scope: &str, id: &str) -> Result<Queued, ClientError> {
        let found = self.list(scope)?.into_iter().find(|item| item.id == id);
        found.ok_or_else(|| ClientError::usage(format!("nothing `{id}` is queued; `outbox list` shows what is")))
    }

    /// Keeps a copy of `what`. `why` is the error that it could not be handed in for.
    pub async fn queue(&self, scope: &str, what: &HandIn, why: &ClientError) -> Result<Queued, ClientError> {
        let making = self.root.join(format!(".{}", ulid::Ulid::generate()));
        private_file::make_directory(&making)?;
        let queued = self.copy(scope, what, &making).await;
        if queued.is_err() {
            // The error that matters is the first one.
            let _ = fs::remove_dir_all(&making);
        }
        let mut item = queued?;
        item.uncertain = matches!(why, ClientError::OutcomeUnknown { .. });
        let place = self.root.join(&item.id);
        if let Some(before) = private_file::read(&place.join(ITEM))?.and_then(|text| serde_json::from_str(&text).ok()) {
            fs::remove_dir_all(&making).map_err(|error| ClientError::io(&making, error))?;
            let before: Queued = before;
            item = Queued { problem: None, uncertain: before.uncertain || item.uncertain, ..before };
            write(&place, &item)?;
            return Ok(item);
        }
        write(&making, &item)?;
        fs::rename(&making, &place).map_err(|error| ClientError::io(&place, error))?;
        Ok(item)
    }

    /// Copies the files to where the item is made, and looks at the copies.
    async fn copy(&self, scope: &str, what: &HandIn, to: &Path) -> Result<Queued, ClientError> {
        let targets: Vec<LocalFile> =
            what.files.iter().enumerate().map(|(at, file)| copy_of(to, at, &file.name)).collect();
        for (file, target) in what.files.iter().zip(&targets) {
            let (from, to) = (file.path.clone(), target.path.clone());
            let copied = tokio::task::spawn_blocking(move || fs::copy(&from, &to)).await;
            copied
                .map_err(io::Error::other)
                .and_then(|copied| copied)
                .map_err(|error| ClientError::io(&file.path, error))?;
        }
        let what = HandIn { files: targets, ..what.clone() };
        let declarations = declare(&what.files, &|_| {}).await?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Queued {
            id: content_name(scope, &what, &declarations)[..ID_DIGITS].to_owned(),
            scope: scope.to_owned(),
            files: what.files.into_iter().map(|file| file.name).collect(),
            course: what.course,
            assignment: what.assignment,
            text: what.text,
            comment: what.comment,
            directory: what.directory,
            queued_at_ms: i64::try_from(now.as_millis()).unwrap_or(i64::MAX),
            problem: None,
            uncertain: false,
        })
    }

    /// Hands a queued item in and takes it out of the outbox. `None` where it is gone, or another program is sending it. What is
    /// refused stays, with the reason.
    pub async fn send(
        &self,
        client: &Client,
        item: &Queued,
        on_stage: OnStage<'_>,
    ) -> Result<Option<HandedIn>, ClientError> {
        let place = self.root.join(&item.id);
        let Some(_turn) = turn(&place)? else { return Ok(None) };
        let files = item.files.iter().enumerate().map(|(at, name)| copy_of(&place, at, name)).collect();
        let what = HandIn {
            course: item.course.clone(),
            assignment: item.assignment.clone(),
            text: item.text.clone(),
            comment: item.comment.clone(),
            files,
            directory: item.directory,
        };
        match hand_in(client, &self.dirs, &item.scope, &what, on_stage).await {
            Ok(handed_in) => {
                remove(&place)?;
                Ok(Some(handed_in))
            }
            Err(error) => {
                let problem = matches!(error, ClientError::Refused { .. }).then(|| error.to_string());
                let uncertain = item.uncertain || matches!(error, ClientError::OutcomeUnknown { .. });
                if (&problem, uncertain) != (&item.problem, item.uncertain) {
                    write(&place, &Queued { problem, uncertain, ..item.clone() })?;
                }
                Err(error)
            }
        }
    }

    /// Whether an item is still here.
    pub fn has(&self, item: &Queued) -> bool {
        self.root.join(&item.id).join(ITEM).exists()
    }

    /// Throws an item away: it is not handed in.
    pub fn discard(&self, item: &Queued) -> Result<(), ClientError> {
        let place = self.root.join(&item.id);
        let Some(_turn) = turn(&place)? else {
            return Err(ClientError::local_file(format!(
                "`{}` is being sent right now; nothing was discarded",
                item.id
            )));
        };
        remove(&place)
    }
}

fn copy_of(place: &Path, at: usize, name: &str) -> LocalFile {
    LocalFile { path: place.join(format!("file-{at}")), name: name.to_owned() }
}

fn write(place: &Path, item: &Queued) -> Result<(), ClientError> {
    let path = place.join(ITEM);
    let text = serde_json::to_string(item).map_err(|error| ClientError::io(&path, io::Error::other(error)))?;
    private_file::replace(&path, &text)
}

/// The item first: a folder without one is no item, whatever else is left of it.
fn remove(place: &Path) -> Result<(), ClientError> {
    fs::remove_file(place.join(ITEM))
        .and_then(|()| fs::remove_dir_all(place))
        .map_err(|error| ClientError::io(place, error))
}

/// The one turn to send an item; `None` where another program has it, or the item is gone.
fn turn(place: &Path) -> Result<Option<File>, ClientError> {
    let path = place.join(LOCK);
    let lock = match File::options().create(true).truncate(false).write(true).open(&path) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ClientError::io(&path, error)),
    };
    match lock.try_lock() {
        Ok(()) => Ok(place.join(ITEM).exists().then_some(lock)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(ClientError::io(&path, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Desk {
        dir: tempfile::TempDir,
        outbox: Outbox,
    }

    impl Desk {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let dirs = Dirs { config: dir.path().join("config"), state: dir.path().join("state") };
            Self { outbox: Outbox::of(&dirs, "default"), dir }
        }

        fn work(&self, content: &str) -> HandIn {
            let path = self.dir.path().join("work.py");
            fs::write(&path, content).unwrap();
            HandIn {
                course: "cs101".into(),
                assignment: "hw1".into(),
                files: vec![LocalFile::new(path).unwrap()],
                ..HandIn::default()
            }
        }

        async fn queue(&self, scope: &str, content: &str) -> Queued {
            self.outbox.queue(scope, &self.work(content), &ClientError::unreachable("away")).await.unwrap()
        }
    }

    #[tokio::test]
    async fn what_is_queued_is_a_copy_and_the_same_twice_is_there_once() {
        let desk = Desk::new();
        let first = desk.queue("default/ada", "1").await;
        assert_eq!(desk.queue("default/ada", "1").await, first);
        let second = desk.queue("default/ada", "2").await;
        let listed = desk.outbox.list("default/ada").unwrap();
        assert_eq!(listed.iter().map(|item| &item.id).collect::<Vec<_>>(), [&first.id, &second.id]);
        assert_eq!(fs::read_to_string(desk.outbox.root.join(&first.id).join("file-0")).unwrap(), "1");
        assert_eq!(desk.outbox.list("default/bob").unwrap(), [], "another person's is not shown");
        assert_eq!(desk.outbox.find("default/ada", &second.id).unwrap(), second);
        assert_eq!(desk.outbox.find("default/bob", &second.id).unwrap_err().exit_code(), 2);
    }

    #[tokio::test]
    async fn one_program_at_a_time_sends_an_item_and_what_is_discarded_is_gone() {
        let desk = Desk::new();
        let item = desk.queue("default/ada", "1").await;
        let held = turn(&desk.outbox.root.join(&item.id)).unwrap();
        assert!(held.is_some() && turn(&desk.outbox.root.join(&item.id)).unwrap().is_none());
        assert_eq!(desk.outbox.discard(&item).unwrap_err().reason(), "LOCAL_FILE");
        drop(held);
        desk.outbox.discard(&item).unwrap();
        assert!(!desk.outbox.has(&item) && desk.outbox.list("default/ada").unwrap().is_empty());
        assert!(turn(&desk.outbox.root.join(&item.id)).unwrap().is_none());
    }

    #[tokio::test]
    async fn what_was_refused_and_what_may_be_there_already_is_not_sent_by_itself() {
        let desk = Desk::new();
        let item = desk.queue("default/ada", "1").await;
        assert!(item.goes_by_itself());
        assert!(!Queued { problem: Some("no attempts left".into()), ..item.clone() }.goes_by_itself());
        let old = Queued { queued_at_ms: 0, ..item };
        assert!(old.goes_by_itself());
        assert!(!Queued { uncertain: true, ..old }.goes_by_itself());
    }

    #[test]
    fn only_what_nobody_decided_on_is_queued() {
        assert!(is_away(&ClientError::unreachable("no route")));
        assert!(is_away(&ClientError::OutcomeUnknown { key: None, message: String::new() }));
        assert!(!is_away(&ClientError::not_done("UNTRUSTED", "another authority")));
        assert!(!is_away(&ClientError::usage("no")));
    }
}
