//! A bounded room with a bounded queue before it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;

use super::errors;

/// At most `room` at once; at most `queue` wait; everyone else is turned away at once.
#[derive(Clone)]
pub struct Gate {
    room: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    queue: usize,
    what: &'static str,
}

/// A place in the queue, given up however the wait ends.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Gate {
    /// `what` is named to those who are turned away, such as "uploads".
    pub fn new(what: &'static str, room: usize, queue: usize) -> Self {
        Self { room: Arc::new(Semaphore::new(room)), waiting: Arc::default(), queue, what }
    }

    /// Waits for a place, or refuses with BUSY when the queue is full. The place is held until the permit is dropped.
    pub async fn enter(&self) -> Result<OwnedSemaphorePermit, Status> {
        if let Ok(permit) = Arc::clone(&self.room).try_acquire_owned() {
            return Ok(permit);
        }
        let turned_away = || errors::busy(format!("too many {} at once; try again in a moment", self.what));
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        if before >= self.queue {
            return Err(turned_away());
        }
        Arc::clone(&self.room).acquire_owned().await.map_err(|_| turned_away())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_finds_the_queue_full_is_turned_away_and_places_come_back() {
        let gate = Gate::new("tests", 1, 1);
        let first = gate.enter().await.unwrap();
        let queued = tokio::spawn({
            let gate = gate.clone();
            async move { gate.enter().await }
        });
        while gate.waiting.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(gate.enter().await.unwrap_err().code(), tonic::Code::ResourceExhausted);
        drop(first);
        let second = queued.await.unwrap().unwrap();
        assert_eq!(gate.waiting.load(Ordering::Relaxed), 0);
        drop(second);
        drop(gate.enter().await.unwrap());
    }
}
