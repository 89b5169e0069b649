//! Two sequential objects: a register that is written blindly, and one whose writes are numbered.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::history::{Entry, Nanos};
use super::linear::{History, Model};

/// A value nobody writes: what could not be read as a value at all.
pub const FOREIGN: u64 = u64::MAX;

/// A register that holds what was written last. Every write has a value of its own.
#[derive(Clone, Debug, Default)]
pub struct Register {
    /// What it holds before the first write.
    pub initial: u64,
}

/// What a [`Register`] is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegisterOp {
    /// What it holds.
    Read,
    /// To hold this.
    Write(u64),
}

/// What a [`Register`] answers: what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holds(pub u64);

impl fmt::Display for RegisterOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read => f.write_str("read"),
            Self::Write(value) => write!(f, "write {value}"),
        }
    }
}

impl fmt::Display for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_value(f, self.0)
    }
}

fn write_value(f: &mut fmt::Formatter<'_>, value: u64) -> fmt::Result {
    if value == FOREIGN { f.write_str("something nobody wrote") } else { write!(f, "{value}") }
}

impl Model for Register {
    type State = u64;
    type Op = RegisterOp;
    type Ret = Holds;

    fn initial(&self) -> u64 {
        self.initial
    }

    fn step(&self, state: &u64, op: &RegisterOp, ret: Option<&Holds>) -> Option<u64> {
        let after = match op {
            RegisterOp::Read => *state,
            RegisterOp::Write(value) => *value,
        };
        ret.is_none_or(|Holds(told)| *told == after).then_some(after)
    }

    fn is_read(op: &RegisterOp) -> bool {
        *op == RegisterOp::Read
    }

    /// A write whose value was read took effect before that read was answered. A write without an answer whose value
    /// nobody read need not have happened: an order with it is an order without it.
    fn settle(&self, history: History<Self>) -> (Self, History<Self>) {
        let mut read_by: BTreeMap<u64, Nanos> = BTreeMap::new();
        for entry in &history {
            if let (RegisterOp::Read, Some((at, Holds(value)))) = (&entry.op, &entry.end) {
                let first = read_by.entry(*value).or_insert(*at);
                *first = (*first).min(*at);
            }
        }
        let settled = history.into_iter().filter_map(|mut entry| {
            if let (RegisterOp::Write(value), None) = (&entry.op, &entry.end) {
                entry.end = Some((*read_by.get(value)?, Holds(*value)));
            }
            Some(entry)
        });
        (self.clone(), settled.collect())
    }

    /// A write goes with all the reads of it.
    fn without(history: &[Entry<RegisterOp, Holds>], at: usize) -> Option<History<Self>> {
        let RegisterOp::Write(gone) = history[at].op else { return None };
        let of_it = |entry: &&Entry<RegisterOp, Holds>| match &entry.op {
            RegisterOp::Write(value) => *value == gone,
            RegisterOp::Read => entry.ret() == Some(&Holds(gone)),
        };
        Some(history.iter().filter(|entry| !of_it(entry)).cloned().collect())
    }
}

/// A register whose writes are counted: the revision grows by one with each. Every write has a value of its own.
#[derive(Clone, Debug, Default)]
pub struct Versioned {
    /// Revision and value before the first write; revision 0: nothing is there.
    pub initial: Version,
    /// Revisions that are known to belong to other writes than those without an answer.
    claimed: BTreeSet<u64>,
}

/// A value and its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Version {
    /// Counted from 1.
    pub revision: u64,
    /// What was written.
    pub value: u64,
}

/// What a [`Versioned`] is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionedOp {
    /// The latest version.
    Read,
    /// To hold `value`, if the latest revision is `expected`.
    Swap {
        /// The revision it was made on.
        expected: u64,
        /// What to hold.
        value: u64,
    },
    /// To hold `value` in any case, and to say what came after `base`.
    Save {
        /// The revision it was made on.
        base: u64,
        /// What to hold.
        value: u64,
    },
}

/// What a [`Versioned`] answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionedRet {
    /// To a read, and to a swap that was made: the latest version.
    At(Version),
    /// To a read: there is none.
    Absent,
    /// To a swap: another revision is the latest.
    Stale,
    /// To a save.
    Saved {
        /// The revision it became.
        revision: u64,
        /// The latest one before it, where that was not its base.
        conflict: Option<u64>,
    },
}

impl Versioned {
    /// One that begins with a version.
    #[must_use]
    pub fn new(initial: Version) -> Self {
        Self { initial, claimed: BTreeSet::new() }
    }
}

impl fmt::Display for VersionedOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read => f.write_str("read"),
            Self::Swap { expected, value } => write!(f, "swap revision {expected} for {value}"),
            Self::Save { base, value } => write!(f, "save {value} on revision {base}"),
        }
    }
}

impl fmt::Display for VersionedRet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(Version { revision, value }) => {
                write!(f, "revision {revision}: ")?;
                write_value(f, *value)
            }
            Self::Absent => f.write_str("nothing there"),
            Self::Stale => f.write_str("another revision is the latest"),
            Self::Saved { revision, conflict: None } => write!(f, "revision {revision}"),
            Self::Saved { revision, conflict: Some(other) } => write!(f, "revision {revision}, after {other}"),
        }
    }
}

impl Model for Versioned {
    type State = Version;
    type Op = VersionedOp;
    type Ret = VersionedRet;

    fn initial(&self) -> Version {
        self.initial
    }

    fn step(&self, state: &Version, op: &VersionedOp, ret: Option<&VersionedRet>) -> Option<Version> {
        let next = |value| Version { revision: state.revision + 1, value };
        let (after, answer) = match *op {
            VersionedOp::Read if state.revision == 0 => (*state, VersionedRet::Absent),
            VersionedOp::Read => (*state, VersionedRet::At(*state)),
            VersionedOp::Swap { expected, .. } if expected != state.revision => (*state, VersionedRet::Stale),
            VersionedOp::Swap { value, .. } => (next(value), VersionedRet::At(next(value))),
            VersionedOp::Save { base, .. } if base > state.revision => return None,
            VersionedOp::Save { base, value } => {
                let conflict = (base != state.revision).then_some(state.revision);
                (next(value), VersionedRet::Saved { revision: next(value).revision, conflict })
            }
        };
        match ret {
            Some(told) => (*told == answer).then_some(after),
            // Unheard, it matters only where it changed something, and that no other write is known to have done.
            None => (after != *state && !self.claimed.contains(&after.revision)).then_some(after),
        }
    }

    fn is_read(op: &VersionedOp) -> bool {
        *op == VersionedOp::Read
    }

    /// A version that was read tells which answer its write got, and by when. A revision that a write is known to have
    /// made, no other write made.
    fn settle(&self, history: History<Self>) -> (Self, History<Self>) {
        let mut read_by: BTreeMap<u64, (Nanos, Version)> = BTreeMap::new();
        let mut claimed = BTreeSet::new();
        for entry in &history {
            match &entry.end {
                Some((at, VersionedRet::At(version))) => {
                    let first = read_by.entry(version.value).or_insert((*at, *version));
                    first.0 = first.0.min(*at);
                    claimed.insert(version.revision);
                }
                Some((_, VersionedRet::Saved { revision, .. })) => {
                    claimed.insert(*revision);
                }
                Some((_, VersionedRet::Absent | VersionedRet::Stale)) | None => {}
            }
        }
        let settled = history.into_iter().map(|mut entry| {
            let (VersionedOp::Swap { value, .. } | VersionedOp::Save { value, .. }) = &entry.op else { return entry };
            if entry.end.is_none()
                && let Some((at, version)) = read_by.get(value)
            {
                entry.end = Some((*at, told_by(&entry.op, *version)));
            }
            entry
        });
        let settled = settled.collect();
        (Self { initial: self.initial, claimed }, settled)
    }
}

/// What a write was answered that became `version`.
fn told_by(op: &VersionedOp, version: Version) -> VersionedRet {
    match *op {
        VersionedOp::Save { base, .. } => {
            let before = version.revision.saturating_sub(1);
            VersionedRet::Saved { revision: version.revision, conflict: (base != before).then_some(before) }
        }
        VersionedOp::Swap { .. } | VersionedOp::Read => VersionedRet::At(version),
    }
}
