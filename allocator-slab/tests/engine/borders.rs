//! The end of the address space, page levels of two sizes, and memory that is nearly gone.

use allocator_api::{AllocError, BaseAllocator, ByteAllocator, PagedByteAllocator};
use allocator_slab::{SlabByteAllocator, Slabs};

use crate::{
    arena::Arena,
    blocks::{KIB, MIB, layout},
    pages::Pages,
};

#[test]
fn a_class_set_up_for_small_pages_takes_no_slab_that_is_a_broken_number_of_large_ones() {
    let (mut small, mut large) = (Pages::<4096>::of_host(MIB), Pages::<{ 16 * KIB }>::of_host(MIB));
    let mut slabs = Box::new(Slabs::new());
    let first = slabs.alloc_from(&mut small, layout(4800, 8)).unwrap().addr().get();
    for number in 1..20 {
        let block = slabs.alloc_from(&mut large, layout(4800, 8)).unwrap().addr().get();
        let in_first_slab = (first..first + 5 * 4096 - 4800).contains(&block);
        let class = slabs.size_classes().find(|class| class.object_bytes == 5120).unwrap();
        assert!(in_first_slab || class.slabs == 1, "block {number} at {block:#x}");
        assert!(slabs.held_bytes() >= class.live * 5120 + slabs.runs().bytes);
    }
}

#[test]
fn a_page_that_is_kept_serves_no_request_of_a_larger_page() {
    let (mut small, mut large) = (Pages::<4096>::of_host(MIB), Pages::<{ 16 * KIB }>::of_host(MIB));
    let mut slabs = Box::new(Slabs::new());
    let kept = slabs.alloc_from(&mut small, layout(4096, 8)).unwrap();
    // SAFETY: 1. The block is live, with this layout. 2. It is forgotten. 3. It came from this page level.
    unsafe { slabs.dealloc_to(&mut small, kept, layout(4096, 8)) }.unwrap();
    let block = slabs.alloc_from(&mut large, layout(16 * KIB, 8)).unwrap();
    assert_ne!(block, kept);
}

#[test]
fn a_run_at_the_end_of_the_address_space_does_not_grow_beyond_it() {
    let mut pages = Pages::<4096>::of_host(MIB);
    let mut slabs = Box::new(Slabs::new());
    pages.far = vec![usize::MAX - 8191, 1 << 30];
    let block = slabs.alloc_from(&mut pages, layout(8192, 8)).unwrap();
    assert_eq!(block.addr().get(), usize::MAX - 8191);
    // Enough for the records of a growth, and for no other place.
    pages.patience = 2;
    // SAFETY: 1. The block is live, with this layout. 2. It is not used. 3. There is one page level.
    let grown = unsafe { slabs.realloc_in(&mut pages, block, layout(8192, 8), 12_288) };
    assert_ne!(grown, Ok(block));
}

#[test]
fn a_guest_is_not_given_back_as_an_aligned_run() {
    let mut pages = Pages::<4096>::of_host(MIB);
    let mut slabs = Box::new(Slabs::new());
    slabs.alloc_from(&mut pages, layout(9000, 1)).unwrap();
    pages.patience = 0;
    let guest = slabs.alloc_from(&mut pages, layout(8192, 1)).unwrap();
    // SAFETY: 1. The mistake is detected. 2. It is refused. 3. There is one page level.
    let answer = unsafe { slabs.dealloc_to(&mut pages, guest, layout(4096, 8192)) };
    assert_eq!(answer, Err(AllocError::NotAllocated));
    // SAFETY: 1. The block is live, with this layout. 2. It is forgotten. 3. There is one page level.
    unsafe { slabs.dealloc_to(&mut pages, guest, layout(8192, 1)) }.unwrap();
}

#[test]
fn the_tail_of_a_slab_is_used_as_long_as_the_slab_is() {
    let arena = Arena::new(MIB, MIB);
    let mut slabs = Box::new(<SlabByteAllocator>::new());
    // SAFETY: 1. The arena lives longer and is no one else's. 2. Its provenance is exposed by `at`.
    unsafe { slabs.init(arena.at(0), MIB) }.unwrap();
    let before = slabs.used_bytes();
    // 42 objects of 96 bytes are 4032: a tail of 64. The record has 64, the entry of the map 8 at most.
    let block = slabs.alloc(layout(96, 8)).unwrap();
    assert_eq!(slabs.used_bytes() - before, 96 + 64 + 64 + size_of::<usize>());
    // SAFETY: 1. The block is live, with this layout. 2. It is forgotten.
    unsafe { slabs.dealloc(block, layout(96, 8)) }.unwrap();
    assert_eq!(slabs.used_bytes(), before);
}

#[test]
fn nothing_is_a_guest_in_an_object_of_its_own_class() {
    let (mut small, mut large) = (Pages::<4096>::of_host(MIB), Pages::<{ 16 * KIB }>::of_host(MIB));
    let mut slabs = Box::new(Slabs::new());
    let page = layout(4096, 8);
    // On large pages this is an object, of a slab with others that are free; on small ones it is a run.
    slabs.alloc_from(&mut large, page).unwrap();
    small.patience = 0;
    assert_eq!(slabs.alloc_from(&mut small, page), Err(AllocError::NoMemory));
    let class = slabs.size_classes().find(|class| class.object_bytes == 4096).unwrap();
    assert_eq!((class.live, class.capacity > 1), (1, true));
}
