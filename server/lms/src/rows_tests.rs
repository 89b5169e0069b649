use lectern_proto::POINT;
use lectern_proto::internal::v1::command::Body;
use lectern_proto::v1;
use proptest::prelude::*;

use super::*;
use crate::fixture::Class;

#[test]
fn a_row_survives_its_stored_form() {
    let cell = Cell {
        score: Some(0),
        posted: true,
        late: true,
        needs_grading: true,
        excused: true,
        attempts: 3,
        graded_attempt: 2,
        grade_revision: 9,
        late_days: 4,
    };
    let record = Row::default().changed(7, |it| *it = cell);
    let record = Row::of(&record).unwrap().changed(2, |it| it.attempts = 1);
    let row = Row::of(&record).unwrap();
    assert_eq!((row.cell(7), row.cell(2).attempts, row.cell(5)), (cell, 1, Cell::default()));
    let damaged = GradebookRowRecord { scores: Vec::new(), ..record };
    assert!(matches!(Row::of(&damaged), Err(StoreError::Damaged { .. })));
}

/// Does one thing that changes a cell; what is refused changes nothing.
fn act(class: &mut Class, what: u8, assignment: &str, user: &str, score: i64) {
    let (course, assignment, user) = ("cs101".to_owned(), assignment.to_owned(), user.to_owned());
    let id = if user == "ada" { class.ada.clone() } else { class.bob.clone() };
    let row = Row::read(&class.world.store, &class.course_id, &id).unwrap();
    let cell = row.cell(if assignment == "hw1" { 1 } else { 2 });
    class.world.now_ms += 600_000;
    let _: std::result::Result<v1::SubmitResponse, String> = match what {
        0 | 1 => class.world.run(
            &user,
            Body::Submit(v1::SubmitRequest { course, assignment, text: "work".into(), ..v1::SubmitRequest::default() }),
        ),
        2 | 3 => {
            let request = v1::SetGradeRequest {
                course,
                assignment,
                user,
                score: score * POINT,
                attempt: cell.attempts.saturating_sub(u32::from(what == 3)),
                base_revision: cell.grade_revision,
                ..v1::SetGradeRequest::default()
            };
            class
                .world
                .run::<v1::SetGradeResponse>("tom", Body::SetGrade(request))
                .map(|_| v1::SubmitResponse::default())
        }
        _ => {
            let request = v1::PostGradesRequest { course, assignment, users: Vec::new(), hide: what == 5 };
            class
                .world
                .run::<v1::PostGradesResponse>("ines", Body::PostGrades(request))
                .map(|_| v1::SubmitResponse::default())
        }
    };
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_row_always_says_what_the_records_say(
        acts in prop::collection::vec((0_u8..6, any::<bool>(), any::<bool>(), 0_i64..10), 1..25),
    ) {
        let mut class = Class::new();
        let ids = [class.assignment("hw1", 10, |_| {}), class.assignment("hw2", 10, |settings| settings.post_manually = false)];
        for (what, first, ada, score) in acts {
            act(&mut class, what, if first { "hw1" } else { "hw2" }, if ada { "ada" } else { "bob" }, score);
        }
        for user_id in [class.ada.clone(), class.bob.clone()] {
            let row = Row::read(&class.world.store, &class.course_id, &user_id).unwrap();
            for (at, id) in ids.iter().enumerate() {
                let number = u32::try_from(at + 1).unwrap();
                prop_assert_eq!(row.cell(number), Cell::of_records(&class.world.store, id, &user_id).unwrap());
            }
        }
    }
}
