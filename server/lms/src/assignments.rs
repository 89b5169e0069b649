//! Assignments: what is asked, until when, for how many points, and what may be handed in.
//!
//! The course's staff write them; students see published ones. Until the unlock date in effect for them they see the title,
//! the points and the dates, and neither the description nor the attachments (docs/decisions/0005). A change of dates or points is audited and rewrites
//! nothing that was handed in: each submission keeps the due date that was in effect. An assignment that anyone handed
//! something in for, or that has a grade, is neither deleted nor unpublished.

use lectern_proto::internal::v1::{AssignmentRecord, CourseRecord, FileUse, GradeRecord};
use lectern_proto::v1::{self, EventKind};

use crate::actor::CourseAccess;
use crate::assignment_settings::{check_settings, dates_in_words};
use crate::context::{Audience, PageRequest, Tx, View};
use crate::keys::{key1, key2};
use crate::refusal::{Reason, Refusal, Result, refuse};
use crate::store::{Order, Store, StoreExt, StoreResult, decode};
use crate::tables::Table;
use crate::{
    attempts, audit, counted, counts, dates, files, groups, levels, limits, lookup, missing, paging, points, schedule,
    standing, uploads, validate,
};

/// Adds an assignment, published or not.
pub(crate) fn create_assignment(
    tx: &mut Tx<'_, '_>,
    request: &v1::CreateAssignmentRequest,
) -> Result<v1::CreateAssignmentResponse> {
    let access = open_for_change(tx, &request.course)?;
    let course_id = &access.course.course_id;
    validate::slug("slug", &request.slug)?;
    let mut settings = check_settings(request.settings.as_ref())?;
    settings.group = groups::named(&*tx.store, course_id, &settings.group)?;
    let slug_key = key2(course_id, &request.slug);
    if tx.store.contains(Table::AssignmentsBySlug, &slug_key)? {
        let (course, slug) = (&access.course.slug, &request.slug);
        return refuse(Reason::DuplicateName, format!("{course} has an assignment `{slug}`; choose another slug"));
    }
    let limit = limits::ASSIGNMENTS_PER_COURSE;
    if tx.store.prefix(Table::Assignments, &key1(course_id), None, Order::Ascending, limit)?.len() >= limit {
        return refuse(Reason::TooMany, format!("{} has {limit} assignments, which is the limit", access.course.slug));
    }
    let number = next_number(tx, course_id)?;
    let assignment_id = tx.ids.next_id();
    let attachment_file_ids = take_attachments(tx, course_id, &request.attachments_upload_id, &assignment_id)?;
    let assignment = AssignmentRecord {
        course_id: course_id.clone(),
        slug: request.slug.clone(),
        settings: Some(settings),
        attachment_file_ids,
        created_at_ms: tx.now_ms(),
        revision: 1,
        deleted: false,
        assignment_id,
        overrides: 0,
        number,
    };
    tx.put_raw(Table::AssignmentsBySlug, slug_key, assignment.assignment_id.clone().into_bytes());
    put(tx, &assignment, is_published(&assignment));
    missing::watch(tx, &assignment, due_of(&assignment))?;
    Ok(v1::CreateAssignmentResponse { assignment: Some(to_proto(&tx.view(), &access, assignment)?) })
}

/// Replaces the settings, and the attachments where an upload is named (an empty one removes them).
pub(crate) fn update_assignment(
    tx: &mut Tx<'_, '_>,
    request: &v1::UpdateAssignmentRequest,
) -> Result<v1::UpdateAssignmentResponse> {
    let access = open_for_change(tx, &request.course)?;
    let before = open(&*tx.store, &access, &request.assignment)?;
    validate::optional_line("reason", &request.reason)?;
    if before.revision != request.revision {
        return Err(Refusal::new(
            Reason::StaleRevision,
            format!("`{}` was changed by somebody else; read it again and repeat your change", before.slug),
        )
        .with("revision", before.revision)
        .into());
    }
    let mut settings = check_settings(request.settings.as_ref())?;
    settings.group = groups::named(&*tx.store, &access.course.course_id, &settings.group)?;
    if is_published(&before) && !settings.published && has_work(&*tx.store, &before)? {
        let slug = &before.slug;
        return refuse(Reason::WrongState, format!("`{slug}` has work of students and cannot be unpublished"));
    }
    if before.settings.as_ref().is_some_and(|old| old.post_manually != settings.post_manually) {
        // Who may post decides how grades are posted.
        access.require_instructor()?;
    }
    if standing::group_id(&before) != settings.group {
        // Nor does an assistant decide what counts how much.
        access.require_instructor()?;
    }
    let mut assignment = before.clone();
    assignment.settings = Some(settings);
    assignment.revision += 1;
    if let Some(upload_id) = &request.attachments_upload_id {
        assignment.attachment_file_ids =
            take_attachments(tx, &access.course.course_id, upload_id, &assignment.assignment_id)?;
        for file_id in &before.attachment_file_ids {
            files::delete_file(tx, file_id)?;
        }
    }
    audit_changes(tx, &access, &before, &assignment, &request.reason);
    put(tx, &assignment, is_published(&before) || is_published(&assignment));
    missing::watch(tx, &assignment, due_of(&assignment))?;
    Ok(v1::UpdateAssignmentResponse { assignment: Some(to_proto(&tx.view(), &access, assignment)?) })
}

/// Deletes an assignment that nobody handed anything in for. Its slug is free again.
pub(crate) fn delete_assignment(
    tx: &mut Tx<'_, '_>,
    request: &v1::DeleteAssignmentRequest,
) -> Result<v1::DeleteAssignmentResponse> {
    let access = open_for_change(tx, &request.course)?;
    let mut assignment = open(&*tx.store, &access, &request.assignment)?;
    validate::optional_line("reason", &request.reason)?;
    if has_work(&*tx.store, &assignment)? {
        let slug = &assignment.slug;
        return refuse(Reason::WrongState, format!("`{slug}` has work or grades of students and cannot be deleted"));
    }
    for file_id in std::mem::take(&mut assignment.attachment_file_ids) {
        files::delete_file(tx, &file_id)?;
    }
    tx.delete(Table::AssignmentsBySlug, key2(&assignment.course_id, &assignment.slug));
    assignment.deleted = true;
    audit::write(
        tx,
        audit::Entry {
            course_id: &access.course.course_id,
            action: "assignment.delete",
            subject: format!("{}/{}", access.course.slug, assignment.slug),
            before: assignment.settings.as_ref().map(|settings| settings.title.clone()).unwrap_or_default(),
            after: String::new(),
            reason: &request.reason,
        },
    );
    put(tx, &assignment, is_published(&assignment));
    Ok(v1::DeleteAssignmentResponse {})
}

/// One assignment, with the caller's own state for students and counts for staff.
pub fn get_assignment(view: &View<'_>, request: &v1::GetAssignmentRequest) -> Result<v1::GetAssignmentResponse> {
    let access = CourseAccess::open(view.store, view.actor, &request.course)?;
    let assignment = open(view.store, &access, &request.assignment)?;
    let assignment = Some(to_proto(view, &access, assignment)?);
    Ok(v1::GetAssignmentResponse { assignment, now_ms: view.now_ms })
}

/// The assignments of a course that the caller may see, oldest first.
pub fn list_assignments(view: &View<'_>, request: &v1::ListAssignmentsRequest) -> Result<v1::ListAssignmentsResponse> {
    let access = CourseAccess::open(view.store, view.actor, &request.course)?;
    let page = PageRequest::new(request.page_size, &request.page_token)?;
    let prefix = key1(&access.course.course_id);
    let (assignments, next_page_token) =
        paging::collect(view.store, Table::Assignments, &prefix, Order::Ascending, &page, |_, bytes| {
            let assignment: AssignmentRecord = decode(Table::Assignments, bytes)?;
            Ok(is_visible(&access, &assignment).then(|| to_proto(view, &access, assignment)).transpose()?)
        })?;
    Ok(v1::ListAssignmentsResponse { assignments, next_page_token, now_ms: view.now_ms })
}

/// The assignment by slug or id, where the person may see it.
pub(crate) fn open(store: &dyn Store, access: &CourseAccess, slug_or_id: &str) -> Result<AssignmentRecord> {
    let found = lookup::assignment(store, &access.course.course_id, slug_or_id)?;
    found.filter(|assignment| is_visible(access, assignment)).ok_or_else(|| {
        let message = format!("no assignment `{slug_or_id}` in {} that you may see", access.course.slug);
        Refusal::new(Reason::NotFound, message).into()
    })
}

/// Whether that person may see it: staff all, students published ones, nobody deleted ones.
pub(crate) fn is_visible(access: &CourseAccess, assignment: &AssignmentRecord) -> bool {
    !assignment.deleted && (access.is_staff() || is_published(assignment))
}

/// Whether that person may read the description and the attachments: staff always, others from the unlock date that is in
/// effect for them.
pub(crate) fn is_open_to(view: &View<'_>, access: &CourseAccess, assignment: &AssignmentRecord) -> StoreResult<bool> {
    if access.is_staff() {
        return Ok(true);
    }
    let dates = dates::effective(view.store, &access.course, assignment, view.actor.user_id())?;
    Ok(is_visible(access, assignment) && dates.is_unlocked(view.now_ms))
}

/// A student's own state of an assignment, at the view's time.
pub fn my_state(
    view: &View<'_>,
    access: &CourseAccess,
    assignment: &AssignmentRecord,
    user_id: &str,
) -> StoreResult<v1::MySubmissionState> {
    let dates = dates::effective(view.store, &access.course, assignment, user_id)?;
    let counted::Standing { submission, attempts, .. } = counted::of(view.store, &assignment.assignment_id, user_id)?;
    let key = key2(&assignment.assignment_id, user_id);
    let grade: Option<GradeRecord> = view.store.record(Table::Grades, &key)?;
    let settings = assignment.settings.clone().unwrap_or_default();
    let uploading = !attempts::open_pledges(view, &assignment.assignment_id, user_id)?.is_empty();
    Ok(v1::MySubmissionState {
        attempts_used: attempts,
        submitted_at_ms: submission.as_ref().map(|submission| submission.submitted_at_ms),
        late: submission.as_ref().is_some_and(|submission| submission.late),
        missing: attempts == 0 && !uploading && dates.is_missing(&settings, view.now_ms),
        unlock_at_ms: dates.unlock_at_ms,
        due_at_ms: dates.due_at_ms,
        lock_at_ms: dates.lock_at_ms,
        score: grade.filter(|grade| grade.posted).map(|grade| grade.entered_score - grade.points_deducted),
        has_draft: view.store.contains(Table::Drafts, &key)?,
        uploading,
        excused: dates.excused,
        allowed_attempts: dates.allowed_attempts(&settings),
    })
}

fn is_published(assignment: &AssignmentRecord) -> bool {
    assignment.settings.as_ref().is_some_and(|settings| settings.published)
}

fn due_of(assignment: &AssignmentRecord) -> Option<i64> {
    assignment.settings.as_ref().and_then(|settings| settings.due_at_ms)
}

/// The number of the next assignment of a course; none where numbers are not kept yet.
fn next_number(tx: &mut Tx<'_, '_>, course_id: &str) -> StoreResult<u32> {
    if !levels::has_grading(&*tx.store)? {
        return Ok(0);
    }
    let mut course: CourseRecord = tx.store.record(Table::Courses, &key1(course_id))?.unwrap_or_default();
    course.last_assignment_number += 1;
    tx.put(Table::Courses, key1(course_id), &course);
    Ok(course.last_assignment_number)
}

fn open_for_change(tx: &Tx<'_, '_>, course: &str) -> Result<CourseAccess> {
    let access = CourseAccess::open(&*tx.store, &tx.actor, course)?;
    access.require_staff()?;
    access.require_open()?;
    Ok(access)
}

/// Submissions, uploads under way, extension requests (both may still become one) or grades.
fn has_work(store: &dyn Store, assignment: &AssignmentRecord) -> StoreResult<bool> {
    let prefix = key1(&assignment.assignment_id);
    for table in [Table::Submissions, Table::Pledges, Table::Grades] {
        if !store.prefix(table, &prefix, None, Order::Ascending, 1)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(counts::of(store, &assignment.assignment_id)?.extension_requests > 0)
}

fn put(tx: &mut Tx<'_, '_>, assignment: &AssignmentRecord, students_know: bool) {
    tx.put(Table::Assignments, key2(&assignment.course_id, &assignment.assignment_id), assignment);
    if let Some(settings) = assignment.settings.as_ref().filter(|settings| settings.published && !assignment.deleted) {
        schedule::release(tx, settings.unlock_at_ms, &assignment.course_id, &assignment.assignment_id);
    }
    let audience = if students_know { Audience::Course } else { Audience::Staff };
    tx.event(EventKind::Assignment, &assignment.course_id, &assignment.assignment_id, audience);
}

fn take_attachments(tx: &mut Tx<'_, '_>, course_id: &str, upload_id: &str, assignment_id: &str) -> Result<Vec<String>> {
    if upload_id.is_empty() {
        return Ok(Vec::new());
    }
    let session = uploads::course_session(tx, course_id, upload_id)?;
    let files = files::finish_upload(tx, &session, FileUse::Attachment, assignment_id)?;
    Ok(files.into_iter().map(|file| file.file_id).collect())
}

fn audit_changes(
    tx: &mut Tx<'_, '_>,
    access: &CourseAccess,
    before: &AssignmentRecord,
    after: &AssignmentRecord,
    reason: &str,
) {
    let subject = format!("{}/{}", access.course.slug, after.slug);
    let old = before.settings.clone().unwrap_or_default();
    let new = after.settings.clone().unwrap_or_default();
    for (action, before, after) in [
        ("assignment.dates", dates_in_words(&old), dates_in_words(&new)),
        ("assignment.points", points::format(old.points_possible), points::format(new.points_possible)),
        ("assignment.posting", posting_in_words(&old), posting_in_words(&new)),
        ("assignment.group", old.group.clone(), new.group.clone()),
    ] {
        if before != after {
            let (course_id, subject) = (&*access.course.course_id, subject.clone());
            audit::write(tx, audit::Entry { course_id, action, subject, before, after, reason });
        }
    }
}

fn posting_in_words(settings: &v1::AssignmentSettings) -> String {
    if settings.post_manually { "grades are posted by hand".into() } else { "grades are posted at once".into() }
}

fn to_proto(view: &View<'_>, access: &CourseAccess, assignment: AssignmentRecord) -> StoreResult<v1::Assignment> {
    let mine = if access.is_student() && !access.is_staff() {
        Some(my_state(view, access, &assignment, view.actor.user_id())?)
    } else {
        None
    };
    let counts = if access.is_staff() {
        let counts = counts::of(view.store, &assignment.assignment_id)?;
        Some(v1::AssignmentCounts {
            students: access.course.student_count,
            submitted: counts.submitted,
            graded: counts.graded,
            posted: counts.posted,
            needs_grading: counts.needs_grading,
        })
    } else {
        None
    };
    let content_hidden = !is_open_to(view, access, &assignment)?;
    let (mut settings, mut attachments) = (assignment.settings, assignment.attachment_file_ids);
    if content_hidden {
        attachments.clear();
        if let Some(settings) = &mut settings {
            settings.description.clear();
        }
    }
    Ok(v1::Assignment {
        attachments: files::file_refs(view.store, &attachments)?,
        assignment_id: assignment.assignment_id,
        course_id: assignment.course_id,
        course_slug: access.course.slug.clone(),
        slug: assignment.slug,
        settings,
        created_at_ms: assignment.created_at_ms,
        mine,
        counts,
        revision: assignment.revision,
        content_hidden,
    })
}

#[cfg(test)]
#[path = "assignments_tests.rs"]
mod tests;
