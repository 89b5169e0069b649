//! Handshakes: a node's messages reach another one once both have accepted each other's hello.

use crate::{
    Greeting, Hello, Input, NodeId, Replica, TurnedAway,
    sim::{
        SimDisk,
        checks::{Outcome, ensure},
        machine::Machine,
        world::{Event, World},
    },
};

/// A handshake's number says in which of its lives a node said hello, and whether it called or answered.
fn number(life: u64, answers: bool) -> u64 {
    life * 2 + u64::from(answers)
}

impl<M: Machine> World<M> {
    /// A node calls every peer that it has no connection to.
    pub(crate) fn call_peers(&mut self, id: NodeId) {
        for peer in self.ids().into_iter().filter(|peer| *peer != id) {
            let reachable = !self.network.is_broken(id, peer);
            if !reachable || self.connections.contains(&(id, peer)) || !self.nodes[&peer].is_up() {
                continue;
            }
            if let Some(greeting) = self.greeting(id, false) {
                let (connection, delay) = (number(self.nodes[&id].life, false), 1 + self.dice.below(3));
                self.schedule(delay, Event::Input { node: peer, input: Input::Hello { connection, greeting } });
            }
        }
    }

    fn greeting(&self, id: NodeId, welcomed: bool) -> Option<Greeting> {
        let status = self.nodes[&id].replica.as_ref().map(Replica::<SimDisk>::status)?;
        let hello = self.nodes[&id].config.hello.clone();
        let (configured_at, member, durable) = (status.configured_at, status.is_member(), status.durable_index);
        Some(Greeting { hello, configured_at, member, durable, welcomed })
    }

    /// A node has judged a hello.
    pub(crate) fn welcome(
        &mut self,
        id: NodeId,
        connection: u64,
        peer: NodeId,
        result: &Result<Hello, TurnedAway>,
    ) -> Outcome {
        let (life, answers) = (connection / 2, connection % 2 == 1);
        if let Err(away) = result {
            self.turned_away(id, peer, away)?;
            if away.removed && !answers {
                self.checks.members.tell(peer);
                let told = Input::TurnedAway { by: self.nodes[&id].config.hello.clone() };
                self.schedule(2, Event::InputInLife { node: peer, life, input: told });
            }
            return Ok(());
        }
        if self.nodes[&peer].life != life {
            // It has died since.
            return Ok(());
        }
        let impostor = self.nodes[&peer].wiped && self.has_met_the_first(id, peer);
        ensure(!impostor, || format!("node {id} accepts node {peer}, which has lost its disk since they met"))?;
        if answers {
            self.connections.insert((id, peer));
            if !self.nodes[&peer].wiped {
                self.met.insert((id, peer));
            }
            self.schedule(1, Event::CompareClocks(id));
            return Ok(());
        }
        let Some(greeting) = self.greeting(id, true) else { return Ok(()) };
        let delay = 1 + self.dice.below(5);
        let answer = Input::Hello { connection: number(self.nodes[&id].life, true), greeting };
        // An answer to a call of an earlier life is void.
        self.schedule(delay, Event::InputInLife { node: peer, life, input: answer });
        Ok(())
    }

    /// A hello was refused: that of a node that lost its disk, of one that is no member or was removed, or by one of these.
    fn turned_away(&mut self, id: NodeId, peer: NodeId, away: &TurnedAway) -> Outcome {
        let counters = &mut self.checks.counters;
        counters.hellos_turned_away += 1;
        counters.wiped_turned_away += u64::from(self.nodes[&peer].wiped && !away.removed);
        let outside = |node: &NodeId| {
            let known = self.nodes[&id].replica.as_ref().map(Replica::<SimDisk>::status);
            known.is_some_and(|status| !crate::members(&status.conf_state).contains(node))
        };
        let gone = |node: &NodeId| self.checks.members.is_gone(*node);
        let right = if away.removed {
            gone(&peer) || outside(&peer)
        } else {
            // A newcomer may have been let in since it was refused; and a node's word of what it has applied may overtake a hello
            // that it said before, which is refused once.
            let overtaken = away.reason.contains("comes back with a log that ends");
            overtaken || [id, peer].iter().any(|node| self.nodes[node].wiped || gone(node)) || self.nodes[&peer].joined
        };
        ensure(right, || format!("node {id} turns node {peer} away: {away:?}"))
    }

    /// Messages came, and were stepped. Who lost its disk is not listened to where that is known; what it said before may
    /// still be on its way.
    pub(crate) fn has_heard(&mut self, id: NodeId, from: &[NodeId]) -> Outcome {
        let now = self.now;
        for peer in from {
            self.node(id).heard.insert(*peer, now);
            if !self.nodes[peer].wiped {
                continue;
            }
            let node = &self.nodes[&id];
            let enrolled = node.told.records().get(peer).and_then(|record| record.incarnation.as_ref());
            let known = enrolled.is_some_and(|known| *known != self.nodes[peer].config.hello.incarnation)
                && self.connections.contains(&(*peer, id));
            let status = node.replica.as_ref().map(Replica::<SimDisk>::status);
            let listened = status.is_some_and(|status| {
                status.peers.iter().any(|status| status.node == *peer && status.silent_ms == Some(0))
            });
            ensure(!known || !listened, || {
                format!("node {id} listens to node {peer}, whose disk it knows to be another than the one that joined")
            })?;
        }
        Ok(())
    }

    /// What the replica is to be told of the roster.
    pub(crate) fn roster(&mut self, id: NodeId) -> Option<Input> {
        self.plan.churn.as_ref()?;
        let node = self.node(id);
        node.told = node.state.roster.clone();
        Some(Input::Roster(node.told.clone()))
    }

    /// Whether `id` had a connection to `peer` while that had its first disk.
    fn has_met_the_first(&self, id: NodeId, peer: NodeId) -> bool {
        !self.nodes[&id].wiped && self.met.contains(&(id, peer))
    }

    /// The connections between two nodes break, and both notice.
    pub(crate) fn break_connection(&mut self, one: NodeId, other: NodeId) {
        for (from, to) in [(one, other), (other, one)] {
            if self.connections.remove(&(from, to)) {
                self.network.broken(from, to);
                let delay = 1 + self.dice.below(20);
                self.schedule(delay, Event::Input { node: from, input: Input::PeerLost { peer: to, refused: false } });
            }
        }
        for node in [one, other].into_iter().filter(|node| self.nodes.contains_key(node)).collect::<Vec<_>>() {
            self.call_peers(node);
        }
    }
}
