//! Putting a node together, and taking it apart.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lectern_lms::lookup;
use lectern_proto::v1::Membership;
use lectern_raft::{
    Applied, Disk, Identity, Input, OpenError, Replica, Role, RoleChange, decode_conf_state, encode_conf_state,
};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};

use super::apply_thread::Applier;
use super::compactor::Compactor;
use super::fetcher::Fetcher;
use super::leader_contact::LeaderContact;
use super::log_writer::LogWriter;
use super::raft_thread::RaftThread;
use super::scrub::Scrubber;
use super::snapshots::SnapshotWorker;
use super::vitals::Sizes;
use super::{
    Board, CHUNK_BYTES_IN_FLIGHT, COMMAND_BYTES_IN_FLIGHT, Events, Inbox, MAX_COMMAND_BYTES, MAX_WAITING_CALLS, Member,
    Members, Node, Pending, Readers, Shared, StateHandle, duties, features,
};
use crate::belonging::{self, Belonging};
use crate::config::{Config, ConfigError};
use crate::descriptors::Descriptors;
use crate::init::InitError;
use crate::peer::{self, Hub, PeerKey, Whereabouts};
use crate::store::{
    AppliedMeta, Caches, DataDir, DiskProblem, INITIAL_STATE, LogDb, NodeDisk, StateDb, StateWrite, StoreProblem,
};
use crate::throttle::Throttle;
use crate::tls::{self, Tls};
use crate::wall_clock::WallClock;
use crate::{logging, metrics};

/// A node cannot be started: what is wrong and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The node's disk.
    #[error(transparent)]
    Disk(#[from] DiskProblem),
    /// The genesis.
    #[error(transparent)]
    Genesis(#[from] InitError),
    /// The certificates.
    #[error(transparent)]
    Tls(#[from] lectern_tls::MaterialError),
    /// The tables.
    #[error(transparent)]
    Tables(#[from] lectern_lms::StoreError),
    /// The state is one of a later release.
    #[error("{0}")]
    TooNew(String),
    /// A thread, or randomness.
    #[error("the system refused: {0}")]
    System(#[from] io::Error),
}

/// A running node.
pub struct Running {
    node: Node,
    identity: Identity,
    log: LogDb,
    threads: Vec<JoinHandle<()>>,
    longest_election: Duration,
    _data: Arc<DataDir>,
}

/// What is on disk, opened.
struct Opened {
    data: Arc<DataDir>,
    caches: Caches,
    log: LogDb,
    identity: Identity,
    belonging: Belonging,
    state: Arc<StateDb>,
    meta: AppliedMeta,
    members: Members,
}

/// Opens the data directory and starts the threads; peers are served on `peer_listener`. Must be called within the
/// runtime. Returns once the node takes part; a leader may be known later.
pub fn start(config: &Config, peer_listener: TcpListener) -> Result<Running, StartError> {
    let opened = open(config)?;
    let runtime = Handle::current();
    let cluster = lookup::cluster(&opened.state.newest())?;
    features::require_understood(cluster.feature_level).map_err(StartError::TooNew)?;
    let whereabouts = Whereabouts { known: opened.belonging.members(), configured: config.peer_addresses()? };
    let tls = secure(config, &opened, &runtime)?;
    let shared = share(config, &opened, tls)?;
    shared.applied_now_ms.store(cluster.now_ms, Ordering::Release);
    shared.board.set_applied(opened.meta.index, cluster.feature_level);
    let hub = Hub::new(shared.clone(), opened.data.clone(), opened.identity.clone(), whereabouts, runtime.clone());
    // The replica goes by the members from its first step on.
    shared.inbox.push(Input::Roster(opened.members.roster().clone()));
    hub.follow(&opened.members);
    let threads = spawn_threads(config, &opened, &shared, &hub, &runtime)?;
    let node = Node { shared };
    runtime.spawn(serve_peers(hub.clone(), peer_listener));
    runtime.spawn(duties::keep(node.clone(), opened.belonging.genesis()));
    runtime.spawn(measure_sizes(node.clone(), opened.log.clone(), opened.data.clone()));
    let longest_election =
        Duration::from_millis(config.timing.tick_ms.saturating_mul(u64::from(config.timing.election_ticks_max)));
    Ok(Running { node, identity: opened.identity, log: opened.log, threads, longest_election, _data: opened.data })
}

impl Running {
    /// The handle for services.
    pub fn node(&self) -> Node {
        self.node.clone()
    }

    /// Who this node is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Takes no more proposals, and hands leadership over to the most caught-up node. Takes one election timeout at the
    /// most; what was proposed before still gets its answer.
    pub async fn hand_over(&self) {
        let shared = &self.node.shared;
        shared.stopping.store(true, Ordering::Release);
        let leads = |node: &Node| node.leader().is_some_and(|leader| leader.is_self);
        if leads(&self.node) {
            shared.inbox.push(Input::Transfer { to: None });
            let mut changed = self.node.status_changed();
            let handed_over = async { while leads(&self.node) && changed.changed().await.is_ok() {} };
            if tokio::time::timeout(self.longest_election, handed_over).await.is_err() {
                tracing::info!("no other node took the leadership over in time");
            }
        }
    }

    /// Ends the threads and makes everything durable.
    pub async fn shutdown(self) -> Result<(), StartError> {
        self.node.shared.stopping.store(true, Ordering::Release);
        self.node.shared.stopped.store(true, Ordering::Release);
        let Self { node, log, threads, .. } = self;
        let ended = tokio::task::spawn_blocking(move || {
            for thread in threads {
                // A thread that panicked has aborted the process.
                let _ended = thread.join();
            }
            node.shared.state.current().sync()?;
            log.sync().map_err(OpenError::from)?;
            Ok::<(), DiskProblem>(())
        });
        Ok(ended.await.map_err(io::Error::other)??)
    }
}

fn open(config: &Config) -> Result<Opened, StartError> {
    if !config.data_dir.join("log").is_dir() {
        return Err(DiskProblem::from(OpenError::NotFounded).into());
    }
    let open_files = Descriptors::claim().map_err(io::Error::other)?.per_database;
    let caches = Caches::new(config.limits.cache_mib << 20, config.limits.write_buffer_mib << 20);
    let caches = caches.with_open_files(open_files);
    let NodeDisk { data, log, identity } = NodeDisk::open(&config.data_dir, &caches)?;
    let identity = identity.ok_or(OpenError::NotFounded).map_err(DiskProblem::from)?;
    let belonging = Belonging::load(&data)?;
    belonging::write_operator_key(&data, &belonging.keys()).map_err(DiskProblem::from)?;
    let (state, meta, members) = open_state(&data, &log, &caches)?;
    Ok(Opened { data: Arc::new(data), caches, log, identity, belonging, state: Arc::new(state), meta, members })
}

/// Opens the state that the log names and deletes all others; one that is new begins as the cluster was founded.
pub(crate) fn open_state(
    data: &DataDir,
    log: &LogDb,
    caches: &Caches,
) -> Result<(StateDb, AppliedMeta, Members), DiskProblem> {
    let name = lectern_raft::state_directory(log)?;
    data.sweep(name.as_deref().unwrap_or(INITIAL_STATE))?;
    let state = StateDb::open(&data.state(name.as_deref().unwrap_or(INITIAL_STATE)), caches)?;
    let mut meta = state.meta()?;
    if name.is_none() && meta.index == 0 {
        let founding = lectern_raft::founding_state(log)?;
        meta.index = founding.index;
        meta.term = founding.term;
        meta.conf_state = encode_conf_state(&founding.conf_state);
        state.write(&StateWrite { changes: Vec::new(), meta: meta.clone(), members: None })?;
        state.sync()?;
    }
    let members = Members::of(&state, &meta)?;
    Ok((state, meta, members))
}

/// Reads the certificates, where there are some, and looks after them from now on.
fn secure(config: &Config, opened: &Opened, runtime: &Handle) -> Result<Option<Tls>, StartError> {
    let Some(files) = &config.tls else { return Ok(None) };
    let tls = Tls::load(files.paths())?;
    tls.require_owner(&opened.identity.cluster_id, opened.identity.node)?;
    runtime.spawn(tls::keep(tls.clone(), signal(SignalKind::hangup())?));
    Ok(Some(tls))
}

fn share(config: &Config, opened: &Opened, tls: Option<Tls>) -> io::Result<Arc<Shared>> {
    let version = env!("CARGO_PKG_VERSION");
    let own = Member {
        client_address: config.client_address().into(),
        peer_address: config.peer_address().into(),
        version: version.into(),
        max_feature_level: features::newest(),
    };
    let board = Board::new(opened.identity.cluster_id.clone(), opened.identity.node, own);
    Ok(Arc::new(Shared {
        inbox: Inbox::new(),
        board,
        clock: WallClock::new(),
        proposals: Pending::new(MAX_WAITING_CALLS),
        reads: Pending::new(MAX_WAITING_CALLS),
        readers: Readers::start()?,
        events: Arc::new(Events::new(opened.meta.index, config.limits.event_ring)),
        state: StateHandle::new(opened.state.clone()),
        applied_now_ms: AtomicI64::new(0),
        leader_contact: LeaderContact::new(),
        leading: watch::Sender::new(0),
        stopping: AtomicBool::new(false),
        stopped: AtomicBool::new(false),
        command_room: Arc::new(Semaphore::new(COMMAND_BYTES_IN_FLIGHT)),
        chunk_room: Arc::new(Semaphore::new(CHUNK_BYTES_IN_FLIGHT)),
        members: watch::Sender::new(Arc::new(opened.members.clone())),
        snapshot_throttle: Throttle::new(config.limits.snapshot_mib_per_second),
        keys: opened.belonging.keys(),
        epoch: opened.identity.epoch,
        peer_key: PeerKey::new(opened.belonging.keys().peer_key()),
        tls,
    }))
}

fn spawn_threads(
    config: &Config,
    opened: &Opened,
    shared: &Arc<Shared>,
    hub: &Arc<Hub>,
    runtime: &Handle,
) -> Result<Vec<JoinHandle<()>>, StartError> {
    let (log_work, log_incoming) = channel();
    let (apply_work, apply_incoming) = channel();
    let (snapshot_work, snapshot_incoming) = channel();
    let (fetch_work, fetch_incoming) = channel();
    let (compact_work, compact_incoming) = channel();
    let writer = LogWriter { log: opened.log.clone(), shared: shared.clone(), apply: apply_work.clone() };
    let fetcher = Fetcher { log: opened.log.clone(), shared: shared.clone() };
    let compactor = Compactor { shared: shared.clone(), log: log_work.clone() };
    let applier = Applier {
        shared: shared.clone(),
        hub: hub.clone(),
        data: opened.data.clone(),
        caches: opened.caches.clone(),
        snapshots: snapshot_work.clone(),
        meta: opened.meta.clone(),
        members: opened.members.clone(),
    };
    let worker = SnapshotWorker {
        shared: shared.clone(),
        hub: hub.clone(),
        data: opened.data.clone(),
        caches: opened.caches.clone(),
        runtime: runtime.clone(),
        later: snapshot_work.clone(),
        made: BTreeMap::new(),
        sending: BTreeMap::new(),
        retired: Vec::new(),
    };
    let scrubber = Scrubber {
        shared: shared.clone(),
        data: opened.data.clone(),
        log: opened.log.clone(),
        interval_ms: days_ms(config.limits.scrub_days),
        throttle: Throttle::new(config.limits.scrub_mib_per_second),
    };
    let started = Instant::now();
    let (replica, first) = open_replica(config, opened)?;
    let raft = RaftThread {
        replica,
        shared: shared.clone(),
        hub: hub.clone(),
        log: log_work,
        apply: apply_work,
        snapshots: snapshot_work,
        fetches: fetch_work,
        compactions: compact_work,
        tick: Duration::from_millis(config.timing.tick_ms),
        started,
        role: RoleChange { role: Role::Follower, term: 0, leader: 0, ready: false },
        noticed: 0,
        joint: false,
        membership: Membership {
            epoch: opened.identity.epoch,
            target_voters: u32::try_from(config.membership.target_voters).unwrap_or(u32::MAX),
            ..Membership::default()
        },
    };
    Ok(vec![
        thread("raft", move || raft.run(first))?,
        thread("log-writer", move || writer.run(&log_incoming))?,
        thread("fetcher", move || fetcher.run(&fetch_incoming))?,
        thread("compactor", move || compactor.run(&compact_incoming))?,
        thread("apply", move || applier.run(&apply_incoming))?,
        thread("snapshots", move || worker.run(&snapshot_incoming))?,
        thread("scrub", move || scrubber.run())?,
    ])
}

#[allow(clippy::cast_possible_truncation)] // Saturates.
fn days_ms(days: f64) -> i64 {
    (days * 86_400_000.0) as i64
}

fn open_replica(config: &Config, opened: &Opened) -> Result<(Replica<LogDb>, Vec<lectern_raft::Effect>), StartError> {
    let timing = &config.timing;
    let settings = lectern_raft::Config {
        tick_ms: timing.tick_ms,
        heartbeat_ticks: timing.heartbeat_ticks,
        election_ticks_min: timing.election_ticks_min,
        election_ticks_max: timing.election_ticks_max,
        max_entry_bytes: MAX_COMMAND_BYTES as u64,
        keep_ms: config.limits.log_keep_seconds.saturating_mul(1_000),
        keep_bytes: config.limits.log_keep_mib.saturating_mul(1 << 20),
        keep_entries: config.limits.log_keep_entries.unwrap_or(u64::MAX),
        membership: config.membership.settings(),
        cap_bytes: config.limits.log_cap_mib.saturating_mul(1 << 20),
        ..lectern_raft::Config::new(opened.identity.clone())
    };
    let damaged =
        || StoreProblem::Damaged { what: "the configuration", path: opened.state.path().display().to_string() };
    let conf_state = decode_conf_state(&opened.meta.conf_state).ok_or_else(damaged).map_err(DiskProblem::from)?;
    let applied = Applied { index: opened.meta.index, term: opened.meta.term, conf_state };
    let seed = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
    let replica = Replica::open(settings, opened.log.clone(), applied, seed, &logging::raft_logger(), 0);
    Ok(replica.map_err(DiskProblem::from)?)
}

fn thread(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.into()).spawn(run)
}

async fn serve_peers(hub: Arc<Hub>, listener: TcpListener) {
    if let Err(problem) = peer::serve(hub, listener).await {
        crate::fatal::stop(&format!("the listener for peers failed: {problem}"));
    }
}

#[allow(clippy::cast_precision_loss)] // Sizes for a gauge.
async fn measure_sizes(node: Node, log: LogDb, data: Arc<DataDir>) {
    let mut ticks = tokio::time::interval(metrics::SIZES_INTERVAL);
    loop {
        ticks.tick().await;
        let (log, data, state) = (log.clone(), data.clone(), node.shared.state.current());
        // A file system that does not answer holds up this and nothing else.
        let measuring = tokio::task::spawn_blocking(move || Sizes::of(&log, &state, &data));
        let Ok(sizes) = measuring.await else { return };
        node.shared.board.vitals().measured(sizes);
        ::metrics::gauge!("lectern_log_bytes").set(sizes.log as f64);
        ::metrics::gauge!("lectern_state_bytes").set(sizes.state as f64);
        ::metrics::gauge!("lectern_proposals_waiting").set(node.shared.proposals.len() as f64);
        ::metrics::gauge!("lectern_reads_waiting").set(node.shared.reads.len() as f64);
    }
}
