use lectern_proto::POINT;
use lectern_proto::internal::v1::command::Body;
use lectern_proto::v1;

use super::*;
use crate::fixture::{Class, HOUR_MS};
use crate::{attempts, grades};

type Done<R> = std::result::Result<R, String>;

fn set_policy(class: &mut Class, policy: GradingPolicy) -> Done<v1::UpdateGradingPolicyResponse> {
    let read = class
        .world
        .ask("ines", |view| {
            grading_policy::get_grading_policy(view, &v1::GetGradingPolicyRequest { course: "cs101".into() })
        })
        .unwrap();
    let request = v1::UpdateGradingPolicyRequest {
        course: "cs101".into(),
        policy: Some(policy),
        revision: read.revision,
        ..v1::UpdateGradingPolicyRequest::default()
    };
    class.world.run("ines", Body::UpdateGradingPolicy(request))
}

fn daily(late_days: u32) -> GradingPolicy {
    let late = v1::LatePolicy { deduct: 1_000, interval: LateInterval::Day.into(), floor: 5_000 };
    GradingPolicy { late: Some(late), late_days, ..GradingPolicy::default() }
}

/// Hands in, and returns the days that were spent.
fn submit(class: &mut Class, assignment: &str) -> u32 {
    let request = v1::SubmitRequest {
        course: "cs101".into(),
        assignment: assignment.into(),
        text: "my work".into(),
        ..v1::SubmitRequest::default()
    };
    let done: v1::SubmitResponse = class.world.run("ada", Body::Submit(request)).unwrap();
    done.submission.unwrap().late_days
}

fn grade(class: &mut Class, assignment: &str, attempt: u32, waive_late: bool) -> v1::Grade {
    let get = v1::GetSubmissionRequest {
        course: "cs101".into(),
        assignment: assignment.into(),
        user: "ada".into(),
        attempt: 0,
    };
    let latest = class.world.ask("tom", |view| attempts::get_submission(view, &get)).unwrap().submission.unwrap();
    let request = v1::SetGradeRequest {
        course: "cs101".into(),
        assignment: assignment.into(),
        user: "ada".into(),
        score: 9 * POINT,
        attempt,
        base_revision: latest.grade.map_or(0, |grade| grade.revision),
        waive_late,
        ..v1::SetGradeRequest::default()
    };
    class.world.run::<v1::SetGradeResponse>("tom", Body::SetGrade(request)).unwrap().grade.unwrap()
}

#[test]
fn a_late_attempt_costs_what_the_policy_says_unless_it_is_waived() {
    let mut class = Class::new();
    class.assignment("hw1", 10, |_| {});
    set_policy(&mut class, daily(0)).unwrap();
    submit(&mut class, "hw1");
    class.world.now_ms += 30 * HOUR_MS;
    submit(&mut class, "hw1");
    let late = grade(&mut class, "hw1", 2, false);
    assert_eq!((late.entered_score, late.points_deducted, late.score), (9 * POINT, 2 * POINT, 7 * POINT));
    let on_time = grade(&mut class, "hw1", 1, false);
    assert_eq!(on_time.points_deducted, 0, "the first attempt was on time");
    let waived = grade(&mut class, "hw1", 2, true);
    assert_eq!((waived.score, waived.late_waived), (9 * POINT, true));
    class.world.now_ms += 30 * 24 * HOUR_MS;
    submit(&mut class, "hw1");
    assert_eq!(grade(&mut class, "hw1", 3, false).score, 5 * POINT, "the floor");
    let request = v1::ListMyGradesRequest { course: "cs101".into(), ..v1::ListMyGradesRequest::default() };
    let mine = class.world.ask("ada", |view| grades::list_my_grades(view, &request)).unwrap();
    assert_eq!(mine.total.unwrap().current, None, "and still hidden");
}

#[test]
fn the_grace_is_not_late_and_after_it_lateness_counts_from_the_due_date() {
    let mut class = Class::new();
    class.assignment("hw1", 10, |_| {});
    set_policy(&mut class, daily(0)).unwrap();
    class.world.now_ms += HOUR_MS + 60_000;
    submit(&mut class, "hw1");
    assert_eq!(grade(&mut class, "hw1", 1, false).points_deducted, 0);
    class.world.now_ms += 24 * HOUR_MS - 60_000;
    submit(&mut class, "hw1");
    assert_eq!(grade(&mut class, "hw1", 2, false).points_deducted, POINT, "24 hours to the millisecond are one day");
}

#[test]
fn late_days_are_spent_when_work_is_handed_in_and_never_more_than_there_are() {
    let mut class = Class::new();
    class.assignment("hw1", 10, |_| {});
    class.assignment("hw2", 10, |settings| settings.due_at_ms = settings.due_at_ms.map(|due| due + 100 * HOUR_MS));
    set_policy(&mut class, daily(3)).unwrap();
    class.world.now_ms += 26 * HOUR_MS;
    assert_eq!(submit(&mut class, "hw1"), 2);
    assert_eq!(grade(&mut class, "hw1", 1, false).points_deducted, 0, "two of three days cover it");
    assert_eq!(submit(&mut class, "hw1"), 2, "a later attempt spends instead, not as well");
    class.world.now_ms += 150 * HOUR_MS;
    assert_eq!(submit(&mut class, "hw2"), 1, "one is left");
    assert_eq!(grade(&mut class, "hw2", 1, false).points_deducted, 3 * POINT, "four days begun less one");
}

#[test]
fn the_night_in_which_clocks_are_changed_has_its_own_length_and_a_day_24_hours() {
    // 2026-10-25, when Berlin has 25 hours: due at 12:00 local on the 24th, handed in at 12:00 local on the 25th.
    let mut class = Class::new();
    let due_at_ms = 1_792_836_000_000;
    class.assignment("hw1", 10, |settings| settings.due_at_ms = Some(due_at_ms));
    set_policy(&mut class, daily(0)).unwrap();
    class.world.now_ms = due_at_ms + 25 * HOUR_MS;
    submit(&mut class, "hw1");
    assert_eq!(grade(&mut class, "hw1", 1, false).points_deducted, 2 * POINT, "25 hours are more than a day");
}

#[test]
fn a_policy_that_makes_no_sense_is_refused() {
    let mut class = Class::new();
    let late = |deduct, interval: LateInterval, floor| GradingPolicy {
        late: Some(v1::LatePolicy { deduct, interval: interval.into(), floor }),
        ..GradingPolicy::default()
    };
    for policy in [
        late(10_001, LateInterval::Day, 0),
        late(1_000, LateInterval::Day, 10_001),
        late(1_000, LateInterval::Unspecified, 0),
        GradingPolicy { missing_percent: Some(10_001), ..GradingPolicy::default() },
        GradingPolicy { late_days: 366, ..GradingPolicy::default() },
    ] {
        assert_eq!(set_policy(&mut class, policy).unwrap_err(), "INVALID_ARGUMENT");
    }
}
