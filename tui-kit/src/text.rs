//! Text for cells: measured by display width, cut with an ellipsis, wrapped, and clean of anything that moves a cursor.

use jiff::Timestamp;
use jiff::tz::TimeZone;
pub use lectern_cli::text::{clean, clean_body, points, size, span};
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Columns a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// A text in at most `room` columns; what was cut is marked with `ellipsis`. Never splits a character.
pub fn fit(text: &str, room: usize, ellipsis: &str) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let Some(left) = room.checked_sub(ellipsis.width()) else {
        return head(text, room).to_owned();
    };
    format!("{}{ellipsis}", head(text, left))
}

/// The beginning of a text that takes at most `room` columns.
fn head(text: &str, room: usize) -> &str {
    let mut used = 0;
    for (at, cluster) in text.grapheme_indices(true) {
        used += cluster.width();
        if used > room {
            return &text[..at];
        }
    }
    text
}

/// A text cut or filled with spaces to exactly `room` columns.
pub fn pad(text: &str, room: usize, ellipsis: &str) -> String {
    let cut = fit(text, room, ellipsis);
    let fill = room.saturating_sub(cut.width());
    format!("{cut}{}", " ".repeat(fill))
}

/// The same, aligned to the right.
pub fn pad_left(text: &str, room: usize, ellipsis: &str) -> String {
    let cut = fit(text, room, ellipsis);
    let fill = room.saturating_sub(cut.width());
    format!("{}{cut}", " ".repeat(fill))
}

/// A styled line in at most `room` columns.
pub fn fit_line<'t>(line: Line<'t>, room: usize, ellipsis: &str) -> Line<'t> {
    if line.width() <= room {
        return line;
    }
    let style = line.style;
    let mut left = room;
    let mut spans: Vec<Span<'t>> = Vec::new();
    for span in line.spans {
        let taken = span.content.width();
        // The last one that begins within the room carries the ellipsis.
        if taken < left {
            left -= taken;
            spans.push(span);
            continue;
        }
        let text = if taken == left {
            format!("{}{ellipsis}", head(&span.content, left.saturating_sub(ellipsis.width())))
        } else {
            fit(&span.content, left, ellipsis)
        };
        spans.push(Span::styled(text, span.style));
        break;
    }
    Line::from(spans).style(style)
}

/// A text broken into lines of at most `room` columns, at spaces where there are some. Newlines in it stay; tabs become
/// spaces.
pub fn wrap(text: &str, room: usize) -> Vec<String> {
    if room == 0 {
        return Vec::new();
    }
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        wrap_paragraph(&paragraph.replace('\t', "    "), room, &mut lines);
    }
    lines
}

fn wrap_paragraph(paragraph: &str, room: usize, lines: &mut Vec<String>) {
    let mut line = String::new();
    for word in paragraph.split_word_bounds() {
        if line.width() + word.width() <= room {
            line.push_str(word);
            continue;
        }
        if word.chars().all(char::is_whitespace) {
            // A break swallows the space it stands for.
            lines.push(std::mem::take(&mut line));
            continue;
        }
        if !line.is_empty() {
            let full = std::mem::take(&mut line);
            // What is joined without a space (a comma, a bracket) goes along with its word.
            let (kept, carried) = split_at_last_space(&full, word);
            lines.push(kept);
            line = carried;
        }
        line.push_str(word);
        break_long(&mut line, room, lines);
    }
    lines.push(line.trim_end().to_owned());
}

/// Keeps a word and what clings to it together: `(end,` is not torn into `(` and `end,`.
fn split_at_last_space(line: &str, word: &str) -> (String, String) {
    match line.rfind(' ') {
        Some(at) if at + 1 < line.len() && line[at + 1..].width() + word.width() < line.width() => {
            (line[..at].trim_end().to_owned(), line[at + 1..].to_owned())
        }
        _ => (line.trim_end().to_owned(), String::new()),
    }
}

/// A line that no space divides is cut where it is full.
fn break_long(line: &mut String, room: usize, lines: &mut Vec<String>) {
    while line.width() > room {
        let first = line.graphemes(true).next().map_or(0, str::len);
        let cut = head(line, room).len().max(first);
        if cut == line.len() {
            // One character that is wider than the room.
            return;
        }
        let rest = line.split_off(cut);
        lines.push(std::mem::replace(line, rest));
    }
}

/// A time in a zone: `Tue 1 Dec 23:59`, with the year where it is another one than now's.
pub fn time(ms: i64, now_ms: i64, zone: &TimeZone) -> String {
    let (Ok(time), Ok(now)) = (Timestamp::from_millisecond(ms), Timestamp::from_millisecond(now_ms)) else {
        return "–".into();
    };
    let (time, now) = (time.to_zoned_datetime(zone.clone()), now.to_zoned_datetime(zone.clone()));
    let form = if time.year() == now.year() { "%a %-d %b %H:%M" } else { "%-d %b %Y %H:%M" };
    time.strftime(form).to_string()
}

/// The time zone of a moment, as clocks name it: `CET`.
pub fn zone_name(ms: i64, zone: &TimeZone) -> String {
    Timestamp::from_millisecond(ms)
        .map_or_else(|_| String::new(), |at| at.to_zoned_datetime(zone.clone()).strftime("%Z").to_string())
}

/// When the words for the distance between `ms` and now change next: each second of the last hour, each minute of the
/// last day, each hour before. All in Unix milliseconds.
pub fn distance_changes_at(ms: i64, now_ms: i64) -> i64 {
    let step = match ms.abs_diff(now_ms) / 1000 {
        0..3_600 => 1_000,
        3_600..86_400 => 60_000,
        _ => 3_600_000,
    };
    now_ms + (ms - now_ms).rem_euclid(step) + 1
}

/// A line without signs that are read aloud as noise, or that a plain terminal does not have: letters stay as they are.
pub fn typewritten(line: Line<'_>) -> Line<'_> {
    const SIGNS: [(char, &str); 12] = [
        ('…', "..."),
        ('–', "-"),
        ('—', "-"),
        ('“', "\""),
        ('”', "\""),
        ('‘', "'"),
        ('’', "'"),
        ('→', "->"),
        ('←', "<-"),
        ('·', "-"),
        ('×', "x"),
        ('•', "-"),
    ];
    let is_sign = |letter: char| SIGNS.iter().any(|(sign, _)| *sign == letter);
    let mut line = line;
    for span in &mut line.spans {
        if span.content.contains(is_sign) {
            let letters = span.content.chars().map(|letter| {
                let sign = SIGNS.iter().find(|(sign, _)| *sign == letter);
                sign.map_or_else(|| letter.to_string(), |(_, words)| (*words).to_owned())
            });
            span.content = letters.collect::<String>().into();
        }
    }
    line
}

/// A count with its noun: `1 answer`, `3 answers`.
pub fn count(number: impl Into<u64>, noun: &str) -> String {
    let number = number.into();
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typewritten_has_letters_and_no_typography() {
        let line = Line::from(vec![Span::raw("“Ästhetik” – 3 → 4"), Span::raw(" …")]);
        assert_eq!(typewritten(line).to_string(), "\"Ästhetik\" - 3 -> 4 ...");
    }

    #[test]
    fn cutting_counts_columns_and_never_splits_a_character() {
        assert_eq!(fit("漢字かな", 5, "…"), "漢字…");
        assert_eq!(fit("漢字", 4, "…"), "漢字");
        assert_eq!(fit("abcdef", 3, "..."), "...");
        assert_eq!(fit("abcdef", 2, "..."), "ab");
        assert_eq!(fit("e\u{301}e\u{301}e\u{301}", 2, "…"), "e\u{301}…");
        assert_eq!(pad("ab", 4, "…"), "ab  ");
        assert_eq!(pad_left("12", 4, "…"), "  12");
    }

    #[test]
    fn a_styled_line_is_cut_where_its_room_ends() {
        let line = Line::from(vec![Span::raw("abc"), Span::raw("def"), Span::raw("ghi")]);
        let text = |line: &Line| line.spans.iter().map(|span| span.content.clone()).collect::<String>();
        assert_eq!(text(&fit_line(line.clone(), 9, "…")), "abcdefghi");
        assert_eq!(text(&fit_line(line.clone(), 6, "…")), "abcde…");
        assert_eq!(text(&fit_line(line.clone(), 5, "…")), "abcd…");
        assert_eq!(text(&fit_line(line, 0, "…")), "");
    }

    #[test]
    fn wrapping_breaks_at_spaces_and_cuts_what_has_none() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("a\n\nb", 4), ["a", "", "b"]);
        assert_eq!(wrap("call f(x), then", 9), ["call", "f(x),", "then"].map(String::from).to_vec().as_slice());
        assert_eq!(wrap("漢字漢字", 5), ["漢字", "漢字"]);
        assert_eq!(wrap("漢", 1), ["漢"]);
    }

    proptest::proptest! {
        #[test]
        fn wrapped_lines_fit_and_lose_no_letter(text in "[a-c漢 \n]{0,60}", room in 2_usize..12) {
            let lines = wrap(&text, room);
            proptest::prop_assert!(lines.iter().all(|line| line.width() <= room), "{lines:?}");
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            proptest::prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }

        #[test]
        fn cut_text_fits(text in "\\PC{0,40}", room in 0_usize..20) {
            proptest::prop_assert!(fit(&text, room, "…").width() <= room);
        }
    }

    #[test]
    fn times_are_short_and_name_another_year() {
        let now = 1_764_633_540_000; // 2025-12-01T23:59Z
        assert_eq!(time(now, now, &TimeZone::UTC), "Mon 1 Dec 23:59");
        assert_eq!(time(now + 31 * 86_400_000, now, &TimeZone::UTC), "1 Jan 2026 23:59");
        assert_eq!(count(1_u32, "answer"), "1 answer");
        assert_eq!(count(2_u32, "answer"), "2 answers");
    }
}
