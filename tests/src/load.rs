//! Students who hand in work without a pause, and the count at the end: what was acknowledged is there, once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use lectern_client::{Client, ClientOptions, Secret, v1};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::cluster::PATIENCE;
use crate::{Class, Person, wait};

/// What one writer was told.
#[derive(Default)]
struct Told {
    /// Acknowledged texts by submission.
    acknowledged: BTreeMap<String, String>,
    /// Texts whose outcome nobody knows.
    unknown: Vec<String>,
}

/// The writers, at work.
pub struct Load {
    runtime: Runtime,
    clients: Vec<Client>,
    writers: Vec<JoinHandle<Told>>,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicUsize>,
}

/// A client of the library, signed in as `person`, through these addresses.
pub fn client(person: &Person, endpoints: &str) -> Client {
    let made = person.run(&["token", "create", "library"]).json();
    let token = Secret::new(made["token"].as_str().expect("a token"));
    let options = ClientOptions::new(endpoints.split(',')).with_token(Some(token));
    Client::connect(options).expect("the addresses make sense")
}

impl Load {
    /// So many students of `cs101` begin to hand in texts to an assignment. Each call carries an idempotency key, which its
    /// repetitions share.
    pub fn on(class: &Class, assignment: &str, writers: usize) -> Self {
        let endpoints = class.cluster.endpoints();
        let runtime = Runtime::new().expect("a runtime");
        let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let clients: Vec<Client> =
            (0..writers).map(|number| client(&class.another_student(&format!("writer{number}")), &endpoints)).collect();
        let writers = clients.iter().enumerate().map(|(number, client)| {
            let writer = Writer {
                client: client.clone(),
                assignment: assignment.to_owned(),
                number,
                stop: Arc::clone(&stop),
                acknowledged: Arc::clone(&acknowledged),
            };
            runtime.spawn(writer.write())
        });
        let writers = writers.collect();
        let load = Self { runtime, clients, writers, stop, acknowledged };
        load.await_more();
        load
    }

    /// Waits until some more was acknowledged than is now: writes go on.
    pub fn await_more(&self) {
        const MORE: usize = 20;
        let before = self.acknowledged.load(Ordering::Relaxed);
        wait::until("further acknowledged writes", PATIENCE, || {
            (self.acknowledged.load(Ordering::Relaxed) >= before + MORE).then_some(())
        });
    }

    /// Lets the writers come to an end, and counts: everything that was acknowledged is there, once, and what nobody knows the
    /// outcome of at most once. Returns how much was acknowledged.
    #[track_caller]
    pub fn finish(self, assignment: &str) -> usize {
        self.await_more();
        self.stop.store(true, Ordering::Relaxed);
        let mut count = 0;
        for (client, writer) in self.clients.iter().zip(self.writers) {
            let told = self.runtime.block_on(writer).expect("no writer panics");
            let stored = self.runtime.block_on(read_back(client, assignment));
            for (id, text) in &told.acknowledged {
                let found: Vec<_> = stored.iter().filter(|(_, other)| *other == text).collect();
                assert_eq!(found, [(id, text)], "an acknowledged text is there once, under its number");
            }
            for text in &told.unknown {
                assert!(stored.values().filter(|other| *other == text).count() <= 1, "{text} is there twice");
            }
            let explained = told.acknowledged.len() + told.unknown.len();
            assert!(stored.len() <= explained, "{} are stored and {explained} were sent", stored.len());
            count += told.acknowledged.len();
        }
        count
    }
}

/// One writer.
struct Writer {
    client: Client,
    assignment: String,
    number: usize,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicUsize>,
}

impl Writer {
    async fn write(self) -> Told {
        let mut told = Told::default();
        for round in 0_u64.. {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            let text = format!("writer {}, round {round}", self.number);
            let request = v1::SubmitRequest {
                course: "cs101".into(),
                assignment: self.assignment.clone(),
                text: text.clone(),
                ..Default::default()
            };
            match self.client.call(request).await {
                Ok(answer) => {
                    let id = answer.submission.expect("an acknowledged text has a number").submission_id;
                    told.acknowledged.insert(id, text);
                    self.acknowledged.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) if error.is_transient() => told.unknown.push(text),
                Err(error) => panic!("writer {} was refused: {error:?}", self.number),
            }
        }
        told
    }
}

/// Everything a student handed in: text by submission.
async fn read_back(client: &Client, assignment: &str) -> BTreeMap<String, String> {
    let mut stored = BTreeMap::new();
    let mut page_token = String::new();
    loop {
        let request = v1::ListAttemptsRequest {
            course: "cs101".into(),
            assignment: assignment.into(),
            page_size: 500,
            page_token,
            ..Default::default()
        };
        let page = client.call(request).await.expect("a majority is up");
        stored.extend(page.attempts.into_iter().map(|attempt| (attempt.submission_id, attempt.text)));
        if page.next_page_token.is_empty() {
            return stored;
        }
        page_token = page.next_page_token;
    }
}
