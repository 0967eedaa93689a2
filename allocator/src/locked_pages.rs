//! The page level as the byte level sees it: locked for the length of one call.
//!
//! The byte level is called with its own lock held and with a [`LockedPages`]; so the order of locks is bytes,
//! then pages, and an allocation that needs no page never touches the second lock.

use allocator_api::{AllocResult, BaseAllocator, PageAllocator};
use lock_api::{Mutex, RawMutex};

use crate::{UsageKind, page_level::PageLevel};

/// A page allocator that locks the page level in each call and counts what it hands out as [`UsageKind::Heap`].
pub(crate) struct LockedPages<'a, P, R>(&'a Mutex<R, PageLevel<P>>);

impl<'a, P, R> LockedPages<'a, P, R> {
    pub(crate) const fn new(level: &'a Mutex<R, PageLevel<P>>) -> Self {
        Self(level)
    }
}

impl<P: PageAllocator, R: RawMutex> BaseAllocator for LockedPages<'_, P, R> {
    unsafe fn init(&mut self, start: usize, size: usize) -> AllocResult {
        // SAFETY: the caller keeps the conditions of `init`, which are the same here.
        unsafe { self.0.lock().pages.init(start, size) }
    }

    unsafe fn add_memory(&mut self, start: usize, size: usize) -> AllocResult {
        // SAFETY: the caller keeps the conditions of `add_memory`, which are the same here.
        unsafe { self.0.lock().pages.add_memory(start, size) }
    }
}

// SAFETY: 1. 2. 3. are promises of `P`, to which each call goes unaltered while nobody else can reach it.
unsafe impl<P: PageAllocator, R: RawMutex> PageAllocator for LockedPages<'_, P, R> {
    const PAGE_SIZE: usize = P::PAGE_SIZE;

    fn alloc_pages(&mut self, num_pages: usize, align_pow2: usize) -> AllocResult<usize> {
        self.0.lock().alloc(num_pages, align_pow2, UsageKind::Heap)
    }

    fn alloc_pages_at(&mut self, base: usize, num_pages: usize, align_pow2: usize) -> AllocResult<usize> {
        self.0.lock().alloc_at(base, num_pages, align_pow2, UsageKind::Heap)
    }

    unsafe fn dealloc_pages(&mut self, pos: usize, num_pages: usize) -> AllocResult {
        // SAFETY: 1. is the caller's 1. 2. is the caller's 2.
        unsafe { self.0.lock().dealloc(pos, num_pages, UsageKind::Heap) }
    }

    fn total_pages(&self) -> usize {
        self.0.lock().pages.total_pages()
    }

    fn used_pages(&self) -> usize {
        self.0.lock().pages.used_pages()
    }

    fn available_pages(&self) -> usize {
        self.0.lock().pages.available_pages()
    }
}
