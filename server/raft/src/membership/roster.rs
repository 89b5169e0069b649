//! Who belongs to the cluster: numbers, disks and wishes, as every replica's state machine holds them.
//!
//! The configuration of raft says who votes. Everything else about members is replicated state: it is changed by commands in
//! the log, stored in the same batch as `applied`, and part of every snapshot. This type is that state, as a value: the state
//! machine keeps it (as [`Roster::encode`] has it, or in records of its own), calls its methods in apply, and hands it to the
//! replica with [`crate::Input::Roster`]. It is deterministic: equal commands in equal order yield equal rosters.
//!
//! - *Numbers* are given out here, in the order of the log, each once: [`Roster::enrol`].
//! - *Incarnations* of enrolled nodes are known to all from here, not only to those that happened to meet them.
//! - *Wishes* of operators outlive the leader they were told to.
//! - *Cards* are the state machine's own: addresses, the digest of the token a node joined with. Nobody here looks at them.

use std::collections::BTreeMap;

use raft::eraftpb::ConfState;

use super::Wish;
use crate::{
    NodeId, OpenError,
    format::{Fields, Writer},
    members,
    mutation::{Mutation, mutated},
};

/// How far a node's membership has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It has its number; the configuration has never held it.
    Enrolled,
    /// The configuration holds it.
    Member,
    /// The configuration holds it, and an operator wants it to leave.
    Leaving,
    /// It is gone for good, and so is its number.
    Removed,
}

/// One node that is or was a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The disk it enrolled with; unknown for founding nodes, which meet each other instead.
    pub incarnation: Option<String>,
    /// How far it has come.
    pub stage: Stage,
    /// An operator has drained it.
    pub drained: bool,
    /// What else the state machine keeps of it; empty once it is removed.
    pub card: Vec<u8>,
}

/// See the module's text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    /// The last number given out.
    last: NodeId,
    records: BTreeMap<NodeId, Record>,
}

/// A command that cannot be carried out, for a person. It is an outcome like any other: every replica refuses it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    /// Nobody has this number.
    #[error("there is no node {0} in the cluster")]
    Unknown(NodeId),
    /// It was removed.
    #[error(
        "node {0} was removed from the cluster, and a number is never used twice: empty its data directory and let it join again"
    )]
    Removed(NodeId),
    /// It is to leave.
    #[error("node {0} is to leave the cluster")]
    Leaving(NodeId),
    /// A disk without a name could not be told from another.
    #[error("a node that joins must name its disk")]
    NoIncarnation,
}

impl Roster {
    /// Gives a number to a disk that wants to join. Asked again for the same disk, the answer is the same: a node that lost
    /// the answer asks again. A disk whose node was removed gets none.
    pub fn enrol(&mut self, incarnation: &str, card: Vec<u8>) -> Result<NodeId, RosterError> {
        if incarnation.is_empty() {
            return Err(RosterError::NoIncarnation);
        }
        let known = self.records.iter_mut().find(|(_, record)| record.incarnation.as_deref() == Some(incarnation));
        if let Some((node, record)) = known {
            if record.stage == Stage::Removed {
                return Err(RosterError::Removed(*node));
            }
            record.card = card;
            return Ok(*node);
        }
        let unused = self.records.iter().find(|(_, record)| record.stage == Stage::Removed).map(|(node, _)| *node);
        if let Some(node) = unused.filter(|_| mutated(Mutation::NumberReused)) {
            self.records.remove(&node);
            self.last = node - 1;
        }
        self.last += 1;
        let incarnation = Some(incarnation.to_owned());
        self.records.insert(self.last, Record { incarnation, stage: Stage::Enrolled, drained: false, card });
        Ok(self.last)
    }

    /// Replaces what the state machine keeps of a node: it has moved, say.
    pub fn describe(&mut self, node: NodeId, card: Vec<u8>) -> Result<(), RosterError> {
        self.present(node)?.card = card;
        Ok(())
    }

    /// An operator drains a node, or lets it take part again.
    pub fn drain(&mut self, node: NodeId, drained: bool) -> Result<(), RosterError> {
        let record = self.present(node)?;
        if record.stage == Stage::Leaving {
            return Err(RosterError::Leaving(node));
        }
        record.drained = drained;
        Ok(())
    }

    /// An operator wants a node to leave. One that has never joined is gone at once.
    pub fn remove(&mut self, node: NodeId) -> Result<(), RosterError> {
        let record = self.present(node)?;
        if record.stage == Stage::Enrolled {
            record.go();
        } else {
            record.stage = Stage::Leaving;
        }
        Ok(())
    }

    /// A configuration is in effect: to be called for the founding one and for each that is applied, in the same batch. Nodes
    /// it holds for the first time are members now, and those it holds no more are removed.
    pub fn configured(&mut self, conf_state: &ConfState) {
        let members = members(conf_state);
        for node in &members {
            let founder = Record { incarnation: None, stage: Stage::Member, drained: false, card: Vec::new() };
            let record = self.records.entry(*node).or_insert(founder);
            record.stage = match record.stage {
                Stage::Enrolled | Stage::Member => Stage::Member,
                // It was to be gone before it came.
                Stage::Leaving | Stage::Removed => Stage::Leaving,
            };
            self.last = self.last.max(*node);
        }
        for (node, record) in &mut self.records {
            if matches!(record.stage, Stage::Member | Stage::Leaving) && !members.contains(node) {
                record.go();
            }
        }
    }

    /// The cluster was recovered on one node ([`crate::recover`]): every other one is gone.
    pub fn recovered(&mut self, conf_state: &ConfState) {
        let members = members(conf_state);
        for (node, record) in &mut self.records {
            if !members.contains(node) {
                record.go();
            }
        }
        self.configured(conf_state);
    }

    /// Everyone who is or was a member, or is to become one.
    #[must_use]
    pub fn records(&self) -> &BTreeMap<NodeId, Record> {
        &self.records
    }

    /// What is wanted of a node.
    #[must_use]
    pub fn wish(&self, node: NodeId) -> Wish {
        match self.records.get(&node) {
            Some(Record { stage: Stage::Leaving, .. }) => Wish::Leave,
            Some(Record { drained: true, .. }) => Wish::Drained,
            _ => Wish::Stay,
        }
    }

    fn present(&mut self, node: NodeId) -> Result<&mut Record, RosterError> {
        match self.records.get_mut(&node) {
            Some(record) if record.stage != Stage::Removed => Ok(record),
            Some(_) => Err(RosterError::Removed(node)),
            None => Err(RosterError::Unknown(node)),
        }
    }

    /// The roster as bytes, for the record beside `applied`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.number(self.last);
        writer.number(self.records.len() as u64);
        for (node, record) in &self.records {
            let flags = u64::from(record.incarnation.is_some()) | (u64::from(record.drained) << 1);
            let stage = match record.stage {
                Stage::Enrolled => 0,
                Stage::Member => 1,
                Stage::Leaving => 2,
                Stage::Removed => 3,
            };
            writer.number(*node);
            writer.number((flags << 8) | stage);
            writer.bytes(record.incarnation.as_deref().unwrap_or_default().as_bytes());
            writer.bytes(&record.card);
        }
        writer.value()
    }

    /// The roster in bytes that [`Roster::encode`] made.
    pub fn decode(value: &[u8]) -> Result<Self, OpenError> {
        let mut fields = Fields::of("roster", value)?;
        let (last, count) = (fields.number()?, fields.number()?);
        let mut records = BTreeMap::new();
        for _ in 0..count {
            let (node, packed) = (fields.number()?, fields.number()?);
            let (incarnation, card) = (fields.text()?, fields.bytes()?.to_vec());
            let stage = match packed & 0xff {
                0 => Stage::Enrolled,
                1 => Stage::Member,
                2 => Stage::Leaving,
                3 => Stage::Removed,
                stage => {
                    return Err(OpenError::corrupt("roster", format!("stage {stage} is not known to this release")));
                }
            };
            let incarnation = ((packed >> 8) & 1 == 1).then_some(incarnation);
            records.insert(node, Record { incarnation, stage, drained: (packed >> 9) & 1 == 1, card });
        }
        fields.end()?;
        Ok(Self { last, records })
    }
}

impl Record {
    fn go(&mut self) {
        (self.stage, self.drained) = (Stage::Removed, false);
        self.card.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conf(voters: &[NodeId], learners: &[NodeId]) -> ConfState {
        ConfState { voters: voters.to_vec(), learners: learners.to_vec(), ..ConfState::default() }
    }

    fn founded() -> Roster {
        let mut roster = Roster::default();
        roster.configured(&conf(&[1, 2, 3], &[]));
        roster
    }

    fn stage(roster: &Roster, node: NodeId) -> Stage {
        roster.records()[&node].stage
    }

    #[test]
    fn numbers_are_given_out_once_and_a_disk_keeps_its_own() {
        let mut roster = founded();
        assert_eq!(roster.enrol("d4", b"here".to_vec()), Ok(4));
        assert_eq!(roster.enrol("d5", Vec::new()), Ok(5));
        assert_eq!(roster.enrol("d4", b"there".to_vec()), Ok(4), "it had lost the answer");
        assert_eq!(roster.records()[&4].card, b"there");
        assert_eq!(roster.enrol("", Vec::new()), Err(RosterError::NoIncarnation));
        roster.remove(5).unwrap();
        assert_eq!(stage(&roster, 5), Stage::Removed, "it had never joined");
        assert_eq!(roster.enrol("d5", Vec::new()), Err(RosterError::Removed(5)));
        assert_eq!(roster.enrol("another disk", Vec::new()), Ok(6), "number 5 is used up");
    }

    #[test]
    fn a_number_is_not_given_out_again_when_its_node_is_gone_from_the_configuration() {
        let mut roster = founded();
        roster.configured(&conf(&[1, 2, 7], &[]));
        assert_eq!(stage(&roster, 3), Stage::Removed);
        roster.configured(&conf(&[1, 2], &[]));
        assert_eq!(roster.enrol("d", Vec::new()), Ok(8));
    }

    #[test]
    fn a_node_joins_is_drained_and_leaves() {
        let mut roster = founded();
        roster.enrol("d4", b"card".to_vec()).unwrap();
        roster.configured(&conf(&[1, 2, 3], &[4]));
        assert_eq!((stage(&roster, 4), roster.wish(4)), (Stage::Member, Wish::Stay));
        roster.drain(4, true).unwrap();
        assert_eq!(roster.wish(4), Wish::Drained);
        roster.drain(4, false).unwrap();
        assert_eq!(roster.wish(4), Wish::Stay);
        roster.remove(4).unwrap();
        assert_eq!(roster.wish(4), Wish::Leave);
        assert_eq!(roster.drain(4, true), Err(RosterError::Leaving(4)));
        roster.configured(&conf(&[1, 2, 3], &[]));
        assert_eq!((stage(&roster, 4), roster.records()[&4].card.len()), (Stage::Removed, 0));
        assert_eq!(roster.describe(4, Vec::new()), Err(RosterError::Removed(4)));
        assert_eq!(roster.remove(9), Err(RosterError::Unknown(9)));
    }

    #[test]
    fn a_node_that_was_removed_while_it_was_being_let_in_leaves_again() {
        let mut roster = founded();
        roster.enrol("d4", Vec::new()).unwrap();
        roster.remove(4).unwrap();
        roster.configured(&conf(&[1, 2, 3], &[4]));
        assert_eq!((stage(&roster, 4), roster.wish(4)), (Stage::Leaving, Wish::Leave));
    }

    #[test]
    fn learners_to_be_of_a_joint_configuration_are_members_still() {
        let mut roster = founded();
        let joint = ConfState {
            voters: vec![1, 2],
            voters_outgoing: vec![1, 2, 3],
            learners_next: vec![3],
            ..ConfState::default()
        };
        roster.configured(&joint);
        assert_eq!(stage(&roster, 3), Stage::Member);
    }

    #[test]
    fn after_a_recovery_only_one_is_left_and_numbers_go_on() {
        let mut roster = founded();
        roster.enrol("d4", Vec::new()).unwrap();
        roster.recovered(&conf(&[2], &[]));
        let left = roster.records().iter().filter(|(_, record)| record.stage != Stage::Removed);
        assert_eq!(left.map(|(node, _)| *node).collect::<Vec<_>>(), [2]);
        assert_eq!(roster.enrol("new", Vec::new()), Ok(5));
    }

    #[test]
    fn a_roster_survives_its_encoding_and_damage_is_seen() {
        let mut roster = founded();
        roster.enrol("ä", b"\0card".to_vec()).unwrap();
        roster.drain(2, true).unwrap();
        roster.remove(3).unwrap();
        let value = roster.encode();
        assert_eq!(Roster::decode(&value), Ok(roster));
        assert!(Roster::decode(&value[..value.len() - 1]).is_err());
        assert!(Roster::decode(&[&value[..], &[0]].concat()).is_err());
        assert!(Roster::decode(&[9]).is_err());
        assert_eq!(Roster::decode(&Roster::default().encode()), Ok(Roster::default()));
    }
}
