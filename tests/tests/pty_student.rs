//! The student's program in a real terminal.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use lectern_tests::Class;
use lectern_tests::pty_suite::Subject;
use lectern_tests::terminal::{Exit, Launch, Terminal};
use rustix::process::Signal;

/// On the first screen, once it is complete.
const READY: &str = "hw1";

fn class(nodes: u32) -> Class {
    let class = Class::on(nodes);
    class.assignment("hw1", &["--points", "100"]);
    class
}

fn launch(class: &Class) -> Launch {
    class.student.full_screen().size(100, 30)
}

fn subject() -> Subject {
    let class = class(1);
    Subject { launch: launch(&class), ready: READY, rest: "", keep: Box::new(class) }
}

lectern_tests::pty_suite!(subject);

fn start(launch: &Launch) -> Terminal {
    let mut terminal = launch.start();
    terminal.wait_for(READY);
    terminal
}

/// From home into the editor of the only assignment's draft.
fn write(terminal: &mut Terminal) {
    terminal.keys("enter");
    terminal.wait_for("What to do");
    terminal.keys("e");
    terminal.wait_for("Write here. Markdown is fine.");
}

fn draft(class: &Class) -> String {
    let kept = class.student.run(&["draft", "show", "cs101/hw1"]).json();
    kept["text"].as_str().expect("a text").trim_end().to_owned()
}

#[test]
fn a_half_typed_draft_outlives_the_death_of_the_leader() {
    let mut class = class(3);
    let mut terminal = start(&launch(&class));
    write(&mut terminal);
    terminal.type_text("Every symmetry ");
    terminal.wait_for("✓ saved on the server");
    let killed = class.cluster.kill_leader();
    // Typing never waits for the cluster.
    terminal.type_text("has its conserved quantity.");
    terminal.wait_for("Every symmetry has its conserved quantity.");
    class.cluster.await_leader();
    terminal.wait_for("✓ saved on the server, revision 2");
    assert_eq!(draft(&class), "Every symmetry has its conserved quantity.");
    class.cluster.start_node(killed);
    terminal.keys("esc q");
    assert_eq!(terminal.exit(), Exit::code(0));
    terminal.assert_restored();
}

#[test]
fn a_draft_survives_the_death_of_the_program_and_of_the_cluster() {
    let mut class = class(1);
    let mut terminal = start(&launch(&class));
    write(&mut terminal);
    terminal.wait_for("no draft on the server yet");
    class.cluster.kill(1);
    terminal.type_text("Written while nobody answers.");
    terminal.wait_for("✓ saved here");
    terminal.signal(Signal::KILL);
    assert_eq!(terminal.exit().signal.as_deref(), Some("Killed"));
    class.cluster.start_all();
    let mut terminal = start(&launch(&class));
    terminal.keys("enter");
    terminal.wait_for("What to do");
    terminal.keys("e");
    terminal.wait_for("Written while nobody answers.");
    terminal.wait_for("✓ saved on the server");
    assert_eq!(draft(&class), "Written while nobody answers.");
}

#[test]
fn a_paste_of_many_lines_is_text() {
    let class = class(1);
    let mut terminal = start(&launch(&class));
    terminal.paste("q q q");
    write(&mut terminal);
    terminal.paste("first q\nsecond :\nthird ?");
    terminal.wait_for("third ?");
    terminal.wait_for("✓ saved on the server");
    assert_eq!(draft(&class), "first q\nsecond :\nthird ?");
}

#[test]
fn the_persons_own_editor_has_the_terminal_and_its_text_comes_back() {
    let class = class(1);
    let path = class.file("editor", "#!/bin/sh\necho EDITOR READY\nread line\necho \"$line\" >> \"$1\"\n");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the file is ours");
    let mut terminal = start(&launch(&class).env("EDITOR", path));
    write(&mut terminal);
    terminal.keys("ctrl-e");
    terminal.wait_for("EDITOR READY");
    assert!(!terminal.is_full_screen());
    terminal.type_text("written outside; q ? :\n");
    terminal.wait_for("✓ saved on the server");
    terminal.wait_for("written outside; q ? :");
    assert_eq!(draft(&class), "written outside; q ? :");
}

#[test]
fn a_text_is_handed_in_after_a_question_and_exactly_once() {
    let class = class(1);
    let mut terminal = start(&launch(&class));
    write(&mut terminal);
    terminal.type_text("Quod erat demonstrandum.");
    terminal.keys("ctrl-s");
    terminal.wait_for("What is handed in to cs101/hw1");
    terminal.keys("ctrl-s");
    terminal.wait_for("Hand in cs101/hw1?");
    terminal.keys("y");
    terminal.wait_for("Submitted cs101/hw1");
    assert_eq!(class.attempts(&class.student, "cs101/hw1"), 1);
}

#[test]
fn without_an_account_it_asks_who_is_there() {
    let class = class(1);
    let mut terminal = class.cluster.person("lectern-student").full_screen().start();
    terminal.wait_until("a place for the password", |screen| screen.to_lowercase().contains("password"));
    // A letter is text until Esc leaves the form.
    terminal.keys("esc q");
    assert_eq!(terminal.exit(), Exit::code(0));
    terminal.assert_restored();
}

#[test]
fn work_handed_in_on_the_screen_of_a_cluster_that_is_away_is_queued_and_sent_by_the_next_start() {
    let mut class = class(1);
    let mut terminal = start(&launch(&class));
    write(&mut terminal);
    terminal.type_text("Written on a train.");
    terminal.wait_for("✓ saved on the server");
    class.cluster.kill(1);
    terminal.keys("ctrl-s");
    terminal.wait_for("What is handed in to cs101/hw1");
    terminal.keys("ctrl-s");
    terminal.wait_for("Hand in cs101/hw1?");
    terminal.keys("y");
    terminal.wait_for("NOT submitted: it is queued on this machine");
    terminal.signal(Signal::KILL);
    assert_eq!(terminal.exit().signal.as_deref(), Some("Killed"));
    class.cluster.start_all();
    let mut terminal = start(&launch(&class));
    terminal.wait_for("Submitted cs101/hw1, attempt 1");
    assert_eq!(class.attempts(&class.student, "cs101/hw1"), 1);
}
