//! Our slabs as a byte level that can be asked what a byte allocator can. The fuzz targets take this file as it is.

use std::{alloc::Layout, ptr::NonNull};

use allocator::{AllocError, AllocResult, ByteAllocator, PageAllocator, SlabByteAllocator, Slabs};

use crate::two_levels::{Heap, Level};

impl Level for Slabs {
    /// Slabs with pages of their own know what region they need; those of the facade need no more.
    fn region_for(&self, layout: Layout) -> AllocResult<Layout> {
        SlabByteAllocator::<allocator::BitmapPageAllocator<4096>>::new().region_for(layout)
    }

    /// A block that is changed to the size it has stays where it is.
    unsafe fn check_block<P: PageAllocator>(
        heap: &Heap<Self, P>,
        pos: NonNull<u8>,
        layout: Layout,
    ) -> AllocResult {
        // SAFETY: 1. is the caller's 1. 2. The block stays the one it is.
        let answer = unsafe { heap.try_realloc(pos, layout, layout.size()) };
        answer.map(|same| assert_eq!(same, pos)).map_err(|_| AllocError::NotAllocated)
    }
}
