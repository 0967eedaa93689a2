//! Slabs on a page allocator of their own.

use core::{alloc::Layout, fmt, ptr::NonNull};

use allocator_api::{
    AddressRange, AllocError, AllocResult, BaseAllocator, ByteAllocator, ConstEmpty, Declaration, Declared,
    InvalidFrees, PageAllocator, PagedByteAllocator,
};
use allocator_bitmap::BitmapPageAllocator;

use crate::{
    Slabs,
    size_class::FRAME_BYTES,
    slabs::fast::{self, Paged},
    slabs::refusal,
};

/// Bytes that are always enough for the first region, whatever its alignment.
pub const SMALLEST_FIRST_REGION_BYTES: usize = 5 * FRAME_BYTES;

mod capabilities;
mod inspect;
mod objects;

/// A byte allocator: [`Slabs`] and the page allocator that they stand on.
///
/// # Complexity
///
/// That of [`Slabs`], with the calls to the page level done here.
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
///
/// use allocator_api::{AllocError, BaseAllocator, ByteAllocator, UsableSize};
/// use allocator_slab::SlabByteAllocator;
///
/// let memory = vec![0_u8; 1 << 20].leak();
/// let mut heap = Box::new(<SlabByteAllocator>::new());
/// // SAFETY: 1. The memory was leaked, and nobody else uses it. 2. Its provenance is exposed here.
/// unsafe { heap.init(memory.as_mut_ptr().expose_provenance(), 1 << 20) }?;
///
/// let (layout, unused) = (Layout::new::<[u8; 100]>(), heap.used_bytes());
/// let block = heap.alloc(layout)?;
/// assert_eq!(heap.usable_size(layout), 104);
/// // SAFETY: 1. The block is live the first time, and a double free is detected. 2. It is forgotten.
/// unsafe {
///     heap.dealloc(block, layout)?;
///     assert_eq!(heap.dealloc(block, layout), Err(AllocError::NotAllocated));
/// }
/// assert_eq!(heap.used_bytes(), unused);
/// # Ok::<(), AllocError>(())
/// ```
// In this order, so that the fast paths reach the classes without an addition.
#[repr(C)]
pub struct SlabByteAllocator<P = BitmapPageAllocator<4096>> {
    slabs: Slabs,
    pages: P,
}

impl<P: ConstEmpty> SlabByteAllocator<P> {
    /// An allocator without memory.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "the value is too large for a stack")]
    pub const fn new() -> Self {
        Self::EMPTY
    }
}

impl<P: PageAllocator> SlabByteAllocator<P> {
    /// Refuses a region in which there would be no page for a block, after the records for the region and for a slab.
    ///
    /// # Errors
    ///
    /// `InvalidParam`: so it is.
    fn expect_room(&self, start: usize, size: usize) -> AllocResult {
        let unit = P::PAGE_SIZE.max(FRAME_BYTES);
        let usable = AddressRange::new(start, size).and_then(|given| given.trimmed(unit));
        let pages = usable.and_then(AddressRange::size).map_or(0, |bytes| bytes / unit);
        // The page level's record of the region, a page of records, and the block.
        let needed = usable.map_or(0, |usable| self.slabs.missing_nodes(usable.start())) + 3;
        if usable.is_some() && pages < needed { Err(AllocError::InvalidParam) } else { Ok(()) }
    }
}

impl<'a, P: PageAllocator> Paged<'a> for &'a mut SlabByteAllocator<P> {
    type Pages = P;
    const IS_ONE_WORD: bool = true;

    #[inline(always)]
    fn slabs(&mut self) -> &mut Slabs {
        &mut self.slabs
    }

    #[inline(always)]
    fn split(self) -> (&'a mut Slabs, &'a mut P) {
        (&mut self.slabs, &mut self.pages)
    }
}

impl<P: ConstEmpty> ConstEmpty for SlabByteAllocator<P> {
    const EMPTY: Self = Self { slabs: Slabs::EMPTY, pages: P::EMPTY };
}

impl<P> Declared for SlabByteAllocator<P> {
    const DECLARATION: Declaration = Declaration {
        limits: &[
            "a region needs room for records beside a block: five pages of 4096 bytes will do for the first, and for others near it",
        ],
        smallest_first_region_bytes: SMALLEST_FIRST_REGION_BYTES,
        ..Declaration::without_gaps("slab")
    };
}

impl<P: PageAllocator> BaseAllocator for SlabByteAllocator<P> {
    unsafe fn init(&mut self, start: usize, size: usize) -> AllocResult {
        self.expect_room(start, size)?;
        // SAFETY: 1. and 2. are the caller's 1. and 2.
        unsafe { self.pages.init(start, size) }
    }

    unsafe fn add_memory(&mut self, start: usize, size: usize) -> AllocResult {
        self.expect_room(start, size)?;
        // SAFETY: 1. and 2. are the caller's 1. and 2.
        unsafe { self.pages.add_memory(start, size) }
    }
}

// SAFETY: blocks come from `Slabs`, whose promises these are; the pages are those of `pages`, which nobody else is given.
unsafe impl<P: PageAllocator> ByteAllocator for SlabByteAllocator<P> {
    fn detects(&self) -> InvalidFrees {
        self.slabs.detects()
    }

    #[inline]
    fn alloc(&mut self, layout: Layout) -> AllocResult<NonNull<u8>> {
        fast::alloc(self, layout).ok_or_else(|| refusal(layout))
    }

    unsafe fn check_block(&self, pos: NonNull<u8>, layout: Layout) -> AllocResult {
        self.slabs.check::<P>(pos.addr().get(), layout)
    }

    #[inline]
    unsafe fn dealloc(&mut self, pos: NonNull<u8>, layout: Layout) -> AllocResult {
        fast::dealloc(self, pos, layout)
    }

    unsafe fn realloc(&mut self, pos: NonNull<u8>, layout: Layout, new_size: usize) -> AllocResult<NonNull<u8>> {
        // SAFETY: 1. is the caller's 1. 2. is the caller's 2. 3. There is one page allocator.
        unsafe { self.slabs.realloc_in(&mut self.pages, pos, layout, new_size) }
    }

    fn region_for(&self, layout: Layout) -> AllocResult<Layout> {
        if layout.size() == 0 {
            return Err(AllocError::InvalidParam);
        }
        let unit = P::PAGE_SIZE.max(FRAME_BYTES);
        let align = layout.align().max(unit);
        let block = layout.size().max(32 * FRAME_BYTES);
        let records = (block / 64).max(16 * unit);
        let bytes = block.checked_add(records).and_then(|bytes| bytes.checked_add(align));
        let bytes = bytes.and_then(|bytes| bytes.checked_next_multiple_of(unit)).ok_or(AllocError::NoMemory)?;
        Layout::from_size_align(bytes, align).map_err(|_| AllocError::NoMemory)
    }

    fn total_bytes(&self) -> usize {
        self.pages.total_pages() * P::PAGE_SIZE
    }

    fn used_bytes(&self) -> usize {
        self.pages.used_pages() * P::PAGE_SIZE - self.slabs.held_bytes() + self.slabs.used_bytes()
    }
}

impl<P: PageAllocator> fmt::Debug for SlabByteAllocator<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlabByteAllocator")
            .field("total_bytes", &self.total_bytes())
            .field("used_bytes", &self.used_bytes())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::boxed::Box;

    use allocator_api::CheckIntegrity;

    use super::*;
    use crate::arena::Arena;

    #[test]
    fn a_page_in_use_that_no_slab_holds_is_found() {
        let arena = Arena::new(1 << 20, 4096);
        let mut heap = Box::new(<SlabByteAllocator>::new());
        // SAFETY: 1. The arena is this heap's alone. 2. `at` exposes the provenance.
        unsafe { heap.init(arena.at(0), 1 << 20) }.unwrap();
        heap.alloc(Layout::new::<u64>()).unwrap();
        assert_eq!(heap.check_integrity(), Ok(()));
        heap.pages.alloc_pages(1, 4096).unwrap();
        assert_eq!(heap.check_integrity(), Err("the slabs hold the pages that are in use"));
    }
}
