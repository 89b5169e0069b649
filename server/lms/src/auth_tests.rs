use lectern_proto::internal::v1::{SetCodes, TouchToken as Touch};
use lectern_proto::internal::v1::{UserCode, command::Body};
use lectern_proto::v1::{AccountRights, CreateUserRequest, CreateUserResponse, EnrollmentType, IssueCodesResponse};

use super::*;
use crate::testing::{World, token};

const ADMIN: AccountRights = AccountRights { admin: true, course_creator: false, operator: false, tutor: false };
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

fn world() -> World {
    let mut world = World::new();
    world.person("root", ADMIN);
    world.person("ada", AccountRights::default());
    world
}

fn record(world: &World, username: &str) -> UserRecord {
    credentials(&world.store, username).unwrap().unwrap()
}

fn id(world: &World, username: &str) -> String {
    record(world, username).user.unwrap().user_id
}

fn issue(
    world: &mut World,
    by: &str,
    username: &str,
    version: u64,
    token_id: Vec<u8>,
) -> Result<SignInResponse, String> {
    let request = IssueToken {
        user_id: id(world, username),
        password_version: version,
        new_token_id: token_id,
        name: "laptop".into(),
        lifetime_ms: DAY_MS,
    };
    world.run(by, Body::IssueToken(request))
}

fn set_code(world: &mut World, username: &str, code_hash: Vec<u8>) {
    let codes = vec![UserCode { user_id: id(world, username), code_hash }];
    let request = SetCodes { codes, course: String::new(), lifetime_ms: DAY_MS };
    world.run::<IssueCodesResponse>("root", Body::SetCodes(request)).unwrap();
}

fn activate(
    world: &mut World,
    username: &str,
    code_hash: Vec<u8>,
    token_id: Vec<u8>,
) -> Result<SignInResponse, String> {
    let request = ActivateAccount {
        user_id: id(world, username),
        code_hash,
        password_hash: "$argon2id$new".into(),
        new_token_id: token_id,
        token_name: "laptop".into(),
        token_lifetime_ms: DAY_MS,
    };
    world.run("", Body::ActivateAccount(request))
}

fn own_tokens(world: &World, username: &str) -> Vec<Token> {
    world.ask(username, |view| list_tokens(view, &ListTokensRequest::default())).unwrap().tokens
}

type Result<T, E> = std::result::Result<T, E>;

#[test]
fn a_sign_in_gives_a_token_without_its_secret() {
    let mut world = world();
    let response = issue(&mut world, "", "ada", 1, vec![1; 32]).unwrap();
    assert_eq!((response.token.as_str(), response.token_id), ("", to_hex(&[1; 32])));
    assert_eq!(response.expires_at_ms, world.now_ms + DAY_MS);
    assert!(Actor::by_token(&world.store, &[1; 32], world.now_ms).is_ok());
    assert!(Actor::by_token(&world.store, &[1; 32], world.now_ms + DAY_MS).is_err());
}

#[test]
fn a_sign_in_with_a_password_changed_in_between_or_a_suspended_account_is_refused() {
    let mut world = world();
    assert_eq!(issue(&mut world, "", "ada", 2, vec![1; 32]), Err("BAD_CREDENTIALS".into()));
    let suspend = lectern_proto::v1::UpdateUserRequest {
        user: "ada".into(),
        state: Some(UserState::Suspended.into()),
        ..Default::default()
    };
    world.run::<lectern_proto::v1::UpdateUserResponse>("root", Body::UpdateUser(suspend)).unwrap();
    assert_eq!(issue(&mut world, "", "ada", 1, vec![1; 32]), Err("ACCOUNT_INACTIVE".into()));
}

#[test]
fn a_named_token_is_made_for_whoever_is_signed_in_not_for_whom_it_names() {
    let mut world = world();
    let response = issue(&mut world, "ada", "root", 0, vec![1; 32]).unwrap();
    assert_eq!(response.user.unwrap().username, "ada");
    assert_eq!(issue(&mut world, "", "ada", 0, vec![2; 32]), Err("NOT_SIGNED_IN".into()));
    assert_eq!(issue(&mut world, "ada", "ada", 0, vec![1; 32]), Err("INVALID_ARGUMENT".into()), "a hash used before");
}

#[test]
fn a_sign_in_too_many_drops_the_one_used_longest_ago_and_never_a_named_token() {
    let mut world = world();
    issue(&mut world, "ada", "ada", 0, vec![200; 32]).unwrap();
    for n in 1..u8::try_from(limits::TOKENS_PER_USER / 2).unwrap() {
        world.now_ms += 1;
        issue(&mut world, "", "ada", 1, vec![n; 32]).unwrap();
    }
    world.now_ms += 1;
    world.run::<()>("ada", Body::TouchToken(Touch {})).unwrap();
    issue(&mut world, "", "ada", 1, vec![100; 32]).unwrap();
    let valid = |token_id: &[u8]| Actor::by_token(&world.store, token_id, world.now_ms).is_ok();
    assert!(!valid(&[1; 32]) && valid(&[2; 32]) && valid(&[100; 32]) && valid(&[200; 32]) && valid(&token("ada")));
}

#[test]
fn a_named_token_too_many_is_refused_until_one_expires() {
    let mut world = world();
    for n in 0..u8::try_from(limits::TOKENS_PER_USER / 2).unwrap() {
        issue(&mut world, "ada", "ada", 0, vec![n; 32]).unwrap();
    }
    assert_eq!(issue(&mut world, "ada", "ada", 0, vec![100; 32]), Err("TOO_MANY".into()));
    world.now_ms += DAY_MS;
    issue(&mut world, "ada", "ada", 0, vec![100; 32]).unwrap();
    assert_eq!(own_tokens(&world, "ada").len(), 2);
    assert_eq!(world.store.len(Table::TokensByUser), 3, "ada's two and root's one");
}

#[test]
fn activation_takes_the_code_once_and_turns_enrolments_active() {
    let mut world = world();
    let course_id = world.course("cs101");
    let request = CreateUserRequest { username: "bob".into(), name: "Bob".into(), ..Default::default() };
    world.run::<CreateUserResponse>("root", Body::CreateUser(request)).unwrap();
    let enroll = lectern_proto::v1::EnrollRequest {
        course: "cs101".into(),
        user: "bob".into(),
        r#type: EnrollmentType::Student.into(),
        section: String::new(),
    };
    world.run::<lectern_proto::v1::EnrollResponse>("root", Body::Enroll(enroll)).unwrap();
    set_code(&mut world, "bob", vec![9; 32]);
    assert_eq!(activate(&mut world, "bob", vec![8; 32], vec![1; 32]), Err("BAD_CREDENTIALS".into()));
    let response = activate(&mut world, "bob", vec![9; 32], vec![1; 32]).unwrap();
    assert_eq!(response.user.unwrap().state(), UserState::Active);
    let bob = record(&world, "bob");
    assert!(bob.ever_activated && bob.password_version == 1 && bob.password_hash == "$argon2id$new");
    let enrollment = enrollments::find(&world.store, &course_id, &id(&world, "bob")).unwrap().unwrap();
    assert_eq!(enrollment.state(), lectern_proto::v1::EnrollmentState::Active);
    assert_eq!(lookup::course(&world.store, "cs101").unwrap().unwrap().student_count, 1);
    assert_eq!(activate(&mut world, "bob", vec![9; 32], vec![2; 32]), Err("BAD_CREDENTIALS".into()), "used already");
    assert_eq!(activate(&mut world, "bob", Vec::new(), vec![2; 32]), Err("BAD_CREDENTIALS".into()), "no open code");
}

#[test]
fn an_expired_code_is_refused() {
    let mut world = world();
    set_code(&mut world, "ada", vec![9; 32]);
    world.now_ms += DAY_MS;
    assert_eq!(activate(&mut world, "ada", vec![9; 32], vec![1; 32]), Err("BAD_CREDENTIALS".into()));
}

#[test]
fn a_reset_leaves_the_password_until_the_code_is_used_and_then_revokes_every_token() {
    let mut world = world();
    set_code(&mut world, "ada", vec![9; 32]);
    issue(&mut world, "", "ada", 1, vec![1; 32]).unwrap();
    activate(&mut world, "ada", vec![9; 32], vec![2; 32]).unwrap();
    let valid = |token_id: &[u8]| Actor::by_token(&world.store, token_id, world.now_ms).is_ok();
    assert!(!valid(&token("ada")) && !valid(&[1; 32]) && valid(&[2; 32]));
    assert_eq!(record(&world, "ada").password_version, 2);
}

#[test]
fn a_new_password_revokes_every_other_token_and_needs_the_current_one() {
    let mut world = world();
    issue(&mut world, "", "ada", 1, vec![1; 32]).unwrap();
    let set = |version| Body::SetPassword(SetPassword { old_password_version: version, password_hash: "$new".into() });
    world.run::<ChangePasswordResponse>("ada", set(1)).unwrap();
    let tokens = own_tokens(&world, "ada");
    assert_eq!(tokens.len(), 1);
    assert!(tokens[0].current);
    assert_eq!(world.run::<ChangePasswordResponse>("ada", set(1)), Err("BAD_CREDENTIALS".into()));
    assert_eq!(world.run::<ChangePasswordResponse>("", set(2)), Err("NOT_SIGNED_IN".into()));
}

#[test]
fn tokens_are_revoked_by_their_owner_or_an_admin() {
    let mut world = world();
    world.person("eve", AccountRights::default());
    let revoke = |who: &str| Body::RevokeToken(RevokeTokenRequest { token_id: to_hex(&token(who)) });
    assert_eq!(world.run::<RevokeTokenResponse>("eve", revoke("ada")), Err("NOT_FOUND".into()));
    world.run::<RevokeTokenResponse>("root", revoke("ada")).unwrap();
    assert_eq!(world.run::<SignOutResponse>("ada", Body::SignOut(SignOutRequest {})), Err("NOT_SIGNED_IN".into()));
    world.run::<RevokeTokenResponse>("eve", revoke("eve")).unwrap();
    let nonsense = Body::RevokeToken(RevokeTokenRequest { token_id: "xyz".into() });
    assert_eq!(world.run::<RevokeTokenResponse>("root", nonsense), Err("NOT_FOUND".into()));
    world.run::<SignOutResponse>("root", Body::SignOut(SignOutRequest {})).unwrap();
    assert_eq!(world.store.len(Table::Tokens), 0);
}

#[test]
fn who_am_i_tells_the_token_and_the_clusters_time() {
    let mut world = world();
    world.now_ms += 5;
    world.run::<()>("ada", Body::TouchToken(Touch {})).unwrap();
    let me = world.ask("ada", |view| who_am_i(view, &WhoAmIRequest {})).unwrap();
    assert_eq!((me.user.unwrap().username.as_str(), me.now_ms), ("ada", world.now_ms));
    assert_eq!(own_tokens(&world, "ada")[0].last_used_at_ms, Some(world.now_ms));
}

#[test]
fn an_expired_token_leaves_the_tables_when_its_time_passes() {
    let mut world = world();
    issue(&mut world, "ada", "ada", 0, vec![7; HASH_BYTES]).unwrap();
    let before = world.store.len(Table::Tokens);
    world.now_ms += DAY_MS - 1;
    world.run::<()>("", Body::Advance(lectern_proto::internal::v1::Advance::default())).unwrap();
    assert_eq!(world.store.len(Table::Tokens), before);
    world.now_ms += 1;
    world.run::<()>("", Body::Advance(lectern_proto::internal::v1::Advance::default())).unwrap();
    assert_eq!(world.store.len(Table::Tokens), before - 1);
    assert_eq!(world.store.len(Table::Schedule), 0);
}
