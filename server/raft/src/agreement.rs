//! Do the replicas agree? Each chains a hash over what it applies, and at agreed indexes they are compared: a minority
//! that differs stops loudly, and where no majority agrees any more, all stop (trap 25).

use std::collections::BTreeMap;

use crate::NodeId;

/// A hash chain's value.
type Hash = [u8; 32];

/// Comparisons kept at once: older ones were never completed because some node was away.
const KEPT: usize = 16;

/// What a comparison says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing to do.
    Fine,
    /// Replicas differ and a majority may yet be found.
    Disputed(u64),
    /// This node must stop: why.
    Stop(String),
}

/// Hashes by index, and by node there.
#[derive(Debug, Default)]
pub(crate) struct Agreement {
    hashes: BTreeMap<u64, BTreeMap<NodeId, Hash>>,
}

impl Agreement {
    /// A node's chain after the entry at `index`. Only voters count towards a majority.
    pub(crate) fn reported(&mut self, me: NodeId, voters: &[NodeId], node: NodeId, index: u64, hash: Hash) -> Verdict {
        self.hashes.entry(index).or_default().insert(node, hash);
        while self.hashes.len() > KEPT {
            self.hashes.pop_first();
        }
        let Some(hashes) = self.hashes.get(&index) else { return Verdict::Fine };
        let mut counts: BTreeMap<Hash, usize> = BTreeMap::new();
        for hash in voters.iter().filter_map(|voter| hashes.get(voter)) {
            *counts.entry(*hash).or_default() += 1;
        }
        let heard: usize = counts.values().sum();
        let majority = voters.len() / 2 + 1;
        let Some((most, count)) = counts.iter().max_by_key(|(_, count)| **count) else { return Verdict::Fine };
        if *count >= majority {
            return match hashes.get(&me) {
                Some(own) if own != most => Verdict::Stop(minority(index)),
                _ => Verdict::Fine,
            };
        }
        if *count + (voters.len() - heard) < majority {
            return Verdict::Stop(split(index));
        }
        if counts.len() > 1 { Verdict::Disputed(index) } else { Verdict::Fine }
    }
}

fn minority(index: u64) -> String {
    format!(
        "this node's state after entry {index} differs from what a majority holds: its disk or memory is damaged, or it runs another \
         release. It must not serve any more: remove it from the cluster, check the machine, and let it join again under a new id"
    )
}

fn split(index: u64) -> String {
    format!(
        "after entry {index} no majority of the replicas holds the same state: every node stops before more is written. Keep all data \
         directories as they are, and restore the cluster from a backup or from the node you trust (`lectern-server recover`)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(voters: &[NodeId], reports: &[(NodeId, u8)]) -> Verdict {
        let mut agreement = Agreement::default();
        let mut verdict = Verdict::Fine;
        for (node, hash) in reports {
            verdict = agreement.reported(1, voters, *node, 1_000, [*hash; 32]);
        }
        verdict
    }

    #[test]
    fn equal_replicas_go_on() {
        assert_eq!(run(&[1, 2, 3], &[(1, 7), (2, 7), (3, 7)]), Verdict::Fine);
    }

    #[test]
    fn a_minority_that_differs_stops_and_the_majority_goes_on() {
        assert_eq!(run(&[1, 2, 3], &[(1, 8), (2, 7)]), Verdict::Disputed(1_000));
        assert!(matches!(run(&[1, 2, 3], &[(1, 8), (2, 7), (3, 7)]), Verdict::Stop(why) if why.contains("majority")));
        assert_eq!(run(&[1, 2, 3], &[(1, 7), (2, 7), (3, 8)]), Verdict::Fine);
    }

    #[test]
    fn without_a_majority_all_stop() {
        assert!(matches!(run(&[1, 2, 3], &[(1, 6), (2, 7), (3, 8)]), Verdict::Stop(why) if why.contains("every node")));
        assert!(matches!(run(&[1, 2], &[(1, 6), (2, 7)]), Verdict::Stop(_)));
    }

    #[test]
    fn a_learner_that_differs_stops_alone() {
        assert!(matches!(run(&[2, 3, 4], &[(2, 7), (3, 7), (1, 8)]), Verdict::Stop(_)));
        assert_eq!(run(&[1, 2, 3], &[(1, 7), (2, 7), (9, 8)]), Verdict::Fine);
    }
}
