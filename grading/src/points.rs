//! Points as people write them: exact decimals of ten-thousandths, `12.5` for 125000.

pub use lectern_proto::POINT;

/// Digits after the point that a score can hold.
const DECIMALS: usize = 4;

/// Why a text is no number of points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Not digits with at most one point between them.
    #[error("write points as a number such as 12 or 12.5")]
    NotANumber,
    /// More than four decimals.
    #[error("points have at most four decimals, such as 0.3333")]
    TooFine,
    /// Does not fit.
    #[error("this number of points is too large")]
    TooLarge,
}

/// Ten-thousandths from a decimal text: `12`, `12.5`, `0.0001`, `-1.25`. Nothing is rounded.
pub fn parse(text: &str) -> Result<i64, ParseError> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) {
        return Err(ParseError::NotANumber);
    }
    if fraction.len() > DECIMALS {
        return Err(ParseError::TooFine);
    }
    let whole: i128 = whole.parse::<i64>().map_err(|_| ParseError::TooLarge)?.into();
    let fraction: i128 = format!("{fraction:0<DECIMALS$}").parse().map_err(|_| ParseError::NotANumber)?;
    let value = whole * i128::from(POINT) + fraction;
    i64::try_from(if negative { -value } else { value }).map_err(|_| ParseError::TooLarge)
}

/// The shortest decimal text that [`parse`] reads back as `points`.
pub fn format(points: i64) -> String {
    let sign = if points < 0 { "-" } else { "" };
    let (whole, fraction) =
        (points.unsigned_abs() / POINT.unsigned_abs(), points.unsigned_abs() % POINT.unsigned_abs());
    if fraction == 0 {
        return format!("{sign}{whole}");
    }
    let fraction = format!("{fraction:0>DECIMALS$}");
    format!("{sign}{whole}.{}", fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn points_are_read_and_written_as_decimals() {
        for (text, points) in [
            ("0", 0),
            ("12", 120_000),
            ("12.5", 125_000),
            ("0.0001", 1),
            ("-1.25", -12_500),
            ("1000000", 10_000_000_000),
        ] {
            assert_eq!(parse(text), Ok(points));
            assert_eq!(format(points), text);
        }
        assert_eq!(parse("7.50"), Ok(75_000));
        assert_eq!(parse("007"), Ok(70_000));
    }

    #[test]
    fn what_is_not_exactly_a_number_of_points_is_refused() {
        for text in ["", ".", "5.", ".5", "1e3", "+1", "1,5", " 1", "--1", "1.2.3", "٣"] {
            assert_eq!(parse(text), Err(ParseError::NotANumber), "{text}");
        }
        assert_eq!(parse("0.33333"), Err(ParseError::TooFine));
        assert_eq!(parse("99999999999999999999"), Err(ParseError::TooLarge));
        assert_eq!(parse("9223372036854775807"), Err(ParseError::TooLarge));
    }

    proptest! {
        #[test]
        fn every_number_of_points_survives_its_text(points: i64) {
            prop_assert_eq!(parse(&format(points)), Ok(points));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            if let Ok(points) = parse(&text) {
                prop_assert_eq!(parse(&format(points)), Ok(points));
            }
        }
    }
}
