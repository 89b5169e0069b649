//! Threads and announcements.

use lectern_cli::Session;

use super::Shares;
use crate::program::Reply;

/// What their screens ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {}

/// What comes back.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {}

/// Whether an effect changes something.
pub fn is_change(effect: &Effect) -> bool {
    match *effect {}
}

/// Does the work.
#[allow(clippy::unused_async)]
pub async fn perform<P: Shares>(_session: &Session, effect: Effect, _reply: &Reply<P>) {
    match effect {}
}
