//! Disks that fail, fill up, rot or forget: the node says what happened and stops, and is never believed wrongly.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use lectern_client::{Client, ClientOptions, Secret, v1};
use lectern_tests::cluster::PATIENCE;
use lectern_tests::disk::SmallDisk;
use lectern_tests::{Class, wait};

/// The disk that fills up, and what is handed in until it does.
const DISK_MIB: u32 = 48;
const ESSAY_MIB: u32 = 3;

/// A follower of the cluster.
fn follower(class: &mut Class) -> u32 {
    let leader = class.cluster.await_leader();
    (1..=3).find(|node| *node != leader).expect("three nodes")
}

/// Waits until a node has stopped by itself; returns what it said.
fn await_stop(class: &mut Class, node: u32) -> String {
    wait::until(&format!("node {node} to stop"), PATIENCE, || (!class.cluster.runs(node)).then_some(()));
    let status = class.cluster.collect(node);
    assert!(!status.success(), "node {node} ended with {status}:\n{}", class.cluster.log(node));
    class.cluster.log(node)
}

/// Bytes that no compression makes smaller and no other seed repeats.
fn noise(seed: u32, mib: u32) -> Vec<u8> {
    let mut state = u64::from(seed);
    let step = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(step).take((mib as usize) << 20).collect()
}

fn submit(class: &Class, text: &str) {
    class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], text).ok();
}

#[test]
fn a_sync_that_fails_ends_the_process_and_what_was_acknowledged_is_there() {
    let mut class = Class::on(3);
    class.assignment("hw1", &[]);
    for node in 1..=3 {
        let file = class.file(&format!("sync{node}"), "");
        class.cluster.node_env.push((node, "LECTERN_FAULT_LOG_SYNC".into(), format!("@{file}")));
        class.cluster.kill(node);
        class.cluster.start_node(node);
        class.cluster.await_caught_up();
    }
    // First a follower, then, when it is back, whoever leads.
    let follower = follower(&mut class);
    for round in 1..=2 {
        let node = if round == 1 { follower } else { class.cluster.await_leader() };
        class.file(&format!("sync{node}"), "fail");
        submit(&class, &format!("while a disk fails, {round}"));
        let said = await_stop(&mut class, node);
        assert!(said.contains("lectern-server aborts:") && said.contains("Input/output error"), "{said}");
        submit(&class, &format!("without node {node}"));
        class.file(&format!("sync{node}"), "");
        class.cluster.start_node(node);
        class.cluster.await_caught_up();
    }
    assert_eq!(class.attempts(&class.student, "cs101/hw1"), 4);
    class.cluster.assert_none_stopped();
}

#[test]
fn a_full_disk_stops_the_node_with_what_to_do_and_room_brings_it_back() {
    let mut class = Class::on(3);
    class.assignment("hw1", &[]);
    let node = follower(&mut class);
    class.cluster.kill(node);
    let (data, aside) = (class.cluster.data_dir(node), class.cluster.path("aside"));
    std::fs::rename(&data, &aside).expect("the folder is writable");
    std::fs::create_dir(&data).expect("the folder is writable");
    let Some(_disk) = SmallDisk::mount(&data, DISK_MIB) else {
        eprintln!("SKIPPED: this user may not mount a small disk");
        return;
    };
    let copied = Command::new("cp").arg("-r").arg(aside.join(".")).arg(&data).status().expect("cp runs");
    assert!(copied.success());
    class.cluster.start_node(node);
    class.cluster.await_caught_up();
    let filler = data.join("filler");
    let mut file = std::fs::File::create(&filler).expect("there is room");
    let block = vec![0; 64 << 10];
    while file.write_all(&block).is_ok() {}
    drop(file);
    // RocksDB takes room for what it is about to write in advance: the first essays fit although nothing is free.
    let mut attempts = 0_u32;
    while class.cluster.runs(node) && attempts <= DISK_MIB / ESSAY_MIB {
        attempts += 1;
        let essay = class.file("essay.txt", noise(attempts, ESSAY_MIB));
        class.student.run(&["submit", "cs101/hw1", &essay]).ok();
    }
    let said = await_stop(&mut class, node);
    assert!(said.contains("lectern-server") && said.contains("the disk is full: free space on it"), "{said}");
    submit(&class, "two are enough");
    std::fs::remove_file(filler).expect("it is there");
    class.cluster.start_node(node);
    class.cluster.await_caught_up();
    assert_eq!(class.attempts(&class.student, "cs101/hw1"), attempts as usize + 1);
    class.cluster.assert_none_stopped();
}

/// The largest file in a directory whose name ends so.
fn largest(dir: &Path, suffix: &str) -> PathBuf {
    let files = std::fs::read_dir(dir).expect("it is there").map(|entry| entry.expect("readable").path());
    let named = files.filter(|path| path.to_string_lossy().ends_with(suffix));
    let size = |path: &PathBuf| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    named.max_by_key(size).unwrap_or_else(|| panic!("no *{suffix} in {}", dir.display()))
}

/// Turns one bit over at each of these parts of a file.
fn rot(file: &Path, parts: impl Iterator<Item = f64>) {
    let mut bytes = std::fs::read(file).expect("it is there");
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a file"
    )]
    for part in parts {
        let at = (bytes.len() as f64 * part) as usize;
        bytes[at] ^= 0x10;
    }
    std::fs::write(file, bytes).expect("the folder is writable");
}

#[test]
fn a_flipped_bit_in_the_log_is_found_at_the_start_and_nothing_is_made_up() {
    let mut class = Class::on(3);
    class.assignment("hw1", &[]);
    (1..=10).for_each(|round| submit(&class, &format!("round {round}")));
    class.cluster.await_caught_up();
    let node = follower(&mut class);
    class.cluster.kill(node);
    let log = class.cluster.data_dir(node).join("log");
    rot(&largest(&log, ".log"), std::iter::once(0.5));
    class.cluster.start_node(node);
    let said = await_stop(&mut class, node);
    assert!(said.contains("Corruption") && said.contains("the disk returned damaged data"), "{said}");
    assert!(said.contains("let it join again under a new number"), "{said}");
    submit(&class, "two are enough");
}

#[test]
fn flipped_bits_in_the_state_stop_the_node_before_it_answers_wrongly() {
    let mut class = Class::on(3);
    class.assignment("hw1", &[]);
    (1..=10).for_each(|round| submit(&class, &format!("round {round}")));
    let node = follower(&mut class);
    // Started anew, so that what it recovered lies in tables.
    class.cluster.kill(node);
    class.cluster.start_node(node);
    class.cluster.await_caught_up();
    class.cluster.kill(node);
    let state = class.cluster.data_dir(node).join("state/initial");
    rot(&largest(&state, ".sst"), (0..40).map(|part| f64::from(part) / 100.0));
    class.cluster.start_node(node);
    let said = await_stop(&mut class, node);
    assert!(said.contains("Corruption") || said.contains("damaged"), "{said}");
    submit(&class, "two are enough");
}

/// Saves so many drafts.
fn save_drafts(client: &Client, count: u64) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut workers = tokio::task::JoinSet::new();
        for worker in 0..50 {
            let client = client.clone();
            workers.spawn(async move {
                for round in 0..count / 50 {
                    let request = v1::SaveDraftRequest {
                        course: "cs101".into(),
                        assignment: "hw1".into(),
                        text: format!("worker {worker}, round {round}"),
                        ..Default::default()
                    };
                    client.call(request).await.expect("a majority is up");
                }
            });
        }
        workers.join_all().await;
    });
}

#[test]
fn a_node_whose_state_differs_from_the_others_stops_and_they_go_on() {
    let mut class = Class::on(3);
    class.assignment("hw1", &[]);
    let node = follower(&mut class);
    class.cluster.kill(node);
    class.cluster.node_env.push((node, "LECTERN_FAULT_STATE_HASH".into(), "differs".into()));
    class.cluster.start_node(node);
    class.cluster.await_caught_up();
    let made = class.student.run(&["token", "create", "drafts"]).json();
    let token = Secret::new(made["token"].as_str().expect("a token"));
    let endpoints = class.cluster.endpoints();
    let client = Client::connect(ClientOptions::new(endpoints.split(',')).with_token(Some(token))).expect("addresses");
    // States are compared after every 1,000 entries, among nodes that are connected in that moment.
    wait::until("the comparison", PATIENCE, || {
        save_drafts(&client, 1_000);
        (!class.cluster.runs(node)).then_some(())
    });
    let said = await_stop(&mut class, node);
    assert!(said.contains("lectern-server stops:") && said.contains("differs from"), "{said}");
    submit(&class, "two are enough");
    class.cluster.assert_none_stopped();
}
