//! How one student stands with one assignment: what was handed in last, whether it is late or missing, its grade.

use lectern_proto::internal::v1::{AssignmentRecord, CourseRecord, EnrollmentRecord, GradeRecord, SubmissionRecord};
use lectern_proto::v1::{EnrollmentState, EnrollmentType, SubmissionType};

use crate::keys::{key1, key2};
use crate::paging;
use crate::refusal::Result;
use crate::store::{Order, Store, StoreExt};
use crate::tables::Table;

/// Assignments of one course that lists and sums go through.
pub(crate) const MAX_ASSIGNMENTS: usize = 1_000;

/// The published assignments of a course, oldest first.
pub(crate) fn published_assignments(store: &dyn Store, course_id: &str) -> Result<Vec<AssignmentRecord>> {
    let mut published = Vec::new();
    paging::each(store, Table::Assignments, &key1(course_id), MAX_ASSIGNMENTS, |assignment: AssignmentRecord| {
        if !assignment.deleted && is_published(&assignment) {
            published.push(assignment);
        }
        Ok(())
    })?;
    Ok(published)
}

/// Whether students may know of the assignment.
pub(crate) fn is_published(assignment: &AssignmentRecord) -> bool {
    assignment.settings.as_ref().is_some_and(|settings| settings.published)
}

/// The points an assignment gives.
pub(crate) fn points_possible(assignment: &AssignmentRecord) -> i64 {
    assignment.settings.as_ref().map_or(0, |settings| settings.points_possible)
}

/// The title of an assignment.
pub(crate) fn title(assignment: &AssignmentRecord) -> &str {
    assignment.settings.as_ref().map_or("", |settings| &settings.title)
}

/// The latest attempt of a student.
pub(crate) fn latest_attempt(
    store: &dyn Store,
    assignment_id: &str,
    user_id: &str,
) -> Result<Option<SubmissionRecord>> {
    let rows = store.records(Table::Submissions, &key2(assignment_id, user_id), None, Order::Descending, 1)?;
    Ok(rows.into_iter().next().map(|(_, submission)| submission))
}

/// The grade of a student, posted or not.
pub(crate) fn grade(store: &dyn Store, assignment_id: &str, user_id: &str) -> Result<Option<GradeRecord>> {
    Ok(store.record(Table::Grades, &key2(assignment_id, user_id))?)
}

/// Whether the enrolment makes somebody a student whose work is graded: active, or of a completed course.
pub(crate) fn is_graded_student(enrollment: &EnrollmentRecord) -> bool {
    enrollment.r#type() == EnrollmentType::Student
        && matches!(enrollment.state(), EnrollmentState::Active | EnrollmentState::Completed)
}

/// The due date in effect for a student. Every student has the assignment's own.
pub(crate) fn due_at_ms(assignment: &AssignmentRecord) -> Option<i64> {
    assignment.settings.as_ref().and_then(|settings| settings.due_at_ms)
}

/// The lock date in effect for a student.
pub(crate) fn lock_at_ms(assignment: &AssignmentRecord) -> Option<i64> {
    assignment.settings.as_ref().and_then(|settings| settings.lock_at_ms)
}

/// Whether something can be handed in here at all, rather than on paper or never.
pub(crate) fn expects_submission(assignment: &AssignmentRecord) -> bool {
    assignment.settings.as_ref().is_some_and(|settings| {
        settings
            .submission_types()
            .any(|kind| matches!(kind, SubmissionType::Text | SubmissionType::Files | SubmissionType::Directory))
    })
}

/// Missing: past due and its grace, something was to be handed in, and nothing was.
pub(crate) fn is_missing(course: &CourseRecord, assignment: &AssignmentRecord, submitted: bool, now_ms: i64) -> bool {
    let grace_ms = i64::from(course.grace_seconds) * 1000;
    !submitted
        && expects_submission(assignment)
        && due_at_ms(assignment).is_some_and(|due_at_ms| now_ms > due_at_ms.saturating_add(grace_ms))
}
