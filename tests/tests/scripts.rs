//! The scripts, as a newcomer runs them.

use std::path::Path;
use std::process::Command;

use lectern_tests::cluster::{PATIENCE, QUICK_MEMBERSHIP};
use lectern_tests::{Ran, wait};
use serde_json::Value;

fn script(name: &str, args: &[&str]) -> Ran {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts").join(name);
    let target = lectern_tests::program::bin_dir();
    let target = target.parent().expect("target/release is below target");
    let mut command = Command::new(path);
    command
        .args(args)
        .env("CARGO_TARGET_DIR", target)
        .env("LECTERN_SKIP_BUILD", "1")
        .stdin(std::process::Stdio::null());
    Ran::new(format!("scripts/{name} {}", args.join(" ")), command.output().expect("the script starts"))
}

fn last_line(ran: Ran) -> Value {
    let ran = ran.ok();
    let line = ran.stdout.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|error| panic!("`{}`: {error}: {}", ran.command, ran.stdout))
}

#[test]
fn the_demo_comes_up_twice_survives_a_kill_and_leaves_no_process_behind() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("demo");
    let dir = path.to_str().expect("UTF-8");
    let demo = ["--no-tui", "--json", "--dir", dir];
    let first = last_line(script("demo", &demo));
    assert_eq!(first["nodes"].as_array().map(Vec::len), Some(3), "{first}");
    for account in ["student", "instructor", "admin"] {
        assert!(first["accounts"][account]["password"].as_str().is_some_and(|it| it.len() >= 10), "{first}");
    }
    assert_eq!(last_line(script("demo", &demo)), first, "run twice, it says the same");
    let status = last_line(script("cluster", &["status", "--json", "--dir", dir]));
    let leader = status["leader"].as_u64().expect("a leader").to_string();
    script("cluster", &["kill", &leader, "--dir", dir]).ok();
    script("cluster", &["restart", &leader, "--dir", dir]).ok();
    let again = last_line(script("cluster", &["status", "--json", "--dir", dir]));
    assert!(
        again["nodes"].as_array().is_some_and(|nodes| nodes.iter().all(|node| node["reachable"] == true)),
        "{again}"
    );
    let config = path.join(format!("node{leader}/server.toml"));
    let sound = std::fs::read_to_string(&config).expect("the node's configuration");
    std::fs::write(&config, format!("nonsense = true\n{sound}")).expect("it can be written");
    let dead = script("cluster", &["restart", &leader, "--dir", dir]);
    assert!(dead.code == 1 && dead.stderr.contains("stopped"), "a node that died at once: {}", dead.stderr);
    std::fs::write(&config, sound).expect("it can be written");
    script("cluster", &["restart", &leader, "--dir", dir]).ok();
    script("demo", &["--stop", "--dir", dir]).ok();
    script("demo", &["--stop", "--dir", dir]).ok();
    wait::until("nodes and tutor to be gone", PATIENCE, || {
        let left = Command::new("pgrep").args(["-f", &format!("lectern-.*{dir}")]).output().expect("pgrep runs");
        left.stdout.is_empty().then_some(())
    });
}

/// The cluster of one in a folder, changed so that it notices soon who comes and goes, and running.
fn start_quick(dir: &Path, more: &[&str]) {
    let path = dir.to_str().expect("UTF-8");
    script("cluster", &[&["start", "--nodes", "1", "--dir", path], more].concat()).ok();
    script("cluster", &["stop", "--dir", path]).ok();
    let config = dir.join("node1/server.toml");
    let as_founded = std::fs::read_to_string(&config).expect("the node's configuration");
    std::fs::write(&config, format!("{as_founded}\n{QUICK_MEMBERSHIP}")).expect("it can be written");
    script("cluster", &["start", "--dir", path]).ok();
}

/// Waits until these nodes and no others vote and answer, as `status --json` says.
fn await_voters(dir: &str, voters: &[u64]) {
    wait::until(&format!("the voters {voters:?}"), PATIENCE, || {
        let status = last_line(script("cluster", &["status", "--json", "--dir", dir]));
        let nodes = status["nodes"].as_array()?;
        let numbers: Vec<u64> = nodes.iter().filter_map(|node| node["node"].as_u64()).collect();
        let well = |node: &Value| node["standing"] == "voter" && node["reachable"] == true;
        (status["leader"].is_u64() && numbers == voters && nodes.iter().all(well)).then_some(())
    });
}

#[test]
fn a_cluster_of_one_grows_and_a_node_that_is_removed_is_replaced() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().to_str().expect("UTF-8");
    start_quick(dir.path(), &[]);
    for _ in 0..2 {
        script("cluster", &["add", "--dir", path]).ok();
    }
    await_voters(path, &[1, 2, 3]);
    let lonely = script("cluster", &["remove", "3", "--dir", path]);
    assert!(lonely.code == 1 && lonely.stderr.contains("let another node join first"), "{}", lonely.stderr);
    script("cluster", &["add", "--dir", path]).ok();
    // The spare takes over when it has been healthy for a moment.
    wait::until("node 1 to be let go", PATIENCE, || {
        (script("cluster", &["remove", "1", "--dir", path]).code == 0).then_some(())
    });
    assert!(dir.path().join("removed/node1/data").is_dir() && !dir.path().join("node1").exists());
    await_voters(path, &[2, 3, 4]);
    script("cluster", &["kill", "4", "--dir", path]).ok();
    script("cluster", &["restart", "4", "--dir", path]).ok();
    script("cluster", &["stop", "--dir", path]).ok();
    script("cluster", &["start", "--dir", path]).ok();
    await_voters(path, &[2, 3, 4]);
    // A number is never given again.
    script("cluster", &["add", "--dir", path]).ok();
    wait::until("node 5 to be let go", PATIENCE, || {
        (script("cluster", &["remove", "5", "--delete-data", "--dir", path]).code == 0).then_some(())
    });
    assert!(!dir.path().join("node5").exists() && !dir.path().join("removed/node5").exists());
    script("cluster", &["add", "--dir", path]).ok();
    assert!(dir.path().join("node6").is_dir());
    script("cluster", &["stop", "--dir", path]).ok();
}

#[test]
fn a_node_that_is_added_to_a_secured_cluster_gets_a_certificate() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().to_str().expect("UTF-8");
    start_quick(dir.path(), &["--tls"]);
    script("cluster", &["add", "--dir", path]).ok();
    script("cluster", &["add", "--dir", path]).ok();
    await_voters(path, &[1, 2, 3]);
    assert!(dir.path().join("certs/node-3.pem").is_file());
    script("cluster", &["stop", "--dir", path]).ok();
}

#[test]
fn wrong_arguments_are_told_and_nothing_starts() {
    for (name, args) in [
        ("cluster", &["dance"][..]),
        ("cluster", &["kill"]),
        ("cluster", &["remove"]),
        ("demo", &["--maybe"]),
        ("cluster", &["start", "--nodes", "0"]),
        ("chaos", &["--nodes", "4"]),
    ] {
        let ran = script(name, args);
        assert_eq!(ran.code, 2, "`{}`: {}", ran.command, ran.stderr);
        assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
    }
}
