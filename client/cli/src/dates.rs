//! Dates on the command line and on the screen.

use std::fmt::Write as _;
use std::str::FromStr;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan as _};

/// A date as typed: an instant (`2026-10-01T21:59:00Z`), a local time (`2026-10-01 23:59`), or an offset from now
/// (`+3d`, `+1d12h`, `-2h`; w, d, h, m, s). Give it a zone and a clock to make it a time.
///
/// `23:59` without seconds means 23:59:59: the last second of the day, as everyone who types it means.
///
/// ```
/// let due: lectern_cli::When = "2026-10-01 23:59".parse().unwrap();
/// let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
/// assert_eq!(lectern_cli::rfc3339(due.resolve(0, &zone).unwrap()), "2026-10-01T21:59:59Z");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct When(Typed);

#[derive(Clone, Copy, Debug)]
enum Typed {
    Instant(Timestamp),
    Local(DateTime),
    FromNow(Span),
}

impl When {
    /// Unix milliseconds, with local times in `zone` and offsets from `now_ms` (the cluster's clock).
    pub fn resolve(&self, now_ms: i64, zone: &TimeZone) -> Result<i64, String> {
        let resolved = match self.0 {
            Typed::Instant(instant) => Ok(instant),
            Typed::Local(local) => local.to_zoned_datetime(zone.clone()).map(|zoned| zoned.timestamp()),
            Typed::FromNow(span) => Timestamp::from_millisecond(now_ms)
                .and_then(|now| now.to_zoned_datetime(zone.clone()).checked_add(span))
                .map(|zoned| zoned.timestamp()),
        };
        resolved.map(Timestamp::as_millisecond).map_err(|error| format!("that date is out of range: {error}"))
    }
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let problem =
            || format!("{text:?} is not a date: write `2026-10-01 23:59`, `2026-10-01T21:59:00Z`, or `+3d` from now");
        let text = text.trim();
        if text == "now" {
            return Ok(Self(Typed::FromNow(Span::new())));
        }
        if let Some(offset) = text.strip_prefix('+') {
            return parse_offset(offset).map(|span| Self(Typed::FromNow(span))).ok_or_else(problem);
        }
        if let Some(offset) = text.strip_prefix('-') {
            return parse_offset(offset).map(|span| Self(Typed::FromNow(-span))).ok_or_else(problem);
        }
        if let Ok(instant) = text.parse::<Timestamp>() {
            return Ok(Self(Typed::Instant(instant)));
        }
        // A date alone would be midnight to some and the end of the day to others.
        let (_, time) = text.split_once([' ', 'T']).ok_or_else(problem)?;
        let local: DateTime = text.parse().map_err(|_| problem())?;
        let local =
            if time.trim() == "23:59" { local.checked_add(59.seconds()).map_err(|_| problem())? } else { local };
        Ok(Self(Typed::Local(local)))
    }
}

/// `3d`, `1d12h`, `90m`.
fn parse_offset(text: &str) -> Option<Span> {
    let mut span = Span::new();
    let mut rest = text;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let amount: i64 = rest[..end].parse().ok()?;
        let unit = rest[end..].chars().next()?;
        rest = &rest[end + unit.len_utf8()..];
        span = match unit {
            'w' => span.try_weeks(amount),
            'd' => span.try_days(amount),
            'h' => span.try_hours(amount),
            'm' => span.try_minutes(amount),
            's' => span.try_seconds(amount),
            _ => return None,
        }
        .ok()?;
    }
    Some(span)
}

/// A date, or `none` to clear it.
#[derive(Clone, Copy, Debug)]
pub enum DateChange {
    /// Set it.
    Set(When),
    /// Clear it.
    Clear,
}

impl DateChange {
    /// Unix milliseconds, or none when cleared.
    pub fn resolve(&self, now_ms: i64, zone: &TimeZone) -> Result<Option<i64>, String> {
        match self {
            Self::Set(when) => when.resolve(now_ms, zone).map(Some),
            Self::Clear => Ok(None),
        }
    }
}

impl FromStr for DateChange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" { Ok(Self::Clear) } else { text.parse().map(Self::Set) }
    }
}

/// The zone of an IANA name; this machine's when the name is empty or unknown here.
pub fn zone_or_local(name: &str) -> TimeZone {
    if name.is_empty() { TimeZone::system() } else { TimeZone::get(name).unwrap_or_else(|_| TimeZone::system()) }
}

/// RFC 3339 in UTC, with milliseconds only where there are some: what `--json` prints.
pub fn rfc3339(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |time| time.to_string())
}

/// A time as people read it: `2026-10-01 23:59 CEST`.
pub fn local_time(ms: i64, zone: &TimeZone) -> String {
    Timestamp::from_millisecond(ms).map_or_else(
        |_| ms.to_string(),
        |time| time.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string(),
    )
}

/// A time by its distance: `in 2 days 3 hours`, `3 hours ago`, `now`.
pub fn relative(ms: i64, now_ms: i64) -> String {
    let distance = ms.saturating_sub(now_ms);
    let words = duration_words(Duration::from_millis(distance.unsigned_abs()));
    match distance {
        -999..=999 => "now".into(),
        1000.. => format!("in {words}"),
        _ => format!("{words} ago"),
    }
}

/// Both: `2026-10-01 23:59 CEST (in 2 days 3 hours)`.
pub fn time_and_distance(ms: i64, now_ms: i64, zone: &TimeZone) -> String {
    format!("{} ({})", local_time(ms, zone), relative(ms, now_ms))
}

/// The two largest units: `2 days 3 hours`, `45 seconds`.
pub fn duration_words(duration: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
    let mut left = duration.as_secs();
    let mut words = String::new();
    let mut parts = 0;
    for (seconds, name) in UNITS {
        let count = left / seconds;
        left %= seconds;
        if count > 0 && parts < 2 {
            let plural = if count == 1 { "" } else { "s" };
            // Writing to a string does not fail.
            let _ = write!(words, "{}{count} {name}{plural}", if parts > 0 { " " } else { "" });
        }
        // Once begun, the next unit counts even when it is nothing: "2 days", not "2 days 5 seconds".
        parts += usize::from(count > 0 || parts > 0);
    }
    if words.is_empty() { "0 seconds".into() } else { words }
}

/// `500ms`, `30s`, `2m`, `1h`, or a number of seconds.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let problem = || format!("{text:?} is not a duration: write 30s, 500ms, 2m or 1h");
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let amount: u64 = text[..end].parse().map_err(|_| problem())?;
    let factor = match &text[end..] {
        "ms" => return Ok(Duration::from_millis(amount)),
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(problem()),
    };
    amount.checked_mul(factor).map(Duration::from_secs).ok_or_else(problem)
}

/// Bytes as people read them: `512 B`, `12.5 KiB`, `100 MiB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut tenths = u128::from(bytes) * 10;
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut unit = "";
    for name in UNITS {
        tenths = (tenths + 512) / 1024;
        unit = name;
        if tenths < 10 * 1024 {
            break;
        }
    }
    if tenths.is_multiple_of(10) {
        format!("{} {unit}", tenths / 10)
    } else {
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    fn resolve(text: &str, now: &str, zone: &str) -> String {
        rfc3339(text.parse::<When>().unwrap().resolve(at(now), &TimeZone::get(zone).unwrap()).unwrap())
    }

    #[test]
    fn a_date_is_an_instant_a_local_time_or_an_offset() {
        let now = "2026-03-27T12:00:00Z";
        for (text, expected) in [
            ("2026-10-01T21:59:00Z", "2026-10-01T21:59:00Z"),
            ("2026-10-01T23:59:00+02:00", "2026-10-01T21:59:00Z"),
            ("2026-10-01 23:59", "2026-10-01T21:59:59Z"),
            ("2026-10-01T23:59", "2026-10-01T21:59:59Z"),
            ("2026-10-01 23:59:00", "2026-10-01T21:59:00Z"),
            ("2026-10-01 08:30", "2026-10-01T06:30:00Z"),
            ("+2h", "2026-03-27T14:00:00Z"),
            ("+1d12h", "2026-03-29T00:00:00Z"),
            ("-90m", "2026-03-27T10:30:00Z"),
            ("now", now),
        ] {
            assert_eq!(resolve(text, now, "Europe/Berlin"), expected, "{text}");
        }
    }

    #[test]
    fn days_keep_the_hour_over_a_change_of_the_clocks() {
        // 29 March 2026, 02:00 becomes 03:00 in Berlin.
        assert_eq!(resolve("+3d", "2026-03-27T12:00:00Z", "Europe/Berlin"), "2026-03-30T11:00:00Z");
        assert_eq!(resolve("+1w", "2026-03-27T12:00:00Z", "Europe/Berlin"), "2026-04-03T11:00:00Z");
    }

    #[test]
    fn what_is_ambiguous_or_nonsense_is_refused() {
        for text in [
            "",
            "2026-10-01",
            "tomorrow",
            "+",
            "+3",
            "+d",
            "+3y",
            "2026-13-01 10:00",
            "25:00",
            "+99999999999999999999d",
        ] {
            assert!(text.parse::<When>().is_err(), "{text}");
        }
        assert!(matches!("none".parse(), Ok(DateChange::Clear)));
        assert!("+9999999w".parse::<When>().map_or(true, |when| when.resolve(0, &TimeZone::UTC).is_err()));
    }

    #[test]
    fn distances_are_told_in_two_units() {
        let second = 1000;
        for (ms, expected) in [
            (0, "now"),
            (5 * second, "in 5 seconds"),
            (-3 * 3600 * second, "3 hours ago"),
            ((2 * 86_400 + 3 * 3600 + 59) * second, "in 2 days 3 hours"),
            ((2 * 86_400 + 59) * second, "in 2 days"),
            (-61 * second, "1 minute 1 second ago"),
        ] {
            assert_eq!(relative(ms, 0), expected);
        }
    }

    #[test]
    fn sizes_and_durations() {
        for (bytes, expected) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            (12_800, "12.5 KiB"),
            (100 * 1024 * 1024, "100 MiB"),
            (u64::MAX, "16384 PiB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
        assert_eq!(parse_duration("1s"), Ok(Duration::from_secs(1)));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("7"), Ok(Duration::from_secs(7)));
        assert!(parse_duration("7 days").is_err() && parse_duration("").is_err());
    }

    #[test]
    fn times_are_shown_in_the_zone_asked_for() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        assert_eq!(local_time(at("2026-10-01T21:59:59Z"), &zone), "2026-10-01 23:59 CEST");
    }
}
