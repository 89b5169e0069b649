//! The scripts, as a newcomer runs them.

use std::path::Path;
use std::process::Command;

use lectern_tests::Ran;
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
    script("cluster", &["stop", "--dir", dir]).ok();
    script("cluster", &["stop", "--dir", dir]).ok();
    let left = Command::new("pgrep").args(["-f", &format!("lectern-server.*{dir}")]).output().expect("pgrep runs");
    assert!(left.stdout.is_empty(), "a node still runs: {}", String::from_utf8_lossy(&left.stdout));
}

#[test]
fn wrong_arguments_are_told_and_nothing_starts() {
    for (name, args) in [
        ("cluster", &["dance"][..]),
        ("cluster", &["kill"]),
        ("demo", &["--maybe"]),
        ("cluster", &["start", "--nodes", "0"]),
        ("chaos", &["--nodes", "4"]),
    ] {
        let ran = script(name, args);
        assert_eq!(ran.code, 2, "`{}`: {}", ran.command, ran.stderr);
        assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
    }
}
