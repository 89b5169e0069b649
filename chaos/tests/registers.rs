//! Known histories of registers, good and bad.

use lectern_chaos::check::models::{
    FOREIGN, Holds, Register, RegisterOp, Version, Versioned, VersionedOp, VersionedRet,
};
use lectern_chaos::check::{Entry, Nanos, Verdict, check, shrink};

type Name = Entry<RegisterOp, Holds>;
type Counted = Entry<VersionedOp, VersionedRet>;

fn entry<O, R>(op: O, call: Nanos, end: Option<(Nanos, R)>) -> Entry<O, R> {
    Entry { client: 1, node: 1, op, call, end }
}

fn read(call: Nanos, end: Nanos, value: u64) -> Name {
    entry(RegisterOp::Read, call, Some((end, Holds(value))))
}

fn write(call: Nanos, end: Nanos, value: u64) -> Name {
    entry(RegisterOp::Write(value), call, Some((end, Holds(value))))
}

fn unanswered(call: Nanos, value: u64) -> Name {
    entry(RegisterOp::Write(value), call, None)
}

fn verdict(history: &[Name]) -> Verdict {
    check(&Register::default(), history)
}

#[test]
fn overlapping_writes_may_come_in_either_order() {
    for last in [1, 2] {
        assert_eq!(verdict(&[write(0, 10, 1), write(5, 15, 2), read(20, 25, last)]), Verdict::Linearizable);
    }
}

#[test]
fn a_stale_read_is_a_violation() {
    assert_eq!(verdict(&[write(0, 10, 1), write(20, 30, 2), read(40, 50, 1)]), Verdict::Violation);
    assert_eq!(verdict(&[write(0, 10, 1), write(20, 30, 2), read(25, 50, 1)]), Verdict::Linearizable);
}

#[test]
fn a_lost_write_is_a_violation() {
    assert_eq!(verdict(&[write(0, 10, 1), read(20, 30, 0)]), Verdict::Violation);
}

#[test]
fn a_value_that_nobody_wrote_is_a_violation() {
    assert_eq!(verdict(&[write(0, 10, 1), read(20, 30, 7)]), Verdict::Violation);
    assert_eq!(verdict(&[read(20, 30, FOREIGN)]), Verdict::Violation);
}

#[test]
fn a_value_that_is_read_before_it_is_written_is_a_violation() {
    assert_eq!(verdict(&[read(0, 10, 1), write(20, 30, 1)]), Verdict::Violation);
}

#[test]
fn two_readers_see_two_writes_in_one_order() {
    let seen = |one: [u64; 2], other: [u64; 2]| {
        verdict(&[
            write(0, 100, 1),
            write(0, 100, 2),
            read(10, 20, one[0]),
            read(30, 40, one[1]),
            read(11, 21, other[0]),
            read(31, 41, other[1]),
        ])
    };
    assert_eq!(seen([1, 2], [1, 2]), Verdict::Linearizable);
    assert_eq!(seen([1, 2], [2, 1]), Verdict::Violation);
}

#[test]
fn a_write_without_an_answer_happens_at_any_later_time_or_never() {
    assert_eq!(verdict(&[unanswered(0, 1), read(10, 20, 0), read(30, 40, 0)]), Verdict::Linearizable);
    assert_eq!(verdict(&[unanswered(0, 1), read(10, 20, 0), read(30, 40, 1)]), Verdict::Linearizable);
    assert_eq!(verdict(&[unanswered(0, 1), read(10, 20, 1), read(30, 40, 0)]), Verdict::Violation);
    assert_eq!(verdict(&[read(10, 20, 1), unanswered(30, 1)]), Verdict::Violation);
}

#[test]
fn many_writes_without_an_answer_do_not_slow_the_search() {
    let mut history: Vec<Name> = (1..=200).map(|value| unanswered(value, value)).collect();
    history.extend((1..=200).map(|step| read(1_000 + step * 10, 1_005 + step * 10, 200)));
    assert_eq!(verdict(&history), Verdict::Linearizable);
    history.push(read(9_000, 9_001, 0));
    assert_eq!(verdict(&history), Verdict::Violation);
}

fn swap(call: Nanos, end: Nanos, expected: u64, value: u64) -> Counted {
    let version = Version { revision: expected + 1, value };
    entry(VersionedOp::Swap { expected, value }, call, Some((end, VersionedRet::At(version))))
}

fn stale(call: Nanos, end: Nanos, expected: u64, value: u64) -> Counted {
    entry(VersionedOp::Swap { expected, value }, call, Some((end, VersionedRet::Stale)))
}

fn save(call: Nanos, end: Nanos, base: u64, value: u64, revision: u64) -> Counted {
    let conflict = (revision - 1 != base).then_some(revision - 1);
    entry(VersionedOp::Save { base, value }, call, Some((end, VersionedRet::Saved { revision, conflict })))
}

fn saving(call: Nanos, base: u64, value: u64) -> Counted {
    entry(VersionedOp::Save { base, value }, call, None)
}

fn latest(call: Nanos, end: Nanos, revision: u64, value: u64) -> Counted {
    entry(VersionedOp::Read, call, Some((end, VersionedRet::At(Version { revision, value }))))
}

fn absent(call: Nanos, end: Nanos) -> Counted {
    entry(VersionedOp::Read, call, Some((end, VersionedRet::Absent)))
}

fn counted(history: &[Counted]) -> Verdict {
    check(&Versioned::default(), history)
}

#[test]
fn of_two_swaps_of_one_revision_one_succeeds() {
    assert_eq!(counted(&[swap(0, 10, 0, 1), stale(5, 15, 0, 2), latest(20, 25, 1, 1)]), Verdict::Linearizable);
    assert_eq!(counted(&[swap(0, 10, 0, 1), swap(5, 15, 0, 2)]), Verdict::Violation, "a lost update");
    assert_eq!(counted(&[stale(0, 10, 0, 1)]), Verdict::Violation, "refused without a reason");
}

#[test]
fn a_write_that_was_done_twice_is_a_violation() {
    let twice = [save(0, 10, 0, 1, 1), latest(20, 30, 2, 1)];
    assert_eq!(counted(&twice), Verdict::Violation);
    let counted_twice = [save(0, 10, 0, 1, 1), save(20, 30, 1, 2, 3), latest(40, 50, 3, 2)];
    assert_eq!(counted(&counted_twice), Verdict::Violation);
}

#[test]
fn a_gap_in_the_revisions_is_a_write_without_an_answer() {
    let gap = |first: Counted| counted(&[first, save(20, 30, 0, 2, 2), latest(40, 50, 2, 2)]);
    assert_eq!(gap(saving(0, 0, 1)), Verdict::Linearizable);
    assert_eq!(gap(saving(35, 0, 1)), Verdict::Violation);
}

#[test]
fn a_draft_that_is_gone_is_a_violation() {
    assert_eq!(counted(&[absent(0, 5), save(10, 20, 0, 1, 1), latest(30, 40, 1, 1)]), Verdict::Linearizable);
    assert_eq!(counted(&[save(10, 20, 0, 1, 1), absent(30, 40)]), Verdict::Violation);
}

#[test]
fn what_is_shown_of_a_violation_is_no_more_than_it_takes() {
    let mut history: Vec<Name> = (1..=60).map(|value| write(value * 100, value * 100 + 50, value)).collect();
    history.extend((1..=60).map(|value| read(value * 100 + 60, value * 100 + 70, value)));
    history.push(read(3_080, 3_090, 12));
    let shown = shrink::smallest(&Register::default(), &history);
    assert_eq!(verdict(&shown), Verdict::Violation);
    // The stale read, the write it shows, and one write that came after that one.
    assert_eq!(shown.len(), 3, "{shown:?}");
    let (finding, undecided) = shrink::judge("name 1", &Register::default(), &history);
    let finding = finding.expect("a violation is found").to_string();
    assert!(!undecided);
    for part in ["name 1: no order", "write 12", "client  node", "read"] {
        assert!(finding.contains(part), "{part}: {finding}");
    }
}
