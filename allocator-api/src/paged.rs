//! The byte level of a two-level allocator.

use core::{alloc::Layout, ptr::NonNull};

use crate::{AllocResult, InvalidFrees, PageAllocator};

/// Hands out blocks and takes the pages it needs from the page allocator that comes with each call.
///
/// It holds no handle to its pages and no lock: whoever calls decides how the page level is guarded. An engine
/// that stands on pages by nature implements this trait itself; any [`ByteAllocator`](crate::ByteAllocator) can be
/// made into one by growing it region by region.
///
/// # Safety
///
/// An implementation promises what [`ByteAllocator`](crate::ByteAllocator) promises, with "the regions handed in"
/// read as "the pages taken from `pages` and not given back".
///
/// # Complexity
///
/// Each implementation states the worst case of each operation, and how many calls to `pages` it makes.
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
///
/// use allocator_api::{PageAllocator, PagedByteAllocator};
/// # #[path = "../tests/toys/page_flags.rs"] mod page_flags;
/// # #[path = "../tests/toys/whole_pages.rs"] mod whole_pages;
/// # let (mut bytes, mut pages) = (whole_pages::WholePages::default(), page_flags::flags_of_memory(8));
///
/// let layout = Layout::new::<[u64; 1000]>();
/// let block = bytes.alloc_from(&mut pages, layout)?;
/// assert_eq!((bytes.held_bytes(), pages.used_pages()), (8192, 2));
/// // SAFETY: 1. The block was handed out above with this layout. 2. It is forgotten. 3. There is one page allocator.
/// unsafe { bytes.dealloc_to(&mut pages, block, layout) }?;
/// assert_eq!(pages.used_pages(), 0);
/// # Ok::<(), allocator_api::AllocError>(())
/// ```
pub unsafe trait PagedByteAllocator {
    /// The invalid frees that [`dealloc_to`](Self::dealloc_to) and [`realloc_in`](Self::realloc_in) answer with
    /// [`NotAllocated`](crate::AllocError::NotAllocated) instead of undefined behaviour.
    fn detects(&self) -> InvalidFrees;

    /// Hands out a block; takes pages from `pages` when none of its own can hold it.
    ///
    /// `pages` is meant to be the allocator that every earlier call was given. With another one blocks are sound as long as both
    /// live, but pages may be lost.
    ///
    /// # Errors
    ///
    /// - [`InvalidParam`](crate::AllocError::InvalidParam): the size is 0.
    /// - [`NoMemory`](crate::AllocError::NoMemory): no free block can hold it, and `pages` gave none that could.
    fn alloc_from<P: PageAllocator>(&mut self, pages: &mut P, layout: Layout) -> AllocResult<NonNull<u8>>;

    /// Takes a block back; may give pages back to `pages`.
    ///
    /// # Errors
    ///
    /// - [`NotAllocated`](crate::AllocError::NotAllocated): one of the mistakes in [`detects`](Self::detects).
    ///
    /// # Safety
    ///
    /// 1. `pos` is a live block of `self`, allocated with `layout`; or the mistake is one in `self.detects()`.
    /// 2. After `Ok` nobody uses the block.
    /// 3. `pages` is the allocator that every earlier call was given.
    unsafe fn dealloc_to<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        pos: NonNull<u8>,
        layout: Layout,
    ) -> AllocResult;

    /// Changes the size of a block to `new_size` bytes, as
    /// [`ByteAllocator::realloc`](crate::ByteAllocator::realloc) does.
    ///
    /// # Errors
    ///
    /// The old block stays live, with its contents.
    ///
    /// - [`InvalidParam`](crate::AllocError::InvalidParam): `new_size` is 0.
    /// - [`NotAllocated`](crate::AllocError::NotAllocated): one of the mistakes in [`detects`](Self::detects).
    /// - [`NoMemory`](crate::AllocError::NoMemory): no free block can hold the new size, and `pages` gave none
    ///   that could.
    ///
    /// # Safety
    ///
    /// 1. `pos` is a live block of `self`, allocated with `layout`; or the mistake is one in `self.detects()`.
    /// 2. After `Ok` nobody uses the old block; the block returned is live with size `new_size`.
    /// 3. `pages` is the allocator that every earlier call was given.
    unsafe fn realloc_in<P: PageAllocator>(
        &mut self,
        pages: &mut P,
        pos: NonNull<u8>,
        layout: Layout,
        new_size: usize,
    ) -> AllocResult<NonNull<u8>>;

    /// Gives back to `pages` what can be given back. Returns the number of pages given back: 0 where an
    /// implementation cannot give memory back.
    ///
    /// # Safety
    ///
    /// 1. `pages` is the allocator that every earlier call was given.
    unsafe fn trim<P: PageAllocator>(&mut self, pages: &mut P) -> usize;

    /// Bytes of the pages now held.
    fn held_bytes(&self) -> usize;

    /// Bytes held that cannot be handed out now: live blocks with their rounding, and records.
    fn used_bytes(&self) -> usize;
}
