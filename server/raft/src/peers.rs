//! The other nodes: how their handshakes are judged, whose messages count, and when each was heard last.
//!
//! A node is known by its *incarnation*, made with its disk. The first one seen of each peer is kept, so that a node that
//! lost its disk, and its promises with it, is turned away (trap 6). That a peer was there first proves nothing by itself:
//! a wiped node could say hello to one that never met the real one. Founding nodes therefore *meet*: each takes part only once
//! every other has accepted it. Whoever votes or acknowledges is then known to all under one incarnation, and a successor
//! with an empty disk is turned away by at least one founder and does neither.
//!
//! A node that joined later was enrolled with its incarnation, which the roster tells everyone ([`Roster`]): it needs not to be
//! met first. A node that joins has no roster yet, and believes whoever calls; what it has accepted wrongly it gives up as soon
//! as it knows better.
//!
//! A disk may also lose a part of what it held without being empty: a directory restored from an old copy forgets what it has
//! confirmed, and votes it has given. Its log is then shorter than what its own word says it had applied. Nodes tell each other
//! how far they have come, each remembers the others' words, and one whose log ends before its word is turned away. That is
//! sound: an entry is applied only where it is durable, and what is committed is never given up. It is not complete: what was
//! confirmed after the last word anybody heard is not missed.
//!
//! A node outside the configuration is turned away too, unless it may well be right: it knows a newer configuration, in
//! which it is a member, and this node is behind.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Batch, Greeting, Hello, NodeId, TurnedAway, format,
    membership::{Roster, Stage},
    mutation::{Mutation, mutated},
};

/// A peer's word of how far it has come is written down this often at most: a restored copy is older than that.
const NOTE_EVERY_MS: u64 = 10_000;

/// The configuration as this node knows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Membership {
    /// Up to which entry.
    pub(crate) configured_at: u64,
    /// Voters and learners; none at a node that joins and has heard of no configuration yet.
    pub(crate) members: Vec<NodeId>,
}

/// What the disk remembers of the peers.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    /// The first incarnation seen of each.
    pub(crate) incarnations: BTreeMap<NodeId, String>,
    /// An entry that each had applied.
    pub(crate) applied: BTreeMap<NodeId, u64>,
    /// Nodes that a configuration has dropped.
    pub(crate) removed: BTreeSet<NodeId>,
    /// Founding nodes that have not accepted this one yet, if it is one of them.
    pub(crate) unmet: BTreeSet<NodeId>,
}

/// What is remembered of the peers.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    disk: Remembered,
    /// The incarnations that nodes enrolled with.
    enrolled: BTreeMap<NodeId, String>,
    /// Nodes that the roster holds as removed: this one may have skipped their removal with a snapshot.
    dismissed: BTreeSet<NodeId>,
    /// Nodes outside the configuration that know a newer one, and up to which entry.
    guests: BTreeMap<NodeId, u64>,
    heard: BTreeMap<NodeId, u64>,
    /// How far each has come by its own word, and when that was written down.
    came_to: BTreeMap<NodeId, (u64, u64)>,
}

impl Peers {
    /// With what the disk remembers.
    pub(crate) fn new(disk: Remembered) -> Self {
        Self { disk, ..Self::default() }
    }

    /// The roster, after something in it changed. Who was accepted here on another disk than it enrolled with, before that was
    /// known, is no longer: a node that joins knows nobody at first, and believes whoever calls.
    pub(crate) fn enrolled(&mut self, roster: &Roster) -> Vec<NodeId> {
        let before: BTreeSet<NodeId> = self.impostors().collect();
        let incarnations = roster.records().iter().filter_map(|(node, record)| {
            Some((*node, record.incarnation.clone()?)).filter(|_| record.stage != Stage::Removed)
        });
        self.enrolled = incarnations.collect();
        self.dismissed = roster
            .records()
            .iter()
            .filter(|(_, record)| record.stage == Stage::Removed)
            .map(|(node, _)| *node)
            .collect();
        self.impostors().filter(|node| !before.contains(node)).collect()
    }

    /// Nodes that were accepted here on another disk than they have enrolled with.
    fn impostors(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.enrolled.keys().copied().filter(|node| self.is_impostor(*node))
    }

    fn is_impostor(&self, node: NodeId) -> bool {
        let differs = |known: &String| self.disk.incarnations.get(&node).is_some_and(|accepted| accepted != known);
        let ignored = mutated(Mutation::WipedNodeReturns) || mutated(Mutation::BelievedForEver);
        self.enrolled.get(&node).is_some_and(differs) && !ignored
    }

    /// It was removed from the cluster, for good.
    pub(crate) fn is_removed(&self, node: NodeId) -> bool {
        self.disk.removed.contains(&node) || self.dismissed.contains(&node)
    }

    /// Judges a handshake. What is to be remembered of it goes into `batch`.
    pub(crate) fn judge(
        &mut self,
        me: &Hello,
        ours: &Membership,
        greeting: &Greeting,
        batch: &mut Batch,
    ) -> Result<Hello, TurnedAway> {
        self.identity(me, &greeting.hello).map_err(|reason| TurnedAway { reason, removed: false })?;
        self.history(greeting).map_err(|reason| TurnedAway { reason, removed: false })?;
        self.membership(me, ours, greeting)?;
        let (node, incarnation) = (greeting.hello.node, &greeting.hello.incarnation);
        // The one it enrolled with takes the place of one that was believed too early, or had this number before a recovery: how
        // far that had come says nothing of it.
        let another = self.is_impostor(node);
        if another {
            self.disk.applied.remove(&node);
            self.came_to.remove(&node);
            batch.put(format::applied_key(node), format::encode_numbers(&[0]));
        }
        if another || !self.disk.incarnations.contains_key(&node) {
            self.disk.incarnations.insert(node, incarnation.clone());
            batch.put(format::incarnation_key(node), format::encode_text(incarnation));
        }
        if greeting.welcomed && self.disk.unmet.remove(&node) {
            batch.put(format::met_key(node), format::encode_text(""));
        }
        if ours.members.contains(&node) {
            self.guests.remove(&node);
        } else {
            self.guests.insert(node, greeting.configured_at);
        }
        Ok(me.clone())
    }

    fn identity(&self, me: &Hello, hello: &Hello) -> Result<(), String> {
        let (node, cluster, epoch) = (hello.node, &hello.cluster_id, hello.epoch);
        if *cluster != me.cluster_id {
            return Err(format!(
                "node {} belongs to cluster {:?}, not to {cluster:?}: correct the addresses",
                me.node, me.cluster_id
            ));
        }
        if epoch < me.epoch {
            return Err(format!(
                "this cluster was recovered after a lost majority and is at epoch {}; node {node} is still at epoch {epoch}: empty its \
                 data directory and let it join again",
                me.epoch
            ));
        }
        if epoch > me.epoch {
            return Err(format!(
                "node {} is still at epoch {} and was left behind when the cluster was recovered: empty its data directory and let it \
                 join again",
                me.node, me.epoch
            ));
        }
        if node == 0 {
            return Err("0 is no node's number: correct the configuration".to_owned());
        }
        if node == me.node {
            return Err(if hello.incarnation == me.incarnation {
                format!("node {node} has called itself: correct the address it advertises for its peers")
            } else {
                format!("there is a node {node} already: found this one under a number of its own")
            });
        }
        // What it enrolled with counts for more than what was met first.
        match self.enrolled.get(&node).or_else(|| self.disk.incarnations.get(&node)) {
            Some(known) if *known != hello.incarnation && !mutated(Mutation::WipedNodeReturns) => Err(format!(
                "node {node} has lost its disk since it was seen first, and what it had promised with it: remove it from the cluster, \
                 and let it join again under a new number"
            )),
            _ => Ok(()),
        }
    }

    /// Its log reaches as far as it has said itself.
    fn history(&self, greeting: &Greeting) -> Result<(), String> {
        let (node, durable) = (greeting.hello.node, greeting.durable);
        if self.is_impostor(node) {
            // That was another disk.
            return Ok(());
        }
        let noted = self.disk.applied.get(&node).copied().unwrap_or_default();
        let known = self.came_to.get(&node).map_or(noted, |(index, _)| noted.max(*index));
        if durable >= known {
            return Ok(());
        }
        Err(format!(
            "node {node} comes back with a log that ends at entry {durable}, and it had applied entry {known}: what it had confirmed is gone \
             (was its data directory restored from an old copy?). Remove it from the cluster, empty its data directory, and let it \
             join again under a new number"
        ))
    }

    /// A peer says that it has applied this entry. Its word is written down now and then.
    pub(crate) fn came_to(&mut self, node: NodeId, index: u64, now: u64, batch: &mut Batch) {
        let (said, noted_at) = self.came_to.entry(node).or_default();
        *said = index.max(*said);
        let noted = self.disk.applied.entry(node).or_default();
        let due = *noted == 0 || now.saturating_sub(*noted_at) >= NOTE_EVERY_MS;
        if *said > *noted && due {
            (*noted, *noted_at) = (*said, now);
            batch.put(format::applied_key(node), format::encode_numbers(&[*noted]));
        }
    }

    fn membership(&self, me: &Hello, ours: &Membership, greeting: &Greeting) -> Result<(), TurnedAway> {
        let node = greeting.hello.node;
        let outside = !ours.members.is_empty() && !ours.members.contains(&node);
        let behind = greeting.configured_at <= ours.configured_at;
        // A number is never used twice: a member of an older configuration that is none of this one was removed.
        if self.is_removed(node) || (outside && greeting.member && behind) {
            let reason = format!(
                "node {node} was removed from the cluster, and a number is never used twice: empty its data directory and let it join \
                 under a new one"
            );
            return Err(TurnedAway { reason, removed: !mutated(Mutation::RemovedNotTold) });
        }
        if outside && !greeting.member && self.enrolled.contains_key(&node) {
            let reason =
                format!("node {node} is enrolled, and not in the configuration yet: it is let in as soon as it is");
            return Err(TurnedAway { reason, removed: false });
        }
        if outside && !greeting.member {
            let reason = format!(
                "node {node} is no member of the cluster as far as node {} knows (entry {}): let it join first",
                me.node, ours.configured_at
            );
            return Err(TurnedAway { reason, removed: false });
        }
        Ok(())
    }

    /// Whether this node's messages count.
    pub(crate) fn counts(&self, ours: &Membership, node: NodeId) -> bool {
        let guest = || self.guests.get(&node).is_some_and(|configured_at| *configured_at > ours.configured_at);
        let known = !self.is_removed(node) && !self.is_impostor(node);
        known && (ours.members.is_empty() || ours.members.contains(&node) || guest())
    }

    /// Not all founding nodes have accepted this one yet: it takes no part.
    pub(crate) fn is_unmet(&self) -> bool {
        !self.disk.unmet.is_empty() && !mutated(Mutation::UnmetAcknowledges)
    }

    /// The founding nodes that have not accepted this one yet: it takes part once there are none.
    pub(crate) fn unmet(&self) -> &BTreeSet<NodeId> {
        &self.disk.unmet
    }

    /// A configuration dropped this node for good.
    pub(crate) fn remove(&mut self, node: NodeId, batch: &mut Batch) {
        self.disk.unmet.remove(&node);
        self.guests.remove(&node);
        if self.disk.removed.insert(node) {
            batch.put(format::removed_key(node), format::encode_text(""));
        }
    }

    /// A message of this peer came.
    pub(crate) fn hear(&mut self, node: NodeId, now: u64) {
        self.heard.insert(node, now);
    }

    /// The connection is gone.
    pub(crate) fn lost(&mut self, node: NodeId) {
        self.heard.remove(&node);
    }

    /// When it was heard last, unless its connection broke since.
    pub(crate) fn last_heard(&self, node: NodeId) -> Option<u64> {
        self.heard.get(&node).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(node: NodeId, incarnation: &str) -> Hello {
        Hello { cluster_id: "c".into(), epoch: 1, node, incarnation: incarnation.into() }
    }

    fn greeting(node: NodeId, incarnation: &str) -> Greeting {
        Greeting { hello: hello(node, incarnation), configured_at: 9, member: true, durable: 9, welcomed: false }
    }

    fn ours() -> Membership {
        Membership { configured_at: 9, members: vec![1, 2, 3] }
    }

    fn judge(peers: &mut Peers, greeting: &Greeting) -> Result<Hello, TurnedAway> {
        peers.judge(&hello(1, "a"), &ours(), greeting, &mut Batch::default())
    }

    fn reason(peers: &mut Peers, hello: Hello) -> String {
        judge(peers, &Greeting { hello, ..greeting(2, "") }).unwrap_err().reason
    }

    #[test]
    fn trap_6_a_wiped_node_is_refused_with_instructions() {
        let mut peers = Peers::default();
        let mut batch = Batch::default();
        let accepted = peers.judge(&hello(1, "a"), &ours(), &greeting(2, "b"), &mut batch);
        assert_eq!(accepted, Ok(hello(1, "a")));
        assert_eq!(batch.ops.len(), 1, "the first incarnation is remembered on disk");
        assert_eq!(judge(&mut peers, &greeting(2, "b")), Ok(hello(1, "a")));
        assert!(reason(&mut peers, hello(2, "other")).contains("lost its disk"));
        assert!(judge(&mut peers, &greeting(2, "b")).is_ok(), "an impostor does not lock the real one out");
        let mut reopened = Peers::new(Remembered {
            incarnations: [(2, "b".to_owned())].into(),
            removed: [3].into(),
            ..Remembered::default()
        });
        assert!(judge(&mut reopened, &greeting(2, "other")).is_err());
        assert!(judge(&mut reopened, &greeting(3, "x")).unwrap_err().removed);
    }

    #[test]
    fn trap_6_a_founder_votes_once_every_other_has_accepted_it() {
        let mut peers = Peers::new(Remembered { unmet: [2, 3].into(), ..Remembered::default() });
        judge(&mut peers, &greeting(2, "b")).unwrap();
        assert_eq!(peers.unmet(), &[2, 3].into(), "node 2 has called, and not said that it was answered");
        let welcomed = |node, incarnation| Greeting { welcomed: true, ..greeting(node, incarnation) };
        judge(&mut peers, &welcomed(2, "b")).unwrap();
        judge(&mut peers, &welcomed(3, "c")).unwrap();
        assert!(peers.unmet().is_empty());
        let mut refused = Peers::new(Remembered { unmet: [2].into(), ..Remembered::default() });
        judge(&mut refused, &greeting(2, "b")).unwrap();
        judge(&mut refused, &welcomed(2, "another")).unwrap_err();
        assert_eq!(refused.unmet(), &[2].into(), "the welcome of an impostor is none");
    }

    #[test]
    fn trap_6_the_disk_a_node_enrolled_with_is_known_without_having_met_it() {
        let mut roster = Roster::default();
        let member = |node| raft::eraftpb::ConfState { learners: vec![node], ..Default::default() };
        assert_eq!(roster.enrol("d", Vec::new()), Ok(1));
        roster.configured(&member(1));
        assert_eq!(roster.enrol("e", Vec::new()), Ok(2));
        let mut peers = Peers::default();
        peers.enrolled(&roster);
        assert!(reason(&mut peers, hello(2, "another")).contains("lost its disk"));
        let outsider = |node, incarnation| Greeting { member: false, ..greeting(node, incarnation) };
        let me = hello(9, "z");
        let ours = Membership { configured_at: 9, members: vec![1, 9] };
        let mut judge = |greeting: Greeting| peers.judge(&me, &ours, &greeting, &mut Batch::default());
        assert!(judge(outsider(2, "e")).unwrap_err().reason.contains("as soon as it is"));
        assert!(judge(outsider(3, "f")).unwrap_err().reason.contains("let it join first"));
        roster.remove(2).unwrap();
        peers.enrolled(&roster);
        let removed = peers.judge(&me, &ours, &outsider(2, "e"), &mut Batch::default()).unwrap_err();
        assert!(removed.removed, "it had never come, and never will");
        assert!(!peers.counts(&Membership::default(), 2));
    }

    #[test]
    fn what_another_disk_under_the_same_number_had_applied_does_not_count() {
        let mut peers = Peers::default();
        judge(&mut peers, &greeting(2, "b")).unwrap();
        peers.came_to(2, 9, 0, &mut Batch::default());
        let mut roster = Roster::default();
        roster.enrol("a", Vec::new()).unwrap();
        roster.enrol("newcomer", Vec::new()).unwrap();
        assert_eq!(peers.enrolled(&roster), [2], "the one that was accepted is believed no more");
        assert!(!peers.counts(&ours(), 2));
        judge(&mut peers, &Greeting { durable: 0, ..greeting(2, "newcomer") }).unwrap();
        assert!(peers.counts(&ours(), 2));
        assert!(judge(&mut peers, &greeting(2, "b")).unwrap_err().reason.contains("lost its disk"));
    }

    #[test]
    fn a_log_that_ends_before_what_its_node_had_applied_is_refused() {
        let mut peers = Peers::default();
        let mut batch = Batch::default();
        peers.came_to(2, 7, 0, &mut batch);
        peers.came_to(2, 9, 1, &mut batch);
        peers.came_to(2, 8, 2, &mut batch);
        assert_eq!(batch.ops.len(), 1, "the first word is written down, later ones now and then");
        let old = |durable| Greeting { durable, ..greeting(2, "b") };
        assert!(judge(&mut peers, &old(8)).unwrap_err().reason.contains("entry 8, and it had applied entry 9"));
        assert!(judge(&mut peers, &old(9)).is_ok());
        peers.came_to(2, 12, NOTE_EVERY_MS, &mut batch);
        assert_eq!(batch.ops.len(), 2);
        let mut reopened = Peers::new(Remembered { applied: [(2, 12)].into(), ..Remembered::default() });
        assert!(!judge(&mut reopened, &old(11)).unwrap_err().removed);
        assert!(judge(&mut reopened, &old(12)).is_ok());
    }

    #[test]
    fn other_clusters_epochs_and_itself_are_refused() {
        let mut peers = Peers::default();
        assert!(reason(&mut peers, Hello { cluster_id: "d".into(), ..hello(2, "b") }).contains("belongs to cluster"));
        assert!(reason(&mut peers, Hello { epoch: 0, ..hello(2, "b") }).contains("still at epoch 0"));
        assert!(reason(&mut peers, Hello { epoch: 2, ..hello(2, "b") }).contains("left behind"));
        assert!(reason(&mut peers, hello(1, "a")).contains("called itself"));
        assert!(reason(&mut peers, hello(1, "z")).contains("already"));
    }

    #[test]
    fn trap_20_a_removed_node_is_told_so() {
        let mut peers = Peers::default();
        peers.remove(3, &mut Batch::default());
        assert!(judge(&mut peers, &greeting(3, "c")).unwrap_err().removed);
        // Node 4 was a member at an entry that this node knows, and is none any more.
        let forgotten = judge(&mut peers, &greeting(4, "d")).unwrap_err();
        assert!(forgotten.removed && forgotten.reason.contains("new one"));
        assert!(!peers.counts(&ours(), 3) && !peers.counts(&ours(), 4));
    }

    #[test]
    fn a_stranger_is_turned_away_and_does_not_count() {
        let mut peers = Peers::default();
        let stranger = Greeting { member: false, configured_at: 0, ..greeting(7, "g") };
        let refused = judge(&mut peers, &stranger).unwrap_err();
        assert!(!refused.removed && refused.reason.contains("no member"));
        assert!(!peers.counts(&ours(), 7));
        assert!(peers.counts(&ours(), 2));
    }

    #[test]
    fn a_member_of_a_newer_configuration_counts_until_this_node_has_caught_up() {
        let mut peers = Peers::default();
        judge(&mut peers, &Greeting { configured_at: 20, ..greeting(4, "d") }).unwrap();
        assert!(peers.counts(&ours(), 4));
        assert!(!peers.counts(&Membership { configured_at: 20, ..ours() }, 4));
    }

    #[test]
    fn a_node_that_joins_believes_those_it_knows_nothing_of() {
        let mut peers = Peers::default();
        let nobody = Membership::default();
        peers.judge(&hello(1, "a"), &nobody, &greeting(2, "b"), &mut Batch::default()).unwrap();
        assert!(peers.counts(&nobody, 2));
    }
}
