//! Numbers that look random and are the same in every run.
//!
//! The generator is `SplitMix64` (Steele, Lea and Flood 2014): a counter stepped by an odd constant, then mixed.
#![forbid(unsafe_code)]

/// A generator of 64-bit numbers.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// A generator whose numbers depend on `seed` alone.
    #[must_use]
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is not 0.
    pub(crate) const fn below(&mut self, limit: usize) -> usize {
        debug_assert!(limit != 0);
        (((self.next() >> 32) * limit as u64) >> 32) as usize
    }

    /// A number from `first` to `last`.
    pub(crate) const fn within(&mut self, first: u32, last: u32) -> u32 {
        first + self.below((last - first) as usize + 1) as u32
    }

    /// A number whose logarithm is even between those of `first` and `last`, both powers of two.
    pub(crate) const fn log_within(&mut self, first: u32, last: u32) -> u32 {
        let doublings = last.ilog2() - first.ilog2();
        let low = first << self.below(doublings as usize);
        self.within(low, 2 * low)
    }

    /// Whether an event of `percent` in a hundred happens.
    pub(crate) const fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_below_a_limit_reach_every_value_and_none_above() {
        let mut random = Random::new(1);
        let mut seen = [0; 10];
        (0..1000).for_each(|_| seen[random.below(10)] += 1);
        assert!(seen.iter().all(|&count| count > 50), "{seen:?}");
    }

    #[test]
    fn a_seed_gives_the_same_numbers_again_and_another_seed_others() {
        let of = |seed| {
            let mut random = Random::new(seed);
            [random.next(), random.next()]
        };
        assert_eq!(of(7), of(7));
        assert_ne!(of(7), of(8));
    }
}
