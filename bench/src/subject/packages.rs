//! The packages behind the wrappers, as published: what the wrappers add is the difference to [`super::ours`].

use std::ptr::{self, NonNull};

use super::{Request, Subject};
use crate::region::Region;

/// Bytes below which the package `slab_allocator` takes no heap, and its step.
const SLAB_STEP_BYTES: usize = 32 * 1024;

/// Package `slab_allocator`.
pub(crate) struct Slab(slab_allocator::Heap);

// SAFETY: 1. and 2. as the package says, for alignments up to the size class; scripts that ask for more say so.
unsafe impl Subject for Slab {
    fn create(region: Region) -> Result<Box<Self>, String> {
        let bytes = region.bytes / SLAB_STEP_BYTES * SLAB_STEP_BYTES;
        if bytes == 0 {
            return Err(format!("takes no heap below {SLAB_STEP_BYTES} bytes"));
        }
        // SAFETY: the region is mapped, aligned to pages, a multiple of the step, and this subject's alone.
        Ok(Box::new(Self(unsafe { slab_allocator::Heap::new(region.address(), bytes) })))
    }

    #[inline(always)]
    fn alloc(&mut self, request: Request) -> Option<NonNull<u8>> {
        let block = self.0.allocate(request.layout()).ok()?;
        NonNull::new(ptr::with_exposed_provenance_mut(block))
    }

    #[inline(always)]
    unsafe fn dealloc(&mut self, block: NonNull<u8>, request: Request) {
        // SAFETY: 1. and 2. hold as for the caller.
        unsafe { self.0.deallocate(block.addr().get(), request.layout()) }
    }
}

/// Package `buddy_system_allocator`, bytes.
pub(crate) struct Buddy(buddy_system_allocator::Heap<40>);

// SAFETY: 1. and 2. as the package says.
unsafe impl Subject for Buddy {
    fn create(region: Region) -> Result<Box<Self>, String> {
        let mut heap = Box::new(Self(buddy_system_allocator::Heap::empty()));
        // SAFETY: the region is mapped and this subject's alone.
        unsafe { heap.0.init(region.address(), region.bytes) };
        Ok(heap)
    }

    #[inline(always)]
    fn alloc(&mut self, request: Request) -> Option<NonNull<u8>> {
        self.0.alloc(request.layout()).ok()
    }

    #[inline(always)]
    unsafe fn dealloc(&mut self, block: NonNull<u8>, request: Request) {
        // SAFETY: 1. and 2. hold as for the caller.
        unsafe { self.0.dealloc(block, request.layout()) }
    }

    fn used(&self) -> Option<usize> {
        Some(self.0.stats_alloc_actual())
    }
}

/// Package `rlsf`, with classes for every pool up to 2^58 bytes.
pub(crate) struct Rlsf(rlsf::Tlsf<'static, u64, u32, 53, 32>);

// SAFETY: 1. and 2. as the package says.
unsafe impl Subject for Rlsf {
    fn create(region: Region) -> Result<Box<Self>, String> {
        let mut pool = Box::new(Self(rlsf::Tlsf::new()));
        let memory = NonNull::slice_from_raw_parts(region.start, region.bytes);
        // SAFETY: the region is mapped until the process ends and this subject's alone.
        let taken = unsafe { pool.0.insert_free_block_ptr(memory) };
        taken.map(|_| pool).ok_or_else(|| "the region is too small".to_owned())
    }

    #[inline(always)]
    fn alloc(&mut self, request: Request) -> Option<NonNull<u8>> {
        self.0.allocate(request.layout())
    }

    #[inline(always)]
    unsafe fn dealloc(&mut self, block: NonNull<u8>, request: Request) {
        // SAFETY: 1. and 2. hold as for the caller.
        unsafe { self.0.deallocate(block, request.align_bytes()) }
    }

    #[inline(always)]
    unsafe fn realloc(&mut self, block: NonNull<u8>, request: Request, size: u32) -> Option<NonNull<u8>> {
        // SAFETY: 1. and 2. hold as for the caller; the alignment stays.
        unsafe { self.0.reallocate(block, Request { size, ..request }.layout()) }
    }
}
