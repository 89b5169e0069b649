//! A node that missed more than the log keeps: what travels to it, and what happens when that breaks.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use lectern_client::{Client, ClientOptions, v1};
use lectern_tests::Class;
use lectern_tests::cluster::{PATIENCE, make_file};
use lectern_tests::disk::SmallDisk;
use lectern_tests::wait;
use tokio::runtime::Runtime;

const MIB: usize = 1 << 20;
/// Handed in while every node runs.
const OLD_BYTES: usize = 12 * MIB;
/// Handed in while one is away.
const NEW_BYTES: usize = 48 * MIB;
/// Everything but chunks.
const ROWS_BYTES: u64 = 2 * MIB as u64;

struct Scene {
    class: Class,
    behind: u32,
    runtime: Runtime,
}

impl Scene {
    /// Three nodes have the old file; two of them have the new one, and a log that begins after it.
    fn new() -> Self {
        let mut class = Class::on(3);
        class.cluster.extra_config = "[limits]\nlog_keep_mib = 24\nsnapshot_mib_per_second = 6\n".into();
        (1..=3).for_each(|node| class.cluster.kill(node));
        class.cluster.start_all();
        class.assignment("hw1", &[]);
        hand_in(&class, "old.bin", OLD_BYTES, 1);
        class.cluster.await_caught_up();
        let leader = class.cluster.await_leader();
        let behind = if leader == 3 { 2 } else { 3 };
        class.cluster.terminate(behind);
        hand_in(&class, "new.bin", NEW_BYTES, 2);
        Self { class, behind, runtime: Runtime::new().expect("a runtime") }
    }

    fn leader(&mut self) -> u32 {
        self.class.cluster.await_leader()
    }

    /// A node's own view.
    fn status(&self, node: u32) -> Option<v1::NodeStatus> {
        let address = self.class.cluster.address(node);
        let client = Client::connect(ClientOptions::new([address.clone()])).expect("an address");
        self.runtime.block_on(client.status_of(&address)).ok()?.self_
    }

    /// Waits until so many bytes of a snapshot are at the node that is behind.
    fn await_received(&self, bytes: u64) -> v1::SnapshotTransfer {
        wait::until("a part of the snapshot", PATIENCE, || {
            let snapshots = self.status(self.behind)?.snapshots;
            snapshots.into_iter().find(|transfer| !transfer.sending && transfer.bytes_done >= bytes)
        })
    }

    /// A counter of a node's metrics.
    fn metric(&self, node: u32, line: &str) -> u64 {
        let metrics = self.class.cluster.metrics(node);
        let value = metrics.lines().find_map(|known| known.strip_prefix(line)?.trim().parse().ok());
        value.unwrap_or_else(|| panic!("no {line} in\n{metrics}"))
    }

    /// The node that was behind has everything, and answers from it.
    fn assert_complete(&mut self) {
        self.class.cluster.await_caught_up();
        let here = self.class.student.through(&self.class.cluster.address(self.behind));
        for (attempt, name) in [("1", "old.bin"), ("2", "new.bin")] {
            let folder = self.class.cluster.path(&format!("fetched{attempt}"));
            let into = folder.to_str().expect("UTF-8");
            here.run(&["submission", "fetch", "cs101/hw1", "--attempt", attempt, "--dir", into]).ok();
            let read = |folder: &Path| std::fs::read(folder.join(name)).expect("the file is there");
            let handed_in = read(self.class.cluster.path(name).parent().expect("a folder"));
            assert!(read(&folder) == handed_in, "{name} is not what was handed in");
        }
        self.class.cluster.assert_none_stopped();
    }
}

fn hand_in(class: &Class, name: &str, bytes: usize, seed: u64) {
    let path = class.cluster.path(name);
    make_file(&path, bytes, seed);
    class.student.run(&["submit", "cs101/hw1", path.to_str().expect("UTF-8")]).ok();
}

#[test]
fn a_node_that_fell_behind_gets_only_the_chunks_that_it_does_not_have() {
    let mut scene = Scene::new();
    scene.class.cluster.start_node(scene.behind);
    let transfer = scene.await_received(4 * MIB as u64);
    assert!(transfer.bytes_saved >= OLD_BYTES as u64, "{transfer:?}");
    assert!(transfer.bytes_total < NEW_BYTES as u64 + ROWS_BYTES, "{transfer:?}");
    assert!(transfer.bytes_per_second <= 7 * MIB as u64, "{transfer:?}");
    scene.assert_complete();
    let received = scene.metric(scene.behind, "lectern_snapshot_bytes_total{direction=\"received\"}");
    assert!((NEW_BYTES as u64..NEW_BYTES as u64 + ROWS_BYTES).contains(&received), "{received}");
    let saved = scene.metric(scene.behind, "lectern_snapshot_bytes_saved_total{direction=\"received\"}");
    assert!((OLD_BYTES as u64..OLD_BYTES as u64 + ROWS_BYTES).contains(&saved), "{saved}");
}

#[test]
fn a_transfer_goes_on_where_it_stopped_after_the_receiver_was_killed() {
    let mut scene = Scene::new();
    scene.class.cluster.start_node(scene.behind);
    scene.await_received(36 * MIB as u64);
    scene.class.cluster.kill(scene.behind);
    let leader = scene.leader();
    scene.class.cluster.start_node(scene.behind);
    scene.assert_complete();
    let log = scene.class.cluster.log(scene.behind);
    assert!(log.contains("going on with a snapshot that was begun"), "{log}");
    assert_eq!(scene.metric(leader, "lectern_snapshots_made_total"), 1, "it is the same snapshot");
    assert!(scene.metric(leader, "lectern_snapshots_resumed_total{direction=\"sent\"}") >= 1);
    // What was on its way when it was killed, and the chunks that were not durable yet, went twice.
    let sent = scene.metric(leader, "lectern_snapshot_bytes_total{direction=\"sent\"}");
    assert!(sent < (NEW_BYTES + 24 * MIB) as u64, "{sent}");
}

#[test]
fn another_leaders_snapshot_goes_on_with_the_chunks_of_the_first_ones() {
    let mut scene = Scene::new();
    scene.class.cluster.start_node(scene.behind);
    scene.await_received(36 * MIB as u64);
    let killed = scene.class.cluster.kill_leader();
    scene.class.cluster.start_node(killed);
    scene.assert_complete();
    let received = scene.metric(scene.behind, "lectern_snapshot_bytes_total{direction=\"received\"}");
    assert!(received < (NEW_BYTES + 24 * MIB) as u64, "{received}");
    wait::until("nothing to be left over", Duration::from_secs(10), || {
        let left = |parent: &str| {
            let folder = scene.class.cluster.data_dir(scene.behind).join(parent);
            std::fs::read_dir(folder).expect("a folder").count()
        };
        (left("staging") == 0 && left("state") == 1).then_some(())
    });
}

#[test]
fn a_node_without_room_for_a_snapshot_goes_on_and_gets_it_when_there_is_room() {
    let mut scene = Scene::new();
    let data = scene.class.cluster.data_dir(scene.behind);
    let aside = scene.class.cluster.path("aside");
    std::fs::rename(&data, &aside).expect("the folder is writable");
    std::fs::create_dir(&data).expect("the folder is writable");
    let Some(disk) = SmallDisk::mount(&data, 96) else {
        eprintln!("SKIPPED: this user may not mount a small disk");
        return;
    };
    let copied = Command::new("cp").arg("-r").arg(aside.join(".")).arg(&data).status().expect("cp runs");
    assert!(copied.success());
    scene.class.cluster.start_node(scene.behind);
    wait::until("the refusal", PATIENCE, || {
        let log = scene.class.cluster.log(scene.behind);
        (log.contains("MiB free, and what is to come of the snapshot needs")).then_some(())
    });
    wait::until("nothing of it to be left", PATIENCE, || (!data.join("staging/partial").exists()).then_some(()));
    scene.class.cluster.assert_none_stopped();
    assert!(scene.status(scene.behind).is_some(), "it goes on");
    disk.resize(512);
    scene.assert_complete();
}

#[test]
fn damage_in_what_came_of_a_snapshot_costs_that_part_and_not_the_node() {
    let mut scene = Scene::new();
    scene.class.cluster.start_node(scene.behind);
    scene.await_received(24 * MIB as u64);
    scene.class.cluster.kill(scene.behind);
    let partial = scene.class.cluster.data_dir(scene.behind).join("staging/partial");
    let mut rotten = 0;
    for entry in std::fs::read_dir(&partial).expect("something came") {
        let path = entry.expect("readable").path();
        // Files with another name are the state's own.
        let own = std::fs::metadata(&path).is_ok_and(|metadata| metadata.nlink() == 1);
        if own && path.extension().is_some_and(|ending| ending == "sst") {
            let mut bytes = std::fs::read(&path).expect("readable");
            let part = bytes.len() / 64 + 1;
            bytes.iter_mut().step_by(part).for_each(|byte| *byte ^= 0x10);
            std::fs::write(&path, bytes).expect("the folder is writable");
            rotten += 1;
        }
    }
    assert!(rotten > 0, "no table of the snapshot's own in {}", partial.display());
    scene.class.cluster.start_node(scene.behind);
    scene.assert_complete();
    let log = scene.class.cluster.log(scene.behind);
    assert!(
        log.contains("returned damaged data of what had come, which is deleted")
            || log.contains("an unfinished snapshot is of no use; beginning anew"),
        "{log}"
    );
}

#[test]
fn a_node_that_is_killed_while_it_installs_a_snapshot_comes_back_with_it() {
    let mut scene = Scene::new();
    scene.class.cluster.start_node(scene.behind);
    for word in ["staged a snapshot", "installed a snapshot"] {
        // The second may have happened before the first kill.
        wait::until(word, PATIENCE, || scene.class.cluster.log(scene.behind).contains(word).then_some(()));
        scene.class.cluster.kill(scene.behind);
        scene.class.cluster.start_node(scene.behind);
    }
    scene.assert_complete();
}
