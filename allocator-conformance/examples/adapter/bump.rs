//! A bump allocator with an interface of its own, and the adapter that lets the suite test it.

use core::{alloc::Layout, num::NonZero, ptr::NonNull};

use allocator_conformance::api::{
    AllocError, AllocResult, BaseAllocator, ByteAllocator, ConstEmpty, Declaration, Declared, Gap, InvalidFrees,
};

/// Somebody's allocator: it takes one region, and gets its memory back when nothing is live.
struct Heap {
    start: usize,
    next: usize,
    end: usize,
    live: usize,
}

impl Heap {
    fn allocate(&mut self, layout: Layout) -> Option<usize> {
        let block = self.next.checked_next_multiple_of(layout.align())?;
        let end = block.checked_add(layout.size()).filter(|end| *end <= self.end)?;
        self.next = end;
        self.live += 1;
        Some(block)
    }

    fn free(&mut self) {
        self.live -= 1;
        if self.live == 0 {
            self.next = self.start;
        }
    }
}

/// The adapter.
pub(crate) struct Adapter(Heap);

impl ConstEmpty for Adapter {
    const EMPTY: Self = Self(Heap { start: 0, next: 0, end: 0, live: 0 });
}

const NEVER_REUSED: &str = "memory is reused when nothing is live, not before";

impl Declared for Adapter {
    const DECLARATION: Declaration = Declaration {
        gaps: &[
            Gap { case: "a_block_given_back_can_be_had_again", why: NEVER_REUSED },
            Gap { case: "a_largest_free_block_is_not_refused", why: NEVER_REUSED },
            Gap { case: "used_counts_each_block_once", why: NEVER_REUSED },
        ],
        max_regions: Some(1),
        ..Declaration::without_gaps("bump")
    };
}

impl BaseAllocator for Adapter {
    unsafe fn init(&mut self, start: usize, size: usize) -> AllocResult {
        let end = start.checked_add(size).ok_or(AllocError::InvalidParam)?;
        // Address 0 is no place for a block.
        let start = start.max(1);
        if self.0.end != 0 || start >= end {
            return Err(AllocError::InvalidParam);
        }
        self.0 = Heap { start, next: start, end, live: 0 };
        Ok(())
    }

    unsafe fn add_memory(&mut self, start: usize, size: usize) -> AllocResult {
        if self.0.end == 0 {
            // SAFETY: 1., 2. The caller's.
            return unsafe { self.init(start, size) };
        }
        let end = start.checked_add(size).filter(|end| *end > start.max(1)).ok_or(AllocError::InvalidParam)?;
        let overlaps = start < self.0.end && self.0.start < end;
        Err(if overlaps { AllocError::MemoryOverlap } else { AllocError::NoMemory })
    }
}

// SAFETY: 1. Blocks lie between `start`, which is not 0, and `end`. 2. `next` only rises while a block is live. 3. Nothing
// is moved or written. 4. Checks come first.
unsafe impl ByteAllocator for Adapter {
    fn detects(&self) -> InvalidFrees {
        InvalidFrees::FOREIGN
    }

    fn alloc(&mut self, layout: Layout) -> AllocResult<NonNull<u8>> {
        if layout.size() == 0 {
            return Err(AllocError::InvalidParam);
        }
        let block = self.0.allocate(layout).and_then(NonZero::new).ok_or(AllocError::NoMemory)?;
        Ok(NonNull::with_exposed_provenance(block))
    }

    unsafe fn check_block(&self, pos: NonNull<u8>, layout: Layout) -> AllocResult {
        let start = pos.addr().get();
        let inside =
            start >= self.0.start && start.checked_add(layout.size()).is_some_and(|end| end <= self.0.end);
        if inside && self.0.live > 0 { Ok(()) } else { Err(AllocError::NotAllocated) }
    }

    unsafe fn dealloc(&mut self, pos: NonNull<u8>, layout: Layout) -> AllocResult {
        // SAFETY: 1. The caller's.
        unsafe { self.check_block(pos, layout) }?;
        self.0.free();
        Ok(())
    }

    fn region_for(&self, layout: Layout) -> AllocResult<Layout> {
        if layout.size() == 0 { Err(AllocError::InvalidParam) } else { Ok(layout) }
    }

    fn total_bytes(&self) -> usize {
        self.0.end - self.0.start
    }

    fn used_bytes(&self) -> usize {
        self.0.next - self.0.start
    }
}
