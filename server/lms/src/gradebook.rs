//! The gradebook: students by assignments, as pages and as CSV in Canvas's columns. For staff only.
//!
//! Students are the current ones (those who never signed in among them) and those who completed it, in the order of their ids, which is the same on every page. Sums are plain
//! sums of points over every grade, posted or not: *current* over what is graded, *final* over everything with ungraded
//! work as 0.
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

use lectern_proto::internal::v1::{AssignmentRecord, EnrollmentRecord, SectionRecord, UserRecord};
use lectern_proto::v1::{self, GradebookCell, GradebookColumn, GradebookRow, PersonRef};

use crate::actor::CourseAccess;
use crate::context::{PageRequest, View, from_hex};
use crate::keys::{key1, key2};
use crate::refusal::Result;
use crate::standing::{self, points_possible};
use crate::store::{Order, StoreExt};
use crate::tables::Table;
use crate::{attempts, grades, paging, points};

/// Cells of one page at most: with many assignments pages have fewer students.
const MAX_CELLS: usize = 10_000;

/// Students in one piece of the CSV.
const CSV_ROWS: usize = 100;

/// One page of students by all published assignments.
pub fn get_gradebook(view: &View<'_>, request: &v1::GetGradebookRequest) -> Result<v1::GetGradebookResponse> {
    let page = PageRequest::new(request.page_size, &request.page_token)?;
    let sheet = Sheet::open(view, &request.course)?;
    let (rows, next_page_token) = sheet.page(&page)?;
    Ok(v1::GetGradebookResponse { columns: sheet.columns(), rows, next_page_token })
}

/// The first two rows of the CSV: the header, and the points possible.
pub fn csv_head(view: &View<'_>, course: &str) -> Result<Vec<u8>> {
    let sheet = Sheet::open(view, course)?;
    let mut header: Vec<String> = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"].map(String::from).into();
    // Canvas's importer knows this row by these words, indented as in its own export.
    let mut possible: Vec<String> = ["    Points Possible", "", "", "", ""].map(String::from).into();
    for assignment in &sheet.assignments {
        header.push(text_cell(&format!("{} ({})", standing::title(assignment), assignment.slug)));
        possible.push(points::format(points_possible(assignment)));
    }
    header.extend(["Current Score", "Final Score"].map(String::from));
    possible.extend(["(read only)", "(read only)"].map(String::from));
    Ok(to_csv(&[header, possible]))
}

/// The CSV's next rows, after the students up to `after`, and where to go on; `None` at the end.
pub fn csv_page(view: &View<'_>, course: &str, after: Option<Vec<u8>>) -> Result<(Vec<u8>, Option<Vec<u8>>)> {
    let sheet = Sheet::open(view, course)?;
    let (rows, next) = sheet.page(&PageRequest { after, rows: CSV_ROWS })?;
    let rows: Vec<Vec<String>> = rows.into_iter().map(csv_row).collect();
    Ok((to_csv(&rows), from_hex(&next).filter(|key| !key.is_empty())))
}

/// A course's students and published assignments.
struct Sheet<'a> {
    view: &'a View<'a>,
    access: CourseAccess,
    assignments: Vec<AssignmentRecord>,
}

impl<'a> Sheet<'a> {
    fn open(view: &'a View<'a>, course: &str) -> Result<Self> {
        let access = CourseAccess::open(view.store, view.actor, course)?;
        access.require_staff()?;
        let assignments = standing::published_assignments(view.store, &access.course.course_id)?;
        Ok(Self { view, access, assignments })
    }

    fn columns(&self) -> Vec<GradebookColumn> {
        let column = |assignment: &AssignmentRecord| GradebookColumn {
            assignment_id: assignment.assignment_id.clone(),
            slug: assignment.slug.clone(),
            title: standing::title(assignment).into(),
            points_possible: points_possible(assignment),
        };
        self.assignments.iter().map(column).collect()
    }

    fn page(&self, page: &PageRequest) -> Result<(Vec<GradebookRow>, String)> {
        let fitting = (MAX_CELLS / self.assignments.len().max(1)).max(1);
        let page = PageRequest { rows: page.rows.min(fitting), ..page.clone() };
        let rows = (Table::Enrollments, &*key1(&self.access.course.course_id), Order::Ascending);
        paging::scan(self.view.store, rows, &page, |enrollment: EnrollmentRecord| {
            if standing::is_graded_student(&enrollment) { self.row(&enrollment).map(Some) } else { Ok(None) }
        })
    }

    fn row(&self, enrollment: &EnrollmentRecord) -> Result<GradebookRow> {
        let store = self.view.store;
        let user: Option<UserRecord> = store.record(Table::Users, &key1(&enrollment.user_id))?;
        let user = user.and_then(|record| record.user).unwrap_or_default();
        let section: Option<SectionRecord> =
            store.record(Table::Sections, &key2(&enrollment.course_id, &enrollment.section_id))?;
        let mut row = GradebookRow {
            student: Some(PersonRef { user_id: enrollment.user_id.clone(), username: user.username, name: user.name }),
            sis_user_id: user.sis_user_id,
            section: section.unwrap_or_default().name,
            ..GradebookRow::default()
        };
        for assignment in &self.assignments {
            let cell = self.cell(assignment, &enrollment.user_id)?;
            let possible = points_possible(assignment);
            row.final_possible += possible;
            if let Some(score) = cell.score {
                row.final_score += score;
                row.current_score += score;
                row.current_possible += possible;
            }
            row.cells.push(cell);
        }
        Ok(row)
    }

    fn cell(&self, assignment: &AssignmentRecord, user_id: &str) -> Result<GradebookCell> {
        let store = self.view.store;
        let key = key2(&assignment.assignment_id, user_id);
        let grade = standing::grade(store, &assignment.assignment_id, user_id)?;
        let latest = attempts::latest(store, &assignment.assignment_id, user_id)?;
        Ok(GradebookCell {
            attempts: latest.as_ref().map_or(0, |submission| submission.attempt),
            score: grade.as_ref().map(grades::score),
            grade_revision: grade.as_ref().map_or(0, |grade| grade.revision),
            graded_attempt: grade.as_ref().map_or(0, |grade| grade.attempt),
            posted: grade.is_some_and(|grade| grade.posted),
            late: latest.as_ref().is_some_and(|submission| submission.late),
            missing: latest.is_none() && standing::is_missing(self.view, &self.access.course, assignment, user_id)?,
            needs_grading: store.contains(Table::NeedsGrading, &key)?,
        })
    }
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
    cells.push(points::percent(row.current_score, row.current_possible).unwrap_or_default());
    cells.push(points::percent(row.final_score, row.final_possible).unwrap_or_default());
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
mod tests {
    use lectern_proto::POINT;
    use lectern_proto::internal::v1::command::Body;
    use lectern_proto::v1::{AccountRights, EnrollmentType};

    use super::*;
    use crate::fixture::{Class, HOUR_MS};

    /// Grades the latest attempt of a student.
    fn grade(class: &mut Class, assignment: &str, user: &str, score: &str) {
        let get = v1::GetSubmissionRequest {
            course: "cs101".into(),
            assignment: assignment.into(),
            user: user.into(),
            attempt: 0,
        };
        let latest = class.world.ask("tom", |view| attempts::get_submission(view, &get));
        let request = v1::SetGradeRequest {
            attempt: latest.map_or(0, |latest| latest.attempts),
            course: "cs101".into(),
            assignment: assignment.into(),
            user: user.into(),
            score: points::parse(score).unwrap(),
            ..v1::SetGradeRequest::default()
        };
        class.world.run::<v1::SetGradeResponse>("tom", Body::SetGrade(request)).unwrap();
    }

    fn page(
        class: &Class,
        who: &str,
        page_size: u32,
        token: &str,
    ) -> std::result::Result<v1::GetGradebookResponse, String> {
        let request = v1::GetGradebookRequest { course: "cs101".into(), page_size, page_token: token.into() };
        class.world.ask(who, |view| get_gradebook(view, &request))
    }

    fn rename(class: &mut Class, user_id: &str, name: &str) {
        let mut record: UserRecord = class.world.store.record(Table::Users, &key1(user_id)).unwrap().unwrap();
        record.user.as_mut().unwrap().name = name.into();
        class.put(Table::Users, key1(user_id), &record);
    }

    #[test]
    fn a_row_has_a_cell_for_each_published_assignment_and_exact_sums() {
        let mut class = Class::new();
        let hw1 = class.assignment("hw1", 10, |_| {});
        class.assignment("secret", 100, |settings| settings.published = false);
        class.assignment("hw2", 5, |_| {});
        let (ada, bob) = (class.ada.clone(), class.bob.clone());
        class.submission(&hw1, &ada, 1, true);
        class.submission(&hw1, &bob, 1, false);
        grade(&mut class, "hw1", "ada", "8.3333");
        class.world.now_ms += 2 * HOUR_MS;
        let book = page(&class, "tom", 0, "").unwrap();
        let slugs: Vec<_> = book.columns.iter().map(|column| (&*column.slug, column.points_possible)).collect();
        assert_eq!(slugs, [("hw1", 10 * POINT), ("hw2", 5 * POINT)]);
        assert_eq!(book.rows.len(), 2, "students only");
        let row = &book.rows[0];
        assert_eq!((row.current_score, row.current_possible), (83_333, 10 * POINT));
        assert_eq!((row.final_score, row.final_possible), (83_333, 15 * POINT));
        assert_eq!(row.student.as_ref().unwrap().username, "ada");
        let graded = GradebookCell {
            score: Some(83_333),
            late: true,
            attempts: 1,
            graded_attempt: 1,
            grade_revision: 1,
            ..GradebookCell::default()
        };
        let missing = GradebookCell { missing: true, ..GradebookCell::default() };
        assert_eq!(row.cells, [graded, missing]);
        assert!(book.rows[1].cells[0].needs_grading && book.rows[1].cells[0].score.is_none());
    }

    #[test]
    fn the_gradebook_is_for_staff_only() {
        let class = Class::new();
        for (who, refused) in [("ada", "WRONG_ROLE"), ("eve", "NOT_FOUND")] {
            assert_eq!(page(&class, who, 0, "").unwrap_err(), refused);
            assert_eq!(class.world.ask(who, |view| csv_head(view, "cs101")).unwrap_err(), refused);
            assert_eq!(class.world.ask(who, |view| csv_page(view, "cs101", None)).unwrap_err(), refused);
        }
        for who in ["tom", "ines", "root"] {
            assert_eq!(page(&class, who, 0, "").unwrap().rows.len(), 2, "{who}");
        }
    }

    #[test]
    fn pages_go_through_all_students_once() {
        let mut class = Class::new();
        let course_id = class.course_id.clone();
        for number in 0..7 {
            let user_id = class.world.person(&format!("student{number}"), AccountRights::default());
            class.world.enroll(&course_id, &user_id, EnrollmentType::Student);
        }
        let (mut token, mut names) = (String::new(), Vec::new());
        loop {
            let book = page(&class, "tom", 4, &token).unwrap();
            names.extend(book.rows.into_iter().map(|row| row.student.unwrap().username));
            token = book.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        names.sort();
        let mut expected: Vec<String> = (0..7).map(|number| format!("student{number}")).collect();
        expected.splice(0..0, ["ada".to_owned(), "bob".to_owned()]);
        assert_eq!(names, expected);
    }

    #[test]
    fn the_csv_has_canvass_columns_and_no_formulas() {
        let mut class = Class::new();
        class.assignment("hw1", 3, |settings| settings.title = "Essay, part \"one\"".into());
        class.assignment("hw2", 10, |settings| settings.title = "=1+1".into());
        let (ada, bob) = (class.ada.clone(), class.bob.clone());
        rename(&mut class, &ada, "Ada King Lovelace");
        rename(&mut class, &bob, "=HYPERLINK(\"http://x\")");
        grade(&mut class, "hw1", "ada", "2");
        let head = class.world.ask("ines", |view| csv_head(view, "cs101")).unwrap();
        let (body, next) = class.world.ask("ines", |view| csv_page(view, "cs101", None)).unwrap();
        assert_eq!(next, None);
        let csv = String::from_utf8([head, body].concat()).unwrap();
        let expected = format!(
            "\
Student,ID,SIS User ID,SIS Login ID,Section,\"Essay, part \"\"one\"\" (hw1)\",'=1+1 (hw2),Current Score,Final Score
    Points Possible,,,,,3,10,(read only),(read only)
\"Lovelace, Ada King\",{ada},sis-ada,ada,,2,,66.67,15.38
\"'=HYPERLINK(\"\"http://x\"\")\",{bob},sis-bob,bob,,,,,0.00
"
        );
        assert_eq!(csv, expected);
    }

    #[test]
    fn the_csv_comes_in_pieces_with_every_student_once() {
        let mut class = Class::new();
        let course_id = class.course_id.clone();
        for number in 0..2 * CSV_ROWS {
            let user_id = class.world.person(&format!("student{number}"), AccountRights::default());
            class.world.enroll(&course_id, &user_id, EnrollmentType::Student);
        }
        let (mut after, mut pieces, mut csv) = (None, 0, Vec::new());
        loop {
            let (piece, next) = class.world.ask("tom", |view| csv_page(view, "cs101", after.take())).unwrap();
            csv.extend(piece);
            pieces += 1;
            after = next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!((pieces, String::from_utf8(csv).unwrap().lines().count()), (3, 2 * CSV_ROWS + 2));
    }
}
