//! One question, from the quota to the last sentence: what the other rooms do, in order.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use lectern_search::Passage;

use crate::breaker::Breaker;
use crate::budget::{Cut, Estimate};
use crate::citations::Cited;
use crate::client::{Client, Limits};
use crate::fences::Fences;
use crate::ladder::{self, Step};
use crate::leaks::{Guard, Verdict};
use crate::queue::{Queue, Refused, Ticket};
use crate::quota::{Exceeded, Quotas};
use crate::release::{Release, Released};
use crate::request::{self, Model, Question, TooLong};
use crate::stream::End;

/// A tutor before one Ollama.
#[derive(Debug)]
pub struct Tutor {
    client: Client,
    model: Model,
    limits: Limits,
    queue: Arc<Queue>,
    breaker: Mutex<Breaker>,
    quotas: Mutex<Quotas>,
    estimate: Mutex<Estimate>,
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// The course's id.
    pub course: &'a str,
    /// The student's id. It is for the queue and the quota alone, and never in a prompt.
    pub student: &'a str,
}

/// What happens on the way to an answer, in the order in which it is shown.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// So many are before the student.
    Waiting(usize),
    /// What was found: shown while the model thinks.
    Excerpts(Vec<Passage>),
    /// A sentence of the model.
    Sentence(Cited),
    /// A sentence was withheld, and the answer ends here.
    Withheld(Verdict),
    /// No model: these passages, word for word.
    Quotations(Vec<Passage>),
    /// Nothing was found.
    AskInstructor,
}

/// How it all ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The model answered; how its stream ended.
    Answered(End),
    /// The model did not answer, or not to the end: the passages were quoted.
    FellBack(Option<End>),
    /// Nothing was found.
    NothingFound,
    /// The student left.
    Left,
}

/// Why a question is not answered at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The queue.
    #[error(transparent)]
    Queue(#[from] Refused),
    /// A quota.
    #[error(transparent)]
    Quota(#[from] Exceeded),
    /// The message.
    #[error(transparent)]
    TooLong(#[from] TooLong),
}

impl Tutor {
    /// A tutor with a model, its queue and its quotas.
    pub fn new(client: Client, model: Model, limits: Limits, queue: Arc<Queue>, quotas: Quotas) -> Tutor {
        let (breaker, estimate) = (Mutex::default(), Mutex::default());
        Tutor { client, model, limits, queue, breaker, quotas: Mutex::new(quotas), estimate }
    }

    /// Answers a question. `show` is given what happens and says whether anybody still looks; when it does not, or when the
    /// future is dropped, the place in the queue is free and the model is told to stop.
    ///
    /// `cut` is told when the model lost the beginning of the prompt: an alarm for whoever runs it.
    pub async fn answer(
        &self,
        asking: Asking<'_>,
        question: &Question<'_>,
        guard: Guard,
        nonce: [u8; 8],
        mut show: impl FnMut(Event) -> bool,
        cut: impl FnOnce(Cut),
    ) -> Result<Outcome, Denied> {
        let mut ticket = self.queue.enter(asking.student)?;
        lock(&self.quotas).take(asking.course, asking.student, Instant::now())?;
        let found = question.passages.to_vec();
        if found.is_empty() {
            show(Event::AskInstructor);
            return Ok(Outcome::NothingFound);
        }
        if !show(Event::Excerpts(found.clone())) || !wait(&mut ticket, &mut show).await {
            return Ok(Outcome::Left);
        }
        let estimate = lock(&self.estimate).clone();
        let request = request::build(&self.model, &estimate, &Fences::new(nonce), question)?;
        let Step::Model(_) = ladder::step(lock(&self.breaker).pass(Instant::now()), found.clone()) else {
            return Ok(quote(found, None, &mut show));
        };
        let mut trial = Trial { breaker: &self.breaker, decided: false };
        let mut release = Release::new(guard, &question.passages[..request.passages]);
        let mut withheld = false;
        let words = |words: &str| {
            let more = release.feed(words).into_iter().all(|released| show(event(released, &mut withheld)));
            more && !release.is_over()
        };
        let end = self.client.chat(&request.body, self.limits, words).await;
        let looks = release.finish().into_iter().all(|released| show(event(released, &mut withheld)));
        if let End::Stop(counts) | End::Length(counts) = &end {
            let learnt = lock(&self.estimate).learn(request.bytes, request.messages, counts.prompt);
            if let Err(lost) = learnt {
                cut(lost);
            }
        }
        trial.decide(&end, withheld);
        Ok(match end {
            end @ (End::Stop(_) | End::Length(_)) if looks => Outcome::Answered(end),
            End::Cancelled if withheld => Outcome::Answered(End::Cancelled),
            End::Stop(_) | End::Length(_) | End::Cancelled => Outcome::Left,
            end => quote(found, Some(end), &mut show),
        })
    }
}

/// Waits for the turn; false when nobody looks any more.
async fn wait(ticket: &mut Ticket, show: &mut impl FnMut(Event) -> bool) -> bool {
    let mut place = ticket.place();
    while place > 0 {
        if !show(Event::Waiting(place)) {
            return false;
        }
        place = ticket.moved().await;
    }
    true
}

fn event(released: Released, withheld: &mut bool) -> Event {
    match released {
        Released::Sentence(cited) => Event::Sentence(cited),
        Released::Withheld(verdict) => {
            *withheld = true;
            Event::Withheld(verdict)
        }
    }
}

fn quote(found: Vec<Passage>, end: Option<End>, show: &mut impl FnMut(Event) -> bool) -> Outcome {
    let Step::Quotations(passages) = ladder::step(false, found) else { return Outcome::NothingFound };
    if show(Event::Quotations(passages)) { Outcome::FellBack(end) } else { Outcome::Left }
}

/// A request that the breaker let pass: how it went is told in any case, also when the one who asked is gone.
struct Trial<'a> {
    breaker: &'a Mutex<Breaker>,
    decided: bool,
}

impl Trial<'_> {
    fn decide(&mut self, end: &End, withheld: bool) {
        self.decided = true;
        let mut breaker = lock(self.breaker);
        match end {
            End::Stop(_) | End::Length(_) => breaker.succeeded(),
            // It did answer; we did not like what.
            End::Cancelled if withheld => breaker.succeeded(),
            End::Cancelled => breaker.undecided(),
            End::UpstreamError(_) | End::Truncated | End::Idle => breaker.failed(Instant::now()),
        }
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if !self.decided {
            lock(self.breaker).undecided();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
