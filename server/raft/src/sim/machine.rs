//! The state machine under the simulated replicas.

use std::collections::BTreeMap;

/// A deterministic state machine whose commands carry the number of a client's request, so that a retried request can be
/// told from a new one.
pub trait Machine: Clone + Default {
    /// Applies the command at `index`. Whether it took effect: a request that did so before does not again.
    fn apply(&mut self, index: u64, command: &[u8]) -> bool;

    /// A command for a request.
    fn command(request: u64, padding: usize) -> Vec<u8>;

    /// The request a command carries.
    fn request(command: &[u8]) -> u64;

    /// Whether a request has taken effect.
    fn holds(&self, request: u64) -> bool;
}

/// Remembers at which index each request took effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    requests: BTreeMap<u64, u64>,
}

impl Machine for Ledger {
    fn apply(&mut self, index: u64, command: &[u8]) -> bool {
        let request = Self::request(command);
        let fresh = !self.requests.contains_key(&request);
        if fresh {
            self.requests.insert(request, index);
        }
        fresh
    }

    fn command(request: u64, padding: usize) -> Vec<u8> {
        let mut command = request.to_be_bytes().to_vec();
        command.resize(8 + padding, 0);
        command
    }

    fn request(command: &[u8]) -> u64 {
        command.first_chunk().map_or(0, |number| u64::from_be_bytes(*number))
    }

    fn holds(&self, request: u64) -> bool {
        self.requests.contains_key(&request)
    }
}

/// A machine with what a shell keeps beside it.
#[derive(Clone, Debug)]
pub(crate) struct State<M> {
    pub(crate) machine: M,
    pub(crate) applied: crate::Applied,
    /// The hash chain over everything applied.
    pub(crate) chain: [u8; 32],
}

impl<M: Machine> State<M> {
    pub(crate) fn new(applied: crate::Applied) -> Self {
        Self { machine: M::default(), applied, chain: [0; 32] }
    }

    /// Applies an entry, with the configuration in the same batch (trap 18). Whether a command took effect.
    pub(crate) fn apply(&mut self, entry: &crate::Committed) -> bool {
        let mut effective = false;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.chain).update(&entry.index.to_be_bytes()).update(&entry.term.to_be_bytes());
        match &entry.kind {
            crate::CommittedKind::Command(command) => {
                effective = self.machine.apply(entry.index, command);
                hasher.update(command);
            }
            crate::CommittedKind::Empty => {}
            crate::CommittedKind::Configuration(conf_state) => {
                hasher.update(&crate::encode_conf_state(conf_state));
                self.applied.conf_state = conf_state.clone();
            }
        }
        self.chain = *hasher.finalize().as_bytes();
        (self.applied.index, self.applied.term) = (entry.index, entry.term);
        effective
    }
}
