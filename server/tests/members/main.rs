//! Who belongs to the cluster: growing it, what is refused, what operators ask for, and a lost majority.

mod lab;

use lab::{Lab, eventually};
use lectern_proto::v1::{
    CreateJoinTokenRequest, DrainNodeRequest, JoinRequest, ListJoinTokensRequest, ListMembershipEventsRequest,
    RemoveNodeRequest, RestoreNodeRequest, RevokeJoinTokenRequest, TransferLeaderRequest,
};
use lectern_raft::Identity;
use lectern_rpc::proof::Prover;
use lectern_server::node::features;
use lectern_server::recover::Survivor;
use lectern_server::store::{Caches, NodeDisk};
use tonic::{Code, Status};

/// Who nodes say they are.
const SOMEONE: &str = "01K4ZZZZZZZZZZZZZZZZZZZZZ1";
const FIRST: &str = "01K4ZZZZZZZZZZZZZZZZZZZZZ2";

fn join_request(token: &str, incarnation: &str) -> JoinRequest {
    JoinRequest {
        token: token.into(),
        incarnation: incarnation.into(),
        client_address: "127.0.0.1:1".into(),
        peer_address: "127.0.0.1:2".into(),
        version: "9".into(),
        max_feature_level: features::newest(),
    }
}

#[test]
fn a_cluster_grows_from_one_to_three_and_everyone_knows_the_members_after_a_restart_of_all() {
    let mut lab = Lab::new(3, 1);
    lab.start(1);
    let token = lab.token(2);
    for machine in [2, 3] {
        assert_eq!(lab.join(machine, &token).unwrap().node, machine as u64);
        assert_eq!(lab.join(machine, "not even looked at").unwrap().node, machine as u64, "it simply starts later");
        lab.start(machine);
    }
    lab.await_members(&[1, 2, 3], &[]);
    for machine in [1, 2, 3] {
        lab.stop(machine);
    }
    for machine in [1, 2, 3] {
        lab.start(machine);
    }
    lab.await_members(&[1, 2, 3], &[]);
    // Node 2 has what came before it from a snapshot only; as the leader it answers out of that.
    let transfer = TransferLeaderRequest { node_id: 2, only_ask: false };
    eventually("node 2 to lead", || {
        let _leads_already = lab.operate(1, transfer);
        (lab.leader() == 2).then_some(())
    });
    let tokens = lab.operate_soon(2, &ListJoinTokensRequest {}).unwrap().tokens;
    assert_eq!((tokens.len(), tokens[0].uses, tokens[0].uses_left, &tokens[0].created_by[..]), (1, 2, 0, "ada"));
    let events = lab.operate_soon(2, &ListMembershipEventsRequest {}).unwrap().events;
    let told = |text: &str| events.iter().any(|event| event.text.contains(text));
    assert!(told("node 2 is a learner") && told("node 3 votes"), "{events:?}");
}

#[test]
fn tokens_that_are_wrong_expired_used_up_or_revoked_let_nobody_in() {
    let mut lab = Lab::new(1, 1);
    lab.start(1);
    let refused = |token: &str, text: &str| {
        let status = lab.call(1, None, join_request(token, SOMEONE)).unwrap_err();
        assert!(status.message().contains(text), "{status:?}");
    };
    let token = lab.token(1);
    refused("lcj_nonsense", "no join token");
    let cluster = token.rsplit_once('.').unwrap().1;
    refused(&token.replace(cluster, "01JZZZZZZZZZZZZZZZZZZZZZZZ"), "and this is cluster");
    let forged = format!("lcj_{}.{cluster}", "ab".repeat(32));
    refused(&forged, "does not know the join token");
    assert_eq!(lab.call(1, None, join_request(&token, FIRST)).unwrap().node_id, 2);
    refused(&token, "used up");
    assert_eq!(lab.call(1, None, join_request(&token, FIRST)).unwrap().node_id, 2, "its answer was lost");
    let token_id = lab.operate(1, ListJoinTokensRequest {}).unwrap().tokens[0].token_id.clone();
    lab.operate(1, RevokeJoinTokenRequest { token_id }).unwrap();
    let revoked = lab.call(1, None, join_request(&token, FIRST)).unwrap_err();
    assert!(revoked.message().contains("was revoked"), "the secret is told no more: {revoked:?}");
    let short = CreateJoinTokenRequest { lifetime_ms: 1, ..CreateJoinTokenRequest::default() };
    let made = lab.operate(1, short).unwrap();
    let expires_at_ms = made.info.unwrap().expires_at_ms;
    eventually("the token's end", || (lab.node(1).now_ms() > expires_at_ms).then_some(()));
    refused(&made.token, "expired");
    let made = lab.operate(1, CreateJoinTokenRequest::default()).unwrap();
    let token_id = made.info.unwrap().token_id;
    lab.operate(1, RevokeJoinTokenRequest { token_id }).unwrap();
    refused(&made.token, "does not know the join token");
    let endless = CreateJoinTokenRequest { lifetime_ms: i64::MAX, ..CreateJoinTokenRequest::default() };
    assert_eq!(lab.operate(1, endless).unwrap_err().code(), Code::InvalidArgument);
}

#[test]
fn an_old_release_or_a_node_that_cannot_be_found_is_not_let_in() {
    let mut lab = Lab::new(1, 1);
    lab.start(1);
    let token = lab.token(1);
    let old = JoinRequest { max_feature_level: 1, ..join_request(&token, SOMEONE) };
    assert!(lab.call(1, None, old).unwrap_err().message().contains("install the release"));
    let nowhere = JoinRequest { peer_address: "n4".into(), ..join_request(&token, SOMEONE) };
    assert!(lab.call(1, None, nowhere).unwrap_err().message().contains("not HOST:PORT"));
    for incarnation in ["", "disk 4", &"x".repeat(10_000), "01K4ZZZZZZZZZZZZZZZZZZZZ\n1"] {
        let status = lab.call(1, None, join_request(&token, incarnation)).unwrap_err();
        assert!(status.message().contains("name its disk"), "{status:?}");
    }
    for version in ["1\u{1b}[2J", &"9".repeat(100)] {
        let odd = JoinRequest { version: version.into(), ..join_request(&token, SOMEONE) };
        assert!(lab.call(1, None, odd).unwrap_err().message().contains("release"));
    }
    let cluster = token.rsplit_once('.').unwrap().1;
    let forged = format!("lcj_{}.{cluster}", "ab".repeat(32));
    let old = JoinRequest { max_feature_level: 0, ..join_request(&forged, SOMEONE) };
    let told = lab.call(1, None, old).unwrap_err();
    assert!(told.message().contains("does not know the join token"), "a stranger learns nothing else: {told:?}");
    let tokens = lab.operate(1, ListJoinTokensRequest {}).unwrap().tokens;
    assert_eq!(tokens[0].uses_left, 1, "refusals use nothing up");
}

#[test]
fn a_join_that_is_repeated_after_a_crash_gets_the_same_number() {
    let mut lab = Lab::new(2, 1);
    lab.start(1);
    let token = lab.token(1);
    // The node had written down who it is, had asked, and had not heard the answer.
    let incarnation = ulid::Ulid::generate().to_string();
    let number = lab.call(1, None, join_request(&token, &incarnation)).unwrap().node_id;
    std::fs::create_dir_all(lab.data_dir(2)).unwrap();
    std::fs::write(lab.data_dir(2).join("joining"), &incarnation).unwrap();
    let identity = lab.join(2, &token).unwrap();
    assert_eq!((identity.node, identity.incarnation), (number, incarnation));
    lab.start(2);
    lab.await_members(&[1], &[number]);
    // It asked from elsewhere at first; where it is now is what counts.
    let node = |lab: &Lab| lab.node(1).status().nodes.into_iter().find(|node| node.node_id == number);
    eventually("the new address", || (node(&lab)?.client_address == lab.client_address(2)).then_some(()));
}

#[test]
fn a_member_that_comes_back_with_an_empty_disk_is_turned_away() {
    let mut lab = Lab::new(3, 1);
    lab.start(1);
    let token = lab.token(2);
    for machine in [2, 3] {
        lab.join(machine, &token).unwrap();
        lab.start(machine);
    }
    lab.await_members(&[1, 2, 3], &[]);
    lab.stop(3);
    let data = lab.data_dir(3);
    let joined = std::fs::read(data.join("joined.json")).unwrap();
    let before = NodeDisk::open(&data, &Caches::new(8 << 20, 8 << 20)).unwrap().identity.unwrap();
    std::fs::remove_dir_all(&data).unwrap();
    let disk = NodeDisk::open(&data, &Caches::new(8 << 20, 8 << 20)).unwrap();
    std::fs::write(data.join("joined.json"), joined).unwrap();
    lectern_raft::found(&disk.log, &Identity { incarnation: "another".into(), ..before }, &[]).unwrap();
    drop(disk);
    lab.start(3);
    eventually("the refusal", || {
        let nodes = lab.node(3).status().nodes;
        nodes.iter().any(|node| node.notice.contains("lost its disk")).then_some(())
    });
    assert_eq!(lab.node(3).status().self_.unwrap().applied_index, 0);
}

#[test]
fn only_operators_operate() {
    let mut lab = Lab::new(1, 1);
    lab.start(1);
    lab.leader();
    let refused = |status: Status| {
        assert_eq!(status.code(), Code::PermissionDenied);
        assert!(status.message().contains("operator.key"), "{status:?}");
    };
    let stranger = Prover::new([1; 32]);
    for prover in [None, Some(&stranger)] {
        refused(lab.call(1, prover, CreateJoinTokenRequest::default()).unwrap_err());
        refused(lab.call(1, prover, ListJoinTokensRequest {}).unwrap_err());
        refused(lab.call(1, prover, RevokeJoinTokenRequest::default()).unwrap_err());
        refused(lab.call(1, prover, ListMembershipEventsRequest {}).unwrap_err());
        refused(lab.call(1, prover, RemoveNodeRequest { node_id: 1, only_ask: true }).unwrap_err());
        refused(lab.call(1, prover, DrainNodeRequest { node_id: 1, only_ask: true }).unwrap_err());
        refused(lab.call(1, prover, RestoreNodeRequest { node_id: 1, only_ask: true }).unwrap_err());
        refused(lab.call(1, prover, TransferLeaderRequest { node_id: 1, only_ask: true }).unwrap_err());
    }
    assert!(lab.operate(1, ListJoinTokensRequest {}).unwrap().tokens.is_empty());
}

#[test]
fn operators_hand_leadership_over_drain_restore_and_remove_and_are_told_what_happens() {
    let mut lab = Lab::new(4, 3);
    (1..=3).for_each(|machine| lab.start(machine));
    lab.await_members(&[1, 2, 3], &[]);
    let leader = lab.leader();
    let other = if leader == 1 { 2 } else { 1 };
    let transfer = |to: usize, only_ask| TransferLeaderRequest { node_id: to as u64, only_ask };
    // A voter is healthy once it has caught up with what was committed a second ago.
    let asked = eventually("another healthy voter", || lab.operate(other, transfer(other, true)).ok()).text;
    assert_eq!(asked, format!("node {leader} hands leadership to node {other}"));
    assert_eq!(lab.leader(), leader, "it was only asked about");
    assert_eq!(lab.operate_soon(other, &transfer(other, false)).unwrap().text, format!("node {other} leads"));
    let again = lab.operate_soon(leader, &transfer(lab.leader(), false)).unwrap_err();
    assert!(again.message().contains("leads already"), "{again:?}");

    let drained = lab.leader();
    let drain = |only_ask| DrainNodeRequest { node_id: drained as u64, only_ask };
    eventually("a successor", || lab.operate(drained, drain(true)).ok());
    let text = lab.operate_soon(drained, &drain(false)).unwrap().text;
    assert!(text.contains("does not lead from now on"), "{text}");
    eventually("the next leader", || (lab.leader() != drained).then_some(()));
    let shown = || lab.membership()?.members.into_iter().find(|member| member.node_id == drained as u64);
    eventually("the drained node in the status", || shown()?.drained.then_some(()));
    let restore = RestoreNodeRequest { node_id: drained as u64, only_ask: false };
    assert!(lab.operate_soon(drained, &restore).unwrap().text.contains("may vote and lead again"));
    assert!(lab.operate_soon(drained, &restore).unwrap_err().message().contains("is not drained"));

    let remove = |node_id| RemoveNodeRequest { node_id, only_ask: false };
    let refused = lab.operate_soon(drained, &remove(drained as u64)).unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("let another node join first"), "{refused:?}");
    assert!(lab.operate_soon(1, &remove(9)).unwrap_err().message().contains("there is no node 9"));
    let token = lab.token(1);
    lab.join(4, &token).unwrap();
    lab.start(4);
    lab.await_members(&[1, 2, 3], &[4]);
    lab.stop(4);
    // Removed while it is away: one that runs would stop the process, as a removed node does.
    assert!(lab.operate_soon(1, &remove(4)).unwrap().text.contains("leaves at once"));
    lab.await_members(&[1, 2, 3], &[]);
    let events = lab.operate_soon(1, &ListMembershipEventsRequest {}).unwrap().events;
    let told: Vec<_> = events.iter().map(|event| (&event.operator[..], &event.text[..])).collect();
    assert_eq!(told[..2], [("", "node 4 has left the cluster"), ("ada", "node 4 is to leave for good")]);
}

#[test]
fn one_survivor_of_a_lost_majority_becomes_the_cluster_and_those_left_behind_are_told() {
    let mut lab = Lab::new(4, 3);
    (1..=3).for_each(|machine| lab.start(machine));
    lab.await_members(&[1, 2, 3], &[]);
    (1..=3).for_each(|machine| lab.stop(machine));
    let identity = Survivor::open(&lab.data_dir(2)).unwrap().recover().unwrap();
    lab.start(2);
    lab.await_members(&[2], &[]);
    assert_eq!(lab.membership().unwrap().epoch, identity.epoch);
    // A node of before looks for its old cluster.
    lab.start(3);
    eventually("the refusal", || {
        let nodes = lab.node(3).status().nodes;
        nodes.iter().any(|node| node.notice.contains("at epoch") && node.notice.contains("join again")).then_some(())
    });
    lab.stop(3);
    std::fs::remove_dir_all(lab.data_dir(3)).unwrap();
    let token = lab.token(1);
    assert_eq!(lab.join(3, &token).unwrap().node, 4, "number 3 is used up");
    lab.start(3);
    lab.await_members(&[2], &[4]);
}
