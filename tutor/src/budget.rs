//! How much fits into the model's context, and whether it arrived there.
//!
//! Ollama cuts what is too long from the front and answers 200: a long paste could push the policy out unseen. So what is
//! sent is measured before, with an estimate that learns from what the model counted, and looked at after.

/// Bytes a token has at first; small models' tokenisers need fewer for code and other languages.
const FIRST_BYTES_PER_TOKEN: f64 = 3.0;
/// The bounds that calibration stays within.
const BYTES_PER_TOKEN: std::ops::RangeInclusive<f64> = 1.0..=6.0;
/// What a chat template adds to each message.
const TOKENS_PER_MESSAGE: f64 = 8.0;
/// How quickly the estimate follows.
const RATE: f64 = 0.2;
/// What is left unused, in case the estimate is off.
const MARGIN: f64 = 0.1;
/// Below this share of the estimate the prompt was cut.
const CUT_BELOW: f64 = 0.5;

/// An estimate of tokens, calibrated by a model's own counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    bytes_per_token: f64,
}

impl Default for Estimate {
    fn default() -> Estimate {
        Estimate { bytes_per_token: FIRST_BYTES_PER_TOKEN }
    }
}

/// The prompt that the model counted is far shorter than the one that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the model saw {counted} tokens of about {expected}: its context is smaller than num_ctx says, and it lost the beginning"
)]
pub struct Cut {
    /// What it counted.
    pub counted: u64,
    /// What was sent.
    pub expected: u64,
}

impl Estimate {
    /// About how many tokens so many messages of so many bytes are.
    pub fn tokens(&self, bytes: usize, messages: usize) -> f64 {
        as_f64(bytes) / self.bytes_per_token + as_f64(messages) * TOKENS_PER_MESSAGE
    }

    /// About how many bytes of one message fit into so many tokens, with a margin.
    pub fn bytes(&self, tokens: usize) -> usize {
        let tokens = (as_f64(tokens) * (1.0 - MARGIN) - TOKENS_PER_MESSAGE).max(0.0);
        // Bounded by the context's length.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let bytes = (tokens * self.bytes_per_token) as usize;
        bytes
    }

    /// What a message costs beside its text, in bytes of text.
    pub fn bytes_of_a_message(&self) -> usize {
        // A handful of tokens.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let bytes = (TOKENS_PER_MESSAGE * self.bytes_per_token).ceil() as usize;
        bytes
    }

    /// Learns from the count of a prompt, unless the prompt was cut.
    pub fn learn(&mut self, bytes: usize, messages: usize, counted: u64) -> Result<(), Cut> {
        // Of what the model still knows from the request before it may count nothing.
        if counted == 0 || bytes == 0 {
            return Ok(());
        }
        let expected = self.tokens(bytes, messages);
        #[allow(clippy::cast_precision_loss)]
        let tokens = counted as f64;
        if tokens < expected * CUT_BELOW {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let expected = expected as u64;
            return Err(Cut { counted, expected });
        }
        let text = (tokens - as_f64(messages) * TOKENS_PER_MESSAGE).max(1.0);
        let seen = as_f64(bytes) / text;
        let next = self.bytes_per_token + RATE * (seen - self.bytes_per_token);
        self.bytes_per_token = next.clamp(*BYTES_PER_TOKEN.start(), *BYTES_PER_TOKEN.end());
        Ok(())
    }
}

fn as_f64(n: usize) -> f64 {
    // Far below where it would matter.
    #[allow(clippy::cast_precision_loss)]
    let n = n as f64;
    n
}

/// The beginning of a text that has at most so many bytes, ending with a whole character; and whether that is all of it.
pub fn cap(text: &str, bytes: usize) -> (&str, bool) {
    let end = text.floor_char_boundary(bytes);
    (&text[..end], end == text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_estimate_comes_near_to_what_the_model_counts() {
        let mut estimate = Estimate::default();
        for _ in 0..40 {
            estimate.learn(4_400, 2, 1_016).expect("not cut");
        }
        let tokens = estimate.tokens(4_400, 2);
        assert!((tokens - 1_016.0).abs() < 20.0, "{tokens}");
    }

    #[test]
    fn a_prompt_that_was_cut_is_told_and_teaches_nothing() {
        let mut estimate = Estimate::default();
        let cut = estimate.learn(30_000, 2, 2_048).expect_err("cut");
        assert_eq!((cut.counted, cut.expected), (2_048, 10_016));
        assert_eq!(estimate, Estimate::default());
    }

    proptest! {
        #[test]
        fn what_fits_by_its_bytes_fits_by_its_tokens(tokens in 0usize..100_000, counts in prop::collection::vec(1u64..5_000, 0..20)) {
            let mut estimate = Estimate::default();
            for counted in counts {
                let _ = estimate.learn(3_000, 1, counted);
            }
            let bytes = estimate.bytes(tokens);
            prop_assert!(bytes == 0 || estimate.tokens(bytes, 1) <= as_f64(tokens));
        }

        #[test]
        fn a_capped_text_is_a_beginning(text in ".{0,60}", bytes in 0usize..80) {
            let (capped, all) = cap(&text, bytes);
            prop_assert!(text.starts_with(capped) && capped.len() <= bytes);
            prop_assert_eq!(all, capped == text);
        }
    }
}
