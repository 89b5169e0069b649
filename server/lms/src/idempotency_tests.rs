use lectern_proto::internal::v1::{Advance, command::Body, outcome};
use lectern_proto::v1::{AccountRights, CreateUserRequest, UpdateUserRequest, UserState};

use super::*;
use crate::testing::World;

fn world() -> World {
    let mut world = World::new();
    for username in ["root", "boss"] {
        world.person(username, AccountRights { admin: true, ..AccountRights::default() });
    }
    world
}

fn create(username: &str) -> Body {
    let request = CreateUserRequest { username: username.into(), name: "Name".into(), ..CreateUserRequest::default() };
    Body::CreateUser(request)
}

fn reason(outcome: &Outcome) -> &str {
    match outcome.result.as_ref().expect("an outcome is a response or a refusal") {
        outcome::Result::Response(_) => "",
        outcome::Result::Refusal(refusal) => &refusal.reason,
    }
}

#[test]
fn a_repeated_key_answers_as_before_and_does_nothing() {
    let mut world = world();
    let first = world.run_with_key("root", "k", create("ada"));
    let accounts = world.store.len(Table::Users);
    assert_eq!(world.run_with_key("root", "k", create("ada")), first);
    assert_eq!((reason(&first), world.store.len(Table::Users)), ("", accounts));
}

#[test]
fn a_key_belongs_to_one_person_and_one_request() {
    let mut world = world();
    world.run_with_key("root", "k", create("ada"));
    assert_eq!(reason(&world.run_with_key("root", "k", create("bob"))), "KEY_REUSED");
    assert_eq!(reason(&world.run_with_key("boss", "k", create("bob"))), "");
    assert_eq!(reason(&world.run_with_key("root", &"k".repeat(IDEMPOTENCY_KEY_CHARS + 1), create("eve"))), "TOO_LONG");
}

#[test]
fn a_refusal_is_remembered_too_even_when_its_cause_is_gone() {
    let mut world = world();
    let first = world.run_with_key("root", "k", create("=bad"));
    assert_eq!(reason(&first), "INVALID_ARGUMENT");
    assert_eq!(world.run_with_key("root", "k", create("=bad")), first);
    let duplicate = world.run_with_key("root", "k2", create("boss"));
    assert_eq!(world.run_with_key("root", "k2", create("boss")), duplicate);
}

#[test]
fn a_repetition_by_somebody_who_may_no_longer_act_is_not_answered() {
    let mut world = world();
    world.run_with_key("boss", "k", create("ada"));
    let suspend =
        UpdateUserRequest { user: "boss".into(), state: Some(UserState::Suspended.into()), ..Default::default() };
    world.run_with_key("root", "", Body::UpdateUser(suspend));
    assert_eq!(reason(&world.run_with_key("boss", "k", create("ada"))), "NOT_SIGNED_IN");
}

#[test]
fn records_are_forgotten_after_their_time_many_at_once_every_so_many_entries() {
    let mut world = world();
    world.at_level(levels::SWEEPS);
    for n in 0..5 {
        world.run_with_key("root", &format!("k{n}"), create(&format!("p{n}")));
    }
    world.now_ms += IDEMPOTENCY_MS + 1;
    for n in 1..=SWEEP_EVERY {
        world.run_with_key("root", &format!("young{n}"), create(&format!("late{n}")));
    }
    let left = usize::try_from(SWEEP_EVERY).unwrap();
    assert_eq!((world.store.len(Table::Idempotency), world.store.len(Table::IdempotencyByTime)), (left, left));
}

#[test]
fn below_the_level_of_sweeps_records_are_forgotten_a_few_with_each_command() {
    let mut world = world();
    world.at_level(levels::SWEEPS - 1);
    for n in 0..5 {
        world.run_with_key("root", &format!("k{n}"), create(&format!("p{n}")));
    }
    world.now_ms += IDEMPOTENCY_MS;
    world.run_with_key("root", "young", create("late"));
    assert_eq!(world.store.len(Table::Idempotency), 6, "not before their time");
    world.now_ms += 1;
    world.run_with_key("root", "younger", create("later"));
    assert_eq!(world.store.len(Table::Idempotency), 7 - MAX_EXPIRED_KEYS);
    world.run_with_key("", "", Body::Advance(Advance::default()));
    assert_eq!((world.store.len(Table::Idempotency), world.store.len(Table::IdempotencyByTime)), (2, 2));
}
