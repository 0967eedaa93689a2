//! Runs that come back and are kept for the next request of their length: who gets them, and that nobody else notices.
#![allow(clippy::unwrap_used, reason = "a test helper that fails is a test that fails")]

use allocator_api::{
    AddressRange, AllocError, BaseAllocator, BlockKind, CheckIntegrity, ConstrainedPageAllocator, HeapMap,
    PageAllocator, Placement, RemoveMemory,
};
use allocator_bitmap::{BitmapPageAllocator, Inline};

const PAGE: usize = 4096;
const CHUNK: usize = 512 * PAGE;
type Pages = BitmapPageAllocator<PAGE, Inline<2000>>;

/// Free pages that no run can be made of: there have to be others than those that are kept.
const RESERVE: usize = 16 * 512;

fn add(pages: &mut Pages, start: usize, size: usize) {
    // SAFETY: 1. and 2. Records lie in the value: the regions are mere numbers.
    unsafe { pages.add_memory(start, size) }.unwrap();
}

fn try_free(pages: &mut Pages, pos: usize, count: usize) -> Result<(), AllocError> {
    // SAFETY: 1. Each test owns the pages of its allocator. 2. They are numbers.
    unsafe { pages.dealloc_pages(pos, count) }
}

fn free(pages: &mut Pages, pos: usize, count: usize) {
    try_free(pages, pos, count).unwrap();
    pages.check_integrity().unwrap();
}

fn run(pages: &mut Pages, count: usize) -> usize {
    let found = pages.alloc_pages(count, PAGE).unwrap();
    pages.check_integrity().unwrap();
    found
}

/// Four chunks, of which all pages are handed out, in runs of `count` from the start on and single pages behind; and far above
/// a reserve of which every other page is free.
fn full_of_runs(count: usize) -> (Pages, Vec<usize>) {
    let mut pages = Pages::new();
    add(&mut pages, CHUNK, 4 * CHUNK);
    let runs: Vec<usize> = (0..4 * 512 / count).map(|_| run(&mut pages, count)).collect();
    while pages.alloc_pages(1, PAGE).is_ok() {}
    assert!(runs.iter().zip(0..).all(|(run, i)| *run == CHUNK + i * count * PAGE));
    add(&mut pages, 100 * CHUNK, 2 * RESERVE * PAGE);
    assert_eq!(pages.alloc_pages(2 * RESERVE, PAGE), Ok(100 * CHUNK));
    (0..RESERVE).for_each(|page| try_free(&mut pages, 100 * CHUNK + 2 * page * PAGE, 1).unwrap());
    pages.check_integrity().unwrap();
    (pages, runs)
}

/// Takes single pages until none is free.
fn take_single_pages(pages: &mut Pages) -> Vec<usize> {
    std::iter::from_fn(|| pages.alloc_pages(1, PAGE).ok()).collect()
}

#[test]
fn the_newest_run_of_a_length_is_handed_out_again_first() {
    let (mut pages, runs) = full_of_runs(64);
    for at in [3, 9, 5] {
        free(&mut pages, runs[at], 64);
    }
    assert_eq!([5, 9, 3].map(|_| run(&mut pages, 64)), [5, 9, 3].map(|at| runs[at]));
    assert_eq!(pages.alloc_pages(64, PAGE), Err(AllocError::NoMemory));
}

#[test]
fn the_run_kept_longest_is_kept_no_longer_than_a_fourth_of_its_group() {
    let (mut pages, runs) = full_of_runs(64);
    for at in [9, 3, 5, 7] {
        free(&mut pages, runs[at], 64);
    }
    // Run 9 is free as any other pages are: part of it serves what would else need a kept run.
    assert_eq!(run(&mut pages, 20), runs[9]);
    assert_eq!([7, 5, 3].map(|_| run(&mut pages, 64)), [7, 5, 3].map(|at| runs[at]));
}

#[test]
fn lengths_of_a_group_do_not_get_each_others_runs() {
    let (mut pages, runs) = full_of_runs(20);
    free(&mut pages, runs[50], 20);
    free(&mut pages, runs[60], 19);
    free(&mut pages, runs[70], 18);
    assert_eq!([20, 18, 19].map(|count| run(&mut pages, count)), [50, 70, 60].map(|at| runs[at]));
}

#[test]
fn a_kept_run_serves_an_alignment_that_it_has() {
    let (mut pages, runs) = full_of_runs(16);
    let (aligned, odd) = (runs[4], runs[7]);
    assert!(aligned.is_multiple_of(64 * PAGE) && !odd.is_multiple_of(32 * PAGE));
    free(&mut pages, aligned, 16);
    free(&mut pages, odd, 16);
    assert_eq!(pages.alloc_pages(16, 128 * PAGE), Err(AllocError::NoMemory));
    assert_eq!(pages.alloc_pages(16, 64 * PAGE), Ok(aligned));
    assert_eq!(pages.alloc_pages(16, 16 * PAGE), Ok(odd));
}

#[test]
fn no_page_of_a_kept_run_is_given_back_again() {
    let (mut pages, runs) = full_of_runs(100);
    free(&mut pages, runs[2], 100);
    let used = pages.used_pages();
    for (first, count) in [(0, 100), (0, 1), (99, 1), (50, 3), (0, 99), (-50, 100), (99, 2), (-300, 700), (40, 64)]
    {
        let pos = runs[2].wrapping_add_signed(first * PAGE as isize);
        assert_eq!(try_free(&mut pages, pos, count), Err(AllocError::NotAllocated), "{count} pages from {first}");
    }
    // Those beside it are, one by one and together, also where they share its words.
    free(&mut pages, runs[2] - PAGE, 1);
    free(&mut pages, runs[3], 1);
    free(&mut pages, runs[3] + PAGE, 2);
    free(&mut pages, runs[1], 98);
    assert_eq!(pages.used_pages(), used - 102);
    assert_eq!(run(&mut pages, 100), runs[2]);
}

#[test]
fn whatever_is_kept_serves_a_request_that_nothing_else_does() {
    let freed = || {
        let (mut pages, runs) = full_of_runs(50);
        (4..8).for_each(|at| free(&mut pages, runs[at], 50));
        (pages, runs)
    };
    let (mut pages, runs) = freed();
    assert_eq!(run(&mut pages, 200), runs[4], "a longer run");
    let (mut pages, runs) = freed();
    assert_eq!(pages.alloc_pages_at(runs[5] + PAGE, 120, PAGE), Ok(runs[5] + PAGE));
    let (mut pages, runs) = freed();
    let within = AddressRange::new(runs[5] + 7 * PAGE, 90 * PAGE).unwrap();
    let found = pages.alloc_pages_in(80, Placement { within, ..Placement::aligned(PAGE) });
    assert_eq!(found, Ok(runs[5] + 7 * PAGE));
    let (mut pages, runs) = freed();
    let single = take_single_pages(&mut pages);
    assert_eq!(single.len(), RESERVE + 200, "single pages");
    assert!((0..200).all(|page| single.contains(&(runs[4] + page * PAGE))));
    let (mut pages, runs) = freed();
    pages.remove_memory(runs[4] + PAGE, 190 * PAGE).unwrap();
    assert_eq!((pages.total_pages(), pages.available_pages()), (4 * 512 + 2 * RESERVE - 190, RESERVE + 10));
    let (mut pages, runs) = freed();
    free(&mut pages, runs[39], 50);
    let ends = runs[39] + 50 * PAGE;
    (0..5 * CHUNK - ends).step_by(PAGE).for_each(|at| free(&mut pages, ends + at, 1));
    add(&mut pages, 5 * CHUNK, CHUNK);
    let longest = (6 * CHUNK - runs[39]) / PAGE;
    assert_eq!(pages.alloc_pages(longest, PAGE), Ok(runs[39]), "with memory that was added");
}

#[test]
fn holes_that_are_kept_are_filled_before_a_whole_chunk_is_broken() {
    let (mut pages, runs) = full_of_runs(64);
    add(&mut pages, 9 * CHUNK, CHUNK);
    free(&mut pages, runs[20], 64);
    // Those of the reserve are holes, too.
    (0..RESERVE).for_each(|_| assert!(pages.alloc_pages(1, PAGE).unwrap() > 99 * CHUNK));
    assert_eq!(run(&mut pages, 1), runs[20]);
    assert_eq!(run(&mut pages, 512), 9 * CHUNK);
}

#[test]
fn refused_calls_and_looks_leave_kept_runs_kept() {
    let (mut pages, runs) = full_of_runs(64);
    for at in [3, 9, 5] {
        free(&mut pages, runs[at], 64);
    }
    assert_eq!(pages.alloc_pages(65, PAGE), Err(AllocError::NoMemory));
    assert_eq!(pages.alloc_pages(64, 256 * PAGE), Err(AllocError::NoMemory));
    assert_eq!(pages.alloc_pages_at(runs[3], 65, PAGE), Err(AllocError::NoMemory));
    let within = AddressRange::new(runs[4], 5 * 64 * PAGE).unwrap();
    let placement = Placement { within, ..Placement::aligned(PAGE) };
    assert_eq!(pages.alloc_pages_in(65, placement), Err(AllocError::NoMemory));
    assert!(pages.remove_memory(runs[3], 65 * PAGE).is_err());
    // SAFETY: 1. and 2. as in `add`.
    assert_eq!(unsafe { pages.add_memory(CHUNK, PAGE) }, Err(AllocError::MemoryOverlap));
    assert_eq!(pages.largest_free_run_pages(), 64);
    pages.check_integrity().unwrap();
    assert_eq!([5, 9, 3].map(|_| run(&mut pages, 64)), [5, 9, 3].map(|at| runs[at]));
}

#[test]
fn kept_runs_count_as_free() {
    let (mut pages, runs) = full_of_runs(64);
    free(&mut pages, runs[3], 64);
    free(&mut pages, runs[4], 64);
    free(&mut pages, runs[9], 7);
    assert_eq!((pages.available_pages(), pages.largest_free_run_pages()), (RESERVE + 135, 128));
    let mut map = Vec::new();
    pages.for_each_block(&mut |block| map.push((block.start, block.bytes / PAGE, block.kind)));
    let free_pages = |at: usize, count| (runs[at], count, BlockKind::Free);
    let live = |at: usize, count| (runs[at] - count * PAGE, count, BlockKind::Live);
    let expected = [live(3, 192), free_pages(3, 64), free_pages(4, 64), live(9, 256), free_pages(9, 7)];
    assert_eq!(map[..5], expected);
    assert_eq!(map.iter().map(|(_, count, _)| count).sum::<usize>(), 4 * 512 + 2 * RESERVE);
}

#[test]
fn nothing_is_kept_below_what_is_preferred() {
    let (mut pages, runs) = full_of_runs(64);
    free(&mut pages, runs[2], 64);
    pages.prefer_above(3 * CHUNK);
    free(&mut pages, runs[4], 64);
    free(&mut pages, runs[30], 64);
    free(&mut pages, runs[31], 64);
    // This one begins with what is preferred.
    assert_eq!(runs[16], 3 * CHUNK);
    free(&mut pages, runs[16], 64);
    let expected = [16, 31, 30, 2, 4].map(|at| runs[at]);
    assert_eq!(expected.map(|_| run(&mut pages, 64)), expected);
}

#[test]
fn what_is_kept_above_serves_any_length_before_what_is_free_below() {
    for align in [1, 2, 8] {
        let mut pages = Pages::new();
        add(&mut pages, 0, 40 * CHUNK);
        pages.prefer_above(20 * CHUNK);
        assert_eq!(pages.alloc_pages(40 * 512, PAGE), Ok(0));
        free(&mut pages, 0, 20 * 512);
        free(&mut pages, 30 * CHUNK, 64);
        assert_eq!(pages.alloc_pages(40, align * PAGE), Ok(30 * CHUNK), "at {align} pages");
        assert_eq!(pages.alloc_pages(40, align * PAGE), Ok(0), "at {align} pages");
        pages.check_integrity().unwrap();
    }
}

#[test]
fn a_chunk_that_nothing_but_a_kept_run_breaks_is_not_broken_while_another_is() {
    let mut pages = Pages::new();
    add(&mut pages, 0, 8 * CHUNK);
    let (kept, broken) = (run(&mut pages, 16), 5 * CHUNK);
    assert_eq!((kept, pages.alloc_pages_at(broken, 1, PAGE)), (0, Ok(broken)));
    free(&mut pages, kept, 16);
    assert_eq!(pages.alloc_pages(1, PAGE), Ok(broken + PAGE));
    pages.check_integrity().unwrap();
    assert_eq!(pages.alloc_pages(512, CHUNK), Ok(0));
}

#[test]
fn nothing_is_kept_in_the_open_chunk() {
    let mut pages = Pages::new();
    add(&mut pages, CHUNK, 20 * CHUNK);
    let first = run(&mut pages, 64);
    assert_eq!(run(&mut pages, 1), first + 64 * PAGE);
    free(&mut pages, first, 64);
    // What is left of the word that pages come from is followed by the lowest word of the chunk.
    let next: Vec<usize> = (0..64).map(|_| run(&mut pages, 1)).collect();
    assert_eq!(next[62..], [first + 127 * PAGE, first]);
}

#[test]
fn a_chunk_that_is_opened_gets_the_runs_that_were_kept_in_it_and_no_others() {
    let (mut pages, runs) = full_of_runs(64);
    // The last of the second chunk, one of the third, the first of the fourth.
    for at in [15, 20, 24] {
        free(&mut pages, runs[at], 64);
    }
    free(&mut pages, runs[17], 1);
    assert_eq!(run(&mut pages, 1), runs[17]);
    assert_eq!([(); 2].map(|()| run(&mut pages, 64)), [runs[24], runs[15]]);
    assert_eq!(run(&mut pages, 1), runs[20]);
}

#[test]
fn pages_of_a_chunk_with_a_kept_run_go_back_one_by_one() {
    let (mut pages, runs) = full_of_runs(64);
    free(&mut pages, runs[3], 64);
    let used = pages.used_pages();
    for (page, count) in [(10, 1), (20, 2), (30, 3)] {
        free(&mut pages, runs[5] + page * PAGE, 1);
        assert_eq!(pages.used_pages(), used - count);
        assert_eq!(try_free(&mut pages, runs[5] + page * PAGE, 1), Err(AllocError::NotAllocated));
    }
    assert_eq!(run(&mut pages, 64), runs[3]);
}

#[test]
fn a_run_is_kept_though_its_chunk_has_a_longer_free_one() {
    let (mut pages, runs) = full_of_runs(16);
    (0..80).for_each(|page| free(&mut pages, runs[8] + page * PAGE, 1));
    free(&mut pages, runs[1], 16);
    assert_eq!(run(&mut pages, 12), runs[8]);
    assert_eq!(run(&mut pages, 16), runs[1]);
}

#[test]
fn no_run_is_kept_that_the_open_chunk_could_serve() {
    let (mut pages, runs) = full_of_runs(64);
    (0..10).for_each(|page| free(&mut pages, runs[9] + page * PAGE, 1));
    free(&mut pages, runs[3], 8);
    assert_eq!([(); 2].map(|()| run(&mut pages, 8)), [runs[3], runs[9]]);
}

#[test]
fn of_32_free_pages_one_is_kept() {
    // A run of 64 pages is kept exactly if 32 times as many are free then, it itself among them.
    for (others, is_kept) in [(31 * 64, true), (31 * 64 - 1, false)] {
        let (mut pages, runs) = full_of_runs(64);
        (0..RESERVE + 20 - others).for_each(|_| assert!(pages.alloc_pages(1, PAGE).unwrap() > 99 * CHUNK));
        add(&mut pages, 50 * CHUNK, 20 * PAGE);
        free(&mut pages, runs[9], 64);
        let expected = if is_kept { 50 * CHUNK } else { runs[9] };
        assert_eq!(run(&mut pages, 20), expected, "{others} others");
    }
}

#[test]
fn a_run_that_comes_back_to_the_open_chunk_is_remembered_as_long_as_it_is_free() {
    let mut pages = Pages::new();
    add(&mut pages, CHUNK, 20 * CHUNK);
    let first = run(&mut pages, 1);
    let runs = [(); 3].map(|()| run(&mut pages, 30));
    assert_eq!(runs, [1, 31, 61].map(|page| first + page * PAGE));
    free(&mut pages, runs[0], 30);
    free(&mut pages, runs[2], 30);
    // Free as others are: found out when they come back again, and taken by whoever asks for less.
    assert_eq!(try_free(&mut pages, runs[2], 30), Err(AllocError::NotAllocated));
    assert_eq!(try_free(&mut pages, runs[0] + PAGE, 1), Err(AllocError::NotAllocated));
    assert_eq!(run(&mut pages, 30), runs[2]);
    free(&mut pages, runs[2], 30);
    assert_eq!(pages.alloc_pages(31, 128 * PAGE), Ok(first + 128 * PAGE));
    assert_eq!(run(&mut pages, 1), runs[0]);
    assert_eq!(run(&mut pages, 30), runs[2], "the other one is not free any more");
    free(&mut pages, runs[0], 1);
    assert_eq!(run(&mut pages, 30), runs[0], "now it is again");
    // When nothing else is handed out, nothing is remembered.
    let mut pages = Pages::new();
    add(&mut pages, CHUNK, 20 * CHUNK);
    let first = run(&mut pages, 1);
    let runs = [(); 2].map(|()| run(&mut pages, 30));
    free(&mut pages, runs[0], 30);
    free(&mut pages, runs[1], 30);
    free(&mut pages, first, 1);
    assert_eq!(run(&mut pages, 30), first);
}

#[test]
fn when_nothing_is_handed_out_any_more_it_is_as_if_nothing_ever_was() {
    let mut pages = Pages::new();
    add(&mut pages, CHUNK, 20 * CHUNK);
    let runs = [(); 10].map(|()| run(&mut pages, 64));
    for at in (0..runs.len()).rev() {
        free(&mut pages, runs[at], 64);
    }
    assert_eq!((pages.used_pages(), pages.largest_free_run_pages()), (0, 20 * 512));
    assert_eq!(run(&mut pages, 64), CHUNK);
}

#[test]
fn kept_runs_that_end_with_the_last_number_there_is_are_joined() {
    const ALL: usize = 40 * 1024;
    const FIRST: usize = 0_usize.wrapping_sub(ALL);
    let mut pages = BitmapPageAllocator::<1, Inline<2000>>::new();
    // SAFETY: 1. and 2. Records lie in the value: the region is mere numbers.
    unsafe { pages.add_memory(FIRST, ALL) }.unwrap();
    assert_eq!(pages.alloc_pages(ALL, 1), Ok(FIRST));
    let free = |pages: &mut BitmapPageAllocator<1, _>, at: usize, count| {
        // SAFETY: 1. The test owns the pages. 2. They are numbers.
        unsafe { pages.dealloc_pages(FIRST + at, count) }.unwrap();
    };
    (0..30_000).step_by(2).for_each(|page| free(&mut pages, page, 1));
    free(&mut pages, ALL - 256, 128);
    free(&mut pages, ALL - 128, 128);
    assert_eq!(pages.largest_free_run_pages(), 256);
    assert_eq!(pages.alloc_pages(257, 1), Err(AllocError::NoMemory));
    assert_eq!(pages.alloc_pages(256, 1), Ok(FIRST + (ALL - 256)));
    pages.check_integrity().unwrap();
}
