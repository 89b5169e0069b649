use lectern_proto::internal::v1::command::Body;

use super::*;
use crate::fixture::{Class, HOUR_MS};
use lectern_proto::v1::SubmissionType;

/// `hw1` was due two hours ago and locked one hour ago; Ada has offered a file.
fn class() -> (Class, v1::ExtensionRequest) {
    let mut class = Class::new();
    let now_ms = class.world.now_ms;
    class.assignment("hw1", 10, |settings| {
        settings.submission_types = vec![SubmissionType::Text.into(), SubmissionType::Files.into()];
        settings.due_at_ms = Some(now_ms - 2 * HOUR_MS);
        settings.lock_at_ms = Some(now_ms - HOUR_MS);
        settings.allowed_attempts = 1;
    });
    let kept = class.hand_in("ada", "hw1", &[("a.txt", b"bytes")]).unwrap().extension_request.unwrap();
    (class, kept)
}

fn decide(
    class: &mut Class,
    who: &str,
    request_id: &str,
    accept: bool,
) -> std::result::Result<v1::DecideExtensionRequestResponse, String> {
    let request = v1::DecideExtensionRequestRequest {
        course: "cs101".into(),
        request_id: request_id.into(),
        accept,
        reason: "was ill".into(),
    };
    class.world.run(who, Body::DecideExtensionRequest(request))
}

fn list(class: &Class, who: &str, pending_only: bool) -> Vec<v1::ExtensionRequest> {
    let request = v1::ListExtensionRequestsRequest {
        course: "cs101".into(),
        assignment: "hw1".into(),
        pending_only,
        ..v1::ListExtensionRequestsRequest::default()
    };
    class.world.ask(who, |view| list_extension_requests(view, &request)).unwrap().requests
}

#[test]
fn an_accepted_request_becomes_a_submission_at_the_time_it_was_offered() {
    let (mut class, kept) = class();
    let offered_at_ms = class.world.now_ms;
    class.world.now_ms += 24 * HOUR_MS;
    let decided = decide(&mut class, "ines", &kept.request_id, true).unwrap();
    let submission = decided.submission.unwrap();
    assert_eq!((submission.submitted_at_ms, submission.late, submission.attempt), (offered_at_ms, true, 1));
    assert_eq!(submission.stamped_at_ms, class.world.now_ms);
    assert_eq!(submission.files, kept.files);
    assert_eq!(decided.request.unwrap().state(), ExtensionState::Accepted);
    assert_eq!(class.world.store.len(Table::NeedsGrading), 1);
    let entry: lectern_proto::internal::v1::AuditRecord = crate::store::decode(
        Table::Audit,
        &class.world.store.range(Table::Audit, &[], None, Order::Ascending, 1).unwrap()[0].1,
    )
    .unwrap();
    assert_eq!((&*entry.subject, &*entry.after, &*entry.reason), ("cs101/hw1 ada", "accepted", "was ill"));
}

#[test]
fn a_declined_request_is_kept_and_final() {
    let (mut class, kept) = class();
    assert!(decide(&mut class, "ines", &kept.request_id, false).unwrap().submission.is_none());
    assert_eq!(decide(&mut class, "ines", &kept.request_id, true).unwrap_err(), "WRONG_STATE");
    assert_eq!(list(&class, "ada", false)[0].state(), ExtensionState::Declined);
    assert_eq!(list(&class, "tom", true), []);
    assert_eq!(class.world.store.len(Table::Submissions), 0);
    let read = class.world.ask("ada", |view| files::open_file(view, &kept.files[0].file_id));
    assert!(read.is_ok(), "the work is not thrown away");
}

#[test]
fn only_instructors_decide() {
    let (mut class, kept) = class();
    for who in ["ada", "tom"] {
        assert_eq!(decide(&mut class, who, &kept.request_id, true).unwrap_err(), "WRONG_ROLE", "{who}");
    }
    assert_eq!(decide(&mut class, "eve", &kept.request_id, true).unwrap_err(), "NOT_FOUND");
    assert_eq!(decide(&mut class, "ines", "nothing", true).unwrap_err(), "NOT_FOUND");
}

#[test]
fn staff_see_all_requests_and_students_their_own() {
    let (mut class, _) = class();
    class.submit("bob", "hw1", "my text", "").unwrap();
    assert_eq!(list(&class, "tom", true).len(), 2);
    assert_eq!(list(&class, "tom", false).len(), 2);
    for who in ["ada", "bob"] {
        let own = list(&class, who, true);
        assert_eq!(own.len(), 1);
        assert_eq!(own[0].requester.as_ref().unwrap().username, who);
    }
    assert_eq!(pending_count(&class.world.store, &class.course_id, 100), Ok(2));
}

#[test]
fn requests_of_one_student_are_limited() {
    let (mut class, _) = class();
    for number in 1..limits::EXTENSION_REQUESTS {
        class.submit("ada", "hw1", &format!("text {number}"), "").unwrap();
    }
    assert_eq!(class.submit("ada", "hw1", "one more", "").unwrap_err(), "TOO_MANY");
}
