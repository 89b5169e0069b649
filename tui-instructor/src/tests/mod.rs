//! The program without terminal, clock and network: keys in, effects and pictures out.

mod fake;
mod flows;
mod grading;
mod guide;
mod pictures;
mod random;

use lectern_tui_kit::shared::account;
use lectern_tui_kit::testkit::Harness;

use crate::model::Model;
use crate::program::Instructor;
use crate::screens::home::HomeScreen;
use fake::{Fake, NOW};

/// The model of somebody who is signed in.
fn signed_in() -> Model {
    Model { account: account::State::signed_in("grace"), me: Some(fake::me()), ..Model::default() }
}

/// The program at home, with nothing answered yet.
fn at_home() -> Harness<Instructor> {
    Harness::new(signed_in(), HomeScreen::default(), NOW)
}

/// The program at home with everything answered.
fn settled(fake: &mut Fake) -> Harness<Instructor> {
    let mut program = at_home();
    program.settle(|effect| fake.answer(effect));
    program
}

/// Keys, each with everything answered after it.
fn keys(program: &mut Harness<Instructor>, fake: &mut Fake, keys: &str) {
    for key in keys.split_whitespace() {
        program.keys(key);
        program.settle(|effect| fake.answer(effect));
    }
}
