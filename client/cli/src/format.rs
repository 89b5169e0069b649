//! Values as text, exactly: times, points, digests.

use jiff::Timestamp;
use lectern_proto::POINT;

/// RFC 3339 in UTC, with milliseconds where there are some.
pub fn rfc3339(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| "invalid".into(), |time| time.to_string())
}

/// Points as a decimal number without needless zeros: 125000 → `12.5`.
pub fn points(value: i64) -> String {
    let (sign, value) = if value < 0 { ("-", value.unsigned_abs()) } else { ("", value.unsigned_abs()) };
    let point = POINT.unsigned_abs();
    let fraction = format!("{:04}", value % point);
    let fraction = fraction.trim_end_matches('0');
    let dot = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{}{dot}{fraction}", value / point)
}

/// Points from a decimal number with at most four places; exact.
pub fn parse_points(text: &str) -> Result<i64, String> {
    let problem = || format!("`{text}` is no number of points such as 12 or 12.5 (at most four decimal places)");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) || fraction.len() > 4 || whole.len() > 9 {
        return Err(problem());
    }
    let whole: i64 = whole.parse().map_err(|_| problem())?;
    let fraction: i64 = format!("{fraction:0<4}").parse().map_err(|_| problem())?;
    Ok(whole * POINT + fraction)
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
