//! One running node: the replica between its threads, and the handle that services use.
//!
//! ```text
//!            propose, read                 peers' messages
//!                  │                            │
//!                  ▼                            ▼
//!               inbox ───────────────► raft thread: one step for everything that waits
//!                  ▲                            │ effects, in order
//!      Persisted   │          ┌─────────────────┼──────────────────┬───────────────────┐
//!      Applied     │          ▼                 ▼                  ▼                   ▼
//!      …           ├──── log writer        apply thread       peers' streams     snapshot worker
//!                  └──────────┴─────────────────┴──────────────────┴───────────────────┘
//! ```
//!
//! * The *raft thread* alone touches the replica. It never waits for a disk's sync, for apply or for the network.
//! * The *log writer* merges all Persists that wait into one batch and one sync: group commit without a fixed delay.
//! * The *apply thread* alone writes the state: one batch for many entries. It answers the proposals of this node and
//!   publishes events.
//! * The *snapshot worker* makes checkpoints; streams send and stage them.
//! * The *fetcher* reads old entries for followers that fell behind; the *compactor* syncs the state before old entries go.
//!
//! Invariants:
//! * A reply to a proposal comes from apply, after its batch is written: never from the log.
//! * A read runs on a snapshot taken after the replica said that its read point is applied (trap 14).
//! * A failed write or sync ends the process (trap 7); so does a panic in any thread.

mod apply_thread;
mod board;
mod compactor;
mod duties;
mod error;
mod events;
pub mod features;
mod fetcher;
mod inbox;
mod leader_contact;
mod log_writer;
mod members;
mod membership;
mod pending;
mod raft_thread;
mod readers;
mod scrub;
mod snapshots;
mod start;
mod state_handle;
mod vitals;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use lectern_lms::Store;
use lectern_proto::internal::v1::{Command, Outcome, command::Body};
use lectern_proto::v1::GetStatusResponse;
use lectern_raft::{Input, Refused};
use prost::Message;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use crate::belonging::ClusterKeys;
use crate::peer::PeerKey;
use crate::throttle::Throttle;
use crate::tls::Tls;
use crate::wall_clock::WallClock;
pub(crate) use board::{Board, Member};
pub(crate) use error::CheckpointFailed;
pub use error::{Leader, NodeError};
use events::Events;
pub use events::{Feed, Subscription};
pub(crate) use inbox::Inbox;
use leader_contact::LeaderContact;
pub(crate) use members::{Members, Moment, shown as shown_token};
use pending::Pending;
use readers::Readers;
pub(crate) use start::open_state;
pub use start::{Running, StartError, start};
use state_handle::StateHandle;
pub(crate) use vitals::Moving;

/// The level from which on members are replicated state that entries change.
const MEMBERS_FEATURE_LEVEL: u32 = 2;
/// The format of entries about the cluster that this program proposes.
const CLUSTER_ENTRY_VERSION: u32 = 1;
/// The format of commands this program proposes.
const COMMAND_VERSION: u32 = 1;
/// A command larger than this is refused: it would hold up everything behind it.
pub const MAX_COMMAND_BYTES: usize = 8 << 20;
/// Bytes of file chunks in the log but not yet applied: small commands are not queued behind more than this.
const CHUNK_BYTES_IN_FLIGHT: usize = 512 << 10;
/// Bytes of other commands on their way; above it a node is busy.
const COMMAND_BYTES_IN_FLIGHT: usize = 64 << 20;
/// Proposals, and reads, that may wait.
const MAX_WAITING_CALLS: usize = 4_096;
/// A proposal that is not applied by then has an unknown outcome.
const PROPOSAL_DEADLINE: Duration = Duration::from_secs(10);
/// A leader that has not opened its term by then takes no proposal.
const OPENING_DEADLINE: Duration = Duration::from_secs(2);
/// A read without a read point by then is refused.
const READ_DEADLINE: Duration = Duration::from_secs(3);

/// A node, as its services see it. Clones are the same node.
#[derive(Clone)]
pub struct Node {
    shared: Arc<Shared>,
}

/// What the threads and the handle share.
pub(crate) struct Shared {
    pub(crate) inbox: Inbox,
    pub(crate) board: Board,
    pub(crate) clock: WallClock,
    proposals: Pending<Outcome>,
    reads: Pending<()>,
    readers: Readers,
    events: Arc<Events>,
    pub(crate) state: StateHandle,
    /// Largest stamp applied.
    applied_now_ms: AtomicI64,
    leader_contact: LeaderContact,
    /// Who belongs to the cluster, as applied.
    pub(crate) members: watch::Sender<Arc<Members>>,
    /// The term that this node leads and is ready in; 0 while there is none.
    leading: watch::Sender<u64>,
    /// No proposals are taken any more.
    stopping: AtomicBool,
    /// The threads end.
    stopped: AtomicBool,
    /// Bytes of commands, and of chunks, that may be on their way.
    command_room: Arc<Semaphore>,
    chunk_room: Arc<Semaphore>,
    /// Snapshots to all peers go through this one.
    pub(crate) snapshot_throttle: Throttle,
    pub(crate) keys: ClusterKeys,
    epoch: u64,
    pub(crate) peer_key: PeerKey,
    /// How connections are secured, where they are.
    pub(crate) tls: Option<Tls>,
}

impl Shared {
    /// Why the replica did not do something, for the caller.
    fn refusal(&self, why: Refused) -> NodeError {
        match why {
            Refused::NotLeader { leader: 0 } => NodeError::NoLeader,
            Refused::NotLeader { leader } => NodeError::NotLeader { leader: self.board.leader_named(leader) },
            Refused::Busy => NodeError::Busy,
            Refused::Clock => NodeError::Clock,
            Refused::TooLarge => NodeError::TooLarge,
        }
    }

    /// Answers a query on one snapshot of the state as it is when its turn comes.
    fn run<T: Send + 'static>(
        self: Arc<Self>,
        query: impl FnOnce(&dyn Store, i64) -> T + Send + 'static,
        answer: oneshot::Sender<Result<T, NodeError>>,
    ) {
        let work = move |shared: &Self| {
            if !answer.is_closed() {
                let _caller_gone = answer.send(Ok(query(&shared.state.current().read(), shared.now_ms())));
            }
        };
        let shared = self.clone();
        self.readers.run(move || work(&shared));
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    fn now_ms(&self) -> i64 {
        let applied = self.applied_now_ms.load(Ordering::Acquire);
        if self.board.clock_is_good() { applied.max(self.clock.now_ms()) } else { applied }
    }
}

impl Node {
    /// Replicates a command and waits until this node has applied it. Only the leader takes proposals. The command's
    /// version and stamp are set here, and its id seed where it is empty.
    pub async fn propose(&self, command: Command) -> Result<Outcome, NodeError> {
        self.opened().await?;
        self.propose_now(command).await
    }

    /// Waits until this node leads in a term that is open: the first command of a term is its opening, so that no outage is
    /// lost between two leaders.
    async fn opened(&self) -> Result<(), NodeError> {
        let mut term = self.takes_proposals()?;
        loop {
            if !self.shared.leader_contact.opened(term, OPENING_DEADLINE).await {
                return Err(NodeError::NoLeader);
            }
            // This node may have led, followed and led again while it waited.
            let waited_for = std::mem::replace(&mut term, self.takes_proposals()?);
            if waited_for == term {
                return Ok(());
            }
        }
    }

    /// The term in which this node leads, unless it is about to stop.
    fn takes_proposals(&self) -> Result<u64, NodeError> {
        if self.shared.stopping.load(Ordering::Acquire) {
            return Err(NodeError::Stopping);
        }
        match self.leader() {
            None => Err(NodeError::NoLeader),
            Some(leader) if !leader.is_self => Err(NodeError::NotLeader { leader: Some(leader) }),
            Some(_) => Ok(self.shared.board.term()),
        }
    }

    /// As [`Node::propose`], also for the command that opens the term.
    async fn propose_now(&self, mut command: Command) -> Result<Outcome, NodeError> {
        self.takes_proposals()?;
        let size = command.encoded_len();
        if size > MAX_COMMAND_BYTES {
            return Err(NodeError::TooLarge);
        }
        let room = match command.body {
            Some(Body::PutChunk(_)) => self.chunk_room(size).await?,
            _ => self.command_room(size)?,
        };
        command.version = COMMAND_VERSION;
        command.stamped_at_ms = self.shared.clock.now_ms();
        if command.id_seed.is_empty() {
            command.id_seed = ulid::Ulid::generate().to_string();
        }
        self.submit(command.encode_to_vec(), room).await
    }

    /// Hands an entry to the replica and waits for what apply makes of it.
    async fn submit(&self, data: Vec<u8>, room: OwnedSemaphorePermit) -> Result<Outcome, NodeError> {
        let shared = &self.shared;
        let ticket = shared.proposals.register(Some(room))?;
        let began = Instant::now();
        shared.inbox.push(Input::Propose { id: ticket.id, data });
        metrics::counter!("lectern_proposals_total").increment(1);
        let outcome = ticket.wait(PROPOSAL_DEADLINE, || NodeError::OutcomeUnknown, NodeError::OutcomeUnknown).await;
        if outcome.is_ok() {
            shared.board.vitals().committed(began.elapsed());
        }
        outcome
    }

    /// Room for any other command: a node that has none is busy.
    fn command_room(&self, size: usize) -> Result<OwnedSemaphorePermit, NodeError> {
        let size = u32::try_from(size).map_err(|_| NodeError::TooLarge)?;
        self.shared.command_room.clone().try_acquire_many_owned(size).map_err(|_| NodeError::Busy)
    }

    /// Room for a chunk. It is given back when the chunk's proposal has ended, whether its caller still waits or not.
    async fn chunk_room(&self, size: usize) -> Result<OwnedSemaphorePermit, NodeError> {
        let size = u32::try_from(size.min(CHUNK_BYTES_IN_FLIGHT)).expect("the limit fits in 32 bits");
        let room = self.shared.chunk_room.clone().acquire_many_owned(size);
        match tokio::time::timeout(PROPOSAL_DEADLINE, room).await {
            Ok(Ok(room)) => Ok(room),
            Ok(Err(_)) => Err(NodeError::Stopping),
            Err(_) => Err(NodeError::Busy),
        }
    }

    /// Reads linearizably, on any node: `f` sees everything that was acknowledged before this call, on one snapshot, and
    /// is given cluster time. It runs where blocking is fine.
    pub async fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&dyn Store, i64) -> T + Send + 'static,
    ) -> Result<T, NodeError> {
        let (answer, answered) = oneshot::channel();
        let shared = self.shared.clone();
        let id = self.shared.reads.on_answer(None, move |point| match point {
            Ok(()) => shared.run(f, answer),
            Err(problem) => {
                let _caller_gone = answer.send(Err(problem));
            }
        })?;
        self.shared.inbox.push(Input::Read { id });
        let mut answered = std::pin::pin!(answered);
        match tokio::time::timeout(READ_DEADLINE, &mut answered).await {
            Ok(answer) => answer.unwrap_or(Err(NodeError::Stopping)),
            // There is no point to read at. A query that merely takes its time has one, and is waited for.
            Err(_) if self.shared.reads.waits(id) => {
                Err(if self.leader().is_some() { NodeError::NoQuorum } else { NodeError::NoLeader })
            }
            Err(_) => answered.await.unwrap_or(Err(NodeError::Stopping)),
        }
    }

    /// Reads this node's state as it is, which may be old: for what is filtered or shown as such.
    pub async fn read_stale<T: Send + 'static>(
        &self,
        f: impl FnOnce(&dyn Store, i64) -> T + Send + 'static,
    ) -> Result<T, NodeError> {
        let (answer, answered) = oneshot::channel();
        self.shared.clone().run(f, answer);
        answered.await.unwrap_or(Err(NodeError::Stopping))
    }

    /// Makes a checkpoint of this node's state at `path`, which must not exist. Where a majority confirms it in time, which is
    /// told, the checkpoint holds everything that was acknowledged before this call.
    pub(crate) async fn checkpoint(&self, path: PathBuf) -> Result<bool, CheckpointFailed> {
        let confirmed = self.read(|_, _| ()).await.is_ok();
        let state = self.shared.state.current();
        tokio::task::spawn_blocking(move || state.checkpoint(&path)).await.map_err(|_| NodeError::Stopping)??;
        Ok(confirmed)
    }

    /// Who leads, where known.
    pub fn leader(&self) -> Option<Leader> {
        self.shared.board.leader()
    }

    /// This node's own view of the cluster; needs no quorum.
    pub fn status(&self) -> GetStatusResponse {
        self.shared.board.status(self.now_ms())
    }

    /// Wakes whenever what [`Node::status`] says has changed.
    pub fn status_changed(&self) -> watch::Receiver<()> {
        self.shared.board.changed()
    }

    /// Events of the entries after `after_index`; 0: from now.
    pub fn subscribe(&self, after_index: u64) -> Subscription {
        Subscription::new(self.shared.events.clone(), after_index)
    }

    /// Cluster time, Unix milliseconds: this node's clock while it is believed, and never less than the last applied
    /// stamp.
    pub fn now_ms(&self) -> i64 {
        self.shared.now_ms()
    }

    /// The node's certificates, where it has some.
    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.shared.tls.as_ref()
    }

    /// The cluster's id.
    pub fn cluster_id(&self) -> &str {
        self.shared.board.cluster_id()
    }

    /// This node's number.
    pub fn node_id(&self) -> u64 {
        self.shared.board.node()
    }
}
