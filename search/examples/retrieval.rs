//! How well, and how quickly, the sections that questions belong to are found.
//!
//! ```text
//! cargo run --release -p lectern-search --example retrieval -- SECTIONS.jsonl QUERIES.jsonl [--part dev|test]
//! ```
//!
//! SECTIONS has `{"section","title","paragraphs"}` a line, QUERIES `{"query","section"}`. The sections become one material,
//! one page each. The queries of every other section (in the order of the queries) are the part `dev` that the weights were
//! chosen on; the others are the part `test`. The output is one line of JSON.
//!
//! A query counts as found at k when one of the first k sections among the kept passages is its own.

#![allow(clippy::print_stdout)]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use lectern_search::{Asker, Audience, Change, Index, KEPT, Material, Page, Passage, Section};
use serde::Deserialize;

#[derive(Deserialize)]
struct Source {
    section: String,
    title: String,
    paragraphs: Vec<String>,
}

#[derive(Deserialize)]
struct Query {
    query: String,
    section: String,
}

const COURSE: &str = "course";
const CHUNKS: u64 = 10_000;
const ASKER: Asker<'_> = Asker { course: COURSE, now_ms: 1, among: None };

fn read<T: for<'a> Deserialize<'a>>(path: &str) -> Result<Vec<T>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {error}"))?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| serde_json::from_str(line).map_err(|error| format!("{path}: {error}"))).collect()
}

fn material(id: &str, sources: &[Source]) -> Material {
    let section = |(number, source): (u32, &Source)| {
        let text = source.paragraphs.join("\n\n");
        Section { title: source.title.clone(), pages: vec![Page { number, text }] }
    };
    Material {
        course: COURSE.into(),
        id: id.into(),
        title: "Textbook".into(),
        audience: Audience::Students { from_ms: 0 },
        sections: (1..).zip(sources).map(section).collect(),
    }
}

/// The queries of a part.
fn part(queries: Vec<Query>, part: Option<&str>) -> Result<Vec<Query>, String> {
    let wanted = match part {
        None => return Ok(queries),
        Some("dev") => 0,
        Some("test") => 1,
        Some(other) => return Err(format!("there is no part {other}: dev or test")),
    };
    let mut sections: Vec<String> = Vec::new();
    let mut kept = Vec::new();
    for query in queries {
        let place = sections.iter().position(|section| *section == query.section).unwrap_or_else(|| {
            sections.push(query.section.clone());
            sections.len() - 1
        });
        if place % 2 == wanted {
            kept.push(query);
        }
    }
    Ok(kept)
}

/// The place, from 0, of the query's section among the sections found.
fn place(passages: &[Passage], wanted: usize) -> Option<usize> {
    let mut sections: Vec<u32> = Vec::new();
    for passage in passages {
        if !sections.contains(&passage.section) {
            sections.push(passage.section);
        }
    }
    sections.iter().position(|section| *section as usize == wanted)
}

/// Whether every part of the passages stands on its page.
fn verbatim(passages: &[Passage], material: &Material) -> bool {
    let pages: Vec<&Page> = material.sections.iter().flat_map(|section| &section.pages).collect();
    let stands = |page: u32, text: &str| pages.iter().any(|p| p.number == page && p.text.contains(text));
    passages.iter().flat_map(|passage| &passage.parts).all(|part| stands(part.page, &part.text))
}

fn percentile(sorted: &[Duration], of: usize) -> f64 {
    sorted.get((sorted.len() * of / 100).min(sorted.len().saturating_sub(1))).map_or(0.0, |d| d.as_secs_f64() * 1e3)
}

/// Milliseconds of a search, half of all and 99 of 100, among [`CHUNKS`] chunks of one course on disk.
fn latency(sources: &[Source], queries: &[Query]) -> Result<(f64, f64), String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let index = Index::open(directory.path()).map_err(|error| error.to_string())?;
    let mut copy = 0;
    while index.chunks() < CHUNKS {
        let change = Change::Put(material(&format!("copy {copy}"), sources));
        index.apply(&[change], "").map_err(|error| error.to_string())?;
        copy += 1;
    }
    let mut times = Vec::new();
    for _ in 0..5 {
        for query in queries {
            let start = Instant::now();
            index.search(&ASKER, &query.query).map_err(|error| error.to_string())?;
            times.push(start.elapsed());
        }
    }
    times.sort_unstable();
    Ok((percentile(&times, 50), percentile(&times, 99)))
}

fn run(args: &[String]) -> Result<(), String> {
    let [sections, queries, rest @ ..] = args else {
        return Err("retrieval SECTIONS.jsonl QUERIES.jsonl [--part dev|test]".into());
    };
    let sources: Vec<Source> = read(sections)?;
    let wanted = rest.iter().position(|arg| arg == "--part").and_then(|at| rest.get(at + 1));
    let queries = part(read(queries)?, wanted.map(String::as_str))?;
    let book = material("book", &sources);
    let index = Index::in_memory().map_err(|error| error.to_string())?;
    index.apply(&[Change::Put(book.clone())], "").map_err(|error| error.to_string())?;
    let (mut first, mut five, mut quoted) = (0, 0, 0);
    for query in &queries {
        let section = sources.iter().position(|source| source.section == query.section);
        let section = section.ok_or_else(|| format!("there is no section {}", query.section))?;
        let passages = index.search(&ASKER, &query.query).map_err(|error| error.to_string())?;
        let place = place(&passages, section);
        first += u32::from(place == Some(0));
        five += u32::from(place.is_some_and(|place| place < KEPT));
        quoted += u32::from(verbatim(&passages, &book));
    }
    let (p50, p99) = latency(&sources, &queries)?;
    let all = u32::try_from(queries.len()).unwrap_or(u32::MAX).max(1);
    let share = |n: u32| f64::from(n) / f64::from(all);
    println!(
        "{{\"queries\":{},\"recall_at_1\":{:.4},\"recall_at_5\":{:.4},\"verbatim\":{:.4},\"search_p50_ms\":{p50:.3},\"search_p99_ms\":{p99:.3}}}",
        queries.len(),
        share(first),
        share(five),
        share(quoted)
    );
    Ok(())
}

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
