//! A page allocator of one flag for each page, for pages that are mere numbers, and what can be written over any.

use allocator_api::{AddressRange, AllocError, AllocResult, BaseAllocator, ConstEmpty, PageAllocator};

/// At most 64 pages, in one region; bit i says that page i is allocated. It never touches them.
pub(crate) struct PageFlags<const PAGE_SIZE: usize> {
    region: Option<AddressRange>,
    allocated: u64,
}

impl<const PAGE_SIZE: usize> ConstEmpty for PageFlags<PAGE_SIZE> {
    const EMPTY: Self = Self { region: None, allocated: 0 };
}

impl<const PAGE_SIZE: usize> PageFlags<PAGE_SIZE> {
    /// The flags of the run, if it lies in the region.
    fn flags(&self, start: usize, pages: usize) -> Option<u64> {
        let run = AddressRange::new(start, pages.checked_mul(PAGE_SIZE)?)?;
        let region = self.region.filter(|region| region.contains_range(run))?;
        let first = (start - region.start()) / PAGE_SIZE;
        Some((u64::MAX >> (64 - pages)) << first)
    }

    fn check(pages: usize, align: usize) -> AllocResult {
        let valid = pages > 0 && align.is_power_of_two() && align >= PAGE_SIZE;
        if valid { Ok(()) } else { Err(AllocError::InvalidParam) }
    }
}

impl<const PAGE_SIZE: usize> BaseAllocator for PageFlags<PAGE_SIZE> {
    unsafe fn init(&mut self, start: usize, size: usize) -> AllocResult {
        if self.region.is_some() {
            return Err(AllocError::InvalidParam);
        }
        // SAFETY: 1., 2. The caller's.
        unsafe { self.add_memory(start, size) }
    }

    unsafe fn add_memory(&mut self, start: usize, size: usize) -> AllocResult {
        let whole = AddressRange::new(start, size).ok_or(AllocError::InvalidParam)?;
        let pages = whole.trimmed(PAGE_SIZE).filter(|pages| pages.last() - pages.start() < 64 * PAGE_SIZE);
        let pages = pages.ok_or(AllocError::InvalidParam)?;
        match self.region {
            None => self.region = Some(pages),
            Some(held) if held.overlaps(whole) => return Err(AllocError::MemoryOverlap),
            Some(_) => return Err(AllocError::NoMemory),
        }
        Ok(())
    }
}

// SAFETY: 1. A run lies in the region, from an aligned address on. 2. Its flags were clear. 3. Flags change after the last
// check.
unsafe impl<const PAGE_SIZE: usize> PageAllocator for PageFlags<PAGE_SIZE> {
    const PAGE_SIZE: usize = PAGE_SIZE;

    fn alloc_pages(&mut self, num_pages: usize, align_pow2: usize) -> AllocResult<usize> {
        Self::check(num_pages, align_pow2)?;
        let region = self.region.ok_or(AllocError::NoMemory)?;
        let pages = (0..self.total_pages()).map(|page| region.start() + page * PAGE_SIZE);
        let free = |start: &usize| self.flags(*start, num_pages).is_some_and(|flags| flags & self.allocated == 0);
        let start =
            pages.filter(|start| start.is_multiple_of(align_pow2)).find(free).ok_or(AllocError::NoMemory)?;
        self.alloc_pages_at(start, num_pages, align_pow2)
    }

    fn alloc_pages_at(&mut self, base: usize, num_pages: usize, align_pow2: usize) -> AllocResult<usize> {
        Self::check(num_pages, align_pow2)?;
        if !base.is_multiple_of(align_pow2) {
            return Err(AllocError::InvalidParam);
        }
        let flags = self.flags(base, num_pages).filter(|flags| flags & self.allocated == 0);
        self.allocated |= flags.ok_or(AllocError::NoMemory)?;
        Ok(base)
    }

    unsafe fn dealloc_pages(&mut self, pos: usize, num_pages: usize) -> AllocResult {
        let valid = num_pages > 0 && pos.is_multiple_of(PAGE_SIZE);
        let flags = if valid { self.flags(pos, num_pages) } else { None };
        let live = flags.filter(|flags| flags & self.allocated == *flags);
        self.allocated &= !live.ok_or(AllocError::NotAllocated)?;
        Ok(())
    }

    fn total_pages(&self) -> usize {
        self.region.map_or(0, |region| (region.last() - region.start()) / PAGE_SIZE + 1)
    }

    fn used_pages(&self) -> usize {
        self.allocated.count_ones() as usize
    }
}

/// Pages `first..first + pages` as an allocator of their own.
pub(crate) fn flags_of<const PAGE_SIZE: usize>(first: usize, pages: usize) -> PageFlags<PAGE_SIZE> {
    let mut flags = PageFlags::EMPTY;
    // SAFETY: 1., 2. The pages are numbers, which the toy never touches.
    unsafe { flags.init(first * PAGE_SIZE, pages * PAGE_SIZE) }.expect("there are pages, at most 64");
    flags
}

/// Some pages of 4 KiB that are memory.
pub(crate) fn flags_of_memory(pages: usize) -> PageFlags<4096> {
    let memory = vec![0_u8; (pages + 1) * 4096].leak();
    let first = memory.as_mut_ptr().expose_provenance().div_ceil(4096);
    flags_of(first, pages)
}

/// The longest run that can be had: written over any page allocator.
fn longest_run<P: PageAllocator>(pages: &mut P) -> usize {
    let fits = |count: &usize| {
        let run = pages.alloc_pages(*count, P::PAGE_SIZE);
        // SAFETY: 1. The run was handed out in the line above. 2. Nobody uses it.
        run.is_ok_and(|run| unsafe { pages.dealloc_pages(run, *count) }.is_ok())
    };
    (1..).take_while(fits).last().unwrap_or(0)
}

#[test]
fn a_generic_function_serves_any_page_allocator() {
    let mut small = flags_of::<4096>(1, 64);
    assert_eq!(longest_run(&mut small), 64);
    assert_eq!(small.alloc_pages(1, 4096 * 32), Ok(32 * 4096));
    assert_eq!(longest_run(&mut small), 32);
    let mut large = flags_of::<{ 1 << 21 }>(5, 3);
    assert_eq!(longest_run(&mut large), 3);
    let mut empty = PageFlags::<4096>::EMPTY;
    assert_eq!(longest_run(&mut empty), 0);
}

#[test]
fn a_run_is_given_back_in_pieces_and_never_twice() {
    let mut pages = flags_of::<4096>(0, 8);
    let run = pages.alloc_pages(7, 4096).unwrap();
    assert_eq!((pages.available_pages(), pages.alloc_pages(1, 4096)), (1, Ok(run + 7 * 4096)));
    // SAFETY: 1. The pages that are allocated are the test's. 2. Nobody uses them.
    let answers = [(2, 3), (2, 1), (0, 8), (0, 2), (5, 3)]
        .map(|(first, count)| unsafe { pages.dealloc_pages(run + first * 4096, count) });
    let refused = Err(AllocError::NotAllocated);
    assert_eq!(answers, [Ok(()), refused, refused, Ok(()), Ok(())]);
    assert_eq!(pages.available_pages(), 8);
}

#[test]
fn the_last_page_of_the_address_space_is_a_page() {
    let mut pages = flags_of::<4096>(usize::MAX / 4096 - 1, 2);
    assert_eq!(pages.alloc_pages_at(usize::MAX - 4095, 1, 4096), Ok(usize::MAX - 4095));
    assert_eq!(pages.alloc_pages_at(usize::MAX - 4095, 1, 4096), Err(AllocError::NoMemory));
    assert_eq!((pages.used_pages(), pages.total_pages()), (1, 2));
}
