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
    guard::Guard,
    memory::{Spare, fill, first_other, non_null},
    random::Random,
    runs::{each_run, longest_run, pages_in},
    slot::SlotLoan,
    statistics::Statistics,
    verdict::{Step, Stop, With, answers, at_least, broken, equal, mistake},
};

/// A page allocator that can be tested.
pub(crate) trait Pages: PageAllocator + ConstEmpty + Declared + 'static {}

impl<A: PageAllocator + ConstEmpty + Declared + 'static> Pages for A {}

/// The most runs that may be live at once.
const RUNS: usize = 4096;
/// The most regions.
const REGIONS: usize = 512;
/// The pages that every case can count on, or is skipped.
const NUMBERED_PAGES: usize = 4096;
/// Where numbers start when there is no memory for the pages: a power of two far from both ends.
const NUMBERS_START: usize = 1 << (usize::BITS - 2);

/// A page allocator and what the suite knows of it.
pub(crate) struct Subject<'b, A: 'static> {
    slot: &'b mut SlotLoan<A>,
    // The pages that cases cut regions from: lent memory, or mere numbers if the allocator does not touch its pages
    // and there is too little memory for pages so large.
    ground: AddressRange,
    memory: AddressRange,
    guard: Guard,
    /// Room for what a case has to remember.
    pub(crate) spare: Spare<'b>,
    // Invariant P1: the regions that the allocator accepted since it was fresh. A region that is not in `memory` was
    // handed to an allocator that does not touch its regions.
    regions: Book<'b>,
    // Invariant P2: the allocator's live runs; each lies in the regions, and where it is memory every byte of it was
    // set to its seed.
    live: Book<'b>,
    live_pages: usize,
    // The runs that can be handed out when nothing is live, each as long as can be; known after `survey`.
    usable: Book<'b>,
    writes: bool,
    last_seed: u8,
    /// The case's own random numbers.
    pub(crate) random: Random,
}

impl<'b, A: Pages> Subject<'b, A> {
    /// Bytes in a page.
    pub(crate) const PAGE: usize = A::PAGE_SIZE;

    /// A fresh allocator on the bench.
    pub(crate) fn on(bench: &'b mut Bench<A>) -> Self {
        let memory = bench.memory.ground();
        let guard = bench.memory.guard();
        let ([live, regions, usable], spare) = bench.memory.tables(Entry::plain(memory), [RUNS, REGIONS, REGIONS]);
        bench.slot.fresh();
        let subject = Self {
            slot: &mut bench.slot,
            ground: Self::ground_for(memory),
            memory,
            guard,
            spare,
            regions: Book::new(regions),
            live: Book::new(live),
            live_pages: 0,
            usable: Book::new(usable),
            writes: true,
            last_seed: 0,
            random: Random::new(2),
        };
        subject.guard_all();
        subject
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
        self.usable.clear();
        self.guard_all();
    }

    /// Skips the case unless `pages` pages can be managed here.
    #[track_caller]
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
    #[track_caller]
    pub(crate) fn statistics(&mut self) -> Step<Statistics> {
        let allocator = self.slot.get();
        let (total, used) = (allocator.total_pages(), allocator.used_pages());
        Statistics::checked(total, used, || allocator.available_pages(), self.live_pages)
    }

    /// The statistics are these.
    #[track_caller]
    pub(crate) fn expect_statistics(&mut self, expected: Statistics) -> Step {
        let got = self.statistics()?;
        equal("unchanged: total pages", expected.total, got.total)?;
        equal("used pages are as the books say", expected.used, got.used)
    }

    /// Closes all memory but what the allocator keeps records in: its regions without the live runs, if it touches
    /// them at all.
    fn guard_all(&self) {
        self.guard.close(self.memory);
        if A::DECLARATION.touches_memory {
            self.regions.entries().iter().for_each(|region| self.guard.open(region.range));
            self.live.entries().iter().for_each(|run| self.guard.close(run.range));
        }
    }

    /// Calls `init`.
    #[track_caller]
    pub(crate) fn init(&mut self, start: usize, size: usize) -> Step<AllocResult> {
        self.hand_in(start, size, true)
    }

    /// Calls `add_memory`.
    #[track_caller]
    pub(crate) fn add(&mut self, start: usize, size: usize) -> Step<AllocResult> {
        self.hand_in(start, size, false)
    }

    #[track_caller]
    fn hand_in(&mut self, start: usize, size: usize, as_init: bool) -> Step<AllocResult> {
        let region = AddressRange::new(start, size);
        if A::DECLARATION.touches_memory && !region.is_none_or(|range| self.memory.contains_range(range)) {
            return Err(mistake("hand in: the region lies in the memory lent"));
        }
        let before = self.statistics()?;
        if A::DECLARATION.touches_memory {
            region.into_iter().for_each(|range| self.guard.open(range));
        }
        let allocator = self.slot.get();
        // SAFETY: 1. The region lies in lent memory that the suite uses only where no region is; or it lies beyond the
        // address space or overlaps a region, which is answered; or the allocator does not touch it, and neither
        // does the suite. 2. The provenance of lent memory is exposed.
        let answer =
            unsafe { if as_init { allocator.init(start, size) } else { allocator.add_memory(start, size) } };
        self.guard_all();
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
        // Once more: now the region is in the book, and its records stay open.
        self.guard_all();
        let pages = range.trimmed(Self::PAGE).map_or(0, pages_in::<A>);
        let after = self.statistics()?;
        // The page at address 0 may be left out.
        let without_null = range.start() == 0 && before.total + pages == after.total + 1;
        if !without_null {
            equal("hand in: total rises by the whole pages", before.total + pages, after.total).with(size)?;
        }
        at_least("hand in: available does not fall", before.available(), after.available()).with(size)?;
        Ok(answer)
    }

    /// Asks for a run. Returns it, or `None` if the answer was `NoMemory`.
    #[track_caller]
    pub(crate) fn alloc(&mut self, pages: usize, align: usize) -> Step<Option<AddressRange>> {
        let before = self.statistics()?;
        match self.slot.get().alloc_pages(pages, align) {
            Ok(start) => self.admit(before, start, pages, align).map(Some),
            Err(AllocError::NoMemory) => self.expect_statistics(before).map(|()| None),
            Err(error) => Err(broken("alloc_pages: a run or NoMemory", AllocError::NoMemory, error)).with(pages),
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
    #[track_caller]
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

    /// The statistics as they must be once `pages` pages have been given back.
    #[track_caller]
    fn statistics_before_free(&mut self, pages: usize) -> Step<Statistics> {
        let now = self.statistics()?;
        Ok(Statistics { used: now.used - pages, ..now })
    }

    /// Enters a run just handed out.
    #[track_caller]
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
    #[track_caller]
    fn enter(&mut self, entry: Entry) -> Step {
        self.last_seed = self.last_seed % 251 + 1;
        let entry = Entry { seed: self.last_seed, ..entry };
        self.live.push(entry).ok_or_else(|| mistake("run: the book has room for it"))?;
        if let Some(pos) = self.memory_of(entry.range) {
            self.guard.open(entry.range);
            // SAFETY: 1. The run is lent memory and overlaps no other live run: it is the suite's to write.
            unsafe { fill(pos, entry.size(), entry.seed) };
            self.guard.close(entry.range);
        }
        Ok(())
    }

    /// Takes live pages out of the book, where they must still have their bytes; the rest of their runs stays.
    #[track_caller]
    fn forget(&mut self, range: AddressRange) -> Step {
        let mut given_back = self.live.entries().iter().filter(|entry| entry.range.overlaps(range));
        given_back.try_for_each(|entry| self.expect_contents(*entry))?;
        self.live.cut(range).ok_or_else(|| mistake("run: the book has room"))?;
        self.guard_all();
        self.live_pages -= pages_in::<A>(range);
        Ok(())
    }

    /// Notes the runs that can be handed out when nothing is live. Every single page is handed out for that, and
    /// given back.
    #[track_caller]
    pub(crate) fn survey(&mut self) -> Step {
        let before = self.statistics()?;
        while self.alloc(1, Self::PAGE)?.is_some() {}
        let after = self.statistics()?;
        equal("survey: every page that is available is handed out", after.total, after.used)?;
        self.usable.clear();
        let (usable, live) = (&mut self.usable, &self.live);
        let mut is_full = false;
        each_run(
            &self.regions,
            Self::PAGE,
            |page| live.index_of(page).is_some(),
            |run| {
                is_full |= usable.push(Entry::plain(run)).is_none();
            },
        );
        if is_full {
            return Err(mistake("survey: the book has room for every run"));
        }
        while let Some(entry) = self.live.get(0) {
            self.must_dealloc(entry.range)?;
        }
        self.expect_statistics(before)
    }

    /// As [`survey`](Self::survey), but if nothing at all is used, all whole pages are taken to be usable, and no page
    /// is handed out.
    pub(crate) fn survey_quickly(&mut self) -> Step {
        if self.statistics()?.used > 0 {
            return self.survey();
        }
        self.usable.clear();
        let whole = self.regions.entries().iter().filter_map(|region| region.range.trimmed(Self::PAGE));
        for range in whole {
            self.usable.push(Entry::plain(range)).ok_or_else(|| mistake("survey: the book has room"))?;
        }
        Ok(())
    }

    /// Pages in the longest run that is free now and starts at a multiple of `align`.
    pub(crate) fn longest_free(&self, align: usize) -> usize {
        let is_free = |page| self.usable.index_of(page).is_some() && self.live.index_of(page).is_none();
        longest_run(&self.regions, Self::PAGE, align, is_free).map_or(0, pages_in::<A>)
    }

    /// Whether every page of the run is free, as far as is known since the last survey.
    pub(crate) fn is_free(&self, run: AddressRange) -> bool {
        self.usable.covers(run) && self.live.overlapping(run).is_none()
    }

    /// Every live run still has its bytes.
    #[track_caller]
    pub(crate) fn expect_all_contents(&self) -> Step {
        self.live.entries().iter().try_for_each(|entry| self.expect_contents(*entry))
    }

    #[track_caller]
    fn expect_contents(&self, entry: Entry) -> Step {
        let Some(pos) = self.memory_of(entry.range) else {
            return Ok(());
        };
        self.guard.open(entry.range);
        // SAFETY: 1. Every byte of a live run in memory was written (P2), and only the suite may write to it.
        let other = unsafe { first_other(pos, entry.size(), entry.seed) };
        self.guard.close(entry.range);
        match other {
            None => Ok(()),
            Some(offset) => Err(broken("run: the bytes are kept (offset of one that is not)", "none", offset)),
        }
    }

    /// Sets memory that no allocator may touch to `seed`.
    #[track_caller]
    pub(crate) fn paint(&mut self, range: AddressRange, seed: u8) -> Step {
        let pos = self.untouched(range)?;
        self.guard.open(range);
        // SAFETY: 1. Lent memory in which there is no live run, and no region of an allocator that touches its own.
        unsafe { fill(pos, range.size().unwrap_or(0), seed) };
        self.guard_all();
        Ok(())
    }

    /// Memory that no allocator may touch is still as it was painted.
    #[track_caller]
    pub(crate) fn expect_painted(&self, range: AddressRange, seed: u8) -> Step {
        let pos = self.untouched(range)?;
        self.guard.open(range);
        // SAFETY: 1. As in `paint`, which wrote every byte.
        let other = unsafe { first_other(pos, range.size().unwrap_or(0), seed) };
        self.guard_all();
        match other {
            None => Ok(()),
            Some(offset) => {
                Err(broken("memory that is not the allocator's to write (offset written)", "none", offset))
            }
        }
    }

    #[track_caller]
    fn untouched(&self, range: AddressRange) -> Step<NonNull<u8>> {
        let theirs = if A::DECLARATION.touches_memory { &self.regions } else { &self.live };
        self.lent(range)
            .filter(|_| theirs.overlapping(range).is_none())
            .ok_or_else(|| mistake("paint: the range is memory that nobody else uses"))
    }

    /// From now on, runs are neither written nor read.
    pub(crate) fn leave_runs_untouched(&mut self) {
        self.writes = false;
    }

    /// A pointer to a run's bytes, if they are memory and the suite writes them.
    fn memory_of(&self, range: AddressRange) -> Option<NonNull<u8>> {
        if self.writes { self.lent(range) } else { None }
    }

    /// A pointer to the range, if it is memory.
    fn lent(&self, range: AddressRange) -> Option<NonNull<u8>> {
        non_null(range.start()).filter(|_| self.memory.contains_range(range))
    }
}

impl<A> Drop for Subject<'_, A> {
    fn drop(&mut self) {
        self.guard.open(self.memory);
    }
}
