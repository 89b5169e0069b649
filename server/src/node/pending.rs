//! Calls that wait for an answer of the replica or of apply.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lectern_raft::RequestId;
use tokio::sync::oneshot;

use super::NodeError;

/// Calls of one kind that wait, at most so many.
pub(crate) struct Pending<T> {
    calls: Mutex<HashMap<RequestId, oneshot::Sender<Result<T, NodeError>>>>,
    next_id: AtomicU64,
    limit: usize,
}

/// One waiting call; it is forgotten when this is dropped.
pub(crate) struct Ticket<T> {
    pub(crate) id: RequestId,
    answer: oneshot::Receiver<Result<T, NodeError>>,
    pending: Arc<Pending<T>>,
}

impl<T> Pending<T> {
    pub(crate) fn new(limit: usize) -> Self {
        Self { calls: Mutex::new(HashMap::new()), next_id: AtomicU64::new(1), limit }
    }

    /// A new call, or `Busy` when too many wait.
    pub(crate) fn register(self: &Arc<Self>) -> Result<Ticket<T>, NodeError> {
        let (sender, answer) = oneshot::channel();
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let mut calls = self.lock();
        if calls.len() >= self.limit {
            return Err(NodeError::Busy);
        }
        calls.insert(id, sender);
        Ok(Ticket { id, answer, pending: self.clone() })
    }

    /// Answers a call; nobody may be waiting any more.
    pub(crate) fn resolve(&self, id: RequestId, answer: Result<T, NodeError>) {
        let waiting = self.lock().remove(&id);
        if let Some(waiting) = waiting {
            let _caller_gone = waiting.send(answer);
        }
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RequestId, oneshot::Sender<Result<T, NodeError>>>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Ticket<T> {
    /// The answer; `late` when there is none within `deadline`.
    pub(crate) async fn wait(mut self, deadline: Duration, late: impl FnOnce() -> NodeError) -> Result<T, NodeError> {
        match tokio::time::timeout(deadline, &mut self.answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(NodeError::Stopping),
            Err(_) => Err(late()),
        }
    }
}

impl<T> Drop for Ticket<T> {
    fn drop(&mut self) {
        self.pending.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_limit_calls_are_busy_and_a_dropped_call_makes_room() {
        let pending = Arc::new(Pending::<()>::new(1));
        let first = pending.register().unwrap();
        assert_eq!(pending.register().map(|ticket| ticket.id).unwrap_err(), NodeError::Busy);
        drop(first);
        assert_eq!(pending.len(), 0);
        pending.register().unwrap();
    }

    #[tokio::test]
    async fn a_call_gets_its_own_answer() {
        let pending = Arc::new(Pending::new(2));
        let (one, two) = (pending.register().unwrap(), pending.register().unwrap());
        pending.resolve(two.id, Ok("two"));
        pending.resolve(one.id, Ok("one"));
        let deadline = Duration::from_secs(5);
        assert_eq!(one.wait(deadline, || NodeError::NoQuorum).await, Ok("one"));
        assert_eq!(two.wait(deadline, || NodeError::NoQuorum).await, Ok("two"));
    }
}
