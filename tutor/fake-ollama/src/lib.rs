//! A stand-in for Ollama in tests: it listens on a port of its own, and answers `/api/chat` as it is told to ([`Reply`]),
//! faults included.
//!
//! What it does not do is pretend to be a model. [`Reply::Obedient`] comes nearest: it does whatever it is told outside
//! fences, which is the worst that a model could do that respects them.

mod http;
mod obedient;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What comes as the body of an answer.
#[derive(Debug, Clone)]
pub enum Reply {
    /// These pieces, one after the other, each as an HTTP chunk of its own; then the end that follows.
    Pieces(Vec<Vec<u8>>, After),
    /// A refusal with this status and error.
    Refusal(u16, String),
    /// What the last message, outside fences, tells it to say: `say: …`. Otherwise a sentence that cites excerpt 1.
    Obedient,
}

/// What follows the pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// The body ends as it should.
    End,
    /// The connection is closed in the middle of the body.
    Cut,
    /// Nothing more comes, and the connection stays.
    Silence,
}

/// How many requests there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Requests that began.
    pub begun: usize,
    /// Requests that are being answered.
    pub open: usize,
    /// Requests whose caller left before the answer was over.
    pub left: usize,
}

/// A running stand-in; it ends when it is dropped.
#[derive(Debug)]
pub struct FakeOllama {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    reply: Mutex<Reply>,
    requests: Mutex<Vec<Value>>,
    seen: watch::Sender<Seen>,
}

impl FakeOllama {
    /// Starts one that gives this reply.
    pub async fn start(reply: Reply) -> std::io::Result<FakeOllama> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            reply: Mutex::new(reply),
            requests: Mutex::default(),
            seen: watch::Sender::new(Seen::default()),
        });
        let serving = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(http::serve(stream, Arc::clone(&serving)));
            }
        });
        Ok(FakeOllama { address, shared, task })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Gives another reply from the next request on.
    pub fn set_reply(&self, reply: Reply) {
        *lock(&self.shared.reply) = reply;
    }

    /// The bodies of all requests so far.
    pub fn requests(&self) -> Vec<Value> {
        lock(&self.shared.requests).clone()
    }

    /// Waits until its counts are so.
    pub async fn wait_until(&self, so: impl FnMut(&Seen) -> bool) {
        // The sender lives as long as this does.
        let _ = self.shared.seen.subscribe().wait_for(so).await;
    }

    /// Its counts now.
    pub fn seen(&self) -> Seen {
        *self.shared.seen.borrow()
    }
}

impl Drop for FakeOllama {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A line of an answer.
pub fn line(text: &str) -> String {
    let message = json!({"role": "assistant", "content": text});
    format!("{}\n", json!({"model": "fake", "message": message, "done": false}))
}

/// The last line of an answer, with the tokens that were counted.
pub fn done(reason: &str, prompt: u64, answer: u64) -> String {
    let message = json!({"role": "assistant", "content": ""});
    let counts = json!({"model": "fake", "message": message, "done": true, "done_reason": reason,
        "prompt_eval_count": prompt, "eval_count": answer});
    format!("{counts}\n")
}

/// What it counts as a prompt: about as many tokens as a question with one excerpt has.
const PROMPT_TOKENS: u64 = 300;

/// A whole answer, a word a line.
pub fn answer(text: &str) -> Reply {
    let words = text.split_inclusive(' ').map(|word| line(word).into_bytes());
    let end = done("stop", PROMPT_TOKENS, text.split_whitespace().count() as u64).into_bytes();
    Reply::Pieces(words.chain([end]).collect(), After::End)
}
