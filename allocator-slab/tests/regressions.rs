//! One test for each fault of the package that the wrapper mends.
#![cfg(feature = "package")]
#![allow(clippy::unwrap_used, reason = "a test helper that fails is a test that fails")]

mod support;

use allocator_api::{AllocError, BaseAllocator, ByteAllocator};
use allocator_slab::package::{MAX_REGIONS, SlabByteAllocator};
use support::{Arena, KIB, MIB, add, layout, over};

#[test]
fn small_blocks_with_large_alignments_are_aligned() {
    let arena = Arena::new(16 * MIB, MIB);
    let mut slabs = over(&arena, 16 * MIB);
    for size in [1, 64, 65, 2048, 4095, 4096] {
        for align_log2 in 0..=18 {
            let request = layout(size, 1 << align_log2);
            let blocks: Vec<_> = (0..4).map(|_| slabs.alloc(request).unwrap()).collect();
            for block in blocks {
                assert_eq!(block.addr().get() % request.align(), 0, "{request:?}");
                // SAFETY: 1. The block is live, with this layout. 2. It is forgotten.
                unsafe { slabs.dealloc(block, request).unwrap() };
            }
        }
    }
    assert_eq!(slabs.used_bytes(), 0);
}

#[test]
fn a_block_is_counted_once_and_a_free_takes_it_off_again() {
    let arena = Arena::new(MIB, MIB);
    let mut slabs = over(&arena, MIB);
    let mut live = Vec::new();
    let mut expected = 0;
    for (size, align, block_bytes) in
        [(1, 1, 64), (64, 64, 64), (65, 1, 128), (8, 512, 512), (4096, 1, 4096), (4097, 1, 8192), (3, 8192, 8192)]
    {
        let request = layout(size, align);
        live.push((slabs.alloc(request).unwrap(), request));
        expected += block_bytes;
        assert_eq!(slabs.used_bytes(), expected, "after {request:?}");
        assert_eq!(slabs.total_bytes(), MIB);
        assert_eq!(slabs.available_bytes(), MIB - expected);
    }
    for (block, request) in live {
        // SAFETY: 1. The block is live, with this layout. 2. It is forgotten.
        unsafe { slabs.dealloc(block, request).unwrap() };
    }
    assert_eq!((slabs.used_bytes(), slabs.total_bytes()), (0, MIB));
}

#[test]
fn a_first_region_of_any_page_multiple_is_taken_whole() {
    let arena = Arena::new(MIB, MIB);
    for pages in 8..64 {
        for first_page in 0..9 {
            let mut slabs = SlabByteAllocator::new();
            add(&mut slabs, &arena, first_page * 4096, pages * 4096).unwrap();
            assert_eq!(slabs.total_bytes(), pages * 4096);
            // Slabs of the smallest class are one page each, so that every page can become one.
            let smallest = layout(64, 1);
            let taken = std::iter::repeat_with(|| slabs.alloc(smallest)).take_while(Result::is_ok).count();
            assert_eq!(taken, pages * 64, "{pages} pages from page {first_page}");
            assert_eq!((slabs.used_bytes(), slabs.available_bytes()), (pages * 4096, 0));
        }
    }
}

#[test]
fn a_first_region_from_an_odd_page_on_is_joined_as_far_as_buddies_go() {
    let arena = Arena::new(2 * MIB, 2 * MIB);
    for odd_page in [1, 3, 249, 255] {
        let mut slabs = SlabByteAllocator::new();
        add(&mut slabs, &arena, odd_page * 4096, 2 * MIB - odd_page * 4096).unwrap();
        let upper_half = slabs.alloc(layout(MIB, 1)).expect("the upper half is a buddy block");
        assert_eq!(upper_half.addr().get(), arena.at(MIB));
    }
}

#[test]
fn a_block_stays_where_it_is_as_long_as_the_new_size_rounds_to_it() {
    let arena = Arena::new(MIB, MIB);
    for (size, same, other) in [(100, [65, 128], 129), (20 * KIB, [16 * KIB + 1, 32 * KIB], 16 * KIB)] {
        let mut slabs = over(&arena, 128 * KIB);
        let request = layout(size, 8);
        let first = slabs.alloc(request).unwrap();
        // SAFETY: 1. The block is live, with this layout. 2. It is used no more.
        let moved = unsafe { slabs.realloc(first, request, other).unwrap() };
        assert_ne!(moved, first);
        let block = slabs.alloc(request).unwrap();
        // Taking all there is leaves no block to move to.
        while slabs.alloc(request).is_ok() {}
        let used = slabs.used_bytes();
        for new_size in same {
            // SAFETY: 1. The block is live, and its layouts all round to one block. 2. It is the same block.
            assert_eq!(unsafe { slabs.realloc(block, request, new_size) }, Ok(block), "{new_size}");
        }
        assert_eq!(slabs.used_bytes(), used);
    }
}

#[test]
fn a_first_region_below_the_smallest_is_refused_and_a_later_one_taken() {
    let arena = Arena::new(MIB, MIB);
    let mut slabs = SlabByteAllocator::new();
    let smallest = SlabByteAllocator::SMALLEST_FIRST_REGION_BYTES;
    for (offset, bytes) in [(0, 4096), (0, smallest - 1), (1, smallest), (4095, smallest)] {
        assert_eq!(add(&mut slabs, &arena, offset, bytes), Err(AllocError::InvalidParam), "{bytes} at {offset}");
        assert_eq!(slabs.total_bytes(), 0);
        assert_eq!(slabs.alloc(layout(1, 1)), Err(AllocError::NoMemory));
    }
    assert_eq!(add(&mut slabs, &arena, 1, smallest + 4095), Ok(()));
    assert_eq!(add(&mut slabs, &arena, MIB / 2, 4096), Ok(()));
    assert_eq!(slabs.total_bytes(), smallest + 4096);
}

#[test]
fn before_any_memory_nothing_is_given_and_nothing_taken() {
    let arena = Arena::new(4096, 4096);
    let mut slabs = SlabByteAllocator::new();
    assert_eq!(slabs.alloc(layout(64, 8)), Err(AllocError::NoMemory));
    assert_eq!(slabs.alloc(layout(MIB, 8)), Err(AllocError::NoMemory));
    assert_eq!(slabs.alloc(layout(0, 8)), Err(AllocError::InvalidParam));
    let foreign = std::ptr::NonNull::new(std::ptr::with_exposed_provenance_mut(arena.at(0))).unwrap();
    // SAFETY: 1. The block is foreign, which `detects` names. 2. Nothing is taken back.
    unsafe {
        assert_eq!(slabs.check_block(foreign, layout(64, 8)), Err(AllocError::NotAllocated));
        assert_eq!(slabs.dealloc(foreign, layout(64, 8)), Err(AllocError::NotAllocated));
    }
    assert_eq!((slabs.total_bytes(), slabs.used_bytes(), slabs.available_bytes()), (0, 0, 0));
}

#[test]
fn an_overlapping_region_is_refused_even_where_only_its_trimmed_edge_overlaps() {
    let arena = Arena::new(MIB, MIB);
    let mut slabs = SlabByteAllocator::new();
    add(&mut slabs, &arena, 64 * KIB, 64 * KIB).unwrap();
    let before = format!("{slabs:?}");
    for (offset, bytes) in [
        (64 * KIB, 64 * KIB),
        (96 * KIB, 4096),
        (0, 256 * KIB),
        (60 * KIB, 4097),
        (128 * KIB - 1, 8192),
        (0, 64 * KIB + 1),
    ] {
        assert_eq!(add(&mut slabs, &arena, offset, bytes), Err(AllocError::MemoryOverlap), "{bytes} at {offset}");
        assert_eq!(format!("{slabs:?}"), before);
    }
    assert_eq!(add(&mut slabs, &arena, 60 * KIB, 4096), Ok(()));
    assert_eq!(add(&mut slabs, &arena, 128 * KIB, 4096), Ok(()));
    assert_eq!(slabs.total_bytes(), 72 * KIB);
}

#[test]
fn init_is_refused_once_there_is_memory() {
    let arena = Arena::new(MIB, MIB);
    let mut slabs = over(&arena, 64 * KIB);
    // SAFETY: 1. The memory is the arena's and otherwise unused. 2. `at` exposes its provenance.
    let answer = unsafe { slabs.init(arena.at(128 * KIB), 64 * KIB) };
    assert_eq!(answer, Err(AllocError::InvalidParam));
    assert_eq!(slabs.total_bytes(), 64 * KIB);
}

#[test]
fn regions_without_a_usable_page_are_invalid() {
    let arena = Arena::new(MIB, MIB);
    let mut empty = SlabByteAllocator::new();
    let mut filled = over(&arena, 64 * KIB);
    for slabs in [&mut empty, &mut filled] {
        let total = slabs.total_bytes();
        for (start, bytes) in [
            (arena.at(128 * KIB), 0),
            (arena.at(128 * KIB), 4095),
            (arena.at(128 * KIB) + 1, 8190),
            (0, 4096),
            (0, 8191),
            (usize::MAX - 4095, 4096),
            (usize::MAX, 2),
            (usize::MAX - 4095, 4097),
            (4096, usize::MAX),
        ] {
            // SAFETY: 1. and 2. No page of such a region may be touched, which is what is tested.
            let answer = unsafe { slabs.add_memory(start, bytes) };
            assert_eq!(answer, Err(AllocError::InvalidParam), "{bytes} at {start:#x}");
        }
        assert_eq!(slabs.total_bytes(), total);
    }
}

#[test]
fn one_region_beyond_the_limit_is_refused_and_touching_ones_do_not_count() {
    let arena = Arena::new(4 * MIB, MIB);
    let mut slabs = over(&arena, 32 * KIB);
    let offset = |n: usize| 32 * KIB + n * 8192;
    for n in 1..MAX_REGIONS {
        assert_eq!(add(&mut slabs, &arena, offset(n), 4096), Ok(()), "region {n}");
    }
    let before = slabs.total_bytes();
    assert_eq!(before, 32 * KIB + (MAX_REGIONS - 1) * 4096);
    assert_eq!(add(&mut slabs, &arena, offset(MAX_REGIONS), 4096), Err(AllocError::NoMemory));
    assert_eq!(slabs.total_bytes(), before);
    assert_eq!(add(&mut slabs, &arena, offset(5) + 4096, 4096), Ok(()));
    assert_eq!(add(&mut slabs, &arena, offset(MAX_REGIONS), 4096), Ok(()));
    assert_eq!(slabs.total_bytes(), before + 8192);
}

#[test]
fn foreign_misaligned_and_oversized_frees_are_answered_and_change_nothing() {
    let arena = Arena::new(MIB, MIB);
    let mut slabs = SlabByteAllocator::new();
    add(&mut slabs, &arena, 64 * KIB, 68 * KIB).unwrap();
    let request = layout(4000, 16);
    let large = slabs.alloc(layout(8192, 1)).unwrap();
    let used = slabs.used_bytes();
    let at = |offset| std::ptr::NonNull::new(std::ptr::with_exposed_provenance_mut(arena.at(offset))).unwrap();
    let mut refused = |pos, request| {
        // SAFETY: 1. The block is foreign, or one of the two other kinds that the type's documentation names.
        // 2. Nothing is taken back.
        unsafe {
            assert_eq!(slabs.check_block(pos, request), Err(AllocError::NotAllocated), "{pos:?} {request:?}");
            assert_eq!(slabs.dealloc(pos, request), Err(AllocError::NotAllocated), "{pos:?} {request:?}");
        }
        assert_eq!(slabs.used_bytes(), used);
    };
    refused(at(0), request);
    refused(at(64 * KIB - 4096), request);
    refused(at(132 * KIB), request);
    // The last 4096 bytes are inside, but blocks of 8192 bytes would reach out.
    refused(at(128 * KIB), layout(5000, 1));
    refused(at(128 * KIB), layout(100, 8192));
    refused(at(64 * KIB + 64), request);
    refused(at(64 * KIB), layout(0, 1));
    refused(at(64 * KIB), layout(isize::MAX as usize, 1));
    refused(at(64 * KIB), layout(8193, 1));
    // SAFETY: 1. The block is live, with this layout. 2. It is forgotten.
    unsafe {
        slabs.check_block(large, layout(8192, 1)).unwrap();
        slabs.dealloc(large, layout(8192, 1)).unwrap();
    }
    assert_eq!(slabs.used_bytes(), 0);
}

#[test]
fn requests_that_no_memory_can_hold_are_refused_at_once() {
    let arena = Arena::new(MIB, MIB);
    let mut slabs = over(&arena, MIB);
    let largest = isize::MAX as usize;
    let half = largest / 2 + 1;
    for request in [layout(largest, 1), layout(largest - 4095, 4096), layout(1, half), layout(half, half)] {
        assert_eq!(slabs.alloc(request), Err(AllocError::NoMemory), "{request:?}");
    }
    assert_eq!(slabs.region_for(layout(largest, 1)), Err(AllocError::NoMemory));
    assert_eq!(slabs.region_for(layout(0, 1)), Err(AllocError::InvalidParam));
    assert_eq!(slabs.alloc(layout(2 * MIB, 1)), Err(AllocError::NoMemory));
    assert_eq!(slabs.used_bytes(), 0);
    assert!(slabs.alloc(layout(MIB, MIB)).is_ok());
}

#[cfg(target_pointer_width = "64")]
#[test]
fn a_block_of_two_gibibytes_is_handed_out_of_a_larger_region() {
    const GIB: usize = 1 << 30;
    // Only the first word of each buddy block is written, so the host hardly pays for it.
    let arena = Arena::new(3 * GIB, 2 * GIB);
    let mut slabs = over(&arena, 3 * GIB);
    assert_eq!(slabs.total_bytes(), 3 * GIB);
    let request = layout(GIB + 1, 1);
    for _ in 0..2 {
        let block = slabs.alloc(request).unwrap();
        assert_eq!(block.addr().get() % (2 * GIB), 0);
        assert_eq!(slabs.alloc(request), Err(AllocError::NoMemory));
        assert_eq!(slabs.available_bytes(), GIB);
        // SAFETY: 1. The block is live, with this layout. 2. It is forgotten.
        unsafe { slabs.dealloc(block, request).unwrap() };
    }
    assert_eq!(slabs.alloc(layout(2 * GIB + 1, 1)), Err(AllocError::NoMemory));
    assert_eq!(slabs.region_for(layout(2 * GIB + 1, 1)), Err(AllocError::NoMemory));
}
