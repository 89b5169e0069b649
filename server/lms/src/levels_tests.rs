use lectern_proto::POINT;
use lectern_proto::internal::v1::{AssignmentRecord, GradeRecord, RaiseFeatureLevel, SetReceiptKey};
use lectern_proto::v1;

use super::*;
use crate::fixture::Class;
use crate::keys::key2;
use crate::store::{Order, StoreExt};
use crate::tables::Table;
use crate::{gradebook, grades};

/// A class of a cluster whose nodes are being upgraded.
fn class_before() -> Class {
    let mut class = Class::new();
    class.world.at_level(GRADING - 1);
    class
}

fn settings(title: &str, points: i64, group: &str) -> v1::AssignmentSettings {
    v1::AssignmentSettings {
        title: title.into(),
        points_possible: points * POINT,
        submission_types: vec![v1::SubmissionType::Text.into()],
        published: true,
        group: group.into(),
        ..v1::AssignmentSettings::default()
    }
}

fn create(class: &mut Class, slug: &str, group: &str) -> v1::Assignment {
    let request = v1::CreateAssignmentRequest {
        course: "cs101".into(),
        slug: slug.into(),
        settings: Some(settings(slug, 10, group)),
        ..v1::CreateAssignmentRequest::default()
    };
    let created: v1::CreateAssignmentResponse = class.world.run("ines", Body::CreateAssignment(request)).unwrap();
    created.assignment.unwrap()
}

fn submit(class: &mut Class, who: &str, assignment: &str) {
    let (course, assignment) = ("cs101".into(), assignment.into());
    let request = v1::SubmitRequest { course, assignment, text: "my work".into(), ..v1::SubmitRequest::default() };
    class.world.run::<v1::SubmitResponse>(who, Body::Submit(request)).unwrap();
}

fn grade(class: &mut Class, assignment: &str, attempt: u32, score: i64, waive_late: bool) {
    let request = v1::SetGradeRequest {
        course: "cs101".into(),
        assignment: assignment.into(),
        user: "ada".into(),
        score: score * POINT,
        attempt,
        waive_late,
        ..v1::SetGradeRequest::default()
    };
    class.world.run::<v1::SetGradeResponse>("tom", Body::SetGrade(request)).unwrap();
}

fn raise(class: &mut Class) {
    class.world.run::<()>("", Body::RaiseFeatureLevel(RaiseFeatureLevel { level: GRADING })).unwrap();
}

fn seen(class: &Class) -> (v1::GetGradebookResponse, v1::ListMyGradesResponse) {
    let book = v1::GetGradebookRequest { course: "cs101".into(), ..v1::GetGradebookRequest::default() };
    let mine = v1::ListMyGradesRequest { course: "cs101".into(), ..v1::ListMyGradesRequest::default() };
    (
        class.world.ask("ines", |view| gradebook::get_gradebook(view, &book)).unwrap(),
        class.world.ask("ada", |view| grades::list_my_grades(view, &mine)).unwrap(),
    )
}

fn rows(class: &Class) -> usize {
    class.world.store.range(Table::GradebookRows, &[], None, Order::Ascending, usize::MAX).unwrap().len()
}

#[test]
fn below_the_level_what_an_older_release_does_not_know_is_left_out() {
    let mut class = class_before();
    let hw1 = create(&mut class, "hw1", "homework");
    submit(&mut class, "ada", "hw1");
    grade(&mut class, "hw1", 1, 7, true);
    let key = key2(&class.course_id, &hw1.assignment_id);
    let stored: AssignmentRecord = class.world.store.record(Table::Assignments, &key).unwrap().unwrap();
    assert_eq!((stored.settings.unwrap().group.as_str(), stored.number), ("", 0));
    let key = key2(&hw1.assignment_id, &class.ada);
    let stored: GradeRecord = class.world.store.record(Table::Grades, &key).unwrap().unwrap();
    assert!(!stored.late_waived);
    assert_eq!(rows(&class), 0);
}

#[test]
fn what_was_there_before_the_level_is_shown_alike_before_and_after_it_and_goes_on() {
    let mut class = class_before();
    for slug in ["hw1", "hw2", "hw3"] {
        create(&mut class, slug, "");
    }
    submit(&mut class, "ada", "hw1");
    submit(&mut class, "ada", "hw2");
    submit(&mut class, "bob", "hw2");
    grade(&mut class, "hw2", 1, 7, false);
    grade(&mut class, "hw3", 0, 9, false);
    let before = seen(&class);
    let cells: Vec<Option<i64>> = before.0.rows[0].cells.iter().map(|cell| cell.score).collect();
    assert_eq!(cells, [None, Some(7 * POINT), Some(9 * POINT)]);
    raise(&mut class);
    assert_eq!((seen(&class), rows(&class)), (before.clone(), 2), "ada and bob have a row");
    raise(&mut class);
    assert_eq!(seen(&class), before, "raised again, nothing happens");

    create(&mut class, "hw4", "");
    grade(&mut class, "hw1", 1, 3, false);
    grade(&mut class, "hw4", 0, 4, false);
    let cells: Vec<Option<i64>> = seen(&class).0.rows[0].cells.iter().map(|cell| cell.score).collect();
    assert_eq!(cells, [3, 7, 9, 4].map(|score| Some(score * POINT)));
}

#[test]
fn what_an_older_release_cannot_read_is_not_proposed_below_the_level() {
    let mut request = v1::UpdateAssignmentRequest { settings: Some(settings("hw", 1, "")), ..Default::default() };
    assert_eq!(needed(&Body::UpdateAssignment(request.clone())), 0);
    request.settings.as_mut().unwrap().group = "homework".into();
    assert_eq!(needed(&Body::UpdateAssignment(request)), GRADING);
    assert_eq!(needed(&Body::SetOverride(v1::SetOverrideRequest::default())), GRADING);
    assert_eq!(needed(&Body::SetGrade(v1::SetGradeRequest { waive_late: true, ..Default::default() })), GRADING);
    assert_eq!(needed(&Body::SetGrade(v1::SetGradeRequest::default())), 0);
    assert_eq!(needed(&Body::ChooseAttempt(v1::ChooseAttemptRequest::default())), HAND_INS);
    assert_eq!(needed(&Body::SetReceiptKey(SetReceiptKey::default())), HAND_INS);
}

#[test]
fn what_is_of_the_tutor_is_not_proposed_below_its_level() {
    let tutor = || Some(v1::AccountRights { tutor: true, ..v1::AccountRights::default() });
    let asked = |asked_of: v1::AskedOf| {
        needed(&Body::CreateThread(v1::CreateThreadRequest { asked_of: asked_of.into(), ..Default::default() }))
    };
    assert_eq!((asked(v1::AskedOf::Tutor), asked(v1::AskedOf::Instructor)), (TUTOR, 0));
    for body in [
        Body::AnswerAsTutor(v1::AnswerAsTutorRequest::default()),
        Body::AskInstructor(v1::AskInstructorRequest::default()),
        Body::EndorseAnswer(v1::EndorseAnswerRequest::default()),
        Body::RegisterTutor(v1::RegisterTutorRequest::default()),
        Body::LeaveTutor(v1::LeaveTutorRequest::default()),
        Body::CreateUser(v1::CreateUserRequest { rights: tutor(), ..Default::default() }),
        Body::UpdateUser(v1::UpdateUserRequest { rights: tutor(), ..Default::default() }),
    ] {
        assert_eq!(needed(&body), TUTOR, "{body:?}");
    }
    assert_eq!(needed(&Body::CreateUser(v1::CreateUserRequest::default())), 0);
}
