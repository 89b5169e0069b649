//! What lateness costs.
//!
//! Lateness is time that has passed since the due date, in milliseconds: an hour is an hour and a day is 24 of them, also in
//! the nights in which clocks are changed. Each interval that has begun counts whole.

/// A day in milliseconds.
pub const DAY_MS: i64 = 24 * HOUR_MS;
/// An hour in milliseconds.
pub const HOUR_MS: i64 = 3_600_000;
/// The whole in hundredths of a percent.
const WHOLE: i128 = 10_000;

/// A late policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LateRule {
    /// Deducted for each interval, of the points possible, in hundredths of a percent.
    pub deduct: u32,
    /// How long an interval is, in milliseconds; nothing is deducted where it is 0.
    pub interval_ms: i64,
    /// What is left at least, of the points possible, in hundredths of a percent.
    pub floor: u32,
}

impl LateRule {
    /// What is deducted of `entered` out of `possible` points for work that is `late_ms` late:
    /// ⌈late / interval⌉ · deduct · possible, rounded half up, but never so much that less than the floor is left. A score that
    /// is below the floor as it is stays.
    pub fn deduction(&self, entered: i64, possible: i64, late_ms: i64) -> i64 {
        if self.interval_ms <= 0 || late_ms <= 0 {
            return 0;
        }
        let intervals = i128::from(late_ms.div_euclid(self.interval_ms) + i64::from(late_ms % self.interval_ms != 0));
        let wanted = share(intervals * i128::from(self.deduct), possible);
        let most = (i128::from(entered) - share(self.floor.into(), possible)).max(0);
        i64::try_from(wanted.min(most)).expect("at most what was entered")
    }
}

/// So many hundredths of a percent of `possible`, rounded half up.
fn share(hundredths: i128, possible: i64) -> i128 {
    (2 * hundredths * i128::from(possible.max(0)) + WHOLE) / (2 * WHOLE)
}

/// The score that hundredths of a percent of the points possible are, rounded half up.
pub fn score_of(hundredths: u32, possible: i64) -> i64 {
    i64::try_from(share(hundredths.into(), possible)).expect("a share of points fits")
}

/// Days that work which is `late_ms` late takes out of a bank with `left` days: one for each day that has begun, as far as
/// there are some.
pub fn days_spent(late_ms: i64, left: u32) -> u32 {
    if late_ms <= 0 {
        return 0;
    }
    let begun = late_ms / DAY_MS + i64::from(late_ms % DAY_MS != 0);
    u32::try_from(begun).unwrap_or(u32::MAX).min(left)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::points::POINT;

    const DAILY: LateRule = LateRule { deduct: 1_000, interval_ms: DAY_MS, floor: 5_000 };

    #[test]
    fn each_interval_that_has_begun_costs_its_share_down_to_the_floor() {
        let of_100 = |late_ms| DAILY.deduction(90 * POINT, 100 * POINT, late_ms) / POINT;
        assert_eq!([of_100(0), of_100(1), of_100(DAY_MS), of_100(DAY_MS + 1)], [0, 10, 10, 20]);
        assert_eq!(of_100(30 * DAY_MS), 40, "50 are left");
        assert_eq!(DAILY.deduction(30 * POINT, 100 * POINT, DAY_MS), 0, "what is below the floor stays");
        let hourly = LateRule { deduct: 50, interval_ms: HOUR_MS, floor: 0 };
        assert_eq!(hourly.deduction(POINT, 10 * POINT, 3 * HOUR_MS - 1), 1_500);
        assert_eq!(LateRule::default().deduction(POINT, POINT, DAY_MS), 0);
    }

    #[test]
    fn days_are_taken_from_the_bank_as_far_as_it_goes() {
        assert_eq!(
            [days_spent(0, 5), days_spent(1, 5), days_spent(DAY_MS + 1, 5), days_spent(9 * DAY_MS, 5)],
            [0, 1, 2, 5]
        );
    }

    proptest! {
        #[test]
        fn a_deduction_is_what_a_slow_model_takes(
            deduct in 0_u32..10_000,
            floor in 0_u32..10_000,
            hourly: bool,
            entered in 0_i64..2_000_000,
            possible in 0_i64..1_000_000,
            late_ms in 0_i64..40 * DAY_MS,
        ) {
            let interval_ms = if hourly { HOUR_MS } else { DAY_MS };
            let rule = LateRule { deduct, interval_ms, floor };
            // One interval after the other; four decimals of a ten-thousandth are kept until the end.
            let (mut taken, mut begun) = (0_i128, 0);
            while begun < late_ms {
                taken += i128::from(deduct) * i128::from(possible);
                begun += interval_ms;
            }
            let rounded = |exact: i128| (exact + 5_000) / 10_000;
            let least = rounded(i128::from(floor) * i128::from(possible)).min(i128::from(entered));
            let left = (i128::from(entered) - rounded(taken)).max(least);
            let deducted = rule.deduction(entered, possible, late_ms);
            prop_assert_eq!(i128::from(entered - deducted), left);
            prop_assert!((0..=entered).contains(&deducted));
            prop_assert!(rule.deduction(entered, possible, late_ms + 1) >= deducted, "later is never cheaper");
        }
    }
}
