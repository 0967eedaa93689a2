//! References that need an operating system: they take their memory from it, not from the region.

use std::{
    alloc::{GlobalAlloc, System},
    ptr::NonNull,
};

use super::{Request, Subject};
use crate::region::Region;

/// An allocator that implements `GlobalAlloc`.
#[derive(Debug)]
pub(crate) struct Hosted<G>(G);

/// jemalloc.
#[cfg(feature = "hosted")]
pub(crate) type Jemalloc = Hosted<tikv_jemallocator::Jemalloc>;
/// The C library's `malloc`.
pub(crate) type Glibc = Hosted<System>;

/// A hosted allocator has one value.
pub(crate) trait Unit {
    /// That value.
    const UNIT: Self;
}
#[cfg(feature = "hosted")]
impl Unit for tikv_jemallocator::Jemalloc {
    const UNIT: Self = Self;
}
impl Unit for System {
    const UNIT: Self = Self;
}

// SAFETY: 1. and 2. are what `GlobalAlloc` promises.
unsafe impl<G: GlobalAlloc + Unit> Subject for Hosted<G> {
    fn create(_region: Region) -> Result<Box<Self>, String> {
        Ok(Box::new(Self(G::UNIT)))
    }

    #[inline(always)]
    fn alloc(&mut self, request: Request) -> Option<NonNull<u8>> {
        // SAFETY: the size is not 0.
        NonNull::new(unsafe { self.0.alloc(request.layout()) })
    }

    #[inline(always)]
    unsafe fn dealloc(&mut self, block: NonNull<u8>, request: Request) {
        // SAFETY: 1. and 2. hold as for the caller.
        unsafe { self.0.dealloc(block.as_ptr(), request.layout()) }
    }

    #[inline(always)]
    unsafe fn realloc(&mut self, block: NonNull<u8>, request: Request, size: u32) -> Option<NonNull<u8>> {
        // SAFETY: 1. and 2. hold as for the caller.
        NonNull::new(unsafe { self.0.realloc(block.as_ptr(), request.layout(), size as usize) })
    }
}
