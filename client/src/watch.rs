//! Streams that reconnect by themselves: events of the courses, and status of the cluster.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use lectern_proto::v1;
use lectern_rpc::v1::cluster_service_client::ClusterServiceClient;
use lectern_rpc::v1::watch_service_client::WatchServiceClient;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tonic::{Request, Status, Streaming};

use crate::backoff::Backoff;
use crate::call::{authorise, describe};
use crate::error::{Verdict, final_error, judge};
use crate::nodes::Node;
use crate::{Client, ClientError};

/// Nodes send a heartbeat every 15 s: one that is silent for longer than two of them is taken for dead.
const SILENCE: Duration = Duration::from_secs(35);
/// Items that wait for a slow reader before the node is made to wait.
const QUEUE: usize = 256;

/// What a watch tells.
#[derive(Clone, Debug, PartialEq)]
pub enum WatchItem {
    /// This changed: ask for it again. Heartbeats are not passed on.
    Event(v1::WatchEvent),
    /// What was missed cannot be said: ask again for everything shown.
    Resync {
        /// Everything up to here may have changed.
        index: u64,
    },
}

/// Events, for as long as it is held. Ends after an error, which is the cluster's refusal.
#[derive(Debug)]
pub struct EventStream {
    items: mpsc::Receiver<Result<WatchItem, ClientError>>,
}

impl EventStream {
    pub(crate) fn start(client: Client, after_index: u64, courses: Vec<String>) -> Self {
        let (sender, items) = mpsc::channel(QUEUE);
        tokio::spawn(async move {
            let follower = Follower { position: after_index, courses, lost_sight: false, sender: sender.clone() };
            tokio::select! {
                () = sender.closed() => {}
                () = follow(client, follower) => {}
            }
        });
        Self { items }
    }

    /// The next item; none after an error, or when the client's runtime ends.
    pub async fn next(&mut self) -> Option<Result<WatchItem, ClientError>> {
        self.items.recv().await
    }
}

impl Stream for EventStream {
    type Item = Result<WatchItem, ClientError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.items.poll_recv(context)
    }
}

/// Views of the cluster, for as long as it is held.
#[derive(Debug)]
pub struct StatusStream {
    items: mpsc::Receiver<Result<v1::GetStatusResponse, ClientError>>,
}

impl StatusStream {
    pub(crate) fn start(client: Client) -> Self {
        let (sender, items) = mpsc::channel(1);
        tokio::spawn(async move {
            let follower = StatusFollower { client: client.clone(), sender: sender.clone() };
            tokio::select! {
                () = sender.closed() => {}
                () = follow(client, follower) => {}
            }
        });
        Self { items }
    }

    /// The next view.
    pub async fn next(&mut self) -> Option<Result<v1::GetStatusResponse, ClientError>> {
        self.items.recv().await
    }
}

impl Stream for StatusStream {
    type Item = Result<v1::GetStatusResponse, ClientError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.items.poll_recv(context)
    }
}

/// A stream that is asked for again where it broke off.
trait Follow: Send {
    type Message: Send;

    /// Asks a node for it.
    fn open(
        &self,
        client: &Client,
        node: &Node,
    ) -> impl Future<Output = Result<Streaming<Self::Message>, Status>> + Send;

    /// Takes what came; false when nobody listens any more.
    fn take(&mut self, message: Self::Message) -> impl Future<Output = bool> + Send;

    /// The stream broke off.
    fn broke_off(&mut self);

    /// The cluster refused.
    fn refused(&mut self, error: ClientError) -> impl Future<Output = ()> + Send;
}

async fn follow<F: Follow>(client: Client, mut follower: F) {
    let mut backoff = Backoff::new(client.options().max_backoff);
    let mut avoid = Vec::new();
    loop {
        client.discover();
        let node = client.nodes().pick(false, &avoid);
        let mut delivered = false;
        let status = match read_from(&client, &node, &mut follower, &mut delivered).await {
            Ok(()) => return,
            Err(status) => status,
        };
        if judge(&status) == Verdict::Final {
            follower.refused(final_error(&status)).await;
            return;
        }
        follower.broke_off();
        client.update_link(|link| link.retrying(std::time::Instant::now(), status.message()));
        if delivered {
            backoff = Backoff::new(client.options().max_backoff);
        }
        if avoid.len() + 1 >= client.addresses().len() {
            avoid.clear();
        }
        avoid.push(node.address.clone());
        tokio::time::sleep(backoff.next_pause()).await;
    }
}

/// Reads until the stream breaks off; `Ok` when nobody listens any more.
async fn read_from<F: Follow>(
    client: &Client,
    node: &Node,
    follower: &mut F,
    delivered: &mut bool,
) -> Result<(), Status> {
    let patience = client.options().connect_timeout + client.options().attempt_timeout;
    let late = |_| Status::unavailable(format!("{}: no answer in time", node.address));
    let mut stream = tokio::time::timeout(patience, follower.open(client, node)).await.map_err(late)??;
    client.nodes().answered(&node.address);
    let leader = client.leader();
    client.update_link(|link| link.up(&node.address, leader.as_deref()));
    loop {
        let message = tokio::time::timeout(SILENCE, stream.message()).await.map_err(late)??;
        let message =
            message.ok_or_else(|| Status::unavailable(format!("{}: the node ended the stream", node.address)))?;
        *delivered = true;
        if !follower.take(message).await {
            return Ok(());
        }
    }
}

async fn channel(node: &Node) -> Result<tonic::transport::Channel, Status> {
    let connected = node.channel().await;
    connected
        .map(|(_, channel)| channel)
        .map_err(|error| Status::unavailable(format!("{}: {}", node.address, describe(&error))))
}

struct Follower {
    /// Index of the last event seen.
    position: u64,
    courses: Vec<String>,
    /// The stream broke off before anything told where it stood.
    lost_sight: bool,
    sender: mpsc::Sender<Result<WatchItem, ClientError>>,
}

impl Follow for Follower {
    type Message = v1::WatchEvent;

    async fn open(&self, client: &Client, node: &Node) -> Result<Streaming<v1::WatchEvent>, Status> {
        let request = v1::WatchRequest { after_index: self.position, courses: self.courses.clone() };
        let mut request = Request::new(request);
        authorise(request.metadata_mut(), client.token().as_ref())?;
        let stream = WatchServiceClient::new(channel(node).await?).watch(request).await?.into_inner();
        if self.lost_sight && self.sender.send(Ok(WatchItem::Resync { index: 0 })).await.is_err() {
            return Err(Status::cancelled("nobody listens"));
        }
        Ok(stream)
    }

    async fn take(&mut self, event: v1::WatchEvent) -> bool {
        self.lost_sight = false;
        self.position = self.position.max(event.index);
        let item = match event.kind() {
            v1::EventKind::Heartbeat => return true,
            v1::EventKind::Resync => WatchItem::Resync { index: event.index },
            _ => WatchItem::Event(event),
        };
        self.sender.send(Ok(item)).await.is_ok()
    }

    fn broke_off(&mut self) {
        // "From now" was asked for, and now is later: what happened in between was missed.
        self.lost_sight = self.position == 0;
    }

    async fn refused(&mut self, error: ClientError) {
        // Nobody listening is as good as having told.
        let _ = self.sender.send(Err(error)).await;
    }
}

struct StatusFollower {
    client: Client,
    sender: mpsc::Sender<Result<v1::GetStatusResponse, ClientError>>,
}

impl Follow for StatusFollower {
    type Message = v1::GetStatusResponse;

    async fn open(&self, _client: &Client, node: &Node) -> Result<Streaming<v1::GetStatusResponse>, Status> {
        let stream = ClusterServiceClient::new(channel(node).await?).watch_status(v1::WatchStatusRequest {}).await?;
        Ok(stream.into_inner())
    }

    async fn take(&mut self, status: v1::GetStatusResponse) -> bool {
        self.client.learn(&status);
        self.sender.send(Ok(status)).await.is_ok()
    }

    fn broke_off(&mut self) {}

    async fn refused(&mut self, error: ClientError) {
        // Nobody listening is as good as having told.
        let _ = self.sender.send(Err(error)).await;
    }
}
