//! Every screen in each state and size, as people see it.

use std::fmt::Write as _;
use std::path::PathBuf;

use lectern_proto::v1;
use lectern_tui_kit::files::{Entry, Listing};
use lectern_tui_kit::look::Look;
use lectern_tui_kit::program::KitAnswer;
use lectern_tui_kit::screen::Screen;
use lectern_tui_kit::shared::account;
use lectern_tui_kit::shared::material::ReaderScreen;
use lectern_tui_kit::testkit::Harness;
use lectern_tui_kit::theme::ThemeName;

use super::server::{MOODS, Mood, answer, assignments, library, submission};
use super::{NOW_MS, place};
use crate::effects::{Effect, Message, Progress};
use crate::model::{Model, Place};
use crate::program::Student;
use crate::screens::assignment::AssignmentScreen;
use crate::screens::attempt::Attempt;
use crate::screens::course::Course;
use crate::screens::draft::Draft;
use crate::screens::files::{Files, Then};
use crate::screens::grade::GradeScreen;
use crate::screens::hand_in::HandIn;
use crate::screens::home::Home;
use crate::screens::version::Version;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (40, 12)];

fn model() -> Model {
    Model::new(account::State::signed_in("zoe"))
}

/// The screen in three sizes, then for screen readers.
fn show(name: &str, make: impl Fn(Look) -> Harness<Student>) {
    let mut text = String::new();
    let mut harness = make(Look::new(ThemeName::Dark, false));
    for size in SIZES {
        harness.size = size;
        let _ = writeln!(text, "══ {}x{}\n{}", size.0, size.1, harness.picture());
    }
    let plain = make(Look::new(ThemeName::Mono, true));
    let _ = writeln!(text, "══ 80x24 plain\n{}", plain.screen());
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, text);
    });
}

/// A screen in all four states.
fn show_states<S: Screen<Student> + 'static>(name: &str, first: impl Fn() -> S, then: impl Fn(&mut Harness<Student>)) {
    for mood in MOODS {
        show(&format!("{name}_{mood:?}").to_lowercase(), |look| {
            let mut harness = Harness::with_look(model(), first(), NOW_MS, look);
            harness.settle(|effect| answer(mood, effect));
            then(&mut harness);
            harness.settle(|effect| answer(mood, effect));
            harness
        });
    }
}

#[test]
fn home_is_readable_in_each_state() {
    show_states("home", Home::default, |_| {});
}

#[test]
fn each_tab_of_a_course_is_readable_in_each_state() {
    for (at, tab) in ["assignments", "materials", "threads", "announcements", "grades"].into_iter().enumerate() {
        show_states(&format!("course_{tab}"), || Course::new("cs101"), |harness| harness.keys(&(at + 1).to_string()));
    }
}

#[test]
fn an_assignment_is_readable_in_each_state() {
    show_states("assignment", || AssignmentScreen::new(place()), |_| {});
}

#[test]
fn a_draft_is_readable_in_each_state() {
    show_states("draft", || Draft::new(place()), |_| {});
}

#[test]
fn another_version_of_a_draft_is_readable_in_each_state() {
    show_states("version", || Version::revision(place(), 3), |_| {});
}

#[test]
fn a_grade_is_readable_in_each_state() {
    show_states("grade", || GradeScreen::new(Place::new("cs101", "hw0")), |_| {});
}

#[test]
fn a_material_is_readable_in_each_state() {
    let [pdf, markdown, other] = <[v1::Material; 3]>::try_from(library().materials).expect("three materials");
    show_states("material_pdf", || ReaderScreen::new("cs101", pdf.clone()), |_| {});
    show_states("material_markdown", || ReaderScreen::new("cs101", markdown.clone()), |_| {});
    show("material_other", |look| {
        let screen = ReaderScreen::<Student>::new("cs101", other.clone());
        Harness::with_look(model(), screen, NOW_MS, look)
    });
}

#[test]
fn an_attempt_shows_its_digests() {
    show("attempt", |look| Harness::with_look(model(), Attempt::new(place(), submission()), NOW_MS, look));
}

/// A text and two files, about to be handed in.
fn handing_in(look: Look) -> Harness<Student> {
    let mut model = model();
    model.assignments.insert("cs101".into(), assignments());
    let screen = HandIn::new(place(), "Merge sort is stable.".into(), vec!["sort.py".into(), "notes.txt".into()]);
    let mut harness = Harness::with_look(model, screen, NOW_MS, look);
    harness.settle(|effect| answer(Mood::Silent, effect));
    harness
}

#[test]
fn handing_in_shows_what_it_will_be_and_asks() {
    show("hand_in_review", handing_in);
    show("hand_in_question", |look| {
        let mut harness = handing_in(look);
        harness.keys("ctrl-s");
        harness
    });
}

#[test]
fn handing_in_shows_how_far_it_is() {
    show("hand_in_uploading", |look| {
        let mut harness = handing_in(look);
        harness.keys("ctrl-s y");
        let upload = harness.take(|effect| matches!(effect, Effect::HandIn(_))).expect("it is handed in");
        let total = 20 << 20;
        harness.finish(&upload, vec![Message::Progress(Progress::Uploading { done: 1 << 20, total })]);
        harness.pass(2_000);
        harness.finish(&upload, vec![Message::Progress(Progress::Uploading { done: 5 << 20, total })]);
        harness
    });
}

#[test]
fn handing_in_ends_with_digests_and_index_or_with_the_reason() {
    for mood in [Mood::Ready, Mood::Failing] {
        show(&format!("hand_in_{mood:?}").to_lowercase(), |look| {
            let mut harness = handing_in(look);
            harness.keys("ctrl-s y");
            harness.settle(|effect| answer(mood, effect));
            harness.pass(10_000);
            harness
        });
    }
}

#[test]
fn files_are_chosen_in_a_readable_list() {
    show("files", |look| {
        let screen = Files::starting_in("/home/zoe/cs101", place(), Then::HandIn);
        let mut harness = Harness::with_look(model(), screen, NOW_MS, look);
        let asked = harness.take_kit().expect("the directory is listed");
        harness.finish_kit(&asked, KitAnswer::Listed(Ok(listing())));
        harness.keys("j space");
        harness
    });
}

/// A directory of the student's.
fn listing() -> Listing {
    let entry = |name: &str, is_dir, size| Entry {
        name: name.into(),
        path: PathBuf::from("/home/zoe/cs101").join(name),
        is_dir,
        size,
    };
    Listing {
        dir: "/home/zoe/cs101".into(),
        entries: vec![entry("tests", true, 0), entry("notes.txt", false, 812), entry("sort.py", false, 4_321)],
    }
}

#[test]
fn the_ways_in_are_readable() {
    let not_connected = || Model::default();
    let signed_out = || Model::new(account::State::signed_out("zoe"));
    show("connect", |look| Harness::with_look(not_connected(), Home::default(), NOW_MS, look));
    show("sign_in", |look| Harness::with_look(signed_out(), Home::default(), NOW_MS, look));
    show("sign_in_failed", |look| {
        let mut harness = Harness::with_look(signed_out(), Home::default(), NOW_MS, look);
        harness.type_text("wrong");
        harness.keys("enter");
        harness.settle(|effect| answer(Mood::Failing, effect));
        harness
    });
    show("activate", |look| {
        let mut harness = Harness::with_look(signed_out(), Home::default(), NOW_MS, look);
        harness.keys("ctrl-t");
        harness
    });
}
