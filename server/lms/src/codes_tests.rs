use lectern_proto::internal::v1::{UserCode, command::Body};
use lectern_proto::v1::{
    CreateUserRequest, CreateUserResponse, EnrollRequest, EnrollResponse, UpdateUserRequest, UpdateUserResponse,
};

use lectern_proto::v1::EnrollmentType;

use super::*;
use crate::testing::World;

const ADMIN: AccountRights = AccountRights { admin: true, course_creator: false, operator: false, tutor: false };
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Course cs101 of ines with the active student ada and the invited student bob.
fn world() -> World {
    let mut world = World::new();
    world.person("root", ADMIN);
    let course_id = world.course("cs101");
    for (username, kind) in [("ines", EnrollmentType::Instructor), ("ada", EnrollmentType::Student)] {
        let user_id = world.person(username, AccountRights::default());
        world.enroll(&course_id, &user_id, kind);
    }
    invite(&mut world, "bob", AccountRights::default());
    enroll(&mut world, "cs101", "bob", EnrollmentType::Student);
    world
}

fn invite(world: &mut World, username: &str, rights: AccountRights) {
    let request = CreateUserRequest {
        username: username.into(),
        name: username.into(),
        sis_user_id: format!("sis-{username}"),
        rights: Some(rights),
        ..CreateUserRequest::default()
    };
    world.run::<CreateUserResponse>("root", Body::CreateUser(request)).unwrap();
}

fn enroll(world: &mut World, course: &str, user: &str, kind: EnrollmentType) {
    let request =
        EnrollRequest { course: course.into(), user: user.into(), r#type: kind.into(), section: String::new() };
    world.run::<EnrollResponse>("root", Body::Enroll(request)).unwrap();
}

fn set(
    world: &mut World,
    by: &str,
    course: &str,
    usernames: &[&str],
) -> std::result::Result<IssueCodesResponse, String> {
    let code = |username: &&str| UserCode { user_id: (*username).into(), code_hash: vec![9; 32] };
    let codes = usernames.iter().map(code).collect();
    world.run(by, Body::SetCodes(SetCodes { codes, course: course.into(), lifetime_ms: DAY_MS }))
}

#[test]
fn an_instructor_gives_codes_to_members_who_never_activated() {
    let mut world = world();
    let response = set(&mut world, "ines", "cs101", &["bob"]).unwrap();
    let issued = &response.codes[0];
    assert_eq!((issued.sis_user_id.as_str(), issued.code.as_str()), ("sis-bob", ""));
    assert_eq!(issued.expires_at_ms, world.now_ms + DAY_MS);
    assert_eq!(accounts::existing(&world.store, "bob").unwrap().code_hash, [9; 32]);
}

#[test]
fn an_instructor_resets_nobody_and_reaches_no_stranger_and_nothing_changes_when_one_is_refused() {
    let mut world = world();
    invite(&mut world, "stranger", AccountRights::default());
    for users in [["bob", "ada"], ["bob", "stranger"], ["bob", "ines"]] {
        assert_eq!(set(&mut world, "ines", "cs101", &users), Err("WRONG_ROLE".into()), "{users:?}");
    }
    assert_eq!(accounts::existing(&world.store, "bob").unwrap().code_hash, Vec::<u8>::new());
    assert_eq!(set(&mut world, "ines", "", &["bob"]), Err("WRONG_ROLE".into()));
    assert_eq!(set(&mut world, "ada", "cs101", &["bob"]), Err("WRONG_ROLE".into()));
    assert_eq!(set(&mut world, "ines", "nowhere", &["bob"]), Err("NOT_FOUND".into()));
}

#[test]
fn enrolling_somebody_with_more_power_is_no_way_to_become_them() {
    let mut world = world();
    world.course("hist1");
    invite(&mut world, "boss", ADMIN);
    invite(&mut world, "prof", AccountRights::default());
    enroll(&mut world, "cs101", "boss", EnrollmentType::Student);
    enroll(&mut world, "cs101", "prof", EnrollmentType::Student);
    enroll(&mut world, "hist1", "prof", EnrollmentType::Instructor);
    for user in ["boss", "prof"] {
        assert_eq!(set(&mut world, "ines", "cs101", &[user]), Err("WRONG_ROLE".into()), "{user}");
    }
}

#[test]
fn an_admin_gives_codes_to_anyone_in_use() {
    let mut world = world();
    assert_eq!(set(&mut world, "root", "", &["ada", "bob"]).unwrap().codes.len(), 2);
    assert_eq!(set(&mut world, "root", "", &["nobody"]), Err("NOT_FOUND".into()));
    let suspend = lectern_proto::v1::UpdateUserRequest {
        user: "ada".into(),
        state: Some(UserState::Suspended.into()),
        ..Default::default()
    };
    world.run::<lectern_proto::v1::UpdateUserResponse>("root", Body::UpdateUser(suspend)).unwrap();
    assert_eq!(set(&mut world, "root", "", &["ada"]), Err("ACCOUNT_INACTIVE".into()));
}

#[test]
fn the_door_learns_whom_to_make_codes_for() {
    let world = world();
    let ask = |by: &str, course: &str, users: &[&str]| {
        let users = users.iter().map(|&user| user.to_owned()).collect();
        world.ask(by, |view| people_for_codes(view, &IssueCodesRequest { users, course: course.into() }))
    };
    let bob = accounts::existing(&world.store, "bob").unwrap().user.unwrap().user_id;
    assert_eq!(ask("ines", "cs101", &[]), Ok(vec![bob.clone()]));
    assert_eq!(ask("root", "cs101", &[]), Ok(vec![bob.clone()]));
    assert_eq!(ask("ines", "cs101", &["bob"]), Ok(vec![bob]));
    assert_eq!(ask("ines", "cs101", &["ada"]), Err("WRONG_ROLE".into()));
    assert_eq!(ask("root", "", &[]), Err("INVALID_ARGUMENT".into()));
}

#[test]
fn a_code_does_not_outlive_a_change_of_what_the_account_may_do() {
    let mut world = world();
    set(&mut world, "ines", "cs101", &["bob"]).unwrap();
    let rename = UpdateUserRequest { user: "bob".into(), name: Some("Bob".into()), ..UpdateUserRequest::default() };
    world.run::<UpdateUserResponse>("root", Body::UpdateUser(rename)).unwrap();
    assert_eq!(accounts::existing(&world.store, "bob").unwrap().code_hash, [9; 32]);
    let promote = UpdateUserRequest { user: "bob".into(), rights: Some(ADMIN), ..UpdateUserRequest::default() };
    world.run::<UpdateUserResponse>("root", Body::UpdateUser(promote)).unwrap();
    let record = accounts::existing(&world.store, "bob").unwrap();
    assert!(record.code_hash.is_empty(), "ines must not become an administrator with it");
}
