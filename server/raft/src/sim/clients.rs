//! Clients: they propose, retry what was refused or is unknown, and read.

use std::collections::BTreeMap;

use crate::{
    Committed, Input, NodeId, Refused, Reply, RequestId, Role,
    sim::{
        checks::{Outcome, ensure},
        clocks::WRONG_MS,
        machine::Machine,
        node::{Ask, Delivery},
        world::{Event, World},
    },
};

/// Requests are numbered within a seed; the number holds both, so that it alone says what is asked.
const REQUESTS_PER_SEED: u64 = 1 << 24;

/// A proposal without an answer.
#[derive(Clone, Copy, Debug)]
struct Proposal {
    node: NodeId,
    /// The client's request; 0 for a leader's duty.
    request: u64,
    /// How far the clock was off that stamped it.
    stamped_off: i64,
}

/// A read without an answer.
#[derive(Clone, Copy, Debug)]
struct Reading {
    node: NodeId,
    term: u64,
    /// The last write that was acknowledged when it began: its index and its request.
    written: (u64, u64),
    /// The newest state that a read had shown when it began.
    shown: u64,
}

/// What clients wait for and what they were told.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    next: RequestId,
    proposals: BTreeMap<RequestId, Proposal>,
    /// Requests to try again.
    again: Vec<u64>,
    reads: BTreeMap<RequestId, Reading>,
    /// The last acknowledged write: its index and request.
    written: (u64, u64),
    /// Every acknowledged request.
    acknowledged: Vec<u64>,
    /// The newest state that a read has shown.
    shown: u64,
    /// The index of a write acknowledged after the healing.
    pub(crate) last_after_healing: Option<u64>,
    /// What is numbered from here on was first asked after the healing.
    healed_from: Option<RequestId>,
}

impl Clients {
    /// Everything asked before the healing, of a node that lived on, was answered one way or the other.
    pub(crate) fn all_answered(&self) -> bool {
        let from = self.healed_from.unwrap_or(0);
        self.proposals.range(..from).next().is_none() && self.reads.range(..from).next().is_none()
    }

    /// A number for something new.
    pub(crate) fn number(&mut self) -> RequestId {
        self.next += 1;
        self.next
    }

    /// A leader proposes something by itself.
    pub(crate) fn proposes_itself(&mut self, id: RequestId, node: NodeId) {
        self.proposals.insert(id, Proposal { node, request: 0, stamped_off: 0 });
    }

    /// It had nothing to propose.
    pub(crate) fn withdraw(&mut self, id: RequestId) {
        self.proposals.remove(&id);
    }

    /// A proposal was stamped by a clock that is so far off.
    pub(crate) fn stamped(&mut self, id: RequestId, off: i64) {
        if let Some(proposal) = self.proposals.get_mut(&id) {
            proposal.stamped_off = off;
        }
    }

    /// The cluster was recovered, and goes on with what these requests and entries up to `kept` have brought about.
    pub(crate) fn recovered(&mut self, effective: &BTreeMap<u64, u64>, kept: u64) {
        self.acknowledged.retain(|request| effective.contains_key(request));
        let still = self.acknowledged.iter().filter_map(|request| Some((*effective.get(request)?, *request)));
        self.written = still.max().unwrap_or_default();
        self.shown = self.shown.min(kept);
    }

    /// Every acknowledged request.
    pub(crate) fn acknowledged(&self) -> &[u64] {
        &self.acknowledged
    }
}

impl<M: Machine> World<M> {
    /// A client does something.
    pub(crate) fn client(&mut self) -> Outcome {
        let pause = if self.healed { 40 } else { 1 + self.dice.below(2 * self.plan.client_gap_ms) };
        self.schedule(pause, Event::Client);
        let Some(node) = self.choose_node() else { return Ok(()) };
        let id = self.clients.number();
        if self.dice.chance(self.plan.reads_permille) {
            let Clients { written, shown, .. } = self.clients;
            let term = self.nodes[&node].role.term;
            self.clients.reads.insert(id, Reading { node, term, written, shown });
            return self.feed(node, Input::Read { id });
        }
        let retry = !self.clients.again.is_empty() && self.dice.chance(500);
        let request = if retry { self.clients.again.pop() } else { None };
        let request = request.unwrap_or(self.seed * REQUESTS_PER_SEED + id);
        self.clients.proposals.insert(id, Proposal { node, request, stamped_off: 0 });
        self.checks.counters.proposals += 1;
        self.deliver(node, Delivery::Ask { id, what: Ask::Request(request) })
    }

    /// Mostly the leader.
    fn choose_node(&mut self) -> Option<NodeId> {
        let up: Vec<NodeId> = self.nodes.iter().filter(|(_, node)| node.is_up()).map(|(id, _)| *id).collect();
        let leads = |id: &NodeId| self.nodes[id].role.role == Role::Leader;
        let leaders: Vec<NodeId> = up.iter().copied().filter(leads).collect();
        let astray = self.dice.chance(self.plan.astray_permille);
        let choice = if astray || leaders.is_empty() { up } else { leaders };
        self.dice.pick(&choice).copied()
    }

    /// A node's answer.
    pub(crate) fn replied(&mut self, node: NodeId, reply: &Reply) -> Outcome {
        match reply {
            Reply::Appended { id, .. } => {
                let off = self.clients.proposals.get(id).map_or(0, |proposal| proposal.stamped_off);
                ensure(self.has_two_clocks() || off.abs() < WRONG_MS, || {
                    format!("node {node} stamps with a clock that is {off} ms off")
                })
            }
            Reply::ProposalRefused { id, why } => {
                self.checks.counters.refused += 1;
                self.checks.counters.busy += u64::from(*why == Refused::Busy);
                self.checks.counters.clock_refusals += u64::from(*why == Refused::Clock);
                self.retry_later(*id);
                Ok(())
            }
            Reply::OutcomeUnknown { id } => {
                self.checks.counters.unknown += 1;
                self.retry_later(*id);
                Ok(())
            }
            Reply::ReadRefused { id, .. } => {
                self.checks.counters.reads_refused += 1;
                self.clients.reads.remove(id);
                Ok(())
            }
            Reply::ReadReady { id, index } => self.read_ready(node, *id, *index),
        }
    }

    /// A read may go ahead: on a state that holds everything acknowledged, and everything another read has shown, before it
    /// began.
    fn read_ready(&mut self, node: NodeId, id: RequestId, index: u64) -> Outcome {
        let Some(read) = self.clients.reads.remove(&id) else { return Ok(()) };
        let Reading { term, written: (floor, request), shown, .. } = read;
        let (state, role) = (&self.nodes[&node].state, &self.nodes[&node].role);
        let applied = state.applied.index;
        let counters = &mut self.checks.counters;
        counters.reads += 1;
        counters.reads_at_followers += u64::from(role.role != Role::Leader);
        counters.reads_across_leaders += u64::from(role.term != term);
        ensure(applied >= index, || format!("node {node} reads at {index} what it has applied up to {applied} only"))?;
        ensure(index >= floor, || format!("node {node} reads at {index}, but {floor} was acknowledged before"))?;
        ensure(applied >= shown, || format!("node {node} shows entry {applied}, but a read has shown {shown} before"))?;
        ensure(request == 0 || state.machine.holds(request), || {
            format!("node {node} reads a state without the acknowledged request {request}")
        })?;
        self.clients.shown = self.clients.shown.max(applied);
        Ok(())
    }

    fn retry_later(&mut self, id: RequestId) {
        if let Some(proposal) = self.clients.proposals.remove(&id)
            && proposal.request != 0
        {
            self.clients.again.push(proposal.request);
        }
    }

    /// The node that took a proposal has applied it: the client is told.
    pub(crate) fn acknowledge(&mut self, entry: &Committed) {
        let Some((id, proposal)) = entry.proposal.and_then(|id| Some((id, self.clients.proposals.remove(&id)?))) else {
            return;
        };
        if proposal.request == 0 {
            return;
        }
        self.checks.counters.acknowledged += 1;
        self.clients.written = self.clients.written.max((entry.index, proposal.request));
        self.clients.acknowledged.push(proposal.request);
        if self.clients.healed_from.is_some_and(|from| id >= from) {
            self.clients.last_after_healing.get_or_insert(entry.index);
        }
    }

    /// A node died: what was proposed there may or may not take effect.
    pub(crate) fn forget_node(&mut self, node: NodeId) {
        let at_node = self.clients.proposals.iter().filter(|(_, proposal)| proposal.node == node);
        let lost: Vec<RequestId> = at_node.map(|(id, _)| *id).collect();
        for id in lost {
            self.retry_later(id);
        }
        self.clients.reads.retain(|_, read| read.node != node);
    }

    /// From here on a new write proves progress.
    pub(crate) fn expect_progress(&mut self) {
        self.clients.healed_from = Some(self.clients.next + 1);
    }
}
