//! Words, for the index and for questions alike.
//!
//! A word is a run of letters and digits, folded (NFKC, lower case, no accents left by compatibility forms). `print()` is
//! `print`, `__init__` is `init`, `x^2` is `x` and `2`; `c++` and `c#` stay whole, because the letter alone means nothing.
//! No word is left out of the index: in a programming course `for`, `if` and `not` are what is asked about. That a word is
//! common lowers its weight in a question instead ([`weight`]).

use tantivy::tokenizer::{Language, Stemmer, TextAnalyzer, Token, TokenStream, Tokenizer};
use unicode_normalization::UnicodeNormalization;

/// Longer runs are no words but digests and encoded data.
const LONGEST_WORD: usize = 40;

/// Words that English sentences are held together by.
const STOP_WORDS: &[&str] = &[
    "a", "about", "am", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can", "could", "did", "do",
    "does", "for", "from", "get", "had", "has", "have", "he", "her", "his", "how", "i", "if", "in", "into", "is", "it",
    "its", "me", "my", "no", "not", "of", "on", "or", "our", "please", "s", "she", "should", "so", "some", "such", "t",
    "that", "the", "their", "them", "then", "there", "these", "they", "this", "those", "to", "two", "us", "was", "we",
    "were", "what", "when", "where", "which", "who", "why", "will", "with", "would", "you", "your",
];

/// Words that say what is to be done with the subject, not what the subject is: the verbs of learning objectives and of
/// students' questions.
const TASK_WORDS: &[&str] = &[
    "analyze",
    "answer",
    "apply",
    "choose",
    "compare",
    "construct",
    "create",
    "define",
    "demonstrate",
    "describe",
    "develop",
    "difference",
    "differentiate",
    "discuss",
    "distinguish",
    "draw",
    "employ",
    "evaluate",
    "example",
    "examples",
    "explain",
    "find",
    "give",
    "help",
    "identify",
    "implement",
    "importance",
    "know",
    "label",
    "mean",
    "means",
    "name",
    "need",
    "perform",
    "purpose",
    "question",
    "recognize",
    "show",
    "solve",
    "summarize",
    "tell",
    "understand",
    "use",
    "used",
    "uses",
    "using",
    "want",
    "work",
    "works",
    "write",
];

/// How much a word of a question counts, before how rare it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// A word of the subject.
    Subject,
    /// A verb of the task.
    Task,
    /// A word of the grammar.
    Grammar,
}

/// What kind of word this is, unstemmed.
pub(crate) fn weight(word: &str) -> Weight {
    if STOP_WORDS.binary_search(&word).is_ok() {
        Weight::Grammar
    } else if TASK_WORDS.binary_search(&word).is_ok() {
        Weight::Task
    } else {
        Weight::Subject
    }
}

/// The words of a text, folded, with the bytes they stand at.
pub(crate) fn words(text: &str) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((start, first)) = chars.next() {
        if !first.is_alphanumeric() {
            continue;
        }
        let mut end = start + first.len_utf8();
        while let Some((at, next)) = chars.next_if(|(_, c)| c.is_alphanumeric()) {
            end = at + next.len_utf8();
        }
        if end - start == 1 {
            end = with_signs(text, end, &mut chars);
        }
        let word: String = text[start..end].nfkc().flat_map(char::to_lowercase).collect();
        if word.len() <= LONGEST_WORD {
            found.push((word, start, end));
        }
    }
    found
}

/// The end of `c++` or `c#` after the one letter that ends at `end`.
fn with_signs(text: &str, end: usize, chars: &mut std::iter::Peekable<std::str::CharIndices<'_>>) -> usize {
    let signs = if text[end..].starts_with("++") { 2 } else { usize::from(text[end..].starts_with('#')) };
    let follows = text[end + signs..].chars().next();
    if signs == 0 || follows.is_some_and(char::is_alphanumeric) {
        return end;
    }
    for _ in 0..signs {
        chars.next();
    }
    end + signs
}

/// The name under which the index knows the analyser.
pub(crate) const ANALYSER: &str = "lectern";

/// [`words`], stemmed: what the index and the questions are made of.
pub(crate) fn analyser() -> TextAnalyzer {
    TextAnalyzer::builder(Words).filter(Stemmer::new(Language::English)).build()
}

/// The stems of a text's words, in order.
pub fn stemmed(text: &str) -> Vec<String> {
    let mut analyser = analyser();
    let mut stream = analyser.token_stream(text);
    let mut stems = Vec::new();
    while let Some(token) = stream.next() {
        stems.push(token.text.clone());
    }
    stems
}

/// The stems of those words of a text that carry its subject.
pub fn content_words(text: &str) -> Vec<String> {
    let plain = words(text);
    let kept = plain.iter().filter(|(word, ..)| weight(word) == Weight::Subject);
    let joined: Vec<&str> = kept.map(|(word, ..)| word.as_str()).collect();
    stemmed(&joined.join(" "))
}

#[derive(Clone)]
struct Words;

struct WordStream {
    tokens: std::vec::IntoIter<(String, usize, usize)>,
    token: Token,
}

impl Tokenizer for Words {
    type TokenStream<'a> = WordStream;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream {
        let mut token = Token::default();
        token.reset();
        WordStream { tokens: words(text).into_iter(), token }
    }
}

impl TokenStream for WordStream {
    fn advance(&mut self) -> bool {
        let Some((word, start, end)) = self.tokens.next() else { return false };
        self.token.position = self.token.position.wrapping_add(1);
        self.token.offset_from = start;
        self.token.offset_to = end;
        self.token.text = word;
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Vec<String> {
        words(text).into_iter().map(|(word, ..)| word).collect()
    }

    #[test]
    fn code_and_formulas_fall_into_words() {
        assert_eq!(plain("what is f(x) = x^2 + 1?"), ["what", "is", "f", "x", "x", "2", "1"]);
        assert_eq!(plain("`__init__()` and print(\"a_b\")"), ["init", "and", "print", "a", "b"]);
        assert_eq!(plain("C++, C# and c"), ["c++", "c#", "and", "c"]);
        assert_eq!(plain("ﬁle ＡＢＣ"), ["file", "abc"]);
    }

    #[test]
    fn the_lists_are_sorted_so_that_they_can_be_searched() {
        assert!(STOP_WORDS.is_sorted() && TASK_WORDS.is_sorted());
    }

    #[test]
    fn a_word_is_found_in_its_other_forms() {
        assert_eq!(stemmed("loops looping looped"), ["loop", "loop", "loop"]);
        assert_eq!(content_words("Explain how the loops are used"), ["loop"]);
    }

    #[test]
    fn a_long_run_is_no_word() {
        assert!(plain(&"x".repeat(LONGEST_WORD + 1)).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_words_that_stand_where_they_say(text in ".{0,200}") {
            for (word, start, end) in words(&text) {
                proptest::prop_assert!(!word.is_empty());
                proptest::prop_assert!(text.get(start..end).is_some());
            }
        }
    }
}
