//! Sequences of steps that more than one page case is made of.
#![forbid(unsafe_code)]

use allocator_api::{AddressRange, AllocError, AllocResult};

use super::subject::{Pages, Subject};
use crate::{
    order::Order,
    runs::pages_in,
    verdict::{Step, Stop, With, answers, broken, mistake},
};

/// Why a case ends that needs more regions than the declared limit allows.
const FEW_REGIONS: &str = "takes a limited number of regions that do not touch";

impl<A: Pages> Subject<'_, A> {
    /// Calls `add_memory` with whole pages of the ground, which must be accepted.
    #[track_caller]
    pub(super) fn must_add(&mut self, first_page: usize, pages: usize) -> Step {
        let answer = self.add_within_limit(self.page(first_page), pages * Self::PAGE)?;
        answers("add_memory: a usable region is accepted", Ok(()), answer).with(pages)
    }

    /// Calls `add_memory`. If the answer is that there are as many regions as the declared limit allows, the case ends.
    #[track_caller]
    pub(super) fn add_within_limit(&mut self, start: usize, size: usize) -> Step<AllocResult> {
        let answer = self.add(start, size)?;
        let is_full = A::DECLARATION.max_regions.is_some_and(|limit| self.regions().groups() >= limit);
        if answer == Err(AllocError::NoMemory) && is_full { Err(Stop::Declared(FEW_REGIONS)) } else { Ok(answer) }
    }

    /// Asks for a run that there must be room for.
    #[track_caller]
    pub(super) fn must_alloc(&mut self, pages: usize, align: usize) -> Step<AddressRange> {
        match self.alloc(pages, align)? {
            Some(run) => Ok(run),
            None => {
                Err(broken("alloc_pages: what fits is not refused", "a run", AllocError::NoMemory)).with(pages)
            }
        }
    }

    /// Asks for exactly one run of the ground, with the answer that there must be.
    #[track_caller]
    pub(super) fn expect_alloc_at(&mut self, expected: AllocResult, first_page: usize, pages: usize) -> Step {
        let answer = self.alloc_at(self.page(first_page), pages, Self::PAGE)?;
        answers("alloc_pages_at: the answer", expected, answer).with(pages)
    }

    /// Gives back pages that are live.
    #[track_caller]
    pub(super) fn must_dealloc(&mut self, run: AddressRange) -> Step {
        match self.dealloc(run.start(), pages_in::<A>(run))? {
            Ok(()) => Ok(()),
            Err(_) => Err(mistake("dealloc_pages: the pages are live")),
        }
    }

    /// Gives back what must be refused.
    #[track_caller]
    pub(super) fn must_refuse_dealloc(&mut self, start: usize, pages: usize) -> Step {
        match self.dealloc(start, pages)? {
            Ok(()) => Err(mistake("dealloc_pages: a page of the run is not live")),
            Err(_) => Ok(()),
        }
    }

    /// Asks for runs until one is refused. Returns how many were had.
    #[track_caller]
    pub(super) fn exhaust(&mut self, pages: usize) -> Step<usize> {
        let mut count = 0;
        while self.alloc(pages, Self::PAGE)?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    /// Gives every live run back.
    #[track_caller]
    pub(crate) fn give_all_back(&mut self, order: Order) -> Step {
        let all = self.live().len();
        while let Some(index) = order.next(all, self.live().len(), &mut self.random) {
            let entry =
                self.live().get(index).ok_or_else(|| mistake("give back: the index is that of a live run"))?;
            self.must_dealloc(entry.range)?;
        }
        Ok(())
    }

    /// One random step: a run more, a piece of a run fewer, or a run at a chosen place among the first `pages` pages.
    #[track_caller]
    pub(super) fn random_step(&mut self, pages: usize) -> Step {
        let count = self.random.small_mostly(1, pages / 16);
        match self.random.below(8) {
            0..=2 => {
                let align_log2 = self.random.below(5);
                self.alloc(count, Self::PAGE << align_log2).map(|_| ())
            }
            3 => {
                let index = self.random.below(pages);
                let start = self.page(index);
                self.alloc_at(start, count, Self::PAGE).map(|_| ())
            }
            _ => self.free_a_piece(),
        }
    }

    #[track_caller]
    fn free_a_piece(&mut self) -> Step {
        let index = self.random.below(self.live().len());
        let Some(entry) = self.live().get(index) else {
            return Ok(());
        };
        let pages = pages_in::<A>(entry.range);
        let first = self.random.below(pages);
        let count = 1 + self.random.below(pages - first);
        self.dealloc(entry.range.start() + first * Self::PAGE, count).map(|_| ())
    }
}
