//! Extension requests: work offered after the lock date, kept until an instructor accepts or declines it.

use lectern_proto::internal::v1::{AssignmentRecord, ExtensionRequestRecord, FileUse, SubmissionRecord};
use lectern_proto::v1::{self, EventKind, ExtensionState};

use crate::actor::CourseAccess;
use crate::context::{Audience, PageRequest, Tx, View};
use crate::keys::{ID_BYTES, key1, key2, key3};
use crate::refusal::{Reason, Refusal, Result, refuse};
use crate::store::{Order, Store, StoreExt, StoreResult, decode};
use crate::submissions::{self, Work};
use crate::tables::Table;
use crate::{assignments, attempts, audit, counted, counts, dates, files, limits, lookup, paging, usage, validate};

/// Keeps work that was offered after the lock date.
pub(crate) fn keep(tx: &mut Tx<'_, '_>, assignment: &AssignmentRecord, work: Work) -> Result<ExtensionRequestRecord> {
    let user_id = tx.actor.user_id().to_owned();
    require_room(&*tx.store, assignment, &user_id)?;
    let request_id = tx.ids.next_id();
    let file_ids = submissions::finish(tx, &work, FileUse::ExtensionRequest, &request_id)?;
    let record = ExtensionRequestRecord {
        request_id,
        course_id: assignment.course_id.clone(),
        assignment_id: assignment.assignment_id.clone(),
        submitter: Some(submissions::by_user(&user_id)),
        offered_at_ms: work.at_ms,
        state: ExtensionState::Pending.into(),
        text: work.text,
        file_ids,
        directory: work.directory,
        comment: work.comment,
        idempotency_key: tx.idempotency_key.clone(),
        ..ExtensionRequestRecord::default()
    };
    let (course_id, id) = (&record.course_id, &record.request_id);
    tx.put(Table::ExtensionRequests, key2(course_id, id), &record);
    let by_user = key3(course_id, &user_id, id);
    tx.put_raw(Table::ExtensionRequestsByUser, by_user, record.assignment_id.clone().into_bytes());
    tx.put_raw(Table::PendingExtensionRequests, key2(course_id, id), Vec::new());
    counts::extension_request(tx, &record.assignment_id)?;
    tx.event(EventKind::ExtensionRequest, course_id, id, Audience::UserAndStaff(user_id));
    Ok(record)
}

/// Accepts a request, which makes a submission of it at the time it was offered, or declines it. For instructors.
pub(crate) fn decide_extension_request(
    tx: &mut Tx<'_, '_>,
    request: &v1::DecideExtensionRequestRequest,
) -> Result<v1::DecideExtensionRequestResponse> {
    let access = CourseAccess::open(tx.store, &tx.actor, &request.course)?;
    access.require_instructor()?;
    access.require_open()?;
    let reason = validate::optional_line("reason", &request.reason)?;
    let course_id = &access.course.course_id;
    let key = key2(course_id, &request.request_id);
    let found: Option<ExtensionRequestRecord> = tx.store.record(Table::ExtensionRequests, &key)?;
    let Some(mut record) = found else {
        let (id, course) = (&request.request_id, &access.course.slug);
        return refuse(Reason::NotFound, format!("no extension request `{id}` in {course}"));
    };
    if record.state() != ExtensionState::Pending {
        let state = in_words(record.state());
        return refuse(Reason::WrongState, format!("this request was {state} already; a decision is final"));
    }
    let assignment = assignments::open(&*tx.store, &access, &record.assignment_id)?;
    record.set_state(if request.accept { ExtensionState::Accepted } else { ExtensionState::Declined });
    record.decided_by_user_id = tx.actor.user_id().into();
    record.decided_at_ms = Some(tx.now_ms());
    record.reason.clone_from(&reason);
    tx.put(Table::ExtensionRequests, key.clone(), &record);
    tx.delete(Table::PendingExtensionRequests, key);
    let submission = if request.accept { Some(accept(tx, &access, &assignment, &record)?) } else { None };
    write_audit(tx, &access, &assignment, &record)?;
    let audience = Audience::UserAndStaff(attempts::user_of(record.submitter.as_ref()).into());
    tx.event(EventKind::ExtensionRequest, course_id, &record.request_id, audience);
    let view = tx.view();
    let submission = submission.map(|it| attempts::to_proto(&view, &access, &assignment, it)).transpose()?;
    Ok(v1::DecideExtensionRequestResponse { request: Some(to_proto(&view, &access, record)?), submission })
}

/// Requests of a course, oldest first: all of them for staff, their own for students.
pub fn list_extension_requests(
    view: &View<'_>,
    request: &v1::ListExtensionRequestsRequest,
) -> Result<v1::ListExtensionRequestsResponse> {
    let access = CourseAccess::open(view.store, view.actor, &request.course)?;
    let page = PageRequest::new(request.page_size, &request.page_token)?;
    let assignment_id = match &*request.assignment {
        "" => String::new(),
        assignment => assignments::open(view.store, &access, assignment)?.assignment_id,
    };
    let course_id = &access.course.course_id;
    let (table, prefix) = match (access.is_staff(), request.pending_only) {
        (true, true) => (Table::PendingExtensionRequests, key1(course_id)),
        (true, false) => (Table::ExtensionRequests, key1(course_id)),
        (false, _) => (Table::ExtensionRequestsByUser, key2(course_id, view.actor.user_id())),
    };
    let (requests, next_page_token) =
        paging::collect(view.store, table, &prefix, Order::Ascending, &page, |key, bytes| {
            let id = &key[key.len().saturating_sub(ID_BYTES)..];
            let record: Option<ExtensionRequestRecord> = match table {
                Table::ExtensionRequests => Some(decode(table, bytes)?),
                _ => view.store.record(Table::ExtensionRequests, &key2(course_id, id))?,
            };
            let wanted = record.filter(|record| {
                (assignment_id.is_empty() || record.assignment_id == assignment_id)
                    && (!request.pending_only || record.state() == ExtensionState::Pending)
            });
            Ok(wanted.map(|record| to_proto(view, &access, record)).transpose()?)
        })?;
    Ok(v1::ListExtensionRequestsResponse { requests, next_page_token })
}

/// How many requests of a course wait for a decision; counts no further than `limit`.
pub fn pending_count(store: &dyn Store, course_id: &str, limit: usize) -> StoreResult<usize> {
    Ok(store.prefix(Table::PendingExtensionRequests, &key1(course_id), None, Order::Ascending, limit)?.len())
}

/// A request as messages show it.
pub(crate) fn to_proto(
    view: &View<'_>,
    access: &CourseAccess,
    record: ExtensionRequestRecord,
) -> StoreResult<v1::ExtensionRequest> {
    let assignment = lookup::assignment(view.store, &record.course_id, &record.assignment_id)?;
    let decided_by = match &*record.decided_by_user_id {
        "" => None,
        user_id => Some(lookup::person(view.store, user_id)?),
    };
    Ok(v1::ExtensionRequest {
        requester: Some(lookup::person(view.store, attempts::user_of(record.submitter.as_ref()))?),
        files: files::file_refs(view.store, &record.file_ids)?,
        course_slug: access.course.slug.clone(),
        assignment_slug: assignment.unwrap_or_default().slug,
        request_id: record.request_id,
        assignment_id: record.assignment_id,
        directory: record.directory,
        offered_at_ms: record.offered_at_ms,
        state: record.state,
        text: record.text,
        comment: record.comment,
        decided_by,
        decided_at_ms: record.decided_at_ms,
        reason: record.reason,
    })
}

fn require_room(store: &dyn Store, assignment: &AssignmentRecord, user_id: &str) -> Result<()> {
    let prefix = key2(&assignment.course_id, user_id);
    let most = limits::EXTENSION_REQUESTS * limits::ASSIGNMENTS_PER_COURSE;
    let own = store.prefix(Table::ExtensionRequestsByUser, &prefix, None, Order::Ascending, most)?;
    let for_this = own.iter().filter(|(_, id)| **id == *assignment.assignment_id.as_bytes()).count();
    if for_this < limits::EXTENSION_REQUESTS {
        return Ok(());
    }
    Err(Refusal::new(
        Reason::TooMany,
        format!("you have offered {for_this} extension requests for `{}`; wait for the decision", assignment.slug),
    )
    .into())
}

fn accept(
    tx: &mut Tx<'_, '_>,
    access: &CourseAccess,
    assignment: &AssignmentRecord,
    record: &ExtensionRequestRecord,
) -> Result<SubmissionRecord> {
    let user_id = attempts::user_of(record.submitter.as_ref());
    let dates = dates::effective(&*tx.store, &access.course, assignment, user_id)?;
    files::reassign(tx, &record.file_ids, FileUse::Submission, &assignment.assignment_id)?;
    // The request keeps its words beside the submission's.
    let text_bytes = record.text.len() + record.comment.len();
    usage::add_text(tx, &record.course_id, Some(user_id), text_bytes)?;
    let submission = SubmissionRecord {
        submission_id: tx.ids.next_id(),
        course_id: record.course_id.clone(),
        assignment_id: record.assignment_id.clone(),
        submitter: record.submitter.clone(),
        submitted_at_ms: record.offered_at_ms,
        stamped_at_ms: tx.now_ms(),
        due_at_ms: dates.due_at_ms,
        late: dates.is_late(record.offered_at_ms),
        text: record.text.clone(),
        text_digest: submissions::text_digest(&record.text),
        file_ids: record.file_ids.clone(),
        directory: record.directory,
        comment: record.comment.clone(),
        idempotency_key: record.idempotency_key.clone(),
        ..SubmissionRecord::default()
    };
    let user_id = attempts::user_of(record.submitter.as_ref());
    let standing = counted::of(&*tx.store, &record.assignment_id, user_id)?;
    Ok(submissions::add_attempt(tx, assignment, &standing, submission)?.0)
}

fn write_audit(
    tx: &mut Tx<'_, '_>,
    access: &CourseAccess,
    assignment: &AssignmentRecord,
    record: &ExtensionRequestRecord,
) -> StoreResult<()> {
    let who = lookup::person(&*tx.store, attempts::user_of(record.submitter.as_ref()))?;
    let entry = audit::Entry {
        course_id: &record.course_id,
        action: "extension.decide",
        subject: format!("{}/{} {}", access.course.slug, assignment.slug, who.username),
        before: in_words(ExtensionState::Pending).into(),
        after: in_words(record.state()).into(),
        reason: &record.reason,
    };
    audit::write(tx, entry);
    Ok(())
}

fn in_words(state: ExtensionState) -> &'static str {
    match state {
        ExtensionState::Pending => "pending",
        ExtensionState::Accepted => "accepted",
        ExtensionState::Declined => "declined",
        ExtensionState::Unspecified => "unknown",
    }
}

#[cfg(test)]
#[path = "extensions_tests.rs"]
mod tests;
