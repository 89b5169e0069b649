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
    assert!(missed.is_empty(), "nothing caught {missed:?}\n{table}");
}

impl Caught {
    fn is_missed(&self) -> bool {
        self.scripts.is_empty() && self.simulator.is_none()
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
            [first, others @ ..] => format!("`{}` and {} more", best(mutation.code(), first, others), others.len()),
        };
        let simulator =
            simulator.as_ref().map_or("–".to_owned(), |(seeds, what)| format!("{seeds}: {}", short(what)));
        let (code, what) = (mutation.code(), mutation.what());
        let _ = writeln!(table, "| {code} | {what} | {scripts} | {simulator} |");
    }
    table
}

/// The script that is named after the trap, where there is one.
fn best<'a>(code: &str, first: &'a String, others: &'a [String]) -> &'a String {
    let prefix = code[..code.len().min("trap-00".len())].replace('-', "_");
    others.iter().chain([first]).find(|name| name.starts_with(&prefix)).unwrap_or(first)
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
