//! A byte allocator under test, watched at every step.
//!
//! Cases are safe code: whatever they ask for goes through here, is compared with the books, and is refused as a
//! mistake of the suite where the contract would call it undefined behaviour.
//!
//! # What is checked at every step
//!
//! - A block is aligned, lies in the regions, overlaps no live block; every byte of it is written.
//! - A block has kept its bytes when it is given back or changes its size.
//! - `used` covers the live blocks; `total = used + available`.
//! - An allocation raises `used` by the block's size or more, but for records that are declared to become free; a free
//!   does not raise it; neither changes `total`; a refusal changes nothing.

use core::{alloc::Layout, ptr::NonNull};

use allocator_api::{AddressRange, AllocError, AllocResult, ByteAllocator, ConstEmpty, Declared, InvalidFrees};

use crate::{
    Fit,
    bench::Bench,
    book::{Book, Entry},
    guard::Guard,
    memory::{Spare, fill, first_other, non_null, pointer},
    random::Random,
    slot::SlotLoan,
    statistics::Statistics,
    verdict::{Step, Stop, With, answers, at_least, at_most, broken, equal, mistake},
};

/// A byte allocator that can be tested.
pub(crate) trait Bytes: ByteAllocator + ConstEmpty + Declared + 'static {}

impl<A: ByteAllocator + ConstEmpty + Declared + 'static> Bytes for A {}

/// The most blocks that may be live at once.
const BLOCKS: usize = 4096;
/// The most regions.
const REGIONS: usize = 512;

/// A byte allocator and what the suite knows of it.
pub(crate) struct Subject<'b, A: 'static> {
    slot: &'b mut SlotLoan<A>,
    ground: AddressRange,
    guard: Guard,
    fit: Fit,
    /// Room for what a case has to remember.
    pub(crate) spare: Spare<'b>,
    // Invariant B1: the regions that the allocator accepted since it was fresh; all lie in the ground.
    regions: Book<'b>,
    // Invariant B2: the allocator's live blocks, each with the pointer and layout it was given with; each lies in
    // the regions, and every byte of it was set to its seed.
    live: Book<'b>,
    live_bytes: usize,
    freed: Option<Entry>,
    last_seed: u8,
    /// The case's own random numbers.
    pub(crate) random: Random,
}

impl<'b, A: Bytes> Subject<'b, A> {
    /// A fresh allocator on the bench.
    pub(crate) fn on(bench: &'b mut Bench<A>) -> Self {
        let ground = bench.memory.ground();
        let guard = bench.memory.guard();
        let ([live, regions], spare) = bench.memory.tables(Entry::plain(ground), [BLOCKS, REGIONS]);
        bench.slot.fresh();
        guard.close(ground);
        Self {
            slot: &mut bench.slot,
            ground,
            guard,
            fit: bench.fit,
            spare,
            regions: Book::new(regions),
            live: Book::new(live),
            live_bytes: 0,
            freed: None,
            last_seed: 0,
            random: Random::new(1),
        }
    }

    /// Forgets the allocator and takes a fresh one.
    pub(crate) fn fresh(&mut self) {
        self.slot.fresh();
        self.regions.clear();
        self.live.clear();
        self.live_bytes = 0;
        self.freed = None;
        self.guard.close(self.ground);
    }

    /// The memory that regions may be cut from.
    pub(crate) fn ground(&self) -> AddressRange {
        self.ground
    }

    /// The address `offset` bytes into the ground.
    pub(crate) fn at(&self, offset: usize) -> usize {
        self.ground.start().wrapping_add(offset)
    }

    /// How the allocator is said to fit blocks.
    pub(crate) fn fit(&self) -> Fit {
        self.fit
    }

    /// The live blocks, in the order in which they were handed out.
    pub(crate) fn live(&self) -> &Book<'b> {
        &self.live
    }

    /// The live block at `index` in that order.
    #[track_caller]
    pub(crate) fn block(&self, index: usize) -> Step<Entry> {
        self.live.get(index).ok_or_else(|| mistake("block: the index is that of a live block"))
    }

    /// The regions accepted.
    pub(crate) fn regions(&self) -> &Book<'b> {
        &self.regions
    }

    /// The invalid frees that the allocator answers.
    pub(crate) fn detects(&mut self) -> InvalidFrees {
        self.slot.get().detects()
    }

    /// The allocator's answer to [`ByteAllocator::region_for`].
    pub(crate) fn region_for(&mut self, layout: Layout) -> AllocResult<Layout> {
        self.slot.get().region_for(layout)
    }

    /// The statistics, which must agree with one another and with the books.
    #[track_caller]
    pub(crate) fn statistics(&mut self) -> Step<Statistics> {
        let allocator = self.slot.get();
        let (total, used) = (allocator.total_bytes(), allocator.used_bytes());
        let got = Statistics::checked(total, used, || allocator.available_bytes(), self.live_bytes)?;
        at_most("statistics: total is at most what was handed in", self.regions.bytes(), total)?;
        Ok(got)
    }

    /// The statistics are these.
    #[track_caller]
    pub(crate) fn expect_statistics(&mut self, expected: Statistics) -> Step {
        let got = self.statistics()?;
        equal("unchanged: total bytes", expected.total, got.total)?;
        equal("unchanged: used bytes", expected.used, got.used)
    }

    /// Closes all memory but the regions, and the live blocks in them.
    fn guard_all(&self) {
        self.guard.close(self.ground);
        self.regions.entries().iter().for_each(|region| self.guard.open(region.range));
        self.live.entries().iter().for_each(|block| self.guard.close(block.range));
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
        // What is no range in the address space, and the lone byte at address 0, is answered, never used.
        let answered = region.is_none_or(|range| range.last() == 0);
        if !answered && !region.is_some_and(|range| self.ground.contains_range(range)) {
            return Err(mistake("hand in: the region lies in the ground"));
        }
        let before = self.statistics()?;
        region.into_iter().for_each(|range| self.guard.open(range));
        let allocator = self.slot.get();
        // SAFETY: 1. The region lies in the ground, which is lent memory that the suite uses only where no region is,
        // or it is one that is answered with an error; what overlaps a region is answered as well. 2. So is all
        // lent memory.
        let answer =
            unsafe { if as_init { allocator.init(start, size) } else { allocator.add_memory(start, size) } };
        let Ok(()) = answer else {
            self.guard_all();
            self.expect_statistics(before).with(size)?;
            return Ok(answer);
        };
        let Some(range) = region else {
            return Err(broken(
                "hand in: a region beyond the address space is refused",
                AllocError::InvalidParam,
                answer,
            ));
        };
        if self.regions.push(Entry::plain(range)).is_none() {
            return Err(broken("hand in: overlap is refused", AllocError::MemoryOverlap, answer)).with(size);
        }
        let after = self.statistics()?;
        at_least("hand in: total rises", before.total + 1, after.total).with(size)?;
        // Where regions join, a record between them may become free; so `used` may fall, but never what is free.
        at_least("hand in: available does not fall", before.available(), after.available()).with(size)?;
        Ok(answer)
    }

    /// Asks for a block. Returns its index, or `None` if the answer was `NoMemory`.
    #[track_caller]
    pub(crate) fn alloc(&mut self, layout: Layout) -> Step<Option<usize>> {
        let before = self.statistics()?;
        match self.slot.get().alloc(layout) {
            Ok(pos) => {
                let index = self.admit(pos, layout).with(layout)?;
                self.expect_rise(before, layout.size()).with(layout)?;
                Ok(Some(index))
            }
            Err(AllocError::NoMemory) => {
                self.expect_statistics(before).with(layout)?;
                Ok(None)
            }
            Err(error) => Err(broken("alloc: a block or NoMemory", AllocError::NoMemory, error)).with(layout),
        }
    }

    /// Asks for a block that must be refused with `error`; likewise a zeroed one.
    #[track_caller]
    pub(crate) fn must_refuse(&mut self, layout: Layout, error: AllocError) -> Step {
        let before = self.statistics()?;
        answers("alloc: the request is refused", Err(error), self.slot.get().alloc(layout)).with(layout)?;
        answers("alloc_zeroed: the request is refused", Err(error), self.slot.get().alloc_zeroed(layout))
            .with(layout)?;
        self.expect_statistics(before).with(layout)
    }

    /// Asks for a zeroed block; `None` if refused. Every byte of it is 0.
    #[track_caller]
    pub(crate) fn alloc_zeroed(&mut self, layout: Layout) -> Step<Option<usize>> {
        let before = self.statistics()?;
        let pos = match self.slot.get().alloc_zeroed(layout) {
            Ok(pos) => pos,
            Err(AllocError::NoMemory) => return self.expect_statistics(before).map(|()| None),
            Err(error) => return Err(broken("alloc_zeroed: a block or NoMemory", AllocError::NoMemory, error)),
        };
        let range = self.expect_fresh_place(pos, layout).with(layout)?;
        // SAFETY: 1. The block lies in lent memory, which is initialised, and outside all live blocks.
        if let Some(offset) = unsafe { first_other(pos, layout.size(), 0) } {
            return Err(broken("alloc_zeroed: every byte is 0 (offset of one that is not)", "none", offset))
                .with(layout);
        }
        let index = self.enter(pos, range, layout)?;
        self.expect_rise(before, layout.size()).with(layout)?;
        Ok(Some(index))
    }

    /// Gives the live block at `index` back.
    #[track_caller]
    pub(crate) fn dealloc(&mut self, index: usize) -> Step {
        let entry = self.block(index)?;
        let layout = layout_of(entry)?;
        self.expect_contents(entry)?;
        let before = self.statistics()?;
        let allocator = self.slot.get();
        // SAFETY: 1. The block is live with this layout (B2).
        let check = unsafe { allocator.check_block(entry.pos, layout) };
        answers("check_block: a live block is accepted", Ok(()), check).with(layout)?;
        self.guard.open(entry.range);
        // SAFETY: 1. As above. 2. The entry leaves the book below.
        let answer = unsafe { allocator.dealloc(entry.pos, layout) };
        answers("dealloc: a live block is taken back", Ok(()), answer).with(layout)?;
        self.forget(index);
        self.freed = Some(entry);
        let after = self.statistics()?;
        equal("dealloc: total stays", before.total, after.total).with(layout)?;
        at_most("dealloc: used does not rise", before.used, after.used).with(layout)
    }

    /// Changes the size of the live block at `index`. Whether it was done; the block then stands last in the order.
    #[track_caller]
    pub(crate) fn realloc(&mut self, index: usize, new_size: usize) -> Step<AllocResult> {
        let entry = self.block(index)?;
        let layout = layout_of(entry)?;
        self.expect_contents(entry)?;
        let before = self.statistics()?;
        self.guard.open(entry.range);
        // SAFETY: 1. The block is live with this layout (B2). 2. The entry leaves the book below.
        let answer = unsafe { self.slot.get().realloc(entry.pos, layout, new_size) };
        let pos = match answer {
            Ok(pos) => pos,
            Err(error) => {
                self.expect_contents(entry).with(new_size)?;
                self.expect_statistics(before).with(new_size)?;
                return Ok(Err(error));
            }
        };
        self.forget(index);
        let Ok(new_layout) = Layout::from_size_align(new_size, entry.align) else {
            return Err(broken("realloc: an impossible size is refused", AllocError::NoMemory, "a block"));
        };
        let range = self.expect_fresh_place(pos, new_layout).with(new_layout)?;
        // SAFETY: 1. The block lies in lent memory outside all other live blocks, and its first bytes were written.
        if let Some(offset) = unsafe { first_other(pos, entry.size().min(new_size), entry.seed) } {
            return Err(broken("realloc: the bytes are kept (offset of one that is not)", "none", offset))
                .with(new_layout);
        }
        self.enter(pos, range, new_layout)?;
        equal("realloc: total stays", before.total, self.statistics()?.total)?;
        Ok(Ok(()))
    }

    /// Gives back what is not a live block: a mistake of the given kind, which must be answered by every
    /// operation that takes a block, and change nothing.
    #[track_caller]
    pub(crate) fn must_refuse_free(&mut self, kind: InvalidFrees, address: usize, layout: Layout) -> Step {
        let Some(pos) = non_null(address).filter(|_| self.kind_of(address, layout) == Some(kind)) else {
            return Err(mistake("invalid free: it is of the kind it is said to be"));
        };
        let before = self.statistics()?;
        // Before any memory comes, every free is answered, whatever the allocator detects later.
        if !self.detects().contains(kind) && self.regions.len() > 0 {
            return Err(Stop::Declared(undetected(kind)));
        }
        // To look closely at a pointer that is wrong, an allocator may look into a live block.
        self.guard.open(self.ground);
        let allocator = self.slot.get();
        let expected = Err(AllocError::NotAllocated);
        // SAFETY: 1. The mistake is one that the allocator detects, or it has no memory.
        answers("check_block: an invalid block is refused", expected, unsafe {
            allocator.check_block(pos, layout)
        })
        .with(layout)?;
        // SAFETY: 1. As above. 2. Nobody uses what was refused.
        answers("dealloc: an invalid free is refused", expected, unsafe { allocator.dealloc(pos, layout) })
            .with(layout)?;
        // SAFETY: 1. As above. 2. As above.
        let answer = unsafe { allocator.realloc(pos, layout, layout.size() + 1) };
        answers("realloc: an invalid block is refused", expected, answer).with(layout)?;
        self.guard_all();
        self.expect_statistics(before).with(layout)
    }

    /// Every live block still has its bytes.
    #[track_caller]
    pub(crate) fn expect_all_contents(&self) -> Step {
        self.live.entries().iter().try_for_each(|entry| self.expect_contents(*entry))
    }

    /// Sets memory that is in no region to `seed`.
    #[track_caller]
    pub(crate) fn paint(&mut self, range: AddressRange, seed: u8) -> Step {
        let pos = self.margin(range)?;
        self.guard.open(range);
        // SAFETY: 1. Lent memory in which no region lies.
        unsafe { fill(pos, range.size().unwrap_or(0), seed) };
        self.guard.close(range);
        Ok(())
    }

    /// Memory that is in no region is still as it was painted.
    #[track_caller]
    pub(crate) fn expect_painted(&self, range: AddressRange, seed: u8) -> Step {
        let pos = self.margin(range)?;
        self.guard.open(range);
        // SAFETY: 1. Lent memory in which no region lies, and which was painted.
        let other = unsafe { first_other(pos, range.size().unwrap_or(0), seed) };
        self.guard.close(range);
        match other {
            None => Ok(()),
            Some(offset) => {
                Err(broken("outside the regions: nothing is written (offset of a byte that was)", "none", offset))
            }
        }
    }

    #[track_caller]
    fn margin(&self, range: AddressRange) -> Step<NonNull<u8>> {
        if !self.ground.contains_range(range) || self.regions.overlapping(range).is_some() {
            return Err(mistake("paint: the range is in the ground and in no region"));
        }
        NonNull::new(pointer(range.start())).ok_or_else(|| mistake("paint: the range is not at address 0"))
    }

    /// The block given back last.
    pub(crate) fn freed(&self) -> Option<Entry> {
        self.freed
    }

    /// The mistake that giving back this block would be; `None` if it is a live block, or one that cannot be told.
    pub(crate) fn kind_of(&self, address: usize, layout: Layout) -> Option<InvalidFrees> {
        let range = AddressRange::new(address, layout.size());
        if !range.is_some_and(|range| self.regions.covers(range)) {
            return Some(InvalidFrees::FOREIGN);
        }
        match self.live.index_of(address).and_then(|index| self.live.get(index)) {
            Some(entry) if entry.range.start() != address => Some(InvalidFrees::INTERIOR),
            Some(entry) => (entry.layout() != Some(layout)).then_some(InvalidFrees::WRONG_LAYOUT),
            None => {
                let again = self
                    .freed
                    .is_some_and(|freed| freed.range.start() == address && freed.layout() == Some(layout));
                again.then_some(InvalidFrees::DOUBLE)
            }
        }
    }

    /// Enters a block just handed out.
    #[track_caller]
    fn admit(&mut self, pos: NonNull<u8>, layout: Layout) -> Step<usize> {
        let range = self.expect_fresh_place(pos, layout)?;
        self.enter(pos, range, layout)
    }

    /// The block is aligned, in the regions, and overlaps no live block.
    #[track_caller]
    fn expect_fresh_place(&self, pos: NonNull<u8>, layout: Layout) -> Step<AddressRange> {
        let address = pos.addr().get();
        equal("block: the address is a multiple of the alignment (remainder)", 0, address & (layout.align() - 1))?;
        let range = AddressRange::new(address, layout.size())
            .filter(|range| self.regions.covers(*range))
            .ok_or_else(|| broken("block: it lies in the regions", "a block inside", "a block not inside"))?;
        match self.live.overlapping(range) {
            None => Ok(range),
            Some(other) => Err(broken("block: it overlaps no live block (start of one)", "none", other.range)),
        }
    }

    #[track_caller]
    fn enter(&mut self, pos: NonNull<u8>, range: AddressRange, layout: Layout) -> Step<usize> {
        self.last_seed = self.last_seed % 251 + 1;
        let entry = Entry { range, align: layout.align(), seed: self.last_seed, pos };
        let index = self.live.push(entry).ok_or_else(|| mistake("block: the book has room for it"))?;
        // SAFETY: 1. The block lies in lent memory and overlaps no other live block: it is the suite's to write.
        unsafe { fill(pos, layout.size(), entry.seed) };
        self.guard.close(range);
        self.live_bytes += layout.size();
        Ok(index)
    }

    fn forget(&mut self, index: usize) {
        if let Some(entry) = self.live.remove(index) {
            self.live_bytes -= entry.size();
        }
    }

    #[track_caller]
    fn expect_contents(&self, entry: Entry) -> Step {
        self.guard.open(entry.range);
        // SAFETY: 1. Every byte of a live block was written (B2), and only the suite may write to it.
        let other = unsafe { first_other(entry.pos, entry.size(), entry.seed) };
        self.guard.close(entry.range);
        match other {
            None => Ok(()),
            Some(offset) => Err(broken("block: the bytes are kept (offset of one that is not)", "none", offset))
                .with(entry.size()),
        }
    }

    #[track_caller]
    fn expect_rise(&mut self, before: Statistics, size: usize) -> Step {
        let after = self.statistics()?;
        equal("alloc: total stays", before.total, after.total)?;
        // However many records become free, `used` covers the live blocks: `statistics` looks at that.
        let least = (before.used + size).saturating_sub(A::DECLARATION.joined_record_bytes);
        at_least("alloc: used rises by the block's size", least, after.used)
    }
}

impl<A> Drop for Subject<'_, A> {
    fn drop(&mut self) {
        self.guard.open(self.ground);
    }
}

/// A layout; the sizes that cases ask for are all possible.
#[track_caller]
pub(crate) fn layout(size: usize, align: usize) -> Step<Layout> {
    Layout::from_size_align(size, align).map_err(|_| mistake("layout: the size and alignment are possible"))
}

fn layout_of(entry: Entry) -> Step<Layout> {
    entry.layout().ok_or_else(|| mistake("block: it has a layout"))
}

fn undetected(kind: InvalidFrees) -> &'static str {
    match kind {
        InvalidFrees::DOUBLE => "does not detect double frees",
        InvalidFrees::FOREIGN => "does not detect foreign pointers",
        InvalidFrees::INTERIOR => "does not detect interior pointers",
        _ => "does not detect wrong layouts",
    }
}
