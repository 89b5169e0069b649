use lectern_proto::POINT;
use lectern_proto::internal::v1::command::Body;

use super::*;
use crate::fixture::{Class, HOUR_MS};
use crate::{gradebook, grades};

type Done<R> = std::result::Result<R, String>;

fn create(class: &mut Class, who: &str, slug: &str, settings: AssignmentGroupSettings) -> Done<AssignmentGroup> {
    let request =
        v1::CreateAssignmentGroupRequest { course: "cs101".into(), slug: slug.into(), settings: Some(settings) };
    let made: Done<v1::CreateAssignmentGroupResponse> = class.world.run(who, Body::CreateAssignmentGroup(request));
    made.map(|made| made.group.unwrap())
}

fn named(name: &str) -> AssignmentGroupSettings {
    AssignmentGroupSettings { name: name.into(), ..AssignmentGroupSettings::default() }
}

fn grade(class: &mut Class, assignment: &str, score: i64) {
    let request = v1::SetGradeRequest {
        course: "cs101".into(),
        assignment: assignment.into(),
        user: "ada".into(),
        score: score * POINT,
        ..v1::SetGradeRequest::default()
    };
    class.world.run::<v1::SetGradeResponse>("tom", Body::SetGrade(request)).unwrap();
}

fn post(class: &mut Class, assignment: &str) {
    let request = v1::PostGradesRequest {
        course: "cs101".into(),
        assignment: assignment.into(),
        ..v1::PostGradesRequest::default()
    };
    class.world.run::<v1::PostGradesResponse>("ines", Body::PostGrades(request)).unwrap();
}

fn mine(class: &Class, page_size: u32) -> v1::ListMyGradesResponse {
    let request = v1::ListMyGradesRequest { course: "cs101".into(), page_size, ..v1::ListMyGradesRequest::default() };
    class.world.ask("ada", |view| grades::list_my_grades(view, &request)).unwrap()
}

#[test]
fn instructors_alone_make_change_and_delete_groups() {
    let mut class = Class::new();
    for (who, refused) in [("tom", "WRONG_ROLE"), ("ada", "WRONG_ROLE"), ("eve", "NOT_FOUND")] {
        assert_eq!(create(&mut class, who, "homework", named("Homework")).unwrap_err(), refused);
    }
    let group = create(&mut class, "ines", "homework", named(" Homework ")).unwrap();
    assert_eq!((group.settings.as_ref().unwrap().name.as_str(), group.revision), ("Homework", 1));
    assert_eq!(create(&mut class, "ines", "homework", named("Again")).unwrap_err(), "DUPLICATE_NAME");
    let update = |revision, weight| v1::UpdateAssignmentGroupRequest {
        course: "cs101".into(),
        group: "homework".into(),
        settings: Some(AssignmentGroupSettings { weight, ..named("Home work") }),
        revision,
        reason: "the syllabus says so".into(),
    };
    let run = |class: &mut Class, who: &str, request| -> Done<v1::UpdateAssignmentGroupResponse> {
        class.world.run(who, Body::UpdateAssignmentGroup(request))
    };
    assert_eq!(run(&mut class, "ines", update(0, 4_000)).unwrap_err(), "STALE_REVISION");
    assert_eq!(run(&mut class, "ines", update(1, 10_001)).unwrap_err(), "INVALID_ARGUMENT");
    assert_eq!(run(&mut class, "tom", update(1, 4_000)).unwrap_err(), "WRONG_ROLE");
    assert_eq!(run(&mut class, "ines", update(1, 4_000)).unwrap().group.unwrap().revision, 2);
    let audited = |view: &crate::View<'_>| {
        crate::audit::list_audit(view, &v1::ListAuditRequest { course: "cs101".into(), ..Default::default() })
    };
    let entry = class.world.ask("ines", audited).unwrap().entries.remove(0);
    assert_eq!((entry.action.as_str(), entry.reason.as_str()), ("group.update", "the syllabus says so"));
    assert!(entry.after.contains("weight 40.00 %"), "{}", entry.after);
}

#[test]
fn a_group_with_assignments_stays_and_an_empty_one_goes() {
    let mut class = Class::new();
    let group = create(&mut class, "ines", "homework", named("Homework")).unwrap();
    class.assignment("hw1", 10, |settings| settings.group = group.group_id.clone());
    let delete = |class: &mut Class, slug: &str| -> Done<v1::DeleteAssignmentGroupResponse> {
        let request = v1::DeleteAssignmentGroupRequest {
            course: "cs101".into(),
            group: slug.into(),
            ..v1::DeleteAssignmentGroupRequest::default()
        };
        class.world.run("ines", Body::DeleteAssignmentGroup(request))
    };
    assert_eq!(delete(&mut class, "homework").unwrap_err(), "WRONG_STATE");
    create(&mut class, "ines", "exams", named("Exams")).unwrap();
    delete(&mut class, "exams").unwrap();
    assert_eq!(delete(&mut class, "exams").unwrap_err(), "NOT_FOUND");
}

#[test]
fn an_assignment_names_its_group_by_slug_and_only_one_that_is_there() {
    let mut class = Class::new();
    let group = create(&mut class, "ines", "homework", named("Homework")).unwrap();
    let request = |group: &str| v1::CreateAssignmentRequest {
        course: "cs101".into(),
        slug: "hw1".into(),
        settings: Some(v1::AssignmentSettings {
            title: "First".into(),
            submission_types: vec![v1::SubmissionType::Text.into()],
            group: group.into(),
            ..v1::AssignmentSettings::default()
        }),
        ..v1::CreateAssignmentRequest::default()
    };
    let mut run = |who: &str, group: &str| -> Done<v1::CreateAssignmentResponse> {
        class.world.run(who, Body::CreateAssignment(request(group)))
    };
    assert_eq!(run("ines", "exams").unwrap_err(), "NOT_FOUND");
    let made = run("ines", "homework").unwrap().assignment.unwrap();
    let settings = made.settings.unwrap();
    assert_eq!(settings.group, group.group_id);
    let moved = v1::UpdateAssignmentRequest {
        course: "cs101".into(),
        assignment: "hw1".into(),
        settings: Some(v1::AssignmentSettings { group: String::new(), ..settings }),
        revision: 1,
        ..v1::UpdateAssignmentRequest::default()
    };
    let run = |class: &mut Class, who: &str| -> Done<v1::UpdateAssignmentResponse> {
        class.world.run(who, Body::UpdateAssignment(moved.clone()))
    };
    assert_eq!(run(&mut class, "tom").unwrap_err(), "WRONG_ROLE", "what counts how much is the instructor's");
    run(&mut class, "ines").unwrap();
}

/// Homework 60 %, the lowest dropped, `hw1` never; exams 40 %.
fn weighed() -> Class {
    let mut class = Class::new();
    let homework = create(&mut class, "ines", "homework", named("Homework")).unwrap();
    let exams =
        create(&mut class, "ines", "exams", AssignmentGroupSettings { weight: 4_000, ..named("Exams") }).unwrap();
    for slug in ["hw1", "hw2", "hw3"] {
        class.assignment(slug, 10, |settings| settings.group = homework.group_id.clone());
    }
    class.assignment("exam", 50, |settings| settings.group = exams.group_id.clone());
    let request = v1::UpdateAssignmentGroupRequest {
        course: "cs101".into(),
        group: "homework".into(),
        settings: Some(AssignmentGroupSettings {
            weight: 6_000,
            drop_lowest: 1,
            never_drop: vec!["hw1".into()],
            ..named("Homework")
        }),
        revision: 1,
        ..v1::UpdateAssignmentGroupRequest::default()
    };
    class.world.run::<v1::UpdateAssignmentGroupResponse>("ines", Body::UpdateAssignmentGroup(request)).unwrap();
    class
}

#[test]
fn a_student_sees_what_posted_grades_come_to_and_never_what_hidden_ones_do() {
    let mut class = weighed();
    for (slug, score) in [("hw1", 2), ("hw2", 5), ("hw3", 9)] {
        grade(&mut class, slug, score);
    }
    let before = mine(&class, 0);
    assert_eq!(before.total.unwrap().current, None, "nothing is posted");
    assert!(before.grades.iter().all(|row| !row.dropped));
    post(&mut class, "hw1");
    post(&mut class, "hw2");
    let some = mine(&class, 0);
    assert_eq!(some.total.unwrap().current, Some(2_000), "hw2 is dropped; of hw3 nothing shows");
    post(&mut class, "hw3");
    let all = mine(&class, 1);
    assert_eq!(all.grades.len(), 1, "totals are of the whole course, not of the page");
    assert_eq!(all.total.as_ref().unwrap().current, Some(5_500), "11 of 20");
    assert_eq!(all.total.unwrap().r#final, Some(3_300), "60 % of that, and nothing of the exam");
    let dropped: Vec<bool> = mine(&class, 0).grades.iter().map(|row| row.dropped).collect();
    assert_eq!(dropped, [false, true, false, false]);
    assert_eq!(all.group_totals.len(), 3, "the last is of what is in no group");
    assert_eq!((all.group_totals[0].current_score, all.group_totals[0].current_possible), (11 * POINT, 20 * POINT));
}

#[test]
fn staff_see_what_all_grades_come_to() {
    let mut class = weighed();
    grade(&mut class, "hw1", 10);
    grade(&mut class, "exam", 25);
    let request = v1::GetGradebookRequest { course: "cs101".into(), ..v1::GetGradebookRequest::default() };
    let book = class.world.ask("tom", |view| gradebook::get_gradebook(view, &request)).unwrap();
    let total = book.rows[0].total.clone().unwrap();
    assert_eq!(total.current, Some(8_000), "60 % of 10/10 and 40 % of 25/50");
    assert_eq!(book.groups.len(), 2);
    assert_eq!(book.columns[3].group_id, book.groups[1].group_id);
    class.world.now_ms += 2 * HOUR_MS;
    let home = class.world.ask("ada", |view| crate::home::get_home(view, &v1::GetHomeRequest {})).unwrap();
    assert_eq!(home.courses[0].current_percent, None, "nothing of it is posted");
}

#[test]
fn what_is_never_dropped_tells_a_student_of_no_unpublished_work() {
    let mut class = weighed();
    let secret = class.assignment("secret", 10, |settings| settings.published = false);
    let request = v1::UpdateAssignmentGroupRequest {
        course: "cs101".into(),
        group: "exams".into(),
        settings: Some(AssignmentGroupSettings { never_drop: vec!["secret".into(), "exam".into()], ..named("Exams") }),
        revision: 1,
        ..v1::UpdateAssignmentGroupRequest::default()
    };
    class.world.run::<v1::UpdateAssignmentGroupResponse>("ines", Body::UpdateAssignmentGroup(request)).unwrap();
    let request = v1::GetGradingPolicyRequest { course: "cs101".into() };
    let never = |groups: Vec<AssignmentGroup>| groups[1].settings.clone().unwrap().never_drop;
    let read = |who: &str| {
        let read = class.world.ask(who, |view| crate::grading_policy::get_grading_policy(view, &request)).unwrap();
        never(read.groups)
    };
    assert!(read("tom").contains(&secret));
    assert_eq!((read("ada").len(), read("ada").contains(&secret)), (1, false));
    assert!(!never(mine(&class, 0).groups).contains(&secret));
}
