use lectern_proto::POINT;
use lectern_proto::internal::v1::{Advance, command::Body};
use lectern_proto::v1::{self, AccountRights, EnrollmentType, GradingPolicy};

use super::*;
use crate::fixture::{Class, HOUR_MS};

fn policy(class: &mut Class, missing_percent: Option<u32>, revision: u64) {
    let request = v1::UpdateGradingPolicyRequest {
        course: "cs101".into(),
        policy: Some(GradingPolicy { missing_percent, ..GradingPolicy::default() }),
        revision,
        ..v1::UpdateGradingPolicyRequest::default()
    };
    class.world.run::<v1::UpdateGradingPolicyResponse>("ines", Body::UpdateGradingPolicy(request)).unwrap();
}

/// Time goes on, and what is due by then is done, as the leader proposes it.
fn pass(class: &mut Class, ms: i64) {
    class.world.now_ms += ms;
    for _ in 0..20 {
        if schedule::next_due(&class.world.store).unwrap().is_none_or(|due| due > class.world.now_ms) {
            return;
        }
        class.world.run_with_key("", "", Body::Advance(Advance::default()));
    }
    panic!("the schedule never comes to rest");
}

fn grade(class: &Class, assignment_id: &str, user_id: &str) -> Option<GradeRecord> {
    class.world.store.record(Table::Grades, &key2(assignment_id, user_id)).unwrap()
}

fn overriding(class: &mut Class, settings: v1::OverrideSettings, base_revision: u64) {
    let request = v1::SetOverrideRequest {
        course: "cs101".into(),
        assignment: "hw1".into(),
        user: "ada".into(),
        settings: Some(settings),
        base_revision,
        ..v1::SetOverrideRequest::default()
    };
    class.world.run::<v1::SetOverrideResponse>("ines", Body::SetOverride(request)).unwrap();
}

#[test]
fn missing_work_gets_its_score_at_the_instant_it_is_late_and_not_before() {
    let mut class = Class::new();
    let hw1 = class.assignment("hw1", 10, |_| {});
    let (ada, bob) = (class.ada.clone(), class.bob.clone());
    policy(&mut class, Some(2_500), 0);
    class.submission(&hw1, &bob, 1, false);
    pass(&mut class, HOUR_MS + 60_000);
    assert_eq!(grade(&class, &hw1, &ada), None, "the grace is not over");
    pass(&mut class, 1);
    let given = grade(&class, &hw1, &ada).unwrap();
    assert_eq!((given.entered_score, given.automatic, given.posted), (25_000, true, false));
    assert_eq!(grade(&class, &hw1, &bob), None, "bob handed in");
    let audited = |view: &crate::View<'_>| {
        audit::list_audit(view, &v1::ListAuditRequest { course: "cs101".into(), ..v1::ListAuditRequest::default() })
    };
    let entry = class.world.ask("ines", audited).unwrap().entries.remove(0);
    assert_eq!((entry.action.as_str(), entry.after.as_str(), entry.actor), ("grade.missing", "2.5: ada", None));
}

#[test]
fn whoever_is_excused_graded_or_extended_is_left_alone_until_their_own_date() {
    let mut class = Class::new();
    let hw1 = class.assignment("hw1", 10, |settings| settings.post_manually = false);
    let (ada, bob) = (class.ada.clone(), class.bob.clone());
    policy(&mut class, Some(0), 0);
    let due = v1::OverriddenDate { at_ms: Some(class.world.now_ms + 5 * HOUR_MS) };
    overriding(&mut class, v1::OverrideSettings { due: Some(due), ..v1::OverrideSettings::default() }, 0);
    pass(&mut class, 2 * HOUR_MS);
    assert_eq!(grade(&class, &hw1, &ada), None);
    assert!(grade(&class, &hw1, &bob).unwrap().posted);
    let excused = v1::OverrideSettings { excused: true, ..v1::OverrideSettings::default() };
    overriding(&mut class, excused, 1);
    pass(&mut class, 10 * HOUR_MS);
    assert_eq!(grade(&class, &hw1, &ada), None, "excused beats everything");
    overriding(&mut class, v1::OverrideSettings::default(), 2);
    pass(&mut class, 1);
    assert_eq!(grade(&class, &hw1, &ada).unwrap().entered_score, 0, "the excuse was taken back");
}

#[test]
fn a_policy_that_comes_later_looks_at_what_is_missing_already_and_one_that_went_at_nothing() {
    let mut class = Class::new();
    let hw1 = class.assignment("hw1", 10, |_| {});
    let ada = class.ada.clone();
    pass(&mut class, 3 * HOUR_MS);
    policy(&mut class, Some(0), 0);
    policy(&mut class, None, 1);
    pass(&mut class, 1);
    assert_eq!(grade(&class, &hw1, &ada), None);
    policy(&mut class, Some(10_000), 2);
    pass(&mut class, 1);
    assert_eq!(grade(&class, &hw1, &ada).unwrap().entered_score, 10 * POINT);
}

#[test]
fn a_grader_goes_on_from_an_automatic_grade_and_late_work_waits_for_one() {
    let mut class = Class::new();
    class.assignment("hw1", 10, |_| {});
    policy(&mut class, Some(0), 0);
    pass(&mut class, 2 * HOUR_MS);
    let submit = v1::SubmitRequest {
        course: "cs101".into(),
        assignment: "hw1".into(),
        text: "late".into(),
        ..v1::SubmitRequest::default()
    };
    class.world.run::<v1::SubmitResponse>("ada", Body::Submit(submit)).unwrap();
    let request = |base_revision| v1::SetGradeRequest {
        course: "cs101".into(),
        assignment: "hw1".into(),
        user: "ada".into(),
        score: 6 * POINT,
        attempt: 1,
        base_revision,
        ..v1::SetGradeRequest::default()
    };
    let stale: std::result::Result<v1::SetGradeResponse, String> = class.world.run("tom", Body::SetGrade(request(0)));
    assert_eq!(stale.unwrap_err(), "STALE_REVISION");
    let done: v1::SetGradeResponse = class.world.run("tom", Body::SetGrade(request(1))).unwrap();
    let grade = done.grade.unwrap();
    assert_eq!((grade.score, grade.automatic), (6 * POINT, false));
}

#[test]
fn a_course_of_many_batches_is_gone_through_once() {
    let mut class = Class::new();
    let hw1 = class.assignment("hw1", 10, |_| {});
    let course_id = class.course_id.clone();
    for at in 0..2 * BATCH {
        let user_id = class.world.person(&format!("student{at}"), AccountRights::default());
        class.world.enroll(&course_id, &user_id, EnrollmentType::Student);
    }
    policy(&mut class, Some(0), 0);
    pass(&mut class, 2 * HOUR_MS);
    let given = class.world.store.prefix(Table::Grades, &key1(&hw1), None, Order::Ascending, 10_000).unwrap();
    assert_eq!(given.len(), 2 * BATCH + 2);
    assert_eq!(counts::of(&class.world.store, &hw1).unwrap().graded as usize, given.len());
}
