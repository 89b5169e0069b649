use lectern_proto::POINT;
use lectern_proto::internal::v1::command::Body;

use super::*;
use crate::fixture::Class;

type Done<R> = std::result::Result<R, String>;

fn set(class: &mut Class, who: &str, percent: Option<i64>, base_revision: u64) -> Done<v1::CourseTotal> {
    let request = v1::SetFinalGradeRequest {
        course: "cs101".into(),
        user: "ada".into(),
        percent,
        base_revision,
        reason: "oral exam".into(),
    };
    let done: Done<v1::SetFinalGradeResponse> = class.world.run(who, Body::SetFinalGrade(request));
    done.map(|done| done.total.unwrap())
}

fn mine(class: &Class) -> v1::CourseTotal {
    let request = v1::ListMyGradesRequest { course: "cs101".into(), ..v1::ListMyGradesRequest::default() };
    class.world.ask("ada", |view| grades::list_my_grades(view, &request)).unwrap().total.unwrap()
}

#[test]
fn an_override_is_the_instructors_and_frozen_with_the_course() {
    let mut class = Class::new();
    for who in ["tom", "ada"] {
        assert_eq!(set(&mut class, who, Some(9_000), 0).unwrap_err(), "WRONG_ROLE");
    }
    assert_eq!(set(&mut class, "ines", Some(-1), 0).unwrap_err(), "INVALID_ARGUMENT");
    let total = set(&mut class, "ines", Some(9_000), 0).unwrap();
    assert_eq!((total.r#override, total.override_revision), (Some(9_000), 1));
    assert_eq!(set(&mut class, "ines", Some(8_000), 0).unwrap_err(), "STALE_REVISION");
    assert_eq!(set(&mut class, "ines", None, 1).unwrap().r#override, None);
    class.course_state(CourseState::Completed);
    assert_eq!(set(&mut class, "ines", Some(8_000), 2).unwrap_err(), "WRONG_STATE");
}

#[test]
fn a_student_learns_of_an_override_when_the_course_is_completed() {
    let mut class = Class::new();
    class.assignment("hw1", 10, |settings| settings.post_manually = false);
    let grade = v1::SetGradeRequest {
        course: "cs101".into(),
        assignment: "hw1".into(),
        user: "ada".into(),
        score: 5 * POINT,
        ..v1::SetGradeRequest::default()
    };
    class.world.run::<v1::SetGradeResponse>("tom", Body::SetGrade(grade)).unwrap();
    set(&mut class, "ines", Some(9_000), 0).unwrap();
    assert!(class.world.events.iter().all(|event| event.audience == Audience::Staff), "no event tells of it");
    assert_eq!((mine(&class).r#override, mine(&class).r#final), (None, Some(5_000)));
    class.course_state(CourseState::Completed);
    assert_eq!((mine(&class).r#override, mine(&class).override_revision), (Some(9_000), 0));
}
