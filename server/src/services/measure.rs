//! Metrics of every call, and room for so many at once.
//!
//! For streams the measure is of their beginning.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use lectern_rpc::methods::PATHS;
use tokio::sync::Semaphore;
use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tonic::{Code, Status};
use tower::{Layer, Service};

use super::errors;
use crate::listener::{OpenCall, Origin};

/// Methods beside the unary ones, so that metrics name them too.
const OTHERS: &[&str] = &[
    "/lectern.v1.ClusterService/GetStatus",
    "/lectern.v1.ClusterService/WatchStatus",
    "/lectern.v1.FileService/Download",
    "/lectern.v1.GradeService/ExportGradebook",
    "/lectern.v1.WatchService/Watch",
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
];

/// Measures calls, and refuses what is over `max_calls` at once.
#[derive(Clone)]
pub struct MeasureLayer {
    room: Arc<Semaphore>,
}

impl MeasureLayer {
    /// With room for so many calls.
    pub fn new(max_calls: usize) -> Self {
        metrics::describe_counter!("lectern_rpc_requests_total", "Calls answered, by method and code.");
        metrics::describe_histogram!("lectern_rpc_duration_seconds", "Time to answer a call, by method.");
        Self { room: Arc::new(Semaphore::new(max_calls)) }
    }
}

impl<S> Layer<S> for MeasureLayer {
    type Service = Measure<S>;

    fn layer(&self, inner: S) -> Measure<S> {
        Measure { inner, room: Arc::clone(&self.room) }
    }
}

/// See [`MeasureLayer`].
#[derive(Clone)]
pub struct Measure<S> {
    inner: S,
    room: Arc<Semaphore>,
}

impl<S> Service<Request<Body>> for Measure<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let method = method(request.uri().path());
        let started = Instant::now();
        let origin = request.extensions().get::<Origin>().cloned().unwrap_or_default();
        let open = origin.begin_call();
        let place = Arc::clone(&self.room).try_acquire_owned();
        // The one that is ready is used up; a clone takes its place.
        let next = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, next);
        Box::pin(async move {
            let response = match (&open, place) {
                (Err(reason), _) => errors::busy(reason).into_http(),
                (Ok(_), Ok(_place)) => ready.call(request).await?,
                (Ok(_), Err(_)) => {
                    errors::busy("this node answers as many calls as it can; try again in a moment").into_http()
                }
            };
            let code = Status::from_header_map(response.headers()).map_or(Code::Ok, |status| status.code());
            metrics::counter!("lectern_rpc_requests_total", "method" => method, "code" => code_name(code)).increment(1);
            metrics::histogram!("lectern_rpc_duration_seconds", "method" => method).record(started.elapsed());
            Ok(response.map(|body| Body::new(OpenBody { body, _open: open.ok().flatten() })))
        })
    }
}

/// The body of an answer: its connection is not idle until it has been sent.
struct OpenBody {
    body: Body,
    _open: Option<OpenCall>,
}

impl http_body::Body for OpenBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Status>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

/// The method as metrics name it: one of the known ones, so that strangers cannot make labels.
fn method(path: &str) -> &'static str {
    let mut known = PATHS.iter().map(|(path, _)| *path).chain(OTHERS.iter().copied());
    known.find(|known| *known == path).map_or("other", |known| known.rsplit_once('.').map_or(known, |(_, name)| name))
}

fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_name_known_methods_only() {
        assert_eq!(method("/lectern.v1.SubmissionService/Submit"), "SubmissionService/Submit");
        assert_eq!(method("/grpc.health.v1.Health/Check"), "Health/Check");
        assert_eq!(method("/made/up"), "other");
    }

    #[tokio::test]
    async fn what_is_over_the_room_is_refused_at_once() {
        let inner = tower::service_fn(|_: Request<Body>| {
            std::future::ready(Ok::<_, std::convert::Infallible>(Response::new(Body::empty())))
        });
        for (room, code) in [(1, Code::Ok), (0, Code::ResourceExhausted)] {
            let mut service = MeasureLayer::new(room).layer(inner);
            let response = service.call(Request::new(Body::empty())).await.unwrap();
            let status = Status::from_header_map(response.headers());
            assert_eq!(status.map_or(Code::Ok, |status| status.code()), code);
        }
    }
}
