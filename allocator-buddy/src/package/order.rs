//! The sizes of blocks, as pure arithmetic.
//!
//! ```text
//!   a region              0x2800                                        0x6400
//!                         │                                               │
//!   its blocks            │ 0x800 │     0x1000    │     0x2000    │ 0x400 │      each at a multiple of its size
//!                         0x2800  0x3000          0x4000          0x6000
//! ```

#![forbid(unsafe_code)]

use core::alloc::Layout;

use allocator_api::{AddressRange, AllocError, AllocResult, address::is_aligned};
use allocator_primitives::{Edges, usable_part};

/// Bytes of the smallest block, which holds one link of a free list. Regions are trimmed to multiples of it.
pub(super) const WORD_BYTES: usize = size_of::<usize>();

/// Orders of blocks, from 0 on; those below a word's are never used. The largest block is 2^62 bytes on 64-bit
/// machines: larger ones would contain an end of the address space, which is never held.
pub(super) const ORDER_COUNT: usize = usize::BITS as usize - 1;

/// Bytes of the largest block.
const LARGEST_BLOCK_BYTES: usize = 1 << (ORDER_COUNT - 1);

/// The part of the region of `size` bytes from `start` that the package can take: whole words, without the one at address
/// 0 and the last two of the address space.
///
/// # Errors
///
/// - [`InvalidParam`](AllocError::InvalidParam): there is none.
pub(super) fn usable_region(start: usize, size: usize) -> AllocResult<AddressRange> {
    // The package cuts a region until no word is left behind the last block, and computes where such a word would end.
    const LAST: usize = usize::MAX - 2 * WORD_BYTES;
    let region = usable_part(start, size, WORD_BYTES, Edges { skip_null: true, skip_top: false })?;
    AddressRange::from_bounds(region.start(), region.last().min(LAST)).ok_or(AllocError::InvalidParam)
}

/// Bytes of the block that serves `layout`; `None` where it would be larger than the largest.
pub(super) fn block_bytes(layout: Layout) -> Option<usize> {
    let bytes = layout.size().max(layout.align()).max(WORD_BYTES).checked_next_power_of_two()?;
    (bytes <= LARGEST_BLOCK_BYTES).then_some(bytes)
}

/// Whether the block that serves `layout` serves `new_size` bytes at the same alignment as well, and is no larger than need
/// be. Never for 0 bytes.
pub(super) fn stays(layout: Layout, new_size: usize) -> bool {
    let new_layout = Layout::from_size_align(new_size, layout.align());
    new_size != 0 && new_layout.is_ok_and(|new| block_bytes(new) == block_bytes(layout))
}

/// Size and alignment of a region that makes a request for `layout` succeed, unless it lies at address 0 or at the
/// end of the address space.
///
/// # Errors
///
/// - [`InvalidParam`](AllocError::InvalidParam): the size is 0.
/// - [`NoMemory`](AllocError::NoMemory): there is no block of that size.
pub(super) fn region_for(layout: Layout) -> AllocResult<Layout> {
    if layout.size() == 0 {
        return Err(AllocError::InvalidParam);
    }
    let bytes = block_bytes(layout).ok_or(AllocError::NoMemory)?;
    Layout::from_size_align(bytes, bytes).map_err(|_| AllocError::NoMemory)
}

/// Whether the block that serves `layout` could lie at `pos` in `region`, whatever the blocks in it are.
pub(super) fn may_be_block(region: AddressRange, pos: usize, layout: Layout) -> bool {
    block_bytes(layout).is_some_and(|bytes| {
        layout.size() > 0
            && is_aligned(pos, bytes)
            && AddressRange::new(pos, bytes).is_some_and(|block| region.contains_range(block))
    })
}

/// Cuts a region into the fewest blocks, in ascending order of address: at most two of each order.
///
/// The region is one from [`usable_region`].
pub(super) fn blocks_of(region: AddressRange) -> impl Iterator<Item = AddressRange> {
    let mut rest = Some(region);
    core::iter::from_fn(move || {
        let left = rest?;
        // Neither overflows: the region is not the whole address space.
        let left_bytes = left.last() - left.start() + 1;
        let alignment_log2 = left.start().trailing_zeros();
        let bytes = 1 << alignment_log2.min(left_bytes.ilog2());
        rest = left.without_first(bytes);
        AddressRange::new(left.start(), bytes)
    })
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{vec, vec::Vec};

    use super::*;

    const TOP: usize = usize::MAX;

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    fn cut(first: usize, last: usize) -> Vec<(usize, usize)> {
        let region = AddressRange::from_bounds(first, last).unwrap();
        blocks_of(region).map(|block| (block.start(), block.size().unwrap())).collect()
    }

    #[test]
    fn a_block_is_the_next_power_of_two_of_size_alignment_and_word() {
        let word = WORD_BYTES;
        for (size, align, expected) in [
            (1, 1, word),
            (word, 1, word),
            (word + 1, 1, 2 * word),
            (4097, 1, 8192),
            (1, 4096, 4096),
            (96, 64, 128),
        ] {
            assert_eq!(block_bytes(layout(size, align)), Some(expected), "({size}, {align})");
        }
    }

    #[test]
    fn a_size_beyond_the_largest_block_has_no_block() {
        assert_eq!(block_bytes(layout(LARGEST_BLOCK_BYTES, 1)), Some(LARGEST_BLOCK_BYTES));
        assert_eq!(block_bytes(layout(LARGEST_BLOCK_BYTES + 1, 1)), None);
        assert_eq!(block_bytes(layout(isize::MAX as usize, 1)), None);
        assert_eq!(block_bytes(layout(0, LARGEST_BLOCK_BYTES * 2)), None);
    }

    #[test]
    fn the_ends_of_the_address_space_are_left_out_and_nothing_else() {
        let word = WORD_BYTES;
        let usable = |start, size| usable_region(start, size).map(|r| (r.start(), r.last()));
        assert_eq!(usable(0, 4 * word), Ok((word, 4 * word - 1)));
        assert_eq!(usable(0, 2 * word - 1), Err(AllocError::InvalidParam));
        assert_eq!(usable(0x1001, 3 * word), Ok((0x1000 + word, 0x1000 + 3 * word - 1)));
        let near_top = TOP - (4 * word - 1);
        assert_eq!(usable(near_top, 4 * word), Ok((near_top, TOP - 2 * word)));
        assert_eq!(usable(near_top, 2 * word), Ok((near_top, TOP - 2 * word)));
        assert_eq!(usable(near_top + 2 * word, 2 * word), Err(AllocError::InvalidParam));
        assert_eq!(usable(near_top, 4 * word + 1), Err(AllocError::InvalidParam));
    }

    #[test]
    fn a_word_behind_a_usable_region_ends_inside_the_address_space() {
        for size in 1..=8 * WORD_BYTES {
            for start in TOP - 8 * WORD_BYTES..=TOP - (size - 1) {
                let end = usable_region(start, size).map_or(0, |region| region.last() + 1);
                assert!(end.checked_add(WORD_BYTES).is_some(), "{size} bytes from {start:#x}");
            }
        }
    }

    #[test]
    fn a_region_is_cut_into_aligned_blocks_without_gaps() {
        assert_eq!(cut(0x2800, 0x63ff), [(0x2800, 0x800), (0x3000, 0x1000), (0x4000, 0x2000), (0x6000, 0x400)]);
        for (first, last) in
            [(8, 0xffff), (0x1008, 0x1017), (0x7ff8, 0x8007), (TOP - 0xffff, TOP - 2 * WORD_BYTES)]
        {
            let mut at = first;
            let mut per_order = vec![0; usize::BITS as usize];
            for (start, bytes) in cut(first, last) {
                assert_eq!((start, start % bytes), (at, 0));
                per_order[bytes.ilog2() as usize] += 1;
                at = start + bytes;
            }
            assert_eq!(at, last + 1);
            assert!(per_order.iter().all(|&count| count <= 2), "{first:#x}..={last:#x}: {per_order:?}");
        }
    }

    #[test]
    fn the_largest_region_has_no_block_above_the_largest() {
        let largest = cut(WORD_BYTES, TOP - 2 * WORD_BYTES).into_iter().map(|(_, bytes)| bytes).max();
        assert_eq!(largest, Some(LARGEST_BLOCK_BYTES));
    }

    #[test]
    fn only_aligned_blocks_that_the_region_holds_wholly_may_be_blocks() {
        let region = AddressRange::new(0x3000, 0x2000).unwrap();
        assert!(may_be_block(region, 0x3000, layout(0x1000, 1)));
        assert!(may_be_block(region, 0x4000, layout(0x801, 1)));
        assert!(!may_be_block(region, 0x3000, layout(0x1001, 1)));
        assert!(!may_be_block(region, 0x4000, layout(0x1001, 1)));
        assert!(!may_be_block(region, 0x3800, layout(0x1000, 8)));
        assert!(!may_be_block(region, 0x3000, layout(0, 1)));
        assert!(!may_be_block(region, 0x3000, layout(isize::MAX as usize, 1)));
    }

    #[test]
    fn a_region_for_a_layout_is_its_block() {
        assert_eq!(region_for(layout(4097, 64)), Ok(layout(8192, 8192)));
        assert_eq!(region_for(layout(LARGEST_BLOCK_BYTES, 1)).map(|r| r.size()), Ok(LARGEST_BLOCK_BYTES));
        assert_eq!(region_for(layout(LARGEST_BLOCK_BYTES + 1, 1)), Err(AllocError::NoMemory));
        assert_eq!(region_for(layout(isize::MAX as usize, 1)), Err(AllocError::NoMemory));
        assert_eq!(region_for(layout(0, 8)), Err(AllocError::InvalidParam));
    }
}
