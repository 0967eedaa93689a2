//! One test for each fault of the package, and of the page adaptors over it, that the wrapper mends; and for each
//! of the engine's own.
#![cfg(feature = "package")]
#![allow(clippy::unwrap_used, reason = "a test helper that fails is a test that fails")]

use allocator_api::{AllocError, AllocResult, BaseAllocator, LargestFreeRun, PageAllocator};
use allocator_bitmap::package::{BitAlloc4K, BitAlloc16, BitAlloc64K, BitAlloc256, BitmapPageAllocator, Map};

const PAGE: usize = 4096;
const MIB: usize = 1 << 20;

fn add<const S: usize, M: Map>(pages: &mut BitmapPageAllocator<S, M>, start: usize, size: usize) -> AllocResult {
    // SAFETY: 1. and 2. The allocator never touches its regions, and the tests use the addresses as numbers.
    unsafe { pages.add_memory(start, size) }
}

fn free<const S: usize, M: Map>(pages: &mut BitmapPageAllocator<S, M>, pos: usize, count: usize) -> AllocResult {
    // SAFETY: 1. Each test is the only owner of the pages of its allocator. 2. Nobody uses them at all.
    unsafe { pages.dealloc_pages(pos, count) }
}

fn over<M: Map>(start: usize, num_pages: usize) -> BitmapPageAllocator<PAGE, M> {
    let mut pages = BitmapPageAllocator::new();
    add(&mut pages, start, num_pages * PAGE).unwrap();
    pages
}

#[test]
fn a_single_page_is_aligned_too() {
    let mut pages = over::<BitAlloc4K>(0x10_1000, 2048);
    assert_eq!(pages.alloc_pages(1, 2 * MIB), Ok(2 * MIB));
    assert_eq!(pages.alloc_pages(1, 2 * MIB), Ok(4 * MIB));
    assert_eq!(pages.alloc_pages(1, 2 * PAGE), Ok(0x10_2000));
    assert_eq!(pages.alloc_pages(1, PAGE), Ok(0x10_1000));
}

#[test]
fn alignment_is_of_the_address_where_the_span_starts_unaligned() {
    for first_page in 1..20 {
        let mut pages = BitmapPageAllocator::<PAGE, BitAlloc256>::with_base(first_page * PAGE);
        add(&mut pages, first_page * PAGE, 256 * PAGE).unwrap();
        for align_log2 in 12..=19 {
            for count in [1, 2, 5] {
                let align = 1_usize << align_log2;
                let lowest = (first_page * PAGE).next_multiple_of(align);
                assert_eq!(
                    pages.alloc_pages(count, align),
                    Ok(lowest),
                    "{count} at {align} from page {first_page}"
                );
                free(&mut pages, lowest, count).unwrap();
            }
        }
    }
}

#[test]
fn an_alignment_larger_than_the_span_is_met_where_an_address_meets_it() {
    let huge = 1 << (usize::BITS - 1);
    let mut pages = over::<BitAlloc16>(huge - PAGE, 4);
    assert_eq!(pages.alloc_pages(2, huge), Ok(huge));
    assert_eq!(pages.alloc_pages(1, huge), Err(AllocError::NoMemory));
    assert_eq!(pages.alloc_pages(1, PAGE), Ok(huge - PAGE));
}

#[test]
fn banks_inside_the_span_are_taken_in_any_order_and_all_used() {
    let mut pages = over::<BitAlloc64K>(64 * MIB, 16);
    for (start, num_pages) in [(0, 8), (200 * MIB, 32), (32 * MIB, 1), (256 * MIB - PAGE, 1)] {
        add(&mut pages, start, num_pages * PAGE).unwrap();
    }
    assert_eq!(pages.total_pages(), 58);
    let mut taken: Vec<_> = std::iter::repeat_with(|| pages.alloc_pages(1, PAGE)).map_while(Result::ok).collect();
    taken.sort_unstable();
    let bank = |start: usize, count: usize| (0..count).map(move |n| start + n * PAGE);
    let expected = bank(0, 8)
        .chain(bank(32 * MIB, 1))
        .chain(bank(64 * MIB, 16))
        .chain(bank(200 * MIB, 32))
        .chain(bank(256 * MIB - PAGE, 1));
    assert_eq!(taken, expected.collect::<Vec<_>>());
    assert_eq!((pages.used_pages(), pages.available_pages()), (58, 0));
}

#[test]
fn a_run_is_handed_out_across_banks_that_touch_and_not_across_a_hole() {
    let mut pages = over::<BitAlloc256>(0, 8);
    add(&mut pages, 16 * PAGE, 8 * PAGE).unwrap();
    assert_eq!(pages.alloc_pages(9, PAGE), Err(AllocError::NoMemory));
    assert_eq!(pages.largest_free_run_pages(), 8);
    add(&mut pages, 8 * PAGE, 4 * PAGE).unwrap();
    assert_eq!(pages.largest_free_run_pages(), 12);
    assert_eq!(pages.alloc_pages(9, PAGE), Ok(0));
    assert_eq!(pages.alloc_pages(8, PAGE), Ok(16 * PAGE));
}

#[test]
fn a_bank_outside_the_span_is_invalid_and_changes_nothing() {
    let mut pages = over::<BitAlloc256>(MIB, 16);
    let span = pages.span().unwrap();
    assert_eq!((span.start(), span.last()), (MIB, 2 * MIB - 1));
    let before = format!("{pages:?}");
    for (start, size) in [
        (0, 16 * PAGE),
        (MIB - PAGE, PAGE),
        (MIB - PAGE, 2 * PAGE),
        (2 * MIB - PAGE, 2 * PAGE),
        (2 * MIB, PAGE),
        (0, 4 * MIB),
        (usize::MAX - (PAGE - 1), PAGE),
    ] {
        assert_eq!(add(&mut pages, start, size), Err(AllocError::InvalidParam), "{size} at {start:#x}");
        assert_eq!(format!("{pages:?}"), before);
    }
    // A page that is outside only in part is trimmed off.
    assert_eq!(add(&mut pages, MIB + 20 * PAGE, MIB - 20 * PAGE + 100), Ok(()));
    assert_eq!(pages.total_pages(), 252);
}

#[test]
fn a_first_region_larger_than_the_map_is_invalid_and_chooses_no_span() {
    let mut pages = BitmapPageAllocator::<PAGE, BitAlloc16>::new();
    assert_eq!(add(&mut pages, 0x3000_0000, 17 * PAGE), Err(AllocError::InvalidParam));
    assert_eq!((pages.span(), pages.total_pages()), (None, 0));
    assert_eq!(add(&mut pages, 0x3000_1000, 16 * PAGE), Ok(()));
    assert_eq!(pages.total_pages(), 16);
}

#[test]
fn a_region_on_top_of_another_is_refused_even_where_only_its_trimmed_edge_is() {
    let mut pages = over::<BitAlloc256>(16 * PAGE, 16);
    let before = format!("{pages:?}");
    for (start, size) in [
        (16 * PAGE, 16 * PAGE),
        (20 * PAGE, PAGE),
        (0, 64 * PAGE),
        (15 * PAGE, PAGE + 1),
        (32 * PAGE - 1, PAGE + 1),
        (8 * PAGE, 9 * PAGE),
    ] {
        assert_eq!(add(&mut pages, start, size), Err(AllocError::MemoryOverlap), "{size} at {start:#x}");
        assert_eq!(format!("{pages:?}"), before);
    }
    assert_eq!(add(&mut pages, 15 * PAGE - 1, PAGE + 1), Ok(()));
    assert_eq!(add(&mut pages, 32 * PAGE, PAGE + 1), Ok(()));
    assert_eq!(pages.total_pages(), 18);
}

#[test]
fn a_run_that_is_partly_free_or_foreign_is_refused_whole() {
    let mut pages = over::<BitAlloc256>(16 * PAGE, 16);
    pages.alloc_pages(16, PAGE).unwrap();
    free(&mut pages, 20 * PAGE, 2).unwrap();
    for (pos, count) in [
        (20, 1),
        (18, 4),
        (21, 3),
        (16, 16),
        (15, 1),
        (15, 3),
        (30, 3),
        (32, 1),
        (0, 1),
        (300, 1),
        (16, 0),
        (16, usize::MAX),
        (16, usize::MAX / PAGE),
    ] {
        assert_eq!(free(&mut pages, pos * PAGE, count), Err(AllocError::NotAllocated), "{count} from page {pos}");
        assert_eq!(pages.used_pages(), 14, "{count} from page {pos}");
    }
    assert_eq!(free(&mut pages, 16 * PAGE + 1, 1), Err(AllocError::NotAllocated));
    assert_eq!(pages.alloc_pages(3, PAGE), Err(AllocError::NoMemory));
    assert_eq!(pages.alloc_pages_at(20 * PAGE, 2, PAGE), Ok(20 * PAGE));
    assert_eq!(free(&mut pages, 16 * PAGE, 16), Ok(()));
    assert_eq!((pages.used_pages(), pages.largest_free_run_pages()), (0, 16));
}

#[test]
fn runs_of_no_pages_and_bad_alignments_are_invalid_at_once() {
    let mut pages = over::<BitAlloc256>(0, 16);
    let mut empty = BitmapPageAllocator::<PAGE, BitAlloc256>::new();
    for (count, align) in [(0, PAGE), (1, 0), (1, 1), (1, PAGE / 2), (1, 3 * PAGE), (1, PAGE + 1), (0, 0)] {
        assert_eq!(pages.alloc_pages(count, align), Err(AllocError::InvalidParam), "{count} at {align}");
        assert_eq!(pages.alloc_pages_at(0, count, align), Err(AllocError::InvalidParam), "{count} at {align}");
        assert_eq!(empty.alloc_pages(count, align), Err(AllocError::InvalidParam), "{count} at {align}");
        assert_eq!(empty.alloc_pages_at(0, count, align), Err(AllocError::InvalidParam), "{count} at {align}");
    }
    assert_eq!(pages.alloc_pages_at(1, 1, PAGE), Err(AllocError::InvalidParam));
    assert_eq!(pages.alloc_pages_at(PAGE, 1, 2 * PAGE), Err(AllocError::InvalidParam));
    assert_eq!(pages.used_pages(), 0);
}

#[test]
fn before_any_memory_nothing_is_given_and_nothing_taken() {
    let with_base = BitmapPageAllocator::<PAGE, BitAlloc256>::with_base(MIB);
    for mut pages in [BitmapPageAllocator::<PAGE, BitAlloc256>::new(), with_base] {
        assert_eq!(pages.alloc_pages(1, PAGE), Err(AllocError::NoMemory));
        assert_eq!(pages.alloc_pages(2, 2 * PAGE), Err(AllocError::NoMemory));
        assert_eq!(pages.alloc_pages_at(MIB, 1, PAGE), Err(AllocError::NoMemory));
        assert_eq!(free(&mut pages, MIB, 1), Err(AllocError::NotAllocated));
        assert_eq!((pages.total_pages(), pages.used_pages(), pages.available_pages()), (0, 0, 0));
        assert_eq!(pages.largest_free_run_pages(), 0);
    }
}

#[test]
fn requests_that_no_memory_can_hold_are_refused_at_once() {
    let mut pages = over::<BitAlloc256>(0, 256);
    for count in [257, usize::MAX / PAGE, usize::MAX / PAGE + 1, usize::MAX] {
        assert_eq!(pages.alloc_pages(count, PAGE), Err(AllocError::NoMemory), "{count}");
        assert_eq!(pages.alloc_pages_at(PAGE, count, PAGE), Err(AllocError::NoMemory), "{count}");
    }
    assert_eq!(pages.used_pages(), 0);
    assert_eq!(pages.alloc_pages(256, 1 << (usize::BITS - 1)), Ok(0));
}

#[test]
fn two_spans_in_one_word_take_their_pages_back() {
    let mut pages = allocator_bitmap::BitmapPageAllocator::<PAGE, allocator_bitmap::Inline<200>>::new();
    // SAFETY: 1. and 2. Mere numbers, which the test owns.
    unsafe {
        pages.add_memory(0, 4 * PAGE).unwrap();
        pages.add_memory(8 * PAGE, 4 * PAGE).unwrap();
        for _ in 0..8 {
            pages.alloc_pages(1, PAGE).unwrap();
        }
        // The open chunk has bits for pages 0 to 511, of which pages 8 to 11 belong to another span.
        for page in [1, 9, 2, 10, 11, 8, 0, 3] {
            assert_eq!(pages.dealloc_pages(page * PAGE, 1), Ok(()), "page {page}");
        }
    }
    assert_eq!(pages.used_pages(), 0);
}

#[test]
fn a_byte_of_a_held_page_is_overlap_also_when_it_is_trimmed_off() {
    let mut pages = allocator_bitmap::BitmapPageAllocator::<PAGE, allocator_bitmap::Inline<200>>::new();
    // SAFETY: 1. and 2. Mere numbers.
    unsafe {
        pages.add_memory(4 * PAGE, 4 * PAGE).unwrap();
        assert_eq!(pages.add_memory(2 * PAGE, 2 * PAGE + 1), Err(AllocError::MemoryOverlap));
        assert_eq!(pages.add_memory(8 * PAGE - 1, 2 * PAGE + 1), Err(AllocError::MemoryOverlap));
        pages.add_memory(2 * PAGE, 2 * PAGE).unwrap();
    }
}
