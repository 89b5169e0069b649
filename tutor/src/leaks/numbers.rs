//! Numbers in a text, by value: `1,200`, `1200.0` and `$1200` are one, and so are `seven` and `7`.

/// A number and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Number {
    /// The shortest decimal, without separators; fractions as they are written.
    pub value: String,
    /// Its first byte.
    pub start: usize,
    /// The byte after it.
    pub end: usize,
}

const WORDS: &[&str] = &[
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
];
const TENS: &[(&str, u32)] =
    &[("thirty", 30), ("forty", 40), ("fifty", 50), ("sixty", 60), ("seventy", 70), ("eighty", 80), ("ninety", 90)];

/// The numbers of a text, in order.
pub(super) fn numbers(text: &str) -> Vec<Number> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let length = if c.is_ascii_digit() {
            let length = digits(&text[at..]);
            let value = normal(&text[at..at + length]);
            found.push(Number { value, start: at, end: at + length });
            length
        } else if c.is_alphabetic() {
            let length = text[at..].find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len() - at);
            if let Some(value) = word(&text[at..at + length]) {
                found.push(Number { value, start: at, end: at + length });
            }
            length
        } else {
            c.len_utf8()
        };
        at += length;
    }
    found
}

/// How many bytes of a number stand at the beginning: digits with separators, decimals, a fraction.
fn digits(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let run = |mut at: usize| {
        while is_digit(at) || (bytes.get(at) == Some(&b',') && (1..=3).all(|n| is_digit(at + n)) && !is_digit(at + 4)) {
            at += 1;
        }
        at
    };
    let mut end = run(0);
    for separator in [b'.', b'/'] {
        if bytes.get(end) == Some(&separator) && is_digit(end + 1) {
            end = run(end + 1);
        }
    }
    end
}

fn normal(written: &str) -> String {
    let plain: String = written.chars().filter(|c| *c != ',').collect();
    if plain.contains('/') {
        return plain;
    }
    plain.parse().map_or(plain, of_value)
}

/// How a value is written here.
pub(super) fn of_value(value: f64) -> String {
    let rounded = (value * 1e4).round() / 1e4;
    // Without this, minus nothing would be another number than nothing.
    format!("{}", if rounded == 0.0 { 0.0 } else { rounded })
}

fn word(word: &str) -> Option<String> {
    let lower = word.to_lowercase();
    let small = WORDS.iter().position(|known| *known == lower).map(|n| n.to_string());
    small.or_else(|| TENS.iter().find(|(known, _)| *known == lower).map(|(_, n)| n.to_string()))
}
