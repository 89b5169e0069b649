//! Dates in the course's own time zone, as instructors type them.

use jiff::tz::TimeZone;
use lectern_cli::{Error, Result, dates, text};

/// A date option: `none` clears, left out leaves.
pub fn change(option: Option<&str>, zone: &TimeZone, current: Option<i64>) -> Result<Option<i64>> {
    match option {
        None => Ok(current),
        Some("none") => Ok(None),
        Some(date) => parse(date, zone).map(Some),
    }
}

/// A date that must be one.
pub fn parse(date: &str, zone: &TimeZone) -> Result<i64> {
    dates::parse(date, zone, text::now_ms()).map_err(Error::usage)
}

/// A zone by its name; this machine's when the name is empty.
pub fn zone(name: &str) -> Result<TimeZone> {
    if name.is_empty() {
        return Ok(TimeZone::system());
    }
    TimeZone::get(name).map_err(|_| Error::usage(format!("this machine does not know the time zone {name}")))
}

/// A release date on its way to the server, where 0 clears it.
pub fn release(option: Option<&str>, zone: &TimeZone) -> Result<Option<i64>> {
    match option {
        None => Ok(None),
        Some("none") => Ok(Some(0)),
        Some(date) => parse(date, zone).map(Some),
    }
}
