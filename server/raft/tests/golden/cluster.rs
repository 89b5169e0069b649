//! A cluster in memory whose every move a script decides: messages lie in a queue until they are delivered, and writes
//! become durable at once or when the script says so.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use lectern_raft::{
    Applied, Committed, CommittedKind, Config, Disk, Effect, Greeting, Hello, Input, NodeId, Persist, Replica, Reply,
    SnapshotMeta, describe_message, encode_conf_state, finish_recovery, found, founding_state,
    membership::{Roster, RosterError, Settings},
    prospect, read_entries, recover,
    sim::{Dice, SimDisk},
    state_directory,
};

/// What is on its way.
pub enum Parcel {
    Message(Vec<u8>),
    Snapshot { id: String, bytes: Vec<u8>, state: State },
}

/// What a node has applied.
#[derive(Clone, Default)]
pub struct State {
    pub applied: Applied,
    pub commands: Vec<String>,
    pub roster: Roster,
}

impl State {
    fn founded(disk: &SimDisk) -> Self {
        let applied = founding_state(disk).unwrap();
        let mut roster = Roster::default();
        roster.configured(&applied.conf_state);
        Self { applied, commands: Vec::new(), roster }
    }
}

pub struct Node {
    pub config: Config,
    pub disk: SimDisk,
    pub replica: Option<Replica<SimDisk>>,
    pub state: State,
    checkpoints: BTreeMap<String, State>,
    staged: BTreeMap<String, State>,
    /// What is to be said once the switch to a snapshot is made.
    installing: Vec<Input>,
    /// The checkpoint it sent last.
    pub sending: String,
    pub writing: VecDeque<Persist>,
}

#[derive(Default)]
#[allow(clippy::struct_excessive_bools)] // Each is a wish of a script.
pub struct Cluster {
    pub nodes: BTreeMap<NodeId, Node>,
    pub queue: VecDeque<(NodeId, NodeId, Parcel)>,
    pub cut: BTreeSet<NodeId>,
    /// Writes wait for `persist`.
    pub manual_writes: bool,
    /// Snapshots vanish on the way, and nobody says so.
    pub lose_snapshots: bool,
    /// The switch to a snapshot waits for `install`.
    pub manual_installs: bool,
    /// Seconds take the place of minutes and hours where membership is decided.
    pub hurried: bool,
    pub now: u64,
    request: u64,
    checkpoint: u64,
    pub output: String,
}

/// So many messages without a tick between them are a cluster that never comes to rest.
const MOST_DELIVERED: usize = 50_000;

/// The connections of a node that called, and of one that was called and answered.
const DIALED: u64 = 1;
const ANSWERED: u64 = 2;

pub fn hello(node: NodeId) -> Hello {
    Hello { cluster_id: "golden".into(), epoch: 1, node, incarnation: format!("disk-{node}") }
}

impl Cluster {
    pub fn say(&mut self, line: impl AsRef<str>) {
        self.output += line.as_ref();
        self.output.push('\n');
    }

    pub fn add(&mut self, id: NodeId, voters: &[NodeId], adjust: impl FnOnce(&mut Config)) {
        let mut config = Config::new(hello(id));
        if self.hurried {
            config.membership = hurried();
        }
        adjust(&mut config);
        let disk = SimDisk::new();
        found(&disk, &config.hello, voters).unwrap();
        let state = State::founded(&disk);
        let node = Node {
            config,
            disk,
            replica: None,
            state,
            checkpoints: BTreeMap::new(),
            staged: BTreeMap::new(),
            installing: Vec::new(),
            sending: String::new(),
            writing: VecDeque::new(),
        };
        self.nodes.insert(id, node);
    }

    pub fn start(&mut self, id: NodeId) -> Result<(), String> {
        self.start_without_clocks(id)?;
        self.compare_clocks(id, None, 0);
        Ok(())
    }

    pub fn start_without_clocks(&mut self, id: NodeId) -> Result<(), String> {
        let now = self.now;
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        let node = self.nodes.get_mut(&id).unwrap();
        let opened =
            Replica::open(node.config.clone(), node.disk.clone(), node.state.applied.clone(), id, &logger, now);
        let (replica, effects) = opened.map_err(|error| error.to_string())?;
        node.replica = Some(replica);
        let roster = node.state.roster.clone();
        self.carry_out(id, effects);
        self.feed(id, vec![Input::Roster(roster)]);
        Ok(())
    }

    /// A stopped node is made the whole cluster, under another epoch.
    pub fn recover(&mut self, id: NodeId, epoch: u64) -> Result<(), String> {
        let node = self.nodes.get_mut(&id).unwrap();
        let warning = prospect(&node.disk, &node.state.applied).map_err(|error| error.to_string())?.warning();
        let recovery = recover(&node.disk, &node.state.applied, epoch).map_err(|error| error.to_string())?;
        node.config.hello = recovery.identity;
        node.state.roster.recovered(&recovery.conf_state);
        node.state.applied.conf_state = recovery.conf_state;
        finish_recovery(&node.disk).map_err(|error| error.to_string())?;
        self.say(warning);
        Ok(())
    }

    /// A node calls another, which answers if it accepts the call.
    pub fn call(&mut self, from: NodeId, to: NodeId) {
        let greeting = self.greeting(from, false);
        self.feed(to, vec![Input::Hello { connection: DIALED, greeting }]);
    }

    pub fn greeting(&self, id: NodeId, welcomed: bool) -> Greeting {
        let node = &self.nodes[&id];
        let status = node.replica.as_ref().map(Replica::status);
        let of = |status: lectern_raft::Status| (status.configured_at, status.is_member(), status.durable_index);
        let (configured_at, member, durable) = status.map_or((0, false, 0), of);
        Greeting { hello: node.config.hello.clone(), configured_at, member, durable, welcomed }
    }

    /// Everyone, or one peer, measures that this node's clock is ahead by so much.
    pub fn compare_clocks(&mut self, id: NodeId, with: Option<NodeId>, ahead_ms: i64) {
        let meets = |other: NodeId| other != id && with.is_none_or(|with| with == other);
        let others: Vec<NodeId> = self.nodes.keys().copied().filter(|other| meets(*other)).collect();
        for peer in others {
            self.feed(id, vec![Input::ClockOffset { peer, offset_ms: -ahead_ms }]);
            self.feed(peer, vec![Input::ClockOffset { peer: id, offset_ms: ahead_ms }]);
        }
    }

    /// The process ends; what was not synced is lost.
    pub fn crash(&mut self, id: NodeId) {
        let node = self.nodes.get_mut(&id).unwrap();
        node.replica = None;
        node.writing.clear();
        node.disk.crash(&mut Dice::new(0));
        self.queue.retain(|(from, to, _)| *from != id && *to != id);
    }

    pub fn request(&mut self) -> u64 {
        self.request += 1;
        self.request
    }

    pub fn feed(&mut self, id: NodeId, inputs: Vec<Input>) {
        let now = self.now;
        let Some(replica) = self.nodes.get_mut(&id).and_then(|node| node.replica.as_mut()) else { return };
        let effects = replica.step(inputs, now);
        self.carry_out(id, effects);
    }

    fn carry_out(&mut self, id: NodeId, effects: Vec<Effect>) {
        let mut feedback = Vec::new();
        for effect in effects {
            feedback.append(&mut self.carry_out_one(id, effect));
        }
        if !feedback.is_empty() {
            self.feed(id, feedback);
        }
    }

    fn carry_out_one(&mut self, id: NodeId, effect: Effect) -> Vec<Input> {
        match effect {
            Effect::Persist(persist) => return self.persist(id, persist).into_iter().collect(),
            Effect::Send { to, bytes, .. } => self.queue.push_back((id, to, Parcel::Message(bytes))),
            Effect::Apply(entries) => return self.apply(id, entries),
            Effect::FetchEntries { fetch, low, high } => {
                self.say(format!("n{id} fetches entries {low}..{high}"));
                let result = read_entries(&self.nodes[&id].disk, low, high).map_err(|problem| problem.to_string());
                return vec![Input::EntriesFetched { fetch, result }];
            }
            Effect::MakeSnapshot { to, at_least } => return vec![self.make_snapshot(id, to, at_least)],
            Effect::SendSnapshot { to, id: snapshot, bytes } => {
                let state = self.nodes.get_mut(&id).unwrap().checkpoints.remove(&snapshot).unwrap();
                self.say(format!("n{id} sends n{to} a snapshot of {}", state.applied.index));
                self.nodes.get_mut(&id).unwrap().sending.clone_from(&snapshot);
                if !self.lose_snapshots {
                    self.queue.push_back((id, to, Parcel::Snapshot { id: snapshot, bytes, state }));
                }
            }
            Effect::Install { id: snapshot, index, switch, .. } => {
                self.say(format!("n{id} installs a snapshot of {index}"));
                let node = self.nodes.get_mut(&id).unwrap();
                node.state = node.staged.remove(&snapshot).unwrap();
                node.disk.write(&switch).unwrap();
                node.disk.sync().unwrap();
                assert_eq!(state_directory(&node.disk), Ok(Some(snapshot.clone())));
                let roster = node.state.roster.clone();
                node.installing = vec![Input::SnapshotInstalled { id: snapshot }, Input::Roster(roster)];
                return if self.manual_installs { Vec::new() } else { self.installed(id) };
            }
            Effect::DiscardSnapshot { id: snapshot } => {
                self.say(format!("n{id} discards a snapshot"));
                let node = self.nodes.get_mut(&id).unwrap();
                node.checkpoints.remove(&snapshot);
                node.staged.remove(&snapshot);
            }
            Effect::Compact { through, batch } => {
                self.say(format!("n{id} compacts through {through}"));
                self.nodes[&id].disk.write(&batch).unwrap();
                return vec![Input::Compacted { through }];
            }
            Effect::Welcome { connection, peer, result } => {
                let accepted = result.is_ok();
                let answer = result.map_or_else(
                    |away| format!("refuses it{}: {}", if away.removed { " for good" } else { "" }, away.reason),
                    |_| "accepts it".to_owned(),
                );
                self.say(format!("n{id} heard hello of n{peer} and {answer}"));
                if accepted && connection == DIALED {
                    let greeting = self.greeting(id, true);
                    self.feed(peer, vec![Input::Hello { connection: ANSWERED, greeting }]);
                }
            }
            Effect::Disconnect { peer } => self.say(format!("n{id} closes the connection of n{peer}")),
            Effect::MoveClock { by_ms } => self.say(format!("n{id} moves its clock by {by_ms} ms")),
            Effect::Reply(reply) => self.reply(id, &reply),
            Effect::RoleChanged(change) => self.say(format!(
                "n{id} {:?} term {} leader {}{}",
                change.role,
                change.term,
                change.leader,
                if change.ready { " ready" } else { "" }
            )),
            Effect::Stop(reason) => self.say(format!("n{id} STOPS: {reason}")),
        }
        Vec::new()
    }

    fn persist(&mut self, id: NodeId, persist: Persist) -> Option<Input> {
        if let Some(from) = persist.truncate_from {
            self.say(format!("n{id} replaces its log from {from} on"));
        }
        let node = self.nodes.get_mut(&id).unwrap();
        if !self.manual_writes {
            node.disk.write(&persist.batch).unwrap();
            if persist.must_sync {
                node.disk.sync().unwrap();
            }
            return Some(Input::Persisted(persist.number));
        }
        let entries = persist.entries.iter().map(|entry| entry.index.to_string()).collect::<Vec<_>>().join(" ");
        let vote =
            persist.hard_state.as_ref().map_or(String::new(), |hard| format!(" term {} vote {}", hard.term, hard.vote));
        let line = format!("n{id} writes entries [{entries}]{vote}{}", if persist.must_sync { " (sync)" } else { "" });
        node.writing.push_back(persist);
        self.say(line);
        None
    }

    /// What the node was writing becomes durable.
    pub fn finish_writes(&mut self, id: NodeId) {
        let node = self.nodes.get_mut(&id).unwrap();
        let mut last = None;
        for persist in node.writing.drain(..) {
            node.disk.write(&persist.batch).unwrap();
            last = Some(Input::Persisted(persist.number));
        }
        node.disk.sync().unwrap();
        self.feed(id, last.into_iter().collect());
    }

    /// The switch to a snapshot is made.
    pub fn installed(&mut self, id: NodeId) -> Vec<Input> {
        std::mem::take(&mut self.nodes.get_mut(&id).unwrap().installing)
    }

    fn apply(&mut self, id: NodeId, entries: Vec<Committed>) -> Vec<Input> {
        let mut last = None;
        let before = self.nodes[&id].state.roster.clone();
        for Committed { index, term, kind, proposal } in entries {
            let state = &mut self.nodes.get_mut(&id).unwrap().state;
            assert_eq!(index, state.applied.index + 1, "entries are applied in order");
            (state.applied.index, state.applied.term) = (index, term);
            let what = match kind {
                CommittedKind::Command(data) => {
                    let command = String::from_utf8_lossy(&data).into_owned();
                    let outcome = enlist(&mut state.roster, &command).unwrap_or_else(|| {
                        state.commands.push(command.clone());
                        String::new()
                    });
                    format!("{command:?}{outcome}")
                }
                CommittedKind::Empty => "nothing".to_owned(),
                CommittedKind::Configuration(conf) => {
                    state.applied.conf_state = conf.clone();
                    state.roster.configured(&conf);
                    format!(
                        "voters {:?} outgoing {:?} learners {:?}{}",
                        conf.voters,
                        conf.voters_outgoing,
                        conf.learners,
                        if conf.auto_leave { " leaving by itself" } else { "" }
                    )
                }
            };
            let ours = proposal.map_or(String::new(), |request| format!(" (request {request})"));
            self.say(format!("n{id} applies {index}@{term} {what}{ours}"));
            last = Some(Input::Applied { index });
        }
        let roster = self.nodes[&id].state.roster.clone();
        let changed = (roster != before).then_some(Input::Roster(roster));
        changed.into_iter().chain(last).collect()
    }

    fn make_snapshot(&mut self, id: NodeId, to: NodeId, at_least: u64) -> Input {
        self.checkpoint += 1;
        let name = format!("checkpoint-{}", self.checkpoint);
        let node = self.nodes.get_mut(&id).unwrap();
        let state = node.state.clone();
        assert!(state.applied.index >= at_least);
        let (index, term) = (state.applied.index, state.applied.term);
        let conf_state = encode_conf_state(&state.applied.conf_state);
        node.checkpoints.insert(name.clone(), state);
        Input::SnapshotMade { to, result: Ok(SnapshotMeta { id: name, index, term, conf_state }) }
    }

    fn reply(&mut self, id: NodeId, reply: &Reply) {
        let line = match reply {
            Reply::Appended { id: request, index, term } => format!("request {request} is at {index}@{term}"),
            Reply::ProposalRefused { id: request, why } => format!("request {request} is refused: {why:?}"),
            Reply::OutcomeUnknown { id: request } => format!("request {request} has an unknown outcome"),
            Reply::ReadReady { id: request, index } => {
                let applied = self.nodes[&id].state.applied.index;
                assert!(applied >= *index, "trap 14");
                format!("read {request} may read at {index}")
            }
            Reply::ReadRefused { id: request, why } => format!("read {request} is refused: {why:?}"),
        };
        self.say(format!("n{id} {line}"));
    }

    /// Delivers what matches, until nothing is left that does.
    pub fn deliver(&mut self, matches: impl Fn(NodeId, NodeId, &str) -> bool) {
        let (mut at, mut delivered) = (0, 0);
        while at < self.queue.len() {
            delivered += 1;
            assert!(delivered < MOST_DELIVERED, "the cluster never comes to rest");
            let (from, to, parcel) = &self.queue[at];
            if !matches(*from, *to, &describe(parcel)) {
                at += 1;
                continue;
            }
            let (from, to, parcel) = self.queue.remove(at).unwrap();
            if self.cut.contains(&from) || self.cut.contains(&to) || !self.nodes.contains_key(&to) {
                continue;
            }
            match parcel {
                Parcel::Message(bytes) => self.feed(to, vec![Input::Message { from, bytes }]),
                Parcel::Snapshot { id, bytes, state } => {
                    self.feed(from, vec![Input::SnapshotSent { to, id, ok: true }]);
                    let id = format!("staged-{}", state.applied.index);
                    self.nodes.get_mut(&to).unwrap().staged.insert(id.clone(), state);
                    self.feed(to, vec![Input::SnapshotStaged { id, from, bytes }]);
                }
            }
        }
    }
}

/// Carries out a command for the roster: `enrol DISK`, `remove N`, `drain N` or `restore N`. What came of it; `None` where it is
/// none.
fn enlist(roster: &mut Roster, command: &str) -> Option<String> {
    let (verb, object) = command.split_once(' ')?;
    let node = || object.parse::<NodeId>().unwrap();
    let outcome: Result<NodeId, RosterError> = match verb {
        "enrol" => roster.enrol(object, Vec::new()),
        "remove" => roster.remove(node()).map(|()| node()),
        "drain" => roster.drain(node(), true).map(|()| node()),
        "restore" => roster.drain(node(), false).map(|()| node()),
        _ => return None,
    };
    Some(outcome.map_or_else(|refusal| format!(": {refusal}"), |node| format!(": node {node}")))
}

fn hurried() -> Settings {
    Settings {
        settle_ms: 1_000,
        lag_ms: 100,
        ready_ms: 1_000,
        degraded_ms: 2_000,
        replace_ms: 5_000,
        forget_ms: 20_000,
        retry_ms: 500,
        ..Settings::default()
    }
}

pub fn describe(parcel: &Parcel) -> String {
    match parcel {
        Parcel::Message(bytes) => describe_message(bytes),
        Parcel::Snapshot { bytes, .. } => format!("{} with its files", describe_message(bytes)),
    }
}
