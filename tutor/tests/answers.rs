//! Whole answers before a fake Ollama: the queue, leaving, and the ladder.

mod common;

use common::{LIMITS, ask, collect, tutor};
use lectern_fake_ollama::{After, FakeOllama, Reply, answer, line};
use lectern_tutor::answer::{Denied, Event, Outcome};
use lectern_tutor::queue::Refused;
use lectern_tutor::stream::End;

const QUESTION: &str = "When does a while loop end?";

fn silent() -> Reply {
    Reply::Pieces(vec![line("The loop ").into_bytes()], After::Silence)
}

#[tokio::test]
async fn excerpts_come_first_and_then_cited_sentences() {
    let fake =
        FakeOllama::start(answer("The loop ends when the condition is false [1]. Try it [7].")).await.expect("a port");
    let (outcome, events) = collect(&tutor(&fake.url(), "fake", LIMITS), "ada", QUESTION).await;
    assert!(matches!(outcome, Outcome::Answered(End::Stop(_))), "{outcome:?}");
    let [Event::Excerpts(found), Event::Sentence(first), Event::Sentence(second)] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert_eq!(found[0].page(), 42);
    assert_eq!((first.passages.as_slice(), first.verified), ([0].as_slice(), true));
    assert_eq!((second.passages.len(), second.verified), (0, false));
    assert!(!second.text.contains('['), "{}", second.text);
    assert!(!fake.requests()[0].to_string().contains("ada"));
}

#[tokio::test]
async fn those_who_wait_know_their_place_and_are_served_when_one_leaves() {
    let fake = FakeOllama::start(silent()).await.expect("a port");
    let tutor = tutor(&fake.url(), "fake", LIMITS);
    let mut places = Vec::new();
    {
        let first = ask(&tutor, "ada", QUESTION, |_| true);
        tokio::pin!(first);
        tokio::select! {
            outcome = &mut first => panic!("it ended: {outcome:?}"),
            () = fake.wait_until(|seen| seen.open == 1) => {}
        }
        let again = ask(&tutor, "ada", QUESTION, |_| true).await;
        assert_eq!(again, Err(Denied::Queue(Refused::AlreadyThere)));
        let mut waited = false;
        let second = ask(&tutor, "bob", QUESTION, |event| {
            waited |= event == Event::Waiting(1);
            !waited
        });
        assert_eq!(second.await, Ok(Outcome::Left));
        assert!(waited);
    }
    fake.wait_until(|seen| seen.open == 0).await;
    fake.set_reply(answer("It ends [1]."));
    let third = ask(&tutor, "eve", QUESTION, |event| {
        places.extend(matches!(event, Event::Waiting(_)).then_some(event));
        true
    });
    assert!(matches!(third.await, Ok(Outcome::Answered(_))));
    assert!(places.is_empty());
}

#[tokio::test]
async fn a_model_that_fails_midway_is_followed_by_quotations() {
    let cut = Reply::Pieces(vec![line("The loop ends. It").into_bytes()], After::Cut);
    let fake = FakeOllama::start(cut).await.expect("a port");
    let (outcome, events) = collect(&tutor(&fake.url(), "fake", LIMITS), "ada", QUESTION).await;
    assert_eq!(outcome, Outcome::FellBack(Some(End::Truncated)));
    assert!(matches!(events.last(), Some(Event::Quotations(quoted)) if quoted[0].page() == 42), "{events:?}");
}

#[tokio::test]
async fn a_model_that_is_gone_is_not_asked_for_a_while() {
    let fake = FakeOllama::start(Reply::Refusal(500, "out of memory".into())).await.expect("a port");
    let tutor = tutor(&fake.url(), "fake", LIMITS);
    for _ in 0..3 {
        let (outcome, _) = collect(&tutor, "ada", QUESTION).await;
        assert_eq!(outcome, Outcome::FellBack(Some(End::UpstreamError("out of memory".into()))));
    }
    let (outcome, events) = collect(&tutor, "ada", QUESTION).await;
    assert_eq!(outcome, Outcome::FellBack(None));
    assert!(matches!(events.last(), Some(Event::Quotations(_))));
    assert_eq!(fake.requests().len(), 3);
}

#[tokio::test]
async fn what_the_course_does_not_have_goes_to_the_instructor() {
    let fake = FakeOllama::start(answer("Photosynthesis is green.")).await.expect("a port");
    let (outcome, events) = collect(&tutor(&fake.url(), "fake", LIMITS), "ada", "photosynthesis").await;
    assert_eq!((outcome, events), (Outcome::NothingFound, vec![Event::AskInstructor]));
    assert!(fake.requests().is_empty());
}
