//! Faults of the published package and of wrappers around it that this wrapper mends: one test each.
#![cfg(feature = "package")]
#![allow(clippy::unwrap_used, reason = "an error that is not expected fails the test")]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod support;

use allocator_api::{AllocError, BaseAllocator, ByteAllocator};
use support::{Arena, GRANULE, HEADER, MIB, empty, free, largest, layout, over, walk};

#[test]
fn the_same_region_is_not_taken_twice() {
    let arena = Arena::new(MIB);
    let mut heap = over(&arena, 0, MIB);
    let (total, used) = (heap.total_bytes(), heap.used_bytes());
    for (offset, size) in [(0, MIB), (4096, 4096), (0, 4 * GRANULE), (MIB - 1, MIB)] {
        // SAFETY: the answer is an error, so nothing is taken.
        let again = unsafe { heap.add_memory(arena.start() + offset, size) };
        assert_eq!(again, Err(AllocError::MemoryOverlap), "{size:#x} bytes from {offset:#x}");
    }
    assert_eq!((heap.total_bytes(), heap.used_bytes()), (total, used));
    assert_eq!(walk(arena.start(), MIB).free_bytes, MIB - GRANULE);
}

#[test]
fn four_adjacent_regions_serve_one_request_in_every_order_of_arrival() {
    let arena = Arena::new(4 * MIB);
    let orders = (0..256).map(|n| [n & 3, n >> 2 & 3, n >> 4 & 3, n >> 6]);
    for order in orders.filter(|order| (0..4).all(|part| order.contains(&part))) {
        let mut heap = empty();
        for part in order {
            // SAFETY: the arena outlives the allocator, and each quarter of it is given once.
            unsafe { heap.add_memory(arena.start() + part * MIB, MIB) }.unwrap();
        }
        assert_eq!(heap.used_bytes(), GRANULE, "one sentinel for one pool, in order {order:?}");
        assert_eq!(walk(arena.start(), 4 * MIB).largest_free_bytes, 4 * MIB - GRANULE, "order {order:?}");
        let big = layout(3 * MIB + MIB / 2, 1);
        let block = heap.alloc(big).unwrap();
        free(&mut heap, block, big);
        assert_eq!(walk(arena.start(), 4 * MIB).largest_free_bytes, 4 * MIB - GRANULE, "order {order:?}");
    }
}

#[test]
fn used_bytes_are_those_of_whole_blocks() {
    let arena = Arena::new(MIB);
    let mut heap = over(&arena, 0, MIB);
    let expected = [
        (1, GRANULE),
        (8, GRANULE),
        (HEADER, GRANULE),
        (HEADER + 1, 2 * GRANULE),
        (HEADER + GRANULE, 2 * GRANULE),
        (4096, 4096 + GRANULE),
    ];
    for (size, block_bytes) in expected {
        let before = heap.used_bytes();
        let block = heap.alloc(layout(size, 1)).unwrap();
        assert_eq!(heap.used_bytes() - before, block_bytes, "{size} bytes");
        assert_eq!(heap.total_bytes(), heap.used_bytes() + heap.available_bytes());
        free(&mut heap, block, layout(size, 1));
        assert_eq!(heap.used_bytes(), before, "{size} bytes");
    }
}

#[test]
fn the_space_in_front_of_an_aligned_block_counts_as_used_and_comes_back() {
    let arena = Arena::new(MIB);
    let mut heap = over(&arena, 0, MIB);
    let page = layout(4096, 4096);
    let blocks: Vec<_> = core::iter::from_fn(|| heap.alloc(page).ok()).collect();
    assert!(blocks.len() >= 120, "only {} pages", blocks.len());
    let seen = walk(arena.start(), MIB);
    assert_eq!((heap.used_bytes(), heap.available_bytes()), (seen.used_bytes, seen.free_bytes));
    assert!(heap.used_bytes() > blocks.len() * 8000, "{} bytes", heap.used_bytes());
    for block in blocks {
        free(&mut heap, block, page);
    }
    assert_eq!(heap.used_bytes(), GRANULE);
}

#[test]
fn a_free_block_serves_the_start_of_its_list_and_no_more() {
    let arena = Arena::new(12 * MIB);
    let block_bytes = 8_491_008;
    let mut heap = over(&arena, 0, block_bytes + GRANULE);
    assert_eq!(walk(arena.start(), block_bytes + GRANULE).largest_free_bytes, block_bytes);
    // The list starts at 8 MiB, the next one at 8 MiB + 256 KiB; the header is part of the block.
    assert_eq!(largest(&mut heap), 8 * MIB - HEADER);
    let next = 8 * MIB + 256 * 1024;
    assert_eq!(largest(&mut over(&arena, 0, next + GRANULE)), next - HEADER);
    assert_eq!(largest(&mut over(&arena, 0, next)), 8 * MIB - HEADER);
}

#[test]
fn a_request_is_never_refused_while_a_free_block_is_a_thirty_second_larger() {
    let arena = Arena::new(2 * MIB);
    for block_bytes in (GRANULE..MIB).step_by(GRANULE * 97) {
        let mut heap = over(&arena, 0, block_bytes + GRANULE);
        let sure = block_bytes * 32 / 33 / GRANULE * GRANULE;
        assert!(largest(&mut heap) + HEADER >= sure, "{block_bytes} free bytes");
    }
}
