//! The tests tested: each known mistake is made on purpose, and a golden script or the simulator must catch it.
//!
//! Prints which did, and after how many seeds; with `UPDATE_DOCS=1` into `docs/reliability.md`, too.

#[path = "golden/cluster.rs"]
mod cluster;
#[path = "../lab/mod.rs"]
mod lab;
#[path = "golden/script.rs"]
mod script;

use std::{
    env,
    fmt::Write as _,
    fs,
    panic::{self, AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
};

use lab::{cores, play};
use lectern_raft::{
    mutation::{Mutation, choose},
    sim::Options,
};

/// A mistake that so many seeds do not show is not caught by the simulator.
const SEEDS: u64 = 40;
/// What a violation says, cut to this many characters.
const WORDS: usize = 110;

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reliability.md");
/// Around the table in the page.
const MARKS: (&str, &str) = ("<!-- mutations: begin -->\n", "<!-- mutations: end -->");

/// The script that has to catch each mistake; those that are not here are the simulator's to catch. That another test happens to
/// notice a mistake is no reason to believe that the one that is named after it does.
const CATCHERS: &[(&str, &str)] = &[
    ("members-busy", "membership_joint_leader_dies"),
    ("members-leader", "membership_drain_without_a_spare"),
    ("members-number", "membership_wiped_node"),
    ("members-safe", "membership_never_without_a_majority"),
    ("trap-01", "trap_01_auto_leave"),
    ("trap-02", "trap_02_joiner"),
    ("trap-03", "trap_03_leader_removed"),
    ("trap-04", "trap_04_refused_configuration"),
    ("trap-05", "trap_05_applied_and_commit"),
    ("trap-06", "trap_06_wiped_node"),
    ("trap-06-early", "trap_06_believed_too_early"),
    ("trap-06-unmet", "trap_06_founders_meet"),
    ("trap-07", "trap_07_a_lost_vote_was_never_given"),
    ("trap-08", "trap_08_conflict"),
    ("trap-11", "trap_11_read_without_leader"),
    ("trap-12", "trap_12_late_answer"),
    ("trap-13", "trap_13_no_lease"),
    ("trap-14", "trap_14_lost_entries"),
    ("trap-14-lost", "trap_14_lost_entries"),
    ("trap-15", "trap_15_proposals_at_followers"),
    ("trap-16", "trap_16_lost_snapshot"),
    ("trap-17", "snapshot_switched_alone"),
    ("trap-19", "trap_19_joint_nobody_leaves"),
    ("trap-20", "trap_20_removed_node"),
    ("trap-27", "trap_27_lost_tail"),
];

/// Which tests caught a mistake.
#[derive(Debug)]
struct Caught {
    mutation: Mutation,
    scripts: Vec<String>,
    /// After how many seeds, and what the simulator said.
    simulator: Option<(u64, String)>,
}

#[test]
fn every_known_mistake_is_caught() {
    let scripts = scripts();
    assert_eq!(broken(&scripts), Vec::<String>::new(), "without a mistake every script plays as written");
    let left = Mutex::new(Mutation::ALL.iter().copied());
    let caught = Mutex::new(Vec::new());
    panic::set_hook(Box::new(|_| {}));
    thread::scope(|scope| {
        for _ in 0..cores() {
            scope.spawn(|| {
                while let Some(mutation) = { left.lock().expect("no thread panics").next() } {
                    let this = make(mutation, &scripts);
                    caught.lock().expect("no thread panics").push(this);
                }
            });
        }
    });
    drop(panic::take_hook());
    let mut caught = caught.into_inner().expect("no thread panics");
    caught.sort_by_key(|this| this.mutation.code());
    let table = table(&caught);
    eprintln!("{table}");
    if env::var_os("UPDATE_DOCS").is_some() {
        write_docs(&table);
    }
    let missed: Vec<&str> = caught.iter().filter(|this| this.is_missed()).map(|this| this.mutation.code()).collect();
    assert!(missed.is_empty(), "what is named after them did not catch {missed:?}\n{table}");
}

impl Caught {
    fn is_missed(&self) -> bool {
        match catcher(self.mutation.code()) {
            Some(script) => !self.scripts.iter().any(|caught| caught == script),
            None => self.simulator.is_none(),
        }
    }
}

/// Makes a mistake on this thread, and sees who notices.
fn make(mutation: Mutation, scripts: &[PathBuf]) -> Caught {
    choose(Some(mutation));
    let broken = broken(scripts);
    eprintln!("{}: {} scripts notice it", mutation.code(), broken.len());
    let options = Options::default();
    let violated = (0..SEEDS).find_map(|seed| Some((seed + 1, play(seed, &options).err()?.what)));
    choose(None);
    eprintln!("{}: the simulator {}", mutation.code(), violated.as_ref().map_or("does not", |_| "does, too"));
    Caught { mutation, scripts: broken, simulator: violated }
}

fn scripts() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scripts");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The scripts that do not play as written.
fn broken(scripts: &[PathBuf]) -> Vec<String> {
    let name = |path: &&PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    scripts.iter().filter(|path| !plays_as_written(path)).map(|path| name(&path)).collect()
}

fn plays_as_written(path: &Path) -> bool {
    let written = fs::read_to_string(path).unwrap();
    let played =
        catch_unwind(AssertUnwindSafe(|| goldenscript::generate(&mut script::Script::default(), &written).ok()));
    played.ok().flatten().is_some_and(|played| played == written)
}

fn table(caught: &[Caught]) -> String {
    let mut table =
        "| trap | mistake | golden scripts | simulator: seeds, and what it said |\n|---|---|---|---|\n".to_owned();
    for Caught { mutation, scripts, simulator } in caught {
        let scripts = match scripts.as_slice() {
            [] => "–".to_owned(),
            [first] => format!("`{first}`"),
            [first, others @ ..] => {
                format!("`{}` and {} more", catcher(mutation.code()).unwrap_or(first), others.len())
            }
        };
        let simulator =
            simulator.as_ref().map_or("–".to_owned(), |(seeds, what)| format!("{seeds}: {}", short(what)));
        let (code, what) = (mutation.code(), mutation.what());
        let _ = writeln!(table, "| {code} | {what} | {scripts} | {simulator} |");
    }
    table
}

/// The script that has to catch a mistake, where it is one.
fn catcher(code: &str) -> Option<&'static str> {
    CATCHERS.iter().find(|(of, _)| *of == code).map(|(_, script)| *script)
}

fn short(what: &str) -> String {
    let line: String = what.lines().next().unwrap_or_default().replace('|', "/");
    if line.chars().count() <= WORDS { line } else { line.chars().take(WORDS).chain(['…']).collect() }
}

fn write_docs(table: &str) {
    let page = fs::read_to_string(DOCS).expect("the page is there");
    let (before, rest) = page.split_once(MARKS.0).expect("the page has a place for the table");
    let (_, after) = rest.split_once(MARKS.1).expect("the table has an end");
    fs::write(DOCS, format!("{before}{}{table}{}{after}", MARKS.0, MARKS.1)).expect("the page can be written");
}
