//! Taking memory out: what stands in the way is told exactly, and what remains is recorded.
#![allow(clippy::unwrap_used, reason = "a test helper that fails is a test that fails")]

use allocator_api::{AllocError, BaseAllocator, CheckIntegrity, PageAllocator, RemoveError, RemoveMemory};
use allocator_bitmap::{BitmapPageAllocator, Inline};

const PAGE: usize = 4096;

type Pages = BitmapPageAllocator<PAGE, Inline<200>>;

/// The `count` pages from page number `first` on.
fn over(first: usize, count: usize) -> Pages {
    let mut pages = Pages::new();
    // SAFETY: 1. and 2. Records lie in the value: the region is mere numbers.
    unsafe { pages.add_memory(first * PAGE, count * PAGE) }.unwrap();
    pages
}

#[test]
fn the_first_run_of_pages_in_use_is_told_as_far_as_it_lies_in_the_range() {
    let mut pages = over(100, 1000);
    for (first, count) in [(300, 7), (400, 2)] {
        pages.alloc_pages_at(first * PAGE, count, PAGE).unwrap();
    }
    for ((first, count), (used, used_count)) in [
        ((100, 1000), (300, 7)),
        ((250, 100), (300, 7)),
        ((303, 2), (303, 2)),
        ((305, 90), (305, 2)),
        ((350, 51), (400, 1)),
        ((307, 100), (400, 2)),
    ] {
        let in_use = RemoveError::InUse { first: used * PAGE, bytes: used_count * PAGE };
        assert_eq!(pages.remove_memory(first * PAGE, count * PAGE), Err(in_use), "{count} pages from {first} on");
    }
    assert_eq!((pages.total_pages(), pages.used_pages()), (1000, 9));
    pages.remove_memory(307 * PAGE, 93 * PAGE).unwrap();
    assert_eq!((pages.total_pages(), pages.used_pages()), (907, 9));
    pages.check_integrity().unwrap();
}

#[test]
fn both_parts_beside_what_is_taken_out_are_handed_out_whichever_is_larger() {
    for (below, above) in [(400, 400), (300, 500), (500, 300), (1, 600), (600, 1)] {
        let mut pages = over(0, below + 10 + above);
        pages.remove_memory(below * PAGE, 10 * PAGE).unwrap();
        pages.check_integrity().unwrap();
        assert_eq!(pages.alloc_pages_at(0, below, PAGE), Ok(0));
        assert_eq!(pages.alloc_pages_at((below + 10) * PAGE, above, PAGE), Ok((below + 10) * PAGE));
        assert_eq!(pages.alloc_pages(1, PAGE), Err(AllocError::NoMemory), "{below} and {above}");
        pages.check_integrity().unwrap();
    }
}
