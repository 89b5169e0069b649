use lectern_proto::POINT;
use lectern_proto::internal::v1::{AuditRecord, EnrollmentRecord, OutageRecord, command::Body, outcome};
use lectern_proto::v1::{CourseState, EnrollmentState, Grade};

use super::*;
use crate::attempts;
use crate::fixture::{Class, HOUR_MS};

fn set(class: &mut Class, who: &str, request: v1::SetGradeRequest) -> std::result::Result<Grade, String> {
    let response: v1::SetGradeResponse = class.world.run(who, Body::SetGrade(request))?;
    Ok(response.grade.unwrap())
}

fn grade_of(user: &str, score: i64, base_revision: u64) -> v1::SetGradeRequest {
    v1::SetGradeRequest {
        course: "cs101".into(),
        assignment: "hw1".into(),
        user: user.into(),
        score: score * POINT,
        feedback: "Well argued.".into(),
        base_revision,
        reason: "first reading".into(),
        ..v1::SetGradeRequest::default()
    }
}

fn post(class: &mut Class, who: &str, users: &[&str], hide: bool) -> std::result::Result<u32, String> {
    let users = users.iter().map(ToString::to_string).collect();
    let request = v1::PostGradesRequest { course: "cs101".into(), assignment: "hw1".into(), users, hide };
    class.world.run::<v1::PostGradesResponse>(who, Body::PostGrades(request)).map(|response| response.changed)
}

fn my_grades(class: &Class, who: &str) -> std::result::Result<v1::ListMyGradesResponse, String> {
    let request = v1::ListMyGradesRequest { course: "cs101".into(), ..v1::ListMyGradesRequest::default() };
    class.world.ask(who, |view| list_my_grades(view, &request))
}

fn seen_by(class: &Class, who: &str, whose: &str) -> Option<Grade> {
    class
        .world
        .ask(who, |view| {
            let access = CourseAccess::open(view.store, view.actor, "cs101")?;
            let assignment = lookup::assignment(view.store, &class.course_id, "hw1")?.unwrap();
            visible_grade(view, &access, &assignment, whose)
        })
        .unwrap()
}

fn audit_entries(class: &Class) -> Vec<AuditRecord> {
    let rows = class.world.store.records(Table::Audit, &key1(&class.course_id), None, Order::Ascending, 100).unwrap();
    rows.into_iter().map(|(_, entry)| entry).collect()
}

#[test]
fn a_grade_is_hidden_until_it_is_posted_and_again_when_it_is_hidden() {
    let mut class = Class::new();
    let hw1 = class.assignment("hw1", 10, |_| {});
    let (ada, bob) = (class.ada.clone(), class.bob.clone());
    class.submission(&hw1, &ada, 1, true);
    let first = v1::SetGradeRequest { attempt: 1, ..grade_of("ada", 9, 0) };
    let grade = set(&mut class, "tom", first).unwrap();
    assert_eq!((grade.score, grade.entered_score, grade.attempt, grade.revision), (9 * POINT, 9 * POINT, 1, 1));
    assert!(!grade.posted && grade.grade_matches_current_submission);
    assert!(
        class.world.events.iter().all(|event| event.audience == Audience::Staff),
        "a student is not told of a hidden grade"
    );
    assert_eq!(seen_by(&class, "ada", &ada), None);
    assert_eq!(seen_by(&class, "ines", &ada), Some(grade));
    let mine = my_grades(&class, "ada").unwrap();
    assert_eq!((mine.current_score, mine.current_possible), (0, 0));
    assert_eq!((&mine.grades[0].grade, mine.grades[0].state()), (&None, WorkflowState::Submitted));
    assert!(mine.grades[0].late && !mine.grades[0].missing);

    assert_eq!(post(&mut class, "ines", &[], false), Ok(1));
    let told: Vec<_> = class.world.events.iter().filter(|event| event.kind == EventKind::Grade).collect();
    assert_eq!(told[0].audience, Audience::User(ada.clone()));
    assert_eq!(post(&mut class, "ines", &[], false), Ok(0), "posted already");
    assert_eq!(seen_by(&class, "ada", &ada).unwrap().feedback, "Well argued.");
    assert_eq!(seen_by(&class, "bob", &ada), None, "a grade is nobody else's business");
    assert_eq!(seen_by(&class, "bob", &bob), None);
    let mine = my_grades(&class, "ada").unwrap();
    assert_eq!((mine.current_score, mine.current_possible), (9 * POINT, 10 * POINT));
    assert_eq!(mine.grades[0].state(), WorkflowState::Graded);

    assert_eq!(post(&mut class, "ines", &["ada"], true), Ok(1));
    assert_eq!(seen_by(&class, "ada", &ada), None);
    assert_eq!(my_grades(&class, "ada").unwrap().current_possible, 0);
}

#[test]
fn the_second_of_two_graders_is_told_who_came_first() {
    let mut class = Class::new();
    class.assignment("hw1", 10, |_| {});
    set(&mut class, "tom", grade_of("ada", 9, 0)).unwrap();
    let outcome = class.world.run_with_key("ines", "", Body::SetGrade(grade_of("ada", 7, 0)));
    let Some(outcome::Result::Refusal(refusal)) = outcome.result else { panic!("{outcome:?}") };
    assert_eq!(refusal.reason, "STALE_REVISION");
    assert!(refusal.message.contains("Name of tom (tom)") && refusal.message.contains('9'), "{}", refusal.message);
    assert_eq!((&*refusal.metadata["changed_by"], &*refusal.metadata["revision"]), ("tom", "1"));
    let changed = set(&mut class, "ines", grade_of("ada", 7, 1)).unwrap();
    assert_eq!((changed.score, changed.revision, changed.grader.unwrap().username), (7 * POINT, 2, "ines".into()));
    assert_eq!(set(&mut class, "tom", grade_of("bob", 7, 3)), Err("STALE_REVISION".into()), "no grade yet");
}

#[test]
fn every_change_of_a_grade_is_in_the_audit_without_the_feedback() {
    let mut class = Class::new();
    class.assignment("hw1", 10, |_| {});
    set(&mut class, "tom", grade_of("ada", 9, 0)).unwrap();
    set(&mut class, "ines", grade_of("ada", 8, 1)).unwrap();
    post(&mut class, "ines", &[], false).unwrap();
    let entries = audit_entries(&class);
    let actions: Vec<_> = entries.iter().map(|entry| &*entry.action).collect();
    assert_eq!(actions, ["grade.set", "grade.set", "grade.post"]);
    assert_eq!(entries[1].subject, "cs101/hw1 ada");
    assert_eq!(entries[1].before, "9, hidden, feedback of 12 bytes");
    assert_eq!(entries[1].after, "8, hidden, feedback of 12 bytes");
    assert_eq!(entries[1].reason, "first reading");
    assert_eq!((&*entries[2].subject, &*entries[2].after), ("cs101/hw1", "posted: ada"));
}

#[test]
fn grading_the_latest_attempt_takes_it_off_the_list_and_a_resubmission_outdates_the_grade() {
    let mut class = Class::new();
    let hw1 = class.assignment("hw1", 10, |_| {});
    let ada = class.ada.clone();
    class.submission(&hw1, &ada, 1, false);
    class.submission(&hw1, &ada, 2, false);
    let old = set(&mut class, "tom", v1::SetGradeRequest { attempt: 1, ..grade_of("ada", 9, 0) }).unwrap();
    assert!(!old.grade_matches_current_submission);
    assert_eq!(class.world.store.len(Table::NeedsGrading), 1, "attempt 2 still waits");
    let new = set(&mut class, "tom", v1::SetGradeRequest { attempt: 2, ..grade_of("ada", 10, 1) }).unwrap();
    assert!(new.grade_matches_current_submission && new.attempt == 2);
    assert_eq!(class.world.store.len(Table::NeedsGrading), 0);
    class.submission(&hw1, &ada, 3, false);
    assert!(!seen_by(&class, "tom", &ada).unwrap().grade_matches_current_submission);
    let missing_attempt = v1::SetGradeRequest { attempt: 4, ..grade_of("ada", 9, 2) };
    assert_eq!(set(&mut class, "tom", missing_attempt), Err("NOT_FOUND".into()));
}

#[test]
fn work_that_nobody_looked_at_gets_no_grade() {
    let mut class = Class::new();
    let hw1 = class.assignment("hw1", 10, |_| {});
    let ada = class.ada.clone();
    let zero = set(&mut class, "tom", grade_of("ada", 0, 0)).unwrap();
    assert_eq!(zero.attempt, 0, "nothing was handed in, and the grader says so");
    let unseen = v1::SetGradeRequest { attempt: 1, ..grade_of("ada", 1, 1) };
    assert_eq!(set(&mut class, "tom", unseen.clone()), Err("NOT_FOUND".into()));
    class.submission(&hw1, &ada, 1, false);
    assert_eq!(set(&mut class, "tom", grade_of("ada", 1, 1)), Err("ATTEMPT_REQUIRED".into()));
    assert_eq!(class.world.store.len(Table::NeedsGrading), 1, "it still waits for a grade");
    assert_eq!(set(&mut class, "tom", unseen).unwrap().attempt, 1);
}

#[test]
fn without_manual_posting_a_grade_is_posted_as_it_is_set_unless_it_was_hidden_by_hand() {
    let mut class = Class::new();
    class.assignment("hw1", 10, |settings| settings.post_manually = false);
    let ada = class.ada.clone();
    assert!(set(&mut class, "tom", grade_of("ada", 9, 0)).unwrap().posted);
    assert!(class.world.events.iter().any(|event| event.audience == Audience::UserAndStaff(ada.clone())));
    post(&mut class, "ines", &["ada"], true).unwrap();
    let regraded = set(&mut class, "tom", grade_of("ada", 8, 1)).unwrap();
    assert_eq!((regraded.posted, regraded.posted_at_ms), (false, None));
    assert_eq!(seen_by(&class, "ada", &ada), None);
}

#[test]
fn only_staff_grade_and_only_instructors_post() {
    let mut class = Class::new();
    class.assignment("hw1", 10, |_| {});
    assert_eq!(set(&mut class, "ada", grade_of("ada", 10, 0)), Err("WRONG_ROLE".into()));
    assert_eq!(set(&mut class, "eve", grade_of("ada", 10, 0)), Err("NOT_FOUND".into()));
    assert_eq!(set(&mut class, "", grade_of("ada", 10, 0)), Err("NOT_SIGNED_IN".into()));
    set(&mut class, "root", grade_of("ada", 10, 0)).unwrap();
    for (who, refused) in [("ada", "WRONG_ROLE"), ("tom", "WRONG_ROLE"), ("eve", "NOT_FOUND")] {
        assert_eq!(post(&mut class, who, &[], false), Err(refused.into()), "{who}");
    }
    assert_eq!(my_grades(&class, "tom").unwrap_err(), "WRONG_ROLE");
    assert_eq!(my_grades(&class, "eve").unwrap_err(), "NOT_FOUND");
}

#[test]
fn scores_are_bounded_and_extra_credit_goes_up_to_twice() {
    let mut class = Class::new();
    class.assignment("hw1", 10, |_| {});
    assert_eq!(set(&mut class, "tom", grade_of("ada", 21, 0)), Err("INVALID_ARGUMENT".into()));
    assert_eq!(set(&mut class, "tom", grade_of("ada", -1, 0)), Err("INVALID_ARGUMENT".into()));
    assert_eq!(set(&mut class, "tom", grade_of("ada", 20, 0)).unwrap().score, 20 * POINT);
    let mut class = Class::new();
    class.assignment("hw1", 0, |_| {});
    assert_eq!(set(&mut class, "tom", grade_of("ada", 3, 0)).unwrap().score, 3 * POINT);
}

#[test]
fn a_grade_needs_a_student_a_published_assignment_and_an_open_course() {
    let mut class = Class::new();
    class.assignment("hw1", 10, |settings| settings.published = false);
    assert_eq!(set(&mut class, "tom", grade_of("ada", 9, 0)), Err("WRONG_STATE".into()));
    class.assignment("hw1", 10, |_| {});
    for nobody in ["eve", "tom", "nobody", ""] {
        assert_eq!(set(&mut class, "tom", grade_of(nobody, 9, 0)), Err("NOT_FOUND".into()), "{nobody}");
    }
    let elsewhere = v1::SetGradeRequest { assignment: "hw9".into(), ..grade_of("ada", 9, 0) };
    assert_eq!(set(&mut class, "tom", elsewhere), Err("NOT_FOUND".into()));
    let wordy = v1::SetGradeRequest { feedback: "x".repeat(limits::BODY_BYTES + 1), ..grade_of("ada", 9, 0) };
    assert_eq!(set(&mut class, "tom", wordy), Err("TOO_LONG".into()));
    assert_eq!(post(&mut class, "ines", &["ada"], false), Err("NOT_FOUND".into()), "not graded");
    let everyone = vec!["ada"; limits::MAX_PAGE_ROWS + 1];
    assert_eq!(post(&mut class, "ines", &everyone, false), Err("TOO_MANY".into()));

    let (bob, course_id) = (class.bob.clone(), class.course_id.clone());
    let mut enrollment: EnrollmentRecord =
        class.world.store.record(Table::Enrollments, &key2(&course_id, &bob)).unwrap().unwrap();
    enrollment.set_state(EnrollmentState::Completed);
    class.put(Table::Enrollments, key2(&course_id, &bob), &enrollment);
    set(&mut class, "tom", grade_of("bob", 9, 0)).unwrap();
    enrollment.set_state(EnrollmentState::Inactive);
    class.put(Table::Enrollments, key2(&course_id, &bob), &enrollment);
    assert_eq!(set(&mut class, "tom", grade_of("bob", 8, 1)), Err("NOT_FOUND".into()));

    class.course_state(CourseState::Completed);
    assert_eq!(set(&mut class, "tom", grade_of("ada", 9, 0)), Err("WRONG_STATE".into()));
    assert_eq!(post(&mut class, "ines", &[], false), Err("WRONG_STATE".into()));
}

#[test]
fn a_refused_posting_of_several_changes_none_of_them() {
    let mut class = Class::new();
    class.assignment("hw1", 10, |_| {});
    set(&mut class, "tom", grade_of("ada", 9, 0)).unwrap();
    assert_eq!(post(&mut class, "ines", &["ada", "bob"], false), Err("NOT_FOUND".into()));
    assert_eq!(seen_by(&class, "ada", &class.ada.clone()), None);
}

#[test]
fn my_grades_are_paged_say_what_is_missing_and_leave_out_unpublished_work() {
    let mut class = Class::new();
    class.assignment("draft", 10, |settings| settings.published = false);
    for slug in ["hw1", "hw2", "hw3"] {
        class.assignment(slug, 10, |_| {});
    }
    class.assignment("essay-on-paper", 10, |settings| {
        settings.submission_types = vec![v1::SubmissionType::OnPaper.into()];
    });
    set(&mut class, "tom", grade_of("ada", 9, 0)).unwrap();
    post(&mut class, "ines", &[], false).unwrap();
    class.world.now_ms += HOUR_MS + 60_000;
    assert!(!my_grades(&class, "ada").unwrap().grades[1].missing, "within the grace");
    class.world.now_ms += 1;
    let (mut token, mut seen) = (String::new(), Vec::new());
    loop {
        let request = v1::ListMyGradesRequest { course: "cs101".into(), page_size: 2, page_token: token };
        let page = class.world.ask("ada", |view| list_my_grades(view, &request)).unwrap();
        assert_eq!((page.current_score, page.current_possible), (9 * POINT, 10 * POINT));
        seen.extend(page.grades.into_iter().map(|grade| (grade.assignment_slug, grade.missing)));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    let expected = [("hw1", true), ("hw2", true), ("hw3", true), ("essay-on-paper", false)];
    assert_eq!(seen, expected.map(|(slug, missing)| (slug.to_owned(), missing)));
}

#[test]
fn the_counts_of_an_assignment_follow_its_grades() {
    let mut class = Class::new();
    let hw1 = class.assignment("hw1", 10, |_| {});
    let counted = |class: &Class| {
        let counts = counts::of(&class.world.store, &hw1).unwrap();
        (counts.graded, counts.posted)
    };
    set(&mut class, "tom", grade_of("ada", 9, 0)).unwrap();
    set(&mut class, "tom", grade_of("ada", 8, 1)).unwrap();
    set(&mut class, "tom", grade_of("bob", 8, 0)).unwrap();
    assert_eq!(counted(&class), (2, 0));
    post(&mut class, "ines", &[], false).unwrap();
    assert_eq!(counted(&class), (2, 2));
    post(&mut class, "ines", &["bob"], true).unwrap();
    assert_eq!(counted(&class), (2, 1));
}

#[test]
fn nobody_misses_what_was_due_in_an_outage_that_just_ended() {
    let mut class = Class::new();
    class.assignment("hw1", 10, |_| {});
    let due_at_ms = class.world.now_ms + HOUR_MS;
    let outage = OutageRecord { started_at_ms: due_at_ms - 1, ended_at_ms: due_at_ms + HOUR_MS };
    class.put(Table::Outages, key1(outage.started_at_ms), &outage);
    class.world.now_ms = outage.ended_at_ms + 1;
    assert!(!my_grades(&class, "ada").unwrap().grades[0].missing);
    class.world.now_ms += HOUR_MS;
    assert!(my_grades(&class, "ada").unwrap().grades[0].missing);
}

#[test]
fn a_student_who_never_signed_in_is_listed_counted_and_graded_like_the_others() {
    let mut class = Class::new();
    let course_id = class.course_id.clone();
    let (old, hw1) = (class.world.person("old", v1::AccountRights::default()), class.assignment("hw1", 10, |_| {}));
    let new = class.world.person("new", v1::AccountRights::default());
    for (user_id, state) in [(&new, EnrollmentState::Invited), (&old, EnrollmentState::Inactive)] {
        class.world.enroll(&course_id, user_id, v1::EnrollmentType::Student);
        let key = key2(&course_id, user_id);
        let before: EnrollmentRecord = class.world.store.record(Table::Enrollments, &key).unwrap().unwrap();
        class.put(Table::Enrollments, key, &EnrollmentRecord { state: state.into(), ..before });
    }
    assert_eq!(set(&mut class, "tom", grade_of("new", 5, 0)).unwrap().attempt, 0, "handed in on paper");
    assert_eq!(set(&mut class, "tom", grade_of("old", 5, 0)).unwrap_err(), "NOT_FOUND");
    assert_eq!(post(&mut class, "ines", &["new"], false), Ok(1));
    let list = v1::ListSubmissionsRequest {
        course: "cs101".into(),
        assignment: "hw1".into(),
        ..v1::ListSubmissionsRequest::default()
    };
    let listed = class.world.ask("tom", |view| attempts::list_submissions(view, &list)).unwrap().submissions;
    let grade_in_list = |row: &v1::SubmissionSummary| row.grade.as_ref().map(|grade| grade.score);
    let who = |row: &v1::SubmissionSummary| row.submitter.clone().unwrap_or_default().username;
    assert_eq!(listed.iter().map(who).collect::<Vec<_>>(), ["ada", "bob", "new"]);
    assert_eq!(grade_in_list(&listed[2]), Some(5 * POINT));
    let book = v1::GetGradebookRequest { course: "cs101".into(), ..v1::GetGradebookRequest::default() };
    let rows = class.world.ask("tom", |view| crate::gradebook::get_gradebook(view, &book)).unwrap().rows;
    assert_eq!(rows.len(), listed.len(), "the gradebook has the same students");
    assert_eq!(counts::of(&class.world.store, &hw1).unwrap().graded, 1);
}
