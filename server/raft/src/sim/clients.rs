//! Clients: they propose, retry what was refused or is unknown, and read.

use std::collections::BTreeMap;

use crate::{
    Committed, Input, NodeId, Reply, RequestId, Role,
    sim::{
        checks::ensure,
        faults::CLOCK_FAULT_MS,
        machine::Machine,
        world::{Event, World},
    },
};

/// What clients wait for and what they were told.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    next: RequestId,
    /// Proposals without an answer: at which node, in which of its lives, for which request.
    proposals: BTreeMap<RequestId, (NodeId, u64, u64)>,
    /// Requests to try again.
    again: Vec<u64>,
    /// Reads without an answer: at which node, and what was acknowledged when they began: index and request.
    reads: BTreeMap<RequestId, (NodeId, (u64, u64))>,
    /// The last acknowledged write: its index and request.
    acknowledged: (u64, u64),
    /// The index of a write acknowledged after the healing.
    pub(crate) last_after_healing: Option<u64>,
    /// Requests at and above this one were first made after the healing.
    healed_from: Option<u64>,
}

impl Clients {
    /// Everything asked before the healing, of a node that lived on, was answered one way or the other.
    pub(crate) fn all_answered(&self) -> bool {
        let from = self.healed_from.unwrap_or(0);
        self.proposals.range(..from).next().is_none() && self.reads.range(..from).next().is_none()
    }
}

impl<M: Machine> World<M> {
    /// A client does something.
    pub(crate) fn client(&mut self) -> Result<(), String> {
        let pause = if self.healed { 40 } else { 1 + self.dice.below(25) };
        self.schedule(pause, Event::Client);
        let Some(node) = self.choose_node() else { return Ok(()) };
        self.clients.next += 1;
        let id = self.clients.next;
        if self.dice.chance(300) {
            self.clients.reads.insert(id, (node, self.clients.acknowledged));
            return self.feed(node, Input::Read { id });
        }
        let retry = !self.clients.again.is_empty() && self.dice.chance(500);
        let request = if retry { self.clients.again.pop().unwrap_or(id) } else { id };
        let padding = usize::try_from(self.dice.below(200)).unwrap_or(0);
        self.clients.proposals.insert(id, (node, self.nodes[&node].life, request));
        self.checks.report.proposals += 1;
        self.feed(node, Input::Propose { id, data: M::command(request, padding) })
    }

    /// Mostly the leader.
    fn choose_node(&mut self) -> Option<NodeId> {
        let up: Vec<NodeId> = self.nodes.iter().filter(|(_, node)| node.is_up()).map(|(id, _)| *id).collect();
        let leads = |id: &NodeId| self.nodes[id].role.role == Role::Leader;
        let leaders: Vec<NodeId> = up.iter().copied().filter(leads).collect();
        let choice = if self.dice.chance(800) && !leaders.is_empty() { leaders } else { up };
        self.dice.pick(&choice).copied()
    }

    /// A node's answer.
    pub(crate) fn replied(&mut self, node: NodeId, reply: &Reply) -> Result<(), String> {
        match reply {
            Reply::Appended { .. } => {
                let (off, alone) = (self.nodes[&node].stamping_clock, self.nodes.len() == 1);
                ensure(alone || off.abs() < CLOCK_FAULT_MS / 2, || {
                    format!("node {node} stamps with a clock {off} ms off")
                })?;
            }
            Reply::ProposalRefused { id, .. } => {
                self.checks.report.refused += 1;
                self.retry_later(*id);
            }
            Reply::OutcomeUnknown { id } => {
                self.checks.report.unknown += 1;
                self.retry_later(*id);
            }
            Reply::ReadRefused { id, .. } => {
                self.checks.report.reads_refused += 1;
                self.clients.reads.remove(id);
            }
            Reply::ReadReady { id, index } => {
                self.checks.report.reads += 1;
                let (_, (floor, request)) = self.clients.reads.remove(id).unwrap_or_default();
                let state = &self.nodes[&node].state;
                let fresh = *index >= floor && state.applied.index >= *index;
                ensure(fresh, || format!("node {node} reads at {index}, but {floor} was acknowledged before"))?;
                let seen = request == 0 || state.machine.holds(request);
                ensure(seen, || format!("node {node} reads a state without the acknowledged request {request}"))?;
            }
        }
        Ok(())
    }

    fn retry_later(&mut self, id: RequestId) {
        if let Some((_, _, request)) = self.clients.proposals.remove(&id) {
            self.clients.again.push(request);
        }
    }

    /// The node that took a proposal has applied it: the client is told.
    pub(crate) fn acknowledge(&mut self, node: NodeId, entry: &Committed) {
        let Some((_, life, request)) = entry.proposal.and_then(|id| self.clients.proposals.remove(&id)) else { return };
        debug_assert_eq!(life, self.nodes[&node].life, "a proposal dies with the node that took it");
        self.checks.report.acknowledged += 1;
        self.clients.acknowledged = self.clients.acknowledged.max((entry.index, request));
        if self.clients.healed_from.is_some_and(|from| request >= from) {
            self.clients.last_after_healing.get_or_insert(entry.index);
        }
    }

    /// A node died: what was proposed there may or may not take effect.
    pub(crate) fn forget_node(&mut self, node: NodeId) {
        let lost: Vec<RequestId> =
            self.clients.proposals.iter().filter(|(_, (at, _, _))| *at == node).map(|(id, _)| *id).collect();
        for id in lost {
            self.retry_later(id);
        }
        self.clients.reads.retain(|_, (at, _)| *at != node);
    }

    /// From here on a new write proves progress.
    pub(crate) fn expect_progress(&mut self) {
        self.clients.healed_from = Some(self.clients.next + 1);
    }
}
