//! Page allocators from the registry.

use std::{
    ptr::{self, NonNull},
    slice,
};

use bitmap_allocator::BitAlloc;
use buddy_slab_allocator::BuddyAllocator;
use buddy_system_allocator::FrameAllocator;

use super::{Request, Subject};
use crate::{region::Region, script::PAGE_BYTES};

/// The address of page number `page`.
#[inline(always)]
fn address_of(page: usize) -> Option<NonNull<u8>> {
    NonNull::new(ptr::with_exposed_provenance_mut(page * PAGE_BYTES))
}

/// Package `bitmap-allocator`; `B` is its map, whose capacity is fixed.
pub(crate) struct Bitmap<B> {
    map: B,
    first_page: usize,
}

// SAFETY: 1. and 2. as the package says: bit n is page `first_page + n`, which is aligned more than any request.
unsafe impl<B: BitAlloc> Subject for Bitmap<B> {
    fn create(region: Region) -> Result<Box<Self>, String> {
        let pages = region.bytes / PAGE_BYTES;
        if pages > B::CAP {
            return Err(format!("its map holds {} pages", B::CAP));
        }
        let mut bitmap = Box::new(Self { map: B::DEFAULT, first_page: region.address() / PAGE_BYTES });
        bitmap.map.insert(0..pages);
        Ok(bitmap)
    }

    #[inline(always)]
    fn alloc(&mut self, request: Request) -> Option<NonNull<u8>> {
        let align_log2 = (u32::from(request.align_log2) - PAGE_BYTES.ilog2()) as usize;
        // Its users take the short way for one page, as here.
        let bit = if request.size == 1 {
            self.map.alloc()?
        } else {
            self.map.alloc_contiguous(None, request.size as usize, align_log2)?
        };
        address_of(self.first_page + bit)
    }

    #[inline(always)]
    unsafe fn dealloc(&mut self, block: NonNull<u8>, request: Request) {
        let bit = block.addr().get() / PAGE_BYTES - self.first_page;
        let freed = if request.size == 1 {
            self.map.dealloc(bit)
        } else {
            self.map.dealloc_contiguous(bit, request.size as usize)
        };
        debug_assert!(freed);
    }
}

/// The page level of `buddy-slab-allocator`, unlocked: 12 bytes of records for a page.
pub(crate) struct BuddySlabPages(BuddyAllocator<PAGE_BYTES>);

// SAFETY: 1. and 2. as the package says.
unsafe impl Subject for BuddySlabPages {
    fn create(region: Region) -> Result<Box<Self>, String> {
        let mut pages = Box::new(Self(BuddyAllocator::new()));
        // SAFETY: the region is mapped until the process ends and this subject's alone.
        let memory = unsafe { slice::from_raw_parts_mut(region.start.as_ptr(), region.bytes) };
        // SAFETY: as above.
        unsafe { pages.0.init(memory) }.map_err(|error| format!("{error:?}"))?;
        Ok(pages)
    }

    #[inline(always)]
    fn alloc(&mut self, request: Request) -> Option<NonNull<u8>> {
        let first = self.0.alloc_pages(request.size as usize, request.align_bytes()).ok()?;
        NonNull::new(ptr::with_exposed_provenance_mut(first))
    }

    #[inline(always)]
    unsafe fn dealloc(&mut self, block: NonNull<u8>, request: Request) {
        self.0.dealloc_pages(block.addr().get(), request.size as usize);
    }

    fn used(&self) -> Option<usize> {
        Some(self.0.total_pages() - self.0.free_pages())
    }
}

/// `FrameAllocator` of `buddy_system_allocator`; it keeps its records in the host's heap.
pub(crate) struct Frames(FrameAllocator<33>);

// SAFETY: 1. and 2. as the package says: runs are powers of two, aligned to their size.
unsafe impl Subject for Frames {
    fn create(region: Region) -> Result<Box<Self>, String> {
        let mut frames = Box::new(Self(FrameAllocator::new()));
        let first_page = region.address() / PAGE_BYTES;
        frames.0.add_frame(first_page, first_page + region.bytes / PAGE_BYTES);
        Ok(frames)
    }

    #[inline(always)]
    fn alloc(&mut self, request: Request) -> Option<NonNull<u8>> {
        address_of(self.0.alloc((request.size as usize).max(request.align_bytes() / PAGE_BYTES))?)
    }

    #[inline(always)]
    unsafe fn dealloc(&mut self, block: NonNull<u8>, request: Request) {
        let pages = (request.size as usize).max(request.align_bytes() / PAGE_BYTES);
        self.0.dealloc(block.addr().get() / PAGE_BYTES, pages);
    }
}
