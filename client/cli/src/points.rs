//! Points: exact decimals on the command line, ten-thousandths in the cluster.

use std::fmt;
use std::str::FromStr;

use lectern_proto::POINT;

/// Points or a score, as an argument: `12`, `12.5`, `0.0001`.
///
/// ```
/// let points: lectern_cli::Points = "12.5".parse().unwrap();
/// assert_eq!(points.0, 125_000);
/// assert_eq!(points.to_string(), "12.5");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Points(
    /// Ten-thousandths of a point.
    pub i64,
);

impl FromStr for Points {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let problem = || format!("{text:?} is not a number of points: write 12 or 12.5, at most four decimals");
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !plain(whole) || !plain(fraction) || fraction.len() > 4 {
            return Err(problem());
        }
        let whole: i64 = whole.parse().map_err(|_| problem())?;
        let fraction: i64 = format!("{fraction:0<4}").parse().map_err(|_| problem())?;
        let value = whole.checked_mul(POINT).and_then(|whole| whole.checked_add(fraction)).ok_or_else(problem)?;
        Ok(Self(if negative { -value } else { value }))
    }
}

impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let unit = POINT.unsigned_abs();
        let (whole, fraction) = (self.0.unsigned_abs() / unit, self.0.unsigned_abs() % unit);
        if fraction == 0 {
            return write!(f, "{sign}{whole}");
        }
        let fraction = format!("{fraction:04}");
        write!(f, "{sign}{whole}.{}", fraction.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_exact_both_ways() {
        for (text, value) in [("0", 0), ("12", 120_000), ("12.5", 125_000), ("0.0001", 1), ("-3.25", -32_500)] {
            assert_eq!(text.parse::<Points>().unwrap().0, value);
            assert_eq!(Points(value).to_string(), text);
        }
        assert_eq!("12.50".parse::<Points>().unwrap().0, 125_000);
        assert_eq!(Points(i64::MIN).to_string(), "-922337203685477.5808");
    }

    #[test]
    fn what_is_not_exact_is_refused() {
        for text in ["", ".", "1.", ".5", "1e3", "1.00001", "NaN", "+1", "1 000", "99999999999999999999", "--1"] {
            assert!(text.parse::<Points>().is_err(), "{text}");
        }
    }
}
