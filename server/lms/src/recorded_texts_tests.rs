use lectern_proto::internal::v1::IdempotencyRecord;
use lectern_proto::v1::{AssignmentSettings, SubmissionType};

use super::*;
use crate::fixture::{Class, HOUR_MS};

/// What a record may take beside the texts of its request.
const SMALL: usize = 2_000;

fn word(length: usize) -> String {
    "word ".repeat(length / 5)
}

/// Makes the call twice: the answers are equal and contain the texts, and what is recorded is small.
fn called_twice(class: &mut Class, who: &str, body: Body, texts: &[&str]) {
    let first = class.world.run_with_key(who, "k", body.clone());
    let Some(outcome::Result::Response(response)) = &first.result else { panic!("{who} is refused: {first:?}") };
    for text in texts {
        let found = response.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(found, "the answer has the text of {} bytes", text.len());
    }
    let user_id = class.world.ask(who, |view| Ok(view.actor.user_id().to_owned())).unwrap();
    let key = key2(&user_id, "k");
    let record: IdempotencyRecord = class.world.store.record(Table::Idempotency, &key).unwrap().unwrap();
    assert!(record.outcome.len() < SMALL, "{} bytes are recorded", record.outcome.len());
    assert_eq!(class.world.run_with_key(who, "k", body), first);
    // The next call may use the key anew.
    class.world.store.commit(vec![crate::Change { table: Table::Idempotency, key, value: None }]);
}

fn submit(text: &str, comment: &str) -> Body {
    Body::Submit(v1::SubmitRequest {
        course: "cs101".into(),
        assignment: "hw1".into(),
        text: text.into(),
        comment: comment.into(),
        ..v1::SubmitRequest::default()
    })
}

#[test]
fn a_submissions_text_is_stored_once_and_answered_as_often_as_asked() {
    let mut class = Class::new();
    class.assignment("hw1", 10, |_| {});
    let (text, comment) = (word(1_000_000), word(60_000));
    called_twice(&mut class, "ada", submit(&text, &comment), &[&text, &comment]);
}

#[test]
fn so_is_work_after_the_lock_date_and_the_decision_on_it() {
    let mut class = Class::new();
    let now_ms = class.world.now_ms;
    class.assignment("hw1", 10, |settings| {
        (settings.due_at_ms, settings.lock_at_ms) = (Some(now_ms - HOUR_MS), Some(now_ms - HOUR_MS));
    });
    let (text, comment) = (word(1_000_000), word(60_000));
    for accept in [true, false] {
        called_twice(&mut class, "ada", submit(&text, &comment), &[&text, &comment]);
        let pending = v1::ListExtensionRequestsRequest {
            course: "cs101".into(),
            pending_only: true,
            ..v1::ListExtensionRequestsRequest::default()
        };
        let pending = class.world.ask("ines", |view| crate::extensions::list_extension_requests(view, &pending));
        let decide = v1::DecideExtensionRequestRequest {
            course: "cs101".into(),
            request_id: pending.unwrap().requests[0].request_id.clone(),
            accept,
            ..v1::DecideExtensionRequestRequest::default()
        };
        called_twice(&mut class, "ines", Body::DecideExtensionRequest(decide), &[&text, &comment]);
    }
}

#[test]
fn so_are_feedback_messages_announcements_and_descriptions() {
    let mut class = Class::new();
    class.assignment("hw1", 10, |_| {});
    let text = word(60_000);
    let course = || "cs101".to_owned();
    let grade = v1::SetGradeRequest {
        course: course(),
        assignment: "hw1".into(),
        user: "ada".into(),
        feedback: text.clone(),
        ..v1::SetGradeRequest::default()
    };
    called_twice(&mut class, "tom", Body::SetGrade(grade), &[&text]);
    let announcement = v1::CreateAnnouncementRequest { course: course(), title: "New".into(), body: text.clone() };
    called_twice(&mut class, "tom", Body::CreateAnnouncement(announcement), &[&text]);
    let question = v1::CreateThreadRequest {
        course: course(),
        title: "Why?".into(),
        body: text.clone(),
        ..v1::CreateThreadRequest::default()
    };
    called_twice(&mut class, "ada", Body::CreateThread(question), &[]);
    let reply = v1::ReplyThreadRequest { course: course(), number: 1, body: text.clone() };
    called_twice(&mut class, "tom", Body::ReplyThread(reply), &[&text]);
    let settings = AssignmentSettings {
        title: "Homework".into(),
        description: text.clone(),
        submission_types: vec![SubmissionType::Text.into()],
        ..AssignmentSettings::default()
    };
    let create = v1::CreateAssignmentRequest {
        course: course(),
        slug: "hw2".into(),
        settings: Some(settings.clone()),
        ..v1::CreateAssignmentRequest::default()
    };
    called_twice(&mut class, "ines", Body::CreateAssignment(create), &[&text]);
    let update = v1::UpdateAssignmentRequest {
        course: course(),
        assignment: "hw2".into(),
        settings: Some(settings),
        revision: 1,
        ..v1::UpdateAssignmentRequest::default()
    };
    called_twice(&mut class, "ines", Body::UpdateAssignment(update), &[&text]);
    let update = v1::UpdateCourseRequest {
        course: course(),
        syllabus: Some(text.clone()),
        ..v1::UpdateCourseRequest::default()
    };
    called_twice(&mut class, "ines", Body::UpdateCourse(update), &[&text]);
    let create = v1::CreateCourseRequest {
        slug: "cs102".into(),
        title: "More".into(),
        syllabus: text.clone(),
        ..v1::CreateCourseRequest::default()
    };
    called_twice(&mut class, "root", Body::CreateCourse(create), &[&text]);
}
