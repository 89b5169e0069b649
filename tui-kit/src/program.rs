//! What a program is to the kit: its model, its messages, its effects, its screens.

use std::fmt::Debug;
use std::future::Future;

use lectern_cli::Session;
use lectern_cli::cluster::Cluster;
use lectern_client::{Link, WatchItem};
use lectern_proto::v1;
use tokio::sync::mpsc;

use crate::action::Scope;
use crate::files::Listing;
use crate::remote::{Failure, RequestId};
use crate::screen::{Cx, ScreenId, Unsaved};

/// A full-screen program.
pub trait Program: Debug + Sized + 'static {
    /// What its screens share: who is signed in, what was loaded before.
    type Model: 'static;
    /// Work outside the update, as a value: tests look at it, the runtime performs it.
    type Effect: Debug + Send + 'static;
    /// What comes back of it.
    type Message: Debug + Send + 'static;
    /// What effects need: a client, directories.
    type Env: Clone + Send + Sync + 'static;

    /// As it is called on the command line.
    const NAME: &'static str;
    /// All its screens: their keys are checked at the start.
    const SCOPES: &'static [Scope];
    /// Whether the kit tells of trouble with the connection. A program that shows each node by itself has words of its own.
    const TELLS_LINK: bool = true;

    /// Does the work. Runs in a task of its own; a read ends with the screen that asked for it.
    fn perform(env: Self::Env, effect: Self::Effect, reply: Reply<Self>) -> impl Future<Output = ()> + Send + 'static;

    /// Whether this effect changes something: then it outlives its screen, and leaving the program waits for it.
    fn is_change(effect: &Self::Effect) -> bool;

    /// A message for the model: from an effect that no screen awaits, or whose screen is gone.
    fn received(request: RequestId, message: Self::Message, cx: &mut Cx<'_, Self>);

    /// What only the model has: asked before the program ends.
    fn unsaved(_model: &Self::Model) -> Option<Unsaved> {
        None
    }

    /// Something changed on the server; screens hear of it next.
    fn changed(_change: &Change, _cx: &mut Cx<'_, Self>) {}

    /// Who and where, for the title line: `ada`.
    fn headline(model: &Self::Model) -> String;

    /// The person's session, for what the kit does by itself.
    fn session(env: &Self::Env) -> &Session;
}

/// Something changed on the server: what is shown of it is to be asked for again.
pub type Change = WatchItem;

/// Whether a change is one of `kinds` in the course `course_id`; of any course where that is not known.
pub fn concerns(change: &Change, course_id: Option<&str>, kinds: &[v1::EventKind]) -> bool {
    match change {
        // What happened meanwhile is not known: it may have been anything.
        Change::Resync { .. } => true,
        Change::Event(event) => {
            kinds.contains(&event.kind())
                && course_id.is_none_or(|course| event.course_id.is_empty() || course == event.course_id)
        }
    }
}

/// What comes back to the update from outside: bounded, so that a flood waits.
#[derive(Debug)]
pub enum Incoming<P: Program> {
    /// A message of an effect.
    Message {
        /// The screen that asked, or the model.
        to: Option<ScreenId>,
        /// Its request.
        request: RequestId,
        /// The message.
        message: P::Message,
    },
    /// An answer of the kit's own effects.
    Kit {
        /// The screen that asked.
        to: Option<ScreenId>,
        /// Its request.
        request: RequestId,
        /// The answer.
        answer: KitAnswer,
    },
    /// Something changed on the server.
    Changed(Change),
    /// The connection is in another state.
    Link(Link),
}

/// What the kit's own effects answer.
#[derive(Clone, Debug, PartialEq)]
pub enum KitAnswer {
    /// The text as it came back from the person's editor.
    Edited(Result<String, Failure>),
    /// A directory.
    Listed(Result<Listing, Failure>),
    /// Something was opened in a viewer outside.
    Opened(Result<(), Failure>),
    /// The cluster, as its nodes see it.
    Cluster(Result<Cluster, Failure>),
}

/// Where an effect's messages go.
#[derive(Debug)]
pub struct Reply<P: Program> {
    to: Option<ScreenId>,
    request: RequestId,
    feed: Feed<P>,
}

impl<P: Program> Clone for Reply<P> {
    fn clone(&self) -> Self {
        Self { to: self.to, request: self.request, feed: self.feed.clone() }
    }
}

impl<P: Program> Reply<P> {
    /// Answers for a request of a screen, or of the model.
    pub fn new(to: Option<ScreenId>, request: RequestId, feed: Feed<P>) -> Self {
        Self { to, request, feed }
    }

    /// Sends a message; an effect may send several.
    pub async fn send(&self, message: P::Message) {
        self.feed.send(Incoming::Message { to: self.to, request: self.request, message }).await;
    }

    /// Sends a message that the next one replaces, such as progress: dropped when the update is busy.
    pub fn send_newest(&self, message: P::Message) {
        self.feed.try_send(Incoming::Message { to: self.to, request: self.request, message });
    }

    /// The way to the update for what is no answer: changes on the server, the state of the connection.
    pub fn feed(&self) -> &Feed<P> {
        &self.feed
    }
}

/// The way into the update for tasks.
#[derive(Debug)]
pub struct Feed<P: Program> {
    sender: mpsc::Sender<Incoming<P>>,
}

impl<P: Program> Clone for Feed<P> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone() }
    }
}

/// What waits for the update at most, before senders wait.
const QUEUE: usize = 256;

impl<P: Program> Feed<P> {
    /// A feed and its other end.
    pub fn new() -> (Self, mpsc::Receiver<Incoming<P>>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (Self { sender }, receiver)
    }

    /// Hands something to the update, waiting while it is busy. Does nothing when the program has ended.
    pub async fn send(&self, incoming: Incoming<P>) {
        // The program has ended: nobody is left to tell.
        let _ = self.sender.send(incoming).await;
    }

    /// The same for what may be dropped.
    pub fn try_send(&self, incoming: Incoming<P>) {
        let _ = self.sender.try_send(incoming);
    }
}
