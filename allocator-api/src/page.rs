//! Runs of pages.

use crate::{AddressRange, AllocResult, BaseAllocator};

/// Hands out runs of neighbouring pages.
///
/// Addresses and alignments are in bytes, amounts in pages. Run borders are not remembered: any run of allocated
/// pages may be given back, in any pieces, each page once.
///
/// # Safety
///
/// An implementation promises that a run it returns
/// 1. is `num_pages` pages in the regions handed in, from an address that is a multiple of `align_pow2`;
/// 2. shares no page with another live run, nor with the allocator's records;
/// 3. and that an error leaves the allocator unchanged.
///
/// # Complexity
///
/// Each implementation states the worst case of each operation.
///
/// # Examples
///
/// ```
/// use allocator_api::{AllocResult, PageAllocator};
/// # #[path = "../tests/toys/page_flags.rs"] mod toy;
///
/// /// A stack of `pages` pages that starts above a page kept free as a guard: the address of the guard.
/// fn guarded_stack(allocator: &mut impl PageAllocator, pages: usize) -> AllocResult<usize> {
///     allocator.alloc_pages(pages + 1, 4096)
/// }
///
/// # let mut allocator = toy::flags_of::<4096>(16, 64);
/// let guard = guarded_stack(&mut allocator, 4)?;
/// assert!(guard.is_multiple_of(4096));
/// assert_eq!(allocator.used_pages(), 5);
/// // SAFETY: 1. The pages were handed out above. 2. Nobody uses them.
/// unsafe {
///     allocator.dealloc_pages(guard + 4096, 4)?;
///     allocator.dealloc_pages(guard, 1)?;
/// }
/// assert_eq!(allocator.used_pages(), 0);
/// # Ok::<(), allocator_api::AllocError>(())
/// ```
pub unsafe trait PageAllocator: BaseAllocator {
    /// Bytes in a page: a power of two.
    const PAGE_SIZE: usize;

    /// Hands out `num_pages` pages, the first at a multiple of `align_pow2` bytes. Returns its address.
    ///
    /// # Errors
    ///
    /// - [`InvalidParam`](crate::AllocError::InvalidParam): `num_pages` is 0; `align_pow2` is not a power of two
    ///   or is smaller than [`PAGE_SIZE`](Self::PAGE_SIZE).
    /// - [`NoMemory`](crate::AllocError::NoMemory): there is no such free run.
    fn alloc_pages(&mut self, num_pages: usize, align_pow2: usize) -> AllocResult<usize>;

    /// Hands out exactly the `num_pages` pages from address `base`. Returns `base`.
    ///
    /// # Errors
    ///
    /// - [`InvalidParam`](crate::AllocError::InvalidParam): as [`alloc_pages`](Self::alloc_pages), and `base` is
    ///   not a multiple of `align_pow2`.
    /// - [`NoMemory`](crate::AllocError::NoMemory): a page of the run is allocated or not managed here.
    fn alloc_pages_at(&mut self, base: usize, num_pages: usize, align_pow2: usize) -> AllocResult<usize>;

    /// Takes back the `num_pages` pages from address `pos`: any run of allocated pages.
    ///
    /// # Errors
    ///
    /// - [`NotAllocated`](crate::AllocError::NotAllocated): `num_pages` is 0, `pos` is not the address of a page,
    ///   or some page of the run is free or not managed here. No page is taken back then.
    ///
    /// # Safety
    ///
    /// 1. The pages that are allocated are the caller's to give back.
    /// 2. After `Ok` nobody uses them.
    unsafe fn dealloc_pages(&mut self, pos: usize, num_pages: usize) -> AllocResult;

    /// Takes room for the allocator's own records out of the memory that is about to be handed in: the last bytes of
    /// one of `regions`, whole pages, and returns it. Whoever calls leaves it out of what is handed in. `None`: no
    /// room is wanted, because records lie in the regions, or in the value, or elsewhere already.
    ///
    /// The same regions give the same room. It is enough if what is left of them is handed in from below to above, or
    /// from above to below.
    ///
    /// # Errors
    ///
    /// The allocator stays without memory and without room.
    ///
    /// - [`InvalidParam`](crate::AllocError::InvalidParam): there is memory already, or no region has a page.
    /// - [`NoMemory`](crate::AllocError::NoMemory): room is wanted, and no region is long enough for it and a page
    ///   beside it.
    ///
    /// # Safety
    ///
    /// 1. `regions` do not overlap, and keep the conditions of [`init`](BaseAllocator::init).
    /// 2. The room returned is used by nobody else, whether or not the rest is handed in.
    unsafe fn take_record_room(
        &mut self,
        regions: impl Iterator<Item = AddressRange> + Clone,
    ) -> AllocResult<Option<AddressRange>> {
        let _wanted_by_others = regions;
        Ok(None)
    }

    /// Pages now held.
    fn total_pages(&self) -> usize;

    /// Pages that cannot be handed out now: allocated ones, and those that hold the allocator's records.
    fn used_pages(&self) -> usize;

    /// Pages that are free: `total_pages − used_pages`.
    fn available_pages(&self) -> usize {
        self.total_pages() - self.used_pages()
    }
}
