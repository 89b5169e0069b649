//! Reading submissions: one, every attempt of a student, the one that counts of every student.

use std::collections::BTreeSet;

use lectern_proto::internal::v1::{
    AssignmentRecord, EnrollmentRecord, PledgeRecord, SubmissionRecord, Submitter, UploadRecord, submitter,
};
use lectern_proto::v1::{self, WorkflowState};

use crate::actor::CourseAccess;
use crate::context::{PageRequest, View};
use crate::counted::{self, Standing};
use crate::keys::{key1, key2, key3};
use crate::refusal::{Reason, Refusal, Result};
use crate::store::{Order, Store, StoreExt, StoreResult, decode};
use crate::tables::Table;
use crate::{assignments, dates, files, grades, limits, lookup, paging, queue, standing, uploads};

/// A student's latest attempt.
pub fn latest(store: &dyn Store, assignment_id: &str, user_id: &str) -> StoreResult<Option<SubmissionRecord>> {
    let prefix = key2(assignment_id, user_id);
    let rows = store.records(Table::Submissions, &prefix, None, Order::Descending, 1)?;
    Ok(rows.into_iter().next().map(|(_, record)| record))
}

/// How many attempts a student has made.
pub fn used(store: &dyn Store, assignment_id: &str, user_id: &str) -> StoreResult<u32> {
    Ok(latest(store, assignment_id, user_id)?.map_or(0, |latest| latest.attempt))
}

/// A student's pledges whose window has not passed, oldest first.
pub fn open_pledges(view: &View<'_>, assignment_id: &str, user_id: &str) -> StoreResult<Vec<PledgeRecord>> {
    let prefix = key2(assignment_id, user_id);
    let rows: Vec<(_, PledgeRecord)> =
        view.store.records(Table::Pledges, &prefix, None, Order::Ascending, limits::OPEN_UPLOADS)?;
    let mut open = Vec::new();
    for (_, pledge) in rows {
        if dates::after_outages(view.store, pledge.expires_at_ms)? >= view.now_ms {
            open.push(pledge);
        }
    }
    Ok(open)
}

/// Everyone with a pledge at the assignment whose window has not passed.
pub(crate) fn uploading(view: &View<'_>, assignment_id: &str) -> Result<BTreeSet<String>> {
    let mut users = BTreeSet::new();
    let most = limits::STUDENTS_COUNTED;
    paging::each(view.store, Table::Pledges, &key1(assignment_id), most, |pledge: PledgeRecord| {
        if dates::after_outages(view.store, pledge.expires_at_ms)? >= view.now_ms {
            users.insert(user_of(pledge.submitter.as_ref()).to_owned());
        }
        Ok(())
    })?;
    Ok(users)
}

/// The user who hands in; empty for a team.
pub fn user_of(submitter: Option<&Submitter>) -> &str {
    match submitter.and_then(|submitter| submitter.kind.as_ref()) {
        Some(submitter::Kind::UserId(user_id)) => user_id,
        Some(submitter::Kind::TeamId(_)) | None => "",
    }
}

/// One attempt: the caller's, or for staff anyone's.
pub fn get_submission(view: &View<'_>, request: &v1::GetSubmissionRequest) -> Result<v1::GetSubmissionResponse> {
    let access = CourseAccess::open(view.store, view.actor, &request.course)?;
    let assignment = assignments::open(view.store, &access, &request.assignment)?;
    let user_id = whose(view, &access, &request.user)?;
    let Standing { submission, counted, attempts } = counted::of(view.store, &assignment.assignment_id, &user_id)?;
    let found = match request.attempt {
        0 => submission,
        attempt => view.store.record(Table::Submissions, &key3(&assignment.assignment_id, &user_id, attempt))?,
    };
    let submission = found.ok_or_else(|| {
        let slug = &assignment.slug;
        let message = match (attempts, request.attempt) {
            (0, _) => format!("nothing was handed in for `{slug}`"),
            (_, attempt) => format!("no attempt {attempt} at `{slug}`: there are {attempts}"),
        };
        Refusal::new(Reason::NotFound, message)
    })?;
    let submission = Some(to_proto(view, &access, &assignment, submission)?);
    Ok(v1::GetSubmissionResponse { submission, attempts, counted: Some(counted) })
}

/// Every attempt of a student, oldest first, and the uploads under way.
pub fn list_attempts(view: &View<'_>, request: &v1::ListAttemptsRequest) -> Result<v1::ListAttemptsResponse> {
    let access = CourseAccess::open(view.store, view.actor, &request.course)?;
    let assignment = assignments::open(view.store, &access, &request.assignment)?;
    let user_id = whose(view, &access, &request.user)?;
    let page = PageRequest::new(request.page_size, &request.page_token)?;
    let prefix = key2(&assignment.assignment_id, &user_id);
    let (attempts, next_page_token) =
        paging::collect(view.store, Table::Submissions, &prefix, Order::Ascending, &page, |_, bytes| {
            let record = decode(Table::Submissions, bytes)?;
            Ok(Some(to_proto(view, &access, &assignment, record)?))
        })?;
    let pledges = open_pledges(view, &assignment.assignment_id, &user_id)?;
    let pledges = pledges.iter().map(|pledge| pledge_to_proto(view.store, pledge)).collect::<StoreResult<_>>()?;
    let counted = Some(counted::of(view.store, &assignment.assignment_id, &user_id)?.counted);
    Ok(v1::ListAttemptsResponse { attempts, next_page_token, pledges, counted })
}

/// For staff: every student of the course, those who never signed in among them, with their attempt that counts, or only those who wait for a grade, at one
/// assignment or at all of them.
pub fn list_submissions(view: &View<'_>, request: &v1::ListSubmissionsRequest) -> Result<v1::ListSubmissionsResponse> {
    let access = CourseAccess::open(view.store, view.actor, &request.course)?;
    access.require_staff()?;
    let page = PageRequest::new(request.page_size, &request.page_token)?;
    let (submissions, next_page_token) = match (request.needs_grading, &*request.assignment) {
        (true, "") => queue::of_course(view, &access, &page)?,
        (true, name) => queue::of_assignment(view, &access, &assignments::open(view.store, &access, name)?, &page)?,
        (false, name) => {
            let assignment = assignments::open(view.store, &access, name)?;
            let prefix = key1(&access.course.course_id);
            paging::scan(view.store, (Table::Enrollments, &*prefix, Order::Ascending), &page, |enrollment| {
                summary(view, &access, &assignment, &enrollment)
            })?
        }
    };
    Ok(v1::ListSubmissionsResponse { submissions, next_page_token })
}

/// A submission as messages show it, with the grade where the caller may see it.
pub fn to_proto(
    view: &View<'_>,
    access: &CourseAccess,
    assignment: &AssignmentRecord,
    record: SubmissionRecord,
) -> Result<v1::Submission> {
    let user_id = user_of(record.submitter.as_ref());
    Ok(v1::Submission {
        submitter: Some(lookup::person(view.store, user_id)?),
        grade: grades::visible_grade(view, access, assignment, user_id)?,
        files: files::file_refs(view.store, &record.file_ids)?,
        submission_id: record.submission_id,
        assignment_id: record.assignment_id,
        course_slug: access.course.slug.clone(),
        assignment_slug: assignment.slug.clone(),
        attempt: record.attempt,
        submitted_at_ms: record.submitted_at_ms,
        due_at_ms: record.due_at_ms,
        late: record.late,
        late_days: record.late_days,
        text: record.text,
        text_digest: record.text_digest,
        directory: record.directory,
        comment: record.comment,
        index: record.index,
        term: record.term,
        stamped_at_ms: record.stamped_at_ms,
    })
}

/// A pledge with the state of its upload.
pub(crate) fn pledge_to_proto(store: &dyn Store, pledge: &PledgeRecord) -> StoreResult<v1::Pledge> {
    let session: Option<UploadRecord> = store.record(Table::Uploads, &key1(&pledge.upload_id))?;
    Ok(v1::Pledge {
        pledge_id: pledge.pledge_id.clone(),
        pledged_at_ms: pledge.pledged_at_ms,
        expires_at_ms: pledge.expires_at_ms,
        upload: session.map(|session| uploads::to_proto(store, &session)).transpose()?,
        after_lock: pledge.after_lock,
    })
}

/// Whose work is asked for: the caller's own, or for staff that of a member of the course.
fn whose(view: &View<'_>, access: &CourseAccess, user: &str) -> Result<String> {
    let me = view.actor.user()?;
    if user.is_empty() || user == me.user_id || user.to_lowercase() == me.username {
        return Ok(me.user_id.clone());
    }
    access.require_staff()?;
    let found = lookup::user(view.store, user)?.and_then(|record| record.user);
    if let Some(found) = found
        && view.store.contains(Table::Enrollments, &key2(&access.course.course_id, &found.user_id))?
    {
        return Ok(found.user_id);
    }
    Err(Refusal::new(Reason::NotFound, format!("nobody `{user}` in {}", access.course.slug)).into())
}

/// How a member of the course stands with an assignment; `None` for those who are no students of it now.
pub(crate) fn summary(
    view: &View<'_>,
    access: &CourseAccess,
    assignment: &AssignmentRecord,
    enrollment: &EnrollmentRecord,
) -> Result<Option<v1::SubmissionSummary>> {
    if !standing::is_current_student(enrollment) {
        return Ok(None);
    }
    let user_id = &enrollment.user_id;
    let Standing { submission, counted, attempts } = counted::of(view.store, &assignment.assignment_id, user_id)?;
    let grade = grades::visible_grade(view, access, assignment, user_id)?;
    let waits = view.store.contains(Table::NeedsGrading, &key2(&assignment.assignment_id, user_id))?;
    let state = match (&submission, &grade) {
        (_, Some(_)) if !waits => WorkflowState::Graded,
        (Some(_), _) => WorkflowState::Submitted,
        (None, _) => WorkflowState::Unsubmitted,
    };
    let dates = dates::effective(view.store, &access.course, assignment, user_id)?;
    let settings = assignment.settings.clone().unwrap_or_default();
    let uploading = !open_pledges(view, &assignment.assignment_id, user_id)?.is_empty();
    Ok(Some(v1::SubmissionSummary {
        assignment_id: assignment.assignment_id.clone(),
        assignment_slug: assignment.slug.clone(),
        submitter: Some(lookup::person(view.store, user_id)?),
        state: state.into(),
        attempts,
        submitted_at_ms: submission.as_ref().map(|submission| submission.submitted_at_ms),
        late: submission.as_ref().is_some_and(|submission| submission.late),
        missing: attempts == 0 && !uploading && dates.is_missing(&settings, view.now_ms),
        assignment_title: settings.title,
        uploading,
        grade,
        counted: Some(counted),
    }))
}
