//! How well mastery predicts the answers of recorded students.
//!
//! ```text
//! cargo run --release -p lectern-lms --example mastery -- FILE.csv [--first | --fold N] [--without N]
//! ```
//!
//! FILE has the columns `fold,student,item,skill,correct`, in the order of the answers. Each fold (or the first, or the one
//! that is asked for) is predicted twice: *frozen*, after one pass over the other folds, with items and topics as those
//! left them; and *cold*, from nothing. Always: predict, then learn. `--without` leaves a fold out of everything: the one
//! that is kept for the end.
//!
//! An answer that belongs to several topics stands in several rows of such a file, one after the other. Taken row by row, all
//! but the first of them are predicted by one who has already seen the answer. So each measure is given twice: by *answers*,
//! where consecutive rows of one student, item and outcome are one answer to an item of several topics; and by *rows*, the
//! way that most published figures are made.
//!
//! The output is one line of JSON a fold.

#![allow(clippy::print_stdout)]

use std::collections::HashMap;
use std::process::ExitCode;

use lectern_lms::mastery::{Answer, Item, Learner, Learns, Practised, Skill, Topic, observe, predict};

/// One answer, with names as numbers.
#[derive(Clone)]
struct Event {
    fold: u32,
    student: usize,
    item: usize,
    topics: Vec<usize>,
    right: bool,
}

/// Numbers for names, in the order of their appearance.
#[derive(Default)]
struct Names(HashMap<String, usize>);

impl Names {
    fn number(&mut self, name: &str) -> usize {
        let next = self.0.len();
        *self.0.entry(name.to_owned()).or_insert(next)
    }
}

fn read(path: &str, merge: bool) -> Result<Vec<Event>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {error}"))?;
    let (mut students, mut items, mut topics) = (Names::default(), Names::default(), Names::default());
    let mut events: Vec<Event> = Vec::new();
    for (number, line) in text.lines().enumerate().skip(1) {
        let columns: Vec<&str> = line.split(',').collect();
        let &[fold, student, item, topic, correct] = columns.as_slice() else {
            return Err(format!("{path}, line {}: fold,student,item,skill,correct is expected", number + 1));
        };
        let fold = fold.parse().map_err(|_| format!("{path}, line {}: the fold is no number", number + 1))?;
        let event = Event {
            fold,
            student: students.number(student),
            item: items.number(item),
            topics: vec![topics.number(topic)],
            right: correct == "1",
        };
        match events.last_mut() {
            Some(last) if merge && continues(last, &event) => last.topics.extend(event.topics),
            _ => events.push(event),
        }
    }
    Ok(events)
}

/// Whether a row is the same answer as the one before, in another topic.
fn continues(last: &Event, row: &Event) -> bool {
    let same = (last.fold, last.student, last.item, last.right) == (row.fold, row.student, row.item, row.right);
    same && !last.topics.contains(&row.topics[0])
}

/// All that is known, by number.
#[derive(Default)]
struct Course {
    learners: HashMap<usize, Learner>,
    skills: HashMap<(usize, usize), Skill>,
    topics: HashMap<usize, Topic>,
    items: HashMap<usize, Item>,
}

impl Course {
    /// The probability that was given to a right answer before it was learnt from.
    fn step(&mut self, event: &Event, learns: Learns) -> f64 {
        let learner = self.learners.entry(event.student).or_default();
        let item = self.items.entry(event.item).or_default();
        let take = |topic: &usize| {
            let skill = self.skills.remove(&(event.student, *topic)).unwrap_or_default();
            (skill, self.topics.remove(topic).unwrap_or_default())
        };
        let mut taken: Vec<(Skill, Topic)> = event.topics.iter().map(take).collect();
        let topics: Vec<(&Skill, &Topic)> = taken.iter().map(|(skill, topic)| (skill, topic)).collect();
        let p = predict(learner, &topics, item, None);
        let mut practised: Vec<_> = taken.iter_mut().map(|(skill, topic)| Practised { skill, topic }).collect();
        observe(learner, &mut practised, item, Answer { right: event.right, options: None }, learns);
        for (number, (skill, topic)) in event.topics.iter().zip(taken) {
            self.skills.insert((event.student, *number), skill);
            self.topics.insert(*number, topic);
        }
        #[allow(clippy::cast_precision_loss)]
        let p = p.millionths() as f64 / 1e6;
        p
    }
}

/// Area under the ROC curve, and the expected calibration error over ten equal bins.
#[allow(clippy::cast_precision_loss)]
fn measures(predictions: &mut [(f64, bool)]) -> (f64, f64) {
    let mut bins = [(0.0, 0.0); 10];
    for &(p, right) in predictions.iter() {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let bin = &mut bins[((p * 10.0) as usize).min(9)];
        bin.0 += p;
        bin.1 += f64::from(u8::from(right));
    }
    let ece = bins.iter().map(|(p, y)| (p - y).abs()).sum::<f64>() / predictions.len() as f64;
    predictions.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut right, mut wrong, mut ordered) = (0.0, 0.0, 0.0);
    for tied in predictions.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let right_here = tied.iter().filter(|(_, right)| *right).count() as f64;
        let wrong_here = tied.len() as f64 - right_here;
        ordered += right_here * (wrong + wrong_here / 2.0);
        right += right_here;
        wrong += wrong_here;
    }
    (ordered / (right * wrong), ece)
}

fn predictions(events: &[Event], fold: u32, frozen: bool, train: impl Fn(u32) -> bool) -> Vec<(f64, bool)> {
    let mut course = Course::default();
    if frozen {
        for event in events.iter().filter(|event| event.fold != fold && train(event.fold)) {
            course.step(event, Learns::All);
        }
    }
    let learns = if frozen { Learns::StudentOnly } else { Learns::All };
    let tested = events.iter().filter(|event| event.fold == fold);
    tested.map(|event| (course.step(event, learns), event.right)).collect()
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

fn run(args: &[String]) -> Result<(), String> {
    const USAGE: &str = "mastery FILE.csv [--first | --fold N] [--without N]";
    let path = args.first().ok_or(USAGE)?;
    let option = |name: &str| {
        let value = args.iter().position(|arg| arg == name).map(|at| args.get(at + 1).map(String::as_str));
        value.map(|value| value.unwrap_or_default().parse::<u32>().map_err(|_| USAGE.to_owned())).transpose()
    };
    let (only, without) = (option("--fold")?, option("--without")?);
    let kinds = [("answers", read(path, true)?), ("rows", read(path, false)?)];
    let mut folds: Vec<u32> = kinds[1].1.iter().map(|event| event.fold).collect();
    folds.sort_unstable();
    folds.dedup();
    let others = folds.iter().filter(|fold| without != Some(**fold)).count() > 1;
    if args.iter().any(|arg| arg == "--first") {
        folds.truncate(1);
    }
    for fold in folds {
        if only.is_some_and(|only| only != fold) || without == Some(fold) {
            continue;
        }
        let mut fields = vec![format!("\"fold\":{fold}")];
        for (kind, events) in &kinds {
            for (name, frozen) in [("frozen", true), ("cold", false)] {
                if frozen && !others {
                    continue;
                }
                let mut predicted = predictions(events, fold, frozen, |other| without != Some(other));
                let (auc, ece) = measures(&mut predicted);
                fields.push(format!("\"{kind}_{name}_auc\":{auc:.4},\"{kind}_{name}_ece\":{ece:.4}"));
            }
            fields.push(format!("\"{kind}\":{}", events.iter().filter(|event| event.fold == fold).count()));
        }
        println!("{{{}}}", fields.join(","));
    }
    Ok(())
}
