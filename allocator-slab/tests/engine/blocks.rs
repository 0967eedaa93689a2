//! Blocks with contents, and numbers that only look random.

use std::{alloc::Layout, ptr::NonNull, slice};

use allocator_api::{AllocResult, BaseAllocator, ByteAllocator};
use allocator_bitmap::BitmapPageAllocator;
use allocator_slab::SlabByteAllocator;

use crate::arena::Arena;

pub(crate) const KIB: usize = 1024;
pub(crate) const MIB: usize = 1024 * KIB;

pub(crate) type Heap<const PAGE_SIZE: usize> = SlabByteAllocator<BitmapPageAllocator<PAGE_SIZE>>;

pub(crate) fn layout(size: usize, align: usize) -> Layout {
    Layout::from_size_align(size, align).unwrap()
}

/// A heap over the first `bytes` bytes of an arena, which is dropped last.
pub(crate) fn heap_over<const PAGE_SIZE: usize>(arena: &Arena, bytes: usize) -> Box<Heap<PAGE_SIZE>> {
    let mut heap = Box::new(Heap::new());
    arena.at(bytes);
    // SAFETY: 1. The bytes lie in the arena, which is one heap's at a time. 2. `at` exposes the provenance.
    unsafe { heap.init(arena.at(0), bytes) }.unwrap();
    heap
}

/// Gives a block back.
pub(crate) fn free<const PAGE_SIZE: usize>(
    heap: &mut Heap<PAGE_SIZE>,
    block: NonNull<u8>,
    layout: Layout,
) -> AllocResult {
    // SAFETY: 1. The engine detects every invalid free. 2. The tests forget blocks that they gave back.
    unsafe { heap.dealloc(block, layout) }
}

/// A live block, every byte of which is its mark.
pub(crate) struct Filled {
    pub(crate) block: NonNull<u8>,
    pub(crate) layout: Layout,
    /// Bytes that are filled.
    pub(crate) bytes: usize,
    pub(crate) mark: u8,
}

impl Filled {
    /// Fills the first `bytes` bytes of a live block that has so many.
    pub(crate) fn new(block: NonNull<u8>, layout: Layout, bytes: usize, mark: u8) -> Self {
        assert!(bytes >= layout.size() && block.addr().get().is_multiple_of(layout.align()));
        let filled = Self { block, layout, bytes, mark };
        filled.write(mark);
        filled
    }

    pub(crate) fn address(&self) -> usize {
        self.block.addr().get()
    }

    /// Writes to all of the block, live or not.
    pub(crate) fn write(&self, mark: u8) {
        // SAFETY: memory of the arena, that either is the test's or was until just now.
        unsafe { self.block.write_bytes(mark, self.bytes) }
    }

    /// Whether the first `bytes` bytes are as they were written.
    pub(crate) fn is_intact(&self, bytes: usize) -> bool {
        // SAFETY: the block is live, and was written in full.
        let contents = unsafe { slice::from_raw_parts(self.block.as_ptr(), bytes) };
        contents.iter().all(|&byte| byte == self.mark)
    }
}

/// Knuth's linear congruential generator.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }

    /// Mostly small, and often around a power of two.
    pub(crate) fn layout(&mut self) -> Layout {
        let largest_log2 = [4, 8, 13, 17][self.below(4)];
        let log2 = self.below(largest_log2);
        let size = match self.below(4) {
            0 => 1 << log2,
            1 => (1 << log2) + 1,
            _ => 1 + self.below(1 << log2),
        };
        let align_log2 = [0, 3, 3, 6, 12, 14][self.below(6)];
        layout(size, 1 << self.below(align_log2 + 1))
    }
}
