//! The rest of a course's life, from both chairs: drafts, threads, announcements, unread counts, gradebook, audit.

use std::fs;

use lectern_tests::Class;

#[test]
fn two_laptops_never_overwrite_each_others_draft() {
    let class = Class::on(1);
    class.assignment("hw1", &[]);
    class.student.run_with_input(&["draft", "save", "cs101/hw1", "-"], "from the laptop").ok();
    let other =
        class.student.run_with_input(&["draft", "save", "cs101/hw1", "-", "--base", "0"], "from the desk").json();
    assert_eq!(other["revision"], 2);
    assert_eq!(other["conflicting_revision"], 1);
    let first = class.student.run(&["draft", "show", "cs101/hw1", "--revision", "1"]).json();
    assert_eq!(first["text"], "from the laptop");
    let latest = class.student.run(&["draft", "show", "cs101/hw1"]).json();
    assert_eq!(latest["text"], "from the desk");
}

#[test]
fn a_question_is_answered_and_what_is_unread_is_counted() {
    let class = Class::on(1);
    class.assignment("hw1", &[]);
    let peer = class.another_student("bob");
    let asked = class
        .student
        .run(&["thread", "ask", "cs101/hw1", "--title", "Part 2?", "--body", "What is a group?", "--anonymous"])
        .json();
    assert_eq!(asked["number"], 1);
    let seen = peer.run(&["thread", "show", "cs101/1"]).json();
    assert!(seen["thread"]["author"].is_null(), "peers do not see who asked: {seen}");
    let staff = class.instructor.run(&["thread", "show", "cs101/1"]).json();
    assert_eq!(staff["thread"]["author"]["username"], "ada");
    class.instructor.run(&["thread", "answer", "cs101/1", "--body", "See page 12."]).ok();
    let home = class.student.run(&["status"]).json();
    assert_eq!(home["courses"][0]["unread_messages"], 1, "{home}");
    let answered = class.student.run(&["thread", "show", "cs101/1"]).json();
    assert_eq!(answered["thread"]["state"], "answered");
    let home = class.student.run(&["status"]).json();
    assert_eq!(home["courses"][0]["unread_messages"], 0, "{home}");
    class.student.run(&["thread", "ask", "cs101", "--title", "Private", "--body", "My grade", "--private"]).ok();
    peer.run(&["thread", "show", "cs101/2"]).refused(1, "NOT_FOUND");
}

#[test]
fn an_announcement_is_new_until_it_was_read() {
    let class = Class::on(1);
    class.instructor.run(&["announcement", "post", "cs101", "--title", "Room", "--body", "We meet in room 5."]).ok();
    assert_eq!(class.student.run(&["status"]).json()["courses"][0]["unread_announcements"], 1);
    let first = class.student.run(&["announcement", "list", "cs101"]).json();
    assert_eq!(first["announcements"][0]["unread"], true);
    assert_eq!(class.student.run(&["status"]).json()["courses"][0]["unread_announcements"], 0);
}

#[test]
fn a_directory_is_handed_in_and_fetched_as_it_was() {
    let class = Class::on(1);
    class.assignment("project", &[]);
    class.file("project/src/main.py", "print('hello')\n");
    class.file("project/README.md", "# A project\n");
    class.file("project/.gitignore", "*.pyc\n");
    class.file("project/cache.pyc", "not to be handed in");
    let folder = class.cluster.path("project");
    let submitted = class.student.run(&["submit", "cs101/project", folder.to_str().expect("UTF-8")]).json();
    let mut names: Vec<&str> = submitted["submission"]["files"]
        .as_array()
        .expect("files")
        .iter()
        .filter_map(|file| file["name"].as_str())
        .collect();
    names.sort_unstable();
    assert_eq!(names, [".gitignore", "README.md", "src/main.py"]);
    let by_file = ["submission", "read", "cs101/project", "ada", "--file", "src/main.py"];
    let read = class.instructor.run(&by_file).json();
    assert!(read["pages"][0]["text"].as_str().is_some_and(|text| text.contains("print('hello')")), "{read}");
    let unnamed = class.student.run(&["submission", "read", "cs101/project"]);
    assert_eq!(unnamed.code, 2, "there are three files: {}", unnamed.stderr);
    class.another_student("bob").run(&["submission", "read", "cs101/project"]).refused(1, "NOT_FOUND");
    let back = class.cluster.path("back");
    class.instructor.run(&["submission", "fetch", "cs101/project", "--dir", back.to_str().expect("UTF-8")]).ok();
    assert_eq!(fs::read_to_string(back.join("ada/src/main.py")).expect("fetched"), "print('hello')\n");
}

#[test]
fn the_gradebook_is_exported_in_canvas_columns_and_changes_are_audited() {
    let class = Class::on(1);
    class.assignment("hw1", &["--points", "50"]);
    class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], "work").ok();
    class.instructor.run(&["grade", "set", "cs101/hw1", "ada", "42.5"]).ok();
    class.instructor.run(&["grade", "set", "cs101/hw1", "ada", "45", "--reason", "counted again"]).ok();
    let path = class.cluster.path("grades.csv");
    class.instructor.run(&["gradebook", "export", "cs101", "--output", path.to_str().expect("UTF-8")]).ok();
    let csv = fs::read_to_string(path).expect("exported");
    let head = csv.lines().next().expect("a head");
    assert!(head.starts_with("Student,ID,SIS User ID,SIS Login ID,Section,"), "{csv}");
    assert!(csv.lines().any(|line| line.contains("sis-ada") && line.contains("45")), "{csv}");
    let audit = class.instructor.run(&["audit", "list", "cs101"]).json();
    let entries = audit["entries"].as_array().expect("entries");
    let change = entries.iter().find(|entry| entry["reason"] == "counted again").expect("the change is audited");
    assert_eq!(change["actor"]["username"], "noether");
    assert_eq!(change["action"], "grade.set");
}

#[test]
fn unreleased_material_is_not_there_for_students() {
    let class = Class::on(1);
    let notes = class.file("notes.md", "# Notes\n\nFirst page.\n");
    class.instructor.run(&["material", "add", "cs101", &notes, "--release", "+1d"]).ok();
    let list = class.student.run(&["material", "list", "cs101"]).json();
    assert_eq!(list["materials"].as_array().map(Vec::len), Some(0), "{list}");
    class.student.run(&["material", "read", "cs101/notes"]).refused(1, "NOT_FOUND");
    class.instructor.run(&["material", "update", "cs101/notes", "--release", "none"]).ok();
    let page = class.student.run(&["material", "read", "cs101/notes"]).json();
    assert!(page["pages"][0]["text"].as_str().is_some_and(|text| text.contains("First page.")), "{page}");
}

#[test]
fn a_watcher_hears_of_what_they_may_see_and_of_nothing_else() {
    use std::io::{BufRead, BufReader};
    let class = Class::on(1);
    class.assignment("hw1", &[]);
    let peer = class.another_student("bob");
    let mut watch = class.student.command(&["watch"]).spawn().expect("the program starts");
    let lines = BufReader::new(watch.stdout.take().expect("standard output is piped")).lines();
    // The first announcement that is heard says that the watch has begun.
    let heard = std::thread::spawn(move || {
        let mut kinds = Vec::new();
        for line in lines.map_while(Result::ok) {
            let event: serde_json::Value = serde_json::from_str(&line).expect("one JSON object a line");
            let kind = event["kind"].as_str().unwrap_or_default().to_owned();
            let last = kind == "assignment";
            kinds.push(kind);
            if last {
                break;
            }
        }
        kinds
    });
    lectern_tests::wait::until("the watch to begin", lectern_tests::cluster::PATIENCE, || {
        class.instructor.run(&["announcement", "post", "cs101", "--title", "Hello", "--body", "Hello"]).ok();
        peer.run_with_input(&["submit", "cs101/hw1", "--text", "-"], "bob's own work").ok();
        class.assignment(&format!("more-{}", class.attempts(&peer, "cs101/hw1")), &[]);
        heard.is_finished().then_some(())
    });
    // It may have ended already.
    let _ = watch.kill();
    let _ = watch.wait();
    let kinds = heard.join().expect("every line was JSON");
    assert!(!kinds.iter().any(|kind| kind == "submission"), "another student's work is nobody's news: {kinds:?}");
}

#[test]
fn what_if_foretells_the_grade_that_weights_and_drops_make_of_the_score() {
    let class = Class::on(1);
    class.instructor.run(&["group", "create", "cs101/homework", "--weight", "60", "--drop-lowest", "1"]).ok();
    class.instructor.run(&["group", "create", "cs101/exams", "--weight", "40"]).ok();
    class.instructor.run(&["policy", "set", "cs101", "--scheme", "A=90 B=80 F=0"]).ok();
    let at_once = ["--points", "10", "--post-at-once", "true", "--group"];
    for (slug, group) in [("hw1", "homework"), ("hw2", "homework"), ("exam", "exams")] {
        class.assignment(slug, &[&at_once[..], &[group]].concat());
    }
    for (slug, score) in [("hw1", "4"), ("hw2", "9")] {
        class.instructor.run(&["grade", "set", &format!("cs101/{slug}"), "ada", score]).ok();
    }
    let now = class.student.run(&["grade", "list", "cs101"]).json();
    assert_eq!((&now["total"]["current"], &now["total"]["current_level"]), (&"90.00".into(), &"A".into()), "{now}");
    // (60 · 9/10 + 40 · 6/10) / 100
    let supposed = class.student.run(&["grade", "what-if", "cs101", "exam=6"]).json();
    assert_eq!(supposed["then"]["current"], "78.00", "{supposed}");
    assert_eq!(supposed["dropped"][0], "hw1", "{supposed}");
    class.instructor.run(&["grade", "set", "cs101/exam", "ada", "6"]).ok();
    let then = class.student.run(&["grade", "list", "cs101"]).json();
    assert_eq!(then["total"], supposed["then"], "the cluster's answer is what was foretold");
    let excuse = ["override", "set", "cs101/exam", "--student", "ada", "--excused", "true", "--reason", "was ill"];
    class.instructor.run(&excuse).ok();
    let excused = class.student.run(&["grade", "list", "cs101"]).json();
    assert_eq!(excused["total"]["current"], "90.00", "{excused}");
}
