//! The page level: a page allocator, and who uses its pages.
//!
//! Invariant: `counts` says, for each kind, how many of the pages that went out through here have not come back.

use allocator_api::{
    AddressRange, AllocError, AllocResult, ConstEmpty, ConstrainedPageAllocator, PageAllocator, Placement,
};

use crate::usage::{PageCounts, UsageKind};

/// A page allocator that counts pages by kind. All zero if `P::EMPTY` is.
#[derive(Debug)]
pub(crate) struct PageLevel<P> {
    pub(crate) pages: P,
    pub(crate) counts: PageCounts,
}

impl<P: ConstEmpty> ConstEmpty for PageLevel<P> {
    const EMPTY: Self = Self { pages: P::EMPTY, counts: PageCounts::ZERO };
}

impl<P: PageAllocator> PageLevel<P> {
    pub(crate) fn alloc(&mut self, num_pages: usize, align_pow2: usize, kind: UsageKind) -> AllocResult<usize> {
        let run = self.pages.alloc_pages(num_pages, align_pow2)?;
        self.counts.add(kind, num_pages);
        Ok(run)
    }

    pub(crate) fn alloc_at(
        &mut self,
        base: usize,
        num_pages: usize,
        align_pow2: usize,
        kind: UsageKind,
    ) -> AllocResult<usize> {
        let run = self.pages.alloc_pages_at(base, num_pages, align_pow2)?;
        self.counts.add(kind, num_pages);
        Ok(run)
    }

    pub(crate) fn alloc_in(
        &mut self,
        num_pages: usize,
        placement: Placement,
        kind: UsageKind,
    ) -> AllocResult<usize>
    where
        P: ConstrainedPageAllocator,
    {
        let run = self.pages.alloc_pages_in(num_pages, placement)?;
        self.counts.add(kind, num_pages);
        Ok(run)
    }

    /// Takes a run back; refuses it if there are not that many pages of `kind`.
    ///
    /// # Safety
    ///
    /// As [`PageAllocator::dealloc_pages`]:
    /// 1. The pages that are allocated are the caller's to give back.
    /// 2. After `Ok` nobody uses them.
    pub(crate) unsafe fn dealloc(&mut self, pos: usize, num_pages: usize, kind: UsageKind) -> AllocResult {
        if self.counts.of(kind) < num_pages {
            return Err(AllocError::NotAllocated);
        }
        // SAFETY: 1. is the caller's 1. 2. is the caller's 2.
        unsafe { self.pages.dealloc_pages(pos, num_pages) }?;
        self.counts.subtract(kind, num_pages);
        Ok(())
    }

    /// Counts `num_pages` pages that are out as `from` as `to`.
    ///
    /// # Errors
    ///
    /// - [`NotAllocated`](AllocError::NotAllocated): fewer pages than that are out as `from`.
    pub(crate) fn recount(&mut self, num_pages: usize, from: UsageKind, to: UsageKind) -> AllocResult {
        if self.counts.of(from) < num_pages {
            return Err(AllocError::NotAllocated);
        }
        self.counts.subtract(from, num_pages);
        self.counts.add(to, num_pages);
        Ok(())
    }

    /// Adds `part`, or as much of its front as the page allocator takes: one with a span takes a region only if
    /// all of it lies in the span.
    ///
    /// At most `usize::BITS + 1` regions are tried. `part` consists of whole pages and is not the whole address
    /// space.
    ///
    /// # Errors
    ///
    /// What the page allocator says of the whole of `part`, if it took nothing.
    ///
    /// # Safety
    ///
    /// As [`BaseAllocator::add_memory`](allocator_api::BaseAllocator::add_memory), for all of `part`:
    /// 1. It is memory that from now on nobody uses but the allocator and those it hands pages to.
    /// 2. Its provenance is exposed.
    pub(crate) unsafe fn add_front(&mut self, part: AddressRange) -> AllocResult {
        debug_assert!(part.trimmed(P::PAGE_SIZE) == Some(part));
        let size_bytes = part.size().unwrap_or(0);
        // SAFETY: 1. 2. are the caller's 1. and 2.
        let mut answer = unsafe { self.pages.add_memory(part.start(), size_bytes) };
        if answer.is_ok() {
            return answer;
        }
        // Powers of two, each tried once, add up to any smaller size.
        let mut step_bytes = size_bytes.checked_ilog2().map_or(0, |log2| 1 << log2);
        let mut rest = Some(part);
        while let (Some(left), true) = (rest, step_bytes >= P::PAGE_SIZE) {
            let fits = left.size().is_some_and(|bytes| step_bytes <= bytes);
            // SAFETY: 1. 2. The step lies in `left`, and that in `part`.
            if fits && unsafe { self.pages.add_memory(left.start(), step_bytes) }.is_ok() {
                answer = Ok(());
                rest = left.without_first(step_bytes);
            }
            step_bytes /= 2;
        }
        answer
    }
}
