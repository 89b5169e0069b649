//! What waits for the raft thread.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use lectern_raft::membership::{Answer, Request};
use lectern_raft::{Input, Refused};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Bytes of peers' messages that may wait. A peer whose stream meets this limit is read no further until the replica has
/// caught up: back-pressure goes through the network.
const PEER_BYTES: usize = 96 << 20;

/// A queue that the raft thread empties whole. Pushing never blocks; those who can be told to wait ask for room first.
pub(crate) struct Inbox {
    queue: Mutex<Queue>,
    wake: Condvar,
    peer_room: Arc<Semaphore>,
}

#[derive(Default)]
struct Queue {
    inputs: VecDeque<Waiting>,
    questions: Vec<Question>,
}

/// What is asked of the replica and changes nothing.
pub(crate) struct Question {
    pub(crate) request: Request,
    pub(crate) answer: oneshot::Sender<Result<Answer, Refused>>,
}

/// One input, and the room it takes until it was stepped.
pub(crate) struct Waiting {
    input: Input,
    room: Option<OwnedSemaphorePermit>,
}

impl Waiting {
    /// The input, and its room, to be dropped when the input was stepped.
    pub(crate) fn open(self) -> (Input, Option<OwnedSemaphorePermit>) {
        (self.input, self.room)
    }
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self { queue: Mutex::default(), wake: Condvar::new(), peer_room: Arc::new(Semaphore::new(PEER_BYTES)) }
    }

    /// For what is bounded by its nature, or by who sends it.
    pub(crate) fn push(&self, input: Input) {
        self.enqueue(Waiting { input, room: None });
    }

    /// For peers' messages: waits for room of `bytes`.
    pub(crate) async fn push_from_peer(&self, input: Input, bytes: usize) {
        let bytes = u32::try_from(bytes.clamp(64, PEER_BYTES)).expect("the limit fits in 32 bits");
        let room = self.peer_room.clone().acquire_many_owned(bytes).await.ok();
        self.enqueue(Waiting { input, room });
    }

    /// Asks the replica; the answer comes after its next step.
    pub(crate) fn ask(&self, request: Request) -> oneshot::Receiver<Result<Answer, Refused>> {
        let (answer, receiver) = oneshot::channel();
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).questions.push(Question { request, answer });
        self.wake.notify_one();
        receiver
    }

    fn enqueue(&self, waiting: Waiting) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).inputs.push_back(waiting);
        self.wake.notify_one();
    }

    /// Everything that waits; sleeps until there is something or `until` has come.
    pub(crate) fn drain(&self, until: Instant) -> (VecDeque<Waiting>, Vec<Question>) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if !queue.inputs.is_empty() || !queue.questions.is_empty() || left.is_zero() {
                let Queue { inputs, questions } = std::mem::take(&mut *queue);
                return (inputs, questions);
            }
            queue = self.wake.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn everything_that_waits_comes_out_at_once_in_order() {
        let inbox = Inbox::new();
        for id in 0..3 {
            inbox.push(Input::Read { id });
        }
        let ids: Vec<u64> = inbox
            .drain(Instant::now() + Duration::from_secs(5))
            .0
            .into_iter()
            .map(|waiting| if let Input::Read { id } = waiting.input { id } else { panic!("not a read") })
            .collect();
        assert_eq!(ids, [0, 1, 2]);
        assert!(inbox.drain(Instant::now()).0.is_empty());
    }

    #[test]
    fn a_question_wakes_the_raft_thread_too() {
        let inbox = Inbox::new();
        let _answer = inbox.ask(Request::Join);
        let (inputs, questions) = inbox.drain(Instant::now() + Duration::from_secs(5));
        assert!(inputs.is_empty());
        assert_eq!(questions.into_iter().map(|question| question.request).collect::<Vec<_>>(), [Request::Join]);
    }

    #[test]
    fn room_is_given_back_when_an_input_was_stepped() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let inbox = Inbox::new();
        for _ in 0..3 {
            let message = Input::Message { from: 1, bytes: Vec::new() };
            runtime.block_on(inbox.push_from_peer(message, PEER_BYTES));
            assert_eq!(inbox.drain(Instant::now()).0.len(), 1);
        }
    }
}
