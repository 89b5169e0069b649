//! A connection that a program or a node made, with or without TLS, and what can be wrong with it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustls::{AlertDescription, CertificateError, InvalidMessage};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

use crate::Untrusted;

/// First bytes of records with which TLS begins, or breaks off: no HTTP/2 connection begins so.
const TLS_RECORDS: [u8; 2] = [0x15, 0x16];

/// Why there is no connection, or no longer, beyond what the network does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The other side's certificate.
    #[error("its certificate is not accepted: {0}")]
    Untrusted(Untrusted),
    /// The other side looks at certificates too.
    #[error("it does not accept this side's certificate, or the lack of one: {0}; its log says more")]
    NotAccepted(String),
    /// A certificate is needed, and none was shown.
    #[error("it shows no certificate")]
    NoCertificate,
    /// It speaks clear text.
    #[error("it does not speak TLS, and nothing is sent to it in clear text")]
    SpeaksClearText,
    /// It speaks TLS.
    #[error("it speaks TLS, and no authority is known to verify it with")]
    SpeaksTls,
    /// Anything else about TLS.
    #[error("TLS: {0}")]
    Tls(String),
}

impl Problem {
    /// Out of what TLS says; nothing where it is a matter of the network.
    pub fn in_error(error: &io::Error) -> Option<Self> {
        if error.kind() == io::ErrorKind::UnexpectedEof && error.get_ref().is_some() {
            return Some(Self::Tls("it broke off in the middle of the handshake; does it speak TLS?".into()));
        }
        let inner = error.get_ref()?;
        if let Some(own) = inner.downcast_ref::<Self>() {
            return Some(own.clone());
        }
        inner.downcast_ref::<rustls::Error>().map(Self::of)
    }

    fn of(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(CertificateError::Other(rustls::OtherError(inner))) => {
                match inner.downcast_ref::<Untrusted>() {
                    Some(untrusted) => Self::Untrusted(untrusted.clone()),
                    None => Self::Tls(error.to_string()),
                }
            }
            rustls::Error::NoCertificatesPresented => Self::NoCertificate,
            rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => Self::SpeaksClearText,
            rustls::Error::AlertReceived(alert) if is_about_certificates(*alert) => {
                Self::NotAccepted(format!("{alert:?}"))
            }
            other => Self::Tls(other.to_string()),
        }
    }
}

fn is_about_certificates(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::CertificateRequired
            | AlertDescription::DecryptError
    )
}

/// Bytes both ways.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// What was connected.
pub struct CallerStream {
    io: Box<dyn Io>,
    secure: bool,
    /// The other side has said nothing yet.
    silent: bool,
    /// What it said first, and is still to be read.
    first: Vec<u8>,
}

impl std::fmt::Debug for CallerStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallerStream").field("secure", &self.secure).finish_non_exhaustive()
    }
}

impl CallerStream {
    pub(crate) fn new(io: impl Io + 'static, secure: bool) -> Self {
        Self { io: Box::new(io), secure, silent: true, first: Vec::new() }
    }

    /// Waits for the other side's first word, which HTTP/2 servers say unasked. In TLS 1.3 it judges a certificate when this
    /// side is done: only then is it certain that this side is accepted.
    pub(crate) async fn accepted(mut self) -> io::Result<Self> {
        let mut word = [0; 1_024];
        let count = self.read(&mut word).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.first.extend_from_slice(&word[..count]);
        Ok(self)
    }
}

impl AsyncRead for CallerStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.first.is_empty() {
            let count = self.first.len().min(buffer.remaining());
            buffer.put_slice(&self.first[..count]);
            self.first.drain(..count);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buffer);
        if self.secure {
            return polled.map_err(|error| match Problem::in_error(&error) {
                Some(problem @ Problem::NotAccepted(_)) => io::Error::other(problem),
                _ => error,
            });
        }
        if self.silent
            && let Some(first) = buffer.filled().get(before)
        {
            self.silent = false;
            if TLS_RECORDS.contains(first) {
                return Poll::Ready(Err(io::Error::other(Problem::SpeaksTls)));
            }
        }
        polled
    }
}

impl AsyncWrite for CallerStream {
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
