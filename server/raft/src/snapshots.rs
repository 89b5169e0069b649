//! Snapshots for followers that the log no longer reaches: wanted → made → sending → installing, with a way out of each
//! (trap 16: a snapshot that nobody reports on stops its follower for good).

use std::collections::BTreeMap;

use raft::eraftpb::ConfState;

use crate::{NodeId, SnapshotMeta, codec};

/// Where a follower's snapshot stands.
#[derive(Clone, Debug, PartialEq)]
enum Stage {
    /// raft wants one; the shell is not asked yet.
    Wanted { at_least: u64 },
    /// The shell makes a checkpoint.
    Making { at_least: u64, since: u64 },
    /// There is a checkpoint; raft has not taken it up yet.
    Made { id: String, index: u64, term: u64, conf_state: ConfState, since: u64 },
    /// The shell streams it, and says so while bytes move.
    Sending { id: String, index: u64, moved: u64 },
    /// It is staged at the follower, which installs it.
    Installing { index: u64, since: u64 },
    /// It failed: wait a little.
    Failed { until: u64 },
}

/// What became overdue.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Overdue {
    /// Followers that raft must be told about: their snapshot is lost.
    pub(crate) lost: Vec<NodeId>,
    /// Checkpoints that nobody takes, or whose stream stands still.
    pub(crate) unused: Vec<String>,
}

/// How long each stage may take, in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Patience {
    /// Between two signs of progress of a stream, however long the whole of it takes.
    pub(crate) stall: u64,
    /// To make a checkpoint, to take it up, to install it.
    pub(crate) stage: u64,
    /// After a failure, until the next attempt.
    pub(crate) retry: u64,
}

/// A snapshot that fails again and again is tried again after up to so many times the first pause: a disk that is full does
/// not gain room by being asked every second.
const LONGEST_PAUSE: u64 = 16;

/// The snapshots under way at a leader.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    stages: BTreeMap<NodeId, Stage>,
    /// How often in a row it failed.
    failures: BTreeMap<NodeId, u32>,
    now: u64,
    patience: Patience,
    /// Checkpoints that were on their way when raft gave them up.
    superseded: Vec<String>,
}

impl Snapshots {
    /// Sets how long things may take.
    pub(crate) fn configure(&mut self, patience: Patience) {
        self.patience = patience;
    }

    /// The time of this step.
    pub(crate) fn set_now(&mut self, now: u64) {
        self.now = now;
    }

    /// raft wants to send a snapshot that holds `at_least` this index: the one that was made, or none yet.
    pub(crate) fn wanted(&mut self, to: NodeId, at_least: u64) -> Option<(String, u64, u64, ConfState)> {
        let now = self.now;
        match self.stages.get(&to) {
            Some(Stage::Made { id, index, term, conf_state, .. }) if *index >= at_least => {
                let made = (id.clone(), *index, *term, conf_state.clone());
                self.stages.insert(to, Stage::Sending { id: made.0.clone(), index: made.1, moved: now });
                Some(made)
            }
            Some(Stage::Failed { until }) if *until > now => None,
            // Asked again while one is sent: raft gave the first up, and so does this.
            None | Some(Stage::Failed { .. } | Stage::Sending { .. } | Stage::Installing { .. }) => {
                if let Some(Stage::Sending { id, .. }) = self.stages.insert(to, Stage::Wanted { at_least }) {
                    self.superseded.push(id);
                }
                None
            }
            Some(Stage::Wanted { .. } | Stage::Making { .. } | Stage::Made { .. }) => None,
        }
    }

    /// The checkpoints the shell is to make now: for whom, and at least which index.
    pub(crate) fn take_wanted(&mut self) -> Vec<(NodeId, u64)> {
        let mut wanted = Vec::new();
        for (to, stage) in &mut self.stages {
            if let Stage::Wanted { at_least } = *stage {
                *stage = Stage::Making { at_least, since: self.now };
                wanted.push((*to, at_least));
            }
        }
        wanted
    }

    /// The checkpoints that were on their way when raft gave them up.
    pub(crate) fn take_superseded(&mut self) -> Vec<String> {
        std::mem::take(&mut self.superseded)
    }

    /// A checkpoint was made, or not. `Err` holds the checkpoint's id where it is of no use.
    pub(crate) fn made(&mut self, to: NodeId, result: Result<SnapshotMeta, String>) -> Result<(), Option<String>> {
        let now = self.now;
        let Some(Stage::Making { at_least, .. }) = self.stages.get(&to) else {
            return Err(result.ok().map(|meta| meta.id));
        };
        let at_least = *at_least;
        let useful = |meta: &SnapshotMeta| meta.index >= at_least && meta.index > 0;
        match result {
            Ok(meta) if useful(&meta) => {
                let Some(conf_state) = codec::decode_conf_state(&meta.conf_state) else {
                    self.fail(to);
                    return Err(Some(meta.id));
                };
                let SnapshotMeta { id, index, term, .. } = meta;
                self.stages.insert(to, Stage::Made { id, index, term, conf_state, since: now });
                Ok(())
            }
            other => {
                self.fail(to);
                Err(other.ok().map(|meta| meta.id))
            }
        }
    }

    /// Bytes of this checkpoint moved.
    pub(crate) fn progressed(&mut self, to: NodeId, sent: &str) {
        if let Some(Stage::Sending { id, moved, .. }) = self.stages.get_mut(&to)
            && id == sent
        {
            *moved = self.now;
        }
    }

    /// The stream of this checkpoint ended. Whether raft waits for this report: it may be of one given up before.
    pub(crate) fn sent(&mut self, to: NodeId, sent: &str, ok: bool) -> bool {
        let Some(Stage::Sending { id, index, .. }) = self.stages.get(&to) else { return false };
        if id != sent {
            return false;
        }
        let installing = Stage::Installing { index: *index, since: self.now };
        if ok {
            self.stages.insert(to, installing);
        } else {
            self.fail(to);
        }
        true
    }

    /// It failed once more: the next try comes after a pause, a longer one than the last.
    fn fail(&mut self, to: NodeId) {
        let failures = self.failures.entry(to).or_default();
        let pause = self.patience.retry.saturating_mul(LONGEST_PAUSE.min(1 << (*failures).min(16)));
        *failures += 1;
        self.stages.insert(to, Stage::Failed { until: self.now.saturating_add(pause) });
    }

    /// The follower holds the log up to `matched`.
    pub(crate) fn caught_up(&mut self, to: NodeId, matched: u64) {
        if let Some(Stage::Installing { index, .. }) = self.stages.get(&to)
            && matched >= *index
        {
            self.stages.remove(&to);
            self.failures.remove(&to);
        }
    }

    /// Entries above this one must stay in the log: a snapshot under way ends there.
    pub(crate) fn floor(&self) -> Option<u64> {
        let floor = |stage: &Stage| match stage {
            Stage::Wanted { at_least } | Stage::Making { at_least, .. } => Some(*at_least),
            Stage::Made { index, .. } | Stage::Sending { index, .. } | Stage::Installing { index, .. } => Some(*index),
            Stage::Failed { .. } => None,
        };
        self.stages.values().filter_map(floor).min()
    }

    /// Gives up what takes too long.
    pub(crate) fn expire(&mut self) -> Overdue {
        let (now, Patience { stall, stage: longest, .. }) = (self.now, self.patience);
        let late = |since: u64| now.saturating_sub(since) >= longest;
        let mut overdue = Overdue::default();
        let mut failed = Vec::new();
        for (to, stage) in &mut self.stages {
            match stage {
                Stage::Sending { id, moved, .. } if now.saturating_sub(*moved) >= stall => {
                    overdue.lost.push(*to);
                    overdue.unused.push(std::mem::take(id));
                }
                Stage::Installing { since, .. } if late(*since) => overdue.lost.push(*to),
                Stage::Made { id, since, .. } if late(*since) => overdue.unused.push(std::mem::take(id)),
                Stage::Making { since, .. } if late(*since) => {}
                _ => continue,
            }
            failed.push(*to);
        }
        for to in failed {
            self.fail(to);
        }
        self.stages.retain(|_, stage| !matches!(stage, Stage::Failed { until } if *until <= now));
        overdue
    }

    /// This node leads no longer. The checkpoints that nobody will take, those on their way included.
    pub(crate) fn clear(&mut self) -> Vec<String> {
        self.failures.clear();
        let unused =
            |stage| if let Stage::Made { id, .. } | Stage::Sending { id, .. } = stage { Some(id) } else { None };
        std::mem::take(&mut self.stages).into_values().filter_map(unused).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(index: u64) -> SnapshotMeta {
        SnapshotMeta {
            id: format!("s{index}"),
            index,
            term: 1,
            conf_state: codec::encode_conf_state(&ConfState::default()),
        }
    }

    fn making() -> Snapshots {
        let mut snapshots = Snapshots::default();
        snapshots.configure(Patience { stall: 50, stage: 100, retry: 10 });
        assert_eq!(snapshots.wanted(3, 5), None);
        assert_eq!(snapshots.take_wanted(), vec![(3, 5)]);
        assert_eq!(snapshots.take_wanted(), vec![]);
        snapshots
    }

    #[test]
    fn a_snapshot_is_made_sent_and_installed() {
        let mut snapshots = making();
        assert_eq!(snapshots.floor(), Some(5));
        assert_eq!(snapshots.made(3, Ok(meta(9))), Ok(()));
        assert_eq!(snapshots.wanted(3, 5).unwrap().1, 9);
        assert_eq!(snapshots.floor(), Some(9));
        assert!(snapshots.sent(3, "s9", true));
        snapshots.caught_up(3, 8);
        assert_eq!(snapshots.floor(), Some(9));
        snapshots.caught_up(3, 9);
        assert_eq!(snapshots.floor(), None);
    }

    #[test]
    fn a_failure_is_retried_after_a_while() {
        let mut snapshots = making();
        assert_eq!(snapshots.made(3, Err("no space".into())), Err(None));
        assert_eq!(snapshots.wanted(3, 5), None);
        assert_eq!(snapshots.take_wanted(), vec![]);
        snapshots.set_now(10);
        assert_eq!(snapshots.wanted(3, 5), None);
        assert_eq!(snapshots.take_wanted(), vec![(3, 5)]);
    }

    #[test]
    fn what_fails_again_and_again_is_tried_less_and_less_often_and_afterwards_as_before() {
        let mut snapshots = Snapshots::default();
        snapshots.configure(Patience { stall: 50, stage: 100, retry: 10 });
        let mut now = 0;
        let mut pause = |snapshots: &mut Snapshots, ok: bool| {
            assert_eq!(snapshots.wanted(3, 5), None);
            assert_eq!(snapshots.take_wanted(), vec![(3, 5)]);
            snapshots.made(3, Ok(meta(9))).unwrap();
            snapshots.wanted(3, 5).unwrap();
            assert!(snapshots.sent(3, "s9", ok));
            let failed_at = now;
            while snapshots.expire() == Overdue::default() && !ok && snapshots.stages.contains_key(&3) {
                now += 1;
                snapshots.set_now(now);
            }
            now - failed_at
        };
        let pauses: Vec<u64> = (0..7).map(|_| pause(&mut snapshots, false)).collect();
        assert_eq!(pauses, [10, 20, 40, 80, 160, 160, 160]);
        pause(&mut snapshots, true);
        snapshots.caught_up(3, 9);
        assert_eq!(pause(&mut snapshots, false), 10);
    }

    #[test]
    fn trap_16_every_stage_ends_in_time() {
        let mut snapshots = making();
        snapshots.set_now(100);
        assert_eq!(snapshots.expire(), Overdue::default());
        assert_eq!(snapshots.made(3, Ok(meta(9))), Err(Some("s9".into())), "too late to be of use");

        let mut snapshots = making();
        snapshots.made(3, Ok(meta(9))).unwrap();
        snapshots.set_now(100);
        assert_eq!(snapshots.expire().unused, vec!["s9"]);

        let mut snapshots = making();
        snapshots.made(3, Ok(meta(9))).unwrap();
        snapshots.wanted(3, 5).unwrap();
        assert!(snapshots.sent(3, "s9", true));
        snapshots.set_now(100);
        assert_eq!(snapshots.expire(), Overdue { lost: vec![3], unused: vec![] });
    }

    fn sending() -> Snapshots {
        let mut snapshots = making();
        snapshots.made(3, Ok(meta(9))).unwrap();
        snapshots.wanted(3, 5).unwrap();
        snapshots
    }

    #[test]
    fn trap_16_a_stream_is_given_up_when_it_stands_still_and_not_before() {
        let mut snapshots = sending();
        for now in (40..=400).step_by(40) {
            snapshots.set_now(now);
            assert_eq!(snapshots.expire(), Overdue::default(), "it moves, however long it takes");
            snapshots.progressed(3, "s9");
        }
        snapshots.set_now(440);
        snapshots.progressed(3, "another");
        snapshots.set_now(450);
        assert_eq!(snapshots.expire(), Overdue { lost: vec![3], unused: vec!["s9".into()] });
        assert!(!snapshots.sent(3, "s9", true), "nobody waits for it any more");
    }

    #[test]
    fn the_end_of_a_stream_that_was_given_up_says_nothing_about_the_next_one() {
        let mut snapshots = sending();
        assert_eq!(snapshots.wanted(3, 7), None, "raft has begun again");
        assert_eq!(snapshots.take_superseded(), vec!["s9"]);
        assert_eq!(snapshots.take_wanted(), vec![(3, 7)]);
        snapshots.made(3, Ok(meta(12))).unwrap();
        snapshots.wanted(3, 7).unwrap();
        assert!(!snapshots.sent(3, "s9", false));
        assert!(snapshots.sent(3, "s12", true));
    }

    #[test]
    fn what_is_on_its_way_is_of_no_use_once_leadership_is_lost() {
        assert_eq!(sending().clear(), vec!["s9"]);
    }

    #[test]
    fn a_checkpoint_below_the_wanted_index_is_of_no_use() {
        let mut snapshots = making();
        assert_eq!(snapshots.made(3, Ok(meta(4))), Err(Some("s4".into())));
    }
}
