//! The way out to one peer: an urgent queue, a bulk queue, and the stream that empties them.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use lectern_proto::internal::v1::{PeerFrame, peer_frame::Kind};
use tokio::sync::mpsc;
use tokio_stream::Stream;

/// Frames that may wait, of each kind.
const URGENT_FRAMES: usize = 1_024;
const BULK_FRAMES: usize = 1_024;
/// Bytes of bulk that may wait for one peer.
const BULK_BYTES: usize = 32 << 20;

/// Queues of the stream that is open now, if one is.
#[derive(Default)]
pub(super) struct Lane {
    queues: Mutex<Option<Queues>>,
}

/// Where frames for one stream go in.
#[derive(Clone)]
pub(super) struct Queues {
    urgent: mpsc::Sender<PeerFrame>,
    bulk: mpsc::Sender<PeerFrame>,
    bulk_bytes: Arc<AtomicUsize>,
}

/// Where they come out: the request stream of one `Messages` call.
pub(super) struct Outgoing {
    urgent: mpsc::Receiver<PeerFrame>,
    bulk: mpsc::Receiver<PeerFrame>,
    bulk_bytes: Arc<AtomicUsize>,
}

/// Empty queues for a new stream.
pub(super) fn queues() -> (Queues, Outgoing) {
    let (urgent, urgent_out) = mpsc::channel(URGENT_FRAMES);
    let (bulk, bulk_out) = mpsc::channel(BULK_FRAMES);
    let bulk_bytes = Arc::new(AtomicUsize::new(0));
    let outgoing = Outgoing { urgent: urgent_out, bulk: bulk_out, bulk_bytes: bulk_bytes.clone() };
    (Queues { urgent, bulk, bulk_bytes }, outgoing)
}

impl Queues {
    /// Queues a frame; `false` when the queue is full or the stream is gone.
    pub(super) fn send(&self, kind: Kind, urgent: bool) -> bool {
        let bytes = frame_bytes(&kind);
        let frame = PeerFrame { kind: Some(kind) };
        if urgent {
            return self.urgent.try_send(frame).is_ok();
        }
        let waiting = self.bulk_bytes.fetch_add(bytes, Ordering::AcqRel);
        let sent = (waiting == 0 || waiting + bytes <= BULK_BYTES) && self.bulk.try_send(frame).is_ok();
        if !sent {
            self.bulk_bytes.fetch_sub(bytes, Ordering::AcqRel);
        }
        sent
    }
}

impl Lane {
    /// The peer said welcome: frames go to this stream from now on.
    pub(super) fn open(&self, queues: Queues) {
        *self.queues.lock().unwrap_or_else(PoisonError::into_inner) = Some(queues);
    }

    /// The stream is gone, with whatever waited for it.
    pub(super) fn close(&self) {
        *self.queues.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Queues a frame. `None` while no stream is open (the replica knows that the peer is lost), `Some(false)` when the
    /// queue is full.
    pub(super) fn send(&self, kind: Kind, urgent: bool) -> Option<bool> {
        let queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        queues.as_ref().map(|queues| queues.send(kind, urgent))
    }
}

impl Stream for Outgoing {
    type Item = PeerFrame;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<PeerFrame>> {
        if let Poll::Ready(frame) = self.urgent.poll_recv(context) {
            return Poll::Ready(frame);
        }
        let bulk = self.bulk.poll_recv(context);
        if let Poll::Ready(Some(PeerFrame { kind: Some(kind) })) = &bulk {
            self.bulk_bytes.fetch_sub(frame_bytes(kind), Ordering::AcqRel);
        }
        bulk
    }
}

fn frame_bytes(kind: &Kind) -> usize {
    if let Kind::Raft(bytes) = kind { bytes.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt;

    use super::*;

    fn raft(byte: u8, size: usize) -> Kind {
        Kind::Raft(vec![byte; size])
    }

    async fn next_byte(outgoing: &mut Outgoing) -> u8 {
        match outgoing.next().await.unwrap().kind.unwrap() {
            Kind::Raft(bytes) => bytes[0],
            other => panic!("not a raft message: {other:?}"),
        }
    }

    #[tokio::test]
    async fn urgent_frames_go_first_and_each_kind_keeps_its_order() {
        let lane = Lane::default();
        assert_eq!(lane.send(raft(0, 1), true), None);
        let (queues, mut outgoing) = queues();
        lane.open(queues);
        for (byte, urgent) in [(1, false), (2, false), (3, true), (4, true)] {
            assert_eq!(lane.send(raft(byte, 1), urgent), Some(true));
        }
        for expected in [3, 4, 1, 2] {
            assert_eq!(next_byte(&mut outgoing).await, expected);
        }
        lane.close();
        assert!(outgoing.next().await.is_none());
    }

    #[tokio::test]
    async fn bulk_is_bounded_in_bytes_but_one_large_frame_always_fits() {
        let (queues, mut outgoing) = queues();
        assert!(queues.send(raft(1, BULK_BYTES + 1), false));
        assert!(!queues.send(raft(2, 1), false));
        assert!(queues.send(raft(3, 1), true));
        assert_eq!(next_byte(&mut outgoing).await, 3);
        assert_eq!(next_byte(&mut outgoing).await, 1);
        assert!(queues.send(raft(4, 1), false));
    }
}
