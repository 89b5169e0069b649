//! What must hold, whatever happens: checked after each step, and counted, so that a run that met no trouble is seen.

use std::{collections::BTreeMap, fmt};

use crate::{Committed, CommittedKind, Effect, NodeId, Role, sim::machine::Machine};

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

/// What a run went through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "each counter is named after what it counts")]
pub struct Report {
    pub seed: u64,
    pub nodes: u64,
    pub synchronous_nodes: u64,
    pub steps: u64,
    pub elections: u64,
    pub crashes: u64,
    pub wiped: u64,
    pub turned_away: u64,
    pub writes_lost: u64,
    pub restarts: u64,
    pub partitions: u64,
    pub pauses: u64,
    pub clock_faults: u64,
    pub transfers: u64,
    pub dropped: u64,
    pub duplicated: u64,
    pub truncations: u64,
    pub compactions: u64,
    pub fetches: u64,
    pub snapshots_made: u64,
    pub snapshots_discarded: u64,
    pub long_streams: u64,
    pub installs: u64,
    pub proposals: u64,
    pub acknowledged: u64,
    pub refused: u64,
    pub unknown: u64,
    pub retries_without_effect: u64,
    pub reads: u64,
    pub reads_refused: u64,
    pub comparisons: u64,
    pub last_index: u64,
    /// A hash over everything that happened, in order: equal for equal runs.
    pub fingerprint: u64,
    /// What happened, for a person.
    pub story: Vec<String>,
}

impl Report {
    /// Adds another run's counters to these.
    pub fn add(&mut self, other: &Self) {
        for ((_, sum), (_, counter)) in self.counters_mut().into_iter().zip(other.clone().counters_mut()) {
            *sum += *counter;
        }
    }

    /// The counters that must not all be zero over a set of runs, by name.
    pub fn counters(&self) -> Vec<(&'static str, u64)> {
        self.clone().counters_mut().into_iter().map(|(name, counter)| (name, *counter)).collect()
    }

    fn counters_mut(&mut self) -> Vec<(&'static str, &mut u64)> {
        vec![
            ("nodes", &mut self.nodes),
            ("synchronous nodes", &mut self.synchronous_nodes),
            ("steps", &mut self.steps),
            ("elections", &mut self.elections),
            ("crashes", &mut self.crashes),
            ("disks lost", &mut self.wiped),
            ("hellos turned away", &mut self.turned_away),
            ("writes lost", &mut self.writes_lost),
            ("restarts", &mut self.restarts),
            ("partitions", &mut self.partitions),
            ("pauses", &mut self.pauses),
            ("clock faults", &mut self.clock_faults),
            ("transfers", &mut self.transfers),
            ("messages dropped", &mut self.dropped),
            ("messages duplicated", &mut self.duplicated),
            ("truncations", &mut self.truncations),
            ("compactions", &mut self.compactions),
            ("fetches", &mut self.fetches),
            ("snapshots made", &mut self.snapshots_made),
            ("snapshots discarded", &mut self.snapshots_discarded),
            ("long streams", &mut self.long_streams),
            ("installs", &mut self.installs),
            ("proposals", &mut self.proposals),
            ("acknowledged", &mut self.acknowledged),
            ("proposals refused", &mut self.refused),
            ("outcomes unknown", &mut self.unknown),
            ("retries without effect", &mut self.retries_without_effect),
            ("reads", &mut self.reads),
            ("reads refused", &mut self.reads_refused),
            ("hash comparisons", &mut self.comparisons),
        ]
    }
}

/// What every node must agree on.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    leaders: BTreeMap<u64, NodeId>,
    entries: BTreeMap<(u64, u64), u64>,
    committed: BTreeMap<u64, (u64, u64)>,
    chains: BTreeMap<u64, [u8; 32]>,
    effective: BTreeMap<u64, u64>,
    pub(crate) report: Report,
}

/// A short hash for comparing.
pub(crate) fn digest(bytes: &[u8]) -> u64 {
    let hash = blake3::hash(bytes);
    u64::from_le_bytes(*hash.as_bytes().first_chunk().expect("32 bytes"))
}

impl Checks {
    /// Looks at an effect as it leaves a node.
    pub(crate) fn effect(&mut self, node: NodeId, effect: &Effect) -> Result<(), String> {
        match effect {
            Effect::RoleChanged(change) if change.role == Role::Leader => {
                let leader = *self.leaders.entry(change.term).or_insert_with(|| {
                    self.report.elections += 1;
                    node
                });
                ensure(leader == node, || format!("nodes {leader} and {node} both lead in term {}", change.term))
            }
            // Alone, a node may lose a term that was never durable, and nobody else has heard of it.
            Effect::Persist(_) if self.report.nodes == 1 => Ok(()),
            Effect::Persist(persist) => {
                self.report.truncations += u64::from(persist.truncate_from.is_some());
                for entry in &persist.entries {
                    let contents = digest(&entry.data) ^ u64::from(entry.entry_type.unsigned_abs());
                    let known = *self.entries.entry((entry.index, entry.term)).or_insert(contents);
                    ensure(known == contents, || format!("two entries at index {} term {}", entry.index, entry.term))?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A node applies an entry. `durable` counts the nodes that would still hold it after a crash; asked the first time.
    pub(crate) fn applied<M: Machine>(
        &mut self,
        node: NodeId,
        entry: &Committed,
        effective: bool,
        chain: [u8; 32],
        durable: impl FnOnce() -> (usize, usize),
    ) -> Result<(), String> {
        let index = entry.index;
        let command: &[u8] = if let CommittedKind::Command(command) = &entry.kind { command } else { &[] };
        let this = (entry.term, digest(command));
        if let Some(known) = self.committed.get(&index) {
            ensure(*known == this, || format!("node {node} applies another entry at {index} than was applied before"))?;
        } else {
            let (durable, nodes) = durable();
            ensure(durable > nodes / 2, || {
                format!("entry {index} is applied by {node} but durable at {durable} of {nodes} nodes")
            })?;
            self.committed.insert(index, this);
            self.report.last_index = self.report.last_index.max(index);
        }
        let known = *self.chains.entry(index).or_insert(chain);
        ensure(known == chain, || format!("the state of node {node} differs after entry {index}"))?;
        if command.is_empty() {
            return Ok(());
        }
        let request = M::request(command);
        let at = *self.effective.entry(request).or_insert(index);
        if !effective {
            self.report.retries_without_effect += u64::from(at != index);
        }
        ensure(effective == (at == index), || {
            format!("request {request} takes effect at {at} and at {index} (node {node})")
        })
    }
}

pub(crate) fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}
