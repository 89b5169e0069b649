//! A sound connection, as tonic takes it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use lectern_tls::{Io, Name};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Sleep;
use tonic::transport::server::Connected;

use super::crowd::{Calls, Entered, OpenCall, Place};

/// Where a call comes from; in the extensions of each request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    /// The other end of the connection.
    pub(crate) address: Option<SocketAddr>,
    /// Whom its certificate is for; none without TLS, and none of those who show none.
    pub(crate) name: Option<Name>,
    /// Keeps account of the connection's calls; none where nobody may call.
    pub(crate) calls: Option<Calls>,
    /// There is no room for it: what every call on it is answered with.
    pub(crate) refused: Option<Arc<str>>,
}

impl Origin {
    /// Of a request.
    pub(crate) fn of<Q>(request: &tonic::Request<Q>) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_default()
    }

    /// A call begins: the connection is not idle until what is returned is dropped.
    pub(crate) fn begin_call(&self) -> Option<OpenCall> {
        self.calls.as_ref().map(Calls::begin)
    }
}

/// What ends a connection from this side.
pub(super) enum Stay {
    /// It has a place, until it is told that another needs it.
    Place { told: oneshot::Receiver<()>, _place: Place },
    /// It has none, and is told so meanwhile.
    Moment { sleep: Pin<Box<Sleep>>, _telling: OwnedSemaphorePermit },
    /// It was told.
    Over,
}

impl Stay {
    pub(super) fn of(entered: Entered) -> Self {
        Self::Place { told: entered.told, _place: entered.place }
    }

    pub(super) fn moment(deadline: Duration, telling: OwnedSemaphorePermit) -> Self {
        Self::Moment { sleep: Box::pin(tokio::time::sleep(deadline)), _telling: telling }
    }

    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let over = match self {
            Self::Place { told, .. } => Pin::new(told).poll(cx).map(|_| ()),
            Self::Moment { sleep, .. } => sleep.as_mut().poll(cx),
            Self::Over => Poll::Ready(()),
        };
        if over.is_ready() {
            *self = Self::Over;
        }
        over
    }
}

/// See the module.
pub(crate) struct Connection {
    io: Box<dyn Io>,
    origin: Origin,
    stay: Stay,
}

impl Connection {
    pub(super) fn new(io: impl Io + 'static, origin: Origin, stay: Stay) -> Self {
        Self { io: Box::new(io), origin, stay }
    }
}

impl Connected for Connection {
    type ConnectInfo = Origin;

    fn connect_info(&self) -> Origin {
        self.origin.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // Where nothing more is heard, HTTP ends the connection in order.
        if self.stay.poll_over(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
