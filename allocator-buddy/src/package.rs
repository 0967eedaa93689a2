//! The buddy allocator over the published package `buddy_system_allocator`.
//!
//! The package keeps lists of free blocks; it takes any memory for its own, and never asks whether a block given back
//! is one it handed out. This wrapper keeps the list of regions, cuts regions into blocks, and has each block merge
//! as it comes in, so that regions which touch serve one request wherever they make up buddies.
//!
//! A merge never takes in memory that is not held: the package merges a block only with a buddy that it finds in its
//! list of free blocks.
//!
//! # Invariants
//!
//! - The blocks, free and live, cover the regions exactly.
//! - No two buddies are both free.

mod blocks;
mod order;

use core::{alloc::Layout, fmt, ptr::NonNull};

use allocator_api::{
    AddressRange, AllocError, AllocResult, BaseAllocator, ByteAllocator, ConstEmpty, Declaration, Declared,
    InvalidFrees, UsableSize, realloc_by_moving,
};
use allocator_primitives::RegionList;

use blocks::Blocks;

/// A buddy allocator: blocks of 2^k bytes at multiples of 2^k.
///
/// It takes less than 3 KiB on 64-bit machines, all zero while it is empty.
///
/// # Complexity
///
/// With f free blocks, n regions (at most [`MAX_REGIONS`](Self::MAX_REGIONS)) and w bits in an address: `alloc` is
/// O(w); `dealloc` O(f + log n), for the package searches its lists; `realloc` O(log n) where the order stays, else
/// an `alloc`, a copy and a `dealloc`; `check_block` O(log n); `add_memory` O(n + w · f), and the statistics O(1).
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
/// use std::sync::Mutex;
///
/// use allocator_api::{AllocError, BaseAllocator, ByteAllocator};
/// use allocator_buddy::package::BuddyByteAllocator;
///
/// static HEAP: Mutex<BuddyByteAllocator> = Mutex::new(BuddyByteAllocator::new());
///
/// let memory = Box::leak(vec![0_u8; 64 * 1024].into_boxed_slice());
/// let mut heap = HEAP.lock().unwrap();
/// // SAFETY: 1. the memory is leaked, and the allocator's alone. 2. Its provenance is exposed here.
/// unsafe { heap.init(memory.as_mut_ptr().expose_provenance(), memory.len()) }?;
///
/// let layout = Layout::from_size_align(1000, 8).unwrap();
/// let block = heap.alloc(layout)?;
/// assert_eq!(block.addr().get() % 1024, 0);
/// assert_eq!(heap.used_bytes(), 1024);
/// // SAFETY: 1. the block is live, with this layout. 2. Nobody uses it afterwards.
/// unsafe { heap.dealloc(block, layout) }?;
/// assert_eq!(heap.used_bytes(), 0);
/// # Ok::<(), AllocError>(())
/// ```
pub struct BuddyByteAllocator {
    regions: RegionList<{ Self::MAX_REGIONS }>,
    blocks: Blocks,
}

impl BuddyByteAllocator {
    /// The most regions that do not touch one another; one more is refused with
    /// [`NoMemory`](AllocError::NoMemory). A count, inclusive.
    pub const MAX_REGIONS: usize = 128;

    /// An allocator without memory.
    #[must_use]
    pub const fn new() -> Self {
        Self::EMPTY
    }
}

impl Default for BuddyByteAllocator {
    fn default() -> Self {
        Self::new()
    }
}

impl ConstEmpty for BuddyByteAllocator {
    const EMPTY: Self = Self { regions: RegionList::EMPTY, blocks: Blocks::EMPTY };
}

impl Declared for BuddyByteAllocator {
    const DECLARATION: Declaration = Declaration {
        limits: &[
            "a free searches a list: its time grows with the free blocks of that size",
            "2^k + 1 bytes take 2^(k+1)",
        ],
        max_regions: Some(Self::MAX_REGIONS),
        ..Declaration::without_gaps("buddy-package")
    };
}

impl BaseAllocator for BuddyByteAllocator {
    unsafe fn init(&mut self, start: usize, size: usize) -> AllocResult {
        if !self.regions.is_empty() {
            return Err(AllocError::InvalidParam);
        }
        // SAFETY: 1. and 2. are the caller's.
        unsafe { self.add_memory(start, size) }
    }

    /// Takes one more region, or the first: `size` bytes from address `start`.
    ///
    /// It is trimmed to whole words, without the one at address 0 and the last two of the address space, and cut
    /// into blocks that lie at multiples of their size. Where it touches other regions, blocks merge across the
    /// border if they are buddies.
    ///
    /// # Errors
    ///
    /// - [`InvalidParam`](AllocError::InvalidParam): the region is empty or reaches beyond the address space, or
    ///   nothing is left after trimming.
    /// - [`MemoryOverlap`](AllocError::MemoryOverlap): part of the region, as given, is held already.
    /// - [`NoMemory`](AllocError::NoMemory): there are [`MAX_REGIONS`](Self::MAX_REGIONS) and it touches none.
    ///
    /// # Safety
    ///
    /// As for [`BaseAllocator::add_memory`].
    unsafe fn add_memory(&mut self, start: usize, size: usize) -> AllocResult {
        let region = order::usable_region(start, size)?;
        let given = AddressRange::new(start, size).ok_or(AllocError::InvalidParam)?;
        self.regions.insert_part(region, given)?;
        for block in order::blocks_of(region) {
            // SAFETY: 1. the caller's 1. and 2.; nothing in the region was held. 2. `usable_region`, `blocks_of`.
            unsafe { self.blocks.insert(block) };
        }
        Ok(())
    }
}

// SAFETY: 1. Blocks are parts of the regions handed in without address 0, at multiples of their size, which is at
// least the alignment. 2. The package splits a block into two and hands each out once; its links lie in free blocks.
// 3. Only `realloc` moves a block. 4. Every method makes its checks before it changes anything.
unsafe impl ByteAllocator for BuddyByteAllocator {
    /// [`FOREIGN`](InvalidFrees::FOREIGN) alone: which blocks are live is recorded nowhere. A block that is not at a
    /// multiple of its size is answered too, but not every interior pointer or wrong layout is of that kind.
    fn detects(&self) -> InvalidFrees {
        InvalidFrees::FOREIGN
    }

    fn alloc(&mut self, layout: Layout) -> AllocResult<NonNull<u8>> {
        if layout.size() == 0 {
            return Err(AllocError::InvalidParam);
        }
        let block_bytes = order::block_bytes(layout).ok_or(AllocError::NoMemory)?;
        self.blocks.allocate(block_bytes).ok_or(AllocError::NoMemory)
    }

    unsafe fn check_block(&self, pos: NonNull<u8>, layout: Layout) -> AllocResult {
        let address = pos.addr().get();
        match self.regions.region_of(address) {
            Some(region) if order::may_be_block(region, address, layout) => Ok(()),
            _ => Err(AllocError::NotAllocated),
        }
    }

    unsafe fn dealloc(&mut self, pos: NonNull<u8>, layout: Layout) -> AllocResult {
        // SAFETY: 1. is the caller's 1.
        unsafe { self.check_block(pos, layout) }?;
        let block_bytes = order::block_bytes(layout).ok_or(AllocError::NotAllocated)?;
        // SAFETY: 1. the block passed the check, so it is no mistake that is detected, and thus live (caller's 1.);
        // nobody uses it (caller's 2.). 2. `alloc` asked for this size.
        unsafe { self.blocks.deallocate(pos.addr().get(), block_bytes) };
        Ok(())
    }

    /// Changes the size of a block: at its place where the order stays, else by a move.
    ///
    /// # Errors
    ///
    /// As for [`ByteAllocator::realloc`].
    ///
    /// # Safety
    ///
    /// As for [`ByteAllocator::realloc`].
    unsafe fn realloc(&mut self, pos: NonNull<u8>, layout: Layout, new_size: usize) -> AllocResult<NonNull<u8>> {
        if order::stays(layout, new_size) {
            // SAFETY: 1. is the caller's 1.
            return unsafe { self.check_block(pos, layout) }.map(|()| pos);
        }
        // SAFETY: 1. is the caller's 1. 2. is the caller's 2.
        unsafe { realloc_by_moving(self, pos, layout, new_size) }
    }

    /// Size and alignment of a region that, once added, makes `alloc(layout)` succeed: those of the block.
    ///
    /// It must not lie at address 0 or reach into the last two words of the address space: a block there is never whole.
    ///
    /// # Errors
    ///
    /// As for [`ByteAllocator::region_for`].
    fn region_for(&self, layout: Layout) -> AllocResult<Layout> {
        order::region_for(layout)
    }

    fn total_bytes(&self) -> usize {
        self.regions.total_bytes()
    }

    fn used_bytes(&self) -> usize {
        self.blocks.used_bytes()
    }
}

// SAFETY: the block has that many bytes, and every size up to there is served by a block of the same order.
unsafe impl UsableSize for BuddyByteAllocator {
    fn usable_size(&self, layout: Layout) -> usize {
        if layout.size() == 0 { 0 } else { order::block_bytes(layout).unwrap_or(0) }
    }
}

impl fmt::Debug for BuddyByteAllocator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BuddyByteAllocator")
            .field("regions", &self.regions)
            .field("used_bytes", &self.used_bytes())
            .field("total_bytes", &self.total_bytes())
            .finish_non_exhaustive()
    }
}
