//! Calls that wait for an answer of the replica or of apply.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lectern_raft::RequestId;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::NodeError;

/// Calls of one kind that wait, at most so many. A call is here until it is answered, although its caller may have gone
/// away long before: what it has in the replica is still there.
pub(crate) struct Pending<T> {
    calls: Mutex<HashMap<RequestId, Call<T>>>,
    next_id: AtomicU64,
    limit: usize,
}

struct Call<T> {
    answer: OnAnswer<T>,
    /// Room that the call takes until it is answered.
    _room: Option<OwnedSemaphorePermit>,
}

/// What is done with the answer, at once and on the thread that has it.
type OnAnswer<T> = Box<dyn FnOnce(Result<T, NodeError>) + Send>;

/// One waiting call.
pub(crate) struct Ticket<T> {
    pub(crate) id: RequestId,
    answer: oneshot::Receiver<Result<T, NodeError>>,
}

impl<T> Pending<T> {
    pub(crate) fn new(limit: usize) -> Self {
        Self { calls: Mutex::new(HashMap::new()), next_id: AtomicU64::new(1), limit }
    }

    /// A new call, which holds `room` until it is answered; `Busy` when too many wait. It must reach the replica: only an
    /// answer ends it.
    pub(crate) fn register(&self, room: Option<OwnedSemaphorePermit>) -> Result<Ticket<T>, NodeError>
    where
        T: Send + 'static,
    {
        let (sender, answer) = oneshot::channel();
        let tell = move |answer| {
            let _caller_gone = sender.send(answer);
        };
        Ok(Ticket { id: self.on_answer(room, tell)?, answer })
    }

    /// As [`Pending::register`], for a caller who does something short with the answer instead of waiting for it.
    pub(crate) fn on_answer(
        &self,
        room: Option<OwnedSemaphorePermit>,
        answer: impl FnOnce(Result<T, NodeError>) + Send + 'static,
    ) -> Result<RequestId, NodeError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let mut calls = self.lock();
        if calls.len() >= self.limit {
            return Err(NodeError::Busy);
        }
        calls.insert(id, Call { answer: Box::new(answer), _room: room });
        Ok(id)
    }

    /// Answers a call; nobody may be waiting any more.
    pub(crate) fn resolve(&self, id: RequestId, answer: Result<T, NodeError>) {
        let call = self.lock().remove(&id);
        if let Some(call) = call {
            (call.answer)(answer);
        }
    }

    /// Whether a call has no answer yet.
    pub(crate) fn waits(&self, id: RequestId) -> bool {
        self.lock().contains_key(&id)
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RequestId, Call<T>>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Ticket<T> {
    /// The answer; `late` when there is none within `deadline`, and `gone` when the node ends before it answers: what was
    /// proposed may be in the log by then.
    pub(crate) async fn wait(
        self,
        deadline: Duration,
        late: impl FnOnce() -> NodeError,
        gone: NodeError,
    ) -> Result<T, NodeError> {
        match tokio::time::timeout(deadline, self.answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(gone),
            Err(_) => Err(late()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    #[test]
    fn beyond_the_limit_calls_are_busy_until_one_is_answered() {
        let pending = Pending::<()>::new(1);
        let first = pending.register(None).unwrap();
        assert_eq!(pending.register(None).map(|ticket| ticket.id).unwrap_err(), NodeError::Busy);
        pending.resolve(first.id, Ok(()));
        assert_eq!(pending.len(), 0);
        pending.register(None).unwrap();
    }

    #[test]
    fn a_call_whose_caller_went_away_keeps_its_room_until_it_is_answered() {
        let (pending, room) = (Pending::<()>::new(2), Arc::new(Semaphore::new(10)));
        let taken = room.clone().try_acquire_many_owned(7).unwrap();
        let ticket = pending.register(Some(taken)).unwrap();
        let id = ticket.id;
        drop(ticket);
        assert_eq!(room.available_permits(), 3, "what it proposed is still in the log");
        pending.resolve(id, Err(NodeError::OutcomeUnknown));
        assert_eq!(room.available_permits(), 10);
    }

    #[tokio::test]
    async fn a_call_gets_its_own_answer() {
        let pending = Pending::new(2);
        let (one, two) = (pending.register(None).unwrap(), pending.register(None).unwrap());
        pending.resolve(two.id, Ok("two"));
        pending.resolve(one.id, Ok("one"));
        let deadline = Duration::from_secs(5);
        assert_eq!(one.wait(deadline, || NodeError::NoQuorum, NodeError::Stopping).await, Ok("one"));
        assert_eq!(two.wait(deadline, || NodeError::NoQuorum, NodeError::Stopping).await, Ok("two"));
    }

    #[tokio::test]
    async fn what_was_proposed_to_a_node_that_ends_has_an_unknown_outcome() {
        let pending = Pending::<()>::new(1);
        let ticket = pending.register(None).unwrap();
        drop(pending);
        let ended = ticket.wait(Duration::from_secs(5), || NodeError::NoQuorum, NodeError::OutcomeUnknown).await;
        assert_eq!(ended, Err(NodeError::OutcomeUnknown));
    }
}
