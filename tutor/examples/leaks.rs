//! How well the leak check tells responses that reveal the answer from those that do not.
//!
//! ```text
//! cargo run --release -p lectern-tutor --example leaks -- DIALOGUES.jsonl [--part dev|test] [--misses]
//! ```
//!
//! A line is `{"conversation","solution","responses":[{"text","reveals_answer"}]}`, where `reveals_answer` begins with `Yes` or
//! `No`. The dialogues of every other line are the part `dev`, the others the part `test` (`docs/tutor.md` says how often
//! which was looked at).
//! A response counts as caught when one of its sentences is. *Strict recall* is of the responses whose revealed answer is
//! correct. The output is one line of JSON.

#![allow(clippy::print_stdout)]

use std::process::ExitCode;

use lectern_search::sentences;
use lectern_tutor::leaks::{Fingerprint, Guard, Verdict};
use serde::Deserialize;

#[derive(Deserialize)]
struct Dialogue {
    conversation: String,
    solution: String,
    responses: Vec<Response>,
}

#[derive(Deserialize)]
struct Response {
    text: String,
    reveals_answer: String,
}

/// How many of the tutor's last turns are looked at for what was asked.
const TURNS: usize = 3;

fn guard(dialogue: &Dialogue) -> Guard {
    let answer = dialogue.solution.trim().lines().next_back().unwrap_or_default();
    let guard = Guard::new(Fingerprint::new([0; 32], answer, ""), &dialogue.conversation);
    if !guard.is_idle() {
        return guard;
    }
    let turns = dialogue.conversation.lines().map(str::trim).filter(|line| line.starts_with("Tutor:"));
    let turns: Vec<&str> = turns.collect();
    let asked = turns.iter().rev().take(TURNS).map(|turn| guard.clone().asked(turn)).find(|guard| !guard.is_idle());
    asked.unwrap_or_else(|| guard.any_number())
}

#[derive(Default)]
struct Counts {
    caught: u32,
    missed: u32,
    false_alarms: u32,
    strict_caught: u32,
    strict_missed: u32,
}

impl Counts {
    fn add(&mut self, guard: &Guard, response: &Response, show: bool) {
        let reveals = response.reveals_answer.starts_with("Yes");
        let strict = reveals && !response.reveals_answer.contains("incorrect");
        let caught = sentences(&response.text).into_iter().any(|sentence| guard.check(sentence) != Verdict::Fine);
        match (reveals, caught) {
            (true, true) => self.caught += 1,
            (true, false) => self.missed += 1,
            (false, true) => self.false_alarms += 1,
            (false, false) => {}
        }
        self.strict_caught += u32::from(strict && caught);
        self.strict_missed += u32::from(strict && !caught);
        if show && reveals != caught {
            println!("{}: {}", response.reveals_answer, response.text.replace('\n', " "));
        }
    }
}

fn run(args: &[String]) -> Result<(), String> {
    let path = args.first().ok_or("leaks DIALOGUES.jsonl [--part dev|test] [--misses]")?;
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {error}"))?;
    let part = args.iter().position(|arg| arg == "--part").and_then(|at| args.get(at + 1)).map(String::as_str);
    let show = args.iter().any(|arg| arg == "--misses");
    let mut counts = Counts::default();
    for (number, line) in text.lines().enumerate() {
        let wanted = match part {
            None => true,
            Some("dev") => number % 2 == 0,
            Some("test") => number % 2 == 1,
            Some(other) => return Err(format!("there is no part {other}: dev or test")),
        };
        if wanted {
            let dialogue: Dialogue = serde_json::from_str(line).map_err(|error| format!("{path}: {error}"))?;
            let guard = guard(&dialogue);
            for response in &dialogue.responses {
                counts.add(&guard, response, show);
            }
        }
    }
    let share = |n: u32, rest: u32| f64::from(n) / f64::from((n + rest).max(1));
    let f1 = share(2 * counts.caught, counts.missed + counts.false_alarms);
    println!(
        "{{\"f1\":{f1:.4},\"precision\":{:.4},\"recall\":{:.4},\"strict_recall\":{:.4}}}",
        share(counts.caught, counts.false_alarms),
        share(counts.caught, counts.missed),
        share(counts.strict_caught, counts.strict_missed)
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
