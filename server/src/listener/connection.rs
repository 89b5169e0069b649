//! A sound connection, as tonic takes it.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use lectern_tls::{Io, Name};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Sleep;
use tonic::transport::server::Connected;

use super::crowd::{Calls, Crowd, Entered, Full, OpenCall, Place};

/// Where a call comes from; in the extensions of each request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    /// The other end of the connection.
    pub(crate) address: Option<SocketAddr>,
    /// Whom its certificate is for; none without TLS, and none of those who show none.
    pub(crate) name: Option<Name>,
    /// Keeps account of the connection's calls; none where there are none to account for.
    pub(crate) calls: Option<Calls>,
    /// There was no room for it when it came.
    pub(crate) waiting: Option<Arc<Waiting>>,
}

/// A connection that came when there was no room: each call on it asks again.
pub(crate) struct Waiting {
    crowd: Arc<Crowd>,
    address: IpAddr,
    got: Mutex<Got>,
}

/// What it got meanwhile.
#[derive(Default)]
struct Got {
    /// A place, until the connection has taken it over.
    place: Option<Entered>,
    calls: Option<Calls>,
}

impl Waiting {
    pub(super) fn new(crowd: Arc<Crowd>, address: IpAddr) -> Arc<Self> {
        Arc::new(Self { crowd, address, got: Mutex::default() })
    }

    fn calls(&self) -> Result<Calls, Full> {
        let mut got = self.got();
        if let Some(calls) = &got.calls {
            return Ok(calls.clone());
        }
        let entered = self.crowd.enter(self.address)?;
        let calls = entered.place.calls();
        *got = Got { calls: Some(calls.clone()), place: Some(entered) };
        Ok(calls)
    }

    fn got(&self) -> MutexGuard<'_, Got> {
        self.got.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Origin {
    /// Of a request.
    pub(crate) fn of<Q>(request: &tonic::Request<Q>) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_default()
    }

    /// Of a connection from `address` by whom `name` is.
    #[cfg(test)]
    pub(crate) fn from(address: Option<SocketAddr>, name: Option<Name>) -> Self {
        Self { address, name, ..Self::default() }
    }

    /// A call begins: the connection is not idle until what is returned is dropped. Refused, with words for the caller, where
    /// there is still no room for the connection.
    pub(crate) fn begin_call(&self) -> Result<Option<OpenCall>, String> {
        Ok(self.calls()?.as_ref().map(Calls::begin))
    }

    /// For calls that count only once the caller has proven something: until one of them begins, the connection is idle.
    pub(crate) fn calls(&self) -> Result<Option<Calls>, String> {
        match &self.waiting {
            Some(waiting) => waiting.calls().map(Some).map_err(super::words),
            None => Ok(self.calls.clone()),
        }
    }
}

/// What ends a connection from this side.
pub(super) enum Stay {
    /// It has a place, until it is told that another needs it.
    Place { told: oneshot::Receiver<()>, _place: Place },
    /// It has none, and is told so meanwhile.
    Moment { sleep: Pin<Box<Sleep>>, waiting: Arc<Waiting>, _telling: OwnedSemaphorePermit },
    /// It was told.
    Over,
}

impl Stay {
    pub(super) fn of(entered: Entered) -> Self {
        Self::Place { told: entered.told, _place: entered.place }
    }

    pub(super) fn moment(deadline: Duration, waiting: Arc<Waiting>, telling: OwnedSemaphorePermit) -> Self {
        Self::Moment { sleep: Box::pin(tokio::time::sleep(deadline)), waiting, _telling: telling }
    }

    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Self::Moment { waiting, .. } = self {
            let place = waiting.got().place.take();
            if let Some(entered) = place {
                *self = Self::of(entered);
            }
        }
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
