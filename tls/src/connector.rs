//! How tonic's channels connect: in TLS where there is a configuration for it, which is asked for anew each time.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tower::Service;

use crate::{CallerStream, Problem};

/// What is sent as the name of a host that has none that TLS knows. Nobody looks at it.
const NO_NAME: &str = "node.lectern.invalid";

type Configure = Arc<dyn Fn() -> Arc<ClientConfig> + Send + Sync>;

/// Connects to `HOST:PORT` of a URI.
#[derive(Clone)]
pub struct Connector {
    configure: Option<Configure>,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("tls", &self.configure.is_some()).finish()
    }
}

impl Connector {
    /// Without TLS.
    pub fn clear() -> Self {
        Self { configure: None }
    }

    /// With the configuration that `configure` gives for each connection, so that new certificates are used at once.
    pub fn tls(configure: impl Fn() -> Arc<ClientConfig> + Send + Sync + 'static) -> Self {
        Self { configure: Some(Arc::new(configure)) }
    }

    /// Connects. In TLS it is done when the other side has accepted this one, too, and said its first word.
    pub async fn connect(&self, host: &str, port: u16) -> io::Result<CallerStream> {
        let tcp = TcpStream::connect((host, port)).await?;
        tcp.set_nodelay(true)?;
        let Some(configure) = &self.configure else { return Ok(CallerStream::new(tcp, false)) };
        let name = ServerName::try_from(host.to_owned())
            .unwrap_or_else(|_| ServerName::try_from(NO_NAME).expect("the constant is a name"));
        match TlsConnector::from(configure()).connect(name, tcp).await {
            Ok(tls) => CallerStream::new(tls, true).accepted().await,
            Err(error) => Err(Problem::in_error(&error).map_or(error, io::Error::other)),
        }
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<CallerStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<CallerStream>>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
            connector.connect(host, uri.port_u16().unwrap_or_default()).await.map(TokioIo::new)
        })
    }
}
