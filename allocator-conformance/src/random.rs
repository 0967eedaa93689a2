//! Numbers that look random and are the same in every run.
#![forbid(unsafe_code)]

/// A xorshift generator (Marsaglia 2003, the 64-bit triple 13, 7, 17).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// A generator; equal seeds give equal sequences.
    pub(crate) const fn new(seed: u64) -> Self {
        // The state 0 would stay 0 for ever; no seed of the suite is this one's complement.
        Self(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `bound`; 0 if `bound` is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        // The high half is the better half; the remainder's bias does not matter for bounds this small.
        let high = (self.next() >> 32) as usize;
        high.checked_rem(bound).unwrap_or(0)
    }

    /// A number from `first` to `last`, both among them; mostly small ones, evenly over the powers of two.
    pub(crate) fn small_mostly(&mut self, first: usize, last: usize) -> usize {
        let width = self.below(last.ilog2() as usize + 1);
        (first + self.below(2 << width)).clamp(first, last)
    }
}
