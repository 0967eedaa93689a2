//! Blocks of bytes.

use core::{alloc::Layout, ptr::NonNull};

use allocator_api::{AllocError, AllocResult, InvalidFrees, PageAllocator, PagedByteAllocator};
use lock_api::RawMutex;

use crate::{Freed, GlobalAllocator, InvalidFree, locked_pages::LockedPages};

impl<B: PagedByteAllocator, P: PageAllocator, R: RawMutex> GlobalAllocator<B, P, R> {
    /// Hands out a block of `layout.size()` bytes at a multiple of `layout.align()`. Its contents are undefined.
    ///
    /// Refused, it calls the out-of-memory hook, and tries again while that says so.
    ///
    /// # Errors
    ///
    /// - [`InvalidParam`](AllocError::InvalidParam): the size is 0.
    /// - [`NoMemory`](AllocError::NoMemory): neither level has room.
    pub fn alloc(&self, layout: Layout) -> AllocResult<NonNull<u8>> {
        self.ask_again(Some(layout), || self.try_alloc(layout))
    }

    /// As [`alloc`](Self::alloc), but never calls the out-of-memory hook.
    ///
    /// # Errors
    ///
    /// As [`alloc`](Self::alloc).
    pub fn try_alloc(&self, layout: Layout) -> AllocResult<NonNull<u8>> {
        self.bytes.lock().alloc_from(&mut LockedPages::new(&self.pages), layout)
    }

    /// As [`alloc`](Self::alloc), with every byte 0. The bytes are cleared with no lock held.
    ///
    /// # Errors
    ///
    /// As [`alloc`](Self::alloc).
    pub fn alloc_zeroed(&self, layout: Layout) -> AllocResult<NonNull<u8>> {
        let block = self.alloc(layout)?;
        // SAFETY: the block is fresh and has `layout.size()` bytes (the byte level's promise 2).
        unsafe { block.write_bytes(0, layout.size()) };
        Ok(block)
    }

    /// Takes a block back. A refused free is counted, and reported through a hook.
    ///
    /// # Errors
    ///
    /// - [`NotAllocated`](AllocError::NotAllocated): one of the mistakes in [`detects`](Self::detects).
    ///
    /// # Safety
    ///
    /// 1. `pos` is a live block of `self`, allocated with `layout`; or the mistake is one in `self.detects()`.
    /// 2. After `Ok` nobody uses the block.
    pub unsafe fn dealloc(&self, pos: NonNull<u8>, layout: Layout) -> AllocResult {
        let mut pages = LockedPages::new(&self.pages);
        // The guard lives until the end of this statement: the report below is made without the lock.
        // SAFETY: 1. is the caller's 1. 2. is the caller's 2. 3. The byte level has no other pages than these.
        let answer = unsafe { self.bytes.lock().dealloc_to(&mut pages, pos, layout) };
        answer.inspect_err(|error| self.report_block(pos, layout, *error))
    }

    /// Changes the size of a block to `new_size` bytes, at the same alignment. The block may move; the first
    /// `min(layout.size(), new_size)` bytes keep their contents. Where the block moves, it is copied under the
    /// lock.
    ///
    /// Refused, it calls the out-of-memory hook, and tries again while that says so. If the block itself is the
    /// mistake, that is counted and reported as an invalid free.
    ///
    /// # Errors
    ///
    /// The old block stays live, with its contents.
    ///
    /// - [`InvalidParam`](AllocError::InvalidParam): `new_size` is 0.
    /// - [`NotAllocated`](AllocError::NotAllocated): one of the mistakes in [`detects`](Self::detects).
    /// - [`NoMemory`](AllocError::NoMemory): neither level has room.
    ///
    /// # Safety
    ///
    /// 1. `pos` is a live block of `self`, allocated with `layout`; or the mistake is one in `self.detects()`.
    /// 2. After `Ok` nobody uses the old block; the block returned is live with size `new_size`.
    pub unsafe fn realloc(&self, pos: NonNull<u8>, layout: Layout, new_size: usize) -> AllocResult<NonNull<u8>> {
        let request = Layout::from_size_align(new_size, layout.align()).ok();
        // SAFETY: 1. 2. are the caller's 1. and 2.; it is called again only after a refusal, which changes
        // nothing.
        self.ask_again(request, || unsafe { self.try_realloc(pos, layout, new_size) })
    }

    /// As [`realloc`](Self::realloc), but never calls the out-of-memory hook.
    ///
    /// # Errors
    ///
    /// As [`realloc`](Self::realloc).
    ///
    /// # Safety
    ///
    /// As [`realloc`](Self::realloc), conditions 1 and 2.
    pub unsafe fn try_realloc(
        &self,
        pos: NonNull<u8>,
        layout: Layout,
        new_size: usize,
    ) -> AllocResult<NonNull<u8>> {
        let mut pages = LockedPages::new(&self.pages);
        // SAFETY: 1. is the caller's 1. 2. is the caller's 2. 3. The byte level is given no other pages than
        // these.
        let answer = unsafe { self.bytes.lock().realloc_in(&mut pages, pos, layout, new_size) };
        if answer == Err(AllocError::NotAllocated) {
            self.report_block(pos, layout, AllocError::NotAllocated);
        }
        answer
    }

    /// Gives pages that the byte level does not need back to the page level. Returns how many: 0 where a byte
    /// level cannot give memory back, as [`Growing`](crate::Growing) cannot. A request for pages that are not there
    /// does it by itself.
    pub fn trim(&self) -> usize {
        let mut pages = LockedPages::new(&self.pages);
        // SAFETY: 1. The byte level is given no other pages than these.
        unsafe { self.bytes.lock().trim(&mut pages) }
    }

    /// The invalid frees of blocks that are answered with [`NotAllocated`](AllocError::NotAllocated) instead of
    /// undefined behaviour.
    #[must_use]
    pub fn detects(&self) -> InvalidFrees {
        self.bytes.lock().detects()
    }

    /// Calls `look` with the byte level, for what only its type can tell, and returns what it returns.
    ///
    /// The lock of the byte level is held: within `look`, allocate and free nothing, neither blocks nor pages, and call
    /// no method of this allocator. It would wait for itself.
    pub fn with_bytes<T>(&self, look: impl FnOnce(&B) -> T) -> T {
        look(&self.bytes.lock())
    }

    fn report_block(&self, pos: NonNull<u8>, layout: Layout, error: AllocError) {
        self.report(&InvalidFree { address: pos.addr().get(), freed: Freed::Block(layout), error });
    }
}
