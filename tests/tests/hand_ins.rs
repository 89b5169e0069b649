//! Receipts, the attempt that counts, and work that waits for the cluster: with real programs and a real cluster.

use std::fs;
use std::time::Duration;

use lectern_tests::{Class, Person, Ran, wait};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_mins(1);

fn submit(student: &Person, file: &str) -> Value {
    student.run(&["submit", "cs101/hw1", file]).json()
}

/// Waits until the leader has set the key that signs.
fn class(nodes: u32) -> Class {
    let class = Class::on(nodes);
    class.assignment("hw1", &[]);
    wait::until("a key for receipts", PATIENCE, || {
        let keys = class.student.run(&["receipt", "keys"]).json();
        keys["keys"].as_array().is_some_and(|keys| !keys.is_empty()).then_some(())
    });
    class
}

fn path(receipt: &Value) -> String {
    receipt["path"].as_str().expect("it is kept").to_owned()
}

#[test]
fn a_receipt_is_kept_verified_without_the_cluster_and_worthless_once_a_byte_is_changed() {
    let mut class = class(3);
    let work = class.file("work.py", "print('hello')\n");
    let copy = class.cluster.path("copy.receipt").display().to_string();
    let done = class.student.run(&["submit", "cs101/hw1", &work, "--receipt", &copy]).json();
    let (receipt, submission) = (&done["receipt"], &done["submission"]);
    let (kept, text) = (path(receipt), receipt["text"].as_str().expect("a text"));
    assert_eq!(fs::read_to_string(&kept).unwrap(), text);
    assert_eq!(fs::read_to_string(&copy).unwrap(), text);
    let digest = submission["files"][0]["digest"].as_str().expect("a digest");
    let line = format!("file: {digest} 15 work.py\n");
    assert!(text.contains(&line), "{text} has no {line}");
    assert!(text.contains(&format!("log: index {}, term {}\n", submission["index"], submission["term"])), "{text}");

    // Graders see the same, and their cluster says the same, on whichever node.
    let graded = class.instructor.run(&["submission", "show", "cs101/hw1", "ada"]).json();
    assert_eq!(graded["files"][0]["digest"], submission["files"][0]["digest"]);
    for node in 1..=3 {
        let there = class.instructor.through(&class.cluster.endpoint(node));
        assert_eq!(there.run(&["receipt", "verify", &kept]).json()["compared"], true);
    }

    // Nobody answers from here on.
    for node in 1..=3 {
        class.cluster.kill(node);
    }
    assert_eq!(class.student.run(&["receipt", "list"]).json()["receipts"].as_array().unwrap().len(), 1);
    assert_eq!(class.student.run(&["receipt", "verify", &kept]).json()["late"], false);
    assert_eq!(class.instructor.run(&["receipt", "verify", &kept, "--offline"]).json()["compared"], false);
    let forged = class.file("forged.receipt", text.replace("attempt: 1", "attempt: 2"));
    class.student.run(&["receipt", "verify", &forged]).refused(1, "RECEIPT_CHANGED");
    let other = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    class.student.run(&["receipt", "verify", &kept, "--key", other]).refused(1, "RECEIPT_KEY_UNKNOWN");
    class.student.run(&["receipt", "verify", &work]).refused(1, "NOT_A_RECEIPT");
    let stranger = class.cluster.person("lectern-student");
    stranger.run(&["receipt", "verify", &kept]).refused(1, "RECEIPT_KEY_UNKNOWN");
}

#[test]
fn receipts_of_before_a_rotation_stay_valid_and_new_ones_are_signed_by_the_new_key() {
    let mut class = class(3);
    let work = class.file("work.py", "1\n");
    let before = submit(&class.student, &work)["receipt"].clone();
    class.instructor.run(&["receipt", "rotate-key"]).refused(1, "WRONG_ROLE");
    let rotated = class.admin.run(&["receipt", "rotate-key", "--reason", "a backup disk was lost"]).json();
    let killed = class.cluster.kill_leader();
    class.cluster.await_leader();
    let other = class.file("other.py", "2\n");
    let after = submit(&class.student, &other)["receipt"].clone();
    assert_eq!(after["key_id"], rotated["key"]["id"], "the next leader signs with it, too");
    assert_ne!(after["key_id"], before["key_id"]);
    for receipt in [&before, &after] {
        class.student.run(&["receipt", "verify", &path(receipt)]).ok();
        assert_eq!(class.instructor.run(&["receipt", "verify", &path(receipt)]).json()["compared"], true);
    }
    class.cluster.start_node(killed);
    let audit = class.admin.run(&["audit", "list"]).json();
    let rotations = audit["entries"].as_array().unwrap().iter().filter(|entry| entry["action"] == "receipt_key.set");
    assert_eq!(rotations.map(|entry| &entry["reason"]).collect::<Vec<_>>(), ["a backup disk was lost", ""]);
}

#[test]
fn a_late_attempt_replaces_nothing_until_the_student_says_so() {
    let class = class(1);
    class.instructor.run(&["assignment", "update", "cs101/hw1", "--due", "2099-01-01 12:00"]).ok();
    let work = class.file("work.py", "in time\n");
    assert_eq!(submit(&class.student, &work)["counted"]["because"], "latest");
    class.instructor.run(&["assignment", "update", "cs101/hw1", "--due", "2020-01-01 12:00"]).ok();
    let late = submit(&class.student, &class.file("late.py", "late\n"));
    assert_eq!((&late["counted"]["attempt"], &late["counted"]["because"]), (&1.into(), &"on_time".into()));

    let shown = class.instructor.run(&["submission", "show", "cs101/hw1", "ada"]).json();
    assert_eq!((&shown["attempt"], &shown["late"]), (&1.into(), &false.into()));
    class.student.run(&["submission", "choose", "cs101/hw1", "2"]).ok();
    let shown = class.instructor.run(&["submission", "show", "cs101/hw1", "ada"]).json();
    assert_eq!((&shown["attempt"], &shown["counted"]["because"]), (&2.into(), &"chosen".into()));
    let audit = class.instructor.run(&["audit", "list", "cs101"]).json();
    assert_eq!(audit["entries"][0]["action"], "submission.choose");
    class.student.run(&["submission", "choose", "cs101/hw1", "0"]).ok();
    let mine = class.student.run(&["submission", "list", "cs101/hw1"]).json();
    assert_eq!(mine["counted"]["attempt"], 1);
}

#[test]
fn work_handed_in_while_the_cluster_is_away_is_queued_and_there_once_when_it_is_back() {
    let mut class = class(3);
    let work = class.file("work.py", "written on a train\n");
    for node in 1..=3 {
        class.cluster.kill(node);
    }
    let away = ["submit", "cs101/hw1", &work, "--timeout", "1s"];
    let queued = class.student.run(&away).refused(5, "QUEUED");
    assert!(queued["error"]["message"].as_str().unwrap().starts_with("NOT submitted"), "{queued}");
    class.student.run(&away).refused(5, "QUEUED");
    // What becomes of the original makes no difference.
    fs::write(&work, "changed afterwards\n").unwrap();
    let waiting = class.student.run(&["outbox", "list"]).json();
    let waiting = waiting["queued"].as_array().unwrap();
    assert_eq!(waiting.len(), 1, "typed twice, it is there once");
    assert_eq!((&waiting[0]["submitted"], &waiting[0]["files"][0]), (&false.into(), &"work.py".into()));
    class.student.run(&["outbox", "send", "--timeout", "1s"]).refused(4, "UNREACHABLE");

    class.cluster.start_all();
    class.cluster.await_leader();
    // Any command that reaches the cluster sends it.
    class.student.run(&["status"]).ok();
    assert_eq!(class.student.run(&["outbox", "list"]).json()["queued"].as_array().unwrap().len(), 0);
    let attempts = class.student.run(&["submission", "list", "cs101/hw1"]).json();
    assert_eq!(attempts["attempts"].as_array().unwrap().len(), 1);
    let fetched = class.cluster.path("fetched").display().to_string();
    class.student.run(&["submission", "fetch", "cs101/hw1", "--dir", &fetched]).ok();
    assert_eq!(fs::read_to_string(format!("{fetched}/work.py")).unwrap(), "written on a train\n");
}

#[test]
fn what_was_queued_first_is_handed_in_first_and_what_is_discarded_never() {
    let mut class = class(1);
    class.cluster.kill(1);
    for content in ["first", "second", "third"] {
        let work = class.file("work.py", content);
        class.student.run(&["submit", "cs101/hw1", &work, "--timeout", "1s"]).refused(5, "QUEUED");
    }
    let waiting = class.student.run(&["outbox", "list"]).json();
    let second = waiting["queued"][1]["id"].as_str().unwrap();
    class.student.run(&["outbox", "discard", second]).ok();
    class.cluster.start_all();
    class.cluster.await_leader();
    let last = submit(&class.student, &class.file("work.py", "fourth"));
    assert_eq!(last["submission"]["attempt"], 3, "what was queued went before it");
    let text = |attempt: &str| {
        let into = class.cluster.path(&format!("attempt-{attempt}")).display().to_string();
        class.student.run(&["submission", "fetch", "cs101/hw1", "--attempt", attempt, "--dir", &into]).ok();
        fs::read_to_string(format!("{into}/work.py")).unwrap()
    };
    assert_eq!([text("1"), text("2"), text("3")], ["first", "third", "fourth"]);
}

#[test]
fn what_the_cluster_refuses_stays_in_the_outbox_with_the_reason() {
    let mut class = class(1);
    class.instructor.run(&["assignment", "update", "cs101/hw1", "--attempts", "1"]).ok();
    let first = class.file("first.py", "1");
    submit(&class.student, &first);
    class.cluster.kill(1);
    let second = class.file("second.py", "2");
    class.student.run(&["submit", "cs101/hw1", &second, "--timeout", "1s"]).refused(5, "QUEUED");
    class.cluster.start_all();
    class.cluster.await_leader();
    class.student.run(&["status"]).ok();
    let waiting = class.student.run(&["outbox", "list"]).json();
    assert!(waiting["queued"][0]["problem"].as_str().is_some_and(|why| why.contains("attempt")), "{waiting}");
    assert_eq!(waiting["queued"][0]["goes_by_itself"], false);
    class.student.run(&["outbox", "send"]).refused(1, "NO_ATTEMPTS_LEFT");
    assert_eq!(class.attempts(&class.student, "cs101/hw1"), 1);
}

#[test]
fn a_folder_that_was_started_knows_its_assignment_and_a_bare_submit_hands_it_in() {
    let class = class(1);
    let (template, notes) = (class.file("template.py", "def answer(): ...\n"), class.file("notes.md", "# Hints\n"));
    class.assignment("hw2", &["--attach", &template, "--attach", &notes]);
    let folder = class.cluster.path("work");
    let place = folder.display().to_string();
    let started = class.student.run(&["start", "cs101/hw2", "--dir", &place]).json();
    assert_eq!(started["files"].as_array().unwrap().len(), 2);
    class.student.run(&["start", "cs101/hw2", "--dir", &place]).ok();
    class.student.run(&["start", "cs101/hw1", "--dir", &place]).refused(1, "LOCAL_FILE");
    class.file("work/template.py", "def answer(): return 42\n");
    class.file("work/.gitignore", "target/\n");
    class.file("work/target/out", "x");
    let inside = folder.join("src");
    class.file("work/src/more.py", "1\n");
    let output = class.student.command(&["submit"]).current_dir(&inside).output().expect("the program starts");
    let done = Ran::new("submit".into(), output).json();
    let files = done["submission"]["files"].as_array().unwrap();
    let names: Vec<&str> = files.iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(names, [".gitignore", "notes.md", "src/more.py", "template.py"]);
    let elsewhere = class.student.command(&["submit"]).current_dir(class.cluster.path("")).output().unwrap();
    Ran::new("submit".into(), elsewhere).refused(2, "USAGE");
}
