//! Lists that only grow: the attempts of one student for one assignment.
//!
//! Each answer names a position: an acknowledged addition its place, a reading how many there were. So there is nothing
//! to search: an order exists exactly when sorting by position contradicts no "answered before the other was asked".

use std::collections::BTreeMap;

use super::finding::{Finding, Row};
use super::history::Nanos;

/// Something that was to be added.
#[derive(Clone, Debug)]
pub struct Add {
    /// Who asked.
    pub client: u32,
    /// The node that was asked last.
    pub node: u32,
    /// What; nothing else is added with this value.
    pub value: u64,
    /// When it was asked for first.
    pub call: Nanos,
    /// When it was acknowledged, and its place, counted from 1.
    pub end: Option<(Nanos, u64)>,
}

/// The list as it was read.
#[derive(Clone, Debug)]
pub struct Look {
    /// Who asked.
    pub client: u32,
    /// Whom.
    pub node: u32,
    /// When.
    pub call: Nanos,
    /// When the answer came.
    pub end: Nanos,
    /// All of it, in order.
    pub values: Vec<u64>,
}

/// All that was done to one list.
#[derive(Clone, Debug, Default)]
pub struct ListHistory {
    /// What was to be added: acknowledged, or without an answer.
    pub adds: Vec<Add>,
    /// What was read.
    pub looks: Vec<Look>,
    /// Calls for values that are not to be there, to be shown where they are.
    pub denied: BTreeMap<u64, Vec<Row>>,
}

/// What is wrong with a list; nothing where an order explains everything. A list that lost something at the end is found
/// out by readings made then.
pub fn judge(key: &str, history: &ListHistory) -> Vec<Finding> {
    let longest = history.looks.iter().max_by_key(|look| look.values.len());
    let values: &[u64] = longest.map_or(&[], |look| &look.values);
    let mut findings = Vec::new();
    let mut find = |what: String, rows: Vec<Row>| findings.push(Finding::new(key, what, rows));
    let adds: BTreeMap<u64, &Add> = history.adds.iter().map(|add| (add.value, add)).collect();
    for look in &history.looks {
        if !values.starts_with(&look.values) {
            let longest = longest.map(look_row);
            find(
                "two readings of one growing list differ".into(),
                longest.into_iter().chain([look_row(look)]).collect(),
            );
        }
    }
    let mut places: BTreeMap<u64, usize> = BTreeMap::new();
    for (at, value) in values.iter().enumerate() {
        if let Some(first) = places.insert(*value, at) {
            let rows = adds.get(value).map(|add| add_row(add)).into_iter().chain(longest.map(look_row)).collect();
            find(format!("{value} is there twice, at {} and {}", first + 1, at + 1), rows);
        } else if !adds.contains_key(value) {
            let denied = history.denied.get(value).cloned().unwrap_or_default();
            find(
                format!("{value} is there and was never acknowledged or left unanswered"),
                denied.into_iter().chain(longest.map(look_row)).collect(),
            );
        }
    }
    for add in &history.adds {
        let Some((_, place)) = add.end else { continue };
        if place == 0 {
            find(format!("{} was acknowledged at 0, and places are counted from 1", add.value), vec![add_row(add)]);
            continue;
        }
        let Some(longest) = longest else { continue };
        let index = usize::try_from(place).unwrap_or(usize::MAX).wrapping_sub(1);
        if values.get(index).is_some_and(|value| *value != add.value) {
            find(
                format!("{} was acknowledged at {place}, where another one is", add.value),
                vec![add_row(add), look_row(longest)],
            );
        }
    }
    findings.extend(out_of_order(key, history, &places));
    findings
}

/// An operation with its place in the one order that is possible.
struct Placed {
    place: u64,
    call: Nanos,
    end: Nanos,
    row: Row,
}

/// The first pair of operations whose places contradict their times.
fn out_of_order(key: &str, history: &ListHistory, places: &BTreeMap<u64, usize>) -> Option<Finding> {
    let added = history.adds.iter().filter_map(|add| {
        let seen = places.get(&add.value).map(|at| u64::try_from(*at).unwrap_or(u64::MAX).saturating_add(1));
        let place = add.end.map(|(_, place)| place).or(seen)?;
        let end = add.end.map_or(Nanos::MAX, |(at, _)| at);
        Some(Placed { place: place.saturating_mul(2), call: add.call, end, row: add_row(add) })
    });
    let looked = history.looks.iter().map(|look| {
        let length = u64::try_from(look.values.len()).unwrap_or(u64::MAX);
        Placed {
            place: length.saturating_mul(2).saturating_add(1),
            call: look.call,
            end: look.end,
            row: look_row(look),
        }
    });
    let mut all: Vec<Placed> = added.chain(looked).collect();
    all.sort_by_key(|one| (one.place, one.call));
    let mut latest: Option<&Placed> = None;
    for one in &all {
        if let Some(before) = latest
            && before.place < one.place
            && one.end < before.call
        {
            return Some(Finding::new(
                key,
                "the one that was asked after the other was answered comes before it in the list",
                vec![before.row.clone(), one.row.clone()],
            ));
        }
        if latest.is_none_or(|latest| latest.call < one.call) {
            latest = Some(one);
        }
    }
    None
}

fn add_row(add: &Add) -> Row {
    Row {
        client: add.client,
        node: add.node,
        call: add.call,
        end: add.end.map(|(at, _)| at),
        op: format!("add {}", add.value),
        answer: add.end.map_or_else(|| "no answer".into(), |(_, place)| format!("at {place}")),
    }
}

fn look_row(look: &Look) -> Row {
    let count = look.values.len();
    let shown: Vec<String> = look.values.iter().rev().take(8).rev().map(ToString::to_string).collect();
    let dots = if count > shown.len() { "… " } else { "" };
    Row {
        client: look.client,
        node: look.node,
        call: look.call,
        end: Some(look.end),
        op: "list".into(),
        answer: format!("{count}: {dots}{}", shown.join(" ")),
    }
}
