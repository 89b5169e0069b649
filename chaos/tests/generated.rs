//! Generated histories: those of a real object are accepted, damaged ones are refused, and on small ones the checkers say
//! what trying every order says.

use lectern_chaos::check::list::{self, Add, ListHistory, Look};
use lectern_chaos::check::models::{Holds, Register, RegisterOp, Version, Versioned, VersionedOp, VersionedRet};
use lectern_chaos::check::{Entry, Model, Nanos, Verdict, check};
use proptest::prelude::*;

/// Between two moments at which operations take effect.
const STEP: Nanos = 10;

/// How one generated operation looks: what it is, how long before and after its effect it was asked and answered.
#[derive(Clone, Debug)]
struct Sketch {
    kind: u8,
    back: u64,
    before: Nanos,
    after: Nanos,
    silent: bool,
}

fn sketches(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Sketch>> {
    let sketch = (0..6_u8, 0..4_u64, 0..60_u64, 1..60_u64, 0..10_u8)
        .prop_map(|(kind, back, before, after, silent)| Sketch { kind, back, before, after, silent: silent == 0 });
    prop::collection::vec(sketch, count)
}

/// The history of an object on which operations took effect one after the other, at times that are not in the history.
fn lived<M: Model>(
    model: &M,
    sketches: &[Sketch],
    op: impl Fn(u64, &Sketch, &M::State) -> M::Op,
    answer: impl Fn(&M::State, &M::State, &M::Op) -> M::Ret,
    after: impl Fn(&M::State, &M::Op) -> M::State,
) -> Vec<Entry<M::Op, M::Ret>> {
    let mut state = model.initial();
    let mut history = Vec::new();
    for (number, sketch) in (1_u64..).zip(sketches) {
        let moment = 100 + number * STEP;
        let op = op(number, sketch, &state);
        let next = after(&state, &op);
        let end = (!sketch.silent).then(|| (moment + sketch.after, answer(&state, &next, &op)));
        history.push(Entry { client: 0, node: 1, op, call: moment - sketch.before, end });
        state = next;
    }
    history
}

fn names(sketches: &[Sketch]) -> Vec<Entry<RegisterOp, Holds>> {
    lived(
        &Register::default(),
        sketches,
        |number, sketch, _| if sketch.kind < 3 { RegisterOp::Read } else { RegisterOp::Write(number) },
        |_, next, _| Holds(*next),
        |state, op| match op {
            RegisterOp::Read => *state,
            RegisterOp::Write(value) => *value,
        },
    )
}

fn versions(sketches: &[Sketch]) -> Vec<Entry<VersionedOp, VersionedRet>> {
    lived(
        &Versioned::default(),
        sketches,
        |value, sketch, state: &Version| match sketch.kind {
            0 | 1 => VersionedOp::Read,
            2 | 3 => VersionedOp::Swap { expected: state.revision.saturating_sub(sketch.back / 2), value },
            _ => VersionedOp::Save { base: state.revision.saturating_sub(sketch.back), value },
        },
        |state, next, op| match op {
            VersionedOp::Read if state.revision == 0 => VersionedRet::Absent,
            VersionedOp::Swap { expected, .. } if *expected != state.revision => VersionedRet::Stale,
            VersionedOp::Read | VersionedOp::Swap { .. } => VersionedRet::At(*next),
            VersionedOp::Save { base, .. } => VersionedRet::Saved {
                revision: next.revision,
                conflict: (*base != state.revision).then_some(state.revision),
            },
        },
        |state, op| match *op {
            VersionedOp::Swap { expected, value } if expected == state.revision => {
                Version { revision: state.revision + 1, value }
            }
            VersionedOp::Save { value, .. } => Version { revision: state.revision + 1, value },
            VersionedOp::Read | VersionedOp::Swap { .. } => *state,
        },
    )
}

/// A list that only grows, for the search: what `list::judge` must agree with.
#[derive(Clone)]
struct Growing;

#[derive(Clone, Debug)]
enum ListOp {
    Add(u64),
    Look,
}

#[derive(Clone, Debug)]
enum ListRet {
    Place(u64),
    Values(Vec<u64>),
}

impl std::fmt::Display for ListOp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::fmt::Display for ListRet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl Model for Growing {
    type State = Vec<u64>;
    type Op = ListOp;
    type Ret = ListRet;

    fn initial(&self) -> Vec<u64> {
        Vec::new()
    }

    fn step(&self, state: &Vec<u64>, op: &ListOp, ret: Option<&ListRet>) -> Option<Vec<u64>> {
        let mut next = state.clone();
        if let ListOp::Add(value) = op {
            next.push(*value);
        }
        let fits = match ret {
            None => true,
            Some(ListRet::Place(place)) => u64::try_from(next.len()) == Ok(*place),
            Some(ListRet::Values(values)) => *values == next,
        };
        fits.then_some(next)
    }

    fn is_read(op: &ListOp) -> bool {
        matches!(op, ListOp::Look)
    }
}

/// Whether any order of the answered operations, with some of the others, explains the answers.
fn try_every_order<M: Model>(model: &M, state: &M::State, left: &[Entry<M::Op, M::Ret>]) -> bool {
    if left.iter().all(|entry| entry.end.is_none()) {
        return true;
    }
    let earliest = left.iter().map(Entry::deadline).min().unwrap_or(Nanos::MAX);
    left.iter().enumerate().filter(|(_, entry)| entry.call <= earliest).any(|(at, entry)| {
        model.step(state, &entry.op, entry.ret()).is_some_and(|next| {
            let mut rest = left.to_vec();
            rest.remove(at);
            try_every_order(model, &next, &rest)
        })
    })
}

fn agrees<M: Model>(model: &M, history: &[Entry<M::Op, M::Ret>]) -> Result<Verdict, TestCaseError> {
    let verdict = check(model, history);
    let explained = try_every_order(model, &model.initial(), history);
    let expected = if explained { Verdict::Linearizable } else { Verdict::Violation };
    prop_assert_eq!(verdict, expected);
    Ok(verdict)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_history_of_a_real_register_is_accepted(sketches in sketches(1..120)) {
        prop_assert_eq!(check(&Register::default(), &names(&sketches)), Verdict::Linearizable);
    }

    #[test]
    fn the_history_of_a_real_counted_register_is_accepted(sketches in sketches(1..120)) {
        prop_assert_eq!(check(&Versioned::default(), &versions(&sketches)), Verdict::Linearizable);
    }

    #[test]
    fn a_read_of_what_nobody_wrote_is_refused(sketches in sketches(1..80), which in any::<prop::sample::Index>()) {
        let mut history = names(&sketches);
        let mut reads: Vec<_> = history.iter_mut().filter(|entry| entry.op == RegisterOp::Read && entry.end.is_some()).collect();
        prop_assume!(!reads.is_empty());
        let at = which.index(reads.len());
        if let Some((_, told)) = &mut reads[at].end {
            *told = Holds(1_000_000);
        }
        prop_assert_eq!(check(&Register::default(), &history), Verdict::Violation);
    }

    #[test]
    fn a_read_of_what_was_overwritten_for_certain_is_refused(sketches in sketches(10..80)) {
        let mut history = names(&sketches);
        let written: Vec<(u64, Nanos, Nanos)> = history
            .iter()
            .filter_map(|entry| match (&entry.op, &entry.end) {
                (RegisterOp::Write(value), Some((end, _))) => Some((*value, entry.call, *end)),
                _ => None,
            })
            .collect();
        let stale = |call: Nanos| {
            written.iter().find(|(_, _, end)| {
                written.iter().any(|(_, later, over)| end < later && *over < call)
            })
        };
        let read = history.iter_mut().rev().find(|entry| entry.op == RegisterOp::Read && entry.end.is_some());
        let Some(read) = read else { return Ok(()) };
        let Some((value, ..)) = stale(read.call) else { return Ok(()) };
        read.end = Some((read.deadline(), Holds(*value)));
        prop_assert_eq!(check(&Register::default(), &history), Verdict::Violation);
    }

    #[test]
    fn a_write_that_is_counted_twice_is_refused(mut sketches in sketches(4..80), which in any::<prop::sample::Index>()) {
        for sketch in &mut sketches {
            sketch.silent = false;
        }
        let mut history = versions(&sketches);
        let mut writes: Vec<_> = history
            .iter_mut()
            .filter_map(|entry| match &mut entry.end {
                Some((_, VersionedRet::Saved { revision, .. })) => Some(revision),
                _ => None,
            })
            .collect();
        prop_assume!(!writes.is_empty());
        let at = which.index(writes.len());
        *writes[at] += 1;
        prop_assert_eq!(check(&Versioned::default(), &history), Verdict::Violation);
    }

    #[test]
    fn on_small_registers_the_search_says_what_trying_every_order_says(
        sketches in sketches(1..8),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u64), 0..3),
    ) {
        let mut history = names(&sketches);
        for (which, value) in changes {
            let at = which.index(history.len());
            let entry = &mut history[at];
            if let (RegisterOp::Read, Some((_, told))) = (&entry.op, &mut entry.end) {
                *told = Holds(value);
            }
        }
        agrees(&Register::default(), &history)?;
    }

    #[test]
    fn on_small_counted_registers_the_search_says_what_trying_every_order_says(
        sketches in sketches(1..8),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..5_u64, 0..8_u64), 0..3),
    ) {
        let mut history = versions(&sketches);
        for (which, number, value) in changes {
            let at = which.index(history.len());
            match &mut history[at].end {
                Some((_, VersionedRet::At(version))) => *version = Version { revision: number, value },
                Some((_, VersionedRet::Saved { revision, .. })) => *revision = number,
                Some((_, VersionedRet::Absent | VersionedRet::Stale)) | None => {}
            }
        }
        agrees(&Versioned::default(), &history)?;
    }

    #[test]
    fn on_small_lists_places_say_what_trying_every_order_says(
        sketches in sketches(1..7),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..6_u64), 0..2),
    ) {
        let mut history = lived(
            &Growing,
            &sketches,
            |number, sketch, _| if sketch.kind < 2 { ListOp::Look } else { ListOp::Add(number) },
            |_, next, op| match op {
                ListOp::Add(_) => ListRet::Place(u64::try_from(next.len()).unwrap_or(0)),
                ListOp::Look => ListRet::Values(next.clone()),
            },
            |state, op| match op {
                ListOp::Add(value) => [&state[..], &[*value]].concat(),
                ListOp::Look => state.clone(),
            },
        );
        for (which, number) in changes {
            let at = which.index(history.len());
            match &mut history[at].end {
                Some((_, ListRet::Place(place))) => *place = number + 1,
                Some((_, ListRet::Values(values))) => values.truncate(usize::try_from(number).unwrap_or(0)),
                None => {}
            }
        }
        // At the end everything is read, as it is in a run.
        let all = sketches.iter().zip(1..).filter(|(sketch, _)| sketch.kind >= 2).map(|(_, number)| number).collect();
        history.push(Entry { client: 0, node: 1, op: ListOp::Look, call: 9_000, end: Some((9_001, ListRet::Values(all))) });
        let verdict = agrees(&Growing, &history)?;
        let findings = list::judge("a list", &as_list(&history));
        prop_assert_eq!(findings.is_empty(), verdict == Verdict::Linearizable, "{:?}", findings);
    }
}

fn as_list(history: &[Entry<ListOp, ListRet>]) -> ListHistory {
    let mut list = ListHistory::default();
    for Entry { client, node, op, call, end } in history.iter().cloned() {
        match (op, end) {
            (ListOp::Add(value), end) => {
                let end = end.map(|(at, ret)| match ret {
                    ListRet::Place(place) => (at, place),
                    ListRet::Values(_) => unreachable!("an addition is answered with its place"),
                });
                list.adds.push(Add { client, node, value, call, end });
            }
            (ListOp::Look, Some((end, ListRet::Values(values)))) => {
                list.looks.push(Look { client, node, call, end, values });
            }
            (ListOp::Look, _) => {}
        }
    }
    list
}
