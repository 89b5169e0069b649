//! The main story, typed: a student and an instructor side by side in two terminals, on three nodes, while the leader is
//! killed during a draft, an upload and a grade.

use lectern_tests::Class;
use lectern_tests::cluster::make_file;
use lectern_tests::terminal::{Exit, PATIENCE, Terminal};
use lectern_tests::wait;

/// Large enough that its upload is under way for a while.
const BYTES: usize = 12 * 1024 * 1024;

#[test]
fn a_draft_an_upload_and_a_grade_typed_side_by_side_outlive_three_leaders() {
    let mut class = Class::on(3);
    class.assignment("hw1", &["--points", "100"]);
    let work = class.cluster.path("person-files");
    std::fs::create_dir_all(&work).expect("the folder is writable");
    make_file(&work.join("measurements.bin"), BYTES, 7);
    let mut student = class.student.full_screen().directory(&work).size(100, 30).start();
    let mut instructor = class.instructor.full_screen().size(120, 36).start();
    student.wait_for("hw1");
    instructor.wait_for("cs101");

    a_draft_while_the_leader_dies(&mut class, &mut student);
    an_upload_while_the_leader_dies(&mut class, &mut student, &mut instructor);
    a_grade_while_the_leader_dies(&mut class, &mut student, &mut instructor);

    for terminal in [&mut student, &mut instructor] {
        terminal.keys("ctrl-c");
        assert_eq!(terminal.exit(), Exit::code(0));
        terminal.assert_restored();
    }
    assert_eq!(class.attempts(&class.student, "cs101/hw1"), 1);
    class.cluster.assert_none_stopped();
}

fn a_draft_while_the_leader_dies(class: &mut Class, student: &mut Terminal) {
    student.keys("enter");
    student.wait_for("What to do");
    student.keys("e");
    student.wait_for("Write here. Markdown is fine.");
    student.type_text("Every symmetry ");
    student.wait_for("✓ saved on the server");
    let killed = class.cluster.kill_leader();
    student.type_text("has its conserved quantity.");
    student.wait_for("Every symmetry has its conserved quantity.");
    student.wait_for("✓ saved on the server, revision 2");
    class.cluster.start_node(killed);
    class.cluster.await_caught_up();
    student.keys("esc");
    student.keys("esc");
    student.wait_for("What to do");
}

fn an_upload_while_the_leader_dies(class: &mut Class, student: &mut Terminal, instructor: &mut Terminal) {
    student.keys("f");
    student.wait_for("measurements.bin");
    student.keys("/");
    student.type_text("measure");
    student.keys("enter");
    student.keys("ctrl-s");
    student.wait_for("What is handed in to cs101/hw1");
    student.keys("ctrl-s");
    student.wait_for("Hand in cs101/hw1?");
    student.keys("y");
    student.wait_for("Uploading");
    let killed = class.cluster.kill_leader();
    student.wait_for("Submitted cs101/hw1");
    class.cluster.start_node(killed);
    class.cluster.await_caught_up();
    // What changed on the server appears on the open screen without a key.
    instructor.wait_for("1 submission to grade");
}

fn a_grade_while_the_leader_dies(class: &mut Class, student: &mut Terminal, instructor: &mut Terminal) {
    instructor.keys("w");
    instructor.wait_for("hw1");
    instructor.keys("enter");
    instructor.wait_for("Ada");
    instructor.keys("enter");
    instructor.wait_for("measurements.bin");
    instructor.type_text("87.5");
    let killed = class.cluster.kill_leader();
    instructor.keys("ctrl-s");
    wait::until("the grade to be saved", PATIENCE, || {
        let seen = class.instructor.run(&["submission", "list", "cs101/hw1"]).json();
        (seen["submissions"][0]["grade"]["score"] == "87.5").then_some(())
    });
    class.cluster.start_node(killed);
    class.instructor.run(&["grade", "post", "cs101/hw1"]).ok();
    student.keys("esc esc esc");
    student.wait_for("87.5");
}
