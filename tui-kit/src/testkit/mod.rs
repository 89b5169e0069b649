//! For tests of screens: a harness that drives a program without terminal, clock or network, and pictures of what it
//! draws.

mod guides;
mod harness;
mod picture;

pub use guides::check_guides;
pub use harness::{Harness, check_scopes};
pub use picture::{draw, picture, render, words};
