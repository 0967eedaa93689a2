//! Memory of the host for the tests of this crate.

mod arena;

use std::alloc::Layout;

use allocator_api::{AllocResult, BaseAllocator};
use allocator_slab::package::SlabByteAllocator;
pub(crate) use arena::Arena;

pub(crate) const KIB: usize = 1024;
pub(crate) const MIB: usize = 1024 * KIB;

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
