//! Nodes that join, leave, are replaced, and come back, while everybody goes on working.

use lectern_tests::cluster::{PATIENCE, QUICK_MEMBERSHIP};
use lectern_tests::load::Load;
use lectern_tests::{Class, Cluster, wait};

const WRITERS: usize = 3;

/// A class on so many nodes that soon notice who comes and goes, with one assignment.
fn class(nodes: u32) -> Class {
    let mut cluster = Cluster::found(nodes);
    cluster.extra_config = QUICK_MEMBERSHIP.into();
    let class = Class::of(cluster);
    class.assignment("hw1", &[]);
    class
}

/// Kills a node, and waits until its vote is another's.
fn lose_vote(cluster: &mut Cluster, node: u32, voters: &[u32]) {
    cluster.kill(node);
    wait::until(&format!("node {node} to be shown as degraded"), PATIENCE, || {
        (cluster.member(node)["degraded"] == true).then_some(())
    });
    cluster.await_voters(voters);
}

#[test]
fn a_cluster_grows_from_one_to_five_and_shrinks_to_three_under_load_and_loses_nothing() {
    let mut class = class(1);
    let load = Load::on(&class, "hw1", WRITERS);
    // Voters come in pairs: the second node waits for a third.
    class.cluster.add_node();
    class.cluster.add_node();
    class.cluster.await_voters(&[1, 2, 3]);
    load.await_more();
    class.cluster.add_node();
    class.cluster.add_node();
    class.cluster.await_voters(&[1, 2, 3, 4, 5]);
    load.await_more();
    // The founder first, which may lead; another one gives up its vote with it, and then leaves, too.
    class.cluster.remove_node(1);
    let partner = *class.cluster.standing("learner").first().expect("one became a learner");
    load.await_more();
    class.cluster.remove_node(partner);
    let left: Vec<u32> = (2..=5).filter(|node| *node != partner).collect();
    class.cluster.await_voters(&left);
    class.cluster.assert_none_stopped();
    let acknowledged = load.finish("hw1");
    assert!(acknowledged > 100, "{acknowledged} writes are no load");
}

#[test]
fn all_three_nodes_are_replaced_one_after_the_other_under_load_and_nothing_is_lost() {
    let mut class = class(3);
    let load = Load::on(&class, "hw1", WRITERS);
    for old in 1..=3 {
        let new = class.cluster.add_node();
        class.cluster.remove_node(old);
        let voters: Vec<u32> = (old + 1..=new).collect();
        class.cluster.await_voters(&voters);
        load.await_more();
    }
    class.cluster.await_voters(&[4, 5, 6]);
    class.cluster.await_caught_up();
    class.cluster.assert_none_stopped();
    load.finish("hw1");
}

#[test]
fn what_was_ordered_is_carried_out_though_the_leader_is_killed_meanwhile() {
    let mut class = class(3);
    let load = Load::on(&class, "hw1", WRITERS);
    let spare = class.cluster.add_node();
    let leader = class.cluster.await_leader();
    let leaving = (1..=3).find(|node| *node != leader).expect("three nodes");
    class.cluster.order(&["remove", &leaving.to_string(), "--yes"]);
    class.cluster.kill(leader);
    class.cluster.await_leader();
    // The spare may have taken the place of the one that was killed: then that one takes the place of the one that leaves.
    class.cluster.start_node(leader);
    // Nobody orders it again.
    wait::until("the node to have left", PATIENCE, || class.cluster.member(leaving).is_null().then_some(()));
    class.cluster.retire(leaving);
    load.await_more();
    let voters: Vec<u32> = (1..=3).filter(|node| *node != leaving).chain([spare]).collect();
    class.cluster.await_voters(&voters);
    class.cluster.assert_none_stopped();
    load.finish("hw1");
}

#[test]
fn a_removed_node_and_a_wiped_one_are_refused_with_what_to_do() {
    let mut class = class(3);
    let added = class.cluster.add_node();
    class.cluster.remove_node(added);
    class.cluster.start_node(added);
    let stopped = |class: &mut Class, node: u32| {
        wait::until(&format!("node {node} to stop"), PATIENCE, || (!class.cluster.runs(node)).then_some(()));
        class.cluster.kill(node);
        class.cluster.log(node)
    };
    let log = stopped(&mut class, added);
    for words in ["removed from the cluster", "empty its data directory"] {
        assert!(log.contains(words), "`{words}` is missing:\n{log}");
    }
    // Founded again under the number it had, with an empty disk.
    let leader = class.cluster.await_leader();
    let wiped = (1..=3).find(|node| *node != leader).expect("three nodes");
    class.cluster.kill(wiped);
    class.cluster.wipe(wiped);
    class.cluster.found_again(wiped);
    class.cluster.start_node(wiped);
    wait::until("the others to refuse the wiped node", PATIENCE, || {
        let log = class.cluster.log(wiped);
        (log.contains("disk") && log.contains("join")).then_some(())
    });
    // It has no say: with it and one other node there is no majority.
    let other = (1..=3).find(|node| *node != leader && *node != wiped).expect("three nodes");
    class.cluster.kill(other);
    wait::until("the leader to have lost its majority", PATIENCE, || {
        class.cluster.status()["leader"].is_null().then_some(())
    });
    class.cluster.start_node(other);
    class.cluster.await_leader();
}

#[test]
fn a_voter_that_is_away_for_long_gives_its_vote_to_a_spare_and_comes_back_as_a_learner() {
    let mut class = class(3);
    let spare = class.cluster.add_node();
    let leader = class.cluster.await_leader();
    let away = (1..=3).find(|node| *node != leader).expect("three nodes");
    let voters: Vec<u32> = (1..=3).filter(|node| *node != away).chain([spare]).collect();
    lose_vote(&mut class.cluster, away, &voters);
    // Two of the voters that are left are a majority without it.
    let other = (1..=3).find(|node| *node != away && *node != leader).expect("three nodes");
    class.cluster.kill(other);
    class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], "with the spare's vote").ok();
    class.cluster.start_node(other);
    class.cluster.start_node(away);
    wait::until("it to be back as a healthy learner", PATIENCE, || {
        let member = class.cluster.member(away);
        (member["standing"] == "learner" && member["health"] == "healthy").then_some(())
    });
    class.cluster.await_caught_up();
    class.cluster.assert_none_stopped();
}

#[test]
fn only_operators_are_obeyed_and_what_they_order_is_asked_about_and_written_down() {
    let mut class = class(3);
    let cluster = &mut class.cluster;
    cluster.join_token();
    let refused = |args: &[&str], reason: &str, code: i32| cluster.monitor().run(args).refused(code, reason);
    refused(&["drain", "2", "--yes"], "NOT_AN_OPERATOR", 1);
    refused(&["members", "token", "list"], "NOT_AN_OPERATOR", 1);
    assert!(cluster.members()["members"].as_array().is_some_and(|all| all.len() == 3), "anybody may look");
    wait::until("the leader to know that all are well", PATIENCE, || {
        (1..=3).all(|node| cluster.member(node)["health"] == "healthy").then_some(())
    });
    // Nobody is there who could answer a question.
    cluster.operate(&["drain", "2"]).refused(2, "USAGE");
    cluster.operate(&["remove", "9", "--yes"]).refused(1, "MEMBERSHIP");
    let last = cluster.operate(&["remove", "3", "--yes"]).refused(1, "MEMBERSHIP");
    assert!(last["error"]["message"].as_str().is_some_and(|why| why.contains("let another node join first")), "{last}");

    let leader = cluster.await_leader();
    let moved = cluster.order(&["transfer-leader", "--yes"]);
    assert_eq!(moved["done"], true, "{moved}");
    assert_ne!(u64::from(leader), moved["node"].as_u64().expect("a node"));
    let drained = cluster.await_leader().to_string();
    cluster.order(&["drain", &drained, "--yes"]);
    wait::until("another leader", PATIENCE, || (cluster.await_leader().to_string() != drained).then_some(()));
    let number: u32 = drained.parse().expect("a number");
    wait::until("it to be shown as drained", PATIENCE, || (cluster.member(number)["drained"] == true).then_some(()));
    cluster.operate(&["transfer-leader", &drained, "--yes"]).refused(1, "MEMBERSHIP");
    cluster.operate(&["restore", &drained]).ok();
    cluster.order(&["transfer-leader", &drained, "--yes"]);

    let events = cluster.operate(&["members", "history"]).json();
    let by_ada = events["events"].as_array().into_iter().flatten().filter(|event| event["operator"] == "ada").count();
    assert!(by_ada >= 3, "a token, a drain and a restore: {events}");
    let tokens = cluster.operate(&["members", "token", "list"]).json();
    let id = tokens["tokens"][0]["token_id"].as_str().expect("a token").to_owned();
    cluster.operate(&["members", "token", "revoke", &id]).ok();
}

#[test]
fn a_leader_that_was_elected_a_moment_ago_is_asked_and_does_not_say_no() {
    let mut class = class(3);
    let cluster = &mut class.cluster;
    cluster.join_token();
    for _ in 0..3 {
        let killed = cluster.kill_leader();
        let leader = cluster.await_leader();
        let third = (1..=3).find(|node| *node != leader && *node != killed).expect("three nodes");
        // At once, and only once.
        let moved = cluster.operate(&["transfer-leader", &third.to_string(), "--yes"]).json();
        assert_eq!(moved["done"], true, "{moved}");
        cluster.start_node(killed);
        cluster.await_caught_up();
    }
    cluster.assert_none_stopped();
}

#[test]
fn in_a_secured_cluster_a_certificate_makes_an_operator_and_a_new_node_gets_its_own() {
    let mut cluster = Cluster::found_secured(1);
    cluster.extra_config = QUICK_MEMBERSHIP.into();
    cluster.start_all();
    cluster.monitor().run(&["members", "token", "create"]).refused(1, "NOT_AN_OPERATOR");
    let status = cluster.operate(&["status"]).json();
    assert_eq!(status["operator"], "ada", "{status}");
    for _ in 0..2 {
        cluster.add_node();
    }
    cluster.await_voters(&[1, 2, 3]);
    // By way of a node that passes it on, too.
    let leader = cluster.await_leader();
    let next = (1..=3).find(|node| *node != leader).expect("three nodes");
    cluster.order(&["transfer-leader", &next.to_string(), "--yes"]);
    wait::until("the hand-over", PATIENCE, || (cluster.await_leader() == next).then_some(()));
    cluster.assert_none_stopped();
}
