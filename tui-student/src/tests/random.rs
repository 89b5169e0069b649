//! Keys at random, at any size, with a server in any mood: nothing may panic, and what is typed stays.

use lectern_client::WatchItem;
use lectern_proto::v1;
use lectern_tui_kit::app::Input;
use lectern_tui_kit::files::{Entry, Listing};
use lectern_tui_kit::program::KitAnswer;
use lectern_tui_kit::screen::{KitWork, Work};
use lectern_tui_kit::testkit::Harness;
use proptest::prelude::*;

use super::open;
use super::server::{MOODS, answer};
use crate::program::Student;
use crate::screens::home::Home;

const KEYS: [&str; 44] = [
    "enter",
    "enter",
    "enter",
    "esc",
    "tab",
    "shift-tab",
    "j",
    "k",
    "g",
    "G",
    "1",
    "2",
    "3",
    "4",
    "5",
    "e",
    "f",
    "a",
    "x",
    "w",
    "o",
    "y",
    "n",
    "t",
    "p",
    "/",
    "s",
    "D",
    ".",
    "space",
    "backspace",
    "ctrl-s",
    "ctrl-e",
    "ctrl-t",
    "ctrl-r",
    "ctrl-u",
    "?",
    ":",
    "C",
    "O",
    "pagedown",
    "pageup",
    "left",
    "right",
];

#[derive(Clone, Debug)]
enum Step {
    Key(usize),
    Text(String),
    Paste(String),
    Click(u16, u16),
    Size(u16, u16),
    Answer(usize),
    Change(i32),
    Pass(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => (0..KEYS.len()).prop_map(Step::Key),
        2 => "[a-z0-9 ]{1,6}".prop_map(Step::Text),
        1 => "\\PC{0,12}".prop_map(Step::Paste),
        1 => (0_u16..130, 0_u16..50).prop_map(|(column, row)| Step::Click(column, row)),
        1 => (0_u16..300, 0_u16..100).prop_map(|(width, height)| Step::Size(width, height)),
        4 => (0..MOODS.len()).prop_map(Step::Answer),
        1 => (0..18).prop_map(Step::Change),
        1 => (0_i64..100_000).prop_map(Step::Pass),
    ];
    proptest::collection::vec(step, 0..60)
}

/// The kit's own work, done as the machine of a test can.
fn do_kit_work(harness: &mut Harness<Student>) {
    while let Some(issued) = harness.take_kit() {
        let answer = match &issued.work {
            Work::Kit(KitWork::Edit { text, .. }) => KitAnswer::Edited(Ok(format!("{text} edited"))),
            Work::Kit(KitWork::List(dir)) => {
                let entry = |name: &str, is_dir| Entry { name: name.into(), path: dir.join(name), is_dir, size: 1 };
                KitAnswer::Listed(Ok(Listing {
                    dir: dir.clone(),
                    entries: vec![entry("d", true), entry("f.py", false)],
                }))
            }
            Work::Kit(KitWork::Open(_)) => KitAnswer::Opened(Ok(())),
            _ => continue,
        };
        harness.finish_kit(&issued, answer);
    }
}

fn take(harness: &mut Harness<Student>, step: &Step) {
    match step {
        Step::Key(at) => harness.keys(KEYS[*at]),
        Step::Text(text) => harness.type_text(text),
        Step::Paste(text) => harness.input(Input::Paste(text.clone())),
        Step::Click(column, row) => harness.click(*column, *row),
        Step::Size(width, height) => harness.size = (*width, *height),
        Step::Answer(mood) => {
            harness.settle(|effect| answer(MOODS[*mood], effect));
            do_kit_work(harness);
        }
        Step::Change(kind) => harness.change(WatchItem::Event(v1::WatchEvent { kind: *kind, ..Default::default() })),
        Step::Pass(ms) => harness.pass(*ms),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_keys_at_any_size_make_it_panic(steps in steps()) {
        let mut harness = open(Home::default());
        harness.settle(|effect| answer(super::server::Mood::Ready, effect));
        for step in &steps {
            take(&mut harness, step);
            harness.picture();
        }
    }
}
