//! What this allocator can do besides: usable sizes, memory given back.

use core::alloc::Layout;

use allocator_api::{
    AddressRange, BlockKind, HeapMap, PageAllocator, PagedByteAllocator, ReclaimMemory, RemoveMemory, UsableSize,
};

use super::SlabByteAllocator;
use crate::slabs::Slabs;

// SAFETY: an object or a run has that many bytes, and every size up to there is of the same class, or of a run of the same length
// (see `Slabs::usable_size`).
unsafe impl<P: PageAllocator> UsableSize for SlabByteAllocator<P> {
    fn usable_size(&self, layout: Layout) -> usize {
        Slabs::usable_size::<P>(layout)
    }
}

// SAFETY: the range is taken out of the page level (whose promise this then is), where it is free: slabs, runs and records lie in
// pages that are not.
unsafe impl<P: PageAllocator + HeapMap + RemoveMemory> ReclaimMemory for SlabByteAllocator<P> {
    /// Gives every page to the page level that has no live block, and takes the largest free piece out that the page level lets go.
    ///
    /// # Complexity
    ///
    /// A heap map of the page level for each piece tried: they are tried from the largest on, until one is let go.
    fn reclaim(&mut self, granule_bytes: usize) -> Option<AddressRange> {
        if !granule_bytes.is_power_of_two() {
            return None;
        }
        // SAFETY: 1. There is one page allocator.
        unsafe { self.slabs.trim(&mut self.pages) };
        let mut tried = None;
        while let Some((bytes, start)) = largest_free(&self.pages, granule_bytes, tried) {
            if self.pages.remove_memory(start, bytes).is_ok() {
                return AddressRange::new(start, bytes);
            }
            tried = Some((bytes, start));
        }
        None
    }
}

/// The largest free piece of whole granules, as its bytes and its start: the next one after `tried` if that was tried.
fn largest_free<P: HeapMap>(
    pages: &P,
    granule_bytes: usize,
    tried: Option<(usize, usize)>,
) -> Option<(usize, usize)> {
    let mut largest = None;
    pages.for_each_block(&mut |block| {
        let free = AddressRange::new(block.start, block.bytes).filter(|_| block.kind == BlockKind::Free);
        let Some((bytes, start)) =
            free.and_then(|free| free.trimmed(granule_bytes)).and_then(|free| Some((free.size()?, free.start())))
        else {
            return;
        };
        if tried.is_none_or(|tried| (bytes, start) < tried) {
            largest = largest.max(Some((bytes, start)));
        }
    });
    largest
}
