//! Memory, toy allocators and a lock that tells on its users.

mod arena;
mod random;
mod toy_bytes;
mod toy_pages;
mod tracing_lock;

pub(crate) use arena::Arena;
pub(crate) use random::Random;
pub(crate) use toy_bytes::ToyBytes;
pub(crate) use toy_pages::{Call, ToyPages};
pub(crate) use tracing_lock::{TracingLock, held_locks, take_orders};

use allocator::{AllocError, GlobalAllocator, Growing};
use core::alloc::Layout;

pub(crate) const KIB: usize = 1 << 10;
pub(crate) const MIB: usize = 1 << 20;
pub(crate) const TOP: usize = usize::MAX;

pub(crate) const NO_MEMORY: AllocError = AllocError::NoMemory;
pub(crate) const NOT_ALLOCATED: AllocError = AllocError::NotAllocated;
pub(crate) const INVALID_PARAM: AllocError = AllocError::InvalidParam;

/// The facade over toys, with a lock that panics where a real one would wait for itself.
pub(crate) type ToyHeap = GlobalAllocator<Growing<ToyBytes>, ToyPages, TracingLock>;

pub(crate) fn layout(size: usize, align: usize) -> Layout {
    Layout::from_size_align(size, align).unwrap()
}

/// A heap over `arena`.
pub(crate) fn toy_heap(arena: &Arena) -> ToyHeap {
    let heap = ToyHeap::new();
    // SAFETY: 1. The arena outlives every use in a test, and only the heap uses it. 2. It exposes its memory.
    unsafe { heap.init(arena.start(), arena.size()) }.unwrap();
    heap
}
