//! The state machine under the simulated replicas.

use std::collections::BTreeMap;

use crate::{
    Applied, Committed, CommittedKind, encode_conf_state,
    membership::Roster,
    mutation::{Mutation, mutated},
    sim::orders::{self, Command},
};

/// A command of the log, where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Logged<'a> {
    /// Index.
    pub index: u64,
    /// Term.
    pub term: u64,
    /// The command.
    pub command: &'a [u8],
}

/// What applying one command came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The client's request that the command carries; 0 for one that no client asked for.
    pub request: u64,
    /// What kind of command it was.
    pub kind: &'static str,
    /// It took effect: a request that did so before does not again.
    pub effective: bool,
    /// A hash over what the client is told: equal for every repetition.
    pub outcome: u64,
    /// A hash over what it changed.
    pub changes: [u8; 32],
}

/// A deterministic state machine whose commands carry the number of a client's request, so that a retried request can be
/// told from a new one. Cheap to clone.
pub trait Machine: Clone + Default {
    /// Applies commands in order, as one batch.
    fn apply(&mut self, batch: &[Logged<'_>]) -> Vec<Done>;

    /// A command for a request, as a node makes it that stamps it with this time. `attempt` is never the same twice; the
    /// request alone says what is asked.
    fn command(request: u64, attempt: u64, stamp_ms: i64) -> Vec<u8>;

    /// A command that lets time pass, where the machine knows of one. At the start of a term it comes with the time of the
    /// last command before.
    fn time_passes(attempt: u64, stamp_ms: i64, since_ms: Option<i64>) -> Option<Vec<u8>>;

    /// Something waits for this time.
    fn is_due(&self, now_ms: i64) -> bool;

    /// The time of the last command.
    fn now_ms(&self) -> i64;

    /// Whether a request has taken effect.
    fn holds(&self, request: u64) -> bool;

    /// Compares the state with the requests that took effect, as the nodes have said.
    fn audit(&self, effective: &BTreeMap<u64, u64>) -> Result<(), String>;

    /// All kinds of commands there are.
    fn kinds() -> Vec<&'static str>;
}

/// Remembers at which index each request took effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    requests: BTreeMap<u64, u64>,
    now_ms: i64,
}

/// Bytes of a request's number and of a time.
const NUMBER: usize = 8;

impl Machine for Ledger {
    fn apply(&mut self, batch: &[Logged<'_>]) -> Vec<Done> {
        let mut done = Vec::with_capacity(batch.len());
        for Logged { index, command, .. } in batch {
            let number = |from: usize| command.get(from..).and_then(|bytes| bytes.first_chunk::<NUMBER>());
            let request = number(0).map_or(0, |bytes| u64::from_be_bytes(*bytes));
            self.now_ms = self.now_ms.max(number(NUMBER).map_or(0, |bytes| i64::from_be_bytes(*bytes)));
            let at = *self.requests.entry(request).or_insert(*index);
            let changes = *blake3::hash(command).as_bytes();
            done.push(Done { request, kind: "ledger entry", effective: at == *index, outcome: at, changes });
        }
        done
    }

    fn command(request: u64, attempt: u64, stamp_ms: i64) -> Vec<u8> {
        let mut command = request.to_be_bytes().to_vec();
        command.extend_from_slice(&stamp_ms.to_be_bytes());
        command.resize(2 * NUMBER + usize::try_from(attempt % 200).unwrap_or(0), 0);
        command
    }

    fn time_passes(_: u64, _: i64, _: Option<i64>) -> Option<Vec<u8>> {
        None
    }

    fn is_due(&self, _: i64) -> bool {
        false
    }

    fn now_ms(&self) -> i64 {
        self.now_ms
    }

    fn holds(&self, request: u64) -> bool {
        self.requests.contains_key(&request)
    }

    fn audit(&self, effective: &BTreeMap<u64, u64>) -> Result<(), String> {
        let strange = effective.iter().find(|(request, index)| self.requests.get(*request) != Some(*index));
        strange.map_or(Ok(()), |(request, index)| {
            Err(format!("request {request} took effect at {index}, and is not there"))
        })
    }

    fn kinds() -> Vec<&'static str> {
        vec!["ledger entry"]
    }
}

/// A machine with what a shell keeps beside it.
#[derive(Clone, Debug)]
pub(crate) struct State<M> {
    pub(crate) machine: M,
    pub(crate) applied: Applied,
    /// Who belongs to the cluster.
    pub(crate) roster: Roster,
    /// The hash chain over everything applied.
    pub(crate) chain: [u8; 32],
}

/// What a node says of an entry it has applied: what its command came to, and the hash chain after it.
pub(crate) type Link = (Option<Done>, [u8; 32]);

impl<M: Machine> State<M> {
    pub(crate) fn new(applied: Applied) -> Self {
        let mut roster = Roster::default();
        roster.configured(&applied.conf_state);
        Self { machine: M::default(), applied, roster, chain: [0; 32] }
    }

    /// Applies entries as one batch, with the configuration in it (trap 18). Batches are cut differently on each node, so
    /// that every entry is a link of the chain.
    pub(crate) fn apply(&mut self, entries: &[Committed]) -> Vec<Link> {
        let mut batch = Vec::with_capacity(entries.len());
        for entry in entries {
            if let CommittedKind::Command(data) = &entry.kind
                && let Command::Machine(command) = orders::read(data)
            {
                batch.push(Logged { index: entry.index, term: entry.term, command });
            }
        }
        let mut done = self.machine.apply(&batch).into_iter();
        entries.iter().map(|entry| self.link(entry, &mut done)).collect()
    }

    fn link(&mut self, entry: &Committed, done: &mut impl Iterator<Item = Done>) -> Link {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.chain).update(&entry.index.to_be_bytes()).update(&entry.term.to_be_bytes());
        let mut this = None;
        match &entry.kind {
            CommittedKind::Command(data) => {
                let came_to = match orders::read(data) {
                    Command::Machine(_) => done.next().expect("one answer for each command"),
                    Command::Roster(order) => order.carry_out(&mut self.roster),
                };
                hasher.update(&came_to.changes);
                this = Some(came_to);
            }
            CommittedKind::Empty => {}
            CommittedKind::Configuration(conf_state) => {
                hasher.update(&encode_conf_state(conf_state));
                self.roster.configured(conf_state);
                if !mutated(Mutation::ConfigurationApart) {
                    self.applied.conf_state = conf_state.clone();
                }
            }
        }
        self.chain = *hasher.finalize().as_bytes();
        (self.applied.index, self.applied.term) = (entry.index, entry.term);
        (this, self.chain)
    }
}
