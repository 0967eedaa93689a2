//! Memory handed in: single regions, and whole maps against a model that looks at each number.

use std::collections::BTreeSet;

use allocator::{AllocError, GlobalAllocator, Growing, MapReport, MemoryRegion, RegionKind, SpinLock, UsageKind};

use crate::support::{INVALID_PARAM, MIB, NO_MEMORY, Random, TOP, ToyBytes, ToyPages};

/// Pages of 16 bytes that may lie at addresses up to `LAST`. Nothing touches them: they are numbers.
type Heap<const LAST: usize = TOP> = GlobalAllocator<Growing<ToyBytes>, ToyPages<16, LAST>, SpinLock>;

const PAGE: usize = 16;

fn init_from_map<const LAST: usize>(
    heap: &Heap<LAST>,
    map: &[MemoryRegion],
    offset: usize,
) -> Result<MapReport, AllocError> {
    // SAFETY: 1. 2. Neither the toy pages nor the test touch the memory.
    unsafe { heap.init_from_map(map, offset) }
}

fn add_memory<const LAST: usize>(heap: &Heap<LAST>, start: usize, size: usize) -> Result<(), AllocError> {
    // SAFETY: 1. 2. Neither the toy pages nor the test touch the memory.
    unsafe { heap.add_memory(start, size) }
}

fn init<const LAST: usize>(heap: &Heap<LAST>, start: usize, size: usize) -> Result<(), AllocError> {
    // SAFETY: 1. 2. Neither the toy pages nor the test touch the memory.
    unsafe { heap.init(start, size) }
}

fn pages_of<const LAST: usize>(heap: &Heap<LAST>) -> BTreeSet<usize> {
    heap.with_pages(|pages| pages.pages.keys().copied().collect())
}

/// The numbers `base..base + count` that are usable, found one by one.
fn usable_numbers(map: &[MemoryRegion], base: usize, count: usize) -> BTreeSet<usize> {
    let covers =
        |region: &MemoryRegion, number: usize| number >= region.start && number - region.start < region.size;
    let fits = |region: &MemoryRegion| region.size == 0 || region.start.checked_add(region.size - 1).is_some();
    let numbers = (0..count).map(|i| base + i);
    let is_usable = |number: &usize| {
        let mut usable = map.iter().filter(|r| r.kind == RegionKind::Usable && fits(r));
        let mut reserved = map.iter().filter(|r| r.kind == RegionKind::Reserved);
        usable.any(|r| covers(r, *number)) && !reserved.any(|r| covers(r, *number))
    };
    numbers.filter(is_usable).collect()
}

/// The addresses of pages that lie whole in `usable`, moved by `offset`, without the edges of the address space.
fn whole_pages(usable: &BTreeSet<usize>, offset: usize) -> BTreeSet<usize> {
    let starts = usable.iter().filter(|number| *number % PAGE == 0);
    let whole = starts.filter(|start| (0..PAGE).all(|i| usable.contains(&(*start + i))));
    let addresses = whole.filter_map(|start| start.checked_add(offset));
    addresses.filter(|address| *address != 0 && *address < TOP - (PAGE - 1)).collect()
}

fn random_map(random: &mut Random, base: usize, count: usize) -> Vec<MemoryRegion> {
    let entry = |random: &mut Random| {
        let start = base + random.below(count);
        let size = match random.below(8) {
            0 => 0,
            // At the top of the address space this reaches beyond it.
            1 => count,
            _ => random.below(count / 2),
        };
        let size = if base == 0 { size.min(count - start) } else { size };
        let kind = if random.below(3) == 0 { RegionKind::Reserved } else { RegionKind::Usable };
        MemoryRegion { start, size, kind }
    };
    (0..random.below(8)).map(|_| entry(random)).collect()
}

fn assert_agrees(map: &[MemoryRegion], base: usize, count: usize, offset: usize) {
    let heap = Heap::<TOP>::new();
    let answer = init_from_map(&heap, map, offset);
    let usable = usable_numbers(map, base, count);
    let expected = whole_pages(&usable, offset);
    assert_eq!(pages_of(&heap), expected, "{map:x?} + {offset:x}");
    if expected.is_empty() {
        assert_eq!(answer, Err(INVALID_PARAM), "{map:x?}");
        assert_eq!(heap.linear_offset(), 0);
        return;
    }
    let report = answer.unwrap();
    assert_eq!(report.usable_bytes, usable.len());
    assert_eq!(report.accepted_bytes, expected.len() * PAGE);
    assert_eq!(report.skipped_bytes, report.usable_bytes - report.accepted_bytes);
    let run_starts = expected.iter().filter(|page| !expected.contains(&(*page - PAGE))).count();
    assert_eq!(report.regions, run_starts);
    assert_eq!(heap.linear_offset(), offset);
}

#[test]
fn maps_of_any_kind_agree_with_looking_at_each_number() {
    let mut random = Random::new(7);
    for _ in 0..4000 {
        let map = random_map(&mut random, 0, 256);
        assert_agrees(&map, 0, 256, 0);
        assert_agrees(&map, 0, 256, 0x7000);
        assert_agrees(&map, 0, 256, TOP - 127);
        let map = random_map(&mut random, TOP - 255, 256);
        assert_agrees(&map, TOP - 255, 256, 0);
        assert_agrees(&map, TOP - 255, 256, 64);
    }
}

#[test]
fn the_order_of_the_entries_does_not_matter() {
    let mut random = Random::new(11);
    for _ in 0..200 {
        let mut map = random_map(&mut random, 0, 256);
        let heap = Heap::<TOP>::new();
        let answer = init_from_map(&heap, &map, 0);
        map.reverse();
        let reversed = Heap::<TOP>::new();
        assert_eq!(init_from_map(&reversed, &map, 0), answer);
        assert_eq!(pages_of(&reversed), pages_of(&heap));
    }
}

#[test]
fn a_hole_an_overlap_and_an_unsorted_reserved_region() {
    let heap = Heap::<TOP>::new();
    let map = [
        MemoryRegion::usable(0x400, 0x100),
        MemoryRegion::usable(0, 0x200),
        MemoryRegion::reserved(0x80, 0x25),
        MemoryRegion::usable(0x180, 0x100),
    ];
    let report = init_from_map(&heap, &map, 0).unwrap();
    // 0..0x80 without the first page; 0xb0..0x280, the rest of the page at 0xa0 being lost; 0x400..0x500.
    let usable_bytes = 0x80 + (0x280 - 0xa5) + 0x100;
    let accepted_bytes = 0x70 + (0x280 - 0xb0) + 0x100;
    let skipped_bytes = 0x10 + 0xb;
    assert_eq!(report, MapReport { regions: 3, usable_bytes, accepted_bytes, skipped_bytes, record_bytes: 0 });
}

#[test]
fn a_map_with_nothing_to_use_is_refused_and_another_may_follow() {
    let heap = Heap::<TOP>::new();
    assert_eq!(init_from_map(&heap, &[], 0), Err(INVALID_PARAM));
    assert_eq!(init_from_map(&heap, &[MemoryRegion::usable(0, PAGE)], 0), Err(INVALID_PARAM));
    assert_eq!(init_from_map(&heap, &[MemoryRegion::usable(24, 23)], 0), Err(INVALID_PARAM));
    assert_eq!(init_from_map(&heap, &[MemoryRegion::usable(TOP, 2)], 0), Err(INVALID_PARAM));
    let covered = [MemoryRegion::usable(64, 64), MemoryRegion::reserved(0, TOP)];
    assert_eq!(init_from_map(&heap, &covered, 0), Err(INVALID_PARAM));
    assert_eq!(init_from_map(&heap, &covered[..1], 0).unwrap().accepted_bytes, 64);
}

#[test]
fn a_second_init_is_refused_unchanged() {
    let heap = Heap::<TOP>::new();
    let map = [MemoryRegion::usable(0x100, 0x100)];
    init_from_map(&heap, &map, 0x1000).unwrap();
    let other = [MemoryRegion::usable(0x1000, 0x100)];
    assert_eq!(init_from_map(&heap, &other, 0), Err(INVALID_PARAM));
    assert_eq!(init(&heap, 0x9000, 0x100), Err(INVALID_PARAM));
    assert_eq!((heap.linear_offset(), heap.usage().total_pages), (0x1000, 16));
    add_memory(&heap, 0x9000, 0x100).unwrap();
    assert_eq!(heap.usage().total_pages, 32);
    assert_eq!(add_memory(&heap, 0x9000, 0x10), Err(AllocError::MemoryOverlap));
}

#[test]
fn an_offset_that_is_no_multiple_of_a_page_is_refused() {
    let heap = Heap::<TOP>::new();
    let map = [MemoryRegion::usable(0x100, 0x100)];
    assert_eq!(init_from_map(&heap, &map, 8), Err(INVALID_PARAM));
    assert_eq!(heap.usage().total_pages, 0);
}

#[test]
fn physical_numbers_are_addresses_less_the_offset() {
    let heap = Heap::<TOP>::new();
    assert_eq!(heap.phys_of(0x1234), 0x1234);
    init_from_map(&heap, &[MemoryRegion::usable(0x100, 0x100)], 0x1000).unwrap();
    let run = heap.alloc_pages(16, PAGE, UsageKind::Dma).unwrap();
    assert_eq!((run, heap.phys_of(run)), (0x1100, 0x100));
    // Not in the linear map: nonsense, but no panic.
    assert_eq!(heap.phys_of(0), 0usize.wrapping_sub(0x1000));
}

#[test]
fn of_a_run_that_leaves_the_span_the_front_is_taken() {
    for last in (0x100..0x300).step_by(PAGE) {
        let map = [MemoryRegion::usable(0x80, 0x200)];
        let mut expected = BTreeSet::new();
        expected.extend((0x80..0x280).step_by(PAGE).filter(|page| *page < last));
        let accepted_bytes = with_last(last, &map);
        assert_eq!(accepted_bytes, expected.len() * PAGE, "{last:x}");
    }
}

/// The bytes accepted of `map` where page addresses end below `end`.
fn with_last(end: usize, map: &[MemoryRegion]) -> usize {
    macro_rules! accepted {
        ($($last:literal)*) => {
            match end - 1 {
                $($last => init_from_map(&Heap::<$last>::new(), map, 0).unwrap().accepted_bytes,)*
                _ => unreachable!("no such span in the list"),
            }
        };
    }
    accepted!(
        0xff 0x10f 0x11f 0x12f 0x13f 0x14f 0x15f 0x16f 0x17f 0x18f 0x19f 0x1af 0x1bf 0x1cf 0x1df 0x1ef
        0x1ff 0x20f 0x21f 0x22f 0x23f 0x24f 0x25f 0x26f 0x27f 0x28f 0x29f 0x2af 0x2bf 0x2cf 0x2df 0x2ef
    )
}

#[test]
fn a_run_that_is_taken_in_pieces_is_not_overrun() {
    type Picky = GlobalAllocator<Growing<ToyBytes>, ToyPages<16, TOP, 64>, SpinLock>;

    // Pieces of four pages, two and one; only what is left may be taken.
    for (num_pages, taken) in [(4, 4), (5, 5), (6, 6), (7, 7), (8, 7), (9, 7)] {
        let heap = Picky::new();
        let map = [MemoryRegion::usable(0x100, num_pages * PAGE)];
        // SAFETY: 1. 2. Neither the toy pages nor the test touch the memory.
        let report = unsafe { heap.init_from_map(&map, 0) }.unwrap();
        assert_eq!((report.accepted_bytes, report.regions), (taken * PAGE, 1), "{num_pages} pages");
    }
}

#[test]
fn if_nothing_is_taken_the_answer_is_that_of_the_pages() {
    type Closed = GlobalAllocator<Growing<ToyBytes>, ToyPages<16, TOP, 0>, SpinLock>;

    let heap = Closed::new();
    let map = [MemoryRegion::usable(0x100, 0x100)];
    // SAFETY: 1. 2. Neither the toy pages nor the test touch the memory.
    assert_eq!(unsafe { heap.init_from_map(&map, 0x1000) }, Err(NO_MEMORY));
    assert_eq!((heap.usage().total_pages, heap.linear_offset()), (0, 0));
}

#[test]
fn a_run_outside_the_span_is_skipped_and_reported() {
    let heap = Heap::<0x1ff>::new();
    let map = [MemoryRegion::usable(0x100, 0x40), MemoryRegion::usable(0x400, 0x40)];
    let report = init_from_map(&heap, &map, 0).unwrap();
    assert_eq!(
        report,
        MapReport { regions: 1, usable_bytes: 0x80, accepted_bytes: 0x40, skipped_bytes: 0x40, record_bytes: 0 }
    );
    let heap = Heap::<0x1ff>::new();
    assert_eq!(init_from_map(&heap, &map[1..], 0), Err(INVALID_PARAM));
}

#[test]
fn the_pages_at_both_ends_of_the_address_space_stay_out() {
    let heap = Heap::<TOP>::new();
    assert_eq!(init(&heap, 0, PAGE), Err(INVALID_PARAM));
    assert_eq!(init(&heap, TOP - 15, PAGE), Err(INVALID_PARAM));
    assert_eq!(init(&heap, TOP, 2), Err(INVALID_PARAM));
    assert_eq!(init(&heap, 64, 0), Err(INVALID_PARAM));
    assert_eq!(add_memory(&heap, 0, PAGE), Err(INVALID_PARAM));
    init(&heap, 0, 3 * PAGE).unwrap();
    add_memory(&heap, TOP - 47, 48).unwrap();
    assert_eq!(pages_of(&heap), BTreeSet::from([PAGE, 2 * PAGE, TOP - 47, TOP - 31]));
}

#[test]
fn add_memory_may_come_first() {
    let heap = Heap::<TOP>::new();
    add_memory(&heap, MIB, 64).unwrap();
    assert_eq!(heap.alloc_pages(5, PAGE, UsageKind::Other), Err(NO_MEMORY));
    assert_eq!(heap.alloc_pages(4, PAGE, UsageKind::Other), Ok(MIB));
    assert_eq!(heap.linear_offset(), 0);
}

#[cfg(any(feature = "bitmap", feature = "bitmap-package"))]
mod lent {
    use allocator::{BitmapPageAllocator, bitmap::Lent};

    use super::*;
    use crate::support::{Arena, KIB};

    type Lending = GlobalAllocator<Growing<ToyBytes>, BitmapPageAllocator<4096, Lent>, SpinLock>;

    /// Two usable runs with a hole, and an arena in which they lie.
    fn map_in(arena: &Arena, phys: usize) -> [MemoryRegion; 3] {
        [
            MemoryRegion::usable(phys + 512 * KIB + 100, 256 * KIB),
            MemoryRegion::usable(phys, 768 * KIB),
            MemoryRegion::reserved(phys + 128 * KIB, 128 * KIB),
        ]
        .map(|region| {
            assert!(region.start - phys + region.size <= arena.size());
            region
        })
    }

    #[test]
    fn a_page_level_that_wants_room_for_records_finds_it_in_the_map() {
        let arena = Arena::new(MIB);
        let heap = Lending::new();
        let offset = arena.start() - MIB;
        // SAFETY: 1. With this offset the map is the arena, which the heap alone uses. 2. It exposes its memory.
        let report = unsafe { heap.init_from_map(&map_in(&arena, MIB), offset) }.unwrap();
        let usable_bytes = 640 * KIB + 100;
        let expected = MapReport {
            regions: 2,
            usable_bytes,
            accepted_bytes: 636 * KIB,
            skipped_bytes: 4 * KIB + 100,
            record_bytes: 4 * KIB,
        };
        assert_eq!(report, expected);
        assert_eq!((heap.usage().used_pages, heap.usage().total_pages), (0, 159));
        let mut last = 0;
        while let Ok(page) = heap.alloc_pages(1, 4096, UsageKind::Other) {
            last = last.max(heap.phys_of(page));
        }
        assert_eq!(last, MIB + 760 * KIB, "the page above holds the records");
        assert_eq!(heap.usage().used_pages, 159);
    }

    #[cfg(feature = "trace")]
    #[test]
    fn a_recorded_page_level_finds_its_room_too() {
        type Recording =
            GlobalAllocator<Growing<ToyBytes>, allocator::Recorded<BitmapPageAllocator<4096, Lent>>, SpinLock>;
        let arena = Arena::new(MIB);
        let heap = Recording::new();
        // SAFETY: 1. The map is in the arena, which the heap alone uses. 2. It exposes its memory.
        let report = unsafe { heap.init_from_map(&map_in(&arena, arena.start()), 0) }.unwrap();
        assert_eq!((report.record_bytes, heap.usage().total_pages), (4 * KIB, 159));
    }

    #[test]
    fn a_map_without_room_for_records_is_refused_and_another_may_follow() {
        let arena = Arena::new(MIB);
        let heap = Lending::new();
        let init = |map: &[MemoryRegion]| {
            // SAFETY: 1. The map is in the arena, which the heap alone uses. 2. It exposes its memory.
            unsafe { heap.init_from_map(map, 0) }
        };
        assert_eq!(init(&[]), Err(INVALID_PARAM));
        assert_eq!(init(&[MemoryRegion::usable(arena.start(), 4096)]), Err(NO_MEMORY));
        assert_eq!(heap.usage().total_pages, 0);
        // SAFETY: 1. 2. As above; it is refused.
        assert_eq!(unsafe { heap.init(arena.start(), 4096) }, Err(NO_MEMORY));
        assert_eq!(init(&map_in(&arena, arena.start())).map(|report| report.regions), Ok(2));
        assert_eq!(init(&map_in(&arena, arena.start())), Err(INVALID_PARAM));
    }
}
