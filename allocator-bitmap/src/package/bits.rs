//! Runs of indices in managed ranges: what pages and ids have in common.
//!
//! ```text
//!   index      0   1   2   3   4   5   6   7   8  …  CAP − 1
//!   managed        ▐███████████▌       ▐███████▌
//!   free           ▐███▌   ▐███▌           ▐███▌       the bits of the package's map
//!   allocated           ▐██▌           ▐██▌            managed and not free
//! ```
//!
//! A run or a range is never empty, and is held as first and last index. [`AddressRange`] and [`RegionList`] serve,
//! since they are arithmetic on numbers.
//!
//! # Invariants
//!
//! - Every managed index is below `M::CAP`.
//! - A bit of `free` is set only for a managed index.
//! - `used` = managed indices − bits set in `free`.
//!
//! # Costs
//!
//! With CAP indices, and r managed ranges, the map is a tree of log16 CAP levels; `next` and `test` go down it once.
#![forbid(unsafe_code)]

use allocator_api::{AddressRange, AllocError, AllocResult, address::align_up};
use allocator_primitives::RegionList;

use super::Map;

/// A map of free indices, and the ranges that it manages: at most `MAX_RANGES` that do not touch one another.
pub(super) struct Bits<M, const MAX_RANGES: usize> {
    free: M,
    managed: RegionList<MAX_RANGES>,
    used: usize,
}

impl<M: Map, const MAX_RANGES: usize> Bits<M, MAX_RANGES> {
    /// Nothing is managed.
    pub(super) const EMPTY: Self = Self { free: M::DEFAULT, managed: RegionList::new(), used: 0 };

    /// Indices managed. O(1).
    pub(super) fn total(&self) -> usize {
        self.managed.total_bytes()
    }

    /// Indices allocated. O(1).
    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// The ranges that are managed, in ascending order.
    pub(super) fn ranges(&self) -> impl Iterator<Item = AddressRange> + '_ {
        self.managed.iter()
    }

    /// Whether an index of the range is managed. O(log r).
    pub(super) fn manages_any_of(&self, range: AddressRange) -> bool {
        self.managed.overlaps(range)
    }

    /// Manages one more range; its indices are free. O(r) and O(1) for each index.
    ///
    /// # Errors
    ///
    /// Nothing is changed.
    ///
    /// - [`InvalidParam`](AllocError::InvalidParam): an index is beyond the map.
    /// - [`MemoryOverlap`](AllocError::MemoryOverlap): an index is managed already.
    /// - [`NoMemory`](AllocError::NoMemory): there are `MAX_RANGES` ranges, and this one touches none of them.
    pub(super) fn insert(&mut self, range: AddressRange) -> AllocResult {
        if range.last() >= M::CAP {
            return Err(AllocError::InvalidParam);
        }
        self.managed.insert(range)?;
        self.free.insert(range.start()..range.last() + 1);
        Ok(())
    }

    /// Takes the lowest free run of `count` indices for which `origin + first` is a multiple of `align`, a power of
    /// two. Returns its first index; `None`, with nothing changed, if there is none or `count` is 0.
    ///
    /// `origin + index` does not overflow for a managed index.
    ///
    /// One index at any place is found in O(log CAP); else each index is tested twice at most: O(CAP · log CAP).
    pub(super) fn alloc(&mut self, count: usize, align: usize, origin: usize) -> Option<usize> {
        debug_assert!(align.is_power_of_two());
        if count > self.total() - self.used {
            return None;
        }
        if count == 1 && align == 1 {
            let index = self.free.alloc()?;
            self.used += 1;
            return Some(index);
        }
        let run = self.find(count, align, origin)?;
        self.take(run);
        Some(run.start())
    }

    /// The run that [`alloc`](Self::alloc) takes.
    ///
    /// A candidate is tested from its end, so that one index that is not free rules out every start below it. The
    /// indices above that one are free, so the next candidate that fails does so beyond them: no index is tested in
    /// two candidates that fail.
    fn find(&self, count: usize, align: usize, origin: usize) -> Option<AddressRange> {
        let mut from = 0;
        loop {
            let free = self.free.next(from)?;
            let first = align_up(origin + free, align)? - origin;
            let run = AddressRange::new(first, count).filter(|run| run.last() < M::CAP)?;
            match self.last_taken(run) {
                None => return Some(run),
                Some(taken) => from = taken + 1,
            }
        }
    }

    /// The last index of the run that is not free.
    fn last_taken(&self, run: AddressRange) -> Option<usize> {
        (run.start()..=run.last()).rev().find(|&index| !self.free.test(index))
    }

    fn take(&mut self, run: AddressRange) {
        self.free.remove(run.start()..run.last() + 1);
        self.used += count(run);
    }

    /// Takes exactly this run. O(n · log CAP) for n indices.
    ///
    /// # Errors
    ///
    /// Nothing is changed.
    ///
    /// - [`NoMemory`](AllocError::NoMemory): an index of the run is allocated or not managed.
    pub(super) fn alloc_at(&mut self, run: AddressRange) -> AllocResult {
        if !self.managed.contains_range(run) || self.last_taken(run).is_some() {
            return Err(AllocError::NoMemory);
        }
        self.take(run);
        Ok(())
    }

    /// Takes back any run of allocated indices. O(log r + log CAP) and O(1) for each index.
    ///
    /// # Errors
    ///
    /// Nothing is changed.
    ///
    /// - [`NotAllocated`](AllocError::NotAllocated): an index of the run is free or not managed.
    pub(super) fn dealloc(&mut self, run: AddressRange) -> AllocResult {
        let any_is_free = || self.free.next(run.start()).is_some_and(|free| free <= run.last());
        if !self.managed.contains_range(run) || any_is_free() {
            return Err(AllocError::NotAllocated);
        }
        self.free.insert(run.start()..run.last() + 1);
        self.used -= count(run);
        Ok(())
    }

    /// Whether the index is managed and allocated. O(log r + log CAP).
    pub(super) fn is_allocated(&self, index: usize) -> bool {
        self.managed.region_of(index).is_some() && !self.free.test(index)
    }

    /// The length of the longest free run. O(CAP · log CAP).
    pub(super) fn longest_free_run(&self) -> usize {
        let mut longest = 0;
        let mut from = 0;
        while let Some(first) = self.free.next(from) {
            let end = (first..M::CAP).find(|&index| !self.free.test(index)).unwrap_or(M::CAP);
            longest = longest.max(end - first);
            from = end;
        }
        longest
    }
}

/// The number of indices in a run inside a map, which never is the whole range of `usize`.
fn count(run: AddressRange) -> usize {
    run.last() - run.start() + 1
}

#[cfg(test)]
mod cost_tests;
#[cfg(test)]
mod tests;
