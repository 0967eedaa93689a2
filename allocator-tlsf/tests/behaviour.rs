//! The contract of `allocator-api`, on the TLSF wrapper in particular.
#![cfg(feature = "package")]
#![allow(clippy::unwrap_used, reason = "an error that is not expected fails the test")]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod support;

use core::ptr::NonNull;

use allocator_api::{AllocError, BaseAllocator, ByteAllocator, ConstEmpty, Declared, InvalidFrees};
use allocator_tlsf::package::TlsfByteAllocator;
use support::{Arena, GRANULE, HEADER, MIB, Random, empty, free, largest, layout, over, walk};

#[test]
fn without_memory_every_call_is_answered() {
    let mut heap = empty();
    assert_eq!(heap.alloc(layout(1, 1)), Err(AllocError::NoMemory));
    assert_eq!(heap.alloc(layout(0, 1)), Err(AllocError::InvalidParam));
    let nowhere = NonNull::<u64>::dangling().cast();
    // SAFETY: a foreign block is a mistake that is detected.
    unsafe {
        assert_eq!(heap.dealloc(nowhere, layout(8, 8)), Err(AllocError::NotAllocated));
        assert_eq!(heap.realloc(nowhere, layout(8, 8), 16), Err(AllocError::NotAllocated));
    }
    assert_eq!((heap.total_bytes(), heap.used_bytes(), heap.available_bytes()), (0, 0, 0));
}

#[test]
fn an_empty_allocator_is_all_zero_bytes() {
    const WORDS: usize = size_of::<TlsfByteAllocator>() / size_of::<usize>();
    static EMPTY: TlsfByteAllocator = TlsfByteAllocator::EMPTY;
    // SAFETY: the type has no padding larger than a field's rounding; a static's padding is zero as well, and
    // nothing else refers to it mutably.
    let words = unsafe { &*(&raw const EMPTY).cast::<[core::mem::MaybeUninit<usize>; WORDS]>() };
    // SAFETY: memory of a static is initialised, padding too.
    assert!(words.iter().all(|word| unsafe { word.assume_init() } == 0));
}

#[test]
fn init_is_refused_when_there_is_memory() {
    let arena = Arena::new(2 * MIB);
    let mut heap = empty();
    // SAFETY: the arena outlives the allocator; its halves are given once.
    unsafe {
        heap.add_memory(arena.start(), MIB).unwrap();
        assert_eq!(heap.init(arena.start() + MIB, MIB), Err(AllocError::InvalidParam));
        assert_eq!(heap.total_bytes(), MIB);
        assert_eq!(heap.add_memory(arena.start() + MIB, MIB), Ok(()));
    }
    assert_eq!(heap.total_bytes(), 2 * MIB);
}

#[test]
fn regions_are_trimmed_to_whole_granules() {
    let arena = Arena::new(MIB);
    for (front, back) in [(0, 0), (1, 0), (0, 1), (GRANULE - 1, GRANULE - 1), (HEADER, HEADER), (GRANULE, 3)] {
        let heap = over(&arena, front, 4096 - front - back);
        let held = 4096 - front.next_multiple_of(GRANULE) - back.next_multiple_of(GRANULE);
        assert_eq!(heap.total_bytes(), held, "{front} bytes cut in front, {back} behind");
        walk(arena.start() + front.next_multiple_of(GRANULE), held);
    }
}

#[test]
fn the_smallest_region_serves_one_block() {
    let arena = Arena::new(MIB);
    let smallest = TlsfByteAllocator::DECLARATION.smallest_first_region_bytes;
    let mut heap = empty();
    for size in 0..smallest {
        // SAFETY: the region is refused.
        let answer = unsafe { heap.init(arena.start(), size) };
        assert_eq!(answer, Err(AllocError::InvalidParam), "{size} bytes");
    }
    assert_eq!(heap.total_bytes(), 0);
    let mut heap = over(&arena, 0, smallest);
    let block = heap.alloc(layout(HEADER, 1)).unwrap();
    assert_eq!(heap.available_bytes(), 0);
    assert_eq!(heap.alloc(layout(1, 1)), Err(AllocError::NoMemory));
    free(&mut heap, block, layout(HEADER, 1));
    assert_eq!(heap.available_bytes(), GRANULE);
}

#[test]
fn regions_beyond_the_address_space_or_only_at_its_edges_are_refused() {
    let mut heap = empty();
    for (start, size) in [
        (usize::MAX, 2),
        (4096, usize::MAX),
        (0, 2 * GRANULE),
        (usize::MAX - (2 * GRANULE - 1), 2 * GRANULE),
        (4096, 0),
    ] {
        // SAFETY: the region is refused.
        let answer = unsafe { heap.add_memory(start, size) };
        assert_eq!(answer, Err(AllocError::InvalidParam), "{size:#x} bytes from {start:#x}");
    }
    assert_eq!((heap.total_bytes(), heap.used_bytes()), (0, 0));
}

#[test]
fn one_region_too_many_is_refused_and_one_that_touches_is_not() {
    let arena = Arena::new(4 * MIB);
    let start = arena.start();
    let mut heap = empty();
    // SAFETY: the arena outlives the allocator; the regions do not overlap.
    unsafe {
        for i in 0..TlsfByteAllocator::MAX_REGIONS {
            heap.add_memory(start + i * 8192, 4096).unwrap();
        }
        let before = (heap.total_bytes(), heap.used_bytes());
        assert_eq!(heap.add_memory(start + 2 * MIB, 4096), Err(AllocError::NoMemory));
        assert_eq!((heap.total_bytes(), heap.used_bytes()), before);
        heap.add_memory(start + 4096, 4096).unwrap();
        heap.add_memory(start + 2 * MIB, 4096).unwrap();
    }
    assert_eq!(heap.used_bytes(), TlsfByteAllocator::MAX_REGIONS * GRANULE);
    assert_eq!(walk(start, 3 * 4096).largest_free_bytes, 3 * 4096 - GRANULE);
}

#[test]
fn regions_join_around_live_blocks() {
    let arena = Arena::new(MIB);
    let start = arena.start();
    let mut heap = over(&arena, 8192, 4096);
    // Every granule of the pool is a live block, so that the next regions meet used blocks at both borders.
    let small = layout(HEADER, 1);
    let blocks: Vec<_> = core::iter::from_fn(|| heap.alloc(small).ok()).collect();
    assert_eq!(blocks.len(), 4096 / GRANULE - 1);
    // SAFETY: the blocks are live and that long. The arena outlives the allocator; the regions are given once.
    unsafe {
        blocks.iter().for_each(|block| block.write_bytes(0x5a, HEADER));
        heap.add_memory(start + 4096, 4096).unwrap();
        heap.add_memory(start + 12288, 4096).unwrap();
    }
    let seen = walk(start + 4096, 3 * 4096);
    assert_eq!((heap.used_bytes(), heap.available_bytes()), (seen.used_bytes, seen.free_bytes));
    assert_eq!(seen.used_bytes, 4096);
    for block in blocks {
        // SAFETY: the block is live, and was written.
        assert!(unsafe { core::slice::from_raw_parts(block.as_ptr(), HEADER) }.iter().all(|&byte| byte == 0x5a));
        free(&mut heap, block, small);
    }
    assert_eq!(walk(start + 4096, 3 * 4096).largest_free_bytes, 3 * 4096 - GRANULE);
}

#[test]
fn every_power_of_two_alignment_is_honoured_for_every_size() {
    let arena = Arena::new(16 * MIB);
    let mut heap = over(&arena, GRANULE, 16 * MIB - GRANULE);
    for align in (0..=22).map(|log2| 1 << log2) {
        for size in [1, 7, HEADER, HEADER + 1, GRANULE, 100, 4096, 5000, MIB] {
            let block = heap.alloc(layout(size, align)).unwrap();
            assert_eq!(block.addr().get() % align, 0, "({size}, {align})");
            free(&mut heap, block, layout(size, align));
        }
    }
    assert_eq!(heap.used_bytes(), GRANULE);
}

#[test]
fn sizes_and_alignments_near_the_limits_are_refused_without_overflow() {
    let arena = Arena::new(MIB);
    let mut heap = over(&arena, 0, MIB);
    let most = isize::MAX as usize;
    let quarter = 1 << (usize::BITS - 2);
    for (size, align) in [(most, 1), (most - 4095, 4096), (1, quarter), (quarter, quarter), (MIB, MIB), (MIB, 1)] {
        assert_eq!(heap.alloc(layout(size, align)), Err(AllocError::NoMemory), "({size:#x}, {align:#x})");
    }
    let block = heap.alloc(layout(64, 64)).unwrap();
    for new_size in [MIB, most - 64, most, usize::MAX] {
        // SAFETY: the block is live with this layout.
        let answer = unsafe { heap.realloc(block, layout(64, 64), new_size) };
        assert_eq!(answer, Err(AllocError::NoMemory), "{new_size:#x}");
    }
    free(&mut heap, block, layout(64, 64));
    assert_eq!((heap.used_bytes(), largest(&mut heap)), (GRANULE, MIB - MIB / 64 - HEADER));
}

#[test]
fn foreign_blocks_are_answered_and_change_nothing() {
    let arena = Arena::new(MIB);
    let mut heap = over(&arena, 4096, 8192);
    assert_eq!(heap.detects(), InvalidFrees::FOREIGN);
    let live = heap.alloc(layout(100, 4)).unwrap();
    let before = (walk(arena.start() + 4096, 8192), heap.used_bytes());
    let foreign = [
        (arena.start() + 100, layout(8, 1)),
        (arena.start() + 4096 - 64, layout(32, 1)),
        (arena.start() + 4096 + 8192, layout(8, 8)),
        (arena.start() + 4096 + 8192 - 64, layout(65, 1)),
        (live.addr().get(), layout(isize::MAX as usize, 1)),
        (usize::MAX - 15, layout(32, 1)),
    ];
    for (address, layout) in foreign {
        let pos = NonNull::new(core::ptr::with_exposed_provenance_mut(address)).unwrap();
        // SAFETY: a foreign block is a mistake that is detected.
        unsafe {
            assert_eq!(heap.check_block(pos, layout), Err(AllocError::NotAllocated), "{address:#x}");
            assert_eq!(heap.dealloc(pos, layout), Err(AllocError::NotAllocated), "{address:#x}");
            assert_eq!(heap.realloc(pos, layout, 8), Err(AllocError::NotAllocated), "{address:#x}");
        }
    }
    assert_eq!((walk(arena.start() + 4096, 8192), heap.used_bytes()), before);
    // SAFETY: the block is live.
    assert_eq!(unsafe { heap.check_block(live, layout(100, 4)) }, Ok(()));
}

fn assert_region_serves(arena: &Arena, size: usize, align: usize) {
    let wanted = layout(size, align);
    let region = empty().region_for(wanted).unwrap();
    // Just after a multiple of the alignment: the worst place for padding.
    let start = 4096 + GRANULE;
    assert_eq!((arena.start() + start) % region.align(), 0);
    let mut fresh = over(arena, start, region.size());
    assert!(fresh.alloc(wanted).is_ok(), "({size}, {align}) in {region:?}");
    // A region one granule smaller would do, were it not for the edges of the address space; two would not.
    let less_bytes = region.size() - 2 * GRANULE;
    if less_bytes >= TlsfByteAllocator::DECLARATION.smallest_first_region_bytes {
        let mut less = over(arena, start, less_bytes);
        assert_eq!(less.alloc(wanted), Err(AllocError::NoMemory), "({size}, {align}) in less than {region:?}");
    }
}

#[test]
fn region_for_serves_every_small_size_and_asks_for_no_more() {
    let arena = Arena::new(MIB);
    for align in [1, HEADER, GRANULE, 4096] {
        for size in 1..=8192 {
            assert_region_serves(&arena, size, align);
        }
    }
}

#[test]
fn region_for_serves_sizes_around_powers_of_two_at_every_alignment() {
    let arena = Arena::new(32 * MIB);
    for align in (0..=22).map(|log2| 1 << log2) {
        for power in (4..=24).map(|log2| 1 << log2) {
            for size in [power - HEADER, power - HEADER + 1, power - 1, power, power + 1].map(|size| size.max(1)) {
                assert_region_serves(&arena, size, align);
            }
        }
    }
}

#[test]
fn region_for_serves_a_full_allocator_from_a_region_of_its_own_or_one_that_touches() {
    let arena = Arena::new(16 * MIB);
    let mut random = Random(3);
    for _ in 0..300 {
        let mut heap = over(&arena, 4 * MIB, 64 * 1024);
        while heap.alloc(layout(16, 1)).is_ok() {}
        let wanted = layout(1 + random.below(MIB), 1 << random.below(17));
        assert_eq!(heap.alloc(wanted), Err(AllocError::NoMemory));
        let region = heap.region_for(wanted).unwrap();
        let place = match random.below(3) {
            0 => 8 * MIB,
            1 => 4 * MIB + 64 * 1024,
            _ => 4 * MIB - region.size(),
        };
        // SAFETY: the arena outlives the allocator; the region does not overlap the first one.
        unsafe { heap.add_memory(arena.start() + place, region.size()) }.unwrap();
        assert!(heap.alloc(wanted).is_ok(), "{wanted:?} in {region:?}");
    }
}

#[test]
fn the_summary_names_regions_and_bytes() {
    let arena = Arena::new(MIB);
    let heap = over(&arena, 0, 4096);
    let first = arena.start();
    let expected = format!(
        "TlsfByteAllocator {{ regions: [{:#x}..={:#x}], used_bytes: {GRANULE}, total_bytes: 4096, .. }}",
        first,
        first + 4095
    );
    assert_eq!(format!("{heap:?}"), expected);
}

#[test]
fn an_allocator_can_be_sent_to_another_thread() {
    fn assert_send<T: Send>(value: T) -> T {
        value
    }
    let moved = std::thread::spawn(|| assert_send(empty()).total_bytes()).join();
    assert_eq!(moved.unwrap(), 0);
}
