//! A sound connection, as tonic takes it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use lectern_tls::{Io, Name};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::transport::server::Connected;

/// Where a call comes from; in the extensions of each request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    /// The other end of the connection.
    pub(crate) address: Option<SocketAddr>,
    /// Whom its certificate is for; none without TLS, and none of those who show none.
    pub(crate) name: Option<Name>,
}

impl Origin {
    /// Of a request.
    pub(crate) fn of<Q>(request: &tonic::Request<Q>) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_default()
    }
}

/// See the module.
pub(crate) struct Connection {
    io: Box<dyn Io>,
    origin: Origin,
}

impl Connection {
    pub(super) fn new(io: impl Io + 'static, origin: Origin) -> Self {
        Self { io: Box::new(io), origin }
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
