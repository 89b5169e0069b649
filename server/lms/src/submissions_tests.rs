use lectern_proto::CHUNK_BYTES;
use lectern_proto::internal::v1::{Outcome, command::Body, outcome};
use lectern_proto::v1::{CourseState, ExtensionState, WorkflowState};
use prost::Message;

use super::*;
use crate::files::open_file;
use crate::fixture::{Class, HOUR_MS};
use crate::fixture_files::{bytes, submit_body};

/// `hw1`: text and files, unlocks now, due in one hour, locks in two.
fn class() -> Class {
    class_with(|_| {})
}

fn class_with(change: impl FnOnce(&mut AssignmentSettings)) -> Class {
    let mut class = Class::new();
    let now_ms = class.world.now_ms;
    class.assignment("hw1", 10, |settings| {
        settings.submission_types = vec![SubmissionType::Text.into(), SubmissionType::Files.into()];
        settings.unlock_at_ms = Some(now_ms);
        settings.lock_at_ms = Some(now_ms + 2 * HOUR_MS);
        change(settings);
    });
    class
}

fn submitted(response: Result<v1::SubmitResponse, String>) -> v1::Submission {
    let response = response.unwrap();
    assert!(response.extension_request.is_none());
    response.submission.unwrap()
}

type Result<T, E> = std::result::Result<T, E>;

fn attempts_of(class: &Class, who: &str) -> v1::ListAttemptsResponse {
    let request = v1::ListAttemptsRequest {
        course: "cs101".into(),
        assignment: "hw1".into(),
        ..v1::ListAttemptsRequest::default()
    };
    class.world.ask(who, |view| list_attempts(view, &request)).unwrap()
}

#[test]
fn a_text_is_handed_in_with_everything_a_receipt_names() {
    let mut class = class();
    let submission = submitted(class.submit("ada", "hw1", "my work", ""));
    let due = class.world.now_ms + HOUR_MS;
    assert_eq!((submission.attempt, &*submission.text, submission.late), (1, "my work", false));
    assert_eq!(submission.text_digest, blake3::hash(b"my work").as_bytes());
    assert_eq!((submission.submitted_at_ms, submission.due_at_ms), (class.world.now_ms, Some(due)));
    assert_eq!((submission.index, submission.term), (class.world.index, 1));
    assert_eq!(submission.submitter.unwrap().username, "ada");
    let told = &class.world.events[0];
    assert_eq!((told.kind, &told.audience), (EventKind::Submission, &Audience::UserAndStaff(class.ada.clone())));
    assert_eq!(submitted(class.submit("ada", "hw1", "better", "")).attempt, 2);
    let texts: Vec<String> = attempts_of(&class, "ada").attempts.into_iter().map(|attempt| attempt.text).collect();
    assert_eq!(texts, ["my work", "better"]);
}

#[test]
fn files_are_handed_in_and_read_by_their_owner_and_the_staff_only() {
    let mut class = class();
    let data = bytes(1, 2 * CHUNK_BYTES + 9);
    let submission = submitted(class.hand_in("ada", "hw1", &[("a.pdf", &data), ("empty.txt", b"")]));
    assert_eq!(submission.files[0].digest, blake3::hash(&data).as_bytes());
    assert_eq!(submission.files[1].size, 0);
    let read = |who: &str| class.world.ask(who, |view| open_file(view, &submission.files[0].file_id));
    for reader in ["ada", "tom", "ines", "root"] {
        assert_eq!(read(reader).unwrap().chunk_digests.len(), 3, "{reader}");
    }
    for stranger in ["bob", "eve"] {
        assert_eq!(read(stranger).unwrap_err(), "NOT_FOUND", "{stranger}");
    }
}

#[test]
fn bytes_that_arrive_after_the_lock_count_from_their_pledge() {
    let mut class = class_with(|settings| settings.lock_at_ms = settings.due_at_ms);
    let files: &[(&str, &[u8])] = &[("a", b"bytes")];
    let pledged_at = class.world.now_ms + HOUR_MS - 60_000;
    class.world.now_ms = pledged_at;
    let pledge = class.pledge("ada", "hw1", files).unwrap();
    assert!(!pledge.after_lock);
    class.world.now_ms += 30 * 60_000;
    class.send("ada", pledge.upload.as_ref().unwrap(), files);
    assert_eq!(attempts_of(&class, "ada").pledges.len(), 1);
    assert!(attempts_of(&class, "ada").attempts.is_empty(), "a pledge is no submission");
    let submission = submitted(class.submit("ada", "hw1", "", &pledge.pledge_id));
    assert_eq!((submission.submitted_at_ms, submission.late), (pledged_at, false));
    assert_eq!(submission.stamped_at_ms, class.world.now_ms);
    assert!(attempts_of(&class, "ada").pledges.is_empty());
}

#[test]
fn a_pledge_whose_window_has_passed_is_refused_whether_collected_or_not() {
    let mut class = class();
    let files: &[(&str, &[u8])] = &[("a", b"bytes")];
    let pledge = class.pledge("ada", "hw1", files).unwrap();
    class.send("ada", pledge.upload.as_ref().unwrap(), files);
    class.world.now_ms += limits::UPLOAD_WINDOW_MS + 1;
    assert!(attempts_of(&class, "ada").pledges.is_empty());
    assert_eq!(class.submit("ada", "hw1", "", &pledge.pledge_id), Err("UPLOAD_EXPIRED".into()));
    class.advance(0);
    assert_eq!(class.submit("ada", "hw1", "", &pledge.pledge_id), Err("UPLOAD_EXPIRED".into()));
}

#[test]
fn late_begins_after_the_grace() {
    let mut class = class();
    class.world.now_ms += HOUR_MS + 60_000;
    assert!(!submitted(class.submit("ada", "hw1", "in the grace", "")).late);
    class.world.now_ms += 1;
    assert!(submitted(class.submit("ada", "hw1", "after it", "")).late);
}

#[test]
fn work_offered_after_the_lock_is_kept_as_an_extension_request() {
    let mut class = class();
    class.world.now_ms += 2 * HOUR_MS + 1;
    assert!(class.pledge("ada", "hw1", &[("a", b"bytes")]).unwrap().after_lock);
    let response = class.hand_in("ada", "hw1", &[("a", b"bytes")]).unwrap();
    assert!(response.submission.is_none());
    let kept = response.extension_request.unwrap();
    assert_eq!((kept.state(), kept.offered_at_ms), (ExtensionState::Pending, class.world.now_ms));
    assert_eq!(kept.files[0].name, "a");
    assert!(attempts_of(&class, "ada").attempts.is_empty());
    assert_eq!(class.world.store.len(Table::NeedsGrading), 0);
}

#[test]
fn an_election_extends_the_dates_that_fall_in_it() {
    let mut class = class();
    class.world.now_ms += HOUR_MS + 90_000;
    class.end_outage(100_000);
    let submission = submitted(class.submit("ada", "hw1", "at last", ""));
    assert_eq!((submission.due_at_ms, submission.late), (Some(class.world.now_ms + 60_000), false));
    class.world.now_ms += 120_001;
    assert!(submitted(class.submit("ada", "hw1", "later", "")).late);
}

#[test]
fn nothing_is_taken_before_the_unlock_date() {
    let mut class = class_with(|settings| settings.unlock_at_ms = settings.unlock_at_ms.map(|at| at + 1));
    assert_eq!(class.submit("ada", "hw1", "early", ""), Err("NOT_UNLOCKED".into()));
    assert_eq!(class.pledge("ada", "hw1", &[("a", b"x")]).unwrap_err(), "NOT_UNLOCKED");
    class.world.now_ms += 1;
    submitted(class.submit("ada", "hw1", "in time", ""));
}

#[test]
fn attempts_run_out() {
    let mut class = class_with(|settings| settings.allowed_attempts = 2);
    let pledge = class.pledge("ada", "hw1", &[("a", b"x")]).unwrap();
    class.send("ada", pledge.upload.as_ref().unwrap(), &[("a", b"x")]);
    submitted(class.submit("ada", "hw1", "one", ""));
    submitted(class.submit("ada", "hw1", "two", ""));
    assert_eq!(class.submit("ada", "hw1", "three", ""), Err("NO_ATTEMPTS_LEFT".into()));
    assert_eq!(class.submit("ada", "hw1", "", &pledge.pledge_id), Err("NO_ATTEMPTS_LEFT".into()));
    assert_eq!(class.pledge("ada", "hw1", &[("b", b"x")]).unwrap_err(), "NO_ATTEMPTS_LEFT");
    submitted(class.submit("bob", "hw1", "one", ""));
}

#[test]
fn only_what_the_assignment_takes_is_taken() {
    let mut class = class_with(|settings| {
        settings.submission_types = vec![SubmissionType::Files.into()];
        settings.allowed_extensions = vec!["pdf".into(), "tar.gz".into()];
        settings.max_file_bytes = 10;
    });
    assert_eq!(class.submit("ada", "hw1", "a text", ""), Err("WRONG_TYPE".into()));
    for name in ["a.txt", "pdf", "a.pdf.exe", "a.gz"] {
        assert_eq!(class.pledge("ada", "hw1", &[(name, b"x")]).unwrap_err(), "WRONG_TYPE", "{name}");
    }
    assert_eq!(class.pledge("ada", "hw1", &[("a.pdf", &[0; 11])]).unwrap_err(), "TOO_LARGE");
    assert!(class.pledge("ada", "hw1", &[("a.PDF", &[0; 10]), ("b.tar.gz", b"x")]).is_ok());
    let directory = v1::PledgeRequest {
        course: "cs101".into(),
        assignment: "hw1".into(),
        files: vec![crate::fixture_files::declare("src/a.pdf", b"x")],
        directory: true,
        ..v1::PledgeRequest::default()
    };
    assert_eq!(class.world.run::<v1::PledgeResponse>("ada", Body::Pledge(directory)).unwrap_err(), "WRONG_TYPE");
}

#[test]
fn a_directory_keeps_its_paths() {
    let mut class = class_with(|settings| settings.submission_types = vec![SubmissionType::Directory.into()]);
    let files: &[(&str, &[u8])] = &[("src/a.c", b"x"), ("src/b.c", b"y")];
    let request = v1::PledgeRequest {
        course: "cs101".into(),
        assignment: "hw1".into(),
        files: files.iter().map(|(name, data)| crate::fixture_files::declare(name, data)).collect(),
        directory: true,
        ..v1::PledgeRequest::default()
    };
    let pledge = class.world.run::<v1::PledgeResponse>("ada", Body::Pledge(request)).unwrap().pledge.unwrap();
    class.send("ada", pledge.upload.as_ref().unwrap(), files);
    let submission = submitted(class.submit("ada", "hw1", "", &pledge.pledge_id));
    assert!(submission.directory);
    assert_eq!(submission.files.iter().map(|file| &*file.name).collect::<Vec<_>>(), ["src/a.c", "src/b.c"]);
}

#[test]
fn text_is_limited_and_clean() {
    let mut class = class_with(|settings| settings.max_text_bytes = 10);
    assert_eq!(class.submit("ada", "hw1", "eleven byte", ""), Err("TOO_LONG".into()));
    assert_eq!(class.submit("ada", "hw1", "\u{1b}[2J", ""), Err("INVALID_ARGUMENT".into()));
    assert_eq!(class.submit("ada", "hw1", "", ""), Err("INVALID_ARGUMENT".into()));
    submitted(class.submit("ada", "hw1", "ten bytes!", ""));
}

#[test]
fn only_students_of_the_course_hand_in() {
    let mut class = class();
    for (who, reason) in [("ines", "WRONG_ROLE"), ("tom", "WRONG_ROLE"), ("root", "WRONG_ROLE"), ("eve", "NOT_FOUND")] {
        assert_eq!(class.submit(who, "hw1", "text", ""), Err(reason.into()), "{who}");
        assert_eq!(class.pledge(who, "hw1", &[("a", b"x")]).unwrap_err(), reason, "{who}");
    }
    class.course_state(CourseState::Completed);
    assert_eq!(class.submit("ada", "hw1", "text", ""), Err("WRONG_STATE".into()));
    let mut hidden = class_with(|settings| settings.published = false);
    assert_eq!(hidden.submit("ada", "hw1", "text", ""), Err("NOT_FOUND".into()));
}

#[test]
fn the_same_key_twice_is_one_attempt() {
    let mut class = class();
    let attempt = |outcome: Outcome| match outcome.result {
        Some(outcome::Result::Response(bytes)) => v1::SubmitResponse::decode(&*bytes).unwrap().submission.unwrap(),
        other => panic!("{other:?}"),
    };
    let first = attempt(class.world.run_with_key("ada", "key", submit_body("hw1", "text", "")));
    let again = attempt(class.world.run_with_key("ada", "key", submit_body("hw1", "text", "")));
    assert_eq!(first, again);
    assert_eq!(attempts_of(&class, "ada").attempts.len(), 1);
    assert!(class.world.events.is_empty());
}

#[test]
fn a_withdrawn_pledge_is_gone() {
    let mut class = class();
    let pledge = class.pledge("ada", "hw1", &[("a", b"x")]).unwrap();
    let withdraw = || Body::WithdrawPledge(v1::WithdrawPledgeRequest { pledge_id: pledge.pledge_id.clone() });
    assert_eq!(class.world.run::<v1::WithdrawPledgeResponse>("bob", withdraw()).unwrap_err(), "NOT_FOUND");
    class.world.run::<v1::WithdrawPledgeResponse>("ada", withdraw()).unwrap();
    assert_eq!(class.world.events[0].kind, EventKind::Pledge);
    assert_eq!(class.world.run::<v1::WithdrawPledgeResponse>("ada", withdraw()).unwrap_err(), "NOT_FOUND");
    assert_eq!(class.submit("ada", "hw1", "", &pledge.pledge_id), Err("UPLOAD_EXPIRED".into()));
}

#[test]
fn staff_see_every_student_and_who_waits() {
    let mut class = class();
    submitted(class.submit("ada", "hw1", "text", ""));
    class.world.now_ms += HOUR_MS + 60_001;
    let request = |needs_grading| v1::ListSubmissionsRequest {
        course: "cs101".into(),
        assignment: "hw1".into(),
        needs_grading,
        ..v1::ListSubmissionsRequest::default()
    };
    let all = class.world.ask("tom", |view| list_submissions(view, &request(false))).unwrap().submissions;
    let states: Vec<_> =
        all.iter().map(|it| (&*it.submitter.as_ref().unwrap().username, it.state(), it.missing)).collect();
    assert_eq!(states, [("ada", WorkflowState::Submitted, false), ("bob", WorkflowState::Unsubmitted, true)]);
    let waiting = class.world.ask("tom", |view| list_submissions(view, &request(true))).unwrap().submissions;
    assert_eq!(waiting.len(), 1);
    assert_eq!(class.world.ask("ada", |view| list_submissions(view, &request(false))).unwrap_err(), "WRONG_ROLE");
    let mut page = v1::ListSubmissionsRequest { page_size: 1, ..request(false) };
    let first = class.world.ask("tom", |view| list_submissions(view, &page)).unwrap();
    page.page_token = first.next_page_token;
    let second = class.world.ask("tom", |view| list_submissions(view, &page)).unwrap();
    assert_eq!(second.submissions[0].submitter.as_ref().unwrap().username, "bob");
    assert_eq!(second.next_page_token, "", "nothing but staff follows");
}

#[test]
fn a_student_reads_their_own_attempts_only() {
    let mut class = class();
    submitted(class.submit("ada", "hw1", "one", ""));
    submitted(class.submit("ada", "hw1", "two", ""));
    let get = |who: &str, user: &str, attempt| {
        let request =
            v1::GetSubmissionRequest { course: "cs101".into(), assignment: "hw1".into(), user: user.into(), attempt };
        class.world.ask(who, |view| get_submission(view, &request))
    };
    assert_eq!(get("ada", "", 0).unwrap().submission.unwrap().text, "two");
    assert_eq!(get("ada", "ada", 1).unwrap().submission.unwrap().text, "one");
    assert_eq!(get("tom", "ada", 1).unwrap().attempts, 2);
    assert_eq!(get("bob", "ada", 0).unwrap_err(), "WRONG_ROLE");
    for (who, user, attempt) in [("bob", "", 0), ("ada", "", 3), ("tom", "nobody", 0), ("tom", "eve", 0)] {
        assert_eq!(get(who, user, attempt).unwrap_err(), "NOT_FOUND", "{who} {user} {attempt}");
    }
}

#[test]
fn a_text_written_after_its_pledge_is_not_judged_by_the_pledges_time() {
    let mut class = class();
    let pledge = |text_digest: Vec<u8>| {
        Body::Pledge(v1::PledgeRequest {
            course: "cs101".into(),
            assignment: "hw1".into(),
            files: vec![crate::fixture_files::declare("a", b"x")],
            text_digest,
            ..v1::PledgeRequest::default()
        })
    };
    let digest = blake3::hash(b"written in time").as_bytes().to_vec();
    assert_eq!(class.world.run::<v1::PledgeResponse>("ada", pledge(vec![1])).unwrap_err(), "INVALID_ARGUMENT");
    let pledged = class.world.run::<v1::PledgeResponse>("ada", pledge(digest)).unwrap().pledge.unwrap();
    class.send("ada", pledged.upload.as_ref().unwrap(), &[("a", b"x")]);
    class.world.now_ms += 30 * 60_000;
    assert_eq!(class.submit("ada", "hw1", "written later", &pledged.pledge_id), Err("DIGEST_MISMATCH".into()));
    let submission = submitted(class.submit("ada", "hw1", "written in time", &pledged.pledge_id));
    assert_eq!(submission.submitted_at_ms, pledged.pledged_at_ms);
}

#[test]
fn nor_is_a_comment_that_was_not_pledged() {
    let mut class = class();
    let mut handed_in = |pledged: &str, comment: &str| {
        let digest = if pledged.is_empty() { Vec::new() } else { blake3::hash(pledged.as_bytes()).as_bytes().to_vec() };
        let request = v1::PledgeRequest {
            course: "cs101".into(),
            assignment: "hw1".into(),
            files: vec![crate::fixture_files::declare("a", b"x")],
            comment_digest: digest,
            ..v1::PledgeRequest::default()
        };
        let pledge = class.world.run::<v1::PledgeResponse>("ada", Body::Pledge(request)).unwrap().pledge.unwrap();
        class.send("ada", pledge.upload.as_ref().unwrap(), &[("a", b"x")]);
        class.world.now_ms += 1_000;
        let request = v1::SubmitRequest {
            course: "cs101".into(),
            assignment: "hw1".into(),
            pledge_id: pledge.pledge_id,
            comment: comment.into(),
            ..v1::SubmitRequest::default()
        };
        class
            .world
            .run::<v1::SubmitResponse>("ada", Body::Submit(request))
            .map(|reply| reply.submission.unwrap().comment)
    };
    assert_eq!(handed_in("", "the rest of my essay"), Err("DIGEST_MISMATCH".into()));
    assert_eq!(handed_in("a note", "another note"), Err("DIGEST_MISMATCH".into()));
    assert_eq!(handed_in("a note", "a note"), Ok("a note".into()));
    assert_eq!(handed_in("a note", ""), Ok(String::new()), "less than was pledged is fine");
}

#[test]
fn an_upload_under_way_keeps_its_assignment() {
    let mut class = class();
    class.pledge("ada", "hw1", &[("a", b"x")]).unwrap();
    let delete = v1::DeleteAssignmentRequest { course: "cs101".into(), assignment: "hw1".into(), ..Default::default() };
    let refused = class.world.run::<v1::DeleteAssignmentResponse>("ines", Body::DeleteAssignment(delete));
    assert_eq!(refused.unwrap_err(), "WRONG_STATE");
}
