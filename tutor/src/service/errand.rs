//! One question from its asker to the thread.

use std::sync::Arc;

use lectern_client::{Client, ClientOptions, Secret, new_key, v1};
use tokio::sync::mpsc;
use tonic::{Code, Status};

use super::asker::Asked;
use super::compose::Composer;
use super::config::Config;
use super::refusal::{denied, of_cluster, off, own_fault, status};
use super::shelf::{Shelf, ShelfError};
use crate::answer::{Asking, Event, Outcome, Tutor};
use crate::budget::Cut;
use crate::leaks::{Fingerprint, Guard};
use crate::policy::{self, Level, Rules};
use crate::request::{Question, template_digest};

/// How to explain, as long as nothing is known of the student.
const STYLE: &str = "Explain in small steps.";

/// What all questions stand on.
pub(super) struct Desk {
    /// What the tutor was told.
    pub config: Config,
    /// How the cluster is called, by nobody.
    pub cluster: ClientOptions,
    /// The cluster, called by the tutor's own account.
    pub own: Client,
    /// The materials.
    pub shelf: Shelf,
    /// The model with its queue.
    pub tutor: Tutor,
}

/// Where events go: a buffer that no answer outgrows, since answers have an end.
pub(super) type Out = mpsc::UnboundedSender<Result<v1::AskEvent, Status>>;

/// Answers a question; what happens goes to `out`, a refusal too.
pub(super) async fn run(desk: Arc<Desk>, request: v1::AskRequest, token: Secret, out: Out) {
    let answered = tokio::select! {
        answered = answer(&desk, &request, token, &out) => answered,
        // The place in the queue is free, and the model stops.
        () = out.closed() => Ok(()),
    };
    if let Err(refused) = answered {
        // Who left does not need to know.
        let _ = out.send(Err(refused));
    }
}

async fn answer(desk: &Desk, request: &v1::AskRequest, token: Secret, out: &Out) -> Result<(), Status> {
    let client = Client::connect(desk.cluster.clone().with_token(Some(token))).map_err(|error| of_cluster(&error))?;
    let asked = Asked::read(&client, &request.course, request.number).await?;
    let rules = Rules { enabled: !desk.config.off.contains(&asked.course), exam: false };
    let level = policy::level(rules, asked.subject(desk.config.ceiling), asked.given, asked.now_ms).map_err(off)?;
    let found = desk.shelf.look_up(&client, &asked.course, &asked.to_look_up()).await.map_err(|error| match error {
        ShelfError::Cluster(error) => of_cluster(&error),
        error => own_fault(&error),
    })?;
    let assignment = asked.assignment_text();
    let question = Question {
        level,
        style: STYLE,
        assignment: assignment.as_deref(),
        history: &asked.history,
        passages: &found.passages,
        message: &asked.text,
    };
    let mut nonce = [0; 8];
    getrandom::fill(&mut nonce).map_err(|error| own_fault(&error))?;
    let mut composer = Composer::new(found.slugs);
    let asking = Asking { course: &asked.course, student: &asked.user_id };
    let show = |event| tell(&mut composer, event, out);
    let outcome = desk.tutor.answer(asking, &question, guard(&asked, level), nonce, show, cut).await.map_err(denied)?;
    tracing::info!(course = asked.course, thread = asked.number, level = level.name(), "{}", in_words(&outcome));
    let model = if matches!(outcome, Outcome::Answered(_)) { desk.config.ollama.model.clone() } else { String::new() };
    let template_digest = if model.is_empty() { String::new() } else { template_digest(level, STYLE) };
    let Some((body, facts)) = composer.compose(&outcome) else { return Ok(()) };
    let attempts = asked.attempts();
    let answer = v1::TutorAnswer { model, level: level.name().into(), attempts, template_digest, ..facts };
    write_down(desk, &asked, body, answer, out).await
}

/// What must not be said: on work that is not to be explained in full, the results of what is asked to be computed. What the
/// conversation has said is no secret.
fn guard(asked: &Asked, level: Level) -> Guard {
    let guard = Guard::new(Fingerprint::default(), &asked.so_far());
    if level == Level::FullExplanation {
        return guard;
    }
    let task = asked.assignment_text().unwrap_or_default();
    guard.asked(&task).asked(&asked.text)
}

/// Writes the answer into the thread, and tells its asker that it is there.
async fn write_down(
    desk: &Desk,
    asked: &Asked,
    body: String,
    answer: v1::TutorAnswer,
    out: &Out,
) -> Result<(), Status> {
    let request = v1::AnswerAsTutorRequest {
        course: asked.course.clone(),
        number: asked.number,
        answers: asked.message,
        body: body.clone(),
        answer: Some(answer.clone()),
    };
    // One key for all repetitions: through the death of a leader the answer is written once.
    let written = desk.own.call_with_key(&new_key(), request).await;
    let written = written.map_err(|error| {
        tracing::error!(course = asked.course, thread = asked.number, "an answer could not be written down: {error}");
        if error.is_refused_for("WRONG_STATE") {
            return of_cluster(&error);
        }
        status(Code::Unavailable, error.reason(), "the answer could not be put in your thread; ask again")
    })?;
    let done = v1::AnswerDone { message: written.message, body, answer: Some(answer) };
    // Who left finds it in the thread.
    let _ = out.send(Ok(event(v1::ask_event::Event::Done(done))));
    Ok(())
}

/// Tells the asker what happens; false when they left.
fn tell(composer: &mut Composer, happened: Event, out: &Out) -> bool {
    let told = match &happened {
        Event::Waiting(place) => Some(v1::ask_event::Event::Waiting(u32::try_from(*place).unwrap_or(u32::MAX))),
        Event::Excerpts(found) => {
            let excerpts = found.iter().map(|passage| composer.excerpt(passage)).collect();
            Some(v1::ask_event::Event::Excerpts(v1::Excerpts { excerpts }))
        }
        _ => None,
    };
    let piece = composer
        .take(happened)
        .map(|piece| v1::ask_event::Event::Piece(v1::AnswerPiece { text: piece.text, unverified: piece.unverified }));
    match told.or(piece) {
        Some(told) => out.send(Ok(event(told))).is_ok(),
        None => !out.is_closed(),
    }
}

fn event(event: v1::ask_event::Event) -> v1::AskEvent {
    v1::AskEvent { event: Some(event) }
}

/// An alarm for whoever runs the tutor.
fn cut(lost: Cut) {
    tracing::error!("{lost}: set OLLAMA_CONTEXT_LENGTH, or make ollama.context in tutor.toml smaller");
}

/// How it ended, for the log: nothing of what was asked or said.
fn in_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Answered(end) => format!("answered: {}", end_in_words(end)),
        Outcome::FellBack(None) => "quoted: the model failed lately and is left alone for a while".into(),
        Outcome::FellBack(Some(end)) => format!("quoted: {}", end_in_words(end)),
        Outcome::NothingFound => "nothing was found".into(),
        Outcome::Left => "its asker left".into(),
    }
}

fn end_in_words(end: &crate::stream::End) -> String {
    use crate::stream::End;
    match end {
        End::Stop(counts) => format!("{} tokens", counts.answer),
        End::Length(counts) => format!("cut off at {} tokens", counts.answer),
        End::UpstreamError(error) => format!("Ollama: {error}"),
        End::Truncated => "Ollama's answer broke off".into(),
        End::Idle => "Ollama said nothing for too long".into(),
        End::Cancelled => "stopped".into(),
    }
}
