//! Sequences of steps that more than one byte case is made of.
#![forbid(unsafe_code)]

use core::alloc::Layout;

use allocator_api::{AllocError, AllocResult};

use super::subject::{Bytes, Subject, layout};
use crate::{
    order::Order,
    verdict::{Step, Stop, With, answers, broken, mistake},
};

/// Why a case ends that needs more regions than the declared limit allows.
const FEW_REGIONS: &str = "takes a limited number of regions that do not touch";

impl<A: Bytes> Subject<'_, A> {
    /// Calls `add_memory`, which must accept the region.
    #[track_caller]
    pub(super) fn must_add(&mut self, start: usize, size: usize) -> Step {
        let answer = self.add_within_limit(start, size)?;
        answers("add_memory: a usable region is accepted", Ok(()), answer).with(size)
    }

    /// Calls `add_memory`. If the answer is that there are as many regions as the declared limit allows, the case ends.
    #[track_caller]
    pub(super) fn add_within_limit(&mut self, start: usize, size: usize) -> Step<AllocResult> {
        let answer = self.add(start, size)?;
        let is_full = A::DECLARATION.max_regions.is_some_and(|limit| self.regions().groups() >= limit);
        if answer == Err(AllocError::NoMemory) && is_full { Err(Stop::Declared(FEW_REGIONS)) } else { Ok(answer) }
    }

    /// Calls `add_memory`, unless the declared limit allows no further region.
    #[track_caller]
    pub(super) fn add_if_allowed(&mut self, start: usize, size: usize) -> Step {
        match A::DECLARATION.max_regions {
            Some(limit) if self.regions().groups() >= limit => Ok(()),
            _ => self.must_add(start, size),
        }
    }

    /// Asks for a block that there must be room for.
    #[track_caller]
    pub(super) fn must_alloc(&mut self, layout: Layout) -> Step<usize> {
        match self.alloc(layout)? {
            Some(index) => Ok(index),
            None => Err(broken("alloc: what fits is not refused", "a block", AllocError::NoMemory)).with(layout),
        }
    }

    /// As [`must_alloc`](Self::must_alloc), for a block of zeros.
    #[track_caller]
    pub(super) fn must_alloc_zeroed(&mut self, layout: Layout) -> Step {
        match self.alloc_zeroed(layout)? {
            Some(_) => Ok(()),
            None => {
                Err(broken("alloc_zeroed: what fits is not refused", "a block", AllocError::NoMemory)).with(layout)
            }
        }
    }

    /// Changes the size of a block where there is room for that.
    #[track_caller]
    pub(super) fn must_realloc(&mut self, index: usize, new_size: usize) -> Step {
        answers("realloc: what fits is not refused", Ok(()), self.realloc(index, new_size)?).with(new_size)
    }

    /// Hands in `bytes` from the start of the ground.
    #[track_caller]
    pub(super) fn take_memory(&mut self, bytes: usize) -> Step {
        self.must_add(self.at(0), bytes)
    }

    /// Asks for blocks until one is refused, or `limit` have been had. Returns how many were.
    #[track_caller]
    pub(super) fn exhaust(&mut self, layout: Layout, limit: usize) -> Step<usize> {
        for count in 0..limit {
            if self.alloc(layout)?.is_none() {
                return Ok(count);
            }
        }
        Ok(limit)
    }

    /// Asks until nothing is left, for smaller and smaller blocks. Some few bytes may remain.
    #[track_caller]
    pub(super) fn exhaust_all(&mut self) -> Step {
        for size in [65_536, 4096, 1000, 100, 1] {
            self.exhaust(layout(size, 1)?, 1000)?;
        }
        Ok(())
    }

    /// Gives every live block back.
    #[track_caller]
    pub(crate) fn give_all_back(&mut self, order: Order) -> Step {
        let all = self.live().len();
        while let Some(index) = order.next(all, self.live().len(), &mut self.random) {
            self.dealloc(index)?;
        }
        if self.live().len() == 0 { Ok(()) } else { Err(mistake("give back: every block has its turn")) }
    }

    /// The largest size that is served now, found by halving; 0 if none is.
    #[track_caller]
    pub(super) fn largest(&mut self, align: usize) -> Step<usize> {
        let (mut served, mut refused) = (0, self.statistics()?.total + 1);
        while refused - served > 1 {
            let size = served + (refused - served) / 2;
            match self.alloc(layout(size, align)?)? {
                Some(index) => {
                    self.dealloc(index)?;
                    served = size;
                }
                None => refused = size,
            }
        }
        Ok(served)
    }

    /// One random step: a block more, a block fewer, or a block of another size. At most `most_bytes` are live.
    #[track_caller]
    pub(super) fn random_step(&mut self, most_size: usize, most_bytes: usize) -> Step {
        let size = self.random.small_mostly(1, most_size);
        let room = self.live().bytes() + size <= most_bytes && self.live().len() < 300;
        let any = self.random.below(self.live().len());
        match self.random.below(8) {
            0..=3 if room => {
                let align_log2 = self.random.below(13).saturating_sub(4);
                self.must_alloc(layout(size, 1 << align_log2)?).map(|_| ())
            }
            4 if room => self.must_alloc_zeroed(layout(size, 8)?),
            5 if room && self.live().len() > 0 => self.must_realloc(any, size),
            _ if self.live().len() > 0 => self.dealloc(any),
            _ => Ok(()),
        }
    }
}
