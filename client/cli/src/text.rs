//! Text of other people on one's terminal: nothing in it may move the cursor, reverse the reading order or hide.

use unicode_width::UnicodeWidthChar as _;

/// Takes out control characters (escape sequences begin with one), bidirectional overrides, isolates and marks,
/// invisible characters, and U+FE0F, which makes widths a guess. Line breaks and tabs stay.
pub fn sanitise(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !is_unsafe(*c)).collect()
}

/// The same on one line: line breaks and tabs become spaces.
pub fn sanitise_line(text: &str) -> String {
    let spaced = text.chars().map(|c| if matches!(c, '\n' | '\t' | '\r') { ' ' } else { c });
    spaced.filter(|c| !is_unsafe(*c)).collect()
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Columns that `text` takes on a terminal.
pub fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// `text` in at most `columns` columns, with `…` where something was cut.
pub fn truncate(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        let next = used + c.width().unwrap_or(0);
        if next + 1 > columns {
            break;
        }
        kept.push(c);
        used = next;
    }
    if columns > 0 {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_hides_or_reverses_gets_through() {
        assert_eq!(sanitise("a\u{1b}[2Jb\u{202e}c\u{2066}d\u{fe0f}e\u{9b}f\r\n\tg"), "a[2Jbcdef\n\tg");
        assert_eq!(sanitise_line("a\nb\tc\u{7}"), "a b c");
        assert_eq!(sanitise("Zoë 漢字 👩‍🎓"), "Zoë 漢字 👩‍🎓");
    }

    #[test]
    fn text_is_cut_by_columns_not_characters() {
        assert_eq!(truncate("漢字漢字", 5), "漢字…");
        assert_eq!(truncate("abc", 3), "abc");
        assert_eq!(truncate("abcd", 3), "ab…");
        assert_eq!(truncate("abcd", 0), "");
    }
}
