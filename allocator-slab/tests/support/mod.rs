//! Memory of the host for the tests of this crate.

use std::alloc::{Layout, alloc, dealloc};

use allocator_api::{AllocResult, BaseAllocator};
use allocator_slab::package::SlabByteAllocator;

pub(crate) const KIB: usize = 1024;
pub(crate) const MIB: usize = 1024 * KIB;

/// Memory at a multiple of its alignment; given back when dropped.
pub(crate) struct Arena {
    start: *mut u8,
    layout: Layout,
}

impl Arena {
    pub(crate) fn new(bytes: usize, align: usize) -> Self {
        let layout = Layout::from_size_align(bytes, align).unwrap();
        assert_ne!(bytes, 0);
        // SAFETY: the size is not 0.
        let start = unsafe { alloc(layout) };
        assert!(!start.is_null(), "the host has no {bytes} bytes");
        Self { start, layout }
    }

    /// The address of the byte at `offset`, with the provenance of the whole arena exposed.
    pub(crate) fn at(&self, offset: usize) -> usize {
        assert!(offset <= self.layout.size());
        self.start.expose_provenance() + offset
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: allocated in `new`, with this layout.
        unsafe { dealloc(self.start, self.layout) }
    }
}

/// Hands the `bytes` bytes at `offset` of the arena to `slabs`.
pub(crate) fn add(slabs: &mut SlabByteAllocator, arena: &Arena, offset: usize, bytes: usize) -> AllocResult {
    let start = arena.at(offset);
    arena.at(offset + bytes);
    // SAFETY: 1. The bytes lie in the arena; each test uses its arena for one allocator at a time, and drops the
    // arena last. 2. `at` exposes the provenance.
    unsafe { slabs.add_memory(start, bytes) }
}

/// An allocator over the first `bytes` bytes of the arena.
pub(crate) fn over(arena: &Arena, bytes: usize) -> SlabByteAllocator {
    let mut slabs = SlabByteAllocator::new();
    add(&mut slabs, arena, 0, bytes).unwrap();
    slabs
}

pub(crate) fn layout(size: usize, align: usize) -> Layout {
    Layout::from_size_align(size, align).unwrap()
}
