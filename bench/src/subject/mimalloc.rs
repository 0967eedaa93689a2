//! mimalloc, called as C calls it.

use std::ptr::NonNull;

use super::{Request, Subject};
use crate::region::Region;

/// Microsoft's mimalloc: `mi_malloc` where its alignment suffices.
#[derive(Debug)]
pub(crate) struct Mimalloc;

/// Whether a block of `bytes` from `mi_malloc` is aligned to `align`: to 16 from 16 bytes on, below to 8.
#[inline(always)]
const fn is_aligned_enough(bytes: usize, align: usize) -> bool {
    align <= 8 || (align <= 16 && bytes >= 16)
}

// SAFETY: 1. and 2. are what mimalloc promises.
unsafe impl Subject for Mimalloc {
    fn create(_region: Region) -> Result<Box<Self>, String> {
        Ok(Box::new(Self))
    }

    #[inline(always)]
    fn alloc(&mut self, request: Request) -> Option<NonNull<u8>> {
        let (bytes, align) = (request.size as usize, request.align_bytes());
        // SAFETY: any size and any power of two may be asked for.
        let block = unsafe {
            if is_aligned_enough(bytes, align) {
                libmimalloc_sys::mi_malloc(bytes)
            } else {
                libmimalloc_sys::mi_malloc_aligned(bytes, align)
            }
        };
        NonNull::new(block.cast())
    }

    #[inline(always)]
    unsafe fn dealloc(&mut self, block: NonNull<u8>, _request: Request) {
        // SAFETY: 1. and 2. hold as for the caller.
        unsafe { libmimalloc_sys::mi_free(block.as_ptr().cast()) }
    }

    #[inline(always)]
    unsafe fn realloc(&mut self, block: NonNull<u8>, request: Request, size: u32) -> Option<NonNull<u8>> {
        let (block, bytes, align) = (block.as_ptr().cast(), size as usize, request.align_bytes());
        // SAFETY: 1. and 2. hold as for the caller.
        let moved = unsafe {
            if is_aligned_enough(bytes, align) {
                libmimalloc_sys::mi_realloc(block, bytes)
            } else {
                libmimalloc_sys::mi_realloc_aligned(block, bytes, align)
            }
        };
        NonNull::new(moved.cast())
    }
}
