//! What this node knows of itself and its peers: read by `status`, written by the threads as they learn.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use lectern_proto::v1::{GetStatusResponse, Membership, NodeRole, NodeStatus};
use lectern_raft::{ClockVerdict, NodeId, Role};
use tokio::sync::watch;

use super::Leader;
use super::vitals::Vitals;

/// A member as the configuration and its own hello describe it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) client_address: String,
    pub(crate) peer_address: String,
    pub(crate) version: String,
    pub(crate) max_feature_level: u32,
}

/// The replica as it was after its last step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReplicaView {
    pub(crate) role: Role,
    pub(crate) term: u64,
    pub(crate) leader: NodeId,
    /// Leads, and has committed in its term.
    pub(crate) ready: bool,
    pub(crate) commit: u64,
    pub(crate) first_index: u64,
    pub(crate) last_index: u64,
    /// Last entry that is durable here; none before the first step.
    pub(crate) durable_index: Option<u64>,
    /// Match index of each peer, on the leader.
    pub(crate) matched: BTreeMap<NodeId, u64>,
    /// What is known of this node's clocks.
    pub(crate) clock: ClockVerdict,
    /// The entry up to which this node knows the configuration …
    pub(crate) configured_at: u64,
    /// … and whether it is a member there.
    pub(crate) member: bool,
    /// Founding nodes that have not accepted this one yet.
    pub(crate) unmet: Vec<NodeId>,
}

#[derive(Default)]
struct Peer {
    /// As the roster describes it, until it has introduced itself.
    member: Member,
    introduced: bool,
    connected: bool,
    last_contact: Option<Instant>,
    clock_offset_ms: Option<i64>,
    notice: String,
}

struct Facts {
    replica: ReplicaView,
    applied: u64,
    feature_level: u32,
    peers: BTreeMap<NodeId, Peer>,
    membership: Option<Membership>,
}

/// See the module.
pub(crate) struct Board {
    cluster_id: String,
    node: NodeId,
    own: Member,
    started: Instant,
    facts: Mutex<Facts>,
    vitals: Arc<Vitals>,
    changed: watch::Sender<()>,
}

impl Board {
    pub(crate) fn new(cluster_id: String, node: NodeId, own: Member) -> Self {
        let replica = ReplicaView {
            role: Role::Follower,
            term: 0,
            leader: 0,
            ready: false,
            commit: 0,
            first_index: 0,
            last_index: 0,
            durable_index: None,
            matched: BTreeMap::new(),
            clock: ClockVerdict { offset_ms: 0, compared: true, good: true },
            configured_at: 0,
            member: false,
            unmet: Vec::new(),
        };
        let facts = Facts { replica, applied: 0, feature_level: 0, peers: BTreeMap::new(), membership: None };
        Self {
            cluster_id,
            node,
            own,
            started: Instant::now(),
            facts: Mutex::new(facts),
            vitals: Arc::default(),
            changed: watch::Sender::new(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This node's number.
    pub(crate) fn node(&self) -> NodeId {
        self.node
    }

    /// The cluster's id.
    pub(crate) fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    /// What this node counts of its own work.
    pub(crate) fn vitals(&self) -> &Arc<Vitals> {
        &self.vitals
    }

    /// How this node describes itself.
    pub(crate) fn own(&self) -> &Member {
        &self.own
    }

    /// Wakes with every change of what `status` says, but for the passing of time.
    pub(crate) fn changed(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// The replica after a step.
    pub(crate) fn set_replica(&self, view: ReplicaView) {
        metrics::gauge!("lectern_clock_offset_seconds").set(ahead_seconds(view.clock));
        {
            let mut facts = self.lock();
            if facts.replica == view {
                return;
            }
            facts.replica = view;
        }
        self.changed.send_replace(());
    }

    /// The state after a batch.
    pub(crate) fn set_applied(&self, applied: u64, feature_level: u32) {
        {
            let mut facts = self.lock();
            facts.applied = applied;
            facts.feature_level = feature_level;
        }
        self.changed.send_replace(());
    }

    /// These are the other members, as the roster describes them; nobody else is one.
    pub(crate) fn follow(&self, members: BTreeMap<NodeId, Member>) {
        {
            let mut facts = self.lock();
            facts.peers.retain(|peer, _| members.contains_key(peer));
            for (node, member) in members {
                let peer = facts.peers.entry(node).or_default();
                if !peer.introduced {
                    peer.member = member;
                }
            }
        }
        self.changed.send_replace(());
    }

    /// What the replica says of the members.
    pub(crate) fn set_membership(&self, membership: Membership) {
        {
            let mut facts = self.lock();
            if facts.membership.as_ref() == Some(&membership) {
                return;
            }
            facts.membership = Some(membership);
        }
        self.changed.send_replace(());
    }

    /// Members, this node included, that describe themselves, as they do.
    pub(crate) fn introduced(&self) -> BTreeMap<NodeId, Member> {
        let facts = self.lock();
        let others = facts.peers.iter().filter(|(_, peer)| peer.introduced);
        others.map(|(node, peer)| (*node, peer.member.clone())).chain([(self.node, self.own.clone())]).collect()
    }

    /// All other members, as far as this node can describe them.
    pub(crate) fn others(&self) -> BTreeMap<NodeId, Member> {
        self.lock().peers.iter().map(|(node, peer)| (*node, peer.member.clone())).collect()
    }

    /// The feature level of the state.
    pub(crate) fn feature_level(&self) -> u32 {
        self.lock().feature_level
    }

    /// A peer introduced itself and was accepted.
    pub(crate) fn peer_introduced(&self, peer: NodeId, member: Member) {
        // It may be a member of a configuration that this node does not know yet.
        self.lock().peers.entry(peer).or_default();
        self.change_peer(peer, |known| {
            known.member = member;
            known.introduced = true;
            known.last_contact = Some(Instant::now());
        });
    }

    /// This node's stream to a peer opened or broke.
    pub(crate) fn peer_connected(&self, peer: NodeId, connected: bool) {
        metrics::gauge!("lectern_peer_reachable", "peer" => peer.to_string()).set(f64::from(u8::from(connected)));
        self.change_peer(peer, |known| {
            known.connected = connected;
            if connected {
                known.notice.clear();
                known.last_contact = Some(Instant::now());
            }
        });
    }

    /// What an operator should know of a peer.
    pub(crate) fn peer_notice(&self, peer: NodeId, notice: &str) {
        self.change_peer(peer, |known| notice.clone_into(&mut known.notice));
    }

    /// Something came from a peer.
    pub(crate) fn peer_heard(&self, peer: NodeId) {
        if let Some(known) = self.lock().peers.get_mut(&peer) {
            known.last_contact = Some(Instant::now());
        }
    }

    /// How far a peer's clock is ahead of this node's.
    pub(crate) fn peer_clock(&self, peer: NodeId, offset_ms: i64) {
        self.change_peer(peer, |known| known.clock_offset_ms = Some(offset_ms));
    }

    /// Whether this node's clock is near enough to its peers' to be believed.
    pub(crate) fn clock_is_good(&self) -> bool {
        self.lock().replica.clock.good
    }

    fn change_peer(&self, peer: NodeId, change: impl FnOnce(&mut Peer)) {
        if let Some(known) = self.lock().peers.get_mut(&peer) {
            change(known);
        }
        self.changed.send_replace(());
    }

    /// Up to which entry this node knows the configuration, and whether it is a member there.
    pub(crate) fn membership(&self) -> (u64, bool) {
        let facts = self.lock();
        (facts.replica.configured_at, facts.replica.member)
    }

    /// The last entry that is durable here, once the replica has started.
    pub(crate) fn durable_index(&self) -> Option<u64> {
        self.lock().replica.durable_index
    }

    /// The last entry that the state machine has applied.
    pub(crate) fn applied(&self) -> u64 {
        self.lock().applied
    }

    /// The replica's term.
    pub(crate) fn term(&self) -> u64 {
        self.lock().replica.term
    }

    /// The smallest of all members' feature levels; `None` while some are unknown.
    pub(crate) fn common_feature_level(&self) -> Option<u32> {
        let facts = self.lock();
        let levels = facts.peers.values().map(|peer| peer.member.max_feature_level);
        levels.chain([self.own.max_feature_level]).min().filter(|level| *level > 0)
    }

    /// Who leads, where known.
    pub(crate) fn leader(&self) -> Option<Leader> {
        let facts = self.lock();
        self.describe_leader(&facts, facts.replica.leader)
    }

    /// A node as a leader.
    pub(crate) fn leader_named(&self, node_id: NodeId) -> Option<Leader> {
        self.describe_leader(&self.lock(), node_id)
    }

    fn describe_leader(&self, facts: &Facts, node_id: NodeId) -> Option<Leader> {
        let is_self = node_id == self.node;
        let client_address = if is_self {
            self.own.client_address.clone()
        } else {
            facts.peers.get(&node_id).map(|peer| peer.member.client_address.clone()).unwrap_or_default()
        };
        (node_id != 0).then_some(Leader { node_id, client_address, is_self })
    }

    /// The whole board, for `ClusterService`.
    pub(crate) fn status(&self, now_ms: i64) -> GetStatusResponse {
        let own = self.own_status();
        let facts = self.lock();
        let mut nodes: Vec<NodeStatus> =
            facts.peers.iter().map(|(id, peer)| peer_status(*id, peer, &facts.replica)).collect();
        nodes.push(own.clone());
        nodes.sort_by_key(|node| node.node_id);
        GetStatusResponse {
            // Of the caller, not of the node: the service fills it in.
            operator: String::new(),
            cluster_id: self.cluster_id.clone(),
            self_: Some(own),
            leader_id: facts.replica.leader,
            term: facts.replica.term,
            nodes,
            now_ms,
            feature_level: facts.feature_level,
            membership: facts.membership.clone(),
            leadership_changes: self.vitals.leadership_changes(),
        }
    }

    fn own_status(&self) -> NodeStatus {
        let mut status = NodeStatus::default();
        self.vitals.describe(&mut status);
        let facts = self.lock();
        NodeStatus {
            node_id: self.node,
            client_address: self.own.client_address.clone(),
            peer_address: self.own.peer_address.clone(),
            role: role(facts.replica.role).into(),
            commit_index: facts.replica.commit,
            applied_index: facts.applied,
            first_index: facts.replica.first_index,
            last_index: facts.replica.last_index,
            last_contact_ms: Some(0),
            reachable: true,
            match_index: facts.replica.last_index,
            clock_offset_seconds: Some(ahead_seconds(facts.replica.clock)),
            version: self.own.version.clone(),
            uptime_seconds: self.started.elapsed().as_secs(),
            notice: own_notice(&facts.replica),
            ..status
        }
    }
}

fn peer_status(id: NodeId, peer: &Peer, replica: &ReplicaView) -> NodeStatus {
    let elapsed = peer.last_contact.map(|at| at.elapsed().as_millis());
    let known_role = if id == replica.leader { NodeRole::Leader } else { NodeRole::Unspecified };
    NodeStatus {
        node_id: id,
        client_address: peer.member.client_address.clone(),
        peer_address: peer.member.peer_address.clone(),
        role: match (known_role, replica.leader) {
            (NodeRole::Unspecified, 1..) if peer.connected => NodeRole::Follower.into(),
            (known, _) => known.into(),
        },
        last_contact_ms: elapsed.map(|ms| u64::try_from(ms).unwrap_or(u64::MAX)),
        reachable: peer.connected,
        match_index: replica.matched.get(&id).copied().unwrap_or(0),
        clock_offset_seconds: peer.clock_offset_ms.map(seconds),
        version: peer.member.version.clone(),
        notice: peer.notice.clone(),
        ..NodeStatus::default()
    }
}

/// A role as the contract names it.
pub(super) fn role(role: Role) -> NodeRole {
    match role {
        Role::Leader => NodeRole::Leader,
        Role::Follower => NodeRole::Follower,
        Role::Candidate => NodeRole::Candidate,
        Role::Learner => NodeRole::Learner,
    }
}

/// What an operator should know of this node.
fn own_notice(replica: &ReplicaView) -> String {
    if let Some(missing) = replica.unmet.first() {
        return format!(
            "this node does not vote yet: all founding nodes must have met once, and node {missing} has not accepted it; start \
             them all"
        );
    }
    if replica.clock.good {
        return String::new();
    }
    if !replica.clock.compared {
        return "this node's clock has been compared with no majority's yet: it neither leads nor stamps".into();
    }
    let away = ahead_seconds(replica.clock).abs();
    if away <= 1.0 {
        return "no majority of the cluster's clocks agrees with this node's yet: it neither leads nor stamps; set the wrong one \
                (NTP)"
            .into();
    }
    format!("this node's clock is {away:.1} s away from its peers': it neither leads nor stamps; set it (NTP)")
}

/// How far this node's clock is ahead of the median of the cluster's.
fn ahead_seconds(clock: ClockVerdict) -> f64 {
    -seconds(clock.offset_ms)
}

#[allow(clippy::cast_precision_loss)] // Milliseconds of an offset are far below 2^52.
fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1_000.0
}
