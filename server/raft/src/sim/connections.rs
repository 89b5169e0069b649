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
        if let Err(away) = result {
            self.checks.counters.hellos_turned_away += 1;
            let one_is_wiped = self.nodes[&id].wiped || self.nodes[&peer].wiped;
            return ensure(one_is_wiped && !away.removed, || format!("node {id} turns node {peer} away: {away:?}"));
        }
        let (life, answers) = (connection / 2, connection % 2 == 1);
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
        self.call_peers(one);
        self.call_peers(other);
    }
}
