//! Plain text: made fit for a terminal, and cut into pages.

use crate::Page;

/// Lines on one page of plain text or Markdown.
pub const LINES_PER_PAGE: usize = 60;

/// Removes what must not reach a terminal or an index: control characters except newline and tab, byte-order marks and
/// noncharacters. Line ends become `\n`, and the typographic ligatures that PDF fonts use (`ﬁ`) become letters, so
/// that a search for "file" finds the word.
pub fn sanitise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' | '\t' => out.push(c),
            '\r' => {
                chars.next_if_eq(&'\n');
                out.push('\n');
            }
            '\u{2028}' | '\u{2029}' => out.push('\n'),
            '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => match ligature(c) {
                Some(letters) => out.push_str(letters),
                None => out.push(c),
            },
        }
    }
    out
}

/// Unicode's Latin ligatures (U+FB00 to U+FB06) in letters.
fn ligature(c: char) -> Option<&'static str> {
    Some(match c {
        '\u{fb00}' => "ff",
        '\u{fb01}' => "fi",
        '\u{fb02}' => "fl",
        '\u{fb03}' => "ffi",
        '\u{fb04}' => "ffl",
        '\u{fb05}' | '\u{fb06}' => "st",
        _ => return None,
    })
}

/// Cuts plain text or Markdown into pages of [`LINES_PER_PAGE`] lines; a form feed ends a page early.
///
/// The pages' texts put together are the sanitised text, byte for byte. No page is empty, so an empty text has none.
/// Text is never [`scanned`](Page::scanned), however short.
pub fn paginate_text(text: &str) -> Vec<Page> {
    let mut pages: Vec<Page> = Vec::new();
    let mut push = |text: String| {
        if !text.is_empty() {
            let number = u32::try_from(pages.len() + 1).unwrap_or(u32::MAX);
            pages.push(Page { number, text, scanned: false });
        }
    };
    for section in text.split('\u{c}') {
        let section = sanitise(section);
        let mut page = String::new();
        for (index, line) in section.split_inclusive('\n').enumerate() {
            if index > 0 && index % LINES_PER_PAGE == 0 {
                push(std::mem::take(&mut page));
            }
            page.push_str(line);
        }
        push(page);
    }
    pages
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_of_121_lines_has_three_pages() {
        let mut text = (1..=121).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n");
        text.push('\n');
        let pages = paginate_text(&text);
        assert_eq!(pages.len(), 3);
        assert!(pages[1].text.starts_with("line 61\n") && pages[1].text.ends_with("line 120\n"));
        assert_eq!(pages[2], Page { number: 3, text: "line 121\n".into(), scanned: false });
    }

    #[test]
    fn a_form_feed_ends_a_page_and_is_not_shown() {
        let pages = paginate_text("one\u{c}two\r\n\u{c}\u{c}");
        assert_eq!(pages.iter().map(|p| p.text.as_str()).collect::<Vec<_>>(), ["one", "two\n"]);
    }

    #[test]
    fn an_empty_text_has_no_pages() {
        assert_eq!(paginate_text(""), []);
        assert_eq!(paginate_text("\u{feff}\u{c}"), []);
    }

    #[test]
    fn escape_sequences_lose_their_teeth() {
        assert_eq!(sanitise("a\u{1b}[2Jb\u{9b}31m\u{7f}\0c\td"), "a[2Jb31mc\td");
    }

    #[test]
    fn ligatures_become_letters_and_line_ends_newlines() {
        assert_eq!(sanitise("e\u{fb03}cient \u{fb01}le\r\nnext\rlast"), "efficient file\nnext\nlast");
    }

    proptest! {
        #[test]
        fn pages_put_together_are_the_text(text in "(\\PC|[\n\r\t\u{c}\u{1b}\u{0}]){0,400}") {
            let whole = paginate_text(&text).into_iter().map(|p| p.text).collect::<String>();
            let expected = text.split('\u{c}').map(sanitise).collect::<String>();
            prop_assert_eq!(whole, expected);
        }

        #[test]
        fn pages_are_numbered_filled_and_bounded(lines in prop::collection::vec("[a-z\u{c}]{0,3}", 0..400)) {
            for (index, page) in paginate_text(&lines.join("\n")).iter().enumerate() {
                prop_assert_eq!(page.number as usize, index + 1);
                prop_assert!(!page.text.is_empty());
                prop_assert!(page.text.lines().count() <= LINES_PER_PAGE);
            }
        }

        #[test]
        fn sanitised_text_has_no_controls_and_stays_as_it_is(text in any::<String>()) {
            let once = sanitise(&text);
            prop_assert!(once.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
            prop_assert_eq!(sanitise(&once), once);
        }
    }
}
