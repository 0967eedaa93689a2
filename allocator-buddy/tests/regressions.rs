//! Faults of the published package and of wrappers around it that this wrapper mends: one test each.
#![cfg(feature = "package")]
#![allow(clippy::unwrap_used, reason = "an error that is not expected fails the test")]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod support;

use allocator_api::{AllocError, BaseAllocator, ByteAllocator};
use allocator_buddy::package::BuddyByteAllocator;
use support::{Arena, MIB, WORD, block_bytes, free, largest, layout, over};

#[test]
fn the_same_region_is_not_taken_twice() {
    let arena = Arena::new(MIB);
    let mut heap = over(&arena, 0, MIB);
    for (offset, size) in [(0, MIB), (4096, 4096), (MIB - 1, MIB), (0, WORD), (MIB - WORD, WORD)] {
        // SAFETY: the answer is an error, so nothing is taken.
        let again = unsafe { heap.add_memory(arena.start() + offset, size) };
        assert_eq!(again, Err(AllocError::MemoryOverlap), "{size:#x} bytes from {offset:#x}");
    }
    assert_eq!((heap.total_bytes(), heap.used_bytes()), (MIB, 0));
    let (first, whole) = (heap.alloc(layout(MIB, 1)), heap.alloc(layout(1, 1)));
    assert!(first.is_ok() && whole == Err(AllocError::NoMemory), "live blocks share addresses");
}

#[test]
fn regions_at_address_zero_and_at_the_end_are_trimmed_or_refused() {
    let mut heap = BuddyByteAllocator::new();
    for (start, size) in [(0, WORD), (0, 2 * WORD - 1), (usize::MAX - (WORD - 1), WORD), (usize::MAX, 1)] {
        // SAFETY: the answer is an error, so nothing is taken.
        let answer = unsafe { heap.add_memory(start, size) };
        assert_eq!(answer, Err(AllocError::InvalidParam), "{size} bytes from {start:#x}");
    }
    assert_eq!(heap.total_bytes(), 0);
}

#[test]
fn blocks_of_four_gib_and_more_are_refused_without_overflow_when_there_is_no_such_memory() {
    let arena = Arena::new(MIB);
    let mut heap = over(&arena, 0, MIB);
    for log2 in 21..usize::BITS - 1 {
        assert_eq!(heap.alloc(layout(1 << log2, 1)), Err(AllocError::NoMemory), "2^{log2} bytes");
        assert_eq!(heap.alloc(layout((1 << log2) + 1, 1)), Err(AllocError::NoMemory), "2^{log2} + 1 bytes");
        assert_eq!(heap.alloc(layout(1, 1 << log2)), Err(AllocError::NoMemory), "aligned to 2^{log2}");
    }
    assert_eq!(heap.alloc(layout(isize::MAX as usize, 1)), Err(AllocError::NoMemory));
    assert_eq!((heap.used_bytes(), largest(&mut heap)), (0, MIB));
}

#[test]
#[cfg(all(target_pointer_width = "64", unix))]
fn a_block_of_eight_gib_is_served_and_comes_back() {
    // The host gives pages as they are touched, and the allocator touches one word of each free block alone.
    let size = 8 << 30;
    let lent = layout(size, size);
    // SAFETY: the size is not 0.
    let memory = unsafe { std::alloc::alloc(lent) };
    assert!(!memory.is_null(), "the host reserves memory that is not touched");
    let mut heap = BuddyByteAllocator::new();
    // SAFETY: the memory is valid, this test's alone, and exposed.
    unsafe { heap.init(memory.expose_provenance(), size) }.unwrap();
    let halves = [heap.alloc(layout(size / 2, 1)).unwrap(), heap.alloc(layout(size / 2, 4096)).unwrap()];
    assert_eq!(halves[0].addr().get().abs_diff(halves[1].addr().get()), size / 2);
    for half in halves {
        free(&mut heap, half, layout(size / 2, 1));
    }
    let whole = heap.alloc(layout(size / 2 + 1, 1)).unwrap();
    assert_eq!((whole.as_ptr(), heap.used_bytes()), (memory, size));
    // SAFETY: it was allocated with this layout, and the allocator is not used any more.
    unsafe { std::alloc::dealloc(memory, lent) };
}

#[test]
fn adjacent_regions_that_are_buddies_serve_one_request_in_every_order_of_arrival() {
    let arena = Arena::new(4 * MIB);
    let orders = (0..256).map(|n| [n & 3, n >> 2 & 3, n >> 4 & 3, n >> 6]);
    for order in orders.filter(|order| (0..4).all(|part| order.contains(&part))) {
        let mut heap = BuddyByteAllocator::new();
        for part in order {
            // SAFETY: the arena outlives the allocator, and each quarter of it is given once.
            unsafe { heap.add_memory(arena.start() + part * MIB, MIB) }.unwrap();
        }
        assert_eq!((heap.used_bytes(), heap.total_bytes()), (0, 4 * MIB), "order {order:?}");
        assert_eq!(largest(&mut heap), 4 * MIB, "order {order:?}");
    }
}

#[test]
fn adjacent_regions_that_are_no_buddies_stay_apart() {
    let arena = Arena::new(4 * MIB);
    let mut heap = over(&arena, MIB, MIB);
    // SAFETY: the arena outlives the allocator, and this quarter of it is given once.
    unsafe { heap.add_memory(arena.start() + 2 * MIB, MIB) }.unwrap();
    assert_eq!((heap.available_bytes(), largest(&mut heap)), (2 * MIB, MIB));
}

#[test]
fn used_bytes_are_those_of_whole_blocks() {
    let arena = Arena::new(MIB);
    let mut heap = over(&arena, 0, MIB);
    for (size, align) in [(1, 1), (WORD, 1), (WORD + 1, 1), (4096, 1), (4097, 1), (1, 4096), (1 << 19, 1)] {
        let block = heap.alloc(layout(size, align)).unwrap();
        assert_eq!(heap.used_bytes(), block_bytes(layout(size, align)), "({size}, {align})");
        assert_eq!(heap.total_bytes(), heap.used_bytes() + heap.available_bytes());
        free(&mut heap, block, layout(size, align));
        assert_eq!(heap.used_bytes(), 0, "({size}, {align})");
    }
}

#[test]
fn statistics_survive_resizing_within_one_order() {
    let arena = Arena::new(MIB);
    let mut heap = over(&arena, 0, MIB);
    let block = heap.alloc(layout(5, 1)).unwrap();
    // SAFETY: the block is live with the layout given, each time.
    unsafe {
        assert_eq!(heap.realloc(block, layout(5, 1), 8), Ok(block));
        assert_eq!(heap.used_bytes(), 8);
        heap.dealloc(block, layout(8, 1)).unwrap();
    }
    assert_eq!((heap.used_bytes(), largest(&mut heap)), (0, MIB));
}

#[test]
fn a_block_below_its_own_multiple_is_answered_and_does_not_end_up_in_a_list() {
    let arena = Arena::new(MIB);
    let mut heap = over(&arena, 0, MIB);
    let block = heap.alloc(layout(64, 1)).unwrap();
    for (offset, size) in [(8, 64), (32, 64), (16, 17), (0, 128 * 1024 * 1024)] {
        // SAFETY: offsets are inside the arena; the block is refused by its address and layout alone.
        let answer = unsafe { heap.dealloc(block.add(offset), layout(size, 1)) };
        assert_eq!(answer, Err(AllocError::NotAllocated), "{size} bytes at {offset}");
    }
    assert_eq!(heap.used_bytes(), 64);
    free(&mut heap, block, layout(64, 1));
    assert_eq!(largest(&mut heap), MIB);
}
