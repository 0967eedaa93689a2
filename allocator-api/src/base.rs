//! Taking memory in.

use crate::AllocResult;

/// Takes regions of memory.
///
/// An allocator starts empty: until the first region arrives, every allocation gives
/// [`NoMemory`](crate::AllocError::NoMemory), every free [`NotAllocated`](crate::AllocError::NotAllocated), and
/// all statistics are 0.
///
/// Implementing this trait promises nothing to callers; what they may rely on is said by
/// [`ByteAllocator`](crate::ByteAllocator) and [`PageAllocator`](crate::PageAllocator).
pub trait BaseAllocator {
    /// Takes the first region: `size` bytes from address `start`.
    ///
    /// The region is trimmed inward to what the allocator can use.
    ///
    /// # Errors
    ///
    /// - [`InvalidParam`](crate::AllocError::InvalidParam): the allocator has memory already; `size` is 0;
    ///   `start + (size − 1)` overflows; nothing usable is left after trimming.
    ///
    /// # Safety
    ///
    /// 1. From now on, and for as long as the allocator or anything allocated from it is used, the whole region
    ///    is memory that may be read and written, and nobody but the allocator, and those it hands blocks to,
    ///    does so. (An allocator that documents that it never touches its regions, such as a page allocator with
    ///    its records elsewhere, needs this only for what callers do with the pages.)
    /// 2. The provenance of the region is exposed.
    unsafe fn init(&mut self, start: usize, size: usize) -> AllocResult;

    /// Takes one more region, or the first: `size` bytes from address `start`.
    ///
    /// Regions may come in any order and touch one another.
    ///
    /// # Errors
    ///
    /// - [`InvalidParam`](crate::AllocError::InvalidParam): as for [`init`](Self::init), except that having
    ///   memory already is no error.
    /// - [`MemoryOverlap`](crate::AllocError::MemoryOverlap): part of the region is held already.
    /// - [`NoMemory`](crate::AllocError::NoMemory): a documented limit on the number of regions is reached.
    ///
    /// # Safety
    ///
    /// As for [`init`](Self::init). Overlap with memory already *held* is answered, not undefined.
    unsafe fn add_memory(&mut self, start: usize, size: usize) -> AllocResult;
}

/// Has a value that stands for "no memory yet" and can be made in a constant.
///
/// This is what a generic `const fn new` needs, and so what puts a generic allocator into a `static`.
pub trait ConstEmpty: Sized {
    /// The value before any memory is handed in.
    const EMPTY: Self;
}
