//! Every state of a few ids.
#![forbid(unsafe_code)]

use allocator_api::{ConstEmpty, Declared, IdAllocator};

use super::{
    Effect, Explored, Recent, World, affordable_states,
    bytes::outcome,
    explore, mix,
    runs::{RunOp, RunOps, judge},
};
use crate::{
    Bench,
    ids::Subject,
    order::Order,
    verdict::{Failure, Step, equal},
};

/// The first id: an odd number, so that alignments matter.
const FIRST: usize = 61;

/// A few ids, and how they are looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IdScope {
    /// Ids of the only range: every run among them is asked for and given back, whether it is live or not; each id is
    /// asked for by its number.
    pub ids: usize,
    /// Operations that are part of a state, with their answers: 0 where the live ids tell all; at most 4.
    pub recent: usize,
    /// States after which the search ends, though not all were found.
    pub most_states: usize,
}

impl IdScope {
    /// A scope of some thousand operations.
    pub const TINY: Self = Self { ids: 6, recent: 0, most_states: 400 };

    /// A larger scope, for a host; `effort` is 1 or more.
    #[must_use]
    pub const fn small(effort: u64) -> Self {
        let (ids, most_states) = if effort > 1 { (10, 32_000) } else { (8, 4000) };
        Self { ids, recent: 0, most_states }
    }
}

struct Ids<'s, 'b, A: 'static> {
    subject: &'s mut Subject<'b, A>,
    scope: &'s IdScope,
    recent: Recent,
}

impl<A: IdAllocator + ConstEmpty + Declared> Ids<'_, '_, A> {
    fn ops(&self) -> RunOps {
        RunOps { count: self.scope.ids, most_fixed: 1 }
    }

    /// Asks for one id; the subject compares the answer with the books.
    fn alloc_fixed(&mut self, id: usize) -> Step<Effect> {
        let live = self.subject.live().len();
        self.subject.alloc_fixed(id)?;
        Ok(if self.subject.live().len() > live { Effect::Changed } else { Effect::Refused })
    }
}

impl<A: IdAllocator + ConstEmpty + Declared> World for Ids<'_, '_, A> {
    fn reset(&mut self) -> Step {
        self.subject.fresh();
        self.recent.clear();
        self.subject.must_add(FIRST, self.scope.ids)
    }

    /// Runs of each length at each alignment; each id by its number; each run given back.
    fn operations(&self) -> usize {
        self.ops().len()
    }

    fn apply(&mut self, operation: usize) -> Step<Effect> {
        let effect = match self.ops().get(operation) {
            RunOp::Alloc { count, align } => {
                let must = self.subject.longest_free(align) >= count;
                judge(must, self.subject.alloc(count, align)?.map(|_| ()), count)?
            }
            RunOp::AllocAt { first, .. } => self.alloc_fixed(FIRST + first)?,
            RunOp::Dealloc { first, count } => {
                if self.subject.dealloc(FIRST + first, count)? {
                    Effect::Changed
                } else {
                    Effect::Refused
                }
            }
        };
        if effect == Effect::Changed {
            self.recent.note(mix(operation as u64));
        }
        Ok(effect)
    }

    fn key(&mut self) -> Step<u64> {
        let is_live = |index| u64::from(self.subject.live().index_of(FIRST + index).is_some());
        let live = (0..self.scope.ids).fold(0, |live: u64, index| live << 1 | is_live(index));
        Ok(mix(mix(live) ^ self.recent.key()))
    }

    /// Every flag is as the books say; when everything is given back, all ids are one run.
    fn look(&mut self) -> Step {
        self.subject.expect_flags(FIRST - 1, FIRST + self.scope.ids)?;
        self.subject.give_all_back(Order::Random)?;
        let first = self.subject.must_alloc(self.scope.ids, 1)?;
        equal("recovery: all ids are one run", FIRST, first)
    }
}

/// Visits every state of the scope.
pub(crate) fn explore_on<A: IdAllocator + ConstEmpty + Declared>(
    subject: &mut Subject<'_, A>,
    scope: &IdScope,
) -> Step<Explored> {
    subject.need_ids(FIRST + scope.ids)?;
    let mut spare = subject.spare.take();
    let mut world = Ids { subject, scope, recent: Recent::new(scope.recent) };
    explore(&mut world, &mut spare, scope.most_states.min(affordable_states::<A>()))
}

/// Visits every state that a few ids can reach, and checks each.
///
/// # Errors
///
/// The first check that failed, on a shortest path.
pub fn explore_ids<A: IdAllocator + ConstEmpty + Declared>(
    bench: &mut Bench<A>,
    scope: &IdScope,
) -> Result<Explored, Failure> {
    outcome(explore_on(&mut Subject::on(bench), scope))
}
