//! Which attempt counts: what is graded, and what the gradebook and the late policy go by.
//!
//! The latest attempt that came in time counts, and where none did, the latest. So a late attempt never takes the place of one that
//! was in time by itself: both are kept, and the student may choose. A choice stands until the student chooses again or hands in in time.
//!
//! Stored is only what differs from "the latest counts" ([`Table::Counted`]). Nothing is stored below feature level
//! [`levels::HAND_INS`], where the latest always counts; what was handed in by then goes on as it was.

use lectern_proto::internal::v1::{AssignmentRecord, CountedRecord, GradeRecord, SubmissionRecord};
use lectern_proto::v1::{self, Counted, CountsBecause, EventKind};

use crate::actor::CourseAccess;
use crate::context::{Audience, Tx};
use crate::keys::{key2, key3};
use crate::refusal::{Reason, Refusal, Result};
use crate::store::{Store, StoreExt, StoreResult};
use crate::tables::Table;
use crate::{assignments, attempts, audit, counts, lateness, levels, rows};

/// How a student's attempts at an assignment stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// The one that counts; none where nothing was handed in.
    pub submission: Option<SubmissionRecord>,
    /// Which one that is, and why.
    pub counted: Counted,
    /// How many there are.
    pub attempts: u32,
}

/// How a student's attempts at an assignment stand.
pub fn of(store: &dyn Store, assignment_id: &str, user_id: &str) -> StoreResult<Standing> {
    let Some(latest) = attempts::latest(store, assignment_id, user_id)? else { return Ok(Standing::default()) };
    let attempts = latest.attempt;
    let record: Option<CountedRecord> = store.record(Table::Counted, &key2(assignment_id, user_id))?;
    let (submission, because, chosen_at_ms) = match record {
        None => (Some(latest), CountsBecause::Latest, None),
        Some(CountedRecord { attempt, chosen_at_ms }) => {
            let because = if chosen_at_ms.is_some() { CountsBecause::Chosen } else { CountsBecause::OnTime };
            (store.record(Table::Submissions, &key3(assignment_id, user_id, attempt))?, because, chosen_at_ms)
        }
    };
    let attempt = submission.as_ref().map_or(0, |submission| submission.attempt);
    Ok(Standing { submission, counted: Counted { attempt, because: because.into(), chosen_at_ms }, attempts })
}

/// The attempt that counts; 0 where nothing was handed in.
pub(crate) fn attempt(store: &dyn Store, assignment_id: &str, user_id: &str) -> StoreResult<u32> {
    Ok(of(store, assignment_id, user_id)?.counted.attempt)
}

/// Decides whether a new attempt counts, before it is stored; returns what counts with it.
pub(crate) fn take_new(
    tx: &mut Tx<'_, '_>,
    user_id: &str,
    before: &Standing,
    new: &SubmissionRecord,
) -> StoreResult<Counted> {
    let latest = Counted { attempt: new.attempt, because: CountsBecause::Latest.into(), chosen_at_ms: None };
    if !levels::has_hand_ins(&*tx.store)? {
        return Ok(latest);
    }
    let chosen = before.counted.because() == CountsBecause::Chosen;
    let keeps = new.late && before.submission.as_ref().is_some_and(|counted| !counted.late || chosen);
    let key = key2(&new.assignment_id, user_id);
    match (keeps, before.counted.because()) {
        (true, CountsBecause::Latest) => {
            tx.put(Table::Counted, key, &CountedRecord { attempt: before.counted.attempt, chosen_at_ms: None });
            Ok(Counted { because: CountsBecause::OnTime.into(), ..before.counted })
        }
        (true, _) => Ok(before.counted),
        (false, _) => {
            tx.delete(Table::Counted, key);
            Ok(latest)
        }
    }
}

/// The student says which attempt counts.
pub(crate) fn choose_attempt(
    tx: &mut Tx<'_, '_>,
    request: &v1::ChooseAttemptRequest,
) -> Result<v1::ChooseAttemptResponse> {
    let access = CourseAccess::open(&*tx.store, &tx.actor, &request.course)?;
    access.require_student()?;
    access.require_open()?;
    let assignment = assignments::open(&*tx.store, &access, &request.assignment)?;
    let user_id = tx.actor.user_id().to_owned();
    let key = key2(&assignment.assignment_id, &user_id);
    let before = of(&*tx.store, &assignment.assignment_id, &user_id)?;
    let record = chosen(tx, &assignment, &before, request.attempt)?;
    match &record {
        Some(record) => tx.put(Table::Counted, key, record),
        None => tx.delete(Table::Counted, key),
    }
    let after = of(&*tx.store, &assignment.assignment_id, &user_id)?;
    if after.counted.attempt != before.counted.attempt {
        change_what_counts(tx, &assignment, &before, &after)?;
    }
    let entry = audit::Entry {
        course_id: &access.course.course_id,
        action: "submission.choose",
        subject: format!("{}/{} {}", access.course.slug, assignment.slug, tx.actor.user()?.username),
        before: in_words(&before.counted),
        after: in_words(&after.counted),
        reason: "",
    };
    audit::write(tx, entry);
    let audience = Audience::UserAndStaff(user_id);
    tx.event(EventKind::Submission, &access.course.course_id, &assignment.assignment_id, audience);
    Ok(v1::ChooseAttemptResponse { counted: Some(after.counted) })
}

/// What is stored of a choice; `None` where the latest counts without one.
fn chosen(
    tx: &Tx<'_, '_>,
    assignment: &AssignmentRecord,
    standing: &Standing,
    attempt: u32,
) -> Result<Option<CountedRecord>> {
    let slug = &assignment.slug;
    if standing.attempts == 0 {
        return Err(Refusal::new(Reason::NotFound, format!("nothing was handed in for `{slug}`")).into());
    }
    if attempt > standing.attempts {
        let message = format!("no attempt {attempt} at `{slug}`: there are {}", standing.attempts);
        return Err(Refusal::new(Reason::NotFound, message).with("attempts", standing.attempts).into());
    }
    if attempt > 0 {
        return Ok(Some(CountedRecord { attempt, chosen_at_ms: Some(tx.now_ms()) }));
    }
    let in_time = latest_in_time(&*tx.store, &assignment.assignment_id, tx.actor.user_id(), standing.attempts)?;
    let other = in_time.filter(|attempt| *attempt != standing.attempts);
    Ok(other.map(|attempt| CountedRecord { attempt, chosen_at_ms: None }))
}

/// The latest attempt that came in time.
fn latest_in_time(store: &dyn Store, assignment_id: &str, user_id: &str, attempts: u32) -> StoreResult<Option<u32>> {
    for attempt in (1..=attempts).rev() {
        let submission: Option<SubmissionRecord> =
            store.record(Table::Submissions, &key3(assignment_id, user_id, attempt))?;
        if submission.is_some_and(|submission| !submission.late) {
            return Ok(Some(attempt));
        }
    }
    Ok(None)
}

/// Another attempt counts now: it is the one that spends late days and that waits for a grade, unless it has the grade.
fn change_what_counts(
    tx: &mut Tx<'_, '_>,
    assignment: &AssignmentRecord,
    before: &Standing,
    after: &Standing,
) -> StoreResult<()> {
    let user_id = tx.actor.user_id().to_owned();
    let place = |attempt: u32| key3(&assignment.assignment_id, &user_id, attempt);
    if let Some(left) = &before.submission {
        let left = SubmissionRecord { late_days: 0, ..left.clone() };
        tx.put(Table::Submissions, place(left.attempt), &left);
    }
    let Some(mut counted) = after.submission.clone() else { return Ok(()) };
    counted.late_days = lateness::days_spent(&*tx.store, assignment, &user_id, &counted)?;
    tx.put(Table::Submissions, place(counted.attempt), &counted);
    rows::change(tx, assignment, &user_id, |cell| cell.take_counted(&counted))?;
    let grade: Option<GradeRecord> = tx.store.record(Table::Grades, &key2(&assignment.assignment_id, &user_id))?;
    let is_graded = grade.is_some_and(|grade| grade.attempt == counted.attempt);
    counts::set_needs_grading(tx, assignment, &user_id, !is_graded)
}

/// For the audit trail.
fn in_words(counted: &Counted) -> String {
    let why = match counted.because() {
        CountsBecause::Chosen => "chosen",
        CountsBecause::OnTime => "the latest in time",
        CountsBecause::Latest | CountsBecause::Unspecified => "the latest",
    };
    format!("attempt {} counts: {why}", counted.attempt)
}

#[cfg(test)]
#[path = "counted_tests.rs"]
mod tests;
