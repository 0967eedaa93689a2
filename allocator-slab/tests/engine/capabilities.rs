//! Usable sizes, memory given back, and what is declared.

use allocator_api::{
    AllocError, BaseAllocator, ByteAllocator, CheckIntegrity, Declared, ReclaimMemory, UsableSize,
};

use crate::{
    arena::Arena,
    blocks::{Filled, Heap, KIB, MIB, free, heap_over, layout},
};

#[test]
fn every_usable_byte_is_the_owners_and_every_size_up_to_there_frees() {
    let arena = Arena::new(8 * MIB, 4096);
    let mut heap = heap_over::<4096>(&arena, 8 * MIB);
    for (size, align, usable) in [
        (1, 1, 16),
        (17, 1, 24),
        (65, 8, 72),
        (65, 64, 128),
        (2049, 8, 2304),
        (3841, 8, 4096),
        (8, 4096, 4096),
        (8, 16 * KIB, 4096),
        (4097, 8, 4608),
        (32_769, 1, 36_864),
        (1_000_000, 1, 1_003_520),
    ] {
        let request = layout(size, align);
        assert_eq!(heap.usable_size(request), usable, "{request:?}");
        for freed in [size, usable, size.midpoint(usable)] {
            let filled = Filled::new(heap.alloc(request).unwrap(), request, usable, 0x77);
            let other = Filled::new(heap.alloc(request).unwrap(), request, usable, 0x88);
            assert!(filled.is_intact(usable) && other.is_intact(usable));
            for block in [filled.block, other.block] {
                assert_eq!(free(&mut heap, block, layout(freed, align)), Ok(()), "{request:?} as {freed}");
            }
        }
    }
    assert_eq!(heap.usable_size(layout(0, 8)), 0);
    heap.check_integrity().unwrap();
}

#[test]
fn usable_sizes_on_large_pages_are_those_of_the_classes_that_large_pages_have() {
    let arena = Arena::new(8 * MIB, 64 * KIB);
    let heap = heap_over::<{ 16 * KIB }>(&arena, 8 * MIB);
    for (size, align, usable) in [(4096, 1, 4096), (4097, 8192, 8192), (16_384, 1, 16_384), (8, 32_768, 16_384)] {
        assert_eq!(heap.usable_size(layout(size, align)), usable);
    }
}

#[test]
fn reclaiming_takes_all_that_is_free_and_leaves_the_live_blocks() {
    let arena = Arena::new(4 * MIB, MIB);
    let mut heap = heap_over::<4096>(&arena, 4 * MIB);
    let kept = layout(100, 8);
    let kept = Filled::new(heap.alloc(kept).unwrap(), kept, 100, 0x21);
    let burst: Vec<_> = (0..20_000).map(|_| heap.alloc(layout(128, 8)).unwrap()).collect();
    for block in burst {
        free(&mut heap, block, layout(128, 8)).unwrap();
    }
    assert_eq!(heap.reclaim(3), None);
    assert_eq!(heap.reclaim(0), None);
    assert_eq!(heap.reclaim(usize::MAX / 2 + 1), None);
    let (begin, mut reclaimed) = (heap.total_bytes(), Vec::new());
    while let Some(range) = heap.reclaim(64 * KIB) {
        heap.check_integrity().unwrap();
        assert!(range.start().is_multiple_of(64 * KIB) && (range.last() + 1).is_multiple_of(64 * KIB));
        reclaimed.push((range.start(), range.last() + 1 - range.start()));
    }
    let bytes: usize = reclaimed.iter().map(|range| range.1).sum();
    assert_eq!(heap.total_bytes(), begin - bytes);
    assert!(bytes >= 4 * MIB - 256 * KIB, "{bytes}");
    assert!(kept.is_intact(100));
    assert_eq!(heap.alloc(layout(512 * KIB, 8)), Err(AllocError::NoMemory));
    for (start, bytes) in reclaimed {
        assert!(!(start..start + bytes).contains(&kept.address()));
        // SAFETY: 1. The memory was given back, and is the arena's. 2. Its provenance is exposed.
        unsafe { heap.add_memory(start, bytes) }.unwrap();
    }
    assert_eq!(heap.total_bytes(), begin);
    assert!(heap.alloc(layout(512 * KIB, 8)).is_ok());
}

#[test]
fn a_heap_without_memory_is_sound_and_gives_nothing_back() {
    let mut heap = Box::new(<allocator_slab::SlabByteAllocator>::new());
    assert_eq!((heap.check_integrity(), heap.reclaim(4096)), (Ok(()), None));
}

#[test]
fn a_piece_that_the_page_level_keeps_is_tried_once_and_stays_usable() {
    let arena = Arena::new(4 * MIB, MIB);
    let mut heap = heap_over::<4096>(&arena, 4 * MIB);
    let mut fill = |size: usize| -> Vec<_> { (0..).map_while(|_| heap.alloc(layout(size, 4096)).ok()).collect() };
    let runs = fill(64 * KIB);
    assert!(fill(4096).len() < 64 * KIB && fill(16).len() < 64 * KIB);
    // Taken out of the middle, it would leave two pieces, and no free page for the records of the second.
    let middle = layout(64 * KIB, 4096);
    free(&mut heap, runs[runs.len() / 2], middle).unwrap();
    assert_eq!(heap.reclaim(4096), None);
    heap.check_integrity().unwrap();
    assert_eq!(heap.alloc(middle), Ok(runs[runs.len() / 2]));
}

#[test]
fn a_smaller_piece_is_taken_out_where_the_page_level_keeps_the_largest() {
    let arena = Arena::new(8 * MIB, MIB);
    let mut heap = heap_over::<4096>(&arena, 4 * MIB);
    let (run, page) = (layout(64 * KIB, 4096), layout(4096, 4096));
    let fill = |heap: &mut Heap<4096>, request| -> Vec<_> {
        std::iter::from_fn(|| heap.alloc(request).ok()).map(|block| (block, request)).collect()
    };
    let runs = fill(&mut heap, run);
    let mut others = fill(&mut heap, page);
    assert!(fill(&mut heap, layout(16, 8)).len() < 64 * KIB);
    // A second bank, in use but for less than two runs at its end.
    // SAFETY: 1. The arena is this heap's alone. 2. `at` exposes the provenance.
    unsafe { heap.add_memory(arena.at(5 * MIB), MIB) }.unwrap();
    others.extend(fill(&mut heap, page));
    let end = arena.at(6 * MIB - 100 * KIB);
    for (block, request) in others.into_iter().filter(|(block, _)| block.addr().get() >= end) {
        free(&mut heap, block, request).unwrap();
    }
    // Taken out of the middle of the first bank, two runs would leave no page for the records of the rest.
    let middle = runs.len() / 2;
    for (block, _) in &runs[middle..middle + 2] {
        free(&mut heap, *block, run).unwrap();
    }
    let range = heap.reclaim(4096).unwrap();
    assert!(range.start() >= end && range.size().is_some_and(|bytes| bytes < 128 * KIB), "{range:?}");
    heap.check_integrity().unwrap();
}

#[test]
fn what_a_region_must_have_is_declared_in_words_and_as_a_number() {
    let declared = allocator_slab::SlabByteAllocator::<allocator_bitmap::BitmapPageAllocator<4096>>::DECLARATION;
    assert_eq!(declared.smallest_first_region_bytes, 5 * 4096);
    let limits = declared.limits.join("; ");
    assert!(limits.contains("five pages of 4096 bytes") && limits.contains("records"), "{limits}");
}

#[test]
fn the_region_told_for_a_request_has_room_for_it_at_its_alignment_and_for_records() {
    let arena = Arena::new(MIB, 64 * KIB);
    let heap = heap_over::<4096>(&arena, MIB);
    for (size, align, bytes, region_align) in [
        // 32 frames for a slab, 16 for records, and what its alignment may cost.
        (1, 1, (32 + 16 + 1) * 4096, 4096),
        (32 * 4096, 4096, (32 + 16 + 1) * 4096, 4096),
        (MIB, MIB, 2 * MIB + 16 * 4096, MIB),
        // From 4 MiB on, a sixty-fourth is for records.
        (4 * MIB + 256 * KIB, 8, 4 * MIB + (256 + 68 + 4) * KIB, 4096),
        (64 * MIB + 1, 8, 65 * MIB + 8 * KIB, 4096),
    ] {
        assert_eq!(heap.region_for(layout(size, align)), Ok(layout(bytes, region_align)), "{size} at {align}");
    }
    assert_eq!(heap.region_for(layout(0, 8)), Err(AllocError::InvalidParam));
    assert_eq!(heap.region_for(layout(isize::MAX as usize, 1)), Err(AllocError::NoMemory));
    let large = heap_over::<{ 16 * KIB }>(&arena, MIB);
    assert_eq!(large.region_for(layout(1, 1)), Ok(layout((32 * 4 + 16 * 16 + 16) * KIB, 16 * KIB)));
}

#[test]
fn a_region_without_room_for_a_block_beside_the_records_is_refused() {
    let arena = Arena::new(MIB, MIB);
    let offer = |pages: usize, skipped: usize| {
        let mut heap = Box::new(<allocator_slab::SlabByteAllocator>::new());
        // SAFETY: 1. The arena is one heap's at a time. 2. `at` exposes the provenance.
        let answer = unsafe { heap.init(arena.at(skipped), pages * 4096) };
        (answer, heap.alloc(layout(1, 1)).is_ok())
    };
    // The page level's record, a node of the map, a page of records, and the block.
    assert_eq!(offer(4, 0), (Ok(()), true));
    assert_eq!(offer(5, 1), (Ok(()), true));
    assert_eq!(offer(3, 0), (Err(AllocError::InvalidParam), false));
    assert_eq!(offer(4, 1), (Err(AllocError::InvalidParam), false));
    let mut heap = heap_over::<4096>(&arena, 8 * 4096);
    heap.alloc(layout(1, 1)).unwrap();
    // SAFETY: as above. Near the block, no node of the map is missing.
    let answers = [2, 3].map(|pages| unsafe { heap.add_memory(arena.at(MIB / 2), pages * 4096) });
    assert_eq!(answers, [Err(AllocError::InvalidParam), Ok(())]);
}

#[test]
fn a_printed_heap_shows_its_bytes_and_a_printed_cache_those_of_its_objects() {
    let arena = Arena::new(MIB, 4096);
    let mut heap = heap_over::<4096>(&arena, MIB);
    let used = heap.used_bytes();
    let shown = format!("SlabByteAllocator {{ total_bytes: 1048576, used_bytes: {used}, .. }}");
    assert_eq!(format!("{heap:?}"), shown);
    let cache = heap.open_cache::<[u8; 40]>("forty", 1).unwrap();
    assert_eq!(format!("{cache:?}"), "ObjectCache { object_bytes: 40, .. }");
}
