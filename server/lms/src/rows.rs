//! Rows of the gradebook: how one student stands with all assignments of a course, in one stored value.
//!
//! The gradebook shows a cell for each student and assignment, a million of them in a large course; reading a grade, an
//! attempt and a mark in the queue for each is what made opening it slow. So whatever changes one of these changes the
//! student's row with it, in the same command. What depends on the time or on dates (missing, which dates are in effect)
//! is not in it.
//!
//! Rows are kept from feature level [`levels::GRADING`] on. The entry that raises the level writes those of everything that
//! is there ([`begin`]); until then a row is worked out from the records when somebody reads it.

use std::collections::{BTreeMap, BTreeSet};

use lectern_proto::internal::v1::{AssignmentRecord, CourseRecord, GradeRecord, GradebookRowRecord, SubmissionRecord};

use crate::context::Tx;
use crate::keys::{key1, key2};
use crate::refusal::Result;
use crate::store::{Order, Store, StoreError, StoreExt, StoreResult};
use crate::tables::Table;
use crate::{attempts, counted, grades, levels, limits, paging};

const GRADED: u32 = 1;
const POSTED: u32 = 2;
const LATE: u32 = 4;
const NEEDS_GRADING: u32 = 8;
const EXCUSED: u32 = 16;

/// One assignment in a row.
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own, one bit of what is stored")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    /// The score that counts; none while there is no grade.
    pub score: Option<i64>,
    pub posted: bool,
    /// Whether the attempt that counts is late.
    pub late: bool,
    pub needs_grading: bool,
    pub excused: bool,
    pub attempts: u32,
    pub graded_attempt: u32,
    pub grade_revision: u64,
    /// Days of the late-day bank that the attempt that counts spends.
    pub late_days: u32,
}

impl Cell {
    /// A grade was set, posted or hidden.
    pub(crate) fn take_grade(&mut self, grade: &GradeRecord) {
        self.score = Some(grades::score(grade));
        self.posted = grade.posted;
        self.graded_attempt = grade.attempt;
        self.grade_revision = grade.revision;
    }

    /// This attempt counts.
    pub(crate) fn take_counted(&mut self, submission: &SubmissionRecord) {
        self.late = submission.late;
        self.late_days = submission.late_days;
    }

    /// What the records of before say: there were no excuses then.
    fn of_records(store: &dyn Store, assignment_id: &str, user_id: &str) -> StoreResult<Self> {
        let (mut cell, key) = (Self::default(), key2(assignment_id, user_id));
        if let Some(grade) = store.record(Table::Grades, &key)? {
            cell.take_grade(&grade);
        }
        let standing = counted::of(store, assignment_id, user_id)?;
        cell.attempts = standing.attempts;
        if let Some(counted) = standing.submission {
            cell.take_counted(&counted);
            cell.needs_grading = store.contains(Table::NeedsGrading, &key)?;
        }
        Ok(cell)
    }
}

/// A student's cells by the numbers of their assignments, ascending. What has none is the default one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row(Vec<(u32, Cell)>);

impl Row {
    /// The row of a student.
    pub(crate) fn read(store: &dyn Store, course_id: &str, user_id: &str) -> StoreResult<Self> {
        if !levels::has_grading(store)? {
            return Self::of_records(store, course_id, user_id);
        }
        let record: Option<GradebookRowRecord> = store.record(Table::GradebookRows, &key2(course_id, user_id))?;
        record.map_or_else(|| Ok(Self::default()), |record| Self::of(&record))
    }

    fn of_records(store: &dyn Store, course_id: &str, user_id: &str) -> StoreResult<Self> {
        let mut row = Self::default();
        for assignment in numbered(store, course_id)? {
            let cell = Cell::of_records(store, &assignment.assignment_id, user_id)?;
            if cell != Cell::default() {
                row.set(assignment.number, cell);
            }
        }
        Ok(row)
    }

    fn of(record: &GradebookRowRecord) -> StoreResult<Self> {
        let GradebookRowRecord { numbers, flags, scores, attempts, graded_attempts, grade_revisions, late_days } =
            record;
        let lengths =
            [flags.len(), scores.len(), attempts.len(), graded_attempts.len(), grade_revisions.len(), late_days.len()];
        if lengths.iter().any(|length| *length != numbers.len()) {
            let problem = "its lists differ in length".to_owned();
            return Err(StoreError::Damaged { table: Table::GradebookRows, problem });
        }
        let cell = |at: usize| Cell {
            score: (flags[at] & GRADED != 0).then_some(scores[at]),
            posted: flags[at] & POSTED != 0,
            late: flags[at] & LATE != 0,
            needs_grading: flags[at] & NEEDS_GRADING != 0,
            excused: flags[at] & EXCUSED != 0,
            attempts: attempts[at],
            graded_attempt: graded_attempts[at],
            grade_revision: grade_revisions[at],
            late_days: late_days[at],
        };
        Ok(Self(numbers.iter().enumerate().map(|(at, number)| (*number, cell(at))).collect()))
    }

    fn to_record(&self) -> GradebookRowRecord {
        let mut record = GradebookRowRecord::default();
        for (number, cell) in &self.0 {
            let bits = [
                (cell.score.is_some(), GRADED),
                (cell.posted, POSTED),
                (cell.late, LATE),
                (cell.needs_grading, NEEDS_GRADING),
                (cell.excused, EXCUSED),
            ];
            record.numbers.push(*number);
            record.flags.push(bits.into_iter().filter(|(set, _)| *set).map(|(_, bit)| bit).sum());
            record.scores.push(cell.score.unwrap_or(0));
            record.attempts.push(cell.attempts);
            record.graded_attempts.push(cell.graded_attempt);
            record.grade_revisions.push(cell.grade_revision);
            record.late_days.push(cell.late_days);
        }
        record
    }

    /// The cell of the assignment with that number.
    pub(crate) fn cell(&self, number: u32) -> Cell {
        self.0.binary_search_by_key(&number, |(number, _)| *number).map_or_else(|_| Cell::default(), |at| self.0[at].1)
    }

    /// Days of the late-day bank that are spent on other assignments than this one.
    pub(crate) fn late_days_except(&self, number: u32) -> u32 {
        self.0.iter().filter(|(other, _)| *other != number).map(|(_, cell)| cell.late_days).sum()
    }

    fn set(&mut self, number: u32, cell: Cell) {
        match self.0.binary_search_by_key(&number, |(number, _)| *number) {
            Ok(at) => self.0[at].1 = cell,
            Err(at) => self.0.insert(at, (number, cell)),
        }
    }

    /// The stored form after a change of one cell.
    pub(crate) fn changed(mut self, number: u32, how: impl FnOnce(&mut Cell)) -> GradebookRowRecord {
        let mut cell = self.cell(number);
        how(&mut cell);
        self.set(number, cell);
        self.to_record()
    }
}

/// Changes a student's cell of an assignment.
pub(crate) fn change(
    tx: &mut Tx<'_, '_>,
    assignment: &AssignmentRecord,
    user_id: &str,
    how: impl FnOnce(&mut Cell),
) -> StoreResult<()> {
    if !levels::has_grading(&*tx.store)? {
        return Ok(());
    }
    let row = Row::read(&*tx.store, &assignment.course_id, user_id)?;
    let record = row.changed(assignment.number, how);
    tx.put(Table::GradebookRows, key2(&assignment.course_id, user_id), &record);
    Ok(())
}

/// All assignments of a course, deleted ones too, with their numbers. Before numbers were kept, an assignment's is its place in
/// the course: the one that [`begin`] gives it.
fn numbered(store: &dyn Store, course_id: &str) -> StoreResult<Vec<AssignmentRecord>> {
    let most = limits::ASSIGNMENTS_PER_COURSE;
    let rows: Vec<(_, AssignmentRecord)> =
        store.records(Table::Assignments, &key1(course_id), None, Order::Ascending, most)?;
    let mut assignments: Vec<AssignmentRecord> = rows.into_iter().map(|(_, assignment)| assignment).collect();
    for (place, assignment) in (1..).zip(&mut assignments) {
        number(assignment, place);
    }
    Ok(assignments)
}

/// Numbers an assignment at that place of its course, from 1, where it has no number yet.
pub(crate) fn number(assignment: &mut AssignmentRecord, place: u32) {
    if assignment.number == 0 {
        assignment.number = place;
    }
}

/// Begins to keep rows: numbers the assignments of every course and writes the rows of what they hold. One entry does it all,
/// that which raises the level: whoever has applied it finds every row there.
pub(crate) fn begin(tx: &mut Tx<'_, '_>) -> Result<()> {
    let mut courses: Vec<CourseRecord> = Vec::new();
    paging::each(&*tx.store, Table::Courses, &[], usize::MAX, |course| {
        courses.push(course);
        Ok(())
    })?;
    for mut course in courses {
        let assignments = numbered(&*tx.store, &course.course_id)?;
        let Some(last) = assignments.last() else { continue };
        course.last_assignment_number = last.number;
        tx.put(Table::Courses, key1(&course.course_id), &course);
        let mut rows: BTreeMap<String, Row> = BTreeMap::new();
        for assignment in &assignments {
            let id = &assignment.assignment_id;
            tx.put(Table::Assignments, key2(&course.course_id, id), assignment);
            for user_id in whoever_has_something(&*tx.store, id)? {
                let cell = Cell::of_records(&*tx.store, id, &user_id)?;
                rows.entry(user_id).or_default().set(assignment.number, cell);
            }
        }
        for (user_id, row) in rows {
            tx.put(Table::GradebookRows, key2(&course.course_id, &user_id), &row.to_record());
        }
    }
    Ok(())
}

/// Everyone who handed something in for an assignment or has a grade in it.
fn whoever_has_something(store: &dyn Store, assignment_id: &str) -> Result<BTreeSet<String>> {
    let (mut users, prefix) = (BTreeSet::new(), key1(assignment_id));
    paging::each(store, Table::Grades, &prefix, usize::MAX, |grade: GradeRecord| {
        users.insert(grade.user_id);
        Ok(())
    })?;
    paging::each(store, Table::Submissions, &prefix, usize::MAX, |submission: SubmissionRecord| {
        users.insert(attempts::user_of(submission.submitter.as_ref()).to_owned());
        Ok(())
    })?;
    Ok(users)
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
