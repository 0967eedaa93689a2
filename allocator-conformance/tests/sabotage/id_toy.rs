//! A first-fit id allocator that keeps two sets of numbers. It can be broken in one place at a time.

use std::collections::BTreeSet;

use allocator_api::{AddressRange, AllocError, AllocResult, ConstEmpty, Declaration, Declared, IdAllocator};

use crate::fault::on;

/// The toy. It takes ids below 4096.
pub(crate) struct ToyIds {
    managed: BTreeSet<usize>,
    live: BTreeSet<usize>,
    takes: usize,
}

impl ConstEmpty for ToyIds {
    const EMPTY: Self = Self { managed: BTreeSet::new(), live: BTreeSet::new(), takes: 0 };
}

impl Declared for ToyIds {
    const DECLARATION: Declaration = Declaration { span_bytes: Some(4096), ..Declaration::without_gaps("toy") };
}

impl ToyIds {
    fn is_free(&self, id: usize) -> bool {
        self.managed.contains(&id) && !self.live.contains(&id)
    }

    fn find(&self, count: usize, align: usize) -> Option<usize> {
        let first = self.managed.first().copied()?;
        let is_aligned = |id: &usize| match align {
            _ if on("alignment ignored") => true,
            align if on("alignment of the index") => (id - first).is_multiple_of(align),
            align => id.is_multiple_of(align),
        };
        let fits = |id: &usize| {
            if on("live ids given again") && self.takes > 100 {
                return (*id..id.saturating_add(count)).all(|id| self.managed.contains(&id));
            }
            let last = if on("counts overflow") {
                id.wrapping_add(count - 1).min(*id + 1)
            } else {
                id.saturating_add(count - 1)
            };
            (*id..=last).all(|id| self.is_free(id))
        };
        let ranges_apart = |id: &usize| !on("ranges not joined") || id % 50 + count <= 50;
        self.managed.iter().copied().find(|id| is_aligned(id) && ranges_apart(id) && fits(id))
    }
}

impl IdAllocator for ToyIds {
    fn add_ids(&mut self, first: usize, count: usize) -> AllocResult {
        let count = if count == 0 && on("empty range accepted") { 1 } else { count };
        let range = AddressRange::new(first, count).filter(|range| range.last() < 4096);
        let range = range.ok_or(AllocError::InvalidParam)?;
        let mut held = (range.start()..=range.last()).filter(|id| self.managed.contains(id));
        let overlaps =
            if on("overlap at the start only") { self.managed.contains(&first) } else { held.next().is_some() };
        if overlaps {
            return Err(AllocError::MemoryOverlap);
        }
        if on("few ranges") && self.managed.len() == 100 {
            return Err(AllocError::NoMemory);
        }
        self.managed.extend(range.start()..=range.last());
        Ok(())
    }

    fn alloc_id(&mut self, count: usize, align_pow2: usize) -> AllocResult<usize> {
        if count == 0 && on("no ids lack memory") {
            return Err(AllocError::NoMemory);
        }
        if count == 0 || !align_pow2.is_power_of_two() && !on("any alignment accepted") {
            return Err(AllocError::InvalidParam);
        }
        let refused = on("longest run refused") && count == 33
            || on("every fifth take blocks requests") && self.takes % 5 == 4;
        let first = self.find(count, align_pow2.max(1)).filter(|_| !refused).ok_or(AllocError::NoMemory)?;
        self.live.extend((first..=first + (count - 1)).take(4096));
        self.takes += 1;
        Ok(first)
    }

    fn alloc_fixed_id(&mut self, id: usize) -> AllocResult {
        let refused = if on("fixed id given twice") { !self.managed.contains(&id) } else { !self.is_free(id) };
        let above = id.checked_sub(2).is_some_and(|below| self.live.contains(&below));
        if refused || on("an id two above a live one refused") && above {
            return Err(AllocError::NoMemory);
        }
        self.live.insert(id);
        Ok(())
    }

    fn dealloc_id(&mut self, start_id: usize, count: usize) -> AllocResult {
        if self.managed.is_empty() && on("free before ids accepted") {
            return Ok(());
        }
        let Some(range) = AddressRange::new(start_id, count).filter(|range| range.last() < 4096) else {
            return Err(AllocError::NotAllocated);
        };
        let ids = || range.start()..=range.last();
        let inner = on("pieces refused") && start_id > 0 && self.live.contains(&(start_id - 1));
        if inner || !ids().all(|id| self.live.contains(&id)) {
            if on("partly free run freed") {
                self.live.retain(|id| !range.contains(*id));
            }
            return Err(AllocError::NotAllocated);
        }
        let leaks = on("last id leaks") && count > 2 || on("leaks after a while") && self.takes > 300;
        self.live.retain(|id| !range.contains(*id) || leaks && *id == range.last());
        Ok(())
    }

    fn is_allocated(&self, id: usize) -> bool {
        self.live.contains(&id) || on("last id always allocated") && self.managed.last() == Some(&id)
    }

    fn size(&self) -> usize {
        if on("size counts what is free") { self.managed.len() - self.live.len() } else { self.managed.len() }
    }

    fn used(&self) -> usize {
        self.live.len()
    }

    fn available(&self) -> usize {
        if on("available counts all") { self.managed.len() } else { self.managed.len() - self.live.len() }
    }
}
