//! What a stretch of chunks offers, in one word: how far its runs reach, and the largest buddy block in it.
//!
//! A *buddy block* is a free run of 2^k pages, up to a chunk, that begins at a multiple of 2^k: what a buddy allocator hands
//! out. Where there is one of 2^k pages there are those of all smaller sizes, so that the sizes are a row of ones.
//!
//! ```text
//!   bits 0..10   bit k: a block of 2^k pages is free        10..64   the longest reach, in pages
//! ```
//!
//! Two stretches together offer the longer reach, and what either has of blocks: [`Offer::joined`].
#![forbid(unsafe_code)]

use crate::summary::CHUNK_PAGES;

/// Bits that say which blocks there are: one for each power of two up to a chunk.
const BLOCK_BITS: u32 = CHUNK_PAGES.ilog2() + 1;

/// How far free runs reach, and which blocks are free.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Offer(pub(crate) u64);

impl Offer {
    const BLOCKS: u64 = (1 << BLOCK_BITS) - 1;

    /// Nothing.
    pub(crate) const NOTHING: Self = Self(0);

    /// Runs that reach `reach` pages, less than 2^54 as any whose records are in memory, and `block`, the largest block.
    #[inline]
    pub(crate) const fn new(reach: usize, block: usize) -> Self {
        debug_assert!((reach as u64) < 1 << (u64::BITS - BLOCK_BITS));
        debug_assert!(block <= CHUNK_PAGES && (block == 0 || block.is_power_of_two()));
        Self((reach as u64) << BLOCK_BITS | (2 * block as u64).saturating_sub(1))
    }

    /// How many pages the longest run has.
    #[inline]
    pub(crate) const fn reach(self) -> usize {
        (self.0 >> BLOCK_BITS) as usize
    }

    /// Whether a run has `pages` pages or more, which are less than 2^54.
    #[inline]
    pub(crate) const fn reaches(self, pages: usize) -> bool {
        debug_assert!((pages as u64) < 1 << (u64::BITS - BLOCK_BITS));
        self.0 >= (pages as u64) << BLOCK_BITS
    }

    /// The sizes of which there are blocks, a bit each.
    #[inline]
    const fn blocks(self) -> u64 {
        self.0 & Self::BLOCKS
    }

    /// Whether a block of `pages` pages is free, a power of two up to a chunk.
    #[inline]
    pub(crate) const fn has_block(self, pages: usize) -> bool {
        debug_assert!(pages <= CHUNK_PAGES && pages.is_power_of_two());
        self.0 & pages as u64 != 0
    }

    /// What both have together.
    #[inline]
    pub(crate) fn joined(self, other: Self) -> Self {
        Self(self.0.max(other.0) | self.blocks() | other.blocks())
    }

    /// What eight have together: as [`joined`](Self::joined), but in pairs, so that no comparison waits for all before it.
    #[inline]
    pub(crate) fn of_eight(all: [Self; 8]) -> Self {
        let [a, b, c, d, e, f, g, h] = all.map(|offer| offer.0);
        let reaching = a.max(b).max(c.max(d)).max(e.max(f).max(g.max(h)));
        Self(reaching | (a | b | c | d | e | f | g | h) & Self::BLOCKS)
    }

    /// Whether `whole`, to which this was joined, may have to offer less once this has become `new`.
    #[inline]
    pub(crate) const fn held_up(self, whole: Self, new: Self) -> bool {
        // Where both are alike, this has the most of all.
        let unlike = self.0 ^ whole.0;
        new.reach() < self.reach() && unlike >> BLOCK_BITS == 0
            || new.blocks() < self.blocks() && unlike & Self::BLOCKS == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No block, and every size of one.
    const BLOCKS: [usize; 11] = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
    const REACHES: [usize; 5] = [0, 1, 511, 600, usize::MAX >> 10];

    fn offers() -> impl Iterator<Item = (usize, usize, Offer)> {
        REACHES.into_iter().flat_map(|reach| BLOCKS.map(|block| (reach, block, Offer::new(reach, block))))
    }

    #[test]
    fn an_offer_is_what_it_was_made_of() {
        assert_eq!(Offer::new(0, 0), Offer::NOTHING);
        for (reach, block, offer) in offers() {
            assert_eq!(offer.reach(), reach);
            for pages in REACHES {
                assert_eq!(offer.reaches(pages), reach >= pages, "{pages} of {reach}");
            }
            for pages in &BLOCKS[1..] {
                assert_eq!(offer.has_block(*pages), *pages <= block, "{pages} of {block}");
            }
        }
    }

    #[test]
    fn two_together_have_the_better_of_each() {
        for ((reach, block, one), (other_reach, other_block, other)) in
            offers().flat_map(|one| offers().map(move |other| (one, other)))
        {
            let both = Offer::new(reach.max(other_reach), block.max(other_block));
            assert_eq!(one.joined(other), both);
            // Where nothing was held up, what is joined to the whole is what the whole becomes.
            for (new_reach, new_block, new) in offers() {
                let is_less =
                    new_reach < reach && reach == both.reach() || new_block < block && block >= other_block;
                assert_eq!(one.held_up(both, new), is_less);
                let becomes = Offer::new(new_reach.max(other_reach), new_block.max(other_block));
                assert!(is_less || both.joined(new) == becomes);
            }
        }
    }
}
