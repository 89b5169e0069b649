use std::path::Path;

use lectern_tui_kit::testkit::{check_guides, check_scopes};

use crate::actions::SCOPES;
use crate::cli::Cli;

#[test]
fn no_screen_has_two_actions_on_a_key_or_of_a_name() {
    check_scopes(SCOPES);
}

#[test]
fn the_guides_say_what_the_program_declares() {
    check_guides::<Cli>(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs")), SCOPES);
}
