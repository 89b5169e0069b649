//! Long texts in recorded outcomes: each is stored once.
//!
//! Many answers contain a text that came with the request, a megabyte at the most. A repeated call carries the very same
//! request (its hash says so), so the record under its key leaves such texts out, and the repetition's answer gets them
//! from the request again. The answer to a decision on an extension request contains the student's work; it comes from
//! the tables, where it never changes.

use lectern_proto::internal::v1::{ExtensionRequestRecord, Outcome, SubmissionRecord, command::Body, outcome};
use lectern_proto::v1;
use prost::{DecodeError, Message};

use crate::keys::{key2, key3};
use crate::lookup;
use crate::store::{Store, StoreError, StoreExt, StoreResult};
use crate::tables::Table;

/// The outcome as it is recorded: without what [`restored`] puts back.
pub(crate) fn abridged(body: &Body, outcome: &Outcome) -> StoreResult<Outcome> {
    let Some(outcome::Result::Response(response)) = &outcome.result else { return Ok(outcome.clone()) };
    let clear = |text: &mut String, known: &str| {
        if text == known {
            text.clear();
        }
    };
    let shorter = match body {
        Body::DecideExtensionRequest(_) => edit(response, |reply: &mut v1::DecideExtensionRequestResponse| {
            for text in texts_of_decision(reply) {
                text.clear();
            }
        }),
        _ => match_texts(body, response, clear),
    };
    Ok(with_response(shorter.map_err(damaged)?, outcome))
}

/// The outcome as it was first answered.
pub(crate) fn restored(store: &dyn Store, body: &Body, outcome: Outcome) -> StoreResult<Outcome> {
    let Some(outcome::Result::Response(response)) = &outcome.result else { return Ok(outcome) };
    let fill = |text: &mut String, known: &str| {
        if text.is_empty() {
            known.clone_into(text);
        }
    };
    let whole = match body {
        Body::DecideExtensionRequest(request) => Some(restored_decision(store, request, response)?),
        _ => match_texts(body, response, fill).map_err(damaged)?,
    };
    Ok(with_response(whole, &outcome))
}

fn with_response(response: Option<Vec<u8>>, unchanged: &Outcome) -> Outcome {
    match response {
        Some(response) => Outcome { result: Some(outcome::Result::Response(response)) },
        None => unchanged.clone(),
    }
}

fn damaged(problem: DecodeError) -> StoreError {
    StoreError::Damaged { table: Table::Idempotency, problem: problem.to_string() }
}

/// The response with `each` applied to every text in it that its request carries too, as it came; `None` where there is
/// none.
fn match_texts(
    body: &Body,
    response: &[u8],
    each: impl Fn(&mut String, &str),
) -> std::result::Result<Option<Vec<u8>>, DecodeError> {
    match body {
        Body::Submit(it) => edit(response, |reply: &mut v1::SubmitResponse| {
            if let Some(submission) = &mut reply.submission {
                each(&mut submission.text, &it.text);
                each(&mut submission.comment, &it.comment);
            }
            if let Some(request) = &mut reply.extension_request {
                each(&mut request.text, &it.text);
                each(&mut request.comment, &it.comment);
            }
        }),
        Body::SetGrade(it) => edit(response, |reply: &mut v1::SetGradeResponse| {
            reply.grade.iter_mut().for_each(|grade| each(&mut grade.feedback, &it.feedback));
        }),
        Body::ReplyThread(it) => edit(response, |reply: &mut v1::ReplyThreadResponse| {
            reply.message.iter_mut().for_each(|message| each(&mut message.body, &it.body));
        }),
        Body::CreateAnnouncement(it) => edit(response, |reply: &mut v1::CreateAnnouncementResponse| {
            reply.announcement.iter_mut().for_each(|announcement| each(&mut announcement.body, &it.body));
        }),
        Body::CreateAssignment(it) => edit(response, |reply: &mut v1::CreateAssignmentResponse| {
            each_description(reply.assignment.as_mut(), it.settings.as_ref(), &each);
        }),
        Body::UpdateAssignment(it) => edit(response, |reply: &mut v1::UpdateAssignmentResponse| {
            each_description(reply.assignment.as_mut(), it.settings.as_ref(), &each);
        }),
        Body::CreateCourse(it) => edit(response, |reply: &mut v1::CreateCourseResponse| {
            reply.course.iter_mut().for_each(|course| each(&mut course.syllabus, &it.syllabus));
        }),
        Body::UpdateCourse(v1::UpdateCourseRequest { syllabus: Some(syllabus), .. }) => {
            edit(response, |reply: &mut v1::UpdateCourseResponse| {
                reply.course.iter_mut().for_each(|course| each(&mut course.syllabus, syllabus));
            })
        }
        _ => Ok(None),
    }
}

fn each_description(
    assignment: Option<&mut v1::Assignment>,
    wanted: Option<&v1::AssignmentSettings>,
    each: &impl Fn(&mut String, &str),
) {
    if let (Some(settings), Some(wanted)) = (assignment.and_then(|it| it.settings.as_mut()), wanted) {
        each(&mut settings.description, &wanted.description);
    }
}

fn edit<M: Message + Default>(
    response: &[u8],
    change: impl FnOnce(&mut M),
) -> std::result::Result<Option<Vec<u8>>, DecodeError> {
    let mut message = M::decode(response)?;
    change(&mut message);
    Ok(Some(message.encode_to_vec()))
}

fn texts_of_decision(reply: &mut v1::DecideExtensionRequestResponse) -> Vec<&mut String> {
    let request = reply.request.iter_mut().flat_map(|it| [&mut it.text, &mut it.comment]);
    let submission = reply.submission.iter_mut().flat_map(|it| [&mut it.text, &mut it.comment]);
    request.chain(submission).collect()
}

/// The student's words of the request that was decided, and of the submission that came of it. Nothing where the course is
/// gone: nobody may read it any more.
fn restored_decision(
    store: &dyn Store,
    decided: &v1::DecideExtensionRequestRequest,
    response: &[u8],
) -> StoreResult<Vec<u8>> {
    let mut reply = v1::DecideExtensionRequestResponse::decode(response).map_err(damaged)?;
    if let (Some(request), Some(course)) = (&mut reply.request, lookup::course(store, &decided.course)?) {
        let key = key2(&course.course_id, &request.request_id);
        let record: Option<ExtensionRequestRecord> = store.record(Table::ExtensionRequests, &key)?;
        let record = record.unwrap_or_default();
        (request.text, request.comment) = (record.text, record.comment);
    }
    if let Some(submission) = &mut reply.submission {
        let user_id = submission.submitter.as_ref().map_or("", |person| &person.user_id);
        let key = key3(&submission.assignment_id, user_id, submission.attempt);
        let record: SubmissionRecord = store.record(Table::Submissions, &key)?.unwrap_or_default();
        (submission.text, submission.comment) = (record.text, record.comment);
    }
    Ok(reply.encode_to_vec())
}

#[cfg(test)]
#[path = "recorded_texts_tests.rs"]
mod tests;
