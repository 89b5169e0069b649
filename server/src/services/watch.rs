//! Changes as they happen: invalidations without content, filtered by permission when they are sent.
//!
//! A watcher that is slow holds up its own task only; the node's ring goes on without it, and it is told to ask again
//! (RESYNC). Every batch, and every heartbeat, judges the token anew: a revoked one ends the stream.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use lectern_lms::actor::CourseAccess;
use lectern_lms::{Event, View, watch};
use lectern_proto::v1::{EventKind, WatchEvent, WatchRequest};
use lectern_rpc::v1::watch_service_server::WatchService;
use tokio::time::MissedTickBehavior;
use tonic::{Request, Response, Status};

use super::Door;
use super::metadata::Caller;
use super::stream::{self, End, Out, Pieces};
use crate::node::{Feed, Subscription};

/// A sign of life, this often.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Events judged on one snapshot.
const BATCH: usize = 256;
/// Courses one watcher may name.
const MAX_COURSES: usize = 500;

#[tonic::async_trait]
impl WatchService for Door {
    type WatchStream = Pieces<WatchEvent>;

    async fn watch(&self, request: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let caller = Caller::of(&request)?;
        let WatchRequest { after_index, courses } = request.into_inner();
        let place = self.watchers.enter().await?;
        let asked = self.query(&caller, move |view| Ok((view.actor.user_id().to_owned(), course_ids(view, &courses)?)));
        let (user_id, courses) = asked.await?;
        let share = self.own_watchers.take(&user_id)?;
        let applied = self.node.status().self_.map_or(0, |node| node.applied_index);
        let seen = if after_index == 0 { applied } else { after_index };
        let watcher = Watcher { door: self.clone(), token_id: caller.token_id, courses: Arc::new(courses), seen };
        let subscription = self.node.subscribe(seen);
        Ok(Response::new(stream::spawn(self.stopping(), async move |out| {
            let _places = (place, share);
            watcher.run(subscription, &out).await
        })))
    }
}

struct Watcher {
    door: Door,
    token_id: Vec<u8>,
    /// Empty: every course.
    courses: Arc<BTreeSet<String>>,
    /// Everything up to this index was judged.
    seen: u64,
}

impl Watcher {
    async fn run(mut self, mut events: Subscription, out: &Out<WatchEvent>) -> Result<(), End> {
        out.send(self.sign(EventKind::Heartbeat)).await?;
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat.reset();
        loop {
            tokio::select! {
                feed = events.next() => match feed {
                    Some(feed) => self.pass_on(feed, &mut events, out).await?,
                    None => return Ok(()),
                },
                _ = heartbeat.tick() => {
                    self.judge(Vec::new()).await?;
                    out.send(self.sign(EventKind::Heartbeat)).await?;
                }
            }
        }
    }

    /// Sends what came and what else is there already.
    async fn pass_on(&mut self, first: Feed, events: &mut Subscription, out: &Out<WatchEvent>) -> Result<(), End> {
        let mut batch = Vec::new();
        let mut next = Some(first);
        let mut resync = None;
        while let Some(feed) = next {
            match feed {
                Feed::Event(event) => batch.push(event),
                Feed::Resync(index) => resync = Some(index),
            }
            if batch.len() == BATCH || resync.is_some() {
                break;
            }
            next = tokio::select! {
                biased;
                feed = events.next() => feed,
                () = std::future::ready(()) => None,
            };
        }
        let cut = batch.len() == BATCH;
        if let Some(last) = batch.last() {
            // Events of one entry come together: only a cut batch may end in the midst of them.
            self.seen = if cut { last.index.saturating_sub(1).max(self.seen) } else { last.index };
        }
        for event in self.judge(batch).await? {
            out.send(event).await?;
        }
        if let Some(index) = resync {
            self.seen = index;
            out.send(self.sign(EventKind::Resync)).await?;
        }
        Ok(())
    }

    /// Those events that the token's owner may know of, at this moment. Fails when the token is no longer good.
    async fn judge(&self, batch: Vec<Arc<Event>>) -> Result<Vec<WatchEvent>, End> {
        let courses = Arc::clone(&self.courses);
        let judged = self.door.query_local(&self.token_id, move |view| {
            let mut visible = Vec::new();
            for event in batch {
                if wanted(&courses, &event)
                    && watch::may_see(view.store, view.actor.user_id(), view.actor.rights().admin, &event)?
                {
                    visible.push(to_proto(&event));
                }
            }
            Ok(visible)
        });
        Ok(judged.await?)
    }

    fn sign(&self, kind: EventKind) -> WatchEvent {
        WatchEvent {
            index: self.seen,
            kind: kind.into(),
            course_id: String::new(),
            id: String::new(),
            at_ms: self.door.node.now_ms(),
        }
    }
}

/// What lies outside of courses is for every watcher.
fn wanted(courses: &BTreeSet<String>, event: &Event) -> bool {
    courses.is_empty() || event.course_id.is_empty() || courses.contains(&event.course_id)
}

fn to_proto(event: &Event) -> WatchEvent {
    WatchEvent {
        index: event.index,
        kind: event.kind.into(),
        course_id: event.course_id.clone(),
        id: event.id.clone(),
        at_ms: event.at_ms,
    }
}

fn course_ids(view: &View<'_>, courses: &[String]) -> lectern_lms::Result<BTreeSet<String>> {
    if courses.len() > MAX_COURSES {
        let message = format!("at most {MAX_COURSES} courses can be named; name none to watch all of yours");
        return lectern_lms::refuse(lectern_lms::Reason::TooMany, message);
    }
    courses.iter().map(|course| Ok(CourseAccess::open(view.store, view.actor, course)?.course.course_id)).collect()
}

#[cfg(test)]
mod tests {
    use lectern_lms::Audience;

    use super::*;

    #[test]
    fn named_courses_narrow_what_is_sent_but_not_what_lies_outside_of_courses() {
        let event = |course: &str| Event {
            index: 1,
            kind: EventKind::Assignment,
            course_id: course.into(),
            id: "x".into(),
            at_ms: 0,
            audience: Audience::Course,
        };
        let named = BTreeSet::from(["a".to_owned()]);
        assert!(wanted(&BTreeSet::new(), &event("b")));
        assert!(wanted(&named, &event("a")));
        assert!(!wanted(&named, &event("b")));
        assert!(wanted(&named, &event("")));
    }
}
