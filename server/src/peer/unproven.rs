//! What may be said on a call before the caller has proven that it is a node: little.
//!
//! Messages among nodes may be large, and a library that reads one waits until all of it is there. Whoever has proven nothing
//! could have this node wait for, and keep, as much on each of its calls. So the bytes of a call are counted until it says that
//! its caller is a node.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tonic::body::Body;
use tonic::codegen::http::Request;
use tonic::{Code, Status};
use tower::{Layer, Service};

/// Bytes until then: far above an introduction, a proof, and the beginning of a snapshot.
const MOST_UNPROVEN: usize = 64 << 10;

/// Whether the caller of one call has proven itself; in the extensions of each request.
#[derive(Clone, Debug, Default)]
pub(super) struct Proven(Arc<AtomicBool>);

impl Proven {
    /// Of a request.
    pub(super) fn of<Q>(request: &tonic::Request<Q>) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_default()
    }

    /// It has: from now on it may say as much as a node says.
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Bounds what calls say before they are proven.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnprovenLayer;

impl<S> Layer<S> for UnprovenLayer {
    type Service = Unproven<S>;

    fn layer(&self, inner: S) -> Unproven<S> {
        Unproven { inner }
    }
}

/// See [`UnprovenLayer`].
#[derive(Clone, Debug)]
pub(super) struct Unproven<S> {
    inner: S,
}

impl<S: Service<Request<Body>>> Service<Request<Body>> for Unproven<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> S::Future {
        let proven = Proven::default();
        request.extensions_mut().insert(proven.clone());
        self.inner.call(request.map(|body| Body::new(Bounded { body, proven, said: 0 })))
    }
}

/// A request, as far as it may be read.
struct Bounded {
    body: Body,
    proven: Proven,
    said: usize,
}

impl http_body::Body for Bounded {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && !self.proven.is_set()
        {
            self.said += frame.data_ref().map_or(0, Bytes::len);
            if self.said > MOST_UNPROVEN {
                let words = "so much is said by nodes only, and the caller has not proven that it is one";
                return Poll::Ready(Some(Err(Status::new(Code::ResourceExhausted, words))));
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body::Body as _;

    use super::*;

    /// As much as is asked for, in pieces of 1 KiB.
    struct Saying(usize);

    impl http_body::Body for Saying {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
            if self.0 == 0 {
                return Poll::Ready(None);
            }
            self.0 -= 1;
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[0; 1 << 10])))))
        }
    }

    /// How many KiB of `said` a service reads that says after `proof_after` of them that the caller is a node.
    async fn heard(said: usize, proof_after: usize) -> Result<usize, Code> {
        let reading = tower::service_fn(move |request: Request<Body>| async move {
            let proven = request.extensions().get::<Proven>().cloned().expect("the layer puts it there");
            let (mut body, mut heard) = (request.into_body(), 0);
            while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
                match frame {
                    Ok(_) => heard += 1,
                    Err(status) => return Ok::<_, Infallible>(Err(status.code())),
                }
                if heard == proof_after {
                    proven.set();
                }
            }
            Ok(Ok(heard))
        });
        UnprovenLayer.layer(reading).call(Request::new(Body::new(Saying(said)))).await.unwrap()
    }

    #[tokio::test]
    async fn who_has_proven_nothing_says_little_and_a_node_as_much_as_it_wants() {
        assert_eq!(heard(64, usize::MAX).await, Ok(64));
        assert_eq!(heard(65, usize::MAX).await, Err(Code::ResourceExhausted));
        assert_eq!(heard(10_000, 2).await, Ok(10_000));
    }
}
