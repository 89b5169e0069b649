//! A cluster of three for tests: node 1 leads in term 7.

use lectern_proto::v1::{
    GetStatusResponse, LeadershipChange, Member, MemberStanding, Membership, NodeRole, NodeStatus,
};

use crate::effects::Answer;
use crate::model::Model;

/// The moment tests begin with: 1 December 2025, 23:59 UTC.
pub const START_MS: i64 = 1_764_633_540_000;

/// A node's address.
pub fn address(node: u64) -> String {
    format!("127.0.0.{node}:7600")
}

/// What a node says of itself.
pub fn status(node: u64, leader: u64, commit: u64) -> NodeStatus {
    let role = if node == leader { NodeRole::Leader } else { NodeRole::Follower };
    NodeStatus {
        node_id: node,
        client_address: address(node),
        peer_address: format!("127.0.0.{node}:7601"),
        role: role.into(),
        commit_index: commit,
        applied_index: commit,
        first_index: 1,
        last_index: commit,
        reachable: true,
        match_index: commit,
        clock_offset_seconds: Some(0.003),
        version: "0.1.0".into(),
        uptime_seconds: 11_040,
        disk_free_bytes: 12 << 30,
        disk_total_bytes: 40 << 30,
        resident_bytes: 120 << 20,
        last_contact_ms: Some(0),
        elections_total: 2,
        log_bytes: 3 << 20,
        state_bytes: 17 << 20,
        log_sync_p50_us: Some(900),
        log_sync_p99_us: Some(4_200),
        commit_latency_p50_us: (node == leader).then_some(3_100),
        commit_latency_p99_us: (node == leader).then_some(8_000),
        ..NodeStatus::default()
    }
}

/// A node's answer.
pub fn answer(node: u64, leader: u64, term: u64, commit: u64) -> Answer {
    let others = (1..=3).map(|other| NodeStatus { last_contact_ms: Some(80 * other), ..status(other, leader, commit) });
    let view = GetStatusResponse {
        operator: String::new(),
        cluster_id: "lectern".into(),
        self_: Some(status(node, leader, commit)),
        leader_id: leader,
        term,
        nodes: others.collect(),
        now_ms: START_MS,
        feature_level: 1,
        leadership_changes: vec![LeadershipChange {
            at_ms: START_MS - 60_000,
            term,
            role: status(node, leader, commit).role,
            leader_id: leader,
        }],
        membership: None,
    };
    let answer = Answer { address: address(node), round_trip_us: 300 + 100 * node, result: Ok(Box::new(view)) };
    with_members(answer, (1..=3).map(|node| member(node, MemberStanding::Voter)).collect())
}

/// A healthy member, as a leader sees it.
pub fn member(node_id: u64, standing: MemberStanding) -> Member {
    Member { node_id, standing: standing.into(), healthy_ms: Some(60_000), ..Member::default() }
}

/// The same answer in a cluster of these members; one of them that learns says so.
pub fn with_members(mut answer: Answer, members: Vec<Member>) -> Answer {
    let Ok(view) = &mut answer.result else { return answer };
    let (leader, own) = (view.leader_id, view.self_.as_mut().expect("it speaks of itself"));
    let role = |member: &Member, role: NodeRole| {
        if member.standing() == MemberStanding::Learner { NodeRole::Learner } else { role }
    };
    if let Some(member) = members.iter().find(|member| member.node_id == own.node_id) {
        own.role = role(member, own.role()).into();
    }
    let seen_by_leader = own.node_id == leader;
    let known = members.iter().map(|member| NodeStatus {
        last_contact_ms: Some(80 * member.node_id),
        ..status(member.node_id, leader, own.commit_index)
    });
    view.nodes = known.collect();
    let mut membership = Membership { members, seen_by_leader, target_voters: 5, ..Membership::default() };
    if !seen_by_leader {
        for member in &mut membership.members {
            (member.silent_ms, member.healthy_ms, member.degraded) = (None, None, false);
            member.next.clear();
        }
    }
    view.membership = Some(membership);
    answer
}

/// A node that does not answer.
pub fn no_answer(node: u64, problem: &str) -> Answer {
    Answer { address: address(node), round_trip_us: 0, result: Err(problem.into()) }
}

/// A model that has seen all three.
pub fn seen() -> Model {
    let mut model = Model::new((1..=3).map(address).collect());
    for node in 1..=3 {
        model.take_in(answer(node, 1, 7, 1_204), 1_000);
    }
    model
}
