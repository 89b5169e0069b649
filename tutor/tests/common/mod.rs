//! A tutor to ask, and what it showed.

#![allow(dead_code, reason = "each test uses some of it")]

use std::time::Duration;

use lectern_search::{Asker, Audience, Change, Index, Material, Page, Passage, Section};
use lectern_tutor::answer::{Asking, Denied, Event, Outcome, Tutor};
use lectern_tutor::client::{Client, Limits};
use lectern_tutor::leaks::{Fingerprint, Guard};
use lectern_tutor::policy::Level;
use lectern_tutor::queue::Queue;
use lectern_tutor::quota::{Quota, Quotas};
use lectern_tutor::request::{Model, Question};

/// Long enough for a slow machine, short enough to end.
pub const LIMITS: Limits = Limits {
    connect: Duration::from_secs(2),
    first: Duration::from_mins(2),
    idle: Duration::from_mins(1),
    total: Duration::from_mins(4),
};

/// A tutor before an Ollama, for one request at a time.
pub fn tutor(url: &str, model: &str, limits: Limits) -> Tutor {
    let client = Client::new(url, limits.connect).expect("a client");
    let model = Model { name: model.into(), context: 2_048, answer: 96, temperature: 0.0 };
    let plenty = Quota { requests: 1_000, every: Duration::from_secs(1) };
    Tutor::new(client, model, limits, Queue::new(1, 32), Quotas::new(plenty, plenty))
}

/// The passages of a small course that fit a question.
pub fn passages(question: &str) -> Vec<Passage> {
    let text = "A while loop repeats its body as long as its condition is true. When the condition becomes false, the \
                loop ends. If the condition never becomes false, the loop is infinite.";
    let pages = vec![Page { number: 42, text: text.into() }];
    let material = Material {
        course: "cs".into(),
        id: "book".into(),
        title: "Python".into(),
        audience: Audience::Students { from_ms: 0 },
        sections: vec![Section { title: "While loops".into(), pages }],
    };
    let index = Index::in_memory().expect("an index");
    index.apply(&[Change::Put(material)], "1").expect("a change");
    index.search(&Asker { course: "cs", now_ms: 1, among: None }, question).expect("a search")
}

/// Asks as this student, and gives `show` what happens.
pub async fn ask(
    tutor: &Tutor,
    student: &str,
    message: &str,
    show: impl FnMut(Event) -> bool,
) -> Result<Outcome, Denied> {
    let found = passages(message);
    let question = Question {
        level: Level::FullExplanation,
        style: "Explain step by step.",
        assignment: None,
        history: &[],
        passages: &found,
        message,
    };
    let guard = Guard::new(Fingerprint::default(), message);
    let asking = Asking { course: "cs", student };
    tutor.answer(asking, &question, guard, [4; 8], show, |cut| panic!("{cut}")).await
}

/// Asks, and collects everything.
pub async fn collect(tutor: &Tutor, student: &str, message: &str) -> (Outcome, Vec<Event>) {
    let mut events = Vec::new();
    let outcome = ask(tutor, student, message, |event| {
        events.push(event);
        true
    })
    .await;
    (outcome.expect("an answer"), events)
}
