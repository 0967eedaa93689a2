//! The bytes of a run: the only file of this crate that makes pointers.
//!
//! Pages come with whatever was in them, so their bytes are read as `MaybeUninit` until they were written. The borrow
//! checker keeps slices apart as it does for any owned memory: a shared borrow of the handle reads, a mutable one
//! writes, and neither outlives it.

use core::{
    mem::MaybeUninit,
    ptr::{self, NonNull},
    slice,
};

use allocator_api::PageAllocator;
use lock_api::RawMutex;

use super::PageRun;

impl<B, P: PageAllocator, R: RawMutex> PageRun<'_, B, P, R> {
    /// A pointer to the first byte. All bytes of the run may be read and written through it until the run is given
    /// back, while no slice of them is borrowed.
    #[must_use]
    pub fn as_ptr(&self) -> NonNull<u8> {
        // The page at address 0 is never held.
        NonNull::new(ptr::with_exposed_provenance_mut(self.start())).unwrap_or(NonNull::dangling())
    }

    /// The bytes, to read. O(1).
    #[must_use]
    pub fn as_uninit(&self) -> &[MaybeUninit<u8>] {
        // SAFETY: the bytes are memory with exposed provenance (conditions 1 and 2 of `init`), this handle's alone (H1),
        // and fit into an `isize` (H2); they are borrowed as the handle is. Any byte is a `MaybeUninit`.
        unsafe { slice::from_raw_parts(self.as_ptr().cast().as_ptr(), self.size_bytes()) }
    }

    /// The bytes, to read and write. O(1).
    #[must_use]
    pub fn as_uninit_mut(&mut self) -> &mut [MaybeUninit<u8>] {
        // SAFETY: as in `as_uninit`; the handle is borrowed mutably.
        unsafe { slice::from_raw_parts_mut(self.as_ptr().cast().as_ptr(), self.size_bytes()) }
    }

    /// Sets every byte to `byte`, and gives the bytes out as initialised ones.
    pub fn fill(&mut self, byte: u8) -> &mut [u8] {
        let bytes = self.as_uninit_mut();
        bytes.fill(MaybeUninit::new(byte));
        // SAFETY: all of them were written just now.
        unsafe { bytes.assume_init_mut() }
    }
}
