//! Blocks that live in an object of a larger class, because there are no pages left.
#![allow(clippy::unwrap_used, reason = "a test helper that fails is a test that fails")]

use std::alloc::Layout;

use allocator_api::{BaseAllocator, ByteAllocator};
use allocator_slab::SlabByteAllocator;

const MIB: usize = 1 << 20;

/// A page is mostly a run of its own; as a guest it is an object, and stays one when its size stays the same.
#[test]
fn a_guest_of_the_size_of_a_page_is_resized_where_it_is() {
    let memory = vec![0_u8; MIB].leak();
    let mut slabs = Box::new(SlabByteAllocator::<allocator_bitmap::BitmapPageAllocator<4096>>::new());
    // SAFETY: 1. The memory is leaked, and this allocator's alone. 2. It is exposed here.
    unsafe { slabs.init(memory.as_mut_ptr().expose_provenance(), MIB) }.unwrap();
    let [page, larger] = [4096, 5120].map(|size| Layout::from_size_align(size, 8).unwrap());
    slabs.alloc(larger).unwrap();
    let blocks: Vec<_> = std::iter::from_fn(|| slabs.alloc(page).ok()).collect();
    let guests = blocks.iter().filter(|block| !block.addr().get().is_multiple_of(4096)).count();
    assert_ne!(guests, 0);
    for block in blocks {
        // SAFETY: 1. The block is live, with this layout. 2. It stays where it is.
        let resized = unsafe { slabs.realloc(block, page, 4000) }.unwrap();
        assert_eq!(resized, block);
    }
}
