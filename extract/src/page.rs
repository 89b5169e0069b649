//! One page of text.

use serde::{Deserialize, Serialize};

use crate::text::sanitise;

/// A PDF page with fewer non-space characters than this is taken for a picture of a page.
pub const SCANNED_BELOW: usize = 20;

/// One page of text, sanitised for a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Counted from 1 in the order of the document; not the number printed on the page.
    pub number: u32,
    /// Lines separated by `\n`. No other control character but tab.
    pub text: String,
    /// No text to speak of could be got from this page: most likely a scan, a drawing or an empty sheet. A page the
    /// parser failed on inside an otherwise readable document counts as one too, with empty text.
    pub scanned: bool,
}

impl Page {
    /// A page of a PDF: sanitises the text and decides whether the page is scanned.
    pub fn of_pdf(number: u32, text: &str) -> Self {
        let text = sanitise(text);
        let scanned = text.chars().filter(|c| !c.is_whitespace()).take(SCANNED_BELOW).count() < SCANNED_BELOW;
        Self { number, text, scanned }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nineteen_characters_are_a_scan_and_twenty_are_text() {
        assert!(Page::of_pdf(1, "a b c d e f g h i j k l m n o p q r s").scanned);
        assert!(!Page::of_pdf(1, "a b c d e f g h i j k l m n o p q r s t").scanned);
    }

    #[test]
    fn control_characters_do_not_count_as_text() {
        assert!(Page::of_pdf(1, &"\u{7}".repeat(40)).scanned);
    }
}
