//! Text for people: clean, aligned, in words.

use std::time::{SystemTime, UNIX_EPOCH};

pub use crate::format::{hex, points};
pub use crate::table::table;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use unicode_width::UnicodeWidthStr;

/// One line from the server, safe for a terminal: control characters, bidirectional marks and overrides, invisible characters and
/// U+FE0F removed.
pub fn clean(text: &str) -> String {
    text.chars().filter(|c| !is_unsafe(*c)).collect()
}

/// Several lines from the server, safe for a terminal: newlines and tabs stay.
pub fn clean_body(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !is_unsafe(*c)).collect()
}

/// A text whose lines are broken at spaces, where they would not fit in so many columns.
pub fn wrapped(text: &str, room: Option<usize>) -> String {
    let Some(room) = room else { return text.to_owned() };
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            if !line.is_empty() && line.width() + 1 + word.width() > room {
                lines.push(std::mem::take(&mut line));
            } else if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines.join("\n")
}

/// Whether a terminal might do something else with it than show it.
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A time in this machine's zone, which it names: `2026-10-01 23:59 CEST`.
pub fn time(ms: i64) -> String {
    in_zone(ms, "%Y-%m-%d %H:%M %Z", TimeZone::system())
}

/// The same with seconds, for what happens within one minute.
pub fn time_to_the_second(ms: i64) -> String {
    in_zone(ms, "%Y-%m-%d %H:%M:%S %Z", TimeZone::system())
}

fn in_zone(ms: i64, format: &str, zone: TimeZone) -> String {
    match Timestamp::from_millisecond(ms) {
        Ok(time) => time.to_zoned_datetime(zone).strftime(format).to_string(),
        Err(_) => "–".into(),
    }
}

/// A time, or a dash.
pub fn optional_time(ms: Option<i64>) -> String {
    ms.map_or_else(|| "–".into(), time)
}

/// How far a time is from `now_ms`, in words: `in 2 days 3 hours`, `5 minutes ago`.
pub fn distance(ms: i64, now_ms: i64) -> String {
    let seconds = ms.abs_diff(now_ms) / 1000;
    let words = span(seconds);
    match (seconds, ms >= now_ms) {
        (0..30, _) => "now".into(),
        (_, true) => format!("in {words}"),
        (_, false) => format!("{words} ago"),
    }
}

/// A length of time in its two largest units.
pub fn span(seconds: u64) -> String {
    let units = [("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)];
    let mut left = seconds;
    let mut words = Vec::new();
    for (unit, length) in units {
        let count = left / length;
        left %= length;
        if count > 0 {
            words.push(format!("{count} {unit}{}", if count == 1 { "" } else { "s" }));
        } else if !words.is_empty() {
            break;
        }
        if words.len() == 2 {
            break;
        }
    }
    if words.is_empty() { "0 seconds".into() } else { words.join(" ") }
}

/// This machine's clock, for distances where the server sent no time of its own.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A number of bytes: `20.0 MiB`.
pub fn size(bytes: u64) -> String {
    const STEP: u64 = 1024;
    let mut unit = STEP;
    for name in ["KiB", "MiB", "GiB", "TiB"] {
        if bytes < unit * STEP || name == "TiB" {
            return if bytes < STEP {
                format!("{bytes} B")
            } else {
                format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit)
            };
        }
        unit *= STEP;
    }
    format!("{bytes} B")
}

/// A percentage with its name in the grading scheme: `87.50 % (B+)`.
pub fn with_level(percent: Option<i64>, level: &str) -> String {
    let percent = crate::format::percent(percent);
    if level.is_empty() { percent } else { format!("{percent} ({})", clean(level)) }
}

/// A number of things: `1 message`, `2 messages`.
pub fn count(number: impl TryInto<u64>, one: &str, many: &str) -> String {
    match number.try_into().unwrap_or(u64::MAX) {
        1 => format!("1 {one}"),
        number => format!("{number} {many}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_move_the_cursor_or_reverse_text_is_removed() {
        assert_eq!(clean("a\u{1b}[2Jb\u{202e}c\u{fe0f}\n"), "a[2Jbc");
        assert_eq!(clean_body("a\n\tb\r\u{7}"), "a\n\tb");
    }

    #[test]
    fn lines_are_broken_at_spaces_and_nowhere_else() {
        let question = "Drain node 2?\nNode 2 gives its vote away.";
        assert_eq!(wrapped(question, Some(15)), "Drain node 2?\nNode 2 gives\nits vote away.");
        assert_eq!(wrapped(question, Some(3)), "Drain\nnode\n2?\nNode\n2\ngives\nits\nvote\naway.");
        assert_eq!(wrapped(question, None), question);
    }

    #[test]
    fn spans_have_two_units_at_most() {
        assert_eq!(span(2 * 86_400 + 3 * 3_600 + 59), "2 days 3 hours");
        assert_eq!(span(61), "1 minute 1 second");
        assert_eq!(span(86_400), "1 day");
        assert_eq!(span(0), "0 seconds");
        assert_eq!(distance(1_000_000, 0), "in 16 minutes 40 seconds");
        assert_eq!(distance(0, 3_600_000), "1 hour ago");
    }

    #[test]
    fn a_time_names_its_zone_in_summer_and_in_winter() {
        let berlin = || TimeZone::get("Europe/Berlin").unwrap();
        assert_eq!(in_zone(1_790_891_999_000, "%Y-%m-%d %H:%M %Z", berlin()), "2026-10-01 23:59 CEST");
        assert_eq!(in_zone(1_796_079_599_000, "%Y-%m-%d %H:%M:%S %Z", berlin()), "2026-11-30 23:59:59 CET");
        assert!(time(0).matches(' ').count() == 2 && time_to_the_second(0).contains(":00 "), "{}", time(0));
    }

    #[test]
    fn sizes_are_in_powers_of_1024() {
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(20 << 20), "20.0 MiB");
    }

    #[test]
    fn one_thing_is_singular() {
        assert_eq!(count(1_u32, "unread message", "unread messages"), "1 unread message");
        assert_eq!(count(0_usize, "reply", "replies"), "0 replies");
    }
}
