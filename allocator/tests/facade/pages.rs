//! Runs of pages through the facade: kinds of use, and frees that are refused.

use std::cell::Cell;

use allocator::{Freed, Hooks, InvalidFree, PageAllocator, UsageKind};

use crate::support::{
    Arena, INVALID_PARAM, KIB, MIB, NO_MEMORY, NOT_ALLOCATED, ToyHeap, held_locks, layout, toy_heap,
};

thread_local! {
    static LAST_INVALID: Cell<Option<InvalidFree>> = const { Cell::new(None) };
}

fn note_invalid(free: &InvalidFree) {
    assert_eq!(held_locks(), [], "hooks run without locks");
    LAST_INVALID.set(Some(*free));
}

static NOTING: Hooks = Hooks { invalid_free: note_invalid, ..Hooks::NONE };

fn counts(heap: &ToyHeap) -> [usize; 6] {
    UsageKind::ALL.map(|kind| heap.usage().pages(kind))
}

#[test]
fn pages_are_counted_by_kind() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    let runs = [1, 2, 3, 4, 5, 6].map(|n| heap.alloc_pages(n, 4096, UsageKind::ALL[n - 1]).unwrap());
    assert_eq!(counts(&heap), [1, 2, 3, 4, 5, 6]);
    assert_eq!(heap.usage().used_pages, 21);
    assert_eq!(heap.usage().available_pages, 256 - 21);
    for (i, run) in runs.into_iter().enumerate() {
        // SAFETY: 1. The run was handed out above. 2. It is not used again.
        unsafe { heap.dealloc_pages(run, i + 1, UsageKind::ALL[i]) }.unwrap();
        assert_eq!(heap.usage().pages(UsageKind::ALL[i]), 0);
    }
    assert_eq!(heap.usage().used_pages, 0);
    assert_eq!(heap.invalid_frees(), 0);
}

#[test]
fn the_byte_level_counts_as_heap() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    heap.alloc(layout(100, 1)).unwrap();
    heap.alloc_pages(3, 4096, UsageKind::UserMemory).unwrap();
    let usage = heap.usage();
    assert_eq!(counts(&heap), [16, 0, 0, 0, 3, 0]);
    assert_eq!((usage.heap_held_bytes, usage.heap_used_bytes), (64 * KIB, 100));
    assert_eq!((usage.total_pages, usage.used_pages, usage.available_pages), (256, 19, 237));
}

#[test]
fn exactly_the_pages_asked_for_come_or_none() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    let base = arena.start() + 64 * KIB;
    assert_eq!(heap.alloc_pages_at(base, 4, 16 * KIB, UsageKind::Dma), Ok(base));
    assert_eq!(heap.alloc_pages_at(base + 12 * KIB, 1, 4096, UsageKind::Dma), Err(NO_MEMORY));
    assert_eq!(heap.alloc_pages_at(base + 1, 1, 4096, UsageKind::Dma), Err(INVALID_PARAM));
    assert_eq!(heap.alloc_pages_at(base, 0, 4096, UsageKind::Dma), Err(INVALID_PARAM));
    assert_eq!(counts(&heap), [0, 0, 0, 4, 0, 0]);
}

#[test]
fn a_run_comes_back_in_pieces() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    let run = heap.alloc_pages(8, 32 * KIB, UsageKind::PageTable).unwrap();
    assert_eq!(run % (32 * KIB), 0);
    // SAFETY: 1. The pages are live. 2. They are not used again.
    unsafe {
        heap.dealloc_pages(run + 8 * KIB, 3, UsageKind::PageTable).unwrap();
        assert_eq!(heap.dealloc_pages(run, 8, UsageKind::PageTable), Err(NOT_ALLOCATED));
        assert_eq!(heap.usage().pages(UsageKind::PageTable), 5);
        heap.dealloc_pages(run, 2, UsageKind::PageTable).unwrap();
        heap.dealloc_pages(run + 20 * KIB, 3, UsageKind::PageTable).unwrap();
    }
    assert_eq!(heap.usage().used_pages, 0);
}

#[test]
fn a_free_of_a_kind_that_has_fewer_pages_is_refused_and_reported() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    heap.set_hooks(&NOTING);
    let run = heap.alloc_pages(2, 4096, UsageKind::PageCache).unwrap();
    heap.alloc_pages(1, 4096, UsageKind::Dma).unwrap();
    // SAFETY: 1. The pages are the test's. 2. It does not use them.
    let dealloc = |num_pages, kind| unsafe { heap.dealloc_pages(run, num_pages, kind) };
    assert_eq!(dealloc(2, UsageKind::Dma), Err(NOT_ALLOCATED));
    let freed = Freed::Pages { num_pages: 2, kind: UsageKind::Dma };
    assert_eq!(LAST_INVALID.take(), Some(InvalidFree { address: run, freed, error: NOT_ALLOCATED }));
    assert_eq!(counts(&heap), [0, 0, 2, 1, 0, 0]);
    assert_eq!(heap.usage().used_pages, 3);
    assert_eq!(dealloc(3, UsageKind::PageCache), Err(NOT_ALLOCATED));
    assert_eq!(dealloc(0, UsageKind::PageCache), Err(NOT_ALLOCATED));
    assert_eq!(dealloc(2, UsageKind::PageCache), Ok(()));
    assert_eq!(heap.invalid_frees(), 3);
}

#[test]
fn an_invalid_free_of_pages_is_reported_in_words() {
    let freed = Freed::Pages { num_pages: 2, kind: UsageKind::PageTable };
    let free = InvalidFree { address: 0x5000, freed, error: NOT_ALLOCATED };
    assert_eq!(
        free.to_string(),
        "invalid free of a run of 2 pages (page table) at 0x5000: what was given back is not allocated here"
    );
}

#[test]
fn the_page_allocator_itself_can_be_reached() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    assert_eq!(heap.with_pages(|pages| pages.pages.len()), 256);
    // SAFETY: 1. The allocator stays where it is. 2. Nothing is given back.
    let run = unsafe { heap.with_pages_mut(|pages| pages.alloc_pages(1, 4096)) }.unwrap();
    assert_eq!((heap.usage().used_pages, counts(&heap)), (1, [0; 6]));
    // SAFETY: 1. The page is the test's. 2. It does not use it.
    assert_eq!(unsafe { heap.dealloc_pages(run, 1, UsageKind::Other) }, Err(NOT_ALLOCATED));
}
