//! Numbers that look random and are not: everything that is drawn follows from the seed.

use std::time::Duration;

/// A stream of numbers (`SplitMix64`: Steele, Lea and Flood, OOPSLA 2014).
#[derive(Clone, Debug)]
pub struct Dice(u64);

fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

impl Dice {
    /// The stream that belongs to a seed and a purpose: each client and the plan of faults have one of their own.
    #[must_use]
    pub fn new(seed: u64, purpose: u64) -> Self {
        Self(mix(mix(seed) ^ purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number in `[0, limit)`; 0 where the limit is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        if limit == 0 { 0 } else { self.roll() % limit }
    }

    /// A number in `[0, limit)`.
    pub fn below_u32(&mut self, limit: u32) -> u32 {
        u32::try_from(self.below(u64::from(limit))).unwrap_or(0)
    }

    /// A number in `[least, most]`.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most.saturating_sub(least) + 1)
    }

    /// Milliseconds in `[least, most]`.
    pub fn millis(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(self.between(least, most))
    }

    /// True `percent` times out of a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Another order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            let other = self.below(u64::try_from(at).unwrap_or(0) + 1);
            items.swap(at, usize::try_from(other).unwrap_or(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_rolls_the_same_numbers_and_purposes_differ() {
        let (mut a, mut b) = (Dice::new(7, 1), Dice::new(7, 1));
        assert!((0..100).all(|_| a.roll() == b.roll()));
        assert_ne!(Dice::new(7, 1).roll(), Dice::new(7, 2).roll());
        assert_ne!(Dice::new(7, 1).roll(), Dice::new(8, 1).roll());
    }

    #[test]
    fn a_shuffle_keeps_everything_and_changes_the_order() {
        let mut items: Vec<u32> = (0..50).collect();
        Dice::new(3, 0).shuffle(&mut items);
        assert_ne!(items, (0..50).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
    }
}
