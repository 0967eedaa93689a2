//! What the package does with sizes, as arithmetic.
//!
//! ```text
//!   request          block             piece of the buddy system that an empty class needs
//!   (100, 8)    ──►  (128, 128)   ──►  64 · 128 = 8 KiB at a multiple of 8 KiB     a slab
//!   (64, 8192)  ──►  (8192, 8192) ──►  8 KiB at a multiple of 8 KiB                the block itself
//! ```
//!
//! A request is rounded up to a block whose size and alignment are one power of two. The package rounds such a
//! layout no further and serves it from the class, or the buddy order, of exactly that size; both place it at a
//! multiple of its size. So every alignment is honoured, and the statistics know what a block takes.
//!
//! Every function takes O(1).
#![forbid(unsafe_code)]

use core::alloc::Layout;

use allocator_api::{AddressRange, AllocError, AllocResult};

/// Regions are trimmed to multiples of this many bytes.
pub(super) const PAGE_BYTES: usize = 4096;

/// The package makes a heap of this many bytes, or of a multiple; so a first region has as many at least.
pub(super) const SMALLEST_HEAP_BYTES: usize = 32 * 1024;

/// The largest block in bytes, inclusive: the package's buddy system has the orders 0 to 31.
pub(super) const MAX_BLOCK_BYTES: usize = 1 << 31;

/// The largest size class; what is larger comes from the buddy system.
pub(super) const LARGEST_CLASS_BYTES: usize = 4096;

const SMALLEST_CLASS_BYTES: usize = 64;
const BLOCKS_PER_SLAB: usize = 64;

/// The block that serves a request: its size and its alignment are the same power of two.
///
/// # Errors
///
/// - [`InvalidParam`](AllocError::InvalidParam): the size is 0.
/// - [`NoMemory`](AllocError::NoMemory): the block would be larger than [`MAX_BLOCK_BYTES`].
pub(super) fn block_for(request: Layout) -> AllocResult<Layout> {
    if request.size() == 0 {
        return Err(AllocError::InvalidParam);
    }
    let bytes = request.size().max(request.align()).max(SMALLEST_CLASS_BYTES);
    if bytes > MAX_BLOCK_BYTES {
        return Err(AllocError::NoMemory);
    }
    let bytes = bytes.next_power_of_two();
    Layout::from_size_align(bytes, bytes).map_err(|_| AllocError::NoMemory)
}

/// The region that makes room for a block from [`block_for`], whatever the heap is like now.
///
/// # Errors
///
/// - [`NoMemory`](AllocError::NoMemory): no region can be that large.
pub(super) fn region_for(block: Layout) -> AllocResult<Layout> {
    let piece_bytes =
        if block.size() <= LARGEST_CLASS_BYTES { BLOCKS_PER_SLAB * block.size() } else { block.size() };
    // A region that starts at a multiple of the piece, and is at least as long, starts with a free buddy block
    // of at least that size.
    Layout::from_size_align(piece_bytes.max(SMALLEST_HEAP_BYTES), piece_bytes).map_err(|_| AllocError::NoMemory)
}

/// Whether the block that serves `request` serves `new_size` bytes at the same alignment as well, and is no larger than need
/// be. Never for 0 bytes.
pub(super) fn stays(request: Layout, new_size: usize) -> bool {
    let new_request = Layout::from_size_align(new_size, request.align());
    new_size != 0 && new_request.is_ok_and(|new| block_for(new) == block_for(request))
}

/// Where in a first region the package makes its heap, and the parts of the region before and behind that.
///
/// Not at an odd page, if the region has one more page than the heap: the border behind the heap would be at an odd page,
/// too, and stay.
pub(super) fn first_heap(region: AddressRange) -> (usize, [Option<AddressRange>; 2]) {
    let odd_bytes = region.start() % (2 * PAGE_BYTES);
    let skipped_bytes =
        if region.without_first(odd_bytes + SMALLEST_HEAP_BYTES - 1).is_some() { odd_bytes } else { 0 };
    let before = AddressRange::new(region.start(), skipped_bytes);
    (region.start() + skipped_bytes, [before, region.without_first(skipped_bytes + SMALLEST_HEAP_BYTES)])
}

/// The largest buddy block that the region starts with.
pub(super) fn first_buddy_bytes(region: AddressRange) -> usize {
    let aligned_log2 = region.start().trailing_zeros();
    let fitting_log2 = region.size().map_or(usize::BITS - 1, usize::ilog2);
    1 << aligned_log2.min(fitting_log2).min(MAX_BLOCK_BYTES.ilog2())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    fn block_bytes(size: usize, align: usize) -> AllocResult<usize> {
        block_for(layout(size, align)).map(|block| block.size())
    }

    #[test]
    fn a_block_is_the_smallest_power_of_two_that_holds_size_and_alignment() {
        for size in 1..=10_000 {
            for align_log2 in 0..=14 {
                let align = 1 << align_log2;
                let expected = (6..).map(|log2| 1 << log2).find(|&block| block >= size && block >= align);
                let block = block_for(layout(size, align)).unwrap();
                assert_eq!(Some(block.size()), expected, "({size}, {align})");
                assert_eq!(block.align(), block.size());
            }
        }
    }

    #[cfg(target_pointer_width = "64")]
    #[test]
    fn the_largest_block_is_two_gibibytes() {
        const GIB: usize = 1 << 30;
        assert_eq!(block_bytes(GIB, 1), Ok(GIB));
        assert_eq!(block_bytes(GIB + 1, 1), Ok(2 * GIB));
        assert_eq!(block_bytes(2 * GIB, 1), Ok(2 * GIB));
        assert_eq!(block_bytes(2 * GIB + 1, 1), Err(AllocError::NoMemory));
        assert_eq!(block_bytes(1, 2 * GIB), Ok(2 * GIB));
        let largest = layout(2 * GIB, 2 * GIB);
        assert_eq!(region_for(largest), Ok(largest));
        assert_eq!(block_bytes(1, 4 * GIB), Err(AllocError::NoMemory));
    }

    #[test]
    fn sizes_and_alignments_at_the_end_of_the_range_are_refused_without_overflow() {
        let largest = isize::MAX as usize;
        for back in 0..70 {
            assert_eq!(block_bytes(largest - back, 1), Err(AllocError::NoMemory));
        }
        for align_log2 in 32..usize::BITS - 1 {
            assert_eq!(block_bytes(1, 1 << align_log2), Err(AllocError::NoMemory), "2^{align_log2}");
        }
    }

    #[test]
    fn size_zero_is_invalid_at_every_alignment() {
        for align_log2 in 0..usize::BITS {
            assert_eq!(block_bytes(0, 1 << align_log2), Err(AllocError::InvalidParam));
        }
    }

    #[test]
    fn the_first_buddy_of_a_region_is_the_largest_aligned_block_at_its_start() {
        for start in 1..40 {
            for size in 1..40 {
                let region = AddressRange::new(start, size).unwrap();
                let expected = (0..6).rev().map(|log2| 1 << log2).find(|b| start % b == 0 && *b <= size);
                assert_eq!(Some(first_buddy_bytes(region)), expected, "{size} at {start}");
            }
        }
        let all = AddressRange::from_bounds(0, usize::MAX).unwrap();
        assert_eq!(first_buddy_bytes(all), MAX_BLOCK_BYTES);
    }

    #[test]
    fn the_heap_is_made_at_an_even_page_where_there_is_room() {
        let parts = |first_page, pages| {
            let region = AddressRange::new(first_page * PAGE_BYTES, pages * PAGE_BYTES).unwrap();
            let (start, parts) = first_heap(region);
            let bounds = |part: AddressRange| (part.start() / PAGE_BYTES, part.last() / PAGE_BYTES);
            (start / PAGE_BYTES, parts.map(|part| part.map(bounds)))
        };
        assert_eq!(parts(2, 8), (2, [None, None]));
        assert_eq!(parts(2, 9), (2, [None, Some((10, 10))]));
        assert_eq!(parts(3, 8), (3, [None, None]));
        assert_eq!(parts(3, 9), (4, [Some((3, 3)), None]));
        assert_eq!(parts(3, 20), (4, [Some((3, 3)), Some((12, 22))]));
    }

    #[test]
    fn a_region_holds_one_slab_or_one_large_block_and_never_less_than_a_first_region() {
        let region = |bytes| region_for(layout(bytes, bytes)).unwrap();
        assert_eq!(region(64), layout(32 * 1024, 4096));
        assert_eq!(region(256), layout(32 * 1024, 16 * 1024));
        assert_eq!(region(512), layout(32 * 1024, 32 * 1024));
        assert_eq!(region(1024), layout(64 * 1024, 64 * 1024));
        assert_eq!(region(4096), layout(256 * 1024, 256 * 1024));
        assert_eq!(region(8192), layout(32 * 1024, 8192));
        assert_eq!(region(1 << 20), layout(1 << 20, 1 << 20));
        assert_eq!(region(1 << 29), layout(1 << 29, 1 << 29));
    }
}
