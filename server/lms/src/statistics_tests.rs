use lectern_proto::POINT;
use lectern_proto::internal::v1::command::Body;
use lectern_proto::v1::{AccountRights, EnrollmentType};

use super::*;
use crate::fixture::Class;

fn class() -> Class {
    let mut class = Class::new();
    class.assignment("hw1", 10, |_| {});
    class.assignment("bonus", 0, |_| {});
    let course_id = class.course_id.clone();
    for username in ["cy", "dee"] {
        let user_id = class.world.person(username, AccountRights::default());
        class.world.enroll(&course_id, &user_id, EnrollmentType::Student);
    }
    for (user, score) in [("ada", 10), ("bob", 2), ("cy", 6)] {
        for assignment in ["hw1", "bonus"] {
            let request = v1::SetGradeRequest {
                course: "cs101".into(),
                assignment: assignment.into(),
                user: user.into(),
                score: if assignment == "hw1" { score * POINT } else { 0 },
                ..v1::SetGradeRequest::default()
            };
            class.world.run::<v1::SetGradeResponse>("tom", Body::SetGrade(request)).unwrap();
        }
    }
    class
}

fn ask(class: &Class, who: &str, assignment: &str) -> std::result::Result<v1::GetStatisticsResponse, String> {
    let request = v1::GetStatisticsRequest { course: "cs101".into(), assignment: assignment.into() };
    class.world.ask(who, |view| get_statistics(view, &request))
}

#[test]
fn an_assignments_statistics_are_over_everyone_with_a_score() {
    let class = class();
    let it = ask(&class, "tom", "hw1").unwrap();
    assert_eq!((it.students, it.count), (4, 3));
    assert_eq!(
        [it.lowest, it.lower_quartile, it.median, it.upper_quartile, it.highest],
        [2 * POINT, 4 * POINT, 6 * POINT, 8 * POINT, 10 * POINT]
    );
    assert_eq!((it.mean, it.points_possible), (6 * POINT, 10 * POINT));
    assert_eq!(it.histogram, [0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1]);
    assert!(ask(&class, "tom", "bonus").unwrap().histogram.is_empty(), "nothing of nothing has no class");
}

#[test]
fn a_courses_statistics_are_over_its_current_totals_and_for_the_staff() {
    let class = class();
    let it = ask(&class, "ines", "").unwrap();
    assert_eq!((it.count, it.lowest, it.median, it.highest), (3, 2_000, 6_000, 10_000));
    for (who, refused) in [("ada", "WRONG_ROLE"), ("eve", "NOT_FOUND")] {
        assert_eq!(ask(&class, who, "").unwrap_err(), refused);
        assert_eq!(ask(&class, who, "hw1").unwrap_err(), refused);
    }
}

#[test]
fn a_course_without_students_or_scores_has_empty_statistics() {
    let mut class = Class::new();
    class.assignment("hw1", 10, |_| {});
    let it = ask(&class, "tom", "hw1").unwrap();
    assert_eq!((it.students, it.count, it.mean), (2, 0, 0));
}
