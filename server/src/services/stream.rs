//! Server streams: a task that sends, a small buffer, and an end when the client or the node goes away.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::errors;
use crate::node::NodeError;

/// What a streaming method returns.
pub type Pieces<T> = ReceiverStream<Result<T, Status>>;

/// Messages that wait for a slow client: beyond them the task waits too.
const BUFFER: usize = 4;

/// How long a client may take nothing.
const PATIENCE: Duration = Duration::from_mins(1);

/// The sending end.
pub struct Out<T> {
    sender: mpsc::Sender<Result<T, Status>>,
}

/// Why a stream's task ends early.
pub enum End {
    /// The client went away: nobody is left to be told.
    Gone,
    /// The client is told.
    Failed(Status),
}

impl From<Status> for End {
    fn from(status: Status) -> Self {
        Self::Failed(status)
    }
}

impl<T> Out<T> {
    /// Waits for room and sends.
    pub async fn send(&self, message: T) -> Result<(), End> {
        // A client that takes nothing for so long holds a place that others wait for.
        let sent = tokio::time::timeout(PATIENCE, self.sender.send(Ok(message))).await;
        sent.map_err(|_| End::Gone)?.map_err(|_| End::Gone)
    }
}

/// Runs `task` until it is done, the client goes away, or the node stops.
pub fn spawn<T, F>(mut stopping: watch::Receiver<bool>, task: impl FnOnce(Out<T>) -> F + Send + 'static) -> Pieces<T>
where
    T: Send + 'static,
    F: Future<Output = Result<(), End>> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(BUFFER);
    let running = task(Out { sender: sender.clone() });
    tokio::spawn(async move {
        let ended = tokio::select! {
            ended = running => ended,
            () = sender.closed() => Err(End::Gone),
            _ = stopping.wait_for(|stopping| *stopping) => Err(errors::from_node(&NodeError::Stopping).into()),
        };
        if let Err(End::Failed(status)) = ended {
            // A client that went away in the meantime does not need to know.
            let _ = sender.send(Err(status)).await;
        }
    });
    ReceiverStream::new(receiver)
}
