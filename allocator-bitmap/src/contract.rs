//! The traits of the contract, and the one place that hands memory over to be written to.

use allocator_api::{
    AddressRange, AllocError, AllocResult, BaseAllocator, ConstrainedPageAllocator, Declaration, Declared,
    LargestFreeRun, PageAllocator, Placement, RemoveError, RemoveMemory,
};

use crate::{
    directory,
    home::Place,
    page_allocator::BitmapPageAllocator,
    pages::PageRange,
    records::{Home, Link, Records},
    remove::Plan,
    request::Request,
    run::is_page_alignment,
    start::{StartError, room_in},
};

impl<const PAGE_SIZE: usize, R: Records> Declared for BitmapPageAllocator<PAGE_SIZE, R> {
    const DECLARATION: Declaration =
        Declaration { touches_memory: R::IN_REGION, ..Declaration::without_gaps(R::NAME) };
}

impl<const PAGE_SIZE: usize, R: Records> BaseAllocator for BitmapPageAllocator<PAGE_SIZE, R> {
    unsafe fn init(&mut self, start: usize, size: usize) -> AllocResult {
        if !self.is_empty() {
            return Err(AllocError::InvalidParam);
        }
        // SAFETY: 1., 2. as promised to `init`, which asks the same.
        unsafe { self.add_memory(start, size) }
    }

    /// Takes one more region, or the first.
    ///
    /// # Errors
    ///
    /// As the trait says; [`NoMemory`](AllocError::NoMemory) means that there is no room for the records: too
    /// little was lent, or the region touches a span whose block cannot grow, and has too few pages for a new one.
    ///
    /// # Safety
    ///
    /// As the trait says. With [`Lent`](crate::Lent) and [`Inline`](crate::Inline) records the region is never
    /// touched. With [`InRegion`](crate::InRegion), the value that takes a region is the one that is used from
    /// then on: a copy of its bytes is not.
    unsafe fn add_memory(&mut self, start: usize, size: usize) -> AllocResult {
        let fresh = self.plan(start, size)?;
        self.check_total(fresh)?;
        // SAFETY: 1., 2. as promised to this function, of which `fresh` is a part.
        self.with_all_free(|pages| unsafe { pages.take_in(fresh) })
    }
}

impl<const PAGE_SIZE: usize, R: Records> BitmapPageAllocator<PAGE_SIZE, R> {
    /// Takes the pages `fresh` in, which no span has. No run is kept.
    ///
    /// # Errors
    ///
    /// [`InvalidParam`](AllocError::InvalidParam), [`NoMemory`](AllocError::NoMemory): there is no room for the records.
    ///
    /// # Safety
    ///
    /// 1. `fresh` is memory as [`add_memory`](BaseAllocator::add_memory) asks for.
    unsafe fn take_in(&mut self, fresh: PageRange) -> AllocResult {
        self.renew();
        let neighbours = self.neighbours(fresh);
        let (host, home) = match self.place_records(fresh, neighbours)? {
            Place::Stay(host) => (host, None),
            Place::Anew(home) => {
                let (words, _) = Self::block_size(self.joined_pages(fresh, neighbours));
                // SAFETY: 1. the home is free pages of `fresh`, promised to us, or of a span, promised earlier.
                // 2. links stay in this value's directory, and `join`, `move_records` and `remove_memory` release
                //    what they take out of it.
                let link = unsafe { self.records.claim(Self::home(home.unwrap_or(fresh)), words) };
                (link.ok_or(AllocError::NoMemory)?, home)
            }
        };
        self.forget_near();
        self.join(fresh, neighbours, host, home);
        self.move_to_end(host);
        Ok(())
    }

    /// Takes a region of mere numbers in: the same as [`add_memory`](BaseAllocator::add_memory), where records lie
    /// elsewhere.
    pub(crate) fn add_numbers(&mut self, first: usize, count: usize) -> AllocResult {
        const { assert!(!R::IN_REGION, "numbers are no memory that records could lie in") };
        // SAFETY: 1., 2. The region is never touched.
        unsafe { self.add_memory(first, count) }
    }

    /// Moves the block `link` to an end of its span, if that can be. No record is stale, and no place of one is known
    /// beside the directory.
    fn move_to_end(&mut self, link: Link) {
        let mut homes = self.moves_to_end(link).into_iter().flatten();
        let _end = homes.try_fold(link, |link, home| self.move_records(link, home));
    }

    /// Moves the block `link` to `home`, free pages of its span. Returns the block that it is there; `None`, and nothing
    /// is moved, if they are too few.
    fn move_records(&mut self, link: Link, home: PageRange) -> Option<Link> {
        let pages = self.span(link).pages();
        let (words, _) = Self::block_size(pages);
        // SAFETY: 1. the home is free pages of a span, promised when they were added. 2. `record_part` puts the link
        // into the directory, and it is released when it is taken out.
        let anew = unsafe { self.records.claim(Self::home(home), words) }?;
        self.root = directory::remove(&mut self.records, self.root, pages.first());
        self.record_part(link, anew, pages, Some(home), true);
        self.give_up(link);
        Some(anew)
    }

    /// The blocks for the parts that need new ones.
    ///
    /// # Errors
    ///
    /// [`NoRoom`](RemoveError::NoRoom): an arena has no room for one.
    fn claim_parts(&mut self, plans: [Plan; 2]) -> Result<[Option<Link>; 2], RemoveError> {
        let mut links = [None; 2];
        for (link, plan) in links.iter_mut().zip(plans) {
            if let Plan::Anew { part, home } = plan {
                let (words, _) = Self::block_size(part);
                // SAFETY: 1. the home is free pages of a span, promised when they were added. 2. the link is put
                // into the directory and released when it is taken out.
                *link = unsafe { self.records.claim(Self::home(home.unwrap_or(part)), words) };
                if link.is_none() {
                    return Err(RemoveError::NoRoom);
                }
            }
        }
        Ok(links)
    }

    /// As [`take_record_room`](PageAllocator::take_record_room), with errors that say what is lacking.
    ///
    /// # Errors
    ///
    /// [`StartError`]; nothing is taken then.
    ///
    /// # Safety
    ///
    /// 1. `regions` do not overlap, and keep the conditions of `init`.
    /// 2. The room returned is used by nobody else.
    pub(crate) unsafe fn take_room_in(
        &mut self,
        regions: impl Iterator<Item = AddressRange> + Clone,
    ) -> Result<Option<AddressRange>, StartError> {
        if !self.is_empty() {
            return Err(StartError::HasMemory);
        }
        let regions = regions.filter_map(|region| region.trimmed(PAGE_SIZE));
        if regions.clone().next().is_none() {
            return Err(StartError::NoPages);
        }
        let needed_bytes = Self::record_bytes_of(regions.clone());
        if let Some(lent_bytes) = self.records.room_bytes() {
            let is_enough = lent_bytes >= needed_bytes;
            return if is_enough {
                Ok(None)
            } else {
                Err(StartError::NoRoom { needed_bytes, longest_bytes: lent_bytes })
            };
        }
        let room = room_in(regions, needed_bytes, PAGE_SIZE)?;
        let home = Home { address: room.start(), bytes: room.size().unwrap_or(0) };
        // SAFETY: 1. the room lies in one of the regions (condition 1), and nobody else uses it (condition 2).
        unsafe { self.records.take_room(home) };
        Ok(Some(room))
    }

    fn remove_range(&mut self, link: Link, range: PageRange) -> Result<(), RemoveError> {
        self.check_unused(link, range)?;
        let plans = self.plan_parts(link, range)?;
        let links = self.claim_parts(plans)?;
        self.forget_near();
        self.root = directory::remove(&mut self.records, self.root, range.first());
        let kept = plans.iter().any(|plan| matches!(plan, Plan::Keep(_)));
        for (plan, anew) in plans.into_iter().zip(links) {
            if let (Plan::Anew { part, home }, Some(anew)) = (plan, anew) {
                self.record_part(link, anew, part, home, !kept);
            }
        }
        for plan in plans {
            if let Plan::Keep(part) = plan {
                self.shrink(link, part);
            }
        }
        if !kept {
            self.give_up(link);
        }
        self.total -= range.count();
        for link in links.into_iter().flatten().chain(kept.then_some(link)) {
            self.move_to_end(link);
        }
        Ok(())
    }
}

// SAFETY: 1. A run is bits that were one, which only managed pages' are (B1 of span.rs), at an admitted index. 2.
// Its bits are zero afterwards, and records' bits are never one. 3. Every error is found before the first change
// that can be told.
unsafe impl<const PAGE_SIZE: usize, R: Records> PageAllocator for BitmapPageAllocator<PAGE_SIZE, R> {
    const PAGE_SIZE: usize = PAGE_SIZE;

    #[inline]
    fn alloc_pages(&mut self, num_pages: usize, align_pow2: usize) -> AllocResult<usize> {
        if num_pages == 1 && align_pow2 == PAGE_SIZE {
            return self.alloc_one().ok_or(AllocError::NoMemory);
        }
        self.alloc_run(num_pages, align_pow2)
    }

    fn alloc_pages_at(&mut self, base: usize, num_pages: usize, align_pow2: usize) -> AllocResult<usize> {
        if num_pages == 0 || !is_page_alignment(align_pow2, PAGE_SIZE) || base & (align_pow2 - 1) != 0 {
            return Err(AllocError::InvalidParam);
        }
        let run = PageRange::counted(base >> Self::PAGE_LOG2, num_pages).ok_or(AllocError::NoMemory)?;
        self.alloc_exactly(run).ok_or(AllocError::NoMemory)
    }

    #[inline]
    unsafe fn dealloc_pages(&mut self, pos: usize, num_pages: usize) -> AllocResult {
        self.give_back(pos, num_pages)
    }

    /// Room is wanted for [`Lent`](crate::Lent) records, unless some was lent before: the end of the highest region
    /// that is long enough.
    unsafe fn take_record_room(
        &mut self,
        regions: impl Iterator<Item = AddressRange> + Clone,
    ) -> AllocResult<Option<AddressRange>> {
        // SAFETY: 1. 2. are the caller's 1. and 2.
        unsafe { self.take_room_in(regions) }.map_err(AllocError::from)
    }

    fn total_pages(&self) -> usize {
        self.total
    }

    fn used_pages(&self) -> usize {
        self.used
    }
}

// SAFETY: as for `PageAllocator`.
unsafe impl<const PAGE_SIZE: usize, R: Records> ConstrainedPageAllocator for BitmapPageAllocator<PAGE_SIZE, R> {
    fn alloc_pages_in(&mut self, num_pages: usize, placement: Placement) -> AllocResult<usize> {
        let Placement { align_pow2, within, boundary_pow2 } = placement;
        if num_pages == 0 || !is_page_alignment(align_pow2, PAGE_SIZE) {
            return Err(AllocError::InvalidParam);
        }
        let boundary = match boundary_pow2 {
            None => None,
            Some(bytes) if is_page_alignment(bytes, PAGE_SIZE) && num_pages <= bytes >> Self::PAGE_LOG2 => {
                Some(bytes >> Self::PAGE_LOG2)
            }
            Some(_) => return Err(AllocError::InvalidParam),
        };
        let within = within.trimmed(PAGE_SIZE).ok_or(AllocError::NoMemory)?;
        let within = PageRange::new(within.start() >> Self::PAGE_LOG2, within.last() >> Self::PAGE_LOG2)
            .ok_or(AllocError::NoMemory)?;
        let align = align_pow2 >> Self::PAGE_LOG2;
        let request = Request { count: num_pages, align, boundary, within };
        if self.kept.overlap(within) {
            return self.with_all_free(|pages| pages.alloc_request(&request).ok_or(AllocError::NoMemory));
        }
        self.alloc_request(&request).ok_or(AllocError::NoMemory)
    }
}

// SAFETY: after `Ok` no span has a page of the range, and blocks lie in pages of spans.
unsafe impl<const PAGE_SIZE: usize, R: Records> RemoveMemory for BitmapPageAllocator<PAGE_SIZE, R> {
    /// Takes the `size` bytes from address `start` out.
    ///
    /// # Errors
    ///
    /// As the trait says. Records in the range are moved where the rest of the span has free pages for them.
    fn remove_memory(&mut self, start: usize, size: usize) -> Result<(), RemoveError> {
        let (link, range) = self.range_to_remove(start, size)?;
        self.with_all_free(|pages| {
            pages.renew();
            pages.remove_range(link, range)
        })
    }
}

impl<const PAGE_SIZE: usize, R: Records> LargestFreeRun for BitmapPageAllocator<PAGE_SIZE, R> {
    /// O(log n + log s): stale records are renewed first.
    fn largest_free_run_pages(&mut self) -> usize {
        BitmapPageAllocator::largest_free_run_pages(self)
    }
}
