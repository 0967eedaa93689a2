//! Runs of pages, recorded; their sizes are in pages.

use allocator_api::{
    AddressRange, AllocResult, ConstrainedPageAllocator, LargestFreeRun, PageAllocator, Placement,
};
use allocator_trace::Event;

use super::{Recorded, Stamp, moment};

// SAFETY: the promises are those of `A`, to which every call goes unaltered.
unsafe impl<A: PageAllocator, S: Stamp> PageAllocator for Recorded<A, S> {
    const PAGE_SIZE: usize = A::PAGE_SIZE;

    #[inline]
    fn alloc_pages(&mut self, num_pages: usize, align_pow2: usize) -> AllocResult<usize> {
        let run = self.level.alloc_pages(num_pages, align_pow2)?;
        self.recording.record(|now| Event::alloc(now, run, num_pages, align_pow2), moment::<S>);
        Ok(run)
    }

    #[inline]
    fn alloc_pages_at(&mut self, base: usize, num_pages: usize, align_pow2: usize) -> AllocResult<usize> {
        let run = self.level.alloc_pages_at(base, num_pages, align_pow2)?;
        self.recording.record(|now| Event::alloc(now, run, num_pages, align_pow2), moment::<S>);
        Ok(run)
    }

    #[inline]
    unsafe fn dealloc_pages(&mut self, pos: usize, num_pages: usize) -> AllocResult {
        // SAFETY: 1. is the caller's 1. 2. is the caller's 2.
        unsafe { self.level.dealloc_pages(pos, num_pages) }?;
        self.freed(pos, num_pages);
        Ok(())
    }

    unsafe fn take_record_room(
        &mut self,
        regions: impl Iterator<Item = AddressRange> + Clone,
    ) -> AllocResult<Option<AddressRange>> {
        // SAFETY: 1. is the caller's 1. 2. is the caller's 2.
        unsafe { self.level.take_record_room(regions) }
    }

    fn total_pages(&self) -> usize {
        self.level.total_pages()
    }

    fn used_pages(&self) -> usize {
        self.level.used_pages()
    }

    fn available_pages(&self) -> usize {
        self.level.available_pages()
    }
}

// SAFETY: the promises are those of `A`, to which every call goes unaltered.
unsafe impl<A: ConstrainedPageAllocator, S: Stamp> ConstrainedPageAllocator for Recorded<A, S> {
    fn alloc_pages_in(&mut self, num_pages: usize, placement: Placement) -> AllocResult<usize> {
        let run = self.level.alloc_pages_in(num_pages, placement)?;
        self.recording.record(|now| Event::alloc(now, run, num_pages, placement.align_pow2), moment::<S>);
        Ok(run)
    }
}

impl<A: LargestFreeRun, S: Stamp> LargestFreeRun for Recorded<A, S> {
    fn largest_free_run_pages(&mut self) -> usize {
        self.level.largest_free_run_pages()
    }
}
