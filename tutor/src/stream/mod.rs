//! Reading what Ollama streams: one JSON object a line, in pieces that end anywhere.
//!
//! Bytes are collected until a newline and only then decoded, so that a character may be split over any number of pieces.
//! Nothing ends in silence: a stream is over when the model said so, and everything else that can happen has a name
//! ([`End`]).

mod line;
mod reader;
#[cfg(test)]
mod tests;

pub use line::Counts;
pub use reader::{End, MOST_LINE_BYTES, Reader};
