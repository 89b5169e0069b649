//! Numbers as they are stored: whole millionths, so that no record holds a floating-point number.
//!
//! In between, arithmetic is done in `f64` with `libm`'s logarithm and exponential. Addition, multiplication, division and
//! the square root are exact to the bit by IEEE 754 wherever Rust runs, and `libm` is one source for all platforms: every
//! node arrives at the same millionths.

/// A number in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fixed(i64);

const ONE: f64 = 1_000_000.0;
/// No difficulty, ability or variance has business beyond this; whatever arrives from outside is brought back.
const LARGEST: f64 = 1_000.0;

impl Fixed {
    /// Nothing.
    pub const ZERO: Fixed = Fixed(0);

    /// As it was stored.
    pub fn from_millionths(millionths: i64) -> Fixed {
        Fixed(millionths)
    }

    /// As it is stored.
    pub fn millionths(self) -> i64 {
        self.0
    }

    /// The nearest millionth, halves away from zero; bounded, and zero for what is no number.
    pub(crate) fn from_f64(value: f64) -> Fixed {
        if value.is_nan() {
            return Fixed::ZERO;
        }
        // Bounded before: the cast is exact.
        #[allow(clippy::cast_possible_truncation)]
        Fixed(libm::round(value.clamp(-LARGEST, LARGEST) * ONE) as i64)
    }

    /// For the arithmetic in between.
    pub(crate) fn to_f64(self) -> f64 {
        // Bounded by `from_f64`, or brought back here when a stored number is out of bounds.
        #[allow(clippy::cast_precision_loss)]
        let value = self.0 as f64 / ONE;
        value.clamp(-LARGEST, LARGEST)
    }

    /// In whole per cent, halves up: what a person is shown of a probability.
    pub fn percent(self) -> i64 {
        self.0.saturating_add(5_000).div_euclid(10_000)
    }
}

/// The logistic function.
pub(crate) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}
