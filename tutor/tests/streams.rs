//! Streams through a real HTTP connection: faults replayed, pieces split anywhere, callers that leave.

use std::time::Duration;

use lectern_fake_ollama::{After, FakeOllama, Reply, answer, done, line};
use lectern_tutor::client::{Client, Limits};
use lectern_tutor::stream::{Counts, End};
use serde_json::json;

const LIMITS: Limits = Limits {
    connect: Duration::from_secs(2),
    first: Duration::from_secs(20),
    idle: Duration::from_secs(20),
    total: Duration::from_secs(40),
};

async fn ask(fake: &FakeOllama, limits: Limits) -> (String, End) {
    let client = Client::new(&fake.url(), limits.connect).expect("a client");
    let mut text = String::new();
    let end = client
        .chat(&json!({"model": "fake", "messages": []}), limits, |words| {
            text += words;
            true
        })
        .await;
    (text, end)
}

async fn replay(pieces: Vec<Vec<u8>>, after: After, limits: Limits) -> (String, End) {
    let fake = FakeOllama::start(Reply::Pieces(pieces, after)).await.expect("a port");
    ask(&fake, limits).await
}

#[tokio::test]
async fn no_byte_is_lost_wherever_an_answer_is_split() {
    let body = (line("Grüße, ") + &line("Zoë 🦆") + &done("stop", 9, 2)).into_bytes();
    let fake = FakeOllama::start(answer("")).await.expect("a port");
    for at in 0..=body.len() {
        let (left, right) = body.split_at(at);
        fake.set_reply(Reply::Pieces(vec![left.to_vec(), right.to_vec()], After::End));
        let read = ask(&fake, LIMITS).await;
        assert_eq!(read, ("Grüße, Zoë 🦆".into(), End::Stop(Counts { prompt: 9, answer: 2 })), "split at {at}");
    }
}

#[tokio::test]
async fn every_fault_has_its_end() {
    let said = line("Look at").into_bytes();
    let error = b"{\"error\":\"model runner has unexpectedly stopped\"}\n".to_vec();
    let short = Limits { idle: Duration::from_millis(200), ..LIMITS };
    let cases = [
        (vec![said.clone()], After::End, LIMITS, End::Truncated),
        (vec![said.clone()], After::Cut, LIMITS, End::Truncated),
        (vec![said.clone()], After::Silence, short, End::Idle),
        (
            vec![said.clone(), error],
            After::End,
            LIMITS,
            End::UpstreamError("model runner has unexpectedly stopped".into()),
        ),
        (
            vec![said.clone(), done("length", 9, 1).into_bytes()],
            After::Silence,
            LIMITS,
            End::Length(Counts { prompt: 9, answer: 1 }),
        ),
    ];
    for (pieces, after, limits, end) in cases {
        assert_eq!(replay(pieces, after, limits).await, ("Look at".into(), end));
    }
}

#[tokio::test]
async fn a_refusal_is_told_in_ollamas_words() {
    let fake = FakeOllama::start(Reply::Refusal(404, "model 'x' not found".into())).await.expect("a port");
    assert_eq!(ask(&fake, LIMITS).await, (String::new(), End::UpstreamError("model 'x' not found".into())));
}

#[tokio::test]
async fn who_is_not_there_cannot_be_reached() {
    let fake = FakeOllama::start(answer("")).await.expect("a port");
    let url = fake.url();
    drop(fake);
    let client = Client::new(&url, LIMITS.connect).expect("a client");
    let end = client.chat(&json!({}), LIMITS, |_| true).await;
    assert!(matches!(&end, End::UpstreamError(_) | End::Truncated), "{end:?}");
}

#[tokio::test]
async fn a_caller_that_leaves_frees_the_model() {
    let silent = Reply::Pieces(vec![line("Look").into_bytes()], After::Silence);
    let fake = FakeOllama::start(silent).await.expect("a port");
    let client = Client::new(&fake.url(), LIMITS.connect).expect("a client");
    let body = json!({});
    tokio::select! {
        end = client.chat(&body, LIMITS, |_| true) => panic!("it ended: {end:?}"),
        () = fake.wait_until(|seen| seen.open == 1) => {}
    }
    fake.wait_until(|seen| seen.open == 0).await;
    assert_eq!(fake.seen().left, 1);

    let end = client.chat(&body, LIMITS, |_| false).await;
    assert_eq!(end, End::Cancelled);
    fake.wait_until(|seen| seen.left == 2).await;
}
