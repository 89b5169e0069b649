//! Where sentences end.

/// The sentences of a text, with nothing but white space left out between them. A blank line or the end of a short line
/// ends one, too: headings and code have no full stop.
pub fn sentences(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        if ends_sentence(text, at, c) {
            push_trimmed(&mut found, &text[start..end]);
            start = end;
        }
    }
    push_trimmed(&mut found, &text[start..]);
    found
}

fn push_trimmed<'a>(found: &mut Vec<&'a str>, sentence: &'a str) {
    let sentence = sentence.trim();
    if !sentence.is_empty() {
        found.push(sentence);
    }
}

/// Whether the character at `at` is a sentence's last one.
fn ends_sentence(text: &str, at: usize, c: char) -> bool {
    let after = &text[at + c.len_utf8()..];
    match c {
        '\n' => after.starts_with('\n') || at == 0 || text[..at].ends_with('\n'),
        '.' => after.starts_with(char::is_whitespace) && !is_abbreviation(&text[..at]),
        '!' | '?' => after.starts_with(char::is_whitespace),
        '。' | '！' | '？' => true,
        _ => false,
    }
}

/// Whether the text ends in something whose full stop ends no sentence: `e.g`, `Ex`, a single letter, a list's number.
fn is_abbreviation(before: &str) -> bool {
    const SHORT: &[&str] = &["cf", "dr", "e.g", "eq", "etc", "ex", "fig", "i.e", "mr", "mrs", "ms", "no", "prof", "vs"];
    let word = before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    let listed = word.chars().all(|c| c.is_ascii_digit()) && before.len() == word.len();
    let lower = word.to_lowercase();
    listed || SHORT.contains(&lower.as_str()) || (word.len() == 1 && word.starts_with(char::is_uppercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abbreviations_and_numbers_end_no_sentence() {
        let text = "A loop, e.g. a while loop, repeats. It costs 3.5 units! Ex. 4 shows it\n\nNext heading\n\nDone";
        assert_eq!(
            sentences(text),
            ["A loop, e.g. a while loop, repeats.", "It costs 3.5 units!", "Ex. 4 shows it", "Next heading", "Done"]
        );
    }

    proptest::proptest! {
        #[test]
        fn sentences_lose_nothing_but_white_space(text in "[a-z .!?\\n]{0,200}") {
            let kept: String = sentences(&text).concat().split_whitespace().collect();
            let all: String = text.split_whitespace().collect();
            proptest::prop_assert_eq!(kept, all);
        }
    }
}
