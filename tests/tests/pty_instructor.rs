//! The instructor's program in a real terminal.

use lectern_tests::Class;
use lectern_tests::pty_suite::Subject;
use lectern_tests::terminal::{Exit, Launch, Terminal};
use lectern_tests::wait;

/// On the first screen, once it is complete.
const READY: &str = "cs101";

/// A class in which Ada has handed in `hw1`.
fn class(nodes: u32) -> Class {
    let class = Class::on(nodes);
    class.assignment("hw1", &["--points", "100"]);
    let essay = class.file("essay.txt", "Every symmetry has its conserved quantity.\n");
    class.student.run(&["submit", "cs101/hw1", &essay]).ok();
    class
}

fn launch(class: &Class) -> Launch {
    class.instructor.full_screen().size(120, 36)
}

fn subject() -> Subject {
    let class = class(1);
    Subject { launch: launch(&class), ready: READY, rest: "", keep: Box::new(class) }
}

lectern_tests::pty_suite!(subject);

/// From home over what waits for a grade to Ada's work.
fn grade_ada(class: &Class) -> Terminal {
    let mut terminal = launch(class).start();
    terminal.wait_for("1 submission to grade");
    terminal.keys("w");
    terminal.wait_for("hw1");
    terminal.keys("enter");
    terminal.wait_for("Ada");
    terminal.keys("enter");
    terminal.wait_for("Every symmetry has its conserved quantity.");
    terminal
}

fn score(class: &Class) -> Option<String> {
    let book = class.instructor.run(&["submission", "list", "cs101/hw1"]).json();
    book["submissions"][0]["grade"]["score"].as_str().map(ToOwned::to_owned)
}

fn await_score(class: &Class, wanted: &str) {
    wait::until(&format!("the score {wanted}"), lectern_tests::terminal::PATIENCE, || {
        (score(class).as_deref() == Some(wanted)).then_some(())
    });
}

#[test]
fn a_grade_is_typed_beside_the_work_and_saved() {
    let class = class(1);
    let mut terminal = grade_ada(&class);
    terminal.type_text("87.5");
    terminal.keys("f");
    terminal.type_text("Clear and complete; q ? :");
    terminal.keys("ctrl-s");
    await_score(&class, "87.5");
    terminal.wait_gone("not saved");
    terminal.keys("esc");
    terminal.keys("q");
    assert_eq!(terminal.exit(), Exit::code(0));
    terminal.assert_restored();
}

#[test]
fn a_grade_that_is_saved_while_the_leader_dies_arrives_once() {
    let mut class = class(3);
    let mut terminal = grade_ada(&class);
    terminal.type_text("42");
    let killed = class.cluster.kill_leader();
    terminal.keys("ctrl-s");
    await_score(&class, "42");
    terminal.wait_gone("not saved");
    class.cluster.start_node(killed);
    let audit = class.instructor.run(&["audit", "list", "cs101"]).json();
    let entries = audit["entries"].as_array().expect("entries");
    assert_eq!(entries.iter().filter(|entry| entry["action"] == "grade.set").count(), 1, "{audit}");
}

#[test]
fn what_is_typed_is_not_lost_by_a_hasty_quit() {
    let class = class(1);
    let mut terminal = grade_ada(&class);
    terminal.type_text("77");
    terminal.keys("ctrl-c");
    terminal.wait_for("Discard 1 grade typed and not saved?");
    // The safe answer is the selected one.
    terminal.keys("enter ctrl-s ctrl-c");
    terminal.exit();
    terminal.assert_restored();
    await_score(&class, "77");
}

#[test]
fn a_paste_into_feedback_is_text() {
    let class = class(1);
    let mut terminal = grade_ada(&class);
    terminal.keys("f");
    terminal.paste("q q q\nn n n");
    terminal.wait_for("n n n");
    terminal.keys("esc");
    terminal.type_text("50");
    terminal.keys("ctrl-s");
    await_score(&class, "50");
}
