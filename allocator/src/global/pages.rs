//! Runs of pages, by what they are used for.
//!
//! A request that finds no run has the byte level give back what it does not use, and is made once more: the lock of the
//! bytes and that of the pages are both free when it begins, and are taken in their order. Only then does a hook hear of it.

use core::alloc::Layout;

use allocator_api::{AllocError, AllocResult, LargestFreeRun, PageAllocator, PagedByteAllocator};
use lock_api::RawMutex;

use crate::{Freed, GlobalAllocator, InvalidFree, UsageKind};

impl<B: PagedByteAllocator, P: PageAllocator, R: RawMutex> GlobalAllocator<B, P, R> {
    /// Hands out `num_pages` pages, the first at a multiple of `align_pow2` bytes, and counts them as `kind`.
    /// Returns the address of the first.
    ///
    /// Where there is no such run, the byte level gives back the pages that it does not use, as in [`trim`](Self::trim),
    /// and the request is made again. Refused all the same, it calls the out-of-memory hook, and tries again while that
    /// says so.
    ///
    /// # Errors
    ///
    /// The byte level may have given pages back; nothing else has changed.
    ///
    /// - [`InvalidParam`](AllocError::InvalidParam): `num_pages` is 0; `align_pow2` is not a power of two or is smaller
    ///   than the page size.
    /// - [`NoMemory`](AllocError::NoMemory): there is no such free run.
    pub fn alloc_pages(&self, num_pages: usize, align_pow2: usize, kind: UsageKind) -> AllocResult<usize> {
        let size = num_pages.checked_mul(P::PAGE_SIZE);
        let request = size.and_then(|bytes| Layout::from_size_align(bytes, align_pow2).ok());
        self.ask_again(request, || self.try_alloc_pages(num_pages, align_pow2, kind))
    }

    /// As [`alloc_pages`](Self::alloc_pages), but never calls the out-of-memory hook.
    ///
    /// # Errors
    ///
    /// As [`alloc_pages`](Self::alloc_pages).
    pub fn try_alloc_pages(&self, num_pages: usize, align_pow2: usize, kind: UsageKind) -> AllocResult<usize> {
        self.or_after_trim(|| self.pages.lock().alloc(num_pages, align_pow2, kind))
    }

    /// Hands out exactly the `num_pages` pages from address `base`, and counts them as `kind`. Returns `base`.
    ///
    /// If a page of the run is allocated, it may be one that the byte level gives back, as for
    /// [`alloc_pages`](Self::alloc_pages). It never calls the out-of-memory hook: more free memory would be some other
    /// memory.
    ///
    /// # Errors
    ///
    /// - [`InvalidParam`](AllocError::InvalidParam): as [`alloc_pages`](Self::alloc_pages), and `base` is not a multiple
    ///   of `align_pow2`.
    /// - [`NoMemory`](AllocError::NoMemory): a page of the run is allocated or not held here.
    pub fn alloc_pages_at(
        &self,
        base: usize,
        num_pages: usize,
        align_pow2: usize,
        kind: UsageKind,
    ) -> AllocResult<usize> {
        self.or_after_trim(|| self.pages.lock().alloc_at(base, num_pages, align_pow2, kind))
    }

    /// Asks for pages, and once more if there are none and the byte level gave some back. No lock is held, by the caller
    /// or between two steps: pages that another processor takes meanwhile are its own.
    pub(super) fn or_after_trim(&self, ask: impl Fn() -> AllocResult<usize>) -> AllocResult<usize> {
        match ask() {
            Err(AllocError::NoMemory) if self.trim() > 0 => ask(),
            answer => answer,
        }
    }
}

impl<B, P: PageAllocator, R: RawMutex> GlobalAllocator<B, P, R> {
    /// Takes back the `num_pages` pages from address `pos`: any run of pages allocated as `kind`, in any
    /// pieces, each page once. A refused free is counted, and reported through a hook.
    ///
    /// Kinds are counters: a page does not remember its own. Pages that come back as another kind than they were
    /// taken for are accepted while so many pages are out as that kind, and then both counts are wrong, though no
    /// memory is. A [`PageRun`](crate::PageRun) carries its kind and cannot be given back as another.
    ///
    /// # Errors
    ///
    /// - [`NotAllocated`](AllocError::NotAllocated): `num_pages` is 0, `pos` is not the address of a page, some page of
    ///   the run is free or not held here, or fewer pages than that are out as `kind`.
    ///
    /// # Safety
    ///
    /// 1. The pages that are allocated are the caller's to give back.
    /// 2. After `Ok` nobody uses them.
    pub unsafe fn dealloc_pages(&self, pos: usize, num_pages: usize, kind: UsageKind) -> AllocResult {
        // The guard lives until the end of this statement: the report below is made without the lock.
        // SAFETY: 1. is the caller's 1. 2. is the caller's 2.
        let answer = unsafe { self.pages.lock().dealloc(pos, num_pages, kind) };
        answer.inspect_err(|&error| {
            self.report(&InvalidFree { address: pos, freed: Freed::Pages { num_pages, kind }, error });
        })
    }

    /// Calls `look` with the page allocator, for what only its type can tell, and returns what it returns.
    ///
    /// The lock of the page level is held: within `look`, allocate and free nothing, neither pages nor blocks,
    /// and call no method of this allocator. It would wait for itself.
    pub fn with_pages<T>(&self, look: impl FnOnce(&P) -> T) -> T {
        look(&self.pages.lock().pages)
    }

    /// Calls `change` with the page allocator, for operations that only its type has, and returns what it returns.
    ///
    /// What is allocated in `change` is used, but counted under no kind. The lock of the page level is held, as in
    /// [`with_pages`](Self::with_pages).
    ///
    /// # Safety
    ///
    /// 1. The page allocator is not replaced by another, neither by assignment nor by a swap.
    /// 2. Only pages that were handed out in such a closure are given back in it.
    pub unsafe fn with_pages_mut<T>(&self, change: impl FnOnce(&mut P) -> T) -> T {
        change(&mut self.pages.lock().pages)
    }
}

impl<B, P: LargestFreeRun, R: RawMutex> GlobalAllocator<B, P, R> {
    /// Pages of the largest free run: the figure that shows how fragmented pages are.
    #[must_use]
    pub fn largest_free_run_pages(&self) -> usize {
        self.pages.lock().pages.largest_free_run_pages()
    }
}
