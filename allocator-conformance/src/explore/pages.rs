//! Every state of a few pages.
#![forbid(unsafe_code)]

use allocator_api::{AddressRange, AllocError, ConstEmpty, Declared, PageAllocator};

use super::{Effect, Explored, Recent, World, affordable_states, bytes::outcome, explore, mix};
use crate::{
    Bench,
    order::Order,
    pages::Subject,
    statistics::Statistics,
    verdict::{Failure, Step, With, answers, broken},
};

/// Alignments that are tried, in pages.
const ALIGNS: [usize; 3] = [1, 2, 4];

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

    /// The run of this number among all runs in the region: its address, and its pages.
    fn run(&self, number: usize) -> (usize, usize) {
        let (mut first, mut rest) = (0, number);
        while rest >= self.scope.pages - first {
            rest -= self.scope.pages - first;
            first += 1;
        }
        (self.subject.page(self.first_page() + first), rest + 1)
    }

    fn runs(&self) -> usize {
        self.scope.pages * (self.scope.pages + 1) / 2
    }

    fn alloc(&mut self, pages: usize, align: usize) -> Step<Effect> {
        let must = self.subject.longest_free(align) >= pages;
        let run = self.subject.alloc(pages, align)?;
        Self::judge(must, run.is_some(), pages)
    }

    fn alloc_at(&mut self, start: usize, pages: usize) -> Step<Effect> {
        let range = AddressRange::new(start, pages * A::PAGE_SIZE);
        let must = range.is_some_and(|range| self.subject.is_free(range));
        let answer = self.subject.alloc_at(start, pages, A::PAGE_SIZE)?;
        Self::judge(must, answer.is_ok(), pages)
    }

    fn judge(must: bool, served: bool, pages: usize) -> Step<Effect> {
        match (must, served) {
            (true, true) => Ok(Effect::Changed),
            (false, false) => Ok(Effect::Refused),
            (true, false) => Err(broken("model: the pages are free", "a run", AllocError::NoMemory)).with(pages),
            (false, true) => {
                Err(broken("model: the pages are not free", AllocError::NoMemory, "a run")).with(pages)
            }
        }
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
        self.scope.pages * ALIGNS.len() + 2 * self.runs()
    }

    fn apply(&mut self, operation: usize) -> Step<Effect> {
        let lengths = self.scope.pages * ALIGNS.len();
        let effect = match operation.checked_sub(lengths) {
            None => {
                let align = ALIGNS[operation % ALIGNS.len()] * A::PAGE_SIZE;
                self.alloc(1 + operation / ALIGNS.len(), align)?
            }
            Some(number) if number < self.runs() => {
                let (start, pages) = self.run(number);
                self.alloc_at(start, pages)?
            }
            Some(number) => {
                let (start, pages) = self.run(number - self.runs());
                match self.subject.dealloc(start, pages)? {
                    Ok(()) => Effect::Changed,
                    Err(_) => Effect::Refused,
                }
            }
        };
        if effect == Effect::Changed {
            self.recent.note(mix(operation as u64));
        }
        Ok(effect)
    }

    fn key(&mut self) -> Step<u64> {
        let first = self.first_page();
        let live = (0..self.scope.pages).fold(0, |live: u64, index| {
            let is_live = self.subject.live().index_of(self.subject.page(first + index)).is_some();
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
