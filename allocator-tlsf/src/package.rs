//! The TLSF allocator over the published package `rlsf`.
//!
//! The package keeps lists of free blocks over *pools*, ranges of memory that each end with a sentinel. This wrapper
//! keeps the list of regions, makes one pool of each, and joins the pools of regions that touch.
//!
//! # Invariants
//!
//! - A region of the list that pointers can cross (at most `isize::MAX` bytes) is exactly one pool, and so a free
//!   block in it can be as large as the region without the sentinel.
//! - `used_bytes` = the bytes of all live blocks, with header and padding, + one granule a pool for its sentinel.

mod fit;
mod pools;

use core::{alloc::Layout, fmt, ptr::NonNull};

use allocator_api::{
    AddressRange, AllocError, AllocResult, BaseAllocator, ByteAllocator, ConstEmpty, Declaration, Declared, Gap,
    InvalidFrees,
};
use allocator_primitives::RegionList;

use fit::{SENTINEL_BYTES, SMALLEST_POOL_BYTES};
use pools::Pools;

/// A TLSF allocator: any size, any alignment, constant time.
///
/// It takes about 17 KiB on 64-bit machines, all zero while it is empty, and so belongs in a `static`, where it costs
/// no space in the image. It has no `Default`, which would put it on a stack.
///
/// # Complexity
///
/// With n regions (at most [`MAX_REGIONS`](Self::MAX_REGIONS)): `alloc` and the statistics are O(1); `dealloc` and
/// `check_block` O(log n); `realloc` the same, and a copy of the block where it has to move; `add_memory` O(n).
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
/// use std::sync::Mutex;
///
/// use allocator_api::{AllocError, BaseAllocator, ByteAllocator};
/// use allocator_tlsf::package::TlsfByteAllocator;
///
/// static HEAP: Mutex<TlsfByteAllocator> = Mutex::new(TlsfByteAllocator::new());
///
/// let memory = Box::leak(vec![0_u8; 64 * 1024].into_boxed_slice());
/// let mut heap = HEAP.lock().unwrap();
/// // SAFETY: 1. the memory is leaked, and the allocator's alone. 2. Its provenance is exposed here.
/// unsafe { heap.init(memory.as_mut_ptr().expose_provenance(), memory.len()) }?;
/// let fresh = heap.used_bytes();
///
/// let layout = Layout::from_size_align(100, 256).unwrap();
/// let block = heap.alloc(layout)?;
/// assert_eq!(block.addr().get() % 256, 0);
/// assert!(heap.used_bytes() >= fresh + 100);
/// // SAFETY: 1. the block is live, with this layout. 2. Nobody uses it afterwards.
/// unsafe { heap.dealloc(block, layout) }?;
/// assert_eq!(heap.used_bytes(), fresh);
/// # Ok::<(), AllocError>(())
/// ```
pub struct TlsfByteAllocator {
    regions: RegionList<{ Self::MAX_REGIONS }>,
    pools: Pools,
    used_bytes: usize,
}

impl TlsfByteAllocator {
    /// The most regions that do not touch one another; one more is refused with
    /// [`NoMemory`](AllocError::NoMemory). A count, inclusive.
    pub const MAX_REGIONS: usize = 128;

    /// An allocator without memory.
    #[expect(clippy::new_without_default, reason = "a default value of this size would be made on a stack")]
    #[must_use]
    pub const fn new() -> Self {
        Self::EMPTY
    }

    /// Joins the pool of `region`, which is in the list now, with the pools of the regions it touches.
    fn join_with_neighbours(&mut self, region: AddressRange) {
        let Some(whole) = self.regions.region_of(region.start()).filter(|whole| fit::is_one_pool(*whole)) else {
            return;
        };
        if whole.start() < region.start() {
            // SAFETY: 1. the list says that the region below ends here, and a region's end is a pool's end.
            // 2. `whole` is what the two are part of.
            unsafe { self.pools.join(region.start()) };
            self.used_bytes -= SENTINEL_BYTES;
        }
        if region.last() < whole.last() {
            // SAFETY: 1. the list says that the region above starts here, and a region's start is a pool's start.
            // 2. `whole` is what the two are part of.
            unsafe { self.pools.join(region.last() + 1) };
            self.used_bytes -= SENTINEL_BYTES;
        }
    }
}

impl ConstEmpty for TlsfByteAllocator {
    const EMPTY: Self = Self { regions: RegionList::EMPTY, pools: Pools::EMPTY, used_bytes: 0 };
}

impl Declared for TlsfByteAllocator {
    const DECLARATION: Declaration = Declaration {
        gaps: &[Gap {
            case: "a_largest_free_block_is_not_refused",
            why: "good fit: a free block up to 1/32 larger than the request may lie in a list not searched",
        }],
        limits: &[
            "a block costs 16 bytes and is rounded up to a multiple of 32 (half of that on 32-bit machines)",
        ],
        smallest_first_region_bytes: SMALLEST_POOL_BYTES,
        max_regions: Some(Self::MAX_REGIONS),
        ..Declaration::without_gaps("tlsf-package")
    };
}

impl BaseAllocator for TlsfByteAllocator {
    unsafe fn init(&mut self, start: usize, size: usize) -> AllocResult {
        if !self.regions.is_empty() {
            return Err(AllocError::InvalidParam);
        }
        // SAFETY: 1. and 2. are the caller's.
        unsafe { self.add_memory(start, size) }
    }

    /// Takes one more region, or the first: `size` bytes from address `start`.
    ///
    /// It is trimmed to whole granules of four words, without the granule at address 0 and the last one of the
    /// address space. A region that touches others becomes one with them, and a block may lie across the border.
    /// (Where the memory together is more than `isize::MAX` bytes, it may not.)
    ///
    /// # Errors
    ///
    /// - [`InvalidParam`](AllocError::InvalidParam): the region is empty or reaches beyond the address space, or
    ///   fewer than two granules are left after trimming.
    /// - [`MemoryOverlap`](AllocError::MemoryOverlap): part of the region, as given, is held already.
    /// - [`NoMemory`](AllocError::NoMemory): there are [`MAX_REGIONS`](Self::MAX_REGIONS) and it touches none.
    ///
    /// # Safety
    ///
    /// As for [`BaseAllocator::add_memory`].
    unsafe fn add_memory(&mut self, start: usize, size: usize) -> AllocResult {
        let region = fit::usable_region(start, size)?;
        let given = AddressRange::new(start, size).ok_or(AllocError::InvalidParam)?;
        self.regions.insert_part(region, given)?;
        for pool in fit::pools_of(region) {
            // SAFETY: 1. the caller's 1. and 2.; nothing in the region was held. 2. `usable_region`, `pools_of`.
            unsafe { self.pools.insert(pool) };
            self.used_bytes += SENTINEL_BYTES;
        }
        self.join_with_neighbours(region);
        Ok(())
    }
}

// SAFETY: 1. The package hands out payloads inside its pools, which are parts of the regions handed in without
// address 0, at the alignment asked for. 2. It hands each granule out once, and its records lie outside payloads;
// what this wrapper writes is records (see pools.rs). 3. It moves a payload only in `reallocate`. 4. Every method
// makes its checks before it changes anything.
unsafe impl ByteAllocator for TlsfByteAllocator {
    /// [`FOREIGN`](InvalidFrees::FOREIGN) alone: the package marks no block in a way that survives its neighbours'
    /// merging, so that double frees, interior pointers and wrong layouts cannot be told from live blocks.
    fn detects(&self) -> InvalidFrees {
        InvalidFrees::FOREIGN
    }

    fn alloc(&mut self, layout: Layout) -> AllocResult<NonNull<u8>> {
        if layout.size() == 0 {
            return Err(AllocError::InvalidParam);
        }
        let (payload, block_bytes) = self.pools.allocate(layout).ok_or(AllocError::NoMemory)?;
        self.used_bytes += block_bytes;
        Ok(payload)
    }

    unsafe fn check_block(&self, pos: NonNull<u8>, layout: Layout) -> AllocResult {
        let address = pos.addr().get();
        match self.regions.region_of(address) {
            Some(region) if fit::may_hold_payload(region, address, layout) => Ok(()),
            _ => Err(AllocError::NotAllocated),
        }
    }

    unsafe fn dealloc(&mut self, pos: NonNull<u8>, layout: Layout) -> AllocResult {
        // SAFETY: 1. is the caller's 1.
        unsafe { self.check_block(pos, layout) }?;
        // SAFETY: 1. the block passed the check, so it is no mistake that is detected, and thus live (caller's 1.);
        // nobody uses it (caller's 2.). 2. is part of the caller's 1.
        self.used_bytes -= unsafe { self.pools.deallocate(pos.addr().get(), layout.align()) };
        Ok(())
    }

    /// Changes the size of a block, at its place where the free blocks beside it allow.
    ///
    /// A smaller size never fails and never moves the block. For a larger one the block grows into the free block
    /// behind it, else into the one before it too, else it moves anywhere else.
    ///
    /// # Errors
    ///
    /// As for [`ByteAllocator::realloc`].
    ///
    /// # Safety
    ///
    /// As for [`ByteAllocator::realloc`].
    unsafe fn realloc(&mut self, pos: NonNull<u8>, layout: Layout, new_size: usize) -> AllocResult<NonNull<u8>> {
        if new_size == 0 {
            return Err(AllocError::InvalidParam);
        }
        // SAFETY: 1. is the caller's 1.
        unsafe { self.check_block(pos, layout) }?;
        let new_layout = Layout::from_size_align(new_size, layout.align()).map_err(|_| AllocError::NoMemory)?;
        // SAFETY: 1. the block passed the check, so it is live (caller's 1.), and after `Ok` nobody uses it
        // (caller's 2.). 2. The alignment is that of `layout`.
        let resized = unsafe { self.pools.reallocate(pos.addr().get(), new_layout) };
        let resized = resized.ok_or(AllocError::NoMemory)?;
        self.used_bytes = self.used_bytes - resized.old_bytes + resized.new_bytes;
        Ok(resized.payload)
    }

    fn region_for(&self, layout: Layout) -> AllocResult<Layout> {
        fit::region_for(layout)
    }

    fn total_bytes(&self) -> usize {
        self.regions.total_bytes()
    }

    fn used_bytes(&self) -> usize {
        self.used_bytes
    }
}

impl fmt::Debug for TlsfByteAllocator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsfByteAllocator")
            .field("regions", &self.regions)
            .field("used_bytes", &self.used_bytes)
            .field("total_bytes", &self.total_bytes())
            .finish_non_exhaustive()
    }
}
