//! The package's free lists: the one file of this crate that makes pointers and dereferences managed memory.
//!
//! The package keeps, in the first word of each free block, the address of the next free block of that order.
//!
//! # Invariants
//!
//! - I1. Every block was put in by [`Blocks::insert`], or split or merged from such blocks: its memory is the
//!   allocator's alone, for good, and its provenance is exposed.
//! - I2. No two buddies are both free: whatever becomes free goes through the package's `dealloc`, which merges.
//! - I3. The package is told blocks by their own size, never by the size that was asked for. Its two counters, of
//!   requested and of used bytes, are therefore equal, and no resizing within one order can make one fall below 0.

use core::{alloc::Layout, ptr, ptr::NonNull};

use allocator_api::{AddressRange, ConstEmpty, address::is_aligned};
use buddy_system_allocator::Heap;

use super::order::{ORDER_COUNT, WORD_BYTES};

/// The lists of free blocks, one for each order.
pub(super) struct Blocks {
    heap: Heap<ORDER_COUNT>,
}

impl ConstEmpty for Blocks {
    const EMPTY: Self = Self { heap: Heap::empty() };
}

impl Blocks {
    /// Puts in a block and merges it with its buddy, that with its own, and so on. O(free blocks).
    ///
    /// # Safety
    ///
    /// 1. The block is memory that may be read and written, and is the allocator's alone from now on; its provenance
    ///    is exposed.
    /// 2. It is a power of two of at least a word, at most the largest block, at a multiple of its size that is
    ///    not 0; a word behind it would end inside the address space.
    pub(super) unsafe fn insert(&mut self, block: AddressRange) {
        debug_assert!(block.start() != 0 && block.last() <= usize::MAX - 2 * WORD_BYTES);
        let bytes = block.last() - block.start() + 1;
        debug_assert!(bytes.is_power_of_two() && is_aligned(block.start(), bytes));
        // SAFETY: the memory is the package's alone for good: 1. Nothing that the package computes overflows, not even the
        // end of a word behind the block: 2.
        unsafe { self.heap.add_to_heap(block.start(), block.last() + 1) };
        // The package takes a block in without a look for its buddy. Handed out and taken back, it merges. It is the
        // very block that comes out, since it was the last one that came in; any other would do as well.
        if let Some(inserted) = self.allocate(bytes) {
            debug_assert_eq!(inserted.addr().get(), block.start());
            // SAFETY: 1. it is live, as the line above says, and nobody has it. 2. It was asked for with this size.
            unsafe { self.deallocate(inserted.addr().get(), bytes) };
        }
    }

    /// Hands out a block of exactly `block_bytes`, a power of two. O(orders).
    pub(super) fn allocate(&mut self, block_bytes: usize) -> Option<NonNull<u8>> {
        self.heap.alloc(layout_of(block_bytes)?).ok()
    }

    /// Takes back the block at `pos` and merges it. O(free blocks).
    ///
    /// # Safety
    ///
    /// 1. `pos` is a live block of this allocator, which nobody uses any more.
    /// 2. It is `block_bytes` long.
    pub(super) unsafe fn deallocate(&mut self, pos: usize, block_bytes: usize) {
        debug_assert!(is_aligned(pos, block_bytes));
        let block = NonNull::new(ptr::with_exposed_provenance_mut(pos));
        if let (Some(block), Some(layout)) = (block, layout_of(block_bytes)) {
            // SAFETY: the block is live (1.) and was handed out with this layout (2., I3); its memory is exposed (I1).
            unsafe { self.heap.dealloc(block, layout) };
        }
    }

    /// Bytes of all live blocks.
    pub(super) fn used_bytes(&self) -> usize {
        self.heap.stats_alloc_actual()
    }
}

/// The layout by which the package knows a block (I3); `None` where no layout is as large.
fn layout_of(block_bytes: usize) -> Option<Layout> {
    debug_assert!(block_bytes.is_power_of_two());
    Layout::from_size_align(block_bytes, WORD_BYTES).ok()
}
