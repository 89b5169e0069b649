//! The gradebook: students by assignments, as pages and as CSV in Canvas's columns. For staff only.
//!
//! Students are the current ones (those who never signed in among them) and those who completed it, in the order of their ids,
//! which is the same on every page. Totals are over every grade, posted or not: *current* over what is graded, *final* over
//! everything with ungraded work as 0, both by the rules of `lectern-grading`.
//!
//! A page reads two values for each student, the account and the row (`rows.rs`); what depends on dates is worked out from
//! the few overrides there are.
//!
//! # The CSV
//!
//! The columns are those of Canvas's export, `Student` (family name first), `ID`, `SIS User ID`, `SIS Login ID`,
//! `Section`, one for each published assignment, headed `Title (slug)`, `Current Score` and `Final Score`. The second row
//! gives the points possible. Scores are exact decimals; the last two columns are percentages of two decimals, rounded
//! half up, empty where nothing is possible.
//!
//! A cell of text that a spreadsheet would take for a formula, because it begins with `=`, `+`, `-`, `@`, a tab or a
//! carriage return, gets an apostrophe in front: a student's name must not run in the instructor's spreadsheet.

use std::collections::{BTreeMap, BTreeSet};

use lectern_grading::{Mark, Percent};
use lectern_proto::internal::v1::{AssignmentRecord, EnrollmentRecord, SectionRecord, UserRecord};
use lectern_proto::v1::{self, CourseTotal, GradebookCell, GradebookColumn, GradebookRow, OverrideSettings, PersonRef};

use crate::actor::CourseAccess;
use crate::context::{PageRequest, View, from_hex};
use crate::dates::EffectiveDates;
use crate::keys::key1;
use crate::ledger::{self, Ledger};
use crate::refusal::Result;
use crate::rows::Row;
use crate::standing::{self, points_possible};
use crate::store::{Order, StoreExt};
use crate::tables::Table;
use crate::{attempts, dates, final_grades, limits, overrides, paging, points};

/// Cells of one page at most: with many assignments pages have fewer students.
const MAX_CELLS: usize = 10_000;

/// Students in one piece of the CSV.
const CSV_ROWS: usize = 100;

/// One page of students by all published assignments.
pub fn get_gradebook(view: &View<'_>, request: &v1::GetGradebookRequest) -> Result<v1::GetGradebookResponse> {
    let page = PageRequest::new(request.page_size, &request.page_token)?;
    let mut sheet = Sheet::open(view, &request.course)?;
    let (rows, next_page_token) = sheet.page(&page)?;
    Ok(v1::GetGradebookResponse { columns: sheet.columns(), rows, next_page_token, groups: sheet.ledger.groups })
}

/// The first two rows of the CSV: the header, and the points possible.
pub fn csv_head(view: &View<'_>, course: &str) -> Result<Vec<u8>> {
    let sheet = Sheet::open(view, course)?;
    let mut header: Vec<String> = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"].map(String::from).into();
    // Canvas's importer knows this row by these words, indented as in its own export.
    let mut possible: Vec<String> = ["    Points Possible", "", "", "", ""].map(String::from).into();
    for assignment in &sheet.ledger.assignments {
        header.push(text_cell(&format!("{} ({})", standing::title(assignment), assignment.slug)));
        possible.push(points::format(points_possible(assignment)));
    }
    header.extend(["Current Score", "Final Score"].map(String::from));
    possible.extend(["(read only)", "(read only)"].map(String::from));
    Ok(to_csv(&[header, possible]))
}

/// The CSV's next rows, after the students up to `after`, and where to go on; `None` at the end.
pub fn csv_page(view: &View<'_>, course: &str, after: Option<Vec<u8>>) -> Result<(Vec<u8>, Option<Vec<u8>>)> {
    let mut sheet = Sheet::open(view, course)?;
    let (rows, next) = sheet.page(&PageRequest { after, rows: CSV_ROWS })?;
    let rows: Vec<Vec<String>> = rows.into_iter().map(csv_row).collect();
    Ok((to_csv(&rows), from_hex(&next).filter(|key| !key.is_empty())))
}

/// The totals of one student, as staff see them.
pub(crate) fn total_of(view: &View<'_>, access: &CourseAccess, user_id: &str) -> Result<CourseTotal> {
    let course_id = &access.course.course_id;
    let mut ledger = Ledger::open(view.store, course_id)?;
    let row = Row::read(view.store, course_id, user_id)?;
    let totals = ledger.totals(&marks(&ledger, &row));
    Ok(ledger.total(&totals, final_grades::read(view.store, course_id, user_id)?))
}

/// What counts, posted or not.
fn marks(ledger: &Ledger, row: &Row) -> Vec<Mark> {
    let mark = |assignment: &AssignmentRecord| {
        let cell = row.cell(assignment.number);
        Mark { score: cell.score, excused: cell.excused }
    };
    ledger.assignments.iter().map(mark).collect()
}

/// A course's students and published assignments, with what all rows share read once.
pub(crate) struct Sheet<'a> {
    view: &'a View<'a>,
    access: CourseAccess,
    ledger: Ledger,
    /// Of each assignment.
    columns: Vec<Column>,
    /// Names of sections by id.
    sections: BTreeMap<String, String>,
}

/// What decides whether work is missing in a column.
#[derive(Default)]
struct Column {
    dates: EffectiveDates,
    /// By the id of a student or section.
    overrides: BTreeMap<String, OverrideSettings>,
    /// Who has announced work whose bytes are still on their way.
    uploading: BTreeSet<String>,
}

impl<'a> Sheet<'a> {
    pub(crate) fn open(view: &'a View<'a>, course: &str) -> Result<Self> {
        let access = CourseAccess::open(view.store, view.actor, course)?;
        access.require_staff()?;
        let ledger = Ledger::open(view.store, &access.course.course_id)?;
        let columns = ledger.assignments.iter().map(|it| column(view, &access, it)).collect::<Result<_>>()?;
        let prefix = key1(&access.course.course_id);
        let sections: Vec<(_, SectionRecord)> =
            view.store.records(Table::Sections, &prefix, None, Order::Ascending, limits::SECTIONS_PER_COURSE)?;
        let sections = sections.into_iter().map(|(_, section)| (section.section_id, section.name)).collect();
        Ok(Self { view, access, ledger, columns, sections })
    }

    /// Where an assignment stands among the columns; nowhere while it is not published.
    pub(crate) fn column_of(&self, assignment_id: &str) -> Option<usize> {
        self.ledger.assignments.iter().position(|assignment| assignment.assignment_id == assignment_id)
    }

    /// A student's score in a column, where it counts.
    pub(crate) fn score(&self, enrollment: &EnrollmentRecord, column: usize) -> Result<Option<i64>> {
        let row = Row::read(self.view.store, &enrollment.course_id, &enrollment.user_id)?;
        let cell = row.cell(self.ledger.assignments[column].number);
        Ok(cell.score.filter(|_| !cell.excused))
    }

    /// A student's current percentage.
    pub(crate) fn current(&mut self, enrollment: &EnrollmentRecord) -> Result<Option<Percent>> {
        let row = Row::read(self.view.store, &enrollment.course_id, &enrollment.user_id)?;
        let marks = marks(&self.ledger, &row);
        Ok(self.ledger.totals(&marks).course.current)
    }

    /// Visits every student whose work is graded, up to `limit`.
    pub(crate) fn each_student(
        &mut self,
        limit: usize,
        mut visit: impl FnMut(&mut Self, &EnrollmentRecord) -> Result<()>,
    ) -> Result<()> {
        let (store, prefix) = (self.view.store, key1(&self.access.course.course_id));
        paging::each(store, Table::Enrollments, &prefix, limit, |enrollment: EnrollmentRecord| {
            if standing::is_graded_student(&enrollment) { visit(self, &enrollment) } else { Ok(()) }
        })
    }

    fn columns(&self) -> Vec<GradebookColumn> {
        let column = |assignment: &AssignmentRecord| GradebookColumn {
            assignment_id: assignment.assignment_id.clone(),
            slug: assignment.slug.clone(),
            title: standing::title(assignment).into(),
            points_possible: points_possible(assignment),
            group_id: standing::group_id(assignment).into(),
        };
        self.ledger.assignments.iter().map(column).collect()
    }

    fn page(&mut self, page: &PageRequest) -> Result<(Vec<GradebookRow>, String)> {
        let fitting = (MAX_CELLS / self.columns.len().max(1)).max(1);
        let page = PageRequest { rows: page.rows.min(fitting), ..page.clone() };
        let prefix = key1(&self.access.course.course_id);
        let rows = (Table::Enrollments, &*prefix, Order::Ascending);
        paging::scan(self.view.store, rows, &page, |enrollment: EnrollmentRecord| {
            if standing::is_graded_student(&enrollment) { self.row(&enrollment).map(Some) } else { Ok(None) }
        })
    }

    fn row(&mut self, enrollment: &EnrollmentRecord) -> Result<GradebookRow> {
        let (store, user_id) = (self.view.store, &enrollment.user_id);
        let user: Option<UserRecord> = store.record(Table::Users, &key1(user_id))?;
        let user = user.and_then(|record| record.user).unwrap_or_default();
        let row = Row::read(store, &enrollment.course_id, user_id)?;
        let marks = marks(&self.ledger, &row);
        let totals = self.ledger.totals(&marks);
        let mut cells = Vec::with_capacity(self.columns.len());
        for (at, column) in self.columns.iter().enumerate() {
            let assignment = &self.ledger.assignments[at];
            let cell = row.cell(assignment.number);
            cells.push(GradebookCell {
                score: cell.score,
                posted: cell.posted,
                late: cell.late,
                missing: cell.attempts == 0 && self.is_missing(column, assignment, enrollment)?,
                needs_grading: cell.needs_grading,
                attempts: cell.attempts,
                grade_revision: cell.grade_revision,
                graded_attempt: cell.graded_attempt,
                excused: cell.excused,
                dropped: totals.dropped[at],
                dropped_in_final: totals.dropped_in_final[at],
            });
        }
        let (current_score, current_possible, final_score, final_possible) = ledger::sums(&totals);
        let set = final_grades::read(store, &enrollment.course_id, user_id)?;
        Ok(GradebookRow {
            student: Some(PersonRef { user_id: user_id.clone(), username: user.username, name: user.name }),
            sis_user_id: user.sis_user_id,
            section: self.sections.get(&enrollment.section_id).cloned().unwrap_or_default(),
            cells,
            current_score,
            current_possible,
            final_score,
            final_possible,
            groups: self.ledger.group_totals(&totals),
            total: Some(self.ledger.total(&totals, set)),
        })
    }

    /// Whether a student who handed nothing in misses the work.
    fn is_missing(
        &self,
        column: &Column,
        assignment: &AssignmentRecord,
        enrollment: &EnrollmentRecord,
    ) -> Result<bool> {
        let Some(settings) = &assignment.settings else { return Ok(false) };
        if column.uploading.contains(&enrollment.user_id) {
            return Ok(false);
        }
        let changed = |id: &str| column.overrides.get(id).copied();
        let (own, sections) = (changed(&enrollment.user_id), changed(&enrollment.section_id));
        if own.is_none() && sections.is_none() {
            return Ok(column.dates.is_missing(settings, self.view.now_ms));
        }
        let changed = overrides::merged(own.unwrap_or_default(), sections.unwrap_or_default());
        let dates = dates::with_override(self.view.store, &self.access.course, assignment, &changed)?;
        Ok(dates.is_missing(settings, self.view.now_ms))
    }
}

fn column(view: &View<'_>, access: &CourseAccess, assignment: &AssignmentRecord) -> Result<Column> {
    let own = OverrideSettings::default();
    let dates = dates::with_override(view.store, &access.course, assignment, &own)?;
    let overrides = overrides::of_assignment(view.store, assignment)?;
    Ok(Column { dates, overrides, uploading: attempts::uploading(view, &assignment.assignment_id)? })
}

fn csv_row(row: GradebookRow) -> Vec<String> {
    let student = row.student.unwrap_or_default();
    let mut cells = vec![
        text_cell(&sortable_name(&student.name)),
        text_cell(&student.user_id),
        text_cell(&row.sis_user_id),
        text_cell(&student.username),
        text_cell(&row.section),
    ];
    cells.extend(row.cells.iter().map(|cell| cell.score.map(points::format).unwrap_or_default()));
    let total = row.total.unwrap_or_default();
    let percent = |percent: Option<i64>| percent.map(|percent| Percent(percent).to_string()).unwrap_or_default();
    cells.extend([percent(total.current), percent(total.r#final)]);
    cells
}

/// `Lovelace, Ada`: the last word of the name first, as Canvas guesses it too.
fn sortable_name(name: &str) -> String {
    match name.trim().rsplit_once(char::is_whitespace) {
        Some((given, family)) => format!("{family}, {}", given.trim_end()),
        None => name.trim().into(),
    }
}

/// Text that stays text in a spreadsheet.
fn text_cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.into() }
}

fn to_csv(rows: &[Vec<String>]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).expect("rows are equally long and a Vec takes every write");
    }
    writer.into_inner().expect("a Vec takes every write")
}

#[cfg(test)]
#[path = "gradebook_tests.rs"]
mod tests;
