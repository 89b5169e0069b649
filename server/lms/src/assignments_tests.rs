use lectern_proto::POINT;
use lectern_proto::internal::v1::{AuditRecord, command::Body};
use lectern_proto::v1::{AssignmentSettings, SubmissionType};

use super::*;
use crate::fixture::{Class, HOUR_MS};

type Answer<T> = std::result::Result<T, String>;

fn settings() -> AssignmentSettings {
    AssignmentSettings {
        title: "Homework".into(),
        points_possible: 10 * POINT,
        submission_types: vec![SubmissionType::Text.into(), SubmissionType::Files.into()],
        published: true,
        post_manually: true,
        ..AssignmentSettings::default()
    }
}

fn create(class: &mut Class, who: &str, slug: &str, settings: AssignmentSettings) -> Answer<v1::Assignment> {
    let request = v1::CreateAssignmentRequest {
        course: "cs101".into(),
        slug: slug.into(),
        settings: Some(settings),
        attachments_upload_id: String::new(),
    };
    let created: v1::CreateAssignmentResponse = class.world.run(who, Body::CreateAssignment(request))?;
    Ok(created.assignment.unwrap())
}

fn update(
    class: &mut Class,
    revision: u64,
    settings: AssignmentSettings,
    attachments_upload_id: Option<String>,
) -> Answer<v1::Assignment> {
    let request = v1::UpdateAssignmentRequest {
        course: "cs101".into(),
        assignment: "hw1".into(),
        settings: Some(settings),
        attachments_upload_id,
        reason: "snow".into(),
        revision,
    };
    let updated: v1::UpdateAssignmentResponse = class.world.run("ines", Body::UpdateAssignment(request))?;
    Ok(updated.assignment.unwrap())
}

fn delete(class: &mut Class, who: &str) -> Answer<()> {
    let request =
        v1::DeleteAssignmentRequest { course: "cs101".into(), assignment: "hw1".into(), reason: String::new() };
    class.world.run::<v1::DeleteAssignmentResponse>(who, Body::DeleteAssignment(request)).map(|_| ())
}

fn get(class: &Class, who: &str) -> Answer<v1::Assignment> {
    let request = v1::GetAssignmentRequest { course: "cs101".into(), assignment: "hw1".into() };
    Ok(class.world.ask(who, |view| get_assignment(view, &request))?.assignment.unwrap())
}

fn audited(class: &Class) -> Vec<AuditRecord> {
    let rows = class.world.store.records(Table::Audit, &[], None, Order::Ascending, 100).unwrap();
    rows.into_iter().map(|(_, record)| record).collect()
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let mut class = Class::new();
    let bad: &[fn(&mut AssignmentSettings)] = &[
        |it| it.title = String::new(),
        |it| it.points_possible = -1,
        |it| (it.unlock_at_ms, it.due_at_ms) = (Some(2), Some(1)),
        |it| (it.due_at_ms, it.lock_at_ms) = (Some(2), Some(1)),
        |it| (it.unlock_at_ms, it.lock_at_ms) = (Some(2), Some(1)),
        |it| it.due_at_ms = Some(i64::MAX),
        |it| it.submission_types = vec![],
        |it| it.submission_types = vec![0],
        |it| it.submission_types = vec![99],
        |it| it.submission_types = vec![1, 1],
        |it| it.submission_types = vec![SubmissionType::Text.into(), SubmissionType::OnPaper.into()],
        |it| it.allowed_extensions = vec!["p/df".into()],
        |it| (it.submission_types, it.allowed_extensions) = (vec![1], vec!["pdf".into()]),
        |it| it.max_file_bytes = limits::FILE_BYTES + 1,
        |it| it.max_text_bytes = limits::TEXT_BYTES + 1,
    ];
    for (number, change) in bad.iter().enumerate() {
        let mut settings = settings();
        change(&mut settings);
        assert_eq!(create(&mut class, "ines", "hw1", settings).unwrap_err(), "INVALID_ARGUMENT", "number {number}");
    }
    let long = AssignmentSettings { description: "x".repeat(limits::BODY_BYTES + 1), ..settings() };
    assert_eq!(create(&mut class, "ines", "hw1", long).unwrap_err(), "TOO_LONG");
    assert_eq!(create(&mut class, "ines", "HW 1", settings()).unwrap_err(), "INVALID_ARGUMENT");
    let extensions = vec![".PDF".into(), "pdf".into(), "tar.gz".into()];
    let good = AssignmentSettings { allowed_extensions: extensions, ..settings() };
    let created = create(&mut class, "ines", "hw1", good).unwrap();
    assert_eq!(created.settings.unwrap().allowed_extensions, ["pdf", "tar.gz"]);
    assert_eq!(create(&mut class, "ines", "hw1", settings()).unwrap_err(), "DUPLICATE_NAME");
}

#[test]
fn staff_write_assignments_and_students_see_published_ones() {
    let mut class = Class::new();
    assert_eq!(create(&mut class, "ada", "hw1", settings()).unwrap_err(), "WRONG_ROLE");
    assert_eq!(create(&mut class, "eve", "hw1", settings()).unwrap_err(), "NOT_FOUND");
    create(&mut class, "tom", "hw1", AssignmentSettings { published: false, ..settings() }).unwrap();
    assert_eq!(class.world.events[0].audience, Audience::Staff);
    assert_eq!(get(&class, "ada").unwrap_err(), "NOT_FOUND");
    create(&mut class, "tom", "hw2", settings()).unwrap();
    let request = v1::ListAssignmentsRequest { course: "cs101".into(), ..Default::default() };
    let count = |who: &str| class.world.ask(who, |view| list_assignments(view, &request)).unwrap().assignments.len();
    assert_eq!((count("ada"), count("tom")), (1, 2));
    update(&mut class, 1, settings(), None).unwrap();
    assert_eq!(class.world.events.last().unwrap().audience, Audience::Course);
    assert_eq!(get(&class, "ada").unwrap().revision, 2);
}

#[test]
fn changes_of_dates_and_points_are_audited_with_both_values() {
    let mut class = Class::new();
    create(&mut class, "ines", "hw1", settings()).unwrap();
    let due_at_ms = Some(1_788_264_000_000);
    let changed = AssignmentSettings { due_at_ms, points_possible: 125_000, ..settings() };
    update(&mut class, 1, changed.clone(), None).unwrap();
    assert_eq!(update(&mut class, 1, settings(), None).unwrap_err(), "STALE_REVISION");
    update(&mut class, 2, AssignmentSettings { title: "Other".into(), ..changed }, None).unwrap();
    let entries: Vec<_> = audited(&class).into_iter().map(|it| (it.action, it.before, it.after)).collect();
    let expected = [
        ("assignment.dates", "unlock none, due none, lock none", "unlock none, due 2026-09-01T12:00:00Z, lock none"),
        ("assignment.points", "10", "12.5"),
    ];
    assert_eq!(entries, expected.map(|(action, before, after)| (action.into(), before.into(), after.into())));
    assert_eq!((&*audited(&class)[0].subject, &*audited(&class)[0].reason), ("cs101/hw1", "snow"));
}

#[test]
fn an_assignment_with_work_is_neither_deleted_nor_unpublished() {
    let mut class = Class::new();
    create(&mut class, "ines", "hw1", settings()).unwrap();
    assert_eq!(delete(&mut class, "ada").unwrap_err(), "WRONG_ROLE");
    delete(&mut class, "ines").unwrap();
    assert_eq!(get(&class, "ines").unwrap_err(), "NOT_FOUND");
    assert_eq!(audited(&class)[0].action, "assignment.delete");
    let locked = AssignmentSettings { lock_at_ms: Some(class.world.now_ms - 1), ..settings() };
    create(&mut class, "ines", "hw1", locked.clone()).expect("the slug is free again");
    assert!(class.submit("ada", "hw1", "offered late", "").unwrap().extension_request.is_some());
    assert_eq!(delete(&mut class, "ines").unwrap_err(), "WRONG_STATE");
    let hidden = AssignmentSettings { published: false, ..locked };
    assert_eq!(update(&mut class, 1, hidden, None).unwrap_err(), "WRONG_STATE");
}

#[test]
fn attachments_are_read_while_the_assignment_is_visible() {
    let mut class = Class::new();
    create(&mut class, "ines", "hw1", AssignmentSettings { published: false, ..settings() }).unwrap();
    let upload_id = class.upload("ines", &[("data.csv", b"1,2"), ("task.pdf", b"pdf")]);
    let hidden = AssignmentSettings { published: false, ..settings() };
    let attachments = update(&mut class, 1, hidden, Some(upload_id)).unwrap().attachments;
    assert_eq!(attachments.len(), 2);
    let read = |class: &Class, who: &str| class.world.ask(who, |view| files::open_file(view, &attachments[0].file_id));
    assert_eq!(read(&class, "ada").unwrap_err(), "NOT_FOUND");
    assert!(read(&class, "tom").is_ok());
    assert_eq!(update(&mut class, 2, settings(), None).unwrap().attachments.len(), 2, "kept when not named");
    assert!(read(&class, "ada").is_ok());
    assert_eq!(read(&class, "eve").unwrap_err(), "NOT_FOUND");
    assert_eq!(update(&mut class, 3, settings(), Some(String::new())).unwrap().attachments, []);
    assert_eq!(read(&class, "tom").unwrap_err(), "NOT_FOUND");
}

#[test]
fn students_see_their_own_state_and_staff_the_counts() {
    let mut class = Class::new();
    let due_at_ms = Some(class.world.now_ms + HOUR_MS);
    create(&mut class, "ines", "hw1", AssignmentSettings { due_at_ms, ..settings() }).unwrap();
    class.submit("ada", "hw1", "text", "").unwrap();
    class.submit("ada", "hw1", "again", "").unwrap();
    let handed_in_at = class.world.now_ms;
    class.world.now_ms += HOUR_MS + 60_001;
    let ada = get(&class, "ada").unwrap();
    assert!(ada.counts.is_none());
    let mine = ada.mine.unwrap();
    assert_eq!((mine.attempts_used, mine.submitted_at_ms), (2, Some(handed_in_at)));
    assert_eq!((mine.late, mine.missing, mine.due_at_ms), (false, false, due_at_ms));
    assert!(get(&class, "bob").unwrap().mine.unwrap().missing);
    let tom = get(&class, "tom").unwrap();
    assert!(tom.mine.is_none());
    let counts = tom.counts.unwrap();
    assert_eq!((counts.students, counts.submitted, counts.needs_grading), (2, 1, 1));
}

/// `hw1` opens in an hour and has an attachment, whose file id comes back.
fn locked(class: &mut Class) -> String {
    let upload = class.upload("ines", &[("questions.pdf", b"Question 1")]);
    let request = v1::CreateAssignmentRequest {
        course: "cs101".into(),
        slug: "hw1".into(),
        settings: Some(AssignmentSettings {
            description: "Prove it.".into(),
            unlock_at_ms: Some(class.world.now_ms + HOUR_MS),
            due_at_ms: Some(class.world.now_ms + 2 * HOUR_MS),
            ..settings()
        }),
        attachments_upload_id: upload,
    };
    let created: v1::CreateAssignmentResponse = class.world.run("ines", Body::CreateAssignment(request)).unwrap();
    created.assignment.unwrap().attachments[0].file_id.clone()
}

/// Everywhere an assignment can be seen: whether the person reads what is asked, on each way there.
fn reads(class: &Class, who: &str, file_id: &str) -> [bool; 3] {
    let whole = |assignment: v1::Assignment| {
        let settings = assignment.settings.unwrap();
        assert_eq!((&*settings.title, settings.points_possible), ("Homework", 10 * POINT), "these are no secret");
        assert!(settings.due_at_ms.is_some() && settings.unlock_at_ms.is_some());
        let text = settings.description == "Prove it.";
        assert_eq!((text, text), (!assignment.attachments.is_empty(), !assignment.content_hidden));
        text
    };
    let list = v1::ListAssignmentsRequest { course: "cs101".into(), ..v1::ListAssignmentsRequest::default() };
    let listed = class.world.ask(who, |view| list_assignments(view, &list)).unwrap().assignments.remove(0);
    let downloads = class.world.ask(who, |view| files::open_file(view, file_id));
    if let Err(refused) = &downloads {
        assert_eq!(refused, "NOT_FOUND");
    }
    [whole(get(class, who).unwrap()), whole(listed), downloads.is_ok()]
}

#[test]
fn before_it_opens_students_see_title_points_and_dates_and_nothing_else() {
    let mut class = Class::new();
    let file_id = locked(&mut class);
    for student in ["ada", "bob"] {
        assert_eq!(reads(&class, student, &file_id), [false; 3], "{student}");
    }
    for staff in ["tom", "ines", "root"] {
        assert_eq!(reads(&class, staff, &file_id), [true; 3], "{staff}");
    }
    let home = class.world.ask("ada", |view| crate::home::get_home(view, &v1::GetHomeRequest {})).unwrap();
    assert_eq!((&*home.due[0].title, home.due[0].unlock_at_ms), ("Homework", Some(class.world.now_ms + HOUR_MS)));
    class.world.now_ms += HOUR_MS;
    assert_eq!(reads(&class, "ada", &file_id), [true; 3]);
}

#[test]
fn what_was_open_and_is_locked_again_is_hidden_again() {
    let mut class = Class::new();
    let file_id = locked(&mut class);
    class.world.now_ms += HOUR_MS;
    assert_eq!(reads(&class, "ada", &file_id), [true; 3]);
    let again = get(&class, "ines").unwrap();
    let settings = AssignmentSettings { unlock_at_ms: Some(class.world.now_ms + 1), ..again.settings.clone().unwrap() };
    update(&mut class, again.revision, settings, None).unwrap();
    assert_eq!(reads(&class, "ada", &file_id), [false; 3]);
}

#[test]
fn watchers_are_told_when_an_assignment_opens() {
    let mut class = Class::new();
    locked(&mut class);
    let id = get(&class, "ines").unwrap().assignment_id;
    let opened = |class: &Class| {
        let events = class.world.events.iter().filter(|event| event.kind == EventKind::Assignment);
        events.map(|event| (event.id.clone(), event.audience.clone())).collect::<Vec<_>>()
    };
    class.world.now_ms += HOUR_MS - 1;
    class.world.run::<()>("", Body::Advance(lectern_proto::internal::v1::Advance::default())).unwrap();
    assert_eq!(opened(&class), []);
    class.world.now_ms += 1;
    class.world.run::<()>("", Body::Advance(lectern_proto::internal::v1::Advance::default())).unwrap();
    assert_eq!(opened(&class), [(id, Audience::Course)]);
}
