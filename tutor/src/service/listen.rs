//! Listening: the gRPC service with health and reflection, from the first connection to the last.

use std::sync::Arc;
use std::time::Duration;

use lectern_client::{ClientError, Secret, v1};
use lectern_proto::{MAX_REQUEST_BYTES, V1_DESCRIPTORS};
use lectern_rpc::v1::tutor_service_server::{TutorService, TutorServiceServer};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::{TcpListenerStream, UnboundedReceiverStream};
use tonic::transport::Server;
use tonic::{Code, Request, Response, Status};

use super::config::{Config, ConfigError};
use super::errand::{self, Desk};
use super::refusal::status;
use super::shelf::{Shelf, ShelfError};
use crate::answer::Tutor;
use crate::client::{Client as Ollama, ClientError as OllamaError};
use crate::queue::Queue;

/// Answers that are under way get this long at the end.
const GRACE: Duration = Duration::from_secs(5);
/// Between two attempts to say where the tutor is.
const SAY_AGAIN: Duration = Duration::from_secs(5);
/// Questions of one connection at once.
const STREAMS_PER_CONNECTION: u32 = 64;
const KEEPALIVE: Duration = Duration::from_secs(20);

/// Why the service cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The index.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// Ollama's address.
    #[error(transparent)]
    Ollama(#[from] OllamaError),
    /// The address cannot be listened on.
    #[error("{address} cannot be listened on: {source}")]
    Listen {
        /// Which.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The listener ended.
    #[error("the listener failed: {0}")]
    Transport(#[from] tonic::transport::Error),
    /// The built-in descriptors do not decode.
    #[error("the gRPC descriptors are damaged: {0}; install lectern-tutor again")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The cluster does not take this account for a tutor's.
    #[error("the cluster does not take this token for a tutor's: {0}")]
    NotATutor(ClientError),
}

/// Runs a tutor until `shutdown` is done.
pub async fn run(config: Config, shutdown: impl Future<Output = ()> + Send + 'static) -> Result<(), ServiceError> {
    let listening = |source| ServiceError::Listen { address: config.listen, source };
    let listener = TcpListener::bind(config.listen).await.map_err(listening)?;
    let address = listener.local_addr().map_err(listening)?.to_string();
    let desk = desk(config)?;
    let own = desk.own.clone();
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_serving::<TutorServiceServer<Service>>().await;
    let (stop, mut stopped) = watch::channel(false);
    let service = TutorServiceServer::new(Service { desk }).max_decoding_message_size(MAX_REQUEST_BYTES);
    let serving = Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE))
        .max_concurrent_streams(STREAMS_PER_CONNECTION)
        .add_service(service)
        .add_service(health)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .serve_with_incoming_shutdown(TcpListenerStream::new(listener), async move {
            shutdown.await;
            stop.send_replace(true);
        });
    let ended = async {
        // The sender is in the future beside this one.
        let _ = stopped.wait_for(|stopped| *stopped).await;
        tokio::time::sleep(GRACE).await;
    };
    tracing::info!("the tutor listens on {address}");
    let result = tokio::select! {
        served = serving => served.map_err(ServiceError::from),
        error = say_where(&own, &address) => Err(ServiceError::NotATutor(error)),
        () = ended => Ok(()),
    };
    if let Err(error) = own.call(v1::LeaveTutorRequest {}).await {
        tracing::warn!("the cluster goes on telling that this tutor is here: {error}");
    }
    result
}

/// Opens everything that questions stand on.
fn desk(config: Config) -> Result<Arc<Desk>, ServiceError> {
    let shelf = Shelf::open(&config.data_dir)?;
    let patience = config.patience();
    let ollama = Ollama::new(&config.ollama.url, patience.connect)?;
    let queue = Queue::new(config.ollama.parallel, config.limits.waiting);
    let tutor = Tutor::new(ollama, config.model(), patience, queue, config.quotas());
    let (cluster, own) = (config.cluster()?, config.own_client()?);
    Ok(Arc::new(Desk { config, cluster, own, shelf, tutor }))
}

/// Tells the cluster where the tutor is, until it knows; ends only when it refuses.
async fn say_where(own: &lectern_client::Client, address: &str) -> ClientError {
    loop {
        match own.call(v1::RegisterTutorRequest { address: address.into() }).await {
            Ok(_) => {
                tracing::info!("the cluster tells that the tutor is at {address}");
                return std::future::pending().await;
            }
            Err(error) if error.is_transient() || error.is_refused_for("WRONG_STATE") => {
                tracing::warn!("the cluster does not know of this tutor yet: {error}");
                tokio::time::sleep(SAY_AGAIN).await;
            }
            Err(error) => return error,
        }
    }
}

fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(V1_DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

struct Service {
    desk: Arc<Desk>,
}

#[tonic::async_trait]
impl TutorService for Service {
    type AskStream = UnboundedReceiverStream<Result<v1::AskEvent, Status>>;

    async fn ask(&self, request: Request<v1::AskRequest>) -> Result<Response<Self::AskStream>, Status> {
        let token = bearer(&request)?;
        let (out, events) = mpsc::unbounded_channel();
        tokio::spawn(errand::run(Arc::clone(&self.desk), request.into_inner(), token, out));
        Ok(Response::new(UnboundedReceiverStream::new(events)))
    }
}

/// The asker's token.
fn bearer<T>(request: &Request<T>) -> Result<Secret, Status> {
    let header = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| value.strip_prefix("Bearer ")).map(str::trim).filter(|token| !token.is_empty());
    let refused = || status(Code::Unauthenticated, "NOT_SIGNED_IN", "sign in first: the tutor reads what you may read");
    token.map(Secret::new).ok_or_else(refused)
}
