//! Work outside the update: calls, the stream of changes, files of this machine.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lectern_cli::{Session, pages, receipt};
use lectern_client::outbox::{Queued, is_away};
use lectern_client::{Call, HandIn, LocalFile, Stage, Walk, hand_in, walk_directory};
use lectern_proto::v1;
use lectern_tui_kit::program::Reply;
use lectern_tui_kit::remote::Failure;
use lectern_tui_kit::shared::{self, Follower, all, call, call_with_key, told};

use crate::commands;
use crate::drafts::{self, Drafts, Kept};
use crate::model::{Attempts, Grades, Place};
use crate::program::Student;

mod queued;

/// Between two tries of a change that the cluster could not take.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// What effects need. Cheap to clone.
#[derive(Clone)]
pub struct Env(Arc<Inner>);

struct Inner {
    session: Session,
    follower: Follower,
    drafts: Drafts,
}

impl Env {
    /// For a session.
    pub fn new(session: Session) -> Self {
        Self(Arc::new(Inner { session, follower: Follower::default(), drafts: Drafts::default() }))
    }

    /// The session.
    pub fn session(&self) -> &Session {
        &self.0.session
    }
}

/// What screens ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Of the shared screens.
    Shared(shared::Effect),
    /// Hear of changes on the server from now on.
    Follow,
    /// Let some time pass.
    Pause {
        /// How long.
        ms: u64,
    },
    /// Courses, what is due, what is new, latest grades.
    Home,
    /// The assignments of a course.
    Assignments {
        /// Its slug.
        course: String,
    },
    /// One assignment.
    Assignment(Place),
    /// One's attempts, uploads and extension requests.
    Attempts(Place),
    /// One's grades in a course.
    Grades {
        /// Its slug.
        course: String,
    },
    /// The draft as this machine has it, and as the server has it.
    OpenDraft {
        /// Of which assignment.
        place: Place,
        /// Whose.
        username: String,
    },
    /// The draft as the server has it.
    ServerDraft(Place),
    /// One revision of it.
    DraftRevision(Place, u64),
    /// Keep a draft on this machine.
    KeepDraft(Place, Kept),
    /// Save a draft on the server.
    SaveDraft {
        /// Idempotency key.
        key: String,
        /// Of which assignment.
        place: Place,
        /// Whose.
        username: String,
        /// The text.
        text: String,
        /// The revision it was written on.
        base: u64,
    },
    /// See what files are to be handed in.
    LookAt(Vec<PathBuf>),
    /// Hand in.
    HandIn(Offer),
    /// Say which attempt counts.
    Choose {
        /// Idempotency key.
        key: String,
        /// Of which assignment.
        place: Place,
        /// The attempt.
        attempt: u32,
    },
    /// Get an attempt's receipt, and keep it on this machine.
    KeepReceipt {
        /// Of which assignment.
        place: Place,
        /// The attempt.
        attempt: u32,
    },
    /// Send what was queued while the cluster was away.
    SendQueued {
        /// Whose.
        username: String,
    },
    /// Give up an upload that was not finished.
    Withdraw {
        /// Idempotency key.
        key: String,
        /// The pledge.
        pledge: String,
    },
}

/// What is handed in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// To which assignment.
    pub place: Place,
    /// By whom.
    pub username: String,
    /// The text; empty without one.
    pub text: String,
    /// A note to the grader.
    pub comment: String,
    /// Files, or one directory.
    pub paths: Vec<PathBuf>,
}

/// A file that is to be handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picked {
    /// As it will be called.
    pub name: String,
    /// Bytes.
    pub size: u64,
}

/// What is to be handed in, after a look at the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The files.
    pub files: Vec<Picked>,
    /// They are one directory.
    pub directory: bool,
    /// What is left out, and why.
    pub skipped: Vec<String>,
}

/// How far a submission is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many bytes have been digested.
    Reading(u64),
    /// The cluster holds the digests.
    Pledged {
        /// Since when.
        at_ms: i64,
        /// After the lock date.
        after_lock: bool,
    },
    /// Bytes that have arrived.
    Uploading {
        /// So many.
        done: u64,
        /// Of so many.
        total: u64,
    },
    /// All bytes have arrived.
    Submitting,
    /// The cluster could not take it; it is tried again.
    Waiting {
        /// Why.
        failure: Failure,
        /// The work is queued on this machine: the program may be left.
        queued: bool,
    },
    /// What makes it go on after an interruption cannot be kept on this machine.
    Unkept(Failure),
}

/// How a submission ended.
#[derive(Clone, Debug, PartialEq)]
pub enum HandedIn {
    /// It is an attempt.
    Submission(Box<Stored>),
    /// It came after the lock date and is kept.
    Request(Box<v1::ExtensionRequest>),
}

/// An attempt that the cluster holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// It.
    pub submission: v1::Submission,
    /// Which attempt counts now.
    pub counted: v1::Counted,
    /// Where its signed receipt is kept, or why there is none yet.
    pub receipt: Result<PathBuf, Failure>,
}

/// What comes back.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Of the shared screens.
    Shared(shared::Message),
    /// The time has passed.
    Paused,
    /// The home.
    Home(Result<v1::GetHomeResponse, Failure>),
    /// Assignments.
    Assignments(Result<Vec<v1::Assignment>, Failure>),
    /// One assignment, and cluster time.
    Assignment(Box<Result<(v1::Assignment, i64), Failure>>),
    /// Attempts.
    Attempts(Result<Attempts, Failure>),
    /// Grades.
    Grades(Result<Grades, Failure>),
    /// The draft of this machine, if any.
    KeptDraft(Result<Option<Kept>, Failure>),
    /// The draft of the server, if any.
    ServerDraft(Result<Option<v1::DraftRevision>, Failure>),
    /// It is kept on this machine.
    Kept(Result<(), Failure>),
    /// The server does not take the draft yet; it is tried again.
    DraftWaits(Failure),
    /// The draft is saved on the server.
    DraftSaved(Result<v1::SaveDraftResponse, Failure>),
    /// What files there are.
    LookedAt(Result<Look, Failure>),
    /// What is queued on this machine, and not submitted.
    Queued(Result<BTreeSet<Place>, Failure>),
    /// How far a submission is.
    Progress(Progress),
    /// How a submission ended.
    HandedIn {
        /// Of which assignment.
        place: Place,
        /// The end.
        outcome: Result<HandedIn, Failure>,
    },
    /// What counts now.
    Chosen(Result<v1::Counted, Failure>),
    /// Where a receipt is kept.
    ReceiptKept(Result<PathBuf, Failure>),
    /// An upload was given up.
    Withdrawn(Result<(), Failure>),
}

/// Whether an effect changes something, here or on the server.
pub fn is_change(effect: &Effect) -> bool {
    match effect {
        Effect::Shared(effect) => shared::is_change(effect),
        Effect::KeepDraft(..)
        | Effect::SaveDraft { .. }
        | Effect::HandIn(_)
        | Effect::Withdraw { .. }
        | Effect::Choose { .. } => true,
        _ => false,
    }
}

/// Does the work.
pub async fn perform(env: &Env, effect: Effect, reply: &Reply<Student>) {
    let session = env.session();
    let message = match effect {
        Effect::Shared(effect) => return shared::perform(session, effect, reply).await,
        Effect::Follow => return env.0.follower.follow(session, reply).await,
        Effect::Pause { ms } => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Message::Paused
        }
        Effect::Home => Message::Home(call(session, v1::GetHomeRequest {}, reply).await),
        Effect::Assignments { course } => {
            let request =
                |page_token| v1::ListAssignmentsRequest { course: course.clone(), page_token, ..Default::default() };
            Message::Assignments(all(session, request, reply).await)
        }
        Effect::Assignment(place) => {
            let request = v1::GetAssignmentRequest { course: place.course, assignment: place.assignment };
            let found = call(session, request, reply).await;
            Message::Assignment(Box::new(found.map(|it| (it.assignment.unwrap_or_default(), it.now_ms))))
        }
        Effect::Attempts(place) => Message::Attempts(told(attempts(session, place).await, reply).await),
        Effect::Grades { course } => Message::Grades(told(grades(session, course).await, reply).await),
        Effect::OpenDraft { place, username } => {
            let kept = drafts::read(session, &username, &place).await;
            reply.send(Message::KeptDraft(kept)).await;
            Message::ServerDraft(server_draft(session, place, 0, reply).await)
        }
        Effect::ServerDraft(place) => Message::ServerDraft(server_draft(session, place, 0, reply).await),
        Effect::DraftRevision(place, revision) => {
            Message::ServerDraft(server_draft(session, place, revision, reply).await)
        }
        Effect::KeepDraft(place, kept) => Message::Kept(env.0.drafts.keep(session, &place, kept).await),
        Effect::SaveDraft { key, place, username, text, base } => {
            let mut turn = env.0.drafts.turn_to_save(&username, &place).await;
            let request = v1::SaveDraftRequest {
                course: place.course,
                assignment: place.assignment,
                text,
                base_revision: turn.base(base),
                device_label: session.device_label(),
            };
            let saved = until_taken(session, &key, request, reply, Message::DraftWaits).await;
            turn.saved(saved.as_ref().ok());
            Message::DraftSaved(saved)
        }
        Effect::SendQueued { username } => return queued::send_all(session, &username, reply).await,
        Effect::LookAt(paths) => Message::LookedAt(look_at(paths).await),
        Effect::HandIn(offer) => {
            let place = offer.place.clone();
            let username = offer.username.clone();
            let outcome = send(session, offer, reply).await;
            // Whatever came of it: it may have been queued, and it may have been sent from there.
            queued::tell(session, &username, reply).await;
            Message::HandedIn { outcome, place }
        }
        Effect::Choose { key, place, attempt } => {
            let request = v1::ChooseAttemptRequest { course: place.course, assignment: place.assignment, attempt };
            let chosen = call_with_key(session, &key, request, reply).await;
            Message::Chosen(chosen.map(|chosen| chosen.counted.unwrap_or_default()))
        }
        Effect::KeepReceipt { place, attempt } => {
            let kept = receipt::of_attempt(&place.course, &place.assignment, attempt, session).await;
            Message::ReceiptKept(told(kept, reply).await.map(|(_, path)| path))
        }
        Effect::Withdraw { key, pledge } => {
            let request = v1::WithdrawPledgeRequest { pledge_id: pledge };
            Message::Withdrawn(call_with_key(session, &key, request, reply).await.map(|_| ()))
        }
    };
    reply.send(message).await;
}

/// Repeats a change with its key until the cluster takes or refuses it; tells meanwhile why it waits.
async fn until_taken<Q: Call>(
    session: &Session,
    key: &str,
    request: Q,
    reply: &Reply<Student>,
    waits: impl Fn(Failure) -> Message,
) -> Result<Q::Response, Failure> {
    loop {
        match call_with_key(session, key, request.clone(), reply).await {
            Err(failure) if failure.transient => reply.send_newest(waits(failure)),
            answer => return answer,
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
}

async fn attempts(session: &Session, place: Place) -> Result<Attempts, lectern_cli::Error> {
    let Place { course, assignment } = place;
    let requests = pages::all(session, |page_token| v1::ListExtensionRequestsRequest {
        course: course.clone(),
        assignment: assignment.clone(),
        page_token,
        ..Default::default()
    });
    let attempts = async {
        let mut all = Attempts::default();
        let mut page_token = String::new();
        loop {
            let request = v1::ListAttemptsRequest {
                course: course.clone(),
                assignment: assignment.clone(),
                page_token,
                ..Default::default()
            };
            let mut page = session.call(request).await?;
            all.attempts.append(&mut page.attempts);
            if !page.pledges.is_empty() {
                all.pledges = page.pledges;
            }
            all.counted = page.counted.unwrap_or_default();
            if page.next_page_token.is_empty() {
                return Ok(all);
            }
            page_token = page.next_page_token;
        }
    };
    let (attempts, requests) = tokio::try_join!(attempts, requests)?;
    Ok(Attempts { requests, ..attempts })
}

async fn grades(session: &Session, course: String) -> Result<Grades, lectern_cli::Error> {
    let mut grades = Grades::default();
    let mut page_token = String::new();
    loop {
        let request = v1::ListMyGradesRequest { course: course.clone(), page_token, ..Default::default() };
        let mut page = session.call(request).await?;
        grades.rows.append(&mut page.grades);
        if page.next_page_token.is_empty() {
            return Ok(Grades {
                groups: page.groups,
                group_totals: page.group_totals,
                total: page.total.unwrap_or_default(),
                policy: page.policy.unwrap_or_default(),
                ..grades
            });
        }
        page_token = page.next_page_token;
    }
}

/// The draft of the server; none when there is none.
async fn server_draft(
    session: &Session,
    place: Place,
    revision: u64,
    reply: &Reply<Student>,
) -> Result<Option<v1::DraftRevision>, Failure> {
    let request = v1::GetDraftRequest { course: place.course, assignment: place.assignment, revision };
    match call(session, request, reply).await {
        Ok(response) => Ok(response.draft),
        Err(failure) if failure.is_for("NOT_FOUND") => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The files a person named: several files, or one directory.
fn collect(paths: &[PathBuf]) -> Result<(Walk, bool), lectern_cli::Error> {
    if let [path] = paths
        && path.is_dir()
    {
        return Ok((walk_directory(path)?, true));
    }
    let files: Result<Vec<LocalFile>, _> = paths.iter().map(LocalFile::new).collect();
    Ok((Walk { files: files?, skipped: Vec::new() }, false))
}

async fn look_at(paths: Vec<PathBuf>) -> Result<Look, Failure> {
    let looked = tokio::task::spawn_blocking(move || {
        let (walk, directory) = collect(&paths)?;
        let skipped =
            walk.skipped.iter().map(|skipped| format!("{}: {}", skipped.path.display(), skipped.reason)).collect();
        let mut files = Vec::new();
        for file in walk.files {
            let size = std::fs::metadata(&file.path).map_err(|error| lectern_cli::Error::io(&file.path, error))?.len();
            files.push(Picked { name: file.name, size });
        }
        Ok::<_, lectern_cli::Error>(Look { files, directory, skipped })
    });
    looked.await.map_err(|error| Failure::local(error.to_string()))?.map_err(Failure::from)
}

/// Hands in, again and again while the cluster cannot take it: the journal makes each try go on where the last one stopped.
async fn send(session: &Session, offer: Offer, reply: &Reply<Student>) -> Result<HandedIn, Failure> {
    let Offer { place, username, text, comment, paths } = offer;
    let looked = tokio::task::spawn_blocking(move || collect(&paths)).await;
    let (walk, directory) = looked.map_err(|error| Failure::local(error.to_string()))?.map_err(Failure::from)?;
    let what =
        HandIn { course: place.course, assignment: place.assignment, text, comment, files: walk.files, directory };
    let scope = format!("{}/{username}", session.identity().profile);
    let on_stage = |stage: Stage<'_>| {
        let progress = match stage {
            // Told for certain, and so not by way of what the next news replaces.
            Stage::Unkept(problem) => {
                let (reply, news) = (reply.clone(), Progress::Unkept(problem.into()));
                tokio::spawn(async move { reply.send(Message::Progress(news)).await });
                return;
            }
            Stage::Digesting { bytes } => Progress::Reading(bytes),
            Stage::Pledged(pledge) => Progress::Pledged { at_ms: pledge.pledged_at_ms, after_lock: pledge.after_lock },
            Stage::Uploading(progress) => {
                Progress::Uploading { done: progress.bytes_done, total: progress.bytes_total }
            }
            Stage::Submitting => Progress::Submitting,
        };
        reply.send_newest(Message::Progress(progress));
    };
    let outbox = commands::outbox::of(session);
    let mut item: Option<Queued> = None;
    loop {
        let handed_in = match &item {
            None => hand_in(session.client(), session.profiles().dirs(), &scope, &what, &on_stage).await.map(Some),
            Some(item) => outbox.send(session.client(), item, &on_stage).await,
        };
        if let (None, Err(error)) = (&item, &handed_in)
            && is_away(error)
        {
            match outbox.queue(&scope, &what, error).await {
                Ok(queued) => {
                    item = Some(queued);
                    queued::tell(session, &username, reply).await;
                }
                Err(problem) => reply.send(Message::Progress(Progress::Unkept(problem.into()))).await,
            }
        }
        match told(handed_in, reply).await {
            Ok(Some(end)) => return stored(end, session).await,
            Ok(None) if item.as_ref().is_some_and(|item| !outbox.has(item)) => {
                return Err(Failure::local("another program of yours has sent it, or discarded it, meanwhile"));
            }
            Ok(None) => {}
            Err(failure) if failure.transient => {
                reply.send_newest(Message::Progress(Progress::Waiting { failure, queued: item.is_some() }));
            }
            Err(failure) => return Err(failure),
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
}

/// What the cluster holds now, with its receipt.
async fn stored(end: lectern_client::HandedIn, session: &Session) -> Result<HandedIn, Failure> {
    match (end.submission, end.extension_request) {
        (Some(submission), _) => {
            let receipt = receipt::of_submission(&submission, session).await;
            let receipt = receipt.map(|(_, path)| path).map_err(Failure::from);
            let counted = end.counted.unwrap_or_default();
            Ok(HandedIn::Submission(Box::new(Stored { submission, counted, receipt })))
        }
        (None, Some(request)) => Ok(HandedIn::Request(Box::new(request))),
        (None, None) => Err(Failure::local("the server answered with neither a submission nor a request")),
    }
}
