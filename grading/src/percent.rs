//! Percentages as whole hundredths of a percent.

use std::fmt;

use num_bigint::BigUint;

use crate::points::{self, POINT, ParseError};

/// A percentage in hundredths of a percent: 66.67 % is 6667.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(pub i64);

/// Hundredths of a percent in the whole.
const WHOLE: u32 = 10_000;

impl Percent {
    /// 100 %.
    pub const FULL: Self = Self(WHOLE as i64);

    /// `score` of `possible`, rounded half up; none where nothing is possible.
    pub fn of(score: i64, possible: i64) -> Option<Self> {
        if possible <= 0 {
            return None;
        }
        let (score, possible) = (i128::from(score.max(0)), i128::from(possible));
        let hundredths = (2 * i128::from(WHOLE) * score + possible) / (2 * possible);
        Some(Self(i64::try_from(hundredths).unwrap_or(i64::MAX)))
    }

    /// The fraction `numerator / denominator`, rounded half up; none where the denominator is 0.
    pub(crate) fn of_fraction(numerator: &BigUint, denominator: &BigUint) -> Option<Self> {
        if *denominator == BigUint::ZERO {
            return None;
        }
        let hundredths = (numerator * WHOLE * 2_u32 + denominator) / (denominator * 2_u32);
        Some(Self(i64::try_from(hundredths).unwrap_or(i64::MAX)))
    }

    /// From a decimal text of at most two places, such as `66.67` or `90`.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let hundredth = POINT / 100;
        match points::parse(text)? {
            value if value % hundredth == 0 => Ok(Self(value / hundredth)),
            _ => Err(ParseError::TooFine),
        }
    }
}

impl fmt::Display for Percent {
    /// With two decimals and without the sign: `66.67`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}.{:02}", self.0.unsigned_abs() / 100, self.0.unsigned_abs() % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_round_half_up_without_floating_point() {
        let text = |score, possible| Percent::of(score, possible).map(|percent| percent.to_string());
        assert_eq!(text(2, 3).as_deref(), Some("66.67"));
        assert_eq!(text(1, 3).as_deref(), Some("33.33"));
        assert_eq!(text(1, 20_000).as_deref(), Some("0.01"), "half of the last digit goes up");
        assert_eq!(text(0, 5).as_deref(), Some("0.00"));
        assert_eq!(text(3, 2).as_deref(), Some("150.00"));
        assert_eq!(text(5, 0), None);
    }

    #[test]
    fn a_percentage_is_typed_with_at_most_two_places() {
        assert_eq!(Percent::parse("90"), Ok(Percent(9_000)));
        assert_eq!(Percent::parse("66.67"), Ok(Percent(6_667)));
        assert!(Percent::parse("66.667").is_err() && Percent::parse("90%").is_err());
    }
}
