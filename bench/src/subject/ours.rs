//! The backends of this workspace, through the contract alone.

use std::{
    marker::PhantomData,
    ptr::{self, NonNull},
};

use allocator::{Recorded, trace::Event};
use allocator_api::{BlockKind, ByteAllocator, ConstEmpty, HeapMap, PageAllocator};

use super::{Request, Subject};
use crate::{region::Region, script::PAGE_BYTES};

/// How a backend tells what it holds.
pub(crate) trait Held<B> {
    /// As [`Subject::held`].
    fn held(backend: &B) -> Option<Vec<(usize, usize)>>;
}

/// It does not.
#[derive(Debug)]
pub(crate) struct Untold;

impl<B> Held<B> for Untold {
    fn held(_: &B) -> Option<Vec<(usize, usize)>> {
        None
    }
}

/// By its heap map.
#[derive(Debug)]
pub(crate) struct Mapped;

impl<B: HeapMap> Held<B> for Mapped {
    fn held(backend: &B) -> Option<Vec<(usize, usize)>> {
        let mut held = Vec::new();
        backend.for_each_block(&mut |block| {
            held.extend((block.kind != BlockKind::Free).then_some((block.start, block.bytes)));
        });
        Some(held)
    }
}

/// A byte backend.
#[derive(Debug)]
pub(crate) struct Bytes<B, H = Untold>(B, PhantomData<H>);

// SAFETY: 1. and 2. are what `ByteAllocator` promises.
unsafe impl<B: ByteAllocator + ConstEmpty, H: Held<B>> Subject for Bytes<B, H> {
    fn create(region: Region) -> Result<Box<Self>, String> {
        let mut backend = Box::new(Self(B::EMPTY, PhantomData));
        // SAFETY: the region is mapped, exposed, and this subject's alone.
        unsafe { backend.0.init(region.address(), region.bytes) }.map_err(|error| error.to_string())?;
        Ok(backend)
    }

    #[inline(always)]
    fn alloc(&mut self, request: Request) -> Option<NonNull<u8>> {
        self.0.alloc(request.layout()).ok()
    }

    #[inline(always)]
    unsafe fn dealloc(&mut self, block: NonNull<u8>, request: Request) {
        // SAFETY: 1. and 2. hold as for the caller.
        let answer = unsafe { self.0.dealloc(block, request.layout()) };
        debug_assert_eq!(answer, Ok(()));
    }

    #[inline(always)]
    unsafe fn realloc(&mut self, block: NonNull<u8>, request: Request, size: u32) -> Option<NonNull<u8>> {
        // SAFETY: 1. and 2. hold as for the caller.
        unsafe { self.0.realloc(block, request.layout(), size as usize) }.ok()
    }

    fn used(&self) -> Option<usize> {
        Some(self.0.used_bytes())
    }

    fn held(&self) -> Option<Vec<(usize, usize)>> {
        H::held(&self.0)
    }
}

/// A page backend.
#[derive(Debug)]
pub(crate) struct Pages<P, H = Untold>(P, PhantomData<H>);

// SAFETY: 1. and 2. are what `PageAllocator` promises.
unsafe impl<P: PageAllocator + ConstEmpty, H: Held<P>> Subject for Pages<P, H> {
    fn create(region: Region) -> Result<Box<Self>, String> {
        let mut backend = Box::new(Self(P::EMPTY, PhantomData));
        // SAFETY: the region is mapped, exposed, and this subject's alone.
        unsafe { backend.0.init(region.address(), region.bytes) }.map_err(|error| error.to_string())?;
        Ok(backend)
    }

    #[inline(always)]
    fn alloc(&mut self, request: Request) -> Option<NonNull<u8>> {
        let pages = request.size as usize;
        let first = self.0.alloc_pages(pages, request.align_bytes()).ok()?;
        NonNull::new(ptr::with_exposed_provenance_mut(first))
    }

    #[inline(always)]
    unsafe fn dealloc(&mut self, block: NonNull<u8>, request: Request) {
        const { assert!(P::PAGE_SIZE == PAGE_BYTES) };
        // SAFETY: 1. and 2. hold as for the caller.
        let answer = unsafe { self.0.dealloc_pages(block.addr().get(), request.size as usize) };
        debug_assert_eq!(answer, Ok(()));
    }

    fn used(&self) -> Option<usize> {
        Some(self.0.used_pages())
    }

    fn held(&self) -> Option<Vec<(usize, usize)>> {
        H::held(&self.0)
    }
}

/// Events that a measurement has memory for: more than any workload or shipped trace has operations.
const EVENTS: usize = 1 << 20;

/// A byte backend under the layer that records: its calls go to memory of the layer's own.
#[derive(Debug)]
pub(crate) struct Recording<B>(Bytes<Recorded<B>>);

// SAFETY: 1. and 2. are what `Bytes` promises.
unsafe impl<B: ByteAllocator + ConstEmpty> Subject for Recording<B> {
    fn create(region: Region) -> Result<Box<Self>, String> {
        let mut recorded = Bytes::<Recorded<B>>::create(region)?;
        let events = vec![Event::BLANK; EVENTS].leak();
        recorded.0.recording_mut().start(events);
        Ok(Box::new(Self(*recorded)))
    }

    #[inline(always)]
    fn alloc(&mut self, request: Request) -> Option<NonNull<u8>> {
        self.0.alloc(request)
    }

    #[inline(always)]
    unsafe fn dealloc(&mut self, block: NonNull<u8>, request: Request) {
        // SAFETY: 1. and 2. hold as for the caller.
        unsafe { self.0.dealloc(block, request) }
    }

    #[inline(always)]
    unsafe fn realloc(&mut self, block: NonNull<u8>, request: Request, size: u32) -> Option<NonNull<u8>> {
        // SAFETY: 1. and 2. hold as for the caller.
        unsafe { self.0.realloc(block, request, size) }
    }

    fn used(&self) -> Option<usize> {
        self.0.used()
    }
}
