//! The other nodes: how their handshakes are judged, and when each was heard last.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use crate::{Batch, Hello, NodeId, format};

/// What is remembered of the peers.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    /// The first incarnation seen of each; on disk too.
    incarnations: BTreeMap<NodeId, String>,
    /// Nodes that a configuration has dropped; on disk too.
    removed: BTreeSet<NodeId>,
    heard: BTreeMap<NodeId, u64>,
}

impl Peers {
    /// With what the disk remembers.
    pub(crate) fn new(incarnations: Vec<(NodeId, String)>, removed: Vec<NodeId>) -> Self {
        Self {
            incarnations: incarnations.into_iter().collect(),
            removed: removed.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Judges a handshake (trap 6). What is to be remembered of it goes into `batch`.
    pub(crate) fn judge(&mut self, me: &Hello, hello: &Hello, batch: &mut Batch) -> Result<Hello, String> {
        let judgement = self.refusal(me, hello).map_or_else(|| Ok(me.clone()), Err);
        if judgement.is_ok()
            && let Entry::Vacant(unknown) = self.incarnations.entry(hello.node)
        {
            unknown.insert(hello.incarnation.clone());
            batch.put(format::incarnation_key(hello.node), format::encode_text(&hello.incarnation));
        }
        judgement
    }

    fn refusal(&self, me: &Hello, hello: &Hello) -> Option<String> {
        let (node, cluster, epoch) = (hello.node, &hello.cluster_id, hello.epoch);
        if *cluster != me.cluster_id {
            return Some(format!(
                "node {} belongs to cluster {:?}, not to {cluster:?}: correct the addresses",
                me.node, me.cluster_id
            ));
        }
        if epoch < me.epoch {
            return Some(format!(
                "this cluster was recovered after a lost majority and is at epoch {}; node {node} is still at epoch {epoch}: empty its \
                 data directory and let it join again",
                me.epoch
            ));
        }
        if epoch > me.epoch {
            return Some(format!(
                "node {} is still at epoch {} and was left behind when the cluster was recovered: empty its data directory and let it \
                 join again",
                me.node, me.epoch
            ));
        }
        if node == 0 {
            return Some("0 is no node's number: correct the configuration".to_owned());
        }
        if node == me.node {
            return Some(if hello.incarnation == me.incarnation {
                format!("node {node} has called itself: correct the address it advertises for its peers")
            } else {
                format!("there is a node {node} already: found this one under a number of its own")
            });
        }
        if self.removed.contains(&node) {
            return Some(format!(
                "node {node} was removed from the cluster, and a number is never used twice: empty its data directory and let it join \
                 under a new one"
            ));
        }
        match self.incarnations.get(&node) {
            Some(known) if *known != hello.incarnation => Some(format!(
                "node {node} has lost its disk since it was seen first, and what it had promised with it: remove it from the cluster, \
                 and let it join again under a new number"
            )),
            _ => None,
        }
    }

    /// A configuration dropped this node for good.
    pub(crate) fn remove(&mut self, node: NodeId, batch: &mut Batch) {
        if self.removed.insert(node) {
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

    fn judge(peers: &mut Peers, hello_: &Hello) -> Result<Hello, String> {
        peers.judge(&hello(1, "a"), hello_, &mut Batch::default())
    }

    #[test]
    fn trap_6_a_wiped_node_is_refused_with_instructions() {
        let mut peers = Peers::default();
        let mut batch = Batch::default();
        assert_eq!(peers.judge(&hello(1, "a"), &hello(2, "b"), &mut batch), Ok(hello(1, "a")));
        assert_eq!(batch.ops.len(), 1, "the first incarnation is remembered on disk");
        assert_eq!(judge(&mut peers, &hello(2, "b")), Ok(hello(1, "a")));
        assert!(judge(&mut peers, &hello(2, "other")).unwrap_err().contains("lost its disk"));
        assert_eq!(judge(&mut peers, &hello(2, "b")), Ok(hello(1, "a")), "an impostor does not lock the real one out");
        let mut reopened = Peers::new(vec![(2, "b".into())], vec![4]);
        assert!(judge(&mut reopened, &hello(2, "other")).is_err());
        assert!(judge(&mut reopened, &hello(4, "x")).unwrap_err().contains("was removed"));
    }

    #[test]
    fn other_clusters_epochs_and_itself_are_refused() {
        let mut peers = Peers::default();
        let other = Hello { cluster_id: "d".into(), ..hello(2, "b") };
        assert!(judge(&mut peers, &other).unwrap_err().contains("belongs to cluster"));
        let old = Hello { epoch: 0, ..hello(2, "b") };
        assert!(judge(&mut peers, &old).unwrap_err().contains("still at epoch 0"));
        let new = Hello { epoch: 2, ..hello(2, "b") };
        assert!(judge(&mut peers, &new).unwrap_err().contains("left behind"));
        assert!(judge(&mut peers, &hello(1, "a")).unwrap_err().contains("called itself"));
        assert!(judge(&mut peers, &hello(1, "z")).unwrap_err().contains("already"));
    }

    #[test]
    fn a_removed_node_is_told_so() {
        let mut peers = Peers::default();
        peers.remove(3, &mut Batch::default());
        assert!(judge(&mut peers, &hello(3, "c")).unwrap_err().contains("new one"));
    }
}
