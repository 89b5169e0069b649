//! What must hold, whatever happens: checked after each step.

use std::{collections::BTreeMap, fmt};

use raft::eraftpb::EntryType;

use crate::{
    Committed, CommittedKind, Effect, NodeId, Persist, Role,
    sim::{Counters, machine::Link, members::Members},
};

/// Something that must never happen has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The seed that finds it again.
    pub seed: u64,
    /// The simulated time in milliseconds.
    pub at: u64,
    /// What happened.
    pub what: String,
    /// The story so far, where one was asked for.
    pub story: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {} at {} ms: {}", self.seed, self.at, self.what)
    }
}

impl std::error::Error for Violation {}

/// Why a node's work ends here.
#[derive(Debug)]
pub(crate) enum Halt {
    /// Something that must never happen.
    Violation(String),
    /// The node died at a failpoint or of its disk: what it had in hand is gone.
    Died,
}

impl From<String> for Halt {
    fn from(what: String) -> Self {
        Self::Violation(what)
    }
}

/// What work on a node yields.
pub(crate) type Outcome<T = ()> = Result<T, Halt>;

pub(crate) fn ensure(holds: bool, what: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(Halt::Violation(what())) }
}

/// An entry as the first node that wrote it has shown it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    contents: u64,
    /// The term of the entry before it: logs that agree on an entry agree on all before it.
    before: Option<u64>,
}

/// What every node must agree on.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    leaders: BTreeMap<u64, NodeId>,
    entries: BTreeMap<(u64, u64), Seen>,
    /// The terms along each node's log, as far as it was told to write it.
    logs: BTreeMap<NodeId, BTreeMap<u64, u64>>,
    /// Term and contents of every entry that any node has applied.
    committed: BTreeMap<u64, (u64, u64)>,
    pub(crate) members: Members,
    chains: BTreeMap<u64, [u8; 32]>,
    /// Where each request took effect, and what the client is told.
    pub(crate) effective: BTreeMap<u64, u64>,
    outcomes: BTreeMap<u64, u64>,
    pub(crate) last_index: u64,
    pub(crate) counters: Counters,
}

/// A short hash for comparing.
pub(crate) fn digest(bytes: &[u8]) -> u64 {
    let hash = blake3::hash(bytes);
    u64::from_le_bytes(*hash.as_bytes().first_chunk().expect("32 bytes"))
}

impl Checks {
    /// For a cluster founded with these nodes.
    pub(crate) fn new(voters: &[NodeId]) -> Self {
        Self { members: Members::founded(voters), ..Self::default() }
    }

    /// A node begins from what its disk holds.
    pub(crate) fn started(&mut self, node: NodeId, terms: BTreeMap<u64, u64>) {
        self.logs.insert(node, terms);
    }

    /// Looks at an effect as it leaves a node.
    pub(crate) fn effect(&mut self, node: NodeId, effect: &Effect) -> Outcome {
        match effect {
            Effect::RoleChanged(change) if change.role == Role::Leader => self.leads(node, change.term),
            Effect::Persist(persist) => self.writes(node, persist),
            Effect::Install { index, term, .. } => {
                self.logs.insert(node, [(*index, *term)].into());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// One leader a term, and each holds everything that was committed before it.
    fn leads(&mut self, node: NodeId, term: u64) -> Outcome {
        let leader = *self.leaders.entry(term).or_insert_with(|| {
            self.counters.elections += 1;
            node
        });
        ensure(leader == node, || format!("nodes {leader} and {node} both lead in term {term}"))?;
        let Some((last, (committed, _))) = self.committed.last_key_value().filter(|(_, (at, _))| *at < term) else {
            return Ok(());
        };
        let log = self.logs.get(&node);
        let held = log.and_then(|log| log.get(last).copied());
        let compacted = log.and_then(|log| log.first_key_value()).is_some_and(|(first, _)| first > last);
        ensure(held == Some(*committed) || compacted, || {
            format!("node {node} leads in term {term} without entry {last} of term {committed}, which was applied")
        })
    }

    /// Entries of the same index and term are the same, and so is everything before them.
    fn writes(&mut self, node: NodeId, persist: &Persist) -> Outcome {
        let log = self.logs.entry(node).or_default();
        if let Some(from) = persist.truncate_from {
            self.counters.truncations += 1;
            let gone = log.split_off(&from);
            let committed = gone.first_key_value().and_then(|(index, term)| {
                self.committed.get(index).filter(|(committed, _)| committed == term).map(|_| *index)
            });
            ensure(committed.is_none(), || {
                format!("node {node} gives up entry {}, which was applied", committed.unwrap_or_default())
            })?;
        }
        for entry in &persist.entries {
            let contents = digest(&entry.data) ^ u64::from(entry.entry_type.unsigned_abs());
            let before = entry.index.checked_sub(1).and_then(|before| log.get(&before).copied());
            log.insert(entry.index, entry.term);
            if entry.entry_type != EntryType::EntryNormal as i32 {
                let committed = |index: u64, term: u64| self.committed.get(&index).is_some_and(|(at, _)| *at == term);
                let leader = self.leaders.get(&entry.term).copied();
                self.members.written(node, (entry.index, entry.term), leader, log, committed)?;
            }
            // Alone, a node may lose a term that was never durable, and nobody else has heard of it.
            if self.members.is_alone(node) {
                continue;
            }
            let this = Seen { contents, before };
            let known = *self.entries.entry((entry.index, entry.term)).or_insert(this);
            let at = format_args!("index {} of term {}", entry.index, entry.term);
            ensure(known.contents == contents, || format!("there are two entries at {at}"))?;
            let agrees = known.before == before || known.before.is_none() || before.is_none();
            ensure(agrees, || {
                format!("the logs that agree at {at} differ before it: {:?} and {before:?}", known.before)
            })?;
        }
        Ok(())
    }

    /// A node applies an entry. `durable` says which nodes would still hold it after a crash; asked the first time. Whether it
    /// was that.
    pub(crate) fn applied(
        &mut self,
        node: NodeId,
        entry: &Committed,
        (done, chain): &Link,
        durable: impl Fn(NodeId) -> bool,
    ) -> Outcome<bool> {
        let index = entry.index;
        let command: &[u8] = if let CommittedKind::Command(command) = &entry.kind { command } else { &[] };
        let this = (entry.term, digest(command));
        ensure(durable(node), || format!("node {node} applies entry {index}, which a crash would take from it"))?;
        let first = !self.committed.contains_key(&index);
        if let Some(known) = self.committed.get(&index) {
            ensure(*known == this, || format!("node {node} applies another entry at {index} than was applied before"))?;
        } else {
            ensure(self.members.is_quorum(&durable), || {
                format!("entry {index} is applied by node {node}, and durable at no majority")
            })?;
            self.committed.insert(index, this);
            self.last_index = self.last_index.max(index);
            if let CommittedKind::Configuration(conf_state) = &entry.kind {
                self.members.configured(index, conf_state, &mut self.counters)?;
            }
        }
        let known = *self.chains.entry(index).or_insert(*chain);
        ensure(known == *chain, || format!("the state of node {node} differs after entry {index}"))?;
        let Some(done) = done else { return Ok(first) };
        if first && done.effective {
            *self.counters.commands.entry(done.kind).or_default() += 1;
        }
        if done.request == 0 {
            return Ok(first);
        }
        let request = done.request;
        let at = *self.effective.entry(request).or_insert(index);
        self.counters.retries_without_effect += u64::from(first && at != index);
        ensure(done.effective == (at == index), || {
            format!("request {request} takes effect at {at} and at {index} (node {node})")
        })?;
        let told = *self.outcomes.entry(request).or_insert(done.outcome);
        ensure(told == done.outcome, || format!("request {request} is answered in two ways, at {at} and at {index}"))?;
        Ok(first)
    }

    /// Up to where the log of a node agrees with what was applied.
    pub(crate) fn agrees_through(&self, terms: &BTreeMap<u64, u64>) -> u64 {
        let first = terms.first_key_value().map_or(0, |(first, _)| *first);
        let same = |(index, (term, _)): &(&u64, &(u64, u64))| terms.get(*index) == Some(term);
        self.committed.range(first..).take_while(same).last().map_or(first, |(index, _)| *index)
    }

    /// The cluster goes on from one node alone, which has applied entries up to `applied` and holds those up to `kept` that
    /// were; what others had applied beyond is lost. How many entries that are.
    pub(crate) fn recovered(&mut self, node: NodeId, terms: BTreeMap<u64, u64>, applied: u64, kept: u64) -> u64 {
        let lost = self.committed.split_off(&(kept + 1)).len() as u64;
        // Its changes of the configuration that it had not applied mean nothing any more.
        self.chains.split_off(&(applied + 1));
        let lost_requests: Vec<u64> =
            self.effective.iter().filter(|(_, index)| **index > kept).map(|(request, _)| *request).collect();
        for request in lost_requests {
            self.effective.remove(&request);
            self.outcomes.remove(&request);
        }
        self.last_index = kept;
        self.leaders.clear();
        self.entries.clear();
        self.logs = [(node, terms)].into();
        lost
    }
}
