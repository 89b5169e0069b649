//! The second phase: everything is put right, and then there must be progress. In some runs all but one node's links: a
//! node that is half dead for good must not keep the others from their work.

use crate::{
    NodeId, Replica,
    sim::{
        SimDisk,
        checks::{Outcome, ensure},
        machine::Machine,
        network::Weather,
        node::Node,
        world::{Event, World},
    },
};

impl<M: Machine> World<M> {
    /// Everything is put right, for good. What is lost for good stays lost.
    pub(crate) fn heal(&mut self) -> Outcome {
        self.tell(|| "everything is healed".to_owned());
        self.healed = true;
        self.lose_a_stream = self.dice.chance(500);
        self.network.heal();
        self.network.weather = Weather { drop_permille: 0, duplicate_permille: 0, delay_ms: 3 };
        self.leave_one_out();
        self.expect_progress();
        for id in self.ids() {
            let now = self.now;
            let node = self.node(id);
            node.disk.repair();
            (node.paused_until, node.slow_until, node.fuse) = (now, now, None);
            node.away_until = 0;
            let life = node.life;
            self.schedule(0, Event::Wake { node: id, life });
            self.start(id)?;
            self.set_clock(id, 0)?;
        }
        Ok(())
    }

    /// One node stays cut off for good: it hears nobody, or nobody hears it, or both.
    fn leave_one_out(&mut self) {
        let node = self.victim();
        let possible = self.may_damage(node);
        if !self.dice.chance(self.plan.leave_out_permille) || !possible {
            return;
        }
        self.checks.counters.left_out += 1;
        self.left_out = Some(node);
        let ids = self.ids();
        let others: Vec<NodeId> = ids.iter().copied().filter(|id| *id != node).collect();
        let way = self.dice.below(3);
        if way != 0 {
            self.network.partition(&[node], &ids, true);
        }
        if way != 1 {
            self.network.partition(&others, &ids, true);
        }
        let how = ["hears nobody", "is heard by nobody", "is cut off"][usize::try_from(way).unwrap_or(0)];
        self.tell(|| format!("all but node {node}, which {how} from now on"));
    }

    /// Everyone has applied all that was acknowledged, and a write made after the healing.
    pub(crate) fn has_recovered(&self) -> bool {
        let Some(last) = self.clients.last_after_healing else { return false };
        let caught_up = !self.sound_nodes().any(|node| node.state.applied.index < last);
        caught_up && self.clients.all_answered() && self.is_at_rest()
    }

    /// The nodes that must come to life again: members of the cluster whose data is not lost.
    fn sound_nodes(&self) -> impl Iterator<Item = &Node<M>> {
        let members = self.checks.members.all();
        self.nodes.values().filter(move |node| members.contains(&node.config.node) && self.is_sound(node.config.node))
    }

    /// Its data is not lost, and nothing keeps it from the others.
    pub(crate) fn is_sound(&self, id: NodeId) -> bool {
        let gone = |node: &Node<M>| node.wiped || node.beyond_repair || node.retired;
        self.left_out != Some(id) && self.nodes.get(&id).is_some_and(|node| !gone(node))
    }

    /// At the end every node holds what was acknowledged, and nothing else than what took effect.
    pub(crate) fn audit(&self) -> Outcome {
        let told = self.checks.members.told_in_error();
        ensure(told.is_none(), || format!("node {told:?} was told that it was removed, and was not"))?;
        for node in self.sound_nodes() {
            let (id, machine) = (node.config.node, &node.state.machine);
            let lost = self.clients.acknowledged().iter().find(|request| {
                // What was acknowledged in the last moments may be on its way to this node.
                let at = self.checks.effective.get(*request).copied();
                at.is_none_or(|at| at <= node.state.applied.index) && !machine.holds(**request)
            });
            ensure(lost.is_none(), || {
                format!(
                    "request {} was acknowledged, and node {id} does not hold it",
                    lost.copied().unwrap_or_default()
                )
            })?;
            let applied = |(_, index): &(&u64, &u64)| **index <= node.state.applied.index;
            let effective = self.checks.effective.iter().filter(applied).map(|(request, index)| (*request, *index));
            machine.audit(&effective.collect()).map_err(|problem| format!("node {id}: {problem}"))?;
        }
        Ok(())
    }

    pub(crate) fn why_no_progress(&self) -> String {
        let describe = |(id, node): (&NodeId, &Node<M>)| {
            let status = node.replica.as_ref().map(Replica::<SimDisk>::status);
            let Some(status) = status else { return format!("{id}: down") };
            let (first, last) = (status.first_index, status.last_index);
            format!(
                "{id}: {:?} in term {} of leader {}, log {first}..={last}, commit {}, applied {} ({} by the core){}, \
                 unmet {:?}, clock {:?}, {:?}, notices {:?}",
                status.role,
                status.term,
                status.leader,
                status.commit,
                node.state.applied.index,
                status.applied,
                if status.installing { ", installing" } else { "" },
                status.unmet,
                status.clock,
                status.peers,
                status.notices,
            )
        };
        let nodes: Vec<String> = self.nodes.iter().map(describe).collect();
        format!(
            "healed, but no progress: last write {:?}, all answered: {}, at rest: {}, {:?}, {:?}\n{}",
            self.clients.last_after_healing,
            self.clients.all_answered(),
            self.is_at_rest(),
            self.checks.members.now,
            self.checks.members.roster.records(),
            nodes.join("\n")
        )
    }
}
