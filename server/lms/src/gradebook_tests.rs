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
