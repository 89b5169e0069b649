//! Idempotency keys: however often, wherever and by whomever the same request is made under one key, it has one effect
//! and one answer; another request under it is told that the key is taken.

use super::finding::{Finding, Row};
use super::history::Nanos;

/// All that was asked under one key: the same request again and again, or one of several.
#[derive(Clone, Debug, Default)]
pub struct KeyHistory {
    /// The calls.
    pub calls: Vec<KeyCall>,
}

/// One call under a key.
#[derive(Clone, Debug)]
pub struct KeyCall {
    /// Who asked.
    pub client: u32,
    /// Whom.
    pub node: u32,
    /// Which request: what it would add.
    pub value: u64,
    /// When.
    pub call: Nanos,
    /// When the answer came, and what it was.
    pub end: Option<(Nanos, KeyAnswer)>,
}

/// What a call under a key was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyAnswer {
    /// It was done: everything the answer says, and the value in it.
    Done {
        /// What was added.
        value: u64,
        /// Its place, counted from 1.
        place: u64,
        /// The answer as a whole.
        answer: Vec<u8>,
    },
    /// Another request has the key.
    Taken,
    /// Nothing was done, for this reason: the call was turned away.
    NotDone(String),
}

impl KeyCall {
    fn was_turned_away(&self) -> bool {
        matches!(self.end, Some((_, KeyAnswer::NotDone(_))))
    }
}

impl KeyHistory {
    /// The request that had the effect, where that is known.
    pub fn winner(&self) -> Option<u64> {
        self.calls.iter().find(|call| matches!(call.end, Some((_, KeyAnswer::Done { .. })))).map(|call| call.value)
    }

    /// When the first call of a request was made.
    pub fn first_call(&self, value: u64) -> Option<Nanos> {
        let calls = self.calls.iter().filter(|call| call.value == value && !call.was_turned_away());
        calls.map(|call| call.call).min()
    }

    /// What was said to all calls.
    pub fn told(&self) -> Vec<Row> {
        self.calls.iter().map(row).collect()
    }

    /// Whether a request under this key is known to have had no effect, and to never have one.
    pub fn is_beaten(&self, value: u64) -> bool {
        let asked = self.calls.iter().any(|call| call.value == value);
        asked
            && self.calls.iter().any(|call| {
                let other = call.value != value;
                match &call.end {
                    Some((_, KeyAnswer::Done { .. })) => other,
                    Some((_, KeyAnswer::Taken)) => !other,
                    Some((_, KeyAnswer::NotDone(_))) | None => false,
                }
            })
    }
}

/// What is wrong with the answers under a key; nothing where one effect explains them all.
pub fn judge(key: &str, history: &KeyHistory) -> Option<Finding> {
    let what = trouble(history)?;
    Some(Finding::new(key, what, history.told()))
}

fn trouble(history: &KeyHistory) -> Option<String> {
    let done: Vec<(&KeyCall, &KeyAnswer)> = history
        .calls
        .iter()
        .filter_map(|call| call.end.as_ref().map(|(_, answer)| (call, answer)))
        .filter(|(_, answer)| matches!(answer, KeyAnswer::Done { .. }))
        .collect();
    for (call, answer) in &done {
        if let KeyAnswer::Done { value, .. } = answer
            && *value != call.value
        {
            return Some("a request was answered with what it did not ask for".into());
        }
    }
    if done.windows(2).any(|pair| pair[0].0.value != pair[1].0.value) {
        return Some("two requests had an effect under one key".into());
    }
    if done.windows(2).any(|pair| pair[0].1 != pair[1].1) {
        return Some("the same request was answered differently under one key".into());
    }
    for call in &history.calls {
        let Some((at, KeyAnswer::Taken)) = &call.end else { continue };
        if done.iter().any(|(winner, _)| winner.value == call.value) {
            return Some("a request was told that its key is taken, and was done".into());
        }
        let others = history.calls.iter().filter(|other| other.value != call.value);
        if !others.into_iter().any(|other| other.call < *at && !taken(other) && !other.was_turned_away()) {
            return Some("a key was called taken before anybody else had asked for anything under it".into());
        }
    }
    None
}

fn taken(call: &KeyCall) -> bool {
    matches!(call.end, Some((_, KeyAnswer::Taken)))
}

fn row(call: &KeyCall) -> Row {
    let answer = match &call.end {
        None => "no answer".into(),
        Some((_, KeyAnswer::NotDone(why))) => format!("not done: {why}"),
        Some((_, KeyAnswer::Taken)) => "the key is taken".into(),
        Some((_, KeyAnswer::Done { value, place, answer })) => format!("{value} at {place}, {} bytes", answer.len()),
    };
    Row {
        client: call.client,
        node: call.node,
        call: call.call,
        end: call.end.as_ref().map(|(at, _)| *at),
        op: format!("add {}", call.value),
        answer,
    }
}
