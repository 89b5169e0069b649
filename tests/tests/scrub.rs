//! A disk that rots: one flipped bit is found while the node runs, and the node says which file it is in and what to do.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use lectern_tests::Class;
use lectern_tests::cluster::{PATIENCE, make_file};
use lectern_tests::wait;

/// All the time.
const ALWAYS: &str = "[limits]\nscrub_days = 0.000001\nscrub_mib_per_second = 100\n";

/// A class whose one node reads its disk all the time, and has an essay in its files.
fn class() -> Class {
    let mut class = Class::on(1);
    class.assignment("hw1", &[]);
    let essay = class.cluster.path("essay");
    make_file(&essay, 3 << 20, 5);
    class.student.run(&["submit", "cs101/hw1", essay.to_str().expect("UTF-8")]).ok();
    // What was in memory is in tables after a restart.
    class.cluster.terminate(1);
    class.cluster.extra_config = ALWAYS.into();
    class.cluster.start_all();
    await_scrub(&class);
    class
}

/// Waits until a scrub that began from now on has found everything good.
fn await_scrub(class: &Class) {
    let finished = || class.cluster.log(1).matches("a scrub found no damage").count();
    let before = finished();
    wait::until("two scrubs", PATIENCE, || (finished() >= before + 2).then_some(()));
}

/// The largest file under `dir` whose name ends like that.
fn largest(dir: &Path, ending: &str) -> PathBuf {
    let mut found: Vec<(u64, PathBuf)> = Vec::new();
    let mut dirs = vec![dir.to_path_buf()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).expect("a folder") {
            let entry = entry.expect("an entry");
            let (path, about) = (entry.path(), entry.metadata().expect("it is there"));
            if about.is_dir() {
                dirs.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push((about.len(), path));
            }
        }
    }
    found.into_iter().max().unwrap_or_else(|| panic!("no {ending} in {}", dir.display())).1
}

/// Flips one bit in the middle of a file.
fn flip(path: &Path) {
    let file = File::options().read(true).write(true).open(path).expect("it opens");
    let middle = file.metadata().expect("it is there").len() / 2;
    let mut byte = [0];
    file.read_exact_at(&mut byte, middle).expect("readable");
    file.write_all_at(&[byte[0] ^ 4], middle).expect("writable");
}

/// Rots a file while the node runs; whether the node stops, and not the file goes first.
fn rot(class: &mut Class, folder: &str, ending: &str) -> Option<PathBuf> {
    let path = largest(&class.cluster.data_dir(1).join(folder), ending);
    flip(&path);
    wait::until("the node to stop", PATIENCE, || match (class.cluster.runs(1), path.exists()) {
        (true, true) => None,
        (true, false) => Some(None),
        (false, _) => Some(Some(path.clone())),
    })
}

/// What the node says when it stops.
fn assert_says(class: &Class, path: &Path) {
    let log = class.cluster.log(1);
    let last = log.lines().rfind(|line| line.starts_with("lectern-server stops")).expect("it says why it stops");
    assert!(last.contains(&path.display().to_string()), "{last}");
    let what_to_do = format!("remove the data directory {} and", class.cluster.data_dir(1).display());
    assert!(last.contains("The other nodes hold good copies") && last.contains(&what_to_do), "{last}");
}

fn assert_found(folder: &str, ending: &str) {
    let mut class = class();
    // One that a compaction takes before it is read was rotten for nothing.
    let path = std::iter::repeat_with(|| rot(&mut class, folder, ending)).flatten().next().expect("it is endless");
    assert_says(&class, &path);
}

#[test]
fn a_good_disk_is_read_again_and_again_and_the_time_is_known_after_a_restart() {
    let mut class = class();
    let metrics = class.cluster.metrics(1);
    assert!(metrics.contains("lectern_scrub_finished_seconds"), "{metrics}");
    class.cluster.extra_config = "[limits]\nscrub_days = 7\n".into();
    class.cluster.terminate(1);
    let before = class.cluster.log(1).matches("a scrub found no damage").count();
    class.cluster.start_all();
    let metrics = class.cluster.metrics(1);
    assert!(metrics.contains("lectern_scrub_finished_seconds"), "{metrics}");
    assert_eq!(class.cluster.log(1).matches("a scrub found no damage").count(), before, "it is not due again");
}

#[test]
fn a_flipped_bit_in_a_table_of_the_state_stops_the_node() {
    assert_found("state", ".sst");
}

#[test]
fn a_flipped_bit_in_a_blob_file_stops_the_node() {
    assert_found("state", ".blob");
}

#[test]
fn a_flipped_bit_in_a_table_of_the_log_stops_the_node() {
    assert_found("log", ".sst");
}

#[test]
fn a_flipped_bit_in_the_logs_newest_entries_stops_the_node() {
    let mut class = class();
    let path = loop {
        // Still in the write-ahead log, which RocksDB reads from the disk at the next start only.
        class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], &"fresh words ".repeat(500)).ok();
        // Unless they were just written to a table, which makes it superfluous.
        if let Some(path) = rot(&mut class, "log", ".log") {
            break path;
        }
    };
    assert_says(&class, &path);
}
