//! What happened in the cluster, told from two pictures of it that follow each other.

use std::collections::VecDeque;

use lectern_cli::cluster::{Cluster, Member};
use lectern_proto::v1::{self, MemberStanding, NodeRole, NodeStatus};
use lectern_tui_kit::text;

/// A node that has applied so many entries less than are committed has fallen behind.
const FAR_BEHIND: u64 = 1_000;
/// It has caught up again once it is this near.
const NEAR: u64 = 10;
/// A gap that is shorter lies between two questions of the monitor, and its length says nothing.
const SHORTEST_GAP_MS: i64 = 500;
/// Events that are kept.
const KEPT: usize = 1_000;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When the monitor saw it, Unix milliseconds.
    pub at_ms: i64,
    /// The node it happened to; none for the cluster.
    pub node: Option<u64>,
    /// What it was.
    pub what: What,
}

/// Kinds of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The monitor saw the cluster for the first time.
    Seen {
        /// Who led then.
        leader: Option<u64>,
        /// In which term.
        term: u64,
        /// How many nodes answered, and how many there are.
        answering: (usize, usize),
    },
    /// No majority reports one leader any more.
    NoLeader {
        /// Who led before.
        before: u64,
    },
    /// The node leads.
    Leads {
        /// In this term.
        term: u64,
        /// Who led before, if it is known.
        before: Option<u64>,
        /// How long nobody did, in milliseconds, if the monitor saw it.
        after_ms: Option<i64>,
    },
    /// The node stands for election.
    Stands {
        /// In this term.
        term: u64,
    },
    /// The node answers no more.
    Silent,
    /// The node answers again.
    Back {
        /// Its process is another one.
        restarted: bool,
        /// How long it was silent, in milliseconds, if the monitor saw it.
        after_ms: Option<i64>,
    },
    /// The node's process was started again, too quickly to be missed.
    Restarted,
    /// The node runs another version.
    Version {
        /// Now.
        now: String,
        /// Before.
        before: String,
    },
    /// The node says something an operator should know.
    Notice(String),
    /// It says so no more.
    NoticeOver(String),
    /// The node has fallen behind by so many entries.
    Behind(u64),
    /// The node has caught up.
    CaughtUp,
    /// The node sends another one a snapshot of so many bytes.
    Sends {
        /// To this one.
        to: u64,
        /// Its size.
        bytes: u64,
    },
    /// The node is a member now.
    Joined,
    /// The node is no member any more.
    Left,
    /// The node has a vote now.
    Votes,
    /// The node has no vote any more, and stays as a learner.
    VotesNoMore,
    /// The node is to leave the cluster.
    IsToLeave,
    /// An operator has drained the node.
    Drained,
    /// An operator lets the node take part again.
    Restored,
    /// The node has been silent for so long that people should look after it.
    Degraded,
    /// A change of the voters is half done.
    Joint,
}

/// How an event is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// It is good to know.
    Plain,
    /// Something is well again.
    Good,
    /// Somebody should look.
    Bad,
}

impl Event {
    /// In words: `node 2 leads in term 8, after 0.4 seconds without a leader`.
    pub fn words(&self) -> String {
        match self.node {
            Some(node) => format!("node {node} {}", self.what.of_node()),
            None => self.what.of_cluster(),
        }
    }

    /// How it is meant.
    pub fn weight(&self) -> Weight {
        match &self.what {
            What::NoLeader { .. }
            | What::Silent
            | What::Notice(_)
            | What::Behind(_)
            | What::Degraded
            | What::Seen { leader: None, .. } => Weight::Bad,
            What::Leads { .. } | What::Back { .. } | What::NoticeOver(_) | What::CaughtUp => Weight::Good,
            _ => Weight::Plain,
        }
    }
}

impl What {
    fn of_cluster(&self) -> String {
        match self {
            Self::Seen { leader, term, answering: (up, all) } => {
                let led = leader.map_or("there is no leader".into(), |leader| format!("node {leader} leads"));
                format!("first seen: {led} in term {term}, {up} of {all} nodes answer")
            }
            Self::NoLeader { before } => format!("no leader: node {before} led before"),
            Self::Joint => "two sets of voters count, until the change of the membership is done".into(),
            other => other.of_node(),
        }
    }

    fn of_node(&self) -> String {
        match self {
            Self::Leads { term, before, after_ms } => {
                let gap = after_ms.map(|ms| format!(", after {} without a leader", seconds(ms)));
                let before = before.map(|before| format!("; before it, node {before}"));
                format!("leads in term {term}{}", gap.or(before).unwrap_or_default())
            }
            Self::Stands { term } => format!("stands for election in term {term}"),
            Self::Silent => "does not answer".into(),
            Self::Back { restarted, after_ms } => {
                let how = if *restarted { "answers again, started anew" } else { "answers again" };
                let gap = after_ms.map(|ms| format!(", after {}", seconds(ms)));
                format!("{how}{}", gap.unwrap_or_default())
            }
            Self::Restarted => "was started anew".into(),
            Self::Version { now, before } => {
                format!("runs version {} instead of {}", text::clean(now), text::clean(before))
            }
            Self::Notice(words) => format!("says: {}", text::clean(words)),
            Self::NoticeOver(words) => format!("no longer says: {}", text::clean(words)),
            Self::Behind(entries) => format!("is {entries} entries behind"),
            Self::CaughtUp => "has caught up".into(),
            Self::Sends { to, bytes } => format!("sends node {to} a snapshot of {}", text::size(*bytes)),
            Self::Joined => "is a member now".into(),
            Self::Left => "is no member any more".into(),
            Self::Votes => "votes now".into(),
            Self::VotesNoMore => "votes no more, and stays as a learner".into(),
            Self::IsToLeave => "is to leave the cluster".into(),
            Self::Drained => "is drained: it does not lead, and gives its vote away when it can".into(),
            Self::Restored => "takes part again: it is drained no more".into(),
            Self::Degraded => "has been silent for long; look after it".into(),
            Self::Seen { .. } | Self::NoLeader { .. } | Self::Joint => self.of_cluster(),
        }
    }
}

/// `0.4 seconds`, `12 seconds`, `3 minutes 2 seconds`.
pub fn seconds(ms: i64) -> String {
    if ms < 10_000 {
        return format!("{}.{} seconds", ms / 1000, ms % 1000 / 100);
    }
    text::span(u64::try_from(ms / 1000).unwrap_or(0))
}

/// The length of a gap, where it says something.
fn gap(ms: i64) -> Option<i64> {
    (ms >= SHORTEST_GAP_MS).then_some(ms)
}

/// What happened between two pictures of the cluster, in an order that makes sense when read.
pub fn between(before: &Cluster, after: &Cluster, at_ms: i64) -> Vec<Event> {
    if after.nodes.is_empty() {
        return Vec::new();
    }
    let of_cluster = |what| Event { at_ms, node: None, what };
    if before.nodes.is_empty() {
        let answering = (after.reachable(), after.nodes.len());
        return vec![of_cluster(What::Seen { leader: after.leader, term: after.term, answering })];
    }
    let mut events = Vec::new();
    for (number, member) in &after.nodes {
        let what = match before.nodes.get(number) {
            Some(earlier) => changes(earlier, member, (before, after)),
            None => vec![What::Joined],
        };
        let membership = before.member(*number).zip(after.member(*number));
        let membership = membership.map(|(before, after)| of_membership(before, after)).unwrap_or_default();
        let what = what.into_iter().chain(membership);
        events.extend(what.map(|what| Event { at_ms, node: Some(*number), what }));
    }
    let is_joint = |cluster: &Cluster| cluster.membership.as_ref().is_some_and(|membership| membership.joint);
    if is_joint(after) && !is_joint(before) {
        events.push(of_cluster(What::Joint));
    }
    let left = before.nodes.keys().filter(|number| !after.nodes.contains_key(number));
    events.extend(left.map(|number| Event { at_ms, node: Some(*number), what: What::Left }));
    match (before.leader, after.leader) {
        (Some(leader), None) => events.push(of_cluster(What::NoLeader { before: leader })),
        (earlier, Some(leader)) if earlier != Some(leader) || after.term > before.term => {
            let what = What::Leads { term: after.term, before: earlier.filter(|old| *old != leader), after_ms: None };
            events.push(Event { at_ms, node: Some(leader), what });
        }
        _ => {}
    }
    events
}

/// What happened to one node.
fn changes(before: &Member, after: &Member, clusters: (&Cluster, &Cluster)) -> Vec<What> {
    let (old, new) = (&before.status, &after.status);
    if !after.reachable {
        return if before.reachable { vec![What::Silent] } else { Vec::new() };
    }
    let restarted = new.uptime_seconds < old.uptime_seconds;
    let mut changes = Vec::new();
    if !before.reachable {
        changes.push(What::Back { restarted, after_ms: None });
    } else if restarted {
        changes.push(What::Restarted);
    }
    if !old.version.is_empty() && new.version != old.version {
        changes.push(What::Version { now: new.version.clone(), before: old.version.clone() });
    }
    if new.role() == NodeRole::Candidate && old.role() != NodeRole::Candidate {
        changes.push(What::Stands { term: clusters.1.term });
    }
    if new.notice != old.notice {
        let said = [(&old.notice, What::NoticeOver as fn(String) -> What), (&new.notice, What::Notice)];
        changes
            .extend(said.into_iter().filter(|(words, _)| !words.is_empty()).map(|(words, what)| what(words.clone())));
    }
    let sends =
        |status: &NodeStatus, to: u64| status.snapshots.iter().any(|known| known.sending && known.node_id == to);
    let begun = new.snapshots.iter().filter(|transfer| transfer.sending && !sends(old, transfer.node_id));
    changes.extend(begun.map(|transfer| What::Sends { to: transfer.node_id, bytes: transfer.bytes_total }));
    let lag = |cluster: &Cluster, member: &Member| cluster.commit_index().saturating_sub(member.status.applied_index);
    let (was, is) = (lag(clusters.0, before), lag(clusters.1, after));
    if was <= FAR_BEHIND && is > FAR_BEHIND {
        changes.push(What::Behind(is));
    } else if was > NEAR && is <= NEAR && was > is {
        changes.push(What::CaughtUp);
    }
    changes
}

/// What happened to one node's membership.
fn of_membership(before: &v1::Member, after: &v1::Member) -> Vec<What> {
    use MemberStanding::{Joining, Learner, Leaving, Voter};
    let moved = match (before.standing(), after.standing()) {
        (Learner | Joining, Voter) => Some(What::Votes),
        (Voter | Leaving, Learner) => Some(What::VotesNoMore),
        (Voter | Learner | Joining, Leaving) => Some(What::IsToLeave),
        _ => None,
    };
    let drained = match (before.drained, after.drained) {
        (false, true) => Some(What::Drained),
        (true, false) => Some(What::Restored),
        _ => None,
    };
    let degraded = (after.degraded && !before.degraded).then_some(What::Degraded);
    moved.into_iter().chain(drained).chain(degraded).collect()
}

/// The events, newest last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    events: VecDeque<Event>,
}

impl Log {
    /// Adds events, and completes them with how long what they end had lasted.
    pub fn extend(&mut self, events: Vec<Event>) {
        for event in events {
            let completed = self.completed(event);
            self.events.extend(completed);
        }
        let excess = self.events.len().saturating_sub(KEPT);
        self.events.drain(..excess);
    }

    /// None for a node that catches up when nothing told of its falling behind: that is not worth a line.
    fn completed(&self, mut event: Event) -> Option<Event> {
        let Event { at_ms, node, .. } = event;
        match &mut event.what {
            What::Leads { before, after_ms, .. } => {
                if let Some((since, led)) = self.without_leader() {
                    *after_ms = gap(at_ms - since);
                    *before = before.or(led.filter(|led| Some(*led) != node));
                }
            }
            What::Back { after_ms, .. } => {
                let silent = self.lasting(node, |what| *what == What::Silent, |what| matches!(what, What::Back { .. }));
                *after_ms = silent.and_then(|since| gap(at_ms - since));
            }
            What::CaughtUp => {
                self.lasting(node, |what| matches!(what, What::Behind(_)), |what| *what == What::CaughtUp)?;
            }
            _ => {}
        }
        Some(event)
    }

    /// Since when there is no leader, and who led before; none while there is one.
    fn without_leader(&self) -> Option<(i64, Option<u64>)> {
        let last = self.events.iter().rev().find_map(|earlier| match earlier.what {
            What::NoLeader { before } => Some(Some((earlier.at_ms, Some(before)))),
            What::Seen { leader: None, .. } => Some(Some((earlier.at_ms, None))),
            What::Leads { .. } | What::Seen { .. } => Some(None),
            _ => None,
        });
        last.flatten()
    }

    /// When something began with a node that nothing has ended yet.
    fn lasting(&self, node: Option<u64>, began: fn(&What) -> bool, ended: fn(&What) -> bool) -> Option<i64> {
        let mut of_it = self.events.iter().rev().filter(|earlier| earlier.node == node);
        let last = of_it.find(|earlier| began(&earlier.what) || ended(&earlier.what))?;
        began(&last.what).then_some(last.at_ms)
    }

    /// Newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &Event> {
        self.events.iter().rev()
    }
}

#[cfg(test)]
mod tests {
    use lectern_proto::v1::{GetStatusResponse, SnapshotTransfer};

    use super::*;

    /// A cluster of three in which the nodes given answer: number, role, leader they report, uptime.
    fn picture(term: u64, answers: &[(u64, NodeRole, u64, u64)]) -> Cluster {
        let views: Vec<GetStatusResponse> = answers
            .iter()
            .map(|(node_id, role, leader_id, uptime_seconds)| {
                let nodes = (1..=3).map(|node_id| NodeStatus { node_id, ..NodeStatus::default() }).collect();
                let own = NodeStatus {
                    node_id: *node_id,
                    role: (*role).into(),
                    uptime_seconds: *uptime_seconds,
                    version: "0.1.0".into(),
                    ..NodeStatus::default()
                };
                GetStatusResponse {
                    self_: Some(own),
                    leader_id: *leader_id,
                    term,
                    nodes,
                    ..GetStatusResponse::default()
                }
            })
            .collect();
        Cluster::from_views(&views)
    }

    const F: NodeRole = NodeRole::Follower;
    const L: NodeRole = NodeRole::Leader;
    const C: NodeRole = NodeRole::Candidate;

    fn healthy() -> Cluster {
        picture(7, &[(1, L, 1, 100), (2, F, 1, 100), (3, F, 1, 100)])
    }

    fn words(log: &Log) -> Vec<String> {
        log.newest_first().map(Event::words).collect::<Vec<_>>().into_iter().rev().collect()
    }

    #[test]
    fn an_election_is_told_from_the_silence_of_the_leader_to_the_next_one() {
        let pictures = [
            healthy(),
            picture(7, &[(2, F, 1, 101), (3, F, 1, 101)]),
            picture(8, &[(2, C, 0, 102), (3, F, 0, 102)]),
            picture(8, &[(2, L, 2, 103), (3, F, 2, 103)]),
            picture(8, &[(1, F, 2, 1), (2, L, 2, 110), (3, F, 2, 110)]),
        ];
        let mut log = Log::default();
        let mut before = Cluster::default();
        for (at_ms, after) in (0_i64..).step_by(600).zip(pictures) {
            // As the model does: who does not answer is as it was last known.
            let mut after = after;
            for (number, member) in &mut after.nodes {
                if let (false, Some(known)) = (member.reachable, before.nodes.get(number)) {
                    member.status = known.status.clone();
                }
            }
            log.extend(between(&before, &after, at_ms));
            before = after;
        }
        assert_eq!(
            words(&log),
            [
                "first seen: node 1 leads in term 7, 3 of 3 nodes answer",
                "node 1 does not answer",
                "node 2 stands for election in term 8",
                "no leader: node 1 led before",
                "node 2 leads in term 8, after 0.6 seconds without a leader",
                "node 1 answers again, started anew, after 1.8 seconds",
            ]
        );
    }

    #[test]
    fn a_leader_that_changes_between_two_looks_is_told_with_its_predecessor() {
        let after = picture(8, &[(1, F, 3, 101), (2, F, 3, 101), (3, L, 3, 101)]);
        let events = between(&healthy(), &after, 5);
        assert_eq!(events.iter().map(Event::words).collect::<Vec<_>>(), ["node 3 leads in term 8; before it, node 1"]);
    }

    #[test]
    fn a_gap_between_two_questions_is_told_without_its_length() {
        let mut log = Log::default();
        log.extend(between(&healthy(), &picture(8, &[(2, F, 0, 101), (3, F, 0, 101)]), 1_000));
        log.extend(between(
            &picture(8, &[(2, F, 0, 101), (3, F, 0, 101)]),
            &picture(8, &[(2, L, 2, 101), (3, F, 2, 101)]),
            1_010,
        ));
        assert_eq!(words(&log).last().unwrap(), "node 2 leads in term 8; before it, node 1");
    }

    #[test]
    fn a_leader_that_is_elected_again_is_told_with_its_new_term() {
        let after = picture(9, &[(1, L, 1, 101), (2, F, 1, 101), (3, F, 1, 101)]);
        assert_eq!(between(&healthy(), &after, 5)[0].words(), "node 1 leads in term 9");
    }

    #[test]
    fn nothing_happens_between_two_equal_pictures() {
        assert_eq!(between(&healthy(), &healthy(), 5), []);
        assert_eq!(between(&Cluster::default(), &Cluster::default(), 5), []);
    }

    #[test]
    fn a_quick_restart_and_a_new_version_are_seen() {
        let mut after = healthy();
        let status = &mut after.nodes.get_mut(&2).unwrap().status;
        status.uptime_seconds = 1;
        status.version = "0.2.0".into();
        let told: Vec<String> = between(&healthy(), &after, 5).iter().map(Event::words).collect();
        assert_eq!(told, ["node 2 was started anew", "node 2 runs version 0.2.0 instead of 0.1.0"]);
    }

    #[test]
    fn notices_come_and_go() {
        let mut after = healthy();
        after.nodes.get_mut(&3).unwrap().status.notice = "the disk is \u{1b}[31mfull".into();
        let come = between(&healthy(), &after, 5);
        assert_eq!(come[0].words(), "node 3 says: the disk is [31mfull");
        assert_eq!(come[0].weight(), Weight::Bad);
        assert_eq!(between(&after, &healthy(), 6)[0].words(), "node 3 no longer says: the disk is [31mfull");
    }

    #[test]
    fn falling_behind_and_catching_up_are_each_told_once() {
        let at = |applied: u64| {
            let mut cluster = healthy();
            for member in cluster.nodes.values_mut() {
                member.status.commit_index = 5_000;
                member.status.applied_index = 5_000;
            }
            cluster.nodes.get_mut(&2).unwrap().status.applied_index = applied;
            cluster
        };
        let mut log = Log::default();
        for (before, after) in [(5_000, 3_000), (3_000, 3_500), (3_500, 4_500), (4_500, 5_000), (4_980, 5_000)] {
            log.extend(between(&at(before), &at(after), 5));
        }
        assert_eq!(words(&log), ["node 2 is 2000 entries behind", "node 2 has caught up"]);
    }

    #[test]
    fn a_snapshot_is_told_when_its_sending_begins() {
        let mut after = healthy();
        let transfer =
            SnapshotTransfer { node_id: 3, sending: true, bytes_total: 40 << 20, ..SnapshotTransfer::default() };
        after.nodes.get_mut(&1).unwrap().status.snapshots = vec![transfer];
        assert_eq!(between(&healthy(), &after, 5)[0].words(), "node 1 sends node 3 a snapshot of 40.0 MiB");
        assert_eq!(between(&after, &after, 6), []);
    }

    #[test]
    fn members_that_come_and_go_are_told() {
        let mut larger = healthy();
        larger.nodes.insert(4, larger.nodes[&1].clone());
        assert_eq!(between(&healthy(), &larger, 5)[0].words(), "node 4 is a member now");
        assert_eq!(between(&larger, &healthy(), 5)[0].words(), "node 4 is no member any more");
    }

    #[test]
    fn what_becomes_of_memberships_is_told_as_it_happens() {
        use MemberStanding::{Learner, Leaving, Voter};
        let with = |standing: MemberStanding, drained: bool, degraded: bool, joint: bool| {
            let member = |node_id| v1::Member { node_id, standing: Voter.into(), ..v1::Member::default() };
            let third = v1::Member { standing: standing.into(), drained, degraded, ..member(3) };
            let members = vec![member(1), member(2), third];
            let membership = v1::Membership { members, joint, ..v1::Membership::default() };
            Cluster { membership: Some(membership), ..healthy() }
        };
        let story = [
            with(Learner, false, false, false),
            with(Learner, false, false, true),
            with(Voter, false, false, false),
            with(Voter, true, false, false),
            with(Learner, true, true, false),
            with(Learner, false, true, false),
            with(Leaving, false, true, false),
        ];
        let told = story.windows(2).flat_map(|pair| between(&pair[0], &pair[1], 5));
        assert_eq!(
            told.map(|event| event.words()).collect::<Vec<_>>(),
            [
                "two sets of voters count, until the change of the membership is done",
                "node 3 votes now",
                "node 3 is drained: it does not lead, and gives its vote away when it can",
                "node 3 votes no more, and stays as a learner",
                "node 3 has been silent for long; look after it",
                "node 3 takes part again: it is drained no more",
                "node 3 is to leave the cluster",
            ]
        );
    }

    #[test]
    fn only_the_latest_events_are_kept() {
        let mut log = Log::default();
        for at_ms in 0..1_500 {
            log.extend(vec![Event { at_ms, node: Some(1), what: What::Restarted }]);
        }
        assert_eq!(log.newest_first().count(), KEPT);
        assert_eq!(log.newest_first().next().unwrap().at_ms, 1_499);
    }
}
