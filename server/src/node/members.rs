//! The cluster's own part of the replicated state: who belongs to it, which tokens nodes join with, who asked for what.
//!
//! It is deterministic, as the course's part is: equal entries in equal order make equal members on every node, and each change is
//! a link of the hash chain. It is kept beside `applied`, in the same batch, and so is part of every snapshot.

use std::collections::BTreeMap;

use lectern_lms::levels;
use lectern_proto::internal::v1::{
    ClusterChange, CreateJoinToken, Describe, Enrol, Enrolled, JoinTokenRecord, MemberCard, MembersRecord,
    MembershipEventRecord, Outcome, Refusal, cluster_change::Kind, outcome,
};
use lectern_proto::v1::JoinToken;
use lectern_raft::eraftpb::ConfState;
use lectern_raft::membership::{Record, Roster, RosterError, Stage};
use lectern_raft::{NodeId, OpenError, decode_conf_state};
use prost::Message;
use tonic::Code;

use super::Member;
use crate::services::reasons;
use crate::store::{AppliedMeta, StateDb, StoreProblem};

/// Tokens that are kept, usable or not.
const MOST_TOKENS: usize = 64;
/// Events that are kept.
const MOST_EVENTS: usize = 64;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Members {
    roster: Roster,
    tokens: Vec<JoinTokenRecord>,
    events: Vec<MembershipEventRecord>,
}

/// The entry that is applied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) index: u64,
    /// Cluster time.
    pub(crate) now_ms: i64,
}

impl Members {
    /// What a state holds that was never told of a change.
    pub(crate) fn founded(conf_state: &ConfState) -> Self {
        let mut roster = Roster::default();
        roster.configured(conf_state);
        Self { roster, ..Self::default() }
    }

    /// As a state holds them.
    pub(crate) fn of(state: &StateDb, meta: &AppliedMeta) -> Result<Self, StoreProblem> {
        let damaged = |what| StoreProblem::Damaged { what, path: state.path().display().to_string() };
        if let Some(record) = state.members()? {
            return Self::decode(&record).map_err(|_| damaged("the record of the members"));
        }
        let conf_state = decode_conf_state(&meta.conf_state).ok_or_else(|| damaged("the configuration"))?;
        Ok(Self::founded(&conf_state))
    }

    /// From the record that [`Members::encode`] made.
    pub(crate) fn decode(record: &[u8]) -> Result<Self, String> {
        let record = MembersRecord::decode(record).map_err(|problem| problem.to_string())?;
        let roster = Roster::decode(&record.roster).map_err(|problem: OpenError| problem.to_string())?;
        Ok(Self { roster, tokens: record.join_tokens, events: record.events })
    }

    /// As it is kept beside `applied`.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let record = MembersRecord {
            roster: self.roster.encode(),
            join_tokens: self.tokens.clone(),
            events: self.events.clone(),
        };
        record.encode_to_vec()
    }

    /// Numbers, disks and wishes.
    pub(crate) fn roster(&self) -> &Roster {
        &self.roster
    }

    /// The tokens, oldest first.
    pub(crate) fn tokens(&self) -> &[JoinTokenRecord] {
        &self.tokens
    }

    /// What happened, oldest first.
    pub(crate) fn events(&self) -> &[MembershipEventRecord] {
        &self.events
    }

    /// Everyone who is a member or is to become one, as their cards describe them.
    pub(crate) fn present(&self) -> BTreeMap<NodeId, (Stage, Member)> {
        let present = self.roster.records().iter().filter(|(_, record)| record.stage != Stage::Removed);
        present.map(|(node, record)| (*node, (record.stage, described(&card(record))))).collect()
    }

    /// What a node's card says; empty where it has not described itself yet.
    pub(crate) fn card(&self, node: NodeId) -> Option<MemberCard> {
        self.roster.records().get(&node).filter(|record| record.stage != Stage::Removed).map(card)
    }

    /// The node that this disk enrolled as, with the token it came with; also one that was removed since.
    pub(crate) fn enrolled_as(&self, incarnation: &str) -> Option<(NodeId, &Record)> {
        let found = self.roster.records().iter().find(|(_, record)| record.incarnation.as_deref() == Some(incarnation));
        found.map(|(node, record)| (*node, record))
    }

    /// A configuration is in effect, in a cluster of this feature level.
    pub(crate) fn configured(&mut self, moment: Moment, level: u32, before: &ConfState, after: &ConfState) {
        self.roster.configured(after);
        // An older release tells what becomes of a node when the change begins; what is told is part of the state.
        let vote_until_the_end = level >= levels::GRADING;
        for text in differences(before, after, vote_until_the_end) {
            self.note(moment, "", text);
        }
    }

    /// The cluster was recovered on one node.
    pub(crate) fn recovered(&mut self, moment: Moment, conf_state: &ConfState) {
        self.roster.recovered(conf_state);
        let voters = &conf_state.voters;
        self.note(moment, "", format!("a lost majority was given up: the cluster goes on with {voters:?} alone"));
    }

    /// Carries out a change. A refusal is an outcome like any other.
    pub(crate) fn apply(&mut self, moment: Moment, change: ClusterChange) -> Outcome {
        let ClusterChange { operator, kind } = change;
        let done = match kind {
            Some(Kind::Enrol(enrol)) => self.enrol(moment, enrol),
            Some(Kind::Describe(describe)) => self.describe(moment, describe),
            Some(Kind::Drain(node)) => {
                self.wish(moment, &operator, node, |roster| roster.drain(node, true), "is drained")
            }
            Some(Kind::Restore(node)) => {
                self.wish(moment, &operator, node, |roster| roster.drain(node, false), "takes part again")
            }
            Some(Kind::Remove(node)) => {
                self.wish(moment, &operator, node, |roster| roster.remove(node), "is to leave for good")
            }
            Some(Kind::CreateJoinToken(token)) => self.create_token(moment, &operator, token),
            Some(Kind::RevokeJoinToken(id)) => self.revoke_token(moment, &operator, &id),
            None => Err(refusal(Code::InvalidArgument, reasons::MEMBERSHIP, "the change says nothing".into())),
        };
        let result = match done {
            Ok(response) => outcome::Result::Response(response),
            Err(refusal) => outcome::Result::Refusal(refusal),
        };
        Outcome { result: Some(result) }
    }

    /// What keeps a disk from joining with a token, if anything does: judged before the entry is written, and again in apply.
    pub(crate) fn may_enrol(&self, incarnation: &str, token_id: &[u8], now_ms: i64) -> Result<(), Refusal> {
        if let Some((node, record)) = self.enrolled_as(incarnation) {
            if record.stage == Stage::Removed {
                return Err(refused(&RosterError::Removed(node)));
            }
            // It lost the answer, and its token may be used up by now.
            if card(record).join_token_id == token_id {
                return Ok(());
            }
        }
        self.usable_token(token_id, now_ms).map(|_| ())
    }

    /// What keeps a disk from being told the cluster's secret, if anything does: beside what keeps it from a number, that the token
    /// was revoked after the number was given. Judged at the door alone; apply gives the same number again.
    pub(crate) fn may_join(&self, incarnation: &str, token_id: &[u8], now_ms: i64) -> Result<(), Refusal> {
        self.may_enrol(incarnation, token_id, now_ms)?;
        if self.tokens.iter().any(|token| token.token_id == token_id) {
            return Ok(());
        }
        let message = "the join token was revoked, or forgotten since it was used up; ask an operator for another one (lectern-monitor members token create)";
        Err(refusal(Code::PermissionDenied, reasons::JOIN_TOKEN, message.into()))
    }

    fn usable_token(&self, token_id: &[u8], now_ms: i64) -> Result<usize, Refusal> {
        let bad = |why: &str| {
            let message = format!("{why}; ask an operator for another one (lectern-monitor members token create)");
            refusal(Code::PermissionDenied, reasons::JOIN_TOKEN, message)
        };
        let found = self.tokens.iter().position(|token| token.token_id == token_id);
        let position = found.ok_or_else(|| bad("this cluster does not know the join token"))?;
        let token = &self.tokens[position];
        if token.uses_left == 0 {
            return Err(bad("the join token has been used up"));
        }
        if token.expires_at_ms <= now_ms {
            return Err(bad("the join token has expired"));
        }
        Ok(position)
    }

    fn enrol(&mut self, moment: Moment, enrol: Enrol) -> Result<Vec<u8>, Refusal> {
        let card = enrol.card.unwrap_or_default();
        self.may_enrol(&enrol.incarnation, &card.join_token_id, moment.now_ms)?;
        let again = self.enrolled_as(&enrol.incarnation).is_some();
        let node_id = self.roster.enrol(&enrol.incarnation, card.encode_to_vec()).map_err(|error| refused(&error))?;
        if !again {
            let position = self.usable_token(&card.join_token_id, moment.now_ms)?;
            let token = &mut self.tokens[position];
            token.uses_left -= 1;
            let text = format!(
                "node {node_id} at {} has a number, with {}'s token",
                card.peer_address,
                maker(&token.created_by)
            );
            self.note(moment, "", text);
        }
        Ok(Enrolled { node_id }.encode_to_vec())
    }

    fn describe(&mut self, moment: Moment, describe: Describe) -> Result<Vec<u8>, Refusal> {
        let Describe { node_id, card } = describe;
        let before = self.card(node_id).unwrap_or_default();
        let after = MemberCard { join_token_id: before.join_token_id.clone(), ..card.unwrap_or_default() };
        self.roster.describe(node_id, after.encode_to_vec()).map_err(|error| refused(&error))?;
        if !before.peer_address.is_empty() && before.peer_address != after.peer_address {
            self.note(moment, "", format!("node {node_id} has moved to {}", after.peer_address));
        }
        Ok(Vec::new())
    }

    fn wish(
        &mut self,
        moment: Moment,
        operator: &str,
        node: NodeId,
        change: impl FnOnce(&mut Roster) -> Result<(), RosterError>,
        text: &str,
    ) -> Result<Vec<u8>, Refusal> {
        change(&mut self.roster).map_err(|error| refused(&error))?;
        self.note(moment, operator, format!("node {node} {text}"));
        Ok(Vec::new())
    }

    fn create_token(&mut self, moment: Moment, operator: &str, token: CreateJoinToken) -> Result<Vec<u8>, Refusal> {
        if self.tokens.len() >= MOST_TOKENS {
            let spent = |token: &JoinTokenRecord| token.uses_left == 0 || token.expires_at_ms <= moment.now_ms;
            let oldest = self.tokens.iter().position(spent).ok_or_else(|| {
                let message = format!("there are {MOST_TOKENS} join tokens that can be used; revoke some first");
                refusal(Code::ResourceExhausted, reasons::JOIN_TOKEN, message)
            })?;
            self.tokens.remove(oldest);
        }
        let uses = token.uses.max(1);
        let record = JoinTokenRecord {
            token_id: token.token_id,
            label: token.label,
            created_by: operator.into(),
            created_at_ms: moment.now_ms,
            expires_at_ms: moment.now_ms.saturating_add(token.lifetime_ms.max(0)),
            uses,
            uses_left: uses,
        };
        let response = shown(&record).encode_to_vec();
        let times = if uses == 1 { "one node".to_owned() } else { format!("{uses} nodes") };
        let label = if record.label.is_empty() { String::new() } else { format!(" ({})", record.label) };
        self.note(moment, operator, format!("a token{label} for {times} to join with"));
        self.tokens.push(record);
        Ok(response)
    }

    fn revoke_token(&mut self, moment: Moment, operator: &str, id: &[u8]) -> Result<Vec<u8>, Refusal> {
        let Some(position) = self.tokens.iter().position(|token| token.token_id == id) else {
            let message = "there is no such join token; list them to see which there are".into();
            return Err(refusal(Code::NotFound, reasons::JOIN_TOKEN, message));
        };
        let token = self.tokens.remove(position);
        self.note(moment, operator, format!("the join token of {} is revoked", maker(&token.created_by)));
        Ok(Vec::new())
    }

    fn note(&mut self, moment: Moment, operator: &str, text: String) {
        if self.events.len() >= MOST_EVENTS {
            self.events.remove(0);
        }
        let Moment { index, now_ms } = moment;
        // A configuration brings no time of its own, and the state's clock stands still where nobody writes.
        let at_ms = self.events.last().map_or(now_ms, |last| last.at_ms.max(now_ms));
        self.events.push(MembershipEventRecord { at_ms, index, operator: operator.into(), text });
    }
}

/// A token as operators see it.
pub(crate) fn shown(token: &JoinTokenRecord) -> JoinToken {
    JoinToken {
        token_id: lectern_lms::to_hex(&token.token_id),
        label: token.label.clone(),
        created_by: token.created_by.clone(),
        created_at_ms: token.created_at_ms,
        expires_at_ms: token.expires_at_ms,
        uses: token.uses,
        uses_left: token.uses_left,
    }
}

/// A node's description as its card.
pub(crate) fn card_of(member: &Member) -> MemberCard {
    MemberCard {
        client_address: member.client_address.clone(),
        peer_address: member.peer_address.clone(),
        version: member.version.clone(),
        max_feature_level: member.max_feature_level,
        join_token_id: Vec::new(),
    }
}

fn card(record: &Record) -> MemberCard {
    // Whatever is in the log was encoded by a node of this cluster.
    MemberCard::decode(&*record.card).unwrap_or_default()
}

fn described(card: &MemberCard) -> Member {
    Member {
        client_address: card.client_address.clone(),
        peer_address: card.peer_address.clone(),
        version: card.version.clone(),
        max_feature_level: card.max_feature_level,
    }
}

fn maker(name: &str) -> &str {
    if name.is_empty() { "an operator" } else { name }
}

fn refusal(code: Code, reason: &str, message: String) -> Refusal {
    Refusal { code: code.into(), reason: reason.into(), message, ..Refusal::default() }
}

fn refused(error: &RosterError) -> Refusal {
    let code = match error {
        RosterError::Unknown(_) => Code::NotFound,
        RosterError::NoIncarnation => Code::InvalidArgument,
        RosterError::Removed(_) | RosterError::Leaving(_) => Code::FailedPrecondition,
    };
    refusal(code, reasons::MEMBERSHIP, error.to_string())
}

/// What a configuration changed, a sentence for each node. Whoever is to give up its vote has it until the joint configuration is
/// left.
fn differences(before: &ConfState, after: &ConfState, vote_until_the_end: bool) -> Vec<String> {
    let place = |conf: &ConfState, node: &NodeId| {
        if conf.voters.contains(node) || (vote_until_the_end && conf.voters_outgoing.contains(node)) {
            Some("votes")
        } else if conf.learners.contains(node) || conf.learners_next.contains(node) {
            Some("is a learner")
        } else {
            None
        }
    };
    let all = [before, after].into_iter().flat_map(|conf| {
        conf.voters.iter().chain(&conf.learners).chain(&conf.learners_next).chain(&conf.voters_outgoing).copied()
    });
    let nodes: std::collections::BTreeSet<NodeId> = all.collect();
    let changed = nodes.into_iter().filter(|node| place(before, node) != place(after, node));
    changed.map(|node| format!("node {node} {}", place(after, &node).unwrap_or("has left the cluster"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    fn at(index: u64, now_ms: i64) -> Moment {
        Moment { index, now_ms }
    }

    fn conf(voters: &[NodeId], learners: &[NodeId]) -> ConfState {
        ConfState { voters: voters.to_vec(), learners: learners.to_vec(), ..ConfState::default() }
    }

    fn founded() -> Members {
        Members::founded(&conf(&[1, 2, 3], &[]))
    }

    fn by_ada(kind: Kind) -> ClusterChange {
        ClusterChange { operator: "ada".into(), kind: Some(kind) }
    }

    fn token(id: u8, uses: u32) -> ClusterChange {
        let (token_id, label) = (vec![id; 32], "rack 4".to_owned());
        by_ada(Kind::CreateJoinToken(CreateJoinToken { token_id, label, lifetime_ms: HOUR_MS, uses }))
    }

    fn enrol(incarnation: &str, token: u8) -> ClusterChange {
        let card = MemberCard { peer_address: "h:1".into(), join_token_id: vec![token; 32], ..MemberCard::default() };
        let enrol = Enrol { incarnation: incarnation.into(), card: Some(card) };
        ClusterChange { operator: String::new(), kind: Some(Kind::Enrol(enrol)) }
    }

    fn number(outcome: Outcome) -> Result<u64, String> {
        match outcome.result.unwrap() {
            outcome::Result::Response(bytes) => Ok(Enrolled::decode(&*bytes).unwrap().node_id),
            outcome::Result::Refusal(refusal) => Err(refusal.message),
        }
    }

    #[test]
    fn a_node_joins_with_a_token_and_repeats_it_when_the_answer_was_lost() {
        let mut members = founded();
        members.apply(at(5, 0), token(7, 1));
        assert_eq!(number(members.apply(at(6, 1), enrol("d4", 7))), Ok(4));
        assert_eq!(members.tokens()[0].uses_left, 0);
        assert_eq!(
            number(members.apply(at(7, 2 * HOUR_MS), enrol("d4", 7))),
            Ok(4),
            "though it is used up, and expired"
        );
        assert!(number(members.apply(at(8, 2), enrol("d5", 7))).unwrap_err().contains("used up"));
        members.apply(at(9, 3), by_ada(Kind::Remove(4)));
        assert!(number(members.apply(at(10, 4), enrol("d4", 7))).unwrap_err().contains("was removed"));
    }

    #[test]
    fn unknown_expired_and_revoked_tokens_are_refused() {
        let mut members = founded();
        members.apply(at(5, 0), token(7, 2));
        assert!(number(members.apply(at(6, 1), enrol("d4", 8))).unwrap_err().contains("does not know"));
        assert!(number(members.apply(at(6, HOUR_MS), enrol("d4", 7))).unwrap_err().contains("expired"));
        assert_eq!(number(members.apply(at(7, HOUR_MS - 1), enrol("d4", 7))), Ok(4), "refusals use nothing up");
        members.apply(at(8, 2), by_ada(Kind::RevokeJoinToken(vec![7; 32])));
        assert!(number(members.apply(at(9, 3), enrol("d5", 7))).unwrap_err().contains("does not know"));
        assert!(members.tokens().is_empty());
    }

    #[test]
    fn a_revoked_token_tells_a_secret_to_nobody_not_even_to_who_has_its_number() {
        let mut members = founded();
        members.apply(at(5, 0), token(7, 1));
        members.apply(at(6, 1), enrol("d4", 7));
        assert_eq!(members.may_join("d4", &[7; 32], 2 * HOUR_MS), Ok(()), "its answer was lost, it asks again");
        members.apply(at(7, 2), by_ada(Kind::RevokeJoinToken(vec![7; 32])));
        assert!(members.may_join("d4", &[7; 32], 3).unwrap_err().message.contains("was revoked"));
        members.apply(at(8, 3), token(8, 1));
        assert_eq!(members.may_join("d4", &[8; 32], 4), Ok(()), "with another token it goes on");
        assert_eq!(number(members.apply(at(9, 4), enrol("d4", 8))), Ok(4));
    }

    #[test]
    fn there_are_so_many_tokens_and_spent_ones_make_room() {
        let mut members = founded();
        for id in 0..64 {
            members.apply(at(5, 0), token(id, 1));
        }
        let refused = members.apply(at(6, HOUR_MS - 1), token(100, 1));
        assert!(matches!(refused.result, Some(outcome::Result::Refusal(_))));
        members.apply(at(7, HOUR_MS), token(101, 1));
        assert_eq!((members.tokens().len(), &members.tokens()[63].token_id), (MOST_TOKENS, &vec![101; 32]));
    }

    #[test]
    fn a_node_that_describes_itself_keeps_the_token_it_came_with() {
        let mut members = founded();
        members.apply(at(5, 0), token(7, 1));
        members.apply(at(6, 1), enrol("d4", 7));
        let card = MemberCard { peer_address: "elsewhere:1".into(), ..MemberCard::default() };
        let describe = Kind::Describe(Describe { node_id: 4, card: Some(card) });
        members.apply(at(7, 2), ClusterChange { operator: String::new(), kind: Some(describe) });
        let card = members.card(4).unwrap();
        assert_eq!((&card.peer_address[..], card.join_token_id), ("elsewhere:1", vec![7; 32]));
        assert_eq!(members.events().last().unwrap().text, "node 4 has moved to elsewhere:1");
    }

    #[test]
    fn who_asked_for_what_and_what_became_of_it_is_kept() {
        let mut members = founded();
        members.apply(at(5, 9), by_ada(Kind::Drain(3)));
        members.configured(at(8, 10), levels::GRADING, &conf(&[1, 2, 3], &[4]), &conf(&[1, 2, 4], &[3]));
        members.configured(at(9, 11), levels::GRADING, &conf(&[1, 2, 4], &[3]), &conf(&[1, 2, 4], &[]));
        let told: Vec<_> = members.events().iter().map(|event| (&event.operator[..], &event.text[..])).collect();
        let expected = [
            ("ada", "node 3 is drained"),
            ("", "node 3 is a learner"),
            ("", "node 4 votes"),
            ("", "node 3 has left the cluster"),
        ];
        assert_eq!(told, expected);
        for index in 0..200 {
            members.apply(at(index, 12), by_ada(Kind::Drain(1)));
        }
        assert_eq!((members.events().len(), members.events()[MOST_EVENTS - 1].index), (MOST_EVENTS, 199));
    }

    #[test]
    fn a_node_has_left_when_the_joint_configuration_is_left_and_not_before() {
        let (before, after) = (conf(&[1, 2, 3], &[4]), conf(&[1, 2, 4], &[]));
        let joint = ConfState { voters_outgoing: vec![1, 2, 3], ..after.clone() };
        assert_eq!(differences(&before, &joint, true), ["node 4 votes"]);
        assert_eq!(differences(&joint, &after, true), ["node 3 has left the cluster"]);
        let demoted = ConfState { learners_next: vec![3], ..joint.clone() };
        assert_eq!(differences(&before, &demoted, true), ["node 4 votes"]);
        assert_eq!(differences(&demoted, &conf(&[1, 2, 4], &[3]), true), ["node 3 is a learner"]);
        // As long as there may be nodes that tell it at once.
        assert_eq!(differences(&before, &joint, false), ["node 3 has left the cluster", "node 4 votes"]);
    }

    #[test]
    fn members_survive_their_record_and_damage_is_seen() {
        let mut members = founded();
        members.apply(at(5, 0), token(7, 1));
        members.apply(at(6, 1), enrol("d4", 7));
        assert_eq!(Members::decode(&members.encode()), Ok(members.clone()));
        assert!(Members::decode(&members.encode()[3..]).is_err());
        members.recovered(at(7, 2), &conf(&[2], &[]));
        assert_eq!(members.present().into_keys().collect::<Vec<_>>(), [2]);
    }
}
