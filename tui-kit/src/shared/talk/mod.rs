//! Threads and announcements: lists, one thread with its answers, one announcement, and writing them. Students and staff
//! have the same screens; what only staff may do is in groups of its own.

mod announcements;
mod thread;
mod threads;
mod tutor;
mod view;
mod write;

use lectern_cli::Session;
use lectern_client::ClientError;
use lectern_proto::v1;

pub use announcements::{ANNOUNCEMENT, AnnouncementScreen, AnnouncementsScreen, STAFF_ANNOUNCEMENTS};
pub use thread::{THREAD, ThreadScreen};
pub use threads::{THREADS, ThreadsScreen};
pub use tutor::News;
pub use write::{WRITE, WriteScreen};

use super::{Shares, all, call, told};
use crate::action::{EDITING, LIST, READER_MOVES, Scope};
use crate::program::Reply;
use crate::remote::Failure;

/// The scope of [`ThreadsScreen`] as a screen of its own. A program that shows it in a tab gives it another one.
pub const THREADS_SCOPE: Scope = Scope { name: "threads", title: "Threads", groups: &[&THREADS, &LIST] };
/// The scope of [`ThreadScreen`].
pub const THREAD_SCOPE: Scope = Scope { name: "thread", title: "Thread", groups: &[&THREAD, &EDITING, &READER_MOVES] };
/// The scope of [`AnnouncementsScreen`] for students.
pub const ANNOUNCEMENTS_SCOPE: Scope = Scope { name: "announcements", title: "Announcements", groups: &[&LIST] };
/// The scope of [`AnnouncementScreen`] for students.
pub const ANNOUNCEMENT_SCOPE: Scope = Scope { name: "announcement", title: "Announcement", groups: &[&READER_MOVES] };
/// The scope of [`AnnouncementScreen`] for staff.
pub const STAFF_ANNOUNCEMENT_SCOPE: Scope =
    Scope { name: "announcement", title: "Announcement", groups: &[&ANNOUNCEMENT, &READER_MOVES] };
/// The scope of [`WriteScreen`].
pub const WRITE_SCOPE: Scope = Scope { name: "write", title: "Writing", groups: &[&WRITE, &EDITING] };

/// Items asked for at once: as many as a page may have.
const PAGE: u32 = 500;

/// Who looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Asks, and sees what is meant for the course.
    Student,
    /// Answers, closes, announces.
    Staff,
}

/// What these screens ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// The threads of a course.
    Threads {
        /// Its slug.
        course: String,
    },
    /// One thread with all its messages.
    Thread {
        /// The course's slug.
        course: String,
        /// The thread's number.
        number: u64,
    },
    /// Asks the tutor for its answer to the last message of a thread.
    AskTutor {
        /// The course's slug.
        course: String,
        /// The thread's number.
        number: u64,
    },
    /// A material that an answer names.
    Cited {
        /// The course's slug.
        course: String,
        /// The material's id.
        material: String,
        /// The page to open.
        page: u32,
    },
    /// The announcements of a course.
    Announcements {
        /// Its slug.
        course: String,
    },
    /// Notes what was read. Nobody waits for it: what is lost is noted the next time.
    MarkRead(v1::MarkReadRequest),
    /// A change, with its key.
    Change {
        /// The same for each repetition.
        key: String,
        /// What is to be changed.
        change: Change,
    },
}

/// A change.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Ask a question.
    Ask(v1::CreateThreadRequest),
    /// Add a message.
    Reply(v1::ReplyThreadRequest),
    /// Resolve or open again.
    SetState(v1::SetThreadStateRequest),
    /// Hand a question over from the tutor to the staff.
    HandOver(v1::AskInstructorRequest),
    /// Vouch for an answer of the tutor, or take that back.
    Endorse(v1::EndorseAnswerRequest),
    /// Announce something.
    Announce(v1::CreateAnnouncementRequest),
    /// Take an announcement back.
    Delete(v1::DeleteAnnouncementRequest),
}

/// What comes back.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// The threads of a course.
    Threads(Result<Vec<v1::Thread>, Failure>),
    /// One thread with its messages.
    Thread(Result<Conversation, Failure>),
    /// The tutor answers.
    Tutor(News),
    /// A material that an answer names, and the page to open.
    Cited(Result<(v1::Material, u32), Failure>),
    /// The announcements of a course.
    Announcements(Result<Vec<v1::Announcement>, Failure>),
    /// What was read is noted.
    Marked(Result<(), Failure>),
    /// A change was made.
    Changed(Result<Made, Failure>),
}

/// A thread with its messages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conversation {
    /// The thread.
    pub thread: v1::Thread,
    /// All its messages, oldest first.
    pub messages: Vec<v1::ThreadMessage>,
}

/// What a change made.
#[derive(Clone, Debug, PartialEq)]
pub enum Made {
    /// A thread, or one in another state.
    Thread(v1::Thread),
    /// A message.
    Message {
        /// The thread as it is now.
        thread: Box<v1::Thread>,
        /// The message.
        message: Box<v1::ThreadMessage>,
    },
    /// A message that was endorsed, or is no more.
    Endorsed(v1::ThreadMessage),
    /// An announcement.
    Announcement(v1::Announcement),
    /// Nothing is left of it.
    Deleted,
}

/// Whether an effect changes something that a person waits for.
pub fn is_change(effect: &Effect) -> bool {
    matches!(effect, Effect::Change { .. })
}

/// Does the work.
pub async fn perform<P: Shares>(session: &Session, effect: Effect, reply: &Reply<P>) {
    let message = match effect {
        Effect::AskTutor { course, number } => Message::Tutor(relay(session, &course, number, reply).await),
        Effect::Cited { course, material, page } => {
            let found = call(session, v1::GetMaterialRequest { course, material }, reply).await;
            Message::Cited(found.map(|found| (found.material.unwrap_or_default(), page)))
        }
        Effect::Threads { course } => {
            let request = |page_token| v1::ListThreadsRequest {
                course: course.clone(),
                page_size: PAGE,
                page_token,
                ..Default::default()
            };
            Message::Threads(all(session, request, reply).await)
        }
        Effect::Thread { course, number } => {
            Message::Thread(told(conversation(session, course, number).await, reply).await)
        }
        Effect::Announcements { course } => {
            let request =
                |page_token| v1::ListAnnouncementsRequest { course: course.clone(), page_size: PAGE, page_token };
            Message::Announcements(all(session, request, reply).await)
        }
        Effect::MarkRead(request) => Message::Marked(call(session, request, reply).await.map(|_| ())),
        Effect::Change { key, change } => Message::Changed(told(make(session, &key, change).await, reply).await),
    };
    reply.send(P::message(super::Message::Talk(message))).await;
}

/// Tells what happens while the tutor answers; returns the last of it.
async fn relay<P: Shares>(session: &Session, course: &str, number: u64, reply: &Reply<P>) -> News {
    let mut answering = match told(session.client().ask_tutor(course, number).await, reply).await {
        Ok(answering) => answering,
        Err(failure) => return News::Failed(failure),
    };
    loop {
        match answering.next().await {
            Ok(Some(done @ v1::ask_event::Event::Done(_))) => return News::Event(done),
            Ok(Some(event)) => {
                let message = Message::Tutor(News::Event(event));
                reply.send(P::message(super::Message::Talk(message))).await;
            }
            Ok(None) => return News::Failed(Failure::local("it went away before the answer was done")),
            Err(error) => return News::Failed(error.into()),
        }
    }
}

async fn conversation(session: &Session, course: String, number: u64) -> Result<Conversation, ClientError> {
    let mut conversation = Conversation::default();
    let mut page_token = String::new();
    loop {
        let request = v1::GetThreadRequest { course: course.clone(), number, page_size: PAGE, page_token };
        let mut page = session.call(request).await?;
        conversation.messages.append(&mut page.messages);
        conversation.thread = page.thread.unwrap_or_default();
        if page.next_page_token.is_empty() {
            return Ok(conversation);
        }
        page_token = page.next_page_token;
    }
}

async fn make(session: &Session, key: &str, change: Change) -> Result<Made, ClientError> {
    let client = session.client();
    Ok(match change {
        Change::Ask(request) => Made::Thread(client.call_with_key(key, request).await?.thread.unwrap_or_default()),
        Change::SetState(request) => Made::Thread(client.call_with_key(key, request).await?.thread.unwrap_or_default()),
        Change::Reply(request) => {
            let made = client.call_with_key(key, request).await?;
            Made::Message {
                thread: Box::new(made.thread.unwrap_or_default()),
                message: Box::new(made.message.unwrap_or_default()),
            }
        }
        Change::HandOver(request) => Made::Thread(client.call_with_key(key, request).await?.thread.unwrap_or_default()),
        Change::Endorse(request) => {
            Made::Endorsed(client.call_with_key(key, request).await?.message.unwrap_or_default())
        }
        Change::Announce(request) => {
            Made::Announcement(client.call_with_key(key, request).await?.announcement.unwrap_or_default())
        }
        Change::Delete(request) => {
            client.call_with_key(key, request).await?;
            Made::Deleted
        }
    })
}
