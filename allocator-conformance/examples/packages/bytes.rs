//! One adapter for all packages that hand out blocks.

use std::{alloc::Layout, ptr::NonNull};

use allocator_conformance::api::{
    AddressRange, AllocError, AllocResult, BaseAllocator, ByteAllocator, ConstEmpty, Declaration, Declared,
    InvalidFrees,
};

/// What every package can do.
pub(crate) trait RawHeap: Send + 'static {
    /// Its name.
    const NAME: &'static str;
    /// How many regions it takes, if it tells.
    const MOST_REGIONS: Option<usize>;
    /// The value without memory.
    const NEW: Self;

    /// Takes a region. `false`: it does not.
    ///
    /// # Safety
    ///
    /// 1. The region is memory that nobody else uses, now and later.
    unsafe fn add(&mut self, start: usize, size: usize) -> bool;

    /// Hands out a block.
    fn take(&mut self, layout: Layout) -> Option<NonNull<u8>>;

    /// Takes a block back.
    ///
    /// # Safety
    ///
    /// 1. The block is live, with this layout, and is not used afterwards.
    unsafe fn give(&mut self, block: NonNull<u8>, layout: Layout);

    /// What it says that it holds, and what of that it says is used, bytes. `None`: it does not tell.
    fn statistics(&self) -> Option<(usize, usize)> {
        None
    }
}

/// A package with the traits of `allocator-api`. Where the package does not count, what is asked for is
/// counted here.
pub(crate) struct Adapter<H> {
    heap: H,
    total: usize,
    used: usize,
}

impl<H: RawHeap> ConstEmpty for Adapter<H> {
    const EMPTY: Self = Self { heap: H::NEW, total: 0, used: 0 };
}

impl<H: RawHeap> Declared for Adapter<H> {
    const DECLARATION: Declaration =
        Declaration { max_regions: H::MOST_REGIONS, ..Declaration::without_gaps(H::NAME) };
}

impl<H: RawHeap> BaseAllocator for Adapter<H> {
    unsafe fn init(&mut self, start: usize, size: usize) -> AllocResult {
        if self.total != 0 {
            return Err(AllocError::InvalidParam);
        }
        // SAFETY: 1., 2. The caller's.
        unsafe { self.add_memory(start, size) }
    }

    unsafe fn add_memory(&mut self, start: usize, size: usize) -> AllocResult {
        // A package has no answer for what is no memory; to ask it would be undefined.
        if start == 0 || AddressRange::new(start, size).is_none() {
            return Err(AllocError::InvalidParam);
        }
        // SAFETY: the caller's 1.
        if unsafe { self.heap.add(start, size) } {
            self.total += size;
            return Ok(());
        }
        let is_limit = H::MOST_REGIONS.is_some() && self.total > 0;
        Err(if is_limit { AllocError::NoMemory } else { AllocError::InvalidParam })
    }
}

// SAFETY: 1. to 4. are what the suite finds out.
unsafe impl<H: RawHeap> ByteAllocator for Adapter<H> {
    fn detects(&self) -> InvalidFrees {
        InvalidFrees::NONE
    }

    fn alloc(&mut self, layout: Layout) -> AllocResult<NonNull<u8>> {
        if layout.size() == 0 {
            return Err(AllocError::InvalidParam);
        }
        let block = self.heap.take(layout).ok_or(AllocError::NoMemory)?;
        self.used += layout.size();
        Ok(block)
    }

    unsafe fn check_block(&self, _: NonNull<u8>, _: Layout) -> AllocResult {
        if self.used == 0 { Err(AllocError::NotAllocated) } else { Ok(()) }
    }

    unsafe fn dealloc(&mut self, pos: NonNull<u8>, layout: Layout) -> AllocResult {
        // SAFETY: 1. The caller's.
        unsafe { self.check_block(pos, layout) }?;
        // SAFETY: the block is live, for no mistake is detected (the caller's 1., 2.).
        unsafe { self.heap.give(pos, layout) };
        self.used -= layout.size();
        Ok(())
    }

    fn region_for(&self, layout: Layout) -> AllocResult<Layout> {
        if layout.size() == 0 {
            return Err(AllocError::InvalidParam);
        }
        // None of them tells; so much should do.
        let size = layout.size().checked_add(layout.align()).and_then(|size| size.checked_add(8192));
        Layout::from_size_align(size.ok_or(AllocError::NoMemory)?, 4096).map_err(|_| AllocError::NoMemory)
    }

    fn total_bytes(&self) -> usize {
        self.heap.statistics().map_or(self.total, |(total, _)| total)
    }

    fn used_bytes(&self) -> usize {
        self.heap.statistics().map_or(self.used, |(_, used)| used)
    }
}
