//! Processes that are killed in the middle of what happens once in a node's life, and files of its directory that are damaged:
//! what was begun is done again, and what cannot go on says why.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use lectern_tests::cluster::{PATIENCE, QUICK_MEMBERSHIP};
use lectern_tests::{Cluster, Ran, wait};

/// Moments at which a process is killed, counted from its start.
const MOMENTS_MS: [u64; 8] = [0, 5, 15, 30, 60, 120, 250, 500];

/// Runs a command and kills it after a while; whether it had ended by itself, and well.
fn run_and_kill(command: &mut Command, after: Duration) -> bool {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    // The moment is what is tried.
    std::thread::sleep(after);
    let ended = child.try_wait().expect("it is a child");
    if ended.is_none() {
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }
    ended.is_some_and(|status| status.success())
}

#[test]
fn a_join_that_is_killed_again_and_again_makes_one_member_with_one_token() {
    let mut cluster = Cluster::found(1);
    cluster.extra_config = QUICK_MEMBERSHIP.into();
    cluster.start_all();
    let (node, mut join) = cluster.invite();
    for moment in MOMENTS_MS {
        run_and_kill(&mut join, Duration::from_millis(moment));
    }
    join.stdout(Stdio::piped()).stderr(Stdio::piped());
    let last = Ran::new("lectern-server join".into(), join.output().expect("it starts"));
    let joined = last.stdout.contains(&format!("This is node {node} of cluster"));
    let before = last.stderr.contains(&format!("this directory is node {node} of cluster"));
    assert!(joined || before, "{} {}", last.stdout, last.stderr);
    // It is killed once more, while it learns.
    cluster.start_node(node);
    cluster.kill(node);
    cluster.start_node(node);
    cluster.monitor().run(&["members", "await", &node.to_string(), "--within", "60s"]).ok();
    let members = cluster.members();
    assert_eq!(members["members"].as_array().map(Vec::len), Some(2), "no number was given twice: {members}");
    cluster.assert_none_stopped();
}

/// Waits until a node has stopped by itself; returns what it said last.
fn await_stop(cluster: &mut Cluster, node: u32) -> String {
    wait::until(&format!("node {node} to stop"), PATIENCE, || (!cluster.runs(node)).then_some(()));
    assert_eq!(cluster.collect(node).code(), Some(1), "{}", cluster.log(node));
    cluster.log(node).lines().last().unwrap_or_default().to_owned()
}

/// A file that is emptied, cut, or gone keeps the node from starting with these words; put back, it starts.
fn assert_told(cluster: &mut Cluster, node: u32, file: &PathBuf, advice: &str) {
    let sound = fs::read(file).expect("it is there");
    let damages: [(&str, &dyn Fn()); 3] = [
        ("it is empty", &|| fs::write(file, "").expect("it can be written")),
        ("EOF", &|| fs::write(file, &sound[..sound.len() / 2]).expect("it can be written")),
        ("", &|| fs::remove_file(file).expect("it can be deleted")),
    ];
    cluster.kill(node);
    for (problem, damage) in damages {
        damage();
        cluster.start_node(node);
        let said = await_stop(cluster, node);
        assert!(said.contains(problem) && said.contains(advice), "{said}");
    }
    fs::write(file, &sound).expect("it can be written");
    cluster.start_node(node);
    cluster.await_caught_up();
}

#[test]
fn a_node_that_has_lost_what_it_was_founded_or_joined_with_says_what_to_do_and_starts_with_it_again() {
    let mut cluster = Cluster::found(1);
    cluster.extra_config = QUICK_MEMBERSHIP.into();
    cluster.start_all();
    let joined = cluster.add_node();
    cluster.await_caught_up();
    let file = cluster.data_dir(joined).join("joined.json");
    assert_told(&mut cluster, joined, &file, "let it join again");
    let file = cluster.data_dir(1).join("genesis.json");
    assert_told(&mut cluster, 1, &file, "the same on all founding nodes");
    cluster.assert_none_stopped();
}
