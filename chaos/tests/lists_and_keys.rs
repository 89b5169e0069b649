//! Known histories of growing lists and of idempotency keys, good and bad.

use lectern_chaos::check::Nanos;
use lectern_chaos::check::key::{self, KeyAnswer, KeyCall, KeyHistory};
use lectern_chaos::check::list::{self, Add, ListHistory, Look};

fn add(call: Nanos, end: Nanos, value: u64, place: u64) -> Add {
    Add { client: 1, node: 1, value, call, end: Some((end, place)) }
}

fn adding(call: Nanos, value: u64) -> Add {
    Add { client: 1, node: 1, value, call, end: None }
}

fn look(call: Nanos, end: Nanos, values: &[u64]) -> Look {
    Look { client: 2, node: 2, call, end, values: values.to_vec() }
}

fn troubles(adds: Vec<Add>, looks: Vec<Look>) -> String {
    let findings = list::judge("a list", &ListHistory { adds, looks, ..ListHistory::default() });
    findings.iter().map(|finding| finding.what.clone()).collect::<Vec<_>>().join("; ")
}

#[test]
fn a_list_that_grows_is_fine() {
    let adds = vec![add(0, 10, 1, 1), add(5, 15, 2, 2), adding(20, 3), adding(20, 4)];
    let looks = vec![look(0, 2, &[]), look(12, 14, &[1]), look(20, 30, &[1, 2, 4]), look(99, 100, &[1, 2, 4])];
    assert_eq!(troubles(adds, looks), "");
}

#[test]
fn an_acknowledged_addition_that_is_gone_is_a_violation() {
    let found = troubles(vec![add(0, 10, 1, 1), add(20, 30, 2, 2)], vec![look(40, 50, &[1])]);
    assert!(found.contains("asked after the other was answered"), "{found}");
    let found = troubles(vec![add(0, 10, 1, 1), add(20, 30, 2, 2)], vec![look(40, 50, &[2])]);
    assert!(found.contains("acknowledged at 1, where another one is"), "{found}");
}

#[test]
fn a_stale_list_is_a_violation() {
    let adds = || vec![add(0, 10, 1, 1), add(20, 30, 2, 2)];
    let found = troubles(adds(), vec![look(40, 50, &[1, 2]), look(60, 70, &[1])]);
    assert!(found.contains("asked after the other was answered"), "{found}");
    assert_eq!(troubles(adds(), vec![look(40, 50, &[1, 2]), look(25, 70, &[1])]), "");
}

#[test]
fn what_is_there_twice_or_was_never_added_is_a_violation() {
    let found = troubles(vec![add(0, 10, 1, 1)], vec![look(20, 30, &[1, 1])]);
    assert!(found.contains("1 is there twice, at 1 and 2"), "{found}");
    let found = troubles(vec![add(0, 10, 1, 1)], vec![look(20, 30, &[1, 7])]);
    assert!(found.contains("7 is there and was never"), "{found}");
    let found = troubles(vec![add(0, 10, 1, 1), adding(50, 7)], vec![look(20, 30, &[1, 7])]);
    assert!(found.contains("asked after the other was answered"), "seen before it was asked for: {found}");
}

#[test]
fn two_orders_of_one_list_are_a_violation() {
    let adds = vec![adding(0, 1), adding(0, 2)];
    let found = troubles(adds, vec![look(10, 20, &[1, 2]), look(30, 40, &[2, 1])]);
    assert!(found.contains("two readings of one growing list differ"), "{found}");
}

#[test]
fn additions_stand_in_the_order_of_their_acknowledgements() {
    let found = troubles(vec![add(0, 10, 1, 2), add(20, 30, 2, 1)], vec![look(40, 50, &[2, 1])]);
    assert!(found.contains("asked after the other was answered"), "{found}");
}

#[test]
fn no_addition_is_acknowledged_before_the_first_place() {
    let found = troubles(vec![add(0, 10, 1, 0)], vec![look(20, 30, &[1])]);
    assert!(found.contains("1 was acknowledged at 0, and places are counted from 1"), "{found}");
    assert!(troubles(vec![add(0, 10, 1, 0)], Vec::new()).contains("acknowledged at 0"), "though nobody looked");
}

fn done(value: u64, place: u64) -> KeyAnswer {
    KeyAnswer::Done { value, place, answer: format!("{value} at {place}").into_bytes() }
}

fn call(value: u64, call: Nanos, end: Option<(Nanos, KeyAnswer)>) -> KeyCall {
    KeyCall { client: 1, node: 1, value, call, end }
}

fn trouble(calls: Vec<KeyCall>) -> String {
    key::judge("a key", &KeyHistory { calls }).map(|finding| finding.what).unwrap_or_default()
}

#[test]
fn one_effect_and_one_answer_are_fine() {
    assert_eq!(
        trouble(vec![call(1, 0, None), call(1, 5, Some((9, done(1, 4)))), call(1, 50, Some((60, done(1, 4))))]),
        ""
    );
    assert_eq!(trouble(vec![call(1, 0, Some((9, done(1, 4)))), call(2, 20, Some((30, KeyAnswer::Taken)))]), "");
    assert_eq!(trouble(vec![call(1, 0, None), call(2, 2, Some((9, KeyAnswer::Taken)))]), "");
}

#[test]
fn a_key_with_two_effects_or_two_answers_is_a_violation() {
    let found = trouble(vec![call(1, 0, Some((9, done(1, 4)))), call(1, 10, Some((19, done(1, 5))))]);
    assert!(found.contains("answered differently"), "{found}");
    let found = trouble(vec![call(1, 0, Some((9, done(1, 4)))), call(2, 10, Some((19, done(2, 5))))]);
    assert!(found.contains("two requests had an effect"), "{found}");
    let found = trouble(vec![call(1, 0, Some((9, done(2, 4))))]);
    assert!(found.contains("what it did not ask for"), "{found}");
}

#[test]
fn a_key_that_is_taken_without_a_taker_is_a_violation() {
    let found = trouble(vec![call(1, 0, Some((9, KeyAnswer::Taken)))]);
    assert!(found.contains("before anybody else"), "{found}");
    let found = trouble(vec![call(1, 0, Some((9, KeyAnswer::Taken))), call(2, 20, Some((30, done(2, 1))))]);
    assert!(found.contains("before anybody else"), "{found}");
    let found = trouble(vec![call(1, 0, Some((9, KeyAnswer::Taken))), call(2, 5, Some((30, KeyAnswer::Taken)))]);
    assert!(found.contains("before anybody else"), "{found}");
    let found = trouble(vec![call(1, 0, Some((9, done(1, 1)))), call(1, 20, Some((30, KeyAnswer::Taken)))]);
    assert!(found.contains("and was done"), "{found}");
}

#[test]
fn who_was_beaten_to_a_key_is_known() {
    let history = KeyHistory { calls: vec![call(1, 0, None), call(2, 2, Some((9, KeyAnswer::Taken)))] };
    assert!(history.is_beaten(2) && !history.is_beaten(1));
    assert_eq!((history.winner(), history.first_call(1)), (None, Some(0)));
    let history = KeyHistory { calls: vec![call(1, 0, None), call(2, 2, Some((9, done(2, 1))))] };
    assert!(history.is_beaten(1) && !history.is_beaten(2));
    assert!(!history.is_beaten(3), "it never asked for this key");
    assert_eq!(history.winner(), Some(2));
}
