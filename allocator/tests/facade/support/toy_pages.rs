//! A page allocator with a flag a page, which writes down how it was called.

use std::collections::BTreeMap;

use allocator::{
    AddressRange, AllocError, AllocResult, BaseAllocator, ConstEmpty, ConstrainedPageAllocator, PageAllocator,
    Placement, address::is_aligned,
};

/// A call as it came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Call {
    Alloc { num_pages: usize, align_pow2: usize },
    Dealloc { num_pages: usize },
}

/// First fit from below. It manages only addresses up to `LAST`, takes regions of up to `LARGEST` bytes, both
/// inclusive, and touches no memory.
#[derive(Debug)]
pub(crate) struct ToyPages<
    const PAGE: usize = 4096,
    const LAST: usize = { usize::MAX },
    const LARGEST: usize = { usize::MAX },
> {
    /// Address of each page, and whether it is allocated.
    pub(crate) pages: BTreeMap<usize, bool>,
    pub(crate) calls: Vec<Call>,
}

impl<const PAGE: usize, const LAST: usize, const LARGEST: usize> ConstEmpty for ToyPages<PAGE, LAST, LARGEST> {
    const EMPTY: Self = Self { pages: BTreeMap::new(), calls: Vec::new() };
}

impl<const PAGE: usize, const LAST: usize, const LARGEST: usize> ToyPages<PAGE, LAST, LARGEST> {
    fn run_is(&self, base: usize, num_pages: usize, allocated: bool) -> bool {
        let mut pages = (0..num_pages).map(|i| base.checked_add(i.checked_mul(PAGE)?));
        pages.all(|page| page.and_then(|page| self.pages.get(&page)) == Some(&allocated))
    }

    fn mark(&mut self, base: usize, num_pages: usize, allocated: bool) {
        for i in 0..num_pages {
            self.pages.insert(base + i * PAGE, allocated);
        }
    }
}

fn check(num_pages: usize, align_pow2: usize, page_size: usize) -> AllocResult {
    let is_valid = num_pages != 0 && align_pow2.is_power_of_two() && align_pow2 >= page_size;
    if is_valid { Ok(()) } else { Err(AllocError::InvalidParam) }
}

impl<const PAGE: usize, const LAST: usize, const LARGEST: usize> BaseAllocator for ToyPages<PAGE, LAST, LARGEST> {
    unsafe fn init(&mut self, start: usize, size: usize) -> AllocResult {
        if !self.pages.is_empty() {
            return Err(AllocError::InvalidParam);
        }
        // SAFETY: as the caller says.
        unsafe { self.add_memory(start, size) }
    }

    unsafe fn add_memory(&mut self, start: usize, size: usize) -> AllocResult {
        let part = AddressRange::new(start, size).and_then(|range| range.trimmed(PAGE));
        let part = part.filter(|part| part.last() <= LAST).ok_or(AllocError::InvalidParam)?;
        if size > LARGEST {
            return Err(AllocError::NoMemory);
        }
        if self.pages.range(part.start()..=part.last()).next().is_some() {
            return Err(AllocError::MemoryOverlap);
        }
        self.pages.extend((part.start()..=part.last()).step_by(PAGE).map(|page| (page, false)));
        Ok(())
    }
}

// SAFETY: 1. 2. Runs are pages that are there and not allocated. 3. Refusals come first.
unsafe impl<const PAGE: usize, const LAST: usize, const LARGEST: usize> PageAllocator
    for ToyPages<PAGE, LAST, LARGEST>
{
    const PAGE_SIZE: usize = PAGE;

    fn alloc_pages(&mut self, num_pages: usize, align_pow2: usize) -> AllocResult<usize> {
        self.calls.push(Call::Alloc { num_pages, align_pow2 });
        check(num_pages, align_pow2, PAGE)?;
        let mut aligned = self.pages.keys().filter(|page| is_aligned(**page, align_pow2));
        let run = aligned.find(|page| self.run_is(**page, num_pages, false)).copied();
        let run = run.ok_or(AllocError::NoMemory)?;
        self.mark(run, num_pages, true);
        Ok(run)
    }

    fn alloc_pages_at(&mut self, base: usize, num_pages: usize, align_pow2: usize) -> AllocResult<usize> {
        check(num_pages, align_pow2, PAGE)?;
        if !is_aligned(base, align_pow2) {
            return Err(AllocError::InvalidParam);
        }
        if !self.run_is(base, num_pages, false) {
            return Err(AllocError::NoMemory);
        }
        self.mark(base, num_pages, true);
        Ok(base)
    }

    unsafe fn dealloc_pages(&mut self, pos: usize, num_pages: usize) -> AllocResult {
        self.calls.push(Call::Dealloc { num_pages });
        if num_pages == 0 || !self.run_is(pos, num_pages, true) {
            return Err(AllocError::NotAllocated);
        }
        self.mark(pos, num_pages, false);
        Ok(())
    }

    fn total_pages(&self) -> usize {
        self.pages.len()
    }

    fn used_pages(&self) -> usize {
        self.pages.values().filter(|allocated| **allocated).count()
    }
}

// SAFETY: as for `PageAllocator`.
unsafe impl<const PAGE: usize, const LAST: usize, const LARGEST: usize> ConstrainedPageAllocator
    for ToyPages<PAGE, LAST, LARGEST>
{
    fn alloc_pages_in(&mut self, num_pages: usize, placement: Placement) -> AllocResult<usize> {
        check(num_pages, placement.align_pow2, PAGE)?;
        if placement.boundary_pow2.is_some_and(|boundary| boundary < num_pages * PAGE) {
            return Err(AllocError::InvalidParam);
        }
        let mut admitted = self.pages.keys().filter(|page| placement.admits(**page, num_pages * PAGE));
        let run = admitted.find(|page| self.run_is(**page, num_pages, false)).copied();
        let run = run.ok_or(AllocError::NoMemory)?;
        self.mark(run, num_pages, true);
        Ok(run)
    }
}
