//! Threads: questions asked in a course or on an assignment, and their answers.
//!
//! A private thread is for the asker and the course's staff; one in the course is for everyone in it. Whoever may not see
//! a thread is answered as if it did not exist, and lists and counts leave it out.
//!
//! * An asker who is anonymous stays so to peers in everything that leaves here: the thread's author and the author of
//!   each of their messages are absent. They themselves and the staff see the name. Events carry no names.
//! * A message of the staff on an open thread makes it answered. A message of the asker on an answered or resolved one
//!   opens it again: they are not done. What peers write changes no state.
//! * The asker and the staff may resolve a thread and open it again; `ANSWERED` comes from an answer only.
//! * Who writes has read: their own message and all before it count as read.
//! * What was asked of the tutor is private and waits for nobody else (`threads/tutor.rs`), until somebody of the staff
//!   answers, or the asker hands it over.

use lectern_proto::internal::v1::{AssignmentRecord, ThreadMessageRecord, ThreadRecord};
use lectern_proto::v1::{self, AskedOf, EventKind, PersonRef, ThreadState, ThreadVisibility};

use crate::actor::CourseAccess;
use crate::context::{Audience, PageRequest, Tx, View};
use crate::keys::{key1, key2};
use crate::refusal::{Reason, Refusal, Result, refuse};
use crate::store::{Order, Store, StoreExt};
use crate::tables::Table;
use crate::{limits, lookup, paging, standing, usage, validate};

mod tutor;

pub(crate) use tutor::{answer_as_tutor, ask_instructor, endorse_answer};

/// Messages of one thread.
const MAX_MESSAGES: u32 = 5_000;

/// Threads of one course that are looked at for counts, newest first.
const MAX_COUNTED: usize = 1_000;

pub(crate) fn create_thread(
    tx: &mut Tx<'_, '_>,
    request: &v1::CreateThreadRequest,
) -> Result<v1::CreateThreadResponse> {
    let mut access = CourseAccess::open(tx.store, &tx.actor, &request.course)?;
    access.require_open()?;
    let title = validate::line("title", &request.title)?;
    check_message(&request.body)?;
    if request.anonymous && !access.is_student() {
        return refuse(Reason::InvalidArgument, "only students ask anonymously; leave `anonymous` out");
    }
    if request.asked_of() == AskedOf::Tutor {
        tutor::check_question(&access, request)?;
    }
    let assignment_id = match &*request.assignment {
        "" => String::new(),
        name => known_assignment(tx.store, &access, name)?.assignment_id,
    };
    access.course.last_thread_number += 1;
    let thread = ThreadRecord {
        thread_id: tx.ids.next_id(),
        course_id: access.course.course_id.clone(),
        number: access.course.last_thread_number,
        assignment_id,
        title,
        visibility: match request.visibility() {
            // Nobody shows more than they asked for.
            ThreadVisibility::Unspecified => ThreadVisibility::Private.into(),
            visibility => visibility.into(),
        },
        anonymous: request.anonymous,
        state: ThreadState::Open.into(),
        author_user_id: tx.actor.user_id().into(),
        created_at_ms: tx.now_ms(),
        updated_at_ms: tx.now_ms(),
        message_count: 0,
        asked_of: request.asked_of,
    };
    count_post(tx, &access, usage::Post::Thread)?;
    charge(tx, &access, thread.title.len())?;
    tx.put(Table::Courses, key1(&access.course.course_id), &access.course);
    let (thread, _) = add_message(tx, &access, thread, &request.body)?;
    Ok(v1::CreateThreadResponse { thread: Some(to_proto(&tx.view(), &access, &thread)?) })
}

pub(crate) fn reply_thread(tx: &mut Tx<'_, '_>, request: &v1::ReplyThreadRequest) -> Result<v1::ReplyThreadResponse> {
    let access = CourseAccess::open(tx.store, &tx.actor, &request.course)?;
    access.require_open()?;
    let mut thread = visible_thread(&tx.view(), &access, request.number)?;
    check_message(&request.body)?;
    if thread.message_count >= MAX_MESSAGES {
        return refuse(
            Reason::TooMany,
            format!("this thread has {MAX_MESSAGES} messages, which is the most; start another"),
        );
    }
    let asker = thread.author_user_id == tx.actor.user_id();
    match thread.state() {
        ThreadState::Answered | ThreadState::Resolved if asker => thread.set_state(ThreadState::Open),
        ThreadState::Open if access.is_staff() && !asker => thread.set_state(ThreadState::Answered),
        _ => {}
    }
    if access.is_staff() && !asker {
        tutor::take_over(&mut thread);
    }
    let (thread, message) = add_message(tx, &access, thread, &request.body)?;
    let view = tx.view();
    Ok(v1::ReplyThreadResponse {
        message: Some(message_to_proto(&view, &access, &thread, message, u32::MAX)?),
        thread: Some(to_proto(&view, &access, &thread)?),
    })
}

pub(crate) fn set_thread_state(
    tx: &mut Tx<'_, '_>,
    request: &v1::SetThreadStateRequest,
) -> Result<v1::SetThreadStateResponse> {
    let access = CourseAccess::open(tx.store, &tx.actor, &request.course)?;
    access.require_open()?;
    let mut thread = visible_thread(&tx.view(), &access, request.number)?;
    if !access.is_staff() && thread.author_user_id != tx.actor.user_id() {
        return refuse(Reason::WrongRole, "only whoever asked, and the staff, may resolve a thread or open it again");
    }
    if !matches!(request.state(), ThreadState::Open | ThreadState::Resolved) {
        return refuse(
            Reason::InvalidArgument,
            "state must be OPEN or RESOLVED; a thread becomes answered by the staff's reply",
        );
    }
    if thread.state() != request.state() {
        thread.set_state(request.state());
        thread.updated_at_ms = tx.now_ms();
        tx.put(Table::Threads, key2(&thread.course_id, thread.number), &thread);
        tell(tx, &thread);
    }
    Ok(v1::SetThreadStateResponse { thread: Some(to_proto(&tx.view(), &access, &thread)?) })
}

/// A thread with a page of its messages, oldest first.
pub fn get_thread(view: &View<'_>, request: &v1::GetThreadRequest) -> Result<v1::GetThreadResponse> {
    let access = CourseAccess::open(view.store, view.actor, &request.course)?;
    let thread = visible_thread(view, &access, request.number)?;
    let page = PageRequest::new(request.page_size, &request.page_token)?;
    let last_read = last_read(view, &thread)?;
    let rows = (Table::ThreadMessages, &*key1(&thread.thread_id), Order::Ascending);
    let (messages, next_page_token) = paging::scan(view.store, rows, &page, |message| {
        message_to_proto(view, &access, &thread, message, last_read).map(Some)
    })?;
    Ok(v1::GetThreadResponse { thread: Some(to_proto(view, &access, &thread)?), messages, next_page_token })
}

/// The threads of a course that the caller may see, the one asked last first.
pub fn list_threads(view: &View<'_>, request: &v1::ListThreadsRequest) -> Result<v1::ListThreadsResponse> {
    let access = CourseAccess::open(view.store, view.actor, &request.course)?;
    let page = PageRequest::new(request.page_size, &request.page_token)?;
    let assignment_id = match &*request.assignment {
        "" => None,
        name => Some(known_assignment(view.store, &access, name)?.assignment_id),
    };
    let rows = (Table::Threads, &*key1(&access.course.course_id), Order::Descending);
    let (threads, next_page_token) = paging::scan(view.store, rows, &page, |thread: ThreadRecord| {
        let wanted = (!request.open_only || waits_for_staff(&thread))
            && assignment_id.as_ref().is_none_or(|id| *id == thread.assignment_id);
        if wanted && may_see(view, &access, &thread) { to_proto(view, &access, &thread).map(Some) } else { Ok(None) }
    })?;
    Ok(v1::ListThreadsResponse { threads, next_page_token })
}

/// Marks the thread as read by the actor up to a message; 0 means all of it. A mark never moves back.
pub(crate) fn mark_read(tx: &mut Tx<'_, '_>, access: &CourseAccess, number: u64, through: u32) -> Result<()> {
    let view = tx.view();
    let thread = visible_thread(&view, access, number)?;
    let through = if through == 0 { thread.message_count } else { through.min(thread.message_count) };
    if through > last_read(&view, &thread)? {
        set_read(tx, &thread, through);
        let me = Audience::User(tx.actor.user_id().into());
        tx.event(EventKind::ReadState, &thread.course_id, &thread.thread_id, me);
    }
    Ok(())
}

/// Counts over the latest threads of a course, for the home page.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counts {
    /// Messages that the caller may see and has not read.
    pub unread_messages: u32,
    /// Threads that the caller may see and that wait for an answer.
    pub open_threads: u32,
    /// The threads with those messages.
    pub unread: Vec<v1::UnreadItem>,
}

/// What of a course's threads waits for the caller.
pub(crate) fn counts(view: &View<'_>, access: &CourseAccess) -> Result<Counts> {
    let mut counts = Counts::default();
    let prefix = key1(&access.course.course_id);
    let threads: Vec<(Vec<u8>, ThreadRecord)> =
        view.store.records(Table::Threads, &prefix, None, Order::Descending, MAX_COUNTED)?;
    for (_, thread) in threads.iter().filter(|(_, thread)| may_see(view, access, thread)) {
        let unread = thread.message_count.saturating_sub(last_read(view, thread)?);
        if unread > 0 {
            counts.unread_messages += unread;
            counts.unread.push(v1::UnreadItem {
                course_slug: access.course.slug.clone(),
                thread_number: thread.number,
                title: thread.title.clone(),
                at_ms: thread.updated_at_ms,
                count: unread,
                ..v1::UnreadItem::default()
            });
        }
        counts.open_threads += u32::from(waits_for_staff(thread));
    }
    Ok(counts)
}

/// Whether it waits for an answer of the staff.
fn waits_for_staff(thread: &ThreadRecord) -> bool {
    thread.state() == ThreadState::Open && thread.asked_of() != AskedOf::Tutor
}

fn check_message(body: &str) -> Result<()> {
    if body.trim().is_empty() {
        return refuse(Reason::InvalidArgument, "the message is empty; write what you want to say");
    }
    validate::body("body", body, limits::BODY_BYTES)
}

/// An assignment that the caller may know of.
fn known_assignment(store: &dyn Store, access: &CourseAccess, name: &str) -> Result<AssignmentRecord> {
    lookup::assignment(store, &access.course.course_id, name)?
        .filter(|assignment| access.is_staff() || standing::is_published(assignment))
        .ok_or_else(|| {
            Refusal::new(Reason::NotFound, format!("no assignment `{name}` in {}", access.course.slug)).into()
        })
}

/// Appends a message by the actor, stores the thread, moves the actor's read mark and tells watchers.
fn add_message(
    tx: &mut Tx<'_, '_>,
    access: &CourseAccess,
    mut thread: ThreadRecord,
    body: &str,
) -> Result<(ThreadRecord, ThreadMessageRecord)> {
    count_post(tx, access, usage::Post::Message)?;
    charge(tx, access, body.len())?;
    thread.message_count += 1;
    thread.updated_at_ms = tx.now_ms();
    let message = ThreadMessageRecord {
        number: thread.message_count,
        author_user_id: tx.actor.user_id().into(),
        from_staff: access.is_staff(),
        body: body.into(),
        created_at_ms: tx.now_ms(),
        ..ThreadMessageRecord::default()
    };
    tx.put(Table::ThreadMessages, key2(&thread.thread_id, message.number), &message);
    tx.put(Table::Threads, key2(&thread.course_id, thread.number), &thread);
    set_read(tx, &thread, message.number);
    tell(tx, &thread);
    Ok((thread, message))
}

/// Counts what the actor writes: as a student's own, or as the staff's.
fn charge(tx: &mut Tx<'_, '_>, access: &CourseAccess, bytes: usize) -> Result<()> {
    let user_id = tx.actor.user_id().to_owned();
    let student = (!access.is_staff()).then_some(&*user_id);
    usage::charge_text(tx, &access.course, student, bytes)
}

/// Counts a post of a student's; the staff post as often as they like.
fn count_post(tx: &mut Tx<'_, '_>, access: &CourseAccess, post: usage::Post) -> Result<()> {
    if access.is_staff() {
        return Ok(());
    }
    let user_id = tx.actor.user_id().to_owned();
    usage::count_post(tx, &access.course, &user_id, post)
}

fn tell(tx: &mut Tx<'_, '_>, thread: &ThreadRecord) {
    let audience = match thread.visibility() {
        ThreadVisibility::Course => Audience::Course,
        _ => Audience::UserAndStaff(thread.author_user_id.clone()),
    };
    tx.event(EventKind::Thread, &thread.course_id, &thread.thread_id, audience);
}

fn set_read(tx: &mut Tx<'_, '_>, thread: &ThreadRecord, through: u32) {
    let key = key2(tx.actor.user_id(), &thread.thread_id);
    tx.put_raw(Table::ThreadReads, key, through.to_be_bytes().to_vec());
}

fn last_read(view: &View<'_>, thread: &ThreadRecord) -> Result<u32> {
    let mark = view.store.get(Table::ThreadReads, &key2(view.actor.user_id(), &thread.thread_id))?;
    Ok(mark.and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes))
}

fn may_see(view: &View<'_>, access: &CourseAccess, thread: &ThreadRecord) -> bool {
    thread.visibility() == ThreadVisibility::Course
        || access.is_staff()
        || thread.author_user_id == view.actor.user_id()
}

fn visible_thread(view: &View<'_>, access: &CourseAccess, number: u64) -> Result<ThreadRecord> {
    let thread: Option<ThreadRecord> = view.store.record(Table::Threads, &key2(&access.course.course_id, number))?;
    thread.filter(|thread| may_see(view, access, thread)).ok_or_else(|| {
        Refusal::new(Reason::NotFound, format!("no thread {}/{number} that you may read", access.course.slug)).into()
    })
}

/// The person as the caller may know them in this thread: nobody, when it is an anonymous asker and the caller a peer.
fn author(view: &View<'_>, access: &CourseAccess, thread: &ThreadRecord, user_id: &str) -> Result<Option<PersonRef>> {
    let hidden = thread.anonymous && user_id == thread.author_user_id;
    if hidden && !access.is_staff() && user_id != view.actor.user_id() {
        return Ok(None);
    }
    Ok(Some(lookup::person(view.store, user_id)?))
}

fn to_proto(view: &View<'_>, access: &CourseAccess, thread: &ThreadRecord) -> Result<v1::Thread> {
    let assignment_slug = match &*thread.assignment_id {
        "" => String::new(),
        // Deleted or withdrawn since: the thread stays, its name goes.
        id => lookup::assignment(view.store, &thread.course_id, id)?
            .filter(|assignment| access.is_staff() || standing::is_published(assignment))
            .map(|assignment| assignment.slug)
            .unwrap_or_default(),
    };
    Ok(v1::Thread {
        thread_id: thread.thread_id.clone(),
        course_slug: access.course.slug.clone(),
        number: thread.number,
        assignment_slug,
        title: thread.title.clone(),
        visibility: thread.visibility,
        anonymous: thread.anonymous,
        state: thread.state,
        author: author(view, access, thread, &thread.author_user_id)?,
        created_at_ms: thread.created_at_ms,
        updated_at_ms: thread.updated_at_ms,
        message_count: thread.message_count,
        unread_count: thread.message_count.saturating_sub(last_read(view, thread)?),
        asked_of: match thread.asked_of() {
            AskedOf::Unspecified => AskedOf::Instructor.into(),
            asked_of => asked_of.into(),
        },
    })
}

fn message_to_proto(
    view: &View<'_>,
    access: &CourseAccess,
    thread: &ThreadRecord,
    message: ThreadMessageRecord,
    last_read: u32,
) -> Result<v1::ThreadMessage> {
    Ok(v1::ThreadMessage {
        number: message.number,
        author: author(view, access, thread, &message.author_user_id)?,
        from_staff: message.from_staff,
        body: message.body,
        created_at_ms: message.created_at_ms,
        unread: message.number > last_read,
        tutor: message.tutor,
        endorsed_by: match &*message.endorsed_by_user_id {
            "" => None,
            user_id => Some(lookup::person(view.store, user_id)?),
        },
    })
}

#[cfg(test)]
mod tests;
