//! What watchers are told: a ring of the latest events, and the index up to which this node has applied.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lectern_lms::Event;
use tokio::sync::watch;

/// The latest events. A subscriber that falls behind the ring, or asks for something before it, is told to ask again for
/// everything.
pub(crate) struct Events {
    ring: Mutex<Ring>,
    applied: watch::Sender<u64>,
    capacity: usize,
}

struct Ring {
    events: VecDeque<Arc<Event>>,
    /// Number of `events[0]`; each event has the next one.
    first_number: u64,
    /// The ring holds every event of entries after this index.
    reaches_back_to: u64,
}

/// What a subscriber gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Feed {
    /// Something changed.
    Event(Arc<Event>),
    /// The ring does not reach back: everything up to this index may have changed.
    Resync(u64),
}

impl Events {
    /// An empty ring over a state at `applied`.
    pub(crate) fn new(applied: u64, capacity: usize) -> Self {
        let ring = Ring { events: VecDeque::new(), first_number: 0, reaches_back_to: applied };
        Self { ring: Mutex::new(ring), applied: watch::Sender::new(applied), capacity }
    }

    /// The entries up to `applied` are in the state, and these are their events.
    pub(crate) fn publish(&self, events: Vec<Event>, applied: u64) {
        {
            let mut ring = self.lock();
            ring.events.extend(events.into_iter().map(Arc::new));
            while ring.events.len() > self.capacity
                && let Some(dropped) = ring.events.pop_front()
            {
                ring.first_number += 1;
                ring.reaches_back_to = dropped.index;
            }
        }
        self.applied.send_replace(applied);
    }

    /// The state was replaced by one at `applied`: what lies between is unknown.
    pub(crate) fn resync(&self, applied: u64) {
        {
            let mut ring = self.lock();
            // One number is skipped, so that subscribers who had seen everything notice too.
            ring.first_number += ring.events.len() as u64 + 1;
            ring.events.clear();
            ring.reaches_back_to = applied;
        }
        self.applied.send_replace(applied);
    }

    /// Up to where this node has applied.
    pub(crate) fn applied(&self) -> watch::Receiver<u64> {
        self.applied.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A watcher's place in the events of a node.
pub struct Subscription {
    events: Arc<Events>,
    applied: watch::Receiver<u64>,
    after_index: u64,
    /// Number of the next event; `None` before the first call.
    next_number: Option<u64>,
}

impl Subscription {
    /// After the entry at `after_index`; 0: from now.
    pub(crate) fn new(events: Arc<Events>, after_index: u64) -> Self {
        let applied = events.applied();
        let next_number = (after_index == 0).then(|| {
            let ring = events.lock();
            ring.first_number + ring.events.len() as u64
        });
        Self { events, applied, after_index, next_number }
    }

    /// The next event, once this node has applied the index that the subscription began at. Cancel safe. `None` when the
    /// node is gone.
    pub async fn next(&mut self) -> Option<Feed> {
        let after_index = self.after_index;
        self.applied.wait_for(|applied| *applied >= after_index).await.ok()?;
        loop {
            self.applied.mark_unchanged();
            if let Some(feed) = self.try_next() {
                return Some(feed);
            }
            self.applied.changed().await.ok()?;
        }
    }

    fn try_next(&mut self) -> Option<Feed> {
        let applied = *self.applied.borrow();
        let ring = self.events.lock();
        // Events enter the ring before `applied` says so: what is skipped must be named.
        let applied = ring.events.back().map_or(applied, |newest| applied.max(newest.index));
        let end = ring.first_number + ring.events.len() as u64;
        let next = match self.next_number {
            Some(next) => next,
            None if self.after_index < ring.reaches_back_to => {
                self.next_number = Some(end);
                return Some(Feed::Resync(applied));
            }
            None => ring.first_number + ring.events.partition_point(|event| event.index <= self.after_index) as u64,
        };
        if next < ring.first_number {
            self.next_number = Some(end);
            return Some(Feed::Resync(applied));
        }
        self.next_number = Some(next);
        let offset = usize::try_from(next - ring.first_number).expect("the ring is in memory");
        let event = ring.events.get(offset)?.clone();
        self.next_number = Some(next + 1);
        Some(Feed::Event(event))
    }
}

#[cfg(test)]
mod tests {
    use lectern_lms::Audience;
    use lectern_proto::v1::EventKind;

    use super::*;

    fn event(index: u64) -> Event {
        Event {
            index,
            kind: EventKind::Course,
            course_id: String::new(),
            id: index.to_string(),
            at_ms: 0,
            audience: Audience::Admins,
        }
    }

    async fn next_index(subscription: &mut Subscription) -> u64 {
        match subscription.next().await {
            Some(Feed::Event(event)) => event.index,
            other => panic!("not an event: {other:?}"),
        }
    }

    #[tokio::test]
    async fn a_subscriber_gets_what_came_after_its_index_in_order() {
        let events = Arc::new(Events::new(10, 100));
        events.publish(vec![event(11), event(11), event(12)], 12);
        let mut subscription = Subscription::new(events.clone(), 11);
        assert_eq!(next_index(&mut subscription).await, 12);
        events.publish(vec![event(14)], 14);
        assert_eq!(next_index(&mut subscription).await, 14);
    }

    #[tokio::test]
    async fn a_node_that_is_behind_waits_until_it_has_applied_the_index() {
        let events = Arc::new(Events::new(10, 100));
        let mut subscription = Subscription::new(events.clone(), 20);
        let waiting = tokio::spawn(async move { next_index(&mut subscription).await });
        events.publish(vec![event(15)], 15);
        events.publish(vec![event(21)], 21);
        assert_eq!(waiting.await.unwrap(), 21);
    }

    #[tokio::test]
    async fn before_the_ring_and_after_a_new_state_watchers_are_told_to_ask_again() {
        let events = Arc::new(Events::new(10, 2));
        let mut early = Subscription::new(events.clone(), 5);
        assert_eq!(early.next().await, Some(Feed::Resync(10)));
        let mut slow = Subscription::new(events.clone(), 10);
        events.publish(vec![event(11)], 11);
        assert_eq!(next_index(&mut slow).await, 11);
        events.publish(vec![event(12), event(13), event(14)], 14);
        assert_eq!(slow.next().await, Some(Feed::Resync(14)));
        events.resync(30);
        assert_eq!(slow.next().await, Some(Feed::Resync(30)));
        assert_eq!(early.next().await, Some(Feed::Resync(30)));
    }

    #[tokio::test]
    async fn from_now_means_nothing_that_was_before() {
        let events = Arc::new(Events::new(10, 100));
        events.publish(vec![event(11)], 11);
        let mut subscription = Subscription::new(events.clone(), 0);
        events.publish(vec![event(12)], 12);
        assert_eq!(next_index(&mut subscription).await, 12);
    }
}
