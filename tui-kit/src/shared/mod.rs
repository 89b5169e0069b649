//! Screens that more than one program has: signing in, materials and their reader, threads and announcements. A program
//! carries their effects and messages inside its own ([`Shares`]).
//!
//! A call that is refused because nobody is signed in any more leads to the sign-in screen over whatever is open: make
//! calls with [`call`], [`call_with_key`] and [`all`], and hand messages for the model to [`received`].

pub mod account;
mod follow;
pub mod material;
pub mod talk;

pub use follow::Follower;

use lectern_cli::{Session, pages};
use lectern_client::{Call, ClientError};
use lectern_proto::v1;

use crate::program::{Incoming, Program, Reply};
use crate::remote::{Failure, RequestId};
use crate::screen::{Cx, Tone};
use crate::states;

/// A program with the shared screens.
pub trait Shares: Program {
    /// One of its effects.
    fn effect(effect: Effect) -> Self::Effect;
    /// One of its messages.
    fn message(message: Message) -> Self::Message;
    /// The shared message inside one of its own; none when it is not shared.
    fn shared(message: Self::Message) -> Option<Message>;
    /// Who is signed in, as the account screens keep it.
    fn account(model: &mut Self::Model) -> &mut account::State;
    /// Somebody signed in: open the program's first screen with `cx.reset`, and forget what was of another person.
    fn signed_in(cx: &mut Cx<'_, Self>, user: v1::User);
    /// The same person signed in again, and goes on where they were: follow changes again.
    fn signed_in_again(cx: &mut Cx<'_, Self>);
}

/// What the shared screens ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Connecting, signing in and out.
    Account(account::Effect),
    /// Lists of materials, their text and files.
    Material(material::Effect),
    /// Threads and announcements.
    Talk(talk::Effect),
}

/// What comes back.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Of signing in and out.
    Account(account::Message),
    /// Of materials.
    Material(material::Message),
    /// Of threads and announcements.
    Talk(talk::Message),
}

/// Whether an effect changes something.
pub fn is_change(effect: &Effect) -> bool {
    match effect {
        Effect::Account(effect) => account::is_change(effect),
        Effect::Material(effect) => material::is_change(effect),
        Effect::Talk(effect) => talk::is_change(effect),
    }
}

/// Does the work.
pub async fn perform<P: Shares>(session: &Session, effect: Effect, reply: &Reply<P>) {
    match effect {
        Effect::Account(effect) => account::perform(session, effect, reply).await,
        Effect::Material(effect) => material::perform(session, effect, reply).await,
        Effect::Talk(effect) => talk::perform(session, effect, reply).await,
    }
}

/// A shared message that no screen awaits.
pub fn received<P: Shares>(message: &Message, cx: &mut Cx<'_, P>) {
    match message {
        Message::Account(account::Message::SignedOut) => account::signed_out(cx),
        // Its screen was left: what became of it is told all the same.
        Message::Talk(talk::Message::Changed(Err(failure))) => {
            cx.toast(Tone::Bad, format!("What you wrote was not sent: {}", states::sentence(failure)));
        }
        _ => {}
    }
}

/// Makes a call for an effect. When nobody is signed in any more, the program hears of it and asks.
pub async fn call<P: Shares, Q: Call>(session: &Session, request: Q, reply: &Reply<P>) -> Result<Q::Response, Failure> {
    told(session.client().call(request).await, reply).await
}

/// The same for a change with a key that was made when the person acted.
pub async fn call_with_key<P: Shares, Q: Call>(
    session: &Session,
    key: &str,
    request: Q,
    reply: &Reply<P>,
) -> Result<Q::Response, Failure> {
    told(session.client().call_with_key(key, request).await, reply).await
}

/// Every item of a list, for an effect: `request` makes the request for the page that begins with a token.
pub async fn all<P: Shares, Q: Call>(
    session: &Session,
    request: impl FnMut(String) -> Q,
    reply: &Reply<P>,
) -> Result<Vec<<Q::Response as pages::Page>::Item>, Failure>
where
    Q::Response: pages::Page,
{
    told(pages::all(session, request).await, reply).await
}

/// The outcome of calls in the words of screens; the program hears when nobody is signed in any more.
pub async fn told<P: Shares, T>(outcome: Result<T, ClientError>, reply: &Reply<P>) -> Result<T, Failure> {
    if let Err(ClientError::NotSignedIn { .. }) = outcome {
        let message = P::message(Message::Account(account::Message::SignedOut));
        reply.feed().send(Incoming::Message { to: None, request: RequestId::default(), message }).await;
    }
    outcome.map_err(Failure::from)
}

impl<P: Shares> Cx<'_, P> {
    /// Asks for a shared effect whose messages come to this screen.
    pub fn share(&mut self, effect: Effect) -> RequestId {
        self.request(P::effect(effect))
    }

    /// Asks for something of threads or announcements.
    pub(crate) fn talk(&mut self, effect: talk::Effect) -> RequestId {
        self.share(Effect::Talk(effect))
    }
}
