//! A majority of the voters is destroyed, and the cluster goes on from one survivor ([`crate::recover`]).
//!
//! What may be lost then is what `docs/decisions/0011` says: entries that the survivor's log does not hold. What must not be:
//! anything that it knew to be committed, and anything that another survivor holds.

use std::collections::BTreeMap;

use crate::{
    NodeId, OpenError, Prospect, finish_recovery, prospect, recover,
    sim::{
        checks::{Outcome, ensure},
        machine::Machine,
        node::Node,
        plan::Deed,
        world::{Event, World},
    },
    state_directory,
};

impl<M: Machine> World<M> {
    /// All nodes stop; a majority of them for good. Once in a run.
    pub(crate) fn lose_majority(&mut self) -> Outcome {
        let (voters, members) = (self.checks.members.now.voters.clone(), self.checks.members.all());
        if self.checks.counters.recoveries > 0 || !self.all_have_met() {
            return Ok(());
        }
        let mut left = voters.clone();
        while left.len() > voters.len() / 2 || (left.len() > 1 && self.dice.chance(300)) {
            let at = self.dice.below(left.len() as u64);
            left.remove(usize::try_from(at).expect("below a length"));
        }
        let survives = |node: &NodeId| {
            let sound = self.nodes.get(node).is_some_and(|node| !node.is_damaged() && !node.retired);
            sound && (left.contains(node) || !voters.contains(node))
        };
        let survivors: Vec<NodeId> = members.into_iter().filter(survives).collect();
        for id in self.ids() {
            self.die(id, "stops with the others");
        }
        let mut prospects: BTreeMap<NodeId, Prospect> = BTreeMap::new();
        for id in survivors {
            self.nodes[&id].disk.repair();
            if let Ok(prospect) = self.nodes[&id].prospect() {
                prospects.insert(id, prospect);
            }
        }
        let Some((id, chosen)) = prospects.iter().max_by_key(|(_, prospect)| prospect.last) else {
            return self.all_start();
        };
        let kept = self.checks.agrees_through(&self.nodes[id].disk.terms());
        ensure(kept >= chosen.commit.min(self.checks.last_index), || {
            format!("node {id} would lose entries after {kept}, and {} was committed there", chosen.commit)
        })?;
        for other in prospects.keys() {
            let held = self.checks.agrees_through(&self.nodes[other].disk.terms());
            ensure(held <= kept, || format!("node {other} holds entry {held}, and node {id} only {kept}"))?;
        }
        self.recover_on(*id, chosen.applied, kept)
    }

    /// It turned out that nobody can go on alone: the others were not lost after all.
    fn all_start(&mut self) -> Outcome {
        self.ids().into_iter().try_for_each(|id| self.start(id))
    }

    fn recover_on(&mut self, id: NodeId, applied: u64, kept: u64) -> Outcome {
        self.epoch += 1;
        let epoch = self.epoch;
        let interrupted = self.dice.chance(300);
        let node = self.node(id);
        if interrupted {
            node.begin_recovery(epoch).map_err(|error| error.to_string())?;
        }
        node.recover(epoch).map_err(|error| format!("node {id} cannot be recovered: {error}"))?;
        let (conf_state, roster) = (node.state.applied.conf_state.clone(), node.state.roster.clone());
        let terms = node.disk.terms();
        let lost = self.checks.recovered(id, terms, applied, kept);
        self.checks.members.recovered(&conf_state, &roster);
        self.clients.recovered(&self.checks.effective, kept);
        self.checks.counters.recoveries += 1;
        self.checks.counters.entries_lost += lost;
        self.tell(|| format!("a majority is lost: node {id} goes on alone from entry {kept}; {lost} entries are lost"));
        for other in self.ids().into_iter().filter(|other| *other != id) {
            self.node(other).retired = true;
        }
        self.met.clear();
        // Nothing that was on its way reaches a process that was started since.
        self.events
            .retain(|_, event| !matches!(event, Event::Input { .. } | Event::Stream { .. } | Event::ComeUp { .. }));
        for soon in [200, 300, 500, 700] {
            self.schedule(soon, Event::Deed(Deed::Join));
        }
        self.node(id).away_until = 0;
        self.start(id)
    }
}

impl<M: Machine> Node<M> {
    /// What this stopped node would go on from.
    fn prospect(&self) -> Result<Prospect, OpenError> {
        let directory = state_directory(&self.disk)?.unwrap_or_else(|| self.directory.clone());
        let state = self.directories.get(&directory).expect("the directory that the log names was synced");
        prospect(&self.disk, &state.applied)
    }

    /// The first step of a recovery; then somebody pulls the plug.
    fn begin_recovery(&mut self, epoch: u64) -> Result<(), OpenError> {
        let directory = state_directory(&self.disk)?.unwrap_or_else(|| self.directory.clone());
        recover(&self.disk, &self.directories[&directory].applied, epoch).map(drop)
    }

    /// All steps.
    fn recover(&mut self, epoch: u64) -> Result<(), OpenError> {
        let directory = state_directory(&self.disk)?.unwrap_or_else(|| self.directory.clone());
        let state = self.directories.get_mut(&directory).expect("the directory that the log names was synced");
        let recovery = recover(&self.disk, &state.applied, epoch)?;
        state.roster.recovered(&recovery.conf_state);
        state.applied.conf_state = recovery.conf_state;
        self.state = state.clone();
        self.config.hello = recovery.identity;
        finish_recovery(&self.disk)
    }
}
