//! Where the engine places pages: lowest-first, below what is preferred only when nothing else is left, around misfits.
#![allow(clippy::unwrap_used, reason = "a test helper that fails is a test that fails")]

use allocator_api::{
    AddressRange, AllocError, BaseAllocator, CheckIntegrity, ConstrainedPageAllocator, PageAllocator, Placement,
};
use allocator_bitmap::{BitmapPageAllocator, Inline};

const PAGE: usize = 4096;
/// Bytes of 512 pages, which the engine keeps together.
const CHUNK: usize = 512 * PAGE;

type Pages = BitmapPageAllocator<PAGE, Inline<3000>>;

fn over(regions: &[(usize, usize)]) -> Pages {
    let mut pages = Pages::new();
    for (start, size) in regions {
        // SAFETY: 1. and 2. Records lie in the value: the regions are mere numbers.
        unsafe { pages.add_memory(*start, *size) }.unwrap();
    }
    pages
}

fn free(pages: &mut Pages, pos: usize, count: usize) {
    // SAFETY: 1. Each test owns the pages of its allocator. 2. They are numbers.
    unsafe { pages.dealloc_pages(pos, count) }.unwrap();
}

fn one(pages: &mut Pages) -> usize {
    pages.alloc_pages(1, PAGE).unwrap()
}

/// Takes every page, and gives those of `pages` that `wanted` names back.
fn only_free(pages: &mut Pages, all: usize, wanted: impl Fn(usize) -> bool) {
    pages.alloc_pages(all, PAGE).unwrap();
    for page in (0..all).filter(|page| wanted(*page)) {
        free(pages, page * PAGE, 1);
    }
    pages.check_integrity().unwrap();
}

#[test]
fn constrained_requests_get_the_lowest_page_wherever_single_pages_come_from() {
    let mut pages = over(&[(0, 4 * CHUNK)]);
    let placement = Placement::aligned(PAGE);
    assert_eq!((one(&mut pages), one(&mut pages)), (0, PAGE));
    assert_eq!(pages.alloc_pages_in(1, placement), Ok(2 * PAGE));
    assert_eq!(one(&mut pages), 3 * PAGE);
    free(&mut pages, PAGE, 1);
    assert_eq!(pages.alloc_pages_in(2, placement), Ok(4 * PAGE));
    assert_eq!(pages.alloc_pages_in(1, placement), Ok(PAGE));
    pages.check_integrity().unwrap();
}

#[test]
fn constrained_requests_get_the_lowest_aligned_run_however_many_misfits_lie_before() {
    let mut pages = over(&[(0, 200 * CHUNK)]);
    // Odd pages in 100 chunks, then a run that begins at an odd page.
    only_free(&mut pages, 200 * 512, |page| page % 2 == 1 && page < 100 * 512 || (51_501..51_504).contains(&page));
    free(&mut pages, 60_000 * PAGE, 4000);
    let two = Placement::aligned(2 * PAGE);
    assert_eq!(pages.alloc_pages_in(2, two), Ok(51_502 * PAGE));
    assert_eq!(pages.alloc_pages_in(1, two), Ok(60_000 * PAGE));
    free(&mut pages, 51_502 * PAGE, 1);
    assert_eq!(pages.alloc_pages_in(1, two), Ok(51_502 * PAGE));
    let within = AddressRange::new(0, 51_502 * PAGE).unwrap();
    assert_eq!(pages.alloc_pages_in(1, Placement { within, ..two }), Err(AllocError::NoMemory));
}

#[test]
fn aligned_requests_among_many_misfits_are_met_though_not_by_the_lowest() {
    let mut pages = over(&[(0, 200 * CHUNK)]);
    only_free(&mut pages, 200 * 512, |page| page % 2 == 1 && page < 150 * 512 || page == 155 * 512);
    // Only the one page fits: it is found however long that takes.
    assert_eq!(pages.alloc_pages(1, 2 * PAGE), Ok(155 * CHUNK));
    assert_eq!(pages.alloc_pages(1, 2 * PAGE), Err(AllocError::NoMemory));
    // Of two that fit, the one in a run with room to spare: it is found at once.
    free(&mut pages, 155 * CHUNK, 1);
    free(&mut pages, 160 * CHUNK, 10);
    let found = pages.alloc_pages(1, 2 * PAGE).unwrap();
    assert!(found >= 160 * CHUNK && found.is_multiple_of(2 * PAGE), "{found:#x}");
    pages.check_integrity().unwrap();
}

#[test]
fn a_block_is_the_lowest_there_is_however_many_misfits_lie_before() {
    for block in (0..10).map(|bits| 1 << bits) {
        let mut pages = over(&[(0, 140 * CHUNK)]);
        pages.alloc_pages(140 * 512, PAGE).unwrap();
        // Runs that are as long, and begin in the middle of where a block could.
        let misfit = |n: usize| n * 1024 + block / 2;
        for n in (0..60).filter(|_| block > 1) {
            free(&mut pages, misfit(n) * PAGE, block);
        }
        let (low, high) = ((121 * CHUNK + 128 * PAGE).next_multiple_of(block * PAGE), 130 * CHUNK);
        free(&mut pages, low, block);
        // With room for any alignment.
        free(&mut pages, high, 512);
        pages.check_integrity().unwrap();
        assert_eq!(pages.alloc_pages(block, block * PAGE), Ok(low), "{block} pages");
        for n in 0..512 / block {
            assert_eq!(pages.alloc_pages(block, block * PAGE), Ok(high + n * block * PAGE), "{block} pages");
        }
        assert_eq!(pages.alloc_pages(block, block * PAGE), Err(AllocError::NoMemory), "{block} pages");
        pages.check_integrity().unwrap();
    }
}

#[test]
fn a_run_with_just_the_room_for_any_alignment_is_taken_from_its_first_aligned_page() {
    let mut pages = over(&[(3 * CHUNK, 50 * CHUNK)]);
    pages.alloc_pages(50 * 512, PAGE).unwrap();
    let misfits = (3..43).map(|chunk| (chunk * 512 + 101, 12));
    for (first, count) in misfits.chain([(44 * 512 + 200, 12), (45 * 512 + 305, 19)]) {
        (first..first + count).for_each(|page| free(&mut pages, page * PAGE, 1));
    }
    assert_eq!(pages.alloc_pages(12, 8 * PAGE), Ok(45 * CHUNK + 312 * PAGE));
    assert_eq!(pages.alloc_pages(12, 8 * PAGE), Ok(44 * CHUNK + 200 * PAGE));
    assert_eq!(pages.alloc_pages(12, 8 * PAGE), Err(AllocError::NoMemory));
    pages.check_integrity().unwrap();
}

#[test]
fn runs_do_not_cross_the_boundary_and_are_the_lowest_that_do_not() {
    let mut pages = over(&[(0, 2 * CHUNK)]);
    pages.alloc_pages_at(0, 13, PAGE).unwrap();
    let placement = Placement { boundary_pow2: Some(16 * PAGE), ..Placement::aligned(PAGE) };
    assert_eq!(pages.alloc_pages_in(5, placement), Ok(16 * PAGE));
    assert_eq!(pages.alloc_pages_in(3, placement), Ok(13 * PAGE));
    assert_eq!(pages.alloc_pages_in(12, placement), Ok(32 * PAGE));
    assert_eq!(pages.alloc_pages_in(11, placement), Ok(21 * PAGE));
}

#[test]
fn preferring_takes_hold_at_once_and_at_a_multiple_of_512_pages() {
    let mut pages = over(&[(0, 8 * CHUNK)]);
    // Single pages come from the first chunk so far.
    assert_eq!(one(&mut pages), 0);
    pages.prefer_above(CHUNK + PAGE);
    assert_eq!(one(&mut pages), 2 * CHUNK);
    assert_eq!(pages.alloc_pages(3, PAGE), Ok(2 * CHUNK + PAGE));
    assert_eq!(pages.alloc_pages(512, PAGE), Ok(2 * CHUNK + 4 * PAGE));
    assert_eq!(pages.alloc_pages(4, 4 * PAGE), Ok(3 * CHUNK + 4 * PAGE));
    // A page below that comes back stays there.
    free(&mut pages, 0, 1);
    assert!(one(&mut pages) >= 2 * CHUNK);
    pages.prefer_above(2 * CHUNK);
    assert!(one(&mut pages) >= 2 * CHUNK);
    pages.check_integrity().unwrap();
    pages.prefer_above(0);
    assert_eq!(pages.alloc_pages(700, PAGE), Ok(0));
}

#[test]
fn low_pages_are_handed_out_only_while_none_is_free_above() {
    let mut pages = over(&[(0, 4 * CHUNK), (16 * CHUNK, CHUNK)]);
    pages.prefer_above(8 * CHUNK);
    let high: Vec<usize> = (0..512).map(|_| one(&mut pages)).collect();
    assert!(high.iter().all(|page| *page >= 16 * CHUNK));
    for round in 0..3 {
        let low = one(&mut pages);
        assert!(low < 4 * CHUNK, "round {round}: {low:#x}");
        assert!(pages.alloc_pages(2, PAGE).unwrap() < 4 * CHUNK);
        // The low chunk that served has many free pages now, and the one above just one.
        free(&mut pages, high[round * 7], 1);
        assert_eq!(one(&mut pages), high[round * 7]);
        free(&mut pages, low, 1);
        pages.check_integrity().unwrap();
    }
    free(&mut pages, high[3], 2);
    assert_eq!(pages.alloc_pages(2, PAGE), Ok(high[3]));
}

#[test]
fn what_takes_long_to_find_above_comes_before_what_is_free_below() {
    let mut pages = over(&[(0, 80 * CHUNK)]);
    pages.prefer_above(8 * CHUNK);
    // Pairs of pages that fit no alignment in more chunks than are looked at with patience, then one that does.
    let (misfits, fit) = (8..70, 70 * CHUNK + 12 * PAGE);
    assert_eq!(pages.alloc_pages(80 * 512, PAGE), Ok(0));
    misfits.for_each(|chunk| free(&mut pages, chunk * CHUNK + 10 * PAGE, 2));
    free(&mut pages, fit, 2);
    free(&mut pages, 0, 64);
    assert_eq!(pages.alloc_pages(2, 4 * PAGE), Ok(fit));
    assert_eq!(pages.alloc_pages(2, 4 * PAGE), Ok(0));
    pages.check_integrity().unwrap();
}

#[test]
fn preferring_what_lies_beyond_the_last_page_prefers_nothing() {
    let mut pages = over(&[(0, CHUNK), (0_usize.wrapping_sub(CHUNK), CHUNK)]);
    pages.prefer_above(usize::MAX);
    let all: Vec<usize> = (0..1024).map(|_| one(&mut pages)).collect();
    assert_eq!((all[0], pages.alloc_pages(1, PAGE)), (0, Err(AllocError::NoMemory)));
    pages.check_integrity().unwrap();
}

#[test]
fn refused_requests_do_not_change_which_page_comes_next() {
    let fresh = || {
        let mut pages = over(&[(0, 4 * CHUNK), (8 * CHUNK, CHUNK / 2)]);
        let taken: Vec<usize> = (0..700).map(|_| one(&mut pages)).collect();
        taken.iter().step_by(3).for_each(|page| free(&mut pages, *page, 1));
        pages
    };
    let (mut plain, mut asked) = (fresh(), fresh());
    for step in 0..600 {
        assert_eq!(asked.alloc_pages(3000, PAGE), Err(AllocError::NoMemory));
        assert_eq!(asked.alloc_pages(2, 16 * CHUNK), Err(AllocError::NoMemory));
        asked.largest_free_run_pages();
        let page = one(&mut plain);
        assert_eq!(one(&mut asked), page, "step {step}");
        if step % 5 == 0 {
            free(&mut plain, page, 1);
            free(&mut asked, page, 1);
        }
    }
    asked.check_integrity().unwrap();
}

#[test]
fn small_aligned_runs_come_from_the_open_chunk_as_long_as_it_has_them() {
    let mut pages = over(&[(0, 3 * CHUNK)]);
    // Chunk 0 is whole; chunk 1, the open one, has an odd page, a pair at an even page, and eight pages at a multiple of 8.
    pages.alloc_pages_at(CHUNK, 1024, PAGE).unwrap();
    for (page, count) in [(513, 2), (517, 3), (576, 9), (600, 8), (1023, 1)] {
        free(&mut pages, page * PAGE, count);
    }
    assert_eq!(one(&mut pages), 513 * PAGE);
    for (count, align, expected) in
        [(2, 2, 518), (1, 4, 576), (4, 4, 580), (4, 8, 600), (2, 4, 604), (1, 64, 0), (8, 8, 8)]
    {
        assert_eq!(pages.alloc_pages(count, align * PAGE), Ok(expected * PAGE), "{count} at {align}");
        pages.check_integrity().unwrap();
    }
    // Closed by a search, it still serves them first.
    assert_eq!(pages.largest_free_run_pages(), 512 - 16);
    assert_eq!(pages.alloc_pages(2, 2 * PAGE), Ok(578 * PAGE));
    pages.check_integrity().unwrap();
}

#[test]
fn after_the_highest_broken_chunk_the_lowest_broken_one_comes_and_not_a_whole_one() {
    let mut pages = over(&[(0, 4 * CHUNK)]);
    pages.alloc_pages(4 * 512, PAGE).unwrap();
    free(&mut pages, 2 * CHUNK, 3);
    assert_eq!(one(&mut pages), 2 * CHUNK);
    free(&mut pages, 0, 512);
    free(&mut pages, CHUNK + 7 * PAGE, 1);
    let next: Vec<usize> = (0..4).map(|_| one(&mut pages)).collect();
    assert_eq!(next, [2 * CHUNK + PAGE, 2 * CHUNK + 2 * PAGE, CHUNK + 7 * PAGE, 0]);
    pages.check_integrity().unwrap();
}

#[test]
fn a_chunk_that_page_by_page_became_whole_is_not_taken_for_a_broken_one() {
    let mut pages = over(&[(0, 4 * CHUNK)]);
    pages.alloc_pages(4 * 512, PAGE).unwrap();
    (512..1024).for_each(|page| free(&mut pages, page * PAGE, 1));
    free(&mut pages, 3 * CHUNK, 1);
    // The record of chunk 1 is out of date by now.
    assert_eq!(one(&mut pages), 3 * CHUNK);
    pages.check_integrity().unwrap();
    // Used up page by page, a chunk is not looked at again either.
    assert_eq!((one(&mut pages), pages.alloc_pages(511, PAGE)), (CHUNK, Ok(CHUNK + PAGE)));
    assert_eq!(pages.alloc_pages(1, PAGE), Err(AllocError::NoMemory));
    pages.check_integrity().unwrap();
}

#[test]
fn keeping_low_memory_leaves_the_chunk_open_that_is_not_in_it() {
    let mut pages = over(&[(0, 5 * CHUNK)]);
    pages.alloc_pages_at(0, 3 * 512, PAGE).unwrap();
    let taken: Vec<usize> = (0..65).map(|_| one(&mut pages)).collect();
    assert_eq!((taken[0], taken[64]), (3 * CHUNK, 3 * CHUNK + 64 * PAGE));
    // Whoever opened the chunk anew would begin with this page.
    free(&mut pages, 3 * CHUNK, 1);
    for (number, border) in [0, PAGE, CHUNK, 2 * CHUNK, 3 * CHUNK].into_iter().enumerate() {
        pages.prefer_above(border);
        assert_eq!(one(&mut pages), 3 * CHUNK + (65 + number) * PAGE, "above {border:#x}");
        pages.check_integrity().unwrap();
    }
    pages.prefer_above(3 * CHUNK + 1);
    assert_eq!(one(&mut pages), 4 * CHUNK);
    pages.check_integrity().unwrap();
}

#[test]
fn the_next_chunk_is_the_next_broken_one_above_though_one_below_is_broken_too() {
    let mut pages = over(&[(0, 4 * CHUNK), (8 * CHUNK, 2 * CHUNK)]);
    pages.alloc_pages(4 * 512, PAGE).unwrap();
    pages.alloc_pages(2 * 512, PAGE).unwrap();
    for page in [2 * 512, 2 * 512 + 70] {
        free(&mut pages, page * PAGE, 1);
    }
    assert_eq!(one(&mut pages), 2 * CHUNK);
    for page in [512 + 5, 3 * 512 + 9, 9 * 512 + 500] {
        free(&mut pages, page * PAGE, 1);
    }
    let next: Vec<usize> = (0..4).map(|_| one(&mut pages) / PAGE).collect();
    assert_eq!(next, [2 * 512 + 70, 3 * 512 + 9, 9 * 512 + 500, 512 + 5]);
    pages.check_integrity().unwrap();
}

#[test]
fn a_run_that_would_end_above_the_range_asked_for_is_refused_though_it_is_free() {
    let mut pages = over(&[(0, 2 * CHUNK)]);
    let within = |first: usize, count: usize| Placement {
        within: AddressRange::new(first * PAGE, count * PAGE).unwrap(),
        ..Placement::aligned(PAGE)
    };
    for first in [1, 2, 60, 510, 511, 700] {
        assert_eq!(pages.alloc_pages_in(4, within(first, 3)), Err(AllocError::NoMemory));
        assert_eq!(pages.alloc_pages_in(4, within(first, 4)), Ok(first * PAGE));
        free(&mut pages, first * PAGE, 4);
    }
    pages.check_integrity().unwrap();
}

#[test]
fn a_page_that_comes_back_to_a_full_chunk_is_found_whatever_the_chunks_before_have() {
    let mut pages = over(&[(0, 4 * CHUNK)]);
    pages.alloc_pages(4 * 512, PAGE).unwrap();
    free(&mut pages, CHUNK, 512);
    free(&mut pages, 2 * CHUNK + PAGE, 1);
    pages.check_integrity().unwrap();
    assert_eq!(pages.alloc_pages(512, PAGE), Ok(CHUNK));
    assert_eq!(one(&mut pages), 2 * CHUNK + PAGE);
}

#[test]
fn up_to_eight_pages_come_from_the_open_chunk_and_longer_runs_from_the_lowest_place() {
    let mut pages = over(&[(0, 3 * CHUNK)]);
    pages.alloc_pages(2 * 512, PAGE).unwrap();
    assert_eq!(one(&mut pages), 2 * CHUNK);
    (100..120).for_each(|page| free(&mut pages, page * PAGE, 1));
    assert_eq!(pages.alloc_pages(8, PAGE), Ok(2 * CHUNK + PAGE));
    assert_eq!(pages.alloc_pages(9, PAGE), Ok(100 * PAGE));
    pages.check_integrity().unwrap();
}

#[test]
fn a_constrained_request_gets_all_that_is_free_and_the_next_nothing() {
    let mut pages = over(&[(0, CHUNK)]);
    assert_eq!(one(&mut pages), 0);
    let placement = Placement::aligned(PAGE);
    assert_eq!(pages.alloc_pages_in(512, placement), Err(AllocError::NoMemory));
    assert_eq!(pages.alloc_pages_in(511, placement), Ok(PAGE));
    assert_eq!(pages.alloc_pages_in(1, placement), Err(AllocError::NoMemory));
}

#[test]
fn a_span_whose_long_run_does_not_fit_is_passed_over_for_the_next() {
    let mut pages = over(&[(PAGE, 3 * PAGE), (8 * PAGE, 4 * PAGE)]);
    let within = AddressRange::new(0, 12 * PAGE).unwrap();
    let aligned = |within| Placement { within, ..Placement::aligned(4 * PAGE) };
    assert_eq!(pages.alloc_pages_in(3, aligned(within)), Ok(8 * PAGE));
    assert_eq!(
        pages.alloc_pages_in(1, aligned(AddressRange::new(0, 4 * PAGE).unwrap())),
        Err(AllocError::NoMemory)
    );
    pages.check_integrity().unwrap();
}

#[test]
fn a_page_that_comes_back_is_judged_by_the_record_of_its_own_chunk() {
    let mut pages = BitmapPageAllocator::<PAGE, Inline<7000>>::new();
    // SAFETY: 1. and 2. Records lie in the value: the region is mere numbers.
    unsafe { pages.add_memory(0, 600 * CHUNK) }.unwrap();
    assert_eq!(pages.alloc_pages(512, PAGE), Ok(0));
    // Chunk 0 is full, all others are whole: two pages side by side are the longest run of their chunk, and of no other.
    for page in [100, 2, 1, 200] {
        // SAFETY: 1. The page was handed out. 2. It is a number.
        unsafe { pages.dealloc_pages(page * PAGE, 1) }.unwrap();
        pages.check_integrity().unwrap();
    }
}

#[test]
fn an_alignment_of_nearly_all_numbers_is_refused() {
    let mut pages = BitmapPageAllocator::<1, Inline<2000>>::new();
    // SAFETY: 1. and 2. Records lie in the value: the region is mere numbers.
    unsafe { pages.add_memory(1, 40_000) }.unwrap();
    for align in (16..usize::BITS).map(|log2| 1_usize << log2) {
        assert_eq!(pages.alloc_pages(1, align), Err(AllocError::NoMemory), "{align:#x}");
        assert_eq!(pages.alloc_pages_in(3, Placement::aligned(align)), Err(AllocError::NoMemory), "{align:#x}");
    }
    pages.check_integrity().unwrap();
}
