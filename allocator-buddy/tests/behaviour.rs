//! The contract of `allocator-api`, on the buddy wrapper in particular.
#![cfg(feature = "package")]
#![allow(clippy::unwrap_used, reason = "an error that is not expected fails the test")]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod support;

use core::ptr::NonNull;

use allocator_api::{
    AddressRange, AllocError, BaseAllocator, ByteAllocator, ConstEmpty, InvalidFrees, UsableSize,
};
use allocator_buddy::package::BuddyByteAllocator;
use support::{Arena, MIB, Random, WORD, Words, free, largest, layout, over};

#[test]
fn without_memory_every_call_is_answered() {
    let mut heap = BuddyByteAllocator::default();
    assert_eq!(heap.alloc(layout(1, 1)), Err(AllocError::NoMemory));
    assert_eq!(heap.alloc(layout(0, 1)), Err(AllocError::InvalidParam));
    let nowhere = NonNull::<u64>::dangling().cast();
    // SAFETY: a foreign block is a mistake that is detected.
    unsafe {
        assert_eq!(heap.dealloc(nowhere, layout(8, 8)), Err(AllocError::NotAllocated));
        assert_eq!(heap.realloc(nowhere, layout(8, 8), 16), Err(AllocError::NotAllocated));
        assert_eq!(heap.realloc(nowhere, layout(8, 8), 0), Err(AllocError::InvalidParam));
    }
    assert_eq!((heap.total_bytes(), heap.used_bytes(), heap.available_bytes()), (0, 0, 0));
}

#[test]
fn an_empty_allocator_is_all_zero_bytes() {
    const WORDS: usize = size_of::<BuddyByteAllocator>() / WORD;
    let empty = BuddyByteAllocator::EMPTY;
    // SAFETY: every field is made of words, so that no byte of the value is padding.
    let words = unsafe { &*(&raw const empty).cast::<[usize; WORDS]>() };
    assert_eq!(words, &[0; WORDS]);
    const { assert!(size_of::<BuddyByteAllocator>() < 4096) };
}

#[test]
fn init_is_refused_when_there_is_memory() {
    let arena = Arena::new(2 * MIB);
    let mut heap = BuddyByteAllocator::new();
    // SAFETY: the arena outlives the allocator; its halves are given once.
    unsafe {
        heap.add_memory(arena.start(), MIB).unwrap();
        assert_eq!(heap.init(arena.start() + MIB, MIB), Err(AllocError::InvalidParam));
        assert_eq!(heap.total_bytes(), MIB);
        assert_eq!(heap.add_memory(arena.start() + MIB, MIB), Ok(()));
    }
    assert_eq!(heap.total_bytes(), 2 * MIB);
}

/// Takes every word of the allocator one by one, and checks that they are those of the arena's `first..end`.
fn assert_words_are(heap: &mut BuddyByteAllocator, arena: &Arena, first: usize, end: usize) {
    let mut taken: Vec<_> = core::iter::from_fn(|| heap.alloc(layout(1, 1)).ok()).collect();
    assert_eq!(heap.available_bytes(), 0);
    taken.sort_unstable();
    let addresses: Vec<_> = taken.iter().map(|word| word.addr().get() - arena.start()).collect();
    assert_eq!(addresses, (first..end).step_by(WORD).collect::<Vec<_>>());
    taken.into_iter().for_each(|word| free(heap, word, layout(1, 1)));
    assert_eq!(heap.used_bytes(), 0);
}

#[test]
fn regions_are_trimmed_to_whole_words_and_every_word_is_used() {
    let arena = Arena::new(MIB);
    for (front, back) in [(0, 0), (1, 0), (0, 1), (WORD - 1, WORD - 1), (WORD, WORD), (40, 3), (1000, 1)] {
        let mut heap = over(&arena, 4096 + front, 4096 - front - back);
        let first = 4096 + front.next_multiple_of(WORD);
        let end = 8192 - back.next_multiple_of(WORD);
        assert_eq!(heap.total_bytes(), end - first, "{front} bytes cut in front, {back} behind");
        assert_words_are(&mut heap, &arena, first, end);
    }
}

#[test]
fn the_smallest_region_is_one_word() {
    let arena = Arena::new(MIB);
    for size in 0..WORD {
        let mut heap = BuddyByteAllocator::new();
        // SAFETY: the region is refused.
        let answer = unsafe { heap.init(arena.start(), size) };
        assert_eq!(answer, Err(AllocError::InvalidParam), "{size} bytes");
    }
    let mut heap = over(&arena, 0, WORD);
    assert!(heap.alloc(layout(WORD, WORD)).is_ok());
    assert_eq!(heap.available_bytes(), 0);
}

#[test]
fn regions_beyond_the_address_space_are_refused() {
    let mut heap = BuddyByteAllocator::new();
    for (start, size) in [(usize::MAX, 2), (4096, usize::MAX), (4096, 0), (usize::MAX - 4095, 4097)] {
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
    let mut heap = BuddyByteAllocator::new();
    // SAFETY: the arena outlives the allocator; the regions do not overlap.
    unsafe {
        for i in 0..BuddyByteAllocator::MAX_REGIONS {
            heap.add_memory(start + i * 8192, 4096).unwrap();
        }
        let total = heap.total_bytes();
        assert_eq!(heap.add_memory(start + 2 * MIB, 4096), Err(AllocError::NoMemory));
        assert_eq!(heap.total_bytes(), total);
        heap.add_memory(start + 4096, 4096).unwrap();
        heap.add_memory(start + 2 * MIB, 4096).unwrap();
    }
    assert_eq!(largest(&mut heap), 8192);
}

#[test]
fn every_power_of_two_alignment_is_honoured_for_every_size() {
    let arena = Arena::new(16 * MIB);
    let mut heap = over(&arena, WORD, 16 * MIB - WORD);
    for align in (0..=22).map(|log2| 1 << log2) {
        for size in [1, 7, WORD, WORD + 1, 100, 4096, 5000, MIB] {
            let block = heap.alloc(layout(size, align)).unwrap();
            assert_eq!(block.addr().get() % align, 0, "({size}, {align})");
            free(&mut heap, block, layout(size, align));
        }
    }
    assert_eq!((heap.used_bytes(), largest(&mut heap)), (0, 8 * MIB));
}

#[test]
fn a_resized_block_keeps_its_contents_and_a_refusal_leaves_it_alone() {
    let arena = Arena::new(MIB);
    let mut heap = over(&arena, 0, MIB);
    let block = heap.alloc(layout(64, 16)).unwrap();
    // SAFETY: the block is live and this test's alone; the layouts are those it has at the time.
    unsafe {
        (0..64).for_each(|i| block.add(i).write(i as u8));
        let grown = heap.realloc(block, layout(64, 16), 1000).unwrap();
        assert!((0..64).all(|i| grown.add(i).read() == i as u8));
        assert_eq!((grown.addr().get() % 1024, heap.used_bytes()), (0, 1024));
        for size in [MIB, isize::MAX as usize, usize::MAX] {
            assert_eq!(heap.realloc(grown, layout(1000, 16), size), Err(AllocError::NoMemory), "{size:#x}");
        }
        assert!((0..64).all(|i| grown.add(i).read() == i as u8));
        let shrunk = heap.realloc(grown, layout(1000, 16), 20).unwrap();
        assert!((0..20).all(|i| shrunk.add(i).read() == i as u8));
        assert_eq!(heap.used_bytes(), 32);
        heap.dealloc(shrunk, layout(20, 16)).unwrap();
    }
    assert_eq!((heap.used_bytes(), largest(&mut heap)), (0, MIB));
}

#[test]
fn foreign_blocks_are_answered_and_change_nothing() {
    let arena = Arena::new(MIB);
    let mut heap = over(&arena, 4096, 8192);
    assert_eq!(heap.detects(), InvalidFrees::FOREIGN);
    let live = heap.alloc(layout(100, 4)).unwrap();
    let foreign = [
        (arena.start() + 64, layout(8, 1)),
        (arena.start() + 4096 - 64, layout(64, 1)),
        (arena.start() + 4096 + 8192, layout(8, 8)),
        (arena.start() + 8192, layout(4097, 1)),
        (live.addr().get(), layout(isize::MAX as usize, 1)),
        (usize::MAX - 31, layout(32, 1)),
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
    assert_eq!(heap.used_bytes(), 128);
    // SAFETY: the block is live.
    assert_eq!(unsafe { heap.check_block(live, layout(100, 4)) }, Ok(()));
    free(&mut heap, live, layout(100, 4));
    assert_eq!(largest(&mut heap), 4096);
}

#[test]
fn region_for_serves_every_layout_and_asks_for_no_more() {
    let arena = Arena::new(32 * MIB);
    let powers = (4..=24).flat_map(|log2| [(1 << log2) - 1, 1 << log2, (1 << log2) + 1]);
    for size in (1..=8192).chain(powers) {
        for align in [1, 8, 64, 4096, 1 << 22] {
            let wanted = layout(size, align);
            let region = BuddyByteAllocator::new().region_for(wanted).unwrap();
            // The second such piece of the arena, where there is room: aligned to its size and no more.
            let offset = if region.size() < 32 * MIB { region.size() } else { 0 };
            assert_eq!((arena.start() + offset) % region.align(), 0);
            let mut fresh = over(&arena, offset, region.size());
            assert!(fresh.alloc(wanted).is_ok(), "({size}, {align}) in {region:?}");
            if region.size() > WORD {
                let mut less = over(&arena, offset, region.size() - WORD);
                assert_eq!(less.alloc(wanted), Err(AllocError::NoMemory), "({size}, {align})");
            }
        }
    }
}

#[test]
fn region_for_serves_a_full_allocator() {
    let arena = Arena::new(32 * MIB);
    let mut random = Random(3);
    for _ in 0..100 {
        let mut heap = over(&arena, 16 * MIB, 4096);
        while heap.alloc(layout(8, 1)).is_ok() {}
        let wanted = layout(1 + random.below(MIB), 1 << random.below(20));
        assert_eq!(heap.alloc(wanted), Err(AllocError::NoMemory));
        let region = heap.region_for(wanted).unwrap();
        // SAFETY: the arena outlives the allocator; the region ends below the first one.
        unsafe { heap.add_memory(arena.start() + 8 * MIB, region.size()) }.unwrap();
        assert!(heap.alloc(wanted).is_ok(), "{wanted:?} in {region:?}");
    }
}

#[test]
fn regions_of_any_shape_merge_into_the_largest_blocks_there_are() {
    let arena = Arena::new(MIB);
    let mut random = Random(11);
    for _ in 0..300 {
        let mut words = Words::new(arena.start(), 4096);
        let mut heap = BuddyByteAllocator::new();
        let mut cuts: Vec<_> = (0..6).map(|_| random.below(4096 / WORD + 1) * WORD).chain([0, 4096]).collect();
        cuts.sort_unstable();
        let mut parts: Vec<_> =
            cuts.windows(2).filter_map(|cut| AddressRange::new(arena.start() + cut[0], cut[1] - cut[0])).collect();
        while !parts.is_empty() {
            let part = parts.swap_remove(random.below(parts.len()));
            // SAFETY: the arena outlives the allocator; the parts do not overlap.
            unsafe { heap.add_memory(part.start(), part.size().unwrap()) }.unwrap();
            words.set(part, true);
            assert_eq!((heap.total_bytes(), largest(&mut heap)), (words.free_bytes(), words.largest()));
        }
        assert_eq!(largest(&mut heap), 4096);
    }
}

#[test]
fn the_summary_names_regions_and_bytes() {
    let arena = Arena::new(MIB);
    let mut heap = over(&arena, 0, 4096);
    heap.alloc(layout(100, 1)).unwrap();
    let first = arena.start();
    let expected = format!(
        "BuddyByteAllocator {{ regions: [{:#x}..={:#x}], used_bytes: 128, total_bytes: 4096, .. }}",
        first,
        first + 4095
    );
    assert_eq!(format!("{heap:?}"), expected);
}

#[test]
fn an_allocator_can_be_sent_to_another_thread() {
    let heap = BuddyByteAllocator::new();
    let moved = std::thread::spawn(move || heap.total_bytes()).join();
    assert_eq!(moved.unwrap(), 0);
}

#[test]
fn a_block_is_usable_to_its_last_byte_and_frees_with_every_size_up_to_there() {
    let arena = Arena::new(MIB);
    let mut heap = over(&arena, 0, MIB);
    for (size, align, usable) in
        [(0, 8, 0), (1, 1, WORD), (100, 8, 128), (8, 512, 512), (128, 1, 128), (5000, 1, 8192)]
    {
        let request = layout(size, align);
        assert_eq!(heap.usable_size(request), usable, "{request:?}");
        for freed in [size, usable.midpoint(size), usable].into_iter().filter(|&size| size > 0) {
            let (block, other) = (heap.alloc(request).unwrap(), heap.alloc(request).unwrap());
            assert!(block.addr().get().abs_diff(other.addr().get()) >= usable);
            for block in [block, other] {
                // SAFETY: the block is live and has that many bytes.
                unsafe { block.write_bytes(0xa5, usable) };
            }
            for block in [block, other] {
                // SAFETY: 1. The block is live, and this size is served by the same block. 2. It is forgotten.
                unsafe { heap.dealloc(block, layout(freed, align)) }.unwrap();
            }
        }
    }
    assert_eq!(heap.used_bytes(), 0);
}
