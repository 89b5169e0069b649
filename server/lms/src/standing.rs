//! How students stand with the assignments of a course: what lists and sums over all of them share.

use lectern_proto::internal::v1::{AssignmentRecord, CourseRecord, EnrollmentRecord, GradeRecord};
use lectern_proto::v1::{EnrollmentState, EnrollmentType};

use crate::context::View;
use crate::keys::{key1, key2};
use crate::refusal::Result;
use crate::store::{Store, StoreExt};
use crate::tables::Table;
use crate::{attempts, dates, enrollments, paging, rows};

/// Assignments of one course that lists and sums go through.
pub(crate) const MAX_ASSIGNMENTS: usize = 1_000;

/// The published assignments of a course, oldest first, without their descriptions: whoever goes through all of them
/// shows none, and copies them freely.
pub(crate) fn published_assignments(store: &dyn Store, course_id: &str) -> Result<Vec<AssignmentRecord>> {
    let (mut published, mut place) = (Vec::new(), 0);
    paging::each(store, Table::Assignments, &key1(course_id), MAX_ASSIGNMENTS, |mut assignment: AssignmentRecord| {
        place += 1;
        rows::number(&mut assignment, place);
        if !assignment.deleted && is_published(&assignment) {
            assignment.settings.as_mut().expect("a published one has settings").description.clear();
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

/// The id of the group it counts in; empty for none.
pub(crate) fn group_id(assignment: &AssignmentRecord) -> &str {
    assignment.settings.as_ref().map_or("", |settings| &settings.group)
}

/// The title of an assignment.
pub(crate) fn title(assignment: &AssignmentRecord) -> &str {
    assignment.settings.as_ref().map_or("", |settings| &settings.title)
}

/// The grade of a student, posted or not.
pub(crate) fn grade(store: &dyn Store, assignment_id: &str, user_id: &str) -> Result<Option<GradeRecord>> {
    Ok(store.record(Table::Grades, &key2(assignment_id, user_id))?)
}

/// Whether the enrolment makes somebody a student of the course now: one of those that the course counts. Whoever never
/// signed in is one, too: they hand in on paper.
pub(crate) fn is_current_student(enrollment: &EnrollmentRecord) -> bool {
    enrollment.r#type() == EnrollmentType::Student && enrollments::is_current(enrollment.state())
}

/// Whether the enrolment makes somebody a student whose work is graded: a current one, or one who has completed the course.
pub(crate) fn is_graded_student(enrollment: &EnrollmentRecord) -> bool {
    let completed = enrollment.r#type() == EnrollmentType::Student && enrollment.state() == EnrollmentState::Completed;
    completed || is_current_student(enrollment)
}

/// Whether a student who handed nothing in misses the assignment: past due in the dates in effect for them, and nothing
/// is being uploaded that was pledged.
pub(crate) fn is_missing(
    view: &View<'_>,
    course: &CourseRecord,
    assignment: &AssignmentRecord,
    user_id: &str,
) -> Result<bool> {
    let Some(settings) = &assignment.settings else { return Ok(false) };
    let dates = dates::effective(view.store, course, assignment, user_id)?;
    Ok(dates.is_missing(settings, view.now_ms)
        && attempts::open_pledges(view, &assignment.assignment_id, user_id)?.is_empty())
}
