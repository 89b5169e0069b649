//! What must hold of the membership: configurations, numbers, and whoever is no member any more.

use std::collections::{BTreeMap, BTreeSet};

use raft::eraftpb::{ConfChangeType, ConfChangeV2, ConfState, Entry};

use crate::{
    NodeId, members,
    membership::{LEAST_VOTERS, Roster, Stage},
    sim::{
        Counters,
        checks::{Outcome, ensure},
    },
};

/// The membership as far as any node has applied it, and what has been seen of it.
#[derive(Debug, Default)]
pub(crate) struct Members {
    /// The configuration in effect …
    pub(crate) now: ConfState,
    /// … and the one before: a leader may commit entries that follow a change before it has made the change.
    before: ConfState,
    /// Who belongs to the cluster, after the last entry that any node has applied.
    pub(crate) roster: Roster,
    /// Entries that change the configuration: index and term.
    changes: BTreeSet<(u64, u64)>,
    /// Members that a configuration has dropped.
    gone: BTreeSet<NodeId>,
    /// Nodes that were told so: by who had handed the entry out to be applied, maybe before any had.
    told: BTreeSet<NodeId>,
    /// Which disk has which number.
    numbers: BTreeMap<NodeId, String>,
    /// Voters that have become learners.
    demoted: BTreeSet<NodeId>,
}

/// A change of the configuration, and the node that leads and proposes it.
pub(crate) struct Proposed<'a> {
    pub(crate) leader: NodeId,
    pub(crate) entry: &'a Entry,
    /// The configuration as that leader knows it.
    pub(crate) conf_state: &'a ConfState,
    /// For how long it has led, and for how long it must have before it changes anything.
    pub(crate) led_ms: u64,
    pub(crate) settle_ms: u64,
}

impl Proposed<'_> {
    /// Whether it may be: `heard` says whom the leader has heard a moment ago.
    pub(crate) fn check(&self, heard: impl Fn(NodeId) -> bool) -> Outcome {
        let Self { leader, entry, conf_state, led_ms, settle_ms } = *self;
        let change: ConfChangeV2 =
            crate::codec::decode(&entry.data).ok_or_else(|| "an unreadable change".to_owned())?;
        if change.changes.is_empty() {
            return Ok(());
        }
        let before: BTreeSet<NodeId> = conf_state.voters.iter().copied().collect();
        let mut after = before.clone();
        for single in &change.changes {
            if single.get_change_type() == ConfChangeType::AddNode {
                after.insert(single.node_id);
            } else {
                after.remove(&single.node_id);
            }
        }
        let what = format_args!("the change of the voters {before:?} to {after:?} at {}", entry.index);
        ensure(after.contains(&leader), || format!("node {leader} leads, and dismisses itself: {what}"))?;
        ensure(led_ms >= settle_ms, || format!("node {leader} has led for {led_ms} ms only before {what}"))?;
        ensure(after.len() >= before.len().min(LEAST_VOTERS), || format!("{what} leaves too few"))?;
        let missing = [&before, &after].into_iter().find(|voters| {
            let answering = voters.iter().filter(|voter| **voter == leader || heard(**voter)).count();
            answering <= voters.len() / 2
        });
        ensure(missing.is_none(), || format!("node {leader} does not hear a majority of {missing:?} before {what}"))
    }
}

impl Members {
    /// Of a cluster founded with these nodes.
    pub(crate) fn founded(voters: &[NodeId]) -> Self {
        let now = ConfState { voters: voters.to_vec(), ..ConfState::default() };
        let mut roster = Roster::default();
        roster.configured(&now);
        Self { before: now.clone(), now, roster, ..Self::default() }
    }

    /// The cluster was recovered: what was not on that disk has never been.
    pub(crate) fn recovered(&mut self, conf_state: &ConfState, roster: &Roster) {
        let numbers = roster.records().iter().filter_map(|(node, record)| Some((*node, record.incarnation.clone()?)));
        *self = Self {
            now: conf_state.clone(),
            before: conf_state.clone(),
            roster: roster.clone(),
            numbers: numbers.collect(),
            ..Self::default()
        };
    }

    /// Whether so many voters hold an entry that no future leader can lack it.
    pub(crate) fn is_quorum(&self, durable: impl Fn(NodeId) -> bool) -> bool {
        let majority = |voters: &[NodeId]| {
            voters.is_empty() || voters.iter().filter(|voter| durable(**voter)).count() > voters.len() / 2
        };
        [&self.now, &self.before].into_iter().any(|conf| majority(&conf.voters) && majority(&conf.voters_outgoing))
    }

    /// The fewest voters of both halves.
    pub(crate) fn fewest_voters(&self) -> usize {
        let outgoing = &self.now.voters_outgoing;
        if outgoing.is_empty() { self.now.voters.len() } else { self.now.voters.len().min(outgoing.len()) }
    }

    /// Every node of the configuration.
    pub(crate) fn all(&self) -> Vec<NodeId> {
        members(&self.now)
    }

    /// It is the only voter, and was one entry ago.
    pub(crate) fn is_alone(&self, node: NodeId) -> bool {
        let alone = |conf: &ConfState| conf.voters == [node] && conf.voters_outgoing.is_empty();
        alone(&self.now) && alone(&self.before)
    }

    /// It was removed, and some node has applied that.
    pub(crate) fn is_gone(&self, node: NodeId) -> bool {
        let removed = self.roster.records().get(&node).is_some_and(|record| record.stage == Stage::Removed);
        removed || self.gone.contains(&node)
    }

    /// It is told that it was removed.
    pub(crate) fn tell(&mut self, node: NodeId) {
        self.told.insert(node);
    }

    pub(crate) fn was_told(&self, node: NodeId) -> bool {
        self.told.contains(&node)
    }

    /// A node that was told that it was removed, and was not.
    pub(crate) fn told_in_error(&self) -> Option<NodeId> {
        self.told.iter().copied().find(|node| !self.is_gone(*node))
    }

    /// An entry that changes the configuration is written for the first time: by whoever leads in its term, while no other
    /// change is in the log that is not in effect. `log` holds the terms along that node's log, `committed` says which of them
    /// are applied.
    pub(crate) fn written(
        &mut self,
        node: NodeId,
        (index, term): (u64, u64),
        leader: Option<NodeId>,
        log: &BTreeMap<u64, u64>,
        committed: impl Fn(u64, u64) -> bool,
    ) -> Outcome {
        if !self.changes.insert((index, term)) {
            return Ok(());
        }
        ensure(leader == Some(node), || {
            format!("node {node} writes a change of the configuration at {index}, and does not lead in term {term}")
        })?;
        let pending =
            self.changes.iter().find(|(at, of)| *at < index && log.get(at) == Some(of) && !committed(*at, *of));
        ensure(pending.is_none(), || {
            format!("node {node} changes the configuration at {index}, and the change at {pending:?} is not in effect")
        })
    }

    /// A configuration is in effect for the first time anywhere.
    pub(crate) fn configured(&mut self, index: u64, next: &ConfState, counters: &mut Counters) -> Outcome {
        let now = self.now.clone();
        let (was_joint, is_joint) = (!now.voters_outgoing.is_empty(), !next.voters_outgoing.is_empty());
        let (voters, fewest) = (next.voters.len(), self.fewest_voters());
        let back = members(next).into_iter().find(|node| self.gone.contains(node));
        ensure(back.is_none(), || format!("entry {index} brings node {back:?} back, which was removed"))?;
        if was_joint {
            let learners: BTreeSet<&NodeId> = now.learners.iter().chain(&now.learners_next).collect();
            let left = !is_joint && next.voters == now.voters && learners == next.learners.iter().collect();
            ensure(left, || format!("entry {index} makes {next:?} of a configuration that was joint: {now:?}"))?;
            counters.joint_left += 1;
        } else if is_joint {
            ensure(next.voters_outgoing == now.voters, || format!("entry {index} leaves {now:?}, and joins {next:?}"))?;
            counters.joint_entered += 1;
        }
        let (odd, as_many) = (!voters.is_multiple_of(2), voters == now.voters.len());
        ensure(voters >= fewest.min(LEAST_VOTERS) && (odd || as_many), || {
            format!("entry {index} makes {next:?} of {now:?}: {voters} voters")
        })?;
        self.count(&now, next, counters);
        for node in members(&now).into_iter().filter(|node| !members(next).contains(node)) {
            counters.removals += 1;
            self.gone.insert(node);
        }
        self.before = std::mem::replace(&mut self.now, next.clone());
        Ok(())
    }

    /// What kind of change it was.
    fn count(&mut self, now: &ConfState, next: &ConfState, counters: &mut Counters) {
        let gained = |voters: &[NodeId], before: &[NodeId]| -> Vec<NodeId> {
            voters.iter().copied().filter(|node| !before.contains(node)).collect()
        };
        let known = members(now);
        counters.joins += next.learners.iter().filter(|node| !known.contains(node)).count() as u64;
        let (into, out) = (gained(&next.voters, &now.voters), gained(&now.voters, &next.voters));
        counters.promotions += into.len() as u64;
        counters.swaps += u64::from(!into.is_empty() && !out.is_empty());
        counters.pairs_promoted += u64::from(into.len() == 2);
        counters.pairs_dismissed += u64::from(out.len() == 2);
        counters.returns += into.iter().filter(|node| self.demoted.contains(node)).count() as u64;
        self.demoted.extend(out);
    }

    /// A disk has its number: nobody else ever gets that, nor the disk another.
    pub(crate) fn numbered(&mut self, node: NodeId, incarnation: &str) -> Outcome {
        let known = self.numbers.entry(node).or_insert_with(|| incarnation.to_owned());
        ensure(known == incarnation, || format!("number {node} is given to {incarnation}, and was given to {known}"))?;
        let other = self.numbers.iter().find(|(other, known)| **other != node && *known == incarnation);
        ensure(other.is_none(), || format!("{incarnation} has number {node}, and had {other:?}"))
    }
}
