use lectern_tui_kit::chord::Chord;
use lectern_tui_kit::look::Look;
use lectern_tui_kit::testkit::Harness;
use lectern_tui_kit::theme::ThemeName;
use proptest::prelude::*;

use super::fake::{Fake, Mood, NOW, event};
use super::signed_in;
use crate::actions::SCOPES;
use crate::program::Instructor;
use crate::screens::home::HomeScreen;

/// Every key that does something anywhere, and some that are text.
fn all_keys() -> Vec<String> {
    let mut keys: Vec<String> = ["a", "Z", "7", "0", ".", "ß", "漢", "left", "right", "backspace", "space", "delete"]
        .map(String::from)
        .to_vec();
    for scope in SCOPES {
        keys.extend(scope.actions().flat_map(|action| action.keys.iter().map(|key| (*key).to_owned())));
    }
    // What ends the program, or stops it, is not what this is about.
    keys.retain(|key| !["q", "ctrl-c", "ctrl-z"].contains(&key.as_str()));
    keys.sort();
    keys.dedup();
    keys
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_keys_at_any_size_are_survived(
        steps in proptest::collection::vec((any::<prop::sample::Index>(), 0_u8..8), 1..120),
        sizes in proptest::collection::vec((0_u16..300, 0_u16..100), 1..12),
        plain in any::<bool>(),
    ) {
        let keys = all_keys();
        let look = Look::new(if plain { ThemeName::Mono } else { ThemeName::Dark }, plain);
        let mut program: Harness<Instructor> = Harness::with_look(signed_in(), HomeScreen::default(), NOW, look);
        let mut fake = Fake::new(Mood::Busy);
        for (at, (index, then)) in steps.into_iter().enumerate() {
            let key: Chord = index.get(&keys).parse().unwrap();
            program.keys(&key.to_string());
            fake.mood = match then {
                0 => Mood::Down,
                1 => Mood::Empty,
                2 => Mood::Silent,
                _ => Mood::Busy,
            };
            program.settle(|effect| fake.answer(effect));
            if then == 3 {
                program.change(event(lectern_proto::v1::EventKind::Submission));
            }
            program.size = sizes[at % sizes.len()];
            program.screen();
        }
    }
}
