//! Queued work on the screens: told of, and sent when the cluster answers.

use std::collections::BTreeSet;

use lectern_cli::Session;
use lectern_client::outbox::Queued;
use lectern_tui_kit::program::Reply;
use lectern_tui_kit::remote::Failure;
use lectern_tui_kit::shared::told;

use super::{BETWEEN_TRIES, Message, stored};
use crate::commands::outbox;
use crate::model::Place;
use crate::program::Student;

fn place(item: &Queued) -> Place {
    Place::new(&item.course, &item.assignment)
}

fn scope(session: &Session, username: &str) -> String {
    format!("{}/{username}", session.identity().profile)
}

/// Says what is queued now. Nothing is said where nobody is known to be signed in.
pub(super) async fn tell(session: &Session, username: &str, reply: &Reply<Student>) {
    let listed = outbox::of(session).list(&scope(session, username));
    let places = listed.map(|items| items.iter().map(place).collect::<BTreeSet<_>>());
    reply.send(Message::Queued(places.map_err(Failure::from))).await;
}

/// Sends what was queued before, one after the other, each until the cluster takes or refuses it.
pub(super) async fn send_all(session: &Session, username: &str, reply: &Reply<Student>) {
    let outbox = outbox::of(session);
    tell(session, username, reply).await;
    let items = outbox.list(&scope(session, username)).unwrap_or_default();
    for item in items.iter().filter(|item| item.goes_by_itself()) {
        loop {
            match told(outbox.send(session.client(), item, &|_| {}).await, reply).await {
                Err(failure) if failure.transient => tokio::time::sleep(BETWEEN_TRIES).await,
                // It is gone, or another program is at it.
                Ok(None) => break,
                Ok(Some(end)) => {
                    let outcome = stored(end, session).await;
                    reply.send(Message::HandedIn { place: place(item), outcome }).await;
                    break;
                }
                Err(failure) => {
                    reply.send(Message::HandedIn { place: place(item), outcome: Err(failure) }).await;
                    break;
                }
            }
        }
        tell(session, username, reply).await;
    }
}
