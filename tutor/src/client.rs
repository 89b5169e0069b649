//! Asking Ollama, with a time limit on everything.

use std::time::Duration;

use ollama_rs::Ollama;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::stream::{End, Reader};

/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For the connection.
    pub connect: Duration,
    /// For the first word; a model that has to be loaded takes longer.
    pub first: Duration,
    /// Between two pieces.
    pub idle: Duration,
    /// For the whole answer.
    pub total: Duration,
}

impl Limits {
    /// For a model that is in memory.
    pub const WARM: Limits = Limits {
        connect: Duration::from_secs(2),
        first: Duration::from_mins(1),
        idle: Duration::from_secs(20),
        total: Duration::from_mins(5),
    };
    /// For one that must be loaded first.
    pub const COLD: Limits = Limits { first: Duration::from_mins(3), ..Limits::WARM };
}

/// Why Ollama cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is none.
    #[error("{0} is no address of Ollama; write http://HOST:PORT")]
    Address(String),
    /// The HTTP client could not be made.
    #[error("no HTTP client could be made: {0}")]
    Http(#[from] reqwest::Error),
}

/// An Ollama.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    ollama: Ollama,
}

impl Client {
    /// Where Ollama listens, such as `http://127.0.0.1:11434`.
    pub fn new(address: &str, connect: Duration) -> Result<Client, ClientError> {
        let url = reqwest::Url::parse(address).ok().filter(|url| url.host().is_some());
        let url = url.ok_or_else(|| ClientError::Address(address.into()))?;
        // No proxy: a model that is asked about students is near, and named by its address.
        let http = reqwest::Client::builder().connect_timeout(connect).no_proxy().build()?;
        let ollama = Ollama::builder().url(url).reqwest_client(http.clone()).build();
        Ok(Client { http, ollama })
    }

    /// The library's client, for models and embeddings; it shares our connections.
    pub fn ollama(&self) -> &Ollama {
        &self.ollama
    }

    /// Asks for an answer, hands on its words as they come, and says how it ended. Dropping the future closes the connection,
    /// which is how Ollama learns that nobody listens any more; `more` does the same by answering false.
    pub async fn chat(&self, body: &Value, limits: Limits, mut more: impl FnMut(&str) -> bool) -> End {
        let start = Instant::now();
        let total = start + limits.total;
        let first = total.min(start + limits.first);
        let url = format!("{}api/chat", self.ollama.url_str());
        let mut response = match timeout_at(first, self.http.post(url).json(body).send()).await {
            Err(_) => return End::Idle,
            Ok(Err(error)) => return End::UpstreamError(unreachable(&error)),
            Ok(Ok(response)) => response,
        };
        if !response.status().is_success() {
            return refused(response, first).await;
        }
        let mut reader = Reader::default();
        let mut until = first;
        loop {
            let text = match timeout_at(until, response.chunk()).await {
                Err(_) => return End::Idle,
                Ok(Err(_)) => return End::Truncated,
                Ok(Ok(None)) => {
                    let (text, end) = reader.finish();
                    return if text.is_empty() || more(&text) { end } else { End::Cancelled };
                }
                Ok(Ok(Some(piece))) => reader.feed(&piece),
            };
            if !text.is_empty() && !more(&text) {
                return End::Cancelled;
            }
            if let Some(end) = reader.end() {
                return end.clone();
            }
            until = total.min(Instant::now() + limits.idle);
        }
    }
}

fn unreachable(error: &reqwest::Error) -> String {
    let what = if error.is_connect() { "it cannot be reached" } else { "the request failed" };
    format!("{what}: {error}")
}

/// The error that Ollama gives with a status.
async fn refused(response: reqwest::Response, until: Instant) -> End {
    let status = response.status();
    let body = timeout_at(until, response.json::<Value>()).await;
    let said = body.ok().and_then(Result::ok).and_then(|body| body["error"].as_str().map(str::to_owned));
    End::UpstreamError(said.unwrap_or_else(|| format!("it answered {status}")))
}
