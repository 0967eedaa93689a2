//! A page allocator under test, watched at every step.
//!
//! What pages are free is fully told by what was handed in, handed out and given back (but for the pages that hold the
//! allocator's records, which are found by handing out every page there is). So the books predict nearly every
//! answer, and each operation here compares the answer with that.
//!
//! # What is checked at every step
//!
//! - A run is aligned, lies in the regions, overlaps no live run; every byte of it is written, where it is memory.
//! - A run has kept its bytes when it is given back.
//! - `total = used + available`; a run raises and lowers `used` by its pages; a refusal changes nothing.
//! - A free is answered as the books say.

use core::ptr::NonNull;

use allocator_api::{AddressRange, AllocError, AllocResult, ConstEmpty, Declared, PageAllocator};

use crate::{
    bench::Bench,
    book::{Book, Entry},
    memory::{fill, first_other, non_null},
    random::Random,
    slot::SlotLoan,
    verdict::{Step, Stop, With, answers, at_least, at_most, broken, equal, mistake},
};

/// The most runs that may be live at once.
const RUNS: usize = 4096;
/// The most regions.
const REGIONS: usize = 512;
/// The pages that every case can count on, or is skipped.
const NUMBERED_PAGES: usize = 4096;
/// Where numbers start when there is no memory for the pages: a power of two far from both ends.
const NUMBERS_START: usize = 1 << (usize::BITS - 2);

/// What an allocator says of its pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Statistics {
    /// Pages held.
    pub(crate) total: usize,
    /// Pages that cannot be handed out.
    pub(crate) used: usize,
}

/// A page allocator and what the suite knows of it.
pub(crate) struct Subject<'b, A: 'static> {
    slot: &'b mut SlotLoan<A>,
    // The pages that cases cut regions from: lent memory, or mere numbers if the allocator does not touch its pages
    // and there is too little memory for pages so large.
    ground: AddressRange,
    memory: AddressRange,
    // Invariant P1: the regions that the allocator accepted since it was fresh. A region that is not in `memory` was
    // handed to an allocator that does not touch its regions.
    regions: Book<'b>,
    // Invariant P2: the allocator's live runs; each lies in the regions, and where it is memory every byte of it was
    // set to its seed.
    live: Book<'b>,
    live_pages: usize,
    last_seed: u8,
    /// The case's own random numbers.
    pub(crate) random: Random,
}

impl<'b, A: PageAllocator + ConstEmpty + Declared> Subject<'b, A> {
    /// Bytes in a page.
    pub(crate) const PAGE: usize = A::PAGE_SIZE;

    /// A fresh allocator on the bench.
    pub(crate) fn on(bench: &'b mut Bench<A>) -> Self {
        let memory = bench.memory.ground();
        let [live, regions] = bench.memory.tables(Entry::plain(memory), [RUNS, REGIONS]);
        bench.slot.fresh();
        Self {
            slot: &mut bench.slot,
            ground: Self::ground_for(memory),
            memory,
            regions: Book::new(regions),
            live: Book::new(live),
            live_pages: 0,
            last_seed: 0,
            random: Random::new(2),
        }
    }

    fn ground_for(memory: AddressRange) -> AddressRange {
        let enough = memory.size().is_some_and(|bytes| bytes / Self::PAGE >= NUMBERED_PAGES / 2);
        if enough || A::DECLARATION.touches_memory {
            return memory;
        }
        let bytes = NUMBERED_PAGES.saturating_mul(Self::PAGE).min(NUMBERS_START);
        AddressRange::new(NUMBERS_START, bytes).unwrap_or(memory)
    }

    /// Forgets the allocator and takes a fresh one.
    pub(crate) fn fresh(&mut self) {
        self.slot.fresh();
        self.regions.clear();
        self.live.clear();
        self.live_pages = 0;
    }

    /// Skips the case unless `pages` pages can be managed here.
    pub(crate) fn need_pages(&self, pages: usize) -> Step {
        let bytes = pages.saturating_mul(Self::PAGE);
        if A::DECLARATION.span_bytes.is_some_and(|span| span < bytes) {
            return Err(Stop::Skipped("the allocator's span has too few pages"));
        }
        if self.ground.size().is_some_and(|size| size < bytes) {
            return Err(Stop::Skipped("the memory lent has too few pages"));
        }
        Ok(())
    }

    /// The address of the ground's page `index`, plus `bytes`.
    pub(crate) fn page(&self, index: usize) -> usize {
        self.ground.start().wrapping_add(index.wrapping_mul(Self::PAGE))
    }

    /// The lent memory.
    pub(crate) fn memory(&self) -> AddressRange {
        self.memory
    }

    /// The live runs.
    pub(crate) fn live(&self) -> &Book<'b> {
        &self.live
    }

    /// The regions accepted.
    pub(crate) fn regions(&self) -> &Book<'b> {
        &self.regions
    }

    /// The statistics, which must agree with one another and with the books.
    pub(crate) fn statistics(&mut self) -> Step<Statistics> {
        let allocator = self.slot.get();
        let (total, used) = (allocator.total_pages(), allocator.used_pages());
        at_most("statistics: used is at most total", total, used)?;
        equal("statistics: available is total less used", total - used, allocator.available_pages())?;
        at_least("statistics: used covers the live runs", self.live_pages, used)?;
        Ok(Statistics { total, used })
    }

    /// The statistics are these.
    #[track_caller]
    pub(crate) fn expect_statistics(&mut self, expected: Statistics) -> Step {
        let got = self.statistics()?;
        equal("unchanged: total pages", expected.total, got.total)?;
        equal("used pages are as the books say", expected.used, got.used)
    }

    /// Calls `init`.
    pub(crate) fn init(&mut self, start: usize, size: usize) -> Step<AllocResult> {
        self.hand_in(start, size, true)
    }

    /// Calls `add_memory`.
    pub(crate) fn add(&mut self, start: usize, size: usize) -> Step<AllocResult> {
        self.hand_in(start, size, false)
    }

    /// Calls `add_memory` with whole pages of the ground, which must be accepted.
    #[track_caller]
    pub(crate) fn must_add(&mut self, first_page: usize, pages: usize) -> Step {
        let answer = self.add(self.page(first_page), pages * Self::PAGE)?;
        answers("add_memory: a usable region is accepted", Ok(()), answer).with(pages)
    }

    fn hand_in(&mut self, start: usize, size: usize, as_init: bool) -> Step<AllocResult> {
        let region = AddressRange::new(start, size);
        if A::DECLARATION.touches_memory && !region.is_none_or(|range| self.memory.contains_range(range)) {
            return Err(mistake("hand in: the region lies in the memory lent"));
        }
        let before = self.statistics()?;
        let allocator = self.slot.get();
        // SAFETY: 1. The region lies in lent memory that the suite uses only where no region is; or it lies beyond the
        // address space or overlaps a region, which is answered; or the allocator does not touch it, and neither
        // does the suite. 2. The provenance of lent memory is exposed.
        let answer =
            unsafe { if as_init { allocator.init(start, size) } else { allocator.add_memory(start, size) } };
        let Ok(()) = answer else {
            self.expect_statistics(before).with(size)?;
            return Ok(answer);
        };
        let Some(range) = region else {
            return Err(broken("hand in: a region beyond the address space", AllocError::InvalidParam, answer));
        };
        if self.regions.push(Entry::plain(range)).is_none() {
            return Err(broken("hand in: overlap is refused", AllocError::MemoryOverlap, answer)).with(size);
        }
        let pages = range.trimmed(Self::PAGE).map_or(0, pages_in::<A>);
        let after = self.statistics()?;
        equal("hand in: total rises by the whole pages", before.total + pages, after.total).with(size)?;
        at_least("hand in: used does not fall", before.used, after.used).with(size)?;
        Ok(answer)
    }

    /// Asks for a run. Returns it, or `None` if the answer was `NoMemory`.
    pub(crate) fn alloc(&mut self, pages: usize, align: usize) -> Step<Option<AddressRange>> {
        let before = self.statistics()?;
        match self.slot.get().alloc_pages(pages, align) {
            Ok(start) => self.admit(before, start, pages, align).map(Some),
            Err(AllocError::NoMemory) => self.expect_statistics(before).map(|()| None),
            Err(error) => Err(broken("alloc_pages: a run or NoMemory", AllocError::NoMemory, error)).with(pages),
        }
    }

    /// Asks for a run that there must be room for.
    #[track_caller]
    pub(crate) fn must_alloc(&mut self, pages: usize, align: usize) -> Step<AddressRange> {
        match self.alloc(pages, align)? {
            Some(run) => Ok(run),
            None => {
                Err(broken("alloc_pages: what fits is not refused", "a run", AllocError::NoMemory)).with(pages)
            }
        }
    }

    /// Asks for a run that must be refused with `error`.
    #[track_caller]
    pub(crate) fn must_refuse(&mut self, pages: usize, align: usize, error: AllocError) -> Step {
        let before = self.statistics()?;
        answers("alloc_pages: the request is refused", Err(error), self.slot.get().alloc_pages(pages, align))
            .with(pages)?;
        self.expect_statistics(before).with(pages)
    }

    /// Asks for exactly one run. Returns the answer.
    pub(crate) fn alloc_at(&mut self, start: usize, pages: usize, align: usize) -> Step<AllocResult> {
        let before = self.statistics()?;
        match self.slot.get().alloc_pages_at(start, pages, align) {
            Ok(got) if got != start => Err(broken(
                "alloc_pages_at: exactly that run (remainder of the start)",
                0,
                got.wrapping_sub(start),
            )),
            Ok(_) => self.admit(before, start, pages, align).map(|_| Ok(())),
            Err(error) => self.expect_statistics(before).map(|()| Err(error)),
        }
    }

    /// Asks for exactly one run, with the answer that there must be.
    #[track_caller]
    pub(crate) fn expect_alloc_at(
        &mut self,
        expected: AllocResult,
        start: usize,
        pages: usize,
        align: usize,
    ) -> Step {
        answers("alloc_pages_at: the answer", expected, self.alloc_at(start, pages, align)?).with(pages)
    }

    /// Gives pages back, rightly or wrongly: the books know the answer that must come. Returns it.
    #[track_caller]
    pub(crate) fn dealloc(&mut self, start: usize, pages: usize) -> Step<AllocResult> {
        let range = pages.checked_mul(Self::PAGE).and_then(|bytes| AddressRange::new(start, bytes));
        let live = range.filter(|range| start.is_multiple_of(Self::PAGE) && self.live.covers(*range));
        if let Some(range) = live {
            self.forget(range)?;
        }
        let before = self.statistics_before_free(live.map_or(0, |_| pages))?;
        // SAFETY: 1. All live pages are the suite's. 2. They left the book above.
        let answer = unsafe { self.slot.get().dealloc_pages(start, pages) };
        let expected = if live.is_some() { Ok(()) } else { Err(AllocError::NotAllocated) };
        answers("dealloc_pages: the answer", expected, answer).with(pages)?;
        self.expect_statistics(before).with(pages)?;
        Ok(answer)
    }

    /// Gives back pages that are live.
    #[track_caller]
    pub(crate) fn must_dealloc(&mut self, run: AddressRange) -> Step {
        let answer = self.dealloc(run.start(), pages_in::<A>(run))?;
        if answer.is_err() { Err(mistake("dealloc_pages: the pages are live")) } else { Ok(()) }
    }

    /// The statistics as they must be once `pages` pages have been given back.
    fn statistics_before_free(&mut self, pages: usize) -> Step<Statistics> {
        let now = self.statistics()?;
        Ok(Statistics { used: now.used - pages, ..now })
    }

    /// Gives the first live run back, then the next, until none is live.
    pub(crate) fn give_all_back(&mut self) -> Step {
        while let Some(entry) = self.live.get(0) {
            self.must_dealloc(entry.range)?;
        }
        Ok(())
    }

    /// Enters a run just handed out.
    fn admit(&mut self, before: Statistics, start: usize, pages: usize, align: usize) -> Step<AddressRange> {
        equal("run: the address is a multiple of the alignment (remainder)", 0, start & (align - 1))
            .with(align)?;
        let range = pages
            .checked_mul(Self::PAGE)
            .and_then(|bytes| AddressRange::new(start, bytes))
            .filter(|range| self.regions.covers(*range))
            .ok_or_else(|| broken("run: it lies in the regions", "a run inside", "a run not inside"))
            .with(pages)?;
        if let Some(other) = self.live.overlapping(range) {
            return Err(broken("run: it overlaps no live run (start of one)", "none", other.range));
        }
        self.enter(Entry { align, ..Entry::plain(range) })?;
        self.live_pages += pages;
        self.expect_statistics(Statistics { used: before.used + pages, ..before }).with(pages)?;
        Ok(range)
    }

    /// Writes the run and puts it in the book.
    fn enter(&mut self, entry: Entry) -> Step {
        self.last_seed = self.last_seed % 251 + 1;
        let entry = Entry { seed: self.last_seed, ..entry };
        self.live.push(entry).ok_or_else(|| mistake("run: the book has room for it"))?;
        if let Some(pos) = self.memory_of(entry.range) {
            // SAFETY: 1. The run is lent memory and overlaps no other live run: it is the suite's to write.
            unsafe { fill(pos, entry.size(), entry.seed) };
        }
        Ok(())
    }

    /// Takes live pages out of the book, where they must still have their bytes; the rest of their runs stays.
    fn forget(&mut self, range: AddressRange) -> Step {
        let mut given_back = self.live.entries().iter().filter(|entry| entry.range.overlaps(range));
        given_back.try_for_each(|entry| self.expect_contents(*entry))?;
        self.live.cut(range).ok_or_else(|| mistake("run: the book has room"))?;
        self.live_pages -= pages_in::<A>(range);
        Ok(())
    }

    /// Every live run still has its bytes.
    pub(crate) fn expect_all_contents(&self) -> Step {
        self.live.entries().iter().try_for_each(|entry| self.expect_contents(*entry))
    }

    #[track_caller]
    fn expect_contents(&self, entry: Entry) -> Step {
        let Some(pos) = self.memory_of(entry.range) else {
            return Ok(());
        };
        // SAFETY: 1. Every byte of a live run in memory was written (P2), and only the suite may write to it.
        match unsafe { first_other(pos, entry.size(), entry.seed) } {
            None => Ok(()),
            Some(offset) => Err(broken("run: the bytes are kept (offset of one that is not)", "none", offset)),
        }
    }

    /// Sets memory that no allocator may touch to `seed`.
    pub(crate) fn paint(&mut self, range: AddressRange, seed: u8) -> Step {
        let pos = self.untouched(range)?;
        // SAFETY: 1. Lent memory in which there is no live run, and no region of an allocator that touches its own.
        unsafe { fill(pos, range.size().unwrap_or(0), seed) };
        Ok(())
    }

    /// Memory that no allocator may touch is still as it was painted.
    #[track_caller]
    pub(crate) fn expect_painted(&self, range: AddressRange, seed: u8) -> Step {
        let pos = self.untouched(range)?;
        // SAFETY: 1. As in `paint`, which wrote every byte.
        match unsafe { first_other(pos, range.size().unwrap_or(0), seed) } {
            None => Ok(()),
            Some(offset) => {
                Err(broken("memory that is not the allocator's to write (offset written)", "none", offset))
            }
        }
    }

    fn untouched(&self, range: AddressRange) -> Step<NonNull<u8>> {
        let theirs = if A::DECLARATION.touches_memory { &self.regions } else { &self.live };
        self.memory_of(range)
            .filter(|_| theirs.overlapping(range).is_none())
            .ok_or_else(|| mistake("paint: the range is memory that nobody else uses"))
    }

    /// A pointer to the range, if it is memory.
    fn memory_of(&self, range: AddressRange) -> Option<NonNull<u8>> {
        non_null(range.start()).filter(|_| self.memory.contains_range(range))
    }
}

/// The whole pages in a range.
pub(crate) fn pages_in<A: PageAllocator>(range: AddressRange) -> usize {
    // The range starts and ends on page borders, so that this is right for the whole address space, too.
    ((range.last() - range.start()) / A::PAGE_SIZE) + 1
}
