//! Threads that were asked of the tutor.
//!
//! The tutor is a service outside the cluster. It reads with the token of whoever asks, so it sees what they may see; its own
//! account can write one thing: the answer to the last message of a thread that was asked of it. Apply decides that again:
//!
//! * A message is answered once, and not at all when somebody has written since: who comes second is refused.
//! * A member of the staff who writes takes the thread over; from then on it is the staff's, and the tutor's word is not
//!   taken any more.
//! * Its asker hands it over with [`ask_instructor`]: it is open, and waits for the staff.

use lectern_proto::internal::v1::{CourseRecord, ThreadMessageRecord, ThreadRecord};
use lectern_proto::v1::{self, AskedOf, CourseState, ThreadState, ThreadVisibility, TutorAnswer, TutorEnd};

use super::{MAX_MESSAGES, check_message, last_read, message_to_proto, tell, to_proto, visible_thread};
use crate::actor::CourseAccess;
use crate::context::Tx;
use crate::keys::key2;
use crate::refusal::{Reason, Refusal, Result, refuse};
use crate::store::StoreExt;
use crate::tables::Table;
use crate::{limits, lookup, usage};

/// Passages that one answer may cite.
const MAX_CITATIONS: usize = 16;
/// Pages that one passage may stand on.
const MAX_PAGES: usize = 32;

/// Whether this may be asked of the tutor.
pub(super) fn check_question(access: &CourseAccess, request: &v1::CreateThreadRequest) -> Result<()> {
    if !access.is_student() {
        return refuse(Reason::WrongRole, "students ask the tutor; its answers are shown to you in their threads");
    }
    if request.visibility() == ThreadVisibility::Course {
        return refuse(
            Reason::InvalidArgument,
            "what is asked of the tutor is private; ask the instructor where the course should see it",
        );
    }
    Ok(())
}

/// A member of the staff has written: the thread is theirs.
pub(super) fn take_over(thread: &mut ThreadRecord) {
    if thread.asked_of() == AskedOf::Tutor {
        thread.set_asked_of(AskedOf::Instructor);
    }
}

/// Hands a thread over to the staff.
pub(crate) fn ask_instructor(
    tx: &mut Tx<'_, '_>,
    request: &v1::AskInstructorRequest,
) -> Result<v1::AskInstructorResponse> {
    let access = CourseAccess::open(tx.store, &tx.actor, &request.course)?;
    access.require_open()?;
    let mut thread = visible_thread(&tx.view(), &access, request.number)?;
    if !access.is_staff() && thread.author_user_id != tx.actor.user_id() {
        return refuse(Reason::WrongRole, "only whoever asked, and the staff, may hand a thread over");
    }
    if thread.asked_of() != AskedOf::Tutor {
        return refuse(Reason::WrongState, "this thread was put to the course's staff already");
    }
    thread.set_asked_of(AskedOf::Instructor);
    thread.set_state(ThreadState::Open);
    put(tx, &mut thread);
    Ok(v1::AskInstructorResponse { thread: Some(to_proto(&tx.view(), &access, &thread)?) })
}

/// Vouches for an answer, or takes that back.
pub(crate) fn endorse_answer(
    tx: &mut Tx<'_, '_>,
    request: &v1::EndorseAnswerRequest,
) -> Result<v1::EndorseAnswerResponse> {
    let access = CourseAccess::open(tx.store, &tx.actor, &request.course)?;
    access.require_staff()?;
    access.require_open()?;
    let mut thread = visible_thread(&tx.view(), &access, request.number)?;
    let key = key2(&thread.thread_id, request.message);
    let message: Option<ThreadMessageRecord> = tx.store.record(Table::ThreadMessages, &key)?;
    let Some(mut message) = message.filter(|message| message.tutor.is_some()) else {
        let (course, number) = (&access.course.slug, request.message);
        return refuse(
            Reason::NotFound,
            format!("message {number} of {course}/{} is no answer of the tutor", thread.number),
        );
    };
    message.endorsed_by_user_id = if request.withdraw { String::new() } else { tx.actor.user_id().into() };
    tx.put(Table::ThreadMessages, key, &message);
    put(tx, &mut thread);
    let view = tx.view();
    let read = last_read(&view, &thread)?;
    Ok(v1::EndorseAnswerResponse { message: Some(message_to_proto(&view, &access, &thread, message, read)?) })
}

/// Writes the tutor's answer to the last message of a thread down. It tells its caller nothing of the thread.
pub(crate) fn answer_as_tutor(
    tx: &mut Tx<'_, '_>,
    request: &v1::AnswerAsTutorRequest,
) -> Result<v1::AnswerAsTutorResponse> {
    tx.actor.require_tutor()?;
    let (course, mut thread) = asked_thread(tx, request)?;
    check_message(&request.body)?;
    let answer = checked(request.answer.clone())?;
    if thread.message_count >= MAX_MESSAGES {
        return refuse(Reason::TooMany, format!("this thread has {MAX_MESSAGES} messages, which is the most"));
    }
    let last: Option<ThreadMessageRecord> =
        tx.store.record(Table::ThreadMessages, &key2(&thread.thread_id, thread.message_count))?;
    let asked_by_author = last.is_some_and(|last| last.author_user_id == thread.author_user_id);
    if thread.message_count != request.answers || !asked_by_author {
        return refuse(Reason::WrongState, "this question was answered meanwhile, or goes on");
    }
    usage::charge_text(tx, &course, None, request.body.len())?;
    thread.message_count += 1;
    // Where nothing was found the question is still open, and its asker decides whether the staff hear of it.
    if answer.end() != TutorEnd::NothingFound {
        thread.set_state(ThreadState::Answered);
    }
    let message = ThreadMessageRecord {
        number: thread.message_count,
        author_user_id: tx.actor.user_id().into(),
        body: request.body.clone(),
        created_at_ms: tx.now_ms(),
        tutor: Some(answer),
        ..ThreadMessageRecord::default()
    };
    tx.put(Table::ThreadMessages, key2(&thread.thread_id, message.number), &message);
    put(tx, &mut thread);
    Ok(v1::AnswerAsTutorResponse { message: message.number })
}

/// The thread that the tutor is to answer.
fn asked_thread(tx: &Tx<'_, '_>, request: &v1::AnswerAsTutorRequest) -> Result<(CourseRecord, ThreadRecord)> {
    let not_found = || {
        let message = format!("no thread {}/{} that was asked of the tutor", request.course, request.number);
        Refusal::new(Reason::NotFound, message)
    };
    let course = lookup::course(&*tx.store, &request.course)?.ok_or_else(not_found)?;
    if course.state() != CourseState::Available {
        return Err(not_found().into());
    }
    let thread: Option<ThreadRecord> = tx.store.record(Table::Threads, &key2(&course.course_id, request.number))?;
    let thread = thread.filter(|thread| thread.asked_of() == AskedOf::Tutor).ok_or_else(not_found)?;
    Ok((course, thread))
}

/// What an answer says of itself, within bounds.
fn checked(answer: Option<TutorAnswer>) -> Result<TutorAnswer> {
    let answer = answer.unwrap_or_default();
    if answer.end() == TutorEnd::Unspecified {
        return refuse(Reason::InvalidArgument, "answer.end says nothing; how did the answer end?");
    }
    let lines = [&answer.model, &answer.level, &answer.template_digest];
    let of_citations =
        answer.citations.iter().flat_map(|it| [&it.material_id, &it.material_slug, &it.material_title, &it.hash]);
    let too_long = lines.into_iter().chain(of_citations).any(|line| line.len() > limits::NAME_BYTES);
    let too_many =
        answer.citations.len() > MAX_CITATIONS || answer.citations.iter().any(|it| it.pages.len() > MAX_PAGES);
    if too_long || too_many {
        return refuse(Reason::TooLong, "the answer cites too much, or with names that are too long");
    }
    Ok(answer)
}

fn put(tx: &mut Tx<'_, '_>, thread: &mut ThreadRecord) {
    thread.updated_at_ms = tx.now_ms();
    tx.put(Table::Threads, key2(&thread.course_id, thread.number), thread);
    tell(tx, thread);
}

#[cfg(test)]
#[path = "tutor_tests.rs"]
mod tests;
