//! The faults of a run, drawn from its seed: what, how long, how far. Whom it hits is said relatively (the leader, the
//! third of those that run): who leads at that moment is not for a seed to say, so a seed repeats the plan, not the run.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::dice::Dice;

/// A kind of fault. Each has an end, which is as much a part of it as its begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// SIGKILL to the leader; started again.
    KillLeader,
    /// SIGKILL to any node; started again.
    KillOne,
    /// SIGKILL to a majority at once; started again.
    KillMajority,
    /// SIGKILL to all; started again.
    KillAll,
    /// SIGSTOP to the leader; SIGCONT.
    PauseLeader,
    /// SIGSTOP to any node; SIGCONT.
    PauseOne,
    /// The leader and the others do not hear each other.
    IsolateLeader,
    /// The nodes fall in two halves that do not hear each other.
    Split,
    /// One direction only: the leader, or any node, is not heard, or does not hear.
    OneWay,
    /// A share of all packets between nodes is lost.
    Loss,
    /// What nodes say to each other comes late.
    Delay,
    /// A node's disk is full.
    DiskFull,
    /// A node's clock, or everyone's, is set to another time; and back.
    ClockJump,
    /// SIGTERM to one node after the other, each started again before the next.
    RollingRestart,
    /// One node after the other leaves for good, after a new one has joined in its place.
    RollingReplacement,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::KillLeader,
        Self::KillOne,
        Self::KillMajority,
        Self::KillAll,
        Self::PauseLeader,
        Self::PauseOne,
        Self::IsolateLeader,
        Self::Split,
        Self::OneWay,
        Self::Loss,
        Self::Delay,
        Self::DiskFull,
        Self::ClockJump,
        Self::RollingRestart,
        Self::RollingReplacement,
    ];

    /// As reports name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::KillLeader => "kill_leader",
            Self::KillOne => "kill_any",
            Self::KillMajority => "kill_majority",
            Self::KillAll => "kill_all",
            Self::PauseLeader => "pause_leader",
            Self::PauseOne => "pause_any",
            Self::IsolateLeader => "isolate_leader",
            Self::Split => "partition",
            Self::OneWay => "partition_one_way",
            Self::Loss => "packet_loss",
            Self::Delay => "delay",
            Self::DiskFull => "disk_full",
            Self::ClockJump => "clock_jump",
            Self::RollingRestart => "rolling_restart",
            Self::RollingReplacement => "rolling_replacement",
        }
    }

    /// Faults of two families can overlap: one has no say in how the other begins and ends.
    fn family(self) -> u8 {
        match self {
            Self::KillLeader | Self::KillOne | Self::KillMajority | Self::KillAll | Self::RollingRestart => 0,
            Self::PauseLeader | Self::PauseOne | Self::DiskFull => 1,
            Self::IsolateLeader | Self::Split | Self::OneWay => 2,
            Self::Loss => 3,
            Self::Delay => 4,
            Self::ClockJump => 5,
            Self::RollingReplacement => 6,
        }
    }

    /// Whether it takes a fault of its own: who the nodes are is another thing after it, and so is whom an end is about.
    fn is_alone(self) -> bool {
        self == Self::RollingReplacement
    }

    fn goes_with(self, other: Self) -> bool {
        self.family() != other.family() && !self.is_alone() && !other.is_alone()
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|kind| kind.name()).collect();
            format!("no fault is called `{name}`; there are {}", names.join(", "))
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A fault as it is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub kind: Kind,
    /// Luck for everything that is decided when it begins.
    pub dice: u64,
}

/// One or two faults at the same time, after a quiet while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Episode {
    /// Nothing is wrong for this long.
    pub quiet: Duration,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// For how long.
    pub hold: Duration,
}

/// The episodes of a seed, without end.
#[derive(Clone, Debug)]
pub struct Plan {
    dice: Dice,
    kinds: Vec<Kind>,
    deck: Vec<Kind>,
    /// Some faults last longer: a node that was away for long needs a snapshot.
    long: bool,
}

impl Plan {
    /// The plan of a seed for a run that long, of these kinds; of all where none is named.
    #[must_use]
    pub fn new(seed: u64, length: Duration, kinds: &[Kind]) -> Self {
        let kinds = if kinds.is_empty() { Kind::ALL.to_vec() } else { kinds.to_vec() };
        Self { dice: Dice::new(seed, 0), kinds, deck: Vec::new(), long: length >= Duration::from_mins(5) }
    }

    /// The next kind: every kind comes once before any comes again.
    fn draw(&mut self) -> Kind {
        if self.deck.is_empty() {
            self.deck.clone_from(&self.kinds);
            self.dice.shuffle(&mut self.deck);
        }
        self.deck.pop().unwrap_or(Kind::KillLeader)
    }
}

impl Iterator for Plan {
    type Item = Episode;

    fn next(&mut self) -> Option<Episode> {
        let quiet = self.dice.millis(500, 2_500);
        let mut kinds = vec![self.draw()];
        if self.dice.chance(25)
            && let Some(at) = self.deck.iter().rposition(|kind| kind.goes_with(kinds[0]))
        {
            kinds.push(self.deck.remove(at));
        }
        let faults = kinds.into_iter().map(|kind| Fault { kind, dice: self.dice.roll() }).collect();
        let hold = if self.long && self.dice.chance(10) {
            self.dice.millis(10_000, 25_000)
        } else {
            self.dice.millis(1_000, 5_000)
        };
        Some(Episode { quiet, faults, hold })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn a_seed_repeats_its_plan_and_another_one_has_another() {
        let first: Vec<Episode> = Plan::new(7, HOUR, &[]).take(50).collect();
        assert_eq!(first, Plan::new(7, HOUR, &[]).take(50).collect::<Vec<_>>());
        assert_ne!(first, Plan::new(8, HOUR, &[]).take(50).collect::<Vec<_>>());
    }

    #[test]
    fn every_kind_comes_before_any_comes_again() {
        let drawn: Vec<Kind> =
            Plan::new(3, HOUR, &[]).take(40).flat_map(|episode| episode.faults).map(|fault| fault.kind).collect();
        for deck in drawn.chunks_exact(Kind::ALL.len()) {
            assert_eq!(deck.iter().collect::<BTreeSet<_>>().len(), Kind::ALL.len(), "{deck:?}");
        }
    }

    #[test]
    fn two_faults_at_once_are_of_different_families_and_some_last_long() {
        let episodes: Vec<Episode> = Plan::new(11, HOUR, &[]).take(500).collect();
        let pairs: Vec<&Episode> = episodes.iter().filter(|episode| episode.faults.len() == 2).collect();
        assert!(pairs.len() > 50, "{}", pairs.len());
        assert!(pairs.iter().all(|pair| pair.faults[0].kind.goes_with(pair.faults[1].kind)));
        assert!(pairs.iter().all(|pair| pair.faults.iter().all(|fault| !fault.kind.is_alone())));
        assert!(episodes.iter().any(|episode| episode.hold >= Duration::from_secs(10)));
        assert!(
            Plan::new(11, Duration::from_mins(1), &[]).take(500).all(|episode| episode.hold <= Duration::from_secs(5))
        );
    }

    #[test]
    fn kinds_have_names_of_their_own() {
        assert_eq!(Kind::ALL.iter().map(|kind| kind.name()).collect::<BTreeSet<_>>().len(), Kind::ALL.len());
        assert!(Kind::ALL.iter().all(|kind| kind.name().parse() == Ok(*kind)));
        assert!("earthquake".parse::<Kind>().unwrap_err().contains("kill_leader"));
    }
}
