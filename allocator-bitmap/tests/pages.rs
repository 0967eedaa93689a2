//! What the page allocator promises: the edges of the address space, page sizes, spans, and load against a model.
#![cfg(feature = "package")]
#![allow(clippy::unwrap_used, reason = "a test helper that fails is a test that fails")]

use allocator_api::{AllocError, AllocResult, BaseAllocator, LargestFreeRun, PageAllocator};
use allocator_bitmap::package::{BitAlloc4K, BitAlloc256, BitmapPageAllocator, MAX_REGIONS, Map};

const PAGE: usize = 4096;

fn add<const S: usize, M: Map>(pages: &mut BitmapPageAllocator<S, M>, start: usize, size: usize) -> AllocResult {
    // SAFETY: 1. and 2. The allocator never touches its regions, and the tests use the addresses as numbers.
    unsafe { pages.add_memory(start, size) }
}

fn free<const S: usize, M: Map>(pages: &mut BitmapPageAllocator<S, M>, pos: usize, count: usize) -> AllocResult {
    // SAFETY: 1. Each test is the only owner of the pages of its allocator. 2. Nobody uses them at all.
    unsafe { pages.dealloc_pages(pos, count) }
}

#[test]
fn the_first_and_the_last_page_of_the_address_space_are_pages_like_any() {
    const LAST: usize = usize::MAX - (PAGE - 1);
    for (first, count) in [(0, 3), (LAST - 2 * PAGE, 3), (LAST, 1), (0, 1)] {
        let mut pages = BitmapPageAllocator::<PAGE, BitAlloc256>::new();
        add(&mut pages, first, count * PAGE).unwrap();
        assert_eq!(pages.total_pages(), count);
        assert_eq!(pages.alloc_pages(count, PAGE), Ok(first));
        assert_eq!(pages.alloc_pages(1, PAGE), Err(AllocError::NoMemory));
        assert_eq!(free(&mut pages, first, count + 1), Err(AllocError::NotAllocated));
        assert_eq!(free(&mut pages, first, count), Ok(()));
        assert_eq!(pages.alloc_pages_at(first, count, PAGE), Ok(first));
    }
}

#[test]
fn regions_that_hold_no_page_or_leave_the_address_space_are_invalid() {
    let mut empty = BitmapPageAllocator::<PAGE, BitAlloc256>::new();
    let mut filled = BitmapPageAllocator::<PAGE, BitAlloc256>::new();
    add(&mut filled, 0, PAGE).unwrap();
    for pages in [&mut empty, &mut filled] {
        let total = pages.total_pages();
        for (start, size) in [
            (8 * PAGE, 0),
            (8 * PAGE, PAGE - 1),
            (8 * PAGE + 1, 2 * PAGE - 2),
            (usize::MAX, 2),
            (PAGE, usize::MAX),
        ] {
            assert_eq!(add(pages, start, size), Err(AllocError::InvalidParam), "{size} at {start:#x}");
        }
        assert_eq!(pages.total_pages(), total);
    }
}

#[test]
fn init_is_refused_once_there_is_memory_and_not_before() {
    let mut pages = BitmapPageAllocator::<PAGE, BitAlloc256>::with_base(0);
    // SAFETY: 1. and 2. The allocator never touches its regions.
    let mut init = |start, size| unsafe { pages.init(start, size) };
    assert_eq!(init(0, 100), Err(AllocError::InvalidParam));
    assert_eq!(init(0, PAGE), Ok(()));
    assert_eq!(init(8 * PAGE, PAGE), Err(AllocError::InvalidParam));
    assert_eq!(pages.total_pages(), 1);
}

#[test]
fn pages_of_any_power_of_two_work() {
    fn check<const S: usize>() {
        let mut pages = BitmapPageAllocator::<S, BitAlloc256>::new();
        add(&mut pages, S + 1, 10 * S).unwrap();
        assert_eq!(pages.total_pages(), if S == 1 { 10 } else { 9 });
        let first = S + S.max(2);
        assert_eq!(pages.alloc_pages(1, S), Ok(if S == 1 { 2 } else { first }));
        let aligned = first.next_multiple_of(4 * S);
        assert_eq!(pages.alloc_pages(2, 4 * S), Ok(aligned));
        assert_eq!(pages.alloc_pages_at(aligned, 1, S), Err(AllocError::NoMemory));
        free(&mut pages, aligned + S, 1).unwrap();
        assert_eq!(pages.used_pages(), 2);
    }
    check::<1>();
    check::<512>();
    check::<4096>();
    check::<0x1_0000>();
    check::<0x20_0000>();
}

#[test]
fn a_base_that_is_given_holds_the_span_whatever_comes_first() {
    let mut pages = BitmapPageAllocator::<PAGE, BitAlloc256>::with_base(5 * PAGE + 17);
    let span = pages.span().unwrap();
    assert_eq!((span.start(), span.last()), (5 * PAGE, 261 * PAGE - 1));
    assert_eq!(add(&mut pages, 4 * PAGE, 2 * PAGE), Err(AllocError::InvalidParam));
    assert_eq!(add(&mut pages, 260 * PAGE, PAGE), Ok(()));
    assert_eq!(add(&mut pages, 5 * PAGE, PAGE), Ok(()));
    assert_eq!(pages.span(), Some(span));
    assert_eq!(pages.alloc_pages(1, 4 * PAGE), Ok(260 * PAGE));
}

#[test]
fn one_region_beyond_the_limit_is_refused_and_touching_ones_do_not_count() {
    let mut pages = BitmapPageAllocator::<PAGE, BitAlloc4K>::new();
    for n in 0..MAX_REGIONS {
        assert_eq!(add(&mut pages, 2 * n * PAGE, PAGE), Ok(()), "region {n}");
    }
    assert_eq!(add(&mut pages, 2 * MAX_REGIONS * PAGE, PAGE), Err(AllocError::NoMemory));
    assert_eq!(pages.total_pages(), MAX_REGIONS);
    assert_eq!(add(&mut pages, PAGE, PAGE), Ok(()));
    assert_eq!(add(&mut pages, 2 * MAX_REGIONS * PAGE, PAGE), Ok(()));
    assert_eq!(pages.total_pages(), MAX_REGIONS + 2);
}

/// A map of 16M pages, for 64 GiB, is far larger than a kernel's stack. The largest one must never be copied.
#[cfg(target_pointer_width = "64")]
#[test]
fn the_map_for_64_gibibytes_works_on_a_stack_of_64_kibibytes() {
    use std::{
        sync::{Mutex, PoisonError},
        thread,
    };

    use allocator_api::ConstEmpty;
    use allocator_bitmap::package::BitAlloc16M;

    const GIB: usize = 1 << 30;
    static PAGES: Mutex<BitmapPageAllocator<PAGE, BitAlloc16M>> = Mutex::new(BitmapPageAllocator::EMPTY);

    let work = || {
        let mut pages = PAGES.lock().unwrap_or_else(PoisonError::into_inner);
        add(&mut pages, 0x10_0000, 3 * GIB).unwrap();
        add(&mut pages, 4 * GIB, 60 * GIB).unwrap();
        assert_eq!(add(&mut pages, 64 * GIB, PAGE), Err(AllocError::InvalidParam));
        assert_eq!(pages.total_pages(), 63 * GIB / PAGE);
        assert_eq!(pages.alloc_pages(60 * GIB / PAGE, GIB), Ok(4 * GIB));
        assert_eq!(pages.alloc_pages(1, PAGE), Ok(0x10_0000));
        free(&mut pages, 4 * GIB, 60 * GIB / PAGE).unwrap();
        assert_eq!(pages.largest_free_run_pages(), 60 * GIB / PAGE);
        format!("{:?}", *pages).len()
    };
    let shown_bytes = thread::Builder::new().stack_size(64 * 1024).spawn(work).unwrap().join().unwrap();
    assert!(shown_bytes > 100);
}

#[test]
fn a_printed_allocator_shows_its_span_its_regions_and_its_use() {
    let mut pages = BitmapPageAllocator::<PAGE, BitAlloc256>::new();
    add(&mut pages, 0x2000, 0x3000).unwrap();
    pages.alloc_pages(1, PAGE).unwrap();
    let shown = format!("{pages:?}");
    for part in ["total_pages: 3", "used_pages: 1", "span: Some(0x0..=0xfffff)", "regions: [0x2000..=0x4fff]"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
}

/// A small generator of numbers that differ from seed to seed (Marsaglia's xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }
}

/// Pages from number `FIRST` on: `None` where not managed, else whether the page is free.
const FIRST: usize = 1027;
const COUNT: usize = 1024;
type Model = Vec<Option<bool>>;

fn model_run(model: &Model, first: usize, count: usize) -> &[Option<bool>] {
    model.get(first..first.saturating_add(count)).unwrap_or(&[])
}

fn lowest_free(model: &Model, count: usize, align_pages: usize) -> Option<usize> {
    (0..COUNT).find(|&first| {
        let run = model_run(model, first, count);
        (FIRST + first).is_multiple_of(align_pages) && !run.is_empty() && run.iter().all(|p| *p == Some(true))
    })
}

/// One call, chosen at random, to the allocator and to the model; both must answer alike.
fn step(pages: &mut BitmapPageAllocator<PAGE, BitAlloc4K>, model: &mut Model, numbers: &mut Numbers) {
    let count_log2 = numbers.below(7);
    let count = 1 + numbers.below(1 << count_log2);
    let first = numbers.below(COUNT - count + 1);
    let address = (FIRST + first) * PAGE;
    let run = model_run(model, first, count);
    let (change, filled) = match numbers.below(3) {
        0 => {
            let align_pages = 1 << numbers.below(8);
            let expected = lowest_free(model, count, align_pages);
            let answer = pages.alloc_pages(count, align_pages * PAGE);
            assert_eq!(answer.ok(), expected.map(|index| (FIRST + index) * PAGE));
            (expected, Some(false))
        }
        1 => {
            let expected = run.iter().all(|page| *page == Some(true)).then_some(first);
            assert_eq!(pages.alloc_pages_at(address, count, PAGE).is_ok(), expected.is_some());
            (expected, Some(false))
        }
        _ => {
            let expected = run.iter().all(|page| *page == Some(false)).then_some(first);
            assert_eq!(free(pages, address, count).is_ok(), expected.is_some());
            (expected, Some(true))
        }
    };
    if let Some(first) = change {
        model[first..first + count].fill(filled);
    }
    assert_eq!(pages.used_pages(), model.iter().filter(|page| **page == Some(false)).count());
}

#[test]
fn random_calls_are_answered_as_a_plain_array_answers_them() {
    for seed in 1..=8 {
        let mut pages = BitmapPageAllocator::<PAGE, BitAlloc4K>::with_base(1021 * PAGE);
        let mut model: Model = vec![None; COUNT];
        for (first, count) in [(0, 100), (700, 324), (100, 200), (320, 300)] {
            add(&mut pages, (FIRST + first) * PAGE, count * PAGE).unwrap();
            model[first..first + count].fill(Some(true));
        }
        let mut numbers = Numbers(seed);
        for _ in 0..3000 {
            step(&mut pages, &mut model, &mut numbers);
        }
        let longest = model.split(|page| *page != Some(true)).map(<[_]>::len).max();
        assert_eq!(Some(pages.largest_free_run_pages()), longest);
    }
}
