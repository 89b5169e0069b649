//! Screens that more than one program has: signing in, materials and their reader, threads and announcements. A program
//! carries their effects and messages inside its own ([`Shares`]).

use crate::program::{Program, Reply};
use crate::remote::RequestId;
use crate::screen::Cx;
use lectern_cli::Session;

/// A program with the shared screens.
pub trait Shares: Program {
    /// One of its effects.
    fn effect(effect: Effect) -> Self::Effect;
    /// One of its messages.
    fn message(message: Message) -> Self::Message;
    /// The shared message inside one of its own; none when it is not shared.
    fn shared(message: Self::Message) -> Option<Message>;
}

/// What the shared screens ask for.
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

impl<P: Shares> Cx<'_, P> {
    /// Asks for a shared effect whose messages come to this screen.
    pub fn share(&mut self, effect: Effect) -> RequestId {
        self.request(P::effect(effect))
    }
}
