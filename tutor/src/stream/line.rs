//! What a line says.

use serde::Deserialize;

/// What Ollama counted, when it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Tokens of the prompt that were evaluated; fewer than were sent when it was cut.
    pub prompt: u64,
    /// Tokens of the answer.
    pub answer: u64,
}

/// A line, understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A piece of the answer; it may be empty.
    Text(String),
    /// The last line: the rest of the answer, why it ends, and what was counted.
    Done(String, String, Counts),
    /// Ollama gave up.
    Error(String),
}

#[derive(Deserialize)]
struct Raw {
    error: Option<String>,
    message: Option<Message>,
    #[serde(default)]
    done: bool,
    done_reason: Option<String>,
    prompt_eval_count: Option<u64>,
    eval_count: Option<u64>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: String,
}

impl Line {
    /// Understands a line; what cannot be understood is an error like one that Ollama reports.
    pub fn parse(bytes: &[u8]) -> Line {
        let raw: Raw = match serde_json::from_slice(bytes) {
            Ok(raw) => raw,
            Err(error) => return Line::Error(format!("a line of its answer cannot be read: {error}")),
        };
        if let Some(error) = raw.error {
            return Line::Error(error);
        }
        let text = raw.message.map(|message| message.content);
        if raw.done {
            let counts = Counts { prompt: raw.prompt_eval_count.unwrap_or(0), answer: raw.eval_count.unwrap_or(0) };
            return Line::Done(text.unwrap_or_default(), raw.done_reason.unwrap_or_else(|| "stop".into()), counts);
        }
        text.map_or_else(|| Line::Error("a line of its answer says nothing".into()), Line::Text)
    }
}
