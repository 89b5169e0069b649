//! The apply thread: committed entries become state, answers and events.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender};

use lectern_lms::{Event, Overlay, lookup};
use lectern_proto::internal::v1::{ClusterEntry, ClusterRecord, Outcome};
use lectern_raft::{Committed, CommittedKind, Input, RequestId, decode_conf_state, encode_conf_state};
use prost::Message as _;

use super::members::{Members, Moment};
use super::snapshots::SnapshotWork;
use super::{CLUSTER_ENTRY_VERSION, Shared, features};
use crate::peer::Hub;
use crate::store::{AppliedMeta, Caches, DataDir, StateDb, StateWrite};
use crate::{fatal, faults};

/// Bytes of commands after which a batch is written.
const BATCH_BYTES: usize = 4 << 20;
/// Replicas compare their hash chains after every so many entries.
const COMPARE_EVERY: u64 = 1_000;

/// What the apply thread is told, in order.
pub(super) enum ApplyWork {
    Entries(Vec<Committed>),
    Install(Installing),
}

/// The apply thread's half of the switch to a staged snapshot.
pub(super) struct Installing {
    pub(super) id: String,
    pub(super) index: u64,
    /// Said when everything before is applied and the staged state is open.
    pub(super) opened: Sender<()>,
    /// Heard when the switch is durable.
    pub(super) is_switched: Receiver<()>,
}

pub(super) struct Applier {
    pub(super) shared: Arc<Shared>,
    pub(super) hub: Arc<Hub>,
    pub(super) data: Arc<DataDir>,
    pub(super) caches: Caches,
    pub(super) snapshots: Sender<SnapshotWork>,
    pub(super) meta: AppliedMeta,
    pub(super) members: Members,
}

/// What is told once a batch is written.
#[derive(Default)]
struct Consequences {
    outcomes: Vec<(RequestId, Outcome)>,
    events: Vec<Event>,
    hashes: Vec<(u64, [u8; 32])>,
    now_ms: Option<i64>,
    /// Of the last command.
    term: u64,
    /// The members are others now.
    members_changed: bool,
}

impl Applier {
    /// Works until the raft thread and the log writer are gone.
    pub(super) fn run(mut self, incoming: &Receiver<ApplyWork>) {
        let mut waiting: Option<ApplyWork> = None;
        loop {
            let Some(work) = waiting.take().or_else(|| incoming.recv().ok()) else { return };
            match work {
                ApplyWork::Install(installing) => self.install(installing),
                ApplyWork::Entries(mut entries) => {
                    let mut bytes: usize = entries.iter().map(command_bytes).sum();
                    while bytes < BATCH_BYTES
                        && let Ok(next) = incoming.try_recv()
                    {
                        match next {
                            ApplyWork::Entries(more) => {
                                bytes += more.iter().map(command_bytes).sum::<usize>();
                                entries.extend(more);
                            }
                            install @ ApplyWork::Install(_) => {
                                waiting = Some(install);
                                break;
                            }
                        }
                    }
                    self.apply(entries);
                }
            }
        }
    }

    /// Applies entries in as few batches as their size allows.
    fn apply(&mut self, entries: Vec<Committed>) {
        let mut batch = Vec::new();
        let mut bytes = 0;
        for entry in entries {
            bytes += command_bytes(&entry);
            batch.push(entry);
            if bytes >= BATCH_BYTES {
                self.apply_batch(std::mem::take(&mut batch));
                bytes = 0;
            }
        }
        if !batch.is_empty() {
            self.apply_batch(batch);
        }
    }

    fn apply_batch(&mut self, entries: Vec<Committed>) {
        let state = self.shared.state.current();
        let newest = state.newest();
        let mut overlay = Overlay::new(&newest);
        let mut consequences = Consequences::default();
        metrics::histogram!("lectern_apply_batch_entries").record(usize_as_f64(entries.len()));
        metrics::counter!("lectern_applied_entries_total").increment(entries.len() as u64);
        let commands = entries.iter().filter(|entry| matches!(entry.kind, CommittedKind::Command(_))).count();
        for entry in entries {
            self.apply_entry(entry, &mut overlay, &mut consequences);
        }
        let feature_level = match lookup::cluster(&overlay) {
            Ok(cluster) => cluster.feature_level,
            Err(problem) => fatal::stop(&problem.to_string()),
        };
        if let Err(problem) = features::require_understood(feature_level) {
            fatal::stop(&problem);
        }
        let members = consequences.members_changed.then(|| self.members.encode());
        let write = StateWrite { changes: overlay.into_changes(), meta: self.meta.clone(), members };
        if let Err(problem) = state.write(&write) {
            fatal::stop(&problem.to_string());
        }
        self.shared.board.vitals().applied(commands as u64);
        self.tell(consequences, feature_level);
    }

    fn apply_entry(&mut self, entry: Committed, overlay: &mut Overlay<'_>, consequences: &mut Consequences) {
        let Committed { index, term, kind, proposal } = entry;
        assert_eq!(index, self.meta.index + 1, "entries are applied in order, each once");
        self.meta.index = index;
        self.meta.term = term;
        match kind {
            CommittedKind::Empty => {}
            CommittedKind::Configuration(conf_state) => {
                let before = decode_conf_state(&self.meta.conf_state).unwrap_or_default();
                let ClusterRecord { now_ms, feature_level, .. } = cluster(overlay);
                self.members.configured(Moment { index, now_ms }, feature_level, &before, &conf_state);
                self.meta.conf_state = encode_conf_state(&conf_state);
                metrics::counter!("lectern_membership_changes_total").increment(1);
                self.shared.board.vitals().configuration_changed();
                self.link_members(consequences);
            }
            CommittedKind::Command(command) => {
                if let Some(entry) = cluster_entry(index, &command) {
                    let now_ms = cluster(overlay).now_ms.max(entry.stamped_at_ms);
                    let outcome = self.members.apply(Moment { index, now_ms }, entry.change.unwrap_or_default());
                    consequences.outcomes.extend(proposal.map(|id| (id, outcome)));
                    self.link_members(consequences);
                } else {
                    self.apply_command(index, term, &command, proposal, overlay, consequences);
                }
                consequences.term = term;
            }
        }
        if index % COMPARE_EVERY == 0 {
            consequences.hashes.push((index, faults::told_hash(self.meta.chain)));
        }
    }

    fn apply_command(
        &mut self,
        index: u64,
        term: u64,
        command: &[u8],
        proposal: Option<RequestId>,
        overlay: &mut Overlay<'_>,
        consequences: &mut Consequences,
    ) {
        match lectern_lms::apply(index, term, command, overlay) {
            Ok(applied) => {
                self.meta.chain = link(&self.meta.chain, index, &applied.changes_digest);
                consequences.now_ms = Some(applied.now_ms);
                consequences.events.extend(applied.events);
                consequences.outcomes.extend(proposal.map(|id| (id, applied.outcome)));
            }
            Err(problem) => fatal::stop(&problem.to_string()),
        }
    }

    /// The members are part of what the replicas agree on.
    fn link_members(&mut self, consequences: &mut Consequences) {
        let digest = blake3::hash(&self.members.encode());
        self.meta.chain = link(&self.meta.chain, self.meta.index, digest.as_bytes());
        consequences.members_changed = true;
    }

    /// Everyone who goes by the members hears of a change; the replica before it hears that the change is applied.
    fn tell_members(&self) {
        let shared = &self.shared;
        shared.members.send_replace(Arc::new(self.members.clone()));
        self.hub.follow(&self.members);
        shared.inbox.push(Input::Roster(self.members.roster().clone()));
    }

    /// Everything that others hear of a batch, now that it is written.
    fn tell(&self, consequences: Consequences, feature_level: u32) {
        let shared = &self.shared;
        if let Some(now_ms) = consequences.now_ms {
            shared.applied_now_ms.fetch_max(now_ms, Ordering::AcqRel);
        }
        shared.leader_contact.command_applied(consequences.term);
        shared.board.set_applied(self.meta.index, feature_level);
        if consequences.members_changed {
            self.tell_members();
        }
        shared.inbox.push(Input::Applied { index: self.meta.index });
        for (id, outcome) in consequences.outcomes {
            shared.proposals.resolve(id, Ok(outcome));
        }
        shared.events.publish(consequences.events, self.meta.index);
        for (index, hash) in consequences.hashes {
            shared.inbox.push(Input::StateHash { node: shared.board.node(), index, hash });
            self.hub.tell_state_hash(index, hash);
        }
    }

    /// Opens the staged state, waits until the switch is durable, and goes on with it.
    fn install(&mut self, installing: Installing) {
        let Installing { id, index, opened, is_switched } = installing;
        let path = match self.data.promote_staged(&id) {
            Ok(path) => path,
            Err(problem) => fatal::stop(&format!("cannot put the snapshot {id} in place: {problem}")),
        };
        let (state, meta, members) = match open_state(&path, &self.caches) {
            Ok(opened) => opened,
            Err(problem) => fatal::stop(&problem),
        };
        assert_eq!(meta.index, index, "a staged snapshot is what its message says");
        let cluster = match lookup::cluster(&state.newest()) {
            Ok(cluster) => cluster,
            Err(problem) => fatal::stop(&problem.to_string()),
        };
        if let Err(problem) = features::require_understood(cluster.feature_level) {
            fatal::stop(&problem);
        }
        if opened.send(()).is_err() || is_switched.recv().is_err() {
            return;
        }
        (self.meta, self.members) = (meta, members);
        let old = self.shared.state.replace(state);
        tracing::info!(id, index, "installed a snapshot");
        metrics::counter!("lectern_snapshots_installed_total").increment(1);
        self.shared.applied_now_ms.fetch_max(cluster.now_ms, Ordering::AcqRel);
        self.shared.board.set_applied(index, cluster.feature_level);
        self.shared.events.resync(index);
        self.shared.inbox.push(Input::SnapshotInstalled { id });
        self.tell_members();
        let _ending = self.snapshots.send(SnapshotWork::Retire(old));
    }
}

fn open_state(path: &std::path::Path, caches: &Caches) -> Result<(Arc<StateDb>, AppliedMeta, Members), String> {
    let state = StateDb::open(path, caches).map_err(|problem| problem.to_string())?;
    let meta = state.meta().map_err(|problem| problem.to_string())?;
    let members = Members::of(&state, &meta).map_err(|problem| problem.to_string())?;
    Ok((Arc::new(state), meta, members))
}

/// The entry, where it is about the cluster and not about its courses.
fn cluster_entry(index: u64, entry: &[u8]) -> Option<ClusterEntry> {
    // What does not decode is no command either, and ends there.
    let entry = ClusterEntry::decode(entry).ok().filter(|entry| entry.change.is_some())?;
    if entry.version != CLUSTER_ENTRY_VERSION {
        fatal::stop(&format!(
            "entry {index} about the cluster has format {}, and this program knows {CLUSTER_ENTRY_VERSION}; run the newer \
             lectern-server",
            entry.version
        ));
    }
    Some(entry)
}

/// The cluster's record in the state.
fn cluster(overlay: &Overlay<'_>) -> ClusterRecord {
    match lookup::cluster(overlay) {
        Ok(cluster) => cluster,
        Err(problem) => fatal::stop(&problem.to_string()),
    }
}

/// The next link of the hash chain: batches may be cut differently on each node, so every command is a link.
fn link(chain: &[u8; 32], index: u64, changes: &[u8; 32]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(chain).update(&index.to_be_bytes()).update(changes);
    *hasher.finalize().as_bytes()
}

fn command_bytes(entry: &Committed) -> usize {
    if let CommittedKind::Command(command) = &entry.kind { command.len() } else { 0 }
}

#[allow(clippy::cast_precision_loss)] // Counts for a histogram.
fn usize_as_f64(count: usize) -> f64 {
    count as f64
}
