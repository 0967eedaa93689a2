//! Memory handed in, and how addresses and physical numbers go together.

use core::sync::atomic::Ordering;

use allocator_api::{AddressRange, AllocError, AllocResult, PageAllocator, address::is_aligned};
use lock_api::RawMutex;

use crate::{
    GlobalAllocator, MapReport, MemoryRegion,
    memory_map::{UsableRuns, pages_of_run, without_edge_pages},
};

impl<B, P: PageAllocator, R: RawMutex> GlobalAllocator<B, P, R> {
    /// Bytes in a page.
    pub const PAGE_SIZE: usize = P::PAGE_SIZE;

    /// Takes the first region: `size` bytes from address `start`. The page at address 0 and the last one of the
    /// address space are left out.
    ///
    /// # Errors
    ///
    /// - [`InvalidParam`](AllocError::InvalidParam): there is memory already; `size` is 0; the region reaches
    ///   beyond the address space; nothing usable is left after trimming; or `P` documents a span, and the
    ///   region leaves it.
    ///
    /// # Safety
    ///
    /// 1. For as long as the allocator or anything allocated from it is used, the whole region is memory that
    ///    may be read and written, and nobody but the allocator and those it hands memory to does so.
    /// 2. The provenance of the region is exposed; where the region touches one that is held, by one provenance that
    ///    covers both, as [`BaseAllocator::init`](allocator_api::BaseAllocator::init) explains.
    pub unsafe fn init(&self, start: usize, size: usize) -> AllocResult {
        let (start, size) = without_edges::<P>(start, size)?;
        // SAFETY: 1. is the caller's 1. 2. is the caller's 2.
        unsafe { self.pages.lock().pages.init(start, size) }
    }

    /// Takes one more region, or the first.
    ///
    /// # Errors
    ///
    /// As [`init`](Self::init), except that having memory already is no error, and
    ///
    /// - [`MemoryOverlap`](AllocError::MemoryOverlap): part of the region is held already.
    /// - [`NoMemory`](AllocError::NoMemory): a limit of `P` on the number of regions is reached.
    ///
    /// # Safety
    ///
    /// As [`init`](Self::init), conditions 1 and 2. Overlap with memory held is answered.
    pub unsafe fn add_memory(&self, start: usize, size: usize) -> AllocResult {
        let (start, size) = without_edges::<P>(start, size)?;
        // SAFETY: 1. is the caller's 1. 2. is the caller's 2.
        unsafe { self.pages.lock().pages.add_memory(start, size) }
    }

    /// Takes all usable memory of a map in physical numbers; `linear_offset` more is the address. Regions may
    /// have any order and size and may overlap: reserved wins, and what is usable twice counts once. What
    /// cannot be used is skipped and reported. O(n²) in the entries of the map.
    ///
    /// A page level that wants room for its records gets it first, at the end of a usable run: `bitmap`'s with `Lent`
    /// records never touches the pages that it manages, and needs no other preparation than this call.
    ///
    /// # Errors
    ///
    /// Nothing is taken then.
    ///
    /// - [`InvalidParam`](AllocError::InvalidParam): there is memory already; `linear_offset` is not a multiple
    ///   of the page size; or the map has no usable page.
    /// - [`NoMemory`](AllocError::NoMemory): no usable run is long enough for the records of all.
    /// - What `P` answered last, if it took nothing at all.
    ///
    /// # Safety
    ///
    /// 1. For as long as the allocator or anything allocated from it is used, all that the map calls usable and
    ///    not reserved is memory at its number plus `linear_offset` that may be read and written, and nobody
    ///    but the allocator and those it hands memory to does so. (Numbers that have no address with this
    ///    offset are skipped.)
    /// 2. The provenance of that memory is exposed; where usable entries touch, by one provenance that covers both.
    pub unsafe fn init_from_map(&self, map: &[MemoryRegion], linear_offset: usize) -> AllocResult<MapReport> {
        let mut level = self.pages.lock();
        if level.pages.total_pages() != 0 || !is_aligned(linear_offset, P::PAGE_SIZE) {
            return Err(AllocError::InvalidParam);
        }
        let pages_of = |run| pages_of_run(run, linear_offset, P::PAGE_SIZE);
        // SAFETY: 1. Runs of usable memory do not overlap, and keep the caller's 1. and 2. 2. It is left out below.
        let room = unsafe { level.pages.take_record_room(UsableRuns::new(map).filter_map(pages_of)) }?;
        let record_bytes = room.and_then(AddressRange::size).unwrap_or(0);
        let mut report = MapReport { record_bytes, ..MapReport::default() };
        let mut refusal = AllocError::InvalidParam;
        for run in UsableRuns::new(map) {
            report.usable_bytes = report.usable_bytes.saturating_add(run.size().unwrap_or(usize::MAX));
            let Some(part) = pages_of(run).and_then(|part| part.before(room)) else { continue };
            // SAFETY: 1. 2. `part` lies in what the map calls usable, so these are the caller's 1. and 2.
            match unsafe { level.add_front(part) } {
                Ok(()) => report.regions += 1,
                Err(error) => refusal = error,
            }
        }
        report.accepted_bytes = level.pages.total_pages().saturating_mul(P::PAGE_SIZE);
        report.skipped_bytes = report.usable_bytes.saturating_sub(report.accepted_bytes);
        if report.regions == 0 {
            return Err(refusal);
        }
        self.linear_offset.store(linear_offset, Ordering::Relaxed);
        Ok(report)
    }
}

impl<B, P, R> GlobalAllocator<B, P, R> {
    /// What an address is above its physical number: as given to [`init_from_map`](Self::init_from_map), else 0.
    #[must_use]
    pub fn linear_offset(&self) -> usize {
        self.linear_offset.load(Ordering::Relaxed)
    }

    /// The physical number of the byte at `address`, which is an address of the linear map.
    #[must_use]
    pub fn phys_of(&self, address: usize) -> usize {
        address.wrapping_sub(self.linear_offset())
    }
}

/// The start and size of a region without the pages at both ends of the address space.
///
/// # Errors
///
/// - [`InvalidParam`](AllocError::InvalidParam): the region is empty, reaches beyond the address space, or lies in
///   these pages.
fn without_edges<P: PageAllocator>(start: usize, size: usize) -> AllocResult<(usize, usize)> {
    let part = AddressRange::new(start, size).and_then(|region| without_edge_pages(region, P::PAGE_SIZE));
    part.and_then(|part| Some((part.start(), part.size()?))).ok_or(AllocError::InvalidParam)
}
