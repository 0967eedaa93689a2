//! Blocks of bytes through the facade: hooks, retries, invalid frees.

use std::{cell::Cell, ptr::NonNull};

use allocator::{Freed, Hooks, InvalidFree, InvalidFrees, UsageKind};

use crate::support::{
    Arena, INVALID_PARAM, KIB, MIB, NO_MEMORY, NOT_ALLOCATED, ToyHeap, held_locks, layout, toy_heap,
};

thread_local! {
    /// What the hooks below need to know. Each test has a thread of its own.
    static HEAP: Cell<Option<&'static ToyHeap>> = const { Cell::new(None) };
    static SPARE_RUN: Cell<usize> = const { Cell::new(0) };
    static CALLS: Cell<usize> = const { Cell::new(0) };
    static LAST_REQUEST: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
    static LAST_INVALID: Cell<Option<InvalidFree>> = const { Cell::new(None) };
}

const SPARE_PAGES: usize = 16;

/// A heap that lives as long as the process, known to the hooks of this thread.
fn heap_with(hooks: &'static Hooks, bytes: usize) -> &'static ToyHeap {
    let arena: &'static Arena = Box::leak(Box::new(Arena::new(bytes)));
    let heap: &'static ToyHeap = Box::leak(Box::new(toy_heap(arena)));
    HEAP.set(Some(heap));
    heap.set_hooks(hooks);
    heap
}

fn note_request(request: std::alloc::Layout) {
    assert_eq!(held_locks(), [], "hooks run without locks");
    CALLS.set(CALLS.get() + 1);
    LAST_REQUEST.set((request.size(), request.align()));
}

/// Gives a spare run back, once, and allocates and frees a little on the way.
fn give_spare_run(request: std::alloc::Layout) -> bool {
    note_request(request);
    let Some(heap) = HEAP.get() else { return false };
    let answer = heap.try_alloc(layout(8 * MIB, 1));
    assert_eq!(answer, Err(NO_MEMORY));
    let run = SPARE_RUN.take();
    if run == 0 {
        return false;
    }
    // SAFETY: 1. The run was put aside by the test. 2. Nobody uses it.
    unsafe { heap.dealloc_pages(run, SPARE_PAGES, UsageKind::PageCache) }.unwrap();
    let block = heap.try_alloc(layout(1, 1)).unwrap();
    // SAFETY: 1. Live. 2. Not used again.
    unsafe { heap.dealloc(block, layout(1, 1)) }.unwrap();
    true
}

fn refuse(request: std::alloc::Layout) -> bool {
    note_request(request);
    false
}

fn always_try_again(request: std::alloc::Layout) -> bool {
    note_request(request);
    true
}

/// Notes the free, and allocates in the hook.
fn note_invalid(free: &InvalidFree) {
    assert_eq!(held_locks(), [], "hooks run without locks");
    LAST_INVALID.set(Some(*free));
    if let Some(heap) = HEAP.get() {
        let block = heap.alloc(layout(16, 16)).unwrap();
        // SAFETY: 1. Live. 2. Not used again.
        unsafe { heap.dealloc(block, layout(16, 16)) }.unwrap();
    }
}

static GIVING: Hooks = Hooks { out_of_memory: give_spare_run, ..Hooks::NONE };
static REFUSING: Hooks = Hooks { out_of_memory: refuse, invalid_free: note_invalid };
static STUBBORN: Hooks = Hooks { out_of_memory: always_try_again, ..Hooks::NONE };

/// Takes what is left but one byte, and a run that the hook can give back.
fn exhaust(heap: &ToyHeap) {
    SPARE_RUN.set(heap.alloc_pages(SPARE_PAGES, 4096, UsageKind::PageCache).unwrap());
    let block = heap.try_alloc(layout(4 * KIB, 1)).unwrap();
    while heap.try_alloc(layout(4 * KIB, 1)).is_ok() {}
    while heap.try_alloc(layout(1, 1)).is_ok() {}
    // SAFETY: 1. Live. 2. Not used again.
    unsafe { heap.dealloc(block, layout(4 * KIB, 1)) }.unwrap();
    heap.try_alloc(layout(4 * KIB - 1, 1)).unwrap();
    assert_eq!(heap.usage().available_pages, 0);
    assert_eq!(CALLS.get(), 0, "try_alloc calls no hook");
}

#[test]
fn a_refused_block_is_tried_again_after_the_hook_freed_memory() {
    let heap = heap_with(&GIVING, MIB);
    exhaust(heap);
    heap.alloc(layout(64 * KIB, 8)).unwrap();
    assert_eq!((CALLS.get(), LAST_REQUEST.get()), (1, (64 * KIB, 8)));
    assert_eq!(heap.alloc(layout(3, 1)), Err(NO_MEMORY));
    assert_eq!((CALLS.get(), LAST_REQUEST.get()), (2, (3, 1)));
}

#[test]
fn a_refused_realloc_is_tried_again_after_the_hook_freed_memory() {
    let heap = heap_with(&GIVING, MIB);
    let small = heap.alloc(layout(32, 8)).unwrap();
    // SAFETY: the block is live.
    unsafe { small.write_bytes(0x5a, 32) };
    exhaust(heap);
    // SAFETY: 1. Live, and after the refusal still. 2. Only the new place is used.
    let large = unsafe {
        assert_eq!(heap.try_realloc(small, layout(32, 8), 5000), Err(NO_MEMORY));
        assert_eq!(CALLS.get(), 0, "try_realloc calls no hook");
        heap.realloc(small, layout(32, 8), 5000).unwrap()
    };
    assert_eq!((CALLS.get(), LAST_REQUEST.get()), (1, (5000, 8)));
    // SAFETY: the block is live.
    assert_eq!(unsafe { large.cast::<[u8; 32]>().read() }, [0x5a; 32]);
}

#[test]
fn a_refused_run_is_tried_again_after_the_hook_freed_memory() {
    let heap = heap_with(&GIVING, MIB);
    exhaust(heap);
    assert_eq!(heap.try_alloc_pages(4, 4096, UsageKind::Dma), Err(NO_MEMORY));
    assert_eq!(CALLS.get(), 0, "try_alloc_pages calls no hook");
    heap.alloc_pages(4, 8192, UsageKind::Dma).unwrap();
    assert_eq!((CALLS.get(), LAST_REQUEST.get()), (1, (4 * 4096, 8192)));
}

#[test]
fn cleared_blocks_are_tried_again_too() {
    let heap = heap_with(&GIVING, MIB);
    exhaust(heap);
    let block = heap.alloc_zeroed(layout(100, 1)).unwrap();
    // SAFETY: the block is live.
    assert_eq!(unsafe { block.cast::<[u8; 100]>().read() }, [0; 100]);
    assert_eq!(CALLS.get(), 1);
}

#[test]
fn a_stubborn_hook_is_called_a_bounded_number_of_times() {
    let heap = heap_with(&STUBBORN, MIB);
    assert_eq!(heap.alloc(layout(2 * MIB, 1)), Err(NO_MEMORY));
    assert_eq!(CALLS.take(), Hooks::MAX_CALLS_PER_REQUEST);
    assert_eq!(heap.alloc_pages(512, 4096, UsageKind::Other), Err(NO_MEMORY));
    assert_eq!(CALLS.take(), Hooks::MAX_CALLS_PER_REQUEST);
}

#[test]
fn requests_that_no_memory_could_satisfy_call_no_hook() {
    let heap = heap_with(&STUBBORN, MIB);
    let block = heap.alloc(layout(8, 8)).unwrap();
    assert_eq!(heap.alloc(layout(0, 8)), Err(INVALID_PARAM));
    // SAFETY: 1. The block is live. 2. Every call is refused.
    unsafe {
        assert_eq!(heap.realloc(block, layout(8, 8), 0), Err(INVALID_PARAM));
        assert_eq!(heap.realloc(block, layout(8, 8), usize::MAX), Err(NO_MEMORY));
    }
    assert_eq!(heap.alloc_pages(0, 4096, UsageKind::Other), Err(INVALID_PARAM));
    assert_eq!(heap.alloc_pages(1, 5000, UsageKind::Other), Err(INVALID_PARAM));
    assert_eq!(heap.alloc_pages(usize::MAX, 4096, UsageKind::Other), Err(NO_MEMORY));
    assert_eq!(CALLS.get(), 0);
}

#[test]
fn without_hooks_a_refusal_is_just_that() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    assert_eq!(heap.alloc(layout(2 * MIB, 1)), Err(NO_MEMORY));
    let foreign = NonNull::<u64>::dangling().cast();
    // SAFETY: 1. A mistake that the toy detects. 2. It is refused.
    assert_eq!(unsafe { heap.dealloc(foreign, layout(8, 8)) }, Err(NOT_ALLOCATED));
    assert_eq!(heap.invalid_frees(), 1);
}

#[test]
fn without_memory_everything_is_refused() {
    let heap = ToyHeap::new();
    assert_eq!(heap.alloc(layout(1, 1)), Err(NO_MEMORY));
    assert_eq!(heap.alloc_pages(1, 4096, UsageKind::Other), Err(NO_MEMORY));
    // SAFETY: 1. Mistakes that the toy detects. 2. They are refused.
    unsafe {
        assert_eq!(heap.dealloc(NonNull::dangling(), layout(1, 1)), Err(NOT_ALLOCATED));
        assert_eq!(heap.dealloc_pages(4096, 1, UsageKind::Other), Err(NOT_ALLOCATED));
    }
    assert_eq!(heap.trim(), 0);
    assert_eq!(heap.usage(), allocator::Usage::default());
}

#[test]
fn invalid_frees_of_blocks_are_counted_and_reported() {
    let heap = heap_with(&REFUSING, MIB);
    let block = heap.alloc(layout(24, 8)).unwrap();
    assert_eq!(heap.detects(), InvalidFrees::ALL);
    let interior = block.map_addr(|address| address.saturating_add(8));
    let report = |freed| InvalidFree { address: block.addr().get(), freed, error: NOT_ALLOCATED };
    // SAFETY: 1. The block is live, or the mistake is one that the toy detects. 2. It is not used again.
    unsafe {
        heap.dealloc(block, layout(24, 8)).unwrap();
        assert_eq!((heap.invalid_frees(), LAST_INVALID.take()), (0, None));
        assert_eq!(heap.dealloc(block, layout(24, 8)), Err(NOT_ALLOCATED));
        assert_eq!(LAST_INVALID.take(), Some(report(Freed::Block(layout(24, 8)))));
        assert_eq!(heap.dealloc(interior, layout(16, 8)), Err(NOT_ALLOCATED));
        assert_eq!(LAST_INVALID.take().map(|free| free.address), Some(interior.addr().get()));
        assert_eq!(heap.realloc(block, layout(24, 8), 48), Err(NOT_ALLOCATED));
        assert_eq!(LAST_INVALID.take(), Some(report(Freed::Block(layout(24, 8)))));
        assert_eq!(heap.realloc(block, layout(24, 8), 0), Err(INVALID_PARAM));
        assert_eq!(LAST_INVALID.take(), None);
    }
    assert_eq!(heap.invalid_frees(), 3);
    assert_eq!(CALLS.get(), 0, "an invalid free is no want of memory");
}

#[test]
fn hooks_set_last_are_the_ones_called() {
    let heap = heap_with(&STUBBORN, MIB);
    heap.set_hooks(&REFUSING);
    assert_eq!(heap.alloc(layout(2 * MIB, 1)), Err(NO_MEMORY));
    assert_eq!(CALLS.get(), 1);
}
