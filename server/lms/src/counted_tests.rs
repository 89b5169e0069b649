use lectern_proto::POINT;
use lectern_proto::internal::v1::command::Body;
use lectern_proto::v1::{GradingPolicy, LateInterval, LatePolicy};
use proptest::prelude::*;

use super::*;
use crate::fixture::{Class, HOUR_MS};
use crate::{gradebook, grades};

const DAY_MS: i64 = 24 * HOUR_MS;

fn submit(class: &mut Class) -> Counted {
    let request = v1::SubmitRequest {
        course: "cs101".into(),
        assignment: "hw1".into(),
        text: "my work".into(),
        ..v1::SubmitRequest::default()
    };
    let done: v1::SubmitResponse = class.world.run("ada", Body::Submit(request)).unwrap();
    done.counted.unwrap()
}

fn choose(class: &mut Class, who: &str, attempt: u32) -> std::result::Result<Counted, String> {
    let request = v1::ChooseAttemptRequest { course: "cs101".into(), assignment: "hw1".into(), attempt };
    class
        .world
        .run::<v1::ChooseAttemptResponse>(who, Body::ChooseAttempt(request))
        .map(|chosen| chosen.counted.unwrap())
}

fn grade(class: &mut Class, attempt: u32, score: i64, base_revision: u64) -> v1::Grade {
    let request = v1::SetGradeRequest {
        course: "cs101".into(),
        assignment: "hw1".into(),
        user: "ada".into(),
        score: score * POINT,
        attempt,
        base_revision,
        ..v1::SetGradeRequest::default()
    };
    class.world.run::<v1::SetGradeResponse>("tom", Body::SetGrade(request)).unwrap().grade.unwrap()
}

fn cell(class: &Class) -> v1::GradebookCell {
    let request = v1::GetGradebookRequest { course: "cs101".into(), ..v1::GetGradebookRequest::default() };
    class.world.ask("ines", |view| gradebook::get_gradebook(view, &request)).unwrap().rows[0].cells[0]
}

fn seen_by_the_grader(class: &Class) -> v1::GetSubmissionResponse {
    let request = v1::GetSubmissionRequest {
        course: "cs101".into(),
        assignment: "hw1".into(),
        user: "ada".into(),
        ..v1::GetSubmissionRequest::default()
    };
    class.world.ask("tom", |view| attempts::get_submission(view, &request)).unwrap()
}

/// One attempt in time, and a second one two hours late.
fn in_time_and_late() -> Class {
    let mut class = Class::new();
    class.assignment("hw1", 10, |_| {});
    assert_eq!(submit(&mut class).because(), CountsBecause::Latest);
    class.world.now_ms += 3 * HOUR_MS;
    class
}

#[test]
fn a_late_attempt_never_takes_the_place_of_one_that_was_in_time() {
    let mut class = in_time_and_late();
    let counted = submit(&mut class);
    assert_eq!((counted.attempt, counted.because()), (1, CountsBecause::OnTime));
    assert_eq!((cell(&class).attempts, cell(&class).late), (2, false));
    let seen = seen_by_the_grader(&class);
    assert_eq!((seen.submission.unwrap().attempt, seen.attempts), (1, 2));
    assert_eq!(seen.counted.unwrap(), counted);
    let mine = v1::ListMyGradesRequest { course: "cs101".into(), ..v1::ListMyGradesRequest::default() };
    let mine = class.world.ask("ada", |view| grades::list_my_grades(view, &mine)).unwrap().grades;
    assert_eq!((mine[0].attempts, mine[0].late), (2, false));
}

#[test]
fn a_late_attempt_does_not_send_graded_work_back_to_the_queue_and_one_in_time_does() {
    let mut class = in_time_and_late();
    assert!(grade(&mut class, 1, 8, 0).grade_matches_current_submission);
    submit(&mut class);
    assert!(!cell(&class).needs_grading);
    assert!(seen_by_the_grader(&class).submission.unwrap().grade.unwrap().grade_matches_current_submission);
    let mut timely = Class::new();
    timely.assignment("hw1", 10, |_| {});
    submit(&mut timely);
    grade(&mut timely, 1, 8, 0);
    assert_eq!(submit(&mut timely).attempt, 2);
    assert!(cell(&timely).needs_grading);
}

#[test]
fn the_student_chooses_and_everything_follows_the_choice() {
    let mut class = in_time_and_late();
    submit(&mut class);
    grade(&mut class, 1, 8, 0);
    let chosen = choose(&mut class, "ada", 2).unwrap();
    assert_eq!((chosen.attempt, chosen.because(), chosen.chosen_at_ms.is_some()), (2, CountsBecause::Chosen, true));
    assert!(cell(&class).late && cell(&class).needs_grading);
    let seen = seen_by_the_grader(&class);
    assert!(!seen.submission.unwrap().grade.unwrap().grade_matches_current_submission);
    submit(&mut class);
    assert_eq!(seen_by_the_grader(&class).counted.unwrap().attempt, 2, "a choice stands");
    assert!(grade(&mut class, 2, 9, 1).grade_matches_current_submission);
    assert!(!cell(&class).needs_grading);
    let back = choose(&mut class, "ada", 0).unwrap();
    assert_eq!((back.attempt, back.because()), (1, CountsBecause::OnTime));
    assert!(cell(&class).needs_grading, "the grade is for attempt 2");
    choose(&mut class, "ada", 2).unwrap();
    assert!(!cell(&class).needs_grading, "it has its grade already");
    let asked = v1::ListAuditRequest { course: "cs101".into(), ..v1::ListAuditRequest::default() };
    let audit = class.world.ask("ines", |view| crate::audit::list_audit(view, &asked)).unwrap().entries;
    let told: Vec<_> = audit.iter().filter(|it| it.action == "submission.choose").map(|it| &*it.after).collect();
    assert_eq!(told, ["attempt 2 counts: chosen", "attempt 1 counts: the latest in time", "attempt 2 counts: chosen"]);
}

#[test]
fn only_the_student_chooses_and_only_what_there_is() {
    let mut class = in_time_and_late();
    assert_eq!(choose(&mut class, "bob", 1).unwrap_err(), "NOT_FOUND", "bob has handed nothing in");
    assert_eq!(choose(&mut class, "ada", 2).unwrap_err(), "NOT_FOUND");
    assert_eq!(choose(&mut class, "tom", 1).unwrap_err(), "WRONG_ROLE");
    assert_eq!(choose(&mut class, "eve", 1).unwrap_err(), "NOT_FOUND");
}

#[test]
fn only_the_attempt_that_counts_spends_late_days() {
    let mut class = in_time_and_late();
    let policy = GradingPolicy {
        late: Some(LatePolicy { deduct: 1_000, interval: LateInterval::Day.into(), floor: 0 }),
        late_days: 3,
        ..GradingPolicy::default()
    };
    let request = v1::UpdateGradingPolicyRequest { course: "cs101".into(), policy: Some(policy), ..Default::default() };
    class.world.run::<v1::UpdateGradingPolicyResponse>("ines", Body::UpdateGradingPolicy(request)).unwrap();
    class.world.now_ms += DAY_MS;
    submit(&mut class);
    let spent = |class: &Class| {
        let row = rows::Row::read(&class.world.store, &class.course_id, &class.ada).unwrap();
        row.cell(1).late_days
    };
    assert_eq!(spent(&class), 0);
    choose(&mut class, "ada", 2).unwrap();
    assert_eq!(spent(&class), 2);
    assert_eq!(grade(&mut class, 2, 8, 0).points_deducted, 0, "the bank pays");
    choose(&mut class, "ada", 1).unwrap();
    assert_eq!(spent(&class), 0);
}

#[test]
fn below_the_level_the_latest_counts_and_what_was_there_goes_on_as_it_was() {
    let mut class = in_time_and_late();
    class.world.at_level(levels::HAND_INS - 1);
    let counted = submit(&mut class);
    assert_eq!((counted.attempt, counted.because()), (2, CountsBecause::Latest));
    class.world.at_level(levels::HAND_INS);
    assert_eq!(seen_by_the_grader(&class).counted.unwrap().attempt, 2);
    assert_eq!(submit(&mut class).attempt, 3, "a late one after a late one");
    assert_eq!(choose(&mut class, "ada", 0).unwrap().attempt, 1);
}

/// What counts after these attempts (late or not) and choices, told slowly.
fn obvious(acts: &[Act]) -> u32 {
    let mut late = Vec::new();
    let mut choice = None;
    for act in acts {
        match act {
            Act::Submit { late: is_late } => {
                late.push(*is_late);
                choice = choice.filter(|_| *is_late);
            }
            Act::Choose(attempt) => {
                choice = Some(*attempt).filter(|attempt| (1..=late.len()).contains(attempt)).or(choice);
            }
            Act::Forget => choice = None,
        }
    }
    let in_time = late.iter().rposition(|late| !late).map(|at| at + 1);
    u32::try_from(choice.or(in_time).unwrap_or(late.len())).unwrap()
}

#[derive(Clone, Debug)]
enum Act {
    Submit { late: bool },
    Choose(usize),
    Forget,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => any::<bool>().prop_map(|late| Act::Submit { late }),
        1 => (1_usize..8).prop_map(Act::Choose),
        1 => Just(Act::Forget),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn what_counts_is_what_a_slow_and_obvious_reading_says(acts in prop::collection::vec(act(), 1..16)) {
        let mut class = Class::new();
        let id = class.assignment("hw1", 10, |_| {});
        let begun_ms = class.world.now_ms;
        for act in &acts {
            // Time does not run backwards: what is late is moved by the due date instead.
            class.world.now_ms += 1_000;
            let late = matches!(act, Act::Submit { late: true });
            class.due(&id, if late { begun_ms - HOUR_MS } else { begun_ms + DAY_MS });
            match act {
                Act::Submit { .. } => drop(submit(&mut class)),
                Act::Choose(attempt) => drop(choose(&mut class, "ada", u32::try_from(*attempt).unwrap())),
                Act::Forget => drop(choose(&mut class, "ada", 0)),
            }
        }
        let standing = of(&class.world.store, &id, &class.ada).unwrap();
        prop_assert_eq!(standing.counted.attempt, obvious(&acts));
        let row = rows::Row::read(&class.world.store, &class.course_id, &class.ada).unwrap();
        prop_assert_eq!(row.cell(1).late, standing.submission.is_some_and(|submission| submission.late));
    }
}
