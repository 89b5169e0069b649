//! Prose out of lines: a page of a PDF comes with the line ends of its paper, which mean nothing on another width.

use crate::text::width;

/// Shorter pages are read as they stand: a list, a title page.
const LEAST_LINE: usize = 40;

/// Joins lines that run on. What ends a line on purpose is kept: an empty line, a short line, an indented line or an item after
/// it.
pub fn paragraphs(page: &str) -> String {
    let longest = page.lines().map(width).max().unwrap_or(0);
    let mut text = String::with_capacity(page.len());
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        text.push_str(line);
        let Some(next) = lines.peek() else { break };
        let is_full = longest >= LEAST_LINE && width(line) * 4 >= longest * 3;
        if !(is_full && runs_on(next)) {
            text.push('\n');
        } else if !line.ends_with('-') {
            text.push(' ');
        }
    }
    text
}

/// Whether a line can be the middle of a sentence.
fn runs_on(line: &str) -> bool {
    let begins_anew = |letter: char| letter.is_whitespace() || matches!(letter, '•' | '-' | '–' | '*' | '▪' | '◦');
    let is_numbered = || {
        let rest = line.trim_start_matches(|letter: char| letter.is_ascii_digit());
        rest.len() < line.len() && rest.starts_with(['.', ')'])
    };
    line.chars().next().is_some_and(|first| !begins_anew(first)) && !is_numbered()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_run_on_over_the_ends_of_lines_on_paper() {
        let page = "A name stands for a value. When the value changes the\nname stands for another one, and whoever reads the pro-\ngram \
                    has to know which.\n\nThe next paragraph begins here.";
        assert_eq!(
            paragraphs(page),
            "A name stands for a value. When the value changes the name stands for another one, and whoever reads the pro-gram has \
             to know which.\n\nThe next paragraph begins here."
        );
    }

    #[test]
    fn items_code_and_short_lines_stay_lines() {
        let page = "The computer follows the text from the top to the bottom:\n  total = 60 * hours\n- an item that is about as long \
                    as the line above it\n1. a number that begins a line of about that length, too\n\nshort\nend";
        assert_eq!(paragraphs(page), page);
        assert_eq!(paragraphs("one\ntwo\nthree"), "one\ntwo\nthree");
    }
}
