//! A facade as one byte allocator: regions go to the page level, blocks come from the byte level.

use std::{alloc::Layout, ptr::NonNull};

use allocator::{
    AllocError, AllocResult, BaseAllocator, ByteAllocator, ConstEmpty, Declaration, Declared, Gap, InvalidFrees,
    PageAllocator,
};

use crate::two_levels::{Heap, Level};

/// What the facade does not keep over a byte level: what the backend does not, and what follows from runs
/// that stay.
pub(crate) trait Gaps {
    const GAPS: &'static [Gap];
}

#[cfg(feature = "slab")]
impl Gaps for allocator::Slabs {
    const GAPS: &'static [Gap] = &[Gap {
        case: "a_tiny_region_is_usable_or_refused",
        why: "pages are taken singly; a first slab needs some for records beside it",
    }];
}

#[cfg(feature = "slab-package")]
impl Gaps for crate::SlabPackage {
    const GAPS: &'static [Gap] = &[
        Gap {
            case: "a_largest_free_block_is_not_refused",
            why: "a class without a free block takes 64 blocks at once or refuses",
        },
        Gap {
            case: "a_tiny_region_is_usable_or_refused",
            why: "pages are taken singly; the first run for slabs has 32 KiB",
        },
    ];
}

#[cfg(feature = "tlsf")]
impl Gaps for crate::Tlsf {
    const GAPS: &'static [Gap] = {
        const RUNS_STAY: &str = "each run has a record, and runs are not given back";
        &[
            Gap {
                case: "a_largest_free_block_is_not_refused",
                why: "good fit: a free block may lie in a list not searched",
            },
            Gap { case: "a_long_life_leaks_nothing", why: RUNS_STAY },
            Gap { case: "a_refused_realloc_leaves_the_block", why: RUNS_STAY },
            Gap { case: "available_returns_with_each_block", why: RUNS_STAY },
            Gap { case: "realloc_grows_and_shrinks_step_by_step", why: RUNS_STAY },
            Gap { case: "recovery_restores_the_largest_block", why: RUNS_STAY },
            Gap { case: "recovery_restores_the_statistics", why: RUNS_STAY },
            Gap { case: "used_counts_each_block_once", why: RUNS_STAY },
        ]
    };
}

#[cfg(feature = "buddy")]
impl Gaps for crate::Buddy {
    const GAPS: &'static [Gap] = &[];
}

/// The facade over `B` and `P`, which has its records elsewhere: all pages of a region are for blocks.
pub(crate) struct Whole<B, P>(Heap<B, P>);

impl<B: ConstEmpty, P: ConstEmpty> ConstEmpty for Whole<B, P> {
    const EMPTY: Self = Self(Heap::new());
}

impl<B: Gaps, P: Declared> Declared for Whole<B, P> {
    const DECLARATION: Declaration = Declaration {
        gaps: B::GAPS,
        max_regions: P::DECLARATION.max_regions,
        span_bytes: P::DECLARATION.span_bytes,
        // Two runs side by side become one region, which has one end: tlsf keeps four words at each.
        joined_record_bytes: 4 * size_of::<usize>(),
        ..Declaration::without_gaps("facade")
    };
}

impl<B: Level, P: PageAllocator> BaseAllocator for Whole<B, P> {
    unsafe fn init(&mut self, start: usize, size: usize) -> AllocResult {
        // SAFETY: 1. 2. are the caller's 1. and 2.
        unsafe { self.0.init(start, size) }
    }

    unsafe fn add_memory(&mut self, start: usize, size: usize) -> AllocResult {
        // SAFETY: 1. 2. are the caller's 1. and 2.
        unsafe { self.0.add_memory(start, size) }
    }
}

// SAFETY: 1. to 4. are promises of the byte level, and its pages come from the regions.
unsafe impl<B: Level, P: PageAllocator> ByteAllocator for Whole<B, P> {
    fn detects(&self) -> InvalidFrees {
        self.0.detects()
    }

    fn alloc(&mut self, layout: Layout) -> AllocResult<NonNull<u8>> {
        self.0.alloc(layout)
    }

    unsafe fn check_block(&self, pos: NonNull<u8>, layout: Layout) -> AllocResult {
        // SAFETY: 1. is the caller's 1.
        unsafe { B::check_block(&self.0, pos, layout) }
    }

    unsafe fn dealloc(&mut self, pos: NonNull<u8>, layout: Layout) -> AllocResult {
        // SAFETY: 1. 2. are the caller's 1. and 2.
        unsafe { self.0.dealloc(pos, layout) }
    }

    unsafe fn realloc(&mut self, pos: NonNull<u8>, layout: Layout, new_size: usize) -> AllocResult<NonNull<u8>> {
        // SAFETY: 1. 2. are the caller's 1. and 2.
        unsafe { self.0.realloc(pos, layout, new_size) }
    }

    fn alloc_zeroed(&mut self, layout: Layout) -> AllocResult<NonNull<u8>> {
        self.0.alloc_zeroed(layout)
    }

    /// What the byte level needs, in whole pages.
    fn region_for(&self, layout: Layout) -> AllocResult<Layout> {
        let need = self.0.with_bytes(|level| level.region_for(layout))?;
        let size = need.size().checked_next_multiple_of(P::PAGE_SIZE).ok_or(AllocError::NoMemory)?;
        Layout::from_size_align(size, need.align().max(P::PAGE_SIZE)).map_err(|_| AllocError::NoMemory)
    }

    fn total_bytes(&self) -> usize {
        self.0.usage().total_pages * P::PAGE_SIZE
    }

    /// Pages that are not free, but for what is free in them.
    fn used_bytes(&self) -> usize {
        let usage = self.0.usage();
        usage.used_pages * P::PAGE_SIZE - (usage.heap_held_bytes - usage.heap_used_bytes)
    }
}
