//! The facade as one byte allocator whose blocks come from both its levels.
//!
//! A request for whole pages at a page's alignment takes a run of pages, any other a block. So one script drives both
//! levels, the growth of one by runs of the other among them, and one book sees that nothing overlaps. The fuzz targets
//! take this file as it is.

use std::{alloc::Layout, ptr::NonNull};

use allocator::{
    AllocError, AllocResult, BaseAllocator, ByteAllocator, ConstEmpty, Declaration, Declared, Gap,
    GlobalAllocator, Growing, InvalidFrees, PageAllocator, PagedByteAllocator, SpinLock, UsageKind,
};

/// The facade over a byte level and a page level.
pub type Heap<B, P> = GlobalAllocator<B, P, SpinLock>;

/// A byte level that can be asked what a byte allocator can.
pub trait Level: PagedByteAllocator + ConstEmpty {
    /// As [`ByteAllocator::region_for`].
    ///
    /// # Errors
    ///
    /// As there.
    fn region_for(&self, layout: Layout) -> AllocResult<Layout>;

    /// As [`ByteAllocator::check_block`].
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Safety
    ///
    /// 1. As there.
    unsafe fn check_block<P: PageAllocator>(heap: &Heap<Self, P>, pos: NonNull<u8>, layout: Layout)
    -> AllocResult;
}

impl<B: ByteAllocator + ConstEmpty> Level for Growing<B> {
    fn region_for(&self, layout: Layout) -> AllocResult<Layout> {
        self.byte_allocator().region_for(layout)
    }

    unsafe fn check_block<P: PageAllocator>(
        heap: &Heap<Self, P>,
        pos: NonNull<u8>,
        layout: Layout,
    ) -> AllocResult {
        // SAFETY: 1. is the caller's 1.
        heap.with_bytes(|level| unsafe { level.byte_allocator().check_block(pos, layout) })
    }
}

/// The facade over `B` for blocks and `P` for pages.
pub struct TwoLevels<B, P>(Heap<B, P>);

impl<B: ConstEmpty, P: PageAllocator + ConstEmpty> ConstEmpty for TwoLevels<B, P> {
    const EMPTY: Self = Self(GlobalAllocator::new());
}

impl<B, P: Declared> Declared for TwoLevels<B, P> {
    const DECLARATION: Declaration = Declaration {
        gaps: &[
            Gap { case: "a_largest_free_block_is_not_refused", why: "as the byte backend has it" },
            Gap { case: "recovery_restores_the_statistics", why: "some backends keep the runs that they grew by" },
        ],
        max_regions: P::DECLARATION.max_regions,
        span_bytes: P::DECLARATION.span_bytes,
        // Two runs side by side become one region, which has one end: tlsf keeps four words at each.
        joined_record_bytes: 4 * size_of::<usize>(),
        ..Declaration::without_gaps("facade")
    };
}

/// The pages that a layout asks for, if it asks for pages.
fn pages_of<P: PageAllocator>(layout: Layout) -> Option<usize> {
    let (size, page_bytes) = (layout.size(), P::PAGE_SIZE);
    let whole = size != 0 && size.is_multiple_of(page_bytes) && layout.align() >= page_bytes;
    whole.then_some(size / page_bytes)
}

impl<B: Level, P: PageAllocator> BaseAllocator for TwoLevels<B, P> {
    unsafe fn init(&mut self, start: usize, size: usize) -> AllocResult {
        // SAFETY: 1. 2. are the caller's 1. and 2.
        unsafe { self.0.init(start, size) }
    }

    unsafe fn add_memory(&mut self, start: usize, size: usize) -> AllocResult {
        // SAFETY: 1. 2. are the caller's 1. and 2.
        unsafe { self.0.add_memory(start, size) }
    }
}

// SAFETY: 1. to 4. are promises of the facade, for blocks and for pages; the two levels never hand out the same bytes.
unsafe impl<B: Level, P: PageAllocator> ByteAllocator for TwoLevels<B, P> {
    fn detects(&self) -> InvalidFrees {
        InvalidFrees::FOREIGN
    }

    fn alloc(&mut self, layout: Layout) -> AllocResult<NonNull<u8>> {
        let Some(pages) = pages_of::<P>(layout) else {
            return self.0.alloc(layout);
        };
        let start = self.0.alloc_pages(pages, layout.align(), UsageKind::PageCache)?;
        NonNull::new(std::ptr::with_exposed_provenance_mut(start)).ok_or(AllocError::NoMemory)
    }

    unsafe fn check_block(&self, pos: NonNull<u8>, layout: Layout) -> AllocResult {
        if pages_of::<P>(layout).is_some() {
            return Ok(());
        }
        // SAFETY: 1. is the caller's 1.
        unsafe { B::check_block(&self.0, pos, layout) }
    }

    unsafe fn dealloc(&mut self, pos: NonNull<u8>, layout: Layout) -> AllocResult {
        match pages_of::<P>(layout) {
            // SAFETY: 1. 2. are the caller's 1. and 2.
            Some(pages) => unsafe { self.0.dealloc_pages(pos.addr().get(), pages, UsageKind::PageCache) },
            // SAFETY: 1. 2. are the caller's 1. and 2.
            None => unsafe { self.0.dealloc(pos, layout) },
        }
    }

    unsafe fn realloc(&mut self, pos: NonNull<u8>, layout: Layout, new_size: usize) -> AllocResult<NonNull<u8>> {
        let new_layout = Layout::from_size_align(new_size, layout.align()).map_err(|_| AllocError::NoMemory)?;
        if pages_of::<P>(layout).or(pages_of::<P>(new_layout)).is_none() {
            // SAFETY: 1. 2. are the caller's 1. and 2.
            return unsafe { self.0.realloc(pos, layout, new_size) };
        }
        if new_size == 0 {
            return Err(AllocError::InvalidParam);
        }
        // SAFETY: 1. is the caller's 1.
        unsafe { self.check_block(pos, layout) }?;
        let new = self.alloc(new_layout)?;
        // SAFETY: both blocks are live and apart.
        unsafe { new.copy_from_nonoverlapping(pos, layout.size().min(new_size)) };
        // SAFETY: 1. 2. are the caller's 1. and 2.
        unsafe { self.dealloc(pos, layout) }?;
        Ok(new)
    }

    fn alloc_zeroed(&mut self, layout: Layout) -> AllocResult<NonNull<u8>> {
        let block = self.alloc(layout)?;
        // SAFETY: the block is fresh and has these bytes.
        unsafe { block.write_bytes(0, layout.size()) };
        Ok(block)
    }

    fn region_for(&self, layout: Layout) -> AllocResult<Layout> {
        self.0.with_bytes(|level| level.region_for(layout))
    }

    fn total_bytes(&self) -> usize {
        self.0.usage().total_pages * P::PAGE_SIZE
    }

    /// Pages that are not free, but for what is free in those of the byte level.
    fn used_bytes(&self) -> usize {
        let usage = self.0.usage();
        usage.used_pages * P::PAGE_SIZE - (usage.heap_held_bytes - usage.heap_used_bytes)
    }
}
