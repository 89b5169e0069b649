//! The check itself.

use std::collections::HashSet;

use super::arithmetic;
use super::numbers::{Number, numbers};

/// How many words of the key in a row are too many. Shorter runs are how everybody says it.
pub const SHINGLE_WORDS: usize = 6;

/// Words and signs after which a number is a result.
const RESULT_WORDS: &[&str] = &[
    "actually",
    "altogether",
    "answer",
    "are",
    "be",
    "correct",
    "equal",
    "equals",
    "get",
    "give",
    "gives",
    "got",
    "had",
    "have",
    "in fact",
    "is",
    "leave",
    "leaves",
    "leaving",
    "make",
    "makes",
    "mean",
    "means",
    "need",
    "needed",
    "needs",
    "right",
    "total",
    "was",
    "=",
];
/// How many bytes may stand between such a word and the number.
const RESULT_REACH: usize = 15;
/// What a question for a value has in it.
const VALUE_WORDS: &[&str] = &["what is", "what's", "how many", "how much", "value"];
/// What a question for a name or a definition has in it, and what an answer to it has.
const DEFINITION_WORDS: &[&str] =
    &["name of", "called", "characteristic", "propert", "definition", "mean by", "what kind", "what type"];
const DEFINING_VERBS: &[&str] = &["is", "are", "has", "have", "called"];
/// Words of such a question that say nothing of what it is about.
const QUESTION_WORDS: &[&str] =
    &["call", "characteristic", "definition", "know", "name", "propertie", "that", "this", "tutor", "what", "your"];
/// A word of so many letters carries the subject.
const SUBJECT_LETTERS: usize = 4;
/// Words after a number that make it a result: "14 is our answer".
const CLOSING_VERBS: &[&str] = &["is", "was", "would be"];
const CLOSING_WORDS: &[&str] = &["answer", "correct", "result", "right", "total", "value"];
/// How many words of it are looked at.
const CLOSING_REACH: usize = 7;
/// What makes a question a statement.
const RHETORICAL: &[&str] = &["n't ", "n’t ", " not "];

/// Digests of what must not be said, made where the key is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fingerprint {
    key: [u8; 32],
    answers: HashSet<[u8; 16]>,
    shingles: HashSet<[u8; 16]>,
}

impl Fingerprint {
    /// Of an answer (its last number counts) and of the text of the key, under a key that is drawn anew each time.
    pub fn new(key: [u8; 32], answer: &str, text: &str) -> Fingerprint {
        let mut fingerprint = Fingerprint { key, ..Fingerprint::default() };
        fingerprint.answers =
            numbers(answer).last().map(|number| fingerprint.digest(&number.value)).into_iter().collect();
        fingerprint.shingles = shingles(text).iter().map(|shingle| fingerprint.digest(shingle)).collect();
        fingerprint
    }

    fn digest(&self, what: &str) -> [u8; 16] {
        let mut digest = [0; 16];
        digest.copy_from_slice(&blake3::keyed_hash(&self.key, what.as_bytes()).as_bytes()[..16]);
        digest
    }
}

/// Every run of [`SHINGLE_WORDS`] words.
fn shingles(text: &str) -> Vec<String> {
    let words: Vec<String> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    words.windows(SHINGLE_WORDS).map(|run| run.join(" ")).collect()
}

/// What is to be done with a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may be shown.
    Fine,
    /// It tells the answer.
    TellsAnswer,
    /// It repeats the key.
    RepeatsKey,
}

/// What is guarded in one conversation.
#[derive(Debug, Clone)]
pub struct Guard {
    fingerprint: Fingerprint,
    asked: HashSet<String>,
    any_number: bool,
    subject: HashSet<String>,
    said: HashSet<String>,
    quoted: HashSet<String>,
}

impl Guard {
    /// Guards what a fingerprint was made of, in a conversation that said `so_far` (the question, the history, the student's
    /// message): what it said is no secret.
    pub fn new(fingerprint: Fingerprint, so_far: &str) -> Guard {
        Guard {
            fingerprint,
            asked: HashSet::new(),
            any_number: false,
            subject: HashSet::new(),
            said: numbers(so_far).into_iter().map(|number| number.value).collect(),
            quoted: shingles(so_far).into_iter().collect(),
        }
    }

    /// Guards, too, what a tutor's question asks for, whatever of these it is: the results of what is to be computed; what
    /// its subject is or has, when it asks for a name or a definition; any new number, when it asks for a value.
    #[must_use]
    pub fn asked(mut self, question: &str) -> Guard {
        let lower = question.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        let results = arithmetic::results(question);
        if !results.is_empty() {
            self.asked.extend(results);
        } else if lower.contains('?') && has(DEFINITION_WORDS) {
            self.subject.extend(subject(&lower).filter(|word| !QUESTION_WORDS.contains(&word.as_str())));
        } else if lower.contains('?') && has(VALUE_WORDS) {
            self.any_number = true;
        }
        self
    }

    /// Guards any new number: where it is not known what was asked.
    #[must_use]
    pub fn any_number(self) -> Guard {
        Guard { any_number: true, ..self }
    }

    /// Whether anything is guarded.
    pub fn is_idle(&self) -> bool {
        !self.any_number
            && self.asked.is_empty()
            && self.fingerprint.answers.is_empty()
            && self.fingerprint.shingles.is_empty()
    }

    /// What a sentence gives away.
    pub fn check(&self, sentence: &str) -> Verdict {
        let repeats = |shingle: &String| {
            !self.quoted.contains(shingle) && self.fingerprint.shingles.contains(&self.fingerprint.digest(shingle))
        };
        let told = |number: &Number| self.guards(sentence, number) && self.is_told(sentence, number);
        if numbers(sentence).iter().any(told) || self.defines(sentence) {
            Verdict::TellsAnswer
        } else if shingles(sentence).iter().any(repeats) {
            Verdict::RepeatsKey
        } else {
            Verdict::Fine
        }
    }

    fn guards(&self, sentence: &str, Number { value, start, .. }: &Number) -> bool {
        // "One thing more" is no value.
        let in_digits = sentence[*start..].starts_with(|c: char| c.is_ascii_digit());
        (self.any_number && in_digits && !self.said.contains(value))
            || self.asked.contains(value)
            || self.fingerprint.answers.contains(&self.fingerprint.digest(value))
    }

    /// Whether it says what the subject of a question for a name or a definition is or has.
    fn defines(&self, sentence: &str) -> bool {
        if self.subject.is_empty() || is_question(sentence) {
            return false;
        }
        let lower = sentence.to_lowercase();
        let verb = lower.split(|c: char| !c.is_alphabetic()).any(|word| DEFINING_VERBS.contains(&word));
        verb && subject(&lower).any(|word| self.subject.contains(&word))
    }

    fn is_told(&self, sentence: &str, number: &Number) -> bool {
        if is_operand(sentence, number) || is_reward(&sentence[number.end..]) {
            return false;
        }
        let only_asked = is_question(sentence);
        let result = is_result(&sentence[..number.start]) || is_closing(&sentence[number.end..]);
        if self.said.contains(&number.value) { result && !only_asked } else { result || !only_asked }
    }
}

/// The words that carry a text's subject, without their commonest endings.
fn subject(lower: &str) -> impl Iterator<Item = String> {
    let words = lower.split(|c: char| !c.is_alphabetic()).filter(|word| word.chars().count() >= SUBJECT_LETTERS);
    words.map(|word| {
        let ends = ["ing", "ed", "s"];
        ends.iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word).to_owned()
    })
}

/// Whether the number counts points for trying.
fn is_reward(after: &str) -> bool {
    after.trim_start().to_lowercase().starts_with("point")
}

/// Whether what stands after a number makes it a result.
fn is_closing(after: &str) -> bool {
    let lower = after.to_lowercase();
    let sentence = lower.split(['.', '?', '!', ',']).next().unwrap_or_default();
    let near = sentence.split_whitespace().take(CLOSING_REACH).collect::<Vec<_>>().join(" ");
    let verb = CLOSING_VERBS.iter().find_map(|verb| {
        let (before, rest) = near.split_once(&format!("{verb} "))?;
        (before.split_whitespace().count() <= 1).then_some(rest.to_owned())
    });
    verb.is_some_and(|rest| rest.split_whitespace().take(4).any(|word| CLOSING_WORDS.contains(&word)))
}

/// Whether something is still to be done with the number: `7 × 3`, `7 kg + 2`, `7 divided by 2`.
fn is_operand(sentence: &str, number: &Number) -> bool {
    let rest = &sentence[number.end..];
    let unit = rest.trim_start().trim_start_matches(|c: char| c.is_alphabetic() || "%$°".contains(c)).trim_start();
    let sign = unit.strip_prefix(['+', '-', '−', '*', '×', '/', '÷']);
    let times = unit.strip_prefix('x').or_else(|| rest.trim_start().strip_prefix(['x', '×']));
    let words = ["times", "divided by", "multiplied by", "plus", "minus"];
    let word = words.iter().find_map(|word| rest.trim_start().strip_prefix(word));
    let number_follows =
        |rest: &str| rest.trim_start().trim_start_matches('$').starts_with(|c: char| c.is_ascii_digit());
    [sign, times, word].into_iter().flatten().any(number_follows)
}

fn is_question(sentence: &str) -> bool {
    let asks = sentence.trim_end().trim_end_matches(['"', '”', '\'', ')', '*']).ends_with('?');
    let lower = sentence.to_lowercase();
    asks && !RHETORICAL.iter().any(|not| lower.contains(not))
}

/// Whether what stands before a number makes it a result.
fn is_result(before: &str) -> bool {
    let lower = before.to_lowercase();
    RESULT_WORDS.iter().any(|word| {
        lower.rmatch_indices(word).any(|(at, _)| {
            let end = at + word.len();
            let alone = |c: char| !c.is_alphanumeric();
            let free = *word == "="
                || (lower[..at].chars().next_back().is_none_or(alone) && lower[end..].chars().next().is_none_or(alone));
            free && lower.len() - end <= RESULT_REACH && !lower[end..].contains(['.', '?', '!'])
        })
    })
}
