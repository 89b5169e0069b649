//! The monitor in a real terminal, on real nodes.

use std::time::Duration;

use lectern_tests::Cluster;
use lectern_tests::pty_suite::Subject;
use lectern_tests::terminal::{Exit, Launch, Terminal};
use rustix::process::Signal;

/// The monitor on a cluster, wide enough for all it has to say.
fn launch(cluster: &Cluster) -> Launch {
    cluster.person("lectern-monitor").full_screen().size(120, 40)
}

/// One node is a cluster, and starts quickly.
fn subject() -> Subject {
    let mut cluster = Cluster::found(1);
    cluster.start_all();
    let launch = launch(&cluster);
    Subject { launch, ready: "Node 1 leads in term", rest: "space", keep: Box::new(cluster) }
}

lectern_tests::pty_suite!(subject);

fn watch(cluster: &Cluster) -> Terminal {
    let mut terminal = launch(cluster).start();
    terminal.wait_for("all answer, and 1 of 3 nodes may fail.");
    terminal
}

#[test]
fn a_killed_leader_is_shown_and_its_successor_is_named() {
    let mut cluster = Cluster::start();
    let mut terminal = watch(&cluster);
    let killed = cluster.kill_leader();
    terminal.wait_for(&format!("node {killed} does not answer"));
    let next = cluster.await_leader();
    assert_ne!(next, killed);
    terminal.wait_for(&format!("Node {next} leads in term"));
    terminal.wait_for("2 of 3 nodes answer, and no further one may fail.");
    terminal.wait_for(&format!("node {next} leads in term"));
    cluster.start_node(killed);
    terminal.wait_for(&format!("node {killed} answers again"));
    terminal.wait_for("all answer, and 1 of 3 nodes may fail.");
}

#[test]
fn with_all_nodes_dead_it_says_so_keeps_what_it_knew_and_sees_them_return() {
    let mut cluster = Cluster::start();
    let mut terminal = watch(&cluster);
    (1..=3).for_each(|node| cluster.kill(node));
    terminal.wait_for("No node answers");
    for node in 1..=3 {
        terminal.wait_for(&cluster.address(node));
    }
    cluster.start_all();
    terminal.wait_for("all answer, and 1 of 3 nodes may fail.");
}

#[test]
fn it_opens_on_a_cluster_that_is_not_there_and_finds_it_when_it_comes() {
    let mut cluster = Cluster::found(3);
    let mut terminal = launch(&cluster).start();
    terminal.wait_for("No node answers");
    // A minority knows the members, and has no leader.
    cluster.start_node(2);
    terminal.wait_for("No leader in term");
    terminal.wait_for("2 of 3 nodes are needed, and only 1 answers");
    cluster.start_all();
    terminal.wait_for("all answer, and 1 of 3 nodes may fail.");
}

#[test]
fn a_node_that_is_stopped_delays_no_other() {
    let mut cluster = Cluster::start();
    let mut terminal = watch(&cluster);
    let leader = cluster.await_leader();
    let follower = if leader == 1 { 2 } else { 1 };
    // It still accepts connections, and says nothing.
    cluster.signal(follower, "STOP");
    terminal.wait_for(&format!("node {follower} does not answer"));
    terminal.wait_for("2 of 3 nodes answer");
    cluster.signal(follower, "CONT");
    terminal.wait_for(&format!("node {follower} answers again"));
    terminal.wait_for("all answer, and 1 of 3 nodes may fail.");
}

#[test]
fn writes_are_seen_as_they_happen() {
    let cluster = Cluster::start();
    let mut terminal = watch(&cluster);
    terminal.wait_for("0/s, at most");
    // Each is a write.
    let admin = cluster.admin();
    for number in 0..20 {
        admin.run(&["account", "create", &format!("user{number}"), "--name", "Somebody"]).ok();
    }
    terminal.wait_until("a rate of writes above nothing", |screen| {
        let line = screen.lines().find(|line| line.contains("writes")).unwrap_or_default();
        line.contains("at most") && !line.contains("at most 0/s")
    });
}

#[test]
fn a_node_has_a_screen_of_its_own_and_the_next_one_is_a_key_away() {
    let cluster = Cluster::start();
    let mut terminal = watch(&cluster);
    terminal.keys("g enter");
    terminal.wait_for("cluster / node 1");
    terminal.wait_for("As the others see it");
    terminal.wait_for(&cluster.address(1));
    terminal.keys("]");
    terminal.wait_for("cluster / node 2");
    terminal.keys("[ [");
    terminal.wait_for("cluster / node 3");
    terminal.keys("esc");
    terminal.wait_gone("As the others see it");
    terminal.keys("q");
    assert_eq!(terminal.exit(), Exit::code(0));
    terminal.assert_restored();
}

#[test]
fn a_held_picture_stands_still_and_misses_nothing() {
    let mut cluster = Cluster::start();
    let mut terminal = watch(&cluster);
    terminal.keys("space");
    terminal.wait_for("held");
    let killed = cluster.kill_leader();
    cluster.await_leader();
    let screen = terminal.screen();
    assert!(screen.contains("all answer"), "{screen}");
    terminal.wait_quiet(Duration::from_secs(1));
    terminal.keys("space");
    terminal.wait_for(&format!("node {killed} does not answer"));
}

#[test]
fn a_paste_runs_no_key() {
    let subject = subject();
    let mut terminal = subject.start();
    terminal.paste("q q q");
    terminal.keys("?");
    terminal.wait_for("Find an action by typing a part of its name.");
    terminal.keys("esc /");
    terminal.paste("leader q");
    terminal.wait_for("/leader q");
    terminal.keys("esc");
    terminal.wait_gone("/leader q");
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.exit(), Exit::code(143));
}

#[test]
fn the_log_can_be_read_on_the_smallest_screen() {
    let cluster = Cluster::start();
    let mut terminal = launch(&cluster).size(40, 10).start();
    terminal.wait_for("leader");
    terminal.keys("tab");
    terminal.wait_for("first seen");
}
