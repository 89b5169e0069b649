//! What the monitor knows: the last word of each node, the picture they make together, what happened, and figures of the last
//! minutes.

use std::collections::BTreeMap;

use lectern_cli::cluster::{Cluster, Member};
use lectern_proto::v1::{self, GetStatusResponse, LeadershipChange, NodeStatus, SnapshotTransfer};

use crate::effects::Answer;
use crate::events::{self, Log};
use crate::history::{Rate, Series};

/// What screens share.
#[derive(Debug, Default)]
pub struct Model {
    live: Live,
    /// The picture that is held still, and when that began.
    held: Option<(Box<Live>, i64)>,
    /// The operator whose key proves what is ordered, where no certificate does.
    key_of: Option<String>,
    /// An operator's certificate is shown to the nodes, whoever they take it for.
    shows_certificate: bool,
}

impl Model {
    /// A model that begins with these addresses.
    pub fn new(addresses: Vec<String>) -> Self {
        let nodes = addresses.into_iter().map(|address| (address, Endpoint::default())).collect();
        Self { live: Live { endpoints: nodes, ..Live::default() }, ..Self::default() }
    }

    /// The same for an operator who has the key of a cluster without certificates.
    #[must_use]
    pub fn with_key_of(mut self, operator: Option<String>) -> Self {
        self.key_of = operator;
        self
    }

    /// The same for a person who shows a certificate.
    #[must_use]
    pub fn with_certificate(mut self, is_shown: bool) -> Self {
        self.shows_certificate = is_shown;
        self
    }

    /// Whether a certificate is shown to the nodes.
    pub fn shows_certificate(&self) -> bool {
        self.shows_certificate
    }

    /// As which operator the person is known; none where they are not.
    pub fn operator(&self) -> Option<&str> {
        let by_certificate = Some(self.live.cluster.operator.as_str()).filter(|name| !name.is_empty());
        by_certificate.or(self.key_of.as_deref())
    }

    /// The cluster as it is now, whatever is shown.
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// Takes in what came of asking a node; returns addresses that were not known before.
    pub fn take_in(&mut self, answer: Answer, at_ms: i64) -> Vec<String> {
        self.live.take_in(answer, at_ms)
    }

    /// What is shown: the live picture, or the one that is held.
    pub fn shown(&self) -> &Live {
        self.held.as_ref().map_or(&self.live, |(held, _)| held)
    }

    /// The time of what is shown.
    pub fn shown_at(&self, now_ms: i64) -> i64 {
        self.held.as_ref().map_or(now_ms, |(_, since)| *since)
    }

    /// Whether the picture is held.
    pub fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// Holds the picture still, or lets it go on.
    pub fn hold(&mut self, now_ms: i64) {
        self.held = match self.held.take() {
            Some(_) => None,
            None => Some((Box::new(self.live.clone()), now_ms)),
        };
    }
}

/// An address that is asked.
#[derive(Clone, Debug, Default, PartialEq)]
struct Endpoint {
    /// The last answer.
    answer: Option<GetStatusResponse>,
    /// When it came.
    answered_at_ms: Option<i64>,
    /// How long it took.
    round_trip_us: Option<u64>,
    /// Why there was none the last time; none while there was one, or while the first is awaited.
    problem: Option<String>,
}

impl Endpoint {
    fn answers(&self) -> bool {
        self.answer.is_some() && self.problem.is_none()
    }

    fn is_heard(&self) -> bool {
        self.answer.is_some() || self.problem.is_some()
    }

    fn own(&self) -> Option<&NodeStatus> {
        self.answer.as_ref()?.self_.as_ref()
    }
}

/// The cluster as it was last seen.
#[derive(Clone, Debug, Default)]
pub struct Live {
    endpoints: BTreeMap<String, Endpoint>,
    /// Out of all answers: who does not answer is as it last said itself.
    pub cluster: Cluster,
    /// The picture that the last events led to.
    told: Cluster,
    /// What happened.
    pub log: Log,
    /// Entries committed in a second.
    pub writes: Rate,
    /// How long the leader's writes took to be committed and applied, by its own word: the median, in microseconds.
    pub commits: Series,
    /// By node: round trips of the monitor's own questions, in microseconds.
    pub round_trips: BTreeMap<u64, Series>,
}

/// One line of the table of nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its number; none for an address that never said whose it is.
    pub number: Option<u64>,
    /// Where it is asked.
    pub address: String,
    /// In words: `leader`, `unreachable`.
    pub role: &'static str,
    /// How it belongs to the cluster; none where nobody says.
    pub member: Option<v1::Member>,
    /// It answered the last time.
    pub answers: bool,
    /// A majority says that it leads.
    pub leads: bool,
    /// The term it is in.
    pub term: Option<u64>,
    /// Its own last word; none when it never spoke.
    pub status: Option<NodeStatus>,
    /// Entries that are committed and that it has not applied, as far as it is known.
    pub behind: Option<u64>,
    /// When it last answered.
    pub answered_at_ms: Option<i64>,
    /// How long its last answer took.
    pub round_trip_us: Option<u64>,
    /// Why it did not answer the last time.
    pub problem: Option<String>,
}

impl Row {
    /// What names it among the rows.
    pub fn key(&self) -> String {
        self.number.map_or_else(|| self.address.clone(), |number| number.to_string())
    }

    /// `node 2`, or its address.
    pub fn name(&self) -> String {
        self.number.map_or_else(|| self.address.clone(), |number| format!("node {number}"))
    }
}

impl Live {
    fn take_in(&mut self, answer: Answer, at_ms: i64) -> Vec<String> {
        let Answer { address, round_trip_us, result } = answer;
        let endpoint = self.endpoints.entry(address).or_default();
        match result {
            Ok(status) => {
                let node = status.self_.as_ref().map(|own| own.node_id);
                *endpoint = Endpoint {
                    answer: Some(*status),
                    answered_at_ms: Some(at_ms),
                    round_trip_us: Some(round_trip_us),
                    problem: None,
                };
                if let Some(node) = node {
                    self.round_trips.entry(node).or_default().note(at_ms, round_trip_us);
                }
            }
            Err(problem) => endpoint.problem = Some(problem),
        }
        self.cluster = self.picture();
        self.note_figures(at_ms);
        let learned = self.learn();
        // Who was never heard is no news: the story begins when everybody has answered, or failed to.
        if self.endpoints.values().all(Endpoint::is_heard) {
            self.log.extend(events::between(&self.told, &self.cluster, at_ms));
            self.told.clone_from(&self.cluster);
        }
        learned
    }

    /// The picture that the nodes' last words make.
    fn picture(&self) -> Cluster {
        let answering = self.endpoints.values().filter(|endpoint| endpoint.answers());
        let views: Vec<GetStatusResponse> = answering.filter_map(|endpoint| endpoint.answer.clone()).collect();
        let mut cluster = Cluster::from_views(&views);
        cluster.term = cluster.term.max(self.cluster.term);
        if views.is_empty() {
            // Nobody answers: the members are those of before, and what was to happen is not known any more.
            cluster.nodes.clone_from(&self.cluster.nodes);
            cluster.membership = self.cluster.membership.clone().map(forgotten);
            cluster.nodes.values_mut().for_each(|member| member.reachable = false);
        }
        for (number, member) in cluster.nodes.iter_mut().filter(|(_, member)| !member.reachable) {
            if let Some(own) = self.endpoint_of(*number).and_then(Endpoint::own) {
                *member = Member { status: own.clone(), reachable: false };
            }
        }
        cluster
    }

    fn note_figures(&mut self, at_ms: i64) {
        if self.cluster.reachable() > 0 {
            self.writes.note(at_ms, self.cluster.commit_index());
        } else {
            self.writes.move_to(at_ms);
        }
        let leader = self.cluster.leader.and_then(|leader| self.cluster.nodes.get(&leader));
        match leader.filter(|leader| leader.reachable).and_then(|leader| leader.status.commit_latency_p50_us) {
            Some(us) => self.commits.note(at_ms, us),
            None => self.commits.move_to(at_ms),
        }
        self.round_trips.values_mut().for_each(|series| series.move_to(at_ms));
    }

    /// Takes over the addresses of members that nobody asks yet.
    fn learn(&mut self) -> Vec<String> {
        let asked: Vec<u64> = self.endpoints.values().filter_map(Endpoint::own).map(|own| own.node_id).collect();
        let members = self.cluster.nodes.iter().filter(|(number, _)| !asked.contains(number));
        let unknown = members.map(|(_, member)| member.status.client_address.clone());
        let unknown: Vec<String> =
            unknown.filter(|address| !address.is_empty() && !self.endpoints.contains_key(address)).collect();
        self.endpoints.extend(unknown.iter().map(|address| (address.clone(), Endpoint::default())));
        unknown
    }

    /// Where a node is asked: the address that answers, if it has several.
    fn endpoint_of(&self, number: u64) -> Option<&Endpoint> {
        let of_it = self.endpoints.values().filter(|endpoint| endpoint.own().is_some_and(|own| own.node_id == number));
        of_it.max_by_key(|endpoint| (endpoint.answers(), endpoint.answered_at_ms))
    }

    /// Addresses that are asked.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        self.endpoints.keys().map(String::as_str)
    }

    /// Whether any node answered yet, or at least failed to.
    pub fn heard(&self) -> bool {
        self.endpoints.values().any(Endpoint::is_heard)
    }

    /// Why an address that never answered does not.
    pub fn first_problem(&self) -> Option<(&str, &str)> {
        self.endpoints.iter().find_map(|(address, endpoint)| Some((address.as_str(), endpoint.problem.as_deref()?)))
    }

    /// A line for each member, by number; then the addresses whose node nobody knows.
    pub fn rows(&self) -> Vec<Row> {
        let members = self.cluster.nodes.iter().map(|(number, member)| self.member_row(*number, member));
        let known = |address: &str| self.cluster.nodes.values().any(|member| member.status.client_address == address);
        let strangers =
            self.endpoints.iter().filter(|(address, endpoint)| endpoint.answer.is_none() && !known(address));
        let strangers = strangers.map(|(address, endpoint)| Row {
            number: None,
            address: address.clone(),
            role: if endpoint.problem.is_some() { "unreachable" } else { "asked" },
            member: None,
            answers: false,
            leads: false,
            term: None,
            status: None,
            behind: None,
            answered_at_ms: None,
            round_trip_us: None,
            problem: endpoint.problem.clone(),
        });
        members.chain(strangers).collect()
    }

    /// The line of one node by its key.
    pub fn row(&self, key: &str) -> Option<Row> {
        self.rows().into_iter().find(|row| row.key() == key)
    }

    fn member_row(&self, number: u64, member: &Member) -> Row {
        let endpoint = self.endpoint_of(number).or_else(|| self.endpoints.get(&member.status.client_address));
        let spoke = endpoint.and_then(Endpoint::own).is_some();
        let behind = self.cluster.commit_index().saturating_sub(member.status.applied_index);
        Row {
            number: Some(number),
            address: member.status.client_address.clone(),
            role: member.role(),
            member: self.cluster.member(number).cloned(),
            answers: member.reachable,
            leads: member.reachable && self.cluster.leader == Some(number),
            term: endpoint.and_then(|endpoint| endpoint.answer.as_ref()).map(|answer| answer.term),
            status: spoke.then(|| member.status.clone()),
            behind: spoke.then_some(behind),
            answered_at_ms: endpoint.and_then(|endpoint| endpoint.answered_at_ms),
            round_trip_us: endpoint.filter(|_| member.reachable).and_then(|endpoint| endpoint.round_trip_us),
            problem: endpoint.and_then(|endpoint| endpoint.problem.clone()),
        }
    }

    /// What happens to members next, or what is in the way, those first that people should look after: who, whether it is
    /// such a one, and the words.
    pub fn next(&self) -> Vec<(u64, bool, &str)> {
        let members = self.cluster.membership.iter().flat_map(|membership| &membership.members);
        let told = members.filter(|member| !member.next.is_empty());
        let mut next: Vec<_> = told.map(|member| (member.node_id, member.degraded, member.next.as_str())).collect();
        next.sort_by_key(|(number, degraded, _)| (!degraded, *number));
        next
    }

    /// What an operator should know of each node, in words.
    pub fn notices(&self) -> impl Iterator<Item = (u64, &str)> {
        let members =
            self.cluster.nodes.iter().filter(|(_, member)| member.reachable && !member.status.notice.is_empty());
        members.map(|(number, member)| (*number, member.status.notice.as_str()))
    }

    /// Snapshots on their way, as their senders tell: who sends, and how far it is.
    pub fn transfers(&self) -> impl Iterator<Item = (u64, &SnapshotTransfer)> {
        let members = self.cluster.nodes.iter().filter(|(_, member)| member.reachable);
        members.flat_map(|(number, member)| {
            member.status.snapshots.iter().filter(|transfer| transfer.sending).map(|transfer| (*number, transfer))
        })
    }

    /// What a node remembers of the leadership since it was started, newest first.
    pub fn remembered(&self, number: u64) -> impl Iterator<Item = &LeadershipChange> {
        let answer = self.endpoint_of(number).and_then(|endpoint| endpoint.answer.as_ref());
        answer.into_iter().flat_map(|answer| answer.leadership_changes.iter().rev())
    }

    /// How the other nodes see a node: who sees it, and what it says of it.
    pub fn seen_by(&self, number: u64) -> Vec<(u64, NodeStatus)> {
        let answering = self.endpoints.values().filter(|endpoint| endpoint.answers());
        let mut views: BTreeMap<u64, NodeStatus> = BTreeMap::new();
        for answer in answering.filter_map(|endpoint| endpoint.answer.as_ref()) {
            let Some(own) = answer.self_.as_ref().filter(|own| own.node_id != number) else { continue };
            if let Some(seen) = answer.nodes.iter().find(|node| node.node_id == number) {
                views.insert(own.node_id, seen.clone());
            }
        }
        views.into_iter().collect()
    }
}

/// Membership without what only a leader knows.
fn forgotten(mut membership: v1::Membership) -> v1::Membership {
    membership.seen_by_leader = false;
    membership.next_change = None;
    for member in &mut membership.members {
        (member.silent_ms, member.healthy_ms, member.degraded) = (None, None, false);
        member.next.clear();
    }
    membership
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{answer, no_answer, seen};

    #[test]
    fn addresses_of_members_are_learned_and_asked_once() {
        let mut model = Model::new(vec!["127.0.0.1:7600".into()]);
        let first = model.take_in(answer(1, 1, 7, 10), 1_000);
        assert_eq!(first, ["127.0.0.2:7600", "127.0.0.3:7600"]);
        assert!(model.take_in(answer(2, 1, 7, 10), 1_000).is_empty());
    }

    #[test]
    fn a_node_that_does_not_answer_keeps_its_last_word() {
        let mut model = seen();
        model.take_in(no_answer(1, "connection refused"), 5_000);
        let row = model.shown().row("1").unwrap();
        assert_eq!((row.role, row.answers, row.leads), ("unreachable", false, false));
        assert_eq!(row.status.unwrap().commit_index, 1_204);
        assert_eq!((row.answered_at_ms, row.problem.as_deref()), (Some(1_000), Some("connection refused")));
    }

    #[test]
    fn the_story_begins_when_every_node_was_heard() {
        let mut model = Model::new((1..=3).map(crate::testing::address).collect());
        model.take_in(answer(3, 1, 7, 10), 1_000);
        model.take_in(no_answer(2, "connection refused"), 1_100);
        assert_eq!(model.shown().log.newest_first().count(), 0);
        model.take_in(answer(1, 1, 7, 10), 1_200);
        let told: Vec<String> = model.shown().log.newest_first().map(events::Event::words).collect();
        assert_eq!(told, ["first seen: node 1 leads in term 7, 2 of 3 nodes answer"]);
    }

    #[test]
    fn when_nobody_answers_the_members_of_before_are_still_shown() {
        let mut model = seen();
        for node in 1..=3 {
            model.take_in(no_answer(node, "connection refused"), 5_000);
        }
        let live = model.shown();
        assert_eq!((live.cluster.leader, live.cluster.term, live.cluster.reachable()), (None, 7, 0));
        assert_eq!(live.rows().len(), 3);
    }

    #[test]
    fn one_node_that_answers_twice_by_two_names_is_one_row() {
        let mut model = seen();
        let mut twice = answer(2, 1, 7, 1_204);
        twice.address = "localhost:7600".into();
        model.take_in(twice, 2_000);
        model.take_in(no_answer(2, "connection refused"), 2_500);
        let rows = model.shown().rows();
        assert_eq!(rows.len(), 3);
        assert!(rows[1].answers, "one of its addresses answers");
    }

    #[test]
    fn a_held_picture_stays_while_the_log_goes_on() {
        let mut model = seen();
        model.hold(3_000);
        model.take_in(no_answer(1, "connection refused"), 5_000);
        assert!(model.shown().row("1").unwrap().answers);
        assert_eq!(model.shown_at(9_000), 3_000);
        model.hold(9_000);
        assert!(!model.shown().row("1").unwrap().answers);
        assert_eq!(model.shown().log.newest_first().next().unwrap().at_ms, 5_000);
    }
}
