use lectern_proto::POINT;
use lectern_proto::internal::v1::command::Body;

use super::*;
use crate::fixture::Class;
use crate::grades;

type Done<R> = std::result::Result<R, String>;

fn set(class: &mut Class, who: &str, revision: u64, levels: &[(&str, i64)]) -> Done<v1::UpdateGradingPolicyResponse> {
    let level = |(name, from): &(&str, i64)| v1::GradingLevel { name: (*name).into(), from: *from };
    let request = v1::UpdateGradingPolicyRequest {
        course: "cs101".into(),
        policy: Some(GradingPolicy { levels: levels.iter().map(level).collect(), ..GradingPolicy::default() }),
        revision,
        ..v1::UpdateGradingPolicyRequest::default()
    };
    class.world.run(who, Body::UpdateGradingPolicy(request))
}

const LETTERS: [(&str, i64); 3] = [("A", 9_000), ("B", 8_000), ("F", 0)];

#[test]
fn an_instructor_sets_the_scheme_and_everyone_in_the_course_reads_it() {
    let mut class = Class::new();
    assert_eq!(set(&mut class, "tom", 0, &LETTERS).unwrap_err(), "WRONG_ROLE");
    assert_eq!(set(&mut class, "ines", 0, &[("A", 9_000)]).unwrap_err(), "INVALID_ARGUMENT");
    assert_eq!(set(&mut class, "ines", 0, &[("\u{202e}A", 0)]).unwrap_err(), "INVALID_ARGUMENT");
    assert_eq!(set(&mut class, "ines", 0, &LETTERS).unwrap().revision, 1);
    assert_eq!(set(&mut class, "ines", 0, &LETTERS).unwrap_err(), "STALE_REVISION");
    let request = v1::GetGradingPolicyRequest { course: "cs101".into() };
    for who in ["ada", "tom", "ines"] {
        let read = class.world.ask(who, |view| get_grading_policy(view, &request)).unwrap();
        assert_eq!((read.policy.unwrap().levels.len(), read.revision), (3, 1), "{who}");
    }
    assert_eq!(class.world.ask("eve", |view| get_grading_policy(view, &request)).unwrap_err(), "NOT_FOUND");
}

#[test]
fn a_level_is_that_of_the_percentage_that_is_shown() {
    let mut class = Class::new();
    class.assignment("hw1", 20, |settings| settings.post_manually = false);
    set(&mut class, "ines", 0, &LETTERS).unwrap();
    let request = v1::SetGradeRequest {
        course: "cs101".into(),
        assignment: "hw1".into(),
        user: "ada".into(),
        // 89.995 %, which is shown as 90.00.
        score: 17 * POINT + 9_990,
        ..v1::SetGradeRequest::default()
    };
    class.world.run::<v1::SetGradeResponse>("tom", Body::SetGrade(request)).unwrap();
    let request = v1::ListMyGradesRequest { course: "cs101".into(), ..v1::ListMyGradesRequest::default() };
    let total = class.world.ask("ada", |view| grades::list_my_grades(view, &request)).unwrap().total.unwrap();
    assert_eq!((total.current, total.current_level.as_str()), (Some(9_000), "A"));
}
