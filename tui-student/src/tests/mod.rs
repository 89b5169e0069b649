//! The program with a server of its own: what people do, how it looks, and keys pressed at random.

mod flows;
mod hand_ins;
mod pictures;
mod random;
mod server;
mod tutor;

use std::path::Path;

use lectern_tui_kit::screen::Screen;
use lectern_tui_kit::shared::account;
use lectern_tui_kit::testkit::{Harness, check_guides, check_scopes};

use crate::actions::SCOPES;
use crate::cli::Cli;
use crate::model::{Model, Place};
use crate::program::Student;

/// Tuesday 24 November 2026, 12:00 UTC.
const NOW_MS: i64 = 1_795_521_600_000;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

fn place() -> Place {
    Place::new("cs101", "hw2")
}

/// A program that opens with one screen, for somebody who is signed in.
fn open(first: impl Screen<Student> + 'static) -> Harness<Student> {
    Harness::new(Model::new(account::State::signed_in("zoe")), first, NOW_MS)
}

#[test]
fn no_key_does_two_things() {
    check_scopes(SCOPES);
}

#[test]
fn the_guides_say_what_the_program_declares() {
    check_guides::<Cli>(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs")), SCOPES);
}
