use lectern_proto::internal::v1::{Advance, Outcome, Refusal, command::Body, outcome};
use lectern_proto::v1::{AccountRights, UserState};
use prost::Message;

use super::*;
use crate::lookup;
use crate::tables::Table;
use crate::testing::World;

/// Course cs101 with the instructor ines and the student ada, both with accounts; tom is its Ta, root an admin.
fn world() -> World {
    let mut world = World::new();
    world.person("root", AccountRights { admin: true, ..AccountRights::default() });
    let course_id = world.course("cs101");
    for (username, kind) in
        [("ines", EnrollmentType::Instructor), ("tom", EnrollmentType::Ta), ("ada", EnrollmentType::Student)]
    {
        let user_id = world.person(username, AccountRights::default());
        world.enroll(&course_id, &user_id, kind);
    }
    // The first command also writes down the time; after it, a refused one leaves the tables as they were.
    world.run::<()>("", Body::Advance(Advance::default())).unwrap();
    world
}

fn roster(enrollments: &str, users: &str) -> ImportRosterRequest {
    ImportRosterRequest {
        course: "cs101".into(),
        enrollments_csv: enrollments.into(),
        users_csv: users.into(),
        preview: false,
    }
}

fn import(world: &mut World, request: &ImportRosterRequest) -> Result<ImportRosterResponse, Refusal> {
    answer(world.run_with_key("ines", "", Body::ImportRoster(request.clone())))
}

fn answer<R: Message + Default>(outcome: Outcome) -> Result<R, Refusal> {
    match outcome.result.unwrap() {
        outcome::Result::Response(bytes) => Ok(R::decode(&*bytes).unwrap()),
        outcome::Result::Refusal(refusal) => Err(refusal),
    }
}

type Result<T, E> = std::result::Result<T, E>;

const USERS: &str = "user_id,login_id,first_name,last_name,email,status,password\r\n\
    s1,bob,Bob,\"Byte, Jr.\",bob@example.org,active,\r\n\
    s2,eve,=HYPERLINK(1),@SUM,eve@example.org,active,secret\r\n\
    sis-ada,ada,Another,Name,,active,\r\n\
    s3,unused,Not,Enrolled,,active,\r\n";
const ROSTER: &str = "course_id,user_id,role,section_id,status\n\
    cs101,s1,student,L1,active\n\
    CS101,s2,ta,,\n\
    ,sis-ada,Student,,active\n";

#[test]
fn a_roster_invites_and_enrols_and_its_preview_says_the_same() {
    let mut world = world();
    let request = roster(ROSTER, USERS);
    let before = world.store.clone();
    let preview = world.ask("ines", |view| preview_roster(view, &request)).unwrap();
    assert!(world.store == before);
    let response = import(&mut world, &request).unwrap();
    assert_eq!(response, preview);
    assert_eq!((response.invited, response.enrolled, response.unchanged), (2, 2, 1));
    let told: Vec<_> = response.rows.iter().map(|row| (row.line, row.action(), &*row.subject)).collect();
    assert_eq!(
        told,
        [
            (2, ImportAction::Create, "bob"),
            (3, ImportAction::Create, "eve"),
            (4, ImportAction::Unchanged, "ada"),
            (5, ImportAction::Unchanged, "unused"),
            (2, ImportAction::Create, "bob cs101"),
            (3, ImportAction::Create, "eve cs101"),
            (4, ImportAction::Unchanged, "ada cs101"),
        ]
    );
    assert!(response.rows[1].message.contains("password in the file is not used"));
    assert!(response.rows[2].message.contains("keeps its own name"));
    assert_eq!(lookup::user(&world.store, "unused").unwrap(), None, "whom nobody enrols is not invited");
    let eve = lookup::user(&world.store, "eve").unwrap().unwrap().user.unwrap();
    assert_eq!((eve.name.as_str(), eve.state()), ("=HYPERLINK(1) @SUM", UserState::Invited), "cells are text");
    assert_eq!(lookup::user(&world.store, "ada").unwrap().unwrap().user.unwrap().name, "Name of ada");
    let course = lookup::course(&world.store, "cs101").unwrap().unwrap();
    assert_eq!(course.student_count, 2);
    let enrollment = enrollments::find(&world.store, &course.course_id, &eve.user_id).unwrap().unwrap();
    assert_eq!((enrollment.r#type(), enrollment.state()), (EnrollmentType::Ta, EnrollmentState::Invited));
    assert_eq!(world.store.len(Table::Sections), 1);
}

#[test]
fn importing_again_changes_nothing() {
    let mut world = world();
    let request = roster(ROSTER, USERS);
    import(&mut world, &request).unwrap();
    let people = world.store.len(Table::Users);
    let audit = world.store.len(Table::Audit);
    let again = import(&mut world, &request).unwrap();
    assert_eq!((again.invited, again.enrolled, again.unchanged), (0, 0, 3));
    assert_eq!((world.store.len(Table::Users), world.store.len(Table::Audit)), (people, audit));
}

#[test]
fn a_retry_with_the_same_key_answers_the_same_and_another_file_is_refused() {
    let mut world = world();
    let body = |users: &str| Body::ImportRoster(roster(ROSTER, users));
    let first = world.run_with_key("ines", "k", body(USERS));
    assert_eq!(world.run_with_key("ines", "k", body(USERS)), first);
    let other = answer::<ImportRosterResponse>(world.run_with_key("ines", "k", body("user_id\n")));
    assert_eq!(other.unwrap_err().reason, "KEY_REUSED");
}

#[test]
fn all_bad_rows_are_listed_at_once_and_nothing_is_imported() {
    let mut world = world();
    let users = "user_id,login_id,full_name,email,status\n\
        s1,bob,Bob,,active\n\
        s1,carl,Carl,,active\n\
        ,=cmd,,no address,gone\n\
        sis-ada,tom,Ada,,\n";
    let enrollments = "course_id,user_id,role,status\n\
        cs101,s1,student,active\n\
        hist1,sis-ada,student,active\n\
        cs101,nobody,observer,active\n\
        cs101,sis-tom,ta,perhaps\n\
        cs101,s1,ta,active\n\
        cs101,sis-ada,student,active,surplus\n";
    let request = roster(enrollments, users);
    let before = world.store.clone();
    let refusal = import(&mut world, &request).unwrap_err();
    assert_eq!((refusal.reason.as_str(), refusal.metadata["rows"].as_str()), ("BAD_ROWS", "8"));
    let lines: Vec<_> = refusal.rows.iter().map(|row| (row.message.starts_with("users.csv"), row.line)).collect();
    let (users, enrollments) = (true, false);
    assert_eq!(
        lines,
        [
            (users, 3),
            (users, 4),
            (users, 5),
            (enrollments, 3),
            (enrollments, 4),
            (enrollments, 5),
            (enrollments, 6),
            (enrollments, 7)
        ]
    );
    for words in ["user_id is empty", "username", "name is empty", "e-mail"] {
        assert!(refusal.rows[1].message.contains(words), "{words}: {}", refusal.rows[1].message);
    }
    assert!(refusal.rows[4].message.contains("observer") && refusal.rows[4].message.contains("nobody is known"));
    assert!(refusal.rows[6].message.contains("line 2"), "{}", refusal.rows[6].message);
    assert!(world.store == before);
    assert_eq!(world.ask("ines", |view| preview_roster(view, &request)).unwrap_err(), "BAD_ROWS");
}

#[test]
fn roles_states_and_sections_of_members_follow_the_file() {
    let mut world = world();
    let text = "user_login_id,role,section,status\nada,ta,Lab,\ntom,ta,,inactive\nroot,student,,deleted\n";
    let response = import(&mut world, &roster(text, "")).unwrap();
    let told: Vec<_> = response.rows.iter().map(|row| (row.action(), &*row.message)).collect();
    assert_eq!(
        told,
        [
            (ImportAction::Update, "student becomes ta, moves to section Lab"),
            (ImportAction::Update, "active becomes inactive"),
            (ImportAction::Unchanged, "is not enrolled"),
        ]
    );
    assert_eq!((response.enrolled, response.unchanged), (1, 1));
    assert_eq!(lookup::course(&world.store, "cs101").unwrap().unwrap().student_count, 0);
    assert_eq!(world.store.len(Table::Sections), 1);
    let back = import(&mut world, &roster("user_id,role,status\nada,student,deleted\ntom,ta,active\n", "")).unwrap();
    let actions: Vec<_> = back.rows.iter().map(ImportRow::action).collect();
    assert_eq!(actions, [ImportAction::Delete, ImportAction::Update]);
}

#[test]
fn an_import_cannot_take_the_last_instructor_away_but_may_replace_them() {
    let mut world = world();
    let refusal = import(&mut world, &roster("user_id,role\nines,student\n", "")).unwrap_err();
    assert!(refusal.rows[0].message.contains("without an instructor"));
    import(&mut world, &roster("user_id,role\nines,student\ntom,teacher\n", "")).unwrap();
    assert_eq!(import(&mut world, &roster("user_id,role\nines,teacher\n", "")).unwrap_err().reason, "WRONG_ROLE");
}

#[test]
fn only_instructors_import_a_roster_and_only_admins_accounts() {
    let mut world = world();
    for (by, reason) in [("tom", "WRONG_ROLE"), ("ada", "WRONG_ROLE"), ("", "NOT_SIGNED_IN")] {
        let refused = world.run::<ImportRosterResponse>(by, Body::ImportRoster(roster(ROSTER, USERS)));
        assert_eq!(refused.unwrap_err(), reason, "{by}");
    }
    let request = ImportUsersRequest { csv: USERS.into(), preview: false };
    assert_eq!(world.run::<ImportUsersResponse>("ines", Body::ImportUsers(request.clone())), Err("WRONG_ROLE".into()));
    assert_eq!(world.ask("ines", |view| preview_users(view, &request)).unwrap_err(), "WRONG_ROLE");
}

#[test]
fn accounts_are_imported_as_previewed() {
    let mut world = world();
    let request = ImportUsersRequest { csv: USERS.into(), preview: false };
    let preview = world.ask("root", |view| preview_users(view, &request)).unwrap();
    let response: ImportUsersResponse = world.run("root", Body::ImportUsers(request.clone())).unwrap();
    assert_eq!(response, preview);
    assert_eq!((response.created, response.unchanged), (3, 1));
    let again: ImportUsersResponse = world.run("root", Body::ImportUsers(request)).unwrap();
    assert_eq!((again.created, again.unchanged), (0, 4));
}

#[test]
fn a_command_that_is_a_preview_changes_nothing() {
    let mut world = world();
    let before = world.store.clone();
    import(&mut world, &ImportRosterRequest { preview: true, ..roster(ROSTER, USERS) }).unwrap();
    let request = ImportUsersRequest { csv: USERS.into(), preview: true };
    world.run::<ImportUsersResponse>("root", Body::ImportUsers(request)).unwrap();
    let (before, after) = (before.len(Table::Users), world.store.len(Table::Users));
    assert_eq!(before, after);
}

#[test]
fn files_with_missing_columns_or_bytes_that_are_no_text_are_refused() {
    let mut world = world();
    let missing = import(&mut world, &roster("course_id\ncs101\n", "")).unwrap_err();
    assert_eq!(missing.rows.iter().map(|row| &*row.subject).collect::<Vec<_>>(), ["user_id", "role"]);
    let mut latin = roster(ROSTER, "");
    latin.users_csv = b"user_id,login_id,full_name\ns1,bob,B\xF6b\n".to_vec();
    let refusal = import(&mut world, &latin).unwrap_err();
    assert_eq!((refusal.reason.as_str(), refusal.metadata["line"].as_str()), ("BAD_UTF8", "2"));
    let mut huge = roster(ROSTER, "");
    huge.enrollments_csv.resize(crate::limits::IMPORT_BYTES + 1, b'\n');
    assert_eq!(import(&mut world, &huge).unwrap_err().reason, "TOO_LARGE");
}
