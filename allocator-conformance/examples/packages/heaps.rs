//! The packages, as they are.

use std::{
    alloc::Layout,
    ptr::{self, NonNull},
};

use talc::{DefaultBinning, base, source::Manual};

use crate::bytes::RawHeap;

/// `slab_allocator::Heap`: slabs of eight classes over buddies.
pub(crate) struct Slabs(Option<slab_allocator::Heap>);

impl RawHeap for Slabs {
    const NAME: &'static str = "slab_allocator (ax_slab_allocator 0.4)";
    const MOST_REGIONS: Option<usize> = None;
    const NEW: Self = Self(None);

    unsafe fn add(&mut self, start: usize, size: usize) -> bool {
        match &mut self.0 {
            // SAFETY: the region is the heap's (1).
            Some(heap) => unsafe { heap.add_memory(start, size) },
            // SAFETY: the region is the heap's (1).
            None => self.0 = Some(unsafe { slab_allocator::Heap::new(start, size) }),
        }
        true
    }

    fn take(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let block = self.0.as_mut()?.allocate(layout).ok()?;
        NonNull::new(ptr::with_exposed_provenance_mut(block))
    }

    unsafe fn give(&mut self, block: NonNull<u8>, layout: Layout) {
        if let Some(heap) = &mut self.0 {
            // SAFETY: the block is live (1).
            unsafe { heap.deallocate(block.addr().get(), layout) };
        }
    }

    fn statistics(&self) -> Option<(usize, usize)> {
        Some(self.0.as_ref().map_or((0, 0), |heap| (heap.total_bytes(), heap.used_bytes())))
    }
}

/// The same without what it says of itself: what it breaks beside that.
pub(crate) struct SilentSlabs(Slabs);

impl RawHeap for SilentSlabs {
    const NAME: &'static str = "slab_allocator (ax_slab_allocator 0.4), blocks counted by the adapter";
    const MOST_REGIONS: Option<usize> = Slabs::MOST_REGIONS;
    const NEW: Self = Self(Slabs::NEW);

    unsafe fn add(&mut self, start: usize, size: usize) -> bool {
        // SAFETY: 1. The caller's.
        unsafe { self.0.add(start, size) }
    }

    fn take(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        self.0.take(layout)
    }

    unsafe fn give(&mut self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: 1. The caller's.
        unsafe { self.0.give(block, layout) };
    }
}

/// `buddy_system_allocator::Heap`: lists of powers of two.
pub(crate) struct Buddies(buddy_system_allocator::Heap<32>);

impl RawHeap for Buddies {
    const NAME: &'static str = "buddy_system_allocator 0.13";
    const MOST_REGIONS: Option<usize> = None;
    const NEW: Self = Self(buddy_system_allocator::Heap::empty());

    unsafe fn add(&mut self, start: usize, size: usize) -> bool {
        // SAFETY: the region is the heap's (1), and its end is an address: the adapter answers what has none.
        unsafe { self.0.add_to_heap(start, start.saturating_add(size)) };
        true
    }

    fn take(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        self.0.alloc(layout).ok()
    }

    unsafe fn give(&mut self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: the block is live (1).
        unsafe { self.0.dealloc(block, layout) };
    }

    fn statistics(&self) -> Option<(usize, usize)> {
        Some((self.0.stats_total_bytes(), self.0.stats_alloc_actual()))
    }
}

/// `rlsf::Tlsf`: two-level segregated fit.
pub(crate) struct Tlsf(rlsf::Tlsf<'static, u32, u32, 28, 32>);

impl RawHeap for Tlsf {
    const NAME: &'static str = "rlsf 0.2";
    const MOST_REGIONS: Option<usize> = None;
    const NEW: Self = Self(rlsf::Tlsf::new());

    unsafe fn add(&mut self, start: usize, size: usize) -> bool {
        let Some(first) = NonNull::new(ptr::with_exposed_provenance_mut(start)) else { return false };
        // SAFETY: the region is the pool's (1).
        unsafe { self.0.insert_free_block_ptr(NonNull::slice_from_raw_parts(first, size)) }.is_some()
    }

    fn take(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        self.0.allocate(layout)
    }

    unsafe fn give(&mut self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: the block is live (1).
        unsafe { self.0.deallocate(block, layout.align()) };
    }
}

/// `linked_list_allocator::Heap`: a list of holes, first fit, one region.
pub(crate) struct LinkedList(linked_list_allocator::Heap);

impl RawHeap for LinkedList {
    const NAME: &'static str = "linked_list_allocator 0.10";
    const MOST_REGIONS: Option<usize> = Some(1);
    const NEW: Self = Self(linked_list_allocator::Heap::empty());

    unsafe fn add(&mut self, start: usize, size: usize) -> bool {
        let is_first = self.0.size() == 0;
        if is_first {
            // SAFETY: the region is the heap's (1).
            unsafe { self.0.init(ptr::with_exposed_provenance_mut(start), size) };
        }
        is_first
    }

    fn take(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        self.0.allocate_first_fit(layout).ok()
    }

    unsafe fn give(&mut self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: the block is live (1).
        unsafe { self.0.deallocate(block, layout) };
    }
}

/// `talc::base::Talc`: boundary tags and binned gaps, several regions.
pub(crate) struct Talc(base::Talc<Manual, DefaultBinning>);

impl RawHeap for Talc {
    const NAME: &'static str = "talc 5.1";
    const MOST_REGIONS: Option<usize> = None;
    const NEW: Self = Self(base::Talc::new(Manual));

    unsafe fn add(&mut self, start: usize, size: usize) -> bool {
        // SAFETY: the region is the heap's (1).
        unsafe { self.0.claim(ptr::with_exposed_provenance_mut(start), size) }.is_some()
    }

    fn take(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: the size is not 0: the adapter answers that.
        unsafe { self.0.allocate(layout) }
    }

    unsafe fn give(&mut self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: the block is live (1).
        unsafe { self.0.deallocate(block.as_ptr(), layout) };
    }
}
