//! Dates as people type them. The door of the system is here: what leaves this module is UTC.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Span, Timestamp};

/// Parses a date into Unix milliseconds: RFC 3339 (`2026-10-01T21:59:59Z`), a local date and time (`2026-10-01 23:59`),
/// a local date (its end: 23:59:59), or a distance from now (`+3d`, `+2h`, `+30m`). A time typed as 23:59 means 23:59:59.
pub fn parse(text: &str, zone: &TimeZone, now_ms: i64) -> Result<i64, String> {
    let problem = |why: &str| format!("`{text}` is no date{why}; write 2026-10-01 23:59, 2026-10-01T21:59:59Z or +3d");
    if let Some(distance) = text.strip_prefix('+') {
        return relative(distance, now_ms).ok_or_else(|| problem(""));
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time.as_millisecond());
    }
    let local = local(text).ok_or_else(|| problem(""))?;
    let ambiguous = zone.to_ambiguous_zoned_datetime(local);
    let name = zone.iana_name().unwrap_or("this time zone");
    match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } => {}
        AmbiguousOffset::Gap { .. } => {
            return Err(format!("`{text}` does not exist in {name}: the clocks are put forward over it"));
        }
        AmbiguousOffset::Fold { before, after } => {
            let written = |offset| local.strftime(&format!("%Y-%m-%dT%H:%M:%S{offset}:00")).to_string();
            return Err(format!(
                "`{text}` comes twice in {name}: write {} for the first time, {} for the second",
                written(before),
                written(after)
            ));
        }
    }
    let zoned = ambiguous.unambiguous().map_err(|error| problem(&format!(" ({error})")))?;
    Ok(zoned.timestamp().as_millisecond())
}

fn relative(text: &str, now_ms: i64) -> Option<i64> {
    let unit = text.chars().last()?;
    let number: i64 = text.strip_suffix(unit)?.parse().ok()?;
    let span = match unit {
        'd' => Span::new().try_hours(number.checked_mul(24)?).ok()?,
        'h' => Span::new().try_hours(number).ok()?,
        'm' => Span::new().try_minutes(number).ok()?,
        _ => return None,
    };
    Some(Timestamp::from_millisecond(now_ms).ok()?.checked_add(span).ok()?.as_millisecond())
}

fn local(text: &str) -> Option<DateTime> {
    if let Ok(date) = Date::strptime("%Y-%m-%d", text) {
        return Some(date.to_datetime(end_of_day()));
    }
    let text = text.replacen('T', " ", 1);
    if let Ok(time) = DateTime::strptime("%Y-%m-%d %H:%M:%S", &text) {
        return Some(time);
    }
    let time = DateTime::strptime("%Y-%m-%d %H:%M", &text).ok()?;
    let last_minute = time.hour() == 23 && time.minute() == 59;
    Some(if last_minute { time.date().to_datetime(end_of_day()) } else { time })
}

fn end_of_day() -> Time {
    Time::constant(23, 59, 59, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin(text: &str) -> Result<String, String> {
        let zone = TimeZone::get("Europe/Berlin").expect("a known zone");
        parse(text, &zone, 0).map(crate::format::rfc3339)
    }

    #[test]
    fn the_last_minute_of_a_day_lasts_to_its_end() {
        assert_eq!(berlin("2026-10-01 23:59").unwrap(), "2026-10-01T21:59:59Z");
        assert_eq!(berlin("2026-10-01").unwrap(), "2026-10-01T21:59:59Z");
        assert_eq!(berlin("2026-10-01 12:00").unwrap(), "2026-10-01T10:00:00Z");
    }

    #[test]
    fn daylight_saving_is_the_zones() {
        assert_eq!(berlin("2026-12-01 12:00").unwrap(), "2026-12-01T11:00:00Z");
        assert_eq!(berlin("2026-07-01 12:00").unwrap(), "2026-07-01T10:00:00Z");
    }

    #[test]
    fn an_hour_that_is_skipped_is_refused_and_one_that_comes_twice_is_asked_about() {
        assert!(berlin("2027-03-28 02:30").unwrap_err().contains("does not exist in Europe/Berlin"));
        let twice = berlin("2026-10-25 02:30").unwrap_err();
        let (first, second) = ("2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00");
        assert!(twice.contains(first) && twice.contains(second), "{twice}");
        assert_eq!(berlin(first).unwrap(), "2026-10-25T00:30:00Z");
        assert_eq!(berlin(second).unwrap(), "2026-10-25T01:30:00Z");
    }

    #[test]
    fn distances_count_from_now() {
        assert_eq!(berlin("+3d").unwrap(), "1970-01-04T00:00:00Z");
        assert_eq!(berlin("+90m").unwrap(), "1970-01-01T01:30:00Z");
        for wrong in ["+", "+3", "+xd", "tomorrow", "2026-13-01", ""] {
            assert!(berlin(wrong).is_err(), "{wrong}");
        }
    }
}
