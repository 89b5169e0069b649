//! How many have handed in, are graded and posted: counted as it changes, so that a list of assignments reads one record
//! each instead of ten thousand grades. Who waits for a grade is counted in its index, whose rows are empty. People who
//! have left the course stay counted.

use lectern_proto::internal::v1::{AssignmentCountsRecord, GradeRecord};

use crate::context::Tx;
use crate::keys::key1;
use crate::store::{Order, Store, StoreExt, StoreResult};
use crate::tables::Table;

/// Waiting students counted at most.
pub const MAX_WAITING: usize = 10_000;

/// The counts of an assignment.
pub fn of(store: &dyn Store, assignment_id: &str) -> StoreResult<AssignmentCountsRecord> {
    Ok(store.record(Table::AssignmentCounts, &key1(assignment_id))?.unwrap_or_default())
}

/// How many wait for a grade; counts no further than [`MAX_WAITING`].
pub fn waiting(store: &dyn Store, assignment_id: &str) -> StoreResult<u32> {
    let rows = store.prefix(Table::NeedsGrading, &key1(assignment_id), None, Order::Ascending, MAX_WAITING)?;
    Ok(u32::try_from(rows.len()).unwrap_or(u32::MAX))
}

/// One more student has handed in a first attempt.
pub(crate) fn first_attempt(tx: &mut Tx<'_, '_>, assignment_id: &str) -> StoreResult<()> {
    change(tx, assignment_id, |counts| counts.submitted += 1)
}

/// One more extension request was made.
pub(crate) fn extension_request(tx: &mut Tx<'_, '_>, assignment_id: &str) -> StoreResult<()> {
    change(tx, assignment_id, |counts| counts.extension_requests += 1)
}

/// A grade was set, posted or hidden: `before` is the record it replaces.
pub fn grade_changed(
    tx: &mut Tx<'_, '_>,
    assignment_id: &str,
    before: Option<&GradeRecord>,
    after: &GradeRecord,
) -> StoreResult<()> {
    change(tx, assignment_id, |counts| {
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
