//! One simulated node: its replica, and the shell's part of it, as plain data.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    Applied, Batch, Committed, Config, Effect, Hello, Input, NodeId, OpenError, Persist, Replica, Role, RoleChange,
    dice::Dice,
    found, founding_state,
    membership::Roster,
    sim::{
        SimDisk,
        failpoints::Point,
        machine::{Machine, State},
        orders::Order,
    },
    state_directory,
};

/// Name of the state directory before any snapshot was installed.
const ORIGINAL: &str = "original";

/// A snapshot the replica has accepted, on its way to become the state.
pub(crate) struct Install {
    pub(crate) id: String,
    pub(crate) index: u64,
    pub(crate) switch: Batch,
}

/// What waits to be given to the replica.
pub(crate) enum Delivery {
    Input(Input),
    /// Something to propose, stamped when the node looks at it.
    Ask {
        id: u64,
        what: Ask,
    },
}

/// What is to be proposed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ask {
    /// A client's request.
    Request(u64),
    /// Time passes; at the start of a term, since when nothing was applied.
    Time { since_ms: Option<i64> },
    /// Something about the members.
    Order(Order),
}

/// See the module's text. What a crash takes is taken in [`Node::crash`]; everything else survives.
#[allow(clippy::struct_excessive_bools, reason = "each says which of the shell's threads is at work")]
pub(crate) struct Node<M> {
    pub(crate) config: Config,
    pub(crate) disk: SimDisk,
    pub(crate) replica: Option<Replica<SimDisk>>,
    /// Writes and applies at once, instead of on threads of their own.
    pub(crate) synchronous: bool,
    /// Grows with each start and crash; events of an earlier life are void.
    pub(crate) life: u64,
    pub(crate) paused_until: u64,
    pub(crate) slow_until: u64,
    /// How far its system clock is wrong …
    pub(crate) system_clock: i64,
    /// … how far it is when nobody has touched it …
    pub(crate) skew: i64,
    /// … and the clock it stamps with.
    pub(crate) stamping_clock: i64,
    pub(crate) inbox: Vec<Delivery>,
    pub(crate) woken: bool,
    /// Its effects are being carried out.
    pub(crate) stepping: bool,
    pub(crate) role: RoleChange,
    /// The last term that it began as a leader does.
    pub(crate) begun_term: u64,
    /// It will die at this point, the so manieth time it comes there.
    pub(crate) fuse: Option<(Point, u64)>,
    pub(crate) writing: VecDeque<Persist>,
    pub(crate) writer_busy: bool,
    pub(crate) applying: VecDeque<Committed>,
    pub(crate) applier_busy: bool,
    pub(crate) installing: Option<Install>,
    pub(crate) state: State<M>,
    /// What is durable of each state directory.
    pub(crate) directories: BTreeMap<String, State<M>>,
    pub(crate) directory: String,
    pub(crate) checkpoints: BTreeMap<String, State<M>>,
    /// It has lost its disk once, and what it had promised with it: nobody is to believe it any more.
    pub(crate) wiped: bool,
    /// Its disk was made to fail: it may stop, or refuse to start, with a sentence.
    pub(crate) excused: bool,
    /// It cannot start any more, because what its disk holds is damaged.
    pub(crate) beyond_repair: bool,
    /// The disk it lost.
    lost_disk: Option<SimDisk>,
    /// It came later than the founding nodes.
    pub(crate) joined: bool,
    /// It was removed and knows, or was given up: its number is used up, and it starts no more.
    pub(crate) retired: bool,
    /// It is switched off until then.
    pub(crate) away_until: u64,
    /// Since when it leads and has committed in its term.
    pub(crate) ready_since: u64,
    /// The roster that its replica was told last.
    pub(crate) told: Roster,
    /// When it heard whom last.
    pub(crate) heard: BTreeMap<NodeId, u64>,
}

impl<M: Machine> Node<M> {
    /// On an empty disk, as one of the founding voters, or as one that joins where none are given.
    pub(crate) fn new(hello: Hello, voters: &[NodeId], synchronous: bool, adjust: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new(hello);
        adjust(&mut config);
        let disk = SimDisk::new();
        found(&disk, &config.hello, voters).expect("an empty disk can be founded");
        let state = State::new(founding_state(&disk).expect("a simulated disk does not fail"));
        Self {
            config,
            disk,
            replica: None,
            synchronous,
            life: 0,
            paused_until: 0,
            slow_until: 0,
            system_clock: 0,
            skew: 0,
            stamping_clock: 0,
            inbox: Vec::new(),
            woken: false,
            stepping: false,
            role: RoleChange { role: Role::Follower, term: 0, leader: 0, ready: false },
            begun_term: 0,
            fuse: None,
            writing: VecDeque::new(),
            writer_busy: false,
            applying: VecDeque::new(),
            applier_busy: false,
            installing: None,
            directories: [(ORIGINAL.to_owned(), state.clone())].into(),
            state,
            directory: ORIGINAL.to_owned(),
            checkpoints: BTreeMap::new(),
            wiped: false,
            excused: false,
            beyond_repair: false,
            lost_disk: None,
            joined: false,
            retired: false,
            away_until: 0,
            ready_since: 0,
            told: Roster::default(),
            heard: BTreeMap::new(),
        }
    }

    /// Starts from what the disks hold.
    pub(crate) fn start(&mut self, seed: u64, logger: &slog::Logger, now: u64) -> Result<Vec<Effect>, OpenError> {
        self.directory = state_directory(&self.disk)?.unwrap_or_else(|| ORIGINAL.to_owned());
        let state = self.directories.get(&self.directory);
        self.state = state.expect("the directory that the log names was synced before the switch").clone();
        let directory = self.directory.clone();
        self.directories.retain(|name, _| *name == directory);
        let applied: Applied = self.state.applied.clone();
        let (replica, effects) = Replica::open(self.config.clone(), self.disk.clone(), applied, seed, logger, now)?;
        self.replica = Some(replica);
        self.life += 1;
        self.paused_until = 0;
        self.stamping_clock = self.system_clock;
        self.begun_term = 0;
        self.excused = self.disk.is_troubled();
        Ok(effects)
    }

    /// The process dies, and the machine loses what was not synced. How many writes that were.
    pub(crate) fn crash(&mut self, dice: &mut Dice) -> u64 {
        self.replica = None;
        self.life += 1;
        self.inbox.clear();
        self.woken = false;
        self.fuse = None;
        self.writing.clear();
        self.applying.clear();
        (self.writer_busy, self.applier_busy) = (false, false);
        self.installing = None;
        self.checkpoints.clear();
        self.role.role = Role::Follower;
        self.role.ready = false;
        self.heard.clear();
        if dice.chance(500) {
            // All of the state's writes happened to reach the disk.
            self.sync_state();
        }
        self.disk.crash(dice) as u64
    }

    /// An empty disk takes the place of this one, founded as the first was.
    pub(crate) fn wipe(&mut self, voters: &[NodeId]) {
        let mut hello = self.config.hello.clone();
        hello.incarnation.push_str(", replaced");
        let voters = if self.joined { &[] } else { voters };
        let mut anew = Self::new(hello.clone(), voters, self.synchronous, |config| {
            config.clone_from(&self.config);
            config.hello = hello;
        });
        (anew.life, anew.wiped, anew.joined, anew.away_until) = (self.life, true, self.joined, self.away_until);
        (anew.system_clock, anew.skew) = (self.system_clock, self.skew);
        anew.lost_disk = Some(std::mem::take(&mut self.disk));
        *self = anew;
    }

    /// Whether the entry would survive a crash now, or did until the disk was lost.
    pub(crate) fn held(&self, index: u64, term: u64) -> bool {
        [Some(&self.disk), self.lost_disk.as_ref()].into_iter().flatten().any(|disk| disk.holds(index, term))
    }

    pub(crate) fn sync_state(&mut self) {
        self.directories.insert(self.directory.clone(), self.state.clone());
    }

    pub(crate) fn is_up(&self) -> bool {
        self.replica.is_some()
    }

    /// Its data cannot be counted on any more.
    pub(crate) fn is_damaged(&self) -> bool {
        self.wiped || self.beyond_repair || self.disk.is_damaged()
    }

    /// All that is queued, as one batch: its last number, whether it is to be synced, and what to write.
    pub(crate) fn merge_writes(&mut self) -> Option<(u64, bool, Batch)> {
        let last = self.writing.back().map(|persist| persist.number)?;
        let mut merged = Batch::default();
        let mut sync = false;
        for persist in self.writing.drain(..) {
            sync |= persist.must_sync;
            merged.append(persist.batch);
        }
        Some((last, sync, merged))
    }
}
