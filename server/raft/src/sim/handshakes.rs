//! Handshakes: a node's messages reach another one once both have accepted each other's hello.

use crate::{
    Greeting, Hello, Input, NodeId, Replica, TurnedAway,
    sim::{
        SimDisk,
        checks::ensure,
        machine::Machine,
        world::{Event, World},
    },
};

/// The connection of an answer: the judgement of it concerns the one who called.
const ANSWER: u64 = 0;

impl<M: Machine> World<M> {
    /// A node calls every peer that it has no connection to.
    pub(crate) fn call_peers(&mut self, id: NodeId) -> Result<(), String> {
        for peer in self.ids().into_iter().filter(|peer| *peer != id) {
            let reachable = !self.network.is_cut(id, peer) && !self.network.is_cut(peer, id);
            if !reachable || self.connections.contains(&(id, peer)) || !self.nodes[&peer].is_up() {
                continue;
            }
            // The number of the call is the life of the node that calls: a late answer to an earlier one is void.
            if let Some(greeting) = self.greeting(id, false) {
                let connection = self.nodes[&id].life;
                self.feed(peer, Input::Hello { connection, greeting })?;
            }
        }
        Ok(())
    }

    fn greeting(&self, id: NodeId, welcomed: bool) -> Option<Greeting> {
        let status = self.nodes[&id].replica.as_ref().map(Replica::<SimDisk>::status)?;
        let hello = self.nodes[&id].config.hello.clone();
        Some(Greeting { hello, configured_at: status.configured_at, member: status.is_member(), welcomed })
    }

    /// A node has judged a hello.
    pub(crate) fn welcome(
        &mut self,
        id: NodeId,
        connection: u64,
        peer: NodeId,
        result: &Result<Hello, TurnedAway>,
    ) -> Result<(), String> {
        if let Err(away) = result {
            self.checks.report.turned_away += 1;
            let one_is_wiped = self.nodes[&id].wiped || self.nodes[&peer].wiped;
            return ensure(one_is_wiped && !away.removed, || format!("node {id} turns node {peer} away: {away:?}"));
        }
        if connection == ANSWER {
            self.connections.insert((id, peer));
            return Ok(());
        }
        let Some(greeting) = self.greeting(id, true) else { return Ok(()) };
        let delay = 1 + self.dice.below(5);
        let answer = Input::Hello { connection: ANSWER, greeting };
        self.schedule(delay, Event::InputInLife { node: peer, life: connection, input: answer });
        Ok(())
    }
}
