//! The same clients, rounds and judgement as in a run, on stores in this process: a sound one passes, and each one that
//! is broken on purpose is found out.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lectern_chaos::check::Finding;
use lectern_chaos::check::models::Version;
use lectern_chaos::dice::Dice;
use lectern_chaos::round::lock;
use lectern_chaos::service::{Answer, Change, Changed, Question, Refusal, Seen, Service};
use lectern_chaos::workload::{Client, World};

/// Enough to meet what happens once in a hundred times.
const OPERATIONS: u64 = 2_500;
const ROUNDS: u32 = 2;
const CLIENTS: u32 = 12;

/// What is wrong with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    Nothing,
    /// Node 3 answers reads from what it knew some changes ago.
    StaleReads,
    /// Some names are acknowledged and not kept.
    LostNames,
    /// Some texts are acknowledged and not kept.
    LostTexts,
    /// A title is taken whatever revision it was made on.
    BlindSwaps,
    /// A change whose answer was lost is done again when it is repeated.
    DoneTwice,
    /// A key is not held against another request.
    SharedKeys,
    /// A change is called not done, and is.
    WrongPromise,
    /// What was never written is read.
    Invented,
}

#[derive(Clone, Default)]
struct Tables {
    names: BTreeMap<(u32, u32), u64>,
    titles: BTreeMap<u32, Version>,
    drafts: BTreeMap<(u32, u32), Version>,
    attempts: BTreeMap<(u32, u32), Vec<u64>>,
}

struct State {
    tables: Tables,
    /// What node 3 answers from.
    old: Tables,
    keys: HashMap<String, (Change, Result<Changed, Refusal>)>,
    dice: Dice,
}

/// A cluster of three nodes that is none.
struct Store {
    flaw: Flaw,
    state: Mutex<State>,
}

/// What becomes of a call on its way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Luck {
    Answered,
    /// It is done, and nobody hears of it.
    AnswerLost,
    /// It is not done, and nobody hears of it.
    CallLost,
    /// It is not done, and the caller is told so.
    TurnedAway,
}

impl Store {
    fn new(flaw: Flaw) -> Self {
        let state =
            State { tables: Tables::default(), old: Tables::default(), keys: HashMap::new(), dice: Dice::new(1, 0) };
        Self { flaw, state: Mutex::new(state) }
    }

    /// Calls overlap, and take effect somewhere in the middle.
    async fn travel(&self) {
        let millis = lock(&self.state).dice.millis(0, 2);
        tokio::time::sleep(millis).await;
    }
}

fn refused(reason: &str) -> Refusal {
    Refusal { reason: reason.into(), message: String::new() }
}

impl State {
    /// Some keys are out of luck: what they ask for is done at first, and nobody ever hears of it.
    fn luck(&mut self, key: &str) -> Luck {
        if key.bytes().map(u64::from).sum::<u64>().is_multiple_of(40) {
            return if self.keys.contains_key(key) { Luck::CallLost } else { Luck::AnswerLost };
        }
        match self.dice.below(100) {
            0..2 => Luck::AnswerLost,
            2 => Luck::CallLost,
            3 => Luck::TurnedAway,
            _ => Luck::Answered,
        }
    }

    /// Carries a change out, once for each key.
    fn apply(&mut self, flaw: Flaw, key: &str, change: Change) -> Result<Changed, Refusal> {
        match self.keys.get(key) {
            Some((first, outcome)) if *first == change => return outcome.clone(),
            Some(_) if flaw != Flaw::SharedKeys => return Err(refused("KEY_REUSED")),
            Some(_) | None => {}
        }
        if self.dice.chance(10) {
            self.old = self.tables.clone();
        }
        let outcome = self.carry_out(flaw, change);
        self.keys.insert(key.into(), (change, outcome.clone()));
        outcome
    }

    fn carry_out(&mut self, flaw: Flaw, change: Change) -> Result<Changed, Refusal> {
        let lost = self.dice.chance(2);
        match change {
            Change::Name { round, register, value } => {
                if !(flaw == Flaw::LostNames && lost) {
                    self.tables.names.insert((round, register), value);
                }
                Ok(Changed::Name(value))
            }
            Change::Title { round, expected, value } => {
                let title = self.tables.titles.entry(round).or_default();
                if title.revision != expected && flaw != Flaw::BlindSwaps {
                    return Err(refused("STALE_REVISION"));
                }
                *title = Version { revision: expected + 1, value };
                Ok(Changed::Title(*title))
            }
            Change::Draft { round, student, base, value } => {
                let draft = self.tables.drafts.entry((round, student)).or_default();
                let conflict = (draft.revision != base).then_some(draft.revision);
                *draft = Version { revision: draft.revision + 1, value };
                Ok(Changed::Draft { revision: draft.revision, conflict })
            }
            Change::Submit { round, student, value } => {
                let attempts = self.tables.attempts.entry((round, student)).or_default();
                attempts.push(value);
                let place = u64::try_from(attempts.len()).expect("a short list");
                if flaw == Flaw::LostTexts && lost {
                    attempts.pop();
                }
                Ok(Changed::Submit { value, place, answer: format!("{value} at {place}").into_bytes() })
            }
        }
    }
}

impl Service for Store {
    fn nodes(&self) -> u32 {
        3
    }

    fn students(&self) -> u32 {
        2
    }

    async fn open_round(&self, round: u32, registers: u32) -> Result<u64, String> {
        let mut state = lock(&self.state);
        for register in 0..registers {
            state.tables.names.insert((round, register), 0);
        }
        state.tables.titles.insert(round, Version { revision: 1, value: 0 });
        state.old = state.tables.clone();
        Ok(1)
    }

    async fn change(&self, _node: u32, key: &str, change: Change) -> Answer<Changed> {
        self.travel().await;
        let answer = {
            let mut state = lock(&self.state);
            let luck = state.luck(key);
            let done = match luck {
                Luck::Answered | Luck::AnswerLost => Some(state.apply(self.flaw, key, change)),
                Luck::TurnedAway if self.flaw == Flaw::WrongPromise => Some(state.apply(self.flaw, key, change)),
                Luck::CallLost | Luck::TurnedAway => None,
            };
            if luck == Luck::AnswerLost && self.flaw == Flaw::DoneTwice {
                state.keys.remove(key);
            }
            match (luck, done) {
                (Luck::Answered, Some(Ok(changed))) => Answer::Done(changed),
                (Luck::Answered, Some(Err(refusal))) => Answer::Refused(refusal),
                (Luck::TurnedAway, _) => Answer::NotDone("NO_LEADER".into()),
                _ => Answer::Unknown("no answer".into()),
            }
        };
        self.travel().await;
        answer
    }

    async fn ballast(&self, _node: u32) {}

    async fn look(&self, node: u32, question: Question) -> Answer<Seen> {
        self.travel().await;
        let seen = {
            let mut state = lock(&self.state);
            let invented = self.flaw == Flaw::Invented && state.dice.chance(1);
            let behind = self.flaw == Flaw::StaleReads && node == 3;
            let tables = if behind { &state.old } else { &state.tables };
            match question {
                Question::Name { .. } if invented => Seen::Name(9_000_000),
                Question::Name { round, register } => Seen::Name(tables.names[&(round, register)]),
                Question::Title { round } => Seen::Title(tables.titles[&round]),
                Question::Draft { round, student } => Seen::Draft(tables.drafts.get(&(round, student)).copied()),
                Question::Attempts { round, student } => {
                    Seen::Attempts(tables.attempts.get(&(round, student)).cloned().unwrap_or_default())
                }
            }
        };
        self.travel().await;
        Answer::Done(seen)
    }
}

/// Works on a store as a run does, and judges what the clients saw.
async fn findings(flaw: Flaw) -> Vec<Finding> {
    let world = Arc::new(World::new(Store::new(flaw)));
    world.next_round().await.expect("a store opens rounds");
    let clients: Vec<_> =
        (1..=CLIENTS).map(|number| tokio::spawn(Client::new(Arc::clone(&world), number, 5).work())).collect();
    for round in 1..=ROUNDS {
        while world.operations.load(Ordering::Relaxed) < OPERATIONS * u64::from(round) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if round < ROUNDS {
            let before = world.next_round().await.expect("a store opens rounds").expect("there was a round before");
            drop(before.close().await);
        }
    }
    world.stop();
    for client in clients {
        client.await.expect("no client panics");
    }
    let rounds = lock(&world.rounds).clone();
    for round in &rounds {
        for question in round.questions() {
            for node in 1..=3 {
                world.look(round, 0, node, question).await.expect("a store answers");
            }
        }
    }
    let mut found = lock(&world.findings).clone();
    for round in &rounds {
        let judged = round.judge();
        assert_eq!(judged.undecided, 0);
        assert!(judged.operations > 1_000, "{}", judged.operations);
        found.extend(judged.findings);
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sound_store_passes() {
    let found = findings(Flaw::Nothing).await;
    assert!(found.is_empty(), "{}", found[0]);
}

/// Runs on a broken store, and returns what was found of keys whose name has `part` in it.
async fn found(flaw: Flaw, part: &str) -> Vec<Finding> {
    let found = findings(flaw).await;
    let fitting: Vec<Finding> = found.iter().filter(|finding| finding.key.contains(part)).cloned().collect();
    assert!(!fitting.is_empty(), "{flaw:?} was not found out at any {part}: {found:?}");
    fitting
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stale_reads_are_found_in_every_kind_of_thing() {
    let found = found(Flaw::StaleReads, "round").await;
    for part in ["name", "title", "draft", "attempts"] {
        assert!(found.iter().any(|finding| finding.key.contains(part)), "no stale {part}");
    }
    let name = found.iter().find(|finding| finding.key.contains("name")).expect("a name");
    assert!(name.rows.len() <= 6, "more is shown than it takes: {name}");
    assert!(name.rows.iter().any(|row| row.node == 3), "the node that was stale is shown: {name}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_names_that_are_lost_are_found() {
    found(Flaw::LostNames, "name").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_texts_that_are_lost_are_found() {
    found(Flaw::LostTexts, "attempts").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn swaps_that_do_not_look_are_found() {
    found(Flaw::BlindSwaps, "title").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_that_are_done_twice_are_found() {
    let found = found(Flaw::DoneTwice, "attempts").await;
    assert!(found.iter().any(|finding| finding.what.contains("there twice")), "{}", found[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_with_two_effects_are_found() {
    let found = found(Flaw::SharedKeys, "key").await;
    assert!(found.iter().any(|finding| finding.what.contains("two requests had an effect")), "{}", found[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_that_were_called_not_done_and_were_are_found() {
    found(Flaw::WrongPromise, "attempts").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_that_nobody_wrote_are_found() {
    found(Flaw::Invented, "name").await;
}
