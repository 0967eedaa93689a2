//! The allocator as Rust's global one.
//!
//! The trait knows one answer to every refusal: null. Invalid frees are counted and reported, as those of the
//! methods are. The trait forbids unwinding; nothing in here panics, but a hook of somebody else's may, and
//! that aborts.

use core::{
    alloc::{GlobalAlloc, Layout},
    mem,
    ptr::{self, NonNull},
};

use allocator_api::{AllocResult, PageAllocator, PagedByteAllocator};
use lock_api::RawMutex;

use crate::GlobalAllocator;

/// Dropped only by unwinding, where one more panic aborts.
struct NoUnwinding;

impl Drop for NoUnwinding {
    fn drop(&mut self) {
        panic!("a hook of the global allocator panicked");
    }
}

/// Calls `call`; where that unwinds, aborts.
fn without_unwinding<T>(call: impl FnOnce() -> T) -> T {
    let guard = NoUnwinding;
    let answer = call();
    mem::forget(guard);
    answer
}

/// The address of the block that `call` answers with, or null.
fn or_null(call: impl FnOnce() -> AllocResult<NonNull<u8>>) -> *mut u8 {
    without_unwinding(call).map_or(ptr::null_mut(), NonNull::as_ptr)
}

// SAFETY: a block is as large and as aligned as its layout says and nobody else's (the byte level's promises). No
// method unwinds (`without_unwinding`). A layout of size 0 is answered with null.
unsafe impl<B: PagedByteAllocator, P: PageAllocator, R: RawMutex> GlobalAlloc for GlobalAllocator<B, P, R> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        or_null(|| Self::alloc(self, layout))
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        or_null(|| Self::alloc_zeroed(self, layout))
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        let Some(pos) = NonNull::new(ptr) else { return };
        // SAFETY: 1. The trait's caller says that the block is live here, with this layout. 2. And gives it up.
        let _reported = without_unwinding(|| unsafe { Self::dealloc(self, pos, layout) });
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let Some(pos) = NonNull::new(ptr) else { return ptr::null_mut() };
        // SAFETY: 1. The trait's caller says that the block is live here, with this layout. 2. And gives it up
        // unless null comes back.
        or_null(|| unsafe { Self::realloc(self, pos, layout, new_size) })
    }
}
