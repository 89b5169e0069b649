use lectern_proto::internal::v1::{FoundCluster, UserRecord, command::Body};
use lectern_proto::v1::{
    AccountRights, CreateUserRequest, CreateUserResponse, EnrollmentState, EnrollmentType, GetUserRequest,
    ListAuditRequest, ListUsersRequest, UpdateUserRequest, UpdateUserResponse, UserState,
};

use super::*;
use crate::levels;
use crate::testing::World;

const ADMIN: AccountRights = AccountRights { admin: true, course_creator: false, operator: false };

fn world() -> World {
    let mut world = World::new();
    world.person("root", ADMIN);
    world.person("ada", AccountRights::default());
    world
}

fn create(username: &str) -> CreateUserRequest {
    CreateUserRequest { username: username.into(), name: "Somebody".into(), ..CreateUserRequest::default() }
}

fn update(user: &str, state: UserState) -> UpdateUserRequest {
    UpdateUserRequest { user: user.into(), state: Some(state.into()), reason: "why".into(), ..Default::default() }
}

fn run_update(world: &mut World, by: &str, request: UpdateUserRequest) -> std::result::Result<User, String> {
    let response: UpdateUserResponse = world.run(by, Body::UpdateUser(request))?;
    Ok(response.user.unwrap())
}

fn founding() -> Body {
    Body::FoundCluster(FoundCluster {
        cluster_id: "c1".into(),
        admin_username: "Root".into(),
        admin_code_hash: vec![7; 32],
    })
}

#[test]
fn founding_invites_the_first_admin_once() {
    let mut world = World::new();
    assert_eq!(world.run::<()>("", founding()), Ok(()));
    let cluster = lookup::cluster(&world.store).unwrap();
    assert_eq!((cluster.cluster_id.as_str(), cluster.feature_level), ("c1", levels::NEWEST), "the level stays");
    assert_eq!(cluster.founded_at_ms, world.now_ms);
    let record = by_username(&world.store, "ROOT").unwrap().unwrap();
    assert_eq!(record.code_hash, [7; 32]);
    assert_eq!(record.code_expires_at_ms, world.now_ms + FOUNDING_CODE_MS);
    let user = record.user.unwrap();
    assert_eq!((user.state(), user.rights), (UserState::Invited, Some(ADMIN)));
    assert_eq!(world.run::<()>("", founding()), Err("WRONG_STATE".into()));
}

#[test]
fn an_admin_makes_an_invited_account_with_free_names() {
    let mut world = world();
    let request = CreateUserRequest { sis_user_id: "S1".into(), email: "bob@example.org".into(), ..create(" Bob.X ") };
    let response: CreateUserResponse = world.run("root", Body::CreateUser(request.clone())).unwrap();
    let user = response.user.unwrap();
    assert_eq!((user.username.as_str(), user.state()), ("bob.x", UserState::Invited));
    assert_eq!(by_sis_id(&world.store, "S1").unwrap().unwrap().user, Some(user));
    let mut refused = |request| world.run::<CreateUserResponse>("root", Body::CreateUser(request)).unwrap_err();
    assert_eq!(refused(request.clone()), "DUPLICATE_NAME");
    assert_eq!(refused(CreateUserRequest { username: "carl".into(), ..request }), "DUPLICATE_NAME");
    for username in ["", "=cmd", "a b", "ä", &"x".repeat(65)] {
        assert_eq!(refused(create(username)), "INVALID_ARGUMENT", "{username}");
    }
    assert_eq!(refused(CreateUserRequest { email: "no address".into(), ..create("dora") }), "INVALID_ARGUMENT");
    assert_eq!(refused(CreateUserRequest { name: "x".repeat(201), ..create("dora") }), "TOO_LONG");
}

#[test]
fn only_admins_make_change_and_list_accounts() {
    let mut world = world();
    assert_eq!(world.run::<CreateUserResponse>("ada", Body::CreateUser(create("bob"))), Err("WRONG_ROLE".into()));
    assert_eq!(run_update(&mut world, "ada", update("root", UserState::Suspended)), Err("WRONG_ROLE".into()));
    let listed = world.ask("ada", |view| list_users(view, &ListUsersRequest::default()));
    assert_eq!(listed.unwrap_err(), "WRONG_ROLE");
}

#[test]
fn an_admin_whose_right_was_taken_a_moment_ago_cannot_write() {
    let mut world = world();
    world.person("second", ADMIN);
    let request =
        UpdateUserRequest { user: "second".into(), rights: Some(AccountRights::default()), ..Default::default() };
    run_update(&mut world, "root", request).unwrap();
    assert_eq!(world.run::<CreateUserResponse>("second", Body::CreateUser(create("bob"))), Err("WRONG_ROLE".into()));
}

#[test]
fn suspension_revokes_tokens_and_can_be_taken_back() {
    let mut world = world();
    run_update(&mut world, "root", update("ada", UserState::Suspended)).unwrap();
    let asked = world.ask("ada", |view| get_user(view, &GetUserRequest { user: "ada".into() }));
    assert_eq!(asked.unwrap_err(), "NOT_SIGNED_IN");
    assert_eq!(run_update(&mut world, "root", update("ada", UserState::Invited)), Err("WRONG_STATE".into()));
    assert_eq!(run_update(&mut world, "root", update("ada", UserState::Active)).unwrap().state(), UserState::Active);
}

#[test]
fn an_account_nobody_used_cannot_be_called_active() {
    let mut world = world();
    world.run::<CreateUserResponse>("root", Body::CreateUser(create("bob"))).unwrap();
    assert_eq!(run_update(&mut world, "root", update("bob", UserState::Active)), Err("WRONG_STATE".into()));
    run_update(&mut world, "root", update("bob", UserState::Suspended)).unwrap();
    assert_eq!(run_update(&mut world, "root", update("bob", UserState::Invited)).unwrap().state(), UserState::Invited);
}

#[test]
fn the_last_active_admin_stays() {
    let mut world = world();
    let no_rights =
        UpdateUserRequest { user: "root".into(), rights: Some(AccountRights::default()), ..Default::default() };
    for request in [update("root", UserState::Suspended), update("root", UserState::Deleted), no_rights] {
        assert_eq!(run_update(&mut world, "root", request), Err("WRONG_STATE".into()));
    }
    world.person("second", ADMIN);
    run_update(&mut world, "second", update("root", UserState::Deleted)).unwrap();
    assert_eq!(run_update(&mut world, "second", update("second", UserState::Suspended)), Err("WRONG_STATE".into()));
}

#[test]
fn deleting_keeps_the_record_and_leaves_the_courses() {
    let mut world = world();
    let course_id = world.course("cs101");
    let ada = lookup::user(&world.store, "ada").unwrap().unwrap().user.unwrap().user_id;
    world.enroll(&course_id, &ada, EnrollmentType::Student);
    run_update(&mut world, "root", update("ada", UserState::Deleted)).unwrap();
    let record: UserRecord = world.store.record(Table::Users, &key1(&ada)).unwrap().unwrap();
    assert_eq!(record.password_hash, "");
    let enrollment = enrollments::find(&world.store, &course_id, &ada).unwrap().unwrap();
    assert_eq!(enrollment.state(), EnrollmentState::Inactive);
    assert_eq!(lookup::course(&world.store, "cs101").unwrap().unwrap().student_count, 0);
    assert_eq!(run_update(&mut world, "root", update("ada", UserState::Active)), Err("WRONG_STATE".into()));
    assert_eq!(world.run::<CreateUserResponse>("root", Body::CreateUser(create("ada"))), Err("DUPLICATE_NAME".into()));
}

#[test]
fn rights_and_states_are_audited_with_before_after_and_reason() {
    let mut world = world();
    let request = UpdateUserRequest { rights: Some(ADMIN), ..update("ada", UserState::Suspended) };
    run_update(&mut world, "root", request).unwrap();
    let entries = world.ask("root", |view| audit::list_audit(view, &ListAuditRequest::default())).unwrap().entries;
    let told: Vec<_> =
        entries.iter().map(|it| (&*it.action, &*it.subject, &*it.before, &*it.after, &*it.reason)).collect();
    assert_eq!(
        told,
        [("account.state", "ada", "active", "suspended", "why"), ("account.rights", "ada", "", "admin", "why"),]
    );
}

#[test]
fn accounts_are_seen_by_their_owner_admins_and_staff_of_a_shared_course() {
    let mut world = world();
    let course_id = world.course("cs101");
    for (username, kind) in
        [("ta", EnrollmentType::Ta), ("bob", EnrollmentType::Student), ("eve", EnrollmentType::Student)]
    {
        let user_id = world.person(username, AccountRights::default());
        world.enroll(&course_id, &user_id, kind);
    }
    let sees =
        |by: &str, user: &str| world.ask(by, |view| get_user(view, &GetUserRequest { user: user.into() })).is_ok();
    assert!(sees("bob", "bob") && sees("root", "bob") && sees("ta", "bob"));
    assert!(!sees("eve", "bob") && !sees("ta", "ada") && !sees("bob", "ta") && !sees("bob", "nobody"));
}

#[test]
fn an_accounts_courses_are_told_as_far_as_the_asker_may_know_of_them() {
    let mut world = world();
    let bob = world.person("bob", AccountRights::default());
    let ta = world.person("ta", AccountRights::default());
    for (slug, staffed) in [("cs101", true), ("hist1", false)] {
        let course_id = world.course(slug);
        world.enroll(&course_id, &bob, EnrollmentType::Student);
        if staffed {
            world.enroll(&course_id, &ta, EnrollmentType::Ta);
        }
    }
    let courses = |by: &str| {
        let answer = world.ask(by, |view| get_user(view, &GetUserRequest { user: "bob".into() })).unwrap();
        answer.enrollments.into_iter().map(|it| it.course_slug).collect::<Vec<_>>()
    };
    assert_eq!(courses("root"), ["cs101", "hist1"]);
    assert_eq!(courses("bob"), ["cs101", "hist1"]);
    assert_eq!(courses("ta"), ["cs101"]);
}

#[test]
fn accounts_are_listed_by_username_searched_and_paged() {
    let mut world = world();
    for username in ["carl", "bert", "zoe"] {
        world.person(username, AccountRights::default());
    }
    let list = |contains: &str, page_size, page_token: &str| {
        let request = ListUsersRequest { contains: contains.into(), page_size, page_token: page_token.into() };
        let response = world.ask("root", |view| list_users(view, &request)).unwrap();
        let names: Vec<_> = response.users.into_iter().map(|user| user.username).collect();
        (names.join(" "), response.next_page_token)
    };
    assert_eq!(list("", 0, ""), ("ada bert carl root zoe".into(), String::new()));
    let (first, token) = list("", 2, "");
    let (second, token) = list("", 2, &token);
    assert_eq!((&*first, &*second, &*list("", 2, &token).0), ("ada bert", "carl root", "zoe"));
    assert_eq!(list("NAME OF ZO", 0, "").0, "zoe");
}
