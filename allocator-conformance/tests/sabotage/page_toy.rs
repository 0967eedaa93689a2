//! A first-fit page allocator that keeps a set of allocated pages, apart from them or with a page of records in each
//! region. It can be broken in one place at a time.

use std::{collections::BTreeSet, vec::Vec};

use allocator_api::{
    AddressRange, AllocError, AllocResult, BaseAllocator, ConstEmpty, Declaration, Declared, Gap, PageAllocator,
};

use crate::fault::on;

/// The toy. With `RECORDS` the first page of each region holds records, and is written.
pub(crate) struct ToyPages<const PAGE: usize, const RECORDS: bool> {
    // In the order of coming; whole pages; none overlap.
    regions: Vec<AddressRange>,
    // Numbers of pages: addresses divided by the size.
    allocated: BTreeSet<usize>,
    total: usize,
    used: usize,
    allocations: usize,
    frees: usize,
}

const RECORDS_BETWEEN: &[Gap] = &[Gap {
    case: "adjacent_regions_serve_one_request",
    why: "the records of a region lie between it and the one below",
}];

impl<const PAGE: usize, const RECORDS: bool> ConstEmpty for ToyPages<PAGE, RECORDS> {
    const EMPTY: Self =
        Self { regions: Vec::new(), allocated: BTreeSet::new(), total: 0, used: 0, allocations: 0, frees: 0 };
}

impl<const PAGE: usize, const RECORDS: bool> Declared for ToyPages<PAGE, RECORDS> {
    const DECLARATION: Declaration = Declaration {
        touches_memory: RECORDS,
        gaps: if RECORDS { RECORDS_BETWEEN } else { &[] },
        ..Declaration::without_gaps("toy")
    };
}

impl<const PAGE: usize, const RECORDS: bool> ToyPages<PAGE, RECORDS> {
    fn is_held(&self, page: usize) -> bool {
        let used = if on("only the lowest region used") { self.regions.len().min(1) } else { self.regions.len() };
        self.regions[..used].iter().any(|region| region.contains(page * PAGE))
    }

    /// Whether the run from `first` on is free, as far as it may go.
    fn run_is_free(&self, first: usize, pages: usize) -> bool {
        let Some(last) = first.checked_add(pages - 1).filter(|last| *last <= usize::MAX / PAGE) else {
            return false;
        };
        if self.allocated.range(first..=last).next().is_some() {
            return false;
        }
        let within = |region: &AddressRange| region.contains(first * PAGE) && region.contains(last * PAGE);
        if on("neighbours not joined") {
            return self.regions.iter().any(within);
        }
        (first..=last).all(|page| self.is_held(page))
    }

    fn find(&self, pages: usize, align_pages: usize) -> Option<usize> {
        let align = if on("alignment ignored") || on("alignment ignored for one page") && pages == 1 {
            1
        } else {
            align_pages
        };
        let step = if on("every second aligned page") && align > 1 { 2 * align } else { align };
        for region in &self.regions {
            let (first, last) = (region.start() / PAGE, region.last() / PAGE);
            let mut start =
                if on("alignment of the index") { first } else { first.checked_next_multiple_of(align)? };
            while start <= last {
                if self.run_is_free(start, pages) {
                    return Some(start);
                }
                start = start.checked_add(step)?;
            }
        }
        None
    }

    fn take(&mut self, first: usize, pages: usize) {
        self.allocated.extend(first..=first + (pages - 1));
        self.used += if on("used counts runs") { 1 } else { pages };
        self.allocations += 1;
        if on("touches pages") {
            let page = core::ptr::with_exposed_provenance_mut::<u8>(first * PAGE);
            // SAFETY: only the case on memory that is there runs with this fault.
            unsafe { page.write(1) };
        }
    }

    fn check(pages: usize, align: usize) -> AllocResult {
        let bad_align = !align.is_power_of_two() && !on("any alignment accepted")
            || align < PAGE && !on("small alignment accepted");
        if bad_align || pages == 0 && !on("no pages accepted") {
            return Err(AllocError::InvalidParam);
        }
        if on("huge run invalid") && pages > 1 << 20 { Err(AllocError::InvalidParam) } else { Ok(()) }
    }

    fn refuses(&self, pages: usize) -> bool {
        pages > self.total - self.used
            || on("refuses too early") && self.used + 1 >= self.total
            || on("falls apart") && self.frees > 60 && pages > self.total / 2
            || on("every fifth free blocks requests") && self.frees % 5 == 4
            || on("longest run refused") && pages > 6 && pages == self.longest()
    }

    fn longest(&self) -> usize {
        (1..=self.total).take_while(|pages| self.find(*pages, 1).is_some()).last().unwrap_or(0)
    }

    fn trimmed(&self, start: usize, size: usize) -> AllocResult<AddressRange> {
        let size = match size {
            0 if on("empty region accepted") => PAGE,
            _ if on("end clamped") => size.min(usize::MAX - start),
            _ => size,
        };
        let whole = AddressRange::new(start, size).ok_or(AllocError::InvalidParam)?;
        if on("top refused") && whole.last() == usize::MAX
            || on("zero refused") && start == 0
            || on("capacity fixed") && size > (1 << 30).min(usize::MAX / 32)
        {
            return Err(AllocError::InvalidParam);
        }
        let bytes_outward =
            on("trimmed outward") && start % PAGE == 1 || on("part of a page accepted") && size < PAGE;
        let start = if bytes_outward { start - start % PAGE } else { start };
        let size = if bytes_outward { size.next_multiple_of(PAGE) } else { size };
        let outward = AddressRange::new(start, size).ok_or(AllocError::InvalidParam)?;
        outward.trimmed(PAGE).ok_or(AllocError::InvalidParam)
    }

    fn overlaps(&self, start: usize, size: usize) -> bool {
        let Some(whole) = AddressRange::new(start, size.max(1)) else { return false };
        self.regions.iter().any(|held| {
            if on("containing overlap accepted") {
                held.contains(whole.start()) || held.contains(whole.last())
            } else if on("overlap by a byte accepted") {
                held.overlaps(whole) && held.start() != whole.last()
            } else {
                held.overlaps(whole)
            }
        })
    }
}

impl<const PAGE: usize, const RECORDS: bool> BaseAllocator for ToyPages<PAGE, RECORDS> {
    unsafe fn init(&mut self, start: usize, size: usize) -> AllocResult {
        if self.total != 0 && !on("init works twice") {
            return Err(AllocError::InvalidParam);
        }
        if on("refused init remembered") && size == 0 {
            self.total = 1;
        }
        // SAFETY: 1., 2. The caller's.
        unsafe { self.add_memory(start, size) }
    }

    unsafe fn add_memory(&mut self, start: usize, size: usize) -> AllocResult {
        if on("add_memory never first") && self.total == 0 {
            return Err(AllocError::InvalidParam);
        }
        let region = self.trimmed(start, size)?;
        if self.overlaps(start, size) {
            return Err(if on("overlap called invalid") {
                AllocError::InvalidParam
            } else {
                AllocError::MemoryOverlap
            });
        }
        let far = self.regions.iter().any(|held| held.start().abs_diff(region.start()) > 1 << (usize::BITS - 8));
        if on("few regions") && self.regions.len() == 100 || on("far regions refused") && far {
            return Err(AllocError::NoMemory);
        }
        if on("writes before the region") {
            let before = core::ptr::with_exposed_provenance_mut::<u8>(region.start() - 1);
            // SAFETY: only a case that lends the page before the region runs with this fault.
            unsafe { before.write(0) };
        }
        let pages = (region.last() - region.start()) / PAGE + 1;
        if RECORDS && pages == 1 {
            return Err(AllocError::InvalidParam);
        }
        self.total += if on("total counted twice") { 2 * pages } else { pages };
        self.used += if on("later regions used up") && self.total > pages { pages + 1 } else { 0 };
        self.regions.push(region);
        if RECORDS {
            let records = core::ptr::with_exposed_provenance_mut::<u8>(region.start());
            // SAFETY: the region's first page is the allocator's.
            unsafe { records.write_bytes(0xee, PAGE) };
            self.allocated.insert(region.start() / PAGE);
            self.used += 1;
        }
        if on("page alone wasted") && pages == 1 {
            self.regions.pop();
        }
        Ok(())
    }
}

// SAFETY: without a fault: 1. `find` looks in regions only, at multiples of the alignment. 2. It takes free pages only,
// and records are never free. 3. Nothing is changed before the last check.
unsafe impl<const PAGE: usize, const RECORDS: bool> PageAllocator for ToyPages<PAGE, RECORDS> {
    const PAGE_SIZE: usize = PAGE;

    fn alloc_pages(&mut self, num_pages: usize, align_pow2: usize) -> AllocResult<usize> {
        Self::check(num_pages, align_pow2)?;
        let num_pages = if on("sizes overflow") { num_pages.wrapping_mul(PAGE) / PAGE } else { num_pages };
        if self.refuses(num_pages) {
            return Err(AllocError::NoMemory);
        }
        let found = self.find(num_pages.max(1), (align_pow2 / PAGE).max(1));
        let mut first = match self.regions.last() {
            Some(region) if on("runs beyond the regions") && self.allocations > 3 => region.last() / PAGE + 1,
            _ => found.ok_or(AllocError::NoMemory)?,
        };
        if on("overlap after a while") && self.allocations > 600 {
            let aligned = |page: &&usize| page.is_multiple_of(align_pow2 / PAGE);
            first = self.allocated.iter().find(aligned).copied().unwrap_or(first);
        }
        self.take(first, num_pages.max(1));
        Ok(first * PAGE)
    }

    fn alloc_pages_at(&mut self, base: usize, num_pages: usize, align_pow2: usize) -> AllocResult<usize> {
        Self::check(num_pages, align_pow2)?;
        if !base.is_multiple_of(align_pow2) && !on("misaligned place accepted") {
            return Err(AllocError::InvalidParam);
        }
        let first = match self.find(num_pages.max(1), 1) {
            Some(other) if on("place ignored") => other,
            _ => base / PAGE,
        };
        let taken_is_given = on("taken pages given") && self.is_held(first) && num_pages == 1;
        let lone =
            on("a place above a live page refused") && num_pages == 3 && self.allocated.contains(&(first - 1));
        if lone || self.refuses(num_pages) || !self.run_is_free(first, num_pages.max(1)) && !taken_is_given {
            return Err(AllocError::NoMemory);
        }
        self.take(first, num_pages.max(1));
        Ok(first * PAGE)
    }

    unsafe fn dealloc_pages(&mut self, pos: usize, num_pages: usize) -> AllocResult {
        if on("free before memory accepted") && self.total == 0 {
            return Ok(());
        }
        let first = pos / PAGE;
        let misaligned = !pos.is_multiple_of(PAGE) && !on("misaligned free accepted");
        let beyond = num_pages.checked_mul(PAGE).and_then(|bytes| AddressRange::new(pos, bytes)).is_none();
        if num_pages == 0 && on("free of nothing accepted") {
            return Ok(());
        }
        if num_pages == 0 || misaligned || beyond || num_pages > self.total {
            return Err(AllocError::NotAllocated);
        }
        let run = first..=first + (num_pages - 1);
        let records = |page: usize| RECORDS && self.regions.iter().any(|region| region.start() / PAGE == page);
        let is_live = |page: usize| {
            self.allocated.contains(&page) && !records(page)
                || on("double free accepted") && self.is_held(page)
                || on("foreign accepted") && !self.is_held(page) && num_pages < 3
        };
        let inner = on("pieces refused") && first > 0 && self.allocated.contains(&(first - 1));
        if !run.clone().all(is_live) || inner || on("long frees refused") && num_pages == 20 {
            if on("partly free run freed") {
                let freed = run.filter(|page| self.allocated.remove(page)).count();
                self.used -= freed;
            }
            return Err(AllocError::NotAllocated);
        }
        let freed = run.filter(|page| self.allocated.remove(page)).count();
        self.frees += 1;
        self.total -= usize::from(on("free changes total"));
        if let Some(page) = self.allocated.first().filter(|_| on("free writes into a run")) {
            let first = core::ptr::with_exposed_provenance_mut::<u8>(page * PAGE);
            // SAFETY: the page is memory; that it is another's is what this sabotage abuses.
            unsafe { first.write(0) };
        }
        self.used -= match freed {
            _ if on("used never falls") => 0,
            pages if on("used counts runs") => pages.min(1),
            pages => pages,
        };
        Ok(())
    }

    fn total_pages(&self) -> usize {
        if on("total before memory") { self.total.max(1) } else { self.total }
    }

    fn used_pages(&self) -> usize {
        if on("used above total") && !self.allocated.is_empty() { self.total + 1 } else { self.used }
    }

    fn available_pages(&self) -> usize {
        self.total_pages() - self.used_pages() + usize::from(on("available too large") && self.frees > 0)
    }
}
