//! Every state of a few pages.
#![forbid(unsafe_code)]

use allocator_api::{AddressRange, AllocError, ConstEmpty, Declared, PageAllocator};

use super::{
    Effect, Explored, Recent, World, affordable_states,
    bytes::outcome,
    explore, mix,
    runs::{RunOp, RunOps, judge},
};
use crate::{
    Bench,
    order::Order,
    pages::Subject,
    statistics::Statistics,
    verdict::{Failure, Step, With, answers},
};

/// A few pages, and how they are looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PageScope {
    /// Pages of the only region, at an odd page: every run among them is asked for, by length and by place, and given
    /// back, whether it is live or not.
    pub pages: usize,
    /// Operations that are part of a state, with their answers: 0 where the live pages tell all; at most 4.
    pub recent: usize,
    /// States after which the search ends, though not all were found.
    pub most_states: usize,
}

impl PageScope {
    /// A scope of some thousand operations.
    pub const TINY: Self = Self { pages: 5, recent: 0, most_states: 400 };

    /// A larger scope, for a host; `effort` is 1 or more.
    #[must_use]
    pub const fn small(effort: u64) -> Self {
        let (pages, most_states) = if effort > 1 { (9, 32_000) } else { (7, 2000) };
        Self { pages, recent: 0, most_states }
    }
}

struct Pages<'s, 'b, A: 'static> {
    subject: &'s mut Subject<'b, A>,
    scope: &'s PageScope,
    untouched: Option<Statistics>,
    recent: Recent,
}

impl<A: PageAllocator + ConstEmpty + Declared> Pages<'_, '_, A> {
    /// The page in the ground where the region starts: it is odd, so that alignments matter.
    fn first_page(&self) -> usize {
        let start = self.subject.page(0) / A::PAGE_SIZE;
        if start.is_multiple_of(2) { 1 } else { 2 }
    }

    /// The address of a page of the region.
    fn page(&self, index: usize) -> usize {
        self.subject.page(self.first_page() + index)
    }

    fn ops(&self) -> RunOps {
        RunOps { count: self.scope.pages, most_fixed: self.scope.pages }
    }

    fn alloc(&mut self, pages: usize, align: usize) -> Step<Effect> {
        let must = self.subject.longest_free(align) >= pages;
        let run = self.subject.alloc(pages, align)?;
        judge(must, run.map(|_| ()).ok_or(AllocError::NoMemory), pages)
    }

    fn alloc_at(&mut self, start: usize, pages: usize) -> Step<Effect> {
        let range = AddressRange::new(start, pages * A::PAGE_SIZE);
        let must = range.is_some_and(|range| self.subject.is_free(range));
        let answer = self.subject.alloc_at(start, pages, A::PAGE_SIZE)?;
        judge(must, answer, pages)
    }
}

impl<A: PageAllocator + ConstEmpty + Declared> World for Pages<'_, '_, A> {
    fn reset(&mut self) -> Step {
        self.subject.fresh();
        self.recent.clear();
        let start = self.subject.page(self.first_page());
        let size = self.scope.pages * A::PAGE_SIZE;
        answers("add_memory: a usable region is accepted", Ok(()), self.subject.add(start, size)?).with(size)?;
        if self.untouched.is_none() {
            self.subject.survey()?;
            self.untouched = Some(self.subject.statistics()?);
            return self.reset();
        }
        self.subject.survey_quickly()
    }

    /// Runs of each length at each alignment; each run by its place; each run given back.
    fn operations(&self) -> usize {
        self.ops().len()
    }

    fn apply(&mut self, operation: usize) -> Step<Effect> {
        let effect = match self.ops().get(operation) {
            RunOp::Alloc { count, align } => self.alloc(count, align * A::PAGE_SIZE)?,
            RunOp::AllocAt { first, count } => self.alloc_at(self.page(first), count)?,
            RunOp::Dealloc { first, count } => match self.subject.dealloc(self.page(first), count)? {
                Ok(()) => Effect::Changed,
                Err(_) => Effect::Refused,
            },
        };
        if effect == Effect::Changed {
            self.recent.note(mix(operation as u64));
        }
        Ok(effect)
    }

    fn key(&mut self) -> Step<u64> {
        let live = (0..self.scope.pages).fold(0, |live: u64, index| {
            let is_live = self.subject.live().index_of(self.page(index)).is_some();
            live << 1 | u64::from(is_live)
        });
        Ok(mix(mix(live ^ (self.subject.statistics()?.used as u64) << 32) ^ self.recent.key()))
    }

    fn look(&mut self) -> Step {
        self.subject.expect_all_contents()?;
        self.subject.give_all_back(Order::Random)?;
        self.untouched.map_or(Ok(()), |untouched| self.subject.expect_statistics(untouched))
    }
}

/// Visits every state of the scope.
pub(crate) fn explore_on<A: PageAllocator + ConstEmpty + Declared>(
    subject: &mut Subject<'_, A>,
    scope: &PageScope,
) -> Step<Explored> {
    subject.need_pages(scope.pages + 2)?;
    let mut spare = subject.spare.take();
    let mut world = Pages { subject, scope, untouched: None, recent: Recent::new(scope.recent) };
    explore(&mut world, &mut spare, scope.most_states.min(affordable_states::<A>()))
}

/// Visits every state that a few pages can reach, and checks each.
///
/// # Errors
///
/// The first check that failed, on a shortest path.
pub fn explore_pages<A: PageAllocator + ConstEmpty + Declared>(
    bench: &mut Bench<A>,
    scope: &PageScope,
) -> Result<Explored, Failure> {
    outcome(explore_on(&mut Subject::on(bench), scope))
}
