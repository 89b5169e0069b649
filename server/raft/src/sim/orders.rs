//! What operators have written into the log about its members, beside the machine's own commands.

use super::machine::Done;
use crate::{
    Committed, CommittedKind, NodeId,
    membership::{Roster, RosterError},
};

/// The first byte of a command in the log says whose it is.
const MACHINE: u8 = 0;
const ROSTER: u8 = 1;
/// Bytes of a number.
const NUMBER: usize = 8;

/// An order about the roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// A disk wants a number. The card is what the roster keeps beside it.
    Enrol { disk: u64, card: u64 },
    /// A node has moved.
    Describe { node: NodeId, card: u64 },
    /// A node is to give up its vote, and not to lead.
    Drain { node: NodeId },
    /// It takes part again.
    Restore { node: NodeId },
    /// It is to leave for good.
    Remove { node: NodeId },
}

/// A command of the log, and whose it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command<'a> {
    Machine(&'a [u8]),
    Roster(Order),
}

/// How the disk of a newcomer is named.
pub(crate) fn incarnation(disk: u64) -> String {
    format!("disk of newcomer {disk}")
}

/// A command of the machine, as the log has it.
pub(crate) fn of_machine(mut command: Vec<u8>) -> Vec<u8> {
    command.insert(0, MACHINE);
    command
}

/// Whose command it is.
pub(crate) fn read(command: &[u8]) -> Command<'_> {
    match command.split_first() {
        Some((&MACHINE, command)) => Command::Machine(command),
        Some((&ROSTER, order)) => Command::Roster(Order::decode(order)),
        _ => panic!("a command of the log is the machine's or the roster's"),
    }
}

impl Committed {
    /// The members may be others after it.
    pub(crate) fn changes_roster(&self) -> bool {
        match &self.kind {
            CommittedKind::Command(command) => command.first() == Some(&ROSTER),
            CommittedKind::Configuration(_) => true,
            CommittedKind::Empty => false,
        }
    }
}

impl Order {
    /// As a command of the log.
    pub(crate) fn encode(self) -> Vec<u8> {
        let (kind, node, card) = match self {
            Self::Enrol { disk, card } => (0, disk, card),
            Self::Describe { node, card } => (1, node, card),
            Self::Drain { node } => (2, node, 0),
            Self::Restore { node } => (3, node, 0),
            Self::Remove { node } => (4, node, 0),
        };
        [&[ROSTER, kind][..], &node.to_be_bytes(), &card.to_be_bytes()].concat()
    }

    fn decode(order: &[u8]) -> Self {
        let number = |from: usize| {
            let bytes = order.get(from..).and_then(|bytes| bytes.first_chunk::<NUMBER>());
            u64::from_be_bytes(*bytes.expect("an order is whole"))
        };
        let (node, card) = (number(1), number(1 + NUMBER));
        match order[0] {
            0 => Self::Enrol { disk: node, card },
            1 => Self::Describe { node, card },
            2 => Self::Drain { node },
            3 => Self::Restore { node },
            _ => Self::Remove { node },
        }
    }

    /// Carries the order out, as every replica does.
    pub(crate) fn carry_out(self, roster: &mut Roster) -> Done {
        let card = |card: u64| card.to_be_bytes().to_vec();
        let outcome: Result<NodeId, RosterError> = match self {
            Self::Enrol { disk, card: number } => roster.enrol(&incarnation(disk), card(number)),
            Self::Describe { node, card: number } => roster.describe(node, card(number)).map(|()| node),
            Self::Drain { node } => roster.drain(node, true).map(|()| node),
            Self::Restore { node } => roster.drain(node, false).map(|()| node),
            Self::Remove { node } => roster.remove(node).map(|()| node),
        };
        let changes = *blake3::hash(&roster.encode()).as_bytes();
        Done { request: 0, kind: self.kind(), effective: outcome.is_ok(), outcome: outcome.unwrap_or(0), changes }
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::Enrol { .. } => KINDS[0],
            Self::Describe { .. } => KINDS[1],
            Self::Drain { .. } => KINDS[2],
            Self::Restore { .. } => KINDS[3],
            Self::Remove { .. } => KINDS[4],
        }
    }
}

const KINDS: [&str; 5] = ["enrol a node", "describe a node", "drain a node", "restore a node", "remove a node"];

/// The kinds of orders there are: over a suite each must have been carried out.
#[must_use]
pub fn orders() -> Vec<&'static str> {
    KINDS.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_survive_the_log_and_are_told_from_the_machines_commands() {
        let orders = [
            Order::Enrol { disk: 7, card: 8 },
            Order::Describe { node: 1, card: 2 },
            Order::Drain { node: 3 },
            Order::Restore { node: 4 },
            Order::Remove { node: 5 },
        ];
        for order in orders {
            assert_eq!(read(&order.encode()), Command::Roster(order));
        }
        assert_eq!(read(&of_machine(vec![1, 2])), Command::Machine(&[1, 2]));
    }
}
