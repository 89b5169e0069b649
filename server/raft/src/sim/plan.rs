//! What a seed has in store: each draws its own size, settings, load, and which accidents exist at all and how often, so
//! that runs differ more than runs of one mixture would (swarm testing: Groce and others, ISSTA 2012).

use crate::{Config, NodeId, dice::Dice, membership};

/// How long before the healing one node is taken away, so that it needs a snapshot then.
const OUTAGE_MS: u64 = 4_000;

/// In so many of a thousand runs members come and go.
const CHURN_PERMILLE: u64 = 500;

/// A kind of accident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accident {
    Crash,
    CrashSeveral,
    CrashAll,
    /// A node dies between two things that its shell does.
    Failpoint,
    LoseDisk,
    Partition,
    OneWayPartition,
    /// One node alone.
    Isolate,
    BreakConnection,
    Storm,
    Pause,
    LongPause,
    SlowDisk,
    FullDisk,
    WriteError,
    SyncError,
    ReadError,
    Rot,
    WrongClock,
    Transfer,
}

/// What is done about the members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Join,
    Remove,
    Drain,
    Restore,
    Transfer,
    /// A node has moved.
    Describe,
    /// A node is switched off, or stands still, for longer than it keeps its vote.
    Away,
    LoseDisk,
    /// A majority of the voters is destroyed, and the cluster recovered on one survivor.
    LoseMajority,
}

use Accident as A;

/// Accidents that need no second node.
const ALONE: &[Accident] = &[
    A::Crash,
    A::Failpoint,
    A::Pause,
    A::SlowDisk,
    A::FullDisk,
    A::WriteError,
    A::SyncError,
    A::ReadError,
    A::WrongClock,
];

/// The others.
const TOGETHER: &[Accident] = &[
    A::CrashSeveral,
    A::CrashAll,
    A::LoseDisk,
    A::Partition,
    A::OneWayPartition,
    A::Isolate,
    A::BreakConnection,
    A::Storm,
    A::LongPause,
    A::Rot,
    A::Transfer,
];

/// What a run is made of.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) nodes: NodeId,
    /// Accidents that happen, and how often each in proportion.
    accidents: Vec<(Accident, u64)>,
    /// About this long between two accidents.
    gap_ms: u64,
    /// About this long between two things that clients ask.
    pub(crate) client_gap_ms: u64,
    pub(crate) reads_permille: u64,
    /// How often a client turns to a node that does not lead.
    pub(crate) astray_permille: u64,
    pub(crate) synchronous_permille: u64,
    /// Correct clocks differ by up to so much.
    pub(crate) skew_ms: u64,
    /// A write takes up to so long.
    pub(crate) disk_ms: u64,
    pub(crate) apply_ms: u64,
    /// The most entries applied as one batch.
    pub(crate) batch: u64,
    pub(crate) outage_ms: Option<u64>,
    /// How likely one node stays cut off when all else is healed.
    pub(crate) leave_out_permille: u64,
    /// Members come and go.
    pub(crate) churn: Option<Churn>,
    settings: Settings,
}

/// How members come and go.
#[derive(Clone, Debug)]
pub(crate) struct Churn {
    /// What is done about them, and how often each in proportion.
    deeds: Vec<(Deed, u64)>,
    /// About this long between two deeds.
    gap_ms: u64,
    /// With how many nodes in a run newcomers stop coming.
    pub(crate) most_nodes: usize,
    /// When membership follows the nodes: seconds take the place of minutes and hours.
    pub(crate) settings: membership::Settings,
}

#[derive(Clone, Debug)]
struct Settings {
    keep_entries: u64,
    keep_ms: u64,
    cap_bytes: u64,
    cache_bytes: u64,
    max_message_bytes: u64,
    max_in_flight_messages: usize,
    max_apply_bytes: u64,
    max_unapplied_bytes: u64,
    max_pending_proposals: usize,
}

impl Plan {
    /// The seed's.
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        let nodes = *dice.pick(&[1, 2, 3, 3, 3, 3, 3, 5, 5, 5]).expect("there are sizes");
        Self {
            nodes,
            accidents: draw_accidents(dice, nodes),
            gap_ms: 150 + dice.below(2_000),
            client_gap_ms: 10 + dice.below(70),
            reads_permille: 100 + dice.below(500),
            astray_permille: 50 + dice.below(500),
            synchronous_permille: *dice.pick(&[0, 400, 1_000]).expect("there are shares"),
            skew_ms: dice.below(200),
            disk_ms: 1 + dice.below(15),
            apply_ms: 1 + dice.below(20),
            batch: 1 + dice.below(30),
            outage_ms: (nodes > 2 && dice.chance(600)).then_some(OUTAGE_MS),
            leave_out_permille: if nodes > 2 { 250 } else { 0 },
            churn: dice.chance(CHURN_PERMILLE).then(|| Churn::draw(dice, nodes)),
            settings: Settings::draw(dice),
        }
    }

    /// The next accident, and how long after this one it comes.
    pub(crate) fn next(&self, dice: &mut Dice) -> (Accident, u64) {
        (draw_weighted(dice, &self.accidents), 20 + dice.below(2 * self.gap_ms))
    }

    /// A node's settings in this run.
    pub(crate) fn configure(&self, config: &mut Config) {
        let settings = &self.settings;
        config.keep_entries = settings.keep_entries;
        config.keep_ms = settings.keep_ms;
        config.cap_bytes = settings.cap_bytes;
        config.cache_bytes = settings.cache_bytes;
        config.max_message_bytes = settings.max_message_bytes;
        config.max_in_flight_messages = settings.max_in_flight_messages;
        config.max_apply_bytes = settings.max_apply_bytes;
        config.max_unapplied_bytes = settings.max_unapplied_bytes;
        config.max_pending_proposals = settings.max_pending_proposals;
        config.snapshot_stall_ms = 1_000;
        config.snapshot_timeout_ms = 2_000;
        config.snapshot_retry_ms = 100;
        if let Some(churn) = &self.churn {
            config.membership = churn.settings.clone();
        }
    }

    /// The plan in a few words.
    pub(crate) fn describe(&self) -> String {
        let names: Vec<String> =
            self.accidents.iter().map(|(accident, weight)| format!("{accident:?} {weight}")).collect();
        let accidents =
            format!("{} nodes; an accident every {} ms or so: {}", self.nodes, self.gap_ms, names.join(", "));
        self.churn.as_ref().map_or(accidents.clone(), |churn| format!("{accidents}; {}", churn.describe()))
    }
}

impl Churn {
    /// Growing is always possible; of the rest, each run has a part.
    fn draw(dice: &mut Dice, nodes: NodeId) -> Self {
        let mut deeds = vec![(Deed::Join, 3 + dice.below(5))];
        let others =
            [Deed::Remove, Deed::Drain, Deed::Restore, Deed::Transfer, Deed::Describe, Deed::Away, Deed::LoseDisk];
        for deed in others {
            if dice.chance(600) {
                deeds.push((deed, 1 + dice.below(6)));
            }
        }
        if nodes > 2 && dice.chance(80) {
            deeds.push((Deed::LoseMajority, 1));
        }
        let lag_ms = 100 + dice.below(200);
        let replace_ms = 1_000 + dice.below(3_000);
        let target_voters = *dice.pick(&[3, 5, 5]).expect("there are numbers");
        let target_voters = target_voters.max(usize::try_from(nodes | 1).unwrap_or(5));
        Self {
            deeds,
            gap_ms: 300 + dice.below(2_500),
            most_nodes: 7 + usize::try_from(dice.below(5)).unwrap_or(0),
            settings: membership::Settings {
                target_voters,
                max_members: target_voters + 1 + usize::try_from(dice.below(3)).unwrap_or(0),
                settle_ms: 100 + dice.below(900),
                lag_ms,
                ready_ms: 100 + dice.below(1_000),
                degraded_ms: lag_ms + dice.below(600),
                replace_ms,
                forget_ms: replace_ms + dice.below(8_000),
                retry_ms: 1_000 + dice.below(1_000),
            },
        }
    }

    /// What is done next, and how long after this the one after it comes.
    pub(crate) fn next(&self, dice: &mut Dice) -> (Deed, u64) {
        (draw_weighted(dice, &self.deeds), 20 + dice.below(2 * self.gap_ms))
    }

    fn describe(&self) -> String {
        let names: Vec<String> = self.deeds.iter().map(|(deed, weight)| format!("{deed:?} {weight}")).collect();
        let membership::Settings { target_voters, max_members, replace_ms, forget_ms, .. } = self.settings;
        format!(
            "members come and go every {} ms or so: {}; {target_voters} voters of {max_members} members; replaced after {replace_ms} ms, \
             forgotten after {forget_ms} ms",
            self.gap_ms,
            names.join(", ")
        )
    }
}

/// One of these, each as often in proportion as it weighs.
fn draw_weighted<T: Copy>(dice: &mut Dice, weighted: &[(T, u64)]) -> T {
    let mut drawn = dice.below(weighted.iter().map(|(_, weight)| weight).sum());
    let chosen = weighted.iter().find(|(_, weight)| {
        let here = drawn < *weight;
        drawn = drawn.saturating_sub(*weight);
        here
    });
    chosen.or(weighted.last()).expect("there is something to choose from").0
}

/// Each kind exists in about half of the runs, at least three do in each.
fn draw_accidents(dice: &mut Dice, nodes: NodeId) -> Vec<(Accident, u64)> {
    let possible = ALONE.iter().chain(if nodes > 1 { TOGETHER } else { &[] });
    let mut chosen: Vec<(Accident, u64)> = Vec::new();
    for accident in possible {
        // Failpoints are many, so that they need many runs.
        if dice.chance(if *accident == A::Failpoint { 700 } else { 400 }) {
            chosen.push((*accident, 1 + dice.below(8)));
        }
    }
    for needed in [A::Crash, A::Failpoint, A::Pause] {
        if chosen.len() < 3 && !chosen.iter().any(|(accident, _)| *accident == needed) {
            chosen.push((needed, 4));
        }
    }
    chosen
}

impl Settings {
    fn draw(dice: &mut Dice) -> Self {
        let by_age = dice.chance(300);
        Self {
            keep_entries: if by_age { u64::MAX } else { 5 + dice.below(100) },
            keep_ms: if by_age { 2_000 + dice.below(4_000) } else { u64::MAX },
            cap_bytes: if dice.chance(300) { 20_000 } else { u64::MAX },
            cache_bytes: if dice.chance(500) { 0 } else { 1 << 20 },
            max_message_bytes: *dice.pick(&[256, 2_048, 1 << 20]).expect("there are sizes"),
            max_in_flight_messages: *dice.pick(&[4, 16, 256]).expect("there are numbers"),
            max_apply_bytes: *dice.pick(&[512, 4_096, 1 << 20]).expect("there are sizes"),
            max_unapplied_bytes: *dice.pick(&[2_048, 32_768, 1 << 20]).expect("there are sizes"),
            max_pending_proposals: *dice.pick(&[4, 64, 1_024]).expect("there are numbers"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_has_at_least_three_kinds_of_accidents_that_its_cluster_can_have() {
        for seed in 0..500 {
            let plan = Plan::draw(&mut Dice::new(seed));
            assert!(plan.accidents.len() >= 3, "seed {seed}");
            let together = plan.accidents.iter().any(|(accident, _)| TOGETHER.contains(accident));
            assert!(plan.nodes > 1 || !together, "seed {seed}");
        }
    }
}
