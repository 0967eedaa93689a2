//! The active word: 64 pages that are handed out without a look at the records.
//!
//! ```text
//!            base                                 base + 64 pages
//!             ▼                                          ▼
//!   pages     ▒▒▒░░▒░░░░░░░░░░▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒
//!   free      0001101111111111000…                              in the value
//!   bitmap    0000000000000000000…                              in the records: none of them is free there
//! ```
//!
//! A single page comes from here, and goes back here if it lies here; only when no page is left, another word is
//! made active. Keeping summaries exact for each single page would cost more than everything else together.
#![forbid(unsafe_code)]

use crate::{
    bits::{WORD_PAGES, aligned_positions, run_starts},
    records::Link,
    span::Overlay,
};

/// The active word; all zeros if there is none.
#[derive(Debug)]
pub(crate) struct Active<const PAGE_SIZE: usize> {
    // Address of the page of bit 0.
    base: usize,
    free: u64,
    // Pages of the span that hold no records.
    owned: u64,
    span: Option<Link>,
    word: usize,
}

/// What is to be done with a page that comes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Returned {
    /// It is in the active word again.
    Taken,
    /// It lies in the active word and cannot be given back.
    Refused,
    /// It does not lie there, though it may lie between those that do: another span may have pages there.
    Elsewhere,
}

impl<const PAGE_SIZE: usize> Active<PAGE_SIZE> {
    /// No active word.
    pub(crate) const NONE: Self = Self { base: 0, free: 0, owned: 0, span: None, word: 0 };

    /// Word `word` of `span`, whose first page is at address `base`.
    pub(crate) const fn new(base: usize, span: Link, word: usize, free: u64, owned: u64) -> Self {
        Self { base, free, owned, span: Some(span), word }
    }

    /// The free pages' mask.
    pub(crate) const fn free(&self) -> u64 {
        self.free
    }

    /// The span and the number of the word, if there is one.
    #[inline]
    pub(crate) fn place(&self) -> Option<(Link, usize)> {
        self.span.map(|span| (span, self.word))
    }

    /// What of `span`'s bitmap stands here.
    #[inline]
    pub(crate) fn overlay(&self, span: Link) -> Option<Overlay> {
        if self.span == Some(span) { Some(Overlay { word: self.word, free: self.free }) } else { None }
    }

    /// Takes the lowest free page. Returns its address.
    #[inline]
    pub(crate) fn take_one(&mut self) -> Option<usize> {
        if self.free == 0 {
            return None;
        }
        let bit = self.free.trailing_zeros() as usize;
        self.free &= self.free - 1;
        Some(self.base + bit * PAGE_SIZE)
    }

    /// Takes the lowest free run of `count` pages at a multiple of `align` bytes, a power of two and at least a
    /// page. Returns its address.
    pub(crate) fn take_run(&mut self, count: usize, align: usize) -> Option<usize> {
        if self.free == 0 || count > WORD_PAGES {
            return None;
        }
        let starts = run_starts(self.free, count) & self.aligned(align / PAGE_SIZE);
        if starts == 0 {
            return None;
        }
        let bit = starts.trailing_zeros() as usize;
        self.free &= !crate::bits::ones(bit, count);
        Some(self.base + bit * PAGE_SIZE)
    }

    /// The positions at multiples of `align_pages` pages.
    fn aligned(&self, align_pages: usize) -> u64 {
        // The word begins at a multiple of 64 pages, in memory too.
        if align_pages <= WORD_PAGES {
            aligned_positions(align_pages)
        } else {
            u64::from((self.base / PAGE_SIZE).is_multiple_of(align_pages))
        }
    }

    /// Puts the page at `address` back.
    #[inline]
    pub(crate) fn put_one(&mut self, address: usize) -> Returned {
        // The bits below a page go to the top: one comparison tests alignment and both ends.
        let bit = address.wrapping_sub(self.base).rotate_right(PAGE_SIZE.trailing_zeros());
        if bit >= WORD_PAGES {
            return Returned::Elsewhere;
        }
        let page = 1 << bit;
        if self.owned & !self.free & page != 0 {
            self.free |= page;
            Returned::Taken
        } else if self.owned & page != 0 {
            Returned::Refused
        } else {
            Returned::Elsewhere
        }
    }
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroUsize;

    use super::*;

    const PAGE: usize = 16;
    const BASE: usize = 64 * PAGE * 3;

    fn active(free: u64, owned: u64) -> Active<PAGE> {
        Active::new(BASE, Link::new(NonZeroUsize::MIN), 3, free, owned)
    }

    #[test]
    fn pages_come_lowest_first_and_each_once() {
        let mut word = active(0b1010_0110, u64::MAX);
        let taken = [0; 5].map(|_| word.take_one());
        assert_eq!(
            taken,
            [Some(BASE + PAGE), Some(BASE + 2 * PAGE), Some(BASE + 5 * PAGE), Some(BASE + 7 * PAGE), None]
        );
    }

    #[test]
    fn a_run_is_the_lowest_at_an_aligned_address() {
        for (count, align, bit) in [(2, 1, 1), (2, 2, 6), (2, 8, 8), (3, 4, 8), (1, 64, 64), (1, 4, 8), (4, 1, 6)]
        {
            let mut word = active(0b1111_1100_0110, u64::MAX);
            let expected = if bit < 64 { Some(BASE + bit * PAGE) } else { None };
            assert_eq!(word.take_run(count, align * PAGE), expected, "{count} at {align}");
        }
        // The word begins at page 192: a multiple of 64, not of 128.
        assert_eq!(active(1, 1).take_run(1, 64 * PAGE), Some(BASE));
        assert_eq!(active(1, 1).take_run(1, 128 * PAGE), None);
        assert_eq!(active(u64::MAX, 1).take_run(65, PAGE), None);
        assert_eq!(active(u64::MAX, 1).take_run(64, PAGE), Some(BASE));
    }

    #[test]
    fn only_pages_handed_out_from_here_come_back_here() {
        let mut word = active(0b0011, 0b0111);
        assert_eq!(word.put_one(BASE), Returned::Refused);
        assert_eq!(word.put_one(BASE + 2 * PAGE), Returned::Taken);
        assert_eq!(word.put_one(BASE + 2 * PAGE), Returned::Refused);
        assert_eq!(word.put_one(BASE + 3 * PAGE), Returned::Elsewhere);
        assert_eq!(word.put_one(BASE + 2 * PAGE + 1), Returned::Elsewhere);
        assert_eq!(word.put_one(BASE - PAGE), Returned::Elsewhere);
        assert_eq!(word.put_one(BASE + 64 * PAGE), Returned::Elsewhere);
        assert_eq!(word.free(), 0b0111);
        let mut none = Active::<PAGE>::NONE;
        assert_eq!(none.put_one(0), Returned::Elsewhere);
    }
}
