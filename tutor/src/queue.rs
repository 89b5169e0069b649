//! Waiting for the model in turn.
//!
//! The model answers so many requests at once (Ollama's parallelism). The others wait in the order of their arrival, each
//! student with one request at most, and everybody knows their place. Who leaves, at whatever moment and for whatever
//! reason, makes room: a [`Ticket`] that is dropped is a place that is free.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// A queue for one model.
#[derive(Debug)]
pub struct Queue {
    served: usize,
    most_waiting: usize,
    line: Mutex<Line>,
}

#[derive(Debug, Default)]
struct Line {
    last: u64,
    /// First those that are served, then those that wait.
    people: VecDeque<Person>,
}

#[derive(Debug)]
struct Person {
    ticket: u64,
    student: String,
    place: watch::Sender<usize>,
}

/// Why somebody cannot wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// They wait already, or are being answered.
    #[error("the tutor is still at your last question; wait for it or cancel it")]
    AlreadyThere,
    /// Too many wait.
    #[error("{waiting} others wait for the tutor; ask again in a few minutes")]
    Full {
        /// How many wait.
        waiting: usize,
    },
}

/// A place in the queue, and then the right to be answered, until it is dropped.
#[derive(Debug)]
pub struct Ticket {
    number: u64,
    queue: Arc<Queue>,
    place: watch::Receiver<usize>,
}

impl Queue {
    /// A queue before a model that answers `served` at once, where `most_waiting` others may wait.
    pub fn new(served: usize, most_waiting: usize) -> Arc<Queue> {
        Arc::new(Queue { served: served.max(1), most_waiting, line: Mutex::default() })
    }

    /// Takes a place for a student.
    pub fn enter(self: &Arc<Queue>, student: &str) -> Result<Ticket, Refused> {
        let mut line = self.line();
        if line.people.iter().any(|person| person.student == student) {
            return Err(Refused::AlreadyThere);
        }
        let waiting = line.people.len().saturating_sub(self.served);
        if line.people.len() >= self.served + self.most_waiting {
            return Err(Refused::Full { waiting });
        }
        line.last += 1;
        let number = line.last;
        let (sender, place) = watch::channel(self.place(line.people.len()));
        line.people.push_back(Person { ticket: number, student: student.into(), place: sender });
        Ok(Ticket { number, queue: Arc::clone(self), place })
    }

    /// How many are served or wait.
    pub fn len(&self) -> usize {
        self.line().people.len()
    }

    /// Whether nobody is there.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The place of who is at this index: 0 is served, 1 is next.
    fn place(&self, index: usize) -> usize {
        (index + 1).saturating_sub(self.served)
    }

    fn leave(&self, number: u64) {
        let mut line = self.line();
        line.people.retain(|person| person.ticket != number);
        for (index, person) in line.people.iter().enumerate() {
            let place = self.place(index);
            person.place.send_if_modified(|told| std::mem::replace(told, place) != place);
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// The place now: 0 is served, 1 is next.
    pub fn place(&self) -> usize {
        *self.place.borrow()
    }

    /// Waits until the place changes, and gives the new one. Whoever is served already waits for ever: ask
    /// [`Ticket::place`] first.
    pub async fn moved(&mut self) -> usize {
        // The sender lives in the queue for as long as this ticket does.
        match self.place.changed().await {
            Ok(()) => *self.place.borrow_and_update(),
            Err(_) => std::future::pending().await,
        }
    }

    /// Waits for the turn, telling each place on the way.
    pub async fn turn(&mut self, mut told: impl FnMut(usize)) {
        let mut place = *self.place.borrow_and_update();
        while place > 0 {
            told(place);
            place = self.moved().await;
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.queue.leave(self.number);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[tokio::test]
    async fn everybody_is_served_in_the_order_of_arrival_and_told_their_place() {
        let queue = Queue::new(1, 32);
        let first = queue.enter("a").expect("room");
        let mut second = queue.enter("b").expect("room");
        let mut third = queue.enter("c").expect("room");
        assert_eq!([first.place(), second.place(), third.place()], [0, 1, 2]);
        drop(first);
        let mut places = Vec::new();
        second.turn(|place| places.push(place)).await;
        assert!(places.is_empty());
        assert_eq!(third.place(), 1);
        drop(second);
        third.turn(|place| places.push(place)).await;
        drop(third);
        assert!(queue.is_empty());
    }

    #[tokio::test]
    async fn who_gives_up_makes_room_for_those_behind() {
        let queue = Queue::new(1, 32);
        let _served = queue.enter("a").expect("room");
        let leaves = queue.enter("b").expect("room");
        let mut waits = queue.enter("c").expect("room");
        drop(leaves);
        assert_eq!(waits.moved().await, 1);
        assert!(queue.enter("b").is_ok());
    }

    #[test]
    fn a_student_has_one_request_and_the_queue_an_end() {
        let queue = Queue::new(2, 1);
        let tickets: Vec<Ticket> = ["a", "b", "c"].map(|student| queue.enter(student).expect("room")).into();
        assert_eq!(queue.enter("a").expect_err("one each"), Refused::AlreadyThere);
        assert_eq!(queue.enter("d").expect_err("full"), Refused::Full { waiting: 1 });
        drop(tickets);
        assert!(queue.enter("a").is_ok());
    }

    proptest! {
        #[test]
        fn never_more_are_served_than_allowed_and_nobody_overtakes(
            served in 1usize..4, steps in prop::collection::vec((any::<bool>(), 0usize..8), 0..60),
        ) {
            let queue = Queue::new(served, 5);
            let mut tickets: Vec<Ticket> = Vec::new();
            for (enters, which) in steps {
                if enters {
                    tickets.extend(queue.enter(&which.to_string()).ok());
                } else if which < tickets.len() {
                    tickets.remove(which);
                }
                let places: Vec<usize> = tickets.iter().map(Ticket::place).collect();
                let expected: Vec<usize> = (0..tickets.len()).map(|n| (n + 1).saturating_sub(served)).collect();
                prop_assert_eq!(places, expected);
            }
        }
    }
}
