use lectern_proto::internal::v1::command::Body;
use lectern_proto::v1;

use super::*;
use crate::fixture::{Class, HOUR_MS};

fn used(class: &Class, who: &str) -> u64 {
    read(&class.world.store, &class.course_id, who).unwrap().bytes
}

/// What ada has used, and what the course has.
fn both(class: &Class) -> (u64, u64) {
    (used(class, &class.ada), used(class, NO_ID))
}

fn class() -> Class {
    let mut class = Class::new();
    class.assignment("hw1", 10, |_| {});
    class
}

fn save(class: &mut Class, text: &str, base_revision: u64) -> std::result::Result<v1::SaveDraftResponse, String> {
    let request = v1::SaveDraftRequest {
        course: "cs101".into(),
        assignment: "hw1".into(),
        text: text.into(),
        base_revision,
        ..v1::SaveDraftRequest::default()
    };
    class.world.run("ada", Body::SaveDraft(request))
}

fn ask(class: &mut Class, who: &str, title: &str, body: &str) -> std::result::Result<v1::CreateThreadResponse, String> {
    let request = v1::CreateThreadRequest {
        course: "cs101".into(),
        title: title.into(),
        body: body.into(),
        ..v1::CreateThreadRequest::default()
    };
    class.world.run(who, Body::CreateThread(request))
}

#[test]
fn what_a_student_writes_counts_for_them_and_for_the_course() {
    let mut class = class();
    let submit = v1::SubmitRequest {
        course: "cs101".into(),
        assignment: "hw1".into(),
        text: "ten bytes!".into(),
        comment: "and five".into(),
        ..v1::SubmitRequest::default()
    };
    class.world.run::<v1::SubmitResponse>("ada", Body::Submit(submit)).unwrap();
    assert_eq!(both(&class), (18, 18));
    ask(&mut class, "ada", "Why", "Because").unwrap();
    assert_eq!(both(&class), (28, 28));
    let reply = v1::ReplyThreadRequest { course: "cs101".into(), number: 1, body: "So".into() };
    class.world.run::<v1::ReplyThreadResponse>("tom", Body::ReplyThread(reply)).unwrap();
    assert_eq!(both(&class), (28, 30), "the staff's words count for the course only");
}

#[test]
fn a_text_that_does_not_fit_into_the_quota_is_refused_and_changes_nothing() {
    let mut class = class();
    class.change_course(|course| course.student_quota_bytes = 20);
    class.submit("ada", "hw1", "ten bytes!", "").unwrap();
    assert_eq!(class.submit("ada", "hw1", "eleven more", ""), Err("QUOTA_EXCEEDED".into()));
    assert_eq!(save(&mut class, "eleven more", 0).unwrap_err(), "QUOTA_EXCEEDED");
    assert_eq!(ask(&mut class, "ada", "Eleven", " more").unwrap_err(), "QUOTA_EXCEEDED");
    assert_eq!(both(&class), (10, 10));
    class.submit("bob", "hw1", "has room", "").unwrap();
    class.change_course(|course| course.course_quota_bytes = 20);
    assert_eq!(class.submit("ada", "hw1", "three", ""), Err("QUOTA_EXCEEDED".into()), "the course is full");
}

#[test]
fn drafts_count_as_many_revisions_as_are_kept() {
    let mut class = class();
    for revision in 0..limits::DRAFT_REVISIONS + 5 {
        save(&mut class, "ten bytes!", revision).unwrap();
    }
    let kept = 10 * limits::DRAFT_REVISIONS;
    assert_eq!(both(&class), (kept, kept));
}

#[test]
fn an_announcement_counts_until_it_is_deleted() {
    let mut class = class();
    let request = v1::CreateAnnouncementRequest { course: "cs101".into(), title: "New".into(), body: "Words".into() };
    let made: v1::CreateAnnouncementResponse = class.world.run("ines", Body::CreateAnnouncement(request)).unwrap();
    assert_eq!(used(&class, NO_ID), 8);
    let request = v1::DeleteAnnouncementRequest {
        course: "cs101".into(),
        announcement_id: made.announcement.unwrap().announcement_id,
    };
    class.world.run::<v1::DeleteAnnouncementResponse>("ines", Body::DeleteAnnouncement(request)).unwrap();
    assert_eq!(used(&class, NO_ID), 0);
}

#[test]
fn feedback_counts_and_is_never_refused() {
    let mut class = class();
    class.change_course(|course| course.course_quota_bytes = 5);
    for (base_revision, feedback) in [(0, "Well argued."), (1, "Better.")] {
        let request = v1::SetGradeRequest {
            course: "cs101".into(),
            assignment: "hw1".into(),
            user: "ada".into(),
            feedback: feedback.into(),
            base_revision,
            ..v1::SetGradeRequest::default()
        };
        class.world.run::<v1::SetGradeResponse>("tom", Body::SetGrade(request)).unwrap();
        assert_eq!(both(&class), (0, feedback.len() as u64));
    }
}

#[test]
fn work_kept_after_the_lock_date_counts_and_once_more_as_the_submission_it_becomes() {
    let mut class = class();
    let now_ms = class.world.now_ms;
    class.assignment("late", 10, |settings| {
        (settings.due_at_ms, settings.lock_at_ms) = (Some(now_ms - HOUR_MS), Some(now_ms - HOUR_MS));
    });
    let kept = class.submit("ada", "late", "ten bytes!", "").unwrap().extension_request.unwrap();
    assert_eq!(both(&class), (10, 10));
    let request = v1::DecideExtensionRequestRequest {
        course: "cs101".into(),
        request_id: kept.request_id,
        accept: true,
        ..v1::DecideExtensionRequestRequest::default()
    };
    let body = Body::DecideExtensionRequest(request);
    class.world.run::<v1::DecideExtensionRequestResponse>("ines", body).unwrap();
    assert_eq!(both(&class), (20, 20));
}
