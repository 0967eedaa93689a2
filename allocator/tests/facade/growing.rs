//! `Growing`: how a byte allocator takes its regions from pages.

use std::ptr::NonNull;

use allocator::{ConstEmpty, Growing, InvalidFrees, PageAllocator, PagedByteAllocator};

use crate::support::{Arena, Call, INVALID_PARAM, KIB, MIB, NO_MEMORY, NOT_ALLOCATED, ToyBytes, ToyPages, layout};

/// Pages over all of `arena`, which outlives them in each test.
fn pages_over(arena: &Arena) -> ToyPages {
    let mut pages = ToyPages::EMPTY;
    // SAFETY: 1. The arena is used by these pages alone. 2. It exposes its memory.
    unsafe { allocator::BaseAllocator::init(&mut pages, arena.start(), arena.size()) }.unwrap();
    pages
}

/// Pages as mere numbers, with nothing behind them: `count` from 4 MiB on.
fn numbers(count: usize) -> ToyPages {
    let mut pages = ToyPages::EMPTY;
    // SAFETY: 1. 2. Neither the toy pages nor the toy blocks touch what they manage.
    unsafe { allocator::BaseAllocator::init(&mut pages, 4 * MIB, count * 4 * KIB) }.unwrap();
    pages
}

fn alloc_calls(pages: &ToyPages) -> Vec<usize> {
    let sizes = pages.calls.iter().filter_map(|call| match call {
        Call::Alloc { num_pages, .. } => Some(*num_pages),
        Call::Dealloc { .. } => None,
    });
    sizes.collect()
}

#[test]
fn the_first_block_takes_64_kib() {
    let mut pages = numbers(1024);
    let mut level = Growing::<ToyBytes>::new();
    assert_eq!((level.held_bytes(), level.used_bytes()), (0, 0));
    level.alloc_from(&mut pages, layout(24, 8)).unwrap();
    assert_eq!((level.held_bytes(), level.used_bytes()), (64 * KIB, 24));
    assert_eq!(pages.calls, [Call::Alloc { num_pages: 16, align_pow2: 4096 }]);
}

#[test]
fn a_block_that_fits_takes_no_pages() {
    let mut pages = numbers(1024);
    let mut level = Growing::<ToyBytes>::new();
    for _ in 0..64 {
        level.alloc_from(&mut pages, layout(KIB, 8)).unwrap();
    }
    assert_eq!(alloc_calls(&pages), [16]);
    level.alloc_from(&mut pages, layout(1, 1)).unwrap();
    assert_eq!(alloc_calls(&pages), [16, 16]);
}

#[test]
fn many_small_blocks_grow_the_heap_rarely_and_waste_an_eighth_at_most() {
    let mut pages = numbers(16 * 1024);
    let mut level = Growing::<ToyBytes>::new();
    for _ in 0..8 * MIB / (4 * KIB) {
        level.alloc_from(&mut pages, layout(4 * KIB, 8)).unwrap();
        let (held, used) = (level.held_bytes(), level.used_bytes());
        assert!(held - used <= (held / 8).max(64 * KIB), "{used} of {held}");
    }
    // Eight runs up to 512 KiB, then 9/8 each time: 512 KiB · (9/8)^24 > 8 MiB.
    assert!(alloc_calls(&pages).len() <= 8 + 24, "{}", alloc_calls(&pages).len());
    assert_eq!(level.byte_allocator().regions.len(), alloc_calls(&pages).len());
}

#[test]
fn no_run_is_above_32_mib_unless_one_block_needs_it() {
    let mut pages = numbers(256 * 1024);
    let mut level = Growing::<ToyBytes>::new();
    level.alloc_from(&mut pages, layout(400 * MIB, 8)).unwrap();
    assert_eq!(level.held_bytes(), 400 * MIB);
    level.alloc_from(&mut pages, layout(1, 1)).unwrap();
    assert_eq!(level.held_bytes(), 432 * MIB);
    level.alloc_from(&mut pages, layout(40 * MIB, 1)).unwrap();
    assert_eq!(level.held_bytes(), 472 * MIB);
}

#[test]
fn a_run_has_room_for_what_the_region_costs() {
    let mut pages = numbers(1024);
    let mut level = Growing::<ToyBytes<{ usize::MAX }, 24>>::new();
    let block = level.alloc_from(&mut pages, layout(MIB, 1)).unwrap();
    assert_eq!(alloc_calls(&pages), [257]);
    assert_eq!(block.addr().get(), level.byte_allocator().regions[0].0 + 24);
}

#[test]
fn what_a_region_costs_counts_as_used() {
    let mut pages = numbers(1024);
    let mut level = Growing::<ToyBytes<{ usize::MAX }, 24>>::new();
    level.alloc_from(&mut pages, layout(100, 1)).unwrap();
    assert_eq!((level.held_bytes(), level.used_bytes()), (64 * KIB, 124));
}

#[test]
fn the_alignment_of_the_region_is_asked_of_the_pages() {
    let mut pages = numbers(2048);
    pages.alloc_pages(1, 4096).unwrap();
    let mut level = Growing::<ToyBytes>::new();
    let block = level.alloc_from(&mut pages, layout(64, MIB)).unwrap();
    assert_eq!(block.addr().get() % MIB, 0);
    assert_eq!(pages.calls[1], Call::Alloc { num_pages: 16, align_pow2: MIB });
}

#[test]
fn a_run_is_a_multiple_of_the_need() {
    let mut pages = numbers(1024);
    let mut level = Growing::<ToyBytes>::new();
    level.alloc_from(&mut pages, layout(5 * 4 * KIB, 1)).unwrap();
    assert_eq!(alloc_calls(&pages), [15]);
    level.alloc_from(&mut pages, layout(11 * 4 * KIB, 1)).unwrap();
    level.alloc_from(&mut pages, layout(17 * 4 * KIB, 1)).unwrap();
    assert_eq!(alloc_calls(&pages), [15, 11, 17]);
}

#[test]
fn when_pages_are_short_a_run_is_halved_down_to_the_need() {
    let mut pages = numbers(9);
    let mut level = Growing::<ToyBytes>::new();
    level.alloc_from(&mut pages, layout(3 * 4 * KIB, 1)).unwrap();
    assert_eq!(alloc_calls(&pages), [15, 6]);
    level.alloc_from(&mut pages, layout(4 * 4 * KIB, 1)).unwrap_err();
    assert_eq!(alloc_calls(&pages)[2..], [16, 8, 4]);
    level.alloc_from(&mut pages, layout(3 * 4 * KIB, 1)).unwrap();
    assert_eq!(level.held_bytes(), 6 * 4 * KIB);
    level.alloc_from(&mut pages, layout(2 * 4 * KIB, 1)).unwrap();
    assert_eq!(alloc_calls(&pages)[5..], [16, 8, 4, 2]);
    assert_eq!((level.held_bytes(), pages.available_pages()), (8 * 4 * KIB, 1));
}

#[test]
fn the_last_page_is_taken_where_one_is_enough() {
    let mut pages = numbers(1);
    let mut level = Growing::<ToyBytes>::new();
    assert_eq!(level.alloc_from(&mut pages, layout(4097, 1)), Err(NO_MEMORY));
    assert_eq!(pages.available_pages(), 1);
    level.alloc_from(&mut pages, layout(4096, 1)).unwrap();
    assert_eq!(pages.available_pages(), 0);
}

#[test]
fn a_run_that_the_byte_allocator_refuses_goes_back() {
    let mut pages = numbers(64);
    let mut level = Growing::<ToyBytes<1>>::new();
    level.alloc_from(&mut pages, layout(64 * KIB, 1)).unwrap();
    assert_eq!(level.alloc_from(&mut pages, layout(1, 1)), Err(NO_MEMORY));
    assert_eq!(pages.calls.last(), Some(&Call::Dealloc { num_pages: 16 }));
    assert_eq!(pages.used_pages(), 16);
    assert_eq!((level.held_bytes(), level.used_bytes()), (64 * KIB, 64 * KIB));
}

#[test]
fn requests_that_no_memory_could_satisfy_take_no_pages() {
    let mut pages = numbers(64);
    let mut level = Growing::<ToyBytes<{ usize::MAX }, 24>>::new();
    assert_eq!(level.alloc_from(&mut pages, layout(0, 1)), Err(INVALID_PARAM));
    assert_eq!(level.alloc_from(&mut pages, layout(isize::MAX as usize, 1)), Err(NO_MEMORY));
    assert_eq!(level.alloc_from(&mut pages, layout(1, 1 << (usize::BITS - 2))), Err(NO_MEMORY));
    assert_eq!(pages.used_pages(), 0);
    assert_eq!((level.held_bytes(), level.used_bytes()), (0, 0));
}

#[test]
fn realloc_grows_the_heap_and_keeps_the_bytes() {
    let arena = Arena::new(4 * MIB);
    let mut pages = pages_over(&arena);
    let mut level = Growing::<ToyBytes>::new();
    let old_layout = layout(60 * KIB, 16);
    let old = level.alloc_from(&mut pages, old_layout).unwrap();
    // SAFETY: 1. The block is live and has so many bytes. 2. Only its new place is used afterwards. 3. Same pages.
    let new = unsafe {
        old.write_bytes(0xa5, 60 * KIB);
        level.realloc_in(&mut pages, old, old_layout, 200 * KIB).unwrap()
    };
    // SAFETY: the block is live.
    let kept = unsafe { std::slice::from_raw_parts(new.as_ptr(), 60 * KIB) };
    assert!(kept.iter().all(|byte| *byte == 0xa5));
    assert_eq!((level.held_bytes(), level.used_bytes()), (60 * KIB + 200 * KIB, 200 * KIB));
    // SAFETY: 1. Live, with its new size. 2. Not used again. 3. Same pages.
    unsafe { level.dealloc_to(&mut pages, new, layout(200 * KIB, 16)) }.unwrap();
    assert_eq!(level.used_bytes(), 0);
}

#[test]
fn realloc_that_is_refused_leaves_the_block() {
    let arena = Arena::new(128 * KIB);
    let mut pages = pages_over(&arena);
    let mut level = Growing::<ToyBytes>::new();
    let old_layout = layout(100, 1);
    let old = level.alloc_from(&mut pages, old_layout).unwrap();
    let mut realloc = |pos, old_layout, size| {
        // SAFETY: 1. The block is live, or the mistake is one that the toy detects. 2. It is refused. 3. Same
        // pages.
        unsafe { level.realloc_in(&mut pages, pos, old_layout, size) }
    };
    assert_eq!(realloc(old, old_layout, 0), Err(INVALID_PARAM));
    assert_eq!(realloc(old, old_layout, MIB), Err(NO_MEMORY));
    assert_eq!(realloc(old, old_layout, usize::MAX), Err(NO_MEMORY));
    assert_eq!(realloc(old, layout(99, 1), 200), Err(NOT_ALLOCATED));
    // SAFETY: 1. Still live. 2. Not used again. 3. Same pages.
    unsafe { level.dealloc_to(&mut pages, old, old_layout) }.unwrap();
}

#[test]
fn frees_are_checked_and_nothing_goes_back_to_the_pages() {
    let mut pages = numbers(64);
    let mut level = Growing::<ToyBytes>::new();
    assert_eq!(level.detects(), InvalidFrees::ALL);
    let block = level.alloc_from(&mut pages, layout(8, 8)).unwrap();
    let mut dealloc = |pos: NonNull<u8>, size| {
        // SAFETY: 1. The block is live, or the mistake is one that the toy detects. 2. Unused. 3. Same pages.
        unsafe { level.dealloc_to(&mut pages, pos, layout(size, 8)) }
    };
    assert_eq!(dealloc(block, 16), Err(NOT_ALLOCATED));
    assert_eq!(dealloc(block, 8), Ok(()));
    assert_eq!(dealloc(block, 8), Err(NOT_ALLOCATED));
    // SAFETY: 1. Same pages.
    assert_eq!(unsafe { level.trim(&mut pages) }, 0);
    assert_eq!((level.held_bytes(), level.used_bytes()), (64 * KIB, 0));
    assert_eq!(pages.used_pages(), 16);
}
