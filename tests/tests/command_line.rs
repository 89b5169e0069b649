//! The command line as a hostile or a hasty person meets it: files that are in the way, files that never end, arguments
//! that are wrong, a cluster that is half gone.

use std::fs;
use std::os::unix::fs::FileTypeExt as _;
use std::process::Command;

use lectern_tests::Class;

const REFUSED: i32 = 1;
const USAGE: i32 = 2;
const UNREACHABLE: i32 = 4;

#[test]
fn a_file_of_ones_own_is_never_replaced_unasked() {
    let class = Class::on(1);
    let notes = class.file("notes.md", "# Notes\n");
    class.instructor.run(&["material", "add", "cs101", &notes, "--slug", "notes"]).ok();
    let mine = class.file("mine/notes.md", "my own words");
    let save = ["material", "save", "cs101/notes", "-o", &mine];
    class.student.run(&save).refused(REFUSED, "LOCAL_FILE");
    assert_eq!(fs::read_to_string(&mine).unwrap(), "my own words");
    class.student.run(&[&save[..], &["--force"]].concat()).ok();
    assert_eq!(fs::read_to_string(&mine).unwrap(), "# Notes\n");
    assert_eq!(class.student.run(&save).json()["already_there"], true);
    assert_eq!(class.student.run(&["material", "save", "cs101/notes", "-o", "-"]).ok().stdout, "# Notes\n");
    class.student.run(&["material", "save", "cs101/notes", "-o", "/dev/full"]).refused(REFUSED, "LOCAL_FILE");
    assert!(fs::metadata("/dev/full").unwrap().file_type().is_char_device());
    class.student.run(&["material", "read", "cs101/notes", "--page", "99999"]).refused(REFUSED, "NOT_FOUND");

    class.assignment("hw1", &[]);
    let program = class.file("program.py", "print(1)\n");
    class.student.run(&["submit", "cs101/hw1", &program]).ok();
    let dir = class.cluster.path("mine").to_str().unwrap().to_owned();
    let changed = class.file("mine/program.py", "print(2)\n");
    class.student.run(&["submission", "fetch", "cs101/hw1", "--dir", &dir]).refused(REFUSED, "LOCAL_FILE");
    assert_eq!(fs::read_to_string(&changed).unwrap(), "print(2)\n");
    let grades = class.file("grades.csv", "");
    class.instructor.run(&["gradebook", "export", "cs101", "-o", &grades]).refused(REFUSED, "LOCAL_FILE");
    class.instructor.run(&["roster", "codes", "cs101", "-o", &grades]).refused(REFUSED, "LOCAL_FILE");
    class.instructor.run(&["gradebook", "export", "cs101", "-o", &grades, "--force"]).ok();
}

#[test]
fn what_is_no_file_or_no_text_is_refused_at_once_and_is_no_wrong_usage() {
    let class = Class::on(1);
    class.assignment("hw1", &[]);
    let fifo = class.cluster.path("fifo.py").to_str().unwrap().to_owned();
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let latin = class.file("latin.txt", b"caf\xe9");
    let empty = class.cluster.path("empty").to_str().unwrap().to_owned();
    fs::create_dir(&empty).unwrap();
    for args in [
        &["submit", "cs101/hw1", &fifo][..],
        &["submit", "cs101/hw1", "/dev/zero"],
        &["submit", "cs101/hw1", &empty],
        &["submit", "cs101/hw1", "--text", &fifo],
        &["submit", "cs101/hw1", "--text", &latin],
        &["draft", "save", "cs101/hw1", "/dev/zero"],
    ] {
        class.student.run(args).refused(REFUSED, "LOCAL_FILE");
    }
    let feedback = ["grade", "set", "cs101/hw1", "ada", "1", "--feedback-file", &fifo];
    class.instructor.run(&feedback).refused(REFUSED, "LOCAL_FILE");
    let post = ["announcement", "post", "cs101", "--title", "Hello", "--body", "-"];
    assert_eq!(class.instructor.run_with_input(&post, "All of you").json()["body"], "All of you");
}

#[test]
fn who_asks_for_json_hears_of_wrong_usage_in_json() {
    let class = Class::on(1);
    class.student.run(&["nosuchcommand"]).refused(USAGE, "USAGE");
    class.student.run(&["submit"]).refused(USAGE, "USAGE");
    class.student.run(&[]).refused(USAGE, "USAGE");
    class.instructor.run(&["grade"]).refused(USAGE, "USAGE");
    class.instructor.run(&["grade", "set", "cs101/hw1", "ada", "abc"]).refused(USAGE, "USAGE");
    class.student.run(&["next", "--profile", "nope"]).refused(USAGE, "USAGE");
}

#[test]
fn a_student_who_never_signed_in_is_graded_on_paper_and_a_score_above_the_maximum_is_said_to_be_one() {
    let class = Class::on(1);
    class.assignment("hw1", &["--points", "20"]);
    class.admin.run(&["account", "create", "kwabena", "--name", "Kwabena Tauschwald"]).ok();
    class.instructor.run(&["roster", "add", "cs101", "kwabena"]).ok();
    let set = class.instructor.run(&["grade", "set", "cs101/hw1", "kwabena", "25"]).json();
    assert_eq!((&set["grade"]["score"], &set["grade"]["above_maximum"]), (&"25".into(), &true.into()), "{set}");
    let csv = class.instructor.run(&["gradebook", "export", "cs101"]).ok().stdout;
    assert!(csv.contains("kwabena") && csv.contains(",25,"), "{csv}");
    let listed = class.instructor.run(&["submission", "list", "cs101/hw1"]).json();
    let shown = class.instructor.run(&["assignment", "show", "cs101/hw1"]).json();
    let count = listed["submissions"].as_array().map(Vec::len).unwrap();
    assert_eq!(shown["counts"]["students"], count, "{shown}");
}

#[test]
fn a_lost_majority_is_told_as_one_and_unknown_numbers_are_null() {
    let mut class = Class::on(3);
    class.student.run(&["next"]).ok();
    let dead = class.cluster.kill_leader();
    class.cluster.await_leader();
    class.cluster.kill_leader();
    let error = class.student.run(&["next", "--timeout", "2s"]).refused(UNREACHABLE, "NO_QUORUM");
    assert_eq!(error["error"]["message"], "no majority: 1 of 3 nodes answers");
    let status = class.cluster.person("lectern-monitor").run(&["status"]).json();
    let nodes = status["nodes"].as_array().unwrap();
    let gone = nodes.iter().find(|node| node["node"] == dead).unwrap();
    assert!(gone["commit"].is_null() && gone["disk_free_bytes"].is_null(), "{gone}");
    let wrong = class.student.through(&class.cluster.metrics_address(alive(nodes))).run(&["next"]);
    wrong.refused(UNREACHABLE, "UNREACHABLE");
}

fn alive(nodes: &[serde_json::Value]) -> u32 {
    let node = nodes.iter().find(|node| node["reachable"] == true).expect("one node is left");
    node["node"].as_u64().and_then(|node| u32::try_from(node).ok()).expect("its number")
}
