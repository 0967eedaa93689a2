//! Which locks are held when, seen by a lock that panics where a real one would wait for itself.

use allocator::{InvalidFrees, UsageKind};

use crate::support::{Arena, INVALID_PARAM, MIB, ToyHeap, held_locks, layout, take_orders, toy_heap};

/// The one lock that `with` holds while it runs.
fn only_lock(with: impl FnOnce(&mut dyn FnMut())) -> usize {
    let mut locks = vec![];
    with(&mut || locks = held_locks());
    assert_eq!(locks.len(), 1);
    locks[0]
}

/// The locks of the byte level and of the page level.
fn locks_of(heap: &ToyHeap) -> (usize, usize) {
    let bytes = only_lock(|look| heap.with_bytes(|_| look()));
    let pages = only_lock(|look| heap.with_pages(|_| look()));
    assert_ne!(bytes, pages);
    (bytes, pages)
}

#[test]
fn pages_are_locked_after_bytes_and_never_the_other_way() {
    let arena = Arena::new(4 * MIB);
    let heap = toy_heap(&arena);
    let order = locks_of(&heap);
    take_orders();
    let block = heap.alloc(layout(100, 8)).unwrap();
    assert_eq!(take_orders(), [order], "growth asks the page level once");
    let second = heap.alloc(layout(100, 8)).unwrap();
    assert_eq!(take_orders(), [], "a block that fits does not touch the second lock");
    // SAFETY: 1. Both are live. 2. They are not used again.
    unsafe {
        heap.dealloc(second, layout(100, 8)).unwrap();
        assert_eq!(take_orders(), []);
        let moved = heap.realloc(block, layout(100, 8), MIB).unwrap();
        assert_eq!(take_orders(), [order]);
        heap.dealloc(moved, layout(MIB, 8)).unwrap();
    }
    let run = heap.alloc_pages(1, 4096, UsageKind::Other).unwrap();
    // SAFETY: 1. The page is the test's. 2. It does not use it.
    unsafe { heap.dealloc_pages(run, 1, UsageKind::Other) }.unwrap();
    heap.trim();
    assert_eq!(take_orders(), []);
    assert_eq!(heap.usage().used_pages, heap.usage().pages(UsageKind::Heap));
    assert_eq!(take_orders(), [order, order]);
    assert_eq!(held_locks(), []);
}

#[test]
fn every_method_lets_its_locks_go() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    let block = heap.alloc_zeroed(layout(8, 8)).unwrap();
    // SAFETY: 1. The memory is no one else's; it is held already, so the call is refused. 2. It is exposed.
    let answer = unsafe { heap.init(arena.start(), arena.size()) };
    assert_eq!(answer, Err(INVALID_PARAM));
    // SAFETY: 1. Refused: there is memory already. 2. Nothing is in the map.
    assert_eq!(unsafe { heap.init_from_map(&[], 0) }, Err(INVALID_PARAM));
    // SAFETY: 1. Live, or a mistake that the toy detects. 2. Not used again.
    unsafe {
        heap.dealloc(block, layout(8, 8)).unwrap();
        heap.dealloc(block, layout(8, 8)).unwrap_err();
        heap.dealloc_pages(arena.start(), 1, UsageKind::Dma).unwrap_err();
    }
    assert_eq!(heap.detects(), InvalidFrees::ALL);
    heap.try_alloc_pages(0, 0, UsageKind::Dma).unwrap_err();
    heap.alloc_pages_at(arena.start(), 1, 4096, UsageKind::Dma).unwrap_err();
    assert_eq!(held_locks(), []);
}

#[test]
fn the_summary_waits_for_no_lock() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    let free =
        "GlobalAllocator { heap: 0 of 0 bytes used, pages: 0 of 256 used, page_size: 4096, invalid_frees: 0 }";
    assert_eq!(format!("{heap:?}"), free);
    let in_bytes = heap.with_bytes(|_| format!("{heap:?}"));
    assert_eq!(in_bytes, free.replace("0 of 0 bytes used", "locked"));
    let in_pages = heap.with_pages(|_| format!("{heap:?}"));
    assert_eq!(in_pages, free.replace("0 of 256 used", "locked"));
}

#[test]
fn the_summary_holds_no_lock_while_it_is_written() {
    struct Sink;
    impl std::fmt::Write for Sink {
        fn write_str(&mut self, _: &str) -> std::fmt::Result {
            assert_eq!(held_locks(), []);
            Ok(())
        }
    }
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    assert_eq!(std::fmt::write(&mut Sink, format_args!("{heap:#?}")), Ok(()));
}
