//! Other `no_std` byte allocators from the registry.

use std::{
    cell::Cell,
    ptr::{self, NonNull},
    slice,
};

use buddy_slab_allocator::{BuddyAllocator, RemoteFreeHint, SlabAllocResult, SlabAllocator, SlabDeallocResult};
use talc::{base::Talc as TalcBase, source::Manual};

use super::{Request, Subject};
use crate::{region::Region, script::PAGE_BYTES};

/// Package `talc`, version 5.
pub(crate) struct Talc(TalcBase<Manual, talc::DefaultBinning>);

// SAFETY: 1. and 2. as the package says.
unsafe impl Subject for Talc {
    fn create(region: Region) -> Result<Box<Self>, String> {
        let mut heap = Box::new(Self(TalcBase::new(Manual)));
        // SAFETY: the region is mapped and this subject's alone.
        let end = unsafe { heap.0.claim(region.start.as_ptr(), region.bytes) };
        end.map(|_| heap).ok_or_else(|| "the region is too small".to_owned())
    }

    #[inline(always)]
    fn alloc(&mut self, request: Request) -> Option<NonNull<u8>> {
        // SAFETY: the size is not 0.
        unsafe { self.0.allocate(request.layout()) }
    }

    #[inline(always)]
    unsafe fn dealloc(&mut self, block: NonNull<u8>, request: Request) {
        // SAFETY: 1. and 2. hold as for the caller.
        unsafe { self.0.deallocate(block.as_ptr(), request.layout()) }
    }

    #[inline(always)]
    unsafe fn realloc(&mut self, block: NonNull<u8>, request: Request, size: u32) -> Option<NonNull<u8>> {
        // SAFETY: 1. and 2. hold as for the caller, and where the block moves both are live, and as long as copied.
        unsafe {
            if self.0.try_realloc_in_place(block.as_ptr(), request.layout(), size as usize) {
                return Some(block);
            }
            let new = self.alloc(Request { size, ..request })?;
            new.copy_from_nonoverlapping(block, request.size.min(size) as usize);
            self.dealloc(block, request);
            Some(new)
        }
    }
}

/// Package `linked_list_allocator`.
pub(crate) struct LinkedList(linked_list_allocator::Heap);

// SAFETY: 1. and 2. as the package says.
unsafe impl Subject for LinkedList {
    fn create(region: Region) -> Result<Box<Self>, String> {
        let mut heap = Box::new(Self(linked_list_allocator::Heap::empty()));
        // SAFETY: the region is mapped and this subject's alone.
        unsafe { heap.0.init(region.start.as_ptr(), region.bytes) };
        Ok(heap)
    }

    #[inline(always)]
    fn alloc(&mut self, request: Request) -> Option<NonNull<u8>> {
        self.0.allocate_first_fit(request.layout()).ok()
    }

    #[inline(always)]
    unsafe fn dealloc(&mut self, block: NonNull<u8>, request: Request) {
        // SAFETY: 1. and 2. hold as for the caller.
        unsafe { self.0.deallocate(block, request.layout()) }
    }

    fn used(&self) -> Option<usize> {
        Some(self.0.used())
    }
}

/// Package `good_memory_allocator`.
pub(crate) struct GoodMemory(good_memory_allocator::Allocator);

// SAFETY: 1. and 2. as the package says.
unsafe impl Subject for GoodMemory {
    fn create(region: Region) -> Result<Box<Self>, String> {
        let mut heap = Box::new(Self(good_memory_allocator::Allocator::empty()));
        // SAFETY: the region is mapped and this subject's alone; the value is boxed and so does not move.
        unsafe { heap.0.init(region.address(), region.bytes) };
        Ok(heap)
    }

    #[inline(always)]
    fn alloc(&mut self, request: Request) -> Option<NonNull<u8>> {
        // SAFETY: the size is not 0.
        NonNull::new(unsafe { self.0.alloc(request.layout()) })
    }

    #[inline(always)]
    unsafe fn dealloc(&mut self, block: NonNull<u8>, _request: Request) {
        // SAFETY: 1. and 2. hold as for the caller.
        unsafe { self.0.dealloc(block.as_ptr()) }
    }

    #[inline(always)]
    unsafe fn realloc(&mut self, block: NonNull<u8>, request: Request, size: u32) -> Option<NonNull<u8>> {
        // SAFETY: 1. and 2. hold as for the caller.
        NonNull::new(unsafe { self.0.realloc(block.as_ptr(), request.layout(), size as usize) })
    }
}

/// A region as the operating system that `dlmalloc` asks for memory: it gives pieces in order and takes none back.
#[derive(Debug)]
pub(crate) struct Pieces {
    next: Cell<usize>,
    last: usize,
}

// SAFETY: a piece is handed out once, and stays mapped.
unsafe impl dlmalloc::Allocator for Pieces {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        let start = self.next.get();
        match start.checked_add(size) {
            Some(end) if end - 1 <= self.last => {
                self.next.set(end);
                (ptr::with_exposed_provenance_mut(start), size, 0)
            }
            _ => (ptr::null_mut(), 0, 0),
        }
    }

    fn remap(&self, _: *mut u8, _: usize, _: usize, _: bool) -> *mut u8 {
        ptr::null_mut()
    }

    fn free_part(&self, _: *mut u8, _: usize, _: usize) -> bool {
        false
    }

    fn free(&self, _: *mut u8, _: usize) -> bool {
        false
    }

    fn can_release_part(&self, _: u32) -> bool {
        false
    }

    fn allocates_zeros(&self) -> bool {
        false
    }

    fn page_size(&self) -> usize {
        PAGE_BYTES
    }
}

/// Package `dlmalloc`, which asks for its memory in pages.
pub(crate) struct Dlmalloc(dlmalloc::Dlmalloc<Pieces>);

// SAFETY: 1. and 2. as the package says.
unsafe impl Subject for Dlmalloc {
    fn create(region: Region) -> Result<Box<Self>, String> {
        let start = region.address();
        let pieces = Pieces { next: Cell::new(start), last: start + (region.bytes - 1) };
        let mut heap = Box::new(Self(dlmalloc::Dlmalloc::new_with_allocator(pieces)));
        if heap.0.set_granularity(PAGE_BYTES) { Ok(heap) } else { Err("refuses the granularity".to_owned()) }
    }

    #[inline(always)]
    fn alloc(&mut self, request: Request) -> Option<NonNull<u8>> {
        // SAFETY: the size is not 0.
        NonNull::new(unsafe { self.0.malloc(request.size as usize, request.align_bytes()) })
    }

    #[inline(always)]
    unsafe fn dealloc(&mut self, block: NonNull<u8>, request: Request) {
        // SAFETY: 1. and 2. hold as for the caller.
        unsafe { self.0.free(block.as_ptr(), request.size as usize, request.align_bytes()) }
    }

    #[inline(always)]
    unsafe fn realloc(&mut self, block: NonNull<u8>, request: Request, size: u32) -> Option<NonNull<u8>> {
        let (old_size, align) = (request.size as usize, request.align_bytes());
        // SAFETY: 1. and 2. hold as for the caller.
        NonNull::new(unsafe { self.0.realloc(block.as_ptr(), old_size, align, size as usize) })
    }
}

/// Package `buddy-slab-allocator`: its slab level over its page level, joined as it joins them itself, without its locks.
pub(crate) struct BuddySlab {
    slabs: SlabAllocator<PAGE_BYTES>,
    pages: BuddyAllocator<PAGE_BYTES>,
    /// What other CPUs freed: nothing, and the owner is told so, as in the package's own pool.
    hint: RemoteFreeHint,
}

/// The largest size and alignment that the slab level takes, in bytes.
const LARGEST_SLAB_BYTES: usize = 2048;

impl BuddySlab {
    fn take_pages(&mut self, request: Request) -> Option<NonNull<u8>> {
        let pages = (request.size as usize).div_ceil(PAGE_BYTES);
        let first = self.pages.alloc_pages(pages, request.align_bytes().max(PAGE_BYTES)).ok()?;
        NonNull::new(ptr::with_exposed_provenance_mut(first))
    }
}

/// Whether the slab level takes the request.
#[inline(always)]
const fn is_small(request: Request) -> bool {
    request.size as usize <= LARGEST_SLAB_BYTES && request.align_bytes() <= LARGEST_SLAB_BYTES
}

// SAFETY: 1. and 2. as the package says.
unsafe impl Subject for BuddySlab {
    fn create(region: Region) -> Result<Box<Self>, String> {
        let (slabs, pages, hint) = (SlabAllocator::new(), BuddyAllocator::new(), RemoteFreeHint::new());
        let mut heap = Box::new(Self { slabs, pages, hint });
        // SAFETY: the region is mapped until the process ends and this subject's alone.
        let memory = unsafe { slice::from_raw_parts_mut(region.start.as_ptr(), region.bytes) };
        // SAFETY: as above.
        unsafe { heap.pages.init(memory) }.map_err(|error| format!("{error:?}"))?;
        Ok(heap)
    }

    #[inline(always)]
    fn alloc(&mut self, request: Request) -> Option<NonNull<u8>> {
        if !is_small(request) {
            return self.take_pages(request);
        }
        match self.slabs.alloc_hinted(request.layout(), Some(&self.hint)).ok()? {
            SlabAllocResult::Allocated(block) => Some(block),
            SlabAllocResult::NeedsSlab { size_class, pages } => {
                let bytes = pages * PAGE_BYTES;
                let base = self.pages.alloc_pages(pages, bytes).ok()?;
                self.slabs.add_slab(size_class, base, bytes, 0);
                match self.slabs.alloc_hinted(request.layout(), Some(&self.hint)).ok()? {
                    SlabAllocResult::Allocated(block) => Some(block),
                    SlabAllocResult::NeedsSlab { .. } => None,
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn dealloc(&mut self, block: NonNull<u8>, request: Request) {
        if !is_small(request) {
            return self.pages.dealloc_pages(block.addr().get(), (request.size as usize).div_ceil(PAGE_BYTES));
        }
        if let SlabDeallocResult::FreeSlab { base, pages } = self.slabs.dealloc(block, request.layout()) {
            self.pages.dealloc_pages(base, pages);
        }
    }

    fn used(&self) -> Option<usize> {
        Some(self.pages.allocated_bytes())
    }
}
