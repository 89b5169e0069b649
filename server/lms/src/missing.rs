//! The missing policy: work that was not handed in by its due date gets a score by itself.
//!
//! An entry of the schedule comes due when an assignment can first be missing. It looks at the students of the course one
//! bounded batch after the other, and gives the score to those who miss the work by the dates in effect for them, have no
//! grade and are not excused. For those whose date is still to come (an override, an outage, another grace) it puts itself into
//! the schedule again. Whoever joins the course after the due date is left alone.

use lectern_grading::late;
use lectern_proto::internal::v1::{
    AssignmentRecord, CourseRecord, EnrollmentRecord, GradeRecord, ScheduleRecord, ScheduledMissing,
    schedule_record::What,
};
use lectern_proto::v1::{AssignmentSettings, CourseState, EventKind};

use crate::context::{Audience, Tx};
use crate::keys::{key1, key2};
use crate::refusal::Result;
use crate::rows::Row;
use crate::standing::{self, points_possible};
use crate::store::{Order, StoreExt, StoreResult};
use crate::tables::Table;
use crate::{attempts, audit, counts, dates, grading_policy, points, schedule, validate};

/// Students looked at for one entry.
const BATCH: usize = 250;

/// Has the work of an assignment looked at once it is late by this due date, where the course has a missing policy.
pub(crate) fn watch(tx: &mut Tx<'_, '_>, assignment: &AssignmentRecord, due_at_ms: Option<i64>) -> StoreResult<()> {
    let policy = grading_policy::read(&*tx.store, &assignment.course_id)?.policy.unwrap_or_default();
    if let (Some(due), Some(_)) = (due_at_ms, policy.missing_percent) {
        let course: Option<CourseRecord> = tx.store.record(Table::Courses, &key1(&assignment.course_id))?;
        let grace_ms = i64::from(course.unwrap_or_default().grace_seconds) * 1000;
        put(tx, assignment, due.saturating_add(grace_ms + 1), String::new());
    }
    Ok(())
}

/// Has every published assignment of a course looked at: the policy is a new one.
pub(crate) fn watch_all(tx: &mut Tx<'_, '_>, course_id: &str) -> Result<()> {
    for assignment in standing::published_assignments(&*tx.store, course_id)? {
        let due = assignment.settings.as_ref().and_then(|settings| settings.due_at_ms);
        watch(tx, &assignment, due)?;
    }
    Ok(())
}

fn put(tx: &mut Tx<'_, '_>, assignment: &AssignmentRecord, at_ms: i64, after_user_id: String) {
    let entry = ScheduledMissing {
        course_id: assignment.course_id.clone(),
        assignment_id: assignment.assignment_id.clone(),
        after_user_id,
    };
    // An assignment that opens at that time has an entry under its id alone; and where to go on is a part of it, so that
    // two walks through a large course never end one another.
    let id = [b"missing ", assignment.assignment_id.as_bytes(), entry.after_user_id.as_bytes()].concat();
    schedule::at(tx, at_ms.max(tx.now_ms()), &id, ScheduleRecord { what: Some(What::Missing(entry)) });
}

/// Looks at one batch of students; returns how many there were.
pub(crate) fn run(tx: &mut Tx<'_, '_>, entry: &ScheduledMissing) -> Result<usize> {
    let key = key2(&entry.course_id, &entry.assignment_id);
    let assignment: Option<AssignmentRecord> = tx.store.record(Table::Assignments, &key)?;
    let course: Option<CourseRecord> = tx.store.record(Table::Courses, &key1(&entry.course_id))?;
    let policy = grading_policy::read(&*tx.store, &entry.course_id)?.policy.unwrap_or_default();
    let (Some(assignment), Some(course), Some(percent)) = (assignment, course, policy.missing_percent) else {
        return Ok(0);
    };
    let open = matches!(course.state(), CourseState::Available | CourseState::Unpublished);
    if !open || assignment.deleted || !standing::is_published(&assignment) {
        return Ok(0);
    }
    let after = (!entry.after_user_id.is_empty()).then(|| key2(&entry.course_id, &entry.after_user_id));
    let rows: Vec<(Vec<u8>, EnrollmentRecord)> =
        tx.store.records(Table::Enrollments, &key1(&entry.course_id), after.as_deref(), Order::Ascending, BATCH)?;
    let settings = assignment.settings.clone().unwrap_or_default();
    let score = late::score_of(percent, points_possible(&assignment));
    let (mut later, mut given): (Option<i64>, Vec<String>) = (None, Vec::new());
    for (_, enrollment) in rows.iter().filter(|(_, enrollment)| standing::is_current_student(enrollment)) {
        let user_id = &enrollment.user_id;
        match standing_of(tx, &course, &assignment, &settings, user_id)? {
            Standing::Settled => {}
            Standing::Until(time_ms) => later = Some(later.map_or(time_ms, |other| other.min(time_ms))),
            Standing::Missing => {
                give(tx, &assignment, user_id, score)?;
                given.push(user_id.clone());
            }
        }
    }
    if !given.is_empty() {
        tell(tx, &course, &assignment, score, &given)?;
    }
    if let Some(time_ms) = later {
        put(tx, &assignment, time_ms.max(tx.now_ms() + 1), String::new());
    }
    if rows.len() == BATCH
        && let Some((_, last)) = rows.last()
    {
        put(tx, &assignment, tx.now_ms(), last.user_id.clone());
    }
    Ok(rows.len())
}

/// How a student stands with the work.
enum Standing {
    /// Nothing is to be done: handed in, graded, excused, or never due.
    Settled,
    /// To be looked at again then.
    Until(i64),
    /// The score is given.
    Missing,
}

fn standing_of(
    tx: &Tx<'_, '_>,
    course: &CourseRecord,
    assignment: &AssignmentRecord,
    settings: &AssignmentSettings,
    user_id: &str,
) -> Result<Standing> {
    let cell = Row::read(&*tx.store, &course.course_id, user_id)?.cell(assignment.number);
    if cell.attempts > 0 || cell.score.is_some() || cell.excused || !dates::takes_submissions(settings) {
        return Ok(Standing::Settled);
    }
    let dates = dates::effective(&*tx.store, course, assignment, user_id)?;
    let Some(due) = dates.due_at_ms else { return Ok(Standing::Settled) };
    if !dates.is_missing(settings, tx.now_ms()) {
        return Ok(Standing::Until(due.saturating_add(dates.grace_ms + 1)));
    }
    // What is announced and on its way is judged when its window has passed.
    let pledges = attempts::open_pledges(&tx.view(), &assignment.assignment_id, user_id)?;
    let mut until = None;
    for pledge in pledges {
        until = until.max(Some(dates::after_outages(&*tx.store, pledge.expires_at_ms)? + 1));
    }
    Ok(until.map_or(Standing::Missing, Standing::Until))
}

fn give(tx: &mut Tx<'_, '_>, assignment: &AssignmentRecord, user_id: &str, score: i64) -> StoreResult<()> {
    let posted = assignment.settings.as_ref().is_some_and(|settings| !settings.post_manually);
    let grade = GradeRecord {
        course_id: assignment.course_id.clone(),
        assignment_id: assignment.assignment_id.clone(),
        user_id: user_id.into(),
        entered_score: score,
        graded_at_ms: tx.now_ms(),
        posted,
        posted_at_ms: posted.then(|| tx.now_ms()),
        revision: 1,
        automatic: true,
        ..GradeRecord::default()
    };
    tx.put(Table::Grades, key2(&assignment.assignment_id, user_id), &grade);
    counts::grade_changed(tx, assignment, None, &grade)?;
    let audience = if posted { Audience::UserAndStaff(user_id.into()) } else { Audience::Staff };
    tx.event(EventKind::Grade, &assignment.course_id, &assignment.assignment_id, audience);
    Ok(())
}

fn tell(
    tx: &mut Tx<'_, '_>,
    course: &CourseRecord,
    assignment: &AssignmentRecord,
    score: i64,
    given: &[String],
) -> Result<()> {
    let names = crate::grades::names_for_audit(&*tx.store, given.iter())?;
    let entry = audit::Entry {
        course_id: &course.course_id,
        action: "grade.missing",
        subject: format!("{}/{}", course.slug, assignment.slug),
        before: format!("no grade for {}", validate::count(given.len(), "student")),
        after: format!("{}: {names}", points::format(score)),
        reason: "nothing was handed in by the due date",
    };
    audit::write(tx, entry);
    Ok(())
}

#[cfg(test)]
#[path = "missing_tests.rs"]
mod tests;
