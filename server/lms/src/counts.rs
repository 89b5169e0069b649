//! How many have handed in, are graded, posted, and wait for a grade: counted as it changes, so that a list of
//! assignments reads one record each instead of ten thousand grades. The student's row of the gradebook changes with them.
//! People who have left the course stay counted.

use lectern_proto::internal::v1::{AssignmentCountsRecord, AssignmentRecord, GradeRecord};

use crate::context::Tx;
use crate::keys::{key1, key2};
use crate::rows;
use crate::store::{Store, StoreExt, StoreResult};
use crate::tables::Table;

/// The counts of an assignment.
pub fn of(store: &dyn Store, assignment_id: &str) -> StoreResult<AssignmentCountsRecord> {
    Ok(store.record(Table::AssignmentCounts, &key1(assignment_id))?.unwrap_or_default())
}

/// One more student has handed in a first attempt.
pub(crate) fn first_attempt(tx: &mut Tx<'_, '_>, assignment_id: &str) -> StoreResult<()> {
    change(tx, assignment_id, |counts| counts.submitted += 1)
}

/// One more extension request was made.
pub(crate) fn extension_request(tx: &mut Tx<'_, '_>, assignment_id: &str) -> StoreResult<()> {
    change(tx, assignment_id, |counts| counts.extension_requests += 1)
}

/// A student's attempt that counts waits for a grade, or no longer does. Does nothing when that is known already.
pub(crate) fn set_needs_grading(
    tx: &mut Tx<'_, '_>,
    assignment: &AssignmentRecord,
    user_id: &str,
    needs: bool,
) -> StoreResult<()> {
    let assignment_id = &assignment.assignment_id;
    let key = key2(assignment_id, user_id);
    if tx.store.contains(Table::NeedsGrading, &key)? == needs {
        return Ok(());
    }
    if needs {
        tx.put_raw(Table::NeedsGrading, key, Vec::new());
    } else {
        tx.delete(Table::NeedsGrading, key);
    }
    rows::change(tx, assignment, user_id, |cell| cell.needs_grading = needs)?;
    change(tx, assignment_id, |counts| adjust(&mut counts.needs_grading, !needs, needs))
}

/// A grade was set, posted or hidden: `before` is the record it replaces.
pub(crate) fn grade_changed(
    tx: &mut Tx<'_, '_>,
    assignment: &AssignmentRecord,
    before: Option<&GradeRecord>,
    after: &GradeRecord,
) -> StoreResult<()> {
    rows::change(tx, assignment, &after.user_id, |cell| cell.take_grade(after))?;
    change(tx, &assignment.assignment_id, |counts| {
        adjust(&mut counts.graded, before.is_some(), true);
        adjust(&mut counts.posted, before.is_some_and(|grade| grade.posted), after.posted);
    })
}

fn change(tx: &mut Tx<'_, '_>, assignment_id: &str, how: impl FnOnce(&mut AssignmentCountsRecord)) -> StoreResult<()> {
    let before = of(tx.store, assignment_id)?;
    let mut counts = before;
    how(&mut counts);
    if counts != before {
        tx.put(Table::AssignmentCounts, key1(assignment_id), &counts);
    }
    Ok(())
}

fn adjust(count: &mut u32, was: bool, is: bool) {
    match (was, is) {
        (false, true) => *count += 1,
        (true, false) => *count = count.saturating_sub(1),
        _ => {}
    }
}
