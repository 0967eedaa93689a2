//! Requests for pages that the byte level holds and does not use.
#![cfg(all(feature = "slab", feature = "bitmap"))]

use std::{alloc::Layout, cell::RefCell, ptr::NonNull};

use allocator::{BitmapPageAllocator, GlobalAllocator, Hooks, Placement, Slabs, UsageKind};

use crate::support::{Arena, INVALID_PARAM, MIB, NO_MEMORY, TracingLock, held_locks, layout, take_orders};

type Heap = GlobalAllocator<Slabs, BitmapPageAllocator<4096>, TracingLock>;

thread_local! {
    /// The requests that the hook was called with.
    static REFUSED: RefCell<Vec<Layout>> = const { RefCell::new(Vec::new()) };
}

static NOTING: Hooks = Hooks { out_of_memory: note_refusal, ..Hooks::NONE };

fn note_refusal(request: Layout) -> bool {
    assert_eq!(held_locks(), [], "hooks run without locks");
    REFUSED.with_borrow_mut(|refused| refused.push(request));
    false
}

/// A heap whose byte level holds the page of this address, in which no block lives.
fn heap_with_an_unused_page(heap: &Heap, arena: &Arena) -> usize {
    // SAFETY: 1. The arena outlives the heap's use and is its alone. 2. It is exposed.
    unsafe { heap.init(arena.start(), arena.size()) }.unwrap();
    heap.set_hooks(&NOTING);
    let block = heap.alloc(layout(64, 64)).unwrap();
    free(heap, block);
    assert_ne!((heap.usage().heap_held_bytes, heap.usage().heap_used_bytes), (0, 0));
    block.addr().get() & !0xfff
}

fn free(heap: &Heap, block: NonNull<u8>) {
    // SAFETY: 1. The tests pass a live block of this layout. 2. And use it no more.
    unsafe { heap.dealloc(block, layout(64, 64)) }.unwrap();
}

/// Takes every page that is free.
fn take_free_pages(heap: &Heap) {
    for _ in 0..heap.usage().available_pages {
        heap.alloc_pages(1, 4096, UsageKind::UserMemory).unwrap();
    }
}

#[test]
fn the_last_pages_come_from_the_byte_level_before_the_hook_is_called() {
    let (heap, arena) = (Heap::new(), Arena::new(MIB));
    heap_with_an_unused_page(&heap, &arena);
    take_free_pages(&heap);
    let held_pages = heap.usage().pages(UsageKind::Heap);
    for _ in 0..held_pages {
        heap.alloc_pages(1, 4096, UsageKind::UserMemory).unwrap();
    }
    assert_eq!((heap.usage().heap_held_bytes, heap.usage().available_pages), (0, 0));
    assert_eq!(REFUSED.take(), []);
    assert_eq!(heap.alloc_pages(1, 4096, UsageKind::UserMemory), Err(NO_MEMORY));
    assert_eq!(heap.try_alloc_pages(1, 4096, UsageKind::UserMemory), Err(NO_MEMORY));
    assert_eq!(REFUSED.take(), [layout(4096, 4096)]);
}

#[test]
fn a_certain_page_that_no_block_lives_in_is_handed_out() {
    let (heap, arena) = (Heap::new(), Arena::new(MIB));
    let page = heap_with_an_unused_page(&heap, &arena);
    assert_eq!(heap.alloc_pages_at(page, 1, 4096, UsageKind::Dma), Ok(page));
    assert_eq!(heap.alloc_pages_at(page, 1, 4096, UsageKind::Dma), Err(NO_MEMORY));
    assert_eq!(REFUSED.take(), []);
}

#[test]
fn a_constrained_request_gets_a_page_that_no_block_lives_in() {
    let (heap, arena) = (Heap::new(), Arena::new(MIB));
    let page = heap_with_an_unused_page(&heap, &arena);
    let within = allocator::AddressRange::new(page, 4096).unwrap();
    let placement = Placement { within, ..Placement::aligned(4096) };
    assert_eq!(heap.try_alloc_pages_in(1, placement, UsageKind::Dma), Ok(page));
}

#[test]
fn live_blocks_stay_while_pages_are_looked_for() {
    let (heap, arena) = (Heap::new(), Arena::new(MIB));
    heap_with_an_unused_page(&heap, &arena);
    let block = heap.alloc(layout(64, 64)).unwrap();
    // SAFETY: the block is live.
    unsafe { block.write_bytes(0x5a, 64) };
    take_free_pages(&heap);
    while heap.alloc_pages(1, 4096, UsageKind::UserMemory).is_ok() {}
    assert_eq!(REFUSED.take().len(), 1);
    // SAFETY: the block is live, and its bytes are written.
    assert_eq!(unsafe { block.cast::<[u8; 64]>().read() }, [0x5a; 64]);
    free(&heap, block);
    assert_eq!(heap.invalid_frees(), 0);
}

#[test]
fn a_request_that_no_page_can_satisfy_leaves_the_byte_level_alone() {
    let (heap, arena) = (Heap::new(), Arena::new(MIB));
    heap_with_an_unused_page(&heap, &arena);
    let held_bytes = heap.usage().heap_held_bytes;
    assert_eq!(heap.alloc_pages(0, 4096, UsageKind::Other), Err(INVALID_PARAM));
    assert_eq!(heap.alloc_pages(1, 3, UsageKind::Other), Err(INVALID_PARAM));
    assert_eq!(heap.usage().heap_held_bytes, held_bytes);
}

#[test]
fn the_byte_level_is_trimmed_with_no_lock_held_and_in_the_order_of_the_locks() {
    let (heap, arena) = (Heap::new(), Arena::new(MIB));
    let page = heap_with_an_unused_page(&heap, &arena);
    take_orders();
    assert_ne!(heap.usage().heap_held_bytes, 0);
    let order = take_orders();
    heap.alloc_pages_at(page, 1, 4096, UsageKind::Dma).unwrap();
    let orders = take_orders();
    assert!(!orders.is_empty() && orders.iter().all(|taken| *taken == order[0]), "{orders:?}");
    assert_eq!(held_locks(), []);
}
