//! Where things are in the words of a record block.
//!
//! ```text
//!   0        HEADER_WORDS      + 8·chunks      + chunks   + set_words    + set_words + chunks
//!   ├ header ┼ bitmap ─────────┼ chunk records ┼ used set ┼ broken set ┼ offers ┼ level 1 ┼ … ┼ top ┤
//! ```
//!
//! A block covers whole chunks, 512 pages from a multiple of 512 on. Pages of the first and last chunk that are
//! not managed have a zero in the bitmap: never free.
//!
//! A chunk takes 8 words of bitmap, 1 of record, 2/63 of sets and 8/7 of offers: 81.4 bytes for 512 pages, 0.159 a
//! page.
#![forbid(unsafe_code)]

use crate::{
    pages::PageRange,
    summary::{CHUNK_PAGES, CHUNK_WORDS},
    word_set::set_words,
};

/// Header: number of the first page managed.
pub(crate) const FIRST: usize = 0;
/// Header: number of the last page managed.
pub(crate) const LAST: usize = 1;
/// Header: number of the first page covered, a multiple of [`CHUNK_PAGES`].
pub(crate) const COVER: usize = 2;
/// Header: chunks covered.
pub(crate) const CHUNKS: usize = 3;
/// Header: index of the first word of the tree, the offer of chunk 0.
pub(crate) const OFFERS_AT: usize = 4;
/// Header: how many levels of the tree are above the chunks.
pub(crate) const TOP_HEIGHT: usize = 5;
/// Header: index of the tree's top word.
pub(crate) const TOP_AT: usize = 6;
/// Header: number of the first page that holds this block, if it lies in managed pages.
pub(crate) const RECORDS_FIRST: usize = 7;
/// Header: how many pages hold this block; 0 if it lies elsewhere.
pub(crate) const RECORDS_PAGES: usize = 8;
/// Header: height of the directory below and with this block.
pub(crate) const HEIGHT: usize = 9;
/// Header: what the directory below and with this block offers.
pub(crate) const OFFER: usize = 10;
/// Header: 1 if the directory below and with this block has a broken chunk.
pub(crate) const ANY_BROKEN: usize = 11;
/// Words in a header, and so the index of the bitmap's first word.
pub(crate) const HEADER_WORDS: usize = 12;

/// Children of a node of the tree.
pub(crate) const FANOUT_LOG2: u32 = 3;

/// Nodes at `height` over `chunks` chunks; height 0 are the chunks.
#[inline]
pub(crate) const fn nodes_at(chunks: usize, height: u32) -> usize {
    ((chunks - 1) >> (FANOUT_LOG2 * height)) + 1
}

/// How many levels stand above `chunks` chunks.
pub(crate) const fn top_height(chunks: usize) -> u32 {
    let mut height = 0;
    while nodes_at(chunks, height) > 1 {
        height += 1;
    }
    height
}

/// Index of the first word of the set of chunks that are not wholly free.
#[inline]
pub(crate) const fn used_set_at(chunks: usize) -> usize {
    HEADER_WORDS + (CHUNK_WORDS + 1) * chunks
}

/// Index of the first word of the set of broken chunks.
#[inline]
pub(crate) const fn broken_set_at(chunks: usize) -> usize {
    used_set_at(chunks) + set_words(chunks)
}

/// Index of the offer of chunk 0.
pub(crate) const fn offers_at(chunks: usize) -> usize {
    broken_set_at(chunks) + set_words(chunks)
}

/// Index of the top word of the tree, the last word of the block.
pub(crate) const fn top_at(chunks: usize) -> usize {
    block_words(chunks) - 1
}

/// Words in a block over `chunks` chunks. No number of chunks in an address space makes it overflow.
pub(crate) const fn block_words(chunks: usize) -> usize {
    let (mut words, mut nodes) = (offers_at(chunks) + chunks, chunks);
    while nodes > 1 {
        nodes = nodes_at(nodes, 1);
        words += nodes;
    }
    words
}

/// The first page and the number of chunks that a block over `pages` covers.
pub(crate) const fn cover_of(pages: PageRange) -> (usize, usize) {
    let cover = pages.first() & !(CHUNK_PAGES - 1);
    (cover, (pages.last() - cover) / CHUNK_PAGES + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_block_follow_one_another_without_gap() {
        for chunks in (1..5000).chain([1 << 20, (1 << 20) + 1]) {
            assert_eq!(used_set_at(chunks), HEADER_WORDS + 9 * chunks);
            assert_eq!(broken_set_at(chunks) - used_set_at(chunks), set_words(chunks));
            assert_eq!(offers_at(chunks) - broken_set_at(chunks), set_words(chunks));
            let mut at = offers_at(chunks) + chunks;
            let (mut height, mut nodes) = (0, chunks);
            while nodes > 1 {
                (height, nodes) = (height + 1, nodes.div_ceil(8));
                assert_eq!(nodes_at(chunks, height), nodes);
                at += nodes;
            }
            assert_eq!((top_at(chunks), block_words(chunks)), (at - 1, at));
            assert_eq!(top_height(chunks), height);
        }
    }

    #[test]
    fn a_block_takes_less_than_a_fifth_of_a_byte_a_page() {
        for chunks in [64, 512, 4096, 1 << 15, 1 << 23] {
            let bytes = block_words(chunks) * 8;
            assert!(bytes < CHUNK_PAGES / 5 * chunks, "{bytes} bytes for {chunks} chunks");
        }
    }

    #[test]
    fn the_largest_conceivable_block_does_not_overflow() {
        let all = PageRange::new(0, usize::MAX).unwrap();
        let (cover, chunks) = cover_of(all);
        assert_eq!((cover, chunks), (0, usize::MAX / CHUNK_PAGES + 1));
        assert!(block_words(chunks).checked_mul(8).is_some());
    }
}
