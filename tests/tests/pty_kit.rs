//! The kit in a real terminal: what a test cannot ask of a real program, such as to come to a defect.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use lectern_tests::program::bin;
use lectern_tests::pty_suite::Subject;
use lectern_tests::terminal::{Exit, Launch, Terminal};

/// The tryout program, with a cluster that does not exist: it never asks it for anything.
fn tryout() -> (tempfile::TempDir, Launch) {
    let home = tempfile::tempdir().expect("a temporary folder");
    let launch = Launch::new(&bin("lectern-tryout"), home.path())
        .env("LECTERN_CONFIG_DIR", home.path().join("config"))
        .env("LECTERN_STATE_DIR", home.path().join("state"))
        .env("LECTERN_ENDPOINTS", "127.0.0.1:1");
    (home, launch)
}

fn subject() -> Subject {
    let (home, launch) = tryout();
    Subject { launch, ready: "The tryout is ready.", rest: "", keep: Box::new(home) }
}

lectern_tests::pty_suite!(subject);

fn start(launch: &Launch) -> Terminal {
    let mut terminal = launch.start();
    terminal.wait_for("The tryout is ready.");
    terminal
}

#[test]
fn a_defect_ends_with_its_message_on_a_terminal_that_is_as_it_was() {
    let (_home, launch) = tryout();
    let mut terminal = start(&launch);
    terminal.keys("!");
    assert_eq!(terminal.exit(), Exit::code(101));
    terminal.assert_restored();
    let screen = terminal.screen();
    assert!(screen.contains("the defect that was asked for"), "{screen}");
}

#[test]
fn a_paste_is_text_and_runs_no_key() {
    let (_home, launch) = tryout();
    let mut terminal = start(&launch);
    terminal.paste("jjq!");
    terminal.wait_for("written: [jjq!]");
    terminal.wait_for("counted: 0");
    terminal.keys("w");
    terminal.paste("; and q\nthen !");
    terminal.wait_for("written: [jjq!; and q]");
    terminal.keys("esc q");
    assert_eq!(terminal.exit(), Exit::code(0));
}

#[test]
fn while_text_is_typed_letters_are_no_keys() {
    let (_home, launch) = tryout();
    let mut terminal = start(&launch);
    terminal.keys("j j w");
    terminal.type_text("quit? j!");
    terminal.wait_for("written: [quit? j!]");
    terminal.wait_for("counted: 2");
    terminal.keys("esc j");
    terminal.wait_for("counted: 3");
}

/// An editor of the person's: a script that is run with the file as its argument.
fn editor(home: &tempfile::TempDir, script: &str) -> String {
    let path = home.path().join("editor");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("the folder is writable");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the file is ours");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn the_editor_has_the_terminal_to_itself_and_every_key() {
    let (home, launch) = tryout();
    let script =
        "stty -a | grep -q ' echo ' && echo 'lines are echoed'\necho EDITOR READY\nread line\necho \"$line\" >> \"$1\"";
    let launch = launch.env("EDITOR", editor(&home, script));
    let mut terminal = start(&launch);
    terminal.keys("j e");
    terminal.wait_for("EDITOR READY");
    terminal.wait_for("lines are echoed");
    assert!(!terminal.is_full_screen());
    // The editor reads each of them, and none is a key of the program, then or afterwards.
    terminal.type_text("jjq!jj\n");
    terminal.wait_for("edited: [before jjq!jj]");
    terminal.wait_for("counted: 1");
    assert!(terminal.is_full_screen());
    terminal.keys("j");
    terminal.wait_for("counted: 2");
    terminal.keys("q");
    assert_eq!(terminal.exit(), Exit::code(0));
    terminal.assert_restored();
}

#[test]
fn an_editor_that_fails_is_told_and_its_text_is_kept() {
    let (home, launch) = tryout();
    let launch =
        launch.env("VISUAL", editor(&home, "echo precious >> \"$1\"\nexit 3")).env("EDITOR", "false").size(200, 24);
    let mut terminal = start(&launch);
    terminal.keys("e");
    terminal.wait_for("its text is in");
    let kept = fs::read_dir(home.path().join("state/edit")).expect("the folder of texts").flatten().next();
    let kept = fs::read_to_string(kept.expect("one text").path()).expect("it can be read");
    assert_eq!(kept, "before\nprecious\n");
    terminal.keys("j");
    terminal.wait_for("counted: 1");
}

#[test]
fn ctrl_c_in_the_editor_does_not_end_the_program() {
    let (home, launch) = tryout();
    let launch = launch.env("EDITOR", editor(&home, "echo EDITOR READY\nread line"));
    let mut terminal = start(&launch);
    terminal.keys("e");
    terminal.wait_for("EDITOR READY");
    terminal.keys("ctrl-c");
    terminal.wait_for("edited: [`");
    terminal.keys("j");
    terminal.wait_for("counted: 1");
    terminal.keys("q");
    assert_eq!(terminal.exit(), Exit::code(0));
    terminal.assert_restored();
}
