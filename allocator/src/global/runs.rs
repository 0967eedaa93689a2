//! Runs of pages as handles that give them back.

use allocator_api::{AllocResult, ConstrainedPageAllocator, PageAllocator, PagedByteAllocator, Placement};
use lock_api::RawMutex;

use crate::{GlobalAllocator, PageRun, RawPageRun, UsageKind};

impl<B: PagedByteAllocator, P: PageAllocator, R: RawMutex> GlobalAllocator<B, P, R> {
    /// Hands out a run as [`alloc_pages`](Self::alloc_pages) does, with a handle that gives it back.
    ///
    /// # Errors
    ///
    /// As [`alloc_pages`](Self::alloc_pages); and [`NoMemory`](allocator_api::AllocError::NoMemory) for more than
    /// [`MAX_PAGES`](PageRun::MAX_PAGES) pages.
    pub fn page_run(
        &self,
        num_pages: usize,
        align_pow2: usize,
        kind: UsageKind,
    ) -> AllocResult<PageRun<'_, B, P, R>> {
        self.own(self.alloc_pages(num_pages, align_pow2, kind)?, num_pages, kind)
    }

    /// As [`page_run`](Self::page_run), but never calls the out-of-memory hook.
    ///
    /// # Errors
    ///
    /// As [`page_run`](Self::page_run).
    pub fn try_page_run(
        &self,
        num_pages: usize,
        align_pow2: usize,
        kind: UsageKind,
    ) -> AllocResult<PageRun<'_, B, P, R>> {
        self.own(self.try_alloc_pages(num_pages, align_pow2, kind)?, num_pages, kind)
    }

    /// As [`page_run`](Self::page_run), with every byte 0. The bytes are cleared with no lock held.
    ///
    /// # Errors
    ///
    /// As [`page_run`](Self::page_run).
    pub fn zeroed_page_run(
        &self,
        num_pages: usize,
        align_pow2: usize,
        kind: UsageKind,
    ) -> AllocResult<PageRun<'_, B, P, R>> {
        let mut run = self.page_run(num_pages, align_pow2, kind)?;
        run.fill(0);
        Ok(run)
    }

    /// Hands out a run as [`alloc_pages_at`](Self::alloc_pages_at) does, with a handle that gives it back.
    ///
    /// # Errors
    ///
    /// As [`alloc_pages_at`](Self::alloc_pages_at); and [`NoMemory`](allocator_api::AllocError::NoMemory) for more
    /// than [`MAX_PAGES`](PageRun::MAX_PAGES) pages.
    pub fn page_run_at(
        &self,
        base: usize,
        num_pages: usize,
        align_pow2: usize,
        kind: UsageKind,
    ) -> AllocResult<PageRun<'_, B, P, R>> {
        self.own(self.alloc_pages_at(base, num_pages, align_pow2, kind)?, num_pages, kind)
    }

    /// A handle for a run just handed out.
    fn own(&self, start: usize, num_pages: usize, kind: UsageKind) -> AllocResult<PageRun<'_, B, P, R>> {
        // SAFETY: 1. The callers pass what they were handed out, which is theirs alone and not empty.
        unsafe { PageRun::of_fresh(self, RawPageRun { start, num_pages, kind }) }
    }
}

impl<B: PagedByteAllocator, P: ConstrainedPageAllocator, R: RawMutex> GlobalAllocator<B, P, R> {
    /// Hands out a run as [`alloc_pages_in`](Self::alloc_pages_in) does, with a handle that gives it back: what a
    /// device with few address bits reads and writes.
    ///
    /// # Errors
    ///
    /// As [`alloc_pages_in`](Self::alloc_pages_in); and [`NoMemory`](allocator_api::AllocError::NoMemory) for more
    /// than [`MAX_PAGES`](PageRun::MAX_PAGES) pages.
    pub fn page_run_in(
        &self,
        num_pages: usize,
        placement: Placement,
        kind: UsageKind,
    ) -> AllocResult<PageRun<'_, B, P, R>> {
        self.own(self.alloc_pages_in(num_pages, placement, kind)?, num_pages, kind)
    }
}
