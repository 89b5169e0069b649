//! The search for a linearization: Wing and Gong's, with Lowe's memory of what was tried.
//!
//! A linearization takes operations one after the other. Next may come any operation that was asked before the earliest
//! answer among those that are left. Two ways that took the same operations and came to the same state have the same
//! future, so each such pair is tried once. A read that fits is taken at once: it changes nothing, so whatever order
//! works without it works with it in front.

use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;

use super::history::{Entry, Nanos};

/// Pairs of taken operations and state after which the search gives up, and says so.
const BUDGET: usize = 4_000_000;

/// The history of a key under a model.
pub type History<M> = Vec<Entry<<M as Model>::Op, <M as Model>::Ret>>;

/// What a key does, told sequentially.
pub trait Model: Clone {
    /// All that the future depends on.
    type State: Clone + Eq + Hash;
    /// What can be asked.
    type Op: Clone + fmt::Display;
    /// What can be answered.
    type Ret: Clone + fmt::Display;

    /// The state before everything.
    fn initial(&self) -> Self::State;

    /// The state after `op` was answered with `ret`; none where that answer is impossible in `state`. Without `ret` the
    /// operation took effect and nobody heard of it.
    fn step(&self, state: &Self::State, op: &Self::Op, ret: Option<&Self::Ret>) -> Option<Self::State>;

    /// Whether it changes nothing.
    fn is_read(op: &Self::Op) -> bool;

    /// The same question, easier: what the history as a whole tells of operations that were never answered. It must be
    /// linearizable exactly when the one that was given is.
    fn settle(&self, history: History<Self>) -> (Self, History<Self>) {
        (self.clone(), history)
    }

    /// The history without one operation and all that tells of it, where the rest is linearizable if the whole is.
    fn without(_history: &[Entry<Self::Op, Self::Ret>], _at: usize) -> Option<History<Self>> {
        None
    }
}

/// What became of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is an order that explains everything.
    Linearizable,
    /// There is none.
    Violation,
    /// The search was given up: not a pass.
    Undecided,
}

/// Whether one order explains the history of one key.
pub fn check<M: Model>(model: &M, history: &[Entry<M::Op, M::Ret>]) -> Verdict {
    // A read that was never answered tells nothing.
    let telling = history.iter().filter(|entry| entry.end.is_some() || !M::is_read(&entry.op)).cloned().collect();
    let (model, mut entries) = model.settle(telling);
    // Those without an answer last: they are tried when nothing else fits.
    entries.sort_by_key(|entry| (entry.end.is_none(), entry.call, entry.deadline()));
    Search {
        model: &model,
        answered: entries.iter().take_while(|entry| entry.end.is_some()).count(),
        entries: &entries,
    }
    .run()
}

struct Search<'a, M: Model> {
    model: &'a M,
    entries: &'a [Entry<M::Op, M::Ret>],
    /// How many were answered; the rest was not.
    answered: usize,
}

/// One step of the way that is being tried.
struct Frame<S> {
    state: S,
    taken: Taken,
    /// Answered operations that are left.
    left: usize,
    candidates: Vec<usize>,
    next: usize,
}

impl<M: Model> Search<'_, M> {
    fn run(&self) -> Verdict {
        let taken = Taken::none(self.entries.len());
        let mut stack = vec![self.frame(self.model.initial(), taken, self.answered)];
        let mut seen = HashSet::new();
        while let Some(frame) = stack.last_mut() {
            if frame.left == 0 {
                return Verdict::Linearizable;
            }
            let Some(&at) = frame.candidates.get(frame.next) else {
                stack.pop();
                continue;
            };
            frame.next += 1;
            let entry = &self.entries[at];
            let Some(state) = self.model.step(&frame.state, &entry.op, entry.ret()) else { continue };
            if M::is_read(&entry.op) {
                frame.next = frame.candidates.len();
            }
            let taken = frame.taken.with(at);
            let left = frame.left - usize::from(at < self.answered);
            if !seen.insert((taken.clone(), state.clone())) {
                continue;
            }
            if seen.len() > BUDGET {
                return Verdict::Undecided;
            }
            let next = self.frame(state, taken, left);
            stack.push(next);
        }
        Verdict::Violation
    }

    fn frame(&self, state: M::State, taken: Taken, left: usize) -> Frame<M::State> {
        let candidates = self.candidates(&taken);
        Frame { state, taken, left, candidates, next: 0 }
    }

    /// What may come next: reads first, then other answered operations, then those without an answer.
    fn candidates(&self, taken: &Taken) -> Vec<usize> {
        let mut earliest = Nanos::MAX;
        let mut found = Vec::new();
        for at in taken.first_missing()..self.answered {
            let entry = &self.entries[at];
            if entry.call > earliest {
                break;
            }
            if !taken.has(at) {
                earliest = earliest.min(entry.deadline());
                found.push(at);
            }
        }
        found.retain(|at| self.entries[*at].call <= earliest);
        found.sort_by_key(|at| !M::is_read(&self.entries[*at].op));
        let open = (self.answered..self.entries.len()).take_while(|at| self.entries[*at].call <= earliest);
        found.extend(open.filter(|at| !taken.has(*at)));
        found
    }
}

/// A set of operations, as bits.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Taken(Box<[u64]>);

impl Taken {
    fn none(of: usize) -> Self {
        Self(vec![0; of.div_ceil(64)].into())
    }

    fn has(&self, at: usize) -> bool {
        self.0[at / 64] >> (at % 64) & 1 == 1
    }

    fn with(&self, at: usize) -> Self {
        let mut with = self.clone();
        with.0[at / 64] |= 1 << (at % 64);
        with
    }

    /// The first operation that is not in it; the number of bits where all are.
    fn first_missing(&self) -> usize {
        let full = self.0.iter().take_while(|word| **word == u64::MAX).count();
        full * 64 + self.0.get(full).map_or(0, |word| word.trailing_ones() as usize)
    }
}
