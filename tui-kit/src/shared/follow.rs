//! The stream of changes on the server.

use lectern_cli::Session;
use tokio::sync::watch;

use super::{Shares, told};
use crate::program::{Incoming, Reply};

/// Sees to it that one stream at a time tells the program of changes.
#[derive(Debug)]
pub struct Follower {
    /// Number of the stream that counts.
    current: watch::Sender<u64>,
}

impl Default for Follower {
    fn default() -> Self {
        Self { current: watch::Sender::new(0) }
    }
}

impl Follower {
    /// Tells of changes until another stream is asked for, or the cluster ends this one for good. Signing in again asks
    /// for another one.
    pub async fn follow<P: Shares>(&self, session: &Session, reply: &Reply<P>) {
        let mut current = self.current.subscribe();
        self.current.send_modify(|number| *number += 1);
        let mine = *current.borrow_and_update();
        let mut events = session.client().watch(0, Vec::new());
        loop {
            let item = tokio::select! {
                item = events.next() => item,
                _ = current.wait_for(|number| *number != mine) => return,
            };
            match item {
                Some(Ok(change)) => reply.feed().send(Incoming::Changed(change)).await,
                Some(Err(error)) => {
                    // Told to the program where it is the end of a sign-in; else the screens' own calls tell the same.
                    let _ = told::<P, ()>(Err(error), reply).await;
                }
                None => return,
            }
        }
    }
}
