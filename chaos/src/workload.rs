//! The clients: each asks for one thing after the other, at one node after the other, and notes what it saw.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::check::key::{KeyAnswer, KeyCall};
use crate::check::list::{Add, Look};
use crate::check::models::{Holds, RegisterOp, VersionedOp, VersionedRet};
use crate::check::{Clock, Entry, Finding, Nanos};
use crate::dice::Dice;
use crate::pulse::Pulse;
use crate::round::{Cell, Keyed, REGISTERS, Round, lock};
use crate::service::{Answer, Change, Changed, Question, Refusal, Seen, Service};

/// How often one change is tried at most, over nodes and leaders.
const MAX_TRIES: u64 = 6;
/// An old key is one of the latest so many, or any: some are repeated after minutes.
const RECENT_KEYS: usize = 50;
/// Reasons of refusals that are answers.
const STALE: &str = "STALE_REVISION";
const TAKEN: &str = "KEY_REUSED";

/// What all clients share.
#[derive(Debug)]
pub struct World<S> {
    /// The cluster, or what is put in its place.
    pub service: S,
    /// The clock of all histories.
    pub clock: Clock,
    /// Acknowledged writes.
    pub pulse: Pulse,
    /// What was found to be wrong.
    pub findings: Mutex<Vec<Finding>>,
    /// All rounds up to now; the last one is open.
    pub rounds: Mutex<Vec<Arc<Round>>>,
    /// Operations that were noted.
    pub operations: AtomicU64,
    /// Changes whose outcome nobody knows.
    pub unknown: AtomicU64,
    keys: Mutex<Vec<Arc<Keyed>>>,
    values: AtomicU64,
    stop: AtomicBool,
}

/// A change that was tried until it was answered, or given up.
enum Outcome {
    Done(Changed),
    Refused(Refusal),
    Never,
    Unknown,
}

/// What an operation under a key adds: the same request several times at once, or two that fight for the key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Once,
    AtOnce,
    Contested,
}

impl<S: Service> World<S> {
    /// A world without a round.
    pub fn new(service: S) -> Self {
        Self {
            service,
            clock: Clock::start(),
            pulse: Pulse::default(),
            findings: Mutex::default(),
            rounds: Mutex::default(),
            operations: AtomicU64::new(0),
            unknown: AtomicU64::new(0),
            keys: Mutex::default(),
            values: AtomicU64::new(1),
            stop: AtomicBool::new(false),
        }
    }

    /// The clients end after the operation they are at.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether the clients were told to end.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Something is wrong.
    pub fn find(&self, finding: Finding) {
        lock(&self.findings).push(finding);
    }

    /// Opens the next round; the clients go over to it. Returns the one before.
    pub async fn next_round(&self) -> Result<Option<Arc<Round>>, String> {
        let before = lock(&self.rounds).last().cloned();
        let number = before.as_ref().map_or(1, |round| round.number + 1);
        let revision = self.service.open_round(number, REGISTERS).await?;
        lock(&self.rounds).push(Arc::new(Round::new(number, self.service.students(), revision)));
        Ok(before)
    }

    /// Looks at something, through one node, and notes it.
    pub async fn look(&self, round: &Round, client: u32, node: u32, question: Question) -> Result<(), String> {
        let call = self.clock.now();
        let answer = self.service.look(node, question).await;
        let end = self.clock.now();
        match answer {
            Answer::Done(seen) => {
                self.operations.fetch_add(1, Ordering::Relaxed);
                note_seen(round, question, seen, Moment { client, node, call, end });
                Ok(())
            }
            Answer::Refused(refusal) => {
                self.unexpected(&format!("{question:?} at node {node}"), &refusal);
                Ok(())
            }
            Answer::NotDone(why) | Answer::Unknown(why) => Err(why),
        }
    }

    /// Tries to write through one node, and notes it: whether that was acknowledged.
    pub async fn write_through(&self, round: &Round, client: u32, node: u32) -> bool {
        let value = self.values.fetch_add(1, Ordering::Relaxed);
        let key = ulid::Ulid::generate().to_string();
        let call = self.clock.now();
        let answer = self.service.change(node, &key, Change::Name { round: round.number, register: 0, value }).await;
        let end = match answer {
            Answer::Done(Changed::Name(value)) => Some((self.clock.now(), Holds(value))),
            Answer::Unknown(_) => None,
            Answer::Done(_) | Answer::NotDone(_) => return false,
            Answer::Refused(refusal) => {
                self.unexpected(&format!("write {value} at node {node}"), &refusal);
                return false;
            }
        };
        let done = end.is_some();
        self.operations.fetch_add(1, Ordering::Relaxed);
        round.names[0].note(Entry { client, node, op: RegisterOp::Write(value), call, end });
        done
    }

    /// A refusal that no order of the clients' operations explains.
    fn unexpected(&self, what: &str, refusal: &Refusal) {
        self.find(Finding::new(what, format!("refused without a reason: {refusal}"), Vec::new()));
    }
}

/// Who, whom, from when to when.
#[derive(Clone, Copy)]
struct Moment {
    client: u32,
    node: u32,
    call: Nanos,
    end: Nanos,
}

impl Moment {
    fn entry<O, R>(self, op: O, ret: R) -> Entry<O, R> {
        Entry { client: self.client, node: self.node, op, call: self.call, end: Some((self.end, ret)) }
    }
}

fn at(index: u32) -> usize {
    index as usize
}

fn note_seen(round: &Round, question: Question, seen: Seen, moment: Moment) {
    match (question, seen) {
        (Question::Name { register, .. }, Seen::Name(value)) => {
            round.names[at(register)].note(moment.entry(RegisterOp::Read, Holds(value)));
        }
        (Question::Title { .. }, Seen::Title(version)) => {
            round.title.learn(version.revision);
            round.title.note(moment.entry(VersionedOp::Read, VersionedRet::At(version)));
        }
        (Question::Draft { student, .. }, Seen::Draft(version)) => {
            let cell = &round.drafts[at(student)];
            cell.learn(version.map_or(0, |version| version.revision));
            cell.note(moment.entry(VersionedOp::Read, version.map_or(VersionedRet::Absent, VersionedRet::At)));
        }
        (Question::Attempts { student, .. }, Seen::Attempts(values)) => {
            let Moment { client, node, call, end } = moment;
            round.attempts[at(student)].note(|list| list.looks.push(Look { client, node, call, end, values }));
        }
        (question, seen) => unreachable!("{question:?} is never answered with {seen:?}"),
    }
}

/// One client and its luck.
pub struct Client<S> {
    world: Arc<World<S>>,
    number: u32,
    dice: Dice,
}

impl<S: Service> Client<S> {
    /// The client of this number in the run of this seed.
    pub fn new(world: Arc<World<S>>, number: u32, seed: u64) -> Self {
        Self { world, number, dice: Dice::new(seed, u64::from(number) + 1) }
    }

    /// Works until the world is stopped.
    pub async fn work(mut self) {
        while !self.world.is_stopped() {
            let round = lock(&self.world.rounds).last().cloned();
            let entered = round.as_ref().and_then(|round| round.enter());
            let (Some(round), Some(_entered)) = (round, entered) else {
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            };
            self.one(&round).await;
        }
    }

    async fn one(&mut self, round: &Arc<Round>) {
        let students = self.world.service.students();
        // Lower numbers are asked for more often: operations should meet.
        let register = self.dice.below_u32(REGISTERS).min(self.dice.below_u32(REGISTERS));
        let student = self.dice.below_u32(students).min(self.dice.below_u32(students));
        let number = round.number;
        match self.dice.below(100) {
            0..28 => self.look(round, Question::Name { round: number, register }).await,
            28..45 => self.write_name(round, register).await,
            45..53 => self.look(round, Question::Title { round: number }).await,
            53..60 => self.swap_title(round).await,
            60..70 => self.look(round, Question::Draft { round: number, student }).await,
            70..80 => self.save_draft(round, student).await,
            80..89 => self.submit(round, student).await,
            89..92 => self.repeat_old_key().await,
            _ => self.look(round, Question::Attempts { round: number, student }).await,
        }
    }

    fn node(&mut self) -> u32 {
        1 + self.dice.below_u32(self.world.service.nodes())
    }

    fn value(&self) -> u64 {
        self.world.values.fetch_add(1, Ordering::Relaxed)
    }

    /// Luck of its own for something that happens beside something else.
    fn fork(&mut self) -> Dice {
        Dice::new(self.dice.roll(), 0)
    }

    async fn look(&mut self, round: &Round, question: Question) {
        let node = self.node();
        if self.world.look(round, self.number, node, question).await.is_err() {
            // A node that cannot answer is not asked without end.
            tokio::time::sleep(self.dice.millis(5, 50)).await;
        }
    }

    /// Tries a change with one key, at one node after the other, until it is answered or the client loses patience.
    async fn change(&mut self, change: Change) -> (Outcome, Moment) {
        let key = ulid::Ulid::generate().to_string();
        let mut moment = Moment { client: self.number, node: 0, call: self.world.clock.now(), end: 0 };
        let mut outcome = Outcome::Never;
        for _ in 0..self.dice.between(1, MAX_TRIES) {
            moment.node = self.node();
            let answer = self.world.service.change(moment.node, &key, change).await;
            moment.end = self.world.clock.now();
            match answer {
                Answer::Done(changed) => {
                    self.world.pulse.beat(moment.end);
                    return (Outcome::Done(changed), moment);
                }
                Answer::Refused(refusal) => return (Outcome::Refused(refusal), moment),
                Answer::Unknown(_) => outcome = Outcome::Unknown,
                Answer::NotDone(_) => {}
            }
            tokio::time::sleep(self.dice.millis(5, 150)).await;
        }
        (outcome, moment)
    }

    /// Notes a change of a register: `told` makes its answer of what came back.
    fn note<M: crate::check::Model>(
        &self,
        cell: &Cell<M>,
        op: M::Op,
        (outcome, moment): (Outcome, Moment),
        told: impl FnOnce(Result<Changed, &str>) -> Option<M::Ret>,
    ) {
        let what = op.to_string();
        let Moment { client, node, call, end } = moment;
        let ret = match outcome {
            Outcome::Never => return,
            Outcome::Unknown => {
                self.world.unknown.fetch_add(1, Ordering::Relaxed);
                None
            }
            Outcome::Done(changed) => told(Ok(changed)),
            Outcome::Refused(refusal) => match told(Err(&refusal.reason)) {
                Some(ret) => Some(ret),
                None => return self.world.unexpected(&format!("{what} at node {node}"), &refusal),
            },
        };
        self.world.operations.fetch_add(1, Ordering::Relaxed);
        cell.note(Entry { client, node, op, call, end: ret.map(|ret| (end, ret)) });
    }

    async fn write_name(&mut self, round: &Round, register: u32) {
        let value = self.value();
        let came = self.change(Change::Name { round: round.number, register, value }).await;
        self.note(&round.names[at(register)], RegisterOp::Write(value), came, |answer| match answer {
            Ok(Changed::Name(value)) => Some(Holds(value)),
            _ => None,
        });
    }

    async fn swap_title(&mut self, round: &Round) {
        let (expected, value) = (round.title.hint(), self.value());
        let came = self.change(Change::Title { round: round.number, expected, value }).await;
        self.note(&round.title, VersionedOp::Swap { expected, value }, came, |answer| match answer {
            Ok(Changed::Title(version)) => {
                round.title.learn(version.revision);
                Some(VersionedRet::At(version))
            }
            Err(STALE) => Some(VersionedRet::Stale),
            _ => None,
        });
    }

    async fn save_draft(&mut self, round: &Round, student: u32) {
        let cell = &round.drafts[at(student)];
        let (base, value) = (cell.hint(), self.value());
        let came = self.change(Change::Draft { round: round.number, student, base, value }).await;
        self.note(cell, VersionedOp::Save { base, value }, came, |answer| match answer {
            Ok(Changed::Draft { revision, conflict }) => {
                cell.learn(revision);
                Some(VersionedRet::Saved { revision, conflict })
            }
            _ => None,
        });
    }

    /// Hands something in under a new key: at one node after the other, at several at once, or against another request.
    async fn submit(&mut self, round: &Arc<Round>, student: u32) {
        let key = ulid::Ulid::generate().to_string();
        let keyed = Arc::new(Keyed { key, round: round.number, student, history: Mutex::default() });
        if !round.attempts[at(student)].key(&keyed) {
            return self.look(round, Question::Attempts { round: round.number, student }).await;
        }
        let style = match self.dice.below(10) {
            0..6 => Style::Once,
            6..8 => Style::AtOnce,
            _ => Style::Contested,
        };
        let (one, two, value) = (self.fork(), self.fork(), self.value());
        match style {
            Style::Once => self.keyed(&keyed, value, one).await,
            Style::AtOnce => {
                tokio::join!(self.keyed(&keyed, value, one), self.keyed(&keyed, value, two));
            }
            Style::Contested => {
                let other = self.value();
                tokio::join!(self.keyed(&keyed, value, one), self.keyed(&keyed, other, two));
                self.note_add(round, &keyed, other);
            }
        }
        self.note_add(round, &keyed, value);
        lock(&self.world.keys).push(keyed);
    }

    /// The same request under a key again, up to some minutes later; or another one, which must be told that it is taken.
    async fn repeat_old_key(&mut self) {
        let old = {
            let keys = lock(&self.world.keys);
            let among = if self.dice.chance(50) { RECENT_KEYS.min(keys.len()) } else { keys.len() };
            let back = usize::try_from(self.dice.below(u64::try_from(among).unwrap_or(0))).unwrap_or(0);
            keys.len().checked_sub(1 + back).and_then(|at| keys.get(at)).cloned()
        };
        let Some(keyed) = old else { return };
        // Only where the outcome is known: a repetition of the others could still take effect, in a round that is over.
        let Some(winner) = lock(&keyed.history).winner() else { return };
        let value = if self.dice.chance(70) { winner } else { self.value() };
        let dice = self.fork();
        self.keyed(&keyed, value, dice).await;
    }

    /// One request under a key, at one node after the other until it is answered.
    async fn keyed(&self, keyed: &Keyed, value: u64, mut dice: Dice) {
        let change = Change::Submit { round: keyed.round, student: keyed.student, value };
        let nodes = self.world.service.nodes();
        for _ in 0..MAX_TRIES {
            let node = 1 + dice.below_u32(nodes);
            let call = self.world.clock.now();
            let answer = self.world.service.change(node, &keyed.key, change).await;
            let end = self.world.clock.now();
            let told = match answer {
                Answer::Done(Changed::Submit { value, place, answer }) => {
                    Some(KeyAnswer::Done { value, place, answer })
                }
                Answer::Done(other) => unreachable!("a submission is never answered with {other:?}"),
                Answer::Refused(refusal) if refusal.reason == TAKEN => Some(KeyAnswer::Taken),
                Answer::Refused(refusal) => {
                    return self.world.unexpected(&format!("add {value} at node {node}"), &refusal);
                }
                Answer::Unknown(_) => None,
                Answer::NotDone(why) => Some(KeyAnswer::NotDone(why)),
            };
            let answered = matches!(told, Some(KeyAnswer::Done { .. } | KeyAnswer::Taken));
            let unknown = told.is_none();
            if matches!(told, Some(KeyAnswer::Done { .. })) {
                self.world.pulse.beat(end);
            }
            self.world.operations.fetch_add(1, Ordering::Relaxed);
            let end = told.map(|told| (end, told));
            lock(&keyed.history).calls.push(KeyCall { client: self.number, node, value, call, end });
            if answered {
                return;
            }
            self.world.unknown.fetch_add(u64::from(unknown), Ordering::Relaxed);
            tokio::time::sleep(dice.millis(5, 150)).await;
        }
    }

    /// Notes what a request that has ended did to the list, as far as that is known.
    fn note_add(&self, round: &Round, keyed: &Keyed, value: u64) {
        let history = lock(&keyed.history);
        let Some(call) = history.first_call(value) else { return };
        if history.is_beaten(value) {
            return;
        }
        let done = history.calls.iter().filter(|call| call.value == value).find_map(|call| match &call.end {
            Some((at, KeyAnswer::Done { place, .. })) => Some((call.node, *at, *place)),
            _ => None,
        });
        let node = done.map_or(0, |(node, ..)| node);
        let end = done.map(|(_, at, place)| (at, place));
        let add = Add { client: self.number, node, value, call, end };
        round.attempts[at(keyed.student)].note(|list| list.adds.push(add));
    }
}
