//! Lateness as a course's policy sees it: days of the bank that a submission spends, and what is deducted of its grade.
//!
//! The days are spent when work is handed in, by the attempt that counts: what is left does not depend on the order in which
//! work is graded. What is deducted is decided when a grade is set, by the policy as it is then.

use lectern_grading::late::{self, DAY_MS, HOUR_MS, LateRule};
use lectern_proto::internal::v1::{AssignmentRecord, SubmissionRecord};
use lectern_proto::v1::{GradingPolicy, LateInterval};

use crate::grading_policy;
use crate::refusal::{Reason, Result, refuse};
use crate::rows::Row;
use crate::standing::points_possible;
use crate::store::{Store, StoreResult};

/// Hundredths of a percent in the whole.
const WHOLE: u32 = 10_000;
/// Days of a bank.
const MAX_LATE_DAYS: u32 = 365;

/// Refuses a policy whose numbers make no sense.
pub(crate) fn check(policy: &GradingPolicy) -> Result<()> {
    let late = policy.late.unwrap_or_default();
    if late.deduct > WHOLE || late.floor > WHOLE || policy.missing_percent.is_some_and(|percent| percent > WHOLE) {
        return refuse(Reason::InvalidArgument, "what is deducted, left or given is at most 100 % of the points");
    }
    let interval = LateInterval::try_from(late.interval);
    if interval.is_err() || (late.deduct > 0 && interval == Ok(LateInterval::Unspecified)) {
        return refuse(Reason::InvalidArgument, "say whether lateness is deducted by the hour or by the day");
    }
    if policy.late_days > MAX_LATE_DAYS {
        return refuse(Reason::InvalidArgument, format!("at most {MAX_LATE_DAYS} late days can be given"));
    }
    Ok(())
}

/// Days of the bank that this attempt spends.
pub(crate) fn days_spent(
    store: &dyn Store,
    assignment: &AssignmentRecord,
    user_id: &str,
    submission: &SubmissionRecord,
) -> StoreResult<u32> {
    if !submission.late {
        return Ok(0);
    }
    let policy = grading_policy::read(store, &assignment.course_id)?.policy.unwrap_or_default();
    if policy.late_days == 0 {
        return Ok(0);
    }
    let row = Row::read(store, &assignment.course_id, user_id)?;
    let left = policy.late_days.saturating_sub(row.late_days_except(assignment.number));
    Ok(late::days_spent(late_ms(submission), left))
}

/// What is deducted of a score that is entered for this attempt.
pub(crate) fn deduction(
    store: &dyn Store,
    assignment: &AssignmentRecord,
    submission: &SubmissionRecord,
    entered: i64,
) -> StoreResult<i64> {
    if !submission.late {
        return Ok(0);
    }
    let policy = grading_policy::read(store, &assignment.course_id)?.policy.unwrap_or_default();
    let beyond_bank = late_ms(submission) - i64::from(submission.late_days) * DAY_MS;
    Ok(rule(&policy).deduction(entered, points_possible(assignment), beyond_bank))
}

fn rule(policy: &GradingPolicy) -> LateRule {
    let late = policy.late.unwrap_or_default();
    let interval_ms = match late.interval() {
        LateInterval::Hour => HOUR_MS,
        LateInterval::Day => DAY_MS,
        LateInterval::Unspecified => 0,
    };
    LateRule { deduct: late.deduct, interval_ms, floor: late.floor }
}

/// How late it came after the due date that was in effect.
fn late_ms(submission: &SubmissionRecord) -> i64 {
    submission.due_at_ms.map_or(0, |due| submission.submitted_at_ms - due)
}

#[cfg(test)]
#[path = "lateness_tests.rs"]
mod tests;
