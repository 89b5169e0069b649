//! What an answer cites: only what it was given, and whether it says that.

use std::collections::HashSet;
use std::fmt::Write as _;

use lectern_search::{Passage, content_words};

/// The share of a sentence's words that its passage must have.
const LEAST_OVERLAP: f64 = 0.5;

/// A sentence with its citations looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Cited {
    /// The sentence; numbers that no passage has are taken out.
    pub text: String,
    /// The passages that it cites, from 0, each once.
    pub passages: Vec<usize>,
    /// Whether each of them has the words of the sentence. A sentence that cites nothing is not verified.
    pub verified: bool,
}

/// Looks at the citations of a sentence: `[1]` is the first of the passages that the model was given.
pub fn check(sentence: &str, given: &[Passage]) -> Cited {
    let mut text = String::new();
    let mut passages: Vec<usize> = Vec::new();
    let mut rest = sentence;
    while let Some(open) = rest.find('[') {
        text += &rest[..open];
        rest = &rest[open..];
        let cited = citation(rest).filter(|(numbers, _)| !(text.ends_with(is_of_a_name) && *numbers == [0]));
        let Some((numbers, length)) = cited else {
            text.push('[');
            rest = &rest[1..];
            continue;
        };
        let known: Vec<usize> = numbers.into_iter().filter(|n| (1..=given.len()).contains(n)).collect();
        for number in known {
            // Writing to a string cannot fail.
            let _ = write!(text, "[{number}]");
            if !passages.contains(&(number - 1)) {
                passages.push(number - 1);
            }
        }
        rest = &rest[length..];
    }
    text += rest;
    let verified = !passages.is_empty() && passages.iter().all(|passage| says(&given[*passage], &text));
    Cited { text, passages, verified }
}

/// Whether `[0]` after it is the first element of something in a program: passages are counted from 1.
fn is_of_a_name(before: char) -> bool {
    before.is_alphanumeric() || matches!(before, '_' | ')' | ']')
}

/// The numbers of `[1]` or `[1, 2]` at the beginning, and its length.
fn citation(text: &str) -> Option<(Vec<usize>, usize)> {
    let close = text.find(']')?;
    let inner = &text[1..close];
    let numbers = inner.split(',').map(|number| {
        let number = number.trim();
        // A number too large to be one is unknown, not text.
        let all_digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        all_digits.then(|| number.parse().unwrap_or(usize::MAX))
    });
    Some((numbers.collect::<Option<Vec<_>>>()?, close + 1))
}

fn says(passage: &Passage, sentence: &str) -> bool {
    let plain: String = sentence.split('[').map(|part| part.split_once(']').map_or(part, |(_, rest)| rest)).collect();
    let words: HashSet<String> = content_words(&plain).into_iter().collect();
    if words.is_empty() {
        return false;
    }
    let mut known: HashSet<String> = content_words(&passage.text()).into_iter().collect();
    known.extend(content_words(&passage.title));
    // A sentence has a handful of words.
    #[allow(clippy::cast_precision_loss)]
    let share = words.intersection(&known).count() as f64 / words.len() as f64;
    share >= LEAST_OVERLAP
}

#[cfg(test)]
pub(crate) mod tests {
    use lectern_search::Part;

    use super::*;

    pub(crate) fn passage(page: u32, text: &str) -> Passage {
        Passage {
            material: "book".into(),
            material_title: "Book".into(),
            title: "Loops".into(),
            section: 0,
            ordinal: page,
            hash: String::new(),
            parts: vec![Part { page, text: text.into() }],
            score: 1.0,
        }
    }

    fn given() -> Vec<Passage> {
        vec![passage(1, "A while loop repeats its body."), passage(2, "A tuple is immutable.")]
    }

    #[test]
    fn a_sentence_is_verified_by_the_words_of_what_it_cites() {
        let cited = check("The body of a while loop repeats [1].", &given());
        assert_eq!((cited.passages, cited.verified), (vec![0], true));
        let cited = check("The body of a while loop repeats [2].", &given());
        assert_eq!((cited.passages, cited.verified), (vec![1], false));
        assert!(!check("The body of a while loop repeats.", &given()).verified);
    }

    #[test]
    fn what_was_not_given_never_reaches_the_screen() {
        let cited = check("Loops [3] repeat [1, 9] [99999999999999999999999].", &given());
        assert_eq!((cited.text.as_str(), cited.passages), ("Loops  repeat [1] .", vec![0]));
    }

    #[test]
    fn brackets_of_code_are_no_citations() {
        for code in ["Write a[i] or x[1:2].", "The first is a[0], then rows[0][0].", "An open [ stays", "[]"] {
            let cited = check(code, &given());
            assert_eq!((cited.text.as_str(), cited.passages), (code, Vec::new()));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_citation_dangles(sentence in "[\\[\\]0-9, a-c]{0,40}") {
            let cited = check(&sentence, &given());
            proptest::prop_assert!(cited.passages.iter().all(|passage| *passage < 2));
            let again = check(&cited.text, &given());
            proptest::prop_assert_eq!(again.passages, cited.passages);
        }
    }
}
