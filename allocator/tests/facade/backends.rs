//! The same behaviour over every pair of backends that is on.
#![cfg(all(
    any(feature = "bitmap", feature = "bitmap-package"),
    any(feature = "slab", feature = "slab-package", feature = "tlsf", feature = "buddy")
))]

use std::{
    alloc::{GlobalAlloc, Layout},
    ptr::NonNull,
};

use allocator::{
    GlobalAllocator, InvalidFrees, MapReport, MemoryRegion, PageAllocator, PagedByteAllocator, SpinLock, UsageKind,
};

use crate::{
    support::{Arena, KIB, MIB, NOT_ALLOCATED, Random, layout},
    threads::hammer_from_threads,
};

type Heap<B, P> = GlobalAllocator<B, P, SpinLock>;

/// Hands the arena in. Returns the pages that hold the page level's own records.
fn init<B: PagedByteAllocator, P: PageAllocator>(heap: &Heap<B, P>, arena: &Arena) -> usize {
    // SAFETY: 1. The arena is used by the heap alone, and outlives its use. 2. It exposes its memory.
    unsafe { heap.init(arena.start(), arena.size()) }.unwrap();
    heap.usage().used_pages
}

/// Gives a block back.
fn dealloc<B: PagedByteAllocator, P: PageAllocator>(heap: &Heap<B, P>, (pos, layout): (NonNull<u8>, Layout)) {
    // SAFETY: 1. The block is live in every test. 2. It is not used again.
    unsafe { heap.dealloc(pos, layout) }.unwrap();
}

fn every_alignment_is_honoured<B: PagedByteAllocator, P: PageAllocator>(heap: &Heap<B, P>) {
    let arena = Arena::new(64 * MIB);
    init(heap, &arena);
    let mut blocks = vec![];
    for align_log2 in 0..=20 {
        for size in [1, 24, 200, 4096, 5000, 100_000] {
            let request = layout(size, 1 << align_log2);
            let block = heap.alloc(request).unwrap();
            assert_eq!(block.addr().get() % request.align(), 0, "{request:?}");
            blocks.push((block, request));
        }
    }
    blocks.sort_unstable_by_key(|(block, _)| *block);
    let ends = blocks.iter().map(|(block, request)| block.addr().get() + request.size());
    assert!(ends.zip(&blocks[1..]).all(|(end, next)| end <= next.0.addr().get()), "blocks overlap");
    blocks.into_iter().for_each(|block| dealloc(heap, block));
    assert_eq!(heap.invalid_frees(), 0);
}

/// Exhausts the heap with blocks of one size and gives them back, twice: the second time needs no page more.
fn a_second_round_takes_no_more_pages<B: PagedByteAllocator, P: PageAllocator>(heap: &Heap<B, P>) {
    let arena = Arena::new(8 * MIB);
    let record_pages = init(heap, &arena);
    let request = layout(700, 8);
    let mut counts = vec![];
    for _ in 0..2 {
        let blocks: Vec<_> = std::iter::from_fn(|| heap.alloc(request).ok()).collect();
        // SAFETY: the layout is not empty.
        assert!(unsafe { GlobalAlloc::alloc(heap, request) }.is_null());
        let usage = heap.usage();
        assert!(usage.heap_used_bytes >= blocks.len() * 700);
        assert!(usage.heap_used_bytes <= usage.heap_held_bytes);
        counts.push((blocks.len(), usage.heap_held_bytes, usage.pages(UsageKind::Heap)));
        for block in blocks {
            dealloc(heap, (block, request));
        }
    }
    assert_eq!(counts[0], counts[1]);
    // Even powers of two waste less than a third here, and runs are taken to the last page.
    assert!(counts[0].0 * 1024 >= 8 * MIB * 3 / 4, "only {} blocks", counts[0].0);
    assert_eq!(heap.usage().used_pages, heap.usage().pages(UsageKind::Heap) + record_pages);
}

/// Nothing stays with the byte level that a request for pages needs.
#[cfg(feature = "slab")]
fn memory_of_freed_blocks_is_had_as_pages<B: PagedByteAllocator, P: PageAllocator>(heap: &Heap<B, P>) {
    let arena = Arena::new(8 * MIB);
    let record_pages = init(heap, &arena);
    let requests = [24, 64, 200, 700, 1024, 3000, 4096, 20_000].map(|size| layout(size, 8));
    let endless = requests.into_iter().cycle();
    let blocks: Vec<_> = endless.map_while(|request| Some((heap.alloc(request).ok()?, request))).collect();
    assert!(blocks.len() > 1000);
    blocks.into_iter().for_each(|block| dealloc(heap, block));
    assert_ne!(heap.usage().pages(UsageKind::Heap), 0, "each class keeps its last slab");
    let pages = std::iter::from_fn(|| heap.try_alloc_pages(1, 4096, UsageKind::UserMemory).ok()).count();
    let usage = heap.usage();
    assert_eq!((pages, usage.heap_held_bytes), (usage.total_pages - record_pages, 0));
}

#[cfg(any(feature = "slab-package", feature = "tlsf", feature = "buddy"))]
fn growth_is_rare_and_its_waste_bounded<B: PagedByteAllocator, P: PageAllocator>(heap: &Heap<B, P>) {
    let arena = Arena::new(64 * MIB);
    init(heap, &arena);
    let (mut held, mut growths) = (0, 0);
    while heap.usage().heap_used_bytes < 32 * MIB {
        heap.alloc(layout(256, 8)).unwrap();
        let usage = heap.usage();
        growths += usize::from(usage.heap_held_bytes != held);
        held = usage.heap_held_bytes;
        assert!(held - usage.heap_used_bytes <= (held / 4).max(320 * KIB), "{usage:?}");
    }
    assert!(growths <= 64, "{growths}");
}

/// Three pieces of memory between holes, in a map out of order.
fn a_map_with_holes_is_used_to_the_last_page<B: PagedByteAllocator, P: PageAllocator>(heap: &Heap<B, P>) {
    let arena = Arena::new(16 * MIB);
    let start = arena.start();
    let map = [
        MemoryRegion::usable(start + 12 * MIB, 4 * MIB),
        MemoryRegion::reserved(start + 5 * MIB, MIB),
        MemoryRegion::usable(start, 4 * MIB - 1),
        MemoryRegion::usable(start + 4 * MIB, 4 * MIB),
    ];
    // SAFETY: 1. All of it lies in the arena, which the heap alone uses. 2. It exposes its memory.
    let report = unsafe { heap.init_from_map(&map, 0) }.unwrap();
    let usable_bytes = 11 * MIB - 1;
    let skipped_bytes = 4 * KIB - 1;
    let accepted_bytes = usable_bytes - skipped_bytes;
    assert_eq!(report, MapReport { regions: 4, usable_bytes, accepted_bytes, skipped_bytes, record_bytes: 0 });
    let record_pages = heap.usage().used_pages;
    let runs = std::iter::from_fn(|| heap.alloc_pages(1, 4096, UsageKind::UserMemory).ok());
    for run in runs {
        let offset = run - start;
        let is_usable = (0..4 * MIB - 4 * KIB).contains(&offset)
            || (4 * MIB..5 * MIB).contains(&offset)
            || (6 * MIB..8 * MIB).contains(&offset)
            || (12 * MIB..16 * MIB).contains(&offset);
        assert!(is_usable, "{offset:#x}");
    }
    let handed_out = heap.usage().pages(UsageKind::UserMemory);
    assert_eq!((handed_out + record_pages) * 4 * KIB, report.accepted_bytes);
    assert_eq!(heap.usage().available_pages, 0);
}

fn foreign_frees_are_reported<B: PagedByteAllocator, P: PageAllocator>(heap: &Heap<B, P>) {
    let arena = Arena::new(4 * MIB);
    init(heap, &arena);
    assert!(heap.detects().contains(InvalidFrees::FOREIGN));
    heap.alloc(layout(64, 8)).unwrap();
    let mut elsewhere = 0u64;
    let foreign = NonNull::from(&mut elsewhere).cast();
    // SAFETY: 1. A foreign block, which is detected. 2. It is refused.
    assert_eq!(unsafe { heap.dealloc(foreign, layout(8, 8)) }, Err(NOT_ALLOCATED));
    // SAFETY: 1. As above. 2. As above.
    assert_eq!(unsafe { heap.realloc(foreign, layout(8, 8), 16) }, Err(NOT_ALLOCATED));
    assert_eq!((heap.invalid_frees(), heap.trim()), (2, 0));
}

fn threads_keep_their_blocks_apart<B: PagedByteAllocator + Send, P: PageAllocator + Send>(heap: &Heap<B, P>) {
    let arena = Arena::new(64 * MIB);
    let record_pages = init(heap, &arena);
    let usage = hammer_from_threads(heap, 4000);
    assert_eq!(usage.pages(UsageKind::PageCache), 0);
    assert_eq!(usage.pages(UsageKind::Heap) * 4 * KIB, usage.heap_held_bytes);
    // What a backend keeps for each of its regions is little.
    assert!(usage.heap_used_bytes <= usage.heap_held_bytes / 64, "{usage:?}");
    assert_eq!(usage.used_pages, usage.pages(UsageKind::Heap) + record_pages);
}

/// Mixed blocks live and die; each is filled with its own number and checked when it dies.
fn blocks_keep_their_contents_while_the_heap_grows<B: PagedByteAllocator, P: PageAllocator>(heap: &Heap<B, P>) {
    let arena = Arena::new(32 * MIB);
    init(heap, &arena);
    let mut random = Random::new(3);
    let mut blocks: Vec<(NonNull<u8>, Layout, u8)> = vec![];
    for step in 0..6000 {
        let request = layout(1 + random.below(6000), 1 << random.below(9));
        let block = heap.alloc(request).unwrap();
        // SAFETY: the block is live.
        unsafe { block.write_bytes(step as u8, request.size()) };
        blocks.push((block, request, step as u8));
        if blocks.len() > 2000 {
            let (block, request, fill) = blocks.swap_remove(random.below(blocks.len()));
            // SAFETY: the block is live and filled to its end.
            let bytes = unsafe { std::slice::from_raw_parts(block.as_ptr(), request.size()) };
            assert!(bytes.iter().all(|byte| *byte == fill));
            dealloc(heap, (block, request));
        }
    }
}

/// Whether `value` lies in the part of the program that takes no room in its file.
#[cfg(target_os = "linux")]
fn lies_in_bss<T>(value: &T) -> bool {
    // SAFETY: the linker defines both symbols; only their addresses are used.
    unsafe extern "C" {
        static __bss_start: u8;
        static _end: u8;
    }
    let start = std::ptr::from_ref(value).addr();
    (&raw const __bss_start).addr() <= start && start + size_of::<T>() <= (&raw const _end).addr()
}

macro_rules! over {
    ($byte:literal, $page:literal, $name:ident, $level:ty, $pages:ty $(; $test:ident)*) => {
        #[cfg(all(feature = $byte, feature = $page))]
        mod $name {
            type Heap = super::Heap<$level, $pages>;

            over!(@tests every_alignment_is_honoured a_second_round_takes_no_more_pages
                a_map_with_holes_is_used_to_the_last_page foreign_frees_are_reported
                threads_keep_their_blocks_apart blocks_keep_their_contents_while_the_heap_grows $($test)*);

            #[test]
            #[cfg(target_os = "linux")]
            fn an_allocator_without_memory_takes_no_room_in_the_image() {
                static HEAP: Heap = Heap::new();
                assert!(super::lies_in_bss(&HEAP));
            }

            #[test]
            #[cfg(all(target_os = "linux", feature = "trace"))]
            fn neither_does_one_that_could_record_and_was_given_nothing_to_record_to() {
                use allocator::Recorded;

                static HEAP: super::Heap<Recorded<$level>, Recorded<$pages>> = super::Heap::new();
                assert!(super::lies_in_bss(&HEAP));
            }
        }
    };
    (@tests $($test:ident)*) => {
        $(#[test]
        fn $test() {
            static HEAP: Heap = Heap::new();
            super::$test(&HEAP);
        })*
    };
}

/// A byte allocator that grows by runs, over both page levels.
macro_rules! over_growing {
    ($byte:literal, $over_bitmap:ident, $over_package:ident, $bytes:ty) => {
        over!($byte, "bitmap", $over_bitmap, allocator::Growing<$bytes>, super::Bitmap;
            growth_is_rare_and_its_waste_bounded);
        over!($byte, "bitmap-package", $over_package, allocator::Growing<$bytes>, super::BitmapPackage;
            growth_is_rare_and_its_waste_bounded);
    };
}

#[cfg(feature = "bitmap")]
type Bitmap = allocator::BitmapPageAllocator<4096>;
#[cfg(feature = "bitmap-package")]
type BitmapPackage =
    allocator::bitmap::package::BitmapPageAllocator<4096, allocator::bitmap::package::BitAlloc16M>;

over!("slab", "bitmap", slab_over_bitmap, allocator::Slabs, super::Bitmap; memory_of_freed_blocks_is_had_as_pages);
over!("slab", "bitmap-package", slab_over_package, allocator::Slabs, super::BitmapPackage;
    memory_of_freed_blocks_is_had_as_pages);
over_growing!(
    "slab-package",
    slab_package_over_bitmap,
    slab_package_over_package,
    allocator::slab::package::SlabByteAllocator
);
over_growing!("tlsf", tlsf_over_bitmap, tlsf_over_package, allocator::TlsfByteAllocator);
over_growing!("buddy", buddy_over_bitmap, buddy_over_package, allocator::BuddyByteAllocator);
