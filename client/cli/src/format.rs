//! Values as text, exactly: times, points, digests.

use jiff::Timestamp;
use lectern_grading::{Percent, points::POINT};

/// More than anything a course gives.
const MOST_POINTS: i64 = 1_000_000_000 * POINT;

/// RFC 3339 in UTC, with milliseconds where there are some.
pub fn rfc3339(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| "invalid".into(), |time| time.to_string())
}

pub use lectern_grading::points::format as points;

/// Points from a decimal number with at most four places; exact.
pub fn parse_points(text: &str) -> Result<i64, String> {
    let problem = || format!("`{text}` is no number of points such as 12 or 12.5 (at most four decimal places)");
    let value = lectern_grading::points::parse(text).map_err(|_| problem())?;
    if text.starts_with('-') || value >= MOST_POINTS { Err(problem()) } else { Ok(value) }
}

/// A percentage of at most two decimal places, as hundredths of a percent.
pub fn parse_percent(text: &str) -> Result<i64, String> {
    match Percent::parse(text.trim_end_matches(['%', ' '])) {
        Ok(percent) if percent.0 >= 0 => Ok(percent.0),
        _ => Err(format!("`{text}` is no percentage such as 90 or 87.5 (at most two decimal places)")),
    }
}

/// A percentage with its sign; a dash where there is none.
pub fn percent(hundredths: Option<i64>) -> String {
    hundredths.map_or_else(|| "–".into(), |hundredths| format!("{} %", Percent(hundredths)))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_exact_decimals() {
        for (value, text) in [(0, "0"), (125_000, "12.5"), (10_000, "1"), (1, "0.0001"), (-5_000, "-0.5")] {
            assert_eq!(points(value), text);
        }
        for wrong in ["", ".", "1.", ".5", "1.23456", "1e3", "-1", "1,5", "9999999999"] {
            assert!(parse_points(wrong).is_err(), "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn points_survive_a_round_trip(value in 0_i64..10_000_000_000) {
            proptest::prop_assert_eq!(parse_points(&points(value)), Ok(value));
        }
    }
}
