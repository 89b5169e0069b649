//! What holds whatever is seen, and whatever happens.

use std::collections::{BTreeMap, BTreeSet};

use lectern_raft::{
    NodeId,
    membership::{Change, LEAST_VOTERS, Observations, Place, Request, Seen, Settings, Wish, answer, decide, outlook},
};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

const NOW: u64 = 1_000_000_000;

fn settings() -> impl Strategy<Value = Settings> {
    prop_oneof![Just(3), Just(5), Just(7)].prop_map(|target_voters| Settings { target_voters, ..Settings::default() })
}

/// Everything that one can be seen to be, around all the thresholds.
fn one() -> impl Strategy<Value = Seen> {
    let place = prop_oneof![5 => Just(Place::Voter), 4 => Just(Place::Learner), 1 => Just(Place::Enrolled)];
    let wish = prop_oneof![8 => Just(Wish::Stay), 1 => Just(Wish::Drained), 1 => Just(Wish::Leave)];
    let ago = prop_oneof![0..20_000_u64, 0..400_000_u64, 0..90_000_000_u64].prop_map(|ago| NOW - ago);
    let health = prop_oneof![
        6 => ago.clone().prop_map(|since| (None, Some(since))),
        3 => ago.prop_map(|since| (Some(since), None)),
        1 => Just((None, None)),
    ];
    (place, wish, health, 90..100_u64).prop_map(|(place, wish, (silent_since, healthy_since), matched)| Seen {
        place,
        wish,
        silent_since,
        healthy_since,
        matched,
    })
}

/// A cluster of up to ten nodes; node 1 leads.
fn clusters() -> impl Strategy<Value = Observations> {
    let contact = prop_oneof![9 => (0..60_000_u64).prop_map(|ago| Some(NOW - ago)), 1 => Just(None)];
    let flags = (prop::bool::weighted(0.95), prop::bool::weighted(0.05), prop::bool::weighted(0.05));
    (prop::collection::vec(one(), 1..10), contact, flags).prop_map(|(nodes, contact_since, (ready, joint, busy))| {
        let mut nodes: BTreeMap<NodeId, Seen> = (1..).zip(nodes).collect();
        let leader = nodes.get_mut(&1).expect("there is one at least");
        (leader.place, leader.silent_since, leader.healthy_since) = (Place::Voter, None, Some(0));
        Observations { leader: 1, ready, joint, busy, contact_since, nodes }
    })
}

/// What is never decided.
fn check(seen: &Observations, settings: &Settings, now: u64, change: &Change) -> Result<(), TestCaseError> {
    prop_assert!(seen.ready && !seen.joint && !seen.busy, "one at a time, by a leader that has committed");
    prop_assert!(seen.contact_since.is_some_and(|since| since + settings.settle_ms <= now), "it has settled");
    let (before, leader) = (seen.voters(), seen.leader);
    let after = change.voters_after(&before);
    prop_assert!(after.len() >= before.len().min(LEAST_VOTERS), "no fewer than three voters");
    prop_assert!(after.len() <= before.len().max(settings.target_voters), "no more than wanted");
    prop_assert!(before.len().is_multiple_of(2) || !after.len().is_multiple_of(2), "odd stays odd");
    prop_assert!(after.contains(&leader), "the leader stays a voter");
    let healthy = |node: &NodeId| *node == leader || seen.nodes[node].healthy_since.is_some();
    for voters in [&before, &after] {
        let left = after.iter().filter(|node| voters.contains(node) && healthy(node)).count();
        prop_assert!(left * 2 > voters.len(), "the healthy voters left are a majority of {voters:?}");
    }
    for node in after.difference(&before) {
        let one = &seen.nodes[node];
        let ready = one.healthy_since.is_some_and(|since| since + settings.ready_ms <= now);
        prop_assert!(one.place == Place::Learner && one.wish == Wish::Stay && ready, "only spares are promoted");
    }
    lost_votes_are_earned(seen, settings, now, &(&before - &after), after.len() < before.len())?;
    match change {
        Change::HandOver { to } => {
            prop_assert!(seen.nodes[&leader].wish != Wish::Stay && seen.nodes[to].wish == Wish::Stay);
            prop_assert!(healthy(to) && before.contains(to) && *to != leader);
        }
        Change::Admit { node } => prop_assert_eq!(seen.nodes[node].place, Place::Enrolled),
        Change::Remove { node } => {
            let one = &seen.nodes[node];
            let gone = one.silent_since.is_some_and(|since| since + settings.forget_ms <= now);
            prop_assert!(one.place == Place::Learner && (gone || one.wish == Wish::Leave));
        }
        Change::Promote { .. } | Change::Swap { .. } | Change::Shrink { .. } => {}
    }
    Ok(())
}

/// Nobody loses a vote who is online and wanted, but for one that makes the number odd when an operator removes another.
fn lost_votes_are_earned(
    seen: &Observations,
    settings: &Settings,
    now: u64,
    lost: &BTreeSet<NodeId>,
    fewer: bool,
) -> Result<(), TestCaseError> {
    let unwanted = |node: &&NodeId| {
        let one = &seen.nodes[node];
        one.wish != Wish::Stay || one.silent_since.is_some_and(|since| since + settings.replace_ms <= now)
    };
    let good = lost.iter().filter(|node| !unwanted(node)).count();
    let removed = lost.iter().any(|node| seen.nodes[node].wish == Wish::Leave);
    prop_assert!(good == 0 || (good == 1 && removed && fewer), "{lost:?} should keep their votes");
    Ok(())
}

/// A cluster that lives: nodes come and go, operators change their minds, and the leader decides.
struct Cluster {
    seen: Observations,
    settings: Settings,
    now: u64,
    down: BTreeSet<NodeId>,
    gone: BTreeSet<NodeId>,
    last: NodeId,
    /// How often each kind of change was made.
    kinds: BTreeMap<&'static str, usize>,
}

fn kind(change: &Change) -> &'static str {
    match change {
        Change::HandOver { .. } => "hand over",
        Change::Admit { .. } => "admit",
        Change::Promote { .. } => "promote",
        Change::Swap { .. } => "swap",
        Change::Shrink { .. } => "shrink",
        Change::Remove { .. } => "remove",
    }
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Pass(u64),
    Down(NodeId),
    Up(NodeId),
    Enrol,
    Wish(NodeId, Wish),
}

fn events() -> impl Strategy<Value = Event> {
    let node = 1..12_u64;
    let wish = prop_oneof![2 => Just(Wish::Stay), 1 => Just(Wish::Drained), 1 => Just(Wish::Leave)];
    prop_oneof![
        4 => (0..400_000_u64).prop_map(Event::Pass),
        1 => (0..100_000_000_u64).prop_map(Event::Pass),
        2 => node.clone().prop_map(Event::Down),
        3 => node.clone().prop_map(Event::Up),
        2 => Just(Event::Enrol),
        2 => (node, wish).prop_map(|(node, wish)| Event::Wish(node, wish)),
    ]
}

impl Cluster {
    fn founded(founders: u64, settings: Settings) -> Self {
        let founder =
            Seen { place: Place::Voter, wish: Wish::Stay, silent_since: None, healthy_since: Some(0), matched: 0 };
        let seen = Observations {
            leader: 1,
            ready: true,
            joint: false,
            busy: false,
            contact_since: Some(0),
            nodes: (1..=founders).map(|node| (node, founder.clone())).collect(),
        };
        Self {
            seen,
            settings,
            now: 0,
            down: BTreeSet::new(),
            gone: BTreeSet::new(),
            last: founders,
            kinds: BTreeMap::new(),
        }
    }

    fn happen(&mut self, event: Event) {
        let now = self.now;
        match event {
            Event::Pass(ms) => self.now += ms,
            Event::Down(node) => {
                if let Some(one) = self.seen.nodes.get_mut(&node).filter(|_| self.down.insert(node)) {
                    (one.silent_since, one.healthy_since) = (Some(now), None);
                }
            }
            Event::Up(node) => {
                if let Some(one) = self.seen.nodes.get_mut(&node).filter(|_| self.down.remove(&node)) {
                    (one.silent_since, one.healthy_since) = (None, Some(now));
                }
            }
            Event::Enrol => {
                self.last += 1;
                let one = Seen {
                    place: Place::Enrolled,
                    wish: Wish::Stay,
                    silent_since: None,
                    healthy_since: None,
                    matched: 0,
                };
                self.seen.nodes.insert(self.last, one);
            }
            Event::Wish(node, wish) => {
                let placed = |one: &&mut Seen| one.place != Place::Enrolled && one.wish != Wish::Leave;
                if let Some(one) = self.seen.nodes.get_mut(&node).filter(placed) {
                    one.wish = wish;
                }
            }
        }
        self.elect();
    }

    /// Another leads where the leader is down; nobody reaches a majority where there is none.
    fn elect(&mut self) {
        let voters = self.seen.voters();
        let up: Vec<NodeId> = voters.iter().copied().filter(|node| !self.down.contains(node)).collect();
        let majority = up.len() * 2 > voters.len();
        if self.down.contains(&self.seen.leader) && majority {
            self.seen.leader = up[0];
            for (node, one) in &mut self.seen.nodes {
                let away = self.down.contains(node);
                (one.silent_since, one.healthy_since) =
                    if away { (Some(self.now), None) } else { (None, Some(self.now)) };
            }
            self.seen.contact_since = None;
        }
        let leads = !self.down.contains(&self.seen.leader) && majority;
        self.seen.contact_since = leads.then(|| self.seen.contact_since.unwrap_or(self.now));
    }

    /// Decides until there is nothing to do. What was done.
    fn settle(&mut self) -> Result<usize, TestCaseError> {
        let mut made = 0;
        while let Some(change) = decide(&self.seen, &self.settings, self.now) {
            check(&self.seen, &self.settings, self.now, &change)?;
            *self.kinds.entry(kind(&change)).or_default() += 1;
            for node in change.nodes() {
                prop_assert!(!self.gone.contains(&node), "node {node} was removed and comes again");
            }
            let before: BTreeSet<NodeId> = self.seen.nodes.keys().copied().collect();
            self.seen = change.made_in(&self.seen);
            self.gone.extend(before.into_iter().filter(|node| !self.seen.nodes.contains_key(node)));
            if let Change::Admit { node } = change
                && let Some(one) = self.seen.nodes.get_mut(&node)
            {
                let away = self.down.contains(&node);
                (one.silent_since, one.healthy_since) =
                    if away { (Some(self.now), None) } else { (None, Some(self.now)) };
            }
            self.elect();
            made += 1;
            prop_assert!(made < 100, "it never comes to rest: {:?}", self.seen);
        }
        Ok(made)
    }

    /// Everybody is well from now on.
    fn heal(&mut self) -> Result<usize, TestCaseError> {
        for node in std::mem::take(&mut self.down) {
            if let Some(one) = self.seen.nodes.get_mut(&node) {
                (one.silent_since, one.healthy_since) = (None, Some(self.now));
            }
        }
        self.elect();
        let mut made = 0;
        for _ in 0..60 {
            self.now += 1_000;
            made += self.settle()?;
        }
        Ok(made)
    }

    fn count(&self, fits: impl Fn(&Seen) -> bool) -> usize {
        self.seen.nodes.values().filter(|one| fits(one)).count()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_forbidden_is_decided_whatever_is_seen(seen in clusters(), settings in settings()) {
        if let Some(change) = decide(&seen, &settings, NOW) {
            check(&seen, &settings, NOW, &change)?;
        }
    }

    #[test]
    fn what_is_announced_is_what_happens_and_nothing_happens_before(seen in clusters(), settings in settings()) {
        let announced = outlook(&seen, &settings, NOW).next;
        let at = announced.as_ref().map_or(u64::MAX, |next| NOW + next.in_ms);
        for time in [0, 1, 5_000, 60_000, 299_999, 10_000_000, 86_400_000].map(|ms| NOW + ms).into_iter().filter(|time| *time < at) {
            prop_assert_eq!(decide(&seen, &settings, time), None, "nothing at {} ms, announced {:?}", time - NOW, announced);
        }
        if let Some(next) = announced {
            prop_assert_eq!(decide(&seen, &settings, at), Some(next.change));
        }
    }

    #[test]
    fn what_an_operator_is_promised_comes_about(seen in clusters(), settings in settings(), node in 1..10_u64) {
        let mut seen = seen;
        (seen.ready, seen.joint, seen.busy, seen.contact_since) = (true, false, false, Some(0));
        let Some(one) = seen.nodes.get(&node).filter(|one| one.place == Place::Voter && one.wish != Wish::Leave).cloned() else {
            return Ok(());
        };
        if !answer(&seen, &settings, NOW, Request::Remove(node)).granted {
            return Ok(());
        }
        seen.nodes.insert(node, Seen { wish: Wish::Leave, ..one });
        for _ in 0..40 {
            let Some(change) = decide(&seen, &settings, NOW) else { break };
            seen = change.made_in(&seen);
        }
        prop_assert!(!seen.nodes.contains_key(&node), "node {node} is still there: {seen:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_cluster_that_lives_keeps_its_promises_and_comes_to_rest_once_all_are_well(
        founders in prop_oneof![Just(1_u64), Just(3), Just(5)],
        settings in settings(),
        events in prop::collection::vec(events(), 0..60),
    ) {
        let mut cluster = Cluster::founded(founders, settings);
        for event in events {
            cluster.happen(event);
            cluster.settle()?;
            let voters = cluster.seen.voters().len();
            prop_assert!(voters >= usize::try_from(founders).unwrap().min(LEAST_VOTERS));
            prop_assert!(!voters.is_multiple_of(2), "{voters} voters");
        }
        let made = cluster.heal()?;
        prop_assert!(made <= 40, "{made} changes");
        let at_rest = cluster.seen.clone();
        for hours in [1, 24, 240] {
            cluster.now += hours * 3_600_000;
            prop_assert_eq!(cluster.settle()?, 0, "silent once it is at rest: {:?}", at_rest);
        }
        rests_well(&cluster)?;
    }
}

#[test]
fn the_lives_that_are_tried_meet_every_kind_of_change() {
    let mut runner = TestRunner::deterministic();
    let lives = (prop_oneof![Just(1_u64), Just(3), Just(5)], settings(), prop::collection::vec(events(), 0..60));
    let mut met: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..500 {
        let (founders, settings, events) = lives.new_tree(&mut runner).unwrap().current();
        let mut cluster = Cluster::founded(founders, settings);
        for event in events {
            cluster.happen(event);
            cluster.settle().unwrap();
        }
        for (kind, count) in cluster.kinds {
            *met.entry(kind).or_default() += count;
        }
    }
    assert_eq!(met.len(), 6, "{met:?}");
    assert!(met.values().all(|count| *count >= 20), "{met:?}");
}

/// With everybody well: all that can join have joined, all that can vote vote, and whoever should not keeps a vote only because
/// nobody can take its place.
fn rests_well(cluster: &Cluster) -> Result<(), TestCaseError> {
    let spares = cluster.count(|one| one.place == Place::Learner && one.wish == Wish::Stay);
    let members = cluster.count(|one| one.place != Place::Enrolled);
    let voters = cluster.seen.voters();
    prop_assert!(cluster.count(|one| one.place == Place::Enrolled) == 0 || members == cluster.settings.max_members);
    prop_assert_eq!(cluster.count(|one| one.place == Place::Learner && one.wish == Wish::Leave), 0);
    prop_assert!(voters.len() + 2 > cluster.settings.target_voters || spares < 2, "room for {spares} spares");
    let leader = cluster.seen.leader;
    let unwanted: Vec<Wish> =
        cluster.seen.nodes.iter().filter(|(_, one)| one.place == Place::Voter).map(|(_, one)| one.wish).collect();
    let wanted = unwanted.iter().filter(|wish| **wish == Wish::Stay).count();
    if wanted > 0 {
        prop_assert_eq!(cluster.seen.nodes[&leader].wish, Wish::Stay, "somebody else leads");
    }
    let stuck = voters.len() - wanted;
    let nobody_left = wanted * 2 <= voters.len();
    prop_assert!(stuck == 0 || spares == 0 || nobody_left, "{stuck} should not vote, and there are {spares} spares");
    Ok(())
}
