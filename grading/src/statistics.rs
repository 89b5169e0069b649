//! Mean, median, quartiles and a histogram, exact but for one rounding each.

use crate::Percent;

/// Classes of a histogram: ten of ten percent, and what is 100 % and more.
pub const CLASSES: usize = 11;

/// What many values look like. The unit is that of the values: ten-thousandths of a point, or hundredths of a percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// How many.
    pub count: usize,
    /// The smallest.
    pub lowest: i64,
    /// A quarter of the way up, between two values where it falls between them.
    pub lower_quartile: i64,
    /// Half of the way up.
    pub median: i64,
    /// Three quarters of the way up.
    pub upper_quartile: i64,
    /// The largest.
    pub highest: i64,
    /// The sum, divided by how many there are.
    pub mean: i64,
}

impl Statistics {
    /// Of these values, in any order; none of nothing. What falls between two numbers is rounded half up.
    pub fn of(values: &mut [i64]) -> Option<Self> {
        values.sort_unstable();
        let (lowest, highest) = (*values.first()?, *values.last()?);
        let sum: i128 = values.iter().copied().map(i128::from).sum();
        let count = i128::try_from(values.len()).ok()?;
        Some(Self {
            count: values.len(),
            lowest,
            lower_quartile: quarter(values, 1),
            median: quarter(values, 2),
            upper_quartile: quarter(values, 3),
            highest,
            mean: half_up(sum, count),
        })
    }
}

/// The value `quarters` quarters of the way from the first to the last: at place (n − 1) · quarters / 4, linear in between
/// (the inclusive method of spreadsheets).
fn quarter(sorted: &[i64], quarters: usize) -> i64 {
    let place = (sorted.len() - 1) * quarters;
    let (at, rest) = (place / 4, i128::try_from(place % 4).expect("below 4"));
    let (below, above) = (i128::from(sorted[at]), i128::from(sorted[(at + 1).min(sorted.len() - 1)]));
    half_up(4 * below + rest * (above - below), 4)
}

/// `above / below`, rounded half up.
fn half_up(above: i128, below: i128) -> i64 {
    i64::try_from((2 * above + below).div_euclid(2 * below)).expect("between two values that fit")
}

/// How many percentages fall in each class: from 0, from 10, …, from 90, and from 100 % on.
pub fn histogram(percents: impl IntoIterator<Item = Percent>) -> [u32; CLASSES] {
    let mut classes = [0; CLASSES];
    for percent in percents {
        let class = usize::try_from(percent.0.max(0) / 1_000).unwrap_or(CLASSES).min(CLASSES - 1);
        classes[class] += 1;
    }
    classes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quartiles_lie_between_values_as_in_a_spreadsheet() {
        let it = Statistics::of(&mut [40, 10, 20, 30]).unwrap();
        assert_eq!((it.lower_quartile, it.median, it.upper_quartile), (18, 25, 33), "17.5 and 32.5 go up");
        assert_eq!((it.lowest, it.highest, it.mean, it.count), (10, 40, 25, 4));
        let one = Statistics::of(&mut [7]).unwrap();
        assert_eq!((one.lower_quartile, one.median, one.upper_quartile, one.mean), (7, 7, 7, 7));
        assert_eq!(Statistics::of(&mut []), None);
    }

    #[test]
    fn the_classes_of_a_histogram_begin_at_whole_tens() {
        let classes = histogram([0, 999, 1_000, 9_999, 10_000, 15_000].map(Percent));
        assert_eq!(classes, [2, 1, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
    }

    proptest! {
        #[test]
        fn statistics_are_in_order(mut values in prop::collection::vec(-1_000_000_i64..1_000_000, 1..50)) {
            let it = Statistics::of(&mut values).unwrap();
            let order = [it.lowest, it.lower_quartile, it.median, it.upper_quartile, it.highest];
            prop_assert!(order.is_sorted() && it.lowest <= it.mean && it.mean <= it.highest);
        }
    }
}
