//! Owned runs: what comes back, when, and as what.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
};

use allocator::{
    AddressRange, GlobalAllocator, Growing, Hooks, InvalidFree, MemoryRegion, PageRun, Placement, RawPageRun,
    SpinLock, UsageKind, UsageKind::Dma, UsageKind::Other, UsageKind::PageCache, UsageKind::PageTable,
};

use crate::support::{
    Arena, INVALID_PARAM, KIB, MIB, NO_MEMORY, NOT_ALLOCATED, ToyBytes, ToyHeap, ToyPages, TracingLock,
    held_locks, toy_heap,
};

type Run<'h> = PageRun<'h, Growing<ToyBytes>, ToyPages, TracingLock>;

fn used(heap: &ToyHeap) -> usize {
    heap.usage().used_pages
}

/// Cuts a run that is long enough.
fn cut(run: Run<'_>, num_pages: usize) -> (Run<'_>, Run<'_>) {
    run.split_at(num_pages).unwrap()
}

#[test]
fn a_run_comes_back_when_its_handle_is_dropped() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    let run = heap.page_run(5, 16 * KIB, PageTable).unwrap();
    assert_eq!((run.start() % (16 * KIB), run.num_pages(), run.size_bytes()), (0, 5, 20 * KIB));
    assert_eq!(run.range(), AddressRange::new(run.start(), 20 * KIB).unwrap());
    assert!(std::ptr::eq(run.heap(), &heap));
    assert_eq!((used(&heap), heap.usage().pages(PageTable)), (5, 5));
    drop(run);
    assert_eq!((used(&heap), heap.usage().pages(PageTable)), (0, 0));
    assert_eq!(heap.invalid_frees(), 0);
}

#[test]
fn refusals_are_those_of_the_pages_and_take_nothing() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    for (num_pages, align, error) in
        [(0, 4096, INVALID_PARAM), (1, 0, INVALID_PARAM), (1, 2048, INVALID_PARAM), (257, 4096, NO_MEMORY)]
    {
        assert_eq!(heap.page_run(num_pages, align, Other).err(), Some(error));
        assert_eq!(heap.try_page_run(num_pages, align, Other).err(), Some(error));
        assert_eq!(heap.zeroed_page_run(num_pages, align, Other).err(), Some(error));
        assert_eq!(heap.page_run_at(arena.start(), num_pages, align, Other).err(), Some(error));
        assert_eq!(heap.page_run_in(num_pages, Placement::aligned(align), Other).err(), Some(error));
    }
    let run = heap.page_run_at(arena.start() + 4096, 2, 4096, Other).unwrap();
    assert_eq!(heap.page_run_at(run.start() + 4096, 1, 4096, Other).err(), Some(NO_MEMORY));
    assert_eq!(used(&heap), 2);
}

#[test]
fn only_a_try_leaves_the_hook_alone() {
    thread_local! {
        static CALLS: Cell<usize> = const { Cell::new(0) };
    }
    static COUNTING: Hooks = Hooks {
        out_of_memory: |_| {
            CALLS.set(CALLS.get() + 1);
            false
        },
        ..Hooks::NONE
    };
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    heap.set_hooks(&COUNTING);
    assert!(heap.try_page_run(257, 4096, Other).is_err());
    assert!(heap.page_run_at(arena.start(), 257, 4096, Other).is_err());
    assert!(heap.try_alloc_pages_in(257, Placement::aligned(4096), Other).is_err());
    assert_eq!(CALLS.get(), 0);
    assert!(heap.page_run(257, 4096, Other).is_err());
    assert!(heap.zeroed_page_run(257, 4096, Other).is_err());
    assert!(heap.page_run_in(257, Placement::aligned(4096), Other).is_err());
    assert_eq!(CALLS.get(), 3);
}

#[test]
fn every_byte_can_be_written_and_read_and_no_other_is() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    let (mut before, rest) = cut(heap.page_run(3, 4096, Other).unwrap(), 1);
    let (mut run, mut after) = cut(rest, 1);
    before.fill(1);
    after.fill(2);
    assert_eq!((run.as_uninit().len(), run.as_uninit_mut().len()), (4096, 4096));
    assert_eq!(run.as_uninit().as_ptr().addr(), run.start());
    let bytes = run.fill(7);
    bytes[4095] = 9;
    assert_eq!((bytes.len(), bytes[0], bytes[4094]), (4096, 7, 7));
    // SAFETY: the byte is the run's and was written.
    assert_eq!(unsafe { run.as_ptr().add(4095).read() }, 9);
    // SAFETY: all bytes were written.
    let [front, back] = [before.as_uninit(), after.as_uninit()].map(|part| unsafe { part.assume_init_ref() });
    assert!(front.iter().all(|byte| *byte == 1) && back.iter().all(|byte| *byte == 2));
}

#[test]
fn zeroed_pages_hold_nothing_of_their_last_user() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    let mut run = heap.page_run(3, 4096, Other).unwrap();
    let start = run.start();
    run.fill(0xff);
    drop(run);
    let run = heap.zeroed_page_run(3, 4096, Other).unwrap();
    assert_eq!(run.start(), start);
    // SAFETY: a zeroed run is initialised.
    assert!(unsafe { run.as_uninit().assume_init_ref() }.iter().all(|byte| *byte == 0));
}

#[test]
fn the_parts_of_a_run_come_back_one_by_one() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    let run = heap.page_run(8, 4096, PageTable).unwrap();
    let start = run.start();
    let (front, back) = cut(run, 3);
    assert_eq!((front.start(), front.num_pages(), front.kind()), (start, 3, PageTable));
    assert_eq!((back.start(), back.num_pages(), back.kind()), (start + 3 * 4096, 5, PageTable));
    drop(front);
    assert_eq!(used(&heap), 5);
    drop(back);
    assert_eq!(used(&heap), 0);
}

#[test]
fn a_cut_that_leaves_no_page_on_one_side_gives_the_run_back_whole() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    let mut run = heap.page_run(2, 4096, Other).unwrap();
    for at in [0, 2, 3, usize::MAX] {
        run = run.split_at(at).unwrap_err();
        assert_eq!((run.num_pages(), used(&heap)), (2, 2), "cut at {at}");
    }
    let (single, _rest) = cut(run, 1);
    assert_eq!(single.split_at(1).unwrap_err().num_pages(), 1);
}

#[test]
fn neighbours_are_joined_in_either_order() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    let run = heap.page_run(6, 4096, Dma).unwrap();
    let start = run.start();
    for upwards in [false, true] {
        let (front, back) = cut(heap.page_run_at(start + MIB / 2, 6, 4096, Dma).unwrap(), 2);
        let joined = if upwards { front.join(back) } else { back.join(front) }.unwrap();
        assert_eq!((joined.start(), joined.num_pages()), (start + MIB / 2, 6));
        drop(joined);
        assert_eq!(used(&heap), 6);
    }
    drop(run);
    // Two runs that were never one.
    let one = heap.page_run_at(start, 1, 4096, Dma).unwrap();
    let two = heap.page_run_at(start + 4096, 2, 4096, Dma).unwrap();
    assert_eq!(one.join(two).unwrap().num_pages(), 3);
    assert_eq!((used(&heap), heap.invalid_frees()), (0, 0));
}

#[test]
fn what_cannot_be_joined_comes_back_as_it_was() {
    let arena = Arena::new(MIB);
    // Two allocators side by side: the second begins with page 10.
    let heaps = [(0, 10), (10, 246)].map(|(first, count)| {
        let heap = ToyHeap::new();
        // SAFETY: 1. The arena outlives the test, and each heap has a part of its own. 2. It exposes its memory.
        unsafe { heap.init(arena.start() + first * 4096, count * 4096) }.unwrap();
        heap
    });
    let heap = &heaps[0];
    let at = |index: usize, kind| heap.page_run_at(arena.start() + index * 4096, 2, 4096, kind).unwrap();
    let elsewhere = heaps[1].page_run_at(arena.start() + 10 * 4096, 2, 4096, Other).unwrap();
    for (other, why) in [(at(3, Other), "a hole"), (at(6, Dma), "a kind"), (elsewhere, "an allocator")] {
        let run = at(8, Other);
        let before =
            [(run.start(), run.num_pages(), run.kind()), (other.start(), other.num_pages(), other.kind())];
        let (run, other) = run.join(other).expect_err(why);
        let after = [(run.start(), run.num_pages(), run.kind()), (other.start(), other.num_pages(), other.kind())];
        assert_eq!(after, before, "{why}");
        let (other, run) = other.join(run).expect_err(why);
        assert_eq!((run.start(), other.start()), (before[0].0, before[1].0), "{why}");
    }
    assert_eq!((used(heap), heap.invalid_frees()), (0, 0));
}

#[test]
fn a_raw_run_stays_out_until_it_is_owned_again_in_any_pieces() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    let raw = heap.page_run(4, 4096, PageCache).unwrap().into_raw();
    assert_eq!((raw.num_pages, raw.kind, used(&heap)), (4, PageCache, 4));
    let page = |index: usize| RawPageRun { start: raw.start + index * 4096, num_pages: 1, ..raw };
    // SAFETY: 1. The page is part of the raw run, and owned once. 2. It is one.
    let mut pages: Vec<Run<'_>> = (0..4).map(|index| unsafe { PageRun::from_raw(&heap, page(index)) }).collect();
    drop(pages.remove(2));
    assert_eq!(heap.usage().pages(PageCache), 3);
    drop(pages);
    assert_eq!((used(&heap), heap.invalid_frees()), (0, 0));
}

#[test]
fn a_kind_can_change_while_the_pages_are_out() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    let mut run = heap.page_run(3, 4096, PageCache).unwrap();
    assert_eq!(run.set_kind(UsageKind::UserMemory), Ok(()));
    assert_eq!(run.kind(), UsageKind::UserMemory);
    assert_eq!((heap.usage().pages(PageCache), heap.usage().pages(UsageKind::UserMemory)), (0, 3));
    drop(run);
    assert_eq!((heap.usage().pages(UsageKind::UserMemory), used(&heap)), (0, 0));
}

#[test]
fn a_kind_whose_pages_were_given_back_by_others_is_not_changed() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    let mut run = heap.page_run(2, 4096, PageTable).unwrap();
    let other = heap.alloc_pages(1, 4096, Dma).unwrap();
    // SAFETY: 1. The page is the test's, though counted as another kind. 2. It is not used again.
    unsafe { heap.dealloc_pages(other, 1, PageTable) }.unwrap();
    assert_eq!(run.set_kind(Other), Err(NOT_ALLOCATED));
    assert_eq!((run.kind(), heap.usage().pages(PageTable), heap.usage().pages(Other)), (PageTable, 1, 0));
    // One page is still counted; the other cannot come back as this kind.
    let (front, back) = cut(run, 1);
    drop(front);
    assert_eq!(heap.invalid_frees(), 0);
    drop(back);
    assert_eq!(heap.invalid_frees(), 1);
}

thread_local! {
    static LAST_INVALID: Cell<Option<InvalidFree>> = const { Cell::new(None) };
}

#[test]
fn a_drop_that_is_refused_is_reported_and_does_not_panic() {
    static NOTING: Hooks = Hooks {
        invalid_free: |free| {
            assert_eq!(held_locks(), [], "hooks run without locks");
            LAST_INVALID.set(Some(*free));
        },
        ..Hooks::NONE
    };
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    heap.set_hooks(&NOTING);
    let run = heap.page_run(2, 4096, Dma).unwrap();
    let start = run.start();
    heap.alloc_pages(2, 4096, Dma).unwrap();
    // SAFETY: a mistake: the pages are the handle's; nobody uses them.
    unsafe { heap.dealloc_pages(start, 2, Dma) }.unwrap();
    drop(run);
    assert_eq!(heap.invalid_frees(), 1);
    let reported = LAST_INVALID.take().unwrap();
    assert_eq!((reported.address, reported.error), (start, NOT_ALLOCATED));
    assert_eq!(used(&heap), 2);
}

#[test]
fn pages_come_back_when_their_owner_unwinds() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let (_front, _back) = cut(heap.page_run(7, 4096, Other).unwrap(), 2);
        assert_eq!(used(&heap), 0, "this fails, and unwinds");
    }));
    assert!(unwound.is_err());
    assert_eq!((used(&heap), heap.invalid_frees()), (0, 0));
}

#[test]
fn more_pages_than_a_slice_can_have_are_not_owned() {
    // Nothing touches these pages: they are numbers.
    type Heap = GlobalAllocator<Growing<ToyBytes>, ToyPages<{ 1 << (usize::BITS - 3) }>, SpinLock>;
    const PAGE: usize = 1 << (usize::BITS - 3);
    let heap = Heap::new();
    // SAFETY: 1. 2. Neither the toy pages nor the test touch the memory.
    unsafe { heap.init(PAGE, 6 * PAGE) }.unwrap();
    let run = heap.page_run(3, PAGE, Other).unwrap();
    assert_eq!(run.num_pages(), 3);
    let other = heap.page_run(1, PAGE, Other).unwrap();
    let (run, other) = run.join(other).expect_err("four pages are too many for one handle");
    assert_eq!((run.num_pages(), other.num_pages()), (3, 1));
    drop((run, other));
    assert_eq!(heap.page_run(4, PAGE, Other).err(), Some(NO_MEMORY));
    assert_eq!((heap.usage().used_pages, heap.invalid_frees()), (0, 0));
}

/// A heap over `arena` whose physical numbers begin at `phys`.
fn heap_at(arena: &Arena, phys: usize) -> ToyHeap {
    let heap = ToyHeap::new();
    // SAFETY: 1. The arena outlives every use in a test, and only the heap uses it. 2. It exposes its memory.
    unsafe { heap.init_from_map(&[MemoryRegion::usable(phys, arena.size())], arena.start() - phys) }.unwrap();
    heap
}

#[test]
fn constraints_are_about_physical_numbers() {
    let arena = Arena::new(4 * MIB);
    let heap = heap_at(&arena, 4 * MIB);
    let within = |first, last| AddressRange::from_bounds(first, last).unwrap();
    let place = Placement {
        within: within(6 * MIB + 1, 7 * MIB - 1),
        boundary_pow2: Some(64 * KIB),
        ..Placement::aligned(4096)
    };
    let run = heap.page_run_in(15, place, Dma).unwrap();
    assert_eq!((run.phys(), run.start()), (6 * MIB + 4096, arena.start() + 2 * MIB + 4096));
    assert_eq!((run.kind(), heap.usage().pages(Dma)), (Dma, 15));
    // The next 15 pages would cross a boundary.
    let next = heap.page_run_in(15, place, Dma).unwrap();
    assert_eq!(next.phys(), 6 * MIB + 64 * KIB);
    assert_eq!(heap.page_run_in(17, place, Dma).err(), Some(INVALID_PARAM));
    let nowhere = Placement { within: within(0, 4 * MIB - 1), ..place };
    assert_eq!(heap.page_run_in(1, nowhere, Dma).err(), Some(NO_MEMORY));
    let beyond = Placement { within: within(usize::MAX - MIB, usize::MAX), ..place };
    assert_eq!(heap.page_run_in(1, beyond, Dma).err(), Some(NO_MEMORY));
    assert_eq!(heap.page_run_in(0, beyond, Dma).err(), Some(INVALID_PARAM));
}

#[test]
fn an_alignment_that_the_linear_map_does_not_keep_is_refused() {
    let arena = Arena::new(4 * MIB);
    let heap = heap_at(&arena, 4 * MIB + 64 * KIB);
    assert!(heap.page_run_in(1, Placement::aligned(64 * KIB), Dma).unwrap().phys().is_multiple_of(64 * KIB));
    assert_eq!(heap.page_run_in(1, Placement::aligned(128 * KIB), Dma).err(), Some(INVALID_PARAM));
    let bounded = |boundary| Placement { boundary_pow2: Some(boundary), ..Placement::aligned(4096) };
    assert!(heap.page_run_in(1, bounded(64 * KIB), Dma).is_ok());
    assert_eq!(heap.page_run_in(1, bounded(128 * KIB), Dma).err(), Some(INVALID_PARAM));
}

#[test]
fn a_handle_goes_to_another_thread_and_comes_back_from_there() {
    type Heap = GlobalAllocator<Growing<ToyBytes>, ToyPages, SpinLock>;
    static HEAP: Heap = Heap::new();
    let arena = Arena::new(MIB);
    // SAFETY: 1. The arena outlives every use in this test, and only the heap uses it. 2. It exposes its memory.
    unsafe { HEAP.init(arena.start(), arena.size()) }.unwrap();
    let mut run = HEAP.zeroed_page_run(4, 4096, Other).unwrap();
    let sum = std::thread::spawn(move || run.fill(3).iter().map(|byte| usize::from(*byte)).sum::<usize>());
    assert_eq!(sum.join().unwrap(), 3 * 4 * 4096);
    assert_eq!(HEAP.usage().used_pages, 0);
}

#[test]
fn a_handle_prints_where_it_is() {
    let arena = Arena::new(MIB);
    let heap = toy_heap(&arena);
    let run = heap.page_run(2, 4096, PageTable).unwrap();
    let expected = format!("PageRun {{ start: {:#x}, num_pages: 2, kind: PageTable, .. }}", run.start());
    assert_eq!(format!("{run:?}"), expected);
}
