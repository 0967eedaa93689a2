//! Every state of a tiny heap of blocks.
#![forbid(unsafe_code)]

use core::alloc::Layout;

use allocator_api::{AllocError, ByteAllocator, ConstEmpty, Declared, InvalidFrees};

use super::{Effect, Explored, Recent, World, affordable_states, explore, mix};
use crate::{
    Bench,
    bytes::Subject,
    order::Order,
    statistics::Statistics,
    verdict::{Failure, Step, Stop, With, answers, broken},
};

/// A tiny heap, and what is tried on it.
///
/// # Examples
///
/// ```
/// use allocator_conformance::ByteScope;
///
/// let scope = ByteScope::tiny(0);
/// assert!(scope.region_bytes >= 1024);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ByteScope {
    /// Bytes of the only region.
    pub region_bytes: usize,
    /// The requests: size in bytes and alignment. A size of 0 ends the list.
    pub requests: [(usize, usize); 4],
    /// Blocks that may be live at once.
    pub most_live: usize,
    /// Operations that are part of a state, with their answers: 0 where the place of the blocks tells all, more where
    /// free blocks stand in lists; at most 4.
    pub recent: usize,
    /// States after which the search ends, though not all were found.
    pub most_states: usize,
}

impl ByteScope {
    /// A scope of some thousand operations for an allocator that serves requests from this many bytes on.
    #[must_use]
    pub const fn tiny(smallest_heap_bytes: usize) -> Self {
        let region_bytes = if smallest_heap_bytes > 1024 { smallest_heap_bytes } else { 1024 };
        Self {
            region_bytes,
            requests: [(1, 1), (region_bytes / 4, 64), (region_bytes / 2 - 64, 8), (0, 0)],
            most_live: 2,
            recent: 0,
            most_states: 1000,
        }
    }

    /// A larger scope, for a host; `effort` is 1 or more.
    #[must_use]
    pub const fn small(smallest_heap_bytes: usize, effort: u64) -> Self {
        let scope = Self::tiny(smallest_heap_bytes);
        let region_bytes = scope.region_bytes;
        Self {
            requests: [(1, 1), (region_bytes / 8, 8), (region_bytes / 4 - 32, 64), (region_bytes / 3, 8)],
            most_live: if effort > 1 { 4 } else { 2 },
            most_states: 32_000,
            ..scope
        }
    }

    fn request(&self, index: usize) -> Option<Layout> {
        let (size, align) = *self.requests.get(index)?;
        Layout::from_size_align(size, align).ok().filter(|layout| layout.size() > 0)
    }

    /// How many requests there are.
    fn count(&self) -> usize {
        self.requests.iter().take_while(|(size, _)| *size > 0).count()
    }
}

struct Bytes<'s, 'b, A: 'static> {
    subject: &'s mut Subject<'b, A>,
    scope: &'s ByteScope,
    // How the heap is before the first operation, and the largest request that it serves then.
    untouched: Option<Statistics>,
    largest: Option<Layout>,
    recent: Recent,
    serves_again: bool,
    recovers: bool,
}

impl<A: ByteAllocator + ConstEmpty + Declared> Bytes<'_, '_, A> {
    fn alloc(&mut self, layout: Layout) -> Step<Effect> {
        let must = self.subject.fit().holds(layout, self.subject.regions(), self.subject.live());
        match self.subject.alloc(layout)? {
            Some(_) => Ok(Effect::Changed),
            None if must => {
                Err(broken("model: there is room for it", "a block", AllocError::NoMemory)).with(layout)
            }
            None => Ok(Effect::Refused),
        }
    }

    /// Gives a block back, and once more if that is detected.
    fn dealloc(&mut self, index: usize) -> Step<Effect> {
        let layout = self.subject.block(index)?.layout();
        self.subject.dealloc(index)?;
        if let Some(freed) = self.subject.freed()
            && self.subject.detects().contains(InvalidFrees::DOUBLE)
            && let Some(layout) = layout
        {
            self.subject.must_refuse_free(InvalidFrees::DOUBLE, freed.range.start(), layout)?;
        }
        Ok(Effect::Changed)
    }

    fn realloc(&mut self, index: usize, size: usize) -> Step<Effect> {
        let layout = Layout::from_size_align(size, self.subject.block(index)?.align);
        let fit = self.subject.fit();
        let must = layout.is_ok_and(|layout| fit.holds(layout, self.subject.regions(), self.subject.live()));
        match self.subject.realloc(index, size)? {
            Ok(()) => Ok(Effect::Changed),
            Err(AllocError::NoMemory) if !must => Ok(Effect::Refused),
            other => answers("realloc: a block or NoMemory", Ok(()), other).map(|()| Effect::Refused),
        }
    }

    /// Every live block, given back and asked for again, is served.
    fn expect_service_again(&mut self) -> Step {
        if self.serves_again
            && let Some(entry) = self.subject.live().get(0)
            && let Some(layout) = entry.layout()
        {
            self.subject.dealloc(0)?;
            if self.subject.alloc(layout)?.is_none() {
                let step = "model: what was given back can be had again";
                return Err(broken(step, "a block", AllocError::NoMemory)).with(layout);
            }
        }
        Ok(())
    }
}

impl<A: ByteAllocator + ConstEmpty + Declared> World for Bytes<'_, '_, A> {
    fn reset(&mut self) -> Step {
        self.subject.fresh();
        self.recent.clear();
        let answer = self.subject.add(self.subject.at(0), self.scope.region_bytes)?;
        answers("add_memory: a usable region is accepted", Ok(()), answer).with(self.scope.region_bytes)?;
        if self.untouched.is_none() {
            self.untouched = Some(self.subject.statistics()?);
            let scope = self.scope;
            for layout in (0..scope.count()).filter_map(|index| scope.request(index)) {
                if let Some(index) = self.subject.alloc(layout)? {
                    self.subject.dealloc(index)?;
                    self.largest = self.largest.filter(|largest| largest.size() > layout.size()).or(Some(layout));
                }
            }
            return self.reset();
        }
        Ok(())
    }

    /// Requests; then for each live block: give it back, and give it the size of each request.
    fn operations(&self) -> usize {
        let requests = self.scope.count();
        requests + self.subject.live().len() * (1 + requests)
    }

    fn apply(&mut self, operation: usize) -> Step<Effect> {
        let requests = self.scope.count();
        let effect = match (self.scope.request(operation), operation.checked_sub(requests)) {
            (Some(_), None) if self.subject.live().len() >= self.scope.most_live => Effect::Refused,
            (Some(layout), None) => self.alloc(layout)?,
            (_, Some(rest)) => {
                let (index, way) = (rest / (1 + requests), rest % (1 + requests));
                match way.checked_sub(1).and_then(|way| self.scope.request(way)) {
                    None => self.dealloc(index)?,
                    Some(layout) => self.realloc(index, layout.size())?,
                }
            }
            _ => Effect::Refused,
        };
        if effect == Effect::Changed {
            let place = self.subject.live().entries().last().map_or(0, |entry| entry.range.start());
            self.recent.note(mix(operation as u64) ^ (place.wrapping_sub(self.subject.at(0)) as u64));
        }
        Ok(effect)
    }

    fn key(&mut self) -> Step<u64> {
        let origin = self.subject.at(0);
        let blocks = self.subject.live().entries().iter().map(|entry| {
            let offset = entry.range.start().wrapping_sub(origin) as u64;
            mix(mix(mix(offset) ^ entry.size() as u64) ^ entry.align as u64)
        });
        let blocks = blocks.fold(0, u64::wrapping_add);
        Ok(mix(mix(blocks ^ self.subject.statistics()?.used as u64) ^ self.recent.key()))
    }

    /// Whatever the state: blocks keep their bytes, a block can be had again, and when everything is given back the heap
    /// is as it was.
    fn look(&mut self) -> Step {
        self.subject.expect_all_contents()?;
        self.expect_service_again()?;
        self.subject.give_all_back(Order::Random)?;
        if let Some(untouched) = self.untouched.filter(|_| self.recovers) {
            self.subject.expect_statistics(untouched)?;
        }
        match self.largest {
            Some(largest) if self.subject.alloc(largest)?.is_none() => {
                let step = "recovery: the largest block can be had again";
                Err(broken(step, "a block", AllocError::NoMemory)).with(largest)
            }
            _ => Ok(()),
        }
    }
}

/// The smallest power of two, 1 KiB at least, of which bytes are a heap that serves one byte; 1 MiB if none is.
pub(crate) fn smallest_heap<A: ByteAllocator + ConstEmpty + Declared>(
    subject: &mut Subject<'_, A>,
) -> Step<usize> {
    for size in (10..20).map(|size_log2| 1 << size_log2) {
        subject.fresh();
        if subject.add(subject.at(0), size)?.is_ok() && subject.alloc(Layout::new::<u8>())?.is_some() {
            return Ok(size);
        }
    }
    Ok(1 << 20)
}

/// As many bytes as a heap needs to serve a request: a power of two, 1 KiB at least, 1 MiB at most.
pub fn smallest_heap_bytes<A: ByteAllocator + ConstEmpty + Declared>(bench: &mut Bench<A>) -> usize {
    smallest_heap(&mut Subject::on(bench)).unwrap_or(1 << 20)
}

/// Visits every state of the scope.
pub(crate) fn explore_on<A: ByteAllocator + ConstEmpty + Declared>(
    subject: &mut Subject<'_, A>,
    scope: &ByteScope,
) -> Step<Explored> {
    let mut spare = subject.spare.take();
    let mut world = Bytes {
        subject,
        scope,
        untouched: None,
        largest: None,
        recent: Recent::new(scope.recent),
        serves_again: A::DECLARATION.gap("a_largest_free_block_is_not_refused").is_none(),
        recovers: A::DECLARATION.gap("recovery_restores_the_statistics").is_none(),
    };
    explore(&mut world, &mut spare, scope.most_states.min(affordable_states::<A>()))
}

/// Visits every state that a tiny heap of blocks can reach, and checks each.
///
/// # Errors
///
/// The first check that failed, on a shortest path.
pub fn explore_bytes<A: ByteAllocator + ConstEmpty + Declared>(
    bench: &mut Bench<A>,
    scope: &ByteScope,
) -> Result<Explored, Failure> {
    outcome(explore_on(&mut Subject::on(bench), scope))
}

/// The failure of a search, if it is one.
pub(super) fn outcome(explored: Step<Explored>) -> Result<Explored, Failure> {
    explored.or_else(|stop| match stop {
        Stop::Broken(failure) | Stop::Mistake(failure) => Err(failure),
        Stop::Declared(_) | Stop::Skipped(_) => Ok(Explored::default()),
    })
}
