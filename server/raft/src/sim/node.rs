//! One simulated node: its replica, and the shell's part of it, as plain data.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    Applied, Batch, Committed, Config, Effect, Hello, Input, NodeId, Persist, Replica, Role, RoleChange,
    dice::Dice,
    found, founding_state,
    sim::{
        SimDisk,
        machine::{Machine, State},
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

/// See the module's text. What a crash takes is taken in [`Node::crash`]; everything else survives.
#[allow(clippy::struct_excessive_bools, reason = "each says which of the shell's threads is at work")]
pub(crate) struct Node<M> {
    pub(crate) config: Config,
    pub(crate) disk: SimDisk,
    pub(crate) replica: Option<Replica<SimDisk>>,
    /// Writes and applies at once, instead of on threads of their own.
    pub(crate) synchronous: bool,
    /// Grows with each start; events of an earlier life are void.
    pub(crate) life: u64,
    pub(crate) paused_until: u64,
    /// How far its system clock is wrong …
    pub(crate) system_clock: i64,
    /// … and the clock it stamps with.
    pub(crate) stamping_clock: i64,
    pub(crate) inbox: Vec<Input>,
    pub(crate) woken: bool,
    pub(crate) role: RoleChange,
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
    /// The disk it lost.
    lost_disk: Option<SimDisk>,
}

impl<M: Machine> Node<M> {
    pub(crate) fn found(id: NodeId, voters: &[NodeId], synchronous: bool, adjust: impl FnOnce(&mut Config)) -> Self {
        let hello = Hello { cluster_id: "simulated".to_owned(), epoch: 1, node: id, incarnation: format!("disk {id}") };
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
            system_clock: 0,
            stamping_clock: 0,
            inbox: Vec::new(),
            woken: false,
            role: RoleChange { role: Role::Follower, term: 0, leader: 0, ready: false },
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
            lost_disk: None,
        }
    }

    /// Starts from what the disks hold.
    pub(crate) fn start(&mut self, seed: u64, logger: slog::Logger, now: u64) -> Result<Vec<Effect>, String> {
        let named = state_directory(&self.disk).map_err(|error| error.to_string())?;
        self.directory = named.unwrap_or_else(|| ORIGINAL.to_owned());
        let state = self.directories.get(&self.directory);
        self.state = state.ok_or_else(|| format!("the state directory {:?} is gone", self.directory))?.clone();
        let directory = self.directory.clone();
        self.directories.retain(|name, _| *name == directory);
        let applied: Applied = self.state.applied.clone();
        let opened = Replica::open(self.config.clone(), self.disk.clone(), applied, seed, logger, now);
        let (replica, effects) = opened.map_err(|error| error.to_string())?;
        self.replica = Some(replica);
        self.life += 1;
        self.paused_until = 0;
        self.stamping_clock = self.system_clock;
        Ok(effects)
    }

    /// The process dies, and the machine loses what was not synced. How many writes that were.
    pub(crate) fn crash(&mut self, dice: &mut Dice) -> u64 {
        self.replica = None;
        self.life += 1;
        self.inbox.clear();
        self.woken = false;
        self.writing.clear();
        self.applying.clear();
        (self.writer_busy, self.applier_busy) = (false, false);
        self.installing = None;
        self.checkpoints.clear();
        self.role.role = Role::Follower;
        self.role.ready = false;
        if dice.chance(500) {
            // All of the state's writes happened to reach the disk.
            self.sync_state();
        }
        self.disk.crash(dice) as u64
    }

    /// An empty disk takes the place of this one, founded as the first was.
    pub(crate) fn wipe(&mut self, voters: &[NodeId]) {
        let mut anew = Self::found(self.config.node, voters, self.synchronous, |config| {
            config.clone_from(&self.config);
            config.hello.incarnation.push_str(", replaced");
        });
        (anew.life, anew.wiped, anew.system_clock) = (self.life, true, self.system_clock);
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

    /// The switch: from here on the staged directory is the state.
    pub(crate) fn switch(&mut self) -> Result<Option<Input>, String> {
        let Some(install) = self.installing.take() else { return Ok(None) };
        let staged = self.directories.get(&install.id);
        self.state = staged.ok_or_else(|| format!("the staged snapshot {} is gone", install.id))?.clone();
        if self.state.applied.index != install.index {
            return Err(format!(
                "snapshot {} is of {}, not of {}",
                install.id, self.state.applied.index, install.index
            ));
        }
        self.applying.clear();
        self.directory.clone_from(&install.id);
        self.write(&install.switch, true)?;
        Ok(Some(Input::SnapshotInstalled { id: install.id }))
    }

    pub(crate) fn write(&self, batch: &Batch, sync: bool) -> Result<(), String> {
        use crate::Disk;
        self.disk.write(batch).map_err(|error| error.to_string())?;
        if sync { self.disk.sync().map_err(|error| error.to_string()) } else { Ok(()) }
    }

    /// Begins to write all that is queued, as one batch. The last number and whether it is to be synced.
    pub(crate) fn begin_write(&mut self) -> Result<Option<(u64, bool)>, String> {
        let Some(last) = self.writing.back().map(|persist| persist.number) else { return Ok(None) };
        let mut merged = Batch::default();
        let mut sync = false;
        for persist in self.writing.drain(..) {
            sync |= persist.must_sync;
            merged.append(persist.batch);
        }
        self.write(&merged, false)?;
        self.writer_busy = true;
        Ok(Some((last, sync)))
    }
}
