//! A network of ordered streams: two a pair of nodes, one for what is urgent and one for bulk. Within a stream order is
//! kept; between streams, and between a connection and the one after it, everything may happen.

use std::collections::{BTreeMap, BTreeSet};

use crate::{NodeId, dice::Dice};

/// How bad the network is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weather {
    pub(crate) drop_permille: u64,
    pub(crate) duplicate_permille: u64,
    pub(crate) delay_ms: u64,
}

/// The streams and what is cut.
#[derive(Debug, Default)]
pub(crate) struct Network {
    pub(crate) weather: Weather,
    /// Cut directions: from, to.
    cut: BTreeSet<(NodeId, NodeId)>,
    /// When the last message of each stream arrives.
    arrivals: BTreeMap<(NodeId, NodeId, bool), u64>,
    /// The same of the connections before.
    earlier: BTreeMap<(NodeId, NodeId), u64>,
}

impl Network {
    /// When a message sent now arrives, each time it does: never, once or twice.
    pub(crate) fn send(&mut self, from: NodeId, to: NodeId, urgent: bool, now: u64, dice: &mut Dice) -> Vec<u64> {
        if self.is_cut(from, to) || dice.chance(self.weather.drop_permille) {
            return Vec::new();
        }
        let last = self.arrivals.entry((from, to, urgent)).or_default();
        let mut arrivals = Vec::with_capacity(1);
        for _ in 0..=u64::from(dice.chance(self.weather.duplicate_permille)) {
            *last = (*last).max(now + 1 + dice.below(self.weather.delay_ms));
            arrivals.push(*last);
        }
        arrivals
    }

    /// Whether a message that arrives then is there before one of an earlier connection.
    pub(crate) fn overtakes(&self, from: NodeId, to: NodeId, arrival: u64) -> bool {
        self.earlier.get(&(from, to)).is_some_and(|earlier| arrival < *earlier)
    }

    /// The connection broke. What is on its way still arrives, maybe after what the next connection brings.
    pub(crate) fn broken(&mut self, from: NodeId, to: NodeId) {
        for urgent in [false, true] {
            let last = self.arrivals.remove(&(from, to, urgent)).unwrap_or_default();
            let earlier = self.earlier.entry((from, to)).or_default();
            *earlier = last.max(*earlier);
        }
    }

    pub(crate) fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.cut.contains(&(from, to))
    }

    /// Neither can hear the other.
    pub(crate) fn is_broken(&self, one: NodeId, other: NodeId) -> bool {
        self.is_cut(one, other) || self.is_cut(other, one)
    }

    /// Cuts everything between `side` and the others; from the side only, where one-way.
    pub(crate) fn partition(&mut self, side: &[NodeId], all: &[NodeId], one_way: bool) {
        for &inside in side {
            for &outside in all.iter().filter(|node| !side.contains(node)) {
                self.cut.insert((inside, outside));
                if !one_way {
                    self.cut.insert((outside, inside));
                }
            }
        }
    }

    pub(crate) fn heal(&mut self) {
        self.cut.clear();
    }
}
