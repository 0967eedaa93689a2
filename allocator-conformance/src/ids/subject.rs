//! An id allocator under test, watched at every step.
//!
//! Ids are numbers, and no records stand among them: the books predict every answer.
#![forbid(unsafe_code)]

use allocator_api::{AddressRange, AllocError, AllocResult, ConstEmpty, Declared, IdAllocator};

use crate::{
    bench::Bench,
    book::{Book, Entry},
    memory::Spare,
    order::Order,
    random::Random,
    runs::longest_run,
    slot::SlotLoan,
    verdict::{Step, Stop, With, answers, broken, equal, mistake},
};

/// An id allocator that can be tested.
pub(crate) trait Ids: IdAllocator + ConstEmpty + Declared + 'static {}

impl<A: IdAllocator + ConstEmpty + Declared + 'static> Ids for A {}

/// The most runs of ids that may be live at once, and the most ranges.
const ROOM: [usize; 2] = [2048, 512];

/// An id allocator and what the suite knows of it.
pub(crate) struct Subject<'b, A: 'static> {
    slot: &'b mut SlotLoan<A>,
    ranges: Book<'b>,
    live: Book<'b>,
    /// Room for what a case has to remember.
    pub(crate) spare: Spare<'b>,
    /// The case's own random numbers.
    pub(crate) random: Random,
}

impl<'b, A: Ids> Subject<'b, A> {
    /// A fresh allocator on the bench.
    pub(crate) fn on(bench: &'b mut Bench<A>) -> Self {
        let memory = bench.memory.ground();
        let ([live, ranges], spare) = bench.memory.tables(Entry::plain(memory), ROOM);
        bench.slot.fresh();
        Self {
            slot: &mut bench.slot,
            ranges: Book::new(ranges),
            live: Book::new(live),
            spare,
            random: Random::new(3),
        }
    }

    /// Forgets the allocator and takes a fresh one.
    pub(crate) fn fresh(&mut self) {
        self.slot.fresh();
        self.ranges.clear();
        self.live.clear();
    }

    /// Skips the case unless ids up to `count` can be managed.
    #[track_caller]
    pub(crate) fn need_ids(&self, count: usize) -> Step {
        match A::DECLARATION.span_bytes {
            Some(span) if span < count => Err(Stop::Skipped("the allocator's span has too few ids")),
            _ => Ok(()),
        }
    }

    /// The live runs of ids.
    pub(crate) fn live(&self) -> &Book<'b> {
        &self.live
    }

    /// The ranges added.
    pub(crate) fn ranges(&self) -> &Book<'b> {
        &self.ranges
    }

    /// Ids in the longest run that is free and starts at a multiple of `align`.
    pub(crate) fn longest_free(&self, align: usize) -> usize {
        let is_free = |id| self.ranges.index_of(id).is_some() && self.live.index_of(id).is_none();
        longest_run(&self.ranges, 1, align, is_free).and_then(AddressRange::size).unwrap_or(0)
    }

    /// The counts agree with the books.
    #[track_caller]
    pub(crate) fn expect_counts(&mut self) -> Step {
        let (size, used) = (self.ranges.bytes(), self.live.bytes());
        let allocator = self.slot.get();
        equal("ids: size is what was added", size, allocator.size())?;
        equal("ids: used is what is live", used, allocator.used())?;
        equal("ids: available is size less used", size - used, allocator.available())
    }

    /// Adds ids. Returns the answer.
    #[track_caller]
    pub(crate) fn add(&mut self, first: usize, count: usize) -> Step<AllocResult> {
        let answer = self.slot.get().add_ids(first, count);
        if answer.is_ok() {
            let range = AddressRange::new(first, count);
            if range.and_then(|range| self.ranges.push(Entry::plain(range))).is_none() {
                return Err(broken("add_ids: ids that are there, or are none, are refused", "an error", answer))
                    .with(first);
            }
        }
        self.expect_counts().with(first)?;
        Ok(answer)
    }

    /// Adds ids that must be accepted.
    #[track_caller]
    pub(crate) fn must_add(&mut self, first: usize, count: usize) -> Step {
        answers("add_ids: new ids are accepted", Ok(()), self.add(first, count)?).with(first)
    }

    /// Asks for ids. Returns the first, or the error.
    #[track_caller]
    pub(crate) fn alloc(&mut self, count: usize, align: usize) -> Step<AllocResult<usize>> {
        let answer = self.slot.get().alloc_id(count, align);
        if let Ok(first) = answer {
            equal("alloc_id: a multiple of the alignment (remainder)", 0, first & (align - 1)).with(align)?;
            self.enter(first, count)?;
        }
        self.expect_counts().with(count)?;
        Ok(answer)
    }

    /// Asks for ids that there must be.
    #[track_caller]
    pub(crate) fn must_alloc(&mut self, count: usize, align: usize) -> Step<usize> {
        let answer = self.alloc(count, align)?;
        answers("alloc_id: ids that are free are not refused", Ok(()), answer).with(count)?;
        answer.map_err(|error| broken("alloc_id: ids", "ids", error))
    }

    /// Asks for one id; the books know the answer.
    #[track_caller]
    pub(crate) fn alloc_fixed(&mut self, id: usize) -> Step {
        let one = AddressRange::new(id, 1).ok_or_else(|| mistake("alloc_fixed_id: an id"))?;
        let free = self.ranges.covers(one) && self.live.overlapping(one).is_none();
        let expected = if free { Ok(()) } else { Err(AllocError::NoMemory) };
        let answer = self.slot.get().alloc_fixed_id(id);
        answers("alloc_fixed_id: the answer", expected, answer).with(id)?;
        if free {
            self.enter(id, 1)?;
        }
        self.expect_counts().with(id)
    }

    /// Gives ids back, rightly or wrongly; the books know the answer. Returns whether they were live.
    #[track_caller]
    pub(crate) fn dealloc(&mut self, first: usize, count: usize) -> Step<bool> {
        let live = AddressRange::new(first, count).filter(|range| self.live.covers(*range));
        let expected = if live.is_some() { Ok(()) } else { Err(AllocError::NotAllocated) };
        let answer = self.slot.get().dealloc_id(first, count);
        answers("dealloc_id: the answer", expected, answer).with(first)?;
        if let Some(range) = live {
            self.live.cut(range).ok_or_else(|| mistake("ids: the book has room"))?;
        }
        self.expect_counts().with(first)?;
        Ok(live.is_some())
    }

    /// Gives back one of the live runs, as it was handed out.
    #[track_caller]
    pub(crate) fn give_back_any(&mut self) -> Step {
        let index = self.random.below(self.live.len());
        match self.live.get(index) {
            Some(entry) => self.dealloc(entry.range.start(), entry.size()).map(|_| ()),
            None => Ok(()),
        }
    }

    /// Gives every live run back.
    #[track_caller]
    pub(crate) fn give_all_back(&mut self, order: Order) -> Step {
        let all = self.live.len();
        while let Some(index) = order.next(all, self.live.len(), &mut self.random) {
            let entry =
                self.live.get(index).ok_or_else(|| mistake("give back: the index is that of a live run"))?;
            self.dealloc(entry.range.start(), entry.size())?;
        }
        Ok(())
    }

    /// `is_allocated` says of every id from `first` to `last` what the books say.
    #[track_caller]
    pub(crate) fn expect_flags(&mut self, first: usize, last: usize) -> Step {
        for id in first..=last {
            let expected = usize::from(self.live.index_of(id).is_some());
            equal("is_allocated: as the books say", expected, usize::from(self.slot.get().is_allocated(id)))
                .with(id)?;
        }
        Ok(())
    }

    #[track_caller]
    fn enter(&mut self, first: usize, count: usize) -> Step {
        let range = AddressRange::new(first, count)
            .filter(|range| self.ranges.covers(*range))
            .ok_or_else(|| broken("ids: they are among those added", "such ids", first))?;
        match self.live.overlapping(range) {
            None => {
                self.live.push(Entry::plain(range)).map(|_| ()).ok_or_else(|| mistake("ids: the book has room"))
            }
            Some(other) => Err(broken("ids: they are not live (first of a run that is)", "none", other.range)),
        }
    }
}
