//! The allocator over the published package.
//!
//! The code that kernels know as `slab_allocator` is published as `ax_slab_allocator`; the package that has the
//! plain name does not compile on a current compiler.
//!
//! ```text
//!   alloc(100 bytes) ──▶ class 128 ──▶ ▐ 128 │ 128 │ 128 │ … 64 blocks ▌ one refill = one 8 KiB buddy block
//!   alloc(9000 bytes) ─────────────────▶ buddy system: 4 KiB, 8 KiB, 16 KiB, … 2 GiB
//! ```
//!
//! A block takes the next power of two, 64 bytes at least; a class that is empty cuts 64 blocks at once from a buddy block, so
//! that the first one of 4096 bytes takes a free piece of 256 KiB. (K. C. Knowlton, "A Fast Storage Allocator", Communications
//! of the ACM 8 (10), 1965.)
//!
//! # What the wrapper adds to the package
//!
//! - Two phases: it is created empty, in a constant, and takes memory later.
//! - Alignments above a size class, regions of any size and alignment, refusal of overlapping regions.
//! - Joining of regions that touch.
//! - Statistics that count a live block once.
//! - Answers instead of panics, for every input.
//!
//! # Invariants
//!
//! - There is a heap exactly when `regions` is not empty; it manages exactly the bytes in `regions`.
//! - `used_bytes` is the sum of the sizes of the live blocks, as `geometry` rounds them; so
//!   `used_bytes <= regions.total_bytes()`.
//! - The package sees only layouts that come from `geometry::block_for`.

mod geometry;

use core::{
    alloc::Layout,
    fmt,
    ptr::{self, NonNull},
};

use allocator_api::{
    AddressRange, AllocError, AllocResult, BaseAllocator, ByteAllocator, ConstEmpty, Declaration, Declared, Gap,
    InvalidFrees, UsableSize, realloc_by_moving,
};
use allocator_primitives::{Edges, RegionList, usable_part};
use slab_allocator::Heap;

use self::geometry::{
    LARGEST_CLASS_BYTES, PAGE_BYTES, SMALLEST_HEAP_BYTES, block_for, first_buddy_bytes, first_heap, stays,
};

/// The most regions that do not touch one another; a count, inclusive.
pub const MAX_REGIONS: usize = 128;

/// A slab allocator over a buddy system, from the package `slab_allocator`.
///
/// Every request is rounded up to a block whose size and alignment are the same power of two, from 64 bytes on.
///
/// # Limits
///
/// - The first region has at least [`SMALLEST_FIRST_REGION_BYTES`](Self::SMALLEST_FIRST_REGION_BYTES) after it is
///   trimmed to multiples of 4096 bytes; a smaller one gives `InvalidParam`.
/// - At most [`MAX_REGIONS`] regions that do not touch one another; one more gives `NoMemory`.
/// - A block has at most [`MAX_BLOCK_BYTES`](Self::MAX_BLOCK_BYTES); a larger one gives `NoMemory`.
/// - Memory that became slabs of a class stays with that class.
/// - An empty class needs a free buddy block of 64 times its size.
/// - Regions that touch are joined as buddies are, except for single pages at their ends: a border at an odd multiple
///   of 4096 stays.
/// - Of invalid frees only foreign ones are all detected. Two more kinds are answered `NotAllocated`: an address
///   that is no multiple of its block's size, and a block larger than all live blocks together.
///
/// # Complexity
///
/// With f free buddy blocks, and r regions:
///
/// | operation | worst case |
/// |---|---|
/// | `alloc`, `alloc_zeroed` up to 4096 bytes | O(1): a free block, or a refill of 64 blocks and 32 splits |
/// | `alloc` above 4096 bytes | O(1): 32 splits |
/// | `dealloc` up to 4096 bytes | O(log r) |
/// | `dealloc` above 4096 bytes | O(f): a search of the list of each order on the way up |
/// | `realloc` | O(log r) where the new size rounds to the same block; else `alloc`, `dealloc` and the copy |
/// | `init`, `add_memory` | O(r), and O(f) for each buddy block of the region |
/// | `region_for`, statistics | O(1) |
///
/// # Examples
///
/// ```
/// use allocator_api::{AllocError, BaseAllocator, ByteAllocator};
/// use allocator_slab::package::SlabByteAllocator;
/// use std::alloc::Layout;
///
/// let memory = Box::leak(vec![0_u8; 64 * 1024].into_boxed_slice());
/// let start = memory.as_mut_ptr().expose_provenance();
/// let request = Layout::from_size_align(100, 8).unwrap();
///
/// let mut slabs = SlabByteAllocator::new();
/// assert_eq!(slabs.alloc(request), Err(AllocError::NoMemory));
/// // SAFETY: 1. The memory is leaked, and nobody else knows it. 2. Its provenance is exposed.
/// unsafe { slabs.init(start, memory.len())? };
/// let block = slabs.alloc(request)?;
/// assert_eq!(slabs.used_bytes(), 128);
/// // SAFETY: 1. The block is live, with this layout. 2. It is forgotten.
/// unsafe { slabs.dealloc(block, request)? };
/// assert_eq!(slabs.used_bytes(), 0);
/// # Ok::<(), AllocError>(())
/// ```
pub struct SlabByteAllocator {
    /// The package's heap; `None` until memory comes.
    inner: Option<Heap>,
    regions: RegionList<MAX_REGIONS>,
    used_bytes: usize,
}

impl SlabByteAllocator {
    /// Bytes, after trimming, below which the first region is refused.
    pub const SMALLEST_FIRST_REGION_BYTES: usize = SMALLEST_HEAP_BYTES;

    /// The largest block in bytes, inclusive. A request that rounds up to more is refused.
    pub const MAX_BLOCK_BYTES: usize = geometry::MAX_BLOCK_BYTES;

    /// An allocator without memory.
    #[must_use]
    pub const fn new() -> Self {
        Self::EMPTY
    }

    /// The package's heap; `NoMemory` until memory comes.
    fn heap(&self) -> AllocResult<&Heap> {
        self.inner.as_ref().ok_or(AllocError::NoMemory)
    }

    /// The package's heap, to change it; `NoMemory` until memory comes.
    fn heap_mut(&mut self) -> AllocResult<&mut Heap> {
        self.inner.as_mut().ok_or(AllocError::NoMemory)
    }

    /// Puts a region into the heap, and makes the heap if there is none.
    ///
    /// # Safety
    ///
    /// 1. As for [`BaseAllocator::init`]: the region is memory, nobody else's, with its provenance exposed.
    /// 2. Both its ends are multiples of 4096, and neither the first nor the last 4096 bytes of the address space
    ///    are in it.
    /// 3. The heap does not hold any of it yet. If there is no heap, it has [`SMALLEST_HEAP_BYTES`] or more.
    unsafe fn give_to_heap(&mut self, region: AddressRange) {
        let mut parts = [Some(region), None];
        if self.heap().is_err() {
            debug_assert!(region.size().is_some_and(|bytes| bytes >= SMALLEST_HEAP_BYTES));
            let (heap_start, others) = first_heap(region);
            // SAFETY: unused memory (1, 3) at a multiple of 4096 (2), of one step (3).
            self.inner = Some(unsafe { Heap::new(heap_start, SMALLEST_HEAP_BYTES) });
            parts = others;
        }
        for part in parts.into_iter().flatten() {
            let mut rest = Some(part);
            while let (Some(part), Ok(heap)) = (rest, self.heap_mut()) {
                let bytes = first_buddy_bytes(part);
                // SAFETY: 1. to 3. as here, for a part of the region: one buddy block of 4096 bytes or more.
                unsafe { add_and_join(heap, part.start(), bytes) };
                rest = part.without_first(bytes);
            }
        }
    }
}

/// Puts one buddy block into the heap and joins it with its buddies.
///
/// # Safety
///
/// 1. As for [`SlabByteAllocator::give_to_heap`], 1. to 3., for the `bytes` bytes from `start`.
/// 2. `bytes` is a power of two from 4096 on, and `start` a multiple of it.
unsafe fn add_and_join(heap: &mut Heap, start: usize, bytes: usize) {
    debug_assert!(bytes >= PAGE_BYTES && bytes.is_power_of_two() && start.is_multiple_of(bytes));
    // SAFETY: the package asks for unused memory between multiples of 4096, and adds size to start (1, 2).
    unsafe { heap.add_memory(start, bytes) };
    // The package joins buddies when a block is freed, not when it comes. A page cannot be had from the buddy
    // system, which serves only what is larger than a size class.
    if bytes > LARGEST_CLASS_BYTES
        && let Ok(block) = Layout::from_size_align(bytes, bytes)
        && let Ok(address) = heap.allocate(block)
    {
        // SAFETY: the package asks for a live block with its layout: it was taken just now.
        unsafe { heap.deallocate(address, block) };
    }
}

impl ConstEmpty for SlabByteAllocator {
    const EMPTY: Self = Self { inner: None, regions: RegionList::EMPTY, used_bytes: 0 };
}

impl Default for SlabByteAllocator {
    fn default() -> Self {
        Self::new()
    }
}

impl Declared for SlabByteAllocator {
    const DECLARATION: Declaration = Declaration {
        gaps: &[
            Gap {
                case: "a_largest_free_block_is_not_refused",
                why: "a class without a free block takes 64 blocks at once or refuses",
            },
            Gap {
                case: "recovery_restores_the_largest_block",
                why: "a slab is never given back to the buddy system",
            },
        ],
        limits: &[
            "a free above 4096 bytes searches a list: its time grows with the free blocks of that size",
            "sizes are rounded up to a power of two, from 64 bytes on",
        ],
        smallest_first_region_bytes: Self::SMALLEST_FIRST_REGION_BYTES,
        max_regions: Some(MAX_REGIONS),
        ..Declaration::without_gaps("slab-package")
    };
}

impl BaseAllocator for SlabByteAllocator {
    unsafe fn init(&mut self, start: usize, size: usize) -> AllocResult {
        if self.heap().is_ok() {
            return Err(AllocError::InvalidParam);
        }
        // SAFETY: 1. and 2. are the caller's 1. and 2.
        unsafe { self.add_memory(start, size) }
    }

    unsafe fn add_memory(&mut self, start: usize, size: usize) -> AllocResult {
        let given = AddressRange::new(start, size).ok_or(AllocError::InvalidParam)?;
        let region = usable_part(start, size, PAGE_BYTES, Edges::UNUSABLE)?;
        let is_first = self.heap().is_err();
        if is_first && region.without_first(SMALLEST_HEAP_BYTES - 1).is_none() {
            return Err(AllocError::InvalidParam);
        }
        self.regions.insert_part(region, given)?;
        // SAFETY: 1. is the caller's 1. and 2. 2. `usable_part` trimmed it so. 3. `regions`, which lists what the
        // heap holds, had none of it; a first region was measured above.
        unsafe { self.give_to_heap(region) };
        Ok(())
    }
}

// SAFETY: 1. The package hands out addresses in the memory it was given, never 0, since `usable_part` leaves that
// address out; a block from `block_for` lies at a multiple of its size, which is at least the alignment asked for.
// 2. It has at least the size asked for, and the package keeps its records in free blocks only, so a live block is
// its owner's alone as long as only live blocks are given back, which `dealloc` asks for. 3. Nothing moves or
// writes live blocks. 4. The package refuses before it changes anything, and so does this wrapper.
unsafe impl ByteAllocator for SlabByteAllocator {
    fn detects(&self) -> InvalidFrees {
        InvalidFrees::FOREIGN
    }

    fn alloc(&mut self, layout: Layout) -> AllocResult<NonNull<u8>> {
        let block = block_for(layout)?;
        let heap = self.heap_mut()?;
        debug_assert_eq!(heap.usable_size(block).1, block.size(), "the package rounds no further");
        let address = heap.allocate(block).map_err(|_| AllocError::NoMemory)?;
        let pointer = NonNull::new(ptr::with_exposed_provenance_mut(address)).ok_or(AllocError::NoMemory)?;
        self.used_bytes += block.size();
        Ok(pointer)
    }

    unsafe fn check_block(&self, pos: NonNull<u8>, layout: Layout) -> AllocResult {
        let block = block_for(layout).map_err(|_| AllocError::NotAllocated)?;
        let address = pos.addr().get();
        let bytes = AddressRange::new(address, block.size()).ok_or(AllocError::NotAllocated)?;
        let may_be_live = block.size() <= self.used_bytes
            && address.is_multiple_of(block.align())
            && self.regions.contains_range(bytes);
        if may_be_live { Ok(()) } else { Err(AllocError::NotAllocated) }
    }

    unsafe fn dealloc(&mut self, pos: NonNull<u8>, layout: Layout) -> AllocResult {
        // SAFETY: 1. is the caller's 1.
        unsafe { self.check_block(pos, layout)? };
        let block = block_for(layout)?;
        let heap = self.heap_mut()?;
        // SAFETY: the package asks for a live block, which nobody uses, with the layout it was allocated with: the block
        // passed the check, so it is no mistake that is detected, and thus live (1.); nobody uses it (2.); `block_for`
        // gives the layout that `alloc` passed on.
        unsafe { heap.deallocate(pos.addr().get(), block) };
        self.used_bytes -= block.size();
        Ok(())
    }

    /// Changes the size of a block: at its place where the new size rounds to the same block, else by a move.
    ///
    /// # Errors
    ///
    /// As for [`ByteAllocator::realloc`].
    ///
    /// # Safety
    ///
    /// As for [`ByteAllocator::realloc`].
    unsafe fn realloc(&mut self, pos: NonNull<u8>, layout: Layout, new_size: usize) -> AllocResult<NonNull<u8>> {
        if stays(layout, new_size) {
            // SAFETY: 1. is the caller's 1.
            return unsafe { self.check_block(pos, layout) }.map(|()| pos);
        }
        // SAFETY: 1. is the caller's 1. 2. is the caller's 2.
        unsafe { realloc_by_moving(self, pos, layout, new_size) }
    }

    /// Size and alignment of a region that, once added, makes `alloc(layout)` succeed: those of the block, or of a slab of
    /// them. It must not lie at address 0 or end with the last byte of the address space: a block there is never whole.
    ///
    /// # Errors
    ///
    /// As for [`ByteAllocator::region_for`].
    fn region_for(&self, layout: Layout) -> AllocResult<Layout> {
        geometry::region_for(block_for(layout)?)
    }

    fn total_bytes(&self) -> usize {
        self.regions.total_bytes()
    }

    fn used_bytes(&self) -> usize {
        self.used_bytes
    }
}

// SAFETY: the block has that many bytes, and every size up to there is served by the same block.
unsafe impl UsableSize for SlabByteAllocator {
    fn usable_size(&self, layout: Layout) -> usize {
        block_for(layout).map_or(0, |block| block.size())
    }
}

impl fmt::Debug for SlabByteAllocator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlabByteAllocator")
            .field("total_bytes", &self.total_bytes())
            .field("used_bytes", &self.used_bytes)
            .field("regions", &self.regions)
            .finish()
    }
}
