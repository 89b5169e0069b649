//! What is refused, with a named reason, a stable exit code, and no change.

use lectern_tests::Class;
use lectern_tests::cluster::Cluster;

const REFUSED: i32 = 1;

#[test]
fn a_student_may_not_do_what_staff_does() {
    let class = Class::on(1);
    class.assignment("hw1", &[]);
    let as_staff = class.student.with("lectern-instructor");
    as_staff.run(&["grade", "set", "cs101/hw1", "ada", "100"]).refused(REFUSED, "WRONG_ROLE");
    as_staff.run(&["assignment", "create", "cs101/hw2", "--title", "Mine"]).refused(REFUSED, "WRONG_ROLE");
    as_staff.run(&["roster", "add", "cs101", "admin", "--role", "instructor"]).refused(REFUSED, "WRONG_ROLE");
    as_staff.run(&["account", "create", "friend", "--name", "A Friend"]).refused(REFUSED, "WRONG_ROLE");
    as_staff.run(&["gradebook", "export", "cs101"]).refused(REFUSED, "WRONG_ROLE");
    let list = class.instructor.run(&["assignment", "list", "cs101"]).json();
    assert_eq!(list["assignments"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_role_removed_a_moment_ago_cannot_write() {
    let class = Class::on(1);
    class.assignment("hw1", &[]);
    class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], "first").ok();
    class.instructor.run(&["roster", "remove", "cs101", "ada"]).ok();
    class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], "second").refused(REFUSED, "NOT_FOUND");
    let kept = class.instructor.run(&["submission", "list", "cs101/hw1", "ada"]).json();
    assert_eq!(kept["attempts"].as_array().map(Vec::len), Some(1), "the work of before stays: {kept}");
}

#[test]
fn work_after_the_lock_date_is_kept_as_an_extension_request_and_not_submitted() {
    let class = Class::on(1);
    class.assignment("hw1", &["--due", "2026-01-01 12:00", "--lock", "2026-01-02 12:00"]);
    let kept = class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], "late, but here").json();
    assert!(kept["submission"].is_null(), "{kept}");
    assert_eq!(kept["extension_request"]["state"], "pending");
    assert_eq!(class.attempts(&class.student, "cs101/hw1"), 0);
    let request = kept["extension_request"]["id"].as_str().expect("an id").to_owned();
    let accepted = class.instructor.run(&["extension", "accept", "cs101", &request, "--reason", "was ill"]).json();
    assert_eq!(accepted["submission"]["text"], "late, but here");
    assert_eq!(accepted["submission"]["late"], true);
    assert_eq!(class.attempts(&class.student, "cs101/hw1"), 1);
}

#[test]
fn attempts_beyond_the_allowed_ones_are_refused() {
    let class = Class::on(1);
    class.assignment("hw1", &["--attempts", "1"]);
    class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], "first").ok();
    class
        .student
        .run_with_input(&["submit", "cs101/hw1", "--text", "-"], "second")
        .refused(REFUSED, "NO_ATTEMPTS_LEFT");
    assert_eq!(class.attempts(&class.student, "cs101/hw1"), 1);
}

#[test]
fn work_before_the_unlock_date_is_refused() {
    let class = Class::on(1);
    class.assignment("hw1", &["--unlock", "+1d"]);
    class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], "early").refused(REFUSED, "NOT_UNLOCKED");
}

#[test]
fn the_wrong_type_and_the_wrong_ending_are_refused() {
    let class = Class::on(1);
    class
        .instructor
        .run(&["assignment", "create", "cs101/files", "--title", "Files", "--type", "files", "--extension", "py"])
        .ok();
    class.student.run_with_input(&["submit", "cs101/files", "--text", "-"], "text").refused(REFUSED, "WRONG_TYPE");
    let wrong = class.file("essay.txt", "words");
    class.student.run(&["submit", "cs101/files", &wrong]).refused(REFUSED, "WRONG_TYPE");
    let right = class.file("program.py", "print('hello')\n");
    class.student.run(&["submit", "cs101/files", &right]).ok();
}

#[test]
fn a_file_over_the_assignments_limit_is_refused_before_its_bytes_travel() {
    let class = Class::on(1);
    class.assignment("hw1", &["--max-file-bytes", "1000"]);
    let large = class.file("large.bin", vec![7; 1001]);
    class.student.run(&["submit", "cs101/hw1", &large]).refused(REFUSED, "TOO_LARGE");
    let exact = class.file("exact.bin", vec![7; 1000]);
    class.student.run(&["submit", "cs101/hw1", &exact]).ok();
}

#[test]
fn a_students_quota_is_not_exceeded() {
    let class = Class::on(1);
    class.assignment("hw1", &[]);
    class.instructor.run(&["course", "update", "cs101", "--student-quota-bytes", "5000"]).ok();
    let first = class.file("first.bin", vec![1; 3000]);
    class.student.run(&["submit", "cs101/hw1", &first]).ok();
    let second = class.file("second.bin", vec![2; 3000]);
    class.student.run(&["submit", "cs101/hw1", &second]).refused(REFUSED, "QUOTA_EXCEEDED");
    assert_eq!(class.attempts(&class.student, "cs101/hw1"), 1);
}

#[test]
fn text_counts_in_the_quota_as_files_do() {
    let class = Class::on(1);
    class.assignment("hw1", &[]);
    class.instructor.run(&["course", "update", "cs101", "--student-quota-bytes", "20"]).ok();
    class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], "twelve bytes").ok();
    class
        .student
        .run_with_input(&["submit", "cs101/hw1", "--text", "-"], "twelve bytes")
        .refused(REFUSED, "QUOTA_EXCEEDED");
    assert_eq!(class.attempts(&class.student, "cs101/hw1"), 1);
}

#[test]
fn overlong_text_is_refused() {
    let class = Class::on(1);
    class.assignment("hw1", &["--max-text-bytes", "10"]);
    class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], "eleven chars").refused(REFUSED, "TOO_LONG");
    class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], "ten chars!").ok();
}

#[test]
fn bytes_that_are_no_text_are_refused_with_their_place() {
    let class = Class::on(1);
    class.assignment("hw1", &[]);
    let broken = class.file("broken.txt", b"fine so far \xff\xfe");
    let ran = class.student.run(&["submit", "cs101/hw1", "--text", &broken]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("byte 12"), "{}", ran.stderr);
    let users =
        class.file("users.csv", b"user_id,login_id,full_name,email,status\nx1,x1,Name \xff,x@example.org,active\n");
    class.admin.run(&["account", "import", &users]).refused(REFUSED, "BAD_UTF8");
}

#[test]
fn duplicate_names_are_refused() {
    let class = Class::on(1);
    class.assignment("hw1", &[]);
    class.admin.run(&["course", "create", "cs101", "--title", "Again"]).refused(REFUSED, "DUPLICATE_NAME");
    class.admin.run(&["account", "create", "ADA", "--name", "Another"]).refused(REFUSED, "DUPLICATE_NAME");
    class.instructor.run(&["assignment", "create", "cs101/hw1", "--title", "Again"]).refused(REFUSED, "DUPLICATE_NAME");
}

#[test]
fn a_roster_with_bad_rows_names_all_of_them_and_imports_nothing() {
    let class = Class::on(1);
    let users = class
        .file("users.csv", "user_id,login_id,full_name,email,status\ng1,grace,Grace Hopper,g@example.org,active\n");
    let enrollments = class.file(
        "enrollments.csv",
        "course_id,user_id,role,section_id,status\ncs101,g1,student,,active\ncs101,nobody,student,,active\ncs101,g1,wizard,,active\n",
    );
    let import = ["roster", "import", "cs101", "--enrollments", &enrollments, "--users", &users];
    let error = class.instructor.run(&import).refused(REFUSED, "BAD_ROWS");
    let rows = error["error"]["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 2, "{error}");
    let roster = class.instructor.run(&["roster", "list", "cs101"]).json();
    assert_eq!(roster["enrollments"].as_array().map(Vec::len), Some(2), "noether and ada only: {roster}");
    class.admin.run(&["account", "show", "grace"]).refused(REFUSED, "NOT_FOUND");
}

#[test]
fn two_graders_never_overwrite_each_other() {
    let class = Class::on(1);
    class.assignment("hw1", &[]);
    class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], "work").ok();
    class.instructor.run(&["grade", "set", "cs101/hw1", "ada", "80", "--base", "0"]).ok();
    class.admin.run(&["grade", "set", "cs101/hw1", "ada", "20", "--base", "0"]).refused(REFUSED, "STALE_REVISION");
    let shown = class.instructor.run(&["submission", "show", "cs101/hw1", "ada"]).json();
    assert_eq!(shown["grade"]["score"], "80");
}

#[test]
fn work_that_nobody_looked_at_gets_no_grade() {
    let class = Class::on(1);
    class.assignment("hw1", &[]);
    class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], "first").ok();
    let grade = ["grade", "set", "cs101/hw1", "ada", "80"];
    class.instructor.run(&[&grade[..], &["--attempt", "0"]].concat()).refused(REFUSED, "ATTEMPT_REQUIRED");
    class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], "second").ok();
    let ambiguous = class.instructor.run(&grade);
    assert_eq!(ambiguous.code, 2, "{}", ambiguous.stderr);
    let graded = class.instructor.run(&[&grade[..], &["--attempt", "1"]].concat()).json();
    assert_eq!(graded["grade"]["attempt"], 1);
    assert_eq!(graded["grade"]["grade_matches_current_submission"], false, "the second one still waits");
}

#[test]
fn what_is_asked_is_hidden_until_the_unlock_date() {
    let class = Class::on(1);
    let questions = class.file("questions.pdf", "Question 1");
    class.assignment("exam", &["--unlock", "+1d", "--description", "Prove it.", "--attach", &questions]);
    let locked = class.student.run(&["assignment", "show", "cs101/exam"]).json();
    assert_eq!((&locked["title"], &locked["description"]), (&"exam".into(), &"".into()), "{locked}");
    assert_eq!((&locked["content_hidden"], locked["attachments"].as_array().map(Vec::len)), (&true.into(), Some(0)));
    let staffs = class.instructor.run(&["assignment", "show", "cs101/exam"]).json();
    assert_eq!((&staffs["description"], &staffs["content_hidden"]), (&"Prove it.".into(), &false.into()));
    class.instructor.run(&["assignment", "update", "cs101/exam", "--unlock", "none"]).ok();
    let open = class.student.run(&["assignment", "show", "cs101/exam"]).json();
    assert_eq!(open["description"], "Prove it.");
    assert_eq!(open["attachments"][0]["name"], "questions.pdf");
}

#[test]
fn nobody_signed_in_and_a_revoked_token_are_told_apart_from_a_refusal() {
    let class = Class::on(1);
    let stranger = class.cluster.person("lectern-student");
    stranger.run(&["course", "list"]).refused(3, "NOT_SIGNED_IN");
    let me = class.student.run(&["whoami"]).json();
    class.student.run(&["token", "revoke", me["token_id"].as_str().expect("an id")]).ok();
    class.student.run(&["course", "list"]).refused(3, "NOT_SIGNED_IN");
}

#[test]
fn guessing_a_password_is_slowed_and_told_nothing() {
    let class = Class::on(1);
    let guesser = class.cluster.person("lectern-student");
    let known = guesser.run_with_input(&["sign-in", "ada", "--password-stdin"], "wrong password\n");
    let unknown = guesser.run_with_input(&["sign-in", "nobody-here", "--password-stdin"], "wrong password\n");
    let text = |ran: lectern_tests::Ran| ran.refused(REFUSED, "BAD_CREDENTIALS")["error"]["message"].clone();
    assert_eq!(text(known), text(unknown), "whether an account exists is not told");
}

#[test]
fn what_a_node_of_the_old_release_could_not_apply_is_refused_until_it_is_upgraded() {
    let mut cluster = Cluster::found(1);
    cluster.node_env.push((1, "LECTERN_FAULT_MAX_FEATURE_LEVEL".into(), "2".into()));
    let class = Class::of(cluster);
    class.instructor.run(&["group", "create", "cs101/homework"]).refused(REFUSED, "WRONG_STATE");
    class.assignment("hw1", &[]);
    class
        .instructor
        .run(&["grade", "set", "cs101/hw1", "ada", "80", "--waive-late", "true"])
        .refused(REFUSED, "WRONG_STATE");
    let graded = class.instructor.run(&["grade", "set", "cs101/hw1", "ada", "80"]).json();
    assert_eq!(graded["grade"]["score"], "80", "the rest goes on");
}
