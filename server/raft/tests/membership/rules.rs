//! Each rule, by name.

use lectern_raft::membership::{Observations, Request, Settings, answer, decide, outlook};

use super::notation::{NOW, seen, settings};

const NOTHING: &str = "";

fn decided(seen: &Observations, settings: &Settings) -> String {
    decide(seen, settings, NOW).map_or(String::new(), |change| change.sentence())
}

/// Rules, clusters, and what is decided there.
fn hold(rows: &[(&str, &str, &str)]) {
    for (rule, line, expected) in rows {
        assert_eq!(&decided(&seen(line), &settings()), expected, "{rule}: {line}");
    }
}

#[test]
fn nodes_join_as_learners_one_by_one() {
    hold(&[
        ("an enrolled node joins as a learner", "v1* v2 v3 e4", "node 4 joins as a learner"),
        ("one at a time", "v1* v2 v3 e4 e5", "node 4 joins as a learner"),
        ("alone, too", "v1* e2", "node 2 joins as a learner"),
        ("while a voter is offline, too", "v1* v2 v3:off400 e4", "node 4 joins as a learner"),
        ("not while the voters are no healthy majority", "v1* v2:behind v3:off400 e4", NOTHING),
        ("not where there are nine members", "v1* v2 v3 v4 v5 l6 l7 l8 l9 e10", NOTHING),
    ]);
}

#[test]
fn voters_come_in_pairs_once_they_are_ready() {
    hold(&[
        ("one to three", "v1* l2 l3", "nodes 2 and 3 become voters"),
        ("one spare is not enough", "v1* l2", NOTHING),
        ("three to five", "v1* v2 v3 l4 l5", "nodes 4 and 5 become voters"),
        ("not yet ready to vote", "v1* v2 v3 l4 l5:new", NOTHING),
        ("behind", "v1* v2 v3 l4 l5:behind", NOTHING),
        ("silent", "v1* v2 v3 l4 l5:off3", NOTHING),
        ("five are enough", "v1* v2 v3 v4 v5 l6 l7", NOTHING),
        ("those healthy for the longest first", "v1* l2:new l3 l4", "nodes 3 and 4 become voters"),
        ("an even number is made odd", "v1* v2 l3", "node 3 becomes a voter"),
        ("an even number above the target stays", "v1* v2 v3 v4 v5 v6 l7", NOTHING),
        (
            "a voter that is away for a moment is no reason to wait",
            "v1* v2 v3:off60 l4 l5",
            "nodes 4 and 5 become voters",
        ),
    ]);
    let three = Settings { target_voters: 3, ..settings() };
    assert_eq!(decided(&seen("v1* v2 v3 l4 l5"), &three), NOTHING, "where three are wanted");
}

#[test]
fn a_degraded_voter_is_shown_and_nothing_is_changed() {
    hold(&[
        ("offline 30 s", "v1* v2 v3:off30 l4", NOTHING),
        ("one second before", "v1* v2 v3:off299 l4", NOTHING),
        ("behind is not offline", "v1* v2 v3:behind l4", NOTHING),
    ]);
    let outlook = outlook(&seen("v1* v2 v3:off72 l4"), &settings(), NOW);
    assert_eq!(outlook.nodes[&3], "offline 1:12; becomes a learner in 3:48; node 4 votes in its place");
}

#[test]
fn a_voter_that_stays_offline_gives_its_vote_to_a_spare() {
    let swap = "node 4 votes in the place of node 3, which stays as a learner";
    hold(&[
        ("offline 5 min and a spare", "v1* v2 v3:off300 l4", swap),
        ("no spare", "v1* v2 v3:off300", NOTHING),
        ("a spare that is not ready", "v1* v2 v3:off300 l4:new", NOTHING),
        ("a spare that is behind", "v1* v2 v3:off300 l4:behind", NOTHING),
        ("a spare that is silent", "v1* v2 v3:off300 l4:off9", NOTHING),
        ("a spare that is drained", "v1* v2 v3:off300 l4:drained", NOTHING),
        ("before the cluster grows", "v1* v2 v3:off300 l4 l5", swap),
        (
            "who is offline for longest first",
            "v1* v2 v3:off300 v4:off400 v5 l6",
            "node 6 votes in the place of node 4, which stays as a learner",
        ),
        (
            "in five as in three",
            "v1* v2 v3:off300 v4 v5 l6",
            "node 6 votes in the place of node 3, which stays as a learner",
        ),
    ]);
}

#[test]
fn a_node_that_returns_is_a_learner_and_promoted_when_there_is_room() {
    hold(&[
        ("no room for one alone", "v1* v2 v4 l3", NOTHING),
        ("room with another", "v1* v2 v4 l3 l5", "nodes 3 and 5 become voters"),
        ("a voter that comes back in time stays one", "v1* v2 v3 l4", NOTHING),
    ]);
}

#[test]
fn five_become_three_only_with_two_offline_and_three_healthy() {
    let shrink = "node 4 votes no more and stays as a learner and node 5 votes no more and stays as a learner";
    hold(&[
        ("two offline and three healthy", "v1* v2 v3 v4:off300 v5:off300", shrink),
        ("one offline", "v1* v2 v3 v4 v5:off300", NOTHING),
        ("the second one not for long enough", "v1* v2 v3 v4:off299 v5:off300", NOTHING),
        ("two healthy", "v1* v2 v3:behind v4:off300 v5:off300", NOTHING),
        ("three offline: a majority is missing", "v1* v2 v3:off300 v4:off300 v5:off300", NOTHING),
        (
            "a spare takes the place of one first",
            "v1* v2 v3 v4:off300 v5:off300 l6",
            "node 6 votes in the place of node 4, which stays as a learner",
        ),
        ("four become three with one offline", "v1* v2 v3 v4:off300", "node 4 votes no more and stays as a learner"),
        ("three stay three", "v1* v2:off300 v3", NOTHING),
        ("two stay two", "v1* v2:off300", NOTHING),
    ]);
}

#[test]
fn a_learner_that_is_silent_for_a_day_is_removed() {
    hold(&[
        ("silent for a day", "v1* v2 v3 l4:off86400", "node 4 leaves the cluster"),
        ("one second less", "v1* v2 v3 l4:off86399", NOTHING),
        ("a voter is not", "v1* v2 v3:off86400", NOTHING),
        (
            "the swap comes first",
            "v1* v2 v3:off300 l4 l5:off86400",
            "node 4 votes in the place of node 3, which stays as a learner",
        ),
    ]);
}

#[test]
fn operators_remove_nodes() {
    hold(&[
        ("a learner leaves at once", "v1* v2 v3 l4:leave", "node 4 leaves the cluster"),
        (
            "a voter when a spare takes its place",
            "v1* v2 v3:leave l4",
            "node 4 votes in the place of node 3, which leaves the cluster",
        ),
        ("one of three without a spare does not", "v1* v2 v3:leave", NOTHING),
        ("even if it is offline", "v1* v2 v3:leave:off999", NOTHING),
        (
            "one of five goes with another's vote",
            "v1* v2 v3 v4 v5:leave",
            "node 5 leaves the cluster and node 4 votes no more and stays as a learner",
        ),
        (
            "a sick one's first",
            "v1* v2:behind v3 v4 v5:leave",
            "node 5 leaves the cluster and node 2 votes no more and stays as a learner",
        ),
        ("one of four goes alone", "v1* v2 v3 v4:leave", "node 4 leaves the cluster"),
        ("the leader hands over first", "v1*:leave v2 v3 l4", "leadership is handed to node 2"),
        ("to one that is healthy", "v1*:leave v2:behind v3 l4", "leadership is handed to node 3"),
        ("to one that is to stay", "v1*:leave v2:leave v3:drained v4 v5", "leadership is handed to node 4"),
        ("if there is one", "v1*:leave v2:behind v3:off1 l4", NOTHING),
        ("the only voter does not leave", "v1*:leave l2", NOTHING),
        (
            "offline ones give up their votes first",
            "v1* v2 v3:leave v4:off300 v5 l6",
            "node 6 votes in the place of node 4, which stays as a learner",
        ),
        ("not where the others are no majority without it", "v1* v2:behind v3:leave l4", NOTHING),
    ]);
}

#[test]
fn operators_drain_nodes() {
    hold(&[
        ("a drained leader hands over", "v1*:drained v2 v3", "leadership is handed to node 2"),
        (
            "a drained voter gives its vote to a spare",
            "v1* v2 v3:drained l4",
            "node 4 votes in the place of node 3, which stays as a learner",
        ),
        ("and keeps it where there is none", "v1* v2 v3 v4 v5:drained", NOTHING),
        (
            "two drained of five give up their votes together",
            "v1* v2 v3 v4:drained v5:drained",
            "node 4 votes no more and stays as a learner and node 5 votes no more and stays as a learner",
        ),
        ("a drained learner is not promoted", "v1* v2 v3 l4 l5:drained", NOTHING),
        (
            "those that are to leave give up their votes first",
            "v1* v2:drained v3:leave l4",
            "node 4 votes in the place of node 3, which leaves the cluster",
        ),
    ]);
}

#[test]
fn only_a_leader_that_has_settled_decides_and_one_change_at_a_time() {
    let line = "v1* v2 v3:off300 l4";
    let guarded = |guard: &str, change: &dyn Fn(&mut Observations)| {
        let mut seen = seen(line);
        assert_ne!(decided(&seen, &settings()), NOTHING);
        change(&mut seen);
        assert_eq!(decided(&seen, &settings()), NOTHING, "{guard}");
    };
    guarded("not before it has committed in its own term", &|seen| seen.ready = false);
    guarded("not while the configuration is joint", &|seen| seen.joint = true);
    guarded("not while a change is in flight", &|seen| seen.busy = true);
    guarded("not without a majority", &|seen| seen.contact_since = None);
    guarded("not before the majority has been there for 10 s", &|seen| seen.contact_since = Some(NOW - 9_999));
    guarded("not by a node that does not vote", &|seen| seen.leader = 4);
}

fn answered(line: &str, request: Request) -> String {
    let answer = answer(&seen(line), &settings(), NOW, request);
    format!("{}: {}", if answer.granted { "yes" } else { "no" }, answer.text)
}

#[test]
fn a_leader_that_does_not_know_yet_who_is_well_says_so() {
    use Request::{Drain, Join, Remove, Restore, Transfer};
    let provisional = |contact_since, request| {
        let seen = Observations { contact_since, ..seen("v1* v2:behind v3:behind l4:drained") };
        answer(&seen, &settings(), NOW, request).provisional
    };
    let lag = settings().lag_ms;
    for request in [Remove(3), Drain(2), Transfer(2)] {
        assert!(provisional(None, request) && provisional(Some(NOW - lag), request), "{request:?}");
        assert!(!provisional(Some(NOW - lag - 1), request), "{request:?}: this one knows");
    }
    for request in [Join, Restore(4), Remove(4), Remove(9), Transfer(4)] {
        assert!(!provisional(None, request), "{request:?}: who is well does not matter");
    }
}

#[test]
fn operators_are_told_what_will_happen_or_what_is_in_the_way() {
    use Request::{Drain, Join, Remove, Restore, Transfer};
    let rows = [
        ("v1* v2 v3 l4", Remove(3), "yes: node 4 votes in the place of node 3, which leaves the cluster"),
        (
            "v1* v2 v3 l4",
            Remove(1),
            "yes: leadership is handed to node 2; then node 4 votes in the place of node 1, which leaves the cluster",
        ),
        ("v1* v2 v3 l4", Remove(4), "yes: node 4 is a learner, and leaves at once"),
        ("v1* v2 v3 e4", Remove(4), "yes: node 4 has never joined; its number is used up"),
        ("v1* v2 v3 l4:leave", Remove(4), "yes: node 4 is to leave already"),
        ("v1* v2 v3 l4", Remove(9), "no: there is no node 9 in the cluster"),
        (
            "v1* v2 v3",
            Remove(3),
            "no: node 3 cannot be removed now: no spare is ready to take its place; let another node join first, and try again once it is \
             ready to vote",
        ),
        (
            "v1* v2:behind v3 l4",
            Remove(3),
            "no: node 3 cannot be removed now: the healthy voters that would be left (node 1) are no majority of nodes 1, 2 and 3; bring a \
             voter back first",
        ),
        (
            "v1* v2:off9 v3:off9 l4",
            Remove(1),
            "no: node 1 cannot be removed now: it leads, and no other healthy voter could take over (voters: nodes 1, 2 and 3; \
             healthy: node 1)",
        ),
        (
            "v1* v2 v3:off400 v4 v5 l6",
            Remove(4),
            "yes: node 4 leaves the cluster and node 6 votes no more and stays as a learner",
        ),
        ("v1* v2 v3 l4", Drain(3), "yes: node 4 votes in the place of node 3, which stays as a learner"),
        (
            "v1* v2 v3",
            Drain(1),
            "yes: node 1 does not lead from now on; it keeps its vote for now: no spare is ready to take its place",
        ),
        ("v1* v2 v3:drained", Drain(3), "yes: node 3 is drained already"),
        ("v1* v2 v3:leave", Drain(3), "no: node 3 is to leave the cluster"),
        ("v1* v2 v3 l4", Drain(4), "yes: node 4 is a learner, and stays one"),
        ("v1* v2 v3 e4", Drain(4), "no: node 4 has not joined yet"),
        (
            "v1* l2",
            Drain(1),
            "no: node 1 cannot be drained now: it leads, and no other healthy voter could take over (voters: node 1; healthy: node 1)",
        ),
        ("v1* v2 v3:drained", Restore(3), "yes: node 3 may vote and lead again"),
        ("v1* v2 v3", Restore(3), "no: node 3 is not drained"),
        ("v1* v2 v3:leave", Restore(3), "no: node 3 is to leave the cluster, and a number is never used twice"),
        ("v1* v2 v3", Transfer(2), "yes: node 1 hands leadership to node 2"),
        ("v1* v2 v3", Transfer(1), "no: node 1 leads already"),
        ("v1* v2 v3 l4", Transfer(4), "no: node 4 is no voter, and only a voter can lead"),
        ("v1* v2:drained v3", Transfer(2), "no: node 2 is drained or to leave: it is not to lead"),
        ("v1* v2:behind v3", Transfer(2), "no: node 2 does not answer or is behind: it could not take over"),
        (
            "v1* v2 v3",
            Join,
            "yes: it becomes a learner, and a voter once it has been healthy for a while and there is room",
        ),
        (
            "v1* v2 v3 v4 v5 l6 l7 l8 e9",
            Join,
            "no: there are 9 members, the most there may be: remove one that is not needed first",
        ),
    ];
    for (line, request, expected) in rows {
        assert_eq!(answered(line, request), expected, "{request:?}: {line}");
    }
}

#[test]
fn everyone_can_see_what_will_happen_next_and_what_is_in_the_way() {
    let rows = [
        ("v1* v2 v3 e4", 4, "becomes a learner now"),
        ("v1* v2 v3 v4 v5 l6 l7 l8 l9 e10", 10, "waits: there are 9 members, the most there may be"),
        ("v1* v2:behind v3:off400 e4", 4, "joins when a majority is healthy"),
        ("v1* v2 v3 l4 l5:new", 5, "becomes a voter in 5 s"),
        ("v1* v2 v3 l4 l5:new", 4, "becomes a voter in 5 s"),
        ("v1* v2 v3 l4:new", 4, "ready to vote in 5 s"),
        ("v1* v2 v3 l4:behind", 4, "is behind and catches up"),
        ("v1* v2 v3 l4", 4, "ready to vote: waits for a second one, because voters come in pairs"),
        ("v1* v2 v3 v4 v5 l6", 6, "ready to vote in the place of one that goes offline"),
        ("v1* v2 v3 v4 v5 l6:drained", 6, "stays without a vote while it is drained"),
        ("v1* v2 v3 l4:off10", 4, "offline 0:10; leaves the cluster in 23:59:50"),
        ("v1* v2 v3 l4:off10 l5:off20", 4, "offline 0:10; removed at 24:00:00"),
        ("v1* v2:behind v3:behind l4:leave", 4, "leaves when a majority is healthy"),
        ("v1* v2 v3:off72", 3, "offline 1:12; replaced at 5:00 if a spare is healthy"),
        ("v1* v2 v3:off361", 3, "offline 6:01; keeps its vote: no spare is ready to take its place"),
        ("v1* v2 v3:drained", 3, "keeps its vote: no spare is ready to take its place"),
        ("v1* v2 v3:off300 l4", 3, "offline 5:00; becomes a learner now; node 4 votes in its place"),
        ("v1* v2 v3:off300 l4", 4, "becomes a voter now, in the place of node 3"),
        ("v1* v2 v3:leave l4:new", 3, "leaves the cluster in 5 s; node 4 votes in its place"),
        ("v1* v2 v3 v4:off300 v5:off200", 4, "offline 5:00; becomes a learner in 1:40"),
        ("v1*:drained v2 v3", 1, "hands leadership to node 2 now"),
        ("v1*:drained v2 v3", 2, "leads now"),
        ("v1*:drained v2:behind v3:behind", 1, "leads on, because no other healthy voter is to stay"),
        ("v1* v2:behind v3", 2, "is behind and catches up"),
        ("v1* v2 v3", 1, ""),
        ("v1* v2 v3", 2, ""),
    ];
    for (line, node, expected) in rows {
        let outlook = outlook(&seen(line), &settings(), NOW);
        let text = outlook.nodes.get(&node).map_or("", String::as_str);
        assert_eq!(text, expected, "node {node} in {line}");
    }
}
