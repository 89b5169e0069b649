//! Short runs of the real thing: real processes, real faults. They need the programs of the whole workspace:
//! `cargo build --release --workspace`, or simply `scripts/test`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// The folder of `lectern-server`: where `scripts/test` says, or beside this program's own.
fn bin() -> PathBuf {
    let own = Path::new(env!("CARGO_BIN_EXE_lectern-chaos")).parent().expect("a program is in a folder").to_owned();
    let bin = std::env::var_os("LECTERN_TEST_BIN").map_or(own, PathBuf::from);
    let server = bin.join("lectern-server");
    assert!(server.exists(), "{} is not built; run `cargo build --release --workspace` first", server.display());
    bin
}

fn chaos(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lectern-chaos"));
    command.args(args).arg("--bin").arg(bin()).stdin(Stdio::null());
    command
}

/// Runs to the end; the last line, and what was said meanwhile.
fn report(args: &[&str]) -> (Value, String) {
    let output = chaos(args).output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "the run ended with {}:\n{said}", output.status);
    let line = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    let last = line.lines().last().unwrap_or_default();
    let report = serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {line}"));
    (report, said)
}

fn servers_below(dir: &Path) -> usize {
    let processes = std::fs::read_dir("/proc").expect("/proc is there");
    let commands = processes.flatten().filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let dir = dir.display().to_string();
    let is_one = |command: &Vec<u8>| {
        let command = String::from_utf8_lossy(command);
        command.contains("lectern-server") && command.contains(&format!("{dir}/node"))
    };
    commands.filter(is_one).count()
}

#[test]
fn a_minute_of_chaos_on_three_nodes_violates_nothing() {
    let (report, said) = report(&["--seconds", "60", "--seed", "1", "--json"]);
    assert_eq!(report["violations"], 0, "{report}");
    assert_eq!(report["undecided"], 0, "{report}");
    assert!(report["operations"].as_u64() > Some(1_000), "{report}\n{said}");
    let kinds = report["faults"].as_object().map_or(0, serde_json::Map::len);
    assert!(kinds >= 6, "too few kinds of faults were injected: {report}\n{said}");
    assert!(report["longest_pause_ms"].is_u64(), "{report}");
}

#[test]
fn without_namespaces_partitions_go_through_proxies_and_what_cannot_be_done_is_counted() {
    let faults = "isolate_leader,partition_one_way,delay,packet_loss,disk_full";
    let (report, said) = report(&["--seconds", "15", "--seed", "2", "--json", "--no-namespaces", "--faults", faults]);
    assert!(said.contains("note: no network namespaces"), "{said}");
    assert_eq!((&report["violations"], &report["network"]), (&0.into(), &"proxies".into()), "{report}");
    let missed: Vec<&String> = report["not_injected"].as_object().expect("an object").keys().collect();
    let counted =
        |kind: &str| report["faults"].get(kind).is_some() || missed.iter().any(|missed| missed.starts_with(kind));
    for kind in ["isolate_leader", "partition_one_way", "delay", "packet_loss", "disk_full"] {
        assert!(counted(kind), "{kind} was dropped in silence: {report}");
    }
    assert!(report["faults"].get("packet_loss").is_none() && report["faults"].get("disk_full").is_none(), "{report}");
}

#[test]
fn an_interrupted_run_leaves_nothing_behind() {
    for (signal, more) in [(Signal::INT, &[][..]), (Signal::TERM, &["--no-namespaces"])] {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().to_str().expect("UTF-8");
        let args = [&["--seconds", "600", "--dir", path], more].concat();
        let mut run = chaos(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
        let begun = Instant::now();
        while servers_below(dir.path()) < 3 {
            assert!(begun.elapsed() < Duration::from_mins(1), "three servers do not come up");
            assert!(run.try_wait().expect("the run can be asked").is_none(), "the run ended by itself");
            std::thread::sleep(Duration::from_millis(20));
        }
        let pid = i32::try_from(run.id()).ok().and_then(Pid::from_raw).expect("a process number");
        kill_process(pid, signal).expect("the run is there");
        assert_eq!(run.wait().expect("the run ends").code(), Some(130));
        assert_eq!(servers_below(dir.path()), 0, "a server still runs");
        let mounts = std::fs::read_to_string("/proc/self/mounts").expect("mounts can be read");
        assert!(!mounts.contains(path), "a mount is still there: {mounts}");
    }
}
