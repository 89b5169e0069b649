//! Final-grade overrides: a percentage that an instructor sets instead of the computed one.
//!
//! Staff see it at once. The student sees it when the course is completed: until then the final grade is not final.

use lectern_proto::internal::v1::FinalGradeRecord;
use lectern_proto::v1::{self, CourseState, EventKind};

use crate::actor::CourseAccess;
use crate::context::{Audience, Tx};
use crate::gradebook;
use crate::keys::key2;
use crate::refusal::{Reason, Refusal, Result, refuse};
use crate::store::{Store, StoreExt, StoreResult};
use crate::tables::Table;
use crate::{audit, grades, validate};

/// The highest percentage that can be set: 1000 %.
const MAX_PERCENT: i64 = 100_000;

/// Sets the final percentage of a student, or ends that. For instructors, until the course is completed.
pub(crate) fn set_final_grade(
    tx: &mut Tx<'_, '_>,
    request: &v1::SetFinalGradeRequest,
) -> Result<v1::SetFinalGradeResponse> {
    let access = CourseAccess::open(&*tx.store, &tx.actor, &request.course)?;
    access.require_instructor()?;
    access.require_open()?;
    let reason = validate::optional_line("reason", &request.reason)?;
    let student = grades::student_of(&*tx.store, &access, &request.user)?;
    if request.percent.is_some_and(|percent| !(0..=MAX_PERCENT).contains(&percent)) {
        return refuse(Reason::InvalidArgument, "a final grade is from 0 to 1000 %");
    }
    let course_id = &access.course.course_id;
    let before = read(&*tx.store, course_id, &student.user_id)?.unwrap_or_default();
    if before.revision != request.base_revision {
        let (name, revision) = (&student.username, before.revision);
        return Err(Refusal::new(
            Reason::StaleRevision,
            format!("the final grade of {name} was set by somebody else meanwhile; it is at revision {revision} now"),
        )
        .with("revision", revision)
        .into());
    }
    let after = FinalGradeRecord { percent: request.percent, revision: before.revision + 1 };
    tx.put(Table::FinalGrades, key2(course_id, &student.user_id), &after);
    let entry = audit::Entry {
        course_id,
        action: "final-grade.set",
        subject: format!("{} {}", access.course.slug, student.username),
        before: in_words(&before),
        after: in_words(&after),
        reason: &reason,
    };
    audit::write(tx, entry);
    tx.event(EventKind::Grading, course_id, &student.user_id, Audience::Staff);
    let total = gradebook::total_of(&tx.view(), &access, &student.user_id)?;
    Ok(v1::SetFinalGradeResponse { total: Some(total) })
}

/// What was set for a student.
pub(crate) fn read(store: &dyn Store, course_id: &str, user_id: &str) -> StoreResult<Option<FinalGradeRecord>> {
    store.record(Table::FinalGrades, &key2(course_id, user_id))
}

/// What the student may know of it.
pub(crate) fn visible(
    store: &dyn Store,
    access: &CourseAccess,
    user_id: &str,
) -> StoreResult<Option<FinalGradeRecord>> {
    if access.course.state() != CourseState::Completed {
        return Ok(None);
    }
    let record = read(store, &access.course.course_id, user_id)?;
    Ok(record.map(|record| FinalGradeRecord { revision: 0, ..record }))
}

fn in_words(record: &FinalGradeRecord) -> String {
    match record.percent {
        Some(percent) => format!("{} %", lectern_grading::Percent(percent)),
        None => "as computed".into(),
    }
}

#[cfg(test)]
#[path = "final_grades_tests.rs"]
mod tests;
