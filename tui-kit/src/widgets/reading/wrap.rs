//! Where lines of a text break, as byte ranges of it: styles and matches can be laid over them afterwards.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use crate::text;

/// The lines of a text in a room of so many columns, broken at spaces where there are some, and between the characters of
/// scripts that write without spaces. The spaces a break stands for are in no line. A newline ends a line; tabs are taken to
/// be spaces already.
pub fn ranges(text: &str, room: usize) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let mut start = 0;
    for paragraph in text.split('\n') {
        let mut filler = Filler { room: room.max(1), line: start..start, used: 0, lines: &mut lines };
        let mut at = start;
        for word in paragraph.split(' ') {
            filler.word(at, word);
            at += word.len() + 1;
        }
        filler.end_line();
        start += paragraph.len() + 1;
    }
    lines
}

/// The lines of a text that is cut only where it is full: code, whose spaces mean something. With each, whether it goes on
/// a line that was cut.
pub fn cut(text: &str, room: usize) -> Vec<(Range<usize>, bool)> {
    let mut lines = Vec::new();
    let mut start = 0;
    for whole in text.split('\n') {
        let mut cut = Vec::new();
        let mut filler = Filler { room: room.max(1), line: start..start, used: 0, lines: &mut cut };
        filler.letters(start, whole);
        filler.end_line();
        lines.extend(cut.into_iter().enumerate().map(|(index, line)| (line, index > 0)));
        start += whole.len() + 1;
    }
    lines
}

/// Fills one line after the other.
struct Filler<'a> {
    room: usize,
    /// The line being filled, and the columns it takes.
    line: Range<usize>,
    used: usize,
    lines: &'a mut Vec<Range<usize>>,
}

impl Filler<'_> {
    fn word(&mut self, at: usize, word: &str) {
        if word.is_ascii() {
            return self.piece(at, word);
        }
        let mut start = 0;
        let mut before = "";
        for (offset, letter) in word.grapheme_indices(true) {
            if may_break(before, letter) {
                self.piece(at + start, &word[start..offset]);
                start = offset;
            }
            before = letter;
        }
        self.piece(at + start, &word[start..]);
    }

    /// What stays together, at `at`; between it and the line before it are spaces alone.
    fn piece(&mut self, at: usize, piece: &str) {
        if piece.is_empty() {
            return;
        }
        let width = text::width(piece);
        let gap = at - self.line.end;
        if self.used + gap + width <= self.room {
            self.line.end = at + piece.len();
            self.used += gap + width;
            return;
        }
        if !self.line.is_empty() {
            self.end_line();
        }
        self.line = at..at;
        self.used = 0;
        self.letters(at, piece);
    }

    /// Letters that are parted wherever a line is full.
    fn letters(&mut self, at: usize, letters: &str) {
        for (offset, letter) in letters.grapheme_indices(true) {
            let (start, width) = (at + offset, text::width(letter));
            if self.used + width > self.room && !self.line.is_empty() {
                self.end_line();
                self.line = start..start;
                self.used = 0;
            }
            self.line.end = start + letter.len();
            self.used += width;
        }
    }

    fn end_line(&mut self) {
        self.lines.push(self.line.clone());
    }
}

/// Whether a line may end between two characters of a word: beside a wide one, unless a bracket or a stop would be torn
/// from what it belongs to.
fn may_break(before: &str, after: &str) -> bool {
    const CLOSING: &str = "、。，．・：；！？）」』】〉》〕｝,.!?:;)]}";
    const OPENING: &str = "（「『【〈《〔｛([{";
    let is_wide = |letter: &str| text::width(letter) > 1;
    !before.is_empty() && (is_wide(before) || is_wide(after)) && !CLOSING.contains(after) && !OPENING.contains(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, room: usize) -> Vec<&str> {
        ranges(text, room).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn lines_break_at_spaces_and_words_that_are_too_long_are_cut() {
        assert_eq!(lines("one two three", 7), ["one two", "three"]);
        assert_eq!(lines("abcdefghij kl", 4), ["abcd", "efgh", "ij", "kl"]);
        assert_eq!(lines("call f(x), then", 9), ["call", "f(x),", "then"]);
        assert_eq!(lines("a\n\nb", 4), ["a", "", "b"]);
        assert_eq!(lines("  indented text", 10), ["  indented", "text"]);
    }

    #[test]
    fn scripts_without_spaces_break_between_characters_but_not_before_a_stop() {
        assert_eq!(lines("see 漢字漢字", 8), ["see 漢字", "漢字"]);
        assert_eq!(lines("漢字。漢", 4), ["漢", "字。", "漢"]);
        assert_eq!(lines("漢", 1), ["漢"]);
    }

    #[test]
    fn code_is_cut_where_it_is_full_and_keeps_its_spaces() {
        let text = "if  x {\n  y";
        let lines: Vec<_> = cut(text, 5).into_iter().map(|(range, goes_on)| (&text[range], goes_on)).collect();
        assert_eq!(lines, [("if  x", false), (" {", true), ("  y", false)]);
    }

    proptest::proptest! {
        #[test]
        fn wrapped_lines_fit_and_lose_no_letter(text in "[a-c漢。( \n]{0,60}", room in 2_usize..12) {
            let lines = lines(&text, room);
            proptest::prop_assert!(lines.iter().all(|line| text::width(line) <= room), "{lines:?}");
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            proptest::prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }
}
