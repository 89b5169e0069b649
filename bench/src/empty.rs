//! The ceiling: a tonic server in a process of its own whose one call is answered with nothing.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use lectern_client::v1;
use lectern_rpc::v1::cluster_service_server::{ClusterService, ClusterServiceServer};
use tokio_stream::Empty;
use tonic::{Request, Response, Status, async_trait, transport::Server};

use crate::Outcome;

/// The hidden argument by which this program becomes that server.
pub const SERVE: &str = "--serve-empty";
/// Where it listens.
pub const ADDRESS: &str = "127.99.0.1:7699";

struct Nothing;

#[async_trait]
impl ClusterService for Nothing {
    type WatchStatusStream = Empty<Result<v1::GetStatusResponse, Status>>;

    async fn get_status(&self, _: Request<v1::GetStatusRequest>) -> Result<Response<v1::GetStatusResponse>, Status> {
        Ok(Response::new(v1::GetStatusResponse::default()))
    }

    async fn watch_status(
        &self,
        _: Request<v1::WatchStatusRequest>,
    ) -> Result<Response<Self::WatchStatusStream>, Status> {
        Ok(Response::new(tokio_stream::empty()))
    }
}

/// Serves until it is killed.
pub async fn serve() -> Outcome<()> {
    let address: SocketAddr = ADDRESS.parse()?;
    Ok(Server::builder().tcp_nodelay(true).add_service(ClusterServiceServer::new(Nothing)).serve(address).await?)
}

/// The server's process, killed when dropped.
pub struct EmptyServer(Child);

impl EmptyServer {
    /// Starts it; it listens a moment later.
    pub fn start() -> Outcome<Self> {
        let this = std::env::current_exe()?;
        Ok(Self(Command::new(this).arg(SERVE).stdin(Stdio::null()).stdout(Stdio::null()).spawn()?))
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for EmptyServer {
    fn drop(&mut self) {
        // It holds nothing: that it may be gone already is no harm.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
