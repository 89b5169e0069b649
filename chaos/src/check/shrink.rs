//! The smallest part of a history that shows a violation.

use super::finding::{Finding, Row};
use super::history::{Entry, Nanos};
use super::linear::{History, Model, Verdict, check};

/// Judges the history of a key: none where an order explains it, otherwise what to show. The flag is set where the search
/// was given up.
pub fn judge<M: Model>(key: &str, model: &M, history: &[Entry<M::Op, M::Ret>]) -> (Option<Finding>, bool) {
    match check(model, history) {
        Verdict::Linearizable => (None, false),
        Verdict::Undecided => (None, true),
        Verdict::Violation => {
            let rows = smallest(model, history).iter().map(Row::from).collect();
            (Some(Finding::new(key, "no order of these operations explains their answers", rows)), false)
        }
    }
}

/// A part of a history that is no more linearizable than the whole, from which nothing can be taken away.
pub fn smallest<M: Model>(model: &M, history: &[Entry<M::Op, M::Ret>]) -> History<M> {
    let mut part = shortest_prefix(model, history);
    // Reads go without a trace.
    for at in (0..part.len()).rev() {
        if M::is_read(&part[at].op) {
            let mut fewer = part.clone();
            fewer.remove(at);
            if check(model, &fewer) == Verdict::Violation {
                part = fewer;
            }
        }
    }
    let mut at = part.len();
    while at > 0 {
        at = (at - 1).min(part.len().saturating_sub(1));
        if let Some(fewer) = part.get(at).and_then(|_| M::without(&part, at))
            && check(model, &fewer) == Verdict::Violation
        {
            part = fewer;
        }
    }
    part
}

/// Up to the first answer that cannot be: a history that is linearizable up to some moment is so up to every earlier one.
fn shortest_prefix<M: Model>(model: &M, history: &[Entry<M::Op, M::Ret>]) -> History<M> {
    let mut moments: Vec<Nanos> = history.iter().filter_map(|entry| entry.end.as_ref().map(|(at, _)| *at)).collect();
    moments.sort_unstable();
    let first = moments.partition_point(|moment| check(model, &until::<M>(history, *moment)) != Verdict::Violation);
    moments.get(first).map_or_else(|| history.to_vec(), |moment| until::<M>(history, *moment))
}

/// What was known at a moment.
fn until<M: Model>(history: &[Entry<M::Op, M::Ret>], moment: Nanos) -> History<M> {
    let asked = history.iter().filter(|entry| entry.call <= moment).cloned();
    asked
        .filter_map(|mut entry| {
            if entry.deadline() > moment {
                entry.end = None;
            }
            (entry.end.is_some() || !M::is_read(&entry.op)).then_some(entry)
        })
        .collect()
}
