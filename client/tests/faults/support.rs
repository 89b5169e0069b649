//! A cluster that behaves badly on demand: nodes in one process that share one state, lose replies, know no leader, hang
//! and die.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use lectern_client::{Call, Client, ClientOptions, Kind};
use lectern_proto::{CHUNK_BYTES, v1};
use lectern_rpc::v1::auth_service_server::{AuthService, AuthServiceServer};
use lectern_rpc::v1::cluster_service_server::{ClusterService, ClusterServiceServer};
use lectern_rpc::v1::file_service_server::{FileService, FileServiceServer};
use lectern_rpc::v1::submission_service_server::{SubmissionService, SubmissionServiceServer};
use lectern_rpc::v1::watch_service_server::{WatchService, WatchServiceServer};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// What goes wrong with one call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing is done, and the node says why.
    Say(Code, &'static str),
    /// It is done, and the reply is lost.
    LoseReply,
    /// No answer ever.
    Hang,
}

/// A call as a node saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub node: usize,
    pub path: &'static str,
    pub key: Option<String>,
}

/// The state that all nodes share.
#[derive(Default)]
pub struct World {
    pub addresses: Vec<String>,
    pub leader: Option<usize>,
    pub seen: Vec<Seen>,
    /// Methods that changed something, once for each change.
    pub done: Vec<&'static str>,
    recorded: BTreeMap<String, Vec<u8>>,
    faults: VecDeque<(&'static str, Fault)>,
    pub declared: Vec<v1::FileDeclaration>,
    pub chunks: BTreeMap<(u32, u32), Vec<u8>>,
    pub download: Vec<u8>,
    pub download_digest: Option<Vec<u8>>,
    /// Bytes after which the next download breaks off.
    pub break_after: Option<usize>,
    pub offsets: Vec<u64>,
    pub events: Vec<v1::WatchEvent>,
    pub watched_from: Vec<u64>,
    /// The next watches end after what there is.
    pub watches_to_end: usize,
}

impl World {
    fn upload(&self) -> v1::Upload {
        let files = (0..).zip(&self.declared).map(|(index, declaration)| {
            let chunk_count = u32::try_from(declaration.size.div_ceil(CHUNK_BYTES as u64)).unwrap();
            let missing = (0..chunk_count).filter(|chunk| !self.chunks.contains_key(&(index, *chunk))).collect();
            v1::UploadFile { declaration: Some(declaration.clone()), chunk_count, missing }
        });
        v1::Upload { upload_id: "U1".into(), expires_at_ms: 0, files: files.collect() }
    }
}

trait Answer: Call {
    fn answer(self, _world: &mut World) -> Result<Self::Response, Status> {
        Err(Status::unimplemented("not in this cluster"))
    }
}

macro_rules! unanswered {
    ($($request:ident)*) => { $(impl Answer for v1::$request {})* };
}

unanswered! {
    ActivateRequest SignOutRequest ChangePasswordRequest CreateTokenRequest ListTokensRequest BeginUploadRequest
    WithdrawPledgeRequest ChooseAttemptRequest GetSubmissionRequest ListAttemptsRequest ListSubmissionsRequest SaveDraftRequest GetDraftRequest
    ListDraftRevisionsRequest ListExtensionRequestsRequest DecideExtensionRequestRequest
}

impl Answer for v1::SignInRequest {
    fn answer(self, _world: &mut World) -> Result<v1::SignInResponse, Status> {
        Ok(v1::SignInResponse { token: "lct_1".into(), ..Default::default() })
    }
}
impl Answer for v1::WhoAmIRequest {
    fn answer(self, _world: &mut World) -> Result<v1::WhoAmIResponse, Status> {
        Ok(v1::WhoAmIResponse { now_ms: 7, ..Default::default() })
    }
}
impl Answer for v1::RevokeTokenRequest {
    fn answer(self, _world: &mut World) -> Result<v1::RevokeTokenResponse, Status> {
        Ok(v1::RevokeTokenResponse {})
    }
}
impl Answer for v1::PledgeRequest {
    fn answer(self, world: &mut World) -> Result<v1::PledgeResponse, Status> {
        world.declared = self.files;
        let pledge = v1::Pledge { pledge_id: "P1".into(), upload: Some(world.upload()), ..Default::default() };
        Ok(v1::PledgeResponse { pledge: Some(pledge) })
    }
}
impl Answer for v1::SubmitRequest {
    fn answer(self, world: &mut World) -> Result<v1::SubmitResponse, Status> {
        if !self.pledge_id.is_empty() && world.upload().files.iter().any(|file| !file.missing.is_empty()) {
            return Err(status(Code::FailedPrecondition, "CHUNKS_MISSING"));
        }
        let attempt = u32::try_from(world.done.len()).unwrap() + 1;
        let submission = v1::Submission { attempt, text: self.text, ..Default::default() };
        Ok(v1::SubmitResponse { submission: Some(submission), ..v1::SubmitResponse::default() })
    }
}
impl Answer for v1::GetUploadRequest {
    fn answer(self, world: &mut World) -> Result<v1::GetUploadResponse, Status> {
        Ok(v1::GetUploadResponse { upload: Some(world.upload()) })
    }
}
impl Answer for v1::PutChunkRequest {
    fn answer(self, world: &mut World) -> Result<v1::PutChunkResponse, Status> {
        if blake3::hash(&self.data).as_bytes()[..] != self.digest[..] {
            return Err(status(Code::InvalidArgument, "DIGEST_MISMATCH"));
        }
        world.chunks.insert((self.file_index, self.chunk_index), self.data.to_vec());
        Ok(v1::PutChunkResponse::default())
    }
}

pub fn status(code: Code, reason: &str) -> Status {
    Status::with_error_details(code, reason.to_lowercase(), ErrorDetails::with_error_info(reason, "lectern", []))
}

/// One node: services over the shared state.
#[derive(Clone)]
struct Node {
    number: usize,
    world: Arc<Mutex<World>>,
}

impl Node {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    async fn unary<Q: Answer>(&self, request: Request<Q>) -> Result<Response<Q::Response>, Status> {
        let key = request.metadata().get("idempotency-key").map(|key| key.to_str().unwrap().to_owned());
        let fault = {
            let mut world = self.world();
            world.seen.push(Seen { node: self.number, path: Q::PATH, key: key.clone() });
            let due = world.faults.front().is_some_and(|(path, _)| *path == Q::PATH);
            if due { world.faults.pop_front().map(|(_, fault)| fault) } else { None }
        };
        match fault {
            Some(Fault::Say(code, reason)) => return Err(status(code, reason)),
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::LoseReply) => {
                self.carry_out(request.into_inner(), key)?;
                return Err(Status::unavailable("connection reset"));
            }
            None => {}
        }
        let mut response = Response::new(self.carry_out(request.into_inner(), key)?);
        let world = self.world();
        if let Some(leader) = world.leader {
            response.metadata_mut().insert("lectern-leader", world.addresses[leader].parse().unwrap());
        }
        Ok(response)
    }

    /// Exactly once for each key.
    fn carry_out<Q: Answer>(&self, request: Q, key: Option<String>) -> Result<Q::Response, Status> {
        let mut world = self.world();
        if let Some(recorded) = key.as_ref().and_then(|key| world.recorded.get(key)) {
            return Ok(prost::Message::decode(&recorded[..]).unwrap());
        }
        let response = request.answer(&mut world)?;
        if Q::KIND != Kind::Read {
            world.done.push(Q::PATH);
        }
        if let Some(key) = key {
            world.recorded.insert(key, prost::Message::encode_to_vec(&response));
        }
        Ok(response)
    }
}

macro_rules! service {
    ($service:ident { $($method:ident: $request:ident => $response:ident,)* }) => {
        #[tonic::async_trait]
        impl $service for Node {
            $(async fn $method(&self, request: Request<v1::$request>) -> Result<Response<v1::$response>, Status> {
                self.unary(request).await
            })*
        }
    };
}

service!(AuthService {
    sign_in: SignInRequest => SignInResponse,
    activate: ActivateRequest => SignInResponse,
    sign_out: SignOutRequest => SignOutResponse,
    who_am_i: WhoAmIRequest => WhoAmIResponse,
    change_password: ChangePasswordRequest => ChangePasswordResponse,
    create_token: CreateTokenRequest => CreateTokenResponse,
    list_tokens: ListTokensRequest => ListTokensResponse,
    revoke_token: RevokeTokenRequest => RevokeTokenResponse,
});

service!(SubmissionService {
    pledge: PledgeRequest => PledgeResponse,
    submit: SubmitRequest => SubmitResponse,
    withdraw_pledge: WithdrawPledgeRequest => WithdrawPledgeResponse,
    choose_attempt: ChooseAttemptRequest => ChooseAttemptResponse,
    get_submission: GetSubmissionRequest => GetSubmissionResponse,
    list_attempts: ListAttemptsRequest => ListAttemptsResponse,
    list_submissions: ListSubmissionsRequest => ListSubmissionsResponse,
    save_draft: SaveDraftRequest => SaveDraftResponse,
    get_draft: GetDraftRequest => GetDraftResponse,
    list_draft_revisions: ListDraftRevisionsRequest => ListDraftRevisionsResponse,
    list_extension_requests: ListExtensionRequestsRequest => ListExtensionRequestsResponse,
    decide_extension_request: DecideExtensionRequestRequest => DecideExtensionRequestResponse,
});

type Stream<T> = ReceiverStream<Result<T, Status>>;

#[tonic::async_trait]
impl FileService for Node {
    type DownloadStream = Stream<v1::DownloadResponse>;

    async fn begin_upload(
        &self,
        request: Request<v1::BeginUploadRequest>,
    ) -> Result<Response<v1::BeginUploadResponse>, Status> {
        self.unary(request).await
    }

    async fn get_upload(
        &self,
        request: Request<v1::GetUploadRequest>,
    ) -> Result<Response<v1::GetUploadResponse>, Status> {
        self.unary(request).await
    }

    async fn put_chunk(&self, request: Request<v1::PutChunkRequest>) -> Result<Response<v1::PutChunkResponse>, Status> {
        self.unary(request).await
    }

    async fn read_file_pages(
        &self,
        _: Request<v1::ReadFilePagesRequest>,
    ) -> Result<Response<v1::ReadPagesResponse>, Status> {
        Err(Status::unimplemented("not in this cluster"))
    }

    async fn download(&self, request: Request<v1::DownloadRequest>) -> Result<Response<Self::DownloadStream>, Status> {
        let offset = usize::try_from(request.into_inner().offset).unwrap();
        let (bytes, digest, break_after) = {
            let mut world = self.world();
            world.offsets.push(offset as u64);
            let digest =
                world.download_digest.clone().unwrap_or_else(|| blake3::hash(&world.download).as_bytes().to_vec());
            (world.download.clone(), digest, world.break_after.take())
        };
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            let size = bytes.len() as u64;
            let mut file = Some(v1::FileRef { file_id: "F1".into(), name: "notes.pdf".into(), size, digest });
            let end = break_after.unwrap_or(bytes.len());
            for data in bytes[offset..end].chunks(100_000) {
                let message = v1::DownloadResponse { file: file.take(), data: data.to_vec() };
                if sender.send(Ok(message)).await.is_err() {
                    return;
                }
            }
            if break_after.is_some() {
                // Whether anyone still listens is up to the test.
                let _ = sender.send(Err(Status::unavailable("the node is going away"))).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

#[tonic::async_trait]
impl WatchService for Node {
    type WatchStream = Stream<v1::WatchEvent>;

    async fn watch(&self, request: Request<v1::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let after = request.into_inner().after_index;
        let (events, ends) = {
            let mut world = self.world();
            world.watched_from.push(after);
            let ends = world.watches_to_end > 0;
            world.watches_to_end = world.watches_to_end.saturating_sub(1);
            // A watch that will break off tells one event at most.
            let limit = if ends { 1 } else { usize::MAX };
            (world.events.iter().filter(|event| event.index > after).take(limit).cloned().collect::<Vec<_>>(), ends)
        };
        let (sender, receiver) = mpsc::channel(8);
        tokio::spawn(async move {
            for event in events {
                if sender.send(Ok(event)).await.is_err() {
                    return;
                }
            }
            if !ends {
                sender.closed().await;
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

#[tonic::async_trait]
impl ClusterService for Node {
    type WatchStatusStream = Stream<v1::GetStatusResponse>;

    async fn get_status(&self, _: Request<v1::GetStatusRequest>) -> Result<Response<v1::GetStatusResponse>, Status> {
        let world = self.world();
        let node = |(number, address): (u64, &String)| v1::NodeStatus {
            node_id: number + 1,
            client_address: address.clone(),
            ..Default::default()
        };
        Ok(Response::new(v1::GetStatusResponse {
            cluster_id: "C1".into(),
            self_: Some(v1::NodeStatus { node_id: self.number as u64 + 1, ..Default::default() }),
            leader_id: world.leader.map_or(0, |leader| leader as u64 + 1),
            nodes: (0..).zip(&world.addresses).map(node).collect(),
            ..Default::default()
        }))
    }

    async fn watch_status(
        &self,
        _: Request<v1::WatchStatusRequest>,
    ) -> Result<Response<Self::WatchStatusStream>, Status> {
        Err(Status::unimplemented("not in this cluster"))
    }
}

/// Some nodes, each on a runtime of its own: killing one ends its connections as a kernel would.
pub struct Cluster {
    world: Arc<Mutex<World>>,
    runtimes: Mutex<Vec<Option<Runtime>>>,
}

impl Cluster {
    pub fn start(nodes: usize) -> Self {
        let world = Arc::new(Mutex::new(World::default()));
        let mut runtimes = Vec::new();
        for number in 0..nodes {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.set_nonblocking(true).unwrap();
            world.lock().unwrap().addresses.push(listener.local_addr().unwrap().to_string());
            let node = Node { number, world: world.clone() };
            runtime.spawn(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                tonic::transport::Server::builder()
                    .add_service(AuthServiceServer::new(node.clone()))
                    .add_service(SubmissionServiceServer::new(node.clone()))
                    .add_service(FileServiceServer::new(node.clone()))
                    .add_service(WatchServiceServer::new(node.clone()))
                    .add_service(ClusterServiceServer::new(node))
                    .serve_with_incoming(TcpListenerStream::new(listener))
                    .await
            });
            runtimes.push(Some(runtime));
        }
        world.lock().unwrap().leader = Some(0);
        Self { world, runtimes: Mutex::new(runtimes) }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub fn fail<Q: Call>(&self, faults: impl IntoIterator<Item = Fault>) {
        self.world().faults.extend(faults.into_iter().map(|fault| (Q::PATH, fault)));
    }

    /// From now on nothing goes wrong.
    pub fn heal(&self) {
        self.world().faults.clear();
    }

    /// Kills a node; another one leads.
    pub fn kill(&self, number: usize) {
        let runtime = self.runtimes.lock().unwrap()[number].take();
        let alive = self.runtimes.lock().unwrap().iter().position(Option::is_some);
        self.world().leader = alive;
        if let Some(runtime) = runtime {
            runtime.shutdown_background();
        }
        // A process that is killed listens no more; a runtime lets go of its listener a moment later.
        let address = self.world().addresses[number].clone();
        let deadline = Instant::now() + Duration::from_secs(10);
        while std::net::TcpStream::connect(&address).is_ok() {
            assert!(Instant::now() < deadline, "{address} is listened on although its node was killed");
            std::thread::yield_now();
        }
    }

    /// Options that begin at `nodes`, with short patience.
    pub fn options(&self, nodes: &[usize]) -> ClientOptions {
        let world = self.world();
        let mut options = ClientOptions::new(nodes.iter().map(|node| world.addresses[*node].clone()));
        options.attempt_timeout = Duration::from_millis(300);
        options.max_backoff = Duration::from_millis(50);
        options.call_deadline = Duration::from_secs(20);
        options
    }

    pub fn client(&self, nodes: &[usize]) -> Client {
        Client::connect(self.options(nodes)).unwrap()
    }

    /// Calls of one method.
    pub fn seen<Q: Call>(&self) -> Vec<Seen> {
        self.world().seen.iter().filter(|seen| seen.path == Q::PATH).cloned().collect()
    }

    /// How often one method changed something.
    pub fn done<Q: Call>(&self) -> usize {
        self.world().done.iter().filter(|path| **path == Q::PATH).count()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for runtime in self.runtimes.lock().unwrap().drain(..).flatten() {
            runtime.shutdown_background();
        }
    }
}
