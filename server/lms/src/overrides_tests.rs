use lectern_proto::internal::v1::command::Body;

use super::*;
use crate::fixture::{Class, HOUR_MS};
use crate::gradebook;

type Done<R> = std::result::Result<R, String>;

fn at(ms: i64) -> OverriddenDate {
    OverriddenDate { at_ms: Some(ms) }
}

fn request(user: &str, section: &str, base_revision: u64, settings: OverrideSettings) -> v1::SetOverrideRequest {
    v1::SetOverrideRequest {
        course: "cs101".into(),
        assignment: "hw1".into(),
        user: user.into(),
        section: section.into(),
        settings: Some(settings),
        base_revision,
        reason: "illness".into(),
    }
}

fn set(class: &mut Class, who: &str, request: v1::SetOverrideRequest) -> Done<v1::Override> {
    let done: Done<v1::SetOverrideResponse> = class.world.run(who, Body::SetOverride(request));
    done.map(|done| done.r#override.unwrap())
}

fn excuse(class: &mut Class, revision: u64, excused: bool) -> v1::Override {
    let settings = OverrideSettings { excused, ..OverrideSettings::default() };
    set(class, "ines", request("ada", "", revision, settings)).unwrap()
}

/// `cs101` with `hw1`, due in an hour, and everyone in the section `Monday`.
fn class() -> Class {
    let mut class = Class::new();
    class.assignment("hw1", 10, |settings| settings.allowed_attempts = 1);
    let course: lectern_proto::internal::v1::CourseRecord =
        class.world.store.record(Table::Courses, &key1(&class.course_id)).unwrap().unwrap();
    let section = SectionRecord {
        section_id: course.default_section_id.clone(),
        course_id: course.course_id.clone(),
        name: "Monday".into(),
        ..SectionRecord::default()
    };
    class.put(Table::Sections, key2(&course.course_id, &course.default_section_id), &section);
    class
}

fn state(class: &Class, who: &str) -> v1::MySubmissionState {
    let request = v1::GetAssignmentRequest { course: "cs101".into(), assignment: "hw1".into() };
    class.world.ask(who, |view| assignments::get_assignment(view, &request)).unwrap().assignment.unwrap().mine.unwrap()
}

fn cell(class: &Class, row: usize) -> v1::GradebookCell {
    let request = v1::GetGradebookRequest { course: "cs101".into(), ..v1::GetGradebookRequest::default() };
    class.world.ask("tom", |view| gradebook::get_gradebook(view, &request)).unwrap().rows[row].cells[0]
}

#[test]
fn each_date_stands_on_its_own_and_a_students_goes_before_their_sections() {
    let mut class = class();
    let now_ms = class.world.now_ms;
    let later = OverrideSettings { due: Some(at(now_ms + 5 * HOUR_MS)), ..OverrideSettings::default() };
    set(&mut class, "ines", request("", "Monday", 0, later)).unwrap();
    let own = OverrideSettings {
        lock: Some(at(now_ms + 9 * HOUR_MS)),
        unlock: Some(at(now_ms - HOUR_MS)),
        extra_attempts: 2,
        ..OverrideSettings::default()
    };
    set(&mut class, "ines", request("ada", "", 0, own)).unwrap();
    let (ada, bob) = (state(&class, "ada"), state(&class, "bob"));
    assert_eq!((ada.due_at_ms, ada.lock_at_ms), (Some(now_ms + 5 * HOUR_MS), Some(now_ms + 9 * HOUR_MS)));
    assert_eq!((bob.due_at_ms, bob.lock_at_ms), (Some(now_ms + 5 * HOUR_MS), None));
    assert_eq!((ada.allowed_attempts, bob.allowed_attempts), (3, 1));
    let earlier = OverrideSettings { due: Some(at(now_ms + 2 * HOUR_MS)), ..own };
    set(&mut class, "ines", request("ada", "", 1, earlier)).unwrap();
    assert_eq!(state(&class, "ada").due_at_ms, Some(now_ms + 2 * HOUR_MS));
    let never = OverrideSettings { due: Some(OverriddenDate { at_ms: None }), ..OverrideSettings::default() };
    set(&mut class, "ines", request("ada", "", 2, never)).unwrap();
    assert_eq!(state(&class, "ada").due_at_ms, None, "no due date at all");
}

#[test]
fn what_is_missing_follows_the_dates_in_effect_in_the_gradebook_too() {
    let mut class = class();
    let later = OverrideSettings { due: Some(at(class.world.now_ms + 5 * HOUR_MS)), ..OverrideSettings::default() };
    set(&mut class, "ines", request("ada", "", 0, later)).unwrap();
    class.world.now_ms += 2 * HOUR_MS;
    assert_eq!([cell(&class, 0).missing, cell(&class, 1).missing], [false, true], "ada has until later");
    assert_eq!([state(&class, "ada").missing, state(&class, "bob").missing], [false, true]);
    class.world.now_ms += 5 * HOUR_MS;
    assert!(cell(&class, 0).missing && state(&class, "ada").missing);
    set(&mut class, "ines", request("", "Monday", 0, later)).unwrap();
    set(&mut class, "ines", request("ada", "", 1, OverrideSettings::default())).unwrap();
    assert!(cell(&class, 1).missing, "the section's date has passed as well");
}

#[test]
fn excused_work_is_neither_missing_nor_counted_and_can_be_taken_back() {
    let mut class = class();
    class.world.now_ms += 2 * HOUR_MS;
    assert!(cell(&class, 0).missing);
    let revision = excuse(&mut class, 0, true).revision;
    let there = cell(&class, 0);
    assert!(there.excused && !there.missing);
    assert!(state(&class, "ada").excused && !state(&class, "ada").missing);
    let request = v1::GetGradebookRequest { course: "cs101".into(), ..v1::GetGradebookRequest::default() };
    let book = class.world.ask("tom", |view| gradebook::get_gradebook(view, &request)).unwrap();
    let finals: Vec<Option<i64>> = book.rows.iter().map(|row| row.total.as_ref().unwrap().r#final).collect();
    assert_eq!(finals, [None, Some(0)], "nothing counts for ada");
    excuse(&mut class, revision, false);
    assert!(cell(&class, 0).missing && !cell(&class, 0).excused);
}

#[test]
fn overrides_are_the_instructors_audited_and_never_overwrite_each_other() {
    let mut class = class();
    let settings = OverrideSettings { extra_attempts: 1, ..OverrideSettings::default() };
    for (who, refused) in [("tom", "WRONG_ROLE"), ("ada", "WRONG_ROLE"), ("eve", "NOT_FOUND")] {
        assert_eq!(set(&mut class, who, request("ada", "", 0, settings)).unwrap_err(), refused);
    }
    set(&mut class, "ines", request("ada", "", 0, settings)).unwrap();
    assert_eq!(set(&mut class, "ines", request("ada", "", 0, settings)).unwrap_err(), "STALE_REVISION");
    assert_eq!(set(&mut class, "ines", request("tom", "", 0, settings)).unwrap_err(), "NOT_FOUND", "no student");
    assert_eq!(set(&mut class, "ines", request("", "Friday", 0, settings)).unwrap_err(), "NOT_FOUND");
    assert_eq!(set(&mut class, "ines", request("ada", "Monday", 0, settings)).unwrap_err(), "INVALID_ARGUMENT");
    assert_eq!(set(&mut class, "ines", request("", "", 0, settings)).unwrap_err(), "INVALID_ARGUMENT");
    let excused = OverrideSettings { excused: true, ..OverrideSettings::default() };
    assert_eq!(set(&mut class, "ines", request("", "Monday", 0, excused)).unwrap_err(), "INVALID_ARGUMENT");
    let audited = |view: &View<'_>| {
        audit::list_audit(view, &v1::ListAuditRequest { course: "cs101".into(), ..v1::ListAuditRequest::default() })
    };
    let entry = class.world.ask("ines", audited).unwrap().entries.remove(0);
    let words = [entry.subject.as_str(), entry.before.as_str(), entry.after.as_str(), entry.reason.as_str()];
    assert_eq!(words, ["cs101/hw1 ada", "none", "1 more attempt", "illness"]);
    let request = v1::ListOverridesRequest {
        course: "cs101".into(),
        assignment: "hw1".into(),
        ..v1::ListOverridesRequest::default()
    };
    assert_eq!(class.world.ask("tom", |view| list_overrides(view, &request)).unwrap().overrides.len(), 1);
    assert_eq!(class.world.ask("ada", |view| list_overrides(view, &request)).unwrap_err(), "WRONG_ROLE");
}

#[test]
fn dates_that_cross_the_assignments_own_are_refused() {
    let mut class = class();
    let settings = OverrideSettings { lock: Some(at(class.world.now_ms)), ..OverrideSettings::default() };
    assert_eq!(set(&mut class, "ines", request("ada", "", 0, settings)).unwrap_err(), "INVALID_ARGUMENT");
    let settings = OverrideSettings { due: Some(at(-1)), ..OverrideSettings::default() };
    assert_eq!(set(&mut class, "ines", request("ada", "", 0, settings)).unwrap_err(), "INVALID_ARGUMENT");
}

#[test]
fn an_extended_student_hands_in_on_time_where_the_others_are_late() {
    let mut class = class();
    let later = OverrideSettings { due: Some(at(class.world.now_ms + 5 * HOUR_MS)), ..OverrideSettings::default() };
    set(&mut class, "ines", request("ada", "", 0, later)).unwrap();
    class.world.now_ms += 2 * HOUR_MS;
    let submit = v1::SubmitRequest {
        course: "cs101".into(),
        assignment: "hw1".into(),
        text: "my work".into(),
        ..v1::SubmitRequest::default()
    };
    for (who, late) in [("ada", false), ("bob", true)] {
        let done: v1::SubmitResponse = class.world.run(who, Body::Submit(submit.clone())).unwrap();
        assert_eq!(done.submission.unwrap().late, late, "{who}");
    }
    let again: Done<v1::SubmitResponse> = class.world.run("ada", Body::Submit(submit.clone()));
    assert_eq!(again.unwrap_err(), "NO_ATTEMPTS_LEFT");
    let more = OverrideSettings { extra_attempts: 1, ..later };
    set(&mut class, "ines", request("ada", "", 1, more)).unwrap();
    class.world.run::<v1::SubmitResponse>("ada", Body::Submit(submit)).unwrap();
}
