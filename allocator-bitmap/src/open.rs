//! The open chunk: where single pages come from, and small runs.
//!
//! ```text
//!              base           word_base
//!               ▼                 ▼
//!   pages   r r ▒▒▒░▒▒▒▒▒ … ▒▒▒▒▒ ▒▒░░▒░░░░░ … ░░░░░ ░░░░░░░░
//!           └ records          word 2               └ last word of the chunk
//! ```
//!
//! Its record is stale as long as it is open, so that a page taken or given back changes one bit and nothing else.
//! A search needs right records and *closes* it; where it is stays known, so that the next single page comes from
//! where it would have come from without the search.
#![forbid(unsafe_code)]

use crate::{
    bits::WORD_PAGES,
    pages::PageRange,
    records::{ChunkPlace, Link},
    summary::{CHUNK_PAGES, CHUNK_WORDS},
};

/// The open chunk; all zeros if there is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Open<const PAGE_SIZE: usize> {
    // `None`: closed.
    bits: Option<ChunkPlace>,
    // The word of the chunk that single pages come from, below `CHUNK_WORDS`.
    word: usize,
    // Address of that word's first page.
    word_base: usize,
    // Address of the first of those pages of the chunk that can come back here: some of the chunk may not be managed.
    base: usize,
    // Their count less one.
    extent: usize,
    // The first one's place in the chunk.
    first: usize,
    chunk: Option<(Link, usize)>,
}

impl<const PAGE_SIZE: usize> Open<PAGE_SIZE> {
    const PAGE_LOG2: u32 = PAGE_SIZE.trailing_zeros();

    /// No chunk.
    pub(crate) const NONE: Self =
        Self { bits: None, word: 0, word_base: 0, base: 0, extent: 0, first: 0, chunk: None };

    /// Chunk `chunk` of `span`, whose first page is number `number` and whose words are at `bits`. `part` are its pages
    /// that can come back, at least one.
    pub(crate) const fn new(
        span: Link,
        chunk: usize,
        bits: ChunkPlace,
        number: usize,
        part: PageRange,
        word: usize,
    ) -> Self {
        Self {
            bits: Some(bits),
            word,
            word_base: (number + word * WORD_PAGES) << Self::PAGE_LOG2,
            base: part.first() << Self::PAGE_LOG2,
            extent: part.last() - part.first(),
            first: part.first() - number,
            chunk: Some((span, chunk)),
        }
    }

    /// The span and the number of the chunk, open or closed.
    #[inline]
    pub(crate) const fn chunk(&self) -> Option<(Link, usize)> {
        self.chunk
    }

    /// Where the bits are, if the chunk is open.
    #[inline]
    pub(crate) const fn bits(&self) -> Option<ChunkPlace> {
        self.bits
    }

    /// The word of the chunk that single pages come from.
    #[inline]
    pub(crate) const fn word(&self) -> usize {
        // Always so; it spares a comparison wherever the word is looked up.
        self.word % CHUNK_WORDS
    }

    /// The place in the chunk of the first page that can come back.
    pub(crate) const fn first(&self) -> usize {
        self.first
    }

    /// Lets single pages come from another word of the chunk.
    pub(crate) const fn move_to(&mut self, word: usize) {
        debug_assert!(word < CHUNK_WORDS);
        self.word_base =
            self.word_base.wrapping_add(word.wrapping_sub(self.word).wrapping_mul(WORD_PAGES * PAGE_SIZE));
        self.word = word;
    }

    /// Closes the chunk: its record is right, or about to be.
    #[inline]
    pub(crate) const fn close(&mut self) {
        self.bits = None;
    }

    /// Opens the chunk again, if `bits` says where its bits are.
    pub(crate) const fn reopen(&mut self, bits: Option<ChunkPlace>) {
        self.bits = bits;
    }

    /// The address of page `bit` of the word that single pages come from.
    #[inline]
    pub(crate) const fn page_address(&self, bit: usize) -> usize {
        self.word_base + bit * PAGE_SIZE
    }

    /// The address of page `page` of the chunk.
    pub(crate) const fn address(&self, page: usize) -> usize {
        self.word_base.wrapping_add(page.wrapping_sub(self.word * WORD_PAGES).wrapping_mul(PAGE_SIZE))
    }

    /// Where the bits are, and the page of the chunk at `address`; `None` if it is none of those that come back here, or
    /// the chunk is closed.
    #[inline]
    pub(crate) fn locate(&self, address: usize) -> Option<(ChunkPlace, usize)> {
        // The bits below a page go to the top: one comparison tests alignment and both ends.
        let page = address.wrapping_sub(self.base).rotate_right(Self::PAGE_LOG2);
        if page > self.extent {
            return None;
        }
        self.bits.map(|bits| (bits, (page + self.first) % CHUNK_PAGES))
    }
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroUsize;

    use super::*;

    const PAGE: usize = 16;
    const NUMBER: usize = CHUNK_PAGES * 3;

    fn open() -> Open<PAGE> {
        let part = PageRange::counted(NUMBER + 10, 100).unwrap();
        Open::new(Link::new(NonZeroUsize::MIN), 3, ChunkPlace::new(NonZeroUsize::MIN), NUMBER, part, 1)
    }

    #[test]
    fn only_whole_pages_that_can_come_back_are_located() {
        let mut chunk = open();
        assert_eq!(chunk.first(), 10);
        for address in (NUMBER - 5) * PAGE..(NUMBER + 600) * PAGE {
            let page = address / PAGE;
            let inside = address % PAGE == 0 && (NUMBER + 10..NUMBER + 110).contains(&page);
            let expected = inside.then(|| (ChunkPlace::new(NonZeroUsize::MIN), page - NUMBER));
            assert_eq!(chunk.locate(address), expected, "{address}");
        }
        chunk.close();
        assert_eq!((chunk.locate((NUMBER + 10) * PAGE), chunk.bits()), (None, None));
        assert_eq!(chunk.chunk(), Some((Link::new(NonZeroUsize::MIN), 3)));
        assert_eq!(Open::<1>::NONE.locate(0), None);
    }

    #[test]
    fn pages_have_their_addresses_whatever_word_is_taken_from() {
        let mut chunk = open();
        for word in [1, 7, 0, 3, 2] {
            chunk.move_to(word);
            assert_eq!(chunk.word(), word);
            for page in [0, 63, 64, 200, 511] {
                assert_eq!(chunk.address(page), (NUMBER + page) * PAGE);
            }
            assert_eq!(chunk.page_address(5), (NUMBER + word * WORD_PAGES + 5) * PAGE);
        }
    }

    #[test]
    fn a_chunk_at_the_end_of_the_numbers_is_like_any() {
        let number = usize::MAX - (CHUNK_PAGES - 1);
        let part = PageRange::new(number, usize::MAX).unwrap();
        let link = Link::new(NonZeroUsize::MIN);
        let mut chunk = Open::<1>::new(link, 3, ChunkPlace::new(NonZeroUsize::MIN), number, part, 7);
        assert_eq!(chunk.page_address(63), usize::MAX);
        assert_eq!(chunk.locate(usize::MAX).map(|found| found.1), Some(CHUNK_PAGES - 1));
        chunk.move_to(0);
        assert_eq!(chunk.address(511), usize::MAX);
    }
}
