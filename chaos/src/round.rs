//! The keys of a round, and what clients saw of them. A key lives for some seconds, so that its history stays short
//! enough to be searched; then it is read once more at the very end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use crate::check::key::{self, KeyHistory};
use crate::check::list::{self, ListHistory};
use crate::check::models::{Register, Version, Versioned};
use crate::check::{Entry, Finding, Model, shrink};
use crate::service::Question;

/// People whose names are changed in each round.
pub const REGISTERS: u32 = 4;

/// Keys of one list: it is read whole, in one page, again and again.
const LONGEST: usize = 200;

/// A register of some kind and its history.
#[derive(Debug)]
pub struct Cell<M: Model> {
    name: String,
    model: M,
    history: Mutex<Vec<Entry<M::Op, M::Ret>>>,
    /// The latest revision anybody was told of; for those that count.
    hint: AtomicU64,
}

impl<M: Model> Cell<M> {
    fn new(name: String, model: M) -> Self {
        Self { name, model, history: Mutex::default(), hint: AtomicU64::new(0) }
    }

    /// Notes an operation.
    pub fn note(&self, entry: Entry<M::Op, M::Ret>) {
        lock(&self.history).push(entry);
    }

    fn operations(&self) -> usize {
        lock(&self.history).len()
    }

    /// The latest revision that anybody was told of.
    pub fn hint(&self) -> u64 {
        self.hint.load(Ordering::Relaxed)
    }

    /// Somebody was told of this revision.
    pub fn learn(&self, revision: u64) {
        self.hint.fetch_max(revision, Ordering::Relaxed);
    }

    fn judge(&self, into: &mut Judged) {
        let history = lock(&self.history);
        let (finding, undecided) = shrink::judge(&self.name, &self.model, &history);
        into.findings.extend(finding);
        into.undecided += u64::from(undecided);
        into.count(history.len());
    }
}

/// The attempts of one student in a round: a list, and the keys under which it grew.
#[derive(Debug)]
pub struct Attempts {
    name: String,
    list: Mutex<ListHistory>,
    keys: Mutex<Vec<Arc<Keyed>>>,
}

impl Attempts {
    /// Notes what was added or read.
    pub fn note(&self, note: impl FnOnce(&mut ListHistory)) {
        note(&mut lock(&self.list));
    }

    /// A key that is used from now on; false where the list is long enough as it is.
    pub fn key(&self, keyed: &Arc<Keyed>) -> bool {
        let mut keys = lock(&self.keys);
        let room = keys.len() < LONGEST;
        if room {
            keys.push(Arc::clone(keyed));
        }
        room
    }

    fn judge(&self, into: &mut Judged) {
        let mut history = lock(&self.list).clone();
        let keys = lock(&self.keys);
        for keyed in keys.iter() {
            let calls = lock(&keyed.history);
            into.findings.extend(key::judge(&format!("{}, key {}", self.name, keyed.key), &calls));
            into.count(calls.calls.len());
            // What is known never to happen by now explains nothing.
            history.adds.retain(|add| add.end.is_some() || !calls.is_beaten(add.value));
            for call in &calls.calls {
                history.denied.entry(call.value).or_insert_with(|| calls.told());
            }
        }
        into.findings.extend(list::judge(&self.name, &history));
        into.count(history.looks.len());
    }
}

/// An idempotency key and all that was asked under it.
#[derive(Debug)]
pub struct Keyed {
    /// The key.
    pub key: String,
    /// The round it belongs to.
    pub round: u32,
    /// The student who uses it.
    pub student: u32,
    /// The calls.
    pub history: Mutex<KeyHistory>,
}

/// What a judgement came to.
#[derive(Debug, Default)]
pub struct Judged {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Keys whose search was given up.
    pub undecided: u64,
    /// Operations that were judged.
    pub operations: u64,
    /// Keys that were judged.
    pub keys: u64,
}

impl Judged {
    fn count(&mut self, operations: usize) {
        self.operations += u64::try_from(operations).unwrap_or(u64::MAX);
        self.keys += 1;
    }

    /// Adds another one.
    pub fn add(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.undecided += other.undecided;
        self.operations += other.operations;
        self.keys += other.keys;
    }
}

/// All keys of a round.
#[derive(Debug)]
pub struct Round {
    /// Its number.
    pub number: u32,
    /// Names.
    pub names: Vec<Cell<Register>>,
    /// The assignment's title.
    pub title: Cell<Versioned>,
    /// A draft for each student.
    pub drafts: Vec<Cell<Versioned>>,
    /// The attempts of each student.
    pub attempts: Vec<Attempts>,
    gate: Arc<RwLock<()>>,
}

impl Round {
    /// A round that begins with an assignment at this revision.
    pub fn new(number: u32, students: u32, title_revision: u64) -> Self {
        let name = |register| Cell::new(format!("round {number}, name {register}"), Register::default());
        let draft = |student| Cell::new(format!("round {number}, draft of student {student}"), Versioned::default());
        let attempts = |student| Attempts {
            name: format!("round {number}, attempts of student {student}"),
            list: Mutex::default(),
            keys: Mutex::default(),
        };
        let title = Versioned::new(Version { revision: title_revision, value: 0 });
        let title = Cell::new(format!("round {number}, title"), title);
        title.learn(title_revision);
        Self {
            number,
            names: (0..REGISTERS).map(name).collect(),
            title,
            drafts: (0..students).map(draft).collect(),
            attempts: (0..students).map(attempts).collect(),
            gate: Arc::default(),
        }
    }

    /// A client begins an operation; none once the round is closed.
    pub fn enter(&self) -> Option<OwnedRwLockReadGuard<()>> {
        Arc::clone(&self.gate).try_read_owned().ok()
    }

    /// Waits until every operation that was begun has ended, and lets none begin while the guard is held.
    pub async fn close(&self) -> OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.gate).write_owned().await
    }

    /// Everything that can be looked at.
    pub fn questions(&self) -> Vec<Question> {
        let round = self.number;
        let students = u32::try_from(self.drafts.len()).unwrap_or(0);
        let names = (0..REGISTERS).map(move |register| Question::Name { round, register });
        let drafts = (0..students).map(move |student| Question::Draft { round, student });
        let attempts = (0..students).map(move |student| Question::Attempts { round, student });
        names.chain([Question::Title { round }]).chain(drafts).chain(attempts).collect()
    }

    /// Operations that were noted.
    pub fn operations(&self) -> usize {
        let names: usize = self.names.iter().map(Cell::operations).sum();
        let drafts: usize = self.drafts.iter().map(Cell::operations).sum();
        names + drafts + self.title.operations()
    }

    /// Judges every key as far as it is known.
    pub fn judge(&self) -> Judged {
        let mut judged = Judged::default();
        self.names.iter().for_each(|cell| cell.judge(&mut judged));
        self.title.judge(&mut judged);
        self.drafts.iter().for_each(|cell| cell.judge(&mut judged));
        self.attempts.iter().for_each(|attempts| attempts.judge(&mut judged));
        judged
    }
}

/// Locks what stays valid whatever happens to its holders.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
