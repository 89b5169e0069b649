//! Every screen in every state at three sizes: what a person sees, letter by letter.

use std::fmt::Write as _;

use lectern_tui_kit::look::Look;
use lectern_tui_kit::testkit::Harness;
use lectern_tui_kit::theme::ThemeName;

use super::fake::{Fake, Mood, NOW};
use super::{keys, settled, signed_in};
use crate::program::Instructor;
use crate::screens::home::HomeScreen;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (40, 12)];

/// The program at home, its answers in this mood; then the keys that lead to the screen, with what it needs to get
/// there answered, and what the screen itself asks for answered in the mood.
fn reach(path: &str, mood: Mood) -> Harness<Instructor> {
    let mut fake = Fake::new(Mood::Busy);
    if path.is_empty() {
        let mut program = super::at_home();
        fake.mood = mood;
        program.settle(|effect| fake.answer(effect));
        return program;
    }
    let mut program = settled(&mut fake);
    let (before, last) = path.rsplit_once(' ').unwrap_or(("", path));
    keys(&mut program, &mut fake, before);
    program.keys(last);
    fake.mood = mood;
    program.settle(|effect| fake.answer(effect));
    program
}

fn pictures(path: &str, mood: Mood) -> String {
    let mut program = reach(path, mood);
    let mut text = String::new();
    for size in SIZES {
        program.size = size;
        let _ = writeln!(text, "=== {}x{} ===\n{}", size.0, size.1, program.picture());
    }
    text
}

/// Four states of a screen that the keys of `path` lead to.
fn four(name: &str, path: &str) {
    for (state, mood) in
        [("loading", Mood::Silent), ("empty", Mood::Empty), ("ready", Mood::Busy), ("failed", Mood::Down)]
    {
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("{name}_{state}"), pictures(path, mood));
        });
    }
}

/// A screen that has one state: it shows what is known already.
fn one(name: &str, path: &str) {
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name.to_owned(), pictures(path, Mood::Busy));
    });
}

#[test]
fn home_in_all_states() {
    four("home", "");
}

#[test]
fn what_waits_in_all_states() {
    four("waiting", "w");
}

#[test]
fn all_courses_in_all_states() {
    four("courses", "L");
}

#[test]
fn assignments_in_all_states() {
    four("assignments", "enter");
}

#[test]
fn people_in_all_states() {
    four("people", "enter 2");
}

#[test]
fn materials_in_all_states() {
    four("materials", "enter 3");
}

#[test]
fn threads_in_all_states() {
    four("threads", "enter 4");
}

#[test]
fn a_thread_in_all_states() {
    four("thread", "enter 4 enter");
}

#[test]
fn announcements_in_all_states() {
    four("announcements", "enter 5");
}

#[test]
fn the_gradebook_in_all_states() {
    four("gradebook", "enter 6");
}

#[test]
fn groups_and_weights_in_all_states() {
    four("groups", "enter 6 w");
}

#[test]
fn statistics_in_all_states() {
    four("statistics", "enter 6 t");
}

#[test]
fn extension_requests_in_all_states() {
    four("requests", "enter 7");
}

#[test]
fn the_audit_trail_in_all_states() {
    four("audit", "enter 8");
}

#[test]
fn submissions_in_all_states() {
    four("queue", "enter enter");
}

#[test]
fn grading_in_all_states() {
    four("grading", "enter enter enter");
}

#[test]
fn accounts_in_all_states() {
    four("accounts", "A");
}

#[test]
fn forms_and_what_follows_them() {
    one("assignment_form", "enter a");
    one("assignment_settings", "enter e");
    one("role_form", "enter 2 j e");
    one("import_form", "enter 2 i");
    one("material_form", "enter 3 a");
    one("codes", "enter 2 c y");
    one("post_question", "enter enter P");
    one("students", "enter enter enter 8 n 9 n l");
    one("feedback", "enter enter enter j j 9 . 5 f W e l l");
    one("announcement", "enter 5 enter");
    one("write_announcement", "enter 5 a H i");
    one("request", "enter 7 enter");
    one("decline", "enter 7 x");
    one("audit_entry", "enter 8 enter");
    one("account_form", "A e");
    one("group_form", "enter 6 w e");
    one("policy_form", "enter 6 w p");
    one("override_form", "enter 6 l l l o");
    one("final_grade_form", "enter 6 f");
    one("keys", "enter enter enter ?");
}

#[test]
fn plain_grading_has_no_frames_and_only_ascii() {
    let mut fake = Fake::new(Mood::Busy);
    let look = Look::new(ThemeName::Mono, true);
    let mut program: Harness<Instructor> = Harness::with_look(signed_in(), HomeScreen::default(), NOW, look);
    program.settle(|effect| fake.answer(effect));
    keys(&mut program, &mut fake, "enter enter enter 9 n");
    let screen = program.screen();
    assert!(screen.is_ascii(), "{screen}");
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("plain_grading", screen);
    });
}
