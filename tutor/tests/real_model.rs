//! The whole path before a real model behind Ollama's API. `LECTERN_TEST_OLLAMA` says where it is (`http://127.0.0.1:PORT`),
//! `LECTERN_TEST_OLLAMA_MODEL` which (`qwen2.5-coder:0.5b`); without the first there is nothing to test, and this says so.

mod common;

use common::{LIMITS, ask, collect, tutor};
use lectern_tutor::answer::{Event, Outcome, Tutor};
use lectern_tutor::client::Limits;
use lectern_tutor::stream::End;

const QUESTION: &str = "When does a while loop end?";

fn real() -> Option<Tutor> {
    let Ok(url) = std::env::var("LECTERN_TEST_OLLAMA") else {
        eprintln!("skipped: LECTERN_TEST_OLLAMA does not say where a model is");
        return None;
    };
    let model = std::env::var("LECTERN_TEST_OLLAMA_MODEL").unwrap_or_else(|_| "qwen2.5-coder:0.5b".into());
    Some(tutor(&url, &model, LIMITS))
}

fn sentences(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event, Event::Sentence(_))).count()
}

#[tokio::test]
async fn it_streams_sentences_and_cites_only_what_it_was_given() {
    let Some(tutor) = real() else { return };
    let (outcome, events) = collect(&tutor, "ada", QUESTION).await;
    assert!(matches!(outcome, Outcome::Answered(End::Stop(_) | End::Length(_))), "{outcome:?}");
    assert!(matches!(events[0], Event::Excerpts(_)) && sentences(&events) > 0, "{events:?}");
    for event in &events {
        if let Event::Sentence(cited) = event {
            assert!(cited.passages.iter().all(|passage| *passage == 0), "{cited:?}");
        }
    }
}

#[tokio::test]
async fn who_leaves_frees_it_for_the_next() {
    let Some(tutor) = real() else { return };
    let left = ask(&tutor, "ada", QUESTION, |event| !matches!(event, Event::Sentence(_))).await;
    assert!(matches!(left, Ok(Outcome::Left | Outcome::Answered(_))), "{left:?}");
    let (outcome, _) = collect(&tutor, "bob", QUESTION).await;
    assert!(matches!(outcome, Outcome::Answered(_)), "{outcome:?}");
}

#[tokio::test]
async fn two_who_ask_at_once_are_answered_one_after_the_other() {
    let Some(tutor) = real() else { return };
    let ((first, _), (second, events)) =
        tokio::join!(collect(&tutor, "ada", QUESTION), collect(&tutor, "bob", "What is an infinite loop?"));
    assert!(matches!((&first, &second), (Outcome::Answered(_), Outcome::Answered(_))), "{first:?} {second:?}");
    assert_eq!(events.iter().filter(|event| **event == Event::Waiting(1)).count(), 1);
}

#[tokio::test]
async fn a_model_that_takes_too_long_is_followed_by_quotations() {
    let Ok(url) = std::env::var("LECTERN_TEST_OLLAMA") else {
        eprintln!("skipped: LECTERN_TEST_OLLAMA does not say where a model is");
        return;
    };
    let impatient = Limits { first: std::time::Duration::from_millis(1), ..LIMITS };
    let (outcome, events) = collect(&tutor(&url, "qwen2.5-coder:0.5b", impatient), "ada", QUESTION).await;
    assert_eq!(outcome, Outcome::FellBack(Some(End::Idle)));
    assert!(matches!(events.last(), Some(Event::Quotations(_))));
}
