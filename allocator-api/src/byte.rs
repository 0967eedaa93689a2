//! Blocks of any size.

use core::{alloc::Layout, ptr::NonNull};

use crate::{AllocError, AllocResult, BaseAllocator, InvalidFrees};

/// Hands out blocks of memory of any size and alignment.
///
/// The trait can be made into an object: `&mut dyn ByteAllocator`.
///
/// # Safety
///
/// An implementation promises that a block it returns
/// 1. lies in the regions handed in, at an address that is a multiple of `layout.align()` and not 0;
/// 2. has `layout.size()` bytes that nobody else uses while it is live: no other block, no record;
/// 3. keeps its place and, but for its owner's writes, its contents until it is given back with `Ok`;
/// 4. and that an error leaves the allocator unchanged.
///
/// # Complexity
///
/// Each implementation states the worst case of each operation.
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
///
/// use allocator_api::{AllocResult, ByteAllocator};
/// # #[path = "../tests/toys/bump.rs"] mod toy;
///
/// /// Stores a number in a block, and reads it back.
/// fn through_memory(allocator: &mut dyn ByteAllocator, number: u64) -> AllocResult<u64> {
///     let layout = Layout::new::<u64>();
///     let block = allocator.alloc(layout)?;
///     // SAFETY: the block is live, large and aligned enough, and nobody else uses it.
///     let read = unsafe {
///         block.cast().write(number);
///         block.cast().read()
///     };
///     // SAFETY: 1. The block was handed out above with this layout. 2. It is forgotten.
///     unsafe { allocator.dealloc(block, layout) }?;
///     Ok(read)
/// }
///
/// # let mut allocator = toy::bump_on(Box::leak(Box::new([0; 64])));
/// assert_eq!(through_memory(&mut allocator, 42), Ok(42));
/// assert_eq!(allocator.used_bytes(), 0);
/// ```
pub unsafe trait ByteAllocator: BaseAllocator {
    /// The invalid frees that [`dealloc`](Self::dealloc) and [`realloc`](Self::realloc) answer with
    /// [`NotAllocated`](AllocError::NotAllocated) instead of undefined behaviour.
    fn detects(&self) -> InvalidFrees;

    /// Hands out a block of `layout.size()` bytes at a multiple of `layout.align()`. Its contents are undefined.
    ///
    /// # Errors
    ///
    /// - [`InvalidParam`](AllocError::InvalidParam): the size is 0.
    /// - [`NoMemory`](AllocError::NoMemory): no free block can hold it.
    fn alloc(&mut self, layout: Layout) -> AllocResult<NonNull<u8>>;

    /// Whether [`dealloc`](Self::dealloc) would accept this block; changes nothing.
    ///
    /// # Errors
    ///
    /// - [`NotAllocated`](AllocError::NotAllocated): the block is one of the mistakes in
    ///   [`detects`](Self::detects), or there is no memory yet.
    ///
    /// # Safety
    ///
    /// 1. `pos` is a live block of `self`, allocated with `layout`; or the mistake is one in `self.detects()`.
    unsafe fn check_block(&self, pos: NonNull<u8>, layout: Layout) -> AllocResult;

    /// Takes a block back.
    ///
    /// Only the address of `pos` is used.
    ///
    /// # Errors
    ///
    /// - [`NotAllocated`](AllocError::NotAllocated): as [`check_block`](Self::check_block).
    ///
    /// # Safety
    ///
    /// 1. `pos` is a live block of `self`, allocated with `layout`; or the mistake is one in `self.detects()`.
    /// 2. After `Ok` nobody uses the block.
    unsafe fn dealloc(&mut self, pos: NonNull<u8>, layout: Layout) -> AllocResult;

    /// Changes the size of a block to `new_size` bytes, at the same alignment. The block may move; the first
    /// `min(layout.size(), new_size)` bytes keep their contents.
    ///
    /// The provided method allocates, copies and gives back; an engine that can resize in place overrides it.
    ///
    /// # Errors
    ///
    /// The old block stays live, with its contents.
    ///
    /// - [`InvalidParam`](AllocError::InvalidParam): `new_size` is 0.
    /// - [`NotAllocated`](AllocError::NotAllocated): as [`check_block`](Self::check_block).
    /// - [`NoMemory`](AllocError::NoMemory): no free block can hold the new size.
    ///
    /// # Safety
    ///
    /// 1. `pos` is a live block of `self`, allocated with `layout`; or the mistake is one in `self.detects()`.
    /// 2. After `Ok` nobody uses the old block; the block returned is live with size `new_size`.
    unsafe fn realloc(&mut self, pos: NonNull<u8>, layout: Layout, new_size: usize) -> AllocResult<NonNull<u8>> {
        // SAFETY: 1. is the caller's 1. 2. is the caller's 2.
        unsafe { realloc_by_moving(self, pos, layout, new_size) }
    }

    /// As [`alloc`](Self::alloc), with every byte of the block 0.
    ///
    /// # Errors
    ///
    /// As [`alloc`](Self::alloc).
    fn alloc_zeroed(&mut self, layout: Layout) -> AllocResult<NonNull<u8>> {
        let block = self.alloc(layout)?;
        // SAFETY: the block is fresh and has `layout.size()` bytes (this trait's promise 2).
        unsafe { block.write_bytes(0, layout.size()) };
        Ok(block)
    }

    /// Size (bytes) and alignment of a region that, once added, makes `alloc(layout)` succeed.
    ///
    /// What [`add_memory`](BaseAllocator::add_memory) needs for itself is included. A region that is larger or
    /// more aligned serves as well.
    ///
    /// # Errors
    ///
    /// - [`InvalidParam`](AllocError::InvalidParam): the size is 0.
    /// - [`NoMemory`](AllocError::NoMemory): no region could ever hold such a block.
    fn region_for(&self, layout: Layout) -> AllocResult<Layout>;

    /// Bytes now held: all regions as trimmed.
    fn total_bytes(&self) -> usize;

    /// Bytes that cannot be handed out now: live blocks with their rounding, and the allocator's own records.
    fn used_bytes(&self) -> usize;

    /// Bytes that are free: `total_bytes − used_bytes`.
    fn available_bytes(&self) -> usize {
        self.total_bytes() - self.used_bytes()
    }
}

/// Changes the size of a block by a move: allocates, copies and gives back. This is what
/// [`ByteAllocator::realloc`] does, and what an engine that overrides it does with a block that cannot stay.
///
/// # Errors
///
/// As for [`ByteAllocator::realloc`].
///
/// # Safety
///
/// As for [`ByteAllocator::realloc`]:
///
/// 1. `pos` is a live block of `allocator`, allocated with `layout`; or the mistake is one in `allocator.detects()`.
/// 2. After `Ok` nobody uses the old block; the block returned is live with size `new_size`.
///
/// # Complexity
///
/// That of `check_block`, `alloc` and `dealloc`, and the copy.
pub unsafe fn realloc_by_moving<A: ByteAllocator + ?Sized>(
    allocator: &mut A,
    pos: NonNull<u8>,
    layout: Layout,
    new_size: usize,
) -> AllocResult<NonNull<u8>> {
    if new_size == 0 {
        return Err(AllocError::InvalidParam);
    }
    // SAFETY: 1. is the caller's 1.
    unsafe { allocator.check_block(pos, layout) }?;
    let new_layout = Layout::from_size_align(new_size, layout.align()).map_err(|_| AllocError::NoMemory)?;
    let new = allocator.alloc(new_layout)?;
    // SAFETY: `pos` passed the check, so it is live with `layout.size()` bytes; `new` is a fresh block of `new_size`
    // bytes; two live blocks do not overlap (the trait's promise 2).
    unsafe { new.copy_from_nonoverlapping(pos, layout.size().min(new_size)) };
    // SAFETY: 1. is the caller's 1. 2. is the caller's 2.
    match unsafe { allocator.dealloc(pos, layout) } {
        Ok(()) => Ok(new),
        Err(error) => {
            // SAFETY: 1. `new` is live with `new_layout`. 2. It is forgotten here.
            let _taken_back = unsafe { allocator.dealloc(new, new_layout) };
            Err(error)
        }
    }
}
