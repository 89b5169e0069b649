//! One picture of the cluster out of what each node says of itself.

use std::collections::{BTreeMap, BTreeSet};

use lectern_client::Client;
use lectern_proto::v1::{self, GetStatusResponse, MemberStanding, Membership, NodeRole, NodeStatus};
use serde_json::{Value, json};

use crate::Result;

/// The cluster, as far as its nodes could be asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cluster {
    /// What a majority of all members reports.
    pub leader: Option<u64>,
    /// The term in which it leads; without a leader the highest one any node reports. While a node stands for a newer term,
    /// others still follow the leader of the one before.
    pub term: u64,
    /// The operator as whom the nodes know this program; empty where they do not.
    pub operator: String,
    /// By number. Nodes that did not answer are as another node last knew them.
    pub nodes: BTreeMap<u64, Member>,
    /// Who belongs to the cluster and how, as the leader sees it, else as whoever knows most; none where no node said.
    pub membership: Option<Membership>,
    /// Nodes that answered and do not belong to it any more, and their addresses.
    pub outside: BTreeMap<u64, String>,
}

/// A member of the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its own word, or another node's where it did not answer.
    pub status: NodeStatus,
    /// It answered.
    pub reachable: bool,
}

impl Cluster {
    /// Asks every node; fails when none answers.
    pub async fn look(client: &Client) -> Result<Self> {
        // Nodes learned from the first answers are asked in a second round.
        let mut views = client.statuses().await;
        let known = views.len();
        if client.addresses().len() > known {
            views = client.statuses().await;
        }
        let mut problem = None;
        let mut answers: Vec<GetStatusResponse> = Vec::new();
        for (_, view) in views {
            match view {
                Ok(view) => answers.push(view),
                Err(error) => problem = Some(error),
            }
        }
        match problem {
            Some(error) if answers.is_empty() => Err(error),
            _ => Ok(Self::from_views(&answers)),
        }
    }

    /// How many of its members answered.
    pub fn reachable(&self) -> usize {
        self.nodes.values().filter(|member| member.reachable).count()
    }

    /// The highest index any node knows to be committed.
    pub fn commit_index(&self) -> u64 {
        self.nodes.values().map(|member| member.status.commit_index).max().unwrap_or(0)
    }

    /// Puts the answers together.
    pub fn from_views(views: &[GetStatusResponse]) -> Self {
        let mut nodes: BTreeMap<u64, Member> = BTreeMap::new();
        for view in views {
            for status in &view.nodes {
                nodes.entry(status.node_id).or_insert_with(|| Member { status: status.clone(), reachable: false });
            }
        }
        let mut reports: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
        for view in views {
            let Some(own) = &view.self_ else { continue };
            // Asked twice, it counts once.
            reports.entry(own.node_id).or_insert_with(|| {
                nodes.insert(own.node_id, Member { status: own.clone(), reachable: true });
                (view.leader_id, view.term)
            });
        }
        let membership = most_informed(views);
        let mut outside = BTreeMap::new();
        if let Some(membership) = &membership {
            // Who was removed is no part of the picture, whatever it says itself and whoever still remembers it.
            let belongs = |number: u64| membership.members.iter().any(|member| member.node_id == number);
            let gone = nodes.iter().filter(|(number, node)| node.reachable && !belongs(**number));
            outside = gone.map(|(number, node)| (*number, node.status.client_address.clone())).collect();
            nodes.retain(|number, _| belongs(*number));
        }
        let operator = views.iter().map(|view| view.operator.clone()).find(|name| !name.is_empty()).unwrap_or_default();
        let highest = views.iter().map(|view| view.term).max().unwrap_or(0);
        let mut cluster = Self { leader: None, term: highest, operator, nodes, membership, outside };
        let voters = cluster.voters();
        let mut counts: BTreeMap<(u64, u64), usize> = BTreeMap::new();
        for (_, report) in reports.into_iter().filter(|(number, _)| voters.contains(number)) {
            *counts.entry(report).or_default() += 1;
        }
        let reported = counts.into_iter().find(|((leader, _), count)| *leader != 0 && *count * 2 > voters.len());
        if let Some(((leader, term), _)) = reported {
            (cluster.leader, cluster.term) = (Some(leader), term);
        }
        cluster
    }

    /// Those whose votes count: all members, where nobody says who learns.
    pub fn voters(&self) -> BTreeSet<u64> {
        let votes = |(number, member): (&u64, &Member)| {
            let votes = match self.standing(*number) {
                Some(MemberStanding::Voter) => true,
                // It may leave as a voter, or as a learner.
                Some(MemberStanding::Leaving) | None => member.status.role() != NodeRole::Learner,
                Some(_) => false,
            };
            votes.then_some(*number)
        };
        self.nodes.iter().filter_map(votes).collect()
    }

    /// Of the voters: how many there are, and how many answer.
    pub fn votes(&self) -> (usize, usize) {
        let voters = self.voters();
        let up = voters.iter().filter(|number| self.nodes.get(number).is_some_and(|node| node.reachable)).count();
        (voters.len(), up)
    }

    /// Whether each voter that answers says what it is held back by: then no election is under way.
    pub fn all_held_back(&self) -> bool {
        let voters = self.voters();
        let mut up = self.nodes.iter().filter(|(number, node)| node.reachable && voters.contains(number)).peekable();
        self.leader.is_none() && up.peek().is_some() && up.all(|(_, node)| !node.status.notice.is_empty())
    }

    /// How many more nodes may go before there is no majority.
    pub fn spare(&self) -> usize {
        let (voters, up) = self.votes();
        up.saturating_sub(voters / 2 + 1)
    }

    /// What is known of a node's membership.
    pub fn member(&self, number: u64) -> Option<&v1::Member> {
        self.membership.as_ref()?.members.iter().find(|member| member.node_id == number)
    }

    /// How a node belongs to the cluster.
    pub fn standing(&self, number: u64) -> Option<MemberStanding> {
        self.member(number).map(v1::Member::standing)
    }

    /// The stable form for scripts.
    pub fn json(&self) -> Value {
        let nodes: Vec<Value> = self.nodes.iter().map(|(number, node)| self.node_json(*number, node)).collect();
        let mut value = json!({"leader": self.leader, "term": self.term, "nodes": nodes});
        if !self.operator.is_empty() {
            value["operator"] = self.operator.clone().into();
        }
        if !self.outside.is_empty() {
            let outside = self.outside.iter().map(|(number, address)| json!({"node": number, "address": address}));
            value["outside"] = outside.collect();
        }
        value
    }

    fn node_json(&self, number: u64, node: &Member) -> Value {
        let mut value = node.json(number);
        if let Some(member) = self.member(number) {
            value["standing"] = standing_word(member.standing()).into();
            value["drained"] = member.drained.into();
        }
        value
    }
}

/// The word of whoever knows most: of the newest epoch, since who was left behind by a recovery knows less, whatever its term; then
/// a leader, of the newest term; else who has applied most.
fn most_informed(views: &[GetStatusResponse]) -> Option<Membership> {
    let knowledge = |view: &GetStatusResponse, membership: &Membership| {
        (membership.epoch, membership.seen_by_leader, view.term, view.self_.as_ref().map_or(0, |own| own.applied_index))
    };
    let known = views.iter().filter_map(|view| view.membership.as_ref().map(|membership| (view, membership)));
    known.max_by_key(|(view, membership)| knowledge(view, membership)).map(|(_, membership)| membership.clone())
}

/// How a node belongs to the cluster, in a word: `voter`, `learner`, `joining`, `leaving`.
pub fn standing_word(standing: MemberStanding) -> &'static str {
    match standing {
        MemberStanding::Voter => "voter",
        MemberStanding::Learner => "learner",
        MemberStanding::Joining => "joining",
        MemberStanding::Leaving => "leaving",
        MemberStanding::Unspecified => "unknown",
    }
}

impl Member {
    /// In words: `leader`, `follower`, `unreachable`.
    pub fn role(&self) -> &'static str {
        match self.status.role() {
            _ if !self.reachable => "unreachable",
            NodeRole::Leader => "leader",
            NodeRole::Follower => "follower",
            NodeRole::Candidate => "candidate",
            NodeRole::Learner => "learner",
            NodeRole::Unspecified => "unknown",
        }
    }

    /// What a node did not say itself is `null`: nothing is known of it, which is not the same as zero.
    fn json(&self, number: u64) -> Value {
        let status = &self.status;
        let mut value = json!({
            "node": number, "id": status.node_id, "address": status.client_address, "role": self.role(),
            "commit": status.commit_index, "applied": status.applied_index, "reachable": self.reachable,
            "first_index": status.first_index, "last_index": status.last_index, "version": status.version,
            "uptime_seconds": status.uptime_seconds, "disk_free_bytes": status.disk_free_bytes,
            "disk_total_bytes": status.disk_total_bytes, "resident_bytes": status.resident_bytes,
            "clock_offset_seconds": status.clock_offset_seconds, "notice": status.notice,
            "writes_applied_total": status.writes_applied_total, "elections_total": status.elections_total,
            "commit_latency_p50_us": status.commit_latency_p50_us, "commit_latency_p99_us": status.commit_latency_p99_us,
            "log_sync_p50_us": status.log_sync_p50_us, "log_sync_p99_us": status.log_sync_p99_us,
            "log_bytes": status.log_bytes, "state_bytes": status.state_bytes,
            "scrub": status.scrub.as_ref().map(scrub_json),
            "snapshots": status.snapshots.iter().map(snapshot_json).collect::<Vec<_>>(),
        });
        if let (false, Some(fields)) = (self.reachable, value.as_object_mut()) {
            let known = ["node", "id", "address", "role", "reachable", "notice"];
            fields.iter_mut().filter(|(name, _)| !known.contains(&name.as_str())).for_each(|(_, it)| *it = Value::Null);
        }
        value
    }
}

/// How the reading of a node's disk goes.
fn scrub_json(scrub: &v1::ScrubStatus) -> Value {
    json!({
        "finished_at": crate::json::time(scrub.finished_at_ms), "running": scrub.running,
        "bytes_done": scrub.bytes_done, "bytes_total": scrub.bytes_total,
    })
}

/// A snapshot on its way to or from a node.
fn snapshot_json(transfer: &v1::SnapshotTransfer) -> Value {
    json!({
        "node": transfer.node_id, "direction": if transfer.sending { "sent" } else { "received" },
        "bytes_done": transfer.bytes_done, "bytes_total": transfer.bytes_total, "bytes_saved": transfer.bytes_saved,
        "bytes_per_second": transfer.bytes_per_second, "started_at": crate::json::time(Some(transfer.started_at_ms)),
        "resumed": transfer.resumed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(node: u64, leader: u64, term: u64) -> GetStatusResponse {
        let nodes: Vec<NodeStatus> = (1..=3).map(|node_id| NodeStatus { node_id, ..NodeStatus::default() }).collect();
        let own = NodeStatus { node_id: node, role: NodeRole::Follower.into(), ..NodeStatus::default() };
        GetStatusResponse { self_: Some(own), leader_id: leader, term, nodes, ..GetStatusResponse::default() }
    }

    #[test]
    fn the_leader_is_who_a_majority_reports() {
        assert_eq!(Cluster::from_views(&[view(1, 2, 5), view(2, 2, 5)]).leader, Some(2));
        assert_eq!(Cluster::from_views(&[view(1, 2, 5), view(3, 1, 4)]).leader, None);
        assert_eq!(Cluster::from_views(&[view(1, 1, 5)]).leader, None, "one of three is no majority");
        assert_eq!(Cluster::from_views(&[view(1, 1, 5), view(1, 1, 5)]).leader, None, "asked twice, it counts once");
    }

    fn with_members(mut view: GetStatusResponse, members: &[(u64, MemberStanding)]) -> GetStatusResponse {
        let member = |(node_id, standing): &(u64, MemberStanding)| v1::Member {
            node_id: *node_id,
            standing: (*standing).into(),
            ..v1::Member::default()
        };
        view.nodes =
            members.iter().map(|(node_id, _)| NodeStatus { node_id: *node_id, ..NodeStatus::default() }).collect();
        let seen_by_leader = view.self_.as_ref().is_some_and(|own| own.node_id == view.leader_id);
        let members = members.iter().map(member).collect();
        view.membership = Some(Membership { members, seen_by_leader, ..Membership::default() });
        view
    }

    #[test]
    fn only_votes_of_voters_make_a_leader_and_learners_that_are_away_take_none() {
        use MemberStanding::{Learner, Voter};
        let members = [(1, Voter), (2, Voter), (3, Voter), (4, Learner), (5, Learner)];
        let led = Cluster::from_views(&[with_members(view(1, 1, 5), &members), with_members(view(2, 1, 5), &members)]);
        assert_eq!((led.leader, led.voters()), (Some(1), BTreeSet::from([1, 2, 3])));
        assert_eq!(led.json()["nodes"][3]["standing"], "learner");
        let views: Vec<_> = [4, 5, 1].iter().map(|node| with_members(view(*node, 1, 5), &members)).collect();
        assert_eq!(Cluster::from_views(&views).leader, None, "learners have no say");
    }

    #[test]
    fn who_was_removed_is_gone_by_the_word_of_whoever_knows_most() {
        use MemberStanding::Voter;
        let before = [(1, Voter), (2, Voter), (3, Voter), (4, Voter)];
        let views = [with_members(view(4, 0, 4), &before), with_members(view(1, 1, 5), &before[..3])];
        let cluster = Cluster::from_views(&views);
        assert_eq!(cluster.nodes.keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
        assert!(cluster.standing(4).is_none() && cluster.membership.as_ref().unwrap().seen_by_leader);
        assert_eq!(cluster.outside.keys().copied().collect::<Vec<_>>(), [4], "it answers all the same");
        assert_eq!(cluster.json()["outside"][0]["node"], 4);
    }

    #[test]
    fn those_that_a_recovery_left_behind_do_not_outvote_it() {
        use MemberStanding::Voter;
        let old = [(1, Voter), (2, Voter), (3, Voter)];
        let mut recovered = with_members(view(1, 1, 5), &old[..1]);
        recovered.membership.as_mut().unwrap().epoch = 1;
        let views = [with_members(view(2, 2, 9), &old), with_members(view(3, 2, 9), &old), recovered];
        let cluster = Cluster::from_views(&views);
        assert_eq!((cluster.leader, cluster.term), (Some(1), 5));
        assert_eq!(cluster.outside.keys().copied().collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn nodes_that_say_why_they_do_not_lead_are_choosing_nobody() {
        let held = |node| {
            let mut view = view(node, 0, 5);
            view.self_.as_mut().unwrap().notice = "it has not met node 3".into();
            view
        };
        assert!(Cluster::from_views(&[held(1), held(2)]).all_held_back());
        assert!(!Cluster::from_views(&[held(1), view(2, 0, 5)]).all_held_back());
        assert!(!Cluster::default().all_held_back());
    }

    #[test]
    fn the_term_is_the_leaders_while_another_node_stands_for_a_newer_one() {
        let cluster = Cluster::from_views(&[view(1, 1, 5), view(2, 1, 5), view(3, 0, 6)]);
        assert_eq!((cluster.leader, cluster.term), (Some(1), 5));
    }

    #[test]
    fn scripts_see_how_disks_are_read_and_what_snapshots_are_on_their_way() {
        let mut busy = view(1, 1, 5);
        let own = busy.self_.as_mut().unwrap();
        own.scrub = Some(v1::ScrubStatus { finished_at_ms: Some(0), running: true, bytes_done: 3, bytes_total: 9 });
        let transfer = v1::SnapshotTransfer { node_id: 3, sending: true, bytes_done: 7, ..Default::default() };
        own.snapshots = vec![transfer];
        let node = &Cluster::from_views(&[busy]).json()["nodes"][0];
        assert_eq!(
            (&node["scrub"]["finished_at"], &node["scrub"]["bytes_done"]),
            (&"1970-01-01T00:00:00Z".into(), &3.into())
        );
        let snapshot = &node["snapshots"][0];
        assert_eq!(
            (&snapshot["node"], &snapshot["direction"], &snapshot["bytes_done"]),
            (&3.into(), &"sent".into(), &7.into())
        );
        let silent = Cluster::from_views(&[view(1, 1, 5)]).json();
        assert_eq!((&silent["nodes"][1]["scrub"], &silent["nodes"][1]["snapshots"]), (&Value::Null, &Value::Null));
    }

    #[test]
    fn a_node_that_does_not_answer_is_shown_as_unreachable() {
        let cluster = Cluster::from_views(&[view(1, 1, 5), view(2, 1, 6)]);
        assert_eq!(cluster.term, 6);
        assert_eq!(cluster.nodes[&3].role(), "unreachable");
        assert_eq!(cluster.json()["nodes"][2]["reachable"], false);
        for unknown in ["commit", "applied", "disk_free_bytes", "clock_offset_seconds", "version"] {
            assert_eq!(cluster.json()["nodes"][2][unknown], Value::Null, "{unknown}");
        }
        assert_eq!(cluster.json()["nodes"][0]["commit"], 0, "what a node says itself is told");
        assert_eq!(Cluster::from_views(&[]).json(), json!({"leader": null, "term": 0, "nodes": []}));
    }
}
