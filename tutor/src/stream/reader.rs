//! From pieces of bytes to pieces of text and an end.

use super::line::{Counts, Line};

/// No line is longer: an answer's lines hold a token or two.
pub const MOST_LINE_BYTES: usize = 1 << 20;

/// How an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The model was done.
    Stop(Counts),
    /// The answer's or the context's length was used up.
    Length(Counts),
    /// Ollama reported an error, or something that is no answer.
    UpstreamError(String),
    /// The connection ended before the answer did.
    Truncated,
    /// Nothing came for too long.
    Idle,
    /// The one who asked is gone, or asked to stop.
    Cancelled,
}

impl End {
    /// Whether the answer is all there is.
    pub fn is_whole(&self) -> bool {
        matches!(self, End::Stop(_))
    }
}

/// Reads one answer.
#[derive(Debug, Default)]
pub struct Reader {
    rest: Vec<u8>,
    end: Option<End>,
}

impl Reader {
    /// Takes a piece of the body, and gives the text that became whole with it. After the end nothing is taken.
    pub fn feed(&mut self, piece: &[u8]) -> String {
        let mut text = String::new();
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            if self.end.is_some() {
                break;
            }
            self.rest.extend_from_slice(part);
            if self.rest.len() > MOST_LINE_BYTES {
                self.end = Some(End::UpstreamError("a line of its answer is too long".into()));
            } else if part.ends_with(b"\n") {
                text += &self.line();
            }
        }
        text
    }

    /// Takes the line that was collected.
    fn line(&mut self) -> String {
        let bytes = std::mem::take(&mut self.rest);
        if bytes.trim_ascii().is_empty() {
            return String::new();
        }
        match Line::parse(&bytes) {
            Line::Text(text) => text,
            Line::Error(message) => {
                self.end = Some(End::UpstreamError(message));
                String::new()
            }
            Line::Done(text, reason, counts) => {
                self.end = Some(match reason.as_str() {
                    "stop" => End::Stop(counts),
                    "length" => End::Length(counts),
                    other => End::UpstreamError(format!("it ended for a reason that is not known: {other}")),
                });
                text
            }
        }
    }

    /// The end, once it was read.
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// The body is over: the text of a last line without a newline, and how the answer ended.
    pub fn finish(mut self) -> (String, End) {
        let whole = serde_json::from_slice::<serde::de::IgnoredAny>(&self.rest).is_ok();
        // Half a line is no answer, and no error of Ollama's either.
        let text = if self.end.is_none() && whole { self.line() } else { String::new() };
        (text, self.end.unwrap_or(End::Truncated))
    }
}
