//! What the engine promises beyond the contract: huge and sparse maps, huge pages, room for records, low memory
//! kept.
#![allow(clippy::unwrap_used, reason = "a test helper that fails is a test that fails")]

use allocator_api::{
    AddressRange, AllocError, AllocResult, BaseAllocator, CheckIntegrity, ConstrainedPageAllocator, Declared,
    LargestFreeRun, PageAllocator, Placement, RemoveError, RemoveMemory,
};
use allocator_bitmap::{BitmapIdAllocator, BitmapPageAllocator, Inline, Lent, Records};

const PAGE: usize = 4096;
const MIB: usize = 1 << 20;
#[cfg(target_pointer_width = "64")]
const GIB: usize = 1 << 30;

type Numbers<const S: usize> = BitmapPageAllocator<S, Lent>;

fn lent<const S: usize>(bytes: usize) -> Numbers<S> {
    let mut pages = Numbers::new();
    pages.lend(vec![0xbad; bytes / 8].leak()).unwrap();
    pages
}

fn add<const S: usize, R: Records>(
    pages: &mut BitmapPageAllocator<S, R>,
    start: usize,
    size: usize,
) -> AllocResult {
    // SAFETY: 1. and 2. Records lie elsewhere: the regions are mere numbers.
    unsafe { pages.add_memory(start, size) }
}

fn free<const S: usize, R: Records>(
    pages: &mut BitmapPageAllocator<S, R>,
    pos: usize,
    count: usize,
) -> AllocResult {
    // SAFETY: 1. Each test owns the pages of its allocator. 2. They are numbers.
    unsafe { pages.dealloc_pages(pos, count) }
}

fn range(start: usize, size: usize) -> AddressRange {
    AddressRange::new(start, size).unwrap()
}

#[test]
#[cfg(target_pointer_width = "64")]
fn sixteen_tebibytes_are_managed_to_the_last_page() {
    const TIB: usize = 1 << 40;
    const HUGE: usize = 2 * MIB;
    let bytes = Numbers::<HUGE>::record_bytes(&[range(TIB, 16 * TIB)]);
    assert!(bytes * 5 < 16 * TIB / HUGE, "{bytes} bytes of records");
    let mut pages = lent::<HUGE>(bytes);
    add(&mut pages, TIB, 16 * TIB).unwrap();
    let all = 16 * TIB / HUGE;
    assert_eq!(pages.alloc_pages(all + 1, HUGE), Err(AllocError::NoMemory));
    assert_eq!(pages.alloc_pages(all, HUGE), Ok(TIB));
    free(&mut pages, 17 * TIB - 3 * HUGE, 3).unwrap();
    assert_eq!(pages.alloc_pages(3, HUGE), Ok(17 * TIB - 3 * HUGE));
    assert_eq!(pages.alloc_pages(1, HUGE), Err(AllocError::NoMemory));
    free(&mut pages, TIB, all).unwrap();
    assert_eq!(pages.largest_free_run_pages(), all);
    pages.check_integrity().unwrap();
}

#[test]
#[cfg(target_pointer_width = "64")]
fn sparse_regions_cost_records_for_their_pages_only() {
    let starts = [0, 5 * GIB, 1 << 45, 1 << 60, 0_usize.wrapping_sub(64 * MIB)];
    let map = starts.map(|start| range(start, 64 * MIB));
    let bytes = Numbers::<PAGE>::record_bytes(&map);
    assert!(bytes * 5 < 5 * 64 * MIB / PAGE, "{bytes} bytes of records");
    let mut pages = lent::<PAGE>(bytes);
    for start in [starts[2], starts[4], starts[0], starts[3], starts[1]] {
        add(&mut pages, start, 64 * MIB).unwrap();
    }
    for start in starts {
        assert_eq!(pages.alloc_pages(64 * MIB / PAGE, PAGE), Ok(start));
    }
    assert_eq!(pages.alloc_pages(1, PAGE), Err(AllocError::NoMemory));
    pages.check_integrity().unwrap();
}

#[test]
fn record_bytes_suffice_for_touching_regions_in_either_order() {
    for sizes in
        [[1, 2047, 3, 90_000, 511], [90_000, 1, 1, 1, 40_000], [512, 512, 512, 512, 512], [7, 7, 40_000, 7, 7]]
    {
        let mut at = 77 * PAGE;
        let map = sizes.map(|count| {
            let region = range(at, count * PAGE);
            at += count * PAGE;
            region
        });
        for descending in [false, true] {
            let mut pages = lent::<PAGE>(Numbers::<PAGE>::record_bytes(&map));
            let mut order = map;
            if descending {
                order.reverse();
            }
            for region in order {
                add(&mut pages, region.start(), region.size().unwrap()).unwrap();
            }
            assert_eq!(pages.alloc_pages(sizes.iter().sum(), PAGE), Ok(77 * PAGE), "{sizes:?}");
            pages.check_integrity().unwrap();
        }
    }
}

#[test]
fn too_few_words_for_records_is_no_memory_and_changes_nothing() {
    let bytes = Numbers::<PAGE>::record_bytes(&[range(0, 64 * MIB)]);
    let mut pages = lent::<PAGE>(bytes - 8);
    assert_eq!(add(&mut pages, 0, 64 * MIB), Err(AllocError::NoMemory));
    assert!(pages.is_empty() && pages.total_pages() == 0);
    add(&mut pages, 0, 60 * MIB).unwrap();
    assert_eq!(pages.alloc_pages(1, PAGE), Ok(0));
    assert_eq!(add(&mut pages, 60 * MIB, 64 * MIB), Err(AllocError::NoMemory));
    assert_eq!(pages.alloc_pages(1, PAGE), Ok(PAGE));
    assert_eq!(pages.lend(vec![0; 9].leak()), Err(AllocError::InvalidParam));
    assert_eq!(add(&mut Numbers::<PAGE>::new(), 0, PAGE), Err(AllocError::NoMemory));
    pages.check_integrity().unwrap();
}

#[test]
fn a_region_between_two_spans_makes_them_one() {
    let mut pages = BitmapPageAllocator::<PAGE, Inline<600>>::new();
    add(&mut pages, 100 * PAGE, 1000 * PAGE).unwrap();
    add(&mut pages, 1105 * PAGE, 900 * PAGE).unwrap();
    pages.alloc_pages_at(105 * PAGE, 3, PAGE).unwrap();
    pages.alloc_pages_at(1999 * PAGE, 6, PAGE).unwrap();
    assert_eq!(pages.largest_free_run_pages(), 992);
    add(&mut pages, 1100 * PAGE, 5 * PAGE).unwrap();
    assert_eq!(pages.largest_free_run_pages(), 1999 - 108);
    assert_eq!(pages.alloc_pages(1999 - 108, PAGE), Ok(108 * PAGE));
    assert_eq!((pages.total_pages(), pages.available_pages()), (1905, 5));
    pages.check_integrity().unwrap();
}

#[test]
#[cfg(target_pointer_width = "64")]
fn aligned_huge_runs_are_found_between_misfits() {
    let mut pages = lent::<PAGE>(Numbers::<PAGE>::record_bytes(&[range(0, 4 * GIB)]));
    add(&mut pages, 0, 4 * GIB).unwrap();
    assert_eq!(pages.alloc_pages(GIB / PAGE, GIB), Ok(0));
    assert_eq!(pages.alloc_pages(1, PAGE), Ok(GIB));
    assert_eq!(pages.alloc_pages(GIB / PAGE, GIB), Ok(2 * GIB));
    // From 1 to 2 GiB, one page in use in every 2 MiB but the last.
    for at in (GIB + MIB..2 * GIB - 2 * MIB).step_by(2 * MIB) {
        pages.alloc_pages_at(at, 1, PAGE).unwrap();
    }
    // Each run between them has 511 pages and no place for 512 of them, nor for 300 at a multiple of 2 MiB after
    // the first.
    assert_eq!(
        pages.alloc_pages_in(512, Placement { within: range(GIB, GIB), ..Placement::aligned(2 * MIB) }),
        Ok(2 * GIB - 2 * MIB)
    );
    assert_eq!(pages.alloc_pages(512, 2 * MIB), Ok(3 * GIB));
    pages.check_integrity().unwrap();
}

#[test]
fn single_pages_and_small_runs_leave_whole_huge_pages_alone() {
    let mut pages = lent::<PAGE>(Numbers::<PAGE>::record_bytes(&[range(0, 64 * MIB)]));
    add(&mut pages, 0, 64 * MIB).unwrap();
    // Chunk 9 is broken, the others are whole.
    let all = pages.alloc_pages(64 * MIB / PAGE, PAGE).unwrap();
    assert_eq!(all, 0);
    for chunk in (0..32).filter(|chunk| *chunk != 9) {
        free(&mut pages, chunk * 2 * MIB, 512).unwrap();
    }
    free(&mut pages, 9 * 2 * MIB + 7 * PAGE, 300).unwrap();
    for _ in 0..60 {
        assert_eq!(pages.alloc_pages(1, PAGE).unwrap() / (2 * MIB), 9);
        assert_eq!(pages.alloc_pages(3, PAGE).unwrap() / (2 * MIB), 9);
    }
}

#[test]
fn runs_that_need_the_open_chunk_are_not_refused() {
    let fresh = || {
        let mut pages = BitmapPageAllocator::<PAGE, Inline<100>>::new();
        add(&mut pages, 0, 256 * PAGE).unwrap();
        pages
    };
    // The first page is taken from the open chunk; all above is free.
    let mut pages = fresh();
    assert_eq!(pages.alloc_pages(1, PAGE), Ok(0));
    assert_eq!(pages.alloc_pages(256, PAGE), Err(AllocError::NoMemory));
    assert_eq!(pages.alloc_pages(255, PAGE), Ok(PAGE));
    // Single pages come from the second word, which is free as a whole, ten free pages below and seven above.
    let mut pages = fresh();
    pages.alloc_pages_at(0, 54, PAGE).unwrap();
    pages.alloc_pages_at(135 * PAGE, 121, PAGE).unwrap();
    let taken: Vec<usize> = (0..11).map(|_| pages.alloc_pages(1, PAGE).unwrap()).collect();
    assert_eq!(taken[10], 64 * PAGE);
    taken.iter().rev().for_each(|page| free(&mut pages, *page, 1).unwrap());
    assert_eq!(pages.alloc_pages(82, PAGE), Err(AllocError::NoMemory));
    assert_eq!(pages.alloc_pages(81, PAGE), Ok(54 * PAGE));
    // Its end and what lies above.
    let mut pages = fresh();
    pages.alloc_pages_at(70 * PAGE, 186, PAGE).unwrap();
    assert_eq!(pages.alloc_pages(1, PAGE), Ok(0));
    assert_eq!(pages.alloc_pages(70, PAGE), Err(AllocError::NoMemory));
    assert_eq!(pages.alloc_pages(69, PAGE), Ok(PAGE));
}

#[test]
fn a_chunk_given_back_page_by_page_in_any_order_is_whole_again() {
    let mut state = 1_usize;
    for _ in 0..40 {
        let mut pages = BitmapPageAllocator::<PAGE, Inline<100>>::new();
        add(&mut pages, 0, 4 * MIB).unwrap();
        let mut live: Vec<usize> = (0..1024).map(|_| pages.alloc_pages(1, PAGE).unwrap()).collect();
        while !live.is_empty() {
            state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
            let page = live.swap_remove((state >> 16) % live.len());
            free(&mut pages, page, 1).unwrap();
            pages.check_integrity().unwrap();
        }
        assert_eq!(pages.alloc_pages(1024, 2 * MIB), Ok(0));
    }
}

#[test]
fn low_memory_is_kept_for_those_who_ask_for_it() {
    let mut pages = BitmapPageAllocator::<PAGE, Inline<2000>>::new();
    add(&mut pages, 0, 16 * MIB).unwrap();
    add(&mut pages, 64 * MIB, 4 * MIB).unwrap();
    pages.prefer_above(16 * MIB);
    for count in [1, 1, 7, 100] {
        assert!(pages.alloc_pages(count, PAGE).unwrap() >= 64 * MIB);
    }
    let low = Placement { within: range(0, 16 * MIB), ..Placement::aligned(PAGE) };
    assert_eq!(pages.alloc_pages_in(4, low), Ok(0));
    // Only when there is nothing above.
    assert!(pages.alloc_pages(2000, PAGE).unwrap() < 16 * MIB);
    while pages.available_pages() > 4096 - 2004 {
        assert!(pages.alloc_pages(1, PAGE).unwrap() >= 64 * MIB);
    }
    assert!(pages.alloc_pages(1, PAGE).unwrap() < 16 * MIB);
    pages.check_integrity().unwrap();
}

#[test]
fn a_constraint_that_nothing_could_meet_is_an_invalid_parameter() {
    let mut pages = BitmapPageAllocator::<PAGE, Inline<100>>::new();
    let boundary = |bytes| Placement { boundary_pow2: Some(bytes), ..Placement::aligned(PAGE) };
    for (count, placement) in [
        (0, Placement::aligned(PAGE)),
        (1, Placement::aligned(PAGE / 2)),
        (1, Placement::aligned(3 * PAGE)),
        (1, boundary(PAGE / 2)),
        (3, boundary(2 * PAGE)),
        (1, boundary(0)),
    ] {
        assert_eq!(
            pages.alloc_pages_in(count, placement),
            Err(AllocError::InvalidParam),
            "{count}: {placement:?}"
        );
    }
    assert_eq!(pages.alloc_pages_in(2, boundary(2 * PAGE)), Err(AllocError::NoMemory));
    let within = Placement { within: range(1, PAGE), ..Placement::aligned(PAGE) };
    assert_eq!(pages.alloc_pages_in(1, within), Err(AllocError::NoMemory));
}

#[test]
fn a_middle_without_room_for_one_more_span_is_not_removed() {
    let mut pages = lent::<PAGE>(Numbers::<PAGE>::record_bytes(&[range(0, 64 * MIB)]));
    add(&mut pages, 0, 64 * MIB).unwrap();
    assert_eq!(pages.remove_memory(32 * MIB, PAGE), Err(RemoveError::NoRoom));
    assert_eq!(pages.remove_memory(1, PAGE), Err(RemoveError::NotManaged));
    assert_eq!(pages.remove_memory(0, 0), Err(RemoveError::NotManaged));
    pages.remove_memory(0, 4 * PAGE).unwrap();
    assert_eq!(pages.total_pages(), 64 * MIB / PAGE - 4);
    assert_eq!(pages.alloc_pages(1, PAGE), Ok(4 * PAGE));
    pages.check_integrity().unwrap();
}

#[test]
fn a_new_allocator_is_all_zeros() {
    static PAGES: BitmapPageAllocator<PAGE> = BitmapPageAllocator::new();
    let bytes = size_of_val(&PAGES);
    // SAFETY: the value is that many bytes, none of them padding: it has words only.
    let bytes = unsafe { std::slice::from_raw_parts((&raw const PAGES).cast::<u8>(), bytes) };
    assert!(bytes.iter().all(|byte| *byte == 0), "a static stays in .bss");
}

#[test]
fn the_records_of_more_than_every_page_are_a_size_and_no_panic() {
    let all = AddressRange::from_bounds(0, usize::MAX).unwrap();
    let bytes = BitmapPageAllocator::<1, Lent>::record_bytes(&[all; 64]);
    assert_eq!(bytes, usize::MAX);
}

/// The suite plays mere numbers to what says that it touches none of its memory: to say so is to be tried with more.
#[test]
fn an_allocator_says_that_it_touches_its_memory_only_if_its_records_lie_there() {
    let touches = [
        BitmapPageAllocator::<PAGE>::DECLARATION.touches_memory,
        Numbers::<PAGE>::DECLARATION.touches_memory,
        BitmapIdAllocator::<Lent>::DECLARATION.touches_memory,
    ];
    assert_eq!(touches, [true, false, false]);
}

#[test]
fn a_printed_allocator_shows_the_size_of_its_pages_its_use_and_its_spans() {
    let mut pages = BitmapPageAllocator::<PAGE, Inline<100>>::new();
    add(&mut pages, 0, 8 * PAGE).unwrap();
    add(&mut pages, 20 * PAGE, 4 * PAGE).unwrap();
    pages.alloc_pages(5, PAGE).unwrap();
    assert_eq!(
        format!("{pages:?}"),
        "BitmapPageAllocator { page_size: 4096, total_pages: 12, used_pages: 5, spans: 2, .. }"
    );
}

#[test]
fn an_exact_run_that_is_empty_or_misaligned_is_an_invalid_parameter() {
    let mut pages = BitmapPageAllocator::<PAGE, Inline<100>>::new();
    add(&mut pages, 0, 8 * PAGE).unwrap();
    for (base, count, align) in
        [(0, 0, PAGE), (0, 1, PAGE / 2), (0, 1, 3 * PAGE), (0, 1, 0), (PAGE, 1, 2 * PAGE), (PAGE + 1, 1, PAGE)]
    {
        assert_eq!(pages.alloc_pages_at(base, count, align), Err(AllocError::InvalidParam), "{count} at {base}");
    }
    assert_eq!(pages.alloc_pages_at(4 * PAGE, 2, 4 * PAGE), Ok(4 * PAGE));
}

#[test]
fn the_longest_free_run_is_told_to_whoever_knows_the_capability_alone() {
    fn longest(pages: &mut impl LargestFreeRun) -> usize {
        pages.largest_free_run_pages()
    }
    let mut pages = BitmapPageAllocator::<PAGE, Inline<100>>::new();
    assert_eq!(longest(&mut pages), 0);
    add(&mut pages, 0, 64 * PAGE).unwrap();
    pages.alloc_pages_at(20 * PAGE, 4, PAGE).unwrap();
    assert_eq!(longest(&mut pages), 40);
}

#[test]
fn a_page_that_comes_back_to_a_full_chunk_is_found_in_a_large_memory_too() {
    const CHUNK: usize = 512 * PAGE;
    let mut pages = BitmapPageAllocator::<PAGE, Inline<7000>>::new();
    add(&mut pages, 0, 600 * CHUNK).unwrap();
    pages.alloc_pages(600 * 512, PAGE).unwrap();
    free(&mut pages, 512 * CHUNK, 512).unwrap();
    free(&mut pages, PAGE, 1).unwrap();
    pages.check_integrity().unwrap();
    assert_eq!(pages.alloc_pages(512, PAGE), Ok(512 * CHUNK));
    assert_eq!(pages.alloc_pages(1, PAGE), Ok(PAGE));
}
