//! The shell's part of snapshots: checkpoints, their streams, and the switch.

use crate::{
    Input, NodeId, SnapshotMeta, encode_conf_state,
    sim::{
        checks::{Outcome, ensure},
        failpoints::Point,
        machine::{Machine, State},
        node::Install,
        world::{Event, World},
    },
};

impl<M: Machine> World<M> {
    /// Makes a checkpoint, or fails to.
    pub(crate) fn make_snapshot(&mut self, id: NodeId, to: NodeId, at_least: u64) -> Outcome {
        let fails = !self.healed && self.dice.chance(100);
        let name = format!("checkpoint-{}", self.dice.below(1 << 32));
        let node = self.node(id);
        let state = node.state.clone();
        let result = if fails {
            self.checks.counters.snapshots_failed += 1;
            Err("no space left on device".to_owned())
        } else {
            ensure(state.applied.index >= at_least, || {
                format!("node {id} wants a snapshot of what it has not applied")
            })?;
            let (index, term) = (state.applied.index, state.applied.term);
            let conf_state = encode_conf_state(&state.applied.conf_state);
            node.checkpoints.insert(name.clone(), state);
            self.checks.counters.snapshots_made += 1;
            Ok(SnapshotMeta { id: name, index, term, conf_state })
        };
        self.point(id, Point::SnapshotMade)?;
        self.feed(id, Input::SnapshotMade { to, result })
    }

    /// Streams a checkpoint. It may be lost, with a report or without one.
    pub(crate) fn stream(&mut self, from: NodeId, to: NodeId, snapshot: &str, bytes: Vec<u8>) {
        let life = self.nodes[&from].life;
        let forgotten = self.healed && std::mem::take(&mut self.lose_a_stream);
        let lost = forgotten || self.network.is_cut(from, to) || (!self.healed && self.dice.chance(200));
        // Now and then a large one, that takes longer than any stage may.
        let delay = if self.dice.chance(100) { 2_000 + self.dice.below(1_500) } else { 10 + self.dice.below(200) };
        let id = snapshot.to_owned();
        match self.node(from).checkpoints.remove(snapshot) {
            Some(state) if !lost => {
                self.checks.counters.long_streams += u64::from(delay >= 2_000);
                for moved in (300..delay).step_by(300) {
                    let input = Input::SnapshotProgress { to, id: id.clone() };
                    self.schedule(moved, Event::InputInLife { node: from, life, input });
                }
                self.schedule(delay, Event::Stream { from, life, to, id, bytes, state: Box::new(state) });
            }
            _ => {
                self.checks.counters.snapshots_lost += 1;
                if !forgotten && self.dice.chance(500) {
                    let input = Input::SnapshotSent { to, id, ok: false };
                    self.schedule(delay, Event::InputInLife { node: from, life, input });
                }
            }
        }
    }

    /// A snapshot has arrived whole.
    pub(crate) fn stage(&mut self, from: NodeId, to: NodeId, bytes: Vec<u8>, state: State<M>) -> Outcome {
        let id = format!("staged-{}", self.dice.below(1 << 32));
        self.node(to).directories.insert(id.clone(), state);
        self.point(to, Point::SnapshotStaged)?;
        self.feed(to, Input::SnapshotStaged { id, from, bytes })
    }

    /// raft has accepted a staged snapshot.
    pub(crate) fn install(&mut self, id: NodeId, install: Install, feedback: &mut Vec<Input>) -> Outcome {
        self.checks.counters.installs += 1;
        self.tell(|| format!("node {id} installs a snapshot of entry {}", install.index));
        let delay = 5 + self.dice.below(60);
        let node = self.node(id);
        ensure(node.writing.is_empty() && !node.writer_busy, || {
            format!("node {id} switches its log while it is written")
        })?;
        node.installing = Some(install);
        if node.synchronous {
            feedback.extend(self.switch(id)?);
        } else {
            let life = node.life;
            self.schedule(delay, Event::Install { node: id, life });
        }
        Ok(())
    }

    /// The switch: from here on the staged directory is the state.
    pub(crate) fn switch(&mut self, id: NodeId) -> Outcome<Vec<Input>> {
        let Some(Install { id: snapshot, index, switch }) = self.node(id).installing.take() else {
            return Ok(Vec::new());
        };
        self.point(id, Point::InstallDrained)?;
        let staged = self.nodes[&id].directories.get(&snapshot).cloned();
        let staged = staged.ok_or_else(|| format!("the staged snapshot {snapshot} of node {id} is gone"))?;
        ensure(staged.applied.index == index, || {
            format!("snapshot {snapshot} is of entry {}, not of {index}", staged.applied.index)
        })?;
        self.write(id, &switch)?;
        self.point(id, Point::SwitchWritten)?;
        self.sync(id)?;
        let node = self.node(id);
        node.state = staged;
        node.applying.clear();
        node.directory.clone_from(&snapshot);
        self.point(id, Point::Switched)?;
        let told = self.roster(id);
        Ok([Input::SnapshotInstalled { id: snapshot }].into_iter().chain(told).collect())
    }
}
