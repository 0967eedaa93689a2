//! A byte allocator with its books beside the memory.

use std::{alloc::Layout, collections::BTreeMap, ptr::NonNull};

use allocator::{
    AllocError, AllocResult, BaseAllocator, ByteAllocator, ConstEmpty, InvalidFrees, address::align_up,
};

/// First fit, region by region, without rounding; detects every invalid free. It takes at most `MAX_REGIONS`
/// regions, and loses the first `OVERHEAD` bytes of each.
#[derive(Debug)]
pub(crate) struct ToyBytes<const MAX_REGIONS: usize = { usize::MAX }, const OVERHEAD: usize = 0> {
    /// Start and size, as they came.
    pub(crate) regions: Vec<(usize, usize)>,
    live: BTreeMap<usize, Layout>,
}

impl<const M: usize, const O: usize> ConstEmpty for ToyBytes<M, O> {
    const EMPTY: Self = Self { regions: Vec::new(), live: BTreeMap::new() };
}

impl<const M: usize, const O: usize> ToyBytes<M, O> {
    /// Where `layout` fits between `from` and `end`, before the first live block that is in the way or between
    /// two.
    fn place_in(&self, from: usize, end: usize, layout: Layout) -> Option<usize> {
        let mut candidate = align_up(from, layout.align())?;
        for (start, live) in self.live.range(from..end) {
            if candidate.checked_add(layout.size())? <= *start {
                break;
            }
            candidate = align_up(start + live.size(), layout.align())?;
        }
        (candidate.checked_add(layout.size())? <= end).then_some(candidate)
    }
}

impl<const M: usize, const O: usize> BaseAllocator for ToyBytes<M, O> {
    unsafe fn init(&mut self, start: usize, size: usize) -> AllocResult {
        if !self.regions.is_empty() {
            return Err(AllocError::InvalidParam);
        }
        // SAFETY: as the caller says.
        unsafe { self.add_memory(start, size) }
    }

    unsafe fn add_memory(&mut self, start: usize, size: usize) -> AllocResult {
        if size <= O {
            return Err(AllocError::InvalidParam);
        }
        if self.regions.len() == M {
            return Err(AllocError::NoMemory);
        }
        self.regions.push((start, size));
        Ok(())
    }
}

// SAFETY: 1. 2. `place_in` looks inside a region and between the live blocks. 3. Nothing moves. 4. Refusals
// come first.
unsafe impl<const M: usize, const O: usize> ByteAllocator for ToyBytes<M, O> {
    fn detects(&self) -> InvalidFrees {
        InvalidFrees::ALL
    }

    fn alloc(&mut self, layout: Layout) -> AllocResult<NonNull<u8>> {
        if layout.size() == 0 {
            return Err(AllocError::InvalidParam);
        }
        let mut places = self.regions.iter().map(|(start, size)| self.place_in(start + O, start + size, layout));
        let place = places.find_map(|place| place).ok_or(AllocError::NoMemory)?;
        drop(places);
        self.live.insert(place, layout);
        NonNull::new(std::ptr::with_exposed_provenance_mut(place)).ok_or(AllocError::NoMemory)
    }

    unsafe fn check_block(&self, pos: NonNull<u8>, layout: Layout) -> AllocResult {
        let known = self.live.get(&pos.addr().get()) == Some(&layout);
        if known { Ok(()) } else { Err(AllocError::NotAllocated) }
    }

    unsafe fn dealloc(&mut self, pos: NonNull<u8>, layout: Layout) -> AllocResult {
        // SAFETY: as the caller says.
        unsafe { self.check_block(pos, layout) }?;
        self.live.remove(&pos.addr().get());
        Ok(())
    }

    /// For a region that starts at a multiple of the alignment, the block comes after the overhead, aligned.
    fn region_for(&self, layout: Layout) -> AllocResult<Layout> {
        if layout.size() == 0 {
            return Err(AllocError::InvalidParam);
        }
        let front = align_up(O, layout.align()).ok_or(AllocError::NoMemory)?;
        let size = layout.size().checked_add(front).ok_or(AllocError::NoMemory)?;
        Layout::from_size_align(size, layout.align()).map_err(|_| AllocError::NoMemory)
    }

    fn total_bytes(&self) -> usize {
        self.regions.iter().map(|(_, size)| size - O).sum()
    }

    fn used_bytes(&self) -> usize {
        self.live.values().map(Layout::size).sum()
    }
}
